/* test_index_eventlog.c - every log of the vectors' index: genuine ones replay to the registers
   that the index gives and match their quotes; malformed ones are refused for the reason that
   it names. */
#include <stdio.h>
#include <string.h>

#include "attest/cases.h"
#include "attest/logs.h"
#include "test.h"
#include "vectors.h"

/* The reason at the start of a verdict: "RTMR_MISMATCH (RTMR3)". */
static enum reason verdict_reason(struct cases *cases, uint32_t node)
{
    const struct json *json = &cases->json;
    uint32_t expected = json_first(json, json_member(json, node, "expected"));
    const char *text = case_text(cases, expected, "verdict");
    assert_non_null(text);
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    enum reason reason = reason_find(span_of(text, len));
    assert_int_not_equal(reason, REASON_NONE);
    return reason;
}

static void check_replay(struct cases *cases, uint32_t node, const struct log_claims *log)
{
    const struct json *json = &cases->json;
    uint64_t events;
    uint32_t rtmr = json_first(json, json_member(json, node, "replayed_rtmr"));
    assert_true(json_u64(json, json_member(json, node, "events"), UINT32_MAX, &events));
    assert_int_equal(log->events, events);
    for (unsigned i = 0; i < 4; i++, rtmr = json_next(json, rtmr)) {
        uint8_t expected[48];
        assert_true(json_hex(json, rtmr, expected, sizeof expected));
        assert_span_equal(SPAN(log->replayed[i]), SPAN(expected));
    }
}

/* What the two logs that are not of a TD fail with; all others pass. */
static enum reason reason_of_genuine(const char *file)
{
    if (strstr(file, "dstack_tpm") != NULL)
        return REASON_EVENTLOG_INDEX_INVALID; /* PCRs, not RTMRs */
    if (strstr(file, "ccel-data-csv") != NULL)
        return REASON_EVENTLOG_FORMAT; /* SM3 digests only */
    return REASON_NONE;
}

static void check_quotes(struct cases *cases, uint32_t node, struct span log)
{
    const struct json *json = &cases->json;
    uint32_t quotes = json_member(json, node, "matching_quotes");
    for (uint32_t q = json_first(json, quotes); q != JSON_NONE; q = json_next(json, q)) {
        struct judged judged;
        quote_registers(&judged, case_text(cases, q, "quote"));
        judge(&judged, log, NULL);
        assert_int_equal(log_reason(&judged), REASON_NONE);
        for (unsigned i = 0; i < 4; i++)
            assert_true(judged.log.match[i]);
    }
}

static unsigned check_genuine(struct cases *cases, const char *kind)
{
    unsigned count = 0;
    for (uint32_t n = JSON_NONE; (n = cases_next(cases, n, kind)) != JSON_NONE; count++) {
        struct judged judged;
        struct span log = case_file(cases, n, "file");
        enum reason expected = reason_of_genuine(case_text(cases, n, "file"));
        judge_own(&judged, log);
        if (log_reason(&judged) != expected)
            fail_msg("%s: %s", case_text(cases, n, "file"), reason_info(log_reason(&judged))->name);
        check_replay(cases, n, &judged.log);
        check_quotes(cases, n, log);
        vectors_free(&log);
    }
    return count;
}

static void test_genuine_logs(void **state)
{
    (void)state;
    struct cases cases;
    cases_open(&cases);
    assert_int_equal(check_genuine(&cases, "ccel"), 10);
    assert_int_equal(check_genuine(&cases, "dstack-eventlog"), 1);
    cases_close(&cases);
}

static void test_malformed_logs(void **state)
{
    (void)state;
    struct cases cases;
    unsigned count = 0;
    cases_open(&cases);
    for (uint32_t n = JSON_NONE; (n = cases_next(&cases, n, "eventlog-malformed")) != JSON_NONE;
         count++) {
        struct judged judged;
        const struct json *json = &cases.json;
        uint32_t quote = json_first(json, json_member(json, n, "matching_quotes"));
        struct span log = case_file(&cases, n, "file");
        quote_registers(&judged, case_text(&cases, quote, "quote"));
        judge(&judged, log, NULL);
        if (log_reason(&judged) != verdict_reason(&cases, n))
            fail_msg("%s: %s", case_text(&cases, n, "file"),
                     reason_info(log_reason(&judged))->name);
        assert_int_equal(judged.log.value_count, 0);
        vectors_free(&log);
    }
    assert_int_equal(count, 14);
    cases_close(&cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_genuine_logs, ""),
        TEST(test_malformed_logs, ""),
    };
    return RUN_TESTS(tests);
}
