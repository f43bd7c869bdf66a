"""test_no_secrets_said.py - a house is made to say no for as many reasons as a test can give it (they
are printed, and so are those that it never gave); after each kind of them no 16 bytes of a secret are
in what it said, in a file, in a core, in swap, in what ps shows, or in the memory of any process but
the keeper."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import canary
import house as houses
import refusals
import tap
from test_no_secrets import AROUND, PHRASE

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = re.compile(rb"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
FLOOR = 180
PAGE, OF_FILE = 4096, 0x20  # the latter in the eighth byte of a row of pagemap


def every_reason():
    rows = re.findall(r"^REASON\((\w+),", (ROOT / "src/model/reasons.def").read_text(), re.M)
    return {name for name in rows if name != "OK"}


def pages_of(pid):
    """What a process has in memory that is no file's, also where it may not look itself; without
    pages of zeros."""
    kept = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as mem, \
            open(f"/proc/{pid}/pagemap", "rb") as there:
        for line in maps:
            first, last = (int(part, 16) for part in line.split()[0].split("-"))
            if "[v" in line:  # the kernel's own
                continue
            shared = line.split()[1][3] == "s"
            there.seek(first // PAGE * 8)
            flags = there.read((last - first) // PAGE * 8)
            for number in range(len(flags) // 8):
                state = flags[8 * number + 7]
                if state & 0xC0 == 0 or (state & OF_FILE and not shared):
                    continue
                mem.seek(first + number * PAGE)
                page = mem.read(PAGE)
                kept.append(page if page.strip(b"\0") else b"\0")
    return b"".join(kept)


@unittest.skipUnless(os.geteuid() == 0, "needs root: the memory of others")
class Secrets(unittest.TestCase):
    def setUp(self):
        self.forms = {}  # of each secret, with what it is of

    def knows(self, secrets):
        for secret in secrets:
            self.forms |= canary.parts_of(secret)

    def sweep(self, texts):
        """{name: text} for every part of every secret; how many texts there were."""
        lines = [form for form in self.forms if b"\n" not in form]
        others = [form for form in self.forms if b"\n" in form]
        with tempfile.NamedTemporaryFile() as patterns:
            patterns.write(b"\n".join(lines))
            patterns.flush()
            found = subprocess.run(["grep", "-aqF", "-f", patterns.name], env={"LC_ALL": "C"},
                                   input=b"\n".join(texts.values()), check=False).returncode
        self.assertIn(found, (0, 1))
        for name, text in texts.items():
            for form in self.forms if found == 0 else others:
                self.assertFalse(form in text, f"part of a secret in {name}")
        return len(texts)

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
                texts[f"memory of {name} after {after}"] = pages_of(pid)
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            if name == "keeper":
                self.assertRegex(status, r"VmSwap:\s+0 kB")
        self.assertEqual([path for path in one.folder.rglob("core*") if path.is_file()], [])
        return self.sweep(texts)

    def test_whatever_is_refused(self):
        with refusals.Refusing() as one:
            one.policy(one.own())
            self.knows([*one.secrets(), PHRASE, *AROUND.values()])
            (one.folder / "phrase").write_text(PHRASE + "\n")
            before = len(self.forms)
            for refuse in refusals.ALL:
                refuse(one)
                self.assertGreater(self.everywhere(one, refuse.__name__), 20)
            self.assertEqual(one.ward("keyring", "rotate", "log", "--yes").returncode, 0)
            self.knows(one.secrets())
            self.assertGreater(len(self.forms), before)
            self.everywhere(one, "a rotation")
            self.seen(one)
            self.assertEqual(one.ward("down").returncode, 0)
            refusals.of_files(one, one.folder / "phrase")
            self.sweep({"printed": one.printed, "said": one.said})
            self.reached(one)

    def reached(self, one):
        """The reasons that came: what is swept is the wake of so many."""
        text = one.said + one.printed + (one.state / "ward.log").read_bytes() + \
            b"".join(path.read_bytes() for path in (one.state / "audit").iterdir())
        known = every_reason()
        got = {code.decode() for code in CODE.findall(text)} & known
        print(f"# {len(got)} of {len(known)} reasons: {' '.join(sorted(got))}", flush=True)
        print(f"# not reached: {' '.join(sorted(known - got))}", flush=True)
        self.assertGreaterEqual(len(got), FLOOR)

    def seen(self, one):
        """The keeper's memory has them, so that memory can be seen to; 16 bytes of one are enough,
        wherever they are from, in any form."""
        keeper = pages_of(self.processes(one)["keeper"])
        self.assertTrue(any(form in keeper for form in self.forms))
        secret = one.secrets()[1]
        for at in range(len(secret) - 15):
            for form in dict.fromkeys(canary.forms(secret[at:at + 16])):
                with self.assertRaises(AssertionError):
                    self.sweep({"a text": b"reason=" + form + b" x"})


if __name__ == "__main__":
    tap.main()
