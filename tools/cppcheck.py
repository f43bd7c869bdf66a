"""cppcheck.py - cppcheck over the product's C files, with no warning allowed. Verdicts are
kept in the build folder, so that only changed files cost time."""

import json
import os
import pathlib
import subprocess
import sys

import tree

# Off, and why: what the compiler or clang-tidy already says better.
OFF = ("missingIncludeSystem", "unmatchedSuppression", "checkersReport",
       # Wrong about a pointer to one element of an array, and of an array lent whole.
       "objectIndex",
       # This version cannot parse a compound literal inside ?: at all.
       "internalAstError")
PRODUCT = ("src", "include", "fuzz", "bench", "examples")


def project(root, build, into):
    """cppcheck's own compile_commands.json, of the product's files only: what cmocka's
    macros expand to is not ours to lint."""
    kept = [entry for entry in json.loads((build / "compile_commands.json").read_text())
            if pathlib.Path(os.path.relpath(build / entry["file"], root)).parts[0] in PRODUCT]
    path = into / "compile_commands.json"
    path.write_text(json.dumps(kept))
    return path


def main():
    parser = tree.parser(__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    options = parser.parse_args()
    cache = options.build.resolve() / "cppcheck"
    cache.mkdir(exist_ok=True)
    done = subprocess.run(
        ["cppcheck", "--quiet", "-j2", "--error-exitcode=1", "--inline-suppr", "--std=c11",
         "--enable=warning,performance,portability", f"--cppcheck-build-dir={cache}",
         *(f"--suppress={name}" for name in OFF), "--template=gcc",
         "-D__x86_64__=1",  # it knows no macro of the compiler's own
         f"--project={project(options.root, options.build.resolve(), cache)}"], check=False)
    print("cppcheck: no warning" if done.returncode == 0 else "cppcheck: see above")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
