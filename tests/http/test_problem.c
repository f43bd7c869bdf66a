/* test_problem.c - one refusal said in three ways, and never in two that differ. */
#include "http/problem.h"

#include <string.h>

#include "base/number.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/protobuf.h"
#include "test.h"

static struct problem problem_of(enum reason reason)
{
    struct problem problem = { .reason = reason, .instance = span_text("/v1/x") };
    memset(problem.trace.trace_id, 0xab, 16);
    return problem;
}

static const struct {
    enum reason reason;
    unsigned status;
    enum grpc_status grpc;
} statuses[] = {
    { REASON_HTTP_TARGET_INVALID, 400, GRPC_INVALID_ARGUMENT },
    { REASON_HTTP_TRUNCATED, 400, GRPC_INVALID_ARGUMENT },
    { REASON_HTTP_PARAMETER_UNKNOWN, 400, GRPC_INVALID_ARGUMENT },
    { REASON_POLICY_DEBUG, 403, GRPC_PERMISSION_DENIED },
    { REASON_HTTP_ROUTE_UNKNOWN, 404, GRPC_UNIMPLEMENTED },
    { REASON_HTTP_METHOD_NOT_ALLOWED, 405, GRPC_UNIMPLEMENTED },
    { REASON_HTTP_TIMEOUT, 408, GRPC_CANCELLED },
    { REASON_HTTP_LENGTH_REQUIRED, 411, GRPC_INVALID_ARGUMENT },
    { REASON_HTTP_BODY_TOO_LARGE, 413, GRPC_RESOURCE_EXHAUSTED },
    { REASON_HTTP_TARGET_TOO_LONG, 414, GRPC_RESOURCE_EXHAUSTED },
    { REASON_HTTP_MEDIA_TYPE, 415, GRPC_INVALID_ARGUMENT },
    { REASON_HTTP_EXPECTATION_UNKNOWN, 417, GRPC_INVALID_ARGUMENT },
    { REASON_HTTP2_ABUSE, 429, GRPC_RESOURCE_EXHAUSTED },
    { REASON_HTTP_FIELDS_TOO_LARGE, 431, GRPC_RESOURCE_EXHAUSTED },
    { REASON_SERVER_FAILED, 500, GRPC_INTERNAL },
    { REASON_NONE, 500, GRPC_INTERNAL },
    { REASON_OK, 500, GRPC_INTERNAL },
    { REASON_HTTP_METHOD_UNKNOWN, 501, GRPC_UNIMPLEMENTED },
    { REASON_HTTP_TRANSFER_CODING_UNKNOWN, 501, GRPC_UNIMPLEMENTED },
    { REASON_OUT_OF_MEMORY, 503, GRPC_UNAVAILABLE },
    { REASON_GRPC_DEADLINE, 504, GRPC_DEADLINE_EXCEEDED },
    { REASON_HTTP_VERSION_UNSUPPORTED, 505, GRPC_UNIMPLEMENTED },
    { REASON_GRPC_COMPRESSED, 415, GRPC_UNIMPLEMENTED },
};

static void test_statuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        assert_int_equal(problem_status(statuses[i].reason), statuses[i].status);
        assert_int_equal(problem_grpc_status(statuses[i].reason), statuses[i].grpc);
    }
    for (unsigned i = 0; i < REASON_COUNT + 1; i++) {
        assert_in_range(problem_status((enum reason)i), 400, 599);
        assert_int_not_equal(problem_grpc_status((enum reason)i), GRPC_OK);
    }
}

/* The ErrorInfo's reason inside grpc-status-details-bin. */
static struct span code_in(struct span text)
{
    static uint8_t padded[4096], bytes[4096];
    struct sink full = sink_over(padded, sizeof padded), out = sink_over(bytes, sizeof bytes);
    sink_put(&full, text);
    while (full.len % 4 != 0)
        sink_u8(&full, '=');
    assert_true(base64_decode(sink_bytes(&full), &out));
    static const uint32_t way[] = { 3, 2, 1 };
    struct span at = sink_bytes(&out);
    for (size_t i = 0; i < COUNT_OF(way); i++) {
        struct cursor in = cur_over(at);
        struct protobuf_field field = { 0 };
        while (field.number != way[i])
            assert_true(protobuf_take_field(&in, &field));
        at = field.bytes;
    }
    return at;
}

/* Every reason: all seven members, and the same code in both. */
static void test_every_reason(void **state)
{
    (void)state;
    static const char *const members[] = { "type",     "title", "status",  "detail",
                                           "instance", "code",  "trace_id" };
    for (unsigned i = REASON_OK + 1; i < REASON_COUNT; i++) {
        static uint8_t text[PROBLEM_ROOM], room[PROBLEM_ROOM];
        struct problem problem = problem_of((enum reason)i);
        struct sink out = sink_over(text, sizeof text), values = sink_over(room, sizeof room);
        assert_true(problem_write(&problem, &out));
        struct json_node nodes[16];
        struct json json;
        assert_true(json_parse_into(sink_bytes(&out), nodes, 16, NULL, &json, NULL));
        assert_int_equal(json_length(&json, 0), COUNT_OF(members));
        for (size_t k = 0; k < COUNT_OF(members); k++)
            assert_int_not_equal(json_member(&json, 0, members[k]), JSON_NONE);
        const char *code = reason_info((enum reason)i)->name;
        assert_true(json_equal_text(&json, json_member(&json, 0, "code"), code));
        assert_true(json_equal_text(&json, json_member(&json, 0, "trace_id"),
                                    "abababababababababababababababab"));
        struct http_field trailers[PROBLEM_TRAILERS];
        assert_int_equal(problem_trailers(&problem, &values, trailers), PROBLEM_TRAILERS);
        assert_true(span_equal_text(code_in(trailers[2].value), code));
    }
}

static void test_fields(void **state)
{
    (void)state;
    uint8_t bytes[PROBLEM_FIELD_ROOM];
    struct http_field fields[PROBLEM_FIELDS];
    struct sink room = sink_over(bytes, sizeof bytes);
    struct problem problem = problem_of(REASON_HTTP2_ABUSE);
    assert_int_equal(problem_fields(&problem, &room, fields), 1);
    problem.retry_after = UINT32_MAX;
    assert_int_equal(problem_fields(&problem, &room, fields), 2);
    assert_true(span_equal_text(fields[1].name, "retry-after"));
    assert_true(span_equal_text(fields[1].value, "4294967295"));
    problem = problem_of(REASON_HTTP_METHOD_NOT_ALLOWED);
    problem.allow = ~1u;
    assert_int_equal(problem_fields(&problem, &room, fields), 2);
    assert_true(span_equal_text(fields[1].value, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
}

/* What a peer gets into a detail does not get out of its place. */
static void test_hostile_details(void **state)
{
    (void)state;
    static const char *const rows[] = { "a\"b\\c", "a\r\nb: c", "\xff\xfe", "\x1b[2J", "100%" };
    static char big[5000];
    memset(big, 0xc3, sizeof big - 1);
    for (size_t i = 0; i <= COUNT_OF(rows); i++) {
        struct problem problem = problem_of(REASON_HTTP_BODY_INVALID);
        problem.detail = span_text(i < COUNT_OF(rows) ? rows[i] : big);
        problem.instance = problem.detail;
        static uint8_t text[PROBLEM_ROOM], values[PROBLEM_ROOM];
        struct sink out = sink_over(text, sizeof text), room = sink_over(values, sizeof values);
        assert_true(problem_write(&problem, &out));
        struct json_node nodes[16];
        struct json json;
        assert_true(json_parse_into(sink_bytes(&out), nodes, 16, NULL, &json, NULL));
        struct http_field trailers[PROBLEM_TRAILERS];
        assert_int_equal(problem_trailers(&problem, &room, trailers), PROBLEM_TRAILERS);
        for (size_t k = 0; k < PROBLEM_TRAILERS; k++)
            assert_true(http_is_value(trailers[k].value));
    }
    struct problem problem = problem_of(REASON_HTTP_BODY_INVALID);
    for (size_t cap = 0; cap < 100; cap++) {
        uint8_t text[100];
        struct sink out = sink_over(text, cap);
        struct http_field trailers[PROBLEM_TRAILERS];
        assert_int_equal(problem_trailers(&problem, &out, trailers), 0);
        assert_false(problem_write(&problem, &out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_statuses, ""),
        TEST(test_every_reason, ""),
        TEST(test_fields, ""),
        TEST(test_hostile_details, ""),
    };
    return RUN_TESTS(tests);
}
