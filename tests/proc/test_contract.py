"""test_contract.py - the document of the REST API is one that a linter of others finds nothing in,
and every answer of the house is as it says; answers that are not are found."""

import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import contract
import curl
import front_house as house
import npm
import tap
from signer import Signer
from test_results import facts

sys.path.insert(0, str(contract.ROOT / "tools"))
import tree  # noqa: E402  (the path is set just above)

PING = {"text": "hi", "time": "2026-11-28T12:00:00Z"}
PROBLEM = {"type": "x", "title": "x", "status": 404, "detail": "x", "instance": "/x", "code": "X",
           "trace_id": "0" * 32}
# Who reads what comes over a socket, and why that is no answer of the house that nobody judges.
READS = re.compile(r"\.recv\(|getresponse\(|urlopen\(|[\"']curl[\"'],")
READERS = {"tests/contract.py": "the judge",
           "tests/proc/front_house.py": "its sockets are watched",
           "tests/http/test_websocket_others.py": "no house: two ends of a WebSocket",
           "tests/channel/sdk_model.py": "no house: a peer of profile sdk-v1",
           "tests/channel/test_sdk_peers.py": "no house: two ends of profile sdk-v1",
           "tests/channel/test_examples.py": "the examples of libward; no house",
           "tests/lib/test_channel_tls.py": "servers of libward's channels; no house",
           "tests/cmd/test_owner_hostile.py": "no house: what answers in its place",
           "tests/cmd/sim_agents.py": "a guest agent",
           "tests/cmd/test_run_refused.py": "no house: what a run says to one",
           "tests/cmd/test_sim_agent.py": "a guest agent",
           "tests/proc/test_guest_agent.py": "the guest agent of a job",
           "tests/proc/test_certificate.py": "records of a handshake; requests are judged",
           "tests/proc/test_told.py": "sockets of front_house, and what is closed",
           "tests/proc/guarded.py": "handshakes that are refused; requests are judged",
           "tests/proc/test_edges.py": "an edge, which has answers of its own; and front_house's",
           "tests/proc/test_front.py": "sockets of front_house",
           "tests/proc/test_front_faults.py": "sockets of front_house",
           "tests/proc/test_hostile_h2.py": "sockets of front_house",
           "tests/proc/test_slow_disk.py": "watched",
           "tests/proc/test_leaks.py": "no house: two ends of a socket",
           "tests/proc/test_no_secrets_front.py": "sockets of front_house",
           "tests/proc/linked.py": "WebSockets, metrics; what refuses one is judged",
           "tests/proc/flooding.py": "connections that stop before they have an answer",
           "tests/proc/refusals.py": "sockets of front_house",
           "tests/proc/fetcher.py": "a provider of collateral, that the house asks",
           "tests/proc/test_dial.py": "servers of its own, that dial connects to",
           "tests/proc/test_executables.py": "names of libraries",
           "tests/proc/test_house.py": "as another user, and judged as what he got",
           "tests/proc/challenged.py": "challenges, that the house asks",
           "tests/proc/test_challenges.py": "challenges, and sockets of front_house",
           "tests/proc/test_passages.py": "sockets of front_house",
           "tests/proc/test_peers.py": "servers of its own, that the house calls; and house's",
           "tests/proc/test_sdk_ws.py": "challenges of its own, that the house calls",
           "tests/cmd/test_service.py": "watched; and what systemd is told",
           "tests/cmd/fence_world.py": "servers of its own, that jobs ask",
           "tests/cmd/fence_job.py": "what jobs ask of them",
           "tests/cmd/test_run_fence.py": "what jobs ask of them",
           "tests/cmd/test_tls.py": "servers of its own, that `ward verify` asks",
           "tests/store/test_store_postgres.py": "the store's server"}
JOBS = {"/v1/job/submit": (400, 403, 503), "/v1/job/cancel": (404, 503), "/v1/node": (200, 503),
        "/v1/jobs": (200, 503), "/v1/jobs/{job_id}": (404, 503), "/v1/jobs/{job_id}/logs": (404, 503),
        "/v1/jobs/{job_id}/why": (404, 503)}
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

    def test_what_comes_over_a_socket_is_judged(self):
        """Whole, in pieces, one behind the other; what was no request gets a problem and no more."""
        def said(number, kind, body, line="HTTP/1.1"):
            head = f"{line} {number} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
            return (head + body).encode()

        ping, good = house.request("GET", "/v1/system/ping"), said(200, JSON, json.dumps(PING))
        refused = said(400, REFUSED, json.dumps(PROBLEM))
        bad = said(200, JSON, json.dumps({**PING, "more": 1}))
        for asked, got, is_right in (
                (ping, good, True), (ping, bad, False), (ping + ping, good + good, True),
                (ping + ping, good + bad, False), (ping + ping, good + refused, True),
                (b"nonsense\r\n\r\n", refused, True), (b"nonsense\r\n\r\n", good, False),
                (house.request("POST", "/v1/audit/verify", [], b"{}") + ping, refused + good, True),
                (house.request("POST", "/v1/audit/verify", [], ping), refused + good, False),
                (ping.replace(b"GET", b"HEAD"), said(200, JSON, ""), True),
                (ping, b"HTTP/1.1 100 Continue\r\n\r\n" + bad, False),
                (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\0\4\0\0\0\0\0\r\n\r\n", True)):
            for step in (1, 7, 1 << 20):
                stream = contract.Stream()
                stream.sent(asked)
                parts = [got[at:at + step] for at in range(0, len(got), step)]
                with self.subTest(asked=asked[:30], got=got[:20], step=step):
                    if is_right:
                        for part in parts:
                            stream.received(part)
                        continue
                    with self.assertRaises(AssertionError):
                        for part in parts:
                            stream.received(part)

    def test_what_curl_is_answered_is_judged(self):
        with house.House() as here, curl.folder() as path:
            def ask(*words):
                return subprocess.run([f"{path}/curl", "-sS", "--http1.1", "--cacert", here.state / "ca.pem",
                                       *words], capture_output=True, check=False, timeout=60)
            at = f"https://localhost:{here.port}"
            done = ask("-w", "%{http_code}", f"{at}/v1/system/ping?text=a")
            self.assertTrue(done.stdout.startswith(b'{"text":"a"') and done.stdout.endswith(b"200"))
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            done = ask("--fail-with-body", f"{at}/v1/audit/records")
            self.assertEqual((done.returncode, json.loads(done.stdout)["status"]), (22, 403))
            done = ask("-d", "{}", "-X", "PUT", f"{at}/v1/system/ping")
            self.assertEqual((done.returncode, json.loads(done.stdout)["status"]), (0, 405))
            # An answer of 200 to what the document does not have ends with an error.
            done = ask("--request-target", "/v1/system/version", f"{at}/v1/none")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(b"AssertionError: GET /v1/none is served", done.stderr)

    def test_nobody_reads_an_answer_unjudged(self):
        # proves: EC-24
        found = {name for name in tree.files(contract.ROOT, ".py", under=("tests",))
                 if READS.search(tree.read(contract.ROOT, name))}
        self.assertEqual(found, set(READERS))

    def test_every_route_answers_as_documented(self):
        # proves: EC-24
        calls = [(method.upper(), path) for path, methods in contract.SPEC["paths"].items()
                 for method in methods]
        self.assertGreaterEqual(len(calls), 11)
        # What cannot be read is judged too.
        bodies = {"/v1/admission/impose": b'{"address":"192.0.2.1"}',
                  "/v1/admission/lift": b'{"address":"192.0.2.1"}',
                  "/v1/attest/verify": b'{"evidence":"AAAA"}',
                  "/v1/attest/evidence": b'{"report_data":"%s"}' % (b"A" * 86 + b"=="),
                  "/v1/audit/verify": b"{}",
                  "/v1/token/issue": b'{"type":"miner","challenge":"sums","subject":'
                                     b'"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"}',
                  "/v1/job/submit": b'{"spec":"x","images":"/i"}',
                  "/v1/job/cancel": b'{"job_id":"%s"}' % (b"0" * 32),
                  "/v1/results/sign": json.dumps(facts()).encode(),
                  "/v1/keyring/rotate": b'{"role":"node"}', "/v1/session/end": b"{}"}
        sums = '[peers.sums]\nurl = "wss://challenge.example/sdk/ws"\n'
        provider = {"collateral.url": "https://127.0.0.1:1"}  # there is one; nothing is asked of it
        with house.House(config=sums, requests_per_second=100000, requests_burst=100000,
                         **provider) as here:
            def shown():  # good once
                done = here.command("token", "issue", "--miner", "--challenge", "sums", "--subject",
                                    "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "--state",
                                    here.state)
                return json.dumps({"token": done.stdout.strip(), "challenge": "sums", "route": "a",
                                   "method": "GET", "body_hash": "A" * 43 + "="}).encode()
            bodies["/v1/token/redeem"] = shown()
            peer, other = here.grant(Signer()), here.grant(Signer())
            bodies["/v1/sessions/grant"] = json.dumps({"name": "x", "public_key": peer.key()}).encode()
            bodies["/v1/sessions/revoke"] = b'{"id":"%s"}' % other.id().encode()
            for method, path in calls:
                target = path.replace("{seq}", "0").replace("{job_id}", "0" * 32)
                body = bodies.get(path, b"")
                fields = ["Content-Type: application/json"] if body else []
                with self.subTest(path), here.plain() as owner, here.tls() as stranger:
                    rule = contract.SPEC["paths"][path][method.lower()]["x-permission"]

                    def ask(one, rule=rule, call=(method, target), fields=fields, body=body):
                        signed = peer.lines(*call, body, type="application/json" if body else "")
                        return house.ask(one, *call, fields + signed * (rule == "session"), body)
                    status, _, said = ask(owner)
                    # front_house checks what is said; of jobs there is none here (test_jobs.py).
                    self.assertIn(status, JOBS.get(path, (200,)), said)
                    status, _, _ = house.ask(stranger, method, target, fields, body)
                    self.assertEqual(status, {"anyone": 200, "owner": 403, "operator": 403,
                                              "session": 401}[rule])
                    if path == "/v1/admission/lift":  # so that there is something to lift again
                        with here.plain() as first:
                            house.ask(first, "POST", "/v1/admission/impose", fields, body)
                    again_with = shown() if path == "/v1/token/redeem" else body
                    # The client would say so if the document did not have it.
                    if path in ("/v1/session/end", "/v1/sessions/revoke", *JOBS):  # it is over, or not there
                        continue
                    whole = contract.SPEC["paths"].pop(path)
                    try:
                        with here.plain() as again, self.assertRaises(AssertionError):
                            ask(again, body=again_with)
                    finally:
                        contract.SPEC["paths"][path] = whole

    def test_linter(self):  # proves: EC-24
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
