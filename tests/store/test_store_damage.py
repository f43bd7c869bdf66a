"""The store when its file is not what it was: a flipped bit, a cut log, yesterday's copy."""

import contextlib
import random
import shutil
import sqlite3
import subprocess

import store
import tap

PAGE = 4096


class Damage(store.Folder):

    def opened(self, path):
        """What the store says of the file: a state, or the reason of a refusal."""
        code, lines = store.run(f"sqlite:{path}", "state")
        return lines[0][0] if code == 0 else lines[0][-1]

    def sqlite_is_content(self, path):
        """Whether SQLite alone finds nothing."""
        place = f"file:{path}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(place, uri=True)) as database:
            try:
                return database.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
            except sqlite3.DatabaseError:
                return False

    def test_one_bit_in_every_page(self):  # proves: RL-55
        """Detected before anything is served. All pages are in use: nothing was deleted."""
        self.made(work=120)
        good = bytearray(self.path.read_bytes())
        self.assertFalse(self.folder.joinpath("ward.db-wal").exists())
        self.assertRegex(self.opened(self.path), "^[0-9a-f]{64}$")
        generator = random.Random(store.SEED)
        print(f"# seed {store.SEED}")
        unseen = 0
        for page in range(len(good) // PAGE):
            for _ in range(24 if store.FULL else 2):
                bit = generator.randrange(PAGE * 8)
                bad = bytearray(good)
                bad[page * PAGE + bit // 8] ^= 1 << bit % 8
                copy = self.folder / "bad.db"
                copy.write_bytes(bad)
                self.assertEqual(self.opened(copy), "STORE_DAMAGED", f"page {page} bit {bit}")
                unseen += self.sqlite_is_content(copy)
        # The control: without the checksums some of these would be served.
        self.assertGreater(unseen, 0)
        self.assertGreater(len(good) // PAGE, 20)

    def test_header_of_the_file(self):
        """Every bit of SQLite's own header."""
        self.made(work=2)
        good = bytearray(self.path.read_bytes())
        for bit in range(0, 100 * 8, 1 if store.FULL else 7):
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            copy = self.folder / "bad.db"
            copy.write_bytes(bad)
            self.assertEqual(self.opened(copy), "STORE_DAMAGED", f"bit {bit}")

    def test_other_files(self):
        """Pages swapped or cut off; no database of Ward, or none at all."""
        self.made(work=40)
        good = self.path.read_bytes()
        foreign = self.folder / "foreign.db"
        subprocess.run(["python3", "-c", "import sqlite3, sys\n"
                        "base = sqlite3.connect(sys.argv[1])\n"
                        "base.execute('CREATE TABLE migrations (number)')\nbase.commit()",
                        str(foreign)], check=True)
        last = len(good) - PAGE
        for what, data in (
                ("two pages swapped", good[:PAGE] + good[2 * PAGE:3 * PAGE] +
                 good[PAGE:2 * PAGE] + good[3 * PAGE:]),
                ("cut in a page", good[:-100]),
                ("cut at a page", good[:last]),
                ("half", good[:len(good) // 2 // PAGE * PAGE]),
                ("text", b"hello " * 2000),
                ("zeros", bytes(3 * PAGE)),
                ("a database of others", foreign.read_bytes())):
            copy = self.folder / "bad.db"
            copy.write_bytes(data)
            self.assertEqual(self.opened(copy), "STORE_DAMAGED", what)
        copy.write_bytes(b"")
        self.assertEqual(self.opened(copy), "STORE_SCHEMA_OLDER")


    def test_cut_log_and_yesterday(self):  # proves: RL-55
        """A whole state of some time, and the generation in the security log tells which."""
        self.made(work=3)
        yesterday = self.copied("yesterday.db")
        generations = {}
        for i in range(3, 9):
            # Killed by its own last write, the answer: nothing is folded into the file.
            code, _ = store.run(self.spec, "work", i, 1, before=(
                "strace", "-qq", "-o", "/dev/null", "-e", "trace=write", "-e",
                "inject=write:signal=KILL:when=1"))
            self.assertNotEqual(code, 0)
            copy = self.copied("now.db")
            generations[i] = int(store.run(f"sqlite:{copy}", "state")[1][0][1])
        log = self.folder / "ward.db-wal"
        whole = log.read_bytes()
        self.assertGreater(len(whole), 6 * PAGE)
        newest = max(generations.values())
        self.assertEqual(store.says(f"sqlite:{self.copied('now.db')}", "judge", newest), "OK")
        generator = random.Random(store.SEED)
        cuts = range(0, len(whole), PAGE + 24) if not store.FULL else range(0, len(whole), 500)
        for cut in [*cuts, *(generator.randrange(len(whole)) for _ in range(10))]:
            copy = self.copied("cut.db")
            (self.folder / "cut.db-wal").write_bytes(whole[:cut])
            spec = f"sqlite:{copy}"
            have = store.pieces(spec, 20)
            self.assertEqual(have, set(range(len(have))), f"cut at {cut}")
            shutil.copyfile(self.path, copy)
            (self.folder / "cut.db-wal").write_bytes(whole[:cut])
            generation = int(store.run(spec, "state")[1][0][1])
            judged = store.says(spec, "judge", newest)
            self.assertEqual(judged, "OK" if generation == newest else "STORE_ROLLED_BACK")
        for _ in range(100 if store.FULL else 20):
            shutil.copyfile(yesterday, self.folder / "old.db")
            spec = f"sqlite:{self.folder}/old.db"
            self.assertEqual(store.says(spec, "judge", newest), "STORE_ROLLED_BACK")
        # The control: in itself an old copy is as good as a new one.
        self.assertEqual(store.says(spec, "judge", 0), "OK")

    test_cut_log_and_yesterday = store.needs_strace(test_cut_log_and_yesterday)


if __name__ == "__main__":
    tap.main()
