/* test_decision.c - nothing but a complete, clean report allows. */
#include "model/decision.h"

#include "test.h"

static const enum check_id required[] = { CHECK_AT_1, CHECK_AT_30 };

static void test_zero_denies(void **state)
{
    (void)state;
    struct decision zero = { 0 };
    assert_int_equal(zero.verdict, DENY);
    struct report r = { 0 };
    assert_int_equal(decision_from_report(&r, required, 2).verdict, DENY);
    assert_int_equal(decision_from_report(&r, required, 0).verdict, DENY);
    assert_int_equal(decision_from_report(&r, NULL, 0).reason, REASON_NONE);
}

static void test_a_check_nobody_made_denies(void **state)
{
    (void)state;
    struct report r = { 0 };
    report_pass(&r, CHECK_AT_1);
    struct decision d = decision_from_report(&r, required, 2);
    assert_int_equal(d.verdict, DENY);
    assert_int_equal(d.check, CHECK_AT_30);
    report_pass(&r, CHECK_AT_30);
    d = decision_from_report(&r, required, 2);
    assert_int_equal(d.verdict, ALLOW);
    assert_int_equal(d.reason, REASON_OK);
}

static void test_any_failure_denies(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CHECK_COUNT; i++) {
        struct report r = { 0 };
        report_pass(&r, CHECK_AT_1);
        report_pass(&r, CHECK_AT_30);
        report_fail(&r, (enum check_id)i, REASON_QUOTE_FORMAT, "x");
        struct decision d = decision_from_report(&r, required, 2);
        assert_int_equal(d.verdict, DENY);
        assert_int_equal(d.reason, REASON_QUOTE_FORMAT);
        assert_int_equal(d.check, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_zero_denies, ""),
        TEST(test_a_check_nobody_made_denies, ""),
        TEST(test_any_failure_denies, ""),
    };
    return RUN_TESTS(tests);
}
