"""disturbed.py - a build folder in which processes of the house, and the command where a test wants
it, are started with something preloaded."""

import os
import pathlib
import shutil

import house

BUILD = pathlib.Path(os.environ["WARD_BUILD"])
SHORT_IO = BUILD / "tests/proc/short_io.so"
SEED = int(os.environ.get("WARD_SEED", "30"))
PROCESSES = ("monitor", *house.NAMES)


def begin_as(place, real, words):
    """The program at `place` is `real`, with these words before it, each time it is started."""
    shutil.copy2(BUILD / "tests/proc/rl_wrapper", place)
    pathlib.Path(f"{place}.always").write_bytes(
        b"".join(os.fsencode(str(word)) + b"\0" for word in (*words, real)))


def build(folder, words, processes, command=False, jailed="src/proc/ward-{}"):
    """Fills the folder; `processes` begin with the words, the others as ever. `jailed`: which of
    the build's programs those are that have a jail. Returns the folder."""
    real = folder / "real"
    # The command looks for the monitor, and the monitor for the others, beside what it is itself.
    above = real / "src/proc"
    below = above / "real"
    (below / "real").mkdir(parents=True)
    shutil.copy2(BUILD / "ward", real / "ward")
    (real / "src/cmd").mkdir()
    shutil.copy2(BUILD / "src/cmd/ward-commands", real / "src/cmd")
    begin_as(folder / "ward", real / "ward", words if command else ("/usr/bin/env",))
    for name in PROCESSES:
        start = words if name in processes else ("/usr/bin/env",)
        at = (below if name == "monitor" else below / "real") / f"ward-{name}"
        program = jailed if name in processes and name != "monitor" else "src/proc/ward-{}"
        shutil.copy2(BUILD / program.format(name), at)
        begin_as(above / f"ward-{name}", at, start)
        if name != "monitor":
            begin_as(below / f"ward-{name}", at, start)
    shutil.copy2(BUILD / "src/proc/ward-keyring", above)
    return folder


def short_io(folder, seed, ones=90):
    """Everything of the house, and the command, under short_io.c."""
    words = ["/usr/bin/env", f"LD_PRELOAD={SHORT_IO}", f"WARD_SHORT_IO={seed} {ones}"]
    # Those let a handler of a signal come to its end.
    return build(folder, words, PROCESSES, True, "tests/proc/rl_{}")
