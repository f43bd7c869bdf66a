"""test_peers.py - the peers that a house calls, and those who answer in their place: each of a row
of bad servers ends with its reason on the peer's line, in one house and at once, and a good one is
connected beside them."""

import base64
import hashlib
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import house
import linked
import tap
from listener import Listener

sys.path.append(str(pathlib.Path(__file__).parents[1] / "cmd"))
import tls_ca  # noqa: E402

place = tempfile.TemporaryDirectory()
authority = tls_ca.Authority(place.name)
good = authority.server("good", "IP:127.0.0.1,DNS:localhost")


def pin_of(certificate):
    """As RFC 7469 2.4 has it, by OpenSSL's own words."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key, check=True,
                         capture_output=True).stdout
    return "sha256/" + base64.b64encode(hashlib.sha256(der).digest()).decode()


class Server(Listener):
    """One that does with each connection what it is told: `meets` has the socket."""

    def __init__(self, meets, certificate=None, **where):
        super().__init__(certificate, **where)
        self.meets, self.asked = meets, []
        self.start()

    def met(self, one):
        self.meets(self, one)

    def read_request(self, one):
        request = b""
        while b"\r\n\r\n" not in request:
            part = one.recv(4096)
            if not part:
                raise OSError
            request += part
        self.asked.append(request)
        return dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:] if b": " in line)


def accept_of(fields):
    key = fields[b"Sec-WebSocket-Key"] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(key).digest())


def says(*parts):
    """Reads the request, says that, and closes."""
    def meets(server, one):
        server.read_request(one)
        for part in parts:
            one.sendall(part)
    return meets


def upgrades(then=None, **changed):
    """Answers with 101, with some fields otherwise, and goes on with `then`."""
    def meets(server, one):
        fields = {"Upgrade": b"websocket", "Connection": b"Upgrade",
                  "Sec-WebSocket-Accept": accept_of(server.read_request(one))}
        fields.update({name.replace("_", "-"): value for name, value in changed.items()})
        one.sendall(b"HTTP/1.1 101 Switching Protocols\r\n" +
                    b"".join(b"%s: %s\r\n" % (name.encode(), value)
                             for name, value in fields.items() if value is not None) + b"\r\n")
        if then:
            then(server, one)
        else:
            server.stop.wait(60)
    return meets


def silent(server, _):
    server.stop.wait(60)


def babbles(_, one):
    one.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    one.recv(4096)


def never_answers(server, one):
    server.read_request(one)
    server.stop.wait(60)


def drips(server, one):
    server.read_request(one)
    for byte in b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"y" * 100:
        if server.stop.wait(0.4):
            return
        one.sendall(bytes([byte]))


def leaves(server, one):
    server.read_request(one)


class Called(linked.House):
    """A house that calls these: {name: (server, reason, part of the detail, more keys)}; one of reason
    None is to be open."""

    def call(self, rows, text=""):
        self.rows_of = rows
        for name, (server, _, _, more) in rows.items():
            scheme = "ws" if more.get("plain") else "wss"
            text += f'[peers.{name}]\nurl = "{scheme}://{more.get("host", "127.0.0.1")}:' \
                    f'{server.port}/v1/channel"\n'
            text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items()
                            if key not in ("plain", "host"))
        toml = self.base / "ward.toml"
        toml.write_text(text)
        self.up("-c", toml)

    def __exit__(self, *_):
        super().__exit__()
        for server, *_ in getattr(self, "rows_of", {}).values():
            server.close()

    def command(self, *words):
        return subprocess.run([house.WARD, *words, "--state", self.state], capture_output=True,
                              text=True, timeout=60, check=False)

    def peers(self):
        done = self.command("peer", "list", "--json")
        assert done.returncode == 0, done.stderr
        return {one["name"]: one for one in json.loads(done.stdout)["peers"]}

    def await_row(self, name, seconds=20, opened=1):
        """The peer's line when it says what it should."""
        _, reason, detail, _ = self.rows_of[name]

        def right():
            one = self.peers()[name]
            fits = one["reason"] == reason if reason else (one["state"] == "open" and
                                                            one["opened"] >= opened)
            return one if fits and detail in one["detail"] else None
        try:
            return house.until(right, seconds, 0.2)
        except TimeoutError:
            raise AssertionError((name, reason, detail, self.peers()[name], self.log())) from None

    def peer_records(self, action):
        reader = house.Evidence(self.state)
        return [row["details"] for row in map(json.loads, reader.lines())
                if row["action"] == f"peer.{action}"]


CA = {"ca_file": str(authority.pem)}
HALF = 64  # channels in their handshake


def bad_rows():
    other = tls_ca.Authority(place.name, "other")
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        gone = nobody.getsockname()[1]
    tls_1_2 = tls_ca.ssl.TLSVersion.TLSv1_2
    redirect = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    huge = [b"HTTP/1.1 101 Switching Protocols\r\n"] + [b"X-%d: " % n + b"y" * 4000 + b"\r\n"
                                                          for n in range(64)]
    rows = {
        "nobody": (None, "PEER_UNREACHABLE", "Connection refused", CA),
        "no-tls": (Server(babbles), "PEER_TLS", "", CA),
        "old-tls": (Server(silent, good, versions=tls_1_2), "PEER_TLS", "", CA),
        "other-name": (Server(silent, authority.server("elsewhere", "DNS:e.example,IP:127.0.0.2")),
                       "PEER_CERTIFICATE", "mismatch", CA),
        "expired": (Server(silent, authority.server("expired", "IP:127.0.0.1", days=-1)),
                    "PEER_CERTIFICATE", "expired", CA),
        "stranger": (Server(silent, other.server("stranger", "IP:127.0.0.1")),
                     "PEER_CERTIFICATE", "issuer", CA),
        "pin": (Server(silent, good), "PEER_PIN", "", CA | {"pins": [pin_of(authority.pem)]}),
        "silent": (Server(silent), "PEER_SLOW", "with TLS", CA),
        "mute": (Server(never_answers, good), "PEER_SLOW", "to answer", CA),
        "drips": (Server(drips, good), "PEER_SLOW", "to answer", CA),
        "key": (Server(upgrades(Sec_WebSocket_Accept=b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), good),
                "PEER_UPGRADE", "not that to the question", CA),
        "redirect": (Server(says(redirect), good), "PEER_UPGRADE", "status 302", CA),
        "huge": (Server(says(*huge), good), "PEER_UPGRADE", "", CA),
        "no-http": (Server(says(b"\0" * 4096), good), "PEER_UPGRADE", "", CA),
        "leaves": (Server(leaves, good), "PEER_ENDED", "before it had answered", CA),
        "asks-more": (Server(upgrades(Sec_WebSocket_Extensions=b"permessage-deflate"), good),
                      "PEER_UPGRADE", "not that to the question", CA),
    }

    class Nobody:
        port = gone

        def close(self):
            pass
    rows["nobody"] = (Nobody(), *rows["nobody"][1:])
    return rows


class TestPeers(unittest.TestCase):
    def test_each_bad_one_has_its_reason(self):
        with Called() as called:
            called.call(bad_rows())
            for name in called.rows_of:
                with self.subTest(name):
                    called.await_row(name)
            peers = called.peers()
            self.assertEqual(set(peers), set(called.rows_of))
            for name, (server, _, _, _) in called.rows_of.items():
                one = peers[name]
                self.assertIn(one["state"], ("waiting", "connecting", "greeting"))
                self.assertTrue(0 < one["failures"] < 8, one)  # 1, 2, 4 .. seconds between them
                self.assertEqual(one["opened"], 0)
                # Nothing was said to one whose certificate is not good.
                if called.rows_of[name][1] in ("PEER_CERTIFICATE", "PEER_PIN", "PEER_TLS"):
                    self.assertEqual(server.asked, [], name)
            # A failure that goes on is one record.
            names = [row["peer"] for row in called.peer_records("refuse")]
            self.assertEqual(set(names), set(called.rows_of))
            self.assertLess(len(names), 3 * len(called.rows_of))
            done = called.command("peer", "list")
            self.assertRegex(done.stdout, r"(?m)^redirect +.*PEER_UPGRADE: it answers with status 302$")
            # The house is well apart from that, and says of itself what is not.
            self.assertTrue(called.works())
            checks = {one["id"]: one for one in called.ask("/v1/system/doctor")[1]["checks"]}
            self.assertEqual(checks["house.peers"]["finding"], "FINDING_WARN")


class Itself:
    """A house as a peer of its own."""

    def __init__(self, called):
        self.port = called.port

    def close(self):
        pass


def frame(opcode, payload, masked=False):
    """A WebSocket frame as a server sends it, or as it must not."""
    if not masked:
        return bytes([0x80 | opcode, len(payload)]) + payload
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


def sends(*frames):
    """Goes on with these frames, and waits for what comes of it."""
    def then(server, one):
        for each in frames:
            one.sendall(each)
        server.stop.wait(60)
    return then


class TestOpen(unittest.TestCase):
    """One house that calls itself, so that both sides of the channel are there, and some who answer
    with a WebSocket and nothing good in it."""

    def rows(self, called):
        ca = {"ca_file": str(called.state / "ca.pem")}
        own = called.base / "own.toml"
        own.write_text(called.own())
        strict = called.base / "strict.toml"
        strict.write_text(linked.NOTHING)
        broken = called.base / "broken.toml"
        broken.write_text("this is no policy\n")
        with socket.create_connection(("127.0.0.1", called.port)) as one:
            context = tls_ca.ssl._create_unverified_context()
            with context.wrap_socket(one) as end:
                certificate = called.base / "front.pem"
                certificate.write_text(tls_ca.ssl.DER_cert_to_PEM_cert(end.getpeercert(True)))
        pins = [pin_of(authority.pem), pin_of(certificate)]
        itself = Itself(called)

        def ends(then, **changed):
            return Server(upgrades(then, **changed), good)
        return {
            "by-ca": (itself, None, "", ca | {"policy": str(own)}),
            "by-pin": (itself, None, "", {"pins": pins, "policy": str(own)}),
            "by-name": (itself, None, "", ca | {"host": "localhost", "policy": str(own)}),
            "by-both": (itself, None, "", ca | {"pins": pins[::-1], "policy": str(own)}),
            "strict": (itself, "CHANNEL_EVIDENCE_DENIED", "PCK_ROOT_UNTRUSTED", ca | {"policy": str(strict)}),
            "broken": (itself, "CHANNEL_EVIDENCE_DENIED", "ATTEST_POLICY_INVALID", ca | {"policy": str(broken)}),
            "all": (itself, None, "", ca),  # by the policy of all channels
            "hangs-up": (ends(lambda *_: None), "CHANNEL_TRUNCATED", "", CA),
            "closes": (ends(sends(frame(8, b"\x03\xe8"))), "CHANNEL_TRUNCATED", "", CA),
            "text": (ends(sends(frame(1, b"{}"))), "CHANNEL_MALFORMED", "", CA),
            "masks": (ends(sends(frame(2, b"x" * 9, masked=True))), "WEBSOCKET_PROTOCOL", "", CA),
            "rubbish": (ends(sends(frame(2, b"\0" * 100))), "CHANNEL_UNEXPECTED", "", CA),
            "too-much": (ends(sends(b"\x82\x7f" + struct.pack(">Q", 1 << 20) + b"x")),
                         "WEBSOCKET_MESSAGE_TOO_LARGE", "", CA),
        }

    def test_open_and_again(self):
        with Called() as called:
            called.up()  # there is a root then, and a certificate
            rows = self.rows(called)
            called.down()
            called.policy_file.write_text(called.own())
            called.call(rows)
            good_ones = [name for name, row in rows.items() if row[1] is None]
            for name in rows:
                with self.subTest(name):
                    called.await_row(name, 30)
            self.assertEqual(called.metrics()["peers_open"], len(good_ones))
            opened = {row["peer"] for row in called.peer_records("open")}
            self.assertEqual(opened, set(good_ones))
            self.restarts(called, good_ones)

    def restarts(self, called, good_ones):
        """Whoever falls, the peers are there again, and nobody had to do anything."""
        for fallen, stays in (("dial", True), ("front", False), ("core", False)):
            with self.subTest(fallen):
                os.kill(called.processes()[fallen], signal.SIGKILL)
                house.until(lambda: called.works(1.5), 20, 0.1)
                if stays:
                    time.sleep(1)
                    self.assertEqual({called.peers()[name]["opened"] for name in good_ones}, {1})
                for name in good_ones:
                    called.await_row(name, 40)
        self.assertGreater(len(called.peer_records("end")), 0)


CHANGED = "ward: reload: peers is taken over at the next start\n"


class TestFiles(unittest.TestCase):
    """The files that a [peers.NAME] names are read at the start, whole or not at all."""

    def setUp(self):
        self.called = Called()
        self.addCleanup(self.called.__exit__)
        self.toml = self.called.base / "ward.toml"
        self.file = self.called.base / "of-a-peer"

    def name(self, key):
        self.toml.write_text(f'[peers.a]\nurl = "wss://127.0.0.1:1"\n{key} = "{self.file}"\n')

    def fill(self, text, size):
        self.file.write_text(text + "#" * (size - len(text) - 1) + "\n")

    def refused(self, why):
        with self.assertRaisesRegex(AssertionError, f"{self.file}: {why}"):
            self.called.up("-c", self.toml)

    def test_each_to_its_limit_and_no_further(self):
        for key, most, text in (("policy", 16 << 10, linked.NOTHING),
                                ("ca_file", 1 << 20, authority.pem.read_text())):
            with self.subTest(key):
                self.name(key)
                self.fill(text, most + 1)
                self.refused("larger than the limit")
                self.fill(text, most)
                self.called.up("-c", self.toml)
                house.until(lambda: self.called.peers()["a"]["reason"] == "PEER_UNREACHABLE", 20)
                self.called.down()

    def test_none_is_taken_for_what_it_is_not(self):
        """An empty one would demand nothing of the peer."""
        for key in ("policy", "ca_file"):
            with self.subTest(key):
                self.name(key)
                self.file.write_text("")
                self.refused("empty")
                self.file.unlink()
                self.refused("No such file")
                os.mkfifo(self.file)
                self.refused("no plain file")
                self.file.unlink()

    def test_a_reload_says_that_one_has_changed(self):
        changes = (("policy", linked.NOTHING, linked.NOTHING + "# more\n"),
                   ("ca_file", authority.pem.read_text(), authority.pem.read_text() + "\n"),
                   ("policy", linked.NOTHING, None))
        for key, before, after in changes:
            with self.subTest((key, after)):
                self.name(key)
                self.file.write_text(before)
                self.called.up("-c", self.toml)
                for text, said in ((before, ""), (after, CHANGED), (before, "")):
                    self.file.unlink(missing_ok=True)
                    if text is not None:
                        self.file.write_text(text)
                    done = self.called.run("reload")
                    self.assertEqual((done.returncode, done.stderr), (0, said))
                self.called.down()


class TestFull(unittest.TestCase):
    def test_more_that_wait_than_there_is_room_for(self):
        """As many as may be half open wait for verify, which stands still. Whom the house calls
        then has a place of its own: it waits, and is judged when verify goes on."""
        with linked.House() as other, Called() as called:
            other.up()
            other.down()
            called.call({"other": (Itself(other), "CHANNEL_EVIDENCE_DENIED", "PCK_ROOT_UNTRUSTED",
                                   {"ca_file": str(other.state / "ca.pem")})},
                        "[limit]\nconnects_per_second = 1000\nconnects_burst = 1000\n")
            verify = called.processes()["verify"]
            os.kill(verify, signal.SIGSTOP)
            try:
                for number in range(HALF):
                    with linked.Peer(called, until="finish", source=f"127.0.4.{number // 8 + 1}",
                                     quote=lambda _: (1, b"no quote", b""), judge=None) as end:
                        end.say(end.held)
                other.up()
                house.until(lambda: called.peers()["other"]["state"] == "greeting", 20, 0.1)
                house.until(lambda: other.metrics()["channels_half_open"] == 1, 20, 0.1)
                time.sleep(1)  # its evidence is at core
                self.assertEqual(called.metrics()["channels_half_open"], HALF)
                self.assertEqual(called.peers()["other"]["state"], "greeting")
            finally:
                os.kill(verify, signal.SIGCONT)
            called.await_row("other")


if __name__ == "__main__":
    tap.main()
