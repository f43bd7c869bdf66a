"""test_flood.py - tens of thousands of connections that stop on the way to a request, at every place
where one can, and senders of a byte a second: all are cut when their time is over, the house takes no
more memory for the second thousand than for the first, and whoever is in is served meanwhile.

How long whoever is in waits is said, and judged by bench/flood.py, as a ratio.

WARD_FLOOD=N in the environment: N at each place, in three rounds. `./check --full` does that with
50,000, and with nothing beside it."""

import collections
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import unittest

import flooding
import front_house
import house as houses
import linked
import peers_house
import tap

COUNT = int(os.environ.get("WARD_FLOOD", "0"))
WHOLE = COUNT > 0
PLAIN, WITH_TLS, AT_ONCE, ROUNDS = 1000, 250, 2000 if WHOLE else 1000, 3
SETTINGS = {"requests_per_second": 100000, "requests_burst": 100000, "header_seconds": 2,
            "idle_seconds": 4}
STATES = tuple(flooding.stops(ssl.create_default_context()))
AGAIN = ("after ServerHello", "part of a head", "HELLO")  # what costs most
MUTE = "127.200.0.1"  # from here on nobody acknowledges the house's FIN
GROWTH_KB = 4096
ALONE = "left alone"
SO_TIMESTAMPNS, FIN_WAIT1 = 35, "04"
VANISHES = """
table ip vanishes {
  chain out {
    type filter hook output priority 0;
    ip daddr 127.200.0.0/16 tcp flags & fin == fin ct mark set 1
  }
  chain in {
    type filter hook input priority 0;
    ip saddr 127.200.0.0/16 ct mark 1 counter drop
  }
}
"""


def count_of(state):
    """In one round."""
    return -(-COUNT // ROUNDS) or (WITH_TLS if flooding.stops(ssl.create_default_context())[state].tls else PLAIN)


def memory_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def worst(times, share=0.99):
    return sorted(times)[int(len(times) * share)]


class Flood:
    """flooding.py under way; `counts` are its own."""

    def __init__(self, house, state, count, first, at_once=AT_ONCE):
        words = [sys.executable, "-B", flooding.__file__, house.port, house.state / "ca.pem", state,
                 count, at_once, first]
        self.process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True)

    def is_over(self):
        return self.process.poll() is not None

    def counts(self):
        out = self.process.communicate()[0]
        assert self.process.returncode == 0
        return collections.Counter(json.loads(out))


class Inside:
    """Three who were there before: over HTTP/1.1, HTTP/2 and in an attested channel."""

    def __init__(self, house, stack):
        context = ssl.create_default_context(cafile=house.state / "ca.pem")
        context.set_alpn_protocols(["h2"])
        self.rest = stack.enter_context(house.socket(source="127.0.0.2"))
        self.two = front_house.H2(stack.enter_context(house.socket(source="127.0.0.3",
                                                                   context=context)))
        self.link = stack.enter_context(linked.Peer(house, source="127.0.0.4"))
        self.ways = {"HTTP/1.1": self.by_rest, "HTTP/2": self.by_grpc, "channel": self.by_channel}
        self.times = {}  # {when: {way: seconds}}

    def by_rest(self):
        assert front_house.ask(self.rest, "GET", "/v1/system/ping")[0] == 200

    def by_grpc(self):
        assert self.two.call("/ward.v1.System/Ping")[0] == 0

    def by_channel(self):
        assert self.link.ask(type="ping") == {"type": "pong"}

    def live(self, when, done):
        """Each asks in its turn, over the same connection, until it is done; how long each answer
        took is kept."""
        times = self.times.setdefault(when, {name: [] for name in self.ways})
        asked = False
        while not asked or not done():
            for name, way in self.ways.items():
                began = time.perf_counter()
                way()
                times[name].append(time.perf_counter() - began)
            asked = True
            time.sleep(0.002)

    def say(self):
        for when, times in self.times.items():
            print(f"# {when}: " + ", ".join(
                f"{way} {len(row)} calls, p50 {1000 * worst(row, 0.5):.1f} ms, "
                f"p99 {1000 * worst(row):.1f} ms" for way, row in times.items()), flush=True)


@unittest.skipUnless(os.geteuid() == 0, "needs root: a network namespace")
class Flooded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        peers_house.own_network()
        subprocess.run(["nft", "-f", "-"], input=VANISHES, text=True, check=True)
        if WHOLE:
            os.nice(-15)  # it is the house that is measured, and not what else this machine does
        cls.house = linked.House()
        try:
            cls.house.up(*(word for name, value in SETTINGS.items()
                           for word in ("--set", f"limit.{name}={value}")))
            cls.house.policy(cls.house.own())
        except BaseException:
            cls.house.__exit__()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.house.down("--purge", "--yes")
        cls.house.__exit__()

    def idle(self, connections):
        """Nobody but these is left of all that came."""
        def once():
            said = self.house.metrics()
            return (said["connections"], said["handshakes_open"], said["channels_half_open"],
                    said["http1_requests_open"] - 1, said["calls_open"]) == (connections, 0, 0, 0, 0)
        houses.until(once, 60, 0.2)

    def flooded(self, inside, number, state, first=None):
        """One flood to its end, and those inside meanwhile."""
        one = Flood(self.house, state, count_of(state), first or f"127.{10 + 12 * number}.0.1")
        inside.live(state, one.is_over)
        counts = one.counts()
        print(f"# {state}: {json.dumps(counts)}", flush=True)
        self.assertEqual((counts["made"], counts["left"]), (count_of(state), 0), state)
        # Of those that ask for a channel 64 are let that far at once, and who is cut before is not.
        self.assertGreater(counts["there"], 60, state)
        if not flooding.stops(ssl.create_default_context())[state].tls:
            self.assertGreater(counts["there"], counts["made"] // 2, state)
        self.assertEqual(counts["there"], counts["ended"], state)
        self.idle(3)

    def test_at_each_place(self):  # proves: RL-20
        front = self.house.processes()["front"]
        with contextlib.ExitStack() as stack:
            inside = Inside(self.house, stack)
            before = self.house.metrics()
            used = []
            for turn in range(ROUNDS if WHOLE else 2):
                for number, state in enumerate(STATES if WHOLE or turn == 0 else AGAIN):
                    inside.live(ALONE, self.after(5 if WHOLE else 0.2))
                    self.flooded(inside, number, state)
                used.append(memory_kb(front))
            inside.say()
            print(f"# front has {used} KiB after each round", flush=True)
            self.assertLess(max(used[1:]) - used[0], GROWTH_KB)
            self.assertEqual(self.house.processes()["front"], front)
            after = self.house.metrics()
            self.assertGreater(after["slow_total"], before["slow_total"] + 1000)
            self.assertEqual(after["channels_open"], 1)

    @staticmethod
    def after(seconds):
        end = time.monotonic() + seconds
        return lambda: time.monotonic() >= end

    def test_those_whose_acknowledgement_never_comes(self):  # proves: RL-20
        """The kernel has them for long; front is done with them."""
        with contextlib.ExitStack() as stack:
            inside = Inside(self.house, stack)
            front = self.house.processes()["front"]
            open_before = len(os.listdir(f"/proc/{front}/fd"))
            for state in ("connected", "part of a head"):
                self.flooded(inside, 0, state, MUTE)
                houses.until(lambda: len(os.listdir(f"/proc/{front}/fd")) <= open_before)
            ruleset = json.loads(subprocess.run(["nft", "-j", "list", "ruleset"], check=True,
                                                capture_output=True, text=True).stdout)
            dropped = [part["counter"]["packets"] for row in ruleset["nftables"] if "rule" in row
                       for part in row["rule"]["expr"] if "counter" in part]
            self.assertGreater(dropped[0], 100)
            rows = pathlib.Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]
            waiting = sum(row.split()[3] == FIN_WAIT1 for row in rows)
            print(f"# {dropped[0]} packets dropped, {waiting} wait for an acknowledgement", flush=True)
            self.assertGreater(waiting, 100)

    def test_whoever_is_in_goes_before_handshakes(self):
        """Front stands still, and finds many handshakes and somebody who is in: he is answered
        first. When what came is known from the kernel."""
        hello = flooding.hello(ssl.create_default_context())
        context = ssl.create_default_context(cafile=self.house.state / "ca.pem")
        context.set_alpn_protocols(["h2"])
        front = self.house.processes()["front"]
        with contextlib.ExitStack() as stack:
            inside = front_house.H2(stack.enter_context(
                self.house.socket(source="127.0.0.2", context=context)))
            self.assertEqual(inside.call("/grpc.health.v1.Health/Check")[0], 0)
            os.kill(front, signal.SIGSTOP)
            try:
                many = []
                for number in range(60):
                    one = stack.enter_context(socket.create_connection(
                        ("127.0.0.1", self.house.port), 20, (f"127.0.3.{number // 8 + 1}", 0)))
                    one.sendall(hello)
                    many.append(one)
                for one in (inside.one, *many):
                    one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                stream = inside.grpc("/grpc.health.v1.Health/Check")
            finally:
                os.kill(front, signal.SIGCONT)
            answered = self.came(inside.one)
            shaken = sorted(map(self.came, many))
            self.assertEqual(inside.wait(stream)["trailers"]["grpc-status"], "0")
            self.assertEqual(len(shaken), 60)
            self.assertLess(sum(when < answered for when in shaken), 8)

    @staticmethod
    def came(one):
        """When the first bytes of what waits to be read were here."""
        again = socket.socket(fileno=os.dup(one.fileno()))
        try:
            again.settimeout(20)
            _, controls, _, _ = again.recvmsg(1, 64, socket.MSG_PEEK)
            return next(struct.unpack("qq", data[:16]) for level, kind, data in controls
                        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS))
        finally:
            again.close()


class Control(unittest.TestCase):
    def test_a_server_without_deadlines_is_seen(self):
        """One that lets everybody wait for ever, and one that forgets half of them."""
        with socket.create_server(("127.0.0.1", 0), backlog=100) as listener, \
                contextlib.ExitStack() as stack:
            def serve():
                for number in range(20):
                    one = stack.enter_context(listener.accept()[0])
                    if number % 2 == 0:
                        one.close()
            server = threading.Thread(target=serve)
            server.start()
            flooding.PATIENCE = 1
            got = flooding.Flood(listener.getsockname()[1], None, "connected", "127.9.0.1").run(20, 20)
            server.join()
        self.assertEqual((got["made"], got["there"], got["ended"], got["left"]), (20, 20, 10, 10))


if __name__ == "__main__":
    tap.main()
