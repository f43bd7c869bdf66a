"""test_tee.py - a house vouches for itself: what its evidence says, that it is called simulated
wherever it is shown, and an authority that is made once, survives whatever stops its making, and is
never replaced by another."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import stat
import subprocess
import threading
import time
import unittest

import contract
import house as houses
import tap
from house import House, until

PROGRAMS = houses.BUILD / "src/proc"
ASKED = "5a" * 64
RATE, BURST = 10, 50
FILES = {"pck-crl.crl", "qe-identity.json", "root-crl.crl", "signing-chain.pem", "tcb-info.json"}


def ward(*words):
    return subprocess.run([str(houses.WARD), *map(str, words)], capture_output=True, text=True,
                          check=False, timeout=60)


def sha384(data):
    return hashlib.sha384(data).digest()


def measured():
    """{event: program}, in their order."""
    return {f"ward-{name}": PROGRAMS / f"ward-{name}" for name in houses.NAMES} | {"ward": houses.WARD}


def expected_rtmr3():
    """What docs/house.md says that it is, worked out from the programs themselves."""
    register = bytes(48)
    for name, path in measured().items():
        event = b"\x01\x00\x00\x08:" + name.encode() + b":" + sha384(path.read_bytes())
        register = sha384(register + sha384(event))
    return register.hex()


def scalar_of(seed, name):
    """As crypto/ecdsa_sign.h derives it."""
    return hmac.new(seed, name.encode() + b"\0", hashlib.sha512).digest()[:32]


class Vouching(House):
    def evidence(self, *more):
        return ward("evidence", "--state", self.state, *(more or ("--report-data", ASKED)))

    def in_time(self, *words):
        """The same, later when others have asked too often."""
        def asked_once():
            done = self.evidence(*words)
            return None if "TEE_RATE" in done.stderr else done
        return until(asked_once, 10, 0.2)

    def file(self, *more):
        """A quote in a file of its own, with its log."""
        quote, log = self.base / "quote.bin", self.base / "log.json"
        done = self.in_time(*(more or ("--report-data", ASKED)), "--out", quote, "--event-log", log)
        assert done.returncode == 0, done.stderr
        return quote, log

    def verify(self, quote, *more):
        """Judged by whoever trusts this house's root: (exit code, object)."""
        done = ward("verify", quote, "--json", "--root", self.state / "tee/root.pem", "--collateral",
                    self.state / "tee/collateral", *more)
        return done.returncode, json.loads(done.stdout)

    def vouches(self):
        """Evidence of now, accepted under the published root."""
        quote, log = self.file()
        code, said = self.verify(quote, "--event-log", log, "--report-data", ASKED)
        assert code == 0, said
        return said

    def post(self, body, path="/v1/attest/evidence", end=None):
        own = end or houses.UnixConnection(self.state / "run/ward.sock", 30)
        try:
            body = body if isinstance(body, str) else json.dumps(body)
            status, _, said = contract.ask(own, "POST", path, body,
                                           {"content-type": "application/json"})
            return status, json.loads(said)
        finally:
            if end is None:
                own.close()

    def records(self):
        status, said = self.ask("/v1/audit/records?limit=1000&action=evidence.make")
        assert status == 200, said
        return [(row["outcome"], row["resource"], json.loads(row["details"]))
                for row in said["records"]]

    def root(self):
        return (self.state / "tee/root.pem").read_bytes()


def asked(data):
    return {"report_data": base64.b64encode(data).decode()}


class TestEvidence(houses.OneHouse):
    kind = Vouching

    def test_it_is_refused_in_production_and_marked_everywhere(self):  # proves: EC-5
        """The five assertions, the web page's aside, which there is not: refused by who trusts
        what production trusts, and marked in the command, the certificate, the log, the metrics."""
        quote, _ = self.house.file()
        done = ward("verify", quote, "--json", "--collateral", self.house.state / "tee/collateral")
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, said["reason"], said["hardware"]),
                         (1, "PCK_ROOT_UNTRUSTED", False))
        request = {"evidence": base64.b64encode(quote.read_bytes()).decode()}
        status, said = self.house.post(request, "/v1/attest/verify")
        self.assertEqual((status, said["allowed"], said["reason"], said["hardware"]),
                         (200, False, "PCK_ROOT_UNTRUSTED", False))

        done = self.house.evidence()
        self.assertEqual(done.stderr.count("SIMULATED TEE"), 1)
        self.assertEqual(self.said.count("SIMULATED TEE"), 1)
        _, made = self.house.post(asked(bytes(64)))
        self.assertIs(made["hardware"], False)
        doctor = json.loads(ward("doctor", "--state", self.house.state, "--json").stdout)
        found = [row for row in doctor["checks"] if row["id"] == "house.tee"]
        self.assertEqual([row["finding"] for row in found], ["warn"])
        self.assertIn("SIMULATED TEE", found[0]["detail"])

        self.assertEqual(self.subject()["organizationalUnitName"], "SIMULATED TEE")
        outcome, resource, details = self.house.records()[-1]
        self.assertEqual((outcome, resource, details["hardware"]),
                         ("Success", "SIMULATED TEE", False))
        own = houses.UnixConnection(self.house.state / "run/ward.sock", 10)
        page = contract.ask(own, "GET", "/metrics")[2].decode()
        self.assertIn("\nward_tee_simulated 1\n", page)
        own.close()

    def subject(self):
        trust = ssl.create_default_context(cafile=self.house.state / "ca.pem")
        end = http.client.HTTPSConnection("localhost", self.house.port, timeout=10, context=trust)
        end.connect()
        parts = end.sock.getpeercert()["subject"]
        end.close()
        return {name: value for part in parts for name, value in part}

    def test_it_says_what_was_asked_and_what_runs(self):
        quote, log = self.house.file()
        code, said = self.house.verify(quote, "--event-log", log, "--report-data", ASKED)
        self.assertEqual((code, said["decision"], said["hardware"]), (0, "allow", False))
        self.assertIn("root", said["relaxed"])
        claims = said["claims"]
        self.assertEqual(claims["report_data"], ASKED)
        self.assertEqual(claims["mrtd"], sha384((PROGRAMS / "ward-monitor").read_bytes()).hex())
        self.assertEqual(claims["rtmr3"], expected_rtmr3())
        for register in ("rtmr0", "rtmr1", "rtmr2"):
            self.assertEqual(claims[register], "00" * 48)
        events = json.loads(log.read_text())
        self.assertEqual([row["event"] for row in events], list(measured()))
        for row in events:
            program = measured()[row["event"]].read_bytes()
            self.assertEqual(row["event_payload"], sha384(program).hex())
        code, said = self.house.verify(quote, "--report-data", "00" * 64)
        self.assertEqual((code, said["reason"]), (1, "POLICY_REPORT_DATA"))
        events[3]["event_payload"] = "00" * 48
        log.write_text(json.dumps(events))
        self.assertEqual(self.house.verify(quote, "--event-log", log)[0], 1)

    def test_it_is_a_source_for_programs_on_this_machine(self):
        """As `--source` asks it: the same evidence, and marked."""
        source = f"house:{self.house.state}"
        quote, log = self.house.base / "from-source", self.house.base / "log-from-source"

        def made():
            got = ward("evidence", "--source", source, "--report-data", ASKED, "--out", quote,
                       "--event-log", log, "--json")
            return None if "SOURCE_BUSY" in got.stderr else got
        done = until(made, 10, 0.2)
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, said["simulated"], said["source"]), (0, True, source))
        self.assertEqual(done.stderr.count("SIMULATED TEE"), 1)
        code, got = self.house.verify(quote, "--report-data", ASKED, "--event-log", log)
        self.assertEqual((code, got["claims"]["rtmr3"]), (0, expected_rtmr3()))

    def test_a_nonce_and_what_goes_through_a_pipe(self):
        done = self.house.evidence("--nonce", "0123456789abcdef")
        self.assertEqual(done.returncode, 0, done.stderr)
        words = [str(houses.WARD), "verify", "-", "--json", "--root",
                 str(self.house.state / "tee/root.pem"), "--collateral",
                 str(self.house.state / "tee/collateral"), "--nonce", "0123456789abcdef"]
        judged = subprocess.run(words, input=done.stdout, capture_output=True, text=True, timeout=60,
                                check=False)
        self.assertEqual(judged.returncode, 0, judged.stdout)

    def test_what_the_command_does_not_take(self):
        for words in (["--report-data", "5a" * 63], ["--report-data", "5a" * 65], ["--nonce", ""],
                      ["--nonce", "5a" * 65], ["--nonce", "xy"], ["--report-data", "5a5"],
                      ["--report-data", ASKED, "--nonce", "00"], ["--json"]):
            with self.subTest(words):
                self.assertEqual(self.house.evidence(*words).returncode, 2)
        done = self.house.in_time("--nonce", "00", "--out", "/nowhere/at/all")
        self.assertEqual((done.returncode, done.stdout), (2, ""))

    def test_what_is_no_request(self):
        before = len(self.house.records())
        rows = [{}, {"report_data": ""}, {"report_data": "!"}, {"report_data": 7}, "[]", "",
                asked(bytes(63)), asked(bytes(65)), asked(bytes(64)) | {"mrtd": "AAAA"}]
        for body in rows:
            with self.subTest(body):
                status, said = self.house.post(body)
                self.assertEqual((status, said["code"]), (400, "HTTP_BODY_INVALID"))
        self.assertEqual(len(self.house.records()), before)

    def test_strangers_may_not_ask(self):
        status, said = self.house.ask("/v1/attest/evidence", tls=True,
                                      body=json.dumps(asked(bytes(64))))
        self.assertEqual((status, said["code"]), (403, "HOUSE_OWNER_ONLY"))

    def test_ten_thousand_get_what_the_rate_allows(self):
        """Each one that was made is in the log, and what was refused does not fill it."""
        before = len(self.house.records())
        self.assertLess(before, 900 - BURST)  # a page of the log holds the difference
        end = houses.UnixConnection(self.house.state / "run/ward.sock", 30)
        answers, begin = {}, time.monotonic()
        for number in range(10000):
            status, said = self.house.post(asked(number.to_bytes(64, "big")), end=end)
            key = status, said.get("code")
            answers[key] = answers.get(key, 0) + 1
        end.close()
        made = answers.pop((200, None), 0)
        self.assertGreaterEqual(made, 1)
        self.assertLessEqual(made, BURST + RATE * (time.monotonic() - begin + 1))
        self.assertEqual(answers, {(429, "TEE_RATE"): 10000 - made})
        rows = self.house.records()[before:]
        self.assertEqual(len(rows), made)
        self.assertEqual(len({row[2]["report_data"] for row in rows}), made)

    def test_who_was_killed_vouches_again(self):
        """Killed while it is asked: an answer or a refusal, never a wrong one, and back by itself
        under the same root."""
        root, odd, done = self.house.root(), [], threading.Event()

        def ask():
            while not done.is_set():
                status, said = self.house.post(asked(bytes.fromhex(ASKED)))
                good = status == 200 and ASKED in base64.b64decode(said["evidence"]).hex()
                if not good and said.get("code") not in ("TEE_RATE", "HOUSE_UNAVAILABLE"):
                    odd.append(said)

        asking = threading.Thread(target=ask)
        asking.start()
        for _ in range(5):
            tee = until(lambda: self.house.processes().get("tee"), 60)
            os.kill(tee, signal.SIGKILL)
            until(lambda tee=tee: self.house.processes().get("tee") not in (None, tee), 60)
        done.set()
        asking.join()
        self.assertEqual(odd, [])
        until(lambda: self.house.post(asked(bytes(64)))[0] == 200, 60, 0.2)
        self.house.vouches()
        self.assertEqual(self.house.root(), root)

    def test_who_is_frozen_keeps_nobody_else_waiting(self):
        tee = until(lambda: self.house.processes().get("tee"), 60)
        os.kill(tee, signal.SIGSTOP)
        try:
            status, said = self.house.post(asked(bytes(64)))
            self.assertEqual((status, said["code"]), (503, "HOUSE_DEADLINE"))
            self.assertTrue(self.house.works())
        finally:
            os.kill(tee, signal.SIGCONT)
        until(lambda: self.house.post(asked(bytes(64)))[0] == 200, 30, 0.2)

    def test_what_is_published_is_for_everybody_and_the_seed_for_nobody(self):
        folder = self.house.state / "tee"
        self.assertEqual({path.name for path in (folder / "collateral").iterdir()}, FILES)
        self.assertEqual({path.name for path in folder.iterdir()},
                         {"authority", "collateral", "root.pem"})
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
        self.assertEqual(modes.pop("authority"), 0o600)
        self.assertEqual(modes.pop("collateral"), 0o755)
        self.assertEqual(set(modes.values()), {0o644})
        seed = (folder / "authority").read_bytes()[32:64]
        for path in (*folder.rglob("*"), self.house.state / "ward.log"):
            if path.is_file() and path.name != "authority":
                self.assertNotIn(seed, path.read_bytes())
                self.assertNotIn(seed.hex().encode(), path.read_bytes().lower())

    def test_the_seed_is_in_no_memory(self):
        """What could make another platform is gone from the process that vouches, and the quoting
        key lies in closed pages only: there a debugger's way of reading finds it, once."""
        seed = (self.house.state / "tee/authority").read_bytes()[32:64]
        scalars = [scalar_of(seed, name) for name in
                   ("sgx root", "pck ca", "tcb signing", "pck", "attestation")]
        quote = self.house.file()[0].read_bytes()
        pid, found, seen, closed = self.house.processes()["tee"], [], 0, []
        try:
            memory = open(f"/proc/{pid}/mem", "rb", 0)
        except PermissionError:
            self.skipTest("the memory of tee is closed to this user")
        with memory, open(f"/proc/{pid}/maps") as maps:
            for row in maps:
                span, rights, *_ = row.split()
                start, end = (int(word, 16) for word in span.split("-"))
                if "[v" in row or end - start > 1 << 28:
                    continue
                try:
                    memory.seek(start)
                    have = memory.read(end - start)
                except OSError:  # a guard page
                    continue
                if not rights.startswith("r"):
                    closed += [secret for secret in (seed, *scalars) if secret in have]
                    continue
                seen += quote[-500:] in have
                for secret in (seed, *scalars):
                    # OpenSSL's numbers lie the other way round.
                    found += [row for form in (secret, secret[::-1]) if form in have]
        self.assertEqual(found, [])
        self.assertGreater(seen, 0)
        self.assertEqual(closed, [scalars[-1]])

    def test_collateral_lasts(self):
        """At any time what is published is good for twenty days at least."""
        later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 20 * 86400))
        much_later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 31 * 86400))
        quote, _ = self.house.file()
        self.assertEqual(self.house.verify(quote, "--at", later)[0], 0)
        self.assertEqual(self.house.verify(quote, "--at", much_later)[0], 1)


class TestAuthority(unittest.TestCase):
    def refused(self, house, reason):
        """The house does not start, says why, and leaves everything as it is."""
        before = self.contents(house)
        done = house.run("up")
        self.assertNotEqual(done.returncode, 0, done.stderr)
        self.assertIn(reason, done.stderr)
        self.assertEqual(self.contents(house), before)
        self.assertFalse(house.processes())

    @staticmethod
    def contents(house):
        return {str(path): path.read_bytes() for path in (house.state / "tee").rglob("*")
                if path.is_file()}

    def test_killed_while_it_is_made(self):
        """The whole house, at any moment of its first start: the next one vouches, and the root
        that it published once is the root for ever."""
        for delay in [0.002 * step for step in range(40)]:
            with self.subTest(delay), Vouching() as house:
                first = subprocess.Popen(house.words("up"), stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
                monitor = until(house.monitor, 10, 0)
                time.sleep(delay)
                house.processes()
                os.kill(monitor, signal.SIGKILL)
                first.wait(30)  # the kernel takes a moment to end the other
                until(lambda house=house: not house.monitor(), 10, 0)
                published = house.state / "tee/root.pem"
                root = published.read_bytes() if published.exists() else None
                house.up()
                house.vouches()
                self.assertIn(root, (None, house.root()))
                self.assertEqual(len(list((house.state / "tee").iterdir())), 3)
                house.down()

    def test_killed_while_collateral_is_published(self):
        """At any moment of a start in which all of it is to be written: whatever lies there then,
        the next start puts it right, under the same root."""
        with Vouching() as house:
            house.up()
            root, folder = house.root(), house.state / "tee/collateral"
            for step in range(20):
                house.down()
                for path in folder.iterdir():
                    path.unlink()
                first = subprocess.Popen(house.words("up"), stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
                monitor = until(house.monitor, 10, 0)
                time.sleep(0.03 + 0.002 * step)
                house.processes()
                os.kill(monitor, signal.SIGKILL)
                first.wait(30)  # the kernel takes a moment to end the other
                until(lambda house=house: not house.monitor(), 10, 0)
                house.up()
                self.assertEqual({path.name for path in folder.iterdir()}, FILES)
            house.vouches()
            self.assertEqual(house.root(), root)
            house.down()

    def test_damaged_exchanged_or_gone(self):
        with Vouching() as one, Vouching() as other:
            for house in (one, other):
                house.up()
                house.down()
            path = one.state / "tee/authority"
            whole, root = path.read_bytes(), one.root()
            self.assertEqual(len(whole), 96)
            for cut in (0, 1, 31, 32, 63, 64, 95):
                path.write_bytes(whole[:cut])
                self.refused(one, "TEE_AUTHORITY_DAMAGED")
            for at in range(0, 96, 5):
                path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
                self.refused(one, "TEE_AUTHORITY_DAMAGED")
            path.write_bytes(whole + b"\0")
            self.refused(one, "TEE_AUTHORITY_DAMAGED")
            shutil.copy(other.state / "tee/authority", path)
            self.refused(one, "TEE_AUTHORITY_FOREIGN")
            path.unlink()
            self.refused(one, "TEE_AUTHORITY_MISSING")
            path.write_bytes(whole)
            path.chmod(0o640)
            self.refused(one, "HOUSE_STATE_UNSAFE")
            path.unlink()
            path.symlink_to(other.state / "tee/authority")
            self.refused(one, "HOUSE_STATE_UNSAFE")
            path.unlink()
            path.write_bytes(whole)
            path.chmod(0o600)
            (one.state / "tee/root.pem").write_bytes(other.root())
            self.refused(one, "TEE_AUTHORITY_FOREIGN")
            (one.state / "tee/root.pem").write_bytes(root)
            one.up()
            one.vouches()
            self.assertEqual(one.root(), root)
            one.down()

    def test_nobody_can_have_trusted_what_was_not_published(self):
        """Without a root a damaged seed is made anew, and a whole one publishes the same root."""
        with Vouching() as house:
            house.up()
            house.down()
            root = house.root()
            for left in (b"", root[:0]):
                (house.state / "tee/root.pem").write_bytes(left)
                house.up()
                self.assertEqual(house.root(), root)
                house.down()
            (house.state / "tee/root.pem").unlink()
            (house.state / "tee/authority").write_bytes(b"ward simulated tee 1\n")
            house.up()
            house.vouches()
            self.assertNotEqual(house.root(), root)
            house.down()

    def test_collateral_is_put_right(self):
        with Vouching() as house:
            house.up()
            house.down()
            folder = house.state / "tee/collateral"
            good = {path.name: path.read_bytes() for path in folder.iterdir()}
            stamps = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
            house.up()
            house.down()
            self.assertEqual(stamps, {path.name: path.stat().st_mtime_ns for path in folder.iterdir()})
            (folder / "tcb-info.json").write_bytes(b"{}")
            (folder / "pck-crl.crl").unlink()
            (folder / ".root-crl.crl.0123456789abcdef").write_bytes(b"half")
            (folder / "somebody.txt").write_text("else's")
            house.up()
            house.vouches()
            house.down()
            self.assertEqual({path.name: path.read_bytes() for path in folder.iterdir()},
                             good | {"somebody.txt": b"else's"})

    def test_collateral_that_cannot_be_written_stops_nothing(self):
        with Vouching() as house:
            house.up()
            house.down()
            folder = house.state / "tee/collateral"
            shutil.rmtree(folder)
            folder.write_text("no folder")
            house.up()
            self.assertEqual(house.evidence().returncode, 0)
            self.assertIn("collateral not published", house.log())
            folder.unlink()
            # It tries again by beginning anew: now, for whoever asks for a reload, and in order.
            before = house.processes()
            self.assertEqual(house.run("reload").returncode, 0)
            until(lambda: folder.is_dir() and len(list(folder.iterdir())) == len(FILES), 30)
            until(lambda: house.evidence().returncode == 0, 30, 0.2)
            after = house.processes()
            self.assertEqual([name for name in before if before[name] != after[name]], ["tee"])
            self.assertIn("process begins anew name=tee", house.log())
            status, said = house.ask("/v1/audit/records?action=process.")
            self.assertEqual((status, said["records"]), (200, []))
            house.vouches()
            house.run("reload")  # and not again, in the same period
            time.sleep(0.5)
            self.assertEqual(house.processes(), after)
            house.down()

    def test_two_houses_have_two_roots(self):
        with Vouching() as one, Vouching() as other:
            one.up()
            other.up()
            quote, _ = one.file()
            self.assertEqual(one.verify(quote)[0], 0)
            code, said = other.verify(quote)
            self.assertEqual((code, said["reason"]), (1, "PCK_ROOT_UNTRUSTED"))
            one.down()
            other.down()


tap.main()
