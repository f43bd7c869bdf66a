"""test_run_vmm.py - `ward run --vmm`: jobs in machines of a dstack VMM, which is one of the tests' own
and lies, is slow, is away, and keeps what it should not. Whatever it does, no machine stays."""

import concurrent.futures
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import tap
from commands import CLEAN, WARD, faults
from sim_agents import Caller, agent
from tls_ca import Authority
from vmm_server import Health, Refused, Vmm
from ward import verify

RECORDS = pathlib.Path("/var/lib/ward-vmm")
DIGEST = "sha256:" + "00" * 32
OPEN = "[sandbox_config.filesystem_policy]\ndenied_paths = []\n"
SPEC = f'image = "{DIGEST}"\ncommand = ["/bin/job", "$HOME"]\n{OPEN}'
WORDS = ["--vmm-image", "dstack-0.5.3", "--vmm-repository", "registry.example/jobs/one"]
ENDS = ("StopVm", "ShutdownVm", "RemoveVm")

needs_root = unittest.skipUnless(os.geteuid() == 0, "root, whose folder has the records")


def waits_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise AssertionError("it did not come")
        time.sleep(0.05)


def records(vmm):
    return [path for path in RECORDS.glob("ward-*") if path.read_text() == vmm.url] \
        if RECORDS.is_dir() else []


class Vmms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ward-vmm-")
        self.addCleanup(folder.cleanup)
        self.here = pathlib.Path(folder.name)

    def serve(self, **how):
        vmm = Vmm(**how).__enter__()
        self.addCleanup(vmm.__exit__)
        # Of a machine that was never answered for the file stays a minute; nobody comes for it here.
        self.addCleanup(lambda: [path.unlink() for path in records(vmm)])
        return vmm

    def words(self, vmm, spec=SPEC, *options, more=WORDS):
        file = self.here / f"{hashlib.sha256(spec.encode()).hexdigest()[:16]}.toml"
        if not file.exists():
            file.write_text(spec)
        return [WARD, "run", file, "--json", "--vmm", vmm if isinstance(vmm, str) else vmm.url, *more,
                *options]

    def ended(self, process_or_done, code, reason):
        done = process_or_done
        self.assertEqual(done.returncode, code, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(faults("run.json", result), [])
        self.assertEqual(result["reason"], reason, done.stderr)
        return result, done.stderr

    def run_job(self, vmm, spec=SPEC, *options, code=0, reason="OK", more=WORDS):
        done = subprocess.run(self.words(vmm, spec, *options, more=more), capture_output=True, text=True,
                              timeout=300, env=CLEAN, stdin=subprocess.DEVNULL, check=False)
        return self.ended(done, code, reason)

    def begin(self, vmm, *options):
        process = subprocess.Popen(self.words(vmm, SPEC, *options), stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.PIPE, env=CLEAN, stdin=subprocess.DEVNULL)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def finish(self, process, code, reason):
        out, said = process.communicate(timeout=300)
        return self.ended(subprocess.CompletedProcess([], process.returncode, out, said), code, reason)

    def check_nothing_is_there(self, vmm):
        self.assertEqual(vmm.machines, {})
        self.assertEqual(records(vmm), [])

    def check_ends(self, vmm):
        """In one order, with pauses between them: how long is test_vmm_life's; here a machine under load
        has its say."""
        with vmm.lock:
            ends = [(at, method) for at, method, _ in vmm.calls if method in ENDS]
        self.assertEqual([method for _, method in ends], list(ENDS))
        self.assertGreaterEqual(ends[1][0] - ends[0][0], 1.5)
        self.assertGreaterEqual(ends[2][0] - ends[1][0], 1)


@needs_root
class Jobs(Vmms):
    def test_a_job(self):  # proves: PC-38 PC-47 PC-50
        vmm = self.serve(runs=1)
        result, said = self.run_job(vmm)
        (asked,) = vmm.bodies("CreateVm")
        self.assertEqual(asked["name"], "ward-" + result["job_id"])
        self.assertEqual((asked["vcpu"], asked["memory"], asked["disk_size"]), (1, 1024, 1))
        self.assertEqual((asked["ports"], asked["encrypted_env"]), ([], ""))
        self.assertEqual(asked["image"], "dstack-0.5.3")
        digest = hashlib.sha256(asked["compose_file"].encode()).hexdigest()
        self.assertEqual(result["machine"]["compose_sha256"], digest)
        compose = json.loads(asked["compose_file"])
        service = json.loads(compose["docker_compose_file"])["services"]["job"]
        self.assertEqual(service["image"], "registry.example/jobs/one@" + DIGEST)
        self.assertEqual(service["entrypoint"], ["/bin/job", "$$HOME"])
        self.assertEqual(service["network_mode"], "none")
        self.assertIs(compose["kms_enabled"], False)
        self.assertIsNone(result["exit"])
        self.assertIsNone(result["usage"])
        self.assertEqual(result["limits"]["memory"], 1 << 30)
        self.assertIsNotNone(result["ended"])
        self.assertIn("the machine says: booting", said)
        self.assertIn("the machine says: done", said)
        self.check_ends(vmm)
        self.check_nothing_is_there(vmm)

    def judged(self, compose_file, policy):
        """(exit, verdict) of what a guest shows that was given this string, as dstack's measures it."""
        measured = hashlib.sha256(compose_file.encode()).hexdigest()
        with agent("--compose-hash", measured) as (path, folder, _):
            answer = Caller(path).call("/GetQuote", {"report_data": "5a" * 64})[1]
            (folder / "quote").write_bytes(bytes.fromhex(answer["quote"]))
            (folder / "log").write_text(answer["event_log"])
            (folder / "policy.toml").write_text(policy)
            return verify(folder / "quote", "--event-log", folder / "log", "--root", folder / "root.pem",
                          "--collateral", folder / "collateral", "--policy", folder / "policy.toml")

    def test_the_guest_shows_what_was_sent(self):  # proves: PC-40
        """Whoever knows what the run said of itself knows the machine that has it, and no other."""
        vmm = self.serve(runs=1)
        result, _ = self.run_job(vmm)
        (asked,) = vmm.bodies("CreateVm")
        sent = asked["compose_file"]
        policy = f'[log]\nrequired = true\ncompose_hash = "{result["machine"]["compose_sha256"]}"\n'
        code, said = self.judged(sent, policy)
        self.assertEqual((code, said["reason"]), (0, "OK"), said)
        for other in (sent + "\n", sent.replace("/bin/job", "/bin/jab"), json.dumps(json.loads(sent))):
            self.assertNotEqual(other, sent)
            code, said = self.judged(other, policy)
            self.assertEqual((code, said["reason"], said["detail"]),
                             (1, "POLICY_EVENT", "compose_hash"))

    def test_its_time(self):  # proves: PC-47
        vmm = self.serve()
        self.run_job(vmm, SPEC + "[limits]\nmax_execution_seconds = 2\n", code=1, reason="JOB_TIME")
        self.check_ends(vmm)
        self.check_nothing_is_there(vmm)

    def test_signals(self):  # proves: PC-47
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                vmm = self.serve()
                process = self.begin(vmm)
                waits_for(lambda vmm=vmm: any(machine["status"] == "running"
                                              for machine in vmm.machines.values()))
                process.send_signal(number)
                waits_for(lambda vmm=vmm: vmm.named("StopVm"))
                process.send_signal(number)
                self.finish(process, 1, "JOB_CANCELLED")
                self.check_ends(vmm)
                self.check_nothing_is_there(vmm)

    def test_nobody_reads_what_is_said(self):  # proves: PC-47
        """Gone, or there and not reading: the machine is removed all the same, and in time."""
        spec = SPEC + "[limits]\nmax_execution_seconds = 2\n"
        for close in (True, False):
            vmm, (read, write) = self.serve(), os.pipe()
            if close:
                os.close(read)
            else:
                self.addCleanup(os.close, read)
                fcntl.fcntl(write, fcntl.F_SETFL, os.O_NONBLOCK)
                with contextlib.suppress(BlockingIOError):
                    while os.write(write, bytes(4096)):
                        pass
                fcntl.fcntl(write, fcntl.F_SETFL, 0)
            process = subprocess.Popen(self.words(vmm, spec), stdout=subprocess.DEVNULL, stderr=write,
                                       env=CLEAN, stdin=subprocess.DEVNULL)
            os.close(write)
            waits_for(lambda vmm=vmm: vmm.named("RemoveVm") and not vmm.machines)
            waits_for(lambda vmm=vmm: not records(vmm))
            process.kill()
            process.wait()

    def test_a_job_that_becomes_well(self):  # proves: PC-50 DS-54
        vmm = self.serve(runs=4)
        health = Health(ill=3).__enter__()
        self.addCleanup(health.__exit__)
        self.run_job(vmm, SPEC, "--vmm-port", f"{health.server_port}:10000", "--vmm-restricted")
        self.assertEqual({path for _, path in health.asked}, {"/sdk/health"})
        times = [at for at, _ in health.asked][:4]
        self.assertEqual(len(times), 4)
        for one, other in zip(times, times[1:]):
            self.assertGreaterEqual(other - one, 0.2)
        (asked,) = vmm.bodies("CreateVm")
        self.assertEqual(asked["ports"], [{"protocol": "tcp", "host_port": health.server_port,
                                           "vm_port": 10000, "host_address": "127.0.0.1"}])
        self.check_nothing_is_there(vmm)

    def test_over_tls(self):
        authority = Authority(self.here)
        vmm = self.serve(runs=0, tls=authority.server("vmm", "IP:127.0.0.1"))
        self.run_job(vmm, SPEC, "--vmm-ca", authority.pem)
        self.check_nothing_is_there(vmm)
        made = len(vmm.named("CreateVm"))
        _, said = self.run_job(vmm, SPEC, code=4, reason="JOB_VMM")
        self.assertIn("Status", said)
        self.assertEqual(len(vmm.named("CreateVm")), made)

    def test_a_vmm_that_is_away_for_a_while(self):  # proves: PC-50
        vmm, away = self.serve(runs=2), []

        def look(asked):
            if vmm.machines[asked["id"]]["status"] == "running" and len(away) < 3:
                away.append(time.monotonic())
                return 502, b"<html>"
            return vmm.GetInfo(asked) if asked["id"] in vmm.machines else {"found": False}
        vmm.lies["GetInfo"] = lambda asked: {"found": False} if asked["id"] not in vmm.machines \
            else look(asked)
        self.run_job(vmm)
        self.assertEqual(len(away), 3)
        self.assertGreaterEqual(away[1] - away[0], 0.4)
        self.assertGreaterEqual(away[2] - away[1], 0.8)
        self.check_nothing_is_there(vmm)


@needs_root
class Lies(Vmms):
    """What no VMM does. Many run at once: most of it is waiting."""

    def each(self, rows):
        """rows: name, how the server is, its lies as a function of it, code and reason, what is said."""
        self.words("", SPEC)  # written before they all want it

        def one(row):
            name, how, lies, code, reason, says = row
            vmm = self.serve(**how)
            vmm.lies.update(lies(vmm))
            _, said = self.run_job(vmm, code=code, reason=reason)
            self.assertIn(says, said, name)
            return name, vmm
        with concurrent.futures.ThreadPoolExecutor(len(rows)) as pool:
            return dict(pool.map(one, rows))

    def test_before_there_is_a_machine(self):  # proves: DS-54
        def says(method, answer):
            return lambda vmm: {method: lambda asked: answer}

        def refuses(_):
            raise Refused("no: \x1b[2J\u202e")
        large = b'{"vms":[' + b'"' + b"x" * (3 << 20) + b'"]}'
        small = {"max_cvm_number": 10, "max_allocable_vcpu": 8, "max_allocable_memory_in_mb": 1023}
        none = dict(small, max_cvm_number=0, max_allocable_memory_in_mb=4096)
        slow = dict(none, max_allocable_vcpu=0)
        rows = [
            ("a list that is none", {}, says("Status", {"vms": 7}), 4, "JOB_VMM", "Status: "),
            ("an id with slashes", {}, says("Status", {"vms": [
                {"id": "../x", "name": "a", "status": "running"}]}), 4, "JOB_VMM", "id is none"),
            ("too long", {}, says("Status", (200, large)), 4, "JOB_VMM", "larger than"),
            ("no JSON", {}, says("GetMeta", (200, b"<html>")), 4, "JOB_VMM", "GetMeta: "),
            ("500", {}, says("GetMeta", (500, b"")), 4, "JOB_VMM", "status 500"),
            ("a redirect", {}, says("GetMeta", (302, b"")), 4, "JOB_VMM", "not followed"),
            ("words that do something", {}, lambda vmm: {"GetMeta": refuses}, 4, "JOB_VMM",
             "\\x1b[2J"),
            ("too little memory", {}, says("GetMeta", {"resources": small}), 3, "JOB_CAPACITY", "1023"),
            ("no machine more", {}, says("GetMeta", {"resources": none}), 3, "JOB_CAPACITY", "may have 0"),
            ("no processors", {}, says("GetMeta", {"resources": slow}), 3, "JOB_CAPACITY", "vcpu"),
        ]
        for vmm in self.each(rows).values():
            self.assertEqual(vmm.named("CreateVm"), [])
            self.check_nothing_is_there(vmm)

    def test_of_a_machine(self):  # proves: PC-38 PC-47 DS-54
        def taken(vmm):
            other = vmm.add("of somebody else")
            return {"CreateVm": lambda asked: {"id": other}}

        def and_says(vmm, answer):
            def create(asked):
                vmm.CreateVm(asked)
                return answer
            return {"CreateVm": create}

        def info(**members):
            def look(vmm, asked):
                said = vmm.GetInfo(asked)
                if said["found"] and not vmm.machines[asked["id"]].get("ending"):
                    said["info"].update(members)
                return said
            return lambda vmm: {"GetInfo": lambda asked: look(vmm, asked)}

        def vanishes(vmm):
            def look(asked):
                if vmm.machines.get(asked["id"], {}).get("looks", 0) > 2:
                    vmm.machines.clear()
                return vmm.GetInfo(asked)
            return {"GetInfo": look}

        def refused(vmm):
            def create(asked):
                raise Refused("Port mapping is disabled")
            return {"CreateVm": create}
        rows = [
            ("refused", {}, refused, 4, "JOB_VMM", "Port mapping is disabled"),
            ("an id that another has", {}, taken, 4, "JOB_VMM", "that of another"),
            ("an id that is none", {}, lambda vmm: and_says(vmm, {"id": "a/../b"}), 4, "JOB_VMM",
             "its id is none"),
            ("no id", {}, lambda vmm: and_says(vmm, {"id": None}), 4, "JOB_VMM", "its id is none"),
            ("made, and 500", {}, lambda vmm: and_says(vmm, (500, b"{}")), 4, "JOB_VMM", "status 500"),
            ("another's", {}, info(name="of somebody else"), 4, "JOB_VMM", "not that which"),
            ("another compose file", {}, info(app_id="00" * 20), 4, "JOB_VMM", "not that which"),
            ("another id", {}, info(id="other"), 4, "JOB_VMM", "of another machine"),
            ("wrong types", {}, info(status=7), 4, "JOB_VMM", "status is none"),
            ("it does not boot", {}, info(boot_error="no \x1b[2J"), 1, "JOB_MACHINE", "no \\x1b[2J"),
            ("it ends at once", {}, info(status="exited"), 1, "JOB_MACHINE", "has ended"),
            ("it vanishes", {}, vanishes, 1, "JOB_MACHINE", "not there any more"),
        ]
        for name, vmm in self.each(rows).items():
            if name == "an id that another has":
                self.assertEqual([machine["name"] for machine in vmm.machines.values()],
                                 ["of somebody else"])
                self.assertEqual(vmm.named(*ENDS), [])
                vmm.machines.clear()
            self.assertEqual(vmm.machines, {}, name)

    def test_a_machine_that_does_not_go_at_once(self):  # proves: PC-47
        """Removed only when it is asked for again, and not before it is told to be absent."""
        vmm, tries = self.serve(runs=0), []

        def remove(asked):
            tries.append(asked)
            if len(tries) < 2:
                raise Refused("busy")
            vmm.RemoveVm(asked)
            return 500, b""
        vmm.lies["RemoveVm"] = remove
        self.run_job(vmm)
        self.assertEqual(len(tries), 2)
        self.check_nothing_is_there(vmm)

    def test_who_does_not_answer(self):
        """A VMM that takes the question and says nothing: the run is over by its own limits."""
        release = threading.Event()
        vmm = self.serve()
        vmm.lies["Status"] = lambda asked: release.wait(60) or {}
        self.addCleanup(release.set)
        self.run_job(vmm, code=4, reason="JOB_VMM")
        with Vmm() as gone:
            url = gone.url
        self.run_job(url, code=4, reason="JOB_VMM")


@needs_root
class Orphans(Vmms):
    def killed(self, vmm, when):
        process = self.begin(vmm)
        waits_for(when)
        process.kill()
        process.communicate()

    def test_a_run_that_was_killed(self):  # proves: PC-47
        """Its machine goes with the next run; nobody else's does, whatever its name."""
        vmm = self.serve()
        self.killed(vmm, lambda: any(machine["status"] == "running" for machine in vmm.machines.values()))
        (orphan,) = vmm.machines
        others = {vmm.add("ward-" + "ab" * 16), vmm.add("of somebody else"), vmm.add("ward-../x")}
        other = self.serve(runs=0)
        self.run_job(other)
        self.assertIn(orphan, vmm.machines)
        vmm.runs = 0
        self.run_job(vmm)
        self.assertEqual(set(vmm.machines), others)
        self.assertEqual(records(vmm), [])
        self.assertEqual([body["id"] for body in vmm.bodies("StopVm")][0], orphan)

    def test_a_run_that_goes_on(self):
        """Its machine is not an orphan."""
        vmm = self.serve()
        process = self.begin(vmm)
        waits_for(lambda: any(machine["status"] == "running" for machine in vmm.machines.values()))
        (own,) = vmm.machines
        self.run_job(vmm, SPEC + "[limits]\nmax_execution_seconds = 1\n", code=1, reason="JOB_TIME")
        self.assertEqual(list(vmm.machines), [own])
        process.terminate()
        self.finish(process, 1, "JOB_CANCELLED")
        self.check_nothing_is_there(vmm)

    def test_killed_while_it_is_made(self):  # proves: PC-47
        """Before the VMM has answered: what it made afterwards is found."""
        vmm, go = self.serve(), threading.Event()
        self.addCleanup(go.set)

        def create(asked):
            go.wait(60)
            return vmm.CreateVm(asked)
        vmm.lies["CreateVm"] = create
        self.killed(vmm, lambda: vmm.named("CreateVm"))
        self.assertEqual(len(records(vmm)), 1)
        vmm.has["max_cvm_number"] = 0
        self.run_job(vmm, code=3, reason="JOB_CAPACITY")
        self.assertEqual(len(records(vmm)), 1)  # it is young: the machine may still come
        go.set()
        waits_for(lambda: vmm.machines)
        vmm.lies.clear()
        self.run_job(vmm, code=3, reason="JOB_CAPACITY")
        self.check_nothing_is_there(vmm)

    def test_records_that_nobody_needs(self):
        """Old, and without a machine; or never written. Those of another VMM stay."""
        vmm, name = self.serve(), "ward-" + "cd" * 16
        RECORDS.mkdir(mode=0o700, exist_ok=True)
        old, empty, other = (RECORDS / ("ward-" + letters * 16) for letters in ("cd", "ce", "cf"))
        self.addCleanup(lambda: [path.unlink(missing_ok=True) for path in (old, empty, other)])
        old.write_text(vmm.url)
        empty.write_text("")
        other.write_text("https://other.example")
        os.utime(old, (1, 1))
        vmm.has["max_cvm_number"] = 0
        self.run_job(vmm, code=3, reason="JOB_CAPACITY")
        self.assertEqual([path.exists() for path in (old, empty, other)], [False, False, True], name)


class Words(Vmms):
    def refused(self, words, says):
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=CLEAN,
                              stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(says, done.stderr)

    def test_addresses(self):
        for url in ("http://192.0.2.7:11530", "http://127.0.0.1:1/x", "http://127.0.0.1:1?x",
                    "http://127.0.0.1:1@192.0.2.7", "ftp://127.0.0.1", "127.0.0.1:11530", "",
                    "http://localhost.example:1", "https://" + "a" * 1100):
            with self.subTest(url=url):
                self.refused(self.words(url), "--vmm")

    def test_options(self):
        url = "http://127.0.0.1:9"
        for option in (["--job", "."], ["--output", "x"], ["--images", "."], ["--runtime", "crun"],
                       ["--result", "x"]):
            self.refused(self.words(url, SPEC, *option), "of no use with --vmm")
        for option in (["--vmm-image", "a"], ["--vmm-repository", "a"], ["--vmm-restricted"],
                       ["--vmm-port", "2000:2"], ["--vmm-ca", "x"]):
            words = [WARD, "run", self.here / "none.toml", *option]
            self.refused(words, "needs --vmm")
        self.refused(self.words(url, more=[]), "--vmm-image")
        for port in ("2000", "0:1", "2000:0", "70000:1", "2000:1:1", "-1:2", "a:b", ":"):
            self.refused(self.words(url, SPEC, "--vmm-port", port, "--vmm-restricted"), "--vmm-port")
        self.refused(self.words("https://vmm.example", SPEC, "--vmm-port", "2000:2", "--vmm-restricted"),
                     "of this one")

    def test_what_no_vmm_holds(self):  # proves: DS-54
        """Refused before anybody is asked: the port of this address is nobody's."""
        url, head = "http://127.0.0.1:9", f'image = "{DIGEST}"\ncommand = ["/bin/job"]\n'
        network = "[sandbox_config.network_policy]\n"
        rows = [(head, [], "JOB_VMM_POLICY", "denied_paths"),
                (SPEC + network + 'allowed_hosts = ["a.example"]\n', [], "JOB_VMM_POLICY", "fence"),
                (SPEC + '[sandbox_config]\nisolation_level = "tee"\n', [], "JOB_ISOLATION", "tee"),
                (SPEC + "[resources]\ngpu = 1\n", [], "JOB_NO_GPU", "gpu"),
                (SPEC, ["--vmm-port", "2000:2"], "JOB_VMM_POLICY", "let nothing out"),
                (SPEC, ["--vmm-port", "1023:2", "--vmm-restricted"], "JOB_VMM_POLICY", "port"),
                (SPEC + "[limits]\nmax_disk_bytes = 1073741823\n[resources]\ndisk = '1M'\n", [],
                 "JOB_VMM_POLICY", "GiB"),
                (head + OPEN + 'allowed_paths = ["/proc/x"]\n', [], "JOB_PATH", "/proc"),
                (SPEC.replace("$HOME", "\\U000E0001"), [], "JOB_VMM_POLICY", "characters")]
        for spec, options, reason, says in rows:
            with self.subTest(spec=spec, options=options):
                _, said = self.run_job(url, spec, *options, code=2, reason=reason)
                self.assertIn(says, said)
        for words in (["--vmm-image", "a/b", "--vmm-repository", "a"],
                      ["--vmm-image", "a", "--vmm-repository", "a@sha256:00"]):
            self.run_job(url, code=2, reason="JOB_VMM_POLICY", more=words)


if __name__ == "__main__":
    tap.main()
