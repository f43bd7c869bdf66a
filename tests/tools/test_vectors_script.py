"""test_vectors_script.py - scripts/vectors writes exactly the bytes that its table names, and
nothing else. The repositories are made here; no test touches the network."""

import importlib.machinery
import importlib.util
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import bad_tree
import results
import tap

SCRIPT = bad_tree.ROOT / "scripts" / "vectors"
LOADER = importlib.machinery.SourceFileLoader("vectors_script", str(SCRIPT))
vectors = importlib.util.module_from_spec(importlib.util.spec_from_loader(LOADER.name, LOADER))
LOADER.exec_module(vectors)

PUBLISHED = {"data/quote.bin": b"\x00\x01quote\xff padding",
             "data/kept.json": b'{"crl":"3001ff","v":"{\\"a\\":1}","s":"' + b"ab" * 64 + b'"}',
             "cases/one.toml": b"a = 1\r\n", "cases/deep/two.toml": b"b = 2\n"}

RECIPES = (
    ("whole", b"all of it", b"all of it"),
    ("part 2 3", b"..abc..", b"abc"),
    ("hex 1 4", b'"01ff"', b"\x01\xff"),
    ("base64 0 4", b"AQI=", b"\x01\x02"),
    ("signed tcbInfo 0 2 2", b"{}" + b"0f" * 64, b'{"tcbInfo":{},"signature":"' + b"0f" * 64 + b'"}'),
    ("signed-string x 0 5 5", b'\\"a\\"' + b"0f" * 64, b'{"x":"a","signature":"' + b"0f" * 64 + b'"}'),
    ("indent 0 3", b"[1]", b"[\n 1\n]"),
)
REFUSED = (
    ("beyond the end", "part 5 10", b"short"),
    ("length of a hole", "part 0 6", b"short"),
    ("not hex", "hex 0 4", b"zzzz"),
    ("odd hex", "hex 0 3", b"012"),
    ("not base64", "base64 0 4", b"A?I="),
    ("half an escape", "signed-string x 0 1 1", b"\\" + b"0f" * 64),
    ("signature cut short", "signed x 0 2 2", b"{}" + b"0f" * 63),
    ("not JSON", "indent 0 2", b"[1]"),
)


def git(folder, *words):
    return subprocess.run(["git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@t", *words],
                          check=True, capture_output=True, text=True).stdout.strip()


class World:
    """A host with one repository, a table about it, and an empty folder to fetch into."""

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="ward-vectors-test-")
        self.root = pathlib.Path(self.scratch.name)
        self.out = self.root / "out"
        self.repo = self.root / "host" / "owner" / "name"
        self.repo.mkdir(parents=True)
        git(self.repo, "init", "-q")
        for name, data in PUBLISHED.items():
            (self.repo / name).parent.mkdir(parents=True, exist_ok=True)
            (self.repo / name).write_bytes(data)
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-q", "-m", "published")
        self.commit = git(self.repo, "rev-parse", "HEAD")
        # As the public hosts have it: parts of a history, and any object by its name.
        git(self.repo, "config", "uploadpack.allowFilter", "true")
        git(self.repo, "config", "uploadpack.allowAnySHA1InWant", "true")
        git(self.repo, "rm", "-q", "-r", "cases")
        git(self.repo, "commit", "-q", "-m", "a later commit without them")
        return self

    def __exit__(self, *_):
        self.scratch.cleanup()

    def row(self, path, recipe, target, data, **change):
        """A line of the table; `data` are the bytes wanted, or the digest of a folder."""
        row = {"repo": "owner/name", "commit": self.commit, "licence": "none", "path": path,
               "recipe": recipe, "target": target,
               "sha256": data if isinstance(data, str) else vectors.digest(data)}
        return "\t".join((row | change).values())

    def run(self, rows, *words):
        """(exit code, all it said) of the script with these lines for a table."""
        table = self.root / "table.tsv"
        table.write_text("# a remark\n\n" + "\n".join(rows) + "\n")
        done = subprocess.run([SCRIPT, self.out, "--table", table,
                               "--host", f"file://{self.root}/host/", *words],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def written(self):
        return {p.relative_to(self.out).as_posix(): p.read_bytes()
                for p in self.out.rglob("*") if p.is_file()}


CASES = {"one.toml": PUBLISHED["cases/one.toml"], "deep/two.toml": PUBLISHED["cases/deep/two.toml"]}


class Recipes(unittest.TestCase):
    def test_each_recipe_gives_its_bytes(self):
        for recipe, data, wanted in RECIPES:
            with self.subTest(recipe):
                self.assertEqual(vectors.cook(recipe, data), wanted)
        self.assertEqual({recipe.split()[0] for recipe, _, _ in RECIPES}, set(vectors.RECIPES))

    def test_what_does_not_fit_a_recipe_is_refused(self):
        for what, recipe, data in REFUSED:
            with self.subTest(what), self.assertRaises(ValueError):
                vectors.cook(recipe, data)

    def test_folder_digest_covers_names_and_bytes(self):
        digest = vectors.folder_digest({"a": b"1", "b": b"2"})
        self.assertEqual(digest, vectors.folder_digest({"b": b"2", "a": b"1"}))
        for other in ({"a": b"1"}, {"a": b"1", "b": b"3"}, {"a": b"1", "c": b"2"}):
            self.assertNotEqual(digest, vectors.folder_digest(other))


class Fetching(unittest.TestCase):
    def test_files_parts_and_folders_arrive(self):
        with World() as world:
            rows = [world.row("data/quote.bin", "part 2 5", "attest/q", b"quote"),
                    world.row("data/kept.json", "hex 8 6", "attest/crl", b"\x30\x01\xff"),
                    world.row("cases", "folder", "toml/cases", vectors.folder_digest(CASES)),
                    "-\t-\t-\t-\twritten by nobody\tattest/index.json\t-"]
            code, out = world.run(rows)
            self.assertEqual(code, 0, out)
            self.assertIn("attest/index.json: written by nobody", out)
            self.assertEqual(world.written(), {
                "attest/q": b"quote", "attest/crl": b"\x30\x01\xff",
                "toml/cases/one.toml": CASES["one.toml"],
                "toml/cases/deep/two.toml": CASES["deep/two.toml"]})
            self.assertEqual(world.run(rows, "--check")[0], 0)
            self.assertEqual(world.run(rows)[0], 0)

    def test_only_fetches_one_set(self):
        with World() as world:
            rows = [world.row("data/quote.bin", "part 2 5", "attest/q", b"quote"),
                    world.row("cases", "folder", "toml/cases", vectors.folder_digest(CASES))]
            self.assertEqual(world.run(rows, "--only", "attest")[0], 0)
            self.assertEqual(world.written(), {"attest/q": b"quote"})
            self.assertEqual(world.run(rows, "--only", "nothing")[0], 2)

    def test_other_bytes_are_never_written(self):
        with World() as world:
            good = world.row("data/quote.bin", "part 2 5", "attest/q", b"quote")
            bad = {
                "another file": world.row("data/quote.bin", "whole", "attest/x", b"quote"),
                "another part": world.row("data/quote.bin", "part 1 5", "attest/x", b"quote"),
                "a part too long": world.row("data/quote.bin", "part 2 500", "attest/x", b"quote"),
                "no such file": world.row("data/none", "whole", "attest/x", b"quote"),
                "a later folder": world.row("cases", "folder", "attest/x",
                                            vectors.folder_digest({"one.toml": b"a = 1\n"})),
                "no such folder": world.row("none", "folder", "attest/x",
                                            vectors.folder_digest(CASES)),
            }
            for what, row in bad.items():
                with self.subTest(what):
                    code, out = world.run([row, good])
                    self.assertEqual(code, 1, out)
                    self.assertIn("skipped attest/x", out)
                    self.assertEqual(world.written(), {"attest/q": b"quote"})

    def test_a_refused_file_leaves_the_old_one(self):
        with World() as world:
            row = world.row("data/quote.bin", "whole", "attest/q", b"something else")
            (world.out / "attest").mkdir(parents=True)
            (world.out / "attest/q").write_bytes(b"mine")
            self.assertEqual(world.run([row])[0], 1)
            self.assertEqual(world.written(), {"attest/q": b"mine"})

    def test_a_host_that_is_not_there_is_named_and_the_rest_arrives(self):
        with World() as world:
            rows = [world.row("a", "whole", "attest/a", b"", repo="owner/gone"),
                    world.row("a", "whole", "attest/b", b"", commit="0" * 40),
                    world.row("data/quote.bin", "part 2 5", "attest/q", b"quote")]
            code, out = world.run(rows)
            self.assertEqual(code, 1, out)
            self.assertIn("skipped 1 rows of owner/gone: ", out)
            self.assertIn("skipped 1 rows of owner/name: ", out)
            self.assertEqual(world.written(), {"attest/q": b"quote"})

    def test_check_finds_what_is_missing_or_different(self):
        with World() as world:
            rows = [world.row("data/quote.bin", "part 2 5", "attest/q", b"quote"),
                    world.row("cases", "folder", "toml/cases", vectors.folder_digest(CASES))]
            code, out = world.run(rows, "--check")
            self.assertEqual(code, 1)
            self.assertIn("missing: attest/q\nmissing: toml/cases\n", out)
            world.run(rows)
            (world.out / "attest/q").write_bytes(b"Quote")
            (world.out / "toml/cases/three.toml").write_bytes(b"")
            code, out = world.run(rows, "--check")
            self.assertEqual(code, 1)
            self.assertIn("different: attest/q\ndifferent: toml/cases\n", out)


class Table(unittest.TestCase):
    def test_rows_are_well_formed(self):
        rows, absent = vectors.read_table()
        for row in rows:
            with self.subTest(row.target):
                self.assertRegex(row.repo, r"^[\w.-]+/[\w.-]+$")
                self.assertRegex(row.commit, r"^[0-9a-f]{40}$")
                self.assertRegex(row.sha256, r"^[0-9a-f]{64}$")
                self.assertTrue(row.licence)
                self.assertRegex(row.recipe, r"^(whole|folder|(part|hex|base64|indent) \d+ \d+|"
                                             r"signed(-string)? \w+ \d+ \d+ \d+)$")
                for path in (row.path, row.target):
                    self.assertFalse(path.startswith("/") or ".." in path.split("/"), path)
                self.assertIn(row.target.split("/")[0], ("attest", "toml", "wycheproof"))
        self.assertTrue(all(why for _, why in absent))

    def test_every_target_once_and_every_repository_at_one_commit(self):
        rows, absent = vectors.read_table()
        targets = [row.target for row in rows] + [target for target, _ in absent]
        self.assertEqual(len(targets), len(set(targets)))
        commits = {(row.repo, row.commit, row.licence) for row in rows}
        self.assertEqual(len(commits), len({repo for repo, _, _ in commits}))

    def test_folder_of_others_is_what_the_table_names(self):
        folder = results.vectors(bad_tree.ROOT)
        if folder is None:
            self.skipTest("the vectors folder is absent")
        rows, absent = vectors.read_table()
        faults = []
        vectors.check(folder, rows, faults.append)
        self.assertEqual(faults, [])
        named = [row.target for row in rows] + [target.rstrip("/") for target, _ in absent]
        listed = re.compile("(" + "|".join(map(re.escape, named)) + ")(/.*)?$")
        for name in ("attest", "toml", "wycheproof"):
            for path, _, files in os.walk(folder / name):
                for file in files:
                    there = (pathlib.Path(path) / file).relative_to(folder).as_posix()
                    self.assertRegex(there, listed)


if __name__ == "__main__":
    tap.main()
