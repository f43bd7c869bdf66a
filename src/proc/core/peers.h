/* peers.h - the peers of ward.toml, which the house calls, each on its way from one state to the
   next:

       WAITS --its time has come--> DIALS --front has the socket--> GREETS --open--> OPEN
         ^                            |                               |               |
         '------- refused, late ------'------- refused, late ---------'----- over ----'

   Dial connects, front has TLS, the WebSocket and the channel; core says when.  After a failure a
   peer is called again in 1 second, then 2, 4 .. up to 30; one that was open for a while begins
   with 1 again.  In each state one answer is waited for, named by the number of core's own
   question: what comes late or from an earlier try is nothing.  A peer without a url is never
   called: it is a challenge, and in NONE. */
#ifndef WARD_PROC_CORE_PEERS_H
#define WARD_PROC_CORE_PEERS_H

#include "base/arena.h"
#include "ipc/door.h"
#include "model/reason.h"
#include "proc/messages.h"
#include "proc/peer.h"
#include "proc/settings.h"

enum {
    PEERS_AGAIN_MS = 1000,          /* before the first try after a failure; doubled each time */
    PEERS_AGAIN_LONGEST_MS = 30000, /* and no longer than this */
    PEERS_STEADY_MS = 10000,        /* open for so long: the next failure is a first again */
    PEERS_DIAL_MS = 10000,          /* for dial to connect, a channel or a request */
    PEERS_ANSWER_MS = 2000,         /* more, for it to say so */
    PEERS_GREET_MS = 45000,         /* for TLS, the WebSocket and the channel's handshake */
};

enum peering { PEERING_WAITS = 0, PEERING_DIALS, PEERING_GREETS, PEERING_OPEN, PEERING_NONE };

/* How the last request to a peer's public routes went. */
struct core_public {
    enum reason reason; /* REASON_OK: an answer came back; REASON_NONE: there was no request */
    bool is_recorded;   /* this failure, once for as long as it stays */
    uint32_t detail_len;
    char detail[DIALED_DETAIL_MAX]; /* printable ASCII */
};

struct core_peer {
    enum peering state;
    uint64_t id;        /* of our question; 0: none */
    int64_t due_ms;     /* WAITS: when it is called; DIALS, GREETS: when that is over */
    int64_t since_ms;   /* OPEN: monotonic */
    int64_t since;      /* of the state, seconds since 1970 */
    uint32_t failures;  /* in a row */
    uint64_t opened;    /* times */
    enum reason reason; /* of the last end; REASON_NONE: there was none */
    struct span policy; /* its own, for as long as the process lives; none: that of all */
    uint32_t detail_len;
    char detail[DIALED_DETAIL_MAX]; /* printable ASCII */
    struct core_public public;
};

struct core_peers {
    struct core_peer rows[SETTING_PEERS_MAX];
};

struct core;

/* core_peers_open reads the peers' policies, before the jail.  False: they cannot be read. */
MUST_USE
bool core_peers_open(struct core *core);

/* peers_is_met: this one was called and is on its way to be open, in version 2 of the channel;
   peers_is_met_sdk: in profile sdk-v1.  peers_has_policy: it has one of
   its own; who is no peer has none. */
bool peers_is_met(const struct core *core, size_t peer);
bool peers_is_met_sdk(const struct core *core, size_t peer);
bool peers_has_policy(const struct core *core, size_t peer);

/* peers_step calls those whose time has come; says when to be called again. */
int64_t peers_step(struct core *core, int64_t now_ms);

MUST_USE
rc core_on_dialed(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_outward(struct trail *trail, void *core, struct call *call);

/* peers_peer: the channel to dial or front is another one, or closed. */
void peers_peer(struct core *core, enum peer gone);

/* peers_are_open: all that are called are. */
bool peers_are_open(const struct core *core);

/* peers_keep_detail keeps text of another process: what could talk to a terminal is gone. */
uint32_t peers_keep_detail(char out[DIALED_DETAIL_MAX], struct span detail);

/* peer_again_ms: how long after so many failures in a row. */
int64_t peer_again_ms(uint32_t failures);

struct request;
enum reason core_peers_list(struct core *core, const struct request *request, struct arena *scratch,
                            struct sink *answer);

const char *peering_name(enum peering state);

#endif
