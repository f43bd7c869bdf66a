"""test_house_faults_kill.py - processes of the house killed while it serves: it comes back by
itself, and nobody gets another's answer."""

import signal
import unittest

import house as houses
from house import Evidence, House, lives, until
from house_load import BACK_S, Load, kill


class Killed(unittest.TestCase):
    def test_monitor_killed(self):
        """Without it the others end by themselves, and the next house does not wait for long."""
        with House() as house:
            evidence = Evidence(house.state)
            house.up()
            for _ in range(3):
                evidence.note(house)
                before = house.processes()
                kill(before["monitor"])
                house.up()
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

    def test_killed_under_load(self):
        with House() as house:
            house.up()
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
