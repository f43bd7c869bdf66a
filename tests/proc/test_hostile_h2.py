"""test_hostile_h2.py - attacks on HTTP/2, written frame by frame: who makes them is cut and counted,
and the log names what he did; somebody else's calls are answered meanwhile."""

import contextlib
import re
import select
import ssl
import struct
import time
import unittest

import front_house as house
import hpack
import tap

DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = (
    0, 1, 2, 3, 4, 6, 7, 8, 9)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
END_STREAM, END_HEADERS, ACK = 1, 4, 1
CALL = "/ward.v1.System/Ping"
CALM, PROTOCOL, SIZE, CLOSED = 11, 1, 6, 5


def frame(kind, flags=0, stream=0, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def head(stream, flags=END_HEADERS, **more):
    fields = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"),
              (":path", CALL), ("content-type", "application/grpc"), ("te", "trailers"),
              *more.items()]
    return frame(HEADERS, flags, stream, hpack.Encoder().encode(fields))


# What is sent again and again; n counts from 0, streams are 1, 3, 5 ...
def rapid_reset(n):
    return head(2 * n + 1) + frame(RESET, 0, 2 * n + 1, struct.pack(">I", 8))


def provoked_reset(n):
    """A window of nothing more than there may be: the house itself must reset the stream."""
    return head(2 * n + 1) + frame(WINDOW, 0, 2 * n + 1, struct.pack(">I", 0x7fffffff))


def continuations(n):
    return (head(1, 0) if n == 0 else b"") + frame(CONTINUATION, 0, 1, b"")


def bomb(n):
    """A field of nearly 4 KiB, put into the table once and then named by one byte each."""
    first = b"\x40\x01x\x7f" + hpack.hpack.encode_integer(3900, 7)[1:] + b"y" * 3900
    return frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1,
                 b"\x82\x87\x84" + (first if n == 0 else b"") + b"\xbe" * 4000)


def empty_data(n):
    return (head(1) if n == 0 else b"") + frame(DATA, 0, 1)


def windows(n):
    return (head(1) if n == 0 else b"") + frame(WINDOW, 0, 0, struct.pack(">I", 1))


def priority(n):
    return frame(PRIORITY, 0, 2 * n + 1, struct.pack(">IB", 0, 9))


# (name, what is sent, how often at most, the code of GOAWAY, what the log calls it).
FLOODS = [
    ("rapid reset", rapid_reset, 3000, CALM, "rapid reset"),
    ("provoked reset", provoked_reset, 3000, CALM, "provoked reset"),
    ("CONTINUATION", continuations, 3000, CALM, "continuation"),
    ("HPACK bomb", bomb, 3000, CALM, "provoked reset"),
    ("SETTINGS", lambda n: frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 70000 + n)), 3000, CALM,
     "settings"),
    ("PING", lambda n: frame(PING, 0, 0, b"12345678"), 3000, CALM, "ping"),
    ("PRIORITY", priority, 3000, CALM, "priority"),
    ("empty DATA", empty_data, 3000, CALM, "empty data"),
    ("WINDOW_UPDATE", windows, 9000, CALM, "window update"),
    ("unknown frames", lambda n: frame(0x7f, 0, 0, b""), 3000, CALM, "unknown frames"),
]
# Not floods: one is enough to end the connection.
ERRORS = [
    ("an even stream", head(2), PROTOCOL),
    ("DATA of a stream that is idle", frame(DATA, 0, 9, b"x"), PROTOCOL),
    ("a RESET of one that is idle", frame(RESET, 0, 9, b"\0\0\0\0"), PROTOCOL),
    ("HEADERS of no stream", frame(HEADERS, END_HEADERS, 0, b"\x82"), PROTOCOL),
    ("a frame that is too long", frame(DATA, 0, 1, b"x" * 20000), SIZE),
    ("CONTINUATION of nothing", frame(CONTINUATION, END_HEADERS, 1, b""), PROTOCOL),
    ("a stream below the last", head(5) + head(3), PROTOCOL),
    ("DATA of one that was passed over", head(5) + frame(DATA, 0, 3, b"x"), PROTOCOL),
    ("HEADERS of one that is ended", head(1, END_HEADERS | END_STREAM) + head(1), CLOSED),
    ("DATA of one that is reset",
     head(1) + frame(RESET, 0, 1, b"\0\0\0\x08") + frame(DATA, 0, 1, b"x"), CLOSED),
    ("a PUSH_PROMISE", frame(5, END_HEADERS, 1, b"\0\0\0\2\x82"), PROTOCOL),
]
GONE = (ConnectionError, ssl.SSLError, OSError)


def ended_with(data):
    """The code of the GOAWAY in what was read, None without one."""
    at = 0
    while at + 9 <= len(data):
        length = int.from_bytes(data[at:at + 3], "big")
        if data[at + 3] == GOAWAY:
            return struct.unpack(">I", data[at + 13:at + 17])[0]
        at += 9 + length
    return None


def attack(one, make, count):
    """Sends until the house has hung up; everything that was read."""
    got = b""
    with contextlib.suppress(*GONE):
        one.sendall(PREFACE + frame(SETTINGS))
        for n in range(count):
            one.sendall(make(n))
            while select.select([one], [], [], 0)[0]:
                part = one.recv(65536)
                if not part:
                    return got
                got += part
            if ended_with(got) is not None:
                break
        while part := one.recv(65536):
            got += part
    return got


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = house.House(requests_per_second=100000, requests_burst=100000)
        cls.house.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def test_floods(self):
        with self.house.tls("h2") as other:
            honest, front = house.H2(other), self.house.pid("front")
            for number, (name, make, count, code, habit) in enumerate(FLOODS):
                before = self.house.metrics()
                source = f"127.9.0.{number + 1}"
                with self.subTest(name), self.house.tls("h2", source=source) as one:
                    self.assertEqual(ended_with(attack(one, make, count)), code)
                    self.assertEqual(honest.call(CALL, house.text_field(1, name))[0], 0)
                    self.wait_counted(before)
                    # One in a second is named, all are counted.
                    self.assertEqual(self.named().get(source, habit), habit)
                if number == 0:
                    self.assertIn(source, self.named())
            self.assertEqual(self.house.pid("front"), front)
            self.assertEqual(self.house.metrics()["calls_open"], 0)

    def wait_counted(self, before):
        until = time.monotonic() + 60
        while True:
            now = self.house.metrics()
            if (now["h2_abuses_total"], now["connections"]) == (
                    before["h2_abuses_total"] + 1, before["connections"]):
                return
            self.assertLess(time.monotonic(), until, now)
            time.sleep(0.02)

    def named(self):
        """{peer: habit} of the log."""
        return {peer: habit for habit, peer in re.findall(
            r'http2 abuse habit="([^"]*)" peer="([^"]*)" total=\d+', self.house.log())}

    def test_errors(self):
        for name, bytes_, code in ERRORS:
            with self.subTest(name), self.house.tls("h2") as one:
                got = attack(one, lambda n, bytes_=bytes_: bytes_, 1)
                self.assertEqual(ended_with(got), code)
        with self.house.tls("h2") as one:
            self.assertEqual(house.H2(one).call(CALL)[0], 0)


if __name__ == "__main__":
    tap.main()
