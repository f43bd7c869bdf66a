"""The model of the channel's handshake (handshake.pml), searched whole by spin: what it claims
holds in every state, and each of its seeded errors is found.

    PYTHONPATH=tests python3 tests/spin/test_handshake.py"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import tap

MODEL = pathlib.Path(__file__).resolve().with_name("handshake.pml")
FULL = bool(os.environ.get("WARD_FULL"))
ERRORS = ["NO_ROLE", "NO_NONCE_I", "NO_NONCE_R", "NO_KEYS", "NO_SUITE", "NO_CONFIRM", "ONE_KEY",
          "NO_COUNT"]
# Records of each side, states at least, and whether the honest use their keys twice.
WHOLE = [(2, 10_000_000), (2, 10_000_000, "REUSE")] if FULL else [(1, 5_000_000, "REUSE")]
DEEPEST = 100000  # steps of one run; far more than there are


def search(*defines):
    """(states, errors) of a search that is over when it has seen every state, or an error."""
    with tempfile.TemporaryDirectory() as folder:
        for words in (["spin", "-a", *(f"-D{name}" for name in defines), MODEL],
                      ["gcc", "-O1", "-w", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=8000", "-o", "pan",
                       "pan.c"]):
            subprocess.run(words, cwd=folder, check=True, capture_output=True)
        said = subprocess.run(["./pan", "-E", f"-m{DEEPEST}"], cwd=folder, check=True,
                              capture_output=True, text=True).stdout
    errors = int(re.search(r"errors: (\d+)", said).group(1))
    if "too small" in said or ("Search not completed" in said and not errors):
        raise AssertionError(f"the search was cut short:\n{said}")
    return int(re.search(r"(\d+) states, stored", said).group(1)), errors


class Handshake(unittest.TestCase):
    def test_claims_hold_in_every_state(self):
        for records, least, *defines in WHOLE:
            with self.subTest(defines):
                states, errors = search(f"RECORDS={records}", *defines)
                print(f"# {records} records {' '.join(defines)}: {states} states")
                self.assertEqual(errors, 0)
                self.assertGreater(states, least)

    def test_two_pairs_of_honest_sides_reach_their_records(self):
        self.assertEqual(search("REACHED", "RECORDS=1", "REUSE")[1], 1)

    def test_every_seeded_error_is_found(self):
        for error in ERRORS:
            with self.subTest(error):
                self.assertEqual(search(error, "REUSE")[1], 1)


if __name__ == "__main__":
    tap.main()
