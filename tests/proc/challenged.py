"""challenged.py - a house that passes requests of miners on, and the challenges that it passes them
on to: servers made by hand, that keep every byte that came and answer what they are told."""

import contextlib
import json
import pathlib
import sys
import tempfile
import threading
import time
import unittest

import front_house as house
from listener import Listener

sys.path.append(str(pathlib.Path(__file__).parents[1] / "cmd"))
import tls_ca  # noqa: E402

HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
TYPE = "Content-Type: application/json"
place = tempfile.TemporaryDirectory()
authority = tls_ca.Authority(place.name)
good = authority.server("good", "IP:127.0.0.1,DNS:localhost")
CA = {"ca_file": str(authority.pem)}


class Asked:
    """A request as it came."""

    def __init__(self, data):
        self.data = data
        head, _, self.body = data.partition(b"\r\n\r\n")
        line, *rows = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = line.split(" ")
        self.rows = [tuple(row.split(": ", 1)) for row in rows]
        self.fields = {name.lower(): value for name, value in self.rows}
        self.route = self.target.partition("?")[0].rpartition("/")[2]

    def is_whole(self):
        return len(self.body) >= int(self.fields.get("content-length", 0))


def answer(body=b"{}", status="200 OK", *fields):
    lines = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class Challenge(Listener):
    """Asked for a route it does what `routes` has for it: a function with the connection and the
    request, or the bytes to be said. `open` is how many connections there are now."""

    def __init__(self, certificate=good, port=0, **routes):
        super().__init__(certificate, port=port)
        self.routes, self.asked, self.open, self.lock = routes, [], 0, threading.Lock()
        self.start()

    def read(self, one):
        data = b""
        while b"\r\n\r\n" not in data or not Asked(data).is_whole():
            part = one.recv(65536)
            if not part:
                raise OSError
            data += part
        asked = Asked(data)
        with self.lock:
            self.asked.append(asked)
        return asked

    def meet(self, one):
        with self.lock:
            self.open += 1
        try:
            super().meet(one)
        finally:
            with self.lock:
                self.open -= 1

    def met(self, one):
        asked = self.read(one)
        said = self.routes.get(asked.route, answer(b'{"done":true}', "200 OK", TYPE))
        if callable(said):
            said(self, one, asked)
        else:
            one.sendall(said)
        if self.certificate:
            with contextlib.suppress(OSError):
                one.unwrap()


class Challenged(house.House):
    """A house with these challenges: {name: (server, more keys)}."""

    def __init__(self, challenges, config="", **settings):
        self.challenges = challenges
        for name, (server, more) in challenges.items():
            host = more.get("host", "127.0.0.1")
            scheme = "http" if more.get("plain") else "https"
            config += f'[peers.{name}]\npublic = "{scheme}://{host}:{server.port}"\n'
            config += "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items()
                              if key not in ("plain", "host"))
        super().__init__(config=config, **{"requests_per_second": 100000,
                                           "requests_burst": 100000, **settings})

    def __exit__(self, *_):
        super().__exit__()
        for server, _ in self.challenges.values():
            server.close()

    def owner(self, method, target, body=None):
        with self.plain() as one:
            status, _, said = house.ask(one, method, target, [TYPE] if body else [],
                                        json.dumps(body).encode() if body else b"")
            return status, json.loads(said)

    def token(self, challenge="sums", **others):
        body = {"type": "miner", "subject": HOTKEY, "challenge": challenge, **others}
        for _ in range(200):
            status, said = self.owner("POST", "/v1/token/issue", body)
            if status not in (503, 429):
                break
            time.sleep(0.05)
        assert status == 200, said
        return said["token"]

    def send(self, one, method, route, token=None, fields=(), body=b"", challenge="sums"):
        target = f"/api/challenges/{challenge}/public/{route}"
        with_token = [f"Authorization: Bearer {token}"] if token else []
        one.sendall(house.request(method, target, [*with_token, *fields], body))

    def ask(self, method, route, token=None, fields=(), body=b"", challenge="sums", timeout=40):
        """(status, fields, body) over HTTP/1.1 of one's own."""
        token = self.token(challenge) if token is None else token
        with self.tls(timeout=timeout) as one:
            self.send(one, method, route, token, fields, body, challenge)
            return house.read_answer(one)

    def records(self, action):
        status, said = self.owner("GET", f"/v1/audit/records?action={action}&limit=1000")
        assert status == 200, said
        return said["records"]

    def peer(self, name):
        return {one["name"]: one for one in self.owner("GET", "/v1/peers")[1]["peers"]}[name]

    def check(self, name):
        return {one["id"]: one for one in
                self.owner("GET", "/v1/system/doctor")[1]["checks"]}[name]


def error(said):
    """(status, code) of one of the house's own."""
    status, fields, body = said
    assert fields["content-type"] == "application/json", fields
    assert fields["cache-control"] == "no-store", fields
    body = json.loads(body)
    assert set(body) == {"error", "code"} and body["error"], body
    return status, body["code"]


class Case(unittest.TestCase):
    routes, more, settings = {}, {}, {}

    @classmethod
    def setUpClass(cls):
        cls.sums = Challenge(**cls.routes)
        cls.house = Challenged({"sums": (cls.sums, CA), **cls.more}, **cls.settings)
        cls.house.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def refused(self, status, code, said):
        self.assertEqual(error(said), (status, code))
