"""workloads.py - an image whose program proves to a house what its sandbox began with: that of
examples/workload.c, and what it is linked with."""

import hashlib
import pathlib
import subprocess

from oci import entry, folder
from python_image import linked
from ward import BUILD

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARIES = ("-lssl", "-lcrypto", "-lsodium", "-lcares", "-lwslay")


def compiled(into):
    """With the archive, so that of Ward's nothing else is needed."""
    program = into / "workload"
    subprocess.run(["cc", "-std=gnu17", "-O1", ROOT / "examples/workload.c", f"-I{ROOT / 'include'}",
                    BUILD.resolve() / "libward.a", *LIBRARIES, "-o", program], check=True)
    return program


def policy_of_house():
    """By which a job knows a house of this build: its root alone would be that of other jobs, too."""
    monitor = (BUILD.resolve() / "src/proc/ward-monitor").read_bytes()
    return f'hardware = false\n[tdx]\nmrtd = "{hashlib.sha384(monitor).hexdigest()}"\n'


def layer(program):
    yield folder("tmp", mode=0o1777)
    yield entry("bin/workload", program.read_bytes(), mode=0o755)
    for path in linked(program):
        yield entry(path[1:], pathlib.Path(path).read_bytes(), mode=0o755)
