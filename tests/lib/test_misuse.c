/* test_misuse.c - a caller's slips: lengths without an address, empty logs and nonces, a
   snapshot made under other roots than the policy's, one verifier for many policies.  None
   turns a refusal into a yes. */
#include <string.h>

#include "base/number.h"
#include "lib/subject.h"

static struct stock stock;
static struct judge judge;

static int open_all(void **state)
{
    (void)state;
    stock_open(&stock);
    stock_add_made(&stock);
    stock_add_made_document(&stock);
    judge = judge_open();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    judge_close(&judge);
    stock_close(&stock);
    return 0;
}

static const struct ward_bytes odd[] = { { NULL, 32, NULL }, { "", 0, NULL }, { NULL, 1, "x" } };

static void refused(const char *name, const struct ward_request *request)
{
    const char *reason = judge_reason(&judge, request);
    if (strcmp(reason, "OK") == 0 || ward_result_allowed(judge.result))
        fail_msg("%s is passed over", name);
}

static void nothing_given_is_passed_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < stock.count; i++) {
        struct ward_collateral *collateral = subject_collateral(&stock.list[i]);
        const struct ward_request good = subject_request(&stock.list[i], collateral);
        assert_string_equal(judge_reason(&judge, &good), "OK");
        for (size_t k = 0; k < COUNT_OF(odd); k++) {
            struct ward_request request = good;
            request.nonce = odd[k];
            refused("a nonce", &request);
            request = good;
            request.user_data = odd[k];
            refused("user data", &request);
            request = good;
            request.event_log = odd[k];
            refused("an event log", &request);
            request = good;
            request.evidence = odd[k];
            refused("evidence", &request);
        }
        ward_collateral_free(&collateral);
    }
}

static void a_policy_or_root_at_no_address(void **state)
{
    (void)state;
    struct ward_error error = { 0 };
    struct ward_policy *policy = NULL;
    const struct ward_bytes nowhere = { NULL, 100, "nowhere" };
    assert_int_equal(ward_policy_load(nowhere, &policy, &error), WARD_BAD_INPUT);
    assert_null(policy);
    assert_int_equal(ward_policy_new(&policy, NULL), WARD_DONE);
    assert_int_equal(ward_policy_add_root(policy, nowhere, NULL), WARD_BAD_INPUT);
    assert_int_equal(ward_policy_add_root_file(policy, nowhere, NULL), WARD_BAD_INPUT);
    ward_policy_free(&policy);
}

/* What a verifier and a snapshot know under one set of roots is no trust under another. */
static void trust_is_the_policy_s_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < stock.count; i++) {
        struct ward_collateral *theirs = subject_collateral(&stock.list[i]), *strict = NULL;
        struct ward_collateral_files files = subject_files(&stock.list[i]);
        struct ward_request request = subject_request(&stock.list[i], theirs);
        assert_int_equal(ward_collateral_new(&files, NULL, &strict, NULL), WARD_DONE);
        for (unsigned round = 0; round < 3; round++) {
            request.collateral = theirs;
            request.policy = stock.list[i].policy;
            assert_string_equal(judge_reason(&judge, &request), "OK");
            request.policy = NULL;
            refused("the made root, warm", &request);
            assert_false(ward_result_hardware(judge.result));
            request.policy = stock.lenient;
            refused("the made root under a lenient policy", &request);
            request.policy = stock.list[i].policy;
            request.collateral = NULL;
            if (strcmp(ward_result_type(judge.result), "nitro") != 0)
                refused("no collateral, warm", &request);
            request.collateral = strict;
            if (strcmp(ward_result_type(judge.result), "nitro") != 0)
                refused("collateral that was verified under other roots", &request);
        }
        ward_collateral_free(&theirs);
        ward_collateral_free(&strict);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_given_is_passed_over, ""),
        TEST(a_policy_or_root_at_no_address, ""),
        TEST(trust_is_the_policy_s_alone, ""),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
