/* test_ccel.c - hand-made CCEL logs: what is accepted, how it replays, what is believed of its
   contents, and the rules for the registers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/ccel_maker.h"
#include "attest/logs.h"
#include "crypto/hash.h"
#include "test.h"

/* --- acceptance ------------------------------------------------------------------------- */

static void test_good_log(void **state)
{
    (void)state;
    uint8_t room[2048];
    struct judged judged;
    struct sink log = sink_over(room, sizeof room);
    ccel_put_good(&log);
    judge_own(&judged, sink_bytes(&log));
    assert_int_equal(log_reason(&judged), REASON_NONE);
    for (int id = CHECK_AE_1; id <= CHECK_AE_7; id++)
        assert_true(report_passed(&judged.report, (enum check_id)id));
    for (int id = CHECK_AE_8; id <= CHECK_AE_11; id++)
        assert_int_equal(judged.report.checks[id].state, CHECK_SKIP);
    assert_int_equal(judged.log.format, LOG_CCEL);
    assert_int_equal(judged.log.events, 4);
    assert_true(judged.log.in_log[0] && judged.log.in_log[1] && judged.log.in_log[2]);
    assert_false(judged.log.in_log[3]);
    assert_int_equal(judged.log.value_count, 1);
    const struct log_value *value = log_value(&judged.log, "secure_boot");
    assert_non_null(value);
    assert_int_equal(value->len, 1);
    assert_int_equal(value->bytes[0], 1);
}

/* The register by hand: two steps from zero. */
static void test_replay_is_the_hash_chain(void **state)
{
    (void)state;
    uint8_t room[2048], both[96] = { 0 }, digest[48];
    struct judged judged;
    struct sink log = sink_over(room, sizeof room);
    ccel_put_spec(&log, &ccel_plain);
    ccel_put_event(&log, 4, EV_IPL, span_text("one"));
    ccel_put_event(&log, 0, EV_NO_ACTION, span_text("not measured"));
    ccel_put_event(&log, 4, EV_NO_ACTION, span_text("not measured"));
    ccel_put_event(&log, 4, EV_IPL, span_text("two"));
    judge_own(&judged, sink_bytes(&log));
    assert_int_equal(log_reason(&judged), REASON_NONE);
    hash_sha384(span_text("one"), both + 48);
    hash_sha384(SPAN(both), digest);
    memcpy(both, digest, 48);
    hash_sha384(span_text("two"), both + 48);
    hash_sha384(SPAN(both), digest);
    assert_span_equal(SPAN(judged.log.replayed[3]), SPAN(digest));
    assert_int_equal(judged.log.events, 4);
}

static void test_more_algorithms(void **state)
{
    (void)state;
    uint8_t room[2048], digest[48];
    struct judged judged;
    struct sink log = sink_over(room, sizeof room);
    struct ccel_spec spec = ccel_plain;
    spec.count = 3;
    spec.written = 3;
    spec.algorithms[0][0] = SHA1, spec.algorithms[0][1] = 20;
    spec.algorithms[1][0] = 0x7777, spec.algorithms[1][1] = 64;
    spec.algorithms[2][0] = SHA384, spec.algorithms[2][1] = 48;
    spec.vendor_len = 5;
    spec.vendor_bytes = 5;
    ccel_put_spec(&log, &spec);
    sink_u32le(&log, 2);
    sink_u32le(&log, EV_EFI_ACTION);
    sink_u32le(&log, 3);
    sink_u16le(&log, 0x7777);
    sink_zero(&log, 64);
    hash_sha384(span_text("abc"), digest);
    sink_u16le(&log, SHA384);
    sink_put(&log, SPAN(digest));
    sink_u16le(&log, SHA1);
    sink_zero(&log, 20);
    sink_u32le(&log, 3);
    sink_text(&log, "abc");
    judge_own(&judged, sink_bytes(&log));
    assert_int_equal(log_reason(&judged), REASON_NONE);
    assert_true(judged.log.in_log[1]);
}

/* As many algorithms as may be; one more is refused in test_ccel_refusals.c. */
static void test_most_algorithms(void **state)
{
    (void)state;
    uint8_t room[2048];
    struct judged judged;
    struct sink log = sink_over(room, sizeof room);
    struct ccel_spec spec = ccel_plain;
    spec.count = CCEL_ALGORITHMS_MAX;
    spec.written = CCEL_ALGORITHMS_MAX;
    for (size_t i = 1; i < CCEL_ALGORITHMS_MAX; i++) {
        spec.algorithms[i][0] = (uint16_t)(0x7770 + i);
        spec.algorithms[i][1] = CCEL_DIGEST_MAX;
    }
    ccel_put_spec(&log, &spec);
    judge_own(&judged, sink_bytes(&log));
    assert_int_equal(log_reason(&judged), REASON_NONE);
    spec.algorithms[1][1]++;
    log = sink_over(room, sizeof room);
    ccel_put_spec(&log, &spec);
    judge_own(&judged, sink_bytes(&log));
    assert_int_equal(log_reason(&judged), REASON_EVENTLOG_FORMAT);
}

static void test_padding(void **state)
{
    (void)state;
    static const uint8_t fills[] = { 0x00, 0xff };
    static const size_t lengths[] = { 1, 3, 4, 7, 8, 9, 4096 };
    for (size_t f = 0; f < 2; f++)
        for (size_t l = 0; l < 7; l++) {
            uint8_t room[8192];
            struct judged judged;
            struct sink log = sink_over(room, sizeof room);
            ccel_put_good(&log);
            for (size_t i = 0; i < lengths[l]; i++)
                sink_u8(&log, fills[f]);
            judge_own(&judged, sink_bytes(&log));
            assert_int_equal(log_reason(&judged), REASON_NONE);
            assert_int_equal(judged.log.events, 4);
        }
}

static void test_size_limit(void **state)
{
    (void)state;
    struct judged judged;
    uint8_t *room = malloc(EVENTLOG_MAX + 1);
    assert_non_null(room);
    struct sink log = sink_over(room, EVENTLOG_MAX + 1);
    ccel_put_good(&log);
    sink_zero(&log, EVENTLOG_MAX + 1 - log.len);
    judge_own(&judged, span_of(room, EVENTLOG_MAX));
    assert_int_equal(log_reason(&judged), REASON_NONE);
    judge_own(&judged, span_of(room, EVENTLOG_MAX + 1));
    assert_int_equal(report_first_failure(&judged.report), CHECK_AE_1);
    assert_int_equal(log_reason(&judged), REASON_EVENTLOG_FORMAT);
    free(room);
}

/* Every prefix is refused, except those that end between two events. */
static void test_truncation(void **state)
{
    (void)state;
    uint8_t room[2048];
    struct judged judged;
    struct sink log = sink_over(room, sizeof room);
    ccel_put_good(&log);
    struct span whole = sink_bytes(&log);
    unsigned whole_events = 0;
    for (size_t len = 0; len < whole.len; len++) {
        uint8_t *copy = malloc(len > 0 ? len : 1);
        assert_non_null(copy);
        memcpy(copy, whole.at, len);
        judge_own(&judged, span_of(copy, len));
        free(copy);
        if (log_reason(&judged) == REASON_NONE)
            whole_events++;
        else
            assert_int_equal(log_reason(&judged), REASON_EVENTLOG_TRUNCATED);
    }
    assert_int_equal(whole_events, 4);
}

/* --- the registers of the quote --------------------------------------------------------- */

static void judge_with(struct judged *judged, const struct eventlog_rules *rules)
{
    uint8_t room[2048];
    struct sink log = sink_over(room, sizeof room);
    ccel_put_good(&log);
    judge(judged, sink_bytes(&log), rules);
}

static void good_registers(struct judged *judged)
{
    uint8_t room[2048];
    struct sink log = sink_over(room, sizeof room);
    ccel_put_good(&log);
    judge_own(judged, sink_bytes(&log));
}

static void test_register_mismatch(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        for (unsigned byte = 0; byte < 48; byte += 47) {
            struct judged judged;
            good_registers(&judged);
            judged.quote.tdx.rtmr[i][byte] ^= 1;
            judge_with(&judged, NULL);
            assert_int_equal(report_first_failure(&judged.report), CHECK_AE_6);
            assert_int_equal(log_reason(&judged), REASON_RTMR_MISMATCH);
            assert_int_equal(judged.log.value_count, 0);
            for (unsigned j = 0; j < 4; j++)
                assert_int_equal(judged.log.match[j], j != i);
            const struct check *check = &judged.report.checks[CHECK_AE_6];
            char wanted[8];
            snprintf(wanted, sizeof wanted, "RTMR%u", i);
            assert_non_null(strstr(report_text(&judged.report, check->detail), wanted));
            assert_int_equal(strlen(report_text(&judged.report, check->expected)), 96);
        }
}

static void test_rtmr3_rules(void **state)
{
    (void)state;
    struct judged judged;
    good_registers(&judged);
    judged.quote.tdx.rtmr[3][7] = 0x5a; /* extended at run time: not in the log */
    struct eventlog_rules rules = { .rtmr3 = LOG_RTMR3_MATCH };
    judge_with(&judged, &rules);
    assert_int_equal(log_reason(&judged), REASON_RTMR_MISMATCH);

    rules.rtmr3 = LOG_RTMR3_IGNORE;
    judge_with(&judged, &rules);
    assert_int_equal(log_reason(&judged), REASON_NONE);
    assert_false(judged.log.match[3]);
    assert_int_equal(judged.log.value_count, 1);

    rules.rtmr3 = LOG_RTMR3_VALUE;
    judge_with(&judged, &rules);
    assert_int_equal(log_reason(&judged), REASON_RTMR_MISMATCH);
    rules.rtmr3_value[7] = 0x5a;
    judge_with(&judged, &rules);
    assert_int_equal(log_reason(&judged), REASON_NONE);

    /* The rule is about RTMR3 alone. */
    judged.quote.tdx.rtmr[0][0] ^= 1;
    rules.rtmr3 = LOG_RTMR3_IGNORE;
    judge_with(&judged, &rules);
    assert_int_equal(log_reason(&judged), REASON_RTMR_MISMATCH);
}

static void test_only_verified_registers_count(void **state)
{
    (void)state;
    struct judged judged;
    good_registers(&judged);
    judged.quote.verified = false;
    judge_with(&judged, NULL);
    assert_int_equal(judged.report.checks[CHECK_AE_6].state, CHECK_SKIP);
    assert_string_not_equal(report_text(&judged.report, judged.report.checks[CHECK_AE_6].detail),
                            "");
    assert_int_equal(judged.log.value_count, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_false(judged.log.match[i]);

    good_registers(&judged);
    judged.quote.kind = EVIDENCE_SGX_V3;
    judge_with(&judged, NULL);
    assert_int_equal(log_reason(&judged), REASON_RTMR_MISMATCH);
    assert_int_equal(judged.log.value_count, 0);
}

/* --- contents --------------------------------------------------------------------------- */

static const uint32_t measured_types[] = {
    EV_SEPARATOR,         EV_S_CRTM_VERSION,     EV_EFI_VARIABLE_DRIVER_CONFIG,
    EV_EFI_VARIABLE_BOOT, EV_EFI_VARIABLE_BOOT2, EV_EFI_VARIABLE_AUTHORITY,
    EV_EFI_GPT_EVENT,     EV_EFI_ACTION
};

static enum reason reason_of_content(uint32_t type, const char *data, const char *hashed)
{
    uint8_t room[2048], digest[48];
    struct judged judged;
    struct sink log = sink_over(room, sizeof room);
    ccel_put_spec(&log, &ccel_plain);
    hash_sha384(span_text(hashed), digest);
    ccel_put_digest_event(&log, 1, type, digest, span_text(data));
    judge_own(&judged, sink_bytes(&log));
    if (log_reason(&judged) != REASON_NONE)
        assert_int_equal(report_first_failure(&judged.report), CHECK_AE_7);
    return log_reason(&judged);
}

static void test_measured_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof measured_types / sizeof measured_types[0]; i++) {
        assert_int_equal(reason_of_content(measured_types[i], "abc", "abc"), REASON_NONE);
        assert_int_equal(reason_of_content(measured_types[i], "abd", "abc"),
                         REASON_EVENTLOG_DIGEST_MISMATCH);
    }
    /* These are hints: GRUB hashes the command without its prefix. */
    assert_int_equal(reason_of_content(EV_IPL, "grub_cmd: x", "x"), REASON_NONE);
    assert_int_equal(reason_of_content(EV_EVENT_TAG, "a", "b"), REASON_NONE);
    assert_int_equal(reason_of_content(0x80000003, "a", "b"), REASON_NONE);
}

static void test_boot_variable_by_its_content(void **state)
{
    (void)state;
    uint8_t room[2048], digest[48], text[128];
    for (int wrong = 0; wrong < 2; wrong++) {
        struct judged judged;
        struct sink log = sink_over(room, sizeof room);
        struct span data = ccel_variable(text, "BootOrder", span_text("ab"));
        ccel_put_spec(&log, &ccel_plain);
        hash_sha384(span_text(wrong ? "ac" : "ab"), digest);
        ccel_put_digest_event(&log, 1, EV_EFI_VARIABLE_BOOT, digest, data);
        judge_own(&judged, sink_bytes(&log));
        assert_int_equal(log_reason(&judged),
                         wrong ? REASON_EVENTLOG_DIGEST_MISMATCH : REASON_NONE);
    }
}

static void test_variable_layout(void **state)
{
    (void)state;
    uint8_t text[128];
    struct ccel_variable out;
    struct span good = ccel_variable(text, "ab", span_text("xyz"));
    assert_true(ccel_variable_parse(good, &out));
    assert_span_equal(out.data, span_text("xyz"));
    for (size_t len = 0; len < good.len; len++)
        assert_false(ccel_variable_parse(span_of(good.at, len), &out));
    assert_false(ccel_variable_parse(span_of(text, good.len + 1), &out));
    text[23] = 0x80; /* 2^63 characters: twice that is 0 */
    assert_false(ccel_variable_parse(good, &out));
    text[23] = 0;
    text[31] = 0xff;
    assert_false(ccel_variable_parse(good, &out));
}

struct value_row {
    const char *name;
    uint32_t index;
    bool after_separator;
    const char *value;
    bool taken;
};

/* "events after it are of the next trust phase" */
static void test_where_a_value_is_taken(void **state)
{
    (void)state;
    static const struct value_row table[] = {
        { "firmware", 1, false, "\x01", true },
        { "after the separator", 1, true, "\x01", false },
        { "another register", 2, false, "\x01", false },
        { "two bytes", 1, false, "\x01\x01", false },
        { "no byte", 1, false, "", false },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t room[2048];
        struct judged judged;
        struct sink log = sink_over(room, sizeof room);
        ccel_put_spec(&log, &ccel_plain);
        if (table[i].after_separator)
            ccel_put_separator(&log, 1);
        ccel_put_secure_boot(&log, table[i].index, table[i].value);
        ccel_put_separator(&log, 1);
        ccel_put_separator(&log, 1); /* two of them are genuine */
        judge_own(&judged, sink_bytes(&log));
        assert_int_equal(log_reason(&judged), REASON_NONE);
        assert_int_equal(judged.log.value_count, table[i].taken ? 1 : 0);
    }
}

/* A separator under another type's name is one all the same: its digest says so. */
static void test_a_separator_cannot_be_renamed(void **state)
{
    (void)state;
    static const uint8_t separators[][4] = { { 0, 0, 0, 0 }, { 0xff, 0xff, 0xff, 0xff } };
    for (size_t i = 0; i < 2; i++) {
        uint8_t room[2048];
        struct judged judged;
        struct sink log = sink_over(room, sizeof room);
        ccel_put_spec(&log, &ccel_plain);
        ccel_put_event(&log, 1, EV_EVENT_TAG, SPAN(separators[i]));
        ccel_put_secure_boot(&log, 1, "\x01");
        judge_own(&judged, sink_bytes(&log));
        assert_int_equal(log_reason(&judged), REASON_NONE);
        assert_int_equal(judged.log.value_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good_log, "AE-1"),
        TEST(test_replay_is_the_hash_chain, "AE-5"),
        TEST(test_more_algorithms, "AE-2"),
        TEST(test_most_algorithms, ""),
        TEST(test_padding, "AE-3"),
        TEST(test_size_limit, "AE-1"),
        TEST(test_truncation, "AE-2"),
        TEST(test_register_mismatch, "AE-6"),
        TEST(test_rtmr3_rules, "AE-6"),
        TEST(test_only_verified_registers_count, "AE-6"),
        TEST(test_measured_types, "AE-7"),
        TEST(test_boot_variable_by_its_content, "AE-7"),
        TEST(test_variable_layout, "AE-7"),
        TEST(test_where_a_value_is_taken, "AE-7"),
        TEST(test_a_separator_cannot_be_renamed, ""),
    };
    return RUN_TESTS(tests);
}
