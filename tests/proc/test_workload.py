"""test_workload.py - a job in a sandbox opens an attested channel to a house: the house learns from the
evidence of the sandbox what it began with, and lets in the one that it was told of and no other.

In a network of its own: a fence leads to no loopback, so the house has another address."""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import tap
from job_house import WAIT_S
from house import WARD, until
from machines import Machines, kernel, needs_machine
from oci import Image
from sandboxes import needs_sandbox
from test_sandbox_evidence import Evidence
import workloads

ADDRESS = "192.0.2.7"


def setUpModule():
    if os.geteuid() != 0:
        return
    with contextlib.suppress(unittest.SkipTest):
        kernel()  # of the machines: from within that network nothing could be fetched
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(0x40000000) != 0:  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "no network of its own")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", f"{ADDRESS}/32", "dev", "lo"], check=True)


@needs_sandbox
class Workloads(Evidence):
    address, limits, isolation = ADDRESS, "", ""

    @classmethod
    def setUpClass(cls):
        cls.above = pathlib.Path(tempfile.mkdtemp(prefix="ward-workload-"))
        cls.addClassCleanup(shutil.rmtree, cls.above, ignore_errors=True)
        cls.images = cls.above / "images"
        cls.digest = Image(list(workloads.layer(workloads.compiled(cls.above)))).pack(cls.above / "image.tar")
        subprocess.run([WARD, "image", "import", cls.above / "image.tar", cls.digest, "--images",
                        cls.images], check=True, capture_output=True)
        cls.letting = cls.above / "channel.toml"
        cls.letting.write_text("hardware = true\n")
        cls.settings = ("--set", f"channel.policy={cls.letting}")

    def spec(self, agent="true", more=""):
        words = ["/bin/workload", f"wss://{ADDRESS}:{self.house.port}/v1/channel", "/job"]
        return (f'image = "{self.digest}"\ncommand = {json.dumps(words)}\n[resources]\nmemory = "64M"\n'
                f'disk = "16M"\n[resources.network_whitelist]\nhosts = ["{ADDRESS}"]\n'
                f'ports = [{self.house.port}]\n{self.limits}[sandbox_config]\nguest_agent = {agent}\n'
                f'{self.isolation}{more}')

    def given(self):
        """What the job knows of the house: its roots, and that nothing here is hardware."""
        folder = self.here / "given"
        if not folder.exists():
            folder.mkdir()
            shutil.copytree(self.folder_of_files() / "collateral", folder / "collateral")
            shutil.copy(self.folder_of_files() / "root.pem", folder)
            shutil.copy(self.house.state / "ca.pem", folder)
            (folder / "policy.toml").write_text(workloads.policy_of_house())
        return folder

    def let_in(self, spec):
        """From now on the sandboxes of this specification, and nobody else."""
        path = self.here / "spec.toml"
        path.write_text(spec)
        self.let_in_by(self.measure(path, "--job-folder", "--root", self.folder_of_files() / "root.pem"))

    def let_in_by(self, policy):
        before = self.house.log().count("channel.policy: in force")
        self.letting.write_text(policy)
        self.ward("reload")
        until(lambda: self.house.log().count("channel.policy: in force") > before, WAIT_S)

    def run_workload(self, spec):
        status, said = self.ask("POST", "/v1/job/submit", {
            "spec": spec, "images": str(self.images), "folder": str(self.given()), "arguments": []})
        self.assertEqual(status, 200, said)
        self.jobs.add(said["job_id"])
        return said["job_id"], self.wait_for(said["job_id"])

    def last(self, action):
        record = self.records(action)[-1]
        details = record["details"]
        return record, json.loads(details) if isinstance(details, str) else details

    def check_approved(self):
        spec = self.spec()
        self.let_in(spec)
        job, ended = self.run_workload(spec)
        log = self.log_of(job)
        self.assertEqual((ended["state"], ended["code"]), ("done", 0), log)
        self.assertIn(b"the house knows what this job is, and gave it a session", log)
        self.assertEqual(len(self.records("channel.open")), 1)
        self.assertEqual(len(self.records("session.grant")), 1)

    def test_the_one_that_was_approved(self):
        self.check_approved()

    def test_another_specification(self):
        """The same image and the same words: it may write more."""
        self.let_in(self.spec())
        job, ended = self.run_workload(self.spec(more='[sandbox_config.filesystem_policy]\ntmpfs_size = "2M"\n'))
        log = self.log_of(job)
        self.assertEqual((ended["state"], ended["code"]), ("failed", 1), log)
        self.assertIn(b"POLICY_EVENT", log)
        self.assertEqual(self.records("channel.open"), [])
        self.assertEqual(self.records("session.grant"), [])

    def test_a_house_that_names_its_root_alone(self):
        """Its own evidence would pass; that of its jobs is under the same root and does not."""
        root = (self.folder_of_files() / "root.pem").read_text()
        self.let_in_by(f'hardware = false\nroots = ["""{root}"""]\n')
        job, ended = self.run_workload(self.spec())
        log = self.log_of(job)
        self.assertEqual((ended["state"], ended["code"]), ("failed", 1), log)
        self.assertIn(b"POLICY_MEASUREMENT", log)
        self.assertEqual(self.records("channel.open"), [])

    def test_one_that_nobody_vouches_for(self):
        spec = self.spec(agent="false")
        self.let_in(spec)
        job, ended = self.run_workload(spec)
        self.assertEqual((ended["state"], ended["code"]), ("failed", 1), self.log_of(job))
        self.assertEqual(self.records("channel.open"), [])


@needs_machine
class OfMachines(Workloads):
    """The same in virtual machines, whose kernel is measured too."""

    limits, isolation = '[limits]\nmax_memory_bytes = "512M"\n', 'isolation_level = "vm"\n'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Machines.build(cls.images)

    test_the_one_that_was_approved = test_another_specification = test_one_that_nobody_vouches_for = None
    test_a_house_that_names_its_root_alone = None

    def test_a_machine_that_was_approved(self):
        self.check_approved()


if __name__ == "__main__":
    tap.main()
