/* ed25519.c - see ed25519.h.  libsodium's, in its default (strict) build. */
#include "crypto/ed25519.h"

#include <string.h>

#include <sodium.h>

_Static_assert(ED25519_SEED == crypto_sign_ed25519_SEEDBYTES, "a seed");
_Static_assert(ED25519_PUBLIC == crypto_sign_ed25519_PUBLICKEYBYTES, "a public key");
_Static_assert(ED25519_SIGNATURE == crypto_sign_ed25519_BYTES, "a signature");
_Static_assert(sizeof(struct ed25519_secret) == crypto_sign_ed25519_SECRETKEYBYTES, "a secret");

/* The calls below return 0 always: their result says nothing. */
void ed25519_secret_of_seed(const uint8_t seed[ED25519_SEED], struct ed25519_secret *out)
{
    uint8_t public_key[ED25519_PUBLIC];
    (void)crypto_sign_ed25519_seed_keypair(public_key, out->bytes, seed);
}

void ed25519_secret_public(const struct ed25519_secret *secret, uint8_t out[ED25519_PUBLIC])
{
    memcpy(out, secret->bytes + ED25519_SEED, ED25519_PUBLIC);
}

void ed25519_sign(const struct ed25519_secret *secret, struct span message,
                  uint8_t out[ED25519_SIGNATURE])
{
    (void)crypto_sign_ed25519_detached(out, NULL, message.at, message.len, secret->bytes);
}

bool ed25519_verify(struct span public_key, struct span message, struct span signature)
{
    return public_key.len == ED25519_PUBLIC && signature.len == ED25519_SIGNATURE &&
           crypto_sign_ed25519_verify_detached(signature.at, message.at, message.len,
                                               public_key.at) == 0;
}
