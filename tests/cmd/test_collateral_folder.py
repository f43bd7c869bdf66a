"""test_collateral_folder.py - a folder that `ward collateral fetch` keeps for ever: what it takes
away, what it never touches, and what is left when it is stopped anywhere."""

import concurrent.futures
import datetime
import hashlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from pccs import Mirror
from ward import BUILD, ward

FMSPC, DAYS, DAILY = "505741524400", 160, 50
FIRST = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
TCB, QE = "/{}/certification/v4/tcb", "/{}/certification/v4/qe/identity"
PCK_CRL, ROOT_CRL = "/sgx/certification/v4/pckcrl", "/sgx/certification/v4/rootcacrl"
# TCB info, QE identity and both CRLs of TDX, each twice, and the two issuer chains.
FILES_OF_TDX = 4 * 2 + 2
made = None


def setUpModule():
    global made
    made = tempfile.TemporaryDirectory()
    subprocess.run([BUILD / "tests/cmd/collateral_days", made.name, str(DAYS)], check=True)


def tearDownModule():
    made.cleanup()


def root():
    return pathlib.Path(made.name) / "root.pem"


def at(day, hours=0):
    return (FIRST + datetime.timedelta(days=day, hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_folder(day):
    return pathlib.Path(made.name) / str(day)


class Day:
    """What pccs.Mirror serves on one day."""

    def __init__(self, day):
        folder = day_folder(day)
        signer = (folder / "tcb_signing.pem").read_text()
        blocks = (folder / "pck_chain.pem").read_text().split("-----BEGIN")[2:]
        self.replies = {PCK_CRL: ((folder / "crl_platform.der").read_bytes(),
                                  "SGX-PCK-CRL-Issuer-Chain",
                                  "".join("-----BEGIN" + block for block in blocks)),
                        ROOT_CRL: ((folder / "crl_root.der").read_bytes(), None, None)}
        for tee, qe in (("tdx", "td_qe"), ("sgx", "qe")):
            self.replies[TCB.format(tee)] = ((folder / f"tcbinfo_{tee}.json").read_bytes(),
                                             "TCB-Info-Issuer-Chain", signer)
            self.replies[QE.format(tee)] = ((folder / f"qeidentity_{qe}.json").read_bytes(),
                                            "SGX-Enclave-Identity-Issuer-Chain", signer)

    def chains(self, change):
        for path, (body, header, chain) in self.replies.items():
            self.replies[path] = (body, header, chain and change(chain))
        return self


def words(folder, day, mirror, *more):
    return ("collateral", "fetch", "--fmspc", FMSPC, "--timeout", 5, "--at", at(day), "--root",
            root(), "--mirror", mirror.base, *more, folder)


def contents(folder):
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()
            if path.is_file()}


def put_days(folder, days):
    """Writes days as fetch names them, one file of each thing a day."""
    for day in days:
        source = day_folder(day)
        issued = (FIRST + datetime.timedelta(days=day - 10)).strftime("%Y%m%d")
        listed = (FIRST + datetime.timedelta(days=day - 30)).strftime("%Y%m%d")
        for name, to in (("tcbinfo_tdx.json", f"tcb-info-tdx-{FMSPC}-{issued}.json"),
                         ("qeidentity_td_qe.json", f"qe-identity-tdx-{issued}.json"),
                         ("crl_platform.der", f"pck-crl-platform-{issued}.crl"),
                         ("crl_root.der", f"root-crl-intel-{listed}.crl")):
            (folder / to).write_bytes((source / name).read_bytes())
    chain = (day_folder(0) / "tcb_signing.pem").read_bytes()
    name = hashlib.sha256(chain).hexdigest()[:16]
    (folder / f"chain-{name}.pem").write_bytes(chain)


class Folder(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        self.folder = pathlib.Path(temp.name)

    def fetch(self, day, *more, served=None, code=0):
        with Mirror("good", served or Day(day)) as mirror:
            done = ward(*words(self.folder, day, mirror, *more))
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return done

    def assert_good(self, time_text):
        done = ward("verify", pathlib.Path(made.name) / "quote.bin", "--root", root(), "--at",
                    time_text, "--collateral", self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout.decode())

    def test_daily_for_both_tees(self):
        for day in range(DAILY):
            self.fetch(day)
            if day % 3 == 0:
                self.fetch(day, "--tee", "sgx")
            if day % 10 == 0:
                self.assert_good(at(day))
                # A clock that lags behind what was just issued has the one before.
                self.assert_good(at(day, -10 * 24 - 1) if day else at(day))
            self.assertLessEqual(len(contents(self.folder)), FILES_OF_TDX + 2 * 2)
        self.assertEqual(len(contents(self.folder)), FILES_OF_TDX + 2 * 2)

    def test_it_says_what_it_did(self):
        for day in (0, 1):
            done = self.fetch(day)
            self.assertEqual(done.stderr, b"")
        before = contents(self.folder)
        done = self.fetch(2)
        after = contents(self.folder)
        for path in done.stdout.decode().split():
            self.assertIn(pathlib.Path(path).name, after)
        gone = sorted(before.keys() - after.keys())
        self.assertEqual(len(gone), 4)
        said = sorted(line.split(": ")[2] for line in done.stderr.decode().splitlines())
        self.assertEqual(said, [f"{self.folder}/{name}" for name in gone])

    def test_what_it_did_not_write_is_never_touched(self):
        good = (day_folder(0) / "tcbinfo_tdx.json").read_bytes()
        issued = (FIRST - datetime.timedelta(days=10)).strftime("%Y%m%d")
        own = f"tcb-info-tdx-{FMSPC}"
        theirs = {
            "mine.json": good, "notes": b"x", ".hidden": b"x", f"{own}.json": good,
            f"{own}-{issued}.json.bak": good, f"{own}-{issued}.JSON": good,
            f"{own}-{issued[:-1]}.json": good, f"{own}-20250101.json": good,
            f"{own.upper()}-{issued}.json": good, f"qe-identity-tdx-{issued}.json": good,
            f"{own}-20251220.json": good[:-2] + b" }", f"pck-crl-platform-{issued}.crl": b"",
            "root-crl-intel-20251202.crl": (day_folder(0) / "crl_root.der").read_bytes() * 2,
            "chain-0123456789abcdef.pem": (day_folder(0) / "tcb_signing.pem").read_bytes(),
            f".{own}-{issued}.json.0123456789abcde": b"x", ".mine.json.0123456789abcdef": b"x",
        }
        for name, data in theirs.items():
            (self.folder / name).write_bytes(data)
        (self.folder / f"{own}-20251201.json").mkdir()
        (self.folder / f".{own}-20251201.json.0123456789abcdef").mkdir()
        elsewhere = tempfile.NamedTemporaryFile()
        self.addCleanup(elsewhere.close)
        elsewhere.write(good)
        elsewhere.flush()
        (self.folder / f"{own}-20251202.json").symlink_to(elsewhere.name)
        for day in range(3, 8):
            self.fetch(day)
        after = contents(self.folder)
        for name, data in theirs.items():
            self.assertEqual(after[name], data, name)
        self.assertTrue((self.folder / f"{own}-20251201.json").is_dir())
        self.assertTrue((self.folder / f"{own}-20251202.json").is_symlink())

    def test_a_folder_that_is_too_full_becomes_usable(self):
        put_days(self.folder, range(DAYS - 1))
        self.assertGreater(len(contents(self.folder)), 512)
        done = self.fetch(DAYS - 1)
        self.assertIn(b"two newer ones are there", done.stderr)
        self.assertEqual(len(contents(self.folder)), FILES_OF_TDX)
        self.assert_good(at(DAYS - 1))

    def test_keep_all_takes_nothing_away(self):
        for day in range(5):
            self.fetch(day, "--keep-all")
        self.assertEqual(len(contents(self.folder)), 4 * 5 + 2)
        for day in range(5):
            self.assert_good(at(day))
        before = contents(self.folder)
        self.fetch(4)
        self.assertEqual(len(contents(self.folder)), FILES_OF_TDX)
        self.assertLess(contents(self.folder).items(), before.items())

    def test_what_is_not_valid_yet_stands_in_for_nothing(self):
        self.fetch(0)
        before = contents(self.folder)
        put_days(self.folder, (60, 61, 62))
        self.fetch(0, code=4)
        self.assertLess(before.items(), contents(self.folder).items())
        self.assert_good(at(0))

    def test_a_failed_fetch_leaves_what_is_good(self):
        for day in (0, 1):
            self.fetch(day)
        before = contents(self.folder)
        with Mirror("missing", Day(2)) as mirror:
            self.assertEqual(ward(*words(self.folder, 2, mirror)).returncode, 4)
        self.assertEqual(contents(self.folder), before)

    def test_ever_new_chains_of_a_mirror_do_not_pile_up(self):
        changes = (lambda chain: chain, lambda chain: chain + chain,
                   lambda chain: chain.replace("-----\n-----", "-----\n\n-----"),
                   lambda chain: "\n" * 3 + chain, lambda chain: chain.replace("\n", "\r\n"),
                   lambda chain: chain[chain.index("-----BEGIN", 5):] + chain)
        taken = 0
        for day, change in enumerate(changes * 3):
            with Mirror("good", Day(day).chains(change)) as mirror:
                taken += ward(*words(self.folder, day, mirror)).returncode == 0
            chains = [name for name in contents(self.folder) if name.startswith("chain-")]
            self.assertLessEqual(len(chains), 4)
        self.assertGreaterEqual(taken, 6)
        self.assertLessEqual(len(contents(self.folder)), FILES_OF_TDX + 2)

    def test_the_chain_of_another_platform_stays_while_it_is_needed(self):
        self.fetch(0)
        chains = {name for name in contents(self.folder) if name.startswith("chain-")}
        # The same certificates in other files: the old ones are spare, also for what is not ours.
        (self.folder / "mine.json").write_bytes((day_folder(0) / "tcbinfo_sgx.json").read_bytes())
        self.fetch(1, served=Day(1).chains(lambda chain: "\n" + chain))
        after = {name for name in contents(self.folder) if name.startswith("chain-")}
        self.assertFalse(chains & after)
        self.assert_good(at(1))
        items = json.loads(ward("collateral", "show", "--json", "--root", root(), "--at", at(1),
                                self.folder).stdout)["items"]
        self.assertEqual({item["state"] for item in items}, {"OK"})
        # Without the chains of this run's mirror nothing else vouches: they stay.
        self.fetch(2, served=Day(2).chains(lambda chain: "\n" + chain))
        self.assertEqual({name for name in contents(self.folder) if name.startswith("chain-")},
                         after)

    def test_stopped_in_the_middle_of_a_write(self):
        """A limit on file sizes kills the process within a write: half a file is there."""
        self.fetch(0)
        self.fetch(1)
        before = contents(self.folder)

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        with Mirror("good", Day(2)) as mirror:
            done = subprocess.run([str(BUILD / "ward"), *map(str, words(self.folder, 2, mirror))],
                                  preexec_fn=limit, capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, -signal.SIGXFSZ, done.stderr)
        after = contents(self.folder)
        hidden = [name for name in after if name.startswith(".")]
        self.assertEqual(len(hidden), 1)
        self.assertLess(len(after[hidden[0]]), 1501)
        self.assertLessEqual(before.items(), after.items())
        self.assert_good(at(2))
        done = self.fetch(2)
        self.assertIn(b"1 unfinished files", done.stderr)
        self.assertEqual(len(contents(self.folder)), FILES_OF_TDX)
        self.assertFalse([name for name in contents(self.folder) if name.startswith(".")])

    def test_killed_anywhere(self):
        self.fetch(0)
        for day in range(1, 41):
            with Mirror("good", Day(day)) as mirror:
                process = subprocess.Popen(
                    [str(BUILD / "ward"), *map(str, words(self.folder, day, mirror))],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(0.002 * (day % 20))
                process.kill()
                process.wait()
            visible = [name for name in contents(self.folder) if not name.startswith(".")]
            self.assertLessEqual(len(visible), FILES_OF_TDX + 4)
            # Day 0 and its successors are valid for 20 days; a good run now and then.
            if day % 5 == 0:
                self.fetch(day)
                self.assertEqual(len(contents(self.folder)), FILES_OF_TDX)
            self.assert_good(at(day))

    def test_many_at_once_and_readers_beside(self):
        self.fetch(0)
        stop, bad = threading.Event(), []

        def read():
            while not stop.is_set():
                done = ward("verify", pathlib.Path(made.name) / "quote.bin", "--root", root(),
                            "--at", at(0), "--collateral", self.folder)
                if done.returncode != 0 or done.stderr:
                    bad.append(done)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            # Of each of these days what is issued is valid on day 0 too.
            for day in range(1, 9):
                with Mirror("good", Day(day)) as mirror, \
                        concurrent.futures.ThreadPoolExecutor(4) as pool:
                    runs = [pool.submit(ward, *words(self.folder, day, mirror, "--tee", tee))
                            for tee in ("tdx", "sgx") * 2]
                    codes = [run.result().returncode for run in runs]
                self.assertEqual(codes, [0] * 4)
        finally:
            stop.set()
            reader.join()
        self.assertEqual(bad, [])
        self.assertEqual(len(contents(self.folder)), FILES_OF_TDX + 2 * 2)

    def test_names_are_limited(self):
        with Mirror("good", Day(0)) as mirror:
            for i in range(16384):
                os.close(os.open(self.folder / f"{i}", os.O_CREAT | os.O_WRONLY))
            done = ward(*words(self.folder, 0, mirror))
            self.assertEqual(done.returncode, 4)
            self.assertEqual(len(list(self.folder.iterdir())), 16384)
            (self.folder / "more").touch()
            done = ward(*words(self.folder, 0, mirror))
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(f"{self.folder}: more files than the limit", done.stderr.decode())

    def test_no_folder(self):
        with Mirror("good", Day(0)) as mirror:
            for folder in ("/does/not/exist", root()):
                done = ward(*words(folder, 0, mirror))
                self.assertEqual((done.returncode, done.stdout), (2, b""))
                self.assertIn(str(folder), done.stderr.decode())
            self.assertEqual(mirror.asked, [])


if __name__ == "__main__":
    import tap

    tap.main()
