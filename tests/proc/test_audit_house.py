"""test_audit_house.py - `ward audit` and the whole house: the log that lies in the state folder is
continued, its heads are signed by the real keeper, and the commands see the same records through
the owner's socket as in the files."""

import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import auditor
import tap
from auditor import lines_of, root_of, leaf_of

WARD = auditor.BUILD / "ward"
COUNT = 700


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class House(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.mkdtemp(prefix="ward-house-")
        cls.state = pathlib.Path(cls.place) / "state"
        (cls.state / "audit").mkdir(parents=True, mode=0o700)
        cls.state.chmod(0o700)
        cls.lines = lines_of(COUNT, at="2999-12-31T00:00:00.000Z")
        log = cls.state / "audit" / "security.log"
        log.write_bytes(b"".join(line + b"\n" for line in cls.lines))
        log.chmod(0o600)
        subprocess.run([WARD, "up", "--state", cls.state, "--listen", f"127.0.0.1:{free_port()}"],
                       check=True, capture_output=True, timeout=60)

    @classmethod
    def tearDownClass(cls):
        subprocess.run([WARD, "down", "--state", cls.state], check=False, capture_output=True,
                       timeout=60)
        shutil.rmtree(cls.place)

    def audit(self, *words, code=0):
        done = subprocess.run([WARD, "audit", words[0], "--state", self.state, *words[1:]],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def covered(self):
        """The keeper has signed a head over all of them; what verify says then."""
        end = time.monotonic() + 10
        while True:
            said = json.loads(self.audit("verify", "--json"))
            if said["head"] is not None and said["head"]["size"] == said["records"]:
                return said
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_the_log_is_continued_and_signed(self):
        said = self.covered()
        self.assertTrue(said["sound"])
        proof = json.loads(self.audit("prove", "5", "--json"))
        self.assertEqual(proof["record"].encode(), self.lines[5])
        if said["records"] == COUNT:
            self.assertEqual(said["head"]["root"], root_of(map_leaves(self.lines)).hex())

    def heirs(self):
        """The lines that are kept beside the heads."""
        heads = (self.state / "audit/heads").read_bytes()
        found = []
        for at in range(64 * 4096, len(heads), 4096):
            head, _, rest = heads[at:at + 4096].partition(b"\n")
            if head.startswith(b"ward heir "):
                _, _, seq, _, length, _ = head.split(b" ")
                found.append((int(seq), rest[:int(length)]))
        return found

    def test_a_hand_over_is_kept_for_ever(self):
        """Beside the heads, when it is durable; and when whoever should was killed, at the next
        start."""
        for role in ("log", "tls", "log"):
            done = subprocess.run([WARD, "keyring", "rotate", role, "--state", self.state, "--yes"],
                                  check=False, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.covered()

        def handed_on():
            lines = (self.state / "audit/security.log").read_bytes().split(b"\n")[:-1]
            return [(seq, line) for seq, line in enumerate(lines)
                    if b'"handover":' in line and b'"action":"key.rotate"' in line]
        self.assertGreaterEqual(len(handed_on()), 2)
        self.assertEqual(self.heirs(), handed_on())
        heads = self.state / "audit/heads"
        whole = heads.read_bytes()
        for lost in (1, 2):
            subprocess.run([WARD, "down", "--state", self.state], check=True, capture_output=True)
            heads.write_bytes(whole[:64 * 4096] + (whole[64 * 4096:65 * 4096] if lost == 1 else b""))
            subprocess.run([WARD, "up", "--state", self.state, "--listen",
                            f"127.0.0.1:{free_port()}"], check=True, capture_output=True, timeout=60)
            self.assertEqual(self.heirs(), handed_on())
        self.covered()

    def test_house_and_files_agree(self):
        for words in (("--limit", "0"), ("--limit", "3"), ("--from", "650"),
                      ("--resource", "x-69", "--limit", "0"), ("--outcome", "Denied"),
                      ("--action", "key.", "--limit", "2"), ("--until", "2026-01-01T00:00:00Z")):
            online = self.audit("query", "--json", *words)
            files = self.audit("query", "--json", "--files", *words)
            self.assertEqual(online, files, words)
        rows = self.audit("query", "--json", "--limit", "0").encode().splitlines()
        self.assertEqual(rows[:COUNT], self.lines)

    def log_key(self):
        done = subprocess.run([WARD, "keyring", "list", "--json", "--state", self.state],
                              capture_output=True, timeout=60, check=True)
        return [base64.b64decode(key["public_part"]).hex() for key in json.loads(done.stdout)["keys"]
                if key["role"] == "log" and key["state"] == "active"][0]

    def test_the_key_is_followed(self):
        """The key is rotated twice; who knows any of the three keys can check the log, and an
        export of it, and nobody else can."""
        keys = [self.log_key()]
        for _ in range(2):
            self.covered()
            subprocess.run([WARD, "keyring", "rotate", "log", "--yes", "--state", self.state],
                           check=True, capture_output=True, timeout=60)
            keys.append(self.log_key())
        self.assertEqual(len(set(keys)), 3)
        self.covered()
        for key in keys:
            said = json.loads(self.audit("verify", "--json", "--key", key))
            self.assertTrue(said["head"]["key_checked"])
        self.audit("verify", "--key", "5" * 64, code=1)
        export = pathlib.Path(self.place) / "export.jsonl"
        export.write_text(self.audit("export"))
        self.assertIn("sound", self.audit("verify", "--key", keys[0], export))
        forged = export.read_text().replace("ward-log-key ", "ward-log-key A", 1)
        export.write_text(forged)
        self.audit("verify", "--key", keys[0], export, code=1)

    def test_tail(self):
        self.covered()
        rows = self.audit("tail", "--json", "-n", "10").splitlines()
        self.assertGreaterEqual(len(rows), 10)
        self.assertEqual([json.loads(row)["seq"] for row in rows],
                         list(range(json.loads(rows[0])["seq"],
                                    json.loads(rows[0])["seq"] + len(rows))))

    def test_tail_that_follows_ends_with_its_reader(self):
        self.covered()
        follow = subprocess.Popen([WARD, "audit", "tail", "--state", self.state, "--follow", "-n",
                                   "1"], stdout=subprocess.PIPE)
        self.assertTrue(follow.stdout.readline())
        follow.send_signal(signal.SIGINT)
        self.assertEqual(follow.wait(5), -signal.SIGINT)
        follow.stdout.close()

    def test_killed_audit_process(self):
        """It comes back by itself, and the log goes on where it was."""
        before = json.loads(self.audit("verify", "--json"))["records"]
        name = (self.state / "ward.log").read_text()
        pid = int(name.rpartition("ready name=audit pid=")[2].split()[0])
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 10
        while True:
            done = subprocess.run([WARD, "audit", "query", "--state", self.state, "--limit", "1"],
                                  capture_output=True, text=True, timeout=60, check=False)
            if done.returncode == 0:
                break
            self.assertEqual(done.returncode, 4, done.stderr)  # unreachable, and says so
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.assertGreaterEqual(json.loads(self.audit("verify", "--json"))["records"], before)


def map_leaves(lines):
    return [leaf_of(line) for line in lines]


if __name__ == "__main__":
    tap.main()
