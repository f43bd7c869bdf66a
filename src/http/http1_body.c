/* http1_body.c - what follows a head: a body of a known length, or chunks and trailers.  Nothing
   of a body is kept here. */
#include "http/http1.h"

/* Enough for any size that a route takes; more digits are a game. */
enum { CHUNK_DIGITS = 8 };

void http1_admit(struct http1 *conn, const struct http1_room *room, uint64_t body_limit)
{
    if (conn->state != HTTP1_DECIDE)
        return;
    if (conn->body_left > body_limit) {
        (void)http1_refused(conn, REASON_HTTP_BODY_TOO_LARGE);
        return;
    }
    if (conn->body_to_close)
        conn->body_left = body_limit;
    conn->body_room = body_limit;
    conn->state = conn->chunked ? HTTP1_CHUNK_SIZE : HTTP1_BODY;
    conn->continue_due = room->request.wants_100 && room->request.has_body;
}

bool http1_wants_continue(const struct http1 *conn)
{
    return conn->continue_due && !conn->answering && conn->state != HTTP1_REFUSED;
}

static struct http_event done(struct http1 *conn, struct http1_room *room)
{
    room->request.trailers = &room->fields[room->request.field_count];
    conn->state = HTTP1_ANSWER;
    conn->continue_due = false;
    return (struct http_event){ .kind = HTTP_EVENT_DONE };
}

/* As many bytes of the body as have come. */
static struct http_event take_body(struct http1 *conn, struct cursor *in)
{
    struct span body;
    size_t len = cur_left(in);
    if (len > conn->body_left)
        len = (size_t)conn->body_left;
    if (len == 0 || !cur_take(in, len, &body))
        return (struct http_event){ 0 };
    conn->body_left -= len;
    conn->continue_due = false; /* RFC 9110 10.1.1: may be left out once the body comes */
    return (struct http_event){ .kind = HTTP_EVENT_BODY, .body = body };
}

/* Left of `limit` or past it, for the digits and extensions of one chunk line. */
static bool read_digit(struct http1 *conn, uint8_t byte)
{
    uint8_t lower = byte | 0x20;
    uint64_t value = byte >= '0' && byte <= '9'     ? (uint64_t)(byte - '0')
                     : lower >= 'a' && lower <= 'f' ? (uint64_t)(lower - 'a' + 10)
                                                    : 16;
    if (value == 16 || conn->digits == CHUNK_DIGITS)
        return false;
    conn->digits++;
    conn->body_left = conn->body_left * 16 + value;
    return true;
}

static enum reason end_chunk_line(struct http1 *conn, struct http1_room *room)
{
    conn->digits = 0;
    conn->in_extension = false;
    if (conn->body_left == 0) {
        conn->state = HTTP1_TRAILERS;
        room->line = room->bytes.len;
        return REASON_OK;
    }
    if (conn->body_left > conn->body_room)
        return REASON_HTTP_BODY_TOO_LARGE;
    conn->body_room -= conn->body_left;
    conn->state = HTTP1_CHUNK_DATA;
    return REASON_OK;
}

/* RFC 9112 7.1.1: an extension is passed over, if it is short.  A bare CR or LF in one is how
   readers come to disagree about where the chunk begins. */
static enum reason take_extension(struct http1 *conn, uint8_t byte)
{
    if ((byte < 0x20 && byte != '\t') || byte > 0x7e)
        return REASON_HTTP_CHUNK_EXTENSION;
    if (++conn->extension_bytes > conn->limits->extension_bytes)
        return REASON_HTTP_CHUNK_EXTENSION;
    return REASON_OK;
}

static enum reason take_chunk_byte(struct http1 *conn, struct http1_room *room, uint8_t byte)
{
    bool ends = conn->after_cr;
    conn->after_cr = byte == '\r' && !ends;
    if (ends)
        return byte == '\n' ? end_chunk_line(conn, room) : REASON_HTTP_CHUNK_INVALID;
    if (conn->after_cr)
        return conn->digits > 0 ? REASON_OK : REASON_HTTP_CHUNK_INVALID;
    if (conn->in_extension || (byte == ';' && conn->digits > 0)) {
        conn->in_extension = true;
        return take_extension(conn, byte);
    }
    return read_digit(conn, byte) ? REASON_OK : REASON_HTTP_CHUNK_INVALID;
}

static enum reason take_chunk_end(struct http1 *conn, uint8_t byte)
{
    if (byte != (conn->after_cr ? '\n' : '\r'))
        return REASON_HTTP_CHUNK_INVALID;
    conn->after_cr = !conn->after_cr;
    if (!conn->after_cr)
        conn->state = HTTP1_CHUNK_SIZE;
    return REASON_OK;
}

static enum reason take_trailer_byte(struct http1 *conn, struct http1_room *room, uint8_t byte)
{
    enum reason reason = http1_take_line_byte(conn, room, byte);
    if (reason != REASON_OK || byte != '\n')
        return reason;
    struct span line = http1_take_line(room);
    if (line.len == 0) {
        conn->state = HTTP1_ANSWER;
        return REASON_OK;
    }
    reason = http1_read_field(conn, room, line);
    if (reason == REASON_HTTP_FIELDS_TOO_LARGE)
        return reason;
    size_t at = room->request.field_count + room->request.trailer_count;
    if (reason != REASON_OK || !http_may_trail(room->fields[at].name))
        return REASON_HTTP_TRAILER_INVALID;
    room->request.trailer_count++;
    return REASON_OK;
}

static enum reason take_framing(struct http1 *conn, struct http1_room *room, uint8_t byte)
{
    if (conn->state == HTTP1_CHUNK_SIZE)
        return take_chunk_byte(conn, room, byte);
    if (conn->state == HTTP1_CHUNK_END)
        return take_chunk_end(conn, byte);
    return take_trailer_byte(conn, room, byte);
}

static struct http_event next_chunked(struct http1 *conn, struct http1_room *room,
                                      struct cursor *in)
{
    uint8_t byte;
    while (conn->state != HTTP1_CHUNK_DATA && cur_u8(in, &byte)) {
        conn->continue_due = false;
        enum reason reason = take_framing(conn, room, byte);
        if (reason != REASON_OK)
            return http1_refused(conn, reason);
        if (conn->state == HTTP1_ANSWER)
            return done(conn, room);
    }
    if (conn->state != HTTP1_CHUNK_DATA)
        return (struct http_event){ 0 };
    struct http_event event = take_body(conn, in);
    if (conn->body_left == 0)
        conn->state = HTTP1_CHUNK_END;
    return event;
}

/* Of a body without an end of its own: one byte more than it may have is seen when it comes. */
static struct http_event take_to_close(struct http1 *conn, struct cursor *in)
{
    if (conn->body_left == 0 && cur_left(in) > 0)
        return http1_refused(conn, REASON_HTTP_BODY_TOO_LARGE);
    return take_body(conn, in);
}

struct http_event http1_next_body(struct http1 *conn, struct http1_room *room, struct cursor *in)
{
    if (conn->state != HTTP1_BODY)
        return next_chunked(conn, room, in);
    if (conn->body_to_close)
        return take_to_close(conn, in);
    return conn->body_left == 0 ? done(conn, room) : take_body(conn, in);
}
