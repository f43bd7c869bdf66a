/* test_audit_client.c - a record arrives as it was filled, types and all; nothing but a whole
   body is one. */
#include "proc/audit_client.h"

#include <string.h>

#include "audit/text.h"
#include "model/reason.h"
#include "test.h"

static uint8_t room[AUDIT_CLIENT_BODY];
static uint8_t lines[2][AUDIT_LINE_MAX];

static struct audit_record full_record(void)
{
    static const uint8_t trace[AUDIT_TRACE_LEN] = { 1, 2, 3 };
    struct audit_record record = audit_record_of(AUDIT_EVENT_LOGIN, AUDIT_DENIED, 5);
    audit_set_actor(&record, AUDIT_USER, span_text("u-7"));
    audit_set_resource(&record, span_text("session \xff\x1b[2J"));
    audit_set_address(&record, span_text("2001:db8::1"));
    audit_set_trace(&record, trace);
    audit_add_text(&record, "method", span_text("password"));
    audit_add_number(&record, "tries", -3);
    audit_add_bool(&record, "known", true);
    audit_add_time(&record, "until", 1700000000123);
    audit_add_hash(&record, "key", SPAN(trace));
    audit_add_address(&record, "by", span_text("192.0.2.1"));
    audit_add_secret(&record, "password");
    return record;
}

static struct span written(const struct audit_record *record, uint8_t line[AUDIT_LINE_MAX])
{
    struct sink out = sink_over(line, AUDIT_LINE_MAX);
    assert_true(rc_ok(audit_write(record, &out, NULL)));
    return sink_bytes(&out);
}

static void test_arrives_as_it_was(void **state)
{
    struct audit_record sent = full_record(), got;
    struct sink body = sink_over(room, sizeof room);
    (void)state;
    assert_true(audit_client_put(&body, &sent));
    struct cursor in = cur_over(sink_bytes(&body));
    assert_true(audit_client_get(&in, &got));
    assert_int_equal(got.at, 0); /* the time is the log's own */
    got.at = sent.at;
    assert_span_equal(written(&got, lines[0]), written(&sent, lines[1]));
}

/* The secret is not in the frame: there is no call that could put it there. */
static void test_every_prefix_and_more_is_refused(void **state)
{
    struct audit_record sent = full_record(), got = { .count = 99 };
    struct sink body = sink_over(room, sizeof room);
    (void)state;
    assert_true(audit_client_put(&body, &sent));
    for (size_t len = 0; len < body.len; len++) {
        struct cursor in = cur_over(span_of(room, len));
        assert_false(audit_client_get(&in, &got));
        assert_int_equal(got.count, 99);
    }
    sink_u8(&body, 0);
    struct cursor in = cur_over(sink_bytes(&body));
    assert_false(audit_client_get(&in, &got));
}

/* What is cut here is what the log would show, and fits its field there. */
static void test_long_texts_are_cut(void **state)
{
    static char text[5000];
    struct audit_record sent = full_record(), got;
    struct sink body = sink_over(room, sizeof room);
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "\xc3\xa9"[i % 2];
    audit_set_actor(&sent, AUDIT_USER, span_of(text, sizeof text));
    audit_set_resource(&sent, span_of(text, sizeof text));
    audit_add_text(&sent, "long", span_of(text, sizeof text));
    assert_true(audit_client_put(&body, &sent));
    struct cursor in = cur_over(sink_bytes(&body));
    assert_true(audit_client_get(&in, &got));
    assert_true(got.actor_id.len <= AUDIT_ACTOR_ID_MAX && got.resource.len <= AUDIT_RESOURCE_MAX);
    struct span line = written(&got, lines[0]);
    assert_non_null(memmem(line.at, line.len, "\xc3\xa9[cut from 5000 bytes]", 23));
    assert_null(memmem(line.at, line.len, "\xef\xbf\xbd[cut", 7)); /* not inside a character */
}

static void test_what_is_no_record_is_not_sent(void **state)
{
    struct sink little = sink_over(room, 100), body = sink_over(room, sizeof room);
    struct audit_record record = full_record();
    (void)state;
    assert_false(audit_client_put(&little, &record));
    assert_int_equal(little.len, 0);
    record.bad = true;
    assert_false(audit_client_put(&body, &record));
    record = full_record();
    audit_set_address(&record, span_text("2001:0db8:0000:0000:0000:0000:0000:0001%ethernet0"));
    assert_false(audit_client_put(&body, &record));
}

static void test_answers(void **state)
{
    static const struct {
        const char *name;
        struct span body;
        bool logged;
        enum audit_refused why;
    } rows[] = {
        { "logged", { (const uint8_t *)"\1\7\0\0\0\0\0\0\0", 9 }, true },
        { "refused", { (const uint8_t *)"\0", 1 }, false },
        { "refused for now", { (const uint8_t *)"\0\0", 2 }, false },
        { "by the disk", { (const uint8_t *)"\0\1", 2 }, false, AUDIT_REFUSED_DISK },
        { "for a hand", { (const uint8_t *)"\0\2", 2 }, false, AUDIT_REFUSED_GONE },
        { "for damage", { (const uint8_t *)"\0\3", 2 }, false, AUDIT_REFUSED_DAMAGED },
        { "for what there is not", { (const uint8_t *)"\0\4", 2 }, false },
        { "a yes with a cause", { (const uint8_t *)"\1\2", 2 }, false },
        { "a cause and more", { (const uint8_t *)"\0\2\0", 3 }, false },
        { "nothing", { (const uint8_t *)"", 0 }, false },
        { "a number without a yes", { (const uint8_t *)"\0\7\0\0\0\0\0\0\0", 9 }, false },
        { "cut off", { (const uint8_t *)"\1\7\0\0\0\0\0\0", 8 }, false },
        { "too long", { (const uint8_t *)"\1\7\0\0\0\0\0\0\0\0", 10 }, false },
        { "neither yes nor no", { (const uint8_t *)"\2\7\0\0\0\0\0\0\0", 9 }, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cursor in = cur_over(rows[i].body);
        uint64_t seq = 99;
        if (audit_client_appended(&in, &seq) != rows[i].logged)
            fail_msg("%s", rows[i].name);
        assert_int_equal(seq, rows[i].logged ? 7 : 99);
        if (audit_client_refused(cur_over(rows[i].body)) != rows[i].why)
            fail_msg("why: %s", rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_arrives_as_it_was, ""),
        TEST(test_every_prefix_and_more_is_refused, ""),
        TEST(test_long_texts_are_cut, ""),
        TEST(test_what_is_no_record_is_not_sent, ""),
        TEST(test_answers, ""),
    };
    return RUN_TESTS(tests);
}
