"""test_house_faults_disk.py - a whole house on a disk that is full or out of names: what
must be logged is refused with a reason, the rest goes on, nothing is done twice, and it resumes
by itself."""

import contextlib
import ctypes
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import unittest

import auditor
import lodger
from lodger import House, wait_for
from logged_clients import Clients, says_why, trace
from rl_tool import FULL, SEED, may_mount, needs_root

CLONE_NEWNS = 0x20000
FREE = ("system/ping", "audit/head")  # what asks for no record


def alone():
    """What is mounted from here on is nobody else's, and gone with this process."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class Checker(unittest.TestCase):
    """What Clients.check must see."""

    def test_bugs(self):
        clients = Clients(None)
        clients.good = {0, 1}
        rows = [{"action": "config.read", "trace_id": trace(number)} for number in (0, 1)]
        clients.check(rows)
        for bad in (rows[:1], [], rows + rows[:1], [dict(rows[0], action="log.read"), rows[1]]):
            with self.assertRaises(AssertionError):
                clients.check(bad)


@needs_root
@unittest.skipUnless(may_mount(), "root, who may mount")
class Full(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        alone()

    @contextlib.contextmanager
    def disk(self, options):
        place = pathlib.Path(tempfile.mkdtemp(prefix="ward-full-"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], check=True)
        try:
            with House(folder=place) as house:
                yield place, house
        finally:
            subprocess.run(["umount", "-l", place], check=False)
            shutil.rmtree(place)

    def fill(self, place, spare):
        """All but so many bytes."""
        with open(place / "filler", "wb", buffering=0) as out:
            with self.assertRaises(OSError):
                while True:
                    out.write(bytes(4096))
            out.truncate(max(0, out.tell() - spare))

    def refused(self, house, clients):
        """Until the disk is full for the log, too; what needs no record is answered then."""
        wait_for(lambda: clients.ask() != 200 and says_why(house), 60)
        for path in FREE:
            self.assertEqual(house.ask(path)[0], 200, path)

    @staticmethod
    def rotated(house):
        return house.command("keyring", "rotate", "tls", "--yes").returncode

    def test_full(self):  # proves: RL-51, EC-32
        """Each size, filled to some level; the room comes back and it goes on."""
        rng = random.Random(SEED)
        for size in (4, 8, 16, 32, 64) if FULL else (4, 64):
            with self.subTest(size=size), self.disk(f"size={size}m") as (place, house):
                clients, rotated = Clients(house), 0
                for _ in range(20 if FULL else 2):
                    self.fill(place, rng.randrange(0, 16) * 4096)
                    self.refused(house, clients)
                    rotated += self.rotated(house) == 0  # a short record may have room
                    (place / "filler").unlink()
                    wait_for(lambda: clients.ask() == 200, 60)
                    wait_for(lambda: self.rotated(house) == 0, 60)
                    rotated += 1
                house.down()
                house.up()
                self.assertEqual(clients.ask(), 200)
                clients.check(house.records())
                self.assertGreaterEqual(len(house.records("key.rotate")), rotated)
                self.assertTrue(clients.refused)

    def test_no_more_names(self):
        with self.disk("size=16m,nr_inodes=40") as (place, house):
            clients, names = Clients(house), []
            with contextlib.suppress(OSError):
                while True:
                    names.append(place / f"n{len(names)}")
                    names[-1].touch()
            self.assertEqual(clients.ask(), 200)  # it needs none
            for name in names[:-1]:
                name.unlink()
            house.down()
            house.up()
            self.assertEqual(clients.ask(), 200)
            clients.check(house.records())


if __name__ == "__main__":
    assert lodger.WARD.exists()
    import tap
    tap.main()
