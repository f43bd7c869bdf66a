"""test_leaks.py - every reason has its row in tests/leaks.tsv, and tests/leaks.py finds what leaks:
secrets that are put where none may be are seen there, and nowhere else."""

import base64
import os
import pathlib
import socket
import subprocess
import unittest

import front_house as house
import leaks
import tap

TESTS = pathlib.Path(__file__).resolve().parents[1]


class Table(unittest.TestCase):
    def test_every_reason_has_a_row(self):
        named = [reason for reason, _, _ in leaks.rows()]
        self.assertEqual(sorted(named), sorted(leaks.every_reason()))

    def test_rows_name_programs_or_say_why(self):  # proves: RL-24
        """Each reason has the program in which it is said under the watch, but for those that nothing can
        bring about; that it is said there, and no secret with it, is that program's last test."""
        silent = []
        for reason, where, why in leaks.rows():
            with self.subTest(reason):
                if where == "-":
                    self.assertGreater(len(why), 10)
                    silent.append(reason)
                    continue
                self.assertEqual(why, "")
                self.assertIn("tap.main()", (TESTS / f"{where}.py").read_text())
        print(f"# {len(silent)} that nothing says: {' '.join(silent)}", flush=True)


@unittest.skipUnless(os.geteuid() == 0, "needs root: the memory of others")
class Seeded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = cls.enterClassContext(house.House())

    def setUp(self):
        self.watch = leaks.Watch()
        self.watch.started(self.house.state)
        self.look()
        self.assertEqual(self.watch.faults, [])
        self.secret = leaks.secrets_of(self.house.state, f"{self.house.state}.seal")[1]
        self.part = self.secret[9:25]

    def look(self):
        self.watch.look()
        return self.watch.faults

    def finds(self, where):
        self.assertIn(where, " ".join(self.look()))

    def test_in_memory(self):
        """Sixteen bytes of a key, at the end of what front has for its stack."""
        front = self.house.pid("front")
        rows = pathlib.Path(f"/proc/{front}/maps").read_text().splitlines()
        stack = next(row for row in rows if row.endswith("[stack]"))
        at = int(stack.split()[0].split("-")[1], 16) - 64
        with open(f"/proc/{front}/mem", "r+b", 0) as memory:
            memory.seek(at)
            before = memory.read(16)
            memory.seek(at)
            memory.write(self.part)
            try:
                self.finds("memory of ward-front")
            finally:
                memory.seek(at)
                memory.write(before)

    def test_in_files(self):
        for name, form in (("ward.log", self.part.hex().encode()), ("core.1", self.part),
                           ("audit/more", base64.b64encode(b"x" + self.part + b"yz"))):
            path = self.house.state / name
            before = path.read_bytes() if path.exists() else None
            with self.subTest(name):
                path.write_bytes((before or b"") + b"reason=" + form + b" x\n")
                try:
                    self.finds(name)
                finally:
                    path.write_bytes(before) if before is not None else path.unlink()
                self.watch.faults.clear()

    def test_in_what_is_said(self):
        """A program's output and errors, an answer over a connection, and what the test was told."""
        one, other = socket.socketpair()
        with one, other:
            leaks.watch_programs(self.watch)
            leaks.watch_sockets(self.watch)
            canary = next(iter(leaks.AROUND.values()))
            for say in (lambda: subprocess.run([house.BUILD / "ward", "config", "explain", canary],
                                               check=False, capture_output=True),
                        lambda: (one.sendall(self.part), other.recv(99)),
                        lambda: (one.sendall(self.part), other.recv_into(bytearray(99)))):
                say()
                self.finds("what was said")
                self.watch.faults.clear()
            self.assertEqual(self.look(), [])

    def test_reasons_are_heard_where_they_are_said(self):
        self.assertFalse(self.watch.reasons & {"HOUSE_OWNER_ONLY"})
        self.watch.hear(b"code=HOUSE_OWNER_ONLY_NOT x")
        self.look()
        self.assertFalse(self.watch.reasons & {"HOUSE_OWNER_ONLY"})
        self.watch.hear(b'"code":"HOUSE_OWNER_ONLY"')
        self.look()
        self.assertTrue(self.watch.reasons & {"HOUSE_OWNER_ONLY"})


if __name__ == "__main__":
    tap.main()
