"""test_syscalls.py - each mistake that a list of system calls can hold is found, with its
line, and then no table is made; a right list becomes C that a compiler takes."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import bad_tree
import tap

TOOL = bad_tree.ROOT / "tools" / "syscalls.py"

GOOD = """\
# sample.syscalls - what the sample may do.
#
# Messages come and go.

# The channel; a read of 0 bytes is how the other side says that it is gone.
read
write

# Memory grows, and is never made executable.
mmap arg2 & 0x4 == 0x0
# To leave.
#
exit_group
"""

# What is wrong, the text, the line, a piece of what must be said.
BAD = (
    ("empty file", "", 1, "no system call is listed"),
    ("comments only", "# nothing at all is needed\n", 1, "no system call is listed"),
    ("no comment", "read\n", 1, "must be a comment that says why"),
    ("comment of another group", "# to read\nread\n\nwrite\n", 4, "must be a comment"),
    ("comment with a gap", "# to read\n\nread\n", 3, "must be a comment"),
    ("comment without words", "#\nread\n", 2, "must be a comment"),
    ("comment of signs", "# --- 1 ---\nread\n", 2, "must be a comment"),
    ("comment of the group before", "# to read\nread\n#\nwrite\n", 4, "must be a comment"),
    ("indented comment", " # to read\nread\n", 1, "is neither"),
    ("unknown name", "# to read\nraed\n", 2, 'no system call is named "raed" (is it "read"?)'),
    ("nothing like it", "# why not\nxyzzyzyx\n", 2, 'no system call is named "xyzzyzyx"'),
    ("name of the C library", "# to write\nprintf\n", 2, "no system call is named"),
    ("number", "# to read\n0\n", 2, 'no system call is named "0"'),
    ("twice", "# to read\nread\nread\n", 3, '"read" stands already in line 2'),
    ("twice, once masked", "# to read\nread\n\n# more\nread arg0 & 0x1 == 0x1\n", 5, "line 2"),
    ("upper case", "# to read\nREAD\n", 2, "is neither"),
    ("two names", "# to read\nread write\n", 2, "is neither"),
    ("comment behind", "# to read\nread # it\n", 2, "is neither"),
    ("space behind", "# to read\nread \n", 2, "is neither"),
    ("carriage return", "# to read\nread\r\n", 2, "is neither"),
    ("NUL", "# to read\nread\0\n", 2, "is neither"),
    ("half a condition", "# to map\nmmap arg2 & 0x4\n", 2, "is neither"),
    ("decimal mask", "# to map\nmmap arg2 & 4 == 0x0\n", 2, "is neither"),
    ("other comparison", "# to map\nmmap arg2 & 0x4 != 0x4\n", 2, "is neither"),
    ("two conditions that a jail has not", "# to map\nmmap arg2 & 0x4 == 0x0, arg3 & 0x1 == 0x0\n", 2, "is neither"),
    ("two conditions", "# to map\nmmap arg2 & 0x4 == 0x0 arg3 & 0x1 == 0x0\n", 2, "is neither"),
    ("seventh argument", "# to map\nmmap arg6 & 0x4 == 0x0\n", 2, "arguments 0 to 5, not 6"),
    ("mask too long", "# to map\nmmap arg2 & 0x10000000000000000 == 0x0\n", 2, "64 bits"),
    ("value too long", "# to map\nmmap arg2 & 0x4 == 0x10000000000000000\n", 2, "64 bits"),
    ("mask of nothing", "# to map\nmmap arg2 & 0x0 == 0x0\n", 2, "write the name alone"),
    ("never true", "# to map\nmmap arg2 & 0x4 == 0x6\n", 2, "does not let 0x2 through"),
)

USE = """\
#include "sample.h"
#include <stdio.h>
int main(void)
{
    for (size_t i = 0; i < sizeof sample_rules / sizeof sample_rules[0]; i++) {
        const struct call_rule *rule = &sample_rules[i];
        printf("%d %d %u %lx %lx\\n", rule->number, rule->masked, rule->argument, rule->mask,
               rule->value);
    }
}
"""


class Syscalls(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ward-syscalls-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.output = self.folder / "sample.h"

    def make(self, text, name="sample.syscalls", *words):
        """(exit code, all it said) for a list with this text."""
        source = self.folder / name
        source.write_bytes(text.encode())
        done = subprocess.run([sys.executable, "-B", TOOL, source, self.output, *words],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def rows(self):
        """The table as a compiled program sees it."""
        (self.folder / "use.c").write_text(USE)
        program = self.folder / "use"
        subprocess.run(["cc", "-std=c17", "-Wall", "-Werror", "-D_GNU_SOURCE", "-I", self.folder,
                        "-I", bad_tree.ROOT / "src", self.folder / "use.c", "-o", program],
                       check=True)
        return subprocess.run([program], check=True, capture_output=True,
                              text=True).stdout.splitlines()

    def test_each_mistake_is_found_with_its_line(self):
        for what, text, line, said in BAD:
            with self.subTest(what):
                code, out = self.make(text)
                self.assertEqual(code, 1, out)
                self.assertIn(f"sample.syscalls:{line}: ", out)
                self.assertIn(said, out)
                self.assertNotIn("Traceback", out)
                self.assertFalse(self.output.exists())
                self.output.unlink(missing_ok=True)

    def test_all_mistakes_are_said_at_once(self):
        code, out = self.make("read\nwirte\n\nmmap arg9 & 0x0 == 0x0\n")
        self.assertEqual(code, 1)
        self.assertEqual([line.split(":")[1] for line in out.splitlines()],
                         ["1", "2", "4", "4", "4"])

    def test_a_file_of_another_name_is_refused(self):
        for name in ("sample.txt", "sample", "Sample.syscalls", "a-b.syscalls", "1.syscalls"):
            with self.subTest(name):
                code, out = self.make(GOOD, name)
                self.assertEqual(code, 1)
                self.assertIn("the name must be NAME.syscalls", out)
                self.assertFalse(self.output.exists())

    def test_what_a_list_refuses(self):
        """--rest: every call is in one of the two tables, and every use of one with conditions in one row."""
        text = ("# to read\nread\n\n# some sockets\nsocket arg0 & 0xffffffff == 0x1\nsocket arg0 & 0xffffffff == 0xa\n"
                "\n# no namespace\nclone arg0 & 0x7e020000 == 0x0\n")
        code, out = self.make(text, "sample.seccomp", "--rest", "--but", "clone3", "--within", "socket=0x3f",
                              "--except", "socket=0x10")
        self.assertEqual((code, out), (0, ""))
        made = self.output.read_text()
        self.assertIn("struct seccomp_rule sample_refused[] = {\n", made)
        plain = re.findall(r'{ \.name = "(\w+)", \.number = SYS_(\w+) }', made)
        self.assertTrue(all(name == number for name, number in plain))
        names = {name for name, _ in plain}
        self.assertEqual(len(names), len(plain))
        self.assertLessEqual({"write", "mount", "socketpair", "ptrace"}, names)
        self.assertFalse(names & {"read", "socket", "clone", "clone3"})
        rows = {"socket": [], "clone": []}
        for name, argument, mask, value in re.findall(
                r'"(\w+)", \.number = SYS_\w+, \.masked = true, \.argument = (\d), \.mask = (\w+), \.value = (\w+) }', made):
            self.assertEqual(argument, "0")
            rows[name].append((int(mask, 16), int(value, 16)))
        self.met(rows["socket"], {family: family not in (1, 10, 16) for family in range(64)} |
                 {64: False, 1 << 31: False, 1 << 32 | 1: False, 1 << 32 | 2: True})
        self.met(rows["clone"], {0: False, 17: False, 0x11 | 1 << 8: False} |
                 {1 << bit | more: 0x7e020000 >> bit & 1 == 1 for bit in range(32) for more in (0, 17)} |
                 {0x7e020000: True, 0x30020011: True})

    def met(self, rows, values):
        for value, is_met in values.items():
            with self.subTest(hex(value)):
                self.assertEqual(sum(value & mask == wanted for mask, wanted in rows), is_met)

    def test_conditions_that_cannot_be_turned_round(self):
        for other in ("socket arg1 & 0xff == 0x1", "socket arg0 & 0xf == 0x2"):
            code, out = self.make(f"# to talk\nsocket arg0 & 0xff == 0x1\n{other}\n", "sample.seccomp", "--rest")
            self.assertEqual((code, self.output.exists()), (1, False))
            self.assertIn("socket: what its conditions refuse", out)

    def test_two_conditions_and_exceptions(self):
        """Both are in a list of names alone; whatever is given is in one of the two tables, and there in one row."""
        text = ("# to talk\nsocket arg0 & 0xff == 0x1\nsocket arg0 & 0xff == 0x2, arg1 & 0xf == 0x1\n"
                "socket arg0 & 0xff == 0x2, arg1 & 0xf == 0x2\n\n# to ask\nioctl arg1 & 0xff != 0x12\n"
                "ioctl arg1 & 0xff != 0x77\n")
        rows = {}
        for table, words in (("rules", ()), ("refused", ("--rest",))):
            code, out = self.make(text, "sample.seccomp", *words)
            self.assertEqual((code, out), (0, ""))
            for name, conditions in re.findall(r'"(\w+)", \.number = SYS_\w+, \.masked = true, (.*) }', self.output.read_text()):
                found = re.findall(r"\.argument = (\d), \.mask = (\w+), \.value = (\w+)", conditions)
                rows.setdefault(name, []).append((table, [(int(at), int(mask, 16), int(value, 16)) for at, mask, value in found]))
        for family in range(256):
            for kind in range(32):
                met = [table for table, row in rows["socket"] if all((family, kind)[at] & mask == value for at, mask, value in row)]
                self.assertEqual(met, ["rules" if family == 1 or family == 2 and kind & 15 in (1, 2) else "refused"])
        for number in range(512):
            met = [table for table, row in rows["ioctl"] if all(number & mask == value for _, mask, value in row)]
            self.assertEqual(met, ["refused" if number & 255 in (0x12, 0x77) else "rules"])
        for line, said in (("ioctl arg1 & 0xf != 0x1", "must all have one argument and mask"),
                           ("ioctl arg1 & 0xff == 0x1", "stands already in line 7"),
                           ("socket arg0 & 0xff != 0x5", "stands already in line 2"),
                           ("bind arg0 & 0xff == 0x5, arg0 & 0x100 == 0x0", "two conditions are of two arguments")):
            self.output.unlink(missing_ok=True)
            code, out = self.make(text + line + "\n", "sample.seccomp")
            self.assertEqual((code, self.output.exists()), (1, False))
            self.assertIn(said, out)

    def test_a_list_of_names(self):
        """NAME.seccomp: the same list by name, where one call may have several conditions."""
        text = "# to read\nread\n\n# some sockets\nsocket arg0 & 0xff == 0x1\nsocket arg0 & 0xff == 0x2\n"
        code, out = self.make(text, "sample.seccomp")
        self.assertEqual((code, out), (0, ""))
        made = self.output.read_text()
        self.assertIn('struct seccomp_rule sample_rules[] = {\n    { .name = "read", .number = SYS_read },\n', made)
        self.assertEqual(made.count('.name = "socket"'), 2)
        for more in ("socket\n", "socket arg0 & 0xff == 0x1\n", "read arg0 & 0x1 == 0x0\n", "read\n"):
            with self.subTest(more):
                self.output.unlink(missing_ok=True)
                code, out = self.make(text + more, "sample.seccomp")
                self.assertEqual(code, 1)
                self.assertIn("stands already in line", out)

    def test_several_values_of_one_argument(self):
        text = "# signals\nprctl arg0 & 0xff == 0x1\nprctl arg0 & 0xff == 0x26\n"
        code, out = self.make(text)
        self.assertEqual((code, out), (0, ""))
        self.assertEqual([row.split()[1:] for row in self.rows()],
                         [["1", "0", "ff", "1"], ["1", "0", "ff", "26"]])
        for more, why in (("prctl arg0 & 0xff == 0x1\n", "stands already in line 2"),
                          ("prctl\n", "stands already in line 2"),
                          ("prctl arg0 & 0xf == 0x2\n", "another argument or mask in line 2"),
                          ("prctl arg1 & 0xff == 0x2\n", "another argument or mask in line 2")):
            with self.subTest(more):
                self.output.unlink(missing_ok=True)
                code, out = self.make(text + more)
                self.assertEqual(code, 1)
                self.assertIn(why, out)

    def test_a_right_list_becomes_its_table(self):
        code, out = self.make(GOOD)
        self.assertEqual((code, out), (0, ""))
        self.assertEqual(self.rows(), ["0 0 0 0 0", "1 0 0 0 0", "9 1 2 4 0", "231 0 0 0 0"])

    def test_conditions_at_their_limits(self):
        code, out = self.make("# to read\nread arg5 & 0xffffffffffffffff == 0xffffffffffffffff\n"
                              "write arg0 & 0x8000000000000000 == 0x0")
        self.assertEqual((code, out), (0, ""))
        self.assertEqual(self.rows(), [f"0 1 5 {'f' * 16} {'f' * 16}",
                                       f"1 1 0 8{'0' * 15} 0"])

    def test_names_come_from_the_compiler_that_is_given(self):
        self.assertEqual(self.make(GOOD, "sample.syscalls", "--cc", "cc -m64")[0], 0)
        code, out = self.make(GOOD, "sample.syscalls", "--cc", "true")
        self.assertEqual(code, 1)
        self.assertIn('no system call is named "read"', out)


if __name__ == "__main__":
    tap.main()
