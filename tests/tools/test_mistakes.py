"""test_mistakes.py - each mistake that the tool knows is found in a tree that has it."""

import json
import subprocess
import unittest

import bad_tree
import tap

HEAD = "/* a.c - a sample. */\n"
LONG_FUNCTION = HEAD + "int f(void)\n{\n" + "    g();\n" * 60 + "}\n"
DEEP = HEAD + "int f(void)\n{\n    if (a)\n        if (b)\n            if (c)\n" \
              "                while (d)\n                    g();\n}\n"
BAD = (
    ("sprintf", "src/base/a.c", HEAD + "int f(void)\n{\n    sprintf(x, y);\n}\n", "a.c:4: sprintf"),
    ("goto", "tests/a.c", HEAD + "int f(void)\n{\n    goto out;\n}\n", "a.c:4: goto"),
    ("malloc", "src/codec/a.c", HEAD + "void *p = malloc(3);\n", "a.c:2: malloc"),
    ("free with a blank", "src/codec/a.c", HEAD + "int x = free (p);\n", "a.c:2: free"),
    ("memcmp", "src/policy/a.c", HEAD + "int x = memcmp(a, b, 3);\n", "a.c:2: memcmp"),
    ("rand", "fuzz/a.c", HEAD + "int x = rand();\n", "a.c:2: rand"),
    ("atoi", "src/cmd/a.c", HEAD + "int x = atoi(s);\n", "a.c:2: atoi"),
    ("talking below", "src/attest/a.c", HEAD + "int x = printf(s);\n", "a.c:2: printf"),
    ("environment below", "src/lib/a.c", HEAD + "char *x = getenv(s);\n", "a.c:2: getenv"),
    ("note to self", "src/base/a.c", HEAD + "/* TO" + "DO: later */\n", "a.c:2: TO" + "DO"),
    ("typedef'd struct", "src/base/a.c", HEAD + "typedef struct a {\n    int x;\n} b;\n", "b:"),
    ("no head", "src/base/a.c", "int x;\n", "a.c:1: does not open"),
    ("no head, Python", "tools/a.py", "x = 1\n", "a.py:1: does not open"),
    ("long file", "tests/a.c", HEAD + "int x;\n" * 600, "601 lines of file"),
    ("long function", "src/base/a.c", LONG_FUNCTION, "f(): 62 lines of function"),
    ("many parameters", "src/base/a.c",
     HEAD + "int f(int a, int b, int c, int (*d)(int, int), int e,\n      int g, int h)\n{\n}\n",
     "f(): 7 parameters"),
    ("deep nesting", "src/base/a.c", DEEP, "f(): 4 nesting"),
    ("#if in a body", "src/base/a.c", HEAD + "int f(void)\n{\n#ifdef X\n#endif\n}\n", "#if inside f"),
)
GOOD = {
    "src/base/arena.c": HEAD + "void *p = malloc(3);\n",
    "src/codec/a.c": HEAD + '/* malloc( and goto are banned */ const char *x = "goto malloc(";\n'
                            "struct rand y;\nint z = arena_free(a), w = a.free(b);\n",
    "src/base/b.h": HEAD + "typedef struct {\n    int code;\n} rc;\n",
    "src/cmd/a.c": HEAD + "int x = printf(s);\n",
    "tests/a.c": HEAD + "int x = memcmp(a, b, 3);\n",
    "tools/a.py": '#!/usr/bin/env python3\n"""a.py - a sample."""\n',
}


class Mistakes(unittest.TestCase):
    def test_each_mistake_is_found(self):
        for what, name, text, said in BAD:
            with self.subTest(what), bad_tree.Tree({name: text}) as tree:
                code, out = tree.run("mistakes.py")
                self.assertEqual(code, 1, out)
                self.assertIn(said, out)
                self.assertEqual(out.count("\n"), 1, f"one mistake, one line: {out}")

    def test_what_looks_like_one_passes(self):
        with bad_tree.Tree(GOOD) as tree:
            code, out = tree.run("mistakes.py")
            self.assertEqual(code, 0, out)

    def compiled(self, room, text):
        """What the tool says of a compiled file of a room."""
        with bad_tree.Tree({f"src/{room}/a.c": HEAD + text}) as tree:
            build = tree.root / "build"
            build.mkdir()
            subprocess.run(["gcc", "-fPIC", "-c", f"../src/{room}/a.c", "-o", "a.o"], cwd=build,
                           check=True)
            tree.put("build/compile_commands.json",
                     json.dumps([{"file": f"../src/{room}/a.c", "output": "a.o"}]))
            return tree.run("mistakes.py", "--build", build)

    def test_writable_globals_of_pure_rooms_are_found(self):
        for text in ("int a = 1;\n", "static int a;\nint *f(void)\n{\n    return &a;\n}\n",
                     "_Thread_local int a;\n", "const char *a = \"x\";\n"):
            with self.subTest(text):
                code, out = self.compiled("policy", text)
                self.assertEqual(code, 1)
                self.assertIn("src/policy/a.c: a is a writable global", out)

    def test_constants_and_impure_rooms_pass(self):
        constant = "const char *const a[] = { \"x\", \"y\" };\n"
        self.assertEqual(self.compiled("policy", constant), (0, "mistakes: none\n"))
        self.assertEqual(self.compiled("os", "int a = 1;\n"), (0, "mistakes: none\n"))

    def test_report_names_the_largest(self):
        with bad_tree.Tree({"src/base/a.c": LONG_FUNCTION}) as tree:
            code, out = tree.run("mistakes.py", "--report")
            self.assertEqual(code, 0)
            self.assertRegex(out, r"62 +src/base/a\.c:3 f\(\)")


if __name__ == "__main__":
    tap.main()
