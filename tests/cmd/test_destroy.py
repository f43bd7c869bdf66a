"""test_destroy.py - what destroys is asked for: by --yes, or by its name typed at a terminal, after
--plan has shown each step; and a word that is no command is answered with the nearest."""

import hashlib
import json
import re
import unittest

import tap
from commands import Place, Terminal, faults, table


def picture(folder):
    """Every file below a folder but what a living house writes by itself."""
    return {str(path.relative_to(folder)): path.is_file() and hashlib.sha256(
        path.read_bytes()).hexdigest() for path in folder.rglob("*")
        if not re.search(r"audit/|ward\.(log|db)|run/", str(path))}


class Destroy(unittest.TestCase):
    def setUp(self):
        self.place = Place().__enter__()
        self.addCleanup(self.place.__exit__)
        self.table = table()

    def key(self, role):
        said = self.place.run("keyring", "list", "--state", self.place.live, "--json").stdout
        return [row["id"] for row in json.loads(said)["keys"]
                if (row["role"], row["state"]) == (role, "active")]

    def state(self):
        """All that one of these commands could destroy."""
        return (picture(self.place.live), self.key("tls"), self.place.house.monitor(),
                self.place.live.with_name("state.seal").exists())

    def cases(self):
        """Each command that destroys: its words, and the name to be typed."""
        yield "keyring rotate", ["tls", "--state", self.place.live], "tls"
        yield "down", ["--purge", "--state", self.place.live], str(self.place.live)

    def test_what_destroys_is_agreed_to_and_a_mistyped_command_is_answered(self):
        # proves: EC-14
        declared = {name for name, row in self.table.items() if row["destroys"]}
        self.assertEqual(declared, {name for name, *_ in self.cases()})
        self.offered()
        for name, words, answer in self.cases():
            with self.subTest(name):
                words = [*name.split(), *words]
                before = self.state()
                self.planned(words)
                self.refused(words, answer)
                self.assertEqual(self.state(), before)
        for name, words, answer in self.cases():
            before = self.state() if self.place.live.exists() else None
            with self.subTest(name), Terminal([*name.split(), *words]) as terminal:
                terminal.read(b"Type the name of ")
                terminal.type(answer.encode() + b"\n")
                self.assertEqual(terminal.end()[0], 0, terminal.shown)
            after = self.state() if self.place.live.exists() else None
            self.assertNotEqual(after, before)
        self.assertFalse(self.place.live.exists())
        self.mistyped()

    def offered(self):
        """A command that has one of the options is one that destroys or only makes; and each that
        destroys has both and says so."""
        for name, row in self.table.items():
            has = {option["name"] for option in row["options"]} & {"--yes", "--plan"}
            if row["destroys"]:
                self.assertEqual(has, {"--yes", "--plan"}, name)
            else:
                self.assertNotIn("--yes", has, name)
            page = self.place.run("help", "--format", "man", *name.split()).stdout.decode()
            self.assertEqual("Destroys " in page, bool(row["destroys"]), name)

    def planned(self, words):
        """--plan shows steps and does nothing, also where --yes stands beside it."""
        for more in ([], ["--yes"]):
            done = self.place.run(*words, "--plan", *more)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            steps = done.stdout.decode().splitlines()
            self.assertTrue(steps)
            got = self.place.run(*words, "--plan", "--json", *more)
            plan = json.loads(got.stdout)
            self.assertEqual(faults(self.table[self.name_of(words)]["schema"], plan), [])
            self.assertFalse(plan["done"])
            self.assertEqual([f"{at['action']} {at['target']}: {at['consequence']}"
                              for at in plan["steps"]], steps)

    def name_of(self, words):
        return words[0] if words[0] in self.table else " ".join(words[:2])

    def refused(self, words, answer):
        """Nobody there, another name, no name, the end of input, yes in words."""
        for given in (None, b"", b"yes\n", answer.encode() + b"\n"):
            done = self.place.run(*words, given=given)
            self.assertEqual((done.returncode, done.stdout), (2, b""), words)
            self.assertIn(b"--yes", done.stderr)
            self.assertIn(b"--plan", done.stderr)
        for typed in (b"\n", b"yes\n", b"\x04", answer[:-1].encode() + b"\n",
                      answer.upper().encode() + b"x\n", b" " + answer.encode() + b"\n"):
            with self.subTest(typed), Terminal(words) as terminal:
                terminal.read(b"Type the name of ")
                terminal.type(typed)
                self.assertEqual(terminal.end()[0], 2, terminal.shown)
                self.assertIn(b"nothing was done", terminal.shown)

    def mistyped(self):
        """One letter less, more, other or swapped, of every command: the nearest is that one.  Behind a
        word that is a command by itself stands an operand, and no word is a wrong one."""
        for name in self.table:
            self.assertEqual(self.answer(name), None)
            wrong = {name[:-1], name + "x", name[:-2] + name[-1] + name[-2]}
            for word in wrong - set(self.table) - {name}:
                if " " in word and word.split(" ")[0] in self.table:
                    continue
                self.assertEqual(self.answer(word), name, word)
        for word in ("juggle", "xyzzy plugh", "", "-", "--nonsense", "up2date now", "\x1b[2J"):
            self.assertEqual(self.answer(word), "", word)

    def answer(self, word):
        """The command that is suggested; "" for none, None where the word is a command."""
        done = self.place.run(*word.split(" "), "--nonsense-option")
        said = done.stderr.decode()
        self.assertEqual((done.returncode, done.stdout), (2, b""), said)
        self.assertNotIn("\x1b", said)
        if "no option" in said:
            return None
        found = re.search(r"did you mean `ward ([a-z ]+)`", said)
        if found is None:
            self.assertIn("`ward help` lists them", said)
        return found[1] if found else ""

    def test_a_no_leaves_the_house_up(self):
        """Asked is before anything is done, not after half of it."""
        monitor = self.place.house.monitor()
        done = self.place.run("down", "--purge", "--state", self.place.live)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(self.place.house.monitor(), monitor)
        self.assertEqual(self.place.house.ask("system/ping")[0], 200)

    def test_without_purge_nothing_is_asked(self):
        with Terminal(["down", "--state", self.place.live]) as terminal:
            self.assertEqual(terminal.end(), (0, b""))
        self.assertTrue((self.place.live / "keyring").exists())

    def test_what_was_done_is_told_to_a_program(self):
        done = self.place.run("down", "--purge", "--yes", "--json", "--state", self.place.live)
        got = json.loads(done.stdout)
        self.assertTrue(got["done"])
        self.assertEqual([at["action"] for at in got["steps"]], ["stop", "remove", "remove"])
        self.assertFalse(self.place.live.exists())

    def test_hostile_name_of_a_folder_is_shown_safely(self):
        state = self.place.fresh("odd", make=True) / "a\u202eb"
        state.symlink_to(self.place.live)
        with Terminal(["down", "--purge", "--state", state]) as terminal:
            terminal.read(b"Type the name of ")
            terminal.type(b"\n")
            _, shown = terminal.end()
        self.assertNotIn("\u202e".encode(), shown)
        self.assertTrue(self.place.live.exists())

    def test_restore_plans_and_replaces_nothing(self):
        words = ["keyring", "restore", self.place.backup, "--passphrase-file", self.place.phrase]
        state = self.place.fresh("restored")
        done = self.place.run(*words, "--state", state, "--plan")
        self.assertEqual([line.split(": ")[0] for line in done.stdout.decode().splitlines()],
                         [f"make {state}.seal", f"make {state}/keyring"])
        self.assertFalse(state.exists())
        before = picture(self.place.rest)
        for more in ([], ["--plan"]):
            done = self.place.run(*words, "--state", self.place.rest, *more)
            self.assertEqual((done.returncode, done.stdout), (7, b""))
        self.assertEqual(picture(self.place.rest), before)


if __name__ == "__main__":
    tap.main()
