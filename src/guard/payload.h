/* payload.h - what a long-term key of Ward may be used on: seven forms, each exact.

   Bytes are recognised by their form alone, never by what somebody says they are.  No bytes
   have two of these forms: they differ in their first byte or in the bytes they may contain
   (a checkpoint has line ends, a token has none; a certificate begins with 30 82 or 30 81,
   a handshake with 20; the header of a token names HS256, those of a miner's token and of a result
   EdDSA and each its own type; only the request of a miner has spaces in its first line).  What has
   none, or were ever found to have two, is not signed. */
#ifndef WARD_GUARD_PAYLOAD_H
#define WARD_GUARD_PAYLOAD_H

#include "codec/job_result.h"
#include "codec/miner_token.h"
#include "guard/certificate.h"
#include "model/key.h"

enum payload_kind {
    PAYLOAD_NONE = 0,
    PAYLOAD_TLS_SERVER,  /* RFC 8446 4.4.3, the content that a TLS 1.3 server signs */
    PAYLOAD_CHECKPOINT,  /* C2SP tlog-checkpoint: the body of a signed note */
    PAYLOAD_CERTIFICATE, /* a leaf of Ward's CA (certificate.h) */
    PAYLOAD_TOKEN,       /* RFC 7515 5.1, the signing input of a compact JWS with HS256 */
    PAYLOAD_MINER,       /* and that of a miner's token (codec/miner_token.h) */
    PAYLOAD_VERIFIED, /* a miner's request that the house vouches for (codec/verified_request.h) */
    PAYLOAD_RESULT,   /* RFC 7515 5.1 of a job's result (codec/job_result.h) */
    PAYLOAD_KIND_COUNT
};

enum {
    PAYLOAD_MAX = 8192,     /* of any but a result */
    TLS_SERVER_PREFIX = 98, /* then the transcript's hash: 32 or 48 bytes */
    CHECKPOINT_ORIGIN_MAX = 255,
    CHECKPOINT_ROOT = 32,
    TOKEN_INPUT_MAX = 4096
};

/* The body of a checkpoint: three lines, "origin\n" "size\n" "base64 root\n", and no
   extension lines.  The origin is visible ASCII without '+'; the size is below 2^63, in
   decimal without leading zeros. */
struct checkpoint_body {
    struct span origin;
    uint64_t size;
    uint8_t root[CHECKPOINT_ROOT];
};

/* What a miner's token says of who signs it and when. */
struct miner_input {
    uint8_t key[KEY_ID];
    int64_t issued;
    size_t issuer_len;
    uint8_t issuer[MINER_ISSUER_MAX];
};

/* And a request of a miner's. */
struct verified_input {
    uint8_t key[KEY_ID];
    int64_t at;
};

/* And a result of a job's. */
struct result_input {
    uint8_t key[KEY_ID];
    int64_t ended;
};

struct payload {
    enum payload_kind kind;
    struct span transcript_hash;       /* PAYLOAD_TLS_SERVER */
    struct checkpoint_body checkpoint; /* PAYLOAD_CHECKPOINT */
    struct certificate certificate;    /* PAYLOAD_CERTIFICATE */
    struct miner_input miner;          /* PAYLOAD_MINER */
    struct verified_input verified;    /* PAYLOAD_VERIFIED */
    struct result_input result;        /* PAYLOAD_RESULT */
};

/* payload_kind_name: a word such as "checkpoint"; "unknown" for what is no kind. */
const char *payload_kind_name(enum payload_kind kind);

/* payload_kinds gives bit 1 << kind for every kind that the bytes are, and fills *out for
   them.  ca_point is the public key that certificates must name as their issuer's; with an
   empty one nothing is a certificate.  A result is read in `room`; without one nothing is a
   result. */
uint32_t payload_kinds(struct span bytes, struct span ca_point, struct job_result_room *room,
                       struct payload *out);

/* payload_single gives the kind when exactly one bit is set, and PAYLOAD_NONE otherwise. */
enum payload_kind payload_single(uint32_t kinds);

#endif
