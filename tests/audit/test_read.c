/* test_read.c - exactly the lines that Ward writes are read. */
#include "audit/read.h"

#include "log.h"
#include "model/reason.h"

static struct audit_reader reader;
static uint8_t room[2 * AUDIT_LINE_MAX];

#define HEX64 "00000000000000000000000000000000000000000000000000000000000000ff"
#define LINE(details, type, ip, prev, seq, time, trace)                                            \
    "{\"action\":\"login\",\"actor_id\":\"u\",\"actor_type\":\"User\",\"details\":" details        \
    ",\"event_type\":\"" type "\",\"ip_address\":" ip ",\"outcome\":\"Success\",\"prev\":\"" prev  \
    "\",\"resource\":\"r\",\"seq\":" seq ",\"timestamp\":\"" time "\",\"trace_id\":" trace "}"
#define METHOD "{\"method\":\"m\"}"
#define AUTH   "Authentication"
#define IP     "\"192.0.2.1\""
#define NOON   "2026-11-28T12:00:00.000Z"
#define GOOD   LINE(METHOD, AUTH, IP, HEX64, "7", NOON, "null")

static const struct {
    const char *name;
    const char *line;
    bool good;
} rows[] = {
    { "good", GOOD, true },
    { "more details",
      LINE("{\"a\":1,\"b\":true,\"method\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"), true },
    { "a redacted method", LINE("{\"method\":\"[redacted]\"}", AUTH, IP, HEX64, "7", NOON, "null"),
      true },
    { "a trace", LINE(METHOD, AUTH, IP, HEX64, "7", NOON, "\"ab000000000000000000000000000001\""),
      true },
    { "nothing", "", false },
    { "no object", "[]", false },
    { "an empty object", "{}", false },
    { "a space at the end", GOOD " ", false },
    { "a newline at the end", GOOD "\n", false },
    { "a carriage return", GOOD "\r", false },
    { "two records", GOOD GOOD, false },
    { "a space inside", LINE("{ \"method\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"), false },
    { "details not sorted", LINE("{\"method\":\"m\",\"a\":1}", AUTH, IP, HEX64, "7", NOON, "null"),
      false },
    { "a detail twice",
      LINE("{\"method\":\"m\",\"method\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"), false },
    { "no method", LINE("{}", AUTH, IP, HEX64, "7", NOON, "null"), false },
    { "method as a number", LINE("{\"method\":1}", AUTH, IP, HEX64, "7", NOON, "null"), false },
    { "a detail in capitals",
      LINE("{\"M\":1,\"method\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"), false },
    { "a detail's name escaped",
      LINE("{\"\\u006dethod\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"), false },
    { "a detail that is null",
      LINE("{\"a\":null,\"method\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"), false },
    { "a detail that is a list",
      LINE("{\"a\":[],\"method\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"), false },
    { "a detail that is an object",
      LINE("{\"a\":{},\"method\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"), false },
    { "a fraction", LINE("{\"a\":1.5,\"method\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"),
      false },
    { "an exponent", LINE("{\"a\":1e2,\"method\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"),
      false },
    { "minus zero", LINE("{\"a\":-0,\"method\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"),
      false },
    { "a number past 2^53",
      LINE("{\"a\":9007199254740992,\"method\":\"m\"}", AUTH, IP, HEX64, "7", NOON, "null"),
      false },
    { "details as a list", LINE("[]", AUTH, IP, HEX64, "7", NOON, "null"), false },
    { "a type of another event", LINE(METHOD, "Payment", IP, HEX64, "7", NOON, "null"), false },
    { "a type in small letters", LINE(METHOD, "authentication", IP, HEX64, "7", NOON, "null"),
      false },
    { "a type that is none", LINE(METHOD, "", IP, HEX64, "7", NOON, "null"), false },
    { "no address", LINE(METHOD, AUTH, "null", HEX64, "7", NOON, "null"), false },
    { "an empty address", LINE(METHOD, AUTH, "\"\"", HEX64, "7", NOON, "null"), false },
    { "an address of letters", LINE(METHOD, AUTH, "\"here\"", HEX64, "7", NOON, "null"), false },
    { "prev in capitals",
      LINE(METHOD, AUTH, IP, "00000000000000000000000000000000000000000000000000000000000000FF",
           "7", NOON, "null"),
      false },
    { "prev of 31 bytes",
      LINE(METHOD, AUTH, IP, "000000000000000000000000000000000000000000000000000000000000ff", "7",
           NOON, "null"),
      false },
    { "prev empty", LINE(METHOD, AUTH, IP, "", "7", NOON, "null"), false },
    { "seq as text", LINE(METHOD, AUTH, IP, HEX64, "\"7\"", NOON, "null"), false },
    { "seq with a zero before", LINE(METHOD, AUTH, IP, HEX64, "07", NOON, "null"), false },
    { "seq below zero", LINE(METHOD, AUTH, IP, HEX64, "-7", NOON, "null"), false },
    { "seq past 2^53", LINE(METHOD, AUTH, IP, HEX64, "9007199254740992", NOON, "null"), false },
    { "whole seconds", LINE(METHOD, AUTH, IP, HEX64, "7", "2026-11-28T12:00:00Z", "null"), false },
    { "microseconds", LINE(METHOD, AUTH, IP, HEX64, "7", "2026-11-28T12:00:00.000000Z", "null"),
      false },
    { "another zone", LINE(METHOD, AUTH, IP, HEX64, "7", "2026-11-28T12:00:00+01:00", "null"),
      false },
    { "a zone of the same length",
      LINE(METHOD, AUTH, IP, HEX64, "7", "2026-11-28T12:00:00+0000", "null"), false },
    { "a small t", LINE(METHOD, AUTH, IP, HEX64, "7", "2026-11-28t12:00:00.000Z", "null"), false },
    { "a day that no month has",
      LINE(METHOD, AUTH, IP, HEX64, "7", "2026-11-31T12:00:00.000Z", "null"), false },
    { "a leap second", LINE(METHOD, AUTH, IP, HEX64, "7", "2026-11-28T23:59:60.000Z", "null"),
      false },
    { "before 1970", LINE(METHOD, AUTH, IP, HEX64, "7", "1969-12-31T23:59:59.999Z", "null"),
      false },
    { "a trace of zeros",
      LINE(METHOD, AUTH, IP, HEX64, "7", NOON, "\"00000000000000000000000000000000\""), false },
    { "a trace in capitals",
      LINE(METHOD, AUTH, IP, HEX64, "7", NOON, "\"AB000000000000000000000000000001\""), false },
    { "a trace as a number", LINE(METHOD, AUTH, IP, HEX64, "7", NOON, "1"), false },
    { "an escape too many", LINE("{\"method\":\"\\u006d\"}", AUTH, IP, HEX64, "7", NOON, "null"),
      false },
    { "a slash escaped", LINE("{\"method\":\"\\/\"}", AUTH, IP, HEX64, "7", NOON, "null"), false },
    { "a line end as \\u000a", LINE("{\"method\":\"\\u000a\"}", AUTH, IP, HEX64, "7", NOON, "null"),
      false },
    { "a line end as \\n", LINE("{\"method\":\"\\n\"}", AUTH, IP, HEX64, "7", NOON, "null"), true },
    { "an escape in capitals", LINE("{\"method\":\"\\u001B\"}", AUTH, IP, HEX64, "7", NOON, "null"),
      false },
    { "an override as it is",
      LINE("{\"method\":\"\xe2\x80\xae\xe2\x80\xac\"}", AUTH, IP, HEX64, "7", NOON, "null"),
      false },
    { "an override escaped", LINE("{\"method\":\"\\u202e\"}", AUTH, IP, HEX64, "7", NOON, "null"),
      true },
    { "no UTF-8", LINE("{\"method\":\"\xff\"}", AUTH, IP, HEX64, "7", NOON, "null"), false },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct audit_record record = { .count = 99 };
        rc r = audit_read(&reader, span_text(rows[i].line), &record, NULL);
        if (rc_ok(r) != rows[i].good)
            print_message("# %s\n", rows[i].name);
        assert_int_equal(rc_ok(r), rows[i].good);
        assert_true(rows[i].good || rc_number(r) == REASON_AUDIT_LINE_INVALID);
        assert_true(rows[i].good || record.count == 99);
    }
}

static void test_what_is_read(void **state)
{
    (void)state;
    struct audit_record record;
    assert_true(rc_ok(audit_read(&reader, span_text(rows[3].line), &record, NULL)));
    assert_int_equal(record.event, AUDIT_EVENT_LOGIN);
    assert_int_equal(record.type, AUDIT_AUTHENTICATION);
    assert_int_equal(record.actor_type, AUDIT_USER);
    assert_int_equal(record.outcome, AUDIT_SUCCESS);
    assert_int_equal(record.seq, 7);
    assert_int_equal(record.prev.at[31], 0xff);
    assert_true(record.at == INT64_C(1795867200000) && record.traced);
    assert_int_equal(record.trace[0], 0xab);
    assert_span_equal(record.actor_id, span_text("u"));
    assert_span_equal(record.resource, span_text("r"));
    assert_span_equal(record.address, span_text("192.0.2.1"));
    assert_int_equal(record.count, 1);
    assert_span_equal(record.details[0].key, span_text("method"));
    assert_span_equal(record.details[0].text, span_text("m"));
}

/* An event that a later version has added is a record all the same. */
static void test_an_event_of_later(void **state)
{
    (void)state;
    struct audit_record record;
    static const char later[] =
        "{\"action\":\"key.release\",\"actor_id\":\"\",\"actor_type\":\"Node\",\"details\":{},"
        "\"event_type\":\"Authorization\",\"ip_address\":null,\"outcome\":\"Denied\",\"prev\":"
        "\"" HEX64 "\",\"resource\":\"\",\"seq\":0,\"timestamp\":\"" NOON "\",\"trace_id\":null}";
    static const char shouting[] =
        "{\"action\":\"Key Release\",\"actor_id\":\"\",\"actor_type\":\"Node\",\"details\":{},"
        "\"event_type\":\"Authorization\",\"ip_address\":null,\"outcome\":\"Denied\",\"prev\":"
        "\"" HEX64 "\",\"resource\":\"\",\"seq\":0,\"timestamp\":\"" NOON "\",\"trace_id\":null}";
    assert_true(rc_ok(audit_read(&reader, span_text(later), &record, NULL)));
    assert_int_equal(record.event, AUDIT_EVENT_NONE);
    assert_span_equal(record.action, span_text("key.release"));
    assert_false(rc_ok(audit_read(&reader, span_text(shouting), &record, NULL)));
}

/* An action may have up to 64 of its letters. */
static void test_forms_of_actions(void **state)
{
    (void)state;
    static const struct {
        const char *action;
        bool good;
    } actions[] = {
        { "a", true },
        { "a.b_c.9", true },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
        { "", false },
        { "a b", false },
        { "a-b", false },
        { "A", false },
    };
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        struct audit_record record;
        struct sink out = sink_over(room, sizeof room);
        sink_format(&out,
                    "{\"action\":\"%s\",\"actor_id\":\"\",\"actor_type\":\"Node\",\"details\":{},"
                    "\"event_type\":\"Authorization\",\"ip_address\":null,\"outcome\":\"Denied\","
                    "\"prev\":\"" HEX64 "\",\"resource\":\"\",\"seq\":0,\"timestamp\":\"" NOON
                    "\",\"trace_id\":null}",
                    actions[i].action);
        assert_int_equal(rc_ok(audit_read(&reader, sink_bytes(&out), &record, NULL)),
                         actions[i].good);
    }
}

/* Prefixes, and every bit: what is read is never what it was. */
static void test_truncation_and_bits(void **state)
{
    (void)state;
    struct audit_record record;
    static const char good[] = GOOD;
    size_t len = sizeof good - 1;
    for (size_t i = 0; i < len; i++)
        assert_false(rc_ok(audit_read(&reader, span_of(good, i), &record, NULL)));
    size_t legal = 0;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        memcpy(room, good, sizeof good);
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        legal += rc_ok(audit_read(&reader, span_of(room, len), &record, NULL));
    }
    /* Another letter in a value is another legal record: the chain's business. */
    assert_true(legal > 100 && legal < 8 * len / 2);
}

static void test_limits(void **state)
{
    (void)state;
    struct audit_record record;
    for (size_t more = 0; more < 2; more++) {
        struct sink out = sink_over(room, sizeof room);
        sink_text(&out,
                  "{\"action\":\"x\",\"actor_id\":\"u\",\"actor_type\":\"User\",\"details\":{");
        for (size_t i = 0; i < AUDIT_DETAILS_MAX + more; i++)
            sink_format(&out, "%s\"d%02zu\":1", i > 0 ? "," : "", i);
        sink_text(&out, "},\"event_type\":\"Payment\",\"ip_address\":null,\"outcome\":\"Denied\","
                        "\"prev\":\"" HEX64 "\",\"resource\":\"\",\"seq\":0,\"timestamp\":\"" NOON
                        "\",\"trace_id\":null}");
        assert_int_equal(rc_ok(audit_read(&reader, sink_bytes(&out), &record, NULL)), more == 0);
    }
}

/* Text at the cap of its field, one byte past it, and a line past the cap of lines. */
static void test_text_limits(void **state)
{
    (void)state;
    static char filler[AUDIT_LINE_MAX];
    static const struct {
        int actor, resource, detail;
        bool good;
    } sizes[] = {
        { AUDIT_ACTOR_ID_MAX, AUDIT_RESOURCE_MAX, AUDIT_DETAIL_MAX, true },
        { AUDIT_ACTOR_ID_MAX + 1, 0, 0, false },
        { 0, AUDIT_RESOURCE_MAX + 1, 0, false },
        { 0, 0, AUDIT_DETAIL_MAX + 1, false },
        { 0, 0, AUDIT_LINE_MAX - 1, false },
    };
    memset(filler, 'x', sizeof filler);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct audit_record record;
        struct sink out = sink_over(room, sizeof room);
        sink_format(&out,
                    "{\"action\":\"x\",\"actor_id\":\"%.*s\",\"actor_type\":\"User\",\"details\":"
                    "{\"d\":\"%.*s\"},\"event_type\":\"Payment\",\"ip_address\":null,\"outcome\":"
                    "\"Denied\",\"prev\":\"" HEX64 "\",\"resource\":\"%.*s\",\"seq\":0,"
                    "\"timestamp\":\"" NOON "\",\"trace_id\":null}",
                    sizes[i].actor, filler, sizes[i].detail, filler, sizes[i].resource, filler);
        assert_true(sink_ok(&out));
        assert_int_equal(rc_ok(audit_read(&reader, sink_bytes(&out), &record, NULL)),
                         sizes[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows, ""),
        TEST(test_what_is_read, ""),
        TEST(test_an_event_of_later, ""),
        TEST(test_forms_of_actions, ""),
        TEST(test_truncation_and_bits, ""),
        TEST(test_limits, ""),
        TEST(test_text_limits, ""),
    };
    return RUN_TESTS(tests);
}
