"""test_machine.py - the attested channel where a machine has nothing but its hypervisor to talk to:
over vsock, both ends in one guest, and over virtio-serial, Ward's end in the guest and the second
implementation outside. The guest is Debian's kernel under TCG, whatever this machine could do."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "cmd"))

import machines
import peer
import tap
from test_peer import PROGRAM, Talk, judge, quote

BUSYBOX = "/bin/busybox"
CHANNEL = machines.BUILD / "tests/lib_test_channel"
MODULES = ("vsock_loopback", "virtio_pci", "virtio_console")
# A port can be opened once.
INIT = """#!{busybox} sh
b={busybox}
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t debugfs debug /debug
$b ip link set lo up
for one in {modules}; do $b insmod /modules/$one.ko || $b poweroff -f; done
port=/dev/vport0p1
while ! [ -c $port ]; do $b sleep 0.1; done
# One whose other end is not known yet is at its end.
until $b grep -q "^host_connected: 1" /debug/virtio-ports/vport0p1; do $b sleep 0.1; done
echo "port: it is there"
{program} responder 12 gw {nonce} {secret} <>$port >&0 2>/port
$b sed 's/^/port: /' /port
{channel}
echo "vsock: $?"
$b poweroff -f
"""


def libraries(*programs):
    """What these load, as far as it is files."""
    said = subprocess.run(["ldd", *programs], check=True, capture_output=True, text=True).stdout
    return {pathlib.Path(path) for path in re.findall(r"(/\S+) \(0x", said)}


def initramfs():
    """The two programs where they are here, with what they load, and a shell that begins them."""
    needed = machines.modules(*MODULES)
    files = {"/init": INIT.format(busybox=BUSYBOX, modules=" ".join(needed), program=PROGRAM,
                                  channel=CHANNEL, nonce="55" * 32, secret="66" * 32).encode()}
    for path in {pathlib.Path(BUSYBOX), CHANNEL, PROGRAM} | libraries(CHANNEL, PROGRAM):
        files[str(path)] = path.read_bytes()
    files |= {f"/modules/{name}.ko": data for name, data in needed.items()}
    return machines.initramfs(files, folders=("/dev", "/proc", "/tmp", "/debug"))


class Outside(Talk):
    """The second implementation, at the host's end of the port."""

    def __init__(self, port):
        self.initiator = False
        self.channel = peer.Channel(b"\x77" * 32, b"\x18" * 32, quote=quote, judge=judge)
        self.process = self
        self.stdin = self.stdout = port


@unittest.skipUnless(os.path.exists(machines.QEMU) and os.path.exists(BUSYBOX), "QEMU and busybox")
class Guest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ward-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "initramfs").write_bytes(initramfs())
        self.machine, self.port = machines.booted(self.begin, "port: it is there\n")

    def begin(self):
        place = self.folder / "port"
        with socket.socket(socket.AF_UNIX) as listener:
            place.unlink(missing_ok=True)
            listener.bind(str(place))
            listener.listen(1)
            listener.settimeout(60)
            machine = subprocess.Popen(
                [machines.QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                 "-monitor", "none", "-serial", "stdio", "-accel", "tcg", "-cpu", "max", "-m", "256",
                 "-kernel", machines.kernel() / "kernel", "-initrd", self.folder / "initramfs",
                 "-append", "console=ttyS0 quiet", "-device", "virtio-serial-pci",
                 "-chardev", f"socket,id=port,path={place}",
                 "-device", "virtserialport,chardev=port,name=channel"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            self.addCleanup(machine.stdout.close)
            self.addCleanup(machine.wait, 30)
            self.addCleanup(machine.kill)
            port = listener.accept()[0]
        self.addCleanup(port.close)
        port.settimeout(120)
        return machine, port

    def hear(self, wanted):
        """What the guest says up to a line that has this."""
        heard = []
        for line in self.machine.stdout:
            heard.append(line.rstrip())
            if wanted in line:
                return heard
        self.fail("\n".join(heard))

    def test_over_vsock_and_virtio_serial(self):
        with self.port.makefile("rwb") as port:
            talk = Outside(port).shake()
            for size in (1, 1000, 60000):
                text = os.urandom(size)
                self.assertEqual(talk.echo(text), (peer.DATA, text))
            # Not what is next: from here on nothing of either end is heard.
            record = bytearray(talk.channel.send(b"it is not this"))
            record[-1] ^= 1
            talk.put(bytes(record))
            self.assertIn("port: ended CHANNEL_TAMPERED", self.hear("port: ")[-1])
        said = self.hear("vsock: ")
        self.assertEqual(said[-1], "vsock: 0", "\n".join(said))
        self.assertIn("[       OK ] over_vsock", said)
        self.assertFalse([line for line in said if "not tried" in line], said)
        self.assertEqual(self.machine.wait(60), 0)


if __name__ == "__main__":
    tap.main()
