"""test_processes.py - docs/processes.md and the running house: what the kernel says of each
process is what the page says, also after it was killed and started again."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ["WARD_BUILD"])
sys.path.insert(0, str(ROOT / "tools"))
import processes  # noqa: E402

NOBODY = 65534
ROOT_USER = os.geteuid() == 0
KNOWN = processes.processes(ROOT)
BY_PROGRAM = {f"ward-{process.name}": process for process in KNOWN}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def status_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def limit_of(pid, name):
    text = pathlib.Path(f"/proc/{pid}/limits").read_text()
    return re.search(rf"{name} +(\S+) +(\S+)", text).groups()


def children_of(pid):
    """{program: pid} of what a process started."""
    found = {}
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found[pathlib.Path(f"/proc/{child}/comm").read_text().strip()] = int(child)
    return found


def kinds_of_fds(pid):
    """Every descriptor: its number, and what it leads to."""
    found = {}
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        is_ = link.stat()
        if stat.S_ISCHR(is_.st_mode) and is_.st_rdev == os.makedev(1, 3):
            kind = "null"
        elif stat.S_ISSOCK(is_.st_mode):
            kind = "socket"
        elif os.readlink(link).startswith("anon_inode:"):
            kind = "anonymous"
        else:
            kind = pathlib.Path(os.readlink(link)).name
        found[int(link.name)] = kind
    return found


class House:
    """A house of its own folder and port, as this user or as another one."""

    def __init__(self, user=None):
        self.user = user
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ward-processes-"))
        self.state = self.folder / "state"
        self.programs = BUILD
        if user is not None:
            self.lend_programs(user)

    def lend_programs(self, user):
        """The other user may not be let into the build folder: it gets copies."""
        os.chown(self.folder, user, user)
        self.programs = self.folder / "build"
        (self.programs / "src/proc").mkdir(parents=True)
        (self.programs / "src/cmd").mkdir()
        for name in ("ward", "src/cmd/ward-commands", "src/proc/ward-monitor", *(f"src/proc/{each}" for each in BY_PROGRAM)):
            shutil.copy(BUILD / name, self.programs / name)

    def ward(self, *words):
        as_user = {} if self.user is None else {"user": self.user, "group": self.user,
                                                "extra_groups": []}
        return subprocess.run([str(self.programs / "ward"), *map(str, words)], capture_output=True,
                              text=True, check=False, timeout=40, stdin=subprocess.DEVNULL,
                              cwd="/", **as_user)

    def __enter__(self):
        try:
            done = self.ward("up", "--state", self.state, "--listen", f"127.0.0.1:{free_port()}")
            if done.returncode:
                raise AssertionError(f"ward up: {done.stdout}{done.stderr}")
            self.monitor = self.find_monitor()
        except BaseException:
            self.__exit__()
            raise
        return self

    def find_monitor(self):
        """Who started those of whom the log says that they are ready."""
        pids = re.findall(r" ready name=\w+ pid=(\d+)", (self.state / "ward.log").read_text())
        return int(status_of(pids[-1])["PPid"])

    def children(self):
        """All of them, once they are ready."""
        until = time.monotonic() + 15
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                found = children_of(self.monitor)
                if set(found) == set(BY_PROGRAM) and all(
                        status_of(pid)["Seccomp"] == "2" or self.stays_root(program)
                        for program, pid in found.items()):
                    return found
            time.sleep(0.05)
        raise AssertionError((self.state / "ward.log").read_text()[-2000:])

    def stays_root(self, program):
        """It makes sandboxes, in a house of root's alone (ADR 0029)."""
        return program == "ward-runner" and ROOT_USER and self.user is None

    def __exit__(self, *_):
        if self.state.exists():
            self.ward("down", "--state", self.state, "--purge", "--yes")
        shutil.rmtree(self.folder, ignore_errors=True)


class TestProcesses(unittest.TestCase):
    def judge(self, house, as_root):
        for program, pid in house.children().items():
            if house.stays_root(program):
                self.assertEqual(status_of(pid)["Uid"].split(), ["0"] * 4)
                self.assertEqual(limit_of(pid, "Max core file size"), ("0", "0"))
                continue
            with self.subTest(program):
                self.judge_status(BY_PROGRAM[program], pid, as_root)
                self.judge_limits(BY_PROGRAM[program], pid)
                if ROOT_USER:  # to others a process that leaves no core shows none of them
                    self.judge_fds_soon(BY_PROGRAM[program], pid)

    def judge_fds_soon(self, process, pid):
        """A neighbour that starts again is a channel less for as long as that takes."""
        end = time.monotonic() + 5
        while True:
            try:
                return self.judge_fds(process, pid)
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def judge_status(self, process, pid, as_root):
        status = status_of(pid)
        user = 61200 + process.number if as_root else NOBODY if ROOT_USER else os.geteuid()
        self.assertEqual(status["Uid"].split(), [str(user)] * 4)
        self.assertEqual(status["Gid"].split(), [str(user)] * 4 if as_root else status["Gid"].split())
        if as_root:
            self.assertIn(status["Groups"].split(), ([], [str(user)]))
            self.assertEqual(int(status["CapBnd"], 16), 0)
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2")
        self.assertEqual(status["Threads"], "1")

    def judge_limits(self, process, pid):
        self.assertEqual(limit_of(pid, "Max open files"), (str(process.fds),) * 2)
        self.assertEqual(limit_of(pid, "Max file size"), (str(process.file_bytes),) * 2)
        self.assertEqual(limit_of(pid, "Max core file size"), ("0", "0"))
        if not process.forks:
            self.assertEqual(limit_of(pid, "Max processes"), ("0", "0"))

    def judge_fds(self, process, pid):
        kinds = kinds_of_fds(pid)
        self.assertEqual([kinds[0], kinds[1], kinds[2]], ["null", "null", "ward.log"])
        rest = [kinds[fd] for fd in kinds if fd > 2]
        listeners = {file for file in process.files if file.endswith("LISTENER")}
        self.assertEqual(rest.count("socket"), 1 + len(process.peers) + len(listeners))
        # Core opens its store before the jail; all others what they wait for many with.
        own = sum(kind == "anonymous" or kind.startswith("ward.db") for kind in rest)
        store = sum(kind.startswith("ward.db") for kind in rest)
        # The runner opens what it has for jobs as root alone.
        if process is not BY_PROGRAM["ward-runner"]:
            self.assertGreaterEqual(own, process.opened)
        self.assertEqual(len(rest) - own, 1 + len(process.peers) + len(process.files))
        self.assertLessEqual(store, 4)

    def test_each_is_what_the_page_says(self):
        with House() as house:
            self.judge(house, ROOT_USER)
            if not ROOT_USER:
                return
            own = os.readlink("/proc/self/ns/net")
            networks = {program: os.readlink(f"/proc/{pid}/ns/net")
                        for program, pid in house.children().items()
                        if not house.stays_root(program)}
            self.assertNotIn(own, networks.values())
            for program, network in networks.items():
                shared = list(networks.values()).count(network) > 1
                self.assertEqual(shared, not BY_PROGRAM[program].network, program)

    def test_without_root_it_has_the_same_walls_on_one_user(self):
        with House(NOBODY if ROOT_USER else None) as house:
            self.judge(house, as_root=False)

    def test_who_was_killed_comes_back_the_same(self):
        with House() as house:
            before = house.children()
            for pid in before.values():
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.5)
            until = time.monotonic() + 15
            while set(house.children().values()) & set(before.values()):
                self.assertLess(time.monotonic(), until)
            time.sleep(0.5)  # their peers are told
            self.judge(house, ROOT_USER)

    def test_what_lies_there_later_is_not_started(self):
        """An upgrade, or an intruder, puts other files under the names: the house that runs goes
        on with those that it opened."""
        with House(NOBODY if ROOT_USER else os.geteuid()) as house:
            before = house.children()
            for program, pid in before.items():
                path = house.programs / "src/proc" / program
                path.unlink()
                path.write_text("no program\n")
                os.kill(pid, signal.SIGKILL)
            until = time.monotonic() + 15
            while set(house.children().values()) & set(before.values()):
                self.assertLess(time.monotonic(), until)

    def test_who_was_stopped_and_continued_lives(self):
        with House() as house:
            before = house.children()
            for number in (signal.SIGSTOP, signal.SIGCONT) * 2:
                for pid in before.values():
                    os.kill(pid, number)
                time.sleep(0.2)
            self.assertEqual(house.children(), before)


tap.main()
