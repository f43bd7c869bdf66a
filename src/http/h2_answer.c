/* h2_answer.c - the answer of a stream: its head at once, its body by and by as the peer gives
   room, its trailers behind it. */
#include <string.h>

#include "base/number.h"
#include "base/time.h"
#include "http/h2_private.h"

enum { ANSWER_FIELDS = 24, QUEUE_FIRST = 1024 };

static nghttp2_nv pair(struct span name, struct span value)
{
    /* nghttp2 copies both and changes neither. */
    return (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name.at,
                         .value = (uint8_t *)(uintptr_t)value.at,
                         .namelen = name.len,
                         .valuelen = value.len,
                         .flags = NGHTTP2_NV_FLAG_NONE };
}

/* RFC 9113 8.2.1 and 8.2.2: lower case, and nothing of a connection. */
static bool is_sound(const struct http_field *field)
{
    static const char *const never[] = { "connection", "keep-alive", "transfer-encoding",
                                         "upgrade",    "date",       "content-length" };
    for (size_t i = 0; i < field->name.len; i++) {
        if (field->name.at[i] >= 'A' && field->name.at[i] <= 'Z')
            return false;
    }
    for (size_t i = 0; i < COUNT_OF(never); i++) {
        if (span_equal_text(field->name, never[i]))
            return false;
    }
    return http_is_token(field->name) && http_is_value(field->value);
}

/* Copies what fits of the queue; the peer's window has set `length` already. */
// NOLINTNEXTLINE(readability-function-size): nghttp2 has chosen the parameters
static ssize_t read_queue(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t length,
                          uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct h2_stream *stream = source->ptr;
    struct h2 *conn = arg;
    size_t len = length < stream->queue_len ? length : stream->queue_len;
    if (len > 0)
        memcpy(buffer, &stream->queue[stream->queue_at], len);
    stream->queue_at += len;
    stream->queue_len -= len;
    conn->queued -= len;
    conn->progress += (uint32_t)len;
    h2_watch_credit(&conn->watch, H2_WINDOW, len > 0 ? 4 : 0);
    stream->wants_room = stream->wants_room || (len > 0 && !stream->ended);
    if (stream->queue_len > 0)
        return (ssize_t)len;
    stream->queue_at = 0;
    if (!stream->ended) {
        stream->deferred = len == 0;
        return len > 0 ? (ssize_t)len : NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream->answer_trailer_count > 0) {
        nghttp2_nv pairs[ANSWER_FIELDS];
        for (size_t i = 0; i < stream->answer_trailer_count; i++)
            pairs[i] = pair(stream->answer_trailers[i].name, stream->answer_trailers[i].value);
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(session, id, pairs, stream->answer_trailer_count) != 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)len;
}

bool h2_write_head(struct h2_stream *stream, const struct http_response *response)
{
    nghttp2_nv pairs[ANSWER_FIELDS + 2];
    char status[12], length[24];
    struct sink code = sink_over(status, sizeof status), size = sink_over(length, sizeof length);
    size_t count = 0;
    if (stream->answered || stream->closed_by_us || response->status < 200 ||
        response->status > 599 || response->field_count > ANSWER_FIELDS)
        return false;
    sink_format(&code, "%u", response->status);
    sink_format(&size, "%llu", (unsigned long long)response->length);
    pairs[count++] = pair(span_text(":status"), sink_bytes(&code));
    for (size_t i = 0; i < response->field_count; i++) {
        if (!is_sound(&response->fields[i]))
            return false;
        pairs[count++] = pair(response->fields[i].name, response->fields[i].value);
    }
    bool none = response->status == 204 || response->status == 304;
    if (!response->streamed && response->status != 204)
        pairs[count++] = pair(span_text("content-length"), sink_bytes(&size));
    bool bare = none || stream->request.method == HTTP_METHOD_HEAD;
    bool empty = bare || (!response->streamed && response->length == 0);
    nghttp2_data_provider source = { .source.ptr = stream, .read_callback = read_queue };
    if (nghttp2_submit_response(stream->conn->session, stream->id, pairs, count,
                                empty ? NULL : &source) != 0)
        return false;
    stream->answered = true;
    stream->bare = empty;
    stream->streamed = response->streamed;
    stream->answer_left = empty || response->streamed ? 0 : response->length;
    return true;
}

size_t h2_room_ahead(const struct h2_stream *stream)
{
    const struct h2_limits *limits = stream->conn->server->limits;
    size_t all = stream->conn->queued < limits->connection_queue
                     ? limits->connection_queue - stream->conn->queued
                     : 0;
    size_t one = stream->queue_len < limits->stream_queue ? limits->stream_queue - stream->queue_len
                                                          : 0;
    return one < all ? one : all;
}

size_t h2_room(struct h2_stream *stream)
{
    size_t room = h2_room_ahead(stream);
    if (!stream->answered || stream->ended)
        return 0;
    if (room == 0)
        stream->wants_room = true;
    return room;
}

/* Makes the queue's free end large enough. */
static bool make_room(struct h2_stream *stream, size_t len)
{
    if (stream->queue_at > 0)
        memmove(stream->queue, &stream->queue[stream->queue_at], stream->queue_len);
    stream->queue_at = 0;
    size_t cap = stream->queue_cap > 0 ? stream->queue_cap : QUEUE_FIRST;
    while (cap < stream->queue_len + len)
        cap *= 2;
    if (cap == stream->queue_cap)
        return true;
    uint8_t *queue = heap_resize(&stream->conn->heap, stream->queue, cap);
    if (queue == NULL)
        return false;
    stream->queue = queue;
    stream->queue_cap = cap;
    return true;
}

/* The stream has something to say again. */
static void resume(struct h2_stream *stream)
{
    if (!stream->deferred)
        return;
    stream->deferred = false;
    if (nghttp2_session_resume_data(stream->conn->session, stream->id) != 0)
        h2_reset(stream);
}

bool h2_write_body(struct h2_stream *stream, struct span bytes)
{
    struct h2 *conn = stream->conn;
    if (stream->bare && stream->answered)
        return true;
    if (bytes.len > h2_room(stream) || (!stream->streamed && bytes.len > stream->answer_left) ||
        (bytes.len > 0 && !make_room(stream, bytes.len)))
        return false;
    if (bytes.len == 0)
        return true;
    memcpy(&stream->queue[stream->queue_len], bytes.at, bytes.len);
    if (conn->queued == 0) {
        conn->progress_ms = conn->now_ms;
        conn->progress = 0;
    }
    stream->queue_len += bytes.len;
    conn->queued += bytes.len;
    if (!stream->streamed)
        stream->answer_left -= bytes.len;
    resume(stream);
    return true;
}

/* A copy of the trailers that lives until they are sent. */
static bool keep_trailers(struct h2_stream *stream, const struct http_field *trailers, size_t count)
{
    size_t size = count * sizeof *trailers;
    for (size_t i = 0; i < count; i++) {
        if (!is_sound(&trailers[i]))
            return false;
        size += trailers[i].name.len + trailers[i].value.len;
    }
    struct http_field *copy = heap_take(&stream->conn->heap, size);
    if (copy == NULL)
        return false;
    struct sink bytes = sink_over(&copy[count], size - count * sizeof *trailers);
    for (size_t i = 0; i < count; i++) {
        copy[i].name = span_of(sink_room(&bytes, 0), trailers[i].name.len);
        sink_put(&bytes, trailers[i].name);
        copy[i].value = span_of(sink_room(&bytes, 0), trailers[i].value.len);
        sink_put(&bytes, trailers[i].value);
    }
    stream->answer_trailers = copy;
    stream->answer_trailer_count = count;
    return true;
}

bool h2_write_end(struct h2_stream *stream, const struct http_field *trailers, size_t count)
{
    if (!stream->answered || stream->ended)
        return false;
    if (stream->answer_left > 0 || count > ANSWER_FIELDS || (count > 0 && stream->bare) ||
        (count > 0 && !keep_trailers(stream, trailers, count))) {
        h2_reset(stream);
        return false;
    }
    stream->ended = true;
    resume(stream);
    return true;
}

void h2_reset(struct h2_stream *stream)
{
    if (stream->closed_by_us)
        return;
    stream->closed_by_us = true;
    stream->state = H2_REFUSED;
    if (nghttp2_submit_rst_stream(stream->conn->session, NGHTTP2_FLAG_NONE, stream->id,
                                  NGHTTP2_INTERNAL_ERROR) != 0)
        h2_fail(stream->conn, REASON_OUT_OF_MEMORY, NGHTTP2_INTERNAL_ERROR);
}
