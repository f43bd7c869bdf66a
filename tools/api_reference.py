"""api_reference.py - docs/api.md and docs/api/ are made from the table by which the house
routes (src/proc/routes.c), docs/metrics.md from that of its metrics (src/proc/metrics.c): --write makes them anew, --check fails when one is stale."""

import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENTS = {"reference": "docs/api.md", "proto": "docs/api/ward.proto",
             "openapi": "docs/api/openapi.json", "metrics": "docs/metrics.md"}


def made(build, kind):
    done = subprocess.run([build / "tools/api_reference", kind], check=True,
                          capture_output=True, text=True)
    return done.stdout if done.stdout.endswith("\n") else done.stdout + "\n"


def stale(root, documents):
    """A sentence for each document that is not what the table says; pairs of path and text."""
    for name, text in documents:
        path = root / name
        if not path.exists() or path.read_text() != text:
            yield f"{name} is stale: run tools/api_reference.py --write"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    documents = [(name, made(options.build, kind)) for kind, name in DOCUMENTS.items()]
    if options.write:
        for name, text in documents:
            (ROOT / name).parent.mkdir(exist_ok=True)
            (ROOT / name).write_text(text)
    faults = list(stale(ROOT, documents))
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
