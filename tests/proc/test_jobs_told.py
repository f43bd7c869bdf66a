"""test_jobs_told.py - what a job of the queue is refused is on the job while it runs: a call, a host, a path, each by
which rule, how often, and with the change that would allow it; and the limit that ends it beside them, in one answer."""

import contextlib
import json
import pathlib
import re
import subprocess
import time

import tap
from job_house import Queue, cue
from commands import CLEAN, WARD, faults
from house import until
from machines import Machines, needs_machine
from oci import Image, entry, folder, link
from sandboxes import BUSYBOX, Jobs, begun, needs_sandbox, with_both

FILES = "sandbox_config.filesystem_policy.denied_paths"
SOON_S = 2
# One of each, twice the path; then it waits, and passes its limit.
SCRIPT = ("busybox chroot / /bin/true; busybox timeout 1 busybox nc 192.0.2.1 80; cat /etc/shadow; cat /etc/shadow; echo tried; "
          "sleep 6; echo passes; dd if=/dev/zero of=/output/x bs=1M count=64; sleep 60")
POLICY = ('[sandbox_config.network_policy]\nallow_outbound = true\nallowed_hosts = ["allowed.example"]\n'
          'allowed_ports = [80]\n[limits]\nmax_output_bytes = "4M"\n')
# rule: (in its words, the change, how often)
WHILE_IT_RUNS = {"call": ("the system call chroot ", "", 1),
                 "address": ("192.0.2.1 is not in sandbox_config.network_policy.allowed_hosts",
                             'sandbox_config.network_policy.allowed_hosts += ["192.0.2.1"]', None),
                 "path": (f'the path /etc/shadow is hidden by {FILES}, which has "/etc"', f'{FILES} -= ["/etc"]', 2)}
ALL = WHILE_IT_RUNS | {"quota": ("the job passed limits.max_output_bytes, which is 4194304",
                                 "limits.max_output_bytes > 4194304", 1)}


def has(rows, wanted):
    """Whether these rows are there, and no others."""
    found = {row["rule"]: row for row in rows}
    return found.keys() == wanted.keys() and len(rows) == len(found) and all(
        words in found[rule]["words"] and change == found[rule]["change"] and count in (None, found[rule]["count"])
        for rule, (words, change, count) in wanted.items())


class Told(Queue):
    more = ""
    resources = {}

    def refusals(self, job):
        why = json.loads(self.ward("job", "why", job, "--json").stdout)
        self.assertEqual(faults("job.json", why), [])
        return json.loads(why["report"])["refusals"] if why["report"] else []

    def logged(self, job):
        """What the security log has of it, in the order of its records."""
        found = []
        for record in self.records("job.refuse"):
            said = json.loads(record["details"]) if isinstance(record["details"], str) else record["details"]
            self.assertEqual((record["resource"], record["outcome"]), (said["job"], "Denied"))
            if said.pop("job") == job:
                found.append(said)
        return found

    def logs(self, job, wanted):
        """Whether it has each of these once, with how often it was by then, and nothing else."""
        rows = self.logged(job)
        return has([{"change": "", **row} for row in rows],
                   {rule: (words, change, None) for rule, (words, change, _) in wanted.items()})

    def without_core(self, until_so, do):
        """No core lives long from before that is done until it is so."""
        self.kill("core")
        do()
        for _ in range(600):
            with contextlib.suppress(KeyError, ProcessLookupError):
                self.kill("core")
            if until_so():
                break
            time.sleep(0.05)
        else:
            self.fail("it did not become so")
        self.back()

    def all_in_one_answer(self):
        job = self.submit(SCRIPT, more=POLICY + self.more, **self.resources)
        until(lambda: b"tried\n" in self.log_of(job), 120, step=0.05)
        until(lambda: has(self.refusals(job), WHILE_IT_RUNS) and self.logs(job, WHILE_IT_RUNS), SOON_S)
        self.assertEqual(self.get(job)["state"], "running")
        said = self.ward("job", "why", job).stdout
        self.assertIn("state        running", said)
        for rule, (words, change, count) in WHILE_IT_RUNS.items():
            self.assertRegex(said, rf"refused +{re.escape(words)}[^\n]*\n  rule +{rule}\n +{count or r'[0-9]+'} times\n"
                                   + (rf"  change +{re.escape(change)}\n" if change else ""))
        until(lambda: b"passes\n" in self.log_of(job), 60, step=0.05)
        ended = self.wait_for(job)
        self.assertEqual((ended["state"], ended["reason"]), ("failed", "JOB_OUTPUT_LIMIT"))
        until(lambda: has(self.refusals(job), ALL), SOON_S)
        self.assertTrue(self.logs(job, ALL), self.logged(job))
        kinds = [record["action"] for record in self.records("job.")]
        self.assertEqual(kinds, ["job.submit", "job.start", *["job.refuse"] * len(ALL), "job.end"])
        said = self.ward("job", "why", job).stdout
        for words, change, _ in ALL.values():
            self.assertIn(words, said)
            self.assertIn(change, said)


@needs_sandbox
class InContainers(Told):
    def test_all_in_one_answer(self):  # proves: EC-21
        self.all_in_one_answer()

    def test_core_is_killed_meanwhile(self):
        """What nobody takes waits for the next core, and is logged by it."""
        job = self.submit("trap 'cat /etc/shadow' USR1; echo up; while :; do sleep 0.1; done")
        until(lambda: b"up\n" in self.log_of(job), 60)
        self.without_core(lambda: (self.folder(job) / "so-far.json").exists(), lambda: cue(job))
        until(lambda: [row["rule"] for row in self.logged(job)] == ["path"], 60)
        self.ward("job", "cancel", job)
        self.wait_for(job)
        self.assertEqual([row["rule"] for row in self.logged(job)], ["path"])

    def test_it_ends_while_core_is_gone(self):
        """Its end waits for what it was refused."""
        job = self.submit("trap 'cat /etc/shadow; exit 0' USR1; echo up; while :; do sleep 0.1; done")
        until(lambda: b"up\n" in self.log_of(job), 60)
        report = self.folder(job) / "report.json"
        self.without_core(lambda: report.stat().st_size > 0, lambda: cue(job))
        self.assertEqual(self.wait_for(job)["state"], "done")
        self.assertEqual([row["rule"] for row in self.logged(job)], ["path"])
        self.assertEqual([record["action"] for record in self.records("job.")][-2:], ["job.refuse", "job.end"])

    def test_what_was_refused_to_one_whose_run_was_killed(self):
        """It has no report, and what is known of it is what was known by then."""
        job = self.submit(SCRIPT, more=POLICY)
        until(lambda: has(self.refusals(job), WHILE_IT_RUNS), 60)
        self.killed = True
        pids = subprocess.run(["pgrep", "-f", f"run spec.toml .*--id {job}"], capture_output=True, text=True, check=True)
        for pid in pids.stdout.split():
            subprocess.run(["kill", "-9", pid], check=False)
        self.assertEqual(self.wait_for(job)["reason"], "JOB_LOST")
        self.assertTrue(has(self.refusals(job), WHILE_IT_RUNS))

    def test_one_that_was_refused_nothing(self):
        job = self.submit("echo up; sleep 3")
        until(lambda: b"up\n" in self.log_of(job), 60)
        self.assertEqual(self.refusals(job), [])
        self.assertFalse((self.folder(job) / "so-far.json").exists())
        self.wait_for(job)
        self.assertEqual(self.refusals(job), [])


@needs_sandbox
class ManyKinds(Told):
    """More kinds than the runner passes on at once, and than are logged of one job."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.denied = [f"/d{i}" for i in range(250)]
        image = Image([folder("bin"), entry("bin/busybox", pathlib.Path(BUSYBOX).read_bytes(), mode=0o755),
                       link("bin/sh", "busybox"), *(folder(path[1:]) for path in cls.denied)])
        cls.digest = image.pack(cls.above / "image.tar")
        subprocess.run([WARD, "image", "import", cls.above / "image.tar", cls.digest, "--images", cls.images],
                       check=True, capture_output=True)

    def tries(self, count, more=""):
        script = f"for d in {' '.join(self.denied[:count])}; do echo $d/*; done; {more} exit 0"
        job = self.submit(script, more="[sandbox_config.filesystem_policy]\n"
                                       f"denied_paths = {json.dumps(self.denied)}\n")
        self.assertEqual(self.wait_for(job)["state"], "done")
        return sorted(row["words"] for row in self.refusals(job)), [row["words"] for row in self.logged(job)]

    def test_each_is_logged_once(self):
        told, logged = self.tries(200)
        self.assertEqual(len(told), 200)
        self.assertEqual(sorted(logged), told)

    def test_the_last_says_that_there_are_more(self):
        names = "for n in 1 2 3 4 5 6 7 8; do for d in /d1 /d2 /d3; do true < $d/n$n; done; done;"
        told, logged = self.tries(250, names)
        self.assertGreater(len(told), 256)
        self.assertEqual(len(logged), 256)
        self.assertEqual(len(set(logged)), 256)
        self.assertIn("more kinds than are logged", logged[-1])
        self.assertLess(set(logged[:-1]), set(told))


@needs_machine
class InMachinesOfAQueue(Told):
    resources = {"resources": 'vcpu = 1\nmemory = "64M"\ndisk = "16M"'}
    more = 'max_memory_bytes = "512M"\n[sandbox_config]\nisolation_level = "vm"\n'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Machines.build.__func__(cls, cls.images)

    def test_all_in_one_answer_of_a_machine(self):  # proves: EC-21
        self.all_in_one_answer()


@needs_sandbox
class OfOneRun(Jobs):
    """With each runtime: what `ward run` keeps for a runner."""

    @with_both
    def test_all_in_one_object(self):  # proves: EC-21
        file = self.here / f"so-far-{self.runtime}.json"
        run = begun(self.words(self.spec("/bin/sh", "-c", SCRIPT, more=POLICY), "--json", "--runtime", self.runtime,
                               "--so-far", file), b"tried\n")
        until(lambda: file.exists() and has(json.loads(file.read_text())["refusals"], WHILE_IT_RUNS), SOON_S)
        self.assertIsNone(run.poll())
        out, said = run.communicate(timeout=60)
        result = json.loads(out)
        self.assertEqual(faults("run.json", result), [])
        self.assertEqual(result["reason"], "JOB_OUTPUT_LIMIT", said)
        self.assertTrue(has(result["refusals"], ALL), result["refusals"])

    @with_both
    def test_it_is_whole_whenever_it_is_read(self):
        """A job that is refused something else all the time."""
        file = self.here / f"so-far-{self.runtime}.json"
        script = ("busybox timeout 4 sh -c 'i=0; while :; do cat /etc/n$((i%9)) /usr/bin/x; i=$((i+1)); done'; "
                  "exit 0")
        run = subprocess.Popen(self.words(self.spec("/bin/sh", "-c", script), "--json", "--runtime", self.runtime,
                                          "--so-far", file), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=CLEAN, stdin=subprocess.DEVNULL)
        seen = set()
        while run.poll() is None:
            if file.exists():
                seen.add(sum(row["count"] for row in json.loads(file.read_text())["refusals"]))
            time.sleep(0.002)
        self.assertEqual(run.returncode, 0)
        self.assertGreater(len(seen), 1)

    def test_a_place_that_cannot_be_written(self):
        """The job goes on, and all of it is said at its end."""
        result, _ = self.job("/bin/cat", "/etc/shadow", code=1, options=("--so-far", "/nowhere/so-far.json"))
        self.assertEqual([row["rule"] for row in result["refusals"]], ["path"])


if __name__ == "__main__":
    tap.main()
