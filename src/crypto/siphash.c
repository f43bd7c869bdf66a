/* siphash.c - see siphash.h. */
#include "crypto/siphash.h"

#include <assert.h>
#include <sodium/crypto_shorthash.h>

static_assert(crypto_shorthash_KEYBYTES == SIPHASH_KEY_LEN, "libsodium's key is ours");
static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "and its hash is one word");

uint64_t siphash(const uint8_t key[SIPHASH_KEY_LEN], struct span message)
{
    uint8_t out[crypto_shorthash_BYTES];
    /* It reads no byte of an empty message, but its prototype wants a pointer. */
    const uint8_t *at = message.len > 0 ? message.at : key;
    (void)crypto_shorthash(out, at, message.len, key); /* always 0 */
    uint64_t word = 0;
    for (unsigned i = 0; i < sizeof out; i++)
        word |= (uint64_t)out[i] << (8 * i);
    return word;
}
