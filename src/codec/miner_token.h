/* miner_token.h - the text of a MinerToken (docs/wire.md): a compact JWS whose header and claims
   are in the form of RFC 8785, so that one token has one text.

       base64url(header) "." base64url(claims) "." base64url(signature)

   Reading says what stands there and has no opinion of it: whether it was signed, by whom, and
   for when is for token/ to judge, and for guard/ whether it may be signed. */
#ifndef WARD_CODEC_MINER_TOKEN_H
#define WARD_CODEC_MINER_TOKEN_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

enum {
    MINER_TOKEN_MAX = 2048, /* bytes of the whole text */
    MINER_TOKEN_SIGNATURE = 64,
    MINER_KEY_ID = 32, /* hex digits of a key's id */
    MINER_ISSUER_MAX = 128,
    MINER_SUBJECT_MIN = 32, /* a hotkey, in base58 */
    MINER_SUBJECT_MAX = 64,
    MINER_WORD_MAX = 64,          /* of a challenge, a job and a scope */
    MINER_USE = 22,               /* characters of a jti: 16 bytes in base64url */
    MINER_SCOPES_MAX = 8,         /* at least one */
    MINER_LIFE_MAX_S = 300,       /* from iat to exp */
    MINER_ROOM = MINER_TOKEN_MAX, /* bytes that what was read needs */
};

/* "*" among the scopes: every route. */
#define MINER_SCOPE_ALL "*"

struct miner_claims {
    struct span key_id;   /* kid, of the header */
    struct span audience; /* aud: the challenge's name */
    int64_t expires;      /* exp: it is over at this second */
    int64_t issued;       /* iat */
    struct span issuer;   /* iss: the name of the installation's log */
    struct span job;      /* job_id; empty: none */
    struct span use;      /* jti: of all that an issuer ever issues, this one's alone */
    int64_t not_before;   /* nbf */
    size_t scope_count;
    struct span scopes[MINER_SCOPES_MAX];
    struct span subject; /* sub: the miner's hotkey */
    uint32_t uid;
};

struct miner_token {
    struct miner_claims claims;
    struct span input; /* what is signed */
    uint8_t signature[MINER_TOKEN_SIGNATURE];
};

enum miner_form {
    MINER_MALFORMED = 0,
    MINER_ALGORITHM, /* a header with another algorithm than EdDSA */
    MINER_READ,
};

/* miner_claims_are_good: every value has a form that a token may have, and the dates are in
   their order: iat <= nbf < exp <= iat + MINER_LIFE_MAX_S. */
bool miner_claims_are_good(const struct miner_claims *claims);

/* miner_word_is_good: 1 to MINER_WORD_MAX letters, digits, '-' and '_', as of a challenge or a
   job. */
bool miner_word_is_good(struct span word);

/* miner_subject_is_good: a hotkey; miner_use_is_good: a jti; miner_key_id_is_good: the id of a key;
   miner_scope_is_good: a word, or
   MINER_SCOPE_ALL. */
bool miner_subject_is_good(struct span subject);
bool miner_use_is_good(struct span use);
bool miner_key_id_is_good(struct span key_id);
bool miner_scope_is_good(struct span scope);

/* miner_token_read reads a whole token.  What is read views the text and `room`, which has
   MINER_ROOM bytes and must live as long.  *out is untouched unless it is MINER_READ. */
MUST_USE
enum miner_form miner_token_read(struct span text, struct sink *room, struct miner_token *out);

/* miner_input_read reads what is signed: the token without the second dot and the signature. */
MUST_USE
enum miner_form miner_input_read(struct span input, struct sink *room, struct miner_claims *out);

/* miner_input_write writes it, of claims that are good. */
void miner_input_write(struct sink *out, const struct miner_claims *claims);

/* miner_token_end appends the signature to the input: then it is the token. */
void miner_token_end(struct sink *input, const uint8_t signature[MINER_TOKEN_SIGNATURE]);

#endif
