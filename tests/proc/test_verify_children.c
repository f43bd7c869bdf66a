/* test_verify_children.c - a piece of evidence that takes its judge over: what the child can then
   do is here a judge of our own, under the very code and filter of ward-verify. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/fd.h"
#include "proc/verify/verify.h"
#include "test.h"

static uint8_t room[FRAME_BODY_MAX];
static int tainted;     /* by a judge: the next one must not see it */
static bool dies_first; /* the parent of a child that is about to ask for a signal at that */
static int tells = -1;  /* where the number of a child is said */

int __real_prctl(int what, ...);
int __wrap_prctl(int what, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

int __wrap_prctl(int what, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    const pid_t parent = getppid(), self = getpid();
    if (what == PR_SET_PDEATHSIG && dies_first && parent > 1) {
        (void)!write(tells, &self, sizeof self);
        (void)kill(parent, SIGKILL);
        while (getppid() == parent)
            (void)poll(NULL, 0, 1);
    }
    return __real_prctl(what, a, b, c, d);
}

/* What a child that did its work says; `reason` carries what a judge found. */
static void say(struct sink *answer, uint16_t reason)
{
    sink_u16le(answer, reason);
    put_bytes(answer, (struct span){ 0 });
    put_bytes(answer, (struct span){ 0 });
}

static void honest(const struct verify_held *held, struct span request, int64_t now,
                   struct sink *answer)
{
    (void)held, (void)now;
    say(answer, (uint16_t)(tainted != 0 ? 9 : request.len == 0 ? 0 : request.at[0]));
}

static void taints(const struct verify_held *held, struct span request, int64_t now,
                   struct sink *answer)
{
    tainted = 1;
    honest(held, request, now, answer);
}

static void traps(const struct verify_held *held, struct span request, int64_t now,
                  struct sink *answer)
{
    (void)held, (void)request, (void)now, (void)answer;
    __builtin_trap();
}

static void says_nothing(const struct verify_held *held, struct span request, int64_t now,
                         struct sink *answer)
{
    (void)held, (void)request, (void)now, (void)answer;
}

static void says_half(const struct verify_held *held, struct span request, int64_t now,
                      struct sink *answer)
{
    (void)held, (void)request, (void)now;
    sink_u16le(answer, 0);
    sink_u32le(answer, 4711);
}

static void says_no_reason(const struct verify_held *held, struct span request, int64_t now,
                           struct sink *answer)
{
    (void)held, (void)request, (void)now;
    say(answer, REASON_COUNT);
}

/* Front would take it for a bug of core. */
static void says_a_long_detail(const struct verify_held *held, struct span request, int64_t now,
                               struct sink *answer)
{
    static const uint8_t detail[JUDGED_DETAIL_MAX + 1];
    (void)held, (void)request, (void)now;
    sink_u16le(answer, 0);
    put_bytes(answer, SPAN(detail));
    put_bytes(answer, (struct span){ 0 });
}

static void says_too_much(const struct verify_held *held, struct span request, int64_t now,
                          struct sink *answer)
{
    (void)held, (void)now;
    for (unsigned i = 0; i < 8; i++)
        (void)!write(STDOUT_FILENO, room, sizeof room);
    honest(held, request, now, answer);
}

static void spins(const struct verify_held *held, struct span request, int64_t now,
                  struct sink *answer)
{
    (void)held, (void)request, (void)now, (void)answer;
    for (volatile unsigned i = 0;; i++)
        continue;
}

/* Writes to every descriptor that there may be but its own; 1 when one took it. */
static void reaches(const struct verify_held *held, struct span request, int64_t now,
                    struct sink *answer)
{
    uint16_t taken = 0;
    (void)held, (void)request, (void)now;
    for (int fd = 0; fd < 1024; fd++) {
        if (fd != STDOUT_FILENO && write(fd, "x", 1) == 1)
            taken = 1;
    }
    say(answer, taken);
}

#define FORBIDDEN(name, call)                                                                      \
    static void name(const struct verify_held *held, struct span request, int64_t now,             \
                     struct sink *answer)                                                          \
    {                                                                                              \
        call;                                                                                      \
        honest(held, request, now, answer);                                                        \
    }

FORBIDDEN(forks, (void)syscall(SYS_fork))
FORBIDDEN(clones, (void)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
FORBIDDEN(kills_its_parent, (void)syscall(SYS_kill, getppid(), SIGKILL))
FORBIDDEN(opens, (void)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY, 0))
FORBIDDEN(connects, (void)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0))
FORBIDDEN(sends, (void)syscall(SYS_sendmsg, 3, NULL, 0))
FORBIDDEN(takes_more_time, (void)syscall(SYS_setitimer, ITIMER_REAL, NULL, NULL))
FORBIDDEN(lifts_its_limit, (void)syscall(SYS_prlimit64, 0, 0, NULL, NULL))
FORBIDDEN(maps, (void)syscall(SYS_mmap, NULL, 4096, 3, 0x22, -1, 0))
FORBIDDEN(grows, (void)syscall(SYS_brk, 0))
FORBIDDEN(looks_inside, (void)syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0))
FORBIDDEN(duplicates, (void)syscall(SYS_dup, 1))
FORBIDDEN(ignores_its_deadline, (void)syscall(SYS_rt_sigaction, SIGALRM, NULL, NULL, 8))

static enum reason run(verify_judge_fn *judge, struct span request, uint16_t *said)
{
    struct forked child = { .fd = -1, .answer = sink_over(room, sizeof room) };
    const struct verify_work work = { .judge = judge, .request = request };
    struct trail trail = { 0 };
    assert_true(rc_ok(verify_child_start(&trail, &child, &work)));
    assert_true(child.pid > 0 && child.fd >= 0);
    for (bool ended = false; !ended;) {
        struct pollfd waits = { .fd = child.fd, .events = POLLIN };
        assert_int_equal(poll(&waits, 1, 60000), 1);
        ended = forked_read(&child);
    }
    enum reason reason = verify_child_end(&child);
    assert_int_equal(child.pid, 0);
    assert_int_equal(child.fd, -1);
    if (reason == REASON_OK && said != NULL)
        *said = (uint16_t)(room[0] | room[1] << 8);
    return reason;
}

static void test_whatever_it_does_is_an_answer(void **state)
{
    static const struct {
        const char *name;
        verify_judge_fn *judge;
        enum reason reason;
    } rows[] = {
        { "does its work", honest, REASON_OK },
        { "traps", traps, REASON_EVIDENCE_CRASHED },
        { "says nothing", says_nothing, REASON_EVIDENCE_CRASHED },
        { "says half an answer", says_half, REASON_EVIDENCE_CRASHED },
        { "says a reason that is none", says_no_reason, REASON_EVIDENCE_CRASHED },
        { "says a detail that is too long", says_a_long_detail, REASON_EVIDENCE_CRASHED },
        { "says too much", says_too_much, REASON_EVIDENCE_CRASHED },
        { "never ends", spins, REASON_EVIDENCE_DEADLINE },
        { "forks", forks, REASON_EVIDENCE_CRASHED },
        { "clones", clones, REASON_EVIDENCE_CRASHED },
        { "kills its parent", kills_its_parent, REASON_EVIDENCE_CRASHED },
        { "opens a file", opens, REASON_EVIDENCE_CRASHED },
        { "makes a socket", connects, REASON_EVIDENCE_CRASHED },
        { "sends on a channel", sends, REASON_EVIDENCE_CRASHED },
        { "takes more time", takes_more_time, REASON_EVIDENCE_CRASHED },
        { "lifts its limit", lifts_its_limit, REASON_EVIDENCE_CRASHED },
        { "maps memory", maps, REASON_EVIDENCE_CRASHED },
        { "grows its heap", grows, REASON_EVIDENCE_CRASHED },
        { "looks into its parent", looks_inside, REASON_EVIDENCE_CRASHED },
        { "duplicates its pipe", duplicates, REASON_EVIDENCE_CRASHED },
        { "ignores its deadline", ignores_its_deadline, REASON_EVIDENCE_CRASHED },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enum reason reason = run(rows[i].judge, (struct span){ 0 }, NULL);
        if (reason != rows[i].reason)
            fail_msg("%s: %s", rows[i].name, reason_info(reason)->name);
        /* The one after it is judged as if it had not been. */
        uint16_t said = 0;
        assert_int_equal(run(honest, span_of("\x05", 1), &said), REASON_OK);
        assert_int_equal(said, 5);
    }
}

/* The kernel ends it long before its time: as it does who takes the memory that there is. */
static void test_taken_for_its_memory(void **state)
{
    struct forked child = { .fd = -1, .answer = sink_over(room, sizeof room) };
    const struct verify_work work = { .judge = spins };
    (void)state;
    assert_true(rc_ok(verify_child_start(NULL, &child, &work)));
    assert_int_equal(kill(child.pid, SIGKILL), 0);
    assert_int_equal(verify_child_end(&child), REASON_EVIDENCE_CRASHED);
}

static void test_nothing_survives(void **state)
{
    uint16_t said = 0;
    (void)state;
    assert_int_equal(run(taints, (struct span){ 0 }, &said), REASON_OK);
    assert_int_equal(said, 9); /* it was there, in that child */
    assert_int_equal(run(honest, (struct span){ 0 }, &said), REASON_OK);
    assert_int_equal(said, 0);
    assert_int_equal(tainted, 0);
}

/* A channel, as the parent has one: the judge reaches it when only forked, and not as a child. */
static void test_no_descriptor_is_reached(void **state)
{
    struct sink answer = sink_over(room, sizeof room);
    uint16_t said = 1;
    int ends[2], status = 0;
    uint8_t byte;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(run(reaches, (struct span){ 0 }, &said), REASON_OK);
    assert_int_equal(said, 0);
    assert_int_equal(recv(ends[1], &byte, 1, 0), -1);
    pid_t pid = fork();
    if (pid == 0) {
        fd_close(&(int){ STDERR_FILENO });
        reaches(NULL, (struct span){ 0 }, 0, &answer);
        _exit(room[0]);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 1);
    close(ends[0]);
    close(ends[1]);
}

/* It has begun, as its parent can read, and does not end. */
static void begins_and_spins(const struct verify_held *held, struct span request, int64_t now,
                             struct sink *answer)
{
    (void)!write(STDOUT_FILENO, "x", 1);
    spins(held, request, now, answer);
}

/* A parent with a child that never ends by itself; *child is what it has forked. */
static pid_t make_parent(pid_t *child)
{
    int ends[2];
    assert_int_equal(__real_prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    assert_int_equal(pipe(ends), 0);
    tells = ends[1];
    const pid_t parent = fork();
    if (parent == 0) {
        struct forked forked = { .fd = -1, .answer = sink_over(room, sizeof room) };
        const struct verify_work work = { .judge = begins_and_spins };
        char begun;
        if (!rc_ok(verify_child_start(NULL, &forked, &work)) || read(forked.fd, &begun, 1) != 1 ||
            write(tells, &forked.pid, sizeof forked.pid) != sizeof forked.pid)
            _exit(1);
        for (;;)
            pause();
    }
    assert_true(parent > 0);
    close(ends[1]);
    assert_int_equal(read(ends[0], child, sizeof *child), sizeof *child);
    assert_true(*child > 1);
    close(ends[0]);
    return parent;
}

/* How a child of ours that is to be over ended; -1: it lived on for a long time. */
static int fate(pid_t pid)
{
    int status = 0;
    assert_true(pid > 1); /* it is killed below */
    for (unsigned i = 0; i < 2000; i++) {
        const pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended > 0)
            return status;
        (void)poll(NULL, 0, 10);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return -1;
}

/* Stopped, it hears no deadline. */
static void test_a_stopped_one_ends_with_its_parent(void **state)
{
    pid_t child = 0;
    int status = 0;
    (void)state;
    const pid_t parent = make_parent(&child);
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    status = fate(child);
    assert_true(status != -1 && WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* The parent is gone before the child could ask to end with it: it ends by itself. */
static void test_one_whose_parent_is_gone_already(void **state)
{
    pid_t child = 0;
    int status = 0;
    (void)state;
    dies_first = true;
    const pid_t parent = make_parent(&child);
    dies_first = false;
    status = fate(parent);
    assert_true(status != -1 && WIFSIGNALED(status));
    status = fate(child);
    assert_true(status != -1 && WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whatever_it_does_is_an_answer, ""),
        TEST(test_taken_for_its_memory, ""),
        TEST(test_nothing_survives, ""),
        TEST(test_no_descriptor_is_reached, ""),
        TEST(test_a_stopped_one_ends_with_its_parent, ""),
        TEST(test_one_whose_parent_is_gone_already, ""),
    };
    return RUN_TESTS(tests);
}
