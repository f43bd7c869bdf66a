"""test_run_vm.py - `ward run` with isolation_level = "vm": what a job in a container is promised holds
in a machine too."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import fence_world as world
import tap
import test_run_escape as escapes
import test_run_fence as containers
from commands import WARD
from machines import Machines, alive, command_of, descendants, needs_machine
from oci import Image
from python_image import layer
from sandboxes import begun, leftovers

POLICY = "[sandbox_config.filesystem_policy]\n"


@needs_machine
class Runs(Machines):
    def test_a_job_with_input_output_and_arguments(self):
        code, out = self.here / "code", self.here / "out"
        code.mkdir(mode=0o700)
        (code / "go.sh").write_text("printf '<%s>' \"$@\"; echo; echo no >/job/x; ls /job; uname -n\n"
                                    "mkdir -p /output/d; echo $EPOCHS >/output/d/model\n"
                                    "echo x >/output/-x; chmod 700 /output/-x; head -c 100000 "
                                    "/dev/urandom >/output/large; cat | head -c 1; exit 3\n")
        (code / "go.sh").chmod(0o600)
        result, said = self.job("/bin/sh", "/job/go.sh", "1", more='[env]\nEPOCHS = "3"', code=1,
                                options=("--job", code, "--output", out))
        for line in ("<1>", "go.sh", "job"):
            self.assertRegex(said, f"(?m)^{line}$")
        self.assertIn("Read-only file system", said)
        self.assertEqual(result["exit"], {"code": 3, "signal": 0})
        self.assertEqual([(row["path"], row["size"]) for row in result["outputs"]],
                         [("-x", 2), ("d/model", 2), ("large", 100000)])
        self.assertEqual((out / "d/model").read_text(), "3\n")
        self.assertEqual([oct((out / name).stat().st_mode & 0o777) for name in ("-x", "large")],
                         ["0o755", "0o644"])
        self.assertLessEqual(result["started"], result["ended"])
        self.assertGreater(result["usage"]["cpu_us"], 0)

    def test_who_the_job_is_and_what_it_may(self):  # proves: CX-29 CX-33
        """A user without a right, the calls of the list alone, none of the host's kernel; no more
        processes (a shell is one), files and locked memory than in a container."""
        script = ("cat /proc/self/status; nproc; ls -d /dev/* /sys/*; echo /proc/[0-9]*; "
                  "cat /proc/version; cat /proc/mounts; cat /proc/self/cgroup; probe calls; probe surface; probe numbers; "
                  "probe files; probe locked; probe processes; for p in /proc/sysrq-trigger "
                  "/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe; do echo x >$p && "
                  "echo WROTE $p; done; for p in /proc/kcore /proc/kmsg /proc/kallsyms /proc/keys; "
                  "do [ -z \"$(head -c 9 $p)\" ] || echo READ $p; done; kill -9 -1; echo alive; "
                  "probe fault")
        result, said = self.sh(script, code=1, more="[limits]\nmax_cpu_cores = 1\n"
                                                    "max_execution_seconds = 120")
        for line in (r"Uid:\t65532\t65532\t65532\t65532", r"Gid:\t65532\t65532\t65532\t65532",
                     r"CapInh:\t0+", r"CapPrm:\t0+", r"CapEff:\t0+", r"CapBnd:\t0+", r"CapAmb:\t0+",
                     r"NoNewPrivs:\t1", r"Seccomp:\t2", r"Groups:\t *", "1", "65536 12", "255 11",
                     "1024 24", "x32 refused", "i386 refused", "alive"):
            self.assertRegex(said, rf"(?m)^{line}$")
        calls = escapes.listed()
        refused = dict(re.findall(r"(?m)^(\w+) (\d+|done)$", said))
        self.assertGreater(len([name for name, code in refused.items() if code == "1"]), 50)
        through = {int(number) for number in re.findall(r"(?m)^(\d+) through$", said)}
        self.assertEqual(sorted(through - self.numbers_of(calls)), [])
        self.assertEqual(sorted(re.findall(r"(?m)^/dev/(\w+)$", said)),
                         ["fd", "full", "null", "random", "stderr", "stdin", "stdout", "tty",
                          "urandom", "zero"])
        self.assertNotRegex(said, r"(?m)^/sys/")
        self.assertRegex(said, r"(?m)^0::/$")  # its group is all that it sees of groups
        self.assertNotIn("cgroup2", said)
        self.assertRegex(said, r"(?m)^/proc/1( /proc/\d+)?$")
        self.assertNotIn(pathlib.Path("/proc/version").read_text().strip(), said)
        # What is written to a hidden file goes nowhere: it is another one.
        self.assertEqual([line for line in re.findall("WROTE.*|READ.*", said)
                          if line != "WROTE /proc/sysrq-trigger"], [])
        self.assertEqual(result["exit"], {"code": 0, "signal": signal.SIGILL})

    def numbers_of(self, calls):
        header = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").read_text()
        known = dict(re.findall(r"#define __NR_(\w+) (\d+)", header))
        # Those of the kernel's own probes go past every filter, and do nothing elsewhere.
        return {int(known[name]) for name in calls if name in known} | {335, 336}

    def test_only_what_may_be_written_is(self):  # proves: CX-31
        more = POLICY + ('read_only = true\nallowed_paths = ["/tmp", "/dev/shm", "/made/up", "/data"]\n'
                         'denied_paths = ["/etc", "/plain", "/data/deep", "/none/such", "/job/secret"]\n'
                         "tmpfs_size = 2097152")
        code = self.here / "code"
        code.mkdir()
        (code / "secret").write_text("is secret")
        script = ("for p in / /open /bin /dev /proc /var /output /tmp /job /dev/shm /made/up; do "
                  "echo x >$p/new && echo WROTE $p; done; echo x >>/open/old && echo CHANGED;"
                  "cp /bin/busybox /tmp/b && chmod 755 /tmp/b && /tmp/b true && echo RAN;"
                  "cp /bin/busybox /output/b && chmod 755 /output/b && /output/b true && echo RAN;"
                  "for p in /etc/shadow /way/shadow /proc/self/root/etc/shadow /plain /job/secret "
                  "/data/x; do cat $p && echo READ $p; done; ls /etc && echo LISTED;"
                  "for p in /etc /plain /none/such; do chmod 777 $p && echo CHANGED $p; "
                  "echo x >$p/x && echo WROTE $p; mv $p $p.old && echo MOVED; done;"
                  "mkdir /data/deep/er && echo MADE; dd if=/dev/zero of=/tmp/x bs=1M count=4;"
                  "stat -c %s /tmp/x; exit 0")
        _, said = self.sh(script, more=more, options=("--job", code))
        self.assertEqual(re.findall("WROTE.*|CHANGED.*|RAN|READ.*|LISTED|MOVED|MADE", said),
                         ["WROTE /output", "WROTE /tmp", "WROTE /dev/shm", "WROTE /made/up"], said)
        self.assertIn("No space left on device", said)
        self.assertEqual(os.listdir(code), ["secret"])

    def test_the_default_policy_leads_nowhere_from_a_machine(self):  # proves: PC-43
        escapes.reach_nothing(self)

    def test_what_cannot_be_run(self):
        result, _ = self.job("/bin/absent", code=2, reason="JOB_START")
        self.assertIn("/bin/absent", result["detail"])
        self.assertEqual((result["exit"], result["started"]), (None, None))

    def test_what_is_refused_before_anything_is_made(self):
        """More than the machine has, in its memory, for what it has to keep there."""
        rows = [('[resources]\nmemory = "64M"\ndisk = "16M"\n[limits]\nmax_memory_bytes = "207M"',
                 "JOB_CAPACITY", 3),
                ('[resources]\nmemory = "64M"\ndisk = "1G"\n[limits]\nmax_memory_bytes = "1G"',
                 "JOB_CAPACITY", 3),
                ('[resources]\nmemory = "900000G"\n[limits]\nmax_memory_bytes = "900000G"',
                 "JOB_CAPACITY", 3)]
        for more, reason, code in rows:
            result, _ = self.job("/bin/true", more=more, code=code, reason=reason)
            self.assertIsNone(result["started"])
        none = self.here / "none"
        (self.images / "machine").rename(none)
        try:
            result, _ = self.job("/bin/true", code=3, reason="JOB_RUNTIME")
            self.assertIn("ward image build", result["detail"])
        finally:
            none.rename(self.images / "machine")


@needs_machine
class Reaches(Machines):
    """Through the same fence as from a container."""

    policy = containers.Fence.policy
    inside = containers.Fence.inside
    tries = containers.Fence.tries

    @classmethod
    def setUpClass(cls):
        cls.above = pathlib.Path(tempfile.mkdtemp(prefix="ward-vm-"))
        cls.addClassCleanup(shutil.rmtree, cls.above, ignore_errors=True)
        cls.images = cls.above / "images"
        cls.digest = Image(list(layer("_ssl", "_hashlib"))).pack(cls.above / "image.tar")
        subprocess.run([WARD, "image", "import", cls.above / "image.tar", cls.digest, "--images",
                        cls.images], check=True, capture_output=True)
        cls.build(cls.images)
        cls.world = world.World(cls.above)
        cls.addClassCleanup(cls.world.end)
        code = cls.above / "code"
        code.mkdir()
        shutil.copy(containers.HERE / "fence_job.py", code)
        shutil.copy(cls.above / "ca.pem", code)

    def words(self, spec, *options):
        return self.world.node.words(*super().words(spec, "--job", self.above / "code", *options))

    def test_what_is_listed_and_what_is_not(self):  # proves: PC-43
        """Names, TLS, IPv6, UDP and addresses that are listed; no other name, no other port, nothing of
        QEMU's own, and no address that nobody listed, which QEMU leaves unanswered."""
        lines, refused = self.tries(
            "tls('allowed.example')", "plain('allowed.example')", "plain('six.example')",
            "ask('allowed.example', 28, '::1')", "ask_stream('allowed.example')",
            f"plain('{world.PUBLIC}')", "datagram('allowed.example')",
            "ask('forbidden.example')", "plain('allowed.example', 8443)",
            "tls('allowed.example', name='other.example')", "plain('gateway.example')",
            "plain('10.0.2.2', 22)", "plain('10.0.2.3', 22)", "plain('fec0::2', 22)",
            "own_server('127.0.0.1')",
            f"socket.create_connection(('{world.NODE}', 22), 3)",
            "socket.create_connection(('169.254.169.254', 80), 3)",
            hosts=("allowed.example", "six.example", "other.example", "gateway.example", world.PUBLIC),
            ports=(443, 80, "4433/udp"))
        self.assertEqual(lines[:8], ["tls TLSv1.3 hello", "plain hello", "plain hello",
                                     [0, ["fd00:18::1"]], [[0, ["198.18.0.1"]]], "plain hello",
                                     "udp hello", [5, []]])
        for line in lines[8:14]:
            self.assertIn(line, (*containers.CUT, "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "TimeoutError"))
        self.assertEqual(lines[14:], ["own", "TimeoutError", "TimeoutError"])
        self.assertLessEqual({("name", "forbidden.example"), ("port", "allowed.example"),
                              ("other-sni", "allowed.example"), ("inside", "gateway.example"),
                              ("address", world.NODE), ("address", "169.254.169.254")}, set(refused))
        self.assertEqual(self.world.node.seen("met"), [])

    def test_what_cannot_be_listed(self):  # proves: PC-43
        """The network between the machine and QEMU is not the world's."""
        for host in ("10.0.2.2", "10.0.2.200", "fec0::2"):
            self.job("/usr/local/bin/python", "-c", "0", more=self.policy([host], [80]), code=2,
                     reason="JOB_HOST")


@needs_machine
class Ends(Machines):
    def test_whoever_is_killed(self):
        """Nothing of the machine outlives any part of it."""
        for victim in ("run", "supervisor", "beside", "qemu"):
            with self.subTest(victim=victim):
                process = begun(self.words(self.spec("/bin/probe", "orphans"), "--json"), b"left\n")
                tree = descendants(process.pid)
                number = {"run": process.pid, "supervisor": tree[0]}.get(victim)
                if number is None:
                    wanted = b"qemu-system" if victim == "qemu" else b"/vm/machine"
                    number = next(pid for pid in tree if command_of(pid).startswith(wanted)
                                  or b"/" + wanted in command_of(pid).split(b"\0")[0])
                os.kill(number, signal.SIGKILL)
                out, said = process.communicate(timeout=60)
                if victim != "run":
                    reason = {"supervisor": "JOB_LOST"}.get(victim, "JOB_MACHINE")
                    self.assertEqual(json.loads(out)["reason"], reason, said)
                    self.assertNotEqual(process.returncode, 0)
                end = time.monotonic() + 20
                while (left := [pid for pid in tree if alive(pid)]) and time.monotonic() < end:
                    time.sleep(0.05)
                self.assertEqual(left, [])
        # What a killed run has left goes with the next command.
        subprocess.run([WARD, "image", "remove", "sha256:" + "0" * 64, "--images", self.images],
                       check=False, capture_output=True, timeout=60)
        self.assertEqual(leftovers(), [])

    def test_whenever_it_is_interrupted(self):
        for moment in (0.05, 0.2, 0.5, 1, 2, 4):
            process = subprocess.Popen(self.words(self.spec("/bin/probe", "put-away"), "--json"),
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       stdin=subprocess.DEVNULL)
            time.sleep(moment)
            process.send_signal(signal.SIGTERM)
            out, said = process.communicate(timeout=60)
            if process.returncode != -signal.SIGTERM:  # it had begun
                self.assertEqual(json.loads(out)["reason"], "JOB_CANCELLED", said)
            self.assertEqual(leftovers(), [])

if __name__ == "__main__":
    tap.main()
