/* calls.c - see inside.h: the list of system calls as the kernel's own kind of program. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/inside.h"

enum { RULE_LENGTH = 9, FRAME_LENGTH = 5 };

struct program {
    struct sock_filter at[GUEST_CALLS_MAX * RULE_LENGTH + FRAME_LENGTH];
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

static void expect(struct program *program, uint32_t value, uint8_t further)
{
    put(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, further);
}

static void end(struct program *program, uint32_t action)
{
    put(program, BPF_RET | BPF_K, action, 0, 0);
}

/* The number, then both halves of the argument; or the next is asked. */
static void put_call(struct program *program, const struct guest_call *call)
{
    const uint32_t action = call->unseen ? SECCOMP_RET_ERRNO | ENOSYS : (uint32_t)SECCOMP_RET_ALLOW;
    const size_t argument = offsetof(struct seccomp_data, args) + call->argument * sizeof(uint64_t);
    if (!call->masked) {
        expect(program, call->number, 1);
        end(program, action);
        return;
    }
    expect(program, call->number, RULE_LENGTH - 1);
    load(program, argument);
    put(program, BPF_ALU | BPF_AND | BPF_K, (uint32_t)call->mask, 0, 0);
    expect(program, (uint32_t)call->value, 4);
    load(program, argument + sizeof(uint32_t)); /* the machine is little-endian */
    put(program, BPF_ALU | BPF_AND | BPF_K, (uint32_t)(call->mask >> 32), 0, 0);
    expect(program, (uint32_t)(call->value >> 32), 1);
    end(program, action);
    load(program, offsetof(struct seccomp_data, nr));
}

bool guest_hold_to(const struct guest_call *calls, size_t count)
{
    static struct program program;
    program.len = 0;
    load(&program, offsetof(struct seccomp_data, arch));
    put(&program, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    end(&program, SECCOMP_RET_KILL_PROCESS);
    load(&program, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count && i < GUEST_CALLS_MAX; i++)
        put_call(&program, &calls[i]);
    end(&program, SECCOMP_RET_ERRNO | EPERM);
    const struct sock_fprog filter = { program.len, program.at };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}
