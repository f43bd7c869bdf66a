/* jail_filter.c - see jail.h: the list of system calls as the kernel's own kind of program.  It
   is written here, on the stack, because libseccomp 2.5.4 makes a filter without all of its
   rules, and says that this went well, when an allocation fails while it compiles. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/number.h"
#include "os/file_rc.h"
#include "os/jail.h"

#if !defined __x86_64__ || defined __ILP32__
#error "name the machine by its AUDIT_ARCH here, and see which of its calls have two numbers"
#endif

enum {
    RULE_LENGTH = 9,   /* instructions of a rule with a condition, the longest */
    FRAME_LENGTH = 5,  /* those around all rules */
    X32_BIT = 1 << 30, /* of a number of x32, which is one more name for a call */
};

struct program {
    struct sock_filter at[JAIL_RULES_MAX * RULE_LENGTH + FRAME_LENGTH];
    unsigned short len;
};

static void put(struct program *program, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    program->at[program->len++] = (struct sock_filter){ code, yes, no, k };
}

static void load(struct program *program, size_t offset)
{
    put(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* Goes on when what is loaded is this, and otherwise so many instructions further. */
static void expect(struct program *program, uint32_t value, uint8_t further)
{
    put(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, further);
}

static void end(struct program *program, uint32_t action)
{
    put(program, BPF_RET | BPF_K, action, 0, 0);
}

/* A call has the right number, then both halves of its argument are right, or the next rule is
   asked: the same call may stand in several. */
static void put_rule(struct program *program, const struct jail_rule *rule)
{
    const size_t argument = offsetof(struct seccomp_data, args) + rule->argument * sizeof(uint64_t);
    if (!rule->masked) {
        expect(program, (uint32_t)rule->number, 1);
        end(program, SECCOMP_RET_ALLOW);
        return;
    }
    expect(program, (uint32_t)rule->number, RULE_LENGTH - 1);
    load(program, argument);
    put(program, BPF_ALU | BPF_AND | BPF_K, (uint32_t)rule->mask, 0, 0);
    expect(program, (uint32_t)rule->value, 4);
    load(program, argument + sizeof(uint32_t)); /* the machine is little-endian */
    put(program, BPF_ALU | BPF_AND | BPF_K, (uint32_t)(rule->mask >> 32), 0, 0);
    expect(program, (uint32_t)(rule->value >> 32), 1);
    end(program, SECCOMP_RET_ALLOW);
    load(program, offsetof(struct seccomp_data, nr));
}

/* The numbers are those of this machine's own calls: one by the numbers of 32 bits is killed. */
static void begin(struct program *program)
{
    load(program, offsetof(struct seccomp_data, arch));
    put(program, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    end(program, SECCOMP_RET_KILL_PROCESS);
    load(program, offsetof(struct seccomp_data, nr));
}

static rc hold_to(struct trail *trail, struct program *program)
{
    const struct sock_fprog whole = { program->len, program->at };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &whole) != 0)
        return FAIL(trail, RC_WORLD, JAIL_E_FILTER);
    return RC_SUCCESS;
}

static bool rule_is_sound(const struct jail_rule *rule)
{
    bool condition = rule->argument < 6 && rule->mask != 0 && (rule->value & ~rule->mask) == 0;
    return rule->number >= 0 && (!rule->masked || condition);
}

rc jail_filter(struct trail *trail, const struct jail_rule *rules, size_t count)
{
    struct program program = { .len = 0 };
    if (count > JAIL_RULES_MAX)
        return FAIL(trail, RC_BUG, JAIL_E_RULE);
    begin(&program); /* a call by the numbers of x32 has a bit that no listed number has */
    for (size_t i = 0; i < count; i++) {
        if (!rule_is_sound(&rules[i]))
            return FAIL(trail, RC_BUG, JAIL_E_RULE);
        put_rule(&program, &rules[i]);
    }
    end(&program, SECCOMP_RET_KILL_PROCESS);
    return hold_to(trail, &program);
}

/* io_uring makes and connects sockets by none of the calls for it. */
rc jail_offline(struct trail *trail)
{
    static const int calls[] = { SYS_socket,   SYS_connect,       SYS_bind,   SYS_listen,
                                 SYS_accept,   SYS_accept4,       SYS_sendto, SYS_sendmsg,
                                 SYS_sendmmsg, SYS_io_uring_setup };
    struct program program = { .len = 0 };
    begin(&program);
    put(&program, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    end(&program, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        expect(&program, (uint32_t)calls[i], 1);
        end(&program, SECCOMP_RET_KILL_PROCESS);
    }
    end(&program, SECCOMP_RET_ALLOW);
    return hold_to(trail, &program);
}
