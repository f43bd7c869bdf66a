"""test_run_stubborn.py - jobs that will not die are gone soon after their time, all of each, and the
next job runs. With WARD_FULL each kind twenty times."""

import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import unittest

import tap
from commands import CLEAN
from held import Held
from sandboxes import RUNTIMES, STUBBORN, Jobs, leftovers, needs_sandbox, with_both

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

    def test_they_are_gone(self):  # proves: RL-43
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


    @with_both
    def test_what_would_hold_a_job_is_not_shown_to_it(self):  # proves: RL-43
        """A job makes no file system that answers late: it has no device and no right for one. The caller's
        may be one, and whoever reads there is held in the kernel; so nothing is shown of it."""
        _, said = self.sh("ls /dev/fuse; busybox mount -t fuse held /tmp; exit 0")
        self.assertEqual(len(re.findall("No such file or directory|permission denied", said)), 2, said)
        folder = self.here / "served"
        folder.mkdir(exist_ok=True)
        served = Held(folder)
        try:
            self.assertEqual(os.listdir(folder), ["held"])
            reader = subprocess.Popen(["cat", folder / "held"], stdout=subprocess.DEVNULL)
            self.assertTrue(served.asked.wait(30))
            reader.kill()  # which it does not hear: so would a job not
            result, _ = self.job("/bin/cat", "/job/held", more=LESS, options=("--job", folder), code=2,
                                 reason="JOB_FOLDER")
            self.assertIn("served by a program", result["detail"])
            self.assertIsNone(reader.poll())
        finally:
            served.close()
        self.assertEqual(reader.wait(30), -signal.SIGKILL)
        self.job("/bin/true")

    def test_images_are_not_taken_from_what_would_hold_a_job(self):
        folder = self.here / "served"
        folder.mkdir()
        served = Held(folder)
        shutil.copytree(self.images, self.here / "copy", symlinks=True)
        try:
            root = next(self.here.glob("copy/*/rootfs"))
            subprocess.run(["mount", "--bind", folder, root], check=True)
            try:
                words = self.words(self.spec("/bin/true"))[:-1] + [self.here / "copy"]
                done = subprocess.run(words, capture_output=True, check=False, env=CLEAN, timeout=100)
            finally:
                subprocess.run(["umount", root], check=True)
            self.assertIn(b"JOB_DISK: the images' file system is served by a program", done.stderr)
            self.assertFalse(served.asked.is_set())
        finally:
            served.close()


if __name__ == "__main__":
    tap.main()
