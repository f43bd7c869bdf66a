/* test_tree.c - the frontier gives the root that the definition gives, at every size. */
#include "merkle/tree.h"

#include "codec/hex.h"
#include "forest.h"
#include "test.h"

static struct forest forest;

/* The entries and roots that every implementation of RFC 6962 is tried with. */
static void test_known_roots(void **state)
{
    static const struct {
        const char *entry;
        const char *root;
    } rows[] = {
        { "", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
        { "00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
        { "10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
        { "2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
        { "3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
        { "40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
        { "5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
        { "606162636465666768696a6b6c6d6e6f",
          "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
    };
    (void)state;
    struct merkle_tree tree = { 0 };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[16];
        uint8_t expected[SHA256_LEN];
        struct sink entry = sink_over(bytes, sizeof bytes);
        struct merkle_hash leaf;
        struct merkle_hash root;
        assert_true(hex_decode_sink(span_text(rows[i].entry), &entry));
        assert_true(hex_decode(span_text(rows[i].root), expected, sizeof expected));
        merkle_leaf(sink_bytes(&entry), &leaf);
        assert_true(merkle_append(&tree, &leaf));
        merkle_root(&tree, &root);
        assert_span_equal(SPAN(root.at), SPAN(expected));
    }
}

static void test_empty_root(void **state)
{
    (void)state;
    struct merkle_tree tree = { 0 };
    struct merkle_hash root;
    uint8_t expected[SHA256_LEN];
    assert_true(
        hex_decode(span_text("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                   expected, sizeof expected));
    merkle_root(&tree, &root);
    assert_span_equal(SPAN(root.at), SPAN(expected));
}

static void test_every_size_up_to_1024(void **state)
{
    (void)state;
    struct merkle_tree tree = { 0 };
    struct merkle_hash root;
    for (size_t n = 0; n <= FOREST_MAX; n++) {
        merkle_root(&tree, &root);
        assert_true(merkle_equal(&root, &forest.roots[n]));
        assert_true(merkle_tree_is_sound(&tree));
        assert_int_equal(tree.size, n);
        assert_int_equal(merkle_append(&tree, &forest.nodes[0][n % FOREST_MAX]), true);
    }
}

/* Each subtree is at hand when its last leaf has come, and as long as it is a peak. */
static void test_completed_subtrees(void **state)
{
    (void)state;
    struct merkle_tree tree = { 0 };
    for (size_t n = 1; n <= FOREST_MAX; n++) {
        assert_true(merkle_append(&tree, &forest.nodes[0][n - 1]));
        for (unsigned level = 0; level < FOREST_LEVELS; level++) {
            size_t leaves = (size_t)1 << level;
            if ((n & leaves) != 0 || n % leaves == 0)
                assert_true(merkle_equal(&tree.peaks[level], &forest.nodes[level][n / leaves - 1]));
        }
    }
}

/* Subtrees and leaves in any mixture that fits give the same root; one that does not fit is
   refused and changes nothing. */
static void test_perfect_subtrees(void **state)
{
    (void)state;
    for (unsigned level = 0; level < FOREST_LEVELS; level++) {
        struct merkle_tree tree = { 0 };
        struct merkle_hash root;
        uint64_t leaves = UINT64_C(1) << level;
        assert_true(merkle_append_perfect(&tree, level, &forest.nodes[level][0]));
        merkle_root(&tree, &root);
        assert_true(merkle_equal(&root, &forest.roots[leaves]));
        for (uint64_t n = leaves; n < FOREST_MAX; n++) {
            assert_int_equal(merkle_append_perfect(&tree, level, &forest.nodes[level][n >> level]),
                             n % leaves == 0);
            n += n % leaves == 0 ? leaves : 0;
            if (n == FOREST_MAX)
                break;
            assert_true(merkle_append(&tree, &forest.nodes[0][n]));
            merkle_root(&tree, &root);
            assert_true(merkle_equal(&root, &forest.roots[n + 1]));
        }
    }
}

static void test_the_largest_tree(void **state)
{
    (void)state;
    struct merkle_tree tree = { 0 };
    struct merkle_hash hash = { { 1 } };
    struct merkle_hash before;
    struct merkle_hash after;
    for (unsigned level = MERKLE_LEVELS; level-- > 0;)
        assert_true(merkle_append_perfect(&tree, level, &hash));
    assert_true(tree.size == MERKLE_SIZE_LIMIT && merkle_tree_is_sound(&tree));
    merkle_root(&tree, &before);
    assert_false(merkle_append(&tree, &hash));
    assert_false(merkle_append_perfect(&tree, MERKLE_LEVELS, &hash));
    assert_false(merkle_append_perfect(&tree, 64, &hash));
    merkle_root(&tree, &after);
    assert_true(tree.size == MERKLE_SIZE_LIMIT && merkle_equal(&before, &after));
    tree.size++;
    assert_false(merkle_tree_is_sound(&tree));
}

/* A leaf that looks like a node, or a node like a leaf, has another hash. */
static void test_leaves_are_no_nodes(void **state)
{
    (void)state;
    struct merkle_hash node;
    struct merkle_hash leaf;
    uint8_t both[2 * SHA256_LEN];
    for (size_t i = 0; i < SHA256_LEN; i++) {
        both[i] = forest.nodes[0][0].at[i];
        both[SHA256_LEN + i] = forest.nodes[0][1].at[i];
    }
    merkle_node(&forest.nodes[0][0], &forest.nodes[0][1], &node);
    merkle_leaf(SPAN(both), &leaf);
    assert_false(merkle_equal(&node, &leaf));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_known_roots, ""),           TEST(test_empty_root, ""),
        TEST(test_every_size_up_to_1024, ""), TEST(test_perfect_subtrees, ""),
        TEST(test_completed_subtrees, ""),    TEST(test_the_largest_tree, ""),
        TEST(test_leaves_are_no_nodes, ""),
    };
    forest_grow(&forest);
    return RUN_TESTS(tests);
}
