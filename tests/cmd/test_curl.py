"""test_curl.py - --show-curl and --show-needs: every command that asks over HTTP shows its calls
and who may make them. What is shown does the same when a shell runs it, and what is said to need the
owner is refused to a stranger. Which commands ask is found out by strace, not by their word."""

import contextlib
import http.client
import json
import pathlib
import re
import shlex
import ssl
import subprocess
import tempfile
import unittest
import urllib.parse

import contract
import curl
import tap
from commands import CLEAN, ROOT, RUNS, WARD, Place, runs, table

API = json.loads((ROOT / "docs/api/openapi.json").read_text())
NEEDS = re.compile(r"# (?P<method>[A-Z]+) (?P<target>\S+)( \(gRPC (?P<grpc>\S+)\))? needs: "
                   r"(?P<who>anyone|operator|owner) - .*")

CONNECT = re.compile(r"connect\(\d+, \{sa_family=AF_(?:INET6?|UNIX), ([^}]*)\}")


def asked(place, words):
    """Whom a command connects to, by the kernel's word: sockets of houses and addresses."""
    with tempfile.NamedTemporaryFile("r") as log:
        subprocess.run(["strace", "-f", "-qq", "-e", "trace=connect", "-o", log.name, WARD,
                        *map(str, words)], env=CLEAN, capture_output=True, timeout=60,
                       stdin=subprocess.DEVNULL, cwd=place.above, check=False)
        return [what for what in CONNECT.findall(log.read()) if "/var/run/nscd" not in what]


def replay(place, line):
    """(exit code, output) of a shown line, run by sh."""
    with curl.folder() as path:
        done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60, check=False,
                              env=CLEAN | {"PATH": f"{path}:{CLEAN['PATH']}"}, cwd=place.above)
        return done.returncode, done.stdout, done.stderr


class Curl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place().__enter__()
        cls.table = table()

    @classmethod
    def tearDownClass(cls):
        cls.place.__exit__()

    def shown(self, words, *how):
        done = self.place.run(*words, *(how or ["--show-curl"]))
        return done, done.stdout.decode().splitlines()

    def test_every_command_that_asks_shows_calls_that_work(self):
        # proves: EC-16
        showing = set()
        for name, row in self.table.items():
            asks = False
            for number in range(len(RUNS[name])):
                words = runs(self.place, name)[number][1]
                found = asked(self.place, words)
                asks = asks or bool(found)
                if row["asks"] and found and "000000000000" not in words:
                    with self.subTest(str(words)):
                        self.works(runs(self.place, name)[number][1])
                        showing.add(name)
            with self.subTest(name):
                self.assertEqual(row["asks"], asks, "what the table says, and what was traced")
        self.assertEqual(showing, {name for name, row in self.table.items() if row["asks"]})
        self.assertGreaterEqual(len(showing), 6)

    def works(self, words):
        done, lines = self.shown(words)
        self.assertEqual((done.returncode, done.stderr), (0, b""), words)
        self.assertTrue(lines)
        for line in lines:
            self.assertTrue(line.startswith(("curl ", "(cd ")), line)
            code, out, errors = replay(self.place, line)
            self.assertEqual(code, 0, (line, out, errors))
            self.assertTrue(out)
            if "ward.sock" in line:
                self.assertIsInstance(json.loads(out), dict)
        self.needs(words, lines)

    def needs(self, words, calls):
        """One line for each call, in the same order; what it says is what happens to a stranger."""
        done, lines = self.shown(words, "--show-needs")
        self.assertEqual((done.returncode, done.stderr, len(lines)), (0, b"", len(calls)), words)
        for line, call in zip(lines, calls):
            found = NEEDS.fullmatch(line)
            self.assertIsNotNone(found, line)
            target = shlex.split(call.strip("()"))[-1]
            method = "POST" if "-X POST" in call else "GET"
            self.assertEqual(method, found["method"], (line, call))
            if found["grpc"] is None:
                self.assertEqual((found["target"], found["who"]), (target, "anyone"))
                continue
            path = urllib.parse.urlsplit(target).path
            said = API["paths"][found["target"]][method.lower()]
            self.assertRegex(path, re.sub(r"\{\w+\}", "[^/]+", found["target"]) + "$")
            self.assertEqual((said["x-grpc"], said["x-permission"]), (found["grpc"], found["who"]))
            self.assertTrue(line.endswith(f"{self.place.live}/run/ward.sock"), line)
            status = self.stranger(method, target.removeprefix("http://localhost"))
            self.assertEqual(status == 403, found["who"] != "anyone", (line, status))

    def stranger(self, method, target):
        """The status that somebody without an identity gets, over TLS."""
        nobody = ssl.create_default_context()
        nobody.check_hostname, nobody.verify_mode = False, ssl.CERT_NONE
        asked = http.client.HTTPSConnection("127.0.0.1", self.place.house.port, timeout=30,
                                            context=nobody)
        with contextlib.closing(asked):
            return contract.ask(asked, method, target, b"{}" if method == "POST" else None,
                                {"Content-Type": "application/json"})[0]

    def test_a_script_of_calls_with_their_needs(self):
        words = ["audit", "tail", "--state", self.place.live]
        _, lines = self.shown(words, "--show-curl", "--show-needs")
        self.assertEqual([line[:2] for line in lines[:4]], ["# ", "cu"] * 2)
        self.assertEqual({NEEDS.fullmatch(line)["who"] for line in lines[::2]}, {"anyone", "operator"})
        self.assertEqual(replay(self.place, "\n".join(lines))[0], 0)

    def test_replayed_answers_are_those_of_the_command(self):
        _, lines = self.shown(["keyring", "list", "--state", self.place.live])
        self.assertEqual(len(lines), 1)
        said = self.place.run("keyring", "list", "--state", self.place.live, "--json").stdout
        self.assertEqual(json.loads(replay(self.place, lines[0])[1]), json.loads(said))
        _, lines = self.shown(["audit", "query", "--state", self.place.live, "--limit", "4",
                               "--action", "key.create", "--outcome", "Success"])
        got = json.loads(replay(self.place, lines[0])[1])["records"]
        said = self.place.run("audit", "query", "--state", self.place.live, "--limit", "4",
                              "--action", "key.create", "--outcome", "Success", "--json").stdout
        self.assertEqual([int(row["seq"]) for row in got],
                         [json.loads(line)["seq"] for line in said.splitlines()])

    def keys(self):
        said = self.place.run("keyring", "list", "--state", self.place.live, "--json").stdout
        return {row["id"]: row["state"] for row in json.loads(said)["keys"]}

    def test_a_call_that_changes_something_is_shown_and_not_made(self):
        before = self.keys()
        words = ["keyring", "rotate", "node", "--state", self.place.live]
        for more in ([], ["--yes"], ["--json"]):
            done, lines = self.shown([*words, *more])
            self.assertEqual((done.returncode, len(lines)), (0, 1), done.stderr)
            self.assertIn("-X POST", lines[0])
            self.needs([*words, *more], lines)
        self.assertEqual(self.keys(), before)
        code, out, _ = replay(self.place, lines[0])
        self.assertEqual(code, 0)
        self.assertIn(json.loads(out)["replaces"], before)
        self.assertNotEqual(self.keys(), before)

    def test_a_refused_call_fails_in_the_shell_too(self):
        _, lines = self.shown(["keyring", "list", "--state", self.place.live])
        code, out, _ = replay(self.place, lines[0].replace("/v1/keyring/keys", "/v1/keyring/kees"))
        self.assertEqual((code, json.loads(out)["code"]), (22, "HTTP_ROUTE_UNKNOWN"))

    def test_without_a_house_there_is_nothing_to_show(self):
        for words, code in ((["doctor", "--state", self.place.rest], 4),
                            (["audit", "query", "--state", self.place.rest], 4),
                            (["audit", "query", "--files", "--state", self.place.live], 4),
                            (["audit", "tail", "--state", self.place.rest], 4)):
            done, lines = self.shown(words)
            self.assertEqual((done.returncode, lines), (code, []), words)
            self.assertTrue(done.stderr.startswith(b"ward: "))
            self.assertEqual(self.shown(words, "--show-needs")[0].returncode, code)

    def test_following_shows_and_ends(self):
        done, lines = self.shown(["audit", "tail", "--follow", "--state", self.place.live])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(len(lines), 2)

    def test_names_that_mean_something_to_a_shell_or_terminal(self):
        for name in ("a b", "it's", 'q"$(touch pwned)"`touch pwned`', "\x1b[2Jred\u202e", "x%s\\n",
                     "n\nl", "d" * 200):
            with self.subTest(name):
                above = self.place.fresh("odd", make=True) / name
                above.mkdir()
                (above / "state").symlink_to(self.place.live)
                done, lines = self.shown(["keyring", "list", "--state", above / "state"])
                if done.returncode == 3 and not name.isprintable():
                    continue  # the settings take no such name
                self.assertEqual((done.returncode, len(lines)), (0, 1), done.stderr)
                self.assertTrue(done.stdout[:-1].isascii() and lines[0].isprintable(), lines)
                code, out, errors = replay(self.place, lines[0])
                self.assertEqual(code, 0, (lines, errors))
                self.assertIn("keys", json.loads(out))
                done, lines = self.shown(["keyring", "list", "--state", above / "state"],
                                         "--show-needs")
                self.assertEqual((done.returncode, len(lines)), (0, 1), done.stderr)
                self.assertTrue(done.stdout[:-1].isascii() and lines[0].isprintable(), lines)
        self.assertEqual(list(pathlib.Path(self.place.above).rglob("pwned")), [])

    def test_words_of_a_filter_stay_words(self):
        done, lines = self.shown(["audit", "query", "--state", self.place.live, "--resource",
                                  "a'b&c=d #%$(e)"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(lines[0].isprintable())
        target = shlex.split(lines[0])[-1]
        self.assertIn("resource=a%27b%26c%3Dd%20%23%25%24%28e%29", target)
        self.assertEqual(json.loads(replay(self.place, lines[0])[1])["records"], [])


class Trace(unittest.TestCase):
    def test_the_trace_sees_what_connects(self):
        """So a command that asks and does not say so would be found."""
        with Place() as place:
            self.assertTrue(asked(place, ["keyring", "list", "--state", place.live]))
            self.assertTrue(asked(place, ["verify", "--tls", "127.0.0.1:1"]))
            self.assertEqual(asked(place, ["version"]), [])


if __name__ == "__main__":
    tap.main()
