"""test_sessions.py - sessions of a real house: granted, used over every way in, refused for every
reason, ended, and asked for again by somebody who has recorded it all."""

import json
import os
import pathlib
import signal
import time
import unittest

import front_house as house
import signer
import tap
from house import until
from signer import Signer

SHOW = "/v1/session"
JSON = ["Content-Type: application/json"]


class Sessions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = house.House(requests_per_second=100000, requests_burst=100000)
        cls.house.__enter__()
        cls.addClassCleanup(cls.house.__exit__)
        cls.peer = cls.house.grant(Signer(), name="alice")
        cls.sdk = cls.house.grant(Signer(), name="sdk", profile="sdk-v1")
        until(cls.is_past_its_start)

    @classmethod
    def is_past_its_start(cls):
        """Nothing that was signed in the second in which core began, or before, is taken."""
        return cls.say(cls.peer.lines("GET", SHOW))[0] == 200

    @classmethod
    def say(cls, fields, method="GET", target=SHOW, body=b"", tls=True):
        """(status, code or body) of one request."""
        with cls.house.tls() if tls else cls.house.plain() as one:
            status, _, said = house.ask(one, method, target, fields, body)
        said = json.loads(said)
        return status, said.get("code", said)

    def records(self, action):
        with self.house.plain() as one:
            _, _, body = house.ask(one, "GET", f"/v1/audit/records?action={action}&limit=1000")
        return [row | {"details": json.loads(row["details"])}
                for row in json.loads(body)["records"]]

    def ward(self, *words):
        done = self.house.command("session", *words, "--state", self.house.state)
        return done.returncode, done.stdout

    def restarted(self, name):
        self.house.wait_new(name, self.house.kill(name))
        until(lambda: self.house.metrics()["serving"] == 1)
        until(self.is_past_its_start, 20)

    def test_what_is_too_long_to_be_signed(self):
        """Whoever he is: front says so, and core, which closes the channel for it, never sees it."""
        stranger = Signer()
        stranger.token = "A" * 43
        kind = "text/plain; x=" + "y" * 256
        for who in (self.peer, stranger):
            fields = [*who.lines("GET", SHOW, type=kind), f"Content-Type: {kind}"]
            self.assertEqual(self.say(fields), (401, "SIGNED_TEXT"))
        self.assertEqual(self.say(self.peer.lines("GET", SHOW))[0], 200)
        self.assertNotIn("bad message", self.house.log())

    def test_known_answers_are_the_signers(self):
        text = (pathlib.Path(__file__).parents[2] / "vectors/request/signed.json").read_text()
        self.assertEqual(text, signer.vectors())

    def test_over_every_way_in(self):  # proves: PC-13
        """HTTP/1.1 and HTTP/2, REST and gRPC, the listener and the owner's socket; and it is the
        session that asks, whoever holds the socket."""
        for tls in (True, False):
            status, said = self.say(self.peer.lines("GET", SHOW), tls=tls)
            self.assertEqual((status, said["id"], said["name"]), (200, self.peer.id(), "alice"))
            self.assertEqual((said["vouched"], said["unbound"]), (True, True))
        self.assertEqual(self.say(self.sdk.lines("GET", SHOW, b"", 1))[1]["profile"], "sdk-v1")
        # Any call may be signed, path and query as they are sent; and is then the session's.
        target = "/v1/system/ping?text=%C3%A9%20b&text="
        with self.house.tls() as one:
            self.assertEqual(house.ask(one, "GET", target[:-6], self.peer.lines("GET", target[:-6]))[0],
                             200)
        for tls in (True, False):
            self.assertEqual(self.say(self.peer.lines("GET", "/v1/system/config"), "GET",
                                      "/v1/system/config", tls=tls),
                             (403, "HOUSE_OWNER_ONLY"))
        with self.house.tls("h2") as one:
            client = house.H2(one)
            head = [(name.lower(), value) for name, value in self.peer.sign("GET", SHOW).items()]
            state = client.get(SHOW, head)
            self.assertEqual(json.loads(state["body"])["id"], self.peer.id())
            call = "/ward.v1.Session/Show"
            head = [(name.lower(), value) for name, value in
                    self.peer.sign("POST", call, bytes(5), type="application/grpc").items()]
            status, message, _ = client.call(call, b"", head)
            self.assertEqual(status, 0)
            self.assertIn(self.peer.id().encode(), message)
            status, _, said = client.call(call, b"", head)  # again
            self.assertEqual(status, 16)
            self.assertIn("nonce of its own", said["grpc-message"])

    def test_refused_at_the_head(self):
        """Before a byte of a body is taken: none, some, two of one, and what is in no form."""
        good = self.peer.sign("GET", SHOW)
        rows = [("SESSION_REQUIRED", {}),
                ("SIGNED_VERSION", good | {"X-Signature-Version": "3"}),
                ("SIGNED_TIMESTAMP", good | {"X-Timestamp": "+" + good["X-Timestamp"]}),
                ("SIGNED_TIMESTAMP", good | {"X-Timestamp": "0" + good["X-Timestamp"]}),
                ("SIGNED_NONCE", good | {"X-Nonce": "short"}),
                ("SIGNED_NONCE", good | {"X-Nonce": "n" * 65}),
                ("SIGNED_KEY", good | {"X-Public-Key": good["X-Public-Key"][:-1]}),
                ("SIGNED_SIGNATURE_FORM", good | {"X-Signature": "AAAA"}),
                ("SIGNED_TOKEN", good | {"X-Session-Token": "session_x"})]
        for name in good:
            if name != "X-Signature-Version":
                rows.append(("SIGNED_HEADERS", {n: v for n, v in good.items() if n != name}))
                rows.append(("SIGNED_HEADERS", good | {name: ""}))
                rows.append(("SIGNED_HEADERS", {name: good[name]}))
        for code, fields in rows:
            with self.subTest(code, fields=list(fields)):
                lines = [f"{name}: {value}" for name, value in fields.items()]
                self.assertEqual(self.say(lines), (401, code))
                # Also where nobody has to say who it is: there is no way down to anonymous.
                if fields:
                    self.assertEqual(self.say(lines, target="/v1/system/ping"), (401, code))
        for name, value in good.items():
            with self.subTest(twice=name):
                lines = [f"{n}: {v}" for n, v in good.items()] + [f"{name.lower()}: {value}"]
                self.assertEqual(self.say(lines), (401, "SIGNED_HEADERS"))
        self.assertEqual(self.say([f"{n}: {v}" for n, v in good.items()])[0], 200)  # not used up
        with self.house.tls() as one:
            _, fields, _ = house.ask(one, "GET", SHOW)
        self.assertEqual(fields["www-authenticate"], "Ward-Signed-Request")

    def test_refused_by_core(self):  # proves: PC-16 PC-17
        other = self.house.grant(Signer(), name="other")
        end, body = "/v1/session/end", b"{}"

        def signed(who, method="POST", target=end, content=body, version=2, **said):
            return who.lines(method, target, content, version, **{"type": JSON[0][14:], **said})
        rows = {"another byte of the body": ("SIGNED_SIGNATURE_INVALID",
                                             signed(self.peer, content=b"{ }")),
                "another path": ("SIGNED_SIGNATURE_INVALID", signed(self.peer, target=end + "s")),
                "another method": ("SIGNED_SIGNATURE_INVALID", signed(self.peer, method="PUT")),
                "another host": ("SIGNED_SIGNATURE_INVALID", signed(self.peer, host="ward")),
                "another type": ("SIGNED_SIGNATURE_INVALID", signed(self.peer, type="text/plain")),
                "another's token": ("SIGNED_KEY_FOREIGN", signed(self.peer, token=other.token)),
                "a token of nobody": ("SESSION_UNKNOWN", signed(self.peer, token="A" * 43)),
                "the old form, of the new profile": ("SIGNED_VERSION", signed(self.peer, version=1)),
                "too old": ("NONCE_TOO_OLD", signed(self.peer, timestamp=str(int(time.time()) - 130))),
                "too early": ("NONCE_FUTURE", signed(self.peer, timestamp=str(int(time.time()) + 130)))}
        for name, (code, fields) in rows.items():
            with self.subTest(name):
                self.assertEqual(self.say(JSON + fields, "POST", end, body), (401, code))
        # Version 1 does not cover a query: none is taken with it, on any route.
        target = "/v1/system/ping?text=a"
        self.assertEqual(self.say(self.sdk.lines("GET", target, b"", 1), target=target),
                         (401, "SIGNED_QUERY"))
        self.assertEqual(self.say(self.peer.lines("GET", "/v1/system/ping?text=b"), target=target),
                         (401, "SIGNED_SIGNATURE_INVALID"))
        self.assertEqual(self.say(self.peer.lines("GET", SHOW))[0], 200)

    def test_recorded_and_sent_again(self):  # proves: PC-15 RL-13
        """In the same session, over another way in, in another session, and after core was
        killed: never a second time. What did not pass the first time has used nothing up."""
        fields = self.peer.lines("GET", SHOW, nonce="0123456789abcdef")
        bad = [line.replace("X-Nonce: 0", "X-Nonce: 1") for line in fields]
        self.assertEqual(self.say(bad), (401, "SIGNED_SIGNATURE_INVALID"))
        self.assertEqual(self.say(self.peer.lines("GET", SHOW, nonce="1123456789abcdef"))[0], 200)
        self.assertEqual(self.say(fields)[0], 200)
        for tls in (True, False):
            self.assertEqual(self.say(fields, tls=tls), (401, "NONCE_REPLAYED"))
        again = self.peer.lines("GET", SHOW, nonce="0123456789abcdef", timestamp=str(int(time.time()) + 3))
        self.assertEqual(self.say(again), (401, "NONCE_REPLAYED"))
        other = self.house.grant(Signer())
        self.assertEqual(self.say(other.lines("GET", SHOW, nonce="0123456789abcdef"))[0], 200)
        taken = [self.peer.lines("GET", SHOW) for _ in range(20)]
        self.assertEqual({self.say(one)[0] for one in taken}, {200})
        for name in ("core", "front"):
            self.restarted(name)
            for one in [fields, *taken]:
                status, code = self.say(one)
                self.assertEqual(status, 401)
                self.assertIn(code, ("NONCE_TOO_OLD", "NONCE_REPLAYED"))
        self.assertEqual(self.say(self.peer.lines("GET", SHOW))[0], 200)  # the session lives on

    def test_by_hand_and_by_itself(self):  # proves: PC-21
        """Granted, seen, revoked and ended, with the records of it, and the token nowhere: of 256
        bits, and found by its digest alone, so that no time tells how much of one was right."""
        peer = Signer()
        code, text = self.ward("grant", "carol", "--key", peer.key())
        peer.token = text.strip()
        self.assertEqual((code, len(peer.token)), (0, 43))
        listed = json.loads(self.ward("list", "--json")[1])["sessions"]
        row = next(row for row in listed if row["id"] == peer.id())
        self.assertEqual((row["name"], row["profile"], row["vouched"], row["unbound"], row["public_key"]),
                         ("carol", "v2", True, True, peer.key()))
        self.assertNotIn(peer.token, self.ward("list")[1])
        self.assertEqual(self.say(peer.lines("GET", SHOW))[0], 200)
        self.assertEqual(self.ward("revoke", peer.id()), (0, f"{peer.id()} is over\n"))
        self.assertEqual(self.say(peer.lines("GET", SHOW)), (401, "SESSION_UNKNOWN"))
        self.assertEqual(self.ward("revoke", peer.id())[0], 6)
        ending = self.house.grant(Signer(), name="dave")
        fields = JSON + ending.lines("POST", "/v1/session/end", b"{}", type=JSON[0][14:])
        self.assertEqual(self.say(fields, "POST", "/v1/session/end", b"{}"), (200, {"id": ending.id()}))
        self.assertEqual(self.say(ending.lines("GET", SHOW)), (401, "SESSION_UNKNOWN"))
        told = {row["details"]["session"]: row for row in self.records("session.end")}
        self.assertEqual((told[peer.id()]["actor_type"], told[peer.id()]["details"]["reason"]),
                         ("User", "revoked"))
        self.assertEqual((told[ending.id()]["actor_type"], told[ending.id()]["actor_id"],
                          told[ending.id()]["details"]["reason"]), ("Service", "dave", "ended by its peer"))
        granted = {row["details"]["session"]: row["details"] for row in self.records("session.grant")}
        self.assertEqual((granted[peer.id()]["profile"], granted[peer.id()]["basis"]), ("v2", "the owner"))
        for path in self.house.state.rglob("*"):
            if path.is_file() and path.stat().st_size < 1 << 24:
                data = path.read_bytes()
                for one in (self.peer, self.sdk, peer, ending):
                    self.assertNotIn(one.token.encode(), data, path)

    def test_refused_grants(self):
        """Nothing is granted, and nothing but the refusal is in the log."""
        before = len(self.records("session.grant"))
        small = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        key = Signer().key()
        with self.house.plain() as one:
            for code, said in (("SESSION_KEY", {"public_key": small}), ("SESSION_KEY", {"public_key": key[:40]}),
                               ("HTTP_BODY_INVALID", {"name": ""}), ("SESSION_NAME", {"name": "a b"}),
                               ("SESSION_NAME", {"name": "\u00e9"}), ("SESSION_NAME", {"name": "n" * 65}),
                               ("SESSION_PROFILE", {"profile": "v1"})):
                body = json.dumps({"name": "eve", "public_key": key} | said).encode()
                status, _, answer = house.ask(one, "POST", "/v1/sessions/grant", JSON, body)
                self.assertEqual((status, json.loads(answer)["code"]), (400, code), said)
            body = json.dumps({"name": "n" * 64, "public_key": key}).encode()
            self.assertEqual(house.ask(one, "POST", "/v1/sessions/grant", JSON, body)[0], 200)
        self.assertEqual(len(self.records("session.grant")), before + 1)
        self.assertIn("SESSION_KEY", [row["details"]["reason"] for row in self.records("session.refuse")])
        for words, code in ((("grant", "eve"), 2), (("grant", "eve", "--key", "x"), 2),
                            (("grant", "a b", "--key", key), 2), (("revoke", "x"), 2),
                            (("revoke", "0" * 32), 6), (("list", "--after", "x"), 2)):
            self.assertEqual(self.ward(*words)[0], code, words)

    def test_refused_grants_are_counted(self):
        """Too many for a record each: the next one says how many have none."""
        def grant(one):
            body = json.dumps({"name": "a b", "public_key": Signer().key()}).encode()
            self.assertEqual(house.ask(one, "POST", "/v1/sessions/grant", JSON, body)[0], 400)

        before, many = len(self.records("session.refuse")), 100
        with self.house.plain() as one:
            for _ in range(many):
                grant(one)
            time.sleep(1.1)
            grant(one)
        until(lambda: sum(1 + row["details"].get("unrecorded", 0)
                          for row in self.records("session.refuse")[before:]) > many)

    def test_what_cannot_be_logged_is_not_granted(self):
        """The log stands still: no token, and no session that anybody could have."""
        names = {row["name"] for row in json.loads(self.ward("list", "--json")[1])["sessions"]}
        audit = self.house.pid("audit")
        os.kill(audit, signal.SIGSTOP)
        try:
            with self.house.plain() as one:
                body = json.dumps({"name": "frozen", "public_key": Signer().key()}).encode()
                status, _, answer = house.ask(one, "POST", "/v1/sessions/grant", JSON, body)
            self.assertEqual((status, json.loads(answer)["code"]), (503, "AUDIT_CANNOT_LOG"))
        finally:
            os.kill(audit, signal.SIGCONT)
        self.assertNotIn("frozen", names)
        listed = json.loads(self.ward("list", "--json")[1])["sessions"]
        self.assertNotIn("frozen", {row["name"] for row in listed})

    def test_refusals_are_logged_and_fill_no_log(self):
        time.sleep(1.1)
        before = len(self.records("access.refuse"))
        with self.house.tls() as one:
            for number in range(200):
                fields = self.peer.lines("GET", SHOW, token="A" * 43) if number % 2 else \
                    ["X-Nonce: 12345678"]
                self.assertEqual(house.ask(one, "GET", SHOW, fields)[0], 401)
        until(lambda: sum(1 + row["details"].get("unrecorded", 0)
                          for row in self.records("access.refuse")[before:]) >= 200)
        rows = self.records("access.refuse")[before:]
        self.assertLess(len(rows), 150)
        self.assertLessEqual({row["details"]["reason"] for row in rows},
                             {"SESSION_UNKNOWN", "SIGNED_HEADERS"})
        counts = self.house.metrics()
        self.assertGreaterEqual(counts["unauthenticated_total"], 200)
        self.assertGreaterEqual(counts["signed_total"], 100)


if __name__ == "__main__":
    tap.main()
