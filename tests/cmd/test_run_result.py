"""test_run_result.py - `ward run --result`: a real job whose result a real house signs, what of it a
verifier can check, and what becomes of a job whose house is not there, or goes away."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import tap
from commands import CLEAN, ROOT, WARD, faults
from sandboxes import Jobs, begun, needs_sandbox

sys.path.insert(0, str(ROOT / "tests/proc"))
import front_house as house  # noqa: E402  (the path is set just above)


@needs_sandbox
class Signed(Jobs):
    def setUp(self):
        super().setUp()
        self.house = house.House()
        self.house.__enter__()
        self.addCleanup(self.house.__exit__)
        self.tee = pathlib.Path(self.house.state) / "tee"
        self.file = self.here / "result.jws"
        self.with_house = ("--state", self.house.state, "--result", self.file)

    def verify(self, *options, code=0):
        done = subprocess.run([WARD, "result", "verify", self.file, "--json", "--root",
                               self.tee / "root.pem", "--collateral", self.tee / "collateral",
                               *map(str, options)], capture_output=True, check=False, env=CLEAN)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(faults("result.json", said), [])
        return said

    def down(self):
        done = self.house.command("down", "--state", self.house.state)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_job_from_end_to_end(self):
        out = self.here / "out"
        result, said = self.sh("mkdir /output/d; echo model >/output/d/m; echo; exit 3", code=1,
                               options=("--output", out, *self.with_house))
        self.assertEqual(result["signed"], {"file": str(self.file), "reason": "OK", "detail": ""})
        self.assertIn("signed result", said)
        self.assertEqual(self.file.stat().st_mode & 0o7777, 0o644)
        read = self.verify("--spec", self.here / "job.toml", "--output", out)
        for name in ("job_id", "spec_sha256", "usage", "outputs"):
            self.assertEqual(read["result"][name], result[name], name)
        self.assertEqual(read["result"]["exit"], {"code": 3, "signal": 0, "reason": "OK"})
        self.assertEqual((read["result"]["started"], read["result"]["ended"]),
                         (result["started"], result["ended"]))
        (out / "d/m").write_text("other\n")
        self.assertEqual(self.verify("--output", out, code=1)["reason"], "RESULT_OUTPUTS")
        (self.here / "job.toml").write_text("")
        self.assertEqual(self.verify("--spec", self.here / "job.toml", code=1)["reason"],
                         "RESULT_SPEC")
        self.assertEqual([row for row in os.listdir(self.here) if "incomplete" in row], [])

    def test_a_job_that_was_ended(self):
        result, _ = self.sh("echo x >/output/x; sleep 60", code=1, reason="JOB_TIME",
                            more="[limits]\nmax_execution_seconds = 1", options=self.with_house)
        read = self.verify()["result"]
        self.assertEqual(read["exit"], {"code": 0, "signal": result["exit"]["signal"],
                                        "reason": "JOB_TIME"})
        self.assertEqual(read["outputs"], [])

    def test_no_house(self):
        """It is said before the job does anything."""
        self.down()
        mark = self.here / "ran"
        done = self.run_spec(self.spec("/bin/sh", "-c", "echo ran"), *self.with_house, "--output", mark)
        self.assertEqual((done.returncode, done.stdout), (4, b""), done.stderr)
        self.assertIn(b"RESULT_NO_HOUSE", done.stderr)
        self.assertFalse(mark.exists() or self.file.exists())
        done = self.run_spec(self.spec("/bin/sh", "-c", "echo ran"), "--state", self.here / "none",
                             "--result", self.file)
        self.assertEqual((done.returncode, done.stdout), (4, b""), done.stderr)

    def test_a_place_that_cannot_be(self):
        self.file.write_text("mine")
        link = self.here / "link"
        link.symlink_to("nowhere")
        for path in (self.file, link, self.here, self.here / "no/result", str(self.here / "x") + "/", ""):
            done = self.run_spec(self.spec("/bin/sh", "-c", "echo ran"), "--state", self.house.state,
                                 "--result", path)
            self.assertEqual((done.returncode, done.stdout), (2, b""), path)
        self.assertEqual(self.file.read_text(), "mine")

    def test_a_file_that_comes_meanwhile(self):
        process = begun([*self.words(self.spec("/bin/sh", "-c", "echo go; sleep 2"), *self.with_house)],
                        b"go")
        self.file.write_text("mine")
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 70, said)
        self.assertIn(b"RESULT_NOT_WRITTEN", said)
        self.assertEqual(self.file.read_text(), "mine")
        self.assertEqual([row for row in os.listdir(self.here) if "incomplete" in row], [])

    def test_a_disk_that_is_full(self):
        """Said, with nothing that looks like a result, and the job's own end is not lost."""
        full = self.here / "full"
        full.mkdir()
        words = [*self.words(self.spec("/bin/sh", "-c", "exit 3"), "--json", "--state",
                             self.house.state, "--result", full / "result.jws")]
        script = ('mount -t tmpfs -o size=4k none "$1" || exit 99; at=$1; shift; "$@"; code=$?; '
                  'ls -A "$at" >&2; exit $code')
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", full, *words], env=CLEAN,
                              capture_output=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 70, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual((result["exit"]["code"], result["signed"]["reason"]),
                         (3, "RESULT_NOT_WRITTEN"))
        self.assertIn(b"No space left", done.stderr)
        self.assertNotIn(b"\nresult.jws", done.stderr)
        self.assertNotIn(b"\nresult.jws.incomplete", done.stderr)

    def test_a_job_that_does_not_run(self):
        result, _ = self.job("/bin/no-such-program", code=2, reason="JOB_START",
                             options=self.with_house)
        self.assertIsNone(result["signed"])
        self.assertFalse(self.file.exists())

    def test_more_than_a_result_can_list(self):
        out = self.here / "out"
        result, said = self.sh("i=0; while [ $i -lt 513 ]; do : >/output/$i; i=$((i+1)); done", code=1,
                               options=("--output", out, *self.with_house))
        self.assertEqual(result["signed"]["reason"], "RESULT_TOO_LARGE", said)
        self.assertEqual((len(result["outputs"]), len(os.listdir(out))), (513, 513))
        self.assertFalse(self.file.exists())

    def test_the_house_goes_away(self):
        """The job's own end is not lost, and what it left was delivered."""
        out = self.here / "out"
        process = begun([*self.words(self.spec("/bin/sh", "-c", "echo go; echo x >/output/x; sleep 2"),
                                     *self.with_house, "--output", out, "--json")], b"go")
        self.down()
        said, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 4, err)
        result = json.loads(said)
        self.assertEqual(faults("run.json", result), [])
        self.assertEqual((result["reason"], result["exit"], result["signed"]["reason"]),
                         ("OK", {"code": 0, "signal": 0}, "RESULT_NOT_SIGNED"))
        self.assertEqual((out / "x").read_text(), "x\n")
        self.assertFalse(self.file.exists())

    def test_the_house_comes_back(self):
        """A process of it that falls, and all of it, is waited for."""
        process = begun([*self.words(self.spec("/bin/sh", "-c", "echo go; sleep 1"), *self.with_house)],
                        b"go")
        for name in ("keeper", "core", "front", "tee"):
            self.house.kill(name)
        _, said = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, said)
        self.verify()

    def test_killed_while_it_is_signed(self):
        """Whenever it is killed there is no half of a result under that name."""
        for wait in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4):
            self.file.unlink(missing_ok=True)
            process = begun([*self.words(self.spec("/bin/sh", "-c", "echo go"), *self.with_house)], b"go")
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
            if self.file.exists():
                self.verify()

    def test_settings_are_of_the_house_alone(self):
        config = self.here / "broken.toml"
        config.write_text("x = 1\n")
        done = self.run_spec(self.spec("/bin/true"), "-c", config)
        self.assertEqual(done.returncode, 0, done.stderr)  # without --result no house is looked for
        done = self.run_spec(self.spec("/bin/true"), "-c", config, "--result", self.file)
        self.assertEqual(done.returncode, 3, done.stderr)


if __name__ == "__main__":
    tap.main()
