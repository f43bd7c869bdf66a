"""tree.py - what the other tools know about the source tree: its files, and where
functions and comments of a C file begin and end. Reads only; never runs anything."""

import argparse
import os
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent.parent


def parser(doc):
    """The command line that the tools share."""
    made = argparse.ArgumentParser(description=doc.split(" - ", 1)[-1].split("\n\n")[0])
    made.add_argument("--root", type=pathlib.Path, default=HERE, help="the tree to read")
    return made


def files(root, *suffixes, under=()):
    """Paths relative to root, sorted: what git tracks or would track, else all files
    outside build folders. Empty suffixes or under mean any."""
    if (root / ".git").exists():
        listed = subprocess.run(
            ["git", "-C", root, "ls-files", "-z", "-co", "--exclude-standard"],
            check=True, capture_output=True, text=True).stdout.split("\0")
        listed = {name for name in listed if name and (root / name).is_file()}
    else:
        listed = set(walk(root))
    return sorted(name for name in listed
                  if (not suffixes or name.endswith(suffixes))
                  and (not under or name.split("/")[0] in under))


def walk(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in (".git", "__pycache__", "node_modules")
                      and not f.startswith("build")]
        for name in names:
            yield str((pathlib.Path(folder) / name).relative_to(root))


def read(root, name):
    return (root / name).read_text(encoding="utf-8", errors="replace")


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code(text, keep_strings=False):
    """The C text with comments (and the insides of strings) turned into spaces, so
    that offsets and line numbers stay what they were."""

    def blank(match):
        token = match.group()
        if token[0] in "\"'":
            inside = token[1:-1] if keep_strings else " " * (len(token) - 2)
            return token[0] + inside + token[-1]
        return re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(blank, text)


def comments(text):
    """(line number, comment) of each comment in a C text."""
    for match in TOKEN.finditer(text):
        if match.group()[0] == "/":
            yield text.count("\n", 0, match.start()) + 1, match.group()


def functions(text):
    """(name, first line, last line) of each function, braces included. Relies on the
    one brace style of the tree: a body opens and closes in column 0."""
    lines = code(text).split("\n")
    start = 0
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield function_name(lines[:start - 1]), start, number
            start = 0


def function_name(before):
    head = []
    for line in reversed(before):
        if not line.strip() or line[0] in "}#" or line.rstrip().endswith(";"):
            break
        head.insert(0, line)
    found = re.search(r"(\w+)\s*\(", " ".join(head))
    return found.group(1) if found else "?"


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
