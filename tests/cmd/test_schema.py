"""test_schema.py - whatever `ward verify --json` is asked, the object that it prints is one of
docs/schema/verify.json. The validator knows the keywords that the schema uses and refuses a
schema that uses another, so that no rule is passed over in silence."""

import json
import re
import unittest

import tap
from ward import ATTEST, OWN, ROOT, needs_vectors, verify

SCHEMA = json.loads((ROOT / "docs/schema/verify.json").read_text())
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
SAY = {"$schema", "title", "description", "$defs"}  # these say something and require nothing


def has_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def members(schema, value, where, rest):
    """The faults of an object's members."""
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where}: {name} is missing"
    for name, inner in value.items():
        rules = [rule for known, rule in schema.get("properties", {}).items() if known == name]
        rules += [rule for pattern, rule in schema.get("patternProperties", {}).items()
                  if re.search(pattern, name)]
        for rule in rules or [rest]:
            yield from faults(rule, inner, f"{where}.{name}")


def items(schema, value, where):
    least, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
    if not least <= len(value) <= most:
        yield f"{where}: {len(value)} items"
    if schema.get("uniqueItems") and len({json.dumps(item) for item in value}) < len(value):
        yield f"{where}: an item stands twice"
    for i, item in enumerate(value):
        yield from faults(schema.get("items", True), item, f"{where}[{i}]")


def plain(schema, value, where):
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(has_type(value, name) for name in types):
        yield f"{where}: {value!r} is not of type {types}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is not one of {schema['enum']}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{where}: {value!r} is not like {schema['pattern']}"
    if has_type(value, "integer") and value < schema.get("minimum", value):
        yield f"{where}: {value} is too small"


KNOWN = SAY | {"$ref", "oneOf", "type", "enum", "pattern", "minimum", "required", "properties",
               "patternProperties", "additionalProperties", "items", "minItems", "maxItems",
               "uniqueItems"}


def faults(schema, value, where="result"):
    """What is wrong with a value, in words; nothing when it fits."""
    if isinstance(schema, bool):
        if not schema:
            yield f"{where}: is not in the schema"
        return
    if unknown := set(schema) - KNOWN:
        raise ValueError(f"the schema uses {unknown}, which this test does not know")
    if "$ref" in schema:
        yield from faults(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, where)
    if "oneOf" in schema:
        each = [list(faults(rule, value, where)) for rule in schema["oneOf"]]
        if sum(not found for found in each) != 1:
            yield from [f"{where}: not exactly one form fits", *sum(each, [])]
    yield from plain(schema, value, where)
    if isinstance(value, dict):
        yield from members(schema, value, where, schema.get("additionalProperties", True))
    if isinstance(value, list):
        yield from items(schema, value, where)


def every(schema):
    """The schema and all that stand inside it."""
    if isinstance(schema, dict):
        yield schema
        for name, inner in schema.items():
            named = name in ("properties", "patternProperties", "$defs")
            for rule in inner.values() if named else inner if name == "oneOf" else [inner]:
                yield from every(rule)


def own_cases():
    """Words for each case of the authority's own index."""
    for case in json.loads((OWN / "index.json").read_text())["cases"]:
        words = [OWN / case["file"], "--at", case["time"], "--root", OWN / case["root"]]
        if "collateral" in case:
            words += ["--collateral", OWN / case["collateral"]]
        if "pck_crl" in case:
            words += ["--pck-crl", OWN / case["pck_crl"]]
        if "event_log" in case:
            words += ["--event-log", OWN / case["event_log"]]
        yield case, words


TDX = OWN / "quote/tdx-v4.quote.bin"
GOOD = ("--at", "2026-01-01T00:00:00Z", "--root", OWN / "sgx_root.pem", "--collateral",
        OWN / "collateral")


class Schema(unittest.TestCase):
    def fits(self, got):
        self.assertEqual(list(faults(SCHEMA, got)), [])

    def test_every_own_case_fits(self):
        seen = set()
        for case, words in own_cases():
            with self.subTest(case["file"], reason=case["reason"]):
                _, got = verify(*words)
                self.assertEqual(got["type"], case["type"])
                self.fits(got)
                seen.add((got["type"], got["decision"], (got["event_log"] or {}).get("format")))
        for kind in ("sgx-v3", "tdx-v4", "tdx-v5-1.5", "nitro"):
            for decision in ("allow", "deny"):
                self.assertIn((kind, decision, None), seen)
        for log in ("ccel", "dstack-v1", "dstack-v2"):
            self.assertIn(("tdx-v4", "allow", log), seen)

    def test_relaxed_and_unverified_fit(self):
        for words in ((TDX, *GOOD[:4]), (TDX,),
                      (OWN / "quote/tdx-v4-debug.quote.bin", *GOOD, "--allow-debug"),
                      (OWN / "quote/tdx-v4-trailing.quote.bin", *GOOD, "--allow-trailing"),
                      (OWN / "quote/tdx-v4-old-module.quote.bin", *GOOD, "--allow-tcb", "OutOfDate"),
                      (TDX, *GOOD, "--event-log", OWN / "index.json"),
                      (TDX, *GOOD, "--type", "nitro"), (TDX, *GOOD, "--nonce", "00ff")):
            with self.subTest(str(words)):
                self.fits(verify(*words)[1])

    def test_garbage_fits(self):
        quote, document = TDX.read_bytes(), (OWN / "nitro/document.cose.bin").read_bytes()
        given = [b"", b"\0", b"{}", b"\xff" * 5000, b"hello", b"\x04\0" + bytes(300 * 1024)]
        given += [whole[:size] for whole in (quote, document)
                  for size in (1, 2, 47, 48, 200, 632, 700, len(whole) - 1)]
        given += [whole[:at] + bytes([whole[at] ^ 0x81]) + whole[at + 1:]
                  for whole in (quote, document) for at in range(0, len(whole), 311)]
        for case, data in enumerate(given):
            with self.subTest(case):
                _, got = verify("-", *GOOD, given=data)
                self.assertEqual(got["decision"], "deny")
                self.fits(got)

    @needs_vectors
    def test_genuine_evidence_fits(self):
        for pattern in ("tdx/*.quote.bin", "sgx/*.quote.bin", "nitro/*.cose.bin"):
            for path in sorted(ATTEST.glob(pattern)):
                with self.subTest(path.name):
                    self.fits(verify(path, "--at", "2025-07-04T10:16:31Z", "--collateral",
                                     ATTEST / "tdx/collateral")[1])


class Validator(unittest.TestCase):
    def test_every_rule_of_the_schema_is_known(self):
        for schema in every(SCHEMA):
            self.assertLessEqual(set(schema), KNOWN)

    def test_wrong_results_are_found(self):
        _, got = verify(OWN / "log/tdx-v4-ccel.quote.bin", *GOOD, "--event-log",
                        OWN / "log/boot.ccel.bin")
        for path, wrong in (("decision", "maybe"), ("decision", None), ("reason", "not a code"),
                            ("hardware", "true"), ("relaxed", [1]), ("time", "2026-01-01"),
                            ("tcb.status", "Fine"), ("tcb.evaluation_number", -1),
                            ("tcb.evaluation_number", True), ("tcb.advisories", ["A", "A"]),
                            ("tcb.more", 1), ("event_log.match", [True] * 3),
                            ("event_log.replayed", ["00"] * 4), ("checks.0.id", "AX-1"),
                            ("checks.0.side", "theirs"), ("claims.pcrs", {"32": ""}),
                            ("claims.mrtd", [1]), ("more", 1), ("type", "sev")):
            with self.subTest(path, wrong=wrong):
                copy = json.loads(json.dumps(got))
                *way, last = path.split(".")
                place = copy
                for name in way:
                    place = place[int(name) if isinstance(place, list) else name]
                place[last] = wrong
                self.assertTrue(list(faults(SCHEMA, copy)))
        for name in got:
            self.assertTrue(list(faults(SCHEMA, {k: v for k, v in got.items() if k != name})))


if __name__ == "__main__":
    tap.main()
