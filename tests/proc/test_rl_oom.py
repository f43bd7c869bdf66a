"""test_rl_oom.py - a sample of the allocations of each process that fail, by tools/rl."""

from rl_tool import Sample, needs_root


@needs_root
class Heap(Sample):
    def test_allocations(self):
        self.sample("oom", 2)


if __name__ == "__main__":
    import tap
    tap.main()
