"""format.py - every C file is as clang-format writes it. --write makes it so."""

import subprocess
import sys

import tree


def main():
    parser = tree.parser(__doc__)
    parser.add_argument("--check", action="store_true", help="only look (so it is without)")
    parser.add_argument("--write", action="store_true", help="format the files in place")
    options = parser.parse_args()
    names = tree.files(options.root, ".c", ".h")
    how = ["-i"] if options.write else ["--dry-run", "-Werror"]
    done = subprocess.run(["clang-format-14", *how, *names], cwd=options.root, check=False)
    if done.returncode:
        print("run: ./check --quick --write")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
