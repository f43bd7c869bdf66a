/* decide_platform.c - AT-37 and the floors of AT-21 and AT-24: is the platform good enough?
   Reads verified claims and rules only. */
#include <string.h>

#include "base/number.h"
#include "base/sink.h"
#include "base/time.h"
#include "policy/judge.h"

static void status_values(struct report *report, uint32_t allowed, enum tcb_status actual)
{
    char text[256];
    struct sink out = sink_over(text, sizeof text);
    for (unsigned i = TCB_UP_TO_DATE; i < TCB_STATUS_COUNT; i++) {
        if ((allowed & TCB_STATUS_BIT(i)) == 0)
            continue;
        sink_text(&out, out.len == 0 ? "" : " or ");
        sink_text(&out, tcb_status_name((enum tcb_status)i));
    }
    report_values_text(report, CHECK_AT_37, sink_bytes(&out), span_text(tcb_status_name(actual)));
}

static void check_status(const struct judge *judge, struct report *report)
{
    const struct policy *policy = judge->policy;
    enum tcb_status status = judge->claims->tcb.status;
    bool known = status > TCB_STATUS_NONE && status < TCB_STATUS_COUNT;
    /* A revoked platform is refused whatever the rules hold. */
    uint32_t bit = known && status != TCB_REVOKED ? TCB_STATUS_BIT(status) : 0;
    if ((policy->tcb.allowed & bit) == 0) {
        report_fail(report, CHECK_AT_37, REASON_POLICY_TCB_STATUS, "%s",
                    known ? tcb_status_name(status) : "no status");
        status_values(report, policy->tcb.allowed, status);
        if ((policy->relaxed.tcb & bit) != 0)
            report_relax(report, CHECK_AT_37, REASON_POLICY_TCB_STATUS);
    }
}

static void check_hardware(const struct judge *judge, struct report *report)
{
    const struct policy *policy = judge->policy;
    if (policy->hardware_required && !judge->claims->hardware) {
        report_fail(report, CHECK_AT_37, REASON_POLICY_HARDWARE, "root of the PCK chain");
        if (policy->relaxed.root)
            report_relax(report, CHECK_AT_37, REASON_POLICY_HARDWARE);
    }
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Ids of advisories are compared without regard to case: a deny list that is off by the case
   of a letter must still deny. */
static bool advisory_in(const struct span_list *list, const char *id)
{
    size_t len = strnlen(id, ADVISORY_ID_MAX);
    for (size_t i = 0; i < list->count; i++) {
        size_t at = 0;
        while (list->items[i].len == len && at < len &&
               lower(list->items[i].at[at]) == lower((uint8_t)id[at]))
            at++;
        if (list->items[i].len == len && at == len)
            return true;
    }
    return false;
}

static void check_advisories(const struct judge *judge, struct report *report)
{
    const struct policy_tcb *rules = &judge->policy->tcb;
    const struct tcb_claims *tcb = &judge->claims->tcb;
    for (size_t i = 0; i < tcb->advisory_count && i < ADVISORY_MAX; i++) {
        const char *id = tcb->advisories[i];
        if (advisory_in(&rules->advisories_denied, id))
            report_fail(report, CHECK_AT_37, REASON_POLICY_ADVISORY, "%.31s is denied", id);
        if (rules->advisories_allowed.count != 0 && !advisory_in(&rules->advisories_allowed, id))
            report_fail(report, CHECK_AT_37, REASON_POLICY_ADVISORY, "%.31s is not allowed", id);
    }
}

static bool flag_fits(enum policy_flag wanted, enum flag actual)
{
    switch (wanted) {
    case POLICY_FLAG_ANY:
        return true;
    case POLICY_FLAG_FALSE:
        return actual == FLAG_FALSE;
    case POLICY_FLAG_TRUE:
        return actual == FLAG_TRUE;
    }
    return false;
}

static void check_flags(const struct judge *judge, struct report *report)
{
    const struct policy_tcb *rules = &judge->policy->tcb;
    const struct pck_claims *pck = &judge->claims->pck;
    const struct {
        const char *name;
        enum policy_flag wanted;
        enum flag actual;
    } flags[] = {
        { "dynamic_platform", rules->dynamic_platform, pck->dynamic_platform },
        { "cached_keys", rules->cached_keys, pck->cached_keys },
        { "smt_enabled", rules->smt_enabled, pck->smt_enabled },
    };
    static const char *const words[] = { "not stated", "false", "true" };
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        if (!flag_fits(flags[i].wanted, flags[i].actual)) {
            report_fail(report, CHECK_AT_37, REASON_POLICY_PLATFORM_FLAGS, "%s", flags[i].name);
            report_values_text(
                report, CHECK_AT_37,
                span_text(flags[i].wanted == POLICY_FLAG_TRUE ? "true" : "false"),
                span_text(words[flags[i].actual <= FLAG_TRUE ? flags[i].actual : 0]));
        }
    }
}

/* AT-21: "optional floor on tcbEvaluationDataNumber"; the age is a bound of the same kind. */
static void check_floors(const struct judge *judge, struct report *report)
{
    const struct policy_tcb *rules = &judge->policy->tcb;
    const struct claims *claims = judge->claims;
    if (claims->tcb.evaluation_number < rules->min_evaluation_number) {
        report_fail(report, CHECK_AT_21, REASON_COLLATERAL_TOO_OLD,
                    "evaluation number of TCB info");
        report_values_number(report, CHECK_AT_21, rules->min_evaluation_number,
                             claims->tcb.evaluation_number);
    }
    if (claims->tcb.qe_evaluation_number < rules->min_qe_evaluation_number) {
        report_fail(report, CHECK_AT_24, REASON_COLLATERAL_TOO_OLD,
                    "evaluation number of QE identity");
        report_values_number(report, CHECK_AT_24, rules->min_qe_evaluation_number,
                             claims->tcb.qe_evaluation_number);
    }
    int64_t until;
    bool in_age = rules->max_collateral_age == 0 ||
                  (add_i64(claims->issued, rules->max_collateral_age, &until) &&
                   judge->now <= until);
    if (!in_age) {
        report_fail(report, CHECK_AT_21, REASON_COLLATERAL_TOO_OLD, "age of the collateral");
        int64_t floor = TIME_MIN;
        (void)!add_i64(judge->now, -rules->max_collateral_age, &floor);
        report_values_time(report, CHECK_AT_21, floor, claims->issued);
    }
}

void judge_platform(const struct judge *judge, struct report *report)
{
    const struct policy_tcb *rules = &judge->policy->tcb;
    check_floors(judge, report);
    check_status(judge, report);
    check_hardware(judge, report);
    check_advisories(judge, report);
    if (rules->has_min_date && judge->claims->tcb.date < rules->min_date) {
        report_fail(report, CHECK_AT_37, REASON_POLICY_TCB_DATE, "TCB date");
        report_values_time(report, CHECK_AT_37, rules->min_date, judge->claims->tcb.date);
    }
    check_flags(judge, report);
    report_pass(report, CHECK_AT_37);
}
