/* child.c - see child.h. */
#include "os/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static rc fork_and_wait(struct trail *trail, const struct child_work *work, int *status)
{
    int ended = 0;
    pid_t pid = fork();
    if (pid < 0)
        return FAIL_ERRNO(trail);
    if (pid == 0)
        _exit(work->child(work->arg));
    if (work->parent != NULL)
        work->parent(pid, work->arg); /* not waited for yet: the number is the child's */
    while (waitpid(pid, &ended, 0) < 0) {
        if (errno != EINTR)
            return FAIL_ERRNO(trail);
    }
    *status = ended;
    return RC_SUCCESS;
}

rc child_run(struct trail *trail, const struct child_work *work, int *status)
{
    /* Who was started with SIGCHLD ignored would never learn how the child ended. */
    struct sigaction usual = { .sa_handler = SIG_DFL }, before;
    if (sigaction(SIGCHLD, &usual, &before) != 0)
        return FAIL_ERRNO(trail);
    rc result = fork_and_wait(trail, work, status);
    if (sigaction(SIGCHLD, &before, NULL) != 0 && rc_ok(result))
        return FAIL_ERRNO(trail);
    return result;
}
