/* conn.h - how many connections there may be: in all, still in their handshake, and of each
   peer (an address, or a /64).  Holds no socket: it counts, and says who goes.

   Connections whose handshake is not done ("half-open") have a share of their own, `half`.
   The rest of `total` can be taken by established ones only, so no flood of half-open ones
   keeps an established one out, and none is ever cut to make room: what is in, stays.
   When the half-open share is full, the answer to a newcomer is to cut the oldest half-open
   connection and let it in: an honest handshake takes milliseconds, so an attacker must
   open `half` connections in that time and again and again, where otherwise `half` idle ones
   would do for a whole deadline.

   Counts are exact: there are twice as many slots as connections, so nobody is evicted.

   A refused connection costs one SipHash, a look at a slot or two, and the caller's close:
   no TLS state, no allocation, no write.  The caller closes with SO_LINGER 0, and it goes on
   accepting: what waits in the backlog only costs the honest who wait behind it. */
#ifndef WARD_ADMIT_CONN_H
#define WARD_ADMIT_CONN_H

#include "base/arena.h"
#include "crypto/siphash.h"
#include "model/address.h"
#include "model/reason.h"

enum { CONNS_MAX = 1 << 20 };

struct conn_limits {
    uint32_t total;
    uint32_t half;      /* of them, in their handshake; under total */
    uint32_t peer;      /* of one peer, in all */
    uint32_t peer_half; /* of one peer, in their handshake */
};

/* 10000 in all, 2000 half-open; of one peer 64 and 16. */
struct conn_limits conn_limits_default(void);
bool conn_limits_are_sound(const struct conn_limits *limits);

struct conn_slot; /* what is counted of one peer */

struct conn_table {
    struct conn_limits limits;
    struct conn_slot *slots;
    size_t slot_count; /* a power of two, at least twice limits.total */
    uint32_t open;     /* in all */
    uint32_t half;     /* of them, half-open */
    uint8_t key[SIPHASH_KEY_LEN];
};

/* conn_table_init takes its slots from the arena, where they stay: 24 bytes each, at most four
   for a connection.  key: 16 random bytes of its own. */
MUST_USE
bool conn_table_init(struct conn_table *table, struct arena *arena,
                     const struct conn_limits *limits, const uint8_t key[SIPHASH_KEY_LEN]);

/* Looks at every slot: for tests. */
bool conn_table_is_sound(const struct conn_table *table);

/* One connection, in the caller's own record of it.  {0} is none. */
struct conn {
    enum { CONN_NONE = 0, CONN_HALF, CONN_OPEN } state;
    bool exempt; /* a proxy's: it carries many peers, so only the total holds for it */
    struct address peer;
};

/* The zero refuses.  cut_oldest, unless REASON_NONE: it is let in, and the caller must now
   close its oldest half-open connection for that reason, and call conn_closed for it.  There is
   one besides the new one. */
struct conn_answer {
    bool admitted;
    enum reason cut_oldest;
    enum reason reason; /* of a refusal */
};

/* conn_accepted counts a connection that was accepted.  On a refusal *out is {0}.  `exempt` is
   for addresses of the proxy list only. */
struct conn_answer conn_accepted(struct conn_table *table, const struct address *address,
                                 bool exempt, struct conn *out);

/* conn_established: the handshake is done.  Nothing can go wrong; twice is the same as once. */
void conn_established(struct conn_table *table, struct conn *conn);

/* conn_closed takes the connection out of all counts and makes it {0}; of {0} it does nothing. */
void conn_closed(struct conn_table *table, struct conn *conn);

#endif
