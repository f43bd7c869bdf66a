"""test_run.py - `ward run`: one job, what it is given, what comes back, what is refused before anything
is made, and that nothing is left whoever is killed."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import tap
from commands import CLEAN, WARD, Terminal, faults
from lodger import wait_for
from oci import Image, entry, folder, link
from sandboxes import (RUNTIMES, SLOTS, Jobs, begun, in_places_of_its_own, is_held, leftovers,
                       needs_sandbox)

# Holds every place, runs a job, lets go of the last one, and runs another.
FULL = """
import fcntl, os, subprocess, sys
held = []
for number in range(1024):
    os.mkdir(f"{sys.argv[1]}/{number}")
    held.append(os.open(f"{sys.argv[1]}/{number}", os.O_RDONLY))
    fcntl.flock(held[-1], fcntl.LOCK_EX)
subprocess.run(sys.argv[2:])
os.close(held[-1])
sys.exit(subprocess.run(sys.argv[2:]).returncode)
"""


@needs_sandbox
class Runs(Jobs):
    def test_a_job_with_input_output_and_arguments(self):
        code = self.here / "code"
        code.mkdir(mode=0o700)
        (code / "train.sh").write_text("printf '<%s>' \"$@\"; echo; echo no >/job/x; ls /job\n"
                                       "mkdir /output/d; echo $EPOCHS >/output/d/model\n")
        (code / "train.sh").chmod(0o600)  # its owner's alone: the job's user is shown as that owner
        for runtime in RUNTIMES:
            with self.subTest(runtime=runtime):
                out = self.here / f"out-{runtime}"
                spec = self.spec("/bin/sh", "/job/train.sh", "1", more='[env]\nEPOCHS = "3"')
                done = self.run_spec(spec, "--job", code, "--output", out, "--runtime", runtime,
                                     arguments=["--two", "", "ä"])
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stdout.decode(), "<1><--two><><ä>\ntrain.sh\n")
                self.assertIn(b"Read-only file system", done.stderr)
                self.assertEqual((out / "d/model").read_text(), "3\n")
                self.assertEqual((out / "d/model").stat().st_uid, 0)

    def test_the_result(self):
        for self.runtime in RUNTIMES:
            with self.subTest(runtime=self.runtime):
                out = self.here / f"out-{self.runtime}"
                result, said = self.sh("echo hello; echo b >/output/b; mkdir /output/a; "
                                       "echo a >/output/a/x; exit 3", code=1,
                                       options=("--output", out))
                self.assertEqual(result["exit"], {"code": 3, "signal": 0})
                self.assertEqual([(row["path"], row["size"]) for row in result["outputs"]],
                                 [("a/x", 2), ("b", 2)])
                self.assertEqual(result["outputs"][0]["sha256"], "87428fc522803d31065e7bce3cf03fe4"
                                 "75096631e5e07bbd7a0fde60c4cf25c7")
                self.assertGreater(result["usage"]["cpu_us"], 0)
                self.assertGreater(result["usage"]["memory_peak"], 0)
                self.assertLessEqual(result["started"], result["ended"])
                self.assertIn("hello", said)
        spec = self.here / "job.toml"
        digest = subprocess.run(["sha256sum", spec], capture_output=True, check=True, text=True)
        self.assertEqual(result["spec_sha256"], digest.stdout.split()[0])

    def test_a_signal_is_told(self):
        for self.runtime in RUNTIMES:
            with self.subTest(runtime=self.runtime):
                result, said = self.job("/bin/probe", "fault", code=1)
                self.assertEqual(result["exit"], {"code": 0, "signal": signal.SIGILL})
                self.assertIn("the job was ended by signal 4", said)

    def test_the_environment_is_the_images_and_the_specifications(self):
        _, said = self.job("/bin/env", more='[env]\nA = "1"\nHOME = "/open"')
        self.assertEqual(sorted(line for line in said.splitlines() if "=" in line),
                         ["A=1", "HOME=/open", "PATH=/bin"])

    def test_what_is_refused_before_anything_is_made(self):
        network = "[sandbox_config.network_policy]\n"
        files = "[sandbox_config.filesystem_policy]\n"
        rows = [
            ("JOB_HOST", 2, '[resources.network_whitelist]\nhosts = ["0.0.0.0"]\nports = [443]'),
            ("JOB_HOST", 2, network + 'allowed_hosts = ["127.0.0.2"]'),
            ("JOB_ISOLATION", 2, '[sandbox_config]\nisolation_level = "tee"'),
            ("JOB_NO_GPU", 2, "[resources]\ngpu = 1"),
            ("JOB_PATH", 2, files + 'allowed_paths = ["/proc/sys"]'),
            ("JOB_PATH", 2, files + 'allowed_paths = ["/output"]'),
            ("JOB_PATH", 2, files + 'denied_paths = ["/dev"]'),
            ("JOB_CAPACITY", 3, "[resources]\nvcpu = 1000\n[limits]\nmax_cpu_cores = 1000"),
            ("JOB_CAPACITY", 3, '[resources]\nmemory = "900000G"\n[limits]\n'
                                'max_memory_bytes = "900000G"'),
            ("JOB_CAPACITY", 3, '[resources]\ndisk = "900000G"\n[limits]\nmax_disk_bytes = "900000G"'),
        ]
        for reason, code, more in rows:
            with self.subTest(more=more):
                result, _ = self.job("/bin/true", more=more, code=code, reason=reason)
                self.assertEqual((result["exit"], result["started"]), (None, None))

    def test_the_loopback_may_be_named(self):
        self.job("/bin/true", more='[resources.network_whitelist]\nhosts = ["localhost", "::1"]\n'
                                   "ports = [80]")
        self.job("/bin/true", more="[sandbox_config.network_policy]\nallow_outbound = false\n"
                                   'allowed_hosts = ["a.example"]')

    def test_what_cannot_be_run(self):
        for self.runtime in RUNTIMES:
            result, _ = self.job("/bin/absent", code=2, reason="JOB_START")
            self.assertIn("/bin/absent", result["detail"])
        # Beneath a denied path it is not there either, however it is named.
        self.job("tool", code=2, reason="JOB_START", more='[env]\nPATH = "/usr/bin"')
        done = self.run_spec(self.here / "none.toml")
        self.assertEqual(done.returncode, 2)
        spec = self.here / "bad.toml"
        spec.write_text("comand = 1\n")
        done = self.run_spec(spec)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"ward spec check", done.stderr)
        done = self.run_spec(self.spec("/bin/true"), arguments=[b"\xff"])
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"no UTF-8", done.stderr)

    def test_an_image_that_is_not_there(self):
        digest = self.digest
        self.digest = "sha256:" + "0" * 64
        self.addCleanup(setattr, self, "digest", digest)
        result, _ = self.job("/bin/true", code=6, reason="JOB_IMAGE")
        self.assertTrue(result["detail"].startswith(f"{self.digest} in {self.images}: "), result)
        spec = self.spec("/bin/true")
        done = subprocess.run([WARD, "run", spec, "--images", self.here / "none", "--json"],
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, json.loads(done.stdout)["reason"]), (6, "JOB_IMAGE"))

    def test_an_image_in_use_is_not_removed(self):
        image = Image([folder("bin"), entry("bin/sh", pathlib.Path("/bin/busybox").read_bytes(),
                                            mode=0o755)])
        digest = image.pack(self.here / "own.tar")
        for words in (["import", self.here / "own.tar", digest],):
            subprocess.run([WARD, "image", *words, "--images", self.images], check=True,
                           capture_output=True)
        spec = self.here / "own.toml"
        spec.write_text(f'image = "{digest}"\ncommand = ["/bin/sh", "-c", "echo up; exec sleep 60"]\n')
        remove = [WARD, "image", "remove", digest, "--images", self.images]
        process = begun(self.words(spec), b"up\n")
        done = subprocess.run(remove, capture_output=True, check=False)
        self.assertEqual(done.returncode, 7)
        self.assertIn(b"a job uses this image", done.stderr)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        self.assertEqual(subprocess.run(remove, capture_output=True, check=False).returncode, 0)

    def test_folders_that_cannot_be_used(self):
        self.job("/bin/true", options=("--job", self.here / "none"), code=2, reason="JOB_FOLDER")
        self.job("/bin/true", options=("--job", "/dev/null"), code=2, reason="JOB_FOLDER")
        full = self.here / "full"
        full.mkdir()
        (full / "precious").write_text("kept")
        done = self.run_spec(self.spec("/bin/true"), "--output", full)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"new or empty", done.stderr)
        self.assertEqual((full / "precious").read_text(), "kept")
        for bad in (".", "..", "/", "", self.here / "none/out", "/proc/out/..", full / "precious/x"):
            done = self.run_spec(self.spec("/bin/true"), "--output", bad)
            self.assertEqual(done.returncode, 2, (bad, done.stderr))
        self.sh("echo x >/output/x", options=("--output", f"{self.here}/slashes//"))
        self.assertEqual(os.listdir(self.here / "slashes"), ["x"])
        done = self.run_spec(self.spec("/bin/true"), "--output", "here/", cwd=self.here)
        self.assertEqual((done.returncode, (self.here / "here").is_dir()), (0, True), done.stderr)
        empty = self.here / "empty"
        empty.mkdir()
        self.sh("echo x >/output/x", options=("--output", empty))
        self.assertEqual(os.listdir(empty), ["x"])

    def test_an_output_folder_that_is_not_empty(self):
        """It is seen before the job runs: what it makes would be lost."""
        out = self.here / "out"
        fillings = {"hidden": lambda: (out / ".gitkeep").touch(),
                    "folder": lambda: (out / "d").mkdir(),
                    "link": lambda: (out / "l").symlink_to("nowhere"),
                    "pipe": lambda: os.mkfifo(out / "p")}
        for name, fill in fillings.items():
            with self.subTest(name=name):
                out.mkdir()
                fill()
                before = os.listdir(out)
                done = self.run_spec(self.spec("/bin/echo", "ran"), "--output", out)
                self.assertEqual((done.returncode, done.stdout), (2, b""), done.stderr)
                self.assertIn(b"new or empty", done.stderr)
                self.assertEqual(os.listdir(out), before)
                shutil.rmtree(out)
        out.mkdir()
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                               f'mount -t tmpfs none {out} && exec "$@"', "sh",
                               *self.words(self.spec("/bin/echo", "ran"), "--output", out)],
                              capture_output=True, check=False, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (2, b""), done.stderr)
        self.assertIn(b"no mount point", done.stderr)

    def test_an_output_folder_that_was_filled_meanwhile(self):
        """What somebody else put there stays, and nothing is mixed with it."""
        out = self.here / "out"
        process = begun(self.words(self.spec("/bin/sh", "-c",
                                             "echo up; echo x >/output/x; sleep 1"),
                                   "--output", out), b"up\n")
        out.mkdir()
        (out / "precious").write_text("kept")
        said = process.communicate(timeout=30)[1]
        self.assertEqual(process.returncode, 70)
        self.assertIn(b"JOB_DELIVERY", said)
        self.assertEqual(os.listdir(out), ["precious"])
        self.assertEqual(list(self.here.glob("out.*")), [])

    def test_nothing_beside_the_output_folder_is_touched(self):
        """Whatever it is called: it may be the user's, or that of another run."""
        names = ("out.incomplete", "out.incomplete-0123456789abcdef")
        for name in names:
            (self.here / name).mkdir()
            (self.here / name / "precious").write_text("kept")
        self.sh("echo x >/output/x", options=("--output", self.here / "out"))
        self.sh("mkfifo /output/x", code=1, reason="JOB_OUTPUT_KIND",
                options=("--output", self.here / "none"))
        self.assertEqual(os.listdir(self.here / "out"), ["x"])
        self.assertEqual(sorted(os.listdir(self.here)), sorted(["job.toml", "out", *names]))
        for name in names:
            self.assertEqual((self.here / name / "precious").read_text(), "kept")

    def test_two_runs_into_one_folder(self):
        """One of them delivers, whole; the other says that it did not."""
        out, code = self.here / "out", self.here / "code"
        code.mkdir()
        (code / "go").touch()
        spec = self.spec("/bin/sh", "-c", "echo up; seq 9 >/output/x; seq 9 >/output/y; "
                         "until [ -s /job/go ]; do sleep 0.1; done")
        both = [begun(self.words(spec, "--output", out, "--job", code), b"up\n") for _ in range(2)]
        (code / "go").write_text("go")
        said = [process.communicate(timeout=60)[1] for process in both]
        self.assertEqual(sorted(process.returncode for process in both), [0, 70], said)
        self.assertIn(b"JOB_DELIVERY", b"".join(said))
        self.assertEqual(sorted(os.listdir(out)), ["x", "y"])
        self.assertEqual(list(self.here.glob("out.*")), [])

    def test_an_output_folder_with_a_long_name(self):
        out = self.here / ("n" * 255)
        self.sh("echo x >/output/x", options=("--output", out))
        self.assertEqual(os.listdir(out), ["x"])

    def test_a_terminal_is_left_alone(self):
        """Escapes in what a job says do nothing to who looks on; to a file it goes as it is."""
        script = r"printf 'a\033]0;title\007\r\342\202\254\342\200\256\tb\377\n'; " \
                 r"printf '\033[2Jerr\n' >&2; cat /dev/tty; readlink /proc/self/fd/0"
        spec = self.spec("/bin/sh", "-c", script)
        with Terminal(self.words(spec, "--quiet")[1:]) as terminal:
            code, shown = terminal.end()
        shown = shown.replace(b"\r\n", b"\n")
        self.assertEqual(code, 0, shown)
        self.assertIn(rb"a\x1b]0;title\x07\x0d" + "€".encode() + rb"\xe2\x80\xae" + b"\tb"
                      + rb"\xff" + b"\n", shown)
        self.assertIn(rb"\x1b[2Jerr" + b"\n", shown)
        self.assertNotIn(b"\x1b", shown)
        self.assertIn(b"pipe:", shown)
        self.assertTrue(self.run_spec(spec).stdout.startswith(b"a\x1b]0;title\x07\r"))

    def test_who_interrupts_ends_it(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number):
                # Whoever runs the tests may have it ignored, by nohup.
                process = begun(self.words(self.spec("/bin/probe", "orphans"), "--output",
                                           self.here / "out"), b"left\n",
                                preexec_fn=lambda number=number: signal.signal(number, signal.SIG_DFL))
                process.send_signal(number)
                said = process.communicate(timeout=30)[1]
                self.assertEqual(process.returncode, 1, said)
                self.assertIn(b"JOB_CANCELLED", said)
                self.assertFalse((self.here / "out").exists())
                self.assertEqual(leftovers(), [])

    def test_who_ignores_a_signal_is_not_ended_by_it(self):
        """As nohup has it."""
        process = begun(self.words(self.spec("/bin/sh", "-c", "echo up; sleep 1; echo done")), b"up\n",
                        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        out, said = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (0, b"done\n"), said)

    def test_who_ignores_a_signal_of_the_terminal(self):
        """As a shell has it for what it runs beside itself: nor is any program that makes the sandbox."""
        process = subprocess.Popen(self.words(self.spec("/bin/true")), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, env=CLEAN, start_new_session=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        while process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.001)
        said = process.communicate()[1]
        self.assertEqual(process.returncode, 0, said)

    def test_a_job_may_put_its_work_away(self):
        process = begun(self.words(self.spec("/bin/probe", "put-away")), b"ready\n")
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=30)
        self.assertEqual((process.returncode, out), (1, b"put away\n"), said)

    def test_who_stops_reading_ends_it(self):
        process = begun(self.words(self.spec("/bin/yes")), b"y\n")
        process.stdout.close()
        said = process.stderr.read()
        self.assertEqual(process.wait(30), 1)
        self.assertIn(b"JOB_CANCELLED", said)
        process.stderr.close()

    def test_a_reader_that_is_stuck_holds_no_limit_up(self):  # proves: CX-38
        process = begun(self.words(self.spec("/bin/yes", more="[limits]\nmax_execution_seconds = 1")),
                        b"y\n")
        time.sleep(3)  # nobody reads; the job is gone all the same
        self.assertEqual([name for name in os.listdir("/proc") if name.isdigit() and
                          is_yes(name, process.pid)], [])
        said = process.communicate(timeout=30)[1]
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"JOB_TIME", said)

    def test_killed_runs_are_swept(self):
        """Whoever is killed: the job dies at once, and the next command takes the rest away."""
        for words in (["run"], ["image", "import", self.above / "image.tar", self.digest],
                      ["image", "remove", "sha256:" + "0" * 64]):
            for victim in ("ward", "supervisor"):
                with self.subTest(words=words[:2], victim=victim):
                    self.kill_and_sweep(words, victim)

    def kill_and_sweep(self, words, victim):
        process = begun(self.words(self.spec("/bin/probe", "orphans"), "--json"), b"left\n")
        child = int(pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
        if victim == "supervisor":
            os.kill(child, signal.SIGKILL)
            result = json.loads(process.communicate(timeout=30)[0])
            self.assertEqual((process.returncode, result["reason"]), (70, "JOB_LOST"))
            # It ran, and nobody saw its end.
            self.assertEqual((result["exit"], result["ended"]), (None, None))
            self.assertIsNotNone(result["started"])
            self.assertGreater(result["usage"]["cpu_us"], 0)
            return
        process.kill()
        process.communicate(timeout=30)
        # Who died with it may have closed its outputs and not yet let go of its place.
        wait_for(lambda: [name for name in os.listdir(SLOTS) if not is_held(SLOTS / name)])
        if words == ["run"]:
            self.job("/bin/true")
        else:
            done = subprocess.run([WARD, *map(str, words), "--images", str(self.images)],
                                  check=False, capture_output=True, timeout=60)
            self.assertIn((words[1], done.returncode), (("import", 0), ("remove", 6)), done.stderr)
            self.assertNotIn(b"stays", done.stderr)
        self.assertEqual(leftovers(), [])

    def test_records_that_are_none(self):
        """A place without a whole record is swept, and nothing but it; so is one with links in it."""
        victim = self.here / "victim"
        victim.mkdir()
        (victim / "kept").write_text("kept")
        for record in (None, "", "0" * 31, "0" * 33, "../" * 10 + "00", "A" * 32, "0" * 31 + "\n"):
            with self.subTest(record=record):
                place = SLOTS / "1000"
                place.mkdir(parents=True)
                if record is not None:
                    (place / "id").write_text(record)
                (place / "link").symlink_to(victim)
                self.job("/bin/true")
                self.assertFalse(place.exists())
        place.mkdir()
        (place / "id").symlink_to(victim / "kept")
        self.job("/bin/true")
        self.assertFalse(place.exists())
        for name in ("1024", "007", "0x1", "-1", "+1", "1 ", "place"):  # no place of a job
            (SLOTS / name).mkdir()
            self.addCleanup((SLOTS / name).rmdir)
        self.job("/bin/true")
        self.assertEqual((victim / "kept").read_text(), "kept")

    def test_another_machines_places(self):
        """Two folders of places over one kernel: a job is not swept for another of the same number."""
        process = begun(self.words(self.spec("/bin/sh", "-c", "echo up; sleep 3; echo done")), b"up\n")
        done = subprocess.run(in_places_of_its_own(self.words(self.spec("/bin/true"))), capture_output=True,
                              check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        out, said = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (0, b"done\n"), said)

    def test_whenever_it_is_killed(self):
        """At every moment of its way, a hundredth of a second apart: the next run finds all of it."""
        spec = self.spec("/bin/probe", "orphans")
        for runtime in RUNTIMES:
            for moment in range(30):
                process = subprocess.Popen(self.words(spec, "--runtime", runtime), env=CLEAN,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(moment * 0.01)
                process.kill()
                process.wait()
            self.job("/bin/true")
            self.assertEqual(leftovers(), [])

    def test_whenever_it_is_interrupted(self):
        """It takes away itself what it had made, and says so; only before it began may the signal end it.
        Also as a terminal does it, where all that it has started is told too."""
        spec = self.spec("/bin/probe", "put-away")
        for runtime in RUNTIMES:
            for moment in range(30):
                number = (signal.SIGTERM, signal.SIGINT)[moment % 2]
                process = subprocess.Popen(self.words(spec, "--runtime", runtime, "--json"), env=CLEAN,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           start_new_session=True)
                time.sleep(moment * 0.01)
                waits = has_signal(process.pid, "SigBlk", number)
                os.killpg(process.pid, number)
                out, said = process.communicate(timeout=60)
                self.assertEqual(leftovers(), [])
                if not waits and process.returncode == -number:
                    self.assertEqual(out, b"")
                    continue
                self.assertEqual(process.returncode, 1, said)
                self.assertEqual(json.loads(out)["reason"], "JOB_CANCELLED")

    def test_who_interrupts_twice(self):
        """Both times it is heard at once, while the job may still put its work away."""
        process = begun(self.words(self.spec("/bin/sh", "-c", "trap : TERM; echo up; "
                                             "while :; do sleep 1; done"), "--json"), b"up\n")
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            while process.poll() is None and has_signal(process.pid, "ShdPnd", signal.SIGINT):
                time.sleep(0.01)
            self.assertIsNone(process.poll())
        out, said = process.communicate(timeout=60)
        self.assertEqual((process.returncode, json.loads(out)["reason"]), (1, "JOB_CANCELLED"), said)

    def test_who_interrupts_while_the_result_is_taken_over(self):
        """All of it or nothing, and here nothing; of one large file as of many."""
        for script in ("truncate -s 800M /output/x", "for i in $(seq 9000); do echo >/output/$i; done"):
            with self.subTest(script=script):
                out = self.here / "out"
                process = subprocess.Popen(self.words(self.spec("/bin/sh", "-c", script), "--json",
                                                      "--output", out), env=CLEAN,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                while process.poll() is None and not list(self.here.glob("out.*")):
                    time.sleep(0.001)
                process.send_signal(signal.SIGTERM)
                said = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 1, said)
                result = json.loads(said[0])
                self.assertEqual((result["reason"], result["outputs"], result["exit"]["code"]),
                                 ("JOB_CANCELLED", [], 0))
                self.assertEqual(os.listdir(self.here), ["job.toml"])

    def test_a_full_disk(self):
        """Where the results go, and where the sandbox is made."""
        mount = 'mount -t tmpfs -o mode=711,size={} none {} && "$@"; code=$?; ls -A {}; exit $code'
        apart = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
        small = self.here / "small"
        small.mkdir()
        spec = self.spec("/bin/sh", "-c", "dd if=/dev/zero of=/output/x bs=1M count=2; exit 0")
        done = subprocess.run([*apart, mount.format("1m", small, small), "sh",
                               *self.words(spec, "--output", small / "out")], capture_output=True,
                              check=False, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (70, b""), done.stderr)
        self.assertIn(b"JOB_DELIVERY", done.stderr)
        self.assertIn(b"No space left on device", done.stderr)
        # What is reserved is not there; and what is there goes while the job writes.
        write = ("/bin/sh", "-c", "dd if=/dev/zero of=/open/x bs=4k count=220; busybox sync -f /open/x; exit 0")
        for size, more, code, said in (("1m", "", 3, b"JOB_CAPACITY"),
                                       ("1100k", '[resources]\ndisk = "1M"', 0, b"220+0 records")):
            words = self.words(self.spec(*write, more=more))
            done = subprocess.run([*apart, mount.format(size, SLOTS, SLOTS), "sh", *words],
                                  capture_output=True, check=False, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (code, b""), done.stderr)
            self.assertIn(said, done.stderr)
        fill = "for f in x y; do dd if=/dev/urandom of=/output/$f bs=4k count=200; done; busybox sync -f /output/x"
        words = self.words(self.spec("/bin/sh", "-c", fill,
                                     more='[resources]\ndisk = "1M"'), "--output", self.here / "out")
        done = subprocess.run([*apart, mount.format("1100k", SLOTS, SLOTS), "sh", *words],
                              capture_output=True, check=False, timeout=60)
        # The limit of /output is what there was room for: whoever looks while the job writes sees it.
        seen = b"JOB_OUTPUT_LIMIT" in done.stderr
        self.assertEqual((done.returncode, done.stdout), (1 if seen else 70, b""), done.stderr)
        self.assertTrue(seen or b"/output was not written to disk" in done.stderr, done.stderr)
        self.assertFalse((self.here / "out").exists())

    def test_an_image_that_begins_elsewhere(self):
        """Its folder is no way to what the runtime has open."""
        for place in ("/proc/self/fd/7", "/proc/self/cwd", "/dev", "rel", "/a/../..", "//proc",
                      "/./proc", "/wx", "/wx/deeper"):
            image = Image([folder("bin"), entry("bin/sh", b""), link("wx", "/proc/self/cwd")])
            image.config["config"]["WorkingDir"] = place
            digest = image.pack(self.here / "own.tar")
            subprocess.run([WARD, "image", "import", self.here / "own.tar", digest, "--images",
                            self.images], check=True, capture_output=True)
            spec = self.here / "own.toml"
            spec.write_text(f'image = "{digest}"\ncommand = ["/bin/sh"]\n')
            done = self.run_spec(spec)
            self.assertEqual(done.returncode, 6, done.stderr)
            self.assertIn(b"JOB_IMAGE", done.stderr)

    def test_limits_of_the_caller_hold_too(self):
        for runtime in RUNTIMES:
            words = self.words(self.spec("/bin/probe", "files"), "--runtime", runtime)
            done = subprocess.run(["prlimit", "--nofile=512:512", *words], capture_output=True,
                                  check=False, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (0, b"512 24\n"), done.stderr)

    def test_every_place_is_taken(self):
        """The last of 1024 can be had, and no further one. In places of its own: others run here."""
        words = self.words(self.spec("/bin/true"), "--json")
        done = subprocess.run(in_places_of_its_own([sys.executable, "-c", FULL, SLOTS, *words]), capture_output=True, check=False,
                              timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        full, last = (json.loads(line) for line in done.stdout.splitlines())
        self.assertEqual((full["reason"], last["reason"]), ("JOB_CAPACITY", "OK"))
        self.assertIn("1024 jobs", full["detail"])

    def test_many_at_once(self):
        spec = self.spec("/bin/sh", "-c", "id -u; sleep 1")
        running = [subprocess.Popen(self.words(spec, "--runtime", RUNTIMES[i % 2]),
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                   for i in range(12)]
        for process in running:
            out, said = process.communicate(timeout=120)
            self.assertEqual((process.returncode, out), (0, b"65532\n"), said)


def has_signal(number, which, wanted):
    """Whether a process waits with a signal (SigBlk), or one waits for it (ShdPnd)."""
    try:
        status = pathlib.Path(f"/proc/{number}/status").read_text()
    except OSError:
        return False
    line = re.search(rf"(?m)^{which}:\s+(\w+)", status)
    return line is not None and bool(int(line.group(1), 16) >> (wanted - 1) & 1)


def is_yes(number, above):
    """Whether that process is the job of this run."""
    try:
        line = pathlib.Path(f"/proc/{number}/cmdline").read_bytes()
        group = pathlib.Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return line == b"/bin/yes\0" and int(group[1]) != above and group[0] != "Z"


class Refusals(unittest.TestCase):
    """What needs no sandbox to be refused."""

    def setUp(self):
        self.here = pathlib.Path(tempfile.mkdtemp(prefix="ward-run-"))
        self.addCleanup(shutil.rmtree, self.here)
        self.spec = self.here / "job.toml"
        self.spec.write_text(f'image = "sha256:{"0" * 64}"\ncommand = ["/bin/true"]\n')
        self.here.chmod(0o755)

    def refused(self, words):
        done = subprocess.run([*words, WARD, "run", str(self.spec), "--json", "--images",
                               str(self.here)], capture_output=True, check=False, timeout=60)
        result = json.loads(done.stdout)
        self.assertEqual(faults("run.json", result), [])
        return done.returncode, result["reason"], result["detail"]

    def test_without_root(self):
        words = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        self.assertEqual(self.refused(words)[:2], (5, "JOB_NOT_ROOT"))

    @unittest.skipUnless(os.geteuid() == 0, "mounts need root")
    def test_without_control_groups(self):
        script = 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"'
        words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
        code, reason, detail = self.refused(words)
        self.assertEqual((code, reason), (3, "JOB_LIMITS"))
        self.assertIn("/sys/fs/cgroup", detail)

    @unittest.skipUnless(os.geteuid() == 0, "mounts need root")
    def test_without_a_runtime(self):
        empty = self.here / "empty"
        empty.mkdir()
        script = f'for f in /usr/bin/crun /usr/sbin/runc /usr/bin/runc; do [ ! -e $f ] || ' \
                 f'mount --bind {self.spec} $f; done; exec "$@"'
        words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
        self.assertEqual(self.refused(words)[:2], (3, "JOB_RUNTIME"))


if __name__ == "__main__":
    tap.main()
