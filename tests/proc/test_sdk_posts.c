/* test_sdk_posts.c - what clients of profile sdk-v1 post, in core, with every other process played
   here: how much of it is taken, when it is answered, and what a taken front or audit may say. */
#include "proc/sdk_bench.h"

#include "channel/sdk_post.h"

/* One of a client whose session is `token`, signed by the key of `id`. */
struct sent {
    enum sdk_post_kind kind;
    uint64_t id;
    const char *token;
    uint8_t opened;
    size_t value; /* bytes of each */
};

static struct span put_post(const struct sent *sent)
{
    static uint8_t bytes[SDK_POST_BYTES + 8192], value[SDK_VALUE_BYTES + 1];
    static uint64_t number;
    char nonce[24];
    struct sink body = sink_over(bytes, sizeof bytes);
    struct ed25519_secret secret;
    struct signed_request request = { .version = SIGNED_V1,
                                      .method = span_text("POST"),
                                      .host = span_text("localhost"),
                                      .target = span_text("/results/x"),
                                      .timestamp = clock_now() };
    (void)snprintf(nonce, sizeof nonce, "nonce-%012llu", (unsigned long long)++number);
    memset(value, 'v', sizeof value);
    memset(request.body_hash, 7, sizeof request.body_hash);
    request.nonce = span_text(nonce);
    request.token = span_of(sent->token, SESSION_TOKEN_TEXT);
    secret_of(sent->id, &secret);
    assert_int_equal(signed_request_sign(&secret, &request), REASON_OK);
    sink_u8(&body, (uint8_t)sent->kind);
    put_address(&body, (uint8_t)sent->id);
    sink_zero(&body, 16);
    sink_put(&body, SPAN(request.body_hash));
    for (size_t i = 0; sdk_post_name(sent->kind, i) != NULL; i++)
        put_bytes(&body, span_of(value, sent->value));
    credential_put(&body, &request);
    sink_u8(&body, sent->opened);
    assert_true(sink_ok(&body));
    return sink_bytes(&body);
}

static rc post(enum sdk_post_kind kind, uint64_t id, const char *token)
{
    const struct sent sent = { kind, id, token, 1, 5 };
    return say(PEER_FRONT, MSG_SDK_POST, id, put_post(&sent));
}

/* What front is told, and of an answer its text. */
static enum reason told(uint64_t id, struct span *text)
{
    uint16_t reason = 0;
    assert_true(hears(PEER_FRONT, MSG_SDK_POSTED));
    assert_int_equal(heard.id, id);
    struct cursor in = cur_over(heard.body);
    assert_true(cur_u16le(&in, &reason));
    assert_true(reason != REASON_OK || get_bytes(&in, SDK_ANSWER_BYTES, text));
    assert_true(cur_end(&in));
    return (enum reason)reason;
}

/* Sessions of so many clients, whose ids begin with 1; their tokens. */
static void let_in_clients(size_t count, char tokens[][SESSION_TOKEN_TEXT])
{
    uint8_t digest[SHA256_LEN];
    for (size_t i = 0; i < count; i++) {
        (void)is_let_in(i + 1, (uint8_t)(i + 1), digest);
        memcpy(tokens[i], token_text, sizeof token_text);
    }
    core->sessions.began_s -= 10; /* past the second in which core began */
    core->sessions.offset_s = clock_now() - sessions_now(core);
}

/* The next question to the log, and the answer to it. */
static uint64_t record(void)
{
    while (hear(PEER_AUDIT)) {
        if (heard.message == MSG_AUDIT_APPEND)
            return heard.id;
    }
    fail_msg("nothing is to be logged");
    return 0;
}

static void logged(uint64_t id, bool is_logged, uint64_t seq)
{
    uint8_t bytes[16];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, is_logged);
    if (is_logged)
        sink_u64le(&body, seq);
    assert_true(rc_ok(say(PEER_AUDIT, MSG_AUDIT_APPENDED, id, sink_bytes(&body))));
}

#define DIGEST "0707070707070707070707070707070707070707070707070707070707070707"

/* Nothing is said before it is in the log, and then what it is by; in any order. */
static void test_what_is_promised(void **state)
{
    static char tokens[2][SESSION_TOKEN_TEXT];
    struct span text;
    (void)state;
    begin_clients();
    let_in_clients(2, tokens);
    assert_true(rc_ok(post(SDK_POST_HEARTBEAT, 1, tokens[0])));
    assert_int_equal(told(1, &text), REASON_OK);
    assert_span_equal(text, span_text("{\"accepted\":true}"));
    assert_false(hears(PEER_AUDIT, MSG_AUDIT_APPEND));
    assert_true(rc_ok(post(SDK_POST_SUBMIT, 1, tokens[0])));
    const uint64_t first = record();
    assert_true(rc_ok(post(SDK_POST_LOGS, 2, tokens[1])));
    const uint64_t second = record();
    assert_false(hears(PEER_FRONT, MSG_SDK_POSTED));
    logged(second, true, 18446744073709551615u);
    assert_int_equal(told(2, &text), REASON_OK);
    assert_span_equal(text, span_text("{\"stored\":true,\"receipt\":\"18446744073709551615\","
                                      "\"digest\":\"" DIGEST "\"}"));
    logged(first, true, 7);
    assert_int_equal(told(1, &text), REASON_OK);
    assert_span_equal(text,
                      span_text("{\"stored\":true,\"receipt\":\"7\",\"digest\":\"" DIGEST "\"}"));
    logged(first, true, 8); /* once */
    assert_false(hears(PEER_FRONT, MSG_SDK_POSTED));
    end_clients();
}

/* A log that says no, one that says nothing, one that falls; and a front that falls. */
static void test_what_is_not_promised(void **state)
{
    static char tokens[4][SESSION_TOKEN_TEXT];
    struct span text;
    (void)state;
    begin_clients();
    let_in_clients(4, tokens);
    assert_true(rc_ok(post(SDK_POST_SUBMIT, 1, tokens[0])));
    logged(record(), false, 0);
    assert_int_equal(told(1, &text), REASON_AUDIT_CANNOT_LOG);
    assert_true(rc_ok(post(SDK_POST_SUBMIT, 2, tokens[1])));
    const uint64_t silent = record();
    const int64_t now = clock_monotonic_ms();
    assert_true(sdk_posts_step(core, now) <= now + CORE_LOG_MS);
    assert_false(hears(PEER_FRONT, MSG_SDK_POSTED));
    assert_int_equal(sdk_posts_step(core, now + CORE_LOG_MS), INT64_MAX);
    assert_int_equal(told(2, &text), REASON_AUDIT_CANNOT_LOG);
    assert_false(core_can_log(core));
    logged(silent, true, 9); /* too late */
    assert_false(hears(PEER_FRONT, MSG_SDK_POSTED));
    assert_true(rc_ok(post(SDK_POST_LOGS, 3, tokens[2])));
    sdk_posts_peer(core, PEER_AUDIT);
    assert_int_equal(told(3, &text), REASON_AUDIT_CANNOT_LOG);
    assert_true(rc_ok(post(SDK_POST_LOGS, 4, tokens[3])));
    const uint64_t unheard = record();
    sdk_posts_peer(core, PEER_FRONT);
    logged(unheard, true, 10);
    assert_false(hears(PEER_FRONT, MSG_SDK_POSTED));
    end_clients();
}

/* Of a session one of a kind in a second, of all sixteen; heartbeats are not counted. */
static void test_so_many_in_a_second(void **state)
{
    enum { MANY = SDK_POSTS_SECOND / 2 + 1 };
    static char tokens[MANY][SESSION_TOKEN_TEXT];
    struct span text;
    (void)state;
    begin_clients();
    let_in_clients(MANY, tokens);
    core->sdk.posts_ms = clock_monotonic_ms() + 60000; /* this second does not end by itself */
    for (uint64_t id = 1; id < MANY; id++) {
        for (unsigned kind = SDK_POST_LOGS; kind <= SDK_POST_SUBMIT; kind++) {
            core->sdk.clients[id - 1].posted_ms[kind == SDK_POST_SUBMIT] = 0;
            assert_true(rc_ok(post((enum sdk_post_kind)kind, id, tokens[id - 1])));
            logged(record(), true, 1);
            assert_int_equal(told(id, &text), REASON_OK);
        }
    }
    assert_int_equal(core->sdk.posts_logged, SDK_POSTS_SECOND);
    assert_true(rc_ok(post(SDK_POST_LOGS, MANY, tokens[MANY - 1])));
    assert_int_equal(told(MANY, &text), REASON_ADMIT_RATE_LIMITED);
    assert_true(rc_ok(post(SDK_POST_HEARTBEAT, MANY, tokens[MANY - 1])));
    assert_int_equal(told(MANY, &text), REASON_OK);
    core->sdk.posts_ms -= 60000 + CORE_SECOND_MS; /* the next second */
    assert_true(rc_ok(post(SDK_POST_LOGS, MANY, tokens[MANY - 1])));
    logged(record(), true, 2);
    assert_int_equal(told(MANY, &text), REASON_OK);
    /* Whose own second is not over is told so, and the next one is taken. */
    int64_t *last = &core->sdk.clients[MANY - 1].posted_ms[0];
    *last = clock_monotonic_ms() + 60000;
    assert_true(rc_ok(post(SDK_POST_LOGS, MANY, tokens[MANY - 1])));
    assert_int_equal(told(MANY, &text), REASON_ADMIT_RATE_LIMITED);
    assert_true(rc_ok(post(SDK_POST_SUBMIT, MANY, tokens[MANY - 1])));
    logged(record(), true, 3);
    assert_int_equal(told(MANY, &text), REASON_OK);
    *last = clock_monotonic_ms() - SDK_POST_MS;
    assert_true(rc_ok(post(SDK_POST_LOGS, MANY, tokens[MANY - 1])));
    logged(record(), true, 4);
    assert_int_equal(told(MANY, &text), REASON_OK);
    end_clients();
}

static void test_every_place_waits(void **state)
{
    static char tokens[1][SESSION_TOKEN_TEXT];
    struct span text;
    (void)state;
    begin_clients();
    let_in_clients(1, tokens);
    for (uint64_t id = 1; id <= SDK_POSTS_MAX; id++) {
        core->sdk.clients[0].posted_ms[0] = core->sdk.posts_ms = 0;
        assert_true(rc_ok(post(SDK_POST_LOGS, 1, tokens[0])));
        (void)record();
    }
    core->sdk.clients[0].posted_ms[0] = core->sdk.posts_ms = 0;
    assert_true(rc_ok(post(SDK_POST_LOGS, 1, tokens[0])));
    assert_int_equal(told(1, &text), REASON_HOUSE_UNAVAILABLE);
    assert_false(hears(PEER_AUDIT, MSG_AUDIT_APPEND));
    assert_true(rc_ok(post(SDK_POST_HEARTBEAT, 1, tokens[0]))); /* which waits for nothing */
    assert_int_equal(told(1, &text), REASON_OK);
    end_clients();
}

/* Who has no such session, signs with another's key or in the clear; where the profile is not
   served; and a front that says what no client can. */
static void test_who_may_not(void **state)
{
    static char tokens[2][SESSION_TOKEN_TEXT];
    static const char unknown[SESSION_TOKEN_TEXT + 1] =
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    struct span text;
    (void)state;
    begin_clients();
    let_in_clients(2, tokens);
    assert_true(rc_ok(post(SDK_POST_SUBMIT, 1, unknown)));
    assert_int_equal(told(1, &text), REASON_SESSION_UNKNOWN);
    assert_true(rc_ok(post(SDK_POST_SUBMIT, 1, tokens[1])));
    assert_int_equal(told(1, &text), REASON_SIGNED_KEY_FOREIGN);
    const struct sent clear = { SDK_POST_SUBMIT, 1, tokens[0], 0, 5 };
    assert_true(rc_ok(say(PEER_FRONT, MSG_SDK_POST, 1, put_post(&clear))));
    assert_int_equal(told(1, &text), REASON_SDK_PLAINTEXT);
    const struct sent longest = { SDK_POST_SUBMIT, 1, tokens[0], 1, SDK_VALUE_BYTES };
    const struct span whole = put_post(&longest);
    assert_true(rc_ok(say(PEER_FRONT, MSG_SDK_POST, 1, whole)));
    while (record() == 0)
        ;
    hostile.house.settings.sdk_policy[0] = 0;
    assert_true(rc_ok(post(SDK_POST_SUBMIT, 1, tokens[0])));
    assert_int_equal(told(1, &text), REASON_HTTP_ROUTE_UNKNOWN);
    hostile.house.settings.sdk_policy[0] = '/';
    const struct sent longer = { SDK_POST_SUBMIT, 1, tokens[0], 1, SDK_VALUE_BYTES + 1 };
    assert_int_equal(rc_class_of(say(PEER_FRONT, MSG_SDK_POST, 1, put_post(&longer))), RC_PEER);
    hostile_replace(&hostile, PEER_FRONT);
    const struct sent odd = { SDK_POST_SUBMIT, 1, tokens[0], 2, 5 };
    assert_int_equal(rc_class_of(say(PEER_FRONT, MSG_SDK_POST, 1, put_post(&odd))), RC_PEER);
    hostile_replace(&hostile, PEER_FRONT);
    const struct sent none = { SDK_POST_KINDS, 1, tokens[0], 1, 5 };
    assert_int_equal(rc_class_of(say(PEER_FRONT, MSG_SDK_POST, 1, put_post(&none))), RC_PEER);
    hostile_replace(&hostile, PEER_FRONT);
    end_clients();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_promised, ""),    TEST(test_what_is_not_promised, ""),
        TEST(test_so_many_in_a_second, ""), TEST(test_every_place_waits, ""),
        TEST(test_who_may_not, ""),
    };
    return RUN_TESTS(tests);
}
