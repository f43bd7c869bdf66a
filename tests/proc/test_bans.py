"""test_bans.py - who is banned, and who is not although somebody would like it: peers of many
addresses, and a house among them."""

import contextlib
import json
import os
import signal
import time

import front_house as house
import tap
from house import until
from peers_house import HALF, Case, answered, peer

SMUGGLED = (b"POST /v1/system/ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


class Bans(Case):
    def test_an_offence_bans_its_address_alone(self):
        """Also over what it has open already; the owner reads of it in the log."""
        open_before = self.house.tls(source=peer(1))
        self.assertEqual(answered(open_before), 200)
        beside = self.house.tls(source=peer(2))
        self.assertEqual(answered(beside), 200)
        with self.house.tls(source=peer(1)) as one:
            one.sendall(SMUGGLED)
            self.assertIn(b"HTTP_LENGTH_CONFLICT", house.read_all(one))
        self.assertEqual(house.read_all(open_before), b"")  # cut
        self.assertFalse(self.lets_in(1))
        self.assertTrue(self.lets_in(2))
        self.assertEqual(answered(beside), 200)
        counts = self.house.metrics()
        self.assertEqual((counts["bans"], counts["suspects"]), (1, 0))
        self.assertGreaterEqual(counts["banned_total"], 2)
        record, = self.records("ban.set")
        details = json.loads(record["details"])
        self.assertEqual((record["actor_id"], details["subject"], details["reason"]),
                         ("core", peer(1), "abuse"))

    def test_abuse_of_http2_bans(self):
        with self.house.tls("h2", source=peer(1)) as one:
            client = house.H2(one)
            with contextlib.suppress(OSError, AssertionError):
                for _ in range(3000):
                    stream = client.begin("GET", "/v1/system/ping")
                    client.conn.reset_stream(stream)
                    client.push()
                while client.take():
                    pass
        until(lambda: self.house.metrics()["bans"] == 1)
        self.assertFalse(self.lets_in(1))
        self.assertTrue(self.lets_in(2))

    def test_a_ban_outlives_core_and_front(self):
        with self.house.tls(source=peer(1)) as one:
            one.sendall(SMUGGLED)
            house.read_all(one)
        until(lambda: self.house.metrics()["bans"] == 1)
        self.house.wait_new("core", self.house.kill("core"))
        until(self.serves)
        self.assertFalse(self.lets_in(1))
        self.crash(signal.SIGKILL)
        self.assertEqual(self.house.metrics()["bans"], 1)
        self.assertFalse(self.lets_in(1))
        self.assertTrue(self.lets_in(2))

    def test_what_is_here_is_never_banned(self):
        for _ in range(5):
            with self.house.tls(source="127.0.0.1") as one:
                one.sendall(SMUGGLED)
                house.read_all(one)
        time.sleep(0.3)
        self.assertEqual(self.house.metrics()["bans"], 0)
        with self.house.tls(source="127.0.0.1") as one:
            self.assertEqual(answered(one), 200)

    def test_many_at_once_fill_no_log(self):
        """A hundred addresses offend in one second: all are banned, 16 a second are recorded, and
        the others counted."""
        for number in range(100):
            with self.house.tls(source=peer(number)) as one:
                one.sendall(SMUGGLED)
                house.read_all(one)
        until(lambda: self.house.metrics()["bans"] == 100)
        until(lambda: self.records("ban.set"))
        time.sleep(1.1)
        with self.house.tls(source=peer(110)) as one:
            one.sendall(SMUGGLED)
            house.read_all(one)
        until(lambda: any(json.loads(record["details"])["subject"] == peer(110)
                          for record in self.records("ban.set")))
        told = self.records("ban.set")
        counted = sum(json.loads(record["details"]).get("unrecorded", 0) for record in told)
        self.assertEqual(len(told) + counted, 101)


class ByHand(Case):
    """ward.v1.Admission, and the commands over it."""

    def ward(self, *words):
        done = self.house.command("ban", *words, "--state", self.house.state)
        return done.returncode, done.stdout

    def listed(self, *words):
        code, text = self.ward("list", "--json", *words)
        self.assertEqual(code, 0)
        return json.loads(text)

    def test_imposed_seen_and_lifted(self):
        with self.house.tls(source=peer(1)) as one:
            self.assertEqual(answered(one), 200)
            self.assertEqual(self.ward("add", peer(1))[0], 0)
            self.assertEqual(house.read_all(one), b"")  # cut
        self.assertFalse(self.lets_in(1))
        self.assertEqual(self.ward("add", peer(2), "--for", "1")[0], 0)
        self.assertFalse(self.lets_in(2))
        ban = next(row for row in self.listed()["bans"] if row["address"] == peer(1))
        self.assertEqual(ban, {"address": peer(1), "state": "banned", "offence": "imposed",
                               "count": 1, "until": ""})
        self.assertEqual(self.ward("lift", peer(1)), (0, f"{peer(1)} may come again\n"))
        self.assertTrue(self.lets_in(1))
        until(lambda: self.lets_in(2))  # by itself
        self.assertEqual(self.listed(), {"bans": [], "next": 0})
        told = [(record["action"], record["actor_type"], json.loads(record["details"])["subject"])
                for action in ("ban.set", "ban.lift") for record in self.records(action)]
        self.assertEqual(told, [("ban.set", "User", peer(1)), ("ban.set", "User", peer(2)),
                                ("ban.lift", "User", peer(1))])

    def test_refused(self):
        """Nothing of these is done, and nothing is in the log."""
        for words, code in ((("add", "127.0.0.1"), 7), (("add", "::1"), 7), (("lift", peer(1)), 6),
                            (("add", "localhost"), 2), (("add", "10.0.0.0/8"), 2),
                            (("add", "10.0.0.1\"}"), 2), (("add", peer(1), "--for", "0"), 2),
                            (("add", peer(1), "--for", "1w"), 2), (("list", "--limit", "0"), 2),
                            (("list", "--limit", "1001"), 2), (("list", "--from", "x"), 2)):
            self.assertEqual(self.ward(*words)[0], code, words)
        with self.house.plain() as one:
            for target in ("impose", "lift"):
                for body in (b"{}", b'{"address":""}', b'{"address":"10.0.0.0/24"}',
                             b'{"address":"2001:db8::/63"}', b'{"address":"::ffff:10.1.1.1/96"}'):
                    status, _, _ = house.ask(one, "POST", f"/v1/admission/{target}",
                                             ["Content-Type: application/json"], body)
                    self.assertEqual(status, 400, (target, body))
        self.assertEqual(self.records("ban."), [])
        self.assertEqual(self.house.metrics()["bans"], 0)

    def test_for_the_owner_alone(self):
        for method, target in (("GET", "bans"), ("POST", "impose"), ("POST", "lift")):
            body = b"" if method == "GET" else b'{"address":"10.77.0.9"}'
            with self.house.tls(source=peer(1)) as one:
                status, fields, said = house.ask(one, method, f"/v1/admission/{target}",
                                                 ["Content-Type: application/json"], body)
                self.assertEqual(status, 403)
                self.assertEqual(house.problem(fields, said)["code"], "HOUSE_OWNER_ONLY")
        self.assertEqual(self.house.metrics()["bans"], 0)

    def test_page_by_page(self):
        for number in range(7):
            self.assertEqual(self.ward("add", f"2001:db8:0:{number}::1")[0], 0)
        seen, start = [], 0
        while True:
            page = self.listed("--limit", "2", "--from", str(start))
            self.assertLessEqual(len(page["bans"]), 2)
            seen += [row["address"] for row in page["bans"]]
            start = page["next"]
            if start == 0:
                break
        self.assertEqual(sorted(seen), [*(f"2001:db8:0:{n}::/64" for n in range(1, 7)),
                                        "2001:db8::/64"])
        self.assertEqual(self.ward("lift", "2001:db8:0:3::/64")[0], 0)
        self.assertEqual(self.house.metrics()["bans"], 6)

    def test_a_full_log_bans_nobody(self):
        """What cannot be logged is not done."""
        os.kill(self.house.pid("audit"), signal.SIGSTOP)
        self.addCleanup(os.kill, self.house.pid("audit"), signal.SIGCONT)
        self.assertEqual(self.ward("add", peer(1))[0], 4)
        self.assertEqual(self.house.metrics()["bans"], 0)


class Slow(Case):
    settings = {"header_seconds": 1}

    def test_two_slow_heads_are_one_too_many(self):
        """Before TLS and after it; one is forgiven."""
        with self.house.tcp(source=peer(1)) as one:
            self.assertEqual(house.read_all(one), b"")
        self.assertTrue(self.lets_in(1))
        with self.house.tls(source=peer(1)) as one:
            one.sendall(HALF)
            self.assertIn(b" 408 ", house.read_all(one))
        until(lambda: not self.lets_in(1))
        self.assertTrue(self.lets_in(2))


class Never(Case):
    def setUp(self):
        super().setUp()
        self.house.command("down", "--state", self.house.state)
        done = self.house.command("up", "--state", self.house.state, "--listen",
                                  f"127.0.0.1:{self.house.port}", "--set",
                                  f"admit.never_ban={peer(1)}, 10.77.0.16/28")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_who_is_on_the_list_is_never_banned(self):
        for number in (1, 15, 30, 31):
            with self.house.tls(source=peer(number)) as one:
                one.sendall(SMUGGLED)
                house.read_all(one)
        until(lambda: self.house.metrics()["bans"] == 1)
        self.assertEqual([self.lets_in(number) for number in (1, 15, 30, 31)],
                         [True, True, True, False])


class Crash(Case):
    """Rule 6.  Nothing in front crashes by a request, as far as anybody knows; so the moment is
    this test's, while the request of the one who is to blame is under way."""

    def test_the_guilty_is_banned_and_no_bystander(self):
        """Both are in flight at the first crash, so both are suspects and neither is banned. Who
        crashes the next two alone is; who is served alone and crashes nothing is not."""
        attacker, bystander, late = 1, 2, 3
        with self.in_flight(attacker), self.in_flight(bystander):
            self.crash()
        counts = self.house.metrics()
        self.assertEqual((counts["suspects"], counts["bans"]), (2, 0))
        self.assertTrue(self.lets_in(bystander))
        for bans in (0, 1):
            until(lambda: self.house.metrics()["bans"] == 0)
            with until(lambda: self.turn(attacker)):
                self.crash()
            self.assertEqual(self.house.metrics()["bans"], bans)
            until(lambda: self.lets_in(bystander))
            self.assertTrue(self.lets_in(late))
        self.assertFalse(self.lets_in(attacker))
        counts = self.house.metrics()
        self.assertEqual((counts["suspects"], counts["bans"]), (2, 1))
        self.assertIn("house.suspects", self.house.command("doctor", "--state", self.house.state,
                                                           "--json").stdout)
        record, = self.records("ban.set")
        details = json.loads(record["details"])
        self.assertEqual((details["subject"], details["reason"]), (peer(attacker), "crash"))

    def turn(self, number):
        """A suspect's request under way, or None: it was turned away."""
        try:
            one = self.house.tls(source=peer(number))
            one.sendall(HALF)
        except OSError:
            return None
        time.sleep(0.1)
        return one

    def test_company_makes_nobody_guilty(self):
        """Whoever waits until others are being served gets nobody banned, nor himself."""
        for first in (10, 20, 30):  # as suspects they would be served one at a time
            with self.in_flight(first), self.in_flight(first + 1):
                self.crash()
            self.assertEqual(self.house.metrics()["bans"], 0)
        self.assertEqual(self.house.metrics()["suspects"], 6)
        # The owner's own request is company, too, and the owner is not blamed.
        with self.house.plain() as mine:
            mine.sendall(HALF)
            with self.in_flight(12):
                self.crash()
        self.assertIn("front died while it served peers=2", self.house.log())
        self.assertEqual(self.house.metrics()["suspects"], 7)
        with self.house.plain() as mine:
            mine.sendall(HALF)
            until(lambda: self.house.metrics()["http1_requests_open"] == 2)
            self.assertFalse(self.lets_in(12))
        until(lambda: self.lets_in(12))

    def test_who_is_idle_is_not_in_flight(self):
        with self.house.tls(source=peer(1)) as idle:
            self.assertEqual(answered(idle), 200)
            with self.in_flight(2):
                self.crash()
        self.assertEqual(self.house.metrics()["suspects"], 1)
        self.assertTrue(self.lets_in(1))

    def test_a_half_made_handshake_is_in_flight(self):
        with self.house.tcp(source=peer(1)) as one:
            one.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
            until(lambda: self.house.metrics()["handshakes_open"] == 1)
            self.crash()
        self.assertEqual(self.house.metrics()["suspects"], 1)

    def test_a_suspect_is_served_alone_and_not_for_long(self):
        """While it has its turn nobody else is served, so that nobody else can be blamed; it ends
        by itself after a second, and the others then have four times as long."""
        with self.in_flight(1):
            self.crash()
        self.assertEqual(self.house.metrics()["suspects"], 1)
        begin = time.monotonic()
        with self.house.tls(source=peer(1)) as one:
            one.sendall(HALF)
            self.assertTrue(self.lets_in(2))  # held up, and served when the turn is over
            waited = time.monotonic() - begin
            self.assertEqual(house.read_all(one), b"")
        self.assertGreater(waited, 0.8)
        self.assertLess(waited, 3)
        begin = time.monotonic()
        turned_away = 0
        while not self.lets_in(1):
            turned_away += 1
            self.assertTrue(self.lets_in(3))  # meanwhile the others are served at once
            time.sleep(0.05)
            self.assertLess(time.monotonic() - begin, 8)
        self.assertGreater(turned_away, 5)

    def test_a_suspect_is_served_one_request_and_goes(self):
        """Over either HTTP; its turn is no longer than that, and lifting the suspicion ends it."""
        with self.in_flight(1):
            self.crash()
        for alpn in ("http/1.1", "h2"):
            one = until(lambda alpn=alpn: self.tls_now(1, alpn))
            with one:
                if alpn == "h2":
                    client = house.H2(one)
                    self.assertEqual(client.get("/v1/system/ping")["fields"][":status"], "200")
                else:
                    self.assertEqual(answered(one), 200)
                begin = time.monotonic()
                self.assertTrue(self.lets_in(2))
                self.assertLess(time.monotonic() - begin, 0.8)
                self.assertEqual(house.read_all(one), b"")
        done = self.house.command("ban", "lift", peer(1), "--state", self.house.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        with self.house.tls(source=peer(1)) as one:
            for _ in range(3):
                self.assertEqual(answered(one), 200)

    def tls_now(self, number, alpn):
        try:
            return self.house.tls(alpn, source=peer(number))
        except OSError:
            return None

    def test_a_suspect_waits_for_who_is_under_way(self):
        with self.in_flight(1):
            self.crash()
        with self.in_flight(2) as other:
            # Its turn passes while the other one does not end.
            self.assertFalse(self.lets_in(1))
            other.sendall(b"host\r\n\r\n")
            self.assertEqual(house.read_answer(other)[0], 200)
        until(lambda: self.lets_in(1))

    def test_a_suspect_is_not_starved(self):
        """Somebody is under way for as long as he likes: two turns pass, in the third he is cut."""
        with self.in_flight(1):
            self.crash()
        with self.house.tls("h2", source=peer(2)) as other:
            client = house.H2(other)
            stream = client.grpc(REFLECTION, house.text_field(7, "*"), end=False)
            while not client.streams[stream]["body"]:
                client.take()
            begin = time.monotonic()
            while not self.lets_in(1):
                self.assertLess(time.monotonic() - begin, 20)
                time.sleep(0.05)
            self.assertGreater(time.monotonic() - begin, 2 * 4)
            self.assertFalse(client.take())
        self.assertIn("cut for a suspect that found no turn connections=1", self.house.log())
        self.assertTrue(self.lets_in(2))

    def test_after_its_end_a_killed_core_judges_the_crash_once(self):
        """Core is killed with front, and hears of the crash when it is there again; then once
        more, for the log.  One crash alone is still one."""
        with self.in_flight(1):
            front, core = self.house.pid("front"), self.house.pid("core")
            os.kill(core, signal.SIGKILL)
            os.kill(front, signal.SIGSEGV)
        self.house.wait_new("core", core)
        self.house.wait_new("front", front)
        until(self.serves)
        until(lambda: self.house.metrics()["suspects"] == 1)
        for _ in range(2):
            self.house.wait_new("core", self.house.kill("core"))
            until(self.serves)
        self.assertEqual(self.house.metrics()["bans"], 0)


if __name__ == "__main__":
    tap.main()
