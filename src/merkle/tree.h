/* tree.h - the Merkle tree of RFC 9162 section 2 (that of RFC 6962) over SHA-256, for logs that
   only grow.

   A tree is kept as its frontier: one hash for each bit of its size, 2 KiB whatever the
   size, enough to append and to tell the root.  It holds no leaf.  Nothing here allocates,
   reads a file or keeps state of its own. */
#ifndef WARD_MERKLE_TREE_H
#define WARD_MERKLE_TREE_H

#include "base/result.h"
#include "base/span.h"
#include "crypto/hash.h"

enum { MERKLE_LEVELS = 63 };

/* The largest size of a tree. */
#define MERKLE_SIZE_LIMIT ((UINT64_C(1) << MERKLE_LEVELS) - 1)

struct merkle_hash {
    uint8_t at[SHA256_LEN];
};

/* {0} is the empty tree. */
struct merkle_tree {
    uint64_t size;
    /* [level] is the last subtree of 2^level leaves when that bit of size is set, and when
       merkle_append has just completed it: size is a multiple of 2^level then. */
    struct merkle_hash peaks[MERKLE_LEVELS];
};

/* merkle_tree_is_sound: the size is one that a tree may have. */
bool merkle_tree_is_sound(const struct merkle_tree *tree);

bool merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b);

/* merkle_leaf is SHA-256(0x00 || entry), merkle_node SHA-256(0x01 || left || right).  `out`
   may be one of the two. */
void merkle_leaf(struct span entry, struct merkle_hash *out);
void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right,
                 struct merkle_hash *out);

/* merkle_append adds the leaf hash of the next entry.  False, with the tree untouched, when
   it has MERKLE_SIZE_LIMIT leaves. */
MUST_USE
bool merkle_append(struct merkle_tree *tree, const struct merkle_hash *leaf);

/* merkle_append_perfect adds 2^level leaves at once by the hash of their subtree.  False,
   with the tree untouched, unless the size is a multiple of 2^level and stays in the limit. */
MUST_USE
bool merkle_append_perfect(struct merkle_tree *tree, unsigned level,
                           const struct merkle_hash *subtree);

/* merkle_root of the empty tree is SHA-256 of nothing. */
void merkle_root(const struct merkle_tree *tree, struct merkle_hash *out);

#endif
