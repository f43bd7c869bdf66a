"""reasons.py - docs/reasons.md, the runbook: each reason code with its cause, the checks that give
it, whose business it is and what to do. --write makes it anew from src/model/*.def and the places
in the code that refuse; --check fails when it is stale."""

import ast
import pathlib
import re
import sys

import tree

DOCUMENT = "docs/reasons.md"
SIDES = {"SIDE_PEER": "peer", "SIDE_HOST": "host", "SIDE_MINE": "mine"}
# Where the check of a refusal stands in a variable: the checks that it may be.
VARIABLES = {
    "line": ("AT_17", "AT_24"),
    "lines->platform": ("AT_31", "AT_35"),
    "lines->component": ("AT_32", "AT_35"),
    "lines->names": ("AT_33", "AT_35"),
    "first_check(request)": ("AT_1", "AN_1"),
}
NOT_OF_A_CHECK = ("OK",)
HEAD = """# Reason codes

What each code means and what to do about it: the same texts that `ward verify --reasons` prints, with the checks that give the code.
A result's `reason` is that of the first failing check in the order of the checklist; `detail` names the file, certificate, date or
value. Codes are stable: none is renamed or changes its meaning.

`side` says whose business a failure is:

| side | who acts |
|---|---|
| peer | whoever sent the evidence: do not trust it until it passes |
| host | whoever runs the machine under it: update, reconfigure or replace the platform |
| mine | you, who judge: your collateral, clock, roots or policy |

This page is made by `tools/reasons.py --write`.
"""


def text_of(literals):
    """The value of C string literals that stand side by side."""
    return ast.literal_eval(f"({literals})")


def checks_of(root):
    """{"AT_1": (text, side, name)} in order."""
    rows = re.findall(r'^CHECK\((\w+), "([^"]+)", (\w+), "([^"]+)"\)',
                      tree.read(root, "src/model/checks.def"), re.M)
    return {name: (text, SIDES[side], title) for name, text, side, title in rows}


def reasons_of(root):
    """(name, cause, help) and (None, section, "") in the order of the file."""
    pattern = r'^REASON\((\w+), \w+, ("(?:\\.|[^"\\])*"), ("(?:\\.|[^"\\])*")\)|^/\* (.*?)\s*\*/'
    for found in re.finditer(pattern, tree.read(root, "src/model/reasons.def"), re.M):
        if found[1]:
            yield found[1], text_of(found[2]), text_of(found[3])
        else:
            yield None, found[4], ""


def refusals(root):
    """(file, check as written, reason as written) of every refusal in the code."""
    call = re.compile(r"\breport_fail\(\s*[^,]+,\s*((?:[^,()]|\([^()]*\))+),\s*([^,]+),")
    for name in tree.files(root, ".c", under=("src",)):
        for check, reason in call.findall(tree.code(tree.read(root, name), keep_strings=True)):
            yield name, check.strip(), reason.strip()


def given_by(root, checks):
    """{reason: {check}} and what could not be understood."""
    pairs, faults = {}, []
    for file, check, reason in refusals(root):
        names = VARIABLES.get(check, (check.removeprefix("CHECK_"),))
        reasons = [reason.removeprefix("REASON_")]
        if reason.endswith("->problem"):
            reasons = re.findall(r"\b(?:problem =|return) REASON_(?!NONE)(\w+)", tree.read(root, file))
        elif not reason.startswith("REASON_"):
            reasons = []
        if not reasons or any(name not in checks for name in names):
            faults.append(f"{file}: report_fail({check}, {reason}) is not understood; "
                          f"tools/reasons.py lists such variables")
        for found in reasons:
            pairs.setdefault(found, set()).update(names)
    return pairs, faults


def places_of(root):
    """{reason: [file]}: where the code names a reason that no check gives."""
    places = {}
    for file in tree.files(root, ".c", under=("src",)):
        for name in set(re.findall(r"\bREASON_(\w+)", tree.code(tree.read(root, file)))):
            places.setdefault(name, []).append(file)
    return places


def document(root):
    """The page, and what is wrong."""
    checks = checks_of(root)
    order = {name: number for number, name in enumerate(checks)}
    pairs, faults = given_by(root, checks)
    places = places_of(root)
    lines = [HEAD]
    for name, cause, advice in reasons_of(root):
        if name is None:
            section = re.sub(r"\s*\(spec[^)]*\)|\.$", "", cause)
            lines += [f"## {section}", ""]
            continue
        lines += [f"### {name}", "", cause, ""]
        if name in NOT_OF_A_CHECK:
            continue
        lines += [f"*Do:* {advice}", ""] if advice else []
        if name not in pairs and name in places:
            lines += ["*Given by:* " + ", ".join(f"`{file}`" for file in sorted(places[name])), ""]
            continue
        if name not in pairs and not faults:
            faults.append(f"{name}: nothing gives it")
        lines.append("*Given by:* " + "; ".join(
            f"{checks[check][0]} {checks[check][2]} ({checks[check][1]})"
            for check in sorted(pairs.get(name, ()), key=order.get)))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n", faults


def main():
    parser = tree.parser(__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    root = pathlib.Path(options.root)
    wanted, faults = document(root)
    path = root / DOCUMENT
    if options.write and not faults:
        path.write_text(wanted)
    elif not faults and (not path.exists() or path.read_text() != wanted):
        faults.append(f"{DOCUMENT}: stale; run tools/reasons.py --write")
    for fault in faults:
        print(f"reasons: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
