"""test_sdk_ws.py - a house that calls challenges of profile sdk-v1 at /sdk/ws: one as it should be, in
Python (websockets, PyNaCl, and docs/wire.md), and a row of those that lie, repeat, reflect, reset,
flood, are slow, or stand between the two."""

import json
import logging
import os
import pathlib
import queue
import socket
import ssl
import tempfile
import threading
import time
import unittest

import pypi
import sdk_house
import tap
import tls_ca
from house import until
from sdk_model import MOCK_LOG, Agent, Session, b64, bindings, challenge, over

OTHER = "c1" * 32
CLOSED = object()  # what `said` has behind the last message


class Served:
    """A server at /NAME/sdk/ws of many challenges: `meets[NAME](peer)` has the WebSocket, `came` the
    moments at which each was called, and `faults` what was wrong in the eyes of a challenge."""

    def __init__(self, certificate):
        self.meets, self.came, self.faults = {}, {}, []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.stop = threading.Event()
        logging.getLogger("websockets").setLevel(logging.CRITICAL)
        self.server = pypi.module("websockets.sync.server").serve(
            self.meet, "127.0.0.1", 0, ssl=context, ping_interval=None, max_size=None)
        self.port = self.server.socket.getsockname()[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def meet(self, peer):
        _, name, *rest = peer.request.path.split("/")
        self.came.setdefault(name, []).append(time.monotonic())
        try:
            assert rest == ["sdk", "ws"], peer.request.path
            self.meets[name](peer)
        except (pypi.module("websockets.exceptions").ConnectionClosed, TimeoutError, OSError):
            pass  # the house has ended it
        except Exception as fault:  # the test's own
            self.faults.append(f"{name}: {fault!r}")

    def close(self):
        self.stop.set()
        self.server.shutdown()


class Good:
    """A challenge that is as it should be: `said` has what the house says, each message once it is
    open; what is put by `say` it says in the present session."""

    def __init__(self, agent, answers=True):
        self.agent, self.answers = agent, answers
        self.said, self.begins, self.sessions = queue.Queue(), [], []
        self.frames = []  # as they came
        self.peer = None

    def __call__(self, peer):
        session, begin = challenge(peer, Agent(self.agent))
        if session is None:  # what its platform needs is not there yet: it is called again
            assert begin["reason"] == "COLLATERAL_MISSING", begin
            return
        self.begins.append(begin)
        self.sessions.append(session)
        self.peer = peer
        try:
            while True:
                frame = peer.recv()
                self.frames.append(frame)
                self.hear(session, session.open(frame))
        finally:
            self.said.put(CLOSED)

    def hear(self, session, message):
        if message["type"] == "db_version_request" and self.answers:
            self.peer.send(session.seal({"type": "db_version_response", "payload": {"db_version": 1},
                                         "message_id": message["message_id"]}))
        self.said.put(message)

    def say(self, *messages):
        for message in messages:
            self.peer.send(self.sessions[-1].seal(message))

    def next(self):
        return self.said.get(timeout=60)

    def greeted(self):
        """Until the house has said what it says first."""
        while (message := self.next()) is CLOSED or message["type"] != "orm_ready":
            pass
        message = self.next()
        assert message["type"] == "db_version_request", message


def answers(agent, say=None, **changes):
    """A challenge whose answer has these changes; `say` makes them of the begin and its nonce."""
    def meet(peer):
        begin = json.loads(peer.recv(30))
        nonce = bytes.fromhex(begin["nonce"])
        secret = os.urandom(32)
        quote, log = Agent(agent).quote(over(nonce))
        answer = {"type": "attestation_response", "quote": b64(quote), "event_log": log,
                  "rtmrs": {}, "chal_x25519_pub": b64(bindings().crypto_scalarmult_base(secret))}
        peer.send(json.dumps(answer | changes | (say(begin, nonce) if say else {})))
        peer.recv(60)
    return meet


def says(*frames):
    """One that answers the begin with these."""
    def meet(peer):
        peer.recv(30)
        for frame in frames:
            peer.send(frame if isinstance(frame, (bytes, str)) else json.dumps(frame))
        peer.recv(60)
    return meet


class Case(unittest.TestCase):
    """One guest for all; each test has a house of its own, which calls those that it names."""

    @classmethod
    def setUpClass(cls):
        cls.place = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="ward-ws-"))
        cls.guest = sdk_house.Guest(f"{cls.place}/guest")
        cls.addClassCleanup(cls.guest.close)
        cls.agent = cls.guest.socket
        authority = tls_ca.Authority(cls.place, "challenges")
        cls.ca = authority.pem
        cls.certificate = authority.server("challenge", "IP:127.0.0.1")

    def policy(self, name, log):
        path = pathlib.Path(self.place) / f"{name}.toml"
        path.write_text(f"hardware = false\nroots = [{json.dumps(self.guest.root())}]\n{log}")
        return path

    def call(self, meets, policies=(), **limits):
        """A house that calls these."""
        self.served = Served(self.certificate)
        self.addCleanup(self.served.close)
        self.served.meets = meets
        good = self.policy("good", f'[log]\ncompose_hash = "{sdk_house.COMPOSE}"\n')
        policies = dict(policies)
        text = "".join(
            f'[peers.{name}]\nurl = "wss://127.0.0.1:{self.served.port}/{name}/sdk/ws"\n'
            f'profile = "sdk-v1"\nca_file = "{self.ca}"\npolicy = "{policies.get(name, good)}"\n'
            for name in meets)
        place = tempfile.TemporaryDirectory(prefix="ward-ws-house-")
        self.addCleanup(place.cleanup)
        self.house = sdk_house.House(self.guest, place.name, served=False, config=text)
        self.house.settings.update(limits)
        self.house.__enter__()
        self.addCleanup(self.house.__exit__)

    def peers(self):
        done = self.house.command("peer", "list", "--json", "--state", self.house.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {one["name"]: one for one in json.loads(done.stdout)["peers"]}

    def await_peer(self, name, seconds=60, **wanted):
        """The peer's line when it says this."""
        def right():
            one = self.peers()[name]
            return one if all(one[key] == value for key, value in wanted.items()) else None
        try:
            return until(right, seconds, 0.2)
        except TimeoutError:
            raise AssertionError((name, wanted, self.peers()[name], self.house.log())) from None

    def tearDown(self):
        self.assertEqual(getattr(self, "served", None) and self.served.faults, [])


class TestRefused(Case):
    def rows(self):
        """name: (what it does, reason, what is said of that)."""
        agent = self.agent
        denied = "CHANNEL_EVIDENCE_DENIED"
        old = Agent(agent).quote(over(os.urandom(32)))[0]

        def leaves(peer):
            peer.recv(30)

        def silent(peer):
            peer.recv(30)
            self.served.stop.wait(120)

        def reflects(begin, _):
            return {"quote": begin["val_quote"], "event_log": begin["val_event_log"]}

        def of_the_text(_, nonce):
            return {"quote": b64(Agent(agent).quote(over(nonce.hex().encode()))[0])}

        def forged(_, nonce):
            quote = bytearray(Agent(agent).quote(over(nonce))[0])
            quote[640] ^= 1  # in the signature
            return {"quote": b64(quote)}

        unsolicited = {"type": "attestation_ok", "aead": "chacha20poly1305",
                       "chal_x25519_pub": b64(b"\x09" + bytes(31)), "hkdf_salt": b64(bytes(32))}
        envelope = Session(os.urandom(32), b"\x09" + bytes(31), bytes(32)).seal({"type": "logs"})
        return {
            "other-code": (answers(agent), denied, "POLICY_EVENT"),
            "no-code": (answers(agent), denied, "ATTEST_POLICY_INVALID"),
            "log": (answers(agent, event_log="[]"), denied, "RTMR_MISMATCH"),
            "dev": (answers(agent, event_log=MOCK_LOG), "SDK_DEV_PEER", ""),
            "null": (answers(agent, quote=None), "CHANNEL_EVIDENCE_REQUIRED", ""),
            "random": (answers(agent, quote=b64(os.urandom(1024))), denied,
                       "QUOTE_VERSION_UNSUPPORTED"),
            "forged": (answers(agent, forged), denied, "QUOTE_SIGNATURE_INVALID"),
            "replays": (answers(agent, quote=b64(old)), denied, "POLICY_REPORT_DATA"),
            "text": (answers(agent, of_the_text), denied, "POLICY_REPORT_DATA"),
            "mirror": (answers(agent, reflects), "SDK_REFLECTED", ""),
            "unsolicited": (says(unsolicited), "CHANNEL_UNEXPECTED", ""),
            "early": (says(envelope), "CHANNEL_UNEXPECTED", ""),
            "rejects": (says({"type": "attestation_reject", "reason": "not \u001b[2J today"}),
                        "CHANNEL_REFUSED_BY_PEER", '"not \\u001b[2J today"'),
            "huge": (says("x" * (256 * 1024 + 1)), "WEBSOCKET_MESSAGE_TOO_LARGE", ""),
            "leaves": (leaves, "CHANNEL_TRUNCATED", ""),
            "silent": (silent, "CHANNEL_TIMEOUT", ""),
        }

    def test_each_has_its_reason(self):  # proves: PC-24 PC-25 PC-30 PC-32
        rows = self.rows()
        policies = {"other-code": self.policy("other", f'[log]\ncompose_hash = "{OTHER}"\n'),
                    "no-code": self.policy("none", "")}
        self.call({name: row[0] for name, row in rows.items()}, policies)
        for name, (_, reason, detail) in rows.items():
            with self.subTest(name):
                one = self.await_peer(name, 120, reason=reason, detail=detail)
                self.assertEqual((one["opened"], one["profile"]), (0, "sdk-v1"))
        self.assertEqual(self.house.records("channel.open"), [])
        self.assertEqual(self.house.metrics()["peers_open"], 0)
        refused = {row["details"]["peer"] for row in self.house.records("peer.refuse")}
        self.assertEqual(refused, set(rows))

    def test_what_is_no_message(self):  # proves: PC-23 PC-34
        agent = self.agent
        low = b64(b"\x01" + bytes(31))
        rows = {
            "key": (answers(agent, chal_x25519_pub=low), "CHANNEL_KEY"),
            "itself": (answers(agent, lambda begin, _: {"chal_x25519_pub": begin["val_x25519_pub"]}),
                       "CHANNEL_KEY"),
            "bytes": (says(b"\x00" * 64), "CHANNEL_MALFORMED"),
            "rubbish": (says("{"), "CHANNEL_MALFORMED"),
            "twice": (says('{"type":"attestation_ok","type":"attestation_response"}'),
                      "CHANNEL_MALFORMED"),
            "long-quote": (answers(agent, quote=b64(bytes(65 * 1024))), "CHANNEL_TOO_LARGE"),
            "long-log": (answers(agent, event_log="[" + " " * (65 * 1024) + "]"),
                         "CHANNEL_TOO_LARGE"),
            "drips": (self.drips, "ADMIT_SLOW_BODY"),
        }
        self.call({name: row[0] for name, row in rows.items()})
        for name, (_, reason) in rows.items():
            with self.subTest(name):
                self.assertEqual(self.await_peer(name, reason=reason)["opened"], 0)

    def drips(self, peer):
        """The head of a long frame, and then a byte now and then."""
        peer.recv(30)
        peer.socket.sendall(b"\x81\x7f" + (200 * 1024).to_bytes(8, "big"))
        while not self.served.stop.wait(0.3):
            peer.socket.sendall(b" ")


class TestOpen(Case):
    def setUp(self):
        self.good = Good(self.agent)
        self.call({"good": self.good})
        self.good.greeted()

    def test_a_session(self):  # proves: PC-1 PC-2 PC-5 PC-10
        """It is open, and everything that shows it says what it is not worth."""
        one = self.await_peer("good", state="open")
        self.assertEqual((one["profile"], one["opened"], one["reason"]), ("sdk-v1", 1, ""))
        said = self.house.command("peer", "list", "--state", self.house.state).stdout
        self.assertRegex(said, r"(?m)^good +open +sdk-v1 ")
        record, = self.house.records("channel.open")
        self.assertEqual((record["details"]["profile"], record["details"]["unbound"],
                          record["details"]["hardware"]), ("sdk-v1", True, False))
        with self.house.plain() as one:
            _, _, body = sdk_house.front_house.ask(one, "GET", "/v1/system/doctor")
        check = next(row for row in json.loads(body)["checks"] if row["id"] == "house.sdk")
        self.assertEqual(check["finding"], "FINDING_WARN")
        self.assertIn("unbound", check["detail"])
        begin = self.good.begins[-1]
        self.assertEqual(set(begin), {"type", "nonce", "val_x25519_pub", "val_quote",
                                      "val_event_log"})
        self.assertIsInstance(json.loads(begin["val_event_log"]), list)
        self.queries()
        self.notes()
        self.gets_nothing()

    def queries(self):
        """No database is behind it: an error, once, to whoever asks, by whichever name."""
        query = {"type": "orm_query", "message_id": "q-1",
                 "payload": {"query": {"operation": "select", "table": "t"}, "query_id": "q-1"}}
        frame = self.good.sessions[-1].seal(query)
        mine = self.good.frames[-1]
        for each in (frame, frame, mine, mine, frame.replace("chacha", "xchacha"),
                     '{"type":"orm_query"}', "{", json.dumps(query)):
            self.good.peer.send(each)
        self.good.say({"type": "orm_query", "query_id": "q-2"})
        for name in ("q-1", "q-2"):
            answer = self.good.next()
            self.assertEqual((answer["type"], answer.get("message_id") or answer["query_id"],
                              answer["error"]), ("error", name, "not served by this validator"))

    def notes(self):
        for kind, payload in (("logs", {"message": "hello"}), ("submit", {"score": 0.5})):
            before = len(self.house.records("channel.note"))

            def noted(kind=kind, payload=payload, before=before):
                self.good.say({"type": kind, "payload": payload})
                return len(self.house.records("channel.note")) > before
            until(noted, 30, 0.5)  # one in a second
            text = self.house.records("channel.note")[-1]["details"]["text"]
            self.assertEqual(text, f"{kind} {json.dumps(payload)}")

    def gets_nothing(self):
        """Whoever relays genuine evidence has such a session: it has no key, no credential and no
        authority, whatever it asks for."""
        self.good.say({"type": "session", "public_key": b64(bytes(32)), "message_id": "s"},
                      {"type": "job_result", "job_id": "j", "result": {}},
                      {"type": "attestation_ok"}, {"type": "end"},
                      {"type": "heartbeat", "payload": {}},
                      {"type": "orm_query", "message_id": "last"})
        self.assertEqual(self.good.next()["message_id"], "last")
        self.assertEqual(self.house.sessions(), [])
        self.assertEqual(self.await_peer("good", state="open")["opened"], 1)

    def test_its_end(self):  # proves: PC-33
        """It is called again, with another nonce and another key; what was sealed for the session
        before opens nothing.  What was no good is said once, when it is over."""
        frame = self.good.sessions[-1].seal({"type": "orm_query", "message_id": "old"})
        self.good.peer.send(self.good.frames[-1])
        self.good.peer.close()
        self.good.greeted()
        self.assertEqual(self.await_peer("good", state="open")["opened"], 2)
        self.assertIn("peer good: 1 messages were no good, the last one for SDK_REFLECTED",
                      self.house.log())
        self.good.peer.send(frame)
        self.good.say({"type": "orm_query", "message_id": "new"})
        self.assertEqual(self.good.next()["message_id"], "new")
        first, second = self.good.begins
        self.assertNotEqual(first["nonce"], second["nonce"])
        self.assertNotEqual(first["val_x25519_pub"], second["val_x25519_pub"])
        self.assertNotEqual(self.good.sessions[0].key, self.good.sessions[1].key)
        ends = [row["details"]["reason"] for row in self.house.records("peer.end")]
        self.assertEqual(ends, ["PEER_ENDED"])

    def test_an_answer_to_nothing(self):
        """What was never asked is dropped, and that is said when it is over."""
        for asked in ("never", ""):
            self.good.say({"type": "db_version_response", "payload": {"db_version": 2},
                           "message_id": asked})
        self.good.say({"type": "orm_query", "message_id": "q"})
        self.assertEqual(self.good.next()["message_id"], "q")
        self.good.peer.close()
        self.good.greeted()
        self.assertIn("peer good: 2 messages were no good, the last one for SDK_UNASKED",
                      self.house.log())

    def test_whoever_falls(self):
        for number, name in enumerate(("front", "core", "verify", "dial", "tee"), 1):
            with self.subTest(name):
                before = len(self.good.begins)
                self.house.wait_new(name, self.house.kill(name))
                if name in ("front", "core"):
                    until(lambda: len(self.good.begins) > before, 60)
                    self.good.greeted()
                self.await_peer("good", state="open")
                self.good.say({"type": "orm_query", "message_id": f"after-{number}"})
                self.assertEqual(self.good.next()["message_id"], f"after-{number}")
        nonces = [begin["nonce"] for begin in self.good.begins]
        self.assertEqual(len(nonces), len(set(nonces)))

    def test_too_many_bad_ones(self):
        """So many and no more: then it is over, and begins anew."""
        for _ in range(1001):
            self.good.peer.send("{}")
        self.good.greeted()
        one = self.await_peer("good", state="open")
        self.assertEqual(one["opened"], 2)
        self.assertIn("CHANNEL_MALFORMED",
                      [row["details"]["reason"] for row in self.house.records("peer.end")])


class TestStorms(Case):
    def test_floods(self):
        """A message costs what a request does: past that it is dropped, and nobody loses his place;
        what is said later is heard."""
        good = Good(self.agent)
        self.call({"good": good}, requests_per_second=5, requests_burst=10)
        good.greeted()
        good.say(*[{"type": "orm_query", "message_id": f"q-{i}"} for i in range(200)])

        def heard():
            good.say({"type": "orm_query", "message_id": "later"})
            while not good.said.empty():
                answer = good.next()
                answered.append(answer["message_id"])
            return "later" in answered
        answered = []
        until(heard, 60, 1)
        self.assertLess(len(answered), 150)
        self.assertEqual(self.await_peer("good", state="open")["opened"], 1)
        good.peer.close()
        good.greeted()
        self.assertRegex(self.house.log(), "messages were no good, the last one for ADMIT_RATE_LIMITED")

    def test_resets(self):
        """One that is let in and resets is called later and later: 1, 2, 4 .. seconds, for it was
        never there long enough to count; one that does not answer is given up."""
        storms = []

        def resets(peer):
            session, begin = challenge(peer, Agent(self.agent))
            if session is not None:
                storms.append(begin)
            peer.socket.shutdown(socket.SHUT_RDWR)

        deaf = Good(self.agent, answers=False)
        self.call({"resets": resets, "deaf": deaf})
        until(lambda: len(storms) >= 4, 120, 0.2)
        came = self.served.came["resets"][:5]
        for i, (sooner, later) in enumerate(zip(came, came[1:])):
            self.assertGreater(later - sooner, 0.9 * 2 ** i)
        self.await_peer("deaf", 120, reason="SDK_NO_ANSWER")


if __name__ == "__main__":
    tap.main()
