"""pccs.py - a collateral server on loopback in the layout of PCS API v4, well-behaved or not.
Each behaviour is what one mirror does to every request."""

import gzip
import http.server
import threading
import urllib.parse

import tls_ca

BEHAVIOURS = ("good", "dead", "hang", "drip", "missing", "broken", "redirect", "huge", "gzip",
              "other", "tampered", "old")


class Collateral:
    """The replies of one day: path -> (body, header name, chain)."""

    def __init__(self, folder, tcb_info, qe_identity, pck_crl, root_crl, other):
        signer = (folder / "intel_tcb_signing_2025.pem").read_text()
        root = (folder / "intel_sgx_root_ca.pem").read_text()
        ca = (folder / "intel_pck_platform_ca_0.pem").read_text()
        tcb_chain = ("TCB-Info-Issuer-Chain", signer + root)
        self.other = ((folder / other).read_bytes(), *tcb_chain)
        self.replies = {
            "/tdx/certification/v4/tcb": ((folder / tcb_info).read_bytes(), *tcb_chain),
            "/tdx/certification/v4/qe/identity": (
                (folder / qe_identity).read_bytes(), "SGX-Enclave-Identity-Issuer-Chain",
                signer + root),
            "/sgx/certification/v4/pckcrl": (
                (folder / pck_crl).read_bytes(), "SGX-PCK-CRL-Issuer-Chain", ca + root),
            "/sgx/certification/v4/rootcacrl": (
                (folder / root_crl).read_bytes().hex().encode(), None, None),
        }


class Mirror:
    """One server; `with Mirror(...) as base:` gives its URL."""

    def __init__(self, behaviour, collateral, old=None, certificate=None):
        self.behaviour, self.collateral, self.old = behaviour, collateral, old
        self.certificate = certificate  # of a server that speaks TLS
        self.stop, self.asked = threading.Event(), []

    def __enter__(self):
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                mirror.asked.append(self.path)
                try:
                    mirror.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                self.close_connection = True

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        if self.certificate:
            self.base = self.base.replace("http:", "https:")
            self.server.socket = tls_ca.wrap(self.server.socket, self.certificate)
        if self.behaviour == "dead":
            self.server.server_close()
            return self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        if self.behaviour != "dead":
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()

    def answer(self, request):
        path = urllib.parse.urlsplit(request.path).path
        source = self.old if self.behaviour == "old" else self.collateral
        body, header, chain = source.replies.get(path, (None, None, None))
        if self.behaviour == "hang":
            self.stop.wait(30)
            return
        if body is None or self.behaviour in ("missing", "broken"):
            request.send_response(500 if self.behaviour == "broken" else 404)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        if self.behaviour == "redirect":
            request.send_response(302)
            request.send_header("Location", self.base + request.path)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        if self.behaviour == "other" and path.endswith("/tcb"):
            body = self.collateral.other[0]
        elif self.behaviour in ("other", "tampered"):
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:]
        self.send(request, body, header, chain)

    def send(self, request, body, header, chain):
        request.send_response(200)
        if header:
            request.send_header(header, urllib.parse.quote(chain))
        if self.behaviour == "gzip":
            request.send_header("Content-Encoding", "gzip")
            body = gzip.compress(b"0" * (8 << 20))
        if self.behaviour == "huge":
            request.send_header("Content-Length", str(10 << 30))
            request.end_headers()
            while not self.stop.is_set():
                request.wfile.write(b"0" * 65536)
            return
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if self.behaviour != "drip":
            request.wfile.write(body)
            return
        for byte in body:
            if self.stop.wait(0.25):
                return
            request.wfile.write(bytes([byte]))
            request.wfile.flush()

