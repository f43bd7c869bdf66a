/* door.h - the one way into a process: a table of the messages it takes, from whom, in which
   of its states, how big, with how many descriptors.  No row, no entry. */
#ifndef WARD_IPC_DOOR_H
#define WARD_IPC_DOOR_H

#include "ipc/channel.h"

/* A set of numbers below 32: peers, states.  A higher one is in no set. */
#define IN(n) (1u << (n))

/* A message that came through a door. */
struct call {
    struct channel *from; /* where an answer goes */
    uint16_t message;
    uint64_t id;
    struct cursor body;
};

/* A handler reads the body to its end or refuses it.  Its failure is judged by its class:
   RC_PEER as a malformed frame is, RC_BUG stops the process, the others were answered by
   the handler itself and go no further. */
struct door {
    uint16_t message;
    uint32_t peers;    /* IN(...) of who may send it */
    uint32_t states;   /* IN(...) of when */
    uint32_t min, max; /* bytes of body */
    unsigned fds;      /* descriptors that must come with it */
    rc (*handle)(struct trail *trail, void *process, struct call *call);
};

enum door_error {
    DOOR_E_NONE = 0x1401, /* no row for this message, peer and state */
    DOOR_E_SIZE,
    DOOR_E_FDS,
    DOOR_E_BODY, /* for handlers: the body is not what it should be */
};

/* The doors of one process, as they stand now. */
struct entrance {
    const struct door *doors;
    size_t count;
    unsigned state;
    void *process; /* given to the handlers */
};

/* door_open finds the row of a frame that came over the channel and calls it.  What has no
   row, or not this size, is refused with the class of the channel's trust. */
MUST_USE
rc door_open(struct trail *trail, const struct entrance *entrance, struct channel *from,
             const struct frame *frame);

/* door_fault is what a handler returns for a body that is no good. */
rc door_fault(struct trail *trail, const struct call *call, uint32_t number);

#endif
