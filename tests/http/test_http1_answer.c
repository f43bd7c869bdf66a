/* test_http1_answer.c - decisions, limits and answers of an HTTP/1.1 connection. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "conversation.h"
#include "http/http1.h"
#include "test.h"

struct setup {
    struct http1 conn;
    struct http1_room room;
    struct sink out;
};

static struct setup *begin(const char *request, uint64_t limit)
{
    static struct setup s;
    static uint8_t memory[64 * 1024];
    static uint8_t reply[4096];
    http1_init(&s.conn, &http_limits_default);
    s.out = sink_over(reply, sizeof reply);
    assert_true(http1_room_init(&s.room, s.conn.limits, memory, sizeof memory));
    struct cursor in = cur_over(span_text(request));
    assert_int_equal(http1_next(&s.conn, &s.room, &in).kind, HTTP_EVENT_HEAD);
    if (limit > 0)
        http1_admit(&s.conn, &s.room, limit);
    while (http1_next(&s.conn, &s.room, &in).kind == HTTP_EVENT_BODY)
        continue;
    return &s;
}

static const char *written(struct setup *s)
{
    static char text[4097];
    memcpy(text, s->out.at, s->out.len);
    text[s->out.len] = 0;
    return text;
}

#define HEAD "HTTP/1.1\r\nHost: a\r\n"

static const struct {
    const char *name, *request;
    uint64_t admit;
    struct http_response response;
    const char *body, *reply;
    bool open;
} answers[] = {
    { "plain",
      "GET / " HEAD "\r\n",
      1,
      { .status = 200, .length = 2, .now = 784111777 },
      "hi",
      "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nhi",
      true },
    { "nothing",
      "GET / " HEAD "\r\n",
      1,
      { .status = 200, .now = -1 },
      "",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      true },
    { "streamed",
      "GET / " HEAD "\r\n",
      1,
      { .status = 200, .streamed = true, .now = -1 },
      "hi",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
      true },
    { "streamed to 1.0",
      "GET / HTTP/1.0\r\n\r\n",
      1,
      { .status = 200, .streamed = true, .now = -1 },
      "hi",
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi",
      false },
    { "HEAD",
      "HEAD / " HEAD "\r\n",
      1,
      { .status = 200, .length = 2, .now = -1 },
      "hi",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
      true },
    { "HEAD streamed",
      "HEAD / " HEAD "\r\n",
      1,
      { .status = 200, .streamed = true, .now = -1 },
      "hi",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      true },
    { "204",
      "GET / " HEAD "\r\n",
      1,
      { .status = 204, .length = 2, .now = -1 },
      "hi",
      "HTTP/1.1 204 No Content\r\n\r\n",
      true },
    { "304",
      "GET / " HEAD "\r\n",
      1,
      { .status = 304, .length = 2, .now = -1 },
      "hi",
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
      true },
    { "asked to close",
      "GET / " HEAD "Connection: close\r\n\r\n",
      1,
      { .status = 200, .now = -1 },
      "",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      false },
    { "refused before the body",
      "POST / " HEAD "Content-Length: 5\r\n\r\nhello",
      0,
      { .status = 403, .now = -1 },
      "",
      "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      false },
    { "refused before chunks",
      "POST / " HEAD "Transfer-Encoding: chunked\r\n\r\n",
      0,
      { .status = 403, .now = -1 },
      "",
      "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      false },
    { "refused without a body goes on",
      "GET / " HEAD "\r\n",
      0,
      { .status = 404, .now = -1 },
      "",
      "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
      true },
    { "answered in the midst of a body",
      "POST / " HEAD "Content-Length: 9\r\n\r\nhello",
      10,
      { .status = 200, .now = -1 },
      "",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      false },
    { "body too large",
      "POST / " HEAD "Content-Length: 11\r\n\r\nhello",
      10,
      { .status = 413, .now = -1 },
      "",
      "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      false },
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct setup *s = begin(answers[i].request, answers[i].admit);
        assert_true(http1_write_head(&s->conn, &answers[i].response, &s->out));
        assert_true(http1_write_body(&s->conn, span_text(answers[i].body), &s->out));
        assert_true(http1_write_end(&s->conn, &s->out));
        if (strcmp(written(s), answers[i].reply) != 0)
            fail_msg("%s: %s", answers[i].name, written(s));
        if (http1_is_idle(&s->conn) != answers[i].open ||
            http1_is_closed(&s->conn) == answers[i].open)
            fail_msg("%s: %s", answers[i].name, answers[i].open ? "closed" : "open");
    }
}

static void test_answers_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct span field, value;
        unsigned status;
    } rows[] = {
        { "line break in a value",
          { (const uint8_t *)"x", 1 },
          { (const uint8_t *)"a\r\nb", 4 },
          200 },
        { "LF in a value", { (const uint8_t *)"x", 1 }, { (const uint8_t *)"a\nb", 3 }, 200 },
        { "NUL in a value", { (const uint8_t *)"x", 1 }, { (const uint8_t *)"a\0b", 3 }, 200 },
        { "colon in a name", { (const uint8_t *)"x:y", 3 }, { (const uint8_t *)"a", 1 }, 200 },
        { "line break in a name",
          { (const uint8_t *)"x\r\n", 3 },
          { (const uint8_t *)"a", 1 },
          200 },
        { "empty name", { (const uint8_t *)"", 0 }, { (const uint8_t *)"a", 1 }, 200 },
        { "a second length",
          { (const uint8_t *)"Content-Length", 14 },
          { (const uint8_t *)"1", 1 },
          200 },
        { "a coding",
          { (const uint8_t *)"transfer-encoding", 17 },
          { (const uint8_t *)"x", 1 },
          200 },
        { "a second Connection",
          { (const uint8_t *)"connection", 10 },
          { (const uint8_t *)"x", 1 },
          200 },
        { "no status", { (const uint8_t *)"x", 1 }, { (const uint8_t *)"a", 1 }, 0 },
        { "an interim status", { (const uint8_t *)"x", 1 }, { (const uint8_t *)"a", 1 }, 100 },
        { "a status of four digits",
          { (const uint8_t *)"x", 1 },
          { (const uint8_t *)"a", 1 },
          1000 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct setup *s = begin("GET / " HEAD "\r\n", 1);
        struct http_field field = { rows[i].field, rows[i].value };
        struct http_response response = { .status = rows[i].status,
                                          .fields = &field,
                                          .field_count = 1 };
        if (http1_write_head(&s->conn, &response, &s->out) || s->out.len != 0)
            fail_msg("%s", rows[i].name);
        response = (struct http_response){ .status = 500, .now = -1 };
        assert_true(http1_write_head(&s->conn, &response, &s->out));
        assert_false(http1_write_head(&s->conn, &response, &s->out));
    }
}

static void test_lengths_are_kept(void **state)
{
    (void)state;
    struct http_response response = { .status = 200, .length = 3, .now = -1 };
    struct setup *s = begin("GET / " HEAD "\r\n", 1);
    assert_false(http1_write_body(&s->conn, span_text("x"), &s->out)); /* no head yet */
    assert_false(http1_write_end(&s->conn, &s->out));
    assert_true(http1_write_head(&s->conn, &response, &s->out));
    assert_false(http1_write_body(&s->conn, span_text("four"), &s->out));
    assert_true(http1_write_body(&s->conn, span_text("two"), &s->out));
    assert_false(http1_write_body(&s->conn, span_text("x"), &s->out));
    assert_true(http1_write_end(&s->conn, &s->out));

    s = begin("GET / " HEAD "\r\n", 1);
    assert_true(http1_write_head(&s->conn, &response, &s->out));
    assert_true(http1_write_body(&s->conn, span_text("no"), &s->out));
    assert_false(http1_write_end(&s->conn, &s->out)); /* a byte is missing */
    assert_true(http1_is_closed(&s->conn));
}

/* At every size of the sink: all of a piece or nothing of it. */
static void test_full_sinks(void **state)
{
    (void)state;
    struct http_field field = { span_text("x"), span_text("y") };
    struct http_response response = { 200, &field, 1, 0, true, 0 };
    for (size_t cap = 0; cap < 200; cap++) {
        struct setup *s = begin("GET / " HEAD "\r\n", 1);
        uint8_t bytes[200];
        struct sink out = sink_over(bytes, cap);
        bool head = http1_write_head(&s->conn, &response, &out);
        assert_int_equal(head, out.len > 0);
        size_t len = out.len;
        if (!head)
            continue;
        bool body = http1_write_body(&s->conn, span_text("hello"), &out);
        assert_int_equal(out.len, len + (body ? 10 : 0));
        if (body && !http1_write_end(&s->conn, &out))
            assert_int_equal(out.len, len + 10);
    }
}

static void test_continue(void **state)
{
    (void)state;
#define WAITS "POST / " HEAD "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    struct setup *s = begin(WAITS, 10);
    assert_true(http1_wants_continue(&s->conn));
    http1_write_continue(&s->conn, &s->out);
    assert_string_equal(written(s), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_false(http1_wants_continue(&s->conn));
    assert_false(http1_wants_continue(&begin(WAITS "h", 10)->conn)); /* the body is coming */
    assert_false(http1_wants_continue(&begin(WAITS, 4)->conn));      /* too large: refused */
    assert_false(http1_wants_continue(&begin(WAITS, 0)->conn));      /* not decided */
    assert_false(http1_wants_continue(
        &begin("GET / " HEAD "Expect: 100-continue\r\n\r\n", 10)->conn)); /* no body */
    assert_false(http1_wants_continue(
        &begin("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 9)->conn));
}

static void test_upgrade(void **state)
{
    (void)state;
    struct setup *s = begin("GET / " HEAD "Connection: upgrade\r\nUpgrade: WebSocket\r\n\r\n", 1);
    assert_true(s->room.request.is_websocket);
    assert_false(http1_write_upgrade(&s->conn, span_text("a\r\nb"), &s->out));
    assert_true(http1_write_upgrade(&s->conn, span_text("accept"), &s->out));
    assert_string_equal(written(s), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                    "Connection: Upgrade\r\nSec-WebSocket-Accept: accept\r\n\r\n");
    struct cursor in = cur_over(span_text("GET / "));
    assert_int_equal(http1_next(&s->conn, &s->room, &in).kind, HTTP_EVENT_NONE);
    assert_int_equal(cur_left(&in), 6);
    assert_int_equal(http1_end(&s->conn).kind, HTTP_EVENT_CLOSED);
}

/* A request that takes exactly a limit is taken, one byte or field more is refused. */
static bool is_taken(const char *head, size_t fill, const char *tail)
{
    static uint8_t bytes[128 * 1024];
    static uint8_t talk[128 * 1024];
    struct sink text = sink_over(bytes, sizeof bytes);
    struct sink out = sink_over(talk, sizeof talk);
    sink_text(&text, head);
    for (size_t i = 0; i < fill; i++)
        sink_u8(&text, 'a');
    sink_text(&text, tail);
    assert_true(sink_ok(&text));
    conversation(sink_bytes(&text), 1000, 100, &out);
    sink_terminate(&out);
    return strstr((char *)talk, "done") != NULL;
}

static void test_limits(void **state)
{
    (void)state;
    const struct http_limits *l = &http_limits_default;
    assert_true(is_taken("GET /", l->target - 1, " " HEAD "\r\n"));
    assert_false(is_taken("GET /", l->target, " " HEAD "\r\n"));
    assert_false(is_taken("GET /", 100000, ""));
    assert_true(is_taken("GET /%20", l->target - 4, " " HEAD "\r\n")); /* kept twice */

    size_t rest = strlen("Host: a\r\nx:\r\n\r\n");
    assert_true(is_taken("GET / " HEAD "x:", l->field_bytes - rest, "\r\n\r\n"));
    assert_false(is_taken("GET / " HEAD "x:", l->field_bytes - rest + 1, "\r\n\r\n"));
    assert_false(is_taken("GET / " HEAD "x", 100000, ""));

    char many[4096] = "";
    for (size_t i = 0; i < l->fields - 1; i++)
        snprintf(&many[strlen(many)], 8, "x:y\r\n");
    char head[4200];
    snprintf(head, sizeof head, "GET / " HEAD "%s", many);
    assert_true(is_taken(head, 0, "\r\n"));
    assert_false(is_taken(head, 0, "x:y\r\n\r\n"));

#define CHUNKS "POST / " HEAD "Transfer-Encoding: chunked\r\n\r\n"
    assert_true(is_taken(CHUNKS "0;", l->extension_bytes - 1, "\r\n\r\n"));
    assert_false(is_taken(CHUNKS "0;", l->extension_bytes, "\r\n\r\n"));
    assert_true(is_taken(CHUNKS "64\r\n", 100, "\r\n0\r\n\r\n"));
    assert_false(is_taken(CHUNKS "64\r\n", 100, "\r\n1\r\na\r\n0\r\n\r\n"));
    /* Trailers count as fields. */
    size_t used = strlen("Host: a\r\nTransfer-Encoding: chunked\r\n\r\nx:\r\n\r\n");
    assert_true(is_taken(CHUNKS "0\r\nx:", l->field_bytes - used, "\r\n\r\n"));
    assert_false(is_taken(CHUNKS "0\r\nx:", l->field_bytes - used + 1, "\r\n\r\n"));
}

static void test_one_at_a_time(void **state)
{
    (void)state;
    struct setup *s = begin("GET /1 " HEAD "\r\n", 1);
    struct cursor in = cur_over(span_text("GET /2 " HEAD "\r\n"));
    assert_int_equal(http1_next(&s->conn, &s->room, &in).kind, HTTP_EVENT_NONE);
    assert_int_equal(cur_offset(&in), 0);
    assert_int_equal(http1_end(&s->conn).kind, HTTP_EVENT_NONE); /* half closed: answer it */
    struct http_response response = { .status = 200, .now = -1 };
    assert_true(http1_write_head(&s->conn, &response, &s->out));
    assert_true(http1_write_end(&s->conn, &s->out));
    assert_true(http1_is_closed(&s->conn));
}

static void test_timer(void **state)
{
    (void)state;
    struct setup *s = begin("POST / " HEAD "Content-Length: 5\r\n\r\nhe", 10);
    http1_refuse(&s->conn, REASON_HTTP_TIMEOUT);
    struct cursor in = cur_over(span_text("llo"));
    struct http_event event = http1_next(&s->conn, &s->room, &in);
    assert_int_equal(event.kind, HTTP_EVENT_REFUSED);
    assert_int_equal(event.reason, REASON_HTTP_TIMEOUT);
    assert_int_equal(cur_offset(&in), 0);
    assert_true(http1_write_head(&s->conn, &(struct http_response){ .status = 408 }, &s->out));
    assert_true(http1_write_end(&s->conn, &s->out));
    assert_true(http1_is_closed(&s->conn));
    assert_int_equal(http1_next(&s->conn, &s->room, &in).kind, HTTP_EVENT_CLOSED);
}

static void test_sizes(void **state)
{
    (void)state;
    assert_true(sizeof(struct http1) <= 80); /* all that an idle connection holds */
    static uint8_t memory[64 * 1024];
    struct http1_room room;
    size_t size = http1_room_size(&http_limits_default);
    assert_true(http1_room_init(&room, &http_limits_default, memory, size));
    assert_false(http1_room_init(&room, &http_limits_default, memory, size - 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answers, ""),
        TEST(test_answers_that_are_none, ""),
        TEST(test_lengths_are_kept, ""),
        TEST(test_full_sinks, ""),
        TEST(test_continue, ""),
        TEST(test_upgrade, ""),
        TEST(test_limits, ""),
        TEST(test_one_at_a_time, ""),
        TEST(test_timer, ""),
        TEST(test_sizes, ""),
    };
    return RUN_TESTS(tests);
}
