/* test_policy.c - the default is the strict one, zero is no policy, unsound ones are known. */
#include "policy/policy.h"

#include <string.h>

#include "policy/setup.h"

static void test_default_is_sound_and_zero_is_not(void **state)
{
    (void)state;
    struct policy policy = policy_default();
    assert_true(policy_is_sound(&policy));
    assert_int_equal(policy.tcb.allowed, TCB_STATUS_BIT(TCB_UP_TO_DATE));
    assert_true(policy.hardware_required);
    assert_true(policy.tdx.require_sept_ve_disable);
    assert_false(policy.tdx.allow_debug || policy.sgx.allow_debug || policy.nitro.allow_debug);
    assert_int_equal(policy.nitro.max_age, 300);
    for (unsigned family = FAMILY_TDX; family <= FAMILY_LOG; family++)
        assert_false(policy_names_family(&policy, (enum policy_family)family));
    struct policy zero = { 0 };
    assert_false(policy_is_sound(&zero));
}

static void test_unsound_policies(void **state)
{
    (void)state;
    static const uint8_t bytes[48];
    static const struct span short_item[] = { { bytes, 47 } };
    static const struct span empty_item[] = { { bytes, 0 } };
    struct policy p = policy_default();
    p.tcb.allowed |= TCB_STATUS_BIT(TCB_STATUS_NONE);
    assert_false(policy_is_sound(&p));
    p = policy_default();
    p.relaxed.tcb = TCB_STATUS_BIT(TCB_STATUS_COUNT);
    assert_false(policy_is_sound(&p));
    p = policy_default();
    setup_list(&p.lists[LIST_MRTD], short_item, 1);
    assert_false(policy_is_sound(&p));
    p = policy_default();
    setup_list(&p.roots, empty_item, 1);
    assert_false(policy_is_sound(&p));
    p = policy_default();
    setup_list(&p.lists[LIST_PCR0], NULL, 1);
    assert_false(policy_is_sound(&p));
    p = policy_default();
    p.nitro.max_age = -1;
    assert_false(policy_is_sound(&p));
    p = policy_default();
    p.nitro.skew = INT64_MAX;
    assert_false(policy_is_sound(&p));
    p = policy_default();
    p.tcb.max_collateral_age = (int64_t)POLICY_AGE_MAX + 1;
    assert_false(policy_is_sound(&p));
    p = policy_default();
    p.tdx.attributes_allowed |= TD_DEBUG;
    assert_false(policy_is_sound(&p));
    p = policy_default();
    p.log.rtmr3 = POLICY_RTMR3_VALUE;
    assert_false(policy_is_sound(&p));
    p = policy_default();
    p.nitro.user_data_max = 0;
    assert_false(policy_is_sound(&p));
    p = policy_default();
    p.has_nonce = true;
    assert_false(policy_is_sound(&p));
    p = policy_default();
    p.kinds |= 1u << EVIDENCE_UNKNOWN;
    assert_false(policy_is_sound(&p));
}

static void test_list_table(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIST_COUNT; i++) {
        const struct policy_list_info *info = policy_list_info((enum policy_list_id)i);
        assert_true(info->name[0] != 0 && info->summary[0] != 0);
        size_t room = info->family == FAMILY_TDX   ? sizeof(struct tdx_claims)
                      : info->family == FAMILY_SGX ? sizeof(struct sgx_claims)
                                                   : SIZE_MAX;
        assert_true((size_t)info->where + info->len <= room);
        struct policy policy = policy_default();
        static const uint8_t bytes[64];
        struct span item = span_of(bytes, info->len == 0 ? 48 : info->len);
        setup_list(&policy.lists[i], &item, 1);
        assert_true(policy_is_sound(&policy));
        assert_true(policy_names_family(&policy, info->family));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(info->name, policy_list_info((enum policy_list_id)j)->name);
    }
    assert_string_equal(policy_list_info(LIST_PCR31)->name, "pcr31");
    assert_int_equal(policy_list_info(LIST_RTMR3)->where, offsetof(struct tdx_claims, rtmr[3]));
}

static void test_relaxed_names(void **state)
{
    (void)state;
    char names[RELAXED_MAX][RELAXED_NAME_MAX];
    struct policy policy = policy_default();
    assert_int_equal(policy_relaxed(&policy, names), 0);
    policy.relaxed = (struct relaxations){ true, UINT32_MAX, true, true };
    size_t count = policy_relaxed(&policy, names);
    assert_int_equal(count, 3 + TCB_STATUS_COUNT - TCB_UP_TO_DATE);
    assert_true(count <= RELAXED_MAX);
    policy.relaxed.tcb = TCB_STATUS_BIT(TCB_OUT_OF_DATE);
    assert_int_equal(policy_relaxed(&policy, names), 4);
    static const char *const want[] = { "allow-debug", "allow-tcb:OutOfDate", "allow-trailing",
                                        "root" };
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_string_equal(names[i], want[i]);
}

static void test_valid_until(void **state)
{
    (void)state;
    static struct setup setup;
    setup_init(&setup, EVIDENCE_TDX_V4);
    assert_int_equal(policy_valid_until(&setup.policy, &setup.claims), NOW + 3600);
    setup.policy.tcb.max_collateral_age = 86400 + 5;
    assert_int_equal(policy_valid_until(&setup.policy, &setup.claims), NOW + 5);
    setup.claims.issued = INT64_MAX;
    assert_int_equal(policy_valid_until(&setup.policy, &setup.claims), NOW + 3600);
    setup_init(&setup, EVIDENCE_NITRO);
    assert_int_equal(policy_valid_until(&setup.policy, &setup.claims), NOW - 10 + 300);
    setup.claims.valid_until = NOW + 1;
    assert_int_equal(policy_valid_until(&setup.policy, &setup.claims), NOW + 1);
    setup.claims.nitro.timestamp_ms = UINT64_MAX;
    assert_int_equal(policy_valid_until(&setup.policy, &setup.claims), NOW + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_default_is_sound_and_zero_is_not, ""),
        TEST(test_unsound_policies, ""),
        TEST(test_list_table, ""),
        TEST(test_relaxed_names, ""),
        TEST(test_valid_until, ""),
    };
    return RUN_TESTS(tests);
}
