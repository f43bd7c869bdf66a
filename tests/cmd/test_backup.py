"""test_backup.py - a house in one file and out of it again: while it runs, on an empty host, and
with everything that can be wrong with such a file.  Together the tests prove EC-34."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import unittest

import lodger
import tap
from lodger import BUILD, House, wait_for

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA = json.loads((ROOT / "docs/schema/backup.json").read_text())
HEAD = 160
BLOCK = (64 << 10) + 16


def strace_works():
    return shutil.which("strace") is not None and subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "true"], check=False,
        capture_output=True).returncode == 0


def unshare_works():
    return shutil.which("unshare") is not None and subprocess.run(
        ["unshare", "--pid", "--fork", "true"], check=False, capture_output=True).returncode == 0


def merkle_root(leaves):
    """RFC 9162 2.1.1, from the lines alone."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + merkle_root(leaves[:half]) + merkle_root(leaves[half:])).digest()


def lines(state):
    return (state / "audit/security.log").read_bytes().split(b"\n")[:-1]


def anchored(house):
    """How far the store knows the log."""
    with contextlib.closing(sqlite3.connect(f"file:{house.state / 'ward.db'}?mode=ro", uri=True)) as store:
        row = store.execute("SELECT size FROM audit_anchor").fetchone()
        return row[0] if row else 0


def with_version(data, version):
    """The head as another version would have written it."""
    head = bytearray(data[:HEAD])
    head[8] = version
    head[-32:] = hashlib.sha256(head[:-32]).digest()
    return bytes(head) + data[HEAD:]


@unittest.skipUnless(lodger.can_be_started(), "an instrumented build cannot enter its jail")
class Backup(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ward-backup-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.phrase = self.folder / "phrase"
        self.phrase.write_text("correct horse battery\n")

    def ward(self, *words, code=0):
        done = subprocess.run([BUILD / "ward", *map(str, words)], capture_output=True, check=False,
                              timeout=120)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        return done

    def create(self, house, path, *more, code=0):
        done = self.ward("backup", "create", "--state", house.state, "--to", path,
                         "--passphrase-file", self.phrase, "--json", *more, code=code)
        if code != 0:
            return done.stderr.decode()
        made = json.loads(done.stdout)
        self.assertEqual(set(made), set(SCHEMA["$defs"]["made"]["required"]))
        for name, rule in SCHEMA["$defs"]["made"]["properties"].items():
            self.assertRegex(str(made[name]), rule.get("pattern", "."))
        return made

    def restore(self, path, state, *more, code=0):
        done = self.ward("backup", "restore", path, "--state", state, "--passphrase-file",
                         self.phrase, "--json", *more, code=code)
        return json.loads(done.stdout) if code == 0 else done.stderr.decode()

    def test_empty_host_has_the_same_state(self):  # proves: EC-34
        """Of a house at work; restored, started, verified, and backed up to the same hash."""
        path, state = self.folder / "house.wardbackup", self.folder / "new"
        with House() as house:
            wait_for(lambda: house.records("house.start"))
            stop = threading.Event()

            def work():
                while not stop.is_set():
                    house.ask("system/config")
            worker = threading.Thread(target=work)
            worker.start()
            try:
                made = self.create(house, path)
            finally:
                stop.set()
                worker.join()
            self.assertEqual(oct(path.stat().st_mode & 0o777), "0o600")
            self.assertEqual(os.listdir(self.folder).count("house.wardbackup"), 1)
            self.assertFalse([name for name in os.listdir(self.folder) if name[0] == "."])
            # By its own lines, read without Ward.
            kept = lines(house.state)[:made["log_size"]]
            self.assertEqual(merkle_root(kept).hex(), made["log_root"])
            plan = self.restore(path, state, "--plan")
            self.assertEqual(plan, made)
            self.assertFalse(state.exists())
            keys = house.ask("keyring/keys")[1]
            house.down()
            self.assertEqual(self.restore(path, state), made)
            self.assertEqual(lines(state), kept)
            self.assertFalse((state / "keyring.backup").exists())
            again = lodger.House(folder=self.folder)
            again.state = state
            twin = self.create(again, self.folder / "twin.wardbackup")
            self.assertEqual(twin["state_hash"], made["state_hash"])
            try:
                again.up()
                self.assertEqual(again.ask("keyring/keys")[1], keys)
                wait_for(lambda: len(lines(state)) > made["log_size"])
                row, = [row for row in again.ask("system/doctor")[1]["checks"]
                        if row["id"] == "house.store"]
                self.assertEqual(row["finding"], "FINDING_OK", row)
                self.ward("audit", "verify", "--state", state)
                self.assertEqual(lines(state)[:len(kept)], kept)
            finally:
                again.clear()

    def test_what_is_wrong_with_a_file(self):  # proves: EC-34
        """Each its own code, and nothing is left of what was begun."""
        path, bad, state = (self.folder / name for name in ("good", "bad", "new"))
        with House() as house:
            wait_for(lambda: house.records("house.start"))
            self.create(house, path)
            seal = pathlib.Path(f"{house.state}.seal").read_bytes()
        good = path.read_bytes()
        for secret in (seal, b"correct horse", b"SQLite format", b'"action"', b"WARDKEYS"):
            self.assertNotIn(secret, good)
        flipped = bytearray(good)
        flipped[len(good) // 2] ^= 4
        for data, name, code in (
                (b"", "BACKUP_FORMAT", 2), (b"x" * 5000, "BACKUP_FORMAT", 2),
                (with_version(good, 0), "BACKUP_OLDER", 1),
                (with_version(good, 2), "BACKUP_NEWER", 1),
                (bytes(flipped), "BACKUP_DAMAGED", 1), (good + b"\0", "BACKUP_DAMAGED", 1),
                (good[:-1], "BACKUP_CUT", 1), (good[:HEAD], "BACKUP_CUT", 1),
                (good[:len(good) // 2], "BACKUP_CUT", 1)):
            bad.write_bytes(data)
            self.assertIn(f" {name}: ", self.restore(bad, state, code=code))
            self.assertEqual(sorted(os.listdir(self.folder)), ["bad", "good", "phrase"])
        self.phrase.write_text("correct horse batterz\n")
        self.assertIn(" BACKUP_KEY_WRONG: ", self.restore(path, state, code=1))
        self.phrase.write_text("correct horse battery\n")
        state.mkdir()
        (state / "something").write_text("mine")
        self.assertIn(" RESTORE_NOT_EMPTY: ", self.restore(path, state, code=7))
        self.assertEqual(os.listdir(state), ["something"])
        (state / "something").unlink()
        self.restore(path, state)
        self.assertIn(" RESTORE_NOT_EMPTY: ", self.restore(path, state, code=7))

    def test_a_house_that_is_not_sound_gives_none(self):
        """A backup of damage would be found out on the day when it is needed."""
        with House() as house:
            wait_for(lambda: house.records("house.start"))
            house.down()
            path = self.folder / "house"
            made = self.create(house, path)
            self.assertEqual(self.create(house, self.folder / "same")["state_hash"],
                             made["state_hash"])
            self.assertIn("is there already", self.create(house, path, code=7))
            before = sorted(os.listdir(self.folder))
            for name, at in (("audit/security.log", 200), ("audit/leaves", 40), ("ward.db", 9000),
                             ("keyring", 4096 + 300)):
                file = house.state / name
                whole = file.read_bytes()
                broken = bytearray(whole)
                broken[at] ^= 1
                if name == "keyring":  # one slot is enough: both
                    broken[4096 + 12288 + 300] ^= 1
                file.write_bytes(broken)
                with self.subTest(name):
                    self.create(house, self.folder / "bad", code=1 if name != "keyring" else 2)
                    self.assertEqual(sorted(os.listdir(self.folder)), before)
                file.write_bytes(whole)
            self.assertEqual(self.create(house, self.folder)["state_hash"], made["state_hash"])
            new, = set(os.listdir(self.folder)) - set(before)
            self.assertRegex(new, r"^ward-\d{8}T\d{6}Z\.wardbackup$")

    def test_a_log_and_a_store_of_two_houses(self):
        """Each of them is sound, and they are no house; nor is a log with a store that knows more."""
        path = self.folder / "house"
        with House() as house, House() as other:
            for one in (house, other):
                wait_for(lambda one=one: one.records("store.mark"))
                one.down()
            old, known = self.folder / "old", len(lines(house.state))
            shutil.copytree(house.state / "audit", old)
            before = sorted(os.listdir(self.folder))
            mine = {file.name: file.read_bytes() for file in house.state.glob("ward.db*")}
            for name in mine:
                (house.state / name).unlink()
            for file in other.state.glob("ward.db*"):
                shutil.copyfile(file, house.state / file.name)
            self.assertRegex(self.create(house, path, code=1), " STORE_(LOG_)?ROLLED_BACK: ")
            self.assertEqual(sorted(os.listdir(self.folder)), before)
            for name, data in mine.items():
                (house.state / name).write_bytes(data)
            marks = len(house.records("store.mark"))
            house.up()
            wait_for(lambda: len(house.records("store.mark")) > marks)
            wait_for(lambda: anchored(house) > known)
            house.down()
            self.create(house, path)
            path.unlink()
            shutil.rmtree(house.state / "audit")
            shutil.copytree(old, house.state / "audit")
            self.assertIn(" STORE_LOG_ROLLED_BACK: ", self.create(house, path, code=1))
            self.assertEqual(sorted(os.listdir(self.folder)), before)

    @unittest.skipUnless(unshare_works(), "no numbers of processes of its own")
    def test_what_a_killed_one_left(self):
        """Is in nobody's way, also where each process has the same number."""
        path, state = self.folder / "house", self.folder / "new"
        with House() as house:
            wait_for(lambda: house.records("house.start"))
            house.down()
            made = self.create(house, path)
        old = self.folder / "new.restoring-1"
        old.mkdir()
        done = subprocess.run(
            ["unshare", "--pid", "--fork", BUILD / "ward", "backup", "restore", path, "--state",
             state, "--passphrase-file", self.phrase, "--json"], capture_output=True, check=False,
            timeout=120)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(json.loads(done.stdout)["state_hash"], made["state_hash"])
        self.assertTrue(old.exists())

    def test_a_store_that_was_put_back(self):
        """An old one of the very house, with an anchor that its log has: the log knows a later one."""
        path = self.folder / "house"
        with House() as house:
            wait_for(lambda: house.records("store.mark"))
            house.down()
            old = {file.name: file.read_bytes() for file in house.state.glob("ward.db*")}
            marks = len(house.records("store.mark"))
            house.up()
            wait_for(lambda: len(house.records("store.mark")) > marks)
            house.down()
            now = {file.name: file.read_bytes() for file in house.state.glob("ward.db*")}
            before = sorted(os.listdir(self.folder))
            for files, code in ((old, 1), (now, 0)):
                for file in house.state.glob("ward.db*"):
                    file.unlink()
                for name, data in files.items():
                    (house.state / name).write_bytes(data)
                made = self.create(house, path, code=code)
                if code != 0:
                    self.assertIn(" STORE_ROLLED_BACK: ", made)
                    self.assertEqual(sorted(os.listdir(self.folder)), before)

    @unittest.skipUnless(strace_works(), "strace is absent or may not trace")
    def test_a_disk_that_lies(self):  # proves: EC-34
        """A block that was said to be written and is not: only the test restore can tell."""
        with House() as house:
            wait_for(lambda: house.records("house.start"))
            house.down()
            words = [BUILD / "ward", "backup", "create", "--state", house.state, "--to",
                     self.folder / "lost", "--passphrase-file", self.phrase, "--quiet"]
            log = self.folder / "log"
            traced = ("strace", "-qq", "-o", log, "-e", "trace=write")
            subprocess.run([*traced, *words], check=True, capture_output=True, timeout=120)
            (self.folder / "lost").unlink()
            calls = [line for line in log.read_text().splitlines() if line.startswith("write(")]
            blocks = [number for number, line in enumerate(calls, 1)
                      if line.endswith(f" {BLOCK}) = {BLOCK}")]
            self.assertGreater(len(blocks), 2)
            done = subprocess.run([*traced, "-e", f"inject=write:retval={BLOCK}:when={blocks[1]}",
                                   *words], check=False, capture_output=True, timeout=120)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(b" BACKUP_DAMAGED: ", done.stderr)
            self.assertEqual(sorted(os.listdir(self.folder)), ["log", "phrase"])

    @unittest.skipUnless(strace_works(), "strace is absent or may not trace")
    def test_a_disk_that_changes_what_it_was_given(self):
        """Between two looks at it, while what was written is proven: there is no backup, and nothing is
        left beside it."""
        into = self.folder / "into"
        into.mkdir()
        with House() as house:
            wait_for(lambda: anchored(house))
            house.down()
            # Slow enough that somebody comes between.
            making = subprocess.Popen(
                ["strace", "-qq", "-o", "/dev/null", "-e", "inject=openat:delay_enter=20000",
                 BUILD / "ward", "backup", "create", "--state", house.state, "--to",
                 into / "house.wardbackup", "--passphrase-file", self.phrase],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                # The store is unpacked after the configuration, which is then read once more.
                store, = wait_for(lambda: list(into.glob(".ward-backup-*/state/ward.db")))
                with open(store.with_name("ward.toml"), "ab") as config:
                    config.write(b"# more\n")
                said = making.communicate(timeout=60)[1].decode()
            finally:
                making.kill()
        self.assertIn(" BACKUP_UNPROVEN: ", said)
        self.assertNotEqual(making.returncode, 0)
        self.assertEqual(os.listdir(into), [])

    def test_the_nightly_one(self):  # proves: EC-34
        """A timer, a service that runs the very command, and an alert for when it stays away."""
        units = ROOT / "packaging/systemd"
        service = (units / "ward-backup.service.in").read_text()
        self.assertRegex(service, r"ExecStart=@bindir@/ward backup create .*--passphrase-file %d/")
        self.assertIn("OnCalendar=", (units / "ward-backup.timer").read_text())
        rules = (ROOT / "packaging/prometheus/ward-backup.rules.yml").read_text()
        self.assertRegex(rules, r"time\(\) - node_systemd_timer_last_trigger_seconds"
                                r'\{name="ward-backup.timer"\} > 26 \* 3600')
        if shutil.which("promtool"):
            subprocess.run(["promtool", "check", "rules",
                            ROOT / "packaging/prometheus/ward-backup.rules.yml"], check=True,
                           capture_output=True)


if __name__ == "__main__":
    tap.main()
