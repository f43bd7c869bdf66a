/* test_decide_quote.c - every way in which a TD or an enclave is not the one that was meant. */
#include "crypto/hash.h"
#include "policy/setup.h"

static void as_is(struct setup *s)
{
    (void)s;
}

/* TD attributes: bit numbers of the TDX module ABI. */
static void td_bit(struct setup *s, unsigned bit)
{
    s->claims.tdx.td_attributes[bit / 8] |= (uint8_t)(1u << bit % 8);
}
static void td_debug(struct setup *s)
{
    td_bit(s, 0);
}
static void td_debug_relaxed(struct setup *s)
{
    td_bit(s, 0);
    s->policy.relaxed.allow_debug = true;
}
static void td_debug_by_policy(struct setup *s)
{
    td_bit(s, 0);
    s->policy.tdx.allow_debug = true;
}
static void td_debug_relaxed_and_pks(struct setup *s)
{
    td_debug_relaxed(s);
    td_bit(s, 30);
}
static void td_tud(struct setup *s)
{
    td_bit(s, 5);
}
static void td_tud_beside_debug(struct setup *s)
{
    td_debug_by_policy(s);
    td_bit(s, 7);
}
static void td_no_sept(struct setup *s)
{
    s->claims.tdx.td_attributes[3] = 0;
}
static void td_no_sept_allowed(struct setup *s)
{
    s->claims.tdx.td_attributes[3] = 0;
    s->policy.tdx.require_sept_ve_disable = false;
}
static void td_reserved(struct setup *s)
{
    td_bit(s, 40);
}
static void td_reserved_low(struct setup *s)
{
    td_bit(s, 8);
}
static void td_migratable(struct setup *s)
{
    td_bit(s, 29);
}
static void td_pks(struct setup *s)
{
    td_bit(s, 30);
}
static void td_kl(struct setup *s)
{
    td_bit(s, 31);
}
static void td_perfmon(struct setup *s)
{
    td_bit(s, 63);
}
static void td_perfmon_allowed(struct setup *s)
{
    td_bit(s, 63);
    s->policy.tdx.attributes_allowed |= TD_PERFMON;
}

static void test_td_attributes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "as is", as_is, ALLOW, REASON_OK, CHECK_AT_38 },
        { "debug", td_debug, DENY, REASON_POLICY_DEBUG, CHECK_AT_38 },
        { "debug relaxed", td_debug_relaxed, ALLOW, REASON_POLICY_DEBUG, CHECK_AT_38 },
        { "debug by policy", td_debug_by_policy, ALLOW, REASON_OK, CHECK_AT_38 },
        { "debug relaxed, PKS", td_debug_relaxed_and_pks, DENY, REASON_POLICY_TD_ATTRIBUTES,
          CHECK_AT_38 },
        { "TUD bit 5", td_tud, DENY, REASON_POLICY_TD_ATTRIBUTES, CHECK_AT_38 },
        { "TUD bit 7 beside allowed debug", td_tud_beside_debug, DENY, REASON_POLICY_TD_ATTRIBUTES,
          CHECK_AT_38 },
        { "no SEPT_VE_DISABLE", td_no_sept, DENY, REASON_POLICY_TD_ATTRIBUTES, CHECK_AT_38 },
        { "no SEPT_VE_DISABLE, allowed", td_no_sept_allowed, ALLOW, REASON_OK, CHECK_AT_38 },
        { "reserved bit 40", td_reserved, DENY, REASON_POLICY_TD_ATTRIBUTES, CHECK_AT_38 },
        { "reserved bit 8", td_reserved_low, DENY, REASON_POLICY_TD_ATTRIBUTES, CHECK_AT_38 },
        { "MIGRATABLE", td_migratable, DENY, REASON_POLICY_TD_ATTRIBUTES, CHECK_AT_38 },
        { "PKS", td_pks, DENY, REASON_POLICY_TD_ATTRIBUTES, CHECK_AT_38 },
        { "KL", td_kl, DENY, REASON_POLICY_TD_ATTRIBUTES, CHECK_AT_38 },
        { "PERFMON", td_perfmon, DENY, REASON_POLICY_TD_ATTRIBUTES, CHECK_AT_38 },
        { "PERFMON allowed", td_perfmon_allowed, ALLOW, REASON_OK, CHECK_AT_38 },
    };
    RUN(EVIDENCE_TDX_V4, rows);
    RUN(EVIDENCE_TDX_V5_10, rows);
    RUN(EVIDENCE_TDX_V5_15, rows);
}

static void test_every_td_bit_alone(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        static struct setup setup;
        setup_init(&setup, EVIDENCE_TDX_V4);
        td_bit(&setup, bit);
        assert_int_equal(setup_decide(&setup).verdict, bit == 28 ? ALLOW : DENY);
    }
}

/* XFAM. */
static void xfam_no_sse(struct setup *s)
{
    s->claims.tdx.xfam[0] = 0xe5;
}
static void xfam_no_x87(struct setup *s)
{
    s->claims.tdx.xfam[0] = 0xe6;
}
static void xfam_zero(struct setup *s)
{
    s->claims.tdx.xfam[0] = 0;
}
static void xfam_all_of_15(struct setup *s)
{
    s->claims.tdx.xfam[0] = 0xe7;
    s->claims.tdx.xfam[1] = 0xdb;
    s->claims.tdx.xfam[2] = 0x06;
}
static void xfam_mpx(struct setup *s)
{
    s->claims.tdx.xfam[0] |= 1u << 3;
}
static void xfam_high(struct setup *s)
{
    s->claims.tdx.xfam[7] = 0x80;
}
static void xfam_narrow_policy(struct setup *s)
{
    s->policy.tdx.xfam_allowed = 0x7;
}

static void test_xfam(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "as is", as_is, ALLOW, REASON_OK, CHECK_AT_39 },
        { "all that the module allows", xfam_all_of_15, ALLOW, REASON_OK, CHECK_AT_39 },
        { "no SSE", xfam_no_sse, DENY, REASON_POLICY_XFAM, CHECK_AT_39 },
        { "no x87", xfam_no_x87, DENY, REASON_POLICY_XFAM, CHECK_AT_39 },
        { "zero", xfam_zero, DENY, REASON_POLICY_XFAM, CHECK_AT_39 },
        { "MPX", xfam_mpx, DENY, REASON_POLICY_XFAM, CHECK_AT_39 },
        { "bit 63", xfam_high, DENY, REASON_POLICY_XFAM, CHECK_AT_39 },
        { "AVX-512 against a narrow policy", xfam_narrow_policy, DENY, REASON_POLICY_XFAM,
          CHECK_AT_39 },
    };
    RUN(EVIDENCE_TDX_V4, rows);
    RUN(EVIDENCE_TDX_V5_15, rows);
}

/* SGX attributes. */
static void sgx_debug(struct setup *s)
{
    s->claims.sgx.attributes[0] |= 0x02;
}
static void sgx_debug_relaxed(struct setup *s)
{
    sgx_debug(s);
    s->policy.relaxed.allow_debug = true;
}
static void sgx_debug_by_policy(struct setup *s)
{
    sgx_debug(s);
    s->policy.sgx.allow_debug = true;
}
static void sgx_no_init(struct setup *s)
{
    s->claims.sgx.attributes[0] = 0x04;
}
static void sgx_no_mode64(struct setup *s)
{
    s->claims.sgx.attributes[0] = 0x01;
}
static void sgx_no_mode64_never(struct setup *s)
{
    sgx_no_mode64(s);
    s->policy.sgx.init_and_mode64 = DEMAND_NEVER;
}
static void sgx_no_init_simulated(struct setup *s)
{
    sgx_no_init(s);
    s->claims.hardware = false;
    s->policy.hardware_required = false;
}
static void sgx_no_init_simulated_always(struct setup *s)
{
    sgx_no_init_simulated(s);
    s->policy.sgx.init_and_mode64 = DEMAND_ALWAYS;
}
static void sgx_provision(struct setup *s)
{
    s->claims.sgx.attributes[0] |= 0x10;
}
static void sgx_provision_allowed(struct setup *s)
{
    sgx_provision(s);
    s->policy.sgx.attributes_allowed |= SGX_PROVISION;
}
static void sgx_reserved(struct setup *s)
{
    s->claims.sgx.attributes[7] = 0x80;
}
static void sgx_reserved_3(struct setup *s)
{
    s->claims.sgx.attributes[0] |= 0x08;
}
static void sgx_kss(struct setup *s)
{
    s->claims.sgx.attributes[0] |= 0x80;
}
static void sgx_xfrm(struct setup *s)
{
    s->claims.sgx.attributes[15] = 0x01;
}

static void test_sgx_attributes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "as is", as_is, ALLOW, REASON_OK, CHECK_AT_39 },
        { "debug", sgx_debug, DENY, REASON_POLICY_DEBUG, CHECK_AT_39 },
        { "debug relaxed", sgx_debug_relaxed, ALLOW, REASON_POLICY_DEBUG, CHECK_AT_39 },
        { "debug by policy", sgx_debug_by_policy, ALLOW, REASON_OK, CHECK_AT_39 },
        { "not initialised", sgx_no_init, DENY, REASON_POLICY_SGX_ATTRIBUTES, CHECK_AT_39 },
        { "32 bits", sgx_no_mode64, DENY, REASON_POLICY_SGX_ATTRIBUTES, CHECK_AT_39 },
        { "32 bits, not demanded", sgx_no_mode64_never, ALLOW, REASON_OK, CHECK_AT_39 },
        { "not initialised, simulated", sgx_no_init_simulated, ALLOW, REASON_OK, CHECK_AT_39 },
        { "the same, always demanded", sgx_no_init_simulated_always, DENY,
          REASON_POLICY_SGX_ATTRIBUTES, CHECK_AT_39 },
        { "provision key", sgx_provision, DENY, REASON_POLICY_SGX_ATTRIBUTES, CHECK_AT_39 },
        { "provision key allowed", sgx_provision_allowed, ALLOW, REASON_OK, CHECK_AT_39 },
        { "reserved bit 63", sgx_reserved, DENY, REASON_POLICY_SGX_ATTRIBUTES, CHECK_AT_39 },
        { "reserved bit 3", sgx_reserved_3, DENY, REASON_POLICY_SGX_ATTRIBUTES, CHECK_AT_39 },
        { "KSS", sgx_kss, ALLOW, REASON_OK, CHECK_AT_39 },
        { "XFRM bit 56", sgx_xfrm, DENY, REASON_POLICY_SGX_ATTRIBUTES, CHECK_AT_39 },
    };
    RUN(EVIDENCE_SGX_V3, rows);
    RUN(EVIDENCE_SGX_V5, rows);
}

/* Measurements: each list alone, matching as the second item, then off by one bit. */
static void test_every_list(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= LIST_ISV_EXT_PROD_ID; i++) {
        const struct policy_list_info *info = policy_list_info((enum policy_list_id)i);
        bool tdx = info->family == FAMILY_TDX;
        static struct setup setup;
        static uint8_t good[64], other[64];
        memset(other, 0x3c, sizeof other);
        memset(good, (int)(i + 1), sizeof good);
        struct span items[] = { span_of(other, info->len), span_of(good, info->len) };
        for (unsigned flip = 0; flip < 2; flip++) {
            setup_init(&setup, tdx ? EVIDENCE_TDX_V5_15 : EVIDENCE_SGX_V3);
            uint8_t *claims = tdx ? (uint8_t *)&setup.claims.tdx : (uint8_t *)&setup.claims.sgx;
            memcpy(claims + info->where, good, info->len);
            claims[info->where + info->len - 1u] ^= (uint8_t)(flip << 7);
            setup_list(&setup.policy.lists[i], items, 2);
            struct decision d = setup_decide(&setup);
            assert_int_equal(d.verdict, flip == 0 ? ALLOW : DENY);
            if (flip == 0)
                continue;
            assert_int_equal(d.reason, REASON_POLICY_MEASUREMENT);
            assert_int_equal(d.check, CHECK_AT_40);
            const struct check *check = &setup.report.checks[CHECK_AT_40];
            assert_string_equal(report_text(&setup.report, check->detail), info->name);
            assert_non_null(strstr(report_text(&setup.report, check->expected), " or "));
        }
    }
}

static const uint8_t mrtd_bytes[48] = { 1 };
static const uint8_t service_bytes[48] = { 2 };
static const struct span mrtd_item[] = { { mrtd_bytes, 48 } };
static const struct span service_item[] = { { service_bytes, 48 } };
static const struct span zero_item[] = { { (const uint8_t[48]){ 0 }, 48 } };
static const struct span enclave_item[] = { { mrtd_bytes, 32 } };
static const struct span app_item[] = { { mrtd_bytes, 20 } };

static void service_td(struct setup *s)
{
    memcpy(s->claims.tdx.mr_service_td, service_bytes, 48);
}
static void service_td_named(struct setup *s)
{
    service_td(s);
    setup_list(&s->policy.lists[LIST_MR_SERVICE_TD], service_item, 1);
}
static void service_td_missing(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_MR_SERVICE_TD], service_item, 1);
}
static void service_td_none_named(struct setup *s)
{
    service_td(s);
    setup_list(&s->policy.lists[LIST_MR_SERVICE_TD], zero_item, 1);
}
static void two_mismatches(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_MRTD], mrtd_item, 1);
    setup_list(&s->policy.lists[LIST_RTMR3], mrtd_item, 1);
}
static void kind_not_judged(struct setup *s)
{
    s->policy.kinds &= ~(1u << (unsigned)s->claims.kind);
}
static void names_sgx(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_MR_ENCLAVE], enclave_item, 1);
}
static void names_pcr(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_PCR0], mrtd_item, 1);
}

static void test_service_td_and_types(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "service TD", service_td, DENY, REASON_POLICY_MEASUREMENT, CHECK_AT_40 },
        { "service TD named", service_td_named, ALLOW, REASON_OK, CHECK_AT_40 },
        { "service TD named and absent", service_td_missing, DENY, REASON_POLICY_MEASUREMENT,
          CHECK_AT_40 },
        { "zero named, service TD there", service_td_none_named, DENY, REASON_POLICY_MEASUREMENT,
          CHECK_AT_40 },
        { "two mismatches", two_mismatches, DENY, REASON_POLICY_MEASUREMENT, CHECK_AT_40 },
        { "kind not judged", kind_not_judged, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
        { "policy names PCRs only", names_pcr, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
    };
    RUN(EVIDENCE_TDX_V5_15, rows);
    static struct setup setup;
    setup_init(&setup, EVIDENCE_TDX_V4);
    names_sgx(&setup);
    assert_int_equal(setup_decide(&setup).reason, REASON_POLICY_TYPE);
    setup_init(&setup, EVIDENCE_TDX_V4);
    two_mismatches(&setup);
    setup_decide(&setup);
    assert_string_equal(report_text(&setup.report, setup.report.checks[CHECK_AT_40].detail),
                        "mrtd, rtmr3");
}

static uint8_t sandbox_bytes[48];
static const struct span sandbox_item[] = { { sandbox_bytes, 48 }, { mrtd_bytes, 48 } };

static void sandbox(struct setup *s)
{
    hash_sha384(span_text("ward sandbox v1"), sandbox_bytes);
    memcpy(s->claims.tdx.mrtd, sandbox_bytes, 48);
}
static void sandbox_named(struct setup *s)
{
    sandbox(s);
    setup_list(&s->policy.lists[LIST_MRTD], sandbox_item, 2);
}
static void sandbox_and_other_registers(struct setup *s)
{
    sandbox(s);
    setup_list(&s->policy.lists[LIST_RTMR0], zero_item, 1);
    memset(s->claims.tdx.rtmr[0], 0, 48);
}
static void sandbox_but_for_a_bit(struct setup *s)
{
    sandbox(s);
    s->claims.tdx.mrtd[47] ^= 1;
}

/* A job of a node's has evidence under the node's root: it passes for nobody who did not mean it.
 */
static void test_a_sandbox_is_named_or_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "named", sandbox_named, ALLOW, REASON_OK, CHECK_AT_40 },
        { "not named", sandbox, DENY, REASON_POLICY_MEASUREMENT, CHECK_AT_40 },
        { "by another register", sandbox_and_other_registers, DENY, REASON_POLICY_MEASUREMENT,
          CHECK_AT_40 },
        { "none", sandbox_but_for_a_bit, ALLOW, REASON_OK, CHECK_AT_40 },
    };
    RUN(EVIDENCE_TDX_V4, rows);
    RUN(EVIDENCE_TDX_V5_15, rows);
}

static void names_tdx(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_MRTD], mrtd_item, 1);
}
static void names_log(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_APP_ID], app_item, 1);
}
static void log_required(struct setup *s)
{
    s->policy.log.required = true;
}
static void prod_id(struct setup *s)
{
    s->policy.sgx.has_isv_prod_id = true;
    s->policy.sgx.isv_prod_id = 7;
}
static void prod_id_other(struct setup *s)
{
    prod_id(s);
    s->claims.sgx.isv_prod_id = 0;
}
static void svn_at_floor(struct setup *s)
{
    s->policy.sgx.min_isv_svn = 3;
}
static void svn_below(struct setup *s)
{
    s->policy.sgx.min_isv_svn = 4;
}
static void config_svn_below(struct setup *s)
{
    s->policy.sgx.min_config_svn = 1;
}

static void test_sgx_numbers_and_types(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "product", prod_id, ALLOW, REASON_OK, CHECK_AT_40 },
        { "another product", prod_id_other, DENY, REASON_POLICY_MEASUREMENT, CHECK_AT_40 },
        { "SVN at the floor", svn_at_floor, ALLOW, REASON_OK, CHECK_AT_40 },
        { "SVN below", svn_below, DENY, REASON_POLICY_MEASUREMENT, CHECK_AT_40 },
        { "CONFIGSVN below", config_svn_below, DENY, REASON_POLICY_MEASUREMENT, CHECK_AT_40 },
        { "policy names TDs only", names_tdx, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
        { "policy names log values only", names_log, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
        { "policy wants a log", log_required, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
        { "kind not judged", kind_not_judged, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
    };
    RUN(EVIDENCE_SGX_V3, rows);
    RUN(EVIDENCE_SGX_V4, rows);
}

/* Report data and nonce. */
static void expect_data(struct setup *s)
{
    s->expectation.has_report_data = true;
    memset(s->expectation.report_data, 0xda, 64);
}
static void policy_data_other(struct setup *s)
{
    expect_data(s);
    s->policy.has_report_data = true;
}
static void seen(struct setup *s)
{
    expect_data(s);
    s->expectation.nonce_seen = true;
}
static void seen_alone(struct setup *s)
{
    s->expectation.nonce_seen = true;
}
static void put_data(struct setup *s, const char *text, size_t len)
{
    uint8_t *data = evidence_kind_is_tdx(s->claims.kind) ? s->claims.tdx.report_data
                                                         : s->claims.sgx.report_data;
    memset(data, 0, 64);
    memcpy(data, text, len);
    s->expectation.has_nonce = true;
    s->expectation.nonce = span_text("fresh");
}
static void nonce(struct setup *s)
{
    put_data(s, "fresh", 5);
}
static void nonce_then_more(struct setup *s)
{
    put_data(s, "fresh1", 6);
}
static void nonce_other(struct setup *s)
{
    put_data(s, "stale", 5);
}
static void nonce_prefix(struct setup *s)
{
    put_data(s, "fres", 4);
}
static void nonce_empty(struct setup *s)
{
    put_data(s, "", 0);
    s->expectation.nonce = (struct span){ 0 };
}
static const uint8_t long_nonce[65];
static void nonce_too_long(struct setup *s)
{
    put_data(s, "", 0);
    s->expectation.nonce = span_of(long_nonce, 65);
}
static void nonce_whole(struct setup *s)
{
    put_data(s, "", 0);
    s->expectation.nonce = span_of(long_nonce, 64);
}
static void policy_nonce_other(struct setup *s)
{
    nonce(s);
    s->policy.has_nonce = true;
    s->policy.nonce = span_text("f");
}
static void user_data(struct setup *s)
{
    expect_data(s);
    s->expectation.has_user_data = true;
    s->expectation.user_data = span_text("ud");
}
static void public_key(struct setup *s)
{
    expect_data(s);
    s->expectation.has_public_key = true;
    s->expectation.public_key = span_text("key");
}

static void test_report_data_and_nonce(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "report data", expect_data, ALLOW, REASON_OK, CHECK_AT_41 },
        { "the policy's report data", policy_data_other, DENY, REASON_POLICY_REPORT_DATA,
          CHECK_AT_41 },
        { "right, but seen", seen, DENY, REASON_NONCE_REPLAY, CHECK_AT_41 },
        { "seen", seen_alone, DENY, REASON_NONCE_REPLAY, CHECK_AT_41 },
        { "nonce", nonce, ALLOW, REASON_OK, CHECK_AT_41 },
        { "nonce of 64 bytes", nonce_whole, ALLOW, REASON_OK, CHECK_AT_41 },
        { "nonce, then no zero", nonce_then_more, DENY, REASON_POLICY_REPORT_DATA, CHECK_AT_41 },
        { "another nonce", nonce_other, DENY, REASON_POLICY_REPORT_DATA, CHECK_AT_41 },
        { "part of the nonce", nonce_prefix, DENY, REASON_POLICY_REPORT_DATA, CHECK_AT_41 },
        { "empty nonce", nonce_empty, DENY, REASON_POLICY_REPORT_DATA, CHECK_AT_41 },
        { "nonce of 65 bytes", nonce_too_long, DENY, REASON_POLICY_REPORT_DATA, CHECK_AT_41 },
        { "the policy's nonce", policy_nonce_other, DENY, REASON_POLICY_REPORT_DATA, CHECK_AT_41 },
        { "right, but user data expected", user_data, DENY, REASON_POLICY_USER_DATA, CHECK_AT_41 },
        { "right, but a key expected", public_key, DENY, REASON_POLICY_PUBLIC_KEY, CHECK_AT_41 },
    };
    RUN(EVIDENCE_TDX_V4, rows);
    RUN(EVIDENCE_TDX_V5_15, rows);
    RUN(EVIDENCE_SGX_V3, rows);
}

/* "full 64 bytes": a difference in any one bit of any byte is seen. */
static void test_every_bit_of_report_data(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 512; bit++) {
        static struct setup setup;
        setup_init(&setup, (bit & 1) != 0 ? EVIDENCE_SGX_V4 : EVIDENCE_TDX_V4);
        expect_data(&setup);
        setup.expectation.report_data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct decision d = setup_decide(&setup);
        assert_int_equal(d.verdict, DENY);
        assert_int_equal(d.reason, REASON_POLICY_REPORT_DATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_td_attributes, "AT-38"),
        TEST(test_every_td_bit_alone, "AT-38"),
        TEST(test_xfam, "AT-39"),
        TEST(test_sgx_attributes, "AT-39"),
        TEST(test_every_list, "AT-40"),
        TEST(test_service_td_and_types, "AT-40"),
        TEST(test_a_sandbox_is_named_or_refused, ""),
        TEST(test_sgx_numbers_and_types, "AT-40"),
        TEST(test_report_data_and_nonce, "AT-41"),
        TEST(test_every_bit_of_report_data, "AT-41"),
    };
    return RUN_TESTS(tests);
}
