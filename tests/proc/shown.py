"""shown.py - a house whose listener shows a certificate of files, and every way in which those files
can be wrong."""

import base64
import contextlib
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys

import house as houses
from house import lives, until
from test_reload import Configured

sys.path.append(str(pathlib.Path(__file__).parents[1] / "cmd"))
from tls_ca import Authority  # noqa: E402

LIMITS = ("[limit]\nidle_seconds = 600\nrequests_burst = 100000\nrequests_per_second = 100000\n"
          "connects_burst = 100000\nconnects_per_second = 100000\nconnections_per_address = 4000\n")


class Shown(Configured):
    """A house with tls.certificate and tls.key; its CA, and one below it."""

    def __init__(self):
        super().__init__()
        self.folder = self.base / "pki"
        self.folder.mkdir()
        self.ca = Authority(self.folder)
        self.middle = self.ca.below("middle")
        self.chain, self.key = self.base / "chain.pem", self.base / "key.pem"
        self.write(f"{LIMITS}[tls]\ncertificate = '{self.chain}'\nkey = '{self.key}'\n")

    def put(self, chain=None, key=None, mode=0o600):
        """Each in one step, under its name."""
        for path, text, bits in ((self.chain, chain, 0o644), (self.key, key, mode)):
            if text is not None:
                part = path.with_suffix(".part")
                part.write_bytes(text)
                part.chmod(bits)
                part.rename(path)

    def good(self, name, **how):
        certificate, key = self.middle.issue(name, **how)
        return certificate + self.middle.pem.read_bytes(), key

    def trust(self):
        return ssl.create_default_context(cafile=self.ca.pem)

    def who(self, trust=None, name="localhost"):
        """Whose certificate a newcomer is shown."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as plain, \
                (trust or self.trust()).wrap_socket(plain, server_hostname=name) as tls:
            return dict(row[0] for row in tls.getpeercert()["subject"])["commonName"]

    def ward(self, *words, code=0):
        done = subprocess.run([houses.WARD, *words], capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == code, (words, done)
        return done.stdout + done.stderr

    def doctor(self):
        said = subprocess.run([houses.WARD, "doctor", "--json", "-c", self.file, "--state", self.state],
                              capture_output=True, text=True, timeout=60, check=False).stdout
        return {row["id"]: (row["finding"], row["detail"]) for row in json.loads(said)["checks"]}

    def end(self, name):
        """kill -9; the next one is serving afterwards."""
        old = self.processes()[name]
        os.kill(old, signal.SIGKILL)
        until(lambda: not lives(old))
        until(lambda: self.processes().get(name, old) != old, 20)


P256 = Authority.P256
P384 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-384")
RSA = ("rsa:2048",)
NAMED = "subjectAltName=DNS:localhost"


class Bad:
    """Every way in which the two can be wrong: (chain, key), or a function that does it."""

    def __init__(self, house):
        self.house, self.ca, self.middle = house, house.ca, house.middle
        self.leaf, self.key = self.middle.issue("leaf")
        self.above = self.middle.pem.read_bytes()
        self.chain = self.leaf + self.above

    def issued(self, by=None, extra=NAMED, kind=P256, **how):
        by = by or self.middle
        certificate, key = by.issue("odd", extra, kind, **how)
        return certificate + (self.above if by is self.middle else by.pem.read_bytes()), key

    def encrypted(self, *form):
        plain, out = self.house.folder / "plain", self.house.folder / "sealed"
        plain.write_bytes(self.key)
        Authority.run(*form, "-in", plain, "-out", out, "-aes256", "-passout", "pass:x")
        return self.chain, out.read_bytes()

    def namesake(self):
        """A CA that is called as the one that issued ours."""
        folder = self.house.folder / "namesake"
        folder.mkdir(exist_ok=True)
        return Authority(folder, self.middle.name).pem.read_bytes()

    def instead(self, path, make):
        def do():
            self.house.put(self.chain, self.key)
            path.unlink()
            make(path)
        return do

    def mode(self, mode):
        return lambda: self.house.put(self.chain, self.key, mode)

    def rows(self):
        chain, key = self.house.chain, self.house.key
        text = b"-----BEGIN CERTIFICATE-----\n"
        weak = self.ca.below("weak", ("rsa:1024",))
        return {
            "another key": ("TLS_KEY_MISMATCH", (self.chain, self.issued()[1])),
            "expired": ("TLS_CERTIFICATE_EXPIRED", self.issued(
                between=("20200101000000Z", "20200201000000Z"))),
            "not yet valid": ("TLS_CERTIFICATE_NOT_YET_VALID", self.issued(
                between=("20910101000000Z", "20920101000000Z"))),
            "the other way round": ("TLS_CERTIFICATE_USE", (self.above + self.leaf, self.key)),
            "one that does not belong": ("TLS_CERTIFICATE_ORDER",
                                         (self.leaf + self.ca.pem.read_bytes(), self.key)),
            "another of the name of its issuer": (
                "TLS_CERTIFICATE_ORDER", (self.leaf + self.namesake(), self.key)),
            "five": ("TLS_CERTIFICATE_FORMAT", (self.chain + 3 * self.above, self.key)),
            "a key among them": ("TLS_CERTIFICATE_FORMAT", (self.chain + self.key, self.key)),
            "words around": ("TLS_CERTIFICATE_FORMAT", (b"Subject: x\n" + self.chain, self.key)),
            "no certificate": ("TLS_CERTIFICATE_FORMAT", (os.urandom(900), self.key)),
            "cut": ("TLS_CERTIFICATE_FORMAT", (self.chain[:-30], self.key)),
            "empty": ("TLS_CERTIFICATE_FORMAT", (b"", self.key)),
            "huge": ("TLS_CERTIFICATE_FORMAT", (self.chain + b"\n" * (24 << 10), self.key)),
            "a block of nothing": ("TLS_CERTIFICATE_FORMAT", (text, self.key)),
            "of RSA": ("TLS_CERTIFICATE_KEY", self.issued(kind=RSA)),
            "of P-384": ("TLS_CERTIFICATE_KEY", self.issued(kind=P384)),
            "of Ed25519": ("TLS_CERTIFICATE_KEY", self.issued(kind=("ed25519",))),
            "without names": ("TLS_CERTIFICATE_NAMES", self.issued(extra="keyUsage=digitalSignature")),
            "an e-mail address": ("TLS_CERTIFICATE_NAMES", self.issued(
                extra="subjectAltName=email:a@b.c")),
            "a CA's": ("TLS_CERTIFICATE_USE", self.issued(
                extra=NAMED + "\nbasicConstraints=critical,CA:TRUE")),
            "for clients": ("TLS_CERTIFICATE_USE", self.issued(
                extra=NAMED + "\nextendedKeyUsage=clientAuth")),
            "signs nothing": ("TLS_CERTIFICATE_USE", self.issued(
                extra=NAMED + "\nkeyUsage=keyAgreement")),
            "with SHA-1": ("TLS_CERTIFICATE_WEAK", self.issued(digest="sha1")),
            "with SHA-1, which RSASSA-PSS has where it names none": (
                "TLS_CERTIFICATE_WEAK", self.issued(self.ca.below("pss", RSA), pss=True,
                                                    digest="sha1")),
            "under a short key": ("TLS_CERTIFICATE_WEAK", self.issued(weak)),
            "key: garbage": ("TLS_KEY_FORMAT", (self.chain, os.urandom(300))),
            "key: empty": ("TLS_KEY_FORMAT", (self.chain, b"")),
            "key: cut": ("TLS_KEY_FORMAT", (self.chain, self.key[:-40])),
            "key: a certificate": ("TLS_KEY_FORMAT", (self.chain, self.leaf)),
            "key: two": ("TLS_KEY_FORMAT", (self.chain, 2 * self.key)),
            "key: huge": ("TLS_KEY_FORMAT", (self.chain, self.key + b"\n" * (8 << 10))),
            "key: encrypted": ("TLS_KEY_ENCRYPTED", self.encrypted("pkey")),
            "key: encrypted, the old way": ("TLS_KEY_ENCRYPTED", self.encrypted("ec")),
            "key: of RSA": ("TLS_KEY_KIND", (self.chain, self.issued(kind=RSA)[1])),
            "key: of P-384": ("TLS_KEY_KIND", (self.chain, self.issued(kind=P384)[1])),
            "key: of Ed25519": ("TLS_KEY_KIND", (self.chain, self.issued(kind=("ed25519",))[1])),
            "key: the group's": ("TLS_KEY_UNSAFE", self.mode(0o640)),
            "key: everybody's": ("TLS_KEY_UNSAFE", self.mode(0o604)),
            "none": ("TLS_FILE_UNUSABLE", self.instead(chain, lambda path: None)),
            "key: none": ("TLS_FILE_UNUSABLE", self.instead(key, lambda path: None)),
            "a folder": ("TLS_FILE_UNUSABLE", self.instead(chain, pathlib.Path.mkdir)),
            "key: a pipe": ("TLS_FILE_UNUSABLE", self.instead(key, os.mkfifo)),
            "key: a link to nothing": ("TLS_FILE_UNUSABLE", self.instead(
                key, lambda path: path.symlink_to("nowhere"))),
        }


def der(pem):
    return base64.b64decode(b"".join(pem.splitlines()[1:-1]))


def clear(path):
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
