"""test_run_surface.py - the system calls that a job can make are those of src/sandbox/job.seccomp, in
every tier and for every argument that the list looks at; they are fewer than Docker's default."""

import pathlib
import re
import subprocess

import tap
from commands import WARD
from machines import Machines, needs_machine
from oci import Image, entry, folder
from sandboxes import Jobs, needs_sandbox, with_both
from ward import BUILD, ROOT

SURFACE = BUILD / "tests/sandbox/sandbox_surface"
# Tried by none: what says so, and what goes past every filter (see surface.c).
LEFT_OUT = {1, 231, 335, 336}
# The calls that amd64 has in Docker's default profile for a container without a capability (moby at b985e23,
# vendor/github.com/moby/profiles/seccomp/default.json): how many, and those of them that no job of ours has.
DOCKER = 294
DOCKERS_MORE = """adjtimex clock_adjtime epoll_ctl_old epoll_wait_old fanotify_mark get_thread_area io_cancel
io_destroy io_getevents io_pgetevents io_setup io_submit memfd_secret modify_ldt name_to_handle_at process_mrelease
process_vm_readv process_vm_writev ptrace remap_file_pages set_thread_area setgroups sync vmsplice""".split()


CONDITION = r"arg(\d) & 0x(\w+) (==|!=) 0x(\w+)"


def rules():
    """{call: its conditions, as lists of (argument, mask, value, whether it is to be it)} of the list that was
    reviewed: of the lists that say what it is to be one must hold, of those that say what it is not to be all."""
    found = {}
    for line in (ROOT / "src/sandbox/job.seccomp").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        assert re.fullmatch(rf"\w+( {CONDITION}(, {CONDITION})?)?", line), line
        name, _, rest = line.partition(" ")
        found.setdefault(name, [])
        if rest:
            found[name].append([(int(at), int(mask, 16), int(value, 16), sign == "==")
                                for at, mask, sign, value in re.findall(CONDITION, rest)])
    return found


def numbers():
    header = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").read_text()
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", header)}


def allowed(conditions, argument, value):
    given = [0] * 6
    if argument == 6:
        given[0], given[1] = value & 255, value >> 8
    elif argument >= 0:
        given[argument] = value
    held = [all((given[at] & mask == wanted) == to_be for at, mask, wanted, to_be in one) for one in conditions]
    return all(held) if not conditions[0][0][3] else any(held)


def values():
    """What each argument is tried with, as surface.c does."""
    yield -1, 0
    for argument in range(6):
        small = range(3, 64) if argument == 0 else ()
        for value in {*(1 << bit for bit in range(64)), *small, (1 << 32) - 1, (1 << 64) - 1}:
            yield argument, value
    yield from ((1, value) for value in (0x5412, 0x5877, 0x5878, 0x5879, 0x587d, 0x5413, 0x587b))
    yield from ((6, family | kind << 8) for family in (1, 2, 10, 16, 17) for kind in range(16))


def documented():
    """The lines that a job under the list says."""
    known, lines = numbers(), {"door x32 0", "door i386 0", "over"}
    for name, conditions in rules().items():
        number = known[name]
        if number in LEFT_OUT:
            continue
        if not conditions:
            lines.add(f"{number} all")
        lines |= {f"{number} {argument} {value}" for argument, value in values()
                  if conditions and allowed(conditions, argument, value)}
    return lines


class Surface:
    few = ()

    def see(self):
        image = Image([folder("bin"), entry("bin/surface", SURFACE.read_bytes(), mode=0o755)])
        self.digest = image.pack(self.here / "surface.tar")
        subprocess.run([WARD, "image", "import", self.here / "surface.tar", self.digest, "--images", self.images],
                       check=True, capture_output=True)
        _, said = self.job("/bin/surface", ",".join(str(numbers()[name]) for name in rules()), *self.few,
                           more="[limits]\nmax_execution_seconds = 300\n")
        lines = set(re.findall(r"(?m)^(?:\d+ (?:all|-?\d+ \d+)|door \w+ \d+|over)$", said))
        self.assertEqual((sorted(lines - documented()), sorted(documented() - lines)), ([], []))


@needs_sandbox
class Containers(Surface, Jobs):
    @with_both
    def test_the_whole_surface_is_the_list(self):  # proves: RL-48
        self.see()

    def test_it_is_smaller_than_dockers(self):  # proves: RL-48
        """Each call of the list is one of Docker's: what there is beside those makes up the number."""
        listed = set(rules())
        self.assertEqual(listed & set(DOCKERS_MORE), set())
        self.assertEqual(len(listed) + len(DOCKERS_MORE), DOCKER)
        self.assertLess(len(listed), DOCKER)


@needs_machine
class InMachines(Surface, Machines):
    few = ("few",)  # each refused call waits for an answer, in an emulator

    def test_the_whole_surface_of_a_machine_is_the_list(self):  # proves: RL-48
        self.see()


if __name__ == "__main__":
    tap.main()
