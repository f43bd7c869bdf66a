"""test_examples.py - the examples of libward, a challenge and a validator, with peers of other
languages in the other role: Node (ws, libsodium-wrappers, its own crypto) and Python (websockets,
peer.py). Evidence is of a stand-in for a TEE, and each side judges the other's."""

import itertools
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import npm
import peer
import pypi
import tap
from sdk_model import Agent

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["WARD_BUILD"])
EXAMPLES = BUILD / "tests" / "channel"
SCRIPT = ROOT / "tests" / "channel" / "peer.js"
WAIT = 60


def quote(report_data):
    """As peer.Channel wants it: of the agent."""
    evidence, log = Agent(os.environ["DSTACK_SIMULATOR_ENDPOINT"]).quote(report_data)
    return 1, evidence, log.encode()


class Examples(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="ward-examples-")
        cls.folder = pathlib.Path(cls.place.name) / "simulated"
        cls.agent = subprocess.Popen([BUILD / "ward", "sim", "agent", cls.folder, "--json"],
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        os.environ["DSTACK_SIMULATOR_ENDPOINT"] = json.loads(cls.agent.stdout.readline())["socket"]
        os.environ["WARD_PROGRAM"] = str(BUILD / "ward")
        os.environ["WARD_FOLDER"] = str(cls.folder)
        (cls.folder / "policy.toml").write_text("hardware = false\n")
        cls.files = [cls.folder / "policy.toml", cls.folder / "root.pem",
                     *sorted((cls.folder / "collateral").iterdir())]

    @classmethod
    def tearDownClass(cls):
        cls.agent.terminate()
        cls.agent.communicate(timeout=WAIT)
        cls.place.cleanup()

    def judge(self, report_data, kind, evidence, log):
        """As peer.Channel asks: the command decides."""
        (self.folder / "shown").write_bytes(evidence)
        (self.folder / "log").write_bytes(log)
        done = subprocess.run(
            [BUILD / "ward", "verify", self.folder / "shown", "--event-log", self.folder / "log",
             "--report-data", report_data.hex(), "--root", self.folder / "root.pem",
             "--collateral", self.folder / "collateral"], capture_output=True, check=False)
        return kind == 1 and done.returncode == 0

    def with_challenge(self, ask, sends=None):
        """The example challenge serves one connection, of whoever `ask` is; what either says. `sends`:
        how much of what it says waits in the kernel."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"ws://127.0.0.1:{listener.getsockname()[1]}/v1/channel"
            said = []
            asker = threading.Thread(target=lambda: said.append(ask(address)))
            asker.start()
            with listener.accept()[0] as connection:
                if sends:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sends)
                done = subprocess.run([EXAMPLES / "example_challenge", *self.files], stdin=connection,
                                      capture_output=True, text=True, timeout=WAIT, check=False)
            asker.join(WAIT)
        return done.returncode, done.stderr, *said

    def validator(self, address):
        """What the example validator says of whoever serves there."""
        done = subprocess.run([EXAMPLES / "example_validator", address, *self.files], capture_output=True,
                              text=True, timeout=WAIT, check=False)
        return done.returncode, done.stdout + done.stderr


class Node(Examples):

    def start(self, *words, fault=""):
        return subprocess.Popen(["node", SCRIPT, *words], stdout=subprocess.PIPE, text=True,
                                env={**npm.QUIET, **os.environ, "FAULT": fault,
                                     "NODE_PATH": str(npm.modules())})

    def ask(self, ciphers, fault=""):
        def ask(address):
            return self.start("validator", ciphers, address, fault=fault).communicate(
                timeout=WAIT)[0]
        npm.modules()
        return self.with_challenge(ask)

    def serve(self, ciphers, fault=""):
        node = self.start("challenge", ciphers, fault=fault)
        code, said = self.validator(node.stdout.readline().strip())
        return code, said, node.communicate(timeout=WAIT)[0]

    def test_node_gives_a_job(self):
        for ciphers in ("12", "2"):
            code, said, result = self.ask(ciphers)
            self.assertEqual((code, result), (0, "result j7 1\n"), said)
            self.assertIn("the answer to q1: error", said)

    def test_node_does_a_job(self):
        for ciphers in ("12", "21"):
            code, said, heard = self.serve(ciphers)
            self.assertEqual((code, heard), (0, "error q9\n"), said)
            self.assertIn('"job_id":"j1"', said)

    def test_what_node_does_wrong_is_seen(self):
        for fault, reason in (("stale", "POLICY_REPORT_DATA"), ("replay", "CHANNEL_REPLAY"),
                              ("tamper", "CHANNEL_TAMPERED"), ("point", "CHANNEL_KEY")):
            for found in (self.ask("1", fault), self.serve("1", fault)):
                self.assertEqual(found[0], 1, found)
                self.assertRegex(found[1], rf"\b{reason}\b")
        self.assertRegex(self.ask("1", "cut")[1], r"\bCHANNEL_TRUNCATED\b")


class Python(Examples):

    def channel(self, **more):
        mine = {"quote": quote, "judge": self.judge, "purpose": b"challenge/example"} | more
        return peer.Channel(os.urandom(32), os.urandom(32), **mine)

    def hear(self, channel, socket_):
        kind, plain = channel.take(socket_.recv(WAIT))
        return json.loads(plain) if kind == peer.DATA else kind

    def test_python_gives_a_job(self):
        client = pypi.module("websockets.sync.client")

        def ask(address):
            channel = self.channel()
            with client.connect(address, proxy=None) as ours:
                ours.send(channel.hello())
                ours.send(channel.finish(ours.recv(WAIT)))
                channel.done(ours.recv(WAIT))
                query = self.hear(channel, ours)
                ours.send(channel.send(json.dumps(
                    {"type": "error", "message_id": query["message_id"], "error": "no"}).encode()))
                ours.send(channel.rekey())
                ours.send(channel.send(b'{"type":"job_execute","job_id":"j8","job_name":"e"}'))
                result = self.hear(channel, ours)
                ours.send(channel.close())
            return query["type"], result

        code, said, (asked, result) = self.with_challenge(ask)
        self.assertEqual((code, asked), (0, "orm_query"), said)
        self.assertEqual((result["type"], result["job_id"]), ("job_result", "j8"))
        self.assertIn("the answer to q1: error", said)

    def test_a_validator_that_does_not_read(self):
        """The challenge waits half a minute for it, and says why it ends."""
        client = pypi.module("websockets.sync.client")
        job = b'{"type":"job_execute","job_id":"' + b"j" * 900 + b'","job_name":"e"}'

        def ask(address):
            channel = self.channel()
            ours = socket.socket()
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            ours.connect(("127.0.0.1", int(address.split(":")[2].split("/")[0])))
            with client.connect(address, sock=ours, proxy=None, close_timeout=1) as theirs:
                theirs.send(channel.hello())
                theirs.send(channel.finish(theirs.recv(WAIT)))
                channel.done(theirs.recv(WAIT))
                with self.assertRaises(pypi.module("websockets.exceptions").ConnectionClosed):
                    for count in itertools.count():
                        theirs.send(channel.send(job))
                        time.sleep(0.2 if count > 100 else 0)  # by then nothing more fits

        code, said = self.with_challenge(ask, sends=4096)[:2]
        self.assertEqual(code, 1)
        self.assertRegex(said, r"\bCHANNEL_STALLED\b")

    def serve(self, channel):
        """What the example validator says of this end as a challenge, and what this end hears."""
        server = pypi.module("websockets.sync.server")
        heard, ended = [], threading.Event()

        def serve(theirs):
            theirs.send(channel.accept(theirs.recv(WAIT)))
            try:
                theirs.send(channel.open(theirs.recv(WAIT)))
                theirs.send(channel.send(b'{"type":"orm_query","message_id":"q2","payload":{}}'))
                while (got := self.hear(channel, theirs)) != peer.CLOSE:
                    heard.append(got)
                    if got["type"] == "job_execute":
                        theirs.send(channel.send(json.dumps(
                            {"type": "job_result", "job_id": got["job_id"]}).encode()))
            except peer.PeerRefused as refusal:
                heard.append(str(refusal))
            finally:
                ended.set()

        with server.serve(serve, "127.0.0.1", 0, max_size=1 << 21) as listening:
            threading.Thread(target=listening.serve_forever, daemon=True).start()
            found = self.validator("ws://127.0.0.1:%d/v1/channel" % listening.socket.getsockname()[1])
            self.assertTrue(ended.wait(WAIT))
            listening.shutdown()
        return *found, heard

    def test_python_does_a_job(self):
        for ciphers in ((1, 2), (2,)):
            code, said, heard = self.serve(self.channel(ciphers=ciphers))
            self.assertEqual(code, 0, said)
            self.assertEqual([got["type"] for got in heard], ["job_execute", "error"])
            self.assertEqual(heard[1]["message_id"], "q2")

    def test_evidence_of_another_channel(self):
        stale = self.channel(quote=lambda _: quote(bytes(64)))
        code, said, heard = self.serve(stale)
        self.assertEqual((code, heard), (1, ["POLICY_REPORT_DATA"]))
        self.assertTrue(re.search(r"\bCHANNEL_EVIDENCE_DENIED\b.*\bPOLICY_REPORT_DATA\b", said), said)


if __name__ == "__main__":
    os.environ["NO_PROXY"] = "*"
    tap.main()
