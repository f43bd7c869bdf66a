"""test_core_store.py - core's database in the real house: how far the log was is remembered
there, and a log that was put back to an older copy is found."""

import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

import lodger
import tap
from lodger import House, wait_for


def anchor(house):
    """The anchored size, as another program reads it."""
    place = f"file:{house.state}/ward.db?mode=ro"
    with contextlib.closing(sqlite3.connect(place, uri=True, timeout=5)) as database:
        rows = list(database.execute("SELECT size FROM audit_anchor"))
    return rows[0][0] if rows else 0


def generation(house):
    """How many transactions the store has had, as it lies in its file."""
    place = f"file:{house.state}/ward.db?mode=ro"
    with contextlib.closing(sqlite3.connect(place, uri=True, timeout=5)) as database:
        return database.execute("SELECT generation FROM meta").fetchone()[0]


def marks(house):
    return [row["details"]["generation"] for row in house.records("store.mark")]


def store_row(house):
    _, answer = house.ask("system/doctor")
    return next(row for row in answer["checks"] if row["id"] == "house.store")


@unittest.skipUnless(lodger.can_be_started(), "an instrumented build cannot enter its jail")
class Store(unittest.TestCase):
    def test_log_is_anchored_and_an_older_one_found(self):
        with House() as house:
            wait_for(lambda: anchor(house), 20)
            house.down()
            kept = house.above / "kept"
            shutil.copytree(house.state / "audit", kept / "audit")
            shutil.copy2(house.state / "keyring", kept / "keyring")
            # An anchor within yesterday's log would be one that it keeps.
            old = (kept / "audit/security.log").read_bytes().count(b"\n")
            house.up()
            for _ in range(5):
                self.assertEqual(house.ask("system/config")[0], 200)
            wait_for(lambda: anchor(house) > old, 20)
            self.assertEqual(store_row(house)["finding"], "FINDING_OK")
            house.down()

            # All that the log and its keeper know is of yesterday; the database is of today.
            today = house.above / "today"
            today.mkdir()
            for name in ("audit", "keyring"):
                shutil.move(house.state / name, today / name)
                (shutil.copytree if name == "audit" else shutil.copy2)(
                    kept / name, house.state / name)
            house.up()
            row = wait_for(lambda: [row for row in [store_row(house)]
                                    if row["finding"] == "FINDING_FAIL"], 60)[0]
            self.assertIn("security log is shorter or other", row["detail"])
            self.assertEqual(house.ask("system/ping")[0], 200)
            house.down()

            shutil.rmtree(house.state / "audit")
            (house.state / "keyring").unlink()
            for name in ("audit", "keyring"):
                shutil.move(today / name, house.state / name)
            house.up()
            before = anchor(house)
            house.ask("system/config")
            wait_for(lambda: anchor(house) > before, 20)
            self.assertEqual(store_row(house)["finding"], "FINDING_OK")

    def refused(self, house):
        """The store is not used, and it is said how to go on; the rest is served."""
        row = wait_for(lambda: [row for row in [store_row(house)]
                                if row["finding"] == "FINDING_FAIL"], 60)[0]
        self.assertIn("older than what the security log says", row["detail"])
        self.assertIn("ward backup restore", row["fix"])
        self.assertEqual(house.ask("system/ping")[0], 200)
        self.assertIn("STORE_ROLLED_BACK", (house.state / "ward.log").read_text())

    def put(self, house, files):
        for suffix in ("", "-wal", "-shm"):
            (house.state / f"ward.db{suffix}").unlink(missing_ok=True)
        for name, data in files.items():
            (house.state / name).write_bytes(data)

    def files(self, house):
        return {path.name: path.read_bytes() for path in house.state.glob("ward.db*")
                if not path.name.endswith("-shm")}

    def test_yesterdays_store_is_found(self):  # proves: RL-55
        with House() as house:
            wait_for(lambda: marks(house))
            house.down()
            old = self.files(house)
            for _ in range(2):
                before = len(marks(house))
                house.up()
                wait_for(lambda before=before: len(marks(house)) > before)
                self.assertEqual(store_row(house)["finding"], "FINDING_OK")
                house.down()
                today = self.files(house)
                self.assertLess(marks(house)[0], max(marks(house)))
                self.put(house, old)
                known = max(marks(house))
                house.up()
                self.refused(house)
                # It is not used: nothing more is marked, and it was not written to.
                house.down()
                self.assertEqual(max(marks(house)), known)
                self.assertLess(generation(house), known)
                self.put(house, today)
            house.up()
            wait_for(lambda: max(marks(house)) > known)
            self.assertEqual(store_row(house)["finding"], "FINDING_OK")

    def test_cut_log_of_the_store_is_found(self):  # proves: RL-55
        """Its write-ahead log cut anywhere below what the security log knows of."""
        with House() as house:
            wait_for(lambda: marks(house))
            house.ask("system/config")
            wait_for(lambda: len(marks(house)) > 1)
            os.kill(house.monitor(), signal.SIGKILL)
            wait_for(lambda: self.is_down(house))
            whole = self.files(house)
            log = whole["ward.db-wal"]
            known = max(marks(house))
            for cut in (0, 32 + 4120, len(log) // 3):
                self.put(house, dict(whole, **{"ward.db-wal": log[:cut]}))
                house.up()
                self.refused(house)
                house.down()
                self.assertEqual(max(marks(house)), known)
            # One transaction less than it had when it was noted last; and it does not come nearer
            # with each start.
            self.put(house, dict(whole, **{"ward.db-wal": self.one_behind(house, whole, known)}))
            for _ in range(3):
                house.up()
                self.refused(house)
                house.down()
                self.assertEqual((max(marks(house)), generation(house)), (known, known - 1))
            self.put(house, whole)
            house.up()
            wait_for(lambda: max(marks(house)) > known)
            self.assertEqual(store_row(house)["finding"], "FINDING_OK")

    def one_behind(self, house, whole, known):
        """The write-ahead log up to the commit before the generation that is noted."""
        log = whole["ward.db-wal"]
        size = 24 + int.from_bytes(log[8:12], "big")
        for end in range(32 + size, len(log) + 1, size):
            if log[end - size + 4:end - size + 8] == bytes(4):
                continue  # no commit ends with this frame
            with tempfile.TemporaryDirectory() as place:
                for name, data in dict(whole, **{"ward.db-wal": log[:end]}).items():
                    (pathlib.Path(place) / name).write_bytes(data)
                path = f"file:{place}/ward.db"
                with contextlib.closing(sqlite3.connect(path, uri=True)) as database:
                    if database.execute("SELECT generation FROM meta").fetchone()[0] == known - 1:
                        return log[:end]
        self.fail(f"no state of generation {known - 1}")

    def is_down(self, house):
        """Whoever held the lock is gone, and so are its processes."""
        return subprocess.run([lodger.WARD, "down", "--state", house.state], check=False,
                              capture_output=True, timeout=60).returncode == 0

    def test_store_that_comes_back_is_found(self):
        """What stood in its way is gone, and nobody started anything again."""
        with House() as house:
            wait_for(lambda: anchor(house), 20)
            house.down()
            aside = house.above / "aside"
            shutil.move(house.state / "ward.db", aside)
            (house.state / "ward.db").mkdir()
            house.up()
            row = store_row(house)
            self.assertEqual(row["finding"], "FINDING_FAIL")
            self.assertIn("cannot be opened", row["detail"])
            self.assertEqual(house.ask("system/ping")[0], 200)
            (house.state / "ward.db").rmdir()
            shutil.move(aside, house.state / "ward.db")
            wait_for(lambda: self.is_good(house), 40)

    def is_good(self, house):
        status, answer = house.ask("system/doctor")
        return status == 200 and any(row["id"] == "house.store" and row["finding"] == "FINDING_OK"
                                     for row in answer["checks"])

    def test_a_quiet_house_is_quiet(self):
        """A mark is not a reason for a mark."""
        with House() as house:
            wait_for(lambda: marks(house))
            house.ask("system/config")
            wait_for(lambda: anchor(house) == len(house.records()))
            before = len(house.records())
            time.sleep(6)  # more than one look at the head
            self.assertEqual(len(house.records()), before)

    def test_killed_core_finds_its_store(self):
        with House() as house:
            wait_for(lambda: anchor(house), 20)
            for _ in range(3):
                wait_for(lambda: house.process("core"))
                house.kill("core")
                time.sleep(0.3)
            wait_for(lambda: house.process("core"))
            wait_for(lambda: house.ask("system/doctor")[0] == 200)
            self.assertEqual(store_row(house)["finding"], "FINDING_OK")
            before = anchor(house)
            wait_for(lambda: anchor(house) > before or before >= 7, 20)

    def test_damaged_store_is_said(self):  # proves: RL-55
        with House() as house:
            house.down()
            for name in ("ward.db-wal", "ward.db-shm"):
                (house.state / name).unlink(missing_ok=True)
            database = house.state / "ward.db"
            database.write_bytes(b"\xa5" * 8192)
            house.up()
            self.assertEqual(store_row(house)["finding"], "FINDING_FAIL")
            self.assertEqual(house.ask("system/ping")[0], 200)
            self.assertEqual(house.ask("system/config")[0], 200)
            self.assertEqual(database.read_bytes(), b"\xa5" * 8192)


if __name__ == "__main__":
    tap.main()
