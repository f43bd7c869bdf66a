/* test_json.c - the nodes of a parsed text say what stands in it, and no to everything else. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "codec/json.h"

static struct json_node nodes[64];

static struct json parsed(const char *text)
{
    struct json json = { 0 };
    struct json_error error = { 0, "nothing" };
    if (!json_parse_into(span_text(text), nodes, 64, NULL, &json, &error))
        fail_msg("%s: at %zu: %s", text, error.offset, error.what);
    return json;
}

static void test_types(void **state)
{
    (void)state;
    static const enum json_type types[] = { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER,
                                            JSON_NUMBER, JSON_TRUE,  JSON_FALSE,  JSON_NULL };
    struct json json = parsed("[{},[],\"\",0,-1,true,false,null]");
    size_t i = 0;
    for (uint32_t n = json_first(&json, 0); n != JSON_NONE; n = json_next(&json, n))
        assert_int_equal(json_type(&json, n), types[i++]);
    assert_int_equal(i, 8);
    assert_int_equal(json_length(&json, 0), 8);
    assert_int_equal(json_type(&json, JSON_NONE), JSON_MISSING);
    assert_int_equal(json_type(&json, 9), JSON_MISSING);
}

static void test_walking(void **state)
{
    (void)state;
    struct json json = parsed("{\"a\":[[],[1,[2]],{}],\"b\":{\"c\":{\"d\":[]}},\"e\":3}");
    uint32_t a = json_member(&json, 0, "a");
    uint32_t b = json_member(&json, 0, "b");
    uint32_t e = json_member(&json, 0, "e");
    assert_int_equal(json_length(&json, 0), 3);
    assert_int_equal(json_length(&json, a), 3);
    assert_int_equal(json_next(&json, a), b);
    assert_int_equal(json_next(&json, b), e);
    assert_int_equal(json_next(&json, e), JSON_NONE);
    assert_int_equal(json_first(&json, json_first(&json, a)), JSON_NONE);
    assert_int_equal(json_length(&json, json_next(&json, json_first(&json, a))), 2);
    uint32_t d = json_member(&json, json_member(&json, b, "c"), "d");
    assert_int_equal(json_type(&json, d), JSON_ARRAY);
    assert_int_equal(json_first(&json, d), JSON_NONE);
    assert_int_equal(json_member(&json, a, "a"), JSON_NONE);
    assert_int_equal(json_member(&json, e, "a"), JSON_NONE);
    assert_int_equal(json_member(&json, JSON_NONE, "a"), JSON_NONE);
    assert_int_equal(json_member(&json, 0, "c"), JSON_NONE);
    assert_int_equal(json_first(&json, e), JSON_NONE);
    assert_int_equal(json_next(&json, JSON_NONE), JSON_NONE);
}

static void test_raw_is_exact(void **state)
{
    (void)state;
    struct json json = parsed(" { \"x\" : { \"y\" : [ 1 , \"\\u0041\" ] } , \"z\":-1.50e+07 } ");
    assert_span_equal(json_raw(&json, json_member(&json, 0, "x")),
                      span_text("{ \"y\" : [ 1 , \"\\u0041\" ] }"));
    assert_span_equal(json_raw(&json, json_member(&json, 0, "z")), span_text("-1.50e+07"));
    assert_int_equal(json_raw(&json, 0).at[0], '{');
    assert_int_equal(json_raw(&json, JSON_NONE).len, 0);
}

static void test_keys(void **state)
{
    (void)state;
    struct json json = parsed("{\"plain\":1,\"\\u0066mspc\":2,\"a\\/b\":3,\"\":4}");
    struct span raw;
    uint32_t n = json_member(&json, 0, "fmspc");
    assert_int_not_equal(n, JSON_NONE);
    assert_true(json_key(&json, n, &raw));
    assert_span_equal(raw, span_text("\\u0066mspc"));
    assert_true(json_key_is(&json, n, "fmspc"));
    assert_false(json_key_is(&json, n, "fmsp"));
    assert_false(json_key_is(&json, n, "fmspcs"));
    assert_false(json_key_is(&json, n, "\\u0066mspc"));
    uint8_t room[16];
    struct sink out = sink_over(room, sizeof room);
    assert_true(json_key_copy(&json, json_member(&json, 0, "a/b"), &out));
    assert_span_equal(sink_bytes(&out), span_text("a/b"));
    uint64_t value = 0;
    assert_true(json_u64(&json, json_member(&json, 0, ""), 9, &value));
    assert_int_equal(value, 4);
    assert_int_equal(json_member(&json, 0, "plai"), JSON_NONE);
    assert_int_equal(json_member(&json, 0, "plainer"), JSON_NONE);
    assert_false(json_key(&json, 0, &raw));
    assert_false(json_key(&json, JSON_NONE, &raw));
    assert_false(json_key_is(&json, 0, ""));
    assert_false(json_key_copy(&json, 0, &out));
    struct json list = parsed("[1]");
    assert_false(json_key(&list, 1, &raw));
}

/* A name is compared where it stands in the text, so what follows it there must not count. */
static void test_names_end_where_they_end(void **state)
{
    (void)state;
    struct json json = parsed("{\"a\":1,\"b\":2,\"\\u0063\\\"\":3,\"\\u00e9x\":4,\"d\\n\":5}");
    assert_false(json_key_is(&json, 1, "a\":1,"));
    assert_false(json_key_is(&json, 1, "a\""));
    assert_false(json_key_is(&json, 2, ""));
    assert_true(json_key_is(&json, 3, "c\""));
    assert_false(json_key_is(&json, 3, "c"));
    assert_false(json_key_is(&json, 3, "c\":3,"));
    assert_false(json_key_is(&json, 3, "c\\"));
    assert_true(json_key_is(&json, 4, "\xc3\xa9x"));
    assert_false(json_key_is(&json, 4, "\xc3"));
    assert_true(json_key_is(&json, 5, "d\n"));
    assert_false(json_key_is(&json, 5, "d\n\":5}"));
}

static void test_strings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *value;
        size_t len;
    } rows[] = {
        { "\"\"", "", 0 },
        { "\"abc\"", "abc", 3 },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8 },
        { "\"a\\u0000b\"", "a\0b", 3 },
        { "\"\\u00E9\\u20ac\\uD83D\\ude00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9 },
        { "\"\\uFFFF\\uD7FF\\uE000\"", "\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80", 9 },
        { "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8 },
        { "\"\xc3\xa9\"", "\xc3\xa9", 2 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json json = parsed(rows[i].text);
        uint8_t room[32];
        struct span want = span_of(rows[i].value, rows[i].len);
        struct sink out = sink_over(room, sizeof room);
        assert_true(json_string_copy(&json, 0, &out));
        assert_span_equal(sink_bytes(&out), want);
        struct span plain;
        bool escaped = strchr(rows[i].text, '\\') != NULL;
        assert_int_equal(json_string(&json, 0, &plain), !escaped);
        if (!escaped)
            assert_span_equal(plain, want);
        out = sink_over(room, want.len > 0 ? want.len - 1 : 0);
        assert_int_equal(json_string_copy(&json, 0, &out), want.len == 0);
    }
}

static void test_equal_text(void **state)
{
    (void)state;
    struct json json = parsed("[\"TDX\",\"T\\u0044X\",\"\",3,null]");
    assert_true(json_equal_text(&json, 1, "TDX"));
    assert_true(json_equal_text(&json, 2, "TDX"));
    assert_true(json_equal_text(&json, 3, ""));
    assert_false(json_equal_text(&json, 1, "TD"));
    assert_false(json_equal_text(&json, 1, "TDXX"));
    assert_false(json_equal_text(&json, 2, "TD"));
    assert_false(json_equal_text(&json, 2, "TDXX"));
    assert_false(json_equal_text(&json, 1, "tdx"));
    assert_false(json_equal_text(&json, 4, "3"));
    assert_false(json_equal_text(&json, 5, "null"));
    assert_false(json_equal_text(&json, JSON_NONE, ""));
}

static const struct {
    const char *text;
    bool u64_ok;
    uint64_t u64;
    bool i64_ok;
    int64_t i64;
} numbers[] = {
    { "0", true, 0, true, 0 },
    { "7", true, 7, true, 7 },
    { "-7", false, 0, true, -7 },
    { "-0", false, 0, false, 0 },
    { "9223372036854775807", true, INT64_MAX, true, INT64_MAX },
    { "9223372036854775808", true, (uint64_t)INT64_MAX + 1, false, 0 },
    { "-9223372036854775808", false, 0, true, INT64_MIN },
    { "-9223372036854775809", false, 0, false, 0 },
    { "18446744073709551615", true, UINT64_MAX, false, 0 },
    { "18446744073709551616", false, 0, false, 0 },
    { "99999999999999999999999999999999", false, 0, false, 0 },
    { "1.0", false, 0, false, 0 },
    { "0.0", false, 0, false, 0 },
    { "1e0", false, 0, false, 0 },
    { "1E2", false, 0, false, 0 },
    { "1e400", false, 0, false, 0 },
    { "\"1\"", false, 0, false, 0 },
    { "true", false, 0, false, 0 },
    { "null", false, 0, false, 0 },
    { "[1]", false, 0, false, 0 },
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct json json = parsed(numbers[i].text);
        uint64_t u = 42;
        int64_t s = 42;
        assert_int_equal(json_u64(&json, 0, UINT64_MAX, &u), numbers[i].u64_ok);
        assert_int_equal(u, numbers[i].u64_ok ? numbers[i].u64 : 42);
        assert_int_equal(json_i64(&json, 0, &s), numbers[i].i64_ok);
        assert_int_equal(s, numbers[i].i64_ok ? numbers[i].i64 : 42);
    }
    struct json json = parsed("[255,256]");
    uint64_t u;
    assert_true(json_u64(&json, 1, 255, &u));
    assert_false(json_u64(&json, 2, 255, &u));
    assert_false(json_u64(&json, JSON_NONE, 255, &u));
}

static void test_bool(void **state)
{
    (void)state;
    struct json json = parsed("[true,false,null,0,\"true\"]");
    bool value = false;
    assert_true(json_bool(&json, 1, &value));
    assert_true(value);
    assert_true(json_bool(&json, 2, &value));
    assert_false(value);
    for (uint32_t n = 3; n <= 6; n++)
        assert_false(json_bool(&json, n, &value));
}

static void test_hex(void **state)
{
    (void)state;
    struct json json = parsed(
        "[\"00aAfF\",\"00aAf\",\"00aAfFf\",\"00aAfG\",\"\",6,\"0\\u0030aaff\"]");
    uint8_t out[3] = { 1, 2, 3 };
    assert_true(json_hex(&json, 1, out, 3));
    assert_span_equal(SPAN(out), span_of("\x00\xaa\xff", 3));
    assert_false(json_hex(&json, 1, out, 2));
    for (uint32_t n = 2; n <= 7; n++)
        assert_false(json_hex(&json, n, out, 3));
    assert_true(json_hex(&json, 5, out, 0));
    assert_span_equal(SPAN(out), span_of("\x00\xaa\xff", 3));
}

static void test_time(void **state)
{
    (void)state;
    struct json json = parsed("[\"2025-07-04T10:16:31Z\",\"2025-07-04\",1751624191,\"\"]");
    int64_t at = 0;
    assert_true(json_time(&json, 1, &at));
    assert_int_equal(at, 1751624191);
    assert_false(json_time(&json, 2, &at));
    assert_false(json_time(&json, 3, &at));
    assert_false(json_time(&json, 4, &at));
}

static void no_text_has_more_values_than_it_may(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t most;
    } cases[] = {
        { "1", 1 },
        { "[]", 2 },
        { "[1,2,3,4,5,6,7,8,9]", 10 },
        { "{\"a\":[{},[]]}", 6 },
        { "\",[{\"", 4 },
        { "[[[[[[[[[[1]]]]]]]]]]", 11 },
    };
    struct json json;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct span text = span_text(cases[i].text);
        assert_int_equal(json_values_at_most(text), cases[i].most);
        assert_true(json_parse_into(text, nodes, cases[i].most, NULL, &json, NULL));
    }
    assert_int_equal(json_values_at_most((struct span){ 0 }), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_text_has_more_values_than_it_may, ""),
        TEST(test_types, ""),
        TEST(test_walking, ""),
        TEST(test_raw_is_exact, ""),
        TEST(test_keys, ""),
        TEST(test_names_end_where_they_end, ""),
        TEST(test_strings, ""),
        TEST(test_equal_text, ""),
        TEST(test_numbers, ""),
        TEST(test_bool, ""),
        TEST(test_hex, ""),
        TEST(test_time, ""),
    };
    return RUN_TESTS(tests);
}
