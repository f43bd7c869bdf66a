"""rl_faults.py - what tools/rl does at a point: a house in which one process is started through
strace or with a heap that ends, the reference workload, and what must hold after."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

import house as houses
from signer import Signer

PROCESSES = ("monitor", *houses.NAMES)
BACK_S = 5        # after a crash, without anybody's help
PATIENCE_S = 40   # after a fault that may be a refusal for a while
IMAGE_BYTES = 40 << 20
HEAP = ("oom", "leaks")
WORK = (("/v1/system/ping?text=hi", True), ("/v1/system/config", False),
        ("/v1/audit/head", False), ("/v1/audit/records", False), ("/v1/system/doctor", False))


class Signed:
    """A peer with a session, and somebody who sends what it sent again: whether an answer came or
    not, each request is carried out once at most."""

    def __init__(self, rig):
        self.rig, self.peer, self.taken, self.sent = rig, None, {}, []

    def ask(self, path, timeout=BACK_S, **how):
        try:
            return self.rig.house.ask(path, timeout, **how)
        except (OSError, ValueError, houses.http.client.HTTPException):
            return 0, {}

    def send(self, fields):
        status, said = self.ask("/v1/session", fields=fields.items())
        if status == 200:
            self.taken[fields["X-Nonce"]] = self.taken.get(fields["X-Nonce"], 0) + 1
        return status, said.get("code")

    def work(self, limit):
        """A session, one request that is carried out, and all of before again."""
        end = time.monotonic() + limit
        while self.peer is None:
            peer = Signer()
            body = json.dumps({"name": "rl", "public_key": peer.key()})
            peer.token = self.ask("/v1/sessions/grant", body=body)[1].get("token")
            self.peer = peer if peer.token else None
            self.wait(end, "no session is granted any more")
        for fields in self.sent:
            self.send(fields)
        done = None
        while done != 200:
            self.sent.append(self.peer.sign("GET", "/v1/session"))
            done, code = self.send(self.sent[-1])
            if code == "SESSION_UNKNOWN":
                raise AssertionError("a session was granted and is gone")
            self.wait(end, "nothing that is signed is carried out any more")
        for fields in self.sent:
            self.send(fields)
        twice = [nonce for nonce, times in self.taken.items() if times > 1]
        if twice:
            raise AssertionError(f"carried out twice: {twice}")

    def wait(self, end, what):
        if self.rig.process == "monitor" and not self.rig.house.monitor():
            self.rig.run("up")
        if time.monotonic() > end:
            raise AssertionError(what)
        time.sleep(0.05)


class Late(AssertionError):
    """The service was back, but not in time. On a machine that others use, too, that is
    believed when it happens twice."""


class Rig:
    """A copy of the programs in which one process is started in a special way, once."""

    def __init__(self, process, options):
        self.kind, self.process, self.seeded = options.kind, process, options.seeded
        self.house, self.said = houses.House(), ""
        base = self.house.base
        self.disk = base / "disk"
        if self.kind == "powercut":
            self.house.state = self.disk / "state"
            self.disk.mkdir()
            self.empty = base / "empty"
            with open(self.empty, "wb") as out:
                out.truncate(IMAGE_BYTES)
            subprocess.run(["mkfs.ext4", "-q", "-F", self.empty], check=True)
        libexec = base / "libexec/ward"
        (libexec / "real").mkdir(parents=True)
        (base / "bin").mkdir()
        self.ward = base / "bin/ward"
        shutil.copy2(houses.WARD, self.ward)
        shutil.copy2(houses.COMMANDS, libexec)
        # Its name is what it is known by; and the monitor looks for the others beside itself.
        self.real, self.place = libexec / f"real/ward-{process}", libexec / f"ward-{process}"
        self.words = pathlib.Path(f"{self.place}.words")
        for name in PROCESSES:
            shutil.copy2(houses.BUILD / f"src/proc/ward-{name}", libexec / "real")
            if name != process:
                os.link(libexec / f"real/ward-{name}", libexec / f"ward-{name}")
        # A jail that lets a call fail is that of a test build.
        if self.kind in HEAP or process != "monitor" and (self.kind == "errno" or
                                                          self.seeded == "no-sync"):
            build = "rl_leaks" if self.kind == "leaks" else "rl"
            shutil.copy2(houses.BUILD / f"tests/proc/{build}_{process}", self.real)
        shutil.copy2(houses.BUILD / "tests/proc/rl_wrapper", self.place)
        self.trace = base / "trace"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unmount()
        self.house.__exit__()

    def put(self, *words):
        self.words.write_bytes(b"".join(os.fsencode(str(word)) + b"\0" for word in words))

    def arm(self, *options):
        """-D: the tracer is a grandchild, and the process that of the monitor."""
        more = []
        if self.seeded == "no-sync":
            for call in ("fdatasync", "fsync"):
                more += ["-e", f"inject={call}:retval=0:syscall=getpid"]
        self.put(shutil.which("strace"), "-D", "-qq", "-o", self.trace, *options, *more, self.real)

    def run(self, command, *more):
        words = [self.ward, *self.house.words(command, *more)[1:]]
        # Not to a pipe: the tracer has its other end, and would be waited for.
        with open(self.house.base / "said", "w+", encoding="utf-8") as said:
            done = subprocess.run(words, stdout=said, stderr=said, timeout=120, check=False)
            self.house.processes()
            said.seek(0)
            done.stderr = said.read()
        self.said += done.stderr
        return done

    def reset(self):
        """The next point begins with a house that never was."""
        for pid in self.house.seen:
            if houses.lives(pid):
                os.kill(pid, signal.SIGCONT)
        self.run("down", "--purge", "--yes")
        self.words.unlink(missing_ok=True)
        self.trace.unlink(missing_ok=True)
        self.said = ""
        self.house.seen = {pid for pid in self.house.seen if os.path.exists(f"/proc/{pid}")}

    def traced(self, what):
        return self.trace.exists() and what in self.trace.read_text(errors="replace")

    def fired(self):
        if self.kind == "crash":
            return self.traced("killed by SIGKILL")
        if self.kind in HEAP:
            return "rl: allocation failed" in self.house.log() + self.said
        return self.traced("(INJECTED)") or self.traced("(DELAYED)")

    def mount(self, image):
        subprocess.run(["mount", "-o", "loop", image, self.disk], check=True)

    def unmount(self):
        if self.kind == "powercut":
            subprocess.run(["umount", "-l", self.disk], check=False, capture_output=True)


def ask_until(rig, path, tls, back, limit):
    """A client that gets no answer asks again: `back` keeps the longest that one had to."""
    begin = time.monotonic()
    while not asked(rig, path, tls, BACK_S):
        if not rig.house.monitor():
            if rig.process != "monitor":
                raise AssertionError("the house fell with one process")
            rig.run("up")
        if time.monotonic() - begin > limit:
            raise AssertionError(f"{path} is not answered any more")
        time.sleep(0.02)
    back.append(time.monotonic() - begin)


def asked(rig, path, tls, timeout):
    try:
        return rig.house.ask(path, timeout, tls)[0] == 200
    except (OSError, ValueError, houses.http.client.HTTPException):
        return False


def insist(rig, evidence, back, signed):
    """Everything is answered in the end."""
    limit = BACK_S if rig.seeded else PATIENCE_S
    for path, tls in WORK:
        ask_until(rig, path, tls, back, limit)
    signed.work(PATIENCE_S)
    evidence.note(rig.house, limit)


def try_all(rig, evidence):
    """Some of it is answered, perhaps."""
    for path, tls in WORK:
        asked(rig, path, tls, 2)
    with contextlib.suppress(TimeoutError):
        evidence.note(rig.house, 1)


def live(rig, lasting=False):
    """One life of a house: up, work, down, up again, what is left. Returns the longest wait."""
    evidence, back, signed = houses.Evidence(rig.house.state), [], Signed(rig)
    begin = time.monotonic()
    done = rig.run("up")
    if done.returncode != 0 and (rig.process == "monitor" or rig.kind != "crash"):
        done = rig.run("up")  # it may refuse, and say so
    back.append(time.monotonic() - begin)
    if done.returncode != 0:
        raise AssertionError(f"up: {done.returncode}: {done.stderr}")
    if rig.seeded == "asleep":
        os.kill(rig.house.monitor(), signal.SIGSTOP)
    (try_all(rig, evidence) if lasting else insist(rig, evidence, back, signed))
    if rig.seeded == "asleep":
        os.kill(rig.house.monitor(), signal.SIGCONT)
    ca = (rig.house.state / "ca.pem").read_bytes()
    rig.run("down")
    done = rig.run("up")
    if done.returncode != 0:
        raise AssertionError(f"second up: {done.returncode}: {done.stderr}")
    insist(rig, evidence, [], signed)
    if (rig.house.state / "ca.pem").read_bytes() != ca:
        raise AssertionError("another CA")
    rig.run("down")
    evidence.check()
    return max(back)


def count_calls(rig):
    """{syscall: calls} of the process's first life."""
    if rig.kind == "powercut":
        fresh(rig)
    rig.arm()
    live(rig)
    counts = {}
    for found in re.finditer(r"^(\w+)\(", rig.trace.read_text(errors="replace"), re.M):
        counts[found[1]] = counts.get(found[1], 0) + 1
    rig.reset()
    rig.unmount()
    return counts


def count_allocations(rig):
    rig.put("/usr/bin/env", "WARD_RL_FAIL=0", rig.real)
    live(rig)
    found = re.findall(r"^rl: allocations (\d+)", rig.house.log(), re.M)
    rig.reset()
    return int(found[0]) if found else 0


def arm_point(rig, point):
    name, number, (error, lasting) = point
    more = "+" if lasting else ""
    if rig.kind in HEAP:
        bug = ["WARD_RL_FORGET=1"] if rig.seeded == "forget" else []
        rig.put("/usr/bin/env", f"WARD_RL_FAIL={number}{more}", *bug, rig.real)
        return
    what = {"crash": "signal=KILL", "powercut": "signal=STOP",
            "errno": f"error={error}" + (":syscall=getpid" if rig.process != "monitor" else "")}
    if rig.seeded == "lie":
        what["errno"] = "retval=1:syscall=getpid"
    trace = ["-e", f"trace={name}"] if rig.seeded != "no-sync" else []
    rig.arm(*trace, "-e", f"inject={name}:{what[rig.kind]}:when={number}{more}")


def try_point(rig, options, point):
    """The result of one point; `fired` is false when there was no such call."""
    name, number, (error, lasting) = point
    result = {"kind": rig.kind, "process": rig.process, "call": name, "point": number}
    if error:
        result["error"] = error
    if rig.kind == "errno" or rig.kind in HEAP:
        result["lasting"] = lasting
    try:
        return result | attempt(rig, point)
    except Late:
        return result | attempt(rig, point, again=True)


def attempt(rig, point, again=False):
    try:
        return {"ok": True} | once(rig, point)
    except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as problem:
        if isinstance(problem, Late) and not again:
            raise
        return {"ok": False, "why": str(problem), "fired": rig.fired(),
                "log": rig.house.log()[-6000:]}
    finally:
        rig.reset()
        rig.unmount()


# OpenSSL 3.0 enters the names of what is first asked for into a table; where that fails it leaves
# the one entry, and its name, and goes on. It happens once in a life, and is not ours to free.
THEIRS = re.compile(r"Direct leak of 16 byte\(s\) in 1 object\(s\).*\n.*\n +#1 .* in CRYPTO_zalloc .*"
                    r"\n +#2 \S+ +\(\S*/libcrypto(?:.*\n)*?.*Indirect leak of \d+ byte\(s\) in 1 "
                    r"object\(s\).*\n.*\n +#1 .* in CRYPTO_strndup .*(?:\n.*)*?"
                    r"SUMMARY: .* leaked in 2 allocation")


def leaked(log):
    """Of each life of the process that said something, whether that was ours."""
    reports = re.findall(r"ERROR: LeakSanitizer(?:.*\n)*?SUMMARY.*", log)
    if len(reports) != log.count("rl: leaked"):
        raise AssertionError("a leak without its report")
    return any(not THEIRS.search(report) for report in reports)


def judge_end(rig):
    """To refuse and to end are good, also by abort, which a jail makes a forbidden call of; by a
    wild pointer is not."""
    fell = re.search(r"process died name=\S+ signal=(?:7|8|11)\b", rig.house.log())
    if fell:
        raise AssertionError(fell[0])
    if rig.kind == "leaks" and leaked(rig.house.log()):
        raise AssertionError("memory is left that nothing points to")
    if rig.kind == "leaks" and "rl: nothing leaked" not in rig.house.log():
        raise AssertionError("nobody looked for leaks")


def once(rig, point):
    if rig.kind == "powercut":
        return cut(rig, point)
    arm_point(rig, point)
    longest = live(rig, point[2][1])
    if rig.kind != "crash":
        judge_end(rig)
    if rig.kind == "crash" and longest > BACK_S:
        raise Late(f"{longest:.1f} s without service")
    return {"longest_s": round(longest, 3), "fired": rig.fired()}


# The power goes.

def fresh(rig):
    image = rig.house.base / "image"
    subprocess.run(["cp", "--sparse=always", rig.empty, image], check=True)
    rig.mount(image)
    return image


def stopped(rig):
    """The process stands still: a signal that stops it came at its call."""
    if not rig.traced("--- SIGSTOP"):
        return False
    found = rig.house.processes()
    stat = houses.stat_of(found.get(rig.process, 0))
    return stat is not None and stat[1] in "Tt"


def quiet(rig, evidence, done):
    """What clients do until the process stops; what was acknowledged is kept."""
    try:
        rig.run("up")
        for _ in range(3):
            for path, tls in WORK:
                if done.is_set():
                    return
                rig.house.ask(path, BACK_S, tls)
            status, head = rig.house.ask("/v1/audit/head", BACK_S)
            if status == 200:
                evidence.heads.setdefault(int(head["size"]), head["root_hash"])
            status, found = rig.house.ask("/v1/audit/records", BACK_S)
            for record in found["records"] if status == 200 else ():
                evidence.records.setdefault(int(record["seq"]), record)
        rig.run("down")
    except (OSError, ValueError, houses.http.client.HTTPException, subprocess.SubprocessError):
        pass


def cut(rig, point):
    """A house until the process stops at the point; the image as it is then; a house on that."""
    image, kept = fresh(rig), rig.house.base / "cut"
    evidence, done = houses.Evidence(rig.house.state), threading.Event()
    arm_point(rig, point)
    client = threading.Thread(target=quiet, args=(rig, evidence, done))
    client.start()
    fired = False
    try:
        while client.is_alive() and not fired:
            fired = stopped(rig)
            time.sleep(0.002)
        for pid in rig.house.processes().values():
            os.kill(pid, signal.SIGSTOP)
        done.set()
        answered = (dict(evidence.heads), dict(evidence.records))  # before the copy
        ca = rig.house.state / "ca.pem"
        authority = ca.read_bytes() if answered[0] else None
        subprocess.run(["cp", "--sparse=always", image, kept], check=True)
    finally:
        done.set()
        for pid in rig.house.processes().values():
            os.kill(pid, signal.SIGKILL)
        client.join()
        rig.reset()
        rig.unmount()
        image.unlink()
    evidence.heads, evidence.records = answered
    rig.mount(kept)
    kept.unlink()
    up = rig.run("up")
    if up.returncode != 0:
        raise AssertionError(f"up after the cut: {up.returncode}: {up.stderr}")
    insist(rig, evidence, [], Signed(rig))
    if authority is not None and ca.read_bytes() != authority:
        raise AssertionError("another CA")
    rig.run("down")
    evidence.check()
    return {"fired": fired, "acknowledged": max(answered[0], default=0)}
