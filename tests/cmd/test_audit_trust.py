"""test_audit_trust.py - whose word a log is believed on: the key and its heirs, and k of n
witnesses."""

import base64
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "proc"))

import tap
from audit_files import PARTS, Log, Signer, slot
from auditor import leaf_of, root_of
from ward import ward


class Witnesses(Log):
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

    def proven(self, key, code=0, seq=5):
        done = ward("audit", "prove", str(seq), "--state", self.state, "--key", key, "--json")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr.decode() if code else json.loads(done.stdout)

    def test_a_proof_follows_them_too(self):
        self.whole()
        for signer in (self.a, self.b, self.c):
            for key in (signer.vkey, signer.public.hex()):
                for seq in (5, 25, 54):
                    said = self.proven(key, seq=seq)
                    self.assertEqual((said["seq"], said["size"]), (seq, 55))
        self.assertIn("AUDIT_HEAD_SIGNATURE", self.proven(self.x.vkey, 1))
        # A note of the known key itself, in a line that the tree does not have.
        log = self.audit / "security.log"
        text = log.read_bytes()
        lines = text.split(b"\n")
        forged = json.loads(lines[5])
        forged["details"]["handover"] = self.b.note(40, self.root(40), self.x).decode()
        lines[5] = json.dumps(forged, separators=(",", ":"), sort_keys=True,
                              ensure_ascii=False).encode()
        log.write_bytes(b"\n".join(lines))
        self.assertIn("AUDIT_LEAF_MISMATCH", self.proven(self.a.vkey, 1))
        log.write_bytes(text)
        self.proven(self.a.vkey)
        (self.audit / "leaves").unlink()
        self.proven(self.a.vkey, 2)

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
                self.assertIn(reason, self.proven(a.vkey, 1))

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

    def keep(self, *heirs):
        """Puts the hand-overs of these records, or other lines for them, beside the heads."""
        heads = self.audit / "heads"
        rows = [slot("heir", seq, 0, line) for seq, line in heirs]
        heads.write_bytes(heads.read_bytes()[:64 * 4096].ljust(64 * 4096, b"\0") + b"".join(rows))

    def lines_now(self):
        return [line.encode() for line in self.run_audit("export").splitlines()]

    def test_a_hand_over_outlives_its_file(self):
        self.whole()
        lines = self.lines_now()
        for gone in (1, 2):  # the file with 25, too, but not the one with 45
            (self.audit / (PARTS[gone - 1][0] + ".gz")).unlink()
            self.keep((25, lines[25]), (45, lines[45]))
            for signer in (self.a, self.b, self.c):
                for fast in ((), ("--fast",)):
                    said = self.verify("--key", signer.vkey, *fast)
                    self.assertEqual((said["records"], said["by_hash_only"]), (60, 20 * gone))
                self.proven(signer.vkey, seq=50)
                self.proven(signer.vkey, seq=5)
            self.assertEqual(self.verify("--key", self.x.vkey, code=1)["reason"],
                             "AUDIT_HEAD_SIGNATURE")
        self.keep((45, lines[45]))
        self.assertIn(self.verify("--key", self.a.vkey, code=1)["reason"],
                      ("AUDIT_HANDOVER_MISSING", "AUDIT_HANDOVER_INVALID"))
        self.verify("--key", self.b.vkey)
        # What stands there is believed as far as the tree has it.
        forged = json.loads(lines[25])
        forged["details"]["handover"] = self.a.note(20, self.root(20), self.x).decode()
        forged = json.dumps(forged, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        for seq, line in ((25, forged.encode()), (24, lines[25]), (25, lines[24]), (25, b"x"),
                          (1 << 62, lines[25])):
            self.keep((seq, line))
            said = self.verify("--key", self.a.vkey, code=1)
            self.assertIn(said["reason"], ("AUDIT_LEAF_MISMATCH", "AUDIT_HANDOVER_MISSING",
                                           "AUDIT_HANDOVER_INVALID"))
            if seq < 40:
                self.assertEqual((said["reason"], said["first_bad"]), ("AUDIT_LEAF_MISMATCH", seq))
            self.proven(self.a.vkey, 1)
        self.keep((25, lines[25]), (45, lines[45]))
        heads = bytearray((self.audit / "heads").read_bytes())
        heads[64 * 4096 + 200] ^= 1  # torn: it is no slot, and the hand-over is missing
        (self.audit / "heads").write_bytes(heads)
        self.assertNotEqual(self.verify("--key", self.a.vkey, code=1)["reason"], "OK")
        (self.audit / "leaves").unlink()
        self.keep((25, lines[25]), (45, lines[45]))
        self.assertNotEqual(ward("audit", "verify", "--state", self.state, "--key",
                                 self.a.vkey).returncode, 0)


if __name__ == "__main__":
    tap.main()
