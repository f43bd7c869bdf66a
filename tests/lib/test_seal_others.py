"""test_seal_others.py - sealed boxes of PyNaCl and of libward open for one another, and a
credential that was in one is found in the workload's environment and nowhere else: not in processes
beside it, a core, an error or a file."""

import ctypes
import hashlib
import json
import os
import pathlib
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

import canary
import pypi
import tap

BUILD = pathlib.Path(os.environ["WARD_BUILD"])
PROGRAM = BUILD / "tests" / "lib" / "seal_workload"
SEED = bytes(range(7, 39))
DSN = "postgres://user:" + hashlib.sha256(os.urandom(16)).hexdigest() + "@10.0.0.1/db"
BAD_INPUT = 1


class Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("len", ctypes.c_size_t), ("name", ctypes.c_char_p)]


class Nacl(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.lib = ctypes.CDLL(str(BUILD / "libward.so"))
        cls.public, cls.signing = pypi.module("nacl.public"), pypi.module("nacl.signing")
        cls.key = cls.signing.SigningKey(SEED)

    def unseal(self, box):
        plain = ctypes.create_string_buffer(max(len(box), 1))
        outcome = self.lib.ward_unseal(SEED, Bytes(box, len(box), None), plain, None)
        return plain.raw[:len(box) - 48] if outcome == 0 else outcome

    def seal(self, text):
        box = ctypes.create_string_buffer(len(text) + 48)
        key = self.key.verify_key.encode()
        self.assertEqual(self.lib.ward_seal(key, Bytes(text, len(text), None), box, None), 0)
        return box.raw

    def test_the_same_keys(self):
        key = ctypes.create_string_buffer(32)
        self.lib.ward_seal_key(SEED, key)
        self.assertEqual(key.raw, self.key.verify_key.encode())

    def test_boxes_of_either_open_for_the_other(self):  # proves: PC-26
        box = self.public.SealedBox(self.key.verify_key.to_curve25519_public_key())
        own = self.public.SealedBox(self.key.to_curve25519_private_key())
        for text in (b"", b"a", DSN.encode(), bytes(range(256)) * 300):
            self.assertEqual(self.unseal(box.encrypt(text)), text)
            self.assertEqual(own.decrypt(self.seal(text)), text)
        whole = box.encrypt(DSN.encode())
        for wrong in (whole[:-1], whole[1:], whole + b"\0", whole[:-1] + bytes([whole[-1] ^ 1])):
            self.assertEqual(self.unseal(wrong), BAD_INPUT)


class Canary(unittest.TestCase):

    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="ward-seal-")
        self.addCleanup(place.cleanup)
        self.folder = pathlib.Path(place.name)
        self.lib = ctypes.CDLL(str(BUILD / "libward.so"))

    def box(self, text):
        key, box = ctypes.create_string_buffer(32), ctypes.create_string_buffer(len(text) + 48)
        self.lib.ward_seal_key(SEED, key)
        self.assertEqual(self.lib.ward_seal(key, Bytes(text, len(text), None), box, None), 0)
        return box.raw

    def start(self, box, *words):
        def cores():
            most = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (most, most))

        process = subprocess.Popen([PROGRAM, *words], stdin=subprocess.PIPE, cwd=self.folder,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=cores)
        process.stdin.write(SEED + struct.pack(">H", len(box)) + box)
        process.stdin.flush()
        return process

    def nowhere(self, text):
        self.assertEqual(canary.holds(text, DSN), [])

    def files(self):
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())

    def test_the_workload_has_it_and_nobody_else(self):
        script = ("import hashlib, os, sys;"
                  "print(hashlib.sha256(os.environ['SDK_DB_DSN'].encode()).hexdigest(), flush=True);"
                  "sys.stdin.read()")
        for text in (DSN, json.dumps({"dsn": DSN})):
            process = self.start(self.box(text.encode()), "exec", sys.executable, "-c", script)
            children = [int(process.stderr.readline().split()[1]) for _ in range(2)]
            said = process.stdout.readline().decode().strip()
            self.assertEqual(said, hashlib.sha256(DSN.encode()).hexdigest())
            # Where it is, it is found: so it would be elsewhere.
            self.assertTrue(canary.holds(canary.memory_of(process.pid), DSN))
            for pid in children:
                self.nowhere(canary.memory_of(pid))
                self.nowhere(pathlib.Path(f"/proc/{pid}/environ").read_bytes())
            for name in ("cmdline", "comm", "status"):
                self.nowhere(pathlib.Path(f"/proc/{process.pid}/{name}").read_bytes())
            limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
            self.assertRegex(limits, r"Max core file size +1 +1 ")
            process.send_signal(signal.SIGQUIT)
            out, err = process.communicate(timeout=30)
            self.nowhere(out + err + self.files())

    def test_no_core_holds_it(self):
        box = self.box(DSN.encode())
        process = self.start(box, "abort")
        process.stdin.close()
        err = process.stderr.read()
        self.assertEqual(process.wait(30), -signal.SIGABRT)
        process.stdout.close()
        process.stderr.close()
        self.nowhere(err)
        core = self.files()
        if core:  # where the kernel writes one into the folder
            self.assertIn(box, core)
            self.nowhere(core)
            self.assertNotIn(SEED, core)

    def test_no_error_says_it(self):
        text = DSN.encode()
        cases = {"SEAL_CREDENTIAL_UNUSABLE": [text + b"\n", b'{"dsn":"%s\\n"}' % text, b"{" + text,
                                              text * 60, b'{"DSN":"%s"}' % text],
                 "-": [text]}
        for reason, plains in cases.items():
            for plain in plains:
                process = self.start(self.box(plain), "exec", "/nonexistent")
                _, err = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 1)
                self.assertIn(reason, err.decode())
                self.nowhere(err + self.files())
        process = self.start(self.box(text)[:-1], "exec", "/nonexistent")
        _, err = process.communicate(timeout=30)
        self.assertIn(b"SEAL_NOT_OPENED", err)
        self.nowhere(err)


if __name__ == "__main__":
    tap.main()
