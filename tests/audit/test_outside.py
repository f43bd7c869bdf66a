"""test_outside.py - the security log as a third party sees it: chain, tree and head are
verified from what docs/security-log.md says, with nothing of Ward's, and exports are read by
the readers of Python's own library."""

import base64
import csv
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import unittest

import tap

MAKER = pathlib.Path(os.environ["WARD_BUILD"]) / "tests/audit/audit_maker"
RECORDS = 300
FIELDS = ["action", "actor_id", "actor_type", "details", "event_type", "ip_address", "outcome",
          "prev", "resource", "seq", "timestamp", "trace_id"]
TYPES = {"Authentication", "Authorization", "DataAccess", "Configuration", "Payment"}
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
# OCSF 1.3.0: what a class requires besides what every event does.
EVENT = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
CLASSES = {3002: {"user"}, 3004: {"entity"}, 6002: {"app"}, 6003: {"actor", "api", "src_endpoint"}}


def made(form):
    return subprocess.run([MAKER, form], check=True, capture_output=True).stdout


def lines():
    return made("log").split(b"\n")[:-1]


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of(leaves):
    """MTH of RFC 9162 2.1.1."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\1" + root_of(leaves[:k]) + root_of(leaves[k:]))


class Outside(unittest.TestCase):
    def test_lines(self):
        self.assertEqual(len(lines()), RECORDS)
        for line in lines():
            text = line.decode("utf-8")
            record = json.loads(text, object_pairs_hook=list)
            self.assertEqual([name for name, _ in record], FIELDS)
            record = json.loads(text)
            self.assertIsNone(UNSAFE.search(text))
            self.assertIn(record["event_type"], TYPES)
            self.assertIn(record["outcome"], {"Success", "Failure", "Denied"})
            self.assertRegex(record["timestamp"], r"^\d{4}(-\d\d){2}T\d\d(:\d\d){2}\.\d{3}Z$")
            self.assertEqual(record["details"]["password"], "[redacted]")

    def test_canonical_form(self):
        """RFC 8785 is what json.dumps gives for such values, where nothing is unsafe."""
        tried = 0
        for line in lines():
            again = json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"),
                               ensure_ascii=False)
            if not re.search("[\x7f-\x9f\u2028-\u202e]", again):
                self.assertEqual(again.encode(), line)
                tried += 1
        self.assertGreater(tried, RECORDS / 2)

    def test_chain_and_head(self):
        before, leaves = bytes(32), []
        for number, line in enumerate(lines()):
            record = json.loads(line)
            self.assertEqual((record["seq"], record["prev"]), (number, before.hex()))
            before = sha256(b"\0" + line)
            leaves.append(before)
        self.assertEqual(made("leaves"), b"".join(leaves))
        origin, size, root = made("head").decode().splitlines()
        self.assertEqual((origin, int(size)), ("ward.test/log", RECORDS))
        self.assertEqual(base64.b64decode(root, validate=True), root_of(leaves))

    def test_csv(self):
        rows = list(csv.reader(io.StringIO(made("csv").decode(), newline=""), strict=True))
        records = [json.loads(line) for line in lines()]
        self.assertEqual(len(rows), RECORDS + 1)
        for row, record in zip(rows[1:], records):
            cells = dict(zip(rows[0], row, strict=True))
            self.assertEqual(int(cells["seq"]), record["seq"])
            self.assertEqual(json.loads(cells["details"]), record["details"])
            self.assertEqual(cells["prev"], record["prev"])
            for cell in row:
                self.assertIsNone(UNSAFE.search(cell))
                self.assertNotRegex(cell, r"^\s*[=+\-@|%]")

    def test_ocsf(self):
        records = [json.loads(line) for line in lines()]
        events = made("ocsf").decode().splitlines()
        self.assertEqual(len(events), RECORDS)
        for text, record in zip(events, records):
            event = json.loads(text)
            self.assertLessEqual(EVENT | CLASSES[event["class_uid"]], set(event))
            self.assertEqual(event["type_uid"], event["class_uid"] * 100 + event["activity_id"])
            self.assertEqual(event["unmapped"]["details"], record["details"])
            self.assertEqual(event["metadata"]["sequence"], record["seq"])
            self.assertEqual(event["status_id"], 1 if record["outcome"] == "Success" else 2)
            who = event.get("user") or event.get("actor", {}).get("user") or {}
            self.assertEqual(who.get("uid", record["actor_id"]), record["actor_id"])

    def test_cef(self):
        records = [json.loads(line) for line in lines()]
        events = made("cef").decode().split("\n")[:-1]
        self.assertEqual(len(events), RECORDS)
        for text, record in zip(events, records):
            *head, extension = re.split(r"(?<!\\)\|", text, maxsplit=7)
            self.assertEqual(head[:3], ["CEF:0", "Ward", "ward"])
            self.assertEqual(head[4], record["action"])
            pairs = re.split(r" (?=\w+=)", extension)
            values = dict(pair.split("=", 1) for pair in pairs)
            self.assertEqual(len(values), len(pairs))
            self.assertEqual(int(values["externalId"]), record["seq"])
            self.assertEqual(values["outcome"], record["outcome"])
            details = re.sub(r"\\([\\=])", r"\1", values["cs4"])
            self.assertEqual(json.loads(details), record["details"])


if __name__ == "__main__":
    tap.main()
