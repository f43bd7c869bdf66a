/* sha1.c - see sha1.h. */
#include "crypto/sha1.h"

#include "crypto/low.h"

#include <openssl/sha.h>

void sha1_parts(const struct span *parts, size_t count, uint8_t out[SHA1_LEN])
{
    SHA_CTX state;
    SHA1_Init(&state);
    for (size_t i = 0; i < count; i++)
        SHA1_Update(&state, parts[i].at, parts[i].len);
    SHA1_Final(out, &state);
}
