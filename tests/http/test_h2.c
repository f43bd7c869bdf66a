/* test_h2.c - requests and answers over frames made by hand. */
#include "http/h2.h"

#include <string.h>

#include "base/number.h"
#include "frames.h"
#include "test.h"

static struct peer peer;

#define GET     ":method:GET\n:scheme:https\n:path:/\n:authority:a\n"
#define POST    ":method:POST\n:scheme:https\n:path:/p?q=1\n:authority:a\n"
#define WHOLE   (END_STREAM | END_HEADERS)
#define SAID_HI "HEADERS 1 :status=200 x-a=b content-length=2\nDATA 1 end 2\n"

/* The same events and the same answer however the bytes are cut. */
static void test_get(void **state)
{
    (void)state;
    static const size_t pieces[] = { 1, 2, 3, 7, 50, SIZE_MAX };
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        peer_begin(&peer, &h2_limits_default);
        peer_headers(&peer, WHOLE, 1,
                     ":method:GET\n:scheme:https\n:path:/a%20b?c=d\n:authority:h:1\nx:y\n");
        assert_true(peer_go(&peer, pieces[i]));
        assert_string_equal(peer_events(&peer),
                            "1 GET /a b?c=d </a%20b?c=d> @h:1 x=y\n1 done\n1 closed OK\n");
        assert_non_null(strstr(peer_said(&peer), SAID_HI));
        assert_int_equal(h2_stream_count(&peer.conn), 0);
        peer_end(&peer);
    }
}

static void test_body_and_trailers(void **state)
{
    (void)state;
    peer_begin(&peer, &h2_limits_default);
    peer_headers(&peer, END_HEADERS, 1, POST "content-length:5\n");
    peer_frame(&peer, F_DATA, 0, 1, span_text("hel"));
    peer_frame(&peer, F_DATA, 0, 1, span_text("lo"));
    peer_headers(&peer, WHOLE, 1, "x-sum:7\n");
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_string_equal(peer_events(&peer),
                        "1 POST /p?q=1 @a content-length=5\n1 body 3\n1 body 2\n"
                        "1 done x-sum=7\n1 closed OK\n");
    assert_non_null(strstr(peer_said(&peer), SAID_HI));
    peer_end(&peer);
}

static void test_continue(void **state)
{
    (void)state;
    peer_begin(&peer, &h2_limits_default);
    peer_headers(&peer, END_HEADERS, 1, POST "expect:100-continue\n");
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_non_null(strstr(peer_said(&peer), "HEADERS 1 :status=100\n"));
    peer_frame(&peer, F_DATA, END_STREAM, 1, span_text("hello"));
    peer_headers(&peer, END_HEADERS, 3, POST "expect:100-continue\ncontent-length:101\n");
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_non_null(strstr(peer_said(&peer), "HEADERS 1 :status=200"));
    assert_non_null(strstr(peer_said(&peer), "DATA 1 end 2\n"));
    assert_null(strstr(peer_said(&peer), "HEADERS 3 :status=100")); /* too large: not wanted */
    peer_end(&peer);
}

static const struct {
    const char *name, *fields, *event;
} refused[] = {
    { "unknown method", ":method:BREW\n:scheme:https\n:path:/\n:authority:a\n",
      "HTTP_METHOD_UNKNOWN" },
    { "dot segments", ":method:GET\n:scheme:https\n:path:/a/../b\n:authority:a\n",
      "HTTP_TARGET_INVALID" },
    { "escaped slash", ":method:GET\n:scheme:https\n:path:/a%2fb\n:authority:a\n",
      "HTTP_TARGET_INVALID" },
    { "broken query", ":method:GET\n:scheme:https\n:path:/?%\n:authority:a\n",
      "HTTP_TARGET_INVALID" },
    { "user in the authority", ":method:GET\n:scheme:https\n:path:/\n:authority:u@a\n",
      "HTTP_HOST_INVALID" },
    { "two hosts", ":method:GET\n:scheme:https\n:path:/\n:authority:a\nhost:b\n",
      "HTTP_HOST_MISMATCH" },
    { "two content types", GET "content-type:a/b\ncontent-type:a/b\n", "HTTP_FIELD_DUPLICATE" },
    { "two authorizations", GET "authorization:a\nauthorization:b\n", "HTTP_FIELD_DUPLICATE" },
    { "unknown expectation", GET "expect:x\n", "HTTP_EXPECTATION_UNKNOWN" },
    { "length with a zero before", POST "content-length:05\n", "HTTP_LENGTH_INVALID" },
    { "UTF-8 in a value", GET "x:\xc3\xa9\n", "HTTP_CHARACTER" },
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        peer_begin(&peer, &h2_limits_default);
        peer_headers(&peer, END_HEADERS, 1, refused[i].fields);
        peer_get(&peer, 3, "/next");
        assert_true(peer_go(&peer, SIZE_MAX));
        char want[64];
        struct sink line = sink_over(want, sizeof want);
        sink_format(&line, "1 refused %s\n", refused[i].event);
        sink_u8(&line, 0);
        if (strstr(peer_events(&peer), want) == NULL || strstr(peer_events(&peer), "1 GET") != NULL)
            fail_msg("%s: %s", refused[i].name, peer_events(&peer));
        /* It is answered, its body is not waited for, and the next one is served. */
        assert_non_null(strstr(peer_said(&peer), "HEADERS 1 :status=400"));
        assert_null(strstr(peer_said(&peer), "RST"));
        assert_non_null(strstr(peer_events(&peer), "3 done\n"));
        peer_end(&peer);
    }
}

/* A body that nobody wants may come for a while, or end; then the stream is reset, and nobody is
   blamed for it. */
static void test_unwanted_bodies(void **state)
{
    (void)state;
    static const uint8_t bytes[8192];
    enum { ALLOWED = 256 * 1024 / sizeof bytes };
    static const size_t counts[] = { 1, ALLOWED, ALLOWED + 1, ALLOWED + 30 };
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        peer_begin(&peer, &h2_limits_default);
        peer_headers(&peer, END_HEADERS, 1, POST "content-length:1000000\n");
        assert_true(peer_go(&peer, SIZE_MAX));
        assert_non_null(strstr(peer_said(&peer), "HEADERS 1 :status=400"));
        for (size_t k = 0; k < counts[i]; k++) {
            peer_frame(&peer, F_DATA, 0, 1, SPAN(bytes));
            assert_true(peer_go(&peer, SIZE_MAX));
        }
        assert_int_equal(count_lines(peer_said(&peer), "RST 1 0\n"), counts[i] > ALLOWED);
        assert_int_equal(count_lines(peer_said(&peer), "RST"), counts[i] > ALLOWED);
        assert_int_equal(h2_stream_count(&peer.conn), counts[i] <= ALLOWED);
        assert_int_equal(count_lines(peer_events(&peer), "1 body"), 0);
        peer_get(&peer, 3, "/");
        assert_true(peer_go(&peer, SIZE_MAX));
        assert_non_null(strstr(peer_events(&peer), "3 done\n"));
        /* A house that is going does not wait for the rest. */
        h2_shut_down(&peer.conn);
        peer_go(&peer, SIZE_MAX);
        assert_int_equal(count_lines(peer_said(&peer), "RST 1 0\n"), 1);
        assert_true(h2_is_closed(&peer.conn));
        peer_end(&peer);
    }
}

/* What nghttp2 refuses by itself, never seen by the handler as a request. */
static void test_malformed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        ":method:GET\n:scheme:https\n:path:/\n",                     /* no authority */
        ":method:GET\n:scheme:https\n:authority:a\n",                /* no path */
        ":method:GET\n:path:/\n:authority:a\n",                      /* no scheme */
        ":scheme:https\n:path:/\n:authority:a\n",                    /* no method */
        ":method:GET\n:scheme:https\n:path:\n:authority:a\n",        /* empty path */
        GET ":path:/2\n",                                            /* twice */
        GET "x:y\n:status:200\n",                                    /* pseudo after a field */
        ":method:GET\n:scheme:https\n:path:/\n:authority:a\n:x:y\n", /* unknown pseudo */
        GET "connection:close\n",
        GET "transfer-encoding:chunked\n",
        GET "upgrade:websocket\n",
        GET "te:gzip\n",
        GET "Upper:case\n",
        POST "content-length:5\ncontent-length:5\n",
        POST "content-length:+5\n",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        peer_begin(&peer, &h2_limits_default);
        peer_headers(&peer, END_HEADERS, 1, rows[i]);
        peer_go(&peer, SIZE_MAX);
        if (strstr(peer_events(&peer), "1 GET") != NULL ||
            strstr(peer_events(&peer), "1 POST") != NULL)
            fail_msg("%zu: %s", i, peer_events(&peer));
        assert_null(strstr(peer_said(&peer), ":status=200"));
        peer_end(&peer);
    }
}

static void test_lengths(void **state)
{
    (void)state;
    /* At the limit, one past it by bytes, one past it by announcement, and a lie about it. */
    static const struct {
        const char *fields;
        size_t len;
        const char *event;
    } rows[] = {
        { POST, 100, "1 done\n" },
        { POST, 101, "1 refused HTTP_BODY_TOO_LARGE\n" },
        { POST "content-length:101\n", 0, "1 refused HTTP_BODY_TOO_LARGE\n" },
        { POST "content-length:5\n", 6, "1 closed HTTP_TRUNCATED\n" },
        { POST "content-length:5\n", 4, "1 closed HTTP_TRUNCATED\n" },
    };
    static const uint8_t bytes[128];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        peer_begin(&peer, &h2_limits_default);
        peer_headers(&peer, END_HEADERS, 1, rows[i].fields);
        peer_frame(&peer, F_DATA, END_STREAM, 1, span_of(bytes, rows[i].len));
        assert_true(peer_go(&peer, SIZE_MAX));
        if (strstr(peer_events(&peer), rows[i].event) == NULL)
            fail_msg("%zu: %s", i, peer_events(&peer));
        assert_int_equal(count_lines(peer_events(&peer), "done"), i == 0);
        peer_end(&peer);
    }
}

/* Admitted by nobody: reset, and its body is told to nobody. */
static void test_undecided(void **state)
{
    (void)state;
    peer_begin(&peer, &h2_limits_default);
    peer.decides = false;
    peer_headers(&peer, END_HEADERS, 1, POST);
    peer_frame(&peer, F_DATA, END_STREAM, 1, span_text("hello"));
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_null(strstr(peer_events(&peer), "body"));
    assert_null(strstr(peer_events(&peer), "done"));
    assert_non_null(strstr(peer_said(&peer), "RST 1 2\n"));
    peer_end(&peer);
}

static void test_field_limits(void **state)
{
    (void)state;
    static char text[60000];
    for (size_t more = 0; more < 2; more++) {
        struct sink fields = sink_over(text, sizeof text);
        sink_text(&fields, GET);
        for (size_t i = 0; i < HTTP_FIELDS_MAX + more; i++)
            sink_format(&fields, "x%zu:y\n", i);
        sink_u8(&fields, 0);
        peer_begin(&peer, &h2_limits_default);
        peer_headers(&peer, WHOLE, 1, text);
        assert_true(peer_go(&peer, SIZE_MAX));
        const char *want = more ? "1 refused HTTP_FIELDS_TOO_LARGE\n" : "1 done\n";
        assert_non_null(strstr(peer_events(&peer), want));
        peer_end(&peer);
    }
    for (size_t more = 0; more < 2; more++) {
        struct sink fields = sink_over(text, sizeof text);
        sink_text(&fields, ":method:GET\n:scheme:https\n:authority:a\n:path:/");
        for (size_t i = 1; i < HTTP_TARGET_MAX + more; i++)
            sink_u8(&fields, 'a');
        sink_text(&fields, "\n");
        sink_u8(&fields, 0);
        peer_begin(&peer, &h2_limits_default);
        peer_headers(&peer, WHOLE, 1, text);
        assert_true(peer_go(&peer, SIZE_MAX));
        const char *want = more ? "1 refused HTTP_TARGET_TOO_LONG\n" : "1 done\n";
        assert_non_null(strstr(peer_events(&peer), want));
        peer_end(&peer);
    }
}

/* A streamed answer goes out as the peer opens its window, with trailers behind it. */
static void test_streaming(void **state)
{
    (void)state;
    enum { BYTES = 300000, WINDOW = 65535 };
    peer_begin(&peer, &h2_limits_default);
    peer.stream_bytes = BYTES;
    peer.trailers = true;
    peer_get(&peer, 1, "/");
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_null(strstr(peer_said(&peer), "grpc-status"));
    assert_true(peer.conn.queued <= h2_limits_default.stream_queue);
    uint8_t open[4] = { 0, 0, 0xff, 0xff };
    for (size_t sent = WINDOW; sent < BYTES; sent += WINDOW) {
        peer_frame(&peer, F_WINDOW, 0, 0, SPAN(open));
        peer_frame(&peer, F_WINDOW, 0, 1, SPAN(open));
        assert_true(peer_go(&peer, SIZE_MAX));
    }
    const char *said = peer_said(&peer);
    assert_non_null(strstr(said, "HEADERS 1 :status=200 x-a=b\n"));
    assert_non_null(strstr(said, "HEADERS 1 end grpc-status=0\n"));
    size_t total = 0;
    for (const char *at = strstr(said, "DATA 1 "); at != NULL; at = strstr(at + 1, "DATA 1 ")) {
        size_t len = 0;
        for (const char *digit = at + 7; *digit >= '0' && *digit <= '9'; digit++)
            len = len * 10 + (size_t)(*digit - '0');
        total += len;
    }
    assert_int_equal(total, BYTES);
    assert_non_null(strstr(peer_events(&peer), "1 closed OK\n"));
    peer_end(&peer);
}

static void test_streams_at_a_time(void **state)
{
    (void)state;
    struct h2_limits limits = h2_limits_default;
    limits.streams = 3;
    peer_begin(&peer, &limits);
    peer.answers = false;
    for (int32_t id = 1; id < 9; id += 2)
        peer_get(&peer, id, "/");
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_int_equal(h2_stream_count(&peer.conn), 3);
    assert_non_null(strstr(peer_said(&peer), "RST 7 7\n")); /* REFUSED_STREAM */
    peer_end(&peer);
    assert_int_equal(count_lines(peer_events(&peer), "closed"), 3);
}

/* The last stream id that there is: served, and the connection is used up. */
static void test_last_stream_id(void **state)
{
    (void)state;
    peer_begin(&peer, &h2_limits_default);
    peer_get(&peer, INT32_MAX, "/");
    peer_go(&peer, SIZE_MAX);
    assert_non_null(strstr(peer_events(&peer), "2147483647 done\n"));
    peer_get(&peer, 1, "/");
    peer_go(&peer, SIZE_MAX);
    assert_null(strstr(peer_events(&peer), "1 GET"));
    peer_end(&peer);
}

static void test_shut_down(void **state)
{
    (void)state;
    peer_begin(&peer, &h2_limits_default);
    peer.answers = false;
    peer_get(&peer, 1, "/");
    assert_true(peer_go(&peer, SIZE_MAX));
    h2_shut_down(&peer.conn);
    peer_get(&peer, 3, "/");
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_non_null(strstr(peer_said(&peer), "GOAWAY 0 0\n"));
    assert_null(strstr(peer_events(&peer), "3 GET"));
    assert_int_equal(h2_stream_count(&peer.conn), 1);
    peer_end(&peer);
}

/* Every ceiling: a connection may fail, the process does not notice, and all comes back. */
static void test_memory(void **state)
{
    (void)state;
    struct h2_limits limits = h2_limits_default;
    size_t served = 0;
    for (limits.memory = 0; limits.memory < 64 * 1024; limits.memory += 512) {
        struct h2_server server;
        struct h2 conn;
        peer_begin(&peer, &h2_limits_default);
        server = peer.server;
        server.limits = &limits;
        bool begun = h2_init(&conn, &server, 0);
        if (begun) {
            h2_fini(&peer.conn);
            peer.conn = conn;
            h2_fini(&conn);
            assert_true(h2_init(&peer.conn, &server, 0));
            peer.conn.server = &server;
            peer_headers(&peer, END_HEADERS, 1, POST "content-length:5\n");
            peer_frame(&peer, F_DATA, END_STREAM, 1, span_text("hello"));
            peer_go(&peer, 10);
            served += strstr(peer_said(&peer), SAID_HI) != NULL;
        }
        peer_end(&peer);
    }
    assert_in_range(served, 40, 127);
}

static void test_idle_size(void **state)
{
    (void)state;
    peer_begin(&peer, &h2_limits_default);
    assert_true(peer_go(&peer, SIZE_MAX));
    peer_frame(&peer, F_SETTINGS, ACK, 0, (struct span){ 0 });
    peer_get(&peer, 1, "/");
    assert_true(peer_go(&peer, SIZE_MAX));
    assert_true(peer.conn.heap.used + sizeof peer.conn < 28 * 1024);
    peer_end(&peer);
}

static void test_no_http2(void **state)
{
    (void)state;
    static const char *const rows[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02" };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        peer_begin(&peer, &h2_limits_default);
        sink_cut(&peer.sent, 0);
        sink_text(&peer.sent, rows[i]);
        if (i == 1)
            peer_frame(&peer, F_PING, 0, 0, span_text("12345678")); /* no SETTINGS first */
        assert_false(peer_go(&peer, SIZE_MAX));
        assert_int_equal(peer.conn.reason, REASON_HTTP2_PROTOCOL);
        peer_end(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_get, ""),
        TEST(test_continue, ""),
        TEST(test_body_and_trailers, ""),
        TEST(test_refused, ""),
        TEST(test_unwanted_bodies, ""),
        TEST(test_malformed, ""),
        TEST(test_lengths, "PC-34"),
        TEST(test_undecided, ""),
        TEST(test_field_limits, ""),
        TEST(test_streaming, ""),
        TEST(test_streams_at_a_time, ""),
        TEST(test_last_stream_id, ""),
        TEST(test_shut_down, ""),
        TEST(test_memory, ""),
        TEST(test_idle_size, ""),
        TEST(test_no_http2, ""),
    };
    return RUN_TESTS(tests);
}
