/* test_result.c - what a result says: nothing before it is filled, claims of verified evidence
   only, reasons from the public list, and JSON that never leaves its buffer. */
#include <stdlib.h>
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

static void an_untouched_result_denies(void **state)
{
    struct ward_result *result = NULL;
    struct ward_bytes claim = { "x", 1, "untouched" };
    static char json[WARD_RESULT_JSON];
    size_t len = 0;
    (void)state;
    assert_int_equal(ward_result_new(&result, NULL), WARD_DONE);
    assert_false(ward_result_allowed(result));
    assert_string_not_equal(ward_result_reason(result), "OK");
    assert_false(ward_result_hardware(result));
    assert_int_equal(ward_result_valid_until(result), 0);
    assert_string_equal(ward_result_type(result), "unknown");
    assert_string_equal(ward_result_tcb_status(result), "");
    assert_int_equal(ward_result_advisory_count(result), 0);
    assert_false(ward_result_claim(result, "mrtd", &claim));
    assert_string_equal(claim.name, "untouched");
    assert_int_equal(ward_result_json(result, json, sizeof json, &len, NULL), WARD_DONE);
    json[len] = 0;
    assert_non_null(strstr(json, "\"decision\":\"deny\""));
    ward_result_free(&result);
    assert_null(result);
    ward_result_free(&result);
    ward_result_free(NULL);
}

/* A refusal after an allow leaves nothing of the allow behind. */
static void a_result_is_used_again(void **state)
{
    struct ward_bytes claim;
    (void)state;
    for (size_t i = 0; i < stock.count; i++) {
        struct ward_collateral *collateral = subject_collateral(&stock.list[i]);
        struct ward_request good = subject_request(&stock.list[i], collateral);
        bool quote = collateral != NULL;
        const char *name = !quote ? "pcr0" : i < 3 ? "mr_enclave" : "mrtd";
        assert_string_equal(judge_reason(&judge, &good), "OK");
        assert_true(ward_result_claim(judge.result, name, &claim));
        assert_true(ward_result_valid_until(judge.result) >= good.time);
        assert_false(ward_result_hardware(judge.result));
        struct ward_request bad = good;
        bad.evidence.len--;
        assert_string_not_equal(judge_reason(&judge, &bad), "OK");
        assert_false(ward_result_claim(judge.result, name, &claim));
        assert_int_equal(ward_result_valid_until(judge.result), 0);
        assert_string_equal(ward_result_tcb_status(judge.result), "");
        ward_collateral_free(&collateral);
    }
}

/* Evidence whose signature is wrong has no claims, whatever it says. */
static void claims_of_unverified_evidence_are_absent(void **state)
{
    static const char *const names[] = { "mrtd",  "rtmr0", "report_data", "mr_enclave", "mr_signer",
                                         "fmspc", "pcr0",  "module_id",   "nonce" };
    struct ward_bytes claim;
    (void)state;
    for (size_t i = 0; i < stock.count; i++) {
        struct ward_collateral *collateral = subject_collateral(&stock.list[i]);
        struct ward_request request = subject_request(&stock.list[i], collateral);
        uint8_t *copy = malloc(request.evidence.len);
        assert_non_null(copy);
        memcpy(copy, request.evidence.data, request.evidence.len);
        /* A byte of the body, of the document's payload. */
        copy[collateral != NULL ? 200 : 300] ^= 1;
        request.evidence.data = copy;
        assert_string_not_equal(judge_reason(&judge, &request), "OK");
        for (size_t k = 0; k < COUNT_OF(names); k++)
            assert_false(ward_result_claim(judge.result, names[k], &claim));
        free(copy);
        ward_collateral_free(&collateral);
    }
}

static void no_policy_is_the_default_policy(void **state)
{
    struct ward_policy *standard = NULL;
    (void)state;
    assert_int_equal(ward_policy_new(&standard, NULL), WARD_DONE);
    for (size_t i = 0; i < stock.count; i++) {
        struct ward_collateral *collateral = subject_collateral(&stock.list[i]);
        struct ward_request request = subject_request(&stock.list[i], collateral);
        static char first[WARD_RESULT_JSON], second[WARD_RESULT_JSON];
        size_t first_len = 0, second_len = 0;
        request.policy = NULL;
        /* The authority is nobody's root unless it is named. */
        assert_string_equal(judge_reason(&judge, &request),
                            collateral != NULL ? "PCK_ROOT_UNTRUSTED" : "NITRO_ROOT_UNTRUSTED");
        assert_int_equal(ward_result_json(judge.result, first, sizeof first, &first_len, NULL),
                         WARD_DONE);
        request.policy = standard;
        judge_reason(&judge, &request);
        assert_int_equal(ward_result_json(judge.result, second, sizeof second, &second_len, NULL),
                         WARD_DONE);
        assert_span_equal(span_of(first, first_len), span_of(second, second_len));
        ward_collateral_free(&collateral);
    }
    ward_policy_free(&standard);
}

/* Every cap below what is needed: refused, and not one byte past it is written.  The block
   has exactly `cap` bytes, so a sanitizer sees it too. */
static void json_stays_inside_its_buffer(void **state)
{
    enum { GUARD = 16 };
    static char whole[WARD_RESULT_JSON];
    size_t need = 0;
    (void)state;
    struct ward_collateral *collateral = subject_collateral(&stock.list[3]);
    struct ward_request request = subject_request(&stock.list[3], collateral);
    judge_reason(&judge, &request);
    assert_int_equal(ward_result_json(judge.result, whole, sizeof whole, &need, NULL), WARD_DONE);
    for (size_t cap = 0; cap <= need; cap += cap < 600 || cap + 600 > need ? 1 : 7) {
        struct ward_error error = { 0 };
        size_t len = 12345;
        char *buffer = malloc(cap + GUARD);
        assert_non_null(buffer);
        memset(buffer, 0x5a, cap + GUARD);
        enum ward_outcome outcome = ward_result_json(judge.result, buffer, cap, &len, &error);
        for (size_t i = 0; i < GUARD; i++)
            assert_int_equal(buffer[cap + i], 0x5a);
        assert_int_equal(outcome, cap < need ? WARD_BAD_INPUT : WARD_DONE);
        assert_int_equal(len, cap < need ? 12345 : need);
        assert_int_equal(error.outcome, outcome);
        assert_true((error.frame_count > 0) == (cap < need));
        free(buffer);
    }
    ward_collateral_free(&collateral);
}

static void reasons_and_checks_are_walked(void **state)
{
    struct ward_reason reason = { "untouched", "", "" };
    struct ward_check check;
    size_t count = ward_reason_count();
    (void)state;
    assert_true(count > 80);
    for (size_t i = 0; i < count; i++) {
        assert_true(ward_reason(i, &reason));
        assert_true(strspn(reason.name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
                    strlen(reason.name));
        assert_true(strlen(reason.name) > 1 && strlen(reason.cause) > 0);
    }
    assert_false(ward_reason(count, &reason));
    assert_false(ward_reason(SIZE_MAX, &reason));
    struct ward_collateral *collateral = subject_collateral(&stock.list[3]);
    struct ward_request request = subject_request(&stock.list[3], collateral);
    judge_reason(&judge, &request);
    size_t checks = ward_result_check_count(judge.result);
    assert_int_equal(checks, 41);
    for (size_t i = 0; i < checks; i++) {
        assert_true(ward_result_check(judge.result, i, &check));
        assert_string_not_equal(check.result, "fail");
        assert_true(strncmp(check.id, "AT-", 3) == 0);
    }
    assert_false(ward_result_check(judge.result, checks, &check));
    assert_false(ward_result_check(judge.result, SIZE_MAX, &check));
    assert_string_equal(ward_result_advisory(judge.result, SIZE_MAX), "");
    assert_string_equal(ward_result_relaxed(judge.result, SIZE_MAX), "");
    ward_collateral_free(&collateral);
}

/* Signed text is still somebody's text: what would command a terminal is escaped, and says the
   same to a reader of JSON. */
static void signed_text_cannot_command_a_terminal(void **state)
{
    static const char evil[] = "i-\xc2\x9b"
                               "2J\xe2\x80\xae\x1b]0;x\x07\xf3\xa0\x80\x81\xe2\x80\xac";
    static char json[WARD_RESULT_JSON];
    struct sim_nitro_spec spec = sim_nitro_default(SIM_SET_TIME);
    size_t len = 0;
    (void)state;
    memcpy(spec.claims.module_id, evil, sizeof evil - 1);
    spec.claims.module_id_len = sizeof evil - 1;
    const struct subject *subject = stock_make_document(&stock, "evil", &spec);
    const struct ward_request request = subject_request(subject, NULL);
    assert_string_equal(judge_reason(&judge, &request), "OK");
    assert_int_equal(ward_result_json(judge.result, json, sizeof json, &len, NULL), WARD_DONE);
    json[len] = 0;
    assert_non_null(strstr(json, "\"module_id\":\"i-\\u009b2J\\u202e\\u001b]0;x\\u0007"
                                 "\\udb40\\udc01\\u202c\""));
    for (size_t i = 0; i < len; i++)
        assert_in_range(json[i], ' ', '~');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_untouched_result_denies, ""),
        TEST(a_result_is_used_again, ""),
        TEST(claims_of_unverified_evidence_are_absent, ""),
        TEST(no_policy_is_the_default_policy, ""),
        TEST(json_stays_inside_its_buffer, ""),
        TEST(reasons_and_checks_are_walked, ""),
        TEST(signed_text_cannot_command_a_terminal, ""),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
