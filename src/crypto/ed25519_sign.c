/* ed25519_sign.c - see ed25519.h: what needs the secret, so that whoever only verifies is not
   linked with it. */
#include <string.h>

#include <sodium.h>

#include "crypto/ed25519.h"

_Static_assert(ED25519_SEED == crypto_sign_ed25519_SEEDBYTES, "a seed");
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
