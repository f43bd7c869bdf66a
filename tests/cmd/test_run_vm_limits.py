"""test_run_vm_limits.py - each limit of a job holds in a virtual machine as in a container, and is told by
its name when it ends the job."""

import signal
import time

import tap
from machines import Machines, machines_of, needs_machine
from sandboxes import begun

MIB = 1 << 20
POLICY = "[sandbox_config.filesystem_policy]\n"


@needs_machine
class Limits(Machines):
    def test_memory(self):
        """The job has what it reserved; past its memory it is ended, and the node is not."""
        self.memory = 256
        _, said = self.sh("probe memory 64")
        self.assertIn("had it all", said)
        result, said = self.sh("probe memory 400; sleep 60; echo went on", code=1,
                               reason="JOB_MEMORY")
        self.assertNotIn("had it all", said)
        self.assertNotIn("went on", said)
        self.assertEqual(result["exit"]["signal"], signal.SIGKILL)
        self.assertLessEqual(result["usage"]["memory_peak"], (256 + 256) * MIB)

    def test_disk_and_files_in_memory(self):
        """What it changes has its own bound; past the machine's memory it is ended."""
        _, said = self.sh("dd if=/dev/zero of=/open/x bs=1M count=8 && echo first;"
                          "dd if=/dev/zero of=/open/y bs=1M count=16 || echo full; cat /open/old;"
                          "truncate -s 17M /open/z; echo $?",
                          more='[limits]\nmax_disk_bytes = "16M"\nmax_output_bytes = "16M"')
        for words in ("first", "No space left on device", "full", "as it was", "File size limit"):
            self.assertIn(words, said)
        self.assertEqual(next(self.images.glob("*/rootfs/open/old")).read_text(), "as it was")
        self.memory = 256
        self.sh("for f in 1 2 3; do dd if=/dev/zero of=/tmp/$f bs=1M count=120; done; sleep 60", code=1,
                more=POLICY + 'tmpfs_size = "1G"', reason="JOB_MEMORY")

    def test_time(self):
        """Its time begins when it does; TERM, and a second later all is over, also for a reader that
        is stuck."""
        started = time.monotonic()
        result, said = self.sh("trap 'echo heard; exit 9' TERM; echo up; while :; do sleep 0.1; done",
                               more="[limits]\nmax_execution_seconds = 2", code=1, reason="JOB_TIME")
        self.assertIn("heard", said)
        self.assertEqual(result["exit"], {"code": 9, "signal": 0})
        process = begun(self.words(self.spec("/bin/yes", more="[limits]\nmax_execution_seconds = 1")),
                        b"y\n")
        time.sleep(4)  # nobody reads; the job is gone all the same
        self.assertEqual(machines_of(process.pid), [])
        said = process.communicate(timeout=30)[1]
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"JOB_TIME", said)
        self.assertLess(time.monotonic() - started, 120)

    def test_output(self):
        """While it runs, and to the byte at its end, with holes."""
        more = '[limits]\nmax_output_bytes = "4M"\nmax_execution_seconds = 60'
        out = self.here / "out"
        result, _ = self.sh("dd if=/dev/zero of=/output/x bs=1M count=20; sleep 60", more=more,
                            code=1, reason="JOB_OUTPUT_LIMIT", options=("--output", out))
        self.assertEqual(result["outputs"], [])
        self.assertFalse(out.exists())
        self.sh(f"truncate -s {4 * MIB + 1} /output/hole", more=more, code=1,
                reason="JOB_OUTPUT_LIMIT", options=("--output", out))
        self.assertFalse(out.exists())
        result, _ = self.sh(f"dd if=/dev/zero of=/output/a bs=1M count=3; truncate -s {MIB} /output/b",
                            more=more, options=("--output", out))
        self.assertEqual(sum(row["size"] for row in result["outputs"]), 4 * MIB)

    def test_outputs_that_are_none(self):
        out = self.here / "out"
        for script, what in (("ln -s /etc/shadow /output/x", "a symbolic link"),
                             ("mkfifo /output/x", "a device, a pipe or a socket"),
                             ("echo >/output/a; ln /output/a /output/b", "a file with two names"),
                             ("echo >/output/a; chmod 4755 /output/a", "a set-user-id")):
            with self.subTest(script=script):
                result, _ = self.sh(script, code=1, reason="JOB_OUTPUT_KIND",
                                    options=("--output", out))
                self.assertIn(what, result["detail"])
                self.assertFalse(out.exists())

if __name__ == "__main__":
    tap.main()
