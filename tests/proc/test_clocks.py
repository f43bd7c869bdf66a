"""test_clocks.py - a house whose core reads a clock that somebody sets, or at which minutes go by at
once: what rests on the time is refused, and says so."""

import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

import disturbed
import sdk_house
import tap
from house import until

OLD_S = 310  # a nonce is good for five minutes


class Clock:
    """What other_clock.c looks at."""

    def __init__(self, path):
        self.path = path
        self.path.write_bytes(bytes(16))

    def ahead(self, set_s, running_s):
        with open(self.path, "r+b") as file:
            file.write(struct.pack("<2q", set_s, running_s))


class House(sdk_house.House):
    """One of other programs than those of the build."""

    def __init__(self, programs, *words):
        self.programs = programs
        super().__init__(*words)

    def command(self, *words):
        return subprocess.run([self.programs / "ward", *words], capture_output=True, timeout=60,
                              text=True, check=False)


class Clocks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="ward-clock-")))
        guest = sdk_house.Guest(place / "guest")
        cls.addClassCleanup(guest.close)
        cls.clock = Clock(place / "clock")
        os.chmod(place, 0o755)  # core reads it as a user of its own
        programs = disturbed.build(place / "bin", [
            "/usr/bin/env", f"LD_PRELOAD={disturbed.BUILD}/tests/proc/other_clock.so",
            f"WARD_OTHER_CLOCK={cls.clock.path}"], ("core",))
        cls.house = cls.enterClassContext(House(programs, guest, place))
        cls.client = cls.house.ready()

    def setUp(self):
        self.addCleanup(self.clock.ahead, 0, 0)

    def test_a_clock_that_is_set(self):
        """By an hour: nobody is let in by it, and everybody when it is back."""
        self.assertEqual(self.client.show()[0], 200)
        self.clock.ahead(3600, 0)
        self.assertEqual(self.client.show()[1], "SIGNED_CLOCK")
        self.clock.ahead(0, 0)
        until(lambda: self.client.show()[0] == 200, 20, 0.2)

    def test_a_nonce_that_is_old(self):
        nonce = self.client.nonce()
        body = self.client.attest(nonce)
        self.clock.ahead(OLD_S, OLD_S)
        self.assertEqual(self.client.send(body), (401, "SDK_NONCE_EXPIRED"))


if __name__ == "__main__":
    tap.main()
