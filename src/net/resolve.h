/* resolve.h - what addresses a name has, by a deadline.  The C library's resolver asks for as
   long as its configuration says, and cannot be stopped; this one can.

   Names are looked up as /etc/resolv.conf, /etc/hosts and the order in nsswitch.conf say
   (files and dns; no other module of the C library is asked).  Addresses are not looked up. */
#ifndef WARD_NET_RESOLVE_H
#define WARD_NET_RESOLVE_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/result.h"
#include "net/tick.h"

/* ADDRESSES_MAX: of one name; the rest are not tried. */
enum { ADDRESSES_MAX = 16 };

struct addresses {
    struct sockaddr_storage at[ADDRESSES_MAX]; /* in the order of RFC 6724 */
    socklen_t len[ADDRESSES_MAX];
    size_t count;
};

/* What a resolver needs of the system, taken before a jail: inside it /etc is not there.  It asks
   its name servers only. */
struct resolver {
    struct ares_channeldata *channel;
};

/* resolver_open reads the system's configuration; false when there is none that can be used. */
MUST_USE bool resolver_open(struct resolver *out);

struct resolve_request {
    const char *host;
    const char *port;                /* digits */
    const char *servers;             /* "ADDRESS:PORT,.."; NULL for those of the system */
    int64_t deadline_ms;             /* by clock_monotonic_ms */
    struct net_tick tick;            /* while it waits */
    const struct resolver *resolver; /* NULL: the system's configuration is read now */
};

enum { TICK_MS = 200 }; /* how long nothing is ticked at most */

/* resolve_host: true with at least one address.  Otherwise *why is static text, and *out is
   untouched.  Returns by the deadline, give or take a turn of the scheduler. */
MUST_USE bool resolve_host(const struct resolve_request *request, struct addresses *out,
                           const char **why);

/* resolve_known looks at what needs no server: an address, or a name of /etc/hosts.  False when
   it is neither; *is_address says which it was. */
MUST_USE bool resolve_known(const struct resolve_request *request, struct addresses *out,
                            bool *is_address);

#endif
