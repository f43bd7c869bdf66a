/* fuzz_h2.c - whatever a peer sends, a connection stays within its heap, gives everything back, and
   tells of each stream in order: a head first, an end once, CLOSED last. */
#include <stdlib.h>

#include "http/h2.h"

enum { LIMIT = 200, STREAMS = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

struct state {
    size_t open;
    uint64_t seen;
};

static void answer(struct h2_stream *stream, bool streamed)
{
    struct http_response response = { .status = 200, .length = 2, .streamed = streamed };
    struct http_field trailer = { span_text("grpc-status"), span_text("0") };
    if (h2_write_head(stream, &response) && h2_write_body(stream, span_text("hi")))
        (void)!h2_write_end(stream, &trailer, streamed ? 1 : 0);
}

static void on_event(void *arg, struct h2_stream *stream, struct http_event event)
{
    struct state *state = arg;
    uintptr_t told = (uintptr_t)h2_user(stream);
    must(h2_stream_id(stream) > 0 && told < 4);
    switch (event.kind) {
    case HTTP_EVENT_HEAD:
        must(told == 0 && h2_request(stream)->path.len > 0);
        told = 1;
        if (h2_request(stream)->path.len % 4 != 3)
            h2_admit(stream, LIMIT);
        break;
    case HTTP_EVENT_BODY:
        must(told == 1 && event.body.len > 0 && event.body.len <= LIMIT);
        state->seen += event.body.len;
        break;
    case HTTP_EVENT_DONE:
        must(told == 1);
        told = 2;
        answer(stream, h2_request(stream)->path.len % 2 == 0);
        break;
    case HTTP_EVENT_REFUSED:
        must(told < 2 && event.reason > REASON_OK);
        told = 2;
        answer(stream, false);
        break;
    case HTTP_EVENT_ROOM:
        must(told == 2);
        break;
    case HTTP_EVENT_CLOSED:
        told = 4;
        break;
    case HTTP_EVENT_NONE:
    default:
        must(false);
    }
    h2_set_user(stream, (void *)told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct state state = { 0 };
    struct h2_server server;
    struct h2 conn;
    static uint8_t bytes[4096];
    if (size == 0)
        return 0;
    must(h2_server_init(&server, &h2_limits_default, on_event, &state));
    must(h2_init(&conn, &server, 0));
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    bool open = h2_feed(&conn, 0, span_of(preface, sizeof preface));
    size_t piece = 1 + data[0] % 64;
    for (size_t at = 1; open && at < size; at += piece) {
        open = h2_feed(&conn, at, span_of(&data[at], size - at < piece ? size - at : piece));
        struct sink out = sink_over(bytes, sizeof bytes);
        (void)h2_send(&conn, &out);
        must(conn.heap.used <= conn.heap.ceiling && conn.queued <= 256 * 1024);
    }
    h2_fini(&conn);
    must(conn.heap.used == 0);
    h2_server_fini(&server);
    return 0;
}
