/* h2.h - one HTTP/2 connection of a server, over nghttp2, without a socket: the same requests,
   answers and events as HTTP/1.1 (http1.h), many at a time.

       struct h2_server server;     once:  h2_server_init(&server, &h2_limits_default, on_event,
   arg) struct h2 conn;              each:  h2_init(&conn, &server, now_ms) bytes have come:
   h2_feed(&conn, now_ms, bytes)     events are called from here the socket takes bytes:
   h2_send(&conn, &sink)             and ROOM from here a second has passed:         h2_tick(&conn,
   now_ms) h2_is_closed(&conn):         send what is left, close, h2_fini(&conn)

   on_event(HEAD) decides at once: h2_admit, or an answer.  A stream that is neither is reset, so no
   body is ever kept that was not wanted. The last event of every stream is CLOSED; its
   struct and all views of it are gone after that.

   nghttp2 takes some 26 KiB for a connection, idle or not; a connection that has said nothing yet
   needs none of it. All memory of a connection, nghttp2's too, comes from one heap with a ceiling:
   past it the connection ends, the process does not notice. What a peer may do how often is
   h2_abuse.h; past that the connection ends with ENHANCE_YOUR_CALM. */
#ifndef WARD_HTTP_H2_H
#define WARD_HTTP_H2_H

#include "base/heap.h"
#include "base/sink.h"
#include "http/h2_abuse.h"
#include "http/message.h"

struct h2_limits {
    struct http_limits http;
    uint32_t streams;           /* at a time */
    uint32_t window;            /* bytes of body that a stream may send ahead */
    uint32_t connection_window; /* all streams together */
    uint32_t stream_queue;      /* bytes of an answer that wait to be sent */
    uint32_t connection_queue;  /* of all answers */
    uint32_t hold_ms;           /* how long they may wait for the peer to take 1 KiB */
    size_t memory;              /* of the connection, all told */
};

extern const struct h2_limits h2_limits_default;

struct h2;
struct h2_stream;
struct nghttp2_session;
struct nghttp2_session_callbacks;
struct nghttp2_option;

typedef void h2_event_fn(void *arg, struct h2_stream *stream, struct http_event event);

struct h2_server {
    const struct h2_limits *limits;
    h2_event_fn *on_event;
    void *arg;
    struct nghttp2_session_callbacks *callbacks;
    struct nghttp2_option *option;
};

/* h2_server_init makes what all connections share; false when memory is short. */
MUST_USE
bool h2_server_init(struct h2_server *server, const struct h2_limits *limits, h2_event_fn *on_event,
                    void *arg);
void h2_server_fini(struct h2_server *server);

struct h2 {
    const struct h2_server *server;
    void *user;         /* the caller's */
    enum reason reason; /* why the connection ends; REASON_OK while it does not */
    /* private */
    struct nghttp2_session *session;
    struct heap heap;
    struct h2_watch watch;
    struct h2_stream *streams;
    struct span pending; /* made by nghttp2, not sent yet */
    uint64_t now_ms;
    uint64_t progress_ms; /* when the peer last took its share */
    uint32_t progress;    /* bytes since */
    size_t queued;
    bool shutting; /* no new stream begins */
};

/* h2_init begins a connection; false, with nothing to fini, when memory is short.  The server and
   the struct stay where they are. */
MUST_USE
bool h2_init(struct h2 *conn, const struct h2_server *server, uint64_t now_ms);

/* h2_fini ends all streams with CLOSED and gives everything back. */
void h2_fini(struct h2 *conn);

/* h2_feed takes bytes of the peer, all of them.  False when nothing more is to be read:
   conn->reason says why, or REASON_OK after a GOAWAY in good order; what h2_send still has is to be
   sent. */
MUST_USE
bool h2_feed(struct h2 *conn, uint64_t now_ms, struct span bytes);

/* h2_send appends to the sink what is to be sent, as much as fits.  True when there is more. */
bool h2_send(struct h2 *conn, struct sink *out);

/* h2_tick looks at the clock: false when the peer holds back answers for longer than hold_ms. */
MUST_USE
bool h2_tick(struct h2 *conn, uint64_t now_ms);

/* h2_shut_down lets no new stream begin; those that there are are served. */
void h2_shut_down(struct h2 *conn);

/* h2_is_closed: nothing will be read or sent any more. */
bool h2_is_closed(const struct h2 *conn);

/* h2_abuse_name says of a connection that ends with HTTP2_ABUSE what the peer did; for logs. */
const char *h2_abuse_name(const struct h2 *conn);

/* h2_stream_count: streams that are open. */
size_t h2_stream_count(const struct h2 *conn);

/* A stream: its number, request, connection, and a pointer of the caller's. */
int32_t h2_stream_id(const struct h2_stream *stream);
const struct http_request *h2_request(const struct h2_stream *stream);
struct h2 *h2_connection(const struct h2_stream *stream);
void h2_set_user(struct h2_stream *stream, void *user);
void *h2_user(const struct h2_stream *stream);

/* h2_admit lets the body come, up to `body_limit` bytes.  Only in HEAD. */
void h2_admit(struct h2_stream *stream, uint64_t body_limit);

/* h2_write_head begins the answer.  With length 0 and not streamed it is the whole answer (a gRPC
   answer without a message has its status among these fields).  False when a field is not
   well-formed, an answer was begun already or memory is short. */
MUST_USE
bool h2_write_head(struct h2_stream *stream, const struct http_response *response);

/* h2_room is how many bytes h2_write_body would take now.  After 0, also because other streams of
   the connection fill its queue, ROOM says when to go on.  h2_room_ahead is what it would be once a
   head was written. */
size_t h2_room(struct h2_stream *stream);
size_t h2_room_ahead(const struct h2_stream *stream);

/* h2_write_body queues bytes; false, with nothing queued, when they are more than h2_room or than
   the announced length. */
MUST_USE
bool h2_write_body(struct h2_stream *stream, struct span bytes);

/* h2_write_end ends the answer, with trailers or without (count 0).  False when bytes of
   the announced length are missing, or memory is short: the stream is reset then. */
MUST_USE
bool h2_write_end(struct h2_stream *stream, const struct http_field *trailers, size_t count);

/* h2_reset gives the stream up. */
void h2_reset(struct h2_stream *stream);

#endif
