"""test_tls.py - `ward verify --tls` against live servers on loopback: what cannot be reached,
is too slow or speaks another protocol is exit 4; what answers is judged by its evidence."""

import contextlib
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from ward import ward


def certificate(folder):
    """A self-signed P-256 certificate without evidence."""
    key, cert = pathlib.Path(folder) / "key.pem", pathlib.Path(folder) / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days",
                    "2", "-subj", "/CN=peer"], check=True, capture_output=True)
    return cert, key


@contextlib.contextmanager
def server(handle):
    """Calls `handle` with every connection, on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        stop = threading.Event()

        def serve():
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                connection.settimeout(30)
                with connection, contextlib.suppress(OSError):
                    handle(connection, stop)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


def speak(context):
    def handle(connection, _):
        with context.wrap_socket(connection, server_side=True) as peer:
            peer.recv(1)

    return handle


class Tls(unittest.TestCase):
    def context(self, version=ssl.TLSVersion.TLSv1_3):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(folder))
        context.maximum_version = version
        return context

    def test_a_certificate_without_evidence_is_refused(self):
        with server(speak(self.context())) as address:
            done = ward("verify", "--tls", address)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"EVIDENCE_UNRECOGNISED", done.stdout)
        self.assertIn(b"no evidence", done.stdout)

    def test_tls_1_2_is_not_spoken(self):
        with server(speak(self.context(ssl.TLSVersion.TLSv1_2))) as address:
            done = ward("verify", "--tls", address)
        self.assertEqual((done.returncode, done.stdout), (4, b""))
        self.assertIn(b"TLS 1.3", done.stderr)

    def test_a_peer_that_is_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
        done = ward("verify", "--tls", address)
        self.assertEqual((done.returncode, done.stdout), (4, b""))
        self.assertIn(address.encode(), done.stderr)

    def test_a_peer_that_talks_nonsense_or_hangs_up(self):
        def nonsense(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        def hang_up(_, __):
            return

        for handle in (nonsense, hang_up):
            with server(handle) as address:
                self.assertEqual(ward("verify", "--tls", address).returncode, 4)

    def test_a_peer_that_drips_gains_no_time(self):
        def drip(connection, stop):
            connection.sendall(b"\x16\x03\x03\x40\x00")
            while not stop.wait(1):
                connection.sendall(b"\x02")

        with server(drip) as address:
            done = ward("verify", "--tls", address, timeout=25)
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"too long", done.stderr)

    def test_addresses_that_are_none(self):
        for address in ("", "localhost", ":443", "localhost:", "localhost:https", "::1:443",
                        "[::1]", "localhost:99999999", "a" * 300 + ":1"):
            done = ward("verify", "--tls", address)
            self.assertEqual((done.returncode, done.stdout), (2, b""), address)


if __name__ == "__main__":
    import tap

    tap.main()
