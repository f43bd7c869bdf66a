"""pypi.py - packages of the Python Package Index that tests use: pinned with their hashes by
tests/pypi/requirements.txt, wheels alone, so nothing of theirs runs while they are installed.

    pycef = pypi.module("pycef")      the module, or a skip"""

import importlib
import importlib.util
import sys
import unittest

from pinned import Pinned



def pinned(name, here=None):
    return Pinned(name, ("requirements.txt",), "packages", [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile", "--target=packages",
        "--requirement=requirements.txt"], here=here)


PACKAGES = pinned("pypi")


def folder():
    """The folder of all packages."""
    if not PACKAGES.installed() and importlib.util.find_spec("pip") is None:
        raise unittest.SkipTest("pip")
    if not PACKAGES.installed() and not PACKAGES.install():
        raise unittest.SkipTest("PyPI, or what was fetched from it before")
    return PACKAGES.folder / "packages"


def module(name):
    path = str(folder())
    if path not in sys.path:
        sys.path.append(path)
    return importlib.import_module(name)
