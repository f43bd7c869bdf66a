"""test_audit.py - `ward audit` on the files of a log, with no house: every damage is found and
the record named, by exit code, by word and as JSON; a third party verifies an export with a
published head and a key that openssl made."""

import base64
import csv
import ctypes
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "proc"))

import tap
import test_schema
from auditor import leaf_of, lines_of, root_of
from lockbox import consistency
from ward import BUILD, ROOT, ward

FULL = os.environ.get("WARD_FULL") == "1"
SCHEMA = test_schema.SCHEMA = json.loads((ROOT / "docs/schema/audit.json").read_text())
ORIGIN = "ward.test/log"
PARTS = (("security-00000000000000000000-2026-01-01.log", 0, 20),
         ("security-00000000000000000020-2026-01-02.log", 20, 40), ("security.log", 40, 60))


def slot(kind, a, b, payload):
    head = f"ward {kind} {a} {b} {len(payload)} ".encode()
    total = hashlib.sha256(head + payload).hexdigest().encode()
    return (head + total + b"\n" + payload).ljust(4096, b"\0")


def same(packed, whole):
    try:
        return gzip.decompress(packed) == gzip.decompress(whole)
    except (OSError, EOFError, zlib.error):
        return False


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


class Verify(Log):
    def test_sound(self):
        for words in ((), ("--fast",), ("--key", self.signer.vkey),
                      ("--key", self.signer.public.hex(), "--fast")):
            said = self.verify(*words)
            self.assertEqual((said["sound"], said["records"], said["by_hash_only"]), (True, 60, 0))
            self.assertEqual(said["head"], {"size": 55, "root": root_of(self.leaves[:55]).hex(),
                                            "key_checked": "--key" in words})
        self.assertTrue(self.run_audit("verify").startswith("sound: 60 records"))

    def flipped_bit(self):
        """In every line of every file; the chain alone, kept hashes and heads."""
        step = 1 if FULL else 197
        for packed in (False, True):
            self.write(self.lines, packed=packed)
            for name, first, end in PARTS:
                gz = packed and name != "security.log"
                path = self.audit / (name + ".gz" if gz else name)
                plain = b"".join(line + b"\n" for line in self.lines[first:end])
                for at in range(0, len(plain), step):
                    text = bytearray(plain)
                    text[at] ^= 1 << at % 8
                    path.write_bytes(gzip.compress(text, 1) if gz else text)
                    seq = first + plain[:at].count(b"\n")
                    said = self.verify(code=1)
                    self.assertEqual(said["first_bad"], seq, (name, at, said))
                path.write_bytes(gzip.compress(plain) if gz else plain)

    def flipped_bit_of_a_packed_file(self):
        name, first, end = PARTS[0]
        path = self.audit / (name + ".gz")
        whole = path.read_bytes()
        for at in range(10, len(whole), 1 if FULL else 37):
            text = bytearray(whole)
            text[at] ^= 1
            path.write_bytes(text)
            if same(text, whole):  # bits that fill up a byte mean nothing
                continue
            said = self.verify(code=1)
            self.assertTrue(first <= said["first_bad"] <= end, said)
        path.write_bytes(whole)
        for cut in range(0, len(whole), 1 if FULL else 41):
            path.write_bytes(whole[:cut])
            self.assertLessEqual(self.verify(code=1)["first_bad"], end)

    def removed_doubled_and_swapped(self):
        step = 1 if FULL else 7
        for seq in range(0, 59, step):
            without = [*self.lines[:seq], *self.lines[seq + 1:]]
            double = [*self.lines[:seq + 1], *self.lines[seq:]]
            swapped = [*self.lines[:seq], self.lines[seq + 1], self.lines[seq],
                       *self.lines[seq + 2:]]
            for lines, bad in ((without, seq), (double, seq + 1), (swapped, seq)):
                self.write(lines)
                self.found("AUDIT_SEQ_GAP", bad)

    def cut_off(self):
        for seq in range(0, 60, 1 if FULL else 7):
            self.write(self.lines[:seq])
            self.found("AUDIT_TRUNCATED", seq)
            self.write(self.lines[:seq], leaves=self.leaves[:seq])
            if seq < 55:
                self.found("AUDIT_TRUNCATED", seq)
            else:
                self.verify()
        text = (self.audit / "security.log").read_bytes()
        (self.audit / "security.log").write_bytes(text + self.lines[59][:50])
        self.write(self.lines[:59], leaves=self.leaves[:59])
        with open(self.audit / "security.log", "ab") as log:
            log.write(self.lines[59][:50])
        self.found("AUDIT_TRUNCATED", 59)

    def files_in_each_others_place(self):
        first, second = (self.audit / (name + ".gz") for name, _, _ in PARTS[:2])
        a, b = first.read_bytes(), second.read_bytes()
        first.write_bytes(b)
        second.write_bytes(a)
        self.assertEqual(self.verify(code=1)["sound"], False)
        first.write_bytes(a)
        second.unlink()
        self.found("AUDIT_SEQ_GAP", 20)

    def rewritten_with_its_chain(self):
        other = lines_of(60, at="2027-01-01T00:00:00.000Z")
        self.write(other)
        self.found("AUDIT_LEAF_MISMATCH", 0)
        self.write(other, leaves=[leaf_of(line) for line in other])
        said = self.verify(code=1)
        self.assertEqual((said["reason"], said["first_bad"], said["last_bad"]),
                         ("AUDIT_HEAD_MISMATCH", 0, 54))
        self.write([*self.lines[:30], *other[30:]])
        self.found("AUDIT_CHAIN_BROKEN", 30)

    def test_every_damage_is_found_and_named(self):  # proves: RL-77
        for damage in (self.flipped_bit, self.flipped_bit_of_a_packed_file,
                       self.removed_doubled_and_swapped, self.cut_off,
                       self.files_in_each_others_place, self.rewritten_with_its_chain):
            with self.subTest(damage.__name__):
                self.write(self.lines)
                damage()

    def test_old_files_are_gone(self):
        (self.audit / (PARTS[0][0] + ".gz")).unlink()
        said = self.verify("--key", self.signer.vkey)
        self.assertEqual((said["records"], said["by_hash_only"]), (60, 20))
        (self.audit / "leaves").unlink()
        self.assertEqual(self.verify(code=1)["sound"], False)

    def test_head_of_another_key(self):
        other = Signer(pathlib.Path(tempfile.mkdtemp(dir=self.folder)))
        said = self.verify("--key", other.vkey, code=1)
        self.assertEqual(said["reason"], "AUDIT_HEAD_SIGNATURE")
        self.run_audit("verify", "--key", "nonsense", code=2)
        self.run_audit("verify", "--key", self.signer.vkey[:-2], code=2)

    def test_a_third_party(self):
        export = self.folder / "export.jsonl"
        head = self.folder / "head.txt"
        export.write_text(self.run_audit("export"))
        self.assertEqual(export.read_bytes(), b"".join(line + b"\n" for line in self.lines))
        head.write_bytes(self.note)
        known = ("--head", head, "--key", self.signer.vkey, "--json")
        done = ward("audit", "verify", *known, export)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        parts = [self.audit / (name + ("" if name == "security.log" else ".gz"))
                 for name, _, _ in PARTS]
        self.assertEqual(ward("audit", "verify", *known, *parts).returncode, 0)
        other = b"".join(line + b"\n" for line in lines_of(60, at="2027-01-01T00:00:00.000Z"))
        export.write_bytes(other)
        done = ward("audit", "verify", *known, export)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)["reason"], "AUDIT_HEAD_MISMATCH")
        head.write_bytes(self.note.replace(b"\n55\n", b"\n54\n"))
        self.assertEqual(ward("audit", "verify", *known, export).returncode, 1)
        head.write_bytes(b"no head")
        self.assertEqual(ward("audit", "verify", *known, export).returncode, 1)

    def test_witnesses(self):
        """k of n, each key once; a published head with its cosignatures is one file."""
        head = self.folder / "cosigned"
        w, v, x = (Signer(pathlib.Path(tempfile.mkdtemp(dir=self.folder))) for _ in range(3))
        one = w.cosign(self.note, 1000)
        both = v.cosign(one, 2000)
        future = w.cosign(self.note, 1 << 40)
        few = "AUDIT_WITNESS_QUORUM"
        for name, note, asked, k, reason, have in (
                ("both, of both", both, (w, v), None, None, 2),
                ("both, one is enough", both, (w, v), 1, None, 2),
                ("one of three", one, (w, v, x), 1, None, 1),
                ("one of two", one, (w, v), None, few, 1),
                ("signed twice", w.cosign(one, 1001), (w, v), 2, few, 1),
                ("listed twice", one, (w, w), 2, few, 1),
                ("a stranger", x.cosign(self.note, 1000), (w, v), 1, few, 0),
                ("nobody", self.note, (w,), 1, few, 0),
                ("of the future", future, (w,), 1, few, 0),
                ("a wrong one besides", both[:-6] + b"AAA==\n", (w, v), 1, few, None),
                ("another head's", self.note.replace(b"55", b"54") +
                 one[len(self.note):], (w,), 1, None, None)):
            with self.subTest(name):
                head.write_bytes(note)
                words = ["--head", head, "--key", self.signer.vkey]
                for witness in asked:
                    words += ["--witness", witness.witness_vkey]
                words += ["--witnesses", str(k)] if k else []
                bad = reason is not None or have is None
                said = self.verify(*words, code=1 if bad else 0)
                self.assertIn(said["reason"], (reason,) if have is not None else
                              (few, "AUDIT_HEAD_INVALID", "AUDIT_HEAD_MISMATCH",
                               "AUDIT_HEAD_SIGNATURE"))
                if have is not None:
                    self.assertEqual(said["head"]["witnesses"], have)
        known = ("--witness", w.witness_vkey)
        self.run_audit("verify", *known, code=1)  # the house's own heads bear no witness
        self.run_audit("verify", "--witness", w.vkey, code=2)
        self.run_audit("verify", "--witness", w.witness_vkey[:-1], code=2)
        for number in ("0", "2", "x", "-1"):
            self.run_audit("verify", *known, "--witnesses", number, code=2)
        self.run_audit("verify", "--witnesses", "1", code=2)
        head.write_bytes(one)
        text = self.run_audit("verify", "--head", head, "--key", self.signer.vkey, *known)
        self.assertIn("by 1 of 1 witnesses", text)

    def test_nothing_there(self):
        for words in (("verify",), ("query",), ("tail",), ("export",), ("prove", "0")):
            done = ward("audit", words[0], "--state", self.folder / "nowhere", *words[1:])
            self.assertEqual(done.returncode, 6, words)
        self.run_audit("tail", "--follow", code=4)
        self.assertEqual(ward("audit", "verify", self.folder / "missing").returncode, 2)


class Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("len", ctypes.c_size_t), ("name", ctypes.c_char_p)]


class Trust(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("witnesses", ctypes.POINTER(ctypes.c_char_p)),
                ("witness_count", ctypes.c_size_t), ("witnesses_needed", ctypes.c_size_t),
                ("oldest", ctypes.c_int64), ("newest", ctypes.c_int64)]


class Head(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint64), ("root", ctypes.c_ubyte * 32)]


class Proof(ctypes.Structure):
    _fields_ = [("hashes", ctypes.c_char_p), ("count", ctypes.c_size_t)]


class Library(Log):
    """What `ward audit prove` gives, in the hands of somebody who has libward and nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lib = ctypes.CDLL(str(BUILD / "libward.so"))

    def said(self, error):
        return bytes(error)[4:].partition(b"\0")[0].partition(b":")[0].decode()

    def head(self, note, key=None, witnesses=(), need=0, when=(0, 0)):
        """(size, root), or why not."""
        names = (ctypes.c_char_p * max(len(witnesses), 1))(*(w.encode() for w in witnesses))
        trust = Trust((key or self.signer.vkey).encode(), names, len(witnesses), need, *when)
        head, error = Head(), ctypes.create_string_buffer(4096)
        if self.lib.ward_log_check_head(Bytes(note, len(note), None), ctypes.byref(trust),
                                        ctypes.byref(head), error) == 0:
            return head.size, bytes(head.root)
        self.assertEqual((head.size, bytes(head.root)), (0, bytes(32)))
        return self.said(error)

    def inclusion(self, size, root, seq, line, hashes):
        leaf, error = ctypes.create_string_buffer(32), ctypes.create_string_buffer(4096)
        self.lib.ward_log_leaf(Bytes(line, len(line), None), leaf)
        head, whole = Head(size, (ctypes.c_ubyte * 32)(*root)), b"".join(hashes)
        code = self.lib.ward_log_check_inclusion(
            ctypes.byref(head), ctypes.c_uint64(seq), leaf,
            ctypes.byref(Proof(whole, len(whole) // 32)), error)
        return "OK" if code == 0 else self.said(error)

    def consistency(self, old, new, hashes):
        heads = [Head(size, (ctypes.c_ubyte * 32)(*root)) for size, root in (old, new)]
        error, whole = ctypes.create_string_buffer(4096), b"".join(hashes)
        code = self.lib.ward_log_check_consistency(
            ctypes.byref(heads[0]), ctypes.byref(heads[1]),
            ctypes.byref(Proof(whole, len(whole) // 32)), error)
        return "OK" if code == 0 else self.said(error)

    def test_every_record_is_proven(self):
        size, root = self.head(self.note)
        self.assertEqual((size, root), (55, root_of(self.leaves[:55])))
        for seq in range(0, 55, 1 if FULL else 6):
            given = json.loads(self.run_audit("prove", str(seq), "--json"))
            hashes = [bytes.fromhex(text) for text in given["hashes"]]
            line = given["record"].encode()
            self.assertEqual(self.head(given["checkpoint"].encode()), (size, root))
            rows = (
                ("as given", (size, root, seq, line, hashes), "OK"),
                ("another line", (size, root, seq, line + b" ", hashes), None),
                ("its newline", (size, root, seq, line + b"\n", hashes), None),
                ("another place", (size, root, seq ^ 1, line, hashes), None),
                ("past the end", (size, root, size, line, hashes), None),
                ("another size", (size * 2, root, seq, line, hashes), None),
                ("another root", (size, bytes(32), seq, line, hashes), None),
                ("a hash less", (size, root, seq, line, hashes[:-1]), None),
                ("a hash more", (size, root, seq, line, [*hashes, bytes(32)]), None),
                ("more than any", (size, root, seq, line, [bytes(32)] * 65), None),
                ("none", (size, root, seq, line, []), None),
                ("turned round", (size, root, seq, line, [*hashes[1:], hashes[0]]), None),
            )
            for name, words, wanted in rows:
                with self.subTest(name, seq=seq):
                    self.assertEqual(self.inclusion(*words), wanted or "AUDIT_PROOF_INVALID")

    def test_heads(self):
        other = Signer(pathlib.Path(tempfile.mkdtemp(dir=self.folder)))
        invalid, unsigned = "AUDIT_HEAD_INVALID", "AUDIT_HEAD_SIGNATURE"
        for name, note, key, why in (
                ("another key", self.note, other.vkey, unsigned),
                ("a key that is none", self.note, "x", unsigned),
                ("an empty key", self.note, " ", unsigned),
                ("a wrong id", self.note, self.signer.vkey.replace("+", "+0", 1), unsigned),
                ("another size", self.note.replace(b"\n55\n", b"\n54\n"), None, unsigned),
                ("no note", b"x", None, invalid), ("nothing", b"", None, invalid),
                ("too long", self.note + b"x" * 70000, None, invalid)):
            with self.subTest(name):
                self.assertEqual(self.head(note, key), why)
        for at in range(len(self.note)):
            self.assertIn(self.head(self.note[:at]), (invalid,), at)
            flipped = self.note[:at] + bytes([self.note[at] ^ 1]) + self.note[at + 1:]
            self.assertIn(self.head(flipped), (invalid, unsigned), at)

    def test_consistency(self):
        heads = {n: (n, root_of(self.leaves[:n])) for n in (0, 1, 20, 32, 55)}
        forked = (20, root_of([bytes(32), *self.leaves[1:20]]))
        for old, new in ((1, 55), (20, 55), (32, 55), (20, 32)):
            proof = consistency(self.leaves[:new], old)
            rows = (("as it is", heads[old], proof, "OK"),
                    ("a fork", (old, bytes(32)), proof, None),
                    ("a hash more", heads[old], [*proof, bytes(32)], None),
                    ("a hash less", heads[old], proof[:-1], None),
                    ("backwards", None, proof, None))
            for name, first, hashes, wanted in rows:
                with self.subTest(name, old=old, new=new):
                    pair = (first, heads[new]) if first else (heads[new], heads[old])
                    self.assertEqual(self.consistency(*pair, hashes),
                                     wanted or "AUDIT_PROOF_INVALID")
        self.assertEqual(self.consistency(heads[20], heads[20], []), "OK")
        self.assertEqual(self.consistency(heads[20], forked, []), "AUDIT_FORK")

    def test_witnesses(self):
        w, v = (Signer(pathlib.Path(tempfile.mkdtemp(dir=self.folder))) for _ in range(2))
        keys = [w.witness_vkey, v.witness_vkey]
        one = w.cosign(self.note, 1000)
        both = v.cosign(one, 2000)
        few = "AUDIT_WITNESS_QUORUM"
        for name, note, listed, need, when, good in (
                ("two of two", both, keys, 2, (0, 0), True),
                ("one of two", one, keys, 1, (0, 0), True),
                ("none is needed", self.note, keys, 0, (0, 0), True),
                ("one is missing", one, keys, 2, (0, 0), False),
                ("one that signed twice", w.cosign(one, 1001), keys, 2, (0, 0), False),
                ("one that is listed twice", one, [keys[0], keys[0]], 2, (0, 0), False),
                ("more than are listed", both, keys, 3, (0, 0), False),
                ("too old", both, keys, 2, (1500, 3000), False),
                ("of the future", both, keys, 2, (0, 1500), False),
                ("in time", both, keys, 1, (1500, 3000), True),
                ("of another head", self.note + w.cosign(self.signer.note(
                    54, root_of(self.leaves[:54])), 1000).rpartition("\u2014".encode())[1] +
                 w.cosign(self.signer.note(54, root_of(self.leaves[:54])),
                          1000).rpartition("\u2014".encode())[2], keys, 0, (0, 0), False),
                ("a log's key for a witness", both, [w.vkey], 1, (0, 0), False),
                ("a key that is none", both, ["x"], 0, (0, 0), False),
                ("too many", both, keys * 9, 1, (0, 0), False)):
            with self.subTest(name):
                said = self.head(note, None, listed, need, when)
                self.assertEqual(said if isinstance(said, str) else "OK", "OK" if good else few)

    def test_the_example(self):
        program, note, line = (self.folder / name for name in ("example", "note", "line"))
        subprocess.run(["cc", ROOT / "examples/log.c", f"-I{ROOT / 'include'}", f"-L{BUILD}",
                        "-lward", "-o", program], check=True)
        given = json.loads(self.run_audit("prove", "41", "--json"))
        note.write_text(given["checkpoint"])
        line.write_text(given["record"] + "\n")

        def run(*words):
            return subprocess.run([program, *words], capture_output=True, text=True, check=False,
                                  env=dict(os.environ, LD_LIBRARY_PATH=str(BUILD))).returncode
        known = (self.signer.vkey, note)
        self.assertEqual(run(*known, "41", line, *given["hashes"]), 0)
        self.assertEqual(run(*known, "40", line, *given["hashes"]), 1)
        self.assertEqual(run(*known, "41", note, *given["hashes"]), 1)
        self.assertEqual(run(self.signer.vkey + "x", note, "41", line, *given["hashes"]), 1)
        self.assertEqual(run(*known, "41", line, "aa"), 2)
        self.assertEqual(run(), 2)


class Heirs(Log):
    """A log whose key was rotated twice, before records 25 and 45: signed by A up to 20, by B up
    to 40, by C up to 55."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.a, cls.b, cls.c, cls.x = (
            Signer(pathlib.Path(tempfile.mkdtemp(dir=cls.folder))) for _ in range(4))
        cls.plain = cls.lines

    def make(self, notes, heads):
        """`notes` are the rotations by their records, made once the lines before are there."""
        lines, leaves, last = [], [], "0" * 64
        for seq, old in enumerate(self.plain):
            record = json.loads(old)
            record.update({"prev": last})
            if seq in notes:
                root = lambda size: root_of(leaves[:size])  # pylint: disable=W
                note = notes[seq](root)
                record.update({"action": "key.rotate", "details": {
                    "key_id": "aa", "replaces": "bb", "role": "log",
                    **({"handover": note.decode()} if note is not None else {})}})
            lines.append(json.dumps(record, separators=(",", ":"), sort_keys=True,
                                    ensure_ascii=False).encode())
            leaves.append(leaf_of(lines[-1]))
            last = leaves[-1].hex()
        self.write(lines, leaves, heads=False)
        self.root = lambda size: root_of(leaves[:size])
        (self.audit / "heads").write_bytes(
            slot("base", 40, 20455, b"") + bytes(4096) + b"".join(
                slot("head", n, 0, signer.note(size, self.root(size)))
                for n, (signer, size) in enumerate(heads)))

    def whole(self):
        a, b, c = self.a, self.b, self.c
        self.make({25: lambda root: a.note(20, root(20), b), 45: lambda root: b.note(40, root(40), c)},
                  ((a, 10), (a, 20), (b, 30), (b, 40), (c, 55)))

    def test_followed_from_any_key(self):
        self.whole()
        for signer in (self.a, self.b, self.c):
            for key in (signer.vkey, signer.public.hex()):
                for fast in ((), ("--fast",)):
                    said = self.verify("--key", key, *fast)
                    self.assertEqual(said["head"]["size"], 55)
        said = self.verify("--key", self.x.vkey, code=1)
        self.assertEqual(said["reason"], "AUDIT_HEAD_SIGNATURE")

    def test_copies(self):
        """An export, on a pipe too, and files put away, with nothing but the first key."""
        self.whole()
        text = self.run_audit("export").encode()
        export, head = self.folder / "export.jsonl", self.folder / "head.txt"
        export.write_bytes(text)
        head.write_bytes(self.c.note(55, self.root(55)))
        known = ("audit", "verify", "--head", head, "--key", self.a.vkey)
        parts = [self.audit / (name + ("" if name == "security.log" else ".gz"))
                 for name, _, _ in PARTS]
        for files in ((export,), parts):
            done = ward(*known, *files)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        (self.audit / "leaves").unlink()
        self.verify("--key", self.a.vkey)

    def test_a_hand_over_that_is_none(self):
        a, b, c, x = self.a, self.b, self.c, self.x
        second = {45: lambda root: b.note(40, root(40), c)}
        first = {25: lambda root: a.note(20, root(20), b)}
        heads = ((a, 20), (b, 40), (c, 55))
        bad, none = "AUDIT_HANDOVER_INVALID", "AUDIT_HANDOVER_MISSING"
        rows = (
            ("forged by a stranger", {25: lambda root: x.note(20, root(20), b), **second}, bad, 25),
            ("signed by its own heir", {25: lambda root: b.note(20, root(20), b), **second}, bad, 25),
            ("a stranger after the first", {**first, 45: lambda root: x.note(40, root(40), x)}, bad, 45),
            ("by a key that handed on before", {**first, 45: lambda root: a.note(40, root(40), c)},
             bad, 45),
            ("of another tree", {25: lambda root: a.note(20, bytes(32), b), **second}, bad, 25),
            ("of a tree that was to come", {25: lambda root: a.note(26, bytes(32), b), **second},
             bad, 25),
            ("of less than its own", {**first, 45: lambda root: b.note(10, root(10), c)}, bad, 45),
            ("without an heir", {25: lambda root: a.note(20, root(20)), **second}, bad, 25),
            ("no note", {25: lambda root: b"x", **second}, bad, 25),
            ("the first is missing", second, bad, 45),
            ("in each other's place", {25: lambda root: b.note(20, root(20), c),
                                       45: lambda root: a.note(40, root(40), b)}, bad, 25),
            ("rotated without a word", {25: lambda root: None, **second}, none, 25),
            ("the second without a word", {**first, 45: lambda root: None}, none, 45),
            ("the second is missing", first, none, None),
        )
        for name, notes, reason, at in rows:
            with self.subTest(name):
                self.make(notes, heads)
                self.found(reason, at, "--key", a.vkey)
                self.found(reason, at, "--key", a.vkey, "--fast")

    def test_heads_of_the_wrong_time(self):
        a, b, c = self.a, self.b, self.c
        self.whole()
        notes = {25: lambda root: a.note(20, root(20), b), 45: lambda root: b.note(40, root(40), c)}
        rows = (
            ("an old key goes on", ((a, 20), (b, 40), (b, 55)), "AUDIT_HEAD_SIGNATURE"),
            ("the first key comes back", ((b, 40), (a, 55)), "AUDIT_HEAD_SIGNATURE"),
            ("an heir before its time", ((b, 10), (b, 40), (c, 55)), "AUDIT_HEAD_SIGNATURE"),
            ("a stranger at the end", ((c, 50), (self.x, 55)), "AUDIT_HANDOVER_MISSING"),
            ("a stranger in between", ((b, 30), (self.x, 40), (c, 55)), "AUDIT_HANDOVER_MISSING"),
        )
        for name, heads, reason in rows:
            with self.subTest(name):
                self.make(notes, heads)
                self.found(reason, None, "--key", a.vkey)
        self.make(notes, ((a, 20), (b, 20), (b, 40), (c, 40), (c, 55)))
        self.verify("--key", a.vkey)  # said again by the heir: one tree, two signatures

    def test_a_record_that_a_crash_repeats(self):
        a, b, c = self.a, self.b, self.c
        again = lambda root: a.note(20, root(20), b)  # pylint: disable=W
        last = lambda root: b.note(40, root(40), c)  # pylint: disable=W
        self.make({25: again, 26: again, 45: last}, ((a, 20), (b, 40), (c, 55)))
        self.verify("--key", a.vkey)
        self.make({25: again, 45: last, 46: again}, ((a, 20), (b, 40), (c, 55)))
        self.found("AUDIT_HANDOVER_INVALID", 46, "--key", a.vkey)

    def test_the_record_was_put_away(self):
        """Who knows the last key needs no hand-over; who knows the first one is told."""
        a, b = self.a, self.b
        for heads, reason in ((((a, 10), (b, 40), (b, 55)), "AUDIT_HANDOVER_MISSING"),
                              (((b, 40), (b, 55)), "AUDIT_HEAD_SIGNATURE")):
            self.make({15: lambda root: a.note(10, root(10), b)}, heads)
            (self.audit / (PARTS[0][0] + ".gz")).unlink()
            self.verify("--key", b.vkey)
            self.found(reason, None, "--key", a.vkey)


class Read(Log):
    def test_prove(self):
        for seq in (0, 1, 19, 20, 54):
            said = json.loads(self.run_audit("prove", str(seq), "--json", "--key",
                                             self.signer.vkey))
            self.assertEqual(list(test_schema.faults(SCHEMA["$defs"]["prove"], said)), [])
            self.assertEqual(said["record"].encode(), self.lines[seq])
            self.assertEqual(said["root"], root_of(self.leaves[:55]).hex())
            self.assertEqual(said["checkpoint"].encode(), self.note)
        self.run_audit("prove", "55", code=6)
        self.run_audit("prove", "x", code=2)
        (self.audit / (PARTS[0][0] + ".gz")).unlink()
        self.assertIsNone(json.loads(self.run_audit("prove", "3", "--json"))["record"])
        self.assertIn("record 3 is in the log of 55 records", self.run_audit("prove", "3"))
        self.write(self.lines, leaves=[bytes(32), *self.leaves[1:]])
        self.run_audit("prove", "3", code=1)

    def test_query(self):
        rows = self.run_audit("query", "--json", "--limit", "0").splitlines()
        self.assertEqual([row.encode() for row in rows], self.lines)
        for row in rows[:2]:
            record = json.loads(row)
            self.assertEqual(list(test_schema.faults(SCHEMA["$defs"]["record"], record)), [])
        for words, wanted in ((("--limit", "3"), [0, 1, 2]), (("--from", "58"), [58, 59]),
                              (("--resource", "x-5", "--limit", "0"), [5, *range(50, 60)]),
                              (("--action", "login"), []), (("--outcome", "Denied"), []),
                              (("--type", "Configuration", "--from", "59"), [59]),
                              (("--since", "2026-01-01T00:00:01Z"), []),
                              (("--until", "2026-01-01T00:00:00Z", "--from", "59"), [59]),
                              (("--actor", "keeper", "--action", "key.", "--limit", "1"), [0])):
            rows = self.run_audit("query", "--json", *words).splitlines()
            self.assertEqual([json.loads(row)["seq"] for row in rows], wanted, words)
        self.run_audit("query", "--limit", "-1", code=2)
        self.run_audit("query", "--since", "yesterday", code=2)
        self.run_audit("query", "--outcome", "success", code=2)

    def test_tail(self):
        rows = self.run_audit("tail", "--json", "-n", "25").splitlines()
        self.assertEqual([json.loads(row)["seq"] for row in rows], list(range(35, 60)))
        (self.audit / "security.log").write_bytes(b"")
        rows = self.run_audit("tail", "--json", "-n", "2").splitlines()
        self.assertEqual([json.loads(row)["seq"] for row in rows], [38, 39])
        self.run_audit("tail", "-n", "10001", code=2)

    def test_exports(self):
        for form in ("ocsf", "cef", "csv"):
            text = self.run_audit("export", "--format", form, "--from", "10", "--to", "13")
            rows = text.splitlines()
            self.assertEqual(len(rows), 4 if form == "csv" else 3)
            if form == "ocsf":
                self.assertTrue(all(json.loads(row)["metadata"]["version"] == "1.3.0"
                                    for row in rows))
            if form == "csv":
                self.assertEqual([row["seq"] for row in csv.DictReader(io.StringIO(text))],
                                 ["10", "11", "12"])
        self.run_audit("export", "--from", "x", code=2)

    def test_nothing_talks_to_the_terminal(self):
        bad = self.lines[59].replace(b"x-59", b"\\u001b[2J\\u202e\\u009b")
        self.write([*self.lines[:59], bad])
        for words in (("query", "--limit", "0"), ("tail",), ("export", "--format", "csv")):
            text = self.run_audit(*words)
            self.assertIsNone(re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]",
                                        text.replace("\r\n", "\n")), words)

    def test_a_line_that_is_none(self):
        self.write([*self.lines[:30], b"{}", *self.lines[31:]])
        for words in (("query", "--limit", "0"), ("tail", "-n", "60"), ("export",)):
            self.run_audit(*words, code=1)


if __name__ == "__main__":
    tap.main()
