/* hash.c - see hash.h.  SHA-2 by OpenSSL's block functions, without EVP: looking an
   algorithm up and making a context costs more than hashing 64 bytes. */
#include "crypto/hash_state.h"

size_t hash_len(enum hash hash)
{
    switch (hash) {
    case HASH_NONE:
        break;
    case HASH_SHA256:
        return SHA256_LEN;
    case HASH_SHA384:
        return SHA384_LEN;
    case HASH_SHA512:
        return SHA512_LEN;
    }
    return 0;
}

size_t hash_block_len(enum hash hash)
{
    switch (hash) {
    case HASH_NONE:
        break;
    case HASH_SHA256:
        return SHA256_CBLOCK;
    case HASH_SHA384:
    case HASH_SHA512:
        return SHA512_CBLOCK;
    }
    return 0;
}

/* The calls below return 1 always (their only failure, a digest length that cannot be, is
   excluded by the way the state is made). */
void hash_begin(struct hash_state *state, enum hash hash)
{
    state->hash = hash;
    switch (hash) {
    case HASH_NONE:
        break;
    case HASH_SHA256:
        SHA256_Init(&state->of.narrow);
        break;
    case HASH_SHA384:
        SHA384_Init(&state->of.wide);
        break;
    case HASH_SHA512:
        SHA512_Init(&state->of.wide);
        break;
    }
}

void hash_more(struct hash_state *state, struct span part)
{
    if (part.len == 0)
        return;
    switch (state->hash) {
    case HASH_NONE:
        break;
    case HASH_SHA256:
        SHA256_Update(&state->of.narrow, part.at, part.len);
        break;
    case HASH_SHA384:
    case HASH_SHA512:
        SHA512_Update(&state->of.wide, part.at, part.len);
        break;
    }
}

void hash_end(struct hash_state *state, uint8_t *out)
{
    switch (state->hash) {
    case HASH_NONE:
        break;
    case HASH_SHA256:
        SHA256_Final(out, &state->of.narrow);
        break;
    case HASH_SHA384:
    case HASH_SHA512:
        SHA512_Final(out, &state->of.wide);
        break;
    }
}

void hash_parts(enum hash hash, const struct span *parts, size_t count, uint8_t *out)
{
    struct hash_state state;
    hash_begin(&state, hash);
    for (size_t i = 0; i < count; i++)
        hash_more(&state, parts[i]);
    hash_end(&state, out);
}

void hash_sha256_parts(const struct span *parts, size_t count, uint8_t out[SHA256_LEN])
{
    hash_parts(HASH_SHA256, parts, count, out);
}

void hash_sha384_parts(const struct span *parts, size_t count, uint8_t out[SHA384_LEN])
{
    hash_parts(HASH_SHA384, parts, count, out);
}

void hash_sha512_parts(const struct span *parts, size_t count, uint8_t out[SHA512_LEN])
{
    hash_parts(HASH_SHA512, parts, count, out);
}

void hash_sha256(struct span in, uint8_t out[SHA256_LEN])
{
    hash_parts(HASH_SHA256, &in, 1, out);
}

void hash_sha384(struct span in, uint8_t out[SHA384_LEN])
{
    hash_parts(HASH_SHA384, &in, 1, out);
}

void hash_sha512(struct span in, uint8_t out[SHA512_LEN])
{
    hash_parts(HASH_SHA512, &in, 1, out);
}

static struct hash_state *state_of(struct hash_pieces *pieces)
{
    _Static_assert(sizeof(struct hash_state) <= sizeof pieces->state, "there is room");
    return (struct hash_state *)(void *)pieces->state;
}

void hash_pieces_begin(struct hash_pieces *pieces, enum hash hash)
{
    hash_begin(state_of(pieces), hash);
}

void hash_pieces_more(struct hash_pieces *pieces, struct span part)
{
    hash_more(state_of(pieces), part);
}

void hash_pieces_end(struct hash_pieces *pieces, uint8_t *out)
{
    hash_end(state_of(pieces), out);
}
