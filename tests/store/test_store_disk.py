"""The store on a disk that is full, slow, fails to write through, or loses its power."""

import os
import pathlib
import random
import subprocess
import time

import store
import tap


def mounted(what, at, *options):
    at.mkdir(exist_ok=True)
    subprocess.run(["mount", *options, str(what), str(at)], check=True)


def unmount(at):
    subprocess.run(["umount", "-l", str(at)], check=False, capture_output=True)


class Disk(store.Folder):

    def test_fdatasync_fails_once(self):  # proves: RL-50
        """What was not written through is never said to be; the next start reads the disk."""
        self.made(work=1)
        counts = store.count_calls(f"sqlite:{self.copied('other.db')}", "work", 1, 6)
        refused = 0
        for call in ("fdatasync", "fsync"):
            for number in range(1, counts.get(call, 0) + 1):
                base = self.copied("disk.db")
                spec = f"sqlite:{base}"
                _, lines = store.run(spec, "work", 1, 6, before=(
                    "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                    f"inject={call}:error=EIO:when={number}"))
                failed = [line for line in lines if line[-1] != "OK"]
                # Only what closing does may fail in silence: nothing depends on it.
                self.assertLessEqual(len(failed), 1, f"{call} {number}")
                for line in failed:
                    self.assertEqual(line[2], "STORE_IO", f"{call} {number}")
                refused += len(failed)
                self.assertLessEqual({0} | store.acked(lines), store.pieces(spec, 9))
        # The six commits, the head of the log, and the folder.
        self.assertGreaterEqual(refused, 8)

    test_fdatasync_fails_once = store.needs_strace(test_fdatasync_fails_once)

    def test_every_write_fails_once(self):
        self.made(work=1)
        spec = f"sqlite:{self.copied('other.db')}"
        counts = store.count_calls(spec, "work", 1, 3)
        for error in ("EIO", "ENOSPC") if store.FULL else ("ENOSPC",):
            for number in range(1, counts["pwrite64"] + 1, 1 if store.FULL else 3):
                spec = f"sqlite:{self.copied('disk.db')}"
                _, lines = store.run(spec, "work", 1, 3, before=(
                    "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e",
                    f"inject=pwrite64:error={error}:when={number}"))
                self.assertLessEqual({0} | store.acked(lines), store.pieces(spec, 9))
                self.assertEqual(store.says(spec, "work", 8, 1), "OK")

    test_every_write_fails_once = store.needs_strace(test_every_write_fails_once)

    def test_every_read_fails_once(self):
        """What could not be read is not taken for what is damaged."""
        self.made(work=1)
        spec = f"sqlite:{self.copied('other.db')}"
        counts = store.count_calls(spec, "work", 1, 1)
        refused = 0
        for error in ("EIO", "ENOMEM") if store.FULL else ("ENOMEM",):
            for number in range(1, counts["pread64"] + 1):
                spec = f"sqlite:{self.copied('disk.db')}"
                _, lines = store.run(spec, "work", 1, 1, before=(
                    "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pread64", "-e",
                    f"inject=pread64:error={error}:when={number}"))
                failed = {line[-1] for line in lines} - {"OK"}
                self.assertNotIn("STORE_DAMAGED", failed, number)
                refused += len(failed)
        self.assertGreater(refused, 0)

    test_every_read_fails_once = store.needs_strace(test_every_read_fails_once)

    def test_full_disk(self):
        """Refused with a reason, reading goes on, and it resumes by itself."""
        small = self.folder / "small"
        for size in range(256, 4096, 256) if store.FULL else (320, 512):
            mounted("tmpfs", small, "-t", "tmpfs", "-o", f"size={size}k,nr_inodes=16")
            self.addCleanup(unmount, small)
            spec = f"sqlite:{small}/ward.db"
            store.run(spec, "migrate")
            self.assertEqual(store.says(spec, "found"), "OK")
            _, lines = store.run(spec, "work", 0, 900)
            done = store.acked(lines)
            refused = {line[2] for line in lines if line[2] != "OK"}
            reads = [line[2] for line in lines if line[0] == "read"]
            self.assertEqual(set(reads), {"OK"}, "reading did not go on")
            self.assertEqual(refused, {"STORE_FULL"}, f"{size} KiB")
            have = store.pieces(spec, 900)
            self.assertEqual(have, done)
            self.assertEqual(store.run(spec, "state")[0], 0)
            filler = small / "filler"
            subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], check=False,
                           capture_output=True)
            # It is read as it was, where SQLite's index still finds room; what would be written is
            # refused.
            code, lines = store.run(spec, "state")
            self.assertEqual(lines if code else [], [["open", "0", "STORE_FULL"]] if code else [])
            _, lines = store.run(spec, "work", 940, 1)
            self.assertEqual({line[2] for line in lines if line[2] != "OK"}, {"STORE_FULL"})
            filler.unlink(missing_ok=True)
            subprocess.run(["mount", "-o", "remount,size=16m", str(small)], check=True)
            self.assertEqual(store.says(spec, "work", 950, 1), "OK")
            unmount(small)

    test_full_disk = store.needs_mount(test_full_disk)

    def test_slow_disk(self):
        """Each write through takes 0.2 s: everything is done once, nothing piles up."""
        self.made()
        began = time.monotonic()
        _, lines = store.run(self.spec, "work", 0, 4, before=(
            "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
            "inject=fdatasync:delay_enter=200000"))
        self.assertGreater(time.monotonic() - began, 0.8)
        self.assertEqual(store.acked(lines), {0, 1, 2, 3})
        self.assertEqual(store.pieces(self.spec, 9), {0, 1, 2, 3})

    test_slow_disk = store.needs_strace(test_slow_disk)

    @store.needs_mount
    def test_full_disk_resumes_by_itself(self):
        """One process, that is refused while there is no room and goes on when there is."""
        small = self.folder / "small"
        mounted("tmpfs", small, "-t", "tmpfs", "-o", "size=320k")
        self.addCleanup(unmount, small)
        spec = f"sqlite:{small}/ward.db"
        store.run(spec, "migrate")
        store.run(spec, "found")
        with subprocess.Popen([store.DRIVER, spec, "insist", "0", "700"], text=True,
                              stdout=subprocess.PIPE) as driver:
            time.sleep(1.5)
            self.assertIsNone(driver.poll(), "the disk was not full")
            subprocess.run(["mount", "-o", "remount,size=16m", str(small)], check=True)
            lines = [line.split() for line in driver.stdout]
        self.assertEqual(store.acked(lines), set(range(700)))
        self.assertEqual(store.pieces(spec, 701), set(range(700)))

    def torn(self, what, name, pair, promised, sound):
        """Opens many files that have each 512 bytes of either the state before or the one
        after: what a disk may have of writes that no fdatasync followed."""
        before, after = pair
        generator = random.Random(store.SEED)
        before = before + bytes(len(after) - len(before))
        sectors = [at for at in range(0, len(after), 512)
                   if before[at:at + 512] != after[at:at + 512]]
        self.assertGreater(len(sectors), 8, what)
        for _ in range(4000 if store.FULL else 90):
            torn = bytearray(before)
            share = generator.random()
            for at in sectors:
                if generator.random() < share:
                    torn[at:at + 512] = after[at:at + 512]
            copy = self.copied("torn.db")
            (self.folder / name).write_bytes(torn)
            have = store.pieces(f"sqlite:{copy}", 20)
            self.assertLessEqual(promised, have, what)
            self.assertIn(have, sound, what)

    @store.needs_strace
    def test_torn_sectors(self):
        """Of the log during a commit, and of the file while the log is folded into it."""
        self.made(work=2)
        log = pathlib.Path(f"{self.path}-wal")
        killing = ("strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e")
        # The first two are the head of the log and the folder; a commit is one each.
        store.run(self.spec, "work", 2, 4, before=(*killing, "inject=fdatasync:signal=KILL:when=5"))
        whole = log.read_bytes()
        have = store.pieces(f"sqlite:{self.copied('whole.db')}", 20)
        self.assertEqual(have, {0, 1, 2, 3, 4})
        frame = 4096 + 24
        commits = [at for at in range(32, len(whole), frame) if whole[at + 4:at + 8] != bytes(4)]
        synced = whole[:commits[-2] + frame]
        self.torn("a commit", "torn.db-wal", (synced, whole), {0, 1, 2, 3},
                  ({0, 1, 2, 3}, {0, 1, 2, 3, 4}))
        store.run(self.spec, "work", 5, 6)
        self.made(work=0)
        before = self.path.read_bytes()
        calls = store.count_calls(f"sqlite:{self.copied('other.db')}", "work", 11, 5)["fdatasync"]
        store.run(self.spec, "work", 11, 5,
                  before=(*killing, f"inject=fdatasync:signal=KILL:when={calls}"))
        have = store.pieces(f"sqlite:{self.copied('whole.db')}", 20)
        self.assertEqual(have, set(range(16)))
        self.assertGreater(log.stat().st_size, 0)
        self.torn("folding", "torn.db", (before, self.path.read_bytes()), have, (have,))

    def image(self):
        """An ext4 file system in a file, with a founded store on it."""
        image = self.folder / "image"
        with open(image, "wb") as file:
            file.truncate(24 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
        disk = self.folder / "disk"
        mounted(image, disk, "-o", "loop")
        self.addCleanup(unmount, disk)
        return image, disk

    def cut(self, image, lines, what):
        """The state of a copy of the image: what the disk had when the power went."""
        copy = self.folder / "cut"
        after = self.folder / "after"
        copy.unlink(missing_ok=True)  # else the last one's device, which may be there yet, is taken
        subprocess.run(["cp", "--sparse=always", image, copy], check=True)
        mounted(copy, after, "-o", "loop")
        try:
            spec = f"sqlite:{after}/ward.db"
            promised = store.acked(lines)
            have = store.pieces(spec, 400)
            self.assertLessEqual(promised, have, f"{what}: acknowledged and lost")
            self.assertEqual(have, set(range(len(have))), what)
            self.assertLessEqual(len(have), len(promised) + 1, what)
        finally:
            unmount(after)

    def test_power_cut(self):
        """The image copied while the process stands still in a system call."""
        image, disk = self.image()
        spec = f"sqlite:{disk}/ward.db"
        for verb in ("migrate", "found"):
            self.assertEqual(store.says(spec, verb), "OK")
        generator = random.Random(store.SEED)
        first = 0
        stopped = 0
        for number in range(60 if store.FULL else 8):
            call = ("fdatasync", "pwrite64")[number % 2]
            when = generator.randrange(1, 12)
            told = self.folder / "told"
            with open(told, "wb") as out:
                process = subprocess.Popen(
                    ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                     f"inject={call}:signal=STOP:when={when}", str(store.DRIVER), spec, "work",
                     str(first), "4"], stdout=out, start_new_session=True)
                try:
                    self.wait_until_stopped(process)
                    stopped += process.poll() is None
                    lines = [line.split() for line in
                             pathlib.Path(told).read_text(encoding="ascii").splitlines()]
                    before = [["work", str(i), "OK"] for i in range(first)]
                    self.cut(image, before + lines, f"{call} {when}")
                finally:
                    os.killpg(process.pid, 9)
                    process.wait()
            # The next round goes on from what is there.
            first = len(store.pieces(spec, 400))
        self.assertGreater(stopped, 4)

    test_power_cut = store.needs_mount(store.needs_strace(test_power_cut))

    def wait_until_stopped(self, process):
        """strace stops with its child; either way there is nothing left that writes. Until then the
        image is no image of one moment, so however slow the machine is, it is waited for."""
        end = time.monotonic() + 60
        while process.poll() is None:
            self.assertLess(time.monotonic(), end, "it does not stop")
            children = subprocess.run(["ps", "-o", "stat=", "--ppid", str(process.pid)],
                                      check=False, capture_output=True, text=True).stdout
            if children[:1] in ("T", "t") and self.still_stopped(process):
                return
            time.sleep(0.01)

    @staticmethod
    def still_stopped(process):
        time.sleep(0.03)
        again = subprocess.run(["ps", "-o", "stat=", "--ppid", str(process.pid)], check=False,
                               capture_output=True, text=True).stdout
        return again[:1] in ("T", "t")


if __name__ == "__main__":
    tap.main()
