/* test_verify_children.c - a piece of evidence that takes its judge over: what the child can then
   do is here a judge of our own, under the very code and filter of ward-verify. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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
static int tainted; /* by a judge: the next one must not see it */

/* What a child that did its work says; `reason` carries what a judge found. */
static void say(struct sink *answer, uint16_t reason)
{
    sink_u16le(answer, reason);
    put_bytes(answer, (struct span){ 0 });
    put_bytes(answer, (struct span){ 0 });
}

static void honest(struct span request, int64_t now, struct sink *answer)
{
    (void)now;
    say(answer, (uint16_t)(tainted != 0 ? 9 : request.len == 0 ? 0 : request.at[0]));
}

static void taints(struct span request, int64_t now, struct sink *answer)
{
    tainted = 1;
    honest(request, now, answer);
}

static void traps(struct span request, int64_t now, struct sink *answer)
{
    (void)request, (void)now, (void)answer;
    __builtin_trap();
}

static void says_nothing(struct span request, int64_t now, struct sink *answer)
{
    (void)request, (void)now, (void)answer;
}

static void says_half(struct span request, int64_t now, struct sink *answer)
{
    (void)request, (void)now;
    sink_u16le(answer, 0);
    sink_u32le(answer, 4711);
}

static void says_no_reason(struct span request, int64_t now, struct sink *answer)
{
    (void)request, (void)now;
    say(answer, REASON_COUNT);
}

/* Front would take it for a bug of core. */
static void says_a_long_detail(struct span request, int64_t now, struct sink *answer)
{
    static const uint8_t detail[JUDGED_DETAIL_MAX + 1];
    (void)request, (void)now;
    sink_u16le(answer, 0);
    put_bytes(answer, SPAN(detail));
    put_bytes(answer, (struct span){ 0 });
}

static void says_too_much(struct span request, int64_t now, struct sink *answer)
{
    (void)now;
    for (unsigned i = 0; i < 8; i++)
        (void)!write(STDOUT_FILENO, room, sizeof room);
    honest(request, now, answer);
}

static void spins(struct span request, int64_t now, struct sink *answer)
{
    (void)request, (void)now, (void)answer;
    for (volatile unsigned i = 0;; i++)
        continue;
}

/* Writes to every descriptor that there may be but its own; 1 when one took it. */
static void reaches(struct span request, int64_t now, struct sink *answer)
{
    uint16_t taken = 0;
    (void)request, (void)now;
    for (int fd = 0; fd < 1024; fd++) {
        if (fd != STDOUT_FILENO && write(fd, "x", 1) == 1)
            taken = 1;
    }
    say(answer, taken);
}

#define FORBIDDEN(name, call)                                                                      \
    static void name(struct span request, int64_t now, struct sink *answer)                        \
    {                                                                                              \
        call;                                                                                      \
        honest(request, now, answer);                                                              \
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
    struct verify_child child = { .fd = -1, .answer = sink_over(room, sizeof room) };
    struct trail trail = { 0 };
    assert_true(rc_ok(verify_child_start(&trail, &child, judge, request, 0)));
    assert_true(child.pid > 0 && child.fd >= 0);
    for (bool ended = false; !ended;) {
        struct pollfd waits = { .fd = child.fd, .events = POLLIN };
        assert_int_equal(poll(&waits, 1, 60000), 1);
        ended = verify_child_read(&child);
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
    struct verify_child child = { .fd = -1, .answer = sink_over(room, sizeof room) };
    (void)state;
    assert_true(rc_ok(verify_child_start(NULL, &child, spins, (struct span){ 0 }, 0)));
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
        reaches((struct span){ 0 }, 0, &answer);
        _exit(room[0]);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 1);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whatever_it_does_is_an_answer, ""),
        TEST(test_taken_for_its_memory, ""),
        TEST(test_nothing_survives, ""),
        TEST(test_no_descriptor_is_reached, ""),
    };
    return RUN_TESTS(tests);
}
