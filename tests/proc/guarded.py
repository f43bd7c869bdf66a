"""guarded.py - a house that asks clients for certificates, the CAs that sign these, and people who have
some."""

import contextlib
import http.client
import json
import re
import socket
import ssl
import subprocess
import time

import contract
import test_certificate
from shown import LIMITS, Authority
from test_reload import Configured

ALICE, BOB = "uri:spiffe://example.org/ops/alice", "dns:bob.ops.example"
NAMED = "subjectAltName=URI:spiffe://example.org/ops/alice"
CLIENT = "extendedKeyUsage=clientAuth"
metrics = test_certificate.Served.metrics
METRIC = "ward_front_client_certificates"


class Guarded(Configured):
    """A house with tls.client_ca; its root, and a CA below it that issues to people."""

    def __init__(self, lists=False, operators=(ALICE, BOB)):
        super().__init__()
        self.folder = self.base / "pki"
        self.folder.mkdir()
        self.root = Authority(self.folder, "root")
        self.people = self.below("people")
        self.ca, self.crl, self.lists = self.base / "cas.pem", self.base / "crls.pem", lists
        self.revoked = []
        self.put(self.ca, self.root.pem.read_bytes())
        if lists:
            self.put(self.crl, self.lists_now())
        self.name(*operators)

    def below(self, name):
        """A CA that signs lists, too."""
        made = self.root.below(name)
        certificate, key = self.root.issue(
            name, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid")
        made.pem.write_bytes(certificate)
        made.key.write_bytes(key)
        return made

    def name(self, *operators, more=""):
        named = ", ".join(json.dumps(one) for one in operators)
        lists = f"client_crl = '{self.crl}'\n" if self.lists else ""
        self.write(f"{LIMITS}[tls]\nclient_ca = '{self.ca}'\n{lists}operators = [{named}]\n{more}")

    @staticmethod
    def put(path, text):
        part = path.with_suffix(".part")
        part.write_bytes(text)
        part.rename(path)

    def lists_now(self, days=5, by=None):
        """The lists of both CAs."""
        out = b""
        for ca in by or (self.root, self.people):
            index, config = self.folder / f"{ca.name}.index", self.folder / f"{ca.name}.cnf"
            end = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + 86400))
            index.write_text("".join(f"R\t{end}\t200101000000Z\t{serial}\tunknown\t/CN=x\n"
                                     for who, serial in self.revoked if who is ca))
            config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={index}\ndefault_md=sha256\n")
            path = self.folder / f"{ca.name}.crl"
            Authority.run("ca", "-gencrl", "-config", config, "-cert", ca.pem, "-keyfile", ca.key,
                          "-crl_lastupdate", time.strftime("%y%m%d%H%M%SZ",
                                                           time.gmtime(time.time() - 10 * 86400)),
                          "-crl_nextupdate", time.strftime("%y%m%d%H%M%SZ", time.gmtime(
                              time.time() + days * 86400)), "-out", path)
            out += path.read_bytes()
        return out

    def revoke(self, pem, ca):
        said = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, check=True,
                              capture_output=True).stdout.decode()
        self.revoked.append((ca, said.strip().removeprefix("serial=")))
        self.put(self.crl, self.lists_now())

    def person(self, name="alice", names=NAMED, by=None, extra=CLIENT, above=None, **how):
        """A file with key and chain, as clients take them."""
        by = by or self.people
        certificate, key = by.issue(name, f"{names}\n{extra}", **how)
        path = self.folder / f"{name}.both"
        above = above if above is not None else b"" if by is self.root else by.pem.read_bytes()
        path.write_bytes(key + certificate + above)
        return path

    def trust(self, person=None, *alpn):
        trust = ssl.create_default_context(cafile=self.state / "ca.pem")
        if person:
            trust.set_ciphers("DEFAULT:@SECLEVEL=0")  # it is the house that looks at strength
            trust.load_cert_chain(person)
        if alpn:
            trust.set_alpn_protocols(list(alpn))
        return trust

    def connect(self, person=None, *alpn, trust=None, **how):
        plain = socket.create_connection(("127.0.0.1", self.port), 30)
        return (trust or self.trust(person, *alpn)).wrap_socket(plain, server_hostname="localhost",
                                                                **how)

    def link(self, person=None):
        """A connection that is kept, and has shown who it is."""
        link = http.client.HTTPSConnection("localhost", self.port, timeout=30,
                                           context=self.trust(person))
        link.connect()
        return link

    def asks(self, link, method="GET", path="/v1/system/config"):
        body = b"{}" if method == "POST" else None
        status, _, said = contract.ask(link, method, path, body,
                                       {"content-type": "application/json"} if body else {})
        return status, json.loads(said)

    def refusal(self, person, request=b"GET /v1/system/config HTTP/1.1\r\nhost: localhost\r\n\r\n"):
        """The alert that a client is told, which has said more at once."""
        with contextlib.suppress(ssl.SSLError), self.connect(person) as tls:
            try:
                tls.sendall(request)
                said = tls.recv(4096)
            except ssl.SSLError as error:
                return re.sub(r".*alert_", "", (error.reason or "").lower()).replace("_", " ")
            raise AssertionError(f"it was answered: {said}")
        raise AssertionError("nothing was said of why")

    def counted(self, what="_refused_total"):
        return int(re.search(rf"\n{METRIC}{what} (\d+)", metrics(self))[1])
