"""disturbed.py - a build folder in which processes of the house, and the command where a test wants
it, are started with something preloaded: whatever takes its programs from WARD_BUILD takes these."""

import os
import pathlib
import shutil

import house as houses

PROCESSES = ("monitor", *houses.NAMES)


def begins_as(place, real, words):
    """The program at `place` is `real`, with these words before it, each time it is started."""
    shutil.copy2(houses.BUILD / "tests/proc/rl_wrapper", place)
    pathlib.Path(f"{place}.always").write_bytes(
        b"".join(os.fsencode(str(word)) + b"\0" for word in (*words, real)))


def build(folder, words, processes, build_of="src/proc/ward-{}"):
    """Fills the folder; `processes` begin with the words, the others as ever. Returns it."""
    # The monitor looks for the others beside the file that it is in the end.
    above = folder / "src/proc"
    below = above / "real"
    below.mkdir(parents=True)
    (below / "real").mkdir()
    shutil.copy2(houses.WARD, folder / "ward")
    for name in PROCESSES:
        own = build_of if name in processes else "src/proc/ward-{}"
        if name == "monitor":
            real = below / "ward-monitor"
        else:
            real = below / "real" / f"ward-{name}"
        shutil.copy2(houses.BUILD / own.format(name), real)
        for place in {above / f"ward-{name}", below / f"ward-{name}"} - {real}:
            if name in processes:
                begins_as(place, real, words)
            else:
                shutil.copy2(real, place)
    return folder
