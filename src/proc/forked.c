/* forked.c - see forked.h.  The deadlines are the kernel's, set before the filter: a child cannot
   ask for later ones. */
#include "proc/forked.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fd.h"

enum { CHILD_DONE = 0, CHILD_NO_JAIL = 2, CHILD_NO_ANSWER = 3 };

/* Nothing stays open but the pipe, as descriptor 1: no channel of the parent's, no log. */
static bool keep_only(int answer)
{
    return dup2(answer, STDOUT_FILENO) == STDOUT_FILENO && close(STDIN_FILENO) == 0 &&
           close_range(STDERR_FILENO, ~0u, 0) == 0;
}

/* A deadline's signal does not end a child that was stopped; this one does.  It is sent when the
   parent dies, so one that has died already is looked for. */
static bool end_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent;
}

static bool set_deadlines(const struct forked_work *work)
{
    struct itimerval wall = { .it_value = { .tv_sec = work->wall_seconds } };
    struct rlimit cpu = { work->cpu_seconds, work->cpu_seconds };
    return setitimer(ITIMER_REAL, &wall, NULL) == 0 && setrlimit(RLIMIT_CPU, &cpu) == 0;
}

static _Noreturn void live(struct forked *child, const struct forked_work *work, pid_t parent)
{
    struct sink *answer = &child->answer;
    if (!end_with(parent) || !keep_only(child->fd) || !set_deadlines(work) ||
        !rc_ok(jail_filter(NULL, work->rules, work->rule_count)))
        _exit(CHILD_NO_JAIL);
    work->run(work->arg, answer);
    _exit(sink_ok(answer) && fd_write(STDOUT_FILENO, sink_bytes(answer)) ? CHILD_DONE
                                                                         : CHILD_NO_ANSWER);
}

rc forked_start(struct trail *trail, struct forked *child, const struct forked_work *work)
{
    int ends[2];
    if (pipe(ends) != 0)
        return FAIL_ERRNO(trail);
    auto_fd int ours = ends[0];
    auto_fd int theirs = ends[1];
    child->answer.len = 0;
    child->too_long = false;
    child->cpu_seconds = work->cpu_seconds;
    const pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return FAIL_ERRNO(trail);
    if (pid == 0) {
        child->fd = theirs;
        live(child, work, parent);
    }
    child->pid = pid;
    child->fd = fd_take(&ours);
    return RC_SUCCESS;
}

/* The pipe was said to be readable, or is at its end: this does not wait. */
bool forked_read(struct forked *child)
{
    uint8_t bytes[FORKED_READ_ONCE];
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

static long used_ms(const struct rusage *used)
{
    return (used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000 +
           (used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1000;
}

/* What took a quarter of its processor's time was ended for that: the kernel's limit counts whole
   ticks and its report does not, so that on a machine under load the two are far apart. */
static bool is_long(const struct forked *child, const struct rusage *used)
{
    return used_ms(used) >= (long)child->cpu_seconds * 1000 / 4;
}

enum forked_end forked_finish(struct forked *child)
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
                    (signal == SIGKILL && is_long(child, &used));
        return late ? FORKED_LATE : FORKED_DIED;
    }
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == CHILD_DONE && !child->too_long;
    return good ? FORKED_DONE : FORKED_DIED;
}
