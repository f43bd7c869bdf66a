/* fence.h - the process between a job and the hosts that it may reach.  It answers the names that
   are allowed, takes the connections and datagrams that go to their addresses, looks what they are,
   resolves the name itself and passes bytes on.  It has no file, no right, and no user that another
   process has: what takes it over can reach what it could reach, and tell lies of refusals. */
#ifndef WARD_FENCE_FENCE_H
#define WARD_FENCE_FENCE_H

#include "sandbox/fence.h"

enum {
    FENCE_LINKS_MAX = 128,      /* connections at once; further ones wait */
    FENCE_FLOWS_MAX = 64,       /* pairs of a sender and a host over UDP; the oldest is forgotten */
    FENCE_HELD = 32 << 10,      /* bytes of a connection and direction that are held */
    FENCE_DATAGRAM_MAX = 4096,  /* bytes of a datagram; longer ones are lost */
    FENCE_QUESTIONS_MAX = 2000, /* of names in a second; further ones are lost */
    FENCE_HELLO_MS = 10000,     /* for what TLS begins with */
    FENCE_NAME_MS = 10000,      /* for a name server's answer, */
    FENCE_CONNECT_MS = 15000,   /* and then for a connection */
    FENCE_IDLE_MS = 600000,     /* of a connection on which nothing goes either way */
    FENCE_FLOW_MS = 60000,      /* the same over UDP */
    FENCE_REST_MS = 800, /* at its end, for a reader of what is still to be told; shorter than
                            anybody waits for that end (BESIDE_STOP_MS) */
};

/* fence_live is the process: a sandbox_fence_fn. */
int fence_live(const struct sandbox_fence *given);

#endif
