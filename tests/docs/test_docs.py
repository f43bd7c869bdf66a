"""test_docs.py - the documents do what they say: every block marked ```sh run is run, and what
it prints is what the ```text output block after it shows; every link leads somewhere.

    ```sh run          run by sh -eu in the document's own folder, in which the blocks before it
                       ran; ward, cc and pkg-config are those of this build; of the network there
                       is a loopback of the tests' own; what curl is answered is held against the
                       contract of the API
    ```sh run root     the same in the root of the source
    ```text output     all that the block before it prints; a line "..." stands for any lines,
                       "..." at the end of a line for the rest of it
    ```c file=NAME     written to NAME (any language) before the next block runs
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import curl
import own_network
import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("WARD_BUILD", ROOT / "build")).resolve()
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/cmd")]
import sandboxes  # noqa: E402  (the path is set just above)
import tree  # noqa: E402

FENCE = re.compile(r"^```(\w*) ?([^\n`]*)\n(.*?)^```$", re.M | re.S)
NODE = "node.md"  # runs jobs, which not every machine can
NAMED_TEST = re.compile(r"`(tests/[\w/.]+):(\w+)`")
LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^()\s]+)\)")


def blocks(text):
    """(line, words behind the language, content) of each fenced block."""
    for found in FENCE.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found[2].split(), found[3]


def pattern_of(shown):
    """The regular expression that a block of shown output stands for."""
    parts = []
    for line in shown.splitlines():
        if line.strip() == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        elif line.endswith("..."):
            parts.append(re.escape(line[:-3]) + r"[^\n]*\n")
        else:
            parts.append(re.escape(line) + "\n")
    return re.compile("".join(parts))


def compiler():
    """The compiler of the build."""
    targets = json.loads((BUILD / "meson-info/intro-targets.json").read_text())
    command = next(source["compiler"] for target in targets
                   for source in target.get("target_sources", ()) if source.get("compiler"))
    return [shutil.which(command[0]), *command[1:]]


class Session:
    """One document's folder."""

    def __init__(self, folder):
        self.folder = folder
        tools = folder / ".tools"
        tools.mkdir()
        wrapper = tools / "cc"
        wrapper.write_text(f"#!/bin/sh\nexec {' '.join(compiler())} \"$@\"\n")
        wrapper.chmod(0o755)
        curl.place(tools)
        self.env = dict(os.environ, PATH=f"{tools}:{BUILD}:{os.environ['PATH']}", LC_ALL="C",
                        PKG_CONFIG_PATH=str(BUILD / "meson-uninstalled"),
                        LD_LIBRARY_PATH=str(BUILD), PYTHONDONTWRITEBYTECODE="1")

    def close(self):
        """A house that a block left behind is stopped."""
        for lock in self.folder.glob("*/run/lock"):
            subprocess.run([BUILD / "ward", "down", "--state", lock.parent.parent],
                           capture_output=True, check=False)

    def run(self, script, where):
        with subprocess.Popen(["sh", "-eu", "-c", script], cwd=where, env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              start_new_session=True) as shell:
            try:
                output, _ = shell.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(shell.pid, signal.SIGKILL)
                return "none: it took too long", shell.communicate()[0]
        return shell.returncode, output


def play(path):
    """Runs a document; yields what is wrong. The last thing yielded is a number: how many
    blocks ran."""
    count, output = 0, None
    with tempfile.TemporaryDirectory() as temp, contextlib.ExitStack() as stack:
        session = Session(pathlib.Path(temp))
        stack.callback(session.close)
        for line, words, content in blocks(path.read_text()):
            place = f"{path.name}:{line}"
            if words[:1] == ["run"]:
                count += 1
                where = ROOT if "root" in words else session.folder
                code, output = session.run(content, where)
                if code:
                    yield f"{place}: exit {code}\n{output}"
            elif words[:1] == ["output"]:
                if output is None:
                    yield f"{place}: no block ran before it"
                elif not pattern_of(content).fullmatch(output):
                    yield f"{place}: is shown\n{content}but was\n{output}"
                output = None
            else:
                for name in (word[5:] for word in words if word.startswith("file=")):
                    (session.folder / name).write_text(content)
    yield count


def anchors(text):
    """The names that headings get on the usual Git sites."""
    seen = {}
    for title in re.findall(r"^#+ +(.*?) *#*$", FENCE.sub("", text), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        yield name if name not in seen else f"{name}-{seen[name]}"
        seen[name] = seen.get(name, 0) + 1


def broken(root, name):
    """The links of a document that lead nowhere, and the tests that it names and that are not."""
    text = (root / name).read_text()
    plain = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))
    for target in LINK.findall(plain):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (root / name).parent / file if file else root / name
        if not path.exists():
            yield f"{name}: {target} does not exist"
        elif anchor and anchor not in anchors(path.read_text()):
            yield f"{name}: {target}: there is no such heading"
    for file, test in NAMED_TEST.findall(text):
        path = root / file
        if not path.exists() or not re.search(rf"\b(def|void) {test}\(", path.read_text()):
            yield f"{name}: {file}:{test}: there is no such test"


class Documents(unittest.TestCase):
    def test_blocks_do_what_is_shown(self):
        ran = {}
        for path in sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]):
            if path.name == NODE:
                continue
            with self.subTest(str(path.relative_to(ROOT))):
                *faults, count = play(path)
                ran[path.name] = max(count, ran.get(path.name, 0))
                self.assertEqual(faults, [])
        for name in ("operator.md", "developer.md", "reviewer.md", "house.md"):
            self.assertGreater(ran.get(name, 0), 2, name)

    @sandboxes.needs_sandbox
    def test_blocks_about_jobs(self):
        *faults, count = play(ROOT / "docs/tutorials" / NODE)
        self.assertEqual(faults, [])
        self.assertGreater(count, 10)

    def test_links_lead_somewhere(self):
        names = tree.files(ROOT, ".md")
        self.assertGreater(len(names), 10)
        self.assertEqual([fault for name in names for fault in broken(ROOT, name)], [])


class Itself(unittest.TestCase):
    def test_shown_output(self):
        for shown, output, fits in (("a\n", "a\n", True), ("a\n", "a\nb\n", False),
                                    ("a\n...\nc\n", "a\nc\n", True),
                                    ("a\n...\nc\n", "a\nb\nb\nc\n", True),
                                    ("a\n...\nc\n", "a\nb\n", False), ("a...\n", "abc\n", True),
                                    ("a...\n", "b\n", False), ("a.c\n", "abc\n", False)):
            self.assertEqual(bool(pattern_of(shown).fullmatch(output)), fits, (shown, output))

    def test_wrong_documents_are_found(self):
        for text, word in (("```sh run\nfalse\n```\n", "exit 1"),
                           ("```sh run\necho a\n```\n```text output\nb\n```\n", "is shown"),
                           ("```text output\nb\n```\n", "no block ran"),
                           ("```c file=x\n1\n```\n```sh run\ncat x\n```\n```text output\n2\n```\n",
                            "is shown")):
            with self.subTest(text), tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "x.md"
                path.write_text(text)
                *faults, count = play(path)
                self.assertIn(word, "".join(faults))
                self.assertEqual(count, text.count("sh run"))

    def test_wrong_links_are_found(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "b.md").write_text("# One `two`, three\n## Same\n## Same\n```\n# none\n```\n")
            for target, good in (("b.md", True), ("c.md", False), ("b.md#one-two-three", True),
                                 ("b.md#same-1", True), ("b.md#same-2", False),
                                 ("b.md#none", False), ("#here", False), ("https://x/y", True)):
                (root / "a.md").write_text(f"# There\nsee [x]({target}) and `[y](gone.md)`\n")
                self.assertEqual(list(broken(root, "a.md")) == [], good, target)
            (root / "tests").mkdir()
            (root / "tests/t.c").write_text("static void test_one(void **state)\n")
            (root / "tests/t.py").write_text("    def test_two(self):\n        test_three()\n")
            for named, good in (("t.c:test_one", True), ("t.py:test_two", True),
                                ("t.py:test_three", False), ("t.c:test_on", False),
                                ("x.py:test_two", False)):
                (root / "a.md").write_text(f"see `tests/{named}`\n")
                self.assertEqual(list(broken(root, "a.md")) == [], good, named)


if __name__ == "__main__":
    own_network.enter()
    tap.main()
