/* key_hash.c - see key_hash.h. */
#include "codec/key_hash.h"

#include "codec/word.h"

/* One word goes in by steps that can each be undone (xor, an odd factor, a shift that keeps
   the top bits), so two different words never meet from one state. */
static uint64_t mix(uint64_t state, uint64_t word)
{
    uint64_t x = state ^ word;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 29;
}

static uint64_t finish(uint64_t state, uint64_t word, size_t len)
{
    if (len == 0 || len % 8 != 0)
        state = mix(state, word);
    return mix(state, (uint64_t)len);
}

/* The last bytes, fewer than eight, the first one lowest.  Behind eight others they are the
   top of the last whole word. */
static uint64_t rest(struct span name, size_t at)
{
    uint64_t word = 0;
    if (at == name.len)
        return 0;
    if (at > 0)
        return word_load(name, name.len - 8) >> (8 * (8 - (name.len - at)));
    for (size_t i = name.len; i > 0; i--)
        word = word << 8 | name.at[i - 1];
    return word;
}

uint64_t key_hash(struct span name)
{
    uint64_t state = 0;
    size_t at = 0;
    for (; name.len - at >= 8; at += 8)
        state = mix(state, word_load(name, at));
    return finish(state, rest(name, at), name.len);
}

void key_hasher_put(struct key_hasher *hasher, uint8_t byte)
{
    hasher->word |= (uint64_t)byte << (8 * (hasher->len % 8));
    hasher->len++;
    if (hasher->len % 8 == 0) {
        hasher->state = mix(hasher->state, hasher->word);
        hasher->word = 0;
    }
}

uint64_t key_hasher_end(const struct key_hasher *hasher)
{
    return finish(hasher->state, hasher->word, hasher->len);
}

/* Moves the top of the heap down to where it belongs. */
static void sift(uint64_t *hashes, size_t top, size_t count)
{
    uint64_t moved = hashes[top];
    for (;;) {
        size_t child = 2 * top + 1;
        if (child >= count)
            break;
        if (child + 1 < count && hashes[child + 1] > hashes[child])
            child++;
        if (hashes[child] <= moved)
            break;
        hashes[top] = hashes[child];
        top = child;
    }
    hashes[top] = moved;
}

/* Heap sort: n log n whatever the order, in place. */
static void sort(uint64_t *hashes, size_t count)
{
    for (size_t i = count / 2; i > 0; i--)
        sift(hashes, i - 1, count);
    for (size_t last = count; last > 1; last--) {
        uint64_t largest = hashes[0];
        hashes[0] = hashes[last - 1];
        hashes[last - 1] = largest;
        sift(hashes, 0, last - 1);
    }
}

enum { FEW = 16 }; /* so few are compared all with all sooner than they are sorted */

bool key_hashes_repeat(uint64_t *hashes, size_t count, uint64_t *repeated)
{
    if (count > FEW)
        sort(hashes, count);
    for (size_t i = 0; i + 1 < count; i++) {
        size_t end = count > FEW ? i + 2 : count;
        for (size_t j = i + 1; j < end; j++) {
            if (hashes[i] == hashes[j]) {
                *repeated = hashes[i];
                return true;
            }
        }
    }
    return false;
}
