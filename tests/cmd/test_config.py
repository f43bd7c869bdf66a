"""test_config.py - `ward config` as its users meet it: what is printed where, which source
counts, every mistake of a file at once with its place, and the exit codes."""

import json
import os
import pathlib
import pty
import re
import subprocess
import tempfile
import unittest

import tap
import test_schema
from test_schema import faults
from ward import BUILD, ROOT, ward

OPERATING = ROOT / "docs/operating.md"
SYSTEM = {"libc", "libm", "libgcc_s", "ld-linux-x86-64"}  # what each program has
SCHEMA = test_schema.SCHEMA = json.loads((ROOT / "docs/schema/config.json").read_text())
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("WARD_")}

# Text of the file, then each line that `ward config check` prints, without the file's name.
BOUNDS = "must be between 1 and 1000000"
BAD = (
    ("[limit\n", ["1:7: this is no TOML: "]),
    ("[limit]\nconnections = \n", ["2:15: this is no TOML: "]),
    ("[limit]\nconnections = 1\nconnections = 2\n", ["3:1: this is no TOML: "]),
    ("[limit]\n[limit]\n", ["2:2: this is no TOML: "]),
    ("[limits]\n", ['1:2: there is no section "limits"; did you mean "limit"?']),
    ("\n  [ lisen ]\n", ['2:5: there is no section "lisen"; did you mean "listen"?']),
    ("[colour]\nx = 1\n", ['1:2: there is no section "colour"']),
    ("[limit]\nconections = 1\n",
     ['2:1: there is no key "limit.conections"; did you mean "limit.connections"?']),
    ("[limit]\n  idle_second = 1\n",
     ['2:3: there is no key "limit.idle_second"; did you mean "limit.idle_seconds"?']),
    ("[audit]\nrotate = 1\n", ['2:1: there is no key "audit.rotate"; did you mean "audit.rotate_bytes"?']),
    ("connections = 1\n",
     ['1:1: there is no key "connections"; did you mean "limit.connections"?']),
    ("[seal]\nurl = 'sqlite'\n",
     ['2:1: there is no key "seal.url"; did you mean "store.url"?']),
    ("limit = 1\n", ["1:1: limit is an integer and must be a section of keys"]),
    ("[[seal]]\n", ["1:3: seal is an array and must be a section of keys"]),
    ("[seal.kind]\n", ["1:7: seal.kind is a table and must be a string"]),
    ("limit.connections = 0\n", [f"1:21: limit.connections is 0 and {BOUNDS}"]),
    ("limit.connections = -1\n", [f"1:21: limit.connections is -1 and {BOUNDS}"]),
    ("limit = { connections = 1000001 }\n", [f"1:25: limit.connections is 1000001 and {BOUNDS}"]),
    ("limit.connections = '4096'\n",
     ["1:21: limit.connections is a string and must be a whole number"]),
    ("limit.connections = 4e3\n",
     ["1:21: limit.connections is a float and must be a whole number"]),
    ("limit.idle_seconds = '1w'\n",
     ["1:22: limit.idle_seconds must be a number of seconds like 90, or like \"90s\" (s, m, h, d)"]),
    ("audit.rotate_bytes = '2G'\n",
     ["1:22: audit.rotate_bytes is 2147483648 and must be between 1048576 and 1073741824"]),
    ("listen.tls = 8443\n", ["1:14: listen.tls is an integer and must be a string"]),
    ("listen.tls = 'localhost:8443'\n",
     ["1:14: listen.tls must be an address and a port, like 127.0.0.1:8443 or [::1]:8443; "
      "names are not looked up"]),
    ("seal.kind = 'pasphrase'\n",
     ["1:13: seal.kind must be one of: file, passphrase, credential; "
      'did you mean "passphrase"?']),
    ("seal.kind = 'credential'\n", ["1:13: seal.kind is credential, so seal.path must name "]),
    ("state.folder = '/s'\nseal.path = '/s/seal'\n",
     ["2:13: seal.path must lie outside state.folder"]),
    ("limit.connects_burst = 1000000\nlimit.connects_per_second = 1\n",
     ["1:24: limit.connects_burst must be at most 500000, which limit.connects_per_second of 1 gives "
      "in 500000 seconds"]),
    ("tls.certificate = 'a'\n",
     ["1:19: tls.certificate needs the file of its private key: set tls.key"]),
    ("tls.key = 'a'\n", ["1:11: tls.key needs the file of its certificate: set tls.certificate"]),
    ("tls.client_crl = 'a'\n", ["1:18: tls.client_crl needs the CAs that it is of"]),
    ("tls.operators = ['dns:a']\n", ["1:17: tls.operators needs the CAs of their certificates"]),
    ("state.folder = ''\n", ["1:16: state.folder must not be empty"]),
    ("state.folder = '/'\n", ["1:16: state.folder must not be the root folder"]),
    ("state.folder = 'a/../b'\n",
     ['1:16: state.folder must have ".." at the front of a relative path only']),
    ("store.url = 'postgresql://ward:" "hunter2@db/ward'\n",
     ["1:13: store.url must not hold a password or other secret"]),
    ("store.url = 'host=db password=hunter2'\n",
     ["1:13: store.url must not hold a password or other secret"]),
    ("store.url = 'sqlight'\n", ['1:13: store.url must be "sqlite", ']),
    ("\"l\\u00efmit\" = 1\n", ['1:1: there is no key "l??mit"']),
    ("# \N{SNOWMAN}\nlimit = {\"\N{SNOWMAN}\" = 1, connections = 0}\n",
     ['2:10: there is no key "limit.???"', f"2:33: limit.connections is 0 and {BOUNDS}"]),
    ("[syscalls]\nallow = ['ptrce']\n", ['1:2: there is no section "syscalls"']),
    ("[peer.a]\nurll = 'wss://a'\n",
     ['1:2: there is no section "peer"; did you mean "peers"?',
      '2:1: a peer has no key "urll"; did you mean "url"?']),
    ("[peers.a]\nurl = 'ws://a.example'\n", ["1:8: peers.a has a url of ws://, which is for this"]),
    ("[policy]\nname = 'prod'\n", ['1:2: there is no section "policy"']),
    ("listen.hosts = ['example.invalid']\n", ['1:8: there is no key "listen.hosts"; did you mean "listen.tls"?']),
    ("listen.tls = 'exmaple.invalid:1'\n", ["1:14: listen.tls must be an address and a port"]),
    ("conections = 1\n[limits]\nidle_second = 1\nconnections = 0\n[seal]\nkind = 1\n"
     "[audit]\nkeep_days = 0\n[store]\nurl = 'x'\n",
     ['1:1: there is no key "conections"; did you mean "limit.connections"?',
      '2:2: there is no section "limits"; did you mean "limit"?',
      '3:1: there is no key "limit.idle_second"; did you mean "limit.idle_seconds"?',
      f"4:15: limit.connections is 0 and {BOUNDS}",
      "6:8: seal.kind is an integer and must be a string",
      "8:13: audit.keep_days is 0 and must be between 1 and 36500",
      '10:7: store.url must be "sqlite", ']),
)

PIN = "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

# Each key: its value in the file (as TOML), in the environment and on the command line, and
# what `ward config explain --json` says of each. @ is the folder of the file, % the working one.
MATRIX = {
    "state.folder": (("'f'", "e", "g"), ("@/f", "%/e", "%/g")),
    "tls.certificate": (("'f'", "e", "g"), ("@/f", "%/e", "%/g")),
    "tls.key": (("'f'", "e", "g"), ("@/f", "%/e", "%/g")),
    "tls.client_ca": (("'f'", "e", "g"), ("@/f", "%/e", "%/g")),
    "tls.client_crl": (("'f'", "e", ""), ("@/f", "%/e", "")),
    "tls.operators": (("['dns:f', 'uri:f:1']", "dns:e", "dns:g, uri:g:1"),
                      (["dns:f", "uri:f:1"], ["dns:e"], ["dns:g", "uri:g:1"])),
    "jobs.patience": (("21", "22", "23"), (21, 22, 23)),
    "jobs.vcpu": (("11", "12", "13"), (11, 12, 13)),
    "jobs.keep": (("11", "12", "13"), (11, 12, 13)),
    "jobs.keep_days": (("11", "12", "13"), (11, 12, 13)),
    "listen.tls": (("'[::1]:1'", "127.0.0.1:2", "127.0.0.1:3"), None),
    "store.url": (("'host=f'", "host=e", "host=g"), None),
    "seal.kind": (("'passphrase'", "file", "passphrase"), None),
    "seal.path": (("'f'", "e", "g"), ("@/f", "%/e", "%/g")),
    "backup.dir": (("'f'", "e", "g"), ("@/f", "%/e", "%/g")),
    "store.password_file": (("'f'", "e", ""), ("@/f", "%/e", "")),
    "collateral.folder": (("'f'", "e", ""), ("@/f", "%/e", "")),
    "channel.policy": (("'f'", "e", ""), ("@/f", "%/e", "")),
    "miners.file": (("'f'", "e", ""), ("@/f", "%/e", "")),
    "sdk.policy": (("'f'", "e", ""), ("@/f", "%/e", "")),
    "sdk.peer": (("'f'", "e", "g-1"), ("f", "e", "g-1")),
    "sdk.strict": (("true", "false", "true"), (True, False, True)),
    "collateral.url": (("'https://f'", "https://e", ""), None),
    "collateral.ca_file": (("'f'", "e", ""), ("@/f", "%/e", "")),
    "collateral.root_file": (("'f'", "e", ""), ("@/f", "%/e", "")),
    "collateral.inward": (("true", "false", "true"), (True, False, True)),
    "collateral.refresh": (("'2h'", "3h", "1d"), (7200, 10800, 86400)),
    "admit.never_ban": (("'192.0.2.1'", "2001:db8::/32", ""), None),
    "admit.proxies": (("'192.0.2.1'", "2001:db8::/32", ""), None),
    "limit.connections": (("11", "12", "13"), (11, 12, 13)),
    "limit.connections_per_address": (("11", "12", "13"), (11, 12, 13)),
    "limit.connects_per_second": (("11", "12", "13"), (11, 12, 13)),
    "limit.connects_burst": (("11", "12", "13"), (11, 12, 13)),
    "limit.requests_per_second": (("11", "12", "13"), (11, 12, 13)),
    "limit.requests_burst": (("11", "12", "13"), (11, 12, 13)),
    "limit.header_seconds": (("11", "12s", "1m"), (11, 12, 60)),
    "limit.idle_seconds": (("'1h'", "2h", "1d"), (3600, 7200, 86400)),
    "audit.rotate_bytes": (("'1M'", "2M", "1G"), (1 << 20, 2 << 20, 1 << 30)),
    "audit.keep_days": (("11", "12", "13"), (11, 12, 13)),
}
# What must be set, too, when that is.
NEEDS = {"tls.certificate": "tls.key = '/o'\n", "tls.key": "tls.certificate = '/o'\n",
         "tls.client_crl": "tls.client_ca = '/o'\n", "tls.operators": "tls.client_ca = '/o'\n"}
FLAGS = {"state.folder": "--state", "listen.tls": "--listen", "seal.kind": "--seal"}


class Config(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        self.folder = pathlib.Path(temp.name).resolve()
        (self.folder / "etc").mkdir()
        self.file = self.folder / "etc/ward.toml"

    def run_ward(self, *words, env=None, given=None):
        """`ward config ...` in the test's folder, without variables of whoever runs the test."""
        return subprocess.run([BUILD.resolve() / "ward", "config", *map(str, words)], input=given,
                              cwd=self.folder, env=CLEAN | (env or {}), capture_output=True,
                              timeout=60, check=False)

    def fits(self, got):
        self.assertEqual(list(faults(SCHEMA, got)), [])
        return got

    def json(self, *words, code=0, **more):
        done = self.run_ward(*words, "--json", **more)
        self.assertEqual((done.returncode, done.stderr), (code, b""), done.stdout)
        self.assertEqual(done.stdout.count(b"\n"), 1)
        return self.fits(json.loads(done.stdout))

    def refused(self, *words, code=3, **more):
        """The lines that a refused command says."""
        done = self.run_ward(*words, **more)
        self.assertEqual((done.returncode, done.stdout), (code, b""), words)
        lines = done.stderr.decode().splitlines()
        self.assertTrue(lines and all(line.startswith("ward: ") for line in lines), lines)
        return [line.removeprefix("ward: ") for line in lines]


class Check(Config):
    def test_every_mistake_of_every_bad_file(self):
        # proves: EC-12
        for text, lines in BAD:
            with self.subTest(text):
                self.file.write_text(text)
                done = self.run_ward("check", "etc/ward.toml")
                shown = done.stdout.decode().splitlines()
                self.assertEqual((done.returncode, len(shown)), (3, len(lines)), shown)
                for line, want in zip(shown, lines):
                    self.assertTrue(line.startswith(f"etc/ward.toml:{want}"), line)
                    if "did you mean" not in want:
                        self.assertNotIn("did you mean", line)
                self.assertNotIn(b"hunter2", done.stdout + done.stderr)
        self.assertGreaterEqual(len(BAD), 20)

    def test_json_says_the_same(self):
        for text, lines in BAD:
            with self.subTest(text):
                self.file.write_text(text)
                shown = self.run_ward("check", self.file).stdout.decode().splitlines()
                got = self.json("check", self.file, code=3)
                self.assertEqual((got["valid"], got["file"], got["problem_count"]),
                                 (False, str(self.file), len(lines)))
                made = []
                for at in got["problems"]:
                    hint = f"; did you mean \"{at['nearest']}\"?" if at["nearest"] else ""
                    made.append(f"{self.file}:{at['line']}:{at['column']}: {at['text']}{hint}")
                self.assertEqual(made, shown)

    def test_peers(self):
        self.file.write_text("[peers.a-1]\nurl = 'wss://a.example'\npins = ['%s']\n" % PIN)
        shown = {one["key"]: one for one in self.json("show", "-c", self.file)["settings"]}
        self.assertEqual(shown["peers.a-1.url"]["value"], "wss://a.example")
        self.assertEqual((shown["peers.a-1.pins"]["value"], shown["peers.a-1.pins"]["origin"]),
                         ([PIN], f"{self.file}:3:8"))
        self.assertEqual(shown["peers.a-1.policy"]["source"], "default")
        text = self.run_ward("show", "-c", self.file).stdout.decode()
        self.assertIn(f'peers.a-1.pins = ["{PIN}"]  # {self.file}:3:8\n', text)
        again = self.folder / "again.toml"
        again.write_text(text)
        self.assertEqual(self.run_ward("check", again).returncode, 0)
        for words, value, origin in ((("peers.a-1.url", "-c", self.file), "wss://a.example",
                                      f"{self.file}:2:7"),
                                     (("peers.NAME.url",), "", "default")):
            got = self.json("explain", *words)
            self.assertEqual((got["value"], got["origin"], got["variable"], got["option"]),
                             (value, origin, None, None))
            self.assertIn(b"set in    ward.toml only\n", self.run_ward("explain", *words).stdout)
        self.assertIn("no peer of that name", self.refused("explain", "peers.b.url", code=6)[0])
        self.assertIn("no key", self.refused("explain", "peers.b.urll", code=6)[0])
        self.assertIn("ward.toml only", self.refused("show", "--set", "peers.a.url=wss://a")[0])

    def test_what_stops_a_check_stops_a_start(self):
        for text, lines in BAD:
            with self.subTest(text):
                self.file.write_text(text)
                said = self.refused("show", "-c", "etc/ward.toml")
                self.assertEqual(len(said), len(lines))
                for line, want in zip(said, lines):
                    self.assertTrue(line.startswith(f"etc/ward.toml:{want}"), line)

    def test_a_good_file_is_silence(self):
        for text in ("", "# talk\n", "\N{ZERO WIDTH NO-BREAK SPACE}", "[limit]\n",
                     "limit.connections = 5\r\n", "[seal]\nkind='credential'\npath='/run/x'\n"):
            self.file.write_text(text)
            done = self.run_ward("check", self.file)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""), text)
        got = self.json("check", self.file)
        self.assertEqual((got["valid"], got["problem_count"], got["problems"]), (True, 0, []))

    def test_standard_input(self):
        done = self.run_ward("check", "-", given=b"limit.connections = 0\n")
        self.assertEqual(done.returncode, 3)
        self.assertTrue(done.stdout.startswith(b"standard input:1:21: limit.connections is 0"))
        self.assertEqual(self.run_ward("check", "-", given=b"").returncode, 0)

    def test_the_environment_is_not_looked_at(self):
        self.file.write_text("limit.connections = 5\n")
        env = {"WARD_LIMIT_CONNECTIONS": "x", "WARD_CONFIG": "/does/not/exist"}
        self.assertEqual(self.run_ward("check", self.file, env=env).returncode, 0)

    def test_files_that_cannot_be_read(self):
        for name in ("/does/not/exist", "none.toml", self.folder, "/dev/null", ""):
            self.assertEqual(len(self.refused("check", name, code=2)), 1)
            self.assertEqual(len(self.refused("show", "-c", name)), 1)
            self.assertEqual(len(self.refused("show", env={"WARD_CONFIG": str(name)})), 1)

    def test_file_limit(self):
        for size, check, show in ((256 * 1024, 0, 0), (256 * 1024 + 1, 2, 3)):
            self.file.write_text("#" * (size - 1) + "\n")
            self.assertEqual(self.run_ward("check", self.file).returncode, check)
            self.assertEqual(self.run_ward("show", "-c", self.file).returncode, show)

    def test_problems_past_the_shown_are_counted(self):
        for count in (64, 65):
            self.file.write_text("".join(f"key{i} = 1\n" for i in range(count)))
            done = self.run_ward("check", self.file)
            self.assertEqual((done.returncode, done.stdout.count(b"\n")), (3, 64))
            self.assertEqual(done.stderr, b"" if count == 64 else
                             b"ward: 1 more problems are not shown\n")
            got = self.json("check", self.file, code=3)
            self.assertEqual((got["problem_count"], len(got["problems"])), (count, 64))
            self.assertEqual(len(self.refused("show", "-c", self.file)), count)

    def test_a_hostile_name_does_not_reach_the_terminal(self):
        name = self.folder / "a\x1b[2J\n.toml"
        name.write_text("\"\\u001b[2J\\u202e\" = 1\nlimit.connections = 5\n")
        done = self.run_ward("check", name)
        self.assertEqual(done.returncode, 3)
        self.assertEqual(re.sub(rb"[ -~]", b"", done.stdout), b"\n")
        name.write_text("limit.connections = 5\n")
        for words in (("show",), ("explain", "limit.connections")):
            done = self.run_ward(*words, "-c", name)
            self.assertEqual(done.returncode, 0)
            self.assertEqual(re.sub(rb"[ -~\n]", b"", done.stdout), b"")
            self.assertEqual(self.json(*words, "-c", name)["file" if words == ("show",) else "key"],
                             str(name) if words == ("show",) else "limit.connections")


class Sources(Config):
    def inputs(self, key, sources):
        """The file, environment and words that set a key in the sources whose bits are there."""
        texts, _ = MATRIX[key]
        needs = NEEDS.get(key, "") if sources else ""
        self.file.write_text((f"\n{key} = {texts[0]}\n" if sources & 1 else "\n") + needs)
        env = {"WARD_CONFIG": "etc/ward.toml"}
        if sources & 2:
            env["WARD_" + key.upper().replace(".", "_")] = texts[1]
        words = []
        if sources & 4:
            words = [FLAGS[key], texts[2]] if key in FLAGS else ["--set", f"{key}={texts[2]}"]
        return env, words

    def test_precedence_and_explain(self):  # proves: EC-11
        defaults = {at["key"]: at for at in self.json("show")["settings"]}
        self.assertEqual(set(defaults), set(MATRIX))
        for key, (texts, values) in MATRIX.items():
            values = values or [text.strip("'") for text in texts]
            for sources in range(8):
                with self.subTest(key, sources=sources):
                    env, words = self.inputs(key, sources)
                    winner = sources.bit_length()
                    value = values[winner - 1] if winner else defaults[key]["value"]
                    if isinstance(value, str) and winner:
                        value = re.sub("^@", str(self.folder / "etc"), value)
                        value = re.sub("^%", str(self.folder), value)
                    origin = ("default", f"etc/ward.toml:2:{len(key) + 4}",
                              "WARD_" + key.upper().replace(".", "_"),
                              FLAGS.get(key, "--set"))[winner]
                    got = self.json("explain", key, *words, env=env)
                    self.assertEqual((got["value"], got["origin"], got["source"]),
                                     (value, origin,
                                      ("default", "file", "environment", "flag")[winner]))
                    self.assertEqual((got["line"], got["column"]),
                                     (2, len(key) + 4) if winner == 1 else (0, 0))
                    text = self.run_ward("explain", key, *words, env=env).stdout.decode()
                    self.assertIn(f"\nfrom      {origin}\n", text)
                    shown = json.dumps(value)
                    self.assertIn(f"\nvalue     {shown}\n", text)

    def test_the_option_counts_before_the_variable_that_names_a_file(self):
        self.file.write_text("limit.connections = 5\n")
        (self.folder / "other.toml").write_text("limit.connections = 6\n")
        env = {"WARD_CONFIG": str(self.file)}
        for words, want in (((), 5), (("-c", "other.toml"), 6), (("--config", "other.toml"), 6),
                            (("--config=other.toml",), 6)):
            got = self.json("explain", "limit.connections", *words, env=env)
            self.assertEqual(got["value"], want)

    def test_no_file_is_found_by_itself(self):
        (self.folder / "ward.toml").write_text("limit.connections = 0\n")
        self.assertEqual(self.json("show")["file"], None)

    def test_paths_are_relative_to_who_says_them(self):
        self.file.write_text("state.folder = '../lib/ward'\n")
        (self.folder / "link").symlink_to("etc")
        for name in ("etc/ward.toml", self.file, "./etc/../etc/ward.toml", "link/ward.toml"):
            got = {at["key"]: at["value"] for at in self.json("show", "-c", name)["settings"]}
            self.assertEqual(got["state.folder"], str(self.folder / "lib/ward"), name)
            self.assertEqual(got["seal.path"], str(self.folder / "lib/ward.seal"))
        self.assertEqual(self.json("explain", "state.folder", "--state", "../x")["value"],
                         str(self.folder.parent / "x"))
        done = self.run_ward("show", "-c", "-", given=b"state.folder = 'here'")
        self.assertIn(f'"{self.folder}/here"  # standard input:1:16'.encode(), done.stdout)

    def test_bad_variables(self):
        for name, value, want in (
                ("WARD_LIMIT_CONNECTIONS", "", "limit.connections must be a whole number"),
                ("WARD_LIMIT_CONNECTIONS", "0", f"limit.connections is 0 and {BOUNDS}"),
                ("WARD_LIMIT_CONECTIONS", "5", "no key has this variable; did you mean "
                                               '"WARD_LIMIT_CONNECTIONS"?'),
                ("WARD_LIMIT_COLOUR", "5", "no key has this variable"),
                ("WARD_STORE_URL", "password=hunter2", "store.url must not hold a password")):
            said = self.refused("show", env={name: value})
            self.assertEqual(len(said), 1)
            self.assertTrue(said[0].startswith(f"{name}: {want}"), said)
            self.assertNotIn("hunter2", said[0])
        for name in ("WARD_VECTORS", "WARD_BUILD", "WARD", "LIMIT_CONNECTIONS"):
            self.assertEqual(self.run_ward("show", env={name: "x"}).returncode, 0, name)

    def test_bad_options(self):
        for words, want in (
                (("--set", "limit.connections"), "--set: must be KEY=VALUE"),
                (("--set", "hunter2"), "--set: must be KEY=VALUE"),
                (("--set", "limit.conections=1"), '--set: there is no key "limit.conections"; '
                                                  'did you mean "limit.connections"?'),
                (("--set", "store.url=password=hunter2"), "--set: store.url must not hold"),
                (("--listen", "8443"), "--listen: listen.tls must be an address"),
                (("--state", ""), "--state: state.folder must not be empty"),
                (("--listen", "[::1]:1", "--set", "listen.tls=[::1]:1"),
                 "--set: listen.tls is set twice on the command line"),
                (("--set", "audit.keep_days=1", "--set", "audit.keep_days=1"),
                 "--set: audit.keep_days is set twice on the command line")):
            said = self.refused("show", *words)
            self.assertEqual(len(said), 1, said)
            self.assertTrue(said[0].startswith(want), said)
            self.assertNotIn("hunter2", said[0])
        for words in (("--sets", "a=1"), ("--set",), ("--listen", "a", "--listen", "b"),
                      ("operand",), ("-C", "x"), ("-cetc/ward.toml",)):
            self.refused("show", *words, code=2)

    def test_set_limit(self):
        for count, code in ((64, 3), (65, 2)):
            said = self.refused("show", *["--set", "a.b=1"] * count, code=code)
            self.assertEqual(len(said), 64 if code == 3 else 1)

    def test_all_sources_are_refused_at_once(self):
        self.file.write_text("limit.connections = 0\n")
        said = self.refused("show", "-c", self.file, "--listen", "x", "--set", "y",
                            env={"WARD_AUDIT_KEEP_DAYS": "0"})
        self.assertEqual([line.split(": ")[0] for line in said],
                         [f"{self.file}:1:21", "WARD_AUDIT_KEEP_DAYS", "--listen", "--set"])


class Output(Config):
    def test_what_is_shown_is_a_file_of_the_same_settings(self):
        words = ["--state", "deep/er", "--set", "limit.idle_seconds=2m", "--set",
                 "store.url=host='a b' dbname=\"x\\y\"", "--set", "seal.kind=passphrase"]
        first = self.json("show", *words)["settings"]
        self.file.write_bytes(self.run_ward("show", *words).stdout)
        second = self.json("show", "-c", self.file)["settings"]
        self.assertEqual([(at["key"], at["value"]) for at in first],
                         [(at["key"], at["value"]) for at in second])
        self.assertEqual({at["source"] for at in second}, {"file"})

    def test_explain_says_all_of_every_key(self):
        for at in self.json("show")["settings"]:
            got = self.json("explain", at["key"])
            text = self.run_ward("explain", at["key"]).stdout.decode()
            for part in ("summary", "default", "bounds", "variable", "option"):
                self.assertIn(got[part], text)
            self.assertTrue(text.startswith(at["key"] + ": "))

    def test_explain_of_no_key_is_not_found(self):
        for name, hint in (("limit.conections", "did you mean limit.connections?"),
                           ("connections", "did you mean limit.connections?"),
                           ("colour", "`ward config show` lists them"), ("", "lists them"),
                           ("x\x1b[2J", "x\\x1b[2J")):
            said = self.refused("explain", name, code=6)
            self.assertIn(hint, said[0])
        self.refused("explain", code=2)

    def test_the_second_word_gets_a_suggestion(self):
        for words, hint in ((("shwo",), "`ward config show`"), (("chek", "x"), "`ward config check`"),
                            (("colour",), "`ward help` lists them"), ((), "check, explain, show"),
                            (("--json",), "check, explain, show"),
                            (("x" * 500,), "`ward help` lists them")):
            self.assertIn(hint, self.refused(*words, code=2)[0])

    def test_a_terminal_and_a_pipe_show_the_same(self):
        for words in (("show",), ("explain", "listen.tls"), ("check", "etc/ward.toml")):
            self.file.write_text("limit.connections = 0\n")
            piped = self.run_ward(*words).stdout
            parent, child = pty.openpty()
            with os.fdopen(parent, "rb", buffering=0) as terminal:
                done = subprocess.run([BUILD.resolve() / "ward", "config", *words], stdout=child,
                                      cwd=self.folder, env=CLEAN, stderr=subprocess.PIPE,
                                      timeout=60, check=False)
                os.close(child)
                shown = b""
                while True:
                    try:
                        part = terminal.read(65536)
                    except OSError:
                        break
                    if not part:
                        break
                    shown += part
            self.assertEqual(shown.replace(b"\r\n", b"\n"), piped)
            self.assertEqual(done.stderr, b"")

    def test_output_that_cannot_be_written_is_not_done(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BUILD / "ward", "config", "show"], stdout=full, env=CLEAN,
                                  stderr=subprocess.PIPE, timeout=60, check=False)
        self.assertEqual(done.returncode, 70)

    def test_a_working_folder_that_is_gone(self):
        gone = self.folder / "gone"
        gone.mkdir()
        done = subprocess.run(["sh", "-c", 'rmdir ../gone && exec "$0" config show',
                               BUILD.resolve() / "ward"], cwd=gone, env=CLEAN,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (3, b""))
        self.assertIn(b"working folder", done.stderr)

    def test_schema_refuses_what_is_wrong(self):
        self.file.write_text("limit.connections = 0\n")
        good = [self.json("show"), self.json("explain", "seal.kind"),
                self.json("check", self.file, code=3)]
        for got in good:
            for name in got:
                self.assertTrue(list(faults(SCHEMA, {k: v for k, v in got.items() if k != name})))
            self.assertTrue(list(faults(SCHEMA, got | {"more": 1})))
        self.assertTrue(list(faults(SCHEMA, good[1] | {"source": "guess"})))
        self.assertTrue(list(faults(SCHEMA, good[2] | {"problem_count": -1})))


class Program(unittest.TestCase):
    def test_the_command_links_what_is_said(self):
        for program, words in (("src/cmd/ward-commands", r"The commands need (.*?) at run time"),
                               ("ward", r"\(a run (.*?) alone\)")):
            with self.subTest(program):
                done = subprocess.run(["readelf", "-d", BUILD / program], capture_output=True, text=True,
                                      check=True)
                needed = re.findall(r"\(NEEDED\).*\[(.*?)\]", done.stdout)
                said = re.search(words, OPERATING.read_text(), re.S).group(1)
                self.assertEqual({name.partition(".")[0] for name in needed} - SYSTEM,
                                 set(re.findall(r"lib[\w-]+", said)))


class Help(Config):
    def test_ward_toml_has_a_help_and_a_page(self):
        text = ward("help", "ward.toml").stdout.decode()
        page = ward("help", "--format", "man", "ward.toml").stdout.decode()
        for key in MATRIX:
            self.assertIn(f"  {key} ", text)
            self.assertIn(f".It Ic {key}\n", page)
        self.assertEqual(ward("help", "--format", "bash", "ward.toml").returncode, 2)
        example = text[text.index("Example:\n") + 9:]
        self.file.write_text(example)
        self.assertEqual(self.run_ward("check", self.file).returncode, 0)


if __name__ == "__main__":
    tap.main()
