"""sandbox_vm.py - the case of suite sandbox that is about virtual machines: how long a job's first
byte takes, against the bare QEMU with the same machine, kernel and memory whose first program says a
byte on its console and is done."""

import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

import house as houses

INIT = 'int main(void) { return write(1, "=", 1) < 0; }\n'
LATE_S = 60
MACHINE = ("-machine", "-cpu", "-m", "-smp")  # what both have alike


def initramfs(folder):
    """The least that a kernel begins: a console, and a static program."""
    import machines
    source = folder / "init.c"
    source.write_text("#include <unistd.h>\n" + INIT)
    subprocess.run(["cc", "-O2", "-static", source, "-o", folder / "init"], check=True)
    path = folder / "initramfs"
    path.write_bytes(machines.initramfs({"/init": (folder / "init").read_bytes()}))
    return path


def first_byte(words):
    """Milliseconds from its start to the byte it says; the rest is not waited for. What a firmware
    says on the console before it is not the guest's. An emulated machine can come to nothing on
    the way; `ward run` begins it anew, and so is a bare one."""
    for _ in range(3):
        said, taken, errors = hear(words)
        if said == b"=":
            return taken
    raise houses.Fault(f"it ended before it said anything: {errors}")


def hear(words):
    """(the byte, or nothing; milliseconds to it; what it said of errors)"""
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as errors, \
            subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                             bufsize=0) as run:
        late = threading.Timer(LATE_S, run.kill)
        late.start()
        said = b"?"
        while said not in (b"", b"="):
            said = run.stdout.read(1)
        taken = 1000 * (time.perf_counter() - begin)
        late.cancel()
        run.terminate()
        errors.seek(0)
        return said, taken, errors.read()


def words_of_machine(run):
    """{option: value} of the QEMU that a run has begun."""
    import machines
    while run.poll() is None:
        for pid in machines.descendants(run.pid):
            words = machines.command_of(pid).decode().split("\0")
            if words[0] == machines.QEMU:
                return dict(zip(words, words[1:]))
        time.sleep(0.01)
    raise houses.Fault("no machine was begun")


def bare(words, images):
    """The words of the bare machine, which is what Ward's is."""
    import machines
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as run:
        ours = words_of_machine(run)
        run.terminate()
    folder = pathlib.Path(tempfile.mkdtemp(dir=images.parent))
    alike = [word for name in MACHINE for word in (name, ours[name])]
    return [machines.QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-monitor", "none", "-serial", "stdio", *alike, "-kernel", images / "machine/kernel",
            "-initrd", initramfs(folder), "-append", ours["-append"] + " console=ttyS0"]


def prepare(ward, images):
    """A kernel beside the images; what is missing for it, if anything."""
    import machines
    if not pathlib.Path(machines.QEMU).exists() or not shutil.which("mksquashfs"):
        raise houses.NoFigure("skip", "no QEMU or mksquashfs")
    there = machines.kernel()
    subprocess.run([ward, "image", "build", there / "kernel", there / "modules", "--images", images],
                   check=True, capture_output=True)
    return machines.VM + machines.SMALL.format(512)
