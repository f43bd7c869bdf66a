"""npm.py - programs of npm's registry that tests use: pinned with their hashes by
tests/npm/package-lock.json, installed once into the build folder, without running anything of
theirs.

    command = npm.program("@redocly/cli/bin/cli.js")      words to run it with, or a skip"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parent / "npm"
FILES = ("package.json", "package-lock.json")
FOLDER = pathlib.Path(os.environ.get("WARD_BUILD", "build")) / "npm"
# Says nothing to anybody, and does not look whether it is the newest.
QUIET = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
         "NO_UPDATE_NOTIFIER": "1", "CI": "true"}


def installed():
    return (FOLDER / "node_modules").is_dir() and all(
        (FOLDER / name).is_file() and (FOLDER / name).read_bytes() == (HERE / name).read_bytes()
        for name in FILES)


def install():
    """True when all is there.  The files that say so are copied last."""
    FOLDER.mkdir(exist_ok=True)
    with open(FOLDER / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed():
            return True
        making = FOLDER / "making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        for name in FILES:
            shutil.copy(HERE / name, making)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                              cwd=making, capture_output=True, timeout=300, check=False,
                              env=QUIET)
        if done.returncode != 0:
            return False
        shutil.rmtree(FOLDER / "node_modules", ignore_errors=True)
        (making / "node_modules").rename(FOLDER / "node_modules")
        for name in FILES:
            shutil.copy(HERE / name, FOLDER)
        return True


def modules():
    """The folder of all packages."""
    if shutil.which("node") is None or (not installed() and shutil.which("npm") is None):
        raise unittest.SkipTest("node and npm")
    if not installed() and not install():
        raise unittest.SkipTest("npm's registry, or what was fetched from it before")
    return FOLDER / "node_modules"


def program(path):
    return ["node", modules() / path]
