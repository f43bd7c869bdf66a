/* test_proof.c - of all proofs up to a size exactly the true ones are accepted. */
#include "merkle/proof.h"

#include "forest.h"
#include "model/reason.h"
#include "test.h"

enum { INCLUSION_MAX = 400, PLAIN_MAX = 100 };

static struct forest forest;
static const struct merkle_source kept = { forest_leaves, forest_subtree, &forest };
static const struct merkle_source plain = { forest_leaves, NULL, &forest };

static struct merkle_head head_of(size_t n)
{
    return (struct merkle_head){ n, forest.roots[n] };
}

static bool same_proof(const struct merkle_proof *a, const struct merkle_proof *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (!merkle_equal(&a->at[i], &b->at[i]))
            return false;
    }
    return a->count == b->count;
}

static enum reason reason_of(rc r)
{
    return rc_ok(r) ? REASON_OK : (enum reason)rc_number(r);
}

/* What is judged: a proof of one kind between fixed heads. */
struct question {
    bool inclusion;
    size_t old; /* the index, of an inclusion */
    size_t size;
};

static enum reason answer(struct question q, const struct merkle_proof *proof)
{
    struct merkle_head old = head_of(q.inclusion ? 0 : q.old);
    struct merkle_head new = head_of(q.size);
    if (q.inclusion)
        return reason_of(merkle_check_inclusion(&new, q.old, &forest.nodes[0][q.old], proof, NULL));
    return reason_of(merkle_check_consistency(&old, &new, proof, NULL));
}

static void make(struct question q, const struct merkle_source *source, struct merkle_proof *out)
{
    rc r = q.inclusion ? merkle_prove_inclusion(source, q.old, q.size, out, NULL)
                       : merkle_prove_consistency(source, q.old, q.size, out, NULL);
    assert_true(rc_ok(r));
}

/* Every proof that differs from the true one in one place is refused. */
static size_t mutate(struct question q, const struct merkle_proof *proof)
{
    size_t tried = 0;
    for (size_t i = 0; i <= proof->count; i++) {
        struct merkle_proof bad = *proof;
        if (i < proof->count) {
            bad.at[i].at[(i + q.size) % SHA256_LEN] ^= (uint8_t)(1u << (i % 8));
            assert_int_equal(answer(q, &bad), REASON_AUDIT_PROOF_INVALID);
            bad = *proof;
            bad.count--;
            for (size_t k = i; k < bad.count; k++)
                bad.at[k] = proof->at[k + 1];
            assert_int_equal(answer(q, &bad), REASON_AUDIT_PROOF_INVALID);
        }
        if (i + 1 < proof->count) {
            bad = *proof;
            bad.at[i] = proof->at[i + 1];
            bad.at[i + 1] = proof->at[i];
            assert_int_equal(answer(q, &bad), REASON_AUDIT_PROOF_INVALID);
        }
        bad = *proof;
        bad.count++;
        for (size_t k = bad.count - 1; k > i; k--)
            bad.at[k] = proof->at[k - 1];
        bad.at[i] = i < proof->count ? proof->at[i] : forest.roots[q.size];
        assert_int_equal(answer(q, &bad), REASON_AUDIT_PROOF_INVALID);
        tried++;
    }
    return tried;
}

static bool is_sampled(size_t old, size_t size)
{
    return size <= 40 || (size >= 255 && size <= 257 && old % 3 == 0) ||
           (size % 127 == 0 && old % 29 == 0) || (size >= 1023 && old % 17 == 0);
}

static void test_all_consistency_proofs(void **state)
{
    (void)state;
    struct merkle_proof proof;
    size_t pairs = 0;
    size_t mutants = 0;
    for (size_t n = 0; n <= FOREST_MAX; n++) {
        for (size_t m = 0; m <= n; m++, pairs++) {
            struct question q = { false, m, n };
            make(q, &kept, &proof);
            assert_int_equal(answer(q, &proof), REASON_OK);
            assert_true(proof.count <= MERKLE_PROOF_MAX);
            /* The same proof does not lead from any other root of that size. */
            struct merkle_head lie = { m, forest.roots[m == 0 ? 1 : m - 1] };
            struct merkle_head new = head_of(n);
            assert_false(rc_ok(merkle_check_consistency(&lie, &new, &proof, NULL)));
            if (is_sampled(m, n))
                mutants += mutate(q, &proof);
        }
    }
    assert_int_equal(pairs, 525825);
    assert_true(mutants > 5000);
}

static void test_two_stories_of_one_size(void **state)
{
    (void)state;
    struct merkle_proof none = { 0 };
    for (size_t n = 1; n <= FOREST_MAX; n++) {
        struct merkle_head a = head_of(n);
        struct merkle_head b = { n, forest.roots[n - 1] };
        assert_int_equal(reason_of(merkle_check_consistency(&a, &b, &none, NULL)),
                         REASON_AUDIT_FORK);
    }
}

static void test_all_inclusion_proofs(void **state)
{
    (void)state;
    struct merkle_proof proof;
    size_t mutants = 0;
    for (size_t n = 1; n <= INCLUSION_MAX; n++) {
        struct merkle_head head = head_of(n);
        for (size_t i = 0; i < n; i++) {
            struct question q = { true, i, n };
            make(q, &kept, &proof);
            assert_int_equal(answer(q, &proof), REASON_OK);
            size_t other = (i + 1) % FOREST_MAX;
            assert_false(
                rc_ok(merkle_check_inclusion(&head, i, &forest.nodes[0][other], &proof, NULL)));
            if (is_sampled(i, n))
                mutants += mutate(q, &proof);
        }
    }
    assert_true(mutants > 4000);
}

/* The leaf of one index is not the leaf of another, whatever proof comes with it. */
static void test_an_index_is_proven(void **state)
{
    (void)state;
    struct merkle_proof proof;
    for (size_t n = 1; n <= 65; n++) {
        struct merkle_head head = head_of(n);
        for (size_t i = 0; i < n; i++) {
            make((struct question){ true, i, n }, &kept, &proof);
            for (size_t k = 0; k < n + 2; k++)
                assert_int_equal(
                    rc_ok(merkle_check_inclusion(&head, k, &forest.nodes[0][i], &proof, NULL)),
                    k == i);
        }
    }
}

/* What is kept of subtrees changes how much is read, never the proof. */
static void test_plain_and_kept_sources_agree(void **state)
{
    (void)state;
    struct merkle_proof a;
    struct merkle_proof b;
    struct merkle_hash root;
    for (size_t n = 0; n <= FOREST_MAX; n++) {
        assert_true(rc_ok(merkle_root_at(&plain, n, &root, NULL)));
        assert_true(merkle_equal(&root, &forest.roots[n]));
        assert_true(rc_ok(merkle_root_at(&kept, n, &root, NULL)));
        assert_true(merkle_equal(&root, &forest.roots[n]));
        for (size_t m = 0; m <= n && (n <= PLAIN_MAX || n == 1021); m++) {
            make((struct question){ false, m, n }, &plain, &a);
            make((struct question){ false, m, n }, &kept, &b);
            assert_true(same_proof(&a, &b));
            if (m == n)
                continue;
            make((struct question){ true, m, n }, &plain, &a);
            make((struct question){ true, m, n }, &kept, &b);
            assert_true(same_proof(&a, &b));
        }
    }
}

static void test_numbers_that_cannot_be(void **state)
{
    (void)state;
    struct merkle_proof proof = { .count = 7 };
    struct merkle_hash root = { { 9 } };
    struct merkle_head head = head_of(8);
    struct merkle_head huge = { UINT64_MAX, forest.roots[8] };
    const struct merkle_hash *leaf = &forest.nodes[0][0];
    assert_int_equal(reason_of(merkle_prove_inclusion(&plain, 0, 0, &proof, NULL)),
                     REASON_AUDIT_PROOF_RANGE);
    assert_int_equal(reason_of(merkle_prove_inclusion(&plain, 8, 8, &proof, NULL)),
                     REASON_AUDIT_PROOF_RANGE);
    assert_int_equal(reason_of(merkle_prove_inclusion(&plain, 0, UINT64_MAX, &proof, NULL)),
                     REASON_AUDIT_PROOF_RANGE);
    assert_int_equal(reason_of(merkle_prove_consistency(&plain, 9, 8, &proof, NULL)),
                     REASON_AUDIT_PROOF_RANGE);
    assert_int_equal(reason_of(merkle_prove_consistency(&plain, 1, UINT64_MAX, &proof, NULL)),
                     REASON_AUDIT_PROOF_RANGE);
    assert_int_equal(reason_of(merkle_root_at(&plain, UINT64_MAX, &root, NULL)),
                     REASON_AUDIT_PROOF_RANGE);
    assert_int_equal(proof.count, 7);
    assert_int_equal(root.at[0], 9);
    proof.count = MERKLE_PROOF_MAX + 1;
    assert_false(rc_ok(merkle_check_inclusion(&head, 0, leaf, &proof, NULL)));
    assert_false(rc_ok(merkle_check_consistency(&head, &huge, &proof, NULL)));
    proof.count = SIZE_MAX;
    assert_false(rc_ok(merkle_check_inclusion(&head, 0, leaf, &proof, NULL)));
    assert_false(rc_ok(merkle_check_consistency(&head, &huge, &proof, NULL)));
    proof.count = 3;
    assert_false(rc_ok(merkle_check_inclusion(&huge, 0, leaf, &proof, NULL)));
    assert_false(rc_ok(merkle_check_consistency(&huge, &head, &proof, NULL)));
}

/* A proof in the largest tree there may be: shapes of 63 levels, hashes made up. */
static void test_the_longest_proof(void **state)
{
    (void)state;
    struct merkle_proof proof = { 0 };
    struct merkle_hash leaf = { { 1 } };
    struct merkle_head head = { UINT64_C(1) << 62, leaf };
    for (proof.count = 0; proof.count < 62; proof.count++) {
        proof.at[proof.count].at[0] = (uint8_t)proof.count;
        merkle_node(&head.root, &proof.at[proof.count], &head.root);
    }
    assert_true(rc_ok(merkle_check_inclusion(&head, 0, &leaf, &proof, NULL)));
    assert_false(rc_ok(merkle_check_inclusion(&head, 1, &leaf, &proof, NULL)));
    proof.count--;
    assert_false(rc_ok(merkle_check_inclusion(&head, 0, &leaf, &proof, NULL)));
}

static void test_a_leaf_that_cannot_be_read(void **state)
{
    (void)state;
    struct merkle_proof proof = { .count = 7 };
    struct merkle_hash root = { { 9 } };
    for (size_t n = 1; n <= 300; n += 13) {
        forest.unreadable = n;
        struct trail trail = { 0 };
        rc r = merkle_root_at(&plain, n + 1, &root, &trail);
        assert_int_equal(reason_of(r), REASON_AUDIT_LEAVES_UNREADABLE);
        assert_int_equal(rc_class_of(r), RC_WORLD);
        assert_true(trail.count > 0);
        assert_false(rc_ok(merkle_prove_inclusion(&plain, 0, n + 1, &proof, NULL)));
        assert_false(rc_ok(merkle_prove_consistency(&plain, n, n + 1, &proof, NULL)));
        assert_int_equal(proof.count, 7);
        assert_int_equal(root.at[0], 9);
    }
    forest.unreadable = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_consistency_proofs, "RL-78"),
        TEST(test_two_stories_of_one_size, "RL-78"),
        TEST(test_all_inclusion_proofs, ""),
        TEST(test_an_index_is_proven, ""),
        TEST(test_plain_and_kept_sources_agree, ""),
        TEST(test_numbers_that_cannot_be, ""),
        TEST(test_the_longest_proof, ""),
        TEST(test_a_leaf_that_cannot_be_read, ""),
    };
    forest_grow(&forest);
    return RUN_TESTS(tests);
}
