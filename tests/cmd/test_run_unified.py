"""test_run_unified.py - jobs where control groups are of version 2 alone, as Debian boots: a machine of
Debian's kernel under TCG, whose files are those of this one, runs tests of `ward run` itself. What it
writes stays in its memory. With WARD_FULL all that have to do with limits and with what is left behind."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import machines
import tap
from machines import BUILD, QEMU, needs_machine
from ward import ROOT

BUSYBOX = "/bin/busybox"
SERVER = "/usr/lib/qemu/virtiofsd"
MODULES = ("virtio_pci", "virtiofs", "overlay", "loop", "ext4", "tun")
FULL = "WARD_FULL" in os.environ
WHOLE_S = 6000 if FULL else 1200
TESTS = ["test_run_limits", "test_run", "test_run_killed", "test_run_stubborn"] if FULL else [
    *(f"test_run_limits.Limits.{name}" for name in (
        "test_memory", "test_memory_of_a_child_ends_the_job", "test_processes", "test_processors")),
    "test_run.Runs.test_killed_runs_are_swept"]
# Images lie on ext4: of this kernel nothing in memory can show its files with other owners.
INIT = """#!{busybox} sh
b={busybox}
echo "it is up"
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
for one in {modules}; do $b insmod /modules/$one.ko || $b poweroff -f; done
$b mount -t virtiofs -o ro host /low
$b mount -t tmpfs above /above
$b mkdir /above/files /above/work
$b mount -t overlay -o lowerdir=/low,upperdir=/above/files,workdir=/above/work root /new
for kind in proc sysfs:sys devtmpfs:dev tmpfs:run tmpfs:var/lib; do
    at=/new/${{kind#*:}}
    $b mkdir -p $at
    $b mount -t ${{kind%:*}} none $at
done
groups=/new/sys/fs/cgroup
$b mount -t cgroup2 none $groups
for one in cpu memory pids; do echo +$one >$groups/cgroup.subtree_control; done
$b ip link set lo up
exec $b switch_root /new /bin/sh -c '{then}; {busybox} poweroff -f'
"""
THEN = """cd {root}
mkdir -p /run/images
truncate -s 1G /run/disk && mke2fs -q -t ext4 -O ^has_journal /run/disk && mount -o loop /run/disk /run/images
export {exports}
{python} -B -m unittest -v {tests} 2>&1
echo "ended: $?\""""


class Guest:
    """with Guest(folder, script) as lines: what it says; files of this machine can only be read there."""

    def __init__(self, folder, script):
        self.place, self.words, self.script = folder / "files", folder / "initramfs", script

    def initramfs(self):
        needed = machines.modules(*MODULES)
        init = INIT.format(busybox=BUSYBOX, modules=" ".join(needed), then=self.script)
        files = {"/init": init.encode(), BUSYBOX: pathlib.Path(BUSYBOX).read_bytes()}
        files |= {f"/modules/{name}.ko": data for name, data in needed.items()}
        return machines.initramfs(files, folders=("/dev", "/proc", "/low", "/above", "/new"))

    def begin(self):
        """The server of files goes with the machine that it serves."""
        self.place.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.place))
            listener.listen(1)
            server = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", f'mount -o remount,bind,ro / && exec {SERVER} -f "$@"', "-",
                 f"--fd={listener.fileno()}", "-o", "source=/,sandbox=chroot,cache=always"],
                pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        machine = subprocess.Popen(
            [QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none",
             "-serial", "stdio", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "4G",
             "-machine", "q35,memory-backend=all", "-object", "memory-backend-memfd,id=all,size=4G,share=on",
             "-kernel", machines.kernel() / "kernel", "-initrd", self.words, "-append", "console=ttyS0 quiet",
             "-chardev", f"socket,id=files,path={self.place}",
             "-device", "vhost-user-fs-pci,chardev=files,tag=host"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")
        return machine, server

    def __enter__(self):
        self.words.write_bytes(self.initramfs())
        self.machine, self.server = machines.booted(self.begin, "it is up\n")
        self.late = threading.Timer(WHOLE_S, self.machine.kill)
        self.late.start()
        return self.machine.stdout

    def __exit__(self, *_):
        self.late.cancel()
        for process in (self.machine, self.server):
            process.kill()
            process.wait()
        self.machine.stdout.close()


@needs_machine
@unittest.skipUnless(os.path.exists(SERVER) and os.path.exists(BUSYBOX), "virtiofsd and busybox")
class Unified(unittest.TestCase):
    def test_of_ward_run(self):
        paths = ":".join(str(ROOT / "tests" / name) for name in ("", "cmd", "proc"))
        exports = (f"HOME=/root TMPDIR=/run/images PYTHONPATH={paths} PYTHONWARNINGS=ignore WARD_BUILD={BUILD} "
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
        script = THEN.format(root=ROOT, exports=exports, python=sys.executable, tests=" ".join(TESTS))
        with tempfile.TemporaryDirectory(prefix="ward-") as folder, \
                Guest(pathlib.Path(folder), script) as lines:
            said = []
            for line in lines:
                said.append(line)
                if line.startswith("ended: "):
                    break
        said = "".join(said)
        self.assertIn("\nended: 0\n", said, said)
        ran = int(re.search(r"Ran (\d+) tests", said)[1])
        self.assertGreaterEqual(ran, len(TESTS))
        self.assertNotIn("skipped", said)
        print(f"# {ran} tests", flush=True)


if __name__ == "__main__":
    tap.main()
