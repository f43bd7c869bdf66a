"""test_conformance.py - a line counts as proven only when a test that claims it ran and
passed, and a document that says otherwise is found out."""

import json
import pathlib
import unittest

import bad_tree
import requirements
import tap

LINES = "AT-1\tattestation.md\theader\nAT-2\tattestation.md\tversion\nRL-1\treliability.md\tdamage\n"
TESTS = """/* test_a.c - a sample. */
const struct CMUnitTest tests[] = {
    TEST(test_one, "AT-1 RL-1"),
    TEST(test_two,
         "AT-2"
         " RL-1"),
    TEST(test_three, ""),
};
"""
A = "tests/x/test_a.c"
PASSED = f"{A}:test_one\tpass\n{A}:test_two\tpass\n{A}:test_three\tpass\n"
SPEC = {
    "attestation.md": "### 2.1 Quotes\n**A. Parse**\n1. first `line`;\n   goes on\n2. second\n"
                      "**B. Next**\n3. third 4. not a line\n\n### 2.2 Nitro\n1. nitro\n"
                      "### 2.3 Logs\n**x**\n1. log\n**y**\n2. log two\n## 3. End\n1. no\n",
    "reliability.md": "### 2.1 List\n| id | x |\n| **A** | |\n| RL-1 | damage | inject | hold |\n"
                      "| RL-2 | check missing | x |\n### 2.2 x\n",
    "usability.md": "## 3. Checklist\n| EC-1 | Clean `a|b` [x] |\n",
    "platform-challenge.md": "## 6. C\n\n 1. one\n 2. two\n",
    "cyxwiz.md": "## 10. C\n\nC01 [A] one. C02 two; C03 three like C01 said.\nC04 four\n",
    "dstack.md": "## 8. C\n----\nAPI\n 1. one\nSeed map: T1->1\n",
    "signer.md": "## 8. C\n1 [T1] one\n2 [T2] two\n\n## 9. S\n",
}


class Conformance(unittest.TestCase):
    def tree(self, results=PASSED, tests=TESTS, **more):
        return bad_tree.Tree({"docs/requirements.tsv": LINES, A: tests,
                              "build/results.tsv": results} | more)

    def json(self, tree):
        code, out = tree.run("conformance.py", "--json")
        self.assertEqual(code, 0, out)
        return json.loads(out)

    def test_proven_lines_come_with_their_tests(self):
        with self.tree() as tree:
            self.assertEqual(self.json(tree), {
                "AT-1": [f"{A}:test_one"], "AT-2": [f"{A}:test_two"],
                "RL-1": [f"{A}:test_one", f"{A}:test_two"]})

    def test_what_was_written_passes_and_reads_back(self):
        with self.tree() as tree:
            self.assertEqual(tree.run("conformance.py", "--write")[0], 0)
            code, out = tree.run("conformance.py", "--check")
            self.assertEqual(code, 0, out)
            proven = self.json(tree)
            (tree.root / "build" / "results.tsv").unlink()
            self.assertEqual(self.json(tree), proven)

    def test_claims_of_tests_that_did_not_pass_are_faults(self):
        for status in ("fail", "skip", None):
            row = f"{A}:test_one\t{status}\n" if status else ""
            with self.subTest(status), self.tree() as tree:
                tree.run("conformance.py", "--write")
                tree.put("build/results.tsv", f"{A}:test_two\tpass\n{row}")
                code, out = tree.run("conformance.py", "--check")
                self.assertEqual(code, 1)
                self.assertIn(f"{A}:test_one claims AT-1: {status or 'not run'}", out)
                self.assertNotIn("AT-1", self.json(tree))

    def test_an_unknown_line_is_a_fault(self):
        with self.tree(tests=TESTS.replace("AT-2", "AT-99")) as tree:
            tree.run("conformance.py", "--write")
            code, out = tree.run("conformance.py", "--check")
            self.assertEqual(code, 1)
            self.assertIn("AT-99, which is no requirement", out)

    def test_a_stale_document_is_a_fault(self):
        with self.tree() as tree:
            tree.run("conformance.py", "--write")
            path = tree.root / "docs" / "conformance.md"
            path.write_text(path.read_text().replace("test_two", "test_too"))
            code, out = tree.run("conformance.py", "--check")
            self.assertEqual(code, 1)
            self.assertIn("out of date", out)

    def test_an_excused_skip_keeps_what_was_committed(self):
        skips = f"{A}:test_one\tneeds root\t2999-01-01\n"
        with self.tree(**{"tests/skips": skips}) as tree:
            tree.run("conformance.py", "--write")
            tree.put("build/results.tsv", PASSED.replace("test_one\tpass", "test_one\tskip"))
            code, out = tree.run("conformance.py", "--check")
            self.assertEqual(code, 0, out)
            tree.put("docs/conformance.md", "")
            self.assertEqual(tree.run("conformance.py", "--check")[0], 1)

    def test_python_tests_and_benchmarks_claim_too(self):
        files = {"tests/x/test_b.py": "    def test_b(self):  # proves: AT-1\n        pass\n",
                 "bench/table.c": '    { "cold", 1 }, /* proves: AT-2 */\n',
                 "build/bench.tsv": "bench/table.c:cold\tpass\n"}
        with self.tree(tests="", results="tests/x/test_b.py:test_b\tpass\n", **files) as tree:
            self.assertEqual(self.json(tree), {"AT-1": ["tests/x/test_b.py:test_b"],
                                               "AT-2": ["bench/table.c:cold"]})

    def test_each_specification_is_read_in_its_own_way(self):
        with bad_tree.Tree(SPEC) as tree:
            found = requirements.extract(pathlib.Path(tree.root))
        self.assertEqual([(line, text) for line, _, text in found], [
            ("AT-1", "first line; goes on"), ("AT-2", "second"), ("AT-3", "third 4. not a line"),
            ("AN-1", "nitro"), ("AE-1", "log"), ("AE-2", "log two"),
            ("RL-1", "damage"), ("RL-2", "check missing"), ("EC-1", "Clean a/b [x]"),
            ("PC-1", "one"), ("PC-2", "two"), ("CX-1", "[A] one."), ("CX-2", "two"),
            ("CX-3", "three like C01 said."), ("CX-4", "four"), ("DS-1", "one"),
            ("SW-1", "[T1] one"), ("SW-2", "[T2] two")])


if __name__ == "__main__":
    tap.main()
