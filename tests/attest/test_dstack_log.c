/* test_dstack_log.c - hand-made dstack logs: every refusal of AE-8 to AE-11, both digests of a
   run-time event, and which values are believed. */
#include <stdlib.h>
#include <string.h>

#include "attest/dstack_log.h"
#include "attest/logs.h"
#include "base/sink.h"
#include "crypto/hash.h"
#include "test.h"

#define ZERO48                                                                                     \
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"   \
    "000000"
#define BOOT(imr)                                                                                  \
    "{\"imr\":" imr ",\"event_type\":4,\"digest\":\"" ZERO48 "\",\"event\":\"\","                  \
    "\"event_payload\":\"\"}"
#define RUN(name, payload)                                                                         \
    "{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\"" name                        \
    "\",\"event_payload\":\"" payload "\"}"
#define RUN_MORE(name, payload, more)                                                              \
    "{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\"" name                        \
    "\",\"event_payload\":\"" payload "\"," more "}"

static enum reason reason_of(struct judged *judged, const char *log)
{
    judge_own(judged, span_text(log));
    return log_reason(judged);
}

/* --- refusals --------------------------------------------------------------------------- */

struct row {
    const char *name;
    const char *log;
    enum check_id check;
    enum reason reason;
};

#define FIELDS(imr, type, digest, event, payload)                                                  \
    "[{\"imr\":" imr ",\"event_type\":" type ",\"digest\":" digest ",\"event\":" event             \
    ",\"event_payload\":" payload "}]"
#define Q48 "\"" ZERO48 "\""

static const struct row rows[] = {
    { "cut", "[", CHECK_AE_8, REASON_EVENTLOG_FORMAT },
    { "an object", "{}", CHECK_AE_8, REASON_EVENTLOG_FORMAT },
    { "text after it", "[]x", CHECK_AE_8, REASON_EVENTLOG_FORMAT },
    { "a number for an event", "[1]", CHECK_AE_8, REASON_EVENTLOG_FORMAT },
    { "deep", "[[[[[[[[]]]]]]]]", CHECK_AE_8, REASON_EVENTLOG_FORMAT },
    { "a member twice", "[{\"imr\":0,\"imr\":1}]", CHECK_AE_8, REASON_EVENTLOG_FORMAT },
    { "imr missing",
      "[{\"event_type\":4,\"digest\":" Q48 ",\"event\":\"\",\"event_payload\":\"\"}]", CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "imr 4", FIELDS("4", "4", Q48, "\"\"", "\"\""), CHECK_AE_8, REASON_EVENTLOG_INDEX_INVALID },
    { "imr 2^32", FIELDS("4294967296", "4", Q48, "\"\"", "\"\""), CHECK_AE_8,
      REASON_EVENTLOG_INDEX_INVALID },
    { "imr -1", FIELDS("-1", "4", Q48, "\"\"", "\"\""), CHECK_AE_8, REASON_EVENTLOG_FORMAT },
    { "imr 0.0", FIELDS("0.0", "4", Q48, "\"\"", "\"\""), CHECK_AE_8, REASON_EVENTLOG_FORMAT },
    { "imr as text", FIELDS("\"0\"", "4", Q48, "\"\"", "\"\""), CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "type 2^32", FIELDS("0", "4294967296", Q48, "\"\"", "\"\""), CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "digest empty in a boot event", FIELDS("0", "4", "\"\"", "\"\"", "\"\""), CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "digest missing in a boot event",
      "[{\"imr\":0,\"event_type\":4,\"event\":\"\",\"event_payload\":\"\"}]", CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "digest empty at imr 3, not run-time", FIELDS("3", "4", "\"\"", "\"\"", "\"\""), CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "digest of 47 bytes", FIELDS("0", "4", "\"00\"", "\"\"", "\"\""), CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "digest null", FIELDS("3", "134217729", "null", "\"\"", "\"\""), CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "event is no text", FIELDS("0", "4", Q48, "1", "\"\""), CHECK_AE_8, REASON_EVENTLOG_FORMAT },
    { "payload of an odd length", FIELDS("0", "4", Q48, "\"\"", "\"abc\""), CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "payload no hex", FIELDS("0", "4", Q48, "\"\"", "\"zz\""), CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "payload escaped", FIELDS("0", "4", Q48, "\"\"", "\"\\u0061b\""), CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "version 0", "[" RUN_MORE("a", "", "\"version\":0") "]", CHECK_AE_8, REASON_EVENTLOG_FORMAT },
    { "version 3", "[" RUN_MORE("a", "", "\"version\":3") "]", CHECK_AE_8, REASON_EVENTLOG_FORMAT },
    { "version as text", "[" RUN_MORE("a", "", "\"version\":\"2\"") "]", CHECK_AE_8,
      REASON_EVENTLOG_FORMAT },
    { "run-time event in imr 0", FIELDS("0", "134217729", "\"\"", "\"a\"", "\"\""), CHECK_AE_9,
      REASON_EVENTLOG_INDEX_INVALID },
    { "digest not of name and payload", FIELDS("3", "134217729", Q48, "\"a\"", "\"\""), CHECK_AE_9,
      REASON_EVENTLOG_DIGEST_MISMATCH },
    { "a name twice", "[" RUN("app-id", "01") "," RUN("app-id", "01") "]", CHECK_AE_10,
      REASON_EVENTLOG_DUPLICATE },
    { "a name twice, spelled otherwise", "[" RUN("app-id", "01") "," RUN("app_id", "02") "]",
      CHECK_AE_10, REASON_EVENTLOG_DUPLICATE },
    { "a name twice, escaped", "[" RUN("app-id", "01") "," RUN("\\u0061pp-id", "02") "]",
      CHECK_AE_10, REASON_EVENTLOG_DUPLICATE },
    { "a name again after system-ready",
      "[" RUN("app-id", "01") "," RUN("system-ready", "") "," RUN("app-id", "02") "]", CHECK_AE_10,
      REASON_EVENTLOG_DUPLICATE },
    { "system-ready twice", "[" RUN("system-ready", "") "," RUN("system-ready", "") "]",
      CHECK_AE_10, REASON_EVENTLOG_DUPLICATE },
    { "a colon in a name", "[" RUN("app-id:x", "01") "]", CHECK_AE_10, REASON_EVENTLOG_FORMAT },
    { "format after a duplicate", "[" RUN("app-id", "01") "," RUN("app-id", "01") "," BOOT("4") "]",
      CHECK_AE_8, REASON_EVENTLOG_INDEX_INVALID },
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct judged judged;
        enum reason reason = reason_of(&judged, rows[i].log);
        enum check_id first = report_first_failure(&judged.report);
        if (first != rows[i].check || reason != rows[i].reason)
            fail_msg("%s: %s %s", rows[i].name, first < CHECK_COUNT ? check_info(first)->id : "-",
                     reason_info(reason)->name);
        assert_int_equal(judged.log.value_count, 0);
        if (rows[i].check < CHECK_AE_10)
            assert_false(report_passed(&judged.report, CHECK_AE_11));
    }
}

/* Where the JSON is wrong is said. */
static void test_json_problem(void **state)
{
    (void)state;
    struct judged judged;
    assert_int_equal(reason_of(&judged, "[{\"imr\":0,}]"), REASON_EVENTLOG_FORMAT);
    const struct check *check = &judged.report.checks[CHECK_AE_8];
    assert_non_null(strstr(report_text(&judged.report, check->detail), "no JSON at offset 10"));
}

/* One name past the limit, and the limit. */
static void test_name_limit(void **state)
{
    (void)state;
    for (unsigned count = DSTACK_BOOT_NAMES_MAX; count <= DSTACK_BOOT_NAMES_MAX + 1; count++) {
        uint8_t room[16384];
        struct judged judged;
        struct sink log = sink_over(room, sizeof room - 1);
        sink_text(&log, "[");
        for (unsigned i = 0; i < count; i++)
            sink_format(&log, "%s" RUN("n%u", "00"), i == 0 ? "" : ",", i);
        sink_text(&log, "]");
        assert_true(sink_ok(&log));
        judge_own(&judged, sink_bytes(&log));
        assert_int_equal(log_reason(&judged),
                         count > DSTACK_BOOT_NAMES_MAX ? REASON_EVENTLOG_FORMAT : REASON_NONE);
        if (count == DSTACK_BOOT_NAMES_MAX)
            assert_int_equal(judged.log.value_count, LOG_VALUE_MAX);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    static const char log[] = "[" RUN("app-id", "0102") "," RUN("\\u0062", "03") "]";
    struct judged judged;
    unsigned enough = 0;
    judged_init(&judged);
    for (size_t len = 0; len <= EVENTLOG_SCRATCH(sizeof log); len += 16) {
        uint8_t *memory = malloc(len > 0 ? len : 1);
        assert_non_null(memory);
        struct arena scratch = arena_over(memory, len);
        judged.report = (struct report){ 0 };
        eventlog_verify(span_text(log), &judged.quote, NULL, &scratch, &judged.report, &judged.log);
        free(memory);
        if (report_passed(&judged.report, CHECK_AE_8))
            enough++;
        else
            assert_int_equal(log_reason(&judged), REASON_EVENTLOG_FORMAT);
    }
    assert_in_range(enough, 1, 600);
}

static void test_size_limit(void **state)
{
    (void)state;
    struct judged judged;
    char *text = malloc(EVENTLOG_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', EVENTLOG_MAX + 1);
    text[0] = '[';
    text[1] = ']';
    judge_own(&judged, span_of(text, EVENTLOG_MAX));
    assert_int_equal(log_reason(&judged), REASON_NONE);
    judge_own(&judged, span_of(text, EVENTLOG_MAX + 1));
    assert_int_equal(log_reason(&judged), REASON_EVENTLOG_FORMAT);
    free(text);
}

static void test_truncation(void **state)
{
    (void)state;
    static const char log[] = "[" BOOT("0") "," RUN("app-id", "01") "]";
    struct judged judged;
    for (size_t len = 1; len < sizeof log - 1; len++) {
        char *copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, log, len);
        judge_own(&judged, span_of(copy, len));
        assert_int_equal(report_first_failure(&judged.report), CHECK_AE_8);
        free(copy);
    }
}

/* --- digests ---------------------------------------------------------------------------- */

static void extend(uint8_t rtmr[48], const char *text, size_t len)
{
    uint8_t both[96];
    memcpy(both, rtmr, 48);
    hash_sha384(span_of(text, len), both + 48);
    hash_sha384(SPAN(both), rtmr);
}

struct digest_row {
    const char *name;
    const char *event;
    const char *text; /* what is hashed, by hand */
    size_t len;
    enum log_format format;
};

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct digest_row digests[] = {
    { "version 1", RUN("app-id", "deadBEEF"), TEXT("\x01\x00\x00\x08:app-id:\xde\xad\xbe\xef"),
      LOG_DSTACK_V1 },
    { "version 1, said", RUN_MORE("app-id", "de", "\"version\":1"),
      TEXT("\x01\x00\x00\x08:app-id:\xde"), LOG_DSTACK_V1 },
    { "version 1, empty", RUN("", ""), TEXT("\x01\x00\x00\x08::"), LOG_DSTACK_V1 },
    { "version 1, escapes", RUN("a\\u00e9\\n", ""), TEXT("\x01\x00\x00\x08:a\xc3\xa9\n:"),
      LOG_DSTACK_V1 },
    { "version 2", RUN_MORE("compose-hash", "ABcd", "\"version\":2"),
      TEXT("{\"name\":\"compose-hash\",\"payload\":\"abcd\",\"type\":134217729}"), LOG_DSTACK_V2 },
    { "version 2, empty", RUN_MORE("", "", "\"version\":2"),
      TEXT("{\"name\":\"\",\"payload\":\"\",\"type\":134217729}"), LOG_DSTACK_V2 },
    { "version 2, escapes",
      RUN_MORE("\\u0008\\f\\n\\r\\t\\u0001\\u001f\\\"\\\\\\/\\u007f\\u00e9\\ud83e\\udd80", "ff",
               "\"version\":2"),
      TEXT("{\"name\":\"\\b\\f\\n\\r\\t\\u0001\\u001f\\\"\\\\/\x7f\xc3\xa9\xf0\x9f\xa6\x80\","
           "\"payload\":\"ff\",\"type\":134217729}"),
      LOG_DSTACK_V2 },
    { "version 2, not said, found by the register", RUN("app-id", "ab"),
      TEXT("{\"name\":\"app-id\",\"payload\":\"ab\",\"type\":134217729}"), LOG_DSTACK_V2 },
};

static void test_digests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++) {
        char room[1024];
        struct judged judged;
        struct sink log = sink_over(room, sizeof room);
        sink_format(&log, "[%s]", digests[i].event);
        judged_init(&judged);
        extend(judged.quote.tdx.rtmr[3], digests[i].text, digests[i].len);
        judge(&judged, sink_bytes(&log), NULL);
        if (log_reason(&judged) != REASON_NONE || judged.log.format != digests[i].format)
            fail_msg("%s: %s", digests[i].name, reason_info(log_reason(&judged))->name);
        assert_span_equal(SPAN(judged.log.replayed[3]), SPAN(judged.quote.tdx.rtmr[3]));
    }
}

/* A digest that is there must be the one of the version that the event names. */
static void test_written_digests(void **state)
{
    (void)state;
    const struct span v1 = span_of("\x01\0\0\x08:a:", 7);
    const struct span v2 = span_text("{\"name\":\"a\",\"payload\":\"\",\"type\":134217729}");
    static const char *const says[3] = { "", ",\"version\":1", ",\"version\":2" };
    for (unsigned real = 1; real <= 2; real++)
        for (unsigned said = 0; said <= 2; said++) {
            uint8_t digest[48];
            char room[1024];
            struct judged judged;
            struct sink log = sink_over(room, sizeof room);
            hash_sha384(real == 1 ? v1 : v2, digest);
            sink_text(&log, "[{\"imr\":3,\"event_type\":134217729,\"digest\":\"");
            sink_hex(&log, SPAN(digest));
            sink_format(&log, "\",\"event\":\"a\",\"event_payload\":\"\"%s}]", says[said]);
            judge_own(&judged, sink_bytes(&log));
            bool fits = said == 0 || said == real;
            assert_int_equal(log_reason(&judged),
                             fits ? REASON_NONE : REASON_EVENTLOG_DIGEST_MISMATCH);
        }
}

/* --- values and registers --------------------------------------------------------------- */

static const char good_log[] =
    "[" BOOT("0") "," BOOT("1") "," BOOT("2") "," RUN("system-preparing", "") "," RUN(
        "app-id",
        "0102") "," RUN("compose-hash",
                        "aabbcc") "," RUN("Odd Name",
                                          "01") "," RUN("empty",
                                                        "") "," RUN("system-ready",
                                                                    "") "," RUN("late",
                                                                                "05") "," RUN("lat"
                                                                                              "e",
                                                                                              "06") "]";

static void test_values(void **state)
{
    (void)state;
    struct judged judged;
    assert_int_equal(reason_of(&judged, good_log), REASON_NONE);
    for (int id = CHECK_AE_8; id <= CHECK_AE_11; id++)
        assert_true(report_passed(&judged.report, (enum check_id)id));
    for (int id = CHECK_AE_1; id <= CHECK_AE_7; id++)
        assert_int_equal(judged.report.checks[id].state, CHECK_SKIP);
    assert_int_equal(judged.log.events, 11);
    assert_int_equal(judged.log.value_count, 2);
    const struct log_value *value = log_value(&judged.log, "app_id");
    assert_non_null(value);
    assert_span_equal(span_of(value->bytes, value->len), SPAN(((uint8_t[]){ 1, 2 })));
    value = log_value(&judged.log, "compose_hash");
    assert_non_null(value);
    assert_span_equal(span_of(value->bytes, value->len), SPAN(((uint8_t[]){ 0xaa, 0xbb, 0xcc })));
}

/* "a non-runtime type in imr 3 must not supply names/values" */
static void test_boot_types_give_no_value(void **state)
{
    (void)state;
    struct judged judged;
    assert_int_equal(reason_of(&judged, "[{\"imr\":3,\"event_type\":2147483655,\"digest\":\"" ZERO48
                                        "\",\"event\":\"app-id\",\"event_payload\":\"00\"},"
                                        "{\"imr\":0,\"event_type\":4,\"digest\":\"" ZERO48
                                        "\",\"event\":\"app-id\",\"event_payload\":\"00\"}]"),
                     REASON_NONE);
    assert_int_equal(judged.log.value_count, 0);
}

static void test_register_mismatch(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct judged judged;
        assert_int_equal(reason_of(&judged, good_log), REASON_NONE);
        judged.quote.tdx.rtmr[i][47] ^= 0x80;
        judge(&judged, span_text(good_log), NULL);
        assert_int_equal(report_first_failure(&judged.report), CHECK_AE_11);
        assert_int_equal(log_reason(&judged), REASON_RTMR_MISMATCH);
        assert_int_equal(judged.log.value_count, 0);
        for (unsigned j = 0; j < 4; j++)
            assert_int_equal(judged.log.match[j], i != j);
        /* The rule for RTMR3 is for logs that have no run-time events. */
        struct eventlog_rules ignore = { .rtmr3 = LOG_RTMR3_IGNORE };
        judge(&judged, span_text(good_log), &ignore);
        assert_int_equal(log_reason(&judged), REASON_RTMR_MISMATCH);
    }
}

static void test_only_verified_registers_count(void **state)
{
    (void)state;
    struct judged judged;
    assert_int_equal(reason_of(&judged, good_log), REASON_NONE);
    judged.quote.verified = false;
    judge(&judged, span_text(good_log), NULL);
    assert_int_equal(judged.report.checks[CHECK_AE_11].state, CHECK_SKIP);
    assert_int_equal(judged.log.value_count, 0);
    assert_false(judged.log.match[0]);
    judged.quote.verified = true;
    judged.quote.kind = EVIDENCE_NITRO;
    judge(&judged, span_text(good_log), NULL);
    assert_int_equal(log_reason(&judged), REASON_RTMR_MISMATCH);
    assert_int_equal(judged.log.value_count, 0);
}

static void test_in_place(void **state)
{
    (void)state;
    struct judged judged;
    uint8_t memory[EVENTLOG_SCRATCH(sizeof good_log)];
    struct arena scratch = arena_over(memory, sizeof memory);
    assert_int_equal(reason_of(&judged, good_log), REASON_NONE);
    judged.report = (struct report){ 0 };
    eventlog_verify(span_text(good_log), &judged.quote, NULL, &scratch, &judged.report,
                    &judged.quote.log);
    assert_int_equal(log_reason(&judged), REASON_NONE);
    assert_int_equal(judged.quote.log.value_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refusals, "AE-8 AE-9 AE-10"),
        TEST(test_json_problem, "AE-8"),
        TEST(test_name_limit, "AE-10"),
        TEST(test_no_memory, "AE-8"),
        TEST(test_size_limit, "AE-8"),
        TEST(test_truncation, "AE-8"),
        TEST(test_digests, "AE-9"),
        TEST(test_written_digests, "AE-9"),
        TEST(test_values, "AE-10"),
        TEST(test_boot_types_give_no_value, "AE-10"),
        TEST(test_register_mismatch, "AE-11"),
        TEST(test_only_verified_registers_count, "AE-11"),
        TEST(test_in_place, ""),
    };
    return RUN_TESTS(tests);
}
