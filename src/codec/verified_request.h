/* verified_request.h - the text by which the house vouches for a miner's request to a challenge
   (docs/wire.md): the house has seen a token that is good for it, and whose it was.

   One line each, a line end after every one:
       ward verified request v1
       hex id of the key that signs, CHALLENGE, METHOD, PATH, QUERY, hex SHA-256 of the body,
   seconds since 1970, the token's jti, the miner's hotkey, its uid, the job (empty: none) No part
   has a line end or a space in it, so one request has one text. */
#ifndef WARD_CODEC_VERIFIED_REQUEST_H
#define WARD_CODEC_VERIFIED_REQUEST_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

enum {
    VERIFIED_QUERY_MAX = 1024, /* bytes, as it is sent */
    VERIFIED_BODY_HASH = 32,
    VERIFIED_TEXT_MAX = 2048,
};

/* Where a challenge has its public routes. */
#define VERIFIED_PATH "/sdk/public/"

struct verified_request {
    struct span key_id; /* 32 hex digits */
    struct span challenge;
    struct span method; /* GET or POST */
    struct span route;  /* of the path: VERIFIED_PATH and this */
    struct span query;  /* without '?'; empty: none */
    uint8_t body_hash[VERIFIED_BODY_HASH];
    int64_t at;       /* seconds since 1970 */
    struct span once; /* the token's jti */
    struct span hotkey;
    uint32_t uid;
    struct span job; /* empty: none */
};

/* verified_request_is_good: every part has a form that it may have. */
bool verified_request_is_good(const struct verified_request *request);

/* verified_request_write writes the text, of one that is good. */
void verified_request_write(struct sink *out, const struct verified_request *request);

/* verified_request_read reads the whole text; what is read views it. */
MUST_USE
bool verified_request_read(struct span text, struct verified_request *out);

#endif
