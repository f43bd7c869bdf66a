/* test_sdk_post.c - what a challenge of profile sdk-v1 posts: each member of each kind, in every
   form that it may not have, at its limit and one past it. */
#include "channel/sdk_post.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

enum { ROOM = 256 * 1024 };

static uint8_t memory[ROOM];

static enum reason read_post(enum sdk_post_kind kind, struct span body, struct sdk_post *out)
{
    struct arena arena = arena_over(memory, sizeof memory);
    return sdk_post_read(kind, body, &arena, out);
}

#define HEARTBEAT "{\"timestamp\": 1, \"status\": \"ok\", \"metrics\": {}}" /* spec 1.5 */
#define LOGS                                                                                       \
    "{\"timestamp\": -5, \"level\": \"INFO\", \"message\": \"a\\u00e9\\n\", \"component\": \"x\"}"
/* As the SDK's ResultsClient writes it. */
#define SUBMIT                                                                                     \
    "{\"score\": 0.5, \"metrics\": {\"a\": 1.5e3, \"b\": 2}, \"job_type\": \"eval\", \"logs\": "   \
    "[\"one\", \"two\"], \"allowed_log_containers\": [], \"error\": null}"

static void what_the_sdk_writes(void **state)
{
    static const struct {
        enum sdk_post_kind kind;
        const char *body;
        const char *names[SDK_POST_VALUES + 1], *values[SDK_POST_VALUES];
    } rows[] = {
        { SDK_POST_HEARTBEAT,
          HEARTBEAT,
          { "timestamp", "status", "metrics" },
          { "1", "ok", "{}" } },
        { SDK_POST_LOGS,
          LOGS,
          { "timestamp", "level", "component", "message" },
          { "-5", "INFO", "x", "a\xc3\xa9\n" } },
        { SDK_POST_SUBMIT,
          SUBMIT,
          { "job", "job_type", "score", "metrics", "logs", "containers", "error" },
          { "", "eval", "0.5", "{\"a\": 1.5e3, \"b\": 2}", "2", "0", "" } },
        { SDK_POST_SUBMIT,
          "{\"session_token\":\"job:1\",\"score\":1,\"metrics\":{},\"job_type\":\"\",\"logs\":[],"
          "\"error\":\"why\",\"more\":{\"of\":[1]}}",
          { "job", "job_type", "score", "metrics", "logs", "containers", "error" },
          { "job:1", "", "1", "{}", "0", "", "why" } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sdk_post post;
        uint8_t digest[SHA256_LEN];
        const struct span body = span_text(rows[i].body);
        assert_int_equal(read_post(rows[i].kind, body, &post), REASON_OK);
        hash_sha256(body, digest);
        assert_memory_equal(post.digest, digest, sizeof digest);
        assert_int_equal(post.kind, rows[i].kind);
        for (size_t v = 0; rows[i].names[v] != NULL; v++) {
            assert_string_equal(sdk_post_name(rows[i].kind, v), rows[i].names[v]);
            assert_span_equal(post.values[v], span_text(rows[i].values[v]));
            assert_null(rows[i].names[v + 1] == NULL ? sdk_post_name(rows[i].kind, v + 1) : NULL);
        }
    }
    assert_null(sdk_post_name(SDK_POST_KINDS, 0));
    assert_null(sdk_post_name(SDK_POST_SUBMIT, SDK_POST_VALUES));
}

/* In the body of that kind, this in the place of that. */
static const struct {
    enum sdk_post_kind kind;
    const char *from, *to;
    enum reason reason;
} changes[] = {
    { SDK_POST_HEARTBEAT, "1,", "1.5,", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "1,", "\"1\",", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "1,", "9223372036854775807,", REASON_OK },
    { SDK_POST_HEARTBEAT, "1,", "9223372036854775808,", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "1,", "null,", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "1,", "NaN,", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "timestamp", "time", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "status", "timestamp", REASON_HTTP_BODY_INVALID }, /* a name twice */
    { SDK_POST_HEARTBEAT, "\"ok\"", "1", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "\"ok\"", "\"\\ud800\"", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "\"ok\"", "\"\xff\"", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "{}", "[]", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "{}", "{\"a\": 1, \"b\": \"2\"}", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "{}", "{\"a\": {}}", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "{}", "{\"a\": null}", REASON_HTTP_BODY_INVALID },
    { SDK_POST_HEARTBEAT, "{}", "{\"a\": 1e309}", REASON_OK }, /* kept as it is written */
    { SDK_POST_LOGS, "\"x\"", "null", REASON_OK },
    { SDK_POST_LOGS, "\"x\"", "5", REASON_HTTP_BODY_INVALID },
    { SDK_POST_LOGS, "component", "of", REASON_OK },
    { SDK_POST_LOGS, "level", "Level", REASON_HTTP_BODY_INVALID },
    { SDK_POST_LOGS, "\"message\"", "\"text\"", REASON_HTTP_BODY_INVALID },
    { SDK_POST_SUBMIT, "0.5", "\"0.5\"", REASON_HTTP_BODY_INVALID },
    { SDK_POST_SUBMIT, "0.5", "true", REASON_HTTP_BODY_INVALID },
    { SDK_POST_SUBMIT, "0.5", "Infinity", REASON_HTTP_BODY_INVALID },
    { SDK_POST_SUBMIT, "\"two\"", "2", REASON_HTTP_BODY_INVALID },
    { SDK_POST_SUBMIT, "\"two\"", "[\"two\"]", REASON_HTTP_BODY_INVALID },
    { SDK_POST_SUBMIT, "[\"one\", \"two\"]", "null", REASON_HTTP_BODY_INVALID },
    { SDK_POST_SUBMIT, "[]", "null", REASON_OK },
    { SDK_POST_SUBMIT, "[]", "{}", REASON_HTTP_BODY_INVALID },
    { SDK_POST_SUBMIT, "\"error\": null", "\"error\": 1", REASON_HTTP_BODY_INVALID },
    { SDK_POST_SUBMIT, "\"error\": null", "\"session_token\": 1", REASON_HTTP_BODY_INVALID },
};

static const char *const bodies[SDK_POST_KINDS] = { HEARTBEAT, LOGS, SUBMIT };

static void every_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char text[1024];
        struct sdk_post post;
        const char *whole = bodies[changes[i].kind], *at = strstr(whole, changes[i].from);
        assert_non_null(at);
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, changes[i].to,
                       at + strlen(changes[i].from));
        const enum reason reason = read_post(changes[i].kind, span_text(text), &post);
        if (reason != changes[i].reason)
            fail_msg("%s: %s", text, reason_info(reason)->name);
    }
}

/* Every cut of every body, and bodies of the other kinds, of none, and in no memory. */
static void what_is_none(void **state)
{
    struct sdk_post post = { .kind = SDK_POST_SUBMIT };
    (void)state;
    for (unsigned kind = 0; kind < SDK_POST_KINDS; kind++) {
        for (size_t len = 0; len < strlen(bodies[kind]); len++)
            assert_int_equal(read_post(kind, span_of(bodies[kind], len), &post),
                             REASON_HTTP_BODY_INVALID);
        for (unsigned other = 0; other < SDK_POST_KINDS; other++)
            assert_int_equal(read_post(kind, span_text(bodies[other]), &post),
                             kind == other ? REASON_OK : REASON_HTTP_BODY_INVALID);
        for (size_t room = 0; room < 600; room += 8) {
            struct arena arena = arena_over(memory, room);
            const enum reason reason = sdk_post_read(kind, span_text(bodies[kind]), &arena, &post);
            assert_true(reason == REASON_OK || reason == REASON_HTTP_BODY_INVALID ||
                        reason == REASON_OUT_OF_MEMORY);
        }
    }
    post.kind = SDK_POST_SUBMIT; /* untouched on failure */
    assert_int_equal(read_post(SDK_POST_HEARTBEAT, span_text("[1]"), &post),
                     REASON_HTTP_BODY_INVALID);
    assert_int_equal(read_post(SDK_POST_KINDS, span_text("{}"), &post), REASON_HTTP_BODY_INVALID);
    assert_int_equal(post.kind, SDK_POST_SUBMIT);
}

/* A body with so many of a letter between two texts. */
static struct span filled(const char *head, char letter, size_t count, const char *tail)
{
    static char text[2 * SDK_POST_BODY_MAX];
    const size_t begin = strlen(head);
    assert_true(begin + count + strlen(tail) < sizeof text);
    (void)snprintf(text, sizeof text, "%s", head);
    memset(text + begin, letter, count);
    (void)snprintf(text + begin + count, sizeof text - begin - count, "%s", tail);
    return span_text(text);
}

static void limits(void **state)
{
    static const char head[] = "{\"timestamp\":1,\"level\":\"", middle[] = "\",\"message\":\"m\"}";
    static const char text[] = "{\"timestamp\":1,\"level\":\"l\",\"message\":\"";
    static const char metrics[] = "{\"timestamp\":1,\"status\":\"s\",\"metrics\":{\"a\":1";
    struct sdk_post post;
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        const enum reason want = more == 0 ? REASON_OK : REASON_HTTP_BODY_TOO_LARGE;
        assert_int_equal(
            read_post(SDK_POST_LOGS, filled(head, 'l', SDK_POST_WORD_MAX + more, middle), &post),
            want);
        assert_int_equal(
            read_post(SDK_POST_SUBMIT,
                      filled("{\"job_type\":\"\",\"metrics\":{},\"logs\":[],\"score\":1", '0',
                             SDK_POST_WORD_MAX - 1 + more, "}"),
                      &post),
            want);
        assert_int_equal(read_post(SDK_POST_HEARTBEAT,
                                   filled(metrics, '0', SDK_POST_METRICS_MAX - 7 + more, "}}"),
                                   &post),
                         want);
        const size_t rest = SDK_POST_BODY_MAX - strlen(HEARTBEAT) + more;
        assert_int_equal(read_post(SDK_POST_HEARTBEAT, filled(HEARTBEAT, ' ', rest, ""), &post),
                         want);
    }
    /* A text is cut, between two characters. */
    assert_int_equal(
        read_post(SDK_POST_LOGS, filled(text, 'm', SDK_POST_TEXT_MAX + 1, "\"}"), &post),
        REASON_OK);
    assert_int_equal(post.values[3].len, SDK_POST_TEXT_MAX);
    assert_int_equal(read_post(SDK_POST_LOGS,
                               filled(text, 'm', SDK_POST_TEXT_MAX - 2, "\xe2\x82\xac\"}"), &post),
                     REASON_OK);
    assert_int_equal(post.values[3].len, SDK_POST_TEXT_MAX - 2);
    /* One value for the object, and so many in it. */
    for (size_t more = 0; more < 2; more++) {
        static char many[8 * SDK_POST_NODES_MAX];
        size_t len = (size_t)snprintf(
            many, sizeof many, "{\"job_type\":\"\",\"metrics\":{},\"score\":1,\"logs\":[\"\"");
        for (size_t i = 0; i < SDK_POST_NODES_MAX - 6 + more; i++)
            len += (size_t)snprintf(many + len, sizeof many - len, ",\"\"");
        (void)snprintf(many + len, sizeof many - len, "]}");
        assert_int_equal(read_post(SDK_POST_SUBMIT, span_text(many), &post),
                         more == 0 ? REASON_OK : REASON_HTTP_BODY_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_sdk_writes, ""),
        TEST(every_member, ""),
        TEST(what_is_none, ""),
        TEST(limits, ""),
    };
    return RUN_TESTS(tests);
}
