/* test_peer_text.c - what a peer's name, place, pins and hash may be, and what is none. */
#include "proc/peer_text.h"

#include <string.h>

#include "base/number.h"
#include "base/sink.h"
#include "test.h"

static void test_names(void **state)
{
    static const struct {
        const char *text;
        bool usable;
    } rows[] = {
        { "a", true },
        { "0", true },
        { "alpha-7", true },
        { "a--b", true },
        { "0123456789012345678901234567890", true },
        { "01234567890123456789012345678901", false },
        { "", false },
        { "-a", false },
        { "a-", false },
        { "-", false },
        { "Alpha", false },
        { "a_b", false },
        { "a.b", false },
        { "a b", false },
        { "a\x1b", false },
        { "\xc3\xa4", false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (peer_name_is_usable(span_text(rows[i].text)) != rows[i].usable)
            fail_msg("%s", rows[i].text);
    }
    assert_false(peer_name_is_usable(span_of("a\0b", 3)));
}

static void test_no_places(void **state)
{
    char longest[PEER_URL_MAX + 2] = "wss://a/";
    struct websocket_url url;
    struct url_origin origin;
    (void)state;
    memset(longest + 8, 'b', sizeof longest - 9);
    assert_true(peer_url_read(span_of(longest, PEER_URL_MAX), &url));
    assert_false(peer_url_read(span_of(longest, PEER_URL_MAX + 1), &url));
    assert_false(peer_url_read(span_text("https://a"), &url));
    /* A host of that length is none: what bounds the text bounds nothing else. */
    assert_true(peer_public_read(span_text("https://a:1"), &origin));
    assert_false(peer_public_read(span_of(longest, PEER_URL_MAX + 1), &origin));
    assert_false(peer_public_read(span_text("wss://a"), &origin));
}

#define PIN   "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PIN_2 "sha256///////////////////////////////////////////8="

static void test_pins(void **state)
{
    static const char *const bad[] = {
        "x",
        "sha256/",
        "sha1/AAECAwQFBgcICQoLDA0ODxAREhM=",
        "SHA256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", /* bits that carry nothing */
        "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gIQ==",
        "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
        PIN ",",
        PIN ", ",
        PIN "," PIN,
        ", " PIN,
        PIN " ",
    };
    uint8_t pins[PEER_PINS_MAX][PEER_PIN];
    char many[PEER_PINS_MAX + 1][sizeof PIN + 1];
    char text[sizeof many];
    size_t count = 99;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (peer_pins_read(span_text(bad[i]), pins, &count))
            fail_msg("%s", bad[i]);
    }
    assert_int_equal(count, 99);
    assert_true(peer_pins_read(span_text(""), pins, &count));
    assert_int_equal(count, 0);
    assert_true(peer_pins_read(span_text(PIN ", " PIN_2), pins, &count));
    assert_int_equal(count, 2);
    for (size_t i = 0; i < PEER_PIN; i++) {
        assert_int_equal(pins[0][i], i);
        assert_int_equal(pins[1][i], 0xff);
    }
    struct sink out = sink_over(text, sizeof text);
    for (size_t i = 0; i <= PEER_PINS_MAX; i++) {
        if (i == PEER_PINS_MAX)
            assert_true(peer_pins_read(sink_bytes(&out), pins, &count));
        sink_format(&out, "%s" PIN, i == 0 ? "" : ", ");
    }
    assert_int_equal(count, PEER_PINS_MAX);
    assert_true(sink_ok(&out));
    assert_false(peer_pins_read(sink_bytes(&out), pins, &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names, ""),
        TEST(test_no_places, ""),
        TEST(test_pins, ""),
    };
    return RUN_TESTS(tests);
}
