/* test_http1_client.c - the asking side: what is written, and answers in any cut. */
#include "http/http1_client.h"

#include <string.h>

#include "base/number.h"
#include "http/websocket.h"
#include "test.h"

static uint8_t memory[64 * 1024];
static char said[4096];

static const uint8_t key[WEBSOCKET_KEY] = "the sample nonce"; /* of RFC 6455 1.3 */
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static struct http_ask ask_of(enum http_method method)
{
    return (struct http_ask){ .method = method,
                              .authority = span_text("a:1"),
                              .target = span_text("/x?y") };
}

static const char *written(struct http1 *conn, const struct http_ask *ask)
{
    struct sink out = sink_over(said, sizeof said);
    if (!http1_write_ask(conn, ask, &out)) {
        assert_int_equal(out.len, 0);
        return "";
    }
    sink_terminate(&out);
    return said;
}

static void test_what_is_written(void **state)
{
    (void)state;
    struct http1 conn;
    struct http_ask ask = ask_of(HTTP_METHOD_GET);
    const struct http_field fields[] = { { span_text("x-a"), span_text("b c") } };
    http1_init(&conn, &http_limits_default);
    assert_string_equal(written(&conn, &ask), "GET /x?y HTTP/1.1\r\nHost: a:1\r\n\r\n");
    assert_string_equal(written(&conn, &ask), ""); /* an answer is to come */
    http1_init(&conn, &http_limits_default);
    ask.method = HTTP_METHOD_POST;
    ask.length = 12;
    ask.close = true;
    ask.fields = fields;
    ask.field_count = 1;
    assert_string_equal(written(&conn, &ask), "POST /x?y HTTP/1.1\r\nHost: a:1\r\nx-a: b c\r\n"
                                              "Content-Length: 12\r\nConnection: close\r\n\r\n");
    http1_init(&conn, &http_limits_default);
    ask = ask_of(HTTP_METHOD_GET);
    ask.websocket_key = key;
    assert_string_equal(written(&conn, &ask),
                        "GET /x?y HTTP/1.1\r\nHost: a:1\r\nConnection: Upgrade\r\n"
                        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}

/* A caller's value never becomes a line of its own, nor a second length. */
static void test_what_is_not_written(void **state)
{
    (void)state;
    static const struct http_field bad[] = {
        { { (const uint8_t *)"x y", 3 }, { (const uint8_t *)"", 0 } },
        { { (const uint8_t *)"x", 1 }, { (const uint8_t *)"a\r\nb: c", 7 } },
        { { (const uint8_t *)"Content-Length", 14 }, { (const uint8_t *)"1", 1 } },
        { { (const uint8_t *)"HOST", 4 }, { (const uint8_t *)"b", 1 } },
        { { (const uint8_t *)"Sec-WebSocket-Protocol", 22 }, { (const uint8_t *)"b", 1 } },
        { { (const uint8_t *)"upgrade", 7 }, { (const uint8_t *)"h2c", 3 } },
    };
    static const char *const targets[] = { "", "x", "http://b/", "/ x", "/\r\n", "/#a", "/\x80" };
    struct http1 conn;
    http1_init(&conn, &http_limits_default);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct http_ask ask = ask_of(HTTP_METHOD_GET);
        ask.fields = &bad[i];
        ask.field_count = 1;
        assert_string_equal(written(&conn, &ask), "");
    }
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        struct http_ask ask = ask_of(HTTP_METHOD_GET);
        ask.target = span_text(targets[i]);
        assert_string_equal(written(&conn, &ask), "");
    }
    struct http_ask ask = ask_of(HTTP_METHOD_GET);
    ask.authority = span_text("a@b");
    assert_string_equal(written(&conn, &ask), "");
    ask = ask_of(HTTP_METHOD_GET);
    ask.length = 1;
    assert_string_equal(written(&conn, &ask), "");
    ask = ask_of(HTTP_METHOD_POST);
    ask.websocket_key = key;
    assert_string_equal(written(&conn, &ask), "");
    ask = ask_of(HTTP_METHOD_NONE);
    assert_string_equal(written(&conn, &ask), "");
    struct sink small = sink_over(said, 20);
    ask = ask_of(HTTP_METHOD_GET);
    assert_false(http1_write_ask(&conn, &ask, &small));
    assert_int_equal(small.len, 0);
    assert_true(http1_may_ask(&conn));
}

/* What came of an answer, as text. */
static void put_event(struct sink *out, const struct http1_room *room, struct http_event event,
                      bool *in_body)
{
    if (*in_body && event.kind != HTTP_EVENT_BODY)
        sink_text(out, "\n");
    if (event.kind == HTTP_EVENT_BODY && !*in_body)
        sink_text(out, "body ");
    *in_body = event.kind == HTTP_EVENT_BODY;
    if (event.kind == HTTP_EVENT_HEAD)
        sink_format(out, "%u\n", room->status);
    if (event.kind == HTTP_EVENT_BODY)
        sink_put(out, event.body);
    if (event.kind == HTTP_EVENT_DONE)
        sink_text(out, "done\n");
    if (event.kind == HTTP_EVENT_CLOSED)
        sink_text(out, "closed\n");
    if (event.kind == HTTP_EVENT_REFUSED)
        sink_format(out, "%s\n", reason_info(event.reason)->name);
}

static const char *came(const struct http_ask *ask, struct span bytes, size_t piece,
                        struct http1 *conn)
{
    static char text[4096];
    uint8_t request[512];
    struct sink out = sink_over(text, sizeof text), sent = sink_over(request, sizeof request);
    struct http1_room room;
    struct cursor all = cur_over(bytes);
    struct span part;
    struct http_event event;
    bool in_body = false, over = false;
    http1_init(conn, &http_limits_default);
    assert_true(http1_room_init(&room, conn->limits, memory, sizeof memory));
    assert_true(http1_write_ask(conn, ask, &sent));
    while (!over && cur_take(&all, cur_left(&all) < piece ? cur_left(&all) : piece, &part) &&
           part.len > 0) {
        struct cursor in = cur_over(part);
        do {
            event = http1_next(conn, &room, &in);
            if (event.kind != HTTP_EVENT_NONE)
                put_event(&out, &room, event, &in_body);
            if (event.kind == HTTP_EVENT_HEAD)
                http1_admit(conn, &room, 8);
            over = event.kind == HTTP_EVENT_REFUSED || event.kind == HTTP_EVENT_DONE;
        } while (!over && event.kind != HTTP_EVENT_NONE);
    }
    if (!over)
        put_event(&out, &room, http1_end(conn), &in_body);
    sink_terminate(&out);
    assert_true(sink_ok(&out));
    return text;
}

#define OK_LINE "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *answer, *want;
    enum http_method method;
    bool again; /* another may be asked for */
} rows[] = {
    { OK_LINE "Content-Length: 2\r\n\r\nab", "200\nbody ab\ndone\n", HTTP_METHOD_GET, true },
    { OK_LINE "Content-Length: 0\r\n\r\n", "200\ndone\n", HTTP_METHOD_GET, true },
    { OK_LINE "Content-Length: 2\r\n\r\na", "200\nbody a\nHTTP_TRUNCATED\n", HTTP_METHOD_GET,
      false },
    { OK_LINE "Content-Length: 9\r\n\r\n", "200\nHTTP_BODY_TOO_LARGE\n", HTTP_METHOD_GET, false },
    { OK_LINE "Content-Length: 2\r\nConnection: close\r\n\r\nab", "200\nbody ab\ndone\n",
      HTTP_METHOD_GET, false },
    { OK_LINE "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "200\nbody ab\ndone\n",
      HTTP_METHOD_GET, true },
    { OK_LINE "\r\nabcdefgh", "200\nbody abcdefgh\ndone\n", HTTP_METHOD_GET, false },
    { OK_LINE "\r\n", "200\ndone\n", HTTP_METHOD_GET, false },
    { OK_LINE "\r\nabcdefghi", "200\nbody abcdefgh\nHTTP_BODY_TOO_LARGE\n", HTTP_METHOD_GET,
      false },
    { "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", "200\nbody ab\ndone\n", HTTP_METHOD_GET,
      false },
    { "HTTP/1.1 204 No Content\r\n\r\n", "204\ndone\n", HTTP_METHOD_GET, true },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304\ndone\n", HTTP_METHOD_GET,
      true },
    { OK_LINE "Content-Length: 5\r\n\r\n", "200\ndone\n", HTTP_METHOD_HEAD, true },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n" OK_LINE
      "Content-Length: 1\r\n\r\nz",
      "200\nbody z\ndone\n", HTTP_METHOD_GET, true },
    { "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200\ndone\n", HTTP_METHOD_GET, true },
    /* none */
    { "\r\n" OK_LINE "\r\n", "HTTP_STATUS_LINE\n", HTTP_METHOD_GET, false },
    { "HTTP/1.1 2000 OK\r\n\r\n", "HTTP_STATUS_LINE\n", HTTP_METHOD_GET, false },
    { "HTTP/1.1 099 OK\r\n\r\n", "HTTP_STATUS_LINE\n", HTTP_METHOD_GET, false },
    { "HTTP/1.1 600 OK\r\n\r\n", "HTTP_STATUS_LINE\n", HTTP_METHOD_GET, false },
    { "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP_STATUS_LINE\n", HTTP_METHOD_GET, false },
    { "HTTP/2.0 200 OK\r\n\r\n", "HTTP_VERSION_UNSUPPORTED\n", HTTP_METHOD_GET, false },
    { "ICY 200 OK\r\n\r\n", "HTTP_STATUS_LINE\n", HTTP_METHOD_GET, false },
    { "SSH-2.0-x\r\n", "HTTP_STATUS_LINE\n", HTTP_METHOD_GET, false },
    { OK_LINE "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", "HTTP_LENGTH_INVALID\n",
      HTTP_METHOD_GET, false },
    { OK_LINE "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP_LENGTH_CONFLICT\n", HTTP_METHOD_GET, false },
    { OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n", "HTTP_TRANSFER_CODING_UNKNOWN\n",
      HTTP_METHOD_GET, false },
    { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP_TRANSFER_CODING\n",
      HTTP_METHOD_GET, false },
    { OK_LINE " folded: x\r\n\r\n", "HTTP_FIELD_FOLDED\n", HTTP_METHOD_GET, false },
    { "HTTP/1.1 200 OK\n\n", "HTTP_LINE_ENDING\n", HTTP_METHOD_GET, false },
    { "HTTP/1.1 200 OK\r\nx: y", "HTTP_TRUNCATED\n", HTTP_METHOD_GET, false },
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece < 64; piece += 7) {
            struct http1 conn;
            struct http_ask ask = ask_of(rows[i].method);
            const char *got = came(&ask, span_text(rows[i].answer), piece, &conn);
            if (strcmp(got, rows[i].want) != 0 || http1_may_ask(&conn) != rows[i].again)
                fail_msg("%s, by %zu: %s", rows[i].answer, piece, got);
        }
    }
}

/* A server that is always on the way never arrives. */
static void test_interim(void **state)
{
    (void)state;
    char bytes[1024];
    for (unsigned count = 7; count < 10; count++) {
        struct sink out = sink_over(bytes, sizeof bytes);
        struct http1 conn;
        struct http_ask ask = ask_of(HTTP_METHOD_GET);
        for (unsigned i = 0; i < count; i++)
            sink_text(&out, "HTTP/1.1 102 Processing\r\n\r\n");
        sink_text(&out, OK_LINE "Content-Length: 0\r\n\r\n");
        assert_string_equal(came(&ask, sink_bytes(&out), SIZE_MAX, &conn),
                            count <= HTTP_INTERIM_MAX ? "200\ndone\n" : "HTTP_STATUS_LINE\n");
    }
}

#define SWITCH "HTTP/1.1 101 Switching Protocols\r\n"
#define GOOD   "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"

static void test_websocket(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum reason want;
    } answers[] = {
        { SWITCH GOOD "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n", REASON_OK },
        { SWITCH GOOD "Sec-WebSocket-Accept: t3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
          REASON_WEBSOCKET_HANDSHAKE },
        { SWITCH GOOD "\r\n", REASON_WEBSOCKET_HANDSHAKE },
        { SWITCH "Upgrade: websocket\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
          REASON_WEBSOCKET_HANDSHAKE },
        { SWITCH "Connection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
          REASON_WEBSOCKET_HANDSHAKE },
        { SWITCH GOOD "Sec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Protocol: x\r\n\r\n",
          REASON_WEBSOCKET_HANDSHAKE },
        { SWITCH GOOD "Sec-WebSocket-Accept: " ACCEPT
                      "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
          REASON_WEBSOCKET_HANDSHAKE },
        { "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n" GOOD "Sec-WebSocket-Accept: " ACCEPT
          "\r\n\r\n",
          REASON_WEBSOCKET_HANDSHAKE },
    };
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        uint8_t request[512];
        struct sink sent = sink_over(request, sizeof request);
        struct http1 conn;
        struct http1_room room;
        struct http_ask ask = ask_of(HTTP_METHOD_GET);
        struct cursor in = cur_over(span_text(answers[i].answer));
        ask.websocket_key = key;
        http1_init(&conn, &http_limits_default);
        assert_true(http1_room_init(&room, conn.limits, memory, sizeof memory));
        assert_true(http1_write_ask(&conn, &ask, &sent));
        assert_int_equal(http1_next(&conn, &room, &in).kind, HTTP_EVENT_HEAD);
        assert_int_equal(websocket_judge_answer(&room, key), answers[i].want);
        assert_int_equal(http1_next(&conn, &room, &in).kind, HTTP_EVENT_NONE);
        assert_false(http1_may_ask(&conn));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_written, ""), TEST(test_what_is_not_written, ""), TEST(test_answers, ""),
        TEST(test_interim, ""),         TEST(test_websocket, ""),
    };
    return RUN_TESTS(tests);
}
