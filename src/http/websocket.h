/* websocket.h - one WebSocket connection, RFC 6455, either side, over wslay and without a socket.

   The handshake is HTTP/1.1's: a server reads the request with http1.h, has websocket_judge look at
   it and writes http1_write_upgrade; a client asks with a key (http1_client.h) and has
   websocket_judge_answer look at what came.  No extension and no subprotocol is ever agreed on.

   websocket_init, with kind.limits->message bytes of memory, or NULL and kind.borrow.  When bytes
   have come: websocket_feed, which calls on_message from within; when something is to be said:
   websocket_put; when the socket takes bytes: websocket_send.  When websocket_is_closed the socket
   is to be closed, and websocket_fini ends it.

   A message is handed over whole: its pieces are put together in memory of the caller's, and one
   that would be larger is refused when the head of the piece that is too much has come.  Many
   connections that mostly wait share their memory: it is lent from a message's first piece to its
   end.  Pings are answered.  What is not RFC 6455, a text that is not UTF-8, too many pieces or
   control frames end the connection with the Close frame that says so; ws->reason has why. */
#ifndef WARD_HTTP_WEBSOCKET_H
#define WARD_HTTP_WEBSOCKET_H

#include "base/sink.h"
#include "http/http1_client.h"
#include "http/message.h"

enum websocket_role { WEBSOCKET_SERVER = 0, WEBSOCKET_CLIENT };

struct websocket_limits {
    uint32_t message;  /* bytes of one that comes in */
    uint32_t queue;    /* bytes that wait to be sent, pongs included */
    uint32_t pieces;   /* frames of one message */
    uint32_t controls; /* pings and pongs in a second */
};

enum {
    WEBSOCKET_ACCEPT = 28, /* characters that answer it */
    WEBSOCKET_CONTROL = 125,
};

/* Codes of a Close frame (RFC 6455 7.4.1) that a caller gives. */
enum websocket_code {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_GOING = 1001,
    WEBSOCKET_POLICY = 1008,
    WEBSOCKET_INTERNAL = 1011,
};

/* Memory for a message, and how long it may be there. */
struct websocket_room {
    uint8_t *memory;
    uint32_t cap; /* at most the kind's limit */
};

/* What all connections of a kind share; it stays where it is. */
struct websocket_kind {
    enum websocket_role role;
    const struct websocket_limits *limits;
    /* The message is there during the call only.  It may put and close, but not fini. */
    void (*on_message)(void *arg, struct span message, bool text);
    /* A client's masks: bytes that nobody can foretell (5.3).  A server needs none. */
    void (*random)(void *out, size_t len);
    /* For connections without memory of their own.  A message begins, whose first piece has `len`
       bytes: lends what all of it must fit into, or says why not.  It is given back when the
       message was handed over, or never will be.  NULL: there is no such connection. */
    enum reason (*borrow)(void *arg, uint64_t len, struct websocket_room *out);
    void (*give_back)(void *arg, struct websocket_room room);
};

struct wslay_event_context;

struct websocket {
    const struct websocket_kind *kind;
    void *arg;
    enum reason reason; /* why it ends; REASON_OK while it does not, or ends in good order */
    uint16_t code; /* of the peer's Close frame; 1005 when it gave none that is one, 0 before */
    /* private */
    struct wslay_event_context *wslay;
    struct websocket_room room;
    bool lent;       /* the room is the kind's, until the message is whole */
    size_t len;      /* bytes of the message so far */
    uint64_t told;   /* and those that its present piece has told of */
    uint32_t pieces; /* of it */
    uint32_t whole;  /* messages and control frames that came to their end; goes round */
    uint32_t controls;
    uint64_t second_ms; /* when these began to be counted */
    uint64_t now_ms;
    bool in_control; /* the frame that is being read is one */
    bool in_close;   /* and it is the last */
    bool closing;    /* websocket_close was called */
    uint16_t last; /* with this code, and its frame waits for what was put before; 0: it does not */
    struct span input; /* not read yet */
    struct sink *output;
};

/* websocket_init: false, with nothing to fini, without memory.  `memory` may be NULL where the kind
   lends it. */
MUST_USE
bool websocket_init(struct websocket *ws, const struct websocket_kind *kind, void *memory,
                    void *arg);
void websocket_fini(struct websocket *ws);

/* websocket_feed takes bytes of the peer, all of them.  False when nothing more is to be read:
   either side has said Close, or ws->reason says what was wrong. */
MUST_USE
bool websocket_feed(struct websocket *ws, uint64_t now_ms, struct span bytes);

/* websocket_limit is for who lends room for a message before it is known how long that may be: what
   is being received has at most `cap` bytes.  The connection ends where more was told of already.
 */
void websocket_limit(struct websocket *ws, uint32_t cap);

/* websocket_put queues a message; false, with nothing queued, when it and what waits are more than
   the limit, after a Close, or without memory.  A text is UTF-8: that is the caller's care. */
MUST_USE
bool websocket_put(struct websocket *ws, struct span message, bool text);

/* websocket_ping asks for a sign of life; false as websocket_put. */
MUST_USE
bool websocket_ping(struct websocket *ws);

/* websocket_close queues a Close frame, once; what was put before is sent first, and what the peer
   still says is not read.  Its answer to that is not waited for: the caller closes the socket when
   nothing is left to be sent. */
void websocket_close(struct websocket *ws, enum websocket_code code);

/* websocket_send appends to the sink what is to be sent, as much as fits.  True when there is
   more. */
bool websocket_send(struct websocket *ws, struct sink *out);

/* websocket_is_receiving: a message has begun and is not whole.  websocket_received counts what
   came whole, control frames too: whoever sends pieces of a head is not heard of in either. */
bool websocket_is_receiving(const struct websocket *ws);
uint32_t websocket_received(const struct websocket *ws);

/* websocket_has_queued: something is to be sent. */
bool websocket_has_queued(const struct websocket *ws);

/* websocket_is_closed: nothing will be read or sent any more. */
bool websocket_is_closed(const struct websocket *ws);

/* websocket_judge looks at a request of which http1.h says that it asks for a WebSocket, and gives
   the value that answers it.  REASON_OK, or why it can be none. */
enum reason websocket_judge(const struct http_request *request, char accept[WEBSOCKET_ACCEPT + 1]);

/* websocket_judge_answer looks at the answer that a client got to a request with that key
   (http1_client.h).  REASON_OK, or why the connection can be none. */
enum reason websocket_judge_answer(const struct http1_room *room, const uint8_t key[WEBSOCKET_KEY]);

#endif
