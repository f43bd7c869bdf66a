"""test_secrets.py - a secret comes from a place and goes nowhere else: canaries are put in by every
way that there is, and then looked for in what was printed, in what ps could show of every process
that ran, in logs and in every file, as they are, in hex and in base64."""

import base64
import re
import subprocess
import tempfile
import unittest

import tap
from canary import holds
from commands import CLEAN, WARD, Place, Terminal, table
from pccs import Mirror
from test_fetch_hostile import AT, FMSPC, Own
from test_fetch_hostile import ROOT as SIM_ROOT

CANARY = "Kanarienvogel-7f3a91c2"
SECRET = re.compile(r"pass(word|phrase)|secret|token|credential|seal|pin\b", re.I)


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.place.__exit__()

    def traced(self, words, given=None, env=None):
        """(code, all that it and its children printed or that ps could show of them)"""
        with tempfile.NamedTemporaryFile("rb") as log:
            done = subprocess.run(
                ["strace", "-f", "-qq", "-v", "-s", "100000", "-e", "trace=execve", "-o", log.name,
                 WARD, *map(str, words)], input=given or b"", capture_output=True, timeout=120,
                env=CLEAN | (env or {}), cwd=self.place.above, check=False)
            shown = log.read()
        self.assertIn(b"execve(", shown)
        return done.returncode, done.stdout + done.stderr + shown

    def ways(self, secret):
        """Each way to give it: (words of the option, standard input, environment)."""
        at = self.place
        plain = at.write("plain", secret + "\nsecond line\n")
        at.write("environment", f"# of a unit\nOTHER=1\nPHRASE=\"{secret}\"\n")
        folder = at.fresh("credentials", make=True)
        (folder / "phrase").write_text(secret + "\n")
        yield f"{plain}", None, {}
        yield f"@{plain}", None, {}
        yield "-", secret.encode() + b"\n", {}
        yield "credential:phrase", None, {"CREDENTIALS_DIRECTORY": str(folder)}
        yield f"env-file:{at.above}/environment:PHRASE", None, {}

    def test_secrets_come_from_places_and_go_nowhere(self):
        # proves: EC-13
        self.no_option_takes_one()
        backups = []
        for number, (source, given, env) in enumerate(self.ways(CANARY)):
            with self.subTest(source):
                backup = self.place.fresh("backup")
                code, shown = self.traced(["keyring", "backup", backup, "--state", self.place.rest,
                                           "--passphrase-file", source], given, env)
                self.assertEqual(code, 0, shown[-500:])
                self.assertEqual(holds(shown, CANARY), [])
                backups.append(backup)
        # One secret it was, whatever the way: each backup opens by another way than it was made.
        for backup, (source, given, env) in zip(backups, reversed(list(self.ways(CANARY)))):
            with self.subTest(source):
                state = self.place.fresh("restored")
                code, shown = self.traced(["keyring", "restore", backup, "--state", state,
                                           "--passphrase-file", source], given, env)
                self.assertEqual(code, 0, shown[-500:])
                self.assertEqual(holds(shown, CANARY), [])
        self.typed()
        self.in_urls()
        self.in_settings()
        self.nowhere_on_disk()
        self.not_in_help()

    def no_option_takes_one(self):
        """By the table: what is called like a secret is given by the name of its place."""
        for name, row in table().items():
            for option in row["options"]:
                if SECRET.search(option["name"]) and not option["values"]:
                    self.assertEqual(option["argument"], "PLACE", (name, option["name"]))
            self.assertIsNone(SECRET.search(row["operands"]), name)

    def typed(self):
        """At the terminal it is not shown."""
        backup = self.place.fresh("backup")
        with Terminal(["keyring", "backup", backup, "--state", self.place.rest]) as terminal:
            terminal.read(b"Passphrase: ")
            terminal.type(CANARY.encode() + b"\n")
            terminal.read(b"Once more: ")
            terminal.type(CANARY.encode() + b"\n")
            code, shown = terminal.end()
        self.assertEqual(code, 0, shown)
        self.assertEqual(holds(shown, CANARY), [])
        with Terminal(["keyring", "restore", backup, "--state",
                       self.place.fresh("restored")]) as terminal:
            terminal.read(b"Passphrase: ")
            terminal.type(b"another\n")
            code, shown = terminal.end()
        self.assertEqual(code, 1, shown)

    def in_urls(self):
        """Mirrors and proxies with a password: refused as words, taken from a place, never said."""
        words = ["collateral", "fetch", "--fmspc", FMSPC, "--at", AT, "--root", SIM_ROOT]
        for option in ("--mirror", "--proxy"):
            folder = self.place.fresh("fetched", make=True)
            url = self.place.mirror.base.replace("://", f"://name:{CANARY}@")
            done = self.place.run(*words, option, url, folder)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertEqual(holds(done.stderr, CANARY), [])
        with Mirror("broken", Own()) as broken:
            # Plain HTTP with a name in it is spoken to nobody: what counts is what is said of it.
            for url, right in ((self.place.mirror.base, 0), (broken.base, 4),
                               (broken.base.replace("://", f"://name:{CANARY}@"), 4)):
                for source, given, env in self.ways(url):
                    if source.startswith("/"):
                        continue  # a bare word is a URL here
                    folder = self.place.fresh("fetched", make=True)
                    with self.subTest(source, right=right):
                        code, shown = self.traced([*words, "--mirror", source, folder], given, env)
                        self.assertEqual(code, right, shown[-500:])
                        self.assertEqual(holds(shown, CANARY), [])

    def in_settings(self):
        """A password in store.url is refused from every source and repeated by none."""
        url = f"postgresql://ward:{CANARY}@db/ward"
        for words, env in ((["--set", f"store.url={url}"], {}), ([], {"WARD_STORE_URL": url}),
                           (["-c", self.place.write("secret.toml", f"store.url = '{url}'\n")], {})):
            for command in (["up", "--state", self.place.fresh("s")], ["config", "show"], ["doctor"]):
                done = self.place.run(*command, *words, env=env)
                self.assertEqual(done.returncode, 3)
                self.assertEqual(holds(done.stdout + done.stderr, CANARY), [])

    def nowhere_on_disk(self):
        """Not in any file that a command or a house wrote, logs and backups included."""
        given = {"plain", "environment", "secret.toml", "phrase", "empty", "env"}  # as places
        looked = 0
        for path in self.place.above.rglob("*"):
            if path.is_file() and path.name not in given:
                looked += 1
                self.assertEqual(holds(path.read_bytes(), CANARY), [], path)
        self.assertGreater(looked, 20)

    def not_in_help(self):
        """Neither what is given nor what seals a house is in anything that a command prints."""
        seal = self.place.rest.with_name("state.seal").read_bytes()
        env = {"CREDENTIALS_DIRECTORY": "/nowhere", "WARD_PASSPHRASE": CANARY, "PASSPHRASE": CANARY}
        for name in table():
            for words in ((*name.split(), "--help"), ("help", "--format", "man", *name.split())):
                done = self.place.run(*words, env=env)
                self.assertEqual(holds(done.stdout + done.stderr, CANARY), [])
        for words in (["doctor"], ["doctor", "--json"], ["config", "show"], ["audit", "export"],
                      ["audit", "query"], ["down", "--purge", "--plan"]):
            done = self.place.run(*words, "--state", self.place.rest, env=env)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            self.assertEqual(holds(done.stdout + done.stderr, seal) +
                             holds(done.stdout + done.stderr, CANARY), [], words)

    def test_places_that_hold_none_are_refused_without_repeating(self):
        at = self.place
        at.write("empty", "\n" + CANARY + "\n")
        at.write("long", "x" * 1025 + "\n")
        at.write("most", "x" * 1024 + "\n")
        at.write("env", f"PHRAS={CANARY}\nPHRASEE={CANARY}\n PHRASE={CANARY}\nPHRASE=\n")
        for source, env, hint in (
                ("@empty", {}, "first line"), ("@long", {}, "first line"), ("@/nowhere", {}, "No such"),
                ("@", {}, "No such"), ("/", {}, "first line"), ("credential:x", {}, "LoadCredential"),
                ("credential:", {"CREDENTIALS_DIRECTORY": str(at.above)}, "LoadCredential"),
                ("credential:../ward.toml", {"CREDENTIALS_DIRECTORY": str(at.above)}, "LoadCred"),
                ("env-file:env:PHRASE", {}, "no line PHRASE="), ("env-file:env", {}, "env-file:FILE:NAME"),
                ("env-file:env:", {}, "env-file:FILE:NAME"), ("env-file::X", {}, "env-file:FILE:NAME"),
                ("env-file:/nowhere:X", {}, "No such"), ("-", {}, "standard input: its first line")):
            with self.subTest(source):
                backup = at.fresh("backup")
                done = at.run("keyring", "backup", backup, "--state", at.rest, "--passphrase-file",
                              source, env=env)
                self.assertEqual((done.returncode, done.stdout), (3, b""), done.stderr)
                self.assertFalse(backup.exists())
                self.assertEqual(holds(done.stderr, CANARY), [])
                self.assertIn(hint, done.stderr.decode())
        done = at.run("keyring", "backup", at.fresh("backup"), "--state", at.rest,
                      "--passphrase-file", "@most")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_secret_that_leaks_would_be_found(self):
        for leak in (CANARY.encode(), CANARY.encode().hex().encode(),
                     base64.b64encode(b"x" + CANARY.encode() + b"y"),
                     base64.b64encode(b"xy" + CANARY.encode()),
                     base64.b64encode(CANARY.encode() + b"xyz"),
                     base64.urlsafe_b64encode(b"\xff" + CANARY.encode())):
            self.assertTrue(holds(b"before " + leak + b" behind", CANARY), leak)
        self.assertEqual(holds(b"before and behind", CANARY), [])
        code, shown = self.traced(["config", "explain", CANARY])
        self.assertTrue(holds(shown, CANARY))  # so argv is looked at
        self.assertEqual(code, 6)


if __name__ == "__main__":
    tap.main()
