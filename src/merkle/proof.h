/* proof.h - that an entry is in a tree, and that one tree is the beginning of another.

   Proofs are made from leaf hashes that the caller reads from wherever they lie, so a file
   of 32-byte hashes serves any number of leaves without memory; they are judged from two
   roots and the proof alone (RFC 9162 2.1.3 and 2.1.4).  A size, an index or a count that
   cannot be is refused, never a crash. */
#ifndef WARD_MERKLE_PROOF_H
#define WARD_MERKLE_PROOF_H

#include "merkle/tree.h"

/* No proof of a tree within the limit is longer. */
enum { MERKLE_PROOF_MAX = MERKLE_LEVELS + 1 };

/* From the leaf towards the root. */
struct merkle_proof {
    size_t count;
    struct merkle_hash at[MERKLE_PROOF_MAX];
};

/* Where leaf hashes are read.  Both functions return false when they cannot. */
struct merkle_source {
    /* Writes the hashes of the leaves first .. first + count - 1; count is 1 to
       MERKLE_BATCH. */
    bool (*leaves)(void *arg, uint64_t first, size_t count, struct merkle_hash *out);
    /* NULL, or: writes the hash of the 2^level leaves from index << level on, if it is at
       hand.  With every 256th subtree kept a proof in 10^8 leaves reads 400,000 hashes
       instead of all. */
    bool (*subtree)(void *arg, unsigned level, uint64_t index, struct merkle_hash *out);
    void *arg;
};

enum { MERKLE_BATCH = 256 };

/* merkle_root_at writes the root of the first `size` leaves.  Fails with RC_WORLD when a leaf
   cannot be read; *out is untouched then. */
MUST_USE
rc merkle_root_at(const struct merkle_source *source, uint64_t size, struct merkle_hash *out,
                  struct trail *trail);

/* merkle_prove_inclusion makes the proof of leaf `index` in the tree of the first `size`
   leaves, merkle_prove_consistency that of the trees of `old` and `size` leaves.  *out is
   untouched on failure: AUDIT_PROOF_RANGE for numbers that do not go together, RC_WORLD
   (AUDIT_LEAVES_UNREADABLE) when a leaf cannot be read. */
MUST_USE
rc merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                          struct merkle_proof *out, struct trail *trail);
MUST_USE
rc merkle_prove_consistency(const struct merkle_source *source, uint64_t old, uint64_t size,
                            struct merkle_proof *out, struct trail *trail);

/* A tree as somebody else states it. */
struct merkle_head {
    uint64_t size;
    struct merkle_hash root;
};

/* merkle_check_inclusion: the head covers the leaf at this index.  AUDIT_PROOF_INVALID for
   everything else. */
MUST_USE
rc merkle_check_inclusion(const struct merkle_head *head, uint64_t index,
                          const struct merkle_hash *leaf, const struct merkle_proof *proof,
                          struct trail *trail);

/* merkle_check_consistency: the old head's leaves are the first of the new head's.  Equal
   sizes want equal roots and an empty proof (other roots: AUDIT_FORK); every tree extends the
   empty one, whose root must be that of the empty tree, with an empty proof. */
MUST_USE
rc merkle_check_consistency(const struct merkle_head *old, const struct merkle_head *new,
                            const struct merkle_proof *proof, struct trail *trail);

#endif
