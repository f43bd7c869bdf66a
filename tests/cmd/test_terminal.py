"""test_terminal.py - nothing that evidence, collateral, a policy or a folder holds can command
the terminal of whoever looks at it: neither as text nor as JSON, on neither stream."""

import json
import os
import pathlib
import subprocess
import tempfile
import unicodedata
import unittest

from ward import OWN, ward

# A title, a colour, one C1 control, writing turned round, a hidden space, a tag.
EVIL = "a\x1b]0;x\x07\x1b[31m\u009b2J\u202e\u200b\u2028\U000e0041z"
AT = ("--at", "2026-01-01T00:00:00Z")


def commands(text):
    return [hex(ord(c)) for c in text if c != "\n"
            and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")]


class Terminal(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        self.folder = pathlib.Path(temp.name)

    def assert_quiet(self, done, reached=b"a\\x1b]0;x"):
        """Neither stream holds a command, and the text did get as far as that."""
        for stream in (done.stdout, done.stderr):
            self.assertEqual(commands(stream.decode()), [], stream)
        self.assertIn(reached, done.stdout + done.stderr)

    def put_identity(self):
        """Collateral that anybody can write: its signature is worth nothing."""
        path = OWN / "collateral/qeidentity_td_qe.json"
        text = path.read_text().replace('"id":"TD_QE"', '"id":' + json.dumps(EVIL[:40]))
        (self.folder / "identity").write_text(text)

    def put_certificate(self):
        key = self.folder / ".key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-utf8", "-keyout", key, "-out",
                        self.folder / "certificate", "-subj",
                        "/CN=" + EVIL.replace("/", "")], check=True, capture_output=True)

    def test_names_of_files(self):
        (self.folder / EVIL).write_bytes((OWN / "collateral/tcbinfo_tdx.json").read_bytes())
        os.close(os.open(bytes(self.folder) + b"/a\x1b]0;x\xff\x9b", os.O_CREAT | os.O_WRONLY))
        self.assert_quiet(ward("collateral", "show", self.folder))
        self.assert_quiet(ward("collateral", "show", "--json", self.folder), b"a\\u001b]0;x")
        self.assert_quiet(ward("verify", OWN / "quote/tdx-v4.quote.bin", "--collateral",
                               self.folder / EVIL))

    def test_names_of_the_longest_kind(self):
        folder = self.folder
        for _ in range(12):
            folder = folder / ("\x01" * 255)
        folder.mkdir(parents=True)
        (folder / ("\x02" * 255)).write_bytes(b"x")
        done = ward("collateral", "show", "--json", folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["items"][0]["name"][-255:], "\x02" * 255)
        self.assert_quiet(done, b"\\u0002")

    def test_what_collateral_says(self):
        self.put_identity()
        self.put_certificate()
        names = set()
        for words, reached in (((), b"a\\x1b]0;x"), (("--json",), b"a\\u001b]0;x")):
            done = ward("collateral", "show", *words, self.folder)
            self.assert_quiet(done, reached)
        for item in json.loads(done.stdout)["items"]:
            names.add(item["detail"])
        # A reader of the JSON has the text as it was signed.
        self.assertIn(EVIL, names)

    def test_what_a_policy_says(self):
        policy = self.folder / "policy.toml"
        for text in (f'"{json.dumps(EVIL)[1:-1]}" = 1\n', f"types = [{json.dumps('tdx' + EVIL)}]\n",
                     f"[tcb]\nstatus = ['{chr(0x9b)}{chr(0x202e)}']\n"):
            policy.write_text(text.replace("\\udb40\\udc41", "\\U000e0041"))
            done = ward("verify", OWN / "quote/tdx-v4.quote.bin", "--policy", policy)
            self.assertEqual(done.returncode, 2)
            self.assert_quiet(done, b"?")

    def test_what_arguments_say(self):
        quote = OWN / "quote/tdx-v4.quote.bin"
        for words in ((EVIL,), ("verify", EVIL), ("verify", quote, "--type", EVIL),
                      ("verify", "--tls", EVIL + ":1"), ("verify", quote, "--allow-tcb", EVIL),
                      ("verify", quote, "--at", EVIL), ("collateral", "show", EVIL),
                      ("collateral", "fetch", "--fmspc", "00906ed50000", EVIL)):
            self.assert_quiet(ward(*words))


if __name__ == "__main__":
    import tap

    tap.main()
