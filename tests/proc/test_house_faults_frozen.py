"""test_house_faults_frozen.py - a process of the house stands still under load: deadlines fire,
nothing piles up, and what it says when it goes on again reaches nobody."""

import os
import pathlib
import random
import re
import signal
import threading
import time
import unittest

from house import House, until
from house_load import BACK_S, Load, kill

FULL = os.environ.get("WARD_FULL") == "1"
SEED = int(os.environ.get("WARD_SEED", "35"))
PILE_KB = 16 << 10  # what a process may have more than before


def memory(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^VmRSS:\s+(\d+)", text, re.M)[1])


class Frozen(unittest.TestCase):
    def freeze(self, house, name, seconds):
        before = house.processes()
        sizes = {other: memory(pid) for other, pid in before.items()}
        with Load(house) as load:
            until(lambda: load.good > 5, 60)
            kill(before[name], signal.SIGSTOP)
            try:
                time.sleep(seconds)
                grown = {other: memory(pid) - sizes[other] for other, pid in before.items()}
            finally:
                kill(before[name], signal.SIGCONT)
            house.until_works(60)  # front leaves a silent keeper alone for 4 s
            good = load.good
            until(lambda: load.good > good + 5, 60)
        self.assertEqual(load.odd, [])
        # Nobody waited until the end of a long one: 5 s, and time for a slow machine.
        self.assertLess(load.slowest, 5 + (seconds if seconds < 2 else 4) + 3, name)
        self.assertLess(max(grown.values()), PILE_KB, grown)
        self.assertEqual(house.processes(), before, house.log())

    def test_late_signature(self):
        """The keeper answers a handshake that is over: front lets it say so."""
        with House() as house:
            house.up()
            house.until_works(60)
            before = house.processes()
            kill(before["keeper"], signal.SIGSTOP)
            try:
                with self.assertRaises(OSError):
                    house.ask("/v1/system/ping?text=hi", 10, tls=True)
            finally:
                kill(before["keeper"], signal.SIGCONT)
            house.until_works(60)
            self.assertEqual(house.processes(), before, house.log())

    def test_frozen(self):  # proves: RL-35
        """Each for a moment, each for a second, and one of them for longer than any deadline."""
        with House() as house:
            house.up()
            house.until_works(60)
            names = list(house.processes())
            chosen = random.Random(SEED).choice(names)
            long = names if FULL else [chosen]
            rows = [(name, 0.1) for name in names] + [(name, 1) for name in names]
            rows += [(name, 10) for name in long] + [(chosen, 60)] * FULL
            for name, seconds in rows:
                with self.subTest(name, seconds=seconds):
                    self.freeze(house, name, seconds)


class Answers(unittest.TestCase):
    """What Load must see."""

    class Fake:
        def __init__(self, answer):
            self.answer, self.count = answer, 0
            self.done = threading.Event()

        def ask(self, path, _timeout, tls):
            self.count += 1
            if self.count > 3:
                self.done.set()
            return self.answer(path.rpartition("=")[2], tls)

    def odd(self, answer):
        fake = self.Fake(answer)
        with Load(fake, 1) as load:
            fake.done.wait(60)
        return load.odd

    def test_answer_of_another(self):
        late = ["0-0"]

        def other(said, _):
            late.append(said)
            return 200, {"text": late[-2]}

        def silent(_, __):
            raise TimeoutError
        self.assertEqual(self.odd(lambda said, _: (200, {"text": said})), [])
        self.assertNotEqual(self.odd(other), [])
        self.assertNotEqual(self.odd(lambda said, _: (500, {"text": said})), [])
        self.assertNotEqual(self.odd(silent), [])


if __name__ == "__main__":
    import tap
    tap.main()
