"""test_run_train.py - the training job of examples/: Debian's Python in an image, the seeds' default
policy as it stands, and a model that comes out."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import tap
from commands import CLEAN, WARD
from oci import Image
from python_image import layer
from sandboxes import RUNTIMES, needs_sandbox
from ward import ROOT


@needs_sandbox
class Trains(unittest.TestCase):
    def test_the_training_job(self):  # proves: CX-32
        """python /job/train.py, with /job read-only; the example's own files."""
        here = pathlib.Path(tempfile.mkdtemp(prefix="ward-train-"))
        self.addCleanup(shutil.rmtree, here)
        code = shutil.copytree(ROOT / "examples/jobs", here / "code")
        (code / "train.py").write_text((code / "train.py").read_text() + "\n" + "\n".join([
            "import os, errno",
            "for name in ('train.py', 'new'):",
            "    try:",
            "        open('/job/' + name, 'a')",
            "    except OSError as failure:",
            "        print('refused', failure.errno == errno.EROFS)"]))
        digest = Image(list(layer())).pack(here / "python.tar")
        subprocess.run([WARD, "image", "import", here / "python.tar", digest, "--images",
                        here / "images"], check=True, capture_output=True)
        spec = here / "train.toml"
        spec.write_text(re.sub("sha256:0+", digest, (code / "train.toml").read_text()))
        for runtime in RUNTIMES:
            with self.subTest(runtime=runtime):
                out = here / f"result-{runtime}"
                done = subprocess.run([WARD, "run", spec, "--job", code, "--output", out, "--images",
                                       here / "images", "--runtime", runtime, "--", "--steps", "300"],
                                      capture_output=True, check=False, env=CLEAN, text=True,
                                      timeout=200)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(re.findall("step (.*):", done.stdout), ["0", "100", "200"])
                self.assertEqual(done.stdout.count("refused True"), 2, done.stdout)
                model = json.loads((out / "model.json").read_text())
                self.assertAlmostEqual(model["slope"], 3, delta=0.1)
                self.assertAlmostEqual(model["offset"], -2, delta=0.1)
                self.assertLess(model["loss"], 0.01)


if __name__ == "__main__":
    tap.main()
