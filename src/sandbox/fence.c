/* fence.c - see fence.h: its sockets, made in the job's network, and the process that is given
   them.  Both in the supervisor, before anything of the job runs. */
#include "sandbox/fence.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/netns.h"
#include "sandbox/backend.h"

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

struct beginning {
    const struct sandbox *sandbox;
    struct sandbox_fence fence;
};

/* In the child.  What it uses is the job's. */
static void live(void *arg, const struct beside_ends *ends)
{
    struct beginning *begin = arg;
    begin->fence.ready = ends->ready;
    begin->fence.stop = ends->stop;
    if (beside_join(begin->sandbox, ends))
        _exit(begin->sandbox->job->fence(&begin->fence));
}

static const struct beside_kind kind = { "its process", REASON_JOB_NO_FENCE, live };

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
    struct beginning begin = { .sandbox = sandbox,
                               .fence = { .reach = sandbox->reach,
                                          .sockets = sockets,
                                          .refusals = by->refusals,
                                          .uses = by->uses,
                                          .user = sandbox->slot.ids + SLOT_IDS - 1 } };
    if (reason == REASON_OK)
        reason = beside_begin(sandbox, &kind, &begin, held);
    if (reason == REASON_OK)
        reason = beside_hear(sandbox, &kind, held);
    fd_close(&held->ready);
    fence_sockets_close(sockets);
    return reason;
}
