"""test_audit.py - the audit process by its doors: what it acknowledges is in the log, once and
in its place, whatever happens to it, to its files and to those it talks to."""

import datetime
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import auditor
import tap
from auditor import House, leaf_of, lines_of, needs_strace, protobuf

FULL = os.environ.get("WARD_FULL") == "1"
ROOT = os.geteuid() == 0
CALLS = ("write", "fdatasync", "pwrite64", "sendmsg", "pread64", "read", "ftruncate", "fsync",
         "recvmsg", "fstat", "newfstatat")

CLOCKS = ((None, "UTC"), ("2026-01-01T23:59:59.999Z", "UTC"),
          ("2999-12-31T00:00:00.000Z", "UTC"),
          ("2026-10-25T00:59:59.999Z", "CET-1CEST,M3.5.0,M10.5.0/3"))


def strace(*inject, log="/dev/null"):
    return ["strace", "-f", "-o", str(log), "-e", "signal=none",
            *(word for what in inject for word in ("-e", "inject=" + what))]


class Files(unittest.TestCase):
    """What lies on the disk at the start."""

    def begin(self, lines, leaves=None, torn=b""):
        house = House()
        (house.folder / "security.log").write_bytes(b"".join(l + b"\n" for l in lines) + torn)
        if leaves is not None:
            (house.folder / "leaves").write_bytes(b"".join(leaves))
        return house

    def test_torn_last_line_at_every_byte(self):
        lines = lines_of(3)
        step = 1 if FULL else 23
        for cut in [*range(1, len(lines[2]) + 1, step), len(lines[2])]:
            with self.begin(lines[:2], map(leaf_of, lines[:2]), lines[2][:cut]) as house:
                house.start()
                self.assertEqual(house.append(), 3)  # after the record that says so
                rows = house.check()
                self.assertEqual(rows[:2], lines[:2])
                self.assertIn(b'"action":"log.repair"', rows[2])
                self.assertIn(b'"bytes":%d' % cut, rows[2])

    def test_hashes_that_are_behind_are_made_again(self):
        lines = lines_of(700)
        good = [leaf_of(line) for line in lines]
        for kept, tail in ((0, b""), (1, b"\1" * 31), (699, b""), (300, bytes(32 * 7)),
                           (256, bytes(5))):
            with self.subTest(kept), self.begin(lines, [*good[:kept], tail]) as house:
                house.start()
                self.assertEqual(house.append(), 700)
                house.stop()
                self.assertEqual((house.folder / "leaves").read_bytes()[:32 * 700], b"".join(good))
                house.check()

    def test_damage_is_shown_and_not_written_to(self):
        lines = lines_of(600)
        good = [leaf_of(line) for line in lines]
        flipped = [*lines[:300], lines[300].replace(b"k-1", b"k-2"), *lines[301:]]
        rows = [
            ("a changed record", flipped, good, "AUDIT_LEAF_MISMATCH", 300),
            ("a changed hash", lines, [*good[:10], bytes([1] * 32), *good[11:]],
             "AUDIT_LEAF_MISMATCH", 10),
            ("a missing record", [*lines[:5], *lines[6:]], good, "AUDIT_SEQ_GAP", 5),
            ("a doubled record", [*lines[:5], *lines[4:]], good, "AUDIT_SEQ_GAP", 5),
            ("records cut off", lines[:599], good, "AUDIT_TRUNCATED", 599),
            ("all of them", [], good, "AUDIT_TRUNCATED", 0),
            ("no hashes, and a changed record", flipped, [], "AUDIT_CHAIN_BROKEN", 301),
            ("no json", [*lines[:7], b"{}", *lines[8:]], good, "AUDIT_LINE_INVALID", 7),
        ]
        for name, text, leaves, reason, bad in rows:
            with self.subTest(name), self.begin(text, leaves) as house:
                before = {name: (house.folder / name).read_bytes()
                          for name in ("security.log", "leaves")}
                house.start()
                self.assertIsNone(house.append())
                self.assertIn(f"why={reason}", house.said())
                if bad:
                    reply = house.ask(auditor.GET, protobuf(n1=bad - 1))
                    self.assertEqual(reply[2][1], [bad - 1] if bad > 1 else reply[2][1])
                house.stop()
                for name in before:
                    self.assertEqual((house.folder / name).read_bytes(), before[name], name)

    def test_deleted_log_before_the_start(self):
        with House() as house:
            house.start()
            house.append()
            house.stop()
            os.unlink(house.folder / "security.log")
            house.start()
            self.assertIsNone(house.append())
            self.assertIn("why=AUDIT_TRUNCATED", house.said())

    def test_bytes_of_a_stranger_at_the_end(self):
        with House() as house:
            house.start()
            house.append()
            with open(house.folder / "security.log", "ab") as log:
                log.write(b"x" * 100 + b"\n")
            self.assertIsNone(house.append())
            house.until(lambda: "logging again" in house.said())
            self.assertIsNotNone(house.append())
            house.check()


class Loss(unittest.TestCase):
    """The file is taken away while it is written."""

    def gone(self, take):
        with House() as house:
            house.start()
            self.assertEqual(house.append(), 0)
            take(house.folder)
            self.assertIsNone(house.append())
            self.assertIsNone(house.append())
            self.assertIn("log file was taken away", house.said())
            self.assertEqual(house.ask(auditor.GET, protobuf())[0], 1)

    def test_deleted_log(self):
        self.gone(lambda folder: os.unlink(folder / "security.log"))

    def test_moved_log(self):
        self.gone(lambda folder: os.rename(folder / "security.log", folder / "elsewhere"))

    def test_replaced_log(self):
        def replace(folder):
            shutil.copy(folder / "security.log", folder / "copy")
            os.rename(folder / "copy", folder / "security.log")
        self.gone(replace)

    def test_log_made_shorter(self):
        with House() as house:
            house.start()
            house.append()
            os.truncate(house.folder / "security.log", 10)
            self.assertIsNone(house.append())
            self.assertIn("why=AUDIT_TRUNCATED", house.said())


class Disk(unittest.TestCase):
    @needs_strace
    def test_failed_sync_is_never_acknowledged(self):  # proves: RL-50
        # The jail sees what strace puts in the call's place: getpid, which it allows.
        for when in range(1, 13):
            inject = strace(f"fdatasync:error=EIO:syscall=getpid:when={when}")
            with self.subTest(when), House(prefix=inject) as house:
                house.start(ready=False)
                house.until(lambda: house.is_ready)
                for _ in range(4):
                    house.append()
                    house.turn(0.05)
                house.until(lambda: house.append() is not None, 5)
                house.check()
                house.kill()
                house.prefix = []
                house.start()
                self.assertIsNotNone(house.append())
                house.check()

    @needs_strace
    def test_every_write_fails_once(self):
        for call, error in (("write", "ENOSPC"), ("write", "EIO"), ("pwrite64", "ENOSPC"),
                            ("pwrite64", "EIO"), ("ftruncate", "EIO")):
            for when in range(1, 9 if FULL else 4):
                inject = strace(f"{call}:error={error}:syscall=getpid:when={when}+20")
                with self.subTest(f"{call} {error} {when}"), House(prefix=inject) as house:
                    house.start()
                    for _ in range(6):
                        house.append()
                    house.until(lambda: house.append() is not None, 5)
                    house.check()

    @unittest.skipUnless(ROOT, "root, who may mount")
    def test_full_disk(self):
        with tempfile.TemporaryDirectory() as place:
            for size in ("1m", "4m", *(("16m", "64m") if FULL else ())):
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "none", place],
                               check=True)
                try:
                    self.fill_and_free(pathlib.Path(place))
                finally:
                    subprocess.run(["umount", "-l", place], check=True)

    def fill_and_free(self, place):
        with House(folder=place) as house:
            house.start()
            self.assertEqual(house.append(), 0)
            filler = place / "filler"
            with open(filler, "wb", buffering=0) as out, self.assertRaises(OSError):
                while True:
                    out.write(b"x" * 4096)
            refused = False
            for _ in range(60):
                began = time.monotonic()
                refused = house.append() is None
                self.assertLess(time.monotonic() - began, 1)
                if refused:
                    break
            self.assertTrue(refused)
            self.assertEqual(house.ask(auditor.GET, protobuf())[2][7], [b"key.create"])
            filler.unlink()
            house.until(lambda: house.append() is not None, 2)
            rows = house.check()
            self.assertTrue(any(b'"cause":"ENOSPC"' in row for row in rows))

    def test_monitor_that_does_not_rotate(self):
        with House(rotate=2000) as house:
            house.hold_rotation = True
            house.start()
            while house.append() is not None:
                pass
            began = time.monotonic()
            self.assertIsNone(house.append())
            self.assertLess(time.monotonic() - began, 1)

    def test_rotation_that_fails_is_no_reason_to_stop(self):
        with House(rotate=2000) as house:
            house.refuse_rotation = True
            house.start()
            for _ in range(30):
                self.assertIsNotNone(house.append())
            house.check()


class Killed(unittest.TestCase):
    def workload(self, house):
        """Appends over several rotations; each process is killed somewhere in it."""
        for _ in range(14):
            house.put()
            house.put()
            house.until(lambda: not house.pending, 5)
        house.until(lambda: not list(house.folder.glob("security-*.log")), 5)

    def one(self, call, when):
        """False when the workload was over before the call came so often.  By turns the log is
        new, of an earlier day, of a later one as when the clock went back, and in a zone with
        summer time, on the night when that ends."""
        at, zone = CLOCKS[when % len(CLOCKS)]
        prefix = ["env", "TZ=" + zone, *strace(f"{call}:signal=KILL:when={when}")]
        with House(rotate=3000, days=36500, prefix=prefix) as house:
            if at:
                text = b"".join(line + b"\n" for line in lines_of(4, at=at))
                (house.folder / "security.log").write_bytes(text)
            try:
                house.start()
                self.workload(house)
                over = True
            except (EOFError, BrokenPipeError, ConnectionResetError):
                over = False
            house.kill()
            house.pending = {}
            house.check()
            house.prefix = []
            house.start()
            house.check()
            self.assertIsNotNone(house.append())
            house.until(lambda: not list(house.folder.glob("security-*.log")), 5)
            house.check()
            self.assertEqual(house.stop(), 0)
            return not over

    @needs_strace
    def test_killed_at_every_call(self):  # proves: RL-79
        for call in CALLS:
            step = 1 if FULL else {"sendmsg": 9, "recvmsg": 23, "write": 7, "pread64": 17,
                                   "pwrite64": 13, "fdatasync": 5}.get(call, 3)
            when = 1
            while self.one(call, when):
                when += step

    def test_killed_without_a_word(self):
        for n in range(30 if FULL else 6):
            with self.subTest(n), House(rotate=100000) as house:
                house.start()
                for _ in range(40):
                    house.put()
                    house.turn(0)
                    if n == 0:
                        house.until(lambda: not house.pending)
                house.kill()
                house.pending = {}
                house.check()
                house.start()
                self.assertIsNotNone(house.append())
                house.check()

    def test_stopped_and_continued(self):
        with House() as house:
            house.start()
            house.append()
            house.process.send_signal(signal.SIGSTOP)
            for _ in range(50):
                house.put()
            time.sleep(0.2)
            self.assertEqual(len(house.answers), 1)
            house.process.send_signal(signal.SIGCONT)
            house.until(lambda: not house.pending)
            self.assertNotIn(None, house.answers.values())
            house.check()


class Rotation(unittest.TestCase):
    def begin(self, at):
        house = House()
        (house.folder / "security.log").write_bytes(b"\n".join(lines_of(5, at=at)) + b"\n")
        return house

    def test_the_day_has_changed(self):
        with self.begin("2026-01-01T23:59:59.999Z") as house:
            house.start()
            time.sleep(1.2)  # longer than a record may wait for a new file
            self.assertEqual(house.append(), 5)
            house.until(lambda: list(house.folder.glob("*.gz")))
            self.assertEqual([path.name for path in house.folder.glob("security-*")],
                             ["security-00000000000000000000-2026-01-01.log.gz"])
            house.check()

    def test_the_clock_went_back(self):
        with self.begin("2999-12-31T00:00:00.000Z") as house:
            house.start()
            self.assertEqual(house.append(), 5)
            self.assertEqual(list(house.folder.glob("security-*")), [])
            house.check()

    def test_closed_packed_and_removed_after_seven_days(self):  # proves: CX-54
        now = datetime.datetime.now(datetime.timezone.utc)
        for days, stays in ((8, False), (3, True)):
            at = (now - datetime.timedelta(days)).strftime("%Y-%m-%dT12:00:00.000Z")
            name = f"security-00000000000000000000-{at[:10]}.log.gz"
            with self.subTest(days), self.begin(at) as house:
                house.start()
                self.assertEqual(house.append(), 5)
                house.until(lambda: house.keeper.size == 6)
                house.until(lambda: (house.folder / name).exists())
                house.check()
                house.stop()
                house.start()
                if stays:
                    self.assertEqual(house.append(), 6)
                    house.check()
                    self.assertEqual(house.removed, [])
                    continue
                house.until(lambda: house.removed, 5)
                self.assertEqual(house.removed, [name])
                house.check(first=5)
                self.assertEqual((house.folder / "leaves").stat().st_size, 6 * 32)

    def test_old_files_without_a_head_stay(self):
        with self.begin("2026-01-01T00:00:00.000Z") as house:
            house.keeper.answer = lambda body: None
            house.start()
            house.append()
            house.until(lambda: list(house.folder.glob("*.gz")))
            house.stop()
            house.start()
            house.append()
            self.assertEqual(house.removed, [])
            house.check()

    def test_killed_between_the_names(self):
        """As the monitor leaves it at each of its steps."""
        name = "security-00000000000000000000-2026-01-01.log"

        def both_names(folder):
            os.link(folder / "security.log", folder / name)

        def renamed(folder):
            os.rename(folder / "security.log", folder / name)
            (folder / "security.log").touch()

        def left_over(folder):
            (folder / "security.new").touch()
            (folder / (name + ".gz.part")).write_bytes(b"half")
        for step in (both_names, renamed, left_over):
            with self.subTest(step.__name__), self.begin("2026-01-01T00:00:00.000Z") as house:
                house.refuse_rotation = True
                house.start()
                self.assertEqual(house.append(), 5)
                house.kill()
                house.refuse_rotation = False
                step(house.folder)
                house.start()
                if step is both_names:
                    os.unlink(house.folder / name)  # what the monitor's link would have found
                self.assertEqual(house.append(), 6)
                house.until(lambda: not list(house.folder.glob("security-*.log")))
                house.check()


if __name__ == "__main__":
    tap.main()
