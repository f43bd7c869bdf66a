/* serve.c - see serve.h. */
#include "agent/serve.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/number.h"
#include "codec/guest_agent.h"
#include "http/http1.h"
#include "os/clock.h"
#include "os/fd.h"

enum {
    OUT_MAX = GUEST_AGENT_ANSWER_MAX + 4096, /* an answer with its head */
    LISTENER = AGENT_WAITS,                  /* among the descriptors; the callers come behind it */
    CALLERS,
};

/* A client of a guest agent sends a line and a few fields. */
static const struct http_limits limits = {
    .target = 1024, .fields = 32, .field_bytes = 4096, .extension_bytes = 64
};

struct caller {
    int fd; /* -1: nobody */
    int64_t until_ms;
    struct http1 http;
    struct http1_room room;
    size_t in_len, body_len, sent;
    struct sink out;
    uint8_t in[AGENT_IN_MAX], body[GUEST_AGENT_ASK_MAX];
    uint8_t bytes[OUT_MAX];
};

struct agent_serving {
    const struct agent *agent;
    uint8_t *answer; /* GUEST_AGENT_ANSWER_MAX: the one that is being made */
    struct caller callers[AGENT_CALLERS_MAX];
    struct pollfd fds[CALLERS + AGENT_CALLERS_MAX];
};

static void hang_up(struct caller *caller)
{
    fd_close(&caller->fd);
}

static void begin_request(struct caller *caller, int64_t wait_ms)
{
    http1_room_reset(&caller->room);
    caller->body_len = caller->sent = 0;
    caller->out = sink_over(caller->bytes, sizeof caller->bytes);
    caller->until_ms = clock_monotonic_ms() + wait_ms;
}

/* --- answers --------------------------------------------------------------------------- */

static void put_answer(struct caller *caller, unsigned status, struct span body)
{
    const struct http_field type = { span_text("content-type"), span_text("application/json") };
    const struct http_response head = {
        .status = status, .fields = &type, .field_count = 1, .length = body.len, .now = clock_now()
    };
    if (!http1_write_head(&caller->http, &head, &caller->out) ||
        !http1_write_body(&caller->http, body, &caller->out) ||
        !http1_write_end(&caller->http, &caller->out))
        hang_up(caller);
}

static void put_refusal(const struct agent_serving *serving, struct caller *caller, const char *why)
{
    struct sink text = sink_over(serving->answer, GUEST_AGENT_ANSWER_MAX);
    const unsigned status = guest_agent_refuse(&text, why);
    put_answer(caller, status, sink_bytes(&text));
}

static bool is_json(struct span type)
{
    const uint8_t *end = memchr(type.at, ';', type.len);
    return http_equal_fold(
        http_trim(span_of(type.at, end != NULL ? (size_t)(end - type.at) : type.len)),
        "application/json");
}

/* Arguments in a query, and bodies of protobuf, are other ways to ask; passing over them would
   answer what was not asked. */
static const char *refusal_of(const struct http_request *request)
{
    static const char *const queries[] = { "", "json", "json=1", "json=true" };
    struct span type;
    size_t i = 0;
    if (request->method != HTTP_METHOD_POST)
        return "ask by POST, with the arguments as JSON in the body";
    while (i < COUNT_OF(queries) && !span_equal_text(request->query, queries[i]))
        i++;
    if (i == COUNT_OF(queries))
        return "arguments are read from the body, not from the query";
    if (http_field_find(request->fields, request->field_count, "content-type", &type) &&
        type.len > 0 && !is_json(type))
        return "the body is read as application/json only";
    return NULL;
}

static void put_reply(struct agent_serving *serving, struct caller *caller)
{
    const struct http_request *request = &caller->room.request;
    struct sink text = sink_over(serving->answer, GUEST_AGENT_ANSWER_MAX);
    const char *why = refusal_of(request);
    if (why != NULL) {
        put_refusal(serving, caller, why);
        return;
    }
    unsigned status = serving->agent->answer(serving->agent->arg, request->path,
                                             span_of(caller->body, caller->body_len), &text);
    if (sink_ok(&text))
        put_answer(caller, status, sink_bytes(&text));
    else
        hang_up(caller);
}

/* --- one caller ------------------------------------------------------------------------ */

static void take_body(struct caller *caller, struct span bytes)
{
    struct sink body = sink_over(caller->body, sizeof caller->body);
    body.len = caller->body_len;
    sink_put(&body, bytes); /* never more than was admitted */
    caller->body_len = body.len;
}

static void on_event(struct agent_serving *serving, struct caller *caller, struct http_event event)
{
    switch (event.kind) {
    case HTTP_EVENT_HEAD:
        caller->until_ms = clock_monotonic_ms() + AGENT_ASK_MS;
        http1_admit(&caller->http, &caller->room, GUEST_AGENT_ASK_MAX);
        if (http1_wants_continue(&caller->http))
            http1_write_continue(&caller->http, &caller->out);
        break;
    case HTTP_EVENT_BODY:
        take_body(caller, event.body);
        break;
    case HTTP_EVENT_DONE:
        put_reply(serving, caller);
        break;
    case HTTP_EVENT_REFUSED:
        put_refusal(serving, caller, reason_info(event.reason)->name);
        break;
    case HTTP_EVENT_CLOSED:
        hang_up(caller);
        break;
    case HTTP_EVENT_ROOM:
    case HTTP_EVENT_NONE:
        break;
    }
}

/* Understands what was read, until an answer is to be sent first or more is needed. */
static void understand(struct agent_serving *serving, struct caller *caller)
{
    bool more = true;
    while (more && caller->fd >= 0 && caller->out.len == 0) {
        struct cursor in = cur_over(span_of(caller->in, caller->in_len));
        struct http_event event = http1_next(&caller->http, &caller->room, &in);
        size_t read = cur_offset(&in);
        on_event(serving, caller, event);
        caller->in_len -= read;
        memmove(caller->in, caller->in + read, caller->in_len);
        more = event.kind != HTTP_EVENT_NONE;
    }
}

static void on_readable(struct agent_serving *serving, struct caller *caller)
{
    ssize_t got = recv(caller->fd, caller->in + caller->in_len, AGENT_IN_MAX - caller->in_len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        hang_up(caller);
        return;
    }
    if (got == 0) {
        on_event(serving, caller, http1_end(&caller->http));
        return;
    }
    if (http1_is_idle(&caller->http) && caller->in_len == 0)
        caller->until_ms = clock_monotonic_ms() + AGENT_ASK_MS;
    caller->in_len += (size_t)got;
    understand(serving, caller);
}

static void on_writable(struct agent_serving *serving, struct caller *caller)
{
    struct span left = span_of(caller->bytes + caller->sent, caller->out.len - caller->sent);
    ssize_t sent = send(caller->fd, left.at, left.len, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (sent < 0) {
        hang_up(caller);
        return;
    }
    caller->sent += (size_t)sent;
    if (caller->sent < caller->out.len)
        return;
    if (http1_is_closed(&caller->http)) {
        hang_up(caller);
        return;
    }
    if (http1_is_idle(&caller->http)) {
        begin_request(caller, caller->in_len > 0 ? AGENT_ASK_MS : AGENT_IDLE_MS);
    } else { /* that was "100 Continue" */
        caller->sent = 0;
        caller->out = sink_over(caller->bytes, sizeof caller->bytes);
    }
    understand(serving, caller);
}

/* --- all ------------------------------------------------------------------------------- */

static void take_caller(struct agent_serving *serving)
{
    struct caller *caller = serving->callers;
    int fd = accept4(serving->agent->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (caller < serving->callers + AGENT_CALLERS_MAX && caller->fd >= 0)
        caller++;
    if (fd < 0 || caller == serving->callers + AGENT_CALLERS_MAX) {
        fd_close(&fd);
        return;
    }
    caller->fd = fd;
    caller->in_len = 0;
    http1_init(&caller->http, &limits);
    begin_request(caller, AGENT_IDLE_MS);
}

/* What each waits for; how long at most, in milliseconds. */
static int prepare(struct agent_serving *serving)
{
    int64_t now = clock_monotonic_ms(), next = now + AGENT_IDLE_MS;
    bool full = true;
    for (size_t i = 0; i < AGENT_CALLERS_MAX; i++) {
        struct caller *caller = &serving->callers[i];
        if (caller->fd >= 0 && caller->until_ms <= now)
            hang_up(caller);
        short events = caller->out.len > caller->sent ? POLLOUT : POLLIN;
        serving->fds[CALLERS + i] = (struct pollfd){ .fd = caller->fd, .events = events };
        full = full && caller->fd >= 0;
        if (caller->fd >= 0 && caller->until_ms < next)
            next = caller->until_ms;
    }
    for (size_t i = 0; i < AGENT_WAITS; i++)
        serving->fds[i] = (struct pollfd){ .fd = serving->agent->waits[i], .events = POLLIN };
    serving->fds[LISTENER] = (struct pollfd){ .fd = full ? -1 : serving->agent->listener,
                                              .events = POLLIN };
    return (int)(next - now);
}

/* Whether it goes on; else *how says why not. */
static bool turn(struct agent_serving *serving, enum agent_end *how)
{
    int ready = poll(serving->fds, COUNT_OF(serving->fds), prepare(serving));
    *how = AGENT_FAILED;
    if (ready < 0)
        return errno == EINTR;
    if ((serving->fds[LISTENER].revents & (POLLERR | POLLNVAL)) != 0)
        return false;
    for (size_t i = 0; ready > 0 && i < AGENT_WAITS; i++) {
        if (serving->fds[i].revents == 0)
            continue;
        *how = i == 0 ? AGENT_FIRST : AGENT_SECOND;
        return false;
    }
    for (size_t i = 0; ready > 0 && i < AGENT_CALLERS_MAX; i++) {
        struct caller *caller = &serving->callers[i];
        const struct pollfd *fd = &serving->fds[CALLERS + i];
        if (caller->fd < 0 || fd->revents == 0)
            continue;
        if (fd->events == POLLOUT)
            on_writable(serving, caller);
        else
            on_readable(serving, caller);
    }
    if (ready > 0 && serving->fds[LISTENER].revents != 0)
        take_caller(serving);
    return true;
}

struct agent_serving *agent_open(struct arena *arena, const struct agent *agent)
{
    const size_t size = http1_room_size(&limits);
    /* What is written before it is read: callers that never come cost nothing. */
    struct agent_serving *serving = arena_room(arena, sizeof *serving);
    uint8_t *answer = arena_room(arena, GUEST_AGENT_ANSWER_MAX);
    if (serving == NULL || answer == NULL)
        return NULL;
    serving->agent = agent;
    serving->answer = answer;
    for (size_t i = 0; i < AGENT_CALLERS_MAX; i++) {
        struct caller *caller = &serving->callers[i];
        void *memory = arena_room(arena, size);
        if (memory == NULL || !http1_room_init(&caller->room, &limits, memory, size))
            return NULL;
        caller->fd = -1;
        caller->sent = 0;
        caller->out = sink_over(caller->bytes, sizeof caller->bytes);
    }
    return serving;
}

enum agent_end agent_serve(struct agent_serving *serving)
{
    enum agent_end how;
    while (turn(serving, &how))
        ;
    return how;
}

void agent_close(struct agent_serving *serving)
{
    for (size_t i = 0; i < AGENT_CALLERS_MAX; i++)
        hang_up(&serving->callers[i]);
}
