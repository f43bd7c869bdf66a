/* decide_document.c - AN-10 to AN-12 and the values of an event log.  Reads verified claims
   and rules only. */
#include <string.h>

#include "base/number.h"
#include "base/sink.h"
#include "base/time.h"
#include "crypto/ct.h"
#include "policy/judge.h"

/* AN-10, in milliseconds as the document counts.  now, max_age and skew are bounded, so no
   sum overflows. */
static void judge_age(const struct judge *judge, struct report *report)
{
    const struct policy_nitro *rules = &judge->policy->nitro;
    const struct nitro_claims *nitro = &judge->claims->nitro;
    bool time_is_sane = judge->now >= TIME_MIN && judge->now <= TIME_MAX &&
                        nitro->leaf_not_before >= TIME_MIN && nitro->leaf_not_before <= TIME_MAX &&
                        nitro->timestamp_ms / 1000 <= (uint64_t)TIME_MAX;
    if (!time_is_sane) {
        report_fail(report, CHECK_AN_10, REASON_NITRO_FUTURE, "a time outside the years 0 to 9999");
        return;
    }
    int64_t at = (int64_t)nitro->timestamp_ms;
    if (at > (judge->now + rules->skew) * 1000) {
        report_fail(report, CHECK_AN_10, REASON_NITRO_FUTURE,
                    "timestamp is after now and the skew");
        report_values_time(report, CHECK_AN_10, judge->now + rules->skew, at / 1000);
    }
    if (at < nitro->leaf_not_before * 1000) {
        report_fail(report, CHECK_AN_10, REASON_NITRO_FUTURE,
                    "timestamp is before the certificate's notBefore");
        report_values_time(report, CHECK_AN_10, nitro->leaf_not_before, at / 1000);
    }
    if (at < (judge->now - rules->max_age) * 1000) {
        report_fail(report, CHECK_AN_10, REASON_NITRO_STALE, "timestamp is older than %lld s",
                    (long long)rules->max_age);
        report_values_time(report, CHECK_AN_10, judge->now - rules->max_age, at / 1000);
    }
    report_pass(report, CHECK_AN_10);
}

static bool pcr_is_zero(const struct nitro_pcr *pcr)
{
    struct span value = claim_view(pcr->bytes, pcr->len, sizeof pcr->bytes);
    return bytes_are_zero(value.at, value.len);
}

static void check_debug(const struct judge *judge, struct report *report)
{
    const struct nitro_pcr *pcrs = judge->claims->nitro.pcrs;
    bool debug = pcr_is_zero(&pcrs[0]) && pcr_is_zero(&pcrs[1]) && pcr_is_zero(&pcrs[2]);
    if (debug && !judge->policy->nitro.allow_debug) {
        report_fail(report, CHECK_AN_11, REASON_NITRO_DEBUG, "PCR0, PCR1 and PCR2 are zero");
        if (judge->policy->relaxed.allow_debug)
            report_relax(report, CHECK_AN_11, REASON_NITRO_DEBUG);
    }
}

/* AN-11: "a PCR named in the policy but absent is a failure". */
static void check_pcrs(const struct judge *judge, struct report *report)
{
    for (enum policy_list_id id = LIST_PCR0; id <= LIST_PCR31; id++) {
        const struct span_list *list = &judge->policy->lists[id];
        unsigned number = policy_list_info(id)->where;
        const struct nitro_pcr *pcr = &judge->claims->nitro.pcrs[number];
        struct span actual = claim_view(pcr->bytes, pcr->len, sizeof pcr->bytes);
        if (list->count != 0 && (actual.len == 0 || !list_has(list, actual))) {
            report_fail(report, CHECK_AN_11, REASON_POLICY_MEASUREMENT, "PCR%u%s", number,
                        actual.len == 0 ? " is absent" : "");
            list_values(report, CHECK_AN_11, list, actual);
        }
    }
}

static struct span blob_view(const struct nitro_blob *blob)
{
    struct span absent = { 0 };
    return blob->present ? claim_view(blob->bytes, blob->len, sizeof blob->bytes) : absent;
}

/* An empty expectation is no expectation that evidence could meet. */
static bool blob_is(const struct nitro_blob *blob, struct span expected)
{
    struct span actual = blob_view(blob);
    return expected.len != 0 && actual.len == expected.len &&
           ct_equal(actual.at, expected.at, expected.len);
}

static void check_document_nonce(const struct nitro_claims *nitro, struct report *report,
                                 struct span expected)
{
    if (!blob_is(&nitro->nonce, expected)) {
        report_fail(report, CHECK_AN_11, REASON_NONCE_MISMATCH, "nonce%s",
                    nitro->nonce.present ? "" : " is absent");
        report_values_hex(report, CHECK_AN_11, expected, blob_view(&nitro->nonce));
    }
}

static void check_binding(const struct judge *judge, struct report *report)
{
    const struct expectation *expected = judge->expectation;
    const struct nitro_claims *nitro = &judge->claims->nitro;
    const struct span_list *ids = &judge->policy->nitro.module_ids;
    struct span module = claim_view(nitro->module_id, nitro->module_id_len,
                                    sizeof nitro->module_id);
    if (expected->has_nonce)
        check_document_nonce(nitro, report, expected->nonce);
    if (judge->policy->has_nonce)
        check_document_nonce(nitro, report, judge->policy->nonce);
    if (expected->nonce_seen)
        report_fail(report, CHECK_AN_11, REASON_NONCE_REPLAY, "nonce seen before");
    if (expected->has_user_data && !blob_is(&nitro->user_data, expected->user_data)) {
        report_fail(report, CHECK_AN_11, REASON_POLICY_USER_DATA, "user_data%s",
                    nitro->user_data.present ? "" : " is absent");
        report_values_hex(report, CHECK_AN_11, expected->user_data, blob_view(&nitro->user_data));
    }
    if (ids->count != 0 && !list_has(ids, module)) {
        report_fail(report, CHECK_AN_11, REASON_POLICY_MODULE_ID, "module_id");
        report_values_text(report, CHECK_AN_11, ids->items[0], module);
    }
}

/* AN-12: "never to a key from outside": an expected key can only confirm the document's own. */
static void judge_recipient(const struct judge *judge, struct report *report)
{
    const struct nitro_blob *key = &judge->claims->nitro.public_key;
    const struct expectation *expected = judge->expectation;
    if (judge->policy->nitro.require_public_key && !key->present)
        report_fail(report, CHECK_AN_12, REASON_POLICY_PUBLIC_KEY, "public_key is absent");
    if (expected->has_public_key && !blob_is(key, expected->public_key)) {
        report_fail(report, CHECK_AN_12, REASON_POLICY_PUBLIC_KEY, "public_key%s",
                    key->present ? "" : " is absent");
        report_values_hex(report, CHECK_AN_12, expected->public_key, blob_view(key));
    }
    if (key->present)
        report_pass(report, CHECK_AN_12);
    report_skip(report, CHECK_AN_12, "the document offers no recipient key");
}

/* A quote's 64 bytes of report data have no place in a document: expecting them is a mistake
   that must not pass for a match. */
static void check_report_data_is_not_expected(const struct judge *judge, struct report *report)
{
    if (judge->expectation->has_report_data || judge->policy->has_report_data)
        report_fail(report, CHECK_AN_11, REASON_POLICY_REPORT_DATA,
                    "a Nitro document has no report_data; use nonce or user_data");
}

void judge_document(const struct judge *judge, struct report *report)
{
    judge_age(judge, report);
    check_debug(judge, report);
    if (judge->policy->hardware_required && !judge->claims->hardware) {
        report_fail(report, CHECK_AN_11, REASON_POLICY_HARDWARE, "root of the document's chain");
        if (judge->policy->relaxed.root)
            report_relax(report, CHECK_AN_11, REASON_POLICY_HARDWARE);
    }
    if (!judge_type_is_named(judge, FAMILY_NITRO))
        report_fail(report, CHECK_AN_11, REASON_POLICY_TYPE, "nitro");
    check_pcrs(judge, report);
    check_binding(judge, report);
    check_report_data_is_not_expected(judge, report);
    report_pass(report, CHECK_AN_11);
    judge_recipient(judge, report);
}

static const struct log_value *log_value_find(const struct log_claims *log, const char *name)
{
    for (size_t i = 0; i < log->value_count && i < LOG_VALUE_MAX; i++) {
        if (strncmp(log->values[i].name, name, LOG_NAME_LEN) == 0)
            return &log->values[i];
    }
    return NULL;
}

/* AE-11: "compose-hash = SHA-256(app-compose.json), os-image-hash, key-provider by policy". */
void judge_log(const struct judge *judge, struct report *report)
{
    const struct policy *policy = judge->policy;
    const struct log_claims *log = &judge->claims->log;
    if (!evidence_kind_is_tdx(judge->claims->kind))
        return;
    if (policy->log.required && log->format == LOG_NONE)
        report_fail(report, CHECK_AE_11, REASON_POLICY_EVENT, "the policy requires an event log");
    for (enum policy_list_id id = 0; id < LIST_COUNT; id++) {
        const struct span_list *list = &policy->lists[id];
        const char *name = policy_list_info(id)->name;
        if (policy_list_info(id)->family != FAMILY_LOG)
            continue;
        const struct log_value *value = log_value_find(log, name);
        struct span actual = { 0 };
        if (value != NULL)
            actual = claim_view(value->bytes, value->len, sizeof value->bytes);
        if (list->count != 0 && (value == NULL || !list_has(list, actual))) {
            report_fail(report, CHECK_AE_11, REASON_POLICY_EVENT, "%s%s", name,
                        value == NULL ? " is not in the log" : "");
            list_values(report, CHECK_AE_11, list, actual);
        }
    }
}
