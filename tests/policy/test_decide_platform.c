/* test_decide_platform.c - every way in which a platform is not good enough. */
#include "policy/setup.h"

static const struct span denied_items[] = { { (const uint8_t *)"intel-sa-00001", 14 } };
static const struct span other_items[] = { { (const uint8_t *)"INTEL-SA-00002", 14 },
                                           { (const uint8_t *)"INTEL-SA-0000", 13 } };
static const struct span allowed_items[] = { { (const uint8_t *)"INTEL-SA-00002", 14 },
                                             { (const uint8_t *)"INTEL-SA-00001", 14 } };

static void as_is(struct setup *s)
{
    (void)s;
}
static void out_of_date(struct setup *s)
{
    s->claims.tcb.status = TCB_OUT_OF_DATE;
}
static void relaunch(struct setup *s)
{
    s->claims.tcb.status = TCB_TD_RELAUNCH_ADVISED;
}
static void revoked(struct setup *s)
{
    s->claims.tcb.status = TCB_REVOKED;
}
static void revoked_and_everything_allowed(struct setup *s)
{
    revoked(s);
    for (unsigned i = TCB_UP_TO_DATE; i < TCB_STATUS_COUNT; i++)
        s->policy.tcb.allowed |= TCB_STATUS_BIT(i);
    s->policy.relaxed.tcb = s->policy.tcb.allowed;
}
static void no_status(struct setup *s)
{
    s->claims.tcb.status = TCB_STATUS_NONE;
}
static void wild_status(struct setup *s)
{
    s->claims.tcb.status = (enum tcb_status)(32 + TCB_UP_TO_DATE);
}
static void allowed_out_of_date(struct setup *s)
{
    out_of_date(s);
    s->policy.tcb.allowed |= TCB_STATUS_BIT(TCB_OUT_OF_DATE);
}
static void relaxed_out_of_date(struct setup *s)
{
    out_of_date(s);
    s->policy.relaxed.tcb = TCB_STATUS_BIT(TCB_OUT_OF_DATE);
}
static void relaxed_another(struct setup *s)
{
    out_of_date(s);
    s->policy.relaxed.tcb = TCB_STATUS_BIT(TCB_REVOKED);
}
static void only_out_of_date_allowed(struct setup *s)
{
    s->policy.tcb.allowed = TCB_STATUS_BIT(TCB_OUT_OF_DATE);
}
static void simulated(struct setup *s)
{
    s->claims.hardware = false;
}
static void simulated_by_policy(struct setup *s)
{
    s->claims.hardware = false;
    s->policy.hardware_required = false;
}
static void simulated_relaxed(struct setup *s)
{
    s->claims.hardware = false;
    s->policy.relaxed.root = true;
}
static void simulated_relaxed_and_old(struct setup *s)
{
    simulated_relaxed(s);
    out_of_date(s);
}
static void relaxed_and_advisory(struct setup *s)
{
    relaxed_out_of_date(s);
    setup_list(&s->policy.tcb.advisories_denied, denied_items, 1);
}
static void advisory_denied(struct setup *s)
{
    setup_list(&s->policy.tcb.advisories_denied, denied_items, 1);
}
static void advisory_other_denied(struct setup *s)
{
    setup_list(&s->policy.tcb.advisories_denied, other_items, 2);
}
static void advisory_allowed(struct setup *s)
{
    setup_list(&s->policy.tcb.advisories_allowed, allowed_items, 2);
}
static void advisory_not_allowed(struct setup *s)
{
    setup_list(&s->policy.tcb.advisories_allowed, other_items, 2);
}
static void date_at_floor(struct setup *s)
{
    s->policy.tcb.has_min_date = true;
    s->policy.tcb.min_date = s->claims.tcb.date;
}
static void date_below_floor(struct setup *s)
{
    s->policy.tcb.has_min_date = true;
    s->policy.tcb.min_date = s->claims.tcb.date + 1;
}
static void date_negative_floor(struct setup *s)
{
    s->policy.tcb.has_min_date = true;
    s->policy.tcb.min_date = -5;
    s->claims.tcb.date = -6;
}
static void smt_must_be_off(struct setup *s)
{
    s->policy.tcb.smt_enabled = POLICY_FLAG_FALSE;
}
static void cached_keys_must_be_on(struct setup *s)
{
    s->policy.tcb.cached_keys = POLICY_FLAG_TRUE;
}
static void flag_not_stated(struct setup *s)
{
    s->policy.tcb.dynamic_platform = POLICY_FLAG_FALSE;
}
static void flags_fit(struct setup *s)
{
    s->policy.tcb.smt_enabled = POLICY_FLAG_TRUE;
    s->policy.tcb.cached_keys = POLICY_FLAG_FALSE;
}

static const struct row status_rows[] = {
    { "up to date", as_is, ALLOW, REASON_OK, CHECK_AT_37 },
    { "out of date", out_of_date, DENY, REASON_POLICY_TCB_STATUS, CHECK_AT_37 },
    { "relaunch advised", relaunch, DENY, REASON_POLICY_TCB_STATUS, CHECK_AT_37 },
    { "revoked", revoked, DENY, REASON_POLICY_TCB_STATUS, CHECK_AT_37 },
    { "revoked, every status allowed and relaxed", revoked_and_everything_allowed, DENY,
      REASON_POLICY_TCB_STATUS, CHECK_AT_37 },
    { "no status", no_status, DENY, REASON_POLICY_TCB_STATUS, CHECK_AT_37 },
    { "no such status", wild_status, DENY, REASON_POLICY_TCB_STATUS, CHECK_AT_37 },
    { "allowed by policy", allowed_out_of_date, ALLOW, REASON_OK, CHECK_AT_37 },
    { "relaxed", relaxed_out_of_date, ALLOW, REASON_POLICY_TCB_STATUS, CHECK_AT_37 },
    { "another relaxed", relaxed_another, DENY, REASON_POLICY_TCB_STATUS, CHECK_AT_37 },
    { "policy without UpToDate", only_out_of_date_allowed, DENY, REASON_POLICY_TCB_STATUS,
      CHECK_AT_37 },
    { "simulated", simulated, DENY, REASON_POLICY_HARDWARE, CHECK_AT_37 },
    { "simulated, by policy", simulated_by_policy, ALLOW, REASON_OK, CHECK_AT_37 },
    { "simulated, relaxed", simulated_relaxed, ALLOW, REASON_POLICY_HARDWARE, CHECK_AT_37 },
    { "relaxed root, old platform", simulated_relaxed_and_old, DENY, REASON_POLICY_TCB_STATUS,
      CHECK_AT_37 },
    { "relaxed status, denied advisory", relaxed_and_advisory, DENY, REASON_POLICY_ADVISORY,
      CHECK_AT_37 },
    { "advisory denied", advisory_denied, DENY, REASON_POLICY_ADVISORY, CHECK_AT_37 },
    { "other advisories denied", advisory_other_denied, ALLOW, REASON_OK, CHECK_AT_37 },
    { "advisory allowed", advisory_allowed, ALLOW, REASON_OK, CHECK_AT_37 },
    { "advisory not allowed", advisory_not_allowed, DENY, REASON_POLICY_ADVISORY, CHECK_AT_37 },
    { "TCB date at the floor", date_at_floor, ALLOW, REASON_OK, CHECK_AT_37 },
    { "TCB date a second below", date_below_floor, DENY, REASON_POLICY_TCB_DATE, CHECK_AT_37 },
    { "TCB date before 1970", date_negative_floor, DENY, REASON_POLICY_TCB_DATE, CHECK_AT_37 },
    { "SMT must be off", smt_must_be_off, DENY, REASON_POLICY_PLATFORM_FLAGS, CHECK_AT_37 },
    { "cached keys must be on", cached_keys_must_be_on, DENY, REASON_POLICY_PLATFORM_FLAGS,
      CHECK_AT_37 },
    { "flag not stated", flag_not_stated, DENY, REASON_POLICY_PLATFORM_FLAGS, CHECK_AT_37 },
    { "flags fit", flags_fit, ALLOW, REASON_OK, CHECK_AT_37 },
};

static void test_platform(void **state)
{
    (void)state;
    RUN(EVIDENCE_TDX_V4, status_rows);
    RUN(EVIDENCE_SGX_V3, status_rows);
    RUN(EVIDENCE_TDX_V5_15, status_rows);
}

static void floor_met(struct setup *s)
{
    s->policy.tcb.min_evaluation_number = 17;
}
static void floor_missed(struct setup *s)
{
    s->policy.tcb.min_evaluation_number = 18;
}
static void qe_floor_met(struct setup *s)
{
    s->policy.tcb.min_qe_evaluation_number = 16;
}
static void qe_floor_missed(struct setup *s)
{
    s->policy.tcb.min_qe_evaluation_number = 17;
}
static void age_at_bound(struct setup *s)
{
    s->policy.tcb.max_collateral_age = 86400;
}
static void age_past_bound(struct setup *s)
{
    s->policy.tcb.max_collateral_age = 86399;
}
static void age_of_nothing(struct setup *s)
{
    s->policy.tcb.max_collateral_age = POLICY_AGE_MAX;
    s->claims.issued = 0;
}
static void age_overflow(struct setup *s)
{
    s->policy.tcb.max_collateral_age = 1;
    s->claims.issued = INT64_MAX;
}

static void test_floors(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "floor met", floor_met, ALLOW, REASON_OK, CHECK_AT_21 },
        { "floor missed", floor_missed, DENY, REASON_COLLATERAL_TOO_OLD, CHECK_AT_21 },
        { "QE floor met", qe_floor_met, ALLOW, REASON_OK, CHECK_AT_24 },
        { "QE floor missed", qe_floor_missed, DENY, REASON_COLLATERAL_TOO_OLD, CHECK_AT_24 },
        { "age at its bound", age_at_bound, ALLOW, REASON_OK, CHECK_AT_21 },
        { "age a second past", age_past_bound, DENY, REASON_COLLATERAL_TOO_OLD, CHECK_AT_21 },
        { "age of nothing", age_of_nothing, DENY, REASON_COLLATERAL_TOO_OLD, CHECK_AT_21 },
        { "age overflow", age_overflow, DENY, REASON_COLLATERAL_TOO_OLD, CHECK_AT_21 },
    };
    RUN(EVIDENCE_TDX_V4, rows);
    RUN(EVIDENCE_SGX_V4, rows);
}

static void test_refusal_names_both_values(void **state)
{
    (void)state;
    static struct setup setup;
    setup_init(&setup, EVIDENCE_TDX_V4);
    setup.claims.tcb.status = TCB_OUT_OF_DATE;
    setup.policy.tcb.allowed |= TCB_STATUS_BIT(TCB_SW_HARDENING_NEEDED);
    setup_decide(&setup);
    const struct check *check = &setup.report.checks[CHECK_AT_37];
    assert_string_equal(report_text(&setup.report, check->expected),
                        "UpToDate or SWHardeningNeeded");
    assert_string_equal(report_text(&setup.report, check->actual), "OutOfDate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_platform, "AT-37"),
        TEST(test_floors, "AT-21 AT-24"),
        TEST(test_refusal_names_both_values, ""),
    };
    return RUN_TESTS(tests);
}
