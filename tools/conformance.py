"""conformance.py - which requirement lines are proven, and by which tests. The ids and
titles stand in docs/requirements.tsv, the claims beside each test's name, the results in
the build folder; docs/conformance.md is written from the three.

    TEST(test_name, "AT-1 RL-3")                  in a C test
    def test_name(self):  # proves: EC-8          in a Python test
    { "case", ... } /* proves: EC-2 */            in a table of bench/
    noted("step", ...  # proves: RL-2             a step of ./check

A line is proven when a test that claims it ran and passed. A claim whose test did not is
a fault, never a blank."""

import collections
import difflib
import json
import pathlib
import re
import sys

import requirements
import results
import tree

DOCUMENT = "docs/conformance.md"
STEPS = "tools/check.py"
ID = re.compile(r"\b[A-Z]{2}-\d+\b")
C_CLAIM = re.compile(r'\bTEST\(\s*(\w+)\s*,\s*((?:"[^"]*"\s*)+)\)')
PYTHON_CLAIM = re.compile(r"^ *def (test\w*)\(self\):\s*# proves: (.*)$", re.M)
BENCH_CLAIM = re.compile(r'"([\w-]+)".*proves: ([A-Z]{2}-[^*\n]*)')
STEP_CLAIM = re.compile(r'noted\("(\w+)".*# proves: (.*)$', re.M)
ROW = re.compile(r"^\| ([A-Z]{2}-\d+) \| .* \| ([^|]*) \|$", re.M)
UNPROVEN = "no test yet"


def claims(root):
    """{test: [ids]} of every test in the tree that claims a line."""
    found = {}
    for name in tree.files(root, ".c", ".py", under=("tests", "scenarios", "bench")):
        text = tree.read(root, name)
        pattern = (BENCH_CLAIM if name.startswith("bench/") else
                   C_CLAIM if name.endswith(".c") else PYTHON_CLAIM)
        for test, ids in pattern.findall(text):
            if ID.search(ids):
                found[f"{name}:{test}"] = ID.findall(ids)
    if (root / STEPS).exists():
        for test, ids in STEP_CLAIM.findall(tree.read(root, STEPS)):
            found[f"{STEPS}:{test}"] = ID.findall(ids)
    return found


def read_document(root):
    """{id: [tests]} of the proven lines, as the committed document says."""
    path = root / DOCUMENT
    found = {}
    for line, cell in ROW.findall(path.read_text() if path.exists() else ""):
        tests = [f"{file}:{name}" for file, names in re.findall(r"`([^`]+)`: ([^<]+)", cell)
                 for name in names.strip().split(", ")]
        if tests:
            found[line] = tests
    return found


class State:
    """Claims, results and the committed document, put together."""

    def __init__(self, root, build):
        self.root = root
        self.lines = requirements.read(root)
        self.claims = claims(root)
        self.results = results.last(root, build)
        self.committed = read_document(root)
        self.skips = results.Skips(root)

    def stands(self, test, line):
        """Whether a claim holds. A test that may skip here, a benchmark, which is run on its
        own, and a step that --quick leaves out keep what the committed document says."""
        status = self.results.get(test)
        if status == "pass":
            return True
        excused = (status == "skip" and self.skips.refuse(test) is None or
                   status is None and test.startswith(("bench/", STEPS)))
        return excused and test in self.committed.get(line, ())

    def proven(self, strictly=False):
        """{id: [tests]} in the order of the requirements; strictly: by this run alone."""
        found = collections.defaultdict(list)
        for test, ids in self.claims.items():
            for line in ids:
                if self.results.get(test) == "pass" if strictly else self.stands(test, line):
                    found[line].append(test)
        return {line: sorted(found[line]) for line, _, _ in self.lines if line in found}

    def faults(self):
        known = {line for line, _, _ in self.lines}
        for test, ids in sorted(self.claims.items()):
            for line in ids:
                if line not in known:
                    yield f"{test} claims {line}, which is no requirement"
                elif not self.stands(test, line):
                    yield f"{test} claims {line}: {self.results.get(test, 'not run')}"


def cell(tests):
    if not tests:
        return UNPROVEN
    files = collections.defaultdict(list)
    for test in tests:
        file, _, name = test.partition(":")
        files[file].append(name)
    return "<br>".join(f"`{file}`: {', '.join(names)}" for file, names in files.items())


def document(lines, proven):
    """The whole text of docs/conformance.md."""
    families = collections.defaultdict(list)
    for line, file, title in lines:
        families[line.split("-")[0]].append((line, title))
    out = ["# Conformance", "",
           f"{len(proven)} of {len(lines)} requirement lines are proven: a test that names the "
           "line ran and passed.", f'"{UNPROVEN}" means what it says.',
           "Written by `./check --quick --write`; `./check` fails when it is out of date.",
           "", "| lines | subject | proven | of |", "|---|---|---:|---:|"]
    for family, rows in families.items():
        count = sum(line in proven for line, _ in rows)
        out.append(f"| [{family}](#{family.lower()}) | {requirements.SUBJECTS[family]} | {count} "
                   f"| {len(rows)} |")
    for family, rows in families.items():
        out += ["", f"## {family}", "", f"{requirements.SUBJECTS[family]}.", "",
                "| line | requirement | proven by |", "|---|---|---|"]
        out += [f"| {line} | {title} | {cell(proven.get(line))} |" for line, title in rows]
    return "\n".join(out) + "\n"


def check(state):
    yield from requirements.faults(state.root)
    yield from state.faults()
    path = state.root / DOCUMENT
    committed = path.read_text() if path.exists() else ""
    difference = list(difflib.unified_diff(
        committed.splitlines(), document(state.lines, state.proven()).splitlines(),
        "committed", "computed", n=0, lineterm=""))
    if difference:
        yield f"{DOCUMENT} is out of date; run: ./check --quick --write"
        yield from (line[:160] for line in difference[:20])


def main():
    parser = tree.parser(__doc__)
    parser.add_argument("--build", type=pathlib.Path, help="where the results are (build)")
    parser.add_argument("--json", action="store_true", help='print {"AT-1": ["file:test", ..]}')
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT} anew")
    parser.add_argument("--check", action="store_true", help="exit 1 when anything is not so")
    options = parser.parse_args()
    root = options.root
    if options.write:
        requirements.write(root)
    state = State(root, options.build or root / "build")
    if options.write:
        (root / DOCUMENT).write_text(document(state.lines, state.proven()))
    if options.check:
        found = list(check(state))
        print("\n".join(found) if found else "conformance: as committed")
        sys.exit(1 if found else 0)
    if options.json:
        print(json.dumps(state.proven(strictly=True) if state.results else state.committed,
                         indent=1))
    elif not options.write:
        parser.print_usage()


if __name__ == "__main__":
    main()
