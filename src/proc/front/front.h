/* front.h - the process that talks to strangers: sockets, TLS and HTTP.  It opens no file,
   connects to nobody, and holds no key that lasts.

   A connection that waits for a request holds its struct and OpenSSL's, nothing else.  From
   the first byte of a request to the last of its answer it borrows a `work`; when all are
   lent, it waits with its bytes in the kernel. */
#ifndef WARD_PROC_FRONT_H
#define WARD_PROC_FRONT_H

#include "admit/admit.h"
#include "admit/pace.h"
#include "http/http1.h"
#include "http/problem.h"
#include "net/tls.h"
#include "os/poller.h"
#include "proc/house.h"
#include "proc/routes.h"

enum {
    FRONT_WORKS_MAX = 64,          /* requests under way at once */
    FRONT_IN_MAX = 32 << 10,       /* bytes read and not understood yet */
    FRONT_BODY_MAX = 64 << 10,     /* bytes of a request's body */
    FRONT_OUT_MAX = 512 << 10,     /* bytes of an answer with its head */
    FRONT_SCRATCH_MAX = 384 << 10, /* for reading a request, and as much for an answer */
    FRONT_ANSWER_MAX = 448 << 10,  /* bytes of an answer's body */
    FRONT_CHAIN_MAX = 16 << 10,    /* bytes of all certificates of our own */
    FRONT_SWEEP_MS = 250,          /* how often the deadlines are looked at */
    FRONT_KEEPER_MS = 2000,        /* for the keeper to sign a handshake */
    FRONT_ACCEPT_MAX = 64,         /* connections taken in one wake-up */
};

/* What a request borrows. */
struct work {
    struct work *next; /* in the list of those that are free */
    struct http1_room room;
    void *room_memory;
    uint8_t *in;
    size_t in_len;
    struct sink body;
    struct sink out;
    size_t sent;   /* of out */
    void *scratch; /* twice FRONT_SCRATCH_MAX */
    uint8_t *answer;
    struct route_match match;
    struct trace trace;
};

enum connection_phase {
    CONNECTION_FREE = 0,
    CONNECTION_HANDSHAKE,
    CONNECTION_READING, /* between requests, or in one */
    CONNECTION_WAITING, /* core has the request */
    CONNECTION_ANSWERING,
};

struct connection {
    int fd;
    enum connection_phase phase;
    bool owner;            /* over the owner's socket, and it is the owner */
    bool local;            /* over the owner's socket */
    bool reading, writing; /* what the poller was told */
    bool starved;          /* wants a work */
    uint32_t generation;   /* of this slot: an answer for an earlier life finds nobody */
    struct tls *tls;       /* NULL: plain, over the owner's socket */
    struct http1 http;
    struct work *work;
    struct conn counted;
    struct pace pace;
    struct address peer;
    int64_t answer_ms; /* WAITING: by when core must have answered */
};

/* What `/metrics` and the log will want to know. */
struct front_counts {
    uint64_t accepted, refused, handshakes, requests, failures;
};

struct front {
    struct house *house;
    int poller;
    struct tls_library *library;
    struct tls_server *server; /* NULL as long as the keeper has not given the chain */
    struct connection *connections;
    uint32_t connection_count;
    uint32_t *vacant; /* a stack of free slots */
    uint32_t vacant_count;
    struct work *free_works;
    struct conn_table conns;
    struct admit_table connects, requests;
    struct admit admit;
    struct pace_limits pace;
    int64_t swept_ms;
    bool chain_wanted; /* the keeper is new: its key may be another */
    struct front_counts counts;
};

/* connection.c */
void front_accept(struct front *front, bool owner);
void front_ready(struct front *front, const struct poller_event *event);
void front_close(struct front *front, struct connection *connection);
void front_sweep(struct front *front, int64_t now_ms);
struct connection *front_find(struct front *front, uint64_t token);
uint64_t front_token(const struct front *front, const struct connection *connection);

/* front_move does whatever can be done for a connection now: read, answer, write. */
void front_move(struct front *front, struct connection *connection);

/* exchange.c */

/* exchange_next takes the next step of a request from what was read; false when more bytes, an
   answer or the peer are waited for. */
bool exchange_next(struct front *front, struct connection *connection);

/* exchange_ended: the peer sends no more. */
void exchange_ended(struct front *front, struct connection *connection);

/* exchange_refuse answers with a reason. */
void exchange_refuse(struct front *front, struct connection *connection, enum reason reason,
                     struct span detail);

/* exchange_reply is the door for core's answers. */
MUST_USE
rc exchange_reply(struct trail *trail, void *front, struct call *call);

/* exchange_core_gone answers all who wait for core. */
void exchange_core_gone(struct front *front);

/* refusal.c: core hears of a request that was the owner's alone, for the log. */
void refusal_tell(struct front *front, const struct connection *connection);

/* chain.c */

/* chain_fetch asks the keeper for its certificates and makes the server of them. */
MUST_USE
rc chain_fetch(struct trail *trail, struct front *front);

#endif
