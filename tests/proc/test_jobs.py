"""test_jobs.py - jobs of a house's queue: a real house as root, real sandboxes of crun, a busybox.
Whoever is killed, and whenever: what was acknowledged ends in exactly one way, nothing runs twice,
and what was begun and not seen to its end is told as lost."""

import base64
import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unittest

import tap
from job_house import UNKNOWN, UNTIL_CUE, WAIT_S, Queue, cue, groups
from commands import CLEAN, faults
from house import WARD, lives, stat_of, until
from sandboxes import needs_sandbox


@needs_sandbox
class Life(Queue):
    def test_a_job_from_beginning_to_end(self):
        """Its output, its log, its result, its folder's modes, and what the security log has."""
        code = self.here / "code"
        code.mkdir()
        (code / "given").write_text("of the folder")
        job = self.submit('echo said; echo wrong >&2; cat /job/given; echo "$1" > /output/left',
                          arguments=["x", "an argument"], folder=code)
        ended = self.wait_for(job)
        self.assertEqual((ended["state"], ended["reason"], ended["code"]), ("done", "OK", 0),
                         self.log_of(job))
        log = self.log_of(job).decode()
        for words in ("said\n", "wrong\n", "of the folder"):
            self.assertIn(words, log)
        self.assertEqual((self.folder(job) / "output/left").read_text(), "an argument\n")
        self.assertEqual(stat.S_IMODE((self.house.state / "jobs").stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(self.folder(job).stat().st_mode), 0o700)
        spec = (self.folder(job) / "spec.toml").read_bytes()
        self.assertEqual(base64.b64decode(ended["spec_sha256"]), hashlib.sha256(spec).digest())
        self.ward("job", "get", job, "got")
        self.assertEqual((self.here / "got/output/left").read_text(), "an argument\n")
        kinds = [(r["action"], json.loads(r["details"]) if isinstance(r["details"], str)
                  else r["details"]) for r in self.records("job.")]
        self.assertEqual([kind for kind, _ in kinds], ["job.submit", "job.start", "job.end"])
        self.assertEqual({said["job"] for _, said in kinds}, {job})
        self.assertEqual(kinds[0][1]["job_config"], "sha256:" + hashlib.sha256(spec).hexdigest())
        self.assertEqual(kinds[2][1]["reason"], "OK")

    def test_ends_that_are_none(self):
        """Another code, too long, an image that is not there, a folder that is gone."""
        wrong = self.submit("exit 7")
        late = self.submit("sleep 600", more="[limits]\nmax_execution_seconds = 1\n")
        self.assertEqual(self.wait_for(wrong)["code"], 7)
        self.assertEqual(self.get(wrong)["state"], "failed")
        ended = self.wait_for(late)
        self.assertEqual((ended["state"], ended["reason"]), ("failed", "JOB_TIME"))
        gone = self.ask("POST", "/v1/job/submit", {"spec": self.spec("true"), "images": "/nowhere",
                                                    "folder": "", "arguments": []})[1]["job_id"]
        ended = self.wait_for(gone)
        self.assertEqual((ended["state"], ended["reason"]), ("failed", "JOB_IMAGE"))
        why = json.loads(self.ward("job", "why", gone, "--json").stdout)
        self.assertEqual(faults("job.json", why), [])
        self.assertEqual(json.loads(why["report"])["reason"], "JOB_IMAGE")
        self.assertIn("ward image import", why["help"])
        # Nothing was signed of it, and so nothing is taken unasked.
        self.ward("job", "get", gone, "none", code=1)
        self.assertFalse((self.here / "none").exists())
        self.ward("job", "get", gone, "none", "--unsigned")

    def test_why_tells_the_limits(self):
        """As they were on this machine, of a job that ended well, too."""
        job = self.submit("exit 3")
        self.wait_for(job)
        why = self.ward("job", "why", job).stdout
        self.assertIn("state        failed", why)
        self.assertIn("It ended by itself, with 3.", why)
        self.assertIn("limits       memory ", why)

    def test_why_says_that_a_report_is_left_out(self):
        """One that is as long as an answer may be is handed on whole, and one that is longer not at
        all, which is said."""
        most = 128 << 10
        job = self.submit("exit 3")
        self.wait_for(job)
        report = self.folder(job) / "report.json"
        text = report.read_text()
        report.write_text(text + " " * (most - len(text)))
        why = json.loads(self.ward("job", "why", job, "--json").stdout)
        self.assertEqual((why["words"], len(why["report"])), ("It ended by itself, with 3.", most))
        report.write_text(text + " " * (most + 1 - len(text)))
        why = json.loads(self.ward("job", "why", job, "--json").stdout)
        self.assertEqual(why["report"], "")
        self.assertIn(f"Its report is left out, for it has {most + 1} bytes", why["words"])
        self.assertIn(f"STATE/jobs/{job}/report.json has it whole", why["words"])
        self.assertEqual(faults("job.json", why), [])
        self.assertIn("report.json", self.ward("job", "why", job).stdout)

    def test_a_changed_copy_is_not_taken(self):
        job = self.submit("echo right > /output/x")
        self.wait_for(job)
        output = self.folder(job) / "output/x"
        output.write_text("wrong\n")
        said = self.ward("job", "get", job, "got", code=1).stderr
        self.assertIn("RESULT_OUTPUTS", said)
        self.assertFalse((self.here / "got").exists())
        output.write_text("right\n")
        (self.folder(job) / "output/more").write_text("")
        self.assertIn("RESULT_OUTPUTS", self.ward("job", "get", job, "got", code=1).stderr)
        (self.folder(job) / "output/more").unlink()
        os.symlink("/etc/passwd", self.folder(job) / "output/link")
        self.ward("job", "get", job, "got", code=1)
        (self.folder(job) / "output/link").unlink()
        result = self.folder(job) / "result.jws"
        whole = result.read_text()
        result.write_text(whole[:-5] + ("AAAA" if whole[-5:-1] != "AAAA" else "BBBB") + whole[-1:])
        self.assertRegex(self.ward("job", "get", job, "got", code=1).stderr, "RESULT_(SIGN|MALF)")
        # A result of another job of the same specification is not this one's.
        other = self.submit("echo right > /output/x")
        self.wait_for(other)
        result.write_text((self.folder(other) / "result.jws").read_text())
        self.assertIn("RESULT_SIGNATURE", self.ward("job", "get", job, "got", code=1).stderr)
        result.write_text(whole)
        self.ward("job", "get", job, "got")
        self.ward("job", "get", job, "got", code=2)  # not over what is there

    def test_logs_as_they_come(self):
        """A part after the other; --follow ends with the job; one that never ran has said nothing."""
        job = self.submit(UNTIL_CUE.replace("begun", "first").replace("over", "last"))
        following = subprocess.Popen([WARD, "job", "logs", job, "--follow", "--state",
                                      str(self.house.state)], stdout=subprocess.PIPE, env=CLEAN)
        self.assertEqual(following.stdout.readline(), b"first\n")
        self.assertEqual(self.get(job)["state"], "running")
        status, said = self.ask("GET", f"/v1/jobs/{job}/logs?offset=6")
        self.assertEqual((status, said["data"], said["ended"]), (200, "", False))
        top = self.ask("GET", "/v1/node")[1]
        self.assertEqual(faults("job.json", top), [])
        self.assertEqual([row["job_id"] for row in top["jobs"]], [job])
        self.assertEqual((top["nodes"][0]["running"], top["nodes"][0]["memory_reserved"]),
                         (1, str(16 << 20)))
        self.assertIn(job, self.ward("job", "top").stdout)
        cue(job)
        self.assertIn(b"last\n", following.communicate(timeout=WAIT_S)[0])
        self.assertEqual(following.returncode, 0)
        whole = self.log_of(job)
        parts, offset = b"", 0
        while True:
            said = self.ask("GET", f"/v1/jobs/{job}/logs?offset={offset}&limit=5")[1]
            parts, offset = parts + base64.b64decode(said["data"]), int(said["next"])
            if said["ended"]:
                break
        self.assertEqual(parts, whole)


@needs_sandbox
class Refusals(Queue):
    def test_bad_specifications(self):
        """All that is wrong with one at once, with its place; nothing of it is in the queue."""
        for spec, words in (("imge = 1\ncomand = 2\n", ("did you mean image", "did you mean command")),
                            ("= = =", ("1:1",)), ("\0", ()),
                            (self.spec("x", resources='memory = "many"'), ("memory",))):
            with self.subTest(spec=spec):
                status, said = self.ask("POST", "/v1/job/submit",
                                        {"spec": spec, "images": "/i", "folder": "", "arguments": []})
                self.assertEqual(status, 400, said)
                for word in words:
                    self.assertIn(word, said["detail"])
        good = {"spec": self.spec("true"), "images": str(self.images), "folder": "", "arguments": []}
        for bad in ({"images": "images"}, {"images": ""}, {"folder": "code"}, {"spec": "x" * 12289},
                    {"arguments": ["x"] * 61}, {"arguments": ["x" * 1024]}, {"arguments": ["\0"]},
                    {"more": 1}):
            with self.subTest(bad=bad):
                self.assertEqual(self.ask("POST", "/v1/job/submit", good | bad)[0], 400)
        status, said = self.ask("POST", "/v1/job/submit",
                                good | {"arguments": ["x" * 1023] * 20})
        self.assertEqual((status, said.get("code")), (400, "JOB_SPEC_LARGE"), said)
        wide = ('[limits]\nmax_cpu_cores = 1024\nmax_memory_bytes = "900000G"\n'
                'max_disk_bytes = "900000G"\n')
        for resources in ("vcpu = 1024", 'memory = "900000G"', 'disk = "900000G"'):
            said = self.submit(resources=resources, more=wide, expected=429)
            self.assertEqual(said["code"], "JOB_CAPACITY", said)
            self.assertIn(resources.split()[0], said["detail"])
        self.assertEqual(self.ask("GET", "/v1/jobs")[1]["jobs"], [])
        self.assertEqual(self.records("job."), [])

    def test_ids_of_nobody(self):
        for job in (UNKNOWN, "0", "g" * 32, "0" * 33, "A" * 32):
            for path in (f"/v1/jobs/{job}", f"/v1/jobs/{job}/logs", f"/v1/jobs/{job}/why"):
                with self.subTest(path=path):
                    status, said = self.ask("GET", path)
                    self.assertEqual((status, said["code"]), (404, "JOB_UNKNOWN"), said)
            status, said = self.ask("POST", "/v1/job/cancel", {"job_id": job})
            self.assertEqual((status, said["code"]), (404, "JOB_UNKNOWN"), said)
        for command in ("status", "logs", "why", "cancel"):
            self.ward("job", command, UNKNOWN, code=6)
            self.ward("job", command, "no id", code=2)
        self.ward("job", "get", UNKNOWN, "got", code=6)
        self.assertEqual(self.ask("GET", "/v1/jobs?state=gone")[0], 400)
        self.assertEqual(self.ask("GET", "/v1/jobs?after=x")[0], 400)

    def test_others_are_refused(self):
        """Another user's socket is not opened; over TLS nobody is the owner."""
        job = self.submit("sleep 60")
        body = json.dumps({"job_id": job}).encode()
        for path, given in (("/v1/jobs", None), (f"/v1/jobs/{job}", None), ("/v1/node", None),
                            (f"/v1/jobs/{job}/logs", None), ("/v1/job/cancel", body),
                            ("/v1/job/submit", b'{"spec":"x","images":"/i"}')):
            with self.subTest(path=path):
                status, said = self.house.ask(path, tls=True, body=given)
                self.assertEqual(status, 403, said)
        done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                               WARD, "job", "list", "--state", str(self.house.state)],
                              capture_output=True, check=False, env=CLEAN, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, b"")
        self.assertIn(self.get(job)["state"], ("starting", "running"))
        self.ask("POST", "/v1/job/cancel", {"job_id": job})
        self.wait_for(job, "cancelled")

    def test_cancelled_in_each_state(self):
        """Queued: at once. Running: with all its processes. Ended: there is nothing to cancel."""
        runs = self.submit("trap '' TERM; sleep 600 & sleep 600", resources='vcpu = 1\nmemory = "16M"\n'
                           'disk = "16M"')
        self.wait_for(runs, "running")
        until(lambda: runs in self.running(), WAIT_S)
        most = self.ask("GET", "/v1/node")[1]["nodes"][0]["vcpu"]
        waits = self.submit("echo never", resources=f"vcpu = {most}")
        self.assertEqual((self.get(waits)["state"], self.get(waits)["ahead"]), ("queued", 0))
        why = json.loads(self.ward("job", "why", waits, "--json").stdout)
        self.assertIn("waits until what it reserves is free", why["words"])
        behind = self.submit("echo never", resources=f"vcpu = {most}")
        self.assertEqual(self.get(behind)["ahead"], 1)
        self.ward("job", "cancel", waits)
        ended = self.get(waits)
        self.assertEqual((ended["state"], ended["reason"], ended["started"]),
                         ("cancelled", "JOB_CANCELLED", ""))
        self.assertEqual(self.log_of(waits), b"")
        self.ward("job", "cancel", behind)
        self.ward("job", "cancel", runs)
        self.assertIn(self.get(runs)["state"], ("ending", "cancelled"))
        self.assertIn(self.ask("POST", "/v1/job/cancel", {"job_id": runs})[0], (200, 409))
        ended = self.wait_for(runs)
        self.assertEqual((ended["state"], ended["reason"]), ("cancelled", "JOB_CANCELLED"))
        until(lambda: not self.running(), WAIT_S)
        self.ward("job", "cancel", runs, code=7)
        self.assertEqual(self.ask("POST", "/v1/job/cancel", {"job_id": runs})[1]["code"],
                         "JOB_HAS_ENDED")
        ends = [json.loads(r["details"]) if isinstance(r["details"], str) else r["details"]
                for r in self.records("job.end")]
        self.assertEqual(sorted(end["job"] for end in ends), sorted([runs, waits, behind]))
        # Once more while it is being begun: whatever wins, it ends once, and nothing of it stays.
        for _ in range(5):
            job = self.submit("sleep 600")
            self.assertEqual(self.ask("POST", "/v1/job/cancel", {"job_id": job})[0], 200)
            self.assertEqual(self.wait_for(job)["state"], "cancelled")
        until(lambda: not self.running(), WAIT_S)


@needs_sandbox
class Killed(Queue):
    def test_each_process_in_the_middle(self):
        """A job that runs, and one behind it: each process of the house is killed once. Of core the
        jobs outlive it; with the runner they are lost; with the others nothing happens. The queue
        goes on each time, and every job ends once."""
        vcpu = self.ask("GET", "/v1/node")[1]["nodes"][0]["vcpu"]
        all_of_it = f'vcpu = {vcpu}\nmemory = "16M"\ndisk = "16M"'
        for name in ("audit", "keeper", "core", "front", "tee", "verify", "runner"):
            with self.subTest(name):
                runs = self.submit(UNTIL_CUE, resources=all_of_it)
                behind = self.submit("echo begun", resources=all_of_it)
                self.wait_for(runs, "running")
                until(lambda runs=runs: b"begun" in self.log_of(runs), WAIT_S)
                self.kill(name)
                self.back()
                if name != "runner":
                    self.assertEqual(self.get(runs)["state"], "running")
                    self.assertEqual(self.get(behind)["state"], "queued")
                    cue(runs)
                ended = self.wait_for(runs)
                expected = ("failed", "JOB_LOST") if name == "runner" else ("done", "OK")
                self.assertEqual((ended["state"], ended["reason"]), expected)
                self.assertEqual(self.wait_for(behind)["state"], "done")
                self.assertEqual(self.log_of(runs).count(b"begun"), 1)
                self.assertEqual(self.log_of(behind).count(b"begun"), 1)
                if name == "runner":
                    until(lambda: not self.running(), WAIT_S)

    def test_the_whole_house_at_once(self):
        """kill -9 of all: after a start what ran is lost, what waited runs, once each."""
        vcpu = self.ask("GET", "/v1/node")[1]["nodes"][0]["vcpu"]
        all_of_it = f'vcpu = {vcpu}\nmemory = "16M"\ndisk = "16M"'
        runs = self.submit("echo begun; sleep 600", resources=all_of_it)
        waiting = [self.submit("echo begun", resources=all_of_it) for _ in range(3)]
        self.wait_for(runs, "running")
        monitor = self.house.monitor()
        pids = [*self.house.processes().values(), monitor]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(lives(pid) for pid in pids), WAIT_S)
        until(lambda: not self.running(), WAIT_S)  # the `ward run` heard of its runner's end
        self.house.up(*self.settings)
        self.back()
        ended = self.wait_for(runs)
        self.assertEqual((ended["state"], ended["reason"]), ("failed", "JOB_LOST"))
        for job in waiting:
            self.assertEqual(self.wait_for(job)["state"], "done")
            self.assertEqual(self.log_of(job).count(b"begun"), 1)
        self.assertEqual(len(self.records("job.end")), 4)

    def test_stopped_and_started(self):
        """`ward down` ends what runs, which is told; what waits waits for the next house."""
        vcpu = self.ask("GET", "/v1/node")[1]["nodes"][0]["vcpu"]
        all_of_it = f'vcpu = {vcpu}\nmemory = "16M"\ndisk = "16M"'
        runs = self.submit("echo begun; sleep 600", resources=all_of_it)
        waits = self.submit("echo begun", resources=all_of_it)
        self.wait_for(runs, "running")
        self.assertEqual(self.house.down().returncode, 0)
        self.assertEqual(self.running(), set())
        self.house.up(*self.settings)
        ended = self.get(runs)
        self.assertEqual((ended["state"], ended["reason"]), ("cancelled", "JOB_CANCELLED"))
        self.assertEqual(self.wait_for(waits)["state"], "done")

    def test_a_run_that_is_killed(self):
        """The process beside the job dies: it is lost, its folder is there, and others run."""
        job = self.submit("echo begun; sleep 600")
        self.wait_for(job, "running")
        until(lambda: job in self.running(), WAIT_S)
        self.killed = True
        os.kill(self.run_of(job), signal.SIGKILL)
        ended = self.wait_for(job)
        self.assertEqual((ended["state"], ended["reason"]), ("failed", "JOB_LOST"))
        after = self.submit("echo fine")
        self.assertEqual(self.wait_for(after)["state"], "done")

    def run_of(self, job):
        for path in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if path.name.isdigit() and job.encode() in (path / "cmdline").read_bytes() and \
                        stat_of(path.name)[2] == self.house.processes()["runner"]:
                    return int(path.name)
        raise AssertionError("no `ward run` of it")

    def test_killed_again_and_again(self):
        """Jobs come while core and the runner are killed by turns: each that was acknowledged is
        found, ends once, and says that it began once at most."""
        jobs, rounds = [], 6
        for number in range(rounds):
            for _ in range(4):
                status, said = self.ask("POST", "/v1/job/submit",
                                        {"spec": self.spec("echo begun; sleep 0.5"),
                                         "images": str(self.images), "folder": "", "arguments": []})
                if status == 200:
                    jobs.append(said["job_id"])
                    self.jobs.add(said["job_id"])
            self.kill("core" if number % 2 else "runner")
        self.back()
        self.assertGreaterEqual(len(jobs), rounds)
        for job in jobs:
            ended = self.wait_for(job)
            self.assertIn((ended["state"], ended["reason"]), (("done", "OK"), ("failed", "JOB_LOST")))
            self.assertLessEqual(self.log_of(job).count(b"begun"), 1)
        ends = [json.loads(r["details"])["job"] if isinstance(r["details"], str)
                else r["details"]["job"] for r in self.records("job.end")]
        self.assertEqual(len(ends), len(set(ends)))


@needs_sandbox
class Capacity(Queue):
    settings = ("--set", "jobs.vcpu=10", "--set", "jobs.keep=1000", "--set", "limit.requests_per_second=100000",
                "--set", "limit.requests_burst=100000")

    def test_a_thousand_at_once_for_ten(self):  # proves: PC-45
        """1,000 submitted by many at once to a node for ten: never more than ten run, by the
        kernel's control groups, and ten do; each ends in exactly one way."""
        total, ten = 1000, 10
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            jobs = list(pool.map(lambda _: self.submit("sleep 3"), range(total)))
        self.assertEqual(len(set(jobs)), total)
        most, ended, end = 0, 0, time.monotonic() + WAIT_S
        while time.monotonic() < end and ended < 3 * ten:
            now = self.running()
            most = max(most, len(now))
            self.assertLessEqual(len(now), ten)
            node = self.ask("GET", "/v1/node")[1]["nodes"][0]
            self.assertLessEqual(node["running"], ten)
            self.assertLessEqual(node["vcpu_reserved"], ten)
            ended = total - node["running"] - node["queued"]
            time.sleep(0.02)
        self.assertEqual(most, ten)
        self.assertGreaterEqual(ended, 3 * ten)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            said = list(pool.map(lambda job: self.ask("POST", "/v1/job/cancel", {"job_id": job})[0],
                                 reversed(jobs)))
        self.assertLessEqual(set(said), {200, 409})
        until(lambda: self.ask("GET", "/v1/node")[1]["nodes"][0]["running"] == 0, WAIT_S)
        states, after = {}, ""
        while True:
            page = self.ask("GET", f"/v1/jobs?limit=200&after={after}")[1]
            states |= {row["job_id"]: row["state"] for row in page["jobs"]}
            after = page["next"]
            if not after:
                break
        self.assertLessEqual(set(states.values()), {"done", "cancelled"})
        node = self.ask("GET", "/v1/node")[1]["nodes"][0]
        self.assertEqual((node["vcpu_reserved"], node["memory_reserved"], node["queued"]), (0, "0", 0))

    def test_first_come_first_served_of_what_fits(self):
        first = [self.submit("sleep 600", resources=f'vcpu = {vcpu}\nmemory = "16M"\ndisk = "16M"')
                 for vcpu in (2, 2, 2, 2, 1)]
        for job in first:
            self.wait_for(job, "running")
        waits = self.submit("echo later", resources='vcpu = 2\nmemory = "16M"\ndisk = "16M"')
        passes = self.submit("echo now", resources='vcpu = 1\nmemory = "16M"\ndisk = "16M"')
        self.assertEqual(self.wait_for(passes)["state"], "done")
        self.assertEqual(self.get(waits)["state"], "queued")
        self.ask("POST", "/v1/job/cancel", {"job_id": first[0]})
        self.assertEqual(self.wait_for(waits)["state"], "done")
        for job in first[1:]:
            self.ask("POST", "/v1/job/cancel", {"job_id": job})


@needs_sandbox
class Kept(Queue):
    settings = ("--set", "jobs.keep=3")

    def test_as_many_as_are_kept(self):
        """The oldest that have ended go, folder and all; one that runs stays however old it is."""
        runs = self.submit("sleep 600")
        self.wait_for(runs, "running")
        jobs = []
        for _ in range(6):
            jobs.append(self.submit("true"))
            self.wait_for(jobs[-1])
        until(lambda: len(self.ask("GET", "/v1/jobs")[1]["jobs"]) == 4, WAIT_S)
        left = [row["job_id"] for row in self.ask("GET", "/v1/jobs")[1]["jobs"]]
        self.assertEqual(left, [runs, *jobs[-3:]])
        until(lambda: {path.name for path in (self.house.state / "jobs").iterdir()} == set(left), WAIT_S)
        self.assertEqual(self.ask("GET", f"/v1/jobs/{jobs[0]}")[0], 404)
        self.ask("POST", "/v1/job/cancel", {"job_id": runs})
        self.wait_for(runs)


class NotRoot(unittest.TestCase):
    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "root, and setpriv")
    def test_a_house_of_somebody_else_begins_nothing(self):
        """Limits could not be held: it says so, and everything else works."""
        with tempfile.TemporaryDirectory(prefix="ward-jobs-") as base:
            os.chmod(base, 0o755)
            os.chown(base, 65534, 65534)
            user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]

            def ward(*words):
                return subprocess.run([*user, WARD, *words, "--state", f"{base}/state"], text=True,
                                      capture_output=True, check=False, timeout=120, env=CLEAN, cwd=base)
            from house import free_port
            done = ward("up", "--listen", f"127.0.0.1:{free_port()}")
            self.assertEqual(done.returncode, 0, done.stderr)
            try:
                spec = pathlib.Path(base) / "job.toml"
                spec.write_text(f'image = "sha256:{"0" * 64}"\ncommand = ["true"]\n')
                # At first it is not known yet what the runner says.
                done = until(lambda: (lambda done: "HOUSE_UNAVAILABLE" not in done.stderr and done)(
                    ward("job", "submit", str(spec), "--images", base)), WAIT_S, step=0.1)
                self.assertIn("JOB_NOT_ROOT", done.stderr)
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(ward("job", "list").returncode, 0)
                self.assertIn("no job is begun here", ward("job", "top").stdout)
            finally:
                ward("down")


if __name__ == "__main__":
    tap.main()
