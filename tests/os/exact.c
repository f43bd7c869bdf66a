/* exact.c - see exact.h. */
#include "os/exact.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum way { USUAL, INT_80 };

enum { NOT_LOADED = 99 }; /* the child's exit code when there is no filter */

struct attempt {
    enum way way;
    uint32_t number;
    uint64_t arguments[6];
};

static void call_by_int_80(uint32_t number)
{
    long result = number;
    __asm__ volatile("int $0x80"
                     : "+a"(result)
                     : "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L)
                     : "r8", "r9", "r10", "r11", "memory");
}

static _Noreturn void make(const struct attempt *attempt, const struct call_rule *rules,
                           size_t count)
{
    const uint64_t *a = attempt->arguments;
    alarm(5);                /* for a listed call that waits */
    signal(SIGILL, SIG_DFL); /* cmocka's handlers would go on with the other tests */
    signal(SIGSEGV, SIG_DFL);
    if (!rc_ok(jail_filter(NULL, rules, count)))
        _exit(NOT_LOADED);
    if (attempt->way == INT_80)
        call_by_int_80(attempt->number);
    else
        syscall(attempt->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    __builtin_trap(); /* leaving by a call would look like the call that was tried */
}

/* Only the filter ends a process by SIGSYS.  A kernel without 32-bit programs answers
   int 0x80 by SIGSEGV. */
static bool survives(const struct attempt *attempt, const struct call_rule *rules, size_t count)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        make(attempt, rules, count);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == NOT_LOADED);
    if (!WIFSIGNALED(status) || WTERMSIG(status) == SIGILL)
        return true;
    return WTERMSIG(status) != SIGSYS && !(attempt->way == INT_80 && WTERMSIG(status) == SIGSEGV);
}

static void expect(const struct attempt *attempt, bool expected, const struct call_rule *rules,
                   size_t count)
{
    /* uretprobe and uprobe: since Linux 6.14 the kernel asks no filter about them, and ends who
       makes them outside a trampoline of its own by SIGILL. */
    if (attempt->way == USUAL && (attempt->number == 335 || attempt->number == 336))
        return;
    if (survives(attempt, rules, count) == expected)
        return;
    fprintf(stderr, "call %#x%s, argument 0 %#llx, 1 %#llx, 2 %#llx: %s\n", attempt->number,
            attempt->way == INT_80 ? " by int 0x80" : "", (unsigned long long)attempt->arguments[0],
            (unsigned long long)attempt->arguments[1], (unsigned long long)attempt->arguments[2],
            expected ? "killed" : "not killed");
    fail();
}

/* The first from `from` on; NULL: there is none. */
static const struct call_rule *rule_of(int number, const struct call_rule *from,
                                       const struct call_rule *rules, size_t count)
{
    for (; from < rules + count; from++) {
        if (from->number == number)
            return from;
    }
    return NULL;
}

static bool is_listed(const struct attempt *attempt, const struct call_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t argument = attempt->arguments[rules[i].argument];
        if ((uint32_t)rules[i].number == attempt->number &&
            (!rules[i].masked || (argument & rules[i].mask) == rules[i].value))
            return true;
    }
    return false;
}

/* With a condition: as it must be, whatever stands outside the mask, and each bit wrong. */
static size_t try_condition(struct attempt *attempt, const struct call_rule *rule,
                            const struct call_rule *rules, size_t count)
{
    size_t tried = 2;
    uint64_t *argument = &attempt->arguments[rule->argument];
    *argument = rule->value;
    expect(attempt, true, rules, count);
    *argument = rule->value | ~rule->mask;
    expect(attempt, true, rules, count);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t wrong = UINT64_C(1) << bit;
        if ((rule->mask & wrong) == 0)
            continue;
        *argument = rule->value ^ wrong;
        expect(attempt, is_listed(attempt, rules, count), rules, count);
        tried++;
    }
    return tried;
}

size_t assert_exact(const struct call_rule *rules, size_t count)
{
    static const uint32_t odd[] = { 0x3fffffff, 0x7fffffff, 0x80000000, 0xffffffff };
    const struct attempt ones = { .arguments = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
                                                 UINT64_MAX, UINT64_MAX } };
    size_t tried = 0;
    for (uint32_t number = 0; number < EXACT_NUMBERS; number++) {
        const struct call_rule *rule = rule_of((int)number, rules, rules, count);
        const bool masked = rule != NULL && rule->masked;
        struct attempt attempt = ones;
        attempt.number = number;
        if (!masked)
            expect(&attempt, rule != NULL, rules, count);
        for (; masked && rule != NULL; rule = rule_of((int)number, rule + 1, rules, count))
            tried += try_condition(&attempt, rule, rules, count);
        attempt.number = number | EXACT_X32;
        expect(&attempt, false, rules, count);
        attempt.number = number;
        attempt.way = INT_80;
        expect(&attempt, false, rules, count);
        tried += masked ? 2 : 3;
    }
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++, tried++) {
        struct attempt attempt = ones;
        attempt.number = odd[i];
        expect(&attempt, false, rules, count);
    }
    return tried;
}
