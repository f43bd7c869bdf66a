"""test_measure.py - `ward measure`: what the evidence of a sandbox will be, worked out again here from the
same files; each thing that counts makes it another, and what counts for nothing does not."""

import hashlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import tomllib
import unittest

import fake_kernel
import tap
from commands import CLEAN, WARD, faults
from registers import extended, sha384, spoken

IMAGE = "ab" * 32
ZERO = "00" * 48


class Measures(unittest.TestCase):
    def setUp(self):
        self.here = pathlib.Path(tempfile.mkdtemp(prefix="ward-measure-"))
        self.addCleanup(shutil.rmtree, self.here, ignore_errors=True)
        self.images = self.here / "images"

    def spec(self, text=f'image = "sha256:{IMAGE}"\ncommand = ["/bin/x"]\n'):
        path = self.here / "spec.toml"
        path.write_text(text)
        return path

    def machine(self):
        return self.spec(f'image = "sha256:{IMAGE}"\ncommand = ["/bin/x"]\n[sandbox_config]\n'
                         'isolation_level = "vm"\n')

    def ward(self, *words, code=0):
        done = subprocess.run([WARD, *map(str, words)], capture_output=True, text=True, check=False,
                              timeout=60, env=CLEAN)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def measured(self, spec, *words):
        said = json.loads(self.ward("measure", spec, "--json", "--images", self.images, *words))
        self.assertEqual(faults("measure.json", said), [])
        return said

    def build(self, kernel=b""):
        made = fake_kernel.make(self.here / "kernel", self.here / "modules")
        with open(made[0], "ab") as file:
            file.write(kernel)
        self.ward("image", "build", *made, "--images", self.images)

    def test_a_container(self):
        spec = self.spec()
        said = self.measured(spec, "--id", "0f" * 16, "--", "a", "", "b c")
        arguments = hashlib.sha256(b"\1\0\0\0a\0\0\0\0\3\0\0\0b c").digest()
        events = [("compose-hash", hashlib.sha256(spec.read_bytes()).digest()),
                  ("image-digest", bytes.fromhex(IMAGE)), ("arguments-hash", arguments),
                  ("job-folder", b"none"), ("job-id", b"\x0f" * 16)]
        self.assertEqual(said, {
            "v": 1, "file": str(spec), "sandbox": "container", "mrtd": sha384(b"ward sandbox v1").hex(),
            "rtmr0": ZERO, "rtmr1": extended(sha384(bytes.fromhex(IMAGE))).hex(), "rtmr2": ZERO,
            "rtmr3": extended(*(spoken(*event) for event in events)).hex(),
            "compose_hash": events[0][1].hex(), "image_digest": IMAGE,
            "arguments_hash": arguments.hex(), "job_folder": "none", "job_id": "0f" * 16,
            "kernel_sha256": None, "initramfs_sha256": None, "command_line": None})

    def test_a_machine(self):
        self.build()
        said = self.measured(self.machine())
        kernel, initramfs = ((self.images / "machine" / name).read_bytes()
                             for name in ("kernel", "initramfs"))
        self.assertEqual((said["kernel_sha256"], said["initramfs_sha256"]),
                         (hashlib.sha256(kernel).hexdigest(), hashlib.sha256(initramfs).hexdigest()))
        self.assertEqual(said["rtmr1"], extended(sha384(hashlib.sha256(kernel).digest())).hex())
        self.assertEqual(said["rtmr2"], extended(sha384(hashlib.sha256(initramfs).digest()),
                                                 sha384(said["command_line"].encode())).hex())
        self.build(kernel=b"another")
        other = self.measured(self.machine())
        self.assertNotEqual(said.pop("rtmr1"), other.pop("rtmr1"))
        self.assertNotEqual(said.pop("kernel_sha256"), other.pop("kernel_sha256"))
        self.assertEqual(said, other)

    def test_two_lists_are_never_one(self):
        lists = [(), ("",), ("", ""), ("a",), ("a", ""), ("", "a"), ("ab",), ("a", "b"), ("a\x01b",), ("a b",)]
        hashes = {self.measured(self.spec(), "--", *words)["arguments_hash"] for words in lists}
        self.assertEqual(len(hashes), len(lists))

    def test_the_policy_is_one(self):
        """Read back by the reader of policies, whole: a made-up key is told, these are not."""
        subprocess.run([WARD, "sim", "make", self.here / "made"], check=True, capture_output=True)
        root = self.here / "made/sgx_root.pem"
        for words in ((), ("--id", "0f" * 16), ("--job-folder",), ("--root", root)):
            policy = self.here / "policy.toml"
            policy.write_text(self.ward("measure", self.spec(), *words))
            quote = self.here / "quote"
            quote.write_bytes(b"no quote")
            said = self.ward("verify", quote, "--policy", policy, code=1)
            self.assertNotIn("policy.toml", said)
            policy.write_text(policy.read_text().replace("job_folder", "job_folders"))
            self.assertIn("job_folder", self.ward("verify", quote, "--policy", policy, code=2))

    def test_a_root_is_one(self):
        """As it is, without what else stands in its file."""
        subprocess.run([WARD, "sim", "make", self.here / "made"], check=True, capture_output=True)
        root = (self.here / "made/sgx_root.pem").read_text()
        told = self.here / "told.pem"
        told.write_text(root + 'roots = ["""x"""]\n')
        self.assertIn(str(told), self.ward("measure", self.spec(), "--root", told, code=2))
        self.assertEqual(tomllib.loads(self.ward("measure", self.spec(), "--root",
                                                 self.here / "made/sgx_root.pem"))["roots"], [root])
        self.assertIn("--json", self.ward("measure", self.spec(), "--root", self.here / "made/sgx_root.pem",
                                          "--json", code=2))
        told.write_bytes(subprocess.run(["openssl", "x509", "-outform", "DER"], input=root.encode(),
                                        check=True, capture_output=True).stdout)
        self.assertIn("PEM", self.ward("measure", self.spec(), "--root", told, code=2))

    def test_what_cannot_be_measured(self):
        self.assertIn("spec check", self.ward("measure", self.spec("image = 1\n"), code=2))
        self.assertIn("--id", self.ward("measure", self.spec(), "--id", "0f" * 15, code=2))
        self.assertIn("--id", self.ward("measure", self.spec(), "--id", "zz" * 16, code=2))
        self.assertIn("ward image build",
                      self.ward("measure", self.machine(), "--images", self.images, code=2))
        self.ward("measure", self.here / "none.toml", code=2)
        self.build()
        (self.images / "machine/kernel").unlink()
        self.assertIn("ward image build",
                      self.ward("measure", self.machine(), "--images", self.images, code=2))


if __name__ == "__main__":
    tap.main()
