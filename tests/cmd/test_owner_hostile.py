"""test_owner_hostile.py - what answers at a house's socket is no house: each answer that is none is
said in one line and ends with 4, and one that is whole is taken however it is cut."""

import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import tap

WARD = pathlib.Path(os.environ["WARD_BUILD"]) / "ward"
MAX = 16 << 20
GOOD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
WHOLE = GOOD + b"content-length: 2\r\n\r\n{}"


def long(size):
    return GOOD + b"content-length: %d\r\n\r\n{}" % size + b" " * (size - 2)


def chunks(count, size):
    return (GOOD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n" +
            (b"%x\r\n" % size + b" " * size + b"\r\n") * count + b"0\r\n\r\n")


class TestOwnerHostile(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # Longer than the name of a socket may be.
        self.state = pathlib.Path(folder.name) / ("state" * 20)
        (self.state / "run").mkdir(parents=True)

    def answered(self, *parts, words=("ban", "list")):
        """What `ward` says of a house that says this, and what it asked."""
        asked = bytearray()
        (self.state / "run/ward.sock").unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listening:
            here = os.open(self.state / "run", os.O_PATH)
            listening.bind(f"/proc/self/fd/{here}/ward.sock")
            os.close(here)
            listening.listen(1)

            def serve():
                link, _ = listening.accept()
                with link:
                    while b"\r\n\r\n" not in asked and (more := link.recv(65536)):
                        asked.extend(more)
                    try:
                        for part in parts:
                            link.sendall(part)
                            time.sleep(0.001)
                    except (BrokenPipeError, ConnectionResetError):
                        pass  # it has heard enough

            server = threading.Thread(target=serve)
            server.start()
            done = subprocess.run([WARD, *words, "--state", self.state, "--json"], check=False, timeout=60,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            server.join()
        return done, bytes(asked)

    def test_a_whole_answer_however_it_comes(self):
        for parts in ([WHOLE], [WHOLE[at:at + 1] for at in range(len(WHOLE))], [chunks(3, 70000)], [long(1 << 20)],
                      [b"HTTP/1.1 100 Continue\r\n\r\n", WHOLE], [GOOD + b"\r\n{}"], [long(MAX)]):
            with self.subTest(len(parts)):
                done, asked = self.answered(*parts)
                self.assertEqual((done.returncode, done.stdout.strip(), done.stderr), (0, "{}", ""))
                self.assertTrue(asked.startswith(b"GET /v1/admission/bans?from=0&limit=1000 HTTP/1.1\r\n"), asked)

    def test_what_is_no_answer(self):
        for name, parts in {
                "nothing": [], "no HTTP": [b"SSH-2.0-OpenSSH\r\n"], "half a head": [GOOD],
                "half a body": [long(100)[:-1]], "half a chunk": [chunks(1, 5)[:-7]],
                "two lengths": [GOOD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"],
                "a long field": [GOOD + b"x: " + b"y" * (32 << 10) + b"\r\n\r\n"],
                "announces too much": [long(100).replace(b": 100\r", b": %d\r" % (MAX + 1))],
                "says too much": [chunks(17, 1 << 20)], "says too much and never ends": [
                    GOOD + b"\r\n", *[b" " * (1 << 20)] * 17],
                "only on the way": [b"HTTP/1.1 100 Continue\r\n\r\n" * 20],
        }.items():
            with self.subTest(name):
                done, _ = self.answered(*parts)
                self.assertEqual((done.returncode, done.stdout), (4, ""))
                self.assertIn("does not answer: ", done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_nobody_and_what_is_no_socket(self):
        words = [WARD, "ban", "list", "--state", self.state]
        for make in (lambda path: None, lambda path: path.write_text("no socket"), self.deserted):
            make(self.state / "run/ward.sock")
            done = subprocess.run(words, check=False, timeout=60, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True)
            self.assertEqual((done.returncode, done.stdout), (4, ""))
            self.assertIn("run/ward.sock: ", done.stderr)

    @staticmethod
    def deserted(path):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as gone:
            here = os.open(path.parent, os.O_PATH)
            gone.bind(f"/proc/self/fd/{here}/{path.name}")
            os.close(here)


if __name__ == "__main__":
    tap.main()
