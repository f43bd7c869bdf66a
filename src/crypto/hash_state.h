/* hash_state.h - a hash under way, for hash.c and hmac.c only: its size follows OpenSSL's
   headers, which no other room sees. */
#ifndef WARD_CRYPTO_HASH_STATE_H
#define WARD_CRYPTO_HASH_STATE_H

#include "crypto/hash.h"
#include "crypto/low.h"

struct hash_state {
    enum hash hash;
    union {
        SHA256_CTX narrow;
        SHA512_CTX wide; /* SHA-384 as well */
    } of;
};

/* hash_begin leaves a state of HASH_NONE inert: more and end then do nothing. */
void hash_begin(struct hash_state *state, enum hash hash);
void hash_more(struct hash_state *state, struct span part);

/* hash_end writes hash_len bytes.  The state keeps traces of the input: hmac wipes it. */
void hash_end(struct hash_state *state, uint8_t *out);

/* hash_block_len: 64 or 128; 0 for HASH_NONE. */
size_t hash_block_len(enum hash hash);

#endif
