/* sdk.h - profile sdk-v1 over HTTP, as front has it: POST /attestation/challenge, POST /attest, and
   for whoever has a session by them sealed bodies of signed requests and POST /results/heartbeat,
   logs and submit (docs/wire.md).  What came is read here and goes to core in parts; the key of a
   session is made here, when core has granted it, and stays here. */
#ifndef WARD_PROC_FRONT_SDK_H
#define WARD_PROC_FRONT_SDK_H

#include "channel/sdk_bootstrap.h"
#include "crypto/hash.h"
#include "ipc/door.h"
#include "proc/messages.h"

struct front;
struct exchange;
struct http_call;
struct http_request;
struct route;

/* The key of a session, in the place that core names. */
struct sdk_place {
    bool used;
    uint8_t token[SHA256_LEN]; /* digest of its text */
    uint8_t key[AEAD_KEY];
};

struct front_sdk {
    struct sdk_place places[SDK_SESSIONS_MAX];
};

/* sdk_match makes a call of a request that no route of the table is for, where the profile is
   served and it is one of its own; else `reason` stays. */
enum reason sdk_match(const struct front *front, const struct http_request *request,
                      struct http_call *call, uint64_t *limit, enum reason reason);

/* sdk_ask reads such a call when it is whole and its body is open, and hands it on.  REASON_OK:
   core has it. */
enum reason sdk_ask(struct front *front, struct exchange *exchange);

/* sdk_status: what clients of the profile expect of this row instead of the reason's own status; 0:
   nothing. */
unsigned sdk_status(const struct route *route, enum reason reason);

/* sdk_asks_who: a call that is one of its own, and for whoever signs for a session. */
bool sdk_asks_who(const struct http_call *call);

/* sdk_may_be_sealed: the body of a signed request may be longer than what it says. */
bool sdk_may_be_sealed(const struct front *front, const struct http_call *call);

/* sdk_open opens the body of a signed request whose session has a key, into the arena.  What is no
   envelope stays as it came: core says no to it. */
enum reason sdk_open(struct front *front, struct exchange *exchange, struct arena *arena);

MUST_USE
rc sdk_on_challenged(struct trail *trail, void *front, struct call *call);
MUST_USE
rc sdk_on_posted(struct trail *trail, void *front, struct call *call);
MUST_USE
rc sdk_on_attested(struct trail *trail, void *front, struct call *call);
MUST_USE
rc sdk_on_over(struct trail *trail, void *front, struct call *call);

/* sdk_core_gone: no session is known to anybody any more. */
void sdk_core_gone(struct front *front);

#endif
