"""test_house_faults.py - processes of the house killed, frozen and stormed with signals: it
comes back by itself, and nobody gets another's answer.

WARD_FULL=1 in the environment: 100,000 signals."""

import http.client
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time
import unittest

import house as houses
from house import House, Evidence, children_of, lives, stat_of, until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FULL = os.environ.get("WARD_FULL") == "1"
BACK_S = 5  # without an operator


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Load:
    """Clients that each say something nobody else says, and keep what was wrong."""

    def __init__(self, house, clients=3):
        self.house, self.odd, self.good, self.refused, self.slowest = house, [], 0, 0, 0.0
        self.end = threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(number,))
                        for number in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for thread in self.threads:
            thread.join()

    def client(self, number):
        count = 0
        while not self.end.is_set():
            count += 1
            said, begin = f"{number}-{count}", time.monotonic()
            try:
                status, answer = self.house.ask(f"/v1/system/ping?text={said}", 30,
                                                tls=bool(number & 1))
                if status == 200 and answer["text"] == said:
                    self.good += 1
                elif status in (503, 504):
                    self.refused += 1
                else:
                    self.odd.append((status, answer))
            except TimeoutError:
                self.odd.append(f"{said}: no answer in 30 s")
            except (OSError, http.client.HTTPException):
                self.refused += 1
                time.sleep(0.02)
            self.slowest = max(self.slowest, time.monotonic() - begin)


class Killed(unittest.TestCase):
    def test_up_killed(self):
        """`ward up` itself, at any moment: run again it returns with a house that is ready."""
        for delay in (0, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.05, 0.1):
            with self.subTest(delay), House() as house:
                first = subprocess.Popen(house.words("up"), stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
                time.sleep(delay)
                first.kill()
                first.wait()
                house.up()
                house.until_works(BACK_S)

    def test_monitor_killed_starting(self):
        for step in range(10):
            with self.subTest(step), House() as house:
                first = subprocess.Popen(house.words("up"), stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE)
                try:
                    monitor = until(house.monitor, 10, 0)
                    time.sleep(step * 0.004)
                    house.processes()
                    kill(monitor)
                    house.up()
                    house.until_works(BACK_S)
                finally:
                    first.communicate(timeout=30)

    def test_child_killed_starting(self):
        for name in houses.NAMES:
            for step in range(2):
                with self.subTest(name, step=step), House() as house:
                    first = subprocess.Popen(house.words("up"), stdout=subprocess.DEVNULL,
                                             stderr=subprocess.DEVNULL)
                    try:
                        monitor = until(house.monitor, 10, 0)
                        child = until(lambda monitor=monitor, name=name:
                                      children_of(monitor).get(name), 10, 0)
                        time.sleep(step * 0.008)
                        kill(child)
                        self.assertEqual(first.wait(BACK_S), 0, house.log())
                        house.until_works(BACK_S)
                    finally:
                        first.kill()
                        first.wait()

    def test_monitor_killed(self):
        """Without it the others end by themselves, and the next house does not wait for long."""
        with House() as house:
            evidence = Evidence(house.state)
            house.up()
            for _ in range(3):
                evidence.note(house)
                before = house.processes()
                kill(before["monitor"])
                house.up()
                house.until_works(BACK_S)
                self.assertFalse(set(before.values()) & set(house.processes().values()))
                until(lambda: not any(map(lives, before.values())), 2)
            evidence.note(house)
            house.down()
            evidence.check()

    def test_all_end_with_monitor(self):
        with House() as house:
            house.up()
            before = house.processes()
            kill(before["monitor"])
            until(lambda: not any(map(lives, before.values())), 5)

    def test_old_writer(self):
        """As long as a process of a killed house may write the log or the keyring, no other
        house does."""
        for name in ("audit", "keeper"):
            with self.subTest(name), House() as house:
                house.up()
                before = house.processes()
                kill(before[name], signal.SIGSTOP)
                kill(before["monitor"])
                done = house.run("up")
                self.assertEqual(done.returncode, 7, done.stderr)
                self.assertIn("HOUSE_NOT_GONE", done.stderr)
                kill(before[name], signal.SIGCONT)
                house.up()
                house.until_works(BACK_S)

    def test_child_killed(self):
        with House() as house:
            house.up()
            evidence = Evidence(house.state)
            for name in houses.NAMES:
                with self.subTest(name):
                    evidence.note(house)
                    before = house.processes()
                    kill(before[name])
                    until(lambda name=name, before=before:
                          house.processes().get(name) not in (None, before[name]), BACK_S)
                    took = house.until_works(BACK_S)
                    after = house.processes()
                    until(lambda name=name, after=after:
                          f"ready name={name} pid={after[name]} " in house.log(), BACK_S)
                    self.assertEqual({key for key in before if before[key] != after[key]}, {name})
                    print(f"# {name}: answers again after {took:.2f} s")
            house.down()
            evidence.check()

    def test_killed_under_load(self):
        with House() as house:
            house.up()
            with Load(house) as load:
                until(lambda: load.good > 10)
                for name in houses.NAMES:
                    kill(house.processes()[name])
                    house.until_works(BACK_S)
            self.assertEqual(load.odd, [])
            self.assertLess(load.slowest, 12)


class Frozen(unittest.TestCase):
    def test_frozen(self):
        """Each process stands still for a second under load: nothing dies of it, late answers
        reach nobody, and all goes on."""
        with House() as house:
            house.up()
            before = house.processes()
            for name, pid in before.items():
                with self.subTest(name), Load(house) as load:
                    until(lambda load=load: load.good > 5)
                    kill(pid, signal.SIGSTOP)
                    time.sleep(1)
                    kill(pid, signal.SIGCONT)
                    house.until_works(3 * BACK_S)  # front leaves a silent keeper alone for 4 s
                    good = load.good
                    until(lambda load=load, good=good: load.good > good + 5, 3 * BACK_S)
                self.assertEqual(load.odd, [])
                self.assertLess(load.slowest, 10)
            self.assertEqual(house.processes(), before, house.log())

    def test_frozen_often(self):
        """Stopped and continued at any moment: a system call that is begun again is allowed."""
        rng = random.Random(35)
        with House() as house:
            house.up()
            before = house.processes()
            with Load(house, 2) as load:
                for _ in range(300):
                    pid = rng.choice(list(before.values()))
                    kill(pid, signal.SIGSTOP)
                    time.sleep(rng.random() * 0.005)
                    kill(pid, signal.SIGCONT)
            self.assertEqual(load.odd, [])
            house.until_works(BACK_S)
            self.assertEqual(house.processes(), before, house.log())


HANDLERS = re.compile(r"\b(?:bsd_|sysv_)?(?:signal|sigset|sigvec)\s*\([^,()]+,"
                      r"(?!\s*(?:SIG_IGN|SIG_DFL)\b)|\bsa_(?:handler|sigaction)\b"
                      r"(?!\s*=\s*(?:SIG_IGN|SIG_DFL)\b)")


def handlers(text):
    """Lines that install a handler of a signal: what is neither ignored nor as ever."""
    text = re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), text, flags=re.S)
    return [number for number, line in enumerate(text.splitlines(), 1) if HANDLERS.search(line)]


class Signals(unittest.TestCase):
    def test_signals_and_handlers(self):  # proves: RL-31
        """RL-31 in one: the storm alone, or the look at the source alone, is half of it."""
        self.no_handler_is_installed()
        self.storm()

    def no_handler_is_installed(self):
        """Signals that mean something are read from a signalfd; there is no code that one could
        interrupt half way."""
        for bad in ("signal(SIGTERM, on_term);", "struct sigaction a = { .sa_handler = stop };",
                    "a.sa_sigaction = stop;", "signal(SIGINT, handlers[i]);",
                    "action->sa_handler(3);"):
            self.assertEqual(handlers(f"/* a\n b */\n{bad}\n"), [3], bad)
        for good in ("signal(SIGPIPE, SIG_IGN);", "struct sigaction a = { .sa_handler = SIG_DFL };",
                     "process_signal(NULL, pidfd, SIGTERM);", "/* signal(SIGTERM, x); */"):
            self.assertEqual(handlers(good), [], good)
        sources = sorted((ROOT / "src").rglob("*.[ch]"))
        self.assertGreater(len(sources), 200)
        found = [(str(path), handlers(path.read_text())) for path in sources]
        self.assertEqual([row for row in found if row[1]], [])
        reads = [path.name for path in sources if "signalfd(" in path.read_text()]
        self.assertEqual(sorted(reads), ["main.c", "up.c"])

    def storm(self):
        """Signals that ask for nothing change nothing; each process that is killed meanwhile is
        reaped once and started again; however often it is told, the house stops once."""
        rng = random.Random(31)
        calm = [signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG]
        with House() as house:
            house.up()
            before = house.processes()
            children = [pid for name, pid in before.items() if name != "monitor"]
            for _ in range(50000 if FULL else 1500):
                kill(before["monitor"], rng.choice(calm))
                kill(rng.choice(children), rng.choice(calm + [signal.SIGINT]))
            house.until_works(BACK_S)
            self.assertEqual(house.processes(), before, house.log())
            for _ in range(4):
                now = house.processes()
                victim = rng.choice([name for name in now if name != "monitor"])
                for count in range(60):
                    kill(before["monitor"], rng.choice(calm))
                    if count == 30:
                        kill(now[victim])
                house.until_works(12)
            zombies = [entry for entry in os.listdir("/proc") if entry.isdigit() and
                       (stat_of(entry) or ("", "", 0))[1:] == ("Z", before["monitor"])]
            self.assertEqual(zombies, [])
            for _ in range(200):
                kill(before["monitor"], rng.choice([signal.SIGTERM, signal.SIGINT, *calm]))
            until(lambda: not house.processes(), 15)
            self.assertEqual(house.log().count("stopping signal="), 1)
            self.assertEqual(house.log().count("monitor stopped"), 1)
            house.up()
            house.until_works(BACK_S)

    def test_interrupt_of_the_terminal(self):
        """--foreground: an interrupt goes to the whole group, and the house ends in order."""
        with House() as house:
            here = subprocess.Popen(house.words("up", "--foreground"), start_new_session=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            here.stdout.readline()
            house.until_works(BACK_S)
            house.processes()
            os.killpg(here.pid, signal.SIGINT)
            here.communicate(timeout=20)
            self.assertEqual(here.returncode, 0)
            self.assertEqual((house.state / "run/lock").read_bytes(), b"")


if __name__ == "__main__":
    import tap
    tap.main()
