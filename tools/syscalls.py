"""syscalls.py - compiles a list of system calls that people review, NAME.syscalls, into the
C table that jail_enter takes: `static const struct call_rule NAME_rules[]`. A name may stand several times,
each time with another value of the same argument under the same mask.

NAME.seccomp is the same for an OCI runtime, which wants names beside numbers: `static const struct seccomp_rule
NAME_rules[]`. There a name may stand with any other condition; a condition may go on with
`, argN & 0xMASK == 0xVALUE`, and then both must hold; and `name argN & 0xMASK != 0xVALUE` has all uses but these, of
which several lines may be. With --rest the table is of what such a list refuses, `static const struct seccomp_rule NAME_refused[]`: each call that it does not name, and of
those with conditions the other uses, so that no use is in both tables, nor in two rows of one. --but leaves out
calls, --within those uses whose argument has a bit beyond a mask, and --except one value of a call's.

A line is `name`, or `name argN & 0xMASK == 0xVALUE` where only some uses are allowed. Lines
without an empty line or a comment between them are a group, and a comment before each group
says why the process needs it. Every mistake is reported at once; then nothing is written."""

import argparse
import difflib
import os
import pathlib
import re
import shlex
import subprocess
import sys

TABLE_NAME = re.compile(r"[a-z][a-z0-9_]*")
CONDITION = r"arg([0-9]+) & 0x([0-9a-f]+) == 0x([0-9a-f]+)"
RULE = re.compile(rf"([a-z0-9_]+)(?: {CONDITION})?")
BOTH = re.compile(rf"([a-z0-9_]+) {CONDITION}, {CONDITION}")
BUT = re.compile(r"([a-z0-9_]+) arg([0-9]+) & 0x([0-9a-f]+) != 0x([0-9a-f]+)")
WORD = re.compile(r"[A-Za-z]{2,}")
REGISTER = 1 << 64


def known_calls(compiler):
    """The names that the kernel headers of the compiler's machine give a number."""
    done = subprocess.run([*compiler, "-E", "-dM", "-x", "c", "-"], check=True, text=True,
                          input="#include <sys/syscall.h>\n", stdout=subprocess.PIPE)
    return set(re.findall(r"^#define SYS_(\w+) ", done.stdout, re.M))


class Table:
    """A NAME.syscalls file as read: its rules as C, and what is wrong with it."""

    def __init__(self, text, known, named=False):
        self.known, self.rules, self.faults = known, [], []
        self.named = named  # the rules have the name of the call, and not its number
        self.lines = {}     # call, or call with its condition: the line it stands in
        self.whole = set()  # calls that stand without a condition
        self.conditions = {}  # those of the others: lists of (argument, mask, value), of which all must hold
        self.excepted = {}    # and of those that are allowed but for some uses
        self.why = False    # the comment lines just before say something
        self.group = False  # the line before was a rule
        for number, line in enumerate(text.split("\n"), 1):
            for fault in self.read(number, line):
                self.faults.append((number, fault))
        if not self.rules and not self.faults:
            self.faults.append((1, "no system call is listed"))

    def read(self, number, line):
        """Takes one line; yields what is wrong with it."""
        if line.startswith("#"):
            self.why = bool(WORD.search(line)) or (self.why and not self.group)
            self.group = False
        elif not line:
            self.why = self.group = False
        else:
            if not self.group and not self.why:
                yield "the line before must be a comment that says why"
            self.group = True
            yield from self.rule(number, line)

    def rule(self, number, line):
        found = RULE.fullmatch(line)
        both = BOTH.fullmatch(line) if self.named else None
        but = BUT.fullmatch(line) if self.named else None
        if not (found or both or but):
            yield f'"{line}" is neither "name" nor "name argN & 0xMASK == 0xVALUE"'
            return
        name, *words = (found or both or but).groups()
        if name not in self.known:
            near = difflib.get_close_matches(name, sorted(self.known), 1)
            yield f'no system call is named "{name}"' + (f' (is it "{near[0]}"?)' if near else "")
        if name in self.lines and (words[0] is None or name in self.whole or line in self.lines
                                   or (name in self.excepted) != bool(but)):
            yield f'"{name}" stands already in line {self.lines[name]}'
        self.lines.setdefault(name, number)
        self.lines.setdefault(line, number)
        if words[0] is None:
            self.whole.add(name)
            self.rules.append(row(name, (), self.named))
            return
        conditions = [(int(argument), int(mask, 16), int(value, 16))
                      for argument, mask, value in zip(*[iter(words)] * 3)]
        for condition in conditions:
            yield from faults_of_condition(*condition)
        if len({argument for argument, _, _ in conditions}) < len(conditions):
            yield "two conditions are of two arguments"
        if but:
            yield from self.but(name, *conditions)
            return
        if not self.named and {one[0][:2] for one in self.conditions.get(name, ())} - {conditions[0][:2]}:
            yield f'"{name}" stands with another argument or mask in line {self.lines[name]}'
        self.conditions.setdefault(name, []).append(conditions)
        self.rules.append(row(name, conditions, self.named))

    def but(self, name, condition):
        before = self.excepted.setdefault(name, [])
        if before and before[0][:2] != condition[:2]:
            yield f'the lines of "{name}" must all have one argument and mask'
        before.append(condition)

    def all_rules(self):
        """Those of the lines, and of calls with exceptions the other uses, cut into pieces that do not meet."""
        return self.rules + [row(name, [(but[0][0], mask, value)], self.named) for name, but in self.excepted.items()
                             for mask, value in others(but[0][1], {value for _, _, value in but})]


def row(name, conditions, named):
    words = [f'.name = "{name}", .number = SYS_{name}' if named else f".number = SYS_{name}"]
    fields = [f".argument = {argument}, .mask = {mask:#x}, .value = {value:#x}" for argument, mask, value in conditions]
    if fields:
        words += [".masked = true", fields[0]]
    if fields[1:]:
        words.append(f".also = {{ {fields[1]} }}")
    return f"{{ {', '.join(words)} }}"


def faults_of_condition(argument, mask, value):
    if argument > 5:
        yield f"a system call has arguments 0 to 5, not {argument}"
    if mask >= REGISTER or value >= REGISTER:
        yield "an argument has 64 bits"
    if mask == 0:
        yield "a mask of 0 looks at nothing: write the name alone"
    elif value & ~mask:
        yield f"never true: the mask does not let {value & ~mask:#x} through"


def others(mask, values):
    """Conditions (mask, value), no two of which meet, for all that is under the mask but the values."""
    found, looked_at, ways = [], 0, {0: set(values)}
    for bit in (1 << number for number in reversed(range(64)) if mask >> number & 1):
        looked_at |= bit
        halves = {way | more: {value for value in below if value & bit == more}
                  for way, below in ways.items() for more in (0, bit)}
        found += [(looked_at, way) for way, below in halves.items() if not below]
        ways = {way: below for way, below in halves.items() if below}
    return found


def rest(table, left_out, masks, values):
    """The rows of what a list refuses, but for the calls that are left out, what is beyond a call's mask, and
    the one value of a call's."""
    rows = [row(name, (), True) for name in sorted(table.known - set(table.lines) - set(left_out))]
    for name, conditions in table.conditions.items():
        argument, mask, _ = conditions[0][0]
        below = {}
        for first, *more in conditions:
            below.setdefault(first[2], []).extend(more)
        if len({first[:2] for first, *_ in conditions}) > 1 or \
                any(len({more[:2] for more in group}) > 1 for group in below.values()):
            sys.exit(f"{name}: what its conditions refuse is known only where all have one argument and mask")
        rows += [row(name, [(argument, within, value)], True)
                 for within, value in others(mask, set(below) | values.get(name, set()))
                 if value & ~masks.get(name, mask) == 0]
        rows += [row(name, [(argument, mask, value), (group[0][0], within, other)], True)
                 for value, group in below.items() if group
                 for within, other in others(group[0][1], {more[2] for more in group})]
    return rows + [row(name, [condition], True) for name, but in table.excepted.items() for condition in but]


def header(source, kind_of_table, rules):
    lines = "".join(f"    {rule},\n" for rule in rules)
    named = source.suffix == ".seccomp"
    face = "sandbox/seccomp.h" if named else "os/jail.h"
    includes = f'#include <sys/syscall.h>\n\n#include "{face}"\n\n'
    kind = "seccomp_rule" if named else "call_rule"
    return (f"/* Made by tools/syscalls.py from {source.name}. */\n{includes}"
            f"static const struct {kind} {source.stem}_{kind_of_table}[] = {{\n{lines}}};\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(" - ", 1)[1].split("\n\n")[0])
    parser.add_argument("source", type=pathlib.Path, help="NAME.syscalls or NAME.seccomp")
    parser.add_argument("output", type=pathlib.Path, help="the C header to write")
    parser.add_argument("--cc", default=os.environ.get("CC") or "cc",
                        help="the compiler whose headers name the calls (default: %(default)s)")
    parser.add_argument("--rest", action="store_true", help="the table of what the list refuses")
    parser.add_argument("--but", nargs="*", default=[], metavar="CALL", help="calls that --rest leaves out")
    parser.add_argument("--within", nargs="*", default=[], metavar="CALL=MASK",
                        help="of a call with conditions, --rest has no use with other bits than these")
    parser.add_argument("--except", nargs="*", default=[], metavar="CALL=VALUE", dest="values",
                        help="of a call with conditions, --rest does not have the use with this value")
    options = parser.parse_args()
    source = options.source
    values = {name: {int(value, 16)} for name, value in (word.split("=") for word in options.values)}
    masks = {name: int(mask, 16) for name, mask in (word.split("=") for word in options.within)}
    if source.suffix not in (".syscalls", ".seccomp") or not TABLE_NAME.fullmatch(source.stem):
        sys.exit(f"{source}: the name must be NAME.syscalls or NAME.seccomp, and NAME one of C, in "
                 "lower case")
    text = source.read_bytes().decode("utf-8", "replace")
    table = Table(text, known_calls(shlex.split(options.cc)), source.suffix == ".seccomp")
    if table.faults:
        sys.exit("\n".join(f"{source}:{number}: {fault}" for number, fault in table.faults))
    made = ("refused", rest(table, options.but, masks, values)) if options.rest else ("rules", table.all_rules())
    options.output.write_text(header(source, *made), encoding="utf-8")


if __name__ == "__main__":
    main()
