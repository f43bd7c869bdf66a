"""test_doctor.py - `ward doctor` with no house, with a living one and with one that is broken in
every way that a test can break it: what is wrong is found, by that check, and by no other."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

import lodger
import tap
from test_schema import every, faults
from ward import ROOT, ward

SCHEMA = json.loads((ROOT / "docs/schema/doctor.json").read_text())
DOCS = ROOT / "docs/doctor.md"


def resolved(schema):
    """The schema with its references put in: the validator of test_schema knows another's."""
    if isinstance(schema, list):
        return [resolved(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return {name: resolved(inner) for name, inner in schema.items()}


PLAIN = resolved({name: inner for name, inner in SCHEMA.items() if name != "$defs"})


def doctor(state, port, *words):
    """(exit code, the object, its checks by id)"""
    done = ward("doctor", "--state", state, "--listen", f"127.0.0.1:{port}", "--json", *words)
    if done.returncode not in (0, 1):
        raise AssertionError(f"exit {done.returncode}: {done.stderr.decode()}")
    got = json.loads(done.stdout)
    return done.returncode, got, {row["id"]: row for row in got["checks"]}


class Down(unittest.TestCase):
    def setUp(self):
        self.above = pathlib.Path(tempfile.mkdtemp(prefix="ward-"))
        self.state = self.above / "state"
        self.port = lodger.free_port()
        self.addCleanup(shutil.rmtree, self.above, ignore_errors=True)

    def fits(self, got):
        self.assertEqual(list(faults(PLAIN, got)), [])
        order = ["ok", "warn", "fail"]
        self.assertEqual(got["finding"], max((row["finding"] for row in got["checks"]),
                                             key=order.index))
        for row in got["checks"]:
            self.assertEqual(row["fix"] == "", row["finding"] == "ok", row)

    def test_no_house_was_ever_here(self):  # proves: EC-22
        code, got, checks = doctor(self.state, self.port)
        self.fits(got)
        self.assertGreaterEqual(len(checks), 25)
        self.assertLessEqual({"machine.kvm", "machine.tee", "machine.cgroup", "machine.clock",
                              "machine.entropy", "state.space", "listen.port", "certificate.ca",
                              "collateral.age", "store.file", "audit.head", "backup.age"},
                             set(checks))
        self.assertEqual(len(checks), len(got["checks"]))
        self.assertFalse(got["up"])
        self.assertEqual(code, int(got["finding"] == "fail"))
        self.assertEqual(checks["backup.age"]["finding"], "warn")
        self.assertFalse(self.state.exists())  # to look is not to make

    def test_every_check_is_explained(self):
        _, got, _ = doctor(self.state, self.port)
        text = DOCS.read_text()
        for row in got["checks"]:
            self.assertIn(f"`{row['id']}`", text)

    def test_port_of_somebody_else(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", self.port))
            other.listen(1)
            code, got, checks = doctor(self.state, self.port)
        self.fits(got)
        self.assertEqual(code, 1)
        self.assertEqual(checks["listen.port"]["finding"], "fail")

    def test_text_says_the_same(self):
        words = ("doctor", "--state", self.state, "--listen", f"127.0.0.1:{self.port}")
        text = ward(*words).stdout.decode()
        _, got, _ = doctor(self.state, self.port)
        lines = [line.split() for line in text.splitlines() if not line.startswith(" ")][:-1]
        self.assertEqual([(words[0], words[1]) for words in lines],
                         [(row["finding"], row["id"]) for row in got["checks"]])
        self.assertTrue(text.splitlines()[-1].startswith(f"{len(lines)} checks: "))

    def test_hostile_name_does_not_talk_to_the_terminal(self):
        state = self.above / "a\u202eb\u009b31mc"
        done = ward("doctor", "--state", state)
        if done.returncode != 3:
            self.assertTrue(done.stdout.isascii())
            self.fits(doctor(state, self.port)[1])

    def test_wrong_options(self):
        for words in (("--yaml",), ("more",), ("--state",)):
            with self.subTest(words):
                self.assertEqual(ward("doctor", *words).returncode, 2)

    def test_rules_of_the_schema_are_known(self):
        self.assertTrue(list(every(SCHEMA)))
        _, got, _ = doctor(self.state, self.port)
        for name, wrong in (("finding", "good"), ("time", "now"), ("up", 1), ("more", 1),
                            ("checks", got["checks"][:24])):
            self.assertTrue(list(faults(PLAIN, dict(got, **{name: wrong}))), name)


@unittest.skipUnless(lodger.can_be_started(), "an instrumented build cannot enter its jail")
class Up(unittest.TestCase):
    fits = Down.fits

    def look(self, house):
        code, got, checks = doctor(house.state, house.port)
        self.fits(got)
        self.assertEqual(code, int(got["finding"] == "fail"))
        return got, checks

    def failed(self, checks):
        return {name for name, row in checks.items() if row["finding"] == "fail"}

    def test_living_house(self):
        with lodger.House() as house:
            lodger.wait_for(lambda: house.records("house.start"))
            got, checks = self.look(house)
            before = self.failed(checks)
            for name in checks:
                self.assertIn(f"`{name}`", DOCS.read_text())
            self.assertTrue(got["up"])
            self.assertLessEqual(before, {"machine.nofile", "state.space", "machine.seccomp"})
            for name in ("house.answers", "house.audit", "house.keeper", "house.verify", "house.front",
                         "house.evidence", "house.log", "house.store", "house.restarts", "house.suspects",
                         "listen.port", "install.versions", "certificate.ca", "seal.file",
                         "state.permissions", "audit.leaves"):
                self.assertEqual(checks[name]["finding"], "ok", checks[name])
            self.assertEqual(checks["house.tee"]["finding"], "warn")
            self.assertIn(str(house.monitor()), checks["state.lock"]["detail"])

            # What it says of a house that has been hurt.
            house.kill("front")
            lodger.wait_for(lambda: house.records("process.start"))
            self.assertEqual(self.look(house)[1]["house.restarts"]["finding"], "warn")
            house.hold("core")
            self.assertEqual(self.failed(self.look(house)[1]) - before, {"house.answers"})

    def broken(self, house, name, *, hurt, heal):
        before = self.failed(self.look(house)[1])
        hurt()
        try:
            self.assertEqual(self.failed(self.look(house)[1]) - before, {name})
        finally:
            heal()

    def test_broken_state(self):
        with lodger.House() as house:
            house.ask("system/config")
            house.down()
            seal = pathlib.Path(f"{house.state}.seal")
            away = house.above / "away"
            log = house.state / "audit/security.log"
            ca, whole = house.state / "ca.pem", log.read_bytes()
            pem = ca.read_bytes()
            inside = house.state / "seal"
            database = house.state / "ward.db"

            def hide():
                shutil.move(seal, inside)
                seal.symlink_to(inside)

            def show():
                seal.unlink()
                shutil.move(inside, seal)

            rows = (
                ("seal.file", lambda: shutil.move(seal, away), lambda: shutil.move(away, seal)),
                ("seal.file", lambda: seal.chmod(0o640), lambda: seal.chmod(0o600)),
                ("seal.file", hide, show),
                ("state.permissions", lambda: house.state.chmod(0o755),
                 lambda: house.state.chmod(0o700)),
                ("state.permissions", lambda: (house.state / "keyring").chmod(0o604),
                 lambda: (house.state / "keyring").chmod(0o600)),
                ("state.permissions", lambda: (house.state / "tee/authority").chmod(0o640),
                 lambda: (house.state / "tee/authority").chmod(0o600)),
                ("audit.leaves", lambda: log.write_bytes(whole[:whole[:-1].rindex(b"\n") + 1]),
                 lambda: log.write_bytes(whole)),
                ("audit.head", lambda: shutil.move(house.state / "audit/heads", away) and
                 (house.state / "audit/heads").write_bytes(bytes(4096)) and
                 (house.state / "audit/heads").chmod(0o600),
                 lambda: shutil.move(away, house.state / "audit/heads")),
                ("store.file", lambda: shutil.move(database, away) and
                 database.write_bytes(b"no database at all") and database.chmod(0o600),
                 lambda: shutil.move(away, database)),
                ("certificate.ca", lambda: ca.write_bytes(pem[:-40]), lambda: ca.write_bytes(pem)),
            )
            for number, (name, hurt, heal) in enumerate(rows):
                with self.subTest(number, name=name):
                    self.broken(house, name, hurt=hurt, heal=heal)

    def test_backup_is_seen(self):
        with lodger.House() as house:
            folder = house.above / "backups"
            folder.mkdir()
            for name, age, wanted in (("no-backup", None, "warn"), (".x.wardbackup", None, "warn"),
                                      ("one.wardbackup", None, "ok"),
                                      ("one.wardbackup", 0, "warn")):
                (folder / name).write_bytes(b"x")
                if age is not None:
                    os.utime(folder / name, (age, age))
                checks = doctor(house.state, house.port, "--set", f"backup.dir={folder}")[2]
                self.assertEqual(checks["backup.age"]["finding"], wanted, name)

    def test_collateral_age_is_seen(self):
        with tempfile.TemporaryDirectory() as above:
            folder = pathlib.Path(above, "collateral")
            where = ("--set", f"collateral.folder={folder}")

            def age():
                return doctor(f"{above}/state", lodger.free_port(), *where)[2]["collateral.age"]

            self.assertEqual(age()["finding"], "warn")  # there is no such folder
            folder.mkdir()
            self.assertEqual(age()["finding"], "warn")  # and nothing in it
            for path in (ROOT / "vectors/collateral").iterdir():
                shutil.copy(path, folder)
            got = age()  # made by a test authority, which nobody pinned
            self.assertEqual(got["finding"], "warn")
            self.assertIn("nothing that is genuine", got["detail"])

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_somebody_elses_house(self):
        with lodger.House() as house:
            house.above.chmod(0o755)
            done = subprocess.run(
                ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                 str(lodger.WARD), "doctor", "--json", "--state", str(house.state), "--listen",
                 f"127.0.0.1:{house.port}"], capture_output=True, check=False, timeout=60)
            got = json.loads(done.stdout)
            self.fits(got)
            checks = {row["id"]: row for row in got["checks"]}
            for name in ("state.permissions", "state.lock", "audit.head", "audit.leaves"):
                self.assertEqual(checks[name]["finding"], "warn", checks[name])
            self.assertFalse(self.failed(checks) & {"listen.port", "house.answers", "seal.file"})


if __name__ == "__main__":
    tap.main()
