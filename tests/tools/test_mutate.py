"""test_mutate.py - over a tiny tree: a check with a good test is killed, and one without a
test, with a test that cannot fail, or that does not compile is told apart."""

import unittest

import bad_tree
import mutation
import tap

CHECKS = """/* checks.c - a sample. */
#include "report.h"

int judge(struct report *report, int a, int b, int c)
{
    if (a > 3)
        return report_fail(report, CHECK_AT_1, REASON_ONE, "a is %d", a);
    if (b != 2 &&
        b != 5) {
        report_fail(report, CHECK_AT_2, REASON_TWO, "if (");
        return 0;
    }
    if (c == 0)
        return 1;
    else
        return report_fail(report, CHECK_AT_3, REASON_THREE, "");
}
"""
REPORT = """/* report.h - a sample. */
struct report { int bad; };
enum { CHECK_AT_1, CHECK_AT_2, CHECK_AT_3, REASON_ONE, REASON_TWO, REASON_THREE };
int report_fail(struct report *report, int check, int reason, const char *text, ...);
"""
FAIL = """/* report.c - a sample. */
#include "report.h"
int report_fail(struct report *report, int check, int reason, const char *text, ...)
{
    report->bad = 1 + check;
    return 0;
}
"""
# One line a test: what it claims, what it expects. The second cannot fail.
TEST = """/* test_checks.c - a sample: TEST(one, "AT-1") TEST(two, "AT-2") TEST(three, "AT-3") */
#include <stdio.h>
#include "../../src/attest/report.h"
int judge(struct report *report, int a, int b, int c);
static int said;
static void say(int good, const char *name)
{
    printf("%sok %d - %s\\n", good ? "" : "not ", ++said, name);
}
int main(void)
{
    struct report r = { 0 };
    printf("1..3\\n");
    say(!judge(&r, 4, 2, 0) && r.bad == 1 + CHECK_AT_1 && judge(&r, 3, 5, 0), "one");
    say(1, "two");
    say(!judge(&r, 0, 2, 1), "three");
    return 0;
}
"""
MESON = """# a sample
project('sample', 'c')
test('attest/test_checks', executable('test_checks', 'src/attest/checks.c', 'src/attest/report.c',
  'tests/attest/test_checks.c'), protocol: 'tap')
"""
FILES = {"src/attest/checks.c": CHECKS, "src/attest/report.h": REPORT,
         "src/attest/report.c": FAIL, "tests/attest/test_checks.c": TEST, "meson.build": MESON,
         "meson_options.txt": ""}
PREFIX = "src/attest/checks.c:judge "


class Mutate(unittest.TestCase):
    def run_over(self, *words, test=TEST, **changed):
        """(exit code, all it said) over the sample tree with some files changed."""
        files = {name.replace("__", "/"): text for name, text in changed.items()}
        with bad_tree.Tree(FILES | {"tests/attest/test_checks.c": test} | files) as tree:
            return tree.run("mutate", *words)

    def test_killed_and_survived_are_told_apart(self):
        code, out = self.run_over()
        self.assertEqual(code, 1, out)
        self.assertIn(f"survived: {PREFIX}AT-2 TWO delete", out)
        self.assertIn("3 mutants, 2 killed, 1 survived", out)

    def test_a_reviewed_survivor_is_excused(self):
        excuse = f"{PREFIX}AT-2 TWO delete\tnothing can tell\n"
        code, out = self.run_over(tests__mutants=excuse)
        self.assertEqual(code, 0, out)
        self.assertIn("2 killed, 1 excused", out)

    def test_an_excuse_that_no_longer_holds_is_a_fault(self):
        code, out = self.run_over(tests__mutants=f"{PREFIX}AT-1 ONE delete\twrong\n")
        self.assertEqual(code, 1)
        self.assertIn(f"stale: {PREFIX}AT-1 ONE delete", out)

    def test_a_line_that_no_test_claims_is_unproven(self):
        code, out = self.run_over("--only", "AT-1", test=TEST.replace("AT-1", "AT-9"))
        self.assertEqual(code, 1)
        self.assertIn("unproven", out)

    def test_a_test_that_already_fails_kills_nothing(self):
        bad = TEST.replace("r.bad == 1 + CHECK_AT_1", "0")
        code, out = self.run_over("--only", "AT-1", test=bad)
        self.assertEqual(code, 1)
        self.assertIn("unproven", out)

    def test_not_compiling_is_no_kill(self):
        pointer = "struct report *report_fail"
        code, out = self.run_over("--only", "AT-3", **{
            "src__attest__report.h": REPORT.replace("int report_fail", pointer),
            "src__attest__report.c": FAIL.replace("int report_fail", pointer).replace(
                "return 0", "return report"),
            "src__attest__checks.c": CHECKS.replace('REASON_THREE, "")',
                                                    'REASON_THREE, "")->bad * 0')})
        self.assertEqual(code, 1)
        self.assertIn("1 mutants, 1 broken", out)

    def test_a_crash_of_the_program_is_noticed(self):
        code, out = self.run_over(test=TEST.replace(
            'say(1, "two");', 'if (judge(&r, 0, 3, 0)) __builtin_trap(); say(1, "two");'))
        self.assertEqual(code, 0, out)
        self.assertIn("3 killed", out)

    def test_edges_and_inversions(self):
        names = self.run_over("--list", "--full")[1].splitlines()
        self.assertEqual(names, [PREFIX + name for name in (
            "AT-1 ONE delete", "AT-1 ONE invert", "AT-1 ONE edge 1 (> to >=)",
            "AT-2 TWO delete", "AT-2 TWO invert", "AT-2 TWO edge 1 (!= to ==)",
            "AT-2 TWO edge 2 (&& to ||)", "AT-2 TWO edge 3 (!= to ==)", "AT-3 THREE delete")])
        code, out = self.run_over("--full", "--only", "AT-1")
        self.assertEqual(code, 0, out)
        self.assertIn("3 mutants, 3 killed", out)

    def test_a_line_without_a_check_is_absent(self):
        lines = "AT-1\tx\tx\nAT-8\tx\tx\nAT-9\tx\tx\nRL-1\tx\tx\n"
        excuse = {"tests/mutants": "AT-9\treports, refuses nothing\n"}
        with bad_tree.Tree(FILES | {"docs/requirements.tsv": lines} | excuse) as tree:
            code, out = tree.run("mutate", "--full")
        self.assertEqual(code, 1)
        self.assertIn("absent: AT-8", out)
        self.assertNotIn("absent: AT-1", out)
        self.assertNotIn("absent: AT-9", out)
        self.assertNotIn("RL-1", out)

    def test_a_sample_can_be_repeated(self):
        first = self.run_over("--list", "--sample", "2", "--seed", "7")
        self.assertEqual(first, self.run_over("--list", "--sample", "2", "--seed", "7"))
        self.assertEqual(first[1].count("\n"), 3)

    def test_arrows_and_shifts_are_no_comparisons(self):
        text = "if (p->a << 2 && x >> 1 == 0 || a <= b)"
        found = [match.group(1) for match in mutation.OPERATOR.finditer(text)]
        self.assertEqual(found, ["&&", "==", "||", "<="])


if __name__ == "__main__":
    tap.main()
