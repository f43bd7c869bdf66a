/* frames.h - a raw peer of an HTTP/2 connection: frames made by hand, and what the server said and
   did as lines of text. */
#ifndef WARD_TESTS_HTTP_FRAMES_H
#define WARD_TESTS_HTTP_FRAMES_H

#include <nghttp2/nghttp2.h>

#include "http/h2.h"

enum {
    F_DATA,
    F_HEADERS,
    F_PRIORITY,
    F_RST,
    F_SETTINGS,
    F_PUSH,
    F_PING,
    F_GOAWAY,
    F_WINDOW,
    F_CONTINUATION
};
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

struct peer {
    struct h2_server server;
    struct h2 conn;
    struct sink sent;   /* frames that wait for peer_go */
    struct sink events; /* what the server's handler was told */
    struct sink said;   /* what the server sent */
    nghttp2_hd_inflater *inflater;
    uint64_t now_ms;
    uint64_t body_limit; /* what the handler admits */
    bool answers;        /* DONE and REFUSED are answered */
    bool decides;        /* HEAD is admitted */
    size_t stream_bytes; /* not 0: the answer is streamed, so many bytes */
    bool trailers;
    uint8_t sent_bytes[1 << 17], event_bytes[1 << 16], said_bytes[1 << 18], raw[1 << 20];
    size_t raw_len;
};

/* peer_begin: a connection, the preface and empty SETTINGS already queued. */
void peer_begin(struct peer *peer, const struct h2_limits *limits);
void peer_end(struct peer *peer);

void peer_frame(struct peer *peer, uint8_t type, uint8_t flags, int32_t stream,
                struct span payload);

/* peer_headers queues a HEADERS frame with the fields "name: value" of the text, one a line. */
void peer_headers(struct peer *peer, uint8_t flags, int32_t stream, const char *fields);

/* peer_get is peer_headers of a whole GET. */
void peer_get(struct peer *peer, int32_t stream, const char *path);

/* peer_encode writes those fields as HPACK literals. */
void peer_encode(const char *fields, struct sink *out);

/* peer_go feeds what is queued in pieces and takes what the server says. False when the server
   wants no more. */
bool peer_go(struct peer *peer, size_t piece);

/* The lines so far, and those with this text. */
const char *peer_events(struct peer *peer);
const char *peer_said(struct peer *peer);
size_t count_lines(const char *text, const char *with);

#endif
