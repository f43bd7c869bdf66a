"""test_backup_server.py - a house whose store is a PostgreSQL server in one file, and out of it again:
up or down, into another database or into a folder, with everything that can be wrong with the
server, and killed in the middle."""

import collections
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import lodger
import tap
from lodger import BUILD, House, wait_for
from server_house import PASSWORD, Home, Server, postgres
from store import DRIVER, needs_mount, needs_strace

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FULL = os.environ.get("WARD_FULL") == "1"
SEED = int(os.environ.get("WARD_SEED", "20260101"))
HEAD = 160
BLOCK = (64 << 10) + 20  # its length, its bytes and their tag
TABLES = {"audit_anchor": "size, root", "bans": "prefix, until, reason, count",
          "nonces": "identity, value, expires", "meta": "installation, created",
          "sessions": "token, identity, created, expires, key, profile, vouched, name",
          "collateral": "thing, scope, issued, evaluation"}


def rows_of(first, last):
    """Statements that put a row with each of these numbers in every table that has many."""
    of = "sha256(n::text::bytea)"
    numbers = f"FROM generate_series({first}, {last}) n"
    return (f"INSERT INTO ward.bans SELECT substr({of}, 1, 16) || '\\x80'::bytea, 4000000000 + n,"
            f" 'STORE_SHARE', 1 {numbers};"
            f"INSERT INTO ward.nonces SELECT {of}, {of}, 4000000000 + n {numbers};"
            f"INSERT INTO ward.sessions SELECT {of}, {of}, 1, 4000000000 + n, {of}, 2, 1,"
            f" 'name'::bytea {numbers}")


PIECES = ("INSERT INTO ward.collateral SELECT n, substr(sha256(n::text::bytea), 1, 8), n, n + 9, 17,"
          " n, 'chain'::bytea, 'body'::bytea FROM generate_series(1, 3) n")


@unittest.skipUnless(lodger.can_be_started(), "an instrumented build cannot enter its jail")
@unittest.skipIf(postgres.missing(), postgres.missing())
class TestBackupServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.ask("CREATE DATABASE twin OWNER house")

    def setUp(self):
        self.empty("house")
        self.empty("twin")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ward-backup-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.phrase = self.folder / "phrase"
        self.phrase.write_text("correct horse battery\n")
        self.path, self.state = self.folder / "house.wardbackup", self.folder / "new"

    def empty(self, database):
        self.server.ask(f"DROP DATABASE {database} WITH (FORCE)")
        self.server.ask(f"CREATE DATABASE {database} OWNER house")

    def house(self, database="house"):
        house = Home(self.server, database=database)
        self.addCleanup(house.clear)
        return house

    def ward(self, *words, code=0, before=()):
        done = subprocess.run([*before, BUILD / "ward", *map(str, words)], capture_output=True,
                              check=False, timeout=120)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        self.assertNotIn(PASSWORD.encode(), done.stdout + done.stderr)
        return done

    def create(self, house, path=None, code=0, where=None, state=None):
        done = self.ward("backup", "create", "--state", state or house.state, "--to",
                         path or self.path, "--passphrase-file", self.phrase, "--json",
                         *(house.where() if where is None else where), code=code)
        return json.loads(done.stdout) if code == 0 else done.stderr.decode()

    def words(self, house, *more, where=None):
        return ("backup", "restore", self.path, "--state", self.state, "--passphrase-file",
                self.phrase, "--json", *(house.where() if where is None else where), *more)

    def restore(self, house, *more, code=0, where=None):
        done = self.ward(*self.words(house, *more, where=where), code=code)
        return json.loads(done.stdout) if code == 0 else done.stderr.decode()

    def rows(self, database):
        return {name: self.server.says(f"SELECT {columns} FROM ward.{name} ORDER BY {columns}",
                                       database) for name, columns in TABLES.items()}

    def schemas(self, database="twin"):
        return self.server.says("SELECT count(*) FROM pg_namespace WHERE nspname = 'ward'",
                                database)

    def good_backup(self, rows=300):
        """(house, what was made) of a house that is down, with rows in every table."""
        house = self.house()
        house.up()
        wait_for(lambda: self.server.anchor() > 0, 60)
        house.down()
        self.server.says(f"{rows_of(1, rows)}; {PIECES}")
        made = self.create(house)
        self.assertEqual([len(lines) for lines in self.rows("house").values()],
                         [1, rows, rows, 1, rows, 3])
        return house, made

    def whole(self, house, made):
        """A restored house is what the backup was of, and stays so."""
        house = self.take_over(house)
        self.assertFalse([name for name in os.listdir(self.state) if "ward.db" in name
                          or name in ("store", "keyring.backup")])
        twin = self.create(house, self.folder / "twin.wardbackup")
        self.assertEqual(twin["state_hash"], made["state_hash"])
        (self.folder / "twin.wardbackup").unlink()
        return house

    def take_over(self, house):
        """The restored folder as a house of its own, to be started."""
        again = House(folder=self.folder)
        again.state = self.state
        again.where = house.where
        self.addCleanup(again.clear)
        return again

    def test_up_into_another_database(self):  # proves: EC-34
        """Of a house at work, with a row in every table; restored, compared and started."""
        house, other = self.house(), self.house("twin")
        house.up()
        wait_for(lambda: self.server.anchor() > 0, 60)
        self.server.says(rows_of(1, 700))
        made = self.create(house)
        self.assertEqual(oct(self.path.stat().st_mode & 0o777), "0o600")
        self.assertEqual(sorted(os.listdir(self.folder)), ["house.wardbackup", "phrase"])
        keys = house.ask("keyring/keys")[1]
        house.down()
        self.assertEqual(self.restore(other, "--plan"), made)
        self.assertEqual((self.schemas(), self.state.exists()), (["0"], False))
        self.assertEqual(self.restore(other), made)
        mine, theirs = self.rows("house"), self.rows("twin")
        for name in ("bans", "nonces", "sessions", "meta", "collateral"):
            self.assertEqual(theirs[name], mine[name], name)
        again = self.whole(other, made)
        kept = (self.state / "audit/security.log").read_bytes()
        again.up(*other.where())
        self.assertEqual(again.ask("keyring/keys")[1], keys)
        other.state = self.state
        wait_for(other.is_good, 60)
        self.ward("audit", "verify", "--state", self.state)
        self.assertTrue((self.state / "audit/security.log").read_bytes().startswith(kept))
        # It is a house at work now: nothing is put over it.
        again.down()
        shutil.rmtree(self.state)
        self.assertIn(" RESTORE_NOT_EMPTY: ", self.restore(other, code=7))

    def test_down_and_every_table(self):
        house, made = self.good_backup()
        before = self.rows("house")
        self.assertEqual(self.restore(self.house("twin")), made)
        self.assertEqual(self.rows("twin"), before)
        self.assertEqual(self.create(house, self.folder / "same")["state_hash"],
                         made["state_hash"])

    def test_from_one_kind_of_store_to_the_other(self):
        """Server to folder, and that folder's backup to a server: one state."""
        house, made = self.good_backup()
        self.assertEqual(self.restore(house, where=()), made)
        self.assertTrue((self.state / "ward.db").exists())
        alone = House(folder=self.folder)
        alone.state = self.state
        self.addCleanup(alone.clear)
        self.path.unlink()
        again = self.create(alone, where=())
        self.assertEqual(again["state_hash"], made["state_hash"])
        alone.up()
        row, = [row for row in alone.ask("system/doctor")[1]["checks"] if row["id"] == "house.store"]
        self.assertEqual(row["finding"], "FINDING_OK", row)
        alone.down()
        shutil.rmtree(self.state)
        other = self.house("twin")
        self.assertEqual(self.restore(other)["state_hash"], made["state_hash"])
        self.assertEqual(self.rows("twin"), self.rows("house"))
        self.whole(other, made)

    def test_while_others_write(self):
        """One snapshot: what was written together is in it together, or not at all."""
        house, other = self.house(), self.house("twin")
        house.up()
        wait_for(lambda: self.server.anchor() > 0, 60)
        self.server.says(rows_of(1, 2000))
        stop, number = threading.Event(), [2000]

        def write():
            while not stop.is_set():
                number[0] += 1
                self.server.says(rows_of(number[0], number[0]))
                house.ask("system/config")
        worker = threading.Thread(target=write)
        worker.start()
        try:
            wait_for(lambda: number[0] > 2003, 60)
            first = number[0]
            made = self.create(house)
        finally:
            stop.set()
            worker.join()
        self.assertGreater(number[0], first)
        house.down()
        self.assertEqual(self.restore(other), made)
        counts = [len(self.rows("twin")[name]) for name in ("bans", "nonces", "sessions")]
        self.assertEqual(len(set(counts)), 1, counts)
        self.assertGreaterEqual(counts[0], first - 1)
        self.whole(other, made)

    def test_what_is_wrong_with_a_server(self):
        """Each its own reason and exit code; database and folders are as they were."""
        house, made = self.good_backup()
        other = self.house("twin")
        left = sorted(os.listdir(self.folder))

        def refused(name, code, create=True, restore=True, where=None):
            with self.subTest(name, where=where):
                before = self.rows("twin"), self.schemas()
                if create:
                    self.assertIn(f" {name}: ", self.create(house, self.folder / "bad", code=code,
                                                            where=where))
                if restore:
                    self.assertIn(f" {name}: ", self.restore(other, code=code, where=where))
                if not create:
                    self.assertIn(f" {name}: ", self.restore(other, "--plan", code=code,
                                                             where=where))
                self.assertEqual(sorted(os.listdir(self.folder)), left)
                self.assertEqual((self.rows("twin"), self.schemas()), before)
        wrong = self.folder.parent / f"{self.folder.name}.password"
        self.addCleanup(wrong.unlink)
        wrong.write_text("wrong\n")
        wrong.chmod(0o600)
        url = other.where()[:2]
        refused("STORE_UNREACHABLE", 4, where=(*url, "--set", f"store.password_file={wrong}"))
        refused("STORE_UNREACHABLE", 4, where=url)
        wrong.chmod(0o640)
        refused("HOUSE_STATE_UNSAFE", 3, where=(*url, "--set", f"store.password_file={wrong}"))
        refused("HOUSE_STATE_UNUSABLE", 3,
                where=(*url, "--set", f"store.password_file={wrong}.none"))
        refused("STORE_ADDRESS", 3, where=("--set", "store.url=service=none dbname=twin"))
        another = str(other.store).replace("@localhost", "@127.0.0.1")
        refused("STORE_UNREACHABLE", 4,
                where=("--set", f"store.url={another}", *other.where()[2:]))
        self.server.ask("ALTER DATABASE twin OWNER TO ward")
        refused("STORE_FORBIDDEN", 5, create=False)
        self.server.ask("ALTER DATABASE twin OWNER TO house")
        self.server.ask("ALTER SYSTEM SET fsync = off")
        self.server.ask("SELECT pg_reload_conf()")
        time.sleep(0.3)
        try:
            refused("STORE_NOT_DURABLE", 1)
        finally:
            self.server.ask("ALTER SYSTEM RESET fsync")
            self.server.ask("SELECT pg_reload_conf()")
            time.sleep(0.3)
        self.server.stop()
        try:
            refused("STORE_UNREACHABLE", 4)
        finally:
            self.server.start()
        self.assertEqual(self.restore(other), made)
        shutil.rmtree(self.state)
        left = sorted(os.listdir(self.folder))
        # Not even the same backup, for another folder.
        self.state = self.folder / "another"
        refused("RESTORE_NOT_EMPTY", 7, create=False)
        for statement, name in (
                ("UPDATE ward.migrations SET sum = 'x' WHERE number = 2", "STORE_SCHEMA_CHANGED"),
                ("INSERT INTO ward.migrations VALUES (9, 'x', 1)", "STORE_SCHEMA_NEWER")):
            for database in ("house", "twin"):
                self.empty(database)
                subprocess.run([DRIVER, f"postgres:host={self.server.folder} user=ward dbname="
                                f"{database}", "migrate"], check=True, capture_output=True)
                self.server.says(f"{statement}; GRANT ALL ON SCHEMA ward TO house; GRANT ALL ON ALL"
                                 " TABLES IN SCHEMA ward TO house", database)
            refused(name, 1)

    def test_another_house_in_the_database(self):
        """A log and a store that are not of one house are no backup."""
        house = self.house()
        house.up()
        wait_for(lambda: self.server.anchor() > 0, 60)
        house.down()
        with House() as stranger:
            wait_for(lambda: stranger.records("house.start"))
            stranger.down()
            said = self.create(house, code=1, state=stranger.state, where=(
                *house.where(), "--set", f"seal.path={stranger.state}.seal"))
            self.assertRegex(said, " STORE_(LOG_)?ROLLED_BACK: ")
        self.assertEqual(os.listdir(self.folder), ["phrase"])

    def test_a_database_that_was_put_back(self):
        """Nor is a house one whose log knows a later generation than its server."""
        house, _ = self.good_backup(5)
        left = sorted(os.listdir(self.folder))
        self.server.says("UPDATE ward.meta SET generation = 0")
        self.assertIn(" STORE_ROLLED_BACK: ", self.create(house, self.folder / "bad", code=1))
        self.assertEqual(sorted(os.listdir(self.folder)), left)

    def empty_schema(self, *until):
        """Tables without a row in the twin, as of a first start that was cut off."""
        spec = f"postgres:host={self.server.folder} user=ward dbname=twin"
        subprocess.run([DRIVER, spec, "migrate", *until], check=True, capture_output=True)
        self.server.says("ALTER SCHEMA ward OWNER TO house", "twin")
        for name in self.server.says("SELECT tablename FROM pg_tables WHERE schemaname = 'ward'",
                                     "twin"):
            self.server.says(f"ALTER TABLE ward.{name} OWNER TO house", "twin")

    def test_an_older_schema_that_is_empty(self):
        """As after a first start that was cut off: it is brought up to date on the way."""
        _, made = self.good_backup()
        other = self.house("twin")
        self.empty_schema("4")
        self.assertEqual(self.restore(other), made)
        self.whole(other, made)

    def test_damage_in_every_block(self):
        """One byte of each block, and a file that ends at each: nothing is put anywhere."""
        self.good_backup(1500)
        other = self.house("twin")
        good = self.path.read_bytes()
        blocks = range(HEAD, len(good), BLOCK)
        self.assertGreater(len(blocks), 5)
        generator = random.Random(SEED)
        print(f"# seed {SEED}, {len(blocks)} blocks")
        for start in blocks:
            bad = bytearray(good)
            bad[generator.randrange(start + 4, min(start + BLOCK, len(good)))] ^= 1
            for data, name in ((bytes(bad), "BACKUP_DAMAGED"), (good[:start], "BACKUP_CUT")):
                self.path.write_bytes(data)
                self.assertIn(f" {name}: ", self.restore(other, code=1))
                self.assertEqual(sorted(os.listdir(self.folder)), ["house.wardbackup", "phrase"])
                self.assertEqual(self.schemas(), ["0"])

    @needs_mount
    def test_a_full_disk(self):
        """While the store is read, and at every later megabyte: no file, and nothing beside it."""
        house = self.house()
        house.up()
        wait_for(lambda: self.server.anchor() > 0, 60)
        house.down()
        self.server.says(rows_of(1, 4000))
        for size in ("512k", "1m", "2m", "4m"):
            small = self.folder / size
            small.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", small], check=True)
            try:
                said = self.create(house, small / "house", code=1)
                self.assertRegex(said, " STORE_(FULL|IO): ")
                self.assertEqual(os.listdir(small), [])
            finally:
                subprocess.run(["umount", small], check=True)
        self.create(house)

    def alone(self):
        """Whoever was killed may still be waiting there."""
        wait_for(lambda: self.server.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name"
            " IN ('ward', 'psql') AND pid <> pg_backend_pid()") == ["0"])

    def blocked(self, lock, database, words):
        """A command that waits for a lock of somebody else's, and its child that speaks."""
        self.alone()
        held = subprocess.Popen([postgres.programs() / "psql", "-Xq", "-h", self.server.folder,
                                 "-U", "ward", "-d", database, "-c",
                                 f"BEGIN; {lock}; SELECT pg_sleep(60)"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        self.addCleanup(held.wait)
        self.addCleanup(held.kill)
        wait_for(lambda: self.server.ask("SELECT count(*) FROM pg_locks WHERE granted AND"
                                         " (locktype = 'advisory' OR mode = 'AccessExclusiveLock')")
                 != ["0"])
        done = subprocess.Popen([BUILD / "ward", *map(str, words)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
        self.addCleanup(done.kill)
        wait_for(lambda: self.server.ask("SELECT count(*) FROM pg_locks WHERE NOT granted")
                 == ["1"])
        child, = pathlib.Path(f"/proc/{done.pid}/task/{done.pid}/children").read_text().split()
        return done, child

    def commands(self, house, other):
        """Each command, with a lock that it waits for in the middle."""
        return (("LOCK TABLE ward.nonces IN ACCESS EXCLUSIVE MODE", "house",
                 ("backup", "create", "--state", house.state, "--to", self.folder / "bad",
                  "--passphrase-file", self.phrase, *house.where())),
                ("SELECT pg_advisory_xact_lock(2002874980)", "twin", self.words(other)))

    def test_who_speaks_with_the_server(self):
        """A child with core's user and no right, no environment and nothing open but its file."""
        house, _ = self.good_backup()
        other = self.house("twin")
        for lock, database, words in self.commands(house, other):
            done, child = self.blocked(lock, database, words)
            status = pathlib.Path(f"/proc/{child}/status").read_text()
            user = 61204 if os.geteuid() == 0 else os.geteuid()
            self.assertIn(f"Uid:\t{user}\t{user}\t{user}\t{user}\n", status)
            self.assertIn("NoNewPrivs:\t1\n", status)
            for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertIn(f"{name}:\t0000000000000000\n", status)
            if os.geteuid() == 0:
                links = [os.readlink(link) for link in
                         pathlib.Path(f"/proc/{child}/fd").iterdir() if int(link.name) > 2]
                self.assertEqual(sorted(link.split(":")[0].split("/")[-1] for link in links),
                                 ["pipe", "socket", "store"])
                self.assertEqual({os.readlink(f"/proc/{child}/fd/{i}") for i in range(3)},
                                 {"/dev/null"})
            self.assertEqual(os.getsid(int(child)), int(child))  # no terminal either
            command = pathlib.Path(f"/proc/{child}/cmdline").read_bytes()
            self.assertNotIn(PASSWORD.encode(), command)
            # It ends with its parent.
            done.kill()
            done.wait()
            wait_for(lambda: not pathlib.Path(f"/proc/{child}").exists())
            self.assertEqual((self.schemas(), self.state.exists()), (["0"], False))

    def test_a_server_that_goes_away(self):
        """In the middle of either command: said, and nothing is left of it."""
        house, made = self.good_backup()
        other = self.house("twin")
        left = sorted(os.listdir(self.folder))
        for lock, database, words in self.commands(house, other):
            done, _ = self.blocked(lock, database, words)
            self.server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE application_name = 'ward'")
            said = done.communicate(timeout=60)[1]
            self.assertIn(b" STORE_UNREACHABLE: ", said)
            self.assertNotIn(PASSWORD.encode(), said)
            self.assertEqual(done.returncode, 4)
            self.assertEqual(sorted(os.listdir(self.folder)), left)
            self.assertEqual((self.schemas(), self.state.exists()), (["0"], False))
        self.alone()
        self.assertEqual(self.restore(other), made)

    def test_a_server_that_goes_away_while_it_commits(self):
        """Whether it did is not known, and that is said; asked again, it is restored once."""
        _, made = self.good_backup()
        other = self.house("twin")
        self.empty_schema()
        self.server.says(
            # Not from the group of processes of who asks: the server ends those groups, and a program
            # that is seen to die before its caller does is a statement that failed, and no doubt.
            "CREATE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
            "COPY (SELECT 1) TO PROGRAM 'setsid -f sh -c \"sleep 0.3; "
            f"kill -QUIT {self.server.process.pid}\"'; "
            "PERFORM pg_sleep(9); RETURN NULL; END $$;"
            "CREATE CONSTRAINT TRIGGER last AFTER INSERT ON ward.meta DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION fall()", "twin")
        try:
            self.assertIn(" STORE_UNCERTAIN: ", self.restore(other, code=4))
            self.server.process.wait(30)
        finally:
            self.server.stop()
            self.server.start()
        self.assertFalse(self.state.exists())
        self.server.says("DROP TRIGGER last ON ward.meta", "twin")
        self.assertEqual(self.restore(other), made)

    @needs_strace
    def test_killed_anywhere(self):
        """Both processes at each call that reaches the server or the folder: whatever was done, the same
        command again does the rest, and never twice."""
        _, made = self.good_backup(20)
        other = self.house("twin")
        words = [BUILD / "ward", *map(str, self.words(other))]
        calls = ("sendto", "recvfrom", "fsync", "rename", "unlink", "wait4", "pipe2", "exit_group")
        log = self.folder.parent / f"{self.folder.name}.log"
        self.addCleanup(log.unlink)
        subprocess.run(["strace", "-f", "-qq", "-o", log, "-e", f"trace={','.join(calls)}", *words],
                       check=True, capture_output=True, timeout=120)
        # strace counts for each process by itself.
        made_by = collections.Counter(
            (call, line.split()[0]) for line in log.read_text().splitlines() for call in calls
            if f" {call}(" in line)
        most = {call: max(count for (name, _), count in made_by.items() if name == call)
                for call in calls}
        points = [(call, n) for call in calls for n in range(1, most[call] + 1)]
        generator = random.Random(SEED)
        print(f"# seed {SEED}, {len(points)} points")
        if not FULL:
            last = [(call, most[call]) for call in ("fsync", "rename", "unlink", "wait4")]
            points = last + generator.sample(points, 6)
        seen = set()
        for call, number in points:
            self.empty("twin")
            shutil.rmtree(self.state, ignore_errors=True)
            subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                            f"inject={call}:signal=KILL:when={number}", *words], check=False,
                           capture_output=True, timeout=120)
            wait_for(lambda: self.server.ask("SELECT count(*) FROM pg_stat_activity WHERE"
                                             " application_name = 'ward'") == ["0"])
            there, filled = self.state.exists(), self.schemas() != ["0"]
            with self.subTest(call=call, number=number, there=there, filled=filled):
                seen.add((there, filled))
                self.assertTrue(filled or not there, "a folder without its store")
                if not there:
                    self.assertEqual(self.restore(other), made)
                self.whole(other, made)
            for old in self.folder.glob("new.restoring-*"):
                shutil.rmtree(old)
        self.assertEqual(seen, {(False, False), (False, True), (True, True)})

    @unittest.skipUnless(os.geteuid() == 0, "only root can be asked about the house of another")
    def test_root_and_a_house_of_another_user(self):
        """The password file is that user's, and so is the child; a third one's is nobody's."""
        house, made = self.good_backup(5)
        os.chown(house.state, 61777, 61777)
        os.chown(house.secret, 61777, 61777)
        same = self.folder / "same"
        self.assertEqual(self.create(house, same)["state_hash"], made["state_hash"])
        same.unlink()
        lock, database, words = self.commands(house, house)[0]
        done, child = self.blocked(lock, database, words)
        status = pathlib.Path(f"/proc/{child}/status").read_text()
        self.assertRegex(status, r"Uid:\t61777\t61777\t61777\t61777\nGid:\t61204\t61204\t61204\t61204\n")
        self.assertRegex(status, r"Groups:\t61204 *\n")
        done.kill()
        done.wait()
        os.chown(house.secret, 61778, 61778)
        self.assertIn(" HOUSE_STATE_UNSAFE: ", self.create(house, same, code=3))

    @unittest.skipUnless(os.geteuid() == 0, "only root has rights to be left without")
    def test_the_rights_of_the_nightly_one(self):
        """Those of the unit are enough with what its page adds, and without that it says so."""
        house, made = self.good_backup(20)
        unit = (ROOT / "packaging/systemd/ward-backup.service.in").read_text()
        page = (ROOT / "docs/backup.md").read_text()

        def create(text, code):
            rights = [f"+{name.removeprefix('CAP_').lower()}" for line in
                      re.findall(r"^CapabilityBoundingSet=(.*)", text, re.M)
                      for name in line.split()]
            self.assertGreater(len(rights), 2)
            self.path.unlink(missing_ok=True)
            return self.ward("backup", "create", "--state", house.state, "--to", self.path,
                             "--passphrase-file", self.phrase, *house.where(), code=code,
                             before=("setpriv", "--no-new-privs", "--inh-caps", "-all",
                                     "--bounding-set", ",".join(("-all", *rights))))
        self.assertIn(b" as user 61204, ", create(unit, 5).stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["phrase"])
        self.assertIn(made["state_hash"].encode(), create(unit + page, 0).stdout)

    def test_the_password_is_in_nothing(self):
        """Neither in the file, once opened, nor in what lies around."""
        house, _ = self.good_backup()
        config = self.folder / "ward.toml"
        config.write_text(f'[store]\nurl = "{house.store}"\npassword_file = "{house.secret}"\n')
        self.path.unlink()
        self.create(house, where=("--config", config))
        self.restore(house, where=())
        self.assertEqual((self.state / "ward.toml").read_text(), config.read_text())
        for path in self.folder.rglob("*"):
            if path.is_file():
                self.assertNotIn(PASSWORD.encode(), path.read_bytes(), path)


if __name__ == "__main__":
    tap.main()
