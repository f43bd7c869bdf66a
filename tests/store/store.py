"""store.py - what the tests of the store share: the driver program, and what it says."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("WARD_BUILD", ROOT / "build"))
DRIVER = BUILD / "tests/store/store_driver"
FULL = bool(os.environ.get("WARD_FULL"))
SEED = int(os.environ.get("WARD_SEED", "20260101"))
PARTS = 3


def run(spec, *words, before=(), timeout=60):
    """The driver's exit code and its lines, each a list of words."""
    done = subprocess.run([*map(str, before), str(DRIVER), spec, *map(str, words)], check=False,
                          capture_output=True, text=True, timeout=timeout)
    return done.returncode, [line.split() for line in done.stdout.splitlines()]


def says(spec, *words):
    """The last word of the only line."""
    return run(spec, *words)[1][-1][-1]


def acked(lines):
    return {int(line[1]) for line in lines if line[0] == "work" and line[2] == "OK"}


def pieces(spec, until):
    """The numbers of whole pieces; a torn one is an error."""
    code, lines = run(spec, "list", until)
    if code != 0:
        raise AssertionError(f"{spec}: {lines}")
    if any(line[0] == "torn" for line in lines):
        raise AssertionError(f"torn: {lines}")
    return {int(line[1]) for line in lines}


def strace_works():
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False,
                          capture_output=True).returncode == 0


def needs_strace(test):
    return unittest.skipUnless(strace_works(), "strace is absent or may not trace")(test)


def needs_mount(test):
    """Root that may mount: a container often may not."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
                              check=False, capture_output=True)
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=True)
    return unittest.skipUnless(done.returncode == 0, "not allowed to mount")(test)


def count_calls(spec, *words):
    """How often the driver makes each system call."""
    with tempfile.NamedTemporaryFile("r") as log:
        run(spec, *words, before=("strace", "-f", "-qq", "-o", log.name))
        counts = {}
        for line in log:
            found = re.match(r"\d+\s+(\w+)\(", line)
            if found:
                counts[found.group(1)] = counts.get(found.group(1), 0) + 1
    return counts


class Folder(unittest.TestCase):
    """A folder of the test's own with a store in it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ward-store-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.path = self.folder / "ward.db"
        self.spec = f"sqlite:{self.path}"

    def made(self, work=0):
        """A founded store, with `work` pieces in it and its log folded into the file."""
        self.assertEqual(says(self.spec, "migrate"), "OK")
        self.assertEqual(says(self.spec, "found"), "OK")
        if work:
            self.assertEqual(len(acked(run(self.spec, "work", 0, work)[1])), work)

    def copied(self, name):
        """A copy of the database and its logs under another name."""
        for suffix in ("", "-wal"):
            source = pathlib.Path(f"{self.path}{suffix}")
            target = self.folder / f"{name}{suffix}"
            target.unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, target)
        (self.folder / f"{name}-shm").unlink(missing_ok=True)
        return self.folder / name
