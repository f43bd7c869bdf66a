/* sha1.h - SHA-1, for the one format that asks for it: the answer to a WebSocket's handshake
   (RFC 6455 4.2.2), which protects nothing.  No signature, key or name may rest on it. */
#ifndef WARD_CRYPTO_SHA1_H
#define WARD_CRYPTO_SHA1_H

#include "base/span.h"

enum { SHA1_LEN = 20 };

/* sha1_parts hashes the parts one after the other; it cannot fail. */
void sha1_parts(const struct span *parts, size_t count, uint8_t out[SHA1_LEN]);

#endif
