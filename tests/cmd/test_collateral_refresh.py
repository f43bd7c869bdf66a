"""test_collateral_refresh.py - `ward collateral refresh` looks again and again, at a house that
answers as a test wants it."""

import json
import pathlib
import socketserver
import tempfile
import threading
import unittest

import tap
from ward import ward

MIB = 1 << 20
LONG = 3 * MIB  # no house says so much; 64 MiB are all that a command may take


class House(socketserver.ThreadingUnixStreamServer):
    """Says that pieces are waited for until as many looks were taken as it is told; then it has
    them, or is gone."""

    daemon_threads = True

    def __init__(self, state, looks, goes=False):
        self.looks, self.goes, self.seen = looks, goes, 0
        self.path = state / "run/ward.sock"
        self.path.parent.mkdir()
        super().__init__(str(self.path), Call)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def answer(self, method):
        if method == "POST":
            return {"pieces": 1}
        self.seen += 1
        if self.goes and self.seen == self.looks:
            self.path.unlink()
        waiting = 1 if self.goes or self.seen < self.looks else 0
        return {"provider": "https://mirror", "pieces": [], "waiting": waiting}


class Call(socketserver.StreamRequestHandler):
    def handle(self):
        method = self.rfile.readline().split()[0].decode()
        length = 0
        for field in iter(self.rfile.readline, b"\r\n"):
            if field.lower().startswith(b"content-length:"):
                length = int(field.split()[1])
        self.rfile.read(length)
        body = json.dumps(self.server.answer(method)).encode().ljust(LONG)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                         % (len(body), body))


class Refresh(unittest.TestCase):
    def setUp(self):
        above = tempfile.TemporaryDirectory(prefix="ward-refresh-")
        self.addCleanup(above.cleanup)
        self.state = pathlib.Path(above.name)

    def refresh(self, *words):
        done = ward("collateral", "refresh", "--state", self.state, *words)
        return done.returncode, done.stderr.decode()

    def test_many_looks_take_no_more_memory_than_one(self):
        with House(self.state, looks=12) as house:
            code, said = self.refresh("--json")
            self.assertEqual(code, 0, said)
            self.assertEqual(house.seen, 13)  # and one for what is printed

    def test_a_house_that_is_gone_does_not_go_on(self):
        with House(self.state, looks=2, goes=True):
            code, said = self.refresh()
            self.assertEqual(code, 4)
            self.assertIn("does not answer", said)
            self.assertNotIn("the house goes on", said)

    def test_when_time_runs_out_the_house_goes_on(self):
        with House(self.state, looks=1000):
            code, said = self.refresh("--timeout", "1")
            self.assertEqual((code, said.count("\n")), (4, 1))
            self.assertIn("the house goes on", said)


if __name__ == "__main__":
    tap.main()
