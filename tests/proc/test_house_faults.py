"""test_house_faults.py - processes of the house stormed with signals and stopped at any moment: it
goes on, and nobody gets another's answer.

WARD_FULL=1 in the environment: 100,000 signals."""

import os
import pathlib
import random
import re
import signal
import subprocess
import time
import unittest

from house import House, stat_of, until
from house_load import BACK_S, ROOMY, Load, kill

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FULL = os.environ.get("WARD_FULL") == "1"


class Often(unittest.TestCase):
    def test_frozen_often(self):
        """Stopped and continued at any moment: a system call that is begun again is allowed."""
        rng = random.Random(35)
        with House() as house:
            house.up(*ROOMY)
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
                      r"(?!\s*[!=]?=\s*(?:SIG_IGN|SIG_DFL)\b)")


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
        reads = [str(path.relative_to(ROOT / "src")) for path in sources if "signalfd(" in path.read_text()]
        self.assertEqual(reads, ["cmd/sim_agent.c", "cmd/up.c", "machine/main.c", "proc/monitor/main.c",
                                 "sandbox/supervise.c", "sandbox/wishes.c"])

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
