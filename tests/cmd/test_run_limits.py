"""test_run_limits.py - each limit of a job is held by the kernel, is told by its name when it ends the
job, and what is within it goes through."""

import datetime
import json
import os
import pathlib
import subprocess
import unittest

import tap
from machines import descendants
from sandboxes import Jobs, begun, leftovers, needs_sandbox, with_both

MIB = 1 << 20


@needs_sandbox
class Limits(Jobs):
    @with_both
    def test_memory(self):  # proves: CX-36
        more = "[resources]\nmemory = 32\n[limits]\nmax_memory_bytes = \"64M\""
        result, said = self.job("/bin/probe", "memory", "32", more=more)
        self.assertIn("had it all", said)
        self.assertGreater(result["usage"]["memory_peak"], 32 * MIB)
        result, said = self.job("/bin/probe", "memory", "80", more=more, code=1,
                                reason="JOB_MEMORY")
        self.assertNotIn("had it all", said)
        self.assertEqual(result["exit"], {"code": 0, "signal": 9})
        self.assertLessEqual(result["usage"]["memory_peak"], 64 * MIB)
        defaults, _ = self.job("/bin/true")
        self.assertEqual(defaults["limits"]["cpu_cores"], min(4, os.cpu_count()))
        self.assertEqual((defaults["limits"]["execution_s"], defaults["limits"]["output"]),
                         (3600, 1 << 30))

    @with_both
    def test_memory_of_a_child_ends_the_job(self):
        """Also where the first process would go on without it."""
        more = "[resources]\nmemory = 16\n[limits]\nmax_memory_bytes = \"32M\""
        _, said = self.sh("probe memory 64; sleep 60; echo went on", more=more, code=1,
                          reason="JOB_MEMORY")
        self.assertNotIn("went on", said)

    @with_both
    def test_memory_files_count(self):
        more = "[resources]\nmemory = 16\n[limits]\nmax_memory_bytes = \"32M\"\n" \
               "[sandbox_config.filesystem_policy]\ntmpfs_size = \"1G\""
        self.sh("dd if=/dev/zero of=/tmp/x bs=1M count=64; sleep 60", more=more, code=1,
                reason="JOB_MEMORY")

    @with_both
    def test_it_goes_first_when_the_machine_has_no_memory(self):
        _, said = self.job("/bin/cat", "/proc/self/oom_score_adj")
        self.assertRegex(said, r"(?m)^1000$")

    @with_both
    def test_processors(self):  # proves: CX-37
        more = "[limits]\nmax_cpu_cores = 1\nmax_execution_seconds = 6"
        spin = "while :; do :; done & while :; do :; done & while :; do :; done"
        result, _ = self.sh(spin, more=more, code=1, reason="JOB_TIME")
        # Three that spin would have used as many as there are; times are told in whole seconds.
        began, ended = (datetime.datetime.fromisoformat(result[name][:-1])
                        for name in ("started", "ended"))
        seconds = (ended - began).total_seconds() + 1
        self.assertLessEqual(result["usage"]["cpu_us"], seconds * 1.35e6)
        self.assertGreater(result["usage"]["cpu_us"], 0)

    @with_both
    def test_processes(self):  # proves: CX-39
        """The 256th is there, and one more is not; the machine has all that it needs."""
        _, said = self.job("/bin/probe", "processes")
        self.assertIn("256 11", said)  # EAGAIN
        bomb = self.spec("/bin/sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 1",
                         more="[limits]\nmax_execution_seconds = 4")
        done = self.run_spec(bomb, "--json", "--runtime", self.runtime)
        self.assertIn(json.loads(done.stdout)["reason"], ("OK", "JOB_TIME"))  # by who comes first
        self.check_nothing_is_left()
        self.assertEqual(subprocess.run(["true"], check=False).returncode, 0)

    @with_both
    def test_open_files(self):
        _, said = self.job("/bin/probe", "files")
        self.assertIn("1024 24", said)  # EMFILE

    @with_both
    def test_locked_memory(self):
        """64 KiB, and a page more."""
        _, said = self.job("/bin/probe", "locked")
        self.assertIn("65536 12", said)  # ENOMEM

    @with_both
    def test_sockets(self):
        """A sixteenth of its memory, and 64 MiB at most; where the kernel counts it as memory, of that."""
        for memory, sockets in ((64 * MIB, 4 * MIB), (1024 * MIB, 64 * MIB), (1040 * MIB, 64 * MIB)):
            spec = self.spec("/bin/probe", "put-away", more=f"[limits]\nmax_memory_bytes = {memory}")
            process = begun(self.words(spec, "--runtime", self.runtime), b"ready\n")
            try:
                self.assertEqual(limit_of(process.pid), (memory, sockets))
            finally:
                process.terminate()
                process.communicate(timeout=60)

    @with_both
    def test_size_of_a_file(self):
        """The larger of disk and output, and a byte more."""
        more = '[resources]\ndisk = "2M"\n[limits]\nmax_disk_bytes = "4M"\nmax_output_bytes = "2M"'
        script = "truncate -s {} /output/x && echo made; exit 0"
        _, said = self.sh(script.format(4 * MIB), more=more)
        self.assertIn("made", said)
        _, said = self.sh(script.format(4 * MIB + 1), more=more)
        self.assertNotIn("made", said)
        self.assertIn("File size limit exceeded", said)

    @with_both
    def test_disk(self):  # proves: CX-39
        """What the job changes of its image fits on its disk; more does not, and no inode more."""
        more = '[resources]\ndisk = "8M"\n[limits]\nmax_disk_bytes = "16M"'
        _, said = self.sh("dd if=/dev/zero of=/open/x bs=1M count=8 && echo first;"
                          "dd if=/dev/zero of=/open/y bs=1M count=8 || echo full;"
                          "cat /open/old", more=more)
        for words in ("first", "No space left on device", "full", "as it was"):
            self.assertIn(words, said)
        _, said = self.sh("i=0; while touch /open/f$i; do i=$((i+1)); done; echo at $i",
                          more=more)
        self.assertIn("No space left on device", said)
        self.assertEqual(next(self.images.glob("*/rootfs/open/old")).read_text(), "as it was")

    @with_both
    def test_tmpfs(self):  # proves: PC-44
        """To the block: what it says, and 1 MiB where it says nothing."""
        two = "[sandbox_config.filesystem_policy]\ntmpfs_size = 2097152\n"
        for size, more in ((1, ""), (2, two)):
            _, said = self.sh(f"dd if=/dev/zero of=/tmp/x bs=1M count={size} && echo first;"
                              "dd if=/dev/zero of=/tmp/y bs=4096 count=1 || echo full", more=more)
            for words in ("first", "No space left on device", "full"):
                self.assertIn(words, said)

    @with_both
    def test_output_while_it_runs(self):  # proves: CX-39
        more = '[limits]\nmax_output_bytes = "4M"\nmax_execution_seconds = 60'
        out = self.here / f"out-{self.runtime}"
        result, _ = self.sh("dd if=/dev/zero of=/output/x bs=1M count=20; sleep 60", more=more,
                            code=1, reason="JOB_OUTPUT_LIMIT",
                            options=("--output", out))
        self.assertEqual(result["outputs"], [])
        self.assertFalse(out.exists())

    @with_both
    def test_output_at_its_end(self):
        """To the byte: the limit is delivered, one more is not, holes count."""
        more = '[limits]\nmax_output_bytes = "4M"\nmax_disk_bytes = "1G"'
        size = 4 * MIB
        out = self.here / f"out-{self.runtime}"
        result, _ = self.sh(f"dd if=/dev/zero of=/output/a bs=1M count=3;"
                            f"truncate -s {MIB} /output/b", more=more,
                            options=("--output", out))
        self.assertEqual(sum(row["size"] for row in result["outputs"]), size)
        self.assertEqual((out / "b").stat().st_size, MIB)
        other = self.here / f"more-{self.runtime}"
        for script in (f"truncate -s {size + 1} /output/a", "truncate -s 1G /output/hole",
                       f"truncate -s {size} /output/a; echo >/output/b"):
            result, _ = self.sh(script, more=more, code=1, reason="JOB_OUTPUT_LIMIT", options=("--output", other))
            self.assertEqual(result["outputs"], [])
            self.assertFalse(other.exists())

    def test_many_small_files_are_no_more_than_they_are(self):
        more = '[limits]\nmax_output_bytes = "1M"'
        self.sh("mkdir /output/d; for i in $(seq 9000); do echo >/output/d/$i; done", more=more,
                options=("--output", self.here / "out"))

    def test_outputs_count(self):
        """10000 files and folders, and one more; 32 folders deep, and one more."""
        make = "for i in $(seq {}); do : >/output/$i; done"
        result, _ = self.sh(make.format(10000), options=("--output", self.here / "most"))
        self.assertEqual(len(result["outputs"]), 10000)
        self.sh(make.format(10001), code=1, reason="JOB_OUTPUT_KIND",
                options=("--output", self.here / "more"))
        deep = "cd /output; for i in $(seq {}); do mkdir d && cd d; done; echo x >x"
        result, _ = self.sh(deep.format(32), options=("--output", self.here / "deep"))
        self.assertEqual(result["outputs"][0]["path"], "d/" * 32 + "x")
        result, _ = self.sh(deep.format(33), code=1, reason="JOB_OUTPUT_KIND",
                            options=("--output", self.here / "deeper"))
        self.assertIn("folders inside one another", result["detail"])

    def test_output_paths(self):
        """1024 bytes of a path with its end, and 1 MiB of all."""
        long = "cd /output; for i in 1 2 3 4; do mkdir {0} && cd {0}; done; : >{1}"
        name = "n" * 200
        self.sh(long.format(name, "f" * (1023 - 804)), options=("--output", self.here / "most"))
        result, _ = self.sh(long.format(name, "f" * (1024 - 804)), code=1, reason="JOB_OUTPUT_KIND",
                            options=("--output", self.here / "more"))
        self.assertIn("too long", result["detail"])
        many = "cd /output; a=$(printf %0200d 0); for i in $(seq {}); do : >$a$((10000+i)); done"
        self.sh(many.format(5115), options=("--output", self.here / "all"))
        self.sh(many.format(5116), code=1, reason="JOB_OUTPUT_KIND",
                options=("--output", self.here / "past"))

    @with_both
    def test_time(self):  # proves: CX-38
        """TERM, a second, and the end of all of it: children in sessions of their own, deaf to all."""
        more = "[limits]\nmax_execution_seconds = 1"
        result, said = self.job("/bin/probe", "put-away", more=more, code=1, reason="JOB_TIME")
        self.assertIn("put away", said)
        self.assertEqual(result["exit"], {"code": 7, "signal": 0})
        result, _ = self.job("/bin/probe", "orphans", more=more, code=1, reason="JOB_TIME")
        self.assertEqual(result["exit"], {"code": 0, "signal": 9})
        self.assertEqual(leftovers(), [])

    @with_both
    def test_orphans_go_with_the_first_process(self):
        self.sh("probe orphans & sleep 0.3; exit 0")
        self.assertEqual(leftovers(), [])


def limit_of(run):
    """(its memory, what may be in its sockets) of the job of a run, as the kernel has them."""
    groups = pathlib.Path("/sys/fs/cgroup")
    for pid in descendants(run):
        for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, tree, name = line.split(":", 2)
            if "ward-job-" in name and tree == "memory":
                files = (groups / f"memory{name}/memory.limit_in_bytes",
                         groups / f"memory{name}/memory.kmem.tcp.limit_in_bytes")
                return tuple(int(path.read_text()) for path in files)
            if "ward-job-" in name and not (groups / "memory").is_dir():
                most = int((groups / f"{name[1:]}/memory.max").read_text())
                return most, min(most // 16, 64 * MIB)
    raise AssertionError("the run has no job")


if __name__ == "__main__":
    tap.main()
