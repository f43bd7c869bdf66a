/* test_utf8.c - UTF-8 is told from what only looks like it, at every border of RFC 3629. */
#include "test.h"

#include <string.h>

#include "codec/utf8.h"

static const struct {
    const char *name;
    const char *text;
    bool valid;
} rows[] = {
    { "nothing", "", true },
    { "ascii", "plain \x01\x7f", true },
    { "first of two bytes", "\xc2\x80", true },
    { "last of two bytes", "\xdf\xbf", true },
    { "first of three bytes", "\xe0\xa0\x80", true },
    { "last before the surrogates", "\xed\x9f\xbf", true },
    { "first after the surrogates", "\xee\x80\x80", true },
    { "last of three bytes", "\xef\xbf\xbf", true },
    { "first of four bytes", "\xf0\x90\x80\x80", true },
    { "U+10FFFF", "\xf4\x8f\xbf\xbf", true },
    { "a lone tail", "\x80", false },
    { "the last lone tail", "\xbf", false },
    { "slash in two bytes", "\xc0\xaf", false },
    { "U+007F in two bytes", "\xc1\xbf", false },
    { "slash in three bytes", "\xe0\x80\xaf", false },
    { "U+07FF in three bytes", "\xe0\x9f\xbf", false },
    { "first surrogate", "\xed\xa0\x80", false },
    { "last surrogate", "\xed\xbf\xbf", false },
    { "a pair of surrogates", "\xed\xa0\x80\xed\xb0\x80", false },
    { "slash in four bytes", "\xf0\x80\x80\xaf", false },
    { "U+FFFF in four bytes", "\xf0\x8f\xbf\xbf", false },
    { "U+110000", "\xf4\x90\x80\x80", false },
    { "a first byte past the last", "\xf5\x80\x80\x80", false },
    { "FE", "\xfe", false },
    { "FF", "\xff", false },
    { "two bytes, no tail", "\xc2", false },
    { "two bytes, ASCII for a tail", "\xc2x", false },
    { "three bytes, one tail", "\xe2\x82", false },
    { "three bytes, a head for a tail", "\xe2\x82\xc2", false },
    { "four bytes, two tails", "\xf0\x9f\x98", false },
    { "four bytes, a bad last tail", "\xf0\x9f\x98\xc0", false },
    { "good, then bad", "abc\xff", false },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (utf8_valid(span_text(rows[i].text)) != rows[i].valid)
            fail_msg("%s", rows[i].name);
}

/* Every code point goes out and comes back; what is none becomes U+FFFD. */
static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110400; c++) {
        uint8_t bytes[4];
        struct sink out = sink_over(bytes, sizeof bytes);
        utf8_put(&out, c);
        assert_true(sink_ok(&out));
        assert_int_equal(utf8_sequence(sink_bytes(&out), 0), out.len);
        bool scalar = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
        if (scalar)
            assert_int_equal(utf8_code_point(sink_bytes(&out)), c);
        if (!scalar)
            assert_span_equal(sink_bytes(&out), span_text("\xef\xbf\xbd"));
        if (out.len > 1)
            assert_int_equal(utf8_sequence(span_of(bytes, out.len - 1), 0), 0);
    }
}

static void test_sequence_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(utf8_sequence(span_text("a"), 1), 0);
    assert_int_equal(utf8_sequence(span_text("a"), 2), 0);
    assert_int_equal(utf8_sequence((struct span){ 0 }, 0), 0);
}

static void test_controls(void **state)
{
    (void)state;
    static const struct {
        uint32_t first, last; /* all of these, and neither neighbour */
    } runs[] = {
        { 0x0, 0x1f },      { 0x7f, 0x9f },     { 0xad, 0xad },       { 0x61c, 0x61c },
        { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },   { 0xfe00, 0xfe0f },
        { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff },
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        for (uint32_t c = runs[i].first; c <= runs[i].last; c++)
            assert_true(utf8_is_control(c));
        assert_true(runs[i].first == 0 || !utf8_is_control(runs[i].first - 1));
        assert_false(utf8_is_control(runs[i].last + 1));
    }
    for (uint32_t c = ' '; c <= '~'; c++)
        assert_false(utf8_is_control(c));
}

static void test_plain(void **state)
{
    (void)state;
    assert_true(utf8_is_plain(span_text("")));
    assert_true(utf8_is_plain(span_text("a path, \xc3\xa9")));
    assert_false(utf8_is_plain(span_text("a\tb")));
    assert_false(utf8_is_plain(span_text("a\x1f")));
    assert_false(utf8_is_plain(span_text("\x7f")));
    assert_false(utf8_is_plain(span_text("a\xc3")));
    assert_false(utf8_is_plain(span_of((const uint8_t *)"a\0b", 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows, ""),
        TEST(test_every_code_point, ""),
        TEST(test_sequence_at_the_end, ""),
        TEST(test_controls, ""),
        TEST(test_plain, ""),
    };
    return RUN_TESTS(tests);
}
