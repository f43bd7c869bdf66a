/* dial.h - the process that connects front with the peers of ward.toml, when core asks for one of
   them by its number: for the channel with it, one at a time, or for one request of a miner, many
   at a time.  It resolves, connects, hands the connected socket over to front, and keeps
   nothing of it: it owns no key and no file, accepts nothing, and no byte of a peer passes here.

   Where it goes stands in the settings that it was started with: whoever asks can say which peer
   and when, not where.  A name is asked for anew each time, looked at, and what was looked at is
   what is connected to: a name must not lead to this machine or its own network unless that was
   set, and what is said in plain must not leave them. */
#ifndef WARD_PROC_DIAL_H
#define WARD_PROC_DIAL_H

#include "model/reason.h"
#include "net/dial.h"
#include "proc/house.h"
#include "proc/messages.h"
#include "proc/peer_text.h"

enum { DIAL_BESIDE = 4 }; /* addresses of one peer that are tried at once */

/* Where a peer is, or its public routes are, as far as that is known before it is asked for. */
struct target {
    bool is_set;
    struct url_origin origin;
    bool is_written;        /* its host is an address, or this machine */
    bool is_known;          /* that, or a name of /etc/hosts */
    struct addresses known; /* its addresses then */
    bool inward, outward;   /* where its name may lead */
};

/* What is under way: for the channel with each peer in its place, and for requests behind those. */
enum attempt_state { ATTEMPT_NONE = 0, ATTEMPT_NAME, ATTEMPT_RACE };
enum { DIAL_ATTEMPTS_MAX = SETTING_PEERS_MAX + PASSAGES_MAX };

struct attempt {
    enum attempt_state state;
    uint8_t peer;
    const struct target *target;
    uint64_t id;
    int64_t until_ms;
    struct race race;
    bool asking; /* its name: also after nobody waits for that any more */
    struct lookup lookup;
};

struct dial {
    struct house *house;
    struct resolver resolver;
    bool resolves; /* there are name servers */
    struct target channels[SETTING_PEERS_MAX], publics[SETTING_PEERS_MAX];
    struct attempt attempts[DIAL_ATTEMPTS_MAX];
};

/* How an attempt ended: REASON_OK with a socket that is the caller's. */
struct dialed {
    enum reason reason;
    const char *detail; /* static text */
    int fd;
};

/* call.c */

/* call_open takes all that is needed from settings and system, before the jail.  False: a peer's
   url is none, which settings that were judged do not have. */
MUST_USE
bool call_open(struct dial *dial, struct house *house);

/* call_vacancy: a place for a request's attempt at this peer; NULL: all are taken, or its share.
   call_begin begins one where none is under way, at a target that is set.  call_step does what is
   due, by the clock and by what the descriptors of call_watch have said to call_ready; true when
   the attempt is over.  *due: when it wants the next step. */
struct attempt *call_vacancy(struct dial *dial, uint8_t peer);
void call_begin(struct dial *dial, struct attempt *attempt, const struct target *target,
                int64_t until_ms);
MUST_USE
bool call_step(struct attempt *attempt, int64_t now_ms, struct dialed *out, int64_t *due);
void call_drop(struct attempt *attempt);

size_t call_watch(const struct dial *dial, struct house_watch *watches, size_t max);
void call_ready(struct dial *dial, const struct house_watch *watch);

#endif
