"""test_websocket_others.py - our WebSocket against somebody else's, both ways round."""

import os
import socket
import subprocess
import threading
import unittest

import pinned
import pypi
import tap

PEER = pinned.BUILD.resolve() / "tests/http/websocket_peer"


def pair():
    """Two ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
        return ours, theirs


def start(stream, *words):
    return subprocess.Popen([PEER, *words], stdin=stream.fileno(), stdout=subprocess.PIPE,
                            text=True)


def ended(process):
    out, _ = process.communicate(timeout=60)
    return out.splitlines()


class Others(unittest.TestCase):
    def test_their_client(self):
        client = pypi.module("websockets.sync.client")
        for compression in (None, "deflate"):  # is offered, and not agreed to
            ours, theirs = pair()
            process = start(ours, "serve")
            ours.close()
            with client.connect("ws://localhost/echo", sock=theirs, max_size=1 << 20,
                                compression=compression) as peer:
                for message in ("", "gr\u00fc\u00df", "x" * 70000, b"", bytes(range(256)) * 3000):
                    peer.send(message)
                    self.assertEqual(peer.recv(10), message)
                peer.send(["in ", "three ", "pieces"])
                self.assertEqual(peer.recv(10), "in three pieces")
                self.assertTrue(peer.ping().wait(10))
                peer.close(1001, "enough")
            said = ended(process)
            self.assertEqual(said[-1], "ended OK 1001")
            self.assertEqual(len(said), 7)

    def test_their_client_says_too_much(self):
        client = pypi.module("websockets.sync.client")
        errors = pypi.module("websockets.exceptions")
        ours, theirs = pair()
        process = start(ours, "serve")
        ours.close()
        with client.connect("ws://localhost/echo", sock=theirs) as peer:
            with self.assertRaises(errors.ConnectionClosedError) as closed:
                peer.send(bytes((1 << 20) + 1))
                peer.recv(10)
            self.assertEqual(closed.exception.rcvd.code, 1009)
        self.assertEqual(ended(process)[-1], "ended WEBSOCKET_MESSAGE_TOO_LARGE 0")

    def test_their_server(self):
        server = pypi.module("websockets.sync.server")
        paths = []

        def echo(peer):
            paths.append(peer.request.path)
            for message in peer:
                peer.send(message)

        with server.serve(echo, "127.0.0.1", 0, max_size=1 << 20) as listening:
            threading.Thread(target=listening.serve_forever, daemon=True).start()
            host, port = listening.socket.getsockname()
            with socket.create_connection((host, port)) as ours:
                process = start(ours, "ask", f"{host}:{port}")
            said = ended(process)
            listening.shutdown()
        self.assertEqual(paths, ["/echo?a=b"])
        self.assertEqual(said, [*(f"bytes of {size}" for size in (0, 1, 125, 126, 65535, 65536,
                                                                   200000)), "text of 11",
                                "ended OK 0"])

    def test_their_server_wants_none(self):
        server = pypi.module("websockets.sync.server")
        refuse = lambda peer, request: peer.respond(403, "no")
        with server.serve(lambda peer: None, "127.0.0.1", 0, process_request=refuse) as listening:
            threading.Thread(target=listening.serve_forever, daemon=True).start()
            host, port = listening.socket.getsockname()
            with socket.create_connection((host, port)) as ours:
                self.assertEqual(ended(start(ours, "ask", f"{host}:{port}")), ["no handshake"])
            listening.shutdown()


if __name__ == "__main__":
    os.environ["NO_PROXY"] = "*"
    tap.main()
