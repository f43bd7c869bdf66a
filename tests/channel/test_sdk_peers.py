"""test_sdk_peers.py - profile sdk-v1 against peers that are no Ward: Python (websockets, PyNaCl) and
Node (ws, libsodium-wrappers), in both roles, with evidence of a guest agent that is really judged."""

import base64
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import unittest

import npm
import pinned
import pypi
import sdk_model
import tap

BUILD = pinned.BUILD.resolve()
PEER = BUILD / "tests/channel/sdk_peer"
NODE = pathlib.Path(__file__).resolve().parent / "sdk_peer.mjs"
COMPOSE = "c0" * 32
ACK = {"type": "job_result_ack", "job_id": "job-0", "message_id": None}


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.above = tempfile.TemporaryDirectory(prefix="ward-sdk-")
        cls.folder = pathlib.Path(cls.above.name) / "simulated"
        cls.process = subprocess.Popen([BUILD / "ward", "sim", "agent", cls.folder, "--json",
                                        "--compose-hash", COMPOSE], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        cls.agent = json.loads(cls.process.stdout.readline())["socket"]

    @classmethod
    def tearDownClass(cls):
        cls.process.terminate()
        cls.process.communicate(timeout=20)
        cls.above.cleanup()

    def start(self, stream, *words):
        return subprocess.Popen([PEER, words[0], self.folder, *words[1:]], stdin=stream.fileno(),
                                stdout=subprocess.PIPE, text=True)

    @staticmethod
    def ended(process):
        said, _ = process.communicate(timeout=60)
        return said.splitlines()

    # --- Ward is the validator -----------------------------------------------------------------

    def as_challenge(self, serve, *jobs, compose=COMPOSE):
        """The lines of Ward's end, which talked to `serve` in a server of Python's."""
        server, faults, served = pypi.module("websockets.sync.server"), [], threading.Event()

        def handler(peer):
            try:
                self.assertEqual(peer.request.path, "/sdk/ws")
                serve(peer)
            except Exception as fault:  # it belongs to the test's thread
                faults.append(fault)
            finally:
                served.set()

        with server.serve(handler, "127.0.0.1", 0) as listening:
            threading.Thread(target=listening.serve_forever, daemon=True).start()
            host, port = listening.socket.getsockname()
            with socket.create_connection((host, port)) as ours:
                process = self.start(ours, "client", compose, f"{host}:{port}", *jobs)
            said = self.ended(process)
            self.assertTrue(served.wait(20))
            listening.shutdown()
        if faults:
            raise faults[0]
        return said

    def test_a_challenge_in_python(self):  # proves: PC-1 PC-2 PC-33
        def serve(peer):
            session, _ = sdk_model.challenge(peer, sdk_model.Agent(self.agent))
            for _ in range(4):
                message = session.open(peer.recv(20))
                kind = message["type"]
                if kind == "job_execute":
                    self.assertEqual((message["job_id"], message["job_name"], message["payload"]),
                                     ("job-0", "evaluate_agent", {"a": 1}))
                    answer = {"type": "job_result", "job_id": "job-0", "result": {"n": 2},
                              "message_id": None}
                elif kind == "orm_ready":
                    answer = {"type": "orm_query", "message_id": "q", "payload": {"query_id": "q"}}
                else:
                    self.assertIn(kind, ("db_version_request", "migrations_request"))
                    answer = {"type": kind.replace("request", "response"),
                              "message_id": message["message_id"], "payload": {"db_version": 1}}
                frame = session.seal(answer)
                for _ in range(2 if kind == "db_version_request" else 1):  # the same frame again
                    peer.send(frame)
            heard = [session.open(peer.recv(20)) for _ in range(2)]
            self.assertIn(ACK, heard)
            self.assertIn({"type": "error", "message_id": "q", "query_id": "q",
                           "error": "not served by this validator",
                           "message": "not served by this validator"}, heard)

        said = self.as_challenge(serve, "evaluate_agent", '{"a":1}')
        self.assertEqual(said[:2], ["judged OK simulated", "open"])
        for line in ("dropped CHANNEL_REPLAY", 'result 0 OK {"n": 2}', 'answer 1000 OK {"db_version": 1}',
                     'answer 1001 OK {"db_version": 1}'):
            self.assertEqual(said.count(line), 1, said)
        self.assertEqual(said[-1], "ended closed OK")

    def test_what_a_challenge_may_not_show(self):  # proves: PC-31 PC-32
        other = "c1" * 32
        cases = (
            ({"event_log": sdk_model.MOCK_LOG, "quote": sdk_model.b64(os.urandom(1024))}, COMPOSE,
             "SDK_DEV_PEER", "SDK_DEV_PEER NONE"),
            ({"quote": None, "event_log": None}, COMPOSE, "CHANNEL_EVIDENCE_REQUIRED",
             "CHANNEL_EVIDENCE_REQUIRED NONE"),
            ({"quote": sdk_model.b64(os.urandom(1024))}, COMPOSE, "QUOTE_VERSION_UNSUPPORTED",
             "CHANNEL_EVIDENCE_DENIED QUOTE_VERSION_UNSUPPORTED"),
            ({"quote": sdk_model.b64(sdk_model.Agent(self.agent).quote(bytes(32))[0])}, COMPOSE,
             "POLICY_REPORT_DATA", "CHANNEL_EVIDENCE_DENIED POLICY_REPORT_DATA"),
            ({"event_log": "[]"}, COMPOSE, "RTMR_MISMATCH",
             "CHANNEL_EVIDENCE_DENIED RTMR_MISMATCH"),
            ({}, other, f"SDK_COMPOSE_HASH: expected {other}, got {COMPOSE}",
             "CHANNEL_EVIDENCE_DENIED SDK_COMPOSE_HASH"),
            ({"chal_x25519_pub": sdk_model.b64(bytes(32))}, COMPOSE, "CHANNEL_KEY",
             "CHANNEL_KEY NONE"),
        )
        for changes, compose, words, reason in cases:
            with self.subTest(words):
                heard = []

                def serve(peer, heard=heard, changes=changes):
                    heard.append(sdk_model.challenge(peer, sdk_model.Agent(self.agent),
                                                     **changes)[1])

                said = self.as_challenge(serve, compose=compose)
                self.assertEqual(heard, [{"type": "attestation_reject", "reason": words}])
                self.assertEqual(said[-1], f"ended {reason} OK")
                self.assertNotIn("open", said)

    def test_an_unsolicited_ok(self):  # proves: PC-24
        def serve(peer):
            peer.recv(20)
            peer.send(json.dumps({"type": "attestation_ok", "aead": "chacha20poly1305",
                                  "chal_x25519_pub": sdk_model.b64(b"\x09" + bytes(31)),
                                  "hkdf_salt": sdk_model.b64(bytes(32))}))
            self.assertEqual(json.loads(peer.recv(20)),
                             {"type": "attestation_reject", "reason": "CHANNEL_UNEXPECTED"})

        said = self.as_challenge(serve)
        self.assertEqual(said, ["ended CHANNEL_UNEXPECTED NONE OK"])

    # --- Ward is the challenge -----------------------------------------------------------------

    def connect(self, compose=COMPOSE):
        """(the validator's end in Python, the process)"""
        client = pypi.module("websockets.sync.client")
        with socket.create_server(("127.0.0.1", 0)) as listening:
            ours = socket.create_connection(listening.getsockname())
            theirs, _ = listening.accept()
        process = self.start(ours, "server", compose)
        ours.close()
        return client.connect("ws://localhost/sdk/ws", sock=theirs), process

    def test_a_validator_in_python(self):  # proves: PC-6 PC-7 PC-8 PC-9 PC-10 PC-33
        peer, process = self.connect()
        session, _ = sdk_model.validator(peer, sdk_model.Agent(self.agent), "hkdf_salt_b64")

        def ask(message):
            peer.send(session.seal(message))
            return session.open(peer.recv(20))

        for identity in ("m-1", None, 7):
            self.assertEqual(ask({"type": "db_version_request", "message_id": identity}),
                             {"type": "db_version_response", "message_id": identity,
                              "payload": {"db_version": 7}})
        self.assertEqual(ask({"type": "migrations_request"}),
                         {"type": "migrations_response", "message_id": None,
                          "payload": {"migrations": [], "db_version": 7}})
        job = {"type": "job_execute", "job_id": "j1", "job_name": "echo", "payload": {"a": "\u00e9"}}
        self.assertEqual(ask(job), {"type": "job_result", "job_id": "j1",
                                    "result": {"a": "\u00e9"}})
        self.assertEqual(ask(job | {"job_name": "other"})["error"],
                         "No job handler found for 'other'")
        query = ask({"type": "orm_ready"})
        self.assertEqual((query["type"], query["message_id"]),
                         ("orm_query", query["payload"]["query_id"]))
        frame = session.seal({"type": "orm_result", "query_id": query["message_id"],
                              "result": {"rows": [], "row_count": 0}})
        peer.send(frame)
        for bad in (frame, query, json.dumps(query), session.seal(b"\xff"),
                    session.seal({"type": "x"}).replace('"enc"', '"encr"'),
                    json.dumps(json.loads(session.seal({})) | {"nonce": sdk_model.b64(bytes(11))})):
            peer.send(bad if isinstance(bad, str) else json.dumps(bad))
        peer.send(self.reflected(session, peer))
        self.assertEqual(ask({"type": "db_version_request"})["type"], "db_version_response")
        peer.close()
        said = self.ended(process)
        self.assertEqual(said[:2], ["judged OK simulated", "open"])
        self.assertEqual(said.count("job j1"), 1)
        self.assertEqual(said.count('answer 1 OK {"rows": [], "row_count": 0}'), 1)
        self.assertEqual([line.split()[1] for line in said if line.startswith("dropped")],
                         ["CHANNEL_REPLAY"] + ["CHANNEL_MALFORMED"] * 4 + ["SDK_REFLECTED"], said)
        self.assertEqual(said[-1], "ended closed OK")

    def reflected(self, session, peer):
        """A frame of Ward's own."""
        peer.send(session.seal({"type": "db_version_request"}))
        return peer.recv(20)

    def test_what_a_validator_may_not_show(self):  # proves: PC-32
        nonce = os.urandom(32)
        cases = (
            ({"val_quote": None}, "CHANNEL_EVIDENCE_REQUIRED"),
            ({"val_event_log": sdk_model.MOCK_LOG}, "SDK_DEV_PEER"),
            ({"nonce": nonce.hex(), "val_quote": sdk_model.b64(sdk_model.mock_quote(nonce))},
             "QUOTE_VERSION_UNSUPPORTED"),
            ({"nonce": nonce.hex()}, "POLICY_REPORT_DATA"),
            ({"val_x25519_pub": sdk_model.b64(b"\x01" + bytes(31))}, "CHANNEL_KEY"),
            ({"type": "attestation_ok"}, "CHANNEL_UNEXPECTED"),
            ({"nonce": "00"}, "CHANNEL_MALFORMED"),
        )
        for changes, words in cases:
            with self.subTest(words):
                peer, process = self.connect()
                session, said = sdk_model.validator(peer, sdk_model.Agent(self.agent), **changes)
                self.assertEqual((session, said),
                                 (None, {"type": "attestation_reject", "reason": words}))
                peer.close()
                lines = self.ended(process)
                self.assertIn(words, lines[-1])
                self.assertNotIn("open", lines)

    def test_both_hashes_of_a_nonce(self):  # proves: PC-3
        """Over the bytes of the nonce here; over its text is refused."""
        peer, process = self.connect()
        nonce = os.urandom(32)
        quote, log = sdk_model.Agent(self.agent).quote(sdk_model.over(nonce.hex().encode()))
        session, said = sdk_model.validator(peer, sdk_model.Agent(self.agent), nonce=nonce.hex(),
                                            val_quote=sdk_model.b64(quote), val_event_log=log)
        self.assertEqual((session, said["reason"]), (None, "POLICY_REPORT_DATA"))
        peer.close()
        self.ended(process)

    # --- Node ------------------------------------------------------------------------------------

    def node(self, *words):
        env = {**os.environ, "NODE_PATH": str(npm.modules())}
        return subprocess.Popen(["node", NODE, npm.modules(), *words], stdout=subprocess.PIPE,
                                env=env, text=True)

    def test_a_challenge_in_node(self):
        node = self.node("challenge", self.agent)
        port = int(node.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)) as ours:
            process = self.start(ours, "client", COMPOSE, f"127.0.0.1:{port}", "evaluate_agent",
                                 '{"a":1}', "unknown", "[]")
        said, theirs = self.ended(process), self.ended(node)
        self.assertEqual(said[:2], ["judged OK simulated", "open"])
        self.assertIn('result 0 OK {"echo":{"a":1}}', said)
        self.assertIn('result 1 SDK_PEER_ERROR "No job handler found for \'unknown\'"', said)
        self.assertEqual((said[-1], theirs), ("ended closed OK", ["acknowledged job-0",
                                                                  "acknowledged job-1"]))

    def test_a_validator_in_node(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            node = self.node("validator", self.agent, str(listening.getsockname()[1]))
            ours, _ = listening.accept()
        process = self.start(ours, "server", COMPOSE)
        ours.close()
        theirs, said = self.ended(node), self.ended(process)
        self.assertEqual(theirs, ['result {"a":1}', "version 7", "query count"])
        self.assertEqual(said[:3], ["judged OK simulated", "open", "job j1"])
        self.assertIn('answer 1 OK {"rows":[]}', said)
        self.assertEqual(said[-1], "ended closed OK")


if __name__ == "__main__":
    tap.main()
