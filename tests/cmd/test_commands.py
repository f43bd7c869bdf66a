"""test_commands.py - what is promised of every command, in loops over the command table: help with
an example that runs, JSON that fits its published schema, exit codes, and what goes where."""

import json
import pathlib
import re
import subprocess
import unittest

import lodger
import fake_kernel
import tap
from commands import (CLEAN, QUOTE, RUNS, SCHEMAS, SPEC, WARD, Place, Terminal, ended, faults, granted,
                      runs, table, unended, validator, with_sandbox)
from oci import Image, entry
from sandboxes import BUSYBOX, has_groups
from ward import OWN, ROOT, ward

COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
DOCS = ROOT / "docs/command-line.md"


class Loop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place().__enter__()
        cls.table = table()

    @classmethod
    def tearDownClass(cls):
        cls.place.__exit__()


class Table(unittest.TestCase):
    def test_every_command_has_runs_and_no_run_is_left_over(self):
        self.assertEqual(set(RUNS), set(table()))

    def test_every_command_takes_json_and_names_its_schema(self):
        for name, row in table().items():
            with self.subTest(name):
                self.assertIn("--json", [option["name"] for option in row["options"]])
                self.assertTrue((SCHEMAS / row["schema"].partition("#")[0]).exists())
                validator(row["schema"])

    def test_no_schema_is_left_over(self):
        used = {row["schema"].partition("#")[0] for row in table().values()} | {"progress.json"}
        self.assertEqual(used, {path.name for path in SCHEMAS.glob("*.json")})

    def test_a_command_without_a_row_is_said(self):
        with self.assertRaisesRegex(AssertionError, "`ward juggle` has no row in RUNS"):
            runs(None, "juggle")


class Help(Loop):
    def examples(self):
        """Each command's example, and what is needed to run it here and now."""
        more = {"collateral fetch": ["--show-curl"], "keyring backup": ["--passphrase-file", "phrase"],
                "keyring restore": ["--passphrase-file", "phrase", "--plan"],
                "backup restore": ["--passphrase-file", "right"]}
        for name, row in self.table.items():
            words = row["example"].split()
            self.assertEqual(words[:1 + len(name.split())], ["ward", *name.split()])
            words = [self.digest if word == "sha256:DIGEST" else word for word in words[1:]]
            yield name, words + more.get(name, [])

    def prepare(self):
        """What the examples name, in a folder; ward-state is the place's house."""
        folder = self.place.fresh("examples", make=True)
        (folder / "quote.bin").write_bytes(QUOTE.read_bytes())
        (folder / "collateral").symlink_to(OWN / "collateral")
        (folder / "ward.toml").write_text("")
        (folder / "phrase").write_text("words\n")
        (folder / "node.toml").write_text("hardware = false\n")
        (folder / "result.jws").write_text(with_sandbox())
        (folder / "job.toml").write_text(SPEC)
        (folder / "dsn.txt").write_text("host=db")
        self.digest = Image([entry("bin/sh", b"#!")]).pack(folder / "python.tar")
        fake_kernel.make(folder / "guest/kernel", folder / "guest/modules")
        self.give_job(folder)
        (folder / "right").symlink_to(self.place.phrase)
        (folder / "house.wardbackup").symlink_to(self.place.whole)
        (folder / "ward-state").symlink_to(self.place.live)
        challenge = folder / "challenge"
        challenge.write_text('#!/bin/sh\ntest -S "$DSTACK_SIMULATOR_ENDPOINT"\n')
        challenge.chmod(0o755)
        return folder

    def give_job(self, folder):
        """An image that runs, and a job of it, where it can run."""
        made = Image([entry("bin/sh", pathlib.Path(BUSYBOX).read_bytes(), mode=0o755)])
        digest = made.pack(folder / "busybox.tar")
        done = self.place.run("image", "import", folder / "busybox.tar", digest, "--images",
                              folder / "ward-images")
        self.assertEqual(done.returncode, 0, done.stderr)
        (folder / "train.toml").write_text(f'image = "{digest}"\n'
                                           'command = ["/bin/sh", "-c", "echo $1 $2", "sh"]\n')
        (folder / "code").mkdir()

    def test_help_has_one_example_that_runs_and_json_fits_its_schema(self):
        # proves: EC-6
        folder = self.prepare()
        env = CLEAN | {"WARD_LISTEN_TLS": f"127.0.0.1:{self.place.house.port}"}
        down = {"keyring backup": self.place.rest, "keyring restore": folder / "nowhere"}
        for name, words in self.examples():
            with self.subTest(name):
                text = ward(*name.split(), "--help").stdout.decode()
                self.assertEqual(text, ward("help", *name.split()).stdout.decode())
                self.assertEqual(re.findall(r"^Example:\n  (ward .*)$", text, re.M),
                                 [self.table[name]["example"]])
                if name == "keyring restore":
                    (folder / "keys.backup").unlink(missing_ok=True)
                    (folder / "keys.backup").write_bytes(self.place.backup.read_bytes())
                if name in down:  # these want a house that is down
                    words = [str(down[name]) if word == "./ward-state" else word for word in words]
                if name == "session revoke":  # one that there is
                    words = [*words[:-1], granted(self.place, "example")]
                if name.startswith("job ") and re.search(r" [0-9a-f]{32}\b", " ".join(words)):
                    words[2] = (unended if name == "job cancel" else ended)(self.place)
                self.runs_to_its_end(name, words, folder, env)
        for name, row in self.table.items():
            for codes, words in runs(self.place, name):
                with self.subTest(name, words=words):
                    self.fits(row, codes, words)

    def runs_to_its_end(self, name, words, folder, env):
        """0, or a judgement that is no; one that follows is ended once it has begun."""
        if "--follow" in words and words[0] == "audit":
            with subprocess.Popen([WARD, *words[:-2]], cwd=folder, env=env, stderr=subprocess.PIPE,
                                  stdout=subprocess.PIPE) as running:
                self.assertTrue(running.stdout.readline())
                running.terminate()
            return
        done = subprocess.run([WARD, *words], cwd=folder, env=env, capture_output=True, timeout=60,
                              check=False)
        right = (0, 1) if name in ("verify", "doctor", "result verify", "measure diff") else (0,)
        right = (3, 5) if name == "run" and not has_groups() else right
        self.assertIn(done.returncode, right, (words, done.stderr))

    def fits(self, row, codes, words):
        done = self.place.run(*words, "--json")
        self.assertIn(done.returncode, codes, (words, done.stderr))
        lines = done.stdout.decode().splitlines()
        self.assertTrue(lines, words)
        if "record" not in row["schema"]:
            self.assertEqual(len(lines), 1, words)
        where = "verify.json#/$defs/reasons" if "--reasons" in words else row["schema"]
        for line in lines:
            self.assertEqual(faults(where, json.loads(line)), [], (words, line[:400]))

    def test_schemas_refuse_what_is_wrong(self):
        """Each member taken away, a strange one added, a value of another type."""
        tried = 0
        for name, row in self.table.items():
            codes, words = runs(self.place, name)[0]
            done = self.place.run(*words, "--json")
            got = json.loads(done.stdout.decode().splitlines()[0])
            self.assertEqual(faults(row["schema"], got), [])
            wrong = [{key: value for key, value in got.items() if key != gone} for gone in got]
            wrong += [dict(got, more=1), [got], None, "text"]
            wrong += [dict(got, **{key: {"strange": [value]}}) for key, value in got.items()
                      if not (name.startswith("audit") and key == "details")]
            for copy in wrong:
                tried += 1
                self.assertTrue(faults(row["schema"], copy), (name, copy))
        self.assertGreater(tried, 200)


class Output(Loop):
    def test_what_goes_where(self):
        # proves: EC-7
        for name in self.table:
            for number, (codes, words) in enumerate(runs(self.place, name)):
                def again(number=number, name=name):
                    return runs(self.place, name)[number][1]

                with self.subTest(name, number=number):
                    self.piped(codes, words)
                    self.quiet(codes, again)
                    self.coloured(again())
        self.asks_nobody()

    def piped(self, codes, words):
        done = self.place.run(*words)
        self.assertIn(done.returncode, codes, (words, done.stderr))
        self.assertNotIn(b"\x1b", done.stdout + done.stderr)
        self.assertNotIn(b"\r", (done.stdout + done.stderr).replace(b"\r\n", b"\n"))
        # Talk bears the program's name, and data never does.
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith(b"ward: "), line)
        for line in done.stdout.splitlines():  # the log of a job has what its own run said, too
            self.assertFalse(line.startswith(b"ward: ") and words[:2] != ["job", "logs"], line)

    def quiet(self, codes, words):
        """Only what went wrong is said; the data is there."""
        loud = self.place.run(*words())
        for option in ("--quiet", "-q"):
            done = self.place.run(*words(), option)
            self.assertIn(done.returncode, codes, done.stderr)
            if done.returncode == 0:
                self.assertEqual(done.stderr, b"", words())
            self.assertEqual(bool(done.stdout), bool(loud.stdout), words())

    def coloured(self, words):
        """NO_COLOR on a terminal: no colour; set and empty it is not set (no-color.org)."""
        with Terminal(words, env={"NO_COLOR": "1"}, cwd=self.place.above) as terminal:
            _, shown = terminal.end()
        self.assertIsNone(COLOUR.search(shown), words)

    def asks_nobody(self):
        """With a terminal there and --no-input nothing is read from it."""
        for words, hint in ((["keyring", "rotate", "tls", "--state", self.place.live], b"--yes"),
                            (["down", "--purge", "--state", self.place.live], b"--yes"),
                            (["keyring", "backup", self.place.fresh("b"), "--state",
                              self.place.rest], b"--passphrase-file"),
                            (["keyring", "restore", self.place.backup, "--state",
                              self.place.fresh("r")], b"--passphrase-file")):
            with self.subTest(str(words)), Terminal([*words, "--no-input"]) as terminal:
                code, shown = terminal.end()
                self.assertIn(code, (2, 3))
                self.assertIn(hint, shown)
                self.assertNotIn(b"Type the name", shown)
                self.assertNotIn(b"Passphrase:", shown)
        self.assertTrue(self.place.house.ask("system/ping")[0] == 200)

    def test_colour_is_there_where_it_is_wanted(self):
        """So the search for it can find some; and nothing but `ward verify` writes any."""
        for env in ({}, {"NO_COLOR": ""}):
            with Terminal(["verify", QUOTE], env=env) as terminal:
                self.assertIsNotNone(COLOUR.search(terminal.end()[1]))
        painted = {path.name for path in (ROOT / "src/cmd").glob("*.c") if "\\033[" in
                   path.read_text() and re.search(r"\\033\[[0-9;]*m", path.read_text())}
        self.assertEqual(painted, {"verify_text.c"})

    def test_common_options_are_refused_where_they_say_nothing(self):
        for words, hint in ((["version", "--quiet=1"], b"takes no value"),
                            (["version", "-q", "--quiet"], b"is given twice"),
                            (["version", "--show-curl"], b"no option --show-curl"),
                            (["version", "--show-needs"], b"no option --show-needs"),
                            (["version", "--no-inputs"], b"did you mean --no-input?"),
                            (["version", "--quit"], b"did you mean --quiet?")):
            done = self.place.run(*words)
            self.assertEqual((done.returncode, done.stdout), (2, b""), words)
            self.assertIn(hint, done.stderr)


class Exits(Loop):
    def rows(self):
        """(code, words, more): each of the codes by at least two commands, where two can."""
        at = self.place
        missing, taken = at.fresh("missing"), at.write("taken", "")
        unsafe = at.fresh("unsafe", make=True)
        (unsafe / "state").mkdir()
        (unsafe / "state").chmod(0o777)
        bad = at.write("bad.toml", "limit.connections = 0\n")
        phrase = ["--passphrase-file", at.phrase]
        yield from (
            (0, ["version"], {}),
            (0, ["verify", QUOTE, "--at", "2026-01-01T00:00:00Z", "--root", OWN / "sgx_root.pem",
                 "--collateral", OWN / "collateral"], {}),
            (1, ["verify", QUOTE], {}),
            (1, ["audit", "verify", "--state", at.rest, "--key", "0" * 64], {}),
            (1, ["keyring", "restore", at.backup, "--state", at.fresh("r"), "--passphrase-file",
                 at.write("wrong", "another\n")], {}),
            (2, ["verfy"], {}), (2, ["verify"], {}), (2, ["audit", "prove", "x"], {}),
            (2, ["collateral", "show", missing], {}), (2, ["down", "--purge", "--state", at.live], {}),
            (3, ["config", "check", bad], {}), (3, ["up", "-c", bad], {}),
            (3, ["doctor", "--set", "limit.connections=0"], {}),
            (4, ["keyring", "list", "--state", at.rest], {}),
            (4, ["audit", "tail", "--follow", "--state", at.rest], {}),
            (4, ["verify", "--tls", "127.0.0.1:1"], {}),
            (4, ["collateral", "fetch", "--fmspc", "000000000000", "--mirror", "http://127.0.0.1:1",
                 at.fresh("c", make=True)], {}),
            (5, ["up", "--state", unsafe / "state", "--listen", f"127.0.0.1:{lodger.free_port()}"],
             {}),
            (6, ["config", "explain", "colour"], {}), (6, ["audit", "query", "--state", missing], {}),
            (6, ["audit", "prove", "99999999", "--state", at.rest], {}),
            (6, ["keyring", "restore", missing, "--state", at.fresh("r"), *phrase], {}),
            (7, ["keyring", "backup", at.fresh("b"), "--state", at.live, *phrase], {}),
            (7, ["keyring", "backup", taken, "--state", at.rest, *phrase], {}),
            (7, ["keyring", "restore", at.backup, "--state", at.rest, *phrase], {}),
            (7, ["up", "--state", at.fresh("port"), "--listen", f"127.0.0.1:{at.house.port}"], {}),
            (70, ["version"], {"stdout": "/dev/full"}), (70, ["help"], {"stdout": "/dev/full"}),
            (70, ["config", "show"], {"stdout": "/dev/full"}),
            (70, ["sim", "make", "/proc/nowhere"], {}),
        )

    def code_of(self, words, more):
        if "stdout" not in more:
            return self.place.run(*words)
        with open(more["stdout"], "wb") as full:
            return subprocess.run([WARD, *map(str, words)], env=CLEAN, stdout=full, timeout=60,
                                  stderr=subprocess.PIPE, check=False)

    def test_every_exit_code_is_reached_and_documented(self):
        # proves: EC-8
        rows = {row["code"]: row for row in json.loads(ward("help", "--json").stdout)["exit_codes"]}
        self.assertEqual(set(rows), {*range(8), 70})
        reached = set()
        for code, words, more in self.rows():
            with self.subTest(str(words)):
                done = self.code_of(words, more)
                self.assertEqual(done.returncode, code, done.stderr)
                if code not in (0, 1):
                    self.assertTrue(done.stderr or words[:2] == ["config", "check"], words)
                reached.add(code)
        self.assertEqual(reached, set(rows))
        shown = dict(re.findall(r"^\| (\d+) \| ([^|]+?) \|", DOCS.read_text(), re.M))
        self.assertEqual(shown, {str(code): row["meaning"] for code, row in rows.items()})
        for name in (None, *self.table):
            page = ward("help", "--format", "man", *(name or "").split()).stdout.decode()
            said = dict(re.findall(r"^\.It (\d+)\n(.*)$", page, re.M))
            self.assertEqual(said, shown, name)


if __name__ == "__main__":
    tap.main()
