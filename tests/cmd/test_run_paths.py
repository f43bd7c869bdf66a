"""test_run_paths.py - tries of denied paths are told on the job, each kind once and with how often, whatever the job
does (tests/sandbox/denied.c); and it gets no other answer than without anybody told."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import tap
from commands import CLEAN, WARD
from machines import Machines, kernel, needs_machine
from oci import Image, entry, folder
from sandboxes import BUSYBOX, Jobs, begun, needs_sandbox, told_soon, with_both
from test_run_refused import REFUSED, in_a_filter_that_asks, teller_of
from ward import BUILD

DENIED = BUILD / "tests/sandbox/sandbox_denied"
KEY = "sandbox_config.filesystem_policy.denied_paths"
POLICY = '[sandbox_config.filesystem_policy]\ndenied_paths = ["/etc", "/plain"]\n'
IN_WORDS = rf'the path (\S+?)(, or what would be below it,)? is hidden by {KEY}, which has "(\S+)"'
LINE = re.compile(rf'(?m)^ward: run: refused: {IN_WORDS}; it would take {KEY} -= \["(\S+)"\]$')
EACCES, ENOTCONN, ECONNABORTED = 13, 107, 103
UNTOLD = "not all tries of denied paths are told"
# What tries say, where it is not EACCES; and those that are none, or that the kernel refuses by itself.
SAYS = {"path": 0, "stat": 0, "access": 0, "file-stat": 0, "getxattr": 95, "listxattr": 95, "file-below": 20}
NOT_ASKED = {"remove", "move", "move-file", "remove-file", *SAYS}


def kinds(result):
    """{path that was tried: how often} of what the object of --json has of paths; of a path itself with a slash."""
    rows = [row for row in result["refusals"] if row["rule"] == "path"]
    found = {}
    for row in rows:
        path, rest, rule = re.fullmatch(IN_WORDS, row["words"]).groups()
        assert row["change"] == f'{KEY} -= ["{rule}"]' and path.startswith(rule), row
        found[path + ("/" if rest else "")] = row["count"]
    assert len(found) == len(rows)
    return found


class Told:
    """What is the same in every tier."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.use(Image([folder("bin"), entry("bin/busybox", pathlib.Path(BUSYBOX).read_bytes(), mode=0o755),
                       entry("bin/denied", DENIED.read_bytes(), mode=0o755), folder("etc"), folder("tmp", mode=0o777),
                       entry("bin/refused", REFUSED.read_bytes(), mode=0o755),
                       entry("etc/shadow", b"of the image", mode=0o666), entry("plain", b"of the image", mode=0o777)]))

    def tries(self, word, **more):
        """(the kinds with their numbers, what the job said); all of what was said is in self.whole."""
        more["more"] = more.get("more", "") + POLICY
        result, said = self.job("/bin/denied", word, **more)
        self.assertIn("done\n", said)
        self.assertFalse(result["refused_untold"], said)
        self.assertNotIn(UNTOLD, self.whole)
        return kinds(result), said

    def each_is_refused_and_told(self):
        found, said = self.tries("kinds")
        answers = {word: int(code) for word, code in re.findall(r"(?m)^([a-z-]+) (\d+)$", said)}
        self.assertGreater(len(answers), 40)
        self.assertEqual({word: code for word, code in answers.items() if code != SAYS.get(word, EACCES)}, {})
        self.assertIn("folder 40000 0\n", said)
        self.assertRegex(said, r"(?m)^file 1000\d\d 0$|^file 100111 0$")
        # Of a path below, its name where that is simple; all else of the path.
        self.assertEqual(sum(found.values()), len(answers) - len(NOT_ASKED), (found, answers))
        self.assertEqual({path for path in found if path.startswith("/plain")}, {"/plain/"})
        self.assertLessEqual({"/etc/shadow", "/etc/new", "/etc/a", "/etc/tool", "/etc/"}, set(found))
        self.assertEqual(len(LINE.findall(self.whole)), len(found))

    def a_flood(self):
        found, said = self.tries("flood")
        self.assertEqual(found, {"/etc/shadow": int(re.search(r"(?m)^= (\d+)$", said).group(1))})
        self.assertEqual(len(LINE.findall(self.whole)), 1)

    def names_of_all_sorts(self):
        """A bounded number of them, none that does anything, and each counted; another path is told as well."""
        found, _ = self.tries("names")
        self.assertEqual(sum(found.values()), 3000 + 3)
        self.assertEqual(found.pop("/plain/"), 1)
        self.assertEqual(len(found), 8 + 1)
        self.assertTrue(all(re.fullmatch(r"/etc/(n\d+)?", path) for path in found), found)
        self.assertNotIn("\x1b", self.whole)

    def many_threads(self):
        found, _ = self.tries("threads")
        self.assertEqual(found, {"/etc/shadow": 64 * 250, "/plain/": 64 * 250})

    def those_that_are_killed_while_they_wait(self):
        found, _ = self.tries("killed")
        self.assertEqual(set(found), {"/etc/shadow"})
        self.assertGreaterEqual(found["/etc/shadow"], 200)

    def what_is_usual_is_not_told(self):
        found, _ = self.tries("quiet")
        self.assertEqual(found, {})

    def is_told_soon(self, *options):
        run = begun(self.words(self.spec("/bin/denied", "slowly", more=POLICY), "--json", *options), b"up\n")
        return told_soon(run, b"refused: the path /etc/shadow")


@needs_sandbox
class Paths(Told, Jobs):
    @with_both
    def test_each_is_refused_and_told(self):
        self.each_is_refused_and_told()

    @with_both
    def test_a_flood(self):
        self.a_flood()

    @with_both
    def test_names_of_all_sorts(self):
        self.names_of_all_sorts()

    @with_both
    def test_many_threads(self):
        self.many_threads()

    @with_both
    def test_those_that_are_killed_while_they_wait(self):
        self.those_that_are_killed_while_they_wait()

    @with_both
    def test_signals(self):
        found, _ = self.tries("signals")
        self.assertEqual(set(found), {"/etc/shadow"})

    @with_both
    def test_what_is_usual_is_not_told(self):
        self.what_is_usual_is_not_told()

    @with_both
    def test_a_job_that_tries_nothing_is_told_of_nothing(self):
        """What a runtime itself looks up while it makes the sandbox is no try of the job's."""
        result, _ = self.job("/bin/busybox", "true", more=POLICY)
        self.assertEqual(result["refusals"], [])
        self.assertFalse(result["refused_untold"])

    def is_charged(self, word):
        run = begun(self.words(self.spec("/bin/denied", word, more=POLICY), "--json", "--runtime", self.runtime), b"")
        try:
            end = time.monotonic() + 20
            while "ward-job" not in self.groups_of_teller(run):
                self.assertLess(time.monotonic(), end)
        finally:
            run.terminate()
            run.communicate(timeout=60)

    @staticmethod
    def groups_of_teller(run):
        try:
            return pathlib.Path(f"/proc/{teller_of(run)}/cgroup").read_text()
        except (AssertionError, OSError, IndexError):
            return ""

    @with_both
    def test_what_is_spent_on_it_is_the_jobs(self):
        """Also where it asks only what it may know, and nothing of that is told."""
        self.is_charged("flood")
        self.is_charged("quiet")

    @with_both
    def test_soon(self):
        run = self.is_told_soon("--runtime", self.runtime)
        run.terminate()
        run.communicate(timeout=60)

    @with_both
    def test_nothing_of_the_machine_is_seen(self):
        _, said = self.sh_of_busybox("cat /proc/self/mountinfo; stat -f /etc")
        rows = [line for line in said.splitlines() if " - fuse " in line]
        self.assertEqual(len(rows), 2, said)
        for row in rows:
            self.assertRegex(row, r"^\d+ \d+ \d+:\d+ /[01] /(etc|plain) rw,nosuid,nodev,relatime - fuse ward rw,"
                                  r"user_id=0,group_id=0,allow_other$")

    def sh_of_busybox(self, script, **more):
        names = " ".join(f'{name}() {{ busybox {name} "$@"; }};' for name in ("cat", "stat", "sleep"))
        return self.job("/bin/busybox", "sh", "-c", f"{names} {script}; exit 0", more=POLICY, **more)

    @with_both
    def test_without_its_teller(self):
        """What is denied stays denied, and that not all is told is said."""
        run = begun(self.words(self.spec("/bin/denied", "slowly", more=POLICY), "--json", "--runtime", self.runtime),
                    b"= 13\n")
        os.kill(teller_of(run), signal.SIGKILL)
        out, said = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 0, said)
        answers = [int(line) for line in re.findall(rb"(?m)^= (\d+)$", said)]
        self.assertLessEqual(set(answers), {EACCES, ENOTCONN, ECONNABORTED})
        self.assertEqual(answers[-1], ENOTCONN)
        self.assertTrue(json.loads(out)["refused_untold"])
        self.assertEqual(said.decode().count(UNTOLD), 1, said)

    def waiting(self, word, until, more=""):
        """A run whose job waits for a teller that does not answer."""
        run = begun(self.words(self.spec("/bin/denied", word, more=more + POLICY), "--json", "--runtime", self.runtime),
                    until)
        teller = teller_of(run)
        os.kill(teller, signal.SIGSTOP)
        time.sleep(0.3)  # until somebody waits
        return run, teller

    @with_both
    def test_a_teller_that_stands_still_holds_up_no_end(self):
        """A job that is ended ends, whether somebody wishes it or its time has come, though it waits in the kernel."""
        for more in ("", "[limits]\nmax_execution_seconds = 2\n"):
            run, _ = self.waiting("without-end", b"up\n", more)
            if not more:
                run.send_signal(signal.SIGTERM)
            out, said = run.communicate(timeout=60)
            self.assertEqual(json.loads(out)["reason"], "JOB_TIME" if more else "JOB_CANCELLED", said)
            self.assertTrue(json.loads(out)["refused_untold"])
            self.check_nothing_is_left()

    @with_both
    def test_a_run_that_is_killed_while_its_job_waits(self):
        """With a teller that stands still: nothing of it outlives the run."""
        run, teller = self.waiting("without-end", b"up\n")
        run.kill()
        run.communicate(timeout=60)
        end = time.monotonic() + 30
        while pathlib.Path(f"/proc/{teller}").exists() or subprocess.run(
                ["pgrep", "-f", "/bin/denied without-end"], check=False, capture_output=True).stdout:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.job("/bin/busybox", "true")  # sweeps
        self.assertNotIn("ward-jobs", pathlib.Path("/proc/self/mountinfo").read_text())

    @with_both
    def test_under_a_filter_that_asks(self):
        """Where calls cannot be told, paths are."""
        done = subprocess.run(self.words(self.spec("/bin/denied", "threads", more=POLICY), "--json", "--runtime",
                                         self.runtime), capture_output=True, text=True, check=False, env=CLEAN,
                              timeout=120, stdin=subprocess.DEVNULL, preexec_fn=in_a_filter_that_asks, close_fds=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(kinds(json.loads(done.stdout)), {"/etc/shadow": 64 * 250, "/plain/": 64 * 250})
        self.assertEqual(done.stderr.count("not all system calls"), 1, done.stderr)
        self.assertNotIn(UNTOLD, done.stderr)

    @with_both
    def test_a_machine_without_fuse(self):
        """What is denied is hidden all the same, and that its tries are not told is said once; calls are told."""
        for cover in ("/dev/null", "nothing"):
            (self.here / "nothing").write_text("")
            source = cover if cover.startswith("/") else self.here / cover
            words = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                     f'mount --bind {source} /dev/fuse && exec "$@"', "sh"]
            run = [*words, *self.words(self.spec("/bin/denied", "threads", more=POLICY), "--json", "--runtime",
                                       self.runtime)]
            done = subprocess.run(run, capture_output=True, text=True, check=False, env=CLEAN, timeout=120,
                                  stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("done\n", done.stderr)
            self.assertEqual(json.loads(done.stdout)["refusals"], [])
            self.assertTrue(json.loads(done.stdout)["refused_untold"])
            self.assertEqual(done.stderr.count(UNTOLD), 1, done.stderr)
            self.assertNotIn("not all system calls", done.stderr)

    @with_both
    def test_a_job_that_hides_nothing(self):
        result, said = self.job("/bin/denied", "slowly", more='[sandbox_config.filesystem_policy]\ndenied_paths = []\n'
                                '[limits]\nmax_execution_seconds = 1\n', code=1, reason="JOB_TIME")
        self.assertIn("= 0\n", said)
        self.assertEqual(kinds(result), {})

    def test_many_paths(self):
        """As many as a specification can have, one of them within another."""
        denied = [f"/d{n}" for n in range(250)] + ["/etc", "/etc/x", "/plain", "/etc"]
        more = f"[sandbox_config.filesystem_policy]\ndenied_paths = {json.dumps(denied)}\n"
        result, _ = self.job("/bin/busybox", "sh", "-c", "cd /d7; cat </d249/x; cat </etc/x; exit 0", more=more)
        self.assertEqual(kinds(result), {"/d7/": 1, "/d249/x": 1, "/etc/x": 1})


@needs_machine
class InMachines(Told, Machines):
    """A process of the machine answers, and its first one tells through whoever runs it."""

    def test_each_is_refused_and_told_in_a_machine(self):
        self.each_is_refused_and_told()

    def test_a_flood_in_a_machine(self):
        self.a_flood()

    def test_names_of_all_sorts_in_a_machine(self):
        self.names_of_all_sorts()

    def test_many_threads_in_a_machine(self):
        self.many_threads()

    def test_those_that_are_killed_while_they_wait_in_a_machine(self):
        self.those_that_are_killed_while_they_wait()

    def test_what_is_usual_is_not_told_in_a_machine(self):
        self.what_is_usual_is_not_told()

    def test_soon_in_a_machine(self):
        run = self.is_told_soon()
        run.terminate()
        out, _ = run.communicate(timeout=60)
        self.assertEqual(set(kinds(json.loads(out))), {"/etc/shadow"})

    def test_a_flood_holds_up_no_limit(self):
        result, _ = self.job("/bin/denied", "without-end", more=POLICY + "[limits]\nmax_execution_seconds = 2\n", code=1,
                             reason="JOB_TIME")
        self.assertEqual(set(kinds(result)), {"/etc/shadow", "/plain/"})

    def test_by_its_place_in_the_list(self):
        """Also behind paths that hide nothing of their own."""
        more = ('[sandbox_config.filesystem_policy]\ndenied_paths = ["/bin/refused", "/etc/x", "/etc", "/etc/y", '
                '"/job/none", "/plain"]\n')
        result, _ = self.job("/bin/busybox", "sh", "-c", "cat </plain; cat </etc/x; /bin/refused kinds; exit 0", more=more)
        self.assertEqual(kinds(result), {"/bin/refused/": 1, "/etc/x": 1, "/plain/": 1})

    def test_a_kernel_without_fuse(self):
        """What is denied is hidden all the same, and that its tries are not told is said once; calls are told."""
        modules, images = self.here / "modules", self.here / "images"
        shutil.copytree(kernel() / "modules", modules)
        (modules / "kernel/fs/fuse/fuse.ko").unlink()
        shutil.copytree(self.images, images)
        subprocess.run([WARD, "image", "build", kernel() / "kernel", modules, "--images", images], check=True,
                       capture_output=True)
        script = "cat </etc/shadow || echo refused; cat </plain || echo refused; busybox chroot / true; echo done"
        spec = self.spec("/bin/busybox", "sh", "-c", script, more=POLICY)
        done = subprocess.run([WARD, "run", spec, "--json", "--images", images], capture_output=True, text=True,
                              check=False, env=CLEAN, timeout=120, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(re.findall("(?m)^refused$", done.stderr)), 2, done.stderr)
        self.assertEqual({row["rule"] for row in json.loads(done.stdout)["refusals"]}, {"call"})
        self.assertTrue(json.loads(done.stdout)["refused_untold"])
        self.assertEqual(done.stderr.count(UNTOLD), 1, done.stderr)


if __name__ == "__main__":
    tap.main()
