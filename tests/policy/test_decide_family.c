/* test_decide_family.c - a policy that means one family of evidence, and evidence of another:
   rules that say nothing about a piece of evidence must not let it pass for the one meant. */
#include "policy/setup.h"

static const struct span id_item[] = { { (const uint8_t *)"i-01", 4 } };
static const uint8_t mrtd[48] = { 0x77 };
static const struct span mrtd_item[] = { { mrtd, 48 } };

static void nothing(struct setup *s)
{
    (void)s;
}
static void module_id(struct setup *s)
{
    setup_list(&s->policy.nitro.module_ids, id_item, 1);
}
static void wants_key(struct setup *s)
{
    s->policy.nitro.require_public_key = true;
}
static void prod_id(struct setup *s)
{
    s->policy.sgx.has_isv_prod_id = true;
    s->policy.sgx.isv_prod_id = 7;
}
static void isv_svn(struct setup *s)
{
    s->policy.sgx.min_isv_svn = 3;
}
static void config_svn(struct setup *s)
{
    s->policy.sgx.min_config_svn = 1;
}
static void module_and_prod_id(struct setup *s)
{
    module_id(s);
    prod_id(s);
}
/* A measurement identifies a workload; a product id beside it does not open another door. */
static void mrtd_and_prod_id(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_MRTD], mrtd_item, 1);
    prod_id(s);
}
static void mrtd_and_module_id(struct setup *s)
{
    setup_list(&s->policy.lists[LIST_MRTD], mrtd_item, 1);
    module_id(s);
}
static void log_and_prod_id(struct setup *s)
{
    s->policy.log.required = true;
    prod_id(s);
}

static void test_quotes(void **state)
{
    (void)state;
    static const struct row any[] = {
        { "no rule", nothing, ALLOW, REASON_OK, CHECK_AT_40 },
        { "module id", module_id, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
        { "recipient key", wants_key, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
    };
    static const struct row tdx[] = {
        { "product id", prod_id, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
        { "ISVSVN", isv_svn, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
        { "CONFIGSVN", config_svn, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
        { "module and product id", module_and_prod_id, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
    };
    static const struct row sgx[] = {
        { "product id", prod_id, ALLOW, REASON_OK, CHECK_AT_40 },
        { "ISVSVN", isv_svn, ALLOW, REASON_OK, CHECK_AT_40 },
        { "module and product id", module_and_prod_id, ALLOW, REASON_OK, CHECK_AT_40 },
        { "MRTD and product id", mrtd_and_prod_id, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
        { "log and product id", log_and_prod_id, DENY, REASON_POLICY_TYPE, CHECK_AT_40 },
    };
    RUN(EVIDENCE_TDX_V4, any);
    RUN(EVIDENCE_SGX_V3, any);
    RUN(EVIDENCE_TDX_V5_15, tdx);
    RUN(EVIDENCE_SGX_V5, sgx);
}

static void test_documents(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "no rule", nothing, ALLOW, REASON_OK, CHECK_AN_11 },
        { "module id", module_id, ALLOW, REASON_OK, CHECK_AN_11 },
        { "recipient key", wants_key, ALLOW, REASON_OK, CHECK_AN_11 },
        { "module and product id", module_and_prod_id, ALLOW, REASON_OK, CHECK_AN_11 },
        { "product id", prod_id, DENY, REASON_POLICY_TYPE, CHECK_AN_11 },
        { "ISVSVN", isv_svn, DENY, REASON_POLICY_TYPE, CHECK_AN_11 },
        { "CONFIGSVN", config_svn, DENY, REASON_POLICY_TYPE, CHECK_AN_11 },
        { "MRTD and module id", mrtd_and_module_id, DENY, REASON_POLICY_TYPE, CHECK_AN_11 },
    };
    RUN(EVIDENCE_NITRO, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_quotes, ""),
        TEST(test_documents, ""),
    };
    return RUN_TESTS(tests);
}
