"""test_unsigned.py - every route that changes something, asked over TLS by whoever has not signed for
it: as nobody, with the token of a session alone, with a signature that is none, of something else, too
old, or sent before. Each says no with its reason, over REST and gRPC, and nothing has changed. Which
routes there are the document of the API says, and the table of profile sdk-v1."""

import json
import os
import re
import tempfile
import time
import unittest

import contract
import front_house
import sdk_house
import tap
from signer import Signer
from test_sdk_results import BODIES

JSON = "application/json"
# The ways in: whoever comes has no session yet, and is let in by his evidence.
WAYS_IN = {"/attestation/challenge", "/attest"}
KEPT = ("/v1/keyring/keys", "/v1/admission/bans", "/v1/sessions", "/v1/collateral", "/v1/peers", "/v1/jobs",
        "/v1/system/config")


def routes():
    """(path, permission, name over gRPC) of all that is asked with another method than GET."""
    found = [(path, row["x-permission"], row["x-grpc"]) for path, methods in contract.SPEC["paths"].items()
             for method, row in methods.items() if method != "get"]
    return found + [(path, "session", None) for path in contract.PROFILE if path not in WAYS_IN]


def body_of(path):
    """One that is none of its own reasons to be refused, where it is read before the signature is."""
    return json.dumps(BODIES[path]).encode() if path in BODIES else b"{}"


class Unsigned(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="ward-unsigned-"))
        guest = sdk_house.Guest(f"{place}/guest")
        cls.addClassCleanup(guest.close)
        cls.house = cls.enterClassContext(sdk_house.House(guest, place))
        cls.house.ready()
        cls.peer, cls.other = (cls.house.grant(Signer(), name=name) for name in ("peer", "other"))

    def kept(self):
        """What the owner sees of all that a route could have changed; and every record but of refusals."""
        seen = {}
        with self.house.plain() as one:
            for path in KEPT:
                status, _, said = front_house.ask(one, "GET", path)
                self.assertEqual(status, 200, path)
                seen[path] = json.loads(said)
            _, _, said = front_house.ask(one, "GET", "/v1/audit/records?limit=1000")
        rows = [row["action"] for row in json.loads(said)["records"]]
        # The owner's own looks are records too, and the store's marks come by themselves.
        seen["records"] = [action for action in rows
                           if not re.search(r"refuse|\.(read|list|query|mark)$", action)]
        return seen

    def say(self, path, fields):
        with self.house.tls() as one:
            status, _, said = front_house.ask(one, "POST", path, [f"{n}: {v}" for n, v in fields.items()],
                                             body_of(path))
        said = json.loads(said)
        return status, said.get("code", said)

    def signed(self, path, who=None, **said):
        who = who or self.peer
        return {"Content-Type": JSON} | who.sign("POST", path, body_of(path), **{"type": JSON} | said)

    def unsigned(self, path):
        """{what is wrong: (the code where a session may ask, the fields)}"""
        good = self.signed(path)
        burnt = os.urandom(8).hex()
        with self.house.tls() as one:
            lines = self.peer.lines("GET", "/v1/session", nonce=burnt)
            self.assertEqual(front_house.ask(one, "GET", "/v1/session", lines)[0], 200)
        token = {"Content-Type": JSON, "X-Session-Token": self.peer.token}
        stranger = Signer()
        stranger.token = self.peer.token
        return {"nobody": ("SESSION_REQUIRED", {"Content-Type": JSON}),
                "its token alone": ("SIGNED_HEADERS", token),
                "all but the signature": ("SIGNED_HEADERS", {n: v for n, v in good.items() if n != "X-Signature"}),
                "no signature": ("SIGNED_SIGNATURE_FORM", good | {"X-Signature": "AAAA"}),
                "of zeros": ("SIGNED_SIGNATURE_INVALID", good | {"X-Signature": "A" * 86 + "=="}),
                "of another route": ("SIGNED_SIGNATURE_INVALID", self.signed(path + "s")),
                "of another body": ("SIGNED_SIGNATURE_INVALID",
                                    {"Content-Type": JSON} | self.peer.sign("POST", path, b" " + body_of(path), type=JSON)),
                "by another's key": ("SIGNED_KEY_FOREIGN", self.signed(path, stranger)),
                "for another's session": ("SIGNED_KEY_FOREIGN", self.signed(path, token=self.other.token)),
                "for no session": ("SESSION_UNKNOWN", self.signed(path, token="A" * 43)),
                "of yesterday": ("NONCE_TOO_OLD", self.signed(path, timestamp=str(int(time.time()) - 86400))),
                "of tomorrow": ("NONCE_FUTURE", self.signed(path, timestamp=str(int(time.time()) + 86400))),
                "sent before": ("NONCE_REPLAYED", self.signed(path, nonce=burnt))}

    def test_every_route_that_changes_something(self):  # proves: PC-49
        """Where a session may ask, a good signature is all that is wanted; what is the owner's own is
        asked over his socket, and no signature is good for it here."""
        rows, before = routes(), self.kept()
        self.assertGreaterEqual(len(rows), 15)
        self.assertEqual({permission for _, permission, _ in rows}, {"session", "owner", "operator"})
        for path, permission, _ in rows:
            for name, (code, fields) in self.unsigned(path).items():
                with self.subTest(path, wrong=name):
                    # Fields that are none of a signature are that everywhere; else who asks is looked at first.
                    at_head = code in ("SIGNED_HEADERS", "SIGNED_SIGNATURE_FORM")
                    expected = (401, code) if permission == "session" or at_head else (403, "HOUSE_OWNER_ONLY")
                    self.assertEqual(self.say(path, fields), expected)
            if permission != "session":
                self.assertEqual(self.say(path, self.signed(path)), (403, "HOUSE_OWNER_ONLY"), path)
        self.assertEqual(self.kept(), before)

    def test_every_method_of_grpc_that_changes_something(self):  # proves: PC-49
        before = self.kept()
        with self.house.tls("h2") as one:
            client = front_house.H2(one)
            for path, permission, call in routes():
                if call is None:
                    continue
                good = self.peer.sign("POST", call, bytes(5), type="application/grpc")
                rows = {"nobody": ({}, "SESSION_REQUIRED"),
                        "its token alone": ({"X-Session-Token": self.peer.token}, "SIGNED_HEADERS"),
                        "of zeros": (good | {"X-Signature": "A" * 86 + "=="}, "SIGNED_SIGNATURE_INVALID"),
                        "of the other way": (self.peer.sign("POST", path, b"", type=JSON), "SIGNED_SIGNATURE_INVALID")}
                for name, (fields, code) in rows.items():
                    head = [(key.lower(), value) for key, value in fields.items()]
                    with self.subTest(call, wrong=name):
                        status, _, said = client.call(call, b"", head)
                        expected = (16, code) if permission == "session" or code == "SIGNED_HEADERS" else \
                            (7, "HOUSE_OWNER_ONLY")
                        self.assertEqual((status, front_house.details(said)[0]), expected)
        self.assertEqual(self.kept(), before)

    def test_what_cleans_up(self):  # proves: PC-49
        """What ends what a challenge began: a job, by the owner alone, and a session, by him or by who signs
        for it. The public validator's route, which asks nobody who he is, is not here."""
        cleaning = {path: permission for path, permission, _ in routes() if re.search("cancel|end$|revoke", path)}
        self.assertEqual(cleaning, {"/v1/job/cancel": "owner", "/v1/sessions/revoke": "owner",
                                    "/v1/session/end": "session"})
        before = self.kept()
        for path in ("/challenge/peer/cleanup", f"/challenge/{sdk_house.PEER}/cleanup"):
            self.assertEqual(self.say(path, {"Content-Type": JSON}), (404, "HTTP_ROUTE_UNKNOWN"))
        passed_on = self.say("/api/challenges/sums/public/x", {"Content-Type": JSON})
        self.assertEqual(passed_on, (401, "MINER_TOKEN_MISSING"))
        self.assertEqual(self.kept(), before)

    def test_what_is_signed_for_is_done(self):
        """So it is the signature that the others lacked."""
        ending = self.house.grant(Signer(), name="ending")
        path = "/v1/session/end"
        self.assertEqual(self.say(path, self.signed(path, ending)), (200, {"id": ending.id()}))
        self.assertEqual(self.say(path, self.signed(path, ending)), (401, "SESSION_UNKNOWN"))


if __name__ == "__main__":
    tap.main()
