/* test_call_filter.c - a filter of system calls with an action for each rule and one for the rest;
   that a jail's lists are exact over all numbers is test_jail.c's. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/call_filter.h"
#include "test.h"

enum { NUMBERS = 600, SOUND = 3, READ_IMPLIES_EXEC_ALONE = 0x0400000 };

static const struct call_rule allowed[] = {
    { .number = SYS_getppid },
    { .number = SYS_exit_group },
    { .number = SYS_personality, .masked = true, .mask = UINT64_MAX, .value = UINT32_MAX },
    /* The upper half counts, and another rule of the same call is asked when this one does not
       fit. */
    { .number = SYS_dup, .masked = true, .mask = UINT64_C(1) << 40, .value = UINT64_C(1) << 40 },
    { .number = SYS_dup, .masked = true, .mask = 0xff, .value = 7 },
    /* Both arguments, and the rule behind it is asked when the second does not fit either. */
    { .number = SYS_dup2,
      .masked = true,
      .mask = UINT64_MAX,
      .value = 70,
      .also = { .argument = 1, .mask = UINT64_C(1) << 35 | 3, .value = 2 } },
    { .number = SYS_dup2, .masked = true, .mask = UINT64_MAX, .value = 71 },
};
static const struct call_rule unseen = { .number = SYS_getuid };

static bool hold(void)
{
    struct sock_filter at[CALL_FILTER_ROOM(COUNT_OF(allowed) + 1)];
    struct call_filter filter;
    call_filter_begin(&filter, at, COUNT_OF(at));
    for (size_t i = 0; i < COUNT_OF(allowed); i++)
        call_filter_put(&filter, &allowed[i], SECCOMP_RET_ALLOW);
    call_filter_put(&filter, &unseen, SECCOMP_RET_ERRNO | ENOSYS);
    return call_filter_hold(&filter, SECCOMP_RET_ERRNO | EPERM);
}

static int error_of(long number, unsigned long argument)
{
    errno = 0;
    return syscall(number, argument, 0, 0, 0, 0, 0) < 0 ? errno : 0;
}

static void try_both(void)
{
    static const struct {
        unsigned long first, second;
        int error;
    } rows[] = { { 70, 2, EBADF }, { 70, 6, EBADF }, { 70, 1UL << 35 | 2, EPERM }, { 70, 3, EPERM },
                 { 72, 2, EPERM }, { 71, 3, EBADF }, { 1UL << 32 | 70, 2, EPERM } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        errno = 0;
        if (syscall(SYS_dup2, rows[i].first, rows[i].second) != -1 || errno != rows[i].error)
            _exit(20 + (int)i);
    }
}

/* Leaves by 0, or by the number of the line that is wrong. */
static _Noreturn void try_all(void)
{
    if (!hold())
        _exit(1);
    for (long number = 0; number < NUMBERS; number++) {
        bool listed = number == SYS_getppid || number == SYS_exit_group || number == SYS_getuid;
        /* uretprobe and uprobe: since Linux 6.14 the kernel asks no filter about them. */
        bool unasked = number == 335 || number == 336;
        if (!listed && !unasked && error_of(number, 0) != EPERM)
            _exit(2);
    }
    if (error_of(SYS_getppid, 0) != 0)
        _exit(3);
    if (error_of(SYS_getuid, 0) != ENOSYS)
        _exit(4);
    if (error_of(SYS_personality, UINT32_MAX) != 0)
        _exit(5);
    if (error_of(SYS_personality, READ_IMPLIES_EXEC_ALONE) != EPERM)
        _exit(6);
    if (error_of(SYS_dup, 1UL << 40 | 99) == EPERM || error_of(SYS_dup, 7) == EPERM)
        _exit(7);
    if (error_of(SYS_dup, 1UL << 41 | 99) != EPERM)
        _exit(8);
    try_both();
    _exit(0);
}

static void test_each_action(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        try_all();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A child of the one that has the descriptor makes a call that no rule names, and hears the answer.
 */
static _Noreturn void ask(void)
{
    static const struct call_rule needed[] = {
        { .number = SYS_clone },          { .number = SYS_exit_group },
        { .number = SYS_wait4 },          { .number = SYS_ioctl },
        { .number = SYS_fcntl },          { .number = SYS_set_robust_list },
        { .number = SYS_rt_sigprocmask }, { .number = SYS_gettid }
    };
    struct sock_filter at[CALL_FILTER_ROOM(COUNT_OF(needed))];
    struct call_filter filter;
    call_filter_begin(&filter, at, COUNT_OF(at));
    for (size_t i = 0; i < COUNT_OF(needed); i++)
        call_filter_put(&filter, &needed[i], SECCOMP_RET_ALLOW);
    const int asked = call_filter_ask(&filter);
    if (asked < 0 || fcntl(asked, F_GETFD) != FD_CLOEXEC)
        _exit(1);
    const pid_t child = fork();
    if (child == 0)
        _exit(error_of(SYS_setns, 77) == ENOMSG ? 0 : 9);
    struct seccomp_notif question;
    memset(&question, 0, sizeof question);
    if (ioctl(asked, SECCOMP_IOCTL_NOTIF_RECV, &question) != 0 || question.data.nr != SYS_setns ||
        question.data.args[0] != 77)
        _exit(2);
    struct seccomp_notif_resp answer = { .id = question.id, .error = -ENOMSG };
    int status = -1;
    if (ioctl(asked, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0 ||
        waitpid(child, &status, 0) != child || !WIFEXITED(status))
        _exit(3);
    _exit(WEXITSTATUS(status));
}

/* Where another filter asks already, none is held, and one that does not ask still can be. */
static _Noreturn void ask_twice(void)
{
    static const struct call_rule none = { .number = SYS_setns };
    struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = { 1, &all };
    struct sock_filter at[CALL_FILTER_ROOM(1)];
    struct call_filter filter;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) <
            0)
        _exit(1);
    call_filter_begin(&filter, at, COUNT_OF(at));
    call_filter_put(&filter, &none, SECCOMP_RET_ERRNO | ENOMSG);
    if (call_filter_ask(&filter) != -1 || error_of(SYS_setns, 0) == ENOMSG)
        _exit(2);
    if (!call_filter_hold(&filter, SECCOMP_RET_ALLOW) || error_of(SYS_setns, 0) != ENOMSG)
        _exit(3);
    _exit(0);
}

static void test_one_that_asks(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) {
        int status = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0 && twice == 0)
            ask();
        if (child == 0)
            ask_twice();
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

/* Half a filter is none: nothing is held, and not even a privilege given up. */
static void refused(const struct call_rule *rule, size_t rules, size_t room)
{
    struct sock_filter at[CALL_FILTER_ROOM(SOUND)];
    struct call_filter filter;
    call_filter_begin(&filter, at, room);
    for (size_t i = 0; i < rules; i++)
        call_filter_put(&filter, rule, SECCOMP_RET_ALLOW);
    assert_false(call_filter_hold(&filter, SECCOMP_RET_ALLOW));
    assert_false(filter.fits);
    assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
}

static void test_half_of_one_is_none(void **state)
{
    static const struct call_rule wrong[] = {
        { .number = -1 },
        { .number = SYS_read, .masked = true, .argument = 6, .mask = 1 },
        { .number = SYS_read, .masked = true },
        { .number = SYS_read, .masked = true, .mask = 4, .value = 6 },
        { .number = SYS_read, .masked = true, .mask = 4, .also = { .mask = 4, .value = 6 } },
        { .number = SYS_read, .masked = true, .mask = 4, .also = { .argument = 6, .mask = 4 } },
        { .number = SYS_read, .also = { .argument = 1, .mask = 4 } },
    };
    static const struct call_rule right = {
        .number = SYS_read, .masked = true, .mask = 1, .also = { .argument = 1, .mask = 1 }
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        refused(&wrong[i], 1, CALL_FILTER_ROOM(SOUND));
    /* Any number of instructions less than four and fifteen for each rule, and the end. */
    for (size_t room = 0; room < 4 + SOUND * CALL_FILTER_RULE + 1; room++)
        refused(&right, SOUND, room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_action),
        cmocka_unit_test(test_one_that_asks),
        cmocka_unit_test(test_half_of_one_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
