"""test_core.py - what the real house writes into its security log about itself, and that what
must be logged is not done when it cannot be, while the rest goes on."""

import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

import contract
import lodger
import tap
from lodger import House, wait_for
from unix_http import UnixConnection

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


def code(answer):
    return answer.get("code")


@unittest.skipUnless(lodger.can_be_started(), "an instrumented build cannot enter its jail")
class Core(unittest.TestCase):
    def test_start_and_stop(self):
        with House() as house:
            start, = wait_for(lambda: house.records("house.start"))
            self.assertEqual(start["details"]["uid"], os.geteuid())
            self.assertEqual(start["details"]["pid"], house.monitor())
            self.assertEqual(start["actor_type"], "System")
            house.down()
            stop = house.records()[-1]
            self.assertEqual(stop["action"], "house.stop")
            self.assertEqual(stop["details"]["cause"], f"signal {int(signal.SIGTERM)}")
            house.up()
            self.assertEqual(len(wait_for(lambda: house.records("house.start")[1:])), 1)

    def test_killed_process(self):
        with House() as house:
            for name in ("front", "keeper", "audit", "core"):
                with self.subTest(process=name):
                    wait_for(lambda name=name: house.process(name))
                    number = house.kill(name)

                    def told(number=number):
                        return [row for row in house.records("process.crash")
                                if row["details"]["pid"] == number]
                    row = wait_for(told)[0]
                    self.assertEqual(row["details"]["process"], name)
                    self.assertEqual(row["details"]["cause"], "signal 9")
                    self.assertEqual(row["outcome"], "Failure")

                    def again(name=name):
                        return [row for row in house.records("process.start")
                                if row["details"]["process"] == name]
                    self.assertEqual(wait_for(again)[0]["details"]["start"], 2)
            # A core that was started again tells only what the earlier one had not logged.
            self.assertEqual(len(house.records("house.start")), 1)
            self.assertEqual(len(house.records("process.crash")), 4)

    def test_all_die_at_once(self):
        with House() as house:
            wait_for(lambda: house.records("house.start"))
            killed = {house.kill(name) for name in ("core", "audit", "keeper", "front")}
            # A front that found the new keeper before it served has ended as well, perhaps.
            wait_for(lambda: killed <= {row["details"]["pid"]
                                        for row in house.records("process.crash")})

    def test_refusal(self):
        with House() as house:
            for path in ("system/config", "system/doctor", "audit/records", "audit/records/0"):
                with self.subTest(path=path):
                    before = len(house.records("access.refuse"))
                    status, answer = house.ask(path, owner=False, headers=TRACEPARENT)
                    self.assertEqual((status, code(answer)), (403, "HOUSE_OWNER_ONLY"))
                    row, = wait_for(lambda before=before: house.records("access.refuse")[before:])
                    self.assertEqual(row["trace_id"], TRACE)
                    self.assertEqual(row["ip_address"], "127.0.0.1")
                    self.assertEqual(row["event_type"], "Authorization")
                    self.assertEqual(row["outcome"], "Denied")
                    self.assertEqual(row["actor_type"], "Anonymous")
                    self.assertEqual(row["details"]["reason"], "HOUSE_OWNER_ONLY")

    def test_refusals_do_not_fill_the_disk(self):
        with House() as house:
            count = 60
            begun = time.monotonic()
            for _ in range(count):
                house.ask("system/config", owner=False)
            seconds = int(time.monotonic() - begun) + 2

            def counted():
                rows = house.records("access.refuse")
                told = len(rows) + sum(row["details"].get("unrecorded", 0) for row in rows)
                return rows if told == count else None
            self.assertLessEqual(len(wait_for(counted)), 16 * seconds)

    def test_owners_reading(self):
        with House() as house:
            reads = (("system/config", "config.read", "GET"), ("audit/records", "log.read", "GET"),
                     ("audit/records/0", "log.read", "GET"), ("audit/verify", "log.read", "POST"))
            for path, action, method in reads:
                with self.subTest(path=path):
                    before = len(house.records(action))
                    status, _ = house.ask(path, headers=TRACEPARENT, method=method)
                    # At the instant of the answer it is on the disk already.
                    row, = house.records(action)[before:]
                    self.assertEqual(status, 200)
                    self.assertEqual(row["trace_id"], TRACE)
                    self.assertEqual(row["event_type"], "DataAccess")
                    self.assertEqual(row["actor_id"], f"uid:{os.geteuid()}")

    def test_what_is_not_logged(self):
        with House() as house:
            wait_for(lambda: house.records("house.start"))
            # What the keeper says of its keys comes when it comes.
            # So does the mark of the store.
            others = ("key", "store.mark")
            core = [one for one in house.records() if not one["action"].startswith(others)]
            for path in ("system/ping", "system/version", "system/doctor", "audit/head"):
                self.assertEqual(house.ask(path)[0], 200, path)
            self.assertEqual([one for one in house.records()
                              if not one["action"].startswith(others)], core)

    def refused_while_others_go_on(self, house):
        begun = time.monotonic()
        status, answer = house.ask("system/config")
        self.assertEqual((status, code(answer)), (503, "AUDIT_CANNOT_LOG"))
        self.assertLess(time.monotonic() - begun, 1)
        for path in ("system/ping", "system/version", "system/doctor"):
            self.assertEqual(house.ask(path)[0], 200, path)

    def test_audit_process_stuck(self):
        with House() as house:
            self.assertEqual(house.ask("system/config")[0], 200)
            number = house.hold("audit")
            self.refused_while_others_go_on(house)
            _, doctor = house.ask("system/doctor")
            found = {row["id"]: row["finding"] for row in doctor["checks"]}
            self.assertEqual(found["house.log"], "FINDING_FAIL")
            os.kill(number, signal.SIGCONT)
            wait_for(lambda: house.ask("system/config")[0] == 200)

    def test_flood_while_stuck(self):
        """More calls than places wait: each is answered, none twice, and it goes on after."""
        with House() as house:
            number = house.hold("audit")
            links = [UnixConnection(house.state / "run/ward.sock", 10)
                     for _ in range(60)]  # of 64 that the owner may have
            for link in links:
                link.request("GET", "/v1/system/config")
            states = [contract.answer(link, "GET", "/v1/system/config")[0] for link in links]
            for link in links:
                link.close()
            self.assertEqual(set(states), {503})
            self.assertEqual(house.ask("system/ping")[0], 200)
            os.kill(number, signal.SIGCONT)
            wait_for(lambda: house.ask("system/config")[0] == 200)

    def test_stop_while_stuck(self):
        """A log that takes nothing does not keep the house from stopping."""
        with House() as house:
            house.hold("audit")
            begun = time.monotonic()
            house.down()
            self.assertLess(time.monotonic() - begun, 20)

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount a small disk")
    def test_disk_full(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], check=True)
            try:
                with House(folder) as house:
                    self.assertEqual(house.ask("system/config")[0], 200)
                    self.fill(pathlib.Path(folder) / "filler")
                    # What is left of the last page takes some records still.
                    wait_for(lambda: house.ask("system/config")[0] == 503)
                    self.refused_while_others_go_on(house)
                    (pathlib.Path(folder) / "filler").unlink()
                    wait_for(lambda: house.ask("system/config")[0] == 200)
                    self.assertEqual(house.ask("audit/verify", method="POST")[1]["sound"], True)
            finally:
                subprocess.run(["umount", "-l", folder], check=True)

    def fill(self, path):
        with open(path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass


if __name__ == "__main__":
    tap.main()
