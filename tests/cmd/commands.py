"""commands.py - the command table as the program itself prints it, and for each command real words
on a real house: the loops over all commands are made of these. A command without a row here fails
every loop, so that a new one is covered or says so."""

import base64
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time

# Of Debian's python3-jsonschema; a python3 of somebody else does not look there by itself.
sys.path.append("/usr/lib/python3/dist-packages")

import jsonschema

import fake_kernel
import lodger
from oci import Image, entry, link
from pccs import Mirror
from test_fetch_hostile import AT, FMSPC, Own
from test_fetch_hostile import ROOT as SIM_ROOT
from ward import BUILD, OWN, ROOT, ward

WARD = BUILD.resolve() / "ward"
SCHEMAS = ROOT / "docs/schema"
QUOTE = OWN / "quote/tdx-v4.quote.bin"
HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
SPEC = f'image = "sha256:{"0" * 64}"\ncommand = ["python", "/job/train.py"]\n'
RESULT = json.loads((ROOT / "vectors/result/signed.json").read_text())
PUBLIC = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="
PHRASE = "correct horse battery staple"
CLEAN = {name: value for name, value in os.environ.items()
         if not name.startswith("WARD_") and name not in ("NO_COLOR", "CREDENTIALS_DIRECTORY")}


def table():
    """{name: row} of every command."""
    done = ward("help", "--json")
    assert done.returncode == 0, done.stderr
    return {row["name"]: row for row in json.loads(done.stdout)["commands"]}


def validator(where):
    """The validator of a schema below docs/schema: "audit.json#/$defs/verify"."""
    name, _, inner = where.partition("#")
    whole = json.loads((SCHEMAS / name).read_text())
    jsonschema.Draft202012Validator.check_schema(whole)
    part = whole
    for step in inner.split("/")[1:]:
        part = part[step]
    rules = dict(part, **{"$defs": whole.get("$defs", {})})
    return jsonschema.Draft202012Validator(rules)


def faults(where, value):
    return [fault.message for fault in validator(where).iter_errors(value)]


class Place:
    """A house that is up, the state folder of one that is down, a backup of its keys, a mirror,
    and room for what commands write."""

    ended = unended = None

    def __enter__(self):
        self.above = pathlib.Path(tempfile.mkdtemp(prefix="ward-commands-"))
        self.count = 0
        self.stack = contextlib.ExitStack()
        self.stack.callback(shutil.rmtree, self.above, ignore_errors=True)
        try:
            self.fill()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def fill(self):
        (self.above / "rest").mkdir()
        rest = lodger.House(self.above / "rest")
        self.stack.callback(rest.clear)
        rest.up()
        lodger.wait_for(lambda: rest.ask("audit/head")[0] == 200, 60)
        rest.down()
        self.rest = rest.state
        (self.above / "live").mkdir()
        self.house = lodger.House(self.above / "live")
        self.stack.callback(self.house.clear)
        # Nobody answers there, and no evidence makes the house ask.
        self.house.up("--set", "collateral.url=https://127.0.0.1:1")
        self.live = self.house.state
        lodger.wait_for(lambda: self.house.ask("audit/head")[0] == 200, 60)
        self.phrase = self.write("phrase", PHRASE + "\n")
        self.toml = self.write("ward.toml", "[limit]\nconnections = 100\n")
        self.backup = self.above / "keys.backup"
        done = self.run("keyring", "backup", self.backup, "--state", self.rest,
                        "--passphrase-file", self.phrase)
        assert done.returncode == 0, done.stderr
        self.whole = self.above / "house.wardbackup"
        done = self.run("backup", "create", "--state", self.rest, "--to", self.whole,
                        "--passphrase-file", self.phrase)
        assert done.returncode == 0, done.stderr
        self.mirror = self.stack.enter_context(Mirror("good", Own()))

    def write(self, name, text):
        path = self.above / name
        path.write_text(text)
        return path

    def fresh(self, name, make=False):
        """A path that is not there yet, or a new folder."""
        self.count += 1
        path = self.above / f"{name}{self.count}"
        if make:
            path.mkdir()
        return path

    def run(self, *words, env=None, given=None, **more):
        more = {"timeout": 60, "stdin": subprocess.DEVNULL} | more
        if given is not None:
            more.pop("stdin")
        return subprocess.run([WARD, *map(str, words)], env=CLEAN | (env or {}), input=given,
                              capture_output=True, check=False, cwd=self.above, **more)


def evidence():
    return ["--at", AT, "--root", SIM_ROOT, "--collateral", OWN / "collateral"]


def fetching(place):
    return ["--fmspc", FMSPC, "--at", AT, "--root", SIM_ROOT, "--mirror", place.mirror.base,
            place.fresh("fetched", make=True)]


def image(place, bad=False):
    """An archive with one image, and its digest."""
    path = place.fresh("image")
    made = Image([entry("bin/sh", b"#!"), *([entry("../x")] if bad else [])])
    return [path, made.pack(path)]


def images(place):
    folder = place.fresh("images")
    done = place.run("image", "import", *image(place), "--images", folder)
    assert done.returncode == 0, done.stderr
    return folder


def banned(place, address):
    done = place.run("ban", "add", address, "--state", place.live)
    assert done.returncode == 0, done.stderr
    return address


def result(place):
    return place.write("result.jws", RESULT["result"])


def with_sandbox():
    """The same with evidence of a sandbox, of which the signature knows nothing."""
    head, payload, signature = RESULT["result"].split(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    said["sandbox_evidence"] = {"event_log": base64.b64encode(b"[]").decode(), "type": "tdx",
                                "evidence": base64.b64encode(QUOTE.read_bytes()).decode()}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return ".".join([head, base64.urlsafe_b64encode(text).decode().rstrip("="), signature])


def granted(place, name):
    """The id of a session."""
    done = place.run("session", "grant", name, "--key", PUBLIC, "--json", "--state", place.live)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["id"]


def submitted(place, script):
    """The id of a job of the house's queue, of a busybox."""
    made = Image([entry("bin/sh", pathlib.Path("/bin/busybox").read_bytes(), mode=0o755),
                  link("bin/sleep", "sh")])
    archive, kept = place.fresh("image"), place.fresh("images")
    digest = made.pack(archive)
    done = place.run("image", "import", archive, digest, "--images", kept)
    assert done.returncode == 0, done.stderr
    spec = place.fresh("spec")
    spec.write_text(f'image = "{digest}"\ncommand = ["/bin/sh", "-c", "{script}"]\n'
                    '[resources]\nmemory = "64M"\ndisk = "16M"\n')
    done = place.run("job", "submit", spec, "--images", kept, "--json", "--state", place.live)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["job_id"]


def ended(place):
    """One that has ended, the same again; without root there is none."""
    if place.ended is None:
        if os.geteuid() != 0:
            return "0" * 32
        place.ended = submitted(place, "echo it says")
        lodger.wait_for(lambda: state_of(place, place.ended) not in ("queued", "starting", "running"), 60)
        assert state_of(place, place.ended) == "done", place.run("job", "why", place.ended, "--state",
                                                                 place.live)
    return place.ended


def state_of(place, job):
    done = place.run("job", "status", job, "--json", "--state", place.live)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["state"]


def unended(place):
    """One that has not; the one before it is, for two fill a small machine."""
    if os.geteuid() != 0:
        return "0" * 32
    if place.unended is not None:
        place.run("job", "cancel", place.unended, "--state", place.live)
    place.unended = submitted(place, "exec sleep 600")
    return place.unended


# Each command's runs: (the exit codes that are right, its words in a Place), --json apart.
RUNS = {
    "audit export": [((0,), lambda at: ["--state", at.rest])],
    "audit prove": [((0,), lambda at: ["0", "--state", at.rest])],
    "audit query": [((0,), lambda at: ["--state", at.live, "--limit", "3"]),
                    ((0,), lambda at: ["--state", at.rest, "--action", "key."]),
                    ((0,), lambda at: ["--state", at.live, "--files"])],
    "audit tail": [((0,), lambda at: ["--state", at.live]), ((0,), lambda at: ["--state", at.rest])],
    "audit verify": [((0,), lambda at: ["--state", at.rest]), ((0,), lambda at: ["--state", at.live]),
                     ((1,), lambda at: ["--state", at.rest, "--key", "0" * 64])],
    "backup create": [((0,), lambda at: ["--state", at.rest, "--to", at.fresh("made", make=True),
                                         "--passphrase-file", at.phrase]),
                      ((0,), lambda at: ["--state", at.rest, "--plan"])],
    "backup restore": [((0,), lambda at: [at.whole, "--state", at.fresh("restored"),
                                          "--passphrase-file", at.phrase]),
                       ((0,), lambda at: [at.whole, "--state", at.fresh("restored"), "--plan",
                                          "--passphrase-file", at.phrase])],
    "ban add": [((0,), lambda at: ["192.0.2.1", "--state", at.live]),
                ((0,), lambda at: ["2001:db8::1", "--for", "2h", "--state", at.live])],
    "ban lift": [((0,), lambda at: [banned(at, "192.0.2.9"), "--state", at.live])],
    "ban list": [((0,), lambda at: ["--state", at.live]),
                 ((0,), lambda at: ["--state", at.live, "--limit", "1", "--from", "0"])],
    "collateral fetch": [((0,), fetching), ((4,), lambda at: [
        *fetching(at)[:-1], at.fresh("fetched", make=True), "--fmspc", "000000000000"][2:])],
    "collateral refresh": [((0,), lambda at: ["--state", at.live])],
    "collateral show": [((0,), lambda at: [OWN / "collateral", "--root", SIM_ROOT]),
                        ((0,), lambda at: ["--state", at.live])],
    "config check": [((0,), lambda at: [at.toml]),
                     ((3,), lambda at: [at.write("bad.toml", "[limit]\nconections = 0\n")])],
    "config explain": [((0,), lambda at: ["limit.connections", "-c", at.toml])],
    "config show": [((0,), lambda at: ["-c", at.toml])],
    "doctor": [((0, 1), lambda at: ["--state", at.live]), ((0, 1), lambda at: ["--state", at.rest])],
    "down": [((0,), lambda at: ["--state", at.rest]),
             ((0,), lambda at: ["--state", at.live, "--purge", "--plan"])],
    "evidence": [((0,), lambda at: ["--state", at.live, "--nonce", "0123456789abcdef"]),
                 ((0,), lambda at: ["--state", at.live, "--report-data", "5a" * 64, "--out",
                                    at.fresh("quote"), "--event-log", at.fresh("log")])],
    "help": [((0,), lambda at: []), ((0,), lambda at: ["up"])],
    "image build": [((0,), lambda at: [*fake_kernel.make(at.fresh("kernel"), at.fresh("modules")),
                                       "--images", at.fresh("images")])],
    "image import": [((0,), lambda at: [*image(at), "--images", at.fresh("images")]),
                     ((1,), lambda at: [*image(at, bad=True), "--images", at.fresh("images")])],
    "image list": [((0,), lambda at: ["--images", images(at)])],
    "image remove": [((0,), lambda at: [image(at)[1], "--images", images(at)])],
    "job cancel": [((0,), lambda at: [unended(at), "--state", at.live])],
    "job get": [((0,), lambda at: [ended(at), at.fresh("got"), "--state", at.live])],
    "job list": [((0,), lambda at: ["--state", at.live]), ((0,), lambda at: ["--in", "done", "--state",
                                                                             at.live])],
    "job logs": [((0,), lambda at: [ended(at), "--state", at.live])],
    "job status": [((0,), lambda at: [ended(at), "--state", at.live])],
    "job submit": [((0, 5), lambda at: [at.write("submit.toml", SPEC), "--images",
                                        at.fresh("images", make=True), "--state", at.live])],
    "job top": [((0,), lambda at: ["--state", at.live])],
    "job why": [((0,), lambda at: [ended(at), "--state", at.live])],
    "keyring backup": [((0,), lambda at: [at.fresh("backup"), "--state", at.rest,
                                          "--passphrase-file", at.phrase])],
    "keyring list": [((0,), lambda at: ["--state", at.live])],
    "keyring restore": [((0,), lambda at: [at.backup, "--state", at.fresh("restored"),
                                           "--passphrase-file", at.phrase]),
                        ((0,), lambda at: [at.backup, "--state", at.fresh("restored"), "--plan"])],
    "keyring rotate": [((0,), lambda at: ["node", "--state", at.live, "--yes"]),
                       ((0,), lambda at: ["tls", "--state", at.live, "--plan"])],
    "measure": [((0,), lambda at: [at.write("measure.toml", SPEC)]),
                ((0,), lambda at: [at.write("measure.toml", SPEC), "--id", "5a" * 16])],
    # Where nothing differs: proc/test_sandbox_evidence.py.
    "measure diff": [((1,), lambda at: [at.write("measured.jws", with_sandbox()),
                                        at.write("measure.toml", SPEC)])],
    "peer list": [((0,), lambda at: ["--state", at.live])],
    "reload": [((0,), lambda at: ["--state", at.live])],
    # What it does as root is in test_run*.py; here that it says no like every other command.
    "result verify": [((0,), lambda at: [result(at), "--key", RESULT["public_key"], "--key-alone"]),
                      ((1,), lambda at: [result(at)])],
    "run": [((5, 6), lambda at: [at.write("run.toml", SPEC), "--images", at.fresh("images")])],
    "seal": [((0,), lambda at: ["--to", "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
                                at.phrase])],
    "session grant": [((0,), lambda at: ["alice", "--key", PUBLIC, "--state", at.live]),
                      ((0,), lambda at: ["bob", "--key", PUBLIC, "--profile", "sdk-v1", "--state",
                                         at.live])],
    "session list": [((0,), lambda at: ["--state", at.live]),
                     ((0,), lambda at: ["--state", at.live, "--after", "ff" * 32])],
    "session revoke": [((0,), lambda at: [granted(at, "carol"), "--state", at.live])],
    "sim agent": [((0,), lambda at: [at.fresh("agent"), "true"])],
    "sim make": [((0,), lambda at: [at.fresh("simulated")])],
    "token issue": [((0,), lambda at: ["--miner", "--subject", HOTKEY, "--challenge", "sums",
                                       "--state", at.live]),
                    ((0,), lambda at: ["--miner", "--subject", HOTKEY, "--challenge", "sums",
                                       "--uid", "7", "--job", "j-1", "--scope", "submit", "--scope",
                                       "status", "--ttl", "60", "--state", at.live])],
    "spec check": [((0,), lambda at: [at.write("job.toml", SPEC)]),
                   ((1,), lambda at: [at.write("bad.toml", "comand = ['a']\n")])],
    "up": [((0,), lambda at: ["--state", at.live, "--listen", f"127.0.0.1:{at.house.port}"])],
    "verify": [((0,), lambda at: [QUOTE, *evidence()]), ((1,), lambda at: [QUOTE]),
               ((0,), lambda at: ["--reasons"])],
    "version": [((0,), lambda at: [])],
}


def runs(place, name):
    """[(codes, whole command line)] of a command."""
    if name not in RUNS:
        raise AssertionError(f"`ward {name}` has no row in RUNS of tests/cmd/commands.py: say there "
                             "how it is run, and every loop over the commands covers it")
    return [(codes, [*name.split(), *make(place)]) for codes, make in RUNS[name]]


class Terminal:
    """A command whose standard descriptors are terminals of its own, also its controlling one;
    those in `pipes` ("stdout", "stderr", "stdin") are pipes instead.  With `program` it is that
    one, and the words are all of its own."""

    def __init__(self, words, env=None, pipes=(), cwd=None, program=None):
        self.ours, theirs = pty.openpty()
        ends = {name: subprocess.PIPE if name in pipes else theirs
                for name in ("stdin", "stdout", "stderr")}

        def take():
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        words = [*map(str, words)] if program else [WARD, *map(str, words)]
        self.process = subprocess.Popen(words, env=CLEAN | {"TERM": "xterm"} | (env or {}),
                                        executable=program, preexec_fn=take, cwd=cwd, **ends)
        os.close(theirs)
        self.shown = b""

    def read(self, until=None, seconds=60):
        """What was shown when `until` was there, or at the end."""
        end = time.monotonic() + seconds
        while until is None or until not in self.shown:
            if time.monotonic() > end:
                raise AssertionError(f"{until} did not come: {self.shown}")
            if not select.select([self.ours], [], [], 0.2)[0]:
                continue
            try:
                part = os.read(self.ours, 65536)
            except OSError:
                part = b""
            if not part:
                if until is not None:
                    raise AssertionError(f"{until} did not come: {self.shown}")
                break
            self.shown += part
        return self.shown

    def type(self, text):
        os.write(self.ours, text)

    def end(self):
        """(exit code, all that was shown)"""
        self.read()
        code = self.process.wait(60)
        return code, self.shown

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        for end in (self.process.stdin, self.process.stdout, self.process.stderr):
            if end is not None:
                end.close()
        self.process.wait()
        os.close(self.ours)
