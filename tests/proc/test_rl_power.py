"""test_rl_power.py - a sample of the instants at which the power goes in a whole house, by
tools/rl: a new house on what the disk had knows all that was acknowledged."""

import unittest

from rl_tool import Sample, may_mount, needs_root


@needs_root
@unittest.skipUnless(may_mount(), "root, who may mount")
class Power(Sample):
    def test_cuts(self):  # proves: RL-49
        self.sample("powercut", 1)

    def test_nothing_is_written_through(self):
        """The seeded bug: fdatasync does nothing."""
        self.found("powercut", "--process", "audit", "--syscall", "sendmsg", "--seeded",
                   "no-sync", "--sample", "2")


if __name__ == "__main__":
    import tap
    tap.main()
