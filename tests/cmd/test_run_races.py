"""test_run_races.py - names that change places while they are worked on: by a job in what it may write, as
fast as it can, and by whoever owns the folders that a run is given, in windows that are held open at each call
of the run until the change is made. What lies beside is not read, written or removed. With WARD_FULL a million
exchanges and every window."""

import os
import pathlib
import random
import re
import secrets
import signal
import subprocess
import time

import tap
from commands import CLEAN
from sandboxes import Jobs, leftovers, needs_sandbox, with_both

EXCHANGES = 1000000 if "WARD_FULL" in os.environ else 60000
WINDOWS = 6
# By which folders are looked at, entered, made, shown and removed.
CALLS = ("openat", "openat2", "open_tree", "mkdir", "mkdirat", "rename", "newfstatat", "statfs", "statx", "access",
         "unlinkat", "rmdir", "syncfs", "lstat", "stat", "fstat", "mount", "mount_setattr", "move_mount")


class Canary:
    """A folder of the host's that a link leads to, with a word that nobody else knows."""

    def __init__(self, path):
        self.path, self.word = path, secrets.token_hex(16)
        path.mkdir(mode=0o700)
        (path / "key").write_text(self.word)
        (path / "x").write_text("kept")
        self.before = self.seen()

    def seen(self):
        return [(row.name, row.stat().st_mode, row.stat().st_uid, row.read_text()) for row in sorted(self.path.iterdir())]


@needs_sandbox
class Races(Jobs):
    @with_both
    def test_a_job_that_exchanges(self):  # proves: RL-39
        """Links to the host's, folders and files, in all that it may write, up to the moment of its end: by
        itself, by its time, and with no link left where its output is taken over."""
        canary = Canary(self.here / f"canary-{self.runtime}")
        begin = ("cd /output; mkdir d e; echo own >f; echo own >d/x; ln -s {0} l; ln -s {0}/x k; cd /tmp; mkdir d; "
                 "ln -s {0} l; cd /output; for p in '/output/d /output/l' '/output/f /output/k' '/tmp/d /tmp/l'; do "
                 "probe exchange $p {1} & done; probe exchange /output/e /output/d {1}; ").format(canary.path, EXCHANGES // 4)
        ends = {"wait; exit 0": (1, "JOB_OUTPUT_KIND", ""), "exit 0": (1, "JOB_OUTPUT_KIND", ""),
                "wait; for p in *; do [ -L $p ] && rm $p; done; exit 0": (0, "OK", ""),
                "probe exchange /output/d /output/l": (1, "JOB_TIME", "max_execution_seconds = 1\n")}
        exchanged = 0
        for number, (end, (code, reason, limit)) in enumerate(ends.items()):
            with self.subTest(end=end):
                out = self.here / f"out-{self.runtime}-{number}"
                limit = limit or "max_execution_seconds = 900\n"
                _, said = self.sh(begin + end, more="[limits]\n" + limit, code=code, reason=reason,
                                  options=("--output", out))
                exchanged += sum(map(int, re.findall(r"exchanged (\d+)", said)))
                found = [path.read_text() for path in out.rglob("*") if path.is_file()]
                self.assertEqual(set(found), {"own\n"} if code == 0 else set())
                self.assertNotIn(canary.word, said)
                self.assertEqual(canary.seen(), canary.before)
        print(f"# {exchanged} exchanges, {self.runtime}")
        self.assertGreater(exchanged, EXCHANGES // 2)
        self.assertEqual(leftovers(), [])

    def words_of(self, folder, *trace):
        spec = self.spec("/bin/sh", "-c", "cat /job/key /job/x; mkdir /output/d; echo own >/output/d/x; "
                         "echo own >/output/x; exit 0")
        return ["strace", "--quiet=all", *trace, *self.words(spec, "--runtime", self.runtime, "--job", folder / "code",
                                                             "--output", folder / "to" / "out")]

    def place(self, name):
        """What the owner of these folders has: the code, a link to somebody else's, and a place for results."""
        folder = self.here / name
        (folder / "to").mkdir(parents=True)
        (folder / "code").mkdir()
        (folder / "code" / "x").write_text("own")
        return folder, Canary(folder / "canary")

    def windows(self):
        """(name, number) of each call from the first that names one of the folders; those that do, and others."""
        folder, _ = self.place(f"counted-{self.runtime}")
        record = folder / "calls"
        subprocess.run(self.words_of(folder, "--decode-fds=path", f"--trace={','.join(CALLS)}", f"--output={record}"), env=CLEAN, check=True,
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        made, near, others = {}, [], []
        for line in record.read_text(errors="replace").splitlines():
            name = line.partition("(")[0]
            made[name] = made.get(name, 0) + 1
            if str(folder / "to") in line or str(folder / "code") in line:
                near.append((name, made[name]))
            elif near:
                others.append((name, made[name]))
        return near, others

    def change(self, folder, canary):
        """All that the owner can do to what lies there: in the place of each there is a link."""
        for path in (folder / "code", *folder.glob("to/out*")):
            os.rename(path, folder / "kept")
            os.symlink(canary.path, path)
            (folder / "kept").rename(folder / f"kept-{secrets.token_hex(4)}")
        if not (folder / "to" / "out").is_symlink():
            (folder / "to" / "out").symlink_to(canary.path)

    def hold(self, name, number):
        folder, canary = self.place(f"{name}-{number}-{self.runtime}")
        inject = f"--inject={name}:signal=SIGSTOP:when={number}"
        process = subprocess.Popen(self.words_of(folder, f"--trace={name}", inject, f"--output={folder}/calls"), env=CLEAN,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            held = stopped_below(process, folder / "calls")
            if held is not None:
                self.change(folder, canary)
                os.kill(held, signal.SIGCONT)
            said = b"".join(process.communicate(timeout=120))
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        with self.subTest(call=name, number=number, code=process.returncode):
            self.assertNotIn(canary.word.encode(), said)
            self.assertEqual(canary.seen(), canary.before)
            self.assertIn(process.returncode, (0, 1, 2, 3, 70), said)
        return held is not None

    @with_both
    def test_windows_held_open(self):  # proves: RL-39
        seed = int(os.environ.get("WARD_SEED", time.time()))
        near, others = self.windows()
        self.assertGreaterEqual(len(near), WINDOWS)
        self.assertGreater(len(others), 100)
        dice = random.Random(seed)
        chosen = near + others if "WARD_FULL" in os.environ else dice.sample(near, WINDOWS) + dice.sample(others, WINDOWS // 2)
        held = sum(self.hold(name, number) for name, number in chosen)
        print(f"# {held} of {len(near)} and {len(others)} windows, {self.runtime}, seed {seed}")
        self.assertGreaterEqual(held, len(chosen) * 3 // 4)
        self.assertEqual(leftovers(), [])
        self.job("/bin/true")


def stopped_below(process, calls):
    """The run, once it stands still; None where it has ended before."""
    while process.poll() is None:
        if calls.exists() and "stopped by SIGSTOP" in calls.read_text(errors="replace"):
            below = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            return int(below[0])
        time.sleep(0.005)
    return None


if __name__ == "__main__":
    tap.main()
