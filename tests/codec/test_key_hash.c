/* test_key_hash.c - equal names have equal hashes however they come, repeats are found among
   few and among many, and no order of hashes is slow (the sort is a heap sort). */
#include "test.h"

#include <string.h>

#include "codec/key_hash.h"

static void test_whole_and_by_bytes(void **state)
{
    (void)state;
    struct test_random random = { 1 };
    for (size_t len = 0; len < 70; len++) {
        uint8_t name[70];
        struct key_hasher hasher = { 0 };
        for (size_t i = 0; i < len; i++) {
            name[i] = (uint8_t)test_random_next(&random);
            key_hasher_put(&hasher, name[i]);
        }
        assert_int_equal(key_hash(span_of(name, len)), key_hasher_end(&hasher));
    }
}

/* A zero byte more, or one more or less of the padding, is another name. */
static void test_lengths_differ(void **state)
{
    (void)state;
    static const uint8_t zeros[64];
    uint64_t hashes[64];
    for (size_t len = 0; len < 64; len++)
        hashes[len] = key_hash(span_of(zeros, len));
    uint64_t repeated;
    assert_false(key_hashes_repeat(hashes, 64, &repeated));
}

static void test_repeats(void **state)
{
    (void)state;
    struct test_random random = { 2 };
    for (size_t count = 0; count <= 200; count++) {
        uint64_t hashes[200] = { 0 }, copy[200];
        uint64_t repeated = 7;
        for (size_t i = 0; i < count; i++)
            hashes[i] = test_random_next(&random);
        memcpy(copy, hashes, sizeof copy);
        assert_false(key_hashes_repeat(hashes, count, &repeated));
        assert_int_equal(repeated, 7);
        if (count < 2)
            continue;
        size_t first = test_random_below(&random, count - 1);
        size_t second = first + 1 + test_random_below(&random, count - first - 1);
        uint64_t planted = copy[second] = copy[first];
        assert_true(key_hashes_repeat(copy, count, &repeated));
        assert_int_equal(repeated, planted);
    }
}

static void test_ordered_hashes(void **state)
{
    (void)state;
    uint64_t up[100], down[100];
    uint64_t repeated;
    for (size_t i = 0; i < 100; i++) {
        up[i] = i;
        down[i] = 100 - i;
    }
    assert_false(key_hashes_repeat(up, 100, &repeated));
    assert_false(key_hashes_repeat(down, 100, &repeated));
    up[99] = 98;
    assert_true(key_hashes_repeat(up, 100, &repeated));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whole_and_by_bytes, ""),
        TEST(test_lengths_differ, ""),
        TEST(test_repeats, ""),
        TEST(test_ordered_hashes, ""),
    };
    return RUN_TESTS(tests);
}
