"""peers_house.py - a house with peers of many addresses, none of which is this machine's own as far
as the house can tell: all in a network namespace of the test's own."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import unittest

import front_house as house
from house import until

NEW_NETWORK = 0x40000000
ADDRESSES = 120
HALF = b"GET /v1/system/ping HTTP/1.1\r\nHost: local"


def own_network():
    """A namespace with addresses that are nobody's own machine, as far as a house can tell."""
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    lines = [f"addr add {peer(n)}/32 dev lo\n" for n in range(ADDRESSES)]
    subprocess.run(["ip", "-batch", "-"], input="".join(lines), text=True, check=True)


def peer(number):
    return f"10.77.0.{number + 1}"


def answered(one, target="/v1/system/ping"):
    return house.ask(one, "GET", target)[0]


@unittest.skipUnless(os.geteuid() == 0, "needs root: a network namespace")
class Case(unittest.TestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        own_network()

    def setUp(self):
        self.house = house.House(**self.settings)
        self.house.__enter__()
        self.addCleanup(self.house.__exit__)

    def lets_in(self, number):
        """Whether a whole request of this peer is answered."""
        try:
            with self.house.tls(source=peer(number)) as one:
                return answered(one) == 200
        except (OSError, AssertionError):
            return False

    def records(self, action):
        with self.house.plain() as one:
            _, _, body = house.ask(one, "GET", f"/v1/audit/records?action={action}&limit=1000")
        return json.loads(body)["records"]

    def crash(self, number=signal.SIGSEGV):
        """Front dies now, whatever it does, and is there again."""
        before = self.house.log().count("front died while")
        pid = self.house.kill("front", number)
        self.house.wait_new("front", pid)
        until(lambda: self.house.log().count(" ready name=front") > before + 1)
        until(self.serves)

    def serves(self):
        with contextlib.suppress(OSError):
            return self.house.metrics()["serving"] == 1
        return False

    def in_flight(self, number, data=HALF):
        before = self.house.metrics()["http1_requests_open"]
        one = self.house.tls(source=peer(number))
        one.sendall(data)
        until(lambda: self.house.metrics()["http1_requests_open"] > before)
        return one
