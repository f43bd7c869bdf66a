"""test_result.py - `ward result verify`: results that a house has signed, and whatever somebody who has
one, and keys and evidence of his own, can make of it."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import tap
from commands import BUILD, CLEAN, ROOT, WARD, faults

sys.path.insert(0, str(ROOT / "tests/proc"))
import front_house as house  # noqa: E402  (the path is set just above)
from house import until  # noqa: E402
from lockbox import canonical, ed25519_good  # noqa: E402
from test_results import SIGN, TAG, facts  # noqa: E402
from test_tokens import GOOD, ISSUE, TYPE, packed, signed, unpacked  # noqa: E402

SPEC = b'image = "sha256:00"\ncommand = ["true"]\n'
VECTOR = json.loads((ROOT / "vectors/result/signed.json").read_text())


def verify(text, *options):
    """(exit code, object) of a result that is these bytes."""
    data = text.encode() if isinstance(text, str) else text
    done = subprocess.run([WARD, "result", "verify", "-", "--json", *map(str, options)], input=data,
                          capture_output=True, check=False, timeout=60, env=CLEAN)
    if done.returncode not in (0, 1):
        return done.returncode, done.stderr.decode()
    said = json.loads(done.stdout)
    assert faults("result.json", said) == [], faults("result.json", said)
    assert said["allowed"] == (done.returncode == 0) == (said["reason"] == "OK"), said
    return done.returncode, said


class Node:
    """A house, and what whoever trusts it has of it."""

    def __init__(self):
        self.house = house.House(config='[peers.sums]\nurl = "wss://challenge.example/sdk/ws"\n',
                                 requests_per_second=100000, requests_burst=100000)
        self.house.__enter__()
        tee = pathlib.Path(self.house.state) / "tee"
        self.trust = ["--root", tee / "root.pem", "--collateral", tee / "collateral"]

    def ask(self, method, target, body=None):
        with self.house.plain(30) as one:
            status, _, said = house.ask(one, method, target, [TYPE] if body else [],
                                        json.dumps(body).encode() if body else b"")
            return status, json.loads(said)

    def sign(self, **others):
        def once():
            status, said = self.ask("POST", SIGN, facts(
                **{"spec_sha256": base64.b64encode(hashlib.sha256(SPEC).digest()).decode()} | others))
            return said["result"] if status == 200 else None
        return until(once, 20, 0.2)

    def evidence(self, report_data):
        def once():
            status, said = self.ask("POST", "/v1/attest/evidence",
                                    {"report_data": base64.b64encode(report_data).decode()})
            return said if status == 200 else None
        said = until(once, 20, 0.2)
        return {"type": "tdx", "evidence": said["evidence"], "event_log": said["event_log"]}

    def key(self, role="result"):
        listed = self.ask("GET", f"/v1/keyring/keys?role={role}&state=active")[1]["keys"]
        return base64.b64decode(listed[0]["public_part"]).hex()


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node, cls.other = Node(), Node()
        cls.addClassCleanup(cls.node.house.__exit__)
        cls.addClassCleanup(cls.other.house.__exit__)
        cls.good = cls.node.sign()

    def refused(self, reason, text, *options, about=""):
        code, said = verify(text, *(options or self.node.trust))
        self.assertEqual(code, 1, said)
        self.assertEqual((said["reason"], said["about"]), (reason, about))
        return said

    def parts(self, text=None):
        header, payload, _ = (text or self.good).split(".")
        return json.loads(unpacked(header)), json.loads(unpacked(payload))

    def test_a_good_one(self):
        code, said = verify(self.good, *self.node.trust)
        self.assertEqual(code, 0, said)
        self.assertEqual((said["key"], said["evidence_judged"], said["hardware"]),
                         (self.node.key(), True, False))
        self.assertEqual(said["result"], self.parts()[1])
        self.assertEqual((said["spec_compared"], said["outputs_compared"]), (False, False))
        code, said = verify(self.good, *self.node.trust, "--key", self.node.key())
        self.assertEqual(code, 0, said)
        done = subprocess.run([WARD, "result", "verify", "-", *map(str, self.node.trust)],
                              input=self.good.encode(), capture_output=True, check=False, env=CLEAN)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"proves nothing about hardware", done.stdout)
        self.assertIn(b"a/x", done.stdout)

    def test_the_key_alone(self):
        code, said = verify(self.good, "--key", self.node.key(), "--key-alone")
        self.assertEqual((code, said["evidence_judged"]), (0, False))
        self.refused("RESULT_SIGNATURE", self.good, "--key", self.other.key(), "--key-alone")
        self.refused("RESULT_SIGNATURE", self.good, "--key", self.node.key("miner"), "--key-alone")
        self.refused("RESULT_KEY_FOREIGN", self.good, *self.node.trust, "--key", self.other.key())
        for words in (["--key-alone"], ["--key", "00"], ["--key", "xx"], ["--key", "00" * 33]):
            self.assertEqual(verify(self.good, *words)[0], 2, words)

    def test_whose_node_it_is(self):
        for options, about in (([], "PCK_ROOT_UNTRUSTED"), (self.other.trust, "PCK_ROOT_UNTRUSTED"),
                               (self.node.trust[2:], "PCK_ROOT_UNTRUSTED"),
                               (self.node.trust[:2], "COLLATERAL_MISSING"),
                               ([*self.node.trust, "--at", "2030-01-01T00:00:00Z"], "CRL_EXPIRED")):
            with self.subTest(options=options):
                code, said = verify(self.good, *options)
                self.assertEqual((code, said["reason"], said["about"], said["result"]),
                                 (1, "RESULT_EVIDENCE", about, None))
        done = subprocess.run([WARD, "result", "verify", "-"], input=self.good.encode(),
                              capture_output=True, check=False, env=CLEAN)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"PCK_ROOT_UNTRUSTED", done.stdout)

    def test_a_policy_that_names_the_programs(self):
        """The same language as `ward verify`: this node's measurement, and another's."""
        with tempfile.TemporaryDirectory() as folder:
            policy, quote = pathlib.Path(folder) / "policy.toml", pathlib.Path(folder) / "quote.bin"
            quote.write_bytes(base64.b64decode(self.parts()[1]["node_evidence"]["evidence"]))
            done = subprocess.run([WARD, "verify", quote, "--json", *map(str, self.node.trust)],
                                  capture_output=True, check=False, env=CLEAN)
            measured = json.loads(done.stdout)["claims"]["mrtd"]
            for mrtd, code in ((measured, 0), ("00" * 48, 1)):
                policy.write_text(f'hardware = false\n[tdx]\nmrtd = ["{mrtd}"]\n')
                got, said = verify(self.good, *self.node.trust, "--policy", policy)
                self.assertEqual(got, code, said)
            self.assertEqual(said["reason"], "RESULT_EVIDENCE")
            policy.write_text("hardware = maybe\n")
            self.assertEqual(verify(self.good, "--policy", policy)[0], 2)

    def test_another_key(self):
        """Whoever has no key of the node's: his own, with the node's evidence, or with evidence that
        the node's owner may have made, or another node's."""
        head, body = self.parts()
        self.refused("RESULT_SIGNATURE", signed(head, body, b"\1" * 32))
        key = bytes.fromhex(VECTOR["public_key"])
        own = body | {"node_evidence": self.node.evidence(b"\1" * 32 + key)}
        self.refused("RESULT_KEY_NOT_BOUND", signed(head, own, b"\1" * 32))
        of_others = body | {"node_evidence": self.parts(self.other.sign())[1]["node_evidence"]}
        self.refused("RESULT_EVIDENCE", signed(head, of_others, b"\1" * 32),
                     about="PCK_ROOT_UNTRUSTED")
        self.refused("RESULT_SIGNATURE", signed(head, of_others, b"\1" * 32), *self.other.trust)
        # Evidence that was changed to name the key is no evidence.
        quote = bytearray(base64.b64decode(body["node_evidence"]["evidence"]))
        at = quote.index(TAG)
        quote[at + 32:at + 64] = key
        forged = body["node_evidence"] | {"evidence": base64.b64encode(quote).decode()}
        said = verify(signed(head, body | {"node_evidence": forged}, b"\1" * 32), *self.node.trust)[1]
        self.assertEqual(said["reason"], "RESULT_EVIDENCE")

    def test_another_log_of_events(self):
        head, body = self.parts()
        for log in (b"[]", b"", b"{}", base64.b64decode(body["node_evidence"]["event_log"])[:-9] + b"]"):
            evidence = body["node_evidence"] | {"event_log": base64.b64encode(log).decode()}
            code, said = verify(signed(head, body | {"node_evidence": evidence}), *self.node.trust)
            self.assertEqual(code, 1)
            self.assertIn(said["reason"], ("RESULT_EVIDENCE", "RESULT_SIGNATURE"))

    def test_flipped_bits(self):
        data = self.good.encode()
        for bit in range(0, 8 * len(data), 8 * len(data) // 60):
            other = bytearray(data)
            other[bit // 8] ^= 1 << bit % 8
            code, said = verify(bytes(other), *self.node.trust)
            self.assertEqual((code, said["result"]), (1, None), bit)

    def test_another_text_of_the_same(self):
        header, payload, signature = self.good.split(".")
        body = unpacked(payload)
        for other in (body.replace(b'"v":1', b'"v":1,"v":1'), body.replace(b'"v":1', b'"v":1,"w":1'),
                      body.replace(b":", b": ", 1), b" " + body, body + b" ", body + b"{}",
                      body.replace(b'"code":3', b'"code":3.0'), body.replace(b'"code":3', b'"code":03'),
                      body.replace(b'"path":"b"', b'"path":"\\u0062"'), b"null", b""):
            self.refused("RESULT_MALFORMED", f"{header}.{packed(other)}.{signature}")
        for other in (self.good + "\n", self.good + " ", "\n" + self.good, self.good + "=",
                      self.good + ".", self.good + "." + signature, self.good[:-1], "", "x", "..",
                      self.good * 12, "A" * 500000):
            self.refused("RESULT_MALFORMED", other)
        self.assertEqual(verify(b"A" * 800000)[0], 2)
        self.assertEqual(verify(bytes(1000))[1]["reason"], "RESULT_MALFORMED")

    def test_another_type(self):
        head, body = self.parts()
        text = canonical(body)
        key = bytes.fromhex(self.node.key())
        for other in ({"alg": "none"}, {"typ": "JWT"}, {"typ": "MinerToken"}, {"alg": "RS256"},
                      {"alg": "ES256"}, {"jwk": {"kty": "OKP"}}, {"typ": "Ward-Result"},
                      {"kid": "0" * 31}, {"crit": []}):
            changed = packed(canonical(head | other), text)
            self.refused("RESULT_TYPE", changed + ".")
            self.refused("RESULT_TYPE", changed + "." + self.good.split(".")[2])
        # A MAC whose key is the public one.
        macked = packed(canonical(head | {"alg": "HS256"}), text)
        mac = hmac.new(key, macked.encode(), hashlib.sha256).digest()
        self.refused("RESULT_TYPE", macked + "." + packed(mac))

    def test_neither_passes_for_the_other(self):
        """A miner's token is no result, and a result is no token, whosever key signed it."""
        status, said = self.node.ask("POST", ISSUE, GOOD)
        self.assertEqual(status, 200, said)
        self.refused("RESULT_TYPE", said["token"], "--key", self.node.key("miner"), "--key-alone")
        head, body = self.parts()
        claims = json.loads(unpacked(said["token"].split(".")[1]))
        self.refused("RESULT_MALFORMED", signed(head, claims))
        usual = {"challenge": "sums", "route": "submit", "method": "GET", "body_hash": "A" * 43 + "="}
        status, answer = self.node.ask("POST", "/v1/token/redeem", usual | {"token": self.good[:3000]})
        self.assertEqual((status, answer["code"]), (401, "MINER_TOKEN_MALFORMED"))
        kid = self.node.ask("GET", "/v1/keyring/keys?role=result&state=active")[1]["keys"][0]["id"]
        forged = signed({"alg": "EdDSA", "kid": kid, "typ": "MinerToken"}, claims)
        status, answer = self.node.ask("POST", "/v1/token/redeem", usual | {"token": forged})
        self.assertEqual((status, answer["code"]), (401, "MINER_TOKEN_KEY"))

    def test_of_another_specification(self):
        with tempfile.TemporaryDirectory() as folder:
            spec = pathlib.Path(folder) / "job.toml"
            spec.write_bytes(SPEC)
            code, said = verify(self.good, *self.node.trust, "--spec", spec)
            self.assertEqual((code, said["spec_compared"]), (0, True))
            spec.write_bytes(SPEC + b"\n")
            self.refused("RESULT_SPEC", self.good, *self.node.trust, "--spec", spec)
            self.assertEqual(verify(self.good, "--spec", spec.parent / "no")[0], 2)

    def test_outputs_that_were_changed(self):
        content = {"a/x": b"hello\n", "b": b"", 'c"\\ä': b"\0" * 70000}
        text = self.node.sign(outputs=[
            {"path": path, "size": str(len(data)),
             "sha256": base64.b64encode(hashlib.sha256(data).digest()).decode()}
            for path, data in sorted(content.items(), key=lambda row: row[0].encode())])

        def symlink(folder):
            (folder / "b").unlink()
            (folder / "b").symlink_to("/dev/null")

        def deep(folder):
            (folder / "/".join("d" * 33)).mkdir(parents=True)
        changes = {
            "another byte": lambda at: (at / "a/x").write_bytes(b"hellO\n"),
            "a byte more": lambda at: (at / "b").write_bytes(b"x"),
            "a byte less": lambda at: (at / 'c"\\ä').write_bytes(b"\0" * 69999),
            "one is gone": lambda at: (at / "b").unlink(),
            "one more": lambda at: (at / "a/y").write_bytes(b""),
            "one more, hidden": lambda at: (at / ".x").write_bytes(b""),
            "one more, with a name that moves cursors": lambda at: (at / "\x1b[2J").write_bytes(b""),
            "a link instead": symlink,
            "a link more": lambda at: (at / "l").symlink_to("b"),
            "a pipe": lambda at: os.mkfifo(at / "p"),
            "a folder instead": lambda at: ((at / "b").unlink(), (at / "b").mkdir()),
            "elsewhere": lambda at: (at / "b").rename(at / "a/b"),
            "too deep": deep,
        }
        with tempfile.TemporaryDirectory() as above:
            for name, how in {"nothing": None, "an empty folder more": lambda at: (at / "e").mkdir(),
                              "as deep as may be": lambda at: (at / "/".join("d" * 32)).mkdir(parents=True),
                              **changes}.items():
                folder = pathlib.Path(above) / "out"
                shutil.rmtree(folder, ignore_errors=True)
                for path, data in content.items():
                    (folder / path).parent.mkdir(parents=True, exist_ok=True)
                    (folder / path).write_bytes(data)
                if how:
                    how(folder)
                with self.subTest(name):
                    code, said = verify(text, *self.node.trust, "--output", folder)
                    self.assertEqual(code, int(name in changes), said)
                    self.assertEqual(said["reason"], "RESULT_OUTPUTS" if code else "OK")
                    self.assertEqual(said["outputs_compared"], not code)
                    self.assertEqual(said["detail"] != "", bool(code))
                    self.assertNotIn("\x1b", said["detail"])
            self.assertEqual(verify(text, *self.node.trust, "--output", pathlib.Path(above) / "no")[0], 2)
            # What is not signed as it should is compared with nothing.
            self.refused("RESULT_SIGNATURE", signed(*self.parts(text)), *self.node.trust, "--output",
                         pathlib.Path(above) / "no")

    def test_a_key_that_was_rotated(self):
        node = self.other
        old, key = node.sign(), node.key()
        until(lambda: node.ask("POST", "/v1/keyring/rotate", {"role": "result"})[0] == 200)
        new = node.sign()
        for text, public in ((old, key), (new, node.key())):
            code, said = verify(text, *node.trust)
            self.assertEqual((code, said["key"]), (0, public))
        self.refused("RESULT_KEY_FOREIGN", old, *node.trust, "--key", node.key())

    def test_the_example_of_libward(self):
        with tempfile.TemporaryDirectory() as folder:
            policy, file = pathlib.Path(folder) / "policy.toml", pathlib.Path(folder) / "result.jws"
            tee = pathlib.Path(self.node.house.state) / "tee"
            policy.write_text(f"hardware = false\nroots = [\"\"\"{(tee / 'root.pem').read_text()}\"\"\"]\n")
            rows = [(self.good, 0, "b\n"), (signed(*self.parts()), 1, "RESULT_SIGNATURE"),
                    (self.good + "\n", 1, "RESULT_MALFORMED")]
            for text, code, word in rows:
                file.write_text(text)
                done = subprocess.run([BUILD / "tests/channel/example_result", file, policy,
                                       str(int(time.time())), *sorted((tee / "collateral").iterdir())],
                                      capture_output=True, text=True, check=False, timeout=60)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn(word, done.stdout)

    def test_the_vector(self):
        """The known answer of docs/wire.md, read by another program than wrote it."""
        header, payload, signature = VECTOR["result"].split(".")
        self.assertEqual(unpacked(payload), VECTOR["payload"].encode())
        self.assertEqual(canonical(json.loads(VECTOR["payload"])), VECTOR["payload"].encode())
        self.assertTrue(ed25519_good(bytes.fromhex(VECTOR["public_key"]), f"{header}.{payload}".encode(),
                                     unpacked(signature)))
        self.assertEqual(signed(json.loads(unpacked(header)), json.loads(unpacked(payload)),
                                bytes.fromhex(VECTOR["seed"])), VECTOR["result"])
        code, said = verify(VECTOR["result"], "--key", VECTOR["public_key"], "--key-alone")
        self.assertEqual((code, said["result"]), (0, json.loads(VECTOR["payload"])))


if __name__ == "__main__":
    tap.main()
