"""ward.py - what the tests of the `ward` command share: running it, and the folder of genuine
evidence."""

import json
import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("WARD_BUILD", ROOT / "build"))
VECTORS = pathlib.Path(os.environ.get("WARD_VECTORS") or ROOT / "../shared/vectors")
ATTEST = VECTORS / "attest"
OWN = ROOT / "vectors"


def ward(*words, given=None, env=None, timeout=60):
    """Runs `ward` and returns the finished process; its output is bytes."""
    return subprocess.run([str(BUILD / "ward"), *map(str, words)], input=given, timeout=timeout,
                          capture_output=True, env=dict(os.environ, **(env or {})), check=False)


def verify(*words, given=None):
    """Runs `ward verify --json`: the exit code and the object."""
    done = ward("verify", "--json", *words, given=given)
    if done.returncode not in (0, 1):
        raise AssertionError(f"exit {done.returncode}: {done.stderr.decode()}")
    return done.returncode, json.loads(done.stdout)


def needs_vectors(test):
    return unittest.skipUnless(ATTEST.is_dir(), "the folder of others' vectors is absent")(test)
