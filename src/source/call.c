/* call.c - see call.h.  With the strict reader of http/: what an agent answers is no more believed
   than what a stranger sends. */
#include "source/call.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "http/http1_client.h"
#include "os/clock.h"
#include "os/fd.h"
#include "source/parts.h"

enum {
    HEAD_MAX = 4096,
    IN_MAX = 16 * 1024,
    BODY_FIRST = 64 * 1024, /* room for an answer, at first */
    TICK_MS = 100,
};

static const struct http_limits limits = {
    .target = 1024, .fields = 64, .field_bytes = 16 * 1024, .extension_bytes = 256
};

struct calling {
    const struct source_call *call;
    int fd;
    struct http1 http;
    struct http1_room room;
    struct arena *arena;
    struct sink body;
    uint8_t in[IN_MAX];
    size_t in_len;
};

static int left_ms(const struct source_call *call)
{
    int64_t left = call->until_ms - clock_monotonic_ms();
    return left > 0 ? (int)left : 0;
}

/* The name of a socket has no room for a long path: such a one is opened, and named as that. *place
   is what was opened. */
static bool name_socket(const char *path, struct sockaddr_un *out, int *place)
{
    size_t len = strlen(path);
    if (len < sizeof out->sun_path) {
        memcpy(out->sun_path, path, len + 1);
        return true;
    }
    *place = open(path, O_PATH | O_CLOEXEC);
    if (*place < 0)
        return false;
    snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d", *place);
    return true;
}

/* A socket whose queue is full makes who connects wait; the kernel does so for as long as it may
   take to send. */
static bool begin(struct calling *calling, struct source_problem *problem)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    auto_fd int place = -1;
    int left = left_ms(calling->call);
    struct timeval most = { left / 1000, left % 1000 * 1000 + 1 };
    calling->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (calling->fd < 0 || !name_socket(calling->call->socket, &address, &place) ||
        setsockopt(calling->fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) != 0)
        return source_fail_errno(problem, errno, calling->call->name);
    if (connect(calling->fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return true;
    if (errno == EAGAIN)
        return source_fail(problem, REASON_SOURCE_DEADLINE, "%.100s takes no connection",
                           calling->call->name);
    return source_fail_errno(problem, errno, calling->call->name);
}

/* Waits until the socket is ready for `events`. */
static bool wait_for(const struct calling *calling, short events, struct source_problem *problem)
{
    const struct source_call *call = calling->call;
    for (;;) {
        struct pollfd fd = { .fd = calling->fd, .events = events };
        const int left = left_ms(call);
        const int ready = poll(&fd, 1, call->tick != NULL && left > TICK_MS ? TICK_MS : left);
        if (ready > 0)
            return true;
        if (call->tick != NULL)
            call->tick(call->arg);
        if (ready == 0 && left_ms(call) == 0)
            return source_fail(problem, REASON_SOURCE_DEADLINE, "%.100s does not answer",
                               calling->call->name);
        if (ready < 0 && errno != EINTR)
            return source_fail_errno(problem, errno, calling->call->name);
    }
}

static bool put(struct calling *calling, struct span bytes, struct source_problem *problem)
{
    while (bytes.len > 0) {
        if (!wait_for(calling, POLLOUT, problem))
            return false;
        ssize_t sent = send(calling->fd, bytes.at, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (sent < 0)
            return source_fail_errno(problem, errno, calling->call->name);
        bytes = span_of(bytes.at + sent, bytes.len - (size_t)sent);
    }
    return true;
}

static bool ask(struct calling *calling, struct source_problem *problem)
{
    uint8_t head[HEAD_MAX];
    struct sink out = sink_over(head, sizeof head);
    const bool body = calling->call->body.len > 0;
    const struct http_field type = { span_text(body ? "content-type" : "accept"),
                                     span_text("application/json") };
    const struct http_ask what = { .method = calling->call->method,
                                   .authority = span_text("localhost"),
                                   .target = span_text(calling->call->target),
                                   .fields = &type,
                                   .field_count = 1,
                                   .length = calling->call->body.len,
                                   .close = true };
    if (!http1_write_ask(&calling->http, &what, &out))
        return source_fail(problem, REASON_SOURCE_FAILED, "the request cannot be written");
    return put(calling, sink_bytes(&out), problem) && put(calling, calling->call->body, problem);
}

/* As it comes: nobody says before how long it is. */
static bool take_body(struct calling *calling, struct span part)
{
    struct sink *body = &calling->body;
    const size_t most = calling->call->answer_max;
    if (part.len > most - body->len)
        return false;
    if (part.len > body->cap - body->len) {
        size_t cap = body->cap == 0 ? BODY_FIRST : body->cap;
        while (cap - body->len < part.len)
            cap *= 2;
        cap = cap < most ? cap : most;
        uint8_t *room = arena_room(calling->arena, cap);
        if (room == NULL)
            return false;
        struct sink larger = sink_over(room, cap);
        sink_put(&larger, sink_bytes(body));
        *body = larger;
    }
    sink_put(body, part);
    return true;
}

enum step { MORE, WHOLE, BAD };

static enum step on_event(struct calling *calling, struct http_event event,
                          struct source_problem *problem)
{
    switch (event.kind) {
    case HTTP_EVENT_HEAD:
        http1_admit(&calling->http, &calling->room, calling->call->answer_max);
        return MORE;
    case HTTP_EVENT_BODY:
        if (take_body(calling, event.body))
            return MORE;
        source_fail(problem, REASON_SOURCE_TOO_LARGE, "the answer");
        return BAD;
    case HTTP_EVENT_DONE:
        return WHOLE;
    case HTTP_EVENT_REFUSED:
        source_fail(problem,
                    event.reason == REASON_HTTP_BODY_TOO_LARGE ? REASON_SOURCE_TOO_LARGE
                                                               : REASON_SOURCE_MALFORMED,
                    "the answer: %s", reason_info(event.reason)->name);
        return BAD;
    case HTTP_EVENT_CLOSED:
        source_fail(problem, REASON_SOURCE_MALFORMED, "it closed instead of an answer");
        return BAD;
    case HTTP_EVENT_ROOM:
    case HTTP_EVENT_NONE:
        break;
    }
    return MORE;
}

/* Everything that can be understood of what was read. */
static enum step understand(struct calling *calling, struct source_problem *problem)
{
    enum step step = MORE;
    bool more = true;
    while (step == MORE && more) {
        struct cursor in = cur_over(span_of(calling->in, calling->in_len));
        struct http_event event = http1_next(&calling->http, &calling->room, &in);
        size_t read = cur_offset(&in);
        step = on_event(calling, event, problem);
        calling->in_len -= read;
        memmove(calling->in, calling->in + read, calling->in_len);
        more = event.kind != HTTP_EVENT_NONE;
    }
    return step;
}

static bool hear(struct calling *calling, struct source_problem *problem)
{
    for (;;) {
        if (!wait_for(calling, POLLIN, problem))
            return false;
        ssize_t got = recv(calling->fd, calling->in + calling->in_len, IN_MAX - calling->in_len,
                           MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got < 0)
            return source_fail_errno(problem, errno, calling->call->name);
        calling->in_len += (size_t)got;
        enum step step = got == 0 ? on_event(calling, http1_end(&calling->http), problem)
                                  : understand(calling, problem);
        if (step != MORE)
            return step == WHOLE;
        if (got == 0)
            return source_fail(problem, REASON_SOURCE_MALFORMED, "it closed instead of an answer");
    }
}

static bool lay_out(struct arena *arena, struct calling *calling)
{
    size_t size = http1_room_size(&limits);
    void *memory = arena_alloc(arena, size);
    calling->arena = arena;
    http1_init(&calling->http, &limits);
    return memory != NULL && http1_room_init(&calling->room, &limits, memory, size);
}

bool source_call(const struct source_call *call, struct arena *arena, struct source_reply *out,
                 struct source_problem *problem)
{
    struct calling *calling = arena_alloc(arena, sizeof *calling);
    if (calling == NULL || !lay_out(arena, calling))
        return source_fail(problem, REASON_OUT_OF_MEMORY, "an answer");
    calling->call = call;
    calling->fd = -1;
    bool heard = begin(calling, problem) && ask(calling, problem) && hear(calling, problem);
    fd_close(&calling->fd);
    if (heard)
        *out = (struct source_reply){ calling->room.status, sink_bytes(&calling->body) };
    return heard;
}
