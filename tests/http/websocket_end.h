/* websocket_end.h - one end of a WebSocket over the socket that is descriptor 0: its handshake, and
   bytes in and out.  For programs that a test hands a connection to. */
#ifndef WARD_TESTS_HTTP_WEBSOCKET_END_H
#define WARD_TESTS_HTTP_WEBSOCKET_END_H

#include <unistd.h>

#include "http/websocket.h"

enum { END_MESSAGE = 1 << 20, END_BUFFER = 65536, END_SOCKET = 0 };

static const struct websocket_limits end_limits = { END_MESSAGE, 4 * END_MESSAGE, 1000, 100 };
static const uint8_t end_key[WEBSOCKET_KEY] = "0123456789abcde";
static uint8_t end_message[END_MESSAGE], end_in[END_BUFFER], end_out[END_BUFFER],
    end_room[END_BUFFER];

static inline void end_masks(void *at, size_t len)
{
    static uint8_t next = 1;
    uint8_t *bytes = at;
    for (size_t i = 0; i < len; i++)
        bytes[i] = next += 31;
}

static inline bool end_write(const struct sink *bytes)
{
    struct cursor left = cur_over(sink_bytes(bytes));
    while (cur_left(&left) > 0) {
        ssize_t n = write(END_SOCKET, left.at, cur_left(&left));
        if (n <= 0 || !cur_skip(&left, (size_t)n))
            return false;
    }
    return true;
}

/* Reads until the head of the other side has come; the rest stays in `end_in`. */
static inline bool end_read_head(struct http1 *conn, struct http1_room *room, struct span *rest)
{
    for (;;) {
        ssize_t n = read(END_SOCKET, end_in, sizeof end_in);
        if (n <= 0)
            return false;
        struct cursor bytes = cur_over(span_of(end_in, (size_t)n));
        struct http_event event = http1_next(conn, room, &bytes);
        *rest = cur_rest(&bytes);
        if (event.kind != HTTP_EVENT_NONE)
            return event.kind == HTTP_EVENT_HEAD;
    }
}

/* The handshake: a client's with an authority to ask for `target`, or a server's with NULL. */
static inline bool end_begin(const char *authority, const char *target, struct span *rest)
{
    struct http1 conn;
    struct http1_room room;
    struct sink bytes = sink_over(end_out, sizeof end_out);
    char accept[WEBSOCKET_ACCEPT + 1];
    http1_init(&conn, &http_limits_default);
    if (!http1_room_init(&room, conn.limits, end_room, sizeof end_room))
        return false;
    if (authority != NULL) {
        const struct http_ask ask = { .method = HTTP_METHOD_GET,
                                      .authority = span_text(authority),
                                      .target = span_text(target),
                                      .websocket_key = end_key };
        return http1_write_ask(&conn, &ask, &bytes) && end_write(&bytes) &&
               end_read_head(&conn, &room, rest) &&
               websocket_judge_answer(&room, end_key) == REASON_OK;
    }
    if (!end_read_head(&conn, &room, rest) || websocket_judge(&room.request, accept) != REASON_OK)
        return false;
    http1_admit(&conn, &room, 0);
    struct cursor none = cur_over((struct span){ 0 });
    return http1_next(&conn, &room, &none).kind == HTTP_EVENT_DONE &&
           http1_write_upgrade(&conn, span_text(accept), &bytes) && end_write(&bytes);
}

static inline bool end_flush(struct websocket *ws)
{
    bool more = true;
    while (more) {
        struct sink bytes = sink_over(end_out, sizeof end_out);
        more = websocket_send(ws, &bytes);
        if (!end_write(&bytes))
            return false;
    }
    return true;
}

/* One read; false when nothing more is to be read. */
static inline bool end_read(struct websocket *ws)
{
    ssize_t n = read(END_SOCKET, end_in, sizeof end_in);
    return n > 0 && websocket_feed(ws, 0, span_of(end_in, (size_t)n));
}

#endif
