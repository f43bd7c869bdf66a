"""test_house_faults_disk.py - a whole house on a disk that is full, out of names, or slow: what
must be logged is refused with a reason, the rest goes on, nothing is done twice, and it resumes
by itself."""

import contextlib
import ctypes
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import auditor
import lodger
from lodger import House, wait_for
from rl_tool import FULL, SEED, may_mount, needs_root

CLONE_NEWNS = 0x20000
FREE = ("system/ping", "audit/head")  # what asks for no record


def alone():
    """What is mounted from here on is nobody else's, and gone with this process."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def trace(number):
    return f"{number + 1:032x}"


def says_why(house):
    """What `ward doctor` says of a log that cannot be written."""
    _, doctor = house.ask("system/doctor", timeout=30)
    return any(row["id"] == "house.log" and row["finding"] == "FINDING_FAIL" and
               "disk" in row["fix"] for row in doctor.get("checks", ()))


class Clients:
    """Asks for what must be logged, each time with a number of its own."""

    def __init__(self, house):
        self.house, self.next, self.good, self.refused = house, 0, set(), {}
        self.slowest, self.lock = 0.0, threading.Lock()

    def ask(self, timeout=20):
        """200, or the code of a refusal."""
        with self.lock:
            number, self.next = self.next, self.next + 1
        begin = time.monotonic()
        status, answer = self.house.ask("system/config", timeout=timeout, headers={
            "traceparent": f"00-{trace(number)}-{1:016x}-01"})
        self.slowest = max(self.slowest, time.monotonic() - begin)
        if status == 200:
            self.good.add(number)
            return status
        self.refused[number] = answer["code"]
        return answer["code"]

    def check(self, rows):
        """What was answered is in the log, and nothing is there twice."""
        seen = [row["trace_id"] for row in rows if row["action"] == "config.read"]
        missing = [number for number in self.good if trace(number) not in seen]
        assert not missing, f"answered and not logged: {missing}"
        assert len(seen) == len(set(seen)), "logged twice"


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

    def test_full(self):  # proves: RL-51
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


@needs_root
class Slow(unittest.TestCase):
    def test_slow(self):
        """Each fdatasync takes two seconds, longer than a record may take."""
        with House() as house:
            clients, end = Clients(house), threading.Event()
            self.assertEqual(clients.ask(), 200)
            pids = {name: house.process(name) for name in ("audit", "keeper", "core", "front")}
            before = {name: self.memory(pid) for name, pid in pids.items()}
            words = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
                     "inject=fdatasync:delay_enter=2s"]
            with subprocess.Popen([*words, *(f"-p{pids[name]}" for name in
                                             ("audit", "keeper", "core"))]) as tracer:
                threads = [threading.Thread(target=self.client, args=(clients, end))
                           for _ in range(6)]
                try:
                    wait_for(lambda: all(self.tracer(pid) for name, pid in pids.items()
                                         if name != "front"), 60)
                    for thread in threads:
                        thread.start()
                    wait_for(lambda: len(clients.refused) > (500 if FULL else 12), 300)
                    self.assertEqual(house.ask("system/ping", timeout=30)[0], 200)
                    wait_for(lambda: says_why(house), 60)
                    grown = {name: self.memory(pid) - before[name] for name, pid in pids.items()}
                finally:
                    end.set()
                    for thread in threads:
                        if thread.ident:
                            thread.join()
                    tracer.send_signal(signal.SIGTERM)
            self.assertLess(max(grown.values()), 16 << 10, grown)
            wait_for(lambda: clients.ask() == 200, 60)
            self.assertEqual({name: house.process(name) for name in pids}, pids)
            house.down()
            clients.check(house.records())

    @staticmethod
    def client(clients, end):
        while not end.is_set():
            with contextlib.suppress(OSError):
                clients.ask(30)

    @staticmethod
    def status(pid, key):
        text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"^{key}:\s+(\d+)", text, re.M)[1])

    def memory(self, pid):
        return self.status(pid, "VmRSS")

    def tracer(self, pid):
        return self.status(pid, "TracerPid")


if __name__ == "__main__":
    assert lodger.WARD.exists()
    import tap
    tap.main()
