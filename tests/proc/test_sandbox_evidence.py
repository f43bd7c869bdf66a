"""test_sandbox_evidence.py - what a job's sandbox began with, as the house's TEE measured it: worked out
again here by nothing of Ward's, foretold by `ward measure`, bound to the key that signs the result, and
of no use for another job, image, argument or kernel."""

import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

import tap
from job_house import UNTIL_CUE, WAIT_S, Queue, cue
from commands import CLEAN, faults
from house import WARD, until
from lockbox import canonical, jws
from machines import Machines, VM, needs_machine
from registers import arguments_hash, extended, sha256, sha384, spoken
from sandboxes import needs_sandbox
from signer import Signer

MRTD, RTMR, REPORT_DATA = 48 + 136, 48 + 328, 48 + 584 - 64
TAG = b"ward result sandbox v1".ljust(32, b"\0")
LINE = b"quiet panic=-1 reboot=t"


def payload_of(text):
    part = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Evidence(Queue):
    """Jobs of a house, and their results as a stranger reads them."""

    def folder_of_files(self):
        return self.house.state / "tee"

    def result(self, job):
        path = self.folder(job) / "result.jws"
        until(path.exists, WAIT_S)
        return path

    def run_one(self, script="true", **more):
        job = self.submit(script, **more)
        ended = self.wait_for(job)
        self.assertEqual((ended["state"], ended["reason"]), ("done", "OK"), self.log_of(job))
        return job

    def evidence(self, job):
        """(quote, {event: payload}) of a result that names the sandbox."""
        said = payload_of(self.result(job).read_text())["sandbox_evidence"]
        self.assertEqual((set(said), said["type"]), ({"evidence", "event_log", "type"}, "tdx"))
        log = json.loads(base64.b64decode(said["event_log"]))
        return base64.b64decode(said["evidence"]), {
            row["event"]: bytes.fromhex(row["event_payload"]) for row in log if row["event"]}

    def measure(self, spec, *words):
        done = subprocess.run([WARD, "measure", spec, "--images", self.images, *words], text=True,
                              capture_output=True, check=False, timeout=60, env=CLEAN)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def policy(self, spec, *words):
        path = self.here / "sandbox.toml"
        path.write_text(self.measure(spec, *words))
        return path

    def verify(self, result, policy, code=0, spec=None, more=()):
        """As somebody does who trusts the root of this house, and nothing else of it."""
        (self.here / "node.toml").write_text('types = ["tdx-v4"]\nhardware = false\n')
        words = ["result", "verify", result, "--policy", self.here / "node.toml", "--root",
                 self.folder_of_files() / "root.pem", "--collateral",
                 self.folder_of_files() / "collateral", "--json"]
        words += ["--sandbox-policy", policy] if policy else []
        words += ["--spec", spec] if spec else []
        words += more
        done = subprocess.run([WARD, *map(str, words)], text=True, capture_output=True, check=False,
                              timeout=60, env=CLEAN)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(faults("result.json", said), [])
        return said

    def refused(self, result, policy, reason="RESULT_SANDBOX", about="POLICY_MEASUREMENT"):
        said = self.verify(result, policy, code=1)
        self.assertEqual((said["reason"], said["about"]), (reason, about))


@needs_sandbox
class Containers(Evidence):
    def test_what_is_measured_is_what_was_foretold(self):
        """By `ward measure`, by this test, and by the quote; and the result says so to a stranger."""
        job = self.run_one(arguments=["x", "two words", ""])
        spec = self.folder(job) / "spec.toml"
        quote, events = self.evidence(job)
        image = bytes.fromhex(self.digest.removeprefix("sha256:"))
        given = arguments_hash(["x", "two words", ""])
        self.assertEqual(events, {
            "compose-hash": sha256(spec.read_bytes()), "image-digest": image, "arguments-hash": given,
            "job-folder": b"none", "job-id": bytes.fromhex(job)})
        self.assertEqual(quote[MRTD:MRTD + 48], sha384(b"ward sandbox v1"))
        registers = [quote[RTMR + 48 * i:RTMR + 48 * (i + 1)] for i in range(4)]
        self.assertEqual(registers, [bytes(48), extended(sha384(image)), bytes(48),
                                     extended(*(spoken(*event) for event in events.items()))])
        foretold = json.loads(self.measure(spec, "--id", job, "--json", "--", "x", "two words", ""))
        self.assertEqual(faults("measure.json", foretold), [])
        self.assertEqual([bytes.fromhex(foretold[f"rtmr{i}"]) for i in range(4)], registers)
        self.assertEqual(foretold["mrtd"], quote[MRTD:MRTD + 48].hex())
        key, = self.ask("GET", "/v1/keyring/keys?role=result&state=active")[1]["keys"]
        self.assertEqual(quote[REPORT_DATA:REPORT_DATA + 64], TAG + base64.b64decode(key["public_part"]))
        for words in ((), ("--id", job)):
            said = self.verify(self.result(job), self.policy(spec, *words, "--", "x", "two words", ""),
                               spec=spec)
            self.assertEqual((said["sandbox_measured"], said["sandbox_judged"]), (True, True))
        record, = [json.loads(r["details"]) if isinstance(r["details"], str) else r["details"]
                   for r in self.records("result.sign")]
        self.assertIs(record["sandbox_measured"], True)
        said = self.verify(self.result(job), None)
        self.assertEqual((said["sandbox_measured"], said["sandbox_judged"]), (True, False))

    def test_what_was_not_foretold_is_refused(self):
        job = self.run_one(arguments=["x"])
        result, spec = self.result(job), self.folder(job) / "spec.toml"
        self.verify(result, self.policy(spec, "--", "x"))
        for words in ((), ("--", "x", ""), ("--", "y"), ("--job-folder", "--", "x"),
                      ("--id", "0" * 32, "--", "x")):
            with self.subTest(words):
                self.refused(result, self.policy(spec, *words), about="POLICY_EVENT"
                             if "--id" not in words else "POLICY_MEASUREMENT")
        other = self.here / "other.toml"
        other.write_text(spec.read_text() + "# another\n")
        self.refused(result, self.policy(other, "--", "x"), about="POLICY_EVENT")
        other.write_text(spec.read_text().replace(self.digest, "sha256:" + "0" * 64))
        self.refused(result, self.policy(other, "--", "x"))

    def diff(self, result, spec, *words, code=1):
        done = subprocess.run([WARD, "measure", "diff", result, spec, "--images", self.images, "--json",
                               *words], text=True, capture_output=True, check=False, timeout=60,
                              env=CLEAN)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(faults("measure.json#/$defs/diff", said), [])
        return said["register"], said["number"], said["event"], said["expected"], said["actual"]

    def forged(self, result, change):
        """The same result with other evidence of its sandbox: (quote, log) -> them."""
        head, _, signature = result.read_text().split(".")
        body = payload_of(result.read_text())
        evidence = body["sandbox_evidence"]
        quote, log = change(bytearray(base64.b64decode(evidence["evidence"])),
                            json.loads(base64.b64decode(evidence["event_log"])))
        evidence["evidence"] = base64.b64encode(quote).decode()
        evidence["event_log"] = base64.b64encode(json.dumps(log).encode()).decode()
        path = self.here / "forged.jws"
        payload = base64.urlsafe_b64encode(canonical(body)).decode().rstrip("=")
        path.write_text(f"{head}.{payload}.{signature}")
        return path

    def test_where_it_differs(self):  # proves: EC-19
        """What was altered is what is named: the first event, its register, and both values."""
        job = self.run_one(arguments=["x"])
        result, spec = self.result(job), self.folder(job) / "spec.toml"
        self.assertEqual(self.diff(result, spec, "--", "x", code=0), (None,) * 5)
        other = self.here / "other.toml"
        hashed, image = sha256(spec.read_bytes()).hex(), bytes.fromhex(self.digest[7:])
        rows = [(("rtmr3", 4, "arguments-hash", arguments_hash(words).hex(), arguments_hash("x").hex()),
                 None, ("--", *words)) for words in ((), ("y",), ("x", ""), ("x", "x"))]
        rows.append((("rtmr3", 5, "job-folder", "unmeasured", "none"), None,
                     ("--job-folder", "--", "x")))
        for text in (spec.read_text() + "\n", spec.read_text().replace('"true"', '"false"')):
            rows.append((("rtmr3", 2, "compose-hash", sha256(text.encode()).hex(), hashed), text,
                         ("--", "x")))
        text = spec.read_text().replace(self.digest, "sha256:" + "0" * 64)
        rows.append((("rtmr1", 1, "image", sha384(bytes(32)).hex(), sha384(image).hex()), text,
                     ("--", "x")))
        for expected, text, words in rows:
            with self.subTest(expected):
                other.write_text(text or spec.read_text())
                self.assertEqual(self.diff(result, other, *words), expected)

        def edited(change):
            return self.diff(self.forged(result, change), spec, "--", "x")

        def flipped(at):
            def change(quote, log):
                quote[at] ^= 1
                return quote, log
            return change

        self.assertEqual(edited(flipped(MRTD))[:3], ("mrtd", None, None))
        for i in range(4):
            self.assertEqual(edited(flipped(RTMR + 48 * i))[:3], (f"rtmr{i}", None, None))
        self.assertEqual(edited(lambda quote, log: (quote, log[:-1])),
                         ("rtmr3", 6, "job-id", job, None))
        self.assertEqual(edited(lambda quote, log: (quote, log + log[1:2])),
                         ("rtmr3", 7, "compose-hash", None, hashed))
        self.assertEqual(edited(lambda quote, log: (quote, log[:1] + log[2:])),
                         ("rtmr3", 2, "compose-hash", hashed, "the event image-digest"))

    def test_a_log_says_nothing_to_a_terminal(self):
        """Nobody has signed it: a name that is no plain text makes it none, also where it differs."""
        job = self.run_one(arguments=["x"])
        result, spec = self.result(job), self.folder(job) / "spec.toml"
        for name in ("\x1b]0;owned\x07", "compose-hash\0", "compose-hash\n", "\x7f", "\u009b2J"):
            with self.subTest(ascii(name)):
                def renamed(quote, log, name=name):
                    return quote, log[:1] + [{**log[1], "event": name}] + log[2:]
                done = subprocess.run([WARD, "measure", "diff", self.forged(result, renamed), spec,
                                       "--images", self.images, "--", "x"], capture_output=True,
                                      check=False, timeout=60, env=CLEAN)
                self.assertEqual((done.returncode, done.stdout), (2, b""), done.stderr)
                self.assertIn(b"the event log of its sandbox is none", done.stderr)

    def test_a_folder_is_told_and_not_measured(self):
        code = self.here / "code"
        code.mkdir()
        job = self.run_one(folder=code)
        spec = self.folder(job) / "spec.toml"
        self.verify(self.result(job), self.policy(spec, "--job-folder"))
        self.refused(self.result(job), self.policy(spec), about="POLICY_EVENT")

    def test_the_tee_is_begun_anew_while_the_job_runs(self):
        """And the house with it: what was measured before is evidence afterwards."""
        job = self.submit(UNTIL_CUE)
        until(lambda: b"begun" in self.log_of(job), WAIT_S)
        self.kill("tee")
        until(lambda: "tee" in self.house.processes(), WAIT_S)
        cue(job)
        self.assertEqual(self.wait_for(job)["state"], "done")
        self.verify(self.result(job), self.policy(self.folder(job) / "spec.toml"))

    def test_without_a_tee_no_job_begins_unmeasured(self):
        """It waits for one that is begun anew, and does not run where none is there."""
        tee = self.house.processes()["tee"]
        os.kill(tee, signal.SIGSTOP)
        try:
            job = self.submit("echo ran > /output/x")
            until(lambda: self.get(job)["state"] == "running", WAIT_S)
            time.sleep(2)
            self.assertNotIn(b"ran", self.log_of(job))
            self.assertFalse((self.folder(job) / "output").exists())
        finally:
            os.kill(tee, signal.SIGKILL)
        self.assertEqual(self.wait_for(job)["state"], "done")
        self.verify(self.result(job), self.policy(self.folder(job) / "spec.toml"))

    def test_a_wish_to_end_while_a_tee_stands_still(self):
        """It is heard, whatever the tee does; nothing of the job ran."""
        tee = self.house.processes()["tee"]
        os.kill(tee, signal.SIGSTOP)
        try:
            job = self.submit("echo ran > /output/x")
            until(lambda: self.get(job)["state"] == "running", WAIT_S)
            self.ward("job", "cancel", job)
            ended = self.wait_for(job)
            self.assertEqual((ended["state"], ended["reason"]), ("cancelled", "JOB_CANCELLED"))
            self.assertFalse((self.folder(job) / "output").exists())
        finally:
            os.kill(tee, signal.SIGCONT)

    def test_an_image_without_its_manifest(self):
        manifest = self.images / self.digest.replace(":", "-") / "manifest.json"
        self.assertEqual("sha256:" + sha256(manifest.read_bytes()).hex(), self.digest)
        aside = self.here / "aside"
        manifest.rename(aside)
        try:
            job = self.submit()
            ended = self.wait_for(job)
            self.assertEqual((ended["state"], ended["reason"]), ("failed", "JOB_UNMEASURED"))
            self.assertIn("import it again", self.ward("job", "why", job).stdout)
        finally:
            aside.rename(manifest)
        # Whoever exchanges it has another measurement, which nobody has foretold.
        aside.write_bytes(manifest.read_bytes() + b"\n")
        right = manifest.read_bytes()
        manifest.write_bytes(aside.read_bytes())
        try:
            job = self.run_one()
        finally:
            manifest.write_bytes(right)
        self.refused(self.result(job), self.policy(self.folder(job) / "spec.toml"))

    def test_tickets(self):
        """What tee has sealed is of one job and one specification, and nobody makes one: asked as the
        owner, who has the one of his job."""
        job = self.submit(UNTIL_CUE)
        until(lambda: b"begun" in self.log_of(job), WAIT_S)
        ticket = self.stolen_ticket(job)
        spec = sha256((self.folder(job) / "spec.toml").read_bytes())
        cue(job)
        self.wait_for(job)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

        def sign(ticket, job=job, spec=spec):
            body = {"job_id": job, "code": 0, "reason": "OK", "cpu_us": "1", "memory_peak": "1",
                    "started": now, "ended": now, "spec_sha256": base64.b64encode(spec).decode(),
                    "outputs": [], "launch": base64.b64encode(ticket).decode()}
            def asked():
                status, said = self.ask("POST", "/v1/results/sign", body)
                return None if said.get("code") in ("TEE_RATE", "GUARD_RATE") else (status, said)
            return until(asked, WAIT_S, step=0.2)

        self.assertEqual(sign(ticket)[0], 200)
        rows = [(ticket[:-1],), (ticket + b"\0",), (b"x",), (ticket, "0" * 32), (ticket, "job-1"),
                (ticket, job, bytes(32)), (ticket[:-1] + bytes([ticket[-1] ^ 1]),)]
        rows += [(ticket[:at] + bytes([ticket[at] ^ 1]) + ticket[at + 1:],)
                 for at in range(0, len(ticket), 16)]
        for row in rows:
            with self.subTest(row):
                status, said = sign(*row)
                self.assertEqual((status, said.get("code")), (403, "RESULT_TICKET"))
        self.assertEqual(sign(b"x" * 513)[0], 400)

    def stolen_ticket(self, job):
        """From the memory of its `ward run`, as root could."""
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[1:2] == [b"run"] and job.encode() in words:
                found = self.search(path.parent)
                if found:
                    return found
        raise AssertionError("no ticket")

    @staticmethod
    def search(process):
        magic = b"ward launch v1\0\0"
        with open(process / "mem", "rb", buffering=0) as memory:
            for line in (process / "maps").read_text().splitlines():
                span, rights = line.split()[:2]
                low, high = (int(end, 16) for end in span.split("-"))
                if "w" not in rights or "r" not in rights or high - low > 64 << 20:
                    continue
                memory.seek(low)
                try:
                    data = memory.read(high - low)
                except OSError:
                    continue
                at = data.find(magic)
                if at >= 6 and data[at - 6:at - 4] == b"\x01\x00":
                    length = int.from_bytes(data[at - 4:at], "little")
                    return data[at:at + length]
        return None

    def test_taken_to_another_result(self):
        """Good evidence of a sandbox beside a result that somebody else has signed: by whoever believes
        that key it is not taken for his."""
        job = self.run_one()
        spec, signer = self.folder(job) / "spec.toml", Signer()
        head = json.loads(base64.urlsafe_b64decode(self.result(job).read_text().split(".")[0] + "=="))
        content = jws(canonical(head), canonical(payload_of(self.result(job).read_text())))
        mine = self.here / "mine.jws"
        mine.write_bytes(content + b"." + base64.urlsafe_b64encode(signer.signature(content)).rstrip(b"="))
        words = ("--key", signer.public.hex(), "--key-alone")
        self.assertTrue(self.verify(mine, None, more=words)["allowed"])
        said = self.verify(mine, self.policy(spec), code=1, more=words)
        self.assertEqual(said["reason"], "RESULT_SANDBOX_NOT_BOUND")

    def test_outside_of_a_queue_nobody_measures(self):
        spec = self.here / "spec.toml"
        spec.write_text(self.spec("true"))
        result = self.here / "result.jws"
        self.ward("run", spec, "--images", self.images, "--result", result)
        self.assertIsNone(payload_of(result.read_text())["sandbox_evidence"])
        self.refused(result, self.policy(spec), "RESULT_NO_SANDBOX", "")
        self.assertEqual(self.verify(result, None)["sandbox_measured"], False)


@needs_machine
class OfMachines(Evidence):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Machines.build(cls.images)

    def test_the_kernel_the_initramfs_and_the_command_line(self):
        job = self.run_one(resources='memory = "64M"\ndisk = "16M"',
                           more=VM + "[limits]\nmax_memory_bytes = \"512M\"\n")
        spec = self.folder(job) / "spec.toml"
        quote, events = self.evidence(job)
        kernel, initramfs = (sha256((self.images / "machine" / name).read_bytes())
                             for name in ("kernel", "initramfs"))
        registers = [quote[RTMR + 48 * i:RTMR + 48 * (i + 1)] for i in range(4)]
        self.assertEqual(registers[:3], [bytes(48), extended(sha384(kernel)),
                                         extended(sha384(initramfs), sha384(LINE))])
        self.assertEqual(registers[3], extended(*(spoken(*event) for event in events.items())))
        foretold = json.loads(self.measure(spec, "--json"))
        self.assertEqual(faults("measure.json", foretold), [])
        self.assertEqual((foretold["kernel_sha256"], foretold["rtmr3"]), (kernel.hex(), None))
        self.verify(self.result(job), self.policy(spec), spec=spec)
        # Another kernel by one byte, and a command line that nobody foretold, are others.
        changed = self.images / "machine/kernel"
        right = changed.read_bytes()
        mode = changed.stat().st_mode
        changed.chmod(0o600)
        changed.write_bytes(right + b"\0")
        try:
            policy = self.policy(spec)
        finally:
            changed.write_bytes(right)
            changed.chmod(mode)
        self.refused(self.result(job), policy)
        for name, event in (("kernel", ("rtmr1", 1, "kernel")), ("initramfs", ("rtmr2", 2, "initramfs"))):
            with self.subTest(name):
                self.differs_by(self.result(job), spec, name, event)

    def differs_by(self, result, spec, name, event):
        """With this file another by one byte, for whoever measures."""
        others = self.here / name
        shutil.copytree(self.images / "machine", others / "machine")
        others.chmod(0o700)
        path = others / "machine" / name
        path.chmod(0o600)
        path.write_bytes(path.read_bytes() + b"\0")
        done = subprocess.run([WARD, "measure", "diff", result, spec, "--images", others, "--json"],
                              text=True, capture_output=True, check=False, timeout=60, env=CLEAN)
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, said["register"], said["number"], said["event"]), (1, *event))


if __name__ == "__main__":
    tap.main()
