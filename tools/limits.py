"""limits.py - docs/limits.md, every limit of size, depth, count and time: --write makes it anew
from docs/limits.toml and the enumerators that it names, --check fails when it is stale. Either
fails when a name, a test or a reason is not there, or a limit of the code is not listed."""

import ast
import operator
import pathlib
import re
import sys
import tomllib

import tree

TABLE, DOCUMENT = "docs/limits.toml", "docs/limits.md"
LOOKS_LIKE_ONE = re.compile(r"_(MAX|DEPTH|NODES|S)$")
CONSTANT = re.compile(r"\b([A-Z][A-Z0-9_]*)\s*=(?!=)\s*([^,;{}]+?)\s*(?=[,}])")
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
             ast.LShift: operator.lshift, ast.FloorDiv: operator.floordiv}
HEAD = """# Limits

Every limit of size, depth, count and time. Past a limit the input is refused with what the table shows; where something is left out
instead, the table says so. Each is tried by the tests named, at its value and past it; where there is none, the table says why.
This page is made by `tools/limits.py --write` from `docs/limits.toml` and the code.
"""


class Constants:
    """The enumerators of the code: {file: {name: expression}}."""

    def __init__(self, root):
        self.files = {}
        for name in tree.files(root, ".c", ".h", under=("src", "include")):
            if not name.startswith("src/sim/"):
                text = re.sub(r"\s+", " ", tree.code(tree.read(root, name)))
                self.files[name] = {
                    found[1]: found[2] for body in re.findall(r"\benum\b[^{;()]*\{([^}]*\})", text)
                    for found in CONSTANT.finditer(body)}

    def value(self, file, name):
        """The number that an enumerator stands for; None when it cannot be told."""
        places = [file, *self.files]
        text = next((self.files[place][name] for place in places
                     if name in self.files.get(place, {})), None)
        if text is None:
            return None
        try:
            return self.work_out(file, ast.parse(text.replace("/", "//"), mode="eval").body)
        except (SyntaxError, TypeError):
            return None

    def work_out(self, file, node):
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.Name):
            return self.value(file, node.id)
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](self.work_out(file, node.left),
                                            self.work_out(file, node.right))
        raise TypeError(ast.dump(node))


def has_test(root, test):
    file, _, name = test.partition(":")
    path = root / file
    pattern = rf"\bdef {name}\(" if file.endswith(".py") else rf"\b[A-Z_]*TEST\({name}[,)]"
    return path.is_file() and re.search(pattern, path.read_text()) is not None


def faults_of(root, row, constants, reasons):
    """What is wrong with one row."""
    name, file = row["name"], row["file"]
    if name not in constants.files.get(file, {}):
        yield f"{file} has no {name}"
    elif constants.value(file, name) is None:
        yield f"{file}: the value of {name} cannot be worked out"
    if ("untested" in row) == ("tests" in row):
        yield f"{name}: give tests, or say why it is untested"
    for test in row.get("tests", []):
        if not has_test(root, test):
            yield f"{name}: there is no test {test}"
    for word in re.findall(r"\b[A-Z]+_[A-Z_]+\b", row["past"]):
        if word not in reasons and not word.startswith("WARD_"):
            yield f"{name}: {word} is no reason code"


def faults(root, table, constants):
    reasons = set(re.findall(r"^REASON\((\w+)", tree.read(root, "src/model/reasons.def"), re.M))
    listed = {(row["file"], row["name"]) for row in table["limit"]}
    for row in table["limit"]:
        yield from faults_of(root, row, constants, reasons)
    if len(listed) != len(table["limit"]):
        yield "a limit is listed twice"
    others = {(file, name) for file, row in table["not_a_limit"].items() for name in row["names"]}
    for file, name in sorted(others):
        if name not in constants.files.get(file, {}):
            yield f"not_a_limit: {file} has no {name}"
    for file, names in sorted(constants.files.items()):
        for name in sorted(names):
            if LOOKS_LIKE_ONE.search(name) and (file, name) not in listed | others:
                yield f"{file}: {name} is not in {TABLE}"


def number(value, unit):
    if unit == "bytes" and value >= 1 << 20 and value % (1 << 20) == 0:
        return f"{value >> 20} MiB"
    if unit == "bytes" and value >= 1 << 10 and value % (1 << 10) == 0:
        return f"{value >> 10} KiB"
    return f"{value} {unit}"


def marked(text):
    """Codes and calls as code, unless they are marked already."""
    return re.sub(r"(?<!`)\b([A-Z]+_[A-Z_]+)\b(?!`)", r"`\1`", text)


def tests_of(row):
    links = [f"[{test.partition(':')[2]}](../{test.partition(':')[0]})"
             for test in row.get("tests", [])]
    return ", ".join(links) or f"none: {row['untested']}"


def document(table, constants):
    lines, group = [HEAD], None
    for row in table["limit"]:
        if row["group"] != group:
            group = row["group"]
            lines += [f"{'' if len(lines) == 1 else chr(10)}## {group}\n",
                      "| limit | value | bounds | past it | tests |", "|---|---|---|---|---|"]
        value = number(constants.value(row["file"], row["name"]), row["unit"])
        lines.append(f"| [{row['name']}](../{row['file']}) | {value} | {row['what']} | "
                     f"{marked(row['past'])} | {tests_of(row)} |")
    return "\n".join(lines) + "\n"


def main():
    parser = tree.parser(__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    root = pathlib.Path(options.root)
    table, constants = tomllib.loads(tree.read(root, TABLE)), Constants(root)
    found = list(faults(root, table, constants))
    if not found:
        wanted, path = document(table, constants), root / DOCUMENT
        if options.write:
            path.write_text(wanted)
        elif not path.exists() or path.read_text() != wanted:
            found.append(f"{DOCUMENT}: stale; run tools/limits.py --write")
    for fault in found:
        print(f"limits: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
