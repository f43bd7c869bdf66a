"""test_rl_errno.py - a sample of the calls of each process that fail, by tools/rl."""

from rl_tool import Sample, needs_root, rl


@needs_root
class Errno(Sample):
    def test_errors(self):  # proves: RL-26
        self.sample("errno", 1)

    def test_monitor_cannot_say_that_it_is_ready(self):
        """A house that nobody could find, or stop, ends by itself."""
        code, lines, end = rl("errno", "--process", "monitor", "--syscall", "pwrite64", "--error",
                              "ENOMEM", "--sample", "4")
        self.assertEqual((code, end["fired"]), (0, end["tried"]), lines)

    def test_lie(self):
        """The seeded bug: what was not written is said to be."""
        self.found("errno", "--process", "audit", "--syscall", "write", "--error", "EIO",
                   "--seeded", "lie", "--sample", "8")


if __name__ == "__main__":
    import tap
    tap.main()
