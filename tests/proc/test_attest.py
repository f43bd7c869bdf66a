"""test_attest.py - evidence judged by a house: the answer is that of `ward verify`, it is in the log
before it is given, and simulated evidence is what it is wherever it is shown."""

import base64
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import house as houses
import tap

VECTORS = pathlib.Path(__file__).resolve().parent.parent.parent / "vectors"
CASES = json.loads((VECTORS / "index.json").read_text())["cases"]


def policy_with_roots():
    roots = [(VECTORS / name).read_text() for name in ("sgx_root.pem", "nitro_root.pem")]
    return "hardware = false\nroots = [" + ", ".join(json.dumps(each) for each in roots) + "]\n"


def encoded(path):
    return base64.b64encode(pathlib.Path(path).read_bytes()).decode()


def collateral_of(case):
    """The files that a case is judged with; a CRL of its own takes the place of the usual one."""
    files = {each.name: each for each in sorted((VECTORS / "collateral").iterdir())}
    if case.get("pck_crl"):
        files["crl_platform.der"] = VECTORS / case["pck_crl"]
    return files if case.get("collateral") else {}


def request_of(case, policy):
    """What `post` sends for a case of the vectors."""
    request = {"evidence": encoded(VECTORS / case["file"]), "time": case["time"], "policy": policy}
    request["collateral"] = [encoded(each) for each in collateral_of(case).values()]
    if case.get("event_log"):
        request["event_log"] = encoded(VECTORS / case["event_log"])
    return request


def command_of(case, policy):
    """The same as a `ward verify`: its exit status and its object.  A file has a name there, and
    none in a request."""
    words = [str(houses.WARD), "verify", str(VECTORS / case["file"]), "--json", "--at", case["time"]]
    with tempfile.TemporaryDirectory(prefix="ward-attest-") as name:
        folder = pathlib.Path(name)
        (folder / "policy.toml").write_text(policy)
        (folder / "collateral").mkdir()
        for file, source in collateral_of(case).items():
            shutil.copy(source, folder / "collateral" / file)
        words += ["--policy", str(folder / "policy.toml"), "--collateral", str(folder / "collateral")]
        if case.get("event_log"):
            words += ["--event-log", str(VECTORS / case["event_log"])]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        named = re.sub(re.escape(str(folder / "collateral")) + r"/[\w.]+", "collateral", done.stdout)
    return done.returncode, json.loads(named)


class TestAttest(houses.OneHouse):
    def post(self, request, timeout=60):
        body = request if isinstance(request, str) else json.dumps(request)
        return self.house.ask("/v1/attest/verify", timeout, body=body)

    def refused(self, request, code):
        status, said = self.post(request)
        self.assertGreaterEqual(status, 400)
        self.assertEqual(said["code"], code)

    def records(self):
        """Records of verdicts: (outcome, reason, hardware)."""
        status, said = self.house.ask("/v1/audit/records?limit=1000&action=evidence.judge")
        self.assertEqual(status, 200)
        rows = [(row["outcome"], json.loads(row["details"])) for row in said["records"]]
        return [(outcome, row["reason"], row["hardware"]) for outcome, row in rows]

    def test_every_case_is_judged_as_the_command_does(self):
        policy = policy_with_roots()
        for case in CASES:
            with self.subTest(case["file"]):
                before = len(self.records())
                status, said = self.post(request_of(case, policy))
                self.assertEqual(status, 200, said)
                code, wanted = command_of(case, policy)
                self.assertEqual(json.loads(said["result"]), wanted)
                self.assertEqual((said["allowed"], said["reason"]), (code == 0, case["reason"]))
                self.assertFalse(said["hardware"])
                outcome = "Success" if said["allowed"] else "Denied"
                self.assertEqual(self.records()[before:], [(outcome, case["reason"], False)])

    def test_a_production_policy_refuses_what_is_simulated(self):
        for case in CASES:
            if case["reason"] != "OK":
                continue
            with self.subTest(case["file"]):
                status, said = self.post(request_of(case, ""))
                root = "NITRO_ROOT_UNTRUSTED" if case["type"] == "nitro" else "PCK_ROOT_UNTRUSTED"
                self.assertEqual((status, said["allowed"], said["reason"]), (200, False, root))
                self.assertFalse(said["hardware"])
                self.assertFalse(json.loads(said["result"])["hardware"])
                self.assertEqual(self.records()[-1], ("Denied", root, False))

    def test_what_is_no_request(self):
        good = request_of(CASES[0], "")
        self.refused({}, "HTTP_BODY_INVALID")
        self.refused(good | {"type": "sev"}, "HTTP_BODY_INVALID")
        self.refused(good | {"report_data": "AAAA"}, "HTTP_BODY_INVALID")
        self.refused(good | {"collateral": ["AAAA"] * 17}, "HTTP_BODY_INVALID")
        self.refused(good | {"evidence": base64.b64encode(bytes(65537)).decode()},
                     "HTTP_BODY_INVALID")
        self.refused(good | {"policy": "hardwear = false\n"}, "ATTEST_POLICY_INVALID")
        self.refused(good | {"policy": 'root_files = ["/etc/passwd"]\n'}, "ATTEST_POLICY_INVALID")
        self.refused(" " * (128 << 10) + "{}", "HTTP_BODY_TOO_LARGE")

    def test_bytes_that_are_none_are_judged_too(self):
        for evidence in (b"\0", b"\xff" * 65536, b"[" * 65536):
            status, said = self.post({"evidence": base64.b64encode(evidence).decode()})
            self.assertEqual((status, said["allowed"]), (200, False))

    def test_strangers_may_not_ask(self):
        """The table of routes refuses it in front, over TLS, where nobody is the owner."""
        status, said = self.house.ask("/v1/attest/verify", tls=True, body='{"evidence":"AAAA"}')
        self.assertEqual((status, said["code"]), (403, "HOUSE_OWNER_ONLY"))

    def test_who_was_killed_judges_again(self):
        verify = houses.until(lambda: self.house.processes().get("verify"), 60)
        os.kill(verify, signal.SIGKILL)
        houses.until(lambda: self.house.processes().get("verify") not in (None, verify), 60)
        houses.until(lambda: self.post(request_of(CASES[0], ""))[0] == 200, 60, 0.2)


if __name__ == "__main__":
    tap.main()
