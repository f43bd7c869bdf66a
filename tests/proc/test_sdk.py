"""test_sdk.py - clients of profile sdk-v1 and a real house: a nonce, evidence that is judged, an
unbound session, sealed bodies; and whoever lies, repeats, floods, kills, or sits between the two."""

import concurrent.futures
import contextlib
import hashlib
import json
import os
import signal
import tempfile
import time
import unittest

import front_house
import sdk_house as house
import tap
from house import until
from signer import Signer

END = "/v1/session/end"
JSON = "application/json"


def report_data(nonce):
    return hashlib.sha256(nonce.encode()).digest()


def flipped(quote, at):
    return quote[:at] + bytes([quote[at] ^ 1]) + quote[at + 1:]


def of_compose(log, **changes):
    """The event log with these in its row of the compose hash."""
    return json.dumps([row | (changes if row["event"] == "compose-hash" else {})
                       for row in json.loads(log)])


class Sdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="ward-sdk-"))
        cls.guest = house.Guest(f"{cls.place}/guest")
        cls.addClassCleanup(cls.guest.close)
        cls.house = cls.enterClassContext(house.House(cls.guest, cls.place))
        cls.addresses = iter(f"127.2.0.{i}" for i in range(1, 250))
        cls.first = cls.house.ready()

    def client(self):
        """A client at an address of its own, whose share nobody else has a part in."""
        return house.Client(self.house, next(self.addresses))

    def let_in(self):
        client = self.client()
        status, said = client.bootstrap()
        self.assertEqual(status, 200, said)
        return client

    def refused(self, status, code, client=None, **changes):
        client = client or self.client()
        self.assertEqual(client.send(client.attest(**changes)), (status, code))

    def killed(self, name):
        self.house.wait_new(name, self.house.kill(name))
        until(lambda: self.house.metrics()["serving"] == 1)
        until(lambda: self.let_in().show()[0] == 200, 40, 0.3)

    # --- as it should be -----------------------------------------------------------------------

    def test_a_session(self):  # proves: PC-3
        """Its report data is over the nonce's characters and not over its bytes, as the WebSocket
        of the profile has it; and all that shows it says that it is unbound."""
        client = self.client()
        nonce = client.nonce()
        raw = self.guest.quote(hashlib.sha256(bytes.fromhex(nonce)).digest())
        self.refused(401, "POLICY_REPORT_DATA", client, nonce=nonce, evidence=raw)
        nonce = client.nonce()
        self.assertRegex(nonce, "^[0-9a-f]{64}$")
        self.assertEqual(client.send(client.attest(nonce))[0], 200)
        status, said = client.show()
        self.assertEqual((status, said["name"], said["profile"], said["vouched"], said["unbound"]),
                         (200, house.PEER, "sdk-v1", False, True))
        row = next(row for row in self.house.sessions() if row["id"] == client.signer.id())
        self.assertEqual((row["unbound"], row["vouched"], row["profile"]), (True, False, "sdk-v1"))
        text = self.house.command("session", "list", "--state", self.house.state).stdout
        self.assertRegex(text, f"{row['id'][:8]}.*unbound")
        record = next(row["details"] for row in self.house.records("session.grant")
                      if row["details"]["session"] == client.signer.id())
        self.assertEqual({name: record[name] for name in
                          ("basis", "profile", "unbound", "hardware")},
                         {"basis": "evidence", "profile": "sdk-v1", "unbound": True,
                          "hardware": False})
        self.assertEqual(client.post(END, client.seal("{}"))[0], 200)

    def test_both_spellings_of_a_quote(self):
        client = self.client()
        nonce = client.nonce()
        quote, log = self.guest.quote(report_data(nonce))
        self.assertEqual(client.send(client.attest(nonce, (quote, log), quote=house.b64(quote)))[0],
                         200)

    def test_over_http2(self):
        client = self.client()
        with self.house.tls("h2", source=client.source) as one:
            over = front_house.H2(one)
            said = over.wait(over.begin("POST", "/attestation/challenge"))
            nonce = json.loads(said["body"])["nonce"]
            body = json.dumps(client.attest(nonce)).encode()
            said = over.wait(over.begin("POST", "/attest", [("content-type", JSON)], body))
            self.assertEqual(said["fields"][":status"], "200")
            client.take(json.loads(said["body"]))
        self.assertEqual(client.post(END, client.seal("{}"))[0], 200)

    def test_sealed_bodies(self):
        """As RFC 8439 has them and as the SDK's client does, where a session has a key; sealed for
        another, changed, of another cipher, or of nothing they are not taken."""
        for quirk in (False, True):
            client = self.let_in()
            good = client.seal("{}", quirk)
            other = client.seal("{}", quirk, os.urandom(32))
            said = json.loads(good)
            self.assertEqual(client.post(END, other), (400, "CHANNEL_TAMPERED"))
            moved = json.dumps(said | {"nonce": house.b64(bytes(12))}).encode()
            self.assertEqual(client.post(END, moved), (400, "CHANNEL_TAMPERED"))
            self.assertEqual(client.post(END, client.seal("[]", quirk)), (400, "HTTP_BODY_INVALID"))
            self.assertEqual(client.post(END, client.seal(" " * 65, quirk)),
                             (413, "HTTP_BODY_TOO_LARGE"))
            self.assertEqual(client.post(END, client.seal(" " * 400, quirk)),
                             (413, "HTTP_BODY_TOO_LARGE"))
            self.assertEqual(client.post(END, good)[0], 200)
            self.assertEqual(client.show(), (401, "SESSION_UNKNOWN"))
            client = self.let_in()  # the SDK seals nothing, too, when it has nothing to say
            self.assertEqual(client.post(END, client.seal("", quirk))[0], 200)
        # Where there is no key nothing is opened: a session that the owner vouches for.
        plain = house.Client(self.house)
        self.house.grant(plain.signer, profile="sdk-v1")
        sealed = client.seal("{}", True)
        self.assertEqual(plain.post(END, sealed), (415, "HTTP_MEDIA_TYPE"))
        self.assertEqual(plain.post(END, sealed, kind=JSON), (413, "HTTP_BODY_TOO_LARGE"))
        # The room for a seal is no room for anything else, with a key or without.
        keyed = self.let_in()
        for client in (plain, keyed):
            for size in (65, 241):
                self.assertEqual(client.post(END, b"{}".ljust(size), kind=JSON),
                                 (413, "HTTP_BODY_TOO_LARGE"))
        self.assertEqual(keyed.post(END, b"{}".ljust(64), kind=JSON), (400, "SDK_PLAINTEXT"))
        self.assertEqual(plain.post(END, b"{}".ljust(64), kind=JSON)[0], 200)

    def test_nothing_in_the_clear(self):  # proves: PC-19
        """Refused after the signature is found good, in both versions, and its nonce is not used
        up; over gRPC, too.  What has no body has nothing to hide."""
        client = self.let_in()
        for version in (1, 2):
            self.assertEqual(client.post(END, b"{}", version), (415, "HTTP_MEDIA_TYPE"))
            self.assertEqual(client.post(END, b"{}", version, JSON, nonce="n" * 8),
                             (400, "SDK_PLAINTEXT"))
        stranger = house.Client(self.house)
        stranger.signer.token = client.signer.token
        self.assertEqual(stranger.post(END, b"{}", kind=JSON), (401, "SIGNED_KEY_FOREIGN"))
        self.assertEqual(client.post(END, client.seal("{}"), nonce="n" * 8)[0], 200)
        client = self.let_in()
        self.assertEqual(client.post(END)[0], 200)
        client = self.let_in()
        with self.house.tls("h2") as one:
            over = front_house.H2(one)
            call = "/ward.v1.Session/Show"  # over gRPC a message is there, be it empty
            head = [(name.lower(), value) for name, value in
                    client.signer.sign("POST", call, bytes(5), 1).items()]
            status, _, said = over.call(call, b"", head)
        self.assertEqual((status, "in the clear" in said["grpc-message"] or
                          "Seal the body" in said["grpc-message"]), (3, True), said)
        refused = [row["details"]["reason"] for row in self.house.records("access.refuse")]
        self.assertIn("SDK_PLAINTEXT", refused)
        self.assertEqual(client.show()[0], 200)

    # --- nonces --------------------------------------------------------------------------------

    def test_a_nonce_is_good_once(self):  # proves: PC-20
        """The last of its time are those of core's clock: test_sdk_clients.c."""
        client = self.client()
        body = client.attest()
        self.assertEqual(client.send(body)[0], 200)
        self.assertEqual(client.send(body), (401, "SDK_NONCE_UNKNOWN"))  # a replay
        self.refused(401, "SDK_NONCE_UNKNOWN", nonce="00" * 32)
        self.refused(401, "SDK_NONCE_UNKNOWN", nonce=os.urandom(32).hex())
        nonce = client.nonce()
        self.refused(400, "CHANNEL_MALFORMED", client, nonce="AB" * 32)
        self.refused(400, "CHANNEL_MALFORMED", client, nonce=nonce[:-2])
        # Used up by evidence that is no good, too.
        quote, log = self.guest.quote(bytes(32))
        self.refused(401, "POLICY_REPORT_DATA", client, nonce=nonce, evidence=(quote, log))
        self.refused(401, "SDK_NONCE_UNKNOWN", client, nonce=nonce)

    def test_a_flood_of_nonces(self):
        """An address pushes out its own, and nobody else's."""
        quiet, loud = self.client(), self.client()
        before = quiet.nonce()
        nonces = [loud.nonce() for _ in range(17)]
        self.refused(401, "SDK_NONCE_UNKNOWN", loud, nonce=nonces[0])
        self.assertEqual(loud.send(loud.attest(nonces[1]))[0], 200)
        for _ in range(100):
            loud.nonce()
        self.refused(401, "SDK_NONCE_UNKNOWN", loud, nonce=nonces[-1])
        self.assertEqual(quiet.send(quiet.attest(before))[0], 200)

    def test_what_is_asked_for_otherwise(self):
        post, path = self.house.post, "/attestation/challenge"
        self.assertEqual(post(path, b"{}"), (400, "HTTP_BODY_INVALID"))
        self.assertEqual(post(path, b"x" * 65), (413, "HTTP_BODY_TOO_LARGE"))
        self.assertEqual(post(path + "?a=b"), (400, "HTTP_PARAMETER_UNKNOWN"))
        for one in (path, "/attest"):
            self.assertEqual(post(one, None, method="GET"), (405, "HTTP_METHOD_NOT_ALLOWED"))
        for one in (path + "/", "/attestation", "/attest/x", "/v1/attest"):
            self.assertEqual(post(one)[0], 404)

    # --- evidence ------------------------------------------------------------------------------

    def test_what_is_no_attestation(self):
        for changes, code in (
                ({"attestation_type": "Sev"}, "CHANNEL_MALFORMED"),
                ({"quote": None}, "CHANNEL_EVIDENCE_REQUIRED"),
                ({"event_log": None}, "CHANNEL_EVIDENCE_REQUIRED"),
                ({"quote": "zz"}, "CHANNEL_MALFORMED"),
                ({"quote": 7}, "CHANNEL_MALFORMED"),
                ({"ephemeral_public_key": "AAAA"}, "CHANNEL_MALFORMED"),
                ({"sdk_x25519_pub": None}, "CHANNEL_MALFORMED")):
            with self.subTest(changes):
                self.refused(400, code, **changes)
        client = self.client()
        for body in (b"", b"{", b"[]", b"{}", b'{"attestation":{}}', b"\xff" * 64,
                     b'{"a":' * 40 + b"1" + b"}" * 40):
            self.assertEqual(client.send(body), (400, "CHANNEL_MALFORMED"))
        whole = json.dumps(client.attest()).encode()
        for length in range(0, len(whole), 997):
            self.assertEqual(client.send(whole[:length]), (400, "CHANNEL_MALFORMED"))
        self.assertEqual(client.send(whole)[0], 200)

    def test_keys_that_are_none(self):  # proves: PC-23
        """Points of small order, and a second spelling of one; nothing was granted."""
        granted = len(self.house.records("session.grant"))
        small = ("00" * 32, "01" + "00" * 31,
                 "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                 "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                 "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
        for point in small:
            self.refused(400, "CHANNEL_KEY", sdk_x25519_pub=house.b64(bytes.fromhex(point)))
        high = bytearray(self.client().point())
        high[31] |= 0x80
        self.refused(400, "CHANNEL_KEY", sdk_x25519_pub=house.b64(bytes(high)))
        self.refused(400, "SESSION_KEY", ephemeral_public_key=house.b64(bytes(32)))
        self.assertEqual(len(self.house.records("session.grant")), granted)

    def test_evidence_that_is_no_good(self):
        """A mock, one of another root, bytes changed; a log that was changed in any way. Each is over a nonce
        of its own, so that nothing else is wrong."""
        stranger = house.Guest(self.enterContext(tempfile.TemporaryDirectory()))
        self.addCleanup(stranger.close)
        rows = (
            ("mock", self.guest, lambda quote, log: (bytes(1024), log), "QUOTE_VERSION_UNSUPPORTED"),
            ("cut", self.guest, lambda quote, log: (quote[:-1], log), "QUOTE_TRUNCATED"),
            ("no signature", self.guest, lambda quote, log: (quote[:1000], log), "QUOTE_TRUNCATED"),
            ("a bit", self.guest, lambda quote, log: (flipped(quote, 100), log),
             "QUOTE_SIGNATURE_INVALID"),
            ("another root", stranger, lambda quote, log: (quote, log), "PCK_ROOT_UNTRUSTED"),
            ("another workload", self.guest, lambda quote, log:
             (quote, of_compose(log, event_payload="c1" * 32)), "EVENTLOG_DIGEST_MISMATCH"),
            ("a digest", self.guest, lambda quote, log: (quote, of_compose(log, digest="00" * 48)),
             "EVENTLOG_DIGEST_MISMATCH"),
            ("half a log", self.guest, lambda quote, log: (quote, json.dumps(json.loads(log)[:2])),
             "RTMR_MISMATCH"),
            ("no log", self.guest, lambda quote, log: (quote, "[]"), "RTMR_MISMATCH"))
        for name, guest, spoil, code in rows:
            with self.subTest(name):
                client = self.client()
                nonce = client.nonce()
                evidence = spoil(*guest.quote(report_data(nonce)))
                self.assertEqual(client.send(client.attest(nonce, evidence)), (400, code))
        quote, log = self.guest.quote(report_data(self.client().nonce()))
        self.refused(401, "POLICY_REPORT_DATA", evidence=(quote, log))
        self.refused(400, "SDK_DEV_PEER", event_log='{"dev_mode":true}')

    def test_oversized(self):
        client = self.client()
        most = 128 << 10
        body = client.attest()
        body["attestation"]["event_log"] = "[" + " " * (64 << 10) + "]"
        self.assertEqual(client.send(body), (400, "CHANNEL_TOO_LARGE"))
        self.assertEqual(client.send(b" " * (most + 1)), (413, "HTTP_BODY_TOO_LARGE"))
        padded = json.dumps(client.attest()).encode()
        padded += b" " * (most - len(padded))
        self.assertEqual(client.send(padded)[0], 200)

    def test_slow(self):
        """A body that comes by drops is not waited for, and keeps nobody else waiting."""
        with self.house.tls() as one:
            one.sendall(b"POST /attest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n{")
            self.assertEqual(self.let_in().show()[0], 200)
            got = front_house.read_all(one)
        self.assertTrue(not got or b" 408 " in got.splitlines()[0], got)

    def test_slow_ones_take_no_place_of_others(self):
        """Rooms for what is long are few: two for an address, six for all but the owner, and whoever
        has had one for longer than a second makes room for the next."""
        head = (b"POST /attest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 99999\r\n\r\n{")
        with contextlib.ExitStack() as stack:
            def ready(address):
                """A connection that is in, so that all of them begin at the same time."""
                one = stack.enter_context(self.house.tls(source=address))
                self.assertEqual(front_house.ask(one, "GET", "/v1/system/ping")[0], 200)
                return one

            def refused(one, status):
                said = front_house.read_all(one)
                self.assertEqual(said.split(b" ")[1], status, said)
            greedy, others = next(self.addresses), [next(self.addresses) for _ in range(6)]
            clients = [ready(greedy) for _ in range(3)] + [ready(one) for one in others]
            for one in clients[:3]:
                one.sendall(head)
                time.sleep(0.05)  # front reads them in this order
            refused(clients[2], b"503")
            for one in clients[3:8]:
                one.sendall(head)
                time.sleep(0.05)
            # All six are lent and none is old, and two are left, which are the owner's.
            refused(clients[7], b"503")
            with self.house.plain() as owner:
                status = front_house.ask(owner, "POST", "/v1/attest/verify",
                                         ["Content-Type: application/json"],
                                         b'{"evidence":"AAAA"}')[0]
            self.assertNotEqual(status, 503)
            time.sleep(1.1)
            clients[8].sendall(head)
            refused(clients[0], b"408")

    # --- who is in -----------------------------------------------------------------------------

    def test_a_relay_owns_the_session(self):  # proves: PC-22
        """What follows from a profile that binds no key: who sits between the two puts in keys of
        its own.  The session that it gets is unbound, like all of the profile, and opens no door
        that a stranger's does not.  Where keys are bound the same is refused:
        test_a_relay_where_keys_are_bound, whose control this is."""
        victim, relay = self.client(), self.client()
        body = victim.attest()
        body |= {"ephemeral_public_key": relay.signer.key(),
                 "sdk_x25519_pub": house.b64(relay.point())}
        self.assertEqual(relay.send(body)[0], 200)
        status, said = relay.show()
        self.assertEqual((status, said["unbound"], said["vouched"]), (200, True, False))
        for path in ("/v1/sessions/grant", "/v1/token/issue", "/v1/keyring/rotate",
                     "/v1/attest/evidence", "/v1/token/redeem"):
            self.assertEqual(relay.post(path, relay.seal("{}")), (403, "HOUSE_OWNER_ONLY"))

    def test_a_share_for_an_address(self):
        """Sixteen of one address; one that ends makes room, and others are not concerned."""
        address = next(self.addresses)
        clients = [house.Client(self.house, address) for _ in range(17)]
        said = [client.bootstrap() for client in clients]
        self.assertEqual([status for status, _ in said], [200] * 16 + [429])
        self.assertEqual(said[-1][1], "SDK_FULL")
        self.assertEqual(clients[3].post(END)[0], 200)
        self.assertEqual(clients[-1].bootstrap()[0], 200)
        self.let_in()

    def test_many_at_once(self):
        """More than are judged at once: each waits its turn, and none is mixed up with another.
        Whose body comes with too many others is told to send it again."""
        clients = [self.client() for _ in range(12)]

        def bootstrap(client):
            def once():
                status, said = client.bootstrap()
                return (status, said) != (503, "HOUSE_UNAVAILABLE") and status
            return until(once, 30, 0.1)
        with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
            self.assertEqual(list(pool.map(bootstrap, clients)), [200] * len(clients))
        self.assertEqual(len({client.signer.token for client in clients}), len(clients))
        for client in clients:
            self.assertEqual(client.post(END, client.seal("{}"))[0], 200)

    def test_a_judge_that_stands_still(self):
        """Who waits is told so, who is in goes on, and all is well again when it moves."""
        inside, waiting = self.let_in(), self.client()
        others = [self.client() for _ in range(9)]  # more than have room for a body at once
        bodies = [client.attest() for client in others]
        body = waiting.attest()
        pid = self.house.kill("verify", signal.SIGSTOP)
        try:
            with concurrent.futures.ThreadPoolExecutor(len(others)) as pool:
                late = []
                for client, one in zip(others, bodies):
                    late.append(pool.submit(client.send, one))
                    time.sleep(0.3)
                self.assertEqual(waiting.send(body), (503, "HOUSE_DEADLINE"))
                self.assertEqual(inside.show()[0], 200)
                self.assertEqual({one.result() for one in late}, {(503, "HOUSE_DEADLINE")})
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(waiting.send(body), (401, "SDK_NONCE_UNKNOWN"))
        until(lambda: self.client().bootstrap()[0] == 200, 30, 0.3)

    def test_revoked(self):
        client = self.let_in()
        done = self.house.command("session", "revoke", client.signer.id(), "--state",
                                  self.house.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(client.show(), (401, "SESSION_UNKNOWN"))
        self.assertEqual(client.post(END, client.seal("{}"))[0], 415)  # its key is gone, too

    def test_judged_again(self):
        """Collateral that is fetched anew changes what evidence is judged by; who is good stays. That
        he is asked for again shows test_sdk_clients.c."""
        client = self.let_in()
        before = len(self.house.records("collateral.keep"))
        done = self.house.command("collateral", "refresh", "--state", self.house.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(len(self.house.records("collateral.keep")), before)
        time.sleep(2)
        self.assertEqual(client.show()[0], 200)

    def test_killed(self):
        """Core between nonce and attest: the nonce is unknown, and nobody's session goes on. Front:
        its keys are gone, and the sessions with them. Verify: who is in stays."""
        client, waiting = self.let_in(), self.client()
        nonce = waiting.nonce()
        self.killed("core")
        self.refused(401, "SDK_NONCE_UNKNOWN", waiting, nonce=nonce)
        self.assertEqual(client.show(), (401, "SESSION_UNKNOWN"))
        client = self.let_in()
        nonce = waiting.nonce()
        self.killed("front")
        self.assertEqual(client.show(), (401, "SESSION_UNKNOWN"))
        self.assertEqual(waiting.send(waiting.attest(nonce))[0], 200)  # core has it still
        self.killed("verify")
        self.assertEqual(waiting.show()[0], 200)
        ends = [row["details"]["reason"] for row in self.house.records("session.end")]
        self.assertIn("HOUSE_UNAVAILABLE", ends)
        self.assertIn("CHANNEL_TRUNCATED", ends)


class Policies(unittest.TestCase):
    """Houses that let nobody in: each for a reason of its own."""

    def setUp(self):
        self.place = self.enterContext(tempfile.TemporaryDirectory(prefix="ward-sdk-"))
        self.guest = house.Guest(f"{self.place}/guest")
        self.addCleanup(self.guest.close)

    def house(self, *words, **more):
        return house.House(self.guest, self.place, *words, **more)

    @staticmethod
    def outcome(client):
        """What becomes of good evidence, once what its platform needs was fetched."""
        def judged():
            status, said = client.bootstrap()
            return said != "COLLATERAL_MISSING" and (status, said)
        return until(judged, 60, 0.5)

    @staticmethod
    def finding(here):
        with here.plain() as one:
            _, _, body = front_house.ask(one, "GET", "/v1/system/doctor")
        return next(row for row in json.loads(body)["checks"] if row["id"] == "house.sdk")

    def test_off(self):
        """Where no policy is named there is nothing: the same as any path that is none."""
        with self.house(served=False) as here:
            for path in ("/attestation/challenge", "/attest"):
                self.assertEqual(here.post(path), (404, "HTTP_ROUTE_UNKNOWN"))
            self.assertEqual(self.finding(here)["finding"], "FINDING_OK")

    def test_another_compose_hash(self):
        other = f'[log]\ncompose_hash = "{"c1" * 32}"\n'
        with self.house(other) as here:
            client = house.Client(here)
            self.assertEqual(self.outcome(client), (400, "POLICY_EVENT"))
            # The same that says of itself what the policy asks for.
            nonce = client.nonce()
            quote, log = self.guest.quote(report_data(nonce))
            evidence = quote, of_compose(log, event_payload="c1" * 32)
            self.assertEqual(client.send(client.attest(nonce, evidence)),
                             (400, "EVENTLOG_DIGEST_MISMATCH"))
            self.assertEqual(self.finding(here)["finding"], "FINDING_WARN")
            # What is in the file now is that of the next start, and `ward reload` says so.
            policy = here.place / "sdk.toml"
            policy.write_text(policy.read_text().replace("c1" * 32, house.COMPOSE))
            done = here.command("reload", "--state", here.state)
            self.assertRegex(done.stdout + done.stderr, "(?i)peers.*start|start.*peers")
            self.assertEqual(house.Client(here).bootstrap(), (400, "POLICY_EVENT"))

    def test_policies_that_name_no_code(self):
        """What every machine of a vendor's would pass, and a log that nobody has measured."""
        for policy in ("", f'[log]\nrtmr3 = "ignore"\ncompose_hash = "{house.COMPOSE}"\n',
                       "[log]\nrequired = true\n", "what is this\n"):
            with self.subTest(policy), self.house(policy) as here:
                client = house.Client(here)
                self.assertEqual(client.bootstrap(), (503, "HOUSE_UNAVAILABLE"))
                self.assertEqual(client.bootstrap(), (503, "HOUSE_UNAVAILABLE"))
                self.assertEqual(self.finding(here)["finding"], "FINDING_FAIL")
                refused = here.records("session.refuse")
                self.assertEqual({row["details"]["reason"] for row in refused},
                                 {"ATTEST_POLICY_INVALID"})

    def test_a_relay_where_keys_are_bound(self):  # proves: PC-22
        """Evidence without the keys is none, and genuine evidence with other keys is none: whichever of
        the two a relay puts in, it has no session. The client whose keys they are has one."""
        with self.house(strict=True) as here:
            client = here.ready()
            self.assertEqual(client.post(END, client.seal("{}"))[0], 200)
            granted = len(here.records("session.grant"))
            client, relay = house.Client(here), house.Client(here)
            nonce = client.nonce()
            stock = self.guest.quote(report_data(nonce))
            self.assertEqual(client.send(client.attest(nonce, stock)), (401, "POLICY_REPORT_DATA"))
            own = {"ephemeral_public_key": relay.signer.key(), "sdk_x25519_pub": house.b64(relay.point())}
            for swapped in (own, *({name: key} for name, key in own.items())):
                self.assertEqual(relay.send(client.attest() | swapped), (401, "POLICY_REPORT_DATA"))
            # Evidence of another nonce of the same client's, too.
            self.assertEqual(client.send(client.attest(evidence=self.guest.quote(
                client.report_data(nonce)))), (401, "POLICY_REPORT_DATA"))
            self.assertEqual(len(here.records("session.grant")), granted)
            self.assertEqual(client.bootstrap()[0], 200)
            self.assertTrue(client.show()[1]["unbound"])
            self.assertIn("bound to evidence", json.dumps(self.finding(here)))

    def test_hardware_is_wanted(self):
        """A policy for production names no simulated root."""
        here = self.house()
        (here.place / "sdk.toml").write_text(f'[log]\ncompose_hash = "{house.COMPOSE}"\n')
        with here:
            self.assertEqual(self.outcome(house.Client(here)), (400, "PCK_ROOT_UNTRUSTED"))


if __name__ == "__main__":
    tap.main()
