"""test_metrics.py - what a house counts, as promtool reads it: the page itself, its reference, the
alerts and the dashboard that are shipped with it."""

import json
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import unittest

import front_house as house
import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHIPPED = ROOT / "packaging/prometheus"
ROW = re.compile(r"\| `(ward_\w+)` \| (counter|gauge) \| ([^|]+) \| ([^|]+) \|")
NAME = re.compile(r"\bward_\w+")


def promtool(*words, given=None):
    done = subprocess.run(["promtool", *map(str, words)], input=given, capture_output=True,
                          timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()


def scraped(one):
    """The page, and what it says: {name: (kind, help)} and the names of its series."""
    with one.plain() as plain:
        status, fields, body = house.ask(plain, "GET", "/metrics")
    assert (status, fields["content-type"][:10]) == (200, "text/plain"), (status, fields)
    text = body.decode()
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.M))
    kinds = dict(re.findall(r"^# TYPE (\S+) (.*)$", text, re.M))
    series = [line.rpartition(" ")[0] for line in text.splitlines() if line[0] != "#"]
    return text, {name: (kinds[name], helps[name]) for name in kinds}, series


def reference():
    return {name: (kind, meaning.strip(), unit.strip()) for name, kind, unit, meaning in
            ROW.findall((ROOT / "docs/metrics.md").read_text())}


def unknown(text, known):
    """The metrics that a query or a rule asks for and that there are not."""
    return sorted(set(NAME.findall(text)) - set(known))


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = house.House(requests_per_second=100000, requests_burst=100000)
        cls.house.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def test_page_and_reference(self):  # proves: EC-29
        text, said, series = scraped(self.house)
        self.assertEqual(promtool("check", "metrics", given=text.encode()), (0, ""))
        known = reference()
        self.assertEqual({name: (kind, meaning) for name, (kind, meaning, _) in known.items()},
                         said)
        self.assertTrue(all(unit for _, _, unit in known.values()))
        self.assertGreater(len(known), 15)
        # Whatever strangers send, there is no series more.
        self.send_anything()
        again, after, series_after = scraped(self.house)
        self.assertEqual((after, series_after), (said, series))
        self.assertEqual(len(series), len(set(series)))
        self.assertEqual(series, list(said))  # none has a label
        self.assertLess(len(again), len(text) + 400)  # larger numbers, nothing else
        for page in (text, again):
            self.assertEqual(promtool("check", "metrics", given=page.encode())[0], 0)

    def send_anything(self):
        rng = random.Random(29)
        methods = ["GET", "POST", "DELETE", "BREW", "get"]
        with self.house.tls("h2") as two:
            client = house.H2(two)
            for number in range(300):
                word = "".join(rng.choice("abc/%{}\"\\_0=&?") for _ in range(rng.randrange(60)))
                path = rng.choice(["/", "/v1/", "/v1/system/ping?text=", "/ward.v1."]) + word
                fields = [("user-agent", f"a{number}{{x=\"{word}\"}}"), ("x-" + str(number), "1")]
                client.wait(client.begin(rng.choice(methods), path, fields))
        for number in range(40):
            with self.house.tls() as one:
                one.sendall(bytes(rng.randrange(256) for _ in range(200)) + b"\r\n\r\n")
                house.read_all(one)

    def test_bad_pages_are_found(self):
        """promtool and the comparison can say no."""
        text, _, _ = scraped(self.house)
        for old, new in (("_accepted_total", "_accepted"), ("_total counter", "_total gauge"),
                         ("# HELP ward_front_serving", "# help ward_front_serving"),
                         ("ward_front_connections ", "ward-front-connections ")):
            self.assertIn(old, text)
            self.assertNotEqual(promtool("check", "metrics",
                                         given=text.replace(old, new).encode()), (0, ""), new)

    def test_levels_and_counts(self):
        before = self.house.metrics()
        self.assertEqual((before["serving"], before["connections"]), (1, 0))
        self.assertGreaterEqual(before["connections_limit"], 100)
        with self.house.tls() as one:
            self.assertEqual(house.ask(one, "GET", "/v1/system/ping")[0], 200)
            self.assertEqual(house.ask(one, "GET", "/nothing")[0], 404)
            now = self.house.metrics()
        for name, more in (("connections", 1), ("accepted_total", 2), ("handshakes_total", 1),
                           ("requests_total", 3), ("failures_total", 1), ("refused_total", 0)):
            self.assertEqual(now[name] - before[name], more, name)


class Shipped(unittest.TestCase):
    def test_alerts_and_dashboard(self):  # proves: EC-30
        rules = (SHIPPED / "ward.rules.yml").read_text()
        tests = (SHIPPED / "ward.rules.test.yml").read_text()
        known = reference()
        code, said = promtool("check", "rules", SHIPPED / "ward.rules.yml")
        self.assertEqual(code, 0, said)
        code, said = promtool("test", "rules", SHIPPED / "ward.rules.test.yml")
        self.assertEqual(code, 0, said)
        self.assertGreaterEqual(tests.count("- name: "), 8)
        alerts = re.findall(r"- alert: (\w+)", rules)
        for alert in alerts:  # each is seen to fire, and to be silent
            self.assertRegex(tests, rf"alertname: {alert}\n\s+exp_alerts")
            self.assertRegex(tests, rf"alertname: {alert}}}")
        self.assertEqual(unknown(rules, known), [])
        board = json.loads((SHIPPED / "ward-dashboard.json").read_text())
        queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
        self.assertEqual(unknown(" ".join(queries), known), [])
        self.assertEqual(len(queries), sum(len(NAME.findall(query)) for query in queries))
        self.assertEqual(set(known), set(NAME.findall(" ".join(queries) + rules)))
        for query in queries:  # counters as rates, levels as they are
            name = NAME.search(query)[0]
            self.assertEqual(known[name][0] == "counter", query.startswith("rate("), query)
        self.queries_parse(queries)

    def queries_parse(self, queries):
        """Each is a rule of its own, for promtool to read."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.yml"
            lines = [f"      - {{record: 'x:{n}', expr: {json.dumps(query)}}}"
                     for n, query in enumerate(queries)]
            text = "groups:\n  - name: x\n    rules:\n" + "\n".join(lines) + "\n"
            path.write_text(text.replace("$__rate_interval", "5m"))
            code, said = promtool("check", "rules", path)
            self.assertEqual(code, 0, said)

    def test_wrong_alerts_are_found(self):
        """A seeded fault in any alert fails its scenario; a metric that there is not is named."""
        rules = (SHIPPED / "ward.rules.yml").read_text()
        faults = [("serving == 0", "serving == 2"), ("absent(", "present_over_time("),
                  (">= 0.9 * ward_front_connections", ">= 0.8 * ward_front_connections"),
                  (">= 0.9 * ward_front_calls", ">= 1.9 * ward_front_calls"),
                  ("ward_front_unavailable_total[5m]) > 10", "ward_front_slow_total[5m]) > 10"),
                  ("failures_total[5m]) > rate", "failures_total[5m]) < rate"),
                  ("abuses_total[5m]) > 5", "abuses_total[5m]) > 500"),
                  ("suspects > 0", "suspects > 2"),
                  ("slow_total[5m]) > 5", "slow_total[5m]) > 50"), ("> 0.5 *", "> 1.5 *"),
                  ("severity: warning", "severity: info")]
        for old, new in faults:
            with self.subTest(new), tempfile.TemporaryDirectory() as folder:
                self.assertIn(old, rules)
                changed = rules.replace(old, new, 1)
                (pathlib.Path(folder) / "ward.rules.yml").write_text(
                    changed.replace("present_over_time(ward_front_serving)",
                                    "ward_front_serving > 99"))
                shutil.copy(SHIPPED / "ward.rules.test.yml", folder)
                code, said = promtool("test", "rules",
                                      pathlib.Path(folder) / "ward.rules.test.yml")
                self.assertNotEqual(code, 0, said)
                self.assertIn("FAILED", said)
        self.assertEqual(unknown("rate(ward_front_nothing[5m])", reference()),
                         ["ward_front_nothing"])


if __name__ == "__main__":
    tap.main()
