"""manpages.py - docs/man/ward*.1 and ward.toml.5 are what `ward help --format man` prints, and
ward_*.3 what the public headers say: --write makes them anew, --check fails when one is stale,
missing, left over, or not clean mdoc."""

import argparse
import itertools
import json
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAN = ROOT / "docs" / "man"


def ward(build, *words):
    return subprocess.run([str(build / "ward"), *words], check=True, capture_output=True,
                          text=True).stdout


BLOCK = re.compile(r"/\*(.*?)\*/\n((?:(?!/\*|\n\n).)*?(?:\{.*?\n\};\n)?(?:(?!\n\n|\n/\*).)*)(?=\n\n|\n/\*|\Z)",
                   re.S)
FUNCTION = re.compile(r"WARD_API (?:WARD_MUST_USE )?([^;]*?)(\w+)\(([^;]*)\);", re.S)
HEADERS = {"ward_source": "evidence of this machine",
           "ward_seal": "bytes that one key opens, and credentials in them",
           "ward_channel": "talks to a peer that has proved what it is",
           "ward_verify": "evidence in, a decision with its reasons out",
           "ward_collateral": "what vendors publish about their platforms, for verifications",
           "ward_policy": "what is asked of evidence"}


def escaped(text):
    return text.replace("\\", "\\e").replace("-", "\\-")


def filled(paragraph):
    """Its sentences, each from a line's beginning on, in lines that mdoc(7) does not call long."""
    for sentence in re.split(r"(?<=[.:?]) +(?=[A-Z])", escaped(" ".join(paragraph.split()))):
        for line in textwrap.wrap(sentence, 78, break_long_words=False, break_on_hyphens=False):
            yield re.sub(r"^([.'])", r"\\&\1", line)


def prose(text):
    """A comment as mdoc: lines that are indented more than the text are shown as they stand."""
    lines = [line.rstrip() for line in text.split("\n")]
    out = []
    for (some, deep), group in itertools.groupby(
            lines, lambda line: (bool(line), len(line) - len(line.lstrip()) > 4)):
        if not some:
            out.append(".Pp")
        elif deep:
            out += [".Bd -literal -offset indent", *("\\&" + escaped(line.strip())
                                                     for line in group), ".Ed"]
        else:
            out += filled(" ".join(group))
    text = "\n".join(out).replace(".Pp\n.Bd", ".Bd")
    return re.sub(r"^(\.Pp\n)+|(\n\.Pp)+$", "", text)


def signature(found):
    kind, name, arguments = (" ".join(part.split()) for part in found)
    kind = f'"{kind}"' if "*" in kind else kind
    each = [] if arguments == "void" else [f'"{one.strip()}"' for one in arguments.split(",")]
    return f".Ft {kind}\n.Fn {' '.join([name, *each])}"


def library_page(header, name):
    """The page of a public header: its comments are its contracts."""
    text = header.read_text()
    head = re.match(r"/\* \S+ - (.*?)\*/", text, re.S)[1]
    body = text.partition('extern "C" {\n#endif\n')[2].partition("#ifdef __cplusplus")[0]
    out = [".Dd November 20, 2026", f".Dt {name.upper()} 3", ".Os", ".Sh NAME", f".Nm {name}",
           f".Nd {HEADERS[name]}", ".Sh LIBRARY", "libward (pkg-config name", ".Cm libward )",
           ".Sh SYNOPSIS", f".In ward/{header.name}"]
    out += [signature(found) for found in FUNCTION.findall(body)]
    out += [".Sh DESCRIPTION", prose(head[0].upper() + head[1:])]
    for comment, code in BLOCK.findall(body):
        names = [found[1] for found in FUNCTION.findall(code)]
        rest = FUNCTION.sub("", code).strip()
        out.append(".Pp")
        out += [line for one in names for line in (f".Fn {one}", ".br")][:-1]
        out += [".Pp"] if names else []
        out.append(prose(comment))
        if rest:
            out += [".Bd -literal -offset indent", *("\\&" + escaped(line) for line in
                                                     rest.splitlines()), ".Ed"]
    others = sorted({*HEADERS, "libward"} - {name})
    out += [".Sh SEE ALSO", *(f".Xr {other} 3 ," for other in others[:-1]), f".Xr {others[-1]} 3"]
    return re.sub(r"\n{2,}", "\n", "\n".join(out)) + "\n"


def pages(build):
    """Every generated page by its file name."""
    found = {"ward.1": ward(build, "help", "--format", "man"),
             "ward.toml.5": ward(build, "help", "--format", "man", "ward.toml")}
    for row in json.loads(ward(build, "help", "--json"))["commands"]:
        page = ward(build, "help", "--format", "man", *row["name"].split())
        found[f"ward-{row['name'].replace(' ', '-')}.1"] = page
    for name in HEADERS:
        header = ROOT / "include/ward" / f"{name.removeprefix('ward_')}.h"
        found[f"{name}.3"] = library_page(header, name)
    return found


def lint(folder):
    """Every remark of mandoc, down to style, about the pages of a folder: read together, so that a
    reference to a page that nobody wrote is one."""
    names = sorted(path.name for path in folder.glob("*.[0-9]"))
    done = subprocess.run(["mandoc", "-Tlint", "-Wall", *names], capture_output=True, text=True,
                          check=False, cwd=folder)
    return (done.stdout + done.stderr).splitlines()


def check(found, folder=MAN):
    faults = [f"{path.name}: no command prints it" for path in folder.glob("ward*.[0-9]")
              if path.name not in found]
    for name, page in found.items():
        path = folder / name
        if not path.exists() or path.read_text() != page:
            faults.append(f"{name}: stale; run tools/manpages.py --write")
    return faults + lint(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    found = pages(options.build)
    if options.write:
        for path in MAN.glob("ward*.[0-9]"):
            path.unlink()
        for name, page in found.items():
            (MAN / name).write_text(page)
    faults = check(found) if options.check or not options.write else []
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
