"""static_library.py - makes libward.a of an archive of many objects: one object, in which the
names that the rooms share among themselves are local, so that a program that links it sees
ward_ names only. For the build; it reads nothing but its arguments."""

import pathlib
import subprocess
import sys


def main():
    ld, objcopy, ar, whole, library, work = sys.argv[1:]
    pathlib.Path(work).mkdir(parents=True, exist_ok=True)
    joined = pathlib.Path(work) / "libward.o"
    # An archive that is there would be added to.
    pathlib.Path(library).unlink(missing_ok=True)
    for words in ((ld, "-r", "--fatal-warnings", "-o", joined, "--whole-archive", whole),
                  (objcopy, "--localize-hidden", joined), (ar, "rcsD", library, joined)):
        subprocess.run([str(word) for word in words], check=True)


if __name__ == "__main__":
    main()
