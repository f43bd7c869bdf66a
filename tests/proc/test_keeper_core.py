"""test_keeper_core.py - what a core that is taken over gets signed by the keeper: tokens and results of
now, at a rate, and nothing else."""

import base64
import time
import unittest

import tap
from auditor import data
from lockbox import HANDSHAKE, REASONS, Lockbox, detail, ed25519_good, jws


class Core(unittest.TestCase):
    def setUp(self):
        self.box = Lockbox()
        self.addCleanup(self.box.__exit__)
        self.assertTrue(self.box.start(), self.box.said())
        self.box.settle(7)

    def test_a_taken_core_gets_tokens_of_now_and_nothing_else(self):
        box, now = self.box, int(time.time())
        key = box.active("miner")[0]
        good = box.token_input()
        self.assertTrue(ed25519_good(key["public"], good, box.sign_miner(good)))
        header, claims = (base64.urlsafe_b64decode(part + b"==") for part in good.split(b"."))
        first = box.list()[1][0]["id"].hex().encode()
        rows = [
            ("GUARD_PAYLOAD_TIME", box.token_input(iat=now + 60, nbf=now + 60, exp=now + 360)),
            ("GUARD_PAYLOAD_TIME", box.token_input(iat=now - 60, nbf=now - 60, exp=now + 240)),
            ("GUARD_PAYLOAD_ORIGIN", box.token_input(iss="ward.local/another")),
            ("GUARD_KEY_NOT_BOUND", jws(header.replace(key["id"].hex().encode(), first), claims)),
            ("GUARD_PAYLOAD_UNKNOWN", box.token_input(exp=now + 302)),
            ("GUARD_PAYLOAD_UNKNOWN", box.token_input(zeal=1)),
            ("GUARD_PAYLOAD_UNKNOWN", jws(header, claims.replace(b":", b": "))),
            ("GUARD_PAYLOAD_UNKNOWN", jws(header.replace(b"EdDSA", b"none"), claims)),
            ("GUARD_PAYLOAD_UNKNOWN", good + b"\n"),
            ("GUARD_PAYLOAD_UNKNOWN", good + b"." + b"A" * 86),
            ("GUARD_PAYLOAD_KIND", jws(b'{"alg":"HS256"}', claims)),
            ("GUARD_PAYLOAD_KIND", HANDSHAKE + bytes(32)),
            ("GUARD_PAYLOAD_KIND", f"x\n5\n{'A' * 43}=\n".encode()),
        ]
        for reason, content in rows:
            with self.subTest(reason=reason, content=content):
                self.assertEqual(REASONS[box.sign_miner(content)], reason)
        box.settle(1, "POLICY_REFUSE")
        self.assertIn(data(b"token"), box.event("POLICY_REFUSE")[0])

    def test_a_taken_core_gets_results_of_now_and_nothing_else(self):
        box, now = self.box, int(time.time())
        key, miner = box.active("result")[0], box.active("miner")[0]
        good = box.result_input()
        self.assertTrue(ed25519_good(key["public"], good, box.sign_result(good)))
        header, claims = (base64.urlsafe_b64decode(part + b"==") for part in good.split(b"."))
        longest = box.result_input(outputs=[{"path": f"{n:03}" + "x" * 29, "sha256": "0" * 64, "size": 2 ** 53 - 1}
                                            for n in range(512)])
        self.assertIsInstance(box.sign_result(longest), bytes)
        rows = [
            ("GUARD_PAYLOAD_TIME", box.result_input(now + 60)),
            ("GUARD_PAYLOAD_TIME", box.result_input(now - 3700)),
            ("GUARD_KEY_NOT_BOUND", jws(header.replace(key["id"].hex().encode(), miner["id"].hex().encode()),
                                        claims)),
            ("GUARD_PAYLOAD_UNKNOWN", box.result_input(outputs=[{"path": "../x", "sha256": "0" * 64, "size": 1}])),
            ("GUARD_PAYLOAD_UNKNOWN", box.result_input(zeal=1)),
            ("GUARD_PAYLOAD_UNKNOWN", box.result_input(sandbox_evidence="mine")),
            ("GUARD_PAYLOAD_UNKNOWN", jws(header, claims.replace(b":", b": ", 1))),
            ("GUARD_PAYLOAD_UNKNOWN", jws(header, claims[:-1] + b',"v":1}')),
            ("GUARD_PAYLOAD_UNKNOWN", jws(header.replace(b"EdDSA", b"none"), claims)),
            ("GUARD_PAYLOAD_UNKNOWN", jws(header.replace(b"ward-result", b"MinerToken"), claims)),
            ("GUARD_PAYLOAD_UNKNOWN", good + b"\n"),
            ("GUARD_PAYLOAD_UNKNOWN", good + b"." + b"A" * 86),
            ("GUARD_PAYLOAD_KIND", box.token_input()),
            ("GUARD_PAYLOAD_KIND", HANDSHAKE + bytes(32)),
            ("GUARD_PAYLOAD_KIND", f"x\n5\n{'A' * 43}=\n".encode()),
        ]
        for reason, content in rows:
            with self.subTest(reason=reason, content=content[:80]):
                self.assertEqual(REASONS[box.sign_result(content)], reason)
        # And the key of tokens signs no result.
        self.assertEqual(REASONS[box.sign_miner(box.result_input()[:2048])], "GUARD_PAYLOAD_UNKNOWN")
        box.settle(1, "POLICY_REFUSE")
        self.assertIn(data(b"result"), box.event("POLICY_REFUSE")[0])

    def test_results_are_signed_at_a_rate(self):
        box, signed = self.box, 0
        begun = time.monotonic()
        for _ in range(200):
            said = box.sign_result(box.result_input())
            if isinstance(said, int):
                self.assertEqual(REASONS[said], "GUARD_RATE")
                break
            signed += 1
        most = 50 + 10 * (time.monotonic() - begun) + 1
        self.assertTrue(50 <= signed <= most, signed)

    def test_tokens_are_signed_at_a_rate(self):
        box, signed = self.box, 0
        begun = time.monotonic()
        for _ in range(400):
            said = box.sign_miner(box.token_input())
            if isinstance(said, int):
                self.assertEqual(REASONS[said], "GUARD_RATE")
                break
            signed += 1
        most = 200 + 100 * (time.monotonic() - begun) + 1
        self.assertTrue(200 <= signed <= most, signed)

    def test_a_keyring_of_before_there_were_tokens(self):
        box = self.box
        box.kill()
        box.strip("miner")
        self.assertTrue(box.start(), box.said())
        self.assertEqual(box.active("miner"), [])
        self.assertEqual(REASONS[box.sign_miner(b"eyJ")], "KEYRING_NO_SUCH_KEY")
        self.assertEqual(REASONS[box.rotate("token")], "KEYRING_NO_SUCH_KEY")
        told = len(box.event("KEY_CREATE"))
        new, old = box.rotate("miner")
        self.assertEqual(old, b"")
        self.assertEqual([key["id"] for key in box.active("miner")], [new])
        box.settle(told + 1, "KEY_CREATE")
        self.assertEqual(detail(box.event("KEY_CREATE")[-1], b"key_id"), new.hex().encode())
        good = box.token_input()
        self.assertIsInstance(box.sign_miner(good), bytes)
        self.assertEqual(box.rotate("miner")[1], new)

    def test_a_keyring_of_before_there_were_results(self):
        box = self.box
        box.kill()
        box.strip("result")
        self.assertTrue(box.start(), box.said())
        self.assertEqual(REASONS[box.sign_result(b"eyJ")], "KEYRING_NO_SUCH_KEY")
        new, old = box.rotate("result")
        self.assertEqual(old, b"")
        self.assertEqual([key["id"] for key in box.active("result")], [new])
        self.assertIsInstance(box.sign_result(box.result_input()), bytes)


if __name__ == "__main__":
    tap.main()
