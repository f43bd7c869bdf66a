"""tls_ca.py - a CA of a test's own, and server certificates under it."""

import pathlib
import ssl
import subprocess


class Authority:
    """Its certificate is FOLDER/NAME.pem; a server's chain and key are one file."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = pathlib.Path(folder), name
        self.pem, self.key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self.run("req", "-x509", *self.new(self.key), "-out", self.pem, "-days", 30, "-subj",
                 f"/CN={name}")

    @staticmethod
    def new(key):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key)

    @staticmethod
    def run(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def server(self, name, alternatives, days=10):
        """A certificate for "IP:127.0.0.1,DNS:x"; one that has expired with days below 0."""
        out, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request, extra = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extra.write_text(f"subjectAltName={alternatives}\n")
        self.run("req", *self.new(key), "-out", request, "-subj", f"/CN={name}")
        self.run("x509", "-req", "-in", request, "-CA", self.pem, "-CAkey", self.key, "-out", out,
                 "-days", days, "-extfile", extra)
        out.write_bytes(out.read_bytes() + key.read_bytes())
        return out


def wrap(listener, certificate):
    """The listening socket, under TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)
