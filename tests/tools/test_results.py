"""test_results.py - no way of failing, of skipping, or of not being run is taken for a pass."""

import datetime
import json
import os
import pathlib
import unittest
from unittest import mock

import bad_tree
import results
import steps
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["WARD_BUILD"])
TODAY = datetime.date(2026, 6, 1)


class Results(unittest.TestCase):
    def test_tap_is_read_as_cmocka_and_others_write_it(self):
        text = "1..4\nok 1 - test_a\nnot ok 2 - test_b\n# why\nnot ok 3 # SKIP test_c\n" \
               "ok 4 - test_d # SKIP no such file\n# ok - tests\n"
        self.assertEqual(dict(results.of_tap(text)), {
            "test_a": "pass", "test_b": "fail", "test_c": "skip", "test_d": "skip"})

    def test_dying_half_way_is_a_failure(self):
        self.assertIn(("1 of 2 tests answered", "fail"), list(results.of_tap("1..2\nok 1 - a\n")))
        self.assertEqual(list(results.of_tap("Segmentation fault\n")), [("no TAP plan", "fail")])
        self.assertIn("fail", dict(results.of_tap("1..0\nBail out! no\n")).values())

    def test_bad_exit_after_good_answers_is_a_failure(self):
        leaked = {"name": "a", "stdout": "1..1\nok 1 - a\n", "result": "ERROR", "returncode": 23}
        self.assertEqual(list(results.of_run(leaked)), [("a", "pass"), ("exit: ERROR 23", "fail")])
        skipped = {"name": "a", "stdout": "1..1\nnot ok 1 # SKIP a\n", "result": "FAIL",
                   "returncode": 0}
        self.assertEqual(list(results.of_run(skipped)), [("a", "skip")])
        silent = {"name": "a", "stdout": "", "result": "TIMEOUT", "returncode": -15}
        self.assertEqual([status for _, status in results.of_run(silent)], ["fail"])

    def test_a_program_is_known_by_its_source(self):
        for name in ("x/test_a", "ward:unit / x/test_a", "ward / x/test_a"):
            with bad_tree.Tree({"tests/x/test_a.c": "", "fuzz/fuzz_b.c": ""}) as tree:
                self.assertEqual(results.source_of(name, tree.root), "tests/x/test_a.c")
                self.assertEqual(results.source_of("fuzz/fuzz_b", tree.root), "fuzz/fuzz_b.c")

    def test_the_worst_of_two_runs_counts(self):
        kept = {}
        for status in ("pass", "skip", "pass"):
            results.merge(kept, "a", status)
        results.merge(kept, "b", "fail")
        results.merge(kept, "b", "pass")
        self.assertEqual(kept, {"a": "skip", "b": "fail"})

    def skips(self, text):
        with bad_tree.Tree({"tests/skips": text, "tests/x/test_a.c": "TEST(test_a)"}) as tree:
            return results.Skips(tree.root, TODAY)

    def test_skip_list_is_checked(self):
        for row in ("tests/x/test_a.c:test_a\twhy", "tests/x/test_a.c:test_a\twhy\tsoon",
                    "tests/x/test_a.c:test_b\twhy\t2027-01-01", "gone.c:test_a\twhy\t2027-01-01",
                    "tests/x/test_a.c\twhy\t2027-01-01"):
            with self.subTest(row):
                self.assertEqual(len(self.skips(row + "\n").faults), 1)
        good = self.skips("# comment\n\ntests/x/test_a.c:test_a\twhy\t2027-01-01\n")
        self.assertEqual(good.faults, [])

    def test_only_listed_unexpired_skips_pass(self):
        skips = self.skips("tests/x/test_a.c:test_a\tneeds root\t2026-06-01\n")
        self.assertIsNone(skips.refuse("tests/x/test_a.c:test_a"))
        self.assertIn("not in tests/skips", skips.refuse("tests/x/test_a.c:test_z"))
        skips.today += datetime.timedelta(days=1)
        self.assertIn("since 2026-06-01", skips.refuse("tests/x/test_a.c:test_a"))

    def test_vector_skips_need_a_folder_that_is_not_whole(self):
        skips = self.skips("tests/x/test_a.c:test_a\tvectors: absent\t2027-01-01\n")
        with mock.patch.dict(os.environ, {"WARD_VECTORS": "/nonexistent"}):
            self.assertIsNone(skips.refuse("tests/x/test_a.c:test_a"))
        with bad_tree.Tree({"toml/valid/a.toml": ""}) as folder:
            with mock.patch.dict(os.environ, {"WARD_VECTORS": str(folder.root)}):
                self.assertIsNone(skips.refuse("tests/x/test_a.c:test_a"))
                folder.put("attest/index.json", "{}")
                self.assertIn("folder is there", skips.refuse("tests/x/test_a.c:test_a"))


class Steps(unittest.TestCase):
    def run_steps(self, *rows):
        with bad_tree.Tree({}) as tree, open(os.devnull, "w", encoding="utf-8") as nowhere:
            total = steps.Schedule(rows, tree.root, steps.Screen(nowhere)).run()
            return total.passed, total.failed, total.skipped

    def test_counts_are_summed(self):
        many = steps.Step("many", lambda log: steps.Count(5, 2, 1))
        one = steps.Step("one", lambda log: steps.PASS)
        self.assertEqual(self.run_steps(many, one), (6, 2, 1))

    def test_what_needs_a_failed_step_fails_too(self):
        bad = steps.Step("bad", lambda log: steps.fail("no"))
        child = steps.Step("child", lambda log: steps.PASS, ("bad",))
        grandchild = steps.Step("grandchild", lambda log: steps.PASS, ("child",))
        self.assertEqual(self.run_steps(bad, child, grandchild), (0, 3, 0))

    def test_a_step_that_breaks_is_a_failed_step(self):
        self.assertEqual(self.run_steps(steps.Step("broken", lambda log: 1 / 0)), (0, 1, 0))

    def test_a_program_that_fails_or_is_not_there_fails(self):
        rows = [steps.Step(word, steps.command(word)) for word in ("true", "false", "no-such-x")]
        self.assertEqual(self.run_steps(*rows), (1, 2, 0))

    def test_a_step_cannot_wait_for_a_later_one(self):
        with self.assertRaises(AssertionError):
            self.run_steps(steps.Step("a", None, ("b",)), steps.Step("b", None))


class Suite(unittest.TestCase):
    def test_every_test_of_the_tree_is_in_it(self):
        rows = json.loads((BUILD / "meson-info/intro-tests.json").read_text())
        found = {str(path.relative_to(ROOT)) for kind in ("c", "py")
                 for path in (ROOT / "tests").rglob(f"test_*.{kind}")}
        self.assertGreater(len(found), 300)
        self.assertEqual(found - {results.source_of(row["name"], ROOT) for row in rows}, set())


if __name__ == "__main__":
    tap.main()
