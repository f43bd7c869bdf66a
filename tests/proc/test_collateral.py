"""test_collateral.py - a house that keeps its own collateral: evidence names its platform, the
provider is asked, what is good is kept over a restart, and what is not changes nothing. The
provider is one of the test's own, on loopback."""

import base64
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import contract
import house as houses
import tap

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "cmd"))

import test_collateral_folder as days
import tls_ca
from pccs import Mirror

TODAY = (datetime.datetime.now(datetime.UTC) - days.FIRST).days
THINGS = {"tcb-info", "qe-identity", "pck-crl", "root-crl"}


def setUpModule():
    global place, authority, certificate
    place = tempfile.TemporaryDirectory()
    authority = tls_ca.Authority(place.name)
    certificate = authority.server("server", "IP:127.0.0.1")
    days.made = tempfile.TemporaryDirectory()
    subprocess.run([houses.BUILD / "tests/cmd/collateral_days", days.made.name, str(TODAY + 1)],
                   check=True)


def tearDownModule():
    place.cleanup()
    days.made.cleanup()


class Collateral(unittest.TestCase):
    def setUp(self):
        self.house = self.enterContext(houses.House())

    def up(self, base):
        self.house.up("--set", f"collateral.url={base}", "--set",
                      f"collateral.ca_file={authority.pem}", "--set",
                      f"collateral.root_file={days.root()}")

    def judge(self):
        """The reason that a quote is judged with, without collateral of its own; None while a
        process that is needed is not there."""
        quote = (pathlib.Path(days.made.name) / "quote.bin").read_bytes()
        policy = f"hardware = false\nroots = [{json.dumps(days.root().read_text())}]\n"
        body = json.dumps({"evidence": base64.b64encode(quote).decode(), "policy": policy})
        end = houses.UnixConnection(self.house.state / "run/ward.sock", 30)
        try:
            status, _, said = contract.ask(end, "POST", "/v1/attest/verify", body,
                                           {"content-type": "application/json"})
            self.assertIn(status, (200, 503), said)
            return json.loads(said)["reason"] if status == 200 else None
        except (OSError, houses.http.client.HTTPException):
            return None
        finally:
            end.close()

    def records(self, action):
        """The details of every such record."""
        status, said = self.house.ask(f"/v1/audit/records?limit=1000&action=collateral.{action}")
        self.assertEqual(status, 200)
        return [json.loads(row["details"]) for row in said["records"]]

    def kept(self, count=4):
        return houses.until(lambda: len(self.records("keep")) >= count and self.records("keep"), 60)

    def refused(self):
        return houses.until(lambda: self.records("refuse"), 60)[0]["reason"]

    def finding(self):
        _, said = self.house.ask("/v1/system/doctor")
        return {row["id"]: row["finding"] for row in said["checks"]}["house.collateral"]

    def test_evidence_names_what_is_fetched_and_it_stays(self):
        with Mirror("good", days.Day(TODAY), certificate=certificate) as mirror:
            self.up(mirror.base)
            self.assertEqual((mirror.asked, self.finding()), ([], "FINDING_OK"))
            self.assertEqual(self.judge(), "COLLATERAL_MISSING")
            self.assertEqual({row["kind"] for row in self.kept()}, THINGS)
            houses.until(lambda: self.judge() == "OK", 10)
            self.assertEqual((len(mirror.asked), self.finding()), (4, "FINDING_OK"))
            # Whoever judges is told again when it comes back; so is a core of what it kept.
            for name in ("verify", "core", "fetch"):
                pid = houses.until(lambda name=name: self.house.processes().get(name), 30)
                os.kill(pid, signal.SIGKILL)
                self.house.until_works(30)
                houses.until(lambda: self.judge() == "OK", 30)
            self.assertEqual(len(mirror.asked), 4)
            self.house.down()
        # The provider is gone: what is held is used.
        self.up(mirror.base)
        houses.until(lambda: self.judge() == "OK", 30)
        self.assertEqual(len(self.records("keep")), 4)

    def test_what_is_refused_is_said_and_changes_nothing(self):
        other = days.Day(TODAY)
        # The last digit of the signature is another one.
        other.replies = {path: (body[:-3] + (b"1" if body[-3:-2] == b"0" else b"0") + body[-2:],
                                header, chain)
                         for path, (body, header, chain) in other.replies.items()}
        for provider, behaviour, reason in ((other, "good", "FETCH_NOT_GENUINE"),
                                            (days.Day(TODAY - 100), "good", "FETCH_NOT_VALID"),
                                            (days.Day(TODAY), "redirect", "FETCH_REPLY"),
                                            (days.Day(TODAY), "dead", "FETCH_UNREACHABLE")):
            with self.subTest(reason), Mirror(behaviour, provider, certificate=certificate) as mirror:
                self.up(mirror.base)
                self.assertEqual(self.judge(), "COLLATERAL_MISSING")
                self.assertEqual(self.refused(), reason)
                self.assertEqual((self.records("keep"), self.finding()), ([], "FINDING_WARN"))
                self.assertEqual(self.judge(), "COLLATERAL_MISSING")
                self.house.down()
                shutil.rmtree(self.house.state)
                for path in self.house.base.glob("*.seal"):
                    path.unlink()

    def test_killed_in_the_middle(self):
        """Fetch, while a provider keeps it waiting, and core, before what came is kept."""
        with Mirror("hang", days.Day(TODAY), certificate=certificate) as mirror:
            self.up(mirror.base)
            self.judge()
            houses.until(lambda: mirror.asked, 20)
            os.kill(self.house.processes()["fetch"], signal.SIGKILL)
            self.assertEqual(self.refused(), "HOUSE_UNAVAILABLE")
            self.house.until_works(30)
            os.kill(self.house.processes()["core"], signal.SIGKILL)
            self.house.until_works(30)
            # Nothing is half kept, and the next piece of evidence begins anew.
            self.assertEqual(self.records("keep"), [])
            mirror.behaviour = "good"
            mirror.stop.set()
            self.judge()
            self.kept()
            houses.until(lambda: self.judge() == "OK", 10)

    def test_nothing_is_asked_without_a_provider(self):
        self.house.up()
        self.assertEqual(self.finding(), "FINDING_OK")
        self.judge()
        self.assertEqual((self.records("keep"), self.records("refuse")), ([], []))


if __name__ == "__main__":
    tap.main()
