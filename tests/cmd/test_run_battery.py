"""test_run_battery.py - ways out of sandboxes that are known from others' (tests/sandbox/escape.c), each
really gone, in a container of each runtime and in a virtual machine: none leads out, what they reach
for on the host is as it was, and the next job is served."""

import ctypes
import hashlib
import os
import pathlib
import random
import re
import secrets
import subprocess
import time

import tap
from commands import WARD
from machines import Machines, needs_machine
from oci import Image, entry, folder, link, tar
from sandboxes import BUSYBOX, Jobs, image_of_tests, needs_sandbox, with_both
from test_run_surface import numbers
from ward import BUILD

ESCAPE = BUILD / "tests/sandbox/sandbox_escape"
LIST = "/ways"
KEY = 0x57415244
# Sockets that are refused and not told: those of netlink, for which C libraries ask.
UNTOLD = 5
WRITTEN = """/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/hostname /proc/sys/kernel/sysrq
/proc/sys/kernel/printk /proc/sys/kernel/hotplug /proc/sys/kernel/domainname /proc/sys/kernel/cap_last_cap
/proc/sys/kernel/ns_last_pid /proc/sys/kernel/yama/ptrace_scope /proc/sys/kernel/perf_event_paranoid
/proc/sys/kernel/unprivileged_bpf_disabled /proc/sys/kernel/shmmax /proc/sys/kernel/msgmax /proc/sys/fs/file-max
/proc/sys/fs/suid_dumpable /proc/sys/fs/protected_symlinks /proc/sys/fs/pipe-max-size /proc/sys/fs/binfmt_misc/register
/proc/sys/fs/mqueue/queues_max /proc/sys/vm/overcommit_memory /proc/sys/vm/drop_caches /proc/sys/vm/panic_on_oom
/proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/core/somaxconn
/proc/sys/user/max_user_namespaces /proc/sysrq-trigger /proc/self/oom_score_adj /proc/1/oom_score_adj /proc/self/uid_map
/proc/self/gid_map /proc/self/setgroups /proc/1/uid_map /proc/self/projid_map /proc/self/attr/current
/proc/self/attr/exec /proc/self/attr/fscreate /proc/thread-self/attr/current /proc/self/attr/apparmor/exec
/proc/self/timens_offsets /proc/irq/default_smp_affinity /proc/mtrr /proc/acpi/wakeup /proc/scsi/scsi /proc/bus/pci/devices
/proc/fs/ext4 /proc/driver/rtc /proc/mounts /proc/self/exe /proc/1/exe /proc/self/map_files /proc/self/sched/x
/sys/kernel/uevent_helper /sys/kernel/profiling /sys/kernel/mm/ksm/run /sys/kernel/security/apparmor/.load
/sys/kernel/debug/tracing/trace /sys/kernel/tracing/trace_marker /sys/power/state /sys/power/disk
/sys/fs/cgroup/memory/release_agent /sys/fs/cgroup/release_agent /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/memory/tasks
/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/devices/devices.allow
/sys/fs/cgroup/freezer/tasks /sys/fs/cgroup/unified/cgroup.procs /sys/fs/fuse/connections/1/abort /sys/fs/bpf/x
/sys/class/net/lo/mtu /sys/block/loop0/uevent /sys/module/fuse/uevent /sys/firmware/efi/efivars/x
/dev/mem /dev/kmem /dev/port /dev/kmsg /dev/fuse /dev/kvm /dev/loop-control /dev/loop0 /dev/vda /dev/sda /dev/nvme0n1
/dev/mapper/control /dev/net/tun /dev/vhost-vsock /dev/vsock /dev/uinput /dev/userfaultfd /dev/snapshot /dev/nvram
/dev/cpu/0/msr /dev/console /dev/tty0 /dev/tty1 /dev/ttyS0 /dev/ptmx /dev/pts/0 /dev/pts/ptmx /dev/vport0p1 /dev/hpet
/dev/watchdog /dev/rtc0 /dev/btrfs-control /dev/autofs /dev/ppp /dev/sgx_enclave /dev/tdx_guest /dev/nsm /dev/tpm0
/etc/shadow /bin/busybox /dev/new""".split()
READ = """/proc/kcore /proc/kmsg /proc/kallsyms /proc/keys /proc/key-users /proc/modules /proc/slabinfo /proc/vmallocinfo
/proc/timer_list /proc/sched_debug /proc/kpagecount /proc/kpageflags /proc/kpagecgroup /proc/pagetypeinfo /proc/interrupts
/proc/vmcore /proc/latency_stats /proc/1/map_files /proc/2/environ /proc/2/root /proc/sysvipc/none
/sys/kernel/debug /sys/kernel/notes /sys/kernel/vmcoreinfo /sys/firmware/dmi/tables/DMI /sys/class/dmi/id/product_uuid
/dev/mqueue /dev/shm/none /run/docker.sock /var/run/docker.sock /run/containerd/containerd.sock /run/crun /run/runc
/var/lib/ward-jobs /vm/kernel /.dockerenv /config.json /../config.json /proc/1/cwd/../config.json
/proc/self/root/../../../var/lib/ward-jobs /proc/1/root/var/lib/ward-jobs /proc/self/cwd/../../../../../var/lib/ward-jobs
/proc/self/task/1/root/../var/lib/ward-jobs /dev/fd/../../../var/lib/ward-jobs""".split()
# What a masked path is covered with, and what the runtime has to find where it was.
REPLACED = """/dev/null /dev/zero /dev/console /dev/pts /dev/fd /dev/stdin /dev /proc /proc/sys /proc/kcore /proc/self/attr
/proc/sysrq-trigger /output /bin/busybox /etc /sys""".split()


def ways(*canaries):
    rows = [f"w {path}" for path in WRITTEN] + [f"r {path}" for path in READ] + [f"m {path}" for path in REPLACED]
    for canary in canaries:
        rows += [f"{how} {before}{canary}" for how in "rwm"
                 for before in ("", "/proc/1/root", "/proc/self/cwd/../../../../../../..", "/output/../../../../../../..")]
    return "".join(row + "\n" for row in rows).encode()


def some(rows, few=2):
    """All of them with WARD_FULL, else a few, others each time; WARD_SEED says which."""
    seed = int(os.environ.get("WARD_SEED", time.time()))
    rows = list(rows)
    print(f"# seed {seed}")
    return rows if "WARD_FULL" in os.environ else random.Random(seed).sample(rows, few)


def digest_of(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def of_the_host():
    """What an escape would have changed, as it is."""
    texts = [pathlib.Path("/proc/sys/kernel", name) for name in
             ("core_pattern", "modprobe", "hostname", "domainname", "sysrq", "printk")]
    texts += [pathlib.Path("/proc/sys/vm/overcommit_memory"), pathlib.Path("/sys/kernel/uevent_helper"),
              *sorted(pathlib.Path("/sys/fs/cgroup").glob("*/release_agent"))]
    found = {str(path): path.read_text() for path in texts if path.exists()}
    found |= {path: digest_of(path) for path in ("/usr/bin/crun", "/usr/sbin/runc", "/bin/busybox", "/etc/passwd")
              if os.path.exists(path)}
    return found | {"null": os.stat("/dev/null").st_mode, "namespaces": os.readlink("/proc/self/ns/mnt")}


class SharedMemory:
    """A piece of the host's, of a known key, with a word in it."""

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.shmat.restype = ctypes.c_void_p
        self.number = self.libc.shmget(KEY, 4096, 0o1666)  # IPC_CREAT, for everybody
        assert self.number >= 0, os.strerror(ctypes.get_errno())
        self.at = self.libc.shmat(self.number, None, 0)
        ctypes.memmove(self.at, b"canary", 6)

    def close(self):
        kept = ctypes.string_at(self.at, 6)
        self.libc.shmctl(self.number, 0, None)  # IPC_RMID
        return kept


class Battery:
    """What is the same in every tier."""

    more = "[limits]\nmax_execution_seconds = 300\n"

    def image(self, *canaries):
        image = Image([folder("bin"), entry("bin/busybox", pathlib.Path(BUSYBOX).read_bytes(), mode=0o755),
                       *(link(f"bin/{name}", "busybox") for name in ("sh", "true", "cat")),
                       entry("bin/escape", ESCAPE.read_bytes(), mode=0o755),
                       entry("bin/marked", ESCAPE.read_bytes(), mode=0o6755), folder("etc"), folder("tmp", mode=0o1777),
                       entry("etc/shadow", b"of the image"), entry(LIST[1:], ways(*canaries))])
        self.digest = image.pack(self.here / "battery.tar")
        subprocess.run([WARD, "image", "import", self.here / "battery.tar", self.digest, "--images", self.images],
                       check=True, capture_output=True)

    def tried(self, canary):
        """{way: what came of it}"""
        self.result, said = self.job("/bin/escape", LIST, str(canary), hex(KEY), more=self.more)
        self.said = said
        return dict(re.findall(r"(?m)^(\S+) (done|other|absent|denied \d+)$", said))

    def none_leads_out(self):
        canary = self.here / "canary"
        words = secrets.token_hex(16)
        canary.write_text(words)
        canary.chmod(0o666)
        self.image(canary)
        before, shared = of_the_host(), SharedMemory()
        try:
            tried = self.tried(canary)
        finally:
            self.assertEqual(shared.close(), b"canary")
        self.assertEqual({way: came for way, came in tried.items() if came == "done"}, {})
        self.assertGreaterEqual(len(tried), 400)
        self.assertGreaterEqual(len([way for way in tried if way.startswith("call-")]), 120)
        # By the list, and not for what it was given: ENOSYS is what it says of clone3.
        self.assertEqual({way: came for way, came in tried.items() if way.startswith("call-")
                          and came != ("denied 38" if way == "call-clone3-user" else "denied 1")}, {})
        self.tells_what_was_refused()
        self.assertNotIn(words, self.said)
        self.assertEqual(canary.read_text(), words)
        self.assertEqual(of_the_host(), before)
        self.job("/bin/true", more=self.more)

    def tells_what_was_refused(self):
        """Each call as often as it was tried: but for clone3 and netlink, of which nothing is told."""
        names = {number: name for name, number in numbers().items()}
        tried = {names[int(number)]: int(count) for number, count in
                 re.findall(r"(?m)^tried (\d+) (\d+)$", self.said)}
        told = dict.fromkeys(tried, 0)
        for row in self.result["refusals"]:
            if row["rule"] == "call":
                told[row["words"].split()[3]] += row["count"]
        self.assertEqual(told, tried | {"clone3": 0, "socket": tried["socket"] - UNTOLD})
        self.assertFalse(self.result["refused_untold"])


@needs_sandbox
class Containers(Battery, Jobs):
    @with_both
    def test_none_leads_out(self):
        self.none_leads_out()

    def launched(self, *more, command=("/bin/sh", "-c", "cat /proc/self/root/canary /canary; exit 0"), **config):
        """What a job says whose image has these entries too, or why there is none."""
        image = image_of_tests()
        image.add(tar(more))
        image.config["config"] |= config
        digest = image.pack(self.here / "own.tar")
        imported = subprocess.run([WARD, "image", "import", self.here / "own.tar", digest, "--images", self.images],
                                  check=False, capture_output=True)
        if imported.returncode != 0:
            return imported.stderr.decode()
        spec = self.spec(*command)
        spec.write_text(spec.read_text().replace(self.digest, digest))
        done = self.run_spec(spec, "--runtime", self.runtime)
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    @with_both
    def test_folders_by_which_runtimes_were_left(self):
        """CVE-2024-21626: a folder to begin in that is a descriptor of the runtime's, by itself or through a
        link of the image's."""
        canary = self.here / "canary"
        canary.write_text(secrets.token_hex(16))
        up = "../" * 12
        script = f"cat {up}{str(canary)[1:]}; ls {up}var/lib/ward-jobs; exit 0"
        folders = [f"{before}/{number}" for number in range(3, 12)
                   for before in ("/proc/self/fd", "/proc/1/fd", "/dev/fd", "/proc/thread-self/fd")]
        for folder_at, linked in some((folder_at, linked) for folder_at in folders for linked in (False, True)):
            with self.subTest(folder=folder_at, linked=linked):
                said = self.launched(*([link("begin", folder_at)] if linked else []),
                                     command=("/bin/sh", "-c", script),
                                     WorkingDir="/begin" if linked else folder_at)
                self.assertNotIn(canary.read_text(), said)
                self.assertRegex(said, "JOB_IMAGE|JOB_START|No such file")
        self.job("/bin/true")

    @with_both
    def test_programs_that_are_the_runtime(self):
        """CVE-2019-5736: a command that is whoever begins it, and one that waits for it to be written to."""
        before = of_the_host()
        script = b"#!/proc/self/exe\n"
        waits = ("for i in 1 2 3 4 5 6 7 8 9; do for p in /proc/[0-9]*; do echo x >$p/exe; "
                 "cat $p/exe | head -c 1; done; done; exit 0")
        for entries, command in ((((entry("bin/own", script, mode=0o755),)), ("/bin/own",)),
                                 ((link("bin/own", "/proc/self/exe"),), ("/bin/own", "--version")),
                                 ((link("bin/own", "/proc/1/exe"),), ("/bin/own", "--version")),
                                 ((), ("/bin/sh", "-c", waits))):
            with self.subTest(command=command):
                said = self.launched(*entries, command=command)
                self.assertNotIn("commit:", said)
                self.assertEqual(of_the_host(), before)
        self.job("/bin/true")

    @with_both
    def test_places_that_lead_away(self):
        """CVE-2021-30465, CVE-2025-31133, CVE-2025-52565, CVE-2025-52881: where the runtime mounts and
        makes something, the image has links, to outside and to the kernel's files."""
        canary = self.here / "canary"
        canary.mkdir(exist_ok=True)
        before = of_the_host()
        up = "../" * 12
        targets = (up + str(canary)[1:], "/proc/self/fd/7", "/proc/1/root", "/proc/sys/kernel", ".")
        places = ("proc", "dev", "output", "job", "sys", "dev/null", "dev/console", "dev/pts", "proc/sys")
        for name, target in some((name, target) for name in places for target in targets):
            above = name.rpartition("/")[0]
            with self.subTest(place=name, target=target):
                said = self.launched(*([folder(above)] if above else []), link(name, target),
                                     command=("/bin/sh", "-c", "echo x >/output/x; echo x >/proc/attr; exit 0"))
                self.assertEqual(os.listdir(canary), [], said)
                self.assertEqual(of_the_host(), before)
                if name in ("proc", "dev", "output", "job", "sys"):
                    self.assertIn(f"JOB_IMAGE: its /{name} is no folder", said)
        self.job("/bin/true")


@needs_machine
class InMachines(Battery, Machines):
    def test_none_leads_out_of_a_machine(self):
        self.none_leads_out()


if __name__ == "__main__":
    tap.main()
