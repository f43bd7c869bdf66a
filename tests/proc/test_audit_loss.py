"""test_audit_loss.py - the security log of a house that runs: every record lies in the file before the
reply that it is about, and a file of the log that somebody deletes, moves or replaces is missed at the
next write: what must be logged is refused, and said why, until the file is back."""

import contextlib
import os
import shutil
import signal
import threading
import unittest

import contract
import tap
from lodger import House, wait_for
from unix_http import UnixConnection

FREE = ("system/ping", "system/version", "audit/head")  # what needs no record


def trace(number):
    return f"{number:032x}"


def ask(house, number, path="system/config"):
    """The status of a call that must be logged, with a trace of its own."""
    return house.ask(path, headers={"traceparent": f"00-{trace(number)}-00000000000000ff-01"})


class Before(unittest.TestCase):
    def test_the_record_is_there_before_the_reply(self):  # proves: EC-32
        with House() as house:
            for number in range(1, 60):
                status, _ = ask(house, number)
                have = [row["trace_id"] for row in house.records("config.read")]
                self.assertEqual((status, have[-1]), (200, trace(number)))

    def test_no_reply_without_the_record(self):  # proves: EC-32
        """The log is stopped dead: nothing is answered that would be in it; then it goes on."""
        with House() as house:
            self.assertEqual(ask(house, 1)[0], 200)
            number, got = house.hold("audit"), []
            asking = threading.Thread(target=lambda: got.append(ask(house, 2)))
            asking.start()
            asking.join(15)
            self.assertEqual([(status, said["code"]) for status, said in got],
                             [(503, "AUDIT_CANNOT_LOG")])
            os.kill(number, signal.SIGCONT)
            wait_for(lambda: ask(house, 3)[0] == 200)


def deleted(path, aside):
    shutil.copy2(path, aside)
    path.unlink()


def moved(path, aside):
    path.rename(aside)


def replaced(path, aside):
    """By a file that is the same but for its inode."""
    copy = path.with_name("copy")
    shutil.copy2(path, copy)
    shutil.copy2(path, aside)
    copy.rename(path)


def made_a_link(path, aside):
    path.rename(aside)
    path.symlink_to(aside)


class Taken(unittest.TestCase):
    def finding(self, house):
        _, doctor = house.ask("system/doctor")
        return next(row for row in doctor["checks"] if row["id"] == "house.log")

    def unavailable(self, house):
        link = UnixConnection(house.state / "run/ward.sock", 10)
        with contextlib.closing(link):
            page = contract.ask(link, "GET", "/metrics")[2].decode()
        rows = dict(line.split(" ") for line in page.splitlines() if not line.startswith("#"))
        return int(rows["ward_front_unavailable_total"])

    def refused(self, house, number):
        status, said = ask(house, number)
        self.assertEqual((status, said["code"]), (503, "AUDIT_CANNOT_LOG"))

    def missed(self, house, name, take):
        path, aside = house.state / "audit" / name, house.above / f"aside-{name}"
        self.assertEqual(ask(house, 1)[0], 200)
        self.assertEqual(self.finding(house)["finding"], "FINDING_OK")
        # A head that is not signed yet would be another write.
        wait_for(lambda: int(house.ask("audit/head")[1]["size"]) == len(house.records()))
        before, records = self.unavailable(house), house.records()
        keys = house.ask("keyring/keys")[1]
        take(path, aside)
        for number in range(2, 5):
            self.refused(house, number)
        self.assertIn("log file was taken away: appends are refused",
                      (house.state / "ward.log").read_text())
        found = self.finding(house)
        self.assertEqual(found["finding"], "FINDING_FAIL")
        self.assertIn("moved, removed or replaced", found["detail"])
        self.assertEqual(self.unavailable(house), before + 3)
        for free in FREE:
            self.assertEqual(house.ask(free)[0], 200)
        self.assertNotEqual(house.command("keyring", "rotate", "tls", "--yes").returncode, 0)
        self.assertEqual(house.ask("keyring/keys")[1], keys)
        # An audit process that begins anew is not fooled either.
        old = house.kill("audit")
        wait_for(lambda: house.process("audit") not in (None, old))
        wait_for(lambda: ask(house, 9)[1].get("code") == "AUDIT_CANNOT_LOG")
        house.down()
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        shutil.move(aside, path)
        self.assertEqual(house.records()[:len(records)], records)
        house.up()
        self.assertEqual(ask(house, 10)[0], 200)
        self.assertEqual(house.records()[:len(records)], records)
        self.assertEqual(house.command("audit", "verify").returncode, 0)

    def test_each_file_in_each_way(self):  # proves: EC-32
        with House() as house:
            for name in ("security.log", "leaves", "heads"):
                for take in (deleted, moved, replaced, made_a_link):
                    with self.subTest(f"{name} {take.__name__}"):
                        self.missed(house, name, take)

    def test_rotation_is_no_loss(self):
        """The one who may: the monitor puts a file away at the word of the log itself."""
        with House() as house:
            done = house.command("down")
            self.assertEqual(done.returncode, 0)
            done = house.command("up", "--listen", f"127.0.0.1:{house.port}", "--set",
                                 "audit.rotate_bytes=1M")
            self.assertEqual(done.returncode, 0, done.stderr)
            number = 0
            while not list((house.state / "audit").glob("security-*")):
                number += 1
                self.assertEqual(ask(house, number)[0], 200)
            for more in range(20):
                self.assertEqual(ask(house, number + more)[0], 200)
            self.assertGreater(number, 1000)


if __name__ == "__main__":
    tap.main()
