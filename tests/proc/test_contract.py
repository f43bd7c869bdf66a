"""test_contract.py - the document of the REST API is one that a linter of others finds nothing in,
and every answer of the house is as it says; answers that are not are found."""

import copy
import json
import pathlib
import subprocess
import tempfile
import unittest

import contract
import front_house as house
import npm
import tap

PING = {"text": "hi", "time": "2026-11-28T12:00:00Z"}
PROBLEM = {"type": "x", "title": "x", "status": 404, "detail": "x", "instance": "/x", "code": "X",
           "trace_id": "0" * 32}
JSON, REFUSED = "application/json", "application/problem+json"


def answer(call, number, kind, body, **changes):
    """A good answer, with members changed; None takes one out."""
    body = {name: value for name, value in {**body, **changes}.items() if value is not None}
    return (*call.split(), number, kind, json.dumps(body))


class Contract(unittest.TestCase):
    def test_good_answers(self):
        for row in (answer("GET /v1/system/ping?text=hi", 200, JSON, PING),
                    answer("GET /v1/system/ping", 200, JSON, PING, time=""),
                    answer("GET /v1/system/ping", 429, REFUSED, PROBLEM),
                    answer("GET /v1/system/ping", 503, REFUSED, PROBLEM),
                    answer("GET /nothing", 404, REFUSED, PROBLEM),
                    answer("DELETE /v1/system/ping", 405, REFUSED, PROBLEM)):
            contract.check(*row)

    def test_wrong_answers_are_found(self):
        ping = "GET /v1/system/ping"
        rows = {"a member too many": answer(ping, 200, JSON, PING, more=1),
                "one too few": answer(ping, 200, JSON, PING, text=None),
                "another type": answer(ping, 200, JSON, PING, text=1),
                "a text that is too long": answer(ping, 200, JSON, PING, text="x" * 1025),
                "no instant": answer(ping, 200, JSON, PING, time="yesterday"),
                "no month": answer(ping, 200, JSON, PING, time="2026-13-28T12:00:00Z"),
                "no JSON": ("GET", "/v1/system/ping", 200, JSON, b'{"text":'),
                "nothing": ("GET", "/v1/system/ping", 200, JSON, b""),
                "another media type": answer(ping, 200, "text/html", PING),
                "no media type": answer(ping, 200, None, PING),
                "a status of its own": answer(ping, 201, JSON, PING),
                "a redirection": answer(ping, 302, REFUSED, PROBLEM),
                "a route that is in no document": answer("GET /v1/system/ping2", 200, JSON, PING),
                "one with a slash": answer("GET /v1/system/ping/", 200, JSON, PING),
                "a method that is in none": answer("PUT /v1/system/ping", 200, JSON, PING),
                "a parameter with a slash": answer("GET /v1/audit/records/1/2", 200, JSON, {}),
                "a number as a number": answer("GET /v1/audit/head", 200, JSON, {
                    "size": 1, "root_hash": "", "time": "", "checkpoint": ""}),
                "a number that is too large": answer("GET /v1/audit/head", 200, JSON, {
                    "size": str(1 << 64), "root_hash": "", "time": "", "checkpoint": ""}),
                "a problem as JSON": answer(ping, 404, JSON, PROBLEM),
                "a success as a problem": answer(ping, 200, REFUSED, PROBLEM),
                "a problem with more": answer(ping, 404, REFUSED, PROBLEM, more="x")}
        rows |= {f"a problem without {name}": answer(ping, 404, REFUSED, PROBLEM, **{name: None})
                 for name in PROBLEM}
        for name, row in rows.items():
            with self.subTest(name), self.assertRaises(AssertionError):
                contract.check(*row)

    def test_every_route_answers_as_documented(self):
        calls = [(method.upper(), path) for path, methods in contract.SPEC["paths"].items()
                 for method in methods]
        self.assertGreaterEqual(len(calls), 11)
        # What cannot be read is judged too.
        bodies = {"/v1/admission/impose": b'{"address":"192.0.2.1"}',
                  "/v1/admission/lift": b'{"address":"192.0.2.1"}',
                  "/v1/attest/verify": b'{"evidence":"AAAA"}', "/v1/audit/verify": b"{}",
                  "/v1/keyring/rotate": b'{"role":"node"}'}
        with house.House(requests_per_second=100000, requests_burst=100000) as here:
            for method, path in calls:
                target = path.replace("{seq}", "0")
                body = bodies.get(path, b"")
                fields = ["Content-Type: application/json"] if body else []
                with self.subTest(path), here.plain() as owner, here.tls() as stranger:
                    status, _, said = house.ask(owner, method, target, fields, body)
                    self.assertEqual(status, 200, said)  # front_house checks what is said
                    rule = contract.SPEC["paths"][path][method.lower()]["x-permission"]
                    status, _, _ = house.ask(stranger, method, target, fields, body)
                    self.assertEqual(status, 200 if rule == "anyone" else 403)
                    if path == "/v1/admission/lift":  # so that there is something to lift again
                        with here.plain() as first:
                            house.ask(first, "POST", "/v1/admission/impose", fields, body)
                    # The client would say so if the document did not have it.
                    whole = contract.SPEC["paths"].pop(path)
                    try:
                        with here.plain() as again, self.assertRaises(AssertionError):
                            house.ask(again, method, target, fields, body)
                    finally:
                        contract.SPEC["paths"][path] = whole

    def test_linter(self):
        """Redocly's rules, all that it recommends; and it can say no."""
        command = npm.program("@redocly/cli/bin/cli.js")
        bad = copy.deepcopy(contract.SPEC)
        del bad["paths"]["/v1/system/ping"]["get"]["responses"]["4XX"]
        with tempfile.TemporaryDirectory() as folder:
            for name, document, good in (("good", contract.SPEC, True), ("bad", bad, False)):
                path = pathlib.Path(folder) / f"{name}.json"
                path.write_text(json.dumps(document))
                done = subprocess.run([*command, "lint", "--extends=recommended", "--format=json",
                                       path], capture_output=True, timeout=100, check=False,
                                      env=npm.QUIET, cwd=folder)
                said = done.stdout.decode()
                found = json.loads(said[said.index("{"):said.rindex("}") + 1])["totals"]
                self.assertEqual(found == {"errors": 0, "warnings": 0, "ignored": 0}, good, said)


if __name__ == "__main__":
    tap.main()
