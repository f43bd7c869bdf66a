/* test_hex.c - exact lengths, digits only, and nothing written on a refusal. */
#include "codec/hex.h"

#include <string.h>

#include "base/number.h"
#include "test.h"

static void test_reads_either_case(void **state)
{
    (void)state;
    uint8_t out[8];
    assert_true(hex_decode(span_text("0123456789aBcDeF"), out, 8));
    static const uint8_t want[] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
    assert_span_equal(SPAN(out), SPAN(want));
    assert_true(hex_decode(span_text(""), NULL, 0));
}

static void test_refusals_leave_everything_alone(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
    } rows[] = {
        { "too short", "012345" },
        { "too long", "0123456789" },
        { "odd", "0123456" },
        { "odd and long", "012345678" },
        { "g", "0123456g" },
        { "space", "012345 7" },
        { "prefix", "0x234567" },
        { "sign", "-1234567" },
        { "slash", "0123456/" },
        { "colon", "0123456:" },
        { "at", "0123456@" },
        { "grave", "0123456`" },
        { "high bit", "012345\xb1\xb2" },
        { "empty", "" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t out[4] = { 9, 9, 9, 9 };
        if (hex_decode(span_text(rows[i].text), out, sizeof out))
            fail_msg("%s: accepted", rows[i].name);
        assert_span_equal(SPAN(out), span_text("\t\t\t\t"));
    }
    uint8_t nul[2] = { '0', 0 };
    uint8_t out[1];
    assert_false(hex_decode(SPAN(nul), out, 1));
}

static void test_sink(void **state)
{
    (void)state;
    uint8_t bytes[4];
    struct sink out = sink_over(bytes, sizeof bytes);
    assert_true(hex_decode_sink(span_text("00ff"), &out));
    assert_true(hex_decode_sink(span_text(""), &out));
    assert_false(hex_decode_sink(span_text("0"), &out));
    assert_false(hex_decode_sink(span_text("0z"), &out));
    assert_int_equal(out.len, 2);
    assert_true(sink_ok(&out));
    assert_false(hex_decode_sink(span_text("010203"), &out));
    assert_false(sink_ok(&out));
    assert_int_equal(out.len, 2);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct test_random random = { 7 };
    for (size_t len = 0; len < 70; len++) {
        uint8_t bytes[70];
        uint8_t text[140];
        uint8_t back[70];
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)test_random_next(&random);
        struct sink out = sink_over(text, sizeof text);
        sink_hex(&out, span_of(bytes, len));
        assert_true(hex_decode(sink_bytes(&out), back, len));
        assert_span_equal(span_of(back, len), span_of(bytes, len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads_either_case, ""),
        TEST(test_refusals_leave_everything_alone, ""),
        TEST(test_sink, ""),
        TEST(test_round_trip, ""),
    };
    return RUN_TESTS(tests);
}
