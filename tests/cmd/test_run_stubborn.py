"""test_run_stubborn.py - jobs that will not die are gone soon after their time, all of each, and the
next job runs. With WARD_FULL each kind twenty times."""

import datetime
import json
import os
import subprocess
import unittest

import tap
from commands import CLEAN
from sandboxes import RUNTIMES, STUBBORN, Jobs, leftovers, needs_sandbox

LIMIT_S, GRACE_S = 2, 2
SLACK_S = 8  # of a loaded machine; they would stay for ever
AT_ONCE = 8
LESS = f"[limits]\nmax_execution_seconds = {LIMIT_S}\nmax_output_bytes = \"16M\"\n"


def seconds_of(result):
    started, ended = (datetime.datetime.fromisoformat(result[key].replace("Z", "+00:00"))
                      for key in ("started", "ended"))
    return (ended - started).total_seconds()


@needs_sandbox
class Stubborn(Jobs):
    def begin(self, kind, runtime):
        spec = self.spec("/bin/stubborn", kind, more=LESS)
        spec = spec.rename(spec.with_name(f"{kind}.toml"))
        return subprocess.Popen(self.words(spec, "--json", "--runtime", runtime), env=CLEAN,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def see(self, kind, runtime, process):
        result = json.loads(process.communicate(timeout=120)[0])
        with self.subTest(kind=kind, runtime=runtime):
            self.assertEqual((result["reason"], process.returncode), ("JOB_TIME", 1), result)
            self.assertLessEqual(seconds_of(result), LIMIT_S + GRACE_S + SLACK_S)

    def test_they_are_gone(self):
        kinds = subprocess.run([STUBBORN, "kinds"], capture_output=True, check=True, text=True).stdout.split()
        self.assertGreaterEqual(len(kinds), 20)
        rows = [(kind, runtime) for kind in kinds for runtime in RUNTIMES]
        rows *= 10 if "WARD_FULL" in os.environ else 1
        for first in range(0, len(rows), AT_ONCE):
            some = rows[first:first + AT_ONCE]
            running = [(*row, self.begin(*row)) for row in some]
            for row in running:
                self.see(*row)
            self.assertEqual(leftovers(), [], some)
        self.job("/bin/true")


if __name__ == "__main__":
    tap.main()
