/* call_filter.c - see call_filter.h. */
#include "os/call_filter.h"

#include <limits.h>
#include <linux/audit.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if !defined __x86_64__ || defined __ILP32__
#error "name the machine by its AUDIT_ARCH here, and see which of its calls have two numbers"
#endif

enum {
    X32_BIT = 1 << 30, /* of each of x32's numbers */
    CONDITION = 6,     /* instructions of one */
};

static void put(struct call_filter *filter, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    if (filter->len >= filter->room) {
        filter->fits = false;
        return;
    }
    filter->at[filter->len++] = (struct sock_filter){ code, yes, no, k };
}

static void load(struct call_filter *filter, size_t offset)
{
    put(filter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* Goes on when what is loaded is this, and otherwise so many instructions further. */
static void expect(struct call_filter *filter, uint32_t value, uint8_t further)
{
    put(filter, BPF_JMP | BPF_JEQ | BPF_K, value, 0, further);
}

static void end(struct call_filter *filter, uint32_t action)
{
    put(filter, BPF_RET | BPF_K, action, 0, 0);
}

void call_filter_begin(struct call_filter *filter, struct sock_filter *at, size_t room)
{
    *filter = (struct call_filter){ .at = at, .room = room, .fits = true };
    load(filter, offsetof(struct seccomp_data, arch));
    put(filter, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    end(filter, SECCOMP_RET_KILL_PROCESS);
    load(filter, offsetof(struct seccomp_data, nr));
}

void call_filter_x32(struct call_filter *filter)
{
    put(filter, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    end(filter, SECCOMP_RET_KILL_PROCESS);
}

static bool condition_is_sound(const struct call_condition *condition)
{
    return condition->argument < 6 && condition->mask != 0 &&
           (condition->value & ~condition->mask) == 0;
}

static struct call_condition first_of(const struct call_rule *rule)
{
    return (struct call_condition){ rule->argument, rule->mask, rule->value };
}

static bool rule_is_sound(const struct call_rule *rule)
{
    const struct call_condition first = first_of(rule);
    return rule->number >= 0 && (!rule->masked || condition_is_sound(&first)) &&
           (rule->also.mask == 0 || (rule->masked && condition_is_sound(&rule->also)));
}

/* Both halves of an argument, or so many instructions further than the last of these. */
static void put_condition(struct call_filter *filter, const struct call_condition *condition,
                          uint8_t further)
{
    const size_t argument = offsetof(struct seccomp_data, args) +
                            condition->argument * sizeof(uint64_t);
    load(filter, argument);
    put(filter, BPF_ALU | BPF_AND | BPF_K, (uint32_t)condition->mask, 0, 0);
    expect(filter, (uint32_t)condition->value, (uint8_t)(further + CONDITION / 2));
    load(filter, argument + sizeof(uint32_t)); /* the machine is little-endian */
    put(filter, BPF_ALU | BPF_AND | BPF_K, (uint32_t)(condition->mask >> 32), 0, 0);
    expect(filter, (uint32_t)(condition->value >> 32), further);
}

/* A call has the right number, then its arguments are right, or the next rule is asked. */
void call_filter_put(struct call_filter *filter, const struct call_rule *rule, uint32_t action)
{
    if (!rule_is_sound(rule)) {
        filter->fits = false;
        return;
    }
    if (!rule->masked) {
        expect(filter, (uint32_t)rule->number, 1);
        end(filter, action);
        return;
    }
    const struct call_condition first = first_of(rule);
    const bool both = rule->also.mask != 0;
    expect(filter, (uint32_t)rule->number, (uint8_t)((both ? 2 : 1) * CONDITION + 2));
    put_condition(filter, &first, (uint8_t)(both ? CONDITION + 1 : 1));
    if (both)
        put_condition(filter, &rule->also, 1);
    end(filter, action);
    load(filter, offsetof(struct seccomp_data, nr));
}

static int hold(struct call_filter *filter, uint32_t others, unsigned flags)
{
    end(filter, others);
    if (!filter->fits || filter->len > USHRT_MAX) {
        filter->fits = false;
        return -1;
    }
    const struct sock_fprog whole = { (unsigned short)filter->len, filter->at };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
               ? -1
               : (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &whole);
}

bool call_filter_hold(struct call_filter *filter, uint32_t others)
{
    return hold(filter, others, 0) == 0;
}

int call_filter_ask(struct call_filter *filter)
{
    const int asked = hold(filter, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (asked < 0 && filter->len > 0)
        filter->len--; /* for another end */
    return asked;
}
