"""server_house.py - houses whose store is a PostgreSQL server of a test's own, which is reached by TCP,
over TLS and with a password only."""

import os
import pathlib
import shutil
import subprocess
import sys

import lodger
from lodger import House, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "store"))
import postgres  # noqa: E402

PASSWORD = "canary-of-the-store"


class Server(postgres.Server):
    """One that is reached by TCP and TLS only with a password."""

    def __init__(self):
        self.port = lodger.free_port()
        os.environ["PGPORT"] = str(self.port)  # of its own programs
        super().__init__((f"port = {self.port}", "listen_addresses = '127.0.0.1'", "ssl = on"))

    def start(self):
        if not os.path.exists(f"{self.data}/server.key"):
            self.secure()
        super().start()

    def secure(self):
        key, cert = f"{self.data}/server.key", f"{self.data}/server.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                        key, "-out", cert], check=True, capture_output=True, timeout=60)
        os.chmod(key, 0o600)
        if self.who:
            os.chown(key, self.who["user"], self.who["group"])
            os.chown(cert, self.who["user"], self.who["group"])
        with open(f"{self.data}/pg_hba.conf", "w", encoding="ascii") as rules:
            rules.write("local all all trust\nhostssl all house 127.0.0.1/32 scram-sha-256\n")

    def __enter__(self):
        super().__enter__()
        self.ask(f"CREATE ROLE house LOGIN PASSWORD '{PASSWORD}'")
        self.ask("CREATE DATABASE house OWNER house")
        return self

    def processes(self):
        """The postmaster and all that it started."""
        kids = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [self.process.pid, *map(int, kids.read_text().split())]

    def says(self, text, database="house"):
        """What it answers in one of the databases, or nothing where it refuses."""
        return subprocess.run([postgres.programs() / "psql", "-XqtA", "-h", self.folder, "-U",
                               "ward", "-d", database, "-c", text], check=False,
                              capture_output=True, text=True, timeout=60).stdout.split("\n")[:-1]

    def anchor(self):
        """How long the log was, as the server has it."""
        rows = self.says("SELECT size FROM ward.audit_anchor")
        return int(rows[0]) if rows else 0


class Home(House):
    def __init__(self, server, password=PASSWORD, trust=None, database="house"):
        super().__init__()
        if trust is None:
            trust = self.above / "server.pem"
            shutil.copy(f"{server.data}/server.crt", trust)
            trust.chmod(0o644)
        self.above.chmod(0o755)  # core reads it as a user of its own
        self.secret = self.above / "password"
        self.secret.write_text(password + "\n")
        self.secret.chmod(0o600)
        self.store = (f"postgresql://house@localhost:{server.port}/{database}?sslmode=verify-full"
                      f"&sslrootcert={trust}")

    def where(self):
        """What tells a command of the house's store."""
        return ("--set", f"store.url={self.store}", "--set", f"store.password_file={self.secret}")

    def up(self):
        done = self.command("up", "--listen", f"127.0.0.1:{self.port}", *self.where())
        if done.returncode != 0:
            raise AssertionError(f"exit {done.returncode}: {done.stderr.decode()}"
                                 + (self.state / "ward.log").read_text())

    def row(self):
        """What the house says of its store; None while core begins anew."""
        try:
            status, answer = self.ask("system/doctor", timeout=60)
        except OSError:
            return None
        if status != 200:
            return None
        return next(row for row in answer["checks"] if row["id"] == "house.store")

    def is_good(self):
        row = self.row()
        return row is not None and row["finding"] == "FINDING_OK"

    def is_bad(self):
        row = self.row()
        return row if row is not None and row["finding"] == "FINDING_FAIL" else None

    def remember(self):
        """Something for the log, which the store is then to hear of."""
        wait_for(lambda: self.ask("system/config", timeout=60)[0] == 200, 60)
