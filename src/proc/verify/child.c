/* child.c - see verify.h: the life of a child.  Its deadlines are the kernel's, set before its
   filter: it cannot ask for later ones, and nobody has to be awake to end it. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/fd.h"
#include "proc/judge_syscalls.h"
#include "proc/verify/verify.h"

enum { CHILD_DONE = 0, CHILD_NO_JAIL = 2, CHILD_NO_ANSWER = 3 };

/* What took so long of the processor's time was ended for that.  The kernel's limit counts whole
   ticks and its report does not, so that on a machine under load the two are far apart. */
enum { CHILD_LONG_MS = VERIFY_CPU_SECONDS * 1000 / 4 };

/* Nothing stays open but the pipe, as descriptor 1: no channel of the parent's, no log. */
static bool keep_only(int answer)
{
    return dup2(answer, STDOUT_FILENO) == STDOUT_FILENO && close(STDIN_FILENO) == 0 &&
           close_range(STDERR_FILENO, ~0u, 0) == 0;
}

static bool set_deadlines(void)
{
    struct itimerval wall = { .it_value = { .tv_sec = VERIFY_WALL_MS / 1000 } };
    struct rlimit cpu = { VERIFY_CPU_SECONDS, VERIFY_CPU_SECONDS };
    return setitimer(ITIMER_REAL, &wall, NULL) == 0 && setrlimit(RLIMIT_CPU, &cpu) == 0;
}

static _Noreturn void live(struct verify_child *child, verify_judge_fn *judge, struct span request,
                           int64_t now)
{
    struct sink *answer = &child->answer;
    if (!keep_only(child->fd) || !set_deadlines() ||
        !rc_ok(jail_filter(NULL, judge_rules, COUNT_OF(judge_rules))))
        _exit(CHILD_NO_JAIL);
    judge(request, now, answer);
    _exit(sink_ok(answer) && fd_write(STDOUT_FILENO, sink_bytes(answer)) ? CHILD_DONE
                                                                         : CHILD_NO_ANSWER);
}

rc verify_child_start(struct trail *trail, struct verify_child *child, verify_judge_fn *judge,
                      struct span request, int64_t now)
{
    int ends[2];
    if (pipe(ends) != 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    auto_fd int ours = ends[0];
    auto_fd int theirs = ends[1];
    child->answer.len = 0;
    child->too_long = false;
    pid_t pid = fork();
    if (pid < 0)
        return FAIL(trail, RC_WORLD, (uint32_t)errno);
    if (pid == 0) {
        child->fd = theirs;
        live(child, judge, request, now);
    }
    child->pid = pid;
    child->fd = fd_take(&ours);
    return RC_SUCCESS;
}

/* The pipe was said to be readable, or is at its end: this does not wait. */
bool verify_child_read(struct verify_child *child)
{
    uint8_t bytes[VERIFY_READ_ONCE];
    ssize_t got = read(child->fd, bytes, sizeof bytes);
    if (got <= 0)
        return got == 0 || errno != EINTR;
    /* What is too long is read to its end and dropped: the child ends by itself or its deadline. */
    if ((size_t)got > child->answer.cap - child->answer.len)
        child->too_long = true;
    else if (!child->too_long)
        sink_put(&child->answer, span_of(bytes, (size_t)got));
    return false;
}

static bool is_answer(struct span bytes)
{
    struct cursor body = cur_over(bytes);
    uint16_t reason = 0;
    struct span detail, said;
    return cur_u16le(&body, &reason) && reason < REASON_COUNT &&
           get_bytes(&body, JUDGED_DETAIL_MAX, &detail) &&
           get_bytes(&body, FRAME_BODY_MAX, &said) && cur_end(&body);
}

static long used_ms(const struct rusage *used)
{
    return (used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000 +
           (used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1000;
}

enum reason verify_child_end(struct verify_child *child)
{
    int status = 0;
    struct rusage used = { 0 };
    fd_close(&child->fd);
    while (wait4(child->pid, &status, 0, &used) < 0 && errno == EINTR)
        continue;
    child->pid = 0;
    if (WIFSIGNALED(status)) {
        int signal = WTERMSIG(status);
        /* SIGKILL is what the kernel sends at the hard limit of the processor's time; before
           that, it is what it sends to whoever took the memory that there is. */
        bool late = signal == SIGALRM || signal == SIGXCPU ||
                    (signal == SIGKILL && used_ms(&used) >= CHILD_LONG_MS);
        return late ? REASON_EVIDENCE_DEADLINE : REASON_EVIDENCE_CRASHED;
    }
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == CHILD_DONE && !child->too_long &&
                is_answer(sink_bytes(&child->answer));
    return good ? REASON_OK : REASON_EVIDENCE_CRASHED;
}
