/* h2_private.h - what the h2_*.c files share, and nobody else sees. */
#ifndef WARD_HTTP_H2_PRIVATE_H
#define WARD_HTTP_H2_PRIVATE_H

#include <nghttp2/nghttp2.h>

#include "http/h2.h"

/* A header block as it is decoded: name length, value length, name, value, and again. */
struct h2_block {
    uint8_t *bytes;
    size_t len, cap;
    size_t count;    /* of fields that are no pseudo-fields */
    size_t expanded; /* bytes of all fields, those past the limit too */
};

enum h2_state {
    H2_HEAD,    /* the header is coming */
    H2_DECIDE,  /* HEAD is being told */
    H2_BODY,    /* admitted */
    H2_DONE,    /* the request is whole */
    H2_REFUSED, /* what still comes is thrown away */
};

struct h2_stream {
    struct h2 *conn;
    struct h2_stream *next, *previous;
    void *user;
    int32_t id;
    enum h2_state state;
    enum reason reason; /* why the head is refused */
    struct http_request request;
    struct h2_block head, tail;
    struct http_field *fields, *trailers;
    uint8_t *path;
    uint64_t body_limit, body_seen;
    uint64_t unwanted; /* bytes of a body that nobody reads */
    uint8_t *queue;    /* bytes of the answer: from queue_at, queue_len of them */
    size_t queue_at, queue_len, queue_cap;
    uint64_t answer_left;
    struct http_field *answer_trailers; /* the array and the bytes behind it */
    size_t answer_trailer_count;
    bool answered, bare, streamed, ended, deferred, wants_room, closed_by_us;
    bool said_all; /* before the peer had */
};

/* h2_block_add keeps one field; a reason when it may not be kept. */
enum reason h2_block_add(struct h2 *conn, struct h2_block *block, struct span name,
                         struct span value);

/* h2_read_head makes the request of a whole head block, h2_read_tail its trailers. */
enum reason h2_read_head(struct h2_stream *stream);
enum reason h2_read_tail(struct h2_stream *stream);

/* h2_tell calls the caller. */
void h2_tell(struct h2_stream *stream, struct http_event event);

/* h2_fail ends the connection; the first reason stays. */
void h2_fail(struct h2 *conn, enum reason reason, uint32_t code);

/* h2_release gives back what a stream holds, and the stream. */
void h2_release(struct h2_stream *stream);

#endif
