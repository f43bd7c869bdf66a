/* ecdsa_sign.h - ECDSA signatures that are the same every time (RFC 6979).  Wire forms are
   those of ecdsa.h.

   The nonce is a function of key and digest, so no weak generator can give the key away, and
   what is done with scalar and nonce takes the same time for all of them.  Scalars, nonces
   and what they were derived from are wiped after use.

   Two ways to hold a key.  The test authority keeps a struct ecdsa_secret.  A long-term key
   of the product rests in guarded pages (secret/) as its scalar, and is used by
   ecdsa_sign_once while it is lent: nothing of it outlives the call.  What the call has of it
   meanwhile lies in OpenSSL's guarded heap, if ecdsa_guard_heap made one.

   A new key is made by drawing curve_coord_len random bytes until ecdsa_secret_new takes them
   (it refuses one draw in 2^32). */
#ifndef WARD_CRYPTO_ECDSA_SIGN_H
#define WARD_CRYPTO_ECDSA_SIGN_H

#include "crypto/ecdsa.h"

struct ecdsa_secret;

/* ecdsa_secret_new takes a big-endian scalar of curve_coord_len bytes in [1, n-1]; NULL for
   any other, or without memory.  The caller wipes its own copy. */
struct ecdsa_secret *ecdsa_secret_new(enum curve curve, struct span scalar);

/* ecdsa_scalar_from_seed derives a scalar of curve_coord_len bytes from a seed and a name: the
   same pair gives the same key for ever, different names unrelated keys.  It is the first
   curve_coord_len bytes of HMAC-SHA-512(seed, name || counter), where counter is one byte
   that starts at 0 and steps until the scalar is in range.  False without memory; the scalar is
   the caller's to wipe.  ecdsa_secret_from_seed is the key of it. */
MUST_USE
bool ecdsa_scalar_from_seed(enum curve curve, struct span seed, const char *name, uint8_t *scalar);
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

/* ecdsa_sign_once is the same with a scalar that is nobody's struct: it is imported, used and
   wiped.  False also for a scalar that ecdsa_secret_new refuses. */
MUST_USE
bool ecdsa_sign_once(enum curve curve, struct span scalar, const uint8_t *digest, uint8_t *raw);

/* ecdsa_guard_heap makes 64 KiB that are locked in memory, left out of core dumps and fenced
   by guard pages; OpenSSL keeps private scalars and nonces there from then on.  Called once,
   before the process is jailed (it maps and locks).  False when it could not be made or
   locked.  The heap stays until the process ends. */
MUST_USE
bool ecdsa_guard_heap(void);

#endif
