"""threat_model.py - writes the tables of docs/threat-model.md, or checks that they are current.

The rows stand in docs/threat-model.toml.  A row names requirement lines; the tests that carry
those lines are found in the tree, so nobody keeps a list of tests by hand.  It runs no test:
that a test passes is the business of tools/conformance.py.

    python3 tools/threat_model.py            the rows that no test answers for yet
    python3 tools/threat_model.py --write    rewrite the tables
    python3 tools/threat_model.py --check    exit 1 when the rows are wrong or the tables are stale
"""

import re
import sys
import tomllib

import conformance
import layers
import requirements
import tree

ROWS = "docs/threat-model.toml"
PAGE = "docs/threat-model.md"
BEGIN = "<!-- made by tools/threat_model.py: do not edit below -->"
END = "<!-- end of what tools/threat_model.py makes -->"

NEEDED = ("id", "from", "title", "what", "answer", "owner", "requirements")
OPTIONAL = ("leaves",)
SEEDS = ("challenge-sdk", "cyxwiz", "dstack-cloud", "platform-validator",
         "swqos-marketplace", "design")
ROOMS = {*layers.LAYER, "-"}
PROCESSES = set("""monitor front dial verify core keeper signer audit fetch runner fence guest
    tee -""".split())

ROW_ID = re.compile(r"^[TAR]-[1-9][0-9]*$")


def read_rows(root):
    with open(root / ROWS, "rb") as file:
        return tomllib.load(file)["row"]


def tagged_tests(root):
    """{requirement id: sorted list of "tests/file:name"} of every claim in the tree."""
    found = {}
    for test, lines in conformance.claims(root).items():
        for line in lines:
            found.setdefault(line, set()).add(test)
    return {line: sorted(tests) for line, tests in found.items()}


# --- judging the rows ---------------------------------------------------------------------


def row_faults(row, residual, known):
    """What is wrong with one row, as sentences."""
    missing = [key for key in NEEDED if key not in row]
    if missing:
        yield f"lacks {', '.join(missing)}"
        return
    for key, value in row.items():
        if key not in NEEDED + OPTIONAL:
            yield f"has an unknown key {key}"
        elif not isinstance(value, str) or "|" in value or "\n" in value:
            yield f"{key} is not one line of text without a bar"
        elif not value.strip() and key != "requirements":
            yield f"{key} is empty"
    if not ROW_ID.match(row["id"]):
        yield "has an id that is not T-n, A-n or R-n"
    for part in row["from"].split("; "):
        if part.split(":")[0] not in SEEDS:
            yield f"comes from no seed: {part}"
    yield from owner_faults(row["owner"])
    for line in row["requirements"].split():
        if line not in known:
            yield f"names a requirement that does not exist: {line}"
    for left in row.get("leaves", "").split():
        if left not in residual:
            yield f"leaves a residual risk that does not exist: {left}"


def owner_faults(owner):
    if owner.count(" / ") != 1:
        yield "owner is not 'rooms / processes'"
        return
    rooms, processes = owner.split(" / ")
    for room in set(rooms.split()) - ROOMS:
        yield f"has an unknown room: {room}"
    for process in set(processes.split()) - PROCESSES:
        yield f"has an unknown process: {process}"


def faults(rows, known):
    """Everything that is wrong, each line naming its row."""
    found = []
    ids = [row.get("id", "?") for row in rows]
    residual = {i for i in ids if i.startswith("R-")}
    for i in sorted({i for i in ids if ids.count(i) > 1}):
        found.append(f"{i}: stands there twice")
    for row in rows:
        found += [f"{row.get('id', '?')}: {fault}" for fault in row_faults(row, residual, known)]
    return found


# --- the tables ---------------------------------------------------------------------------


def proof_cell(row, tests):
    """How far the row's requirement lines have tests, in a few words."""
    lines = row["requirements"].split()
    if not lines:
        return ""
    tagged = [line for line in lines if line in tests]
    if not tagged:
        return "not built yet"
    count = len({test for line in tagged for test in tests[line]})
    return f"{len(tagged)} of {len(lines)} lines, [{count} test{'s' * (count != 1)}](#tests-by-row)"


def table(rows, tests, columns):
    """Markdown table; columns are pairs of a heading and a function of the row."""
    out = ["| " + " | ".join(heading for heading, _ in columns) + " |",
           "|" + "---|" * len(columns)]
    for row in rows:
        out.append("| " + " | ".join(cell(row) or " " for _, cell in columns) + " |")
    return out


def tables(rows, tests):
    def proof(row):
        return proof_cell(row, tests)

    def place(row):
        first, *more = row["from"].split("; ")
        return "; ".join([first.split(": ", 1)[-1]] + more)

    def title(row):
        return f"**{row['title']}.** {row['what']}"

    def owner(row):
        return row["owner"].replace("- / -", "nobody's code")

    of = {letter: [r for r in rows if r["id"].startswith(letter)] for letter in "TAR"}
    columns = [("id", lambda r: r["id"]), ("where", place), ("what is feared", title),
               ("the answer", lambda r: r["answer"]), ("left over", lambda r: r.get("leaves", "")),
               ("rooms / processes", owner), ("requirements", lambda r: r["requirements"]),
               ("tests", proof)]
    out = ["## Threats", ""]
    for seed in SEEDS:
        chosen = [r for r in of["T"] if r["from"].startswith(seed + ":")]
        out += [f"### {seed}", "", *table(chosen, tests, columns), ""]
    whole = [columns[0], ("where", lambda r: r["from"]), *columns[2:4], *columns[5:]]
    whole[2] = ("what is taken for granted", title)
    out += ["## Assumptions", "", *table(of["A"], tests, whole), ""]
    whole[2:4] = [("what is left", title), ("what you can do", lambda r: r["answer"])]
    out += ["## Residual risks", "", *table(of["R"], tests, whole), ""]
    return out


def test_list(rows, tests):
    """Row by row the tests that answer for it, grouped by file."""
    out = ["## Tests by row", "",
           "Rows that are not here have no test yet.", ""]
    for row in rows:
        files = {}
        for line in row["requirements"].split():
            for test in tests.get(line, ()):
                file, name = test.split(":")
                files.setdefault(file, set()).add(name)
        if files:
            out.append(f"- **{row['id']}** " + "; ".join(
                f"`{file}`: " + ", ".join(sorted(names)) for file, names in sorted(files.items())))
    return out + [""]


def page(text, rows, tests):
    """The page with its made part replaced; None when its marks are missing."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        return None
    made = "\n".join(["", *tables(rows, tests), *test_list(rows, tests)])
    return text[:text.index(BEGIN) + len(BEGIN)] + "\n" + made + text[text.index(END):]


def unanswered(rows, tests):
    for row in rows:
        lines = row["requirements"].split()
        if row["id"].startswith("T-") and not any(line in tests for line in lines):
            yield f"{row['id']}: {row['title']}"


def main():
    parser = tree.parser(__doc__)
    parser.add_argument("--write", action="store_true", help="rewrite the tables")
    parser.add_argument("--check", action="store_true",
                        help="exit 1 when the rows are wrong or the tables stale")
    options = parser.parse_args()
    rows, tests = read_rows(options.root), tagged_tests(options.root)
    wrong = faults(rows, {line[0] for line in requirements.read(options.root)})
    old = tree.read(options.root, PAGE)
    new = None if wrong else page(old, rows, tests)
    if not wrong and new is None:
        wrong = [f"{PAGE}: the two marks of the made part are not there once, in order"]
    if options.write and not wrong:
        (options.root / PAGE).write_text(new, encoding="utf-8")
    elif options.check and not wrong and new != old:
        wrong = [f"{PAGE} is stale: run python3 tools/threat_model.py --write"]
    elif not options.check and not wrong:
        print("\n".join(unanswered(rows, tests)))
    print("\n".join(wrong), end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
