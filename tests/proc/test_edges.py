"""test_edges.py - the house behind other people's proxies: what they pass on is served, streams and
large bodies too, and whatever a client writes, proxy and house agree where a request ends."""

import contextlib
import itertools
import re
import shutil
import socket
import struct
import threading
import time
import unittest

import edges
import front_house as house
import h2.config
import h2.connection
import h2.exceptions
import tap

PING, REFLECTION = "/ward.v1.System/Ping", "/grpc.reflection.v1.ServerReflection/" \
                   "ServerReflectionInfo"
PATH = "/v1/system/ping?text="
KINDS = list(itertools.product(("nghttpx", "haproxy"), ("h1", "h2")))
HIDDEN = b"GET " + PATH.encode() + b"hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET " + PATH.encode() + b"last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
CHUNKED = b"0\r\n\r\n"


def post(*lines, body=b"", version=b"1.1", name=b"GET"):
    return name + b" " + PATH.encode() + b"first HTTP/" + version + b"\r\n" + \
        b"".join(line + b"\r\n" for line in (b"Host: localhost", *lines)) + b"\r\n" + body


def length(size=len(HIDDEN)):
    return b"Content-Length: %d" % size


# Requests that somebody may read in two ways; behind each another one hides, and behind that the
# last.  What is right is said by nobody here: only that both must read the same.
TE = b"Transfer-Encoding: chunked"
REQUESTS = {
    "plain": post(),
    "a body": post(length(), body=HIDDEN),
    "a chunked body": post(TE, body=b"5\r\nhello\r\n" + CHUNKED),
    "CL and TE": post(length(), TE, body=CHUNKED + HIDDEN),
    "TE and CL": post(TE, length(len(CHUNKED)), body=CHUNKED + HIDDEN),
    "a short CL and TE": post(length(4), TE, body=b"5c\r\n" + HIDDEN + CHUNKED),
    "CL twice": post(length(0), length(), body=HIDDEN),
    "CL twice, turned": post(length(), length(0), body=HIDDEN),
    "CL as a list": post(b"Content-Length: 0, %d" % len(HIDDEN), body=HIDDEN),
    "the same CL as a list": post(b"Content-Length: 5, 5", body=b"hello" + HIDDEN),
    "CL with a sign": post(b"Content-Length: +%d" % len(HIDDEN), body=HIDDEN),
    "CL below nothing": post(b"Content-Length: -1", body=HIDDEN),
    "CL of sixteen": post(b"Content-Length: 0x10", body=HIDDEN),
    "CL in eight": post(b"Content-Length: 010", body=b"x" * 8 + HIDDEN),
    "CL past 64 bits": post(b"Content-Length: 18446744073709551616", body=HIDDEN),
    "CL and a space inside": post(b"Content-Length: 1 0", body=HIDDEN),
    "CL empty": post(b"Content-Length:", body=HIDDEN),
    "a space before the colon": post(b"Content-Length : %d" % len(HIDDEN), body=HIDDEN),
    "TE, a space before the colon": post(b"Transfer-Encoding : chunked", body=CHUNKED + HIDDEN),
    "TE behind a tab": post(b"Transfer-Encoding:\tchunked", body=CHUNKED + HIDDEN),
    "TE of no kind": post(b"Transfer-Encoding: xchunked", body=CHUNKED + HIDDEN),
    "TE with a parameter": post(b"Transfer-Encoding: chunked;q=1", body=CHUNKED + HIDDEN),
    "TE in quotes": post(b'Transfer-Encoding: "chunked"', body=CHUNKED + HIDDEN),
    "TE, identity last": post(b"Transfer-Encoding: chunked, identity", body=CHUNKED + HIDDEN),
    "TE, identity first": post(b"Transfer-Encoding: identity, chunked", body=CHUNKED + HIDDEN),
    "TE twice": post(TE, b"Transfer-Encoding: identity", body=CHUNKED + HIDDEN),
    "TE empty": post(b"Transfer-Encoding:", body=CHUNKED + HIDDEN),
    "TE and a vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=CHUNKED + HIDDEN),
    "TE of HTTP/1.0": post(TE, body=CHUNKED + HIDDEN, version=b"1.0"),
    "TE in a folded line": post(b"X: a\r\n Transfer-Encoding: chunked", body=CHUNKED + HIDDEN),
    "a folded TE": post(b"Transfer-Encoding:\r\n chunked", body=CHUNKED + HIDDEN),
    "a folded CL": post(b"Content-Length:\r\n %d" % len(HIDDEN), body=HIDDEN),
    "a folded first line": b"GET /a HTTP/1.1\r\n Host: localhost\r\n\r\n" + HIDDEN,
    "TE behind a bare LF": post(b"X: a\nTransfer-Encoding: chunked", body=CHUNKED + HIDDEN),
    "TE behind a bare CR": post(b"X: a\rTransfer-Encoding: chunked", body=CHUNKED + HIDDEN),
    "CL behind a bare LF": post(b"X: a\nContent-Length: %d" % len(HIDDEN), body=HIDDEN),
    "an end by bare LFs": b"GET " + PATH.encode() + b"a HTTP/1.1\nHost: localhost\n\n" + HIDDEN,
    "a request inside a value": post(b"X: a\n\n" + HIDDEN),
    "NUL in a name": post(b"Content-\0Length: %d" % len(HIDDEN), body=HIDDEN),
    "NUL in a value": post(b"X: a\0b", b"Content-Length: 5", body=b"hello" + HIDDEN),
    "NUL behind CL": post(b"Content-Length: 5\0", body=b"hello" + HIDDEN),
    "an underscore for a dash": post(b"Content_Length: %d" % len(HIDDEN), body=HIDDEN),
    "TE, an underscore": post(b"Transfer_Encoding: chunked", body=CHUNKED + HIDDEN),
    "a space in a name": post(b"Content Length: %d" % len(HIDDEN), body=HIDDEN),
    "no name": post(b": chunked", TE, body=CHUNKED + HIDDEN),
    "no colon": post(b"Transfer-Encoding chunked", body=CHUNKED + HIDDEN),
    "CL handed from hop to hop": post(b"Connection: Content-Length", length(), body=HIDDEN),
    "TE handed from hop to hop": post(b"Connection: Transfer-Encoding", TE,
                                      body=CHUNKED + HIDDEN),
    "Host handed from hop to hop": post(b"Connection: Host, close"),
    "an upgrade to h2c": post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
                              b"HTTP2-Settings: AAMAAABkAAQAAP__", body=HIDDEN),
    "an upgrade to a WebSocket": post(b"Connection: Upgrade", b"Upgrade: websocket",
                                      b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: AAAA",
                                      body=HIDDEN),
    "an expectation": post(b"Expect: 100-continue", length(), body=HIDDEN),
    "another expectation": post(b"Expect: 100-continue, 200-ok", length(), body=HIDDEN),
    "a chunk's size with a sign": post(TE, body=b"+5\r\nhello\r\n" + CHUNKED + HIDDEN),
    "a chunk's size of sixteen": post(TE, body=b"0x5\r\nhello\r\n" + CHUNKED + HIDDEN),
    "a chunk's size past 64 bits": post(TE, body=b"10000000000000005\r\nhello\r\n" + CHUNKED),
    "a chunk's size and a space": post(TE, body=b"5 \r\nhello\r\n" + CHUNKED + HIDDEN),
    "a chunk's size and a bare LF": post(TE, body=b"5\nhello\r\n" + CHUNKED + HIDDEN),
    "a chunk's end by a bare LF": post(TE, body=b"5\r\nhello\n" + CHUNKED + HIDDEN),
    "a chunk with two bytes for its end": post(TE, body=b"5\r\nhelloXX" + CHUNKED + HIDDEN),
    "an extension with a bare LF": post(TE, body=b"5;a\nhello\r\n" + CHUNKED + HIDDEN),
    "an extension": post(TE, body=b'5;a="\r\n"\r\nhello\r\n' + CHUNKED + HIDDEN),
    "trailers with CL": post(TE, body=b"0\r\nContent-Length: 9\r\n\r\n" + HIDDEN),
    "trailers with TE": post(TE, body=b"0\r\nTransfer-Encoding: x\r\n\r\n" + HIDDEN),
    "trailers without an end": post(TE, body=b"0\r\nX: y\r\n" + HIDDEN),
    "a GET with a body of HTTP/1.0": post(length(), body=HIDDEN, version=b"1.0"),
    "HTTP/0.9": b"GET " + PATH.encode() + b"first\r\n" + HIDDEN,
    "HTTP/1.10": post(length(), body=HIDDEN, version=b"1.10"),
    "a name in small letters": post(body=HIDDEN, version=b"1.1").replace(b"HTTP/", b"http/", 1),
    "two spaces": post().replace(b"GET ", b"GET  ", 1),
    "a target with a space": post().replace(b"first", b"a b", 1),
    "a target of another host": b"GET http://other.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two hosts": post(b"Host: other.example"),
    "a host with a path": b"GET / HTTP/1.1\r\nHost: localhost/x?\r\n\r\n",
    "HEAD with a body": post(length(), body=HIDDEN, name=b"HEAD"),
    "CONNECT": b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n" + HIDDEN,
    "no such method": post(length(), body=HIDDEN, name=b"G\xc3T"),
    "empty lines first": b"\r\n\r\n" + post(),
    "a preface inside": post(length(24), body=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
}

# Fields that HTTP/2 forbids, or that mean something else once they are written as HTTP/1.1.
CRLF = "\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAMS = {
    "a line's end in a value": [("x", "a" + CRLF)],
    "a line's end in a name": [("x: a\r\ny", "b")],
    "a bare LF in a value": [("x", "a\nContent-Length: 0")],
    "TE": [("transfer-encoding", "chunked")],
    "Connection": [("connection", "content-length")],
    "CL below the body": [("content-length", "1")],
    "CL beyond the body": [("content-length", "99")],
    "CL of nothing": [("content-length", "0")],
    "CL twice": [("content-length", "5"), ("content-length", "0")],
    "a host of its own": [("host", "other.example")],
    "a colon in a name": [("a:b", "c")],
    "capitals in a name": [("Content-Length", "0")],
    "an empty name": [("", "x")],
    "NUL in a value": [("x", "a\0b")],
    "a line's end in the path": [(":path", PATH + "a HTTP/1.1" + CRLF)],
    "a space in the path": [(":path", PATH + "a b")],
    "an absolute path": [(":path", "http://other.example/")],
    "a line's end in the method": [(":method", "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET")],
    "a space in the method": [(":method", "GET /x")],
    "a line's end in the authority": [(":authority", "localhost\r\nX: y")],
    "a path in the authority": [(":authority", "localhost/x")],
    "a user in the authority": [(":authority", "a@localhost")],
    "a scheme with more": [(":scheme", "https://x/?")],
}


class Through:
    """No proxy: it takes a connection for a request, and hands on whatever comes."""

    def __init__(self, behind):
        self.behind, self.lines, self.socket = behind, [], socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                with client, self.behind.tls() as inside:
                    inside.sendall(client.recv(65536))
                    inside.settimeout(0.5)
                    with contextlib.suppress(OSError):
                        while part := inside.recv(65536):
                            client.sendall(part)
                    self.lines += [(200, "all of it")]

    def connect(self, timeout=10):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def handed_on(self):
        return self.lines


def talk(one, data):
    """What is said until the last request is answered, the other side closes, or it is quiet."""
    got = b""
    one.settimeout(0.5)
    with contextlib.suppress(OSError):
        one.sendall(data)
        while b'"last"' not in got and (part := one.recv(65536)):
            got += part
    return got


def stream(one, fields):
    """A POST with a body of five bytes, and these fields besides or instead."""
    config = h2.config.H2Configuration(validate_outbound_headers=False, header_encoding=None,
                                       normalize_outbound_headers=False)
    conn = h2.connection.H2Connection(config)
    conn.initiate_connection()
    head = {":method": "POST", ":scheme": "http", ":authority": "localhost", ":path": PATH + "h2"}
    more = [pair for pair in fields if pair[0] not in head]
    head.update(pair for pair in fields if pair[0] in head)
    conn.send_headers(1, [*head.items(), *more])
    conn.send_data(1, b"hello", end_stream=True)
    one.settimeout(1)
    with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
        one.sendall(conn.data_to_send())
        while data := one.recv(65536):
            if {"StreamEnded", "StreamReset", "ConnectionTerminated"} & {
                    type(event).__name__ for event in conn.receive_data(data)}:
                return
            one.sendall(conn.data_to_send())


class Edges(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # All who come by way of a proxy come from one address.
        cls.house = house.House(requests_per_second=100000, requests_burst=100000,
                                connects_per_second=10000, connects_burst=10000)
        cls.house.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    @contextlib.contextmanager
    def each(self, kinds=KINDS):
        """The edges that are installed, one of each."""
        absent = [kind for kind, _ in kinds if shutil.which(kind, path=edges.WHERE) is None]
        if absent:
            self.skipTest(" and ".join(sorted(set(absent))))
        with contextlib.ExitStack() as stack:
            yield [((kind, protocol), stack.enter_context(edges.Edge(kind, protocol, self.house)))
                   for kind, protocol in kinds]

    def test_clients_of_both_kinds(self):
        with self.each() as all_:
            for name, edge in all_:
                with self.subTest(name):
                    with edge.connect() as one:
                        for number in range(3):
                            self.assertIn(b'"n%d"' % number,
                                          house.ask(one, "GET", f"{PATH}n{number}")[2])
                    with edge.connect() as one:
                        client = house.H2(one)
                        # To HTTP/1.1 each of them is a connection.
                        streams = {client.begin("GET", f"{PATH}n{n}"): n for n in range(12)}
                        for stream_, number in streams.items():
                            self.assertIn(b'"n%d"' % number, client.wait(stream_)["body"])

    def test_calls_of_grpc(self):
        """Unary, refused with details, and a stream that is answered message by message."""
        with self.each([pair for pair in KINDS if pair[1] == "h2"]) as all_:
            for name, edge in all_:
                with self.subTest(name), edge.connect() as one:
                    client = house.H2(one)
                    status, answer, _ = client.call(PING, house.text_field(1, "hi"))
                    self.assertEqual((status, dict(house.fields_of(answer))[1]), (0, b"hi"))
                    status, _, said = client.call("/ward.v1.System/Doctor")
                    self.assertEqual((status, house.details(said)[0]), (7, "HOUSE_OWNER_ONLY"))
                    self.reflect(client)

    def reflect(self, client):
        stream_ = client.grpc(REFLECTION, house.text_field(7, "*"), end=False)
        message = house.text_field(4, "ward.v1.Audit")
        frame = struct.pack(">BI", 0, len(message)) + message
        for count in range(1, 4):
            seen = 0
            while seen < count:
                self.assertTrue(client.take())
                seen = len(list(self.messages(client.streams[stream_]["body"])))
            client.conn.send_data(stream_, frame)
            client.push()
        client.conn.send_data(stream_, frame * 39, end_stream=True)
        client.push()
        state = client.wait(stream_)
        found = list(self.messages(state["body"]))
        self.assertEqual((len(found), len(set(found)), state["trailers"]["grpc-status"]),
                         (43, 2, "0"))
        self.assertGreater(len(state["body"]), 128 << 10)  # more than window and queue hold

    @staticmethod
    def messages(body):
        at = 0
        while at + 5 <= len(body):
            size = struct.unpack(">I", body[at + 1:at + 5])[0]
            if at + 5 + size > len(body):
                return
            yield body[at + 5:at + 5 + size]
            at += 5 + size

    def test_large_bodies_are_refused_in_words(self):
        fields = ["Content-Type: application/json"]
        with self.each() as all_:
            for name, edge in all_:
                for size in (10, 5000, 60000):
                    with self.subTest(name, size=size), edge.connect() as one:
                        status, said, body = house.ask(one, "POST", "/v1/audit/verify", fields,
                                                       b"x" * size)
                        self.assertEqual((status, house.problem(said, body)["code"]),
                                         (403, "HOUSE_OWNER_ONLY"))

    def test_another_ca_is_not_trusted(self):
        with house.House() as other, self.each([]):
            for kind, protocol in KINDS:
                before = self.house.metrics()
                with self.subTest(kind, to=protocol), \
                        edges.Edge(kind, protocol, self.house, other.state / "ca.pem") as edge, \
                        edge.connect() as one:
                    one.sendall(house.request("GET", PATH + "x"))
                    self.assertRegex(one.recv(65536), rb"^HTTP/1.1 50[234] ")
                    self.assertEqual(self.house.metrics()["requests_total"],
                                     before["requests_total"] + 1)  # that of the metrics

    def agree(self, edge, act):
        """Does something by way of the edge; whoever comes next is not served what was hidden in
        it, and the house has seen no request more, and refused none more, than the edge has."""
        before, lines = self.house.metrics(), len(edge.handed_on())
        with edge.connect() as one:
            act(one)
        with edge.connect() as victim:
            victim.sendall(house.request("GET", PATH + "victim"))
            self.assertIn(b'"victim"', house.read_answer(victim)[2])
        until = time.monotonic() + 3
        for polls in itertools.count(1):
            now, told = self.house.metrics(), edge.handed_on()[lines:]
            seen = now["requests_total"] - before["requests_total"] - polls
            bad = now["failures_total"] - before["failures_total"]
            # One that it gave up, having begun to hand it on, it may not count.
            given_up = all(re.search("victim|hidden|last", line) for _, line in told)
            if seen <= len(told) + given_up and \
                    bad <= sum(status >= 400 for status, _ in told) + given_up:
                return
            self.assertLess(time.monotonic(), until, f"{seen} seen, {bad} refused; edge: {told}")
            time.sleep(0.02)

    def test_no_request_hides_in_another(self):
        with self.each() as all_:
            for (name, edge), what in itertools.product(all_, REQUESTS):
                with self.subTest(what, edge=name):
                    self.agree(edge, lambda one, what=what: talk(one, REQUESTS[what] + LAST))

    def test_no_field_of_a_stream_ends_it(self):
        with self.each() as all_:
            for (name, edge), what in itertools.product(all_, STREAMS):
                with self.subTest(what, edge=name):
                    self.agree(edge, lambda one, what=what: stream(one, STREAMS[what]))

    def test_what_hides_would_be_seen(self):
        with Through(self.house) as edge:
            self.agree(edge, lambda one: talk(one, post()))
            with self.assertRaisesRegex(AssertionError, "3 seen, 0 refused"):
                self.agree(edge, lambda one: talk(one, post() + HIDDEN))
            with self.assertRaisesRegex(AssertionError, "2 seen, 1 refused"):
                self.agree(edge, lambda one: talk(one, post() + b"left over\r\n\r\n"))


if __name__ == "__main__":
    tap.main()
