"""pages.py - a security log of a million rows, made in seconds as the house writes it, and questions
about it over the owner's socket."""

import hashlib
import http.client
import json
import random
import socket
import time
import urllib.parse

ROWS, SEED = 10**6, 26
LINE = ('{"action":"config.read","actor_id":"uid:%d","actor_type":"User","details":{"method":'
        '"/ward.v1.System/Config"},"event_type":"DataAccess","ip_address":null,"outcome":"Success",'
        '"prev":"%s","resource":"settings","seq":%d,"timestamp":"2026-11-28T%02d:%02d:%02d.%03dZ",'
        '"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}')
ACTORS = 1000  # each row in turn


def long_log(folder):
    """All rows in one file, with the hashes that are kept of them."""
    before = "0" * 64
    with open(folder / "security.log", "wb") as log, open(folder / "leaves", "wb") as leaves:
        for seq in range(ROWS):
            at = seq * 86  # milliseconds: a day's
            line = (LINE % (seq % ACTORS, before, seq, at // 3600000, at // 60000 % 60,
                            at // 1000 % 60, at % 1000)).encode()
            leaf = hashlib.sha256(b"\0" + line).digest()
            log.write(line + b"\n")
            leaves.write(leaf)
            before = leaf.hex()
    for path in folder.iterdir():
        path.chmod(0o600)


def rests(used):
    """At its first start core reads the whole log, a page at a time, for what the store knows: true
    when that is over, by the seconds of a processor that were used."""
    until, before = time.monotonic() + 120, 0
    while time.monotonic() < until:
        now = used()
        if now - before < 0.005:
            return True
        before = now
        time.sleep(0.5)
    return False


def connect(state):
    link = http.client.HTTPConnection("localhost")
    link.sock = socket.socket(socket.AF_UNIX)
    link.sock.connect(str(state / "run/ward.sock"))
    return link


def questions(count):
    """(what is asked, the number of the record that must come first)"""
    rng = random.Random(SEED)
    for number in range(count):
        at = rng.randrange(ROWS - 2 * ACTORS)
        query = {"cursor": at, "limit": (1000, 100)[number % 2]}
        if number % 4 > 1:
            query["actor_id"] = f"uid:{(at + 234) % ACTORS}"
        yield query, at + (234 if "actor_id" in query else 0)


def ask(link, query):
    """(milliseconds, page)"""
    begin = time.perf_counter()
    link.request("GET", "/v1/audit/records?" + urllib.parse.urlencode(query))
    body = link.getresponse().read()
    return (time.perf_counter() - begin) * 1000, {"records": [], **json.loads(body)}
