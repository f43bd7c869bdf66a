"""secret_scan.py - no key, token or trace of somebody's machine is in the tree: private
keys, the tokens of well-known services, assignments that look random, private registry
hosts in lock files, absolute paths of a home or work folder. Names the line, never
prints the secret."""

import collections
import math
import re
import sys

import tree

PATTERNS = (
    ("private key", re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY" + r"(?: BLOCK)?-----")),
    ("cloud access key", re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b")),
    ("forge token", re.compile(r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,})")),
    ("chat token", re.compile(r"\bxox[abeoprs]-[\w-]{10,}")),
    ("service token", re.compile(r"\b(?:AIza[\w-]{35}|sk-[A-Za-z0-9_-]{20,}|npm_\w{30,}|"
                                 r"pypi-[\w-]{40,}|SG\.[\w-]{20,}\.[\w-]{20,})")),
    ("password in a URL", re.compile(r"\b[a-z][a-z0-9+]*://[^\s/:@'\"<>{}$%]+:[^\s/:@'\"<>{}$%]{3,}@")),
    ("path of a machine", re.compile(r"(?<![\w.$}/-])/(?:home|Users|root|work|workspace|mnt|builds)"
                                     r"/[A-Za-z0-9._-]+")),
)
ASSIGNED = re.compile(r"(?i)\b(\w*(?:secret|token|passw(?:or)?d|api_?key|private_?key|credential)\w*)"
                      r"[\"']?\s*(?:=|:)\s*[\"']([A-Za-z0-9+/_=.-]{16,})[\"']")
LOCK_FILES = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml",
              "Cargo.lock", "poetry.lock", "Pipfile.lock", "uv.lock", "go.sum",
              "requirements.txt", ".npmrc", "pip.conf")
PUBLIC_HOSTS = {"registry.npmjs.org", "registry.yarnpkg.com", "crates.io", "static.crates.io",
                "pypi.org", "files.pythonhosted.org", "proxy.golang.org", "sum.golang.org",
                "github.com", "codeload.github.com"}
HOST = re.compile(r"\b(?:https?|git\+ssh|git)://(?:[^\s/@]+@)?([^\s/:\"']+)")

# (file, kind): a finding that was looked at, with the reason.
REVIEWED = {
    # Made-up samples that the scanner's own test feeds it.
    ("tests/tools/test_secret_scan.py", "*"),
    # Known answers for a token that is the numbers 0 to 31.
    ("vectors/request/signed.json", "random value under a secret's name"),
    # The token of a session of a run that is over.
    ("docs/interop.md", "random value under a secret's name"),
    # Made-up addresses with a user in them: to be sealed, hidden or refused.
    ("docs/tutorials/developer.md", "password in a URL"),
    ("tests/job/test_spec_explain.c", "password in a URL"),
    ("tests/lib/test_seal.c", "password in a URL"),
    ("tests/proc/test_config_peers.c", "password in a URL"),
    ("tests/codec/test_url.c", "password in a URL"),
    # Keys that were made for a fuzz target to begin with.
    ("fuzz/corpus/tls_files/key", "private key"),
    ("fuzz/corpus/tls_files/key-ec", "private key"),
}


def entropy(text):
    """Bits per character: words of a language stay below 4, random text above."""
    counts = collections.Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def kinds_in(name, line):
    for kind, pattern in PATTERNS:
        if pattern.search(line):
            yield kind
    for found in ASSIGNED.finditer(line):
        if entropy(found.group(2)) > 3.7:
            yield "random value under a secret's name"
    if name.rpartition("/")[2] in LOCK_FILES:
        for found in HOST.finditer(line):
            if found.group(1).lower() not in PUBLIC_HOSTS:
                yield "registry host that is not public"


def faults(root):
    for name in tree.files(root):
        if (name, "*") in REVIEWED:
            continue
        for number, line in enumerate(tree.read(root, name).split("\n"), 1):
            for kind in kinds_in(name, line):
                if (name, kind) not in REVIEWED:
                    yield f"{name}:{number}: {kind}"


def main():
    found = list(faults(tree.parser(__doc__).parse_args().root))
    print("\n".join(found) if found else "secrets: none")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
