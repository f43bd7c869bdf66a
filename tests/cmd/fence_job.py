"""fence_job.py - what jobs in tests try of the network, from inside: each gives a short text."""

import contextlib
import errno
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
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as link:
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
