"""sdk_model.py - profile sdk-v1 a second time, from docs/wire.md: the challenge's side and the
validator's, over PyNaCl and the package websockets. Nothing of Ward's code is called; quotes come
from a guest agent's socket."""

import base64
import hashlib
import hmac
import json
import os

import pypi
from unix_http import UnixConnection

REPORT_DATA = 568  # in a quote of version 4


def b64(data):
    return base64.b64encode(data).decode()


def bindings():
    return pypi.module("nacl.bindings")


class Agent(UnixConnection):
    """A guest agent of dstack's kind."""

    def quote(self, report_data):
        """(quote, event log)"""
        self.request("POST", "/GetQuote", json.dumps({"report_data": report_data.hex()}))
        answer = json.loads(self.getresponse().read())
        return bytes.fromhex(answer["quote"]), answer["event_log"]


class Session:
    """What both sides have once they agree."""

    def __init__(self, secret, point, salt):
        shared = bindings().crypto_scalarmult(secret, point)
        extracted = hmac.new(salt, shared, hashlib.sha256).digest()
        self.key = hmac.new(extracted, b"platform-api-sdk-v1\x01", hashlib.sha256).digest()

    def seal(self, message, nonce=None):
        nonce = nonce or os.urandom(12)
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        sealed = bindings().crypto_aead_chacha20poly1305_ietf_encrypt(text, None, nonce, self.key)
        return json.dumps({"enc": "chacha20poly1305", "nonce": b64(nonce),
                           "ciphertext": b64(sealed)})

    def open(self, frame):
        envelope = json.loads(frame)
        assert envelope["enc"] == "chacha20poly1305", frame
        return json.loads(bindings().crypto_aead_chacha20poly1305_ietf_decrypt(
            base64.b64decode(envelope["ciphertext"]), None, base64.b64decode(envelope["nonce"]),
            self.key))


def over(nonce):
    return hashlib.sha256(nonce).digest()


def shows(quote, nonce):
    return quote[REPORT_DATA:REPORT_DATA + 32] == over(nonce)


def challenge(peer, agent, **changes):
    """The challenge's side of a handshake; changes are to its answer. (session, begin)"""
    begin = json.loads(peer.recv(20))
    assert begin["type"] == "attestation_begin", begin
    assert len(begin["nonce"]) == 64 and len(begin["val_x25519_pub"]) == 44, begin
    nonce = bytes.fromhex(begin["nonce"])
    assert shows(base64.b64decode(begin["val_quote"]), nonce), begin
    secret = os.urandom(32)
    quote, log = agent.quote(over(nonce))
    answer = {"type": "attestation_response", "quote": b64(quote), "event_log": log, "rtmrs": {},
              "chal_x25519_pub": b64(bindings().crypto_scalarmult_base(secret))}
    peer.send(json.dumps(answer | changes))
    said = json.loads(peer.recv(20))
    if said["type"] != "attestation_ok":
        return None, said
    return Session(secret, base64.b64decode(begin["val_x25519_pub"]),
                   base64.b64decode(said["hkdf_salt"])), begin


def validator(peer, agent, salt_name="hkdf_salt", **changes):
    """The validator's side; changes are to its begin. (session, response)"""
    nonce, secret, salt = os.urandom(32), os.urandom(32), os.urandom(32)
    quote, log = agent.quote(over(nonce))
    begin = {"type": "attestation_begin", "nonce": nonce.hex(), "val_quote": b64(quote),
             "val_event_log": log, "val_rtmrs": ["00" * 48] * 4,
             "val_x25519_pub": b64(bindings().crypto_scalarmult_base(secret))}
    peer.send(json.dumps(begin | changes))
    said = json.loads(peer.recv(20))
    if said["type"] != "attestation_response":
        return None, said
    assert shows(base64.b64decode(said["quote"]), nonce), said
    assert isinstance(json.loads(said["event_log"]), list), said
    assert all(len(bytes.fromhex(said["rtmrs"][f"rtmr{i}"])) == 48 for i in range(4)), said
    peer.send(json.dumps({"type": "attestation_ok", "aead": "chacha20poly1305",
                          salt_name: b64(salt)}))
    return Session(secret, base64.b64decode(said["chal_x25519_pub"]), salt), said


# What the SDK's mock writes where there is no TEE: spec 1.3.
MOCK_LOG = json.dumps({"dev_mode": True, "environment_mode": "dev", "compose-hash": "dev-mode-mock",
                       "app-id": "challenge-x", "instance-id": "instance-0011223344556677"})


def mock_quote(nonce):
    quote = bytearray(os.urandom(1024))
    for place in (568, 576, 584):
        quote[place:place + 32] = over(nonce)
    return bytes(quote)
