/* test_time.c - the calendar, and RFC 3339 as it is written. */
#include "base/time.h"

#include <string.h>
#include <time.h>

#include "test.h"

static void test_agrees_with_libc(void **state)
{
    (void)state;
    for (int64_t at = TIME_MIN; at <= TIME_MAX; at += 86400 * 3 + 12345) {
        struct civil c;
        int64_t back;
        struct tm tm;
        time_t t = (time_t)at;
        assert_true(time_to_civil(at, &c) && time_from_civil(c, &back));
        assert_true(back == at);
        assert_non_null(gmtime_r(&t, &tm));
        assert_true(tm.tm_year + 1900 == c.year && tm.tm_mon + 1 == c.month &&
                    tm.tm_mday == c.day && tm.tm_hour == c.hour && tm.tm_min == c.minute &&
                    tm.tm_sec == c.second);
    }
}

static void test_edges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t at;
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1969-12-31T23:59:59Z", -1 },
        { "0000-01-01T00:00:00Z", TIME_MIN },
        { "9999-12-31T23:59:59Z", TIME_MAX },
        { "2038-01-19T03:14:07Z", INT32_MAX },
        { "2038-01-19T03:14:08Z", INT64_C(2147483648) },
        { "2106-02-07T06:28:16Z", INT64_C(4294967296) },
        { "2024-02-29T12:00:00Z", 1709208000 },
        { "2025-07-04t10:16:31z", 1751624191 },
        { "2025-07-04T12:16:31+02:00", 1751624191 },
        { "2025-07-04T04:46:31-05:30", 1751624191 },
        { "2025-07-04T10:16:31.999999999Z", 1751624191 },
        { "0000-01-01T01:00:00+01:00", TIME_MIN },
        { "9999-12-31T22:59:59-01:00", TIME_MAX },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t at;
        if (!time_parse_rfc3339(span_text(rows[i].text), &at) || at != rows[i].at)
            fail_msg("%s", rows[i].text);
    }
    struct civil c;
    assert_false(time_to_civil(TIME_MIN - 1, &c) || time_to_civil(TIME_MAX + 1, &c));
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "2025-07-04",
        "2025-07-04T10:16:31",
        "2025-07-04 10:16:31Z",
        "2025-13-04T10:16:31Z",
        "2025-00-04T10:16:31Z",
        "2025-02-29T10:16:31Z",
        "1900-02-29T10:16:31Z",
        "2025-04-31T10:16:31Z",
        "2025-07-00T10:16:31Z",
        "2025-07-04T24:00:00Z",
        "2025-07-04T10:60:31Z",
        "2025-06-30T23:59:60Z",
        "2025-07-04T10:16:31.Z",
        "2025-07-04T10:16:31Z ",
        " 2025-07-04T10:16:31Z",
        "2025-07-04T10:16:31+24:00",
        "0000-01-01T00:59:59+01:00",
        "9999-12-31T23:00:00-01:00",
        "2025-07-04T10:16:31+0200",
        "2025-07-04T10:16:31+02:60",
        "+025-07-04T10:16:31Z",
        "12025-07-04T10:16:31Z",
        "-025-07-04T10:16:31Z",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t at = 5;
        if (time_parse_rfc3339(span_text(rows[i]), &at) || at != 5)
            fail_msg("%s", rows[i]);
    }
    const char *whole = "2025-07-04T10:16:31Z";
    for (size_t len = 0; len < strlen(whole); len++) {
        int64_t at;
        assert_false(time_parse_rfc3339(span_of(whole, len), &at));
    }
}

static void test_write(void **state)
{
    (void)state;
    char room[32];
    struct sink out = sink_over(room, sizeof room);
    time_write(&out, 1751624191);
    assert_span_equal(sink_bytes(&out), span_text("2025-07-04T10:16:31Z"));
    out = sink_over(room, sizeof room);
    time_write(&out, INT64_MAX);
    assert_span_equal(sink_bytes(&out), span_text("out of range"));
}

static void test_window_is_closed(void **state)
{
    (void)state;
    struct window w = { 10, 20 };
    assert_int_equal(window_side_of(w, 9), WINDOW_BEFORE);
    assert_int_equal(window_side_of(w, 10), WINDOW_INSIDE);
    assert_int_equal(window_side_of(w, 20), WINDOW_INSIDE);
    assert_int_equal(window_side_of(w, 21), WINDOW_AFTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_agrees_with_libc, ""), TEST(test_edges, ""),
        TEST(test_refusals, ""),         TEST(test_write, ""),
        TEST(test_window_is_closed, ""),
    };
    return RUN_TESTS(tests);
}
