/* policy_toml.c - see policy_toml.h.  The table in policy_keys.c says what may be there. */
#include "policy/policy_toml.h"

#include "policy/policy_keys.h"

/* What no single key can tell. */
static void check_together(const struct policy *policy, const struct toml_value *root,
                           struct toml_problems *problems)
{
    const struct toml_value *sgx = toml_table_get(root, "sgx");
    const struct toml_value *log = toml_table_get(root, "log");
    if (policy->lists[LIST_MR_SIGNER].count != 0 && policy->lists[LIST_MR_ENCLAVE].count == 0 &&
        !policy->sgx.has_isv_prod_id)
        toml_problem_add(
            problems, toml_key_position(toml_table_get(sgx, "mr_signer")),
            "sgx.mr_signer alone accepts every product of that signer; add sgx.isv_prod_id");
    if (policy->log.rtmr3 == POLICY_RTMR3_VALUE && policy->lists[LIST_RTMR3].count == 0)
        toml_problem_add(problems, toml_key_position(toml_table_get(log, "rtmr3")),
                         "log.rtmr3 = \"value\" needs the values in tdx.rtmr3");
}

bool policy_load(struct span toml, struct arena *arena, struct policy *out,
                 struct toml_problems *problems)
{
    struct policy policy = policy_default();
    const struct toml_value *root;
    if (!toml_shape_read(&policy_shape, toml, &policy, arena, &root, problems))
        return false;
    check_together(&policy, root, problems);
    if (problems->count == 0 && !policy_is_sound(&policy))
        toml_problem_add(problems, toml_position(root), "the policy contradicts itself");
    if (problems->count != 0)
        return false;
    *out = policy;
    return true;
}
