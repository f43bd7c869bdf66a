/* test_span.c - comparisons of public bytes. */
#include "base/span.h"

#include "test.h"

static void test_equality(void **state)
{
    (void)state;
    assert_true(span_equal_text(span_text("abc"), "abc"));
    assert_false(span_equal_text(span_text("abc"), "ab"));
    assert_false(span_equal_text(span_text("ab"), "abc"));
    assert_false(span_equal_text(span_text("abd"), "abc"));
    assert_true(span_equal((struct span){ 0 }, span_text("")));
    assert_true(bytes_equal(NULL, NULL, 0));
}

static void test_zero(void **state)
{
    (void)state;
    uint8_t bytes[9] = { 0 };
    assert_true(bytes_are_zero(bytes, sizeof bytes));
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = 1;
        assert_false(bytes_are_zero(bytes, sizeof bytes));
        assert_true(bytes_are_zero(bytes, i));
        bytes[i] = 0;
    }
}

static void test_inside(void **state)
{
    (void)state;
    uint8_t bytes[16] = { 0 };
    struct span whole = span_of(bytes + 4, 8);
    assert_true(span_inside(whole, whole));
    assert_true(span_inside(span_of(bytes + 12, 0), whole));
    assert_false(span_inside(span_of(bytes + 3, 1), whole));
    assert_false(span_inside(span_of(bytes + 4, 9), whole));
    assert_false(span_inside(span_of(bytes + 12, 1), whole));
    assert_false(span_inside(span_of(bytes + 5, SIZE_MAX), whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_equality, ""),
        TEST(test_zero, ""),
        TEST(test_inside, ""),
    };
    return RUN_TESTS(tests);
}
