"""test_executables.py - what each executable is linked with, from its own headers: no library that
is not listed, and nothing that handles a secret in a process that holds none."""

import os
import pathlib
import re
import subprocess
import unittest

import tap

BUILD = pathlib.Path(os.environ["WARD_BUILD"])
FOLDER = BUILD / "src/proc"

# Every executable and the shared libraries that it may have, libc aside.
JAIL = {"cap-ng"}
LIBRARIES = {
    "ward-monitor": set(),  # it has no jail
    "ward-audit": JAIL | {"z", "crypto"},
    "ward-keeper": JAIL | {"crypto", "sodium"},
    "ward-core": JAIL | {"crypto", "pq", "sodium", "sqlite3"},
    "ward-keyring": JAIL | {"crypto", "sodium"},  # a keeper without a house
    "ward-verify": JAIL | {"crypto"},
    "ward-fetch": JAIL | {"cares", "crypto", "curl", "sodium", "ssl"},
    "ward-runner": JAIL | {"crypto", "z"},
    "ward-dial": JAIL | {"cares", "sodium"},
    "ward-tee": JAIL | {"crypto", "sodium"},  # its quoting key is a secret, too
    "ward-front": JAIL | {"crypto", "nghttp2", "sodium", "ssl", "wslay"},
}
# The command: what every child of a run of a job has mapped, too.
COMMANDS = {
    "ward": JAIL | {"cares", "z"},
    "src/cmd/ward-commands": JAIL | {"cares", "crypto", "curl", "pq", "sodium", "sqlite3", "ssl", "z"},
}
# Functions of the program that touch a long-term secret: they exist in the keeper alone, and some
# of them in tee, which has one of its own.
SECRET = ("keyring_private", "keyring_read", "keyring_write", "keyfile_open", "keyfile_check_key",
          "secret_lend", "secret_fill", "secret_take", "ecdsa_sign_once", "ed25519_sign",
          "ed25519_secret_of_seed")
KEEPERS = ("keyring_private", "secret_lend", "secret_fill", "ecdsa_sign_once", "ed25519_sign")
TEES = {"secret_lend", "secret_fill", "secret_take", "ecdsa_sign_once"}  # for a key of its own


def said(*words):
    return subprocess.run([*map(str, words)], check=True, capture_output=True, text=True).stdout


def libraries(path):
    """{"crypto"} of libcrypto.so.3, without libc and its parts."""
    needed = re.findall(r"\(NEEDED\).*\[(?:lib)?([^]]+?)\.so[.\d]*\]", said("readelf", "-dW", path))
    return set(needed) - {"c", "m", "ld-linux-x86-64", "asan", "ubsan"}


def defined(path):
    return {line.split()[-1] for line in said("nm", "--defined-only", path).splitlines()}


class TestExecutables(unittest.TestCase):
    def test_every_executable_is_listed(self):
        built = {path.name for path in FOLDER.glob("ward-*") if path.is_file()}
        self.assertEqual(built, set(LIBRARIES))

    def test_none_is_linked_with_what_is_not_listed(self):
        for name, wanted in LIBRARIES.items():
            with self.subTest(name):
                self.assertEqual(libraries(FOLDER / name) - wanted, set())
        for name, wanted in COMMANDS.items():
            with self.subTest(name):
                self.assertEqual(libraries(BUILD / name) - wanted, set())

    def test_secrets_are_handled_in_the_keeper_alone(self):
        self.assertLessEqual(set(KEEPERS), defined(FOLDER / "ward-keeper"))
        self.assertLessEqual({"crypto", "sodium"}, libraries(FOLDER / "ward-keeper"))
        for name in set(LIBRARIES) - {"ward-keeper", "ward-keyring"}:
            with self.subTest(name):
                allowed = TEES if name == "ward-tee" else set()
                self.assertEqual(defined(FOLDER / name) & set(SECRET), allowed)
        self.assertEqual(defined(BUILD / "ward") & set(SECRET), set())

    def test_nothing_can_be_written_and_run(self):
        for path in [FOLDER / name for name in LIBRARIES] + [BUILD / name for name in COMMANDS]:
            with self.subTest(path.name):
                program, dynamic = said("readelf", "-lW", path), said("readelf", "-dW", path)
                stack = re.search(r"GNU_STACK.* (\S+)\s+0x", program)[1]
                self.assertEqual(stack, "RW")
                self.assertIn("GNU_RELRO", program)
                self.assertNotRegex(program, r"LOAD.* RWE ")
                self.assertRegex(dynamic, r"BIND_NOW|FLAGS.*NOW")
                self.assertRegex(dynamic, r"FLAGS_1.*PIE")
                self.assertNotIn("TEXTREL", dynamic)
                self.assertNotRegex(dynamic, r"RPATH|RUNPATH")


tap.main()
