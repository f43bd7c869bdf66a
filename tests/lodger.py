"""lodger.py - a house of its own for a test in Python: started with `ward up` in a new folder on
a free port, asked over the owner's socket or over TLS, its log read as it lies on the disk, and
gone afterwards whatever the test did."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse

import contract
from unix_http import UnixConnection

BUILD = pathlib.Path(os.environ.get("WARD_BUILD", "build"))
WARD = BUILD / "ward"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def can_be_started():
    """A house from an instrumented build cannot enter its jail."""
    options = subprocess.run(["meson", "introspect", "--buildoptions", str(BUILD)],
                             capture_output=True, check=True).stdout
    return any(row["name"] == "b_sanitize" and row["value"] == "none"
               for row in json.loads(options))


def wait_for(what, seconds=30):
    """Asks again and again until the answer is true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("it did not come")
        time.sleep(0.02)


class House:
    """with House() as house: ..."""

    def __init__(self, folder=None, programs=BUILD):
        self.own, self.ward = folder is None, programs / "ward"
        self.above = pathlib.Path(folder or tempfile.mkdtemp(prefix="ward-"))
        self.state = self.above / "state"
        self.port = free_port()
        self.held = []

    def command(self, *words, timeout=60, **more):
        return subprocess.run([str(self.ward), *words, "--state", str(self.state)], timeout=timeout,
                              capture_output=True, check=False, **more)

    def up(self, *words):
        done = self.command("up", "--listen", f"127.0.0.1:{self.port}", *words)
        if done.returncode != 0:
            log = self.state / "ward.log"
            said = log.read_text() if log.exists() else ""
            raise AssertionError(f"exit {done.returncode}: {done.stderr.decode()}{said}")

    def down(self):
        done = self.command("down")
        if done.returncode != 0:
            raise AssertionError(f"exit {done.returncode}: {done.stderr.decode()}")

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.clear()
            raise
        return self

    def __exit__(self, *_):
        self.clear()

    def clear(self):
        for process in self.held:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
        self.command("down", "--purge", "--yes")
        if self.own:
            shutil.rmtree(self.above, ignore_errors=True)

    def monitor(self):
        return int((self.state / "run/lock").read_text().split()[0])

    def process(self, name):
        """The number of a process of this house and of no other: the monitor's child."""
        children = pathlib.Path(f"/proc/{self.monitor()}/task/{self.monitor()}/children")
        for number in children.read_text().split():
            with contextlib.suppress(OSError):
                if pathlib.Path(f"/proc/{number}/comm").read_text().strip() == f"ward-{name}":
                    return int(number)
        return None

    def hold(self, name):
        """SIGSTOP; `clear` lets it go on."""
        number = self.process(name)
        self.held.append(number)
        os.kill(number, signal.SIGSTOP)
        return number

    def kill(self, name):
        number = self.process(name)
        os.kill(number, signal.SIGKILL)
        return number

    def ask(self, path, query=None, owner=True, headers=None, method="GET", timeout=10):
        """(status, object) of a call over REST."""
        status, said = self.fetch(path, query, owner, headers, method, timeout)
        return status, json.loads(said)

    def fetch(self, path, query=None, owner=True, headers=None, method="GET", timeout=10):
        """(status, bytes) of one that answers as it is written down."""
        if owner:
            link = UnixConnection(self.state / "run/ward.sock", timeout)
        else:
            trust = ssl.create_default_context(cafile=self.state / "ca.pem")
            trust.set_alpn_protocols(["http/1.1"])
            link = http.client.HTTPSConnection("localhost", self.port, timeout=timeout,
                                               context=trust)
        with contextlib.closing(link):
            text = "?" + urllib.parse.urlencode(query) if query else ""
            body = b"{}" if method == "POST" else None
            headers = dict(headers or {}, **({"content-type": "application/json"} if body else {}))
            status, _, said = contract.ask(link, method, f"/v1/{path}{text}", body, headers)
            return status, said

    def records(self, action=None):
        """What lies in the log now; a line that is being written is none yet."""
        text = (self.state / "audit/security.log").read_bytes()
        rows = [json.loads(line) for line in text.split(b"\n")[:-1]]
        return [row for row in rows if action in (None, row["action"])]
