"""test_house_faults_kill.py - processes of the house killed while it serves: it comes back by
itself, and nobody gets another's answer."""

import ctypes
import errno
import http.client
import os
import signal
import socket
import time
import unittest

import house as houses
from house import Evidence, House, lives, until
from house_load import BACK_S, ROOMY, Load, kill

SYS_PIDFD_GETFD, CONTROL = 438, 3


def spoil(pid, which, of):
    """Says over one of the channels of a process what is no frame, once it has so many."""
    def spoilt():
        try:
            return spoil_now(pid, which, of)
        except FileNotFoundError:  # a descriptor that it has closed while all of them were looked at
            return False
    until(spoilt, BACK_S)


def spoil_now(pid, which, of):
    libc = ctypes.CDLL(None, use_errno=True)
    ends = []
    whole = os.pidfd_open(pid)
    try:
        for name in sorted(os.listdir(f"/proc/{pid}/fd"), key=int):
            if int(name) <= CONTROL or "socket:" not in os.readlink(f"/proc/{pid}/fd/{name}"):
                continue
            copy = libc.syscall(SYS_PIDFD_GETFD, whole, int(name), 0)
            if copy < 0 and ctypes.get_errno() == errno.EBADF:
                return False
            if copy < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            end = socket.socket(fileno=copy)
            ends.append(end)
            if end.type & socket.SOCK_SEQPACKET != socket.SOCK_SEQPACKET:
                end.close()
                ends.pop()
        if len(ends) != of:
            return False
        ends[which].send(b"\1\2\3")
        return True
    finally:
        os.close(whole)
        for end in ends:
            end.close()


class Killed(unittest.TestCase):
    def test_monitor_killed(self):
        """Without it the others end by themselves, and the next house does not wait for long."""
        with House() as house:
            evidence = Evidence(house.state)
            house.up(*ROOMY)
            for _ in range(3):
                evidence.note(house)
                before = house.processes()
                kill(before["monitor"])
                until(lambda gone=before["monitor"]: not lives(gone), 5)  # until then it has the house
                house.up(*ROOMY)
                house.until_works(BACK_S)
                self.assertFalse(set(before.values()) & set(house.processes().values()))
                until(lambda: not any(map(lives, before.values())), 2)
            evidence.note(house)
            house.down()
            evidence.check()

    def test_all_end_with_monitor(self):
        with House() as house:
            house.up()
            before = house.processes()
            kill(before["monitor"])
            until(lambda: not any(map(lives, before.values())), 5)

    def test_old_writer(self):
        """As long as a process of a killed house may write the log or the keyring, no other
        house does."""
        for name in ("audit", "keeper"):
            with self.subTest(name), House() as house:
                house.up()
                before = house.processes()
                kill(before[name], signal.SIGSTOP)
                kill(before["monitor"])
                until(lambda: not house.monitor(), 5, 0)  # the kernel takes a moment to end it
                done = house.run("up")
                self.assertEqual(done.returncode, 7, done.stderr)
                self.assertIn("HOUSE_NOT_GONE", done.stderr)
                kill(before[name], signal.SIGCONT)
                house.up()
                house.until_works(BACK_S)

    def test_child_killed(self):
        with House() as house:
            house.up()
            evidence = Evidence(house.state)
            for name in houses.NAMES:
                with self.subTest(name):
                    evidence.note(house)
                    before = house.processes()
                    kill(before[name])
                    until(lambda name=name, before=before:
                          house.processes().get(name) not in (None, before[name]), BACK_S)
                    took = house.until_works(BACK_S)
                    after = house.processes()
                    until(lambda name=name, after=after:
                          f"ready name={name} pid={after[name]} " in house.log(), BACK_S)
                    self.assertEqual({key for key in before if before[key] != after[key]}, {name})
                    print(f"# {name}: answers again after {took:.2f} s")
            house.down()
            evidence.check()

    def test_spoiled_channels_are_made_anew(self):  # proves: RL-34
        """A living process says what is no frame to each that trusts it less: the channel is closed,
        both get another, and no process has ended for it."""
        with House() as house:
            house.up()
            before = house.processes()
            doors = (("front", 3), ("verify", 1), ("tee", 2), ("fetch", 1), ("dial", 2), ("runner", 2))
            total = sum(count for _, count in doors)
            for name, count in doors:
                for number in range(count):
                    with self.subTest(name, number=number):
                        spoil(before[name], number, count)
                        until(lambda name=name: house.log().count("channel made anew") > 0 and
                              self.connected(house), BACK_S)
                        house.until_works(BACK_S)
                        self.assertEqual(house.processes(), before)
            until(lambda: house.log().count("channel made anew") >= total, BACK_S)
            log = house.log()
            self.assertEqual(log.count("bad message: channel closed"), total)
            self.assertEqual(log.count("channel made anew"), total)
            # Whoever does it again and again waits longer each time.
            begin = time.monotonic()
            for more in range(1, 5):
                spoil(before["verify"], 0, 1)
                until(lambda more=more: house.log().count("channel made anew") == total + more, BACK_S)
            self.assertGreater(time.monotonic() - begin, 0.2 + 0.4 + 0.8 + 1.6 - 0.1)
            until(lambda: self.connected(house), BACK_S)
            self.assertEqual(house.processes(), before)

    def connected(self, house):
        """As core sees it."""
        try:
            status, said = house.ask("/v1/system/doctor")
        except (OSError, http.client.HTTPException):
            return False
        return status == 200 and all(row["finding"] != "FINDING_FAIL" for row in said["checks"])

    def test_killed_under_load(self):
        with House() as house:
            house.up(*ROOMY)
            with Load(house) as load:
                until(lambda: load.good > 10)
                for name in houses.NAMES:
                    kill(house.processes()[name])
                    house.until_works(BACK_S)
            self.assertEqual(load.odd, [])
            self.assertLess(load.slowest, 12)


if __name__ == "__main__":
    import tap
    tap.main()
