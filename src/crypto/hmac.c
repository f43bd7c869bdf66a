/* hmac.c - see hmac.h.  RFC 2104 section 2: H(K XOR opad, H(K XOR ipad, text)). */
#include "crypto/hmac.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/hash_state.h"

enum { INNER_PAD = 0x36, OUTER_PAD = 0x5c, BLOCK_MAX = SHA512_CBLOCK };

/* "applications that use keys longer than B bytes will first hash the key using H". */
static void pad_of_key(enum hash hash, struct span key, uint8_t block[BLOCK_MAX])
{
    memset(block, 0, BLOCK_MAX);
    if (key.len > hash_block_len(hash))
        hash_parts(hash, &key, 1, block);
    else if (key.len > 0)
        memcpy(block, key.at, key.len);
    for (size_t i = 0; i < BLOCK_MAX; i++)
        block[i] ^= INNER_PAD;
}

void hmac_parts(enum hash hash, struct span key, const struct span *parts, size_t count,
                uint8_t *out)
{
    if (hash_len(hash) == 0)
        return;
    uint8_t block[BLOCK_MAX];
    uint8_t inner[HASH_LEN_MAX];
    struct hash_state state;
    pad_of_key(hash, key, block);
    hash_begin(&state, hash);
    hash_more(&state, span_of(block, hash_block_len(hash)));
    for (size_t i = 0; i < count; i++)
        hash_more(&state, parts[i]);
    hash_end(&state, inner);

    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= INNER_PAD ^ OUTER_PAD;
    hash_begin(&state, hash);
    hash_more(&state, span_of(block, hash_block_len(hash)));
    hash_more(&state, span_of(inner, hash_len(hash)));
    hash_end(&state, out);

    ct_wipe(block, sizeof block);
    ct_wipe(inner, sizeof inner);
    ct_wipe(&state, sizeof state);
}

void hmac_sha256(struct span key, struct span message, uint8_t out[SHA256_LEN])
{
    hmac_parts(HASH_SHA256, key, &message, 1, out);
}

void hmac_sha384(struct span key, struct span message, uint8_t out[SHA384_LEN])
{
    hmac_parts(HASH_SHA384, key, &message, 1, out);
}

void hmac_sha512(struct span key, struct span message, uint8_t out[SHA512_LEN])
{
    hmac_parts(HASH_SHA512, key, &message, 1, out);
}
