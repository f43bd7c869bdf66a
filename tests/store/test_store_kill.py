"""The store's process killed at each system call of a small piece of work, a migration, and
the moves of the high-water time."""

import random

import store
import tap

# Calls that change what is on the disk or say so; each is tried on its own, because strace
# counts by name.
CALLS = ("openat", "pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "mmap",
         "fcntl", "munmap", "close", "pread64", "fallocate", "fchown", "lseek", "newfstatat",
         "fadvise64", "read", "getrandom", "geteuid")


def killing(call, number):
    return ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
            f"inject={call}:signal=KILL:when={number}")


class Kill(store.Folder):

    def points(self, counts, sample):
        """(call, N) of all calls, or a seeded sample that has each name at least twice."""
        generator = random.Random(store.SEED)
        print(f"# seed {store.SEED}; {sum(counts.values())} calls of {len(counts)} names")
        chosen = []
        rest = []
        for call in sorted(counts):
            if call in ("execve", "exit_group"):
                continue
            numbers = list(range(1, counts[call] + 1))
            generator.shuffle(numbers)
            keep = 2 if call in CALLS else 1
            chosen += [(call, n) for n in numbers[:keep]]
            rest += [(call, n) for n in numbers[keep:]]
        generator.shuffle(rest)
        chosen += rest[:None if store.FULL else max(0, sample - len(chosen))]
        return sorted(chosen)

    def test_work_is_whole_or_absent(self):
        self.made(work=2)
        self.copied("base.db")
        base = (self.folder / "base.db").read_bytes()
        counts = store.count_calls(self.spec, "work", 2, 3)
        for call, number in self.points(counts, 90):
            for suffix in ("-wal", "-shm"):
                (self.folder / f"ward.db{suffix}").unlink(missing_ok=True)
            self.path.write_bytes(base)
            _, lines = store.run(self.spec, "work", 2, 3, before=killing(call, number))
            have = store.pieces(self.spec, 9)
            promised = {0, 1} | store.acked(lines)
            self.assertLessEqual(promised, have, f"{call} {number}: acknowledged and lost")
            self.assertEqual(have, set(range(len(have))), f"{call} {number}")
            # And it goes on.
            self.assertEqual(store.says(self.spec, "work", 7, 1), "OK", f"{call} {number}")

    test_work_is_whole_or_absent = store.needs_strace(test_work_is_whole_or_absent)

    def settled(self, begin, what):
        """Old or new: the steps that are there are written down, and the others can be made."""
        code, lines = store.run(self.spec, "plan")
        self.assertEqual((code, lines[0][2]), (0, "OK"), what)
        self.assertGreaterEqual(int(lines[0][1]), begin)
        self.assertEqual(store.says(self.spec, "migrate"), "OK", what)
        self.assertEqual(store.says(self.spec, "found"), "OK", what)
        self.assertEqual(store.says(self.spec, "work", 0, 1), "OK", what)

    def begun(self, begin):
        for suffix in ("", "-wal", "-shm"):
            (self.folder / f"ward.db{suffix}").unlink(missing_ok=True)
        if begin:
            store.run(self.spec, "migrate", begin)

    def test_migration_is_old_or_new(self):  # proves: RL-56
        for begin in range(0, 6) if store.FULL else (0, 3):
            for call, number in [(None, 0), *self.migration_points(begin)]:
                self.begun(begin)
                before = killing(call, number) if call else ()
                store.run(self.spec, "migrate", before=before)
                self.settled(begin, f"{call} {number}")

    def test_a_schema_between_would_be_seen(self):  # proves: RL-56
        """The control: a migrator without transactions, stopped between a step and its note."""
        for begin in range(1, 5):
            self.begun(begin)
            self.assertEqual(store.says(self.spec, "between", begin + 1), "OK")
            with self.assertRaises(AssertionError):
                self.settled(begin, "between")

    def migration_points(self, begin):
        self.begun(begin)
        return self.points(store.count_calls(self.spec, "migrate"), 35)

    test_migration_is_old_or_new = store.needs_strace(test_migration_is_old_or_new)

    def test_no_nonce_twice_over_a_kill(self):
        """Accepted before the kill is never accepted after, and the high-water time moved
        before the answer did."""
        self.made()
        other = f"sqlite:{self.copied('other.db')}"
        counts = store.count_calls(other, "nonces", 1700000000, 8)
        taken = set()
        start = 1700000000
        for call, number in self.points(counts, 45):
            for before in (killing(call, number), ()):
                _, lines = store.run(self.spec, "nonces", start, 8, before=before)
                now = [int(line[1]) for line in lines if line[0] == "take" and line[2] == "OK"]
                again = taken.intersection(now)
                self.assertFalse(again, f"{call} {number}: taken twice")
                self.assertEqual(len(now), len(set(now)))
                taken.update(now)
            # The second run began in the same second as the first: it met its nonces again.
            start += 9
        self.assertGreater(len(taken), 100)

    test_no_nonce_twice_over_a_kill = store.needs_strace(test_no_nonce_twice_over_a_kill)


if __name__ == "__main__":
    tap.main()
