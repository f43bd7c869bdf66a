"""test_core_server.py - a PostgreSQL server as the store of a house in its jail: over TLS with the
server's name proven and a password from a file, gone and back, frozen, and one that is not to be
trusted."""

import contextlib
import os
import pathlib
import signal
import unittest

import lodger
import tap
from lodger import wait_for
from server_house import PASSWORD, Home, Server, postgres

FULL = os.environ.get("WARD_FULL") == "1"


@unittest.skipUnless(lodger.can_be_started(), "an instrumented build cannot enter its jail")
@unittest.skipIf(postgres.missing(), postgres.missing())
class TestServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def setUp(self):
        self.server.ask("DROP DATABASE house WITH (FORCE)")
        self.server.ask("CREATE DATABASE house OWNER house")

    def test_log_is_anchored_in_the_server(self):
        with Home(self.server) as house:
            wait_for(lambda: self.server.anchor() > 0, 60)
            self.assertTrue(house.is_good())
            how = self.server.ask("SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING"
                                  " (pid) WHERE usename = 'house' AND ssl AND version = 'TLSv1.3'")
            self.assertEqual(how, ["1"])
            before = self.server.anchor()
            house.remember()
            wait_for(lambda: self.server.anchor() > before, 60)

    def test_password_is_shown_nowhere(self):
        with Home(self.server) as house:
            wait_for(lambda: self.server.anchor() > 0, 60)
            core = house.process("core")
            seen = [(house.state / "ward.log").read_bytes(),
                    pathlib.Path(f"/proc/{core}/cmdline").read_bytes(),
                    house.command("config", "show", "--set",
                                  f"store.password_file={house.secret}").stdout]
            if os.geteuid() == 0:
                seen.append(pathlib.Path(f"/proc/{core}/environ").read_bytes())
            for text in seen:
                self.assertNotIn(PASSWORD.encode(), text)
            for path in house.state.rglob("*"):
                if path.is_file():
                    self.assertNotIn(PASSWORD.encode(), path.read_bytes(), path)

    @unittest.skipUnless(os.geteuid() == 0, "others may not look at a process without cores")
    def test_core_keeps_its_connection_and_no_network(self):
        with Home(self.server) as house:
            wait_for(lambda: self.server.anchor() > 0, 60)
            core = house.process("core")
            status = pathlib.Path(f"/proc/{core}/status").read_text()
            own = pathlib.Path("/proc/sys/user/max_user_namespaces").read_text().strip() != "0"
            self.assertEqual(os.readlink(f"/proc/{core}/ns/net")
                             != os.readlink("/proc/self/ns/net"), own)
            self.assertIn("Uid:\t61204\t61204\t61204\t61204", status)
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertIn(f"{name}:\t0000000000000000\n", status)
            # The connection is the one thing of it that is the host's.
            links = [os.readlink(link) for link in pathlib.Path(f"/proc/{core}/fd").iterdir()]
            tables = [line.split() for name in ("tcp", "tcp6")
                      for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
            of_host = {f"socket:[{line[9]}]" for line in tables}
            self.assertEqual(len(of_host & set(links)), 1)

    def test_server_that_was_killed_is_said_and_found_again(self):
        with Home(self.server) as house:
            wait_for(lambda: self.server.anchor() > 0, 60)
            self.server.stop(signal.SIGQUIT)
            try:
                row = wait_for(house.is_bad, 60)
                self.assertIn("its connection was lost", row["detail"])
                self.assertEqual(wait_for(lambda: house.ask("system/ping", timeout=60), 60)[0], 200)
                house.remember()
            finally:
                self.server.start()
            wait_for(house.is_good, 120)
            before = self.server.anchor()
            house.remember()
            wait_for(lambda: self.server.anchor() > before, 60)
            _, answer = house.ask("system/doctor")
            died = next(row for row in answer["checks"] if row["id"] == "house.restarts")
            self.assertEqual(died["finding"], "FINDING_OK")

    def test_backend_that_was_killed_is_replaced(self):
        with Home(self.server) as house:
            for _ in range(3 if FULL else 1):
                wait_for(lambda: self.server.anchor() > 0 and house.is_good(), 120)
                before = house.process("core")
                self.server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                " WHERE usename = 'house'")
                wait_for(lambda: house.process("core") not in (before, None), 120)
            before = self.server.anchor()
            house.remember()
            wait_for(lambda: self.server.anchor() > before and house.is_good(), 120)

    def test_frozen_server_does_not_freeze_the_house(self):
        with Home(self.server) as house:
            wait_for(lambda: self.server.anchor() > 0, 60)
            frozen = self.server.processes()
            for number in frozen:
                with contextlib.suppress(ProcessLookupError):  # a worker that had its turn
                    os.kill(number, signal.SIGSTOP)
            try:
                row = wait_for(house.is_bad, 120)
                self.assertIn("its connection was lost", row["detail"])
            finally:
                for number in frozen:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(number, signal.SIGCONT)
            wait_for(house.is_good, 120)

    def test_who_is_not_the_server_is_refused(self):
        strangers = {
            "a wrong password": {"password": "wrong"},
            "a certificate that nobody trusts": {"trust": "/etc/ssl/certs/ca-certificates.crt"},
        }
        for name, how in strangers.items():
            with self.subTest(name), Home(self.server, **how) as house:
                self.assertIsNotNone(wait_for(house.is_bad, 60))
                self.assertEqual(wait_for(lambda: house.ask("system/ping"), 60)[0], 200)
                self.assertEqual(self.server.anchor(), 0)

    def test_other_name_is_refused(self):
        house = Home(self.server)
        house.store = house.store.replace("localhost", "127.0.0.1")
        with house:
            self.assertIsNotNone(wait_for(house.is_bad, 60))
            self.assertEqual(self.server.anchor(), 0)

    def test_password_that_others_may_read_is_refused(self):
        house = Home(self.server)
        try:
            house.secret.chmod(0o640)
            with self.assertRaisesRegex(AssertionError, "HOUSE_STATE_UNSAFE"):
                house.up()
            house.secret.unlink()
            with self.assertRaisesRegex(AssertionError, "HOUSE_STATE_UNUSABLE"):
                house.up()
        finally:
            house.clear()


if __name__ == "__main__":
    tap.main()
