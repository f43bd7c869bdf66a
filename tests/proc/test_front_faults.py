"""test_front_faults.py - what the house's clients see when there are too many of them, when they are
slow, and when a process of the house is killed, frozen or without descriptors."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

import front_house as house
import tap
from house import until as wait_until

PING, VERSION = "/ward.v1.System/Ping", "/ward.v1.System/Version"
LIMITLESS = {"requests_per_second": 100000, "requests_burst": 100000}
NOBODY = 65534
GONE = (ConnectionError, ssl.SSLError, OSError)


def turned_away(one):
    """A connection that is refused ends at once, without a word."""
    try:
        return one() is None
    except GONE:
        return True


class Limits(unittest.TestCase):
    def test_connections_above_the_limit(self):  # proves: SW-1
        with house.House(connections=8, connections_per_address=8, **LIMITLESS) as one:
            with contextlib.ExitStack() as stack:
                clients = [house.H2(stack.enter_context(one.tls("h2"))) for _ in range(8)]
                open_streams = [client.grpc(PING, house.text_field(1, "x"), end=False)
                                for client in clients]
                # Who is half in gives way to newcomers; front may have yet to read that all are in.
                wait_until(lambda: one.metrics()["handshakes_open"] == 0)
                for _ in range(20):
                    self.assertTrue(turned_away(lambda: one.tls("h2", timeout=3)))
                for client, stream in zip(clients, open_streams):
                    client.conn.end_stream(stream)
                    client.push()
                    self.assertEqual(client.wait(stream)["trailers"]["grpc-status"], "0")
                    self.assertEqual(client.call(PING)[0], 0)
                self.assertGreaterEqual(one.metrics()["refused_total"], 20)
            self.wait_empty(one)
            with one.tls() as again:
                self.assertEqual(house.ask(again, "GET", "/v1/system/ping")[0], 200)

    def test_one_address_cannot_have_all(self):
        with house.House(connections=100, connections_per_address=4, **LIMITLESS) as one:
            with contextlib.ExitStack() as stack:
                for _ in range(4):
                    stack.enter_context(one.tls(source="127.0.0.1"))
                self.assertTrue(turned_away(lambda: one.tls(timeout=3, source="127.0.0.1")))
                with one.tls(source="127.0.0.2") as other:
                    self.assertEqual(house.ask(other, "GET", "/v1/system/ping")[0], 200)

    def test_rate(self):  # proves: SW-5
        with house.House(requests_per_second=1, requests_burst=5) as one:
            with one.tls("h2", source="127.0.0.3") as first, one.tls(source="127.0.0.4") as second:
                client = house.H2(first)
                codes = [client.call(PING)[0] for _ in range(5)]
                self.assertEqual(codes, [0] * 5)
                status, _, said = client.call(PING)
                code, found = house.details(said)
                self.assertEqual((status, code), (8, "ADMIT_RATE_LIMITED"))
                delay = dict(house.fields_of(dict(house.fields_of(
                    found["google.rpc.RetryInfo"]))[1]))[1]
                self.assertEqual(delay, 1)
                codes = [house.ask(second, "GET", "/v1/system/ping")[0] for _ in range(5)]
                self.assertEqual(codes, [200] * 5)
                # What does not exist costs as much.
                got, fields, body = house.ask(second, "GET", "/nothing")
                self.assertEqual((got, fields["retry-after"]), (429, "1"))
                self.assertEqual(house.problem(fields, body)["code"], "ADMIT_RATE_LIMITED")
                time.sleep(delay + 0.1)
                self.assertEqual(client.call(PING)[0], 0)
                self.assertEqual(client.call(PING)[0], 8)
                self.assertEqual(house.ask(second, "GET", "/v1/system/ping")[0], 200)

    def test_costs(self):
        """What a row of the table of routes says a call costs is what is taken of the rate, over
        HTTP/1.1, HTTP/2 and gRPC alike, also where the owner alone may have it."""
        one = ("GET", "/v1/system/ping", 200)
        rows = [("a proof", ("GET", "/v1/audit/proof?seq=0", 200), 5),
                ("gRPC", "/ward.v1.Audit/Prove", 5),
                ("a list", ("GET", "/v1/audit/records", 403), 5),
                ("doctor", ("GET", "/v1/system/doctor", 403), 10),
                ("the dearest: all there is", ("POST", "/v1/audit/verify", 403), 20),
                ("what there is not", ("GET", "/nothing", 404), 1), ("one", one, 1)]
        with house.House(requests_per_second=1, requests_burst=20) as here:
            for name, call, cost in rows:
                with self.subTest(name), here.tls("h2") as peer:
                    began = time.monotonic()
                    client = house.H2(peer)
                    if isinstance(call, str):
                        self.assertEqual(client.call(call)[0], 0)
                    else:
                        self.assertEqual(self.status(client, *call[:2]), call[2])
                    left = 0
                    while self.status(client, *one[:2]) == 200:
                        left += 1
                    # As many seconds, as many more: the rate goes on meanwhile.
                    self.assertGreaterEqual(left, 20 - cost)
                    self.assertLessEqual(left, 20 - cost + int(time.monotonic() - began) + 1)

    @staticmethod
    def status(client, method, target):
        fields = [("content-type", "application/json")] if method == "POST" else []
        body = b"{}" if method == "POST" else None
        return int(client.wait(client.begin(method, target, fields, body))["fields"][":status"])

    def test_settings_at_their_ends(self):
        """The most that may be set is more than one process can have, and is not refused."""
        for settings in ({"connections": 1000000, "connections_per_address": 1000000},
                         {"requests_per_second": 1000000, "requests_burst": 1000000},
                         {"requests_per_second": 99991}, {"requests_per_second": 79937},
                         {"requests_per_second": 1, "requests_burst": 1},
                         {"connects_per_second": 1, "connects_burst": 500000},
                         {"requests_per_second": 1, "requests_burst": 500000},
                         {"connects_per_second": 7, "connects_burst": 1000000},
                         {"requests_per_second": 99, "requests_burst": 1000000},
                         {"requests_per_second": 999999, "requests_burst": 1000000},
                         {"connections": 1, "connections_per_address": 1}):
            with self.subTest(settings), house.House(**settings) as one, one.tls("h2") as two:
                self.assertEqual(house.H2(two).call(PING)[0], 0)

    def test_slow_peers(self):
        with house.House(header_seconds=1, idle_seconds=3, **LIMITLESS) as one:
            began = time.monotonic()
            mute = one.tcp()
            idle, idle_h2 = one.tls(), house.H2(one.tls("h2"))
            idle_h2.call(PING)
            drip, half = one.tls(), house.H2(one.tls("h2"))
            half.take()
            head = half.conn.encoder.encode([(":method", "GET"), (":scheme", "https")])
            half.one.sendall(len(head).to_bytes(3, "big") + b"\1\0\0\0\0\1" + head)
            with contextlib.suppress(*GONE):
                for byte in house.request("GET", "/v1/system/ping", ["X: " + "x" * 90]):
                    drip.sendall(bytes([byte]))
                    time.sleep(0.05)
            got = house.read_all(drip)
            self.assertTrue(got.startswith(b"HTTP/1.1 408 "), got)
            self.assertLess(time.monotonic() - began, 8)
            with contextlib.suppress(*GONE):
                while half.take():
                    pass
            with contextlib.suppress(*GONE):
                self.assertEqual(mute.recv(1), b"")
            self.assertEqual(house.read_all(idle), b"")
            while idle_h2.take():
                pass
            self.assertEqual(idle_h2.goaway, 0)
            self.assertLess(time.monotonic() - began, 12)
            self.wait_empty(one)
            for peer in (mute, idle, drip, idle_h2.one, half.one):
                peer.close()

    def wait_empty(self, one):
        """Who was cut has a second to read why."""
        until = time.monotonic() + 3
        while one.metrics()["connections"] > 0:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)

    def test_slow_requests_give_way(self):
        """More half requests than there are places do not keep others out."""
        with house.House(connections=400, connections_per_address=400, header_seconds=60,
                         **LIMITLESS) as one:
            with contextlib.ExitStack() as stack:
                for _ in range(150):
                    peer = stack.enter_context(one.tls())
                    peer.sendall(b"GET / HTTP/1.1\r\n")
                time.sleep(1.5)
                other = stack.enter_context(one.tls())
                began = time.monotonic()
                self.assertEqual(house.ask(other, "GET", "/v1/system/ping")[0], 200)
                self.assertLess(time.monotonic() - began, 1)


class Faults(unittest.TestCase):
    def test_core_is_killed(self):
        with house.House(**LIMITLESS) as one, contextlib.ExitStack() as stack:
            core = one.kill("core", signal.SIGSTOP)
            plain = [stack.enter_context(one.plain()) for _ in range(25)]
            for peer in plain:
                peer.sendall(house.request("GET", "/v1/system/ping"))
            client = house.H2(stack.enter_context(one.tls("h2")))
            streams = [client.grpc(PING, house.text_field(1, "x")) for _ in range(25)]
            while one.metrics()["calls_open"] < 50:
                time.sleep(0.01)
            os.kill(core, signal.SIGKILL)
            for peer in plain:
                status, fields, body = house.read_answer(peer)
                self.assertEqual((status, fields["retry-after"]), (503, "1"))
                self.assertEqual(house.problem(fields, body)["code"], "HOUSE_UNAVAILABLE")
            for stream in streams:
                self.assertEqual(client.wait(stream)["fields"]["grpc-status"], "14")
            one.wait_new("core", core)
            until = time.monotonic() + 5
            while client.call(PING)[0] != 0:
                self.assertLess(time.monotonic(), until)
                time.sleep(0.02)
            for peer in plain:
                self.assertEqual(house.ask(peer, "GET", "/v1/system/ping")[0], 200)
            self.assertEqual(one.metrics()["calls_open"], 0)

    def test_core_is_frozen(self):
        with house.House(**LIMITLESS) as one, one.tls() as plain, one.tls("h2") as two:
            client = house.H2(two)
            core = one.kill("core", signal.SIGSTOP)
            began = time.monotonic()
            stream = client.grpc(PING, fields=[("grpc-timeout", "300m")])
            self.assertEqual(client.wait(stream)["fields"]["grpc-status"], "4")
            self.assertLess(time.monotonic() - began, 1.5)
            status, fields, body = house.ask(plain, "GET", "/v1/system/ping")
            self.assertEqual((status, house.problem(fields, body)["code"]),
                             (503, "HOUSE_DEADLINE"))
            self.assertLess(time.monotonic() - began, 8)
            os.kill(core, signal.SIGCONT)  # its late answers find nobody
            for number in range(20):
                status, _, body = house.ask(plain, "GET", f"/v1/system/ping?text=n{number}")
                self.assertEqual(status, 200)
                self.assertIn(f'"n{number}"'.encode(), body)

    def test_keeper_is_killed(self):
        with house.House(**LIMITLESS) as one, one.tls("h2") as first:
            client = house.H2(first)
            keeper = one.kill("keeper")
            for _ in range(50):
                self.assertEqual(client.call(PING)[0], 0)
            one.wait_new("keeper", keeper)
            until = time.monotonic() + 5
            while True:
                with contextlib.suppress(*GONE), one.tls() as again:
                    self.assertEqual(house.ask(again, "GET", "/v1/system/ping")[0], 200)
                    break
                self.assertLess(time.monotonic(), until)
                time.sleep(0.05)
            self.assertEqual(client.call(PING)[0], 0)

    def test_keeper_is_frozen(self):
        """Whoever comes is lost for a while; whoever is in waits for one of them at most."""
        with house.House(**LIMITLESS) as one, one.tls("h2") as first:
            client = house.H2(first)
            keeper = one.kill("keeper", signal.SIGSTOP)
            newcomers = [threading.Thread(target=lambda: turned_away(lambda: one.tls(timeout=5)))
                         for _ in range(10)]
            for thread in newcomers:
                thread.start()
            waits = []
            until = time.monotonic() + 3
            while time.monotonic() < until:
                began = time.monotonic()
                self.assertEqual(client.call(PING)[0], 0)
                waits.append(time.monotonic() - began)
            for thread in newcomers:
                thread.join()
            self.assertLess(max(waits), 1.6)
            self.assertLessEqual(sum(wait > 0.5 for wait in waits), 1)
            os.kill(keeper, signal.SIGCONT)
            until = time.monotonic() + 6  # it is left alone for 4 s
            while not self.lets_in(one):
                self.assertLess(time.monotonic(), until)
                time.sleep(0.05)

    @staticmethod
    def lets_in(one):
        with contextlib.suppress(*GONE), one.tls(timeout=1) as again:
            return house.ask(again, "GET", "/v1/system/ping")[0] == 200
        return False

    def test_a_new_chain_while_handshakes_are_signed(self):
        """The word of it comes while the front waits for signatures, and is not lost."""
        def leaf(one):
            with one.tls() as peer:
                return peer.getpeercert(True)

        def newcomers(one, stop):
            while not stop.is_set():
                turned_away(lambda: leaf(one))

        stop = threading.Event()
        with house.House(**LIMITLESS) as one:
            threads = [threading.Thread(target=newcomers, args=(one, stop)) for _ in range(4)]
            for thread in threads:
                thread.start()
            try:
                seen = {leaf(one)}
                for _ in range(4):
                    done = one.command("keyring", "rotate", "tls", "--yes", "--state", one.state)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    until = time.monotonic() + 60
                    while (now := leaf(one)) in seen:
                        self.assertLess(time.monotonic(), until)
                    seen.add(now)
            finally:
                stop.set()
                for thread in threads:
                    thread.join()

    def test_descriptors_run_out(self):  # proves: RL-29
        # Whose process it is may lower its limit; root may not everywhere.
        user = NOBODY if os.getuid() == 0 else None
        with house.House(user=user, connections=1000, connections_per_address=900,
                         **LIMITLESS) as one, one.tls("h2") as first, one.plain() as plain:
            client = house.H2(first)
            self.assertEqual(client.call(PING)[0], 0)
            self.assertEqual(house.ask(plain, "GET", "/healthz")[0], 200)
            front, used = one.pid("front"), self.descriptors(one.pid("front"))
            for spare in range(9):
                with self.subTest(spare), contextlib.ExitStack() as stack:
                    self.limit(one, front, used + spare)
                    for _ in range(40):
                        peer = stack.enter_context(socket.socket())
                        peer.setblocking(False)
                        peer.connect_ex(("127.0.0.1", one.port))
                    time.sleep(0.1)
                    self.assertLessEqual(self.descriptors(front), used + spare)
                    cpu, began = self.cpu(front), time.monotonic()
                    time.sleep(0.6)
                    share = (self.cpu(front) - cpu) / (time.monotonic() - began)
                    self.assertLess(share, 0.05)
                    self.assertEqual(client.call(PING)[0], 0)
                    self.assertEqual(house.ask(plain, "GET", "/healthz")[0], 200)
            self.limit(one, front, 1000)
            time.sleep(0.5)
            with one.tls() as again:
                self.assertEqual(house.ask(again, "GET", "/v1/system/ping")[0], 200)
            until = time.monotonic() + 3
            while self.descriptors(front) > used and time.monotonic() < until:
                time.sleep(0.05)
            self.assertLessEqual(self.descriptors(front), used)
            self.assertEqual(one.metrics()["connections"], 1)

    @staticmethod
    def limit(one, pid, descriptors):
        subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={descriptors}:"], check=True,
                       timeout=10, **one.user)

    @staticmethod
    def descriptors(pid):
        """How many are open; the two clients' besides those of the start, where that may not
        be looked at."""
        try:
            return max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1
        except PermissionError:
            return 11

    @staticmethod
    def cpu(pid):
        """Seconds of processor time that a process has used."""
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_stopping(self):
        """What was asked for is answered; nobody new is let in."""
        with house.House(**LIMITLESS) as one, one.tls() as plain, one.tls("h2") as two, \
                one.tls() as idle:
            client = house.H2(two)
            client.call(PING)
            core = one.kill("core", signal.SIGSTOP)
            plain.sendall(house.request("GET", "/v1/system/ping"))
            stream = client.grpc(PING)
            while one.metrics()["calls_open"] < 2:
                time.sleep(0.01)
            with subprocess.Popen([house.BUILD / "ward", "down", "--state", one.state],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as down:
                while client.goaway is None:
                    client.take()
                self.assertTrue(turned_away(lambda: one.tls(timeout=0.5)))
                os.kill(core, signal.SIGCONT)
                self.assertEqual(house.read_answer(plain)[0], 200)
                self.assertEqual(client.wait(stream)["trailers"]["grpc-status"], "0")
                self.assertEqual(house.read_all(idle), b"")
                self.assertEqual(down.wait(10), 0)


if __name__ == "__main__":
    tap.main()
