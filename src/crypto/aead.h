/* aead.h - sealing bytes so that they can be neither read nor changed (AEAD).

   One key, one nonce, one message: a nonce used twice under one key gives both messages away.
   XChaCha20-Poly1305 has 24 bytes of nonce, enough to draw them at random; the 12 of
   ChaCha20-Poly1305 (RFC 8439) must be counted.  `extra` is not hidden, but what was sealed
   with it opens with it only. */
#ifndef WARD_CRYPTO_AEAD_H
#define WARD_CRYPTO_AEAD_H

#include "base/result.h"
#include "base/span.h"

enum aead { AEAD_NONE = 0, AEAD_CHACHA20_POLY1305, AEAD_XCHACHA20_POLY1305 };

enum { AEAD_KEY = 32, AEAD_TAG = 16, CHACHA20_NONCE = 12, XCHACHA20_NONCE = 24 };

/* What goes with the message. */
struct aead_use {
    enum aead aead;
    const uint8_t *key; /* AEAD_KEY bytes */
    struct span nonce;  /* aead_nonce_len bytes */
    struct span extra;  /* may be empty */
};

/* aead_nonce_len: 12 or 24; 0 for AEAD_NONE. */
size_t aead_nonce_len(enum aead aead);

/* aead_seal writes plain.len + AEAD_TAG bytes: the ciphertext and its tag.  `out` may be the
   plaintext itself, and otherwise must not overlap it.  False, and nothing written, when the
   nonce has another length. */
MUST_USE
bool aead_seal(const struct aead_use *use, struct span plain, uint8_t *out);

/* aead_open writes sealed.len - AEAD_TAG bytes.  False when anything was changed, or fewer
   bytes than a tag are there: then `out` holds nothing of the message. */
MUST_USE
bool aead_open(const struct aead_use *use, struct span sealed, uint8_t *out);

#endif
