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


def seconds(text):
    return int(datetime.datetime.fromisoformat(text).timestamp())


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

    def shown(self):
        status, said = self.house.ask("/v1/collateral")
        self.assertEqual(status, 200)
        return said

    def metrics(self):
        """What `/metrics` says of collateral: {name: number}."""
        end = houses.UnixConnection(self.house.state / "run/ward.sock", 10)
        try:
            _, _, page = contract.ask(end, "GET", "/metrics")
            rows = (line.split() for line in page.decode().splitlines()
                    if line.startswith("ward_collateral_"))
            return {row[0].removeprefix("ward_collateral_"): int(row[1]) for row in rows}
        finally:
            end.close()

    def told(self, pieces):
        """The owner sees each piece, and whoever watches sees numbers of the same."""
        ends = {kind.replace("-", "_") + "_ends_timestamp_seconds":
                min((seconds(row["valid_until"]) for row in pieces if row["kind"] == kind),
                    default=0) for kind in THINGS}
        said = self.metrics()
        self.assertEqual(said, said | ends | {
            "held": sum(row["state"] != "MISSING" for row in pieces),
            "missing": sum(row["state"] == "MISSING" for row in pieces),
            "failing": sum(row["failures"] > 0 for row in pieces),
            "oldest_timestamp_seconds": min((seconds(row["fetched"]) for row in pieces
                                             if row["fetched"]), default=0)})
        return said

    def ward(self, *words):
        return subprocess.run([houses.WARD, "collateral", *words, "--state", self.house.state],
                              capture_output=True, text=True, timeout=90, check=False)

    def refresh(self, *words):
        done = self.ward("refresh", "--json", *words)
        return done.returncode, done.stdout and json.loads(done.stdout), done.stderr

    def refreshed_by_hand(self, mirror):
        """Each piece again though none is due; what fails then leaves what is held."""
        before = self.shown()
        self.assertEqual((before["provider"], before["waiting"]), (mirror.base, 0))
        self.assertEqual({row["kind"]: row["state"] for row in before["pieces"]},
                         dict.fromkeys(THINGS, "OK"))
        counted = self.told(before["pieces"])
        self.assertEqual((counted["successes_total"], counted["failures_total"]), (4, 0))
        self.assertGreaterEqual(counted["last_success_timestamp_seconds"],
                                counted["oldest_timestamp_seconds"])
        text = self.ward("show").stdout
        self.assertEqual(json.loads(self.ward("show", "--json").stdout), before)
        for row in before["pieces"]:
            self.assertRegex(text, f"(?m)^{row['kind']} +{row['detail']} +OK +{row['valid_until']}")
        code, after, _ = self.refresh()
        self.assertEqual((code, len(mirror.asked), after["waiting"]), (0, 8, 0))
        self.assertEqual(self.told(after["pieces"])["successes_total"], 8)
        self.assertEqual([row["method"] for row in self.records("refresh")],
                         ["/ward.v1.Collateral/Refresh"])
        mirror.behaviour = "broken"
        code, after, said = self.refresh()
        self.assertEqual((code, len(mirror.asked)), (4, 12), said)
        self.assertEqual({(row["state"], row["failures"], row["reason"])
                          for row in after["pieces"]}, {("OK", 1, "FETCH_REPLY")})
        counted = self.told(after["pieces"])
        self.assertEqual((counted["failing"], counted["failures_total"]), (4, 4))
        self.assertEqual((self.judge(), self.finding()), ("OK", "FINDING_WARN"))
        mirror.behaviour = "hang"
        code, _, said = self.refresh("--timeout", "1")
        self.assertEqual(code, 4)
        self.assertIn("not all of it came in time", said)
        mirror.behaviour = "good"
        mirror.stop.set()
        houses.until(lambda: self.shown()["waiting"] == 0, 60)
        self.assertEqual(self.refresh()[0], 0)
        self.assertEqual(self.finding(), "FINDING_OK")
        self.assertEqual(self.house.ask("/v1/collateral", tls=True)[0], 403)
        self.assertEqual(self.house.ask("/v1/collateral/refresh", tls=True, body="{}")[0], 403)

    def test_evidence_names_what_is_fetched_and_it_stays(self):
        with Mirror("good", days.Day(TODAY), certificate=certificate) as mirror:
            self.up(mirror.base)
            self.assertEqual((mirror.asked, self.finding()), ([], "FINDING_OK"))
            self.assertEqual(self.judge(), "COLLATERAL_MISSING")
            self.assertEqual({row["kind"] for row in self.kept()}, THINGS)
            houses.until(lambda: self.judge() == "OK", 10)
            self.assertEqual((len(mirror.asked), self.finding()), (4, "FINDING_OK"))
            self.refreshed_by_hand(mirror)
            asked, kept = len(mirror.asked), len(self.records("keep"))
            # Whoever judges is told again when it comes back; so is a core of what it kept.
            for name in ("verify", "core", "fetch"):
                pid = houses.until(lambda name=name: self.house.processes().get(name), 30)
                os.kill(pid, signal.SIGKILL)
                self.house.until_works(30)
                houses.until(lambda: self.judge() == "OK", 30)
            self.assertEqual(len(mirror.asked), asked)
            houses.until(lambda: self.shown()["pieces"], 10)
            counted = self.told(self.shown()["pieces"])  # what this core did: nothing yet
            self.assertEqual((counted["held"], counted["successes_total"]), (4, 0))
            self.house.down()
        # The provider is gone: what is held is used.
        self.up(mirror.base)
        houses.until(lambda: self.judge() == "OK", 30)
        self.assertEqual(len(self.records("keep")), kept)

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

    def test_what_came_is_older_or_nobody_s(self):
        """What is held stays: against another thing than was asked for, yesterday's, and a reply whose
        reader does not come to its end."""
        path, other = days.TCB.format("tdx"), days.Day(TODAY)
        with Mirror("good", days.Day(TODAY), days.Day(TODAY - 3), certificate) as mirror:
            self.up(mirror.base)
            self.judge()
            kept = len(self.kept())
            _, header, chain = other.replies[path]
            other.replies[path] = (other.replies[days.QE.format("tdx")][0], header, chain)
            mirror.collateral = other
            self.assertEqual(self.refresh()[0], 4)
            mirror.behaviour = "old"
            self.assertEqual(self.refresh()[0], 4)
            self.assertEqual({row["reason"] for row in self.records("refuse")},
                             {"FETCH_NOT_ASKED_FOR", "FETCH_OLDER"})
            before = len(mirror.asked)
            mirror.behaviour = "hang"
            self.refresh("--timeout", "1")
            houses.until(lambda: len(mirror.asked) > before, 20)
            for reader in houses.children_of(self.house.processes()["fetch"]).values():
                os.kill(reader, signal.SIGKILL)
            houses.until(lambda: "FETCH_CRASHED" in {row["reason"] for row in self.records("refuse")},
                         60)
            self.assertGreaterEqual(len(self.records("keep")), kept)
            houses.until(lambda: self.judge() == "OK", 10)

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
        self.assertEqual(self.shown(), {"provider": "", "pieces": [], "waiting": 0})
        self.told([])
        code, _, said = self.refresh()
        self.assertEqual(code, 1)
        self.assertIn("FETCH_NOT_SET", said)
        self.assertEqual(self.records("refresh"), [])  # what cannot be done was not done


if __name__ == "__main__":
    tap.main()
