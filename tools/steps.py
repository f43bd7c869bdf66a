"""steps.py - runs the steps of ./check: two at a time where they do not wait for one
another, each with a log of its own, and adds up what they found. It knows nothing of
what a step does."""

import concurrent.futures
import dataclasses
import os
import re
import subprocess
import sys
import time


@dataclasses.dataclass
class Count:
    """What a step found. `why` are the lines shown to the reader when it failed."""
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    why: list = dataclasses.field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


PASS = Count(passed=1)


def fail(*why):
    return Count(failed=1, why=list(why))


@dataclasses.dataclass
class Step:
    """run(log) returns a Count; `log` is the file it may write to. `after` names the
    steps that must have passed: else this one is not run and counts as failed."""
    name: str
    run: object
    after: tuple = ()


def command(*words, cwd=None, env=None, interesting=None):
    """A step that runs one program: exit 0 passes. `interesting` is a pattern of the
    log lines worth showing on failure; without it, or without a match, the tail."""

    def run(log):
        code = execute(log, words, cwd, env)
        return PASS if code == 0 else fail(*excerpt(log, interesting), f"exit code {code}")

    return run


def execute(log, words, cwd=None, env=None):
    """Runs a program, output to the end of the log; returns its exit code."""
    words = [str(word) for word in words]
    with open(log, "a", encoding="utf-8") as out:
        print("+", " ".join(words), file=out, flush=True)
        try:
            return subprocess.run(words, cwd=cwd, env=os.environ | (env or {}), stdout=out,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                  check=False).returncode
        except OSError as error:
            print(error, file=out)
            return 127


def excerpt(log, interesting=None, most=25):
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    marked = [i for i, line in enumerate(lines) if interesting and re.search(interesting, line)]
    if not marked:
        return lines[-most:]
    chosen = sorted({j for i in marked for j in range(i, min(i + 6, len(lines)))})
    return [lines[i] for i in chosen[:most]]


class Screen:
    """One line per finished step; on a terminal also what is running now."""

    def __init__(self, out=sys.stdout):
        self.out = out
        self.lively = out.isatty() and not os.environ.get("NO_COLOR")

    def running(self, names):
        if self.lively:
            print(f"\r\033[K... {', '.join(names)}", end="", file=self.out, flush=True)

    def done(self, step, count, seconds, log):
        verdict = "FAIL" if count.failed else "ok"
        parts = [(count.passed, "passed"), (count.failed, "failed"), (count.skipped, "skipped")]
        several = sum(number for number, _ in parts) != 1
        detail = ", ".join(f"{number} {word}" for number, word in parts if number)
        if self.lively:
            print("\r\033[K", end="", file=self.out)
        print(f"{verdict:4} {seconds:6.1f} s  {step.name}{'  ' + detail if several else ''}",
              file=self.out)
        if count.failed:
            for line in count.why:
                print(f"       | {line}", file=self.out)
            print(f"       | log: {log}", file=self.out)
        self.out.flush()


class Schedule:
    """Runs the steps in the order of the table, as many at once as there are cores."""

    def __init__(self, steps, logs, screen=None):
        names = [step.name for step in steps]
        assert all(n in names[:i] for i, s in enumerate(steps) for n in s.after), "bad order"
        self.waiting, self.running = list(steps), {}
        self.passed, self.lost = set(), set()
        self.logs, self.screen, self.total = logs, screen or Screen(), Count()
        self.width = max(2, os.cpu_count() or 2)

    def run(self):
        """Returns the summed Count of all steps."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(self.width) as pool:
            while self.waiting or self.running:
                self.drop_hopeless()
                self.start_ready(pool)
                self.collect()
        return self.total

    def drop_hopeless(self):
        for step in list(self.waiting):
            cause = [name for name in step.after if name in self.lost]
            if cause:
                self.waiting.remove(step)
                self.finish(step, fail(f"not run, because this failed: {', '.join(cause)}"), 0.0)

    def start_ready(self, pool):
        for step in list(self.waiting):
            if len(self.running) < self.width and self.passed.issuperset(step.after):
                self.waiting.remove(step)
                self.running[pool.submit(timed, step, self.log_of(step))] = step

    def collect(self):
        if not self.running:
            return
        self.screen.running([step.name for step in self.running.values()])
        done, _ = concurrent.futures.wait(self.running, return_when="FIRST_COMPLETED")
        for future in done:
            self.finish(self.running.pop(future), *future.result())

    def finish(self, step, count, seconds):
        self.total.add(count)
        (self.lost if count.failed else self.passed).add(step.name)
        self.screen.done(step, count, seconds, self.log_of(step))

    def log_of(self, step):
        return self.logs / (re.sub(r"[^\w.-]+", "-", step.name).strip("-") + ".log")


def timed(step, log):
    begin = time.monotonic()
    log.write_text("")
    try:
        count = step.run(log)
    except Exception as error:  # a step that breaks is a failed step, never a lost one
        count = fail(f"{type(error).__name__}: {error}")
    return count, time.monotonic() - begin
