/* h2.c - see h2.h: the session, and what nghttp2 says of it as events. */
#include "http/h2.h"

#include "base/number.h"
#include "http/h2_private.h"

enum {
    EXPANSION_FREE = 4096, /* bytes of fields that are never a bomb */
    EXPANSION_RATIO = 32,
    PROGRESS = 1024, /* bytes that a peer must take to be said to read */
    HEADER_TABLE = 4096,
    SETTINGS_ENTRIES = 32,
    OUTBOUND_ACKS = 64,
    CONTINUATION_READS = 1000,
    UNWANTED_MAX = 256 * 1024, /* bytes of body that an answered stream may still bring */
};

const struct h2_limits h2_limits_default = {
    .http = { HTTP_TARGET_MAX, HTTP_FIELDS_MAX, HTTP_FIELD_BYTES_MAX, HTTP_EXTENSIONS_MAX },
    .streams = 100,
    .window = 64 * 1024 - 1,
    .connection_window = 1024 * 1024,
    .stream_queue = 64 * 1024,
    .connection_queue = 256 * 1024,
    .hold_ms = 30 * 1000,
    .memory = 1024 * 1024,
};

void h2_tell(struct h2_stream *stream, struct http_event event)
{
    const struct h2_server *server = stream->conn->server;
    server->on_event(server->arg, stream, event);
}

void h2_fail(struct h2 *conn, enum reason reason, uint32_t code)
{
    if (conn->reason != REASON_OK)
        return;
    conn->reason = reason;
    /* Without memory for a GOAWAY the connection ends without one. */
    (void)!nghttp2_session_terminate_session(conn->session, code);
}

void h2_release(struct h2_stream *stream)
{
    struct h2 *conn = stream->conn;
    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    else
        conn->streams = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    conn->queued -= stream->queue_len;
    heap_give(&conn->heap, stream->head.bytes);
    heap_give(&conn->heap, stream->tail.bytes);
    heap_give(&conn->heap, stream->fields);
    heap_give(&conn->heap, stream->trailers);
    heap_give(&conn->heap, stream->path);
    heap_give(&conn->heap, stream->queue);
    heap_give(&conn->heap, stream->answer_trailers);
    heap_give(&conn->heap, stream);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *conn = arg;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    /* After our GOAWAY the peer takes it for not served and asks somebody else. */
    if (conn->shutting)
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                         NGHTTP2_REFUSED_STREAM) == 0
                   ? 0
                   : NGHTTP2_ERR_CALLBACK_FAILURE;
    struct h2_stream *stream = heap_take(&conn->heap, sizeof *stream);
    if (stream == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    *stream = (struct h2_stream){
        .conn = conn,
        .next = conn->streams,
        .id = frame->hd.stream_id,
        .reason = REASON_OK,
    };
    if (conn->streams != NULL)
        conn->streams->previous = stream;
    conn->streams = stream;
    return nghttp2_session_set_stream_user_data(session, stream->id, stream) == 0
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static struct span bytes_of(nghttp2_rcbuf *buffer)
{
    nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
    return span_of(bytes.base, bytes.len);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
    (void)flags;
    if (stream == NULL)
        return 0;
    struct h2_block *block = stream->state == H2_HEAD ? &stream->head : &stream->tail;
    enum reason reason = h2_block_add(arg, block, bytes_of(name), bytes_of(value));
    if (stream->reason == REASON_OK)
        stream->reason = reason;
    return 0;
}

static void tell_done(struct h2_stream *stream)
{
    stream->state = H2_DONE;
    h2_tell(stream, (struct http_event){ .kind = HTTP_EVENT_DONE });
}

static void tell_refused(struct h2_stream *stream, enum reason reason)
{
    stream->state = H2_REFUSED;
    h2_tell(stream, (struct http_event){ .kind = HTTP_EVENT_REFUSED, .reason = reason });
}

/* Fields that are far larger than what was sent for them come from the table, again and again. */
static void watch_expansion(struct h2 *conn, const struct h2_block *block, size_t wire)
{
    if (block->expanded <= EXPANSION_FREE || block->expanded / EXPANSION_RATIO <= wire)
        return;
    if (!h2_watch_count(&conn->watch, conn->now_ms, H2_EXPANSION))
        h2_fail(conn, REASON_HTTP2_ABUSE, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* RFC 9110 10.1.1: the body is wanted, and the peer waits to hear so. */
static void say_continue(struct h2_stream *stream)
{
    uint8_t name[] = ":status", value[] = "100";
    const nghttp2_nv status = { name, value, sizeof name - 1, sizeof value - 1,
                                NGHTTP2_NV_FLAG_NONE };
    if (!stream->answered && nghttp2_submit_headers(stream->conn->session, NGHTTP2_FLAG_NONE,
                                                    stream->id, NULL, &status, 1, NULL) != 0)
        h2_reset(stream);
}

static void on_head(struct h2_stream *stream, const nghttp2_frame *frame)
{
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    watch_expansion(stream->conn, &stream->head, frame->hd.length);
    stream->request.has_body = !ends;
    if (stream->reason == REASON_OK)
        stream->reason = h2_read_head(stream);
    if (stream->reason != REASON_OK) {
        tell_refused(stream, stream->reason);
        return;
    }
    stream->state = H2_DECIDE;
    h2_tell(stream, (struct http_event){ .kind = HTTP_EVENT_HEAD });
    if (stream->state == H2_DECIDE) {
        /* Neither admitted nor answered is refused. */
        stream->state = H2_REFUSED;
        if (!stream->answered)
            h2_reset(stream);
        return;
    }
    if (stream->reason != REASON_OK)
        tell_refused(stream, stream->reason);
    else if (ends)
        tell_done(stream);
    else if (stream->request.wants_100)
        say_continue(stream);
}

static void on_tail(struct h2_stream *stream)
{
    if (stream->state != H2_BODY)
        return;
    if (stream->reason == REASON_OK)
        stream->reason = h2_read_tail(stream);
    if (stream->reason == REASON_OK)
        tell_done(stream);
    else
        tell_refused(stream, stream->reason);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
    (void)arg;
    if (stream == NULL)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        on_head(stream, frame);
    else if (frame->hd.type == NGHTTP2_HEADERS)
        on_tail(stream);
    else if (frame->hd.type == NGHTTP2_DATA && stream->state == H2_BODY &&
             (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        tell_done(stream);
    return 0;
}

/* RFC 9113 8.1: a server that has answered may ask for the rest not to be sent.  It need not at
   once: a client that is reset while it sends may take that for a failure and throw the answer
   away, as curl 7.88 does; so what was on its way is let come. */
static void end_unwanted(struct h2_stream *stream)
{
    struct h2 *conn = stream->conn;
    if (!stream->said_all || stream->closed_by_us ||
        (stream->unwanted <= UNWANTED_MAX && !conn->shutting))
        return;
    stream->closed_by_us = true;
    if (nghttp2_submit_rst_stream(conn->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR) !=
        0)
        h2_fail(conn, REASON_OUT_OF_MEMORY, NGHTTP2_INTERNAL_ERROR);
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *arg)
{
    struct h2_stream *stream = stream_of(session, id);
    (void)flags;
    (void)arg;
    if (stream == NULL || len == 0)
        return 0;
    if (stream->state != H2_BODY) {
        stream->unwanted += len;
        end_unwanted(stream);
        return 0;
    }
    if (len > stream->body_limit - stream->body_seen) {
        tell_refused(stream, REASON_HTTP_BODY_TOO_LARGE);
        return 0;
    }
    stream->body_seen += len;
    h2_tell(stream, (struct http_event){ .kind = HTTP_EVENT_BODY, .body = span_of(data, len) });
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct h2_stream *stream = stream_of(session, id);
    (void)arg;
    if (stream == NULL)
        return 0;
    enum reason reason = code == NGHTTP2_NO_ERROR ? REASON_OK : REASON_HTTP2_PROTOCOL;
    if (stream->state == H2_BODY)
        reason = REASON_HTTP_TRUNCATED;
    h2_tell(stream, (struct http_event){ .kind = HTTP_EVENT_CLOSED, .reason = reason });
    h2_release(stream);
    return 0;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *conn = arg;
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_GOAWAY && conn->reason == REASON_OK &&
        frame->goaway.error_code != NGHTTP2_NO_ERROR)
        conn->reason = REASON_HTTP2_PROTOCOL;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        /* Ours after a whole answer is no fault of the peer's. */
        if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
            (stream == NULL || !stream->closed_by_us) &&
            !h2_watch_count(&conn->watch, conn->now_ms, H2_SERVER_RESET))
            h2_fail(conn, REASON_HTTP2_ABUSE, NGHTTP2_ENHANCE_YOUR_CALM);
        return 0;
    }
    if (stream != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
        (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        stream->state != H2_DONE && stream->request.has_body) {
        stream->said_all = true;
        end_unwanted(stream);
    }
    return 0;
}

bool h2_server_init(struct h2_server *server, const struct h2_limits *limits, h2_event_fn *on_event,
                    void *arg)
{
    *server = (struct h2_server){ .limits = limits, .on_event = on_event, .arg = arg };
    if (nghttp2_session_callbacks_new(&server->callbacks) != 0)
        return false;
    if (nghttp2_option_new(&server->option) != 0) {
        h2_server_fini(server);
        return false;
    }
    nghttp2_option_set_no_closed_streams(server->option, 1);
    nghttp2_option_set_max_settings(server->option, SETTINGS_ENTRIES);
    nghttp2_option_set_max_outbound_ack(server->option, OUTBOUND_ACKS);
    /* It counts a CONTINUATION again for each read that the frame's head came in; ours does not. */
    nghttp2_option_set_max_continuations(server->option, CONTINUATION_READS);
    nghttp2_session_callbacks_set_on_begin_headers_callback(server->callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(server->callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(server->callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(server->callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(server->callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(server->callbacks, on_frame_send);
    return true;
}

void h2_server_fini(struct h2_server *server)
{
    nghttp2_session_callbacks_del(server->callbacks);
    nghttp2_option_del(server->option);
    *server = (struct h2_server){ 0 };
}

static void *take(size_t size, void *heap)
{
    return heap_take(heap, size);
}

static void *take_array(size_t count, size_t size, void *heap)
{
    size_t len;
    return mul_size(count, size, &len) ? heap_take(heap, len) : NULL;
}

static void *resize(void *piece, size_t size, void *heap)
{
    return heap_resize(heap, piece, size);
}

static void give(void *piece, void *heap)
{
    heap_give(heap, piece);
}

static bool begin(struct h2 *conn)
{
    const struct h2_limits *limits = conn->server->limits;
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->window },
        { NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, HEADER_TABLE },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->http.field_bytes },
    };
    return nghttp2_submit_settings(conn->session, NGHTTP2_FLAG_NONE, settings,
                                   COUNT_OF(settings)) == 0 &&
           nghttp2_session_set_local_window_size(conn->session, NGHTTP2_FLAG_NONE, 0,
                                                 (int32_t)limits->connection_window) == 0;
}

bool h2_init(struct h2 *conn, const struct h2_server *server, uint64_t now_ms)
{
    *conn = (struct h2){
        .server = server,
        .reason = REASON_OK,
        .heap = { .ceiling = server->limits->memory },
        .now_ms = now_ms,
        .progress_ms = now_ms,
    };
    h2_watch_init(&conn->watch, now_ms);
    nghttp2_mem memory = { &conn->heap, take, give, take_array, resize };
    if (nghttp2_session_server_new3(&conn->session, server->callbacks, conn, server->option,
                                    &memory) != 0)
        return false;
    if (begin(conn))
        return true;
    h2_fini(conn);
    return false;
}

void h2_fini(struct h2 *conn)
{
    while (conn->streams != NULL) {
        struct h2_stream *stream = conn->streams;
        h2_tell(stream,
                (struct http_event){ .kind = HTTP_EVENT_CLOSED,
                                     .reason = conn->reason == REASON_OK ? REASON_HTTP_TRUNCATED
                                                                         : conn->reason });
        h2_release(stream);
    }
    nghttp2_session_del(conn->session);
    conn->session = NULL;
    conn->pending = (struct span){ 0 };
}

bool h2_feed(struct h2 *conn, uint64_t now_ms, struct span bytes)
{
    conn->now_ms = now_ms;
    if (conn->reason != REASON_OK)
        return false;
    if (!h2_watch_bytes(&conn->watch, now_ms, bytes)) {
        enum h2_standing standing = conn->watch.standing;
        if (standing == H2_STANDING_GOOD)
            h2_fail(conn, REASON_HTTP2_ABUSE, NGHTTP2_ENHANCE_YOUR_CALM);
        else
            h2_fail(conn, REASON_HTTP2_PROTOCOL,
                    standing == H2_STANDING_NEVER ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_STREAM_CLOSED);
        return false;
    }
    ssize_t used = nghttp2_session_mem_recv(conn->session, bytes.at, bytes.len);
    if (used == NGHTTP2_ERR_NOMEM)
        h2_fail(conn, REASON_OUT_OF_MEMORY, NGHTTP2_INTERNAL_ERROR);
    else if (used == NGHTTP2_ERR_FLOODED)
        h2_fail(conn, REASON_HTTP2_ABUSE, NGHTTP2_ENHANCE_YOUR_CALM);
    else if (used < 0 || (size_t)used != bytes.len)
        h2_fail(conn, REASON_HTTP2_PROTOCOL, NGHTTP2_PROTOCOL_ERROR);
    return conn->reason == REASON_OK && nghttp2_session_want_read(conn->session) != 0;
}

/* Tells those who wait that there is room.  A callback may end any stream by ending the connection,
   never by this list. */
static void tell_room(struct h2 *conn)
{
    for (struct h2_stream *stream = conn->streams; stream != NULL; stream = stream->next) {
        if (stream->wants_room && !stream->ended && h2_room(stream) > 0) {
            stream->wants_room = false;
            h2_tell(stream, (struct http_event){ .kind = HTTP_EVENT_ROOM });
        }
    }
}

/* Moves what fits of what nghttp2 made. */
static bool flush(struct h2 *conn, struct sink *out)
{
    size_t free = out->cap - out->len;
    size_t len = conn->pending.len < free ? conn->pending.len : free;
    sink_put(out, span_of(conn->pending.at, len));
    conn->pending = span_of(conn->pending.len > 0 ? conn->pending.at + len : NULL,
                            conn->pending.len - len);
    return conn->pending.len == 0;
}

bool h2_send(struct h2 *conn, struct sink *out)
{
    while (flush(conn, out)) {
        const uint8_t *at;
        ssize_t len = nghttp2_session_mem_send(conn->session, &at);
        if (len < 0) {
            if (conn->reason == REASON_OK)
                conn->reason = REASON_OUT_OF_MEMORY;
            return false;
        }
        if (len == 0)
            break;
        conn->pending = span_of(at, (size_t)len);
    }
    if (conn->progress >= PROGRESS || conn->queued == 0) {
        conn->progress = 0;
        conn->progress_ms = conn->now_ms;
    }
    tell_room(conn);
    return conn->pending.len > 0 || nghttp2_session_want_write(conn->session) != 0;
}

bool h2_tick(struct h2 *conn, uint64_t now_ms)
{
    if (now_ms > conn->now_ms)
        conn->now_ms = now_ms;
    if (conn->queued > 0 && conn->now_ms - conn->progress_ms > conn->server->limits->hold_ms)
        h2_fail(conn, REASON_HTTP2_ABUSE, NGHTTP2_ENHANCE_YOUR_CALM);
    return conn->reason == REASON_OK;
}

void h2_shut_down(struct h2 *conn)
{
    conn->shutting = true;
    int32_t last = nghttp2_session_get_last_proc_stream_id(conn->session);
    if (nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0) !=
        0)
        h2_fail(conn, REASON_OUT_OF_MEMORY, NGHTTP2_INTERNAL_ERROR);
    for (struct h2_stream *stream = conn->streams; stream != NULL; stream = stream->next)
        end_unwanted(stream);
}

const char *h2_abuse_name(const struct h2 *conn)
{
    const char *habit = h2_habit_name(conn->watch.broken);
    return *habit != 0 ? habit : "held back answers";
}

bool h2_is_closed(const struct h2 *conn)
{
    return conn->pending.len == 0 && nghttp2_session_want_write(conn->session) == 0 &&
           (conn->reason != REASON_OK || nghttp2_session_want_read(conn->session) == 0);
}

size_t h2_stream_count(const struct h2 *conn)
{
    size_t count = 0;
    for (const struct h2_stream *stream = conn->streams; stream != NULL; stream = stream->next)
        count++;
    return count;
}

int32_t h2_stream_id(const struct h2_stream *stream)
{
    return stream->id;
}

const struct http_request *h2_request(const struct h2_stream *stream)
{
    return &stream->request;
}

struct h2 *h2_connection(const struct h2_stream *stream)
{
    return stream->conn;
}

void h2_set_user(struct h2_stream *stream, void *user)
{
    stream->user = user;
}

void *h2_user(const struct h2_stream *stream)
{
    return stream->user;
}

void h2_admit(struct h2_stream *stream, uint64_t body_limit)
{
    if (stream->state != H2_DECIDE)
        return;
    stream->state = H2_BODY;
    stream->body_limit = body_limit;
    if (stream->request.has_length && stream->request.length > body_limit)
        stream->reason = REASON_HTTP_BODY_TOO_LARGE;
}
