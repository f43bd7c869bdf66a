/* sim_agent_serve.c - see sim_agent_serve.h. */
#include "cmd/sim_agent_serve.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "http/http1.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/spawn.h"

enum {
    OUT_MAX = SIM_GUEST_ANSWER_MAX + 4096, /* an answer with its head */
    WAITS = 3,                             /* descriptors besides the callers' */
    HTTP_REFUSED = 400
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
    uint8_t in[AGENT_IN_MAX], body[SIM_GUEST_ASK_MAX], answer[SIM_GUEST_ANSWER_MAX];
    uint8_t bytes[OUT_MAX];
};

struct serving {
    const struct sim_agent *agent;
    struct caller callers[AGENT_CALLERS_MAX];
    struct pollfd fds[WAITS + AGENT_CALLERS_MAX];
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

static void put_refusal(struct caller *caller, const char *why)
{
    struct sink text = sink_over(caller->answer, sizeof caller->answer);
    sink_format(&text, "{\"error\":\"%s\"}", why);
    put_answer(caller, HTTP_REFUSED, sink_bytes(&text));
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

static void put_reply(struct serving *serving, struct caller *caller)
{
    const struct http_request *request = &caller->room.request;
    struct sink text = sink_over(caller->answer, sizeof caller->answer);
    const char *why = refusal_of(request);
    if (why != NULL) {
        put_refusal(caller, why);
        return;
    }
    unsigned status = sim_guest_answer(serving->agent->guest, request->path,
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

static void on_event(struct serving *serving, struct caller *caller, struct http_event event)
{
    switch (event.kind) {
    case HTTP_EVENT_HEAD:
        caller->until_ms = clock_monotonic_ms() + AGENT_ASK_MS;
        http1_admit(&caller->http, &caller->room, SIM_GUEST_ASK_MAX);
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
        put_refusal(caller, reason_info(event.reason)->name);
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
static void understand(struct serving *serving, struct caller *caller)
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

static void on_readable(struct serving *serving, struct caller *caller)
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

static void on_writable(struct serving *serving, struct caller *caller)
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

static void take_caller(struct serving *serving)
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
static int prepare(struct serving *serving)
{
    int64_t now = clock_monotonic_ms(), next = now + AGENT_IDLE_MS;
    bool full = true;
    for (size_t i = 0; i < AGENT_CALLERS_MAX; i++) {
        struct caller *caller = &serving->callers[i];
        if (caller->fd >= 0 && caller->until_ms <= now)
            hang_up(caller);
        short events = caller->out.len > caller->sent ? POLLOUT : POLLIN;
        serving->fds[WAITS + i] = (struct pollfd){ .fd = caller->fd, .events = events };
        full = full && caller->fd >= 0;
        if (caller->fd >= 0 && caller->until_ms < next)
            next = caller->until_ms;
    }
    serving->fds[0] = (struct pollfd){ .fd = serving->agent->signals, .events = POLLIN };
    serving->fds[1] = (struct pollfd){ .fd = serving->agent->command, .events = POLLIN };
    serving->fds[2] = (struct pollfd){ .fd = full ? -1 : serving->agent->listener,
                                       .events = POLLIN };
    return (int)(next - now);
}

static bool lay_out(struct arena *arena, struct serving *serving)
{
    size_t size = http1_room_size(&limits);
    for (size_t i = 0; i < AGENT_CALLERS_MAX; i++) {
        void *memory = arena_alloc(arena, size);
        serving->callers[i].fd = -1;
        if (memory == NULL || !http1_room_init(&serving->callers[i].room, &limits, memory, size))
            return false;
    }
    return true;
}

/* The agent is there until the command has ended; false: there is none. */
static bool pass_on(const struct sim_agent *agent)
{
    struct signalfd_siginfo info;
    if (agent->command < 0 || read(agent->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return false;
    rc passed = process_signal(NULL, agent->command, (int)info.ssi_signo);
    (void)passed; /* it has ended just now, and is seen so in the next turn */
    return true;
}

static enum sim_agent_end turn(struct serving *serving, bool *ended)
{
    int ready = poll(serving->fds, COUNT_OF(serving->fds), prepare(serving));
    *ended = true;
    if (ready < 0 && errno != EINTR)
        return SIM_AGENT_FAILED;
    if (ready > 0 && serving->fds[1].revents != 0)
        return SIM_AGENT_COMMAND;
    if (ready > 0 && serving->fds[0].revents != 0 && !pass_on(serving->agent))
        return SIM_AGENT_SIGNAL;
    if (ready > 0 && (serving->fds[2].revents & (POLLERR | POLLNVAL)) != 0)
        return SIM_AGENT_FAILED;
    for (size_t i = 0; ready > 0 && i < AGENT_CALLERS_MAX; i++) {
        struct caller *caller = &serving->callers[i];
        const struct pollfd *fd = &serving->fds[WAITS + i];
        if (caller->fd < 0 || fd->revents == 0)
            continue;
        if (fd->events == POLLOUT)
            on_writable(serving, caller);
        else
            on_readable(serving, caller);
    }
    if (ready > 0 && serving->fds[2].revents != 0)
        take_caller(serving);
    *ended = false;
    return SIM_AGENT_SIGNAL;
}

enum sim_agent_end sim_agent_serve(struct arena *arena, const struct sim_agent *agent)
{
    bool ended = false;
    enum sim_agent_end how = SIM_AGENT_FAILED;
    struct serving *serving = arena_alloc(arena, sizeof *serving);
    if (serving == NULL)
        return how;
    serving->agent = agent;
    if (!lay_out(arena, serving))
        return how;
    while (!ended)
        how = turn(serving, &ended);
    for (size_t i = 0; i < AGENT_CALLERS_MAX; i++)
        hang_up(&serving->callers[i]);
    return how;
}
