"""test_limits.py - the limits of the `ward` command itself: each at its value, and one past it."""

import http.server
import json
import pathlib
import tempfile
import threading
import unittest

import tap
from ward import OWN, verify, ward

QUOTE = OWN / "quote/tdx-v4.quote.bin"
AT = ("--at", "2026-01-01T00:00:00Z")
TRUST = (*AT, "--root", OWN / "sgx_root.pem", "--collateral", OWN / "collateral")
KIB, MIB = 1024, 1024 * 1024
FETCH = ("collateral", "fetch", "--fmspc", "00906ed50000", "--timeout", "5")


def answer(size, header=0):
    """A handler that answers every request with `size` bytes and a chain of `header` bytes."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.send_header("TCB-Info-Issuer-Chain", "x" * header)
            self.end_headers()
            try:
                self.wfile.write(b" " * size)
            except (BrokenPipeError, ConnectionResetError):
                pass

        def log_message(self, *_):
            pass

    return Handler


class Limits(unittest.TestCase):
    def setUp(self):
        self.temp = tempfile.TemporaryDirectory()
        self.addCleanup(self.temp.cleanup)
        self.folder = pathlib.Path(self.temp.name)

    def put(self, name, data, size, fill=b" "):
        """A file of `size` bytes that begins with `data`."""
        path = self.folder / name
        path.write_bytes(data + fill * (size - len(data)))
        return path

    def test_evidence_file(self):
        for size, code in ((MIB, 1), (MIB + 1, 2)):
            done = ward("verify", self.put("evidence", b"", size, b"f"), "--json")
            self.assertEqual(done.returncode, code)
            if code == 1:
                self.assertEqual(json.loads(done.stdout)["reason"], "EVIDENCE_TOO_LARGE")

    def test_event_log_file(self):
        log = (OWN / "log/boot-v1.dstack-eventlog.json").read_bytes()
        quote = OWN / "log/tdx-v4-dstack-v1.quote.bin"
        for size, code in ((MIB, 0), (MIB + 1, 2)):
            path = self.put("log", log, size)
            done = ward("verify", quote, *TRUST, "--event-log", path)
            self.assertEqual(done.returncode, code, done.stderr)

    def test_collateral_file(self):
        info = (OWN / "collateral/tcbinfo_tdx.json").read_bytes()
        for size, code in ((MIB, 0), (MIB + 1, 2)):
            done = ward("verify", QUOTE, *TRUST, "--tcb-info", self.put("info", info, size))
            self.assertEqual(done.returncode, code, done.stderr)

    def test_files_of_a_folder(self):
        for path in (OWN / "collateral").iterdir():
            (self.folder / path.name).write_bytes(path.read_bytes())
        for i in range(len(list(self.folder.iterdir())), 512):
            (self.folder / f"{i}").write_bytes(b"x")
        words = (QUOTE, *AT, "--root", OWN / "sgx_root.pem", "--collateral", self.folder)
        self.assertEqual(verify(*words)[1]["reason"], "OK")
        (self.folder / "more").write_bytes(b"x")
        done = ward("verify", *words)
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(str(self.folder), done.stderr.decode())

    def test_links_in_a_folder_are_not_followed(self):
        """Neither out of the folder nor within it, and it is said; the folder may be a link."""
        words = (QUOTE, *AT, "--root", OWN / "sgx_root.pem", "--collateral")
        inside = self.folder / "links"
        inside.mkdir()
        for path in (OWN / "collateral").iterdir():
            (inside / path.name).symlink_to(path)
        (inside / "pipe").symlink_to("/dev/stdin")
        done = ward("verify", *words, inside)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"COLLATERAL_MISSING", done.stdout)
        links = len(list(inside.iterdir()))
        self.assertIn(f"{inside}: {links} symbolic links are not followed", done.stderr.decode())
        done = ward("collateral", "show", inside)
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        (self.folder / "whole").symlink_to(OWN / "collateral")
        done = ward("verify", *words, self.folder / "whole")
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_policy_file(self):
        for size, code in ((256 * KIB, 1), (256 * KIB + 1, 2)):
            path = self.put("policy.toml", b"hardware = true\n", size, b"\n")
            self.assertEqual(ward("verify", QUOTE, *AT, "--policy", path).returncode, code)

    def test_nonce(self):
        for size, code in ((1024, 1), (1025, 2)):
            words = ("verify", OWN / "nitro/document.cose.bin", *AT, "--nonce", "5a" * size)
            self.assertEqual(ward(*words).returncode, code)

    def test_mirrors(self):
        # Port 1 of loopback refuses at once; nothing leaves this machine.
        base = "http://127.0.0.1:1"
        for count, code in ((8, 4), (9, 2)):
            done = ward(*FETCH, "--mirror", ",".join([base] * count), self.folder)
            self.assertEqual(done.returncode, code, done.stderr)
        for size, code in ((511, 4), (512, 2)):
            url = base + "/" + "p" * (size - len(base) - 1)
            self.assertEqual(ward(*FETCH, "--mirror", url, self.folder).returncode, code)

    def test_timeout(self):
        words = (*FETCH[:-1], "600", "--mirror", "http://127.0.0.1:1", self.folder)
        self.assertEqual(ward(*words).returncode, 4)
        words = (*FETCH[:-1], "601", "--mirror", "http://127.0.0.1:1", self.folder)
        self.assertEqual(ward(*words).returncode, 2)
        for seconds, code in ((600, 4), (601, 2)):  # no house is there
            done = ward("collateral", "refresh", "--timeout", seconds, "--state", self.folder)
            self.assertEqual(done.returncode, code, done.stderr)

    def said_of(self, size, header=0):
        """What `ward collateral fetch` says of a reply of so many bytes."""
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer(size, header)) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            mirror = f"http://127.0.0.1:{server.server_port}"
            done = ward(*FETCH, "--mirror", mirror, self.folder)
            server.shutdown()
        self.assertEqual(done.returncode, 4)
        self.assertEqual(list(self.folder.iterdir()), [])
        return done.stderr.decode()

    def test_reply(self):
        self.assertNotIn("larger than", self.said_of(MIB))
        self.assertIn(f"larger than {MIB} bytes", self.said_of(MIB + 1))


if __name__ == "__main__":
    tap.main()
