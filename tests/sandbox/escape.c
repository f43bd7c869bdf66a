/* escape.c - a job that tries to get out of its sandbox by ways that are known, each in a process
   of its own: one static program, so that an image needs nothing else.  Each try is a line "NAME
   denied ERRNO", "NAME absent" where what it reaches for is not there at all, "NAME other" where
   another file lies in its place, or "NAME done": that is an escape, or begins one. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define AT(pointer)     ((long)(uintptr_t)(pointer))

/* What a child exits with beside an errno, of which none is so large. */
enum { DONE = 200, OTHER = 201, SECONDS = 5 };

static void tell(const char *kind, const char *name, pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : DONE;
    printf("%s%s ", kind, name);
    if (code == DONE)
        printf("done\n");
    else if (code == OTHER)
        printf("other\n");
    else if (code == ENOENT || code == ENXIO || code == ENODEV)
        printf("absent\n");
    else
        printf("denied %d\n", code);
    fflush(stdout);
}

static pid_t try_it(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        alarm(SECONDS);
    return child;
}

static _Noreturn void ends(long result)
{
    _exit(result < 0 ? errno : DONE);
}

/* --- calls: with what would make them succeed ------------------------------------------------- */

static char place[] = "/tmp";
static uint64_t zeros[32];

/* How often each call was tried: what whoever runs the job is told. */
enum { CALLS = 512 };
static unsigned tries[CALLS];

static void tell_tries(void)
{
    for (int number = 0; number < CALLS; number++) {
        if (tries[number] > 0)
            printf("tried %d %u\n", number, tries[number]);
    }
}

/* The number, and what is given. */
static void try_call(const char *name, const long call[7])
{
    tries[call[0]]++;
    pid_t child = try_it();
    if (child == 0)
        ends(syscall(call[0], call[1], call[2], call[3], call[4], call[5], call[6]));
    tell("call-", name, child);
}

#define CALL(name, ...) try_call(name, (const long[7]){ __VA_ARGS__ })

static void try_mounts(void)
{
    const long root = open("/", O_PATH | O_DIRECTORY), slash = AT("/"), here = AT(place);
    CALL("mount-proc", SYS_mount, AT("proc"), here, AT("proc"), 0, 0);
    CALL("mount-sysfs", SYS_mount, AT("sysfs"), here, AT("sysfs"), 0, 0);
    CALL("mount-tmpfs", SYS_mount, AT("tmpfs"), here, AT("tmpfs"), 0, 0);
    CALL("mount-cgroup", SYS_mount, AT("cgroup"), here, AT("cgroup"), 0, AT("memory"));
    CALL("mount-cgroup2", SYS_mount, AT("cgroup2"), here, AT("cgroup2"), 0, 0);
    CALL("mount-debugfs", SYS_mount, AT("debugfs"), here, AT("debugfs"), 0, 0);
    CALL("mount-devtmpfs", SYS_mount, AT("devtmpfs"), here, AT("devtmpfs"), 0, 0);
    CALL("mount-binfmt", SYS_mount, AT("binfmt_misc"), here, AT("binfmt_misc"), 0, 0);
    CALL("mount-overlay", SYS_mount, AT("overlay"), here, AT("overlay"), 0,
         AT("lowerdir=/bin:/etc"));
    CALL("mount-fuse", SYS_mount, AT("fuse"), here, AT("fuse"), 0, AT("fd=0,rootmode=40000"));
    CALL("mount-bind", SYS_mount, slash, here, 0, MS_BIND | MS_REC, 0);
    CALL("mount-open", SYS_mount, 0, AT("/proc/sys"), 0, MS_REMOUNT | MS_BIND, 0);
    CALL("mount-devices", SYS_mount, 0, slash, 0, MS_REMOUNT | MS_BIND, 0);
    CALL("mount-shared", SYS_mount, 0, slash, 0, MS_SHARED | MS_REC, 0);
    CALL("uncover", SYS_umount2, AT("/proc/kcore"), MNT_DETACH);
    CALL("uncover-proc", SYS_umount2, AT("/proc"), MNT_DETACH);
    CALL("pivot-root", SYS_pivot_root, AT("."), AT("."));
    CALL("chroot", SYS_chroot, here);
    CALL("open-tree", SYS_open_tree, AT_FDCWD, slash, 1 /* OPEN_TREE_CLONE */);
    CALL("move-mount", SYS_move_mount, root, AT(""), AT_FDCWD, here, 4);
    CALL("fsopen", SYS_fsopen, AT("proc"), 0);
    CALL("fspick", SYS_fspick, AT_FDCWD, slash, 0);
    CALL("fsconfig", SYS_fsconfig, root, 0, AT("a"), 0, 0);
    CALL("fsmount", SYS_fsmount, root, 0, 0);
    CALL("mount-setattr", SYS_mount_setattr, AT_FDCWD, slash, 0, AT(zeros), 32);
    CALL("by-handle", SYS_open_by_handle_at, root, AT(zeros), O_RDONLY);
    CALL("to-handle", SYS_name_to_handle_at, AT_FDCWD, slash, AT(zeros), AT(zeros), 0);
    CALL("fanotify", SYS_fanotify_init, 0, O_RDONLY);
    CALL("quota", SYS_quotactl, 0x800001 << 8, 0, 0, AT(zeros));
    CALL("quota-fd", SYS_quotactl_fd, root, 0x800001 << 8, 0, AT(zeros));
    CALL("swap-on", SYS_swapon, AT("/bin/busybox"), 0);
    CALL("swap-off", SYS_swapoff, AT("/bin/busybox"));
    CALL("account", SYS_acct, 0);
}

static void try_namespaces(void)
{
    static const struct {
        const char *name;
        unsigned flag;
    } kinds[] = { { "user", CLONE_NEWUSER }, { "mount", CLONE_NEWNS },     { "pid", CLONE_NEWPID },
                  { "net", CLONE_NEWNET },   { "ipc", CLONE_NEWIPC },      { "uts", CLONE_NEWUTS },
                  { "time", 0x80 },          { "cgroup", CLONE_NEWCGROUP } };
    char name[32], path[32];
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        snprintf(name, sizeof name, "unshare-%s", kinds[i].name);
        CALL(name, SYS_unshare, kinds[i].flag);
        snprintf(name, sizeof name, "unshare-user-%s", kinds[i].name);
        CALL(name, SYS_unshare, kinds[i].flag | CLONE_NEWUSER);
        snprintf(name, sizeof name, "clone-%s", kinds[i].name);
        if (kinds[i].flag != 0x80) /* of clone that is a signal's number */
            CALL(name, SYS_clone, kinds[i].flag | SIGCHLD, 0);
        snprintf(name, sizeof name, "enter-%s", kinds[i].name);
        snprintf(path, sizeof path, "/proc/1/ns/%s",
                 strcmp(kinds[i].name, "mount") == 0 ? "mnt" : kinds[i].name);
        CALL(name, SYS_setns, open(path, O_RDONLY), 0);
    }
    const uint64_t anew[11] = { CLONE_NEWUSER | CLONE_NEWNS, 0, 0, 0, SIGCHLD };
    CALL("clone3-user", SYS_clone3, AT(anew), sizeof anew);
    CALL("enter-process", SYS_setns, syscall(SYS_pidfd_open, 1, 0), CLONE_NEWNS | CLONE_NEWPID);
}

static void try_others(void)
{
    struct iovec mine = { zeros, sizeof zeros };
    const long first = syscall(SYS_pidfd_open, 1, 0);
    CALL("ptrace-attach", SYS_ptrace, PTRACE_ATTACH, 1, 0, 0);
    CALL("ptrace-seize", SYS_ptrace, PTRACE_SEIZE, 1, 0, 0);
    CALL("ptrace-me", SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
    CALL("vm-read", SYS_process_vm_readv, 1, AT(&mine), 1, AT(&mine), 1, 0);
    CALL("vm-write", SYS_process_vm_writev, 1, AT(&mine), 1, AT(&mine), 1, 0);
    CALL("take-descriptor", SYS_pidfd_getfd, first, 0, 0);
    CALL("advise-process", SYS_process_madvise, first, AT(&mine), 1, 20, 0);
    CALL("release-process", SYS_process_mrelease, first, 0);
    CALL("compare", SYS_kcmp, 1, 1, 0, 0, 0);
    CALL("move-pages", SYS_move_pages, 1, 0, AT(zeros), AT(zeros), AT(zeros), 0);
    CALL("migrate-pages", SYS_migrate_pages, 1, 64, AT(zeros), AT(zeros));
    CALL("bind-memory", SYS_mbind, AT(zeros), 4096, 0, AT(zeros), 64, 0);
    CALL("key-session", SYS_keyctl, 1, 0);
    CALL("key-id", SYS_keyctl, 0, -3, 1);
    CALL("key-user", SYS_keyctl, 11, -4, AT(zeros), sizeof zeros);
    CALL("key-persistent", SYS_keyctl, 22, 0, -2);
    CALL("key-add", SYS_add_key, AT("user"), AT("ward-test"), AT("x"), 1, -4);
    CALL("key-request", SYS_request_key, AT("user"), AT("ward-test"), AT("x"), -4);
}

static void try_kernel(void)
{
    const uint64_t program[8] = { 1, 0, 0, 0, 0, 0, 0, 0 },
                   map[8] = { 2 | 4ull << 32, 8 | 1ull << 32 };
    static uint32_t event[32] = { 1, 128 };
    static uint32_t ring[30];
    const struct timeval now = { 0, 0 };
    CALL("bpf-program", SYS_bpf, 5, AT(program), sizeof program);
    CALL("bpf-map", SYS_bpf, 0, AT(map), sizeof map);
    CALL("perf-all", SYS_perf_event_open, AT(event), -1, 0, -1, 0);
    CALL("perf-self", SYS_perf_event_open, AT(event), 0, -1, -1, 0);
    CALL("ring", SYS_io_uring_setup, 1, AT(ring));
    CALL("ring-enter", SYS_io_uring_enter, 0, 1, 0, 0, 0, 0);
    CALL("ring-register", SYS_io_uring_register, 0, 0, 0, 0);
    CALL("aio", SYS_io_setup, 1, AT(zeros));
    CALL("faults", SYS_userfaultfd, 0);
    CALL("module", SYS_init_module, AT(zeros), sizeof zeros, AT(""));
    CALL("module-file", SYS_finit_module, 0, AT(""), 0);
    CALL("module-away", SYS_delete_module, AT("fuse"), O_NONBLOCK);
    CALL("kexec", SYS_kexec_load, 0, 0, 0, 0);
    CALL("kexec-file", SYS_kexec_file_load, -1, -1, 0, 0, 8);
    CALL("reboot", SYS_reboot, 0xfee1dead, 672274793, 0 /* no key combination: harmless */, 0);
    CALL("log-read", SYS_syslog, 3, AT(zeros), sizeof zeros);
    CALL("log-console", SYS_syslog, 8, 0, 7);
    CALL("host-name", SYS_sethostname, AT("escaped"), 7);
    CALL("domain-name", SYS_setdomainname, AT("escaped"), 7);
    CALL("time-of-day", SYS_settimeofday, AT(&now), 0);
    CALL("clock-set", SYS_clock_settime, 0, AT(zeros));
    CALL("clock-adjust", SYS_clock_adjtime, 0, AT(zeros));
    CALL("time-adjust", SYS_adjtimex, AT(zeros));
    CALL("ports", SYS_iopl, 3);
    CALL("port", SYS_ioperm, 0x80, 1, 1);
    CALL("segments", SYS_modify_ldt, 0, AT(zeros), sizeof zeros);
    CALL("run-data", SYS_personality, 0x0400000);
    CALL("no-random", SYS_personality, 0x0040000);
    CALL("secret-memory", SYS_memfd_secret, 0);
    CALL("give-pages", SYS_vmsplice, 1, 0, 0, 0);
    CALL("hang-up", SYS_vhangup, 0);
}

static void try_sockets(void)
{
    static const struct {
        const char *name;
        int family, type, protocol;
    } kinds[] = { { "raw", AF_INET, SOCK_RAW, IPPROTO_ICMP },
                  { "raw6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 },
                  { "packet-of-old", AF_INET, SOCK_PACKET, 0x300 },
                  { "packet", AF_PACKET, SOCK_RAW, 0x300 },
                  { "route", AF_NETLINK, SOCK_RAW, 0 },
                  { "audit", AF_NETLINK, SOCK_RAW, 9 },
                  { "connector", AF_NETLINK, SOCK_DGRAM, 11 },
                  { "netfilter", AF_NETLINK, SOCK_RAW, 12 },
                  { "uevent", AF_NETLINK, SOCK_RAW, 15 },
                  { "vsock", AF_VSOCK, SOCK_STREAM, 0 },
                  { "alg", AF_ALG, SOCK_SEQPACKET, 0 },
                  { "xdp", 44, SOCK_RAW, 0 },
                  { "bluetooth", AF_BLUETOOTH, SOCK_RAW, 1 },
                  { "can", AF_CAN, SOCK_RAW, 1 },
                  { "tipc", AF_TIPC, SOCK_SEQPACKET, 0 },
                  { "key", AF_KEY, SOCK_RAW, 2 },
                  { "kcm", AF_KCM, SOCK_DGRAM, 0 },
                  { "smc", 43, SOCK_STREAM, 0 },
                  { "rds", AF_RDS, SOCK_SEQPACKET, 0 },
                  { "qrtr", 42, SOCK_DGRAM, 0 },
                  { "nfc", AF_NFC, SOCK_SEQPACKET, 0 } };
    char name[32];
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        snprintf(name, sizeof name, "socket-%s", kinds[i].name);
        CALL(name, SYS_socket, kinds[i].family, kinds[i].type, kinds[i].protocol);
    }
    CALL("device-memory", SYS_mknod, AT("/tmp/mem"), S_IFCHR | 0666, (long)makedev(1, 1));
    CALL("device-disk", SYS_mknod, AT("/tmp/disk"), S_IFBLK | 0666, (long)makedev(7, 0));
    CALL("device-fuse", SYS_mknodat, AT_FDCWD, AT("/tmp/fuse"), S_IFCHR | 0666,
         (long)makedev(10, 229));
}

/* --- rights: calls that a job has, for what it must not have ---------------------------------- */

#define RIGHT(name, call)                                                                          \
    do {                                                                                           \
        pid_t child_ = try_it();                                                                   \
        if (child_ == 0)                                                                           \
            ends((long)(call));                                                                    \
        tell("right-", name, child_);                                                              \
    } while (0)

static long give_all_rights(void)
{
    struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
    const struct __user_cap_data_struct all[2] = { { ~0u, ~0u, ~0u }, { ~0u, ~0u, ~0u } };
    return syscall(SYS_capset, &head, all);
}

static long raise_limit(void)
{
    const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
    return setrlimit(RLIMIT_NOFILE, &all);
}

static long pass_as_root(void)
{
    int ends_of[2];
    union {
        char room[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr head;
    } control;
    struct iovec one = { zeros, 1 };
    struct msghdr message = { .msg_iov = &one,
                              .msg_iovlen = 1,
                              .msg_control = control.room,
                              .msg_controllen = sizeof control.room };
    const struct ucred root = { 1, 0, 0 };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){ CMSG_LEN(sizeof root), SOL_SOCKET, SCM_CREDENTIALS };
    memcpy(CMSG_DATA(head), &root, sizeof root);
    return socketpair(AF_UNIX, SOCK_DGRAM, 0, ends_of) < 0 ? -1 : sendmsg(ends_of[0], &message, 0);
}

static long socket_option(int level, int option, int value)
{
    return setsockopt(socket(AF_INET, SOCK_STREAM, 0), level, option, &value, sizeof value);
}

static long address_of_interface(void)
{
    struct ifreq request = { .ifr_name = "lo" };
    request.ifr_addr.sa_family = AF_INET;
    return ioctl(socket(AF_INET, SOCK_DGRAM, 0), 0x8916 /* SIOCSIFADDR */, &request);
}

/* A program with the mark, which is nobody's privilege here: it asks who it is. */
static long run_marked(const char *path)
{
    char *argv[] = { (char *)(uintptr_t)path, (char *)(uintptr_t) "who", NULL };
    int status;
    pid_t child = fork();
    if (child == 0) {
        execv(path, argv);
        _exit(EACCES);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
    return errno == DONE ? 0 : -1;
}

/* What the kernel would refuse for want of a right, and the list does so that it is told. */
static void try_refused_rights(const char *folder)
{
    const struct sched_param now = { 1 };
    const gid_t root = 0;
    const int dir = open(folder, O_RDONLY | O_DIRECTORY), disk = open("/bin/busybox", O_RDONLY);
    uint64_t range[3] = { 0, UINT64_MAX, 0 };
    uint32_t now_down = 2;
    CALL("be-user", SYS_setuid, 0);
    CALL("be-user-again", SYS_setreuid, -1, 0);
    CALL("be-all-users", SYS_setresuid, 0, 0, 0);
    CALL("be-group", SYS_setgid, 0);
    CALL("be-group-again", SYS_setregid, -1, 0);
    CALL("be-all-groups", SYS_setresgid, 0, 0, 0);
    CALL("be-in-groups", SYS_setgroups, 1, AT(&root));
    CALL("secure-bits", SYS_prctl, PR_SET_SECUREBITS, 0x2f, 0, 0, 0);
    CALL("bound", SYS_prctl, PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0);
    CALL("priority", SYS_setpriority, PRIO_PROCESS, 0, -20);
    CALL("real-time", SYS_sched_setscheduler, 0, SCHED_FIFO, AT(&now));
    CALL("disk-first", SYS_ioprio_set, 1, 0, 1 << 13);
    CALL("freeze", SYS_ioctl, dir, FIFREEZE, 0);
    CALL("thaw", SYS_ioctl, dir, FITHAW, 0);
    CALL("trim", SYS_ioctl, dir, FITRIM, AT(range));
    CALL("shut-down", SYS_ioctl, dir, 0x8004587d, AT(&now_down));
    CALL("root-shut-down", SYS_ioctl, disk, 0x8004587d, AT(&now_down));
    CALL("type-ahead", SYS_ioctl, 0, TIOCSTI, AT("x"));
}

static void try_rights(const char *file, const char *folder)
{
    const int own = open(file, O_RDWR | O_CREAT, 0700), dir = open(folder, O_RDONLY | O_DIRECTORY);
    const int pids = open("/proc/self/ns/pid", O_RDONLY),
              users = open("/proc/self/ns/user", O_RDONLY);
    int flags = FS_IMMUTABLE_FL;
    uint64_t range[3] = { 0, UINT64_MAX, 0 };
    RIGHT("capabilities", give_all_rights());
    RIGHT("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
    RIGHT("new-privileges", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    RIGHT("memory-map", prctl(PR_SET_MM, PR_SET_MM_BRK, zeros, 0, 0));
    RIGHT("limit", raise_limit());
    RIGHT("owner", fchown(own, 0, 0));
    RIGHT("file-rights", fsetxattr(own, "security.capability", zeros, 20, 0));
    RIGHT("overlay", fsetxattr(dir, "trusted.overlay.opaque", "y", 1, 0));
    RIGHT("immutable", ioctl(own, FS_IOC_SETFLAGS, &flags));
    RIGHT("resize", ioctl(dir, 0x40086610, range));
    RIGHT("parent-space", ioctl(pids, 0xb702 /* NS_GET_PARENT */));
    RIGHT("owner-space", ioctl(users, 0xb701 /* NS_GET_USERNS */));
    RIGHT("parent-users", ioctl(users, 0xb702));
    RIGHT("terminal", ioctl(0, TIOCSCTTY, 1));
    RIGHT("credentials", pass_as_root());
    RIGHT("mark", socket_option(SOL_SOCKET, SO_MARK, 1));
    RIGHT("transparent", socket_option(IPPROTO_IP, 19 /* IP_TRANSPARENT */, 1));
    RIGHT("buffer", socket_option(SOL_SOCKET, SO_RCVBUFFORCE, 1 << 30));
    RIGHT("filter-table", socket_option(IPPROTO_IP, 64 /* IPT_SO_SET_REPLACE */, 1));
    RIGHT("address", address_of_interface());
    RIGHT("kill-others", kill(-2, SIGKILL));
    RIGHT("marked", run_marked("/bin/marked"));
}

/* --- files ------------------------------------------------------------------------------------ */

/* The devices that every job has are no file of the host's that it could do something to. */
static bool is_plain_device(int fd)
{
    struct stat is;
    return fstat(fd, &is) == 0 && S_ISCHR(is.st_mode) && major(is.st_rdev) == 1;
}

static void try_file(const char *kind, const char *path, int flags)
{
    char byte;
    pid_t child = try_it();
    if (child == 0) {
        int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
            ends(fd);
        if (is_plain_device(fd))
            _exit(OTHER);
        /* Of a file that opens, what matters is whether something comes of it. */
        long got = (flags & O_ACCMODE) == O_RDONLY ? read(fd, &byte, 1) : write(fd, "-1", 2);
        if (got == 0)
            _exit(OTHER);
        ends(got);
    }
    tell(kind, path, child);
}

/* One path a line, first "r" or "w": what is to be read, or written. */
static void try_files(const char *list)
{
    char line[512];
    FILE *paths = fopen(list, "re");
    while (paths != NULL && fgets(line, sizeof line, paths) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == 'r')
            try_file("read-", line + 2, O_RDONLY);
        if (line[0] == 'w')
            try_file("write-", line + 2, O_WRONLY);
        if (line[0] == 'm') {
            pid_t child = try_it();
            if (child == 0)
                ends(rename(line + 2, "/tmp/moved") == 0 || unlink(line + 2) == 0 ||
                             symlink("/proc/sys/kernel/core_pattern", line + 2) == 0
                         ? 0
                         : -1);
            tell("replace-", line + 2, child);
        }
    }
}

/* What of a launch might have been forgotten: each number there could be, as a way out. */
static void try_descriptors(const char *canary)
{
    char path[512];
    for (int fd = 0; fd < 64; fd++) {
        pid_t child = try_it();
        if (child == 0) {
            snprintf(path, sizeof path, "/proc/self/fd/%d/../../../../../../../..%s", fd, canary);
            int through = open(path, O_RDONLY | O_CLOEXEC);
            ends(through >= 0 ? through : openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
        }
        snprintf(path, sizeof path, "%d", fd);
        tell("descriptor-", path, child);
    }
}

/* What two that share no space cannot know of one another. */
static void try_shared(const char *key)
{
    pid_t child = try_it();
    if (child == 0)
        ends(shmget((key_t)strtoul(key, NULL, 0), 1, 0));
    tell("shared-", "memory", child);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
    if (strcmp(what, "who") == 0)
        return geteuid() == 0 || prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1 ? DONE : EPERM;
    if (argc < 4)
        return 2;
    try_descriptors(argv[2]); /* before there is one of ours */
    try_mounts();
    try_namespaces();
    try_others();
    try_kernel();
    try_sockets();
    try_refused_rights("/output");
    try_rights("/output/own", "/output");
    try_files(argv[1]);
    try_shared(argv[3]);
    tell_tries();
    return 0;
}
