"""test_run_killed.py - whoever of a run is killed, at whatever call it makes: the next run finds all
that was left and takes it away. A sample of the points; with WARD_FULL all of them, and by WARD_SEED
the same sample again."""

import collections
import os
import pathlib
import random
import re
import subprocess
import time
import unittest

import tap
from commands import CLEAN
from sandboxes import SLOTS, Jobs, begun, leftovers, needs_sandbox

# Calls that change what outlives a process, and those between which something is half made.
CHANGES = ("mount,umount2,pivot_root,mount_setattr,move_mount,open_tree,fsmount,mkdir,mkdirat,rmdir,unlink,"
           "unlinkat,rename,renameat,renameat2,symlink,symlinkat,link,linkat,mknod,mknodat,openat,openat2,"
           "creat,ftruncate,fallocate,fchmod,fchmodat,chmod,fchown,fchownat,chown,lchown,write,pwrite64,ioctl,"
           "clone,clone3,vfork,fork,execve,execveat,setns,unshare,flock,kill,pidfd_send_signal,wait4,waitid,"
           "syncfs,fsync,fdatasync,bind,socket,sendmsg,exit_group,prctl,seccomp,setresuid,close_range")
SAMPLE = 40
EDGE = 60  # of one name's calls the first and the last: between are a thousand places that are looked at
MORE = '[resources.network_whitelist]\nhosts = ["allowed.example"]\nports = [80]\n'  # so there is a fence


@needs_sandbox
class Killed(Jobs):
    def traced(self, *options):
        """The words of a run that strace follows, with a result that is taken over."""
        spec = self.spec("/bin/sh", "-c", "echo x >/output/x; probe socket /tmp/s; exit 0", more=MORE)
        out = self.here / f"out-{time.monotonic_ns()}"
        return ["strace", "--follow-forks", "--quiet=all", *options,
                *self.words(spec, "--runtime", self.runtime, "--output", out)]

    def counts(self):
        """{name: the most that one process of a run makes of it}"""
        record = self.here / "calls"
        subprocess.run(self.traced(f"--trace={CHANGES}", f"--output={record}", "--signal=none"), env=CLEAN,
                       stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=120)
        made = collections.Counter(re.findall(r"(?m)^(\d+) +(\w+)\(", record.read_text(errors="replace")))
        most = collections.Counter()
        for (_, name), count in made.items():
            most[name] = max(most[name], count)
        return most

    def kill_at(self, name, number):
        done = subprocess.run(self.traced(f"--trace={name}", f"--inject={name}:signal=KILL:when={number}",
                                          "--output=/dev/null"), env=CLEAN, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=120)
        with self.subTest(call=name, number=number, seed=self.seed, code=done.returncode):
            after = self.run_spec(self.spec("/bin/true"), "--runtime", self.runtime)
            self.assertEqual(after.returncode, 0, after.stderr)
            self.assertEqual(leftovers(), [])

    def test_a_disk_that_cannot_be_made(self):
        """/output is made in a child, beside the root; where it cannot be, the run says why."""
        for what, why in (("pwrite64:error=EIO:when=1", "Input/output error"),
                          ("pwrite64:error=ENOSPC:when=2", "No space left on device"),
                          ("ftruncate:error=EFBIG:when=1", "File too large"),
                          ("pwrite64:signal=KILL:when=1", None), ("ftruncate:signal=KILL:when=1", None)):
            for read_only in ("true", "false"):
                # The root of one that changes nothing has no disk: then it is the child that fails.
                spec = self.spec("/bin/true", more=f"[sandbox_config.filesystem_policy]\nread_only = {read_only}\n")
                done = subprocess.run(["strace", "--follow-forks", "--quiet=all", "--output=/dev/null",
                                       f"--trace={what.partition(':')[0]}", f"--inject={what}",
                                       *self.words(spec, "--runtime", "crun")], env=CLEAN, check=False, timeout=120,
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True)
                with self.subTest(what=what, read_only=read_only):
                    if why is None:
                        self.assertNotEqual(done.returncode, 0)
                        self.assertEqual(self.run_spec(self.spec("/bin/true"), "--runtime", "crun").returncode, 0)
                    else:
                        self.assertIn("JOB_DISK", done.stderr)
                        self.assertIn(why, done.stderr)
                    self.assertEqual(leftovers(), [])

    def test_what_lies_on_the_disk(self):
        """Of a job in a container that is two disks and the record: neither its words nor what the runtime notes
        of it, and what the run made for it nobody else sees."""
        for number, runtime in enumerate(("crun", "runc")):
            job = f"{number:x}" * 32
            process = begun(self.words(self.spec("/bin/sh", "-c", "echo up; sleep 60"), "--runtime", runtime, "--id",
                                       job), b"up\n")
            place, = [path.parent for path in SLOTS.glob("*/id") if path.read_text() == job]
            inside = pathlib.Path(f"/proc/{process.pid}/root") / place.relative_to("/")
            with self.subTest(runtime=runtime):
                self.assertEqual(sorted(os.listdir(place)), ["disk.img", "id", "output.img", "reserved"])
                self.assertLess({"config.json", "first", "runtime"}, set(os.listdir(inside)))
                self.assertIn("echo up", (inside / "config.json").read_text())
            process.terminate()
            process.communicate(timeout=30)
            self.assertEqual(leftovers(), [])

    def test_at_whatever_call(self):  # proves: RL-44
        self.seed = int(os.environ.get("WARD_SEED", time.time()))
        for self.runtime in ("crun", "runc"):
            points = {name: [number for number in range(1, count + 1) if not EDGE < number <= count - EDGE]
                      for name, count in sorted(self.counts().items())}
            self.assertGreater(sum(map(len, points.values())), 200)
            if "WARD_FULL" in os.environ:
                chosen = [(name, number) for name, numbers in points.items() for number in numbers]
            else:  # as often each name
                dice = random.Random(self.seed)
                names = dice.sample(list(points), SAMPLE // 2)
                chosen = [(name, dice.choice(points[name])) for name in names]
            for name, number in chosen:
                self.kill_at(name, number)
            print(f"# {len(chosen)} of {sum(map(len, points.values()))} points, {self.runtime}, seed {self.seed}")


if __name__ == "__main__":
    tap.main()
