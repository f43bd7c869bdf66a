"""test_no_secrets_state.py - what a house and its owner's commands refuse for what lies on the disk,
for programs that are not what they should be, for want of memory, and for processes that are killed while
somebody waits. tests/leaks.py looks for secrets behind each."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "cmd"))

import front_house as house
import house as houses
import tap
import test_attest
from oci import Image, entry

TYPE = "Content-Type: application/json"
LIMITLESS = {"requests_per_second": 100000, "requests_burst": 100000}
HEAD, SUM = 160, 32  # of a keyring
TRIES = 400


def children(pid):
    """The numbers of a process's children."""
    return [int(number) for number in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Struck:
    """While it lasts whatever a process forks is sent a signal, once."""

    def __init__(self, pid, number):
        self.pid, self.number, self.over = pid, number, threading.Event()
        self.struck = set(children(pid))  # but not who is there already
        self.thread = threading.Thread(target=self.strike)

    def strike(self):
        while not self.over.is_set():
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                for child in set(children(self.pid)) - self.struck:
                    os.kill(child, self.number)
                    self.struck.add(child)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@unittest.skipUnless(os.geteuid() == 0, "needs root: the memory of others")
class State(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.phrase = cls.folder / "phrase"
        cls.phrase.write_text("zu Bett, zu Bett, die Trommel ruft\n")
        cls.house = cls.enterClassContext(house.House(**LIMITLESS))
        houses.until(lambda: cls.ask(cls.house, "GET", "/v1/audit/head")[0] == 200)

    @staticmethod
    def ask(one, method, target, value=None):
        with one.plain(60) as end:
            status, _, body = house.ask(end, method, target, [TYPE] if value else [],
                                        json.dumps(value).encode() if value else b"")
        return status, json.loads(body)

    def says(self, code, *words, ward=house.BUILD / "ward", **how):
        done = subprocess.run([ward, *map(str, words)], check=False, capture_output=True, text=True,
                              timeout=120, **how)
        self.assertIn(code, done.stdout + done.stderr)
        self.assertNotEqual(done.returncode, 0)

    def copied(self, name):
        """The state of a house that is down, with what seals it."""
        state = self.folder / name
        with house.House() as one:
            houses.until(lambda: self.ask(one, "GET", "/v1/audit/head")[0] == 200)
            one.command("down", "--state", one.state)
            shutil.copytree(one.state, state, ignore=lambda *_: ["run"])
            shutil.copy(f"{one.state}.seal", f"{state}.seal")
        return state

    def test_keyrings_of_other_versions(self):
        state = self.copied("versions")
        whole = (state / "keyring").read_bytes()
        for version, code in ((0, "KEYFILE_OLDER"), (9, "KEYFILE_NEWER")):
            head = whole[:8] + struct.pack("<I", version) + whole[12:HEAD - SUM]
            (state / "keyring").write_bytes(head + hashlib.sha256(head).digest() + whole[HEAD:])
            with self.subTest(code):
                self.says(code, "up", "--state", state, "--listen",
                          f"127.0.0.1:{house.free_port()}")

    def test_programs_that_are_none(self):
        """Beside a copy of `ward` one process is a program that ends at once."""
        for name, code in (("dial", "HOUSE_PROCESS_FAILED"), ("monitor", "HOUSE_FAILED")):
            libexec = self.folder / name / "libexec/ward"
            libexec.mkdir(parents=True)
            (self.folder / name / "bin").mkdir()
            ward = shutil.copy2(house.BUILD / "ward", self.folder / name / "bin/ward")
            shutil.copy2(houses.COMMANDS, libexec)
            for path in (house.BUILD / "src/proc").glob("ward-*"):
                if path.is_file():
                    shutil.copy2(path if path.name != f"ward-{name}" else "/bin/false",
                                 libexec / path.name)
            with self.subTest(code):
                self.says(code, "up", "--state", self.folder / name / "state", "--listen",
                          f"127.0.0.1:{house.free_port()}", ward=ward)

    def test_evidence_that_is_too_large(self):
        path = self.folder / "large"
        path.write_bytes(bytes(1 << 20))
        self.says("EVIDENCE_TOO_LARGE", "verify", path)

    def test_no_memory(self):
        """More and more of it, until there is enough to begin and not enough to go on."""
        archive = self.folder / "archive"
        digest = Image([entry("bin/sh", b"#!" * 100000)]).pack(archive)
        for pages in range(2000, 20000, 40):
            done = subprocess.run(
                ["prlimit", f"--as={pages * 4096}", house.BUILD / "ward", "image", "import", archive,
                 digest, "--images", self.folder / "images"],
                check=False, capture_output=True, text=True, timeout=60)
            if "OUT_OF_MEMORY" in done.stderr or done.returncode == 0:
                break
        self.assertIn("OUT_OF_MEMORY", done.stderr)

    def test_who_judges_is_killed(self):
        """By anybody, and by the timer that it has for ten seconds."""
        request = test_attest.request_of(test_attest.CASES[0], test_attest.policy_with_roots())
        for number, code in ((signal.SIGKILL, "EVIDENCE_CRASHED"),
                             (signal.SIGALRM, "EVIDENCE_DEADLINE")):
            with self.subTest(code), Struck(self.house.pid("verify"), number):
                for _ in range(TRIES):
                    answer = self.ask(self.house, "POST", "/v1/attest/verify", request)[1]
                    if answer.get("code", answer.get("reason")) == code:
                        break
                self.assertIn(code, json.dumps(answer))


if __name__ == "__main__":
    tap.main()
