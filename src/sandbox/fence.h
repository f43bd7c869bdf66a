/* fence.h - the fence of a job, between who makes its sockets and who serves them.

   The supervisor makes them in the job's network, where nothing is but a loopback: on 127.0.0.1 and
   ::1 a name server, and at all addresses one for each port that something may be reached on; and a
   device for what goes elsewhere, so that whoever runs the job is told, and the job too.  They are
   served by a process of its own in the network outside, which has nothing else (src/fence): it
   knows by the address that a connection came to which name was meant. */
#ifndef WARD_SANDBOX_FENCE_H
#define WARD_SANDBOX_FENCE_H

#include <sys/types.h>

#include "job/reach.h"

enum {
    FENCE_NAMES_PORT = 53, /* of the name server */
    FENCE_SOCKETS_MOST = REACH_PORTS_MAX + 4,
};

/* Of IPv6, which carries IPv4 as well.  One for UDP tells where a datagram was sent. */
struct fence_socket {
    int fd;
    struct job_port port;
};

struct fence_sockets {
    struct fence_socket at[FENCE_SOCKETS_MOST];
    size_t count;
    int astray;    /* packets to addresses that are nobody's, and where their answers go */
    int overheard; /* packets that tell what is refused on the loopback (netns_overhear) */
};

/* fence_sockets_open makes them in the caller's network, which is that of the job.  After a failure
   those that were made are there to be closed. */
MUST_USE
rc fence_sockets_open(struct trail *trail, const struct reach *reach, struct fence_sockets *out);
void fence_sockets_close(struct fence_sockets *sockets);

struct sandbox_fence {
    struct reach *reach;
    const struct fence_sockets *sockets;
    int refusals; /* a pipe, for records of refusal.h, */
    int uses;     /* and one for those of use.h; -1: nobody learns of them */
    int ready;    /* for one byte, 0, when it is confined; or words that say why it is not */
    int stop;     /* readable when it has to end */
    uid_t user;   /* nobody else's, and the group too */
};

/* The process: called in a child of the supervisor's, it serves until it is stopped, and gives what
   the child exits with. */
typedef int sandbox_fence_fn(const struct sandbox_fence *fence);

#endif
