"""test_keyring.py - `ward keyring` over a house that runs, and over one that is down; and that
nothing of a private key lies anywhere but in the keeper's closed pages."""

import base64
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cmd"))
import tap
from lockbox import hkdf, plaintexts, privates
from ward import ROOT, ward

FORMS = json.loads((ROOT / "docs/schema/keyring.json").read_text())["$defs"]
SCHEMA = [FORMS["list"], FORMS["rotated"]]


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def faults(schema, value, where="it"):
    """The few keywords that docs/schema/keyring.json uses."""
    types = {"object": dict, "array": list, "string": str}
    unknown = set(schema) - {"title", "type", "additionalProperties", "required", "properties",
                             "items", "minItems", "maxItems", "uniqueItems", "pattern", "enum",
                             "description"}
    assert not unknown, unknown
    if "type" in schema and not isinstance(value, types[schema["type"]]):
        return [f"{where} is no {schema['type']}"]
    found = [f"{where} lacks {name}" for name in schema.get("required", ()) if name not in value]
    if isinstance(value, dict):
        found += [f"{where} has {name}" for name in value if name not in schema["properties"]]
        for name, rule in schema["properties"].items():
            found += faults(rule, value[name], name) if name in value else []
    if isinstance(value, list):
        if not schema["minItems"] <= len(value) <= schema["maxItems"]:
            found.append(f"{where} has {len(value)} items")
        for item in value:
            found += faults(schema["items"], item, where + "[]")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where} is {value}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{where} is {value}")
    return found


class Keyring(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ward-keyring-"))
        self.state = self.folder / "state"
        self.port = free_port()
        self.phrase = self.folder / "phrase"
        self.phrase.write_text("correct horse battery\n")
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(ward, "down", "--state", self.folder / "other")
        self.addCleanup(ward, "down", "--state", self.state)

    def up(self, state=None):
        done = ward("up", "--state", state or self.state, "--listen", f"127.0.0.1:{self.port}")
        self.assertEqual(done.returncode, 0, done.stderr)

    def keyring(self, *words, state=None, code=0):
        done = ward("keyring", *words, "--state", state or self.state)
        self.assertEqual(done.returncode, code, (words, done.stderr))
        return done

    def list(self, state=None):
        return json.loads(self.keyring("list", "--json", state=state).stdout)

    def leaf(self):
        context = ssl.create_default_context(cafile=self.state / "ca.pem")
        with socket.create_connection(("127.0.0.1", self.port), 10) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as tls:
            return tls.getpeercert(True)

    def test_list_and_rotate(self):
        self.up()
        first = self.list()
        self.assertEqual(faults(SCHEMA[0], first), [])
        self.assertEqual([key["role"] for key in first["keys"]], ["ca", "tls", "log", "node", "miner",
                                                              "result"])
        rows = self.keyring("list").stdout.decode().splitlines()
        self.assertEqual([row.split()[0] for row in rows[1:]], [k["id"] for k in first["keys"]])
        before = self.leaf()
        plan = self.keyring("rotate", "tls", "--plan")
        self.assertIn(b"destroy", plan.stdout)
        self.keyring("rotate", "tls", code=2)  # nobody to ask
        self.keyring("rotate", "tsl", "--yes", code=2)
        self.assertEqual(self.list(), first)
        rotated = json.loads(self.keyring("rotate", "tls", "--yes", "--json").stdout)
        self.assertEqual(faults(SCHEMA[1], rotated), [])
        self.assertEqual(rotated["replaces"], first["keys"][1]["id"])
        after = self.leaf()  # under the same CA, with no restart
        self.assertNotEqual(after, before)
        self.assertIn(base64.b64decode(self.list()["keys"][-1]["public_part"]), after)
        self.keyring("rotate", "ca", "--yes")
        self.assertNotEqual(self.leaf(), after)
        self.assertNotIn(b"class=bug", (self.state / "ward.log").read_bytes())
        log = (self.state / "audit/security.log").read_text()
        self.assertEqual(log.count('"action":"key.rotate"'), 2)
        ward("down", "--state", self.state)
        self.keyring("list", code=4)

    def test_backup_and_restore(self):
        other, backup = self.folder / "other", self.folder / "keys.backup"
        given = ("--passphrase-file", self.phrase)
        self.up()
        self.keyring("rotate", "node", "--yes")
        keys = self.list()["keys"]
        done = ward("keyring", "backup", backup, *given, "--state", self.state)
        self.assertEqual(done.returncode, 7)  # it is up
        ward("down", "--state", self.state)
        self.keyring("backup", backup, *given)
        self.assertEqual(backup.stat().st_mode & 0o777, 0o600)
        whole = backup.read_bytes()
        self.keyring("backup", backup, *given, code=7)  # replaces nothing
        self.keyring("restore", backup, *given, code=7)
        self.assertEqual(backup.read_bytes(), whole)

        wrong = self.folder / "wrong"
        wrong.write_text("incorrect\n")
        done = self.keyring("restore", backup, "--passphrase-file", wrong, state=other, code=1)
        self.assertIn(b"KEYFILE_SEAL_WRONG", done.stderr)
        for at in (0, 60, 159, 170, 400, len(whole) - 1):
            torn = self.folder / "torn"
            torn.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            done = ward("keyring", "restore", torn, *given, "--state", other)
            self.assertIn(done.returncode, (1, 2), at)
            torn.write_bytes(whole[:at])
            done = ward("keyring", "restore", torn, *given, "--state", other)
            self.assertEqual(done.returncode, 2, at)
        self.assertEqual(sorted(os.listdir(other)), ["run"])

        done = self.keyring("restore", backup, *given, state=other)
        self.assertIn(b"there is no security log", done.stderr)
        self.assertEqual(sorted(os.listdir(other)), ["keyring", "run"])
        self.up(other)
        self.assertEqual(self.list(other)["keys"], keys)
        ward("down", "--state", other)

        # Beside its log the house goes on with it: one story, of which every head is the log's.
        log_key = [base64.b64decode(key["public_part"]).hex() for key in keys
                   if key["role"] == "log"][0]
        os.rename(self.state / "keyring", self.folder / "lost")
        done = self.keyring("restore", backup, *given)
        self.assertNotIn(b"there is no security log", done.stderr)
        self.up()
        end = time.monotonic() + 60
        while True:
            done = ward("audit", "verify", "--json", "--key", log_key, "--state", self.state)
            self.assertEqual(done.returncode, 0, done.stdout)
            said = json.loads(done.stdout)
            if said["head"]["size"] == said["records"]:
                break
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)

    def sweep(self, name, have, needles):
        for needle in needles:
            forms = (needle, needle.hex().encode(), needle.hex().upper().encode(),
                     *(base64.b64encode(bytes(pad) + needle)[4 * (pad > 0) + 0:][2:-4]
                       for pad in (0, 1, 2)))
            for form in forms:
                self.assertNotIn(form, have, name)

    @unittest.skipUnless(os.geteuid() == 0, "looks into every process")
    def test_nothing_private_lies_about(self):
        self.up()
        self.leaf()
        self.keyring("rotate", "log", "--yes")
        self.list()
        seal = (self.folder / "state.seal").read_bytes()
        keyring = (self.state / "keyring").read_bytes()
        plain = plaintexts(keyring, seal)
        key = hkdf(seal, keyring[24:56], b"ward keyfile v1 seal file")
        needles = sorted({*(part for one in plain for part in privates(one)), seal, key})
        self.assertGreaterEqual(len(needles), 7)
        for path in sorted(self.state.rglob("*")):
            if path.is_file():
                self.sweep(path, path.read_bytes(), needles)
        house = (self.state / "run/lock").read_text().split()[0]
        pids = [house, *pathlib.Path(f"/proc/{house}/task/{house}/children").read_text().split()]
        self.assertGreaterEqual(len(pids), 5)
        regions = 0
        for pid in pids:
            proc = pathlib.Path("/proc") / pid
            for name in ("cmdline", "environ"):
                self.sweep(proc / name, (proc / name).read_bytes(), needles)
            with open(proc / "mem", "rb", 0) as memory, open(proc / "maps") as maps:
                for row in maps:
                    start, end = (int(word, 16) for word in row.split()[0].split("-"))
                    if row.split()[1].startswith("r") and "[v" not in row and end - start < 1 << 27:
                        memory.seek(start)
                        try:
                            self.sweep((pid, row), memory.read(end - start), needles)
                        except OSError:
                            continue
                        regions += 1
        self.assertGreater(regions, 100)


if __name__ == "__main__":
    tap.main()
