/* test_nearest.c - which known name is meant by an unknown one, and when none is. */
#include "test.h"

#include <string.h>

#include "codec/nearest.h"

static void test_distances(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {
        { "", "", 0 },
        { "a", "", 1 },
        { "", "abc", 3 },
        { "same", "same", 0 },
        { "SAME", "same", 0 },
        { "mrtd", "mtrd", 1 },
        { "rtmr", "rtmr0", 1 },
        { "rtmr1", "rtmr2", 1 },
        { "abc", "xyz", 3 },
        { "abcd", "badc", 2 },
        { "kitten", "sitting", 3 },
        { "nonce", "once", 1 },
        { "ab", "ba", 1 },
        { "ca", "abc", 3 }, /* a part is not edited twice */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span a = span_text(rows[i].a);
        struct span b = span_text(rows[i].b);
        if (text_distance(a, b) != rows[i].distance || text_distance(b, a) != rows[i].distance)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
    }
}

/* A distance: never less than the difference of lengths, never more than the longer one, and
   no way around is shorter. */
static void test_properties(void **state)
{
    (void)state;
    struct test_random random = { 7 };
    for (size_t trial = 0; trial < 3000; trial++) {
        char text[3][8];
        struct span part[3];
        for (size_t k = 0; k < 3; k++) {
            size_t len = test_random_below(&random, 8);
            for (size_t i = 0; i < len; i++)
                text[k][i] = (char)('a' + test_random_below(&random, 3));
            part[k] = span_of(text[k], len);
        }
        size_t longer = part[0].len > part[1].len ? part[0].len : part[1].len;
        size_t shorter = part[0].len + part[1].len - longer;
        size_t distance = text_distance(part[0], part[1]);
        assert_in_range(distance, longer - shorter, longer);
        assert_int_equal(distance == 0, span_equal(part[0], part[1]));
        /* A swap may cost one more the other way around. */
        assert_true(distance <=
                    2 * (text_distance(part[0], part[2]) + text_distance(part[2], part[1])));
    }
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = { "mrtd",        "rtmr0",        "rtmr1",
                                         "report_data", "min_tcb_date", "x" };
    static const struct {
        const char *name;
        const char *nearest;
    } rows[] = {
        { "mrdt", "mrtd" },
        { "MRTD", "mrtd" },
        { "rtmr", "rtmr0" }, /* the first of equals */
        { "report_date", "report_data" },
        { "reportdata", "report_data" },
        { "min_tcb_dates", "min_tcb_date" },
        { "tcb_date", "min_tcb_date" },
        { "y", "x" },
        { "colour", NULL },
        { "report", NULL },
        { "", "x" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *got = text_nearest(span_text(rows[i].name), names, 6);
        if (rows[i].nearest == NULL)
            assert_null(got);
        else
            assert_string_equal(got, rows[i].nearest);
    }
    assert_null(text_nearest(span_text("mrtd"), names, 0));
}

static void test_long_names(void **state)
{
    (void)state;
    char text[NEAREST_NAME_MAX + 2];
    memset(text, 'n', sizeof text);
    text[NEAREST_NAME_MAX + 1] = 0;
    struct span most = span_of(text, NEAREST_NAME_MAX);
    struct span more = span_of(text, NEAREST_NAME_MAX + 1);
    assert_int_equal(text_distance(most, most), 0);
    assert_int_equal(text_distance(most, more), SIZE_MAX);
    assert_int_equal(text_distance(more, most), SIZE_MAX);
    const char *names[] = { text };
    assert_null(text_nearest(most, names, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_distances, ""),
        TEST(test_properties, ""),
        TEST(test_nearest, ""),
        TEST(test_long_names, ""),
    };
    return RUN_TESTS(tests);
}
