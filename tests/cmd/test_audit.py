"""test_audit.py - `ward audit` on the files of a log, with no house: every damage is found and
the record named, by exit code, by word and as JSON; a third party verifies an export with a
published head and a key that openssl made."""

import csv
import gzip
import io
import json
import pathlib
import re
import tempfile
import zlib

import tap
import test_schema
from audit_files import FULL, PARTS, SCHEMA, Log, Signer
from auditor import leaf_of, lines_of, root_of
from ward import ward


def same(packed, whole):
    try:
        return gzip.decompress(packed) == gzip.decompress(whole)
    except (OSError, EOFError, zlib.error):
        return False


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

    def test_every_damage_is_found_and_named(self):  # proves: RL-77, EC-33
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

    def test_nothing_there(self):
        for words in (("verify",), ("query",), ("tail",), ("export",), ("prove", "0")):
            done = ward("audit", words[0], "--state", self.folder / "nowhere", *words[1:])
            self.assertEqual(done.returncode, 6, words)
        self.run_audit("tail", "--follow", code=4)
        self.assertEqual(ward("audit", "verify", self.folder / "missing").returncode, 2)


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
