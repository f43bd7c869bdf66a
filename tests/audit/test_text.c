/* test_text.c - text of strangers comes out as one safe JSON string, cut where it must be. */
#include "audit/text.h"

#include <string.h>

#include "codec/json.h"
#include "codec/utf8.h"
#include "test.h"

static uint8_t room[8 << 20];
static uint8_t big[1 << 20];

static struct span put(struct span text, size_t cap)
{
    struct sink out = sink_over(room, sizeof room);
    audit_text_put(&out, text, cap);
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static const struct {
    const char *name;
    const char *text;
    const char *json;
} rows[] = {
    { "plain", "abc /<>&'", "\"abc /<>&'\"" },
    { "empty", "", "\"\"" },
    { "quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\"" },
    { "letters of the world", "\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x99\x82",
      "\"\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x99\x82\"" },
    { "line ends", "a\r\nb", "\"a\\r\\nb\"" },
    { "short escapes", "\b\t\f", "\"\\b\\t\\f\"" },
    { "ANSI", "\x1b[2J\x07", "\"\\u001b[2J\\u0007\"" },
    { "DEL", "\x7f", "\"\\u007f\"" },
    { "C1: CSI",
      "\xc2\x9b"
      "31m",
      "\"\\u009b31m\"" },
    { "next line", "\xc2\x85", "\"\\u0085\"" },
    { "line separator", "\xe2\x80\xa8", "\"\\u2028\"" },
    { "paragraph separator", "\xe2\x80\xa9", "\"\\u2029\"" },
    { "right-to-left override", "\xe2\x80\xae!\xe2\x80\xac", "\"\\u202e!\\u202c\"" },
    { "bidi isolate", "\xe2\x81\xa6\xe2\x81\xa9", "\"\\u2066\\u2069\"" },
    { "Arabic letter mark", "\xd8\x9c", "\"\\u061c\"" },
    { "zero-width joiner", "\xe2\x80\x8d", "\"\\u200d\"" },
    { "soft hyphen", "\xc2\xad", "\"\\u00ad\"" },
    { "byte order mark", "\xef\xbb\xbf", "\"\\ufeff\"" },
    { "a tag, past U+FFFF", "\xf3\xa0\x81\x81", "\"\\udb40\\udc41\"" },
    { "a lone continuation",
      "a\x80"
      "b",
      "\"a\xef\xbf\xbd"
      "b\"" },
    { "an overlong slash", "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
    { "a surrogate", "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
    { "past U+10FFFF", "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
    { "cut inside a character", "\xe6\xbc", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
    { "what looks like an escape", "\\u000a", "\"\\\\u000a\"" },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span got = put(span_text(rows[i].text), 4096);
        if (!span_equal_text(got, rows[i].json))
            print_message("# %s\n", rows[i].name);
        assert_span_equal(got, span_text(rows[i].json));
    }
}

static void test_a_zero_byte(void **state)
{
    (void)state;
    assert_span_equal(put(span_of("a\0b", 3), 4096), span_text("\"a\\u0000b\""));
}

/* Every code point: the JSON reader gives it back, and no unsafe byte is in the string. */
static void test_every_code_point(void **state)
{
    (void)state;
    static uint8_t back[64];
    size_t escaped = 0;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        uint8_t bytes[4];
        struct sink one = sink_over(bytes, sizeof bytes);
        struct sink again = sink_over(back, sizeof back);
        struct json_node node;
        struct json json;
        if (point >= 0xd800 && point <= 0xdfff)
            continue;
        utf8_put(&one, point);
        struct span got = put(sink_bytes(&one), 4096);
        assert_true(json_parse_into(got, &node, 1, NULL, &json, NULL));
        assert_true(json_string_copy(&json, 0, &again));
        assert_span_equal(sink_bytes(&again), sink_bytes(&one));
        escaped += got.at[1] == '\\';
        for (size_t i = 0; i < got.len; i++)
            assert_true(got.at[i] >= 0x20 && got.at[i] != 0x7f);
    }
    assert_true(escaped > 4200 && escaped < 4400);
}

/* Whatever is written once is written the same again: cut text too. */
static void test_a_cut_is_final(void **state)
{
    (void)state;
    static uint8_t first[4096];
    static uint8_t back[4096];
    struct test_random random = { 80 };
    for (unsigned round = 0; round < 3000; round++) {
        size_t cap = AUDIT_CAP_LEAST + test_random_below(&random, 200);
        size_t len = test_random_below(&random, 600);
        unsigned kind = (unsigned)test_random_below(&random, 3);
        for (size_t i = 0; i < len; i++)
            big[i] = kind == 0 ? 'x' : (uint8_t)test_random_below(&random, kind == 1 ? 32 : 256);
        struct span got = put(span_of(big, len), cap);
        assert_true(got.len <= cap + 2 && got.len < sizeof first);
        struct span line = span_of(first, got.len);
        memcpy(first, got.at, got.len);
        struct json_node node;
        struct json json;
        struct sink again = sink_over(back, sizeof back);
        assert_true(json_parse_into(line, &node, 1, NULL, &json, NULL));
        assert_true(json_string_copy(&json, 0, &again));
        assert_span_equal(put(sink_bytes(&again), cap), line);
    }
}

static void test_the_edge_of_a_cut(void **state)
{
    (void)state;
    static const uint8_t three[] = { 0xe6, 0xbc, 0xa2 };
    memset(big, 'x', sizeof big);
    struct span got = put(span_of(big, 100), 100);
    assert_int_equal(got.len, 102);
    got = put(span_of(big, 101), 100);
    assert_true(got.len <= 102);
    assert_span_equal(span_of(got.at + got.len - 21, 21), span_text("[cut from 101 bytes]\""));
    got = put(SPAN(big), 2048);
    assert_true(got.len <= 2050);
    assert_span_equal(span_of(got.at + got.len - 25, 25), span_text("[cut from 1048576 bytes]\""));
    /* A character is whole or not there. */
    for (size_t pad = 0; pad < 8; pad++) {
        for (size_t i = pad; i + 3 <= 300; i += 3)
            memcpy(big + i, three, sizeof three);
        got = put(span_of(big, pad + 3 * ((300 - pad) / 3)), 100);
        assert_true(utf8_valid(got) && got.len <= 102);
        memset(big, 'x', sizeof big);
    }
}

static void test_a_full_sink(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 7; cap++) {
        struct sink out = sink_over(room, cap);
        audit_text_put(&out, span_text("a\nbc"), 100);
        assert_int_equal(sink_ok(&out), cap >= 7);
    }
}

static void test_plain(void **state)
{
    (void)state;
    static const struct audit_plain how = { "=|", "\"", "\\\\" };
    struct sink out = sink_over(room, sizeof room);
    audit_text_plain(&out, span_text("a=b|c\"d\n\x1b\xe2\x80\xae\xe2\x80\xac\xf3\xa0\x81\x81\xff"),
                     &how);
    assert_span_equal(
        sink_bytes(&out),
        span_text("a\\=b\\|c\"\"d\\\\u000a\\\\u001b\\\\u202e\\\\u202c\\\\udb40\\\\udc41"
                  "\xef\xbf\xbd"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows, ""),
        TEST(test_a_zero_byte, ""),
        TEST(test_every_code_point, ""),
        TEST(test_a_cut_is_final, ""),
        TEST(test_the_edge_of_a_cut, ""),
        TEST(test_a_full_sink, ""),
        TEST(test_plain, ""),
    };
    return RUN_TESTS(tests);
}
