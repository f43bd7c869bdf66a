/* hash.h - SHA-2 of bytes in memory, or of bytes that come in pieces.

   Nothing here can fail, allocates, or keeps state; every function is safe in any thread.
   A part of length 0 may have a NULL address. */
#ifndef WARD_CRYPTO_HASH_H
#define WARD_CRYPTO_HASH_H

#include "base/span.h"

enum { SHA256_LEN = 32, SHA384_LEN = 48, SHA512_LEN = 64, HASH_LEN_MAX = 64 };

void hash_sha256(struct span in, uint8_t out[SHA256_LEN]);
void hash_sha384(struct span in, uint8_t out[SHA384_LEN]);
void hash_sha512(struct span in, uint8_t out[SHA512_LEN]);

/* The hash of the parts one after the other, as if they were one span.  `out` may be one of
   the parts: it is written last, so `register = H(register || digest)` needs no copy. */
void hash_sha256_parts(const struct span *parts, size_t count, uint8_t out[SHA256_LEN]);
void hash_sha384_parts(const struct span *parts, size_t count, uint8_t out[SHA384_LEN]);
void hash_sha512_parts(const struct span *parts, size_t count, uint8_t out[SHA512_LEN]);

/* For formats that name their hash.  The zero value is no hash. */
enum hash { HASH_NONE = 0, HASH_SHA256, HASH_SHA384, HASH_SHA512 };

/* hash_len: bytes of the digest, 0 for HASH_NONE. */
size_t hash_len(enum hash hash);

/* hash_parts writes hash_len(hash) bytes; HASH_NONE writes nothing. */
void hash_parts(enum hash hash, const struct span *parts, size_t count, uint8_t *out);

/* The same for bytes that come in pieces; what was begun is ended once.  Fields are private. */
struct hash_pieces {
    _Alignas(8) uint8_t state[256];
};
void hash_pieces_begin(struct hash_pieces *pieces, enum hash hash);
void hash_pieces_more(struct hash_pieces *pieces, struct span part);
void hash_pieces_end(struct hash_pieces *pieces, uint8_t *out);

#endif
