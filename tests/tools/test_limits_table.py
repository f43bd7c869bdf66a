"""test_limits_table.py - tools/limits.py on a small tree, right and wrong."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HEADER = """/* EXAMPLE_MAX = 7 in a comment is none */
enum { KIB = 1024, EXAMPLE_MAX = 2 * KIB, /* bytes */ };
"""
TABLE = """[[limit]]
group = "All"
name = "EXAMPLE_MAX"
file = "src/x/x.h"
unit = "bytes"
what = "an example"
past = "TOO_LARGE"
tests = ["tests/x/test_x.c:test_size"]
[not_a_limit]
"""


class Tree(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        self.root = pathlib.Path(temp.name)
        self.put("src/x/x.h", HEADER)
        self.put("src/model/reasons.def", 'REASON(TOO_LARGE, RC_PEER, "", "")\n')
        self.put("tests/x/test_x.c", 'TEST(test_size, "")\n')
        self.put("docs/limits.toml", TABLE)

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_tool(self, how):
        done = subprocess.run([sys.executable, "-B", ROOT / "tools/limits.py", "--root", self.root,
                               how], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_what_it_writes_is_what_it_checks(self):
        self.assertEqual(self.run_tool("--write"), (0, ""))
        text = (self.root / "docs/limits.md").read_text()
        self.assertIn("| [EXAMPLE_MAX](../src/x/x.h) | 2 KiB | an example | `TOO_LARGE` |", text)
        self.assertEqual(self.run_tool("--check"), (0, ""))

    def test_a_changed_value_is_stale(self):
        self.run_tool("--write")
        self.put("src/x/x.h", HEADER.replace("2 *", "3 *"))
        code, said = self.run_tool("--check")
        self.assertEqual(code, 1)
        self.assertIn("stale", said)

    def test_every_fault_is_said(self):
        for change, word in ((("EXAMPLE_MAX", "OTHER_MAX"), "has no OTHER_MAX"),
                             (("EXAMPLE_MAX", "OTHER_MAX"), "EXAMPLE_MAX is not in"),
                             (("test_size", "test_gone"), "no test"),
                             (("test_x.c", "test_y.c"), "no test"),
                             (("TOO_LARGE", "TOO_SMALL"), "no reason code"),
                             (('tests = ["tests/x/test_x.c:test_size"]', ""), "untested"),
                             (("[not_a_limit]", "[not_a_limit]\n\"src/x/x.h\" = "
                               "{ names = [\"GONE_MAX\"], why = \"\" }"), "has no GONE_MAX")):
            with self.subTest(word=word):
                self.put("docs/limits.toml", TABLE.replace(*change))
                for how in ("--check", "--write"):
                    code, said = self.run_tool(how)
                    self.assertEqual(code, 1)
                    self.assertIn(word, said)


if __name__ == "__main__":
    tap.main()
