"""changed.py - which files a change touches, and which sources stand behind one file: the
headers it includes, the .c beside each header, and so on."""

import pathlib
import re
import subprocess

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)


def git(root, *words):
    done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else []


def files(root):
    """Paths that differ from where the branch left main; on main itself, from the commit
    before. Work that is not committed counts. Empty without git."""
    base = git(root, "merge-base", "HEAD", "origin/main") or git(root, "merge-base", "HEAD", "main")
    if base == git(root, "rev-parse", "HEAD"):
        base = git(root, "rev-parse", "HEAD~1")
    found = set(git(root, "ls-files", "-o", "--exclude-standard"))
    return found | set(git(root, "diff", "--name-only", base[0])) if base else found


def sources_of(root, name):
    """The set of paths behind a C file, itself included."""
    found, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        if name in found or not (root / name).is_file():
            continue
        found.add(name)
        for path in INCLUDE.findall((root / name).read_text(errors="replace")):
            waiting += [f"src/{path}", str(pathlib.PurePath(name).parent / path)]
        if name.endswith(".h"):
            waiting.append(name[:-2] + ".c")
    return found
