"""test_rotate.py - the monitor's half of a rotation: killed at any call, every record is in one
file that will be read, and the next try goes on; names and files that are not a log's are
refused."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import tap
from auditor import needs_strace

ROTATOR = pathlib.Path(os.environ["WARD_BUILD"]) / "tests/proc/rotator"
NAME = "security-00000000000000000007-2026-01-01.log"
OLD = b"old\n"
CALLS = ("openat", "linkat", "renameat", "unlinkat", "fsync", "newfstatat", "fstat", "write", "read",
         "close")


class Rotate(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.place.name)
        (self.folder / "security.log").write_bytes(OLD)

    def tearDown(self):
        self.place.cleanup()

    def rotate(self, name=NAME, prefix=()):
        return subprocess.run([*prefix, ROTATOR, self.folder, name], capture_output=True,
                              check=False)

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())

    def test_rotated_and_packed(self):
        self.assertEqual(self.rotate().returncode, 0)
        self.assertEqual(self.names(), [NAME + ".gz", "security.log"])
        self.assertEqual((self.folder / (NAME + ".gz")).read_bytes(), OLD)
        self.assertEqual((self.folder / "security.log").read_bytes(), b"")

    def one(self, call, when, what):
        for path in self.folder.iterdir():
            path.unlink()
        (self.folder / "security.log").write_bytes(OLD)
        done = self.rotate(prefix=["strace", "-o", "/dev/null", "-e", "signal=none", "-e",
                                   f"inject={call}:{what}:when={when}"])
        log = (self.folder / "security.log").read_bytes()  # there is one at every instant
        closed = [path.read_bytes() for path in (self.folder / NAME, self.folder / (NAME + ".gz"))
                  if path.exists()]
        if log == OLD:
            again = self.rotate()
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(self.names(), [NAME + ".gz", "security.log"])
        else:
            self.assertEqual(log, b"")
            self.assertIn(OLD, closed)
        return done.returncode != 0

    @needs_strace
    def test_killed_at_every_call(self):
        for call in CALLS:
            when = 1
            while self.one(call, when, "signal=KILL"):
                when += 1

    @needs_strace
    def test_every_call_fails(self):
        for call in CALLS[:-1]:
            for error in ("EIO", "ENOSPC", "EMFILE"):
                when = 1
                while self.one(call, when, f"error={error}") or when < 6:
                    when += 1

    def test_a_name_that_is_taken(self):
        (self.folder / NAME).write_bytes(b"other\n")
        self.assertEqual(self.rotate().returncode, 1)
        self.assertEqual((self.folder / NAME).read_bytes(), b"other\n")
        self.assertEqual((self.folder / "security.log").read_bytes(), OLD)

    def test_names_that_are_none(self):
        for name in ("", "security.log", "../" + NAME, NAME + ".gz", NAME + "/", "/etc/passwd",
                     NAME.replace("01-01", "02-30"), NAME.upper(), "x" * 300, "leaves", "."):
            done = self.rotate(name)
            self.assertEqual((done.returncode, done.stderr[:4]), (1, b"peer"), name)
            self.assertEqual(self.names(), ["security.log"])

    def test_a_link_in_the_way(self):
        target = self.folder / "target"
        target.write_bytes(b"mine")
        for name in (NAME + ".gz.part", "security.new"):
            os.symlink(target, self.folder / name)
            self.rotate()
            self.assertEqual(target.read_bytes(), b"mine", name)


if __name__ == "__main__":
    tap.main()
