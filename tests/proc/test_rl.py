"""test_rl.py - a sample of the crash points of each process, by tools/rl, and what its checkers
must find when something acknowledged is gone."""

import base64
import json
import unittest

import auditor
import house as houses
from rl_tool import Sample, needs_root, rl


@needs_root
class Crash(Sample):
    def test_sample(self):  # proves: RL-22 RL-25
        self.sample("crash", 1)

    def test_end_of_points(self):
        """A name is tried until its next point is none."""
        code, lines, end = rl("crash", "--process", "core", "--syscall", "seccomp", "--all")
        self.assertEqual((code, end["tried"], end["fired"]), (0, end["of"] + 1, end["of"]), lines)
        self.assertFalse(lines[-1]["fired"])

    def test_nobody_starts_it_again(self):
        """The seeded bug: the monitor sleeps."""
        self.found("crash", "--process", "core", "--syscall", "sendmsg", "--seeded", "asleep",
                   "--sample", "2")


class Checkers(unittest.TestCase):
    def test_lost(self):
        """Each of these is a bug that the checker must see."""
        with auditor.House() as log:
            log.start()
            for _ in range(5):
                log.append()
            log.stop()
            lines = log.lines()
            files = {name: (log.folder / name).read_bytes() for name in ("security.log", "leaves")}
            leaves = [auditor.leaf_of(line) for line in lines]
            root = base64.b64encode(auditor.root_of(leaves)).decode()

            def evidence():
                found = houses.Evidence(log.state)
                found.heads = {len(lines): root}
                found.records = {seq: {"action": json.loads(line)["action"]}
                                 for seq, line in enumerate(lines)}
                return found
            self.assertEqual(evidence().check(), len(lines))
            whole = files["security.log"]
            first, second = (line + b"\n" for line in lines[:2])
            rows = {"the last record is gone": whole[:-len(lines[-1]) - 1],
                    "one in the middle is gone": whole.replace(second, b""),
                    "two changed places": whole.replace(first + second, second + first),
                    "one is there twice": whole.replace(second, second + second),
                    "one byte is another": whole.replace(b"k-1", b"k-2", 1),
                    "nothing is left": b""}
            for name, text in rows.items():
                with self.subTest(name):
                    (log.folder / "security.log").write_bytes(text)
                    with self.assertRaises(AssertionError):
                        evidence().check()
            (log.folder / "security.log").write_bytes(whole)
            kept = bytearray(files["leaves"])
            kept[33] ^= 1
            (log.folder / "leaves").write_bytes(kept)
            with self.assertRaises(AssertionError):
                evidence().check()

    def test_never_wrong(self):
        """A root that was served and is not of this log, of a size that it has."""
        with auditor.House() as log:
            log.start()
            log.append()
            log.stop()
            found = houses.Evidence(log.state)
            found.heads = {1: base64.b64encode(bytes(32)).decode()}
            with self.assertRaises(AssertionError):
                found.check()


if __name__ == "__main__":
    import tap
    tap.main()
