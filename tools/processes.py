"""processes.py - docs/processes.md, what each process of the house is and may do, made from the
tables of the code: `struct process` and its doors, the monitor's plan and the lists of system
calls. --write makes it anew, --check fails when it is stale. Either fails when the tables
contradict one another."""

import ast
import dataclasses
import pathlib
import re
import sys

import limits
import tree

FOLDER, DOCUMENT, PLAN = "src/proc", "docs/processes.md", "src/proc/monitor/children.c"
PROCESS = re.compile(r"static const struct process \w+ = \{(.*?)\n\};", re.S)
DOORS = re.compile(r"static const struct door \w+\[\] = \{(.*?)\n\};", re.S)
PLAN_ROWS = re.compile(r"const struct plan_row monitor_plan\[\] = \{(.*?)\n\};", re.S)
HEAD = """# Processes

The house is one monitor and the processes that it starts, each an executable in `libexec/ward/`. What one of them may do when
somebody else has taken it over is this page and no more.

Each gets its descriptors from the monitor, opens what it must, and enters its jail before it reads the first message: a user of
its own (when started as root, 61200 and its number), no capability, no new privileges, Landlock where the kernel has it, only the
descriptors listed, limits for files, descriptors and processes, and a filter that kills it for every system call that is not
listed. It proves that by a child that makes a forbidden call and must die. The monitor starts again what ends; it never reads a
byte that a client sent, keeps its rights and is not filtered.

The runner in a house of root's is none of this: it stays root, in the machine's network and without a filter, and starts
`ward run` for each job. What its section says of user, network, system calls and processes holds in any other house.

A message goes in only through a door: from this peer, with so many bytes and descriptors. Anything else closes the channel; from
a peer that is trusted more it is a bug of the program, and the process stops.

This page is made by `tools/processes.py --write`; tests compare it with a running house and with what the kernel says of it.
"""


@dataclasses.dataclass
class Door:
    message: str
    peers: set
    least: int
    most: int
    fds: int
    states: str      # "~0u": any


@dataclasses.dataclass
class Process:
    name: str
    about: str
    number: int      # of enum peer
    peers: set
    trusts: set
    files: set       # kept in the jail
    fds: int
    file_bytes: int
    memory: int
    network: bool    # an empty network namespace of its own
    forks: bool
    opened: int      # descriptors that it opens itself and keeps
    doors: list
    calls: list      # (why, [call])
    planned: tuple   # (program, peers, files) of the monitor; None: it is not started


def members(kind, text):
    """IN(PEER_A) | IN(PEER_B) -> {"A", "B"}"""
    return set(re.findall(rf"\bIN\({kind}_(\w+)\)", text or ""))


def split(text):
    """The parts between the commas that stand in no bracket."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "({") - (sign in ")}")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def rows(text):
    return [split(row.strip()[1:-1]) for row in split(text)]


def fields(text):
    return dict(re.match(r"\.(\w+) = (.*)", part, re.S).groups() for part in split(text))


def enumeration(root, file, name):
    """{name: number}"""
    body = re.search(rf"enum {name} \{{(.*?)\}}", tree.code(tree.read(root, file)), re.S)[1]
    found, number = {}, 0
    for part in filter(None, map(str.strip, body.split(","))):
        word, _, given = map(str.strip, part.partition("="))
        found[word] = number = int(given) if given else number
        number += 1
    return found


class Numbers:
    """Expressions of the code as numbers."""

    def __init__(self, root):
        self.constants = limits.Constants(root)

    def of(self, file, text, default=None):
        if text is None:
            return self.of(file, default)
        text = re.sub(r"\(size_t\)|(?<=\d)[uUlL]+\b", "", text).replace("/", "//")
        return self.constants.work_out(file, ast.parse(" ".join(text.split()), mode="eval").body)


def about(root, folder, main):
    """What the process is: the first sentences of the header that its main.c points to."""
    header = re.search(r"see (\w+\.h)", tree.read(root, main))[1]
    text = re.match(r"/\* \S+ - (.*?)(?:\n\n|\*/)", tree.read(root, f"{folder}/{header}"), re.S)[1]
    text = " ".join(text.split())
    return text[0].upper() + text[1:]


def calls_of(text):
    groups, why, open_group = [], [], False
    for line in text.splitlines():
        if line.startswith("#"):
            why = [] if open_group else why
            why.append(line.strip("# "))
            open_group = False
        elif line:
            if not open_group:
                groups.append((" ".join(" ".join(why).split()), []))
            groups[-1][1].append(line)
            open_group = True
        else:
            why, open_group = [], False
    return groups


def plan(root):
    found = {}
    for peer, program, peers, files in rows(
            PLAN_ROWS.search(tree.code(tree.read(root, PLAN), keep_strings=True))[1]):
        found[peer.removeprefix("PEER_")] = (program.strip('"'), members("PEER", peers),
                                             members("FILE", files))
    return found


def process_of(root, main, numbers, peers, planned):
    folder = main.rpartition("/")[0]
    name = folder.rpartition("/")[2]
    code = tree.code(tree.read(root, main), keep_strings=True)
    own = fields(PROCESS.search(code)[1])
    doors = [Door(message, members("PEER", who), numbers.of(main, least), numbers.of(main, most),
                  numbers.of(main, fds), states)
             for message, who, states, least, most, fds, _ in rows(DOORS.search(code)[1])]
    opened = sum(len(re.findall(r"\bhouse_keep_fd\(", tree.code(tree.read(root, file))))
                 for file in tree.files(root, ".c", under=("src",)) if file.startswith(folder + "/"))
    peer = own["peer"].removeprefix("PEER_")
    return Process(
        name, about(root, folder, main), peers[own["peer"]], members("PEER", own.get("peers")),
        members("PEER", own.get("trusts")), members("FILE", own.get("files")),
        numbers.of(main, own["fds"]),
        numbers.of(main, own.get("file_bytes"), "HOUSE_FILE_BYTES_MAX"),
        numbers.of(main, own.get("memory"), "HOUSE_MEMORY"), own.get("own_network") == "true",
        own.get("forks") == "true", opened, doors,
        calls_of(tree.read(root, f"{folder}/{name}.syscalls")), planned.get(peer))


def processes(root):
    """Every process but the monitor, in the order of starting."""
    numbers, planned = Numbers(root), plan(root)
    peers = enumeration(root, f"{FOLDER}/peer.h", "peer")
    mains = [file for file in tree.files(root, "/main.c", under=("src",))
             if file.startswith(FOLDER + "/") and PROCESS.search(tree.read(root, file))]
    found = [process_of(root, main, numbers, peers, planned) for main in mains]
    return sorted(found, key=lambda process: process.number)


def faults(found):
    """Where two tables say different things."""
    by_name = {process.name.upper(): process for process in found}
    for process in found:
        name = process.name
        if process.planned is None:
            yield f"{name}: the monitor does not start it"
            continue
        program, peers, files = process.planned
        if program != f"ward-{name}":
            yield f"{name}: the monitor starts {program}"
        if peers != process.peers:
            yield f"{name}: talks to {words(process.peers)}, and is connected with {words(peers)}"
        if not process.files <= files:
            yield f"{name}: keeps {words(process.files - files)}, which it is not given"
        if not process.trusts <= process.peers:
            yield f"{name}: trusts {words(process.trusts - process.peers)}, which it does not know"
        for peer in sorted(process.peers):
            if peer not in by_name or name.upper() not in by_name[peer].peers:
                yield f"{name}: talks to {peer.lower()}, which does not talk to it"
        for door in process.doors:
            if not door.peers or not door.peers <= process.peers:
                yield f"{name}: {door.message} is for {words(door.peers - process.peers)}, " \
                      "which cannot knock"
            if door.least > door.most:
                yield f"{name}: {door.message} is for no size"
    files = [file for process in found if process.planned for file in process.planned[2]]
    for file in sorted({file for file in files if files.count(file) > 1}):
        yield f"{file.lower()} is handed to more than one process"


def words(names):
    return ", ".join(sorted(name.lower().replace("_", " ") for name in names)) or "nobody"


def size(number):
    for shift, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if number >= 1 << shift and number % (1 << shift) == 0:
            return f"{number >> shift} {unit}"
    return str(number)


def section(process):
    program, _, files = process.planned
    yield f"\n## {process.name}\n\n{process.about}\n"
    yield "| | |\n|---|---|"
    yield f"| program | `{program}` |"
    yield f"| user, as root | {61200 + process.number} |"
    yield f"| talks to | {words(process.peers)} |"
    yield f"| trusts more than itself | {words(process.trusts)} |"
    yield f"| is given | {words(files) if files else 'nothing'} |"
    yield f"| keeps in its jail | {words(process.files) if process.files else 'nothing'} |"
    yield f"| opens itself and keeps | {process.opened} |"
    yield f"| descriptors at most | {process.fds} |"
    yield f"| bytes of a file at most | {size(process.file_bytes)} |"
    yield f"| memory of its own arena at most | {size(process.memory)} |"
    yield f"| network | {'none, a namespace of its own' if process.network else 'that of the house: empty as root'} |"
    yield f"| makes processes | {'yes' if process.forks else 'no'} |"
    yield "\n| door | from | bytes | descriptors |\n|---|---|---|---|"
    for door in process.doors:
        span = str(door.least) if door.least == door.most else f"{door.least} to {door.most}"
        when = "" if door.states == "~0u" else f" while `{door.states}`"
        yield f"| `{door.message}` | {words(door.peers)}{when} | {span} | {door.fds} |"
    yield "\n| system calls | why |\n|---|---|"
    for why, calls in process.calls:
        yield f"| {', '.join(f'`{call}`' for call in calls)} | {why} |"


def document(found):
    lines = [HEAD, "| process | user | talks to | system calls | doors |\n|---|---|---|---|---|"]
    for process in found:
        count = sum(len(calls) for _, calls in process.calls)
        lines.append(f"| [{process.name}](#{process.name}) | {61200 + process.number} | "
                     f"{words(process.peers)} | {count} | {len(process.doors)} |")
    for process in found:
        lines += section(process)
    return "\n".join(lines) + "\n"


def main():
    parser = tree.parser(__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    root = pathlib.Path(options.root)
    known = processes(root)
    found = list(faults(known))
    if not found:
        wanted, path = document(known), root / DOCUMENT
        if options.write:
            path.write_text(wanted)
        elif not path.exists() or path.read_text() != wanted:
            found.append(f"{DOCUMENT}: stale; run tools/processes.py --write")
    for fault in found:
        print(f"processes: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
