/* test_cursor.c - every reader checks bounds, and a failed read changes nothing. */
#include "base/cursor.h"

#include "test.h"

static const uint8_t eight[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static void test_numbers(void **state)
{
    (void)state;
    struct cursor in = cur_over(SPAN(eight));
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    assert_true(cur_u16le(&in, &u16));
    assert_int_equal(u16, 0x0201);
    assert_true(cur_u32be(&in, &u32));
    assert_int_equal(u32, 0x03040506);
    assert_true(cur_u16be(&in, &u16));
    assert_int_equal(u16, 0x0708);
    assert_true(cur_end(&in));
    in = cur_over(SPAN(eight));
    assert_true(cur_u64le(&in, &u64));
    assert_true(u64 == UINT64_C(0x0807060504030201));
    in = cur_over(SPAN(eight));
    assert_true(cur_u64be(&in, &u64));
    assert_true(u64 == UINT64_C(0x0102030405060708));
    in = cur_over(SPAN(eight));
    assert_true(cur_u32le(&in, &u32));
    assert_int_equal(u32, 0x04030201);
}

/* Every prefix too short for a reader leaves cursor and out-parameter as they were. */
static void test_short_reads_change_nothing(void **state)
{
    (void)state;
    for (size_t len = 0; len < 8; len++) {
        struct cursor in = cur_over(span_of(eight, len));
        uint64_t u64 = 77;
        uint32_t u32 = 77;
        uint16_t u16 = 77;
        uint8_t u8 = 77;
        uint8_t copy[8] = { 77 };
        struct span span = { 0 };
        assert_false(cur_u64le(&in, &u64) || cur_u64be(&in, &u64) || cur_copy(&in, copy, 8));
        assert_false(cur_take(&in, 8, &span) || cur_skip(&in, 8) || cur_take(&in, SIZE_MAX, &span));
        if (len < 4)
            assert_false(cur_u32le(&in, &u32) || cur_u32be(&in, &u32));
        if (len < 2)
            assert_false(cur_u16le(&in, &u16) || cur_u16be(&in, &u16));
        if (len < 1)
            assert_false(cur_u8(&in, &u8) || cur_peek(&in, &u8));
        assert_int_equal(cur_offset(&in), 0);
        assert_true(cur_is_sound(&in));
        assert_true(u64 == 77 && u32 == 77 && u16 == 77 && u8 == 77 && copy[0] == 77);
        assert_null(span.at);
    }
}

static void test_nested_lengths_move_together(void **state)
{
    (void)state;
    static const uint8_t good[] = { 3, 0, 'a', 'b', 'c', 9 };
    struct cursor in = cur_over(SPAN(good));
    struct cursor body;
    assert_true(cur_sub_u16le(&in, &body));
    assert_span_equal(cur_rest(&body), span_text("abc"));
    assert_int_equal(cur_left(&in), 1);
    for (size_t len = 0; len < 5; len++) {
        in = cur_over(span_of(good, len));
        assert_false(cur_sub_u16le(&in, &body));
        assert_int_equal(cur_offset(&in), 0);
    }
    static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 1 };
    in = cur_over(SPAN(huge));
    assert_false(cur_sub_u32le(&in, &body));
    assert_int_equal(cur_offset(&in), 0);
    static const uint8_t wide[] = { 1, 0, 0, 0, 'x' };
    in = cur_over(SPAN(wide));
    assert_true(cur_sub_u32le(&in, &body) && cur_end(&in));
    assert_span_equal(cur_rest(&body), span_text("x"));
}

static void test_expect_and_since(void **state)
{
    (void)state;
    struct cursor in = cur_over(span_text("magic body"));
    assert_false(cur_expect(&in, span_text("magik")));
    assert_int_equal(cur_offset(&in), 0);
    assert_true(cur_expect(&in, span_text("magic")));
    size_t mark = cur_offset(&in);
    assert_true(cur_skip(&in, 3));
    assert_span_equal(cur_since(&in, mark), span_text(" bo"));
    assert_int_equal(cur_since(&in, 99).len, 0);
    assert_false(cur_expect(&in, span_text("dy and more")));
    struct cursor empty = cur_over((struct span){ 0 });
    assert_true(cur_end(&empty));
    assert_true(cur_expect(&empty, (struct span){ 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_numbers, ""),
        TEST(test_short_reads_change_nothing, ""),
        TEST(test_nested_lengths_move_together, ""),
        TEST(test_expect_and_since, ""),
    };
    return RUN_TESTS(tests);
}
