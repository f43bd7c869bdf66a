"""test_run_refused.py - system calls that a job's list refuses are told on the job, each kind once and with how
often, whatever the job does (tests/sandbox/refused.c); and it gets no other answer than without anybody told."""

import ctypes
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest

import tap
from commands import CLEAN, faults
from machines import Machines, needs_machine
from oci import Image, entry, folder
from sandboxes import BUSYBOX, Jobs, begun, needs_sandbox, told_soon, with_both
from ward import BUILD, ROOT

REFUSED = BUILD / "tests/sandbox/sandbox_refused"
EPERM, ENOSYS, TELLER = 1, 38, 65534  # the last is the user among those of the job's place
WORDS = r"the system call (\w+)(?: with (0x[0-9a-f]+) as argument \d)? is not in the list"
LINE = re.compile(rf"(?m)ward: run: refused: {WORDS}")
NEW_LISTENER, SET_MODE_FILTER, NO_NEW_PRIVS = 8, 1, 38
# Calls that no kernel has any more, or never had: a number and ENOSYS.
NUMBERS = set("""_sysctl afs_syscall create_module epoll_ctl_old epoll_wait_old get_kernel_syms get_thread_area getpmsg
nfsservctl putpmsg query_module security set_thread_area tuxcall vserver""".split())
# A runtime that says another version, for one that is.
OLDER = '#!/bin/sh\n[ "$1" = --version ] && echo "{name} version {version}" && exit 0\nexec {real} "$@"\n'


def kinds(result):
    """{(call, argument): how often} of what the object of --json has of calls."""
    rows = [row for row in result["refusals"] if row["rule"] == "call"]
    found = {re.match(WORDS, row["words"]).groups(): row["count"] for row in rows}
    assert len(found) == len(rows) and not any(row["change"] for row in rows)
    return found


def in_a_filter_that_asks():
    """In a child of ours: whatever it starts can have no other such filter, as long as its descriptor is open."""
    libc = ctypes.CDLL(None, use_errno=True)
    allow = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7FFF0000))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 1, ctypes.addressof(allow)))
    if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        os._exit(9)
    os.set_inheritable(libc.syscall(317, SET_MODE_FILTER, NEW_LISTENER, program), True)


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def teller_of(run):
    """The process that answers for a job, by its user: a child of the run's child."""
    for pid in children(children(run.pid)[0]):
        uid = int(re.search(r"(?m)^Uid:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))
        if uid >= 0x70000000 and uid % 65536 == TELLER:
            return pid
    raise AssertionError("no teller")


class Told:
    """What is the same in every tier."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.use(Image([folder("bin"), entry("bin/busybox", pathlib.Path(BUSYBOX).read_bytes(), mode=0o755),
                       entry("bin/refused", REFUSED.read_bytes(), mode=0o755)]))

    def refused(self, word, **more):
        """(the kinds with their numbers, what the job said); all of what was said is in self.whole."""
        result, said = self.job("/bin/refused", word, **more)
        self.assertIn("done\n", said)
        self.assertFalse(result["refused_untold"], said)
        return kinds(result), said

    def each_kind_is_told(self):
        """Those of the list's own conditions by what was given, clone3 and what is allowed not at all."""
        found, said = self.refused("kinds")
        alone = {(name, None): 1 for name in ("ptrace", "bpf", "keyctl", "unshare", "setns", "chroot")}
        self.assertEqual({kind: count for kind, count in found.items() if kind[1] is None}, alone)
        # 61 families but AF_INET6, and AF_NETLINK, of which C libraries ask; 5 flags of those that are tried. Neighbours share a kind.
        of = {name: sum(count for (call, _), count in found.items() if call == name) for name in ("socket", "personality")}
        self.assertEqual(of, {"socket": 59, "personality": 5})
        self.assertEqual(set(LINE.findall(self.whole)), {(name, given or "") for name, given in found})
        self.assertEqual(len(LINE.findall(self.whole)), len(found))

    def within_a_line_of_the_job(self):
        """What is told begins a line of its own, whatever the job had said by then."""
        found, _ = self.refused("halves")
        self.assertEqual(found, {("mount", None): 1})
        self.assertRegex(self.whole, r"(?m)^one half, \nward: run: refused: the system call mount.*\n")
        self.assertRegex(self.whole, r"(?m)^the other$")  # behind or before what it says elsewhere

    def a_flood(self):
        """It costs the job's own time, one line, and a number, which is right to the last."""
        begun_at = time.monotonic()
        found, said = self.refused("flood")
        self.assertEqual(found, {("mount", None): int(re.search(r"(?m)^= (\d+)$", said).group(1))})
        self.assertEqual(len(LINE.findall(self.whole)), 1)
        self.assertLess(time.monotonic() - begun_at, 60)

    def many_within_a_line(self):
        """What is known is not told again, and keeps nothing new back, nor the job's end."""
        begun_at = time.monotonic()
        found, _ = self.refused("within")
        self.assertEqual(found[("mount", None)], 1)
        self.assertGreater(len(found), 10)
        self.assertLess(time.monotonic() - begun_at, 60)

    def streams_that_nobody_can_close(self):
        """They end with the job all the same."""
        begun_at = time.monotonic()
        self.refused("kept", more="[limits]\nmax_execution_seconds = 120")
        self.assertLess(time.monotonic() - begun_at, 60)

    def those_that_are_killed_while_they_wait(self):
        found, _ = self.refused("killed")
        self.assertEqual(set(found), {("mount", None)})
        self.assertGreaterEqual(found["mount", None], 200)

    def a_job_answers_nothing_itself(self):
        found, _ = self.refused("own")
        self.assertEqual(found, {("mount", None): 1})

    def many_threads(self):
        found, _ = self.refused("threads")
        self.assertEqual(found, {("mount", None): 64 * 250, ("socket", "0x28"): 64 * 250})

    def is_told_soon(self, *options):
        """A process that makes a call now and then, whose first is told; it runs on."""
        run = begun(self.words(self.spec("/bin/refused", "slowly"), "--json", *options), b"up\n")
        return told_soon(run, b"refused: the system call mount")


@needs_sandbox
class Refused(Told, Jobs):
    @with_both
    def test_each_kind_is_told(self):
        self.each_kind_is_told()

    @with_both
    def test_within_a_line_of_the_job(self):
        self.within_a_line_of_the_job()

    @with_both
    def test_a_flood(self):
        self.a_flood()

    @with_both
    def test_many_within_a_line(self):
        self.many_within_a_line()

    @with_both
    def test_streams_that_nobody_can_close(self):
        self.streams_that_nobody_can_close()

    @with_both
    def test_many_threads(self):
        self.many_threads()

    @with_both
    def test_those_that_are_killed_while_they_wait(self):
        self.those_that_are_killed_while_they_wait()

    @with_both
    def test_a_job_answers_nothing_itself(self):
        self.a_job_answers_nothing_itself()

    @with_both
    def test_signals(self):
        found, _ = self.refused("signals")
        self.assertGreaterEqual(found["mount", None], 1)

    @with_both
    def test_soon(self):
        """While the job runs, and what is spent on it is the job's."""
        run = self.is_told_soon("--runtime", self.runtime)
        try:
            teller, end = teller_of(run), time.monotonic() + 10
            while "ward-job" not in pathlib.Path(f"/proc/{teller}/cgroup").read_text():
                self.assertLess(time.monotonic(), end)
            status = pathlib.Path(f"/proc/{teller}/status").read_text()
            for line in (r"CapPrm:\t0+", r"CapBnd:\t0+", r"NoNewPrivs:\t1", r"Seccomp:\t2"):
                self.assertRegex(status, rf"(?m)^{line}$")
        finally:
            run.terminate()
            run.communicate(timeout=60)

    @with_both
    def test_without_its_teller(self):
        """The kernel says ENOSYS then, and nothing that was refused is made."""
        run = begun(self.words(self.spec("/bin/refused", "slowly"), "--json", "--runtime", self.runtime), b"= 1\n")
        os.kill(teller_of(run), signal.SIGKILL)
        out, said = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 0, said)
        answers = [int(line) for line in re.findall(rb"(?m)^= (\d+)$", said)]
        self.assertLessEqual(set(answers), {EPERM, ENOSYS})
        self.assertEqual(answers[-1], ENOSYS)
        # It may have been ended before it told the one that it had answered.
        self.assertLessEqual(set(kinds(json.loads(out))), {("mount", None)})
        self.assertTrue(json.loads(out)["refused_untold"])
        self.assertEqual(said.count(b"not all system calls"), 1, said)

    def untold(self, words, **more):
        """As it was before anybody was told: EPERM, and that it is not told is said once."""
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=CLEAN, timeout=120,
                              stdin=subprocess.DEVNULL, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("done\n", done.stderr)
        self.assertEqual(kinds(json.loads(done.stdout)), {})
        self.assertTrue(json.loads(done.stdout)["refused_untold"])
        self.assertEqual(done.stderr.count("not all system calls"), 1, done.stderr)

    @with_both
    def test_under_a_filter_that_asks(self):
        self.untold(self.words(self.spec("/bin/refused", "kinds"), "--json", "--runtime", self.runtime),
                    preexec_fn=in_a_filter_that_asks, close_fds=False)

    @with_both
    def test_a_runtime_of_before(self):
        path = shutil.which(self.runtime)
        real = shutil.copy(path, self.here / f"real-{self.runtime}")
        for version, told in (("1.0.3" if self.runtime == "runc" else "0.18", False), ("none", False), ("9.1", True)):
            wrapper = self.here / "wrapper"
            wrapper.write_text(OLDER.format(name=self.runtime, version=version, real=real))
            wrapper.chmod(0o755)
            words = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                     f'mount --bind {wrapper} {path} && exec "$@"', "sh",
                     *self.words(self.spec("/bin/refused", "kinds"), "--json", "--runtime", self.runtime)]
            with self.subTest(version=version):
                if not told:
                    self.untold(words)
                    continue
                done = subprocess.run(words, capture_output=True, check=True, env=CLEAN, stdin=subprocess.DEVNULL)
                self.assertGreater(len(kinds(json.loads(done.stdout))), 6)


@needs_machine
class InMachines(Told, Machines):
    """The first process of the machine answers, and tells through whoever runs it."""

    def test_each_kind_is_told_in_a_machine(self):
        self.each_kind_is_told()

    def test_a_flood_in_a_machine(self):
        """And what the job says besides, and its limits, are not held up by it."""
        self.a_flood()
        self.job("/bin/refused", "flood", more="[limits]\nmax_execution_seconds = 1\n", code=1, reason="JOB_TIME")

    def test_floods_hold_up_nothing(self):
        """What others of the job say is passed on, and the limits that the machine itself holds are held to, while
        thirty of its processes have calls refused as fast as they can."""
        script = ("i=0; while [ $i -lt 30 ]; do /bin/refused flood & i=$((i+1)); done; busybox sleep 1; echo heard; "
                  "busybox head -c 9000000 /dev/zero >/output/x; busybox sleep 100")
        result, said = self.job("/bin/busybox", "sh", "-c", script, code=1, reason="JOB_OUTPUT_LIMIT",
                                more='[limits]\nmax_output_bytes = "4M"\nmax_execution_seconds = 60\n')
        self.assertIn("heard\n", said)
        self.assertEqual(set(kinds(result)), {("mount", None)})
        self.assertFalse(result["refused_untold"])

    def test_many_within_a_line_in_a_machine(self):
        self.many_within_a_line()

    def test_streams_that_nobody_can_close_in_a_machine(self):
        self.streams_that_nobody_can_close()

    def test_many_threads_in_a_machine(self):
        self.many_threads()

    def test_those_that_are_killed_while_they_wait_in_a_machine(self):
        self.those_that_are_killed_while_they_wait()

    def test_a_job_answers_nothing_itself_in_a_machine(self):
        self.a_job_answers_nothing_itself()

    def test_soon_in_a_machine(self):
        run = self.is_told_soon()
        run.terminate()
        out, _ = run.communicate(timeout=60)
        self.assertEqual({kind for kind in kinds(json.loads(out))}, {("mount", None)})


@needs_sandbox
class ToAHouse(Jobs):
    """What --refused-fd says to a house, however it listens."""

    SCRIPT = "busybox chroot / /bin/true; cat /etc/shadow; cat /etc/shadow; echo tried; sleep 2"

    def setUp(self):
        super().setUp()
        self.house, self.run = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(self.house.close)
        self.addCleanup(self.run.close)
        self.house.settimeout(30)

    def begin(self, *command, **more):
        return subprocess.Popen(self.words(self.spec(*command, **more), "--json", "--refused-fd", self.run.fileno()),
                                pass_fds=[self.run.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=CLEAN)

    def take(self):
        """The next row: (rule, words, change, count)."""
        packet, texts = self.house.recv(4096), []
        count, rest = struct.unpack_from("<I", packet)[0], packet[4:]
        for size in ("<B", "<H", "<H"):
            length, at = struct.unpack_from(size, rest)[0], struct.calcsize(size)
            texts.append(rest[at:at + length].decode())
            rest = rest[at + length:]
        self.assertEqual(rest, b"")
        return (*texts, count)

    def end_of(self, run):
        out, said = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 0, said)
        result = json.loads(out)
        self.assertEqual(faults("run.json", result), [])
        return result["refusals"]

    def test_each_kind_once_while_it_runs(self):
        run = self.begin("/bin/sh", "-c", self.SCRIPT)
        rows = sorted(self.take() for _ in range(2))
        self.assertIsNone(run.poll())
        told = self.end_of(run)
        self.house.setblocking(False)
        self.assertRaises(BlockingIOError, self.house.recv, 4096)
        self.assertEqual([row[:3] for row in rows],
                         sorted((row["rule"], row["words"], row["change"]) for row in told))

    def test_one_that_reads_late(self):
        """The job waits for nobody; its run does, at its end."""
        self.run.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        run = self.begin("/bin/sh", "-c", "for n in 1 2 3 4 5 6 7 8; do cat /etc/$n /usr/bin/$n; done; echo done; exit 0")
        said = b""
        while b"done\n" not in said:
            said += os.read(run.stderr.fileno(), 4096)
        rows = []
        while run.poll() is None or select.select([self.house], [], [], 0)[0]:
            if select.select([self.house], [], [], 0.1)[0]:
                rows.append(self.take()[:3])
        self.assertEqual(sorted(rows), sorted((row["rule"], row["words"], row["change"]) for row in self.end_of(run)))
        self.assertEqual(len(rows), 16)

    def test_one_that_never_reads(self):
        """It is given up."""
        self.run.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        run = self.begin("/bin/sh", "-c", "for n in 1 2 3 4 5 6 7 8; do cat /etc/$n /usr/bin/$n; done; exit 0")
        self.assertEqual(len(self.end_of(run)), 16)

    def test_one_that_has_gone(self):
        self.house.close()
        run = self.begin("/bin/sh", "-c", self.SCRIPT)
        self.assertEqual(len(self.end_of(run)), 2)

    def test_what_is_no_descriptor(self):
        done = self.run_spec(self.spec("/bin/true"), "--refused-fd", "77")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--refused-fd 77 is no open descriptor", done.stderr)


class Table(unittest.TestCase):
    def test_no_call_is_left_out(self):
        """What the list does not have is told: each call that the headers name, but for clone3 and NUMBERS."""
        header = (BUILD / "src/sandbox/job_refused.h").read_text()
        told = set(re.findall(r'\.name = "(\w+)", \.number = SYS_\w+ }', header))
        partly = set(re.findall(r'\.name = "(\w+)", \.number = SYS_\w+, \.masked', header))
        lines = [line.split() for line in (ROOT / "src/sandbox/job.seccomp").read_text().splitlines()
                 if line and not line.startswith("#")]
        names = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").read_text()
        known = set(re.findall(r"#define __NR_(\w+) \d+", names))
        self.assertEqual(told, known - {line[0] for line in lines} - {"clone3"} - NUMBERS)
        self.assertEqual(partly, {line[0] for line in lines if len(line) > 1})


if __name__ == "__main__":
    tap.main()
