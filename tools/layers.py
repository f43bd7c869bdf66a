"""layers.py - an include that points up or sideways fails the build.

Rooms and their layers are those of the design. A room includes rooms of lower layers
and itself. Pure rooms see no header through which the world gets in."""

import re
import sys

import tree

LAYERS = (
    ("base",),
    ("model",),
    ("crypto", "codec", "os"),
    ("secret", "ipc", "http", "merkle"),
    ("attest", "policy", "token", "admit", "guard", "channel", "job", "pay", "chain", "audit",
     "sim"),
    ("agent",),
    ("store", "sandbox", "net", "source", "guest", "machine"),
    ("lib", "fence"),
    ("proc",),
    ("cmd",),
)
LAYER = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}

# No file, socket, clock, randomness or global: all of it is an argument.
PURE = {"base", "model", "codec", "http", "merkle", *LAYERS[4]}
PURE_HEADERS = {"assert.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h",
                "stddef.h", "stdint.h", "stdnoreturn.h", "string.h"}
PURE_EXCEPTIONS = {
    "src/base/sink.c": {"stdio.h"},    # vsnprintf
    "src/base/arena.c": {"stdlib.h"},  # the heap
    "src/base/heap.c": {"stdlib.h"},
    "src/base/table.c": {"stdlib.h"},
    "src/codec/toml_number.c": {"stdlib.h"},  # strtod, of digits without a point
}

# A library is seen by the rooms that give it a face, and by nobody else.
LIBRARIES = {
    "openssl/": {"crypto", "net"},
    "sodium": {"crypto", "secret"},
    "curl/": {"net"},
    "nghttp2/": {"http"},
    "wslay/": {"http"},
    "ares.h": {"net"},
    "sqlite3": {"store"},
    "libpq": {"store"},
    "seccomp.h": {"os"},
    "cap-ng.h": {"os"},
    "zlib.h": {"os"},
}

# Edges that the layers allow and the design does not.
FORBIDDEN = {("lib", "sim"): "the test authority is never linked into libward"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def includes(text):
    """(line, quote, path) of every include."""
    code = tree.code(text, keep_strings=True)
    for found in INCLUDE.finditer(code):
        yield tree.line_of(code, found.start()), found.group(1), found.group(2)


def fault_of_project_include(room, path):
    if path.startswith("../") or "/" not in path:
        return f'"{path}": write the path from src/, as "room/file.h"'
    other = "lib" if path.startswith("ward/") else path.split("/")[0]
    if other not in LAYER:
        return f'"{path}": there is no room "{other}"'
    if other == room:
        return None
    if (room, other) in FORBIDDEN:
        return f'"{path}": {FORBIDDEN[room, other]}'
    if LAYER[other] >= LAYER[room]:
        way = "sideways" if LAYER[other] == LAYER[room] else "up"
        return f'"{path}" points {way}: {room} is L{LAYER[room]}, {other} is L{LAYER[other]}'
    return None


def fault_of_system_include(name, room, path):
    if path.startswith("ward/"):
        return fault_of_project_include(room, path)
    for library, rooms in LIBRARIES.items():
        if path.startswith(library):
            return None if room in rooms else f"<{path}> is for {', '.join(sorted(rooms))} only"
    if room in PURE and path not in PURE_HEADERS | PURE_EXCEPTIONS.get(name, set()):
        return f"<{path}>: {room} is pure, the world is an argument"
    return None


def faults_of_room_file(name, text):
    room = name.split("/")[1]
    if room not in LAYER:
        yield f"{name}:1: there is no room \"{room}\" in the design"
        return
    for line, quote, path in includes(text):
        fault = (fault_of_project_include(room, path) if quote == '"' else
                 fault_of_system_include(name, room, path))
        if fault:
            yield f"{name}:{line}: {fault}"


def faults_of_public_file(name, text):
    """Installed headers and examples see the standard library and one another only."""
    for line, quote, path in includes(text):
        if quote == '"' or not (path.startswith("ward/") or path in PURE_HEADERS
                                or name.startswith("examples/")):
            yield f"{name}:{line}: {path}: the public face is self-contained"


def faults(root):
    for name in tree.files(root, ".c", ".h", ".def", under=("src",)):
        if name.count("/") < 2:
            yield f"{name}:1: lies in no room"
        else:
            yield from faults_of_room_file(name, tree.read(root, name))
    for name in tree.files(root, ".c", ".h", under=("include", "examples")):
        yield from faults_of_public_file(name, tree.read(root, name))


def main():
    found = list(faults(tree.parser(__doc__).parse_args().root))
    print("\n".join(found) if found else "layers: every include points down")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
