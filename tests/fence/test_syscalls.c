/* test_syscalls.c - the list of system calls of the fence is exact: every number is tried in a
   forked child under its filter.  It makes sockets of the internet alone, and listens nowhere. */
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/number.h"
#include "fence/fence_syscalls.h"
#include "os/exact.h"

static void test_the_list(void **state)
{
    (void)state;
    assert_true(assert_exact(fence_rules, COUNT_OF(fence_rules)) > 3 * (EXACT_NUMBERS - 10));
}

static void test_what_is_not_in_it(void **state)
{
    static const int never[] = { SYS_bind,  SYS_listen,  SYS_openat,     SYS_open, SYS_execve,
                                 SYS_clone, SYS_clone3,  SYS_fork,       SYS_kill, SYS_ptrace,
                                 SYS_setns, SYS_unshare, SYS_socketpair, SYS_prctl };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(fence_rules); i++) {
        for (size_t k = 0; k < COUNT_OF(never); k++)
            assert_int_not_equal(fence_rules[i].number, never[k]);
        if (fence_rules[i].number == SYS_socket) {
            assert_true(fence_rules[i].masked && fence_rules[i].argument == 0);
            assert_int_equal(fence_rules[i].value, AF_INET);
            assert_int_equal(fence_rules[i].mask, ~(uint64_t)(AF_INET ^ AF_INET6) & 0xffffffff);
        }
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
