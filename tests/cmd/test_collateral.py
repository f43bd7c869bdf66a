"""test_collateral.py - `ward collateral fetch` against mirrors that are good, dead, slow or
lying, and `ward collateral show`."""

import itertools
import json
import os
import pathlib
import random
import tempfile
import unittest

from pccs import BEHAVIOURS, Collateral, Mirror
from ward import ATTEST, needs_vectors, verify, ward

FOLDER = ATTEST / "tdx/collateral"
FMSPC, AT = "b0c06f000000", "2025-07-04T10:16:31Z"
QUOTE = ATTEST / "tdx/dcap-qvl_tdx-quote_f1c850.quote.bin"


def july():
    return Collateral(FOLDER, "tcbinfo_tdx_v3_b0c06f000000_eval17_2025-06-19_369f.json",
                      "qeidentity_td_qe_v2_eval17_2025-06-19_261a.json",
                      "crl_platform_2025-06-19_e583.der", "crl_root_2025-03-20_ad6f.der",
                      "tcbinfo_tdx_v3_90c06f000000_eval17_2025-09-29_5dbe.json")


def february():
    return Collateral(FOLDER, "tcbinfo_tdx_v3_50806f000000_eval15_2023-06-18_e6aa.json",
                      "qeidentity_td_qe_v2_eval15_2023-06-08_e770.json",
                      "crl_platform_2023-06-08_3815.der", "crl_root_2025-03-20_ad6f.der",
                      "tcbinfo_tdx_v3_50806f000000_eval15_2023-06-18_e6aa.json")


def fetch(folder, *mirrors, at=AT, timeout=2):
    return ward("collateral", "fetch", "--fmspc", FMSPC, "--timeout", timeout, "--at", at,
                "--mirror", ",".join(mirror.base for mirror in mirrors), folder)


def contents(folder):
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}


class Fetch(unittest.TestCase):
    @needs_vectors
    def test_what_a_good_mirror_gives_is_enough_to_verify(self):
        with tempfile.TemporaryDirectory() as folder, Mirror("good", july()) as mirror:
            done = fetch(folder, mirror)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            self.assertEqual(sorted(done.stdout.decode().split()),
                             sorted(f"{folder}/{name}" for name in contents(folder)))
            self.assertEqual(verify(QUOTE, "--collateral", folder, "--at", AT)[1]["reason"], "OK")
            before = contents(folder)
            self.assertEqual(fetch(folder, mirror).returncode, 0)
            self.assertEqual(contents(folder), before)

    @needs_vectors
    def test_a_quote_names_its_platform(self):
        with tempfile.TemporaryDirectory() as folder, Mirror("good", july()) as mirror:
            for quote, given in ((QUOTE, None), ("-", QUOTE.read_bytes().hex().encode())):
                done = ward("collateral", "fetch", "--quote", quote, "--at", AT, "--mirror",
                            mirror.base, folder, given=given)
                self.assertEqual(done.returncode, 0, done.stderr.decode())
            self.assertIn(f"/tdx/certification/v4/tcb?fmspc={FMSPC}", mirror.asked)
            done = ward("collateral", "fetch", "--quote", FOLDER / "intel_sgx_root_ca.pem", folder)
            self.assertEqual(done.returncode, 2)

    @needs_vectors
    def test_a_bad_mirror_is_left_for_the_next(self):
        for behaviour in BEHAVIOURS:
            with self.subTest(behaviour=behaviour), tempfile.TemporaryDirectory() as folder, \
                    Mirror(behaviour, july(), february()) as bad, Mirror("good", july()) as good:
                done = fetch(folder, bad, good)
                self.assertEqual(done.returncode, 0, done.stderr.decode())
                if behaviour != "good":
                    self.assertIn(bad.base.split("/")[-1], done.stderr.decode())
                self.assertEqual(verify(QUOTE, "--collateral", folder, "--at", AT)[0], 0)

    @needs_vectors
    def test_no_combination_of_mirrors_plants_what_is_not_genuine(self):  # proves: RL-10
        combinations = list(itertools.product(BEHAVIOURS, repeat=3))
        if not os.environ.get("WARD_FULL"):
            combinations = random.Random(7).sample(combinations, 10)
        for chosen in combinations:
            with self.subTest(mirrors=chosen), tempfile.TemporaryDirectory() as folder, \
                    Mirror(chosen[0], july(), february()) as first, \
                    Mirror(chosen[1], july(), february()) as second, \
                    Mirror(chosen[2], july(), february()) as third:
                done = fetch(folder, first, second, third)
                self.assertEqual(done.returncode, 0 if "good" in chosen else 4)
                _, got = verify(QUOTE, "--collateral", folder, "--at", AT)
                self.assertEqual(got["reason"], "OK" if "good" in chosen else "COLLATERAL_MISSING")

    @needs_vectors
    def test_an_older_signed_file_is_no_replacement(self):
        older = july()
        path = "/tdx/certification/v4/qe/identity"
        newer = FOLDER / "qeidentity_td_qe_v2_eval17_2025-07-07_7701.json"
        at = "2025-07-10T00:00:00Z"
        with tempfile.TemporaryDirectory() as folder, Mirror("good", july()) as mirror:
            older.replies[path] = (newer.read_bytes(), *older.replies[path][1:])
            with Mirror("good", older) as first:
                self.assertEqual(fetch(folder, first, at=at).returncode, 0)
            before = contents(folder)
            done = fetch(folder, mirror, at=at)
            self.assertEqual(done.returncode, 4)
            self.assertIn("older than what is held", done.stderr.decode())
            self.assertEqual(contents(folder), before)

    @needs_vectors
    def test_plain_http_is_for_loopback_only(self):
        with tempfile.TemporaryDirectory() as folder:
            done = ward("collateral", "fetch", "--fmspc", FMSPC, "--timeout", 1, "--mirror",
                        "http://127.0.0.1.invalid:1,ftp://127.0.0.1:1,file:///etc", folder)
            self.assertEqual(done.returncode, 4)
            self.assertIn("rotocol", done.stderr.decode())

    def test_bad_arguments(self):
        for words in (["."], ["--fmspc", "12", "."], ["--fmspc", FMSPC],
                      ["--fmspc", FMSPC, "--timeout", "0", "."],
                      ["--fmspc", FMSPC, "--mirror", "", "."],
                      ["--fmspc", FMSPC, "--at", "soon", "."]):
            self.assertEqual(ward("collateral", "fetch", *words).returncode, 2, words)


class Show(unittest.TestCase):
    @needs_vectors
    def test_every_file_is_named_with_its_window(self):
        done = ward("collateral", "show", "--json", "--at", AT, FOLDER)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        items = json.loads(done.stdout)["items"]
        names = {pathlib.Path(item["name"]).name for item in items}
        self.assertEqual(names, {path.name for path in FOLDER.glob("*")})
        for item in items:
            name = pathlib.Path(item["name"]).name
            if "TEST" in name:
                self.assertEqual(item["state"], "UNVERIFIED", name)
            elif name.startswith("tcbinfo"):
                self.assertIn(name.split("_")[3], item["detail"])
                self.assertNotEqual(item["state"], "UNVERIFIED", name)
        text = ward("collateral", "show", "--at", AT, FOLDER).stdout.decode()
        self.assertEqual(len(text.splitlines()), len(items))

    def test_a_missing_folder_is_exit_2(self):
        done = ward("collateral", "show", "/does/not/exist")
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn("/does/not/exist", done.stderr.decode())


if __name__ == "__main__":
    import tap

    tap.main()
