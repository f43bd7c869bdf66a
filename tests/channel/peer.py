"""peer.py - the attested channel a second time, from docs/wire.md and the RFCs alone: X25519,
both ciphers, HKDF, the handshake in both roles, the records. Slow, not constant in time, for
tests only; nothing of Ward's code is called."""

import hashlib
import hmac
import struct

P = 2**255 - 19
M32 = 0xFFFFFFFF


# --- RFC 7748 5: X25519 ----------------------------------------------------------------------

def x25519(secret, point):
    k = int.from_bytes(secret, "little")
    k = (k & ~7 & ((1 << 255) - 1)) | 1 << 254
    u = int.from_bytes(point, "little") & ((1 << 255) - 1)
    x1, x2, z2, x3, z3, swap = u, 1, 0, u, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % P, c * b % P, a * a % P, b * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public(secret):
    return x25519(secret, b"\x09" + bytes(31))


# --- RFC 8439: ChaCha20-Poly1305; draft-irtf-cfrg-xchacha: the longer nonce -----------------

def rounds(state):
    x = list(state)

    def quarter(a, b, c, d):
        for p, q, r, shift in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[p] = (x[p] + x[q]) & M32
            x[r] ^= x[p]
            x[r] = (x[r] << shift | x[r] >> (32 - shift)) & M32

    for _ in range(10):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for row in range(4):
            quarter(row, (row + 1) % 4 + 4, (row + 2) % 4 + 8, (row + 3) % 4 + 12)
    return x


def initial(key, tail):
    return struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key) + tail


def chacha20(key, counter, nonce, data):
    out = bytearray()
    for start in range(0, len(data), 64):
        state = initial(key, (counter + start // 64,) + struct.unpack("<3I", nonce))
        block = struct.pack("<16I", *((a + b) & M32 for a, b in zip(rounds(state), state)))
        out += bytes(a ^ b for a, b in zip(data[start:start + 64], block))
    return bytes(out)


def hchacha20(key, nonce):
    x = rounds(initial(key, struct.unpack("<4I", nonce)))
    return struct.pack("<8I", *x[:4], *x[12:])


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for start in range(0, len(data), 16):
        block = data[start:start + 16]
        total = (total + int.from_bytes(block + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) & (2**128 - 1)).to_bytes(16, "little")


def tag_of(key, nonce, sealed, extra):
    pad = [bytes(-len(part) % 16) for part in (extra, sealed)]
    return poly1305(chacha20(key, 0, nonce, bytes(32)), extra + pad[0] + sealed + pad[1] +
                    struct.pack("<QQ", len(extra), len(sealed)))


def inner(key, nonce):
    """A nonce of 24 bytes is a key of its own and 12 bytes."""
    if len(nonce) == 24:
        return hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    return key, nonce


def seal(key, nonce, plain, extra):
    key, nonce = inner(key, nonce)
    sealed = chacha20(key, 1, nonce, plain)
    return sealed + tag_of(key, nonce, sealed, extra)


def unseal(key, nonce, sealed, extra):
    key, nonce = inner(key, nonce)
    if len(sealed) < 16 or tag_of(key, nonce, sealed[:-16], extra) != sealed[-16:]:
        raise Refused("CHANNEL_TAMPERED")
    return chacha20(key, 1, nonce, sealed[:-16])


# --- docs/wire.md: the attested channel, version 2 ------------------------------------------

HELLO, ACCEPT, FINISH, REFUSE, REFUSE_SEALED, DONE, DATA, REKEY, CLOSE, REFUSE_RECORD = range(1, 11)
GIVES, WANTS = 1, 2
LABEL = b"ward channel v2 "


class Refused(Exception):
    """This end ends the channel; its text is the reason."""


class PeerRefused(Exception):
    """The peer has; its text is what it said."""


def framed(data):
    return struct.pack("<I", len(data)) + data


def expand(secret, label):
    return hmac.new(secret, LABEL + label + b"\x01", hashlib.sha256).digest()


def evidence_bytes(kind, evidence=b"", log=b""):
    return bytes([kind]) + framed(evidence) + framed(log)


def evidence_of(data):
    kind, size = struct.unpack("<BI", data[:5])
    evidence, rest = data[5:5 + size], data[5 + size:]
    log = rest[4:]
    if rest[:4] != struct.pack("<I", len(log)) or len(evidence) != size or kind > 3:
        raise Refused("CHANNEL_MALFORMED")
    return kind, evidence, log


class Way:
    """One sender under one secret."""

    def __init__(self, secret, cipher):
        self.cipher, self.secret, self.epoch = cipher, secret, 0
        self.begin()

    def begin(self):
        self.key = expand(self.secret, b"key")
        self.iv = expand(self.secret, b"iv")[:12 if self.cipher == 1 else 24]
        self.number = 0

    def next_epoch(self):
        self.secret = expand(self.secret, b"next")
        self.epoch += 1
        self.begin()

    def nonce(self):
        last = int.from_bytes(self.iv[-8:], "little") ^ self.number
        self.number += 1
        return self.iv[:-8] + last.to_bytes(8, "little")

    def seal(self, clear, plain):
        return clear + seal(self.key, self.nonce(), plain, clear)

    def unseal(self, message, clear):
        return unseal(self.key, self.nonce(), message[clear:], message[:clear])

    def record(self, kind, plain=b""):
        head = struct.pack("<BIQ", kind, self.epoch, self.number)
        return head + seal(self.key, self.nonce(), plain, head + struct.pack("<I", len(plain)))

    def open_record(self, message):
        kind, epoch, number = struct.unpack("<BIQ", message[:13])
        if (epoch, number) != (self.epoch, self.number):
            raise Refused("CHANNEL_EPOCH" if epoch != self.epoch else
                          "CHANNEL_REPLAY" if number < self.number else "CHANNEL_GAP")
        extra = message[:13] + struct.pack("<I", len(message) - 29)
        return kind, unseal(self.key, self.nonce(), message[13:], extra)


class Channel:
    """Either end. `quote` makes (kind, evidence, log) over 64 bytes, `judge` says whether such
    evidence is good over 64 bytes; None where this end does not."""

    def __init__(self, nonce, secret, ciphers=(1, 2), purpose=b"test", quote=None, judge=None):
        self.nonce, self.secret, self.ciphers, self.purpose = nonce, secret, ciphers, purpose
        self.quote, self.judge = quote, judge
        self.out = self.inward = None

    def flags(self):
        return (GIVES if self.quote else 0) | (WANTS if self.judge else 0)

    # -- what both ends derive

    def agree(self, nonces, peer):
        number = int.from_bytes(peer, "little")
        shared = x25519(self.secret, peer)
        if number >= P or peer == public(self.secret) or shared == bytes(32):
            raise Refused("CHANNEL_KEY")
        self.root = hmac.new(nonces, shared, hashlib.sha256).digest()

    def begin_transcript(self, hello, clear):
        self.transcript = hashlib.sha256(LABEL + b"transcript 0" + framed(hello) +
                                         framed(clear)).digest()
        self.report_data = [hashlib.sha512(LABEL + b"report data" + bytes([role]) +
                                           self.transcript).digest() for role in (1, 2)]

    def more(self, label, part):
        self.transcript = hashlib.sha256(LABEL + label + self.transcript + framed(part)).digest()

    def way(self, label):
        return Way(expand(self.root, label + self.transcript), self.cipher)

    def judged(self, evidence, role):
        kind, _, _ = found = evidence_of(evidence)
        if (kind == 0) != (self.judge is None):
            raise Refused("CHANNEL_EVIDENCE_REQUIRED" if self.judge else "CHANNEL_MALFORMED")
        if self.judge and not self.judge(self.report_data[role - 1], *found):
            raise Refused("CHANNEL_EVIDENCE_DENIED")

    def shown(self, wanted, role):
        if not wanted:
            return evidence_bytes(0)
        return evidence_bytes(*self.quote(self.report_data[role - 1]))

    # -- the initiator

    def hello(self):
        self.said = (bytes([HELLO, 2]) + self.nonce + public(self.secret) +
                     bytes([len(self.ciphers), *self.ciphers, self.flags(), len(self.purpose)]) +
                     self.purpose)
        return self.said

    def finish(self, accept):
        """Takes ACCEPT, gives FINISH."""
        refused(accept)
        if accept[:2] != bytes([ACCEPT, 2]):
            raise Refused("CHANNEL_UNEXPECTED")
        clear, sealed = accept[:68], accept[68:]
        self.cipher, flags = clear[66], clear[67]
        if self.cipher not in self.ciphers:
            raise Refused("CHANNEL_AEAD")
        if bool(flags & GIVES) != bool(self.judge) or (flags & WANTS and not self.quote):
            raise Refused("CHANNEL_EVIDENCE_REQUIRED")
        self.agree(self.nonce + clear[2:34], clear[34:66])
        self.begin_transcript(self.said, clear)
        self.inward = self.way(b"handshake r")
        self.more(b"transcript 1", sealed)
        self.out = self.way(b"handshake i")
        self.judged(self.inward.unseal(accept, 68), 2)
        message = self.out.seal(bytes([FINISH, 2]), self.shown(flags & WANTS, 1))
        self.more(b"transcript 2", message)
        return message

    def done(self, message):
        """Takes DONE: it is open."""
        if message[0] == REFUSE_SEALED:
            raise PeerRefused(self.inward.unseal(message, 2)[1:].decode("ascii"))
        self.inward, self.out = self.way(b"traffic r"), self.way(b"traffic i")
        if self.inward.open_record(message) != (DONE, b""):
            raise Refused("CHANNEL_UNEXPECTED")

    # -- the responder

    def accept(self, hello):
        """Takes HELLO, gives ACCEPT."""
        count = hello[66]
        offered, flags = hello[67:67 + count], hello[67 + count]
        if hello[:2] != bytes([HELLO, 2]) or hello[69 + count:] != self.purpose:
            raise Refused("CHANNEL_PURPOSE")
        self.cipher = next(cipher for cipher in self.ciphers if cipher in offered)
        if (self.judge and not flags & GIVES) or (flags & WANTS and not self.quote):
            raise Refused("CHANNEL_EVIDENCE_REQUIRED")
        answer = (GIVES if flags & WANTS else 0) | (WANTS if self.judge else 0)
        clear = (bytes([ACCEPT, 2]) + self.nonce + public(self.secret) +
                 bytes([self.cipher, answer]))
        self.agree(hello[2:34] + self.nonce, hello[34:66])
        self.begin_transcript(hello, clear)
        self.out = self.way(b"handshake r")
        message = self.out.seal(clear, self.shown(flags & WANTS, 2))
        self.more(b"transcript 1", message[68:])
        self.inward = self.way(b"handshake i")
        return message

    def open(self, finish):
        """Takes FINISH, gives DONE: it is open."""
        refused(finish)
        if finish[0] == REFUSE_SEALED:
            raise PeerRefused(self.inward.unseal(finish, 2)[1:].decode("ascii"))
        evidence = self.inward.unseal(finish, 2)
        self.more(b"transcript 2", finish)
        self.judged(evidence, 1)
        self.inward, self.out = self.way(b"traffic i"), self.way(b"traffic r")
        return self.out.record(DONE)

    def refusal(self, reason):
        """What a handshake that has keys ends with."""
        return self.out.seal(bytes([REFUSE_SEALED, 2]), bytes([len(reason)]) + reason.encode())

    # -- when it is open

    def send(self, plain):
        return self.out.record(DATA, plain)

    def rekey(self):
        message = self.out.record(REKEY)
        self.out.next_epoch()
        return message

    def close(self):
        return self.out.record(CLOSE)

    def take(self, message):
        """(type, message) of a record; another key is taken up by itself."""
        kind, plain = self.inward.open_record(message)
        if kind == REKEY:
            self.inward.next_epoch()
        if kind == REFUSE_RECORD:
            raise PeerRefused(plain[1:].decode("ascii"))
        return kind, plain


def refused(message):
    if message[:2] == bytes([REFUSE, 2]):
        raise PeerRefused(message[3:].decode("ascii"))
