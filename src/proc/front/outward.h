/* outward.h - connections that the house begins: to the peers of ward.toml.

   Dial hands over a socket that is connected, for a peer and a question of core's; front makes TLS
   over it, where the url says so, asks for the WebSocket, and has an attested channel begin in it
   (link.h), in which the house is the initiator.  Whom the certificate must name, which CAs it may
   be signed under and which keys it may have was taken before the jail.

   From the socket to the WebSocket it has OUTWARD_MS.  There is one connection for a peer at most:
   a socket that comes while there is one is closed, and what is there stays.  How it goes core is
   told, with the number of its question; when it goes again is core's to say. */
#ifndef WARD_PROC_FRONT_OUTWARD_H
#define WARD_PROC_FRONT_OUTWARD_H

#include "http/websocket.h"
#include "ipc/door.h"
#include "net/tls.h"
#include "proc/messages.h"
#include "proc/peer_text.h"

enum {
    OUTWARD_MS = 10000,
    OUTWARD_CAS_MAX = 2 << 20, /* bytes of the CAs of one peer */
    OUTWARD_OUT_MAX = 2048,    /* bytes of what is asked */
};

struct connection;
struct front;
struct link_sdk;

enum outward_phase {
    OUTWARD_NONE = 0,
    OUTWARD_TLS,
    OUTWARD_ASKS,
    OUTWARD_READS,
    OUTWARD_LINKED, /* the channel has begun, */
    OUTWARD_OPEN,   /* and the peer is who it should be */
};

struct outward {
    struct websocket_url url;
    struct tls_client *client; /* NULL: none is wanted, or none can be made */
    struct http1_room room;
    void *room_memory;
    uint8_t *in;          /* FRONT_IN_MAX: read and not understood yet */
    struct link_sdk *sdk; /* of a peer of profile sdk-v1; NULL: it speaks version 2 */

    enum outward_phase phase;
    struct connection *connection; /* NULL: none */
    uint64_t id;                   /* of core's question */
    int64_t until_ms;              /* for the WebSocket */
    size_t in_len;
    uint8_t key[WEBSOCKET_KEY];
    uint8_t out[OUTWARD_OUT_MAX];
    size_t out_len, sent;
    enum reason reason; /* why it ended; REASON_NONE: nothing better is known */
    char detail[DIALED_DETAIL_MAX + 1];
};

/* outward_open: before the jail.  False without memory, or where a peer's url is none. */
MUST_USE
bool outward_open(struct front *front);

/* What passage.h shares with it, for which dial brings sockets as well.

   outward_client: what a server of that peer is known by under TLS; NULL: none is wanted, or none
   can be made, which the log then has.  outward_is_connection: what dial hands over, TCP that does
   not block who writes to it and at which nobody listens. */
struct tls_client *outward_client(const struct peer_settings *peer, const struct url_origin *origin,
                                  struct span ca_pem);
bool outward_is_connection(int fd);

/* outward_shake is one step of the handshake; OUTWARD_FAILED with why. */
enum outward_shaken { OUTWARD_FAILED = 0, OUTWARD_WAITS, OUTWARD_SHOOK };
enum outward_shaken outward_shake(struct front *front, struct connection *connection,
                                  enum reason *reason, const char **detail);

/* outward_on_connected is the door for dial's sockets. */
MUST_USE
rc outward_on_connected(struct trail *trail, void *front, struct call *call);

/* outward_turn is one step; true when another may get further. */
bool outward_turn(struct front *front, struct connection *connection);
void outward_sweep(struct front *front, struct connection *connection, int64_t now_ms);

/* outward_is_open: the peer is who it should be.  outward_note keeps the first reason of its end,
   for core; outward_fail does, and closes the connection.  outward_number: the peer's place in the
   settings, LINK_NOBODY for a connection that the house did not begin. */
void outward_is_open(struct front *front, struct connection *connection);
void outward_note(struct connection *connection, enum reason reason, const char *detail);
uint8_t outward_number(const struct front *front, const struct connection *connection);
void outward_fail(struct front *front, struct connection *connection, enum reason reason,
                  const char *detail);

/* outward_closed: its connection is going. */
void outward_closed(struct front *front, struct connection *connection);

/* outward_core_gone: who asked for them is gone. */
void outward_core_gone(struct front *front);

/* outward_count: how many are open. */
uint64_t outward_count(const struct front *front);

#endif
