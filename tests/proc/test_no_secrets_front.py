"""test_no_secrets_front.py - whoever is refused by a house before he is understood, and those whom it
refuses for what they have: requests that are none, connections beyond what one may have, slow ones,
tokens signed with the house's own key, bans without end. tests/leaks.py looks for secrets behind
each. Where nobody is told a reason the test says by what it knows that it came."""

import base64
import contextlib
import hashlib
import json
import os
import time
import unittest

import front_house as house
import leaks
import linked
import tap
from house import until
from peers_house import Case, peer
from signer import Signer
from test_tokens import GOOD, signed, unpacked

TYPE = "Content-Type: application/json"
RESETS, PING_FRAME = 3000, b"\0\0\x08\6\0\0\0\0\0" + bytes(8)
HEADS = (
    "POST /v1/keyring/rotate HTTP/1.1\r\nHost: a\r\nContent-Type: a\r\nContent-Type: b\r\n"
    "Content-Length: 0\r\n\r\n", "POST /v1/keyring/rotate HTTP/1.0\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")
LIMITLESS = {"requests_per_second": 100000, "requests_burst": 100000}
GONE = (OSError, TimeoutError, EOFError)


def told(reason):
    """Nobody is told it: the test knows that it came."""
    leaks.hear(reason)


def lost(end):
    """Whether the house has ended a connection."""
    try:
        while True:
            if not end.recv(65536):
                return True
    except TimeoutError:
        return False
    except OSError:
        return True


@unittest.skipUnless(os.geteuid() == 0, "needs root: the memory of others")
class Front(unittest.TestCase):
    def grows(self, one, name, act, reason):
        """What `act` does makes a counter of the house grow, for which there is one reason."""
        before = one.metrics()[name]
        act()
        until(lambda: one.metrics()[name] > before, 60)
        told(reason)

    def test_requests_that_are_none(self):
        with house.House(header_seconds=1, **LIMITLESS) as one:
            for head in HEADS:
                for opened in (one.plain, one.tls):
                    with opened() as end, contextlib.suppress(*GONE):
                        end.sendall(head.encode())
                        end.settimeout(0.5)
                        self.assertIn(b"\"code\"", end.recv(65536))
            for opened in (one.plain, one.tls):
                with opened() as end:
                    end.sendall(b"GET / HTTP/1.1\r\nHost: a")
                    end.settimeout(20)
                    self.assertIn(b"HTTP_TIMEOUT", house.read_all(end))
            peer = one.grant(Signer())
            shows = ("GET", "/v1/session")
            with one.tls() as end:
                until(lambda: house.ask(end, *shows, peer.lines(*shows))[0] == 200)
            kind = "text/plain; x=" + "y" * 400
            fields = peer.sign("GET", "/v1/session", type=kind) | {"Content-Type": kind}
            with one.tls() as end:
                said = house.ask(end, "GET", "/v1/session", [f"{name}: {value}" for name, value in
                                                             fields.items()])[2]
            self.assertIn(b"SIGNED_TEXT", said)
            self.assertNotIn("bad message", one.log())

    def test_what_is_not_http2(self):
        with house.House(**LIMITLESS) as one:
            for frames, code, reason in ((b"\0\0\0\x09\4\0\0\0\0", 1, "HTTP2_PROTOCOL"),
                                         (PING_FRAME * RESETS, 11, "HTTP2_ABUSE")):
                with self.subTest(reason), one.tls("h2") as end:
                    client = house.H2(end)
                    client.take()
                    with contextlib.suppress(*GONE):
                        end.sendall(frames)
                    with contextlib.suppress(*GONE):
                        while client.take():
                            pass
                    self.assertEqual(client.goaway, code)
                    told(reason)

    def test_more_than_one_may_have(self):
        with house.House(connections=8, connections_per_address=4, **LIMITLESS) as one, \
                contextlib.ExitStack() as stack:
            def enters(source):
                end = stack.enter_context(one.tls("h2", source=source))
                self.assertEqual(house.H2(end).call("/grpc.health.v1.Health/Check")[0], 0)

            def comes(source):
                with contextlib.suppress(*GONE):
                    stack.enter_context(one.tls("h2", source=source, timeout=5))

            for _ in range(4):
                enters("127.0.0.9")
            self.grows(one, "refused_total", lambda: comes("127.0.0.9"), "ADMIT_TOO_MANY_FROM_ADDRESS")
            for number in range(4):
                enters(f"127.0.1.{number + 1}")
            self.grows(one, "refused_total", lambda: comes("127.0.2.1"), "ADMIT_TOO_MANY_CONNECTIONS")

    def test_half_open(self):
        with house.House(connections=200, connections_per_address=8, header_seconds=60,
                         **LIMITLESS) as one, contextlib.ExitStack() as stack:
            def comes(source):
                return stack.enter_context(one.tcp(source=source, timeout=20))

            self.grows(one, "refused_total", lambda: [comes("127.0.4.1") for _ in range(12)],
                       "ADMIT_TOO_MANY_HANDSHAKES")
            first = comes("127.0.3.250")
            for number in range(60):
                comes(f"127.0.3.{number + 1}")
            self.assertTrue(lost(first))  # the oldest gave way
            told("ADMIT_REPLACED")

    def test_slow_ones(self):
        with house.House(header_seconds=1, idle_seconds=2, **LIMITLESS) as one:
            with one.tcp() as mute:
                self.grows(one, "slow_total", lambda: self.assertTrue(lost(mute)),
                           "ADMIT_SLOW_HANDSHAKE")
            with one.tls() as end:
                end.sendall(b"GET / HTTP/1.1\r\nX: ")
                self.grows(one, "slow_total", lambda: house.read_all(end), "ADMIT_SLOW_HEADERS")
            with one.tls() as end:
                house.ask(end, "GET", "/v1/system/ping")
                self.assertTrue(lost(end))
                told("ADMIT_IDLE")

    def test_who_does_not_read(self):
        """More answers than the kernel keeps for an end of a local socket."""
        with house.House(**LIMITLESS) as one, one.plain() as end:
            ask = house.request("GET", "/metrics")
            self.grows(one, "slow_total", lambda: end.sendall(ask * 60), "ADMIT_SLOW_READER")
            self.assertTrue(lost(end))

    def test_half_a_message(self):
        """In a channel: of a request's body the reason is HTTP_TIMEOUT."""
        with linked.House() as one:
            one.up()
            one.policy(one.own())
            with linked.Peer(one) as end:
                end.ask(type="ping")
                end.end.sendall(end.frame(bytes(2000))[:100])
                self.grows(one, "slow_total", lambda: None, "ADMIT_SLOW_BODY")

    def test_too_many_requests(self):
        with house.House(requests_per_second=1, requests_burst=3) as one, one.tls() as end:
            for _ in range(9):
                said = house.ask(end, "GET", "/v1/system/ping")[2]
                if b"ADMIT_RATE_LIMITED" in said:
                    break
            self.assertIn(b"ADMIT_RATE_LIMITED", said)

    def test_bans_without_end(self):
        """Eight addresses share a place; which ones is a secret, so it takes many."""
        with house.House(**LIMITLESS) as one, one.plain(30) as end:
            for number in range(1 << 16):
                body = {"address": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"}
                status, _, said = house.ask(end, "POST", "/v1/admission/impose", [TYPE],
                                            json.dumps(body).encode())
                if status != 200:
                    break
            self.assertIn(b"ADMIT_BANS_FULL", said)

    def test_tokens_with_the_house_s_own_key(self):
        """What only who has the key can make: other claims in a token that is signed well."""
        with house.House(config="[peers.sums]\nurl = \"wss://challenge.example/sdk/ws\"\n"
                         "public = \"http://127.0.0.1:1\"\n", **LIMITLESS) as one:
            def post(path, value):
                with one.plain() as end:
                    return json.loads(house.ask(end, "POST", path, [TYPE],
                                                json.dumps(value).encode())[2])

            until(lambda: "token" in post("/v1/token/issue", GOOD))
            token = post("/v1/token/issue", GOOD)["token"]
            head, claims = (json.loads(unpacked(part)) for part in token.split(".")[:2])
            later = {name: claims[name] + 3600 for name in ("iat", "nbf", "exp")}
            digest = base64.b64encode(hashlib.sha256(b"{}").digest()).decode()
            secrets = leaks.secrets_of(one.state, f"{one.state}.seal")[1:]
            for change, code in ((later, "MINER_TOKEN_EARLY"),
                                 ({"iss": "ward.local/another"}, "MINER_TOKEN_ISSUER")):
                said = [post("/v1/token/redeem", {
                    "challenge": "sums", "route": "submit", "method": "POST", "query": "",
                    "body_hash": digest, "token": signed(head, claims | change, seed)}).get("code")
                    for seed in secrets]
                self.assertIn(code, said)

    def test_a_session_that_is_replaced(self):
        with linked.House() as one:
            one.up()
            one.policy(one.own())
            with linked.Peer(one) as end:
                for _ in range(2):
                    end.ask(type="session", public_key=Signer().key(), message_id="s")
                until(lambda: "LINK_SESSION_REPLACED" in json.dumps(
                    one.ask("/v1/audit/records?limit=1000")[1]))


class Outward(Case):
    """In a network whose addresses are not this machine's own, which nobody bans."""

    def test_one_who_is_banned(self):
        done = self.house.command("ban", "add", peer(1), "--state", self.house.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        before = self.house.metrics()["refused_total"]
        with contextlib.suppress(*GONE), self.house.tcp(source=peer(1), timeout=20) as end:
            self.assertTrue(lost(end))
        until(lambda: self.house.metrics()["refused_total"] > before)
        told("ADMIT_BANNED")


if __name__ == "__main__":
    tap.main()
