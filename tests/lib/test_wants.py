"""test_wants.py - what a program that calls libward can want of evidence and the command cannot: that
its nonce was not seen before, and what its user data is."""

import os
import pathlib
import subprocess
import unittest

import tap

BUILD = pathlib.Path(os.environ["WARD_BUILD"])
VECTORS = pathlib.Path(__file__).resolve().parents[2] / "vectors"
MADE = 1767225600  # 2026-01-01


class Wants(unittest.TestCase):
    def test_a_nonce_that_was_seen_and_other_data(self):
        done = subprocess.run([BUILD / "tests/lib/wants", VECTORS / "nitro/document.cose.bin", str(MADE),
                               VECTORS / "nitro_root.pem"], capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.stdout.splitlines(), done.returncode), (
            ["allow OK", "deny NONCE_REPLAY", "deny POLICY_USER_DATA"], 0), done.stderr)


if __name__ == "__main__":
    tap.main()
