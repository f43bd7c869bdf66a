"""test_front.py - the house as its clients see it: HTTP/1.1 and HTTP/2, REST and gRPC, over TLS and
over the owner's socket; what is refused, and in which words."""

import json
import pathlib
import re
import select
import socket
import ssl
import struct
import subprocess
import time
import unittest

import contract
import curl
import front_house as house
import tap

PING, VERSION = "/ward.v1.System/Ping", "/ward.v1.System/Version"
HEALTH = "/grpc.health.v1.Health/Check"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


def run(*words, given=None):
    done = subprocess.run(list(map(str, words)), capture_output=True, timeout=30, check=False,
                          input=given)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


# (REST target, gRPC method, request, response message): what a GET asks for.
def text(number, value):
    return house.text_field(number, value)


def count(number, value):
    return house.number_field(number, value)


CALLS = [
    ("/v1/system/ping?text=hi", PING, text(1, "hi"), "PingResponse"),
    ("/v1/system/ping", PING, b"", "PingResponse"),
    ("/v1/system/ping?text=%22%5C%2F%E2%82%AC", PING, text(1, '"\\/€'), "PingResponse"),
    ("/v1/system/ping?text=" + "x" * 1000, PING, text(1, "x" * 1000), "PingResponse"),
    ("/v1/system/ping?text=a+b", PING, text(1, "a b"), "PingResponse"),
    ("/v1/system/version", VERSION, b"", "VersionResponse"),
    ("/v1/system/doctor", "/ward.v1.System/Doctor", b"", "DoctorResponse"),
    ("/v1/system/config", "/ward.v1.System/Config", b"", "ConfigResponse"),
    ("/v1/audit/head", "/ward.v1.Audit/Head", b"", "AuditHeadResponse"),
    ("/v1/audit/records?limit=4", "/ward.v1.Audit/Query", None, "AuditQueryResponse"),
    ("/v1/audit/records?limit=1", "/ward.v1.Audit/Query", None, "AuditQueryResponse"),
    ("/v1/audit/records?limit=2", "/ward.v1.Audit/Query", None, "AuditQueryResponse"),
    ("/v1/audit/records?limit=3", "/ward.v1.Audit/Query", None, "AuditQueryResponse"),
    ("/v1/audit/records?limit=5", "/ward.v1.Audit/Query", None, "AuditQueryResponse"),
    ("/v1/audit/records/0", "/ward.v1.Audit/Get", None, "AuditRecord"),
    ("/v1/audit/records/1", "/ward.v1.Audit/Get", None, "AuditRecord"),
    ("/v1/audit/records/2", "/ward.v1.Audit/Get", None, "AuditRecord"),
    ("/v1/audit/records/999999", "/ward.v1.Audit/Get", None, "AuditRecord"),
    ("/v1/audit/proof?seq=0", "/ward.v1.Audit/Prove", None, "AuditProveResponse"),
    ("/v1/audit/proof?seq=1", "/ward.v1.Audit/Prove", None, "AuditProveResponse"),
]


class Served(unittest.TestCase):
    """One house with room for all that is asked here."""

    @classmethod
    def setUpClass(cls):
        cls.house = house.House(requests_per_second=100000, requests_burst=100000)
        cls.house.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def schema(self, client):
        """What the house says of itself by reflection."""
        stream = client.grpc(REFLECTION, text(4, "ward.v1.System"))
        answer = dict(house.fields_of(house.unframe(client.wait(stream)["body"])))
        return house.Schema(dict(house.fields_of(answer[4]))[1])

    def query_of(self, schema, method, target):
        """The request message of a REST target, by the names of the descriptor."""
        rows = schema.messages[f".ward.v1.Audit{method.rpartition('/')[2]}Request"]
        path, _, query = target.partition("?")
        pairs = [one.split("=") for one in query.split("&") if one]
        if not query and path.rpartition("/")[2].isdigit():
            pairs = [["seq", path.rpartition("/")[2]]]
        numbers = {row["name"]: row["number"] for row in rows}
        return b"".join(count(numbers[key], int(value)) for key, value in pairs if int(value))

    def both(self, client, plain, schema, row):
        target, method, message, response = row
        if message is None:
            message = self.query_of(schema, method, target)
        rest = client.get(target, [("traceparent", TRACE)])
        status, _, again = house.ask(plain, "GET", target, ["traceparent: " + TRACE])
        self.assertEqual((str(status), again), (rest["fields"][":status"], rest["body"]))
        code, answer, said = client.call(method, message)
        if code != 0:
            refusal = house.problem(rest["fields"], rest["body"])
            self.assertEqual(refusal["code"], house.details(said)[0])
            return
        self.assertEqual(json.loads(rest["body"]),
                         schema.json(".ward.v1." + response, answer or b""))

    def test_equal_answers(self):
        with self.house.plain() as one, self.house.plain() as plain:
            client = house.H2(one)
            schema = self.schema(client)
            self.assertEqual(len(CALLS), 20)
            for row in CALLS:
                with self.subTest(row[0][:60]):
                    try:
                        self.both(client, plain, schema, row)
                    except AssertionError:  # a second may have passed between the three
                        self.both(client, plain, schema, row)

    def test_problems(self):  # proves: EC-25
        rows = [("GET", "/nothing", (), b"", 404, "HTTP_ROUTE_UNKNOWN"),
                ("DELETE", "/v1/system/ping", (), b"", 405, "HTTP_METHOD_NOT_ALLOWED"),
                ("GET", "/v1/system/ping?txt=x", (), b"", 400, None),
                ("GET", "/v1/system/ping?text=" + "x" * 9000, (), b"", 414,
                 "HTTP_TARGET_TOO_LONG"),
                ("GET", "/v1/system/doctor", (), b"", 403, "HOUSE_OWNER_ONLY"),
                ("POST", PING, ("Content-Type: application/json",), b"{}", 415, "HTTP_MEDIA_TYPE"),
                ("POST", "/v1/audit/verify", ("Content-Type: application/json",), b"x" * 9999,
                 403, None),
                ("GET", "/v1/%2e%2e/x", (), b"", 400, None),
                ("GET", "/v1/audit/proof?seq=18446744073709551616", (), b"", 400, None),
                ("GET", "/healthz", (), b"", 404, None),
                ("GET", "/metrics", (), b"", 404, None)]
        for method, target, fields, body, status, code in rows:
            with self.subTest(target[:50], method=method), self.house.tls() as one:
                got, said, answer = house.ask(one, method, target, fields, body)
                self.assertEqual(got, status)
                found = house.problem(said, answer)
                self.assertEqual(found["status"], status)
                self.assertEqual(found["code"], code or found["code"])
                self.assertEqual(len(found["trace_id"]), 32)
                with self.house.tls("h2") as two:
                    client = house.H2(two)
                    pairs = [tuple(one.lower().split(": ")) for one in fields]
                    state = client.wait(client.begin(method, target, pairs, body or None))
                    self.assertEqual(state["fields"][":status"], str(status))
                    other = house.problem(state["fields"], state["body"])
                    self.assertEqual({**found, "trace_id": ""}, {**other, "trace_id": ""})

    def test_problems_of_grpc(self):  # proves: EC-25
        rows = [("/ward.v1.System/Nothing", b"", (), 12, "HTTP_ROUTE_UNKNOWN"),
                ("/ward.v1.System/Doctor", b"", (), 7, "HOUSE_OWNER_ONLY"),
                (PING, b"\x0a\xff", (), 3, "HTTP_BODY_INVALID"),
                (PING, b"", [("grpc-encoding", "gzip")], 12, "GRPC_COMPRESSED"),
                (PING, b"", [("grpc-timeout", "1x")], 3, "GRPC_TIMEOUT_INVALID"),
                (PING, text(1, "x" * 5000), (), 8, "HTTP_BODY_TOO_LARGE"),
                (HEALTH, text(1, "no.such"), (), 5, "GRPC_SERVICE_UNKNOWN")]
        with self.house.tls("h2") as one:
            client = house.H2(one)
            for path, message, fields, status, code in rows:
                with self.subTest(path, fields=fields):
                    got, _, said = client.call(path, message, fields)
                    self.assertEqual((got, house.details(said)[0]), (status, code))

    def test_trace_goes_on(self):
        with self.house.tls() as one:
            _, said, body = house.ask(one, "GET", "/x",
                                      ["traceparent: " + TRACE])
        self.assertEqual(house.problem(said, body)["trace_id"], TRACE[3:35])

    def test_health_and_reflection(self):
        with self.house.tls("h2") as one:
            client = house.H2(one)
            for service in ("", "ward.v1.System", "ward.v1.Audit"):
                status, answer, _ = client.call(HEALTH, text(1, service) if service else b"")
                self.assertEqual((status, dict(house.fields_of(answer))), (0, {1: 1}))
            # One stream, a message at a time: each is answered before the next is sent.
            stream = client.grpc(REFLECTION, text(7, "*"), end=False)
            while not client.streams[stream]["body"]:
                client.take()
            self.assertIn(b"ward.v1.Audit", client.streams[stream]["body"])
            message = text(4, "ward.v1.Audit")
            client.conn.send_data(stream, struct.pack(">BI", 0, len(message)) + message,
                                  end_stream=True)
            client.push()
            state = client.wait(stream)
            self.assertIn(b"QueryRequest", state["body"])
            self.assertEqual(state["trailers"]["grpc-status"], "0")

    def test_answers_larger_than_the_window(self):
        with self.house.tls("h2") as one:
            client = house.H2(one)
            message = text(4, "ward.v1.Audit")
            frame = struct.pack(">BI", 0, len(message)) + message
            stream = client.grpc(REFLECTION, message, end=False)
            client.conn.send_data(stream, frame * 39, end_stream=True)
            client.push()
            body = client.wait(stream)["body"]
            length = struct.unpack(">I", body[1:5])[0] + 5
            self.assertGreater(len(body), 128 << 10)  # more than window and queue hold
            self.assertEqual(body, body[:length] * 40)

    def spoiled(self, state, length):
        """What is said of a stream that asked for more than is kept: whole answers, and why not
        all of them."""
        self.assertIsNone(state["reset"])
        self.assertEqual(state["trailers"]["grpc-status"], "8")
        self.assertEqual(house.details(state["trailers"])[0], "HOUSE_ANSWERS_FULL")
        self.assertEqual(len(state["body"]) % length, 0)

    def failures(self):
        return self.house.metrics()["failures_total"]

    def test_more_answers_than_are_kept(self):
        """On one stream, and on many of one connection: what fits is served, the rest is refused
        with its reason, and the connection goes on."""
        message = text(4, "ward.v1.Audit")
        frame = struct.pack(">BI", 0, len(message)) + message
        with self.house.tls("h2") as one:
            client = house.H2(one)
            length = len(client.wait(client.grpc(REFLECTION, message))["body"])
            stream = client.grpc(REFLECTION, message, end=False)
            client.conn.send_data(stream, frame * 499, end_stream=True)
            client.push()
            state = client.wait(stream)
            self.spoiled(state, length)
            self.assertGreater(len(state["body"]) // length, 20)
            self.assertEqual(client.call(PING, text(1, "on"))[0], 0)
            failures = self.failures()
            streams = []  # nothing of it is read before all have asked
            for _ in range(99):
                streams.append(client.grpc(REFLECTION, message, end=False))
                client.conn.send_data(streams[-1], frame * (400000 // length), end_stream=True)
            client.push()
            # Nor is there room for the answer of another call then, which was not begun.
            ping = client.grpc(PING, text(1, "x" * 1000))
            end = time.monotonic() + 10
            while self.failures() - failures < 99 - 32 + 1 and time.monotonic() < end:
                time.sleep(0.02)
            states = [client.wait(stream) for stream in streams]
            said = client.wait(ping)
            self.assertEqual((said["body"], said["fields"]["grpc-status"],
                              house.details(said["fields"])[0]),
                             (b"", "8", "HOUSE_ANSWERS_FULL"))
            served = [state for state in states if state["trailers"]["grpc-status"] == "0"]
            for state in states:
                if state not in served:
                    self.spoiled(state, length)
            self.assertGreaterEqual(len(served), 30)
            self.assertLess(len(served), 99)
            self.assertEqual(client.call(PING, text(1, "on"))[0], 0)
        self.assertEqual(self.house.metrics()["calls_open"], 0)

    def test_many_streams(self):
        with self.house.tls("h2") as one:
            client = house.H2(one)
            streams = {client.grpc(PING, text(1, f"n{n}")): n for n in range(100)}
            for stream, number in streams.items():
                answer = dict(house.fields_of(house.unframe(client.wait(stream)["body"])))
                self.assertEqual(answer[1], f"n{number}".encode())
        self.assertEqual(self.house.metrics()["calls_open"], 0)

    def test_streams_that_are_reset(self):
        with self.house.tls("h2") as one:
            client = house.H2(one)
            for number in range(60):
                client.conn.reset_stream(client.grpc(PING, text(1, "x")))
                client.push()
            self.assertEqual(client.call(PING, text(1, "y"))[0], 0)
        self.assertEqual(self.house.metrics()["calls_open"], 0)

    def test_abuse_ends_in_goaway(self):
        before = self.house.metrics()["h2_abuses_total"]
        floods = {"rapid reset": lambda client: client.conn.reset_stream(
                      client.grpc(PING, text(1, "x"))),
                  "ping": lambda client: client.conn.ping(b"12345678"),
                  "settings": lambda client: client.conn.update_settings({4: 70000})}
        for name, act in floods.items():
            with self.subTest(name), self.house.tls("h2") as one:
                client = house.H2(one)
                try:
                    for _ in range(2000):
                        act(client)
                        client.push()
                        # Who sends on for longer than a second loses what was said last.
                        if select.select([one], [], [], 0)[0] and not client.take():
                            break
                        if client.goaway is not None:
                            break
                except (OSError, AssertionError, house.h2.exceptions.ProtocolError):
                    pass
                try:
                    while client.take():
                        pass
                except OSError:
                    pass
                self.assertEqual(client.goaway, 11)  # ENHANCE_YOUR_CALM
        self.assertEqual(self.house.metrics()["h2_abuses_total"], before + len(floods))

    @staticmethod
    def curl(*words):
        with curl.folder() as path:
            return run(pathlib.Path(path) / "curl", "-sS", *words)

    def test_curl_and_nghttp(self):
        url = f"https://localhost:{self.house.port}/v1/system/ping?text=hi"
        ca = ("--cacert", self.house.state / "ca.pem")
        for option, version in (("--http1.1", "1.1"), ("--http2", "2")):
            code, out = self.curl(*ca, option, "-w", " %{http_version}", url)
            self.assertEqual(code, 0, out)
            self.assertTrue(out.startswith('{"text":"hi"') and out.endswith(" " + version), out)
        code, out = self.curl("--http2-prior-knowledge", "--unix-socket",
                              self.house.state / "run/ward.sock", "http://x/v1/system/config", "-w",
                              " %{http_version}")
        self.assertTrue(code == 0 and out.endswith(" 2"), out)
        code, out = run("nghttp", "-v", *(url + str(n) for n in range(3)))
        self.assertEqual(out.count(":status: 200"), 3, out)
        bodies = re.findall(r'^\{"text".*?\}', out, re.M)
        self.assertEqual(len(bodies), 3, out)
        for body in bodies:
            contract.check("GET", "/v1/system/ping", 200, "application/json", body)
        base = f"https://127.0.0.1:{self.house.port}/v1/system/version"
        for option in ("--h1", "--no-tls-proto=h2c"):
            code, out = run("h2load", "-n", "2000", "-c", "8", "-m", "16", option, base)
            self.assertIn("2000 succeeded, 0 failed, 0 errored", out)

    def test_tls_versions(self):  # proves: SW-32
        place = f"127.0.0.1:{self.house.port}"
        for option in ("-tls1_2", "-tls1_1", "-tls1"):
            code, out = run("openssl", "s_client", "-connect", place, option, "-cipher",
                            "ALL:@SECLEVEL=0", given=b"")
            self.assertNotEqual(code, 0, out)
            self.assertIn("alert protocol version" if option == "-tls1_2" else "rror", out)
            self.assertIn("no peer certificate available", out)
        code, out = run("openssl", "s_client", "-connect", place, "-tls1_3", "-alpn", "h2",
                        given=b"")
        self.assertEqual(code, 0, out)
        self.assertIn("ALPN protocol: h2", out)
        code, out = run("openssl", "s_client", "-connect", place, "-alpn", "smtp", given=b"")
        self.assertIn("no application protocol", out)

    def test_smuggling(self):
        """Each is refused as a whole, and what hides behind it is never a request."""
        hidden = b"GET /v1/system/version HTTP/1.1\r\nHost: x\r\n\r\n"
        heads = [b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                 b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                 b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding : chunked\r\n",
                 b"Content-Length: 4\r\nContent-Length: 5\r\n", b"Content-Length: +4\r\n",
                 b"Content-Length: 0x4\r\n", b"Content-Length: 4, 4, 5\r\n",
                 b" Content-Length: 4\r\n", b"X: a\r\n Content-Length: 4\r\n",
                 b"X: a\nContent-Length: 4\r\n", b"X: a\rContent-Length: 4\r\n",
                 b"X\x00: a\r\n", b"Host: other\r\n"]
        for head in heads:
            with self.subTest(head), self.house.tls() as one:
                one.sendall(b"POST /v1/system/ping HTTP/1.1\r\nHost: localhost\r\n" + head +
                            b"\r\n0\r\n\r\n" + hidden)
                got = house.read_all(one)
                self.assertEqual(got.count(b"\r\nDate: "), 1, got)
                self.assertNotIn(b"HTTP/1.1 2", got)
                self.assertIn(b"\r\nconnection: close", got.lower())
        chunk = b"5;x=" + b"y" * 300 + b"\r\nhello\r\n0\r\n\r\n"
        with self.house.tls() as one:
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
                        chunk + hidden)
            self.assertNotIn(b"HTTP/1.1 2", house.read_all(one))

    def test_one_after_the_other(self):
        """Pipelined requests are answered in order, also when the peer sends no more."""
        with self.house.plain() as one:
            one.sendall(b"".join(house.request("GET", f"/v1/system/ping?text={n}")
                                 for n in range(50)))
            one.shutdown(socket.SHUT_WR)
            got = house.read_all(one)
            self.assertEqual(got.count(b"HTTP/1.1 200"), 50)
            places = [got.index(f'"text":"{n}"'.encode()) for n in range(50)]
            self.assertEqual(places, sorted(places))

    def test_records_that_come_together(self):
        """Two TLS records and a half in one packet, each a request: what was read with the first
        is not forgotten, though the socket has nothing more to say."""
        context = ssl.create_default_context(cafile=str(self.house.state / "ca.pem"))
        context.set_alpn_protocols(["http/1.1"])
        taken, given = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(taken, given, server_hostname="localhost")
        with self.house.tcp() as one:
            def until(step):
                while True:
                    try:
                        return step()
                    except ssl.SSLWantReadError:
                        one.sendall(given.read())
                        taken.write(one.recv(65536))

            until(session.do_handshake)
            one.sendall(given.read())
            stream = contract.Stream()
            for number in range(3):
                asked = house.request("GET", f"/v1/system/ping?text=n{number}")
                session.write(asked)
                stream.sent(asked)
            records = given.read()
            one.sendall(records[:-20])
            got = b""
            while b'"n1"' not in got:
                got += until(lambda: session.read(65536))
            self.assertNotIn(b'"n2"', got)
            one.sendall(records[-20:])
            while b'"n2"' not in got:
                got += until(lambda: session.read(65536))
            self.assertEqual(re.findall(rb'"(n\d)"', got), [b"n0", b"n1", b"n2"])
            stream.received(got)

    def test_half_closed(self):
        with self.house.plain() as one:  # HTTP/2: the streams are answered, then it ends
            client = house.H2(one)
            streams = [client.grpc(PING, text(1, "x")) for _ in range(3)]
            one.shutdown(socket.SHUT_WR)
            client.push = lambda: None
            for stream in streams:
                self.assertEqual(client.wait(stream)["trailers"]["grpc-status"], "0")
        with self.house.plain() as one:  # in the midst of a request
            one.sendall(b"GET /v1/system/ping HTTP/1.1\r\nHo")
            one.shutdown(socket.SHUT_WR)
            status, said, body = house.read_answer(one)
            self.assertEqual((status, house.problem(said, body)["code"]),
                             (400, "HTTP_TRUNCATED"))

    def test_preface_in_pieces(self):
        with self.house.plain() as one:
            client = house.H2(one)
            self.assertEqual(client.get("/healthz")["body"], b"ok\n")
        with self.house.plain() as one:
            for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0":
                one.sendall(bytes([byte]))
                time.sleep(0.002)
            self.assertEqual(one.recv(9)[3], 4)  # SETTINGS
        with self.house.plain() as one:
            one.sendall(b"PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n")
            self.assertIn(b" 505 ", house.read_all(one).split(b"\r\n")[0])
        with self.house.tls("http/1.1") as one:  # over TLS it is ALPN that decides
            one.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            self.assertTrue(house.read_all(one).startswith(b"HTTP/1.1 "))
        with self.house.tls("h2") as one:
            one.sendall(house.request("GET", "/v1/system/ping"))
            self.assertNotIn(b"HTTP/1.1", house.read_all(one))

    def test_expectation(self):
        with self.house.plain() as one:
            one.sendall(b"POST /v1/audit/verify HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n")
            status, _, rest = house.read_answer(one)
            self.assertEqual(status, 100)
            one.sendall(b"{}")
            status, _, body = house.read_answer(one, rest)
            self.assertEqual(status, 200, body)

    def test_refused_bodies_can_be_read_about(self):
        """A peer that is still sending reads the answer, not a reset."""
        for _ in range(20):
            with self.house.tls() as one:
                head = (b"POST /v1/audit/verify HTTP/1.1\r\nHost: x\r\nContent-Type: "
                        b"application/json\r\nContent-Length: 200000\r\n\r\n")
                one.sendall(head + b"x" * 100000)
                status, said, body = house.read_answer(one)
                self.assertEqual(status, 403)
                house.problem(said, body)

    def test_curl_reads_why(self):
        """Over HTTP/2 too, however much it still wanted to send."""
        for size in (10, 3000, 200000, 3000000):
            for _ in range(10):
                code, out = run("curl", "-sS", "--http2", "--cacert", self.house.state / "ca.pem",
                                "-w", " %{http_code} %{http_version}", "--data-binary", "@-", "-H",
                                "Content-Type: application/json",
                                f"https://localhost:{self.house.port}/v1/audit/verify",
                                given=b"x" * size)
                with self.subTest(size):
                    self.assertEqual((code, out.split()[-2:]), (0, ["403", "2"]), out)
                    self.assertIn('"code":"HOUSE_OWNER_ONLY"', out)

    def test_nothing_is_left_behind(self):
        """Clients that vanish at any point give back what they had."""
        request = house.request("POST", "/v1/audit/verify", ["Content-Type: application/json"],
                                b"{}")
        for cut in range(1, len(request), 7):
            with self.house.tls() as one:
                one.sendall(request[:cut])
            with self.house.plain() as one:
                one.sendall(request[:cut])
        for cut in range(1, 120, 7):
            with self.house.tls("h2") as one:
                client = house.H2(one)
                client.conn.send_headers(1, [(":method", "POST"), (":scheme", "https"),
                                             (":authority", "x"), (":path", PING),
                                             ("content-type", "application/grpc")])
                one.sendall(client.conn.data_to_send()[:cut])
        until = time.monotonic() + 5
        while time.monotonic() < until:
            found = self.house.metrics()
            left = (found["connections"], found["calls_open"], found["http1_requests_open"],
                    found["local_connections"])
            if left == (0, 0, 1, 1):
                return
            time.sleep(0.05)
        self.fail(str(found))


if __name__ == "__main__":
    tap.main()
