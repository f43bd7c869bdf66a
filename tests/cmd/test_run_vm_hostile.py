"""test_run_vm_hostile.py - what is in a virtual machine is a stranger's: a guest that says what it likes, as
fast as it can, is bounded and ended, and nothing of the host is reached. It plays in the place of QEMU
(tests/machine/other_guest.c), where it can do more than a guest could."""

import os
import unittest

import tap
from machines import OTHER, OtherMachines, needs_machine
from ward import BUILD

MIB = 1 << 20
TIMES = 50 if "WARD_FULL" in os.environ else 1
# What a machine says before it hears of a job, or how it ends then; each of the three that are begun.
EARLY = ["early", "early-row", "huge", "dies", "other-version", "short-hello"]
# And afterwards: when it should run, as the job, and of what the job left.
LATER = ["resets", "unknown", "over", "gone", "odd-end", "no-end", "short-end", "told", "hello-again", "runs-again",
         "fails-late", "half-told", "no-row", "no-count", "half-row", "no-rule", "no-tries", "odd-name", "half-try", "bytes", "done", "asks", "asks-more", "zero", "half"]
# When the end of the job was said, and what was refused to it before.
AFTER = ["late-row", "climbs", "more", "links", "again", "less", "dots", "rooted", "empty", "orphan", "over-file",
         "odd-kind", "ends-again"]


@needs_machine
@unittest.skipUnless(OTHER.exists(), "an instrumented program is not static")
class Strangers(OtherMachines):
    """What is in the machine is whoever's: it says what it likes, as fast as it can."""

    def test_one_that_plays_along(self):
        out = self.here / "out"
        result, said = self.play("plays", code=1, options=("--output", out))
        self.assertIn("hello", said)
        self.assertEqual(result["exit"], {"code": 7, "signal": 0})

    def test_what_no_guest_of_ours_says(self):  # proves: RL-47
        self.assertGreaterEqual(len(EARLY + LATER + AFTER), 20)
        for role, early in [*((role, True) for role in EARLY), *((role, False) for role in LATER + AFTER)] * TIMES:
            with self.subTest(role=role):
                out = self.here / "out"
                result, _ = self.play(role, early=early, code=1, reason="JOB_MACHINE",
                                      options=("--output", out))
                self.assertEqual(result["outputs"], [])
                # Whoever does not come to the job's end has not told all.
                self.assertEqual(result["refused_untold"], early or role not in AFTER)
                self.assertFalse(out.exists())
                self.assertEqual(list(self.here.glob("**/climbed")), [])

    def test_floods(self):  # proves: RL-47
        """Bounded memory, and the time of the job: whole frames, and a byte at a time."""
        for role in ("floods", "drips", "counts", "tries-on") * TIMES:
            with self.subTest(role=role):
                result, _ = self.play(role, more="max_execution_seconds = 2\n", code=1,
                                      reason="JOB_TIME")
                self.assertLess(result["usage"]["memory_peak"], 64 * MIB)

    def test_refused_calls_that_it_makes_up(self):
        """Each kind that there is once, whatever it says, none that there is not, and that this was not all; of its
        own job, and in words that are ours."""
        result, _ = self.play("refuses", code=1)
        rows = result["refusals"]
        self.assertEqual(len(rows), (BUILD / "src/sandbox/job_refused.h").read_text().count(".name = "))
        self.assertEqual({(row["rule"], row["count"], row["change"]) for row in rows}, {("call", 2 ** 32 - 1, "")})
        self.assertTrue(all(row["words"].startswith("the system call ") for row in rows))
        self.assertTrue(result["refused_untold"])
        result, _ = self.play("untold", code=1)
        self.assertEqual([row["count"] for row in result["refusals"]], [1, 2])
        self.assertTrue(result["refused_untold"])
        result, _ = self.play("plays", code=1)
        self.assertEqual((result["refusals"], result["refused_untold"]), ([], False))

    def test_tries_that_it_makes_up(self):
        """Of the two paths that are denied, by names that do nothing, and no more of them than an own one could; what
        is more is not heard, and that this was not all is."""
        result, _ = self.play("tries", code=1)
        rows = result["refusals"]
        self.assertEqual({(row["rule"], row["count"]) for row in rows}, {("path", 2 ** 32 - 1)})
        self.assertEqual(len(rows), 2 * (8 + 1))
        self.assertFalse(result["refused_untold"])
        for role, count in (("tries-more", 8), ("tries-others", 0)):
            result, _ = self.play(role, code=1)
            self.assertEqual(len(result["refusals"]), count, role)
        self.assertTrue(result["refused_untold"])

    def test_one_that_grows(self):  # proves: RL-47
        result, _ = self.play("grows", more="max_execution_seconds = 60\n", code=1,
                              reason="JOB_MEMORY")
        self.assertLessEqual(result["usage"]["memory_peak"], (256 + 256) * MIB)

    def test_files_without_end(self):  # proves: RL-47
        for role in ("claims", "many") * TIMES:
            with self.subTest(role=role):
                out = self.here / "out"
                self.play(role, more='max_output_bytes = "4M"\n', code=1, reason="JOB_OUTPUT_LIMIT",
                          options=("--output", out))
                self.assertFalse(out.exists())

    def test_words_that_would_move_a_cursor(self):
        result, _ = self.play("fails", code=2, reason="JOB_START")
        self.assertEqual(result["detail"], "no.[2J such thing")

    def test_a_first_word_that_is_late(self):
        """Another machine is begun, and the job runs in that one, once."""
        result, said = self.play("late", early=True, code=1)
        self.assertEqual(said.count("hello"), 1)
        self.assertEqual(result["exit"], {"code": 7, "signal": 0})

    def test_one_that_does_not_end(self):
        """It hears that it should, and is ended all the same."""
        self.play("stays", more="max_execution_seconds = 1\n", code=1, reason="JOB_TIME")

if __name__ == "__main__":
    tap.main()
