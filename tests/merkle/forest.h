/* forest.h - leaves for the tests of trees, their roots by the definition of RFC 9162 2.1.1
   itself, and sources that read them. */
#ifndef WARD_TESTS_MERKLE_FOREST_H
#define WARD_TESTS_MERKLE_FOREST_H

#include "merkle/proof.h"

enum { FOREST_MAX = 1024, FOREST_LEVELS = 11 };

struct forest {
    struct merkle_hash nodes[FOREST_LEVELS][FOREST_MAX]; /* perfect subtrees by level */
    struct merkle_hash roots[FOREST_MAX + 1];            /* of the first n leaves */
    uint64_t unreadable;                                 /* leaves from here on fail; 0: none */
};

/* MTH(D_n), word for word. */
static inline void forest_define(const struct merkle_hash *leaves, size_t n,
                                 struct merkle_hash *out)
{
    if (n == 0) {
        hash_sha256((struct span){ NULL, 0 }, out->at);
        return;
    }
    if (n == 1) {
        *out = leaves[0];
        return;
    }
    size_t k = 1;
    while (2 * k < n)
        k *= 2;
    struct merkle_hash left;
    struct merkle_hash right;
    uint8_t bytes[1 + 2 * sizeof left.at] = { 0x01 };
    forest_define(leaves, k, &left);
    forest_define(leaves + k, n - k, &right);
    for (size_t i = 0; i < sizeof left.at; i++) {
        bytes[1 + i] = left.at[i];
        bytes[1 + sizeof left.at + i] = right.at[i];
    }
    hash_sha256(SPAN(bytes), out->at);
}

static inline void forest_grow(struct forest *forest)
{
    *forest = (struct forest){ 0 };
    for (size_t i = 0; i < FOREST_MAX; i++) {
        uint8_t entry[] = { 0x00, (uint8_t)(i >> 8), (uint8_t)i };
        hash_sha256(SPAN(entry), forest->nodes[0][i].at);
    }
    for (size_t level = 1; level < FOREST_LEVELS; level++) {
        for (size_t i = 0; i < (size_t)FOREST_MAX >> level; i++)
            forest_define(&forest->nodes[0][i << level], (size_t)1 << level,
                          &forest->nodes[level][i]);
    }
    for (size_t n = 0; n <= FOREST_MAX; n++)
        forest_define(forest->nodes[0], n, &forest->roots[n]);
}

static inline bool forest_leaves(void *arg, uint64_t first, size_t count, struct merkle_hash *out)
{
    const struct forest *forest = arg;
    if (first + count > FOREST_MAX || count == 0 || count > MERKLE_BATCH ||
        (forest->unreadable != 0 && first + count > forest->unreadable))
        return false;
    for (size_t i = 0; i < count; i++)
        out[i] = forest->nodes[0][first + i];
    return true;
}

static inline bool forest_subtree(void *arg, unsigned level, uint64_t index,
                                  struct merkle_hash *out)
{
    const struct forest *forest = arg;
    if (level >= FOREST_LEVELS || index >= (uint64_t)FOREST_MAX >> level)
        return false;
    *out = forest->nodes[level][index];
    return true;
}

#endif
