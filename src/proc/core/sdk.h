/* sdk.h - the peer of profile sdk-v1: clients of the public Challenge SDK that get a session over
   HTTP (channel/sdk_bootstrap.h).  Front has read what they send and has the keys; core gives out
   the nonces, has the evidence judged under sdk.policy, and grants.

   A client, from its evidence to the end of its session:

       WAITS --a place at verify--> JUDGED --allowed--> GRANTS --durable--> OPEN
         \__________________________/\__ denied: refused     \__ not: refused

   The evidence binds a nonce and no key, so whoever stands between a genuine client and its house
   can have the session in its place.  That is what *unbound* means, and nothing of worth is given
   to such a session.  Its evidence is still judged again, as that of a channel is (links.h), and
   the session ends when the answer is no; it ends with front, who has its key, and with core. */
#ifndef WARD_PROC_CORE_SDK_H
#define WARD_PROC_CORE_SDK_H

#include "channel/sdk_challenge.h"
#include "ipc/door.h"
#include "proc/messages.h"
#include "proc/peer.h"

enum {
    SDK_NONCES_MAX = 4096,  /* that were given out and are not used; the oldest gives way */
    SDK_WAITING_MAX = 32,   /* clients that have no session yet */
    SDK_ADDRESS_SHARE = 16, /* of clients with and without a session, of one address */
    SDK_AT_ONCE = 1,        /* at verify, of the four that it judges */
    SDK_FIRST_MS = 15000,   /* from front's question to verify's answer: clients wait for 20 s */
    SDK_AGAIN_MS = 1000,    /* before a judge that could not be had is asked again */
    SDK_DOUBT_MS = 60000,   /* so long a session stays without a judge */
    SDK_LOOK_MS = 10000,    /* between two looks at what ends by its time */
    SDK_POST_MS = 1000,     /* between two logs, or two results, of a session */
    SDK_POSTS_SECOND = 16,  /* such records in a second, of all sessions */
    SDK_POSTS_MAX = 64,     /* that wait for the log */
};

enum sdk_client_state {
    SDK_CLIENT_FREE = 0,
    SDK_CLIENT_WAITS,
    SDK_CLIENT_JUDGED,
    SDK_CLIENT_GRANTS,
    SDK_CLIENT_OPEN
};

struct sdk_client {
    enum sdk_client_state state;
    uint32_t generation; /* of this row */
    uint64_t front_id;   /* of front's question */
    uint64_t question;   /* of ours, to verify; 0: none */
    uint64_t order;      /* of waiting: the lowest is next */
    int64_t until_ms;    /* WAITS, JUDGED: refused then */
    int64_t ends_s;      /* OPEN: by the clock of sessions */
    uint64_t epoch;      /* of what the question was asked with */
    bool due;            /* OPEN: to be judged again, */
    int64_t since_ms;    /* since then; 0: not yet seen */
    int64_t due_ms;      /* not before */
    int64_t doubt_ms;    /* since when nobody could judge it; 0: it has a verdict */
    uint8_t key[32];     /* that its requests are signed with */
    uint8_t report_data[SDK_REPORT_DATA];
    uint8_t address[16], trace[16];
    uint8_t session[32];  /* OPEN: the digest that ends it */
    int64_t posted_ms[2]; /* OPEN: of the last log and the last result; 0: none */
    int64_t valid_until;  /* seconds since 1970: of what it was judged with */
    uint32_t block;       /* of its evidence, the first; 0: none */
    uint32_t evidence_len, log_len;
};

/* A log or a result whose record is on its way. */
struct sdk_waiting {
    uint64_t id; /* of our question to audit; 0: free */
    uint64_t front_id;
    int64_t until_ms;
    uint8_t digest[32]; /* of the body */
};

struct core_sdk {
    struct span policy; /* none: the profile is not served */
    bool policy_is_bad; /* so the last verdict says */
    struct sdk_nonces nonces;
    struct sdk_client clients[SDK_SESSIONS_MAX];
    uint32_t waiting, judged, open;
    uint64_t order;
    uint64_t epoch; /* of what evidence is judged by: another one with each change */
    int64_t look_ms;
    struct sdk_waiting waits[SDK_POSTS_MAX];
    int64_t posts_ms;      /* when a second of posts began, */
    uint32_t posts_logged; /* and how many there were in it */
};

struct core;
struct store_session;

/* core_sdk_open makes room, before the jail. */
MUST_USE
bool core_sdk_open(struct core *core);
MUST_USE
rc core_on_sdk_challenge(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_sdk_attest(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_sdk_evidence(struct trail *trail, void *core, struct call *call);

MUST_USE
rc core_on_sdk_post(struct trail *trail, void *core, struct call *call);

/* sdk_posted: the answer to a record; false when it is another's.  sdk_posts_step gives up what was
   not logged in time; says when to be called again.  sdk_posts_peer: as sdk_peer. */
bool sdk_posted(struct core *core, uint64_t id, bool logged, uint64_t seq);
int64_t sdk_posts_step(struct core *core, int64_t now_ms);
void sdk_posts_peer(struct core *core, enum peer peer);

/* sdk_step does what is due; says when to be called again. */
int64_t sdk_step(struct core *core, int64_t now_ms);

/* sdk_look_again: what evidence is judged by has changed. */
void sdk_look_again(struct core *core);

/* sdk_peer: the channel to a peer is another one, or closed. */
void sdk_peer(struct core *core, enum peer peer);

/* sdk_client_of: the client whose session this is; NULL: none is here.  sdk_session_ended: it is
   over, by whatever. */
struct sdk_client *sdk_client_of(struct core *core, const uint8_t token[32]);
bool sdk_has_session(const struct core *core, const uint8_t token[32]);
void sdk_session_ended(struct core *core, const uint8_t token[32]);

#endif
