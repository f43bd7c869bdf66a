"""test_progress.py - what takes longer than a second says how far it is: on a terminal, in a file,
as JSON events, or not at all with --quiet. Nothing here is timed: what is slow waits until the
test has seen what it wants, and then goes on."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import unittest

import lodger
import tap
from commands import CLEAN, WARD, Place, Terminal, faults
from pccs import Mirror
from test_fetch_hostile import AT, FMSPC, Own
from test_fetch_hostile import ROOT as SIM_ROOT

LINE = re.compile(r"ward: (collateral fetch): (\S+), (\d+) of (\d+) files, (\d+) s")
LEFT = re.compile(r"(\d+) of 4 files, (\d+) s, about (?:\d+ min )?\d+ s left")


class Patient(Mirror):
    """Answers at once but the second question, which waits until it may go on."""

    def __init__(self, *words):
        super().__init__(*words)
        self.go = threading.Event()

    def answer(self, request):
        if len(self.asked) == 2:
            self.go.wait(60)
        super().answer(request)


def words_of(mirror, folder):
    return ["collateral", "fetch", "--fmspc", FMSPC, "--at", AT, "--root", SIM_ROOT, "--timeout", "60",
            "--mirror", mirror.base, folder]


class Running:
    """A command with pipes whose stderr is read as it comes."""

    def __init__(self, words, given=subprocess.DEVNULL):
        self.process = subprocess.Popen([WARD, *map(str, words)], env=CLEAN, stdin=given,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []

    def until(self, wanted):
        """Reads lines until one is wanted, and returns it."""
        for line in self.process.stderr:
            self.lines.append(line.decode())
            if wanted(self.lines[-1]):
                return self.lines[-1]
        raise AssertionError(f"it did not come: {self.lines}")

    def end(self):
        out, errors = self.process.communicate(timeout=60)
        self.lines += errors.decode().splitlines(True)
        return self.process.returncode, out

    def __enter__(self):
        self.timer = threading.Timer(60, self.process.kill)
        self.timer.start()
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


class Progress(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.place.__exit__()

    def slow(self):
        """(mirror, words) of a fetch that takes as long as is wanted."""
        return Patient("good", Own()), self.place.fresh("slow", make=True)

    def test_long_work_says_how_far_it_is(self):
        # proves: EC-15
        with self.lines_in_a_file():  # its ten seconds are not waited for alone
            self.events()
            self.drawn()
            self.silent()
            self.houses()
            self.logs()
            self.peers()

    @contextlib.contextmanager
    def lines_in_a_file(self):
        """Step, count and time after a second; what is left after ten."""
        mirror, folder = self.slow()
        with mirror, Running(words_of(mirror, folder)) as running:
            said = LINE.match(running.until(LINE.match))
            self.assertEqual((said[2], said[3], said[4]), ("qe-identity", "1", "4"))
            self.assertGreaterEqual(int(said[5]), 1)
            yield
            late = LEFT.search(running.until(LEFT.search))
            self.assertEqual(late[1], "1")
            self.assertGreaterEqual(int(late[2]), 10)
            mirror.go.set()
            code, out = running.end()
        self.assertEqual((code, len(out.splitlines())), (0, 6), out)
        self.assertNotIn("\x1b", "".join(running.lines))
        early = [line for line in running.lines if LINE.match(line)
                 and int(LINE.match(line)[5]) < 10 and "left" in line]
        self.assertEqual(early, [])

    def events(self):
        mirror, folder = self.slow()
        with mirror, Running([*words_of(mirror, folder), "--json"]) as running:
            for _ in range(2):
                got = json.loads(running.until(lambda line: line.startswith("{")))
                self.assertEqual(faults("progress.json", got), [])
                self.assertEqual((got["command"], got["step"], got["done"], got["total"]),
                                 ("collateral fetch", "qe-identity", 1, 4))
                self.assertGreaterEqual(got["elapsed_ms"], 1000)
                self.assertIsNone(got["left_ms"])
            mirror.go.set()
            code, out = running.end()
        self.assertEqual((code, out.count(b"\n")), (0, 1))
        self.assertEqual(faults("collateral.json#/$defs/fetch", json.loads(out)), [])
        for wrong in (dict(got, done=-1), dict(got, event="progres"), dict(got, total="4"),
                      dict(got, more=1), {key: got[key] for key in got if key != "left_ms"}):
            self.assertTrue(faults("progress.json", wrong))

    def drawn(self):
        """One line that is drawn anew, and gone at the end; in lines where that cannot be."""
        mirror, folder = self.slow()
        with mirror, Terminal(words_of(mirror, folder), pipes=("stdout",)) as terminal:
            terminal.read(b"qe-identity, 1 of 4 files, 1 s")
            terminal.read(b"qe-identity, 1 of 4 files, 2 s")
            mirror.go.set()
            code, shown = terminal.end()
            self.assertEqual(len(terminal.process.stdout.read().splitlines()), 6)
        self.assertEqual((code, shown.count(b"\n")), (0, 0), shown)
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown)
        for env in ({"TERM": "dumb"}, {"TERM": ""}):
            mirror, folder = self.slow()
            with mirror, Terminal(words_of(mirror, folder), env=env, pipes=("stdout",)) as terminal:
                terminal.read(b"qe-identity, 1 of 4 files, 1 s\r\n")
                mirror.go.set()
                code, shown = terminal.end()
            self.assertEqual(code, 0)
            self.assertNotIn(b"\x1b", shown)

    def silent(self):
        """--quiet: the fetch that waits says nothing; that it took long enough, a loud one beside
        it says."""
        mirror, folder = self.slow()
        other, beside = self.slow()
        with mirror, other, Running([*words_of(mirror, folder), "--quiet"]) as running, \
                Running(words_of(other, beside)) as loud:
            lodger.wait_for(lambda: len(mirror.asked) == 2, 60)
            loud.until(lambda line: ", 2 s" in line or ", 1 s" in line)
            mirror.go.set()
            other.go.set()
            self.assertEqual((loud.end()[0], running.end()[0]), (0, 0))
        self.assertEqual(running.lines, [])

    def houses(self):
        """`ward up` counts processes; a house that does not answer is waited for aloud, and so is
        one that does not end."""
        house = lodger.House(self.place.fresh("house", make=True))
        try:
            done = self.place.run("up", "--json", "--state", house.state, "--listen",
                                  f"127.0.0.1:{house.port}")
            events = [json.loads(line) for line in done.stderr.splitlines() if line[:1] == b"{"]
            self.assertEqual([fault for at in events for fault in faults("progress.json", at)], [])
            self.assertEqual([at["done"] for at in events], list(range(events[0]["total"] + 1)))
            self.assertEqual(done.stdout.count(b"\n"), 1)
            core = house.hold("core")
            with Running(["keyring", "list", "--state", house.state]) as running:
                running.until(lambda line: line.startswith("ward: keyring list: asking the house, "))
                os.kill(core, signal.SIGCONT)
                self.assertEqual(running.end()[0], 0)
            house.hold("core")
            with Running(["down", "--state", house.state, "--json"]) as running:
                got = json.loads(running.until(lambda line: line.startswith("{")))
                self.assertEqual((got["command"], faults("progress.json", got)), ("down", []))
                os.kill(core, signal.SIGCONT)
                self.assertEqual(running.end()[0], 0)
        finally:
            house.clear()

    def logs(self):
        """Every command that reads the whole log: from a pipe, which ends when progress was seen."""
        line = self.place.run("audit", "export", "--state", self.place.rest).stdout
        with Running(["audit", "verify", "-"], given=subprocess.PIPE) as running:
            seen = threading.Event()

            def feed():
                with contextlib.suppress(BrokenPipeError):
                    running.process.stdin.write(line)
                    while not seen.wait(0.2):
                        running.process.stdin.write(b" ")
                        running.process.stdin.flush()

            feeder = threading.Thread(target=feed)
            feeder.start()
            try:
                said = running.until(lambda text: "reading the log" in text)
            finally:
                seen.set()
                feeder.join()
            self.assertRegex(said, r"^ward: audit verify: reading the log, \d+ KiB, \d+ s$")
            running.process.stdin.close()
            running.process.stdin = None
            self.assertEqual(running.end()[0], 1)  # the spaces are no record

    def peers(self):
        """A TLS peer that says nothing, until it closes."""
        with socket.create_server(("127.0.0.1", 0)) as server, \
                Running(["verify", "--tls", f"127.0.0.1:{server.getsockname()[1]}"]) as running:
            peer = server.accept()[0]
            said = running.until(lambda line: line.startswith("ward: verify: asking the peer"))
            self.assertRegex(said, r"certificate, \d+ s$")
            peer.close()
            self.assertEqual(running.end()[0], 4)

    def test_short_work_says_nothing_of_it(self):
        """The answer is there within the second: no line, no event; true of all quick commands."""
        for words in (["version"], ["config", "show"], ["help"]):
            self.assertEqual(self.place.run(*words).stderr, b"")
            self.assertEqual(self.place.run(*words, "--json").stderr, b"")

    def test_a_refusal_in_between_stands_on_a_line_of_its_own(self):
        mirror, folder = self.slow()
        bad = Mirror("missing", Own())
        with mirror, bad:
            words = words_of(mirror, folder)
            words[words.index("--mirror") + 1] = f"{mirror.base},{bad.base}"
            mirror.behaviour = "tampered"
            with Terminal(words, pipes=("stdout",)) as terminal:
                terminal.read(b"files, 1 s")
                mirror.go.set()
                code, shown = terminal.end()
        self.assertEqual(code, 4)
        for text in shown.replace(b"\r\n", b"\n").split(b"\n"):
            if b"ward: " in text:
                self.assertTrue(text.rpartition(b"\x1b[K")[2].startswith(b"ward: "), text)


if __name__ == "__main__":
    tap.main()
