"""test_challenges.py - what challenges do with requests that a house passes on to them: garbage, too
much, too slow, half of it, and nobody there. A miner has a whole answer or an error, in time, and
nobody else notices; also when something of the house falls in the middle. test_passages.py has what
miners do."""

import base64
import concurrent.futures
import json
import os
import signal
import socket
import struct
import threading
import time

import challenged
import contract
import front_house as house
import tap
from challenged import CA, Case, Challenge, Challenged, answer, authority
from house import until


OK = b"HTTP/1.1 200 OK\r\n"


def says(*parts):
    """Says that, whatever was asked for, and closes."""
    def meets(_, one, __):
        for part in parts:
            one.sendall(part)
    return meets


def waits(server, *_):
    server.stop.wait(120)


def drips(first):
    """Says that and then something each half second, for ever."""
    def meets(server, one, _):
        one.sendall(first)
        while not server.stop.wait(0.5):
            one.sendall(b"y")
    return meets


def chunks(count, size):
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + \
        (b"%x\r\n" % size + b"z" * size + b"\r\n") * count + b"0\r\n\r\n"


ANSWER_MAX = 256 << 10

# What is no answer that goes back: (what the challenge says, a part of why it is none).
BAD = {
    "garbage": (b"\0" * 4096, "may not stand there"),
    "prose": (b"hello\r\n\r\n", "status line"),
    "http-2": (b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
    "upgrade": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
                "status line"),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0"
                 b"\r\n\r\n", "its status"),
    "not-modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n", "its status"),
    "reset": (answer(b"", "205 Reset Content"), "its status"),
    "no-status": (answer(b"", "600 Six"), "status line"),
    "interims": (b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + answer(), "status line"),
    "no-length": (OK + b"\r\nall of it?", "no length"),
    "http-10": (b"HTTP/1.0 200 OK\r\n\r\nall of it?", "no length"),
    "packed": (answer(b"x", "200 OK", "Content-Encoding: gzip"), "compressed"),
    "both": (OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""),
    "two-lengths": (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy", ""),
    "list-of-lengths": (OK + b"Content-Length: 1, 1\r\n\r\nx", ""),
    "bad-length": (OK + b"Content-Length: -1\r\n\r\n", ""),
    "coded": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", ""),
    "two-codings": (OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
                    b"\r\n", ""),
    "chunk-size": (OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n", ""),
    "chunk-huge": (OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx", ""),
    "chunk-end": (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", ""),
    "chunk-line": (OK + b"Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n0\r\n\r\n", ""),
    "trailer": (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n\r\n", ""),
    "folded": (OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", ""),
    "bare-cr": (OK + b"X: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n", ""),
    "spaced": (OK + b"Content-Length : 0\r\n\r\n", ""),
    "nul": (OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n", ""),
    "huge-head": (OK + b"".join(b"X-%d: " % n + b"y" * 4000 + b"\r\n" for n in range(64)), ""),
    "too-much": (OK + b"Content-Length: %d\r\n\r\n" % (ANSWER_MAX + 1), "body"),
    "too-many-chunks": (chunks(ANSWER_MAX // 4096, 4096).replace(b"0\r\n\r\n", b"") +
                        b"1\r\nz\r\n0\r\n\r\n", "body"),
}
# And what ends before it is whole.
CUT = {
    "nothing": b"", "half-a-line": b"HTTP/1.1 2", "half-a-head": OK + b"Content-Le",
    "half-a-body": OK + b"Content-Length: 10\r\n\r\n12345",
    "half-a-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    "no-last-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
}


def answers_and_resets(one):
    """As who has not read all that it was sent; what it says does not wait for anything."""
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one.sendall(answer(b"whole"))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
    raise OSError


class TestAnswers(Case):
    """What challenges answer."""
    routes = {name: says(said) for name, (said, _) in BAD.items()}
    routes |= {name: says(said) for name, said in CUT.items()}
    routes |= {"most": answer(b"z" * ANSWER_MAX), "most-chunks": chunks(64, ANSWER_MAX // 64),
               "interim": says(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 8, answer()),
               "twice": says(answer(b"mine"), answer(b"another's")),
               "and-reset": lambda server, one, _: answers_and_resets(one),
               "slow-parts": lambda server, one, _: [
                   (one.sendall(bytes([byte])), time.sleep(0.01)) for byte in answer(b"slowly")]}
    more = {"other": (Challenge(), CA)}

    def test_what_is_none_is_no_answer(self):
        for name, (_, why) in BAD.items():
            with self.subTest(name):
                self.refused(502, "CHALLENGE_ANSWER", self.house.ask("POST", name, body=b"{}"))
                peer = self.house.peer("sums")
                self.assertEqual(peer["public_reason"], "CHALLENGE_ANSWER")
                self.assertIn(why, peer["public_detail"].lower())
        for name in CUT:
            with self.subTest(name):
                self.refused(502, "CHALLENGE_UNREACHABLE", self.house.ask("GET", name))
                self.assertEqual(self.house.peer("sums")["public_reason"], "PEER_ENDED")
        # The owner is told of each kind once, and of the end of it.
        told = [json.loads(row["details"])["reason"] for row in self.house.records("peer.refuse")]
        self.assertLess(len(told), 8)
        self.assertEqual(set(told), {"CHALLENGE_ANSWER", "PEER_ENDED"})
        self.assertEqual(self.house.check("house.challenges")["finding"], "FINDING_WARN")
        done = self.house.command("peer", "list", "--state", self.house.state)
        self.assertRegex(done.stdout, r"(?m)^sums +not called .*\nsums +public +- +- +PEER_ENDED: before")
        done = self.house.command("peer", "list", "--json", "--state", self.house.state)
        schema = json.loads((contract.ROOT / "docs/schema/peer.json").read_text())
        contract.jsonschema.validate(json.loads(done.stdout), schema)
        self.assertEqual(self.house.ask("GET", "good")[0], 200)
        self.assertEqual(self.house.peer("sums")["public_reason"], "")
        self.assertEqual(self.house.check("house.challenges")["finding"], "FINDING_OK")
        # Nothing of any of them is left, and the house never noticed.
        until(lambda: self.house.metrics()["passages_open"] == 0)
        until(lambda: self.sums.open == 0)
        self.assertEqual(self.house.check("house.restarts")["finding"], "FINDING_OK")
        self.assertEqual(self.house.metrics()["passages_lost_total"], len(BAD) + len(CUT))

    def test_to_its_limit(self):
        self.assertEqual(self.house.ask("GET", "most")[2], b"z" * ANSWER_MAX)
        self.assertEqual(self.house.ask("GET", "most-chunks")[2], b"z" * ANSWER_MAX)
        with self.house.tls("h2", timeout=40) as one:
            miner = house.H2(one)
            for route in ("most", "most-chunks"):
                said = miner.get(f"/api/challenges/sums/public/{route}",
                                 [("authorization", f"Bearer {self.house.token()}")])
                self.assertEqual((said["fields"][":status"], said["body"]),
                                 ("200", b"z" * ANSWER_MAX))

    def test_on_the_way(self):
        self.assertEqual(self.house.ask("GET", "interim")[2], b"{}")
        self.assertEqual(self.house.ask("GET", "slow-parts")[2], b"slowly")
        for _ in range(20):
            self.assertEqual(self.house.ask("GET", "and-reset")[2], b"whole")
        # One connection, one answer: what else is said is nobody's.
        self.assertEqual(self.house.ask("GET", "twice")[2], b"mine")
        with self.house.tls() as one:
            for route, wanted in (("twice", b"mine"), ("good", b'{"done":true}')):
                self.house.send(one, "GET", route, self.house.token())
                self.assertEqual(house.read_answer(one)[2], wanted)


class Babbler(Challenge):
    """Speaks no TLS."""
    def read(self, one):
        one.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        one.recv(65536)
        raise OSError


class TestNobody(Case):
    """Who is not there, or not who he should be: nothing is said to him."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        gone = one.getsockname()[1]

    class Nobody:
        def __init__(self, port):
            self.port, self.asked = port, []

        def close(self):
            pass
    rows = {
        "nobody": (Nobody(gone), CA, "PEER_UNREACHABLE"),
        "plain-nobody": (Nobody(gone), {"plain": True}, "PEER_UNREACHABLE"),
        "no-tls": (Babbler(certificate=None), CA, "PEER_TLS"),
        "other-name": (Challenge(authority.server("elsewhere", "DNS:e.example,IP:127.0.0.2")), CA,
                       "PEER_CERTIFICATE"),
        "expired": (Challenge(authority.server("expired", "IP:127.0.0.1", days=-1)), CA,
                    "PEER_CERTIFICATE"),
        "stranger": (Challenge(challenged.tls_ca.Authority(challenged.place.name, "other")
                               .server("stranger", "IP:127.0.0.1")), CA, "PEER_CERTIFICATE"),
        "pin": (Challenge(), CA | {"pins": ["sha256/" + base64.b64encode(bytes(32)).decode()]},
                "PEER_PIN"),
    }
    more = {name: (server, keys) for name, (server, keys, _) in rows.items()}

    def test_each_is_down(self):  # proves: PC-35
        for name, (server, _, reason) in self.rows.items():
            with self.subTest(name):
                self.refused(502, "CHALLENGE_UNREACHABLE",
                             self.house.ask("POST", "submit", body=b"{}", challenge=name))
                self.assertEqual(server.asked, [])
                self.assertEqual(self.house.peer(name)["public_reason"], reason)
        self.assertEqual(self.house.ask("GET", "good")[0], 200)


class TestSlow(Case):
    """30 seconds in all, whatever is done with them; nobody else waits."""
    routes = {"never": waits, "drips-a-line": drips(b"HTTP/1.1 200 "),
              "drips-a-head": drips(OK + b"X: "),
              "drips-a-body": drips(OK + b"Content-Length: 9999\r\n\r\n"),
              "interims": drips(b"HTTP/1.1 100 Continue\r\nX: ")}
    silent = Challenge(certificate=None, **{})
    more = {"silent": (silent, CA), "other": (Challenge(), CA)}

    def test_each_ends_in_time_and_harms_nobody(self):
        self.silent.meet = lambda one: self.silent.stop.wait(120)
        asked = [("sums", route) for route in self.routes] + [("silent", "x")]
        with concurrent.futures.ThreadPoolExecutor(len(asked)) as pool:
            slow = [pool.submit(self.house.ask, "POST", route, None, (), b"{}", name, 60)
                    for name, route in asked]
            until(lambda: self.house.metrics()["passages_open"] == len(asked))
            # Meanwhile everybody else is answered, by this challenge too.
            for n in range(40):
                self.assertEqual(self.house.ask("POST", "good", body=b"{}", challenge="other")[0],
                                 200)
                self.assertEqual(self.house.ask("GET", "good")[0], 200)
                with self.house.tls() as one:
                    self.assertEqual(house.ask(one, "GET", "/v1/system/ping?text=a")[0], 200)
            self.assertEqual(self.house.metrics()["passages_open"], len(asked))
            for (name, route), one in zip(asked, slow):
                with self.subTest(name, route=route):
                    self.refused(504, "CHALLENGE_SLOW", one.result())
        self.assertEqual(self.house.peer("silent")["public_reason"], "PEER_SLOW")
        self.assertEqual(self.house.peer("silent")["public_detail"], "with TLS")
        self.assertEqual(self.house.metrics()["passages_open"], 0)


def holds(server, one, _):
    server.held.wait(60)
    one.sendall(answer(b"held"))


class TestMany(Case):
    routes = {"hold": holds}
    second, third = Challenge(hold=holds), Challenge(hold=holds)
    more = {"second": (second, CA), "third": (third, CA)}

    def setUp(self):
        for one in (self.sums, self.second, self.third):
            one.held = threading.Event()

    def release(self):
        for one in (self.sums, self.second, self.third):
            one.held.set()

    def test_so_many_at_once_and_no_more(self):
        with concurrent.futures.ThreadPoolExecutor(80) as pool:
            def hold(name, count):
                return [pool.submit(self.house.ask, "POST", "hold", None, (), b"{}", name, 60)
                        for _ in range(count)]
            held = hold("sums", 32)
            until(lambda: self.house.metrics()["passages_open"] == 32, 30)
            token = self.house.token()
            said = self.house.ask("POST", "good", token, body=b"{}")
            self.refused(503, "CHALLENGE_BUSY", said)
            self.assertEqual(said[1]["retry-after"], "1")
            # The others have what is left of the places of all.
            held += hold("second", 32)
            until(lambda: self.house.metrics()["passages_open"] == 64, 30)
            self.refused(503, "CHALLENGE_BUSY", self.house.ask("GET", "good", challenge="third"))
            # Whoever asks for something else has an answer.
            with self.house.tls() as one:
                self.assertEqual(house.ask(one, "GET", "/v1/system/ping?text=a")[0], 200)
            self.release()
            for one in held:
                self.assertEqual(one.result()[::2], (200, b"held"))
        # It was not used up.
        self.assertEqual(self.house.ask("POST", "good", token, body=b"{}")[0], 200)
        self.assertEqual(self.house.metrics()["passages_open"], 0)

    def test_many_over_one_connection(self):
        """Each stream has the answer to its own request."""
        server = self.second
        server.routes["echo"] = lambda _, one, asked: one.sendall(answer(asked.body))
        with self.house.tls("h2", timeout=60) as one:
            miner = house.H2(one)
            streams = {miner.begin("POST", "/api/challenges/second/public/echo",
                                   [("authorization", f"Bearer {self.house.token('second')}")],
                                   b"body %d" % n): n for n in range(30)}
            for stream, n in streams.items():
                self.assertEqual(miner.wait(stream)["body"], b"body %d" % n)

    def test_a_miner_who_leaves(self):
        """Over either: his challenge is left alone too, and his place is another's. One who only
        says that he sends no more is still answered."""
        with self.house.tls() as one:
            self.house.send(one, "GET", "hold", self.house.token())
            until(lambda: self.sums.open == 1)
            at_once = struct.pack("ii", 1, 0)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        until(lambda: self.house.metrics()["passages_open"] == 0)
        with self.house.tls() as silent, self.house.tls("h2") as one:
            self.house.send(silent, "GET", "hold", self.house.token())
            until(lambda: self.house.metrics()["passages_open"] == 1)
            with socket.socket(fileno=os.dup(silent.fileno())) as line:
                line.shutdown(socket.SHUT_WR)
            miner = house.H2(one)
            stream = miner.begin("GET", "/api/challenges/sums/public/hold",
                                 [("authorization", f"Bearer {self.house.token()}")])
            other = miner.begin("GET", "/api/challenges/sums/public/hold",
                                [("authorization", f"Bearer {self.house.token()}")])
            until(lambda: self.house.metrics()["passages_open"] == 3)
            miner.conn.reset_stream(stream)
            miner.push()
            until(lambda: self.house.metrics()["passages_open"] == 2)
            self.release()
            self.assertEqual(miner.wait(other)["body"], b"held")
            status, _, body = house.read_answer(silent)
            self.assertEqual((status, body), (200, b"held"))
        until(lambda: self.sums.open == 0)


class TestFalls(Case):
    """What falls in the middle of it."""
    routes = {"hold": holds}
    hole = socket.create_server(("127.0.0.9", 0), backlog=0)

    class Hole:
        port = 0

        def close(self):
            pass
    more = {"hole": (Hole, CA | {"host": "127.0.0.9"})}

    @classmethod
    def setUpClass(cls):
        """At the hole nobody takes or refuses: its queue is full."""
        cls.Hole.port = cls.hole.getsockname()[1]
        cls.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(cls.hole.getsockname())
            cls.fillers.append(filler)
            time.sleep(0.02)
        cls.more = {"hole": (cls.Hole(), CA | {"host": "127.0.0.9"})}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for one in [*cls.fillers, cls.hole]:
            one.close()

    def setUp(self):
        self.sums.held = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(4)

    def tearDown(self):
        self.sums.held.set()
        self.pool.shutdown()

    def begin(self, route="hold", name="sums"):
        before = self.house.metrics()["passages_open"]
        one = self.pool.submit(self.house.ask, "POST", route, None, (), b"{}", name, 60)
        until(lambda: self.house.metrics()["passages_open"] == before + 1)
        return one

    def works(self):
        until(lambda: self.house.ask("GET", "good")[0] == 200, 20, 0.1)

    def test_dial(self):
        held, hole = self.begin(), self.begin("x", "hole")
        until(lambda: len(self.sums.asked) > 0)
        time.sleep(0.3)  # until core has asked dial of the second
        self.house.wait_new("dial", self.house.kill("dial"))
        self.refused(503, "HOUSE_UNAVAILABLE", hole.result())
        self.works()
        self.sums.held.set()  # what is connected has no need of it
        self.assertEqual(held.result()[::2], (200, b"held"))

    def test_core(self):
        count = len(self.sums.asked)
        held = self.begin()
        until(lambda: len(self.sums.asked) > count)
        self.house.wait_new("core", self.house.kill("core"))
        self.works()
        self.sums.held.set()
        self.assertEqual(held.result()[::2], (200, b"held"))

    def test_front(self):
        """It takes what it was doing with it, on both sides; a token is used all the same."""
        count, token = len(self.sums.asked), self.house.token()
        with self.house.tls() as one:
            self.house.send(one, "POST", "hold", token)
            until(lambda: len(self.sums.asked) > count)
            self.house.wait_new("front", self.house.kill("front"))
            self.assertEqual(house.read_all(one), b"")
        self.works()
        self.refused(401, "MINER_TOKEN_REPLAYED", self.house.ask("POST", "good", token))

    def test_keeper(self):
        """Without its signature nobody is connected with."""
        came, keeper = self.sums.came, self.house.pid("keeper")
        token = self.house.token()
        with self.house.tls() as one:
            os.kill(keeper, signal.SIGSTOP)
            try:
                self.house.send(one, "POST", "good", token)
                self.refused(503, "HOUSE_DEADLINE", house.read_answer(one))
            finally:
                os.kill(keeper, signal.SIGCONT)
        self.works()
        self.refused(401, "MINER_TOKEN_REPLAYED", self.house.ask("POST", "good", token))
        self.assertLessEqual(self.sums.came, came + 1)

    def test_a_house_that_stops(self):
        """What was passed on is still answered, as far as that does not take long."""
        server = Challenge(hold=holds)
        server.held = threading.Event()
        with Challenged({"sums": (server, CA)}) as stops:
            held = self.pool.submit(stops.ask, "POST", "hold", None, (), b"{}")
            until(lambda: len(server.asked) > 0)
            down = self.pool.submit(stops.command, "down", "--state", stops.state)
            time.sleep(0.5)
            server.held.set()
            self.assertEqual(held.result()[::2], (200, b"held"))
            self.assertEqual(down.result().returncode, 0)


if __name__ == "__main__":
    tap.main()
