"""test_audit_power.py - the power goes while the log is written: the disk as it is at that
instant, without what the kernel still held, has every record that was acknowledged."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import auditor
import tap

FULL = os.environ.get("WARD_FULL") == "1"
CALLS = ("write", "fdatasync", "pwrite64", "sendmsg", "fsync", "ftruncate")


def run(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


def is_stopped(pid):
    """strace's child, which is the process itself, is in state T or t."""
    for child in auditor.children_of(pid):
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{child}/stat").read_text()
            if text.rpartition(")")[2].split()[0] in "Tt" and "(ward-audit)" in text:
                return True
    return False


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("mkfs.ext4"),
                     "root, who may mount")
class Power(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="ward-power-"))
        self.disk, self.after = self.place / "disk", self.place / "after"
        self.disk.mkdir()
        self.after.mkdir()
        with open(self.place / "empty", "wb") as out:
            out.truncate(8 << 20)
        run("mkfs.ext4", "-q", "-F", self.place / "empty")

    def tearDown(self):
        for mounted in (self.disk, self.after):
            subprocess.run(["umount", "-l", mounted], capture_output=True, check=False)
        shutil.rmtree(self.place)

    def workload(self, house):
        """Until the process stops at the chosen call: True; or is done: False."""
        for _ in range(12):
            house.put()
            end = time.monotonic() + 5
            while house.pending:
                house.turn(0.005)
                if is_stopped(house.process.pid):
                    return True
                self.assertLess(time.monotonic(), end)
        return False

    def cut(self, call, when):
        # A name of its own: the kernel lets go of a disk some time after it was unmounted.
        image, self.copy = (self.place / f"{call}-{when}-{part}" for part in ("disk", "cut"))
        run("cp", "--sparse=always", self.place / "empty", image)
        run("mount", "-o", "loop", image, self.disk)
        inject = ["strace", "-f", "-o", "/dev/null", "-e", "trace=" + call, "-e",
                  f"inject={call}:signal=STOP:when={when}"]
        try:
            with auditor.House(folder=self.disk, rotate=2500, prefix=inject) as house:
                house.start(ready=False)
                end = time.monotonic() + 10
                while not house.is_ready and not is_stopped(house.process.pid):
                    house.turn(0.01)
                    self.assertLess(time.monotonic(), end)
                stopped = not house.is_ready or self.workload(house)
                for _ in range(20):
                    house.turn(0)  # acknowledged is what was said before
                run("cp", "--sparse=always", image, self.copy)
                answers = {n: seq for n, seq in house.answers.items() if seq is not None}
                house.kill()
        finally:
            run("umount", "-l", self.disk)
            image.unlink()
        self.judge(answers)
        self.copy.unlink()
        return stopped

    def judge(self, answers):
        run("mount", "-o", "loop", self.copy, self.after)
        try:
            if not (self.after / "audit").exists():
                self.assertEqual(answers, {})
                return
            with auditor.House(folder=self.after, rotate=2500) as house:
                house.answers, house.ident = answers, 1000
                house.start()
                house.check()
                self.assertIsNotNone(house.append(), house.said())
                house.check()
        finally:
            run("umount", "-l", self.after)

    @auditor.needs_strace
    def test_power_cut_at_every_call(self):
        for call in CALLS:
            when, step = 1, 1 if FULL else {"sendmsg": 17, "pwrite64": 41}.get(call, 11)
            while self.cut(call, when):
                when += step


if __name__ == "__main__":
    tap.main()
