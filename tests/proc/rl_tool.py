"""rl_tool.py - tools/rl for tests: runs it, and what it printed."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import auditor

RL = pathlib.Path(__file__).resolve().parents[2] / "tools/rl"
SEED = int(os.environ.get("WARD_SEED", "25"))
FULL = os.environ.get("WARD_FULL") == "1"

needs_root = unittest.skipUnless(os.geteuid() == 0 and auditor.may_trace(),
                                 "root, and the right to trace")


def may_mount():
    """A container often may not."""
    words = ["unshare", "-m", "--propagation", "private", "sh", "-c",
             "set -e; d=$(mktemp -d); trap 'rm -r $d' EXIT; mkdir $d/on; truncate -s 8M $d/disk; "
             "mkfs.ext4 -q -F $d/disk; mount -o loop $d/disk $d/on; umount $d/on"]
    return shutil.which("mkfs.ext4") is not None and subprocess.run(
        words, check=False, capture_output=True).returncode == 0


def rl(*words, seed=SEED):
    """(exit, lines, summary)"""
    done = subprocess.run([sys.executable, RL, *map(str, words), "--seed", str(seed)],
                          capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise AssertionError(f"rl {words}: {done.returncode}: {done.stderr}")
    return done.returncode, lines[:-1], lines[-1]


class Sample(unittest.TestCase):
    def sample(self, kind, points, *words):
        """So many points of each process, of which none may fail. All of them take hours: they
        are for tools/rl KIND --all."""
        code, lines, end = rl(kind, *words, "--sample", 5 * points if FULL else points)
        print(f"# {kind}: {end['fired']} faults of {end['of']} points, seed {SEED}")
        self.assertEqual((code, end["failed"]), (0, 0), [row for row in lines if not row["ok"]])
        self.assertGreaterEqual(end["fired"], end["tried"] // 2)
        self.assertGreater(end["fired"], 0)

    def found(self, kind, *words):
        """A seeded bug is seen, at points that are always the same."""
        code, lines, end = rl(kind, *words, seed=25)
        self.assertEqual(code, 1, lines)
        self.assertGreater(end["failed"], 0)
        return [row["why"] for row in lines if not row["ok"]]
