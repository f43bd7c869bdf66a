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
bool hkdf_expand(const uint8_t key[SHA256_LEN], struct span info, uint8_t *out, size_t len)
{
    if (len > HKDF_SHA256_MAX)
        return false;
    uint8_t block[SHA256_LEN];
    uint8_t counter = 1;
    for (size_t done = 0; done < len; counter++) {
        const struct span parts[] = { span_of(block, done == 0 ? 0 : sizeof block), info,
                                      span_of(&counter, 1) };
        hmac_parts(HASH_SHA256, span_of(key, SHA256_LEN), parts, 3, block);
        size_t take = len - done < sizeof block ? len - done : sizeof block;
        memcpy(out + done, block, take);
        done += take;
    }
    ct_wipe(block, sizeof block);
    return true;
}

bool hkdf_sha256(struct span secret, struct span salt, struct span info, uint8_t *out, size_t len)
{
    uint8_t key[SHA256_LEN];
    hkdf_extract(salt, secret, key);
    bool ok = hkdf_expand(key, info, out, len);
    ct_wipe(key, sizeof key);
    return ok;
}
