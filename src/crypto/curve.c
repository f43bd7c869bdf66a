/* curve.c - see curve.h. */
#include "crypto/curve.h"

#include <string.h>

#include <sodium.h>

#include "crypto/ct.h"

/* The conversion alone takes a y that is not below the prime modulo it, and one point has two
   spellings then. */
bool curve_public(const uint8_t ed25519[ED25519_PUBLIC], uint8_t out[X25519_LEN])
{
    uint8_t converted[X25519_LEN];
    if (!ed25519_public_is_good(span_of(ed25519, ED25519_PUBLIC)) ||
        crypto_sign_ed25519_pk_to_curve25519(converted, ed25519) != 0)
        return false;
    memcpy(out, converted, sizeof converted);
    return true;
}

void curve_secret(const uint8_t seed[ED25519_SEED], uint8_t out[X25519_LEN])
{
    struct ed25519_secret secret;
    ed25519_secret_of_seed(seed, &secret);
    (void)crypto_sign_ed25519_sk_to_curve25519(out, secret.bytes);
    ct_wipe(&secret, sizeof secret);
}
