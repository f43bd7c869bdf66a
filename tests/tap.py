"""tap.py - runs the unittest cases of one file and prints TAP, so that Python tests
are counted one by one like the C ones. A test is known by its method's name, which
must therefore be unique within its file.

    import tap; tap.main()        at the end of tests/ROOM/test_x.py
"""

import pathlib
import sys
import traceback
import unittest

import leaks


class TapResult(unittest.TestResult):
    """Prints one line per test. Everything a person reads goes behind a '#'."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.bad = False

    def line(self, verdict, test, directive=""):
        self.count += 1
        print(f"{verdict} {self.count} - {test.id().rpartition('.')[2]}{directive}", flush=True)

    def startTest(self, test):
        super().startTest(test)
        self.failed_part = False

    def stopTest(self, test):
        if leaks.WATCH:
            leaks.WATCH.look()
        super().stopTest(test)

    def addSuccess(self, test):
        self.line("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line("ok", test, f" # SKIP {reason}")

    def addFailure(self, test, err):
        self.explain(err)
        self.line("not ok", test)
        self.bad = True

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is None:
            return
        print(f"# {subtest}")
        self.explain(err)
        if not self.failed_part:
            self.line("not ok", test)
        self.failed_part = self.bad = True

    def explain(self, err):
        """What was wrong stands first, and frames of the test runner nowhere: who reads may see no more
        than the beginning."""
        kind, value, trace = err
        own = [frame for frame in traceback.extract_tb(trace) if "/unittest/" not in frame.filename]
        said = traceback.format_exception_only(kind, value) + traceback.format_list(own)
        for line in "".join(said).splitlines():
            print(f"# {line}")


def names(suite):
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from names(part)
        else:
            yield part.id().rpartition(".")[2]


def main(module="__main__"):
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    path = pathlib.Path(sys.argv[0]).resolve()
    last = leaks.watch(f"{path.parent.name}/{path.stem}")
    if last:
        suite.addTest(last)
    known = list(names(suite))
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        print(f"Bail out! test names used twice: {' '.join(twice)}")
        sys.exit(1)
    print(f"1..{len(known)}", flush=True)
    result = TapResult()
    leaks.Leaks.skipped = result.skipped
    suite.run(result)
    sys.exit(1 if result.bad or not known else 0)
