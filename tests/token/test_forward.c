/* test_forward.c - what of a miner's request goes on to a challenge: what he says of himself does
   not, however it is spelled. */
#include "token/forward.h"

#include <string.h>

#include "base/number.h"
#include "codec/miner_token.h"
#include "test.h"

#define FIELD(n, v)                                                                                \
    {                                                                                              \
        { (const uint8_t *)(n), sizeof(n) - 1 },                                                   \
        {                                                                                          \
            (const uint8_t *)(v), sizeof(v) - 1                                                    \
        }                                                                                          \
    }

#define SIGNATURE "AQID"

enum { MANY = 40 };

static struct http_request request_of(const char *path, const struct http_field *fields,
                                      size_t count)
{
    return (struct http_request){ .version = HTTP_1_1,
                                  .method = HTTP_METHOD_POST,
                                  .path = span_text(path),
                                  .fields = fields,
                                  .field_count = count };
}

static const struct http_field bearer[] = { FIELD("authorization", "Bearer a.b.c") };

static void paths(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum reason reason;
    } rows[] = {
        { "/api/challenges/sums/public/submit", REASON_OK },
        { "/api/challenges/s-1/public/get_status", REASON_OK },
        { "/api/challenges/sums/public/", REASON_HTTP_ROUTE_UNKNOWN },
        { "/api/challenges//public/submit", REASON_HTTP_ROUTE_UNKNOWN },
        { "/api/challenges/sums/public/submit/", REASON_HTTP_ROUTE_UNKNOWN },
        { "/api/challenges/sums/public/a/b", REASON_HTTP_ROUTE_UNKNOWN },
        { "/api/challenges/sums/public/..", REASON_HTTP_ROUTE_UNKNOWN },
        { "/api/challenges/sums/admin/submit", REASON_HTTP_ROUTE_UNKNOWN },
        { "/api/challenges/sums/public", REASON_HTTP_ROUTE_UNKNOWN },
        { "/api/challenges/sums", REASON_HTTP_ROUTE_UNKNOWN },
        { "/api/challenges/su ms/public/submit", REASON_HTTP_ROUTE_UNKNOWN },
        { "/api/challenges/sums/public/sub;mit", REASON_HTTP_ROUTE_UNKNOWN },
        { "/api/challenges/", REASON_HTTP_ROUTE_UNKNOWN },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_request request = request_of(rows[i].path, bearer, 1);
        struct forward_ask ask = { .token = span_text("untouched") };
        assert_true(forward_is_public(request.path));
        assert_int_equal(forward_read(&request, &ask), rows[i].reason);
        if (rows[i].reason != REASON_OK)
            assert_span_equal(ask.token, span_text("untouched"));
    }
    assert_false(forward_is_public(span_text("/v1/system/ping")));
    assert_false(forward_is_public(span_text("/api/challenges")));
    struct http_request request = request_of(rows[0].path, bearer, 1);
    struct forward_ask ask;
    request.query = span_text("a=1");
    assert_int_equal(forward_read(&request, &ask), REASON_OK);
    assert_span_equal(ask.challenge, span_text("sums"));
    assert_span_equal(ask.route, span_text("submit"));
    assert_span_equal(ask.query, span_text("a=1"));
    assert_span_equal(ask.method, span_text("POST"));
    assert_span_equal(ask.token, span_text("a.b.c"));
}

static void methods_and_queries(void **state)
{
    (void)state;
    static uint8_t query[VERIFIED_QUERY_MAX + 1];
    struct http_request request = request_of("/api/challenges/sums/public/submit", bearer, 1);
    struct forward_ask ask;
    memset(query, 'q', sizeof query);
    for (unsigned method = 0; method < HTTP_METHOD_COUNT; method++) {
        bool good = method == HTTP_METHOD_GET || method == HTTP_METHOD_POST;
        request.method = (enum http_method)method;
        assert_int_equal(forward_read(&request, &ask),
                         good ? REASON_OK : REASON_HTTP_METHOD_NOT_ALLOWED);
    }
    request.method = HTTP_METHOD_GET;
    request.query = span_of(query, VERIFIED_QUERY_MAX);
    assert_int_equal(forward_read(&request, &ask), REASON_OK);
    request.query.len++;
    assert_int_equal(forward_read(&request, &ask), REASON_HTTP_TARGET_TOO_LONG);
}

static void where_a_token_is(void **state)
{
    (void)state;
    static const struct {
        struct http_field fields[2];
        bool good;
    } rows[] = {
        { { FIELD("authorization", "Bearer a.b.c"), FIELD("accept", "*/*") }, true },
        { { FIELD("accept", "*/*"), FIELD("authorization", "bEARER a.b.c") }, true },
        { { FIELD("authorization", "Bearer a.b.c"), FIELD("authorization", "Bearer a.b.c") },
          false },
        { { FIELD("authorization", "Bearer a.b.c"), FIELD("authorization", "Bearer d.e.f") },
          false },
        { { FIELD("authorization", "Basic a.b.c"), FIELD("accept", "*/*") }, false },
        { { FIELD("authorization", "Bearer"), FIELD("accept", "*/*") }, false },
        { { FIELD("authorization", "Bearer "), FIELD("accept", "*/*") }, false },
        { { FIELD("authorization", "Bearer\ta.b.c"), FIELD("accept", "*/*") }, false },
        { { FIELD("authorization", "Bearera.b.c"), FIELD("accept", "*/*") }, false },
        { { FIELD("authorization", "a.b.c"), FIELD("accept", "*/*") }, false },
        { { FIELD("authorization", ""), FIELD("accept", "*/*") }, false },
        { { FIELD("proxy-authorization", "Bearer a.b.c"), FIELD("cookie", "token=a.b.c") }, false },
        { { FIELD("x-authorization", "Bearer a.b.c"), FIELD("x-miner-token", "a.b.c") }, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_request request = request_of("/api/challenges/sums/public/submit",
                                                 rows[i].fields, 2);
        struct forward_ask ask = { 0 };
        request.query = span_text("token=a.b.c&access_token=a.b.c");
        assert_int_equal(forward_read(&request, &ask),
                         rows[i].good ? REASON_OK : REASON_MINER_TOKEN_MISSING);
        if (rows[i].good)
            assert_span_equal(ask.token, span_text("a.b.c"));
    }
    /* More than a token can have is none, and nothing longer goes on to who judges it. */
    static char longest[7 + MINER_TOKEN_MAX + 2] = "Bearer ";
    struct http_field only = { span_text("authorization"), { 0 } };
    memset(longest + 7, 'a', MINER_TOKEN_MAX + 1);
    for (size_t more = 0; more < 2; more++) {
        struct forward_ask ask = { 0 };
        only.value = span_of(longest, 7 + MINER_TOKEN_MAX + more);
        struct http_request request = request_of("/api/challenges/sums/public/submit", &only, 1);
        assert_int_equal(forward_read(&request, &ask),
                         more == 0 ? REASON_OK : REASON_MINER_TOKEN_MALFORMED);
    }
    /* Two tokens in one field are one text, and that is no token. */
    const struct http_field two[] = { FIELD("authorization", "Bearer a.b.c, Bearer d.e.f") };
    struct http_request request = request_of("/api/challenges/sums/public/submit", two, 1);
    struct forward_ask ask;
    assert_int_equal(forward_read(&request, &ask), REASON_OK);
    assert_span_equal(ask.token, span_text("a.b.c, Bearer d.e.f"));
}

static struct verified_request word_of(bool with_job)
{
    struct verified_request word = {
        .key_id = span_text("00112233445566778899aabbccddeeff"),
        .at = 1700000000,
        .once = span_text("AAECAwQFBgcICQoLDA0ODw"),
        .hotkey = span_text("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        .uid = 4294967295,
    };
    if (with_job)
        word.job = span_text("job-1");
    return word;
}

static size_t forward(const struct http_field *fields, size_t count, bool with_job,
                      struct http_field out[FORWARD_FIELDS_MAX])
{
    static uint8_t room[FORWARD_ROOM];
    struct http_request request = request_of("/api/challenges/sums/public/submit", fields, count);
    struct verified_request word = word_of(with_job);
    struct sink values = sink_over(room, sizeof room);
    size_t made = forward_fields(&request, &word, span_text(SIGNATURE), &values, out);
    assert_true(sink_ok(&values));
    return made;
}

static const struct http_field *find(const struct http_field *fields, size_t count,
                                     const char *name)
{
    const struct http_field *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!span_equal_text(fields[i].name, name))
            continue;
        assert_null(found); /* each once */
        found = &fields[i];
    }
    return found;
}

static void the_house_speaks(void **state)
{
    (void)state;
    struct http_field out[FORWARD_FIELDS_MAX];
    size_t count = forward(NULL, 0, true, out);
    assert_int_equal(count, 7);
    assert_span_equal(find(out, count, "x-verified-miner-hotkey")->value,
                      span_text("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"));
    assert_span_equal(find(out, count, "x-miner-uid")->value, span_text("4294967295"));
    assert_span_equal(find(out, count, "x-job-id")->value, span_text("job-1"));
    assert_span_equal(find(out, count, "x-verified-timestamp")->value, span_text("1700000000"));
    assert_span_equal(find(out, count, "x-verified-nonce")->value,
                      span_text("AAECAwQFBgcICQoLDA0ODw"));
    assert_span_equal(find(out, count, "x-verified-key")->value,
                      span_text("00112233445566778899aabbccddeeff"));
    assert_span_equal(find(out, count, "x-verified-signature")->value, span_text(SIGNATURE));
    count = forward(NULL, 0, false, out);
    assert_int_equal(count, 6);
    assert_null(find(out, count, "x-job-id"));
}

/* What a reader of CGI, or one that folds, takes for the house's word. */
static void nobody_speaks_for_the_house(void **state)
{
    (void)state;
    static const struct http_field fields[] = {
        FIELD("x-verified-miner-hotkey", "king"),
        FIELD("X-Verified-Miner-Hotkey", "king"),
        FIELD("x_verified_miner_hotkey", "king"),
        FIELD("x-verified_miner-hotkey", "king"),
        FIELD("x-verified-miner-hotkey\t", "king"),
        FIELD("x-verified-anything", "king"),
        FIELD("x-miner-uid", "1"),
        FIELD("X_MINER_UID", "1"),
        FIELD("x-miner-hotkey", "king"),
        FIELD("x-job-id", "j"),
        FIELD("x_job_id", "j"),
        FIELD("x-verified-signature", "AAAA"),
        FIELD("authorization", "Bearer a.b.c"),
        FIELD("cookie", "a=b"),
        FIELD("x-forwarded-for", "127.0.0.1"),
        FIELD("forwarded", "for=127.0.0.1"),
        FIELD("x-real-ip", "127.0.0.1"),
        FIELD("x-chutes-api-token", "secret"),
        FIELD("connection", "x-verified-key"),
        FIELD("keep-alive", "1"),
        FIELD("te", "trailers"),
        FIELD("trailer", "x-job-id"),
        FIELD("transfer-encoding", "chunked"),
        FIELD("upgrade", "h2c"),
        FIELD("proxy-connection", "close"),
        FIELD("expect", "100-continue"),
        FIELD("accept-encoding", "gzip"),
        FIELD("host", "elsewhere"),
        FIELD("content-length", "7"),
        FIELD("x-http-method-override", "DELETE"),
        FIELD("x-original-url", "/sdk/admin"),
        FIELD("range", "bytes=0-1"),
        FIELD("content-type", "text/plain"),
        FIELD("content-type", "application/json"),
        FIELD("accept", "*/*"),
    };
    struct http_field out[FORWARD_FIELDS_MAX];
    assert_true(COUNT_OF(fields) <= MANY);
    size_t count = forward(fields, COUNT_OF(fields), false, out);
    assert_int_equal(count, 6 + 2);
    assert_span_equal(find(out, count, "content-type")->value, span_text("text/plain"));
    assert_span_equal(find(out, count, "accept")->value, span_text("*/*"));
    assert_span_equal(find(out, count, "x-verified-miner-hotkey")->value, word_of(false).hotkey);
    assert_span_equal(find(out, count, "x-miner-uid")->value, span_text("4294967295"));
    for (size_t i = 0; i < count; i++) /* nothing that an HTTP/1.1 writer would refuse, or split */
        assert_true(http_is_token(out[i].name) && http_is_value(out[i].value));
}

/* As many as there can be, each of those that go on as often as it can. */
static void there_is_room_for_all(void **state)
{
    (void)state;
    static struct http_field fields[HTTP_FIELDS_MAX];
    static const char *const names[] = { "accept",     "accept-language", "content-type",
                                         "user-agent", "traceparent",     "x-other" };
    struct http_field out[FORWARD_FIELDS_MAX];
    for (size_t i = 0; i < HTTP_FIELDS_MAX; i++)
        fields[i] = (struct http_field){ span_text(names[i % COUNT_OF(names)]), span_text("v") };
    assert_int_equal(forward(fields, HTTP_FIELDS_MAX, true, out), 5 + 7);
}

static struct http_request answer_of(const struct http_field *fields, size_t count)
{
    return (struct http_request){
        .version = HTTP_1_1, .fields = fields, .field_count = count, .has_length = true
    };
}

static void heads_of_answers(void **state)
{
    (void)state;
    static const struct http_field chunked[] = { FIELD("transfer-encoding", "chunked") };
    static const struct http_field packed[] = { FIELD("content-encoding", "gzip") };
    struct http_request answer = answer_of(NULL, 0);
    for (unsigned status = 0; status < 1000; status++) {
        bool good = (status >= 200 && status <= 299 && status != 205) ||
                    (status >= 400 && status <= 599);
        assert_int_equal(forward_wrong_of(status, &answer) == NULL, good);
    }
    answer = answer_of(packed, 1);
    assert_non_null(forward_wrong_of(200, &answer));
    answer = answer_of(chunked, 1);
    answer.has_length = false;
    assert_null(forward_wrong_of(200, &answer));
    answer.field_count = 0;
    assert_non_null(forward_wrong_of(200, &answer));
    assert_null(forward_wrong_of(204, &answer));
}

static void what_comes_back(void **state)
{
    (void)state;
    static const struct http_field fields[] = {
        FIELD("set-cookie", "a=b"),
        FIELD("location", "https://elsewhere.example/"),
        FIELD("connection", "close"),
        FIELD("server", "x"),
        FIELD("transfer-encoding", "chunked"),
        FIELD("content-length", "7"),
        FIELD("strict-transport-security", "max-age=0"),
        FIELD("access-control-allow-origin", "*"),
        FIELD("content-security-policy", "default-src *"),
        FIELD("x-content-type-options", "sniff"),
        FIELD("x-verified-signature", "AAAA"),
        FIELD("www-authenticate", "Basic"),
        FIELD("refresh", "0; url=https://elsewhere.example/"),
        FIELD("alt-svc", "h3=\":443\""),
        FIELD("content-type", "text/html"),
        FIELD("content-type", "text/plain"),
        FIELD("etag", "\"\xc3\xa4\""),
        FIELD("cache-control", "no-store"),
        FIELD("content-language", "en"),
        FIELD("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT"),
        FIELD("retry-after", "1"),
    };
    struct http_field out[FORWARD_BACK_MAX];
    struct http_request answer = answer_of(fields, COUNT_OF(fields));
    size_t count = forward_back(&answer, out);
    assert_int_equal(count, 5 + 2);
    assert_span_equal(find(out, count, "content-type")->value, span_text("text/html"));
    assert_null(find(out, count, "etag")); /* no field of it could be written */
    assert_span_equal(find(out, count, "x-content-type-options")->value, span_text("nosniff"));
    assert_span_equal(find(out, count, "content-security-policy")->value, span_text("sandbox"));
    for (size_t i = 0; i < count; i++)
        assert_true(http_is_token(out[i].name) && http_is_value(out[i].value));
}

static void errors(void **state)
{
    (void)state;
    uint8_t bytes[512], few[16];
    struct sink out = sink_over(bytes, sizeof bytes), full = sink_over(few, sizeof few);
    assert_true(forward_write_error(REASON_MINER_TOKEN_REPLAYED, &out));
    assert_span_equal(sink_bytes(&out), span_text("{\"error\":\"The token was used before.\","
                                                  "\"code\":\"MINER_TOKEN_REPLAYED\"}"));
    assert_false(forward_write_error(REASON_MINER_TOKEN_REPLAYED, &full));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paths, ""),
        TEST(methods_and_queries, ""),
        TEST(where_a_token_is, ""),
        TEST(the_house_speaks, ""),
        TEST(nobody_speaks_for_the_house, ""),
        TEST(there_is_room_for_all, ""),
        TEST(heads_of_answers, ""),
        TEST(what_comes_back, ""),
        TEST(errors, ""),
    };
    return RUN_TESTS(tests);
}
