/* test_ct.c - comparing and wiping. */
#include "crypto/ct.h"

#include <string.h>

#include "test.h"

static void equal_bytes_are_equal(void **state)
{
    (void)state;
    const uint8_t a[64] = { 1, 2, 3 };
    const uint8_t b[64] = { 1, 2, 3 };
    for (size_t len = 0; len <= sizeof a; len++)
        assert_true(ct_equal(a, b, len));
}

static void one_bit_anywhere_differs(void **state)
{
    (void)state;
    const uint8_t a[64] = { 0 };
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        uint8_t b[64] = { 0 };
        b[bit / 8] = (uint8_t)(1u << bit % 8);
        assert_false(ct_equal(a, b, sizeof a));
        assert_true(ct_equal(a, b, bit / 8));
    }
}

static void nothing_equals_nothing(void **state)
{
    (void)state;
    assert_true(ct_equal(NULL, NULL, 0));
    ct_wipe(NULL, 0);
}

static void wiped_bytes_are_zero(void **state)
{
    (void)state;
    uint8_t bytes[33];
    memset(bytes, 0xaa, sizeof bytes);
    ct_wipe(bytes, 32);
    assert_true(bytes_are_zero(bytes, 32));
    assert_int_equal(bytes[32], 0xaa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equal_bytes_are_equal, ""),
        TEST(one_bit_anywhere_differs, ""),
        TEST(nothing_equals_nothing, ""),
        TEST(wiped_bytes_are_zero, ""),
    };
    return RUN_TESTS(tests);
}
