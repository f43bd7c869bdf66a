"""test_audit.py - the audit process by its doors: what it acknowledges is in the log, once and
in its place, whatever happens to it, to its files and to those it talks to."""

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
from auditor import CORE, KEEPER, House, Keeper, leaf_of, protobuf, record, root_of

FULL = os.environ.get("WARD_FULL") == "1"
ROOT = os.geteuid() == 0
CALLS = ("write", "fdatasync", "pwrite64", "sendmsg", "pread64", "read", "ftruncate", "fsync",
         "recvmsg", "fstat", "newfstatat")


def strace(*inject, log="/dev/null"):
    return ["strace", "-f", "-o", str(log), "-e", "signal=none",
            *(word for what in inject for word in ("-e", "inject=" + what))]


def lines_of(count, first=0, at="2026-01-01T00:00:00.000Z"):
    """A log as Ward writes it, made here."""
    prev, out = bytes(32), []
    for seq in range(first, first + count):
        line = (b'{"action":"key.create","actor_id":"keeper","actor_type":"System","details":'
                b'{"key_id":"k-1","kind":"ed25519"},"event_type":"Configuration","ip_address":null,'
                b'"outcome":"Success","prev":"%s","resource":"x-%d","seq":%d,"timestamp":"%s",'
                b'"trace_id":null}' % (prev.hex().encode(), seq, seq, at.encode()))
        prev = leaf_of(line)
        out.append(line)
    return out


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
    def test_failed_sync_is_never_acknowledged(self):
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

    @unittest.skipUnless(ROOT, "needs root to mount a tmpfs")
    def test_full_disk(self):
        with tempfile.TemporaryDirectory() as place:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], check=True)
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
        """False when the workload was over before the call came so often."""
        with House(rotate=3000, prefix=strace(f"{call}:signal=KILL:when={when}")) as house:
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

    def test_killed_at_every_call(self):
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


class Heads(unittest.TestCase):
    def head(self, house):
        _, _, head = house.ask(auditor.HEAD)
        return head.get(1, [0])[0], head[2][0]

    def covered(self, house, size):
        house.until(lambda: self.head(house)[0] >= size, 10)

    def test_heads_are_those_of_the_lines(self):
        with House() as house:
            house.start()
            self.assertEqual(self.head(house), (0, root_of([])))
            for size in (1, 2, 5, 300, 301):
                while len(house.answers) < size:
                    house.put()
                    house.turn(0)
                house.until(lambda: not house.pending)
                self.covered(house, size)
                leaves = [leaf_of(line) for line in house.lines()]
                head, root = self.head(house)
                self.assertEqual(root, root_of(leaves[:head]))

    def test_answer_that_was_lost(self):
        with House() as house:
            house.start()
            house.append()
            self.covered(house, 1)
            house.keeper.forgets = 1
            house.append()
            house.until(lambda: house.keeper.size == 2)
            house.kill()
            house.start()
            self.covered(house, 2)
            self.assertEqual(house.keeper.refusals, 1)
            house.append()
            self.covered(house, 3)

    def test_log_put_back_to_an_earlier_state(self):
        with House() as house:
            house.start()
            house.append()
            self.covered(house, 1)
            house.stop()
            copies = {path: path.read_bytes() for path in house.folder.iterdir()}
            for rows, reason in ((1, "AUDIT_TRUNCATED"), (3, "AUDIT_HEAD_MISMATCH")):
                house.start()
                house.append()
                house.append()
                self.covered(house, 3)
                house.stop()
                for path, text in copies.items():
                    path.write_bytes(text)
                house.answers.clear()
                house.keeper_was = house.keeper
                house.start()
                for _ in range(rows):
                    if house.append() is None:
                        break
                house.until(lambda: f"why={reason}" in house.said(), 5)
                self.assertIsNone(house.append())
                house.stop()
                for path, text in copies.items():
                    path.write_bytes(text)
                house.keeper = Keeper()
                house.keeper.size = 1
                house.keeper.root = root_of([leaf_of(house.lines()[0])])
                house.answers.clear()

    def test_keeper_that_starts_again(self):
        with House() as house:
            house.start()
            house.append()
            self.covered(house, 1)
            mine, other = auditor.pair()
            house.channels[KEEPER].end.close()
            house.channels[KEEPER] = auditor.Channel(mine)
            house.control.send(auditor.PEER, 0, KEEPER.to_bytes(4, "little"), [other.fileno()])
            other.close()
            house.append(peer=CORE)
            self.covered(house, 2)

    def test_proofs(self):
        with House() as house:
            house.start()
            for _ in range(600):
                house.put()
            house.until(lambda: not house.pending)
            self.covered(house, 600)
            leaves = [leaf_of(line) for line in house.lines()]
            for seq in (0, 1, 255, 256, 257, 599):
                reason, _, proof = house.ask(auditor.PROVE, protobuf(n1=seq))
                self.assertEqual(reason, 1)
                self.assertEqual(proof[4], [leaves[seq]])
                self.assertEqual(climb(seq, 600, leaves[seq], proof[5]), root_of(leaves))
            for ask in ({"n1": 600}, {"n1": 5, "n2": 5}, {"n2": 601}, {"n2": 5, "n3": 6},
                        {"n3": 601}):
                self.assertNotEqual(house.ask(auditor.PROVE, protobuf(**ask))[0], 1, ask)


def climb(index, size, node, proof):
    """RFC 9162 2.1.3.2."""
    last, rest = size - 1, list(proof)
    while rest:
        part = rest.pop(0)
        if index & 1 or index == last:
            node = auditor.sha256(b"\1" + part + node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = auditor.sha256(b"\1" + node + part)
        index, last = index >> 1, last >> 1
    return node


class Doors(unittest.TestCase):
    def closed(self, body, message=auditor.APPEND):
        with House() as house:
            house.start()
            house.channels[CORE].send(message, 9, body)
            with self.assertRaises((EOFError, BrokenPipeError, TimeoutError)):
                house.channels[CORE].read(2)
                house.channels[CORE].send(auditor.ASK, 1, b"\7\0" + bytes(4))
                if house.channels[CORE].read(0.5) is None:
                    raise TimeoutError
            self.assertIn("channel closed peer=core", house.said())
            self.assertEqual(house.append(peer=KEEPER), 0)
            house.check()

    def test_what_core_may_not_say(self):
        good = record()
        rows = [
            good[:-1], good + b"\0", good[:24], b"\xff\xff" + good[2:], b"\0\0" + good[2:],
            record("KEY_USE", details=[(1, b"key_id", b"k"), (1, b"purpose", b"p")]),
            record("HEAD_SIGN", details=[(2, b"size", 1), (5, b"root", bytes(32))]),
            record("LOG_REPAIR", details=[(2, b"bytes", 1)]),
            record(details=[(9, b"key_id", 1)]),
            record(details=[(1, b"n%d" % n, b"") for n in range(25)]),
            record(resource=b"x" * 1025),
        ]
        for number, body in enumerate(rows):
            with self.subTest(number):
                self.closed(body)
        self.closed(b"\7\0" + bytes(3), auditor.ASK)
        self.closed(b"\xff\xff" + bytes(4), auditor.ASK)
        self.closed(b"\0", auditor.HEAD_SIGNED)
        self.closed(b"", 0x999)

    def test_what_is_no_record_is_refused(self):
        with House() as house:
            house.start()
            for body in (record(details=[]), record(details=[(1, b"KEY", b"")]),
                         record(outcome=9), record(actor_type=0), record("LOGIN"),
                         record(address=b"%s")):
                self.assertIsNone(house.append(body))
            self.assertEqual(house.append(), 0)

    def test_secret_never_arrives(self):
        with House() as house:
            house.start()
            body = record(details=[(1, b"key_id", b"k"), (1, b"kind", b"x"), (7, b"password", 0)])
            self.assertEqual(house.append(body), 0)
            self.assertIn(b'"password":"[redacted]"', house.lines()[0])

    def test_core_that_is_gone(self):
        with House() as house:
            house.start()
            for _ in range(20):
                house.put(peer=CORE)
            house.channels[CORE].end.close()
            del house.channels[CORE]
            self.assertIsNotNone(house.append())
            house.pending.clear()
            house.check()


class Asked(unittest.TestCase):
    def test_pages(self):
        with House() as house:
            house.start()
            for number in range(700):
                house.put(record(outcome=1 + number % 3, actor=b"a-%d" % (number % 7),
                                 resource=b"r-%d" % (number + 1)))
            house.until(lambda: not house.pending)
            for filters, wanted in (({}, range(700)), ({"n8": b"Denied"}, range(2, 700, 3)),
                                    ({"n6": b"a-3"}, range(3, 700, 7)), ({"n9": b"r-70"}, None),
                                    ({"n7": b"key."}, range(700)), ({"n7": b"login"}, []),
                                    ({"n5": b"Payment"}, [])):
                for limit in (1, 100, 1000):
                    if limit == 1 and not FULL and filters != {"n9": b"r-70"}:
                        continue
                    seen, cursor = [], b""
                    while True:
                        more = {"n1": cursor} if cursor else {}
                        reason, detail, page = house.ask(auditor.QUERY,
                                                         protobuf(**more, n2=limit, **filters))
                        self.assertEqual(reason, 1, detail)
                        rows = [auditor.read_protobuf(row) for row in page.get(1, [])]
                        self.assertLessEqual(len(rows), limit)
                        seen += [row.get(1, [0])[0] for row in rows]
                        cursor = page.get(2, [b""])[0]
                        if not cursor:
                            break
                    if wanted is None:
                        wanted = [69, 699]
                    self.assertEqual(seen, list(wanted), filters)

    def test_questions_that_are_none(self):
        with House() as house:
            house.start()
            house.append()
            for method, request in ((auditor.QUERY, protobuf(n1=b"x")),
                                    (auditor.QUERY, protobuf(n2=1001)),
                                    (auditor.QUERY, protobuf(n5=b"Nothing")),
                                    (auditor.QUERY, protobuf(n8=b"Maybe")),
                                    (auditor.QUERY, b"\xff"), (auditor.GET, protobuf(n1=1)),
                                    (auditor.GET, protobuf(n9=1)), (auditor.HEAD, b"\x08\x01"),
                                    (auditor.VERIFY, protobuf(n1=3)), (0, b""), (3, b"")):
                reason, _, answer = house.ask(method, request)
                self.assertNotEqual(reason, 1, (method, request))
                self.assertEqual(answer, {})

    def test_too_many_questions(self):
        with House() as house:
            house.start()
            house.append()
            house.process.send_signal(signal.SIGSTOP)
            house.answers, house.replies = {}, {}
            for ident in range(1000, 1100):
                house.channels[CORE].send(auditor.ASK, ident,
                                          auditor.HEAD.to_bytes(2, "little") + bytes(4))
            house.process.send_signal(signal.SIGCONT)
            house.until(lambda: len(house.replies) == 100)
            self.assertEqual(house.append(), 1)

    def test_verify(self):
        with House() as house:
            house.start()
            for _ in range(2000):
                house.put()
            house.until(lambda: not house.pending)
            for ask, checked in (({}, 2000), ({"n1": 1500}, 500), ({"n1": 10, "n2": 5}, 5),
                                 ({"n1": 2000}, 0)):
                answer = house.ask(auditor.VERIFY, protobuf(**ask))[2]
                self.assertEqual(answer.get(1), [1], ask)
                self.assertEqual(answer.get(2, [0]), [checked])
            text = bytearray((house.folder / "security.log").read_bytes())
            at = text.index(b'"r-1000"') + 3
            text[at] ^= 1
            with open(house.folder / "security.log", "r+b") as log:
                log.write(text)
            answer = house.ask(auditor.VERIFY)[2]
            self.assertEqual(answer.get(1, [0]), [0])
            self.assertEqual(answer[3], [999])
            self.assertEqual(answer[4], [b"AUDIT_LEAF_MISMATCH"])

    def test_appends_go_on_while_the_log_is_checked(self):
        with House() as house:
            lines = lines_of(40000)
            (house.folder / "security.log").write_bytes(b"\n".join(lines) + b"\n")
            house.start()
            house.append()
            house.replies = {}
            house.ident += 1
            house.channels[CORE].send(auditor.ASK, house.ident,
                                      auditor.VERIFY.to_bytes(2, "little") + bytes(4))
            slowest = 0
            while not house.replies:
                began = time.monotonic()
                self.assertIsNotNone(house.append(), house.said())
                slowest = max(slowest, time.monotonic() - began)
            self.assertLess(slowest, 0.25)
            print(f"# slowest append during verify: {1000 * slowest:.1f} ms")


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

    def test_old_files_are_removed(self):
        with self.begin("2026-01-01T00:00:00.000Z") as house:
            house.start()
            house.append()
            house.until(lambda: house.keeper.size == 6)
            house.until(lambda: list(house.folder.glob("*.gz")))
            house.stop()
            house.start()
            house.until(lambda: house.removed, 5)
            self.assertEqual(house.removed, ["security-00000000000000000000-2026-01-01.log.gz"])
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
