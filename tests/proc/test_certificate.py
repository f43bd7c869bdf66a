"""test_certificate.py - a house whose listener shows a certificate of files: made by a CA of the test's
own, seen by the clients of others, changed under load, broken in every way, and its key looked for
in every process."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import contract
import curl
import house as houses
import tap
from canary import holds, memory_of
from house import lives, until
from shown import NAMED, RSA, Authority, Bad, Shown, clear, der
from test_reload import Configured, Session
from unix_http import UnixConnection

ROOT = os.geteuid() == 0
RELOADS, CLIENTS = 30, 4


class Judged(unittest.TestCase):
    def test_no_house_starts_with_a_bad_one(self):
        """Whatever is wrong has one reason, before the house is started and when it is."""
        with Shown() as house:
            for name, (reason, how) in Bad(house).rows().items():
                with self.subTest(name):
                    clear(house.chain)
                    clear(house.key)
                    house.put(*how) if isinstance(how, tuple) else how()
                    path = house.key if reason.startswith("TLS_KEY") or name.startswith("key") \
                        else house.chain
                    said = house.ward("config", "check", house.file, code=3)
                    self.assertRegex(said, rf"ward.toml:\d+:\d+: tls\.\w+: {reason}: ")
                    self.assertIn(str(path), said)
                    done = house.run("up", "-c", house.file)
                    self.assertEqual(done.returncode, 3, done)
                    self.assertIn(f"the house did not start: {reason}: {path}",
                                  done.stderr)
                    self.assertEqual(house.monitor(), 0)
                    self.assertEqual(house.doctor()["certificate.files"][0], "fail")

    def test_what_is_good(self):
        """Links, as certbot has them; the old form of a key; a certificate that signed itself; a
        root at the end; CAs of RSA."""
        with Shown() as house:
            leaf, key = house.middle.issue("plain")
            above, root = house.middle.pem.read_bytes(), house.ca.pem.read_bytes()
            old, alone = house.folder / "old", house.folder / "alone"
            old.write_bytes(key)
            Authority.run("ec", "-in", old, "-out", old)
            parameters = subprocess.run(["openssl", "ecparam", "-name", "prime256v1"], check=True,
                                        capture_output=True).stdout
            Authority.run("req", "-x509", *Authority.new(alone.with_suffix(".key")), "-out", alone,
                          "-days", 60, "-subj", "/CN=self", "-addext", NAMED)
            rsa = house.ca.below("rsa", RSA)
            by_rsa = rsa.issue("by-rsa")
            by_pss = [rsa.issue(f"by-pss-{digest}", pss=True, digest=digest)
                      for digest in ("sha256", "sha384", "sha512")]
            rows = {"plain": (leaf + above, key), "old": (leaf + above, old.read_bytes()),
                    "parameters": (leaf + above, parameters + old.read_bytes()),
                    "root": (leaf + above + root, key),
                    "self": (alone.read_bytes(), alone.with_suffix(".key").read_bytes()),
                    **{f"pss {i}": (one[0] + rsa.pem.read_bytes(), one[1])
                       for i, one in enumerate(by_pss)},
                    "rsa": (by_rsa[0] + rsa.pem.read_bytes(), by_rsa[1])}
            for name, pair in rows.items():
                with self.subTest(name):
                    house.put(*pair)
                    self.assertEqual(house.ward("config", "check", house.file), "")
            for path in (house.chain, house.key):
                path.rename(path.with_suffix(".1"))
                path.symlink_to(path.with_suffix(".1").name)
            self.assertEqual(house.ward("config", "check", house.file), "")
            house.start()
            self.assertEqual(house.who(), "by-rsa")

    def test_when_nobody_can_look(self):
        """A check that could not be made is not one that was passed."""
        with Shown() as house, tempfile.TemporaryDirectory() as place:
            house.put(*house.good("one"))
            alone = shutil.copy(houses.WARD, place)
            (pathlib.Path(place) / "src/cmd").mkdir(parents=True)
            shutil.copy(houses.COMMANDS, pathlib.Path(place) / "src/cmd")
            done = subprocess.run([alone, "config", "check", house.file], capture_output=True,
                                  check=False, timeout=60)
            self.assertEqual(done.returncode, 70, done.stderr)
            self.assertIn(b"could not look", done.stderr)

    def test_how_much(self):
        """Each file at its limit and one byte past it; the certificates in one, too."""
        with Shown() as house:
            above = house.middle.pem.read_bytes()
            leaf, key = house.middle.issue("plain")
            chain = leaf + above

            def check(certificate, private, reason=None):
                house.put(certificate, private)
                said = house.ward("config", "check", house.file, code=3 if reason else 0)
                self.assertIn(reason or "", said)

            check(chain + b"\n" * ((24 << 10) - len(chain)), key)
            check(chain + b"\n" * ((24 << 10) - len(chain) + 1), key, "TLS_CERTIFICATE_FORMAT")
            check(chain, key + b"\n" * ((8 << 10) - len(key)))
            check(chain, key + b"\n" * ((8 << 10) - len(key) + 1), "TLS_KEY_FORMAT")
            root = house.ca.pem.read_bytes()
            check(chain + 2 * root, key)
            check(chain + 3 * root, key, "TLS_CERTIFICATE_FORMAT")
            for size, reason in ((16 << 10, None), ((16 << 10) + 1, "TLS_CERTIFICATE_FORMAT")):
                wide, key = self.of_size(house, size - len(der(above)))
                check(wide + above, key, reason)

    @staticmethod
    def of_size(house, size):
        """A certificate of so many bytes, by an extension that nobody knows; signatures have no one
        length."""
        padding = size - 500
        while True:
            made = house.middle.issue("wide", f"{NAMED}\n1.3.6.1.4.1.99999.1=DER:04:" + "".join(
                f"{byte:02x}" for byte in (0x82, padding >> 8, padding & 255)) + "00" * padding)
            have = len(der(made[0]))
            if have == size:
                return made
            if abs(have - size) > 3:
                padding += size - have

    def test_one_without_the_other(self):
        with Shown() as house:
            for one, other in (("certificate", "key"), ("key", "certificate")):
                house.write(f"[tls]\n{one} = 'x.pem'\n")
                said = house.ward("config", "check", house.file, code=3)
                self.assertRegex(said, rf":2:\d+: tls\.{one} needs the file of .*: set tls\.{other}")

    def test_somebody_writes_it(self):
        """A file that is open to be written is not whole."""
        with Shown() as house:
            house.put(*house.good("leaf"))
            with house.key.open("ab"):
                self.assertIn("TLS_FILE_UNUSABLE: ",
                              house.ward("config", "check", house.file, code=3))
                self.assertIn("somebody is writing it", house.run("up", "-c", house.file).stderr)
            house.start()


class Served(unittest.TestCase):
    def test_it_is_shown(self):
        """To the clients of others, whole and in order; and what else the house is stays as it was."""
        with Shown() as house:
            house.put(*house.good("mine", days=90))
            house.start()
            self.assertEqual(house.who(), "mine")
            address = f"https://localhost:{house.port}/v1/system/ping?text=a"
            with curl.folder() as path:
                for wanted, ca in ((0, house.ca.pem), (60, house.state / "ca.pem")):
                    done = subprocess.run([f"{path}/curl", "-sS", "--http1.1", "--cacert", ca, address],
                                          capture_output=True, text=True, check=False, timeout=60)
                    self.assertEqual(done.returncode, wanted, done.stderr)
            shown = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{house.port}", "-showcerts", "-CAfile",
                 house.ca.pem, "-verify_return_error", "-servername", "localhost"], input=b"",
                capture_output=True, check=True, timeout=60).stdout
            blocks = re.findall(rb"-----BEGIN C.*?-----END CERTIFICATE-----\n", shown, re.S)
            self.assertEqual(b"".join(blocks), house.chain.read_bytes())
            keys = json.loads(house.ward("keyring", "list", "--json", "--state", house.state))["keys"]
            self.assertEqual([(key["role"], key["state"]) for key in keys if key["source"] == "file"],
                             [("tls", "active")])
            self.assertEqual(keys[-1]["source"], "file")
            point = self.spki(house.chain)[-65:]
            self.assertEqual(base64.b64decode(keys[-1]["public_part"]), point)
            self.assertIn("\n" + keys[-1]["id"], house.ward("keyring", "list", "--state", house.state))
            self.says(house)
            house.ward("keyring", "rotate", "tls", "--yes", "--state", house.state)
            self.assertEqual(house.who(), "mine")

    @staticmethod
    def spki(path):
        return subprocess.run("openssl x509 -pubkey -noout | openssl pkey -pubin -outform DER",
                              shell=True, input=path.read_bytes(), check=True,
                              capture_output=True).stdout

    def says(self, house):
        """What the house says of it, and until when it is good."""
        looked = house.doctor()
        self.assertEqual(looked["certificate.files"][0], "ok")
        self.assertIn("of mine, issued by middle", looked["certificate.files"][1])
        self.assertEqual(looked["house.certificate"],
                         ("ok", "that of tls.certificate, for more than 30 days"))
        wanted = min(ssl.cert_time_to_seconds(self.end_of(part)) for part in
                     (house.chain.read_bytes(), house.middle.pem.read_bytes()))
        self.assertIn(f"\nward_front_certificate_ends_timestamp_seconds {wanted}\n",
                      self.metrics(house))

    @staticmethod
    def end_of(pem):
        said = subprocess.run(["openssl", "x509", "-noout", "-enddate"], input=pem, check=True,
                              capture_output=True).stdout
        return said.decode().strip().removeprefix("notAfter=")

    @staticmethod
    def metrics(house):
        link = UnixConnection(house.state / "run/ward.sock", 30)
        status, _, said = contract.ask(link, "GET", "/metrics")
        link.close()
        assert status == 200, (status, said)
        return said.decode()

    def test_its_end_comes_near(self):
        """Twenty days: the house serves, and doctor warns of it, of the file and of what is shown."""
        with Shown() as house:
            house.put(*house.good("brief", days=20))
            house.start()
            ends = ssl.cert_time_to_seconds(self.end_of(house.chain.read_bytes()))
            self.assertIn(f"\nward_front_certificate_ends_timestamp_seconds {ends}\n",
                          self.metrics(house))
            looked = house.doctor()
            self.assertEqual(looked["certificate.files"][0], "warn")
            self.assertEqual(looked["house.certificate"][0], "warn")

    def test_its_own_says_so(self):
        with Configured() as house:
            house.start()
            said = json.loads(subprocess.run(
                [houses.WARD, "doctor", "--json", "--state", house.state], capture_output=True,
                check=False).stdout)["checks"]
            found = {row["id"]: (row["finding"], row["detail"]) for row in said}
            self.assertEqual(found["house.certificate"],
                             ("ok", "the house's own, signed by its CA"))
            self.assertEqual(found["certificate.files"][0], "ok")


class Reloaded(unittest.TestCase):
    def test_nobody_is_dropped(self):
        """While it is changed again and again newcomers find one of the two, whole, every request is
        answered, and who is in stays in."""
        with Shown() as house:
            pairs = [house.good("one"), house.good("two")]
            house.put(*pairs[0])
            house.start()
            old = Session(house_with(house), tls=True)
            seen, failures, over = set(), [], threading.Event()

            def client():
                while not over.is_set():
                    try:
                        seen.add(ask(house))
                    except (OSError, AssertionError) as error:
                        failures.append(error)

            threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
            for thread in threads:
                thread.start()
            try:
                for i in range(RELOADS):
                    house.put(*pairs[(i + 1) % 2])
                    self.assertEqual(house.signal()[0], "done")
                    old.ask()
            finally:
                over.set()
                for thread in threads:
                    thread.join()
            self.assertEqual(failures, [])
            self.assertEqual(seen, {"one", "two"})
            old.ask()
            self.assertEqual(house.who(), "one" if RELOADS % 2 == 0 else "two")

    def test_a_handshake_under_way(self):
        """One that has not said hello yet, and one that was asked to say it again in another group,
        are shown the new one."""
        with Shown() as house:
            house.put(*house.good("one"))
            house.start()
            waiting = socket.create_connection(("127.0.0.1", house.port), 30)
            until(lambda: "ward_front_handshakes_open 1\n" in Served.metrics(house))
            into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
            again = socket.create_connection(("127.0.0.1", house.port), 30)
            trust = house.trust()
            tls = trust.wrap_bio(into, out, server_hostname="localhost")
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
            hello = out.read()
            again.sendall(hello[:60])
            until(lambda: "ward_front_handshakes_open 2\n" in Served.metrics(house))
            house.put(*house.good("two"))
            self.assertEqual(house.signal()[0], "done")
            until(lambda: house.who() == "two")
            with house.trust().wrap_socket(waiting, server_hostname="localhost") as late:
                self.assertEqual(late.getpeercert()["subject"], ((("commonName", "two"),),))
            again.sendall(hello[60:])
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    again.sendall(out.read())
                    into.write(again.recv(65536))
            self.assertEqual(tls.getpeercert()["subject"], ((("commonName", "two"),),))
            again.close()

    def test_a_bad_one_changes_nothing(self):
        """The one in force stays; who asked for the reload, the log and doctor say why; and the next
        good one is taken."""
        with Shown() as house:
            house.put(*house.good("one"))
            house.start()
            inside = Session(house_with(house), tls=True)
            for name, (reason, how) in Bad(house).rows().items():
                with self.subTest(name):
                    clear(house.chain)
                    clear(house.key)
                    house.put(*how) if isinstance(how, tuple) else how()
                    done = house.reload()
                    self.assertEqual(done.returncode, 3, done)
                    self.assertIn(reason, done.stderr)
                    self.assertIn("nothing was changed", done.stderr)
                    self.assertIn(reason, house.log())
                    self.assertEqual(house.who(), "one")
                    inside.ask()
            until(lambda: house.doctor()["house.reload"][0] == "warn")
            clear(house.key)
            house.put(*(house.good("two")[0], house.good("three")[1]))
            self.assertEqual(house.reload().returncode, 3)
            self.assertEqual(house.doctor()["house.certificate"][0], "warn")
            self.assertIn("is not that of the first certificate",
                          house.doctor()["house.certificate"][1])
            house.put(*house.good("four"))
            self.assertEqual(house.reload().returncode, 0)
            self.assertEqual(house.who(), "four")
            self.assertEqual(house.doctor()["house.certificate"][0], "ok")
            until(lambda: house.doctor()["house.reload"][0] == "ok")

    def test_taken_back_when_the_one_before_has_ended(self):
        """Core refuses what came with the new one: keeper goes back with the others, whatever the date
        of the one that it showed until then."""
        with Shown() as house:
            policy = house.base / "policy.toml"
            policy.write_text("hardware = true\n")
            house.put(*house.good("one"))
            house.start("--set", f"channel.policy={policy}")
            end = int(time.time()) + 10
            dates = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(at)) for at in (end - 60, end)]
            house.put(*house.good("brief", between=dates))
            self.assertEqual(house.reload().returncode, 0)
            until(lambda: self.now_shown(house) in house.chain.read_text())
            shown = self.now_shown(house)
            until(lambda: time.time() >= end + 1, 60)  # it is good to the end of that second
            house.put(*house.good("two"))
            part = policy.with_suffix(".part")
            part.write_text("#" * (16 << 10) + "\n")
            part.rename(policy)
            done = house.reload()
            self.assertEqual(done.returncode, 3, done)
            self.assertIn("see STATE/ward.log", done.stderr)
            until(lambda: self.now_shown(house) == shown)  # front asks for it when it hears of it
            finding, detail = house.doctor()["house.certificate"]
            self.assertEqual((finding, detail), ("fail", "that of tls.certificate, which has expired"))

    @staticmethod
    def now_shown(house):
        return ssl.get_server_certificate(("127.0.0.1", house.port))

    def test_renewed_with_the_same_key(self):
        """As often as it may be, with newcomers between and without: each is taken and shown."""
        with Shown() as house:
            house.put(*house.good("one"))
            house.start()
            for i in range(10):
                house.put(*house.good("one", renewed=True))
                done = house.reload()
                self.assertEqual(done.returncode, 0, done.stderr)
                if i % 2:
                    self.assertEqual(self.shown(house), der(house.chain.read_bytes().split(
                        b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n"))
            house.put(*house.good("two"))
            self.assertEqual(house.reload().returncode, 0)
            self.assertEqual(house.who(), "two")

    @staticmethod
    def shown(house):
        with socket.create_connection(("127.0.0.1", house.port), 30) as plain, \
                house.trust().wrap_socket(plain, server_hostname="localhost") as tls:
            return tls.getpeercert(binary_form=True)

    def test_the_same_again(self):
        """Nothing is changed by a reload of the same files."""
        with Shown() as house:
            house.put(*house.good("one"))
            house.start()
            for _ in range(3):
                self.assertEqual(house.signal()[0], "done")
            self.assertEqual(house.log().count("certificate taken from its file"), 1)


class Killed(unittest.TestCase):
    def test_processes_that_start_again(self):
        """Front and keeper find the same files, also when others lie under their names by then: those
        are for the next reload."""
        with Shown() as house:
            house.put(*house.good("one"))
            house.start()
            for name in ("front", "keeper", "core"):
                house.end(name)
                until(lambda: who_or_none(house) == "one", 20)
            house.put(*house.good("two"))
            house.end("keeper")
            until(lambda: who_or_none(house) == "one", 20)
            self.assertEqual(house.signal()[0], "done")
            until(lambda: who_or_none(house) == "two", 20)
            self.assertEqual(house.doctor()["house.certificate"][0], "ok")

    def test_in_the_middle_of_a_reload(self):
        """kill -9 of the keeper or of front around the signal: the house ends with one of the two, and
        takes the new one at the next."""
        with Shown() as house:
            house.put(*house.good("n0"))
            house.start()
            for i in range(1, 9):
                house.put(*house.good(f"n{i}"))
                victim = house.processes()["keeper" if i % 2 else "front"]
                os.kill(house.monitor(), signal.SIGHUP)
                os.kill(victim, signal.SIGKILL)
                until(lambda i=i: who_or_none(house) in (f"n{i - 1}", f"n{i}"), 20)
                until(lambda: len(house.processes()) == len(houses.NAMES) + 1, 20)
                until(lambda: house.signal()[0] == "done", 20)
                until(lambda i=i: who_or_none(house) == f"n{i}", 20)

    def test_asked_for_while_the_keeper_is_down(self):
        """Nobody but the keeper can say that a pair is good: it is waited for."""
        with Shown() as house:
            house.put(*house.good("one"))
            house.start()
            for i in range(3):
                with self.subTest(i):
                    house.put(*(house.good("two")[0], house.good("three")[1]))
                    old = house.processes()["keeper"]
                    os.kill(old, signal.SIGKILL)
                    until(lambda old=old: not lives(old))
                    done = house.reload()
                    self.assertEqual(done.returncode, 3, done.stderr)
                    self.assertIn("TLS_KEY_MISMATCH", done.stderr)
                    until(lambda: who_or_none(house) == "one", 20)
            house.put(*house.good("four"))
            self.assertEqual(house.reload().returncode, 0)
            self.assertEqual(house.who(), "four")

    def test_overwritten_in_place(self):
        """What the new keeper finds in the very files is none: the house goes on, with its own
        certificate, and says so until a good one is there."""
        with Shown() as house:
            house.put(*house.good("one"))
            house.start()
            house.key.write_bytes(house.good("two")[1])
            house.end("keeper")
            own = ssl.create_default_context(cafile=house.state / "ca.pem")
            until(lambda: who_or_none(house, own) == "localhost", 20)
            finding, detail = house.doctor()["house.certificate"]
            self.assertEqual(finding, "fail")
            self.assertIn("tls.key", detail)
            self.assertIn("reason=TLS_KEY_MISMATCH", house.log())
            house.put(*house.good("three"))
            self.assertEqual(house.signal()[0], "done")
            until(lambda: who_or_none(house) == "three", 20)
            self.assertEqual(house.doctor()["house.certificate"][0], "ok")


def house_with(house):
    """As test_reload's Session wants it: what to trust lies in the state folder there."""
    class Other:
        port = house.port
        state = house.folder
    if not (house.folder / "ca.pem").exists():
        raise AssertionError("the CA of the test is called ca")
    return Other


def who_or_none(house, trust=None):
    try:
        return house.who(trust)
    except OSError:
        return None


def ask(house):
    """A connection of its own, and one request over it: whose certificate it saw."""
    with contextlib.closing(http.client.HTTPSConnection("localhost", house.port, timeout=30,
                                                        context=house.trust())) as link:
        link.connect()
        subject = link.sock.getpeercert()["subject"]
        status, _, said = contract.ask(link, "GET", "/v1/system/ping?text=a")
        assert status == 200, (status, said)
        return dict(row[0] for row in subject)["commonName"]


class Kept(unittest.TestCase):
    def test_the_key_is_nowhere_but_in_the_keeper(self):
        """Not in a file of the house, nor in what it says; and, for who may look into processes, in
        none but the keeper, where of all of the file only the scalar is left."""
        with Shown() as house:
            chain, key = house.good("one")
            house.put(chain, key)
            house.start()
            house.put(*house.good("two"))
            self.assertEqual(house.signal()[0], "done")
            until(lambda: house.who() == "two")
            scalars = [self.scalar(text) for text in (key, house.key.read_bytes())]
            body = b"".join(house.key.read_bytes().splitlines()[1:-1])
            said = "".join([house.ward("keyring", "list", "--state", house.state), house.log(),
                            str(house.doctor())]).encode()
            for scalar in scalars:
                self.assertEqual(holds(said, scalar), [])
                for path in house.state.rglob("*"):
                    if path.is_file():
                        self.assertEqual(holds(path.read_bytes(), scalar), [], path)
            pids = {**house.processes(), "monitor": house.monitor()} if ROOT else {}
            if ROOT:  # the one before goes when front has said that no handshake uses it
                until(lambda: holds(memory_of(pids["keeper"], 1 << 40), scalars[0]) == [])
            for name, pid in pids.items():
                memory = memory_of(pid, 1 << 40)
                found = [holds(memory, scalar) != [] for scalar in scalars]
                self.assertEqual(found, [False, name == "keeper"], name)
                self.assertNotIn(body[:64], memory, name)

    @staticmethod
    def scalar(pem):
        text = subprocess.run(["openssl", "pkey", "-noout", "-text"], input=pem, check=True,
                              capture_output=True).stdout.decode()
        digits = re.search(r"priv:\n((?:\s+[0-9a-f:]+\n)+)", text)[1]
        return bytes.fromhex(re.sub(r"[\s:]", "", digits)).rjust(32, b"\0")[-32:]


if __name__ == "__main__":
    tap.main()
