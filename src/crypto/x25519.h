/* x25519.h - the Diffie-Hellman function of Curve25519 (RFC 7748).

   A secret is any 32 bytes (the function clamps them), a public key 32 bytes. */
#ifndef WARD_CRYPTO_X25519_H
#define WARD_CRYPTO_X25519_H

#include "base/result.h"

enum { X25519_LEN = 32 };

void x25519_public(const uint8_t secret[X25519_LEN], uint8_t out[X25519_LEN]);

/* x25519 gives the shared secret: not a key yet, it goes through HKDF first.  False, and out
   untouched, when the peer's key is of small order, so that the result would be the same for
   every secret (RFC 7748 6.1: "abort if it is the all-zero value").  Coordinates not below
   the prime are taken modulo it and the top bit is ignored, as section 5 has it. */
MUST_USE
bool x25519(const uint8_t secret[X25519_LEN], const uint8_t peer[X25519_LEN],
            uint8_t out[X25519_LEN]);

/* x25519_is_canonical tells whether the key is written in the one form that RFC 7748 section 5
   gives its coordinate: below the prime, top bit clear.  A protocol that asks for it never has
   two spellings of one key. */
MUST_USE
bool x25519_is_canonical(const uint8_t key[X25519_LEN]);

#endif
