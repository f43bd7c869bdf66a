/* test_decide_document.c - every way in which a Nitro document or a log is not the one meant. */
#include "base/time.h"
#include "policy/setup.h"

static void as_is(struct setup *s)
{
    (void)s;
}

/* Age.  The document is 10 s old and its certificate 60 s. */
static void at_ms(struct setup *s, int64_t ms_from_now)
{
    s->claims.nitro.timestamp_ms = (uint64_t)(INT64_C(1000) * NOW + ms_from_now);
    s->claims.nitro.leaf_not_before = 0;
}
static void age_at_max(struct setup *s)
{
    at_ms(s, -300000);
}
static void age_past_max(struct setup *s)
{
    at_ms(s, -300001);
}
static void age_far_past(struct setup *s)
{
    at_ms(s, INT64_C(-1000) * NOW + 1);
}
static void skew_at_max(struct setup *s)
{
    at_ms(s, 300000);
}
static void skew_past_max(struct setup *s)
{
    at_ms(s, 300001);
}
static void timestamp_max(struct setup *s)
{
    s->claims.nitro.timestamp_ms = UINT64_MAX;
}
static void timestamp_9999(struct setup *s)
{
    s->claims.nitro.timestamp_ms = UINT64_C(1000) * (uint64_t)TIME_MAX;
}
static void at_not_before(struct setup *s)
{
    s->claims.nitro.leaf_not_before = NOW - 10;
}
static void before_not_before(struct setup *s)
{
    s->claims.nitro.leaf_not_before = NOW - 9;
}
static void short_policy(struct setup *s)
{
    s->policy.nitro.max_age = 9;
}
static void exact_policy(struct setup *s)
{
    s->policy.nitro.max_age = 10;
}
static void no_skew(struct setup *s)
{
    at_ms(s, 1);
    s->policy.nitro.skew = 0;
}
static void now_negative(struct setup *s)
{
    s->now = -1;
}
static void now_wild(struct setup *s)
{
    s->now = INT64_MIN;
}

/* 2^61 s are a multiple of 2^64 ms: in 64 bits such a clock, or such a certificate, would look
   like now. */
static void now_wraps(struct setup *s)
{
    s->now = NOW + (INT64_C(1) << 61);
    s->claims.valid_until = INT64_MAX;
}
static void leaf_wraps(struct setup *s)
{
    s->claims.nitro.leaf_not_before = NOW - 10 + (INT64_C(1) << 61);
}

static void test_age(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "as is", as_is, ALLOW, REASON_OK, CHECK_AN_10 },
        { "age at the bound", age_at_max, ALLOW, REASON_OK, CHECK_AN_10 },
        { "age 1 ms past", age_past_max, DENY, REASON_NITRO_STALE, CHECK_AN_10 },
        { "from 1970", age_far_past, DENY, REASON_NITRO_STALE, CHECK_AN_10 },
        { "skew at the bound", skew_at_max, ALLOW, REASON_OK, CHECK_AN_10 },
        { "skew 1 ms past", skew_past_max, DENY, REASON_NITRO_FUTURE, CHECK_AN_10 },
        { "largest timestamp", timestamp_max, DENY, REASON_NITRO_FUTURE, CHECK_AN_10 },
        { "year 9999", timestamp_9999, DENY, REASON_NITRO_FUTURE, CHECK_AN_10 },
        { "at notBefore", at_not_before, ALLOW, REASON_OK, CHECK_AN_10 },
        { "a second before notBefore", before_not_before, DENY, REASON_NITRO_FUTURE, CHECK_AN_10 },
        { "the policy's age", exact_policy, ALLOW, REASON_OK, CHECK_AN_10 },
        { "past the policy's age", short_policy, DENY, REASON_NITRO_STALE, CHECK_AN_10 },
        { "no skew at all", no_skew, DENY, REASON_NITRO_FUTURE, CHECK_AN_10 },
        { "clock before 1970", now_negative, DENY, REASON_NITRO_FUTURE, CHECK_AN_10 },
        { "clock that wraps around", now_wraps, DENY, REASON_NITRO_FUTURE, CHECK_AN_10 },
        { "certificate that wraps around", leaf_wraps, DENY, REASON_NITRO_FUTURE, CHECK_AN_10 },
        { "clock beyond reason", now_wild, DENY, REASON_NITRO_FUTURE, CHECK_AN_10 },
    };
    RUN(EVIDENCE_NITRO, rows);
}

/* PCRs and binding. */
static const uint8_t pcr_a0[48] = { 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0,
                                    0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0,
                                    0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0,
                                    0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0,
                                    0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0 };
static const uint8_t pcr_other[48] = { 1 };
static const struct span pcr_items[] = { { pcr_other, 48 }, { pcr_a0, 48 } };
static const struct span pcr_part[] = { { pcr_a0, 32 } };
static const struct span module_items[] = { { (const uint8_t *)"i-00", 4 },
                                            { (const uint8_t *)"i-01", 4 } };

static void zero_pcr(struct setup *s, unsigned i)
{
    memset(s->claims.nitro.pcrs[i].bytes, 0, 48);
}
static void debug(struct setup *s)
{
    for (unsigned i = 0; i < 3; i++)
        zero_pcr(s, i);
}
static void debug_absent(struct setup *s)
{
    zero_pcr(s, 0);
    s->claims.nitro.pcrs[1].len = 0;
    s->claims.nitro.pcrs[2].len = 0;
}
static void debug_relaxed(struct setup *s)
{
    debug(s);
    s->policy.relaxed.allow_debug = true;
}
static void debug_by_policy(struct setup *s)
{
    debug(s);
    s->policy.nitro.allow_debug = true;
}
static void one_pcr_left(struct setup *s)
{
    zero_pcr(s, 0);
    zero_pcr(s, 1);
}
static void debug_relaxed_and_pcr(struct setup *s)
{
    debug_relaxed(s);
    setup_list(&s->policy.lists[LIST_PCR0], pcr_items, 2);
}
static void pcr_named(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_PCR0], pcr_items, 2);
}
static void pcr_not_in_list(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_PCR0], pcr_items, 1);
}
static void pcr_another_number(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_PCR1], pcr_items, 2);
}
static void pcr_absent(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_PCR8], pcr_items, 2);
}
static void pcr_prefix(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_PCR0], pcr_part, 1);
}
static void pcr_impossible(struct setup *s)
{
    pcr_named(s);
    s->claims.nitro.pcrs[0].len = 200;
}
static void simulated(struct setup *s)
{
    s->claims.hardware = false;
}
static void simulated_relaxed(struct setup *s)
{
    s->claims.hardware = false;
    s->policy.relaxed.root = true;
}
static void kind_not_judged(struct setup *s)
{
    s->policy.kinds = 1u << EVIDENCE_TDX_V4;
}
static void policy_names_td(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_MRTD], pcr_items, 2);
}
static void policy_names_log(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_KEY_PROVIDER], module_items, 1);
}
static void module(struct setup *s)
{
    setup_list(&s->policy.nitro.module_ids, module_items, 2);
}
static void module_other(struct setup *s)
{
    setup_list(&s->policy.nitro.module_ids, module_items, 1);
}
static void nonce(struct setup *s)
{
    s->expectation.has_nonce = true;
    s->expectation.nonce = span_text("nonc");
}
static void nonce_longer(struct setup *s)
{
    nonce(s);
    s->expectation.nonce = span_text("nonce");
}
static void nonce_other(struct setup *s)
{
    nonce(s);
    s->claims.nitro.nonce.bytes[3] ^= 1;
}
static void nonce_absent(struct setup *s)
{
    nonce(s);
    s->claims.nitro.nonce = (struct nitro_blob){ 0 };
}
static void nonce_empty(struct setup *s)
{
    nonce(s);
    s->expectation.nonce = (struct span){ 0 };
    s->claims.nitro.nonce.len = 0;
}
static void nonce_of_policy(struct setup *s)
{
    s->policy.has_nonce = true;
    s->policy.nonce = span_text("xxxx");
}
static void seen(struct setup *s)
{
    nonce(s);
    s->expectation.nonce_seen = true;
}
static void user_data(struct setup *s)
{
    s->expectation.has_user_data = true;
    s->expectation.user_data = span_text("ud");
}
static void user_data_other(struct setup *s)
{
    user_data(s);
    s->expectation.user_data = span_text("UD");
}
static void user_data_absent(struct setup *s)
{
    user_data(s);
    s->claims.nitro.user_data.present = false;
}
static void report_data(struct setup *s)
{
    s->expectation.has_report_data = true;
}

static void test_registers_and_binding(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "debug", debug, DENY, REASON_NITRO_DEBUG, CHECK_AN_11 },
        { "debug, PCRs absent", debug_absent, DENY, REASON_NITRO_DEBUG, CHECK_AN_11 },
        { "debug relaxed", debug_relaxed, ALLOW, REASON_NITRO_DEBUG, CHECK_AN_11 },
        { "debug by policy", debug_by_policy, ALLOW, REASON_OK, CHECK_AN_11 },
        { "one PCR is not zero", one_pcr_left, ALLOW, REASON_OK, CHECK_AN_11 },
        { "debug relaxed, PCR named", debug_relaxed_and_pcr, DENY, REASON_POLICY_MEASUREMENT,
          CHECK_AN_11 },
        { "PCR named", pcr_named, ALLOW, REASON_OK, CHECK_AN_11 },
        { "PCR not in the list", pcr_not_in_list, DENY, REASON_POLICY_MEASUREMENT, CHECK_AN_11 },
        { "value of another PCR", pcr_another_number, DENY, REASON_POLICY_MEASUREMENT,
          CHECK_AN_11 },
        { "PCR absent", pcr_absent, DENY, REASON_POLICY_MEASUREMENT, CHECK_AN_11 },
        { "prefix of a PCR", pcr_prefix, DENY, REASON_POLICY_MEASUREMENT, CHECK_AN_11 },
        { "PCR of 200 bytes", pcr_impossible, DENY, REASON_POLICY_MEASUREMENT, CHECK_AN_11 },
        { "simulated", simulated, DENY, REASON_POLICY_HARDWARE, CHECK_AN_11 },
        { "simulated, relaxed", simulated_relaxed, ALLOW, REASON_POLICY_HARDWARE, CHECK_AN_11 },
        { "kind not judged", kind_not_judged, DENY, REASON_POLICY_TYPE, CHECK_AN_11 },
        { "policy names TDs only", policy_names_td, DENY, REASON_POLICY_TYPE, CHECK_AN_11 },
        { "policy names log values only", policy_names_log, DENY, REASON_POLICY_TYPE, CHECK_AN_11 },
        { "module id", module, ALLOW, REASON_OK, CHECK_AN_11 },
        { "another module id", module_other, DENY, REASON_POLICY_MODULE_ID, CHECK_AN_11 },
        { "nonce", nonce, ALLOW, REASON_OK, CHECK_AN_11 },
        { "longer nonce", nonce_longer, DENY, REASON_NONCE_MISMATCH, CHECK_AN_11 },
        { "another nonce", nonce_other, DENY, REASON_NONCE_MISMATCH, CHECK_AN_11 },
        { "nonce absent", nonce_absent, DENY, REASON_NONCE_MISMATCH, CHECK_AN_11 },
        { "empty nonce expected", nonce_empty, DENY, REASON_NONCE_MISMATCH, CHECK_AN_11 },
        { "the policy's nonce", nonce_of_policy, DENY, REASON_NONCE_MISMATCH, CHECK_AN_11 },
        { "nonce seen before", seen, DENY, REASON_NONCE_REPLAY, CHECK_AN_11 },
        { "user data", user_data, ALLOW, REASON_OK, CHECK_AN_11 },
        { "other user data", user_data_other, DENY, REASON_POLICY_USER_DATA, CHECK_AN_11 },
        { "user data absent", user_data_absent, DENY, REASON_POLICY_USER_DATA, CHECK_AN_11 },
        { "report data expected", report_data, DENY, REASON_POLICY_REPORT_DATA, CHECK_AN_11 },
    };
    RUN(EVIDENCE_NITRO, rows);
}

/* The recipient key. */
static void key_absent(struct setup *s)
{
    s->claims.nitro.public_key = (struct nitro_blob){ 0 };
}
static void key_required(struct setup *s)
{
    s->policy.nitro.require_public_key = true;
}
static void key_required_absent(struct setup *s)
{
    key_absent(s);
    key_required(s);
}
static void key_expected(struct setup *s)
{
    s->expectation.has_public_key = true;
    s->expectation.public_key = span_text("key");
}
static void key_expected_other(struct setup *s)
{
    key_expected(s);
    s->expectation.public_key = span_text("kez");
}
static void key_expected_absent(struct setup *s)
{
    key_expected(s);
    key_absent(s);
}
static void key_expected_empty(struct setup *s)
{
    key_expected_absent(s);
    s->expectation.public_key = (struct span){ 0 };
}

static void test_recipient_key(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "key", as_is, ALLOW, REASON_OK, CHECK_AN_12 },
        { "no key", key_absent, ALLOW, REASON_OK, CHECK_AN_12 },
        { "key required", key_required, ALLOW, REASON_OK, CHECK_AN_12 },
        { "key required, absent", key_required_absent, DENY, REASON_POLICY_PUBLIC_KEY,
          CHECK_AN_12 },
        { "key expected", key_expected, ALLOW, REASON_OK, CHECK_AN_12 },
        { "another key expected", key_expected_other, DENY, REASON_POLICY_PUBLIC_KEY, CHECK_AN_12 },
        { "key expected, absent", key_expected_absent, DENY, REASON_POLICY_PUBLIC_KEY,
          CHECK_AN_12 },
        { "empty key expected", key_expected_empty, DENY, REASON_POLICY_PUBLIC_KEY, CHECK_AN_12 },
    };
    RUN(EVIDENCE_NITRO, rows);
}

static void test_only_the_documents_own_key_is_offered(void **state)
{
    (void)state;
    static struct setup setup;
    setup_init(&setup, EVIDENCE_NITRO);
    key_expected(&setup);
    struct decision d = setup_decide(&setup);
    struct span key = { 0 };
    assert_true(decision_recipient_key(d, &setup.claims, &key));
    assert_ptr_equal(key.at, setup.claims.nitro.public_key.bytes);
    assert_int_equal(key.len, 3);
    const struct span untouched = key;
    assert_false(decision_recipient_key((struct decision){ 0 }, &setup.claims, &key));
    key_expected_other(&setup);
    d = setup_decide(&setup);
    assert_false(decision_recipient_key(d, &setup.claims, &key));
    setup_init(&setup, EVIDENCE_NITRO);
    key_absent(&setup);
    assert_false(decision_recipient_key(setup_decide(&setup), &setup.claims, &key));
    setup_init(&setup, EVIDENCE_NITRO);
    setup.claims.nitro.public_key.len = NITRO_BLOB_MAX + 1;
    assert_false(decision_recipient_key(setup_decide(&setup), &setup.claims, &key));
    setup_init(&setup, EVIDENCE_TDX_V4);
    assert_false(decision_recipient_key(setup_decide(&setup), &setup.claims, &key));
    assert_ptr_equal(key.at, untouched.at);
}

/* Values of a replayed log. */
static const uint8_t app_bytes[20] = { 9 };
static const struct span app_items[] = { { pcr_other, 20 }, { app_bytes, 20 } };
static const struct span provider_items[] = { { (const uint8_t *)"{\"name\":\"kms\"}", 14 } };

static void log_there(struct setup *s)
{
    s->claims.log.format = LOG_DSTACK_V1;
    s->claims.log.value_count = 1;
    s->claims.log.values[0] = (struct log_value){ "app_id", 20, { 9 } };
    for (enum check_id id = CHECK_AE_8; id <= CHECK_AE_11; id++)
        report_pass(&s->report, id);
}
static void log_absent(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_APP_ID], app_items, 2);
}
static void log_required(struct setup *s)
{
    s->policy.log.required = true;
}
static void log_required_there(struct setup *s)
{
    log_there(s);
    log_required(s);
}
static void app_named(struct setup *s)
{
    log_there(s);
    log_absent(s);
}
static void app_other(struct setup *s)
{
    log_there(s);
    setup_list(&s->policy.lists[LIST_APP_ID], app_items, 1);
}
static void app_prefix(struct setup *s)
{
    app_named(s);
    s->claims.log.values[0].len = 19;
}
static void app_impossible(struct setup *s)
{
    app_named(s);
    s->claims.log.values[0].len = SIZE_MAX;
}
static void provider_not_in_log(struct setup *s)
{
    log_there(s);
    setup_list(&s->policy.lists[LIST_KEY_PROVIDER], provider_items, 1);
}
static void log_not_matching(struct setup *s)
{
    app_named(s);
    report_fail(&s->report, CHECK_AE_11, REASON_RTMR_MISMATCH, "3");
}

static void test_log_values(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "no log, none wanted", as_is, ALLOW, REASON_OK, CHECK_AE_11 },
        { "a log, none wanted", log_there, ALLOW, REASON_OK, CHECK_AE_11 },
        { "value wanted, no log", log_absent, DENY, REASON_POLICY_EVENT, CHECK_AE_11 },
        { "log required", log_required, DENY, REASON_POLICY_EVENT, CHECK_AE_11 },
        { "log required and there", log_required_there, ALLOW, REASON_OK, CHECK_AE_11 },
        { "app id", app_named, ALLOW, REASON_OK, CHECK_AE_11 },
        { "another app id", app_other, DENY, REASON_POLICY_EVENT, CHECK_AE_11 },
        { "part of an app id", app_prefix, DENY, REASON_POLICY_EVENT, CHECK_AE_11 },
        { "app id of impossible length", app_impossible, DENY, REASON_POLICY_EVENT, CHECK_AE_11 },
        { "key provider not in the log", provider_not_in_log, DENY, REASON_POLICY_EVENT,
          CHECK_AE_11 },
        { "registers do not match", log_not_matching, DENY, REASON_RTMR_MISMATCH, CHECK_AE_11 },
    };
    RUN(EVIDENCE_TDX_V4, rows);
    RUN(EVIDENCE_TDX_V5_15, rows);
}

static enum policy_list_id named; /* by the next two */

static void list_named(struct setup *s)
{
    static const uint8_t bytes[32] = { 7 };
    static struct span item;
    const size_t len = policy_list_info(named)->len;
    item = span_of(bytes, len == 0 ? 4 : len);
    log_there(s);
    setup_list(&s->policy.lists[named], &item, 1);
}
static void list_met(struct setup *s)
{
    list_named(s);
    const struct span item = s->policy.lists[named].items[0];
    struct log_value *value = &s->claims.log.values[0];
    *value = (struct log_value){ .len = item.len };
    memcpy(value->name, policy_list_info(named)->name, strlen(policy_list_info(named)->name));
    memcpy(value->bytes, item.at, item.len);
}

/* A key that can be written and holds nothing would be worse than none. */
static void test_every_list_of_a_log_is_a_rule(void **state)
{
    static const struct row rows[] = {
        { "named, and not in the log", list_named, DENY, REASON_POLICY_EVENT, CHECK_AE_11 },
        { "named, and there", list_met, ALLOW, REASON_OK, CHECK_AE_11 },
    };
    size_t count = 0;
    (void)state;
    for (named = 0; named < LIST_COUNT; named++) {
        if (policy_list_info(named)->family != FAMILY_LOG)
            continue;
        RUN(EVIDENCE_TDX_V4, rows);
        count++;
    }
    assert_int_equal(count, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_age, "AN-10"),
        TEST(test_registers_and_binding, "AN-11"),
        TEST(test_recipient_key, "AN-12"),
        TEST(test_only_the_documents_own_key_is_offered, "AN-12"),
        TEST(test_log_values, "AE-11"),
        TEST(test_every_list_of_a_log_is_a_rule, "AE-11"),
    };
    return RUN_TESTS(tests);
}
