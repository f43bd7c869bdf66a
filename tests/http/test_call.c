/* test_call.c - whole calls, REST over HTTP/1.1 and gRPC over HTTP/2 through the same table: equal
   answers, equal codes, and nothing of a refused call is passed on. */
#include "http/call.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "codec/json.h"
#include "codec/protobuf.h"
#include "http/h2.h"
#include "http/http1.h"
#include "model/api.h"
#include "routes.h"
#include "test.h"

static uint8_t memory[4 << 20];
static size_t forwarded;

/* The service: an answer that depends on everything that was asked. */
static const void *serve(const struct route *route, const void *values)
{
    static struct api_ping_response ping;
    static struct api_audit_query_response page;
    static struct api_audit_record records[3];
    static struct api_audit_verify_response verdict;
    static struct api_audit_head_response head;
    static struct span hashes[2];
    static struct api_audit_prove_response proof;
    forwarded++;
    if (route->request == &api_ping_request) {
        ping = (struct api_ping_response){ ((const struct api_ping_request *)values)->text,
                                           1700000000 };
        return &ping;
    }
    if (route->request == &api_audit_query_request) {
        const struct api_audit_query_request *q = values;
        size_t count = q->limit < 3 ? q->limit : 3;
        for (size_t i = 0; i < count; i++)
            records[i] = (struct api_audit_record){ .seq = UINT64_MAX - i,
                                                    .actor_id = q->actor_id,
                                                    .line = span_of("\0\xff{", i),
                                                    .details = q->cursor };
        page = (struct api_audit_query_response){ { records, count }, q->outcome };
        return &page;
    }
    if (route->request == &api_audit_get_request) {
        records[0] = (struct api_audit_record){
            .seq = ((const struct api_audit_get_request *)values)->seq,
            .leaf_hash = span_text("0123456789abcdef0123456789abcdef")
        };
        return &records[0];
    }
    if (route->request == &api_audit_verify_request) {
        const struct api_audit_verify_request *v = values;
        verdict = (struct api_audit_verify_response){
            v->from == 0, v->count, v->from, { 0 }, { 0 }
        };
        return &verdict;
    }
    if (route->request == &api_audit_prove_request) {
        const struct api_audit_prove_request *p = values;
        hashes[0] = span_text("a");
        proof = (struct api_audit_prove_response){ p->size, p->seq,        p->old_size,
                                                   { 0 },   { hashes, 2 }, { 0 } };
        return &proof;
    }
    assert_ptr_equal(route->response, &api_audit_head_response);
    head = (struct api_audit_head_response){ .size = 7, .time = -1 };
    return &head;
}

/* What came back: the status, and the bytes of the body or the fields. */
struct reply {
    unsigned status;
    struct span body;
    char grpc_status[4];
    char code[64];
};

/* A call from its head on; answers into *reply. */
struct exchange {
    struct http_call call;
    struct reply reply;
    struct sink out;
    enum reason reason;
};

static uint8_t out_bytes[1 << 16], room_bytes[PROBLEM_ROOM], body_bytes[1 << 16];

static void finish(struct exchange *x, const struct http_request *request,
                   struct call_answer *answer)
{
    void *values = NULL;
    struct arena arena = arena_over(memory, sizeof memory);
    x->out = sink_over(out_bytes, sizeof out_bytes);
    if (x->reason == REASON_OK)
        x->reason = call_end(&x->call, request, &arena, &values);
    if (x->reason == REASON_OK) {
        assert_true(call_write(&x->call, serve(x->call.match.route, values), &x->out));
        call_answer(&x->call, x->out.len, false, answer);
        return;
    }
    struct sink room = sink_over(room_bytes, sizeof room_bytes);
    struct problem problem = { .reason = x->reason, .instance = request->path };
    call_refuse(&x->call, &problem, &room, &x->out, answer);
}

/* One REST call as bytes of HTTP/1.1. */
static struct reply rest(const char *method, const char *target, const char *type, const char *body)
{
    static uint8_t text[8192], room_memory[64 * 1024];
    struct sink bytes = sink_over(text, sizeof text);
    sink_format(&bytes, "%s %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n", method, target,
                strlen(body));
    if (type[0] != 0)
        sink_format(&bytes, "Content-Type: %s\r\n", type);
    sink_text(&bytes,
              "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");
    sink_text(&bytes, body);
    struct http1 conn;
    struct http1_room room;
    http1_init(&conn, &http_limits_default);
    assert_true(http1_room_init(&room, conn.limits, room_memory, sizeof room_memory));
    struct cursor in = cur_over(sink_bytes(&bytes));
    struct exchange x = { 0 };
    struct http_event event = http1_next(&conn, &room, &in);
    assert_int_equal(event.kind, HTTP_EVENT_HEAD);
    uint64_t limit = 0;
    x.reason = call_begin(&x.call, &test_router, &room.request, &limit);
    x.call.body = sink_over(body_bytes, sizeof body_bytes);
    if (x.reason == REASON_OK)
        http1_admit(&conn, &room, limit);
    while (x.reason == REASON_OK && (event = http1_next(&conn, &room, &in)).kind == HTTP_EVENT_BODY)
        x.reason = call_body(&x.call, event.body);
    if (event.kind == HTTP_EVENT_REFUSED)
        x.reason = event.reason;
    struct call_answer answer;
    finish(&x, &room.request, &answer);
    static uint8_t wire[1 << 16];
    struct sink sent = sink_over(wire, sizeof wire);
    assert_true(http1_write_head(&conn, &answer.response, &sent));
    assert_true(http1_write_body(&conn, sink_bytes(&x.out), &sent));
    assert_true(http1_write_end(&conn, &sent));
    return (struct reply){ .status = answer.response.status, .body = sink_bytes(&x.out) };
}

/* --- gRPC ------------------------------------------------------------------------------- */

static struct exchange *current;
static struct call_answer current_answer;

static void answer_stream(struct h2_stream *stream)
{
    finish(current, h2_request(stream), &current_answer);
    assert_true(h2_write_head(stream, &current_answer.response));
    if (current_answer.trailer_count == 0)
        return;
    assert_true(h2_write_body(stream, sink_bytes(&current->out)));
    assert_true(h2_write_end(stream, current_answer.trailers, current_answer.trailer_count));
}

static void on_event(void *arg, struct h2_stream *stream, struct http_event event)
{
    uint64_t limit = 0;
    (void)arg;
    switch (event.kind) {
    case HTTP_EVENT_HEAD:
        current->reason = call_begin(&current->call, &test_router, h2_request(stream), &limit);
        current->call.body = sink_over(body_bytes, sizeof body_bytes);
        if (current->reason == REASON_OK)
            h2_admit(stream, limit);
        else
            answer_stream(stream);
        break;
    case HTTP_EVENT_BODY:
        if (current->reason == REASON_OK)
            current->reason = call_body(&current->call, event.body);
        break;
    case HTTP_EVENT_REFUSED:
        current->reason = event.reason;
        answer_stream(stream);
        break;
    case HTTP_EVENT_DONE:
        answer_stream(stream);
        break;
    case HTTP_EVENT_ROOM:
    case HTTP_EVENT_CLOSED:
    case HTTP_EVENT_NONE:
    default:
        break;
    }
}

static void put_frame(struct sink *out, uint8_t type, uint8_t flags, struct span payload)
{
    sink_u8(out, 0);
    sink_u16be(out, (uint16_t)payload.len);
    sink_u8(out, type);
    sink_u8(out, flags);
    sink_u32be(out, type == 4 ? 0 : 1);
    sink_put(out, payload);
}

static void put_field(struct sink *out, const char *name, const char *value)
{
    sink_u8(out, 0);
    sink_u8(out, (uint8_t)strlen(name));
    sink_text(out, name);
    sink_u8(out, (uint8_t)strlen(value));
    sink_text(out, value);
}

/* One gRPC call as frames; `extra` is one more field, `data` the body as it stands. */
static struct reply grpc(const char *path, struct span data, const char *extra, const char *value,
                         bool trailers)
{
    static uint8_t text[1 << 16], fields[4096];
    struct sink bytes = sink_over(text, sizeof text), block = sink_over(fields, sizeof fields);
    struct h2_server server;
    struct h2 conn;
    static struct exchange x;
    x = (struct exchange){ 0 };
    current = &x;
    put_field(&block, ":method", "POST");
    put_field(&block, ":scheme", "https");
    put_field(&block, ":path", path);
    put_field(&block, ":authority", "a");
    put_field(&block, "content-type", "application/grpc+proto");
    put_field(&block, "te", "trailers");
    if (extra != NULL)
        put_field(&block, extra, value);
    sink_text(&bytes, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    put_frame(&bytes, 4, 0, (struct span){ 0 });
    put_frame(&bytes, 1, 4, sink_bytes(&block));
    put_frame(&bytes, 0, trailers ? 0 : 1, data);
    if (trailers)
        put_frame(&bytes, 1, 5, span_of("\0\1x\1y", 5));
    assert_true(sink_ok(&bytes));
    assert_true(h2_server_init(&server, &h2_limits_default, on_event, NULL));
    assert_true(h2_init(&conn, &server, 0));
    assert_true(h2_feed(&conn, 0, sink_bytes(&bytes)));
    static uint8_t wire[1 << 17];
    struct sink sent = sink_over(wire, sizeof wire);
    assert_false(h2_send(&conn, &sent));
    h2_fini(&conn);
    h2_server_fini(&server);
    struct reply reply = { .status = current_answer.response.status };
    const struct http_field *status = current_answer.trailer_count > 0 ? current_answer.trailers
                                                                       : &current_answer.fields[3];
    assert_true(span_equal_text(status->name, "grpc-status"));
    snprintf(reply.grpc_status, sizeof reply.grpc_status, "%.*s", (int)status->value.len,
             status->value.at);
    snprintf(reply.code, sizeof reply.code, "%s", reason_info(x.reason)->name);
    reply.body = sink_bytes(&x.out);
    return reply;
}

/* A message of JSON as the body of a gRPC call. */
static struct span framed(const struct schema_message *message, const char *json)
{
    static uint8_t values[4096], bytes[1 << 16];
    struct arena arena = arena_over(memory, sizeof memory);
    struct values_error error;
    assert_true(message->size <= sizeof values);
    if (!values_read_json(message, span_text(json), &arena, values, &error))
        fail_msg("%s: %s", json, error.what);
    struct sink out = sink_over(bytes, sizeof bytes);
    assert_true(grpc_write_message(message, values, &out));
    return sink_bytes(&out);
}

/* The JSON of a gRPC answer. */
static struct span as_json(const struct schema_message *message, struct span body)
{
    static uint8_t values[4096], text[1 << 16];
    struct arena arena = arena_over(memory, sizeof memory);
    struct values_error error;
    struct grpc_reader reader = { .limit = 1 << 16 };
    static uint8_t bytes[1 << 16];
    struct sink inner = sink_over(bytes, sizeof bytes), out = sink_over(text, sizeof text);
    assert_int_equal(grpc_read(&reader, body, &inner), REASON_OK);
    assert_int_equal(grpc_read_end(&reader), REASON_OK);
    assert_true(protobuf_read(message, sink_bytes(&inner), &arena, values, &error));
    struct json_writer writer = json_write_to(&out, 0);
    assert_true(values_write_json(message, values, &writer));
    return sink_bytes(&out);
}

static const struct {
    size_t route;
    const char *method, *target, *body, *message;
} equals[] = {
    { 0, "GET", "/v1/system/ping", "", "{}" },
    { 0, "GET", "/v1/system/ping?text=hi", "", "{\"text\":\"hi\"}" },
    { 0, "GET", "/v1/system/ping?text=%C3%A9%22%5C", "", "{\"text\":\"\xc3\xa9\\\"\\\\\"}" },
    { 0, "GET", "/v1/system/ping?text=a+b%2Bc", "", "{\"text\":\"a b+c\"}" },
    { 4, "GET", "/v1/audit/records", "", "{}" },
    { 4, "GET", "/v1/audit/records?limit=1", "", "{\"limit\":1}" },
    { 4, "GET", "/v1/audit/records?limit=3&actor_id=x", "", "{\"limit\":3,\"actor_id\":\"x\"}" },
    { 4, "GET", "/v1/audit/records?limit=1000&outcome=o", "",
      "{\"limit\":1000,\"outcome\":\"o\"}" },
    { 4, "GET", "/v1/audit/records?limit=2&cursor=%7B%7D", "", "{\"limit\":2,\"cursor\":\"{}\"}" },
    { 4, "GET", "/v1/audit/records?from=2026-01-01T00:00:00Z", "",
      "{\"from\":\"2026-01-01T00:00:00Z\"}" },
    { 5, "GET", "/v1/audit/records/0", "", "{}" },
    { 5, "GET", "/v1/audit/records/1", "", "{\"seq\":1}" },
    { 5, "GET", "/v1/audit/records/18446744073709551615", "",
      "{\"seq\":\"18446744073709551615\"}" },
    { 6, "GET", "/v1/audit/head", "", "{}" },
    { 7, "GET", "/v1/audit/proof?seq=1&size=2", "", "{\"seq\":1,\"size\":\"2\"}" },
    { 7, "GET", "/v1/audit/proof?old_size=5&size=9", "", "{\"old_size\":5,\"size\":9}" },
    { 8, "POST", "/v1/audit/verify", "{}", "{}" },
    { 8, "POST", "/v1/audit/verify", "{\"from\":1}", "{\"from\":1}" },
    { 8, "POST", "/v1/audit/verify", "{\"count\":\"7\"}", "{\"count\":7}" },
    { 8, "POST", "/v1/audit/verify", "{ \"from\" : 2, \"count\":3 }", "{\"from\":2,\"count\":3}" },
};

static void test_equal_answers(void **state)
{
    (void)state;
    assert_true(COUNT_OF(equals) >= 20);
    for (size_t i = 0; i < COUNT_OF(equals); i++) {
        const struct route *route = &test_router.routes[equals[i].route];
        bool json = equals[i].body[0] != 0;
        struct reply one = rest(equals[i].method, equals[i].target, json ? "application/json" : "",
                                equals[i].body);
        static uint8_t kept[1 << 16];
        struct sink copy = sink_over(kept, sizeof kept);
        sink_put(&copy, one.body);
        struct reply two = grpc(route->grpc, framed(route->request, equals[i].message), NULL, NULL,
                                false);
        if (one.status != 200 || strcmp(two.grpc_status, "0") != 0)
            fail_msg("%s: %u %s %.*s", equals[i].target, one.status, two.grpc_status, (int)copy.len,
                     kept);
        assert_span_equal(as_json(route->response, two.body), sink_bytes(&copy));
    }
}

/* Each refusal: status, all seven members, the same code in JSON. */
static void test_problems(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target, *type, *body;
        unsigned status;
        const char *code;
    } rows[] = {
        { "GET", "/v1/nothing", "", "", 404, "HTTP_ROUTE_UNKNOWN" },
        { "POST", "/v1/system/ping", "", "", 405, "HTTP_METHOD_NOT_ALLOWED" },
        { "GET", "/v1/system/ping?txt=a", "", "", 400, "HTTP_PARAMETER_UNKNOWN" },
        { "GET", "/v1/audit/records/x", "", "", 400, "HTTP_PARAMETER_INVALID" },
        { "GET", "/v1/audit/records?limit=1001", "", "", 400, "HTTP_PARAMETER_INVALID" },
        { "POST", "/v1/audit/verify", "text/plain", "{}", 415, "HTTP_MEDIA_TYPE" },
        { "POST", "/v1/audit/verify", "application/json", "{", 400, "HTTP_BODY_INVALID" },
        { "POST", "/v1/audit/verify", "application/json", "{\"form\":1}", 400,
          "HTTP_BODY_INVALID" },
        { "POST", "/v1/audit/verify", "application/json",
          "{\"from\":1                                                          }", 413,
          "HTTP_BODY_TOO_LARGE" },
        { "POST", "/ward.v1.System/Ping", "application/json", "{}", 415, "HTTP_MEDIA_TYPE" },
        { "POST", "/ward.v1.System/Ping", "application/grpc", "", 200, NULL }, /* gRPC over 1.1 */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t before = forwarded;
        struct reply reply = rest(rows[i].method, rows[i].target, rows[i].type, rows[i].body);
        assert_int_equal(forwarded, before);
        if (reply.status != rows[i].status)
            fail_msg("%s: %u", rows[i].target, reply.status);
        if (rows[i].code == NULL)
            continue;
        struct json_node nodes[16];
        struct json json;
        assert_true(json_parse_into(reply.body, nodes, 16, NULL, &json, NULL));
        uint64_t status;
        assert_int_equal(json_length(&json, 0), 7);
        assert_true(json_u64(&json, json_member(&json, 0, "status"), 999, &status) &&
                    status == rows[i].status);
        assert_true(json_equal_text(&json, json_member(&json, 0, "code"), rows[i].code));
        assert_true(json_equal_text(&json, json_member(&json, 0, "trace_id"),
                                    "4bf92f3577b34da6a3ce929d0e0e4736"));
    }
}

/* A ping of so many bytes of text, framed. */
static struct span ping_of(size_t size)
{
    static uint8_t large[GRPC_PREFIX + 4097];
    struct sink out = sink_over(large, sizeof large);
    sink_u8(&out, 0);
    sink_u32be(&out, (uint32_t)size + 3);
    protobuf_put_varint(&out, 0x0a);
    protobuf_put_varint(&out, size);
    for (size_t k = 0; k < size; k++)
        sink_u8(&out, 'a');
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

/* RL-75: each edge of a gRPC request has its status, and none of them is passed on. */
static void test_edges(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t size; /* of the message: a ping of so many bytes of text */
        const char *body, *extra, *value;
        size_t len;
        const char *status, *code;
    } rows[] = {
        { "1 KiB less one", 1023, NULL, NULL, NULL, 0, "0", "OK" },
        { "1 KiB", 1024, NULL, NULL, NULL, 0, "0", "OK" },
        { "1 KiB and one", 1025, NULL, NULL, NULL, 0, "3", "HTTP_BODY_INVALID" },
        { "past the route's limit", 4094, NULL, NULL, NULL, 0, "8", "HTTP_BODY_TOO_LARGE" },
        { "compressed", 0, "\1\0\0\0\0", NULL, NULL, 5, "12", "GRPC_COMPRESSED" },
        { "gzip announced", 0, "\0\0\0\0\0", "grpc-encoding", "gzip", 5, "12", "GRPC_COMPRESSED" },
        { "bad flag", 0, "\7\0\0\0\0", NULL, NULL, 5, "3", "GRPC_FRAME" },
        { "second message", 0, "\0\0\0\0\0\0\0\0\0\0", NULL, NULL, 10, "12", "GRPC_MESSAGE_COUNT" },
        { "no message", 0, "", NULL, NULL, 0, "12", "GRPC_MESSAGE_COUNT" },
        { "cut", 0, "\0\0\0\0\2a", NULL, NULL, 6, "3", "GRPC_FRAME" },
        { "no protobuf", 0, "\0\0\0\0\1\xff", NULL, NULL, 6, "3", "HTTP_BODY_INVALID" },
        { "unknown field", 0, "\0\0\0\0\2\x50\1", NULL, NULL, 7, "3", "HTTP_BODY_INVALID" },
        { "deadline of 0", 0, "\0\0\0\0\0", "grpc-timeout", "0S", 5, "4", "GRPC_DEADLINE" },
        { "negative deadline", 0, "\0\0\0\0\0", "grpc-timeout", "-1S", 5, "3",
          "GRPC_TIMEOUT_INVALID" },
        { "deadline of 2^63", 0, "\0\0\0\0\0", "grpc-timeout", "9223372036854775808n", 5, "3",
          "GRPC_TIMEOUT_INVALID" },
        { "longest deadline", 0, "\0\0\0\0\0", "grpc-timeout", "99999999H", 5, "0", "OK" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t trailers = 0; trailers < 2; trailers++) {
            size_t before = forwarded;
            struct span body = span_of(rows[i].body, rows[i].len);
            if (rows[i].size > 0)
                body = ping_of(rows[i].size);
            struct reply reply = grpc("/ward.v1.System/Ping", body, rows[i].extra, rows[i].value,
                                      trailers != 0);
            bool ok = strcmp(rows[i].code, "OK") == 0;
            if (reply.status != 200 || strcmp(reply.grpc_status, rows[i].status) != 0 ||
                strcmp(reply.code, rows[i].code) != 0 || forwarded != before + ok)
                fail_msg("%s: %s %s", rows[i].name, reply.grpc_status, reply.code);
        }
    }
    struct reply reply = grpc("/ward.v1.System/Pong", span_of("\0\0\0\0\0", 5), NULL, NULL, false);
    assert_string_equal(reply.grpc_status, "12");
}

static struct http_request standard_call(const char *path)
{
    static struct http_field type;
    type = (struct http_field){ span_text("content-type"), span_text("application/grpc") };
    return (struct http_request){ .version = HTTP_2,
                                  .method = HTTP_METHOD_POST,
                                  .path = span_text(path),
                                  .fields = &type,
                                  .field_count = 1 };
}

static void test_health(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t len;
        enum reason reason;
    } rows[] = {
        { "\0\0\0\0\0", 5, REASON_OK },
        { "\0\0\0\0\x0f\x0a\x0dward.v1.Audit", 20, REASON_OK },
        { "\0\0\0\0\x03\x0a\x01x", 8, REASON_GRPC_SERVICE_UNKNOWN },
        { "\0\0\0\0\x02\x08\x01", 7, REASON_HTTP_BODY_INVALID },
        { "", 0, REASON_GRPC_MESSAGE_COUNT },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_request request = standard_call(GRPC_HEALTH_CHECK);
        struct http_call call;
        uint64_t limit;
        assert_int_equal(call_begin(&call, &test_router, &request, &limit), REASON_OK);
        assert_int_equal(call.kind, CALL_HEALTH);
        assert_int_equal(call.match.route->permission, ROUTE_ANYONE);
        call.body = sink_over(body_bytes, limit);
        assert_int_equal(call_body(&call, span_of(rows[i].body, rows[i].len)), REASON_OK);
        struct sink out = sink_over(out_bytes, sizeof out_bytes);
        assert_int_equal(call_health(&call, &test_router, true, &out), rows[i].reason);
        if (rows[i].reason == REASON_OK)
            assert_span_equal(sink_bytes(&out), span_of("\0\0\0\0\2\x08\1", 7));
        /* It is no row of the table, and is not taken for one. */
        void *values = NULL;
        struct arena arena = arena_over(memory, sizeof memory);
        assert_int_equal(call_end(&call, &request, &arena, &values), REASON_SERVER_FAILED);
        assert_false(call_write(&call, &values, &out));
    }
}

/* Each message of the stream is answered as soon as it is whole, in whatever pieces it comes. */
static void test_reflection(void **state)
{
    (void)state;
    static const uint8_t body[] = "\0\0\0\0\2\x3a\0\0\0\0\0\x10\x22\x0eward.v1.System";
    for (size_t piece = 1; piece <= sizeof body; piece++) {
        struct http_request request = standard_call(GRPC_REFLECTION);
        struct http_call call;
        uint64_t limit;
        assert_int_equal(call_begin(&call, &test_router, &request, &limit), REASON_OK);
        assert_int_equal(call.kind, CALL_REFLECTION);
        call.body = sink_over(body_bytes, 4096);
        struct sink out = sink_over(out_bytes, sizeof out_bytes);
        struct cursor in = cur_over(span_of(body, sizeof body - 1));
        struct span part;
        size_t answers = 0;
        while (!cur_end(&in)) {
            assert_true(cur_take(&in, cur_left(&in) < piece ? cur_left(&in) : piece, &part));
            for (struct cursor left = cur_over(part); !cur_end(&left);) {
                size_t before = out.len;
                assert_int_equal(call_reflect(&call, &test_router, &left, &out), REASON_OK);
                answers += out.len > before;
            }
        }
        assert_int_equal(answers, 2);
        assert_int_equal(grpc_read_end(&call.reader), REASON_GRPC_MESSAGE_COUNT); /* none is open */
        struct grpc_reader reader = { .limit = 1 << 16 };
        static uint8_t said[1 << 16];
        struct sink message = sink_over(said, sizeof said);
        in = cur_over(sink_bytes(&out));
        bool whole = false;
        for (answers = 0; !cur_end(&in); answers++)
            assert_true(grpc_take(&reader, &in, &message, &whole) == REASON_OK && whole);
        assert_int_equal(answers, 2);
    }
    struct http_request request = standard_call(GRPC_REFLECTION);
    struct http_call call;
    uint64_t limit;
    struct sink out = sink_over(out_bytes, sizeof out_bytes);
    static const struct {
        const char *body;
        size_t len;
        enum reason reason;
    } bad[] = {
        { "\1\0\0\0\2\x3a\0", 7, REASON_GRPC_COMPRESSED },
        { "\0\0\0\x10\1", 5, REASON_HTTP_BODY_TOO_LARGE },
        { "\0\0\0\0\2\x08\1", 7, REASON_HTTP_BODY_INVALID },
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(call_begin(&call, &test_router, &request, &limit), REASON_OK);
        call.body = sink_over(body_bytes, 4096);
        struct cursor bytes = cur_over(span_of(bad[i].body, bad[i].len));
        assert_int_equal(call_reflect(&call, &test_router, &bytes, &out), bad[i].reason);
    }
    /* Over HTTP/1.1 there is none. */
    request.version = HTTP_1_1;
    assert_int_equal(call_begin(&call, &test_router, &request, &limit),
                     REASON_HTTP_VERSION_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_equal_answers, ""), TEST(test_problems, ""),   TEST(test_health, ""),
        TEST(test_reflection, ""),    TEST(test_edges, "RL-75"),
    };
    return RUN_TESTS(tests);
}
