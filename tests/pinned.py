"""pinned.py - what a lock file of tests/ names, in the build folder: installed once, whole or not
at all, and again when the lock file changes. npm.py and pypi.py say how."""

import fcntl
import os
import pathlib
import shutil
import subprocess

BUILD = pathlib.Path(os.environ.get("WARD_BUILD", "build"))
TESTS = pathlib.Path(__file__).resolve().parent


class Pinned:
    def __init__(self, name, files, into, command, env=None, here=None):
        """`command` is run in a folder with the files of tests/NAME, or `here`, and fills its folder
        `into`."""
        self.here, self.folder = here or TESTS / name, BUILD / name
        self.files, self.into, self.command, self.env = files, into, command, env

    def installed(self):
        """The files that say so are copied last."""
        return (self.folder / self.into).is_dir() and all(
            (self.folder / name).is_file() and
            (self.folder / name).read_bytes() == (self.here / name).read_bytes()
            for name in self.files)

    def install(self):
        """True when all is there."""
        self.folder.mkdir(exist_ok=True)
        with open(self.folder / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.installed():
                return True
            making = self.folder / "making"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            for name in self.files:
                shutil.copy(self.here / name, making)
            done = subprocess.run(self.command, cwd=making, capture_output=True, timeout=300,
                                  check=False, env=self.env)
            if done.returncode != 0:
                return False
            shutil.rmtree(self.folder / self.into, ignore_errors=True)
            (making / self.into).rename(self.folder / self.into)
            for name in self.files:
                shutil.copy(self.here / name, self.folder)
            return True
