"""test_upgrade.py - two versions of the house on one state, in turns: the one that is built, and the
next one, whose store has been brought one step further (later/store).  The later one takes over
what the earlier one left; the earlier one refuses what the later one left, says why, changes
nothing of it, and the later one goes on from there.  The log is one in all of it.

WARD_FULL=1 in the environment: 60 turns instead of 8."""

import contextlib
import http.client
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest

import house as houses
from house import Evidence, House, lives, until

TURNS = 60 if os.environ.get("WARD_FULL") == "1" else 8
SEED = int(os.environ.get("WARD_SEED", "36"))
STEPS = int(re.search(r"enum \{ STORE_STEPS = (\d+) \}", (pathlib.Path(__file__).parents[2] /
            "src/store/store.h").read_text()).group(1))


class Versions(House):
    """One state, and the programs of two versions of the house beside it."""

    def __init__(self):
        super().__init__()
        self.version = "earlier"
        for version in ("earlier", "later"):
            folder = self.base / version
            (folder / "libexec/ward").mkdir(parents=True)
            (folder / "bin").mkdir()
            shutil.copy2(houses.WARD, folder / "bin/ward")
            shutil.copy2(houses.COMMANDS, folder / "libexec/ward")
            for name in (*houses.NAMES, "monitor", "keyring"):
                made = houses.BUILD / f"src/proc/ward-{name}"
                if (version, name) == ("later", "core"):
                    made = houses.BUILD / "tests/proc/later/store/later_core"
                shutil.copy2(made, folder / f"libexec/ward/ward-{name}")

    def words(self, command, *more):
        words = super().words(command, *more)
        return [str(self.base / self.version / "bin/ward"), *words[1:]]

    def start(self, version):
        self.version = version
        self.up()
        until(self.works, 30, 0.05)

    def end(self, kindly):
        """Stopped, or all of it killed at once: then the store's log still holds what it was
        brought to."""
        if kindly:
            assert self.down().returncode == 0
            return
        pids = self.processes()
        os.kill(pids["monitor"], signal.SIGSTOP)
        for pid in [*pids.values(), pids["monitor"]]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids.values():
            until(lambda pid=pid: not lives(pid), 10)

    def store(self):
        """(finding, detail) of what doctor says of it."""
        status, answer = self.ask("/v1/system/doctor")
        assert status == 200, answer
        row = next(row for row in answer["checks"] if row["id"] == "house.store")
        return row["finding"], row.get("detail", "")

    def store_is_good(self):
        return self.store()[0] == "FINDING_OK"

    def anchor(self):
        return self.rows("SELECT size FROM audit_anchor")[0][0]

    def rows(self, *statements):
        """Read from a copy: who only looks at a database of SQLite still writes beside it."""
        with tempfile.TemporaryDirectory() as folder:
            for suffix in ("", "-wal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copy2(f"{self.state}/ward.db{suffix}", folder)
            with contextlib.closing(sqlite3.connect(f"{folder}/ward.db")) as database:
                if not statements:
                    return list(database.iterdump())
                return [row for one in statements for row in database.execute(one)]

    def schema(self):
        return self.rows("SELECT max(number) FROM migrations")[0][0]

    def files(self):
        """The bytes of the store."""
        return {path.name: path.read_bytes() for path in self.state.glob("ward.db*")}


# (version, whether it is stopped and not killed): each that is refused finds a store of both kinds.
FIRST = (("earlier", True), ("later", False), ("earlier", True), ("later", True),
         ("earlier", False), ("earlier", True))


class Upgrade(unittest.TestCase):
    def assert_untouched(self, house, before, files):
        """To the byte where it was closed, to the row where its end was violent."""
        self.assertEqual(house.rows(), before)
        if not files.get("ward.db-wal"):
            self.assertEqual(house.files()["ward.db"], files["ward.db"])

    def take_turn(self, house, version, evidence, newest, anchor):
        """The version serves; what it refuses it refuses aloud.  Returns how far the store is."""
        house.start(version)
        evidence.note(house)
        if version == "earlier" and newest > STEPS:
            finding, detail = house.store()
            self.assertEqual(finding, "FINDING_FAIL")
            self.assertIn("schema of a later version", detail)
            self.assertIn("STORE_SCHEMA_NEWER", house.log())
            return newest
        until(house.store_is_good, 30)
        # The log grew, and the store follows it again.
        until(lambda: house.anchor() > anchor, 30, 0.1)
        return max(newest, STEPS + (version == "later"))

    def test_versions_take_turns(self):  # proves: RL-36
        """Never a step back that nobody hears of."""
        generator = random.Random(SEED)
        print(f"# seed {SEED}, {TURNS} turns")
        refused = {True: 0, False: 0}
        with Versions() as house:
            evidence, newest, anchor = Evidence(house.state), STEPS, 0
            for turn in range(TURNS):
                version, kindly = FIRST[turn] if turn < len(FIRST) else (
                    generator.choice(("earlier", "later")), generator.random() < 0.5)
                before, files = (house.rows(), house.files()) if turn else ([], {})
                newest = self.take_turn(house, version, evidence, newest, anchor)
                house.end(kindly)
                if version == "earlier" and newest > STEPS:
                    self.assert_untouched(house, before, files)
                    refused[not files.get("ward.db-wal")] += 1
                self.assertEqual(house.schema(), newest)
                anchor = house.anchor()
            self.assertEqual(newest, STEPS + 1)
            self.assertTrue(refused[True] and refused[False], refused)
            evidence.check()

    def test_a_silent_step_back_would_be_seen(self):
        """The seeded bug: somebody takes the last step back, and says nothing."""
        with Versions() as house:
            house.start("later")
            until(house.store_is_good, 30)
            house.end(True)
            before, files = house.rows(), house.files()
            self.assert_untouched(house, before, files)
            with contextlib.closing(sqlite3.connect(house.state / "ward.db")) as database:
                database.execute("DELETE FROM migrations WHERE number = ?", (STEPS + 1,))
                database.execute("DROP TABLE later")
                database.commit()
            with self.assertRaises(AssertionError):
                self.assert_untouched(house, before, files)

    def test_command_of_the_earlier_one_refuses(self):
        """A backup is not made of what cannot be read whole."""
        with Versions() as house:
            house.start("earlier")
            house.end(True)
            house.start("later")
            until(house.store_is_good, 30)
            house.end(True)
            before, files = house.rows(), house.files()
            made = house.base / "backup"
            word = house.base / "word"
            word.write_text("a word for this backup alone\n")
            word.chmod(0o600)
            done = subprocess.run([house.base / "earlier/bin/ward", "backup", "create", "--state",
                                   house.state, "--to", made, "--passphrase-file", word],
                                  capture_output=True, text=True, timeout=90, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("STORE_SCHEMA_NEWER", done.stderr)
            self.assertFalse(made.exists())
            self.assert_untouched(house, before, files)


if __name__ == "__main__":
    import tap
    tap.main()
