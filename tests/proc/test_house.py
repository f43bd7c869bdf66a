"""test_house.py - the house as a whole: started, started twice, killed anywhere, stopped and
removed.

WARD_FULL=1 in the environment: killed at every step, not at ten."""

import os
import pathlib
import pty
import random
import resource
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import contract
import house as houses
from house import House, Evidence, until, lives, stat_of

ROOT = os.geteuid() == 0
FULL = os.environ.get("WARD_FULL") == "1"
SEED = int(os.environ.get("WARD_SEED", "3"))
MANY_STEPS, LAST_STEP = 60, 600  # every process comes as far as the one, none past the other



def tree_of(folder):
    """{path: (mode, content)} below a folder."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = (path.lstat().st_mode, content)
    return found


def namespaces_held(inodes):
    """Who still holds one of these network namespaces: a process, a descriptor or a mount."""
    names = {f"net:[{inode}]" for inode in inodes}
    held = [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
            if any(name in line for name in names)]
    for pattern in ("[0-9]*/ns/net", "[0-9]*/fd/*"):
        for link in pathlib.Path("/proc").glob(pattern):
            try:
                if os.readlink(link) in names:
                    held.append(str(link))
            except OSError:
                continue
    return held


def entries(*folders):
    """(path, uid) of all below these, on their own file systems, without other tests' folders."""
    for top in folders:
        for folder, names, files in os.walk(top):
            device = os.lstat(folder).st_dev if os.path.lexists(folder) else None
            for name in list(names) + files:
                path = os.path.join(folder, name)
                try:
                    is_at = os.lstat(path)
                except OSError:
                    is_at = None
                if is_at is None or is_at.st_dev != device or name.startswith(("ward-", "tmp")):
                    names[:] = [each for each in names if each != name]
                if is_at is not None and not name.startswith(("ward-house-", "tmp")):
                    yield path, is_at.st_uid


def owned_by_house(*folders):
    """Files of the users that the processes run as."""
    return [path for path, uid in entries(*folders) if 61200 <= uid <= 61215]


def named_ward(*folders):
    """Names with "ward" in them, but for what runs of jobs remember of a runtime."""
    return sorted(path for path, _ in entries(*folders)
                  if "ward" in os.path.basename(path) and "forward" not in path and
                  not os.path.basename(path).startswith("ward-known-"))


def system(base):
    """What a purge could have left on the machine; other tests may run at the same time, so
    processes and namespaces are looked at by number, and files by name and owner."""
    def lines(*words):
        tool = shutil.which(words[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
        return subprocess.run([tool, *words[1:]], capture_output=True, check=False).stdout \
            if tool else b""
    return {"netns": lines("ip", "netns"),
            "nft": lines("nft", "list", "ruleset"),
            "iptables": lines("iptables-save", "-c") if shutil.which("iptables-save") else b"",
            "users": pathlib.Path("/etc/passwd").read_bytes(),
            "groups": pathlib.Path("/etc/group").read_bytes(),
            "mounts": [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
                       if str(base) in line],
            "files": named_ward("/etc", "/run", "/dev/shm", "/var/lib", "/usr/lib/systemd",
                                "/usr/local", "/sys/fs/cgroup"),
            "owned": owned_by_house("/etc", "/run", "/dev/shm", "/var"),
            "sockets": [line for line in pathlib.Path("/proc/net/unix").read_text().splitlines()
                        if str(base) in line]}


def listening(pid):
    """Addresses of TCP listeners among a process's descriptors, in hex as /proc has them."""
    inodes = {os.readlink(entry) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
    found = []
    for name in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and f"socket:[{parts[9]}]" in inodes:
                found.append(parts[1])
    return found


class Start(unittest.TestCase):
    def test_up(self):
        with House() as house:
            begin = time.monotonic()
            done = house.up()
            took = time.monotonic() - begin
            self.assertEqual(done.stdout, f"https://127.0.0.1:{house.port}\n")
            self.assertEqual(done.stderr.count("SIMULATED TEE"), 1)
            self.assertTrue(house.works())
            processes = house.processes()
            self.assertEqual(set(processes), {"monitor", *houses.NAMES})
            rss = sum(int(line.split()[1]) for pid in processes.values()
                      for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                      if line.startswith("VmRSS"))
            print(f"# ready after {took:.2f} s, {rss / 1024:.1f} MB resident")
            self.assertLessEqual(rss, 150 * 1024)
            if ROOT:
                found = {address for pid in processes.values() for address in listening(pid)}
                self.assertEqual(found, {f"0100007F:{house.port:04X}"})

    def test_up_twice_and_killed_at_any_step(self):  # proves: EC-3
        """EC-3 in one: twice is the same as once, and a first start that is killed at a step of
        the command or of any process is made good by the next."""
        if shutil.which("strace") is None:
            self.skipTest("strace is absent")
        self.up_twice()
        generator = random.Random(SEED)
        points = list(range(1, LAST_STEP + 1))
        if not FULL:
            points = sorted(generator.sample(points[:MANY_STEPS], 6) +
                            generator.sample(points[MANY_STEPS:], 4))
        killed = sum(self.killed_at(point) for point in points)
        print(f"# seed {SEED}, {killed} of {len(points)} starts were killed")
        self.assertGreater(killed, len(points) // 2)

    def up_twice(self):
        with House() as house:
            house.up()
            before = house.processes()
            again = house.up()
            self.assertEqual(house.processes(), before)
            self.assertEqual(again.stdout, f"https://127.0.0.1:{house.port}\n")
            self.assertIn("already up", again.stderr)
            self.assertIn('"already":true', house.up("--json").stdout)

    def killed_at(self, point):
        """Every process of a first start is killed at its point-th call of these, as far as it
        comes; whether one was."""
        calls = ("mkdir,mkdirat,openat,unlinkat,renameat,linkat,write,pwrite64,fsync,fdatasync,"
                 "ftruncate,bind,listen,fcntl,unshare,clone,clone3,fork,execve,execveat,sendmsg")
        with House() as house:
            report = house.base / "trace"
            words = ["strace", "-f", "-qq", "-o", report, "-e", f"trace={calls}", "-e",
                     f"inject={calls}:signal=KILL:when={point}"]
            first = subprocess.Popen(words + house.words("up"), stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            try:
                # A monitor that was not killed lives on, and strace with it.
                def settled():
                    lock = house.state / "run/lock"
                    return first.poll() is not None or (lock.exists() and
                                                        b"ready" in lock.read_bytes())
                until(settled, 120)
                was_killed = "+++ killed by SIGKILL" in report.read_text()
                house.processes()
                house.up()
                until(house.works, 60)
                self.assertEqual(house.down().returncode, 0)
            finally:
                for pid in house.processes().values():
                    os.kill(pid, signal.SIGKILL)
                first.wait(120)
            house.up()
            until(house.works, 60)
            evidence = Evidence(house.state)
            evidence.note(house)
            evidence.check()
            self.assertEqual(house.down("--purge", "--yes").returncode, 0)
            self.assertEqual([path.name for path in house.base.iterdir()], ["trace"])
            return was_killed

    def test_up_at_once(self):
        """Of several that start together one starts the house, and all return when it is
        ready."""
        with House() as house:
            many = [subprocess.Popen(house.words("up"), stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE) for _ in range(6)]
            for one in many:
                out, err = one.communicate(timeout=60)
                self.assertEqual(one.returncode, 0, err)
                self.assertEqual(out, f"https://127.0.0.1:{house.port}\n".encode())
                self.assertTrue(house.works())
            self.assertEqual(house.log().count("ready name=front"), 1)

    def test_two_houses(self):
        with House() as one, House() as two:
            one.up()
            two.up()
            self.assertTrue(one.works() and two.works())
            self.assertNotEqual((one.state / "ca.pem").read_bytes(),
                                (two.state / "ca.pem").read_bytes())
            one.down()
            self.assertTrue(two.works())

    def test_restart_and_purge(self):  # proves: EC-4
        with House() as house:
            (house.base / "before").mkdir()
            before, files = system(house.base), tree_of(house.base)
            evidence = Evidence(house.state)
            house.up()
            evidence.note(house)
            ca = (house.state / "ca.pem").read_bytes()
            self.assertEqual(house.down().returncode, 0)
            self.assertEqual(house.processes(), {})
            self.assertEqual((house.state / "run/lock").read_bytes(), b"")
            house.up()
            self.assertEqual((house.state / "ca.pem").read_bytes(), ca)
            self.assertNotIn("keyring made", house.log().split("stopped", 1)[1])
            evidence.note(house)
            evidence.check()
            here = os.stat("/proc/self/ns/net").st_ino
            inodes = {os.stat(f"/proc/{pid}/ns/net").st_ino
                      for pid in house.processes().values()} - {here} if ROOT else set()
            self.assertEqual(bool(namespaces_held(inodes)), ROOT)
            self.assertEqual(house.down("--purge", "--yes").returncode, 0)
            self.assertEqual(tree_of(house.base), files)
            self.assertEqual(system(house.base), before)
            self.assertEqual([pid for pid in house.seen if lives(pid)], [])
            until(lambda: not namespaces_held(inodes), 60)
            self.assertEqual(house.down("--purge", "--yes").returncode, 0)

    def test_odd_surroundings(self):
        def close_all():
            for number in range(3):
                os.close(number)
        rows = {
            "umask 0": {"umask": 0},
            "umask 0777": {"umask": 0o777},
            "stdin closed": {"preexec_fn": lambda: os.close(0)},
            "stderr closed": {"preexec_fn": lambda: os.close(2)},
            "all closed": {"preexec_fn": close_all},
            "64 descriptors": {"preexec_fn": lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))},
            "signals ignored": {"preexec_fn": lambda: [signal.signal(number, signal.SIG_IGN) for
                                number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP)]},
            "signals blocked": {"preexec_fn": lambda: signal.pthread_sigmask(
                signal.SIG_BLOCK, range(1, 32))},
            "no environment": {"env": {}},
        }
        for name, how in rows.items():
            with self.subTest(name), House() as house:
                done = house.run("up", **how)
                self.assertEqual(done.returncode, 70 if name == "all closed" else 0, done)
                self.assertTrue(house.works(), house.log())
                modes = {path.name: path.stat().st_mode & 0o777 for path in
                         (house.state, house.state / "run/ward.sock", house.state / "ca.pem",
                          house.state / "keyring", house.state / "ward.log")}
                self.assertEqual(modes, {"state": 0o700, "ward.sock": 0o600, "ca.pem": 0o644,
                                         "keyring": 0o600, "ward.log": 0o600})
                self.assertEqual(house.down().returncode, 0)
                self.assertNotIn("\nward:", house.log())

    def test_hard_limit(self):
        """What cannot be raised is said before anything is made."""
        with House() as house:
            def low():
                resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
                if ROOT:
                    os.setgid(65534)
                    os.setuid(65534)
            if ROOT:
                os.chmod(house.base, 0o777)
            done = house.run("up", preexec_fn=low)
            self.assertEqual(done.returncode, 70)
            self.assertIn("HOUSE_DESCRIPTORS: 200", done.stderr)
            self.assertFalse(house.state.exists())

    def test_long_path(self):
        with House() as house:
            deep = house.base
            for _ in range(2):
                deep = deep / ("d" * 100)
                deep.mkdir()
            house.state = deep / "state"
            house.up()
            self.assertTrue(house.works())
            self.assertEqual(house.down("--purge", "--yes").returncode, 0)
            self.assertEqual(list(deep.iterdir()), [])


class Refusals(unittest.TestCase):
    def refused(self, house, code, *words, **how):
        before = tree_of(house.base)
        done = house.run("up", **how)
        self.assertEqual(done.returncode, code, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(house.processes(), {})
        return before

    def test_port_taken(self):
        with House() as house, socket.socket() as taken:
            taken.bind(("127.0.0.1", house.port))
            taken.listen()
            self.refused(house, 7, "HOUSE_LISTEN", f"127.0.0.1:{house.port}", "in use")
            taken.close()
            house.up()

    def test_address_not_here(self):
        with House() as house:
            words = [houses.WARD, "up", "--state", house.state, "--listen", "192.0.2.1:9"]
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 7, done.stderr)
            self.assertIn("HOUSE_LISTEN: 192.0.2.1:9: Cannot assign", done.stderr)

    def test_state_folder(self):
        def writable(state):
            state.mkdir()
            state.chmod(0o770)

        def linked(state):
            (state.parent / "real").mkdir(0o700)
            state.symlink_to("real")

        def file(state):
            state.write_text("mine")

        def inner_link(state):
            state.mkdir(0o700)
            (state / "run").symlink_to("/tmp")

        def fifo(state):
            state.mkdir(0o700)
            os.mkfifo(state / "keyring")

        def link_file(state):
            state.mkdir(0o700)
            (state.parent / "theirs").write_text("theirs")
            (state / "ward.log").symlink_to("../theirs")

        def other(state):
            state.mkdir(0o700)
            os.chown(state, 65534, 65534)

        def missing(state):
            state.parent.rmdir()

        rows = [("group writable", writable, 5, "HOUSE_STATE_UNSAFE"),
                ("a link", linked, 5, "HOUSE_STATE_UNSAFE"),
                ("a file", file, 5, "HOUSE_STATE_UNSAFE"),
                ("run is a link", inner_link, 5, "HOUSE_STATE_UNSAFE: run"),
                ("a fifo", fifo, 5, "HOUSE_STATE_UNSAFE: keyring"),
                ("log is a link", link_file, 5, "HOUSE_STATE_UNSAFE: ward.log"),
                ("no folder above", missing, 2, "HOUSE_STATE_UNUSABLE")]
        if ROOT:
            rows.append(("another's", other, 5, "HOUSE_STATE_UNSAFE"))
        for name, make, code, word in rows:
            with self.subTest(name), House() as house:
                house.state = house.base / "sub" / "state"
                house.state.parent.mkdir()
                make(house.state)
                self.refused(house, code, word)
                self.assertFalse((house.base / "sub/theirs").exists() and
                                 (house.base / "sub/theirs").read_text() != "theirs")

    def test_seal_missing(self):
        with House() as house:
            house.up()
            house.down()
            seal = pathlib.Path(f"{house.state}.seal")
            kept = seal.read_bytes()
            seal.unlink()
            self.refused(house, 6, "HOUSE_SEAL_MISSING", str(seal))
            self.assertFalse(seal.exists())
            seal.write_bytes(bytes(len(kept)))
            seal.chmod(0o600)
            self.refused(house, 5, "KEYFILE_SEAL_WRONG: keeper")
            seal.write_bytes(kept)
            house.up()

    def test_seal_half_made(self):
        """An empty seal without a keyring is what a kill left, and is made again; beside a
        keyring it is the wrong one, and stays."""
        with House() as house:
            seal = pathlib.Path(f"{house.state}.seal")
            seal.touch(0o600)
            house.up()
            self.assertEqual(seal.stat().st_size, 32)
            house.down()
            seal.write_bytes(b"")
            self.refused(house, 5, "KEYFILE_SEAL_INPUT: keeper")
            self.assertEqual(seal.read_bytes(), b"")

    @unittest.skipUnless(ROOT, "mounts need root")
    def test_file_systems(self):
        for name, how, word in (("read-only", "ro", "Read-only"),
                                ("full", "size=16k,nr_inodes=64", "PROCESS_FAILED: keeper"),
                                ("no inodes", "size=4m,nr_inodes=4", "No space")):
            with self.subTest(name), House() as house:
                place = house.base / "mount"
                place.mkdir()
                subprocess.run(["mount", "-t", "tmpfs", "-o", how, "ward-test", place], check=True)
                try:
                    house.state = place / "state"
                    done = house.run("up")
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn("HOUSE_", done.stderr)
                    self.assertIn(word, done.stderr)
                    self.assertEqual(house.processes(), {})
                finally:
                    subprocess.run(["umount", place], check=True)

    @unittest.skipUnless(ROOT, "needs another user")
    def test_other_users(self):
        """Another user neither reaches the owner's socket nor is the owner on one he is given."""
        with House() as house:
            house.up()
            os.chmod(house.base, 0o755)
            ask = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\n"
                   "s.connect(sys.argv[1])\ns.sendall(b'GET /v1/system/config HTTP/1.1\\r\\n"
                   "Host: x\\r\\nConnection: close\\r\\n\\r\\n')\nsys.stdout.buffer.write(s.recv(4096))")

            def stranger():
                os.setgid(65534)
                os.setuid(65534)
            words = ["python3", "-c", ask, house.state / "run/ward.sock"]
            done = subprocess.run(words, capture_output=True, preexec_fn=stranger, check=False)
            self.assertIn(b"PermissionError", done.stderr)
            os.chmod(house.state, 0o755)
            os.chmod(house.state / "run", 0o755)
            os.chmod(house.state / "run/ward.sock", 0o666)
            done = subprocess.run(words, capture_output=True, preexec_fn=stranger, check=False)
            self.assertTrue(done.stdout.startswith(b"HTTP/1.1 403 "), done.stdout)
            stream = contract.Stream()
            stream.sent(b"GET /v1/system/config HTTP/1.1\r\n\r\n")
            stream.received(done.stdout)
            done = house.run("down", preexec_fn=stranger)
            self.assertNotEqual(done.returncode, 0)
            self.assertTrue(house.works())


class Down(unittest.TestCase):
    def test_asks(self):
        with House() as house:
            house.up()
            house.down()
            files = tree_of(house.base)
            done = house.down("--purge", stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 2)
            self.assertIn("--yes", done.stderr)
            self.assertEqual(self.at_terminal(house, b"yes\n"), 2)
            self.assertEqual(self.at_terminal(house, b"\x04"), 2)
            plan = house.down("--purge", "--plan")
            self.assertEqual([line.split(": ")[0] for line in plan.stdout.splitlines()],
                             [f"remove {house.state}", f"remove {house.state}.seal"])
            self.assertEqual(tree_of(house.base), files)
            self.assertEqual(self.at_terminal(house, str(house.state).encode() + b"\n"), 0)
            self.assertEqual(list(house.base.iterdir()), [])

    def at_terminal(self, house, typed):
        ours, theirs = pty.openpty()
        try:
            asked = subprocess.Popen(house.words("down", "--purge"), stdin=theirs,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            ready = select.select([asked.stderr], [], [], 20)[0]
            self.assertTrue(ready)
            os.write(ours, typed)
            asked.communicate(timeout=20)
            return asked.returncode
        finally:
            os.close(ours)
            os.close(theirs)

    def test_plan_changes_nothing(self):
        with House() as house:
            house.up()
            before = house.processes()
            done = house.down("--plan", "--purge")
            self.assertTrue(done.stdout.startswith(f"stop {house.state}: "), done.stdout)
            self.assertEqual(house.processes(), before)
            self.assertTrue(house.works())

    def test_no_state_folder(self):
        with House() as house:
            house.state.mkdir()
            (house.state / "thesis").write_text("ten years")
            self.assertEqual(house.down("--purge", "--yes").returncode, 2)
            self.assertEqual((house.state / "thesis").read_text(), "ten years")
            (house.state / "run").mkdir()
            self.assertEqual(house.down("--purge", "--yes").returncode, 2)
            self.assertEqual((house.state / "thesis").read_text(), "ten years")

    def test_purge_killed(self):
        """Killed at each removal, a purge is finished by the next one."""
        if shutil.which("strace") is None:
            self.skipTest("strace is absent")
        for point in range(1, 40):
            with House() as house:
                house.up()
                house.down()
                words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=unlink,unlinkat,rmdir",
                         "-e", f"inject=unlink,unlinkat,rmdir:signal=KILL:when={point}"]
                killed = subprocess.run(words + house.words("down", "--purge", "--yes"),
                                        capture_output=True, check=False)
                self.assertEqual(house.down("--purge", "--yes").returncode, 0)
                left = [path.name for path in house.base.iterdir()]
                self.assertEqual(left, [], f"killed at removal {point}")
                if killed.returncode == 0:
                    return
        self.fail("no end of removals")

    def test_down_under_load(self):
        """What was asked before the house stops is answered or refused, never cut short."""
        with House() as house:
            house.up()
            odd, stop, count = [], threading.Event(), [0]

            def load():
                while not stop.is_set():
                    try:
                        status, answer = house.ask("/v1/system/ping?text=x", tls=True)
                        if (status, answer.get("text")) != (200, "x") and status != 503:
                            odd.append((status, answer))
                        count[0] += 1
                    except ValueError as problem:
                        odd.append(problem)
                    except OSError:
                        pass
                    except Exception as problem:  # a torn answer
                        if type(problem).__name__ not in ("RemoteDisconnected",):
                            odd.append(problem)
            threads = [threading.Thread(target=load) for _ in range(4)]
            for thread in threads:
                thread.start()
            try:
                until(lambda: count[0] > 20)
                done = house.down()
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(odd, [])
            self.assertEqual(house.processes(), {})


if __name__ == "__main__":
    import tap
    tap.main()
