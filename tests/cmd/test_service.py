"""test_service.py - the house under a service manager: it says when it is ready and when it
stops, ends on SIGTERM with everything that it started, and its unit is as hard as documented."""

import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import contract
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

    def __init__(self, folder, notify=None, more=None, words=()):
        self.folder = pathlib.Path(folder)
        self.state = self.folder / "state"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(self.folder / "notify"))
        self.manager.settimeout(20)
        env = dict(os.environ, NOTIFY_SOCKET=notify or str(self.folder / "notify"), **(more or {}))
        self.errors = open(self.folder / "errors", "w+", encoding="utf-8")
        self.up = subprocess.Popen(
            [BUILD / "ward", "up", "--foreground", "--state", self.state, "--listen",
             f"127.0.0.1:{free_port()}", *words], env=env, stdout=subprocess.PIPE, stderr=self.errors,
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
            self.assertEqual(len(house), 10)
            self.assertTrue(all(map(lives, house)))
            service.up.send_signal(signal.SIGTERM)
            self.assertEqual(service.heard(), "STOPPING=1\n")
            self.assertEqual(service.up.wait(20), 0)
            self.assertFalse(any(map(lives, house)))

    def test_ready_is_told_once_it_serves(self):
        with tempfile.TemporaryDirectory() as folder, Service(folder) as service:
            self.assertEqual(service.heard(), "READY=1\n")
            with contract.Watched(socket.socket(socket.AF_UNIX)) as owner:
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


class Reload(unittest.TestCase):
    def test_reloading_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "ward.toml"
            file.write_text("[limit]\nidle_seconds = 60\n")
            with Service(folder, words=("-c", file)) as service:
                self.assertEqual(service.heard(), "READY=1\n")
                for text, word in (("[limit]\nidle_seconds = 61\n", "up: reloaded"),
                                   ("[limit]\nidle_seconds = x\n", "up: reload refused")):
                    file.write_text(text)
                    service.up.send_signal(signal.SIGHUP)
                    self.assertRegex(service.heard(), r"^RELOADING=1\nMONOTONIC_USEC=\d+\n$")
                    self.assertEqual(service.heard(), "READY=1\n")
                    self.assertIn(word, (service.folder / "errors").read_text())
                service.up.send_signal(signal.SIGTERM)
                self.assertEqual(service.heard(), "STOPPING=1\n")
                self.assertEqual(service.up.wait(30), 0)
                self.assertIn("reloaded changed=1\n", (service.state / "ward.log").read_text())


class Watchdog(unittest.TestCase):
    def test_it_is_well_while_it_answers(self):
        """A front that is frozen is not well, and well again when it goes on."""
        with tempfile.TemporaryDirectory() as folder, \
                Service(folder, more={"WATCHDOG_USEC": "400000"}) as service:
            self.assertEqual(service.heard(), "READY=1\n")
            self.assertEqual(service.heard(), "WATCHDOG=1\n")
            log = (service.state / "ward.log").read_text()
            front = int(re.search(r"ready name=front pid=(\d+)", log)[1])
            os.kill(front, signal.SIGSTOP)
            try:
                end = time.monotonic() + 60
                while "does not answer" not in (service.folder / "errors").read_text():
                    self.assertLess(time.monotonic(), end)
                    time.sleep(0.05)
                service.manager.setblocking(False)
                with self.assertRaises(BlockingIOError):
                    for _ in range(1000):  # what was said before it froze
                        service.heard()
                service.manager.settimeout(60)
            finally:
                os.kill(front, signal.SIGCONT)
            self.assertEqual(service.heard(), "WATCHDOG=1\n")

    def test_nobody_who_wants_to_hear(self):
        """No period, one that is none, or another process's: only READY and STOPPING are told."""
        for more in ({}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "-5"}, {"WATCHDOG_USEC": "x"},
                     {"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}):
            with self.subTest(more), tempfile.TemporaryDirectory() as folder, \
                    Service(folder, more=more) as service:
                self.assertEqual(service.heard(), "READY=1\n")
                time.sleep(0.1)
                service.up.send_signal(signal.SIGTERM)
                self.assertEqual(service.heard(), "STOPPING=1\n")
                self.assertEqual(service.up.wait(30), 0)


LAUNCHER = """
import os, sys
given = [int(word) for word in sys.argv[1].split(",") if word]
moved = [os.dup(fd) for fd in given]
moved = [os.dup2(fd, 100 + at) for at, fd in enumerate(moved)]
for at, fd in enumerate(moved):
    os.dup2(fd, 3 + at)
os.environ["LISTEN_PID"] = os.environ.get("LISTEN_PID") or str(os.getpid())
os.environ["LISTEN_FDS"] = os.environ.get("LISTEN_FDS") or str(len(given))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Activation(unittest.TestCase):
    """Sockets that somebody else opened: sd_listen_fds(3)."""

    def up(self, folder, sockets, *words, **more):
        state = pathlib.Path(folder) / "state"
        fds = [each.fileno() for each in sockets]
        return subprocess.run(
            ["python3", "-c", LAUNCHER, ",".join(map(str, fds)), BUILD / "ward", "up", "--state",
             state, *words], pass_fds=fds, env=dict(os.environ, **more), capture_output=True,
            text=True, timeout=90, check=False)

    def gone(self, folder):
        return subprocess.run([BUILD / "ward", "down", "--state", pathlib.Path(folder) / "state",
                               "--purge", "--yes"], capture_output=True, timeout=90, check=False)

    def ping(self, folder, port, host="127.0.0.1"):
        trust = ssl.create_default_context(cafile=pathlib.Path(folder) / "state/ca.pem")
        with socket.create_connection((host, port), 30) as plain, \
                contract.Watched(trust.wrap_socket(plain, server_hostname="localhost")) as tls:
            tls.sendall(b"GET /v1/system/ping?text=hi HTTP/1.1\r\nHost: x\r\n"
                        b"Connection: close\r\n\r\n")
            return tls.recv(65536)

    @staticmethod
    def listener(host="127.0.0.1", family=socket.AF_INET):
        one = socket.socket(family)
        one.bind((host, 0))
        one.listen()
        return one

    def test_a_listener_is_taken(self):
        """Alone under any name, or by its name among others; the house goes and comes, and who
        connects in between waits in the socket."""
        rows = {"alone": (1, 0, {}),
                "alone, by the unit's name": (1, 0, {"LISTEN_FDNAMES": "ward.socket"}),
                "second of three": (3, 1, {"LISTEN_FDNAMES": "a:tls:b"}),
                "last of sixteen": (16, 15, {"LISTEN_FDNAMES": ":" * 15 + "tls"})}
        for name, (count, which, more) in rows.items():
            many = [self.listener() for _ in range(count)]
            port = many[which].getsockname()[1]
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                try:
                    done = self.up(folder, many, **more)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(done.stdout, f"https://127.0.0.1:{port}\n")
                    self.assertIn(b"200 OK", self.ping(folder, port))
                    reload = subprocess.run([BUILD / "ward", "reload", "--state",
                                             pathlib.Path(folder) / "state"], capture_output=True,
                                            text=True, check=False)
                    self.assertEqual((reload.returncode, reload.stdout, reload.stderr), (0, "", ""))
                    stop = subprocess.run([BUILD / "ward", "down", "--state",
                                           pathlib.Path(folder) / "state"], check=False)
                    self.assertEqual(stop.returncode, 0)
                    with socket.create_connection(("127.0.0.1", port), 30):
                        pass  # the socket is still there, and takes who comes
                    self.assertEqual(self.up(folder, many, **more).returncode, 0)
                    self.assertIn(b"200 OK", self.ping(folder, port))
                finally:
                    self.gone(folder)
                    for each in many:
                        each.close()

    def test_ipv6(self):
        try:
            one = self.listener("::1", socket.AF_INET6)
        except OSError:
            one = None
        if one is None:  # a machine without it: nothing can be listened on there either
            self.assertFalse(pathlib.Path("/proc/net/if_inet6").exists() and
                             "00000001" in pathlib.Path("/proc/net/if_inet6").read_text())
            return
        with one, tempfile.TemporaryDirectory() as folder:
            try:
                done = self.up(folder, [one])
                port = one.getsockname()[1]
                self.assertEqual(done.stdout, f"https://[::1]:{port}\n", done.stderr)
                self.assertIn(b"200 OK", self.ping(folder, port, "::1"))
            finally:
                self.gone(folder)

    def test_refusals(self):
        """What was handed over and cannot be used is said, and nothing is made."""
        with self.listener() as one, self.listener() as two, socket.socket() as deaf, \
                socket.socket(type=socket.SOCK_DGRAM) as datagrams, \
                socket.socket(socket.AF_UNIX) as local, open("/dev/null", "rb") as file:
            deaf.bind(("127.0.0.1", 0))
            local.bind("")
            local.listen()
            rows = {
                "two without a name": ([one, two], {}, 3, "2 sockets were handed over, and none"),
                "two of one name": ([one, two], {"LISTEN_FDNAMES": "tls:tls"}, 3, "more than one"),
                "a name past the last": ([one, two], {"LISTEN_FDNAMES": "a:b:tls"}, 3, "none"),
                "does not listen": ([deaf], {}, 3, "descriptor 3 is no TCP socket"),
                "datagrams": ([datagrams], {}, 3, "no TCP socket"),
                "of this machine": ([local], {}, 3, "no TCP socket"),
                "a file": ([file], {}, 3, "no TCP socket"),
                "the second one": ([one, file], {"LISTEN_FDNAMES": "a:tls"}, 3, "descriptor 4"),
                "not open": ([], {"LISTEN_FDS": "1"}, 3, "no TCP socket"),
                "too many": ([one], {"LISTEN_FDS": "17"}, 3, "1 to 16"),
                "no number": ([one], {"LISTEN_FDS": "1x"}, 3, "LISTEN_FDS"),
            }
            for name, (sockets, more, code, word) in rows.items():
                with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                    try:
                        done = self.up(folder, sockets, **more)
                        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
                        self.assertIn(word, done.stderr)
                        self.assertEqual(os.listdir(folder), [])
                    finally:
                        self.gone(folder)
            with tempfile.TemporaryDirectory() as folder:
                done = self.up(folder, [one], "--listen", "127.0.0.1:1")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(os.listdir(folder), [])

    def test_another_process_is_meant(self):
        """Then the sockets are nobody's, and the address that is set counts."""
        for more in ({"LISTEN_PID": "1"}, {"LISTEN_PID": "x"}, {"LISTEN_FDS": "0"}):
            with self.subTest(more), self.listener() as one, \
                    tempfile.TemporaryDirectory() as folder:
                try:
                    port = free_port()
                    done = self.up(folder, [one], "--listen", f"127.0.0.1:{port}", **more)
                    self.assertEqual(done.stdout, f"https://127.0.0.1:{port}\n", done.stderr)
                finally:
                    self.gone(folder)

    def test_by_systemd_itself(self):
        """systemd-socket-activate starts the house at the first connection."""
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            activate = subprocess.Popen(
                ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=tls",
                 BUILD / "ward", "up", "--foreground", "--state", f"{folder}/state"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            try:
                end = time.monotonic() + 60
                while True:
                    try:
                        first = socket.create_connection(("127.0.0.1", port), 60)
                        break
                    except ConnectionRefusedError:
                        self.assertLess(time.monotonic(), end)
                        time.sleep(0.05)
                self.assertEqual(activate.stdout.readline(), f"https://127.0.0.1:{port}\n")
                trust = ssl.create_default_context(cafile=f"{folder}/state/ca.pem")
                with first, trust.wrap_socket(first, server_hostname="localhost") as tls:
                    self.assertEqual(tls.version(), "TLSv1.3")
                activate.send_signal(signal.SIGTERM)
                self.assertEqual(activate.wait(60), 0)
            finally:
                self.gone(folder)
                if activate.poll() is None:
                    activate.kill()
                activate.communicate()


class Unit(unittest.TestCase):
    def test_the_program_is_where_it_is_installed(self):
        command = re.search(r"^ExecStart=(\S+)", UNIT.read_text(), re.M)[1]
        self.assertTrue(command.startswith("/") and command.endswith("/bin/ward"), command)

    def test_the_socket_has_the_name_that_is_looked_for(self):
        text = (BUILD / "packaging/ward.socket").read_text()
        self.assertRegex(text, r"(?m)^FileDescriptorName=tls$")
        self.assertRegex(text, r"(?m)^ListenStream=127\.0\.0\.1:8443$")

    def test_reload_is_the_command_that_tells(self):
        self.assertRegex(UNIT.read_text(), r"(?m)^ExecReload=/\S+/bin/ward reload --state /var/lib/ward$")

    def test_exposure_is_what_the_guide_says(self):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT],
                              capture_output=True, text=True, check=False)
        figure = re.search(r"Overall exposure level for ward.service: ([0-9.]+)", done.stdout)[1]
        guide = (ROOT / "docs/operating.md").read_text()
        self.assertEqual(figure, re.search(r"exposure level of the unit is ([0-9.]+)\b", guide)[1])
        self.assertNotIn("Unknown", done.stderr)


if __name__ == "__main__":
    tap.main()
