/* decide.c - see decide.h.  Who judges what, and which checks a yes needs. */
#include "policy/decide.h"

#include <stddef.h>

#include "base/number.h"
#include "base/sink.h"
#include "policy/judge.h"

bool list_has(const struct span_list *list, struct span value)
{
    for (size_t i = 0; i < list->count; i++) {
        if (span_equal(list->items[i], value))
            return true;
    }
    return false;
}

void list_values(struct report *report, enum check_id id, const struct span_list *list,
                 struct span actual)
{
    enum { SHOWN = 3 };
    char wanted_text[512], actual_text[300];
    struct sink wanted = sink_over(wanted_text, sizeof wanted_text);
    for (size_t i = 0; i < list->count && i < SHOWN; i++) {
        sink_text(&wanted, i == 0 ? "" : " or ");
        sink_hex(&wanted, list->items[i]);
    }
    if (list->count > SHOWN)
        sink_format(&wanted, " or one of %zu more", list->count - SHOWN);
    struct sink got = sink_over(actual_text, sizeof actual_text);
    sink_hex(&got, actual);
    report_values_text(report, id, sink_bytes(&wanted), sink_bytes(&got));
}

static bool is_quote(enum evidence_kind kind)
{
    return evidence_kind_is_tdx(kind) || evidence_kind_is_sgx(kind);
}

/* What identifies a workload: its measurements. */
static bool family_is_named(const struct policy *policy, enum policy_family family)
{
    bool log = policy_names_family(policy, FAMILY_LOG) || policy->log.required;
    return policy_names_family(policy, family) || (family == FAMILY_TDX && log);
}

/* Rules that say whom the policy means, but do not identify anybody alone. */
static bool family_is_meant(const struct policy *policy, enum policy_family family)
{
    if (family == FAMILY_SGX)
        return policy->sgx.has_isv_prod_id || policy->sgx.min_isv_svn != 0 ||
               policy->sgx.min_config_svn != 0;
    return family == FAMILY_NITRO &&
           (policy->nitro.module_ids.count != 0 || policy->nitro.require_public_key);
}

bool judge_type_is_named(const struct judge *judge, enum policy_family family)
{
    static const enum policy_family families[] = { FAMILY_TDX, FAMILY_SGX, FAMILY_NITRO };
    const struct policy *policy = judge->policy;
    bool any_named = false, any_meant = false;
    if ((policy->kinds & (1u << (unsigned)judge->claims->kind)) == 0)
        return false;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        any_named = any_named || family_is_named(policy, families[i]);
        any_meant = any_meant || family_is_meant(policy, families[i]);
    }
    if (any_named)
        return family_is_named(policy, family);
    return !any_meant || family_is_meant(policy, family);
}

static bool quote_check_is_required(const struct judge *judge, enum check_id id)
{
    enum evidence_kind kind = judge->claims->kind;
    if (id == CHECK_AT_23 || id == CHECK_AT_38)
        return evidence_kind_is_tdx(kind);
    if (id == CHECK_AT_35)
        return kind == EVIDENCE_TDX_V5_15;
    if (id == CHECK_AT_40)
        return judge_has_measurement(judge);
    if (id == CHECK_AT_41)
        return judge_has_binding(judge);
    return id <= CHECK_AT_41;
}

/* AN-8 is about CRLs that the caller may or may not have; AN-12 about a key that a document
   may or may not offer. */
static bool document_check_is_required(const struct judge *judge, enum check_id id)
{
    if (id == CHECK_AN_12)
        return judge->policy->nitro.require_public_key || judge->expectation->has_public_key;
    return id >= CHECK_AN_1 && id <= CHECK_AN_12 && id != CHECK_AN_8;
}

/* A log that came with the quote must be good by every line of its format. */
static bool log_check_is_required(const struct judge *judge, enum check_id id)
{
    switch (judge->claims->log.format) {
    case LOG_CCEL:
        return id <= CHECK_AE_7;
    case LOG_DSTACK_V1:
    case LOG_DSTACK_V2:
        return id >= CHECK_AE_8;
    case LOG_NONE:
        break;
    }
    return false;
}

static bool check_is_required(const struct judge *judge, enum check_id id)
{
    if (id >= CHECK_AE_1)
        return log_check_is_required(judge, id);
    if (is_quote(judge->claims->kind))
        return quote_check_is_required(judge, id);
    return judge->claims->kind == EVIDENCE_NITRO && document_check_is_required(judge, id);
}

bool policy_check_is_required(const struct policy *policy, const struct claims *claims,
                              const struct expectation *expectation, enum check_id id)
{
    const struct judge judge = { policy, claims, expectation, 0 };
    return check_is_required(&judge, id);
}

/* Nothing is taken from claims that no signature, or no longer any, stands for. */
static bool claims_can_be_judged(const struct judge *judge)
{
    const struct claims *claims = judge->claims;
    return claims->verified && judge->now <= claims->valid_until &&
           (is_quote(claims->kind) || claims->kind == EVIDENCE_NITRO);
}

static void judge_claims(const struct judge *judge, struct report *report)
{
    if (judge->claims->kind == EVIDENCE_NITRO) {
        judge_document(judge, report);
    } else {
        judge_platform(judge, report);
        judge_attributes(judge, report);
        judge_measurements(judge, report);
        judge_report_data(judge, report);
    }
    judge_log(judge, report);
}

static void skip_policy(const struct judge *judge, struct report *report)
{
    bool nitro = judge->claims->kind == EVIDENCE_NITRO;
    enum check_id last = nitro ? CHECK_AN_12 : CHECK_AT_41;
    for (enum check_id id = nitro ? CHECK_AN_10 : CHECK_AT_37; id <= last; id++)
        report_skip(report, id, "not judged: the evidence is not verified");
}

struct decision policy_decide(const struct policy *policy, const struct claims *claims,
                              const struct expectation *expectation, int64_t now,
                              struct report *report)
{
    const struct judge judge = { policy, claims, expectation, now };
    enum check_id required[CHECK_COUNT];
    size_t count = 0;
    bool judged = policy_is_sound(policy) && claims_can_be_judged(&judge);
    if (judged)
        judge_claims(&judge, report);
    else
        skip_policy(&judge, report);
    for (enum check_id id = 0; id < CHECK_COUNT; id++) {
        if (check_is_required(&judge, id))
            required[count++] = id;
    }
    struct decision decision = decision_from_report(report, required, count);
    if (!judged && decision.verdict != DENY)
        return (struct decision){ DENY, REASON_NONE, CHECK_COUNT };
    return decision;
}

bool decision_recipient_key(struct decision decision, const struct claims *claims, struct span *key)
{
    const struct nitro_blob *own = &claims->nitro.public_key;
    if (decision.verdict != ALLOW || claims->kind != EVIDENCE_NITRO || !own->present)
        return false;
    struct span view = claim_view(own->bytes, own->len, sizeof own->bytes);
    if (view.len == 0)
        return false;
    *key = view;
    return true;
}
