/* argon2.c - see argon2.h. */
#include "crypto/argon2.h"

#include <string.h>

#include <sodium.h>

#include "crypto/ct.h"

_Static_assert(ARGON2_SALT == crypto_pwhash_argon2id_SALTBYTES, "a salt");

bool argon2_cost_is_good(struct argon2_cost cost)
{
    return cost.memory_kib >= ARGON2_MEMORY_KIB_MIN && cost.memory_kib <= ARGON2_MEMORY_KIB_MAX &&
           cost.passes >= ARGON2_PASSES_MIN && cost.passes <= ARGON2_PASSES_MAX;
}

bool argon2id(struct argon2_cost cost, struct span passphrase, struct span salt, uint8_t *out,
              size_t len)
{
    if (!argon2_cost_is_good(cost) || passphrase.len == 0 ||
        passphrase.len > ARGON2_PASSPHRASE_MAX || salt.len != ARGON2_SALT || len < ARGON2_OUT_MIN ||
        len > ARGON2_OUT_MAX)
        return false;
    uint8_t key[ARGON2_OUT_MAX];
    bool ok = crypto_pwhash_argon2id(key, len, (const char *)passphrase.at, passphrase.len, salt.at,
                                     cost.passes, (size_t)cost.memory_kib * 1024,
                                     crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0;
    if (ok)
        memcpy(out, key, len);
    ct_wipe(key, sizeof key);
    return ok;
}
