/* conversation.c - see conversation.h. */
#include "conversation.h"

#include "test.h"

struct talk {
    struct http1 conn;
    struct http1_room room;
    uint64_t body_limit;
    bool in_body;
    struct sink *out;
};

static void put_fields(struct sink *out, const struct http_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sink_text(out, " ");
        sink_put(out, fields[i].name);
        sink_text(out, "=");
        sink_put(out, fields[i].value);
    }
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

static void put_head(struct talk *talk)
{
    const struct http_request *r = &talk->room.request;
    sink_format(talk->out, "%s ", http_method_name(r->method));
    sink_put(talk->out, r->path);
    if (r->query.len > 0)
        sink_text(talk->out, "?");
    sink_put(talk->out, r->query);
    put_target(talk->out, r);
    sink_text(talk->out, " @");
    sink_put(talk->out, r->authority);
    put_fields(talk->out, r->fields, r->field_count);
    sink_text(talk->out, r->keep_alive ? "" : " (close)");
    sink_text(talk->out, r->is_websocket ? " (websocket)" : "");
    sink_text(talk->out, r->wants_100 ? " (100)" : "");
    sink_text(talk->out, "\n");
}

static void answer(struct talk *talk)
{
    uint8_t bytes[512];
    struct sink reply = sink_over(bytes, sizeof bytes);
    struct http_response response = { .status = 200 };
    assert_true(http1_write_head(&talk->conn, &response, &reply));
    assert_true(http1_write_end(&talk->conn, &reply));
}

/* True while there may be another event in the same bytes. */
static bool on_event(struct talk *talk, struct http_event event)
{
    if (talk->in_body && event.kind != HTTP_EVENT_BODY && event.kind != HTTP_EVENT_NONE) {
        sink_text(talk->out, "\n");
        talk->in_body = false;
    }
    switch (event.kind) {
    case HTTP_EVENT_HEAD:
        put_head(talk);
        http1_admit(&talk->conn, &talk->room, talk->body_limit);
        return true;
    case HTTP_EVENT_BODY:
        sink_text(talk->out, talk->in_body ? "" : "body ");
        talk->in_body = true;
        sink_put(talk->out, event.body);
        return true;
    case HTTP_EVENT_DONE:
        sink_text(talk->out, "done");
        put_fields(talk->out, talk->room.request.trailers, talk->room.request.trailer_count);
        sink_text(talk->out, "\n");
        answer(talk);
        http1_room_reset(&talk->room);
        return true;
    case HTTP_EVENT_REFUSED:
        sink_format(talk->out, "%s\n", reason_info(event.reason)->name);
        return false;
    case HTTP_EVENT_CLOSED:
        sink_text(talk->out, "closed\n");
        return false;
    case HTTP_EVENT_ROOM:
    case HTTP_EVENT_NONE:
    default:
        return false;
    }
}

/* False when the connection is over. */
static bool feed(struct talk *talk, struct span bytes)
{
    struct cursor in = cur_over(bytes);
    struct http_event event;
    do
        event = http1_next(&talk->conn, &talk->room, &in);
    while (on_event(talk, event));
    return event.kind == HTTP_EVENT_NONE;
}

void conversation(struct span bytes, size_t piece, uint64_t body_limit, struct sink *out)
{
    static uint8_t first[64 * 1024];
    struct talk talk = { .body_limit = body_limit, .out = out };
    http1_init(&talk.conn, &http_limits_default);
    assert_true(http1_room_init(&talk.room, talk.conn.limits, first, sizeof first));
    struct cursor all = cur_over(bytes);
    struct span part;
    while (cur_left(&all) > 0) {
        if (!cur_take(&all, cur_left(&all) < piece ? cur_left(&all) : piece, &part) ||
            !feed(&talk, part))
            return;
    }
    on_event(&talk, http1_end(&talk.conn));
}
