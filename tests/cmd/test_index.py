"""test_index.py - every case of other people's evidence that carries a verdict, through the
command as a user runs it: with the case's own time, collateral and root."""

import json
import pathlib
import re
import tempfile
import unittest

from ward import ATTEST, needs_vectors, verify

OPTIONS = {
    "tcb_info": "--tcb-info",
    "qe_identity": "--qe-identity",
    "pck_crl": "--pck-crl",
    "root_crl": "--root-crl",
    "tcb_signing_cert": "--tcb-signing-cert",
    "qe_identity_signing_cert": "--qe-identity-signing-cert",
}
STATUS = {
    "TCB_OUT_OF_DATE": "OutOfDate",
    "TCB_OUT_OF_DATE_CONFIGURATION_NEEDED": "OutOfDateConfigurationNeeded",
    "TCB_CONFIGURATION_NEEDED": "ConfigurationNeeded",
    "TCB_SW_HARDENING_NEEDED": "SWHardeningNeeded",
    "TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED": "ConfigurationAndSWHardeningNeeded",
    "TCB_REVOKED": "Revoked",
}


def cases(*kinds):
    index = json.loads((ATTEST / "index.json").read_text())
    return [case for case in index["cases"] if case["kind"] in kinds]


def collateral(expected):
    words = []
    for name, option in OPTIONS.items():
        if name in expected.get("collateral", {}):
            words += [option, ATTEST / expected["collateral"][name]]
    return words


def codes(verdict):
    """The reason codes that a verdict names, remarks in brackets left out."""
    plain = re.sub(r"\([^)]*\)", "", verdict)
    return set(re.findall(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b|\bOK\b", plain))


def judge(verdict, got):
    """None when the answer fits the verdict, else what was wanted."""
    reason, status = got["reason"], (got["tcb"] or {}).get("status")
    if verdict.startswith("STATUS_OK") or verdict == "OK":
        return None if got["decision"] == "allow" else "allow"
    if verdict.startswith("STATUS_"):
        name = re.match(r"STATUS_([A-Z_]+)", verdict)[1]
        if name in STATUS:
            fits = reason == "POLICY_TCB_STATUS" and status == STATUS[name]
            return None if fits else f"POLICY_TCB_STATUS {STATUS[name]}"
        return None if reason == name else name
    for code, ending in (("COLLATERAL_EXPIRED", "_EXPIRED"),
                         ("COLLATERAL_NOT_YET_VALID", "_NOT_YET_VALID")):
        if verdict.startswith(code):
            return None if reason.endswith(ending) else f"*{ending}"
    if "DEBUG_ENCLAVE" in verdict:
        return None if reason == "NITRO_DEBUG" else "NITRO_DEBUG"
    if verdict.startswith("MUST FAIL"):
        return None if got["decision"] == "deny" else "deny"
    if "trailing bytes" in verdict:
        return None if reason == "QUOTE_TRAILING_BYTES" else "QUOTE_TRAILING_BYTES"
    if verdict.startswith("signature+chain checks pass"):
        return None if reason == "COLLATERAL_MISSING" else "COLLATERAL_MISSING"
    wanted = codes(verdict)
    if len(wanted) > 1 and "OK" not in wanted:
        return None if got["decision"] == "deny" else "deny"
    return None if reason in wanted else " or ".join(sorted(wanted))


def verdict_of(case, expected):
    """The verdict itself, but for two that cannot be taken as they are written."""
    verdict = expected["verdict"]
    # "OK" of a copy whose signature is the other valid one: as good as the quote it is of, which
    # need not be good enough for the default policy (test_malleated_copies says how good).
    if verdict.startswith("OK (ECDSA is malleable"):
        return expected["qvl_steps"]["quote"]
    # The key in this file's root certificate is not even a point of the curve.
    if case["file"].endswith("sgx-cert-rsa-bad_f4f274.quote.bin"):
        return "PCK_ROOT_UNTRUSTED"
    return verdict


class Index(unittest.TestCase):
    def run_cases(self, kind_of_file, evidence_of, *kinds, root=None):
        done = 0
        for case in cases(*kinds):
            if not isinstance(case["expected"], list):
                continue
            for expected in case["expected"]:
                if "verdict" not in expected:
                    continue
                words = collateral(expected) + (root(case) if root else [])
                words += evidence_of(case, words)
                words += ["--at", expected.get("time", 1751624191)]
                with self.subTest(file=case["file"], verdict=expected["verdict"]):
                    code, got = verify(*words)
                    self.assertEqual(code, 0 if got["decision"] == "allow" else 1)
                    wanted = judge(verdict_of(case, expected), got)
                    said = f"{got['reason']} {got['detail']} {(got['tcb'] or {}).get('status')}"
                    self.assertIsNone(wanted, f"wanted {wanted}, got {said}")
                done += 1
        self.assertGreater(done, kind_of_file)

    @needs_vectors
    def test_quotes(self):
        def evidence(case, _):
            return [ATTEST / case["file"]]

        self.run_cases(60, evidence, "quote")

    @needs_vectors
    def test_malformed_quotes(self):
        def evidence(case, _):
            tee = "sgx" if case["file"].startswith("sgx/") else "tdx"
            return ["--type", tee, ATTEST / case["file"]]

        self.run_cases(110, evidence, "quote-malformed")

    @needs_vectors
    def test_malleated_copies(self):
        """The other valid signature of the same bytes: every check, claim and reason is that of
        the quote itself, and where its TCB status is allowed both are."""
        copies = [case for case in cases("quote-malformed") if "malleable" in case["file"]]
        self.assertEqual(len(copies), 3)
        for case in copies:
            for expected in case["expected"]:
                words = [*collateral(expected), "--at", expected["time"]]
                with self.subTest(file=case["file"]):
                    copy, base = ATTEST / case["file"], ATTEST / case["base"]
                    self.assertNotEqual(copy.read_bytes(), base.read_bytes())
                    got = verify(copy, *words)
                    self.assertEqual(got, verify(base, *words))
                    status = got[1]["tcb"]["status"]
                    self.assertEqual(got[0], 0 if status == "UpToDate" else 1)
                    self.assertEqual([check["id"] for check in got[1]["checks"]
                                      if check["result"] == "fail"],
                                     [] if status == "UpToDate" else ["AT-37"])
                    if status != "UpToDate":
                        words += ["--allow-tcb", status]
                    self.assertEqual(verify(copy, *words)[1]["decision"], "allow")

    @needs_vectors
    def test_malformed_collateral(self):
        def evidence(case, words):
            at = words.index(OPTIONS[case["replaces"]])
            words[at + 1] = ATTEST / case["file"]
            return [ATTEST / case["with_quote"]]

        self.run_cases(17, evidence, "collateral-malformed")

    @needs_vectors
    def test_nitro_documents(self):
        def evidence(case, _):
            return ["--type", "nitro", ATTEST / case["file"]]

        self.run_cases(58, evidence, "nitro-doc", "nitro-malformed")

    @needs_vectors
    def test_synthetic_sets(self):
        for tee, reason in (("sgx", "OK"), ("tdx", "TDX_MODULE_MISMATCH")):
            folder = ATTEST / tee / "intel_qvl_synthetic_set"
            chain = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "chain.pem"
            chain.write_bytes((folder / "pckCert.pem").read_bytes() + b"\n" +
                              (folder / "pckSignChain.pem").read_bytes())
            words = ["--at", 1704067200, folder / "quote.dat",
                     "--tcb-info", folder / "tcbInfo.json",
                     "--qe-identity", folder / "qeIdentity.json",
                     "--pck-crl", folder / "intermediateCaCrl.der",
                     "--root-crl", folder / "rootCaCrl.der",
                     "--tcb-signing-cert", folder / "tcbSignChain.pem",
                     "--pck-chain", chain]
            _, got = verify(*words, "--root", folder / "trustedRootCaCert.pem")
            self.assertEqual((tee, got["reason"]), (tee, reason))
            self.assertEqual(got["hardware"], False)
            self.assertEqual(got["relaxed"], ["root"])
            _, got = verify(*words)
            self.assertEqual((tee, got["reason"]), (tee, "PCK_ROOT_UNTRUSTED"))


if __name__ == "__main__":
    import tap

    tap.main()
