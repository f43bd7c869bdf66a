/* sealed_box.h - bytes for the holder of an X25519 key, from nobody in particular: what
   libsodium calls crypto_box_seal, byte for byte.

   The sender is not known and not proven; a message is as trustworthy as the path to the
   recipient's public key. */
#ifndef WARD_CRYPTO_SEALED_BOX_H
#define WARD_CRYPTO_SEALED_BOX_H

#include "base/span.h"
#include "crypto/x25519.h"

enum { SEALED_BOX_EXTRA = X25519_LEN + 16 };

/* sealed_box_seal writes plain.len + SEALED_BOX_EXTRA bytes, which must not overlap the
   plaintext.  `once` is a secret of 32 random bytes that is used for this message only and
   wiped by the caller.  False, and nothing readable written, for a public key of small order. */
MUST_USE
bool sealed_box_seal(const uint8_t public_key[X25519_LEN], const uint8_t once[X25519_LEN],
                     struct span plain, uint8_t *out);

/* sealed_box_open writes sealed.len - SEALED_BOX_EXTRA bytes, not over `sealed`.  False when
   it is for another key, was changed, or is too short. */
MUST_USE
bool sealed_box_open(const uint8_t secret[X25519_LEN], struct span sealed, uint8_t *out);

#endif
