"""test_run_outputs.py - what a hostile job leaves in /output: each kind is refused by what it is, at
once, with nothing of the host read, written or waited for; and what is only odd goes through."""

import json
import os
import stat
import subprocess
import unittest

import tap
from commands import CLEAN
from sandboxes import Jobs, needs_sandbox

AT_ONCE = 6
LESS = ('[resources]\nmemory = "64M"\ndisk = "16M"\n[limits]\nmax_memory_bytes = "64M"\n'
        'max_output_bytes = "8M"\nmax_disk_bytes = "64M"\nmax_execution_seconds = 60\n')


def named(text):
    """A file of that name, as a shell's printf spells it."""
    return f'echo >"/output/$(printf "{text}")"'


REFUSED = {
    ("JOB_OUTPUT_KIND", "a symbolic link"): [
        "ln -s {secret} /output/x", "ln -s . /output/loop", "ln -s x /output/x", "ln -s /nowhere /output/x",
        "mkdir /output/d; ln -s /etc /output/d/etc", "ln -s /proc/1/root /output/x",
        "ln -s /proc/self/fd/0 /output/x", "ln -s ../../../../../../etc/shadow /output/x",
        "mkdir /output/a; ln -s a /output/b; echo >/output/a/f", "ln -s /dev/zero /output/x",
        "ln -s \"$(printf '%4000s' | sed 's/ /a/g')\" /output/x"],
    ("JOB_OUTPUT_KIND", "a device, a pipe or a socket"): [
        "mkfifo /output/x", "mkdir /output/d; mkfifo /output/d/p", "mkfifo -m 000 /output/x",
        "mkfifo -m 666 /output/x; (sleep 300 >/output/x &)",
        "probe socket /output/s", "mkdir /output/d; probe socket /output/d/s"],
    ("JOB_OUTPUT_KIND", "a file with two names"): [
        "echo >/output/a; ln /output/a /output/b", "echo >/output/a; mkdir /output/d; ln /output/a /output/d/a",
        "echo >/output/a; ln /output/a /output/b; ln /output/a /output/c",
        "mkdir /output/d; echo >/output/d/a; ln /output/d/a /output/d/.a"],
    ("JOB_OUTPUT_KIND", "a set-user-id"): [
        "echo >/output/a; chmod 4755 /output/a", "echo >/output/a; chmod 2755 /output/a",
        "echo >/output/a; chmod 6777 /output/a", "echo >/output/a; chmod 4000 /output/a",
        "mkdir /output/d; chmod g+s /output/d", "mkdir /output/d; chmod u+s /output/d",
        "cp /bin/busybox /output/su; chmod 4755 /output/su"],
    ("JOB_OUTPUT_KIND", "a name that is no plain text"): [
        named(r"a\nb"), named(r"\033[2J"), named(r"\377"), named(r"\342\200\256"), named(r"a\rb"),
        named(r"\a"), named(r"\b"), named(r"a\tb"), named(r"\177"), named(r"\302\233"), named(r"\300\257"),
        named(r"\355\240\200"), named(r"\364\220\200\200"), named(r"a\342\200"), named(r"\200"),
        r'mkdir "/output/$(printf "d\nd")"',
        r'mkdir -p /output/d; echo >"/output/d/$(printf "\001")"'],
    ("JOB_OUTPUT_KIND", "too many folders inside one another"): [
        "cd /output; i=0; while [ $i -lt 33 ]; do mkdir d; cd d; i=$((i+1)); done"],
    ("JOB_OUTPUT_KIND", "a path that is too long"): [
        "n=$(printf '%200s' | sed 's/ /a/g'); cd /output; i=0; "
        "while [ $i -lt 6 ]; do mkdir $n; cd $n; i=$((i+1)); done"],
    ("JOB_OUTPUT_KIND", ""): [  # too deep or too long, by what is met first
        "cd /output; i=0; while [ $i -lt 4096 ] && mkdir d && cd d; do i=$((i+1)); done"],
    ("JOB_OUTPUT_KIND", "too many files and folders"): [
        "cd /output; seq 1 12000 | while read i; do echo $i; done | xargs touch",
        "cd /output; i=0; while [ $i -lt 1000000 ] && touch $(seq $i $((i+999))); do i=$((i+1000)); done"],
    ("JOB_OUTPUT_LIMIT", ""): [
        "truncate -s 8388609 /output/x", "truncate -s 16M /output/x", "truncate -s 8388608 /output/x; echo >/output/y",
        "dd if=/dev/zero of=/output/x bs=1M count=9 2>/dev/null"],
}

# What is taken over as it is: the paths that come back.
ODD = {
    "echo >/output/-rf": ["-rf"],
    "echo >'/output/a b'": ["a b"],
    "echo >'/output/ '": [" "],
    "echo >/output/...": ["..."],
    "echo >/output/.hidden": [".hidden"],
    "echo >'/output/*'": ["*"],
    "echo >'/output/$(reboot)'": ["$(reboot)"],
    "echo >'/output/;x|y&z'": [";x|y&z"],
    "echo >'/output/~'": ["~"],
    "echo >'/output/\\n'": ["\\n"],
    "echo >'/output/%s%n'": ["%s%n"],
    named(r"\303\251"): ["é"],
    "echo >/output/x; chmod 000 /output/x": ["x"],
    "mkdir /output/d; echo >/output/d/x; chmod 000 /output/d": ["d/x"],
    "echo >/output/x; touch -d 1900-01-01 /output/x; exit 0": ["x"],
    "echo >/output/$(printf '%255s' | sed 's/ /a/g')": ["a" * 255],
    "mkdir /output/empty; chmod 1777 /output/empty": [],
    "truncate -s 8388608 /output/holes": ["holes"],
    "for d in 'c 0 0' 'c 1 3' 'b 7 0'; do busybox mknod /output/device $d; done; exit 0": [],
    "truncate -s 1152921504606846976 /output/x; exit 0": ["x"],  # an exbibyte is not to be had
}


@needs_sandbox
class Outputs(Jobs):
    def begin(self, number, script):
        spec = self.spec("/bin/sh", "-c", script + "; exit 0", more=LESS)
        spec = spec.rename(spec.with_name(f"{number}.toml"))
        out = self.here / f"out-{number}"
        words = self.words(spec, "--json", "--runtime", "crun", "--output", out)
        return out, subprocess.Popen(words, env=CLEAN, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL)

    def all_of(self, rows):
        """(row, where its result goes, what was said of it), for rows that begin with a script."""
        for first in range(0, len(rows), AT_ONCE):
            some = [(row, *self.begin(first + i, row[0])) for i, row in enumerate(rows[first:first + AT_ONCE])]
            for row, out, process in some:
                yield row, out, json.loads(process.communicate(timeout=120)[0])

    def test_kinds_that_are_none(self):  # proves: RL-40
        secret = self.here / "secret"
        secret.write_text("the host's own")
        rows = [(script.replace("{secret}", str(secret)), reason, words)
                for (reason, words), scripts in REFUSED.items() for script in scripts]
        self.assertGreaterEqual(len(rows) + len(ODD), 60)
        for (script, reason, words), out, said in self.all_of(rows):
            with self.subTest(script=script):
                self.assertEqual(said["reason"], reason, said)
                self.assertIn(words, said["detail"])
                self.assertFalse(out.exists())
        self.assertEqual(list(self.here.glob("out-*")), [])
        self.assertEqual(secret.read_text(), "the host's own")

    def test_what_is_only_odd(self):  # proves: RL-40
        for (script, paths), out, said in self.all_of(list(ODD.items())):
            with self.subTest(script=script):
                self.assertEqual(said["reason"], "OK", said)
                self.assertEqual([row["path"] for row in said["outputs"]], paths)
                self.assertEqual([str(path.relative_to(out)) for path in out.rglob("*")
                                  if not path.is_dir() or path.is_symlink()], paths)
                for path in paths:
                    found = (out / path).lstat()
                    self.assertEqual((found.st_uid, found.st_mode, found.st_nlink),
                                     (os.geteuid(), stat.S_IFREG | 0o644, 1))

    def test_a_name_that_may_not_last(self):
        """The folder that the result's name is written to cannot be written through: nothing is
        delivered that a power cut could take away again."""
        above = self.here / "results"
        above.mkdir()
        spec = self.spec("/bin/sh", "-c", "echo x >/output/x", more=LESS)
        words = self.words(spec, "--json", "--runtime", "crun", "--output", above / "out")
        for error, reason, left in (("EIO", "JOB_DELIVERY", []), (None, "OK", [above / "out"])):
            inject = [f"--inject=fsync:error={error}"] if error else []
            done = subprocess.run(["strace", "--follow-forks", "--quiet=all", "--output=/dev/null",
                                   "--trace=fsync", f"--trace-path={above}", *inject, *words], env=CLEAN,
                                  stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120)
            with self.subTest(error):
                self.assertEqual(json.loads(done.stdout)["reason"], reason, done)
                self.assertEqual(list(above.iterdir()), left)


if __name__ == "__main__":
    tap.main()
