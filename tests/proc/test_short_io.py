"""test_short_io.py - the house and the command where each read and write is mostly of one byte, a
signal comes 2,000 times a second, and what need not wait is told to come back: nothing comes out
differently, byte for byte, and nothing falls.

WARD_FULL=1 in the environment: 40 seeds."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import disturbed
import lodger
from lodger import House

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "vectors"
FULL = os.environ.get("WARD_FULL") == "1"
SEEDS = range(disturbed.SEED, disturbed.SEED + (40 if FULL else 2))
PHRASE = "correct horse battery staple, and one more\n"


def tree(folder):
    """{name: bytes} of all files under it."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


class Short(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ward-short-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "phrase").write_text(PHRASE)

    def programs(self, seed, ones=100):
        return disturbed.short_io(self.folder / f"build-{seed}", seed, ones)

    def said(self, programs, *words):
        """(exit code, output, talk)"""
        done = subprocess.run([programs / "ward", *map(str, words)], capture_output=True,
                              timeout=100, check=False, cwd=self.folder)
        return done.returncode, done.stdout, done.stderr

    def test_whole_reads(self):
        """A program with the bug: it takes what one read gives for all there is."""
        (self.folder / "text").write_text(PHRASE * 100)
        words = ["dd", f"if={self.folder}/text", "bs=4096", "count=1", "status=none"]
        out = [subprocess.run(words, capture_output=True, check=True, env=env).stdout
               for env in (dict(os.environ), os.environ | {
                   "LD_PRELOAD": str(disturbed.SHORT_IO), "WARD_SHORT_IO": "1 100"})]
        self.assertEqual(out, [(PHRASE * 100).encode()[:4096], PHRASE.encode()[:1]])

    def test_evidence(self):  # proves: RL-30
        """What is judged and what is made: the same words, the same bytes."""
        rows = json.loads((VECTORS / "index.json").read_text())["cases"]
        rows = [row for row in rows if "collateral" in row]
        for seed in SEEDS:
            programs = self.programs(seed)
            for row in rows if FULL else rows[seed % 3::3]:
                words = ["verify", VECTORS / row["file"], "--at", row["time"], "--json",
                         "--root", VECTORS / row["root"], "--collateral",
                         VECTORS / row["collateral"]]
                usual = self.said(lodger.BUILD, *words)
                self.assertEqual(self.said(programs, *words), usual, row)
                self.assertIn(usual[0], (0, 1), usual)
            made = self.folder / f"made-{seed}"
            self.assertEqual(self.said(programs, "sim", "make", made)[0], 0)
            self.assertEqual(tree(made), {name: text for name, text in tree(VECTORS).items()
                                          if name in tree(made)})
            self.assertGreater(len(tree(made)), 20)

    def answers(self, house, count):
        """Whatever of a house's answers depends on its state alone, as bytes."""
        out = {}
        for seq in range(count):
            out[f"record {seq}"] = house.fetch(f"audit/records/{seq}")
            out[f"proof {seq}"] = house.fetch("audit/proof", {"seq": seq, "size": count})
        out["keys"] = house.fetch("keyring/keys")
        # Which head is the last one depends on when it was asked.
        out = {name: (status, re.sub(rb'"checkpoint":"[^"]*"', b'"checkpoint":""', body))
               for name, (status, body) in out.items()}
        self.assertEqual({status for status, _ in out.values()}, {200}, out)
        for number in range(10):  # each also says when it was
            text = "x" * 900 + str(number)
            answer = house.ask("system/ping", {"text": text}, owner=number & 1)[1]
            self.assertEqual(answer["text"], text)
        return out

    def files(self, programs, state):
        """What the commands say of a state folder."""
        common = ("--state", state)
        rows = [("audit", "verify", "--json"), ("audit", "export"),
                ("audit", "export", "--format", "csv"), ("audit", "query", "--json"),
                ("config", "show", "--json")]
        return {row: self.said(programs, *row, *common)[:2] for row in rows}

    @staticmethod
    def catches_the_signal(pid):
        mask = next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                    if line.startswith("SigCgt:"))
        return int(mask.split()[1], 16) >> (signal.SIGURG - 1) & 1

    def test_house(self):  # proves: RL-30
        begin, count = self.folder / "begin", 0
        begin.mkdir()
        with House(folder=begin) as house:
            for _ in range(3):
                self.assertEqual(house.ask("system/config")[0], 200)
            self.assertEqual(house.command("keyring", "rotate", "tls", "--yes").returncode, 0)
            house.down()
            count = len(house.records())
            usual = self.folder / "usual"
            for folder in (usual, *(self.folder / f"short-{seed}" for seed in SEEDS)):
                shutil.copytree(begin, folder, ignore=lambda *_: ["run"])
        wanted = self.files(lodger.BUILD, usual / "state")
        with House(folder=usual) as house:
            answers = self.answers(house, count)
            house.down()
            actions = sorted(row["action"] for row in house.records()[count:])
        for seed in SEEDS:
            with self.subTest(seed=seed):
                self.lives(seed, count, wanted, answers, actions)

    def lives(self, seed, count, wanted, answers, actions):
        programs, folder = self.programs(seed), self.folder / f"short-{seed}"
        self.assertEqual(
            {row: (code, text.replace(bytes(folder), b"X")) for row, (code, text) in
             self.files(programs, folder / "state").items()},
            {row: (code, text.replace(bytes(self.folder / "usual"), b"X")) for row, (code, text) in
             wanted.items()})
        with House(folder=folder, programs=programs) as house:
            pids = {name: house.process(name) for name in disturbed.PROCESSES[1:]}
            for pid in (house.monitor(), *pids.values()):
                self.assertTrue(self.catches_the_signal(pid))
            self.assertEqual(self.answers(house, count), answers)
            self.assertEqual({name: house.process(name) for name in pids}, pids)
            house.down()
            new = sorted(row["action"] for row in house.records()[count:])
            self.assertEqual(new, actions)
            self.assertNotIn("died", (house.state / "ward.log").read_text())
            if seed == SEEDS[0] or FULL:
                self.backed_up(programs, folder)

    def backed_up(self, programs, folder):
        """A backup that is made so holds what it should, for whoever restores it."""
        phrase = ("--passphrase-file", self.folder / "phrase")
        made = self.said(programs, "backup", "create", "--state", folder / "state", "--to",
                         folder / "backup", "--json", *phrase)
        self.assertEqual(made[0], 0, made)
        log = (folder / "state/audit/security.log").read_bytes()
        for number, reader in enumerate((lodger.BUILD, programs)):
            new = folder / f"new-{number}"
            done = self.said(reader, "backup", "restore", folder / "backup", "--state", new,
                             "--json", *phrase)
            self.assertEqual(done[0], 0, done)
            self.assertEqual((new / "audit/security.log").read_bytes(), log)
            hashes = [json.loads(text)["state_hash"] for text in (made[1], done[1])]
            self.assertEqual(hashes[0], hashes[1])


if __name__ == "__main__":
    import tap
    tap.main()
