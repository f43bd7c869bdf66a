/* child.h - a child that does one thing and is waited for. */
#ifndef WARD_OS_CHILD_H
#define WARD_OS_CHILD_H

#include <sys/types.h>

#include "base/result.h"

/* What the child does, which gives its exit code, and what its parent does meanwhile; NULL:
   nothing but wait. */
struct child_work {
    int (*child)(void *arg);
    void (*parent)(pid_t child, void *arg);
    void *arg;
};

/* child_run forks, and waits for the child's end: *status is that of waitpid.  What the caller does
   at SIGCHLD is the usual meanwhile, and as it was afterwards, whatever failed. */
MUST_USE
rc child_run(struct trail *trail, const struct child_work *work, int *status);

#endif
