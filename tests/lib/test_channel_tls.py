"""test_channel_tls.py - libward's channel to a server of others (websockets over TLS, peer.py): who
may answer, and who may not."""

import ctypes
import hashlib
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / name) for name in ("channel", "cmd")]

import peer
import pypi
import tap
from tls_ca import Authority

BUILD = pathlib.Path(os.environ["WARD_BUILD"])
DONE, BAD_INPUT, REFUSED, UNREACHABLE, TIMED_OUT, CLOSED = 0, 1, 3, 4, 5, 6
WAIT = 30


class Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("len", ctypes.c_size_t), ("name", ctypes.c_char_p)]


class Setup(ctypes.Structure):
    _fields_ = [("purpose", ctypes.c_char_p), ("evidence", ctypes.c_void_p),
                ("evidence_arg", ctypes.c_void_p), ("trust", ctypes.c_void_p),
                ("peer_unproven", ctypes.c_bool), ("timeout_ms", ctypes.c_int),
                ("path", ctypes.c_char_p), ("ca", Bytes), ("pins", ctypes.c_char_p),
                ("pin_count", ctypes.c_size_t)]


class Tls(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="ward-tls-")
        cls.ca = Authority(cls.place.name)
        cls.other = Authority(cls.place.name, "other")
        cls.good = cls.ca.server("good", "IP:127.0.0.1,DNS:localhost")
        cls.lib = ctypes.CDLL(str(BUILD / "libward.so"))

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def setup(self, ca=None, pins=(), timeout=10000):
        pem = ca.pem.read_bytes() if ca else b""
        return Setup(b"test", None, None, None, True, timeout, None, Bytes(pem, len(pem), None),
                     b"".join(pins), len(pins))

    def connect(self, address, setup):
        """(outcome, channel, message)"""
        channel, error = ctypes.c_void_p(), ctypes.create_string_buffer(8192)
        outcome = self.lib.ward_channel_connect(ctypes.byref(setup), address.encode(),
                                                ctypes.byref(channel), error)
        return outcome, channel, error.raw[4:].partition(b"\0")[0].decode()

    def serve(self, certificate, setup, talk=None, host="127.0.0.1"):
        """What libward makes of a server that has this certificate."""
        server = pypi.module("websockets.sync.server")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        ended = threading.Event()

        def serve(theirs):
            channel = peer.Channel(os.urandom(32), os.urandom(32))
            theirs.send(channel.accept(theirs.recv(WAIT)))
            theirs.send(channel.open(theirs.recv(WAIT)))
            for _ in range(2):
                theirs.send(channel.send(channel.take(theirs.recv(WAIT))[1]))
            self.assertEqual(channel.take(theirs.recv(WAIT))[0], peer.CLOSE)
            theirs.send(channel.close())
            ended.set()

        with server.serve(serve, "127.0.0.1", 0, ssl=context, max_size=1 << 21) as listening:
            threading.Thread(target=listening.serve_forever, daemon=True).start()
            port = listening.socket.getsockname()[1]
            found = self.connect(f"wss://{host}:{port}/v1/channel", setup)
            if talk and found[0] == DONE:
                talk(found[1])
                self.assertTrue(ended.wait(WAIT))
            listening.shutdown()
        return found

    def talk(self, channel):
        for text in (b"hello", b"x" * 65536):
            self.assertEqual(self.lib.ward_channel_send(
                channel, Bytes(text, len(text), None), 10000, None), DONE)
            got = Bytes()
            self.assertEqual(self.lib.ward_channel_receive(
                channel, 10000, ctypes.byref(got), None), DONE)
            self.assertEqual(ctypes.string_at(got.data, got.len) if got.len else b"", text)
        self.assertEqual(self.lib.ward_channel_close(channel, 10000, None), DONE)
        self.assertEqual(self.lib.ward_channel_receive(channel, 10000, ctypes.byref(Bytes()), None),
                         CLOSED)
        self.lib.ward_channel_free(ctypes.byref(channel))
        self.assertIsNone(channel.value)

    def pin(self, certificate):
        key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"],
                             check=True, capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key,
                             check=True, capture_output=True).stdout
        return hashlib.sha256(der).digest()

    def test_who_is_expected(self):
        pin = self.pin(self.good)
        for setup in (self.setup(self.ca), self.setup(pins=(pin,)),
                      self.setup(self.ca, (bytes(32), pin))):
            outcome, _, why = self.serve(self.good, setup, self.talk)
            self.assertEqual(outcome, DONE, why)
        outcome, _, why = self.serve(self.good, self.setup(self.ca), self.talk, "localhost")
        self.assertEqual(outcome, DONE, why)

    def test_who_is_not(self):
        expired = self.ca.server("expired", "IP:127.0.0.1", -1)
        named = self.ca.server("named", "IP:127.0.0.2,DNS:elsewhere")
        for certificate, setup in ((self.good, self.setup(self.other)),
                                   (self.good, self.setup(pins=(bytes(32),))),
                                   (self.good, self.setup(self.ca, (bytes(32),))),
                                   (expired, self.setup(self.ca)), (named, self.setup(self.ca)),
                                   (expired, self.setup(pins=(self.pin(expired),)))):
            outcome, channel, why = self.serve(certificate, setup)
            self.assertEqual((outcome, channel.value), (UNREACHABLE, None), why)
            self.assertIn("TLS: ", why)

    def test_without_a_word_about_who_there_is_no_connection(self):
        for ca in (None, self.ca):
            setup = self.setup(ca)
            if ca:
                setup.ca = Bytes(b"no certificate", 14, None)
            outcome, channel, why = self.serve(self.good, setup)
            self.assertIn(outcome, (BAD_INPUT, UNREACHABLE), why)
            self.assertIsNone(channel.value)

    def test_servers_that_speak_something_else(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"wss://127.0.0.1:{listener.getsockname()[1]}/v1/channel"
            setup = self.setup(self.ca, timeout=300)
            self.assertEqual(self.connect(address, setup)[0], TIMED_OUT)  # silent
            listener.accept()[0].close()

            def answer():
                with listener.accept()[0] as theirs:
                    theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            thread = threading.Thread(target=answer)
            thread.start()
            self.assertEqual(self.connect(address, self.setup(self.ca))[0], UNREACHABLE)
            thread.join(WAIT)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.good)
            context.maximum_version = ssl.TLSVersion.TLSv1_2

            def old():
                with listener.accept()[0] as theirs:
                    try:
                        context.wrap_socket(theirs, server_side=True)
                    except OSError:
                        return
            thread = threading.Thread(target=old)
            thread.start()
            self.assertEqual(self.connect(address, self.setup(self.ca))[0], UNREACHABLE)
            thread.join(WAIT)


if __name__ == "__main__":
    os.environ["NO_PROXY"] = "*"
    tap.main()
