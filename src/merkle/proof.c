/* proof.c - see proof.h. */
#include "merkle/proof.h"

#include "model/reason.h"

/* The leaves of a subtree, as the recursion of RFC 9162 2.1.1 cuts them. */
struct range {
    uint64_t first;
    uint64_t count; /* at least 1 */
};

/* "k is the largest power of two smaller than n" (RFC 9162 2.1.1); n is at least 2. */
static uint64_t split_of(uint64_t n)
{
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* Takes the largest perfect subtree that the source has at hand and that starts where the
   tree of this range ends. */
static bool take_subtree(const struct merkle_source *source, struct range range,
                         struct merkle_tree *tree)
{
    if (source->subtree == NULL)
        return false;
    uint64_t first = range.first + tree->size;
    uint64_t left = range.count - tree->size;
    for (unsigned level = 63 - (unsigned)__builtin_clzll(left); level > 0; level--) {
        uint64_t inside = (UINT64_C(1) << level) - 1;
        struct merkle_hash hash;
        if ((first & inside) == 0 && (tree->size & inside) == 0 &&
            source->subtree(source->arg, level, first >> level, &hash))
            return merkle_append_perfect(tree, level, &hash);
    }
    return false;
}

/* Appends leaves up to the next place where a kept subtree may begin. */
static bool take_leaves(const struct merkle_source *source, struct range range,
                        struct merkle_tree *tree)
{
    struct merkle_hash batch[MERKLE_BATCH];
    uint64_t first = range.first + tree->size;
    uint64_t left = range.count - tree->size;
    uint64_t until_aligned = MERKLE_BATCH - first % MERKLE_BATCH;
    size_t count = (size_t)(left < until_aligned ? left : until_aligned);
    if (!source->leaves(source->arg, first, count, batch))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!merkle_append(tree, &batch[i]))
            return false;
    }
    return true;
}

static rc hash_of_range(const struct merkle_source *source, struct range range,
                        struct merkle_hash *out, struct trail *trail)
{
    struct merkle_tree tree = { 0 };
    while (tree.size < range.count) {
        if (!take_subtree(source, range, &tree) && !take_leaves(source, range, &tree))
            return REFUSE(trail, REASON_AUDIT_LEAVES_UNREADABLE);
    }
    merkle_root(&tree, out);
    return RC_SUCCESS;
}

rc merkle_root_at(const struct merkle_source *source, uint64_t size, struct merkle_hash *out,
                  struct trail *trail)
{
    if (size > MERKLE_SIZE_LIMIT)
        return REFUSE(trail, REASON_AUDIT_PROOF_RANGE);
    return hash_of_range(source, (struct range){ 0, size }, out, trail);
}

/* The subtrees of a proof as they are met on the way down from the root. */
struct path {
    size_t count;
    struct range at[MERKLE_PROOF_MAX];
};

/* A proof lists them from the leaf up. */
static rc hash_path(const struct merkle_source *source, const struct path *path,
                    struct merkle_proof *out, struct trail *trail)
{
    struct merkle_proof proof = { .count = path->count };
    for (size_t i = 0; i < path->count; i++)
        TRY(trail, hash_of_range(source, path->at[path->count - 1 - i], &proof.at[i], trail));
    *out = proof;
    return RC_SUCCESS;
}

/* PATH(m, D_n) of RFC 9162 2.1.3.1. */
rc merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                          struct merkle_proof *out, struct trail *trail)
{
    if (index >= size || size > MERKLE_SIZE_LIMIT)
        return REFUSE(trail, REASON_AUDIT_PROOF_RANGE);
    struct path path = { 0 };
    struct range here = { 0, size };
    while (here.count > 1) {
        uint64_t k = split_of(here.count);
        struct range left = { here.first, k };
        struct range right = { here.first + k, here.count - k };
        bool in_left = index < right.first;
        path.at[path.count++] = in_left ? right : left;
        here = in_left ? left : right;
    }
    return hash_path(source, &path, out, trail);
}

/* PROOF(m, D_n) and SUBPROOF(m, D_n, b) of RFC 9162 2.1.4.1. */
rc merkle_prove_consistency(const struct merkle_source *source, uint64_t old, uint64_t size,
                            struct merkle_proof *out, struct trail *trail)
{
    if (old > size || size > MERKLE_SIZE_LIMIT)
        return REFUSE(trail, REASON_AUDIT_PROOF_RANGE);
    struct path path = { 0 };
    struct range here = { 0, size };
    while (old != 0 && old != here.first + here.count) {
        uint64_t k = split_of(here.count);
        struct range left = { here.first, k };
        struct range right = { here.first + k, here.count - k };
        bool in_left = old <= right.first;
        path.at[path.count++] = in_left ? right : left;
        here = in_left ? left : right;
    }
    /* "b" is true, and the old root is known to the verifier, only on the left edge. */
    if (old != 0 && here.first != 0)
        path.at[path.count++] = here;
    return hash_path(source, &path, out, trail);
}

/* RFC 9162 2.1.3.2. */
rc merkle_check_inclusion(const struct merkle_head *head, uint64_t index,
                          const struct merkle_hash *leaf, const struct merkle_proof *proof,
                          struct trail *trail)
{
    if (index >= head->size || head->size > MERKLE_SIZE_LIMIT || proof->count > MERKLE_PROOF_MAX)
        return REFUSE(trail, REASON_AUDIT_PROOF_INVALID);
    uint64_t fn = index;
    uint64_t sn = head->size - 1;
    struct merkle_hash r = *leaf;
    for (size_t i = 0; i < proof->count; i++) {
        if (sn == 0)
            return REFUSE(trail, REASON_AUDIT_PROOF_INVALID);
        if ((fn & 1) != 0 || fn == sn) {
            merkle_node(&proof->at[i], &r, &r);
            unsigned up = fn == 0 ? 0 : (unsigned)__builtin_ctzll(fn);
            fn >>= up;
            sn >>= up;
        } else {
            merkle_node(&r, &proof->at[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (sn != 0 || !merkle_equal(&r, &head->root))
        return REFUSE(trail, REASON_AUDIT_PROOF_INVALID);
    return RC_SUCCESS;
}

/* Steps 4 to 6 of RFC 9162 2.1.4.2, with `first_hash` being the old root when the old size is
   a power of two (step 1). */
static bool roots_follow(const struct merkle_head *old, const struct merkle_head *new,
                         const struct merkle_proof *proof)
{
    uint64_t fn = old->size - 1;
    uint64_t sn = new->size - 1;
    unsigned up = (unsigned)__builtin_ctzll(old->size);
    fn >>= up;
    sn >>= up;
    bool power = (old->size & (old->size - 1)) == 0;
    size_t next = power ? 0 : 1;
    struct merkle_hash fr = power ? old->root : proof->at[0];
    struct merkle_hash sr = fr;
    for (; next < proof->count; next++) {
        const struct merkle_hash *c = &proof->at[next];
        if (sn == 0)
            return false;
        if ((fn & 1) != 0 || fn == sn) {
            merkle_node(c, &fr, &fr);
            merkle_node(c, &sr, &sr);
            up = fn == 0 ? 0 : (unsigned)__builtin_ctzll(fn);
            fn >>= up;
            sn >>= up;
        } else {
            merkle_node(&sr, c, &sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && merkle_equal(&fr, &old->root) && merkle_equal(&sr, &new->root);
}

rc merkle_check_consistency(const struct merkle_head *old, const struct merkle_head *new,
                            const struct merkle_proof *proof, struct trail *trail)
{
    struct merkle_hash empty;
    merkle_root(&(struct merkle_tree){ 0 }, &empty);
    if (old->size > new->size || new->size > MERKLE_SIZE_LIMIT || proof->count > MERKLE_PROOF_MAX)
        return REFUSE(trail, REASON_AUDIT_PROOF_INVALID);
    if (old->size == new->size && !merkle_equal(&old->root, &new->root))
        return REFUSE(trail, REASON_AUDIT_FORK);
    bool trivial = old->size == 0 || old->size == new->size;
    if (trivial != (proof->count == 0))
        return REFUSE(trail, REASON_AUDIT_PROOF_INVALID);
    if ((old->size == 0 && !merkle_equal(&old->root, &empty)) ||
        (!trivial && !roots_follow(old, new, proof)))
        return REFUSE(trail, REASON_AUDIT_PROOF_INVALID);
    return RC_SUCCESS;
}
