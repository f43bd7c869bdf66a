/* surface.c - which system calls a job may make, all of them and for every argument that is looked
   at: a filter of its own holds each back that the sandbox's lets through, so that none is made (of
   two filters the stricter one counts, and SECCOMP_RET_TRACE without a tracer is ENOSYS).  A line
   is "NUMBER all" of a call that goes through whatever it is given, else "NUMBER ARGUMENT VALUE" of
   each that does, where an argument of -1 is none: zeros alone; one of 6 is the first and the
   second together, of which VALUE has a byte each. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NUMBERS = 601 /* past the last of any kernel today */,
    X32 = 0x40000000,
    ARGUMENTS = 6,
    BITS = 64,
    FAMILIES = 64,
    BOTH = 6,
    KINDS = 16,
};

/* Every call but that by which it is told, and the end. */
static void hold_back(void)
{
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
    };
    static const struct sock_fprog filter = { sizeof code / sizeof code[0], code };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0)
        _exit(9);
}

static void say(const char *line, int len)
{
    if (write(STDOUT_FILENO, line, (size_t)len) != len)
        _exit(8);
}

/* What the two filters together make of it: ENOSYS is ours. */
static int goes_through(long number, int argument, uint64_t value)
{
    uint64_t given[ARGUMENTS] = { 0 };
    if (argument >= 0 && argument != BOTH)
        given[argument] = value;
    if (argument == BOTH) {
        given[0] = value & 0xff;
        given[1] = value >> 8;
    }
    return syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]) == -1 &&
           errno == ENOSYS;
}

/* Our own, and those of the kernel's own probes, which go past every filter and do nothing
 * elsewhere. */
static int is_left_out(long number)
{
    return number == SYS_write || number == SYS_exit_group || number == 335 || number == 336;
}

struct tried {
    int argument;
    uint64_t value;
    int through;
};

enum { LISTED = 1, ABSENT = 2 };
static int known[NUMBERS];
static const uint8_t families[] = { 1, 2, 10, 16, 17 };
/* Questions to a descriptor that the list refuses, and two beside them. */
static const uint16_t questions[] = { 0x5412, 0x5877, 0x5878, 0x5879, 0x587d, 0x5413, 0x587b };
enum { QUESTIONS = sizeof questions / sizeof questions[0] };
static struct tried
    rows[ARGUMENTS * (BITS + FAMILIES + 2) + QUESTIONS + sizeof families * KINDS + 1];

/* Nothing, each bit of each argument, all ones, each small value of the first, some of those with
   each small value of the second, and of that some numbers. */
static size_t make_rows(void)
{
    size_t count = 0;
    rows[count++] = (struct tried){ -1, 0, 0 };
    for (int argument = 0; argument < ARGUMENTS; argument++) {
        for (int bit = 0; bit < BITS; bit++)
            rows[count++] = (struct tried){ argument, UINT64_C(1) << bit, 0 };
        for (uint64_t value = 3; value < FAMILIES && argument == 0; value++) {
            if ((value & (value - 1)) != 0)
                rows[count++] = (struct tried){ argument, value, 0 };
        }
        rows[count++] = (struct tried){ argument, UINT32_MAX, 0 };
        rows[count++] = (struct tried){ argument, UINT64_MAX, 0 };
    }
    for (size_t i = 0; i < QUESTIONS; i++)
        rows[count++] = (struct tried){ 1, questions[i], 0 };
    for (size_t i = 0; i < sizeof families * KINDS; i++)
        rows[count++] = (struct tried){ BOTH, families[i / KINDS] | i % KINDS << 8, 0 };
    return count;
}

/* Of a call that is not on the list `few` are tried: nothing, and all ones. */
static void try_all(long number, size_t count, int few)
{
    char line[64];
    size_t through = 0;
    for (size_t i = 0; i < count; i++) {
        const int tried = !few || known[number] || i == 0 || rows[i].value == UINT64_MAX;
        rows[i].through = tried && goes_through(number, rows[i].argument, rows[i].value);
        through += (size_t)rows[i].through;
    }
    if (through == count)
        say(line, snprintf(line, sizeof line, "%ld all\n", number));
    for (size_t i = 0; i < count && through < count; i++) {
        if (rows[i].through)
            say(line, snprintf(line, sizeof line, "%ld %d %llu\n", number, rows[i].argument,
                               (unsigned long long)rows[i].value));
    }
}

/* By another door, in a child: dead, or refused. */
static int is_open(int door, long number)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        long result = -1;
        hold_back();
        if (door == 0)
            result = syscall(X32 + number) == -1 && errno == ENOSYS ? 0 : -1;
        else
            __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(-1), "c"(-1) : "memory");
        _exit(result == -1 || result == -EPERM ? 1 : 0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Numbers of x32, and the interrupt of i386. */
static void try_doors(void)
{
    for (int door = 0; door < 2; door++) {
        int through = 0;
        for (long number = 0; number < NUMBERS; number += door == 0 ? 1 : 7)
            through += is_open(door, number);
        printf("door %s %d\n", door == 0 ? "x32" : "i386", through);
    }
    fflush(stdout);
}

/* What is not on the list is made for once: where the answer is ENOSYS without a filter of ours,
   nobody is there, and it says nothing when one is. */
static void try_absent(void)
{
    for (long number = 0; number < NUMBERS; number++) {
        int status;
        if (known[number] || is_left_out(number))
            continue;
        pid_t child = fork();
        if (child == 0) {
            alarm(5);
            _exit(syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) == -1 && errno == ENOSYS ? 1 : 0);
        }
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
        known[number] = WIFEXITED(status) && WEXITSTATUS(status) == 1 ? ABSENT : 0;
    }
}

/* The argument is the numbers of the list, with commas between; "few" behind it where each call
   that is refused takes long. */
int main(int argc, char **argv)
{
    const size_t count = make_rows();
    const int few = argc > 2;
    for (char *at = argc > 1 ? argv[1] : NULL; at != NULL && *at != 0; at += *at == ',' ? 1 : 0)
        known[strtoul(at, &at, 10) % NUMBERS] = LISTED;
    try_absent();
    try_doors();
    hold_back();
    for (long number = 0; number < NUMBERS; number++) {
        if (!is_left_out(number) && known[number] != ABSENT)
            try_all(number, count, few);
    }
    say("over\n", 5);
    _exit(0);
}
