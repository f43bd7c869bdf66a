"""front_house.py - a whole house in a folder of its own, and clients of it that share nothing with
Ward: plain sockets, OpenSSL of Python, python3-h2, and gRPC made by hand. Whatever comes back is
held against the contract of the API."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

# Of Debian's python3-h2; a python3 of somebody else does not look there by itself.
sys.path.append("/usr/lib/python3/dist-packages")

import contract
import h2.config
import h2.connection
import h2.exceptions
import leaks

BUILD = pathlib.Path(os.environ["WARD_BUILD"])


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class House:
    """Started in __enter__, ended and removed in __exit__, whatever happened."""

    def __init__(self, user=None, config="", **settings):
        self.settings, self.config = settings, config
        self.user = {"user": user, "group": user, "extra_groups": []} if user else {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ward-front-"))
        self.state = self.folder / "state"
        if user:
            os.chown(self.folder, user, user)
        self.port = free_port()
        self.clients = 0

    def command(self, *words):
        return subprocess.run([BUILD / "ward", *words], capture_output=True, timeout=60,
                              text=True, check=False, **self.user)

    def __enter__(self):
        words = ["up", "--state", self.state, "--listen", f"127.0.0.1:{self.port}"]
        if self.config:
            path = self.folder / "ward.toml"
            path.write_text(self.config)
            words += ["-c", path]
        for name, value in self.settings.items():
            words += ["--set", f"{name if '.' in name else f'limit.{name}'}={value}"]
        done = self.command(*words)
        if done.returncode != 0:
            self.__exit__()
            raise AssertionError(done.stderr)
        return self

    def __exit__(self, *_):
        for name in ("core", "keeper", "front"):
            with contextlib.suppress(Exception):
                os.kill(self.pid(name), signal.SIGCONT)
        self.command("down", "--state", self.state, "--purge", "--yes")
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return (self.state / "ward.log").read_text(errors="replace")

    def pid(self, name, parent=None):
        """The number of a process's present life; 0: it is between two."""
        parent = parent or int((self.state / "run/lock").read_text().split()[0])
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                number, _, rest = entry.read_text().partition(" (")
                comm, _, fields = rest.rpartition(") ")
                if comm == "ward-" + name and int(fields.split()[1]) == parent and \
                        fields[0] != "Z":
                    return int(number)
        return 0

    def kill(self, name, number=signal.SIGKILL):
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def wait_new(self, name, old, seconds=10):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.pid(name) not in (0, old):
                return
            time.sleep(0.02)
        raise AssertionError(f"{name} was not started again:\n{self.log()}")

    def plain(self, timeout=10):
        """A connection to the owner's socket."""
        one = socket.socket(socket.AF_UNIX)
        one.settimeout(timeout)
        one.connect(str(self.state / "run/ward.sock"))
        return contract.Watched(one)

    def tcp(self, timeout=10, source=None):
        """From an address of its own, as far as nothing else is wanted: the rate of new
        connections is that of an address."""
        self.clients += 1
        source = source or f"127.1.{self.clients // 250}.{self.clients % 250 + 1}"
        return socket.create_connection(("127.0.0.1", self.port), timeout, (source, 0))

    def tls(self, *alpn, timeout=10, source=None):
        context = ssl.create_default_context(cafile=str(self.state / "ca.pem"))
        context.set_alpn_protocols(list(alpn or ("http/1.1",)))
        return contract.Watched(context.wrap_socket(self.tcp(timeout, source),
                                                    server_hostname="localhost"))

    def grant(self, signer, **said):
        """A session for a signer, that the owner vouches for; once the store has been judged."""
        wanted = {"name": "peer", "public_key": signer.key(), **said}
        for _ in range(100):
            with self.plain() as one:
                status, _, body = ask(one, "POST", "/v1/sessions/grant",
                                      ["Content-Type: application/json"],
                                      json.dumps(wanted).encode())
            if status != 503:
                break
            time.sleep(0.1)
        assert status == 200, body
        signer.token = json.loads(body)["token"]
        return signer

    def metrics(self):
        with self.plain() as one:
            body = ask(one, "GET", "/metrics")[2].decode()
        return {line.split()[0].removeprefix("ward_front_"): int(line.split()[1])
                for line in body.splitlines() if not line.startswith("#")}


def request(method, target, fields=(), body=b""):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def read_all(one):
    """Until the other side closes."""
    got = b""
    with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
        while part := one.recv(65536):
            got += part
    return got


def read_answer(one, got=b"", head=False):
    """(status, fields, body) of one answer with a Content-Length; what follows must not come."""
    while b"\r\n\r\n" not in got:
        part = one.recv(65536)
        if not part:
            raise AssertionError(f"closed after {got!r}")
        got += part
    top, _, body = got.partition(b"\r\n\r\n")
    lines = top.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in
              (line.partition(":") for line in lines[1:])}
    if lines[0].split()[1].startswith("1"):
        return int(lines[0].split()[1]), fields, body
    length = 0 if head else int(fields.get("content-length", 0))
    while len(body) < length:
        part = one.recv(65536)
        if not part:
            raise AssertionError(f"closed after {len(body)} of {length} bytes")
        body += part
    return int(lines[0].split()[1]), fields, body


def ask(one, method, target, fields=(), body=b""):
    one.sendall(request(method, target, fields, body))
    return read_answer(one, head=method == "HEAD")


class H2:
    """A client of HTTP/2 with many streams under way."""

    def __init__(self, one):
        self.one = one
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.conn.initiate_connection()
        self.streams, self.goaway = {}, None
        self.push()

    def push(self):
        self.one.sendall(self.conn.data_to_send())

    def begin(self, method, path, fields=(), body=None, end=True):
        stream = self.conn.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "https"), (":authority", "localhost"),
                (":path", path), *fields]
        self.conn.send_headers(stream, head, end_stream=body is None and end)
        if body is not None:
            self.conn.send_data(stream, body, end_stream=end)
        self.streams[stream] = {"fields": {}, "body": b"", "trailers": {}, "done": False,
                                "reset": None, "asked": (method, path)}
        self.push()
        return stream

    def grpc(self, path, message=b"", fields=(), end=True):
        return self.begin("POST", path, [("content-type", "application/grpc"), ("te", "trailers"),
                                         *fields], struct.pack(">BI", 0, len(message)) + message,
                          end)

    def take(self):
        """Reads once; false when the other side has closed."""
        data = self.one.recv(65536)
        if not data:
            return False
        for event in self.conn.receive_data(data):
            kind = type(event).__name__
            state = self.streams.get(getattr(event, "stream_id", None))
            if kind == "ConnectionTerminated":
                # The library takes it for the end; what was begun before is still answered.
                self.goaway = event.error_code
                self.conn.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
            if state is None:
                continue
            if kind == "ResponseReceived":
                state["fields"] = dict(event.headers)
                leaks.hear(state["fields"])  # which came packed, as trailers do
            elif kind == "DataReceived":
                state["body"] += event.data
                self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif kind == "TrailersReceived":
                state["trailers"] = dict(event.headers)
                leaks.hear(state["trailers"])
            elif kind == "StreamReset":
                state["reset"] = event.error_code
                state["done"] = True
            elif kind == "StreamEnded":
                state["done"] = True
        with contextlib.suppress(OSError):
            self.push()
        return True

    def wait(self, stream):
        while not self.streams[stream]["done"]:
            if not self.take():
                raise AssertionError(f"closed, GOAWAY {self.goaway}, before stream {stream}'s end")
        state = self.streams[stream]
        if state["reset"] is None:
            contract.check(*state["asked"], int(state["fields"][":status"]),
                           state["fields"].get("content-type"), state["body"])
        return state

    def get(self, path, fields=()):
        return self.wait(self.begin("GET", path, fields))

    def call(self, path, message=b"", fields=()):
        """(status, message or None, all fields) of a unary call."""
        state = self.wait(self.grpc(path, message, fields))
        said = {**state["fields"], **state["trailers"]}
        return int(said["grpc-status"]), unframe(state["body"]), said


def unframe(body):
    if not body:
        return None
    flag, length = struct.unpack(">BI", body[:5])
    assert flag == 0 and length == len(body) - 5, body
    return body[5:]


# Protobuf, read by the descriptor that the house gives of itself.

def fields_of(data):
    """(number, value) of a message: ints and bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        else:
            assert tag & 7 == 2, tag
            length = varint()
            yield tag >> 3, data[at:at + length]
            at += length


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def text_field(number, value):
    data = value if isinstance(value, bytes) else value.encode()
    return varint(number << 3 | 2) + varint(len(data)) + data


def number_field(number, value):
    return varint(number << 3) + varint(value)


class Schema:
    """The messages of a FileDescriptorProto."""

    STRING, BYTES, MESSAGE, ENUM, BOOL = 9, 12, 11, 14, 8
    WIDE = (3, 4, 6, 16, 18)  # int64 and its kin are strings in JSON

    def __init__(self, descriptor):
        self.messages, self.enums = {}, {}
        package = b""
        for number, value in fields_of(descriptor):
            if number == 2:
                package = value
            elif number == 4:
                name, rows = self.message(value)
                self.messages["." + package.decode() + "." + name] = rows
            elif number == 5:
                parts = list(fields_of(value))
                name = next(v.decode() for n, v in parts if n == 1)
                values = [dict(fields_of(v)) for n, v in parts if n == 2]
                self.enums["." + package.decode() + "." + name] = {
                    one.get(2, 0): one[1].decode() for one in values}

    @staticmethod
    def message(data):
        name, rows = "", []
        for number, value in fields_of(data):
            if number == 1:
                name = value.decode()
            elif number == 2:
                row = dict(fields_of(value))
                rows.append({"name": row.get(10, row[1]).decode(), "number": row[3],
                             "many": row.get(4) == 3, "kind": row[5],
                             "type": row.get(6, b"").decode()})
        return name, rows

    def value(self, row, raw):
        kind = row["kind"]
        if kind == self.MESSAGE:
            return self.json(row["type"], raw)
        if kind == self.ENUM:
            return self.enums[row["type"]][raw]
        if kind == self.STRING:
            return raw.decode()
        if kind == self.BYTES:
            return base64.b64encode(raw).decode()
        if kind == self.BOOL:
            return bool(raw)
        return str(raw) if kind in self.WIDE else raw

    def nothing(self, row):
        if row["many"]:
            return []
        if row["kind"] == self.MESSAGE:
            return None
        empty = b"" if row["kind"] in (self.STRING, self.BYTES) else 0
        return self.value(row, empty)

    def json(self, name, data):
        """The object that proto3's JSON form gives; what is not there has its default."""
        rows = self.messages[name]
        out = {row["name"]: self.nothing(row) for row in rows}
        for number, raw in fields_of(data):
            row = next(row for row in rows if row["number"] == number)
            if row["many"]:
                out[row["name"]].append(self.value(row, raw))
            else:
                out[row["name"]] = self.value(row, raw)
        return out


def details(said):
    """(code, {type: bytes}) of grpc-status-details-bin."""
    raw = said["grpc-status-details-bin"]
    status = base64.b64decode(raw + "=" * (-len(raw) % 4))
    leaks.hear(status)
    found = {}
    for number, value in fields_of(status):
        if number == 3:
            any_ = dict(fields_of(value))
            found[any_[1].decode().rpartition("/")[2]] = any_[2]
    info = dict(fields_of(found["google.rpc.ErrorInfo"]))
    return info[1].decode(), found


def problem(fields, body):
    """The members of a problem, all seven there."""
    assert fields["content-type"] == "application/problem+json", fields
    out = json.loads(body)
    assert list(out) == ["type", "title", "status", "detail", "instance", "code",
                         "trace_id"], out
    return out
