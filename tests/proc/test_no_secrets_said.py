"""test_no_secrets_said.py - a house is made to say no for many reasons (those of this program in
tests/leaks.tsv); after each kind of them no 16 bytes of a secret are in what it said, in a file, in a
core, in swap, in what ps shows, or in the memory of any process but the keeper."""

import os
import pathlib
import unittest

import canary
import house as houses
import leaks
import refusals
import tap
from test_no_secrets import AROUND, PHRASE


@unittest.skipUnless(os.geteuid() == 0, "needs root: the memory of others")
class Secrets(unittest.TestCase):
    def setUp(self):
        self.forms = leaks.Forms()

    def sweep(self, texts):
        return self.forms.sweep(texts)

    def processes(self, one):
        monitor = one.monitor()
        return {"monitor": monitor, **houses.children_of(monitor)}

    def everywhere(self, one, after):
        """All places but the keeper's memory, and the two files that are the secrets' own."""
        texts = {f"what was said by {after}": one.said, "what was printed": one.printed}
        for path in one.folder.rglob("*"):
            if path.is_file() and path.name not in ("phrase", "state.seal") and \
                    path.suffix != ".seal":
                texts[str(path)] = path.read_bytes()
        for name, pid in self.processes(one).items():
            for part in ("cmdline", "environ"):
                texts[f"{part} of {name}"] = pathlib.Path(f"/proc/{pid}/{part}").read_bytes()
            if name != "keeper":
                texts[f"memory of {name} after {after}"] = leaks.pages_of(pid)
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            if name == "keeper":
                self.assertRegex(status, r"VmSwap:\s+0 kB")
        self.assertEqual([path for path in one.folder.rglob("core*") if path.is_file()], [])
        return self.sweep(texts)

    def test_whatever_is_refused(self):  # proves: RL-24
        with refusals.Refusing() as one:
            one.policy(one.own())
            self.forms.knows([*one.secrets(), PHRASE, *AROUND.values()])
            (one.folder / "phrase").write_text(PHRASE + "\n")
            before = len(self.forms.parts)
            for refuse in refusals.ALL:
                refuse(one)
                self.assertGreater(self.everywhere(one, refuse.__name__), 20)
            self.assertEqual(one.ward("keyring", "rotate", "log", "--yes").returncode, 0)
            self.forms.knows(one.secrets())
            self.assertGreater(len(self.forms.parts), before)
            self.everywhere(one, "a rotation")
            self.seen(one)
            self.assertEqual(one.ward("down").returncode, 0)
            refusals.of_files(one, one.folder / "phrase")
            self.sweep({"printed": one.printed, "said": one.said})

    def seen(self, one):
        """The keeper's memory has them, so that memory can be seen to; 16 bytes of one are enough,
        wherever they are from, in any form."""
        keeper = leaks.pages_of(self.processes(one)["keeper"])
        self.assertTrue(any(form in keeper for form in self.forms.parts))
        secret = one.secrets()[1]
        for at in range(len(secret) - 15):
            for form in dict.fromkeys(canary.forms(secret[at:at + 16])):
                with self.assertRaises(AssertionError):
                    self.sweep({"a text": b"reason=" + form + b" x"})


if __name__ == "__main__":
    tap.main()
