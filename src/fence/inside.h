/* inside.h - the parts of the process; for its own files. */
#ifndef WARD_FENCE_INSIDE_H
#define WARD_FENCE_INSIDE_H

#include <netinet/in.h>

#include "codec/client_hello.h"
#include "codec/dns.h"
#include "fence/fence.h"
#include "net/dial.h"
#include "sandbox/refusal.h"
#include "sandbox/use.h"

enum { FENCE_RACED_MOST = 2 }; /* addresses of a host that are tried beside one another */

/* What a descriptor is to the poller: its kind, whose it is, and which of several. */
enum token_kind {
    TOKEN_SOCKET = 1, /* one of those that were handed in */
    TOKEN_JOB,        /* a connection, on the job's side, */
    TOKEN_FAR,        /* on the other, */
    TOKEN_RACE,       /* and while it is tried */
    TOKEN_FLOW,       /* datagrams, on the other side */
    TOKEN_ASTRAY,     /* packets that go to nobody */
    TOKEN_OVERHEARD,  /* and those that the kernel refuses */
};

static inline uint64_t token_of(enum token_kind kind, size_t index, size_t which)
{
    return (uint64_t)kind << 48 | (uint64_t)index << 16 | which;
}

/* --- far.c: the way to a host ----------------------------------------------------------------- */

enum far_state { FAR_NONE = 0, FAR_NAME, FAR_FOUND, FAR_FAILED };

/* Where it leads: asked for, and judged.  It stays where it is while it is asked for. */
struct far {
    enum far_state state;
    struct lookup lookup;
    struct addresses found; /* those alone that it may lead to, with the port */
    struct address inside;  /* one that it may not, */
    bool is_inside;         /* if there was any */
};

/* --- way.c: one direction of a connection -------------------------------------------------------
 */

enum { FENCE_PIPES = 16 }; /* directions at once whose bytes the kernel moves by itself */

/* What was read and is not written yet. */
struct way {
    uint8_t *at; /* FENCE_HELD */
    size_t from, to;
    struct fence_pipe *pipe; /* by which bytes pass that nobody has to look at; NULL: by `at` */
    bool much;               /* the last read filled `at` */
    bool ended;              /* nothing more is read */
    bool passed;             /* and the other side was told */
    uint64_t moved;          /* bytes that were read or written */
};

struct fence_pipe {
    int out, in;
    size_t held;
    bool used;
};

/* --- link.c: one connection ------------------------------------------------------------------- */

enum { LENT_ALL = FENCE_HELD + 1 };

enum link_state {
    LINK_FREE = 0,
    LINK_NAMES,  /* to the name server */
    LINK_HELLO,  /* nothing goes out, and nowhere is connected to, before it is known what it is */
    LINK_OPENS,  /* the host is looked for; what the job says first is still judged */
    LINK_RACES,  /* and connected to */
    LINK_PASSES, /* bytes go both ways */
    LINK_DEAD,   /* closed, but for a name that is still asked for */
};

/* What is listened for. */
enum listening {
    LISTEN_HELLO = 0, /* what the job begins with: nothing of it goes on */
    LISTEN_SERVER,    /* its hello went on, and nothing behind it: the server may ask again */
    LISTEN_AGAIN,     /* it did: the next hello is judged as the first was */
    LISTEN_NO_MORE,
};

struct link {
    enum link_state state;
    enum listening listens;
    size_t lent; /* so many of the bytes that are held may go on; LENT_ALL: and what follows */
    int job, other;
    const struct reach_name *name;
    struct job_port port;
    struct way out, in; /* from the job, to the job */
    struct far far;
    struct race race;
    size_t raced;        /* attempts that are waited for */
    uint64_t moved;      /* both ways, when time was last counted anew */
    unsigned watched[2]; /* what each side is waited for: WATCH_ */
    int64_t until_ms;
};

/* --- flow.c: datagrams of one sender to one host ---------------------------------------------- */

struct flow {
    bool used;
    int other;
    size_t socket; /* that it came by */
    const struct reach_name *name;
    struct sockaddr_in6 from;
    struct in6_addr to;
    struct far far;
    uint8_t *held; /* FENCE_DATAGRAM_MAX: the first, while the name is asked for */
    size_t held_len;
    int64_t until_ms;
};

/* --- all of it -------------------------------------------------------------------------------- */

struct fence {
    struct arena arena;
    char servers[JOB_LIST_MAX * (ADDRESS_TEXT_ROOM + 8)]; /* of names, in a resolver's words */
    const struct sandbox_fence *given;
    struct reach *reach;
    int poller;
    struct resolver resolver;
    int64_t now_ms, ticked_ms;
    uint8_t *held;  /* 2 * FENCE_HELD of each link, */
    uint8_t *first; /* FENCE_DATAGRAM_MAX of each flow */
    struct link *links;
    size_t most;    /* of them that may be: fewer than there are where descriptors are few */
    size_t linked;  /* that are not free */
    size_t opening; /* of them and of the flows that wait for a name or a connection */
    bool full;      /* connections are not accepted */
    struct fence_pipe pipes[FENCE_PIPES];
    struct flow *flows;
    int64_t second_ms; /* questions are counted from here */
    unsigned questions;
    struct refusals refusals;
    uint32_t told[REFUSALS_ROOM], told_more;
    struct learn_uses uses; /* nothing where nobody learns of them */
    size_t uses_told;       /* the first of them */
    uint8_t hello[CLIENT_HELLO_MAX];
};

/* loop.c.  fence_open makes a fence of zeros ready, and gives words where it cannot be had; what it
   takes stays taken until the process ends.  fence_turn does what is to be done, and waits for a
   moment where nothing is: false when it has to end. */
const char *fence_open(struct fence *fence, const struct sandbox_fence *given);
bool fence_turn(struct fence *fence);

/* tell.c.  refuse counts what was refused, refuse_at what went to an address that nobody has, or to
   a port that whoever has it may not be reached on; refusals_tell tells what has not been told, all
   of it or what is new. */
void refuse(struct fence *fence, const struct reach_refusal *what);
void refuse_at(struct fence *fence, const struct address *to, struct job_port port);
void refusals_tell(struct fence *fence);

/* used notes that a name was asked for (port 0; NULL is localhost) or is let through on a port, for
   a run that learns; uses_tell tells what has not been told.  fence_tell_rest is for the end: what
   is left of both, and that nothing is. */
void used(struct fence *fence, const struct reach_name *name, struct job_port port);
void uses_tell(struct fence *fence);
void fence_tell_rest(struct fence *fence);

/* names.c.  names_answer answers one message: the length of the answer, 0 for silence. */
size_t names_answer(struct fence *fence, struct span message, uint8_t out[DNS_MESSAGE_MAX]);

/* far.c */
void far_begin(struct fence *fence, struct far *far, const struct reach_name *name,
               struct job_port port);
/* Goes on when the name is known: true when it is FAR_FOUND or FAR_FAILED. */
bool far_step(struct fence *fence, struct far *far, struct job_port port);

/* way.c.  way_read and way_write are false when the connection is broken.  way_read reads what
   there is room for; `is_free`: nobody has to look at it any more, and where it is much it passes
   by a pipe, if one is left.  way_write writes at most so many bytes of what is held, and tells the
   end behind the last of them.  way_end gives back its pipe. */
bool way_read(struct fence *fence, struct way *way, int fd, bool is_free);
bool way_write(struct way *way, int fd, size_t most);
bool way_has_room(const struct way *way);
bool way_holds(const struct way *way);
void way_end(struct way *way);

/* link.c */
void link_accept(struct fence *fence, size_t socket);
void link_step(struct fence *fence, struct link *link);
/* link_raced: poll has something to say of one of its attempts. */
void link_raced(struct fence *fence, struct link *link, size_t attempt);
void link_tick(struct fence *fence, struct link *link);
void link_watch_sockets(struct fence *fence);

/* astray.c */
void astray_take(struct fence *fence);
void overheard_take(struct fence *fence);

/* flow.c */
void flow_take(struct fence *fence, size_t socket);
void flow_answer(struct fence *fence, struct flow *flow);
void flow_tick(struct fence *fence, struct flow *flow);

#endif
