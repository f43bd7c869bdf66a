"""test_chains.py - a keeper whose listener's certificate is changed by reloads, and a front that is played:
whatever chain a handshake has shown, its key signs until front has said that none is under way."""

import pathlib
import subprocess
import tempfile
import unittest

import tap
from lockbox import CHAIN_USED, FRONT, HANDSHAKE, Lockbox
from shown import Authority

CONTENT = HANDSHAKE + bytes(range(32))
CHANGES = 3


def integer(number):
    bare = number.lstrip(b"\0") or b"\0"
    bare = b"\0" * (bare[0] >> 7) + bare
    return b"\x02" + bytes((len(bare),)) + bare


class Chains(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.ca = Authority(self.folder)
        self.box = self.enterContext(Lockbox())

    def files(self, name, **how):
        """The files of a certificate and its key."""
        certificate, key = self.ca.issue(name, **how)
        paths = self.folder / f"{name}.chain", self.folder / f"{name}.private"
        for path, text in zip(paths, (certificate, key)):
            path.write_bytes(text)
            path.chmod(0o600)
        return paths

    def start(self, name):
        self.assertTrue(self.box.start(pair_files=self.files(name)), self.box.said())
        return self.given()

    def given(self):
        """The point of the chain that front is given."""
        self.box.chain()
        return self.box.point

    def change(self, name, **how):
        """A reload with another pair; front asks for its chain."""
        self.assertTrue(self.box.reload(self.files(name, **how)), self.box.said())
        return self.given()

    def signs(self, point):
        """Nothing, or a signature that is good."""
        signature = self.box.sign(CONTENT, point)
        if signature is None:
            return False
        spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + point
        body = integer(signature[:32]) + integer(signature[32:])
        (self.folder / "spki").write_bytes(spki)
        (self.folder / "signature").write_bytes(b"\x30" + bytes((len(body),)) + body)
        subprocess.run(["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", self.folder / "spki",
                        "-signature", self.folder / "signature"], input=CONTENT, check=True,
                       capture_output=True, timeout=30)
        return True

    def used(self, point):
        self.box.channels[FRONT].send(CHAIN_USED, 0, point)

    def test_the_one_before(self):
        """It signs until front has said that it is not used, and the next one from when front has it:
        not one handshake is lost between."""
        one = self.start("one")
        self.assertTrue(self.signs(one))
        self.assertTrue(self.box.reload(self.files("two")), self.box.said())
        self.assertTrue(self.signs(one))
        two = self.given()
        self.assertNotEqual(one, two)
        for _ in range(3):
            self.assertTrue(self.signs(one))
            self.assertTrue(self.signs(two))
        self.used(two)
        self.assertEqual((self.signs(one), self.signs(two)), (False, True))
        self.used(one)  # which is nobody's any more
        self.assertEqual((self.signs(one), self.signs(two)), (False, True))

    def test_one_that_front_was_not_given(self):
        """A pair that is in force signs nothing before front has asked for its chain."""
        one = self.start("one")
        self.assertTrue(self.box.reload(self.files("two")))
        _, key = self.ca.folder / "two.crt", self.folder / "two.private"
        said = subprocess.run(["openssl", "ec", "-in", key, "-pubout", "-outform", "DER"], check=True,
                              capture_output=True).stdout
        self.assertEqual((self.signs(said[-65:]), self.signs(one)), (False, True))

    def test_a_front_that_never_says(self):
        """Three chains may be in use at once; the oldest gives way, and what is in force never."""
        points = [self.start("p0")] + [self.change(f"p{n}") for n in range(1, 6)]
        self.assertEqual([self.signs(point) for point in points], [False] * 3 + [True] * CHANGES)
        self.used(points[4])
        self.assertEqual([self.signs(point) for point in points], [False] * 4 + [True] * 2)

    def test_renewed_with_the_same_key(self):
        """As often as it may be, with front asking and without."""
        one = self.start("one")
        for n in range(12):
            self.assertTrue(self.box.reload(self.files("one", renewed=True, days=20 + n)),
                            self.box.said())
            if n % 3:
                self.assertEqual(self.given(), one)
            self.assertTrue(self.signs(one))
        two = self.change("two")
        self.assertEqual((self.signs(one), self.signs(two)), (True, True))

    def test_a_bad_one_between(self):
        """What is not taken changes nothing of what may sign."""
        one = self.start("one")
        two = self.change("two")
        bad = self.files("three")
        bad[1].write_bytes(self.files("four")[1].read_bytes())
        self.assertFalse(self.box.reload(bad))
        self.assertEqual((self.signs(one), self.signs(two)), (True, True))

    def test_taken_back(self):
        """The one before is in force again, and front may still be in a handshake of the other."""
        one = self.start("one")
        two = self.change("two")
        again = self.change("one", renewed=True)
        self.assertEqual(again, one)
        self.assertEqual((self.signs(one), self.signs(two)), (True, True))
        self.used(one)
        self.assertEqual((self.signs(one), self.signs(two)), (True, False))


if __name__ == "__main__":
    tap.main()
