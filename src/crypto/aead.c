/* aead.c - see aead.h.  The tag is checked before a byte is deciphered: libsodium's rule. */
#include "crypto/aead.h"

#include <sodium.h>

_Static_assert(AEAD_KEY == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "a key");
_Static_assert(AEAD_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a key");
_Static_assert(AEAD_TAG == crypto_aead_chacha20poly1305_ietf_ABYTES, "a tag");
_Static_assert(AEAD_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "a tag");
_Static_assert(CHACHA20_NONCE == crypto_aead_chacha20poly1305_ietf_NPUBBYTES, "a nonce");
_Static_assert(XCHACHA20_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "a nonce");

/* RFC 8439 2.8: the block counter has 32 bits, and block 0 is the Poly1305 key.  libsodium
   ends the process for longer ones. */
#define CHACHA20_PLAIN_MAX (64 * ((UINT64_C(1) << 32) - 1))

size_t aead_nonce_len(enum aead aead)
{
    switch (aead) {
    case AEAD_NONE:
        break;
    case AEAD_CHACHA20_POLY1305:
        return CHACHA20_NONCE;
    case AEAD_XCHACHA20_POLY1305:
        return XCHACHA20_NONCE;
    }
    return 0;
}

static bool use_is_good(const struct aead_use *use)
{
    size_t nonce = aead_nonce_len(use->aead);
    return nonce != 0 && use->nonce.len == nonce;
}

bool aead_seal(const struct aead_use *use, struct span plain, uint8_t *out)
{
    if (!use_is_good(use) || plain.len > CHACHA20_PLAIN_MAX)
        return false;
    if (use->aead == AEAD_CHACHA20_POLY1305)
        return crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain.at, plain.len,
                                                         use->extra.at, use->extra.len, NULL,
                                                         use->nonce.at, use->key) == 0;
    return crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain.at, plain.len, use->extra.at,
                                                      use->extra.len, NULL, use->nonce.at,
                                                      use->key) == 0;
}

bool aead_open(const struct aead_use *use, struct span sealed, uint8_t *out)
{
    if (!use_is_good(use) || sealed.len < AEAD_TAG || sealed.len - AEAD_TAG > CHACHA20_PLAIN_MAX)
        return false;
    if (use->aead == AEAD_CHACHA20_POLY1305)
        return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.at, sealed.len,
                                                         use->extra.at, use->extra.len,
                                                         use->nonce.at, use->key) == 0;
    return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.at, sealed.len,
                                                      use->extra.at, use->extra.len, use->nonce.at,
                                                      use->key) == 0;
}
