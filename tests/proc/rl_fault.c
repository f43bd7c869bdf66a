/* rl_fault.c - what a process is linked with for tools/rl and nothing else: its jail also knows
   getpid, which strace puts in the place of a call that is to fail, and the heap of all that is
   in the process, libraries included, is used up at one allocation (WARD_RL_FAIL=N) or from it
   on (WARD_RL_FAIL=N+).  On stderr it says that this happened, and at the end how many there
   were. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/jail.h"

/* To the libraries of the process. */
#define SHOWN __attribute__((visibility("default")))

/* Of glibc, for those who put something before it. */
void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t len);

rc __real_jail_enter(struct trail *trail, const struct jail *jail, struct jail_report *report);
rc __wrap_jail_enter(struct trail *trail, const struct jail *jail, struct jail_report *report);

static struct {
    unsigned long made, fail_at; /* the first is 1; 0: none fails */
    bool known, for_good, counts;
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
}

static bool fails(void)
{
    if (!heap.known)
        look();
    heap.made++;
    if (heap.made == heap.fail_at)
        say("allocation failed", heap.made);
    return heap.fail_at != 0 &&
           (heap.made == heap.fail_at || (heap.for_good && heap.made > heap.fail_at));
}

SHOWN void *malloc(size_t len)
{
    return fails() ? NULL : __libc_malloc(len);
}

SHOWN void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

SHOWN void *realloc(void *at, size_t len)
{
    return fails() ? NULL : __libc_realloc(at, len);
}

__attribute__((destructor)) static void count(void)
{
    if (heap.counts)
        say("allocations", heap.made);
}

rc __wrap_jail_enter(struct trail *trail, const struct jail *jail, struct jail_report *report)
{
    static struct jail_rule rules[JAIL_RULES_MAX];
    struct jail wider = *jail;
    if (jail->rule_count + 1 > JAIL_RULES_MAX)
        return FAIL(trail, RC_BUG, JAIL_E_RULE);
    memcpy(rules, jail->rules, jail->rule_count * sizeof rules[0]);
    rules[jail->rule_count] = (struct jail_rule){ .number = SYS_getpid };
    wider.rules = rules;
    wider.rule_count++;
    return __real_jail_enter(trail, &wider, report);
}
