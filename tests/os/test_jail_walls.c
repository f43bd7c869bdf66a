/* test_jail_walls.c - what a jail takes away is gone: with a narrow list of calls each
   forbidden one is deadly, with a wide one the other walls still stand. */
#include "os/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "os/jail_child.h"
#include "test.h"

/* A thing to try; returns 0 when it worked, else errno. */
struct attempt {
    const char *name;
    int (*try)(void);
    int error;    /* that it fails with where the filter lets it through */
    int landlock; /* the ABI that it takes */
};

static int said(long result)
{
    return result < 0 ? errno : 0;
}

static int other = -1; /* a directory that was opened before */
static int local;      /* listens on the abstract name */
static gid_t strange_group;
static pid_t sibling; /* a process of the same user, not in the jail */
static struct sockaddr_in loopback = { .sin_family = AF_INET };
static struct sockaddr_un abstract = { .sun_family = AF_UNIX };

static int open_root(void)
{
    return said(open("/", O_RDONLY | O_DIRECTORY));
}
static int open_proc(void)
{
    return said(open("/proc", O_RDONLY | O_DIRECTORY));
}
static int open_self(void)
{
    return said(open("/proc/self/status", O_RDONLY));
}
static int open_memory(void)
{
    return said(open("/proc/self/mem", O_RDWR));
}
static int open_passwd(void)
{
    return said(open("/etc/passwd", O_RDONLY));
}
static int open_null(void)
{
    return said(open("/dev/null", O_WRONLY));
}
static int open_below(void)
{
    return said(openat(other, "passwd", O_RDONLY));
}
static int make_file(void)
{
    return said(open("/tmp/ward-test-jail", O_WRONLY | O_CREAT | O_EXCL, 0600));
}
static int make_folder(void)
{
    return said(mkdir("/tmp/ward-test-jail", 0700));
}
static int make_link(void)
{
    return said(symlink("/", "/tmp/ward-test-jail"));
}
static int make_fifo(void)
{
    return said(mknod("/tmp/ward-test-jail", S_IFIFO | 0600, 0));
}
static int execute(void)
{
    char *const words[] = { NULL };
    return said(execve("/bin/true", words, words));
}
static int connect_tcp(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? -1 : said(connect(fd, (struct sockaddr *)&loopback, sizeof loopback));
}
static int bind_tcp(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in any = { .sin_family = AF_INET };
    return fd < 0 ? -1 : said(bind(fd, (struct sockaddr *)&any, sizeof any));
}
static int connect_abstract(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? -1 : said(connect(fd, (struct sockaddr *)&abstract, sizeof abstract));
}
static int raw_socket(void)
{
    return said(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}
static int signal_sibling(void)
{
    return said(kill(sibling, 0));
}
static int trace_sibling(void)
{
    return said(ptrace(PTRACE_ATTACH, sibling, NULL, NULL));
}
static int read_sibling(void)
{
    char byte = 0;
    struct iovec here = { &byte, 1 };
    struct iovec there = { (void *)&loopback, 1 };
    return said(process_vm_readv(sibling, &here, 1, &there, 1, 0));
}
static int make_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return said(child);
}
static int make_thread(void)
{
    return said(syscall(SYS_clone, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD,
                        0, 0, 0, 0, 0));
}
static int be_root(void)
{
    return said(setuid(0));
}
static int be_root_again(void)
{
    return said(setresuid((uid_t)-1, 0, (uid_t)-1));
}
static int join_group(void)
{
    return said(setresgid((gid_t)-1, strange_group, (gid_t)-1));
}
static int join_groups(void)
{
    gid_t none = 0;
    return said(setgroups(1, &none));
}
static int own_mounts(void)
{
    return said(unshare(CLONE_NEWNS));
}
static int own_net(void)
{
    return said(unshare(CLONE_NEWNET));
}
static int mount_something(void)
{
    return said(syscall(SYS_mount, (long)"none", (long)"/tmp", (long)"tmpfs", 0, 0, 0));
}
static int change_root(void)
{
    return said(chroot("/"));
}
static int name_host(void)
{
    return said(sethostname("ward", 4));
}
static int more_descriptors(void)
{
    struct rlimit wanted = { 65, 65 };
    return said(setrlimit(RLIMIT_NOFILE, &wanted));
}
static int core_file(void)
{
    struct rlimit wanted = { 1 << 20, 1 << 20 };
    return said(setrlimit(RLIMIT_CORE, &wanted));
}
static int old_privileges(void)
{
    return said(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
}
static int raise_ambient(void)
{
    return said(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0));
}
static int load_program(void)
{
    return said(syscall(SYS_bpf, 5, 0, 0, 0, 0, 0));
}
static int personality_of_old(void)
{
    return said(syscall(SYS_personality, 0x0040000, 0, 0, 0, 0, 0));
}
static int ring(void)
{
    return said(syscall(SYS_io_uring_setup, 8, 0, 0, 0, 0, 0));
}
static int memory_file(void)
{
    return said(memfd_create("jail", 0));
}
static int mappable_code(void)
{
    return mmap(NULL, 4096, PROT_EXEC | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                   MAP_FAILED
               ? errno
               : 0;
}
static int another_filter(void)
{
    return said(syscall(SYS_seccomp, 0, 0, 0, 0, 0, 0));
}
static int keys(void)
{
    return said(syscall(SYS_keyctl, 0, 0, 0, 0, 0, 0));
}

static const struct attempt attempts[] = {
    { "open /", open_root, EACCES, 1 },
    { "open /proc", open_proc, EACCES, 1 },
    { "open /proc/self/status", open_self, EACCES, 1 },
    { "open /proc/self/mem", open_memory, EACCES, 1 },
    { "open a file", open_passwd, EACCES, 1 },
    { "open a device", open_null, EACCES, 1 },
    { "open below a kept folder", open_below, EACCES, 1 },
    { "make a file", make_file, EACCES, 1 },
    { "make a folder", make_folder, EACCES, 1 },
    { "make a link", make_link, EACCES, 1 },
    { "make a fifo", make_fifo, EACCES, 1 },
    { "execute", execute, EACCES, 1 },
    { "connect TCP", connect_tcp, EACCES, 4 },
    { "bind TCP", bind_tcp, EACCES, 4 },
    { "connect to an abstract socket", connect_abstract, EPERM, 6 },
    { "raw socket", raw_socket, EPERM, 0 },
    { "signal a process of the user", signal_sibling, EPERM, 6 },
    { "trace a process of the user", trace_sibling, EPERM, 1 },
    { "read a process of the user", read_sibling, EPERM, 1 },
    { "fork", make_process, EAGAIN, 0 },
    { "thread", make_thread, EAGAIN, 0 },
    { "setuid back", be_root, EPERM, 0 },
    { "setresuid back", be_root_again, EPERM, 0 },
    { "setresgid back", join_group, EPERM, 0 },
    { "setgroups", join_groups, EPERM, 0 },
    { "mount namespace", own_mounts, EPERM, 0 },
    { "network namespace", own_net, EPERM, 0 },
    { "mount", mount_something, EPERM, 0 },
    { "chroot", change_root, EPERM, 0 },
    { "host name", name_host, EPERM, 0 },
    { "more descriptors", more_descriptors, EPERM, 0 },
    { "core file", core_file, EPERM, 0 },
    { "new privileges", old_privileges, EINVAL, 0 },
    { "ambient capability", raise_ambient, EPERM, 0 },
    { "bpf", load_program, EPERM, 0 },
    /* Left to the filter alone. */
    { "personality", personality_of_old, 0, 0 },
    { "io_uring", ring, 0, 0 },
    { "memfd", memory_file, 0, 0 },
    { "code in memory", mappable_code, 0, 0 },
    { "seccomp", another_filter, 0, 0 },
    { "keyctl", keys, 0, 0 },
};

/* What the attempts need is there before the jail closes: without it they would all work. */
static void prepare(void)
{
    strange_group = getegid() == 0 ? 1 : 0;
    socklen_t len = sizeof loopback;
    int tcp = socket(AF_INET, SOCK_STREAM, 0);
    local = socket(AF_UNIX, SOCK_STREAM, 0);
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(tcp, (struct sockaddr *)&loopback, sizeof loopback), 0);
    assert_int_equal(listen(tcp, 1), 0);
    assert_int_equal(getsockname(tcp, (struct sockaddr *)&loopback, &len), 0);
    snprintf(abstract.sun_path + 1, sizeof abstract.sun_path - 1, "ward-jail-%d", getpid());
    assert_int_equal(bind(local, (struct sockaddr *)&abstract, sizeof abstract), 0);
    assert_int_equal(listen(local, 1), 0);
    other = open("/etc", O_RDONLY | O_DIRECTORY);
    assert_true(other >= 0);
    sibling = fork();
    assert_true(sibling >= 0);
    if (sibling == 0) {
        /* A jailed parent may not even signal by its death; nobody waits for this one. */
        close_range(0, ~0u, 0);
        alarm(10);
        pause();
        _exit(0);
    }
}

static int try_in_jail(const struct call_rule *rules, size_t count, const struct attempt *attempt)
{
    struct jail jail = jail_of(rules, count);
    struct jail_report report;
    prepare();
    const int keep[] = { 0, 1, 2, local, other };
    jail.keep = keep;
    jail.keep_count = COUNT(keep);
    if (!rc_ok(jail_enter(NULL, &jail, &report)))
        return ENTER_FAILED;
    return attempt->try();
}

static int try_narrow(enum mode mode, const void *what)
{
    (void)mode;
    return try_in_jail(narrow, COUNT(narrow), what);
}

static int try_wide(enum mode mode, const void *what)
{
    (void)mode;
    return try_in_jail(wide, COUNT(wide), what);
}

static void test_each_forbidden_call_is_deadly(void **state)
{
    (void)state;
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        for (size_t i = 0; can_be(mode) && i < COUNT(attempts); i++)
            assert_status(status_of(try_narrow, mode, &attempts[i]), SIGSYS, attempts[i].name,
                          mode);
    }
}

static void test_the_other_walls_stand_without_the_filter(void **state)
{
    (void)state;
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        for (size_t i = 0; can_be(mode) && i < COUNT(attempts); i++) {
            const struct attempt *attempt = &attempts[i];
            if (attempt->error != 0 && landlock_abi() >= attempt->landlock)
                assert_status(status_of(try_wide, mode, attempt), EXITED(attempt->error),
                              attempt->name, mode);
        }
    }
}

/* The same attempts outside: those that say nothing about jails would fail here too. */
static int try_outside(enum mode mode, const void *what)
{
    const struct attempt *attempt = what;
    (void)mode;
    prepare();
    return attempt->try();
}

static void test_outside_a_jail_they_work(void **state)
{
    (void)state;
    static const char *const for_anybody[] = { "open /",
                                               "open /proc",
                                               "open a file",
                                               "open below a kept folder",
                                               "execute",
                                               "connect TCP",
                                               "bind TCP",
                                               "connect to an abstract socket",
                                               "signal a process of the user",
                                               "fork",
                                               "read a process of the user",
                                               "more descriptors" };
    for (size_t i = 0; i < COUNT(attempts); i++) {
        for (size_t j = 0; j < COUNT(for_anybody); j++) {
            if (strcmp(attempts[i].name, for_anybody[j]) == 0)
                assert_status(status_of(try_outside, AS_SOMEBODY, &attempts[i]), 0,
                              attempts[i].name, AS_SOMEBODY);
        }
    }
}

/* A jailed process and one that is not, of the same user: who may look inside? */
static int look_inside(enum mode mode, const void *what)
{
    const bool *jailed = what;
    int ready[2];
    char byte = 1;
    (void)mode;
    if (pipe(ready) != 0)
        return 1;
    sibling = fork();
    if (sibling == 0) {
        const int keep[] = { 0, 1, 2, ready[1] };
        static const struct call_rule rules[] = { { .number = SYS_write },
                                                  { .number = SYS_pause } };
        struct jail jail = jail_of(rules, COUNT(rules));
        struct jail_report report;
        jail.keep = keep;
        jail.keep_count = COUNT(keep);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (*jailed && !rc_ok(jail_enter(NULL, &jail, &report)))
            _exit(1);
        if (write(ready[1], &byte, 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        return 2;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", sibling);
    bool opened = open(path, O_RDONLY) >= 0;
    snprintf(path, sizeof path, "/proc/%d/fd", sibling);
    bool listed = open(path, O_RDONLY | O_DIRECTORY) >= 0;
    bool looked = read_sibling() == 0;
    bool traced = ptrace(PTRACE_SEIZE, sibling, NULL, NULL) == 0;
    kill(sibling, SIGKILL);
    return opened * 8 + listed * 16 + looked * 32 + traced * 64;
}

static void test_nobody_of_the_same_user_looks_inside(void **state)
{
    (void)state;
    static const bool yes = true, no = false;
    assert_status(status_of(look_inside, AS_SOMEBODY, &yes), 0, "jailed", AS_SOMEBODY);
    assert_status(status_of(look_inside, AS_SOMEBODY, &no), EXITED(8 + 16 + 32 + 64), "not jailed",
                  AS_SOMEBODY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_forbidden_call_is_deadly, ""),
        TEST(test_the_other_walls_stand_without_the_filter, ""),
        TEST(test_outside_a_jail_they_work, ""),
        TEST(test_nobody_of_the_same_user_looks_inside, ""),
    };
    return RUN_TESTS(tests);
}
