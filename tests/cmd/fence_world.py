"""fence_world.py - the world that jobs in tests may reach: two networks on this machine and a line
between them, with no way out. In one of them, the node, `ward run` is run; in the other live a name
server and servers, at addresses that count as public.

As a program it is those servers: `fence_world.py FOLDER world|node`."""

import json
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import tls_ca

NODE, WORLD = "5.4.3.2", "5.4.3.1"  # the two ends of the line
NODE6, WORLD6 = "2a00:5:4::2", "2a00:5:4::1"
NAMES, NAMES6 = "5.5.5.53", "2a00:5:5::53"
PUBLIC, OTHER, PUBLIC6 = "5.5.5.5", "5.5.5.6", "2a00:5:5::5"
INSIDE = ("10.9.9.9", "169.254.169.254", "192.168.9.9", "100.64.9.9", "172.16.9.9")
TLS_PORTS, BIG = (443, 8443), 9000
AGAIN = 8444  # TLS that asks each client of today for another hello
LONG = "long.example"  # whose answer does not fit in a datagram

# What the name server knows; of a name with several answers each question gets the next.
ZONE = {
    "allowed.example": [[PUBLIC]], LONG: [[PUBLIC]], "other.example": [[OTHER]], "six.example": [[PUBLIC6]],
    "both.example": [[PUBLIC, PUBLIC6]], "a.wild.example": [[PUBLIC]], "b.wild.example": [[OTHER]],
    "loop.example": [["127.0.0.1"]], "meta.example": [["169.254.169.254"]],
    "private.example": [["10.9.9.9"]], "loop6.example": [["::1"]], "mapped.example": [["::ffff:127.0.0.1"]],
    "node.example": [[NODE]], "rebind.example": [[PUBLIC], ["127.0.0.1"]], "synthetic.example": [["198.18.0.1"]],
    "half.example": [["10.9.9.9", PUBLIC]], "gateway.example": [["10.0.2.2"]], "zero.example": [["0.0.0.0"]], "dead.example": [["5.5.5.99"]],
}


# --- the servers -----------------------------------------------------------------------------------

class Names:
    def __init__(self):
        self.asked = {}

    def reply(self, message):
        number, _, questions = struct.unpack(">HHH", message[:6])
        at, labels = 12, []
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode())
            at += 1 + message[at]
        name, kind = ".".join(labels).lower(), struct.unpack(">H", message[at + 1:at + 3])[0]
        question = message[12:at + 5]
        answers = ZONE.get(name)
        found = []
        if answers:
            turn = self.asked.get((name, kind), 0)
            self.asked[name, kind] = turn + 1
            family, length = {1: (socket.AF_INET, 4), 28: (socket.AF_INET6, 16)}.get(kind, (None, 0))
            for text in answers[min(turn, len(answers) - 1)]:
                if family and (":" in text) == (family == socket.AF_INET6):
                    found.append(struct.pack(">HHHIH", 0xc00c, kind, 1, 1, length) +
                                 socket.inet_pton(family, text))
        code = 0x8180 if answers else 0x8183
        return struct.pack(">HHHHHH", number, code, questions, len(found), 0, 0) + question + b"".join(found)

    def serve(self, family, address, log):
        with socket.socket(family, socket.SOCK_DGRAM) as server:
            server.bind((address, 53))
            while True:
                message, peer = server.recvfrom(4096)
                reply = self.reply(message)
                log("asked", reply[12:].split(b"\0")[0].decode("latin-1"))
                if LONG.split(".")[0].encode() in reply:
                    cut = reply.index(b"\0", 12) + 5
                    reply = reply[:2] + b"\x83\x80" + reply[4:6] + bytes(6) + reply[12:cut]
                server.sendto(reply, peer)

    def talk(self, link, log):
        stream = link.makefile("rb")
        while prefix := stream.read(2):
            reply = self.reply(stream.read(int.from_bytes(prefix, "big")))
            link.sendall(len(reply).to_bytes(2, "big") + reply)
            log("asked-long", reply[12:].split(b"\0")[0].decode("latin-1"))


def echo(link):
    while part := link.recv(65536):
        link.sendall(part)


def talk(kind, link, log):
    """Says which it is, then what it is told; server-first ports greet."""
    if kind == "tls":
        first = link.recv(65536)
        link.sendall(f"tls {link.version()} ".encode() + first)
        echo(link)
    elif kind == "greets":
        link.sendall(b"SSH-2.0-world\r\n")
        echo(link)
    elif kind == "names":
        Names().talk(link, log)
    elif kind == "redirects":
        link.recv(65536)
        link.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://forbidden.example/\r\n"
                     b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    elif kind == "big":
        count = int(link.recv(64))
        block = bytes(range(256)) * 256
        for _ in range(count // len(block)):
            link.sendall(block)
    else:
        told = b""
        while part := link.recv(65536):
            told += part
        link.sendall(kind.encode() + b" " + told)
    log("served", kind)


def listen(family, address, port, kind, log, context=None):
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, port))
    server.listen(512)

    def one(link, peer):
        log("met", f"{link.getsockname()[0]} {port} {peer[0]}")
        try:
            with (context.wrap_socket(link, server_side=True) if context else link) as spoken:
                talk(kind, spoken, log)
        except (OSError, ValueError) as failure:
            log("failed", f"{kind} {failure}")

    def accept():
        while True:
            threading.Thread(target=one, args=server.accept(), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()


def echo_datagrams(family, address, port, log):
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((address, port))

    def serve():
        while True:
            message, peer = server.recvfrom(65536)
            log("datagram", f"{port} {len(message)}")
            server.sendto(b"udp " + message, peer)
    threading.Thread(target=serve, daemon=True).start()


def main(folder, which):
    lock = threading.Lock()

    def log(*what):
        with lock:
            print(json.dumps(what), flush=True)
    everywhere = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))
    if which == "node":
        for family, address in everywhere:
            for port in (80, 443, 8443, 9000, 22):
                listen(family, address, port, "node", log)
        echo_datagrams(socket.AF_INET, NODE, 4433, log)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pathlib.Path(folder) / "world.pem")
        for family, address in everywhere:
            for port in TLS_PORTS:
                listen(family, address, port, "tls", log, context)
            again = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            again.load_cert_chain(pathlib.Path(folder) / "world.pem")
            again.set_ecdh_curve("secp384r1")
            listen(family, address, AGAIN, "tls", log, again)
            listen(family, address, 53, "names", log)
            listen(family, address, 80, "plain", log)
            listen(family, address, 22, "greets", log)
            listen(family, address, BIG, "big", log)
            listen(family, address, 8000, "redirects", log)
        echo_datagrams(socket.AF_INET, PUBLIC, 4433, log)
        echo_datagrams(socket.AF_INET6, PUBLIC6, 4433, log)
        names = Names()
        for family, address in ((socket.AF_INET, NAMES), (socket.AF_INET6, NAMES6)):
            threading.Thread(target=names.serve, args=(family, address, log), daemon=True).start()
    time.sleep(0.1)
    log("ready")
    sys.stdin.read()


# --- the networks ----------------------------------------------------------------------------------

class Network:
    """A network of its own, as long as somebody sits in it."""

    def __init__(self, name):
        self.name = name
        # It goes when nobody is left who holds the other end, however the test ends.
        self.sitter = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo in; exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        self.sitter.stdout.readline()
        self.server = None
        self.events = []

    def words(self, *words):
        return ["nsenter", f"--net=/proc/{self.sitter.pid}/ns/net", *map(str, words)]

    def run(self, *words):
        subprocess.run(self.words(*words), check=True, capture_output=True)

    def serve(self, folder):
        self.server = subprocess.Popen(self.words(sys.executable, "-B", __file__, folder, self.name),
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert json.loads(self.server.stdout.readline()) == ["ready"]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.server.stdout:
            self.events.append(json.loads(line))

    def seen(self, kind):
        return [event[1] for event in self.events if event[0] == kind]

    def end(self):
        for process in (self.server, self.sitter):
            if process:
                process.kill()
                process.wait()
                process.stdout.close()
                if process.stdin:
                    process.stdin.close()


class World:
    """Both, in a folder where also the world's authority is: ca.pem."""

    def __init__(self, folder):
        tls_ca.Authority(folder).server(
            "world", ",".join(f"DNS:{name}" for name in ZONE) + f",IP:{PUBLIC},IP:{OTHER},IP:{PUBLIC6}")
        self.node, self.world = Network("node"), Network("world")
        try:
            self.furnish(folder)
        except BaseException:
            self.end()
            raise

    def furnish(self, folder):
        self.node.run("ip", "link", "add", "line0", "type", "veth", "peer", "name", "line1", "netns",
                      self.world.sitter.pid)
        for network, device, own, own6, addresses in (
                (self.node, "line0", NODE + "/30", NODE6 + "/64", INSIDE),
                (self.world, "line1", WORLD + "/30", WORLD6 + "/64",
                 (PUBLIC, OTHER, PUBLIC6, NAMES, NAMES6))):
            network.run("ip", "link", "set", "lo", "up")
            network.run("ip", "addr", "add", own, "dev", device)
            network.run("ip", "addr", "add", own6, "dev", device, "nodad")
            network.run("ip", "link", "set", device, "up")
            for address in addresses:
                network.run("ip", "addr", "add", address, "dev", "lo")
        for words in (("route", "add", "default", "via", WORLD), ("-6", "route", "add", "default", "via", WORLD6)):
            self.node.run("ip", *words)
        self.node.serve(folder)
        self.world.serve(folder)

    def end(self):
        self.node.end()
        self.world.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
