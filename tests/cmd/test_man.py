"""test_man.py - the man pages: one for each command, one for ward.toml, those of the library; made
from the command table, the table of keys and the public headers, and clean mdoc. That the
committed ones are not stale is ./check's own step."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import tap
from ward import BUILD, ROOT, ward

sys.path.insert(0, str(ROOT / "tools"))
import json  # noqa: E402
import manpages  # noqa: E402  (the path is set just above)

MAN = ROOT / "docs/man"


def shown(page):
    """The page as a terminal shows it, without what makes letters bold."""
    done = subprocess.run(["mandoc", "-Tascii"], input=page.encode(), capture_output=True, check=True)
    return re.sub(r".\x08", "", done.stdout.decode())


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.table = json.loads(ward("help", "--json").stdout)
        cls.pages = manpages.pages(BUILD.resolve())

    def put(self, pages):
        """The pages in a folder of their own, with the one that is written by hand."""
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        for name, page in pages.items():
            (pathlib.Path(temp.name) / name).write_text(page)
        shutil.copy(MAN / "libward.3", temp.name)
        return pathlib.Path(temp.name)

    def test_every_page_is_there_clean_and_from_the_tables(self):
        # proves: EC-10
        wanted = {f"ward-{row['name'].replace(' ', '-')}.1" for row in self.table["commands"]}
        wanted |= {"ward.1", "ward.toml.5", "ward_verify.3"}
        self.assertLessEqual(wanted, set(self.pages))
        self.assertLessEqual(wanted | {"libward.3"}, {path.name for path in MAN.iterdir()})
        self.assertEqual(manpages.check(self.pages, self.put(self.pages)), [])
        for row in self.table["commands"]:
            self.command(row, shown(self.pages[f"ward-{row['name'].replace(' ', '-')}.1"]))
        all_of = shown(self.pages["ward.1"])
        for row in self.table["commands"]:
            self.assertIn(f"ward {row['name']}", all_of)
        self.installed()

    def command(self, row, text):
        """Everything of the table's row is on the page."""
        flat = " ".join(text.split())
        self.assertIn(" ".join(row["summary"].split()), flat)
        for option in row["options"] + [one for one in self.table["common_options"]
                                        if not one["name"].startswith("--show-") or row["asks"]]:
            self.assertRegex(text, rf"(?m)^ +(-\w, )?{option['name']}\b", row["name"])
            # A long text is broken at spaces and hyphens, and sentences are set apart.
            for word in option["help"].split():
                self.assertIn(word.strip(".,;:()").split("-")[0], flat)
            for value in option["values"]:
                self.assertIn(value, flat)
        self.assertIn(row["example"].split()[-1], flat)
        for part in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES"):
            self.assertRegex(text, rf"(?m)^{part}$")

    def installed(self):
        """What is in the folder goes where man(1) looks, and man finds it there."""
        done = subprocess.run(["meson", "introspect", "--installed", BUILD], capture_output=True,
                              check=True)
        targets = {pathlib.Path(path): ROOT / source
                   for source, path in json.loads(done.stdout).items()}
        ends = {"/".join(path.parts[-2:]) for path in targets}
        for name in ("completions/ward", "site-functions/_ward", "vendor_completions.d/ward.fish"):
            self.assertIn(name, ends)
        with tempfile.TemporaryDirectory() as temp:
            for path, source in targets.items():
                if path.parent.name in ("man1", "man3", "man5"):
                    at = pathlib.Path(temp) / path.parent.name / path.name
                    at.parent.mkdir(exist_ok=True)
                    shutil.copy(source, at)
            for words in ([f"ward-{row['name'].replace(' ', '-')}"] for row in self.table["commands"]):
                self.found(temp, words)
            for words in (["ward"], ["5", "ward.toml"], ["3", "ward_verify"], ["3", "libward"]):
                self.found(temp, words)
            self.assertNotEqual(self.man(temp, ["ward-juggle"]).returncode, 0)

    def man(self, folder, words):
        return subprocess.run(["mman", "-M", folder, *words], capture_output=True, check=False,
                              text=True, env={"PATH": "/usr/bin:/bin", "MANPAGER": "cat"})

    def found(self, folder, words):
        done = self.man(folder, words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{words[-1].upper()}({words[0] if len(words) > 1 else 1})", done.stdout)

    def test_the_library_pages_say_what_the_headers_say(self):
        for name in manpages.HEADERS:
            text = (ROOT / "include/ward" / f"{name.removeprefix('ward_')}.h").read_text()
            code = re.sub(r"/\*.*?\*/|\btypedef\b[^;]*;", "", text, flags=re.S)
            declared = set(re.findall(r"\b(ward_\w+)\(", code))
            page = shown(self.pages[f"{name}.3"])
            self.assertGreaterEqual(len(declared), 4)
            for function in declared:
                self.assertRegex(page, rf"(?m)^ +{function}\(", name)
            words = set(re.findall(r"[a-z]{4,}", " ".join(re.findall(r"/\*(.*?)\*/", text, re.S))))
            flat = re.sub(r"-\n +", "-", page)
            missing = {word for word in words if word not in flat}
            self.assertLessEqual(len(missing), 2, missing)

    def test_a_page_that_is_wrong_is_found(self):
        for name, change, word in (
                ("ward.1", lambda page: page + ".Zz\n", "Zz"),
                ("ward.1", lambda page: page.replace(".El\n", "", 1), "El"),
                ("ward.1", lambda page: page + "A line of text. " * 6 + "\n", "too long"),
                ("ward.1", lambda page: page + ".Xr ward\\-juggle 1\n", "no such page"),
                ("ward-up.1", lambda page: page.replace("EXAMPLES", "EXAMPLE"), "stale"),
                ("ward_verify.3", lambda page: page.replace("judges", "guesses"), "stale")):
            folder = self.put(self.pages)
            (folder / name).write_text(change(self.pages[name]))
            faults = manpages.check(self.pages, folder)
            self.assertTrue(any(fault.startswith(name) or name in fault for fault in faults), faults)
            if word != "stale":
                self.assertTrue(manpages.lint(folder))
        folder = self.put(self.pages)
        (folder / "ward-up.1").unlink()
        (folder / "ward-juggle.1").write_text(self.pages["ward.1"])
        faults = "\n".join(manpages.check(self.pages, folder))
        self.assertIn("ward-up.1: stale", faults)
        self.assertIn("ward-juggle.1: no command prints it", faults)


if __name__ == "__main__":
    tap.main()
