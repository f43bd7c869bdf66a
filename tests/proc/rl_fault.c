/* rl_fault.c - what a process is linked with for tools/rl and nothing else: its jail also knows
   getpid, which strace puts in the place of a call that is to fail, and the end of a signal's
   handler, and the heap of all that is in the process, libraries included, is used up at one
   allocation (WARD_RL_FAIL=N) or from it on (WARD_RL_FAIL=N+).  On stderr it says that this
   happened, and at the end how many there were.

   With RL_LEAKS, the function that a process spends its life in, it is linked with LeakSanitizer,
   too, has no jail, which would not let that look around, and says when it stops what nothing
   points to any more.  WARD_RL_FORGET=1 is a bug that must be found: after the failure some memory
   is forgotten. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/jail.h"

/* To the libraries of the process. */
#define SHOWN __attribute__((visibility("default")))

/* Of glibc or of LeakSanitizer, for those who put something before it. */
#ifdef RL_LEAKS
#define REAL(call) __interceptor_##call
#else
#define REAL(call) __libc_##call
#endif
void *REAL(malloc)(size_t len);
void *REAL(calloc)(size_t count, size_t size);
void *REAL(realloc)(void *at, size_t len);

static struct {
    unsigned long made, fail_at; /* the first is 1; 0: none fails */
    bool known, for_good, counts, forgets;
} heap;

static void say(const char *what, unsigned long number)
{
    char text[64];
    int len = snprintf(text, sizeof text, "rl: %s %lu\n", what, number);
    ssize_t put = write(STDERR_FILENO, text, (size_t)len);
    (void)put;
}

static void look(void)
{
    const char *text = getenv("WARD_RL_FAIL");
    char *end = NULL;
    heap.known = true;
    heap.counts = text != NULL;
    heap.fail_at = text != NULL ? strtoul(text, &end, 10) : 0;
    heap.for_good = end != NULL && *end == '+';
    heap.forgets = getenv("WARD_RL_FORGET") != NULL;
}

static bool fails(void)
{
    if (environ == NULL) /* LeakSanitizer begins before all else */
        return false;
    if (!heap.known)
        look();
    heap.made++;
    if (heap.made == heap.fail_at) {
        say("allocation failed", heap.made);
        for (int i = 0; i < 16 && heap.forgets; i++)
            *(void *volatile *)REAL(malloc)(64) = NULL;
    }
    return heap.fail_at != 0 &&
           (heap.made == heap.fail_at || (heap.for_good && heap.made > heap.fail_at));
}

SHOWN void *malloc(size_t len)
{
    return fails() ? NULL : REAL(malloc)(len);
}

SHOWN void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : REAL(calloc)(count, size);
}

SHOWN void *realloc(void *at, size_t len)
{
    return fails() ? NULL : REAL(realloc)(at, len);
}

__attribute__((destructor)) static void count(void)
{
    if (heap.counts)
        say("allocations", heap.made);
}

#ifndef RL_LEAKS

rc __real_jail_enter(struct trail *trail, const struct jail *jail, struct jail_report *report);
rc __wrap_jail_enter(struct trail *trail, const struct jail *jail, struct jail_report *report);

rc __wrap_jail_enter(struct trail *trail, const struct jail *jail, struct jail_report *report)
{
    static struct call_rule rules[JAIL_RULES_MAX];
    struct jail wider = *jail;
    if (jail->rule_count + 2 > JAIL_RULES_MAX)
        return FAIL(trail, RC_BUG, JAIL_E_RULE);
    memcpy(rules, jail->rules, jail->rule_count * sizeof rules[0]);
    rules[wider.rule_count++] = (struct call_rule){ .number = SYS_getpid };
    rules[wider.rule_count++] = (struct call_rule){ .number = SYS_rt_sigreturn };
    wider.rules = rules;
    return __real_jail_enter(trail, &wider, report);
}

#else

#define NAMED(before, name)  before##name
#define AROUND(before, name) NAMED(before, name)
#define REAL_LIFE            AROUND(__real_, RL_LEAKS)
#define WRAPPED_LIFE         AROUND(__wrap_, RL_LEAKS)

int __lsan_do_recoverable_leak_check(void);
const char *__lsan_default_options(void);
rc __wrap_jail_enter(struct trail *trail, const struct jail *jail, struct jail_report *report);
rc REAL_LIFE(struct trail *trail, void *self);
rc WRAPPED_LIFE(struct trail *trail, void *self);

rc __wrap_jail_enter(struct trail *trail, const struct jail *jail, struct jail_report *report)
{
    (void)trail;
    (void)jail;
    *report = (struct jail_report){ 0 };
    return RC_SUCCESS;
}

/* Looked for where all that the process has is still on the stack, not at its very end. */
SHOWN const char *__lsan_default_options(void)
{
    return "leak_check_at_exit=0:allocator_may_return_null=1:fast_unwind_on_malloc=0";
}

rc WRAPPED_LIFE(struct trail *trail, void *self)
{
    rc ended = REAL_LIFE(trail, self);
    heap.fail_at = 0;
    say(__lsan_do_recoverable_leak_check() == 0 ? "nothing leaked" : "leaked", heap.made);
    return ended;
}

#endif
