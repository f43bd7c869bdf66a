"""sandboxes.py - jobs for the tests of `ward run`: an image of busybox and the probe, and what a run
may leave on the machine, which is nothing."""

import fcntl
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from oci import Image, entry, folder, link
from commands import CLEAN, WARD, faults
from ward import BUILD

SLOTS = pathlib.Path("/var/lib/ward-jobs")
BUSYBOX = "/bin/busybox"
PROBE = BUILD / "tests/sandbox/sandbox_probe"
STUBBORN = BUILD / "tests/sandbox/sandbox_stubborn"
BOMB = BUILD / "tests/sandbox/sandbox_bomb"
NEIGHBOUR = BUILD / "tests/sandbox/sandbox_neighbour"
APPLETS = ("sh ls cat id sleep dd echo touch mkdir ln mkfifo chmod head yes true false stat env "
           "printf rm kill truncate seq nproc cp readlink").split()
RUNTIMES = ("crun", "runc")
# Said at once, wherever the job's own line is at.
TOLD = re.compile(r"ward: run: refused: the (?:system call|path) [^\n]*\n")


def has_groups():
    """Whether limits can be held here at all, seen without the program that is tested."""
    groups = pathlib.Path("/sys/fs/cgroup")
    return os.geteuid() == 0 and (all((groups / name).is_dir() for name in ("memory", "cpu", "pids"))
                                  or (groups / "cgroup.controllers").exists())


needs_sandbox = unittest.skipUnless(
    has_groups() and all(shutil.which(name) for name in RUNTIMES), "root, control groups, crun, runc")


def with_both(test):
    """The test once for each runtime."""
    @functools.wraps(test)
    def run(self):
        for runtime in RUNTIMES:
            with self.subTest(runtime=runtime):
                self.runtime = runtime
                test(self)
    return run


def image_of_tests():
    layer = [folder("bin"), entry("bin/busybox", pathlib.Path(BUSYBOX).read_bytes(), mode=0o755),
             entry("bin/probe", PROBE.read_bytes(), mode=0o755),
             entry("bin/stubborn", STUBBORN.read_bytes(), mode=0o755),
             entry("bin/bomb", BOMB.read_bytes(), mode=0o755),
             entry("bin/neighbour", NEIGHBOUR.read_bytes(), mode=0o755),
             folder("etc"), entry("etc/shadow", b"of the image"), folder("usr"), folder("usr/bin"),
             entry("usr/bin/tool", b"#!/bin/sh\necho ran\n", mode=0o755), folder("open", mode=0o777),
             entry("open/old", b"as it was", mode=0o666), entry("private", b"of root", mode=0o600),
             link("way", "etc"), entry("plain", b"a file"), folder("data"), entry("data/x", b"x"),
             entry("bin/setuid", b"", mode=0o4755)]
    return Image([*layer, *(link("bin/" + name, "busybox") for name in APPLETS)])


class Jobs(unittest.TestCase):
    """A folder with one image, which all tests of a class share."""

    runtime = RUNTIMES[0]

    @classmethod
    def setUpClass(cls):
        cls.above = pathlib.Path(tempfile.mkdtemp(prefix="ward-run-"))
        cls.addClassCleanup(shutil.rmtree, cls.above, ignore_errors=True)
        cls.images = cls.above / "images"
        cls.use(image_of_tests())

    @classmethod
    def use(cls, image):
        """Jobs of the class begin with this one from now on."""
        cls.digest = image.pack(cls.above / "image.tar")
        subprocess.run([WARD, "image", "import", cls.above / "image.tar", cls.digest, "--images",
                        cls.images], check=True, capture_output=True)

    def setUp(self):
        self.here = pathlib.Path(tempfile.mkdtemp(dir=self.above))
        self.addCleanup(self.check_nothing_is_left)

    def spec(self, *command, more=""):
        """A specification of that command; `more` are other keys and sections. It reserves little: many
        run beside one another."""
        path = self.here / "job.toml"
        if "[resources]" not in more:
            more += '\n[resources]\nmemory = "16M"\ndisk = "16M"'
        words = ", ".join(json.dumps(str(word)) for word in command)
        path.write_text(f'image = "{self.digest}"\ncommand = [{words}]\n{more}\n')
        return path

    def words(self, spec, *options):
        return [WARD, "run", str(spec), *map(str, options), "--images", str(self.images)]

    def run_spec(self, spec, *options, arguments=(), **more):
        words = self.words(spec, *options) + (["--", *arguments] if arguments else [])
        return subprocess.run(words, **({"capture_output": True, "check": False, "timeout": 400,
                                         "env": CLEAN, "stdin": subprocess.DEVNULL} | more))

    def job(self, *command, more="", options=(), code=0, reason="OK"):
        """Runs it to its end: (the object of --json, all that the job and Ward said, but for calls and
        paths that were refused; those stand in self.whole)."""
        done = self.run_spec(self.spec(*command, more=more), "--json", "--runtime", self.runtime, *options)
        self.whole = done.stderr.decode("utf-8", "replace")
        said = TOLD.sub("", self.whole)
        self.assertEqual(done.returncode, code, said)
        result = json.loads(done.stdout)
        self.assertEqual(faults("run.json", result), [])
        self.assertEqual(result["reason"], reason, said)
        return result, said

    def sh(self, script, **more):
        return self.job("/bin/sh", "-c", script, **more)

    def check_nothing_is_left(self):
        self.assertEqual(leftovers(), [])
        null = os.stat("/dev/null")
        self.assertEqual((null.st_uid, null.st_mode & 0o777), (0, 0o666))


def told_soon(run, words):
    """A run, of which that is said within two seconds, while it goes on."""
    at, said = time.monotonic(), b""
    while words not in said:
        said += os.read(run.stderr.fileno(), 4096)
        if time.monotonic() - at > 2:
            raise AssertionError(said)
    return run


def in_places_of_its_own(words, size="50%"):
    """The words, run where no other job has a place: what is reserved there is theirs alone."""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
            f'mount -t tmpfs -o mode=711,size={size} none {SLOTS} && exec "$@"', "sh", *words]


def begun(words, until, **more):
    """A run that has said so much: with --json, which has what the job says on standard error, there."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN,
                               stdin=subprocess.DEVNULL, **more)
    said, told = b"", process.stderr if "--json" in words else process.stdout
    while until not in said:
        part = os.read(told.fileno(), 4096)
        if not part:
            raise AssertionError(f"{said} {process.stderr.read()}")
        said += part
    return process


def leftovers(seconds=20):
    """What runs have left that no process holds; the kernel may take a moment to let go."""
    end = time.monotonic() + seconds
    while (found := left_now()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def left_now():
    if not SLOTS.is_dir():
        return []
    above = os.open(SLOTS, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(above, fcntl.LOCK_EX)  # nobody takes or gives back a place meanwhile
        held, found = {}, []
        for name in os.listdir(SLOTS):
            if is_held(SLOTS / name):
                held[name] = (SLOTS / name / "id").read_text()
            else:
                found.append(name)
        return found + kernel_leftovers(held)
    finally:
        os.close(above)


def is_held(path):
    place = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(place)
    return False


def network_leftovers(held):
    """A network of a job's own is there as long as a process, a mount or a descriptor holds it; whose is it?
    And nothing of a job's is in this one: no device, no rule."""
    found = [name for name in os.listdir("/sys/class/net") if re.match("fence|ward|veth.*ward", name)]
    if shutil.which("nft"):
        rules = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False).stdout
        found += [line for line in rules.splitlines() if "ward" in line]
    for run in () if held else pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (run / "cmdline").read_bytes().split(b"\0")[:2] != [str(WARD).encode(), b"run"]:
                continue
            found += [str(path) for path in (run / "fd").iterdir() if os.readlink(path).startswith("net:[")]
        except OSError:
            continue
    return found


def kernel_leftovers(held):
    """Control groups, loop devices, mounts, network and processes of places that nobody holds."""
    found = [str(path) for path in pathlib.Path("/sys/fs/cgroup").glob("*/ward-job-*")
             if path.name.rpartition("-")[2] not in held.values()]
    for backing in pathlib.Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            named = re.match(rf"{SLOTS}/(\d+)/", backing.read_text())
        except OSError:
            continue
        if named and named.group(1) not in held:
            found.append(str(backing))
    mounts = pathlib.Path("/proc/self/mounts").read_text()
    found += re.findall(rf"\S*{SLOTS}\S*", mounts)
    found += network_leftovers(held)
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            uid = int(re.search(r"^Uid:\s+(\d+)", status.read_text(), re.M).group(1))
        except (OSError, AttributeError):
            continue
        if 0 <= uid - 0x70000000 < 1024 << 16 and str((uid - 0x70000000) >> 16) not in held:
            found.append(str(status))
    return found
