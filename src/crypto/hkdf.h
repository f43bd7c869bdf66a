/* hkdf.h - keys from a secret that is good enough to be one, but is not yet (RFC 5869), with
   SHA-256.  Not for passwords: those go through argon2.h. */
#ifndef WARD_CRYPTO_HKDF_H
#define WARD_CRYPTO_HKDF_H

#include "crypto/hash.h"

#include "base/result.h"

enum { HKDF_SHA256_MAX = 255 * SHA256_LEN };

/* hkdf_sha256 writes len bytes.  salt may be empty; info names what the key is for, so that
   one secret gives unrelated keys.  False, and nothing written, for more than
   HKDF_SHA256_MAX bytes.  What was computed on the way is wiped. */
MUST_USE
bool hkdf_sha256(struct span secret, struct span salt, struct span info, uint8_t *out, size_t len);

/* Its two halves, where one secret gives many keys (RFC 5869 2.2 and 2.3): extract makes the
   key that expand_key takes, as often as there is something to derive.  One block is all that
   a key needs, so neither can fail. */
void hkdf_extract(struct span salt, struct span secret, uint8_t out[SHA256_LEN]);
void hkdf_expand_key(const uint8_t key[SHA256_LEN], struct span info, uint8_t out[SHA256_LEN]);

#endif
