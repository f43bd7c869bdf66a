"""mistakes.py - the mistakes that a compiler lets pass: banned words, the heap outside its
two files, notes to self, sizes past their limit, files that do not say what they are,
and writable globals in pure rooms (asked of the objects, with --build)."""

import json
import pathlib
import re
import subprocess
import sys

import layers
import tree

HEAP = ("src/base/arena.c", "src/base/heap.c", "src/base/table.c")

# (words, why, the files that may, the folders that must not)
EVERYWHERE = ("src", "include", "tests", "fuzz", "bench", "examples")
PRODUCT = ("src", "include", "examples")
WORDS = (
    (r"sprintf|vsprintf|strcpy|stpcpy|strcat|strncat|gets|alloca|strtok|setjmp|longjmp|system",
     "banned: there is a bounded way", (), EVERYWHERE),
    (r"rand|srand|random|drand48", "randomness is os/random.h", (), EVERYWHERE),
    (r"memcmp|bcmp", "span_equal for public bytes, ct_equal for all others",
     ("src/base/span.c", "src/crypto/ct.c"), PRODUCT),
    (r"malloc|calloc|realloc|reallocarray|strdup|strndup|free", "memory comes from an arena",
     HEAP, ("src",)),
    (r"atoi|atol|atoll|strtol|strtoul|strtoll|strtoull|sscanf", "numbers are read by codec/",
     (), ("src",)),
    (r"printf|puts|fputs|fwrite|perror", "lower rooms return, they do not talk",
     ("src/cmd/", "src/proc/", "src/os/"), ("src",)),
    (r"gettimeofday|clock_gettime|localtime|gmtime|mktime", "time is read in os/ only",
     ("src/os/",), ("src",)),
    (r"getenv|setenv|putenv", "the environment is read by cmd/ only",
     ("src/cmd/", "src/proc/", "src/os/"), ("src",)),
)
NOTES = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
TYPEDEF = re.compile(r"^typedef\s+(struct|union|enum)\b[^;{]*(?:\{[^}]*\})?\s*(\w+)\s*;", re.M)

# Functions whose parameters a library has chosen.
FOREIGN = {"src/http/h2_answer.c": {"read_queue"}}  # nghttp2_data_source_read_callback

FILE_LINES, FUNCTION_LINES, PARAMETERS, NESTING = 600, 60, 6, 3
WRITABLE = re.compile(r"^[0-9a-f]+ .{7} (\.data|\.bss|\.tdata|\.tbss|\*COM\*)(?!\.rel\.ro)\S*\s"
                      r"[0-9a-f]+\s+(?:\.hidden )?(\S+)$")
# What compilers and sanitizers add by themselves.
NOT_OURS = re.compile(r"^(\.|_?_?(asan|ubsan|odr_asan|sancov|gcov|start___|stop___|profc))")


def words_used(name, code):
    for words, why, allowed, folders in WORDS:
        if name.split("/")[0] not in folders or name.startswith(allowed or ("\0",)):
            continue
        for found in re.finditer(rf"(?<![\w.>])({words})\b(?=\s*\()", code):
            yield f"{name}:{tree.line_of(code, found.start())}: {found.group(1)}: {why}"
    for found in re.finditer(r"\bgoto\b", code):
        yield f"{name}:{tree.line_of(code, found.start())}: goto: cleanup is by attribute"


def notes_left(name, text):
    for number, line in enumerate(text.split("\n"), 1):
        found = NOTES.search(line)
        if found:
            yield f"{name}:{number}: {found.group(1)}: do it or write an issue"


def typedefs(name, code):
    for found in TYPEDEF.finditer(code):
        if found.group(2) != "rc":
            yield f"{name}:{tree.line_of(code, found.start())}: typedef {found.group(2)}: " \
                  f"write {found.group(1)} where it is used"


def headless(name, text):
    text = re.sub(r"\A#![^\n]*\n", "", text).lstrip()
    opening = ('"""', "#") if not name.endswith((".c", ".h", ".def")) else ("/*",)
    if text and not text.startswith(opening):
        yield f"{name}:1: does not open with what it is and what it never does"


def conditional_bodies(name, code):
    """No #if inside a function: another platform is another file."""
    lines = code.split("\n")
    for function, first, last in tree.functions(code):
        for number in range(first, last):
            if re.match(r"\s*#\s*if", lines[number]):
                yield f"{name}:{number + 1}: #if inside {function}()"


def sizes(root):
    """(what, number, limit, where) of everything that has a size."""
    for name in tree.files(root, ".c", ".h", ".py"):
        text = tree.read(root, name)
        yield "lines of file", text.count("\n"), FILE_LINES, f"{name}:1"
        if name.endswith(".py"):
            continue
        code = tree.code(text)
        lines = code.split("\n")
        for function, first, last in tree.functions(text):
            where = f"{name}:{first} {function}()"
            yield "lines of function", last - first + 1, FUNCTION_LINES, where
            if function not in FOREIGN.get(name, ()):
                yield "parameters", parameters(lines, first), PARAMETERS, where
            yield "nesting", nesting(lines[first:last - 1]), NESTING, where


def parameters(lines, first):
    head = []
    for line in reversed(lines[:first - 1]):
        if not line.strip() or line[0] in "}#":
            break
        head.insert(0, line)
    inside = " ".join(head)
    inside = inside[inside.find("(") + 1:inside.rfind(")")]
    depth = commas = 0
    for letter in inside:
        depth += (letter == "(") - (letter == ")")
        commas += letter == "," and depth == 0
    return commas + 1 if inside.strip() not in ("", "void") else 0


def nesting(body):
    """Depth of blocks below the function's own, by indentation: clang-format keeps it
    true, also for blocks without braces. Continued lines do not count."""
    deepest = 0
    for line in body:
        found = re.match(r"((?:    )+)(?:if|for|while|switch|do)\b", line)
        if found:
            deepest = max(deepest, len(found.group(1)) // 4)
    return deepest


def too_large(root):
    for what, number, limit, where in sizes(root):
        if number > limit:
            yield f"{where}: {number} {what}, {limit} is the most"


def writable_globals(build):
    """Symbols in writable sections of the objects of pure rooms."""
    compiled = json.loads((build / "compile_commands.json").read_text())
    for entry in compiled:
        source = pathlib.PurePosixPath(entry["file"]).as_posix().lstrip("./")
        parts = source.partition("src/")[2].split("/")
        output = build / entry.get("output", "")
        if parts[0] not in layers.PURE or "src/" not in source or not output.is_file():
            continue
        listed = subprocess.run(["objdump", "-t", output], check=True, capture_output=True,
                                text=True).stdout
        for line in listed.splitlines():
            found = WRITABLE.match(line)
            if found and found.group(2) != found.group(1) and not NOT_OURS.match(found.group(2)):
                yield f"src/{'/'.join(parts)}: {found.group(2)} is a writable global; " \
                      "state travels in the caller's struct"


def faults(root, build=None):
    for name in tree.files(root, ".c", ".h", ".def", under=EVERYWHERE):
        text = tree.read(root, name)
        code = tree.code(text)
        yield from words_used(name, code)
        yield from notes_left(name, text)
        yield from headless(name, text)
        if name.startswith(("src/", "include/")):
            yield from typedefs(name, code)
            yield from conditional_bodies(name, code)
    for name in tree.files(root, ".py"):
        yield from headless(name, tree.read(root, name))
    yield from too_large(root)
    if build:
        yield from writable_globals(build)


def report(root):
    rows = {}
    for what, number, limit, where in sizes(root):
        rows.setdefault((what, limit), []).append((number, where))
    for (what, limit), found in rows.items():
        print(f"{what} (at most {limit}):")
        for number, where in sorted(found, reverse=True)[:10]:
            print(f"{number:6}  {where}")


def main():
    parser = tree.parser(__doc__)
    parser.add_argument("--build", type=pathlib.Path, help="a build folder with compiled objects")
    parser.add_argument("--report", action="store_true", help="the ten largest of each kind")
    options = parser.parse_args()
    if options.report:
        report(options.root)
        return
    found = list(faults(options.root, options.build))
    print("\n".join(found) if found else "mistakes: none")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
