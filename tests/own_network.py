"""own_network.py - a test program in a network with nothing but a loopback.

    own_network.enter()      in __main__, before anything else
    own_network.is_entered() in a test that wants no other
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

STAGE = "WARD_TEST_NETWORK"


def raise_loopback():
    """It begins as down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS


def works(words):
    return shutil.which(words[0]) and not subprocess.run(
        [*words, "true"], capture_output=True, check=False).returncode


def enter():
    """Starts this program anew in such a network, where that can be had: root moves there, others
    by way of a root that is worth nothing outside."""
    again = [sys.executable, "-B", *sys.argv]
    stage, user = os.environ.get(STAGE, ""), f"{os.geteuid()} {os.getegid()}"
    if stage == "":
        root = os.geteuid() == 0
        words = ["unshare", "--net"] if root else ["unshare", "--map-root-user", "--net"]
        if works(words):
            os.environ[STAGE] = "root" if root else user
            os.execvp(words[0], [*words, *again])
    elif stage != "done":
        raise_loopback()
        os.environ[STAGE] = "done"
        if stage != "root":
            uid, gid = stage.split()
            os.execvp("unshare", ["unshare", "--user", f"--map-user={uid}", f"--map-group={gid}",
                                  *again])


def leads_out(path, column):
    with open(path, encoding="ascii") as routes:
        return any(line.split()[column] not in ("lo", "Iface") for line in routes)


def is_entered():
    return not leads_out("/proc/net/route", 0) and not leads_out("/proc/net/ipv6_route", -1)
