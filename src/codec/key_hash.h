/* key_hash.h - a 64-bit number for a name, so that two names of one object or table are found
   to be the same without comparing all with all.

   It is no secret and no signature: an attacker can make two names collide.  Whoever uses it
   therefore never searches on a collision: the names are compared once, and different names
   with one hash are refused like equal ones.  That bounds the time whatever the names are, and
   by chance it happens once in 2^64 pairs. */
#ifndef WARD_CODEC_KEY_HASH_H
#define WARD_CODEC_KEY_HASH_H

#include "base/span.h"

/* key_hash of a whole name; names of up to 8 bytes and one length never collide. */
uint64_t key_hash(struct span name);

/* The same number for a name that comes byte by byte.  {0} starts. */
struct key_hasher {
    uint64_t state;
    uint64_t word;
    size_t len;
};
void key_hasher_put(struct key_hasher *hasher, uint8_t byte);
uint64_t key_hasher_end(const struct key_hasher *hasher);

/* key_hashes_repeat tells whether two of the hashes are equal, and which.  It may reorder them;
   its time is n log n at the worst. */
bool key_hashes_repeat(uint64_t *hashes, size_t count, uint64_t *repeated);

#endif
