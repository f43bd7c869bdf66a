"""test_seal.py - `ward seal`: PyNaCl opens what it seals, and nothing of it is shown or left."""

import base64
import hashlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import tempfile
import unittest

import canary
import pypi
import tap
from ward import BUILD

WARD = BUILD.resolve() / "ward"
SEED = bytes([1]) * 32
KEY = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="
MOST = 32 * 1024


class Seal(unittest.TestCase):

    def seal(self, given, *words, to=KEY):
        return subprocess.run([WARD, "seal", "--to", to, *words], input=given, check=False,
                              capture_output=True, timeout=60)

    def opened(self, text):
        public, signing = pypi.module("nacl.public"), pypi.module("nacl.signing")
        key = signing.SigningKey(SEED).to_curve25519_private_key()
        return public.SealedBox(key).decrypt(base64.b64decode(text.rstrip(b"\n") if isinstance(text, bytes) else text,
                                                             validate=True))

    def test_somebody_else_opens_it(self):
        for secret in (b"", b"postgres://u:p@h/db", bytes(range(256))):
            done = self.seal(secret)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual(self.opened(done.stdout), secret)
        done = self.seal(b"word", "--json", to=base64.b64decode(KEY).hex())
        self.assertEqual(self.opened(json.loads(done.stdout)["box"]), b"word")
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"of a file")
            file.flush()
            self.assertEqual(self.opened(self.seal(None, file.name).stdout), b"of a file")

    def test_an_end_of_line_is_said(self):
        done = self.seal(b"word\n")
        self.assertIn(b"end of line", done.stderr)
        self.assertEqual(self.opened(done.stdout), b"word\n")

    def test_how_much(self):
        done = self.seal(b"x" * MOST)
        self.assertEqual(self.opened(done.stdout), b"x" * MOST)
        done = self.seal(b"x" * (MOST + 1))
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b"32768", done.stderr)

    def test_keys_that_are_none(self):
        for key in ("", "00" * 32, "01" + "00" * 31, "ff" * 32, KEY[:-1], KEY + "=", "zz" * 32,
                    base64.b64encode(bytes(31)).decode()):
            done = self.seal(b"word", to=key)
            self.assertEqual((done.returncode, done.stdout), (2, b""), key)
            self.assertIn(b"--to", done.stderr)
        self.assertEqual(self.seal(b"", "/nonexistent").returncode, 6)
        self.assertEqual(self.seal(b"", "/").returncode, 2)

    def test_nothing_of_it_is_shown(self):
        secret = b"secret " + hashlib.sha256(os.urandom(16)).hexdigest().encode()
        for to in (KEY, "00" * 32):
            done = self.seal(secret + b"\n", to=to)
            self.assertEqual(canary.holds(done.stdout + done.stderr, secret), [])

    def test_nothing_of_it_is_in_a_core(self):
        secret = hashlib.sha256(os.urandom(16)).hexdigest().encode()

        def cores():
            most = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (most, most))

        with tempfile.TemporaryDirectory() as folder:
            # It has read the secret and waits for more, or for the end.
            sealing = subprocess.Popen([WARD, "seal", "--to", KEY], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
                                       preexec_fn=cores)
            sealing.stdin.write(secret)
            sealing.stdin.flush()
            while b"pipe_read" not in pathlib.Path(f"/proc/{sealing.pid}/wchan").read_bytes() \
                    and sealing.poll() is None and self.asleep(sealing.pid):
                pass
            sealing.send_signal(signal.SIGABRT)
            out, err = sealing.communicate(timeout=60)
            found = b"".join(path.read_bytes() for path in pathlib.Path(folder).iterdir())
        self.assertEqual(sealing.returncode, -signal.SIGABRT)
        self.assertEqual(canary.holds(out + err + found, secret), [])

    def asleep(self, pid):
        """Where the kernel does not say in what a process waits, that it does is enough."""
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "S"


if __name__ == "__main__":
    tap.main()
