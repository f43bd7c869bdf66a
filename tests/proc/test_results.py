"""test_results.py - results of jobs as a house signs them: read here by a reader that shares nothing
with Ward but libsodium, with evidence that binds the key, found in the security log before they are
given out, and what the house does not sign."""

import base64
import hashlib
import itertools
import json
import os
import signal
import subprocess
import threading
import time
import unittest

import front_house as house
import tap
from auditor import needs_strace
from house import is_traced, until
from lockbox import canonical, ed25519_good
from test_tokens import TYPE, unpacked

SIGN = "/v1/results/sign"
TAG = b"ward result key v1".ljust(32, b"\0")
SANDBOX = b"ward result sandbox v1".ljust(32, b"\0")
REPORT_DATA = 48 + 584 - 64  # of a TDX quote of version 4
ZEROS = base64.b64encode(bytes(32)).decode()


def stamp(seconds=0):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def facts(**others):
    return {"job_id": "0123456789abcdef0123456789abcdef", "code": 3, "reason": "OK", "cpu_us": "1500",
            "memory_peak": "4096", "started": stamp(-2), "ended": stamp(-1),
            "spec_sha256": base64.b64encode(hashlib.sha256(b"spec").digest()).decode(),
            "outputs": [{"path": "a/x", "size": "2", "sha256": ZEROS},
                        {"path": "b", "size": "0", "sha256": ZEROS}]} | others


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = house.House(requests_per_second=100000, requests_burst=100000)
        cls.house.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def ask(self, method, target, body=None):
        with self.house.plain(30) as one:
            status, _, said = house.ask(one, method, target, [TYPE] if body else [],
                                        json.dumps(body).encode() if body else b"")
            return status, json.loads(said)

    def sign(self, **others):
        """What the house says, later when it was asked too often."""
        def asked_once():
            said = self.ask("POST", SIGN, facts(**others))
            return None if said[1].get("code") in ("TEE_RATE", "GUARD_RATE") else said
        return until(asked_once, 20, 0.2)

    def signed(self, **others):
        status, said = self.sign(**others)
        self.assertEqual(status, 200, said)
        return said

    def refused(self, body, code="HTTP_BODY_INVALID", status=400):
        said = self.ask("POST", SIGN, body)
        self.assertEqual((said[0], said[1].get("code")), (status, code), said)
        return said[1]["detail"]

    def records(self, action="result.sign"):
        status, said = self.ask("GET", f"/v1/audit/records?action={action}&limit=1000")
        self.assertEqual(status, 200, said)
        return said["records"]

    def rotated(self, role):
        status, made = self.ask("POST", "/v1/keyring/rotate", {"role": role})
        return made if status == 200 else None

    def key(self):
        listed = self.ask("GET", "/v1/keyring/keys?role=result&state=active")[1]["keys"]
        self.assertEqual(len(listed), 1)
        return listed[0]["id"], base64.b64decode(listed[0]["public_part"])

    def judged(self, text, key):
        """(header, payload) of a result that this key has signed, in its one form."""
        header, payload, signature = text.split(".")
        head, body = json.loads(unpacked(header)), json.loads(unpacked(payload))
        self.assertEqual((canonical(head), canonical(body)), (unpacked(header), unpacked(payload)))
        self.assertTrue(ed25519_good(key, f"{header}.{payload}".encode(), unpacked(signature)))
        return head, body

    def test_what_is_signed(self):
        asked = facts()
        status, said = self.ask("POST", SIGN, asked)
        self.assertEqual(status, 200, said)
        kid, key = self.key()
        head, body = self.judged(said["result"], key)
        self.assertEqual(head, {"alg": "EdDSA", "kid": kid, "typ": "ward-result"})
        self.assertEqual(said["key_id"], kid)
        evidence = body.pop("node_evidence")
        self.assertEqual(body, {
            "v": 1, "job_id": asked["job_id"], "spec_sha256": hashlib.sha256(b"spec").hexdigest(),
            "exit": {"code": 3, "signal": 0, "reason": "OK"},
            "usage": {"cpu_us": 1500, "memory_peak": 4096}, "sandbox_evidence": None,
            "started": asked["started"], "ended": asked["ended"],
            "outputs": [{"path": "a/x", "size": 2, "sha256": "0" * 64},
                        {"path": "b", "size": 0, "sha256": "0" * 64}]})
        self.assertEqual((set(evidence), evidence["type"]), ({"type", "evidence", "event_log"}, "tdx"))
        quote = base64.b64decode(evidence["evidence"])
        self.assertEqual(quote[REPORT_DATA:REPORT_DATA + 64], TAG + key)
        self.assertTrue(json.loads(base64.b64decode(evidence["event_log"])))
        record, = [row for row in self.records()
                   if hashlib.sha256(said["result"].encode()).hexdigest() in row["details"]]
        self.assertEqual(json.loads(record["details"]), {
            "job": asked["job_id"], "spec": hashlib.sha256(b"spec").hexdigest(),
            "digest": hashlib.sha256(said["result"].encode()).hexdigest(), "reason": "OK", "code": 3,
            "signal": 0, "outputs": 2, "key_id": kid, "sandbox_measured": False, "hardware": False,
            "report_data": (TAG + key).hex()})
        self.assertEqual((record["actor_id"], record["resource"]),
                         (f"uid:{os.getuid()}", asked["job_id"]))

    def test_what_no_result_says(self):
        told = len(self.records())
        out = {"path": "a", "size": "1", "sha256": ZEROS}
        rows = [
            {"job_id": ""}, {"job_id": "a/b"}, {"job_id": "a\n"}, {"job_id": "j" * 65},
            {"spec_sha256": ""}, {"spec_sha256": "AAAA"}, {"spec_sha256": ZEROS[:-4] + "AAAAAA=="},
            {"code": 256}, {"code": -1}, {"code": 1.5}, {"signal": 65, "code": 0}, {"signal": 9},
            {"reason": ""}, {"reason": "FINE"}, {"reason": "JOB_TIME"}, {"reason": "OK\n"},
            {"cpu_us": str(1 << 53)}, {"memory_peak": "-1"}, {"cpu_us": str(1 << 64)},
            {"started": ""}, {"ended": ""}, {"ended": stamp(-60)}, {"started": "yesterday"},
            {"outputs": [out | {"path": "../a"}]},
            {"outputs": [out | {"path": "/etc/passwd"}]}, {"outputs": [out | {"path": "a//b"}]},
            {"outputs": [out | {"path": ""}]}, {"outputs": [out | {"path": "a/./b"}]},
            {"outputs": [out | {"path": "a\x1b[2J"}]}, {"outputs": [out | {"path": "a\u202e"}]},
            {"outputs": [out | {"path": "a" * 1024}]}, {"outputs": [out | {"size": str(1 << 53)}]},
            {"outputs": [out | {"sha256": "AAAA"}]}, {"outputs": [out, out]},
            {"outputs": [out | {"path": "b"}, out]}, {"outputs": [{}]},
            {"outputs": [out | {"path": f"{n:04}"} for n in range(513)]},
            {"outputs": [out | {"path": f"{n:02}" + "x" * 900} for n in range(19)]},
            {"node_evidence": {}}, {"sandbox_evidence": {}}, {"v": 2}, {"result": "e30"},
            {"launch": base64.b64encode(bytes(513)).decode()},
        ]
        for row in rows:
            with self.subTest(row if len(str(row)) < 200 else str(row)[:200]):
                self.refused(facts(**row))
        self.assertIn("one of them", self.refused(facts(signal=9)))
        self.assertIn("leads elsewhere", self.refused(facts(outputs=[out | {"path": "../a"}])))
        self.assertEqual(len(self.records()), told)

    def test_of_another_time(self):
        for seconds in (-3700, 60):
            with self.subTest(seconds):
                said = self.sign(started=stamp(seconds - 1), ended=stamp(seconds))
                self.assertEqual((said[0], said[1].get("code")), (403, "GUARD_PAYLOAD_TIME"))

    def test_as_much_as_may_be(self):
        outputs = [{"path": f"{n:03}" + '"' * 29, "size": str((1 << 53) - 1), "sha256": ZEROS}
                   for n in range(512)]
        said = self.signed(outputs=outputs)
        _, body = self.judged(said["result"], self.key()[1])
        self.assertEqual(len(body["outputs"]), 512)
        self.assertGreater(len(said["result"]), 130000)

    def test_who_may_ask(self):
        with self.house.tls() as stranger:
            status, _, said = house.ask(stranger, "POST", SIGN, [TYPE], json.dumps(facts()).encode())
            self.assertEqual((status, json.loads(said)["code"]), (403, "HOUSE_OWNER_ONLY"))

    def test_no_other_key_is_bound(self):
        """Whoever may have evidence made has none made that would make a key of his own one of
        results: neither with the tag and a key, nor with the tag and the house's."""
        for tag, key in itertools.product((TAG, SANDBOX), (bytes(32), self.key()[1])):
            status, said = self.ask("POST", "/v1/attest/evidence",
                                    {"report_data": base64.b64encode(tag + key).decode()})
            self.assertEqual((status, said["code"]), (400, "HTTP_BODY_INVALID"))
            self.assertIn("tag", said["detail"])
        done = self.house.command("evidence", "--report-data", (TAG + bytes(32)).hex(), "--state",
                                  self.house.state)
        self.assertNotEqual(done.returncode, 0)
        near = bytes([TAG[0] ^ 1]) + TAG[1:] + bytes(32)
        self.assertEqual(self.ask("POST", "/v1/attest/evidence",
                                  {"report_data": base64.b64encode(near).decode()})[0], 200)

    def test_what_the_log_does_not_take_is_not_given_out(self):
        self.signed()
        audit = self.house.pid("audit")
        os.kill(audit, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            status, said = self.sign()
            self.assertEqual((status, said["code"]), (503, "AUDIT_CANNOT_LOG"))
            self.assertLess(time.monotonic() - begun, 10)
        finally:
            os.kill(audit, signal.SIGCONT)
        until(lambda: self.sign()[0] == 200)

    def test_another_key_and_another_keeper(self):
        old, (kid, key) = self.signed(), self.key()
        made = until(lambda: self.rotated("result"))  # when the log has every key
        self.assertEqual(made["replaces"], kid)
        until(lambda: self.sign()[0] == 200)
        new = self.signed()
        self.assertEqual(new["key_id"], made["id"])
        _, body = self.judged(new["result"], self.key()[1])
        quote = base64.b64decode(body["node_evidence"]["evidence"])
        self.assertEqual(quote[REPORT_DATA:REPORT_DATA + 64], TAG + self.key()[1])
        self.judged(old["result"], key)  # what it signed is still its word
        for name in ("keeper", "tee", "core"):
            self.house.wait_new(name, self.house.kill(name))
            until(lambda: self.sign()[0] == 200)
        self.judged(self.signed()["result"], self.key()[1])
        done = subprocess.run([house.BUILD / "ward", "audit", "verify", "--state", self.house.state],
                              capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_many_at_once(self):
        """Each is answered, and to each its own."""
        said = []
        asking = [threading.Thread(target=lambda n=n: said.append((f"job-{n}", self.ask(
            "POST", SIGN, facts(job_id=f"job-{n}"))))) for n in range(24)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        self.assertEqual(len(said), 24)
        key, good = self.key()[1], 0
        for job, (status, answer) in said:
            if status != 200:
                self.assertIn(answer["code"], ("TEE_RATE", "GUARD_RATE", "HOUSE_UNAVAILABLE",
                                               "HTTP_BUSY"), answer)
                continue
            self.assertEqual(self.judged(answer["result"], key)[1]["job_id"], job)
            good += 1
        self.assertGreater(good, 3)

    @needs_strace
    def test_core_is_killed_while_one_is_signed(self):
        """What was given out is in the log, whenever core falls."""
        for n in range(1, 7):
            with self.subTest(n), house.House() as one:
                core = one.pid("core")
                words = ["strace", "-qq", "-p", str(core), "-e", "trace=sendmsg",
                         "-e", f"inject=sendmsg:signal=KILL:when={n}", "-o", os.devnull]
                answers = []

                def ask(one=one, answers=answers):
                    try:
                        with one.plain(20) as end:
                            answers.append(house.ask(end, "POST", SIGN, [TYPE],
                                                     json.dumps(facts()).encode()))
                    except (OSError, AssertionError, ValueError, IndexError):
                        answers.append((0, {}, b"{}"))
                with subprocess.Popen(words) as tracer:
                    until(lambda core=core: is_traced(core))
                    ask()
                    try:
                        tracer.wait(1)
                    except subprocess.TimeoutExpired:
                        tracer.send_signal(signal.SIGINT)

                def records(one=one):
                    try:
                        with one.plain(5) as end:
                            status, _, said = house.ask(
                                end, "GET", "/v1/audit/records?action=result.sign&limit=1000")
                    except (OSError, AssertionError, ValueError, IndexError):
                        return None
                    return json.loads(said)["records"] if status == 200 else None
                told = until(lambda: (records() is not None) and [records()], 20)[0]
                digests = [json.loads(row["details"])["digest"] for row in told or []]
                for status, _, said in answers:
                    if status == 200:
                        self.assertIn(hashlib.sha256(json.loads(said)["result"].encode()).hexdigest(),
                                      digests)


if __name__ == "__main__":
    tap.main()
