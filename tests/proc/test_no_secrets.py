"""test_no_secrets.py - one run of a house with secrets that are known: its seal, the private parts of
its keys, passphrases, passwords around it, and tokens that callers sent by every way there is. None of
them is in any log afterwards, nor in a core, in what ps shows, in any other file, or in what any
command printed; and the logs are text that anybody can read."""

import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time
import unittest

import front_house as house
import lockbox
import tap
from canary import holds

TOKEN = "canary+of/a.caller-canary_of+a/caller"
PHRASE = "canary of a backup 77c1"
AROUND = {"PGPASSWORD": "canary-around-1e5d", "AWS_SECRET_ACCESS_KEY": "canary-around-two"}
NAMES = ("core", "verify", "front", "audit", "keeper")
READERS = (["doctor"], ["doctor", "--json"], ["config", "show"], ["keyring", "list"],
           ["audit", "tail"], ["audit", "query", "--json", "--limit", "0"], ["audit", "verify"],
           *(["audit", "export", "--format", form] for form in ("jsonl", "ocsf", "cef", "csv")))


class Run(house.House):
    """A house that is started with passwords of others around it, and may write cores."""

    def __init__(self):
        super().__init__(requests_per_second=100000, requests_burst=100000)
        self.printed = b""

    def command(self, *words):
        def cores():
            most = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (most, most))

        done = subprocess.run([house.BUILD / "ward", *words], capture_output=True, timeout=60,
                              text=True, check=False, env=os.environ | AROUND, cwd=self.folder,
                              preexec_fn=cores)
        self.printed += (done.stdout + done.stderr).encode()
        return done

    def ward(self, *words):
        return self.command(*words, "--state", self.state)

    def shown(self):
        """What ps and its kin show of every process of the house."""
        monitor = int((self.state / "run/lock").read_text().split()[0])
        pids = [monitor, *(self.pid(name) for name in NAMES)]
        places = [pathlib.Path(f"/proc/{pid}/{name}") for pid in pids
                  for name in ("cmdline", "environ", "comm", "status", "maps")]
        ps = subprocess.run(["ps", "eww", "-o", "args", "-p", ",".join(map(str, pids))],
                            capture_output=True, check=True).stdout
        return b"\n".join([ps, *(place.read_bytes() for place in places)])

    def secrets(self):
        seal = pathlib.Path(f"{self.state}.seal").read_bytes()
        plain = lockbox.plaintexts((self.state / "keyring").read_bytes(), seal)
        return [seal, *(part for one in plain for part in lockbox.privates(one))]


def fields():
    """A caller's token, wherever one is sent."""
    return {"authorization": f"Bearer {TOKEN}", "cookie": f"session={TOKEN}", "x-api-key": TOKEN,
            "proxy-authorization": f"Basic {TOKEN}", "referer": f"https://x/?token={TOKEN}",
            "user-agent": TOKEN, "traceparent": TOKEN, "baggage": f"token={TOKEN}",
            "grpc-metadata-token": TOKEN}


def over_http1(one):
    rows = [f"{name}: {value}" for name, value in fields().items()]
    targets = (f"/v1/system/ping?text=a&token={TOKEN}", f"/v1/audit/records/{TOKEN}",
               f"/v1/{TOKEN}", f"/v1/system/config?key={TOKEN}", "/v1/system/doctor",
               f"/v1/audit/records?resource={TOKEN}", f"/v1/audit/proof?seq={TOKEN}",
               f"/metrics?{TOKEN}", f"/v1/system/ping?text={TOKEN}")
    for opened in (one.plain, one.tls):
        for target in targets:
            with opened() as link:
                house.ask(link, "GET", target, rows)
        for body in (json.dumps({"role": TOKEN}), json.dumps({TOKEN: 1}), TOKEN,
                     json.dumps({"evidence": "AAAA", "policy": f"# {TOKEN}\n{TOKEN} = 1\n"}),
                     json.dumps({"evidence": "AAAA", "token": TOKEN})):
            for target in ("/v1/keyring/rotate", "/v1/attest/verify", "/v1/audit/verify"):
                with opened() as link:
                    house.ask(link, "POST", target, [*rows, "Content-Type: application/json"],
                              body.encode())
        for raw in (f"GET /v1/ping HTTP/1.1\r\nHost: {TOKEN}@x\r\n{TOKEN}\r\n\r\n",
                    f"{TOKEN}\r\n\r\n", f"GET https://u:{TOKEN}@x/v1 HTTP/1.1\r\nHost: x\r\n\r\n",
                    f"GET / HTTP/1.1\r\nHost: x\r\nX: {TOKEN}"):
            with opened() as link:
                link.sendall(raw.encode())
                with contextlib.suppress(OSError):
                    link.shutdown(socket.SHUT_WR)
                house.read_all(link)


def over_h2(one):
    rows = list(fields().items())
    for opened in (one.plain, lambda: one.tls("h2")):
        with opened() as link:
            client = house.H2(link)
            client.get(f"/v1/system/ping?text=a&{TOKEN}", rows)
            client.get(f"/{TOKEN}", rows)
            for path in ("/ward.v1.System/Ping", "/ward.v1.System/Config", "/ward.v1.Keyring/Rotate",
                         "/ward.v1.Attest/Verify", "/ward.v1.Audit/Query", f"/ward.v1.{TOKEN}/Get"):
                client.call(path, house.text_field(1, TOKEN), rows)


class Secrets(unittest.TestCase):
    def sweep(self, one, secrets, texts):
        """Every file, and every text, for every secret; how many there were."""
        looked = 0
        for path in one.folder.rglob("*"):
            if path.is_file() and path.name not in ("state.seal", "phrase"):  # the places themselves
                texts = {**texts, str(path): path.read_bytes()}
        for name, text in texts.items():
            looked += 1
            for secret in secrets:
                self.assertEqual(holds(text, secret), [], name)
        return looked

    def live(self, one):
        """All that a house does for callers, and all that befalls it."""
        over_http1(one)
        over_h2(one)
        (one.folder / "phrase").write_text(PHRASE + "\n")
        for words in (["keyring", "rotate", "log", "--yes"], ["keyring", "rotate", "tls", "--yes"]):
            self.assertEqual(one.ward(*words).returncode, 0)
        self.crash(one)
        for words in READERS:
            self.assertIn(one.ward(*words).returncode, (0, 1))

    def crash(self, one):
        """Each process dies as by a fault of its own, and may leave a core where cores go."""
        for name in NAMES:
            old = one.pid(name)
            os.kill(old, signal.SIGSEGV)
            one.wait_new(name, old)
        until = time.monotonic() + 20
        while not self.answers(one):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)

    @staticmethod
    def answers(one):
        with contextlib.suppress(OSError, AssertionError), one.tls() as link:
            return house.ask(link, "GET", "/v1/audit/head")[0] == 200
        return False

    def test_none_is_in_any_log(self):
        # proves: CX-26
        with Run() as one:
            first = one.secrets()
            self.assertGreaterEqual(len(first), 5)
            self.live(one)
            known = {*first, *one.secrets(), TOKEN, PHRASE, *AROUND.values()}
            self.assertGreater(len(known), len(first) + 4)  # those of the rotated keys, too
            shown = one.shown()
            self.assertGreater(self.sweep(one, known, {"ps": shown, "printed": one.printed}), 11)
            self.readable(one)
            for words in (["down"], ["keyring", "backup", one.folder / "keys.backup",
                                     "--passphrase-file", one.folder / "phrase"],
                          ["backup", "create", "--to", one.folder / "all.wardbackup",
                           "--passphrase-file", one.folder / "phrase"]):
                done = one.ward(*words)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.sweep(one, known, {"printed": one.printed})
            self.assertEqual([path for path in (*one.folder.rglob("core*"), pathlib.Path("/core"))
                              if path.is_file()], [])
            self.finds(one)

    def readable(self, one):
        """Lines of text, in the form that is documented, and nothing that moves a cursor."""
        for line in one.log().splitlines():
            self.assertTrue(line.isprintable(), line)
        text = (one.state / "audit/security.log").read_text()
        rows = [json.loads(line) for line in text.splitlines()]
        self.assertTrue(all(line.isprintable() for line in text.splitlines()))
        actions = {row["action"] for row in rows}
        self.assertLessEqual({"key.create", "key.rotate", "process.crash", "access.refuse",
                              "config.read", "log.read", "evidence.judge"}, actions)

    def finds(self, one):
        """The sweep can fail: by a line in a log, a core beside it, a secret that ps shows."""
        log = one.state / "ward.log"
        whole = log.read_bytes()
        for secret in one.secrets()[:2] + [TOKEN]:
            raw = secret if isinstance(secret, bytes) else secret.encode()
            for leak in (raw, raw.hex().encode()):
                log.write_bytes(whole + leak)
                with self.assertRaises(AssertionError):
                    self.sweep(one, [secret], {})
            log.write_bytes(whole)
            with self.assertRaises(AssertionError):
                self.sweep(one, [secret], {"ps": b"ward " + raw})


if __name__ == "__main__":
    tap.main()
