/* miner.h - judges a MinerToken: who signed it, for which challenge and route, and for when.

   Pure.  What it cannot know is whether the token was used before: that is asked last, of the
   store, with what a good token says (struct miner), so that a bad token uses nothing up. */
#ifndef WARD_TOKEN_MINER_H
#define WARD_TOKEN_MINER_H

#include "codec/miner_token.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "model/key.h"
#include "model/reason.h"
#include "token/miner_list.h"

/* A key that signs tokens, or has signed some. */
struct miner_key {
    uint8_t id[KEY_ID];
    uint8_t public_part[ED25519_PUBLIC];
    int64_t retired; /* when it stopped signing, seconds since 1970; 0: it signs */
};

struct miner_rules {
    const struct miner_key *keys;
    size_t key_count;
    struct span issuer;
    struct span audience;            /* the challenge that is asked for */
    struct span route;               /* and its public route */
    const struct miner_list *miners; /* who is let in; NULL: every miner with a token */
    int64_t now;                     /* seconds since 1970 */
};

/* What a good token says.  The spans view the token's text and room. */
struct miner {
    struct span hotkey;
    struct span job; /* empty: none */
    struct span use; /* its jti, for the log */
    uint32_t uid;
    int64_t until;                /* the second at which it is over */
    uint8_t identity[SHA256_LEN]; /* of the miner: whose share a use is */
    uint8_t once[SHA256_LEN];     /* of this token: what is used up by its use */
};

/* miner_judge reads the whole text and judges it.  `room` has MINER_ROOM bytes.  Refusals, in
   this order, leave *out untouched: MINER_TOKEN_MALFORMED or MINER_TOKEN_ALGORITHM,
   MINER_TOKEN_KEY, MINER_TOKEN_SIGNATURE, MINER_TOKEN_ISSUER, MINER_TOKEN_AUDIENCE,
   MINER_TOKEN_EARLY, MINER_TOKEN_EXPIRED, MINER_TOKEN_SCOPE, MINER_UNKNOWN. */
MUST_USE
rc miner_judge(struct trail *trail, struct span text, const struct miner_rules *rules,
               struct sink *room, struct miner *out);

#endif
