"""fence_job.py - what jobs in tests try of the network, from inside: each gives a short text."""

import contextlib
import errno
import select
import socket
import ssl
import struct
import urllib.error

TIMEOUT = 20


def said(do):
    """What it gives, or the name of what it was refused with."""
    try:
        return do()
    except socket.gaierror as failure:
        return f"gaierror {failure.errno}"
    except urllib.error.URLError as failure:
        return f"URLError {failure.reason}"
    except (TimeoutError, ssl.SSLError) as failure:
        return type(failure).__name__
    except OSError as failure:
        return errno.errorcode[failure.errno]


def tls(host, port=443, name=None, told=b"hello"):
    context = ssl.create_default_context(cafile="/job/ca.pem")
    context.check_hostname = False
    with socket.create_connection((host, port), TIMEOUT) as link:
        with context.wrap_socket(link, server_hostname=host if name is None else name or None) as spoken:
            spoken.sendall(told)
            got = b""
            while len(got) < len(told) + 12 and (part := spoken.recv(65536)):
                got += part
            return got.decode()


def plain(host, port=80, told=b"hello"):
    with socket.create_connection((host, port), TIMEOUT) as link:
        link.sendall(told)
        link.shutdown(socket.SHUT_WR)
        got = b""
        while part := link.recv(65536):
            got += part
        return got.decode("latin-1")


def from_address(address, to, kind=socket.SOCK_STREAM, told=b"hello"):
    """From an address that may be nobody's here (IP_FREEBIND)."""
    with socket.socket(socket.AF_INET, kind) as link:
        link.settimeout(TIMEOUT)
        link.setsockopt(socket.IPPROTO_IP, 15, 1)
        link.bind((address, 0))
        link.connect(to)
        link.sendall(told)
        if kind == socket.SOCK_DGRAM:
            return link.recv(65536).decode("latin-1")
        link.shutdown(socket.SHUT_WR)
        got = b""
        while part := link.recv(65536):
            got += part
        return got.decode("latin-1")


def raw(host, port, told):
    """Without an end of its own: what the other side says until it ends."""
    with socket.create_connection((host, port), TIMEOUT) as link:
        link.sendall(told)
        got = b""
        while part := link.recv(65536):
            got += part
        return got.decode("latin-1")


def hello(name):
    """What a real client begins with."""
    into = ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = False
    link = context.wrap_bio(ssl.MemoryBIO(), into, server_hostname=name or None)
    with contextlib.suppress(ssl.SSLWantReadError):
        link.do_handshake()
    return into.read()


def again(host, port, told, first=None):
    """Asked for another hello, something else is told: what comes then."""
    with socket.create_connection((host, port), TIMEOUT) as link:
        link.sendall(hello(host) if first is None else first)
        asked = link.recv(65536)
        assert asked[:1] == b"\x16", asked
        link.sendall(told)
        got = b""
        while part := link.recv(65536):
            got += part
        return got.decode("latin-1")


def greeting(host, port=22):
    with socket.create_connection((host, port), TIMEOUT) as link:
        got = link.recv(100)
        link.sendall(b"more")
        while len(got) < 19 and (part := link.recv(100)):
            got += part
        return got.decode()


def big(host, count, port=9000):
    with socket.create_connection((host, port), TIMEOUT) as link:
        link.sendall(str(count).encode())
        got = 0
        while part := link.recv(1 << 20):
            got += len(part)
        return got


def datagram(host, port=4433, told=b"hello", family=socket.AF_INET, wait=2):
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        link.settimeout(wait)
        link.connect((host, port))
        link.send(told)
        return link.recv(65536).decode("latin-1")


def hasty(host, port):
    """Datagrams whose answers nobody waits for."""
    for _ in range(20):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.connect((host, port))
            link.send(b"hello")


def cut(host, port):
    """Connections that the job ends with a reset, in each of their states."""
    for told in (b"", b"hello"):
        for waits in (False, True):
            with socket.create_connection((host, port), TIMEOUT) as link:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                link.sendall(told)
                if waits and told:
                    link.shutdown(socket.SHUT_WR)
                    link.recv(1)


def own_server(address):
    """The job's own, at one of the sandbox's addresses, on a port that is nobody else's."""
    with socket.socket(family_of(address)) as server:
        server.bind(("::" if ":" in address else "", 9999))
        server.listen()
        with socket.create_connection((address, 9999), TIMEOUT) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            other, _ = server.accept()
            with other:
                other.sendall(b"own")
                return link.recv(3).decode()


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def answering(address):
    """The ports of TCP that a connection is had on."""
    found = []
    for port in range(1, 65536):
        with socket.socket(family_of(address)) as link:
            met = link.connect_ex((address, port)) == 0
            if met and link.getsockname()[1] != port:  # not itself, by the port that it was given
                found.append(port)
    return found


def answering_strangers(address, at_once=200):
    """The same where each packet is answered by the fence: many at once, or it takes minutes."""
    found = []
    for first in range(1, 65536, at_once):
        links, waiting = {}, select.poll()
        for port in range(first, min(first + at_once, 65536)):
            link = socket.socket(family_of(address))
            link.setblocking(False)
            link.connect_ex((address, port))
            links[link.fileno()] = link, port
            waiting.register(link, select.POLLOUT)
        while links and (ready := waiting.poll(TIMEOUT * 1000)):
            for number, _ in ready:
                link, port = links.pop(number)
                waiting.unregister(number)
                with link:
                    if link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and link.send(b"x"):
                        found.append(port)
        assert not links, f"{address}: no answer at all on {[port for _, port in links.values()]}"
    return found


def answering_datagrams(address):
    """The ports of UDP that something comes back from."""
    met = set()
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as link:
        for port in range(1, 65536):
            with contextlib.suppress(OSError):
                link.sendto(question("localhost") if port == 53 else b"x", (address, port))
            if port % 256 == 0 or port == 65535:
                link.settimeout(2 if port in (256, 65535) else 0.001)
                with contextlib.suppress(OSError):
                    while True:
                        met.add(link.recvfrom(4096)[1][1])
        return sorted(met - {link.getsockname()[1]})


def question(name, kind=1, server="127.0.0.1", flags=0x0100):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", 7, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def answer(message):
    """(code, addresses or data) of an answer."""
    _, flags, questions, count = struct.unpack(">HHHH", message[:8])
    if questions == 0:
        return flags & 15, []
    found, at = [], message.index(b"\0", 12) + 5
    for _ in range(count):
        length = struct.unpack(">H", message[at + 10:at + 12])[0]
        data = message[at + 12:at + 12 + length]
        found.append(socket.inet_ntop({4: socket.AF_INET, 16: socket.AF_INET6}[length], data))
        at += 12 + length
    return flags & 15, found


def ask(name, kind=1, server="127.0.0.1", wait=2):
    with socket.socket(family_of(server), socket.SOCK_DGRAM) as link:
        link.settimeout(wait)
        link.connect((server, 53))
        link.send(question(name, kind))
        return answer(link.recv(4096))


def ask_stream(*names, kind=1, server="127.0.0.1"):
    with socket.create_connection((server, 53), TIMEOUT) as link:
        for name in names:
            message = question(name, kind)
            link.sendall(struct.pack(">H", len(message)) + message)
        got, stream = [], link.makefile("rb")
        for _ in names:
            got.append(answer(stream.read(struct.unpack(">H", stream.read(2))[0])))
        return got
