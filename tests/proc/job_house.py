"""job_house.py - a house with a queue of jobs, and one image for them: what the tests of the queue have
in common."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cmd"))

from commands import CLEAN, faults
from house import House, WARD, until
from sandboxes import SLOTS, image_of_tests

ENDS = {"done", "failed", "cancelled"}
WAIT_S = 120  # for what takes a second where nothing else runs
TRIES_S = 60
UNKNOWN = "0" * 32


# Ends when it is told to, by cue().
UNTIL_CUE = "trap 'echo over; exit 0' USR1; echo begun; while :; do sleep 0.1; done"


def groups():
    """{id: the control group} of all jobs on this machine, as the kernel has them."""
    all_of_them = pathlib.Path("/sys/fs/cgroup")
    tree = all_of_them / "pids" if (all_of_them / "pids").is_dir() else all_of_them
    return {path.name.removeprefix("ward-job-"): path for path in tree.glob("ward-job-*")}


def cue(job):
    for path in groups()[job].rglob("cgroup.procs"):
        for pid in path.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGUSR1)


class Queue(unittest.TestCase):
    """One image for all, and a house for each test."""

    settings = ()
    address = "127.0.0.1"
    killed = False

    @classmethod
    def setUpClass(cls):
        cls.above = pathlib.Path(tempfile.mkdtemp(prefix="ward-jobs-"))
        cls.addClassCleanup(shutil.rmtree, cls.above, ignore_errors=True)
        cls.images = cls.above / "images"
        cls.digest = image_of_tests().pack(cls.above / "image.tar")
        subprocess.run([WARD, "image", "import", cls.above / "image.tar", cls.digest, "--images",
                        cls.images], check=True, capture_output=True)

    def setUp(self):
        stack = contextlib.ExitStack()
        self.jobs = set()
        self.addCleanup(stack.close)
        self.addCleanup(self.nothing_is_left)
        self.house = stack.enter_context(House(address=self.address))
        self.here = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.above)))
        self.house.up(*self.settings)
        self.addCleanup(self.house.down)

    def nothing_is_left(self):
        """A `ward run` that was told to end takes its sandbox away, and needs a moment for it. One that
        was killed left it to the next, of which there is one more."""
        if self.killed:
            subprocess.run([WARD, "image", "remove", "sha256:" + UNKNOWN * 2, "--images", self.images],
                           check=False, capture_output=True)
        until(lambda: not self.running() and not self.places(), WAIT_S)

    def running(self):
        """The jobs of this test that have a control group of their own."""
        return groups().keys() & self.jobs

    def places(self):
        """And those that have a place; other tests have some, too."""
        found = set()
        for path in SLOTS.glob("*/id"):
            with contextlib.suppress(OSError):
                found.add(path.read_text())
        return found & self.jobs

    # ---- asking ----

    def ask(self, method, path, body=None, tries_s=TRIES_S):
        """(status, answer).  A house that is being started again is asked once more."""
        end = time.monotonic() + tries_s
        while True:
            try:
                status, said = self.house.ask(path, timeout=20,
                                              body=None if body is None else json.dumps(body).encode())
            except (OSError, http.client.HTTPException):
                status, said = 0, {}
            if status not in (0, 503) or time.monotonic() >= end:
                return status, said
            time.sleep(0.1)

    def spec(self, script, more="", resources='vcpu = 1\nmemory = "16M"\ndisk = "16M"'):
        return (f'image = "{self.digest}"\ncommand = ["/bin/sh", "-c", {json.dumps(script)}]\n{more}\n'
                f"[resources]\n{resources}\n")

    def submit(self, script="true", expected=200, arguments=(), folder="", **more):
        status, said = self.ask("POST", "/v1/job/submit",
                                {"spec": self.spec(script, **more), "images": str(self.images),
                                 "folder": str(folder), "arguments": list(arguments)})
        self.assertEqual(status, expected, said)
        if expected != 200:
            return said
        self.jobs.add(said["job_id"])
        return said["job_id"]

    def get(self, job):
        status, said = self.ask("GET", f"/v1/jobs/{job}")
        self.assertEqual(status, 200, said)
        self.assertEqual(faults("job.json", said), [])
        return said

    def wait_for(self, job, *states):
        until(lambda: self.get(job)["state"] in (states or ENDS), WAIT_S, step=0.1)
        return self.get(job)

    def log_of(self, job):
        status, said = self.ask("GET", f"/v1/jobs/{job}/logs")
        self.assertEqual(status, 200, said)
        return base64.b64decode(said["data"])

    def ward(self, *words, code=0):
        done = subprocess.run([WARD, *map(str, words), "--state", str(self.house.state)], text=True,
                              capture_output=True, check=False, timeout=WAIT_S, env=CLEAN,
                              stdin=subprocess.DEVNULL, cwd=self.here)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def records(self, action):
        done = self.ward("audit", "query", "--action", action, "--limit", "1000", "--json")
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]

    def folder(self, job):
        return self.house.state / "jobs" / job

    def kill(self, name):
        os.kill(self.house.processes()[name], signal.SIGKILL)

    def back(self):
        until(lambda: self.house.processes().keys() >= {"core", "runner", "front"}, WAIT_S)
        until(lambda: self.ask("GET", "/v1/node")[1].get("nodes", [{}])[0].get("runs"), WAIT_S)
