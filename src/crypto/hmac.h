/* hmac.h - HMAC (RFC 2104) over SHA-2.  Cannot fail, does not allocate, and wipes what it
   derived from the key before it returns.

   A tag that a peer sent is compared with ct_equal only, over its whole length. */
#ifndef WARD_CRYPTO_HMAC_H
#define WARD_CRYPTO_HMAC_H

#include "crypto/hash.h"

/* key: any length, also 0; longer than a block (64 or 128 bytes) it is hashed first. */
void hmac_sha256(struct span key, struct span message, uint8_t out[SHA256_LEN]);
void hmac_sha384(struct span key, struct span message, uint8_t out[SHA384_LEN]);
void hmac_sha512(struct span key, struct span message, uint8_t out[SHA512_LEN]);

/* The same over parts one after the other; `out` may be the key or one of the parts.
   HASH_NONE writes nothing. */
void hmac_parts(enum hash hash, struct span key, const struct span *parts, size_t count,
                uint8_t *out);

#endif
