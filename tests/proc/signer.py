"""signer.py - a peer that signs its requests, as docs/wire.md says and with nothing of Ward's: the
public SDK's six lines and the nine of version 2, Ed25519 of libsodium.  As a program it prints
vectors/request/signed.json."""

import base64
import ctypes
import hashlib
import json
import os
import time

sodium = ctypes.CDLL("libsodium.so.23")


class Signer:
    """A key, and the token of its session once it has one."""

    def __init__(self, seed=None):
        public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        assert sodium.crypto_sign_seed_keypair(public, secret, seed or os.urandom(32)) == 0
        self.public, self.secret, self.token = public.raw, secret.raw, None

    def key(self):
        return base64.b64encode(self.public).decode()

    def id(self):
        """What the session is called by."""
        return hashlib.sha256(self.token.encode()).hexdigest()[:32]

    def signature(self, text):
        made = ctypes.create_string_buffer(64)
        assert sodium.crypto_sign_detached(made, None, text, ctypes.c_ulonglong(len(text)),
                                           self.secret) == 0
        return made.raw

    def text(self, version, method, target, body, said):
        digest = hashlib.sha256(body).hexdigest()
        if version == 1:
            lines = [method, target.partition("?")[0], digest, said["timestamp"], said["nonce"],
                     said["token"]]
        else:
            lines = ["ward-signed-request-v2", method, said["host"], target, said["type"], digest,
                     said["timestamp"], said["nonce"],
                     hashlib.sha256(said["token"].encode()).hexdigest()]
        return "\n".join(lines).encode()

    def sign(self, method, target, body=b"", version=2, **said):
        """The headers, by name.  What is said differently is signed so, too."""
        said = {"host": "localhost", "type": "", "timestamp": str(int(time.time())),
                "nonce": os.urandom(8).hex(), "token": self.token, **said}
        made = {"X-Signature": base64.b64encode(
                    self.signature(self.text(version, method, target, body, said))).decode(),
                "X-Timestamp": said["timestamp"], "X-Nonce": said["nonce"],
                "X-Public-Key": self.key(), "X-Session-Token": said["token"]}
        if version != 1:
            made["X-Signature-Version"] = str(version)
        return made

    def lines(self, *words, **said):
        """The same as lines of HTTP/1.1."""
        return [f"{name}: {value}" for name, value in self.sign(*words, **said).items()]


AT = {"timestamp": "1795196247", "nonce": "c72f823d-a4c3-4fe8-a88d-52fb5887048b",
      "token": base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")}
# (name, version, method, target, body, content type, host)
KNOWN = (
    ("v1 without a body", 1, "GET", "/v1/session", b"", "", "localhost"),
    ("v1 as the public SDK sends it", 1, "POST", "/results/heartbeat",
     b'{"timestamp": 1, "status": "ok", "metrics": {}}', "application/json", "localhost"),
    ("v2 without a body", 2, "GET", "/v1/session", b"", "", "ward.example:8443"),
    ("v2 with path and query as they were sent", 2, "GET",
     "/v1/audit/records?limit=3&action=key%2E", b"", "", "ward.example:8443"),
    ("v2 with a body and its type", 2, "POST", "/v1/session/end", b"{}",
     "application/json; charset=utf-8", "[::1]:8443"),
    ("v2 of a gRPC call", 2, "POST", "/ward.v1.Session/Show", bytes(5), "application/grpc",
     "localhost:8443"),
)


def vectors():
    """The known answers, of a key and a token that anybody can make."""
    signer, cases = Signer(b"\1" * 32), []
    for name, version, method, target, body, kind, host in KNOWN:
        said = {**AT, "type": kind, "host": host}
        cases.append({
            "name": name, "version": version, "method": method, "host": host, "target": target,
            "content_type": kind, "body": body.hex(), "timestamp": int(AT["timestamp"]),
            "nonce": AT["nonce"], "token": AT["token"],
            "text": signer.text(version, method, target, body, said).decode(),
            "signature": signer.sign(method, target, body, version, **said)["X-Signature"]})
    return json.dumps({"made_by": "tests/proc/signer.py", "seed": "01" * 32,
                       "public_key": signer.key(), "cases": cases}, indent=1) + "\n"


if __name__ == "__main__":
    print(vectors(), end="")
