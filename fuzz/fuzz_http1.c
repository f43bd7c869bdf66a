/* fuzz_http1.c - a connection gives the same events however its bytes are cut, keeps every span
   inside its room, and never gives more of a body than was admitted. */
#include <stdlib.h>

#include "http/http1.h"

enum { LIMIT = 1000, ROOM = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* What two runs are compared by. */
struct run {
    struct http1 conn;
    struct http1_room room;
    uint64_t body, events, hash;
};

static void mix(struct run *run, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        run->hash = (run->hash ^ bytes.at[i]) * UINT64_C(0x100000001b3);
}

static void on_head(struct run *run)
{
    const struct http_request *r = &run->room.request;
    struct span memory = sink_bytes(&run->room.bytes);
    must(r->method != HTTP_METHOD_NONE && r->path.len > 0 && r->field_count <= 64);
    must(span_inside(r->path, memory) || span_equal_text(r->path, "/"));
    for (size_t i = 0; i < r->field_count; i++) {
        must(span_inside(r->fields[i].name, memory) && span_inside(r->fields[i].value, memory));
        must(http_is_token(r->fields[i].name) && http_is_value(r->fields[i].value));
        mix(run, r->fields[i].name);
        mix(run, r->fields[i].value);
    }
    mix(run, r->path);
    run->body = 0;
    http1_admit(&run->conn, &run->room, LIMIT);
}

static void on_done(struct run *run)
{
    uint8_t bytes[256];
    struct sink out = sink_over(bytes, sizeof bytes);
    struct http_response response = { .status = 200 };
    must(http1_write_head(&run->conn, &response, &out) && http1_write_end(&run->conn, &out));
    http1_room_reset(&run->room);
}

static bool step(struct run *run, struct cursor *in)
{
    struct http_event event = http1_next(&run->conn, &run->room, in);
    run->events += event.kind != HTTP_EVENT_BODY && event.kind != HTTP_EVENT_NONE;
    if (event.kind == HTTP_EVENT_HEAD)
        on_head(run);
    if (event.kind == HTTP_EVENT_DONE)
        on_done(run);
    if (event.kind == HTTP_EVENT_BODY) {
        run->body += event.body.len;
        must(event.body.len > 0 && run->body <= LIMIT);
        mix(run, event.body);
    }
    if (event.kind == HTTP_EVENT_REFUSED)
        run->hash += event.reason;
    return event.kind != HTTP_EVENT_NONE && event.kind != HTTP_EVENT_REFUSED &&
           event.kind != HTTP_EVENT_CLOSED;
}

static struct run whole(struct span bytes, size_t piece)
{
    static uint8_t memory[ROOM];
    struct run run = { .hash = 1 };
    http1_init(&run.conn, &http_limits_default);
    must(http1_room_init(&run.room, run.conn.limits, memory, sizeof memory));
    struct cursor all = cur_over(bytes), in;
    while (!cur_end(&all)) {
        must(cur_sub(&all, cur_left(&all) < piece ? cur_left(&all) : piece, &in));
        while (step(&run, &in))
            continue;
        if (run.conn.state == HTTP1_REFUSED || http1_is_closed(&run.conn))
            break;
        must(cur_end(&in));
    }
    run.hash += http1_end(&run.conn).reason;
    return run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run one = whole(span_of(data, size), SIZE_MAX);
    struct run each = whole(span_of(data, size), 1);
    struct run some = whole(span_of(data, size), 7);
    must(one.hash == each.hash && one.events == each.events && one.body == each.body);
    must(one.hash == some.hash && one.events == some.events && one.body == some.body);
    return 0;
}
