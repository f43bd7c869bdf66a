"""flooding.py - connections that get so far with a house and no further, as many as are asked for, each
held until the house ends it.

    flooding.py PORT CA STATE COUNT AT-ONCE FIRST-ADDRESS

prints how many were made, how many the house turned away before that state, how many got there, and
how many of those it ended. It gives up on a house that ends none for a minute."""

import collections
import ipaddress
import json
import os
import resource
import selectors
import socket
import ssl
import sys
import time

HEAD = b"GET /v1/system/ping HTTP/1.1\r\nHost: localhost\r\nX: "
UPGRADE = (b"GET /v1/channel HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
           b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
OF_ADDRESS = 8  # connections, as many as one may have half open
PATIENCE = 60
MAKES = 64  # in one turn
Stop = collections.namedtuple("Stop", "tls sends waits_for drips", defaults=(b"", b"", b""))


def hello(context):
    """The first flight of a client of TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        one.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def channel_hello():
    """HELLO of the attested channel in a frame; any 32 bytes are a point of its curve."""
    message = bytes([1, 2]) + os.urandom(64) + bytes([2, 1, 2, 3, 10]) + b"ward-house"
    return b"\x82" + bytes([0x80 | len(message)]) + bytes(4) + message


def stops(context):
    """{state: what is done to get there}: whether TLS is spoken first, what is sent, what must have
    come before one is there, and what is sent of it byte for byte, one in a second."""
    first = hello(context)
    return {
        "connected": Stop(None),
        "part of ClientHello": Stop(None, first[:len(first) // 2]),
        "drips ClientHello": Stop(None, first[:5], b"", first[5:-1]),
        "after ServerHello": Stop(None, first, b"\x16\x03\x03"),
        "part of a head": Stop("http/1.1", HEAD),
        "drips a head": Stop("http/1.1", HEAD, b"", b"x" * 4000),
        "preface of HTTP/2": Stop("h2", PREFACE),
        "WebSocket": Stop("http/1.1", UPGRADE, b"HTTP/1.1 101"),
        "HELLO": Stop("http/1.1", UPGRADE, b"HTTP/1.1 101"),
        "drips HELLO": Stop("http/1.1", UPGRADE, b"HTTP/1.1 101", channel_hello()),
    }


class Link:
    """One connection on its way to where it stops."""

    def __init__(self, flood, number):
        self.flood, self.got, self.there, self.said = flood, b"", False, False
        self.sock = socket.socket()
        self.sock.setblocking(False)
        # So that a port is had again for another address: there are more of these than of ports.
        self.sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        self.sock.bind((str(flood.first + number // OF_ADDRESS), 0))
        self.drips = iter(flood.stop.drips)
        self.sock.connect_ex(("127.0.0.1", flood.port))

    def close(self):
        self.sock.close()

    def move(self):
        """Goes on as far as it can; false when it is over."""
        try:
            return self.step()
        except (ssl.SSLWantReadError, BlockingIOError):
            return True
        except OSError:
            return False

    def step(self):
        stop = self.flood.stop
        if stop.tls and not isinstance(self.sock, ssl.SSLSocket):
            self.sock = self.flood.context.wrap_socket(
                self.sock, server_hostname="localhost", do_handshake_on_connect=False)
        if stop.tls and self.sock.version() is None:
            self.sock.do_handshake()
        if not self.said:
            if stop.sends:
                self.sock.send(stop.sends)
            self.said = True
            self.arrives()
        while True:
            part = self.sock.recv(16384)
            if not part:
                return False
            self.got += part
            self.arrives()

    def arrives(self):
        if not self.there and self.got.startswith(self.flood.stop.waits_for):
            self.there = True
            if self.flood.state == "HELLO":
                self.sock.send(channel_hello())

    def drip(self):
        byte = next(self.drips, None)
        if byte is None or not self.there:
            return
        try:
            self.sock.send(bytes([byte]))
        except OSError:
            pass  # that it is over is seen by whoever reads


class Flood:
    def __init__(self, port, ca, state, first):
        self.port, self.state, self.first = port, state, ipaddress.ip_address(first)
        self.context = ssl.create_default_context(cafile=ca)
        self.stop = stops(self.context)[state]
        self.context.set_alpn_protocols([self.stop.tls or "http/1.1"])
        self.selector = selectors.DefaultSelector()
        self.links, self.counts = set(), collections.Counter()

    def make(self, number):
        link = Link(self, number)
        self.links.add(link)
        self.counts["made"] += 1
        self.selector.register(link.sock.fileno(), selectors.EVENT_WRITE, link)

    def move(self, link):
        fd = link.sock.fileno()
        if link.move():
            self.selector.modify(fd, selectors.EVENT_READ, link)
            return
        self.selector.unregister(fd)
        self.links.remove(link)
        self.counts["ended" if link.there else "turned away"] += 1
        self.counts["there"] += link.there
        link.close()

    def run(self, count, at_once):
        heard = drips = time.monotonic()
        while self.counts["made"] < count or self.links:
            for _ in range(min(MAKES, count - self.counts["made"], at_once - len(self.links))):
                self.make(self.counts["made"])
            before = len(self.links)
            for key, _ in self.selector.select(0.1):
                self.move(key.data)
            now = time.monotonic()
            if now - drips >= 1:
                drips = now
                for link in self.links:
                    link.drip()
            if len(self.links) != before or self.counts["made"] < count and before < at_once:
                heard = now
            if now - heard > PATIENCE:
                break
        self.counts["there"] += sum(link.there for link in self.links)
        self.counts["left"] = len(self.links)
        return dict(self.counts)


def main():
    port, ca, state, count, at_once, first = sys.argv[1:]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Whoever is honest on this machine has it first: the two would not be on one outside.
    os.setpriority(os.PRIO_PROCESS, 0, 10)
    print(json.dumps(Flood(int(port), ca, state, first).run(int(count), int(at_once))))


if __name__ == "__main__":
    main()
