"""test_sim_agent.py - `ward sim agent` is asked as the SDKs of dstack ask, and as nobody should."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import tap
from sim_agents import WARD, Caller, agent
from ward import verify, ward

COMPOSE = "c0" * 32
CALLERS = 16  # AGENT_CALLERS_MAX
ASK_MAX = 4096


def raw(path, said):
    """All that is answered to these bytes and an end of file."""
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(20)
        end.connect(path)
        end.sendall(said)
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while part := end.recv(4096):
                answer += part
        return answer


class Agent(unittest.TestCase):
    def judged(self, folder, answer, *more):
        (folder / "quote").write_bytes(bytes.fromhex(answer["quote"]))
        (folder / "log").write_text(answer["event_log"])
        return verify(folder / "quote", "--event-log", folder / "log", "--root",
                      folder / "root.pem", "--collateral", folder / "collateral", *more)

    def test_a_quote_is_accepted_under_its_root_only(self):
        with agent("--compose-hash", COMPOSE) as (path, folder, _):
            status, answer = Caller(path).call("/GetQuote", {"report_data": "5a" * 32})
            self.assertEqual((status, answer["report_data"]), (200, "5a" * 32 + "00" * 32))
            code, got = self.judged(folder, answer, "--nonce", "5a" * 32)
            self.assertEqual((code, got["hardware"], got["reason"]), (0, False, "OK"), got)
            events = {event["event"]: event["event_payload"]
                      for event in json.loads(answer["event_log"])}
            self.assertEqual(events["compose-hash"], COMPOSE)
            code, got = verify(folder / "quote", "--collateral", folder / "collateral")
            self.assertEqual((code, got["reason"]), (1, "PCK_ROOT_UNTRUSTED"))
            events = json.loads(answer["event_log"])
            next(event for event in events if event["event"] == "compose-hash")[
                "event_payload"] = "c1" * 32
            code, got = self.judged(folder, dict(answer, event_log=json.dumps(events)))
            self.assertEqual((code, got["reason"]), (1, "EVENTLOG_DIGEST_MISMATCH"), got)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertFalse(os.path.exists(path))

    def test_one_connection_asks_many_things(self):
        with agent() as (path, _, _):
            caller = Caller(path)
            for i in range(30):
                status, answer = caller.call("/GetQuote?json", {"report_data": f"{i:04x}"},
                                             Content_Type="application/json; charset=utf-8")
                self.assertEqual((status, answer["report_data"][:4]), (200, f"{i:04x}"))
            began = time.monotonic()
            self.assertEqual(caller.call("/Info")[1]["app_name"], "simulated")
            self.assertLess(time.monotonic() - began, 0.5)
            self.assertIn("version", caller.call("/Version", {})[1])

    def test_what_is_not_asked_rightly_is_refused(self):
        with agent() as (path, _, _):
            for words in (dict(method="/GetQuote", verb="GET"),
                          dict(method="/GetQuote?report_data=00"),
                          dict(method="/GetKey", asked={}),
                          dict(method="/GetQuote", asked={"report_data": "00" * 65}),
                          dict(method="/GetQuote", asked=b"\x0a\x00",
                               Content_Type="application/octet-stream")):
                with self.subTest(**words):
                    caller = Caller(path)
                    status, answer = caller.call(**words)
                    self.assertEqual((status, list(answer)), (400, ["error"]))
            status, answer = Caller(path).call("/GetQuote", b" " * (ASK_MAX - 2) + b"{}")
            self.assertEqual(status, 200, answer)
            # Refused by its head alone: the connection may be gone before the body is sent.
            answer = raw(path, b"POST /GetQuote HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"
                         % (ASK_MAX + 1, b" " * (ASK_MAX + 1)))
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
            self.assertTrue(answer.endswith(b'{"error":"HTTP_BODY_TOO_LARGE"}'), answer)

    def test_a_half_closed_connection_is_answered_and_closed(self):
        with agent() as (path, _, _):
            whole = b"POST /Version HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
            self.assertTrue(raw(path, whole).startswith(b"HTTP/1.1 200 "))
            self.assertIn(b"HTTP_TRUNCATED", raw(path, whole[:-1]))

    def test_silent_callers_are_cut_and_others_wait(self):
        with agent() as (path, _, _), contextlib.ExitStack() as stack:
            silent = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(CALLERS)]
            for one in silent:
                one.settimeout(20)
                one.connect(path)
                one.sendall(b"POST /Info HTT")
            began = time.monotonic()
            self.assertEqual(Caller(path).call("/Version")[0], 200)
            self.assertGreater(time.monotonic() - began, 2)
            self.assertEqual(silent[0].recv(1), b"")

    def test_a_command_has_its_socket_and_ends_it(self):
        with tempfile.TemporaryDirectory() as above:
            folder = pathlib.Path(above) / "simulated"
            done = ward("sim", "agent", folder, "--", "sh", "-c",
                        'test -S "$DSTACK_SIMULATOR_ENDPOINT" && echo "$DSTACK_SIMULATOR_ENDPOINT"')
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.decode(), f"{folder}/dstack.sock\n")
            self.assertIn(b"SIMULATED TEE", done.stderr)
            for command, says in ((["sh", "-c", "exit 7"], b"ended with 7"),
                                  (["sh", "-c", "kill -9 $$"], b"by signal 9"),
                                  (["/nowhere/at/all"], b"/nowhere/at/all")):
                done = ward("sim", "agent", folder, "--", *command)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(says, done.stderr)
                self.assertFalse((folder / "dstack.sock").exists())

    def test_a_signal_is_passed_to_the_command(self):
        with tempfile.TemporaryDirectory() as above:
            script = 'trap "echo heard; exit 0" TERM; echo up; while :; do sleep 0.05; done'
            process = subprocess.Popen([WARD, "sim", "agent", above, "--", "sh", "-c", script],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(process.stdout.readline(), b"up\n")
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=20)
            self.assertEqual((process.returncode, said), (0, b"heard\n"))

    def test_a_socket_that_is_left_is_replaced_and_one_that_lives_is_not(self):
        with agent() as (path, folder, _):
            done = ward("sim", "agent", folder, "--", "true")
            self.assertEqual(done.returncode, 7, done.stderr)
            self.assertEqual(Caller(path).call("/Version")[0], 200)
        with tempfile.TemporaryDirectory() as above:
            folder = pathlib.Path(above)
            process = subprocess.Popen([WARD, "sim", "agent", folder], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
            said = process.stdout.readline().decode()
            self.assertEqual(said, f"DSTACK_SIMULATOR_ENDPOINT={folder}/dstack.sock\n")
            process.kill()
            process.communicate(timeout=20)
            self.assertTrue((folder / "dstack.sock").exists())
            self.assertEqual(ward("sim", "agent", folder, "--", "true").returncode, 0)
            (folder / "file").write_text("kept")
            done = ward("sim", "agent", folder, "--socket", folder / "file", "--", "true")
            self.assertEqual((done.returncode, (folder / "file").read_text()), (7, "kept"))

    def test_words_that_cannot_be_used(self):
        with tempfile.TemporaryDirectory() as above:
            for words in (["--compose-hash", "00" * 31], ["--compose-hash", "zz" * 32],
                          ["--app-id", "00" * 21], ["--instance-id", ""],
                          ["--socket", f"{above}/{'x' * 120}"], ["--socket", ""]):
                done = ward("sim", "agent", above, *words, "--", "true")
                self.assertEqual(done.returncode, 2, (words, done.stderr))
            self.assertEqual(ward("sim", "agent").returncode, 2)
            done = ward("sim", "agent", "/proc/nowhere", "--", "true")
            self.assertEqual(done.returncode, 70)
            self.assertIn(b"/proc/nowhere", done.stderr)


if __name__ == "__main__":
    tap.main()
