"""test_fetch.py - ward-fetch against providers that mean harm and names that lead astray. Each
ends in a stable reason, and none takes the process with it."""

import os
import tempfile
import unittest

import fetcher
from fetcher import OUTWARD, Fetcher, Names, Provider

import tap

import tls_ca  # noqa: E402

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
CHAIN = b"TCB-Info-Issuer-Chain: -----BEGIN%20X-----%0A\r\n"


def setUpModule():
    global place, authority, good
    place = tempfile.TemporaryDirectory()
    authority = tls_ca.Authority(place.name)
    good = authority.server("good", f"IP:127.0.0.1,IP:{OUTWARD},DNS:pcs.example")


def tearDownModule():
    place.cleanup()


def says(*parts):
    return lambda provider, one: one.sendall(b"".join(parts))


def drips(provider, one):
    one.sendall(OK + b"\r\n")
    provider.forever(one, b"", 1)


class Fetch(unittest.TestCase):
    def meet(self, act, certificate=None, seconds=30, thing=fetcher.TCB_INFO):
        """What is fetched from a provider that acts so; it must fetch from a good one after it."""
        with Provider(act, certificate or good) as provider, \
                Fetcher(f"https://127.0.0.1:{provider.port}", authority.pem) as fetch:
            got = fetch.fetch(thing, seconds=seconds)
            provider.act, provider.certificate = says(OK, CHAIN, b"\r\nhello"), good
            self.assertEqual(fetch.fetch(), ("OK", "", b"-----BEGIN X-----\n\n", b"hello"))
            self.asked = provider.asked
            return got

    def test_a_good_one(self):
        for thing, path in ((fetcher.TCB_INFO, b"/tdx/certification/v4/tcb?fmspc=505741524400"),
                            (fetcher.QE_IDENTITY, b"/tdx/certification/v4/qe/identity"),
                            (fetcher.PCK_CRL,
                             b"/sgx/certification/v4/pckcrl?ca=platform&encoding=der"),
                            (fetcher.ROOT_CRL, b"/sgx/certification/v4/rootcacrl")):
            got = self.meet(says(OK, b"\r\nworld"), thing=thing)
            self.assertEqual(got, ("OK", "", b"", b"world"))
            head, _, _ = self.asked[0].partition(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"GET " + path + b" HTTP/1.1\r\n"), head)
            self.assertNotIn(b"Accept-Encoding", head)

    def test_replies_that_are_none(self):
        large, flood = 64 << 10, (64 << 10) // 1000 + 1
        cases = (
            ("FETCH_REPLY", says(b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\n"
                                 b"Content-Length: 0\r\n\r\n")),
            ("FETCH_REPLY", says(b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n",
                                 b"x" * large, b"y")),
            ("FETCH_REPLY", lambda provider, one: (one.sendall(b"HTTP/1.1 200 OK\r\n\r\n"),
                                                   provider.forever(one, b"0" * 65536))),
            ("FETCH_REPLY", says(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")),
            ("FETCH_REPLY", says(b"HTTP/1.1 204 No Content\r\n\r\n")),
            ("FETCH_REPLY", says(b"hello, this is no HTTP\r\n\r\n")),
            ("FETCH_REPLY", says(b"\0" * 4096)),
            ("FETCH_REPLY", says(b"HTTP/1.1 200 OK\r\n",
                                 *(b"X-%d: " % n + b"y" * 1000 + b"\r\n" for n in range(flood)))),
            ("FETCH_REPLY", says(OK, b"TCB-Info-Issuer-Chain: %4\r\n\r\nhello")),
            ("FETCH_REPLY", says(OK, b"\r\nhel")),
            ("FETCH_UNREACHABLE", says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")),
            ("FETCH_UNREACHABLE", says()),
        )
        for wanted, act in cases:
            reason, detail, chain, body = self.meet(act)
            self.assertEqual((reason, chain, body), (wanted, b"", b""), detail)
            self.assertTrue(detail.isprintable() and len(detail) <= 256, detail)

    def test_the_largest_that_is_read(self):
        size = 64 << 10
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
        got = self.meet(says(head % size, b"x" * size))
        self.assertEqual((got[0], len(got[3])), ("OK", size))
        self.assertEqual(self.meet(says(head % (size + 1), b"x" * (size + 1)))[0], "FETCH_REPLY")

    def test_what_is_packed_is_not_unpacked(self):
        import gzip
        bomb = gzip.compress(b"0" * (32 << 20))
        self.assertLess(len(bomb), 64 << 10)
        got = self.meet(says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n"
                             b"\r\n" % len(bomb), bomb))
        self.assertEqual((got[0], got[3]), ("OK", bomb))

    def test_one_byte_a_second(self):
        self.assertEqual(self.meet(drips)[0], "FETCH_SLOW")

    def test_who_it_is(self):
        other = tls_ca.Authority(place.name, "other")
        for certificate in (authority.server("elsewhere", "DNS:elsewhere.example,IP:127.0.0.2"),
                            authority.server("expired", "IP:127.0.0.1", days=-1),
                            other.server("stranger", "IP:127.0.0.1")):
            reason, detail, *_ = self.meet(says(OK, b"\r\nhello"), certificate)
            self.assertEqual(reason, "FETCH_TLS", detail)
            # The good one's: nothing was asked of it.
            self.assertEqual(len([asked for asked in self.asked if asked]), 1)
        with Provider(says(b"hello, this is no TLS\r\n")) as provider, \
                Fetcher(f"https://127.0.0.1:{provider.port}", authority.pem) as fetch:
            self.assertEqual(fetch.fetch()[0], "FETCH_TLS")
            self.assertEqual(fetch.fetch()[0], "FETCH_TLS")

    def test_nobody_there(self):
        with Provider(says()) as provider:
            port = provider.port
        with Fetcher(f"https://127.0.0.1:{port}", authority.pem) as fetch:
            self.assertEqual(fetch.fetch()[0], "FETCH_UNREACHABLE")
        with Fetcher("", authority.pem) as fetch:
            self.assertEqual(fetch.fetch()[0], "FETCH_NOT_SET")

    def test_where_a_name_leads(self):
        table = {"pcs.example": [OUTWARD]}
        with Names(table) as names, \
                Provider(says(OK, b"\r\nhello"), good, "0.0.0.0") as provider:
            url = f"https://pcs.example:{provider.port}"
            with Fetcher(url, authority.pem) as fetch:
                self.assertEqual(fetch.fetch()[0], "OK")
                # Asked anew each time: a name that now leads inward is not followed there.
                for addresses in (["127.0.0.1"], [OUTWARD, "127.0.0.1"], ["169.254.169.254"],
                                  ["::1"], ["10.0.0.1"]):
                    table["pcs.example"] = addresses
                    self.assertEqual(fetch.fetch()[0], "FETCH_INWARD", addresses)
                self.assertEqual(len(provider.asked), 1)
                for addresses in ([], None):
                    table["pcs.example"] = addresses
                    self.assertEqual(fetch.fetch()[0], "FETCH_NAME")
                table["pcs.example"] = [OUTWARD]
                self.assertEqual(fetch.fetch()[0], "OK")
                names.long.add("pcs.example")
                self.assertEqual(fetch.fetch()[0], "OK")
                self.assertGreater(names.streamed, 0)
            self.assertEqual(set(names.asked), {"pcs.example"})
            table["pcs.example"] = ["127.0.0.1"]
            with Fetcher(url, authority.pem, inward=True) as fetch:
                self.assertEqual(fetch.fetch()[0], "OK")
                table["pcs.example"] = ["169.254.169.254"]
                self.assertEqual(fetch.fetch()[0], "FETCH_INWARD")

    def test_one_thing_at_a_time(self):
        with Provider(drips, good) as provider, \
                Fetcher(f"https://127.0.0.1:{provider.port}", authority.pem) as fetch:
            fetch.ask()
            self.assertEqual(fetch.fetch()[0], "HOUSE_UNAVAILABLE")
            # It stops in order while one is under way.
            self.assertEqual(fetch.stop(), 0)


if __name__ == "__main__":
    fetcher.move_apart()
    tap.main()
