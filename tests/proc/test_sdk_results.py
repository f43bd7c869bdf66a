"""test_sdk_results.py - what clients of profile sdk-v1 post once they have a session, and a real house:
what is promised of it, and whoever posts what is none, twice, for another, too much or to be seen."""

import base64
import concurrent.futures
import contextlib
import hashlib
import json
import os
import signal
import tempfile
import time
import unittest

import front_house
import sdk_house as house
import tap
from house import until
from signer import Signer

BEAT, LOGS, SUBMIT = "/results/heartbeat", "/results/logs", "/results/submit"
PATHS = (BEAT, LOGS, SUBMIT)
BODIES = {BEAT: {"timestamp": 1, "status": "ok", "metrics": {}},
          LOGS: {"timestamp": 1, "level": "INFO", "message": "hello", "component": "agent"},
          SUBMIT: {"session_token": "job-7:1", "job_type": "evaluate_agent", "score": 0.25,
                   "metrics": {"a": 1.5, "b": 2}, "logs": ["one", "two"],
                   "allowed_log_containers": [], "error": None}}


def text_of(path, **changes):
    return json.dumps(BODIES[path] | changes)


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="ward-sdk-"))
        cls.guest = house.Guest(f"{cls.place}/guest")
        cls.addClassCleanup(cls.guest.close)
        cls.house = cls.enterClassContext(house.House(cls.guest, cls.place))
        cls.addresses = iter(f"127.3.0.{i}" for i in range(1, 250))
        cls.house.ready()

    def let_in(self):
        client = house.Client(self.house, next(self.addresses))
        status, said = client.bootstrap()
        self.assertEqual(status, 200, said)
        return client

    def post(self, client, path, text=None, quirk=True, **said):
        return client.post(path, client.seal(text_of(path) if text is None else text, quirk), **said)

    def record(self, said):
        """The record that a receipt names."""
        with self.house.plain() as one:
            status, _, body = front_house.ask(one, "GET", f"/v1/audit/records/{said['receipt']}")
        self.assertEqual(status, 200, body)
        row = json.loads(body)
        return row | {"details": json.loads(row["details"])}

    def kept(self):
        return len(self.house.records("result.submit")) + len(self.house.records("result.logs"))

    # --- as it should be -----------------------------------------------------------------------

    def test_what_the_sdk_posts(self):
        """Sealed as its client seals it, and as RFC 8439 has it; what is promised is in the log, and
        anybody can have it proved that it is there."""
        for quirk in (True, False):
            client = self.let_in()
            before = self.kept()
            self.assertEqual(self.post(client, BEAT, quirk=quirk), (200, {"accepted": True}))
            self.assertEqual(self.kept(), before)
            status, said = self.post(client, LOGS, quirk=quirk)
            self.assertEqual((status, said["stored"]), (200, True), said)
            row = self.record(said)
            self.assertEqual((row["action"], row["actor_id"], row["ip_address"]),
                             ("result.logs", house.PEER, client.source))
            self.assertEqual(row["details"], {
                "component": "agent", "digest": said["digest"], "level": "INFO", "message": "hello",
                "session": client.signer.id(), "timestamp": "1", "unbound": True})
            text = text_of(SUBMIT)
            status, said = self.post(client, SUBMIT, text, quirk)
            self.assertEqual((status, said["stored"], said["digest"]),
                             (200, True, hashlib.sha256(text.encode()).hexdigest()), said)
            row = self.record(said)
            self.assertEqual((row["action"], row["outcome"]), ("result.submit", "Success"))
            self.assertEqual(row["details"], {
                "containers": "0", "digest": said["digest"], "error": "", "job": "job-7:1",
                "job_type": "evaluate_agent", "logs": "2", "metrics": '{"a": 1.5, "b": 2}',
                "score": "0.25", "session": client.signer.id(), "unbound": True})
            proof = f"/v1/audit/proof?seq={said['receipt']}"
            until(lambda proof=proof, client=client: self.house.post(  # the next head has it
                proof, None, source=client.source, method="GET")[0] == 200, 40, 0.3)

    def test_version_2_of_the_signature_and_http2(self):
        client = self.let_in()
        self.assertEqual(self.post(client, BEAT, version=2), (200, {"accepted": True}))
        body = client.seal(text_of(SUBMIT), True)
        head = [(name.lower(), value) for name, value in
                client.signer.sign("POST", SUBMIT, body, 1).items()]
        with self.house.tls("h2", source=client.source) as one:
            over = front_house.H2(one)
            said = over.wait(over.begin("POST", SUBMIT, head, body))
        self.assertEqual(said["fields"][":status"], "200", said)
        self.assertTrue(self.record(json.loads(said["body"]))["details"]["unbound"])

    # --- who may not ---------------------------------------------------------------------------

    def test_for_sessions_of_such_clients_alone(self):
        before = self.kept()
        for path in PATHS:
            self.assertEqual(self.house.post(path, text_of(path).encode()),
                             (401, "SESSION_REQUIRED"))
        # The owner's word is no evidence, and a session of version 2 is another thing.
        for profile, version in (("sdk-v1", 1), ("v2", 2)):
            other = house.Client(self.house, next(self.addresses))
            self.house.grant(other.signer, profile=profile)
            for path in PATHS:
                self.assertEqual(other.post(path, text_of(path).encode(), version, "application/json"),
                                 (403, "SDK_SESSION"))
        reasons = [(row["details"]["method"], row["details"]["reason"])
                   for row in self.house.records("access.refuse")]
        self.assertIn((SUBMIT, "SESSION_REQUIRED"), reasons)
        self.assertIn((LOGS, "SDK_SESSION"), reasons)
        self.assertEqual(self.kept(), before)

    def test_signed_for_something_else(self):
        """Path, method, key, token, body: each of the six lines of the text."""
        client, other = self.let_in(), self.let_in()
        before = self.kept()
        body = client.seal(text_of(SUBMIT), True)
        kind = {"Content-Type": "application/x-encrypted+json"}
        good = client.signer.sign("POST", SUBMIT, body, 1)

        def refused(fields, code, path=SUBMIT, what=body, status=401):
            self.assertEqual(self.house.post(path, what, fields | kind, client.source), (status, code))

        refused(good, "SIGNED_SIGNATURE_INVALID", LOGS, client.seal(text_of(LOGS), True))
        refused(client.signer.sign("POST", BEAT, body, 1), "SIGNED_SIGNATURE_INVALID")
        refused(client.signer.sign("GET", SUBMIT, body, 1), "SIGNED_SIGNATURE_INVALID")
        refused(good, "SIGNED_SIGNATURE_INVALID", what=client.seal(text_of(SUBMIT), True))
        refused(good | {"X-Nonce": "another-nonce"}, "SIGNED_SIGNATURE_INVALID")
        refused(good | {"X-Public-Key": other.signer.key()}, "SIGNED_KEY_FOREIGN")
        refused(good | {"X-Signature": base64.b64encode(bytes(64)).decode()},
                "SIGNED_SIGNATURE_INVALID")
        late = client.signer.sign("POST", SUBMIT, body, 1, timestamp=str(int(time.time()) - 130))
        status, code = self.house.post(SUBMIT, body, late | kind, client.source)
        self.assertEqual((status, code), (401, "NONCE_TOO_OLD"))
        # Another's session: sealed for it, it does not open, and so it is not even asked.
        refused(good | {"X-Session-Token": other.signer.token}, "CHANNEL_TAMPERED", status=400)
        self.assertEqual(self.kept(), before)
        # None of these has used up the nonce of the good one; it itself has.
        self.assertEqual(self.house.post(SUBMIT, body, good | kind, client.source)[0], 200)
        refused(good, "NONCE_REPLAYED")
        self.assertEqual(self.kept(), before + 1)

    def test_in_the_clear(self):
        client = self.let_in()
        before = self.kept()
        for path in PATHS:
            for version in (1, 2):
                self.assertEqual(client.post(path, text_of(path).encode(), version,
                                             "application/json"), (400, "SDK_PLAINTEXT"))
        self.assertEqual(self.kept(), before)

    def test_asked_for_otherwise(self):
        client = self.let_in()
        for path in PATHS:
            self.assertEqual(self.house.post(path, None, method="GET"),
                             (405, "HTTP_METHOD_NOT_ALLOWED"))
            self.assertEqual(self.post(client, path + "?a=b", text_of(path))[0], 400)
        for path in ("/results", "/results/", "/results/other", "/results/submit/", "/values/x"):
            self.assertEqual(self.house.post(path, b"{}")[0], 404)

    # --- what is posted ------------------------------------------------------------------------

    def test_bodies_that_are_none(self):
        """Each is refused before anybody is asked whether it is signed well: no nonce is used up."""
        client = self.let_in()
        before = self.kept()
        rows = [(path, text, 400, "HTTP_BODY_INVALID") for path in PATHS for text in (
            "", "[]", "null", "{", "{}", text_of(path)[:-1], '{"a":' * 40 + "1" + "}" * 40,
            text_of(path, timestamp="x", score="x"), text_of(path, metrics=[], message=[]),
            text_of(path).replace("1", "NaN"))]
        rows += [(SUBMIT, text_of(SUBMIT, metrics={f"m{i}": i for i in range(200)}), 413,
                  "HTTP_BODY_TOO_LARGE"),
                 (SUBMIT, text_of(SUBMIT, job_type="x" * 129), 413, "HTTP_BODY_TOO_LARGE"),
                 (SUBMIT, text_of(SUBMIT, logs=["x" * 12288]), 413, "HTTP_BODY_TOO_LARGE"),
                 (SUBMIT, text_of(SUBMIT, logs=["x" * 40000]), 413, "HTTP_BODY_TOO_LARGE"),
                 (LOGS, text_of(LOGS, level="x" * 129), 413, "HTTP_BODY_TOO_LARGE")]
        for path, text, status, code in rows:
            with self.subTest(path=path, text=text[:60]):
                self.assertEqual(self.post(client, path, text, nonce="n" * 8), (status, code))
        self.assertEqual(self.kept(), before)
        self.assertEqual(self.post(client, SUBMIT, nonce="n" * 8)[0], 200)

    def test_nothing_moves_a_cursor(self):
        """What is said is shown as text that anybody can read, in whatever way the log is shown."""
        client = self.let_in()
        evil = "\x1b]0;x\x07\x1b[2J\r\nseq=0\u202egpj.exe\u2028\u0085 \x00 end"
        status, said = self.post(client, LOGS, text_of(LOGS, message=evil, component=evil))
        self.assertEqual(status, 200, said)
        self.assertEqual(self.record(said)["details"]["message"], evil)
        status, said = self.post(client, SUBMIT, text_of(SUBMIT, error=evil, job_type=evil,
                                                         metrics={evil: 1}))
        self.assertEqual(status, 200, said)
        for words in (["tail"], ["query", "--limit", "0"], ["export", "--format", "csv"],
                      ["export", "--format", "cef"], ["export", "--format", "ocsf"]):
            done = self.house.command("audit", *words, "--state", self.house.state)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(all(line.isprintable() for line in done.stdout.split("\n")), words)
        text = (self.house.state / "audit/security.log").read_text()
        self.assertTrue(all(line.isprintable() for line in text.split("\n")))

    def test_a_long_message_is_cut(self):
        client = self.let_in()
        status, said = self.post(client, LOGS, text_of(LOGS, message="\u00e9" * 1000))
        self.assertEqual(status, 200, said)
        self.assertEqual(self.record(said)["details"]["message"], "\u00e9" * 256)

    def test_one_in_a_second(self):
        """Of each kind; who is told so may ask again, and others are not concerned. A heartbeat
        leaves nothing behind and is counted like any request."""
        client, other = self.let_in(), self.let_in()
        for path in (LOGS, SUBMIT):
            said = [self.post(client, path) for _ in range(3)]
            self.assertEqual(said[0][0], 200, said)
            self.assertIn((429, "ADMIT_RATE_LIMITED"), said[1:])
            self.assertEqual(self.post(other, path)[0], 200)
        for _ in range(20):
            self.assertEqual(self.post(client, BEAT)[0], 200)
        time.sleep(1.05)
        for path in (LOGS, SUBMIT):
            self.assertEqual(self.post(client, path)[0], 200)

    # --- faults --------------------------------------------------------------------------------

    def test_a_log_that_takes_nothing(self):
        """Nothing is promised that is not there: the client is told no, in time."""
        client = self.let_in()
        pid = self.house.kill("audit", signal.SIGSTOP)
        try:
            begun = time.monotonic()
            self.assertEqual(self.post(client, SUBMIT), (503, "AUDIT_CANNOT_LOG"))
            self.assertLess(time.monotonic() - begun, 4)
            self.assertEqual(self.post(client, BEAT)[0], 200)
        finally:
            os.kill(pid, signal.SIGCONT)
        until(lambda: self.post(client, SUBMIT)[0] == 200, 20, 0.5)

    def takes_requests(self):
        """Also those that are signed: not so for a while after core began anew."""
        client = house.Client(self.house, next(self.addresses))
        return client.bootstrap()[0] == 200 and client.show()[0] == 200

    def test_killed(self):
        """A receipt is good for ever: whoever is killed after it, its record is there. What was not
        answered may be there or not, and whole where it is."""
        receipts, sent = {}, set()
        for name in ("audit", "core", "front"):
            clients = [self.let_in() for _ in range(6)]

            def keep_posting(client):
                for number in range(40):
                    text = text_of(SUBMIT, session_token=f"{client.source}:{number}")
                    sent.add(hashlib.sha256(text.encode()).hexdigest())
                    with contextlib.suppress(OSError, ValueError):
                        status, said = self.post(client, SUBMIT, text)
                        if status == 200:
                            receipts[said["receipt"]] = said["digest"]
                        if status == 401:
                            return
                    time.sleep(0.05)
            with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
                posting = [pool.submit(keep_posting, client) for client in clients]
                time.sleep(0.7)
                self.house.wait_new(name, self.house.kill(name))
                for one in posting:
                    one.result()
            until(lambda: self.house.metrics()["serving"] == 1, 20)
            until(self.takes_requests, 40, 0.5)
        self.assertGreaterEqual(len(receipts), 18)
        for receipt, digest in receipts.items():
            self.assertEqual(self.record({"receipt": receipt})["details"]["digest"], digest)
        rows = [row["details"] for row in self.house.records("result.submit")
                if row["details"]["job"].startswith("127.3.")]
        self.assertLessEqual({row["digest"] for row in rows}, sent)


class Off(unittest.TestCase):
    def test_where_no_policy_is_named(self):
        place = self.enterContext(tempfile.TemporaryDirectory(prefix="ward-sdk-"))
        guest = house.Guest(f"{place}/guest")
        self.addCleanup(guest.close)
        with house.House(guest, place, served=False) as here:
            signer = Signer()
            here.grant(signer, profile="sdk-v1")
            for path in PATHS:
                self.assertEqual(here.post(path, b"{}"), (404, "HTTP_ROUTE_UNKNOWN"))
                self.assertEqual(here.post(path, b"{}", signer.sign("POST", path, b"{}", 1)),
                                 (404, "HTTP_ROUTE_UNKNOWN"))


if __name__ == "__main__":
    tap.main()
