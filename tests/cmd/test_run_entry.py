"""test_run_entry.py - what a job begins with: three descriptors, which are pipes, and a folder of its own, at
every launch and whatever the caller had open. With WARD_FULL ten thousand launches."""

import os
import re
import socket
import subprocess
import tempfile

import tap
from commands import CLEAN
from machines import Machines, needs_machine
from sandboxes import RUNTIMES, Jobs, leftovers, needs_sandbox

LAUNCHES = 10000 if "WARD_FULL" in os.environ else 16
AT_ONCE = 4


class Entry:
    def open_more(self):
        """What a caller may have left open to whoever it starts, at numbers low and high."""
        folder = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
        listener, other = socket.socketpair()
        self.addCleanup(listener.close)
        self.addCleanup(other.close)
        kinds = [os.open("/etc/shadow", os.O_RDONLY), folder, os.open(self.here, os.O_PATH), listener.fileno(),
                 os.open("/proc/self/ns/mnt", os.O_RDONLY), os.memfd_create("more"), os.eventfd(0)]
        self.opened = [os.dup2(kind, number) for kind, number in zip(kinds, (40, 41, 42, 43, 44, 200, 1000))]
        for kind in kinds[:3] + kinds[4:]:
            os.close(kind)
        for number in self.opened:
            self.addCleanup(os.close, number)

    def begin(self, *options):
        said = tempfile.TemporaryFile()
        return subprocess.Popen(self.words(self.begins, *options), env=CLEAN, stdin=subprocess.DEVNULL, stdout=said,
                                stderr=subprocess.DEVNULL, pass_fds=self.opened), said

    def see(self, launch):
        process, said = launch
        self.assertEqual(process.wait(timeout=200), 0)
        said.seek(0)
        lines = said.read().decode().splitlines()
        said.close()
        self.assertEqual(lines[0], "cwd /")
        self.assertEqual([re.sub(r"\[\d+\]$", "", line) for line in lines[1:]],
                         ["fd 0 pipe:", "fd 1 pipe:", "fd 2 pipe:"])
        self.assertEqual(len(set(lines[1:])), 3)

    def launch(self, options, count):
        """Each is looked at, and of all of them nothing is left."""
        self.open_more()
        self.begins = self.spec("/bin/probe", "entry")
        running = []
        for number in range(count):
            running.append(self.begin(*options[number % len(options)]))
            if len(running) == AT_ONCE:
                self.see(running.pop(0))
        for launch in running:
            self.see(launch)
        self.assertEqual(leftovers(), [])
        print(f"# {count} launches")


@needs_sandbox
class Containers(Entry, Jobs):
    def test_what_it_begins_with(self):  # proves: RL-38 RL-44
        self.launch([("--runtime", runtime) for runtime in RUNTIMES], LAUNCHES)


@needs_machine
class InMachines(Entry, Machines):
    def test_what_it_begins_with_in_a_machine(self):  # proves: RL-38
        self.launch([()], LAUNCHES // 10 if LAUNCHES > 16 else 1)


if __name__ == "__main__":
    tap.main()
