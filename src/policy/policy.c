/* policy.c - see policy.h.  Tables and invariants; judges nothing. */
#include "policy/policy.h"

#include <stddef.h>

#include "base/number.h"

static const struct policy_list_info lists[LIST_COUNT] = {
#define LIST(id, family, name, len, where, summary)                                                \
    [LIST_##id] = { name, family, len, where, summary },
#include "policy/lists.def"
#undef LIST
};

const struct policy_list_info *policy_list_info(enum policy_list_id id)
{
    return &lists[(unsigned)id < LIST_COUNT ? id : 0];
}

struct policy policy_default(void)
{
    return (struct policy){
        .ready = true,
        .kinds = (1u << EVIDENCE_SGX_V3) | (1u << EVIDENCE_SGX_V4) | (1u << EVIDENCE_SGX_V5) |
                 (1u << EVIDENCE_TDX_V4) | (1u << EVIDENCE_TDX_V5_10) | (1u << EVIDENCE_TDX_V5_15) |
                 (1u << EVIDENCE_NITRO),
        .hardware_required = true,
        .tcb = { .allowed = TCB_STATUS_BIT(TCB_UP_TO_DATE) },
        .tdx = { .require_sept_ve_disable = true,
                 .attributes_allowed = TD_SEPT_VE_DISABLE,
                 .xfam_allowed = XFAM_ALLOWED },
        .sgx = { .attributes_allowed = SGX_CET | SGX_KSS | SGX_AEX_NOTIFY,
                 .xfrm_allowed = UINT64_C(0x61ae7) },
        .nitro = { .max_age = 300, .skew = 300, .user_data_max = NITRO_BLOB_MAX },
    };
}

static bool list_is_sound(const struct span_list *list, size_t len)
{
    if (list->count > POLICY_LIST_MAX || (list->count != 0) != (list->items != NULL))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        const struct span *item = &list->items[i];
        if (item->at == NULL || item->len == 0 || (len != 0 && item->len != len))
            return false;
    }
    return true;
}

static bool lists_are_sound(const struct policy *policy)
{
    for (unsigned i = 0; i < LIST_COUNT; i++) {
        if (!list_is_sound(&policy->lists[i], lists[i].len))
            return false;
    }
    return list_is_sound(&policy->roots, 0) && list_is_sound(&policy->root_files, 0) &&
           list_is_sound(&policy->tcb.advisories_allowed, 0) &&
           list_is_sound(&policy->tcb.advisories_denied, 0) &&
           list_is_sound(&policy->nitro.module_ids, 0);
}

static bool age_is_sound(int64_t age)
{
    return age >= 0 && age <= POLICY_AGE_MAX;
}

bool policy_is_sound(const struct policy *policy)
{
    const uint32_t statuses = (1u << TCB_STATUS_COUNT) - (1u << TCB_UP_TO_DATE);
    if (!policy->ready || (policy->kinds & (1u << EVIDENCE_UNKNOWN)) != 0)
        return false;
    if (((policy->tcb.allowed | policy->relaxed.tcb) & ~statuses) != 0)
        return false;
    if (!age_is_sound(policy->tcb.max_collateral_age) || !age_is_sound(policy->nitro.max_age) ||
        !age_is_sound(policy->nitro.skew))
        return false;
    if (policy->nitro.user_data_max < 1 || policy->nitro.user_data_max > NITRO_BLOB_MAX)
        return false;
    if ((policy->tdx.attributes_allowed & TD_TUD) != 0)
        return false;
    if (policy->log.rtmr3 == POLICY_RTMR3_VALUE && policy->lists[LIST_RTMR3].count == 0)
        return false;
    if (policy->has_nonce && (policy->nonce.len == 0 || policy->nonce.len > POLICY_NONCE_MAX))
        return false;
    return lists_are_sound(policy);
}

bool policy_names_family(const struct policy *policy, enum policy_family family)
{
    for (unsigned i = 0; i < LIST_COUNT; i++) {
        if (lists[i].family == family && policy->lists[i].count != 0)
            return true;
    }
    return false;
}

static void name_put(char *name, const char *text, const char *more)
{
    struct sink out = sink_over(name, RELAXED_NAME_MAX);
    sink_text(&out, text);
    sink_text(&out, more);
    sink_terminate(&out);
}

size_t policy_relaxed(const struct policy *policy, char names[RELAXED_MAX][RELAXED_NAME_MAX])
{
    const struct relaxations *relaxed = &policy->relaxed;
    size_t count = 0;
    if (relaxed->allow_debug)
        name_put(names[count++], "allow-debug", "");
    for (unsigned i = TCB_UP_TO_DATE; i < TCB_STATUS_COUNT; i++) {
        if ((relaxed->tcb & TCB_STATUS_BIT(i)) != 0)
            name_put(names[count++], "allow-tcb:", tcb_status_name((enum tcb_status)i));
    }
    if (relaxed->trailing)
        name_put(names[count++], "allow-trailing", "");
    if (relaxed->root)
        name_put(names[count++], "root", "");
    return count;
}

/* The earlier of `end` and `from + age`; a sum that no int64_t holds bounds nothing. */
static int64_t end_by_age(int64_t end, int64_t from, int64_t age)
{
    int64_t until;
    return add_i64(from, age, &until) && until < end ? until : end;
}

int64_t policy_valid_until(const struct policy *policy, const struct claims *claims)
{
    if (claims->kind != EVIDENCE_NITRO)
        return policy->tcb.max_collateral_age == 0 ? claims->valid_until
                                                   : end_by_age(claims->valid_until, claims->issued,
                                                                policy->tcb.max_collateral_age);
    uint64_t seconds = claims->nitro.timestamp_ms / 1000;
    if (seconds > (uint64_t)INT64_MAX)
        return claims->valid_until;
    return end_by_age(claims->valid_until, (int64_t)seconds, policy->nitro.max_age);
}
