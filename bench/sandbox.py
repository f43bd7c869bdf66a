#!/usr/bin/env python3
"""sandbox.py - the cases of suite sandbox: what the fence of a job costs, against the same program
with a line of its own to the same server, and what memory Ward itself has for a sandbox.

The world is that of the tests (tests/cmd/fence_world.py): two networks of this machine. Called by
bench/run; prints the lines that bench.h describes. As root, with control groups."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent

import house as houses
import sandbox_vm

BYTES = 512 << 20  # over one connection
TRIPS = 3000       # of one byte, one after the other
SANDBOXES = 4      # that wait beside one another
AT_ONCE = 100      # that begin at the same time
CURVE = (1, 10, 50, 100, 200)
ASKED = 2000       # names in a second, as many as a fence answers
OWN_BYTES, EXTRA_US = 1 << 20, 100
CLIENT = '''
import socket, statistics, sys, time
what, host, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
if what == "big":
    with socket.create_connection((host, 9000), 60) as link:
        room, got, begin = bytearray(1 << 18), 0, time.perf_counter()
        link.sendall(str(count).encode())
        while (part := link.recv_into(room)): got += part
        assert got == count, got
        print("=", time.perf_counter() - begin, flush=True)
elif what == "trips":
    with socket.create_connection((host, 22), 60) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.recv(100)
        taken = []
        for _ in range(count):
            begin = time.perf_counter()
            link.sendall(b"x")
            assert link.recv(1) == b"x"
            taken.append(time.perf_counter() - begin)
        print("=", statistics.median(taken), flush=True)
elif what == "names":
    import struct
    name = b"".join(bytes([len(part)]) + part.encode() for part in host.split(".")) + bytes(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.connect(("127.0.0.1", 53))
        link.settimeout(1)
        answered, begin = 0, time.perf_counter()
        for number in range(count):
            link.send(struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1))
            try:
                answered += struct.unpack(">H", link.recv(512)[:2])[0] == number
            except TimeoutError:
                pass
        print("=", answered / max(1, time.perf_counter() - begin), flush=True)
else:
    print("= up", flush=True)
    time.sleep(120)
'''


class Jobs:
    """A folder of its own with one image."""

    def __init__(self, bench):
        os.environ["WARD_BUILD"] = str(bench.build)
        sys.path += [str(HERE.parent / "tests"), str(HERE.parent / "tests/cmd")]
        import oci
        import sandboxes
        if not sandboxes.has_groups() or not shutil.which("crun"):
            raise houses.NoFigure("skip", "no root, control groups or crun")
        self.ward = bench.build / "ward"
        self.above = pathlib.Path(tempfile.mkdtemp(prefix="ward-bench-"))
        self.images = self.above / "images"
        self.digest = oci.Image(self.image(oci)).pack(self.above / "image.tar")
        subprocess.run([self.ward, "image", "import", self.above / "image.tar", self.digest, "--images",
                        self.images], check=True, capture_output=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.above, ignore_errors=True)


class Bench(Jobs):
    """The world, an image with Python, and the client as a job's code."""

    def __init__(self, bench):
        super().__init__(bench)
        import fence_world
        self.code = self.above / "code"
        self.code.mkdir()
        (self.code / "client.py").write_text(CLIENT)
        self.fence_world, self.world = fence_world, fence_world.World(self.above)

    def image(self, _):
        import python_image
        return list(python_image.layer())

    def __exit__(self, *_):
        self.world.end()
        super().__exit__()

    def job(self, *words):
        """The words that run the client as a job."""
        spec = self.above / "job.toml"
        spec.write_text(
            f'image = "{self.digest}"\ncommand = {json.dumps(["/usr/local/bin/python", "/job/client.py", *words])}\n'
            '[resources.network_whitelist]\nhosts = ["allowed.example"]\nports = [22, 9000]\n'
            f'[sandbox_config.network_policy]\ndns_servers = ["{self.fence_world.NAMES}"]\n')
        return self.world.node.words(self.ward, "run", spec, "--job", self.code, "--images", self.images,
                                     "--runtime", "crun", "--quiet")

    def figure(self, words):
        done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                              timeout=120)
        found = re.search(r"(?m)^= ([0-9.e-]+)$", done.stdout)
        if done.returncode or not found:
            raise houses.Fault(f"{done.stdout}{done.stderr}")
        return float(found.group(1))

    def fenced(self, *words):
        return self.figure(self.job(*words))

    def direct(self, *words):
        """The same program by the same interpreter, in the network that the fence connects from."""
        return self.figure(self.world.node.words("/usr/bin/python3.11", self.code / "client.py", *words))


class Launches(Jobs):
    """An image with a program that does nothing, and the bare runtime with all that Ward asks of it."""

    def image(self, oci):
        true = pathlib.Path("/bin/busybox").read_bytes()
        return [oci.folder("bin"), oci.entry("bin/busybox", true, mode=0o755),
                *(oci.link(f"bin/{name}", "busybox") for name in ("true", "sleep", "echo"))]

    def words(self, *command):
        spec = self.above / f"{command[0]}.toml"
        spec.write_text(f'image = "{self.digest}"\ncommand = {json.dumps(["/bin/" + command[0], *command[1:]])}\n'
                        '[resources]\nmemory = "16M"\ndisk = "16M"\n')
        return [self.ward, "run", spec, "--images", self.images, "--runtime", "crun", "--quiet"]

    def ours(self):
        return timed(self.words("true"))

    def machine(self):
        """The words of a job in a virtual machine that says a byte."""
        more = sandbox_vm.prepare(self.ward, self.images)
        spec = self.above / "machine.toml"
        spec.write_text(f'image = "{self.digest}"\ncommand = ["/bin/echo", "="]\n{more}')
        return [self.ward, "run", spec, "--images", self.images, "--runtime", "crun", "--quiet"]

    def bare(self):
        """The words that make the same sandbox without Ward: its own configuration, as it was written for a
        job, with folders where Ward has file systems of a bounded size."""
        bare = self.above / "bare"
        bare.mkdir(mode=0o755)
        self.above.chmod(0o755)  # the sandbox's users pass through it
        with subprocess.Popen(self.words("sleep", "60"), stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as run:
            place = None
            # What is in it is seen by the run alone.
            inside = pathlib.Path(f"/proc/{run.pid}/root")
            while place is None or not (inside / place.relative_to("/") / "first").exists():
                place = place_of(run.pid)
                time.sleep(0.01)
            text = (inside / place.relative_to("/") / "config.json").read_text()
            config = json.loads(text.replace(str(place), str(bare)))
            run.terminate()
        config["process"]["args"] = ["/bin/true"]
        config["linux"]["cgroupsPath"] = "/ward-bench-bare"
        seccomp = config["linux"]["seccomp"]  # nobody is there to be asked for refused calls
        seccomp.pop("listenerPath", None)
        seccomp["syscalls"] = [row for row in seccomp["syscalls"] if row["action"] != "SCMP_ACT_NOTIFY"]
        (bare / "config.json").write_text(json.dumps(config))
        owner = config["linux"]["uidMappings"][0]["hostID"]
        for source in [config["root"]["path"], *(mount.get("source", "") for mount in config["mounts"])]:
            if source.startswith(f"{bare}/"):
                pathlib.Path(source).mkdir(parents=True, exist_ok=True)
                os.chown(source, owner, owner)
        programs = pathlib.Path(config["root"]["path"]) / "bin"
        programs.mkdir()
        shutil.copy("/bin/busybox", programs / "busybox")
        (programs / "true").symlink_to("busybox")
        for name in ("proc", "dev", "sys", "output", "tmp"):
            (programs.parent / name).mkdir(exist_ok=True)
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                "[ ! -d /sys/fs/cgroup/unified ] || mount -t tmpfs -o size=1m none /sys/fs/cgroup/unified; "
                f"exec crun --root {bare}/runtime run --bundle {bare} ward-bench-bare"]


def place_of(pid):
    """The folder of the job that a run has; None: it has none yet."""
    for held in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if re.fullmatch(r"/var/lib/ward-jobs/\d+", os.readlink(held)):
                return pathlib.Path(os.readlink(held))
    return None


def timed(words):
    """Milliseconds from its start to its end."""
    begin = time.perf_counter()
    # A pipe, for a bare runtime gives its standard input to the job's user, whatever it is.
    done = subprocess.run(words, capture_output=True, input=b"", check=False, timeout=60)
    if done.returncode:
        raise houses.Fault(f"{done.stdout}{done.stderr}")
    return 1000 * (time.perf_counter() - begin)


class Turn:
    def __init__(self, once):
        self.once = once


@contextlib.contextmanager
def awake():
    """No processor halts meanwhile: what a halted one takes to wake up is the machine's, and on a
    virtual one more than all that is measured."""
    spinners = [subprocess.Popen([sys.executable, "-c", "import os\nos.sched_setscheduler(0, os.SCHED_IDLE, "
                                  "os.sched_param(0))\nwhile True: pass"]) for _ in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def in_turns(bench, what, count):
    with Bench(bench) as made, awake():
        return bench.in_turns(
            Turn(lambda: made.fenced(what, "allowed.example", str(count))),
            Turn(lambda: made.direct(what, made.fence_world.PUBLIC, str(count))))


def throughput(bench):
    """MB a second of one connection."""
    ours, theirs = in_turns(bench, "big", BYTES)
    return BYTES / ours / 1e6, BYTES / theirs / 1e6


def round_trip(bench):
    """What a byte there and back takes longer, in microseconds."""
    ours, theirs = in_turns(bench, "trips", TRIPS)
    houses.remark(f"fence-round-trip: {ours * 1e6:.1f} us with the fence, {theirs * 1e6:.1f} us without")
    return (ours - theirs) * 1e6, EXTRA_US


def below(pid):
    """A process and all that it begot."""
    yield pid
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from below(int(child))


def own_bytes(pid, program):
    """Of the processes of `ward run`, without the runtime and the job: their shares of what several
    have, and all of what one has alone."""
    total = 0
    for process in below(pid):
        if os.readlink(f"/proc/{process}/exe") == str(program):
            text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
            total += int(re.search(r"(?m)^Pss:\s+(\d+) kB$", text).group(1)) << 10
    return total


def memory(bench):
    """Bytes of Ward's own for each of a few sandboxes with a fence that wait."""
    with Bench(bench) as made, contextlib.ExitStack() as held:
        pids = []
        for _ in range(SANDBOXES):
            run = held.enter_context(subprocess.Popen(made.job("wait", "-", "0"), stdout=subprocess.PIPE,
                                                      stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                                      text=True))
            held.callback(run.terminate)
            if run.stdout.readline() != "= up\n":
                raise houses.Fault("a job did not begin")
            pids.append(run.pid)
        time.sleep(0.5)
        return sum(own_bytes(pid, made.ward) for pid in pids) / SANDBOXES, OWN_BYTES


def launch(bench):
    """Milliseconds from the start of a job that does nothing to its end."""
    with Launches(bench) as made:
        bare = made.bare()
        return bench.in_turns(Turn(made.ours), Turn(lambda: timed(bare)))


def begin_all(words, count):
    """How many of so many that begin at the same time end as they should."""
    running = [subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for _ in range(count)]
    return sum(run.wait(timeout=300) == 0 for run in running)


def at_once(bench):
    """How many of a hundred."""
    with Launches(bench) as made:
        return begin_all(made.words("true"), AT_ONCE), AT_ONCE


def curve(bench):
    """Milliseconds for each of two hundred that begin at once, against one that begins alone."""
    with Launches(bench) as made:
        words, each = made.words("true"), {}
        for count in CURVE:
            begin = time.perf_counter()
            if begin_all(words, count) != count:
                raise houses.Fault(f"not all of {count} ended as they should")
            each[count] = 1000 * (time.perf_counter() - begin) / count
        houses.remark("sandbox-curve, ms for each of so many at once: " +
                      ", ".join(f"{count}: {taken:.0f}" for count, taken in each.items()))
        return each[CURVE[-1]], each[1]


def names(bench):
    """Answers in a second to one who asks for the next when he has got the last."""
    with Bench(bench) as made:
        return made.fenced("names", "allowed.example", str(ASKED)), ASKED


def machine(bench):
    """Milliseconds to the first byte of a job in a virtual machine."""
    with Launches(bench) as made:
        words = made.machine()
        bare = sandbox_vm.bare(words, made.images)
        return bench.in_turns(Turn(lambda: sandbox_vm.first_byte(words)),
                              Turn(lambda: sandbox_vm.first_byte(bare)))


CASES = {"fence-throughput": throughput, "fence-round-trip": round_trip, "sandbox-memory": memory,
         "container-launch": launch, "hundred-at-once": at_once, "sandbox-curve": curve, "fence-names": names,
         "vm-first-byte": machine}


if __name__ == "__main__":
    sys.exit(houses.main(CASES, "sandbox.py"))
