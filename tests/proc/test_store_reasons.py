"""test_store_reasons.py - a house whose store is held by another writer, is full of rows, lacks the one
that says whose it is, was never brought up to date, or cannot be written through: it says which of
these it is, loses no process by it, and goes on when that is over."""

import base64
import contextlib
import os
import pathlib
import sqlite3
import tempfile
import unittest

import disturbed
import lodger
import tap
from lodger import House, wait_for
from signer import Signer
from test_core_store import anchor
from test_slow_disk import Disk

SESSIONS, SHARE = 65536, 1024  # as many as there may be, and of one who signs


@contextlib.contextmanager
def other(house):
    """Another program that has the store open. What it writes stays in the write-ahead log: in
    the file itself are sums that it knows nothing of."""
    with contextlib.closing(sqlite3.connect(house.state / "ward.db", timeout=5,
                                            isolation_level=None)) as database:
        database.execute("PRAGMA wal_autocheckpoint = 0")
        yield database


@unittest.skipUnless(lodger.can_be_started(), "an instrumented build cannot enter its jail")
class Reasons(unittest.TestCase):
    @staticmethod
    def grant(house, key=None):
        """What the owner is told who grants a session."""
        done = house.command("session", "grant", "peer", "--key", key or Signer().key())
        return "OK" if done.returncode == 0 else (done.stdout + done.stderr).decode()

    def begun(self, house):
        wait_for(lambda: anchor(house), 20)
        self.assertEqual(self.grant(house), "OK")
        return house.process("core")

    def test_another_writer(self):
        """He is waited for, and not for long; core, which may make few calls, does not die of it."""
        with House() as house:
            core = self.begun(house)
            with other(house) as database:
                database.execute("BEGIN IMMEDIATE")
                self.assertIn("STORE_BUSY", self.grant(house))
                self.assertEqual(house.ask("system/ping")[0], 200)
                database.execute("ROLLBACK")
            self.assertEqual(self.grant(house), "OK")
            self.assertEqual(house.process("core"), core)

    @staticmethod
    def fill(database, count, identity=None):
        """With rows like the newest one, of one identity or of as many as there are rows."""
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "INSERT INTO sessions SELECT ?1, coalesce(?2, ?1), created, expires, key, profile, vouched,"
            " name FROM sessions LIMIT 1",
            ((os.urandom(32), identity) for _ in range(count)))
        database.execute("COMMIT")

    def test_as_many_rows_as_there_may_be(self):
        """Of one who signs, and of all."""
        key = Signer().key()
        with House() as house:
            core = self.begun(house)
            self.assertEqual(self.grant(house, key), "OK")
            with other(house) as database:
                own, = (one for one, in database.execute("SELECT identity FROM sessions WHERE key = ?",
                                                         (base64.b64decode(key),)))
                self.fill(database, SHARE - 1, own)
                self.assertIn("STORE_SHARE", self.grant(house, key))
                self.assertEqual(self.grant(house), "OK")
                database.execute("DELETE FROM sessions WHERE identity = ?", (own,))
                self.fill(database, SESSIONS - 2)
                self.assertIn("STORE_LIMIT", self.grant(house))
                database.execute("DELETE FROM sessions")
            self.assertEqual(self.grant(house), "OK")
            self.assertEqual(house.process("core"), core)

    def test_whose_it_is_is_gone(self):
        with House() as house:
            core = self.begun(house)
            with other(house) as database:
                whose, = database.execute("SELECT * FROM meta").fetchall()
                database.execute("DELETE FROM meta")
                self.assertIn("STORE_EMPTY", self.grant(house))
                database.execute("INSERT INTO meta VALUES (?, ?, ?, ?, ?)", whose)
            self.assertEqual(self.grant(house), "OK")
            self.assertEqual(house.process("core"), core)

    def test_a_table_that_is_another(self):
        """What is wrong with its statements is Ward's mistake, so this says; nobody falls over it."""
        with House() as house:
            core = self.begun(house)
            with other(house) as database:
                database.execute("ALTER TABLE sessions RENAME TO others")
                self.assertIn("STORE_STATEMENT", self.grant(house))
                database.execute("ALTER TABLE others RENAME TO sessions")
            self.assertEqual(self.grant(house), "OK")
            self.assertEqual(house.process("core"), core)

    def test_a_log_that_was_further(self):
        """By a row that somebody wrote while core lives: it does not go back behind it."""
        with House() as house:
            self.begun(house)
            with other(house) as database:
                database.execute("UPDATE audit_anchor SET size = size + 100000")
            self.assertEqual(self.grant(house), "OK")  # a record more
            wait_for(lambda: "store given up: STORE_ANCHOR_BACK" in
                     (house.state / "ward.log").read_text(), 30)
            self.assertEqual(house.ask("system/ping")[0], 200)

    def test_not_up_to_date(self):
        """A backup is not made of what this version did not bring up to its own tables."""
        with House() as house:
            self.begun(house)
            with other(house) as database:
                database.execute("DELETE FROM migrations"
                                 " WHERE number = (SELECT max(number) FROM migrations)")
            house.down()
            phrase = house.above / "phrase"
            phrase.write_text("zu Bett, zu Bett, die Trommel ruft\n")
            done = house.command("backup", "create", "--to", house.above / "backup",
                                 "--passphrase-file", phrase)
            self.assertIn("STORE_SCHEMA_OLDER", done.stderr.decode())
            self.assertFalse((house.above / "backup").exists())

    def test_not_written_through(self):
        """What the disk did not take for certain is not said to be done; the next life of core reads
        the disk again."""
        with tempfile.TemporaryDirectory(prefix="ward-store-") as folder:
            disk = Disk(pathlib.Path(folder) / "disk")
            programs = disturbed.build(pathlib.Path(folder) / "bin", [
                "/usr/bin/env", f"LD_PRELOAD={lodger.BUILD}/tests/proc/bad_disk.so",
                f"WARD_BAD_DISK={disk.path}"], ("core",))
            with House(programs=programs) as house:
                self.begun(house)
                disk.set(broken=True)
                self.assertIn("STORE_IO", self.grant(house))
                disk.set()
                wait_for(lambda: self.grant(house) == "OK", 40)


if __name__ == "__main__":
    tap.main()
