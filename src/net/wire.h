/* wire.h - whole messages over one connection, each by a deadline, for who has nothing else to
   wait for.  A message is one binary frame of a WebSocket, or a u32 with its length (little-endian)
   and its bytes on a stream: a socket, virtio-serial, vsock.  docs/wire.md has both.

   What was read of a message stays when time is over, and the next call goes on; after a message
   that was sent in part nothing more is to be sent. */
#ifndef WARD_NET_WIRE_H
#define WARD_NET_WIRE_H

#include "base/arena.h"
#include "http/websocket.h"
#include "net/tls.h"

enum wire_framing { WIRE_STREAM = 1, WIRE_WEBSOCKET };

enum {
    WIRE_MESSAGE = (1 << 18) + (1 << 20) + 1024,     /* evidence, a log, and what is around them */
    WIRE_CHUNK = 16 * 1024,                          /* bytes that are read or written at once */
    WIRE_MEMORY = 2 * WIRE_MESSAGE + 5 * WIRE_CHUNK, /* what an arena is to have for one */
};

/* Fields are for this room; {.fd = -1} is valid to fini. */
struct wire {
    int fd; /* its own */
    enum wire_framing framing;
    enum reason reason;  /* after WIRE_REFUSED: why */
    struct sink message; /* STREAM: what has come of the one under way */
    uint8_t head[4];
    size_t head_len;
    struct tls *tls; /* NULL: in the clear */
    struct tls_client *client;
    bool is_websocket;
    bool ended; /* WEBSOCKET: nothing more will come */
    struct websocket websocket;
    size_t max;          /* bytes that the next message may have */
    struct sink waiting; /* whole messages that came together, each after its u32 */
    size_t shown;        /* bytes of it that were given out */
    struct sink unsent;  /* of what is to go out */
    uint8_t *chunk;
};

/* A message, where it may be changed; until the next call. */
struct wire_message {
    uint8_t *at;
    size_t len;
};

enum wire_step {
    WIRE_DONE = 0,
    WIRE_LATE,    /* the deadline (clock_monotonic_ms) has passed */
    WIRE_ENDED,   /* the peer is gone; errno of the connection is of no interest */
    WIRE_REFUSED, /* it says what it must not: wire->reason */
};

/* wire_init takes the descriptor, whatever comes of it, and makes it non-blocking.  False without
   memory, or when it is no descriptor. */
MUST_USE
bool wire_init(struct wire *wire, struct arena *memory, int fd, enum wire_framing framing);
/* wire_fini closes it; a WebSocket says so, as far as the socket takes it. */
void wire_fini(struct wire *wire);

/* wire_secure has the connection go on under TLS.  WIRE_REFUSED: *why says in static text why the
   other side is not who is expected, or speaks no TLS 1.3. */
MUST_USE
enum wire_step wire_secure(struct wire *wire, const struct tls_expectation *expected,
                           int64_t deadline_ms, const char **why);

/* A connection becomes a WebSocket first: the side that asks names the host and the path, the side
   that answers has the one path.  Neither is called on a stream. */
MUST_USE
enum wire_step wire_ask(struct wire *wire, struct span authority, struct span target,
                        int64_t deadline_ms);
MUST_USE
enum wire_step wire_answer(struct wire *wire, struct span path, int64_t deadline_ms);

/* wire_receive refuses what announces more than `max` bytes, as CHANNEL_TOO_LARGE, before it makes
   room for it. */
MUST_USE
enum wire_step wire_receive(struct wire *wire, size_t max, int64_t deadline_ms,
                            struct wire_message *out);
MUST_USE
enum wire_step wire_send(struct wire *wire, struct span message, int64_t deadline_ms);

/* For wire_*.c: some bytes, at least one; all of the bytes. */
MUST_USE
enum wire_step wire_read(struct wire *wire, uint8_t *at, size_t cap, int64_t deadline_ms,
                         size_t *len);
MUST_USE
enum wire_step wire_write(struct wire *wire, struct span bytes, int64_t deadline_ms);
MUST_USE
enum wire_step wire_write_unsent(struct wire *wire, int64_t deadline_ms);
bool wire_wait(int fd, short events, int64_t deadline_ms);
MUST_USE
enum wire_step wire_read_tls(struct wire *wire, uint8_t *at, size_t cap, int64_t deadline_ms,
                             size_t *len);
MUST_USE
enum wire_step wire_write_tls(struct wire *wire, struct cursor *left, int64_t deadline_ms);
void wire_end_tls(struct wire *wire);
void wire_end_frames(struct wire *wire);
MUST_USE
enum wire_step wire_receive_frame(struct wire *wire, size_t max, int64_t deadline_ms,
                                  struct wire_message *out);
MUST_USE
enum wire_step wire_send_frame(struct wire *wire, struct span message, int64_t deadline_ms);

#endif
