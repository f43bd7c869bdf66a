"""test_operators.py - who shows a certificate over TLS, and what that lets him ask: certificates of
CAs of the test's own, good ones and all the others, by clients that know nothing of Ward."""

import contextlib
import hashlib
import json
import os
import re
import ssl
import subprocess
import time
import unittest

import curl
import front_house
import house as houses
import tap
from guarded import ALICE, BOB, CLIENT, NAMED, Guarded, metrics
from house import until
from shown import P384, RSA, Authority, der
from test_reload import Configured

READS = (("GET", "/v1/system/doctor"), ("GET", "/v1/system/config"), ("GET", "/v1/audit/records"),
         ("GET", "/v1/audit/records/0"), ("POST", "/v1/audit/verify"))
NOT_HIS = (("GET", "/v1/keyring/keys"), ("POST", "/v1/keyring/rotate"),
           ("POST", "/v1/admission/impose"), ("POST", "/v1/attest/evidence"),
           ("GET", "/v1/sessions"), ("POST", "/v1/sessions/grant"), ("GET", "/v1/collateral"),
           ("POST", "/v1/collateral/refresh"), ("GET", "/v1/peers"), ("POST", "/v1/token/issue"))


class Callers(unittest.TestCase):
    def setUp(self):
        self.house = self.enterContext(Guarded())
        self.house.start()

    def test_what_an_operator_may(self):
        """What changes nothing, over HTTP/1.1 and HTTP/2 alike; everything else stays the owner's,
        and whoever shows nothing is nobody."""
        alice = self.house.person()
        link, nobody = self.house.link(alice), self.house.link()
        for method, path in READS:
            with self.subTest(path):
                self.assertEqual(self.house.asks(link, method, path)[0], 200)
                status, said = self.house.asks(nobody, method, path)
                self.assertEqual((status, said["code"]), (403, "HOUSE_OWNER_ONLY"))
        for method, path in NOT_HIS:
            with self.subTest(path):
                status, said = self.house.asks(link, method, path)
                self.assertEqual((status, said["code"]), (403, "HOUSE_OWNER_ONLY"))
        for one in (link, nobody):
            self.assertEqual(self.house.asks(one, path="/v1/system/ping?text=a")[0], 200)
        with self.house.connect(alice, "h2") as tls:
            self.assertEqual(tls.selected_alpn_protocol(), "h2")
            h2 = front_house.H2(tls)
            for path, status in (("/v1/system/doctor", "200"), ("/v1/keyring/keys", "403")):
                self.assertEqual(h2.get(path)["fields"][":status"], status)
        self.assertEqual(self.house.counted(), 0)
        self.assertGreaterEqual(self.house.counted("_total"), 2)

    def test_curl_with_every_kind_of_key(self):
        """P-256, P-384, Ed25519 and RSA; by the first CA and by the root itself; a DNS name in any
        case."""
        house = self.house
        rows = {"p256": house.person(), "p384": house.person("p384", kind=P384),
                "ed25519": house.person("ed25519", kind=("ed25519",)),
                "rsa": house.person("rsa", kind=RSA),
                "by rsa": house.person("by-rsa", by=house.root.below("rsa-ca", RSA)),
                "by the root": house.person("by-root", by=house.root),
                "bob": house.person("bob", "subjectAltName=DNS:other.example,DNS:Bob.OPS.example")}
        with curl.folder() as path:
            for name, person in rows.items():
                for version in ("--http1.1", "--http2"):
                    with self.subTest(name, version=version):
                        done = subprocess.run(
                            [f"{path}/curl", "-sS", version, "--cacert", house.state / "ca.pem",
                             "--cert", person, f"https://localhost:{house.port}/v1/system/doctor"],
                            capture_output=True, text=True, check=False, timeout=60)
                        self.assertEqual(done.returncode, 0, done.stderr)
                        self.assertIn('"checks"', done.stdout)
        self.assertEqual(house.counted(), 0)

    def test_the_log_says_who(self):
        """By the name that he is listed by, and the digest of the certificate; also of what he may
        not."""
        house, alice = self.house, self.house.person()
        link = house.link(alice)
        self.assertEqual(house.asks(link)[0], 200)
        self.assertEqual(house.asks(link, "GET", "/v1/audit/records")[0], 200)
        self.assertEqual(house.asks(link, "GET", "/v1/keyring/keys")[0], 403)
        pem = re.search(rb"-----BEGIN CERT.*?-----END CERTIFICATE-----\n", alice.read_bytes(), re.S)
        digest = hashlib.sha256(der(pem[0])).hexdigest()
        for action in ("config.read", "log.read", "access.refuse"):
            with self.subTest(action):
                row = house.records(action, 1)[-1]
                self.assertEqual((row["actor_type"], row["actor_id"], row["ip_address"]),
                                 ("User", ALICE, "127.0.0.1"))
                self.assertEqual(row["details"]["certificate"], digest)
        house.ask("/v1/system/config")
        row = house.records("config.read", 2)[-1]
        self.assertEqual(row["actor_id"], f"uid:{os.geteuid()}")
        self.assertNotIn("certificate", row["details"])

    def test_whose_connection_it_is(self):
        """Another connection of the same client is another peer; no session is taken up again; and
        who has shown nothing is not asked later."""
        house, alice = self.house, self.house.person()
        with house.connect(alice) as one:
            front_house.ask(one, "GET", "/v1/system/ping?text=a")
            session = one.session
            self.assertFalse(session.has_ticket)
        trust = house.trust()
        trust.post_handshake_auth = True
        trust.load_cert_chain(alice)
        plain = house.trust()
        with house.connect(trust=plain) as two:
            self.assertFalse(two.session_reused)
            self.assertEqual(front_house.ask(two, "GET", "/v1/system/config")[0], 403)
        with house.connect(trust=trust, session=None) as three:
            self.assertEqual(front_house.ask(three, "GET", "/v1/system/config")[0], 200)
        said = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{house.port}", "-CAfile",
             house.state / "ca.pem", "-cert", alice, "-cert_chain", alice, "-reconnect", "-enable_pha"],
            input=b"", capture_output=True, check=False, timeout=60).stdout
        self.assertNotIn(b"Reused", said)
        self.assertIn(b"No client certificate CA names sent", said)

    def test_a_later_certificate(self):
        """A certificate that nobody asks for, behind the handshake, ends the connection: such a
        message, in a record that only the peer could make, is no part of HTTP."""
        house = self.house
        tool = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{house.port}", "-CAfile",
             house.state / "ca.pem", "-tls1_2"], input=b"", capture_output=True, check=False,
            timeout=60)
        self.assertNotEqual(tool.returncode, 0)
        with house.connect() as tls:
            with self.assertRaises((ssl.SSLError, ValueError)):
                tls.verify_client_post_handshake()
            self.assertEqual(front_house.ask(tls, "GET", "/v1/system/config")[0], 403)


class Refused(unittest.TestCase):
    @staticmethod
    def unproven(house):
        """The certificate of one key, and the private part of another under its public part."""
        certificate, key = house.people.issue("victim", f"{NAMED}\n{CLIENT}")
        other = house.people.issue("thief", f"{NAMED}\n{CLIENT}")[1]
        parts = []
        for pem in (key, other):
            text = subprocess.run(["openssl", "ec", "-outform", "DER"], input=pem, check=True,
                                  capture_output=True).stdout
            parts.append(text)
        mixed = parts[0][:7] + parts[1][7:39] + parts[0][39:]
        pem = subprocess.run(["openssl", "ec", "-inform", "DER"], input=mixed, check=True,
                             capture_output=True).stdout
        path = house.folder / "mixed.both"
        path.write_bytes(pem + certificate + house.people.pem.read_bytes())
        return path

    def rows(self, house):
        """name: (reason, alert, person)."""
        stranger_folder = house.folder / "stranger"
        stranger_folder.mkdir()
        stranger = Authority(stranger_folder, "root")
        weak = house.root.below("weak", ("rsa:1024",))
        no_ca = house.root.below("no-ca")
        odd = Authority.__new__(Authority)
        odd.folder, odd.name = house.folder, "odd"
        odd.pem, odd.key = house.folder / "odd.crt", house.folder / "odd.pk8"
        house.root.issue("odd", f"{NAMED}\n{CLIENT}")
        deep = [house.root]
        for i in range(4):
            deep.append(deep[-1].below(f"deep{i}"))
        def chain(count):
            return b"".join(ca.pem.read_bytes() for ca in reversed(deep[1:count]))
        past, later = ("20200101000000Z", "20200201000000Z"), ("20910101000000Z", "20920101000000Z")
        del no_ca
        return {
            "expired": ("TLS_CLIENT_EXPIRED", "certificate expired",
                        house.person("old", between=past)),
            "not yet valid": ("TLS_CLIENT_NOT_YET_VALID", "bad certificate",
                              house.person("young", between=later)),
            "of another CA, of the same name": (
                "TLS_CLIENT_UNTRUSTED", "", house.person("other", by=stranger)),
            "signed by itself": ("TLS_CLIENT_UNTRUSTED", "", self.alone(house)),
            "without what is between": ("TLS_CLIENT_UNTRUSTED", "", house.person(
                "short", above=b"")),
            "of a CA": ("TLS_CLIENT_USE", "unsupported certificate", house.person(
                "ca", extra=f"{CLIENT}\nbasicConstraints=critical,CA:TRUE")),
            "for servers": ("TLS_CLIENT_USE", "unsupported certificate", house.person(
                "server", extra="extendedKeyUsage=serverAuth")),
            "for everything": ("TLS_CLIENT_USE", "unsupported certificate", house.person(
                "any", extra="extendedKeyUsage=anyExtendedKeyUsage")),
            "for nothing by name": ("TLS_CLIENT_USE", "unsupported certificate", house.person(
                "none", extra="keyUsage=digitalSignature")),
            "signs nothing": ("TLS_CLIENT_USE", "unsupported certificate", house.person(
                "mute", extra=f"{CLIENT}\nkeyUsage=keyAgreement")),
            "signed by a person": ("TLS_CLIENT_USE", "", house.person(
                "under-odd", by=odd)),
            "under a short key": ("TLS_CLIENT_WEAK", "", house.person("weak-one", by=weak)),
            "with SHA-1": ("TLS_CLIENT_WEAK", "", house.person("sha1", digest="sha1")),
            "with a short key": ("TLS_CLIENT_WEAK", "", house.person(
                "small", kind=("rsa:1024",))),
            "four deep and one more": ("TLS_CLIENT_UNTRUSTED", "", house.person(
                "deep", by=deep[4], above=chain(5))),
            "of nobody": ("TLS_CLIENT_UNKNOWN", "bad certificate", house.person(
                "eve", "subjectAltName=URI:spiffe://example.org/ops/eve,DNS:eve.example")),
            "of a common name": ("TLS_CLIENT_UNKNOWN", "bad certificate", house.person(
                "bob.ops.example", "subjectAltName=email:bob@ops.example")),
            "of a name with more behind a NUL": (
                "TLS_CLIENT_UNKNOWN", "bad certificate", house.person(
                    "nul", "subjectAltName=DER:" + self.names(
                        (0x82, b"bob.ops.example\0.evil.example"),
                        (0x86, b"spiffe://example.org/ops/alice\0")))),
            "of a wildcard": ("TLS_CLIENT_UNKNOWN", "bad certificate", house.person(
                "wild", "subjectAltName=DNS:*.ops.example")),
            "of a name below": ("TLS_CLIENT_UNKNOWN", "bad certificate", house.person(
                "below", "subjectAltName=DNS:x.bob.ops.example,DNS:ops.example,"
                "URI:spiffe://example.org/ops/alice/x,URI:spiffe://example.org/ops/Alice")),
            "of a name of the other kind": ("TLS_CLIENT_UNKNOWN", "bad certificate", house.person(
                "kind", "subjectAltName=URI:dns:bob.ops.example,email:alice@example.org,"
                "DNS:spiffe")),
            "of another's key": ("TLS_CLIENT_PROOF", "decrypt error", self.unproven(house)),
        }

    @staticmethod
    def names(*rows):
        body = b"".join(bytes((tag, len(text))) + text for tag, text in rows)
        return (bytes((0x30, len(body))) + body).hex()

    @staticmethod
    def alone(house):
        path = house.folder / "alone.both"
        key, out = house.folder / "alone.key", house.folder / "alone.pem"
        Authority.run("req", "-x509", *Authority.new(key), "-out", out, "-subj", "/CN=root",
                      "-addext", NAMED, "-addext", CLIENT, "-days", 9)
        path.write_bytes(key.read_bytes() + out.read_bytes())
        return path

    def test_each_with_its_reason(self):
        """An alert, a count, a line of the log; nothing of the request behind it is served, and the
        next one is welcome."""
        with Guarded() as house:
            house.start()
            good = house.person()
            for name, (reason, alert, person) in self.rows(house).items():
                with self.subTest(name):
                    before = house.counted()
                    said = house.refusal(person)
                    if alert:
                        self.assertEqual(said, alert)
                    until(lambda: house.counted() == before + 1)  # the alert goes out before
                    self.named(house, person, reason)
            self.assertEqual(house.asks(house.link(good))[0], 200)
            self.assertEqual(len(house.records("config.read", 1)), 1)

    @staticmethod
    def named(house, person, reason):
        """The log has one line a second at most."""
        line = f"client certificate refused reason={reason} peer=\"127.0.0.1\""
        before = house.log().count(line)

        def again():
            house.refusal(person)
            return house.log().count(line) > before
        until(again, 10, 0.3)

    def test_too_much(self):
        """Chains of twenty, and of a mebibyte: not read, and the house serves."""
        with Guarded() as house:
            house.start()
            certificate, key = house.people.issue("alice", f"{NAMED}\n{CLIENT}")
            above, root = house.people.pem.read_bytes(), house.root.pem.read_bytes()
            wide = house.people.issue("wide", f"{NAMED}\n{CLIENT}\n1.3.6.1.4.1.99999.1=DER:04:"
                                      "84:00:08:00:00" + ":00" * (512 << 10))
            path = house.folder / "much.both"
            rows = {"twenty": key + certificate + above + 18 * root}
            for name, text in rows.items():
                with self.subTest(name):
                    path.write_bytes(text)
                    house.refusal(path)
            with self.subTest("a mebibyte"):
                path.write_bytes(wide[1] + wide[0] + wide[0])
                before = re.search(r"\nward_front_handshake_failures_total (\d+)",
                                   metrics(house))[1]
                with contextlib.suppress(OSError, AssertionError):
                    house.refusal(path)
                after = re.search(r"\nward_front_handshake_failures_total (\d+)",
                                  metrics(house))[1]
                self.assertEqual(int(after), int(before) + 1)
            path.write_bytes(key + certificate + above + root)
            self.assertEqual(house.asks(house.link(path))[0], 200)

    def test_revoked(self):
        """By the list of the CA that issued it, and by that of the root; and where a list is missing
        or old nobody can know."""
        with Guarded(lists=True) as house:
            good, bad = house.person(), house.person("lost")
            house.revoke(re.search(rb"-----BEGIN CERT.*?-----END CERTIFICATE-----\n",
                                   bad.read_bytes(), re.S)[0], house.people)
            house.start()
            self.assertEqual(house.asks(house.link(good))[0], 200)
            self.assertEqual(house.refusal(bad), "certificate revoked")
            until(lambda: "reason=TLS_CLIENT_REVOKED" in house.log())
            house.revoke(house.people.pem.read_bytes(), house.root)
            self.assertEqual(house.signal()[0], "done")
            self.assertEqual(house.refusal(good), "certificate revoked")
            house.revoked.clear()
            for name, text in (("one is missing", house.lists_now(by=(house.people,))),
                               ("old", house.lists_now(days=-1))):
                with self.subTest(name):
                    house.put(house.crl, text)
                    self.assertEqual(house.signal()[0], "done")
                    house.refusal(good)
                    self.named(house, good, "TLS_CLIENT_UNCHECKED")
            house.put(house.crl, house.lists_now())
            self.assertEqual(house.signal()[0], "done")
            self.assertEqual(house.asks(house.link(good))[0], 200)


class Changed(unittest.TestCase):
    def test_who_is_connected(self):
        """A reload that takes away his name, his CA or his certificate takes away what he may, on the
        connection that he has; nobody is put out, and others stay what they are."""
        with Guarded(lists=True) as house:
            house.start()
            alice, bob = house.person(), house.person("bob", "subjectAltName=DNS:bob.ops.example")
            other = Authority(house.folder, "another")

            def name():
                house.name(BOB)

            def swap():
                house.put(house.ca, other.pem.read_bytes())

            def take_back():
                house.revoke(re.search(rb"-----BEGIN CERT.*?-----END CERTIFICATE-----\n",
                                       alice.read_bytes(), re.S)[0], house.people)

            for change, bobs in ((name, 200), (swap, 403), (take_back, 200)):
                with self.subTest(change.__name__):
                    house.name(ALICE, BOB)
                    house.put(house.ca, house.root.pem.read_bytes())
                    self.assertEqual(house.signal()[0], "done")
                    links = house.link(alice), house.link(bob)
                    for link in links:
                        self.assertEqual(house.asks(link)[0], 200)
                    change()
                    self.assertEqual(house.signal()[0], "done")
                    self.assertEqual([house.asks(link)[0] for link in links], [403, bobs])
                    for link in links:
                        self.assertEqual(house.asks(link, path="/v1/system/ping?text=a")[0], 200)
            rows = house.records("config.change", 2)
            self.assertEqual([(row["details"]["field"], row["details"]["old"], row["details"]["new"])
                              for row in rows[:2]],
                             [("tls.operators", "2", "1"), ("tls.operators", "1", "2")])

    def test_its_last_second(self):
        """A certificate that ends while its client stays is one of nobody from then on."""
        with Guarded() as house:
            house.start()
            end = int(time.time()) + 6
            dates = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(at)) for at in (end - 60, end)]
            link = house.link(house.person("brief", between=dates))
            self.assertEqual(house.asks(link)[0], 200)
            until(lambda: time.time() >= end + 1.1, 30)
            self.assertEqual(house.asks(link)[0], 403)
            self.assertIn("reason=TLS_CLIENT_EXPIRED", house.log())

    def bad_files(self, house):
        person = re.search(rb"-----BEGIN CERT.*?-----END CERTIFICATE-----\n",
                           house.person().read_bytes(), re.S)[0]
        root = house.root.pem.read_bytes()
        weak = house.root.below("weak", ("rsa:1024",)).pem.read_bytes()
        return {
            "none": (house.ca, None), "empty": (house.ca, b""), "garbage": (house.ca, b"x" * 99),
            "a person's": (house.ca, root + person), "weak": (house.ca, root + weak),
            "a key": (house.ca, root + house.root.key.read_bytes()), "cut": (house.ca, root[:-30]),
            "seventeen": (house.ca, 17 * root), "huge": (house.ca, root + b"\n" * (64 << 10)),
            "crl: empty": (house.crl, b""), "crl: a certificate": (house.crl, root),
            "crl: cut": (house.crl, house.lists_now()[:-40]),
            "crl: huge": (house.crl, house.lists_now() + b"\n" * (256 << 10)),
            "crl: none": (house.crl, None),
        }

    def test_bad_files(self):
        """No house starts with one, and a reload changes nothing."""
        with Guarded(lists=True) as house:
            good = {path: path.read_bytes() for path in (house.ca, house.crl)}
            rows = self.bad_files(house)

            def place(path, text):
                for other, whole in good.items():
                    house.put(other, whole)
                if text is None:
                    path.unlink()
                else:
                    house.put(path, text)

            for name in ("garbage", "crl: cut", "crl: none"):
                with self.subTest(name):
                    path, text = rows[name]
                    place(path, text)
                    reason = "TLS_CLIENT_CRL_UNUSABLE" if path == house.crl else \
                        "TLS_CLIENT_CA_UNUSABLE"
                    done = house.run("up", "-c", house.file)
                    self.assertEqual(done.returncode, 3, done)
                    self.assertIn(f"the house did not start: {reason}: {path}", done.stderr)
            place(house.ca, good[house.ca])
            house.start()
            link = house.link(house.person())
            for name, (path, text) in rows.items():
                with self.subTest(name):
                    place(path, text)
                    done = house.reload()
                    self.assertEqual(done.returncode, 3, done)
                    self.assertIn("TLS_CLIENT_CRL_UNUSABLE" if path == house.crl else
                                  "TLS_CLIENT_CA_UNUSABLE", done.stderr)
                    self.assertEqual(house.asks(link)[0], 200)
                    self.told(house, path)
            place(house.ca, good[house.ca])
            checked = self.check(house)
            self.assertEqual((checked.returncode, checked.stdout), (0, ""))
            house.ca.chmod(0o664)
            self.assertIn("may be written by others", house.reload().stderr)
            house.ca.chmod(0o644)
            self.assertEqual(house.reload().returncode, 0)

    def told(self, house, path):
        """Before it is used, and to who asks what is wrong."""
        key = "crl" if path == house.crl else "ca"
        reason = f"TLS_CLIENT_{key.upper()}_UNUSABLE"
        checked = self.check(house)
        self.assertEqual(checked.returncode, 3, checked)
        self.assertRegex(checked.stdout, rf"^\S+:\d+:\d+: tls\.client_{key}: {reason}: ")
        self.assertIn(f"{reason}: {path}", checked.stderr)
        finding, detail = self.doctor(house)
        self.assertEqual(finding, "fail")
        self.assertTrue(detail.startswith(f"{reason}: {path}"), detail)

    @staticmethod
    def check(house):
        return subprocess.run([houses.WARD, "config", "check", house.file], capture_output=True,
                              text=True, check=False, timeout=60)

    @staticmethod
    def doctor(house):
        said = house.run("doctor", "--json", "-c", house.file)
        rows = {row["id"]: row for row in json.loads(said.stdout)["checks"]}
        return rows["certificate.files"]["finding"], rows["certificate.files"]["detail"]

    def test_what_has_ended(self):
        """A CA that ends soon is warned of; a list that has ended is no mistake of the file, and
        shuts everybody out."""
        with Guarded(lists=True) as house:
            house.put(house.ca, house.people.pem.read_bytes())  # of ninety days, the root of thirty
            self.assertEqual(self.doctor(house)[0], "ok")
            house.put(house.crl, house.lists_now(days=-1))
            self.assertEqual(self.doctor(house),
                             ("fail", "a list of tls.client_crl has ended: nobody is an operator"))
            self.assertEqual(self.check(house).returncode, 0)
            house.put(house.crl, house.lists_now())
            house.put(house.ca, house.root.pem.read_bytes())
            until(lambda: self.doctor(house)[0] == "warn")  # thirty days, but for a second
            detail = self.doctor(house)[1]
            self.assertTrue(detail.startswith("tls.client_ca: it is valid until "), detail)

    def test_how_much(self):
        """Each file at its limit, and one past it."""
        with Guarded(lists=True) as house:
            house.start()
            root, lists = house.root.pem.read_bytes(), house.lists_now()
            one = house.lists_now(by=(house.people,))
            rows = ((house.ca, 16 * root, True), (house.ca, 17 * root, False),
                    (house.ca, root + b"\n" * ((64 << 10) - len(root)), True),
                    (house.ca, root + b"\n" * ((64 << 10) - len(root) + 1), False),
                    (house.ca, root, True),
                    (house.crl, lists + 14 * one, True), (house.crl, lists + 15 * one, False),
                    (house.crl, lists + b"\n" * ((256 << 10) - len(lists)), True),
                    (house.crl, lists + b"\n" * ((256 << 10) - len(lists) + 1), False))
            for path, text, good in rows:
                with self.subTest(path.name, good=good, size=len(text)):
                    house.put(path, text)
                    self.assertEqual(house.signal()[0], "done" if good else "refused")
                    self.assertEqual(house.asks(house.link(house.person()))[0], 200)

    def test_front_falls(self):
        """The next one judges by the same files; where somebody has spoilt them meanwhile it serves
        all but operators, and a reload mends it."""
        with Guarded() as house:
            house.start()
            alice, good = house.person(), house.ca.read_bytes()

            def end_front():
                old = house.processes()["front"]
                os.kill(old, 9)
                until(lambda: house.processes().get("front", old) != old, 20)
                until(house.works, 20)

            end_front()
            self.assertEqual(house.asks(house.link(alice))[0], 200)
            with house.ca.open("r+b") as file:
                file.write(b"spoilt")
            end_front()
            self.assertEqual(house.asks(house.link(alice))[0], 403)
            self.assertIn("TLS_CLIENT_CA_UNUSABLE", house.log())
            house.put(house.ca, good)
            self.assertEqual(house.signal()[0], "done")
            self.assertEqual(house.asks(house.link(alice))[0], 200)

    def test_nobody_is_asked(self):
        """Without tls.client_ca the handshake is what it was."""
        with Configured() as house:
            house.start()
            said = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{house.port}", "-CAfile",
                 house.state / "ca.pem", "-msg"], input=b"", capture_output=True, check=False,
                timeout=60).stdout
            self.assertNotIn(b"CertificateRequest", said)

    def test_config(self):
        """What goes together, and what no name is."""
        with Guarded() as house:
            ca = f"client_ca = '{house.ca}'\n"
            rows = {
                "operators = ['dns:a.example']": "tls.operators needs the CAs",
                "client_crl = 'x'": "tls.client_crl needs the CAs",
                ca + "operators = ['a.example']": "must be at most 32 names",
                ca + "operators = ['dns:*.example']": "must be at most 32 names",
                ca + "operators = ['dns:a.example', 'dns:a.example']": "must be at most 32 names",
                ca + "operators = ['uri:nothing']": "must be at most 32 names",
                ca + "operators = ['uri:a:b c']": "must be at most 32 names",
                ca + "operators = ['uri:a:" + "b" * 160 + "']": "must be at most 32 names",
                ca + "operators = 'dns:a.example'": "must be an array",
            }
            for text, wanted in rows.items():
                with self.subTest(text[-40:]):
                    house.write(f"[tls]\n{text}\n")
                    done = self.check(house)
                    self.assertEqual(done.returncode, 3)
                    self.assertIn(wanted, done.stdout)


if __name__ == "__main__":
    tap.main()
