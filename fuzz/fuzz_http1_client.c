/* fuzz_http1_client.c - an answer is read the same however its bytes are cut, and never gives more
   of a body than was admitted. */
#include <stdlib.h>

#include "http/http1_client.h"

enum { LIMIT = 1000, ROOM = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

struct run {
    struct http1 conn;
    struct http1_room room;
    uint64_t body, hash;
};

static void mix(struct run *run, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        run->hash = (run->hash ^ bytes.at[i]) * UINT64_C(0x100000001b3);
}

static bool take(struct run *run, struct http_event event)
{
    run->hash += event.kind == HTTP_EVENT_BODY ? 0 : event.kind * 31u + event.reason;
    if (event.kind == HTTP_EVENT_HEAD) {
        must(run->room.status >= 100 && run->room.status <= 599);
        for (size_t i = 0; i < run->room.request.field_count; i++) {
            mix(run, run->room.request.fields[i].name);
            mix(run, run->room.request.fields[i].value);
        }
        http1_admit(&run->conn, &run->room, LIMIT);
    }
    if (event.kind == HTTP_EVENT_BODY) {
        run->body += event.body.len;
        must(run->body <= LIMIT);
        mix(run, event.body);
    }
    return event.kind == HTTP_EVENT_HEAD || event.kind == HTTP_EVENT_BODY;
}

static uint64_t whole(uint8_t kind, struct span bytes, size_t piece)
{
    static uint8_t memory[ROOM], request[512], key[WEBSOCKET_KEY];
    struct run run = { .hash = 1 };
    struct sink sent = sink_over(request, sizeof request);
    const struct http_ask ask = {
        .method = (kind & 1) != 0 ? HTTP_METHOD_HEAD : HTTP_METHOD_GET,
        .authority = span_text("a"),
        .target = span_text("/"),
        .websocket_key = (kind & 3) == 2 ? key : NULL,
    };
    http1_init(&run.conn, &http_limits_default);
    must(http1_room_init(&run.room, run.conn.limits, memory, sizeof memory) &&
         http1_write_ask(&run.conn, &ask, &sent));
    struct cursor all = cur_over(bytes), in;
    while (!cur_end(&all)) {
        must(cur_sub(&all, cur_left(&all) < piece ? cur_left(&all) : piece, &in));
        struct http_event event;
        do
            event = http1_next(&run.conn, &run.room, &in);
        while (take(&run, event));
        if (event.kind != HTTP_EVENT_NONE || run.conn.state == HTTP1_TUNNEL)
            return run.hash;
        must(cur_end(&in));
    }
    take(&run, http1_end(&run.conn));
    return run.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span bytes = span_of(data + 1, size - 1);
    uint64_t hash = whole(data[0], bytes, SIZE_MAX);
    must(whole(data[0], bytes, 1) == hash && whole(data[0], bytes, 5) == hash);
    return 0;
}
