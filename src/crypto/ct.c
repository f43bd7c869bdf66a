/* ct.c - see ct.h. */
#include "crypto/ct.h"

#include <openssl/crypto.h>

bool ct_equal(const void *a, const void *b, size_t len)
{
    return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}

void ct_wipe(void *at, size_t len)
{
    if (len > 0)
        OPENSSL_cleanse(at, len);
}
