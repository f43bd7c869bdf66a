"""test_no_secrets_evidence.py - a house and `ward verify` are given evidence that they refuse for every
reason that there is for it: a good quote with one thing wrong in it, its chain, its collateral or its
log, each signed by a test authority as if it were genuine; and policies that a genuine one does not
meet. tests/leaks.py looks for secrets behind each."""

import calendar
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

import front_house as house
import tap
import test_attest
from refusals_more import b64

# What makes one case of each reason, with WARD_CASES in the environment (tests/sim/case_files.h).
FORM = "%Y-%m-%dT%H:%M:%SZ"
MAKERS = ("log", "intel_json", "intel_quote", "intel_policy", "nitro")
OPTIONS = {"tcb_info": "--tcb-info", "qe_identity": "--qe-identity", "pck_crl": "--pck-crl",
           "root_crl": "--root-crl", "signing": "--tcb-signing-cert", "chain": "--pck-chain",
           "log": "--event-log"}
# Evidence of the vectors or of a case; seconds that its time is moved by; what a policy says; the
# reason.
POLICIES = (
    ("quote/tdx-v4.quote.bin", 0, "[tcb]\nsmt_enabled = false", "POLICY_PLATFORM_FLAGS"),
    ("quote/sgx-v3.quote.bin", 0, "[sgx]\nxfrm_allowed = [\"AVX\"]", "POLICY_SGX_ATTRIBUTES"),
    ("quote/tdx-v4.quote.bin", 0, "[tdx]\nxfam_allowed = [\"AVX\"]", "POLICY_XFAM"),
    ("quote/tdx-v4-old-module.quote.bin", 0, "[tcb]\nstatus = [\"OutOfDate\"]\n"
     "advisories_denied = [\"WARD-SA-00002\"]", "POLICY_ADVISORY"),
    ("nitro/document.cose.bin", -3, "[nitro]\nskew = 0", "NITRO_FUTURE"),
    ("log/tdx-v4-dstack-v2.quote.bin", 0, f"[log]\ncompose_hash = \"{'0' * 63}3\"", "POLICY_EVENT"),
    ("POLICY_PUBLIC_KEY", 0, "[nitro]\nrequire_public_key = true", "POLICY_PUBLIC_KEY"),
)


def cases(folder):
    """{reason: its folder}"""
    for name in MAKERS:
        subprocess.run([house.BUILD / f"tests/sim_test_{name}"], check=True, capture_output=True,
                       env=os.environ | {"WARD_CASES": str(folder)}, timeout=120)
    return {path.name: path for path in sorted(folder.iterdir()) if path.name != "OK"}


def house_time(path):
    return time.strftime(FORM, time.gmtime(int(path.read_text())))


def moved(text, seconds):
    return time.strftime(FORM, time.gmtime(calendar.timegm(time.strptime(text, FORM)) + seconds))


def text_of(path):
    return path.read_bytes()


@unittest.skipUnless(os.geteuid() == 0, "needs root: the memory of others")
class Evidence(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = cls.enterClassContext(house.House(requests_per_second=100000,
                                                      requests_burst=100000))
        cls.cases = cases(pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())))

    def verify(self, *words):
        return subprocess.run([house.BUILD / "ward", "verify", *map(str, words)], timeout=60,
                              capture_output=True, check=False)

    def post(self, request):
        with self.house.plain() as one:
            status, _, body = house.ask(one, "POST", "/v1/attest/verify",
                                        ["Content-Type: application/json"],
                                        json.dumps(request).encode())
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def test_each_policy(self):
        roots = test_attest.policy_with_roots()
        cases = {case["file"]: case for case in reversed(test_attest.CASES)}
        for name, later, more, reason in POLICIES:
            with self.subTest(reason):
                if name in self.cases:
                    request = self.request_of(self.cases[name], more)
                else:
                    request = test_attest.request_of(cases[name], roots + more + "\n")
                request["time"] = moved(request["time"], later)
                self.assertIn(f'"{reason}', self.post(request)["result"])

    def request_of(self, path, more=""):
        root = json.dumps(text_of(path / "root.pem").decode())
        pieces = [path / name for name in OPTIONS if name != "log"] + sorted(path.glob("crl-*"))
        request = {"evidence": b64(text_of(path / "evidence")), "time": house_time(path / "time"),
                   "policy": f"hardware = false\nroots = [{root}]\n{more}\n",
                   "collateral": [b64(text_of(each)) for each in pieces if each.exists()]}
        if (path / "log").exists():
            request["event_log"] = b64(text_of(path / "log"))
        return request

    def test_each_defect(self):
        self.assertGreater(len(self.cases), 60)
        for reason, path in self.cases.items():
            words = [path / "evidence", "--at", text_of(path / "time").decode(), "--root",
                     path / "root.pem", "--json"]
            for name, option in OPTIONS.items():
                if (path / name).exists():
                    words += [option, path / name]
            crls = sorted(path.glob("crl-*"))
            if crls:
                folder = path / "collateral"
                folder.mkdir()
                for each in crls:
                    os.link(each, folder / each.name)
                words += ["--collateral", folder]
            with self.subTest(reason):
                self.verify(*words[:-1])
                done = self.verify(*words)
                self.assertIn(done.returncode, (0, 1, 2), done)
                self.post(self.request_of(path))


if __name__ == "__main__":
    tap.main()
