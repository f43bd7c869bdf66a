/* test_syscalls.c - the list of system calls of a job's guest agent is exact: every number is tried
   in a forked child under its filter.  It makes no socket and opens nothing. */
#include <sys/syscall.h>

#include "agent/agent_syscalls.h"
#include "base/number.h"
#include "os/exact.h"

static void test_the_list(void **state)
{
    (void)state;
    assert_true(assert_exact(agent_rules, COUNT_OF(agent_rules)) > 3 * (EXACT_NUMBERS - 10));
}

static void test_what_is_not_in_it(void **state)
{
    static const int never[] = { SYS_socket, SYS_connect, SYS_bind,  SYS_listen,     SYS_openat,
                                 SYS_open,   SYS_execve,  SYS_clone, SYS_clone3,     SYS_fork,
                                 SYS_kill,   SYS_ptrace,  SYS_setns, SYS_socketpair, SYS_prctl,
                                 SYS_mmap,   SYS_brk,     SYS_ioctl, SYS_dup2,       SYS_fcntl };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(agent_rules); i++) {
        for (size_t k = 0; k < COUNT_OF(never); k++)
            assert_int_not_equal(agent_rules[i].number, never[k]);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        TEST(test_the_list, ""),
        TEST(test_what_is_not_in_it, ""),
    };
    return RUN_TESTS(tests);
}
