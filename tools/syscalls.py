"""syscalls.py - compiles a list of system calls that people review, NAME.syscalls, into the
C table that jail_enter takes: `static const struct call_rule NAME_rules[]`. A name may stand several times,
each time with another value of the same argument under the same mask.

NAME.seccomp is the same for an OCI runtime, which wants names beside numbers: `static const struct seccomp_rule
NAME_rules[]`. There each may have any other condition. With --rest the table is of
what such a list refuses, `static const struct seccomp_rule NAME_refused[]`: each call that it does not name, and of
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
RULE = re.compile(r"([a-z0-9_]+)(?: arg([0-9]+) & 0x([0-9a-f]+) == 0x([0-9a-f]+))?")
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
        self.conditions = {}  # those of the others: (argument, mask, value)
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
        if not found:
            yield f'"{line}" is neither "name" nor "name argN & 0xMASK == 0xVALUE"'
            return
        name, argument, mask, value = found.groups()
        if name not in self.known:
            near = difflib.get_close_matches(name, sorted(self.known), 1)
            yield f'no system call is named "{name}"' + (f' (is it "{near[0]}"?)' if near else "")
        if name in self.lines and (argument is None or name in self.whole or line in self.lines):
            yield f'"{name}" stands already in line {self.lines[name]}'
        self.lines.setdefault(name, number)
        self.lines.setdefault(line, number)
        call = f'.number = SYS_{name}'
        call = f'.name = "{name}", {call}' if self.named else call
        if argument is None:
            self.whole.add(name)
            self.rules.append(f'{{ {call} }}')
            return
        argument, mask, value = int(argument), int(mask, 16), int(value, 16)
        yield from faults_of_condition(argument, mask, value)
        if not self.named and {one[:2] for one in self.conditions.get(name, ())} - {(argument, mask)}:
            yield f'"{name}" stands with another argument or mask in line {self.lines[name]}'
        self.conditions.setdefault(name, []).append((argument, mask, value))
        self.rules.append(f'{{ {call}, .masked = true, .argument = {argument}, '
                          f'.mask = {mask:#x}, .value = {value:#x} }}')


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
    rows = [f'{{ .name = "{name}", .number = SYS_{name} }}'
            for name in sorted(table.known - set(table.lines) - set(left_out))]
    for name, conditions in table.conditions.items():
        if len({condition[:2] for condition in conditions}) > 1:
            sys.exit(f"{name}: what its conditions refuse is known only where all have one argument and mask")
        argument, mask, _ = conditions[0]
        kept = {condition[2] for condition in conditions}
        rows += [f'{{ .name = "{name}", .number = SYS_{name}, .masked = true, .argument = {argument}, '
                 f'.mask = {within:#x}, .value = {value:#x} }}'
                 for within, value in others(mask, kept | values.get(name, set()))
                 if value & ~masks.get(name, mask) == 0]
    return rows


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
    made = ("refused", rest(table, options.but, masks, values)) if options.rest else ("rules", table.rules)
    options.output.write_text(header(source, *made), encoding="utf-8")


if __name__ == "__main__":
    main()
