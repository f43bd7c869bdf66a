"""test_house_faults.py - processes of the house stormed with signals and stopped at any moment: it
goes on, and nobody gets another's answer."""

import os
import random
import signal
import subprocess
import time
import unittest

from house import House, stat_of, until
from house_load import BACK_S, Load, kill


class Often(unittest.TestCase):
    def test_frozen_often(self):
        """Stopped and continued at any moment: a system call that is begun again is allowed."""
        rng = random.Random(35)
        with House() as house:
            house.up()
            before = house.processes()
            with Load(house, 2) as load:
                for _ in range(300):
                    pid = rng.choice(list(before.values()))
                    kill(pid, signal.SIGSTOP)
                    time.sleep(rng.random() * 0.005)
                    kill(pid, signal.SIGCONT)
            self.assertEqual(load.odd, [])
            house.until_works(BACK_S)
            self.assertEqual(house.processes(), before, house.log())


class Signals(unittest.TestCase):
    def test_storm(self):
        """Signals that ask for nothing change nothing; each process that is killed meanwhile is
        reaped once and started again; however often it is told, the house stops once."""
        rng = random.Random(31)
        calm = [signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG]
        with House() as house:
            house.up()
            before = house.processes()
            children = [pid for name, pid in before.items() if name != "monitor"]
            for _ in range(1500):
                kill(before["monitor"], rng.choice(calm))
                kill(rng.choice(children), rng.choice(calm + [signal.SIGINT]))
            house.until_works(BACK_S)
            self.assertEqual(house.processes(), before, house.log())
            for _ in range(4):
                now = house.processes()
                victim = rng.choice([name for name in now if name != "monitor"])
                for count in range(60):
                    kill(before["monitor"], rng.choice(calm))
                    if count == 30:
                        kill(now[victim])
                house.until_works(12)
            zombies = [entry for entry in os.listdir("/proc") if entry.isdigit() and
                       (stat_of(entry) or ("", "", 0))[1:] == ("Z", before["monitor"])]
            self.assertEqual(zombies, [])
            for _ in range(200):
                kill(before["monitor"], rng.choice([signal.SIGTERM, signal.SIGINT, *calm]))
            until(lambda: not house.processes(), 15)
            self.assertEqual(house.log().count("stopping signal="), 1)
            self.assertEqual(house.log().count("monitor stopped"), 1)
            house.up()
            house.until_works(BACK_S)

    def test_interrupt_of_the_terminal(self):
        """--foreground: an interrupt goes to the whole group, and the house ends in order."""
        with House() as house:
            here = subprocess.Popen(house.words("up", "--foreground"), start_new_session=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            here.stdout.readline()
            house.until_works(BACK_S)
            house.processes()
            os.killpg(here.pid, signal.SIGINT)
            here.communicate(timeout=20)
            self.assertEqual(here.returncode, 0)
            self.assertEqual((house.state / "run/lock").read_bytes(), b"")


if __name__ == "__main__":
    import tap
    tap.main()
