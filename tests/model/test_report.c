/* test_report.c - the first failing line decides, and nothing overflows the text pool. */
#include "model/report.h"

#include <string.h>

#include "base/number.h"
#include "test.h"

static void test_first_line_decides_in_any_order_of_work(void **state)
{
    (void)state;
    struct report r = { 0 };
    assert_int_equal(report_first_failure(&r), CHECK_COUNT);
    assert_false(report_fail(&r, CHECK_AT_30, REASON_QUOTE_SIGNATURE_INVALID, "%s", ""));
    assert_int_equal(report_first_failure(&r), CHECK_AT_30);
    report_fail(&r, CHECK_AE_1, REASON_EVENTLOG_FORMAT, "%s", "");
    assert_int_equal(report_first_failure(&r), CHECK_AT_30);
    report_fail(&r, CHECK_AT_7, REASON_PCK_CHAIN_INVALID, "two certificates");
    assert_int_equal(report_first_failure(&r), CHECK_AT_7);
    assert_true(report_is_sound(&r));
}

static void test_first_failure_of_a_line_stays(void **state)
{
    (void)state;
    struct report r = { 0 };
    report_pass(&r, CHECK_AT_2);
    report_fail(&r, CHECK_AT_2, REASON_QUOTE_VERSION_UNSUPPORTED, "version %d", 6);
    report_fail(&r, CHECK_AT_2, REASON_QUOTE_VENDOR_ID_UNKNOWN, "later");
    report_pass(&r, CHECK_AT_2);
    report_skip(&r, CHECK_AT_2, "later");
    assert_true(report_failed(&r, CHECK_AT_2));
    assert_int_equal(r.checks[CHECK_AT_2].reason, REASON_QUOTE_VERSION_UNSUPPORTED);
    assert_string_equal(report_text(&r, r.checks[CHECK_AT_2].detail), "version 6");
}

static void test_relaxing_needs_the_exact_reason(void **state)
{
    (void)state;
    struct report r = { 0 };
    report_fail(&r, CHECK_AT_4, REASON_QUOTE_TRUNCATED, "short");
    report_relax(&r, CHECK_AT_4, REASON_QUOTE_TRAILING_BYTES);
    assert_true(report_failed(&r, CHECK_AT_4));
    struct report s = { 0 };
    report_relax(&s, CHECK_AT_4, REASON_QUOTE_TRAILING_BYTES);
    assert_false(report_passed(&s, CHECK_AT_4));
    report_fail(&s, CHECK_AT_4, REASON_QUOTE_TRAILING_BYTES, "39 bytes");
    report_relax(&s, CHECK_AT_4, REASON_QUOTE_TRAILING_BYTES);
    assert_true(report_passed(&s, CHECK_AT_4));
    assert_true(s.checks[CHECK_AT_4].relaxed);
    assert_int_equal(s.checks[CHECK_AT_4].reason, REASON_QUOTE_TRAILING_BYTES);
    assert_true(report_is_sound(&s));
}

static void test_values(void **state)
{
    (void)state;
    struct report r = { 0 };
    static const uint8_t bytes[] = { 0xab, 0xcd };
    report_values_hex(&r, CHECK_AT_22, SPAN(bytes), SPAN(bytes));
    assert_int_equal(r.checks[CHECK_AT_22].expected, 0);
    report_fail(&r, CHECK_AT_22, REASON_TCB_INFO_FMSPC_MISMATCH, "FMSPC");
    report_values_hex(&r, CHECK_AT_22, SPAN(bytes), span_of(bytes, 1));
    report_values_number(&r, CHECK_AT_22, 1, 2);
    assert_string_equal(report_text(&r, r.checks[CHECK_AT_22].expected), "abcd");
    assert_string_equal(report_text(&r, r.checks[CHECK_AT_22].actual), "ab");
    report_fail(&r, CHECK_AT_15, REASON_CRL_EXPIRED, "root CRL");
    report_values_time(&r, CHECK_AT_15, 0, -1);
    assert_string_equal(report_text(&r, r.checks[CHECK_AT_15].expected), "1970-01-01T00:00:00Z");
    assert_string_equal(report_text(&r, r.checks[CHECK_AT_15].actual), "1969-12-31T23:59:59Z");
    report_fail(&r, CHECK_AT_31, REASON_TCB_NOT_SUPPORTED, "PCESVN");
    report_values_number(&r, CHECK_AT_31, 11, -3);
    assert_string_equal(report_text(&r, r.checks[CHECK_AT_31].actual), "-3");
}

static void test_a_note_decides_nothing(void **state)
{
    (void)state;
    struct report r = { 0 };
    report_note(&r, CHECK_AT_11, "remark");
    assert_false(report_passed(&r, CHECK_AT_11) || report_failed(&r, CHECK_AT_11));
    report_pass(&r, CHECK_AT_11);
    assert_string_equal(report_text(&r, r.checks[CHECK_AT_11].detail), "remark");
    assert_true(report_is_sound(&r));
    report_fail(&r, CHECK_AT_12, REASON_PCK_EXTENSION_INVALID, "why");
    report_note(&r, CHECK_AT_12, "remark");
    assert_true(report_failed(&r, CHECK_AT_12));
    assert_string_equal(report_text(&r, r.checks[CHECK_AT_12].detail), "why");
}

static void test_pool_is_bounded(void **state)
{
    (void)state;
    struct report r = { 0 };
    char big[REPORT_TEXT_MAX];
    memset(big, 'x', sizeof big);
    for (unsigned i = 0; i < CHECK_COUNT; i++) {
        enum check_id id = (enum check_id)i;
        report_fail(&r, id, REASON_QUOTE_FORMAT, "%.*s", 700, big);
        report_values_text(&r, id, SPAN(big), SPAN(big));
        report_values_hex(&r, id, SPAN(big), SPAN(big));
        assert_true(report_is_sound(&r));
        assert_in_range(strlen(report_text(&r, r.checks[i].detail)), 0, 700);
    }
    assert_string_equal(report_text(&r, UINT16_MAX), "");
    assert_string_equal(report_text(&r, 0), "");
}

static void test_every_check_has_a_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CHECK_COUNT; i++) {
        assert_true(check_info((enum check_id)i)->name[0] != 0);
        assert_true(check_info((enum check_id)i)->id[0] == 'A');
    }
    assert_string_equal(check_info(CHECK_COUNT)->id, "");
    static const enum side sides[] = { SIDE_PEER, SIDE_MINE, SIDE_HOST };
    for (size_t i = 0; i < COUNT_OF(sides); i++)
        assert_int_equal(strlen(side_name(sides[i])), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_line_decides_in_any_order_of_work, ""),
        TEST(test_first_failure_of_a_line_stays, ""),
        TEST(test_relaxing_needs_the_exact_reason, ""),
        TEST(test_values, ""),
        TEST(test_a_note_decides_nothing, ""),
        TEST(test_pool_is_bounded, ""),
        TEST(test_every_check_has_a_name, ""),
    };
    return RUN_TESTS(tests);
}
