/* admit.h - the order in which a newcomer is judged: the cheapest and hardest answers first, and
   nothing is charged to a peer who is refused for another cause.

   A connection: allow and deny lists, bans, the rate of new connections, their number.
   A request, once its head is read and before its body is: the same lists and bans for
   the client (who is another than the peer behind a proxy), then the rates of the client, of
   its /48 and of all together.

   A listed proxy carries many clients: of its connections only the total is limited, and
   limits and bans hold for the client that it names.  Denied is denied, also for a proxy.  The
   caller finds that name by the one rule of that proxy, and refuses a request through a proxy that
   names nobody. A unix socket has no address and is not judged here: its peer is known by
   credentials.

   Reads no clock, owns nothing: the parts are the caller's and outlive this. */
#ifndef WARD_ADMIT_ADMIT_H
#define WARD_ADMIT_ADMIT_H

#include "admit/ban.h"
#include "admit/conn.h"
#include "admit/table.h"

/* NULL is "no such limit", except conns; an empty allow list is everybody. */
struct admit {
    const struct address_list *allow;
    const struct address_list *deny;
    const struct address_list *proxies;
    const struct ban_view *bans;
    struct admit_table *connects; /* new connections of one peer */
    struct admit_table *requests; /* of one client */
    struct admit_table *sites;    /* of one /48: one subscriber may have 65536 /64s */
    struct gcra *all;             /* of everybody */
    const struct gcra_rate *all_rate;
    struct conn_table *conns;
};

/* Rates before anybody configured others. */
struct admit_rates {
    struct gcra_rate connects; /* 2 a second, 60 at once */
    struct gcra_rate requests; /* 50 a second, 100 at once */
    struct gcra_rate sites;    /* eight times that */
    struct gcra_rate all;      /* 20000 a second, 5000 at once */
};

struct admit_rates admit_rates_default(void);

/* The zero refuses.  retry_us: for Retry-After or RetryInfo, 0 when no time helps; after a ban
   it is the ban's end. */
struct admission {
    bool admitted;
    enum reason cut_oldest; /* see conn.h: close the oldest half-open connection now */
    enum reason reason;
    uint64_t retry_us;
};

/* admit_connection judges a socket just accepted.  When it is refused, *out is {0} and nothing
   is to be closed but the socket. */
struct admission admit_connection(struct admit *admit, const struct address *peer, uint64_t now_us,
                                  struct conn *out);

/* admit_request judges a request of that client, which costs it so much of its rates (gcra.h). */
struct admission admit_request(struct admit *admit, const struct address *client, uint32_t cost,
                               uint64_t now_us);

#endif
