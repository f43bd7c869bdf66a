"""test_grpc_js.py - @grpc/grpc-js, a client that knows nothing of Ward, learns by reflection what
there is and calls it; over REST the answers are the same JSON."""

import json
import pathlib
import subprocess
import unittest
import urllib.parse

import front_house as house
import npm
import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "tests/proc/grpc_client.js"
OWN = "/ward.v1."
HEALTH = "/grpc.health.v1.Health/Check"


def ping(text):
    return (f"/v1/system/ping?text={urllib.parse.quote(text)}", "System/Ping", {"text": text})


def records(**query):
    return ("/v1/audit/records?" + urllib.parse.urlencode(query), "Audit/Query", query)


# (REST target, gRPC method, its request).
CALLS = [ping("hi"), ping(""), ping('"\\/€😀\u2028'), ping("x" * 1000), ping("a b+c%20"),
         ("/v1/system/version", "System/Version", {}), ("/v1/system/doctor", "System/Doctor", {}),
         ("/v1/system/config", "System/Config", {}),
         ("/v1/system/config?key=limit.connections", "System/Config",
          {"key": "limit.connections"}),
         ("/v1/keyring/keys", "Keyring/List", {}), ("/v1/audit/head", "Audit/Head", {}),
         records(limit=1), records(limit=3), records(limit=2, event_type="Configuration"),
         records(limit=4, outcome="Success"), records(limit=1000, action="house.start"),
         ("/v1/audit/records/0", "Audit/Get", {"seq": "0"}),
         ("/v1/audit/records/1", "Audit/Get", {"seq": "1"}),
         ("/v1/audit/proof?seq=0", "Audit/Prove", {"seq": "0"}),
         ("/v1/audit/proof?seq=1", "Audit/Prove", {"seq": "1"})]


def calls(address, trust, rows):
    """What the client learned, and its answers."""
    done = subprocess.run(["node", SCRIPT, address, trust], input=json.dumps(rows), text=True,
                          capture_output=True, timeout=100, check=False,
                          env={**npm.QUIET, "NODE_PATH": str(npm.modules())})
    lines = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
    if done.returncode != 0 or len(lines) != len(rows) + 1:
        raise AssertionError(done.stdout + done.stderr)
    return lines[0], lines[1:]


def code_of(answer):
    return house.details({"grpc-status-details-bin": answer["reason"]})[0]


class GrpcJs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = house.House(requests_per_second=100000, requests_burst=100000)
        cls.house.__enter__()
        cls.owner = f"unix:{cls.house.state}/run/ward.sock"

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def setUp(self):
        npm.modules()

    def test_equal_to_rest(self):  # proves: EC-27
        self.assertEqual(len(CALLS), 20)
        rows = [{"path": OWN + path, "request": request} for _, path, request in CALLS]
        learned, answers = calls(self.owner, "-", rows)
        self.assertEqual(learned["streams"], [])  # every answer of ward.v1 is one message
        for number, (target, _, _) in enumerate(CALLS):
            with self.subTest(target[:60]):
                for _ in range(5):  # a second may have passed between the two
                    with self.house.plain() as one:
                        status, _, body = house.ask(one, "GET", target)
                    self.assertEqual((status, answers[number]["code"]), (200, 0), body)
                    if json.loads(body) == answers[number]["message"]:
                        break
                    _, (answers[number],) = calls(self.owner, "-", [rows[number]])
                self.assertEqual(json.loads(body), answers[number]["message"])

    def test_health_and_what_is_served(self):  # proves: EC-27
        address, trust = f"localhost:{self.house.port}", self.house.state / "ca.pem"
        rows = [{"path": HEALTH, "request": {"service": name}}
                for name in ("", "ward.v1.System", "ward.v1.Audit", "no.such")]
        learned, answers = calls(address, trust, rows)
        self.assertEqual([answer["code"] for answer in answers], [0, 0, 0, 5])
        for answer in answers[:3]:
            self.assertEqual(answer["message"], {"status": "SERVING"})
        self.assertEqual({f"ward.v1.{name}" for name in ("System", "Admission", "Attest", "Audit", "Results", "Jobs",
                                                          "Collateral", "Keyring", "Peers",
                                                          "Session", "Token")},
                         {name for name in learned["services"] if name.startswith("ward.")})
        spec = json.loads((ROOT / "docs/api/openapi.json").read_text())
        documented = {one["x-grpc"] for methods in spec["paths"].values()
                      for one in methods.values()}
        self.assertEqual({path for path in learned["methods"] if path.startswith(OWN)}, documented)

    def test_a_stranger_is_refused(self):
        rows = [{"path": OWN + "System/Ping", "request": {"text": "hi"}},
                {"path": OWN + "System/Doctor"}, {"path": OWN + "Audit/Query"},
                {"path": OWN + "System/Ping", "request": {"text": "x" * 5000}},
                {"path": OWN + "Keyring/List"}]
        _, answers = calls(f"localhost:{self.house.port}", self.house.state / "ca.pem", rows)
        self.assertEqual([answer["code"] for answer in answers], [0, 7, 7, 8, 7])
        self.assertEqual([code_of(answer) for answer in answers[1:]],
                         ["HOUSE_OWNER_ONLY", "HOUSE_OWNER_ONLY", "HTTP_BODY_TOO_LARGE",
                          "HOUSE_OWNER_ONLY"])


if __name__ == "__main__":
    tap.main()
