"""test_exports.py - what `ward audit export` prints is read by others: OCSF events are held against
the schema that is published of that version, CEF lines are taken apart by a parser that is not ours
and held against the format's own dictionary. Both can say no."""

import copy
import functools
import ipaddress
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

# Of Debian's python3-jsonschema; a python3 of somebody else does not look there by itself.
sys.path.append("/usr/lib/python3/dist-packages")

import jsonschema

import pinned
import pypi
import tap
from test_outside import UNSAFE

BUILD = pinned.BUILD.resolve()


def made(form):
    return subprocess.run([BUILD / "tests/audit/audit_maker", form], check=True,
                          capture_output=True).stdout


def exported(form, log):
    """The lines of the command for a house that is down and whose log that is."""
    with tempfile.TemporaryDirectory() as state:
        folder = pathlib.Path(state) / "audit"
        folder.mkdir(mode=0o700)
        (folder / "security.log").write_bytes(log)
        (folder / "leaves").write_bytes(made("leaves"))
        done = subprocess.run([BUILD / "ward", "audit", "export", "--format", form, "--state",
                               state], check=True, capture_output=True)
        return done.stdout.decode().split("\n")[:-1]


class Exports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        log = made("log")
        cls.records = [json.loads(line) for line in log.split(b"\n")[:-1]]
        cls.ocsf, cls.cef = ([*exported(form, log)] for form in ("ocsf", "cef"))


class Ocsf(Exports):
    @functools.lru_cache(maxsize=None)
    def schema(self):
        made = pypi.module("ocsf_json_schema.embedded")
        shipped = pypi.folder() / "ocsf_json_schema/ocsf/1.3.0.json"
        return made.OcsfJsonSchemaEmbedded(json.loads(shipped.read_text()))

    @functools.lru_cache(maxsize=None)
    def validator(self, uid, profiles):
        name = self.schema().lookup_class_name_from_uid(uid)
        rules = self.schema().get_class_schema(name, list(profiles))
        jsonschema.Draft202012Validator.check_schema(rules)
        return jsonschema.Draft202012Validator(rules)

    def faults(self, event):
        profiles = tuple(event["metadata"].get("profiles", ()))
        rules = self.validator(event["class_uid"], profiles)
        return [f"{list(one.path)}: {one.message[:200]}" for one in rules.iter_errors(event)]

    def test_every_event_is_valid(self):
        # proves: EC-33
        self.assertEqual(len(self.ocsf), len(self.records))
        seen = set()
        for line, record in zip(self.ocsf, self.records):
            event = json.loads(line)
            self.assertEqual(event["metadata"]["version"], "1.3.0")
            self.assertEqual(self.faults(event), [], record["action"])
            self.assertEqual(event["metadata"]["sequence"], record["seq"])
            seen.add(event["class_uid"])
        self.assertEqual(seen, {3002, 3004, 6002, 6003})

    def test_an_event_that_is_wrong_is_found(self):
        for event in {json.loads(line)["class_uid"]: json.loads(line) for line in self.ocsf}.values():
            rules = self.validator(event["class_uid"], tuple(event["metadata"].get("profiles", ())))
            changes = [{name: None} for name in rules.schema["required"]
                       if name not in ("class_uid", "metadata")]
            changes += [{"activity_id": 77}, {"status_id": "1"}, {"ward": 1}, {"time": "now"},
                        {"type_uid": 1}, {"severity_id": -1},
                        {"metadata": {**event["metadata"], "product": {}}}]
            for change in changes:
                wrong = {name: value for name, value in {**copy.deepcopy(event), **change}.items()
                         if value is not None}
                with self.subTest(uid=event["class_uid"], change=str(change)[:60]):
                    self.assertNotEqual(self.faults(wrong), [])


# The format's dictionary: how long a value may be, or what it is.
DICTIONARY = {"rt": int, "externalId": 40, "cat": 1023, "act": 63, "outcome": 63, "suser": 1023,
              "src": ipaddress.IPv4Address, "c6a2": ipaddress.IPv6Address, "c6a2Label": 1023,
              **{f"cs{n}": 4000 for n in range(1, 5)}, **{f"cs{n}Label": 1023 for n in range(1, 5)}}
HEADER = re.compile(r"CEF:0((?:\|(?:[^|\\\x00-\x1f]|\\[|\\])+){5})\|(10|[0-9])\|")
PAIR = re.compile(r"([A-Za-z0-9]+)=((?:[^=\\\x00-\x1f]|\\[=\\])+?)(?= [A-Za-z0-9]+=|$)")


def by_the_format(line):
    """{key: value} of a CEF line; ValueError where it is none."""
    head = HEADER.match(line)
    if head is None:
        raise ValueError("header")
    found, at = {}, head.end()
    while at < len(line):
        pair = PAIR.match(line, at)
        if pair is None or pair[1] in found:
            raise ValueError(f"extension at {at}")
        key, value = pair[1], re.sub(r"\\([=\\])", r"\1", pair[2])
        rule = DICTIONARY[key]
        if isinstance(rule, int) and len(value) > rule:
            raise ValueError(f"{key} is too long")
        if not isinstance(rule, int):
            rule(value)
        found[key] = value
        at = pair.end() + 1
    if any((f"{key}Label" in found) != (key in found) for key in ("c6a2", "cs1", "cs2", "cs3", "cs4")):
        raise ValueError("a label or a value alone")
    return found


class Cef(Exports):
    def wanted(self, record):
        """What the line has to say, by the record alone."""
        found = {"externalId": str(record["seq"]), "cat": record["event_type"],
                 "act": record["action"], "outcome": record["outcome"],
                 "suser": record["actor_id"], "cs1": record["actor_type"],
                 "cs2": record["resource"], "cs3": record["trace_id"]}
        return {key: UNSAFE.sub(lambda one: f"\\u{ord(one[0]):04x}", value)
                for key, value in found.items() if value}

    def test_every_line_is_of_the_format(self):
        # proves: EC-33
        self.assertEqual(len(self.cef), len(self.records))
        for line, record in zip(self.cef, self.records):
            found = by_the_format(line)
            self.assertEqual(json.loads(found["cs4"]), record["details"])
            for key, value in self.wanted(record).items():
                self.assertEqual(found[key], value)
            self.assertEqual("cs2" in found, bool(record["resource"]))

    def test_a_parser_of_others_reads_the_same(self):
        pycef = pypi.module("pycef")
        labels = {"cs1": "actorType", "cs2": "resource", "cs3": "traceId"}
        for line, record in zip(self.cef, self.records):
            found = pycef.parse(line)
            self.assertEqual((found["CEFVersion"], found["DeviceVendor"], found["DeviceProduct"],
                              found["Name"]), ("0", "Ward", "ward", record["action"]))
            for key, value in self.wanted(record).items():
                said = re.sub(r"\\([=\\])", r"\1", found[labels.get(key, key)])
                self.assertEqual(said.strip(" "), value.strip(" "), line)

    def test_a_line_that_is_wrong_is_found(self):
        good = self.cef[0]
        by_the_format(good)
        for wrong in (good.replace("CEF:0", "CEF:x"), good.replace("|Ward|", "|", 1),
                      good.replace("|Ward|", "|Wa|rd|", 1), good + " act=b",
                      good + " cs2=a=b", good + " cs5=\\n", good.replace(" cs1Label=actorType", ""),
                      good + "\x1b[m", re.sub(r"rt=\d+", "rt=now", good),
                      re.sub(r"act=\S+", "act=" + "x" * 64, good)):
            with self.assertRaises((ValueError, KeyError), msg=wrong):
                by_the_format(wrong)


if __name__ == "__main__":
    tap.main()
