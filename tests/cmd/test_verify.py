"""test_verify.py - `ward verify` as its users meet it: forms of input, exit codes, messages,
relaxations, and what is printed where."""

import base64
import json
import os
import pathlib
import pty
import re
import tempfile
import unittest

from ward import ATTEST, ROOT, needs_vectors, verify, ward

QUOTE = ATTEST / "tdx/dcap-qvl_tdx-quote_f1c850.quote.bin"
FOLDER = ATTEST / "tdx/collateral"
AT = "2025-07-04T10:16:31Z"
GOOD = (QUOTE, "--collateral", FOLDER, "--at", AT)
DOCUMENT = ATTEST / "nitro/dstack_nitro-attestation_54ae0f.cose.bin"
DOCUMENT_AT = "2025-12-25T16:04:19Z"


def tampered(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    return bytes(data)


class Forms(unittest.TestCase):
    @needs_vectors
    def test_evidence_is_raw_hex_or_base64_from_file_or_stdin(self):
        raw = QUOTE.read_bytes()
        wrapped = "\n".join(re.findall(".{1,64}", base64.b64encode(raw).decode()))
        forms = [raw, raw.hex().encode(), b"0x" + raw.hex().upper().encode() + b"\n",
                 base64.b64encode(raw), wrapped.encode() + b"\r\n"]
        for form in forms:
            code, got = verify("-", *GOOD[1:], given=form)
            self.assertEqual((code, got["reason"], got["type"]), (0, "OK", "tdx-v4"))

    @needs_vectors
    def test_time_is_rfc3339_or_unix_seconds(self):
        for at in (AT, "1751624191", "2025-07-04T12:16:31+02:00"):
            self.assertEqual(verify(*GOOD[:3], "--at", at)[1]["time"], AT)
        for at in ("yesterday", "", "2025-07-04", "1e9", "99999999999999999999", "-"):
            self.assertEqual(ward("verify", *GOOD[:3], "--at", at).returncode, 2, at)

    @needs_vectors
    def test_type_refuses_every_other_kind(self):
        self.assertEqual(verify(*GOOD, "--type", "tdx")[0], 0)
        self.assertEqual(verify(*GOOD, "--type", "sgx")[1]["reason"], "QUOTE_TEE_TYPE_UNSUPPORTED")
        self.assertEqual(verify(*GOOD, "--type", "nitro")[1]["reason"], "NITRO_CBOR_INVALID")
        _, got = verify(DOCUMENT, "--at", DOCUMENT_AT, "--type", "tdx")
        self.assertEqual(got["decision"], "deny")

    def test_what_is_no_evidence_is_refused_with_a_reason(self):
        for given in (b"", b"\x04", b"hello world", b"\xff" * 100, b"{}", b"-----BEGIN"):
            code, got = verify("-", given=given)
            self.assertEqual(code, 1)
            self.assertIn(got["reason"], ("EVIDENCE_UNRECOGNISED", "QUOTE_TRUNCATED",
                                          "QUOTE_VERSION_UNSUPPORTED"))
        code, got = verify("-", given=b"\x04\x00" + bytes(300 * 1024))
        self.assertEqual((code, got["reason"]), (1, "EVIDENCE_TOO_LARGE"))


class Refusals(unittest.TestCase):
    @needs_vectors
    def test_tampered_evidence_names_the_first_failing_check(self):
        code, got = verify("-", *GOOD[1:], given=tampered(QUOTE, 200))
        self.assertEqual((code, got["reason"]), (1, "QUOTE_SIGNATURE_INVALID"))
        failed = [check["id"] for check in got["checks"] if check["result"] == "fail"]
        self.assertEqual(failed[0], "AT-30")
        self.assertEqual(got["claims"], {})

    @needs_vectors
    def test_missing_collateral_says_what_to_fetch(self):
        code, got = verify(QUOTE, "--at", AT)
        self.assertEqual((code, got["reason"]), (1, "COLLATERAL_MISSING"))
        check = next(check for check in got["checks"] if check["result"] == "fail")
        self.assertIn("ward collateral fetch", check["help"])
        with tempfile.TemporaryDirectory() as folder:
            for name in FOLDER.glob("*"):
                if "b0c06f000000" not in name.name:
                    (pathlib.Path(folder) / name.name).write_bytes(name.read_bytes())
            _, got = verify(QUOTE, "--at", AT, "--collateral", folder)
            self.assertEqual(got["reason"], "COLLATERAL_MISSING")
            text = ward("verify", QUOTE, "--at", AT, "--collateral", folder).stdout.decode()
            self.assertIn("b0c06f000000", text.lower())

    @needs_vectors
    def test_collateral_is_recognised_by_content(self):
        with tempfile.TemporaryDirectory() as folder:
            for number, name in enumerate(sorted(FOLDER.glob("*"))):
                (pathlib.Path(folder) / f"{number}.txt").write_bytes(name.read_bytes())
            (pathlib.Path(folder) / "noise.json").write_text('{"some": "thing"}')
            self.assertEqual(verify(QUOTE, "--at", AT, "--collateral", folder)[0], 0)

    def test_files_that_cannot_be_read_are_exit_2_and_named(self):
        for words in (["/does/not/exist"], [ROOT],
                      ["README.md", "--policy", "/does/not/exist"],
                      ["README.md", "--collateral", "/does/not/exist"],
                      ["README.md", "--tcb-info", "/does/not/exist"],
                      ["README.md", "--event-log", "/does/not/exist"],
                      ["README.md", "--root", "/does/not/exist"],
                      ["--cert", "/does/not/exist"]):
            words = [ROOT / "README.md" if word == "README.md" else word for word in words]
            done = ward("verify", *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(str(words[-1]), done.stderr.decode())
            self.assertEqual(done.stdout, b"")

    def test_a_policy_cannot_accept_revoked(self):
        with tempfile.TemporaryDirectory() as folder:
            policy = pathlib.Path(folder) / "policy.toml"
            policy.write_text("[tcb]\nstatus = ['UpToDate', 'Revoked']\n")
            done = ward("verify", ROOT / "README.md", "--policy", policy)
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b'2:23: tcb.status names "Revoked", which no policy can accept', done.stderr)

    def test_bad_arguments_are_exit_2_with_a_hint(self):
        readme = ROOT / "README.md"
        for words, hint in (([], "EVIDENCE"), ([readme, readme], "too many"),
                            ([readme, "--polcy", "x"], "--policy"),
                            ([readme, "--type", "sev"], "tdx"),
                            ([readme, "--nonce", "xyz"], "hex"),
                            ([readme, "--report-data", "00"], "64 bytes"),
                            ([readme, "--allow-tcb", "Revoked"], "Revoked"),
                            ([readme, "--allow-tcb", "uptodate"], "OutOfDate"),
                            ([readme, "--json", "--json"], "twice"),
                            ([readme, "--cert", readme], "one of"),
                            ([readme, "--policy"], "needs a value"),
                            ([readme, "--json=1"], "no value"),
                            ([readme, "--root", readme], "root certificate")):
            done = ward("verify", *words)
            self.assertEqual((done.returncode, done.stdout), (2, b""), words)
            self.assertIn(hint, done.stderr.decode())


class Relaxations(unittest.TestCase):
    @needs_vectors
    def test_each_is_listed_and_hides_nothing(self):
        late = (QUOTE, "--collateral", FOLDER, "--at", "2026-08-28T05:21:24Z")
        code, got = verify(*late)
        self.assertEqual((code, got["reason"], got["tcb"]["status"]),
                         (1, "POLICY_TCB_STATUS", "OutOfDate"))
        code, got = verify(*late, "--allow-tcb", "OutOfDate,SWHardeningNeeded")
        self.assertEqual((code, got["tcb"]["status"]), (0, "OutOfDate"))
        self.assertEqual(sorted(got["relaxed"]),
                         ["allow-tcb:OutOfDate", "allow-tcb:SWHardeningNeeded"])
        check = next(check for check in got["checks"] if check["relaxed"])
        self.assertEqual((check["id"], check["reason"]), ("AT-37", "POLICY_TCB_STATUS"))

    @needs_vectors
    def test_trailing_bytes(self):
        padded = QUOTE.read_bytes() + b"\0" * 70
        self.assertEqual(verify("-", *GOOD[1:], given=padded)[1]["reason"], "QUOTE_TRAILING_BYTES")
        code, got = verify("-", *GOOD[1:], "--allow-trailing", given=padded)
        self.assertEqual((code, got["relaxed"]), (0, ["allow-trailing"]))
        self.assertTrue(any(check["relaxed"] and check["id"] == "AT-4"
                            for check in got["checks"]))

    @needs_vectors
    def test_nitro_debug(self):
        debug = ATTEST / "nitro/dstack_nitro-attestation-dbg_1c921b.cose.bin"
        self.assertEqual(verify(debug, "--at", "2025-12-25T08:20:46Z")[1]["reason"], "NITRO_DEBUG")
        code, got = verify(debug, "--at", "2025-12-25T08:20:46Z", "--allow-debug")
        self.assertEqual((code, got["relaxed"]), (0, ["allow-debug"]))

    @needs_vectors
    def test_a_vendors_root_is_no_relaxation(self):
        for name in ("intel_sgx_root_ca.pem", "intel_sgx_root_ca_alt.pem"):
            code, got = verify(*GOOD, "--root", FOLDER / name)
            self.assertEqual((code, got["relaxed"], got["hardware"]), (0, [], True))


class Binding(unittest.TestCase):
    @needs_vectors
    def test_report_data_and_nonce(self):
        _, got = verify(*GOOD)
        data = got["claims"]["report_data"]
        self.assertEqual(verify(*GOOD, "--report-data", data)[0], 0)
        for bit in (0, 255, 511):
            wrong = bytearray.fromhex(data)
            wrong[bit // 8] ^= 1 << bit % 8
            _, got = verify(*GOOD, "--report-data", wrong.hex())
            self.assertEqual(got["reason"], "POLICY_REPORT_DATA")
        self.assertEqual(verify(*GOOD, "--nonce", "00" * 16)[1]["reason"], "POLICY_REPORT_DATA")

    @needs_vectors
    def test_nitro_nonce(self):
        document = ATTEST / "nitro/aws-nitro-enclave-attestation_attestation-1_063767.cose.bin"
        words = (document, "--at", "2024-08-16T09:11:49Z", "--allow-debug", "--nonce")
        self.assertEqual(verify(*words, "31323334")[0], 0)
        self.assertEqual(verify(*words, "3132333400")[1]["reason"], "NONCE_MISMATCH")


class Talk(unittest.TestCase):
    def test_reasons_are_the_stable_vocabulary(self):
        text = ward("verify", "--reasons").stdout.decode()
        names = [line for line in text.splitlines() if re.fullmatch(r"[A-Z0-9_]+", line)]
        found = [row["reason"] for row in json.loads(ward("verify", "--reasons", "--json").stdout)]
        self.assertEqual(names, found)
        self.assertEqual(len(set(found)), len(found))
        spec = ROOT / "../shared/spec/attestation.md"
        if spec.is_file():
            section = spec.read_text().split("### 2.1 TDX")[1].split("## 3. The limit")[0]
            for code in set(re.findall(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?:\(.*?\))?`", section)):
                self.assertIn(code, found)

    @needs_vectors
    def test_text_puts_refusals_first_and_says_what_to_do(self):
        text = ward("verify", "-", *GOOD[1:], given=tampered(QUOTE, 200)).stdout.decode()
        lines = text.splitlines()
        self.assertTrue(lines[0].startswith("DENY QUOTE_SIGNATURE_INVALID, tdx-v4"))
        self.assertIn("fail AT-30", lines[1])
        self.assertIn("do ", text)
        text = ward("verify", *GOOD).stdout.decode()
        self.assertTrue(text.startswith("ALLOW OK, tdx-v4, genuine hardware"))
        self.assertIn("mrtd", text)

    @needs_vectors
    def test_no_escape_reaches_a_pipe_and_no_color_is_honoured(self):
        self.assertNotIn(b"\033", ward("verify", *GOOD).stdout)
        for env, colour in (({}, True), ({"NO_COLOR": "1"}, False)):
            leader, follower = pty.openpty()
            pid = os.fork()
            if pid == 0:
                os.dup2(follower, 1)
                os.environ.pop("NO_COLOR", None)
                os.environ.update(env)
                from ward import BUILD

                os.execv(str(BUILD / "ward"), ["ward", "verify", *map(str, GOOD)])
            os.close(follower)
            text = b""
            try:
                while True:
                    part = os.read(leader, 4096)
                    if not part:
                        break
                    text += part
            except OSError:
                pass
            os.close(leader)
            os.waitpid(pid, 0)
            self.assertEqual(b"\033[" in text, colour)

    def test_a_hostile_text_cannot_talk_to_the_terminal(self):
        done = ward("verify", "\033[31mevil")
        self.assertNotIn(b"\033", done.stderr)
        self.assertIn(b"\\x1b", done.stderr)

    def test_output_that_cannot_be_written_is_not_success(self):
        with open("/dev/full", "wb") as full:
            import subprocess

            from ward import BUILD

            done = subprocess.run([BUILD / "ward", "verify", "--reasons"], stdout=full, check=False,
                                  stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 70)


class Help(unittest.TestCase):
    def test_every_command_has_help_and_an_example(self):
        listed = ward("help").stdout.decode().split("Commands:\n")[1].split("\n\n")[0]
        names = [re.match(r"  (\S+(?: [a-z]+)?)  ", line)[1] for line in listed.splitlines()]
        self.assertIn("verify", names)
        for name in names:
            done = ward(*name.split(), "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("Example:\n  ward ", done.stdout.decode())
            self.assertEqual(done.stdout, ward("help", *name.split()).stdout)

    def test_a_mistyped_command_is_answered_with_the_nearest(self):
        done = ward("verfy")
        self.assertEqual(done.returncode, 2)
        self.assertIn("ward verify", done.stderr.decode())


if __name__ == "__main__":
    import tap

    tap.main()
