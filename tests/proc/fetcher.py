"""fetcher.py - the real ward-fetch under a monitor and a core that are played here, in a network of
the test's own: its loopback has an address that is nobody's inner one, and its name server is here."""

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

from auditor import BUILD, FILE, PEER, SETTINGS, START, STOP, Channel, pair, settings_of
from lockbox import READY, REASONS

PROGRAM = BUILD / "src/proc/ward-fetch"
sys.path.append(str(pathlib.Path(__file__).parents[1] / "cmd"))

CORE, PROVIDER_CA = 4, 15
FETCH, FETCHED = 0x800, 0x801
TCB_INFO, QE_IDENTITY, PCK_CRL, ROOT_CRL = range(4)
OUTWARD = "198.51.100.7"
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
    """A name server on 127.0.0.1:53 that answers from a table, {name: [address]}; None: never."""

    def __init__(self, table):
        self.table, self.asked = table, []
        self.folder = tempfile.TemporaryDirectory()
        self.end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __enter__(self):
        conf = pathlib.Path(self.folder.name) / "resolv.conf"
        conf.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        conf.chmod(0o644)
        subprocess.run(["mount", "--bind", conf, "/etc/resolv.conf"], check=True)
        self.end.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.end.close()
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)
        self.folder.cleanup()

    def serve(self):
        while True:
            try:
                query, whom = self.end.recvfrom(4096)
            except OSError:
                return
            answer = self.answer(query)
            if answer:
                self.end.sendto(answer, whom)

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


class Fetcher:
    def __init__(self, url, ca=None, inward=False):
        self.url, self.ca, self.inward, self.ident = url, ca, inward, 0
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ward-fetch-"))

    def __enter__(self):
        self.control, theirs = (Channel(end) if i == 0 else end for i, end in enumerate(pair()))
        self.stderr = open(self.folder / "stderr", "ab+")
        self.process = subprocess.Popen([PROGRAM], stderr=self.stderr, pass_fds=[3],
                                        preexec_fn=lambda: os.dup2(theirs.fileno(), 3), env={})
        theirs.close()
        self.control.send(SETTINGS, 0, settings_of(self.folder, url=self.url, inward=self.inward))
        if self.ca:
            fd = os.open(self.ca, os.O_RDONLY)
            self.control.send(FILE, 0, struct.pack("<I", PROVIDER_CA), [fd])
            os.close(fd)
        mine, other = pair()
        self.core = Channel(mine)
        self.control.send(PEER, 0, struct.pack("<I", CORE), [other.fileno()])
        other.close()
        self.control.send(START, 0, b"")
        frame = self.control.read(20)
        assert frame is not None and frame[0] == READY, self.said()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.stderr.close()
        for channel in (self.control, self.core):
            channel.end.close()
        shutil.rmtree(self.folder)

    def said(self):
        self.stderr.seek(0)
        return self.stderr.read().decode()

    def stop(self):
        self.control.send(STOP, 0, b"")
        return self.process.wait(10)

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


class Provider:
    """A server that does with each connection what it is told; `asked` is what it read. Without a
    certificate it speaks no TLS, and at once."""

    def __init__(self, act, certificate=None, address="127.0.0.1"):
        self.act, self.asked, self.stop = act, [], threading.Event()
        self.end = socket.create_server((address, 0))
        self.port = self.end.getsockname()[1]
        self.certificate = certificate

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.end.shutdown(socket.SHUT_RDWR)  # whoever waits in accept would keep it open
        self.end.close()

    def serve(self):
        while True:
            try:
                one, _ = self.end.accept()
            except OSError:
                return
            threading.Thread(target=self.meet, args=(one,), daemon=True).start()

    def meet(self, one):
        import tls_ca
        try:
            if self.certificate:
                one = tls_ca.wrap(one, self.certificate)
                one.do_handshake()
            request = b""
            while self.certificate and b"\r\n\r\n" not in request:
                part = one.recv(65536)
                if not part:
                    break
                request += part
            self.asked.append(request)
            self.act(self, one)
        except OSError:
            pass
        finally:
            one.close()

    def forever(self, one, bytes_, pause=0.0):
        while not self.stop.is_set():
            one.sendall(bytes_)
            time.sleep(pause)
