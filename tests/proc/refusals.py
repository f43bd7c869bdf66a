"""refusals.py - a house that is made to say no for as many reasons as a test can give it, by everybody
who can ask: strangers, callers, peers in channels, and its owner with damaged files. What it says is
kept in `said`."""

import base64
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import time

import front_house
import house as houses
import leaks
import linked
import refusals_more
import test_attest
import test_link
from house import until
from signer import Signer
from test_no_secrets import Run
from test_tokens import GOOD, packed, signed, unpacked

PING, TYPE = "/v1/system/ping", "Content-Type: application/json"
CONFIG = """[peers.sums]
url = "wss://challenge.example/sdk/ws"
public = "http://127.0.0.1:1"
[peers.other]
url = "wss://other.example/sdk/ws"
"""
HEADS = (
    "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/2.7\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "G" * 99 + " / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX: " + "x" * 15000 + "\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 300 + "\r\n", "GET / HTTP/1.1\r\nHost\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    "POST /v1/keyring/rotate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "GET /v1/system/config?key=none HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /v1/keyring/rotate HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n",
    "POST /v1/keyring/rotate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;"
    + "x" * 5000 + "\r\n",
    "POST /v1/keyring/rotate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "1\r\n{\r\n0\r\nContent-Length: 1\r\n\r\n",
    "POST /v1/keyring/rotate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
    "POST /v1/keyring/rotate HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: \x07\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n",
    "GET /v1/system/ping?text=%ff HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /v1/system/ping?nothing=1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /v1/system/ping?text=a&text=b HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /v1/audit/records?limit=many HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /v1/audit/records?cursor=none HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /v1/audit/records/99999999 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /v1/audit/proof?seq=9999&size=1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE /v1/system/ping HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /v1/session HTTP/1.1\r\nHost: a\r\n\r\n", "GET /v1/channel HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /v1/channel HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
BODIES = (
    ("/v1/keyring/rotate", b"{"), ("/v1/keyring/rotate", b'{"role":"king"}'),
    ("/v1/keyring/rotate", b'{"role":7}'), ("/v1/keyring/rotate", b'{"a":1}'),
    ("/v1/keyring/rotate", b'{"role":"tls","role":"tls"}'), ("/v1/keyring/rotate", b"[" * 99),
    ("/v1/keyring/rotate", b'{"role":"\xff"}'), ("/v1/attest/evidence", b'{"report_data":"AA=="}'),
    ("/v1/attest/verify", b'{"evidence":"AAAA"}'), ("/v1/attest/verify", b'{"evidence":""}'),
    ("/v1/attest/verify", b'{"evidence":"AAAA","policy":"= ="}'),
    ("/v1/attest/verify", b'{"evidence":"AAAA","type":"sgx"}'),
    ("/v1/attest/verify", b'{"evidence":"' + b"A" * 140000 + b'"}'),
    ("/v1/sessions/grant", b'{"name":"","public_key":""}'),
    ("/v1/sessions/grant", b'{"name":"a","public_key":"AAAA"}'),
    ("/v1/sessions/grant", b'{"name":"a","profile":"x","public_key":"' +
     base64.b64encode(Signer().public) + b'"}'),
    ("/v1/sessions/grant", b'{"name":"' + b"n" * 999 + b'","public_key":"' +
     base64.b64encode(Signer().public) + b'"}'),
    ("/v1/sessions/grant", b'{"name":"a\\nb","public_key":"' + base64.b64encode(Signer().public) + b'"}'),
    ("/v1/sessions/revoke", b'{"id":"00"}'), ("/v1/collateral/refresh", b"{}"),
    ("/v1/audit/verify", b'{"from":-1}'))
HEADERS = ([TYPE, "If-Match: \"0\""], [TYPE, "If-Match: x"], [TYPE, "Idempotency-Key: " + "k" * 65],
           ["Content-Type: text/plain"], [])


class Refusing(Run):
    """A house that takes channels, for whoever its own TEE vouches for."""

    ask, monitor = houses.House.ask, houses.House.monitor
    socket, evidence, records, rows, own, root = (
        linked.House.socket, linked.House.evidence, linked.House.records, linked.House.rows,
        linked.House.own, linked.House.root)
    policy = linked.House.policy

    def __init__(self):
        super().__init__()
        self.config, self.said = CONFIG, b""
        self.miners_file = self.folder / "miners"
        self.miners_file.write_text(GOOD["subject"] + "\n")
        (self.folder / "sdk.toml").write_text(refusals_more.SDK_POLICY)
        self.policy_file = self.folder / "channel.toml"
        self.policy_file.write_text(linked.NOTHING)
        self.settings |= {"channel.policy": str(self.policy_file),
                          "sdk.policy": str(self.folder / "sdk.toml"),
                          "miners.file": str(self.miners_file)}

    def heard(self, text):
        self.said += (text if isinstance(text, bytes) else str(text).encode()) + b"\n"
        leaks.hear(text)  # also what came packed, as the details of gRPC do

    def raw(self, text, tls):
        with (self.tls if tls else self.plain)() as one, contextlib.suppress(OSError, TimeoutError):
            one.sendall(text.encode("latin-1"))
            one.settimeout(0.5)
            self.heard(one.recv(65536))

    def post(self, target, body, fields=(TYPE,), method="POST", tls=False):
        with (self.tls if tls else self.plain)() as one:
            status, head, text = front_house.ask(one, method, target, list(fields), body)
        self.heard(f"{head}".encode() + text)
        return status, json.loads(text) if text[:1] == b"{" else {}


def of_grpc(one, state):
    """The code is in a field of its own."""
    said = {**state["fields"], **state["trailers"]}
    one.heard(str(state))
    if "grpc-status-details-bin" in said:
        one.heard(front_house.details(said)[0])


def by_strangers(one):
    """Over HTTP/1.1, HTTP/2 and gRPC, with what is no request, or none of theirs."""
    for text in HEADS:
        for tls in (True, False):
            one.raw(text, tls)
    for tls in (True, False):
        for target, body in BODIES:
            one.post(target, body, tls=tls)
        for fields in HEADERS:
            one.post("/v1/keyring/rotate", b'{"role":"tls"}', fields, tls=tls)
    with one.tls("h2") as end:
        client = front_house.H2(end)
        for path, body, fields in (
                ("/ward.v1.System/Ping", b"\xff\xff", ()), ("/ward.v1.System/Ping", b"\n\2\xff\xff", ()),
                ("/ward.v1.System/Ping", b"x" * 16000, ()), ("/ward.v1.Nobody/Ping", b"", ()),
                ("/ward.v1.System/Config", b"", ()), ("/grpc.health.v1.Health/Check", b"\n\1x", ()),
                ("/ward.v1.System/Ping", b"", [("grpc-timeout", "soon")]),
                ("/ward.v1.System/Ping", b"", [("grpc-timeout", "1n")]),
                ("/ward.v1.System/Ping", b"", [("grpc-encoding", "gzip")])):
            of_grpc(one, client.wait(client.grpc(path, body, fields)))
        for body in (b"\1\0\0\0\0", b"\0\0\0\0\x09a", b"\0", b"\0\0\0\0\0\0\0\0\0\0"):
            of_grpc(one, client.wait(client.begin("POST", "/ward.v1.System/Ping", [
                ("content-type", "application/grpc"), ("te", "trailers")], body)))


def of_evidence(one):
    """Every case of the vectors, with policies that deny it; one of each kind spoiled in many places."""
    roots = test_attest.policy_with_roots()
    policies = [roots, "", roots.replace("hardware = false", "hardware = true")] + [
        roots + more + "\n" for more in (
            "[tdx]\nmrtd = [\"" + "00" * 48 + "\"]", "[sgx]\nmrenclave = [\"" + "00" * 32 + "\"]",
            "nonce = \"00\"", "[tcb]\nmin_date = 2100-01-01T00:00:00Z", "[tcb]\nadvisories_allowed = []",
            "[tcb]\nmin_evaluation_number = 99999", "[tcb]\ndynamic_platform = true",
            "[tcb]\nsmt_enabled = true", "[tdx]\nxfam_allowed = []", "[sgx]\nxfrm_allowed = []",
            "[tdx]\nrequire_sept_ve_disable = true", "[nitro]\nmodule_id = \"x\"",
            "[nitro]\nrequire_public_key = true", "[nitro]\nmax_age = 1", "types = [\"sgx-v5\"]")]
    kinds = set()
    for case in test_attest.CASES:
        for policy in policies:
            one.post("/v1/attest/verify", json.dumps(test_attest.request_of(case, policy)).encode())
        if case["type"] in kinds:
            continue
        kinds.add(case["type"])
        request = test_attest.request_of(case, policies[0])
        whole = base64.b64decode(request["evidence"])
        spoiled = [whole[:len(whole) * n // 8] for n in range(1, 8)] + [whole + b"x"]
        for at in (0, 2, 4, 12, 50, 120, 300, 400, len(whole) // 2, len(whole) - 40):
            spoiled.append(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:])
        for evidence in spoiled:
            text = json.dumps(request | {"evidence": base64.b64encode(evidence).decode()})
            one.post("/v1/attest/verify", text.encode())
        for log in (b"x", b"[{}]", b"[" * 40, b'[{"imr":9}]', bytes(90)):
            one.post("/v1/attest/verify", json.dumps(
                request | {"event_log": base64.b64encode(log).decode()}).encode())
        for other in ({"collateral": []}, {"collateral": request["collateral"][:1] * 2},
                      {"time": "2001-01-01T00:00:00Z"}, {"time": "2101-01-01T00:00:00Z"},
                      {"report_data": base64.b64encode(bytes(64)).decode()},
                      {"event_log": base64.b64encode(b"[]").decode()}):
            one.post("/v1/attest/verify", json.dumps(request | other).encode())


def in_channels(one):
    """Peers whose handshake, evidence or messages are none."""
    hello, Peer = test_link.raw_hello, linked.Peer
    for message in (b"", b"\2\2" + bytes(70), hello(version=9), hello(ciphers=(3,)), hello(flags=0),
                    hello(purpose=b"other"), hello(point=bytes(32))):
        with linked.Socket(one) as end:
            end.channel = None
            end.send(message)
            one.heard(linked.refusal(end))
    for message in (b"\3\2" + bytes(40), b"\3\3" + bytes(40), b"\7" + bytes(40)):
        with Peer(one, until="finish") as end:
            end.send(message)
            one.heard(linked.refusal(end))
    other = one.evidence(bytes(64))
    for quote in ((1, b"no quote", b""), other, (1, other[1], b"[]"), (2, other[1], other[2]),
                  (1, other[1][:-9], other[2]), (1, bytes(70000), b""), (9, b"x", b"")):
        with Peer(one, until="finish", quote=lambda _, quote=quote: quote) as end:
            end.say(end.held)
            one.heard(linked.refusal(end))
    for words in ({"type": "nothing"}, {"type": "session"}, {"type": "session", "public_key": "AA"},
                  {"type": "logs", "message": "x" * 9000}, {}):
        with Peer(one) as end:
            end.tell(**words)
            with contextlib.suppress(linked.Closed, TimeoutError):
                end.end.settimeout(1)
                one.heard(json.dumps(end.hear()))
    for record in (lambda end: end.sent[-1], lambda end: bytes(40), lambda end: b"\7" + bytes(90),
                   lambda end: end.channel.send(b"{")):
        with Peer(one) as end:
            end.tell(type="ping")
            end.hear()
            end.send(record(end))
            with contextlib.suppress(TimeoutError):
                end.end.settimeout(1)
                one.heard(linked.refusal(end))


def in_websockets(one):
    """What is no frame, or too much of it; and more handshakes than one may have."""
    for frames in (lambda end: end.frame(b"", 3), lambda end: end.frame(b"", linked.PING) * 9,
                   lambda end: b"\x82\xff" + (1 << 40).to_bytes(8, "big") + bytes(9),
                   lambda end: end.frame(bytes(end.channel.send(b"{}")[:-1]) + b"x"),
                   lambda end: (end.channel.send(b"{}"), end.frame(end.channel.send(b"{}")))[1]):
        with linked.Peer(one) as end:
            end.end.sendall(frames(end))
            with contextlib.suppress(TimeoutError):
                end.end.settimeout(1)
                one.heard(linked.refusal(end))
    with contextlib.ExitStack() as stack:
        for _ in range(9):
            one.heard(stack.enter_context(linked.Socket(one, source="127.7.7.7")).problem)


def of_signatures(one):
    """Requests that are signed for no session, or not well."""
    peer, other = one.grant(Signer()), one.grant(Signer())
    sdk = one.grant(Signer(), profile="sdk-v1", name="sdk")
    good, show, now = peer.sign("GET", "/v1/session"), "/v1/session", int(time.time())
    until(lambda: one.post(show, b"", peer.lines("GET", show), "GET")[0] == 200)
    rows = [good | change for change in (
        {"X-Signature-Version": "3"}, {"X-Timestamp": "+1"}, {"X-Nonce": "short"},
        {"X-Public-Key": "AAAA"}, {"X-Signature": "AAAA"}, {"X-Session-Token": "x"},
        {"X-Nonce": ""})]
    rows += [peer.sign("GET", show, **said) for said in (
        {"token": other.token}, {"token": "A" * 43}, {"timestamp": str(now - 200)},
        {"timestamp": str(now + 200)}, {"host": "elsewhere"})]
    rows += [peer.sign("GET", show, b"", 1), good, good]
    for row in rows:
        one.post(show, b"", [f"{name}: {value}" for name, value in row.items()], "GET")
    target = PING + "?text=a"
    one.post(target, b"", sdk.lines("GET", target, b"", 1), "GET")
    one.command("session", "revoke", peer.id(), "--state", one.state)
    one.post(show, b"", peer.lines("GET", show), "GET")


def of_tokens(one):
    """Miners' tokens with words that none has, forged, and used twice."""
    for change in ({"type": "king"}, {"subject": "x"}, {"challenge": "../x"}, {"seconds": 9999},
                   {"scope": ["*x"]}, {"uid": -1}):
        one.post("/v1/token/issue", json.dumps(GOOD | change).encode())
    token = one.post("/v1/token/issue", json.dumps(GOOD).encode())[1]["token"]
    short = one.post("/v1/token/issue", json.dumps(
        GOOD | {"seconds": 1, "scope": ["status"]}).encode())[1]["token"]
    scoped = one.post("/v1/token/issue", json.dumps(
        GOOD | {"scope": ["status"]}).encode())[1]["token"]
    header, claims, _ = token.split(".")
    head, body = json.loads(unpacked(header)), json.loads(unpacked(claims))
    usual = {"challenge": "sums", "route": "submit", "method": "POST", "query": "",
             "body_hash": base64.b64encode(hashlib.sha256(b"{}").digest()).decode()}
    rows = [({}, text) for text in (
        packed(json.dumps(head | {"alg": "none"}, separators=(",", ":"), sort_keys=True).encode(),
               unpacked(claims)) + ".", signed(head | {"kid": "0" * 32}, body), signed(head, body),
        token + "=", "A" * 3000)]
    rows += [({"challenge": "nobody"}, token), ({"challenge": "other"}, token),
             ({"method": "PUT"}, token), ({}, scoped), ({}, token), ({}, token)]
    for others, text in rows:
        one.post("/v1/token/redeem", json.dumps(usual | others | {"token": text}).encode())
    time.sleep(1.1)
    one.post("/v1/token/redeem", json.dumps(usual | {"route": "status", "token": short}).encode())


def of_faults(one):
    """A process of the house stands still, or is gone, while somebody asks."""
    for name, target, body in (("core", "/v1/token/issue", json.dumps(GOOD).encode()),
                               ("audit", "/v1/token/issue", json.dumps(GOOD).encode())):
        pid = one.kill(name, signal.SIGSTOP)
        try:
            one.post(target, body)
            with one.tls("h2") as end:
                client = front_house.H2(end)
                of_grpc(one, client.wait(client.grpc("/ward.v1.Audit/Head", b"",
                                                     [("grpc-timeout", "100m")])))
        finally:
            os.kill(pid, signal.SIGKILL)
            one.wait_new(name, pid)
            until(lambda: serves(one), 20)


def serves(one):
    with contextlib.suppress(OSError, AssertionError):
        return one.post("/v1/audit/head", b"", [], "GET")[0] == 200
    return False


def by_the_owner(one):
    """Commands that ask for what there is not, or may not be."""
    one.policy_file.with_name("box").write_bytes(b"x" * 40000)
    for words in (["ban", "add", "127.0.0.1", "--for", "1h"], ["ban", "lift", "10.9.9.9"],
                  ["ban", "add", "none"], ["keyring", "rotate", "king", "--yes"],
                  ["session", "revoke", "0" * 32], ["collateral", "refresh"],
                  ["audit", "prove", "99999"], ["config", "explain", "limit.nothing"],
                  ["up", "--set", "limit.nothing=1"], ["up", "--listen", f"127.0.0.1:{one.port}"],
                  ["backup", "restore", one.policy_file, "--passphrase-file", one.policy_file]):
        one.ward(*words)
    for words in (["seal", "--to", "AAAA", one.policy_file], ["evidence", "--source", "tsm:/nowhere"],
                  ["seal", "--to", "A" * 43 + "=", one.policy_file],
                  ["image", "import", one.policy_file, "sha256:" + "0" * 64],
                  ["verify", one.policy_file], ["evidence", "--source", "nsm"],
                  ["evidence", "--source", "dstack:/nowhere"],
                  ["spec", "check", one.policy_file], ["config", "check", one.policy_file],
                  ["up", "--state", one.folder / "other", "--listen", f"127.0.0.1:{one.port}"],
                  ["keyring", "list", "--state", one.folder / "nowhere"]):
        one.command(*words)
    for _ in range(80):
        one.post("/v1/attest/evidence", json.dumps(
            {"report_data": base64.b64encode(bytes(64)).decode()}).encode())
    with one.plain() as end:
        tag = front_house.ask(end, "GET", "/v1/keyring/keys")[1]["etag"]
    for _ in range(2):
        one.post("/v1/keyring/rotate", b'{"role":"tls"}', [TYPE, f"If-Match: {tag}"])
    for role in ("tls", "log"):
        one.post("/v1/keyring/rotate", json.dumps({"role": role}).encode(),
                 [TYPE, "Idempotency-Key: one"])


def lines(text):
    return text.splitlines(True)


def of_files(one, phrase):
    """The owner's commands on copies of a state whose files are damaged, with a house that is down;
    and on backups that are none."""
    backup = one.folder / "all.wardbackup"
    for place, words in ((backup, ["backup", "create", "--to", backup]),
                         (one.folder / "keys.backup", ["keyring", "backup",
                                                       one.folder / "keys.backup"])):
        one.ward(*words, "--passphrase-file", phrase)
        whole = place.read_bytes()
        for number, spoiled in enumerate((whole[:100], whole[:-7], b"x" * 500, whole + b"x",
                                          whole[:200] + b"\0\1" + whole[202:], b"")):
            bad = one.folder / f"bad-{number}"
            bad.write_bytes(spoiled)
            for command in (["backup", "restore", bad], ["keyring", "restore", bad]):
                one.command(*command, "--state", one.folder / f"new-{number}", "--passphrase-file",
                            phrase)
    one.command("up", "--state", one.policy_file)
    loose = one.folder / "loose"
    loose.mkdir()
    loose.chmod(0o777)
    one.command("up", "--state", loose)
    wrong = one.folder / "wrong"
    wrong.write_text("another passphrase\n")
    one.command("backup", "restore", backup, "--state", one.folder / "new-w", "--passphrase-file",
                wrong)
    for number, (name, damage) in enumerate((
            ("keyring", lambda text: text[:4000]), ("keyring", lambda text: b"x" * len(text)),
            ("keyring", lambda text: text[:4300] + b"\7" * 200 + text[4500:16000] + b"\7" * 999),
            ("audit/security.log", lambda text: text[:90] + b"\1" + text[91:]),
            ("audit/security.log", lambda text: text[len(text) // 2:]),
            ("audit/security.log", lambda text: b"".join(lines(text)[:3] + lines(text)[4:])),
            ("audit/security.log", lambda text: b"".join(lines(text)[1::-1] + lines(text)[2:])),
            ("audit/security.log", lambda text: b"".join(lines(text)[:5])),
            ("audit/heads", lambda text: text.replace(b"A", b"B")), ("audit/heads", lambda text: b""),
            ("audit/heads", lambda text: text[:-20]), ("audit/leaves", lambda text: text[:-7]),
            ("audit/leaves", lambda text: b"\0" * len(text)),
            ("ward.db", lambda text: text[:5000]), ("ward.db", lambda text: b"no database"),
            ("ca.pem", lambda text: None), ("ca.pem", lambda text: text))):
        state = one.folder / f"copy-{number}"
        shutil.copytree(one.state, state, ignore=lambda *_: ["run"])
        seal = pathlib.Path(f"{one.state}.seal").read_bytes()
        pathlib.Path(f"{state}.seal").write_bytes(seal if name != "ca.pem" else seal[::-1])
        pathlib.Path(f"{state}.seal").chmod(0o600)
        path = state / name
        if damage(path.read_bytes()) is None:
            pathlib.Path(f"{state}.seal").unlink()
        else:
            path.write_bytes(damage(path.read_bytes()))
        for words in (["audit", "verify"], ["keyring", "list"], ["doctor"], ["up", "--listen",
                      f"127.0.0.1:{front_house.free_port()}"], ["down"]):
            one.command(*words, "--state", state)
        if (state / "ward.log").exists():
            one.heard((state / "ward.log").read_bytes())


ALL = (by_strangers, of_evidence, *refusals_more.ALL, in_channels, in_websockets, of_signatures, of_tokens,
       by_the_owner, of_faults)
