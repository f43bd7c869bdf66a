#!/usr/bin/env python3
"""house.py - the cases of suite house that need a whole house: `ward up` against programs of others
that do as little as can be done, under the same client.

Called by bench/run; prints the lines that bench.h describes.  Servers run on one core, the client
on another.  A rate is that of the server's own CPU time, of all its processes together: a client
that is slower than the server, or other work on the machine, changes nothing of it.  House and
limit are measured in turns, and what is told is the median of neighbours."""

import argparse
import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import pages

CLIENTS = 64
REQUESTS = CLIENTS * 100  # in one slice
# 32 streams each of a quarter as many clients: front takes 1024 calls at once, and refuses more.
CLIENTS_OF_32 = 16
SLICES_LEAST, SLICES_MOST = 3, 25
HANDSHAKE_SLICE_S = 1  # what s_time takes for its least
IDLE, IDLE_WARM, IDLE_SECONDS = 10000, 200, 90
IDLE_BYTES = 24 << 10
READY_MS, RSS_BYTES = 5000, 150 * 10**6  # EC-2
REFUSED_EXTRA_US = 2
PING = "/v1/system/ping"
GRPC = "/ward.v1.System/Ping"
# One address here is what thousands are outside.
CROWD = ["limit.connections=12000", "limit.connections_per_address=12000",
         "limit.connects_per_second=1000000", "limit.connects_burst=1000000"]
UNLIMITED = [*CROWD, "limit.requests_per_second=1000000", "limit.requests_burst=1000000"]


class Fault(Exception):
    """No figure can be right: the run ends."""


class NoFigure(Exception):
    """This case has none: (skip or disturbed, why)."""


def tool(name):
    path = shutil.which(name)
    if path is None:
        raise NoFigure("skip", f"{name} is not installed")
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pids):
    """What all threads of these processes had of a processor until now."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def rss_bytes(pid):
    found = re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024


def children_of(parent):
    """{name: pid}"""
    found = {}
    for path in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            name, rest = (path / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            if path.name.isdigit() and int(rest.split()[1]) == parent:
                found[name] = int(path.name)
    return found


def pin(pids, core):
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), {core})


def wait_for_port(port, process):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise Fault(f"{process.args[0]} does not listen")


class House:
    """A house that is up, on one core, with the settings that a case wants; `fill` may put a log
    into its folder before."""

    def __init__(self, bench, *settings, fill=None):
        self.bench = bench
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="house-", dir=bench.build)) / "state"
        self.port = free_port()
        if fill is not None:
            (self.state / "audit").mkdir(parents=True)
            for folder in (self.state, self.state / "audit"):
                folder.chmod(0o700)
            fill(self.state / "audit")
        words = ["up", "--state", self.state, "--listen", f"127.0.0.1:{self.port}"]
        for setting in settings:
            words += ["--set", setting]
        try:
            begin = time.monotonic()
            self.ward(*words)
            self.ready_seconds = time.monotonic() - begin
            self.processes = self.find()
            pin(self.processes.values(), bench.core)
        except BaseException:
            self.end()
            raise

    def ward(self, *words):
        done = subprocess.run([str(self.bench.build / "ward"), *map(str, words)], timeout=60,
                              capture_output=True, check=False)
        if done.returncode:
            raise Fault(f"ward {words[0]}: {done.stderr.decode().strip()}")

    def find(self):
        """{name: pid}: the monitor is who made the owner's socket, the others are its children."""
        with socket.socket(socket.AF_UNIX) as end:
            end.connect(str(self.state / "run/ward.sock"))
            monitor = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED,
                                                         12))[0]
        found = children_of(monitor)
        if len(found) < 4:
            raise Fault(f"the house has only {', '.join(found)}")
        return {"ward-monitor": monitor, **found}

    def front(self):
        return self.processes["ward-front"]

    def pids(self):
        return list(self.processes.values())

    def check(self):
        """Nobody was started again meanwhile: the CPU time would be that of two lives."""
        if self.find() != self.processes:
            raise Fault("a process of the house was started again")

    def end(self):
        with contextlib.suppress(Exception):
            self.ward("down", "--state", self.state, "--purge", "--yes")
        shutil.rmtree(self.state.parent, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Other:
    """A program of somebody else's that serves TLS 1.3 with a key as ours, on the same core."""

    def __init__(self, bench, make):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="other-", dir=bench.build))
        self.port = free_port()
        self.process = None
        try:
            key, cert = self.folder / "key.pem", self.folder / "cert.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                            "-days", "2", "-subj", "/CN=localhost"], capture_output=True,
                           check=True)
            self.process = subprocess.Popen([str(word) for word in make(self, key, cert)],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                            stdin=subprocess.DEVNULL)
            wait_for_port(self.port, self.process)
            pin(self.pids(), bench.core)
        except BaseException:
            self.__exit__()
            raise

    def pids(self):
        return [self.process.pid]

    def check(self):
        if self.process.poll() is not None:
            raise Fault(f"{self.process.args[0]} has ended")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def nghttpd(bench, body):
    """nghttpd's static reply, of as many bytes as ours."""
    def make(other, key, cert):
        (other.folder / "index").mkdir()
        (other.folder / "index/ping").write_bytes(body)
        return [tool("nghttpd"), "-a", "127.0.0.1", "-d", other.folder / "index", other.port, key,
                cert]
    return Other(bench, make)


def s_server(bench):
    return Other(bench, lambda other, key, cert:
                 [tool("openssl"), "s_server", "-accept", f"127.0.0.1:{other.port}", "-key", key,
                  "-cert", cert, "-tls1_3", "-num_tickets", "0", "-www", "-quiet"])


def fetch(house, *words):
    """One request by curl: (head, body)."""
    done = subprocess.run([tool("curl"), "-s", "-k", "-i", *words,
                           f"https://127.0.0.1:{house.port}{PING}"], capture_output=True,
                          timeout=20, check=False)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return head, body


class Load:
    """h2load of one kind against a server: CPU seconds of the server for one request.  What the
    connections themselves cost is taken off."""

    def __init__(self, bench, server, path, *words, wanted="2xx"):
        self.bench, self.server, self.wanted = bench, server, wanted
        self.clients = CLIENTS_OF_32 if "32" in words else CLIENTS
        self.words = [tool("h2load"), "-c", str(self.clients), *words,
                      f"https://127.0.0.1:{server.port}{path}"]
        self.walls = []
        self.connecting = statistics.median(self.run(self.clients) for _ in range(3))

    def run(self, requests):
        before = cpu_seconds(self.server.pids())
        done = subprocess.run(["taskset", "-c", str(self.bench.client), *self.words, "-n",
                               str(requests)], capture_output=True, text=True, timeout=120,
                              check=False)
        took = cpu_seconds(self.server.pids()) - before
        self.server.check()
        codes = dict(reversed(part.split()) for part in
                     re.search(r"status codes: (.*)", done.stdout)[1].split(", "))
        # The first ones of a refused kind may still be admitted.
        if int(codes[self.wanted]) < requests - (self.clients if self.wanted != "2xx" else 0):
            raise Fault(f"h2load: wanted {requests} {self.wanted}:\n{done.stdout}")
        self.walls.append(float(re.search(r", ([\d.]+) req/s", done.stdout)[1]))
        return took

    def once(self):
        return (self.run(REQUESTS) - self.connecting) / (REQUESTS - self.clients)

    def wall(self):
        return f"{statistics.median(self.walls[3:]):,.0f}/s by the wall"


class Handshakes:
    """s_time against a server: CPU seconds of the server for one handshake."""

    def __init__(self, bench, server):
        self.bench, self.server = bench, server

    def once(self):
        before = cpu_seconds(self.server.pids())
        done = subprocess.run(["taskset", "-c", str(self.bench.client), tool("openssl"), "s_time",
                               "-connect", f"127.0.0.1:{self.server.port}", "-new", "-tls1_3",
                               "-time", str(HANDSHAKE_SLICE_S)], capture_output=True, text=True,
                              timeout=60, check=False)
        took = cpu_seconds(self.server.pids()) - before
        self.server.check()
        made = re.search(r"(\d+) connections in \d+ real seconds", done.stdout)
        if done.returncode or made is None or int(made[1]) < 10:
            raise Fault(f"s_time: {done.stdout}{done.stderr}")
        return took / int(made[1])

    @staticmethod
    def wall():
        return "by CPU time"


class Bench:
    def __init__(self, options):
        self.build, self.seconds = options.build.resolve(), options.seconds
        cores = sorted(os.sched_getaffinity(0))
        self.core = cores[-1] if options.core is None else options.core
        self.client = next((core for core in cores if core != self.core), self.core)

    def in_turns(self, ours, theirs):
        """(ours, theirs): the median of the limit, and that times the median of the shares."""
        limits, shares = [], []
        until = time.monotonic() + self.seconds * 2
        while len(limits) < SLICES_LEAST or (time.monotonic() < until and
                                             len(limits) < SLICES_MOST):
            if len(limits) % 2:
                limit = theirs.once()
                value = ours.once()
            else:
                value = ours.once()
                limit = theirs.once()
            if value <= 0 or limit <= 0:
                raise NoFigure("disturbed", "other work has the cores")
            limits.append(limit)
            shares.append(value / limit)
        limit = statistics.median(limits)
        return limit * statistics.median(shares), limit

    def rest(self, name, house, *words, path=PING):
        """Requests for a second of the server's time, ours and nghttpd's."""
        body = fetch(house)[1]
        if not body.startswith(b"{"):
            raise Fault(f"{PING} answers {body!r}")
        many = words[words.index("-m") + 1]
        with nghttpd(self, body) as other:
            ours = Load(self, house, path, *words)
            theirs = Load(self, other, "/ping", "-m", many)
            value, limit = self.in_turns(ours, theirs)
            remark(f"{name}: {ours.wall()}, nghttpd {theirs.wall()}")
        return 1 / value, 1 / limit


def remark(text):
    print(f"# {text}", flush=True)


def speaks_h2(house):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", house.port), 10) as plain, \
            context.wrap_socket(plain) as end:
        return end.selected_alpn_protocol() == "h2"


def rest_h1(bench):
    with House(bench, *UNLIMITED) as house:
        return bench.rest("rest-h1", house, "--h1", "-m", "1")


def rest_h2(bench, many="1"):
    with House(bench, *UNLIMITED) as house:
        if not speaks_h2(house):
            raise NoFigure("skip", "front does not speak h2")
        return bench.rest("rest-h2" if many == "1" else "rest-h2-m32", house, "-m", many)


def rest_h2_m32(bench):
    return rest_h2(bench, "32")


def grpc_h2(bench):
    """An empty message: no flags, no bytes."""
    with House(bench, *UNLIMITED) as house:
        if not speaks_h2(house):
            raise NoFigure("skip", "front does not speak h2")
        message = house.state.parent / "message"
        message.write_bytes(bytes(5))
        heads = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        done = subprocess.run([tool("curl"), "-s", "-k", "-v", "--http2", *heads, "--data-binary",
                               f"@{message}", f"https://127.0.0.1:{house.port}{GRPC}"],
                              capture_output=True, timeout=20, check=False)
        if not re.search(rb"grpc-status: ?0\b", done.stderr):
            raise Fault(f"{GRPC}: {done.stderr.decode(errors='replace')}")
        return bench.rest("grpc-h2", house, "-m", "1", "-d", str(message), *heads, path=GRPC)


def refused(bench):
    """Microseconds of a request that is refused for its rate; nghttpd's for one it answers, and
    two."""
    limits = ["limit.requests_per_second=1", "limit.requests_burst=1", *CROWD]
    with House(bench, *limits) as house, nghttpd(bench, b"{}") as other:
        ours = Load(bench, house, PING, "--h1", "-m", "1", wanted="4xx")
        theirs = Load(bench, other, "/ping", "-m", "1")
        value, limit = bench.in_turns(ours, theirs)
        remark(f"refused-request: nghttpd's own {limit * 1e6:.1f} us; {ours.wall()}, nghttpd "
               f"{theirs.wall()}")
        return value * 1e6, limit * 1e6 + REFUSED_EXTRA_US


def handshakes(bench):
    with House(bench, *UNLIMITED) as house, s_server(bench) as other:
        value, limit = bench.in_turns(Handshakes(bench, house), Handshakes(bench, other))
        return 1 / value, 1 / limit


def hold(context, port):
    """A connection that has shaken hands, without what TLS needs at this end: a descriptor."""
    plain = socket.create_connection(("127.0.0.1", port), 20)
    plain.settimeout(20)
    return context.wrap_socket(plain).detach()


def idle(bench):
    """Bytes of ward-front for each of 10,000 connections that have shaken hands and say
    nothing."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < IDLE + IDLE_WARM + 64:
        raise NoFigure("skip", f"may open only {hard} descriptors")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    held = []
    with House(bench, *CROWD, "limit.idle_seconds=3600") as house:
        try:
            for _ in range(IDLE_WARM):
                held.append(hold(context, house.port))
            before = rss_bytes(house.front())
            until = time.monotonic() + IDLE_SECONDS
            while len(held) < IDLE + IDLE_WARM and time.monotonic() < until:
                held.append(hold(context, house.port))
            made = len(held) - IDLE_WARM
            house.check()
            each = (rss_bytes(house.front()) - before) / made
            remark(f"idle-connection: {made} connections")
        finally:
            for end in held:
                os.close(end)
    if made < IDLE:
        raise NoFigure("disturbed", f"only {made} connections in {IDLE_SECONDS} s, "
                       f"{each:.0f} bytes each")
    return each, IDLE_BYTES


def up_ready(bench):
    """Milliseconds of the first `ward up` of a state: keys, certificates and log are made."""
    times = []
    for _ in range(3):
        with House(bench) as house:
            times.append(house.ready_seconds * 1000)
    return statistics.median(times), READY_MS


def listening_on(port):
    """Addresses, in hex as /proc has them, on which anybody listens at that port."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            address, number = line.split()[1].split(":")
            if line.split()[3] == "0A" and int(number, 16) == port:
                found.add(address)
    return found


def check_up(house):
    """The rest of EC-2: ready in time, on loopback only, over TLS from the house's own CA."""
    if house.ready_seconds * 1000 > READY_MS:
        raise Fault(f"ready after {house.ready_seconds:.1f} s")
    if listening_on(house.port) != {"0100007F"}:
        raise Fault(f"it listens on {listening_on(house.port)}")
    trust = ssl.create_default_context(cafile=house.state / "ca.pem")
    with socket.create_connection(("127.0.0.1", house.port), 10) as plain, \
            trust.wrap_socket(plain, server_hostname="localhost") as tls:
        tls.sendall(b"GET /v1/system/ping?text=up HTTP/1.1\r\nHost: x\r\n"
                    b"Connection: close\r\n\r\n")
        if b" 200 OK" not in tls.recv(65536):
            raise Fault("it does not answer over TLS")


def up_rss(bench):
    with House(bench) as house:
        check_up(house)
        each = {name: rss_bytes(pid) for name, pid in house.processes.items()}
        remark("up-rss: " + ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in
                                      sorted(each.items())))
        return sum(each.values()), RSS_BYTES


# Each runs the completion of its shell as often as is said, and prints the seconds of all.
SHELLS = {
    "bash": ["bash", "--norc", "-c", """source <(ward help --format bash)
COMP_LINE=$LINE COMP_POINT=${#LINE} begin=$EPOCHREALTIME
for ((i = 0; i < TIMES; i++)); do _ward; done
end=$EPOCHREALTIME
[[ ${#COMPREPLY[@]} -ge 4 ]] && echo "$(( (${end/./} - ${begin/./}) ))e-6" """],
    "zsh": ["zsh", "-f", "-c", """compdef() { }
_describe() { offered=${#${(@P)2}} }
zmodload zsh/datetime
source <(ward help --format zsh)
words=("${(@s: :)LINE}") CURRENT=${#words} PREFIX=
begin=$EPOCHREALTIME
for ((i = 0; i < TIMES; i++)); do _ward; done
end=$EPOCHREALTIME
(( offered >= 4 )) && print $(( end - begin ))"""],
    "fish": ["fish", "--no-config", "-c", """ward help --format fish | source
set begin (date +%s%N)
for i in (seq $TIMES); set got (complete -C $LINE); end
set end (date +%s%N)
test (count $got) -ge 4; and echo (math $end - $begin)e-9"""],
}
COMPLETE_TIMES, COMPLETE_MS = 20, 100  # EC-9


def complete(bench):
    """Milliseconds from the tab to the ids of the keys of a house that is up, in the slowest of the
    three shells."""
    each = {}
    with House(bench) as house:
        env = dict(os.environ, PATH=f"{bench.build}:{os.environ['PATH']}", TIMES=str(COMPLETE_TIMES),
                   LINE=f"ward audit query --state {house.state} --resource ")
        for shell, words in SHELLS.items():
            tool(shell)
            done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120,
                                  check=False)
            if done.returncode or not done.stdout.strip():
                raise Fault(f"{shell}: {done.stdout}{done.stderr}")
            each[shell] = float(done.stdout) / COMPLETE_TIMES * 1000
    remark("complete: " + ", ".join(f"{shell} {ms:.1f} ms" for shell, ms in each.items()))
    return max(each.values()), COMPLETE_MS


PAGES, PAGE_MS = 400, 50  # EC-26


def audit_page(bench):
    """Milliseconds of a page of a log of a million rows, the 99th of a hundred: the largest and
    the usual ones, from anywhere, with a filter and without; each page is a record of its own."""
    took = []
    with House(bench, "audit.rotate_bytes=1G", fill=pages.long_log) as house:
        if not pages.rests(lambda: cpu_seconds([house.processes["ward-audit"]])):
            raise Fault("ward-audit does not come to rest")
        worked = cpu_seconds(house.pids())
        with contextlib.closing(pages.connect(house.state)) as link:
            for query, first in pages.questions(PAGES):
                ms, said = pages.ask(link, query)
                took.append(ms)
                if [int(row["seq"]) for row in said["records"][:1]] != [first]:
                    raise Fault(f"{query}: does not begin with {first}: {str(said)[:200]}")
        worked = cpu_seconds(house.pids()) - worked
        house.check()
    took.sort()
    value = took[PAGES * 99 // 100]
    said = (f"median {took[PAGES // 2]:.1f} ms, longest {took[-1]:.1f} ms, of the processor "
            f"{worked / PAGES * 1000:.1f} ms each")
    if value > PAGE_MS and os.getloadavg()[0] > os.cpu_count() + 1:
        raise NoFigure("disturbed", f"others have the processors: {value:.1f} ms, {said}")
    remark(f"audit-page: {said}")
    return value, PAGE_MS


CASES = {
    "rest-h1": rest_h1,
    "rest-h2": rest_h2,
    "rest-h2-m32": rest_h2_m32,
    "grpc-h2": grpc_h2,
    "refused-request": refused,
    "tls-handshake": handshakes,
    "idle-connection": idle,
    "up-ready": up_ready,
    "up-rss": up_rss,  # proves: EC-2
    "complete": complete,
    "audit-page": audit_page,  # proves: EC-26
}


def main(cases, program="house.py"):
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--core", type=int)
    parser.add_argument("case", nargs="*")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # houses end with us
    bench = Bench(options)
    for name, case in cases.items():
        if options.case and name not in options.case:
            continue
        try:
            value, limit = case(bench)
            print(f"{name}\t{value:.6g}\t{limit:.6g}", flush=True)
        except NoFigure as none:
            print(f"{name}\t{none.args[0]}\t{none.args[1]}", flush=True)
        except Fault as fault:
            print(f"{program}: {name}: {fault}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(CASES))
