/* test_url.c - what a place to connect to is, and what is none. */
#include "codec/url.h"

#include <string.h>

#include "base/number.h"
#include "test.h"

static void places(void **state)
{
    static const struct {
        const char *text, *host, *port, *authority, *target;
        bool tls, is_here;
    } rows[] = {
        { "wss://a.example", "a.example", "443", "a.example", "/", true, false },
        { "wss://a.example:8443/v1/channel", "a.example", "8443", "a.example:8443", "/v1/channel",
          true, false },
        { "wss://[2001:db8::1]:1/x", "2001:db8::1", "1", "[2001:db8::1]:1", "/x", true, false },
        { "wss://192.0.2.1/", "192.0.2.1", "443", "192.0.2.1", "/", true, false },
        { "ws://127.0.0.1:8080/sdk/ws", "127.0.0.1", "8080", "127.0.0.1:8080", "/sdk/ws", false,
          true },
        { "ws://[::1]", "::1", "80", "[::1]", "/", false, true },
        { "ws://localhost", "localhost", "80", "localhost", "/", false, true },
        { "wss://localhost.example", "localhost.example", "443", "localhost.example", "/", true,
          false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct websocket_url url;
        if (!websocket_url_read(span_text(rows[i].text), &url))
            fail_msg("%s", rows[i].text);
        assert_string_equal(url.origin.host, rows[i].host);
        assert_string_equal(url.origin.port, rows[i].port);
        assert_true(span_equal_text(url.origin.authority, rows[i].authority));
        assert_true(span_equal_text(url.target, rows[i].target));
        assert_int_equal(url.origin.tls, rows[i].tls);
        assert_int_equal(url.origin.is_here, rows[i].is_here);
    }
}

static void no_places(void **state)
{
    static const char *const rows[] = {
        "",
        "wss://",
        "wss:///x",
        "WSS://a",
        "https://a",
        "http://a",
        "a.example:8443",
        "wss://user@a",
        "wss://user:hunter2@a",
        "wss://a?b",
        "wss://a/x?token=hunter2",
        "wss://a/x#y",
        "wss://a/%2e",
        "wss://a/x y",
        "wss://a:0",
        "wss://a:0443",
        "wss://a:65536",
        "wss://a:",
        "wss://a:1a",
        "wss://a:443443",
        "wss://[::1",
        "wss://[]",
        "wss://[::1]x",
        "wss://[fe80::1%25eth0]",
        "wss://a\nHost: b",
        "wss://a/\r\nX: y",
        "wss://a\\b",
    };
    char longest[6 + URL_HOST_MAX + 1] = "wss://";
    struct websocket_url url;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (websocket_url_read(span_text(rows[i]), &url))
            fail_msg("%s", rows[i]);
    }
    assert_false(websocket_url_read(span_of("wss://a\0b", 9), &url));
    memset(longest + 6, 'a', sizeof longest - 7);
    assert_true(websocket_url_read(span_of(longest, 6 + URL_HOST_MAX - 1), &url));
    assert_false(websocket_url_read(span_of(longest, 6 + URL_HOST_MAX), &url));
}

static void origins(void **state)
{
    static const struct {
        const char *text, *host, *port, *authority;
        bool tls, is_here;
    } rows[] = {
        { "https://a.example", "a.example", "443", "a.example", true, false },
        { "https://a.example:10000", "a.example", "10000", "a.example:10000", true, false },
        { "https://[2001:db8::1]:1", "2001:db8::1", "1", "[2001:db8::1]:1", true, false },
        { "http://127.0.0.1", "127.0.0.1", "80", "127.0.0.1", false, true },
        { "http://a.example:80", "a.example", "80", "a.example:80", false, false },
    };
    static const char *const bad[] = {
        "",           "https://",        "wss://a",     "HTTPS://a",          "https://a/",
        "https:///",  "https://a?b",     "https://a#b", "https://u@a",        "https://a:0",
        "https://a:", "https://a:65536", "http://a b",  "https://a\nHost: b", "a.example",
    };
    struct url_origin origin;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!url_origin_read(span_text(rows[i].text), &origin))
            fail_msg("%s", rows[i].text);
        assert_string_equal(origin.host, rows[i].host);
        assert_string_equal(origin.port, rows[i].port);
        assert_true(span_equal_text(origin.authority, rows[i].authority));
        assert_int_equal(origin.tls, rows[i].tls);
        assert_int_equal(origin.is_here, rows[i].is_here);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (url_origin_read(span_text(bad[i]), &origin))
            fail_msg("%s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(places, ""),
        TEST(no_places, ""),
        TEST(origins, ""),
    };
    return RUN_TESTS(tests);
}
