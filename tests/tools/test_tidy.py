"""test_tidy.py - a warning is found, and a verdict is remembered only for as long as nothing
that the file sees has changed."""

import json
import unittest

import bad_tree
import tap

CONFIG = "Checks: '-*,bugprone-sizeof-expression'\nWarningsAsErrors: '*'\n" \
         "HeaderFilterRegex: '.*'\n"
ANALYZED = "Checks: '-*,bugprone-sizeof-expression,clang-analyzer-core.DivideZero'\n" \
           "WarningsAsErrors: '*'\n"
ZERO = "int h(void)\n{\n    int none = 0;\n    return 1 / none;\n}\n"
CLEAN = '#include "base/a.h"\nint f(void)\n{\n    return size();\n}\n'
WRONG = "int g(void)\n{\n    return (int)sizeof(42);\n}\n"
HEADER = "static inline int size(void)\n{\n    return 4;\n}\n"


class Tidy(unittest.TestCase):
    def tree(self, text, name="src/base/a.c", config=CONFIG):
        tree = bad_tree.Tree({".clang-tidy": config, name: text, "src/base/a.h": HEADER})
        command = f"clang-14 -I../src -c ../{name}"
        tree.put("build/compile_commands.json", json.dumps(
            [{"directory": str(tree.root / "build"), "file": f"../{name}", "command": command}]))
        return tree

    def tidy(self, tree):
        return tree.run("tidy.py", "--build", tree.root / "build")

    def test_a_warning_is_found_each_time(self):
        with self.tree(WRONG) as tree:
            for _ in range(2):
                code, out = self.tidy(tree)
                self.assertEqual(code, 1, out)
                self.assertIn("1 looked at, 1 with warnings", out)
                self.assertIn("bugprone-sizeof-expression", out)

    def test_the_analyzer_looks_at_the_product(self):
        for name, code in (("src/base/a.c", 1), ("tests/base/a.c", 0)):
            with self.subTest(name), self.tree(ZERO, name, ANALYZED) as tree:
                self.assertEqual(self.tidy(tree)[0], code)
        with self.tree(WRONG, "tests/base/a.c", ANALYZED) as tree:
            self.assertEqual(self.tidy(tree)[0], 1)

    def test_a_verdict_is_remembered(self):
        with self.tree(CLEAN) as tree:
            self.assertIn("1 looked at, 0 with warnings", self.tidy(tree)[1])
            code, out = self.tidy(tree)
            self.assertEqual(code, 0)
            self.assertIn("0 looked at", out)

    def test_a_change_of_what_it_sees_is_looked_at(self):
        for name, text in (("src/base/a.c", CLEAN + WRONG), ("src/base/a.h", HEADER + WRONG)):
            with self.subTest(name), self.tree(CLEAN) as tree:
                self.tidy(tree)
                tree.put(name, text)
                self.assertEqual(self.tidy(tree)[0], 1)

    def test_another_configuration_is_another_verdict(self):
        with self.tree(CLEAN) as tree:
            self.tidy(tree)
            tree.put(".clang-tidy", CONFIG + "# more\n")
            self.assertIn("1 looked at", self.tidy(tree)[1])

    def test_a_broken_file_does_not_pass(self):
        with self.tree("int f(\n") as tree:
            self.assertEqual(self.tidy(tree)[0], 1)


if __name__ == "__main__":
    tap.main()
