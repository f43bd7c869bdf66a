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

/* Where an answer that does not fit into a datagram is asked for, over TCP. */
#define RESOLVER_PORT "53"

/* resolver_open_at is one that asks those servers ("ADDRESS:PORT,..", of IPv6 "[ADDRESS]:PORT";
   NULL for those of the system), and for the names that it is asked alone: of the system's search
   list it adds nothing to them. */
MUST_USE bool resolver_open_at(const char *servers, struct resolver *out);

void resolver_close(struct resolver *resolver);

/* A look-up that is waited for together with others.  It stays where it is until it is done. */
struct lookup {
    bool done;
    int status; /* c-ares' own */
    struct addresses found;
};

enum { RESOLVER_WATCHES = 16 }; /* descriptors of a resolver at most */

struct resolver_watch {
    int fd;
    bool reading, writing;
};

/* resolver_begin begins one, which may be done at once: its servers are given some seconds in all.
   resolver_watches says what to wait for; resolver_take takes what is there of one of those,
   resolver_tick what time has brought, and says when to be called again. */
void resolver_begin(const struct resolver *resolver, const char *host, const char *port,
                    struct lookup *lookup);
size_t resolver_watches(const struct resolver *resolver,
                        struct resolver_watch watches[RESOLVER_WATCHES]);
void resolver_take(const struct resolver *resolver, const struct resolver_watch *ready);
int64_t resolver_tick(const struct resolver *resolver, int64_t now_ms);

/* lookup_fault: what is wrong with what came of it, static text; NULL when there is an address. */
const char *lookup_fault(const struct lookup *lookup);

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
