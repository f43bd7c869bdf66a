/* sealed_box.c - see sealed_box.h.  Written over crypto_box, because crypto_box_seal draws its
   randomness itself: here it is the caller's. */
#include "crypto/sealed_box.h"

#include <string.h>

#include <sodium.h>

#include "crypto/ct.h"

_Static_assert(SEALED_BOX_EXTRA == crypto_box_SEALBYTES, "what a box adds");
_Static_assert(X25519_LEN == crypto_box_PUBLICKEYBYTES, "a public key");
_Static_assert(X25519_LEN == crypto_box_SECRETKEYBYTES, "a secret");

/* The nonce is the BLAKE2b of both public keys: the sender's is new each time. */
static void nonce_of(const uint8_t *sender, const uint8_t *recipient,
                     uint8_t nonce[crypto_box_NONCEBYTES])
{
    uint8_t keys[2 * X25519_LEN];
    memcpy(keys, sender, X25519_LEN);
    memcpy(keys + X25519_LEN, recipient, X25519_LEN);
    (void)crypto_generichash(nonce, crypto_box_NONCEBYTES, keys, sizeof keys, NULL, 0);
}

bool sealed_box_seal(const uint8_t public_key[X25519_LEN], const uint8_t once[X25519_LEN],
                     struct span plain, uint8_t *out)
{
    uint8_t nonce[crypto_box_NONCEBYTES];
    x25519_public(once, out);
    nonce_of(out, public_key, nonce);
    return crypto_box_easy(out + X25519_LEN, plain.at, plain.len, nonce, public_key, once) == 0;
}

bool sealed_box_open(const uint8_t secret[X25519_LEN], struct span sealed, uint8_t *out)
{
    if (sealed.len < SEALED_BOX_EXTRA)
        return false;
    uint8_t nonce[crypto_box_NONCEBYTES];
    uint8_t own[X25519_LEN];
    x25519_public(secret, own);
    nonce_of(sealed.at, own, nonce);
    return crypto_box_open_easy(out, sealed.at + X25519_LEN, sealed.len - X25519_LEN, nonce,
                                sealed.at, secret) == 0;
}
