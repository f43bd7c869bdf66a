"""test_audit_doors.py - what the audit process answers, and what it refuses to hear."""

import os
import signal
import time
import unittest

import auditor
import tap
from auditor import CORE, KEEPER, House, Keeper, leaf_of, lines_of, protobuf, record, root_of

FULL = os.environ.get("WARD_FULL") == "1"


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
            house.start()
            house.append()
            house.append()
            self.covered(house, 3)
            house.stop()
            for path, text in copies.items():
                path.write_bytes(text)
            house.answers.clear()
            house.start()
            house.append()
            house.until(lambda: "why=AUDIT_TRUNCATED" in house.said())
            self.assertIsNone(house.append())

    def test_log_of_another_house(self):
        keeper = Keeper()
        keeper.size, keeper.root = 1, bytes(32)
        with House(keeper=keeper) as house:
            house.start()
            house.append()
            house.until(lambda: "why=AUDIT_HEAD_MISMATCH" in house.said())
            self.assertIsNone(house.append())
            self.assertEqual(self.head(house)[0], 0)

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
            house.until(lambda: "channel closed peer=core" in house.said())
            with self.assertRaises((EOFError, BrokenPipeError)):
                house.channels[CORE].send(auditor.ASK, 1, b"\7\0" + bytes(4))
                house.channels[CORE].read(5)
            del house.channels[CORE]
            self.assertEqual(house.append(peer=KEEPER), 0)
            self.assertEqual(house.lost, [(CORE, 40 + CORE)])  # the monitor hears of it
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

    def test_pages_of_a_long_log(self):
        """A million records, or what a short run allows: no page takes long, whatever is asked."""
        count = 1000000 if FULL else 60000
        with House(rotate=1 << 30) as house:
            with open(house.folder / "security.log", "wb") as log:
                log.writelines(line + b"\n" for line in
                               lines_of(count, at="2999-12-31T00:00:00.000Z"))
            house.start(seconds=60)
            for name, ask in (("a page", {"n2": 100}), ("the longest page", {"n2": 1000}),
                              ("nothing fits", {"n8": b"Denied"})):
                taken = []
                for number in range(100):
                    cursor = b"%d" % (number * (count - 1000) // 100 + 1)
                    began = time.monotonic()
                    reason, _, page = house.ask(auditor.QUERY, protobuf(n1=cursor, **ask))
                    taken.append(time.monotonic() - began)
                    self.assertEqual(reason, 1)
                    if ask != {"n8": b"Denied"}:
                        self.assertGreater(len(page[1]), 9)
                taken.sort()
                print(f"# {count} records, {name}: p99 {1000 * taken[98]:.1f} ms")
                self.assertLess(taken[98], 0.05 if FULL else 0.25)

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

    def test_core_that_reads_slowly(self):
        """32 pages are more than a channel holds: none of them is lost."""
        with House(rotate=1 << 30) as house:
            with open(house.folder / "security.log", "wb") as log:
                log.writelines(line + b"\n" for line in
                               lines_of(3000, at="2999-12-31T00:00:00.000Z"))
            house.start()
            house.replies = {}
            request = auditor.QUERY.to_bytes(2, "little") + auditor.data(protobuf(n2=1000))
            for ident in range(1000, 1030):
                house.channels[CORE].send(auditor.ASK, ident, request)
            time.sleep(1)
            house.until(lambda: len(house.replies) == 30)
            self.assertTrue(all(reply[0] == 1 for reply in house.replies.values()))

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

    def test_a_long_check_keeps_nobody_waiting(self):
        with House(rotate=1 << 30) as house:
            with open(house.folder / "security.log", "wb") as log:
                log.writelines(line + b"\n" for line in
                               lines_of(60000, at="2999-12-31T00:00:00.000Z"))
            house.start()
            house.replies = {}
            house.ident += 1
            house.channels[CORE].send(auditor.ASK, house.ident,
                                      auditor.VERIFY.to_bytes(2, "little") + bytes(4))
            answered = 0
            while not house.replies:  # refused at once, so that no disk is waited for
                self.assertIsNone(house.append(record(details=[])))
                answered += 1
            self.assertGreater(answered, 10)
            self.assertEqual(house.append(), 60000)


if __name__ == "__main__":
    tap.main()
