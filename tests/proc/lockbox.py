"""lockbox.py - the real ward-keeper under a monitor, an audit process, a core and a front that
are played here, and a reader of its sealed file that shares nothing with Ward but libsodium."""

import base64
import ctypes
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import time

import leaks
from auditor import BUILD, EVENTS, FILE, PEER, SETTINGS, START, Channel, data, pair, root_of, \
    settings_of, sha256

KEEPER = BUILD / "src/proc/ward-keeper"
AUDIT, CORE, FRONT = 1, 4, 5
KEYRING, SEAL, CA, TLS_CERTIFICATE, TLS_KEY = 3, 4, 5, 21, 22
RELOAD = 10
READY, FAILED = 0x41, 0x60
REASONS = leaks.Told(["NONE"] + [line.split("(")[1].split(",")[0] for line in
                                 (pathlib.Path(__file__).parents[2] / "src/model/reasons.def")
                                 .read_text().splitlines() if line.startswith("REASON(")])
SIGN_TLS, TLS_SIGNED, CHAIN, CHAIN_IS, CHAIN_USED = range(0x200, 0x205)
APPEND, APPENDED = 0x300, 0x301
SIGN_HEAD, HEAD_SIGNED = 0x400, 0x401
LIST, LIST_IS, ROTATE, ROTATED, CHANGED, SIGN_MINER, MINER_SIGNED, SIGN_RESULT, RESULT_SIGNED, \
    SHOWN = range(0x500, 0x50A)
ROLES = {"ca": 1, "tls": 2, "log": 3, "token": 4, "node": 5, "miner": 6, "result": 7}
ACTIVE, RETIRED = 1, 3
HANDSHAKE = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"

sodium = ctypes.CDLL("libsodium.so.23")


def ed25519_good(public, message, signature):
    return sodium.crypto_sign_verify_detached(signature, message,
                                              ctypes.c_ulonglong(len(message)), public) == 0


def hkdf(key, salt, info):
    secret = hmac.digest(salt, key, "sha256")
    return hmac.digest(secret, info + b"\1", "sha256")


def slot_key(keyring, seal):
    salt = keyring[24:56]
    return hkdf(hkdf(seal, salt, b"ward keyfile v1 seal file"), salt, b"ward keyfile v1 slot")


def opened(keyring, seal):
    """(generation, plaintext) of each slot of the keyring that opens."""
    ident, key, found = keyring[56:72], slot_key(keyring, seal), []
    for at in (4096, 4096 + 12288):
        head, size = keyring[at:at + 64], 16 + 64 * 136
        sealed = keyring[at + 64:at + 64 + size + 16]
        out, length = ctypes.create_string_buffer(size), ctypes.c_ulonglong()
        if head[48:64] == ident and sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
                out, ctypes.byref(length), None, sealed, ctypes.c_ulonglong(len(sealed)),
                head, ctypes.c_ulonglong(64), head[24:48], key) == 0:
            found.append((struct.unpack_from("<Q", head, 16)[0], out.raw))
    return found


def plaintexts(keyring, seal):
    """The keyring's plaintext of each slot that opens, newest first."""
    return [plain for _, plain in sorted(opened(keyring, seal), reverse=True)]


def privates(plain):
    """The private part of every key of a plaintext that has one."""
    count = struct.unpack_from("<I", plain)[0]
    parts = [plain[16 + n * 136:][:136][101:133] for n in range(count)]
    return [part for part in parts if any(part)]


def jws(header, claims):
    """What is signed of a compact JWS."""
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, claims))


def canonical(value):
    """RFC 8785 of what has no numbers but integers, and no names of members but in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Lost(Exception):
    """The keeper is gone."""


class Lockbox:
    def __init__(self, prefix=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ward-keeper-"))
        self.prefix = list(prefix)
        self.stderr = open(self.folder / "stderr", "ab+")
        self.process, self.ident = None, 0
        self.follows = True             # the front fetches the chain when it is told to
        self.hold = self.deny = False   # the log does not answer, or says no
        self.records = []               # bodies that were acknowledged
        self.leaves = []                # of the log that is played
        self.notes = {}                 # size: text of a signed head
        self.changed = 0                # times that the front was told
        self.point = bytes(65)          # of the chain that was asked for last
        self.shown = None               # what core was told of the certificate
        (self.folder / "seal").write_bytes(os.urandom(32))
        os.chmod(self.folder / "seal", 0o600)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.stderr.close()
        leaks.look(self.folder)
        shutil.rmtree(self.folder)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for channel in (self.control, *self.channels.values()):
                channel.end.close()
            self.process = None

    def said(self):
        self.stderr.seek(0)
        return self.stderr.read().decode()

    def start(self, seal="seal", kind=0, pair_files=()):
        """True when it became ready; with the files of a certificate and its key."""
        self.control, theirs = (Channel(end) if i == 0 else end for i, end in enumerate(pair()))
        self.channels = {}
        self.process = subprocess.Popen(
            [*self.prefix, KEEPER], stderr=self.stderr, pass_fds=[3],
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
        theirs.close()
        try:
            self.control.send(SETTINGS, 0, settings_of(self.folder, kind))
            for number, name in ((KEYRING, "keyring"), (SEAL, seal), (CA, "ca.pem")):
                fd = os.open(self.folder / name, os.O_RDWR | os.O_CREAT, 0o600)
                self.control.send(FILE, 0, struct.pack("<I", number), [fd])
                os.close(fd)
            self.give(pair_files)
            for peer in (AUDIT, CORE, FRONT):
                mine, other = pair()
                self.channels[peer] = Channel(mine)
                self.control.send(PEER, 0, struct.pack("<I", peer), [other.fileno()])
                other.close()
            self.control.send(START, 0, b"")
            frame = self.control.read(20)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return False
        if frame is not None and frame[0] == FAILED:
            self.why = REASONS[struct.unpack("<H", frame[2])[0]]
        return frame is not None and frame[0] == READY

    def give(self, pair_files):
        """Hands over the files of a certificate and its key, as the monitor does."""
        for number, path in zip((TLS_CERTIFICATE, TLS_KEY), pair_files):
            fd = os.open(path, os.O_RDONLY)
            self.control.send(FILE, 0, struct.pack("<I", number), [fd])
            os.close(fd)

    def reload(self, pair_files):
        """Whether it took them over."""
        self.give(pair_files)
        self.ident += 1
        self.control.send(RELOAD, 0, struct.pack("<I", self.ident) + settings_of(self.folder))
        while True:
            body = self.control.read(10)[2]
            if len(body) == 7 and struct.unpack_from("<I", body)[0] == self.ident:
                return body[4] == 1

    def log(self, seconds=0):
        """Plays the audit process: takes records, and a word that the chain is another."""
        audit, others = self.channels[AUDIT], []
        try:
            frame = audit.read(seconds)
            while frame:
                if frame[0] != APPEND:
                    others.append(frame)
                elif not self.hold:
                    if not self.deny:
                        self.records.append(frame[2])
                        self.leaves.append(sha256(b"\0" + frame[2]))
                    audit.send(APPENDED, frame[1], b"\0" if self.deny else
                               b"\1" + struct.pack("<Q", len(self.leaves) - 1))
                frame = audit.read(0)
        except (EOFError, BrokenPipeError, ConnectionResetError) as end:
            raise Lost from end
        audit.waiting += others

    def settle(self, count, name=None):
        """Until the log has so many records, or so many of this name."""
        end = time.monotonic() + 5
        while len(self.event(name) if name else self.records) < count:
            if time.monotonic() > end:
                raise TimeoutError(self.said())
            self.log(0.05)

    def ask(self, peer, message, body=b"", answer=None):
        """The body of the answer; Lost when the channel or the keeper ends."""
        self.ident += 1
        channel = self.channels[peer]
        try:
            channel.send(message, self.ident, body)
            end = time.monotonic() + 10
            while time.monotonic() < end:
                if message == ROTATE:
                    self.log()
                    self.follow()
                frame = channel.read(0.02)
                if frame and frame[0] == CHANGED and peer == FRONT:
                    self.changed += 1
                elif frame and frame[0] == SHOWN and peer == CORE:
                    self.shown = struct.unpack("<BQH", frame[2])
                elif frame and frame[0] == APPEND and peer == AUDIT:
                    channel.waiting.insert(0, frame)
                    self.log()
                elif frame:
                    assert frame[1] == self.ident, frame
                    assert frame[0] == (answer or message + 1), frame
                    return frame[2]
        except (EOFError, BrokenPipeError, ConnectionResetError) as end:
            raise Lost from end
        raise TimeoutError(self.said())

    def follow(self):
        """Plays a front that hears of a new chain."""
        front = self.channels[FRONT]
        frame = front.read(0)
        if frame and frame[0] == CHANGED:
            self.changed += 1
            if self.follows:
                front.send(CHAIN, 0, b"")
                said = front.read(5)
                assert said[0] == CHAIN_IS
                self.take_chain(said[2])

    # What the peers ask for.

    def list(self):
        body = self.ask(CORE, LIST)
        generation, count = struct.unpack_from("<QI", body)
        at, keys = 12, []
        for _ in range(count):
            role, state, of_file, born, retired, size = struct.unpack_from("<BBBQQI", body, at)
            assert of_file == 0, body
            at += 23
            ident = body[at:at + size]
            at += size
            size = struct.unpack_from("<I", body, at)[0]
            keys.append({"role": role, "state": state, "born": born, "retired": retired,
                         "id": ident, "public": body[at + 4:at + 4 + size]})
            at += 4 + size
        assert at == len(body)
        return generation, keys

    def active(self, role):
        return [key for key in self.list()[1] if (key["role"], key["state"]) == (ROLES[role], ACTIVE)]

    def chain(self):
        return self.take_chain(self.ask(FRONT, CHAIN))

    def take_chain(self, body):
        size = struct.unpack_from("<I", body, 4)[0]
        leaf = body[8:8 + size]
        begin = leaf.index(b"\x03\x42\0\x04") + 3  # the bits of a P-256 key
        self.point = leaf[begin:begin + 65]
        return leaf, body[12 + size:]

    def sign(self, content, point=None):
        """By the key of the chain that was asked for last."""
        body = self.ask(FRONT, SIGN_TLS, (point or self.point) + content)
        return body[1:] if body[0] else None

    def rotate(self, role, generation=0):
        """(new id, old id), or the number of a reason."""
        body = self.ask(CORE, ROTATE, struct.pack("<BQ", ROLES.get(role, 99), generation))
        if len(body) == 2:
            return struct.unpack("<H", body)[0]
        return body[14:30], body[34:50]

    def token_input(self, **others):
        """What is signed of a miner's token that is good, but for the claims that are given."""
        now, keys = int(time.time()), self.list()[1]
        log = next(key["id"] for key in keys if key["role"] == ROLES["log"])
        kid = next(key["id"] for key in reversed(keys) if key["role"] == ROLES["miner"])
        claims = {"aud": "sums", "exp": now + 300, "iat": now, "nbf": now, "scope": ["*"],
                  "iss": "ward.local/" + log[:8].hex(), "uid": 42, "jti": "AAECAwQFBgcICQoLDA0ODw",
                  "sub": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"}
        return jws(canonical({"alg": "EdDSA", "kid": kid.hex(), "typ": "MinerToken"}),
                   canonical(claims | others))

    def sign_miner(self, content):
        """The signature, or the number of a reason."""
        body = self.ask(CORE, SIGN_MINER, content)
        return struct.unpack("<H", body)[0] if len(body) == 2 else body[2:]

    def result_input(self, ended=None, **others):
        """What is signed of a job's result that is good, but for the members that are given."""
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ended or time.time()))
        kid = next(key["id"] for key in reversed(self.list()[1]) if key["role"] == ROLES["result"])
        facts = {"ended": when, "exit": {"code": 0, "reason": "OK", "signal": 0}, "job_id": "job-1",
                 "node_evidence": {"event_log": "W10=", "evidence": "cXVvdGU=", "type": "tdx"},
                 "outputs": [{"path": "model.bin", "sha256": "0" * 64, "size": 7}],
                 "sandbox_evidence": None, "spec_sha256": "1" * 64, "started": "2023-11-14T22:13:20Z",
                 "usage": {"cpu_us": 1500, "memory_peak": 4096}, "v": 1}
        return jws(canonical({"alg": "EdDSA", "kid": kid.hex(), "typ": "ward-result"}),
                   canonical(facts | others))

    def sign_result(self, content):
        """The signature, or the number of a reason."""
        body = self.ask(CORE, SIGN_RESULT, content)
        return struct.unpack("<H", body)[0] if len(body) == 2 else body[2:]

    def strip(self, role):
        """Takes the keys of a role out of the sealed file, as if they had never been made."""
        path = self.folder / "keyring"
        file = bytearray(path.read_bytes())
        generation, plain = sorted(opened(bytes(file), (self.folder / "seal").read_bytes()))[-1]
        count = struct.unpack_from("<I", plain)[0]
        rows = [plain[16 + n * 136:][:136] for n in range(count)]
        rows = [row for row in rows if row[0] != ROLES[role]]
        plain = (struct.pack("<I12x", len(rows)) + b"".join(rows)).ljust(len(plain), b"\0")
        at = 4096 + 12288 * (generation % 2)
        head, key = bytes(file[at:at + 64]), slot_key(bytes(file), (self.folder / "seal").read_bytes())
        sealed = ctypes.create_string_buffer(len(plain) + 16)
        sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
            sealed, None, plain, ctypes.c_ulonglong(len(plain)), head, ctypes.c_ulonglong(64), None,
            head[24:48], key)
        file[at + 64:at + 64 + len(sealed)] = sealed.raw
        path.write_bytes(file)

    def head(self, old, new, proof=()):
        """The note, or the (size, root) that the keeper says it signed last."""
        body = self.ask(AUDIT, SIGN_HEAD, struct.pack("<Q", old[0]) + old[1] +
                        struct.pack("<Q", new[0]) + new[1] + struct.pack("<I", len(proof)) +
                        b"".join(proof))
        if body[0] == 0:
            return struct.unpack("<Q32s", body[1:])
        note = body[5:].decode()
        size = int(note.split("\n")[1])
        if self.notes.setdefault(size, note.split("\n\n")[0]) != note.split("\n\n")[0]:
            raise AssertionError("two stories about one size")
        return note

    def tree(self, size):
        return size, root_of(self.leaves[:size])

    def event(self, name):
        number = struct.pack("<H", 1 + EVENTS.index(name))
        return [body for body in self.records if body[:2] == number]


def detail(body, name):
    """The text of a record's detail."""
    at = body.index(data(name)) + 4 + len(name)
    return body[at + 4:at + 4 + struct.unpack_from("<I", body, at)[0]]


def consistency(leaves, old):
    """PROOF of RFC 9162 2.1.4.1."""
    def sub(m, part, whole):
        if m == len(part):
            return [] if whole else [root_of(part)]
        k = 1 << (len(part) - 1).bit_length() - 1
        if m <= k:
            return sub(m, part[:k], whole) + [root_of(part[k:])]
        return sub(m - k, part[k:], False) + [root_of(part[:k])]
    return sub(old, leaves, True) if old else []


def note_is_signed(note, public):
    text, signatures = note.split("\n\n")
    signature = base64.b64decode(signatures.split()[-1])
    origin = text.split("\n")[0].encode()
    ident = hashlib.sha256(origin + b"\n\1" + public).digest()[:4]
    return signature[:4] == ident and ed25519_good(public, (text + "\n").encode(), signature[4:])


__all__ = [name for name in dir() if not name.startswith("_")]
