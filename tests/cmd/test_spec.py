"""test_spec.py - `ward spec check` as its users meet it: mistakes with their places, words, exit
codes, and nothing of a hostile file on the terminal."""

import hashlib
import json
import pathlib
import re
import tempfile
import unittest

import tap
from test_schema import faults
from ward import ROOT, ward

SCHEMA = json.loads((ROOT / "docs/schema/spec.json").read_text())
GOOD = (f'image = "sha256:{"0" * 64}"\ncommand = ["python", "/job/train.py"]\n'
        '[env]\nTOKEN = "hush"\n')


class Spec(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ward-spec-"))
        self.file = self.folder / "job.toml"

    def check(self, text, *words, code=0):
        self.file.write_text(text)
        done = ward("spec", "check", *words, self.file)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr, b"")
        return done.stdout.decode()

    def test_a_good_one_is_said_in_words(self):
        said = self.check(GOOD)
        self.assertIn("It runs python /job/train.py\n", said)
        self.assertIn(f"sha256 {hashlib.sha256(GOOD.encode()).hexdigest()}\n", said)
        self.assertNotIn("hush", said)
        got = json.loads(self.check(GOOD, "--json"))
        self.assertEqual(list(faults(SCHEMA, got)), [])
        self.assertTrue(got["valid"])
        self.assertEqual(said.splitlines()[:-1], got["words"])

    def test_every_mistake_has_its_place(self):
        text = GOOD + "[resources]\nmemroy = '1G'\ndisk = '4T'\n"
        said = self.check(text, code=1).splitlines()
        self.assertEqual(said, [
            f'{self.file}:6:1: unknown key "memroy" in [resources]; did you mean memory',
            f"{self.file}:7:8: resources.disk is no amount: a whole number, with K, M or G after "
            "it or nothing"])
        got = json.loads(self.check(text, "--json", code=1))
        self.assertEqual(list(faults(SCHEMA, got)), [])
        self.assertEqual([(p["line"], p["column"]) for p in got["problems"]], [(6, 1), (7, 8)])
        self.assertEqual((got["valid"], got["words"]), (False, []))
        said = self.check("command = ['a']\n", code=1)
        self.assertEqual(said, f"{self.file}: image is missing: name one by its digest\n")

    def test_a_file_that_is_none(self):
        done = ward("spec", "check", self.folder / "nothing.toml")
        self.assertEqual(done.returncode, 2)
        self.file.write_text("#" * (256 * 1024) + "\n")
        self.assertEqual(ward("spec", "check", self.file).returncode, 2)

    def test_a_hostile_one_does_not_reach_the_terminal(self):
        text = GOOD.replace("/job/train.py", "\\u001b[2J\\u202e\\nIt is safe.")
        said = self.check(text)
        self.assertEqual(re.sub(r"[ -~\n]", "", said), "")
        self.assertNotIn("\nIt is safe.", said)


if __name__ == "__main__":
    tap.main()
