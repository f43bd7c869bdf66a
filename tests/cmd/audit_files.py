"""audit_files.py - the files of a security log made by hand, and keys of a log and its witnesses that
openssl made: what the tests of `ward audit` have in common."""

import base64
import gzip
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "proc"))

import test_schema
from auditor import leaf_of, lines_of, root_of
from ward import ROOT, ward

FULL = os.environ.get("WARD_FULL") == "1"
SCHEMA = test_schema.SCHEMA = json.loads((ROOT / "docs/schema/audit.json").read_text())
ORIGIN = "ward.test/log"
PARTS = (("security-00000000000000000000-2026-01-01.log", 0, 20),
         ("security-00000000000000000020-2026-01-02.log", 20, 40), ("security.log", 40, 60))


def slot(kind, a, b, payload):
    head = f"ward {kind} {a} {b} {len(payload)} ".encode()
    total = hashlib.sha256(head + payload).hexdigest().encode()
    return (head + total + b"\n" + payload).ljust(4096, b"\0")


class Signer:
    """A log's key outside of Ward."""

    def __init__(self, folder):
        self.pem = folder / "key.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.pem],
                       check=True, capture_output=True)
        der = subprocess.run(["openssl", "pkey", "-in", self.pem, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True).stdout
        self.public = der[-32:]
        kind = b"\1" + self.public
        self.id = hashlib.sha256(ORIGIN.encode() + b"\n" + kind).digest()[:4]
        self.vkey = f"{ORIGIN}+{self.id.hex()}+{base64.b64encode(kind).decode()}"

        kind = b"\4" + self.public
        self.witness_id = hashlib.sha256(ORIGIN.encode() + b"-w\n" + kind).digest()[:4]
        self.witness_vkey = f"{ORIGIN}-w+{self.witness_id.hex()}+{base64.b64encode(kind).decode()}"

    def sign(self, text):
        with tempfile.NamedTemporaryFile() as file:
            file.write(text)
            file.flush()
            return subprocess.run(
                ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.pem, "-in", file.name],
                check=True, capture_output=True).stdout

    def cosign(self, note, at):
        """The note with one more line: that this witness has seen it."""
        text = note.partition(b"\n\n")[0] + b"\n"
        signed = self.sign(f"cosignature/v1\ntime {at}\n".encode() + text)
        line = base64.b64encode(self.witness_id + at.to_bytes(8, "big") + signed).decode()
        return note + f"\u2014 {ORIGIN}-w {line}\n".encode()

    def note(self, size, root, heir=None):
        text = f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n".encode()
        if heir:
            text += b"ward-log-key " + base64.b64encode(heir.public) + b"\n"
        line = base64.b64encode(self.id + self.sign(text)).decode()
        return text + f"\n\u2014 {ORIGIN} {line}\n".encode()


class Log(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.place.name)
        cls.signer = Signer(cls.folder)
        cls.lines = lines_of(60)
        cls.leaves = [leaf_of(line) for line in cls.lines]
        cls.note = cls.signer.note(55, root_of(cls.leaves[:55]))

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def setUp(self):
        self.state = self.folder / "state"
        self.audit = self.state / "audit"
        shutil.rmtree(self.state, ignore_errors=True)
        self.audit.mkdir(parents=True, mode=0o700)
        self.write(self.lines)

    def write(self, lines, leaves=None, heads=True, packed=True):
        for path in self.audit.iterdir():
            path.unlink()
        for name, first, end in PARTS:
            text = b"".join(line + b"\n" for line in lines[first:end])
            if packed and name != "security.log":
                name, text = name + ".gz", gzip.compress(text)
            (self.audit / name).write_bytes(text)
        (self.audit / "leaves").write_bytes(b"".join(self.leaves if leaves is None else leaves))
        if heads:
            (self.audit / "heads").write_bytes(
                slot("base", 40, 20455, b"") + bytes(4096) + slot("head", 1, 0, self.note))

    def run_audit(self, *words, code=0):
        words = [words[0], "--state", self.state, *words[1:]]
        done = ward("audit", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout.decode()

    def verify(self, *words, code=0):
        said = json.loads(self.run_audit("verify", "--json", *words, code=code))
        self.assertEqual(list(test_schema.faults(SCHEMA["$defs"]["verify"], said)), [])
        return said

    def found(self, reason, bad, *words):
        said = self.verify(*words, code=1)
        self.assertEqual((said["reason"], said["first_bad"]), (reason, bad))
