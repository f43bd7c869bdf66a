"""house.py - a whole house on a free port, for tests that look at it from outside, and a reader
of its log that asks none of its processes."""

import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import auditor
import contract
import leaks
from unix_http import UnixConnection

BUILD = pathlib.Path(os.environ["WARD_BUILD"])
WARD = BUILD / "ward"
COMMANDS = BUILD / "src/cmd/ward-commands"
NAMES = ("audit", "keeper", "verify", "core", "front", "tee", "fetch", "dial", "runner")
READY_S = 30


def free_port():
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))
        return end.getsockname()[1]


def until(done, seconds=10, step=0.02):
    """What `done` returns as soon as that is something; TimeoutError when it is not in time."""
    end = time.monotonic() + seconds
    while True:
        got = done()
        if got:
            return got
        if time.monotonic() >= end:
            raise TimeoutError(done)
        time.sleep(step)


def stat_of(pid):
    """(name, state, parent) of a process, or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    name, rest = text[text.index("(") + 1:].rsplit(")", 1)
    state, parent = rest.split()[:2]
    return name, state, int(parent)


def lives(pid):
    found = stat_of(pid)
    return found is not None and found[1] not in "ZX"


def is_traced(pid):
    """Whether somebody traces it, or did: a tracer may have ended it by now."""
    try:
        return "TracerPid:\t0\n" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def children_of(parent):
    """{name: pid} of the living processes under a monitor, without what has not begun."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        stat = stat_of(entry.name) if entry.name.isdigit() else None
        if stat and stat[2] == parent and stat[1] not in "ZX" and stat[0].startswith("ward-"):
            found[stat[0].removeprefix("ward-")] = int(entry.name)
    return {name: pid for name, pid in found.items() if name in NAMES}


class House:
    """with House() as house: ...   Its folder is `base`/state; nothing of it is left."""

    def __init__(self, state=None, port=None, address="127.0.0.1"):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="ward-house-"))
        self.state = pathlib.Path(state or self.base / "state")
        self.port, self.address = port or free_port(), address
        self.seen = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        leaks.look(self.state)
        for pid in {self.monitor(), *self.seen} - {0}:
            if lives(pid) and (stat_of(pid) or ("",))[0].startswith("ward-"):
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGKILL)
        for pid in self.seen:
            until(lambda pid=pid: not lives(pid), 10)
        shutil.rmtree(self.base, ignore_errors=True)

    def words(self, command, *more):
        words = [str(WARD), command, "--state", str(self.state)]
        return words + (["--listen", f"{self.address}:{self.port}"] if command == "up" else []) + \
            [str(word) for word in more]

    def run(self, command, *more, **how):
        """The finished `ward up` or `ward down`; its output is text."""
        how = {"capture_output": True, "text": True, "timeout": 90, "check": False} | how
        done = subprocess.run(self.words(command, *more), **how)
        self.processes()
        return done

    def up(self, *more, **how):
        done = self.run("up", *more, **how)
        if done.returncode != 0:
            raise AssertionError(f"up: {done.returncode}: {done.stderr}\n{self.log()}")
        return done

    def down(self, *more, **how):
        return self.run("down", *more, **how)

    def log(self):
        path = self.state / "ward.log"
        return path.read_text() if path.exists() else ""

    def monitor(self):
        """The number in the lock when that process lives, else 0."""
        try:
            pid = int((self.state / "run/lock").read_text().split()[0])
        except (OSError, IndexError, ValueError):
            return 0
        return pid if lives(pid) and (stat_of(pid) or ("",))[0] == "ward-monitor" else 0

    def processes(self):
        """{name: pid} of all that live now, the monitor included."""
        monitor = self.monitor()
        found = {"monitor": monitor, **children_of(monitor)} if monitor else {}
        self.seen.update(found.values())
        return found

    def ask(self, path, timeout=10, tls=False, body=None, fields=()):
        """(status, object) of a GET over the owner's socket, or over TLS; with a body a POST."""
        if tls:
            trust = ssl.create_default_context(cafile=self.state / "ca.pem")
            connection = http.client.HTTPSConnection("localhost", self.port, timeout=timeout,
                                                     context=trust)
        else:
            connection = UnixConnection(self.state / "run/ward.sock", timeout)
        try:
            status, _, said = contract.ask(connection, "GET" if body is None else "POST", path, body,
                                           ({"content-type": "application/json"} if body else {}) |
                                           dict(fields))
            return status, json.loads(said)
        finally:
            connection.close()

    def works(self, timeout=5):
        """Every process has a part in this: front and keeper in the handshake, core in ping,
        audit in the head."""
        try:
            return (self.ask("/v1/system/ping?text=hi", timeout, tls=True)[0] == 200 and
                    self.ask("/v1/audit/head", timeout)[0] == 200)
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def until_works(self, seconds):
        """How long it took."""
        begin = time.monotonic()
        until(lambda: self.works(min(1.5, seconds)), seconds, 0.05)
        return time.monotonic() - begin


class OneHouse(unittest.TestCase):
    """Tests of one house that is up as long as they run; `said` is what the start had to say."""

    kind, words = House, ()

    @classmethod
    def setUpClass(cls):
        cls.house = cls.kind()
        cls.addClassCleanup(cls.house.__exit__)
        cls.said = cls.house.up(*cls.words).stderr
        cls.addClassCleanup(cls.house.down, "--purge", "--yes")


class Evidence:
    """What was acknowledged to clients, and whether the files still say so.  check() raises
    AssertionError with what is missing."""

    def __init__(self, state):
        self.folder = pathlib.Path(state) / "audit"
        self.heads = {}    # size: root, as it was served
        self.records = {}  # seq: the fields, as they were served

    def note(self, house, seconds=5):
        """Asks for the head and the last records, and keeps what was answered. Whoever was cut
        off asks again: a house in which a process fell is back within the time."""
        head = self.answer(house, "/v1/audit/head", seconds)
        self.heads.setdefault(int(head["size"]), head["root_hash"])
        for record in self.answer(house, "/v1/audit/records", seconds)["records"]:
            self.records.setdefault(int(record["seq"]), record)

    @staticmethod
    def answer(house, path, seconds):
        def once():
            try:
                status, answer = house.ask(path, seconds)
            except (OSError, http.client.HTTPException, ValueError):
                return None
            return answer if status == 200 else None
        return until(once, seconds, 0.05)

    def lines(self):
        reader = auditor.House.__new__(auditor.House)
        reader.folder = self.folder
        return reader.lines()

    def check(self):
        """One chain from the first record; kept hashes agree with it; every head that was
        served is a prefix of it, and every record that was served is in its place."""
        import base64
        prev, leaves, rows = bytes(32), [], []
        kept = (self.folder / "leaves").read_bytes()
        for seq, line in enumerate(self.lines()):
            row = json.loads(line)
            assert row["seq"] == seq, f"record {row['seq']} in place {seq}"
            assert row["prev"] == prev.hex(), f"record {seq} does not follow the one before"
            prev = hashlib.sha256(b"\0" + line).digest()
            assert kept[32 * seq:32 * seq + 32] in (b"", prev), f"the kept hash of {seq}"
            leaves.append(prev)
            rows.append(row)
        for size, root in self.heads.items():
            assert size <= len(leaves), f"a head of {size} was served, {len(leaves)} are left"
            have = base64.b64encode(auditor.root_of(leaves[:size])).decode()
            assert have == root, f"the head of {size} that was served is not of this log"
        for seq, record in self.records.items():
            assert seq < len(rows), f"record {seq} was served and is gone"
            assert rows[seq]["action"] == record["action"], f"record {seq} is another"
        return len(leaves)
