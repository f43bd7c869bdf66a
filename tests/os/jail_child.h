/* jail_child.h - what the tests of jails share: lists of calls, and children that enter a jail,
   as root both as root and as somebody else, otherwise as who we are. */
#ifndef WARD_TESTS_OS_JAIL_CHILD_H
#define WARD_TESTS_OS_JAIL_CHILD_H

#include "os/jail.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { JAIL_USER = 61215, NOBODY = 65534, ENTER_FAILED = 250 };

/* What nearly every process needs. */
static const struct call_rule narrow[] = { { .number = SYS_read },
                                           { .number = SYS_write },
                                           { .number = SYS_exit_group } };

/* So much that the filter stops nothing that is tried here. */
static const struct call_rule wide[] = {
    { .number = SYS_read },
    { .number = SYS_write },
    { .number = SYS_exit_group },
    { .number = SYS_openat },
    { .number = SYS_open },
    { .number = SYS_close },
    { .number = SYS_socket },
    { .number = SYS_bind },
    { .number = SYS_connect },
    { .number = SYS_listen },
    { .number = SYS_accept4 },
    { .number = SYS_clone },
    { .number = SYS_clone3 },
    { .number = SYS_fork },
    { .number = SYS_vfork },
    { .number = SYS_setuid },
    { .number = SYS_setresuid },
    { .number = SYS_setresgid },
    { .number = SYS_setgroups },
    { .number = SYS_getresuid },
    { .number = SYS_getresgid },
    { .number = SYS_getgroups },
    { .number = SYS_ptrace },
    { .number = SYS_prctl },
    { .number = SYS_kill },
    { .number = SYS_unshare },
    { .number = SYS_mount },
    { .number = SYS_chroot },
    { .number = SYS_capget },
    { .number = SYS_capset },
    { .number = SYS_prlimit64 },
    { .number = SYS_setrlimit },
    { .number = SYS_getrlimit },
    { .number = SYS_mkdirat },
    { .number = SYS_mkdir },
    { .number = SYS_unlink },
    { .number = SYS_rename },
    { .number = SYS_truncate },
    { .number = SYS_fcntl },
    { .number = SYS_getppid },
    { .number = SYS_rt_sigprocmask },
    { .number = SYS_gettid },
    { .number = SYS_getpid },
    { .number = SYS_set_robust_list },
    { .number = SYS_symlink },
    { .number = SYS_execve },
    { .number = SYS_mknodat },
    { .number = SYS_mknod },
    { .number = SYS_link },
    { .number = SYS_sethostname },
    { .number = SYS_bpf },
    { .number = SYS_process_vm_readv },
    { .number = SYS_rt_sigaction },
    { .number = SYS_tgkill },
};

static const int stdio[] = { 0, 1, 2 };

static inline struct jail jail_of(const struct call_rule *rules, size_t count)
{
    return (struct jail){ .user = JAIL_USER,
                          .keep = stdio,
                          .keep_count = COUNT(stdio),
                          .fds = 64,
                          .file_bytes = 1 << 20,
                          .rules = rules,
                          .rule_count = count };
}

/* Who enters the jail. */
enum mode { AS_ROOT, AS_SOMEBODY, MODE_COUNT };

static inline bool can_be(enum mode mode)
{
    return mode == AS_SOMEBODY || geteuid() == 0;
}

static inline void become(enum mode mode)
{
    if (mode == AS_SOMEBODY && geteuid() == 0) {
        assert_int_equal(setgroups(0, NULL), 0);
        assert_int_equal(setresgid(NOBODY, NOBODY, NOBODY), 0);
        assert_int_equal(setresuid(NOBODY, NOBODY, NOBODY), 0);
        /* As if it had always been nobody. */
        assert_int_equal(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
    }
}

/* cmocka would make a child that is to die go on with the other tests. */
static inline void usual_signals(void)
{
    static const int caught[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS };
    for (size_t i = 0; i < COUNT(caught); i++)
        signal(caught[i], SIG_DFL);
}

typedef int in_child(enum mode mode, const void *what);

/* The wait status of a child that did this. */
static inline int status_of(in_child *function, enum mode mode, const void *what)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        usual_signals();
        become(mode);
        _exit(function(mode, what));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static inline void assert_status(int status, int expected, const char *name, enum mode mode)
{
    if (status == expected)
        return;
    fprintf(stderr, "%s as %s: wait status %#x, not %#x\n", name,
            mode == AS_ROOT ? "root" : "somebody", (unsigned)status, (unsigned)expected);
    fail();
}

#define EXITED(code) ((code) << 8)

static inline int landlock_abi(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, 0, 0, 1, 0, 0, 0);
}

#endif
