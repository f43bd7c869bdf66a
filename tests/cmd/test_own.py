"""test_own.py - the project's own vectors: `ward sim make` makes exactly them, and each gets the
answer that their index names. Needs nobody else's data."""

import json
import pathlib
import tempfile
import unittest

from ward import OWN, verify, ward


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in pathlib.Path(folder).rglob("*") if path.is_file()}


class Own(unittest.TestCase):
    def test_sim_make_writes_the_committed_vectors(self):
        with tempfile.TemporaryDirectory() as folder:
            done = ward("sim", "make", pathlib.Path(folder) / "new/set")
            self.assertEqual(done.returncode, 0, done.stderr)
            made = contents(pathlib.Path(folder) / "new/set")
            self.assertEqual(len(done.stdout.splitlines()), len(made))
        # Those of the channel, of signed requests and of results come from no authority.
        kept = {name: data for name, data in contents(OWN).items()
                if name != "README.md" and not name.startswith(("channel/", "request/", "result/"))}
        self.assertEqual(sorted(made), sorted(kept))
        for name, data in made.items():
            self.assertEqual(data, kept[name], name)

    def test_sim_make_says_where_it_cannot_write(self):
        done = ward("sim", "make", "/proc/nowhere")
        self.assertEqual(done.returncode, 70)
        self.assertIn(b"/proc/nowhere", done.stderr)
        self.assertEqual(ward("sim", "make", "").returncode, 2)

    def test_every_case_gets_its_answer(self):
        cases = json.loads((OWN / "index.json").read_text())["cases"]
        self.assertGreater(len(cases), 20)
        for case in cases:
            words = [OWN / case["file"], "--at", case["time"]]
            for key, option in (("root", "--root"), ("collateral", "--collateral"),
                                ("event_log", "--event-log"), ("pck_crl", "--pck-crl")):
                if key in case:
                    words += [option, OWN / case[key]]
            with self.subTest(**case):
                _, got = verify(*words)
                self.assertEqual(got["reason"], case["reason"], got["detail"])
                self.assertFalse(got["hardware"])
                if case.get("type") and got["decision"] == "allow":
                    self.assertEqual(got["type"], case["type"])

    def test_the_policy_of_the_set_names_its_roots_by_file(self):
        good = ["--collateral", OWN / "collateral", "--at", "2026-01-01T00:00:00Z"]
        quote = OWN / "quote/tdx-v4.quote.bin"
        code, got = verify(quote, *good, "--policy", OWN / "policy.toml")
        self.assertEqual((code, got["hardware"], got["relaxed"]), (0, False, []), got["detail"])
        root = (OWN / "sgx_root.pem").resolve()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "policy.toml"
            for hardware, files, code in (
                    ("false", f'"{root}"', 0), ("true", f'"{root}"', 1), ("false", '"absent"', 2),
                    ("false", '"policy.toml"', 2), ("false", '"/dev/zero"', 2),
                    ("false", '"a\\u0000b"', 2), ("false", f'"{OWN.resolve()}/nitro_root.pem"', 1)):
                path.write_text(f"hardware = {hardware}\nroot_files = [{files}]\n")
                done = ward("verify", quote, *good, "--policy", path)
                self.assertEqual(done.returncode, code, (files, done.stderr))

    def test_without_its_root_nothing_is_allowed(self):
        cases = json.loads((OWN / "index.json").read_text())["cases"]
        for case in cases:
            if case["reason"] != "OK":
                continue
            words = [OWN / case["file"], "--at", case["time"]]
            if "collateral" in case:
                words += ["--collateral", OWN / case["collateral"]]
            _, got = verify(*words)
            self.assertIn(got["reason"], ("PCK_ROOT_UNTRUSTED", "NITRO_ROOT_UNTRUSTED"))


if __name__ == "__main__":
    import tap

    tap.main()
