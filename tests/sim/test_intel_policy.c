/* test_intel_policy.c - what genuine-looking quotes of the authority are refused for by policy:
   the whole way from bytes to decision. */
#include "sim/intel_case.h"

static struct intel_case shared;

static int open_case(void **state)
{
    (void)state;
    intel_case_open(&shared);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    intel_case_close(&shared);
    return 0;
}

static const enum evidence_kind both[] = { EVIDENCE_SGX_V3, EVIDENCE_TDX_V5_15 };

static void td_debug(struct sim_spec *s)
{
    s->tdx.td_attributes[0] = 1;
    s->sgx.attributes[0] |= 2;
}
static void service_td(struct sim_spec *s)
{
    s->tdx.mr_service_td[0] = 1;
}
static void supervisor_keys(struct sim_spec *s)
{
    s->tdx.td_attributes[3] |= 0x40; /* PKS */
}
static void xfam(struct sim_spec *s)
{
    s->tdx.xfam[1] = 0x04;
}

static void test_policy(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum evidence_kind kind;
        void (*change)(struct sim_spec *spec);
        enum reason reason;
        enum check_id check;
    } rows[] = {
        { "debug TD", EVIDENCE_TDX_V4, td_debug, REASON_POLICY_DEBUG, CHECK_AT_38 },
        { "debug TD", EVIDENCE_TDX_V5_15, td_debug, REASON_POLICY_DEBUG, CHECK_AT_38 },
        { "debug enclave", EVIDENCE_SGX_V3, td_debug, REASON_POLICY_DEBUG, CHECK_AT_39 },
        { "PKS", EVIDENCE_TDX_V4, supervisor_keys, REASON_POLICY_TD_ATTRIBUTES, CHECK_AT_38 },
        { "XFAM", EVIDENCE_TDX_V5_10, xfam, REASON_POLICY_XFAM, CHECK_AT_39 },
        { "service TD", EVIDENCE_TDX_V5_15, service_td, REASON_POLICY_MEASUREMENT, CHECK_AT_40 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        intel_case_reset(&shared, rows[i].kind);
        rows[i].change(&shared.spec);
        intel_case_run(&shared);
        intel_case_assert(&shared, rows[i].name, DENY, rows[i].reason, rows[i].check);
        assert_true(shared.claims.verified);
    }
    for (size_t k = 0; k < COUNT_OF(both); k++) {
        intel_case_reset(&shared, both[k]);
        shared.policy.hardware_required = true;
        intel_case_run(&shared);
        intel_case_assert(&shared, "simulated", DENY, REASON_POLICY_HARDWARE, CHECK_AT_37);
        intel_case_reset(&shared, both[k]);
        shared.policy.tcb.min_evaluation_number = 18;
        intel_case_run(&shared);
        intel_case_assert(&shared, "floor", DENY, REASON_COLLATERAL_TOO_OLD, CHECK_AT_21);
        intel_case_reset(&shared, both[k]);
        shared.expectation.has_nonce = true;
        shared.expectation.nonce = span_text("nonce");
        memset(shared.spec.tdx.report_data, 0, 64);
        memset(shared.spec.sgx.report_data, 0, 64);
        memcpy(shared.spec.tdx.report_data, "nonce", 5);
        memcpy(shared.spec.sgx.report_data, "nonce", 5);
        intel_case_run(&shared);
        intel_case_assert(&shared, "nonce", ALLOW, REASON_OK, CHECK_AT_41);
        shared.expectation.nonce_seen = true;
        intel_case_run(&shared);
        intel_case_assert(&shared, "seen", DENY, REASON_NONCE_REPLAY, CHECK_AT_41);
    }
}

static void test_collateral_age(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(both); k++) {
        for (int64_t second = -1; second <= 1; second++) {
            intel_case_reset(&shared, both[k]);
            shared.spec.root_crl.validity.from = NOW - 10 * DAY;
            shared.policy.tcb.max_collateral_age = 10 * (int64_t)DAY + second;
            intel_case_run(&shared);
            intel_case_assert(&shared, "age", second < 0 ? DENY : ALLOW,
                              second < 0 ? REASON_COLLATERAL_TOO_OLD : REASON_OK, CHECK_AT_21);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_policy, "AT-37 AT-38 AT-39 AT-40 AT-41"),
        TEST(test_collateral_age, "AT-21"),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}
