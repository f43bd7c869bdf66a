"""test_run_bombs.py - jobs that take all of one thing that there is (tests/sandbox/bomb.c): in a container of
each runtime and in a virtual machine each is held to what it has or ended for the limit that it passed,
while a job beside it goes on, a house answers, and the next job runs. How long those two take then is
measured by bench/run bombs. A few of each tier; with WARD_FULL all of all."""

import json
import os
import re
import subprocess
import sys
import threading
import time
import unittest

import tap
from commands import CLEAN, ROOT, faults
from machines import Machines, needs_machine
from sandboxes import BOMB, RUNTIMES, Jobs, begun, leftovers, needs_sandbox

sys.path.insert(0, str(ROOT / "tests/proc"))
import front_house as house  # noqa: E402  (the path is set just above)

MIB = 1 << 20
MEMORY, TIME, OUTPUT = "JOB_MEMORY", "JOB_TIME", "JOB_OUTPUT_LIMIT"
# What ends it in a container, and in a machine. Where that is its time the kernel gives it no more than it
# has; a machine has more memory than there is time to fill in small pieces, or refuses at another bound.
BOMBS = {"forks": (TIME, TIME), "daemons": (TIME, TIME), "threads": (TIME, TIME), "spins": (TIME, TIME),
         "executes": (TIME, TIME), "memory": (MEMORY, MEMORY), "memories": (MEMORY, MEMORY),
         "tables": (MEMORY, MEMORY), "maps": (MEMORY, TIME), "shared": (MEMORY, MEMORY),
         "messages": (MEMORY, MEMORY), "tmpfs": (MEMORY, MEMORY), "inodes-in-memory": (MEMORY, TIME),
         "inodes": (TIME, TIME), "disk": (TIME, TIME), "output": (OUTPUT, OUTPUT), "sparse": (OUTPUT, OUTPUT),
         "dentries": (TIME, TIME), "syncs": (TIME, TIME), "files": (MEMORY, TIME), "locks": (TIME, TIME),
         "timers": (TIME, TIME), "pipes": (MEMORY, TIME), "sockets": (MEMORY, MEMORY),
         "datagrams": (TIME, TIME), "streams": (MEMORY, TIME), "says": (TIME, TIME), "says-lines": (TIME, TIME)}
# Of those that end by their time: to these the kernel says no, and they say so.
HELD = {"forks", "daemons", "threads", "inodes", "disk"}
FEW = ("forks", "memories", "inodes", "says")
FEW_IN_MACHINES = ("forks", "output", "says", "memories", "tmpfs")
FULL = "WARD_FULL" in os.environ


def seconds_of(kind, tier):
    """What is ended for another reason has the time to come to it, on a slow machine too."""
    return 300 if BOMBS[kind][tier] != TIME else 4 if kind in HELD and tier == 0 else 2


def memory_of(kind):
    """MiB in a container: who is to come to another limit than that of memory has enough of it."""
    return 64 if BOMBS[kind][0] == MEMORY else 256


class Beside:
    """A job and a house that go on meanwhile; whatever of them does not is told at the end."""

    def __init__(self, jobs):
        self.jobs, self.over, self.answers = jobs, threading.Event(), []

    def __enter__(self):
        self.house = house.House(requests_per_second=100000, requests_burst=100000)
        self.house.__enter__()
        self.pids = {name: self.house.pid(name) for name in ("core", "front", "keeper")}
        spec = Jobs.spec(self.jobs, "/bin/neighbour", more='[resources]\nmemory = "16M"\ndisk = "16M"')
        self.neighbour = begun(self.jobs.words(spec, "--runtime", RUNTIMES[0]), b"neighbour up\n")
        self.asking = threading.Thread(target=self.ask)
        self.asking.start()
        return self

    def ask(self):
        with self.house.tls() as one:
            while not self.over.is_set():
                self.answers.append(house.ask(one, "GET", "/v1/system/ping")[0])
                time.sleep(0.02)

    def __exit__(self, *_):
        self.over.set()
        self.asking.join()
        self.neighbour.terminate()
        said, more = self.neighbour.communicate(timeout=60)
        pids = {name: self.house.pid(name) for name in self.pids}
        self.house.__exit__()
        self.jobs.assertIn(b"JOB_CANCELLED", more)
        turns = re.search(rb"neighbour turns (\d+) half \d+ most \d+\n$", said)
        self.jobs.assertGreater(int(turns.group(1)), 1, more)
        self.jobs.assertEqual((set(self.answers), pids), ({200}, self.pids))


class Running:
    """A bomb, of whose words the first are kept, however many there are."""

    def __init__(self, jobs, kind, expected, spec, options):
        self.jobs, self.kind, self.expected = jobs, kind, expected
        self.said = b""
        self.process = subprocess.Popen(jobs.words(spec, "--json", *options), env=CLEAN, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.reading = threading.Thread(target=self.read)
        self.reading.start()

    def read(self):
        while part := self.process.stderr.read1(MIB):
            self.said += part[:max(0, 65536 - len(self.said))]

    def end(self):
        """Its end is the one that it should have."""
        with self.process:
            result = json.loads(self.process.stdout.read())
            self.reading.join()
        self.jobs.assertEqual(faults("run.json", result), [])
        self.jobs.assertEqual(self.process.returncode, 1, self.said[:2000])
        self.jobs.assertIn(result["reason"], self.expected, self.said[:2000])
        return result


class Bombs:
    """What is the same in every tier; `rows` are kinds with what else tells one from another."""

    def limits(self, seconds, memory):
        return (f'[limits]\nmax_execution_seconds = {seconds}\nmax_memory_bytes = "{memory}M"\n'
                'max_output_bytes = "8M"\nmax_disk_bytes = "16M"\n'
                '[sandbox_config.filesystem_policy]\ntmpfs_size = "1G"\n')

    def begin(self, kind, expected, *options):
        path = self.spec("/bin/bomb", kind, more=self.more(kind))
        path = path.rename(path.with_name(f"{kind}{''.join(options)}.toml"))
        if kind == "sparse":  # what it leaves is counted as what it stands for when it is taken over
            options += ("--output", str(path.with_suffix(".out")))
        return Running(self, kind, expected, path, options)

    def blast(self, rows, at_once):
        with Beside(self):
            for first in range(0, len(rows), at_once):
                running = [self.begin(*row) for row in rows[first:first + at_once]]
                for bomb in running:
                    with self.subTest(kind=bomb.kind, row=rows[first:first + at_once]):
                        self.look(bomb, bomb.end())
                self.assertEqual(leftovers(), [])
            self.job("/bin/true")


@needs_sandbox
class Containers(Bombs, Jobs):
    def more(self, kind):
        return self.limits(seconds_of(kind, 0), memory_of(kind))

    def look(self, bomb, result):
        # What the kernel may not refuse to TCP can be some pages more.
        self.assertLessEqual(result["usage"]["memory_peak"], (memory_of(bomb.kind) + 1) * MIB)
        if bomb.kind in HELD:
            self.assertIn(b"held\n", bomb.said)

    def test_each_is_held(self):
        kinds = subprocess.run([BOMB, "kinds"], capture_output=True, check=True, text=True).stdout.split()
        self.assertEqual(kinds, list(BOMBS))
        self.blast([(kind, {BOMBS[kind][0]}, "--runtime", runtime) for kind in (kinds if FULL else FEW)
                    for runtime in RUNTIMES], at_once=8)

    def test_what_is_in_sockets(self):
        """Nobody has read it, and no memory of any process is it; of the machine it is all the same. A socket
        may have a page of it whatever the limit says, and is itself counted as memory."""
        before, most = in_sockets(), 0
        running = [self.begin(kind, {BOMBS[kind][0]}, "--runtime", runtime) for kind in ("datagrams", "streams")
                   for runtime in RUNTIMES]
        while any(bomb.process.poll() is None for bomb in running):
            most = max(most, in_sockets())
            time.sleep(0.02)
        for bomb in running:
            bomb.end()
        self.assertLess(most - before, len(running) * (256 // 16 + 64) * MIB)


def in_sockets():
    """Bytes of this machine's memory in sockets of TCP and UDP, of whatever network."""
    with open("/proc/net/sockstat", encoding="ascii") as stat:
        pages = re.findall(r"(?m)^(?:TCP|UDP): .*mem (\d+)$", stat.read())
    return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE")


@needs_machine
class InMachines(Bombs, Machines):
    def more(self, kind):
        return '[resources]\nmemory = "64M"\ndisk = "8M"\n' + self.limits(seconds_of(kind, 1), 256)

    def look(self, bomb, result):
        self.assertLessEqual(result["usage"]["memory_peak"], (256 + 256) * MIB)

    def test_each_is_held_in_a_machine(self):
        self.blast([(kind, {BOMBS[kind][1]}) for kind in (BOMBS if FULL else FEW_IN_MACHINES)], at_once=3)


if __name__ == "__main__":
    tap.main()
