"""leaks.py - looks for secrets wherever they could go while programs are made to say no: in what they
print and answer, in files, in what ps shows, and in the memory of every process but the keeper.

A test program that stands in tests/leaks.tsv is watched by tap.py: canaries are around every program
that it starts, what they say is kept, each house is looked through when a test or the house ends, and
the reasons that stand beside it in the table must all have been said by then. Those that are about
nothing else always are, the others in a full check, for it takes time. A reason without a row is seen
by tests/proc/test_leaks.py. With WARD_LEAKS in the environment any program is watched, and says which
reasons came."""

import contextlib
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

import canary

ROOT = pathlib.Path(__file__).resolve().parents[1]
TABLE = ROOT / "tests/leaks.tsv"
CODE = re.compile(rb"(?<![A-Z0-9_])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![A-Z0-9_])")
PAGE, OF_FILE = 4096, 0x20  # the latter in the eighth byte of a row of pagemap
AROUND = {"CANARY_ONE": "kanarienvogel-7f3a-umgebung", "CANARY_TWO": "zeisig-41c9-drumherum-2b"}
KEPT_MAX = 1 << 25  # bytes that were said, before they are looked through
HIDDEN = ("seal", "phrase")  # files that are the secrets' own
WATCH = None


def every_reason():
    rows = re.findall(r"^REASON\((\w+),", (ROOT / "src/model/reasons.def").read_text(), re.M)
    return {name for name in rows if name != "OK"}


def rows():
    """(reason, test program or -, why it is -)"""
    for line in TABLE.read_text().splitlines():
        if line and line[0] != "#":
            yield tuple((line.split("\t") + [""])[:3])


def reasons_of(program):
    return {reason for reason, where, _ in rows() if where == program}


def reasons_in(data):
    return {word.decode() for word in CODE.findall(data)}


def pages_of(pid):
    """What a process has in memory that is no file's, also where it may not look itself; without
    pages of zeros."""
    kept = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as mem, \
            open(f"/proc/{pid}/pagemap", "rb") as there:
        for line in maps:
            first, last = (int(part, 16) for part in line.split()[0].split("-"))
            if "[v" in line:  # the kernel's own
                continue
            shared = line.split()[1][3] == "s"
            there.seek(first // PAGE * 8)
            flags = there.read((last - first) // PAGE * 8)
            for number in range(len(flags) // 8):
                state = flags[8 * number + 7]
                if state & 0xC0 == 0 or (state & OF_FILE and not shared):
                    continue
                mem.seek(first + number * PAGE)
                page = mem.read(PAGE)
                kept.append(page if page.strip(b"\0") else b"\0")
    return b"".join(kept)


class Leak(AssertionError):
    pass


class Forms:
    """Of many secrets, and a look through many texts for any part of one."""

    def __init__(self):
        self.parts = {}  # {form: what it is of}

    def knows(self, secrets):
        for secret in secrets:
            self.parts |= canary.parts_of(secret)

    def sweep(self, texts):
        """{name: text} for every part of every secret; how many texts there were."""
        lines = [form for form in self.parts if b"\n" not in form]
        others = [form for form in self.parts if b"\n" in form]
        with tempfile.NamedTemporaryFile() as patterns:
            patterns.write(b"\n".join(lines))
            patterns.flush()
            found = RUN(["grep", "-aqF", "-f", patterns.name], env={"LC_ALL": "C"},
                        input=b"\n".join(texts.values()), check=False).returncode
        if found not in (0, 1):
            raise Leak(f"grep ended with {found}")
        for name, text in texts.items():
            for form in self.parts if found == 0 else others:
                if form in text:
                    raise Leak(f"part of a secret in {name}")
        return len(texts)


RUN = subprocess.run  # as it is before anybody is watched


def secrets_of(state, seal):
    """What seals a house, and the private parts of its keys; none of a house whose seal is not in a
    file, or whose keyring is damaged by the test."""
    if str(ROOT / "tests/proc") not in sys.path:
        sys.path.append(str(ROOT / "tests/proc"))
    import lockbox
    with contextlib.suppress(OSError, ValueError, AssertionError, IndexError, KeyError):
        key = pathlib.Path(seal).read_bytes()
        plain = lockbox.plaintexts((state / "keyring").read_bytes(), key)
        return [key, *(part for one in plain for part in lockbox.privates(one))] if plain else []
    return []


def processes_of(state):
    """{what it is: pid} of a house's processes that live, but for the keeper."""
    found = {}
    with contextlib.suppress(OSError, IndexError, ValueError):
        monitor = int((state / "run/lock").read_text().split()[0])
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ProcessLookupError):
                name, _, rest = entry.read_text().partition(" (")[2].rpartition(") ")
                pid, parent = int(entry.parent.name), int(rest.split()[1])
                if name.startswith("ward-") and name != "ward-keeper" and monitor in (pid, parent):
                    found[f"{name} {pid}"] = pid
    return found


def texts_of_processes(state):
    texts = {}
    for name, pid in processes_of(state).items():
        # One that a test has just ended has nothing to show.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, OSError):
            for part in ("cmdline", "environ"):
                texts[f"{part} of {name}"] = pathlib.Path(f"/proc/{pid}/{part}").read_bytes()
            texts[f"memory of {name}"] = pages_of(pid)
    return texts


def texts_of_files(folder, seen):
    """Of those that are new, or other than what was seen of them."""
    texts = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            is_one = path.is_file() and not path.is_symlink() and not path.name.endswith(HIDDEN)
            now = path.stat()
            mark = (now.st_ino, now.st_size, now.st_mtime_ns)
            if is_one and seen.get(path) != mark:
                seen[path] = mark
                texts[str(path)] = path.read_bytes()
    return texts


class Watch:
    """Of one test program: what was said and not looked through yet, the houses that were started,
    and what was found."""

    def __init__(self):
        self.forms, self.houses = Forms(), {}
        self.said, self.size = [], 0
        self.reasons, self.faults = set(), []
        self.counts = {"texts": 0, "of processes": 0, "houses": 0}
        self.seen = {}  # of files
        self.forms.knows(AROUND.values())

    def hear(self, data):
        if data:
            self.said.append(bytes(data))
            self.size += len(data)
            if self.size > KEPT_MAX:
                self.look()

    def started(self, state):
        self.houses[pathlib.Path(state)] = True
        self.counts["houses"] += 1

    def look(self, state=None):
        """At all that was said, and at the houses; what leaks is told at the end, so that the tests
        themselves go their way."""
        texts = {"what was said": b"\n".join(self.said)}
        of_processes = {}
        self.said, self.size = [], 0
        for one in [pathlib.Path(state)] if state else self.houses:
            self.forms.knows(secrets_of(one, f"{one}.seal") + secrets_of(one, one / "seal"))
            of_processes |= texts_of_processes(one)
            texts |= texts_of_files(one, self.seen)
        for text in texts.values():
            self.reasons |= reasons_in(text)
        self.counts["texts"] += len(texts)
        self.counts["of processes"] += len(of_processes)
        try:
            self.forms.sweep(texts | of_processes)
        except Leak as leak:
            self.faults.append(str(leak))


def look(state):
    """Before a house is ended, or its folder removed."""
    if WATCH:
        WATCH.look(state)


def hear(text):
    """What came in a form that is not seen from outside: out of a channel, or as a number."""
    if WATCH:
        WATCH.hear(text if isinstance(text, bytes) else str(text).encode())


class Told(list):
    """The names of reasons by their numbers, as processes say them to one another."""

    def __getitem__(self, number):
        name = super().__getitem__(number)
        hear(name)
        return name


def is_ours(words):
    """Whether one of the first words is a program of the build, or a copy of one."""
    build = os.path.realpath(os.environ.get("WARD_BUILD") or ROOT / "build")
    paths = [os.path.realpath(os.fspath(word)) for word in words[:12]
             if isinstance(word, (str, os.PathLike))]
    return any(path.startswith(build) or path.endswith("/bin/ward") for path in paths)


def watch_programs(watch):
    """What our programs print; with canaries around them."""
    begin, talk = subprocess.Popen.__init__, subprocess.Popen.communicate

    def __init__(self, args, *more, **how):
        words = [args] if isinstance(args, (str, bytes, os.PathLike)) else list(args)
        # What lists all reasons was not made to say them.
        self.is_ours = is_ours(words) and "--reasons" not in words
        if self.is_ours:
            how["env"] = {**(os.environ if how.get("env") is None else how["env"]), **AROUND}
            words = list(map(str, words))
            if "--state" in words[:-1]:
                state = pathlib.Path(how.get("cwd") or "", words[words.index("--state") + 1])
                if "up" in words:
                    watch.started(state)
                if "down" in words:
                    watch.look(state)
        begin(self, args, *more, **how)

    def communicate(self, *more, **how):
        done = talk(self, *more, **how)
        for text in done if self.is_ours else ():
            watch.hear(text.encode(errors="replace") if isinstance(text, str) else text)
        return done

    subprocess.Popen.__init__, subprocess.Popen.communicate = __init__, communicate


def watch_sockets(watch):
    """What comes over connections of the test."""
    def hears(kind, name):
        take = getattr(kind, name)

        def into(self, buffer, *more):
            count = take(self, buffer, *more)
            watch.hear(memoryview(buffer)[:count])
            return count

        def taking(self, *more):
            data = take(self, *more)
            if isinstance(data, bytes):
                watch.hear(data)
            return data

        setattr(kind, name, into if name.endswith("_into") else taking)

    for kind, names in ((socket.socket, ("recv", "recv_into")),
                        (ssl.SSLSocket, ("recv", "recv_into")), (ssl.SSLObject, ("read",))):
        for name in names:
            hears(kind, name)


class Leaks(unittest.TestCase):
    """Stands behind the tests of a program that is watched."""

    wanted, skipped = frozenset(), ()

    def test_no_secret_in_all_that_was_said(self):
        WATCH.look()
        print(f"# {len(WATCH.reasons & every_reason())} reasons; looked through: "
              f"{', '.join(f'{count} {name}' for name, count in WATCH.counts.items())}", flush=True)
        if os.environ.get("WARD_LEAKS"):
            print(f"# {' '.join(sorted(WATCH.reasons & every_reason()))}", flush=True)
        self.assertEqual(WATCH.faults, [])
        missing = self.wanted - WATCH.reasons
        if missing and self.skipped:  # which tests/skips has to allow
            print(f"# what would say {' '.join(sorted(missing))} was skipped", flush=True)
            return
        self.assertEqual(missing, set())


def is_plain_build():
    """An instrumented one has a memory of its own, and starts no house."""
    about = pathlib.Path(os.environ.get("WARD_BUILD") or ROOT / "build") / "meson-info"
    try:
        options = json.loads((about / "intro-buildoptions.json").read_text())
    except OSError:
        return True
    return all(row["value"] == "none" for row in options if row["name"] == "b_sanitize")


def watch(program):
    """Begins to, when the program is in the table: the test that is to run behind all others."""
    global WATCH
    wanted = reasons_of(program)
    always = program.startswith("proc/test_no_secrets") or "WARD_FULL" in os.environ
    if not (wanted and always or os.environ.get("WARD_LEAKS")) or not is_plain_build():
        return None
    WATCH = Watch()
    watch_programs(WATCH)
    watch_sockets(WATCH)
    Leaks.wanted = wanted
    return unittest.defaultTestLoader.loadTestsFromTestCase(Leaks)
