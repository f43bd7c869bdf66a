/* test_router.c - from a request to its row and its message, and every way not to get there. */
#include "http/router.h"

#include <string.h>

#include "base/number.h"
#include "model/api.h"
#include "routes.h"
#include "test.h"

static uint8_t room[1 << 20];

struct call {
    const char *name;
    enum http_method method;
    const char *path, *query, *type, *body;
    enum reason reason;
    const char *to; /* the route's gRPC name, or the error's detail */
};

static struct http_request request_of(const struct call *call, struct http_field *field)
{
    *field = (struct http_field){ span_text("content-type"), span_text(call->type) };
    return (struct http_request){
        .version = HTTP_1_1,
        .method = call->method,
        .path = span_text(call->path),
        .query = span_text(call->query),
        .fields = field,
        .field_count = call->type[0] != 0,
    };
}

#define GRPC "application/grpc"
static const struct call matches[] = {
    { "plain", HTTP_METHOD_GET, "/v1/system/ping", "", "", "", REASON_OK, "/ward.v1.System/Ping" },
    { "HEAD", HTTP_METHOD_HEAD, "/v1/system/ping", "", "", "", REASON_OK, "/ward.v1.System/Ping" },
    { "parameter", HTTP_METHOD_GET, "/v1/audit/records/7", "", "", "", REASON_OK,
      "/ward.v1.Audit/Get" },
    { "list", HTTP_METHOD_GET, "/v1/audit/records", "", "", "", REASON_OK, "/ward.v1.Audit/Query" },
    { "POST", HTTP_METHOD_POST, "/v1/audit/verify", "", "", "", REASON_OK,
      "/ward.v1.Audit/Verify" },
    { "gRPC", HTTP_METHOD_POST, "/ward.v1.System/Ping", "", GRPC, "", REASON_OK,
      "/ward.v1.System/Ping" },
    { "gRPC+proto", HTTP_METHOD_POST, "/ward.v1.Audit/Head", "", GRPC "+proto", "", REASON_OK,
      "/ward.v1.Audit/Head" },
    { "nothing", HTTP_METHOD_GET, "/", "", "", "", REASON_HTTP_ROUTE_UNKNOWN, "" },
    { "slash behind", HTTP_METHOD_GET, "/v1/system/ping/", "", "", "", REASON_HTTP_ROUTE_UNKNOWN,
      "" },
    { "slash inside", HTTP_METHOD_GET, "/v1//system/ping", "", "", "", REASON_HTTP_ROUTE_UNKNOWN,
      "" },
    { "empty parameter", HTTP_METHOD_GET, "/v1/audit/records/", "", "", "",
      REASON_HTTP_ROUTE_UNKNOWN, "" },
    { "longer", HTTP_METHOD_GET, "/v1/audit/records/7/8", "", "", "", REASON_HTTP_ROUTE_UNKNOWN,
      "" },
    { "shorter", HTTP_METHOD_GET, "/v1/system", "", "", "", REASON_HTTP_ROUTE_UNKNOWN, "" },
    { "case", HTTP_METHOD_GET, "/V1/system/ping", "", "", "", REASON_HTTP_ROUTE_UNKNOWN, "" },
    { "asterisk", HTTP_METHOD_OPTIONS, "*", "", "", "", REASON_HTTP_ROUTE_UNKNOWN, "" },
    { "other method", HTTP_METHOD_POST, "/v1/system/ping", "", "", "",
      REASON_HTTP_METHOD_NOT_ALLOWED, "GET, HEAD" },
    { "GET of a POST", HTTP_METHOD_GET, "/v1/audit/verify", "", "", "",
      REASON_HTTP_METHOD_NOT_ALLOWED, "POST" },
    { "gRPC by GET", HTTP_METHOD_GET, "/ward.v1.System/Ping", "", GRPC, "",
      REASON_HTTP_METHOD_NOT_ALLOWED, "POST" },
    { "unknown gRPC", HTTP_METHOD_POST, "/ward.v1.System/Pong", "", GRPC, "",
      REASON_HTTP_ROUTE_UNKNOWN, "" },
    { "gRPC of a REST path", HTTP_METHOD_POST, "/v1/audit/verify", "", GRPC, "",
      REASON_HTTP_ROUTE_UNKNOWN, "" },
    { "gRPC path with JSON", HTTP_METHOD_POST, "/ward.v1.System/Ping", "", "application/json", "",
      REASON_HTTP_MEDIA_TYPE, "POST" },
    { "gRPC path without a type", HTTP_METHOD_POST, "/ward.v1.System/Ping", "", "", "",
      REASON_HTTP_MEDIA_TYPE, "POST" },
};

static void test_match(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(matches); i++) {
        struct http_field field;
        struct http_request request = request_of(&matches[i], &field);
        struct route_match match = router_match(&test_router, &request);
        char text[64];
        struct sink allow = sink_over(text, sizeof text);
        router_write_allow(match.allow, &allow);
        bool right = match.reason == matches[i].reason &&
                     (match.route != NULL) == (match.reason == REASON_OK);
        if (match.route != NULL)
            right = right && strcmp(match.route->grpc, matches[i].to) == 0;
        else
            right = right && span_equal_text(sink_bytes(&allow), matches[i].to);
        if (!right)
            fail_msg("%s: %s", matches[i].name, reason_info(match.reason)->name);
    }
}

#define PAGE   "/v1/audit/records"
#define VERIFY HTTP_METHOD_POST, "/v1/audit/verify"
#define JSON   "application/json"
#define BAD    REASON_HTTP_PARAMETER_INVALID
#define WHO    REASON_HTTP_PARAMETER_UNKNOWN
#define GET    HTTP_METHOD_GET

static const struct call reads[] = {
    { "nothing", GET, PAGE, "", "", "", REASON_OK, "" },
    { "all kinds", GET, PAGE, "limit=10&from=2025-01-01T00:00:00Z&actor_id=a%20b+c", "", "",
      REASON_OK, "" },
    { "the most", GET, PAGE, "limit=1000", "", "", REASON_OK, "" },
    { "path", GET, PAGE "/18446744073709551615", "", "", "", REASON_OK, "" },
    { "body", VERIFY, "", JSON, "{\"from\":\"1\"}", REASON_OK, "" },
    { "body with a charset", VERIFY, "", "Application/JSON; charset=utf-8", "{}", REASON_OK, "" },
    { "past the most", GET, PAGE, "limit=1001", "", "", BAD, "`limit` is larger than the limit." },
    { "misspelt", GET, PAGE, "limt=10", "", "", WHO,
      "`limt`: there is no such parameter; did you mean `limit`?" },
    { "of another case", GET, PAGE, "Limit=10", "", "", WHO,
      "`Limit`: there is no such parameter; did you mean `limit`?" },
    { "far off", GET, PAGE, "debug=1", "", "", WHO, "`debug`: there is no such parameter." },
    { "escaped name", GET, PAGE, "%6Cimit=x", "", "", BAD,
      "`limit` is not a plain decimal number." },
    { "no name", GET, PAGE, "=1", "", "", WHO, "there is no such parameter." },
    { "twice", GET, PAGE, "limit=1&limit=1", "", "", BAD, "`limit` is there twice." },
    { "twice, escaped", GET, PAGE, "limit=1&%6cimit=2", "", "", BAD, "`limit` is there twice." },
    { "no number", GET, PAGE, "limit=ten", "", "", BAD, "`limit` is not a plain decimal number." },
    { "no value", GET, PAGE, "limit", "", "", BAD, "`limit` is not a plain decimal number." },
    { "negative", GET, PAGE, "limit=-1", "", "", BAD, "`limit` is not a plain decimal number." },
    { "no time", GET, PAGE, "from=today", "", "", BAD, "`from` is not an RFC 3339 time." },
    { "plus of a time zone", GET, PAGE, "from=2025-01-01T00:00:00+01:00", "", "", BAD,
      "`from` is not an RFC 3339 time." },
    { "escaped NUL", GET, PAGE, "actor_id=a%00", "", "", BAD, "a parameter is malformed." },
    { "no UTF-8", GET, PAGE, "actor_id=%ff", "", "", BAD, "a parameter is malformed." },
    { "semicolon is no separator", GET, PAGE, "limit=1;from=x", "", "", BAD,
      "`limit` is not a plain decimal number." },
    { "path of letters", GET, PAGE "/x", "", "", "", BAD, "`seq` is not a plain decimal number." },
    { "path of 2^64", GET, PAGE "/18446744073709551616", "", "", "", BAD,
      "`seq` is not a plain decimal number." },
    { "path with a zero before", GET, PAGE "/07", "", "", "", BAD,
      "`seq` is not a plain decimal number." },
    { "path and query", GET, PAGE "/7", "seq=8", "", "", WHO,
      "`seq`: there is no such parameter." },
    { "body of a GET", GET, PAGE, "", JSON, "{}", REASON_HTTP_BODY_INVALID, "no body is taken." },
    { "query of a POST", VERIFY, "from=1", JSON, "{}", WHO, "`from`: there is no such parameter." },
    { "no body", VERIFY, "", JSON, "", REASON_HTTP_BODY_INVALID, NULL },
    { "no type", VERIFY, "", "", "{}", REASON_HTTP_MEDIA_TYPE,
      "the body is not application/json." },
    { "form", VERIFY, "", "application/x-www-form-urlencoded", "from=1", REASON_HTTP_MEDIA_TYPE,
      "the body is not application/json." },
    { "JSON with a suffix", VERIFY, "", "application/json+x", "{}", REASON_HTTP_MEDIA_TYPE, NULL },
    { "unknown member", VERIFY, "", JSON, "{\"form\":1}", REASON_HTTP_BODY_INVALID,
      "`form`: there is no such field; did you mean `from`?" },
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        struct http_field field;
        struct http_request request = request_of(&reads[i], &field);
        struct route_match match = router_match(&test_router, &request);
        assert_non_null(match.route);
        struct arena arena = arena_over(room, sizeof room);
        void *out = arena_alloc(&arena, match.route->request->size);
        assert_non_null(out);
        struct values_error error = { 0 };
        enum reason reason = router_read_rest(&match, &request, span_text(reads[i].body), &arena,
                                              out, &error);
        char text[200];
        struct sink detail = sink_over(text, sizeof text);
        if (reason != REASON_OK)
            router_write_detail(&error, &detail);
        if (reason != reads[i].reason ||
            (reads[i].to != NULL && !span_equal_text(sink_bytes(&detail), reads[i].to)))
            fail_msg("%s: %s %.*s", reads[i].name, reason_info(reason)->name, (int)detail.len,
                     text);
    }
}

/* Whoever lends room for more, as for a seal, lets nobody say more. */
static void test_a_body_to_its_limit(void **state)
{
    static uint8_t body[4097];
    const struct call call = {
        .method = HTTP_METHOD_POST, .path = "/v1/audit/verify", .query = "", .type = JSON
    };
    struct http_field field;
    struct http_request request = request_of(&call, &field);
    struct route_match match = router_match(&test_router, &request);
    struct api_audit_verify_request out;
    struct values_error error;
    (void)state;
    memset(body, ' ', sizeof body);
    body[0] = '{';
    body[1] = '}';
    const uint32_t limit = match.route->body_limit;
    assert_true(limit < sizeof body);
    for (unsigned opened = 0; opened < 2; opened++) {
        struct arena arena = arena_over(room, sizeof room);
        match.opened = opened == 1;
        assert_int_equal(
            router_read_rest(&match, &request, span_of(body, limit), &arena, &out, &error),
            REASON_OK);
        assert_int_equal(
            router_read_rest(&match, &request, span_of(body, limit + 1), &arena, &out, &error),
            REASON_HTTP_BODY_TOO_LARGE);
    }
}

static void test_values_arrive(void **state)
{
    (void)state;
    struct call call = { .method = GET,
                         .path = PAGE,
                         .type = "",
                         .query = "limit=10&from=1970-01-02T00:00:00Z&actor_id=a%20b+%2B" };
    struct http_field field;
    struct http_request request = request_of(&call, &field);
    struct route_match match = router_match(&test_router, &request);
    struct arena arena = arena_over(room, sizeof room);
    struct api_audit_query_request query;
    struct values_error error;
    assert_int_equal(router_read_rest(&match, &request, (struct span){ 0 }, &arena, &query, &error),
                     REASON_OK);
    assert_int_equal(query.limit, 10);
    assert_int_equal(query.from, 86400);
    assert_true(span_equal_text(query.actor_id, "a b +"));
    call = (struct call){ .method = GET, .path = PAGE "/42", .query = "", .type = "" };
    request = request_of(&call, &field);
    match = router_match(&test_router, &request);
    struct api_audit_get_request get;
    assert_int_equal(router_read_rest(&match, &request, (struct span){ 0 }, &arena, &get, &error),
                     REASON_OK);
    assert_int_equal(get.seq, 42);
}

static void test_table(void **state)
{
    (void)state;
    const char *what = "";
    if (!router_is_sound(&test_router, &what))
        fail_msg("%s", what);
    const struct route good = test_router.routes[5]; /* Audit/Get */
    struct route rows[2] = { good, test_router.routes[6] };
    struct router router = test_router;
    router.routes = rows;
    router.count = 2;
    assert_true(router_is_sound(&router, &what));
#define BROKEN(change)                                                                             \
    rows[0] = good;                                                                                \
    rows[1] = test_router.routes[6];                                                               \
    change;                                                                                        \
    assert_false(router_is_sound(&router, &what))
    BROKEN(rows[0].cost = 0);
    BROKEN(rows[0].deadline_ms = 0);
    BROKEN(rows[0].doc = "No sentence");
    BROKEN(rows[0].path = "/v1/x/{other}");
    BROKEN(rows[0].path = "v1");
    BROKEN(rows[0].grpc = "/other.v1.Audit/Get");
    BROKEN(rows[0].method = HTTP_METHOD_NONE);
    BROKEN(rows[0].method = HTTP_METHOD_HEAD);
    BROKEN(rows[0].method = HTTP_METHOD_POST; rows[0].body_limit = 0);
    BROKEN(rows[1].grpc = good.grpc);
    BROKEN(rows[1].path = good.path; rows[1].request = good.request);
    BROKEN(rows[1].path = "/v1/audit/records/head"); /* 'head' would be a number */
    BROKEN(rows[1].request = NULL);
    static const struct schema_field twice[] = {
        { "a", "A.", 1, SCHEMA_UINT64, 0, 0, 0, false, NULL, NULL },
        { "b", "B.", 1, SCHEMA_UINT64, 0, 0, 0, false, NULL, NULL },
    };
    static const struct schema_message bad = { "Bad", "Bad.", twice, 2, 8 };
    BROKEN(rows[1].request = &bad);
    /* The zero of a row is the narrowest permission. */
    assert_int_equal((struct route){ 0 }.permission, ROUTE_OWNER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_match, ""),         TEST(test_read, ""),  TEST(test_a_body_to_its_limit, ""),
        TEST(test_values_arrive, ""), TEST(test_table, ""),
    };
    return RUN_TESTS(tests);
}
