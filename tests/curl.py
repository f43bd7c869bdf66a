#!/usr/bin/env python3
"""curl.py - curl for tests that call it, as people would: the same in and out, and what a house
answered is held against its contract. A folder of which it is the `curl` is put before PATH:

    with curl.folder() as path: ...     env = {"PATH": f"{path}:{os.environ['PATH']}"}"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="ward-curl-") as path:
        place(path)
        yield path


def place(path):
    """Makes it the folder's `curl`."""
    program = pathlib.Path(path) / "curl"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -B {pathlib.Path(__file__).resolve()} "
                       f"{shutil.which('curl')} \"$@\"\n")
    program.chmod(0o755)


def parts_of(head):
    """(status, media type) of the last answer of a dumped head."""
    last = head.decode("latin-1").strip().split("\r\n\r\n")[-1].split("\r\n")
    fields = dict(line.split(": ", 1) for line in last[1:] if ": " in line)
    names = {name.lower(): value for name, value in fields.items()}
    return int(last[0].split()[1]), names.get("content-type")


def main(real, *words):
    with tempfile.TemporaryDirectory(prefix="ward-curl-") as temp:
        head, body = pathlib.Path(temp) / "head", pathlib.Path(temp) / "body"
        done = subprocess.run([real, *words, "--dump-header", head, "--output", body],
                              stdout=subprocess.PIPE, check=False)
        said = body.read_bytes() if body.exists() else b""
        sys.stdout.buffer.write(said + done.stdout)
        url = next((urllib.parse.urlsplit(word) for word in words if "://" in word), None)
        if url is None or not url.path.startswith("/v1/") or not head.exists() or \
                not head.read_bytes():
            return done.returncode
        import contract  # with jsonschema: only where there is something to hold against it
        method = words[words.index("-X") + 1] if "-X" in words else \
            "POST" if {"-d", "--data", "--data-binary"} & set(words) else "GET"
        contract.check(method, url.path, *parts_of(head.read_bytes()), said)
        return done.returncode


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
    sys.exit(main(*sys.argv[1:]))
