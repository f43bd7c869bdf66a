"""test_passages.py - requests of miners that a house passes on: over HTTP/1.1 and HTTP/2, by clients
that share nothing with Ward, to challenges that keep every byte that comes. What arrives is the
house's word and what is on its list, whatever a miner writes. test_challenges.py has what challenges
do."""

import base64
import hashlib
import json
import os
import subprocess
import threading
import time

import curl
import front_house as house
import tap
from challenged import CA, HOTKEY, TYPE, Case, Challenge, answer
from house import until
from lockbox import ed25519_good
from test_tokens import unpacked

KING = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
WORD = {"x-verified-miner-hotkey", "x-miner-uid", "x-verified-timestamp", "x-verified-nonce",
        "x-verified-key", "x-verified-signature"}


class TestPassedOn(Case):
    routes = {"teapot": answer(b"short and stout", "418 I'm a teapot", "Content-Type: text/plain"),
              "none": b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n",
              "broken": answer(b'{"detail":"no"}', "503 Service Unavailable", TYPE,
                               "Retry-After: 7", "Set-Cookie: a=b", "Location: https://e.example/",
                               "Access-Control-Allow-Origin: *", "X-Verified-Signature: AAAA",
                               "Content-Security-Policy: default-src *")}
    plain = Challenge(certificate=None)
    more = {"plain": (plain, {"plain": True}), "by-name": (Challenge(), CA | {"host": "localhost"})}

    def judged(self, asked, challenge, method, query, body, job=""):
        """The house's word, read by a challenge that knows nothing but its keys."""
        self.assertEqual(len({name.lower() for name, _ in asked.rows}), len(asked.rows))
        fields = asked.fields
        keys = {key["kid"]: key for key in self.house.owner("GET", "/v1/token/keys")[1]["keys"]}
        text = "\n".join(["ward verified request v1", fields["x-verified-key"], challenge, method,
                          asked.target.partition("?")[0], query, hashlib.sha256(body).hexdigest(),
                          fields["x-verified-timestamp"], fields["x-verified-nonce"],
                          fields["x-verified-miner-hotkey"], fields["x-miner-uid"],
                          fields.get("x-job-id", ""), ""]).encode()
        self.assertTrue(ed25519_good(unpacked(keys[fields["x-verified-key"]]["x"]), text,
                                     base64.b64decode(fields["x-verified-signature"])))
        self.assertEqual(fields["x-verified-miner-hotkey"], HOTKEY)
        self.assertEqual(fields.get("x-job-id", ""), job)
        self.assertLess(abs(int(fields["x-verified-timestamp"]) - time.time()), 30)

    def test_a_request_arrives_as_it_was_vouched_for(self):  # proves: PC-36
        body = json.dumps({"agent": "x" * 1000}).encode()
        token = self.house.token(uid=7, job="job-1", scope=["submit"])
        status, fields, said = self.house.ask(
            "POST", "submit?a=1&b=%20", token,
            [TYPE, "User-Agent: miner/1", "X-Verified-Miner-Hotkey: " + KING], body)
        self.assertEqual((status, said), (200, b'{"done":true}'))
        self.assertEqual(fields["content-type"], "application/json")
        self.assertEqual(fields["content-security-policy"], "sandbox")
        self.assertEqual(fields["x-content-type-options"], "nosniff")
        asked = self.sums.asked[-1]
        self.assertEqual((asked.method, asked.target, asked.version, asked.body),
                         ("POST", "/sdk/public/submit?a=1&b=%20", "HTTP/1.1", body))
        self.assertEqual(set(asked.fields), WORD | {
            "host", "content-length", "connection", "content-type", "user-agent", "x-job-id"})
        self.assertEqual(asked.fields["host"], f"127.0.0.1:{self.sums.port}")
        self.assertEqual(asked.fields["x-miner-uid"], "7")
        self.assertNotIn(token.encode(), asked.data)
        self.assertNotIn(KING.encode(), asked.data)
        self.judged(asked, "sums", "POST", "a=1&b=%20", body, "job-1")

    def test_with_get_and_in_the_clear_and_by_name(self):
        for name, server in (("plain", self.plain), ("by-name", self.house.challenges["by-name"][0])):
            with self.subTest(name):
                self.assertEqual(self.house.ask("GET", "status", challenge=name)[0], 200)
                asked, = server.asked
                self.assertEqual((asked.method, asked.target, asked.body),
                                 ("GET", "/sdk/public/status", b""))
                self.assertNotIn("content-length", asked.fields)
                self.judged(asked, name, "GET", "", b"")

    def test_what_comes_back(self):
        status, fields, body = self.house.ask("GET", "teapot")
        self.assertEqual((status, body, fields["content-type"]),
                         (418, b"short and stout", "text/plain"))
        status, fields, body = self.house.ask("GET", "none")
        self.assertEqual((status, body), (204, b""))
        self.assertNotIn("server", fields)
        status, fields, body = self.house.ask("GET", "broken")
        self.assertEqual((status, body, fields["retry-after"], fields["content-security-policy"]),
                         (503, b'{"detail":"no"}', "7", "sandbox"))
        for name in ("set-cookie", "location", "access-control-allow-origin",
                     "x-verified-signature"):
            self.assertNotIn(name, fields)

    def test_over_http_2(self):  # proves: PC-36
        with self.house.tls("h2", timeout=40) as one:
            miner = house.H2(one)
            streams = []
            for n in range(8):
                body = b"%d" % n
                fields = [("authorization", f"Bearer {self.house.token()}"),
                          ("x-verified-miner-hotkey", KING), ("x_verified_miner_hotkey", KING),
                          ("x-job-id", "other"), ("cookie", "a=b"), ("content-type", "text/plain")]
                streams.append((body, miner.begin("POST", f"/api/challenges/sums/public/h2?n={n}",
                                                  fields, body)))
            for body, stream in streams:
                state = miner.wait(stream)
                self.assertEqual((state["fields"][":status"], state["body"]),
                                 ("200", b'{"done":true}'))
                self.assertEqual(state["fields"]["content-security-policy"], "sandbox")
            asked = {one.body: one for one in self.sums.asked if one.route == "h2"}
            for n, (body, _) in enumerate(streams):
                self.judged(asked[body], "sums", "POST", f"n={n}", body)
                self.assertNotIn(KING.encode(), asked[body].data)
                self.assertNotIn("x-job-id", asked[body].fields)
                self.assertNotIn("cookie", asked[body].fields)
            said = miner.get("/api/challenges/sums/public/h2")
            self.assertEqual((said["fields"][":status"], json.loads(said["body"])["code"],
                              said["fields"]["www-authenticate"]),
                             ("401", "MINER_TOKEN_MISSING", "Bearer"))

    def test_by_curl(self):
        with curl.folder() as path:
            for version in ("--http1.1", "--http2"):
                done = subprocess.run(
                    ["curl", "-sS", version, "--cacert", self.house.state / "ca.pem", "-H",
                     f"Authorization: Bearer {self.house.token()}", "-H", TYPE, "--data-binary",
                     "@-", "-w", "%{http_code} %{http_version}",
                     f"https://127.0.0.1:{self.house.port}/api/challenges/sums/public/by-curl"],
                    input=b'{"n":1}' * 2000, capture_output=True, check=True, timeout=60,
                    env={"PATH": f"{path}:{os.environ['PATH']}"})
                self.assertEqual(done.stdout.decode(), '{"done":true}200 ' +
                                 ("2" if version == "--http2" else "1.1"))
                self.assertEqual(self.sums.asked[-1].body, b'{"n":1}' * 2000)

    def test_a_body_to_its_limit_and_no_further(self):
        most, token = 20 << 10, self.house.token()
        self.refused(413, "HTTP_BODY_TOO_LARGE",
                     self.house.ask("POST", "submit", token, body=b"x" * (most + 1)))
        with self.house.tls("h2") as one:
            miner = house.H2(one)
            said = miner.wait(miner.begin("POST", "/api/challenges/sums/public/submit",
                                          [("authorization", f"Bearer {token}")],
                                          b"x" * 16000, end=True))
            self.assertEqual(said["fields"][":status"], "200")
        token = self.house.token()
        self.assertEqual(self.house.ask("POST", "longest", token, body=b"x" * most)[0], 200)
        self.assertEqual(self.sums.asked[-1].body, b"x" * most)
        # What is asked for with GET has no body, in any form of it.
        token, count = self.house.token(), len(self.sums.asked)
        self.refused(413, "HTTP_BODY_TOO_LARGE", self.house.ask("GET", "submit", token, body=b"x"))
        with self.house.tls() as one:
            self.house.send(one, "GET", "submit", token, ["Transfer-Encoding: chunked"])
            one.sendall(b"1\r\nx\r\n0\r\n\r\n")
            self.refused(413, "HTTP_BODY_TOO_LARGE", house.read_answer(one))
        self.assertEqual(len(self.sums.asked), count)
        self.assertEqual(self.house.ask("GET", "submit", token)[0], 200)

    def test_in_pieces_and_with_continue(self):
        with self.house.tls() as one:
            self.house.send(one, "POST", "pieces", self.house.token(),
                            ["Transfer-Encoding: chunked", "Expect: 100-continue"])
            self.assertEqual(house.read_answer(one)[0], 100)
            one.sendall(b"3\r\nabc\r\n")
            time.sleep(0.2)
            one.sendall(b"2;x=y\r\nde\r\n0\r\nX-Verified-Key: a\r\n\r\n")
            self.assertEqual(house.read_answer(one)[0], 200)
            asked = self.sums.asked[-1]
            self.assertEqual((asked.body, asked.fields["content-length"]), (b"abcde", "5"))
            self.judged(asked, "sums", "POST", "", b"abcde")
            # And the connection is good for the next, of which it is not known where it begins.
            self.house.send(one.one, "GET", "after", self.house.token())
            self.assertEqual(house.read_answer(one.one)[0], 200)


# What a challenge behind a gateway of CGI, or one that folds or trims, would take for the house's word.
SPELLINGS = [f"{name}: {KING}" for name in (
    "X-Verified-Miner-Hotkey", "x-verified-miner-hotkey", "X-VERIFIED-MINER-HOTKEY",
    "X_Verified_Miner_Hotkey", "X-Verified_Miner-Hotkey", "x_verified_miner_hotkey",
    "X-Verified-Miner-HotKey", "X-Miner-Hotkey", "X-Miner-UID", "X_Miner_UID", "X-Job-Id",
    "X_Job_Id", "X-Verified-Anything", "X.Verified.Miner.Hotkey", "X-Verified-Signature",
    "X-Verified-Key", "X-Verified-Nonce", "X-Verified-Timestamp", "X-CHUTES-API-TOKEN",
    "X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Original-URL", "X-HTTP-Method-Override",
    "Cookie", "Proxy-Authorization", "Range", "If-None-Match", "TE", "Accept-Encoding", "Origin",
    "Referer", "X-Signature", "X-Session-Token")]


class TestMiners(Case):
    """What miners write that is not theirs to say."""
    more = {"other": (Challenge(), CA),
            "caller": (Challenge(), CA)}

    def test_nobody_speaks_for_the_house(self):  # proves: PC-36
        fields = SPELLINGS + [SPELLINGS[0]] * 3  # and more than once
        self.assertEqual(self.house.ask("GET", "status", fields=fields)[0], 200)
        asked = self.sums.asked[-1]
        self.assertNotIn(KING.encode(), asked.data)
        self.assertEqual(set(asked.fields), WORD | {"host", "connection"})
        self.assertEqual(asked.fields["connection"], "close")
        # What a reader could take for one is refused as a whole.
        count = len(self.sums.asked)
        for bad in ("X-Verified-Miner-Hotkey : " + KING, "X-A: b\r\n X-Verified-Miner-Hotkey: " + KING,
                    "X-A: b\r\n\tfolded", "X-A: b\nX-Verified-Miner-Hotkey: " + KING,
                    "X-A: b\rX-Verified-Miner-Hotkey: " + KING, " X-Verified-Miner-Hotkey: " + KING,
                    "X-Verified-Miner-Hotkey\0: " + KING, "Connection: X-Verified-Key\0",
                    "X-Verified-Miner-Hotkey\t: " + KING):
            with self.subTest(bad):
                self.assertEqual(self.house.ask("GET", "status", fields=[bad])[0], 400)
        for name in ("X-Verified-Miner-Hotkey", "X-MINER-UID", "Accept"):
            with self.house.tls("h2") as one:
                miner = house.H2(one)
                miner.conn.config.validate_outbound_headers = False
                miner.conn.config.normalize_outbound_headers = False
                stream = miner.begin("GET", "/api/challenges/sums/public/status",
                                     [("authorization", f"Bearer {self.house.token()}"),
                                      (name, KING)])
                state = miner.wait(stream)  # RFC 9113 8.2.1: malformed, and reset
                self.assertTrue(state["reset"] is not None or
                                state["fields"][":status"] == "400", state)
        self.assertEqual(len(self.sums.asked), count)

    def test_what_goes_on_goes_on_once(self):
        fields = ["Accept: text/plain", "Accept: text/html", "Accept-Language: en",
                  "User-Agent: a", "User-Agent: b",
                  "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]
        self.assertEqual(self.house.ask("GET", "status", fields=fields)[0], 200)
        asked = self.sums.asked[-1]
        self.assertEqual(set(asked.fields), WORD | {"host", "connection", "accept", "traceparent",
                                                    "accept-language", "user-agent"})
        self.assertEqual((asked.fields["accept"], asked.fields["user-agent"]), ("text/plain", "a"))
        self.assertEqual(len(asked.rows), len(asked.fields))

    def test_smuggling(self):
        """Two readers of one text must not see two requests in it: each of these is refused, or
        arrives as one request with its body, and nothing of it ever arrives as another."""
        inner = (f"GET /sdk/admin/x HTTP/1.1\r\nHost: x\r\nX-Verified-Miner-Hotkey: {KING}"
                 "\r\n\r\n").encode()
        count = len(self.sums.asked)
        rows = [
            (["Content-Length: 4", "Transfer-Encoding: chunked"], b"0\r\n\r\n" + inner),
            (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n" + inner),
            (["Transfer-Encoding: xchunked"], b"0\r\n\r\n" + inner),
            (["Transfer-Encoding: chunked, identity"], b"0\r\n\r\n" + inner),
            (["Content-Length: 0", "Content-Length: 90"], inner),
            (["Content-Length: +5"], inner),
            (["Content-Length: 0x5"], inner),
            (["Transfer-Encoding: chunked"], b"0\r\nX: y\r\nContent-Length: 5\r\n\r\n"),
            (["Transfer-Encoding: chunked"], b"5\nabcde\r\n0\r\n\r\n" + inner),
            (["Transfer-Encoding: chunked"], b"fffffffffffffffff\r\n" + inner),
        ]
        for fields, body in rows:
            with self.subTest(fields=fields, body=body[:20]), self.house.tls() as one:
                self.house.send(one, "POST", "smuggled", self.house.token(), fields)
                one.sendall(body)
                status = house.read_answer(one)[0]
                self.assertIn(status, (400, 411, 413, 501), fields)
                self.assertEqual(house.read_all(one), b"")
        self.assertEqual(len(self.sums.asked), count)
        # As a body it is a body, over both.
        self.assertEqual(self.house.ask("POST", "body", body=inner)[0], 200)
        with self.house.tls("h2") as one:
            miner = house.H2(one)
            said = miner.wait(miner.begin(
                "POST", "/api/challenges/sums/public/body",
                [("authorization", f"Bearer {self.house.token()}"),
                 ("content-length", str(len(inner)))], inner))
            self.assertEqual(said["fields"][":status"], "200")
            for more in (("transfer-encoding", "chunked"), ("content-length", "0"),
                         ("connection", "close"), ("host", "elsewhere")):
                miner.conn.config.validate_outbound_headers = False
                miner.conn.config.normalize_outbound_headers = False
                state = miner.wait(miner.begin(
                    "POST", "/api/challenges/sums/public/body",
                    [("authorization", f"Bearer {self.house.token()}"), more], inner))
                self.assertTrue(state["reset"] is not None or
                                state["fields"][":status"] == "400", (more, state))
        arrived = self.sums.asked[count:]
        self.assertEqual([(one.target, one.body) for one in arrived],
                         [("/sdk/public/body", inner)] * 2)

    def test_targets(self):
        count = len(self.sums.asked) + len(self.house.challenges["other"][0].asked)
        for target, status in (("/api/challenges/sums/public/", 404),
                               ("/api/challenges/sums/admin/x", 404),
                               ("/api/challenges/sums/public/a/b", 404),
                               ("/api/challenges/sums/public/%2e%2e%2fadmin", 400),
                               ("/api/challenges/sums/public/../admin/x", 400),
                               ("/api/challenges/sums/public/a%0d%0aX:y", 400),
                               ("/api/challenges/sums/public/a%00", 400),
                               ("/api/challenges/sums/public/a;b", 404),
                               ("/api/challenges/nobody/public/a", 404),
                               ("/api/challenges/SUMS/public/a", 404),
                               ("/api/challenges/su%2fms/public/a", 400),
                               ("/api/challenges/sums/public/a?" + "q" * 1025, 414)):
            with self.subTest(target), self.house.tls() as one:
                one.sendall(house.request("GET", target,
                                          [f"Authorization: Bearer {self.house.token()}"]))
                self.assertEqual(house.read_answer(one)[0], status)
        for method in ("PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
            with self.subTest(method), self.house.tls() as one:
                self.house.send(one, method, "a", self.house.token())
                status, fields, _ = house.read_answer(one, head=method == "HEAD")
                self.assertEqual((status, fields["allow"]), (405, "GET, POST"))
        self.assertEqual(count, len(self.sums.asked) + len(self.house.challenges["other"][0].asked))
        token = self.house.token(scope=["submit"])
        self.assertEqual(self.house.ask("GET", "%73ubmit?" + "q" * 1024, token)[0], 200)
        self.assertEqual(self.sums.asked[-1].target, "/sdk/public/submit?" + "q" * 1024)

    def test_each_token_has_its_own_refusal(self):  # proves: PC-35
        """Each with its own code, in the log, and none reaches a challenge."""
        count, good_one = len(self.sums.asked), self.house.token(scope=["submit"])
        header, claims, signature = good_one.split(".")
        forged = header + "." + claims + "." + ("A" * 86)
        unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"MinerToken"}').decode().rstrip("=")
        short = self.house.token(seconds=1)
        time.sleep(1.1)
        rows = [("MINER_TOKEN_MISSING", "", ()),
                ("MINER_TOKEN_MISSING", "", (f"Proxy-Authorization: Bearer {good_one}",)),
                ("MINER_TOKEN_MISSING", "", (f"Authorization: Basic {good_one}",)),
                ("MINER_TOKEN_MALFORMED", "x", ()),
                ("MINER_TOKEN_MALFORMED", "A" * 2048, ()),
                ("MINER_TOKEN_MALFORMED", "A" * 2049, ()),
                ("MINER_TOKEN_MALFORMED", f"{good_one}, Bearer {good_one}", ()),
                ("MINER_TOKEN_ALGORITHM", unsigned + "." + claims + ".", ()),
                ("MINER_TOKEN_SIGNATURE", forged, ()),
                ("MINER_TOKEN_EXPIRED", short, ()),
                ("MINER_TOKEN_AUDIENCE", self.house.token("other"), ()),
                ("MINER_TOKEN_SCOPE", self.house.token(scope=["status"]), ())]
        for code, token, fields in rows:
            with self.subTest(code, token=token[:20]):
                said = self.house.ask("POST", "submit", token, fields, body=b"{}")
                self.refused(401, code, said)
                self.assertEqual(said[1]["www-authenticate"], "Bearer")
        with self.house.tls() as one:  # two of them
            self.house.send(one, "POST", "submit", good_one, [f"Authorization: Bearer {forged}"])
            self.assertEqual(house.read_answer(one)[0], 400)
        self.assertEqual(len(self.sums.asked), count)
        self.assertEqual(self.house.ask("POST", "submit", good_one)[0], 200)
        self.refused(401, "MINER_TOKEN_REPLAYED", self.house.ask("POST", "submit", good_one))
        self.refused(404, "CHALLENGE_UNKNOWN",
                     self.house.ask("POST", "submit", self.house.token("nobody"),
                                    challenge="nobody"))
        self.assertEqual(len(self.sums.asked), count + 1)
        told = [json.loads(row["details"])["reason"] for row in self.house.records("token.refuse")]
        for code in ("ALGORITHM", "SIGNATURE", "EXPIRED", "AUDIENCE", "SCOPE", "REPLAYED"):
            self.assertIn(f"MINER_TOKEN_{code}", told)
        last = self.house.records("token.refuse")[-1]
        self.assertEqual((last["actor_id"], last["resource"]), ("anonymous", "sums"))
        self.assertTrue(last["ip_address"].startswith("127.1."), last)
        self.assertIn("MINER_TOKEN_MISSING", [json.loads(row["details"])["reason"]
                                              for row in self.house.records("access.refuse")])

    def test_a_token_is_for_one_request_only(self):
        """It is used up for exactly what was asked: nothing else of it can be asked again."""
        for method, route, body in (("GET", "submit", b""), ("POST", "status", b""),
                                    ("POST", "submit?a=2", b""), ("POST", "submit", b"other")):
            token = self.house.token()
            self.assertEqual(self.house.ask("POST", "submit", token, body=b"{}")[0], 200)
            count = len(self.sums.asked)
            with self.subTest(method, route=route):
                self.refused(401, "MINER_TOKEN_REPLAYED",
                             self.house.ask(method, route, token, body=body))
                self.assertEqual(len(self.sums.asked), count)
        token, said = self.house.token(), []
        asking = [threading.Thread(target=lambda: said.append(
            self.house.ask("POST", "once", token, body=b"{}"))) for _ in range(10)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        self.assertEqual(sorted(status for status, _, _ in said), [200] + [401] * 9)
        self.assertEqual([one.route for one in self.sums.asked].count("once"), 1)
        self.house.wait_new("core", self.house.kill("core"))
        until(lambda: self.house.ask("GET", "again")[0] == 200, 20, 0.2)
        self.refused(401, "MINER_TOKEN_REPLAYED", self.house.ask("POST", "once", token))


if __name__ == "__main__":
    tap.main()
