"""test_source_agents.py - evidence of agents that are asked over a socket: dstack's, its first version
and a house of Ward, each as it answers, and as nobody should."""

import base64
import contextlib
import json
import os
import pathlib
import socket
import socketserver
import tempfile
import threading
import time
import unittest

import tap
from commands import faults
from ward import OWN, ward

QUOTE = (OWN / "quote/tdx-v4.quote.bin").read_bytes()
ASKED = bytes(range(7, 71))
LOG = '[{"imr":3,"event":"\u00e9\\"\\\\ \\u20ac"}]'
EVIDENCE_MAX, LOG_MAX, ANSWER_MAX = 32 << 10, 256 << 10, 1 << 20


def report_of(report_data):
    return QUOTE[:568] + report_data.ljust(64, b"\0") + QUOTE[632:]


def answer(body, status=b"200 OK", head=b""):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), head, body)


def dstack(quote, log=LOG, **more):
    return {"quote": quote.hex(), "event_log": log, "report_data": "", "vm_config": "{}", **more}


class Agent(socketserver.ThreadingUnixStreamServer):
    """Gives each caller the bytes of `say`, a piece at a time; or what `say` does with the socket."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path, say):
        self.say, self.asked = say, []
        super().__init__(str(path), Caller)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Caller(socketserver.StreamRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            line = self.rfile.readline().decode().split()
            fields = dict(field.decode().strip().split(": ", 1)
                          for field in iter(self.rfile.readline, b"\r\n"))
            fields = {name.lower(): value for name, value in fields.items()}
            body = self.rfile.read(int(fields["content-length"]))
            self.server.asked.append((line[0], line[1], fields["content-type"], json.loads(body)))
            say = self.server.say
            if callable(say):
                say(self.wfile)
            else:
                self.wfile.write(say)


class Agents(unittest.TestCase):
    def setUp(self):
        above = tempfile.TemporaryDirectory(prefix="ward-agents-")
        self.addCleanup(above.cleanup)
        self.above = pathlib.Path(above.name)
        self.count = 0

    def agent(self, say, name=None):
        self.count += 1
        return Agent(self.above / (name or f"agent{self.count}.sock"), say)

    def ask(self, agent, *more, kind="dstack"):
        return ward("evidence", "--source", f"{kind}:{agent.server_address}", "--report-data",
                    ASKED.hex(), *more)

    def got(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        made = json.loads(done.stdout)
        self.assertEqual(faults("evidence.json", made), [])
        return base64.b64decode(made["evidence"]), base64.b64decode(made["event_log"])

    def refused(self, say, reason, code):
        with self.agent(say) as agent:
            done = self.ask(agent)
            self.assertEqual((done.returncode, done.stdout), (code, b""), done.stderr)
            self.assertIn(b"SOURCE_" + reason.encode(), done.stderr)
            return done.stderr

    def test_each_is_asked_in_its_own_words(self):
        said = answer(dstack(report_of(ASKED)))
        for kind, target in (("dstack", "/GetQuote"), ("tappd", "/prpc/Tappd.RawQuote?json")):
            with self.subTest(kind), self.agent(said) as agent:
                self.assertEqual(self.got(self.ask(agent, "--json", kind=kind)),
                                 (report_of(ASKED), LOG.encode()))
                self.assertEqual(agent.asked, [("POST", target, "application/json",
                                                {"report_data": ASKED.hex()})])

    def test_a_house_is_asked_by_its_folder(self):
        (self.above / "state/run").mkdir(parents=True)
        said = {"evidence": base64.b64encode(report_of(ASKED)).decode(), "kind": "tdx",
                "hardware": False, "event_log": base64.b64encode(LOG.encode()).decode()}
        with self.agent(answer(said), "state/run/ward.sock") as agent:
            done = ward("evidence", "--source", f"house:{self.above}/state", "--json",
                        "--report-data", ASKED.hex())
            self.assertEqual(self.got(done), (report_of(ASKED), LOG.encode()))
            self.assertIn(b"SIMULATED TEE", done.stderr)
            self.assertTrue(json.loads(done.stdout)["simulated"])
            self.assertEqual(agent.asked, [
                ("POST", "/v1/attest/evidence", "application/json",
                 {"report_data": base64.b64encode(ASKED).decode()})])
            agent.say = answer({"code": "TEE_RATE", "status": 429}, b"429 Too Many Requests")
            done = ward("evidence", "--source", f"house:{self.above}/state", "--report-data",
                        ASKED.hex())
            self.assertEqual(done.returncode, 4)
            self.assertIn(b"SOURCE_BUSY: it answered 429 TEE_RATE", done.stderr)

    def test_however_the_bytes_come(self):
        body = json.dumps(dstack(report_of(ASKED))).encode()
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
            b"%x\r\n%s\r\n" % (len(piece), piece)
            for piece in (body[i:i + 999] for i in range(0, len(body), 999))) + b"0\r\n\r\n"

        def dribble(out):
            for i in range(0, len(whole), 300):
                out.write(whole[i:i + 300])
                out.flush()
                time.sleep(0.002)
        whole = answer(body)
        to_the_end = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body
        for say in (whole, chunked, dribble, to_the_end, b"HTTP/1.1 103 Early\r\n\r\n" + whole):
            with self.subTest(), self.agent(say) as agent:
                self.assertEqual(self.got(self.ask(agent, "--json"))[0], report_of(ASKED))

    def test_without_a_log(self):
        said = dstack(report_of(ASKED))
        del said["event_log"]
        with self.agent(answer(said)) as agent:
            self.assertEqual(self.got(self.ask(agent, "--json")), (report_of(ASKED), b""))

    def test_what_is_no_answer(self):
        good = dstack(report_of(ASKED))
        whole = answer(good)
        for say in (b"", b"nonsense\r\n\r\n", whole[:40], whole[:-1], answer(b""), answer(b"[]"),
                    answer(json.dumps(good).encode() + b"x"), answer(dict(good, quote=7)),
                    answer(dict(good, quote="0x" + good["quote"])),
                    answer(dict(good, quote=good["quote"][:-1])), answer(dict(good, quote="")),
                    answer(dict(good, quote="zz")), answer(dict(good, event_log=[])),
                    answer({"event_log": LOG}), answer(b'{"quote":"00","quote":"01"}'),
                    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"):
            with self.subTest(say[:60]):
                self.refused(say, "MALFORMED", 1)

    def test_evidence_for_somebody_else_is_not_handed_on(self):
        self.refused(answer(dstack(report_of(bytes(64)))), "OTHER_DATA", 1)
        # What the agent says that it bears is not looked at; what it bears is.
        self.refused(answer(dstack(report_of(bytes(64)), report_data=ASKED.hex())), "OTHER_DATA", 1)
        self.refused(answer(dstack(report_of(ASKED)[:900])), "MALFORMED", 1)
        self.refused(answer(dstack(b"{}")), "MALFORMED", 1)

    def test_what_the_agent_refuses_is_told_in_its_words(self):
        said = self.refused(answer({"error": "no \x1b[31mquote\n"}, b"400 Bad Request"), "FAILED", 4)
        self.assertIn(b"it answered 400 no ?[31mquote?", said)
        self.refused(answer({"error": "x" * 5000}), "FAILED", 4)
        self.refused(answer(b"<html>", b"502 Bad Gateway"), "FAILED", 4)
        self.refused(answer({"error": "who?"}, b"403 Forbidden"), "FORBIDDEN", 5)
        self.refused(answer(dstack(report_of(ASKED)), b"500 Oh"), "FAILED", 4)

    def test_the_longest_of_everything_and_one_byte_more(self):
        good = dstack(report_of(ASKED))
        padded = report_of(ASKED).ljust(EVIDENCE_MAX, b"\0")
        for said in (dict(good, quote=padded.hex()), dict(good, event_log="x" * LOG_MAX)):
            with self.subTest(), self.agent(answer(said)) as agent:
                self.assertEqual(self.got(self.ask(agent, "--json"))[0], report_of(ASKED))
        self.refused(answer(dict(good, quote=padded.hex() + "00")), "TOO_LARGE", 1)
        self.refused(answer(dict(good, event_log="x" * (LOG_MAX + 1))), "TOO_LARGE", 1)
        body = json.dumps(good).encode()
        with self.agent(answer(body.ljust(ANSWER_MAX))) as agent:
            self.assertEqual(self.got(self.ask(agent, "--json"))[0], report_of(ASKED))
        self.refused(answer(body.ljust(ANSWER_MAX + 1)), "TOO_LARGE", 1)

        def endless(out):
            out.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            while True:
                out.write(b" " * 65536)
        self.refused(endless, "TOO_LARGE", 1)

    def test_a_socket_that_nobody_serves(self):
        path = self.above / "dead.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
            done = ward("evidence", "--source", f"dstack:{path}", "--nonce", "00")
            self.assertEqual(done.returncode, 4)
            self.assertIn(b"SOURCE_ABSENT", done.stderr)
        done = ward("evidence", "--source", f"dstack:{self.above}", "--nonce", "00")
        self.assertIn(b"SOURCE_ABSENT", done.stderr)

    def test_a_path_that_no_name_of_a_socket_has_room_for(self):
        said = {"evidence": base64.b64encode(report_of(ASKED)).decode(), "kind": "tdx",
                "hardware": False, "event_log": base64.b64encode(LOG.encode()).decode()}
        for depth in (1, 15):
            with self.subTest(depth):
                run = self.above.joinpath(*["x" * 200] * depth, "state/run")
                run.mkdir(parents=True)
                words = ("evidence", "--source", f"house:{run.parent}", "--report-data",
                         ASKED.hex(), "--json")
                with self.agent(answer(said)) as house:
                    os.rename(house.server_address, run / "ward.sock")
                    self.assertEqual(self.got(ward(*words)), (report_of(ASKED), LOG.encode()))
                for nobody in ("refuses", "is not there"):
                    done = ward(*words)
                    self.assertEqual((done.returncode, done.stdout), (4, b""), nobody)
                    self.assertIn(b"SOURCE_ABSENT", done.stderr)
                    self.assertIn(str(run)[:100].encode(), done.stderr)
                    (run / "ward.sock").unlink(missing_ok=True)

    def test_the_endpoint_of_the_sdks_comes_first(self):
        with self.agent(answer(dstack(report_of(ASKED)))) as agent:
            done = ward("evidence", "--source", "auto", "--report-data", ASKED.hex(), "--json",
                        env={"DSTACK_SIMULATOR_ENDPOINT": agent.server_address})
            self.assertEqual(self.got(done)[0], report_of(ASKED))
            self.assertIn(agent.server_address.encode(), done.stdout)

    def test_words_that_cannot_be_used(self):
        for source in ("", "Nsm", "nsm:", "house", "dstack:" + "x" * 4096, "sgx:/dev/sgx"):
            done = ward("evidence", "--source", source, "--nonce", "00")
            self.assertEqual((done.returncode, done.stdout), (2, b""), done.stderr)
        done = ward("evidence", "--source", "nsm", "--nonce", "00", "--show-curl")
        self.assertEqual(done.returncode, 2)
        done = ward("evidence", "--source", "nsm:/dev/full", "--nonce", "00")
        self.assertEqual(done.returncode, 4)  # a device, and no such one
        self.assertIn(b"SOURCE_FAILED", done.stderr)


if __name__ == "__main__":
    tap.main()
