/* child.h - runs a function in a forked child and tells how it ended. */
#ifndef WARD_TESTS_SECRET_CHILD_H
#define WARD_TESTS_SECRET_CHILD_H

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

typedef void child_fn(void *arg);

/* The child has no handler of a sanitizer or of cmocka, and leaves no core. */
static inline pid_t child_start(child_fn *run, void *arg)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child != 0)
        return child;
    signal(SIGSEGV, SIG_DFL);
    signal(SIGABRT, SIG_DFL);
    struct rlimit core = { 0 };
    getrlimit(RLIMIT_CORE, &core);
    core.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &core);
    run(arg);
    _exit(0);
}

static inline int child_end(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* The signal that ended it, or minus its exit status. */
static inline int child_fate(child_fn *run, void *arg)
{
    int status = child_end(child_start(run, arg));
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

#endif
