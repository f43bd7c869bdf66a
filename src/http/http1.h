/* http1.h - one HTTP/1.1 connection of a server, RFC 9112 and strict, without a socket.

   The caller owns the bytes.  It lends a connection what has arrived as a cursor and gets one
   event at a time; what the cursor has not passed yet it keeps and lends again.

       struct http1 conn;  http1_init(&conn, &http_limits_default);
       ...bytes have come, and conn has no room:  http1_room_init(&room, limits, memory, size)
       for (;;) {
           struct http_event e = http1_next(&conn, &room, &in);
           HEAD     decide from room.request, then http1_admit(&conn, limit) and, when
                    http1_wants_continue(&conn), write it; or answer at once and close
           BODY     e.body: hash it, store it
           DONE     answer: http1_write_head, http1_write_body..., http1_write_end
           REFUSED  answer with e.reason; http1_write_end closes
           NONE     read more, or wait
       }

   A connection that waits for a request holds nothing but its struct.  A room is borrowed from the
   first byte of a request to the end of its answer, and http1_is_idle says when it may go back to
   the pool.  One request is served at a time: bytes of the next one stay with the caller
   until the answer is complete.  What an event says depends on the bytes only, never on how
   they were cut into pieces. */
#ifndef WARD_HTTP_HTTP1_H
#define WARD_HTTP_HTTP1_H

#include "base/cursor.h"
#include "base/sink.h"
#include "http/message.h"

enum http1_state {
    HTTP1_IDLE = 0,
    HTTP1_LINE,       /* in the request line */
    HTTP1_FIELDS,     /* in the header */
    HTTP1_DECIDE,     /* waits for http1_admit or an answer */
    HTTP1_BODY,       /* body of a known length */
    HTTP1_CHUNK_SIZE, /* in the line of a chunk */
    HTTP1_CHUNK_DATA,
    HTTP1_CHUNK_END, /* the CR LF after the data */
    HTTP1_TRAILERS,
    HTTP1_ANSWER, /* the request is complete, the answer is not */
    HTTP1_TUNNEL, /* became a WebSocket: nothing more is read here */
    HTTP1_CLOSED,
    HTTP1_REFUSED,
};

/* Private to http1_*.c, public for its size. */
struct http1 {
    const struct http_limits *limits;
    uint64_t body_left;   /* of the body, or of this chunk */
    uint64_t body_room;   /* bytes that the route still takes */
    uint64_t answer_left; /* bytes of the answer's body not written yet */
    uint32_t field_bytes;
    uint32_t extension_bytes;
    uint8_t state;  /* enum http1_state */
    uint8_t digits; /* of the chunk size */
    uint16_t reason;
    bool after_cr;     /* the last byte was CR */
    bool in_extension; /* of a chunk line */
    bool blank_line;   /* the one empty line before a request was passed over */
    bool chunked;      /* the request */
    bool keep_alive;   /* after this answer */
    bool continue_due; /* 100 Continue was asked for and the body is wanted */
    bool old;          /* HTTP/1.0 */
    bool head_method;  /* the answer has no body */
    bool answering;    /* http1_write_head was called */
    bool answer_bare;  /* the answer has no body whatever is written */
    bool answer_chunked;
    bool answer_to_close; /* the answer ends with the connection */
    bool client;          /* it asks and reads answers: http1_client.h */
    bool asks_websocket;
    bool body_to_close; /* of an answer: it ends with the connection */
    uint8_t interim;    /* answers that were only on the way */
};

/* The memory of one request: borrowed from a pool. */
struct http1_room {
    struct sink bytes; /* the head as it came, names folded, the decoded path */
    size_t line;       /* where the current line begins */
    struct http_field *fields;
    size_t fields_cap;
    struct http_request request; /* of an answer its fields, its length and its trailers */
    unsigned status;             /* of an answer */
};

void http1_init(struct http1 *conn, const struct http_limits *limits);

/* http1_room_size is what http1_room_init needs for those limits, some 44 KiB by default. */
size_t http1_room_size(const struct http_limits *limits);

/* http1_room_init lays a room into memory that is aligned for any type; false when it is too
   small.  A room is used for one request; http1_room_reset makes it ready for the next one, of any
   connection with the same limits. */
MUST_USE
bool http1_room_init(struct http1_room *room, const struct http_limits *limits, void *memory,
                     size_t size);

void http1_room_reset(struct http1_room *room);

/* http1_is_idle: between two requests; no room is needed. */
bool http1_is_idle(const struct http1 *conn);

/* http1_is_closed: nothing will come of this connection any more: close it once what was
   written is sent. */
bool http1_is_closed(const struct http1 *conn);

/* http1_next reads as far as one event.  A body of an event views the cursor's bytes. */
struct http_event http1_next(struct http1 *conn, struct http1_room *room, struct cursor *in);

/* http1_end says that the peer will send no more: CLOSED between requests, else REFUSED with
   HTTP_TRUNCATED.  While an answer is being written it is NONE, and the connection
   closes after it: the peer may have shut down one direction only. */
struct http_event http1_end(struct http1 *conn);

/* http1_refuse ends the request from outside (a timer: HTTP_TIMEOUT).  The next event is
   REFUSED with that reason. */
void http1_refuse(struct http1 *conn, enum reason reason);

/* http1_admit lets the body come, up to `body_limit` bytes.  Only after HEAD.  A Content-Length
   past the limit makes the next event REFUSED with HTTP_BODY_TOO_LARGE, before any byte of the
   body. */
void http1_admit(struct http1 *conn, const struct http1_room *room, uint64_t body_limit);

/* http1_wants_continue: the peer waits for 100 Continue before it sends the body. */
bool http1_wants_continue(const struct http1 *conn);
void http1_write_continue(struct http1 *conn, struct sink *out);

/* http1_write_head writes the head of the answer.  False, with nothing written, when it does not
   fit, when a field is not well-formed (an answer cannot be split by a value) or when an
   answer was begun already.  An answer to a request that was not read to its end closes. */
MUST_USE
bool http1_write_head(struct http1 *conn, const struct http_response *response, struct sink *out);

/* http1_write_body writes some bytes of the body; nothing for HEAD, 204 and 304.  False, with
   nothing written, when they do not fit or are more than the announced length. */
MUST_USE
bool http1_write_body(struct http1 *conn, struct span bytes, struct sink *out);

/* http1_write_end ends the answer: the connection is idle again or closed.  False when it does not
   fit, or when bytes of the announced length are missing; the connection is closed
   then, and the peer sees that it got too little. */
MUST_USE
bool http1_write_end(struct http1 *conn, struct sink *out);

/* http1_write_upgrade answers a WebSocket request with 101 and the accept value of RFC 6455 4.2.2;
   the connection is a tunnel then. */
MUST_USE
bool http1_write_upgrade(struct http1 *conn, struct span accept, struct sink *out);

/* http_status_phrase never returns NULL. */
const char *http_status_phrase(unsigned status);

/* Shared by the http1_*.c files. */
struct http_event http1_next_body(struct http1 *conn, struct http1_room *room, struct cursor *in);
struct http_event http1_refused(struct http1 *conn, enum reason reason);
enum reason http1_take_line_byte(struct http1 *conn, struct http1_room *room, uint8_t byte);
enum reason http1_read_field(struct http1 *conn, struct http1_room *room, struct span line);
struct span http1_take_line(struct http1_room *room);
enum reason http1_judge(struct http1 *conn, struct http1_room *room);
enum reason http1_read_status_line(struct http1 *conn, struct http1_room *room, struct span line);
enum reason http1_judge_answer(struct http1 *conn, struct http1_room *room);
bool http1_put_fields(const struct http_field *fields, size_t count, struct sink *out);

#endif
