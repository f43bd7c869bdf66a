/* decide_quote.c - AT-38 to AT-41: is it the workload that the policy means, run as the policy
   wants it, answering me?  Reads verified claims and rules only. */
#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "base/sink.h"
#include "crypto/ct.h"
#include "policy/judge.h"

/* Eight bytes in the order of the wire, least significant first. */
static uint64_t bits_of(const uint8_t bytes[8])
{
    uint64_t bits = 0;
    struct cursor in = cur_over(span_of(bytes, 8));
    return cur_u64le(&in, &bits) ? bits : 0;
}

static void bits_values(struct report *report, enum check_id id, uint64_t expected, uint64_t actual)
{
    uint8_t wanted[8], got[8];
    struct sink out = sink_over(wanted, sizeof wanted);
    sink_u64le(&out, expected);
    out = sink_over(got, sizeof got);
    sink_u64le(&out, actual);
    report_values_hex(report, id, SPAN(wanted), SPAN(got));
}

static int lowest_bit(uint64_t bits)
{
    return bits == 0 ? -1 : __builtin_ctzll(bits);
}

static void judge_td_attributes(const struct judge *judge, struct report *report)
{
    const struct policy_tdx *rules = &judge->policy->tdx;
    uint64_t bits = bits_of(judge->claims->tdx.td_attributes);
    /* "other TUD bits 0; reserved bits 0": no sound policy allows one of those. */
    uint64_t strange = bits & ~(rules->attributes_allowed | TD_DEBUG);
    if ((bits & TD_DEBUG) != 0 && !rules->allow_debug) {
        report_fail(report, CHECK_AT_38, REASON_POLICY_DEBUG, "DEBUG (bit 0)");
        bits_values(report, CHECK_AT_38, bits & ~TD_DEBUG, bits);
        if (judge->policy->relaxed.allow_debug)
            report_relax(report, CHECK_AT_38, REASON_POLICY_DEBUG);
    }
    if (rules->require_sept_ve_disable && (bits & TD_SEPT_VE_DISABLE) == 0) {
        report_fail(report, CHECK_AT_38, REASON_POLICY_TD_ATTRIBUTES,
                    "SEPT_VE_DISABLE (bit 28) is not set");
        bits_values(report, CHECK_AT_38, bits | TD_SEPT_VE_DISABLE, bits);
    }
    if (strange != 0) {
        report_fail(report, CHECK_AT_38, REASON_POLICY_TD_ATTRIBUTES,
                    "bit %d is set and not allowed", lowest_bit(strange));
        bits_values(report, CHECK_AT_38, bits & ~strange, bits);
    }
    report_pass(report, CHECK_AT_38);
}

static void judge_xfam(const struct judge *judge, struct report *report)
{
    uint64_t xfam = bits_of(judge->claims->tdx.xfam);
    uint64_t strange = xfam & ~judge->policy->tdx.xfam_allowed;
    if ((xfam & XFAM_FIXED_1) != XFAM_FIXED_1) {
        report_fail(report, CHECK_AT_39, REASON_POLICY_XFAM, "x87 and SSE (bits 0, 1) are not set");
        bits_values(report, CHECK_AT_39, xfam | XFAM_FIXED_1, xfam);
    }
    if (strange != 0) {
        report_fail(report, CHECK_AT_39, REASON_POLICY_XFAM, "XFAM bit %d is set and not allowed",
                    lowest_bit(strange));
        bits_values(report, CHECK_AT_39, xfam & ~strange, xfam);
    }
    report_pass(report, CHECK_AT_39);
}

static bool is_demanded(enum policy_demand demand, bool hardware)
{
    return demand == DEMAND_ALWAYS || (demand == DEMAND_ON_HARDWARE && hardware);
}

static void judge_sgx_attributes(const struct judge *judge, struct report *report)
{
    const uint64_t launched = SGX_INIT | SGX_MODE64;
    const struct policy_sgx *rules = &judge->policy->sgx;
    uint64_t flags = bits_of(judge->claims->sgx.attributes);
    uint64_t xfrm = bits_of(judge->claims->sgx.attributes + 8);
    uint64_t strange = flags & ~(rules->attributes_allowed | launched | SGX_DEBUG);
    if ((flags & SGX_DEBUG) != 0 && !rules->allow_debug) {
        report_fail(report, CHECK_AT_39, REASON_POLICY_DEBUG, "DEBUG (bit 1)");
        bits_values(report, CHECK_AT_39, flags & ~SGX_DEBUG, flags);
        if (judge->policy->relaxed.allow_debug)
            report_relax(report, CHECK_AT_39, REASON_POLICY_DEBUG);
    }
    if (is_demanded(rules->init_and_mode64, judge->claims->hardware) &&
        (flags & launched) != launched) {
        report_fail(report, CHECK_AT_39, REASON_POLICY_SGX_ATTRIBUTES,
                    "INIT (bit 0) or MODE64BIT (bit 2) is not set");
        bits_values(report, CHECK_AT_39, flags | launched, flags);
    }
    if (strange != 0) {
        report_fail(report, CHECK_AT_39, REASON_POLICY_SGX_ATTRIBUTES,
                    "bit %d%s is set and not allowed", lowest_bit(strange),
                    lowest_bit(strange) == lowest_bit(SGX_PROVISION) ? " (PROVISIONKEY)" : "");
        bits_values(report, CHECK_AT_39, flags & ~strange, flags);
    }
    if ((xfrm & ~rules->xfrm_allowed) != 0) {
        report_fail(report, CHECK_AT_39, REASON_POLICY_SGX_ATTRIBUTES,
                    "XFRM bit %d is set and not allowed", lowest_bit(xfrm & ~rules->xfrm_allowed));
        bits_values(report, CHECK_AT_39, xfrm & rules->xfrm_allowed, xfrm);
    }
    report_pass(report, CHECK_AT_39);
}

void judge_attributes(const struct judge *judge, struct report *report)
{
    if (evidence_kind_is_tdx(judge->claims->kind)) {
        judge_td_attributes(judge, report);
        judge_xfam(judge, report);
        return;
    }
    report_skip(report, CHECK_AT_38, "an SGX enclave has no TD attributes");
    judge_sgx_attributes(judge, report);
}

static enum policy_family family_of(const struct claims *claims)
{
    return evidence_kind_is_tdx(claims->kind) ? FAMILY_TDX : FAMILY_SGX;
}

/* The claim that a list is about. */
static struct span measured(const struct claims *claims, const struct policy_list_info *info)
{
    struct span whole = info->family == FAMILY_TDX ? span_of(&claims->tdx, sizeof claims->tdx)
                                                   : span_of(&claims->sgx, sizeof claims->sgx);
    struct cursor in = cur_over(whole);
    struct span value = { 0 };
    return cur_skip(&in, info->where) && cur_take(&in, info->len, &value) ? value : whole;
}

/* MRTD of each sandbox of Ward's, SHA-384 of "ward sandbox v1" (docs/wire.md). */
static const uint8_t sandbox_mrtd[48] = {
    0xc0, 0x5c, 0xfc, 0x8a, 0x6b, 0x0d, 0x82, 0x18, 0xd9, 0x60, 0x00, 0xee, 0x58, 0xae, 0x3a, 0x91,
    0x66, 0xbe, 0x67, 0xe2, 0x1d, 0x19, 0x05, 0xf4, 0xe2, 0x02, 0x5e, 0x9e, 0xa9, 0xe9, 0x36, 0xc5,
    0xf3, 0x9b, 0x7b, 0x34, 0x25, 0x16, 0xf2, 0xf1, 0x13, 0x9d, 0x8f, 0x91, 0x17, 0x8e, 0xdf, 0x89
};

/* Jobs show evidence under the same root as the house that runs them, for bytes of their choice:
   one that nobody named would pass for it. */
static bool is_unnamed_sandbox(const struct judge *judge)
{
    return evidence_kind_is_tdx(judge->claims->kind) &&
           judge->policy->lists[LIST_MRTD].count == 0 &&
           bytes_equal(judge->claims->tdx.mrtd, sandbox_mrtd, sizeof sandbox_mrtd);
}

static bool service_td_is_judged(const struct judge *judge)
{
    return judge->claims->kind == EVIDENCE_TDX_V5_15;
}

bool judge_has_measurement(const struct judge *judge)
{
    const struct policy_sgx *sgx = &judge->policy->sgx;
    enum policy_family family = family_of(judge->claims);
    if (policy_names_family(judge->policy, family) || !judge_type_is_named(judge, family) ||
        is_unnamed_sandbox(judge))
        return true;
    if (family == FAMILY_TDX)
        return service_td_is_judged(judge);
    return sgx->has_isv_prod_id || sgx->min_isv_svn != 0 || sgx->min_config_svn != 0;
}

/* Judges every list of the family; the first mismatch is reported with its values, the names
   of the others stand beside it. */
static void check_lists(const struct judge *judge, struct report *report)
{
    enum policy_list_id first = LIST_COUNT;
    char others[256];
    struct sink more = sink_over(others, sizeof others);
    for (enum policy_list_id id = 0; id < LIST_COUNT; id++) {
        const struct policy_list_info *info = policy_list_info(id);
        const struct span_list *list = &judge->policy->lists[id];
        if (list->count == 0 || info->family != family_of(judge->claims) ||
            list_has(list, measured(judge->claims, info)))
            continue;
        if (first == LIST_COUNT)
            first = id;
        else
            sink_format(&more, ", %s", info->name);
    }
    sink_terminate(&more);
    if (first != LIST_COUNT) {
        const struct policy_list_info *info = policy_list_info(first);
        report_fail(report, CHECK_AT_40, REASON_POLICY_MEASUREMENT, "%s%s", info->name, others);
        list_values(report, CHECK_AT_40, &judge->policy->lists[first],
                    measured(judge->claims, info));
    }
}

static void check_sgx_numbers(const struct judge *judge, struct report *report)
{
    const struct policy_sgx *rules = &judge->policy->sgx;
    const struct sgx_claims *sgx = &judge->claims->sgx;
    if (rules->has_isv_prod_id && sgx->isv_prod_id != rules->isv_prod_id) {
        report_fail(report, CHECK_AT_40, REASON_POLICY_MEASUREMENT, "isv_prod_id");
        report_values_number(report, CHECK_AT_40, rules->isv_prod_id, sgx->isv_prod_id);
    }
    if (sgx->isv_svn < rules->min_isv_svn) {
        report_fail(report, CHECK_AT_40, REASON_POLICY_MEASUREMENT, "isv_svn");
        report_values_number(report, CHECK_AT_40, rules->min_isv_svn, sgx->isv_svn);
    }
    if (sgx->config_svn < rules->min_config_svn) {
        report_fail(report, CHECK_AT_40, REASON_POLICY_MEASUREMENT, "config_svn");
        report_values_number(report, CHECK_AT_40, rules->min_config_svn, sgx->config_svn);
    }
}

void judge_measurements(const struct judge *judge, struct report *report)
{
    const struct tdx_claims *tdx = &judge->claims->tdx;
    enum policy_family family = family_of(judge->claims);
    if (!judge_type_is_named(judge, family))
        report_fail(report, CHECK_AT_40, REASON_POLICY_TYPE, "%s",
                    evidence_kind_name(judge->claims->kind));
    check_lists(judge, report);
    if (family == FAMILY_SGX)
        check_sgx_numbers(judge, report);
    if (service_td_is_judged(judge) && judge->policy->lists[LIST_MR_SERVICE_TD].count == 0 &&
        !bytes_are_zero(tdx->mr_service_td, sizeof tdx->mr_service_td)) {
        static const uint8_t none[48] = { 0 };
        report_fail(report, CHECK_AT_40, REASON_POLICY_MEASUREMENT, "mr_service_td");
        report_values_hex(report, CHECK_AT_40, SPAN(none), SPAN(tdx->mr_service_td));
    }
    if (is_unnamed_sandbox(judge)) {
        report_fail(report, CHECK_AT_40, REASON_POLICY_MEASUREMENT,
                    "mrtd: a sandbox of Ward's, and the policy names none");
        report_values_hex(report, CHECK_AT_40, (struct span){ 0 }, SPAN(tdx->mrtd));
    }
    if (judge_has_measurement(judge))
        report_pass(report, CHECK_AT_40);
    report_skip(report, CHECK_AT_40, "the policy names no measurement");
}

bool judge_has_binding(const struct judge *judge)
{
    const struct expectation *expected = judge->expectation;
    return expected->has_report_data || expected->has_nonce || expected->nonce_seen ||
           expected->has_user_data || expected->has_public_key || judge->policy->has_report_data ||
           judge->policy->has_nonce;
}

/* AT-41: "compared in constant time, full 64 bytes". */
static void check_report_data(struct report *report, const uint8_t expected[64],
                              const uint8_t actual[64])
{
    if (!ct_equal(expected, actual, 64)) {
        report_fail(report, CHECK_AT_41, REASON_POLICY_REPORT_DATA, "report_data");
        report_values_hex(report, CHECK_AT_41, span_of(expected, 64), span_of(actual, 64));
    }
}

static void check_quote_nonce(struct report *report, struct span nonce, const uint8_t actual[64])
{
    uint8_t expected[64] = { 0 };
    if (nonce.len == 0 || nonce.len > sizeof expected) {
        report_fail(report, CHECK_AT_41, REASON_POLICY_REPORT_DATA,
                    "a nonce of %zu bytes cannot stand in report_data", nonce.len);
        return;
    }
    memcpy(expected, nonce.at, nonce.len);
    check_report_data(report, expected, actual);
}

void judge_report_data(const struct judge *judge, struct report *report)
{
    const struct policy *policy = judge->policy;
    const struct expectation *expected = judge->expectation;
    const uint8_t *actual = evidence_kind_is_tdx(judge->claims->kind)
                                ? judge->claims->tdx.report_data
                                : judge->claims->sgx.report_data;
    if (!judge_has_binding(judge)) {
        report_skip(report, CHECK_AT_41, "no report data or nonce was expected");
        return;
    }
    if (expected->has_report_data)
        check_report_data(report, expected->report_data, actual);
    if (policy->has_report_data)
        check_report_data(report, policy->report_data, actual);
    if (expected->has_nonce)
        check_quote_nonce(report, expected->nonce, actual);
    if (policy->has_nonce)
        check_quote_nonce(report, policy->nonce, actual);
    if (expected->nonce_seen)
        report_fail(report, CHECK_AT_41, REASON_NONCE_REPLAY, "nonce seen before");
    /* An expectation that the evidence cannot meet must not pass for a match. */
    if (expected->has_user_data)
        report_fail(report, CHECK_AT_41, REASON_POLICY_USER_DATA,
                    "a quote has no user_data; use report_data or nonce");
    if (expected->has_public_key)
        report_fail(report, CHECK_AT_41, REASON_POLICY_PUBLIC_KEY,
                    "a quote has no public_key; bind it by report_data");
    report_pass(report, CHECK_AT_41);
}
