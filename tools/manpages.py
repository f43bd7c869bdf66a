"""manpages.py - docs/man/ward*.1 and ward.toml.5 are what `ward help --format man` prints:
--write makes them anew, --check fails when one is stale, missing, left over, or not clean
mdoc."""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAN = ROOT / "docs" / "man"


def ward(build, *words):
    return subprocess.run([str(build / "ward"), *words], check=True, capture_output=True,
                          text=True).stdout


def pages(build):
    """Every generated page by its file name."""
    found = {"ward.1": ward(build, "help", "--format", "man"),
             "ward.toml.5": ward(build, "help", "--format", "man", "ward.toml")}
    commands = ward(build, "help").split("Commands:\n")[1].split("\n\n")[0]
    for line in commands.splitlines():
        name = re.match(r"  (\S+(?: \S+)?)  ", line)[1].strip()
        page = ward(build, "help", "--format", "man", *name.split())
        found[f"ward-{name.replace(' ', '-')}.1"] = page
    return found


def lint(path):
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path], capture_output=True, text=True,
                          check=False)
    return [line for line in done.stdout.splitlines() if line]


def check(found):
    faults = [f"{path.name}: no command prints it" for path in MAN.glob("ward*.[0-9]")
              if path.name not in found]
    for name, page in found.items():
        path = MAN / name
        if not path.exists() or path.read_text() != page:
            faults.append(f"{name}: stale; run tools/manpages.py --write")
    for path in sorted(MAN.glob("*.[0-9]")):
        faults += lint(path)
    return faults


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
