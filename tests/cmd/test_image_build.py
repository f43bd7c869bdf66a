"""test_image_build.py - `ward image build`: what virtual machines begin with, the same to the byte for the
same files, read by others as it is meant, and whole or not at all."""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import fake_kernel
import tap
from commands import WARD, faults
from fake_kernel import NEEDED
from sandboxes import BUSYBOX

MIB = 1 << 20


class Builds(unittest.TestCase):
    def setUp(self):
        self.above = pathlib.Path(tempfile.mkdtemp(prefix="ward-build-"))
        self.addCleanup(shutil.rmtree, self.above, ignore_errors=True)
        self.images, self.kernel = self.above / "images", self.above / "vmlinuz"
        self.modules = self.above / "modules"
        fake_kernel.make(self.kernel, self.modules)

    def build(self, *options, code=0):
        done = subprocess.run([WARD, "image", "build", self.kernel, self.modules, "--images",
                               self.images, *options], capture_output=True, text=True, check=False,
                              timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def made(self, name="initramfs"):
        return self.images / "machine" / name

    def listed(self):
        done = subprocess.run([BUSYBOX, "cpio", "-t"], stdin=self.made().open("rb"),
                              capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    def test_what_is_made(self):
        told = json.loads(self.build("--json"))
        self.assertEqual(faults("image.json#/$defs/build", told), [])
        for name in ("kernel", "initramfs"):
            self.assertEqual(told[name], hashlib.sha256(self.made(name).read_bytes()).hexdigest())
        self.assertEqual(self.made("kernel").read_bytes(), self.kernel.read_bytes())
        names = [f"modules/{number:02}-{name.rpartition('/')[2]}.ko"
                 for number, name in enumerate(NEEDED)]
        self.assertEqual(self.listed(), ["modules", "init", *names])
        out = self.above / "out"
        out.mkdir()
        subprocess.run([BUSYBOX, "cpio", "-i"], stdin=self.made().open("rb"), cwd=out, check=True,
                       capture_output=True)
        self.assertEqual((out / names[0]).read_bytes(), NEEDED[0].encode())
        self.assertEqual((out / "init").read_bytes()[:4], b"\x7fELF")
        self.assertEqual(os.listdir(self.images), ["machine"])
        # No image of jobs is one of these.
        listed = subprocess.run([WARD, "image", "list", "--images", self.images, "--json"],
                                capture_output=True, check=True)
        self.assertEqual(json.loads(listed.stdout), {"images": []})

    def test_the_same_files_are_the_same_bytes(self):
        first = self.build()
        before = self.made().read_bytes()
        for path in (self.kernel, *self.modules.rglob("*")):
            os.utime(path, (1, 1))
            path.chmod(0o700)
        shutil.copytree(self.modules, self.above / "elsewhere")
        self.modules = self.above / "elsewhere"
        self.assertEqual(self.build(), first)
        self.assertEqual(self.made().read_bytes(), before)
        (self.modules / "kernel/fs/squashfs/squashfs.ko").write_bytes(b"another")
        self.assertNotEqual(self.build(), first)

    def test_what_the_kernel_has_in_itself(self):
        (self.modules / "kernel/fs/squashfs/squashfs.ko").unlink()
        self.assertIn("squashfs.ko", self.build(code=2))
        with (self.modules / "modules.builtin").open("a") as file:
            file.write("kernel/fs/squashfs/squashfs.ko\n")
        self.build()
        self.assertNotIn("modules/07-squashfs.ko", self.listed())

    def test_what_hides_paths_where_it_is_a_module(self):
        """A kernel may be without it; what is there is one of the files that are taken, or nothing is made."""
        self.build()
        self.assertNotIn("modules/12-fuse.ko", self.listed())
        module = self.modules / "kernel/fs/fuse/fuse.ko"
        module.parent.mkdir()
        module.write_bytes(b"of fuse")
        self.build()
        self.assertEqual(self.listed()[-1], "modules/12-fuse.ko")
        module.unlink()
        module.symlink_to("/etc/hostname")
        self.assertIn("fuse.ko", self.build(code=2))

    def test_what_is_refused(self):
        """What was there stays; at each limit it is taken, and a byte past it is not."""
        self.build()
        before = self.made().read_bytes(), self.made("kernel").read_bytes()
        module, builtin = self.modules / "kernel/fs/overlayfs/overlay.ko", self.modules / "modules.builtin"
        rows = [("bzImage", lambda: self.kernel.write_bytes(bytes(0x202) + b"HdrT")),
                ("bzImage", lambda: self.kernel.write_bytes(bytes(0x205))),
                ("vmlinuz", lambda: os.truncate(self.kernel, 64 * MIB + 1)),
                ("overlay.ko", lambda: os.truncate(module, 8 * MIB + 1)),
                ("overlay.ko", lambda: (module.unlink(), module.symlink_to("/etc/hostname"))),
                ("modules.builtin", lambda: os.truncate(builtin, MIB + 1)),
                ("modules.builtin", builtin.unlink)]
        for said, spoil in rows:
            with self.subTest(said=said):
                kept = self.above / "kept"
                shutil.copytree(self.modules, kept, symlinks=True)
                kernel = self.kernel.read_bytes()
                spoil()
                self.assertIn(said, self.build(code=2))
                self.assertEqual((self.made().read_bytes(), self.made("kernel").read_bytes()), before)
                self.assertEqual(os.listdir(self.images), ["machine"])
                shutil.rmtree(self.modules)
                kept.rename(self.modules)
                self.kernel.write_bytes(kernel)
        os.truncate(self.kernel, 64 * MIB)
        os.truncate(module, 8 * MIB)
        builtin.write_bytes(b"\n" * MIB)
        self.build()

    def test_a_folder_of_others(self):
        self.images.mkdir(mode=0o777)
        self.images.chmod(0o777)
        self.build(code=2)
        self.assertEqual(os.listdir(self.images), [])

    def test_whenever_it_is_killed(self):
        """Both are of the same build, the old one or the new one, and the next build removes the rest."""
        os.truncate(self.kernel, 32 * MIB)
        self.build()
        for moment in range(12):
            with self.kernel.open("r+b") as file:
                file.seek(0x300)
                file.write(bytes([moment + 1]))
            (self.modules / "kernel/fs/overlayfs/overlay.ko").write_bytes(bytes([moment + 1]))
            process = subprocess.Popen([WARD, "image", "build", self.kernel, self.modules, "--images",
                                        self.images], stdout=subprocess.DEVNULL)
            time.sleep(moment * 0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
            number = self.made("kernel").read_bytes()[0x300]
            with self.made().open("rb") as file:
                text = file.read()
            name = text.index(b"modules/08-overlay.ko\0")
            start = (name + len(b"modules/08-overlay.ko\0") + 3) // 4 * 4
            self.assertIn((number, text[start]), [(n, n) for n in range(1, 13)] + [(0, ord("f"))])
        self.build()
        self.assertEqual(os.listdir(self.images), ["machine"])


if __name__ == "__main__":
    tap.main()
