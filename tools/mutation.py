"""mutation.py - finds the checks in a C text and makes the text in which one of them is
broken. A check is written `if (bad) return report_fail(report, CHECK_AT_2, REASON_X, ..)`,
with or without braces and return. Works on text only; runs nothing."""

import dataclasses
import re

import tree

CALL = re.compile(r"\breport_fail\s*\(")
EDGES = {"<=": "<", ">=": ">", "<": "<=", ">": ">=", "==": "!=", "!=": "==", "&&": "||",
         "||": "&&"}
OPERATOR = re.compile(r"(?<![<>=!&|-])(<=|>=|==|!=|&&|\|\||(?<!<)<(?![<=])|(?<![->])>(?![>=]))"
                      r"(?![=<>&|])")


@dataclasses.dataclass(frozen=True)
class Site:
    """One report_fail. `check` is "AT-2", or "*" where a variable names it. `start` and
    `end` enclose the condition with its parentheses, or the call where there is none."""
    file: str
    line: int
    function: str
    check: str
    reason: str
    number: int
    start: int
    end: int
    conditional: bool

    @property
    def name(self):
        again = f" #{self.number}" if self.number > 1 else ""
        return f"{self.file}:{self.function} {self.check} {self.reason}{again}"


@dataclasses.dataclass(frozen=True)
class Mutant:
    site: Site
    kind: str
    text: str

    @property
    def name(self):
        return f"{self.site.name} {self.kind}"


def closing(code, start, pair="()"):
    """Offset just past the bracket that closes the one at start."""
    depth = 0
    for offset in range(start, len(code)):
        depth += (code[offset] == pair[0]) - (code[offset] == pair[1])
        if depth == 0:
            return offset + 1
    return len(code)


def branches(code):
    """(condition start, condition end, body start, body end) of each if."""
    for found in re.finditer(r"\bif\s*\(", code):
        start = found.end() - 1
        end = closing(code, start)
        body = end + len(code[end:]) - len(code[end:].lstrip())
        yield start, end, body, statement_end(code, body)


def statement_end(code, start):
    if code[start:start + 1] == "{":
        return closing(code, start, "{}")
    depth = 0
    for offset in range(start, len(code)):
        depth += (code[offset] in "({[") - (code[offset] in ")}]")
        if code[offset] == ";" and depth == 0:
            return offset + 1
    return len(code)


def sites(file, text):
    """Every report_fail of a C text, in order."""
    code = tree.code(text)
    spans, seen = list(branches(code)), {}
    functions = list(tree.functions(text))
    for call in CALL.finditer(code):
        line = tree.line_of(code, call.start())
        function = next((name for name, first, last in functions if first <= line <= last), None)
        if function is None:
            continue  # a declaration
        arguments = code[call.end():closing(code, call.end() - 1) - 1].split(",")
        check = re.fullmatch(r"\s*CHECK_([A-Z]{2})_(\d+)\s*", (arguments + ["", ""])[1])
        reason = re.search(r"REASON_(\w+)", (arguments + ["", "", ""])[2])
        check = f"{check.group(1)}-{check.group(2)}" if check else "*"
        reason = reason.group(1) if reason else "-"
        key = (function, check, reason)
        seen[key] = seen.get(key, 0) + 1
        start, end, conditional = guard(code, spans, call.start())
        yield Site(file, line, function, check, reason, seen[key], start, end, conditional)


def guard(code, spans, call):
    """The condition that leads to the call; the call itself where nothing does."""
    before = re.sub(r"\breturn\s*$", "", code[:call]).rstrip()
    around = [span for span in spans if span[2] <= call < span[3]]
    if around and not re.search(r"\belse$", before):
        start, end, _, _ = max(around)
        return start, end, True
    return call, closing(code, code.index("(", call)), False


def without(site, text):
    """The check is asked and its answer ignored: what it reads is still read."""
    old = text[site.start:site.end]
    if site.conditional:
        return text[:site.start] + f"({old} && 0)" + text[site.end:]
    return text[:site.start] + "1" + text[site.end:]


def mutants(site, text, kinds):
    """Yields the mutants of a site: `delete` ignores the check, `invert` turns it round,
    `edge` changes one operator of its condition."""
    if "delete" in kinds:
        yield Mutant(site, "delete", without(site, text))
    if not site.conditional:
        return
    old = text[site.start:site.end]
    if "invert" in kinds:
        yield Mutant(site, "invert", text[:site.start] + f"(!{old})" + text[site.end:])
    if "edge" in kinds:
        code = tree.code(text)
        for number, found in enumerate(OPERATOR.finditer(code, site.start, site.end), 1):
            new = EDGES[found.group(1)]
            yield Mutant(site, f"edge {number} ({found.group(1)} to {new})",
                         text[:found.start(1)] + new + text[found.end(1):])
