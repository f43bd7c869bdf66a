/* frames.c - see frames.h. */
#include "frames.h"

#include <string.h>

#include "base/cursor.h"
#include "test.h"

static void put_fields(struct sink *out, const struct http_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sink_text(out, " ");
        sink_put(out, fields[i].name);
        sink_text(out, "=");
        sink_put(out, fields[i].value);
    }
}

/* As much of a streamed answer as there is room for; how much was written is kept with the
   stream. */
static void write_some(struct peer *peer, struct h2_stream *stream)
{
    static const uint8_t bytes[4096];
    size_t sent = (uintptr_t)h2_user(stream);
    while (sent < peer->stream_bytes) {
        size_t len = peer->stream_bytes - sent, room = h2_room(stream);
        len = len < sizeof bytes ? len : sizeof bytes;
        len = len < room ? len : room;
        if (len == 0)
            return;
        assert_true(h2_write_body(stream, span_of(bytes, len)));
        sent += len;
        h2_set_user(stream, (void *)sent);
    }
    struct http_field status = { span_text("grpc-status"), span_text("0") };
    (void)!h2_write_end(stream, &status, peer->trailers ? 1 : 0);
}

static void answer(struct peer *peer, struct h2_stream *stream, unsigned status)
{
    struct http_field field = { span_text("x-a"), span_text("b") };
    struct http_response response = {
        .status = status, .fields = &field, .field_count = 1, .length = 2
    };
    if (!peer->answers)
        return;
    response.streamed = peer->stream_bytes > 0;
    if (!h2_write_head(stream, &response))
        return;
    if (peer->stream_bytes > 0) {
        write_some(peer, stream);
        return;
    }
    /* Only memory can be short. */
    if (!h2_write_body(stream, span_text("hi")) || !h2_write_end(stream, NULL, 0))
        h2_reset(stream);
}

/* As it came, where that says the same in another way. */
static void put_target(struct sink *out, const struct http_request *r)
{
    size_t path = r->target.len - r->query.len - (r->query.len > 0);
    if (span_equal(span_of(r->target.at, path), r->path))
        return;
    sink_text(out, " <");
    sink_put(out, r->target);
    sink_text(out, ">");
}

static void on_event(void *arg, struct h2_stream *stream, struct http_event event)
{
    struct peer *peer = arg;
    struct sink *out = &peer->events;
    const struct http_request *r = h2_request(stream);
    sink_format(out, "%d ", (int)h2_stream_id(stream));
    switch (event.kind) {
    case HTTP_EVENT_HEAD:
        sink_format(out, "%s ", http_method_name(r->method));
        sink_put(out, r->path);
        sink_text(out, r->query.len > 0 ? "?" : "");
        sink_put(out, r->query);
        put_target(out, r);
        sink_text(out, " @");
        sink_put(out, r->authority);
        put_fields(out, r->fields, r->field_count);
        if (peer->decides)
            h2_admit(stream, peer->body_limit);
        break;
    case HTTP_EVENT_BODY:
        sink_format(out, "body %zu", event.body.len);
        break;
    case HTTP_EVENT_DONE:
        sink_text(out, "done");
        put_fields(out, r->trailers, r->trailer_count);
        answer(peer, stream, 200);
        break;
    case HTTP_EVENT_REFUSED:
        sink_format(out, "refused %s", reason_info(event.reason)->name);
        answer(peer, stream, 400);
        break;
    case HTTP_EVENT_ROOM:
        sink_text(out, "room");
        write_some(peer, stream);
        break;
    case HTTP_EVENT_CLOSED:
        sink_format(out, "closed %s", reason_info(event.reason)->name);
        break;
    case HTTP_EVENT_NONE:
    default:
        fail();
    }
    sink_text(out, "\n");
}

void peer_begin(struct peer *peer, const struct h2_limits *limits)
{
    memset(peer, 0, sizeof *peer);
    peer->answers = peer->decides = true;
    peer->body_limit = 100;
    peer->sent = sink_over(peer->sent_bytes, sizeof peer->sent_bytes);
    peer->events = sink_over(peer->event_bytes, sizeof peer->event_bytes - 1);
    peer->said = sink_over(peer->said_bytes, sizeof peer->said_bytes - 1);
    assert_int_equal(nghttp2_hd_inflate_new(&peer->inflater), 0);
    assert_true(h2_server_init(&peer->server, limits, on_event, peer));
    assert_true(h2_init(&peer->conn, &peer->server, 0));
    sink_text(&peer->sent, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    peer_frame(peer, F_SETTINGS, 0, 0, (struct span){ 0 });
}

void peer_end(struct peer *peer)
{
    h2_fini(&peer->conn);
    assert_int_equal(peer->conn.heap.used, 0);
    h2_server_fini(&peer->server);
    nghttp2_hd_inflate_del(peer->inflater);
}

void peer_frame(struct peer *peer, uint8_t type, uint8_t flags, int32_t stream, struct span payload)
{
    sink_u8(&peer->sent, (uint8_t)(payload.len >> 16));
    sink_u16be(&peer->sent, (uint16_t)payload.len);
    sink_u8(&peer->sent, type);
    sink_u8(&peer->sent, flags);
    sink_u32be(&peer->sent, (uint32_t)stream);
    sink_put(&peer->sent, payload);
    assert_true(sink_ok(&peer->sent));
}

static void put_string(struct sink *out, struct span text)
{
    if (text.len < 127) {
        sink_u8(out, (uint8_t)text.len);
    } else {
        size_t rest = text.len - 127;
        sink_u8(out, 127);
        for (; rest > 127; rest >>= 7)
            sink_u8(out, (uint8_t)(rest | 0x80));
        sink_u8(out, (uint8_t)rest);
    }
    sink_put(out, text);
}

void peer_encode(const char *fields, struct sink *out)
{
    while (*fields != 0) {
        const char *end = strchr(fields, '\n');
        const char *colon = strchr(fields + 1, ':'); /* a pseudo-field begins with one */
        assert_true(end != NULL && colon != NULL && colon < end);
        sink_u8(out, 0);
        put_string(out, span_of(fields, (size_t)(colon - fields)));
        put_string(out, span_of(colon + 1, (size_t)(end - colon - 1)));
        fields = end + 1;
    }
    assert_true(sink_ok(out));
}

void peer_headers(struct peer *peer, uint8_t flags, int32_t stream, const char *fields)
{
    static uint8_t bytes[60000];
    struct sink block = sink_over(bytes, sizeof bytes);
    peer_encode(fields, &block);
    peer_frame(peer, F_HEADERS, flags, stream, sink_bytes(&block));
}

void peer_get(struct peer *peer, int32_t stream, const char *path)
{
    char text[512];
    struct sink fields = sink_over(text, sizeof text);
    sink_format(&fields, ":method:GET\n:scheme:https\n:path:%s\n:authority:a\n", path);
    sink_u8(&fields, 0);
    peer_headers(peer, END_STREAM | END_HEADERS, stream, text);
}

static void say_headers(struct peer *peer, struct cursor block)
{
    struct span bytes = cur_rest(&block);
    nghttp2_nv pair;
    int flags = 0;
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        ssize_t used = nghttp2_hd_inflate_hd2(peer->inflater, &pair, &flags, bytes.at, bytes.len,
                                              1);
        assert_true(used >= 0);
        bytes = span_of(bytes.at + used, bytes.len - (size_t)used);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
            put_fields(&peer->said,
                       &(struct http_field){ span_of(pair.name, pair.namelen),
                                             span_of(pair.value, pair.valuelen) },
                       1);
    }
    nghttp2_hd_inflate_end_headers(peer->inflater);
}

/* One line a frame. */
static void say_frames(struct peer *peer)
{
    static const char *const names[] = { "DATA", "HEADERS", "PRIORITY", "RST",    "SETTINGS",
                                         "PUSH", "PING",    "GOAWAY",   "WINDOW", "CONTINUATION" };
    struct cursor in = cur_over(span_of(peer->raw, peer->raw_len)), body;
    uint8_t high, type, flags;
    uint16_t low;
    uint32_t stream, code = 0;
    while (cur_u8(&in, &high) && cur_u16be(&in, &low) && cur_u8(&in, &type) &&
           cur_u8(&in, &flags) && cur_u32be(&in, &stream) &&
           cur_sub(&in, (size_t)high << 16 | low, &body)) {
        sink_format(&peer->said, "%s %u%s", names[type], stream,
                    (flags & END_STREAM) != 0
                        ? type == F_SETTINGS || type == F_PING ? " ack" : " end"
                        : "");
        if (type == F_HEADERS)
            say_headers(peer, body);
        if (type == F_DATA)
            sink_format(&peer->said, " %zu", cur_left(&body));
        if (type == F_GOAWAY)
            assert_true(cur_skip(&body, 4));
        if ((type == F_RST || type == F_GOAWAY) && cur_u32be(&body, &code))
            sink_format(&peer->said, " %u", code);
        sink_text(&peer->said, "\n");
    }
    assert_true(cur_end(&in));
    peer->raw_len = 0;
}

static void take(struct peer *peer)
{
    bool more = true;
    while (more) {
        struct sink out = sink_over(&peer->raw[peer->raw_len], sizeof peer->raw - peer->raw_len);
        out.cap = out.cap < 333 ? out.cap : 333;
        more = h2_send(&peer->conn, &out);
        peer->raw_len += out.len;
        if (out.len == 0)
            break;
    }
}

bool peer_go(struct peer *peer, size_t piece)
{
    struct cursor all = cur_over(sink_bytes(&peer->sent));
    struct span part;
    bool open = true;
    while (open && cur_left(&all) > 0) {
        size_t len = cur_left(&all) < piece ? cur_left(&all) : piece;
        assert_true(cur_take(&all, len, &part));
        open = h2_feed(&peer->conn, peer->now_ms, part);
        take(peer);
    }
    take(peer);
    say_frames(peer);
    sink_cut(&peer->sent, 0);
    assert_true(peer->conn.heap.used <= peer->conn.heap.ceiling);
    return open && !h2_is_closed(&peer->conn);
}

const char *peer_events(struct peer *peer)
{
    assert_true(sink_ok(&peer->events));
    peer->event_bytes[peer->events.len] = 0;
    return (const char *)peer->event_bytes;
}

const char *peer_said(struct peer *peer)
{
    assert_true(sink_ok(&peer->said));
    peer->said_bytes[peer->said.len] = 0;
    return (const char *)peer->said_bytes;
}

size_t count_lines(const char *text, const char *with)
{
    size_t count = 0;
    for (const char *line = text; *line != 0; line = strchr(line, '\n') + 1) {
        const char *found = strstr(line, with);
        count += found != NULL && found < strchr(line, '\n');
    }
    return count;
}
