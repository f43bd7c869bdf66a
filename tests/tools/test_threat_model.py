"""test_threat_model.py - a wrong row is named, a stale page is found, tests are counted."""

import re
import unittest

import bad_tree
import requirements
import tap
import threat_model

ROW = {"id": "T-1", "from": "design: a place", "title": "a title", "what": "a fear",
       "answer": "an answer", "owner": "attest policy / verify keeper", "requirements": "AT-8",
       "leaves": "R-1"}
LEFT = {"id": "R-1", "from": "cyxwiz: a place; dstack-cloud: T1", "title": "a rest",
        "what": "what is left", "answer": "live with it", "owner": "- / -", "requirements": ""}

# What is wrong, the change to ROW, a piece of what must be said.
BAD = (
    ("id", {"id": "X-1"}, "T-n, A-n or R-n"),
    ("id that is padded", {"id": "T-01"}, "T-n, A-n or R-n"),
    ("same id twice", {"id": "R-1"}, "R-1: stands there twice"),
    ("unknown key", {"note": "x"}, "unknown key note"),
    ("empty answer", {"answer": " "}, "answer is empty"),
    ("bar in a cell", {"what": "a | b"}, "without a bar"),
    ("two lines in a cell", {"what": "a\\nb"}, "one line"),
    ("no seed", {"from": "hearsay: T1"}, "comes from no seed: hearsay"),
    ("no seed in the second place", {"from": "design: a; hearsay: b"}, "no seed: hearsay"),
    ("owner without processes", {"owner": "attest"}, "rooms / processes"),
    ("room", {"owner": "attic / verify"}, "unknown room: attic"),
    ("process", {"owner": "attest / verifier"}, "unknown process: verifier"),
    ("shape of a requirement", {"requirements": "AT8"}, "does not exist: AT8"),
    ("family of a requirement", {"requirements": "ZZ-1"}, "does not exist: ZZ-1"),
    ("requirement not in the table", {"requirements": "AT-9"}, "does not exist: AT-9"),
    ("rest that is not there", {"leaves": "R-2"}, "does not exist: R-2"),
)
PAGE = f"# Page\n\n{threat_model.BEGIN}\n{threat_model.END}\n"


def toml(*rows):
    lines = []
    for row in rows:
        lines += ["[[row]]", *(f'{key} = "{value}"' for key, value in row.items()), ""]
    return "\n".join(lines)


def new_tree(*rows, page=PAGE, **files):
    return bad_tree.Tree({"docs/threat-model.toml": toml(*rows), "docs/threat-model.md": page,
                          "docs/requirements.tsv": "AT-8\tthe root is pinned\n", **files})


class ThreatModel(unittest.TestCase):
    def check(self, tree, said):
        code, out = tree.run("threat_model.py", "--check")
        self.assertEqual(code, 1, out)
        self.assertIn(said, out)

    def test_each_wrong_row_is_named(self):
        for what, change, said in BAD:
            with self.subTest(what), new_tree(ROW | change, LEFT) as tree:
                self.check(tree, said)

    def test_missing_key_is_named(self):
        for key in threat_model.NEEDED:
            row = {k: v for k, v in ROW.items() if k != key}
            with self.subTest(key), new_tree(row, LEFT) as tree:
                self.check(tree, f"lacks {key}")

    def test_wrong_rows_are_not_written(self):
        with new_tree(ROW | {"owner": "x"}, LEFT) as tree:
            self.assertEqual(tree.run("threat_model.py", "--write")[0], 1)
            self.assertEqual((tree.root / "docs/threat-model.md").read_text(), PAGE)

    def test_stale_page_is_found_and_written(self):
        with new_tree(ROW, LEFT) as tree:
            self.check(tree, "stale")
            self.assertEqual(tree.run("threat_model.py", "--write"), (0, ""))
            self.assertEqual(tree.run("threat_model.py", "--check"), (0, ""))
            page = (tree.root / "docs/threat-model.md").read_text()
            self.assertTrue(page.startswith("# Page\n") and page.endswith(threat_model.END + "\n"))
            self.assertIn("**a title.** a fear | an answer | R-1 |", page)
            self.assertIn("not built yet", page)
            tree.put("docs/threat-model.md", page.replace("an answer", "another answer"))
            self.check(tree, "stale")

    def test_page_without_marks_is_refused(self):
        turned = f"{threat_model.END}\n{threat_model.BEGIN}\n"
        for page in ("# Page\n", PAGE + threat_model.BEGIN, turned):
            with self.subTest(page), new_tree(ROW, LEFT, page=page) as tree:
                self.check(tree, "marks")

    def test_tests_are_found_by_their_tags(self):
        # Split, so that this file does not look tagged itself.
        python = "    def test_py(self):  # proves" + ": AT-8 RL-1\n        pass\n"
        files = {"tests/attest/test_a.c": 'TEST(test_c, "AT-8 AT-9"),\nTEST(test_none, ""),\n'
                                          'TEST(test_long,\n     "AT-8"),\n',
                 "tests/cmd/test_b.py": python, "src/attest/a.c": 'TEST(test_src, "AT-8")\n'}
        with new_tree(ROW, LEFT, **files) as tree:
            self.assertEqual(threat_model.tagged_tests(tree.root), {
                "AT-8": ["tests/attest/test_a.c:test_c", "tests/attest/test_a.c:test_long",
                         "tests/cmd/test_b.py:test_py"],
                "AT-9": ["tests/attest/test_a.c:test_c"],
                "RL-1": ["tests/cmd/test_b.py:test_py"]})
            tree.run("threat_model.py", "--write")
            page = (tree.root / "docs/threat-model.md").read_text()
            self.assertIn("1 of 1 lines, [3 tests]", page)
            self.assertIn("- **T-1** `tests/attest/test_a.c`: test_c, test_long; "
                          "`tests/cmd/test_b.py`: test_py", page)

    def test_unanswered_threats_are_listed(self):
        with new_tree(ROW, LEFT) as tree:
            self.assertEqual(tree.run("threat_model.py"), (0, "T-1: a title\n"))

    def test_every_seed_has_threats(self):
        rows = threat_model.read_rows(bad_tree.ROOT)
        for seed in threat_model.SEEDS:
            self.assertTrue(any(row["id"].startswith("T-") and row["from"].startswith(seed + ":")
                                for row in rows), seed)

    def test_page_names_rows_that_exist(self):
        """The prose points at rows: each must be there, and the rows must be right."""
        rows = threat_model.read_rows(bad_tree.ROOT)
        lines = {line[0] for line in requirements.read(bad_tree.ROOT)}
        self.assertEqual(threat_model.faults(rows, lines), [])
        page = (bad_tree.ROOT / threat_model.PAGE).read_text()
        prose = page[:page.index(threat_model.BEGIN)]
        known = {row["id"] for row in rows}
        named = set(re.findall(r"\b[TAR]-[0-9]+\b", prose))
        self.assertTrue(named and named <= known, named - known)


if __name__ == "__main__":
    tap.main()
