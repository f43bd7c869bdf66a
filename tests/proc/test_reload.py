"""test_reload.py - a house that runs reads its settings anew: all of them or none, nobody's
connection is dropped, and whoever looks afterwards finds what came of it.

WARD_FULL=1 in the environment: 1,000 signals instead of 120."""

import http.client
import json
import os
import random
import signal
import ssl
import subprocess
import threading
import time
import unittest

import contract
import house as houses
import linked
from house import House, UnixConnection, lives, until

ROOT = os.geteuid() == 0
FULL = os.environ.get("WARD_FULL") == "1"
SIGNALS = 1000 if FULL else 120
SEED = int(os.environ.get("WARD_SEED", "36"))


class Configured(House):
    """A house with a ward.toml of its own."""

    def __init__(self):
        super().__init__()
        self.file = self.base / "ward.toml"
        self.write("[limit]\nidle_seconds = 600\nrequests_burst = 100000\n")

    def write(self, text):
        """In one step, as ward.toml(5) asks for."""
        part = self.base / "part"
        part.write_text(text)
        part.rename(self.file)

    def start(self, *more, **how):
        return self.up("-c", self.file, *more, **how)

    def reload(self, **how):
        return subprocess.run([houses.WARD, "reload", "--state", self.state], text=True,
                              capture_output=True, timeout=60, check=False, **how)

    def settings(self):
        status, answer = self.ask("/v1/system/config")
        assert status == 200, answer
        return {entry["key"]: json.loads(entry["value"]) for entry in answer["entries"]}

    def outcome(self, since_ms, seconds=30):
        """What run/reload says of a reload that began at that instant or later."""
        def look():
            try:
                words = (self.state / "run/reload").read_text().splitlines()
            except FileNotFoundError:
                return None
            begun, how = words[0].split()
            return (how, words[1:]) if int(begun) >= since_ms else None
        return until(look, seconds, 0.002)

    def signal(self):
        """Sends SIGHUP to the monitor, and returns what came of it."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000000
        os.kill(self.monitor(), signal.SIGHUP)
        return self.outcome(now)

    def records(self, action, least=0):
        """Of the log's file, once there are so many: the monitor's news follow one by one."""
        def look():
            lines = (self.state / "audit/security.log").read_bytes().splitlines(True)
            rows = [json.loads(line) for line in lines if line.endswith(b"\n")]
            rows = [row for row in rows if row["action"] == action]
            return (rows,) if len(rows) >= least else None
        return until(look, 60)[0]


class Session:
    """A connection that stays: each request of it must be answered, over the same socket."""

    def __init__(self, house, tls):
        if tls:
            trust = ssl.create_default_context(cafile=house.state / "ca.pem")
            self.http = http.client.HTTPSConnection("localhost", house.port, timeout=30,
                                                    context=trust)
        else:
            self.http = UnixConnection(house.state / "run/ward.sock", 30)
        self.http.connect()
        self.http.auto_open = 0  # closed once, closed for good
        self.count = 0

    def ask(self):
        self.count += 1
        status, _, said = contract.ask(self.http, "GET", f"/v1/system/ping?text=n{self.count}")
        assert status == 200 and json.loads(said)["text"] == f"n{self.count}", (status, said)


class Taken(unittest.TestCase):
    def test_each_share_that_changes_is_a_record(self):
        with Configured() as house:
            def write(**shares):
                house.write("".join(f"[tenants.{name}]\nshare = {share}\n" for name, share in shares.items()))
            write(blue=0.5, red=0.25, same=0.125)
            house.start()
            write(same=0.125, green=0.333333, blue=0.375)
            done = house.reload()
            self.assertEqual((done.returncode, done.stdout), (0, "tenants\n"), done.stderr)
            rows = [row["details"] for row in house.records("config.change", 3)]
            self.assertEqual({row["field"]: (row["old"], row["new"]) for row in rows},
                             {"tenants.blue.share": ("0.5", "0.375"), "tenants.red.share": ("0.25", "none"),
                              "tenants.green.share": ("none", "0.333333")})
            self.assertEqual(len(rows), 3)
            done = house.reload()  # nothing is another
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
            self.assertEqual(len(house.records("config.reload", 2)), 2)
            self.assertEqual(len(house.records("config.change")), 3)

    def test_what_is_taken_over(self):
        with Configured() as house:
            house.start()
            before = house.processes()
            house.write("[limit]\nidle_seconds = 61\nheader_seconds = '9s'\nconnections = 77\n"
                        "connections_per_address = 5\nconnects_per_second = 3\nconnects_burst = 4\n"
                        "requests_per_second = 7\nrequests_burst = 8\n"
                        "[audit]\nrotate_bytes = '2M'\nkeep_days = 3\n"
                        "[listen]\ntls = '127.0.0.1:1'\n")
            done = house.reload()
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(set(done.stdout.split()), {
                "limit.idle_seconds", "limit.header_seconds", "limit.connections_per_address",
                "limit.connects_per_second", "limit.connects_burst", "limit.requests_per_second",
                "limit.requests_burst", "audit.rotate_bytes", "audit.keep_days"})
            self.assertEqual(done.stderr, "ward: reload: limit.connections is taken over at the "
                                          "next start\n")
            have = house.settings()
            self.assertEqual((have["limit.idle_seconds"], have["limit.header_seconds"],
                              have["limit.requests_burst"], have["audit.keep_days"],
                              have["audit.rotate_bytes"]), (61, 9, 8, 3, 2 << 20))
            self.assertEqual(have["limit.connections"], 4096)
            self.assertEqual(house.processes(), before)
            changes = {row["details"]["field"]: (row["details"]["old"], row["details"]["new"])
                       for row in house.records("config.change", 9)}
            self.assertEqual(len(changes), 9)
            self.assertEqual(changes["limit.idle_seconds"], ("600", "61"))
            self.assertEqual(changes["audit.rotate_bytes"], (str(64 << 20), str(2 << 20)))
            self.assertIn("needs a start of the house: limit.connections\n", house.log())
            self.assertIn("reloaded changed=9\n", house.log())

    def test_limits_hold_from_then_on(self):
        """The new ones do, for those who are in and for those who come; who is in stays in."""
        with Configured() as house:
            house.start()
            many = [Session(house, tls=True) for _ in range(6)]
            house.write("[limit]\nconnections_per_address = 4\nidle_seconds = 600\n"
                        "requests_per_second = 1\nrequests_burst = 30\n")
            self.assertEqual(house.reload().returncode, 0)
            for one in many:
                one.ask()
            with self.assertRaises(OSError):
                Session(house, tls=True)
            refused = 0
            for _ in range(60):
                status, _, _ = contract.ask(many[0].http, "GET", "/v1/system/ping?text=x")
                refused += status == 429
            self.assertGreater(refused, 10)

    def test_a_process_that_starts_later(self):
        """It has the new settings, as the others do; and so has the next house."""
        with Configured() as house:
            house.start()
            house.write("[limit]\nidle_seconds = 62\n")
            self.assertEqual(house.signal(), ("done", ["taken limit.requests_burst",
                                                       "taken limit.idle_seconds"]))
            os.kill(house.processes()["core"], signal.SIGKILL)
            until(house.works, 20)
            self.assertEqual(house.settings()["limit.idle_seconds"], 62)
            house.down()
            self.assertTrue((house.state / "run/reload").exists())
            house.start()
            self.assertFalse((house.state / "run/reload").exists())
            self.assertEqual(house.settings()["limit.idle_seconds"], 62)

    def test_strength_of_the_sources_stays(self):
        """A variable and an option of the start count before the file, as they did then; what
        the folder and the variables are when it is asked for counts for nothing."""
        with Configured() as house:
            env = dict(os.environ, WARD_LIMIT_IDLE_SECONDS="63")
            house.start("--set", "limit.header_seconds=7", env=env)
            house.write("[limit]\nidle_seconds = 5\nheader_seconds = 5\nrequests_burst = 99\n")
            done = house.reload(env=dict(os.environ, WARD_LIMIT_IDLE_SECONDS="1"), cwd="/")
            self.assertEqual((done.returncode, done.stdout), (0, "limit.requests_burst\n"))
            have = house.settings()
            self.assertEqual((have["limit.idle_seconds"], have["limit.header_seconds"]), (63, 7))

    def test_a_relative_name(self):
        with Configured() as house:
            words = [word for word in house.words("up", "-c", "ward.toml")]
            done = subprocess.run(words, cwd=house.base, capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            house.write("[limit]\nidle_seconds = 64\n")
            self.assertEqual(house.reload().returncode, 0)
            self.assertEqual(house.settings()["limit.idle_seconds"], 64)

    def test_without_a_file(self):
        with Configured() as house:
            house.up()
            self.assertEqual(house.signal(), ("done", []))
            self.assertTrue(house.works())


class Refused(unittest.TestCase):
    def test_the_old_ones_stay(self):
        good = "[limit]\nidle_seconds = 600\n"
        rows = {
            "a mistake": (lambda h: h.write("[limit]\nidle_seconds = 'x'\n"), "idle_seconds"),
            "no such key": (lambda h: h.write("[limit]\nidle_second = 1\n"),
                            'did you mean "limit.idle_seconds"?'),
            "out of bounds": (lambda h: h.write("[limit]\nidle_seconds = 0\n"), "idle_seconds"),
            "no TOML": (lambda h: h.write("[limit\n"), "ward.toml:1"),
            "two mistakes": (lambda h: h.write("[limit]\na = 1\nb = 2\n"), "limit.b"),
            "cut in a number": (lambda h: h.write("[limit]\nidle_seconds = 6"), "half written"),
            "empty": (lambda h: h.write(""), "half written"),
            "gone": (lambda h: h.file.unlink(), "No such file"),
            "a folder": (lambda h: h.file.mkdir(), "no plain file"),
            "a pipe": (lambda h: os.mkfifo(h.file), "no plain file"),
            "too large": (lambda h: h.write("#" * (256 * 1024) + "\n"), "ward.toml"),
            "not UTF-8": (lambda h: h.file.write_bytes(b"[limit]\n# \xff\n"), "ward.toml:2"),
            "too much together": (lambda h: h.write("[limit]\nconnects_per_second = 1\n"
                                                    "connects_burst = 1000000\n"),
                                  "which limit.connects_per_second of 1 gives"),
        }
        with Configured() as house:
            house.write(good)
            house.start()
            before, settings = house.processes(), house.settings()
            for number, (name, (damage, word)) in enumerate(rows.items(), 1):
                with self.subTest(name):
                    damage(house)
                    done = house.reload()
                    self.assertEqual(done.returncode, 3, done.stderr)
                    self.assertEqual(done.stdout, "")
                    self.assertIn(word, done.stderr)
                    self.assertIn("nothing was changed", done.stderr)
                    self.assertEqual(house.settings(), settings)
                    self.assertEqual(house.log().count("reload refused:"), number)
                    told = house.records("config.reload", number)
                    self.assertEqual(len(told), number)
                    self.assertEqual(told[-1]["outcome"], "Failure")
                    if house.file.is_dir():
                        house.file.rmdir()
            self.assertEqual(house.records("config.change"), [])
            self.assertEqual(house.processes(), before)
            house.write("[limit]\nidle_seconds = 65\n")
            self.assertEqual(house.reload().returncode, 0)

    def test_a_writer_that_is_not_done(self):
        """Cut at the end of a line a file is still good TOML: who has it open tells."""
        with Configured() as house:
            house.start()
            with open(house.file, "w", encoding="ascii") as file:
                file.write("[limit]\nidle_seconds = 6\n")
                file.flush()
                how, lines = house.signal()
                self.assertEqual(how, "refused")
                self.assertIn("somebody is writing it", lines[0])
                self.assertEqual(house.settings()["limit.idle_seconds"], 600)
            self.assertEqual(house.signal()[0], "done")
            self.assertEqual(house.settings()["limit.idle_seconds"], 6)

    def test_a_core_that_comes_later(self):
        """One that was not there when the last reload ended knows how, also when the record of it is in
        the log already."""
        def finding():
            checks = {one["id"]: one for one in house.ask("/v1/system/doctor")[1]["checks"]}
            return checks["house.reload"]["finding"]

        with Configured() as house:
            house.start()
            for number, (text, how, found) in enumerate((
                    ("[limit]\nidle_seconds = 'x'\n", "refused", "FINDING_WARN"),
                    ("[limit]\nidle_seconds = 68\n", "done", "FINDING_OK")), 1):
                house.write(text)
                self.assertEqual(house.signal()[0], how)
                house.records("config.reload", number)
                self.assertEqual(finding(), found)
                old = house.processes()["core"]
                os.kill(old, signal.SIGKILL)
                until(lambda old=old: not lives(old))
                until(house.works, 20)
                self.assertEqual(finding(), found)

    def test_from_standard_input(self):
        with Configured() as house:
            house.up("-c", "-", input="[limit]\nidle_seconds = 66\n")
            how, lines = house.signal()
            self.assertEqual((how, lines), ("refused", ["problem -: standard input cannot be read "
                                                        "again"]))
            self.assertEqual(house.settings()["limit.idle_seconds"], 66)

    def test_nobody_there(self):
        with Configured() as house:
            self.assertEqual(house.reload().returncode, 4)
            house.start()
            if ROOT:
                def stranger():
                    os.setgid(65534)
                    os.setuid(65534)
                os.chmod(house.base, 0o755)
                self.assertEqual(house.reload(preexec_fn=stranger).returncode, 5)
            house.down()
            done = house.reload()
            self.assertEqual(done.returncode, 4)
            self.assertIn("no house is up", done.stderr)

    def test_a_process_that_is_frozen(self):
        """It is not waited for longer than ten seconds: the others go back, and so does it."""
        with Configured() as house:
            house.start()
            front = house.processes()["front"]
            house.write("[limit]\nidle_seconds = 67\n")
            os.kill(front, signal.SIGSTOP)
            try:
                done = house.reload()
                self.assertEqual(done.returncode, 3, done.stderr)
            finally:
                os.kill(front, signal.SIGCONT)
            self.assertEqual(house.settings()["limit.idle_seconds"], 600)
            self.assertEqual(house.reload().returncode, 0)
            self.assertEqual(house.settings()["limit.idle_seconds"], 67)
            self.assertEqual(house.processes()["front"], front)

    def test_a_process_that_dies_of_it(self):
        """Killed while it is told, it comes back, and all have the same settings."""
        with Configured() as house:
            house.start()
            for name in ("front", "core", "audit", "keeper"):
                with self.subTest(name):
                    pid = house.processes()[name]
                    house.write(f"[limit]\nidle_seconds = {100 + len(name)}\n")
                    os.kill(pid, signal.SIGSTOP)
                    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000000
                    os.kill(house.monitor(), signal.SIGHUP)
                    time.sleep(0.2)
                    os.kill(pid, signal.SIGKILL)
                    self.assertEqual(house.outcome(now)[0], "refused")
                    until(house.works, 20)
                    self.assertEqual(house.settings()["limit.idle_seconds"], 600)


class Policy(unittest.TestCase):
    """What is in the file of channel.policy is read anew."""

    MOST = 16 << 10

    def put(self, house, size):
        part = house.policy_file.with_suffix(".part")
        part.write_text((linked.NOTHING + "#" * self.MOST)[:max(size - 1, 0)] + "\n" * (size > 0))
        part.rename(house.policy_file)

    def check(self, house, name="house.channel_policy"):
        return {one["id"]: one for one in house.ask("/v1/system/doctor")[1]["checks"]}[name]

    def finding(self, house):
        return self.check(house)["finding"]

    def recorded(self, house, *reasons):
        until(lambda: len(house.records("policy")) >= len(reasons), 20)
        self.assertEqual([one["reason"] for one in house.records("policy")], list(reasons))

    def test_to_its_limit_and_no_further(self):
        with linked.House() as house:
            self.put(house, self.MOST)
            house.up()
            self.recorded(house, "OK")
            self.assertEqual(self.finding(house), "FINDING_OK")
            for number, size in enumerate((self.MOST + 1, 0), 1):
                with self.subTest(size):
                    self.put(house, size)
                    done = house.run("reload")
                    self.assertEqual(done.returncode, 3, done.stderr)
                    self.assertIn("see STATE/ward.log", done.stderr)
                    self.assertEqual(house.log().count("channel.policy: empty, too long"), number)
                    self.recorded(house, "OK", *["ATTEST_POLICY_INVALID"] * number)
                    # What is set and what is in force are the one before: it is the reload's.
                    self.assertEqual(self.finding(house), "FINDING_OK")
                    self.assertEqual(self.check(house, "house.reload")["finding"], "FINDING_WARN")
            self.put(house, self.MOST - 1)
            self.assertEqual(house.run("reload").returncode, 0)
            self.recorded(house, "OK", *["ATTEST_POLICY_INVALID"] * 2, "OK")

    def test_one_that_is_none(self):
        """The house starts, lets nobody in, and says why; with one before, that one stays."""
        with linked.House() as house:
            self.put(house, self.MOST + 1)
            house.up()
            self.recorded(house, "ATTEST_POLICY_INVALID")
            self.assertEqual(self.finding(house), "FINDING_FAIL")
            self.assertIn("empty, too long or no policy: no peer is let in",
                          self.check(house)["detail"])
            house.policy(linked.NOTHING)
            self.assertEqual(self.finding(house), "FINDING_OK")
            house.policy("this is none\n", "ATTEST_POLICY_INVALID")
            self.assertEqual(self.finding(house), "FINDING_WARN")
            self.assertIn("is no policy: the one before stays in force",
                          self.check(house)["detail"])


class Storm(unittest.TestCase):
    def test_good_bad_and_half_written(self):  # proves: RL-36
        """The other half of it is in test_upgrade.py."""
        generator = random.Random(SEED)
        print(f"# seed {SEED}, {SIGNALS} signals")
        with Configured() as house:
            house.start()
            sessions = [Session(house, tls=number < 3) for number in range(4)]
            before, value, refused = house.processes(), 600, 0
            for number in range(SIGNALS):
                kind = ("good", "bad", "half")[number % 3]
                fresh = generator.randrange(300, 900)
                text = f"[limit]\nrequests_burst = 100000\nidle_seconds = {fresh}\n# end\n"
                writer = None
                if kind == "good":
                    house.write(text)
                elif kind == "bad":
                    house.write(text.replace("idle", generator.choice(("idol", "=", "["))))
                else:
                    writer = open(house.file, "w", encoding="ascii")
                    writer.write(text[:generator.randrange(len(text))])
                    writer.flush()
                how, lines = house.signal()
                if writer:
                    writer.close()
                self.assertEqual(how, "done" if kind == "good" else "refused", (kind, lines))
                value = fresh if kind == "good" else value
                refused += kind != "good"
                for one in sessions:
                    one.ask()
                if number % 10 == 0:
                    self.assertEqual(house.settings()["limit.idle_seconds"], value)
            self.assertEqual(house.processes(), before)
            self.assertEqual(house.settings()["limit.idle_seconds"], value)
            self.assertEqual(house.log().count("reload refused:"), refused)
            told = house.records("config.reload", SIGNALS)
            self.assertEqual(len(told), SIGNALS)
            self.assertEqual(sum(row["outcome"] == "Failure" for row in told), refused)

    def test_signals_that_nobody_waits_for(self):
        """Hundreds at once are one or a few; the last file counts; then it stops as ever."""
        with Configured() as house:
            house.start()
            session, stop = Session(house, tls=True), threading.Event()
            monitor = house.monitor()

            def fire():
                while not stop.is_set():
                    os.kill(monitor, signal.SIGHUP)
            thread = threading.Thread(target=fire)
            thread.start()
            try:
                for value in range(400, 440):
                    house.write(f"[limit]\nidle_seconds = {value}\nrequests_burst = 100000\n")
                    session.ask()
            finally:
                stop.set()
                thread.join()
            self.assertEqual(house.signal()[0], "done")
            self.assertEqual(house.settings()["limit.idle_seconds"], 439)
            self.assertNotIn("not in the security log", house.log())
            self.assertEqual(house.down().returncode, 0)
            self.assertFalse(lives(monitor))


if __name__ == "__main__":
    import tap
    tap.main()
