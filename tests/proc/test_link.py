"""test_link.py - attested channels of one house, and everybody who would like to be in one: peers
that prove what they are and talk, relays that have genuine evidence, replays, downgrades, the slow
and the large, and what becomes of those who are in when the policy changes."""

import base64
import json
import os
import ssl
import struct
import subprocess
import time

import house as houses
import contract
import linked
import peer
import signer
import tap
from linked import PURPOSE, Peer, Socket, refusal

MANY = [word for name, value in (("requests_per_second", 100000), ("requests_burst", 100000),
                                 ("connects_per_second", 1000), ("connects_burst", 1000))
        for word in ("--set", f"limit.{name}={value}")]


HANDSHAKE = 30  # seconds


def raw_hello(version=2, ciphers=(1, 2), flags=3, purpose=PURPOSE, nonce=None, point=None):
    return (bytes([1, version]) + (nonce or os.urandom(32)) +
            (point or peer.public(os.urandom(32))) + bytes([len(ciphers), *ciphers, flags,
                                                            len(purpose)]) + purpose)


class Link(houses.OneHouse):
    kind, words = linked.House, MANY

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.house.policy(cls.house.own())

    def ends(self, count, since):
        """The reasons of the records of ends since then, when there are so many."""
        return houses.until(lambda: (lambda got: got if len(got) >= count else None)(
            [row["reason"] for row in self.house.records("end")[since:]]), 10)

    def answered(self, message, *more):
        """What the house says to something that comes first in a channel."""
        with Socket(self.house) as end:
            end.channel = None
            end.send(message, *more)
            return refusal(end)


class TestTalk(Link):
    @staticmethod
    def values(count):
        """A ping of so many values: itself, its type, a list, and what is in that."""
        return b'{"type":"ping","a":[' + b"1," * (count - 4) + b"1]}"

    def test_a_peer_is_let_in_and_heard(self):
        before = len(self.house.records("end"))
        for tls in (True, False):
            with self.subTest(tls=tls), Peer(self.house, tls=tls) as end:
                self.assertEqual(end.ask(type="ping", message_id="m\u00e9", text="a\"b"),
                                 {"type": "pong", "message_id": "m\u00e9", "text": "a\"b"})
                self.assertEqual(end.ask(type="ping"), {"type": "pong"})
                end.tell(type="heartbeat", status="ok")
                end.tell(type="logs", message="all is\x1b[31m well" + "!" * 600)
                for said, code, name in (({"type": "nothing"}, "LINK_MESSAGE_UNKNOWN", None),
                                         ({"type": "logs"}, "LINK_MESSAGE_INVALID", None),
                                         ({"type": 7}, "LINK_MESSAGE_INVALID", None),
                                         ({"type": "orm_query", "payload": {"query_id": "q"}},
                                          "LINK_MESSAGE_REFUSED", "q"),
                                         ({"type": "x", "query_id": "r", "message_id": 1},
                                          "LINK_MESSAGE_UNKNOWN", "r"),
                                         ({"type": "x", "message_id": "n" * 126},
                                          "LINK_MESSAGE_UNKNOWN", "n" * 126),
                                         ({"type": "x", "message_id": "n" * 127},
                                          "LINK_MESSAGE_UNKNOWN", None)):
                    got = end.ask(**said)
                    self.assertEqual((got["type"], got["code"], got.get("message_id")),
                                     ("error", code, name))
                for text in (b"", b"[]", b"{", b'{"type":"ping","type":"ping"}', b"\xff",
                             b"[" * 60000, b'{"a":1}', self.values(4097)):
                    end.say(end.channel.send(text))
                    self.assertEqual(end.hear()["code"], "LINK_MESSAGE_INVALID")
                end.say(end.channel.send(self.values(4096)))
                self.assertEqual(end.hear(), {"type": "pong"})
                end.tell(type="end")
                self.assertEqual(end.channel.take(end.receive()), (peer.CLOSE, b""))
                self.assertEqual(end.ends(), "1000")
        self.assertEqual(self.ends(2, before), ["OK", "OK"])
        opened = self.house.rows("open")[-1]
        details = json.loads(opened["details"])
        self.assertEqual((opened["actor_type"], opened["actor_id"], details["hardware"]),
                         ("Node", details["identity"][:32], False))
        note = self.house.rows("note")[-1]
        self.assertEqual(json.loads(note["details"])["text"], "all is\x1b[31m well" + "!" * 496)
        self.assertNotIn(b"\x1b", base64.b64decode(note["line"]))

    def test_close_and_rekey(self):
        with Peer(self.house) as end:
            end.say(end.channel.rekey())
            self.assertEqual(end.ask(type="ping")["type"], "pong")
            end.say(end.channel.close())
            self.assertEqual(end.channel.take(end.receive()), (peer.CLOSE, b""))
            self.assertEqual(end.ends(), "1000")

    def test_large_messages_in_pieces(self):
        with Peer(self.house) as end:
            text = "x" * (65536 - len(json.dumps({"type": "ping", "text": ""})))
            message = end.channel.send(json.dumps({"type": "ping", "text": text}).encode())
            size = len(message) // 10
            parts = [message[at:at + size] for at in range(0, len(message), size)]
            for number, part in enumerate(parts):
                end.end.sendall(end.frame(part, 2 if number == 0 else 0, part is parts[-1]))
            self.assertEqual(len(end.hear()["text"]), len(text))
            # Many small ones at once are answered in their order.
            end.end.sendall(b"".join(end.frame(end.channel.send(
                json.dumps({"type": "ping", "text": str(number)}).encode()))
                for number in range(200)))
            self.assertEqual([end.hear()["text"] for _ in range(200)],
                             [str(number) for number in range(200)])

    def test_who_asks_for_something_else(self):
        house = self.house
        with Socket(house, fields=("X-Unknown: 1",)) as end:
            self.assertEqual(end.status, 101)
        for path in ("/v1/channel/", "/v1/channels"):
            with Socket(house, path=path) as end:
                self.assertEqual((end.status, end.problem), (404, "HTTP_ROUTE_UNKNOWN"))
        status, said = house.ask("/v1/channel", tls=True)
        self.assertEqual((status, said["code"]), (400, "WEBSOCKET_HANDSHAKE"))
        status, said = house.ask("/v1/channel", tls=True, body="{}")
        self.assertEqual((status, said["code"]), (404, "HTTP_ROUTE_UNKNOWN"))


class TestSession(Link):
    def granted(self, end):
        who = signer.Signer()
        said = end.ask(type="session", public_key=who.key(), message_id="s")
        self.assertEqual((said["type"], said["message_id"], len(said["token"])),
                         ("session", "s", 43), said)
        self.assertAlmostEqual(said["expires_at"], time.time() + 3600, delta=60)
        who.token = said["token"]
        return who

    def asks(self, who, method="GET", path="/v1/session", body=b""):
        """(status, object) of a request over TLS that this key has signed."""
        trust = ssl.create_default_context(cafile=self.house.state / "ca.pem")
        end = houses.http.client.HTTPSConnection("localhost", self.house.port, timeout=10,
                                                 context=trust)
        fields = who.sign(method, path, body, host=f"localhost:{self.house.port}",
                          type="application/json" if body else "")
        if body:
            fields["Content-Type"] = "application/json"
        try:
            status, _, said = contract.ask(end, method, path, body or None, fields)
            return status, json.loads(said)
        finally:
            end.close()

    def test_a_session_lives_as_long_as_its_channel(self):
        house = self.house
        with Peer(house) as end:
            for said in ({}, {"public_key": "AAAA"}, {"public_key": "*"}, {"public_key": 1}):
                self.assertEqual(end.ask(type="session", **said)["code"], "LINK_MESSAGE_INVALID")
            first = self.granted(end)
            status, said = self.asks(first)
            self.assertEqual((status, said["id"], said.get("vouched", False)),
                             (200, first.id(), False), said)
            # One at a time: another key is another session.
            second = self.granted(end)
            self.assertEqual(self.asks(second)[0], 200)
            self.assertEqual(self.asks(first)[0], 401)
            end.tell(type="end")
            end.ends()
        houses.until(lambda: self.asks(second)[0] == 401)

    def test_the_example_of_libward(self):
        tee = self.house.state / "tee"
        policy = self.house.base / "example.toml"
        policy.write_text("hardware = false\n")
        words = [houses.BUILD / "tests/channel/example_session", self.house.state, policy]
        files = [tee / "root.pem", *sorted((tee / "collateral").iterdir())]
        done = subprocess.run([*words, *files], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("HTTP/1.1 200 OK", done.stdout)
        shown = json.loads(done.stdout[done.stdout.index("{"):])
        self.assertEqual((shown["profile"], shown["unbound"]), ("v2", False))
        policy.write_text(f'tdx.mrtd = ["{"00" * 48}"]\n')
        done = subprocess.run([*words, *files], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "CHANNEL_EVIDENCE_DENIED.*POLICY_MEASUREMENT")

    def test_what_ends_a_session_ends_its_channel(self):
        house = self.house
        with Peer(house) as end:
            who = self.granted(end)
            self.assertEqual(self.asks(who, "POST", "/v1/session/end", b"{}")[0], 200)
            self.assertEqual(refusal(end), "LINK_SESSION_ENDED")
        with Peer(house) as end:
            who = self.granted(end)
            status, said = house.ask("/v1/sessions/revoke", body=json.dumps({"id": who.id()}))
            self.assertEqual(status, 200, said)
            self.assertEqual(refusal(end), "LINK_SESSION_ENDED")
        # A core that falls knows of no channel any more, and of no session that rests on one.
        with Peer(house) as end:
            who = self.granted(end)
            os.kill(house.processes()["core"], 9)
            self.assertEqual(refusal(end), "HOUSE_UNAVAILABLE")
            house.until_works(20)
            houses.until(lambda: self.asks(who)[0] == 401, 20, 0.2)
        with Peer(house) as end:
            who = self.granted(end)
            house.policy(linked.NOTHING)
            self.assertEqual(refusal(end), "PCK_ROOT_UNTRUSTED")
            houses.until(lambda: self.asks(who)[0] == 401)
            house.policy(house.own())


class TestShake(Link):
    def test_only_the_next_message_is_taken(self):  # proves: PC-24
        house = self.house
        for first in range(256):
            with self.subTest(first=first):
                self.assertEqual(self.answered(bytes([first, 2]) + bytes(70)),
                                 "CHANNEL_MALFORMED" if first == 1 else "CHANNEL_UNEXPECTED")
        self.assertEqual(self.answered(b""), "CHANNEL_MALFORMED")
        self.assertEqual(self.answered(b"{}", linked.TEXT), "CHANNEL_MALFORMED")
        # What the other role says, in a handshake that has keys.
        for message, reason in ((b"\1\2" + bytes(20), "CHANNEL_UNEXPECTED"),
                                (b"\2\2" + bytes(90), "CHANNEL_UNEXPECTED"),
                                (b"\7" + bytes(40), "CHANNEL_UNEXPECTED"),
                                (b"\3\2" + bytes(40), "CHANNEL_TRANSCRIPT"),
                                (b"\3\2", "CHANNEL_MALFORMED"),
                                (b"\3\3" + bytes(40), "CHANNEL_VERSION")):
            with self.subTest(message), Peer(house, until="finish") as end:
                end.send(message)
                self.assertEqual(refusal(end), reason)
        # While core is asked: the second HELLO comes before the answer to the first.
        with Socket(house) as end:
            end.channel = None
            hello = end.frame(raw_hello())
            end.end.sendall(hello + hello)
            self.assertEqual(refusal(end), "CHANNEL_UNEXPECTED")

    def test_downgrades(self):  # proves: RL-18
        for version in (0, 1, 3, 255):
            self.assertEqual(self.answered(raw_hello(version=version)), "CHANNEL_VERSION")
        for ciphers, reason in (((0,), "CHANNEL_MALFORMED"), ((3,), "CHANNEL_MALFORMED"),
                                ((1, 1), "CHANNEL_MALFORMED"), ((), "CHANNEL_MALFORMED"),
                                ((1, 2, 3), "CHANNEL_MALFORMED")):
            self.assertEqual(self.answered(raw_hello(ciphers=ciphers)), reason)
        # Without evidence of the peer there is no channel, whatever it says of the house's.
        for flags, reason in ((0, "CHANNEL_EVIDENCE_REQUIRED"), (2, "CHANNEL_EVIDENCE_REQUIRED"),
                              (4, "CHANNEL_MALFORMED"), (255, "CHANNEL_MALFORMED")):
            self.assertEqual(self.answered(raw_hello(flags=flags)), reason)
        for purpose in (b"ward-house2", b"ward-hous", b"sdk-v1"):
            self.assertEqual(self.answered(raw_hello(purpose=purpose)), "CHANNEL_PURPOSE")
        begin = json.dumps({"type": "attestation_begin", "nonce": "00" * 32,
                            "val_x25519_pub": base64.b64encode(bytes(32)).decode()}).encode()
        self.assertEqual(self.answered(begin, linked.TEXT), "closed 1009")  # longer than any HELLO
        # What was agreed on is in the transcript: an edit on the way is found by who reads it.
        for at, bit in ((66, 3), (67, 1), (2, 1)):
            with self.subTest(at=at), Peer(self.house, until="hello") as end:
                hello = end.channel.hello()
                end.send(hello)
                accept = bytearray(end.receive())
                accept[at] ^= bit
                with self.assertRaises((peer.Refused,)):
                    end.channel.finish(bytes(accept))
        with Peer(self.house, until="hello") as end:  # an offer taken away on the way
            end.channel.hello()
            end.send(raw_hello(ciphers=(2,), nonce=end.channel.nonce,
                               point=peer.public(end.channel.secret)))
            with self.assertRaises(peer.Refused):
                end.channel.finish(end.receive())
        old = ssl.create_default_context(cafile=self.house.state / "ca.pem")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.assertRaises(ssl.SSLError):
            self.house.socket(context=old)
        # Another protocol than HTTP/1.1 leads to none, or to one that has no channels.
        for protocol, ended in (("sdk-v1", ssl.SSLError), ("h2", linked.Closed)):
            other = ssl.create_default_context(cafile=self.house.state / "ca.pem")
            other.set_alpn_protocols([protocol])
            with self.subTest(protocol), self.assertRaises(ended):
                Socket(self.house, context=other)
        for point in (bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f",
                      b"\xed" + b"\xff" * 30 + b"\x7f", b"\xff" * 32):
            self.assertEqual(self.answered(raw_hello(point=point)), "CHANNEL_KEY")

    def test_a_relay_has_genuine_evidence_and_nothing_else(self):  # proves: RL-15
        """Somebody between an approved peer and the house, with keys of its own on either side."""
        house = self.house
        theirs = peer.Channel(os.urandom(32), os.urandom(32), purpose=PURPOSE,
                              quote=house.evidence, judge=linked.bears)
        shown = {}

        def divert(report_data):
            """The approved peer makes evidence for whom it believes to be the house."""
            mine = peer.Channel(os.urandom(32), os.urandom(32), purpose=PURPOSE,
                                quote=lambda _: shown["house"], judge=lambda _, *found:
                                shown.update(peer=found) or True)
            # To the peer the relay says that it wants nothing shown; else the peer refuses it.
            theirs.judge = None
            mine.quote = None
            mine.open(theirs.finish(mine.accept(theirs.hello())))
            return shown["peer"]
        with Peer(house, until="finish", quote=divert) as end:
            end.say(end.held)
            self.assertEqual(refusal(end), "POLICY_REPORT_DATA")
        # The control: with nothing said of what it is bound to, the same evidence is good.
        kind, quote, log = shown["peer"]
        status, said = house.ask("/v1/attest/verify", body=json.dumps(
            {"evidence": base64.b64encode(quote).decode(), "policy": house.own(),
             "event_log": base64.b64encode(log).decode(),
             "collateral": [base64.b64encode(each.read_bytes()).decode()
                            for each in sorted((house.state / "tee/collateral").iterdir())]}))
        self.assertEqual((status, said["reason"], kind), (200, "OK", 1))
        # And the house's own, shown to a peer by somebody who is not the house.
        with Peer(house, until="hello", judge=lambda _, *found: shown.update(house=found) or True) \
                as end:
            end.say(end.channel.hello())
            end.channel.finish(end.receive())
        victim = peer.Channel(os.urandom(32), os.urandom(32), purpose=PURPOSE,
                              quote=house.evidence, judge=linked.bears)
        relay = peer.Channel(os.urandom(32), os.urandom(32), purpose=PURPOSE,
                             quote=lambda _: shown["house"], judge=lambda *_: True)
        with self.assertRaisesRegex(peer.Refused, "CHANNEL_EVIDENCE_DENIED"):
            victim.finish(relay.accept(victim.hello()))

    def test_evidence_that_is_none(self):
        house = self.house
        kind, quote, log = house.evidence(bytes(64))
        for made, reason in (((2, quote, log), None), ((3, quote, log), None),
                             ((1, quote[:-1], log), None), ((1, b"\0", b""), None),
                             ((1, quote, log), "POLICY_REPORT_DATA"),
                             ((1, bytes(range(256)) * 256, b""), None)):
            with self.subTest(kind=made[0], size=len(made[1])), \
                    Peer(house, until="finish", quote=lambda _, made=made: made) as end:
                before = len(house.records("refuse"))
                end.say(end.held)
                got = refusal(end)
                self.assertTrue(got == reason if reason else got.startswith(("QUOTE_", "EVIDENCE_",
                                                                             "NITRO_", "TYPE_")), got)
                told = houses.until(lambda before=before: house.records("refuse")[before:])
                self.assertEqual(told[-1]["reason"], got)
        for made, reason in (((0, b"", b""), "CHANNEL_EVIDENCE_REQUIRED"),
                             ((1, b"", b""), "CHANNEL_MALFORMED"),
                             ((4, quote, b""), "CHANNEL_MALFORMED")):
            with self.subTest(reason), \
                    Peer(house, until="finish", quote=lambda _, made=made: made) as end:
                end.say(end.held)
                self.assertEqual(refusal(end), reason)

    def test_replays(self):  # proves: RL-13, PC-33
        """Each message that was ever sent, again: at once, later in the same channel, in another
        channel, and after front began anew."""
        house = self.house
        with Peer(house) as first:
            for number in range(3):
                first.ask(type="ping", text=str(number))
            recorded = list(first.sent)
        hello, finish, *datas = recorded

        def in_another():
            for message in (finish, *datas):
                with self.subTest(message[:1]), Peer(house, until="hello") as end:
                    end.send(message)
                    self.assertEqual(refusal(end), "closed 1009" if message is finish else
                                     "CHANNEL_UNEXPECTED")
            with Peer(house, until="hello") as end:
                end.send(hello)  # a good one, of somebody who has not its secret
                self.assertEqual(end.receive()[:2], b"\2\2")
                end.send(finish)
                self.assertEqual(end.ends(), "1008")
            with Peer(house) as end:
                end.send(datas[0])
                self.assertEqual(refusal(end), "CHANNEL_TAMPERED")
        in_another()
        for again in range(5):
            with Peer(house) as end:
                for number in range(3):
                    end.ask(type="ping", text=str(number))
                end.send(end.sent[again])
                self.assertEqual(refusal(end),
                                 "CHANNEL_UNEXPECTED" if again < 2 else "CHANNEL_REPLAY")
        pid = house.processes()["front"]
        os.kill(pid, 9)
        houses.until(lambda: house.processes().get("front", pid) != pid, 20)
        house.until_works(20)
        in_another()

    def test_records_that_were_tampered_with(self):  # proves: PC-33
        house = self.house

        def pings(end, count):
            return [end.channel.send(json.dumps({"type": "ping", "text": str(n)}).encode())
                    for n in range(count)]

        def flipped(message, at):
            return message[:at] + bytes([message[at] ^ 1]) + message[at + 1:]
        for change, reason in ((lambda m: [m[1]], "CHANNEL_GAP"),
                               (lambda m: [m[0], m[0]], "CHANNEL_REPLAY"),
                               (lambda m: [flipped(m[0], 13)], "CHANNEL_TAMPERED"),
                               (lambda m: [flipped(m[0], len(m[0]) - 1)], "CHANNEL_TAMPERED"),
                               (lambda m: [flipped(m[0], 2)], "CHANNEL_EPOCH"),
                               (lambda m: [m[0][:-1]], "CHANNEL_TAMPERED"),
                               (lambda m: [m[0][:20]], "CHANNEL_MALFORMED")):
            with self.subTest(reason), Peer(house) as end:
                before = len(house.records("end"))
                for message in change(pings(end, 2)):
                    end.send(message)
                self.assertEqual(refusal(end), reason)
                self.assertEqual(self.ends(1, before), [reason])
        with Peer(house) as end:  # its own words, back to it
            end.tell(type="ping")
            message = end.receive()
            end.channel.take(message)
            end.send(message)
            self.assertEqual(refusal(end), "CHANNEL_TAMPERED")


class TestLimits(Link):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.silent = [Socket(cls.house), Peer(cls.house, until="finish")]
        cls.since = time.monotonic()

    @classmethod
    def tearDownClass(cls):
        for end in cls.silent:
            end.end.close()
        super().tearDownClass()

    def test_whoever_is_silent_is_cut_at_the_deadline(self):  # proves: PC-25
        """By the timer, though nothing was ever sent; the other tests run meanwhile."""
        self.silent[0].channel = None
        for end in self.silent:
            end.end.settimeout(HANDSHAKE + 5)
            self.assertEqual(refusal(end), "CHANNEL_TIMEOUT")
            self.assertAlmostEqual(time.monotonic() - self.since, HANDSHAKE, delta=3)

    def test_what_is_too_large_is_refused_by_its_head(self):  # proves: PC-34
        house = self.house
        most = 128 << 10
        head = len(peer.evidence_bytes(0)) + 2 + 16
        for until, size, code in (("hello", 135, None), ("hello", 136, "1009"),
                                  ("hello", 1 << 40, "1009"), ("finish", most + head, None),
                                  ("finish", most + head + 1, "1009"), ("open", 65536 + 29, None),
                                  ("open", 65536 + 30, "1009"), ("open", (1 << 63) - 1, "1009")):
            with self.subTest(until=until, size=size), Peer(house, until=until) as end:
                frame = bytes([0x82, 0xFF]) + struct.pack(">Q", size) + bytes(4) if size > 65535 \
                    else bytes([0x82, 0xFE]) + struct.pack(">H", size) + bytes(4)
                end.end.sendall(frame + b"\7")
                if code:
                    self.assertEqual(end.ends(), code)
                else:
                    end.end.settimeout(0.2)
                    self.assertRaises(TimeoutError, end.receive)
        half = most // 2
        for sizes, wanted in (((half, half), "QUOTE_"), ((half + 1, 9), "CHANNEL_TOO_LARGE"),
                              ((9, half + 1), "CHANNEL_TOO_LARGE"),
                              ((half, half + 1), "closed 1009")):
            with self.subTest(sizes=sizes), \
                    Peer(house, until="finish", quote=lambda _, sizes=sizes:
                         (1, bytes(sizes[0]), bytes(sizes[1]))) as end:
                end.say(end.held)
                got = refusal(end)
                self.assertTrue(got.startswith(wanted), got)

    def test_too_many_pieces_and_pings(self):
        with Peer(self.house) as end:  # as many as there may be
            message = end.channel.send(b'{"type":"ping","text":"' + b"x" * 64 + b'"}')
            parts = [message[at:at + 1] for at in range(63)] + [message[63:]]
            end.end.sendall(b"".join(end.frame(part, 0 if at else 2, at == 63)
                                     for at, part in enumerate(parts)))
            self.assertEqual(end.hear(), {"type": "pong", "text": "x" * 64})
            end.end.sendall(end.frame(b"", linked.PING) * 8)
            self.assertEqual(end.ask(type="ping"), {"type": "pong"})
        for frames, code in ((lambda end: [end.frame(b"\7", 2, False)] +
                              [end.frame(b"", 0, False)] * 64, "1008"),
                             (lambda end: [end.frame(b"", linked.PING)] * 9, "1008"),
                             (lambda end: [end.frame(b"", 3)], "1002")):
            with Peer(self.house) as end:
                end.end.sendall(b"".join(frames(end)))
                self.assertEqual(end.ends(), code)

    def test_slow_senders_are_cut(self):  # proves: PC-34
        house = self.house
        begin, before = time.monotonic(), house.metrics()["slow_total"]
        with Peer(house, until="finish") as shaking, Peer(house) as talking, Peer(house) as other:
            slow = [(shaking, shaking.frame(shaking.held)),
                    (talking, talking.frame(talking.channel.send(bytes(1000))))]
            for end, frame in slow:
                end.end.sendall(frame[:40])
            sent = 40
            while len(slow) > 0 and time.monotonic() - begin < 15:
                sent += 1
                for end, frame in list(slow):
                    try:
                        end.end.sendall(frame[sent:sent + 1])
                        end.end.settimeout(0.25)
                        end.receive()
                    except TimeoutError:
                        continue
                    except (linked.Closed, OSError):
                        slow.remove((end, frame))
            self.assertEqual(slow, [])
            self.assertEqual(house.metrics()["slow_total"] - before, 2)
            self.assertEqual(other.ask(type="ping"), {"type": "pong"})

    def test_half_open_ones_cost_nobody_a_place(self):
        house = self.house
        with Peer(house, source="127.0.0.7") as inside:
            half = [Socket(house, source="127.0.0.9") for _ in range(8)]
            self.assertEqual([end.status for end in half], [101] * 8)
            with Socket(house, source="127.0.0.9") as end:
                self.assertEqual((end.status, end.problem), (429, "LINK_TOO_MANY_HALF"))
            with Peer(house, source="127.0.0.10") as end:  # another address
                self.assertEqual(end.ask(type="ping"), {"type": "pong"})
            half.pop().end.close()
            houses.until(lambda: house.metrics()["channels_half_open"] == 7 + len(self.silent))
            with Peer(house, source="127.0.0.9") as end:
                self.assertEqual(end.ask(type="ping"), {"type": "pong"})
            # Whoever has few takes the place of the oldest of those who have many.
            for number in range(64):
                half.append(Socket(house, source=f"127.0.1.{number // 8 + 1}"))
                self.assertIn(half[-1].problem, (None, "LINK_TOO_MANY_HALF"))
            self.assertEqual(house.metrics()["channels_half_open"], 64)
            with Peer(house, source="127.0.0.10") as end:
                self.assertEqual(end.ask(type="ping"), {"type": "pong"})
            self.assertEqual(refusal(half[7]), "LINK_TOO_MANY_HALF")
            self.assertEqual(inside.ask(type="ping"), {"type": "pong"})
            for end in half:
                end.end.close()
        houses.until(lambda: house.metrics()["channels_half_open"] == len(self.silent))

    def test_who_says_hello_has_quotes_made_so_often_and_no_more(self):
        """For all addresses together. The one test behind it wants no quote."""
        house, refused = self.house, set()
        half = [Peer(house, until="hello", source=f"127.0.2.{number // 7 + 1}")
                for number in range(55)]
        for end in half:
            end.say(end.channel.hello())
        for end in half:
            message = end.receive()
            if message[:1] == bytes([linked.peer.REFUSE]):
                refused.add(message[3:].decode())
            end.end.close()
        self.assertIn("ADMIT_RATE_LIMITED", refused)
        houses.until(lambda: house.metrics()["channels_half_open"] == len(self.silent))

    def test_a_connection_that_ends_is_no_end_of_a_channel(self):  # proves: RL-17
        """FIN and RST in every part of a record and of the frame around it, and a Close frame, are
        truncation; the record that was cut is not heard."""
        house = self.house
        before = len(house.records("end"))
        cuts = 0
        for how in ("fin", "rst", "close"):
            for at in (0, 1, 2, 6, 7, 19, 20, 30, 45) if how != "close" else (0,):
                with Peer(house) as end:
                    frame = end.frame(end.channel.send(b'{"type":"logs","message":"cut"}'))
                    end.end.sendall(frame[:at])
                    if how == "close":
                        end.send(b"\x03\xe8", linked.CLOSE)
                        self.assertEqual(end.ends(), "1000")
                    elif how == "rst":
                        end.end.setsockopt(linked.socket.SOL_SOCKET, linked.socket.SO_LINGER,
                                           struct.pack("ii", 1, 0))
                    cuts += 1
        self.assertEqual(self.ends(cuts, before), ["CHANNEL_TRUNCATED"] * cuts)
        self.assertNotIn("cut", [row["text"] for row in house.records("note")])


if __name__ == "__main__":
    tap.main()
