#!/usr/bin/env python3
"""flood.py - suite flood: those who are in, over HTTP/1.1, HTTP/2 and in an attested channel, while
thousands of connections stop on the way to a request, at every place where one can, or send a byte a
second; against the same house left alone in between. And what front keeps of it all.

The floods are those of tests/proc/test_flood.py. Called by bench/run; prints the lines that bench.h
describes. As root: in a network of its own, which no packet leaves."""

import contextlib
import os
import pathlib
import ssl
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "tests"), str(HERE.parent / "tests/proc")]

import house as houses

COUNT, AT_ONCE, ROUNDS = 500, 500, 2
ALONE_S = 1.5  # before each flood
GROWTH_BYTES = 4 << 20


def tests(bench):
    """What the test has: a house's own, and so under the name that stands for it there."""
    os.environ["WARD_BUILD"] = str(bench.build)
    mine = sys.modules.pop("house")
    sys.path.insert(0, str(HERE.parent / "tests/proc"))
    try:
        import flooding
        import test_flood
    finally:
        sys.modules["house"] = mine
    return flooding, test_flood


class Floods:
    """One run for all cases: the times of those who are in, and the memory of front."""

    def __init__(self, bench):
        if os.geteuid() != 0:
            raise houses.NoFigure("skip", "needs root: a network of its own")
        flooding, self.test = tests(bench)
        os.nice(-15)  # it is the house that is measured, and not what else this machine does
        self.test.Flooded.setUpClass()
        try:
            with contextlib.ExitStack() as stack:
                self.inside = self.test.Inside(self.test.Flooded.house, stack)
                self.memory, counts = [], 0
                for _ in range(ROUNDS):
                    counts += sum(self.flood(number, state) for number, state in
                                  enumerate(flooding.stops(ssl.create_default_context())))
                    self.memory.append(self.front_bytes())
        finally:
            self.test.Flooded.tearDownClass()
        houses.remark(f"flood: {counts} connections, all cut; front had "
                      f"{', '.join(f'{size >> 10} KiB' for size in self.memory)} after each round")

    def front_bytes(self):
        house = self.test.Flooded.house
        return 1024 * self.test.memory_kb(house.processes()["front"])

    def flood(self, number, state):
        """How many there were: each got as far as it should, and was cut there."""
        self.inside.live("alone", self.test.Flooded.after(ALONE_S))
        one = self.test.Flood(self.test.Flooded.house, state, COUNT, f"127.{10 + 12 * number}.0.1",
                              AT_ONCE)
        self.inside.live("flooded", one.is_over)
        counts = one.counts()
        if (counts["made"], counts["left"]) != (COUNT, 0) or counts["there"] != counts["ended"]:
            raise houses.Fault(f"{state}: {dict(counts)}")
        return counts["made"]

    def worst(self, way):
        """Microseconds that 99 of 100 answers take no longer than."""
        flooded, alone = (1e6 * self.test.worst(self.inside.times[when][way])
                          for when in ("flooded", "alone"))
        calls = len(self.inside.times["flooded"][way])
        houses.remark(f"flood: {way}: {calls} calls in floods")
        return flooded, alone


def once(bench, kept=[]):
    if not kept:
        kept.append(Floods(bench))
    return kept[0]


def growth(bench):
    memory = once(bench).memory
    return max(memory[1:]) - memory[0], GROWTH_BYTES


CASES = {
    "flood-http1": lambda bench: once(bench).worst("HTTP/1.1"),
    "flood-h2": lambda bench: once(bench).worst("HTTP/2"),
    "flood-channel": lambda bench: once(bench).worst("channel"),
    "flood-memory": growth,
}


if __name__ == "__main__":
    sys.exit(houses.main(CASES, "flood.py"))
