"""test_keeper.py - the process that holds the keys, by its doors: what it refuses to sign, what
it tells the log, and that no kill at any of its system calls costs a key that was used or lets
a second story be signed."""

import base64
import os
import struct
import time
import unittest

import tap
from auditor import BUILD, data, sha256
from lockbox import (ACTIVE, AUDIT, CHAIN_USED, CORE, FRONT, HANDSHAKE, LIST, REASONS, RETIRED, ROLES, ROTATE,
                     SIGN_HEAD, SIGN_MINER, SIGN_RESULT, SIGN_TLS, Lockbox, Lost, consistency, detail,
                     note_is_signed, plaintexts, privates)

FULL = os.environ.get("WARD_FULL") == "1"
EMPTY = (0, sha256(b""))
BAD_DISK = BUILD / "tests/proc/bad_disk.so"


class Doors(unittest.TestCase):
    def setUp(self):
        self.box = Lockbox()
        self.addCleanup(self.box.__exit__)
        self.assertTrue(self.box.start(), self.box.said())
        self.box.settle(7)

    def test_first_start_is_told(self):
        keys = self.box.list()[1]
        self.assertEqual([key["role"] for key in keys],
                         [ROLES[name] for name in ("ca", "tls", "log", "node", "miner", "result")])
        told = [detail(body, b"key_id").decode() for body in self.box.event("KEY_CREATE")]
        self.assertEqual(told, [key["id"].hex() for key in keys])
        self.assertEqual(len(self.box.event("KEYRING_OPEN")), 1)

    def test_a_taken_front_gets_handshakes_and_nothing_else(self):
        leaf, _ = self.box.chain()
        checkpoint = f"x\n5\n{'A' * 43}=\n".encode()
        self.assertIsNotNone(self.box.sign(HANDSHAKE + bytes(32)))
        self.assertIsNotNone(self.box.sign(HANDSHAKE + bytes(48)))
        tbs = leaf[4:4 + 4 + struct.unpack(">H", leaf[6:8])[0]]
        rows = [
            ("a certificate", leaf), ("what a CA signs", tbs), ("a checkpoint", checkpoint),
            ("a client's handshake", HANDSHAKE.replace(b"server", b"client") + bytes(32)),
            ("a short hash", HANDSHAKE + bytes(31)), ("a long hash", HANDSHAKE + bytes(64)),
            ("a token", b"eyJhIjoxfQ.eyJhIjoxfQ"), ("one byte", b"\0"),
            ("a handshake of TLS 1.2", bytes(64) + b"\x03\0\x17" + bytes(69)),
        ]
        for name, content in rows:
            with self.subTest(name):
                self.assertIsNone(self.box.sign(content))
        self.box.settle(1, "POLICY_REFUSE")
        refusals = self.box.event("POLICY_REFUSE")
        self.assertEqual(len(refusals), 1)  # the others are told of later, as a number
        self.assertIn(b"GUARD_PAYLOAD_UNKNOWN", refusals[0])
        self.assertIn("reason=GUARD_PAYLOAD_UNKNOWN", self.box.said())

    def test_a_front_without_a_chain_signs_nothing(self):
        self.assertIsNone(self.box.sign(HANDSHAKE + bytes(32)))
        self.assertIn("reason=GUARD_KEY_NOT_BOUND", self.box.said())

    def test_no_second_story(self):
        box, other = self.box, (5, sha256(b"another log"))
        first = box.head(EMPTY, box.tree(3))
        self.assertTrue(note_is_signed(first, box.active("log")[0]["public"]))
        last, good = box.tree(3), consistency(box.leaves[:5], 3)
        rows = [
            ("from nothing again", EMPTY, box.tree(5), []),
            ("another root of the same size", last, (3, sha256(b"x")), []),
            ("no proof", last, box.tree(5), []),
            ("a wrong proof", last, box.tree(5), [sha256(b"x")] * len(good)),
            ("a proof for another root", last, other, good),
            ("a smaller head", last, box.tree(2), consistency(box.leaves, 2)),
            ("from a head that was never signed", box.tree(4), box.tree(5), good),
            ("a proof and one hash more", last, box.tree(5), [*good, bytes(32)]),
            ("a size that no log has", last, (1 << 63, box.tree(5)[1]), good),
        ]
        for name, old, new, proof in rows:
            with self.subTest(name):
                self.assertEqual(box.head(old, new, proof), last)
        self.assertIsInstance(box.head(last, box.tree(5), good), str)
        box.kill()
        self.assertTrue(box.start())
        self.assertEqual(box.head(EMPTY, other), box.tree(5))
        self.assertEqual(box.head(last, box.tree(5), good), box.tree(5))
        box.settle(2, "KEYRING_OPEN")
        self.assertLessEqual(len(box.event("POLICY_REFUSE")), 2)  # one of each life

    def test_every_door_has_one_peer_and_one_form(self):
        rows = [
            (FRONT, SIGN_HEAD, bytes(84)), (CORE, SIGN_TLS, HANDSHAKE + bytes(32)),
            (AUDIT, LIST, b""), (FRONT, ROTATE, b"\2"), (AUDIT, ROTATE, b"\3"),
            (CORE, ROTATE, b""), (CORE, ROTATE, b"\2"), (CORE, ROTATE, b"\2" + bytes(9)), (CORE, LIST, b"x"), (FRONT, 0x7777, b""),
            (FRONT, SIGN_MINER, b"eyJ"), (AUDIT, SIGN_MINER, b"eyJ"), (CORE, SIGN_MINER, b""),
            (CORE, SIGN_MINER, b"e" * 2049),
            (FRONT, SIGN_RESULT, b"eyJ"), (AUDIT, SIGN_RESULT, b"eyJ"), (CORE, SIGN_RESULT, b""),
            (CORE, SIGN_RESULT, b"e" * ((176 << 10) + 1)),
            (AUDIT, SIGN_HEAD, bytes(80) + b"\xff\xff\xff\xff"), (AUDIT, SIGN_HEAD, bytes(85)),
            (FRONT, SIGN_TLS, b""), (FRONT, SIGN_TLS, bytes(65)), (FRONT, SIGN_TLS, bytes(65 + 8193)),
            (FRONT, CHAIN_USED, bytes(64)), (FRONT, CHAIN_USED, bytes(66)), (CORE, CHAIN_USED, bytes(65)),
        ]
        for peer, message, body in rows:
            with self.subTest(peer=peer, message=hex(message)), Lockbox() as box:
                self.assertTrue(box.start(), box.said())
                with self.assertRaises(Lost):
                    box.ask(peer, message, body)
                self.assertIsNone(box.process.poll())
                other = CORE if peer != CORE else FRONT
                self.assertTrue(box.list() if other == CORE else box.chain())

    def test_rotation(self):
        box = self.box
        box.chain()
        box.follows = False
        for role in ("tls", "ca", "node", "miner", "result", "log"):
            before = box.active(role)[0]
            ca = (box.folder / "ca.pem").read_bytes()
            told = len(box.event("KEY_ROTATE"))
            new, old = box.rotate(role)
            self.assertEqual(old, before["id"])
            self.assertEqual([key["id"] for key in box.active(role)], [new])
            box.settle(told + 1, "KEY_ROTATE")
            record = box.event("KEY_ROTATE")[-1]
            self.assertEqual(detail(record, b"key_id"), new.hex().encode())
            self.assertEqual(detail(record, b"replaces"), old.hex().encode())
            self.assertEqual(ca != (box.folder / "ca.pem").read_bytes(), role == "ca")
            if role in ("tls", "ca"):
                self.assertEqual(box.sign(HANDSHAKE + bytes(32)) is None, role == "tls")
                box.chain()
                self.assertIsNotNone(box.sign(HANDSHAKE + bytes(32)))
        self.assertGreaterEqual(box.changed, 2)  # at once, and again with a signature
        for role in ("token", "none"):
            self.assertIsInstance(box.rotate(role), int)

    def test_a_rotation_is_answered_when_the_front_has_the_chain(self):
        box = self.box
        box.chain()
        for role in ("tls", "ca"):
            box.rotate(role)
            self.assertIsNotNone(box.sign(HANDSHAKE + bytes(32)))
        self.assertEqual(box.changed, 2)

    def test_the_log_is_followed_from_key_to_key(self):
        box = self.box
        known = box.active("log")[0]["public"]
        self.assertTrue(note_is_signed(box.head(EMPTY, box.tree(5)), known))
        box.rotate("log")
        box.settle(1, "KEY_ROTATE")
        handover = detail(box.event("KEY_ROTATE")[0], b"handover").decode()
        self.assertTrue(note_is_signed(handover, known))
        origin, size, root, line = handover.split("\n\n")[0].split("\n")
        self.assertEqual(box.notes[5].split("\n"), [origin, size, root])
        heir = base64.b64decode(line.removeprefix("ward-log-key "))
        size = len(box.leaves)
        note = box.head(box.tree(5), box.tree(size), consistency(box.leaves, 5))
        self.assertTrue(note_is_signed(note, heir))
        self.assertFalse(note_is_signed(note, known))
        self.assertEqual(note.split("\n")[0], origin)

    def test_nothing_changes_while_the_log_does_not_have_the_last_change(self):
        box = self.box
        for name in ("hold", "deny"):
            with self.subTest(name):
                setattr(box, name, True)
                told = len(box.records)
                self.assertIsInstance(box.rotate("tls"), tuple)
                box.log(0.1)
                self.assertIsInstance(box.rotate("node"), int)
                self.assertIsInstance(box.chain(), tuple)
                box.kill()
                setattr(box, name, False)
                self.assertTrue(box.start())
                box.settle(told + 2)
                self.assertEqual(len(box.records), told + 2)  # the change, and the start

    def test_a_ring_that_is_full(self):
        box = self.box
        told = len(box.records)
        for turn in range(70):
            self.assertIsInstance(box.rotate("tls"), tuple, turn)
            told += 1
            box.settle(told)
        keys = box.list()[1]
        self.assertEqual(len(keys), 64)
        self.assertEqual([key["state"] for key in keys].count(ACTIVE), 6)
        self.assertEqual([key["state"] for key in keys].count(RETIRED), 58)
        # Those of handshakes make room; of tokens only when what they signed is over.
        for turn in range(58):
            self.assertIsInstance(box.rotate("miner"), tuple, turn)
            told += 1
            box.settle(told)
        self.assertEqual(REASONS[box.rotate("miner")], "KEYRING_FULL")

    def test_private_parts_lie_in_closed_pages_only(self):
        box = self.box
        box.chain()
        plain = plaintexts((box.folder / "keyring").read_bytes(), (box.folder / "seal").read_bytes())
        needles = privates(plain[0])
        self.assertEqual(len(needles), 6)
        box.sign(HANDSHAKE + bytes(32))
        box.head(EMPTY, box.tree(3))
        box.rotate("log")
        box.settle(8)
        new = plaintexts((box.folder / "keyring").read_bytes(), (box.folder / "seal").read_bytes())
        needles = sorted({*needles, *privates(new[0]), (box.folder / "seal").read_bytes()})
        self.assertEqual(len(needles), 8)
        found, public, seen = [], box.active("ca")[0]["public"], 0
        try:
            memory = open(f"/proc/{box.process.pid}/mem", "rb", 0)
        except PermissionError:
            self.skipTest("the keeper's memory is closed to this user")
        with memory, open(f"/proc/{box.process.pid}/maps") as maps:
            for row in maps:
                span, rights, *_, name = row.split(maxsplit=5) + [""]
                if not rights.startswith("r") or "[v" in row:
                    continue
                start, end = (int(word, 16) for word in span.split("-"))
                memory.seek(start)
                try:
                    have = memory.read(end - start)
                except OSError:
                    continue
                seen += public in have  # the sweep sees what is not hidden
                found += [(row.strip(), needles.index(n)) for n in needles if n in have]
        self.assertEqual(found, [])
        self.assertGreater(seen, 0)


class Files(unittest.TestCase):
    def test_what_does_not_open(self):
        def change(name, at, new):
            def act(box):
                path = box.folder / name
                old = path.read_bytes()
                path.write_bytes(old[:at] + new + old[at + len(new):])
            return act
        rows = [
            ("another seal", change("seal", 0, bytes(32)), "KEYFILE_SEAL_WRONG"),
            ("a short seal", lambda box: (box.folder / "seal").write_bytes(bytes(31)),
             "KEYFILE_SEAL_INPUT"),
            ("a long seal", lambda box: (box.folder / "seal").write_bytes(bytes(33)),
             "KEYFILE_SEAL_INPUT"),
            ("no head", change("keyring", 0, bytes(160)), "KEYFILE_DAMAGED"),
            ("a flipped head", change("keyring", 30, b"\xff\xff"), "KEYFILE_DAMAGED"),
            ("another file", change("keyring", 0, b"PK\3\4"), "KEYFILE_FORMAT"),
            ("no slot", change("keyring", 4096, bytes(2 * 12288)), "KEYFILE_DAMAGED"),
            ("no standing", change("keyring", 4096 + 2 * 12288, b"x" * 8192), "KEYFILE_DAMAGED"),
            ("a short file", lambda box: os.truncate(box.folder / "keyring", 20000),
             "KEYFILE_DAMAGED"),
            ("a file of a head", lambda box: os.truncate(box.folder / "keyring", 160),
             "KEYFILE_DAMAGED"),
        ]
        for name, act, reason in rows:
            with self.subTest(name), Lockbox() as box:
                self.assertTrue(box.start())
                box.settle(7)
                box.kill()
                act(box)
                before = (box.folder / "keyring").read_bytes()
                self.assertFalse(box.start())
                self.assertIn(f"reason={reason}", box.said())
                self.assertEqual(box.why, reason)
                self.assertEqual((box.folder / "keyring").read_bytes(), before)

    def test_a_torn_slot_or_standing_is_no_loss(self):
        with Lockbox() as box:
            self.assertTrue(box.start())
            box.settle(7)
            box.head(EMPTY, box.tree(5))
            box.rotate("node")
            box.settle(8)
            keys = box.list()
            box.kill()
            path = box.folder / "keyring"
            whole = path.read_bytes()
            path.write_bytes(whole[:4096] + bytes(100) + whole[4196:])
            self.assertFalse(box.start())  # the newest keyring: the log knows of it
            self.assertIn("reason=KEYFILE_ROLLED_BACK", box.said())
            for at in (4096 + 12288, 4096 + 2 * 12288, 4096 * 2 + 2 * 12288):
                path.write_bytes(whole[:at] + bytes(100) + whole[at + 100:])
                self.assertTrue(box.start(), box.said())
                self.assertEqual(box.list(), keys)
                last = box.head((9, bytes(32)), (9, sha256(b"x")))
                self.assertIn(last, (box.tree(5), EMPTY))
                box.kill()

    def test_the_first_standing_is_torn(self):
        """Nothing had left yet; but once a key was rotated there has been more than one."""
        blocks = 4096 + 2 * 12288
        with Lockbox() as box:
            box.hold = True
            self.assertTrue(box.start())
            keys = box.list()
            box.kill()
            path = box.folder / "keyring"
            fresh = path.read_bytes()
            self.assertEqual(fresh[blocks:], bytes(8192))
            path.write_bytes(fresh[:blocks + 4096] + b"WARDLAST" + fresh[blocks + 4104:])
            box.hold = False
            self.assertTrue(box.start(), box.said())
            self.assertEqual(box.list(), keys)
            box.settle(7)
            self.assertIsInstance(box.head(EMPTY, box.tree(5)), str)
            box.kill()
            path.write_bytes(fresh[:blocks] + b"WARDLAST" + fresh[blocks + 8:])
            self.assertFalse(box.start())  # the second block is never the first that is written
            self.assertEqual(box.why, "KEYFILE_DAMAGED")

    def test_a_keyring_without_its_standing(self):
        blocks = 4096 + 2 * 12288
        with Lockbox() as box:
            self.assertTrue(box.start())
            box.settle(7)
            box.rotate("node")
            box.settle(8)
            box.kill()
            path = box.folder / "keyring"
            whole = path.read_bytes()
            for standing in (bytes(8192), bytes(4096) + b"WARDLAST" + bytes(4088)):
                path.write_bytes(whole[:blocks] + standing)
                self.assertFalse(box.start())
                self.assertEqual(box.why, "KEYFILE_DAMAGED")

    def test_the_file_has_its_blocks(self):
        with Lockbox() as box:
            self.assertTrue(box.start())
            is_ = (box.folder / "keyring").stat()
            self.assertGreaterEqual(is_.st_blocks * 512, is_.st_size)

    def test_credential(self):
        with Lockbox() as box:
            (box.folder / "credential").write_bytes(os.urandom(100))
            self.assertTrue(box.start("credential", 2), box.said())
            box.kill()
            self.assertTrue(box.start("credential", 2))
            box.kill()
            self.assertFalse(box.start("seal", 0))

    def test_passphrase(self):
        with Lockbox() as box:
            (box.folder / "phrase").write_bytes(b"correct horse")
            (box.folder / "other").write_bytes(b"battery staple")
            self.assertTrue(box.start("phrase", 1), box.said())
            keys = box.list()
            box.kill()
            self.assertFalse(box.start("other", 1))
            self.assertIn("reason=KEYFILE_SEAL_WRONG", box.said())
            self.assertTrue(box.start("phrase", 1))
            self.assertEqual(box.list(), keys)


class Full(unittest.TestCase):
    """Writes fail for a while and then do not: the keeper goes on by itself, with one story."""

    def setUp(self):
        self.box = Lockbox()
        self.addCleanup(self.box.__exit__)
        (self.box.folder / "disk").write_bytes(bytes(32))
        self.box.prefix = ["env", f"LD_PRELOAD={BAD_DISK}",
                           f"WARD_BAD_DISK={self.box.folder / 'disk'}"]
        self.assertTrue(self.box.start(), self.box.said())
        self.box.settle(7)

    def disk(self, ends_at=0, broken=0):
        with open(self.box.folder / "disk", "r+b") as numbers:
            numbers.write(struct.pack("<QQ", ends_at, broken))

    def until(self, act):
        end = time.monotonic() + 60
        while (result := act()) is None:
            self.assertLess(time.monotonic(), end, self.box.said())
            time.sleep(0.05)
        return result

    def again(self, last):
        """A new life of the keeper knows this head."""
        self.box.kill()
        self.disk()
        self.assertTrue(self.box.start(), self.box.said())
        self.assertEqual(self.box.head((9, bytes(32)), (9, sha256(b"x"))), last)

    def ask(self, old, size):
        note = self.box.head(old, self.box.tree(size),
                             consistency(self.box.leaves[:size], old[0]))
        if isinstance(note, str):
            return note
        self.assertEqual(note, old)
        return None

    def test_heads_go_on(self):
        last = EMPTY
        for size, fault in ((1, {"ends_at": 4096}), (3, {"broken": 1}), (5, {"ends_at": 4096})):
            self.disk(**fault)
            for _ in range(3):
                self.assertIsNone(self.ask(last, size))
            self.disk()
            self.until(lambda at=last, to=size: self.ask(at, to))
            last = self.box.tree(size)
        self.assertEqual(self.box.said().count("the sealed file is written again"), 3)
        self.assertEqual(self.box.said().count("the sealed file cannot be written"), 3)
        self.again(last)

    def test_a_crash_while_the_disk_is_full(self):
        self.assertIsNotNone(self.ask(EMPTY, 2))
        self.disk(4096)
        self.assertIsNone(self.ask(self.box.tree(2), 4))
        self.again(self.box.tree(2))

    def test_rotation_goes_on(self):
        """A keyring of which a failed write left something never comes to life."""
        box, old = self.box, self.box.active("log")[0]
        self.assertIsNotNone(self.ask(EMPTY, 5))
        keys = box.list()
        self.disk(4096)
        for _ in range(2):
            self.assertEqual(REASONS[box.rotate("log")], "KEYRING_NOT_WRITTEN")
        self.assertEqual(box.list(), keys)
        self.disk()
        done = self.until(lambda: d if isinstance(d := box.rotate("log"), tuple) else None)
        new = box.active("log")[0]
        self.assertEqual(done, (new["id"], old["id"]))
        box.settle(1, "KEY_ROTATE")
        note = detail(box.event("KEY_ROTATE")[0], b"handover").decode()
        self.assertTrue(note_is_signed(note, old["public"]))
        self.again(box.tree(5))
        self.assertEqual(box.active("log"), [new])

    def test_a_slot_that_failed_is_emptied(self):
        """The write of a keyring fails in its middle, and only the part that is there is whole."""
        box, slot = self.box, 4096
        self.assertIsNotNone(self.ask(EMPTY, 5))
        keys = box.list()
        self.disk(slot + 8192)
        self.assertEqual(REASONS[box.rotate("node")], "KEYRING_NOT_WRITTEN")
        self.assertIsNone(self.ask(box.tree(5), 5))
        self.disk()
        self.until(lambda: self.ask(box.tree(5), 5))
        self.assertEqual((box.folder / "keyring").read_bytes()[slot:slot + 12288], bytes(12288))
        self.assertEqual(box.list(), keys)
        self.assertIsInstance(box.rotate("node"), tuple)


class Killed(unittest.TestCase):
    """kill -9 at the N-th call of each system call, from the first start on."""

    def live(self, box):
        """A life with everything that writes; what others have seen of it."""
        seen = {"keys": set(), "head": EMPTY, "asked": None, "rotated": [], "log": {}}
        if not box.start():
            return seen, False
        try:
            keys = box.list()[1]
            box.chain()
            seen["keys"] |= {key["id"] for key in keys}
            seen["log"] = {key["id"]: key["public"] for key in keys if key["role"] == ROLES["log"]}
            box.settle(7)
            for role in ("tls", "log", "ca"):
                seen["asked"] = box.tree(len(box.leaves))
                box.head(seen["head"], seen["asked"], consistency(box.leaves, seen["head"][0]))
                seen["head"] = seen["asked"]
                told = len(box.event("KEY_ROTATE"))
                new, old = box.rotate(role)
                seen["keys"].add(new)
                seen["rotated"].append((role, new, old))
                box.settle(told + 1, "KEY_ROTATE")
            return seen, True
        except Lost:
            return seen, False
        except TimeoutError:
            if box.process.poll() is None:
                raise
            return seen, False

    def judge(self, box, seen):
        opened = len(box.event("KEYRING_OPEN"))
        self.assertTrue(box.start(), box.said())
        _, keys = box.list()
        self.assertLessEqual(seen["keys"], {key["id"] for key in keys})
        active = [key["role"] for key in keys if key["state"] == ACTIVE]
        self.assertEqual(sorted(active), sorted(ROLES[r] for r in ("ca", "tls", "log", "node", "miner", "result")))
        fork = (max(seen["head"][0], 1), sha256(b"another story"))
        last = box.head((1 << 40, bytes(32)), fork)
        self.assertIn(last, (seen["head"], seen["asked"] or EMPTY))
        box.settle(opened + 1, "KEYRING_OPEN")
        created = b"".join(box.event("KEY_CREATE"))
        rotated = b"".join(box.event("KEY_ROTATE"))
        for key in keys:
            self.assertIn(key["id"].hex().encode(), created + rotated)
        for record in box.event("KEY_ROTATE"):
            if b"handover" in record:
                old = bytes.fromhex(detail(record, b"replaces").decode())
                public = [key["public"] for key in keys if key["id"] == old][0]
                self.assertTrue(note_is_signed(detail(record, b"handover").decode(), public))
        self.assertIsInstance(box.rotate("node"), tuple)

    def sweep(self, call, step):
        n = 1
        while n < 400:
            prefix = ["strace", "-f", "-o", "/dev/null", "-e", "signal=none", "-e",
                      f"inject={call}:signal=KILL:when={n}"]
            with self.subTest(call=call, when=n), Lockbox(prefix) as box:
                seen, whole = self.live(box)
                box.kill()
                if whole:
                    return n
                box.prefix = []
                self.judge(box, seen)
            n += step
        return n

    def test_every_write(self):
        self.assertGreater(self.sweep("pwrite64", 1), 10)

    def test_every_flush(self):
        self.assertGreater(self.sweep("fdatasync", 1), 10)

    def test_everything_else(self):
        for call in ("ftruncate", "pread64", "sendmsg", "recvmsg", "mprotect", "getrandom"):
            self.sweep(call, 1 if FULL else 9)


if __name__ == "__main__":
    tap.main()
