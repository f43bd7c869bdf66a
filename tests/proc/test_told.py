"""test_told.py - edges that say who their client is, by the PROXY protocol: what they say counts, from
nobody else's address it is believed, and without it nobody comes in from theirs."""

import contextlib
import json
import re
import socket
import ssl
import struct
import time
import unittest

import edges
import front_house as house
import guarded
import tap
from house import until

EDGE = "127.0.0.2"
MARK = b"\r\n\r\n\0\r\nQUIT\n"
CONFIG = f"[admit]\nproxies = '{EDGE}'\n"
FULL = 256


def header(client="203.0.113.7", command=0x21, family=None, rest=None, more=b""):
    """What an edge says of a client."""
    six = ":" in client
    kind = socket.AF_INET6 if six else socket.AF_INET
    if rest is None:
        rest = 2 * socket.inet_pton(kind, client) + struct.pack(">HH", 4711, 443)
    family = family if family is not None else 0x21 if six else 0x11
    return MARK + bytes((command, family)) + struct.pack(">H", len(rest + more)) + rest + more


LOCAL = header(command=0x20, family=0, rest=b"")
BAD = {
    "nothing of it": b"\x16\x03\x01" + b"x" * 60,
    "version 1": b"PROXY TCP4 203.0.113.7 127.0.0.1 4711 443\r\n",
    "another mark": MARK[:-1] + b"\r" + header()[12:],
    "version 3": header(command=0x31), "no such command": header(command=0x22),
    "no family": header(family=0, rest=b""), "no family, with more": header(family=0),
    "datagrams": header(family=0x12), "a socket of a machine": header(family=0x31, rest=bytes(216)),
    "v6 that is short": header(family=0x21), "v4 that is short": header(rest=bytes(11)),
    "a value without an end": header(more=b"\4\0\x09abc"), "half a value": header(more=b"\4\0"),
    "a wrong checksum": header(more=b"\3\0\4abcd"), "too long": header(more=b"\4\x04\0" + bytes(1024)),
}


class Told(unittest.TestCase):
    def setUp(self):
        self.house = self.enterContext(house.House(config=CONFIG, header_seconds=2,
                                                   connects_burst=200, connects_per_second=200))

    def edge(self, said, slowly=0.0):
        """A connection of the edge, that has said this."""
        one = self.house.tcp(source=EDGE)
        if not slowly:
            one.sendall(said)
        for byte in said if slowly else ():
            one.sendall(bytes((byte,)))
            time.sleep(slowly)
        return one

    def tls(self, said, **how):
        trust = ssl.create_default_context(cafile=self.house.state / "ca.pem")
        trust.set_alpn_protocols(["http/1.1"])
        return house.contract.Watched(trust.wrap_socket(self.edge(said, **how),
                                                        server_hostname="localhost"))

    def refused(self, one):
        """It is closed, and nothing was said."""
        with one, contextlib.suppress(ConnectionError):
            self.assertEqual(one.recv(99), b"")

    def counted(self):
        return self.house.metrics()["edge_headers_refused_total"]

    def who(self, one):
        """What the log says of who is refused."""
        with one:
            self.assertEqual(house.ask(one, "GET", "/v1/keyring/keys")[0], 403)
        log = self.house.state / "audit/security.log"

        def rows():
            lines = log.read_bytes().splitlines(True)
            return [row for row in map(json.loads, (l for l in lines if l.endswith(b"\n")))
                    if row["action"] == "access.refuse"]
        seen = self.seen if hasattr(self, "seen") else 0
        found = until(lambda: rows() if len(rows()) > seen else None)
        self.seen = len(found)
        return found[-1]["ip_address"]

    def test_whom_it_tells_of(self):
        """IPv4, IPv6 and what is IPv4 in IPv6; with values behind it; byte by byte; of itself."""
        rows = {"203.0.113.7": header(), "2001:db8::9": header("2001:db8::9"),
                "203.0.113.8": header("::ffff:203.0.113.8"),
                "203.0.113.9": header("203.0.113.9", more=b"\2\0\1a\4\0\0\xe0\0\2bc"), EDGE: LOCAL}
        for address, said in rows.items():
            with self.subTest(address):
                self.assertEqual(self.who(self.tls(said)), address)
        self.assertEqual(self.who(self.tls(header("203.0.113.10"), slowly=0.02)), "203.0.113.10")
        together = header("203.0.113.11")
        trust = ssl.create_default_context(cafile=self.house.state / "ca.pem")
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        hello = trust.wrap_bio(into, out, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            hello.do_handshake()
        with self.edge(together + out.read()) as one:  # in one packet with the hello
            self.assertEqual(one.recv(1), b"\x16")
        self.assertEqual(self.counted(), 0)

    def test_what_is_none(self):
        """It is demanded, and it is whole: all else is closed and counted, and nobody is banned."""
        for name, said in BAD.items():
            with self.subTest(name):
                before = self.counted()
                self.refused(self.edge(said))
                self.assertEqual(self.counted(), before + 1)
        before = self.counted()
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.house.tls(source=EDGE)
        self.refused(self.edge(2 * header() + b"x" * 20))  # the second is no TLS
        self.assertEqual(self.counted(), before + 1)
        whole = header(more=b"\4\0\1a")
        for cut in range(len(whole)):
            with self.edge(whole[:cut]) as one:
                one.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionError):
                    self.assertEqual(one.recv(99), b"")
        begun = time.monotonic()
        self.refused(self.edge(whole[:-1]))
        self.assertLess(time.monotonic() - begun, 6)
        self.assertEqual(self.who(self.tls(header())), "203.0.113.7")
        self.assertEqual(self.house.metrics()["bans"], 0)
        self.assertIn(f'no header of an edge peer="{EDGE}"', self.house.log())

    def test_nobody_else_is_believed(self):
        """From another address it is no TLS, as anything else."""
        before = self.house.metrics()
        one = self.house.tcp(source="127.0.0.3")
        one.sendall(header())
        with one:
            while one.recv(99):
                pass
        after = self.house.metrics()
        self.assertEqual(after["edge_headers_refused_total"], before["edge_headers_refused_total"])
        self.assertEqual(after["handshake_failures_total"], before["handshake_failures_total"] + 1)
        self.assertEqual(self.who(self.house.tls(source="127.0.0.3")), "127.0.0.3")

    def test_so_many_and_no_more(self):
        """Connections that have not said whose they are: their number has an end, which keeps out
        nobody who comes himself; and each ends by itself."""
        waiting = [self.edge(MARK) for _ in range(FULL)]
        until(lambda: self.house.metrics()["handshakes_open"] >= FULL)
        with contextlib.suppress(ConnectionError):  # it may be reset while it connects
            self.refused(self.edge(header()))
        with self.house.tls() as one:
            self.assertEqual(house.ask(one, "GET", "/v1/system/ping?text=a")[0], 200)
        until(lambda: self.house.metrics()["handshakes_open"] == 0, 10)
        for one in waiting:
            self.refused(one)
        self.assertEqual(self.who(self.tls(header())), "203.0.113.7")

    def test_a_ban(self):
        """It is the client's and not the edge's; who is in is put out."""
        inside, other = self.tls(header("203.0.113.20")), self.tls(header("203.0.113.21"))
        done = self.house.command("ban", "add", "203.0.113.20", "--state", self.house.state,
                                  "--for", "1h")
        self.assertEqual(done.returncode, 0, done.stderr)
        with inside:
            self.assertEqual(inside.recv(99), b"")
        self.refused(self.edge(header("203.0.113.20")))
        with other:
            self.assertEqual(house.ask(other, "GET", "/v1/system/ping?text=a")[0], 200)
        self.assertEqual(self.who(self.tls(LOCAL)), EDGE)


class Limited(unittest.TestCase):
    def test_by_the_address_that_is_told(self):
        """New connections, open ones and requests of one client are bounded; the edge's are not."""
        with house.House(config=CONFIG, connects_burst=4, connects_per_second=1,
                         connections_per_address=3, requests_burst=60) as here:
            told = Told()
            told.house = here

            def in_use(client, count):
                kept = []
                for _ in range(count):
                    with contextlib.suppress(ssl.SSLError, ConnectionError):
                        kept.append(told.tls(header(client)))
                return kept
            first = in_use("203.0.113.30", 6)
            self.assertEqual(len(first), 3)
            others = [in_use(f"203.0.113.{n}", 1) for n in range(31, 51)]
            self.assertEqual([len(one) for one in others], [1] * 20)
            codes = [house.ask(first[0], "GET", "/v1/system/ping?text=a")[0] for _ in range(70)]
            self.assertIn(429, codes)
            self.assertEqual(house.ask(others[0][0], "GET", "/v1/system/ping?text=a")[0], 200)
            for one in first + [one for row in others for one in row]:
                one.close()


class HAProxy(unittest.TestCase):
    def test_passed_through(self):
        """A real one: each client is who it is, its health checks are taken, and an operator's
        certificate passes."""
        with guarded.Guarded() as here:
            here.name(guarded.ALICE, more=CONFIG)
            here.start()
            with edges.Edge("through", "h1", here) as edge:
                alice = here.person()
                for source in ("127.0.0.9", "127.0.0.10"):
                    with socket.create_connection(("127.0.0.1", edge.port), 10, (source, 0)) as one, \
                            here.trust(alice).wrap_socket(one, server_hostname="localhost") as tls:
                        self.assertEqual(house.ask(tls, "GET", "/v1/system/config")[0], 200)
                rows = here.records("config.read", 2)
                self.assertEqual([row["ip_address"] for row in rows], ["127.0.0.9", "127.0.0.10"])
                self.assertEqual(rows[0]["actor_id"], guarded.ALICE)

                def health():
                    with socket.socket(socket.AF_UNIX) as one:
                        one.connect(str(edge.folder / "stats"))
                        one.sendall(b"show stat\n")
                        return re.search(rb"\nhouse,house,.*", one.makefile("rb").read())[0]
                until(lambda: b",UP," in health() and b",L4OK," in health())
                self.assertEqual(re.search(r"edge_headers_refused_total (\d+)",
                                           guarded.metrics(here))[1], "0")


if __name__ == "__main__":
    tap.main()
