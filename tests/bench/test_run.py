"""test_run.py - bench/run judges figures as its table says, and no run that is not whole
passes for one."""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import pathlib
import tempfile
import unittest
from unittest import mock

import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOADER = importlib.machinery.SourceFileLoader("bench_run", str(ROOT / "bench" / "run"))
bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", LOADER))
LOADER.exec_module(bench)

TABLE = "# comment\ncrypto\tfast\top/s\thigher\t0.90\t0.95\ncrypto\tsmall\tB\tlower\t2.00\t1.50\n"


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = pathlib.Path(folder.name)
        (self.build / "cases.tsv").write_text(TABLE)
        self.cases = bench.read_cases(self.build / "cases.tsv")

    def run_with(self, lines, *words):
        """Exit code, stdout and stderr of a run whose program prints these lines."""
        out, err = io.StringIO(), io.StringIO()
        with mock.patch.object(bench, "measure", lambda *_: iter(lines)), \
                mock.patch.object(bench, "HERE", self.build), \
                mock.patch.object(bench, "suites", lambda: ["crypto"]), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = bench.main(["crypto", "--build", str(self.build), *words])
        return code, out.getvalue(), err.getvalue()

    def verdict(self, line):
        return bench.judge(line, self.cases)["verdict"]

    def test_ratio_is_value_by_limit_at_every_edge(self):
        for value, verdict in ((89.9, "below floor"), (90, "below aim"), (94.9, "below aim"),
                               (95, "good"), (200, "good"), (0, "below floor")):
            self.assertEqual(self.verdict(f"fast\t{value}\t100"), verdict)
        for value, verdict in ((201, "below floor"), (200, "below aim"), (150, "good"), (1, "good")):
            self.assertEqual(self.verdict(f"small\t{value}\t100"), verdict)

    def test_gate_refuses_what_misses_its_floor(self):
        good, bad = ["fast\t99\t100", "small\t1\t1"], ["fast\t99\t100", "small\t3\t1"]
        self.assertEqual(self.run_with(good, "--gate")[0], 0)
        self.assertEqual(self.run_with(bad, "--gate")[0], 1)
        self.assertEqual(self.run_with(bad)[0], 0)
        self.assertIn("floor not reached: small", self.run_with(bad)[1])

    def test_what_could_not_be_measured_is_no_pass(self):
        code, out, _ = self.run_with(["fast\tdisturbed\tother work", "small\t1\t1"], "--gate")
        self.assertEqual(code, 1)
        self.assertIn("other work", out)
        self.assertIn("fast\tfail\n", (self.build / "bench.tsv").read_text())
        skipped = ["fast\tskip\tneeds 9 cores", "small\t1\t1"]
        self.assertEqual(self.run_with(skipped, "--gate")[0], 0)

    def test_json_is_one_object_a_line_and_nothing_else(self):
        _, out, _ = self.run_with(["fast\t99\t100", "small\t3\t1"], "--json", "--gate")
        first, second = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(first, {"bench": "fast", "unit": "op/s", "value": 99, "limit": 100,
                                 "ratio": 0.99, "better": "higher", "floor": 0.9, "aim": 0.95,
                                 "verdict": "good"})
        self.assertEqual(second["ratio"], 3)

    def test_a_case_that_was_not_measured_is_a_fault(self):
        code, _, err = self.run_with(["fast\t99\t100"], "--gate")
        self.assertEqual(code, 2)
        self.assertIn("small", err)
        self.assertEqual(self.run_with(["fast\t99\t100"], "--case", "fast")[0], 0)

    def test_a_case_without_a_row_is_a_fault(self):
        code, _, err = self.run_with(["fast\t99\t100", "small\t1\t1", "other\t1\t1"])
        self.assertEqual(code, 2)
        self.assertIn("other", err)

    def test_a_program_that_fails_is_a_fault(self):
        class Failed:
            stdout, returncode = ["fast\t99\t100\n"], 1

            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

        options = bench.arguments(["crypto", "--build", str(self.build)])
        with mock.patch.object(bench, "program", lambda *_: "none"), \
                mock.patch.object(bench.subprocess, "Popen", lambda *_, **__: Failed()):
            with self.assertRaises(bench.Fault):
                list(bench.measure(self.build, "crypto", options))

    def test_the_table_of_a_document_is_made_anew(self):
        path = self.build / "crypto.md"
        first, last = bench.MARKS[0].format("crypto"), bench.MARKS[1]
        found = [bench.judge(line, self.cases) for line in ("fast\t1400\t1500", "small\tskip\tno")]
        text = bench.table(found, 0.1, ["a remark"])
        self.assertIn("| fast | 1,400 | 1,500 | op/s | 0.933 | >= 0.90 | 0.95 | below aim |", text)
        self.assertIn("- a remark\n", text)
        self.assertIn("skipped: no", text)
        self.assertIn("other work beside it", bench.table(found, 2.5, []))
        path.write_text(f"before\n{first}\nold\n{last}\nafter\n")
        bench.write_table(path, "crypto", text)
        self.assertEqual(path.read_text(), f"before\n{first}\n\n{text}\n\n{last}\nafter\n")
        path.write_text(f"{first}\n")
        with self.assertRaises(bench.Fault):
            bench.write_table(path, "crypto", text)

    def test_a_table_of_some_cases_is_not_written(self):
        self.assertEqual(self.run_with([], "--write", "--case", "fast")[0], 2)

    def test_bad_tables_are_refused(self):
        for text in ("crypto\ta\top/s\thigher\t0.9\n", "crypto\ta\top/s\tmore\t0.9\t1\n",
                     "crypto\ta\top/s\thigher\tx\t1\n", TABLE + TABLE):
            (self.build / "bad.tsv").write_text(text)
            with self.assertRaises(bench.Fault):
                bench.read_cases(self.build / "bad.tsv")

    def test_verdicts_are_kept_for_the_conformance_document(self):
        (self.build / "bench.tsv").write_text("bench/bench_other.c:a\tpass\n")
        self.run_with(["fast\t9\t100", "small\tskip\tneeds 2 cores"])
        self.assertEqual((self.build / "bench.tsv").read_text(),
                         "bench/bench_crypto.c:fast\tfail\nbench/bench_crypto.c:small\tskip\n"
                         "bench/bench_other.c:a\tpass\n")

    def test_every_case_of_the_tree_has_a_row_and_every_row_a_case(self):
        for suite in bench.suites():
            source = "".join(path.read_text() for path in (
                ROOT / "bench" / f"bench_{suite}.c", ROOT / "bench" / f"{suite}.py") if path.exists())
            rows = bench.read_cases(ROOT / "bench" / "cases.tsv")
            for row in rows.values():
                # The suite of bombs puts its own name before that of a reader, and one behind.
                short = row["bench"].removeprefix(f"{suite}-").removesuffix("-slope")
                if row["suite"] == suite:
                    self.assertRegex(source, f'"({row["bench"]}|{short})"')

    def test_every_suite_has_a_document_that_says_what_its_cases_are(self):
        folder = ROOT / "docs" / "bench"
        readme = (folder / "README.md").read_text()
        rows = bench.read_cases(ROOT / "bench" / "cases.tsv").values()
        for suite in bench.suites():
            text = (folder / f"{suite}.md").read_text()
            self.assertIn(f"[{suite}.md]({suite}.md)", readme)
            for mark in (bench.MARKS[0].format(suite), bench.MARKS[1]):
                self.assertEqual(text.count(mark), 1, suite)
            for row in rows:
                if row["suite"] == suite:
                    self.assertIn(f"`{row['bench']}`", text)


tap.main()
