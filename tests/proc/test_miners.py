"""test_miners.py - the list of miners: whoever is not in it is told 403 whatever token he has, and
a list that is changed, cut, killed in the middle or no list at all lets nobody in by mistake."""

import json
import os
import pathlib
import signal
import tempfile
import unittest

import tap
from challenged import CA, HOTKEY, Challenge, Challenged, error
from house import until

KING = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
UNKNOWN, IN = (403, "MINER_UNKNOWN"), 200


class Listed(Challenged):
    """A house with a list of miners, and one challenge."""

    def __init__(self, text, place):
        self.file = pathlib.Path(place) / "miners"
        self.put(text)
        self.sums = Challenge()
        super().__init__({"sums": (self.sums, CA)}, f'[miners]\nfile = "{self.file}"\n')

    def put(self, text):
        part = self.file.with_suffix(".part")
        part.write_text(text)
        part.rename(self.file)

    def reload(self):
        return self.command("reload", "--state", self.state)

    def asked(self, hotkey=HOTKEY, token=None):
        """200, or what it was refused for."""
        said = self.ask("POST", "submit", token or self.token(subject=hotkey), body=b"{}")
        return IN if said[0] == 200 else error(said)

    def lists(self):
        return [(row["outcome"], json.loads(row["details"])["miners"])
                for row in self.records("miners.list")]


class Miners(unittest.TestCase):
    def house(self, text):
        house = Listed(text, self.enterContext(tempfile.TemporaryDirectory()))
        self.addCleanup(house.sums.close)
        return house

    def test_who_is_not_in_it(self):  # proves: PC-35
        with self.house(f"# all of them\n{HOTKEY}  # the first\n") as house:
            self.assertEqual(house.asked(), IN)
            token = house.token(subject=KING)
            self.assertEqual(house.asked(token=token), UNKNOWN)
            self.assertEqual(len(house.sums.asked), 1)
            last = house.records("token.refuse")[-1]
            self.assertEqual((json.loads(last["details"])["reason"], last["resource"]),
                             ("MINER_UNKNOWN", "sums"))
            self.assertEqual(house.check("house.miners")["finding"], "FINDING_OK")
            # He is let in, with the token that was not used up; the other is put out.
            house.put(f"{KING}\n")
            done = house.reload()
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
            self.assertEqual(house.asked(token=token), IN)
            self.assertEqual(house.asked(token=token), (401, "MINER_TOKEN_REPLAYED"))
            self.assertEqual(house.asked(), UNKNOWN)
            self.assertEqual(house.lists(), [("Success", 1)] * 2)
            # What is read again and is the same is no news, and a new core has the list.
            self.assertEqual(house.reload().returncode, 0)
            house.wait_new("core", house.kill("core"))
            until(lambda: house.asked(KING) == IN, 20, 0.2)
            self.assertEqual(house.asked(), UNKNOWN)

    def test_the_owners_edge_is_told_so_too(self):
        with self.house(f"{KING}\n") as house:
            body = {"challenge": "sums", "method": "POST", "route": "submit", "query": "",
                    "body_hash": "A" * 43 + "="}
            status, said = house.owner("POST", "/v1/token/redeem", body | {"token": house.token()})
            self.assertEqual((status, said["code"]), UNKNOWN, said)

    def test_one_that_is_none(self):
        """Nothing changes, and the reload says which file."""
        with self.house(f"{HOTKEY}\n") as house:
            for text in ("", "# nobody\n", HOTKEY + "\n" + KING, "<html>\n", KING + " x\n",
                         "\n" * (512 << 10) + "\n"):
                with self.subTest(text[:20]):
                    house.put(text)
                    done = house.reload()
                    self.assertEqual(done.returncode, 3, done.stderr)
                    self.assertIn(f"{house.file}: MINERS_INVALID", done.stderr)
                    self.assertEqual((house.asked(), house.asked(KING)), (IN, UNKNOWN))
            self.assertIn("miners.file: line 1: ", house.log())
            house.file.unlink()
            self.assertEqual(house.reload().returncode, 3)
            house.file.mkdir()
            self.assertEqual(house.reload().returncode, 3)
            house.file.rmdir()
            self.assertEqual((house.asked(), house.asked(KING)), (IN, UNKNOWN))
            self.assertEqual(house.lists().count(("Failure", 1)), 6)
            self.assertEqual(house.check("house.miners")["finding"], "FINDING_OK")

    def test_none_when_it_starts(self):
        """Nobody is let in, whatever token: not even before the owner has noticed."""
        with self.house(HOTKEY) as house:
            token = house.token()
            self.assertEqual(house.asked(token=token), (503, "HOUSE_UNAVAILABLE"))
            self.assertEqual(house.check("house.miners")["finding"], "FINDING_FAIL")
            self.assertEqual(house.lists(), [("Failure", 0)])
            house.put(f"{HOTKEY}\n")
            self.assertEqual(house.reload().returncode, 0)
            self.assertEqual(house.asked(token=token), IN)
            self.assertEqual(house.check("house.miners")["finding"], "FINDING_OK")

    def test_core_is_killed_while_it_reads(self):
        """Whichever list it is then, it is one of the two, and whole."""
        with self.house(f"{HOTKEY}\n") as house:
            house.put(f"{KING}\n")
            core = house.pid("core")
            os.kill(int((house.state / "run/lock").read_text().split()[0]), signal.SIGHUP)
            os.kill(core, signal.SIGKILL)
            house.wait_new("core", core)
            until(lambda: IN in (house.asked(), house.asked(KING)), 20, 0.2)
            self.assertEqual(sorted(map(str, (house.asked(), house.asked(KING)))),
                             sorted(map(str, (IN, UNKNOWN))))


if __name__ == "__main__":
    tap.main()
