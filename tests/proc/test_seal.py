"""test_seal.py - what the keyring is sealed with is chosen at the first start: a passphrase that
is asked for or read, never a word of a command line, and a credential; with the wrong one
nothing opens and nothing is changed."""

import fcntl
import hashlib
import os
import pathlib
import pty
import select
import signal
import subprocess
import termios
import time
import unittest

import house as houses
from canary import holds
from house import House, children_of, until

PHRASE = "correct horse battery 9e1f"


class Sealed(House):
    def phrase(self, words=PHRASE, *more, **how):
        """`ward up` with the passphrase on standard input."""
        return self.run("up", "--seal", "passphrase", "--passphrase-file", "-", *more,
                        input=words + "\n", **how)

    def keyring(self):
        return hashlib.sha256((self.state / "keyring").read_bytes()).hexdigest()

    def at_terminal(self, *lines):
        """`ward up` with a terminal of its own, which types each line after a question; what
        the terminal showed, and the exit code."""
        ours, theirs = pty.openpty()

        def own_terminal():
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        try:
            up = subprocess.Popen(self.words("up", "--seal", "passphrase"), stdin=theirs,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  preexec_fn=own_terminal)
            shown, asked = b"", 0
            for line in lines:
                end = time.monotonic() + 30
                while shown.count(b": ") <= asked and time.monotonic() < end:
                    if select.select([ours], [], [], 0.1)[0]:
                        shown += os.read(ours, 4096)
                asked += 1
                # The question comes after the echo is off.
                os.write(ours, line.encode() + b"\n")
            errors = up.communicate(timeout=60)[1].decode()
            while select.select([ours], [], [], 0)[0]:
                shown += os.read(ours, 4096)
            self.processes()
            return up.returncode, shown.decode(), errors
        finally:
            os.close(ours)
            os.close(theirs)


class Passphrase(unittest.TestCase):
    def test_chosen_at_the_first_start(self):
        with Sealed() as house:
            done = house.phrase()
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(house.works())
            self.assertFalse(pathlib.Path(f"{house.state}.seal").exists())
            ca = (house.state / "ca.pem").read_bytes()
            said = house.run("doctor", "--seal", "passphrase").stdout
            self.assertIn("the keyring is sealed: a passphrase\n", said)
            house.down()
            file = house.base / "phrase"
            file.write_text(PHRASE + "\nsecond line\n")
            house.up("--seal", "passphrase", "--passphrase-file", file)
            self.assertEqual((house.state / "ca.pem").read_bytes(), ca)
            self.assertIn("already up", house.phrase("whatever").stderr)

    def test_a_keeper_that_starts_again(self):
        """Nobody is asked a second time."""
        with Sealed() as house:
            self.assertEqual(house.phrase().returncode, 0)
            for _ in range(2):
                before = house.processes()["keeper"]
                os.kill(before, signal.SIGKILL)
                until(lambda pid=before: children_of(house.monitor()).get("keeper", pid) != pid, 20)
                until(house.works, 20)

    def test_refusals(self):
        with Sealed() as house:
            self.assertEqual(house.phrase().returncode, 0)
            house.down()
            kept, ca = house.keyring(), (house.state / "ca.pem").read_bytes()
            rows = {
                "another": (lambda: house.phrase("correct horse"), 5, "KEYFILE_SEAL_WRONG: keeper"),
                "a space more": (lambda: house.phrase(PHRASE + " "), 5, "KEYFILE_SEAL_WRONG"),
                "none": (lambda: house.phrase(""), 3, "no secret of 1 to 1024 bytes"),
                "too long": (lambda: house.phrase("x" * 1025), 3, "no secret"),
                "the longest": (lambda: house.phrase("x" * 1024), 5, "KEYFILE_SEAL_WRONG"),
                "no such file": (lambda: house.run("up", "--seal", "passphrase",
                                                   "--passphrase-file", "/nonexistent"), 3,
                                 "/nonexistent: No such file"),
                "nobody to ask": (lambda: house.run("up", "--seal", "passphrase",
                                                    start_new_session=True), 3, "there is nobody to ask"),
                "another kind": (lambda: house.run("up"), 6, "HOUSE_SEAL_MISSING"),
                "no kind": (lambda: house.run("up", "--seal", "password"), 2, "--seal"),
            }
            for name, (start, code, word) in rows.items():
                with self.subTest(name):
                    done = start()
                    self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
                    self.assertIn(word, done.stderr)
                    self.assertEqual(house.processes(), {})
                    self.assertEqual(house.keyring(), kept)
                    self.assertEqual((house.state / "ca.pem").read_bytes(), ca)
            self.assertEqual(house.phrase().returncode, 0)

    def test_a_phrase_for_a_seal_of_a_file(self):
        with Sealed() as house:
            house.up()
            house.down()
            kept = house.keyring()
            self.assertEqual(house.phrase().returncode, 5)
            self.assertEqual(house.keyring(), kept)
            house.up()

    def test_asked_on_the_terminal(self):
        with Sealed() as house:
            code, shown, errors = house.at_terminal(PHRASE, "another")
            self.assertEqual(code, 3)
            self.assertIn("not the same", errors)
            self.assertFalse(house.state.exists())
            code, shown, errors = house.at_terminal(PHRASE, PHRASE)
            self.assertEqual(code, 0, errors)
            self.assertIn("Once more:", shown)
            self.assertNotIn(PHRASE, shown)
            house.down()
            code, shown, errors = house.at_terminal("wrong")
            self.assertEqual(code, 5, errors)
            self.assertNotIn("Once more:", shown)
            self.assertEqual(house.at_terminal(PHRASE)[0], 0)
            self.assertTrue(house.works())

    def test_it_is_nowhere(self):
        """In no file, no command line, no environment, no log, in no form."""
        with Sealed() as house:
            self.assertEqual(house.phrase().returncode, 0)
            os.kill(house.processes()["keeper"], signal.SIGKILL)
            until(house.works, 20)
            places = [path for path in house.base.rglob("*") if path.is_file()]
            places += [pathlib.Path(f"/proc/{pid}/{name}") for pid in house.processes().values()
                       for name in ("cmdline", "environ")]
            self.assertGreater(len(places), 15)
            for place in places:
                self.assertEqual(holds(place.read_bytes(), PHRASE), [], place)

    def test_purge(self):
        with Sealed() as house:
            self.assertEqual(house.phrase().returncode, 0)
            house.down("--purge", "--yes", "--seal", "passphrase")
            self.assertEqual(list(house.base.iterdir()), [])


class Credential(unittest.TestCase):
    def test_a_credential(self):
        """As systemd hands it over: a file in CREDENTIALS_DIRECTORY, which the unit names."""
        with Sealed() as house:
            folder = house.base / "credentials"
            folder.mkdir()
            (folder / "seal").write_bytes(os.urandom(48))
            env = dict(os.environ, WARD_SEAL_KIND="credential", WARD_SEAL_PATH=str(folder / "seal"))
            house.up(env=env)
            self.assertTrue(house.works())
            self.assertFalse(pathlib.Path(f"{house.state}.seal").exists())
            house.down()
            kept = house.keyring()
            right = (folder / "seal").read_bytes()
            rows = {"another": (os.urandom(48), 5, "KEYFILE_SEAL_WRONG"),
                    "cut": (right[:15], 5, "KEYFILE_SEAL_INPUT"),
                    "a byte more": (right + b"\n", 5, "KEYFILE_SEAL_WRONG"),
                    "too long": (right * 100, 5, "KEYFILE_SEAL_INPUT"),
                    "gone": (None, 6, "HOUSE_SEAL_MISSING")}
            for name, (content, code, word) in rows.items():
                with self.subTest(name):
                    (folder / "seal").unlink()
                    if content is not None:
                        (folder / "seal").write_bytes(content)
                    done = house.run("up", env=env)
                    self.assertEqual(done.returncode, code, done.stderr)
                    self.assertIn(word, done.stderr)
                    self.assertEqual(house.keyring(), kept)
            (folder / "seal").write_bytes(right)
            house.up(env=env)
            house.down("--purge", "--yes", env=env)
            self.assertTrue((folder / "seal").exists())


if __name__ == "__main__":
    import tap
    tap.main()
