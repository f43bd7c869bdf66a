"""linked.py - a house that takes attested channels, and peers of it that share nothing with Ward: a
WebSocket by hand over TLS or the owner's socket, and in it the second implementation of the
channel (tests/channel/peer.py). Their evidence is the house's own: its TEE is asked over the
owner's socket."""

import base64
import json
import os
import pathlib
import signal
import ssl
import socket
import struct
import sys
import time

sys.path.append(str(pathlib.Path(__file__).parents[1] / "channel"))

import contract
import house as houses
import leaks
import peer

PATH, PURPOSE = "/v1/channel", b"ward-house"
NOTHING = "hardware = true\n"  # nobody that is simulated
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The other side has ended the connection; its text is the code of its Close frame, "" without
    one, "reset" for a reset."""


class House(houses.House):
    """A house with a policy for channels, which is a file that `allow` and `policy` replace."""

    def __init__(self, **more):
        super().__init__(**more)
        self.policy_file = self.base / "channel.toml"
        self.policy_file.write_text(NOTHING)

    def up(self, *more, **how):
        return super().up("--set", f"channel.policy={self.policy_file}", *more, **how)

    def root(self):
        return (self.state / "tee/root.pem").read_text()

    def own(self, more=""):
        """What lets in evidence of this very house."""
        return f"hardware = false\nroots = [{json.dumps(self.root())}]\n{more}"

    def policy(self, text, result="OK"):
        """Puts another policy in force, and waits until the log says what came of it."""
        before = len(self.records("policy"))
        part = self.policy_file.with_suffix(".part")
        part.write_text(text)
        part.rename(self.policy_file)
        os.kill(self.monitor(), signal.SIGHUP)
        got = houses.until(lambda: self.records("policy")[before:], 20)
        assert got[0]["reason"] == result, got

    def records(self, action):
        """The details of every such record."""
        return [json.loads(row["details"]) for row in self.rows(action)]

    def rows(self, action):
        status, said = self.ask(f"/v1/audit/records?limit=1000&action=channel.{action}")
        assert status == 200, said
        return said["records"]

    def metrics(self):
        end = houses.UnixConnection(self.state / "run/ward.sock", 10)
        try:
            end.request("GET", "/metrics")
            lines = end.getresponse().read().decode().splitlines()
        finally:
            end.close()
        return {line.split()[0].removeprefix("ward_front_"): int(line.split()[1])
                for line in lines if not line.startswith("#")}

    def evidence(self, report_data):
        """(kind, quote, log) of this house, over 64 bytes; when others have asked too often,
        later."""
        def made():
            status, said = self.ask("/v1/attest/evidence", 30, body=json.dumps(
                {"report_data": base64.b64encode(report_data).decode()}))
            return said if status == 200 else None
        said = houses.until(made, 20, 0.1)
        return 1, base64.b64decode(said["evidence"]), base64.b64decode(said["event_log"])

    def socket(self, tls=True, timeout=20, source="127.0.0.1", context=None):
        if not tls:
            end = houses.UnixConnection(self.state / "run/ward.sock", timeout)
            end.connect()
            return end.sock
        context = context or ssl.create_default_context(cafile=self.state / "ca.pem")
        one = socket.create_connection(("127.0.0.1", self.port), timeout, (source, 0))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(one, server_hostname="localhost")


def bears(report_data, kind, quote, _log):
    """A quote of the house's over these 64 bytes, which is all that this peer wants to know."""
    return kind == 1 and quote[568:632] == report_data


class Socket:
    """A WebSocket client, by hand. One that is patient asks again when too many channels were begun
    lately."""

    def __init__(self, house, path=PATH, fields=(), patient=True, **how):
        while True:
            self.upgrade(house, path, fields, how)
            if not patient or self.problem != "ADMIT_RATE_LIMITED":
                return
            self.end.close()
            time.sleep(0.2)

    def upgrade(self, house, path, fields, how):
        self.end = house.socket(**how)
        self.got = b""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
                 *fields]
        self.end.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self.got:
            self.more()
        head, _, self.got = self.got.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self.problem = None
        if self.status != 101:
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                          if line.lower().startswith(b"content-length:"))
            while len(self.got) < length:
                self.more()
            contract.check("GET", path, self.status, "application/problem+json", self.got)
            self.problem = json.loads(self.got)["code"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end.close()

    def more(self):
        try:
            part = self.end.recv(65536)
        except (ConnectionResetError, ssl.SSLEOFError):
            raise Closed("reset") from None
        if not part:
            raise Closed("")
        self.got += part

    def take(self, count):
        while len(self.got) < count:
            self.more()
        out, self.got = self.got[:count], self.got[count:]
        return out

    @staticmethod
    def frame(data, op=BINARY, final=True):
        head = bytes([op | (0x80 if final else 0)])
        size = len(data)
        head += bytes([0x80 | size]) if size < 126 else \
            struct.pack(">BH", 0xFE, size) if size < 65536 else struct.pack(">BQ", 0xFF, size)
        mask = os.urandom(4)
        whole = (mask * (size // 4 + 1))[:size]
        masked = (int.from_bytes(data, "big") ^ int.from_bytes(whole, "big")).to_bytes(size, "big")
        return head + mask + masked

    def send(self, data, op=BINARY):
        self.end.sendall(self.frame(data, op))

    def receive(self):
        """The next message; pings are answered."""
        while True:
            first, size = self.take(2)
            if size == 126:
                size = struct.unpack(">H", self.take(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.take(8))[0]
            data = self.take(size)
            if first & 15 == CLOSE:
                raise Closed(str(struct.unpack(">H", data[:2])[0]) if data else "")
            if first & 15 == PING:
                self.send(data, PONG)
            elif first & 15 != PONG:
                return data

    def ends(self):
        """How the other side ends it: its Close code."""
        try:
            while True:
                self.receive()
        except Closed as closed:
            return str(closed)


class Peer(Socket):
    """A client whose channel is open, unless `until` says to stop before HELLO or FINISH."""

    def __init__(self, house, until="open", quote=None, judge=bears, **how):
        super().__init__(house, **how)
        self.house = house
        self.channel = peer.Channel(os.urandom(32), os.urandom(32), purpose=PURPOSE,
                                    quote=quote or house.evidence, judge=judge)
        self.sent = []
        if self.status != 101 or until == "hello":
            return
        self.say(self.channel.hello())
        finish = self.channel.finish(self.receive())
        if until == "finish":
            self.held = finish
            return
        self.say(finish)
        self.channel.done(self.receive())

    def say(self, message):
        self.sent.append(message)
        self.send(message)

    def tell(self, **message):
        self.say(self.channel.send(json.dumps(message).encode()))

    def hear(self):
        kind, plain = self.channel.take(self.receive())
        assert kind == peer.DATA, kind
        leaks.hear(plain)
        return json.loads(plain)

    def ask(self, **message):
        self.tell(**message)
        return self.hear()


def refusal(end):
    """The reason with which the house ends a handshake, or an open channel."""
    reason = refused_with(end)
    leaks.hear(reason)
    return reason


def refused_with(end):
    try:
        while True:
            message = end.receive()
            if message[0] == peer.REFUSE_SEALED:
                return end.channel.inward.unseal(message, 2)[1:].decode()
            if message[:1] == bytes([peer.REFUSE]):
                return message[3:].decode()
            end.channel.take(message)
    except peer.PeerRefused as refused:
        return str(refused)
    except Closed as closed:
        return f"closed {closed}"
