/* ecdsa_sign.h - ECDSA signatures that are the same every time (RFC 6979), for the test
   authority.  Wire forms are those of ecdsa.h.

   Not for a long-term key of a product: those live in guarded pages of another process.
   Scalars, nonces and what they were derived from are wiped after use. */
#ifndef WARD_CRYPTO_ECDSA_SIGN_H
#define WARD_CRYPTO_ECDSA_SIGN_H

#include "crypto/ecdsa.h"

struct ecdsa_secret;

/* ecdsa_secret_new takes a big-endian scalar of curve_coord_len bytes in [1, n-1]; NULL for
   any other, or without memory.  The caller wipes its own copy. */
struct ecdsa_secret *ecdsa_secret_new(enum curve curve, struct span scalar);

/* ecdsa_secret_from_seed derives the scalar from a seed and a name: the same pair gives the
   same key for ever, different names unrelated keys.  The scalar is the first
   curve_coord_len bytes of HMAC-SHA-512(seed, name || counter), where counter is one byte
   that starts at 0 and steps until the scalar is in range. */
struct ecdsa_secret *ecdsa_secret_from_seed(enum curve curve, struct span seed, const char *name);

/* ecdsa_secret_free wipes and nulls *secret; NULL is fine. */
void ecdsa_secret_free(struct ecdsa_secret **secret);

enum curve ecdsa_secret_curve(const struct ecdsa_secret *secret);

/* ecdsa_secret_point writes the public key, 65 or 97 bytes. */
MUST_USE
bool ecdsa_secret_point(const struct ecdsa_secret *secret, uint8_t *point);

/* ecdsa_sign signs a digest of curve_coord_len bytes into `raw`, 64 or 96 bytes, with the
   nonce of RFC 6979 3.2 for SHA-256 (P-256) or SHA-384 (P-384).  False without memory; raw
   is then untouched. */
MUST_USE
bool ecdsa_sign(const struct ecdsa_secret *secret, const uint8_t *digest, uint8_t *raw);

#endif
