"""test_run_reserve.py - what one job has reserved no other can: of all that ask at once as many run as
there is room for, and what is given back, however a run ended, can be had again. In places of their
own: other tests' jobs reserve too."""

import json
import os
import subprocess
import sys
import unittest

import tap
from commands import CLEAN
from sandboxes import Jobs, in_places_of_its_own, needs_sandbox

MIB = 1 << 20

# Runs what standard input asks for, a line each: "begin NAME WORDS", "kill NAME SIGNAL", "end NAME";
# says what became of it. All in the places of one world.
KEEPER = """
import json, os, subprocess, sys
runs = {}
for line in sys.stdin:
    what, name, rest = json.loads(line)
    if what == "begin":
        run = runs[name] = subprocess.Popen(rest, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE)
        answer = None
    elif what == "said":
        answer = runs[name].stderr.readline().decode()
    elif what == "kill":
        runs[name].send_signal(rest)
        answer = None
    elif what == "end":
        out, said = runs.pop(name).communicate(timeout=120)
        answer = json.loads(out) if out else said.decode()
    print(json.dumps(answer), flush=True)
"""


def lent():
    """The memory that this machine has for a job: a sixteenth, and 256 MiB at least, stay its own."""
    most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return most - max(most // 16, 256 * MIB)


class World:
    """Places that no other job has, and runs in them."""

    def __init__(self, test, size):
        self.test, self.count = test, 0
        self.keeper = subprocess.Popen(in_places_of_its_own([sys.executable, "-c", KEEPER], size),
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=CLEAN)
        test.addCleanup(self.close)

    def close(self):
        self.keeper.stdin.close()
        self.keeper.wait(timeout=60)
        self.keeper.stdout.close()

    def ask(self, what, name, rest=None):
        print(json.dumps([what, name, rest]), file=self.keeper.stdin, flush=True)
        return json.loads(self.keeper.stdout.readline())

    def begin(self, more, script):
        """A run that is begun: its name here."""
        self.count += 1
        spec = self.test.spec("/bin/sh", "-c", script, more=more)
        apart = spec.with_name(f"{self.count}.toml")
        spec.rename(apart)
        self.ask("begin", self.count, [str(word) for word in self.test.words(apart, "--json", "--runtime", "crun")])
        return self.count

    def up(self, name):
        """Waits until it has said so."""
        self.test.assertEqual(self.ask("said", name), "up\n")

    def end(self, name):
        return self.ask("end", name)

    def run(self, more, script="true"):
        return self.end(self.begin(more, script))


def reserved(memory=16 * MIB, disk=MIB, more=""):
    return (f'[resources]\nmemory = "{memory >> 10}K"\ndisk = "{disk >> 10}K"\n[limits]\n'
            f'max_memory_bytes = "900000G"\nmax_disk_bytes = "900000G"\n{more}')


@needs_sandbox
class Reservations(Jobs):
    def test_of_many_at_once_as_many_run_as_fit(self):
        world = World(self, "2g")
        each = reserved(memory=lent() // 10 >> 10 << 10)
        runs = [world.begin(each, "echo up >&2; sleep 300") for _ in range(60)]
        lines = [world.ask("said", run) for run in runs]
        up = [run for run, line in zip(runs, lines) if line == "up\n"]
        self.assertEqual(len(up), 10, lines)
        refused = [world.end(run)["reason"] for run in runs if run not in up]
        self.assertEqual(refused, ["JOB_CAPACITY"] * 50)
        for run in up:
            world.ask("kill", run, 15)
        self.assertEqual({world.end(run)["reason"] for run in up}, {"JOB_CANCELLED"})
        self.assertEqual(world.run(reserved(memory=lent() >> 10 << 10))["reason"], "OK")

    def test_memory_that_stays_the_machines(self):
        """All that a machine lends can be reserved, and not a KiB more; a ceiling comes down to it."""
        world = World(self, "2g")
        self.assertEqual(world.run("")["limits"]["memory"], min(16 << 30, lent()))
        whole = world.run(reserved(memory=lent() >> 10 << 10))
        self.assertEqual((whole["reason"], whole["limits"]["memory"]), ("OK", lent()))
        refused = world.run(reserved(memory=(lent() >> 10 << 10) + 1024))
        self.assertEqual(refused["reason"], "JOB_CAPACITY")
        self.assertIn(f"this machine has {lent()} left for a job", refused["detail"])

    def test_what_others_have_reserved_is_not_lent(self):
        """Neither as a reservation nor under a ceiling."""
        world = World(self, "1g")
        held = world.begin(reserved(memory=1024 * MIB), "echo up >&2; sleep 300")
        world.up(held)
        left = lent() - 1024 * MIB
        refused = world.run(reserved(memory=(left >> 10 << 10) + 1024))
        self.assertEqual(refused["reason"], "JOB_CAPACITY")
        self.assertIn(f"this machine has {left} left for a job", refused["detail"])
        beside = world.run(reserved(memory=left >> 10 << 10))
        self.assertEqual((beside["reason"], beside["limits"]["memory"]), ("OK", left))
        world.ask("kill", held, 9)
        world.end(held)
        self.assertEqual(world.run(reserved(memory=lent() >> 10 << 10))["reason"], "OK")

    def test_of_the_disk_what_is_written_counts_once(self):
        """On a disk of 1 GiB: what a job has written of its own is not free, and no longer reserved."""
        world = World(self, "1g")
        held = world.begin(reserved(disk=600 * MIB),
                           "dd if=/dev/zero of=/open/big bs=1M count=300 2>/dev/null && sync -f /open/big && echo up >&2; sleep 300")
        world.up(held)
        refused = world.run(reserved(disk=450 * MIB))
        self.assertEqual(refused["reason"], "JOB_CAPACITY")
        self.assertIn("resources.disk", refused["detail"])
        beside = world.run(reserved(disk=350 * MIB))
        self.assertEqual(beside["reason"], "OK")
        self.assertLess(beside["limits"]["disk"], 450 * MIB)
        world.ask("kill", held, 15)
        world.end(held)
        self.assertEqual(world.run(reserved(disk=900 * MIB))["reason"], "OK")


if __name__ == "__main__":
    tap.main()
