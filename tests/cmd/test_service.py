"""test_service.py - the house under a service manager: it says when it is ready and when it
stops, ends on SIGTERM with everything that it started, and its unit is as hard as documented."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("WARD_BUILD", ROOT / "build")).resolve()
UNIT = BUILD / "packaging/ward.service"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """`ward up --foreground` in a folder of its own, with a manager that listens."""

    def __init__(self, folder, notify=None):
        self.folder = pathlib.Path(folder)
        self.state = self.folder / "state"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(self.folder / "notify"))
        self.manager.settimeout(20)
        env = dict(os.environ, NOTIFY_SOCKET=notify or str(self.folder / "notify"))
        self.errors = open(self.folder / "errors", "w+", encoding="utf-8")
        self.up = subprocess.Popen(
            [BUILD / "ward", "up", "--foreground", "--state", self.state, "--listen",
             f"127.0.0.1:{free_port()}"], env=env, stdout=subprocess.PIPE, stderr=self.errors,
            text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([BUILD / "ward", "down", "--state", self.state, "--purge", "--yes"],
                       check=False, capture_output=True)
        if self.up.poll() is None:
            self.up.kill()
        self.up.communicate()
        self.manager.close()
        self.errors.close()

    def heard(self):
        return self.manager.recv(4096).decode()

    def monitor(self):
        return int((self.state / "run/lock").read_text().split()[0])

    def holders(self):
        """Processes anywhere that have this state folder's lock open."""
        for link in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
            try:
                if os.readlink(link) == str(self.state / "run/lock"):
                    yield link
            except OSError:
                continue

    def children(self):
        """The processes of the house that its log says are ready."""
        log = self.state / "ward.log"
        text = log.read_text() if log.exists() else ""
        return [int(pid) for pid in re.findall(r"ready name=\S+ pid=(\d+)", text)]


def lives(pid):
    """Not ended, and not merely waiting to be waited for."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Foreground(unittest.TestCase):
    def test_ready_and_stopping_are_told(self):
        with tempfile.TemporaryDirectory() as folder, Service(folder) as service:
            self.assertEqual(service.heard(), "READY=1\n")
            house = [service.monitor(), *service.children()]
            self.assertEqual(len(house), 6)
            self.assertTrue(all(map(lives, house)))
            service.up.send_signal(signal.SIGTERM)
            self.assertEqual(service.heard(), "STOPPING=1\n")
            self.assertEqual(service.up.wait(20), 0)
            self.assertFalse(any(map(lives, house)))

    def test_ready_is_told_once_it_serves(self):
        with tempfile.TemporaryDirectory() as folder, Service(folder) as service:
            self.assertEqual(service.heard(), "READY=1\n")
            with socket.socket(socket.AF_UNIX) as owner:
                owner.connect(str(service.state / "run/ward.sock"))
                owner.sendall(b"GET /v1/system/version HTTP/1.1\r\nHost: x\r\n"
                              b"Connection: close\r\n\r\n")
                owner.settimeout(10)
                self.assertTrue(owner.recv(65536).startswith(b"HTTP/1.1 200 "))

    def test_many_signals_are_one(self):
        with tempfile.TemporaryDirectory() as folder, Service(folder) as service:
            self.assertEqual(service.heard(), "READY=1\n")
            for _ in range(50):
                if service.up.poll() is None:
                    service.up.send_signal(signal.SIGTERM)
            self.assertEqual(service.up.wait(20), 0)

    def test_ended_at_any_moment_of_the_start(self):
        """Too early there is no house yet; from then on none is left behind."""
        for ms in (0, 2, 5, 10, 20, 40, 60, 80, 100, 150):
            with self.subTest(ms), tempfile.TemporaryDirectory() as folder, \
                    Service(folder) as service:
                time.sleep(ms / 1000)
                service.up.send_signal(signal.SIGTERM)
                self.assertIn(service.up.wait(40), (0, -signal.SIGTERM))
                self.assertFalse(any(map(lives, service.children())))
                self.assertEqual(list(service.holders()), [])

    def test_a_monitor_that_dies_is_a_failure(self):
        with tempfile.TemporaryDirectory() as folder, Service(folder) as service:
            self.assertEqual(service.heard(), "READY=1\n")
            os.kill(service.monitor(), signal.SIGKILL)
            self.assertEqual(service.up.wait(20), 70)

    def test_a_manager_that_does_not_listen_stops_nothing(self):
        for name in ("/nonexistent/notify", "relative", "@", "@ward-nobody-" + "x" * 200):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder, \
                    Service(folder, name) as service:
                self.assertTrue(service.up.stdout.readline().startswith("https://"))
                service.up.send_signal(signal.SIGTERM)
                self.assertEqual(service.up.wait(20), 0)
                service.errors.seek(0)
                self.assertIn("does not listen", service.errors.read())


class Unit(unittest.TestCase):
    def test_the_program_is_where_it_is_installed(self):
        command = re.search(r"^ExecStart=(\S+)", UNIT.read_text(), re.M)[1]
        self.assertTrue(command.startswith("/") and command.endswith("/bin/ward"), command)

    def test_exposure_is_what_the_guide_says(self):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT],
                              capture_output=True, text=True, check=False)
        figure = re.search(r"Overall exposure level for ward.service: ([0-9.]+)", done.stdout)[1]
        guide = (ROOT / "docs/operating.md").read_text()
        self.assertEqual(figure, re.search(r"exposure level of the unit is ([0-9.]+)\b", guide)[1])
        self.assertNotIn("Unknown", done.stderr)


if __name__ == "__main__":
    tap.main()
