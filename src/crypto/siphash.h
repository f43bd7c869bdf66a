/* siphash.h - SipHash-2-4: where a public value goes in a hash table, told so that who does
   not know the key cannot choose values that meet.  It authenticates nothing: 64 bits are
   too few, and a tag that a peer sends is an hmac's (crypto/hmac.h). */
#ifndef WARD_CRYPTO_SIPHASH_H
#define WARD_CRYPTO_SIPHASH_H

#include "base/span.h"

enum { SIPHASH_KEY_LEN = 16 };

/* The number that the reference implementation writes with its lowest byte first.  The key
   is 16 random bytes of the caller's, drawn anew at each start.  Cannot fail, does not
   allocate, needs nothing to have been set up. */
uint64_t siphash(const uint8_t key[SIPHASH_KEY_LEN], struct span message);

#endif
