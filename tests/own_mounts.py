"""own_mounts.py - a test program whose mounts are nobody else's.

    own_mounts.enter()     in __main__, before anything else
    own_mounts.has_fuse()  in a test that mounts one
"""

import os
import sys

from own_network import works

STAGE = "WARD_TEST_MOUNTS"


def enter():
    """Starts this program anew with mounts of its own, where that can be had."""
    if STAGE in os.environ:
        return
    words = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    if works(words):
        os.environ[STAGE] = "done"
        os.execvp(words[0], [*words, sys.executable, "-B", *sys.argv])


def has_fuse():
    return STAGE in os.environ and os.access("/dev/fuse", os.R_OK | os.W_OK)
