/* cache.h - what one thread remembers of earlier verifications: that a signature over exact
   bytes was good under an exact key.  Such a fact holds for ever; what changes (dates,
   revocation, levels, policy) is judged anew for every evidence, and a verdict is never
   kept.  ADR 0007 says why that is enough.

   Plain memory of a fixed size, the caller's: {0} is an empty cache that remembers nothing
   until cache_remember says what it may.  One thread at a time. */
#ifndef WARD_ATTEST_CACHE_H
#define WARD_ATTEST_CACHE_H

#include "attest/pck.h"
#include "base/result.h"
#include "base/span.h"

/* What may be remembered. */
enum {
    CACHE_CA = 1 << 0,  /* intermediate certificates under a root; CRLs under their issuer; and
                           how the last good chain above a leaf reads */
    CACHE_PCK = 1 << 1, /* PCK certificates under an intermediate */
    CACHE_QE = 1 << 2,  /* quoting enclaves' reports, with the attestation key they vouch for */
    CACHE_ALL = CACHE_CA | CACHE_PCK | CACHE_QE,
};

enum { CACHE_SETS = 256, CACHE_WAYS = 4, CACHE_KEY_LEN = 32 };

struct dcap_cache {
    unsigned remembers; /* CACHE_ bits */
    uint8_t epoch[CACHE_KEY_LEN];
    uint8_t next[CACHE_SETS]; /* the way that is replaced next */
    uint8_t keys[CACHE_SETS][CACHE_WAYS][CACHE_KEY_LEN];
    struct pck_tail tail;
    uint64_t hits, misses; /* for benchmarks and statistics; nothing depends on them */
};

bool cache_is_sound(const struct dcap_cache *cache);

/* cache_remember sets what may be remembered and forgets everything. */
void cache_remember(struct dcap_cache *cache, unsigned what);

/* cache_enter forgets everything when the snapshot is another one than last time.  A NULL
   cache is fine here and below: it knows nothing. */
void cache_enter(struct dcap_cache *cache, const uint8_t epoch[CACHE_KEY_LEN]);

/* cache_key hashes a kind of fact (one of the CACHE_ bits) and the exact bytes it is about,
   each preceded by its length. */
void cache_key(unsigned what, const struct span *parts, size_t count, uint8_t key[CACHE_KEY_LEN]);

/* cache_wants tells whether it is of use to make the key of a fact. */
bool cache_wants(const struct dcap_cache *cache, unsigned what);

/* cache_knows tells whether a fact was put in.  cache_learn puts it in, in the place of an
   older one when the set is full; without effect when this kind is not remembered. */
bool cache_knows(struct dcap_cache *cache, unsigned what, const uint8_t key[CACHE_KEY_LEN]);
void cache_learn(struct dcap_cache *cache, unsigned what, const uint8_t key[CACHE_KEY_LEN]);

#endif
