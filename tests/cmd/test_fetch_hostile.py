"""test_fetch_hostile.py - `ward collateral fetch` and mirrors that mean harm: genuine files in
the wrong place, issuer chains that spoil the next mirror's, headers without end, and addresses
that say more than they should. Needs nobody else's data."""

import os
import pathlib
import subprocess
import tempfile
import unittest
import urllib.parse

import tls_ca
from pccs import Mirror
from ward import BUILD, OWN, verify, ward

FMSPC, AT, ROOT = "505741524400", "2026-01-01T00:00:00Z", OWN / "sgx_root.pem"
QUOTE, FILES = OWN / "quote/tdx-v4.quote.bin", OWN / "collateral"
TCB, QE = "/tdx/certification/v4/tcb", "/tdx/certification/v4/qe/identity"
PCK_CRL, ROOT_CRL = "/sgx/certification/v4/pckcrl", "/sgx/certification/v4/rootcacrl"


def pck_chain():
    """The two CA certificates that every quote of the test authority carries."""
    blocks = QUOTE.read_bytes().split(b"-----BEGIN")[2:4]
    return "".join("-----BEGIN" + block.rstrip(b"\0").decode() for block in blocks)


class Own:
    """What pccs.Mirror serves: the project's own collateral."""

    def __init__(self):
        signer = (FILES / "tcb_signing.pem").read_text()
        self.replies = {
            TCB: ((FILES / "tcbinfo_tdx.json").read_bytes(), "TCB-Info-Issuer-Chain", signer),
            QE: ((FILES / "qeidentity_td_qe.json").read_bytes(),
                 "SGX-Enclave-Identity-Issuer-Chain", signer),
            PCK_CRL: ((FILES / "crl_platform.der").read_bytes(), "SGX-PCK-CRL-Issuer-Chain",
                      pck_chain()),
            ROOT_CRL: ((FILES / "crl_root.der").read_bytes(), None, None),
        }

    def put(self, path, name=None, chain=None):
        body, header, old = self.replies[path]
        self.replies[path] = ((FILES / name).read_bytes() if name else body, header,
                              old if chain is None else chain)
        return self


class Flood(Mirror):
    """A mirror whose reply is headers for ever."""

    def send(self, request, body, header, chain):
        request.send_response(200)
        request.flush_headers()
        while not self.stop.is_set():
            request.wfile.write(b"X-More: " + b"y" * 4000 + b"\r\n")


def fetch(folder, *bases, env=None, more=()):
    return ward("collateral", "fetch", "--fmspc", FMSPC, "--timeout", 5, "--at", AT, "--root", ROOT,
                *more, "--mirror", ",".join(bases), folder, env=env)


def names(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


class Hostile(unittest.TestCase):
    def allowed(self, folder):
        return verify(QUOTE, "--root", ROOT, "--at", AT, "--collateral", folder)[0] == 0

    def test_a_good_mirror_alone(self):
        with tempfile.TemporaryDirectory() as folder, Mirror("good", Own()) as good:
            done = fetch(folder, good.base)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(self.allowed(folder))
            before = names(folder)
            self.assertEqual((fetch(folder, good.base).returncode, names(folder)), (0, before))

    def test_what_a_mirror_spoils_is_had_from_the_next(self):
        junk = "-----BEGIN CERTIFICATE-----\n!!!!\n"
        leaf = "-----BEGIN" + QUOTE.read_bytes().split(b"-----BEGIN")[1].decode()
        signer = (FILES / "tcb_signing.pem").read_text()
        hostile = (
            ("TCB info of the other TEE", Own().put(TCB, "tcbinfo_sgx.json")),
            ("identity of the other enclave", Own().put(QE, "qeidentity_qe.json")),
            ("an identity for TCB info", Own().put(TCB, "qeidentity_td_qe.json")),
            ("root CRL for PCK CRL", Own().put(PCK_CRL, "crl_root.der")),
            ("PCK CRL for root CRL", Own().put(ROOT_CRL, "crl_platform.der")),
            ("chain is rubbish", Own().put(TCB, chain=junk)),
            ("rubbish before the chain", Own().put(TCB, chain=junk + signer)),
            ("rubbish behind the chain", Own().put(TCB, chain=signer + junk)),
            ("another certificate in the chain", Own().put(QE, chain=signer + leaf)),
            ("a CRL in the chain", Own().put(TCB, chain=signer + "-----BEGIN X509 CRL-----\n"
                                             "-----END X509 CRL-----\n")),
        )
        for name, bad in hostile:
            with self.subTest(name), tempfile.TemporaryDirectory() as folder, \
                    Mirror("good", bad) as first, Mirror("good", Own()) as second:
                alone = fetch(folder, first.base)
                self.assertEqual(alone.returncode, 4, alone.stderr)
                self.assertIn(b"is refused: ", alone.stderr)
                done = fetch(folder, first.base, second.base)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(self.allowed(folder))
                for path in pathlib.Path(folder).iterdir():
                    self.assertNotIn(b"!!!!", path.read_bytes())

    def test_a_reply_for_another_platform_is_not_kept(self):
        with tempfile.TemporaryDirectory() as folder, Mirror("good", Own()) as mirror:
            done = ward("collateral", "fetch", "--fmspc", "00906ed50000", "--at", AT, "--root", ROOT,
                        "--mirror", mirror.base, folder)
            self.assertEqual(done.returncode, 4)
            self.assertIn(b"not what was asked for", done.stderr)
            self.assertFalse([name for name in names(folder) if name.startswith("tcb-info")])

    def test_headers_end(self):
        with tempfile.TemporaryDirectory() as folder, Flood("good", Own()) as flood:
            done = fetch(folder, flood.base)
            self.assertEqual((done.returncode, names(folder)), (4, []))
            self.assertIn(b"headers are larger", done.stderr)

    def test_the_given_ca_is_the_only_one(self):
        """Also not the system's, whose folder is made to hold the other one here."""
        with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as folder:
            mine, other = tls_ca.Authority(place), tls_ca.Authority(place, "other")
            system = pathlib.Path(place) / "system"
            system.mkdir()
            name = subprocess.check_output(["openssl", "x509", "-hash", "-noout", "-in", other.pem],
                                           text=True).strip()
            (system / f"{name}.0").write_bytes(other.pem.read_bytes())
            apart = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
            script = f"mount --bind {system} /etc/ssl/certs && exec \"$@\""
            for signer, trusted, code in ((mine, mine, 0), (other, mine, 4)):
                certificate = signer.server("server", "IP:127.0.0.1")
                with Mirror("good", Own(), certificate=certificate) as mirror:
                    done = subprocess.run(
                        [*apart, "sh", "-c", script, "sh", BUILD / "ward", "collateral", "fetch",
                         "--fmspc", FMSPC, "--at", AT, "--root", ROOT, "--cacert", trusted.pem,
                         "--mirror", mirror.base, folder], capture_output=True, check=False)
                self.assertEqual(done.returncode, code, done.stderr)

    def test_a_password_is_not_said(self):
        with tempfile.TemporaryDirectory() as above, Mirror("missing", Own()) as mirror:
            folder, place = pathlib.Path(above) / "folder", pathlib.Path(above) / "place"
            folder.mkdir()
            for base in (mirror.base, "https://127.0.0.1:1"):
                place.write_text(base.replace("://", "://someone:s3cret@") + "\n")
                for more in ((), ("--show-curl",)):
                    done = fetch(folder, f"@{place}", more=more)
                    self.assertEqual(done.returncode, 0 if more else 4)
                    self.assertNotIn(b"s3cret", done.stderr + done.stdout)

    def test_a_password_on_the_command_line_is_refused(self):
        with tempfile.TemporaryDirectory() as folder, Mirror("good", Own()) as mirror:
            secret = mirror.base.replace("://", "://someone:s3cret@")
            for base, more in ((secret, ()), (f"{mirror.base},{secret}", ()),
                               (mirror.base, ("--proxy", secret)),
                               (mirror.base, ("--proxy", secret.partition("://")[2]))):
                done = fetch(folder, base, more=more)
                self.assertEqual((done.returncode, names(folder), mirror.asked), (2, [], []))
                self.assertIn(b"@FILE", done.stderr)
                self.assertNotIn(b"s3cret", done.stderr + done.stdout)

    def test_a_name_that_looks_like_loopback_gets_no_plain_http(self):
        with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w+") as place:
            for base in ("http://127.0.0.1:80@other.invalid", "http://localhost:x@other.invalid:80"):
                place.seek(0)
                place.truncate()
                place.write(base + "\n")
                place.flush()
                done = fetch(folder, f"@{place.name}")
                self.assertEqual(done.returncode, 4)
                self.assertIn(b"rotocol", done.stderr)

    def test_the_environment_does_not_go_round_the_proxy(self):
        with tempfile.TemporaryDirectory() as folder, Mirror("good", Own()) as mirror, \
                Mirror("missing", Own()) as proxy:
            done = fetch(folder, mirror.base, more=("--proxy", proxy.base),
                         env={"no_proxy": "*", "NO_PROXY": "*"})
            self.assertEqual((done.returncode, mirror.asked), (4, []))
            self.assertTrue(proxy.asked[0].startswith(mirror.base), proxy.asked)
            host = urllib.parse.urlsplit(proxy.base).netloc
            done = fetch(folder, mirror.base,
                         env={"http_proxy": f"http://{host}", "all_proxy": f"http://{host}"})
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    import tap

    tap.main()
