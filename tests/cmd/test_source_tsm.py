"""test_source_tsm.py - evidence by Linux's report interface, which a file system of our own stands in for:
the order of its steps, whoever else is at work there, and all that it may answer.

What only hardware shows is not shown here: that a TDX driver takes these bytes and that its report is
true."""

import base64
import errno
import fcntl
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import unittest

import own_mounts
import tap
from report_tree import Entry, ReportTree, call
from ward import BUILD, OWN, ward

QUOTE = (OWN / "quote/tdx-v4.quote.bin").read_bytes()
ASKED = bytes(range(100, 164))
EVIDENCE_MAX, TRIES = 32 * 1024, 5


def report_of(report_data):
    """A quote of the right form; a source does not look at signatures."""
    return QUOTE[:568] + report_data.ljust(64, b"\0") + QUOTE[632:]


def evidence(folder, *more, asked=ASKED):
    return ward("evidence", "--source", f"tsm:{folder}", "--report-data", asked.hex(), *more)


@unittest.skipUnless(own_mounts.has_fuse(), "FUSE, and mounts of one's own")
class Tsm(unittest.TestCase):
    def setUp(self):
        above = tempfile.TemporaryDirectory(prefix="ward-tsm-")
        self.addCleanup(above.cleanup)
        self.folder = pathlib.Path(above.name) / "report"
        self.folder.mkdir()

    def tree(self, make=report_of, **more):
        tree = ReportTree(self.folder, make)
        for name, value in more.items():
            setattr(tree, name, value)
        return tree

    def test_evidence_bears_what_was_asked_and_leaves_nothing(self):
        with self.tree() as tree:
            done = evidence(self.folder, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            got = json.loads(done.stdout)
            self.assertEqual((got["source"], got["kind"]), (f"tsm:{self.folder}", "tdx-v4"))
            self.assertEqual(base64.b64decode(got["evidence"]), report_of(ASKED))
            self.assertEqual((tree.asked, tree.made, tree.entries()), ([ASKED], 1, []))

    def test_a_slow_report_is_waited_for(self):
        with self.tree(delay=0.5):
            self.assertEqual(evidence(self.folder).returncode, 0)

    def test_the_longest_report_and_one_byte_more(self):
        for size, code, reason in ((EVIDENCE_MAX, 0, b""),
                                   (EVIDENCE_MAX + 1, 1, b"SOURCE_TOO_LARGE")):
            with self.subTest(size), self.tree(lambda data, size=size:
                                               report_of(data).ljust(size, b"\0")):
                done = evidence(self.folder)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(reason, done.stderr)
                if code == 0:  # zeros after its end are not the quote
                    self.assertEqual(done.stdout.decode().strip(), report_of(ASKED).hex())

    def test_whoever_is_in_the_way_is_waited_for_and_not_for_ever(self):
        table = (("outblob", errno.EBUSY, 2), ("outblob", errno.EAGAIN, 2), ("inblob", errno.EBUSY, 2),
                 ("mkdir", errno.EEXIST, 2), ("mkdir", errno.EBUSY, 2), ("outblob", errno.EBUSY, 99))
        for name, error, times in table:
            with self.subTest(name=name, error=error, times=times), \
                    self.tree(fails={name: [error] * times}) as tree:
                done = evidence(self.folder)
                self.assertEqual(done.returncode, 0 if times < TRIES else 4, done.stderr)
                self.assertEqual(b"SOURCE_BUSY" in done.stderr, times >= TRIES, done.stderr)
                self.assertEqual(tree.entries(), [])
                self.assertLessEqual(tree.made, TRIES)

    def test_a_report_of_another_generation_is_not_taken(self):
        """Somebody else wrote into the entry: what was read may be of what they wrote."""
        for writes, code in (([1, 0], 0), ([2, 1, 0], 0), ([1] * 99, 4)):
            with self.subTest(writes[:3]), self.tree(writes_between=list(writes)) as tree:
                done = evidence(self.folder)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(tree.made, min(writes.index(0) + 1 if 0 in writes else 99, TRIES))
                self.assertEqual(b"SOURCE_BUSY" in done.stderr, code != 0)

    def test_what_goes_wrong_is_named(self):
        table = (
            (4, "ABSENT", dict(fails={"mkdir": [errno.ENXIO]})),
            (5, "FORBIDDEN", dict(fails={"mkdir": [errno.EACCES]})),
            (5, "FORBIDDEN", dict(fails={"inblob": [errno.EPERM]})),
            (4, "FAILED", dict(fails={"inblob": [errno.EIO]})),
            (4, "FAILED", dict(fails={"outblob": [errno.EIO]})),
            (4, "DEADLINE", dict(fails={"outblob": [errno.ETIMEDOUT]})),
            (4, "FAILED", dict(fails={"generation": [0, errno.EIO]})),
            (2, "UNSUPPORTED", dict(provider=b"sev_guest\n")),
            (2, "UNSUPPORTED", dict(provider=b"")),
            (2, "UNSUPPORTED", dict(provider=b"tdx_guest_2\n")),
            (1, "TOO_LARGE", dict(provider=b"t" * 65)),
            (1, "MALFORMED", dict(generation_text=b"1")),
            (1, "MALFORMED", dict(generation_text=b"-1\n")),
            (1, "MALFORMED", dict(generation_text=b"\n")),
            (1, "MALFORMED", dict(generation_text=b"9" * 20 + b"\n")),
            (1, "TOO_LARGE", dict(generation_text=b"9" * 40)),
        )
        for code, reason, wrong in table:
            with self.subTest(**wrong), self.tree(**wrong) as tree:
                done = evidence(self.folder)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(b"SOURCE_" + reason.encode(), done.stderr)
                self.assertEqual((done.stdout, tree.entries()), (b"", []))

    def test_a_report_that_is_no_evidence_of_this_is_not_handed_on(self):
        other = bytes(64)
        table = (
            ("OTHER_DATA", lambda data: report_of(other)),
            ("OTHER_DATA", lambda data: report_of(data[:63] + bytes([data[63] ^ 1]))),
            ("MALFORMED", lambda data: b""),
            ("MALFORMED", lambda data: report_of(data)[:1000]),
            ("MALFORMED", lambda data: report_of(data)[:-1]),
            ("MALFORMED", lambda data: report_of(data) + b"\0\1"),
            ("MALFORMED", lambda data: b"\x04\x00" + bytes(600)),
            ("MALFORMED", lambda data: b"#!/bin/sh\n"),
        )
        for reason, make in table:
            with self.subTest(reason), self.tree(make) as tree:
                done = evidence(self.folder)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(b"SOURCE_" + reason.encode(), done.stderr)
                self.assertEqual((done.stdout, tree.entries()), (b"", []))

    def test_many_ask_at_once_and_each_gets_its_own(self):
        with self.tree(delay=0.05) as tree:
            got = {}

            def ask(number):
                got[number] = evidence(self.folder, asked=bytes([number]) * 64)
            threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for number, done in got.items():
                self.assertEqual(done.stdout.decode().strip(),
                                 report_of(bytes([number]) * 64).hex(), done.stderr)
            # One that was swept in the instant before it was locked is made again.
            self.assertEqual((len(got), tree.entries()), (8, []))
            self.assertIn(tree.made, range(8, 8 * TRIES + 1))

    def test_what_a_killed_one_left_goes_and_nothing_else(self):
        with self.tree(delay=5) as tree:
            killed = subprocess.Popen([BUILD / "ward", "evidence", "--source", f"tsm:{self.folder}",
                                       "--nonce", "00"], stdout=subprocess.DEVNULL)
            deadline = time.monotonic() + 20
            while not tree.asked and time.monotonic() < deadline:
                time.sleep(0.02)
            killed.kill()
            killed.wait(20)
            self.assertEqual(len(tree.entries()), 1)
        with self.tree() as tree:
            names = [b"ward-left", b"ward-alive", b"another's"] + [b"ward-%d" % i for i in range(30)]
            for name in names:
                tree.number(Entry(name))
            alive = os.open(self.folder / "ward-alive", os.O_RDONLY)
            fcntl.flock(alive, fcntl.LOCK_EX)
            self.assertEqual(evidence(self.folder).returncode, 0)
            self.assertEqual([entry.name for entry in tree.entries()], [b"ward-alive", b"another's"])
            os.close(alive)
            self.assertEqual(evidence(self.folder).returncode, 0)
            self.assertEqual([entry.name for entry in tree.entries()], [b"another's"])

    def test_an_interface_that_dies_meanwhile(self):
        tree = self.tree(delay=0.2)

        def die(_):
            os._exit(0)
        number = os.fork()
        if number == 0:
            tree.make = die
            tree.__enter__()
            (self.folder.parent / "ready").write_text("")
            threading.Event().wait(30)
            os._exit(1)
        deadline = threading.Event()
        while not (self.folder.parent / "ready").exists():
            deadline.wait(0.02)
        done = evidence(self.folder)
        os.waitpid(number, 0)
        call("umount2", os.fsencode(self.folder), 2)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn(b"SOURCE_FAILED", done.stderr)


if __name__ == "__main__":
    own_mounts.enter()
    tap.main()
