"""test_guest_agent.py - a job asks for evidence of its own sandbox, as of dstack's guest agent: it gets
that of no other, for the bytes that it wants and no result's, no faster than others can wait for, and
from a process that has nothing else."""

import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import tap
from job_house import WAIT_S, cue
from commands import CLEAN
from house import WARD, until
from machines import Machines, needs_machine
from oci import Image
from python_image import layer
from sandboxes import Jobs, needs_sandbox
from test_sandbox_evidence import MRTD, RTMR, Evidence
import workloads

AGENT = '[sandbox_config]\nguest_agent = true\n'
POLICY = '[sandbox_config.network_policy]\nallow_outbound = false\n'
# What a job has of a client: HTTP over a unix socket.
CLIENT = '''
import json, os, socket, sys, time
WHERE = os.environ.get("DSTACK_SIMULATOR_ENDPOINT", "none")
def call(method, body=b"{}", verb="POST", head=""):
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(30)
        end.connect(WHERE)
        end.sendall(f"{verb} {method} HTTP/1.1\\r\\nHost: a\\r\\n{head}Content-Length: {len(body)}\\r\\nConnection: close\\r\\n\\r\\n".encode() + body)
        said = b""
        while part := end.recv(65536): said += part
    head, _, body = said.partition(b"\\r\\n\\r\\n")
    return int(head.split()[1]), json.loads(body)
def quote(data):
    return call("/GetQuote", json.dumps({"report_data": data}).encode())
def show(what):
    print("=", json.dumps(what), flush=True)
def waits():
    import signal
    signal.sigwait({signal.SIGUSR1})
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
'''


def lines_of(log):
    return [json.loads(line[2:]) for line in log.decode().splitlines() if line.startswith("= ")]


def registers(quote):
    return quote[MRTD:MRTD + 48], quote[RTMR:RTMR + 4 * 48]


class Asking(Evidence):
    """Jobs of Debian's Python."""

    @classmethod
    def setUpClass(cls):
        cls.above = pathlib.Path(tempfile.mkdtemp(prefix="ward-agent-"))
        cls.addClassCleanup(shutil.rmtree, cls.above, ignore_errors=True)
        cls.images = cls.above / "images"
        cls.digest = Image(list(layer("_ssl", "_hashlib"))).pack(cls.above / "image.tar")
        subprocess.run([WARD, "image", "import", cls.above / "image.tar", cls.digest, "--images",
                        cls.images], check=True, capture_output=True)

    def spec(self, script, more=AGENT + POLICY, resources='memory = "64M"\ndisk = "16M"'):
        command = json.dumps(["/usr/local/bin/python", "-c", CLIENT + script])
        return (f'image = "{self.digest}"\ncommand = {command}\n[resources]\n{resources}\n{more}')

    def said(self, job):
        return lines_of(self.log_of(job))

    def begun(self, script, count=1, **more):
        """A job that has said so many lines."""
        job = self.submit(script, **more)
        until(lambda: len(self.said(job)) >= count, WAIT_S)
        return job

    def agent_of(self, job):
        """The process: the one of this job's that has its id as a user and is no child of the job."""
        place, = [path.parent for path in pathlib.Path("/var/lib/ward-jobs").glob("*/id")
                  if path.read_text() == job]
        user = 0x70000000 + 65536 * int(place.name) + 65536 - 3
        found = [int(path.name) for path in pathlib.Path("/proc").glob("[0-9]*") if uid(path) == user]
        self.assertEqual(len(found), 1)
        return found[0]

    def judge(self, answer, report_data, *more, code=0):
        (self.here / "quote").write_bytes(bytes.fromhex(answer["quote"]))
        (self.here / "log").write_text(answer["event_log"])
        done = subprocess.run(
            [WARD, "verify", self.here / "quote", "--event-log", self.here / "log", "--root",
             self.folder_of_files() / "root.pem", "--collateral", self.folder_of_files() / "collateral",
             "--nonce", report_data, "--json", *more], text=True, capture_output=True, check=False,
            timeout=60, env=CLEAN)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def check_evidence(self):
        data = "5a" * 64
        job = self.submit(f"show(quote('{data}')); show(quote('')); show(quote('07')); show(WHERE)")
        ended = self.wait_for(job)
        self.assertEqual((ended["state"], ended["reason"]), ("done", "OK"), self.log_of(job))
        (status, answer), (_, empty), (_, short), where = self.said(job)
        self.assertEqual((status, answer["report_data"], where), (200, data, "/dev/dstack.sock"))
        self.assertEqual((empty["report_data"], short["report_data"]), ("00" * 64, "07" + "00" * 63))
        spec = self.folder(job) / "spec.toml"
        said = self.judge(answer, data, "--policy", self.policy(spec, "--id", job))
        self.assertEqual((said["reason"], said["hardware"]), ("OK", False))
        self.judge(answer, "5b" * 64, code=1)
        other = self.here / "other.toml"
        other.write_text(spec.read_text() + "# another\n")
        said = self.judge(answer, data, "--policy", self.policy(other), code=1)
        self.assertEqual(said["reason"], "POLICY_EVENT")
        # For the house itself it passes with nobody: neither who names it, nor who names its root alone.
        house = self.here / "house.toml"
        for text in (workloads.policy_of_house(), "hardware = false\n"):
            house.write_text(text)
            said = self.judge(answer, data, "--policy", house, code=1)
            self.assertEqual(said["reason"], "POLICY_MEASUREMENT")
        result, _ = self.evidence(job)
        self.assertEqual(registers(bytes.fromhex(answer["quote"])), registers(result))
        self.assertNotEqual(bytes.fromhex(answer["quote"]), result)

    def check_questions(self):
        tags = [b"ward result key v1", b"ward result sandbox v1"]
        asks = [f"quote('{tag.ljust(32, bytes(1)).hex()}' + '11' * 32)" for tag in tags]
        asks += ["quote('0')", "quote('zz')", "quote('00' * 65)", "call('/Info')", "call('/GetKey')",
                 "call('/GetQuote', b'[]')", "call('/GetQuote', b'{')", "call('/GetQuote', verb='GET')",
                 "call('/GetQuote?report_data=00')",
                 "call('/GetQuote', head='Content-Type: application/x-protobuf\\r\\n')"]
        job = self.submit("\n".join(f"show({ask})" for ask in asks + ["call('/Version')"]))
        self.assertEqual(self.wait_for(job)["reason"], "OK", self.log_of(job))
        *refused, version = self.said(job)
        self.assertEqual(len(refused), len(asks))
        for ask, (status, answer) in zip(asks, refused):
            self.assertEqual((status, list(answer)), (400, ["error"]), ask)
        self.assertEqual(version, [200, {"version": "0.5.0", "rev": "ward"}])
        self.assertEqual([answer["error"] for _, answer in refused[:2]],
                         ["report_data begins with a tag of a key of results"] * 2)

    def check_callers(self):
        job = self.begun("ends = []\n"
                         "for i in range(15):\n"
                         "    end = socket.socket(socket.AF_UNIX); end.connect(WHERE); ends.append(end)\n"
                         "    end.sendall(b'POST /GetQuote HTTP/1.1\\r\\n'[:i])\n"
                         "show(quote('01')[0])\n"
                         "for i in range(200):\n"
                         "    end = socket.socket(socket.AF_UNIX); end.setblocking(False)\n"
                         "    try: end.connect(WHERE)\n"
                         "    except BlockingIOError: pass\n"
                         "    ends.append(end)\n"
                         "show(len(ends))")
        self.assertEqual(self.wait_for(job)["reason"], "OK", self.log_of(job))
        self.assertEqual(self.said(job), [200, 215])


@needs_sandbox
class Agents(Asking):
    def test_evidence_of_its_own_sandbox(self):
        """It is what `ward measure` foretold, bears the job's bytes, and is judged by anybody; its registers
        are those of the result."""
        self.check_evidence()

    def test_two_jobs_at_once_have_each_their_own(self):
        jobs = [self.begun(f"show(quote('{i:02x}' * 64)); waits()") for i in range(2)]
        answers = [self.said(job)[0][1] for job in jobs]
        for job, answer in zip(jobs, answers):
            events = {row["event"]: row["event_payload"] for row in json.loads(answer["event_log"])}
            self.assertEqual(events["job-id"], job)
            cue(job)
        self.assertNotEqual(*(registers(bytes.fromhex(answer["quote"])) for answer in answers))

    def test_what_is_no_question(self):
        """Refused with words; the tags of results with which a job could speak as its node, too."""
        self.check_questions()

    def test_one_that_goes_on_asking(self):
        """It is refused, and the house's own evidence is made all the same."""
        job = self.begun("began = time.time(); show([quote('01')[0] for _ in range(60)]); "
                         "show(time.time() - began); waits()", 2)
        codes, seconds = self.said(job)
        self.assertEqual(set(codes), {200, 429})
        self.assertLessEqual(codes.count(200), 10 + seconds + 1)
        status, _ = self.ask("POST", "/v1/attest/evidence",
                             {"report_data": base64.b64encode(bytes(64)).decode()})
        self.assertEqual(status, 200)
        cue(job)
        self.assertEqual(self.wait_for(job)["reason"], "OK")

    def test_a_tee_that_is_gone_or_stands_still(self):
        """Refused for now, and of what comes late nothing is taken for an answer to what was asked since."""
        job = self.begun("show(quote('01')[0])\nfor data in ('02', '03', '04'):\n"
                         "    waits()\n    code, said = quote(data)\n    show([code, said.get('report_data'), "
                         "bytes.fromhex(said['quote'])[568:569].hex() if 'quote' in said else said])")
        tee = self.house.processes()["tee"]
        os.kill(tee, signal.SIGSTOP)
        cue(job)
        until(lambda: len(self.said(job)) == 2, WAIT_S)
        os.kill(tee, signal.SIGCONT)
        self.assertEqual(self.said(job)[1], [503, None, {"error": "HOUSE_UNAVAILABLE"}])
        time.sleep(0.5)
        cue(job)
        until(lambda: len(self.said(job)) == 3, WAIT_S)
        self.assertEqual(self.said(job)[2], [200, "03" + "00" * 63, "03"])
        self.kill("tee")
        until(lambda: self.house.processes().get("tee", tee) != tee, WAIT_S)
        until(lambda: self.ask("GET", "/v1/node")[0] == 200, WAIT_S)
        time.sleep(0.5)
        cue(job)
        until(lambda: len(self.said(job)) == 4, WAIT_S)
        self.assertEqual(self.said(job)[3], [200, "04" + "00" * 63, "04"])
        self.assertEqual(self.wait_for(job)["reason"], "OK")

    def test_an_agent_that_is_killed(self):
        """The job is told by the kernel that nobody is there, and ends as it likes."""
        job = self.begun("show(quote('01')[0]); waits()\ntry:\n    show(quote('02'))\n"
                         "except ConnectionError as no:\n    show(type(no).__name__)")
        agent = self.agent_of(job)
        os.kill(agent, signal.SIGKILL)
        until(lambda: not os.path.exists(f"/proc/{agent}"), WAIT_S)
        cue(job)
        self.assertEqual(self.wait_for(job)["reason"], "OK")
        self.assertEqual(self.said(job)[1:], ["ConnectionRefusedError"])

    def test_it_has_nothing_but_its_sockets(self):
        job = self.begun("show(quote('01')[0]); waits()")
        agent = pathlib.Path(f"/proc/{self.agent_of(job)}")
        status = dict(line.split(":\t", 1) for line in (agent / "status").read_text().splitlines()
                      if ":\t" in line)
        self.assertEqual((status["Seccomp"], status["NoNewPrivs"], int(status["CapEff"], 16),
                          int(status["CapBnd"], 16), status["Groups"].split()),
                         ("2", "1", 0, 0, status["Uid"].split()[:1]))
        kinds = sorted(os.readlink(path).split(":")[0] for path in (agent / "fd").iterdir())
        self.assertEqual(kinds, ["pipe"] * 4 + ["socket"] * 2)
        self.assertIn(job, (agent / "cgroup").read_text())  # its memory is the job's
        cue(job)

    def test_callers_without_end(self):
        """Those that say nothing, that are slow, and too many of them: others are served in their turn, and
        the job's end is not held up."""
        self.check_callers()

    def test_who_does_not_ask_for_it_has_none(self):
        job = self.submit("show([WHERE, os.path.exists('/dev/dstack.sock')])", more=POLICY)
        self.assertEqual(self.wait_for(job)["reason"], "OK")
        self.assertEqual(self.said(job), [["none", False]])

    def test_a_variable_of_its_own_stays(self):
        job = self.submit("show([WHERE, os.path.exists('/dev/dstack.sock')])",
                          more="[env]\nDSTACK_SIMULATOR_ENDPOINT = '/x'\n" + AGENT + POLICY)
        self.assertEqual(self.wait_for(job)["reason"], "OK")
        self.assertEqual(self.said(job), [["/x", True]])

    def test_where_nobody_vouches(self):
        """Neither at a VMM, nor outside of a queue: then it does not run without."""
        (self.here / "alone.toml").write_text(self.spec("show(1)"))
        for words in ((), ("--vmm", "http://127.0.0.1:1", "--vmm-image", "x", "--vmm-repository", "y")):
            with self.subTest(words):
                images = () if words else ("--images", self.images)
                done = subprocess.run([WARD, "run", self.here / "alone.toml", *images, *words],
                                      text=True, capture_output=True, check=False, timeout=60, env=CLEAN)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("JOB_NO_GUEST_AGENT", done.stderr)


@needs_machine
class OfMachines(Asking):
    """The agent is a process of the machine's, and what it asks goes out over the machine's port."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Machines.build(cls.images)

    def spec(self, script, more=AGENT + 'isolation_level = "vm"\n' + POLICY,
             resources='memory = "128M"\ndisk = "16M"\n[limits]\nmax_memory_bytes = "512M"'):
        return super().spec(script, more=more, resources=resources)

    def test_evidence_of_its_own_machine(self):
        self.check_evidence()

    def test_what_is_no_question_in_a_machine(self):
        self.check_questions()

    def test_callers_without_end_in_a_machine(self):
        self.check_callers()

    def test_a_machine_that_goes_on_asking(self):
        job = self.submit("began = time.time(); show([quote('01')[0] for _ in range(60)]); "
                          "show(time.time() - began)")
        self.assertEqual(self.wait_for(job)["reason"], "OK", self.log_of(job))
        codes, seconds = self.said(job)
        self.assertEqual(set(codes), {200, 429})
        self.assertLessEqual(codes.count(200), 10 + seconds + 1)

    def test_a_tee_that_stands_still_while_a_machine_asks(self):
        job = self.begun("for i in range(60):\n    code, said = quote(f'{i:02x}')\n"
                         "    show([i, code, said['quote'][1136:1138] if 'quote' in said else said])\n"
                         "    time.sleep(1)")
        tee = self.house.processes()["tee"]
        os.kill(tee, signal.SIGSTOP)
        until(lambda: [503, {"error": "HOUSE_UNAVAILABLE"}] in [row[1:] for row in self.said(job)], WAIT_S)
        os.kill(tee, signal.SIGCONT)
        before = len(self.said(job))
        until(lambda: [row for row in self.said(job)[before:] if row[1] == 200], WAIT_S)
        self.ward("job", "cancel", job)
        self.assertEqual(self.wait_for(job)["reason"], "JOB_CANCELLED")
        for number, code, said in self.said(job):
            if code == 200:
                self.assertEqual(said, f"{number:02x}")


def uid(path):
    try:
        return int((path / "status").read_text().split("Uid:")[1].split()[0])
    except (OSError, IndexError):
        return -1


if __name__ == "__main__":
    tap.main()
