/* test_sdk_talk.c - what is said inside a session of profile sdk-v1: every message to both roles,
   answers that find their question, and those that find none. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "channel/sdk_talk.h"
#include "test.h"

enum { NODES = 128, ROOM = 4096 };

static const char *const jobs[] = { "evaluate_agent", "na\xc3\xafve" };
static struct sdk_challenge challenge = {
    .jobs = jobs, .job_count = 2, .has_default = true, .db_version = 3
};
static struct json_node nodes[2][NODES];
static struct sdk_talk c, v; /* the challenge's end, and the validator's */
static uint8_t room[ROOM];
static struct sink out;
static struct sdk_heard heard;

static void make(void)
{
    challenge.has_default = true;
    challenge.migrations = (struct span){ 0 };
    c = sdk_talk_over(&challenge, nodes[0], NODES);
    v = sdk_talk_over(NULL, nodes[1], NODES);
    out = sink_over(room, sizeof room);
}

/* One of them hears a text, which may be what the other has just written. */
static void hear_span(struct sdk_talk *talk, struct span said)
{
    static uint8_t copy[ROOM];
    assert_true(said.len <= sizeof copy);
    memcpy(copy, said.at, said.len);
    out = sink_over(room, sizeof room);
    heard = sdk_talk_hear(talk, span_of(copy, said.len), &out);
}

static void hear(struct sdk_talk *talk, const char *said)
{
    hear_span(talk, span_text(said));
}

static void assert_said(const char *text)
{
    assert_span_equal(sink_bytes(&out), span_text(text));
    out = sink_over(room, sizeof room);
}

static void assert_ignored(enum reason reason)
{
    assert_int_equal(heard.kind, SDK_HEARD_IGNORED);
    assert_int_equal(heard.reason, reason);
    assert_int_equal(out.len, 0);
}

/* --- the challenge -------------------------------------------------------------------------- */

static void replies_copy_the_message_id(void **state)
{
    (void)state;
    static const struct {
        const char *said, *id;
    } rows[] = {
        { "\"message_id\":\"m1\",", "\"m1\"" },
        { "\"message_id\":7,", "7" },
        { "\"message_id\":null,", "null" },
        { "", "null" },
        { "\"message_id\":\"a\\\"\\u00e9\",", "\"a\\\"\\u00e9\"" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[256];
        make();
        (void)snprintf(text, sizeof text, "{%s\"type\":\"db_version_request\"}", rows[i].said);
        hear(&c, text);
        assert_int_equal(heard.kind, SDK_HEARD_NOTHING);
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"db_version_response\",\"message_id\":%s,"
                       "\"payload\":{\"db_version\":3}}",
                       rows[i].id);
        assert_said(text);
        (void)snprintf(text, sizeof text, "{%s\"type\":\"migrations_request\"}", rows[i].said);
        hear(&c, text);
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"migrations_response\",\"message_id\":%s,"
                       "\"payload\":{\"migrations\":[],\"db_version\":3}}",
                       rows[i].id);
        assert_said(text);
    }
    challenge.migrations = span_text("[{\"version\":\"1\"}]");
    hear(&c, "{\"type\":\"migrations_request\",\"message_id\":\"m\"}");
    assert_said("{\"type\":\"migrations_response\",\"message_id\":\"m\",\"payload\":"
                "{\"migrations\":[{\"version\":\"1\"}],\"db_version\":3}}");
    out = sink_over(room, 40); /* no room for the answer: none */
    heard = sdk_talk_hear(&c, span_text("{\"type\":\"migrations_request\"}"), &out);
    assert_ignored(REASON_CHANNEL_TOO_LARGE);
    static uint8_t large[SDK_PLAIN_MAX], wide[2 * SDK_PLAIN_MAX]; /* longer than may be sent */
    const size_t around = strlen("{\"type\":\"migrations_response\",\"message_id\":null,"
                                 "\"payload\":{\"migrations\":,\"db_version\":3}}");
    memset(large, '1', sizeof large);
    for (size_t more = 0; more < 2; more++) {
        challenge.migrations = span_of(large, SDK_PLAIN_MAX - around + more);
        out = sink_over(wide, sizeof wide);
        heard = sdk_talk_hear(&c, span_text("{\"type\":\"migrations_request\"}"), &out);
        assert_int_equal(heard.kind, more == 0 ? SDK_HEARD_NOTHING : SDK_HEARD_IGNORED);
        assert_int_equal(out.len, more == 0 ? SDK_PLAIN_MAX : 0);
    }
}

static void one_result_for_one_job(void **state)
{
    (void)state;
    make();
    hear(&c, "{\"type\":\"job_execute\",\"job_id\":\"j1\",\"job_name\":\"evaluate_agent\","
             "\"payload\":{\"a\":1}}");
    assert_int_equal(heard.kind, SDK_HEARD_JOB);
    assert_int_equal(heard.handler, 0);
    assert_span_equal(heard.value, span_text("{\"a\":1}"));
    assert_span_equal(heard.job_id, span_text("j1"));
    assert_int_equal(out.len, 0);
    hear(&c, "{\"type\":\"job_execute\",\"job_id\":\"j1\",\"payload\":{}}");
    assert_ignored(REASON_CHANNEL_REPLAY); /* it is under way */
    const struct span id = span_text("j1"), result = span_text("{\"score\":1}"), none = { 0 };
    assert_false(sdk_talk_done(&c, id, none, none, &out));
    assert_false(sdk_talk_done(&c, id, result, span_text("both"), &out));
    assert_false(sdk_talk_done(&c, span_text("j2"), result, none, &out));
    struct sink small = sink_over(room, 20);
    assert_false(sdk_talk_done(&c, id, result, none, &small));
    assert_int_equal(small.len, 0);
    assert_true(sdk_talk_done(&c, id, result, none, &out));
    assert_said("{\"type\":\"job_result\",\"job_id\":\"j1\",\"result\":{\"score\":1}}");
    assert_false(sdk_talk_done(&c, id, result, none, &out));                 /* there is one */
    hear(&c, "{\"type\":\"job_execute\",\"job_id\":\"j1\",\"payload\":{}}"); /* asked once more */
    assert_int_equal(heard.kind, SDK_HEARD_JOB);
    assert_true(sdk_talk_done(&c, id, none, span_text("it \"failed\""), &out));
    assert_said("{\"type\":\"job_result\",\"job_id\":\"j1\",\"error\":\"it \\\"failed\\\"\"}");
}

static void named_then_default_then_error(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t handler;    /* with a default */
        const char *error; /* without; NULL: there is a handler */
    } rows[] = {
        { "\"job_name\":\"evaluate_agent\",", 0, NULL },
        { "\"job_name\":\"na\\u00efve\",", 1, NULL },
        { "\"job_name\":\"other\",", 2, "No job handler found for 'other'" },
        { "\"job_name\":null,", 2, "No default job handler found" },
        { "\"job_name\":\"\",", 2, "No default job handler found" },
        { "\"job_name\":[1],", 2, "No default job handler found" },
        { "", 2, "No default job handler found" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (unsigned fallback = 0; fallback < 2; fallback++) {
            char text[256];
            make();
            challenge.has_default = fallback == 1;
            (void)snprintf(text, sizeof text, "{%s\"type\":\"job_execute\",\"job_id\":\"j\"}",
                           rows[i].name);
            hear(&c, text);
            if (fallback == 1 || rows[i].error == NULL) {
                assert_int_equal(heard.kind, SDK_HEARD_JOB);
                assert_int_equal(heard.handler, rows[i].handler);
                continue;
            }
            assert_int_equal(heard.kind, SDK_HEARD_NOTHING);
            (void)snprintf(text, sizeof text,
                           "{\"type\":\"job_result\",\"job_id\":\"j\",\"error\":\"%s\"}",
                           rows[i].error);
            assert_said(text);
        }
    }
}

static void jobs_that_cannot_be_named(void **state)
{
    (void)state;
    static const char *const ids[] = { "",
                                       "\"job_id\":null,",
                                       "\"job_id\":\"\",",
                                       "\"job_id\":1,",
                                       "\"job_id\":\"a b\",",
                                       "\"job_id\":\"\\u0061\"," };
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        char text[128];
        make();
        (void)snprintf(text, sizeof text, "{%s\"type\":\"job_execute\",\"payload\":{}}", ids[i]);
        hear(&c, text);
        assert_ignored(REASON_CHANNEL_MALFORMED);
    }
    for (size_t len = SDK_ID_MAX; len <= SDK_ID_MAX + 1; len++) {
        uint8_t text[256];
        struct sink said = sink_over(text, sizeof text);
        make();
        sink_text(&said, "{\"type\":\"job_execute\",\"job_id\":\"");
        for (size_t i = 0; i < len; i++)
            sink_u8(&said, 'i');
        sink_text(&said, "\"}");
        hear_span(&c, sink_bytes(&said));
        if (len == SDK_ID_MAX)
            assert_int_equal(heard.kind, SDK_HEARD_JOB);
        else
            assert_ignored(REASON_CHANNEL_MALFORMED);
    }
}

static void too_many_jobs(void **state)
{
    (void)state;
    char text[128];
    make();
    for (unsigned i = 0; i <= SDK_WAITS_MAX; i++) {
        (void)snprintf(text, sizeof text, "{\"type\":\"job_execute\",\"job_id\":\"j%u\"}", i);
        hear(&c, text);
        assert_int_equal(heard.kind, i < SDK_WAITS_MAX ? SDK_HEARD_JOB : SDK_HEARD_NOTHING);
    }
    assert_said("{\"type\":\"job_result\",\"job_id\":\"j64\",\"error\":"
                "\"Too many jobs under way\"}");
    assert_false(sdk_talk_query(&c, span_text("{}"), 1, 0, &out));
    assert_true(sdk_talk_done(&c, span_text("j7"), span_text("1"), (struct span){ 0 }, &out));
    assert_true(sdk_talk_query(&c, span_text("{}"), 1, 0, &out));
    assert_int_equal(sdk_talk_tick(&c, INT64_MAX - 1).kind, SDK_HEARD_ANSWER);
    assert_int_equal(sdk_talk_tick(&c, INT64_MAX).kind,
                     SDK_HEARD_NOTHING); /* jobs take their time */
}

static void queries_find_their_answers(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        enum sdk_heard_kind kind;
        enum reason reason;
        const char *value;
    } rows[] = {
        { "{\"type\":\"orm_result\",\"message_id\":\"ward-1\",\"result\":{\"rows\":[]}}",
          SDK_HEARD_ANSWER, REASON_OK, "{\"rows\":[]}" },
        { "{\"type\":\"orm_result\",\"query_id\":\"ward-1\",\"result\":{\"rows\":[]}}",
          SDK_HEARD_ANSWER, REASON_OK, "{\"rows\":[]}" },
        { "{\"type\":\"orm_result\",\"payload\":{\"query_id\":\"ward-1\",\"result\":[1]}}",
          SDK_HEARD_ANSWER, REASON_OK, "[1]" },
        { "{\"type\":\"orm_result\",\"message_id\":null,\"query_id\":\"ward-1\",\"result\":2}",
          SDK_HEARD_ANSWER, REASON_OK, "2" },
        { "{\"type\":\"error\",\"query_id\":\"ward-1\",\"error\":\"no table\"}", SDK_HEARD_ANSWER,
          REASON_SDK_PEER_ERROR, "\"no table\"" },
        { "{\"type\":\"error\",\"message_id\":\"ward-1\",\"message\":\"no\\u001b[0m\"}",
          SDK_HEARD_ANSWER, REASON_SDK_PEER_ERROR, "\"no\\u001b[0m\"" },
        { "{\"type\":\"orm_result\",\"query_id\":\"ward-1\"}", SDK_HEARD_ANSWER,
          REASON_CHANNEL_MALFORMED, "" },
        /* message_id comes first, and this one is nobody's */
        { "{\"type\":\"orm_result\",\"message_id\":\"x\",\"query_id\":\"ward-1\",\"result\":1}",
          SDK_HEARD_IGNORED, REASON_SDK_UNASKED, NULL },
        { "{\"type\":\"orm_result\",\"query_id\":\"ward-2\",\"result\":1}", SDK_HEARD_IGNORED,
          REASON_SDK_UNASKED, NULL },
        { "{\"type\":\"orm_result\",\"result\":1}", SDK_HEARD_IGNORED, REASON_SDK_UNASKED, NULL },
        { "{\"type\":\"error\",\"error\":\"lost\"}", SDK_HEARD_IGNORED, REASON_SDK_UNASKED, NULL },
        { "{\"type\":\"db_version_response\",\"message_id\":\"ward-1\",\"payload\":{}}",
          SDK_HEARD_IGNORED, REASON_CHANNEL_UNEXPECTED, NULL },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        make();
        assert_true(sdk_talk_query(&c, span_text("{\"table\":\"t\"}"), 40 + i, 1000, &out));
        assert_said("{\"type\":\"orm_query\",\"message_id\":\"ward-1\",\"payload\":"
                    "{\"query\":{\"table\":\"t\"},\"query_id\":\"ward-1\"}}");
        hear(&c, rows[i].said);
        assert_int_equal(heard.kind, rows[i].kind);
        assert_int_equal(heard.reason, rows[i].reason);
        if (rows[i].value == NULL) {
            assert_int_equal(sdk_talk_tick(&c, INT64_MAX).tag, 40 + i); /* it still waits */
            continue;
        }
        assert_int_equal(heard.tag, 40 + i);
        assert_span_equal(heard.value, span_text(rows[i].value));
        hear(&c, rows[i].said); /* once */
        assert_ignored(REASON_SDK_UNASKED);
    }
    make();
    struct sink small = sink_over(room, 30);
    assert_false(sdk_talk_query(&c, span_text("{}"), 1, 0, &small));
    assert_false(sdk_talk_query(&c, (struct span){ 0 }, 1, 0, &out));
    assert_int_equal(sdk_talk_tick(&c, INT64_MAX).kind, SDK_HEARD_NOTHING);
}

static void thirty_seconds_for_an_answer(void **state)
{
    (void)state;
    make();
    assert_true(sdk_talk_query(&c, span_text("{}"), 1, 1000, &out));
    assert_true(sdk_talk_query(&c, span_text("{}"), 2, 2000, &out));
    assert_int_equal(sdk_talk_tick(&c, 1000 + SDK_ANSWER_MS - 1).kind, SDK_HEARD_NOTHING);
    assert_int_equal(sdk_talk_tick(&c, 0).kind, SDK_HEARD_NOTHING); /* the clock went back */
    heard = sdk_talk_tick(&c, 1000 + SDK_ANSWER_MS);
    assert_int_equal(heard.kind, SDK_HEARD_ANSWER);
    assert_int_equal(heard.reason, REASON_SDK_NO_ANSWER);
    assert_int_equal(heard.tag, 1);
    assert_int_equal(sdk_talk_tick(&c, 1000 + SDK_ANSWER_MS).kind, SDK_HEARD_NOTHING);
    hear(&c, "{\"type\":\"orm_result\",\"query_id\":\"ward-1\",\"result\":1}"); /* too late */
    assert_ignored(REASON_SDK_UNASKED);
    assert_int_equal(sdk_talk_tick(&c, INT64_MAX).tag, 2);
    make();
    assert_true(sdk_talk_query(&c, span_text("{}"), 3, INT64_MAX - 1, &out)); /* no overflow */
    assert_int_equal(sdk_talk_tick(&c, INT64_MAX - 1).kind, SDK_HEARD_NOTHING);
    make();
    assert_true(sdk_talk_ask(&v, SDK_MIGRATIONS_REQUEST, 4, 0, &out));
    assert_int_equal(sdk_talk_tick(&v, SDK_MIGRATIONS_MS - 1).kind, SDK_HEARD_NOTHING);
    assert_int_equal(sdk_talk_tick(&v, SDK_MIGRATIONS_MS).tag, 4);
}

static void what_a_challenge_says(void **state)
{
    (void)state;
    make();
    assert_true(sdk_talk_report(&c, SDK_HEARTBEAT, span_text("{\"status\":\"ok\"}"), &out));
    assert_said("{\"type\":\"heartbeat\",\"payload\":{\"status\":\"ok\"}}");
    assert_true(sdk_talk_permissions(&c, span_text("ch"), span_text("{\"t\":{}}"), &out));
    assert_said("{\"type\":\"orm_permissions\",\"challenge_id\":\"ch\",\"permissions\":"
                "{\"t\":{}}}");
    assert_false(sdk_talk_report(&c, SDK_JOB_RESULT, span_text("{}"), &out));
    assert_false(sdk_talk_report(&c, SDK_WORD_COUNT, span_text("{}"), &out));
    assert_false(sdk_talk_report(&c, SDK_LOGS, (struct span){ 0 }, &out));
    assert_false(sdk_talk_permissions(&c, span_text(""), span_text("{}"), &out));
    assert_false(sdk_talk_ask(&c, SDK_DB_VERSION_REQUEST, 1, 0, &out)); /* the validator's */
    assert_false(sdk_talk_ready(&c, &out));
    const struct sdk_job job = { .id = span_text("j"), .payload = span_text("{}") };
    assert_false(sdk_talk_job(&c, &job, &out));
    assert_false(sdk_talk_query(&v, span_text("{}"), 1, 0, &out)); /* the challenge's */
    assert_false(sdk_talk_report(&v, SDK_LOGS, span_text("{}"), &out));
    assert_false(sdk_talk_permissions(&v, span_text("ch"), span_text("{}"), &out));
    assert_int_equal(out.len, 0);
}

/* --- the validator ---------------------------------------------------------------------------- */

static void a_job_and_its_result(void **state)
{
    (void)state;
    make();
    struct sdk_job job = { span_text("j1"), span_text("evaluate_agent"), span_text("{\"a\":1}"), 9,
                           5000 };
    assert_true(sdk_talk_job(&v, &job, &out));
    hear_span(&c, sink_bytes(&out));
    assert_int_equal(heard.kind, SDK_HEARD_JOB);
    out = sink_over(room, sizeof room);
    assert_false(sdk_talk_job(&v, &job, &out)); /* it is under way */
    hear(&v, "{\"type\":\"job_result\",\"job_id\":\"j1\",\"result\":{\"ok\":true},"
             "\"message_id\":\"msg_1_443f403a\"}");
    assert_int_equal(heard.kind, SDK_HEARD_RESULT);
    assert_int_equal(heard.reason, REASON_OK);
    assert_int_equal(heard.tag, 9);
    assert_span_equal(heard.value, span_text("{\"ok\":true}"));
    assert_said("{\"type\":\"job_result_ack\",\"job_id\":\"j1\",\"message_id\":"
                "\"msg_1_443f403a\"}");
    hear(&v, "{\"type\":\"job_result\",\"job_id\":\"j1\",\"result\":2}"); /* once */
    assert_ignored(REASON_SDK_UNASKED);
    hear(&v, "{\"type\":\"job_result\",\"result\":2}");
    assert_ignored(REASON_SDK_UNASKED);

    assert_true(sdk_talk_job(&v, &job, &out));
    hear(&v, "{\"type\":\"job_result\",\"job_id\":\"j1\",\"error\":\"boom\",\"message_id\":null}");
    assert_int_equal(heard.kind, SDK_HEARD_RESULT);
    assert_int_equal(heard.reason, REASON_SDK_PEER_ERROR);
    assert_span_equal(heard.value, span_text("\"boom\""));
    out = sink_over(room, sizeof room);
    assert_true(sdk_talk_job(&v, &job, &out));
    assert_int_equal(sdk_talk_tick(&v, 4999).kind, SDK_HEARD_NOTHING);
    heard = sdk_talk_tick(&v, 5000);
    assert_int_equal(heard.kind, SDK_HEARD_RESULT);
    assert_int_equal(heard.reason, REASON_SDK_NO_ANSWER);
    assert_int_equal(heard.tag, 9);

    out = sink_over(room, sizeof room);
    job.name = (struct span){ 0 };
    assert_true(sdk_talk_job(&v, &job, &out));
    assert_said("{\"type\":\"job_execute\",\"job_id\":\"j1\",\"job_name\":null,\"payload\":"
                "{\"a\":1}}");
    job.payload = (struct span){ 0 };
    job.id = span_text("j2");
    assert_false(sdk_talk_job(&v, &job, &out)); /* it has none */
    struct sink small = sink_over(room, 10); /* a result that cannot be acknowledged is not taken */
    heard = sdk_talk_hear(&v, span_text("{\"type\":\"job_result\",\"job_id\":\"j1\",\"result\":1}"),
                          &small);
    assert_int_equal(heard.reason, REASON_CHANNEL_TOO_LARGE);
    hear(&v, "{\"type\":\"job_result\",\"job_id\":\"j1\",\"result\":1}");
    assert_int_equal(heard.kind, SDK_HEARD_RESULT);
    const char *const bad[] = { "", "a b", "a\"b", "a\\b", "\xc3\xa9", "\x1f", "\x7f" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        out = sink_over(room, sizeof room);
        job.id = span_text(bad[i]);
        assert_false(sdk_talk_job(&v, &job, &out));
        assert_int_equal(out.len, 0);
    }
}

static void a_query_to_the_validator_is_an_error(void **state)
{
    (void)state;
    make();
    hear(&v, "{\"type\":\"orm_query\",\"message_id\":\"q-1\",\"payload\":{\"query\":{\"table\":"
             "\"users\",\"schema\":\"other\"},\"query_id\":\"q-1\"}}");
    assert_int_equal(heard.kind, SDK_HEARD_NOTHING);
    assert_said("{\"type\":\"error\",\"message_id\":\"q-1\",\"query_id\":\"q-1\",\"error\":"
                "\"not served by this validator\",\"message\":\"not served by this validator\"}");
    hear(&v, "{\"type\":\"get_validator_count\",\"payload\":{\"compose_hash\":\"x\"}}");
    assert_said("{\"type\":\"error\",\"message_id\":null,\"query_id\":null,\"error\":"
                "\"not served by this validator\",\"message\":\"not served by this validator\"}");
    assert_true(sdk_talk_query(&c, span_text("{}"), 5, 0, &out)); /* and the challenge hears it */
    hear_span(&v, sink_bytes(&out));
    hear_span(&c, sink_bytes(&out));
    assert_int_equal(heard.kind, SDK_HEARD_ANSWER);
    assert_int_equal(heard.reason, REASON_SDK_PEER_ERROR);
    assert_int_equal(heard.tag, 5);
}

static void permissions_in_both_shapes(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "{\"type\":\"orm_permissions\",\"challenge_id\":\"c\",\"permissions\":{\"t\":{}},"
        "\"message_id\":\"m\"}",
        "{\"type\":\"orm_permissions\",\"payload\":{\"challenge_id\":\"c\",\"permissions\":"
        "{\"t\":{}}},\"message_id\":\"m\"}",
    };
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        make();
        hear(&v, shapes[i]);
        assert_int_equal(heard.kind, SDK_HEARD_PERMISSIONS);
        assert_span_equal(heard.value, span_text("{\"t\":{}}"));
        assert_span_equal(heard.challenge_id, span_text("c"));
        assert_said("{\"type\":\"orm_permissions_ack\",\"message_id\":\"m\",\"status\":\"ok\"}");
    }
    hear(&v, "{\"type\":\"orm_permissions\",\"challenge_id\":\"c\"}");
    assert_ignored(REASON_CHANNEL_MALFORMED);
}

static void what_else_a_validator_asks_and_hears(void **state)
{
    (void)state;
    make();
    assert_true(sdk_talk_ready(&v, &out));
    hear_span(&c, sink_bytes(&out));
    assert_int_equal(heard.kind, SDK_HEARD_READY);
    out = sink_over(room, sizeof room);
    assert_true(sdk_talk_ask(&v, SDK_DB_VERSION_REQUEST, 3, 0, &out));
    hear_span(&c, sink_bytes(&out));
    hear_span(&v, sink_bytes(&out));
    assert_int_equal(heard.kind, SDK_HEARD_ANSWER);
    assert_int_equal(heard.tag, 3);
    assert_span_equal(heard.value, span_text("{\"db_version\":3}"));
    out = sink_over(room, sizeof room);
    assert_false(sdk_talk_ask(&v, SDK_ORM_QUERY, 3, 0, &out));
    assert_true(sdk_talk_report(&c, SDK_SUBMIT, span_text("{\"score\":0.5}"), &out));
    hear_span(&v, sink_bytes(&out));
    assert_int_equal(heard.kind, SDK_HEARD_REPORT);
    assert_int_equal(heard.word, SDK_SUBMIT);
    assert_span_equal(heard.value, span_text("{\"score\":0.5}"));
    const char *status = "{\"type\":\"validator_status_update\",\"validators\":[]}";
    hear(&c, status);
    assert_int_equal(heard.kind, SDK_HEARD_STATUS);
    assert_span_equal(heard.value, span_text(status));
}

/* --- both ------------------------------------------------------------------------------------- */

/* Each message to each role: those that are not for it do nothing. */
static void every_message_to_both(void **state)
{
    (void)state;
    static const enum sdk_word heard_by[2][12] = {
        { SDK_MIGRATIONS_RESPONSE, SDK_DB_VERSION_RESPONSE, SDK_ERROR, SDK_JOB_RESULT,
          SDK_ORM_PERMISSIONS, SDK_ORM_QUERY, SDK_GET_VALIDATOR_COUNT, SDK_HEARTBEAT, SDK_LOGS,
          SDK_SUBMIT, SDK_BENCHMARK_PROGRESS },
        { SDK_MIGRATIONS_REQUEST, SDK_DB_VERSION_REQUEST, SDK_ORM_READY, SDK_ORM_RESULT, SDK_ERROR,
          SDK_JOB_EXECUTE, SDK_VALIDATOR_STATUS },
    };
    for (unsigned who = 0; who < 2; who++) {
        for (unsigned w = SDK_WORD_NONE + 1; w < SDK_WORD_COUNT; w++) {
            char text[64];
            bool known = false;
            for (size_t i = 0; i < COUNT_OF(heard_by[0]); i++)
                known = known || heard_by[who][i] == w;
            make();
            (void)snprintf(text, sizeof text, "{\"type\":\"%s\"}", sdk_talk_word((enum sdk_word)w));
            hear(who == 0 ? &v : &c, text);
            const bool refused = heard.kind == SDK_HEARD_IGNORED &&
                                 heard.reason == REASON_CHANNEL_UNEXPECTED;
            if (refused == known)
                fail_msg("%s to %u", text, who);
        }
    }
}

static void what_is_no_message(void **state)
{
    (void)state;
    static const char *const texts[] = { "",
                                         "[]",
                                         "{}",
                                         "{\"type\":1}",
                                         "{\"type\":null}",
                                         "null",
                                         "{\"type\":\"orm_ready\"}x",
                                         "{\"type\":\"orm_ready\",\"x\":NaN}",
                                         "{\"type\":\"orm_ready\",\"type\":\"orm_ready\"}" };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        make();
        hear(&c, texts[i]);
        assert_ignored(REASON_CHANNEL_MALFORMED);
    }
    hear(&c, "{\"type\":\"weight_request\"}");
    assert_ignored(REASON_CHANNEL_UNEXPECTED);
    for (size_t len = SDK_ID_MAX; len <= SDK_ID_MAX + 1; len++) { /* what could not be copied */
        static const char *const names[] = { "message_id", "query_id" };
        for (size_t n = 0; n < 2; n++) {
            uint8_t text[256];
            struct sink said = sink_over(text, sizeof text);
            sink_format(&said, "{\"type\":\"db_version_request\",\"%s\":", names[n]);
            for (size_t i = 0; i < len; i++)
                sink_u8(&said, '1');
            sink_u8(&said, '}');
            hear_span(&c, sink_bytes(&said));
            assert_int_equal(heard.kind, len == SDK_ID_MAX ? SDK_HEARD_NOTHING : SDK_HEARD_IGNORED);
        }
    }
    static char deep[256];
    for (unsigned more = 0; more < 2; more++) {
        struct sink said = sink_over(deep, sizeof deep);
        sink_text(&said, "{\"type\":\"orm_ready\",\"x\":");
        for (unsigned i = 0; i < SDK_WORDS_DEPTH - 1 + more; i++)
            sink_u8(&said, '[');
        for (unsigned i = 0; i < SDK_WORDS_DEPTH - 1 + more; i++)
            sink_u8(&said, ']');
        sink_u8(&said, '}');
        hear_span(&c, sink_bytes(&said));
        assert_int_equal(heard.kind, more == 0 ? SDK_HEARD_READY : SDK_HEARD_IGNORED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(replies_copy_the_message_id, "PC-9"),
        TEST(one_result_for_one_job, "PC-8"),
        TEST(named_then_default_then_error, "PC-8"),
        TEST(jobs_that_cannot_be_named, ""),
        TEST(too_many_jobs, ""),
        TEST(queries_find_their_answers, "PC-10"),
        TEST(thirty_seconds_for_an_answer, "PC-10"),
        TEST(what_a_challenge_says, ""),
        TEST(a_job_and_its_result, ""),
        TEST(a_query_to_the_validator_is_an_error, ""),
        TEST(permissions_in_both_shapes, "PC-11"),
        TEST(what_else_a_validator_asks_and_hears, ""),
        TEST(every_message_to_both, ""),
        TEST(what_is_no_message, ""),
    };
    return RUN_TESTS(tests);
}
