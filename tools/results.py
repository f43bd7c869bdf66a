"""results.py - what the last test run said, test by test: reads TAP, meson's log and
the list of allowed skips. A test is "file:name"; its status is pass, fail or skip."""

import datetime
import json
import os
import pathlib
import re

TAP_LINE = re.compile(r"^(not )?ok\b\s*\d*\s*(?:- )?(.*?)\s*(?:#\s*(SKIP|TODO)\b\s*(.*))?$", re.I)


def of_tap(text):
    """Yields (name, status). Insists on the plan: a program that dies half-way has
    failed, whatever it said before."""
    planned, seen = None, 0
    for line in text.splitlines():
        plan = re.match(r"1\.\.(\d+)", line)
        found = TAP_LINE.match(line)
        if plan:
            planned = (planned or 0) + int(plan.group(1))
        elif line.startswith("Bail out!"):
            yield line, "fail"
        elif found:
            seen += 1
            broken, name, directive, after = found.groups()
            # cmocka 1.1.5 writes "not ok 3 # SKIP name": a skip all the same.
            skipped = (directive or "").upper() == "SKIP"
            yield name or after, "skip" if skipped else "fail" if broken else "pass"
    if planned is None:
        yield "no TAP plan", "fail"
    elif planned != seen:
        yield f"{seen} of {planned} tests answered", "fail"


def source_of(name, root):
    """The test's source file: the name that meson knows a test by is its path without
    tests/ and ending; "project:suite / " may stand before it."""
    name = name.rpartition(" / ")[2]
    for path in (f"tests/{name}", name):
        for ending in (".c", ".py", ".sh", ""):
            if (root / (path + ending)).is_file():
                return path + ending
    return name


def log_of(build):
    """Meson's log of the last run, one JSON object a line; None when there was none. With
    a wrapper it has the wrapper's name in its own."""
    logs = list((build / "meson-logs").glob("testlog*.json"))
    return max(logs, key=lambda log: log.stat().st_mtime, default=None)


def runs(build):
    """What meson noted of each test program in its last run."""
    log = log_of(build)
    text = log.read_text(encoding="utf-8", errors="replace") if log else ""
    return [json.loads(line) for line in text.splitlines()]


def of_meson(root, build):
    """{test: status} of meson's last run in a build folder; {} when there was none."""
    found = {}
    for run in runs(build):
        source = source_of(run["name"], root)
        for name, status in of_run(run):
            merge(found, f"{source}:{name}", status)
    return found


def of_run(run):
    """(name, status) of one test program: its TAP, or itself when it prints none."""
    out = run.get("stdout") or ""
    if run["result"] == "SKIP" and not re.search(r"^(not )?ok\b", out, re.M):
        yield run["name"], "skip"
        return
    if not re.search(r"^1\.\.\d", out, re.M) and run["result"] == "OK":
        yield run["name"], "pass"
        return
    tests = list(of_tap(out))
    yield from tests
    # meson calls cmocka's skips failures, so the exit code decides, not its result.
    if run.get("returncode") != 0 and all(status != "fail" for _, status in tests):
        yield f"exit: {run['result']} {run.get('returncode')}", "fail"


WORSE = {"pass": 0, "skip": 1, "fail": 2}


def merge(into, test, status):
    """Several runs of a test count as the worst of them."""
    if test not in into or WORSE[status] > WORSE[into[test]]:
        into[test] = status


def write(path, results):
    path.write_text("".join(f"{test}\t{status}\n" for test, status in sorted(results.items())))


def read(path):
    if not path.exists():
        return {}
    return dict(line.split("\t") for line in path.read_text().splitlines() if "\t" in line)


def last(root, build):
    """What is known of the last run: the file that ./check wrote, overlaid with what
    a later `meson test` said; benchmark cases beside it."""
    kept = build / "results.tsv"
    found = read(kept) | read(build / "bench.tsv")
    log = log_of(build)
    if log and (not kept.exists() or log.stat().st_mtime > kept.stat().st_mtime):
        found |= of_meson(root, build)
    return found


def vectors(root):
    """The folder of other people's test data, or None where it is absent."""
    named = os.environ.get("WARD_VECTORS")
    folder = pathlib.Path(named) if named else root / ".." / "shared" / "vectors"
    return folder.resolve() if folder.is_dir() else None


def vectors_are_whole(root):
    """Whether the folder also holds what scripts/vectors cannot bring: the index of
    verdicts and the mutated files that it names."""
    folder = vectors(root)
    return folder is not None and (folder / "attest" / "index.json").is_file()


class Skips:
    """The tests that may skip, from tests/skips: file:test, reason, last day. A reason
    that begins with "vectors" is good only where the vectors folder is not whole."""

    def __init__(self, root, today=None):
        self.root = root
        self.today = today or datetime.date.today()
        self.rows, self.faults = {}, []
        path = root / "tests" / "skips"
        lines = path.read_text().splitlines() if path.exists() else []
        for number, line in enumerate(lines, 1):
            if line and not line.startswith("#"):
                self.add(f"tests/skips:{number}", line.split("\t"))

    def add(self, where, row):
        try:
            test, reason, expiry = row
            expiry = datetime.date.fromisoformat(expiry)
        except ValueError:
            self.faults.append(f"{where}: want test, reason and YYYY-MM-DD between tabs")
            return
        source, _, name = test.partition(":")
        path = self.root / source
        text = path.read_text(errors="replace") if path.is_file() else ""
        if not name or not re.search(rf"\b{re.escape(name)}\b", text):
            self.faults.append(f"{where}: there is no test {test}")
        self.rows[test] = (reason, expiry)

    def refuse(self, test):
        """Why this test may not skip; None when it may."""
        if test not in self.rows:
            return "is not in tests/skips"
        reason, expiry = self.rows[test]
        if expiry < self.today:
            return f"may not skip since {expiry} ({reason})"
        if reason.startswith("vectors") and vectors_are_whole(self.root):
            return "skips although the vectors folder is there"
        return None
