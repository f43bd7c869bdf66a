"""sdk_house.py - a house that serves profile sdk-v1, and clients of it that share nothing with Ward:
the HTTP bootstrap of the public Challenge SDK a second time, from docs/wire.md. Quotes are those of
a guest agent of dstack's kind; the house learns of its platform's collateral as of any other, from
a provider."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys

for folder in ("channel", "cmd"):
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / folder))

import contract
import ctypes
import front_house
import tls_ca
from house import until
from pccs import Mirror
from sdk_model import Agent
from signer import Signer, sodium

COMPOSE = "c0" * 32
PEER = "challenge-1"
PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.S)


def b64(data):
    return base64.b64encode(data).decode()


class Guest:
    """A guest agent, and what a provider serves of its platform."""

    def __init__(self, folder, compose=COMPOSE):
        self.folder = pathlib.Path(folder)
        self.process = subprocess.Popen(
            [front_house.BUILD / "ward", "sim", "agent", self.folder, "--json", "--compose-hash",
             compose], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.socket = json.loads(self.process.stdout.readline())["socket"]

    def close(self):
        self.process.terminate()
        self.process.communicate(timeout=20)

    def root(self):
        return (self.folder / "root.pem").read_text()

    def quote(self, report_data):
        """(quote, event log)"""
        agent = Agent(self.socket)
        try:
            return agent.quote(report_data)
        finally:
            agent.close()

    def replies(self):
        """What pccs.Mirror serves; who issued the platform's list stands in the quote."""
        chain = PEM.findall(self.quote(bytes(64))[0])
        held = self.folder / "collateral"
        signer = (held / "signing-chain.pem").read_text()
        return {
            "/tdx/certification/v4/tcb": ((held / "tcb-info.json").read_bytes(),
                                          "TCB-Info-Issuer-Chain", signer),
            "/tdx/certification/v4/qe/identity": (
                (held / "qe-identity.json").read_bytes(), "SGX-Enclave-Identity-Issuer-Chain", signer),
            "/sgx/certification/v4/pckcrl": (
                (held / "pck-crl.crl").read_bytes(), "SGX-PCK-CRL-Issuer-Chain",
                b"".join(chain[1:3]).decode()),
            "/sgx/certification/v4/rootcacrl": ((held / "root-crl.crl").read_bytes(), None, None)}


class House(front_house.House):
    """One with this guest's root and provider; `policy` is more of the policy, and a strict one
    wants evidence that binds its client's keys."""

    def __init__(self, guest, place, policy=f'[log]\ncompose_hash = "{COMPOSE}"\n', served=True,
                 strict=False, **more):
        self.guest, self.place = guest, pathlib.Path(place)
        self.authority = tls_ca.Authority(place)
        certificate = self.authority.server("server", "IP:127.0.0.1")
        self.mirror = Mirror("good", self, certificate=certificate)
        self.replies = guest.replies()
        (self.place / "sdk.toml").write_text(
            f"hardware = false\nroots = [{json.dumps(guest.root())}]\n{policy}")
        self.peer, self.served, self.strict = PEER, served, strict
        super().__init__(requests_per_second=100000, requests_burst=100000,
                         connects_per_second=10000, connects_burst=10000, **more)

    def __enter__(self):
        self.mirror.__enter__()
        self.config += (f'[collateral]\nurl = "{self.mirror.base}"\n'
                        f'ca_file = "{self.authority.pem}"\n'
                        f'root_file = "{self.guest.folder / "root.pem"}"\n')
        self.config += f'[sdk]\npeer = "{self.peer}"\n'
        if self.strict:
            self.config += "strict = true\n"
        if self.served:
            self.config += f'policy = "{self.place / "sdk.toml"}"\n'
        return super().__enter__()

    def __exit__(self, *_):
        super().__exit__()
        self.mirror.__exit__()

    def connection(self, source="127.0.0.1", timeout=30):
        context = ssl.create_default_context(cafile=str(self.state / "ca.pem"))
        return http.client.HTTPSConnection("localhost", self.port, timeout=timeout,
                                           context=context, source_address=(source, 0))

    def post(self, path, body=b"", fields=None, source="127.0.0.1", method="POST"):
        """(status, code of a refusal or the answer)"""
        end = self.connection(source)
        try:
            status, _, said = contract.ask(end, method, path, body, fields)
            said = json.loads(said)
            return status, said.get("code", said)
        finally:
            end.close()

    def records(self, action):
        with self.plain() as one:
            _, _, body = front_house.ask(one, "GET", f"/v1/audit/records?action={action}&limit=1000")
        return [row | {"details": json.loads(row["details"])}
                for row in json.loads(body)["records"]]

    def sessions(self):
        with self.plain() as one:
            _, _, body = front_house.ask(one, "GET", "/v1/sessions?limit=1000")
        return json.loads(body)["sessions"]

    def ready(self):
        """Until what the platform needs was fetched, and a client is let in."""
        client = Client(self)
        until(lambda: client.bootstrap()[0] == 200, 60, 0.5)
        until(lambda: client.show()[0] == 200, 20, 0.2)  # past the second in which core began
        return client


class Client:
    """What the SDK's client is: a key to sign with, a key to agree with, and then a session."""

    def __init__(self, house, source="127.0.0.1"):
        self.house, self.source = house, source
        self.signer, self.secret, self.key = Signer(), os.urandom(32), None

    def nonce(self):
        status, said = self.house.post("/attestation/challenge", source=self.source)
        assert status == 200, said
        return said["nonce"]

    def point(self):
        made = ctypes.create_string_buffer(32)
        assert sodium.crypto_scalarmult_base(made, self.secret) == 0
        return made.raw

    def report_data(self, nonce):
        """Over the nonce as the SDK has it; behind that, where it is wanted, over the keys."""
        over = hashlib.sha256(nonce.encode()).digest()
        if not self.house.strict:
            return over
        keys = base64.b64decode(self.signer.key()) + self.point()
        return over + hashlib.sha256(b"ward sdk-v1 keys" + bytes.fromhex(nonce) + keys).digest()

    def attest(self, nonce=None, evidence=None, **changes):
        """The body of /attest; changes are to its attestation, or of its own members."""
        nonce = nonce or self.nonce()
        quote, log = evidence or self.house.guest.quote(self.report_data(nonce))
        said = {"attestation_type": "Tdx", "nonce": nonce, "quote": quote.hex(), "report": None,
                "measurements": [], "capabilities": ["cvm"], "event_log": log,
                "rtmrs": {f"rtmr{i}": "00" * 48 for i in range(4)}}
        body = {"ephemeral_public_key": self.signer.key(), "sdk_x25519_pub": b64(self.point())}
        for name, value in changes.items():
            (body if name in body else said)[name] = value
        return body | {"attestation": said}

    def send(self, body):
        """(status, answer or code) of /attest; a session is this client's from then on."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, said = self.house.post("/attest", raw, {"Content-Type": "application/json"},
                                       self.source)
        if status == 200:
            self.take(said)
        return status, said

    def take(self, said):
        """The answer to an attestation."""
        assert said["attested"] is True and said["crypto"]["aead"] == "xchacha20poly1305", said
        self.signer.token = said["session_token"]
        self.key = self.agree(self.secret, said["crypto"])

    @staticmethod
    def agree(secret, crypto):
        shared = ctypes.create_string_buffer(32)
        point = base64.b64decode(crypto["srv_x25519_pub"])
        assert sodium.crypto_scalarmult(shared, secret, point) == 0
        extracted = hmac.new(base64.b64decode(crypto["hkdf_salt"]), shared.raw, hashlib.sha256)
        return hmac.new(extracted.digest(), b"platform-api-sdk-v1\x01", hashlib.sha256).digest()

    def bootstrap(self):
        return self.send(self.attest())

    def seal(self, text, quirk=False, key=None):
        """The envelope: as RFC 8439 has it, or as the SDK's client does."""
        key, nonce, text = key or self.key, os.urandom(12), text.encode()
        cipher = "xchacha20poly1305" if quirk else "chacha20poly1305"
        out, length = ctypes.create_string_buffer(len(text) + 16), ctypes.c_ulonglong()
        assert getattr(sodium, f"crypto_aead_{cipher}_ietf_encrypt")(
            out, ctypes.byref(length), text, ctypes.c_ulonglong(len(text)), None,
            ctypes.c_ulonglong(0), None, nonce + bytes(12 * quirk), key) == 0
        return json.dumps({"enc": "chacha20poly1305", "nonce": b64(nonce),
                           "ciphertext": b64(out.raw)}).encode()

    def post(self, path, body=b"", version=1, kind="application/x-encrypted+json", **said):
        """(status, code or answer) of a signed request."""
        if version != 1:
            said |= {"type": kind if body else "", "host": f"localhost:{self.house.port}"}
        fields = self.signer.sign("POST", path, body, version, **said)
        return self.house.post(path, body, fields | ({"Content-Type": kind} if body else {}),
                               self.source)

    def show(self):
        """(status, code or answer) of a signed GET of the session."""
        fields = self.signer.sign("GET", "/v1/session", b"", 1)
        return self.house.post("/v1/session", None, fields, self.source, "GET")
