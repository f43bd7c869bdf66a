/* guard.h - which process may ask the keeper for what with which key.

   One table (guard.c): who asks, the key's role, the operation, the form that the payload
   must have, and how often.  What is not in it is refused.  A key is never used on bytes that
   somebody calls a certificate or a handshake: the bytes themselves must be exactly that, and
   nothing else at the same time.

   Who asks, and for which key its channel was made, are known to the keeper from the
   descriptor that the request came through, never from the request. */
#ifndef WARD_GUARD_GUARD_H
#define WARD_GUARD_GUARD_H

#include "guard/payload.h"
#include "model/key.h"
#include "model/reason.h"

enum guard_peer {
    GUARD_NOBODY = 0,
    GUARD_FRONT,
    GUARD_CORE,
    GUARD_AUDIT,
    GUARD_VERIFY,
    GUARD_TEE,
    GUARD_PEER_COUNT
};

enum guard_operation {
    GUARD_NOTHING = 0,
    GUARD_SIGN,
    GUARD_MAC,   /* makes a MAC: the answer is as good as a token */
    GUARD_CHECK, /* compares a MAC: the answer is yes or no */
    GUARD_OPERATION_COUNT
};

struct guard_rule {
    enum guard_peer peer;
    enum key_role role;
    enum guard_operation operation;
    enum payload_kind payload;
    bool bound;          /* only with the key that the channel was made for */
    uint32_t per_second; /* how often, evenly */
    uint32_t burst;      /* and how many of them at once */
};

enum {
    GUARD_RULES = 8,
    GUARD_SKEW_S = 5,      /* how old what is signed of a miner may be, and how far ahead of now */
    GUARD_RESULT_S = 3600, /* how long ago a job may have ended whose result is signed */
};

/* guard_rules is the table, for those who print it. */
const struct guard_rule *guard_rules(void);

const char *guard_peer_name(enum guard_peer peer);
const char *guard_operation_name(enum guard_operation operation);

/* How often one channel has asked: one per channel, {0} when it is made. */
struct guard {
    int64_t due[GUARD_RULES]; /* microseconds: when the rule's account is empty again */
};

struct guard_request {
    enum guard_peer peer;
    struct span bound; /* id of the key that the channel was made for; empty: for none */
    enum key_role role;
    struct span key; /* id of the key that is asked for */
    enum key_state state;
    enum guard_operation operation;
    struct span payload;
    struct span ca_point; /* public key of the CA that is asked to sign, else empty */
    struct span origin;   /* the log's own name, which its checkpoints and tokens must bear */
    int64_t now;          /* seconds since 1970, which a token or a request must be of */
    struct job_result_room *room; /* to read a result in; NULL: nothing is one */
};

/* guard_check decides.  now_us: a clock that does not go back.  Refusals, in this order:
   GUARD_NOT_PERMITTED, GUARD_KEY_NOT_BOUND, GUARD_KEY_RETIRED, GUARD_PAYLOAD_UNKNOWN,
   GUARD_PAYLOAD_AMBIGUOUS, GUARD_PAYLOAD_KIND, GUARD_PAYLOAD_ORIGIN, GUARD_PAYLOAD_TIME,
   GUARD_RATE; GUARD_KEY_NOT_BOUND also for a token or a result that names another key than the one
   that is to sign it.  A refusal counts as nothing asked, and leaves *out untouched. */
MUST_USE
rc guard_check(struct trail *trail, struct guard *guard, const struct guard_request *request,
               int64_t now_us, struct payload *out);

#endif
