"""test_complete.py - completions in the three shells themselves: commands, options, the words that
an option takes, and what lives in a state folder now. How fast: bench/run house, case complete."""

import json
import os
import re
import shlex
import shutil
import subprocess
import unittest

import tap
from commands import BUILD, CLEAN, Place, Terminal, table
from ward import ward

PATH = f"{BUILD.resolve()}:{os.environ['PATH']}"

BASH = """source "$SCRIPT"
COMP_LINE=$LINE COMP_POINT=${#LINE}
_ward
printf '%s\\n' "${COMPREPLY[@]}"
"""
# What compsys would be given, by functions that print instead.
ZSH = """compdef() { }
compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@" }
_describe() { local one; for one in "${(@P)2}"; do one=${one//\\\\:/$'\\1'}
    one=${one%%:*}; print -r -- "${one//$'\\1'/:}"; done }
_files() { print -r -- ":files $*" }
source "$SCRIPT"
words=("${(@s: :)LINE}")
CURRENT=${#words}
PREFIX=${words[-1]}
_ward
"""
FISH = """source $SCRIPT
complete -C $LINE
"""
SHELLS = {"bash": ["bash", "--norc", "-c", BASH], "zsh": ["zsh", "-f", "-c", ZSH],
          "fish": ["fish", "--no-config", "-c", FISH]}


class Complete(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place().__enter__()
        cls.table = table()
        for shell in SHELLS:
            cls.place.write(f"ward.{shell}", ward("help", "--format", shell).stdout.decode())

    @classmethod
    def tearDownClass(cls):
        cls.place.__exit__()

    def asked(self, shell, line, cwd=None):
        """What a shell offers for a line."""
        env = CLEAN | {"PATH": PATH, "LINE": line, "HOME": str(self.place.above),
                       "SCRIPT": str(self.place.above / f"ward.{shell}")}
        done = subprocess.run(SHELLS[shell], env=env, capture_output=True, timeout=60, text=True,
                              cwd=cwd or self.place.above, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.stderr, "", (shell, line))
        return [row.split("\t")[0] for row in done.stdout.splitlines() if row]

    def offers(self, line, wanted, cwd=None):
        """All three shells offer exactly these; bash replaces only what is behind its breaks."""
        for shell in SHELLS:
            want = list(wanted)
            if shell == "bash":
                cut = re.match(r"(.*[=:])?", line.rpartition(" ")[2])[0]
                want = [word.removeprefix(cut) for word in want]
            with self.subTest(shell, line=line):
                self.assertEqual(sorted(set(self.asked(shell, line, cwd))), sorted(want))

    def test_shells_complete_words_options_values_and_what_lives(self):
        # proves: EC-9
        self.commands()
        self.options()
        self.values()
        self.lives()
        self.paths()
        self.keys_of_a_person()

    def commands(self):
        firsts = {name.split()[0] for name in self.table}
        self.offers("ward ", firsts)
        self.offers("ward con", ["config"])
        for family in {name.split()[0] for name in self.table if " " in name}:
            self.offers(f"ward {family} ", [name.split()[1] for name in self.table
                                            if name.startswith(family + " ")])
        self.offers("ward help keyring r", ["restore", "rotate"])
        self.offers("ward juggle ", [])

    def options(self):
        """Every option of every command; one that was given is not offered again."""
        common = {"--help", "--quiet", "--no-input"}
        for name, row in self.table.items():
            mine = {option["name"] for option in row["options"]} | common
            mine |= {"--show-curl", "--show-needs"} if row["asks"] else set()
            self.offers(f"ward {name} --", mine)
        self.offers("ward keyring list --js", ["--json"])
        self.offers("ward keyring list --json --js", [])
        self.offers("ward config show --set a.b=c --set", ["--set"])

    def values(self):
        for name, row in self.table.items():
            for option in row["options"]:
                if option["values"]:
                    self.offers(f"ward {name} {option['name']} ", option["values"])
        for role in self.table["keyring rotate"]["operand_values"]:
            self.offers(f"ward keyring rotate {role}", [role])
        self.offers("ward audit query --outcome=De", ["--outcome=Denied"])
        self.offers("ward config explain limit.r",
                    ["limit.requests_per_second", "limit.requests_burst"])
        self.offers("ward up --set seal.k", ["seal.kind="])
        self.offers("ward up --set seal.kind=pa", ["seal.kind=passphrase"])
        self.offers("ward up --set=seal.kind=pa", ["--set=seal.kind=passphrase"])

    def lives(self):
        live, rest = self.place.live, self.place.rest
        said = self.place.run("keyring", "list", "--state", live, "--json").stdout
        keys = json.loads(said)["keys"]
        self.offers(f"ward audit query --state {live} --resource ", [key["id"] for key in keys])
        one = keys[2]["id"]
        self.offers(f"ward audit query --state {live} --resource {one[:5]}",
                    [key["id"] for key in keys if key["id"].startswith(one[:5])])
        log = [key for key in keys if key["role"] == "log"][0]
        coded = subprocess.run(["base64", "-d"], input=log["public_part"].encode(),
                               capture_output=True, check=True).stdout.hex()
        self.offers(f"ward audit verify --state {live} --key ", [coded])
        self.offers(f"ward audit verify --state {rest} --key ", [])  # nobody to ask
        count = len(self.place.run("audit", "export", "--state", rest).stdout.splitlines())
        last = [str(seq) for seq in range(max(0, count - 20), count)]
        self.offers(f"ward audit prove --state {rest} ", last)
        self.offers(f"ward audit prove --state {rest} {last[-1]}", [last[-1]])
        self.offers(f"ward audit prove --state {rest} 0", ["0"])
        self.offers(f"ward audit prove --state {rest} 99999", [])
        self.offers(f"ward audit query --state {rest} --from x", [])
        for prefix in (f"{live.parent}/", f"{live.parent}/st"):
            got = self.asked("fish", f"ward audit tail --state {prefix}")
            self.assertIn(str(live), got)
        self.offers("ward audit prove --state /nowhere ", [])

    def paths(self):
        folder = self.place.fresh("paths", make=True)
        (folder / "quote.bin").write_text("")
        (folder / "inner").mkdir()
        for line in ("ward verify q", "ward verify --root q", "ward config check q"):
            for shell in ("bash", "fish"):
                self.assertIn("quote.bin", self.asked(shell, line, folder), (shell, line))
            self.assertEqual(self.asked("zsh", line, folder), [":files "], line)
        for line in ("ward sim make i", "ward up --state i"):
            for shell in ("bash", "fish"):
                got = [word.rstrip("/") for word in self.asked(shell, line, folder)]
                self.assertEqual(got, ["inner"], (shell, line))
            self.assertEqual(self.asked("zsh", line, folder), [":files -/"], line)

    def keys_of_a_person(self):
        """A tab at a real prompt."""
        home = self.place.fresh("home", make=True)
        scripts = {"bash": f"PS1='READY> '\nsource {self.place.above}/ward.bash\n",
                   "zsh": f"PS1='READY> '\nautoload -U compinit && compinit -u -D\n"
                          f"source {self.place.above}/ward.zsh\n"}
        for shell, text in scripts.items():
            (home / (".bashrc" if shell == "bash" else ".zshrc")).write_text(text)
            words = [shell, "--rcfile", str(home / ".bashrc"), "-i"] if shell == "bash" else \
                [shell, "-i"]
            env = {"PATH": PATH, "HOME": str(home), "ZDOTDIR": str(home), "TERM": "xterm",
                   "BASH_SILENCE_DEPRECATION_WARNING": "1"}
            with self.subTest(shell), Terminal(words, env=env, cwd=home,
                                               program=shutil.which(shell)) as terminal:
                terminal.read(b"READY> ")
                terminal.type(b"ward keyr\trot\tno\t--pla\t--sta\t" +
                              shlex.quote(str(self.place.live)).encode() + b"\n")
                terminal.read(b"another identity")
                terminal.type(b"exit\n")

    def test_a_state_folder_may_be_named_in_the_environment_and_the_file(self):
        toml = self.place.write("live.toml", f"state.folder = '{self.place.rest}'\n")
        self.offers(f"ward audit prove -c {toml} 0", ["0"])
        self.offers(f"ward audit prove --set state.folder={self.place.rest} 0", ["0"])

    def test_it_never_talks_and_never_changes(self):
        for words in ((), ("",), ("audit", "prove", "--state", "/nowhere", ""), ("\x1b[2J",),
                      ("up", "--state", "\x1b[2J"), ("config", "show", "-c", "/nowhere", "--"),
                      ("up", "--set"), ("verify", *["x"] * 300), ("keyring", "rotate", "x" * 5000),
                      ("audit", "prove", "9" * 30), ("audit", "prove", "00"), ("--",), ("-",),
                      ("audit", "verify", "--key", "\u202e"), ("help", "a", "b", "c", "")):
            done = self.place.run("--complete", *words)
            self.assertEqual((done.returncode, done.stderr), (0, b""), words)
            self.assertTrue(done.stdout.replace(b"\n", b"").replace(b"\t", b"").decode().isprintable())

    def test_a_name_that_talks_to_the_terminal_is_shown_safely(self):
        odd = self.place.fresh("odd", make=True)
        (odd / "a\x1b[2J" / "run").mkdir(parents=True)
        (odd / "a\x1b[2J" / "run/lock").write_text("")
        done = self.place.run("--complete", "up", "--state", f"{odd}/")
        self.assertIn(b"a\\x1b[2J", done.stdout)
        self.assertNotIn(b"\x1b", done.stdout)

    def test_scripts_are_of_their_shells(self):
        for shell in SHELLS:
            script = self.place.above / f"ward.{shell}"
            subprocess.run([shell, "-n", script], check=True, capture_output=True)
            bad = self.place.write("bad", script.read_text() + "\nif (((\n")
            self.assertNotEqual(subprocess.run([shell, "-n", bad], capture_output=True,
                                               check=False).returncode, 0)


if __name__ == "__main__":
    tap.main()
