/* fence.c - see fence.h: its sockets, made in the job's network, and the process that is given
   them.  Both in the supervisor, before anything of the job runs. */
#include "sandbox/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/netns.h"
#include "os/spawn.h"
#include "sandbox/backend.h"

enum { READY_MS = 10000 };

static enum reason failed(struct sandbox *sandbox, const char *what, rc why)
{
    return sandbox_fail(sandbox, REASON_JOB_NO_FENCE, "%s: %s", what, file_error_text(why));
}

static enum reason make_sockets(struct sandbox *sandbox, pid_t first, struct fence_sockets *sockets)
{
    struct trail trail = { 0 };
    int home = -1;
    rc made = netns_enter(&trail, first, &home);
    if (!rc_ok(made))
        return failed(sandbox, "the job's network cannot be entered", made);
    made = fence_sockets_open(&trail, sandbox->reach, sockets);
    rc left = netns_leave(&trail, &home);
    if (!rc_ok(left))
        _exit(3); /* nothing may be begun from within the job's network */
    return rc_ok(made) ? REASON_OK
                       : failed(sandbox, "its sockets and its device (/dev/net/tun)", made);
}

/* One byte, 0; any other begins the words. */
enum reason beside_hear(struct sandbox *sandbox, int ready, enum reason otherwise)
{
    char words[SANDBOX_WHAT / 2];
    struct pollfd polled = { .fd = ready, .events = POLLIN };
    const int64_t until_ms = clock_monotonic_ms() + READY_MS;
    int told;
    do {
        const int64_t left = until_ms - clock_monotonic_ms();
        told = poll(&polled, 1, left > 0 ? (int)left : 0);
    } while (told < 0 && errno == EINTR);
    const ssize_t first = told > 0 ? read(ready, words, 1) : 0;
    if (first == 1 && words[0] == 0)
        return REASON_OK;
    const ssize_t more = first == 1 ? read(ready, words + 1, sizeof words - 2) : 0;
    words[first == 1 ? 1 + (more > 0 ? more : 0) : 0] = 0;
    return sandbox_fail(sandbox, otherwise, "its process: %s", first == 1 ? words : "it has ended");
}

/* In the child.  What it uses is the job's. */
static _Noreturn void live(const struct sandbox *sandbox, const struct sandbox_fence *fence)
{
    rc joined = cgroup_join(NULL, &sandbox->groups, sandbox->slot.name, 0);
    if (rc_ok(joined))
        _exit(sandbox->job->fence(fence));
    bool told = fd_write(fence->ready, span_text(file_error_text(joined)));
    (void)told; /* else it has ended */
    _exit(1);
}

static enum reason fork_fence(struct sandbox *sandbox, struct beside *held,
                              struct sandbox_fence *fence)
{
    struct trail trail = { 0 };
    int ready[2], stop[2];
    if (pipe2(ready, O_CLOEXEC) != 0)
        return sandbox_fail(sandbox, REASON_JOB_NO_FENCE, "%s", strerror(errno));
    auto_fd int heard = ready[0];
    auto_fd int told = ready[1];
    if (pipe2(stop, O_CLOEXEC) != 0)
        return sandbox_fail(sandbox, REASON_JOB_NO_FENCE, "%s", strerror(errno));
    auto_fd int stopped = stop[0];
    held->stop = stop[1];
    fence->ready = told;
    fence->stop = stopped;
    const pid_t pid = fork();
    if (pid < 0)
        return sandbox_fail(sandbox, REASON_JOB_NO_FENCE, "%s", strerror(errno));
    if (pid == 0)
        live(sandbox, fence);
    fd_close(&told);
    rc found = process_hold(&trail, pid, &held->process);
    return rc_ok(found) ? beside_hear(sandbox, heard, REASON_JOB_NO_FENCE)
                        : failed(sandbox, "its process", found);
}

enum reason fence_start(struct sandbox *sandbox, pid_t first, const struct supervision *by,
                        struct beside *held)
{
    struct fence_sockets *sockets = NULL;
    if (reach_is_nothing(sandbox->reach))
        return REASON_OK;
    if (sandbox->job->fence == NULL)
        return sandbox_fail(sandbox, REASON_JOB_NO_FENCE, "there is none here");
    sockets = arena_alloc(sandbox->job->arena, sizeof *sockets);
    if (sockets == NULL)
        return sandbox_fail(sandbox, REASON_OUT_OF_MEMORY, "the fence");
    sockets->astray = sockets->overheard = -1;
    enum reason reason = make_sockets(sandbox, first, sockets);
    struct sandbox_fence fence = { .reach = sandbox->reach,
                                   .sockets = sockets,
                                   .refusals = by->refusals,
                                   .uses = by->uses,
                                   .user = sandbox->slot.ids + SLOT_IDS - 1 };
    if (reason == REASON_OK)
        reason = fork_fence(sandbox, held, &fence);
    fence_sockets_close(sockets);
    return reason;
}

void beside_stop(struct beside *held)
{
    fd_close(&held->stop);
    if (held->process < 0)
        return;
    /* What it had still to tell; with whoever calls it ends in any case. */
    rc ended = process_wait(NULL, held->process, clock_monotonic_ms() + BESIDE_STOP_MS);
    (void)ended;
    fd_close(&held->process);
}
