/* ed25519.c - see ed25519.h: what needs no secret.  libsodium's, in its default (strict) build. */
#include "crypto/ed25519.h"

#include <sodium.h>

_Static_assert(ED25519_PUBLIC == crypto_sign_ed25519_PUBLICKEYBYTES, "a public key");
_Static_assert(ED25519_SIGNATURE == crypto_sign_ed25519_BYTES, "a signature");

bool ed25519_verify(struct span public_key, struct span message, struct span signature)
{
    return public_key.len == ED25519_PUBLIC && signature.len == ED25519_SIGNATURE &&
           crypto_sign_ed25519_verify_detached(signature.at, message.at, message.len,
                                               public_key.at) == 0;
}

bool ed25519_public_is_good(struct span public_key)
{
    return public_key.len == ED25519_PUBLIC &&
           crypto_core_ed25519_is_valid_point(public_key.at) == 1;
}
