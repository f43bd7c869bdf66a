/* test_decide.c - no way to a yes but a complete, clean, verified judgement. */
#include "policy/decide.h"

#include <string.h>

#include "policy/setup.h"

static const enum evidence_kind kinds[] = {
    EVIDENCE_SGX_V3,    EVIDENCE_SGX_V4,    EVIDENCE_SGX_V5, EVIDENCE_TDX_V4,
    EVIDENCE_TDX_V5_10, EVIDENCE_TDX_V5_15, EVIDENCE_NITRO,
};

static void test_good_evidence_is_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        static struct setup setup;
        setup_init(&setup, kinds[i]);
        struct decision d = setup_decide(&setup);
        assert_int_equal(d.verdict, ALLOW);
        assert_int_equal(d.reason, REASON_OK);
    }
}

static void test_nothing_is_denied(void **state)
{
    (void)state;
    static const struct policy no_policy;
    static const struct claims no_claims;
    static const struct expectation nothing;
    struct policy policy = policy_default();
    for (int64_t now = -1; now <= 1; now++) {
        struct report report = { 0 };
        assert_int_equal(policy_decide(&policy, &no_claims, &nothing, now, &report).verdict, DENY);
        report = (struct report){ 0 };
        assert_int_equal(policy_decide(&no_policy, &no_claims, &nothing, now, &report).verdict,
                         DENY);
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        static struct setup setup;
        setup_init(&setup, kinds[i]);
        setup.policy = no_policy;
        struct decision d = setup_decide(&setup);
        assert_int_equal(d.verdict, DENY);
        assert_int_equal(d.reason, REASON_NONE);
    }
}

static void test_unverified_claims_are_not_looked_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        static struct setup setup;
        setup_init(&setup, kinds[i]);
        setup.claims.verified = false;
        assert_int_equal(setup_decide(&setup).verdict, DENY);
        assert_int_equal(report_first_failure(&setup.report), CHECK_COUNT);
        /* Even a report in which all passed does not help. */
        for (enum check_id id = 0; id < CHECK_COUNT; id++)
            report_pass(&setup.report, id);
        assert_int_equal(setup_decide(&setup).verdict, DENY);
    }
}

static void test_claims_end_with_what_they_rest_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        static struct setup setup;
        setup_init(&setup, kinds[i]);
        setup.claims.valid_until = NOW;
        assert_int_equal(setup_decide(&setup).verdict, ALLOW);
        setup_init(&setup, kinds[i]);
        setup.claims.valid_until = NOW - 1;
        assert_int_equal(setup_decide(&setup).verdict, DENY);
    }
}

static void test_every_required_check_is_required(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        unsigned required = 0;
        for (enum check_id id = 0; id < CHECK_COUNT; id++) {
            static struct setup setup;
            setup_init(&setup, kinds[i]);
            if (!policy_check_is_required(&setup.policy, &setup.claims, &setup.expectation, id))
                continue;
            required++;
            bool of_policy = id >= CHECK_AT_37 && id <= CHECK_AT_41;
            of_policy = of_policy || (id >= CHECK_AN_10 && id <= CHECK_AN_12);
            if (of_policy)
                continue;
            setup.report.checks[id] = (struct check){ 0 };
            struct decision d = setup_decide(&setup);
            assert_int_equal(d.verdict, DENY);
            assert_int_equal(d.reason, REASON_NONE);
            assert_int_equal(d.check, id);
        }
        assert_in_range(required, kinds[i] == EVIDENCE_NITRO ? 10 : 36, 41);
    }
}

static void test_an_earlier_failure_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        static struct setup setup;
        bool nitro = kinds[i] == EVIDENCE_NITRO;
        setup_init(&setup, kinds[i]);
        setup.claims.tcb.status = TCB_REVOKED;
        setup.claims.hardware = false;
        report_fail(&setup.report, nitro ? CHECK_AN_7 : CHECK_AT_15, REASON_CRL_EXPIRED, "x");
        struct decision d = setup_decide(&setup);
        assert_int_equal(d.verdict, DENY);
        assert_int_equal(d.reason, REASON_CRL_EXPIRED);
        assert_true(report_failed(&setup.report, nitro ? CHECK_AN_11 : CHECK_AT_37));
    }
}

static void test_a_failing_log_denies(void **state)
{
    (void)state;
    static const enum log_format formats[] = { LOG_CCEL, LOG_DSTACK_V1, LOG_DSTACK_V2 };
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        static struct setup setup;
        setup_init(&setup, EVIDENCE_TDX_V4);
        setup.claims.log.format = formats[i];
        assert_int_equal(setup_decide(&setup).verdict, DENY);
        for (enum check_id id = CHECK_AE_1; id <= CHECK_AE_11; id++)
            report_pass(&setup.report, id);
        assert_int_equal(setup_decide(&setup).verdict, ALLOW);
        report_fail(&setup.report, CHECK_AE_3, REASON_EVENTLOG_FORMAT, "x");
        assert_int_equal(setup_decide(&setup).verdict, DENY);
    }
}

/* Any bytes at all as claims, policy and expectation: an answer, and never a yes unless the
   claims say that they are verified and the report is complete. */
static void test_total(void **state)
{
    (void)state;
    struct test_random random = { 20231114 };
    for (unsigned round = 0; round < 3000; round++) {
        static struct setup setup;
        setup_init(&setup, kinds[test_random_below(&random, COUNT_OF(kinds))]);
        uint8_t *bytes = (uint8_t *)&setup.claims;
        for (unsigned i = 0; i < 1 + round % 7; i++)
            bytes[test_random_below(&random, sizeof setup.claims)] ^=
                (uint8_t)(1u << test_random_below(&random, 7));
        /* A bool holds 0 or 1 whatever the bits beside it were. */
        setup.claims.verified = (round & 1) != 0;
        setup.claims.hardware = true;
        setup.claims.nitro.nonce.present = setup.claims.nitro.nonce.len != 0 &&
                                           setup.claims.nitro.nonce.len <= NITRO_BLOB_MAX;
        if (setup.claims.kind == EVIDENCE_NITRO)
            setup_nitro(&setup.claims);
        setup.now = (int64_t)test_random_next(&random);
        struct decision d = setup_decide(&setup);
        if (d.verdict == ALLOW) {
            assert_true(setup.claims.verified);
            assert_true(setup.now <= setup.claims.valid_until);
            assert_int_equal(report_first_failure(&setup.report), CHECK_COUNT);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good_evidence_is_allowed, ""),
        TEST(test_nothing_is_denied, ""),
        TEST(test_unverified_claims_are_not_looked_at, ""),
        TEST(test_claims_end_with_what_they_rest_on, ""),
        TEST(test_every_required_check_is_required, ""),
        TEST(test_an_earlier_failure_decides, ""),
        TEST(test_a_failing_log_denies, ""),
        TEST(test_total, ""),
    };
    return RUN_TESTS(tests);
}
