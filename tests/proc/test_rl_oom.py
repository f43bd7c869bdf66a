"""test_rl_oom.py - a sample of the allocations of each process that fail, by tools/rl: it goes on,
refuses or ends, and forgets nothing."""

from rl_tool import Sample, needs_root


@needs_root
class Heap(Sample):
    def test_allocations(self):  # proves: RL-27
        self.sample("oom", 1)

    def test_leaks(self):  # proves: RL-27
        self.sample("leaks", 1)

    def test_forgotten(self):
        """The seeded bug: the failure leaves memory that nothing points to."""
        why = self.found("leaks", "--process", "front", "--sample", "3", "--seeded", "forget")
        self.assertIn("memory is left that nothing points to", why)


if __name__ == "__main__":
    import tap
    tap.main()
