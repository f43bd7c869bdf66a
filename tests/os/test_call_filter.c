/* test_call_filter.c - a filter of system calls with an action for each rule and one for the rest;
   that a jail's lists are exact over all numbers is test_jail.c's. */
#include <errno.h>
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
        cmocka_unit_test(test_half_of_one_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
