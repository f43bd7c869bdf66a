/* http1_client.h - the asking side of HTTP/1.1, with the reader of http1.h: as strict with an
   answer as with a request, without a socket.

       struct http1 conn;   http1_init(&conn, &http_limits_default);   http1_room_init(&room, ...)
       http1_write_ask(&conn, &ask, &out)     and the body behind it, ask.length bytes
       ...bytes have come: http1_next(&conn, &room, &in) gives
           HEAD     room.status and room.request.fields; http1_admit lets the body come
           BODY     some bytes of it
           DONE     the answer is whole; http1_may_ask says whether another may be asked for
           REFUSED  it is none: close
       the peer has closed: http1_end(&conn) gives DONE where that ends the body, REFUSED where it
       cuts something short

   Answers that are only on the way (100, 103) are passed over.  After a 101 that was asked for the
   connection is a tunnel: what the cursor has not passed is no HTTP any more. */
#ifndef WARD_HTTP_HTTP1_CLIENT_H
#define WARD_HTTP_HTTP1_CLIENT_H

#include "http/http1.h"

enum {
    WEBSOCKET_KEY = 16,
    HTTP_SWITCHING = 101,
    HTTP_INTERIM_MAX = 8, /* answers that are only on the way, before the one that counts */
};

struct http_ask {
    enum http_method method;
    struct span authority;           /* host and port, for Host */
    struct span target;              /* a path, maybe with a query, as it is sent */
    const struct http_field *fields; /* neither framing nor Host nor Connection */
    size_t field_count;
    uint64_t length;              /* of the body */
    const uint8_t *websocket_key; /* WEBSOCKET_KEY random bytes: asks for one; NULL: does not */
    bool close;                   /* nothing more will be asked on this connection */
};

/* http1_write_ask begins a request on a connection that waits for none.  False, with nothing
   written, when something is not well-formed or does not fit, or an answer is still to come. */
MUST_USE
bool http1_write_ask(struct http1 *conn, const struct http_ask *ask, struct sink *out);

/* http1_may_ask: no answer is under way and the peer has not closed. */
bool http1_may_ask(const struct http1 *conn);

#endif
