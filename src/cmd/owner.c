/* owner.c - see owner.h. */
#include "cmd/owner.h"

#include <fcntl.h>
#include <stdio.h>

#include "os/clock.h"
#include "os/fd.h"
#include "source/call.h"

bool owner_ask(const struct owner_request *request, struct arena *arena, struct owner_reply *out,
               char message[OWNER_MESSAGE_MAX])
{
    char path[64];
    struct source_reply reply;
    struct source_problem problem;
    auto_fd int folder = open(request->state, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        snprintf(message, OWNER_MESSAGE_MAX, "there is no folder %.200s", request->state);
        return false;
    }
    /* Through the open folder: the name of a socket has no room for a long path. */
    snprintf(path, sizeof path, "/proc/self/fd/%d/run/ward.sock", folder);
    const struct source_call call = { .socket = path,
                                      .name = "run/ward.sock",
                                      .method = http_method_find(span_text(request->method)),
                                      .target = request->target,
                                      .body = request->body,
                                      .answer_max = OWNER_REPLY_MAX,
                                      .until_ms = clock_monotonic_ms() + request->timeout_ms,
                                      .tick = request->tick.call,
                                      .arg = request->tick.arg };
    if (!source_call(&call, arena, &reply, &problem)) {
        snprintf(message, OWNER_MESSAGE_MAX, "%s", problem.detail);
        return false;
    }
    *out = (struct owner_reply){ reply.status, reply.body };
    return true;
}
