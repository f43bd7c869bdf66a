"""test_run_escape.py - jobs that try to get out: each is contained, and the host is as it was."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest
from errno import ECONNREFUSED, ENXIO

import tap
from commands import WARD
from oci import entry, folder, hard, link, tar
from sandboxes import Jobs, begun, image_of_tests, needs_sandbox, with_both
from ward import ROOT

EPERM = 1
# docs of the platform's validator, "Default Network Policy".
SEEDS_POLICY = """[sandbox_config.network_policy]
allow_outbound = true
allowed_hosts = ["localhost", "127.0.0.1"]
allowed_ports = [80, 443, 3000, 9080, 9081, 9082]
dns_servers = ["8.8.8.8", "1.1.1.1"]
"""
POLICY = "[sandbox_config.filesystem_policy]\n"


def listed():
    """{call: whether it stands with conditions alone} of the list that was reviewed."""
    calls = {}
    for line in (ROOT / "src/sandbox/job.seccomp").read_text().splitlines():
        if line and not line.startswith("#"):
            calls[line.split()[0]] = " arg" in line
    return calls


def numbers():
    """{number: name} of this machine's calls."""
    header = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").read_text()
    return {int(number): name
            for name, number in re.findall(r"#define __NR_(\w+) (\d+)", header)}


@needs_sandbox
class Escapes(Jobs):
    def told(self, *words, **more):
        """{name: result} of what the probe says."""
        _, said = self.job("/bin/probe", *words, **more)
        return dict(line.rsplit(" ", 1) for line in said.splitlines()
                    if re.fullmatch(r"\w+ (done|refused|through|\d+)", line))

    @with_both
    def test_who_the_job_is(self):  # proves: CX-29 CX-33 CX-35
        _, said = self.sh("cat /proc/self/status; cat /proc/self/uid_map; exit 0")
        for line in (r"Uid:\t65532\t65532\t65532\t65532", r"Gid:\t65532\t65532\t65532\t65532",
                     r"CapInh:\t0+", r"CapPrm:\t0+", r"CapEff:\t0+", r"CapBnd:\t0+",
                     r"CapAmb:\t0+", r"NoNewPrivs:\t1", r"Seccomp:\t2", r"Groups:\t *"):
            self.assertRegex(said, rf"(?m)^{line}$")
        first = int(re.search(r"(?m)^\s+0\s+(\d+)\s+65536$", said).group(1))
        self.assertGreaterEqual(first, 0x70000000)

    def test_no_two_jobs_have_the_same_ids(self):
        one = begun(self.words(self.spec("/bin/sh", "-c", "cat /proc/self/uid_map; exec sleep 30")),
                    b"65536\n")
        try:
            _, said = self.sh("cat /proc/self/uid_map")
            host = pathlib.Path(f"/proc/{self.first_of(one.pid)}/uid_map").read_text().split()[1]
            self.assertNotEqual(re.search(r"(?m)^\s+0\s+(\d+)", said).group(1), host)
        finally:
            one.terminate()
            one.communicate(timeout=30)

    def first_of(self, pid):
        """The job of a run: the child of its child."""
        for _ in range(2):
            pid = int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        return pid

    @with_both
    def test_calls_are_refused(self):  # proves: CX-34
        told = self.told("calls")
        self.assertGreater(len(told), 50)
        self.assertEqual({name: result for name, result in told.items()
                          if result != str(EPERM)}, {})

    @with_both
    def test_the_surface_is_the_list(self):
        """Every number is tried: none goes through that is not listed, and what is listed without a
        condition does, but for those that say EPERM to nonsense themselves."""
        calls, names = listed(), numbers()
        through = {names.get(int(number), number) for number in
                   self.told("surface", more="[limits]\n"
                             "max_execution_seconds = 120")}
        # Those of the kernel's own probes go past every filter, and do nothing elsewhere.
        through -= {335, 336, "335", "336", "uretprobe", "uprobe"}
        self.assertEqual(sorted(through - set(calls)), [])
        whole = {name for name, conditions in calls.items() if not conditions}
        self.assertLessEqual(len(whole - through), 12, sorted(whole - through))

    @with_both
    def test_numbers_of_other_architectures(self):
        self.assertEqual(self.told("numbers"),
                         {"x32": "refused", "i386": "refused"})

    @with_both
    def test_the_network(self):  # proves: CX-30
        """The host's loopback, its other addresses, others' names and metadata: nothing is there."""
        with socket.socket() as listener, socket.socket(socket.AF_UNIX) as abstract:
            listener.bind(("0.0.0.0", 0))
            listener.listen()
            listener.settimeout(0.2)
            abstract.bind("\0ward-test-abstract")
            abstract.listen()
            port = listener.getsockname()[1]
            own = own_address()
            for address in ("127.0.0.1", own, "10.0.2.2", "169.254.169.254", "192.0.2.1"):
                told = self.told("connect", address, str(port))
                self.assertNotEqual(told["tcp"], "done", address)
                if address != "127.0.0.1":
                    self.assertEqual(told["udp"], "101", address)  # ENETUNREACH
            self.assertEqual(self.told("connect6"), {"tcp6": "101"})
            self.assertEqual(self.told("abstract", "ward-test-abstract"),
                             {"abstract": "111"})
            _, said = self.sh("cat /proc/net/dev /proc/net/route; exit 0")
            self.assertEqual(re.findall(r"(?m)^ *(\w+): +\d", said), ["lo"])
            with self.assertRaises(TimeoutError):
                listener.accept()

    def test_the_default_policy_is_the_seeds(self):  # proves: PC-43
        """What a specification has that says nothing is what one has that says all of it."""
        said = {text: self.words_of(text) for text in ("", SEEDS_POLICY)}
        self.assertEqual(said[""], said[SEEDS_POLICY])
        for key, other in (("allow_outbound = true", "allow_outbound = false"), (", 9082", ""), (", 3000", ", 3001"),
                           (', "127.0.0.1"', ""), ("localhost", "allowed.example"),):
            with self.subTest(key=key):
                self.assertNotEqual(self.words_of(SEEDS_POLICY.replace(key, other)), said[""])

    def words_of(self, more):
        done = subprocess.run([WARD, "spec", "check", self.spec("/bin/true", more=more), "--json"], check=True,
                              capture_output=True)
        return json.loads(done.stdout)["words"]

    @with_both
    def test_the_default_policy_leads_nowhere(self):  # proves: PC-43
        reach_nothing(self)

    @with_both
    def test_nobody_listens_in_the_jobs_folder(self):
        """What the folder's owner has open there, as servers and pipes, is not reached from a job."""
        with tempfile.TemporaryDirectory(dir=self.here) as code, \
                socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{code}/socket")
            listener.listen()
            listener.settimeout(0.2)
            os.mkfifo(f"{code}/pipe", 0o600)
            reader = os.open(f"{code}/pipe", os.O_RDONLY | os.O_NONBLOCK)
            self.addCleanup(os.close, reader)
            told = self.told("paths", "/job/socket", "/job/pipe", options=("--job", code))
            self.assertEqual(told, {"unix": str(ECONNREFUSED), "pipe": str(ENXIO)})
            with self.assertRaises(TimeoutError):
                listener.accept()

    def test_a_link_laid_on_the_way_to_the_jobs_folder(self):
        """Who may write there would say whose files the job may read."""
        secret = self.here / "secret"
        secret.mkdir(mode=0o700)
        (secret / "key").write_text("the host's own")
        (self.here / "code").symlink_to(secret)
        (self.here / "way").symlink_to(self.here)
        for given in (self.here / "code", f"{self.here}/code/.", self.here / "way/secret"):
            result, said = self.sh("cat /job/key", code=2, reason="JOB_FOLDER",
                                   options=("--job", given))
            self.assertIn("symbolic link", result["detail"])
            self.assertNotIn("the host's own", said)
        _, said = self.sh("cat /job/key", options=("--job", secret))
        self.assertIn("the host's own", said)

    @with_both
    def test_what_is_denied_is_not_there(self):  # proves: PC-44
        """Denied beats allowed; by its name, through a link, from within, before and after it is made."""
        more = POLICY + 'allowed_paths = ["/tmp", "/data"]\n' \
                        'denied_paths = ["/etc", "/usr/bin", "/plain", "/data/deep", "/none/such"]'
        script = ("for p in /etc/shadow /way/shadow /tmp/../etc/shadow /proc/self/root/etc/shadow "
                  "/plain /data/deep/x; do cat $p && echo READ $p; done; ls /etc && echo LISTED;"
                  "/usr/bin/tool && echo RAN; cd /usr/bin && echo ENTERED;"
                  "for p in /etc /plain /usr/bin /none/such; do chmod 777 $p && echo CHANGED $p; "
                  "echo x >$p/x && echo WROTE $p; echo x >$p && echo WROTE $p; "
                  "mv $p $p.old && echo MOVED; done;"
                  "mkdir /data/deep/er && echo MADE; ln /etc/shadow /tmp/s && echo LINKED;"
                  "echo own >/data/y; cat /data/y; exit 0")
        _, said = self.sh(script, more=more)
        self.assertEqual(re.findall(r"READ.*|LISTED|RAN|ENTERED|CHANGED.*|WROTE.*|MOVED|MADE|LINKED",
                                    said), [], said)
        self.assertRegex(said, "(?m)own$")

    @with_both
    def test_what_is_denied_twice(self):
        more = POLICY + 'denied_paths = ["/usr/bin", "/usr", "/usr/bin/tool", "/usr", "/etc"]'
        _, said = self.sh("cat /usr/bin/tool && echo READ; ls /usr && echo READ; echo over",
                          more=more)
        self.assertNotIn("READ", said)
        self.assertIn("over", said)

    @with_both
    def test_shared_memory_where_it_is_asked_for(self):
        script = "echo x >/dev/shm/x && echo WROTE; exit 0"
        _, said = self.sh(script)
        self.assertNotIn("WROTE", said)
        _, said = self.sh(script, more=POLICY + 'allowed_paths = ["/dev/shm"]')
        self.assertIn("WROTE", said)

    @with_both
    def test_an_image_cannot_move_what_is_denied(self):
        """Where a denied path is a link in the image, what it leads to is denied."""
        more = POLICY + 'denied_paths = ["/way"]'
        _, said = self.sh("cat /etc/shadow /way/shadow; echo; exit 0", more=more)
        self.assertNotIn("of the image", said)

    @with_both
    def test_only_what_may_be_written_is(self):  # proves: CX-31 PC-44
        more = POLICY + 'read_only = true\nallowed_paths = ["/tmp"]'
        script = ("for p in / /open /bin /dev /proc /proc/sys/kernel /var /output /tmp /job; do "
                  "echo x >$p/new && echo WROTE $p; done; echo x >>/open/old && echo CHANGED;"
                  "cp /bin/busybox /tmp/b && chmod 755 /tmp/b && /tmp/b true && echo RAN;"
                  "cp /bin/busybox /output/b && chmod 755 /output/b && /output/b true && echo RAN;"
                  "exit 0")
        job = self.here / "input"
        job.mkdir(exist_ok=True)
        _, said = self.sh(script, more=more, options=("--job", job))
        self.assertEqual(re.findall("WROTE.*|CHANGED|RAN", said), ["WROTE /output", "WROTE /tmp"])
        self.assertEqual(os.listdir(job), [])
        _, said = self.sh("echo x >>/open/old && echo CHANGED; echo x >/root.txt && echo WROTE;"
                          "exit 0")
        self.assertEqual(re.findall("WROTE|CHANGED", said), ["CHANGED"])
        self.assertEqual(next(self.images.glob("*/rootfs/open/old")).read_text(), "as it was")

    @with_both
    def test_the_kernels_files(self):
        script = ("for p in /proc/sysrq-trigger /proc/sys/kernel/core_pattern "
                  "/proc/sys/kernel/modprobe /proc/self/attr/current /proc/self/oom_score_adj "
                  "/sys/fs/cgroup/memory/release_agent /sys/kernel/uevent_helper "
                  "/proc/sys/net/ipv4/ip_forward /proc/1/uid_map; do "
                  "echo -1000 2>/dev/null >$p && echo WROTE $p; done;"
                  "for p in /proc/kcore /proc/kmsg /proc/kallsyms /proc/keys /proc/timer_list "
                  "/proc/slabinfo /proc/modules; do [ -z \"$(head -c 9 $p 2>/dev/null)\" ] || "
                  "echo READ $p; done; [ -e /sys/kernel ] && echo SYS; exit 0")
        core = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()
        _, said = self.sh(script)
        # What is written to a masked file goes nowhere: it is another one.
        self.assertEqual([line for line in re.findall("WROTE.*|READ.*|SYS", said)
                          if line != "WROTE /proc/sysrq-trigger"], [], said)
        self.assertEqual(pathlib.Path("/proc/sys/kernel/core_pattern").read_text(), core)

    @with_both
    def test_devices(self):
        _, said = self.sh("for d in /dev/*; do [ -c $d ] || [ -b $d ] && echo DEVICE $d; done;"
                          "cat /dev/tty; echo terminal $?; for k in 'c 1 1' 'b 259 0' 'c 10 229';"
                          "do busybox mknod /tmp/n $k && echo MADE; done; mkfifo /tmp/p && echo fifo;"
                          "exit 0")
        self.assertEqual(sorted(re.findall(r"DEVICE /dev/(\w+)", said)),
                         ["full", "null", "random", "tty", "urandom", "zero"])
        self.assertNotIn("MADE", said)
        self.assertIn("fifo", said)

    @with_both
    def test_descriptors(self):
        """Nothing but its own three, also where the caller has left more open."""
        with open("/etc/shadow", "rb") as more:
            os.set_inheritable(more.fileno(), True)
            spec = self.spec("/bin/sh", "-c", "cd /proc/self/fd; echo *; "
                             "for f in 0 1 2; do readlink $f; done; cat | head -c 1")
            done = self.run_spec(spec, "--runtime", self.runtime, close_fds=False)
        lines = done.stdout.decode().splitlines()
        # The shell itself opens the folder that it lists.
        self.assertIn(lines[0], ("0 1 2", "0 1 2 3"), done)
        self.assertEqual([line[:5] for line in lines[1:]], ["pipe:"] * 3)

    @with_both
    def test_processes_of_others_are_not_seen(self):
        _, said = self.sh("echo /proc/[0-9]*; kill -9 -1; echo alive; exit 0")
        self.assertRegex(said, r"(?m)^/proc/1( /proc/\d+)?$")

    @with_both
    def test_a_race_in_output(self):
        """A link and a file that change places: the job is gone before anything is looked at."""
        out = self.here / f"out-{self.runtime}"
        self.sh("echo x >/output/a; ln -s /etc/shadow /output/b; "
                "probe exchange /output/a /output/b & sleep 1; exit 0", code=1,
                reason="JOB_OUTPUT_KIND", options=("--output", out))
        self.assertFalse(out.exists())

    def test_a_link_laid_where_results_go(self):
        """It is not followed."""
        victim = self.here / "victim"
        victim.mkdir()
        (victim / "kept").write_text("kept")
        (self.here / "to").symlink_to(victim)
        done = self.run_spec(self.spec("/bin/sh", "-c", "echo x >/output/x"), "--output",
                             self.here / "to")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(os.listdir(victim), ["kept"])

    def settled(self, layer, denied, code, script="true", more=""):
        """What a job says with an image of that layer too, where that path is denied."""
        image = image_of_tests()
        image.add(tar(layer))
        digest = image.pack(self.here / "own.tar")
        subprocess.run([WARD, "image", "import", self.here / "own.tar", digest, "--images",
                        self.images], check=True, capture_output=True)
        spec = self.spec("/bin/sh", "-c", script + "; exit 0", more=POLICY
                         + f'denied_paths = ["{denied}"]\n{more}')
        spec.write_text(spec.read_text().replace(self.digest, digest))
        done = self.run_spec(spec, "--runtime", self.runtime)
        self.assertEqual(done.returncode, code, done.stderr)
        return (done.stdout + done.stderr).decode()

    @with_both
    def test_an_image_cannot_lead_what_is_denied_to_the_runtime(self):
        """A link to what only the runtime has, by which the cover would lie somewhere else."""
        secret = [folder("secret"), entry("secret/f", b"of the image")]
        for at, target in (("to", "/proc/1/cwd/secret"), ("to", "/proc/self/root/secret"),
                           ("to", "../../dev/fd"), ("to", "loop"), ("to", "/nothing/there")):
            said = self.settled([*secret, link(at, target), link("loop", "loop")], "/to", 2)
            self.assertIn("JOB_PATH", said, target)
        said = self.settled([*secret, folder("proc"), folder("proc/1"), link("proc/1/cwd", "/"),
                             link("to", "/proc/1/cwd/secret")], "/to/deeper", 2)
        self.assertIn("JOB_PATH", said)
        said = self.settled([*secret, link("to", "/proc/1")], "/to/x", 2)
        self.assertIn("JOB_PATH", said)
        said = self.settled([*secret, link("a", "b/c"), folder("b"), link("b/c", "/secret")], "/a/f",
                            0, "cat /a/f /b/c/f /secret/f")
        self.assertNotIn("of the image", said)
        self.assertNotIn("JOB", said)

    @with_both
    def test_a_denied_file_with_another_name(self):
        layer = [entry("one", b"of the image"), hard("open/two", "one")]
        self.assertIn("another name", self.settled(layer, "/one", 2))

    @with_both
    def test_what_is_denied_in_what_is_allowed(self):
        """An allowed path is empty: what the image has there leads nowhere."""
        layer = [link("data/deep", "/etc")]
        script = "mkdir /data/deep/x && echo MADE; rm -r /data/deep && echo REMOVED"
        said = self.settled(layer, "/data/deep", 0, script, 'allowed_paths = ["/data"]')
        self.assertEqual(re.findall("MADE|REMOVED", said), [])

    @with_both
    def test_what_is_denied_in_the_jobs_folder(self):
        """Files and folders of --job that are there; what is not there is not there, and no hindrance."""
        code = self.here / f"code-{self.runtime}"
        (code / "d").mkdir(parents=True)
        for name in ("secret", "plain", "d/x"):
            (code / name).write_text(f"is {name}\n")
        more = POLICY + 'denied_paths = ["/job/secret", "/job/d", "/job/none", "/job/none/deeper"]'
        _, said = self.sh("cat /job/plain; cat /job/secret; ls /job/d; cat /job/d/x; ls /job; exit 0",
                          more=more, options=("--job", code))
        self.assertIn("is plain", said)
        self.assertNotIn("is secret", said)
        self.assertNotIn("is d/x", said)
        self.assertEqual(said.count("Permission denied"), 3, said)
        self.assertNotIn("none", said)
        # Without --job the image's is all there is.
        self.sh("ls /job; exit 0", more=more)
        os.link(code / "secret", code / "again")
        result, _ = self.job("/bin/true", more=more, options=("--job", code), code=2,
                             reason="JOB_PATH")
        self.assertIn("/job/secret: the folder of --job has this file under another name too",
                      result["detail"])

    def test_a_link_in_the_jobs_folder_to_what_is_denied(self):
        code = self.here / "code"
        code.mkdir()
        (code / "to").symlink_to("/proc/1/cwd/etc")
        self.job("/bin/true", more=POLICY + 'denied_paths = ["/job/to"]', code=2, reason="JOB_PATH",
                 options=("--job", code))

    def test_logs_without_end(self):
        """A job that talks as fast as it can is limited by its time like any other."""
        result, _ = self.job("/bin/yes", more="[limits]\nmax_execution_seconds = 1", code=1,
                             reason="JOB_TIME")
        self.assertEqual(result["exit"]["signal"], 9)


def reach_nothing(self):
    """With the default policy: a job's localhost is its own, and whoever serves on the machine, on ports that
    it lists and on another, as the one that makes machines does, hears nothing of it."""
    listeners = [socket.create_server(("0.0.0.0", port), reuse_port=True) for port in (3000, 9080, 9081, 9082, 0)]
    try:
        ports = [str(listener.getsockname()[1]) for listener in listeners]
        tries = [f"probe connect {address} {port}" for address in ("127.0.0.1", own_address(), "10.0.2.2", "10.0.2.3")
                 for port in ports]
        _, said = self.sh("; ".join(tries) + "; probe own 3000; exit 0")
        told = re.findall(r"(?m)^(\w+) (done|\d+)$", said)
        self.assertEqual([what for what in told if what[0] == "tcp" and what[1] == "done"], [])
        self.assertEqual(len([what for what in told if what[0] == "tcp"]), len(tries))
        self.assertIn(("own", "done"), told)
        for listener in listeners:
            listener.settimeout(0.1)
            with self.assertRaises(TimeoutError):
                listener.accept()
    finally:
        for listener in listeners:
            listener.close()


def own_address():
    """Of this machine, other than its loopback; that too where it has no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            any_socket.connect(("192.0.2.1", 9))
            return any_socket.getsockname()[0]
        except OSError:
            return "127.0.0.1"


if __name__ == "__main__":
    tap.main()
