"""later.py - the sources of a store that is one step of migration further than the program's, for
a process that the tests call the next version: `later.py STORE.h MIGRATIONS.c OUT.h OUT.c`.

Steps are never edited, so the one that is added is all that two versions differ by."""

import pathlib
import re
import sys

STEP = """    {{
        {number},
        "A table of the next version.",
        "PRAGMA user_version = {number}; CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT",
        "CREATE TABLE ward.later (id BIGINT PRIMARY KEY)",
    }},
}};
"""


def replaced(text, pattern, new):
    text, count = re.subn(pattern, new, text)
    if count != 1:
        sys.exit(f"later.py: {pattern} was found {count} times")
    return text


def main():
    header, source, out_header, out_source = map(pathlib.Path, sys.argv[1:])
    text = header.read_text()
    number = int(re.search(r"enum \{ STORE_STEPS = (\d+) \};", text).group(1)) + 1
    out_header.write_text(replaced(text, r"enum \{ STORE_STEPS = \d+ \};",
                                   f"enum {{ STORE_STEPS = {number} }};"))
    out_source.write_text(replaced(source.read_text(), r"\n\};\n\Z",
                                   "\n" + STEP.format(number=number)))


main()
