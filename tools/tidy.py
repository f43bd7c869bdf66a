"""tidy.py - clang-tidy over every C file that the build compiles, two at a time. A file that
passed is not looked at again until it, a header of the project that it sees, its compiler
flags or .clang-tidy change: the verdicts are kept in the build folder.

The analyzer walks every path and takes nearly all of the time. It looks at the product alone:
what a test does, the sanitizers see when it runs."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

import tree

TIDY = "clang-tidy-14"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[">]', re.M)


class Project:
    def __init__(self, root, build):
        self.root, self.build = root.resolve(), build.resolve()
        self.folders = [self.root / "src", self.root / "tests", self.root / "include"]
        self.seen = {}
        self.common = subprocess.run([TIDY, "--version"], check=True, capture_output=True).stdout
        self.common += (self.root / ".clang-tidy").read_bytes()

    def commands(self):
        """(source path, flags) of each C file of the project, once."""
        found = {}
        for entry in json.loads((self.build / "compile_commands.json").read_text()):
            path = pathlib.Path(os.path.normpath(self.build / entry["file"]))
            if path.is_relative_to(self.root) and not path.is_relative_to(self.build):
                found.setdefault(path, entry["command"])
        return sorted(found.items())

    def headers(self, path):
        """The project's headers that a file sees, itself included."""
        if path in self.seen:
            return self.seen[path]
        found = self.seen[path] = {path}
        for name in INCLUDE.findall(path.read_text(errors="replace")):
            for folder in [path.parent, *self.folders]:
                if (folder / name).is_file():
                    found |= self.headers((folder / name).resolve())
                    break
        return found

    def key(self, path, flags):
        digest = hashlib.sha256(self.common + flags.encode())
        for header in sorted(self.headers(path)):
            digest.update(str(header).encode() + b"\0" + header.read_bytes() + b"\0")
        return digest.hexdigest()


def less(project, path):
    """What is not asked of a file, beside what .clang-tidy leaves out."""
    of_product = path.is_relative_to(project.root / "src")
    return [] if of_product else ["--checks=-clang-analyzer-*"]


def judge(project, path):
    """The warnings for one file; "" when there are none."""
    done = subprocess.run([TIDY, "-p", project.build, "--quiet", *less(project, path), path],
                          capture_output=True, text=True, check=False)
    if done.returncode == 0 and "warning:" not in done.stdout:
        return ""
    return done.stdout.strip() or done.stderr.strip() or f"{TIDY} failed on {path}"


def main():
    parser = tree.parser(__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="only these")
    options = parser.parse_args()
    project = Project(options.root, options.build)
    kept = options.build / "tidy-passed"
    passed = set(kept.read_text().split()) if kept.exists() else set()
    only = {path.resolve() for path in options.files}
    keys = {path: project.key(path, flags) for path, flags in project.commands()
            if not only or path in only}
    todo = [path for path, key in keys.items() if key not in passed]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool, open(kept, "a") as good:
        for path, said in zip(todo, pool.map(lambda path: judge(project, path), todo)):
            if said:
                bad += 1
                print(said, flush=True)
            else:
                print(keys[path], file=good, flush=True)
    print(f"clang-tidy: {len(keys)} files, {len(todo)} looked at, {bad} with warnings")
    sys.exit(1 if bad or not keys else 0)


if __name__ == "__main__":
    main()
