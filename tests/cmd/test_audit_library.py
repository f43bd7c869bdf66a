"""test_audit_library.py - what `ward audit prove` gives, in the hands of somebody who has libward,
a published head, the log's key and nothing else."""

import ctypes
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "proc"))

import tap
from audit_files import FULL, Log, Signer
from auditor import root_of
from lockbox import consistency
from ward import BUILD, ROOT


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


if __name__ == "__main__":
    tap.main()
