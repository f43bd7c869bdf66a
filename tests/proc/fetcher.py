"""fetcher.py - the real ward-fetch under a monitor and a core that are played here, in a network of
the test's own: its loopback has an address that is nobody's inner one, and its name server is here."""

import contextlib
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import leaks
from auditor import BUILD, FILE, PEER, SETTINGS, START, STOP, Channel, pair, settings_of
from listener import Listener
from lockbox import READY, REASONS

CORE, PROVIDER_CA = 4, 15
FETCH, FETCHED = 0x800, 0x801
TCB_INFO, QE_IDENTITY, PCK_CRL, ROOT_CRL = range(4)
OUTWARD = "5.5.5.7"
APART = "WARD_TEST_APART"


def move_apart():
    """Runs this very program again in a network and a tree of mounts of its own."""
    if APART not in os.environ:
        root = os.geteuid() == 0
        os.execvpe("unshare", ["unshare", *([] if root else ["--map-root-user"]), "--net", "--mount",
                               sys.executable, "-B", *sys.argv], dict(os.environ, **{APART: "1"}))
    for words in (("ip", "link", "set", "lo", "up"),
                  ("ip", "address", "add", f"{OUTWARD}/32", "dev", "lo")):
        subprocess.run(words, check=True)


class Names:
    """A name server on 127.0.0.1:53 that answers from a table, {name: [address]}; None: never. The
    answers for names in `long` do not fit in a datagram."""

    def __init__(self, table):
        self.table, self.asked, self.long, self.streamed = table, [], set(), 0
        self.folder = tempfile.TemporaryDirectory()
        self.end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __enter__(self):
        conf = pathlib.Path(self.folder.name) / "resolv.conf"
        conf.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        conf.chmod(0o644)
        self.end.bind(("127.0.0.1", 53))
        subprocess.run(["mount", "--bind", conf, "/etc/resolv.conf"], check=True)
        threading.Thread(target=self.serve, daemon=True).start()
        self.stream = socket.create_server(("127.0.0.1", 53))
        threading.Thread(target=self.serve_stream, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stream.shutdown(socket.SHUT_RDWR)  # who waits for it wakes
        self.stream.close()
        with contextlib.suppress(OSError):  # it is not connected, but who waits for it wakes
            self.end.shutdown(socket.SHUT_RDWR)
        self.end.close()
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)
        self.folder.cleanup()

    def serve(self):
        while True:
            try:
                query, whom = self.end.recvfrom(4096)
            except OSError:
                return
            if not query:
                return
            answer = self.answer(query)
            if answer and self.asked[-1] in self.long:
                answer = answer[:2] + b"\x83\x80" + answer[4:6] + bytes(6) + query[12:]
            if answer:
                self.end.sendto(answer, whom)

    def serve_stream(self):
        while True:
            try:
                one, _ = self.stream.accept()
            except OSError:
                return
            with one, one.makefile("rb") as said:
                while prefix := said.read(2):
                    answer = self.answer(said.read(int.from_bytes(prefix, "big")))
                    self.streamed += 1
                    one.sendall(len(answer).to_bytes(2, "big") + answer)

    def answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, (kind,) = ".".join(labels), struct.unpack_from(">H", query, at + 1)
        self.asked.append(name)
        addresses = self.table.get(name, ())
        if addresses is None:
            return None
        family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
        rows = [socket.inet_pton(family, text) for text in addresses
                if (":" in text) == (kind == 28)]
        head = query[:2] + struct.pack(">HHHHH", 0x8180 if addresses else 0x8183, 1, len(rows), 0, 0)
        return head + query[12:at + 5] + b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, size) + row for row in rows)


class Alone:
    """One process of the house with the monitor's part and that of its peers played here."""

    def __init__(self, name, others, files=None, **settings):
        self.name, self.settings, self.files, self.ident = name, settings, files or {}, 0
        self.peers = dict.fromkeys(others)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"ward-{name}-"))

    def __enter__(self):
        self.control, theirs = (Channel(end) if i == 0 else end for i, end in enumerate(pair()))
        self.stderr = open(self.folder / "stderr", "ab+")
        self.process = subprocess.Popen([BUILD / f"src/proc/ward-{self.name}"], stderr=self.stderr,
                                        preexec_fn=lambda: os.dup2(theirs.fileno(), 3), env={},
                                        pass_fds=[3])
        theirs.close()
        self.control.send(SETTINGS, 0, settings_of(self.folder, **self.settings))
        for number, path in self.files.items():
            fd = os.open(path, os.O_RDONLY)
            self.control.send(FILE, 0, struct.pack("<I", number), [fd])
            os.close(fd)
        for peer in self.peers:
            self.connect(peer)
        self.control.send(START, 0, b"")
        frame = self.control.read(20)
        assert frame is not None and frame[0] == READY, self.said()
        return self

    def connect(self, peer):
        """A new channel of that peer's, in the place of the old one if there was one."""
        mine, other = pair()
        if self.peers[peer]:
            self.peers[peer].end.close()
        self.peers[peer] = Channel(mine)
        self.control.send(PEER, 0, struct.pack("<I", peer), [other.fileno()])
        other.close()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.stderr.close()
        for channel in (self.control, *self.peers.values()):
            channel.end.close()
        leaks.look(self.folder)
        shutil.rmtree(self.folder)

    def said(self):
        self.stderr.seek(0)
        return self.stderr.read().decode()

    def stop(self):
        self.control.send(STOP, 0, b"")
        return self.process.wait(10)


class Fetcher(Alone):
    def __init__(self, url, ca=None, inward=False):
        super().__init__("fetch", [CORE], {PROVIDER_CA: ca} if ca else {}, url=url, inward=inward)

    @property
    def core(self):
        return self.peers[CORE]

    def ask(self, thing=TCB_INFO, tdx=True, platform=True, fmspc="505741524400"):
        self.ident += 1
        self.core.send(FETCH, self.ident,
                       struct.pack("<BBB", thing, tdx, platform) + bytes.fromhex(fmspc))
        return self.ident

    def hear(self, seconds=30):
        """(reason, detail, chain, body) of the next answer."""
        frame = self.core.read(seconds)
        assert frame is not None and frame[:2] == (FETCHED, self.ident), (frame, self.said())
        body, parts = frame[2], []
        reason, at = struct.unpack_from("<H", body)[0], 2
        for _ in range(3):
            size = struct.unpack_from("<I", body, at)[0]
            parts.append(body[at + 4:at + 4 + size])
            at += 4 + size
        assert at == len(body)
        return (REASONS[reason], parts[0].decode(), *parts[1:])

    def fetch(self, *args, seconds=30, **kwargs):
        self.ask(*args, **kwargs)
        return self.hear(seconds)


class Provider(Listener):
    """A server that does with each connection what it is told; `asked` is what it read. Without a
    certificate it speaks no TLS, and at once."""

    def __init__(self, act, certificate=None, address="127.0.0.1"):
        super().__init__(certificate, address)
        self.act, self.asked = act, []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def met(self, one):
        request = b""
        while self.certificate and b"\r\n\r\n" not in request:
            part = one.recv(65536)
            if not part:
                break
            request += part
        self.asked.append(request)
        self.act(self, one)

    def forever(self, one, bytes_, pause=0.0):
        while not self.stop.is_set():
            one.sendall(bytes_)
            time.sleep(pause)
