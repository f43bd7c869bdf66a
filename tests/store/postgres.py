"""postgres.py - a PostgreSQL server of a test's own: a cluster in a temporary folder, a unix
socket only, everything written through as in production, gone afterwards.

    with postgres.Server() as server: ... server.conninfo ...

As a program it serves a test in C: prints the conninfo, and stops when its input ends."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NAMES = ("postgres", "nobody")


def programs():
    """The folder of initdb and postgres, or None."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return pathlib.Path(there).parent if there else None


def user():
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in NAMES:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def missing():
    """Why no server can be had, or an empty text."""
    if programs() is None:
        return "PostgreSQL's programs are absent"
    if os.geteuid() == 0 and user() is None:
        return "there is no unprivileged user to run PostgreSQL as"
    return ""


class Server:
    def __init__(self, settings=()):
        self.settings = settings

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="ward-pg-")
        self.data = f"{self.folder}/data"
        self.who = {}
        owner = user()
        if owner is not None:
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self.who = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "ward", "-E", "UTF8",
                 "--locale=C", "--no-sync", "--data-checksums", "--no-instructions")
        with open(f"{self.data}/postgresql.conf", "a", encoding="ascii") as config:
            for line in ("listen_addresses = ''", f"unix_socket_directories = '{self.folder}'",
                         "fsync = on", "full_page_writes = on", "synchronous_commit = on",
                         "shared_buffers = 16MB", "max_connections = 20", *self.settings):
                config.write(line + "\n")
        self.conninfo = f"host={self.folder} user=ward dbname=postgres"
        self.start()
        return self

    def run(self, program, *words):
        subprocess.run([programs() / program, *words], check=True, capture_output=True,
                       cwd=self.folder, timeout=60, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
                       **self.who)

    def start(self):
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen([programs() / "postgres", "-D", self.data],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, env={"LC_ALL": "C"}, **self.who)
        for _ in range(300):
            ready = subprocess.run([programs() / "pg_isready", "-q", "-h", self.folder],
                                   check=False)
            if ready.returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(pathlib.Path(self.folder, "log").read_text(encoding="utf-8"))

    def stop(self, how=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(timeout=30)

    def ask(self, text):
        """One statement by psql; the answer's lines."""
        done = subprocess.run([programs() / "psql", "-XqtA", "-v", "ON_ERROR_STOP=1", "-h",
                               self.folder, "-U", "ward", "-d", "postgres", "-c", text],
                              check=True, capture_output=True, text=True, timeout=60)
        return done.stdout.split("\n")[:-1]

    def __exit__(self, *unused):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    if missing():
        print(missing(), file=sys.stderr)
        sys.exit(1)
    with Server() as server:
        print(server.conninfo, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
