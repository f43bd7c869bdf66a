/* test_record.c - one record is one canonical line, whatever strangers put into it; what
   misses a part is not written. */
#include "audit/record.h"

#include <stdlib.h>

#include "audit/read.h"
#include "log.h"
#include "model/reason.h"

static uint8_t room[2 * AUDIT_LINE_MAX];
static uint8_t big[1 << 20];
static struct audit_reader reader;

static struct span line_of(const struct audit_record *record)
{
    struct sink out = sink_over(room, sizeof room);
    struct trail trail = { 0 };
    if (!rc_ok(audit_write(record, &out, &trail)))
        return span_text("");
    return sink_bytes(&out);
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static void test_a_login(void **state)
{
    (void)state;
    struct audit_record record = log_login(AUDIT_FAILURE);
    assert_span_equal(
        line_of(&record),
        span_text("{\"action\":\"login\",\"actor_id\":\"u-7\",\"actor_type\":\"User\","
                  "\"details\":{\"method\":\"password\"},\"event_type\":\"Authentication\","
                  "\"ip_address\":\"192.0.2.1\",\"outcome\":\"Failure\",\"prev\":\"" ZEROS
                  "\",\"resource\":\"session\",\"seq\":0,"
                  "\"timestamp\":\"2026-11-28T12:00:00.123Z\",\"trace_id\":null}"));
}

static void test_every_type_of_detail(void **state)
{
    (void)state;
    static const uint8_t trace[AUDIT_TRACE_LEN] = { 0xab, [15] = 1 };
    struct audit_record record = audit_record_of(AUDIT_EVENT_KEY_RETIRE, AUDIT_DENIED, 0);
    audit_set_actor(&record, AUDIT_NODE, span_text(""));
    audit_set_trace(&record, trace);
    audit_add_secret(&record, "token");
    audit_add_text(&record, "key_id", span_text("k7"));
    audit_add_number(&record, "number", -AUDIT_NUMBER_LIMIT);
    audit_add_number(&record, "number_up", AUDIT_NUMBER_LIMIT);
    audit_add_bool(&record, "no", false);
    audit_add_bool(&record, "yes", true);
    audit_add_time(&record, "at", LOG_NOON);
    audit_add_hash(&record, "hash", span_text("\x01\xff"));
    audit_add_address(&record, "peer", span_text("2001:db8::1"));
    record.seq = 41;
    record.prev.at[0] = 0xfe;
    assert_span_equal(
        line_of(&record),
        span_text("{\"action\":\"key.retire\",\"actor_id\":\"\",\"actor_type\":\"Node\","
                  "\"details\":{\"at\":\"2026-11-28T12:00:00.123Z\",\"hash\":\"01ff\","
                  "\"key_id\":\"k7\",\"no\":false,\"number\":-9007199254740991,\"number_up\":"
                  "9007199254740991,"
                  "\"peer\":\"2001:db8::1\",\"token\":\"[redacted]\",\"yes\":true},"
                  "\"event_type\":\"Configuration\",\"ip_address\":null,\"outcome\":\"Denied\","
                  "\"prev\":\"fe000000000000000000000000000000000000000000000000000000000000"
                  "00\",\"resource\":\"\",\"seq\":41,\"timestamp\":\"1970-01-01T00:00:00.000Z\","
                  "\"trace_id\":\"ab000000000000000000000000000001\"}"));
}

/* Each spoils a good login. */
static void no_method(struct audit_record *r)
{
    r->count = 0;
}
static void no_address(struct audit_record *r)
{
    audit_set_address(r, span_text(""));
}
static void address_of_letters(struct audit_record *r)
{
    audit_set_address(r, span_text("localhost"));
}
static void address_with_quote(struct audit_record *r)
{
    audit_set_address(r, span_text("1\",\"x\":\"2"));
}
static void address_too_long(struct audit_record *r)
{
    audit_set_address(r, span_text("1111111111111111111111111111111111111111111111"));
}
static void no_actor_type(struct audit_record *r)
{
    r->actor_type = AUDIT_ACTOR_NONE;
}
static void actor_type_past_the_last(struct audit_record *r)
{
    r->actor_type = AUDIT_ACTOR_COUNT;
}
static void no_outcome(struct audit_record *r)
{
    r->outcome = AUDIT_OUTCOME_NONE;
}
static void outcome_past_the_last(struct audit_record *r)
{
    r->outcome = (enum audit_outcome)99;
}
static void no_event(struct audit_record *r)
{
    r->event = AUDIT_EVENT_NONE;
}
static void another_type(struct audit_record *r)
{
    r->type = AUDIT_PAYMENT;
}
static void another_action(struct audit_record *r)
{
    r->action = span_text("ban.set");
}
static void method_as_number(struct audit_record *r)
{
    r->count = 0;
    audit_add_number(r, "method", 1);
}
static void method_twice(struct audit_record *r)
{
    audit_add_text(r, "method", span_text("other"));
}
static void detail_without_a_name(struct audit_record *r)
{
    audit_add_text(r, "", span_text("x"));
}
static void detail_in_capitals(struct audit_record *r)
{
    audit_add_text(r, "Method", span_text("x"));
}
static void detail_name_too_long(struct audit_record *r)
{
    audit_add_text(r, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", span_text("x"));
}
static void detail_of_no_type(struct audit_record *r)
{
    r->details[0].type = AUDIT_VALUE_NONE;
}
static void number_too_large(struct audit_record *r)
{
    audit_add_number(r, "n", AUDIT_NUMBER_LIMIT + 1);
}
static void number_too_small(struct audit_record *r)
{
    audit_add_number(r, "n", INT64_MIN);
}
static void hash_too_long(struct audit_record *r)
{
    audit_add_hash(r, "h", span_of(big, AUDIT_HASH_MAX + 1));
}
static void time_before_1970(struct audit_record *r)
{
    r->at = -1;
}
static void time_past_9999(struct audit_record *r)
{
    r->at = INT64_C(253402300800000);
}
static void detail_time_past_9999(struct audit_record *r)
{
    audit_add_time(r, "t", INT64_MAX);
}
static void detail_address_of_letters(struct audit_record *r)
{
    audit_add_address(r, "a", span_text("here"));
}
static void seq_too_large(struct audit_record *r)
{
    r->seq = (uint64_t)AUDIT_NUMBER_LIMIT + 1;
}
static void one_detail_too_many(struct audit_record *r)
{
    static const char names[AUDIT_DETAILS_MAX][3] = { "a0", "a1", "a2", "a3", "a4", "a5",
                                                      "a6", "a7", "a8", "a9", "b0", "b1",
                                                      "b2", "b3", "b4", "b5", "b6", "b7",
                                                      "b8", "b9", "c0", "c1", "c2", "c3" };
    for (size_t i = 0; i < AUDIT_DETAILS_MAX; i++)
        audit_add_bool(r, names[i], true);
}

static const struct {
    const char *name;
    void (*spoil)(struct audit_record *record);
} spoilt[] = {
    { "no method", no_method },
    { "no address", no_address },
    { "an address of letters", address_of_letters },
    { "an address with a quote", address_with_quote },
    { "an address too long", address_too_long },
    { "no actor type", no_actor_type },
    { "an actor type that is none", actor_type_past_the_last },
    { "no outcome", no_outcome },
    { "an outcome that is none", outcome_past_the_last },
    { "no event", no_event },
    { "another event's type", another_type },
    { "another event's action", another_action },
    { "a demanded text as a number", method_as_number },
    { "a name twice", method_twice },
    { "a detail without a name", detail_without_a_name },
    { "a name in capitals", detail_in_capitals },
    { "a name of 49 bytes", detail_name_too_long },
    { "a detail of no type", detail_of_no_type },
    { "a number past 2^53 - 1", number_too_large },
    { "a number below", number_too_small },
    { "a hash of 65 bytes", hash_too_long },
    { "a time before 1970", time_before_1970 },
    { "a time past 9999", time_past_9999 },
    { "a detail's time past 9999", detail_time_past_9999 },
    { "a detail's address of letters", detail_address_of_letters },
    { "seq past 2^53 - 1", seq_too_large },
    { "25 details", one_detail_too_many },
};

static void test_spoilt_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spoilt / sizeof spoilt[0]; i++) {
        struct audit_record record = log_login(AUDIT_SUCCESS);
        struct sink out = sink_over(room, sizeof room);
        spoilt[i].spoil(&record);
        rc r = audit_write(&record, &out, NULL);
        if (rc_number(r) != REASON_AUDIT_RECORD_INVALID)
            print_message("# %s\n", spoilt[i].name);
        assert_int_equal(rc_number(r), REASON_AUDIT_RECORD_INVALID);
        assert_int_equal(rc_class_of(r), RC_BUG);
        assert_int_equal(out.len, 0);
    }
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        int64_t at;
        const char *text; /* NULL: there is none */
    } times[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 999, "1970-01-01T00:00:00.999Z" },
        { INT64_C(951782400001), "2000-02-29T00:00:00.001Z" },
        { INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
        { INT64_C(253402300800000), NULL },
        { -1, NULL },
        { INT64_MAX, NULL },
        { INT64_MIN, NULL },
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct sink out = sink_over(room, sizeof room);
        assert_int_equal(audit_time_put(&out, times[i].at), times[i].text != NULL);
        assert_span_equal(sink_bytes(&out), span_text(times[i].text != NULL ? times[i].text : ""));
    }
}

static void test_the_longest_hash(void **state)
{
    (void)state;
    struct audit_record record = log_login(AUDIT_SUCCESS);
    audit_add_hash(&record, "h", span_of(big, AUDIT_HASH_MAX));
    assert_true(line_of(&record).len > 2 * AUDIT_HASH_MAX);
}

/* The largest record that there may be, in the longest form of each field. */
static void test_the_longest_record(void **state)
{
    (void)state;
    static char names[AUDIT_DETAILS_MAX][AUDIT_DETAIL_NAME_MAX + 1];
    struct audit_record again;
    struct audit_record record = log_login(AUDIT_SUCCESS);
    memset(big, 0x01, sizeof big);
    audit_set_actor(&record, AUDIT_ANONYMOUS, SPAN(big));
    audit_set_resource(&record, SPAN(big));
    audit_set_address(&record, span_text("111111111111111111111111111111111111111111111"));
    for (size_t i = 1; i < AUDIT_DETAILS_MAX; i++) {
        memset(names[i], 'a' + (int)i, AUDIT_DETAIL_NAME_MAX);
        audit_add_text(&record, names[i], SPAN(big));
    }
    record.seq = (uint64_t)AUDIT_NUMBER_LIMIT;
    struct span line = line_of(&record);
    assert_true(line.len > 48 * 1024 && line.len <= AUDIT_LINE_MAX);
    assert_true(rc_ok(audit_read(&reader, line, &again, NULL)));
    assert_int_equal(again.count, AUDIT_DETAILS_MAX);
    memset(big, 0, sizeof big);
}

/* A sink that ends anywhere in the line holds nothing of it. */
static void test_a_sink_too_small(void **state)
{
    (void)state;
    struct audit_record record = log_login(AUDIT_SUCCESS);
    size_t whole = line_of(&record).len;
    for (size_t cap = 0; cap < whole + 2; cap++) {
        struct sink out = sink_over(room, cap);
        bool fits = rc_ok(audit_write(&record, &out, NULL));
        /* Numbers want one byte more than they write. */
        assert_true(fits || cap <= whole);
        assert_int_equal(out.len, fits ? whole : 0);
    }
}

/* Each of the six events of the seed with each of its details, as success and as failure; it
   is refused when any one of them is missing. */
static void test_demanded_details(void **state)
{
    (void)state;
    for (unsigned e = 1; e < AUDIT_EVENT_COUNT; e++) {
        for (unsigned outcome = AUDIT_SUCCESS; outcome < AUDIT_OUTCOME_COUNT; outcome++) {
            struct audit_record record = log_event((enum audit_event)e, span_text("x"));
            struct audit_record again;
            record.outcome = (enum audit_outcome)outcome;
            struct span line = line_of(&record);
            assert_true(rc_ok(audit_read(&reader, line, &again, NULL)));
            assert_int_equal(again.event, e);
            assert_int_equal(again.outcome, outcome);
            assert_int_equal(again.count, record.count);
            for (size_t i = 0; i < record.count; i++) {
                struct audit_record less = record;
                less.details[i] = less.details[--less.count];
                assert_int_equal(line_of(&less).len, 0);
                less = record;
                less.details[i].type = AUDIT_SECRET;
                assert_true(rc_ok(audit_read(&reader, line_of(&less), &again, NULL)));
            }
        }
    }
}

/* The nine fields of the seed, with legal words and UTC time, in every line. */
static void test_nine_fields(void **state)
{
    static const char *const fields[] = { "timestamp",  "event_type", "actor_id",
                                          "actor_type", "resource",   "action",
                                          "outcome",    "ip_address", "details" };
    (void)state;
    for (unsigned e = 1; e < AUDIT_EVENT_COUNT; e++) {
        struct audit_record record = log_event((enum audit_event)e, span_text("a\nb\xff"));
        static struct json_node nodes[AUDIT_NODES];
        struct json json;
        struct span time;
        int64_t at;
        struct span line = line_of(&record);
        assert_true(json_parse_into(line, nodes, AUDIT_NODES, NULL, &json, NULL));
        assert_int_equal(json_length(&json, 0), 12);
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
            assert_int_not_equal(json_member(&json, 0, fields[i]), JSON_NONE);
        assert_true(json_time(&json, json_member(&json, 0, "timestamp"), &at));
        assert_int_equal(at, LOG_NOON / 1000);
        assert_true(json_string(&json, json_member(&json, 0, "timestamp"), &time));
        assert_int_equal(time.at[time.len - 1], 'Z');
        assert_int_equal(json_type(&json, json_member(&json, 0, "details")), JSON_OBJECT);
        assert_null(memchr(line.at, '\n', line.len));
    }
}

/* Strangers' bytes in every field: the record is written, is one line, is safe on a terminal,
   and reads back. */
static void fill(struct test_random *random, uint8_t *at, size_t len)
{
    static const char *const nasty[] = {
        "\r\n",     "\x1b[2J",         "\xe2\x80\xa8", "\xe2\x80\xae\xe2\x80\xac", "\xff",
        "\xc2\x9b", "\",\"seq\":9,\"", "\\u000a",      "\xf3\xa0\x81\x81",         "[redacted]",
        "\xc0\xaf", "\xef\xbb\xbf"
    };
    for (size_t i = 0; i < len;) {
        const char *piece = nasty[test_random_below(random, sizeof nasty / sizeof nasty[0])];
        size_t take = strlen(piece);
        if (test_random_below(random, 3) > 0 || take > len - i) {
            at[i++] = (uint8_t)test_random_next(random);
            continue;
        }
        for (size_t k = 0; k < take; k++)
            at[i++] = (uint8_t)piece[k];
    }
}

static void assert_safe(struct span line)
{
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.at[i];
        uint8_t next = i + 1 < line.len ? line.at[i + 1] : 0;
        assert_true(c >= 0x20 && c != 0x7f);
        assert_false(c == 0xc2 && next < 0xa0);
        assert_false(c == 0xe2 && next == 0x80 && line.at[i + 2] >= 0xa8 && line.at[i + 2] <= 0xae);
        assert_false(c == 0xf3 && next == 0xa0);
    }
}

static void one_hostile_record(struct test_random *random)
{
    static const char canary[] = "hunter2hunter2";
    size_t len = test_random_below(random, test_random_below(random, 500) == 0 ? 9000 : 60);
    enum audit_event event = (enum audit_event)(1 +
                                                test_random_below(random, AUDIT_EVENT_COUNT - 1));
    struct audit_record again;
    fill(random, big, len);
    struct audit_record record = log_event(event, span_of(big, len));
    audit_add_secret(&record, "password");
    record.details[record.count - 1].text = span_text(canary); /* even a value that slips in */
    struct span line = line_of(&record);
    assert_true(line.len > 0);
    assert_safe(line);
    assert_null(memmem(line.at, line.len, canary, strlen(canary)));
    assert_true(rc_ok(audit_read(&reader, line, &again, NULL)));
    assert_int_equal(again.event, event);
}

static void test_hostile_records(void **state)
{
    (void)state;
    struct test_random random = { 80 };
    size_t rounds = getenv("WARD_FULL") != NULL ? 10000000 : 50000;
    print_message("# seed 80, %zu records\n", rounds);
    for (size_t i = 0; i < rounds; i++)
        one_hostile_record(&random);
}

static void test_fields_of_a_mebibyte(void **state)
{
    (void)state;
    struct test_random random = { 81 };
    struct audit_record again;
    fill(&random, big, sizeof big);
    struct audit_record record = log_event(AUDIT_EVENT_PAYMENT, SPAN(big));
    struct span line = line_of(&record);
    assert_true(line.len > 0 && line.len <= AUDIT_LINE_MAX);
    assert_safe(line);
    assert_non_null(memmem(line.at, line.len, "[cut from 1048576 bytes]\"", 25));
    assert_true(rc_ok(audit_read(&reader, line, &again, NULL)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_login, ""),
        TEST(test_every_type_of_detail, ""),
        TEST(test_spoilt_records, ""),
        TEST(test_times, ""),
        TEST(test_the_longest_hash, ""),
        TEST(test_the_longest_record, ""),
        TEST(test_a_sink_too_small, ""),
        TEST(test_demanded_details, ""),
        TEST(test_nine_fields, "CX-52"),
        TEST(test_hostile_records, "RL-80"),
        TEST(test_fields_of_a_mebibyte, "RL-80"),
    };
    return RUN_TESTS(tests);
}
