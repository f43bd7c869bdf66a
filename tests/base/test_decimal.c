/* test_decimal.c - numbers as text: each has one form, and a limit is one. */
#include "base/decimal.h"

#include "base/number.h"
#include "test.h"

static void numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t most, value;
    } rows[] = {
        { "0", 0, 0 },
        { "7", 7, 7 },
        { "10", 10, 10 },
        { "65535", UINT16_MAX, UINT16_MAX },
        { "9223372036854775807", INT64_MAX, INT64_MAX },
        { "18446744073709551615", UINT64_MAX, UINT64_MAX },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t value = 99;
        if (!decimal_read(span_text(rows[i].text), rows[i].most, &value))
            fail_msg("%s", rows[i].text);
        assert_int_equal(value, rows[i].value);
        if (rows[i].most > 0 && decimal_read(span_text(rows[i].text), rows[i].most - 1, &value))
            fail_msg("%s is more than the limit", rows[i].text);
    }
}

static void what_is_none(void **state)
{
    static const char *const rows[] = {
        "",
        "00",
        "01",
        "+1",
        "-1",
        " 1",
        "1 ",
        "1\n",
        "1.0",
        "0x1",
        "1e1",
        "\xd9\xa1",
        "18446744073709551616",
        "18446744073709551625",
        "184467440737095516150",
        "99999999999999999999999999",
    };
    uint64_t value = 99;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (decimal_read(span_text(rows[i]), UINT64_MAX, &value))
            fail_msg("%s", rows[i]);
    }
    assert_false(decimal_read(span_of("1\0", 2), UINT64_MAX, &value));
    assert_int_equal(value, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers, ""),
        TEST(what_is_none, ""),
    };
    return RUN_TESTS(tests);
}
