#!/usr/bin/env python3
"""bombs.py - the cases of suite bombs that are about jobs: how long a job, and a house, take for what they do
while a job beside them takes all of one thing that there is, against the same two left alone in between.

The bombs are those of tests/cmd/test_run_bombs.py. Called by bench/run; prints the lines that bench.h
describes. As root, with control groups."""

import contextlib
import os
import pathlib
import re
import signal
import statistics
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent

import house as houses

KINDS = ("forks", "threads", "spins", "memories", "tmpfs", "inodes", "files", "dentries", "syncs", "says",
         "sockets", "datagrams")
TIERS = ("crun", "runc", "vm")
LOOK_S, PAUSE_S = 4, 0.005


def tests(bench):
    os.environ["WARD_BUILD"] = str(bench.build)
    sys.path += [str(HERE.parent / "tests"), str(HERE.parent / "tests/cmd")]
    import machines
    import sandboxes
    if not sandboxes.has_groups():
        raise houses.NoFigure("skip", "no root or control groups")
    if not os.path.exists(machines.QEMU):
        raise houses.NoFigure("skip", "no QEMU")
    import test_run_bombs
    return test_run_bombs


class Again:
    """A bomb that is begun again whenever it has ended, until it is enough."""

    def __init__(self, jobs, *row):
        self.jobs, self.row, self.enough = jobs, row, threading.Event()
        self.bomb = self.begin()
        self.thread = threading.Thread(target=self.go_on)
        self.thread.start()

    def begin(self):
        self.jobs.setUp()  # a folder of its own
        return self.jobs.begin(*self.row)

    def go_on(self):
        while not self.enough.is_set():
            if self.bomb.process.poll() is not None:
                self.bomb.end()
                self.bomb = self.begin()
            time.sleep(0.01)

    def close(self):
        self.enough.set()
        self.thread.join()
        with self.bomb.process as process:
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
            self.bomb.reading.join()


class Bombs:
    """One run for both cases: {(tier, bomb) or None: the times that 99 of 100 took no longer than}."""

    def __init__(self, bench):
        self.test = tests(bench)
        self.turns, self.answers = {}, {}
        with contextlib.ExitStack() as stack:
            self.house = stack.enter_context(
                self.test.house.House(requests_per_second=100000, requests_burst=100000))
            containers = self.jobs(stack, self.test.Containers, "test_each_is_held")
            self.beside = self.test.Containers("test_each_is_held")
            self.beside.setUp()
            of_machines = self.jobs(stack, self.test.InMachines, "test_each_is_held_in_a_machine")
            for tier in TIERS:
                for kind in KINDS:
                    self.look()
                    row = (of_machines, kind, self.test.ends_in_machine(kind)) if tier == "vm" else \
                        (containers, kind, {self.test.BOMBS[kind][0]}, "--runtime", tier)
                    with contextlib.closing(Again(*row)) as bomb:
                        self.wait_for(bomb, tier)
                        self.look((tier, kind))
        for name, found in (("a job", self.turns), ("the house", self.answers)):
            for tier in TIERS:
                worst = max((key for key in found if key and key[0] == tier), key=lambda key: found[key][0])
                houses.remark(f"bombs: {name} beside one in {tier}: worst beside {worst[1]}, "
                              f"{found[worst][0]:.0f} us; half of the bombs "
                              f"{statistics.median(found[key][0] for key in found if key and key[0] == tier):.0f} us")

    @staticmethod
    def jobs(stack, cls, name):
        cls.setUpClass()
        stack.callback(cls.doClassCleanups)
        one = cls(name)
        one.setUp()
        return one

    def wait_for(self, bomb, tier):
        """Until a machine has begun, of which nothing tells but its time."""
        time.sleep(6 if tier == "vm" else 0.5)
        if not bomb.thread.is_alive():
            raise houses.Fault(f"{bomb.row[1]} in {tier} has ended otherwise than it should")

    def look(self, key=None):
        spec = self.beside.spec("/bin/neighbour")
        neighbour = self.test.begun(self.beside.words(spec, "--runtime", "crun"), b"neighbour up\n")
        self.answers.setdefault(key, []).append(self.ask())
        neighbour.terminate()
        said = neighbour.communicate(timeout=60)[0]
        found = re.search(rb"most (\d+)\n$", said)
        if not found:
            raise houses.Fault(f"the job beside {key}: {said}")
        self.turns.setdefault(key, []).append(float(found.group(1)))

    def ask(self):
        """Of the house, by one who is not kept waiting for a processor himself."""
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -15)
        taken, end = [], time.monotonic() + LOOK_S
        with self.house.tls() as one:
            while time.monotonic() < end:
                begin = time.perf_counter()
                if self.test.house.ask(one, "GET", houses.PING)[0] != 200:
                    raise houses.Fault("the house does not answer")
                taken.append(1e6 * (time.perf_counter() - begin))
                time.sleep(PAUSE_S)
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 0)
        return sorted(taken)[len(taken) * 99 // 100]


def worst(found):
    """(beside the worst of them, alone)"""
    alone = found[None]
    quiet = statistics.median(alone)
    if statistics.quantiles(alone, n=4)[2] > 2 * min(alone):
        raise houses.NoFigure("disturbed", "other work has the cores")
    return max(times[0] for key, times in found.items() if key), quiet


def once(bench, kept=[]):
    if not kept:
        kept.append(Bombs(bench))
    return kept[0]


CASES = {"bombs-neighbour": lambda bench: worst(once(bench).turns),
         "bombs-house": lambda bench: worst(once(bench).answers)}


if __name__ == "__main__":
    sys.exit(houses.main(CASES, "bombs.py"))
