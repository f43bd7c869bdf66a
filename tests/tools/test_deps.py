"""test_deps.py - scripts/deps against fake package tools: silent when nothing is missing,
installs what is and only that, fetches the lists only when it must, and says what to do
where it cannot."""

import os
import subprocess
import unittest

import bad_tree
import tap

# Every fake writes its call to the file "calls"; state is told by files beside it.
FAKES = {
    "dpkg-query": 'for last; do :; done\ngrep -qx "$last" missing && exit 1\n'
                  'printf installed\n',
    "apt-get": 'echo "apt-get $*" >>calls\n[ "$1" = update ] && { touch fresh; exit 0; }\n'
               '[ -e stale ] && [ ! -e fresh ] && { echo "E: no such package"; exit 100; }\n'
               '[ ! -e broken ] || { echo "E: no space left"; exit 100; }\n',
    "id": "cat uid\n",
    "sudo": 'echo sudo >>calls\nexec "$@"\n',
}
TOOLS = ("sh", "grep", "cat", "env", "touch", "mktemp", "tail", "rm")


class Deps(unittest.TestCase):
    def deps(self, *words, missing="", uid=0, sudo=True, **state):
        """(exit code, output, calls) in a folder whose PATH holds the fakes alone."""
        with bad_tree.Tree({"missing": missing, "uid": f"{uid}\n", "calls": ""} | state) as tree:
            for name, text in FAKES.items():
                if name != "sudo" or sudo:
                    tree.put(f"bin/{name}", f"#!/bin/sh\n{text}")
                    (tree.root / "bin" / name).chmod(0o755)
            for name in TOOLS:
                os.symlink(f"/bin/{name}", tree.root / "bin" / name)
            done = subprocess.run([bad_tree.ROOT / "scripts" / "deps", *words], cwd=tree.root,
                                  env={"PATH": str(tree.root / "bin")}, capture_output=True,
                                  text=True, check=False)
            return done.returncode, done.stdout + done.stderr, (tree.root / "calls").read_text()

    def test_nothing_missing_is_silent(self):
        self.assertEqual(self.deps(), (0, "", ""))
        self.assertEqual(self.deps("build", missing="cppcheck\n"), (0, "", ""))

    def test_only_what_is_missing_is_installed(self):
        code, out, calls = self.deps(missing="meson\nclang-14\n")
        self.assertEqual((code, out), (0, "installing: meson clang-14\n"))
        self.assertEqual(calls.count("\n"), 1)
        self.assertRegex(calls, r"install .* meson clang-14$")

    def test_lists_are_fetched_when_they_are_stale(self):
        code, _, calls = self.deps(missing="meson\n", stale="")
        self.assertEqual(code, 0)
        self.assertEqual([line.split()[1] for line in calls.splitlines()],
                         ["install", "update", "install"])

    def test_sudo_is_used_when_not_root(self):
        code, _, calls = self.deps(missing="meson\n", uid=1000)
        self.assertEqual(code, 0)
        self.assertTrue(calls.startswith("sudo\n"))

    def test_without_root_and_sudo_it_says_what_to_install(self):
        code, out, calls = self.deps(missing="meson\n", uid=1000, sudo=False)
        self.assertEqual((code, calls), (1, ""))
        self.assertIn("root or sudo is needed to install: meson", out)

    def test_a_failure_shows_its_reason(self):
        code, out, _ = self.deps(missing="meson\n", broken="")
        self.assertEqual(code, 1)
        self.assertIn("E: no space left", out)
        self.assertIn("could not install: meson", out)

    def test_a_wrong_word_is_refused(self):
        self.assertEqual(self.deps("everything")[0], 2)


if __name__ == "__main__":
    tap.main()
