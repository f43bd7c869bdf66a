/* probe.c - what runs inside sandboxes of tests and tries to get out of them or past their limits:
   one static program, so that an image needs nothing else.  Each try is a line "NAME RESULT", where
   the result is "done" or the errno. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void tell(const char *name, long result)
{
    if (result >= 0)
        printf("%s done\n", name);
    else
        printf("%s %d\n", name, errno);
    fflush(stdout);
}

/* Calls that no job needs, each in a form that a kernel would take, or refuse for its arguments. */
static const struct {
    const char *name;
    long number, a, b, c;
} calls[] = {
    { "mount", SYS_mount, 0, 0, 0 },
    { "umount2", SYS_umount2, 0, 0, 0 },
    { "pivot_root", SYS_pivot_root, 0, 0, 0 },
    { "chroot", SYS_chroot, 0, 0, 0 },
    { "open_tree", SYS_open_tree, -1, 0, 0 },
    { "move_mount", SYS_move_mount, -1, 0, 0 },
    { "fsopen", SYS_fsopen, 0, 0, 0 },
    { "fsmount", SYS_fsmount, -1, 0, 0 },
    { "mount_setattr", SYS_mount_setattr, -1, 0, 0 },
    { "unshare", SYS_unshare, 0, 0, 0 },
    { "unshare_user", SYS_unshare, CLONE_NEWUSER, 0, 0 },
    { "setns", SYS_setns, -1, 0, 0 },
    { "clone_user", SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0 },
    { "clone_mount", SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0 },
    { "ptrace", SYS_ptrace, PTRACE_TRACEME, 0, 0 },
    { "process_vm_readv", SYS_process_vm_readv, 1, 0, 0 },
    { "process_vm_writev", SYS_process_vm_writev, 1, 0, 0 },
    { "pidfd_getfd", SYS_pidfd_getfd, -1, 0, 0 },
    { "kcmp", SYS_kcmp, 1, 1, 0 },
    { "bpf", SYS_bpf, 0, 0, 0 },
    { "perf_event_open", SYS_perf_event_open, 0, 0, 0 },
    { "keyctl", SYS_keyctl, 0, 0, 0 },
    { "add_key", SYS_add_key, 0, 0, 0 },
    { "request_key", SYS_request_key, 0, 0, 0 },
    { "io_uring_setup", SYS_io_uring_setup, 1, 0, 0 },
    { "io_uring_enter", SYS_io_uring_enter, -1, 0, 0 },
    { "io_uring_register", SYS_io_uring_register, -1, 0, 0 },
    { "userfaultfd", SYS_userfaultfd, 0, 0, 0 },
    { "init_module", SYS_init_module, 0, 0, 0 },
    { "finit_module", SYS_finit_module, -1, 0, 0 },
    { "delete_module", SYS_delete_module, 0, 0, 0 },
    { "kexec_load", SYS_kexec_load, 0, 0, 0 },
    { "open_by_handle_at", SYS_open_by_handle_at, -1, 0, 0 },
    { "name_to_handle_at", SYS_name_to_handle_at, -1, 0, 0 },
    { "quotactl", SYS_quotactl, 0, 0, 0 },
    { "swapon", SYS_swapon, 0, 0, 0 },
    { "reboot", SYS_reboot, 0, 0, 0 },
    { "syslog", SYS_syslog, 3, 0, 0 },
    { "acct", SYS_acct, 0, 0, 0 },
    { "sethostname", SYS_sethostname, 0, 0, 0 },
    { "settimeofday", SYS_settimeofday, 0, 0, 0 },
    { "clock_settime", SYS_clock_settime, 0, 0, 0 },
    { "iopl", SYS_iopl, 0, 0, 0 },
    { "ioperm", SYS_ioperm, 0, 0, 0 },
    { "modify_ldt", SYS_modify_ldt, 0, 0, 0 },
    { "fanotify_init", SYS_fanotify_init, 0, 0, 0 },
    { "personality", SYS_personality, 0x0400000, 0, 0 },
    { "raw", SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP },
    { "raw6", SYS_socket, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 },
    { "packet", SYS_socket, AF_PACKET, SOCK_RAW, 0 },
    { "netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0 },
    { "vsock", SYS_socket, AF_VSOCK, SOCK_STREAM, 0 },
    { "alg", SYS_socket, AF_ALG, SOCK_SEQPACKET, 0 },
};

static void try_calls(void)
{
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        long result = syscall(calls[i].number, calls[i].a, calls[i].b, calls[i].c, 0, 0, 0);
        if (result == 0 && calls[i].number == SYS_clone)
            _exit(0);
        tell(calls[i].name, result);
    }
}

/* Every number there is, each in a child: those that the filter lets through are told. */
static void try_surface(void)
{
    enum { NUMBERS = 512, NO_ANSWER = 200, ABSENT = 201 };
    for (long number = 0; number < NUMBERS; number++) {
        int status;
        if (number == SYS_exit || number == SYS_exit_group) {
            printf("%ld through\n", number);
            continue;
        }
        pid_t child = (pid_t)syscall(SYS_fork);
        if (child == 0) {
            alarm(1);
            long result = syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
            _exit(result < 0 && errno == EPERM    ? NO_ANSWER
                  : result < 0 && errno == ENOSYS ? ABSENT
                                                  : 0);
        }
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
        if (!WIFEXITED(status) || WEXITSTATUS(status) < NO_ANSWER)
            printf("%ld through\n", number);
    }
    fflush(stdout);
}

/* Calls by the numbers of other architectures: whatever they mean, they are not looked up. */
static void try_other_numbers(void)
{
    for (int form = 0; form < 2; form++) {
        int status;
        pid_t child = fork();
        if (child == 0 && form == 0) {
            long result = syscall(0x40000000L + SYS_getpid);
            _exit(result < 0 ? 1 : 0);
        }
        if (child == 0) {
            long result;
            __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
            _exit(result < 0 ? 1 : 0);
        }
        waitpid(child, &status, 0);
        printf("%s %s\n", form == 0 ? "x32" : "i386",
               WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "done" : "refused");
    }
}

static void try_connect(const char *address, const char *port)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    unsigned parts[4] = { 0 };
    sscanf(address, "%u.%u.%u.%u", &parts[0], &parts[1], &parts[2], &parts[3]);
    to.sin_addr.s_addr = htonl(parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3]);
    to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    tell("tcp", connect(tcp, (struct sockaddr *)&to, sizeof to));
    tell("udp", sendto(udp, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
}

/* Somebody of the job's own, on its own loopback. */
static void try_own(const char *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 1) != 0)
        tell("own", -1);
    else
        tell("own", connect(client, (struct sockaddr *)&at, sizeof at));
}

static void try_connect6(void)
{
    struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
    to.sin6_addr.s6_addr[0] = 0x20;
    to.sin6_addr.s6_addr[1] = 0x01;
    int tcp = socket(AF_INET6, SOCK_STREAM, 0);
    tell("tcp6", connect(tcp, (struct sockaddr *)&to, sizeof to));
}

/* A name of the abstract kind, which lies in no folder. */
static void try_abstract(const char *name)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strncpy(to.sun_path + 1, name, sizeof to.sun_path - 2);
    tell("abstract",
         connect(fd, (struct sockaddr *)&to,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))));
}

static void leave_socket(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    strncpy(at.sun_path, path, sizeof at.sun_path - 1);
    tell("socket", bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof at));
}

/* A socket and a named pipe that somebody outside has open. */
static void try_paths(const char *listening, const char *pipe_name)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    strncpy(to.sun_path, listening, sizeof to.sun_path - 1);
    tell("unix", connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to));
    tell("pipe", open(pipe_name, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}

/* Takes memory until there is none; a page of each is touched. */
static int take_memory(size_t mebibytes)
{
    for (size_t i = 0; i < mebibytes; i++) {
        char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED)
            return 1;
        memset(at, 1, 1 << 20);
    }
    printf("had it all\n");
    return 0;
}

/* Page by page, until no more can be kept from being swapped. */
static void lock_memory(void)
{
    enum { PAGE = 4096, PAGES = 64 };
    size_t locked = 0;
    char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    while (locked < PAGES * PAGE && mlock(at + locked, PAGE) == 0)
        locked += PAGE;
    printf("%zu %d\n", locked, errno);
}

static void take_files(void)
{
    int count = 3;
    while (open("/dev/null", O_RDONLY) >= 0)
        count++;
    printf("%d %d\n", count, errno);
}

/* What a job begins with: each descriptor and what it is, and the folder. */
static void list_entry(void)
{
    char path[64], at[256];
    ssize_t len = readlink("/proc/self/cwd", at, sizeof at);
    printf("cwd %.*s\n", (int)(len < 0 ? 0 : len), at);
    for (int fd = 0; fd < 65536; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        len = readlink(path, at, sizeof at);
        printf("fd %d %.*s\n", fd, (int)(len < 0 ? 0 : len), at);
    }
}

static void take_processes(void)
{
    int count = 1;
    for (pid_t child; (child = fork()) != -1; count++) {
        if (child == 0) {
            pause();
            _exit(0);
        }
    }
    printf("%d %d\n", count, errno);
}

static _Noreturn void wait_for_ever(void)
{
    for (;;)
        pause();
}

/* Children that nobody waits for, in sessions of their own, deaf to every signal that can be. */
static void leave_orphans(void)
{
    for (int signal_number = 1; signal_number < 32; signal_number++)
        signal(signal_number, SIG_IGN);
    for (int i = 0; i < 8; i++) {
        if (fork() != 0)
            continue;
        setsid();
        if (fork() == 0)
            wait_for_ever();
        _exit(0);
    }
    printf("left\n");
    fflush(stdout);
    wait_for_ever();
}

/* Two names that change places as fast as they can, without end or so many times. */
static void exchange(const char *a, const char *b, const char *times)
{
    const unsigned long most = times == NULL ? 0 : strtoul(times, NULL, 10);
    unsigned long done = 0;
    printf("exchanging\n");
    fflush(stdout);
    for (unsigned long i = 0; most == 0 || i < most; i++)
        done += syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* RENAME_EXCHANGE */) == 0 ? 1
                                                                                               : 0;
    printf("exchanged %lu\n", done);
}

static void on_term(int number)
{
    (void)number;
    static const char word[] = "put away\n";
    ssize_t put = write(STDOUT_FILENO, word, sizeof word - 1);
    _exit(put > 0 ? 7 : 8);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "calls") == 0)
        try_calls();
    else if (strcmp(what, "surface") == 0)
        try_surface();
    else if (strcmp(what, "numbers") == 0)
        try_other_numbers();
    else if (strcmp(what, "connect") == 0 && argc > 3)
        try_connect(argv[2], argv[3]);
    else if (strcmp(what, "own") == 0 && argc > 2)
        try_own(argv[2]);
    else if (strcmp(what, "connect6") == 0)
        try_connect6();
    else if (strcmp(what, "abstract") == 0 && argc > 2)
        try_abstract(argv[2]);
    else if (strcmp(what, "paths") == 0 && argc > 3)
        try_paths(argv[2], argv[3]);
    else if (strcmp(what, "socket") == 0 && argc > 2)
        leave_socket(argv[2]);
    else if (strcmp(what, "memory") == 0 && argc > 2)
        return take_memory(strtoul(argv[2], NULL, 10));
    else if (strcmp(what, "locked") == 0)
        lock_memory();
    else if (strcmp(what, "files") == 0)
        take_files();
    else if (strcmp(what, "entry") == 0)
        list_entry();
    else if (strcmp(what, "processes") == 0)
        take_processes();
    else if (strcmp(what, "orphans") == 0)
        leave_orphans();
    else if (strcmp(what, "exchange") == 0 && argc > 3)
        exchange(argv[2], argv[3], argc > 4 ? argv[4] : NULL);
    else if (strcmp(what, "fault") == 0)
        __builtin_trap();
    else if (strcmp(what, "put-away") == 0) {
        signal(SIGTERM, on_term);
        printf("ready\n");
        fflush(stdout);
        wait_for_ever();
    } else
        return 2;
    return 0;
}
