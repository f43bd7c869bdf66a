/* test_query.c - a query gives the records that it asks for and no others. */
#include "audit/query.h"

#include "audit/read.h"
#include "log.h"

static struct audit_reader reader;
static uint8_t room[AUDIT_LINE_MAX];

/* The record that is asked about, as it was read: seq 41, refused login of u-7. */
static struct audit_record subject(void)
{
    static const uint8_t trace[AUDIT_TRACE_LEN] = { 0xab };
    struct audit_record record = log_login(AUDIT_DENIED);
    struct audit_record read;
    struct sink out = sink_over(room, sizeof room);
    audit_set_trace(&record, trace);
    audit_set_resource(&record, span_text("session/web"));
    audit_add_text(&record, "agent", span_text("curl \xc3\xa9\n"));
    record.seq = 41;
    assert_true(rc_ok(audit_write(&record, &out, NULL)));
    assert_true(rc_ok(audit_read(&reader, sink_bytes(&out), &read, NULL)));
    return read;
}

#define T(text)                                                                                    \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static const struct {
    const char *name;
    struct audit_query query;
    bool match;
} rows[] = {
    { "everything", { 0 }, true },
    { "its type", { .type = AUDIT_AUTHENTICATION }, true },
    { "another type", { .type = AUDIT_PAYMENT }, false },
    { "its outcome", { .outcome = AUDIT_DENIED }, true },
    { "another outcome", { .outcome = AUDIT_FAILURE }, false },
    { "its kind of actor", { .actor_type = AUDIT_USER }, true },
    { "another kind of actor", { .actor_type = AUDIT_NODE }, false },
    { "its action", { .action = T("login") }, true },
    { "part of its action", { .action = T("log") }, false },
    { "a group of actions", { .action = T("log.") }, false },
    { "its actor", { .actor_id = T("u-7") }, true },
    { "an actor whose name begins so", { .actor_id = T("u-") }, false },
    { "an actor in capitals", { .actor_id = T("U-7") }, false },
    { "its resource", { .resource = T("session/web") }, true },
    { "what its resource is in", { .resource = T("session/") }, true },
    { "more than its resource", { .resource = T("session/web/1") }, false },
    { "its address", { .address = T("192.0.2.1") }, true },
    { "an address that begins so", { .address = T("192.0.2.11") }, false },
    { "its trace", { .traced = true, .trace = { 0xab } }, true },
    { "another trace", { .traced = true, .trace = { 0xac } }, false },
    { "text of a detail", { .text = T("curl") }, true },
    { "a whole text", { .text = T("password") }, true },
    { "more than a whole text", { .text = T("passwords") }, false },
    { "text beyond ASCII", { .text = T("l \xc3\xa9") }, true },
    { "a line end in a text", { .text = T("\n") }, true },
    { "text of the actor", { .text = T("-7") }, true },
    { "the name of a field is no text", { .text = T("actor_id") }, false },
    { "nor is that of a detail", { .text = T("agent") }, false },
    { "nor what stands between", { .text = T("\",\"") }, false },
    { "from its moment on", { .since = LOG_NOON }, true },
    { "from a millisecond later", { .since = LOG_NOON + 1 }, false },
    { "until its moment", { .until = LOG_NOON }, false },
    { "until a millisecond later", { .until = LOG_NOON + 1 }, true },
    { "from its place on", { .from = 41 }, true },
    { "from the next place on", { .from = 42 }, false },
    { "up to its place", { .to = 41 }, false },
    { "up to the next place", { .to = 42 }, true },
    { "two that hold", { .type = AUDIT_AUTHENTICATION, .actor_id = T("u-7") }, true },
    { "one of two", { .type = AUDIT_AUTHENTICATION, .actor_id = T("u-8") }, false },
};

static void test_rows(void **state)
{
    (void)state;
    struct audit_record record = subject();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool got = audit_query_matches(&rows[i].query, &record);
        if (got != rows[i].match)
            print_message("# %s\n", rows[i].name);
        assert_int_equal(got, rows[i].match);
    }
}

static void test_a_group_of_actions(void **state)
{
    (void)state;
    struct audit_record record = { .action = span_text("key.rotate") };
    struct audit_query query = { .action = T("key.") };
    assert_true(audit_query_matches(&query, &record));
    record.action = span_text("keyring");
    assert_false(audit_query_matches(&query, &record));
    query.traced = true; /* no trace, though its bytes are zero too */
    record.action = span_text("key.use");
    assert_false(audit_query_matches(&query, &record));
}

static void test_past(void **state)
{
    (void)state;
    struct audit_query query = { .to = 7 };
    assert_false(audit_query_is_past(&query, 6));
    assert_true(audit_query_is_past(&query, 7));
    query.to = 0;
    assert_false(audit_query_is_past(&query, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows, ""),
        TEST(test_a_group_of_actions, ""),
        TEST(test_past, ""),
    };
    return RUN_TESTS(tests);
}
