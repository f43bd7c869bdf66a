/* judge.h - inside policy/ only: what the judging functions share. */
#ifndef WARD_POLICY_JUDGE_H
#define WARD_POLICY_JUDGE_H

#include "policy/decide.h"

/* One judgement's inputs; nothing in it is written. */
struct judge {
    const struct policy *policy;
    const struct claims *claims;
    const struct expectation *expectation;
    int64_t now;
};

/* Each judges its own lines into the report. */
void judge_platform(const struct judge *judge, struct report *report);     /* AT-37, floors */
void judge_attributes(const struct judge *judge, struct report *report);   /* AT-38, AT-39 */
void judge_measurements(const struct judge *judge, struct report *report); /* AT-40 */
void judge_report_data(const struct judge *judge, struct report *report);  /* AT-41 */
void judge_document(const struct judge *judge, struct report *report);     /* AN-10..AN-12 */
void judge_log(const struct judge *judge, struct report *report);          /* AE-11, values */

/* judge_has_binding: something is expected of the report data of a quote. */
bool judge_has_binding(const struct judge *judge);

/* judge_has_measurement: a rule of AT-40 applies to this quote. */
bool judge_has_measurement(const struct judge *judge);

/* judge_type_is_named: the policy judges this kind, and when it names measurements at all it
   names some of this family; when it names none but has other rules about the workload of one
   family (isv_prod_id, module_id ...), evidence of another family is not what it means. */
bool judge_type_is_named(const struct judge *judge, enum policy_family family);

/* claim_view: the bytes of a claim that carries its own length.  A length that cannot be makes
   the value absent. */
static inline struct span claim_view(const void *at, size_t len, size_t cap)
{
    return len <= cap ? span_of(at, len) : (struct span){ 0 };
}

/* list_has: the value is one of the items.  list_has is false for an empty list. */
bool list_has(const struct span_list *list, struct span value);

/* list_values puts the list (at most three items) and the value on record as hex. */
void list_values(struct report *report, enum check_id id, const struct span_list *list,
                 struct span actual);

#endif
