/* agent.c - the guest agent of a job (agent/agent.h): its socket, made in the job's place before
   the runtime shows it to the job, and the process that is given it.  The latter in the supervisor,
   before anything of the job runs. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/agent.h"
#include "os/fd.h"
#include "sandbox/backend.h"

enum { BACKLOG = 16 };

/* Any user of the job's may ask; nobody else comes to the place where it lies. */
static int open_socket(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof name.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name.sun_path, path, strlen(path));
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof name) != 0 ||
        chmod(path, 0666) != 0 || listen(fd, BACKLOG) != 0)
        return -1;
    return fd_take(&fd);
}

enum reason agent_prepare(struct sandbox *sandbox, const char *path)
{
    sandbox->agent = open_socket(path);
    return sandbox->agent >= 0
               ? REASON_OK
               : sandbox_fail(sandbox, REASON_JOB_START, "%s: %s", path, strerror(errno));
}

/* In the child.  What it uses is the job's. */
static void live(void *arg, const struct beside_ends *ends)
{
    const struct sandbox *sandbox = arg;
    const struct agent_given given = { .listener = sandbox->agent,
                                       .house = sandbox->job->house,
                                       .stop = ends->stop };
    if (beside_join(sandbox, ends))
        _exit(agent_live(&given, ends->ready, sandbox->slot.ids + SLOT_IDS - 3));
}

static const struct beside_kind kind = { "its guest agent", REASON_JOB_START, live };

enum reason agent_start(struct sandbox *sandbox, struct beside *held)
{
    if (sandbox->agent < 0)
        return REASON_OK;
    enum reason reason = beside_begin(sandbox, &kind, sandbox, held);
    if (reason == REASON_OK)
        reason = beside_hear(sandbox, &kind, held);
    fd_close(&held->ready);
    fd_close(&sandbox->agent);
    return reason;
}
