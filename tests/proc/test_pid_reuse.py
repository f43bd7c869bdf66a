"""test_pid_reuse.py - numbers of processes are used again at once: a house in a namespace that has a
hundred of them, in a storm of forks. Whoever gets the number of a process of the house that fell is
a stranger, and no signal of the house or the command ever reaches one.

WARD_FULL=1 in the environment: 300 processes that fall."""

import contextlib
import os
import pathlib
import platform
import re
import signal
import subprocess
import sys
import threading
import time
import unittest

import house as houses
from house import House, lives, until
from house_load import BACK_S, kill

ROOT = pathlib.Path(__file__).resolve().parents[2]
FULL = os.environ.get("WARD_FULL") == "1"
FALLS = 300 if FULL else 10
PID_MAX = pathlib.Path("/proc/sys/kernel/pid_max")
FIRST, SMALL = 300, 400  # the kernel takes no less than 301, and begins anew at 300


def has_its_own():
    """Only where each namespace has a limit of its own may one be lowered: Linux 6.14."""
    release = tuple(int(part) for part in platform.release().split(".")[:2])
    return release >= (6, 14) and os.geteuid() == 0 and subprocess.run(
        ["unshare", "-pf", "--mount-proc", "true"], check=False, capture_output=True).returncode == 0


class Strangers:
    """Processes that sleep under numbers that a process of the house had."""

    def __init__(self):
        self.pids = []

    def take(self, number, house):
        """Forks until one has the number; it stays, and all that shall befall it is nothing. Not
        when the house has the number again."""
        def one():
            pid = os.fork()
            if pid == 0:
                signal.pthread_sigmask(signal.SIG_SETMASK, set())
                if os.getpid() == number:
                    while True:
                        signal.pause()
                os._exit(0)
            if pid == number:
                return True
            os.waitpid(pid, 0)
            return False
        until(lambda: one() or number in house.processes().values(), 30, 0)
        if number not in house.processes().values():
            self.pids.append(number)

    def hurt(self):
        """Those that are not as they were."""
        return [pid for pid in self.pids if os.waitpid(pid, os.WNOHANG | os.WUNTRACED) != (0, 0)]

    def end(self):
        for pid in self.pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def come_and_go():
    """The number of a process that was."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def storm(end):
    while not end.is_set():
        come_and_go()
        time.sleep(0.0005)


def inside():
    PID_MAX.write_text(str(SMALL))
    until(lambda: come_and_go() >= FIRST, 30, 0)  # what is below is not used again
    strangers, end = Strangers(), threading.Event()
    forks = threading.Thread(target=storm, args=(end,), daemon=True)
    forks.start()
    with House() as house:
        house.up()
        for fall in range(FALLS):
            name = houses.NAMES[fall % len(houses.NAMES)]
            number = until(lambda name=name: house.processes().get(name), 30)
            kill(number)
            until(lambda number=number: not os.path.exists(f"/proc/{number}"), BACK_S)
            if fall < 2 * len(houses.NAMES):
                strangers.take(number, house)
            house.until_works(30)
        assert not strangers.hurt(), strangers.hurt()
        monitor = house.monitor()
        kill(monitor)
        until(lambda: not os.path.exists(f"/proc/{monitor}"), BACK_S)
        strangers.take(monitor, house)
        for command in ("reload", "down"):  # the lock's file still has the number
            house.run(command)
        assert not strangers.hurt(), strangers.hurt()
        house.up()
        assert house.monitor() not in strangers.pids
        house.until_works(BACK_S)
        assert house.run("down").returncode == 0
        assert not strangers.hurt(), strangers.hurt()
        assert len(strangers.pids) > len(houses.NAMES) and all(map(lives, strangers.pids))
        print(f"# {FALLS} fell, {len(strangers.pids)} numbers were used again")
        # What would be seen: somebody signals by number.
        os.kill(monitor, signal.SIGTERM)
        time.sleep(0.1)
        assert strangers.hurt() == [monitor]
        strangers.end()
        end.set()
        forks.join()


class PidReuse(unittest.TestCase):
    def test_signals_go_by_descriptor(self):
        """By number signals are sent to children that nobody has waited for yet: one of the
        monitor's, a run of the runner's, one that unpacks an image, those beside and in a sandbox, and the first process of a
        machine's job."""
        found = [str(path.relative_to(ROOT / "src")) for path in sorted((ROOT / "src").rglob("*.c"))
                 for _ in re.findall(r"\b(?:t?g?kill|killpg|sigqueue)\(", path.read_text())]
        self.assertEqual(found, ["guest/watch.c", "guest/watch.c", "machine/begin.c",
                                 "proc/monitor/children.c", "proc/runner/job.c", "sandbox/converse.c",
                                 "sandbox/import.c", "sandbox/supervise.c", "sandbox/supervise.c"])

    @unittest.skipUnless(has_its_own(), "root, and a pid_max of each namespace (Linux 6.14)")
    def test_never_a_stranger(self):  # proves: RL-32
        before = PID_MAX.read_text()
        # The shell is the first process there, and waits for all whose parent is gone.
        done = subprocess.run(["unshare", "-pf", "--mount-proc", "--kill-child", "sh", "-c",
                               '"$0" -B "$@"; exit $?', sys.executable, __file__, "inside"],
                              capture_output=True, text=True, timeout=280, check=False)
        self.assertEqual(PID_MAX.read_text(), before)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(done.stdout, end="")


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        inside()
    else:
        import tap
        tap.main()
