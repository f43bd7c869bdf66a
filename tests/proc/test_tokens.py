"""test_tokens.py - miners' tokens as a house issues them: read here by a reader that shares nothing
with Ward but libsodium, found in the security log before they are given out, and nowhere else; and
what happens when one is shown."""

import base64
import ctypes
import hashlib
import hmac
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import unittest

import front_house as house
import tap
from auditor import needs_strace
from house import is_traced, until
from lockbox import canonical, ed25519_good, sodium

ISSUE, KEYS, REDEEM = "/v1/token/issue", "/v1/token/keys", "/v1/token/redeem"
HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
GOOD = {"type": "miner", "subject": HOTKEY, "challenge": "sums"}
TYPE = "Content-Type: application/json"
FULL = os.environ.get("WARD_FULL") == "1"


def unpacked(text):
    """The bytes of base64url without padding, which must be the only text of them."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    assert base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text, text
    return data


class Case(unittest.TestCase):
    config = ""

    @classmethod
    def setUpClass(cls):
        cls.house = house.House(config=cls.config, requests_per_second=100000,
                                requests_burst=100000)
        cls.house.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def ask(self, method, target, body=None):
        with self.house.plain() as one:
            status, _, said = house.ask(one, method, target, [TYPE] if body else [],
                                        json.dumps(body).encode() if body else b"")
            return status, json.loads(said)

    def issue(self, **others):
        status, said = self.ask("POST", ISSUE, GOOD | others)
        self.assertEqual(status, 200, said)
        return said

    def records(self, action="token.issue"):
        status, said = self.ask("GET", f"/v1/audit/records?action={action}&limit=1000")
        self.assertEqual(status, 200, said)
        return said["records"]


class Tokens(Case):
    def judged(self, token):
        """(kid, claims) of a token that one of the house's keys has signed, in its one form."""
        header, claims, signature = token.split(".")
        head, body = json.loads(unpacked(header)), json.loads(unpacked(claims))
        self.assertEqual((canonical(head), canonical(body)), (unpacked(header), unpacked(claims)))
        self.assertEqual(set(head), {"alg", "kid", "typ"})
        self.assertEqual((head["alg"], head["typ"]), ("EdDSA", "MinerToken"))
        key, = [key for key in self.ask("GET", KEYS)[1]["keys"] if key["kid"] == head["kid"]]
        self.assertEqual((key["kty"], key["crv"], key["alg"], key["use"]),
                         ("OKP", "Ed25519", "EdDSA", "sig"))
        self.assertTrue(ed25519_good(unpacked(key["x"]), f"{header}.{claims}".encode(),
                                     unpacked(signature)))
        return head["kid"], body

    def test_what_is_issued(self):
        before = int(time.time())
        done = self.house.command("token", "issue", "--miner", "--subject", HOTKEY, "--challenge",
                                  "sums", "--uid", "7", "--job", "job-1", "--scope", "submit",
                                  "--scope", "status", "--ttl", "60", "--state", self.house.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        token = done.stdout.strip()
        kid, claims = self.judged(token)
        self.assertTrue(before <= claims["iat"] == claims["nbf"] <= time.time())
        self.assertEqual(len(unpacked(claims["jti"])), 16)
        self.assertEqual(claims, {
            "aud": "sums", "exp": claims["iat"] + 60, "iat": claims["iat"],
            "iss": self.ask("GET", KEYS)[1]["issuer"], "job_id": "job-1", "jti": claims["jti"],
            "nbf": claims["iat"], "scope": ["submit", "status"], "sub": HOTKEY, "uid": 7})
        head = self.ask("GET", "/v1/audit/head")[1]
        self.assertEqual(head["checkpoint"].split("\n")[0], claims["iss"])
        self.assertIn(claims["jti"], done.stderr)
        record, = [row for row in self.records() if claims["jti"] in row["details"]]
        self.assertEqual(json.loads(record["details"]) | {"expires_at": 0}, {
            "token_type": "miner", "subject": HOTKEY, "expires_at": 0, "jti": claims["jti"],
            "challenge": "sums", "uid": 7, "job": "job-1", "scope": "submit status", "key_id": kid})
        self.assertEqual((record["actor_id"], record["resource"]), (f"uid:{os.getuid()}", "sums"))
        # It is kept nowhere: no file of the house has its signature, or half of it.
        signature = token.rpartition(".")[2].encode()
        for path in pathlib.Path(self.house.state).rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                self.assertNotIn(signature[:43], data, path)
                self.assertNotIn(signature[43:], data, path)

    def test_what_is_not_said_is_the_most(self):
        said = self.issue()
        kid, claims = self.judged(said["token"])
        self.assertEqual((claims["exp"] - claims["iat"], claims["scope"], claims["uid"]),
                         (300, ["*"], 0))
        self.assertNotIn("job_id", claims)
        self.assertEqual((said["id"], said["key_id"]), (claims["jti"], kid))

    def test_words_that_no_token_has(self):
        told = len(self.records())
        rows = [
            {"type": "king"}, {"type": ""}, {"subject": "0" + HOTKEY[1:]}, {"subject": HOTKEY[:31]},
            {"subject": HOTKEY + HOTKEY}, {"subject": ""}, {"challenge": "../sums"},
            {"challenge": "a b"}, {"challenge": "sums\r\nX: 1"}, {"challenge": "s" * 65},
            {"job": "a/b"}, {"scope": ["*x"]}, {"scope": [""]}, {"scope": list("123456789")},
            {"seconds": 301}, {"seconds": -1}, {"uid": -1}, {"uid": 1 << 32}, {"uid": 1.5},
            {"exp": 99999999999}, {"jti": "AAECAwQFBgcICQoLDA0ODw"}, {"iss": "ward.local/0"},
        ]
        for row in rows:
            with self.subTest(row):
                status, said = self.ask("POST", ISSUE, GOOD | row)
                self.assertEqual((status, said["code"]), (400, "HTTP_BODY_INVALID"))
        self.assertEqual(len(self.records()), told)
        for words in (["--miner"], ["--subject", HOTKEY, "--challenge", "sums"],
                      ["--miner", "--subject", "king", "--challenge", "sums"],
                      ["--miner", "--subject", HOTKEY, "--challenge", "a/b"],
                      ["--miner", "--subject", HOTKEY, "--challenge", "sums", "--ttl", "301"],
                      ["--miner", "--subject", HOTKEY, "--challenge", "sums", "--ttl", "0"],
                      ["--miner", "--subject", HOTKEY, "--challenge", "sums", "--uid", "-1"],
                      ["--miner", "--subject", HOTKEY, "--challenge", "sums", "--scope", "a b"]):
            done = self.house.command("token", "issue", *words, "--state", self.house.state)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)

    def test_who_may_ask(self):
        with self.house.tls() as stranger:
            status, _, said = house.ask(stranger, "POST", ISSUE, [TYPE], json.dumps(GOOD).encode())
            self.assertEqual((status, json.loads(said)["code"]), (403, "HOUSE_OWNER_ONLY"))
        with self.house.tls() as stranger:
            status, _, said = house.ask(stranger, "GET", KEYS)
            self.assertEqual((status, json.loads(said)), self.ask("GET", KEYS))

    def test_each_is_another(self):
        said = []
        asking = [threading.Thread(target=lambda: said.append(self.issue())) for _ in range(12)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        self.assertEqual(len({row["id"] for row in said}), 12)
        told = "".join(row["details"] for row in self.records())
        for row in said:
            self.assertIn(row["id"], told)
            self.judged(row["token"])

    def test_what_the_log_does_not_take_is_not_given_out(self):
        self.issue()
        audit = self.house.pid("audit")
        os.kill(audit, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            status, said = self.ask("POST", ISSUE, GOOD)
            self.assertEqual((status, said["code"]), (503, "AUDIT_CANNOT_LOG"))
            self.assertLess(time.monotonic() - begun, 5)
        finally:
            os.kill(audit, signal.SIGCONT)
        until(lambda: self.ask("POST", ISSUE, GOOD)[0] == 200)

    def test_another_key_and_another_keeper(self):
        old = self.issue()
        status, made = self.ask("POST", "/v1/keyring/rotate", {"role": "miner"})
        self.assertEqual((status, made["replaces"]), (200, old["key_id"]))
        until(lambda: self.ask("POST", ISSUE, GOOD)[0] == 200)
        new = self.issue()
        self.assertEqual(new["key_id"], made["id"])
        listed = {key["kid"]: key["retired"] for key in self.ask("GET", KEYS)[1]["keys"]}
        self.assertEqual(listed[new["key_id"]], "")
        self.assertNotEqual(listed[old["key_id"]], "")
        self.judged(old["token"])  # what it signed is still its word
        self.house.wait_new("keeper", self.house.kill("keeper"))
        until(lambda: self.ask("POST", ISSUE, GOOD)[0] == 200)
        self.house.wait_new("core", self.house.kill("core"))
        until(lambda: self.ask("POST", ISSUE, GOOD)[0] == 200)
        self.judged(self.issue()["token"])
        done = subprocess.run([house.BUILD / "ward", "audit", "verify", "--state", self.house.state],
                              capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)


def packed(*parts):
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def signed(header, claims, seed=bytes(32)):
    """A token that somebody else has signed."""
    public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
    sodium.crypto_sign_seed_keypair(public, secret, seed)
    text = packed(canonical(header), canonical(claims))
    signature = ctypes.create_string_buffer(64)
    sodium.crypto_sign_detached(signature, None, text.encode(), ctypes.c_ulonglong(len(text)), secret)
    return text + "." + packed(signature.raw)


class Redeem(Case):
    config = """[peers.sums]
url = "wss://challenge.example/sdk/ws"
[peers.other]
url = "wss://other.example/sdk/ws"
"""

    def redeem(self, token, **others):
        body = {"token": token, "challenge": "sums", "route": "submit", "method": "POST",
                "query": "a=1", "body_hash": base64.b64encode(hashlib.sha256(b"{}").digest())
                .decode()} | others
        return self.ask("POST", REDEEM, body)

    def refused(self, token, status, code, **others):
        said = self.redeem(token, **others)
        self.assertEqual((said[0], said[1].get("code")), (status, code))

    def test_a_request_is_vouched_for(self):
        issued = self.issue(uid=7, job="job-1", scope=["submit"])
        before = int(time.time())
        status, said = self.redeem(issued["token"])
        self.assertEqual(status, 200, said)
        self.assertEqual((said["hotkey"], said["uid"], said["job"], said["id"], said["key_id"]),
                         (HOTKEY, 7, "job-1", issued["id"], issued["key_id"]))
        self.assertTrue(before <= int(said["timestamp"]) <= time.time())
        text = "\n".join(["ward verified request v1", said["key_id"], "sums", "POST",
                          "/sdk/public/submit", "a=1", hashlib.sha256(b"{}").hexdigest(),
                          said["timestamp"], said["id"], HOTKEY, "7", "job-1", ""]).encode()
        key, = [key for key in self.ask("GET", KEYS)[1]["keys"] if key["kid"] == said["key_id"]]
        signature = base64.b64decode(said["signature"])
        self.assertTrue(ed25519_good(unpacked(key["x"]), text, signature))
        self.assertFalse(ed25519_good(unpacked(key["x"]), text.replace(b"a=1", b"a=2"), signature))

    def test_forgeries(self):
        good = self.issue()["token"]
        header, claims, signature = good.split(".")
        head, body = json.loads(unpacked(header)), json.loads(unpacked(claims))
        public = unpacked(self.ask("GET", KEYS)[1]["keys"][-1]["x"])
        none = packed(canonical(head | {"alg": "none"}), canonical(body))
        mac = packed(canonical(head | {"alg": "HS256"}), canonical(body))
        other = canonical(body).replace(b'"uid":0', b'"uid":1')
        rows = [
            ("ALGORITHM", none + "."), ("ALGORITHM", none + "." + signature),
            ("ALGORITHM", mac + "." + packed(hmac.digest(public, mac.encode(), "sha256"))),
            ("KEY", signed(head | {"kid": "0" * 32}, body)),
            ("SIGNATURE", signed(head, body)),
            ("SIGNATURE", f"{header}.{packed(other)}.{signature}"),
            ("SIGNATURE", good[:-2] + ("AA" if good[-2:] != "AA" else "AQ")),
            ("MALFORMED", signed(head | {"jwk": {"kty": "OKP"}}, body)),
            ("MALFORMED", signed(head | {"kid": "../../keyring"}, body)),
            ("MALFORMED", signed(head, body | {"exp": body["iat"] + 86400})),
            ("MALFORMED", signed(head, body | {"exp": -1})),
            ("MALFORMED", signed(head, body | {"exp": float(body["exp"])})),
            ("MALFORMED", signed(head, body | {"admin": True})),
            ("MALFORMED", f"{header}.{packed(json.dumps(body).encode())}.{signature}"),
            ("MALFORMED", good + "="), ("MALFORMED", good + "\n"), ("MALFORMED", " " + good),
            ("MALFORMED", "Bearer " + good), ("MALFORMED", good + "." + good),
            ("MALFORMED", "A" * 3000),
        ]
        for name, token in rows:
            with self.subTest(name, token=token):
                self.refused(token, 401, f"MINER_TOKEN_{name}")
        self.assertEqual(self.redeem(good)[0], 200)  # none of these has used it up

    def test_good_ones_for_something_else(self):
        token = self.issue(scope=["status"])["token"]
        self.refused(token, 401, "MINER_TOKEN_SCOPE")
        self.refused(token, 401, "MINER_TOKEN_SCOPE", route="Status")
        self.refused(token, 401, "MINER_TOKEN_AUDIENCE", challenge="other", route="status")
        self.refused(token, 404, "CHALLENGE_UNKNOWN", challenge="nobody", route="status")
        self.refused(token, 404, "CHALLENGE_UNKNOWN", challenge="caller", route="status")
        self.refused(token, 404, "CHALLENGE_UNKNOWN", challenge="../sums", route="status")
        self.assertEqual(self.redeem(token, route="status")[0], 200)
        short = self.issue(seconds=1)["token"]
        time.sleep(1.1)
        self.refused(short, 401, "MINER_TOKEN_EXPIRED")

    def test_what_cannot_be_vouched_for_uses_nothing_up(self):
        token = self.issue()["token"]
        for row in ({"method": "PUT"}, {"method": "get"}, {"route": "a/b"}, {"route": ".."},
                    {"query": "a=1 b"}, {"query": "a=1#b"}, {"query": "a=1\r\nX: y"},
                    {"query": "q" * 1025}, {"body_hash": "AAAA"}, {"body_hash": ""},
                    {"route": "submit\n"}):
            with self.subTest(row):
                self.refused(token, 400, "HTTP_BODY_INVALID", **row)
        self.assertEqual(self.redeem(token, query="q" * 1024)[0], 200)

    def test_once_and_never_again(self):
        """Also when all ask at once, and when core has another life."""
        token, said = self.issue()["token"], []
        asking = [threading.Thread(target=lambda: said.append(self.redeem(token)))
                  for _ in range(10)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        self.assertEqual(sorted(status for status, _ in said), [200] + [401] * 9)
        self.assertEqual({row["code"] for status, row in said if status == 401},
                         {"MINER_TOKEN_REPLAYED"})
        fresh = self.issue()["token"]
        self.house.wait_new("core", self.house.kill("core"))
        until(lambda: self.redeem(token, challenge="other")[1].get("code") ==
              "MINER_TOKEN_AUDIENCE")
        until(lambda: self.redeem(token)[1].get("code") != "HOUSE_UNAVAILABLE")
        self.refused(token, 401, "MINER_TOKEN_REPLAYED")
        self.assertEqual(self.redeem(fresh)[0], 200)
        self.refused(fresh, 401, "MINER_TOKEN_REPLAYED")

    def test_used_is_used(self):
        """Also when nothing can be signed for it any more."""
        token, keeper = self.issue()["token"], self.house.pid("keeper")
        os.kill(keeper, signal.SIGSTOP)
        try:
            self.refused(token, 503, "HOUSE_DEADLINE")
        finally:
            os.kill(keeper, signal.SIGCONT)
        self.refused(token, 401, "MINER_TOKEN_REPLAYED")
        self.assertEqual(self.redeem(self.issue()["token"])[0], 200)

    def killed_at(self, call, n):
        """Core is killed at its N-th such call from the moment in which a token is shown.  False
        when there are not so many until it is answered."""
        token, core = self.issue()["token"], self.house.pid("core")
        words = ["strace", "-qq", "-o", "/dev/null", "-p", str(core), "-e", "signal=none", "-e",
                 f"inject={call}:signal=KILL:when={n}"]
        with subprocess.Popen(words) as tracer:
            until(lambda: is_traced(core))
            said = [self.redeem(token)]
            try:  # it ends with the process that it watches
                fired = tracer.wait(1) is not None
            except subprocess.TimeoutExpired:
                fired = False
                tracer.send_signal(signal.SIGINT)
        if fired:
            self.house.wait_new("core", core)
        until(lambda: said.append(self.redeem(token)) or
              said[-1][1].get("code") not in ("HOUSE_UNAVAILABLE", "HOUSE_DEADLINE"), 20)
        said.append(self.redeem(token))
        self.assertLessEqual([status for status, _ in said].count(200), 1, said)
        self.assertEqual(said[-1][1]["code"], "MINER_TOKEN_REPLAYED", said)
        return fired

    @needs_strace
    def test_core_is_killed_between_the_judgement_and_the_record(self):
        fired = 0
        for call, some in (("pwrite64", 1), ("fdatasync", 1), ("sendmsg", 2), ("recvmsg", 0)):
            for n in range(1, 100 if FULL else some + 1):
                # A house of its own: one that falls again and again is started ever later.
                with self.subTest(call=call, when=n), house.House(config=self.config) as self.house:
                    if not self.killed_at(call, n):
                        break
                    fired += 1
        self.assertGreater(fired, 3)

    def test_of_a_key_that_was_rotated(self):
        token = self.issue()["token"]
        self.assertEqual(self.ask("POST", "/v1/keyring/rotate", {"role": "miner"})[0], 200)
        until(lambda: self.redeem("x")[1]["code"] != "HOUSE_UNAVAILABLE")
        status, said = self.redeem(token)
        self.assertEqual(status, 200, said)
        self.assertNotEqual(said["key_id"], json.loads(unpacked(token.split(".")[0]))["kid"])

    def test_who_may_redeem(self):
        with self.house.tls() as stranger:
            status, _, said = house.ask(stranger, "POST", REDEEM, [TYPE], json.dumps({
                "token": "x", "challenge": "sums", "route": "a", "method": "GET",
                "body_hash": "A" * 43 + "="}).encode())
            self.assertEqual((status, json.loads(said)["code"]), (403, "HOUSE_OWNER_ONLY"))

    def test_what_the_log_has_of_it(self):
        """A reason for each, until they are too many; nothing of the token."""
        time.sleep(1.1)
        before = len(self.records("token.refuse"))
        token = self.issue()["token"]
        forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "AAAQ")
        self.refused(forged, 401, "MINER_TOKEN_SIGNATURE")
        record = self.records("token.refuse")[before]
        self.assertEqual(json.loads(record["details"]) | {"unrecorded": 0},
                         {"token_type": "miner", "reason": "MINER_TOKEN_SIGNATURE",
                          "unrecorded": 0})
        self.assertEqual((record["outcome"], record["resource"]), ("Denied", "sums"))
        for _ in range(80):
            self.redeem(forged)
        time.sleep(1.1)
        self.redeem(forged)
        records = self.records("token.refuse")[before:]
        counted = sum(json.loads(row["details"]).get("unrecorded", 0) for row in records[1:])
        self.assertEqual(len(records) + counted, 82)
        self.assertGreater(counted, 0)
        self.assertNotIn(forged.split(".")[1], json.dumps(records))


if __name__ == "__main__":
    tap.main()
