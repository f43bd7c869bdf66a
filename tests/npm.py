"""npm.py - programs of npm's registry that tests use: pinned with their hashes by
tests/npm/package-lock.json, installed once into the build folder, without running anything of
theirs.

    command = npm.program("@redocly/cli/bin/cli.js")      words to run it with, or a skip"""

import os
import shutil
import unittest

from pinned import Pinned

# Says nothing to anybody, and does not look whether it is the newest.
QUIET = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
         "NO_UPDATE_NOTIFIER": "1", "CI": "true"}
PACKAGES = Pinned("npm", ("package.json", "package-lock.json"), "node_modules",
                  ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], env=QUIET)


def modules():
    """The folder of all packages."""
    if shutil.which("node") is None or (not PACKAGES.installed() and shutil.which("npm") is None):
        raise unittest.SkipTest("node and npm")
    if not PACKAGES.installed() and not PACKAGES.install():
        raise unittest.SkipTest("npm's registry, or what was fetched from it before")
    return PACKAGES.folder / "node_modules"


def program(path):
    return ["node", modules() / path]
