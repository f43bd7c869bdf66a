/* hkdf.c - see hkdf.h. */
#include "crypto/hkdf.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/hmac.h"

void hkdf_extract(struct span salt, struct span secret, uint8_t out[SHA256_LEN])
{
    hmac_sha256(salt, secret, out); /* an empty salt is a key of zeros to HMAC */
}

/* RFC 5869 2.3: T(i) = HMAC(PRK, T(i-1) | info | i), T(0) empty. */
static void next_block(const uint8_t key[SHA256_LEN], struct span before, struct span info,
                       uint8_t counter, uint8_t out[SHA256_LEN])
{
    const struct span parts[] = { before, info, span_of(&counter, 1) };
    hmac_parts(HASH_SHA256, span_of(key, SHA256_LEN), parts, 3, out);
}

void hkdf_expand_key(const uint8_t key[SHA256_LEN], struct span info, uint8_t out[SHA256_LEN])
{
    next_block(key, (struct span){ 0 }, info, 1, out);
}

bool hkdf_sha256(struct span secret, struct span salt, struct span info, uint8_t *out, size_t len)
{
    if (len > HKDF_SHA256_MAX)
        return false;
    uint8_t key[SHA256_LEN];
    uint8_t block[SHA256_LEN];
    uint8_t counter = 1;
    hkdf_extract(salt, secret, key);
    for (size_t done = 0; done < len; counter++) {
        next_block(key, span_of(block, done == 0 ? 0 : sizeof block), info, counter, block);
        size_t take = len - done < sizeof block ? len - done : sizeof block;
        memcpy(out + done, block, take);
        done += take;
    }
    ct_wipe(key, sizeof key);
    ct_wipe(block, sizeof block);
    return true;
}
