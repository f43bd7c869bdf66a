/* x25519.c - see x25519.h. */
#include "crypto/x25519.h"

#include <string.h>

#include <sodium.h>

#include "crypto/ct.h"

_Static_assert(X25519_LEN == crypto_scalarmult_curve25519_BYTES, "a shared secret");
_Static_assert(X25519_LEN == crypto_scalarmult_curve25519_SCALARBYTES, "a secret");

void x25519_public(const uint8_t secret[X25519_LEN], uint8_t out[X25519_LEN])
{
    (void)crypto_scalarmult_curve25519_base(out, secret); /* 0 always */
}

bool x25519(const uint8_t secret[X25519_LEN], const uint8_t peer[X25519_LEN],
            uint8_t out[X25519_LEN])
{
    uint8_t shared[X25519_LEN];
    bool ok = crypto_scalarmult_curve25519(shared, secret, peer) == 0;
    if (ok)
        memcpy(out, shared, sizeof shared);
    ct_wipe(shared, sizeof shared);
    return ok;
}

/* p = 2^255 - 19, little-endian: ed, thirty times ff, 7f. */
bool x25519_is_canonical(const uint8_t key[X25519_LEN])
{
    if (key[X25519_LEN - 1] != 0x7f)
        return key[X25519_LEN - 1] < 0x7f;
    for (size_t i = X25519_LEN - 2; i > 0; i--)
        if (key[i] != 0xff)
            return true;
    return key[0] < 0xed;
}
