"""python_image.py - Debian's Python as the layer of an image: the program, what it is linked with,
and its library."""

import pathlib
import re
import subprocess

from oci import entry, folder

PYTHON, LIBRARY = pathlib.Path("/usr/bin/python3.11"), pathlib.Path("/usr/lib/python3.11")
LEFT_OUT = {"__pycache__", "test", "dist-packages", "idlelib", "lib2to3", "ensurepip", "tkinter",
            "config-3.11-x86_64-linux-gnu"}


def linked(*programs):
    """The libraries of programs and of modules."""
    found = set()
    for program in programs:
        words = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        found |= set(re.findall(r"(/lib\S+)", words))
    return sorted(found)


def layer(*modules):
    """`modules` are those of the library whose own libraries are needed too, as "_ssl"."""
    yield folder("tmp", mode=0o1777)
    yield entry("usr/local/bin/python", PYTHON.read_bytes(), mode=0o755)
    more = (path for name in modules for path in (LIBRARY / "lib-dynload").glob(f"{name}.*"))
    for path in linked(PYTHON, *more):
        yield entry(path[1:], pathlib.Path(path).read_bytes(), mode=0o755)
    for path in sorted(LIBRARY.rglob("*")):
        if path.is_file() and not path.is_symlink() and not LEFT_OUT & set(path.parts):
            yield entry(str(path)[1:], path.read_bytes())
