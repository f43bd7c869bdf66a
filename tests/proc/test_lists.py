"""test_lists.py - what is listed and what is changed over the API: pages with a cursor, a limit and a
filter, in an order that stays; ETag and If-Match, Idempotency-Key, over REST and gRPC alike."""

import contextlib
import json
import os
import signal
import threading
import time
import unittest

import front_house as house
import tap

KEYS, ROTATE, RECORDS = "/v1/keyring/keys", "/v1/keyring/rotate", "/v1/audit/records"
TYPE = "Content-Type: application/json"
BUSY, REUSED, FAILED = ("IDEMPOTENCY_KEY_BUSY", "IDEMPOTENCY_KEY_REUSED",
                        "HTTP_PRECONDITION_FAILED")


class Lists(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = house.House(requests_per_second=100000, requests_burst=100000)
        cls.house.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def get(self, target):
        with self.house.plain() as one:
            status, fields, body = house.ask(one, "GET", target)
            return status, fields, json.loads(body)

    def good(self, target):
        status, _, said = self.get(target)
        self.assertEqual(status, 200, said)
        return said

    def pages(self, target, items, limit):
        """All of a list, so many at a time."""
        found, cursor = [], ""
        while True:
            mark = "&" if "?" in target else "?"
            said = self.good(f"{target}{mark}limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
            self.assertLessEqual(len(said[items]), limit)
            found += said[items]
            cursor = said["next_cursor"]
            if not cursor:
                return found

    def test_pages_of_the_log(self):  # proves: EC-26
        """The order stays while the log grows: each page is a record of its own."""
        for _ in range(40):
            self.good(RECORDS + "?limit=1")
        first = self.good(RECORDS + "?limit=1000")["records"]
        self.assertGreater(len(first), 40)
        for limit in (7, 11, 1000):
            found = self.pages(RECORDS, "records", limit)
            self.assertEqual(found[:len(first)], first)
            self.assertEqual([int(row["seq"]) for row in found], list(range(len(found))))
        for name, value in (("action", "key."), ("action", "log.read"), ("outcome", "Success"),
                            ("event_type", "Configuration"), ("resource", "settings"),
                            ("actor_id", "keeper")):
            found = self.pages(f"{RECORDS}?{name}={value}", "records", 5)
            wanted = [row for row in first if str(row[name]).startswith(value)]
            self.assertEqual(found[:len(wanted)], wanted, name)
        for bad in ("limit=1001", "limit=-1", "limit=x", "cursor=x", "cursor=-1", "outcome=good",
                    "event_type=Thing", "order=up"):
            self.assertEqual(self.get(f"{RECORDS}?{bad}")[0], 400, bad)

    def test_pages_of_the_keyring(self):  # proves: EC-26
        for _ in range(3):
            self.assertEqual(self.rotate("node")[0], 200)
        keys = self.good(KEYS)["keys"]
        self.assertGreaterEqual(len(keys), 7)
        for limit in (1, 2, 3, len(keys) - 1, len(keys), 1000):
            self.assertEqual(self.pages(KEYS, "keys", limit), keys)
        for name, value in (("role", "node"), ("role", "ca"), ("state", "active"),
                            ("state", "retired"), ("state", "verifying")):
            wanted = [key for key in keys if key[name] == value]
            self.assertEqual(self.good(f"{KEYS}?{name}={value}")["keys"], wanted)
            self.assertEqual(self.pages(f"{KEYS}?{name}={value}", "keys", 1), wanted)
        both = self.good(f"{KEYS}?role=node&state=active")["keys"]
        self.assertEqual([key["id"] for key in both], [keys[-1]["id"]])
        # A key that comes meanwhile is at the end.
        page = self.good(KEYS + "?limit=2")
        self.assertEqual(self.rotate("node")[0], 200)
        rest = self.good(f"{KEYS}?cursor={page['next_cursor']}")["keys"]
        self.assertEqual([key["id"] for key in page["keys"] + rest][:len(keys)],
                         [key["id"] for key in keys])
        for bad in ("limit=1001", "role=king", "state=sleepy", "cursor=x", "cursor=" + "0" * 32,
                    "cursor=" + keys[0]["id"].upper(), "if-match=1"):
            self.assertEqual(self.get(f"{KEYS}?{bad}")[0], 400, bad)

    def rotate(self, role, *fields, body=None):
        """(status, ETag, object)"""
        with self.house.plain() as one:
            body = json.dumps(body or {"role": role}).encode()
            status, said, answer = house.ask(one, "POST", ROTATE, [TYPE, *fields], body)
            return status, said.get("etag"), json.loads(answer)

    def count(self):
        return len(self.good(KEYS)["keys"])

    def refused(self, code, role, *fields, body=None):
        """Refused with that code, and nothing was made."""
        before = self.count()
        _, tag, said = self.rotate(role, *fields, body=body)
        self.assertEqual((said.get("code"), tag), (code, None), fields)
        self.assertEqual(self.count(), before)

    def test_an_update_of_what_is_known(self):  # proves: EC-26
        status, fields, said = self.get(KEYS)
        tag = fields["etag"]
        self.assertEqual((status, tag), (200, f'"{said["generation"]}"'))
        with self.house.plain() as one:
            self.assertEqual(house.ask(one, "HEAD", KEYS)[1]["etag"], tag)
        status, new, made = self.rotate("node", f"If-Match: {tag}")
        self.assertEqual((status, new), (200, f'"{made["generation"]}"'))
        self.assertEqual(self.get(KEYS)[1]["etag"], new)
        self.refused(FAILED, "node", f"If-Match: {tag}")
        self.refused(FAILED, "node", 'If-Match: "18446744073709551615"')
        self.assertEqual(self.rotate("node", "If-Match: *")[0], 200)
        now = self.get(KEYS)[1]["etag"]
        bare = now.strip('"')
        for bad in ("If-Match: W/" + now, f"If-Match: {now}, {now}", 'If-Match: "x"', 'If-Match: ""',
                    'If-Match: "0"', 'If-Match: "-1"', "If-Match:", f'If-Match: "{bare}',
                    'If-Match: "18446744073709551616"'):
            self.refused("HTTP_PARAMETER_INVALID", "node", bad)
        self.refused("HTTP_PARAMETER_INVALID", "node", f"If-Match: {now}", f"If-Match: {now}")
        self.refused("HTTP_PARAMETER_INVALID", "node", f"If-Match: {now}",
                     body={"role": "node", "if_match": bare})
        status, _, made = self.rotate("node", body={"role": "node", "if_match": bare})
        self.assertEqual(status, 200, made)

    def test_one_key_for_one_word(self):  # proves: EC-26
        word = 'Idempotency-Key: "6f1d8f4e-0c5f-4b1e-9a51-2f0f6f0f0001"'
        before = self.count()
        first = self.rotate("node", word)
        self.assertEqual(first[0], 200)
        for again in (word, word.replace('"', ""), word.lower()):
            self.assertEqual(self.rotate("node", again), first)
        self.assertEqual(self.rotate("node", body={"role": "node", "idempotency_key":
                                                   word.split('"')[1]}), first)
        self.assertEqual(self.count(), before + 1)
        self.refused(REUSED, "tls", word)
        self.refused(REUSED, "node", word, 'If-Match: "1"')
        # What was refused is no answer: the same word may try again.
        other = "Idempotency-Key: second"
        self.refused(FAILED, "node", other, 'If-Match: "1"')
        now = self.get(KEYS)[1]["etag"]
        self.assertEqual(self.rotate("node", other, f"If-Match: {now}")[0], 200)
        longest = "Idempotency-Key: " + "x" * 64
        self.assertEqual(self.rotate("node", longest)[0], 200)
        for bad in (longest + "x", "Idempotency-Key:", 'Idempotency-Key: ""'):
            self.refused("HTTP_PARAMETER_INVALID", "node", bad)
        self.refused("HTTP_PARAMETER_INVALID", "node", word, word)

    def test_all_at_once(self):
        """Who asks while it is under way is told so, or gets the one answer."""
        before, said = self.count(), []
        word = "Idempotency-Key: all-at-once"
        asking = [threading.Thread(target=lambda: said.append(self.rotate("node", word)))
                  for _ in range(12)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        self.assertEqual(self.count(), before + 1)
        made = {json.dumps(row[2]) for row in said if row[0] == 200}
        self.assertEqual(len(made), 1)
        self.assertEqual({row[2]["code"] for row in said if row[0] != 200} - {BUSY}, set())

    def test_over_grpc(self):  # proves: EC-26
        """In metadata or in the message; a word is the same word whichever way it came."""
        call = "/ward.v1.Keyring/Rotate"
        with self.house.plain() as one:
            client, node = house.H2(one), house.text_field(1, "node")
            before = self.count()
            tag = self.get(KEYS)[1]["etag"]
            code, made, _ = client.call(call, node, [("idempotency-key", "by-grpc"), ("if-match", tag)])
            self.assertEqual(code, 0)
            code, again, _ = client.call(call, node + house.text_field(2, "by-grpc") +
                                         house.number_field(3, int(tag.strip('"'))))
            self.assertEqual((code, again), (0, made))
            status, _, rest = self.rotate("node", "Idempotency-Key: by-grpc", f"If-Match: {tag}")
            self.assertEqual((status, rest["id"]), (200, dict(house.fields_of(made))[1].decode()))
            self.assertEqual(self.count(), before + 1)
            for fields, grpc, reason in (([("if-match", tag)], 9, FAILED),
                                         ([("idempotency-key", "by-grpc")], 3, REUSED),
                                         ([("if-match", "x")], 3, "HTTP_PARAMETER_INVALID")):
                code, _, said = client.call(call, node, fields)
                self.assertEqual((code, house.details(said)[0]), (grpc, reason))
            self.assertEqual(self.count(), before + 1)

    def test_strangers_find_nothing_out(self):
        """Neither a word that was used nor a generation is told to whoever may not ask."""
        self.assertEqual(self.rotate("node", "Idempotency-Key: of-the-owner")[0], 200)
        for fields in (["Idempotency-Key: of-the-owner"], ['If-Match: "1"']):
            with self.house.tls() as one:
                status, said, body = house.ask(one, "POST", ROTATE, [TYPE, *fields],
                                               b'{"role":"node"}')
                self.assertEqual((status, json.loads(body)["code"]), (403, "HOUSE_OWNER_ONLY"))
                self.assertNotIn("etag", said)


class Killed(unittest.TestCase):
    def test_nobody_knows_how_it_ended(self):
        """The keeper dies with the question: with the same word it is not done again; what holds when
        core has died, too, is the generation."""
        with house.House(requests_per_second=100000, requests_burst=100000) as one:
            lists = Lists()
            lists.house = one
            tag = lists.get(KEYS)[1]["etag"]
            keeper, said = one.kill("keeper", signal.SIGSTOP), []
            word = ["Idempotency-Key: w", f"If-Match: {tag}"]
            asking = threading.Thread(target=lambda: said.append(lists.rotate("node", *word)))
            asking.start()
            time.sleep(0.3)
            os.kill(keeper, signal.SIGKILL)
            asking.join()
            self.assertEqual((said[0][0], said[0][2]["code"]), (503, "HOUSE_UNAVAILABLE"))
            one.wait_new("keeper", keeper)
            self.wait(lambda: lists.get(KEYS)[0] == 200)
            status, _, again = lists.rotate("node", *word)
            self.assertEqual((status, again["code"]), (409, BUSY))
            before = lists.count()
            status, new, _ = lists.rotate("node", "Idempotency-Key: v", f"If-Match: {tag}")
            self.assertEqual(status, 200)
            one.wait_new("core", one.kill("core"))
            self.wait(lambda: lists.get(KEYS)[0] == 200)
            status, _, again = lists.rotate("node", "Idempotency-Key: v", f"If-Match: {tag}")
            self.assertEqual((status, again["code"]), (412, FAILED))
            self.assertEqual((lists.count(), lists.get(KEYS)[1]["etag"]), (before + 1, new))

    def wait(self, what):
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(OSError, AssertionError):
                if what():
                    return
            time.sleep(0.05)
        self.fail("it did not come back")


if __name__ == "__main__":
    tap.main()
