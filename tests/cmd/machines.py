"""machines.py - jobs in virtual machines, for tests: Debian's kernel for clouds, got once into the
build folder, and machines that are none."""

import fcntl
import functools
import os
import pathlib
import re
import shutil
import subprocess
import threading
import unittest

from commands import WARD
from sandboxes import Jobs, has_groups
from ward import BUILD, ROOT

KERNEL = BUILD / "guest-kernel"
OTHER = BUILD / "tests/machine/other_guest"
QEMU = "/usr/bin/qemu-system-x86_64"
FIRST_LINE_S = 90
VM = '[sandbox_config]\nisolation_level = "vm"\n'
SMALL = '[resources]\nmemory = "64M"\ndisk = "16M"\n[limits]\nmax_memory_bytes = "{}M"\n'


def needs_machine(test):
    """Root, control groups, QEMU and what makes its disks."""
    there = has_groups() and all(shutil.which(name) for name in ("crun", "runc", "mksquashfs")) \
        and os.path.exists(QEMU)
    return unittest.skipUnless(there, "root, control groups, crun, runc, QEMU, mksquashfs")(test)


@functools.cache
def kernel():
    """The folder of Debian's kernel; several tests may want it at once."""
    with open(BUILD / "guest-kernel.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (KERNEL / "kernel").exists():
            subprocess.run([ROOT / "scripts/guest-kernel", KERNEL], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=200)
    if not (KERNEL / "kernel").exists():
        raise unittest.SkipTest("Debian's kernel for clouds, or what was fetched of it before")
    return KERNEL


def modules(*names):
    """{name: bytes} of modules of the kernel, each behind those that it needs; what the kernel has in
    itself is none."""
    folder = kernel() / "modules"
    built_in = {pathlib.Path(line).stem for line in (folder / "modules.builtin").read_text().splitlines()}
    found = {path.stem: path for path in folder.rglob("*.ko")}
    needed = {}

    def need(name):
        data = found[name].read_bytes()
        for other in filter(None, re.search(rb"\0depends=([^\0]*)\0", data)[1].decode().split(",")):
            need(other.replace("-", "_"))
        needed.setdefault(name, data)

    for name in names:
        if name not in built_in:
            need(name)
    return needed


def entry(name, mode, data=b"", device=(0, 0)):
    """One of a cpio archive of the new form."""
    numbers = (1, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % number for number in numbers) + name.encode() + b"\0"
    return b"".join(part + bytes(-len(part) % 4) for part in (head, data))


def initramfs(files, folders=("/dev",)):
    """What a kernel begins with: a console, these files, {path: bytes}, all of them programs, and
    these folders."""
    above = {str(one) for path in (*files, *folders) for one in pathlib.Path(path).parents}
    return b"".join([
        *(entry(path[1:], 0o040755) for path in sorted((above | set(folders)) - {"/"})),
        entry("dev/console", 0o020600, device=(5, 1)),
        *(entry(path[1:], 0o100755, data) for path, data in files.items()), entry("TRAILER!!!", 0)])


def booted(begin, first):
    """What `begin` gives, (a machine as a process, what else there is of it), once the machine has said
    this line. An emulated one can come to nothing on the way, and is begun anew."""
    for _ in range(3):
        machine, more = begin()
        late = threading.Timer(FIRST_LINE_S, machine.kill)
        late.start()
        there = first in machine.stdout
        late.cancel()
        if there:
            return machine, more
        machine.kill()
        machine.wait()
        machine.stdout.close()
    raise AssertionError(f"no machine came to {first!r}")


class Machines(Jobs):
    """Jobs in machines of Debian's kernel."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.build(cls.images)

    @classmethod
    def build(cls, images):
        subprocess.run([WARD, "image", "build", kernel() / "kernel", kernel() / "modules", "--images",
                        images], check=True, capture_output=True)

    memory = 512  # MiB

    def spec(self, *command, more=""):
        """With that much memory, unless it says itself what it needs."""
        small = "" if "memory" in more else SMALL.format(self.memory)
        if "[limits]" in more:
            small, limits = small.split("[limits]\n") if small else ("", "")
            more = more.replace("[limits]\n", "[limits]\n" + limits)
        return super().spec(*command, more=VM + small + more)


class OtherMachines(Jobs):
    """Jobs whose machine is other_guest.c, in the place of QEMU for `ward run` alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.images / "machine").mkdir(mode=0o700)
        for name in ("kernel", "initramfs"):
            (cls.images / "machine" / name).write_bytes(b"not looked at")

    role = ""

    def words(self, spec, *options):
        played = self.here / "played"
        shutil.copy(OTHER, played)
        with open(played, "ab") as file:
            file.write(f"={self.role}".encode().rjust(16, b"."))
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                f'mount --bind {played} {QEMU} && exec "$@"', "sh", *super().words(spec, *options)]

    def play(self, role, more="", early=False, **expected):
        """The job of a machine that plays this role; `early`: before it is told of a job."""
        self.role = role if early else ""
        return self.job("/bin/true", role, more=VM + SMALL.format(256) + more, **expected)


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def alive(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def descendants(pid):
    """All processes below it, the nearest first."""
    found, todo = [], [pid]
    while todo:
        above = todo.pop(0)
        try:
            below = pathlib.Path(f"/proc/{above}/task/{above}/children").read_text().split()
        except OSError:
            continue
        found += map(int, below)
        todo += map(int, below)
    return found


def machines_of(pid):
    return [one for one in descendants(pid) if b"qemu-system" in command_of(one)]
