"""auditor.py - the real ward-audit under a monitor, a core and a keeper that are played here,
and a reader of the log that shares nothing with Ward: what was acknowledged must be in the
files, in its place, once."""

import array
import contextlib
import gzip
import hashlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ["WARD_BUILD"])
AUDIT = BUILD / "src/proc/ward-audit"

MONITOR, KEEPER, CORE = 0, 2, 4
SETTINGS, FILE, PEER, START, STOP, ROTATED, PACK_OPENED = range(1, 8)
READY, ROTATE, PACK, PACKED, REMOVE = range(0x41, 0x46)
LOST = 0x64
APPEND, APPENDED, ASK, ANSWER = range(0x300, 0x304)
SIGN_HEAD, HEAD_SIGNED = 0x400, 0x401
QUERY, GET, HEAD, PROVE, VERIFY = range(4, 9)
FILES = ("security.log", "leaves", "heads")

EVENTS = [line.split("(")[1].split(",")[0] for line in
          (pathlib.Path(__file__).parents[2] / "src/audit/events.def").read_text().splitlines()
          if line.startswith("EVENT(")]
# What looks for leaks at the end would need calls that the jail does not have.
JAILED = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
TEXT, NUMBER, BOOL, TIME, HASH, ADDRESS, SECRET = range(1, 8)


def may_trace():
    try:
        return subprocess.run(["strace", "-o", "/dev/null", "true"], check=False,
                              capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


needs_strace = unittest.skipUnless(may_trace(), "strace, and the right to trace")


def settings_of(state, seal=0, rotate=64 << 20, days=7, url="", inward=False, peers=()):
    """struct settings as the machine lays it out."""
    texts = (str(state), "127.0.0.1:1", "sqlite", "", "/b", "", "/x", "", "", url, *[""] * 11)
    numbers = (4096, 64, 2, 60, 100, 200, 10, 60)
    whole = (b"".join(text.encode().ljust(512, b"\0") for text in texts) +
            struct.pack("@3I?????8IQIIIIII", seal, 0, 0, inward, *[False] * 4, *numbers, rotate, days, 86400,
                        0, 300, 256, 30) +
            peers_of(peers) + b"\0" * TENANTS)
    return whole + b"\0" * (-len(whole) % 8)


PEERS_MAX = 16
TENANTS = 4 + 32 * (64 + 4)  # bytes of their count and their rows: none
PEER_FORM = "@32s512s512s512s512s512sI?0I"  # struct peer_settings


def peers_of(peers):
    """Each of them a dictionary; what is missing is the default."""
    packed = b"".join(
        struct.pack(PEER_FORM, peer["name"].encode(),
                    *(peer.get(key, "").encode()
                      for key in ("url", "public", "policy", "ca_file", "pins")),
                    peer.get("profile", 0), peer.get("inward", False))
        for peer in peers)
    size = struct.calcsize(PEER_FORM)
    return struct.pack("@I", len(peers)) + packed.ljust(PEERS_MAX * size, b"\0")


def children_of(pid):
    children = []
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            children += [int(child) for child in (task / "children").read_text().split()]
    return children


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_of(line):
    return sha256(b"\0" + line)


def root_of(leaves):
    """MTH of RFC 9162 2.1.1, level by level."""
    if not leaves:
        return sha256(b"")
    peaks = []
    for number, leaf in enumerate(leaves):
        node, size = leaf, number
        while size & 1:
            node = sha256(b"\1" + peaks.pop() + node)
            size >>= 1
        peaks.append(node)
    root = peaks.pop()
    while peaks:
        root = sha256(b"\1" + peaks.pop() + root)
    return root


def lines_of(count, first=0, at="2026-01-01T00:00:00.000Z"):
    """A log as Ward writes it, made here."""
    prev, out = bytes(32), []
    for seq in range(first, first + count):
        line = (b'{"action":"key.create","actor_id":"keeper","actor_type":"System","details":'
                b'{"key_id":"k-1","kind":"ed25519"},"event_type":"Configuration","ip_address":null,'
                b'"outcome":"Success","prev":"%s","resource":"x-%d","seq":%d,"timestamp":"%s",'
                b'"trace_id":null}' % (prev.hex().encode(), seq, seq, at.encode()))
        prev = leaf_of(line)
        out.append(line)
    return out


def data(*parts):
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def record(name="KEY_CREATE", actor=b"keeper", details=None, address=b"", resource=b"key",
           outcome=1, actor_type=4, trace=bytes(16)):
    if details is None:
        details = [(TEXT, b"key_id", b"k-1"), (TEXT, b"kind", b"ed25519")]
    body = struct.pack("<HBB", 1 + EVENTS.index(name), actor_type, outcome) + trace
    body += data(actor, resource, address) + bytes([len(details)])
    for kind, key, value in details:
        body += bytes([kind]) + data(key)
        if kind in (TEXT, HASH, ADDRESS):
            body += data(value)
        elif kind != SECRET:
            body += struct.pack("<q", value)
    return body


def varint(value):
    out = b""
    while value > 0x7f:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def protobuf(**fields):
    """fields: n3=value, as field number 3."""
    out = b""
    for name, value in fields.items():
        number = int(name[1:])
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def read_protobuf(text):
    """{number: [values]}"""
    out, at = {}, 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = text[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(text):
        key = take()
        value = take()
        if key & 7 == 2:
            at += value
            value = text[at - value:at]
        out.setdefault(key >> 3, []).append(value)
    return out


class Channel:
    def __init__(self, end):
        self.end = end
        self.waiting = []
        self.fds = []

    def send(self, message, ident, body, fds=()):
        packet = struct.pack("<HHIQ", message, 0, len(body), ident) + body
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.end.setblocking(True)
        self.end.sendmsg([packet], rights)

    def read(self, seconds):
        """The next frame, or None in time; EOFError when the other end is gone."""
        if not self.waiting:
            if not select.select([self.end], [], [], seconds)[0]:
                return None
            try:
                packet, fds, _, _ = socket.recv_fds(self.end, 1 << 18, 4)
            except ConnectionResetError:
                packet, fds = b"", []
            if not packet:
                raise EOFError
            self.fds += fds
            while packet:
                message, _, size, ident = struct.unpack_from("<HHIQ", packet)
                self.waiting.append((message, ident, packet[16:16 + size]))
                packet = packet[16 + size:]
        return self.waiting.pop(0)


def pair():
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 192 << 10)
    return ends


class Keeper:
    """Signs heads as consistent extensions only, like the real one; the signature is made of
    nothing, for nobody here looks at it."""

    def __init__(self):
        self.size, self.root = 0, sha256(b"")
        self.origin = "ward.test/log"
        self.forgets = 0  # so many answers are lost on their way
        self.refusals = 0
        self.notes = []

    def answer(self, body):
        import base64
        old, old_root, size, root, count = struct.unpack_from("<Q32sQ32sI", body)
        assert len(body) == 84 + 32 * count
        if (old, old_root) != (self.size, self.root):
            self.refusals += 1
            return b"\0" + struct.pack("<Q32s", self.size, self.root)
        self.size, self.root = size, root
        note = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n\n"
        note += f"\u2014 {self.origin} {base64.b64encode(bytes(68)).decode()}\n"
        self.notes.append(note)
        if self.forgets:
            self.forgets -= 1
            return None
        return b"\1" + data(note.encode())


class House:
    def __init__(self, folder=None, rotate=64 << 20, days=7, keeper=None, prefix=()):
        self.own = folder is None
        self.state = pathlib.Path(folder or tempfile.mkdtemp(prefix="ward-audit-"))
        self.folder = self.state / "audit"
        self.folder.mkdir(exist_ok=True, parents=True)
        self.rotate, self.days, self.prefix = rotate, days, list(prefix)
        self.keeper = keeper or Keeper()
        self.hold_rotation = self.refuse_rotation = False
        self.removed = []
        self.stderr = open(self.state / "stderr", "ab+")
        self.process = None
        self.acked = {}  # seq: number of the append
        self.ident = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.stderr.close()
        if self.own:
            shutil.rmtree(self.state)

    def said(self):
        self.stderr.seek(0)
        return self.stderr.read().decode()

    def open(self, name, flags=os.O_RDWR | os.O_CREAT):
        if name == "security.log":
            flags |= os.O_APPEND
        return os.open(self.folder / name, flags, 0o600)

    def sync_names(self):
        """As the monitor does: a name is as durable as what is written under it."""
        for folder in (self.folder, self.state):
            fd = os.open(folder, os.O_RDONLY)
            os.fsync(fd)
            os.close(fd)

    def settings(self):
        return settings_of(self.state.resolve(), rotate=self.rotate, days=self.days)

    def start(self, ready=True, seconds=20):
        self.control, theirs = (Channel(end) if i == 0 else end for i, end in enumerate(pair()))
        self.channels, self.lost = {}, []
        self.process = subprocess.Popen(
            [*self.prefix, "sh", "-c", 'exec 3<&"$0"; exec "$@"', str(theirs.fileno()), AUDIT],
            pass_fds=[theirs.fileno()], stderr=self.stderr, env=JAILED)
        theirs.close()
        self.control.send(SETTINGS, 0, self.settings())
        for number, name in enumerate(FILES):
            fd = self.open(name)
            self.control.send(FILE, 0, struct.pack("<I", number), [fd])
            os.close(fd)
        self.sync_names()
        for peer in (KEEPER, CORE):
            mine, other = pair()
            self.channels[peer] = Channel(mine)
            self.control.send(PEER, 40 + peer, struct.pack("<I", peer), [other.fileno()])
            other.close()
        self.control.send(START, 0, b"")
        self.is_ready = False
        if ready:
            self.until(lambda: self.is_ready, seconds)
        return self

    def until(self, done, seconds=10, channels=None):
        end = time.monotonic() + seconds
        while not done():
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(self.said()[-3000:])
            self.turn(min(left, 1))

    def turn(self, seconds):
        """Whatever is there to be read is handled."""
        all_ends = [self.control, *self.channels.values()]
        if not any(channel.waiting for channel in all_ends):
            select.select([channel.end for channel in all_ends], [], [], seconds)
        for channel in all_ends:
            try:
                frame = channel.read(0)
            except EOFError:
                if channel is self.control:
                    raise
                continue
            if frame:
                self.handle(channel, *frame)

    def handle(self, channel, message, ident, body):
        if message == READY:
            self.is_ready = True
        elif message == LOST:
            self.lost.append((struct.unpack("<I", body)[0], ident))
        elif message == ROTATE:
            self.on_rotate(body[4:].decode())
        elif message == PACK:
            name = body[4:].decode()
            plain = self.open(name, os.O_RDONLY)
            packed = self.open(name + ".gz.part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            self.control.send(PACK_OPENED, 0, b"\1", [plain, packed])
            os.close(plain)
            os.close(packed)
        elif message == PACKED:
            name = body[4:].decode()
            os.rename(self.folder / (name + ".gz.part"), self.folder / (name + ".gz"))
            self.sync_names()
            os.unlink(self.folder / name)
        elif message == REMOVE:
            count, at = struct.unpack_from("<I", body)[0], 4
            for _ in range(count):
                size = struct.unpack_from("<I", body, at)[0]
                name = body[at + 4:at + 4 + size].decode()
                at += 4 + size
                self.removed.append(name)
                os.unlink(self.folder / name)
        elif message == SIGN_HEAD:
            answer = self.keeper.answer(body)
            if answer is not None:
                channel.send(HEAD_SIGNED, ident, answer)
        elif message == APPENDED:
            number = self.pending.pop(ident)
            self.answers[number] = struct.unpack("<Q", body[1:])[0] if body[0] else None
        elif message == ANSWER:
            self.replies[ident] = body
        else:
            raise AssertionError(f"message {message:#x}")

    def on_rotate(self, name):
        if self.hold_rotation:
            return
        if self.refuse_rotation:
            self.control.send(ROTATED, 0, b"\0")
            return
        os.rename(self.folder / "security.log", self.folder / name)
        fd = self.open("security.log")
        self.sync_names()
        self.control.send(ROTATED, 0, b"\1", [fd])
        os.close(fd)

    pending, answers, replies = {}, {}, {}

    def put(self, body=None, peer=KEEPER):
        """Asks for a record; its number among all that were asked for."""
        self.ident += 1
        self.pending = dict(self.pending) if self.pending is House.pending else self.pending
        if self.answers is House.answers:
            self.answers, self.replies = {}, {}
        self.pending[self.ident] = self.ident
        if body is None:
            resource = b"r-%d" % self.ident
            body = (record(resource=resource) if peer == KEEPER else  # of keys it alone may speak
                    record("CONFIG_READ", b"core", [(TEXT, b"method", b"/x")], resource=resource))
        self.channels[peer].send(APPEND, self.ident, body)
        return self.ident

    def append(self, body=None, peer=KEEPER, seconds=10):
        number = self.put(body, peer)
        self.until(lambda: number in self.answers, seconds)
        return self.answers[number]

    def ask(self, method, request=b"", seconds=10):
        if self.replies is House.replies:
            self.answers, self.replies = {}, {}
        self.ident += 1
        ident = self.ident
        self.channels[CORE].send(ASK, ident, struct.pack("<H", method) + data(request))
        self.until(lambda: ident in self.replies, seconds)
        body = self.replies.pop(ident)
        reason, size = struct.unpack_from("<HI", body)
        detail = body[6:6 + size].decode()
        return reason, detail, read_protobuf(body[10 + size:])

    def kill(self):
        if self.process is not None:
            # Under strace it is a child of what we started: stopped, it would outlive us both.
            for child in children_of(self.process.pid):
                os.kill(child, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
            for channel in (self.control, *self.channels.values()):
                channel.end.close()
            self.process = None

    def stop(self, seconds=10):
        self.control.send(STOP, 0, b"")
        code = self.process.wait(seconds)
        self.kill()
        return code

    def lines(self):
        """Every whole line in all files, oldest first."""
        out = []
        names = sorted(path.name for path in self.folder.glob("security-*.log*"))
        plain = [name for name in names if name.endswith(".log")]
        for name in sorted(set(plain) | {n for n in names if n.endswith(".gz")
                                         and n[:-3] not in plain}):
            text = (self.folder / name).read_bytes()
            out += (gzip.decompress(text) if name.endswith(".gz") else text).split(b"\n")[:-1]
        log = self.folder / "security.log"
        text = log.read_bytes() if log.exists() else b""
        return out + text.split(b"\n")[:-1]

    def check(self, first=0):
        """The log is one chain, its hashes are kept, and what was acknowledged is in it once
        and in its place."""
        lines = self.lines()
        # Killed before it opened anything, it left nothing that could be wrong.
        kept = self.folder / "leaves"
        leaves = kept.read_bytes() if kept.exists() else b""
        prev = bytes(32) if first == 0 else leaves[32 * (first - 1):32 * first]
        places = {}
        for seq, line in enumerate(lines, first):
            row = json.loads(line)
            assert row["seq"] == seq, (row["seq"], seq)
            assert row["prev"] == prev.hex(), seq
            prev = leaf_of(line)
            kept = leaves[32 * seq:32 * seq + 32]
            assert kept in (b"", prev), seq
            if row["resource"].startswith("r-"):
                number = int(row["resource"][2:])
                assert number not in places, f"r-{number} twice"
                places[number] = seq
        for number, seq in self.answers.items():
            if seq is not None:
                assert places.get(number) == seq, (number, seq, places.get(number))
        return lines
