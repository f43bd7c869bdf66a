"""test_secret_scan.py - each kind of secret is found, by line, and never printed. All
samples are made up."""

import unittest

import bad_tree
import tap

RANDOM = "q7Zt0pXw3LmVd9KsB1hRfYc5"
BAD = (
    ("private key", "a.pem", "-----BEGIN EC PRIVATE KEY-----\n"),
    ("cloud access key", "a.c", 'char *k = "AKIAIOSFODNN7EXAMPLE";\n'),
    ("forge token", "a.sh", "export X=ghp_" + "a1B2" * 9 + "\n"),
    ("chat token", "a.md", "xoxb-123456789012-abcdef\n"),
    ("random value", "a.toml", f'api_key = "{RANDOM}"\n'),
    ("random value", "a.json", f'{{"client_secret": "{RANDOM}"}}\n'),
    ("password in a URL", "a.toml", "url = postgres://ward:hunter22@db/ward\n"),
    ("path of a machine", "a.md", "see /home/somebody/ward\n"),
    ("path of a machine", "a.c", '#include "/root/x.h"\n'),
    ("registry host", "web/package-lock.json", '"resolved": "https://npm.corp.example/x.tgz"\n'),
)
GOOD = {
    "a.c": 'const char *token_kind = "session_token_of_a_node";\n'
           'const char *secret_name = "aaaaaaaaaaaaaaaaaaaaaaaa";\n',
    "b.md": "https://example.org/home/index.html and ~/home and $HOME/x and /homepage\n"
            "-----BEGIN CERTIFICATE-----\npostgres://${USER}:${PASSWORD}@db/\n",
    "package-lock.json": '"resolved": "https://registry.npmjs.org/x.tgz"\n',
}


class SecretScan(unittest.TestCase):
    def test_each_kind_is_found(self):
        for kind, name, text in BAD:
            with self.subTest(text), bad_tree.Tree({name: "\n" + text}) as tree:
                code, out = tree.run("secret_scan.py")
                self.assertEqual(code, 1)
                self.assertIn(f"{name}:2: {kind}", out)

    def test_secret_is_not_printed(self):
        with bad_tree.Tree({"a.toml": f'api_key = "{RANDOM}"\n'}) as tree:
            self.assertNotIn(RANDOM, tree.run("secret_scan.py")[1])

    def test_ordinary_text_passes(self):
        with bad_tree.Tree(GOOD) as tree:
            code, out = tree.run("secret_scan.py")
            self.assertEqual(code, 0, out)


if __name__ == "__main__":
    tap.main()
