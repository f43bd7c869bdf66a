"""test_house_faults_start.py - processes of the house killed while it starts: run again, `ward up`
returns with a house that is ready."""

import pathlib
import subprocess
import tempfile
import time
import unittest

import disturbed
import house as houses
from house import House, children_of, until
from house_load import BACK_S, kill


def children_at(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


class Starting(unittest.TestCase):
    def test_up_killed(self):
        """`ward up` itself, at any moment: run again it returns with a house that is ready."""
        for delay in (0, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.05, 0.1):
            with self.subTest(delay), House() as house:
                first = subprocess.Popen(house.words("up"), stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
                time.sleep(delay)
                first.kill()
                first.wait()
                house.up()
                house.until_works(BACK_S)

    def test_another_was_faster(self):
        """Two that found nobody: the later monitor finds the folder taken, and its command shows the
        house that there is."""
        with House() as house, tempfile.TemporaryDirectory() as folder:
            programs = disturbed.build(pathlib.Path(folder) / "bin", [
                "/bin/sh", "-c", 'while [ ! -e "$0" ]; do sleep 0.05; done; exec "$@"',
                f"{folder}/now"], ("monitor",))
            later = subprocess.Popen([programs / "ward", *house.words("up")[1:]], text=True,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE)
            try:
                until(lambda: children_at(later.pid), 10)  # it has looked
                house.up()
                (pathlib.Path(folder) / "now").touch()
                said = later.communicate(timeout=60)[1]
            finally:
                later.kill()
            self.assertEqual(later.returncode, 0, said)
            self.assertIn("HOUSE_LOCKED", said)
            self.assertIn(f"already up in {house.state} (process {house.monitor()})", said)
            house.until_works(BACK_S)

    def test_monitor_killed_starting(self):
        for step in range(10):
            with self.subTest(step), House() as house:
                first = subprocess.Popen(house.words("up"), stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE)
                try:
                    monitor = until(house.monitor, 10, 0)
                    time.sleep(step * 0.004)
                    house.processes()
                    kill(monitor)
                    house.up()
                    house.until_works(BACK_S)
                finally:
                    first.communicate(timeout=30)

    def test_child_killed_starting(self):
        for name in houses.NAMES:
            for step in range(2):
                with self.subTest(name, step=step), House() as house:
                    first = subprocess.Popen(house.words("up"), stdout=subprocess.DEVNULL,
                                             stderr=subprocess.DEVNULL)
                    try:
                        monitor = until(house.monitor, 10, 0)
                        child = until(lambda monitor=monitor, name=name:
                                      children_of(monitor).get(name), 10, 0)
                        time.sleep(step * 0.008)
                        kill(child)
                        self.assertEqual(first.wait(BACK_S), 0, house.log())
                        house.until_works(BACK_S)
                    finally:
                        first.kill()
                        first.wait()


if __name__ == "__main__":
    import tap
    tap.main()
