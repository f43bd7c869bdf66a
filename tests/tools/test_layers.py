"""test_layers.py - each way an include can point wrong is found, and right ones are not."""

import unittest

import bad_tree
import tap

# What is wrong, the file, its text, a piece of what must be said.
BAD = (
    ("up", "src/base/a.c", '#include "model/b.h"\n', "points up: base is L0, model is L1"),
    ("sideways", "src/attest/a.c", '#include "policy/b.h"\n', "points sideways"),
    ("up, in a .def file", "src/model/a.def", '#include "codec/b.h"\n', "points up"),
    ("room that is not there", "src/base/a.c", '#include "misc/b.h"\n', 'no room "misc"'),
    ("file in no design room", "src/misc/a.c", "int x;\n", 'no room "misc"'),
    ("file in no room", "src/a.c", "int x;\n", "lies in no room"),
    ("path from its own folder", "src/base/a.c", '#include "b.h"\n', "write the path from src/"),
    ("path that climbs", "src/cmd/a.c", '#include "../base/b.h"\n', "write the path from src/"),
    ("clock in a pure room", "src/policy/a.c", "#include <time.h>\n", "policy is pure"),
    ("file in a pure room", "src/codec/a.c", "#  include <stdio.h>\n", "codec is pure"),
    ("socket in a pure room", "src/sim/a.c", "#include <sys/socket.h>\n", "sim is pure"),
    ("library past its face", "src/attest/a.c", "#include <openssl/evp.h>\n", "crypto, net only"),
    ("library in a room above", "src/cmd/a.c", "#include <curl/curl.h>\n", "net only"),
    ("test authority in libward", "src/lib/a.c", '#include "sim/b.h"\n', "never linked"),
    ("public face from below", "src/attest/a.c", "#include <ward/ward.h>\n", "points up"),
    ("public face not whole", "include/ward/a.h", '#include "base/b.h"\n', "self-contained"),
    ("example that cheats", "examples/a.c", '#include "base/b.h"\n', "self-contained"),
)
GOOD = {
    "src/base/sink.c": '#include "base/sink.h"\n#include <stdio.h>\n',
    "src/attest/a.c": '/* #include "policy/b.h" */\n#include "codec/b.h"\n#include <string.h>\n',
    "src/lib/a.c": '#include "ward/ward.h"\n#include "attest/a.h"\n#include <pthread.h>\n',
    "src/cmd/a.c": '#include <stdio.h>\n#include <ward/ward.h>\n#include "net/b.h"\n',
    "src/crypto/a.c": "#include <openssl/evp.h>\n",
    "include/ward/ward.h": "#include <stdint.h>\n#include <ward/b.h>\n",
    "tests/base/test_a.c": '#include "test.h"\n#include "cmd/a.h"\n#include <time.h>\n',
    "examples/verify.c": "#include <stdio.h>\n#include <ward/ward.h>\n",
}


class Layers(unittest.TestCase):
    def test_each_wrong_include_is_found(self):
        for what, name, text, said in BAD:
            with self.subTest(what), bad_tree.Tree({name: text}) as tree:
                code, out = tree.run("layers.py")
                self.assertEqual(code, 1, out)
                self.assertIn(name, out)
                self.assertIn(said, out)

    def test_line_is_named(self):
        with bad_tree.Tree({"src/base/a.c": '/* a\n */\n\n#include "cmd/b.h"\n'}) as tree:
            self.assertIn("src/base/a.c:4:", tree.run("layers.py")[1])

    def test_right_includes_pass(self):
        with bad_tree.Tree(GOOD) as tree:
            code, out = tree.run("layers.py")
            self.assertEqual(code, 0, out)


if __name__ == "__main__":
    tap.main()
