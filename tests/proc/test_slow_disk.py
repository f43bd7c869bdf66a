"""test_slow_disk.py - a whole house whose disk takes two seconds to write anything through, or takes
64 KiB in a second: what must be logged is refused in time or done once, nothing piles up, the house
says why, and it is as before when the disk is.

WARD_FULL=1 in the environment: 20 times five minutes."""

import contextlib
import os
import pathlib
import re
import socket
import struct
import tempfile
import threading
import time
import unittest

import contract
import disturbed
import lodger
from lodger import House, wait_for
from logged_clients import Clients, says_why

FULL = os.environ.get("WARD_FULL") == "1"
ROUNDS, SECONDS = (10, 300) if FULL else (1, 5)
WRITERS = ("audit", "keeper", "core")
PILE_KB = 16 << 10  # what a process may have more than before
WAITING = 300       # requests of one client that waits for no answer
SOON_S = 5          # each answer comes in a second, and a machine that is busy has this
SLACK_S = 1


def memory(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^VmRSS:\s+(\d+)", text, re.M)[1])


class Disk:
    """What bad_disk.c looks at."""

    def __init__(self, path):
        self.path = path
        self.path.touch()
        self.set()

    def set(self, sync_ms=0, bytes_a_second=0, broken=False):
        # In place: processes have it mapped, and a file that is cut first kills who looks then.
        with open(self.path, "r+b") as file:
            file.write(struct.pack("<4Q", 0, broken, sync_ms, bytes_a_second))


class Slow(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ward-slow-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.rotated = [0, 0]  # for certain, at most
        self.disk = Disk(self.folder / "disk")
        self.programs = disturbed.build(self.folder / "build", [
            "/usr/bin/env", f"LD_PRELOAD={lodger.BUILD}/tests/proc/bad_disk.so",
            f"WARD_BAD_DISK={self.disk.path}"], WRITERS)

    def test_slow_disk(self):  # proves: RL-52
        with House(programs=self.programs) as house:
            clients = Clients(house)
            self.assertEqual(clients.ask(), 200)
            before = self.processes(house)
            sizes = {pid: memory(pid) for pid in before.values()}
            for _ in range(ROUNDS):
                self.throttled(house, clients)
                self.not_in_time(house, clients)
            self.assertEqual(self.processes(house), before, (house.state / "ward.log").read_text())
            grown = {name: memory(pid) - sizes[pid] for name, pid in before.items()}
            self.assertLess(max(grown.values()), PILE_KB, grown)
            house.down()
            house.up()
            self.assertEqual(clients.ask(), 200)
            clients.check(house.records())
            self.assertIn(len(house.records("key.rotate")), range(self.rotated[0],
                                                                  self.rotated[1] + 1))

    @staticmethod
    def processes(house):
        return {name: house.process(name) or house.monitor()
                for name in ("monitor", "verify", "front", *WRITERS)}

    @contextlib.contextmanager
    def load(self, house, clients, **fault):
        """Clients that wait for an answer, one that rotates a key, and one that waits for nothing:
        what it asks piles up, or not."""
        end = threading.Event()
        jobs = [(clients.ask, 30)] * 6 + [(self.rotate, house), (self.pour, house)]
        threads = [threading.Thread(target=self.again, args=(end, *job)) for job in jobs]
        self.disk.set(**fault)
        for thread in threads:
            thread.start()
        try:
            yield time.monotonic() + SECONDS
        finally:
            self.disk.set()
            end.set()
            for thread in threads:
                thread.join()

    @staticmethod
    def again(end, act, argument):
        while not end.is_set():
            with contextlib.suppress(OSError):
                act(argument)

    def rotate(self, house):
        done = house.command("keyring", "rotate", "tls", "--yes")
        self.rotated[0] += done.returncode == 0
        self.rotated[1] += 1
        time.sleep(0.2)

    @staticmethod
    def pour(house):
        with contract.Watched(socket.socket(socket.AF_UNIX)) as one:
            one.settimeout(30)
            one.connect(str(house.state / "run/ward.sock"))
            one.sendall(b"GET /v1/system/config HTTP/1.1\r\nHost: ward\r\n\r\n" * WAITING)
            one.shutdown(socket.SHUT_WR)
            while one.recv(65536):
                pass

    def asks_nothing_of_the_disk(self, house, until):
        """What needs no record is answered as ever."""
        while time.monotonic() < until:
            begin = time.monotonic()
            self.assertEqual(house.ask("system/ping", timeout=30)[0], 200)
            self.assertLess(time.monotonic() - begin, SOON_S)
            yield
            time.sleep(0.02)

    def throttled(self, house, clients):
        """What can be logged in time is; of more, some is refused."""
        good = len(clients.good)
        with self.load(house, clients, bytes_a_second=64 << 10) as until:
            for _ in self.asks_nothing_of_the_disk(house, until):
                pass
        self.assertGreater(len(clients.good), good + 50)
        self.assertLessEqual(set(clients.refused.values()), {"AUDIT_CANNOT_LOG"})

    def not_in_time(self, house, clients):
        good = len(clients.good)
        clients.refused, clients.slowest = {}, 0
        with self.load(house, clients, sync_ms=2000) as until:
            wait_for(lambda: clients.refused)
            for _ in self.asks_nothing_of_the_disk(house, until):
                self.assertTrue(says_why(house))
        self.assertGreater(len(clients.refused), 10)
        self.assertEqual(set(clients.refused.values()), {"AUDIT_CANNOT_LOG"})
        self.assertLess(clients.slowest, 1 + SLACK_S)
        wait_for(lambda: clients.ask() == 200, 30)
        self.assertFalse(says_why(house))
        clients.refused = {}


if __name__ == "__main__":
    import tap
    tap.main()
