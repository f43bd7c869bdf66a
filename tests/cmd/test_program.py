"""test_program.py - `ward` and ward-commands are one command: what either says of the words of a run is the
same, and of all else `ward` says what ward-commands does, in the same process."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import tap

BUILD = pathlib.Path(os.environ["WARD_BUILD"])
WARD, COMMANDS = BUILD / "ward", BUILD / "src/cmd/ward-commands"

# None of them has a job begin.
RUNS = ([], ["--help"], ["-h"], ["none.toml", "--", "--help"], ["--nothing"], ["none.toml"], ["none.toml", "--vmm"],
        ["--vmm", "http://127.0.0.1:1", "none.toml"], ["none.toml", "--vmm=ftp://x"], ["none.toml", "--vmm-image", "x"],
        ["none.toml", "--images", "--vmm"], ["none.toml", "--job", "/x", "--vmm", "http://127.0.0.1:1"],
        ["none.toml", "--", "--vmm", "http://127.0.0.1:1"], ["none.toml", "--runtime", "docker"],
        ["none.toml", "--json", "--json"], ["none.toml", "--tell-fd", "99"], ["none.toml", "--id", "x"],
        ["none.toml", *["x"] * 64], ["--quiet=yes", "none.toml"])
OTHERS = ([], ["--version"], ["version"], ["help", "run"], ["runs"], ["run-"], ["verify"], ["spec", "check", "none.toml"],
          ["--complete", "r"], ["-h"])


def said(program, words, **how):
    done = subprocess.run(["ward", *words], executable=program, check=False, capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, **how)
    return done.returncode, done.stdout, done.stderr


class TestProgram(unittest.TestCase):
    def test_both_say_the_same(self):
        for words in (*(["run", *words] for words in RUNS), *OTHERS):
            with self.subTest(words=words):
                here = said(WARD, words)
                self.assertEqual(here, said(COMMANDS, words))
                self.assertTrue(here[1] or here[2])

    def test_the_streams_that_are_closed(self):
        """Each of them, before the one program and so before the other."""
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            for words in ("version", "run", "run none.toml", "verify -"):
                with self.subTest(closed=closed, words=words):
                    one, other = (subprocess.run(["sh", "-c", f'"$0" {words} {closed}', program], check=False,
                                                 capture_output=True, timeout=60)
                                  for program in (WARD, COMMANDS))
                    self.assertEqual((one.returncode, one.stdout, one.stderr),
                                     (other.returncode, other.stdout, other.stderr))

    def test_it_is_the_same_process(self):
        with subprocess.Popen([WARD, "verify", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            exe = pathlib.Path(f"/proc/{process.pid}/exe")
            while os.readlink(exe) == str(WARD):
                self.assertIsNone(process.poll())
            self.assertEqual(os.readlink(exe), str(COMMANDS))
            process.stdin.close()

    def test_alone_it_runs_jobs_and_says_what_it_lacks(self):
        with tempfile.TemporaryDirectory() as folder:
            alone = shutil.copy(WARD, folder)
            self.assertEqual(said(alone, ["run", "none.toml"], cwd=folder), said(WARD, ["run", "none.toml"], cwd=folder))
            for words in ([], ["version"], ["run", "--help"], ["run", "none.toml", "--vmm", "http://127.0.0.1:1"]):
                code, out, why = said(alone, words)
                self.assertEqual((code, out), (70, b""))
                self.assertIn(b"ward-commands is not where", why)
            # Installed: beside the folder, wherever the link that named it lies.
            for place, name in (("bin", "ward"), ("libexec/ward", "ward-commands")):
                (pathlib.Path(folder) / place).mkdir(parents=True)
                shutil.copy(WARD if name == "ward" else COMMANDS, pathlib.Path(folder) / place / name)
            link = pathlib.Path(folder) / "link"
            link.symlink_to("bin/ward")
            self.assertEqual(said(link, ["version"]), said(WARD, ["version"]))


if __name__ == "__main__":
    tap.main()
