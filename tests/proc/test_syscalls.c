/* test_syscalls.c - the list of system calls of each process of the house is exact: every
   number is tried in a forked child under its filter. */
#include <sys/socket.h>

#include "base/number.h"
#include "os/exact.h"
#include "proc/audit_syscalls.h"
#include "proc/core_syscalls.h"
#include "proc/dial_syscalls.h"
#include "proc/fetch_syscalls.h"
#include "proc/front_syscalls.h"
#include "proc/judge_syscalls.h"
#include "proc/keeper_syscalls.h"
#include "proc/reply_syscalls.h"
#include "proc/tee_syscalls.h"
#include "proc/verify_syscalls.h"

#define EXACT(name)                                                                                \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        assert_true(assert_exact(name##_rules, COUNT_OF(name##_rules)) >                           \
                    3 * (EXACT_NUMBERS - 10));                                                     \
    }

EXACT(audit)
EXACT(core)
EXACT(dial)
EXACT(fetch)
EXACT(front)
EXACT(judge)
EXACT(keeper)
EXACT(reply)
EXACT(tee)
EXACT(verify)

/* What no process of the house has a use for, whatever it is taken over for.  Verify and fetch
   fork: by a clone that shares nothing, and by no other. */
static bool is_fork(const struct call_rule *rule)
{
    const uint64_t fork = 0x1200011; /* SIGCHLD, and where the child writes its number */
    return rule->number == SYS_clone && rule->masked && rule->argument == 0 &&
           rule->mask == 0xffffffff && rule->value == fork;
}

/* Fetch and dial alone make sockets, of the internet's two families, and connect them. */
static bool is_outward(const struct call_rule *rule)
{
    const uint64_t either = ~(uint64_t)(AF_INET ^ AF_INET6) & 0xffffffff;
    bool family = rule->masked && rule->argument == 0 && rule->mask == either &&
                  rule->value == (AF_INET & AF_INET6);
    return rule->number == SYS_connect || (rule->number == SYS_socket && family);
}

static void test_none_may_reach_out(void **state)
{
    static const int never[] = {
        SYS_execve,           SYS_execveat,    SYS_fork,        SYS_vfork,   SYS_clone,
        SYS_clone3,           SYS_open,        SYS_openat,      SYS_openat2, SYS_socket,
        SYS_connect,          SYS_bind,        SYS_ptrace,      SYS_kill,    SYS_unlink,
        SYS_rename,           SYS_chmod,       SYS_setuid,      SYS_bpf,     SYS_io_uring_setup,
        SYS_process_vm_readv, SYS_pidfd_getfd, SYS_memfd_create
    };
    static const struct {
        const struct call_rule *rules;
        size_t count;
        bool outward;
    } lists[] = {
        { audit_rules, COUNT_OF(audit_rules) },       { core_rules, COUNT_OF(core_rules) },
        { front_rules, COUNT_OF(front_rules) },       { judge_rules, COUNT_OF(judge_rules) },
        { keeper_rules, COUNT_OF(keeper_rules) },     { verify_rules, COUNT_OF(verify_rules) },
        { tee_rules, COUNT_OF(tee_rules) },           { fetch_rules, COUNT_OF(fetch_rules), true },
        { reply_rules, COUNT_OF(reply_rules), true }, { dial_rules, COUNT_OF(dial_rules), true },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        for (size_t j = 0; j < lists[i].count; j++)
            for (size_t k = 0; k < COUNT_OF(never); k++)
                assert_true(lists[i].rules[j].number != never[k] || is_fork(&lists[i].rules[j]) ||
                            (lists[i].outward && is_outward(&lists[i].rules[j])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_audit, "RL-33"),  TEST(test_core, "RL-33"),          TEST(test_front, "RL-33"),
        TEST(test_keeper, "RL-33"), TEST(test_none_may_reach_out, ""), TEST(test_judge, "RL-33"),
        TEST(test_verify, "RL-33"), TEST(test_fetch, "RL-33"),         TEST(test_reply, "RL-33"),
        TEST(test_tee, "RL-33"),    TEST(test_dial, "RL-33"),
    };
    return RUN_TESTS(tests);
}
