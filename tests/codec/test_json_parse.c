/* test_json_parse.c - what is JSON and what only looks like it; names of members are unique;
   every limit has a test at it and one past it. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "codec/json.h"
#include "codec/key_hash.h"
#include "codec/utf8.h"

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
    const char *name;
    const char *text;
    size_t len;
} good[] = {
    { "null", TEXT("null") },
    { "true", TEXT("true") },
    { "false", TEXT("false") },
    { "zero", TEXT("0") },
    { "minus zero", TEXT("-0") },
    { "an integer", TEXT("1234567890") },
    { "a fraction", TEXT("-0.5") },
    { "an exponent", TEXT("1e5") },
    { "a signed exponent", TEXT("1.25E-07") },
    { "too large for any double", TEXT("1e400") },
    { "empty string", TEXT("\"\"") },
    { "empty array", TEXT("[]") },
    { "empty object", TEXT("{}") },
    { "white space everywhere", TEXT(" \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n") },
    { "every short escape", TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"") },
    { "unicode escapes", TEXT("\"\\u0000\\u00e9\\uABCD\\uFFFF\"") },
    { "a surrogate pair", TEXT("\"\\ud83d\\uDE00\"") },
    { "raw UTF-8", TEXT("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"") },
    { "U+007F raw", TEXT("\"\x7f\"") },
    { "U+2028 raw", TEXT("\"\xe2\x80\xa8\"") },
    { "one name at two levels", TEXT("{\"a\":{\"a\":{\"a\":1}}}") },
    { "one name in two objects", TEXT("[{\"a\":1},{\"a\":2}]") },
    { "names that differ in case", TEXT("{\"a\":1,\"A\":2}") },
    { "names that differ in a NUL", TEXT("{\"a\":1,\"a\\u0000\":2}") },
    { "an empty name", TEXT("{\"\":1}") },
    { "composed and decomposed", TEXT("{\"\xc3\xa9\":1,\"e\xcc\x81\":2}") },
    { "a long string", TEXT("\"0123456789abcdef0123456789abcdef0123456789abcdef\"") },
};

static const struct {
    const char *name;
    const char *text;
    size_t len;
    size_t offset; /* where it must be refused */
} bad[] = {
    { "nothing", TEXT(""), 0 },
    { "white space only", TEXT(" \n"), 2 },
    { "a byte order mark", TEXT("\xef\xbb\xbf{}"), 0 },
    { "UTF-16", TEXT("\xff\xfe{\0}\0"), 0 },
    { "a NUL", TEXT("\0"), 0 },
    { "a NUL after the value", TEXT("{}\0"), 2 },
    { "two values", TEXT("1 2"), 2 },
    { "two objects", TEXT("{}{}"), 2 },
    { "a comma after the value", TEXT("{},"), 2 },
    { "a comma before the value", TEXT(",1"), 0 },
    { "a comment", TEXT("{/**/}"), 1 },
    { "a line comment", TEXT("1//"), 1 },
    { "a hash comment", TEXT("1#"), 1 },
    { "a form feed for a space", TEXT("[\f1]"), 1 },
    { "a no-break space", TEXT("[\xc2\xa0]"), 1 },
    { "True", TEXT("True"), 0 },
    { "nul", TEXT("nul"), 0 },
    { "nulll", TEXT("nulll"), 4 },
    { "trueish in an array", TEXT("[truefalse]"), 5 },
    { "NaN", TEXT("NaN"), 0 },
    { "Infinity", TEXT("Infinity"), 0 },
    { "-Infinity", TEXT("-Infinity"), 0 },
    { "nan", TEXT("nan"), 0 },
    { "undefined", TEXT("undefined"), 0 },
    { "a plus sign", TEXT("+1"), 0 },
    { "a lone minus", TEXT("-"), 0 },
    { "two minus signs", TEXT("--1"), 0 },
    { "a leading zero", TEXT("01"), 1 },
    { "a leading zero after a minus", TEXT("-01"), 2 },
    { "two zeros", TEXT("00"), 1 },
    { "no digit before the point", TEXT(".5"), 0 },
    { "no digit after the point", TEXT("1."), 0 },
    { "no digit in the exponent", TEXT("1e"), 0 },
    { "a sign and no digit in the exponent", TEXT("1e+"), 0 },
    { "an exponent after the point", TEXT("1.e5"), 0 },
    { "two exponents", TEXT("1e5e5"), 3 },
    { "two points", TEXT("1.2.3"), 3 },
    { "hexadecimal", TEXT("0x10"), 1 },
    { "an underscore", TEXT("1_000"), 1 },
    { "a fullwidth digit", TEXT("\xef\xbc\x91"), 0 },
    { "letters", TEXT("abc"), 0 },
    { "a string without an end", TEXT("[\"abc"), 1 },
    { "a string that ends in a backslash", TEXT("\"abc\\"), 4 },
    { "a string with its quote escaped", TEXT("\"abc\\\""), 0 },
    { "single quotes", TEXT("'a'"), 0 },
    { "a line feed in a string", TEXT("\"a\nb\""), 2 },
    { "a tab in a string", TEXT("\"a\tb\""), 2 },
    { "a NUL in a string", TEXT("\"a\0b\""), 2 },
    { "U+001F in a long string",
      TEXT("\"0123456789abc\x1f"
           "0123456789\""),
      14 },
    { "an unknown escape", TEXT("\"\\a\""), 1 },
    { "an escaped apostrophe", TEXT("\"\\'\""), 1 },
    { "a hexadecimal escape", TEXT("\"\\x41\""), 1 },
    { "a braced escape", TEXT("\"\\u{41}\""), 1 },
    { "three digits in an escape", TEXT("\"\\u004\""), 1 },
    { "a letter in an escape", TEXT("\"\\u00g0\""), 1 },
    { "a sign in an escape", TEXT("\"\\u+041\""), 1 },
    { "an upper case U", TEXT("\"\\U0041\""), 1 },
    { "a lone high surrogate", TEXT("\"\\ud83d\""), 1 },
    { "a lone low surrogate", TEXT("\"\\ude00\""), 1 },
    { "two high surrogates", TEXT("\"\\ud83d\\ud83d\""), 1 },
    { "a swapped pair", TEXT("\"\\ude00\\ud83d\""), 1 },
    { "a high surrogate and a letter", TEXT("\"\\ud83dx\""), 1 },
    { "a high surrogate and a short escape", TEXT("\"\\ud83d\\n\""), 1 },
    { "half a pair at the end", TEXT("\"\\ud83d\\ude0"), 1 },
    { "a raw surrogate", TEXT("\"\xed\xa0\x80\""), 1 },
    { "an overlong slash", TEXT("\"\xc0\xaf\""), 1 },
    { "a lone tail byte", TEXT("\"abc\x80\""), 4 },
    { "Latin-1", TEXT("\"\xe9\""), 1 },
    { "past U+10FFFF", TEXT("\"\xf4\x90\x80\x80\""), 1 },
    { "bad UTF-8 in a name", TEXT("{\"\xff\":1}"), 2 },
    { "an open array", TEXT("["), 1 },
    { "an open array after a value", TEXT("[1"), 2 },
    { "an open object", TEXT("{"), 1 },
    { "a comma at the end of an array", TEXT("[1,]"), 3 },
    { "a comma at the start of an array", TEXT("[,1]"), 1 },
    { "two commas", TEXT("[1,,2]"), 3 },
    { "only a comma", TEXT("[,]"), 1 },
    { "no comma", TEXT("[1 2]"), 3 },
    { "a colon in an array", TEXT("[1:2]"), 2 },
    { "the wrong end of an array", TEXT("[1}"), 2 },
    { "the wrong end of an object", TEXT("{\"a\":1]"), 6 },
    { "too many ends", TEXT("[]]"), 2 },
    { "an end alone", TEXT("]"), 0 },
    { "a comma at the end of an object", TEXT("{\"a\":1,}"), 7 },
    { "only a comma in an object", TEXT("{,}"), 1 },
    { "a name without a value", TEXT("{\"a\"}"), 4 },
    { "a name and a colon", TEXT("{\"a\":}"), 5 },
    { "a comma for a colon", TEXT("{\"a\",1}"), 4 },
    { "an equals sign for a colon", TEXT("{\"a\"=1}"), 4 },
    { "two colons", TEXT("{\"a\"::1}"), 5 },
    { "a value without a name", TEXT("{1}"), 1 },
    { "a number for a name", TEXT("{1:1}"), 1 },
    { "a bare name", TEXT("{a:1}"), 1 },
    { "a name in single quotes", TEXT("{'a':1}"), 1 },
    { "null for a name", TEXT("{null:1}"), 1 },
    { "members without a comma", TEXT("{\"a\":1 \"b\":2}"), 7 },
    { "a name twice", TEXT("{\"a\":1,\"a\":2}"), 7 },
    { "a name twice with equal values", TEXT("{\"a\":1,\"a\":1}"), 7 },
    { "a name twice, far apart", TEXT("{\"a\":1,\"b\":2,\"c\":{},\"a\":3}"), 20 },
    { "a name twice, once escaped", TEXT("{\"a\":1,\"\\u0061\":2}"), 7 },
    { "a name twice, both escaped", TEXT("{\"\\u0061\":1,\"\\u0061\":2}"), 12 },
    { "a name twice, escapes in two cases", TEXT("{\"\\u00E9\":1,\"\\u00e9\":2}"), 12 },
    { "a name twice, raw and escaped", TEXT("{\"\xc3\xa9\":1,\"\\u00e9\":2}"), 8 },
    { "a name twice, raw and as a pair", TEXT("{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}"),
      10 },
    { "a name twice, slash and escaped slash", TEXT("{\"/\":1,\"\\/\":2}"), 7 },
    { "a name twice, a line feed in two forms", TEXT("{\"\\n\":1,\"\\u000a\":2}"), 8 },
    { "the empty name twice", TEXT("{\"\":1,\"\":2}"), 6 },
    { "a name twice, deep inside", TEXT("[[{\"x\":[{\"k\":0,\"k\":0}]}]]"), 15 },
    { "a name twice around an object with it", TEXT("{\"a\":{\"a\":1},\"a\":2}"), 13 },
    { "a long name twice", TEXT("{\"0123456789abcdef\":1,\"0123456789abcdef\":2}"), 22 },
};

static bool parse(const void *text, size_t len, struct json_error *error)
{
    struct json_node nodes[64];
    struct json json;
    return json_parse_into(span_of(text, len), nodes, 64, NULL, &json, error);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct json_error error = { 0, "nothing" };
        if (!parse(good[i].text, good[i].len, &error))
            fail_msg("%s: refused at %zu: %s", good[i].name, error.offset, error.what);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json_error error = { SIZE_MAX, NULL };
        if (parse(bad[i].text, bad[i].len, &error))
            fail_msg("%s: accepted", bad[i].name);
        if (error.what == NULL || error.offset != bad[i].offset)
            fail_msg("%s: refused at %zu (%s), not at %zu", bad[i].name, error.offset,
                     error.what == NULL ? "no word" : error.what, bad[i].offset);
    }
}

static void test_failure_leaves_out_alone(void **state)
{
    (void)state;
    struct json_node nodes[4];
    struct json before = { span_of("x", 1), nodes, 99 };
    struct json json = before;
    assert_false(json_parse_into(span_text("[1,"), nodes, 4, NULL, &json, NULL));
    assert_ptr_equal(json.text.at, before.text.at);
    assert_int_equal(json.count, 99);
}

static const char sample[] =
    "{\"tcbInfo\":{\"id\":\"TDX\",\"version\":3,\"levels\":[{\"svn\":255,\"ok\":true},"
    "{\"svn\":-1.5e+3,\"ok\":false}],\"note\":\"\\u00e9\\ud83d\\ude00 \xe2\x82\xac\\\\\"},"
    "\"signature\":null,\"empty\":[{},[],\"\"]}";

static void test_every_prefix(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof sample - 1; len++) {
        struct json_error error = { SIZE_MAX, NULL };
        if (parse(sample, len, &error))
            fail_msg("the first %zu bytes are accepted", len);
        assert_in_range(error.offset, 0, len);
    }
    assert_true(parse(sample, sizeof sample - 1, NULL));
}

/* A text with one bit flipped may still be JSON; then its values lie inside the text. */
static void test_every_bit_flip(void **state)
{
    (void)state;
    size_t refused = 0;
    for (size_t bit = 0; bit < (sizeof sample - 1) * 8; bit++) {
        uint8_t text[sizeof sample - 1];
        memcpy(text, sample, sizeof text);
        text[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct json_node nodes[64];
        struct json json;
        if (!json_parse_into(SPAN(text), nodes, 64, NULL, &json, NULL)) {
            refused++;
            continue;
        }
        for (uint32_t node = 0; node < json.count; node++)
            assert_true(span_inside(json_raw(&json, node), json.text));
    }
    assert_in_range(refused, 500, (sizeof sample - 1) * 8);
}

/* Every byte after the value, and every byte before it, but white space. */
static void test_every_byte_around(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool space = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
        const uint8_t after[] = { '[', ']', (uint8_t)byte };
        const uint8_t before[] = { (uint8_t)byte, '[', ']' };
        assert_int_equal(parse(after, sizeof after, NULL), space);
        assert_int_equal(parse(before, sizeof before, NULL), space);
    }
}

/* Every byte in a string at every place of an eight-byte step. */
static void test_every_byte_in_a_string(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t at = 1; at < 20; at++) {
            uint8_t text[22];
            memset(text, 'x', sizeof text);
            text[0] = text[21] = '"';
            text[at] = (uint8_t)byte;
            bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            assert_int_equal(parse(text, sizeof text, NULL), plain);
        }
    }
}

/* --- limits ----------------------------------------------------------------------------- */

static bool parse_nested(size_t depth, unsigned limit)
{
    uint8_t text[512];
    memset(text, '[', depth);
    memset(&text[depth], ']', depth);
    struct json_node nodes[256];
    struct json_limits limits = { .depth = limit };
    struct json json;
    return json_parse_into(span_of(text, 2 * depth), nodes, 256, &limits, &json, NULL);
}

static void test_depth(void **state)
{
    (void)state;
    assert_true(parse_nested(JSON_DEPTH_MAX, 0));
    assert_false(parse_nested(JSON_DEPTH_MAX + 1, 0));
    assert_false(parse_nested(JSON_DEPTH_MAX + 1, JSON_DEPTH_MAX + 10));
    for (unsigned limit = 1; limit < 10; limit++) {
        assert_true(parse_nested(limit, limit));
        assert_false(parse_nested(limit + 1, limit));
    }
}

static void test_nodes(void **state)
{
    (void)state;
    struct json_node nodes[8];
    struct json json;
    struct json_limits limits = { .nodes = 4 };
    assert_true(json_parse_into(span_text("[1,2,3]"), nodes, 8, &limits, &json, NULL));
    assert_int_equal(json.count, 4);
    assert_false(json_parse_into(span_text("[1,2,3,4]"), nodes, 8, &limits, &json, NULL));
    assert_true(json_parse_into(span_text("[1,2,3]"), nodes, 4, NULL, &json, NULL));
    assert_false(json_parse_into(span_text("[1,2,3]"), nodes, 3, NULL, &json, NULL));
    assert_false(json_parse_into(span_text("1"), NULL, 0, NULL, &json, NULL));
}

static void test_text_too_long(void **state)
{
    (void)state;
    struct json_node node;
    struct json json;
    struct json_error error = { 1, NULL };
    /* The length alone refuses it: the byte is never read. */
    struct span text = span_of("1", (size_t)JSON_TEXT_MAX + 1);
    assert_false(json_parse_into(text, &node, 1, NULL, &json, &error));
    assert_string_equal(error.what, "too long a text");
}

/* An object with `count` members; the one named k`from` is called k`as` instead. */
static bool parse_members(size_t count, size_t from, size_t as)
{
    static uint8_t text[JSON_MEMBERS_MAX * 16];
    static struct json_node nodes[JSON_MEMBERS_MAX + 2];
    struct sink out = sink_over(text, sizeof text);
    for (size_t i = 0; i < count; i++)
        sink_format(&out, "%s\"k%zu\":0", i == 0 ? "{" : ",", i == from ? as : i);
    sink_text(&out, "}");
    assert_true(sink_ok(&out));
    struct json json;
    return json_parse_into(sink_bytes(&out), nodes, JSON_MEMBERS_MAX + 2, NULL, &json, NULL);
}

static void test_members(void **state)
{
    (void)state;
    assert_true(parse_members(JSON_MEMBERS_MAX, 0, 0));
    assert_false(parse_members(JSON_MEMBERS_MAX + 1, 0, 0));
    struct test_random random = { 3 };
    for (size_t count = 2; count <= JSON_MEMBERS_MAX; count += 1 + count / 7) {
        assert_true(parse_members(count, 0, 0));
        size_t from = test_random_below(&random, count);
        size_t as = (from + 1 + test_random_below(&random, count - 1)) % count;
        assert_false(parse_members(count, from, as));
    }
}

/* Two different names made to have one hash are refused, and cost no search. */
static void test_colliding_names(void **state)
{
    (void)state;
    struct test_random random = { 4 };
    char a[17] = "aaaaaaaabbbbbbbb";
    char b[17] = { 0 };
    for (bool found = false; !found;) {
        struct key_hasher one = { 0 }, two = { 0 };
        for (size_t i = 0; i < 8; i++) {
            b[i] = (char)('a' + test_random_below(&random, 26));
            key_hasher_put(&one, (uint8_t)a[i]);
            key_hasher_put(&two, (uint8_t)b[i]);
        }
        uint64_t word;
        memcpy(&word, &a[8], 8);
        word ^= one.state ^ two.state;
        memcpy(&b[8], &word, 8);
        found = strlen(b) == 16;
        for (size_t i = 8; i < 16; i++)
            found = found && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' && b[i] != 0x7f;
    }
    assert_int_equal(key_hash(span_of(a, 16)), key_hash(span_of(b, 16)));
    char text[64];
    int len = snprintf(text, sizeof text, "{\"%s\":1,\"%s\":2}", a, b);
    assert_false(parse(text, (size_t)len, NULL));
    len = snprintf(text, sizeof text, "[{\"%s\":1},{\"%s\":2}]", a, b);
    assert_true(parse(text, (size_t)len, NULL));
}

/* --- memory ----------------------------------------------------------------------------- */

/* With every ceiling from nothing upward it fails cleanly, and then it works. */
static void test_every_ceiling(void **state)
{
    (void)state;
    size_t failures = 0;
    for (size_t ceiling = 0;; ceiling += 16) {
        struct arena arena;
        struct json json = { .count = 99 };
        struct json_error error = { 0, NULL };
        arena_init(&arena, ceiling);
        bool ok = json_parse(span_text(sample), &arena, NULL, &json, &error);
        if (ok) {
            assert_int_equal(json.count, 17);
            arena_fini(&arena);
            break;
        }
        failures++;
        assert_int_equal(json.count, 99);
        assert_string_equal(error.what, "out of memory");
        arena_fini(&arena);
    }
    assert_in_range(failures, 10, 100);
}

/* The row of nodes grows several times and loses nothing. */
static void test_growing(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static uint8_t text[2 * COUNT + 1];
    for (size_t i = 0; i < COUNT; i++) {
        text[2 * i] = i == 0 ? '[' : ',';
        text[2 * i + 1] = '7';
    }
    text[2 * COUNT] = ']';
    struct arena arena;
    struct json json;
    arena_init(&arena, 64 * COUNT);
    assert_true(json_parse(SPAN(text), &arena, NULL, &json, NULL));
    assert_int_equal(json.count, COUNT + 1);
    assert_int_equal(json_length(&json, 0), COUNT);
    struct json_limits limits = { .nodes = COUNT };
    assert_false(json_parse(SPAN(text), &arena, &limits, &json, NULL));
    arena_fini(&arena);
}

/* A bomb is refused before it is paid for: of a million brackets 64 become nodes, and the
   memory asked for stays in proportion to the text whatever is in it. */
static void test_bombs(void **state)
{
    (void)state;
    enum { SIZE = 1000000 };
    static uint8_t text[SIZE];
    static const char *const kinds[] = { "[",          "{", "{\"a\":", "[{\"a\":",  "\"",   "1",
                                         "-",          " ", "\\",      "{\"a\":1,", "[[],", "[1,",
                                         "[\"\\u0061", ",", "]",       "0" };
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        size_t len = strlen(kinds[k]);
        for (size_t i = 0; i < SIZE; i++)
            text[i] = (uint8_t)kinds[k][i % len];
        struct arena arena;
        struct json json;
        arena_init(&arena, 2 * SIZE);
        bool ok = json_parse(SPAN(text), &arena, NULL, &json, NULL);
        assert_int_equal(ok, kinds[k][0] == '1');
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good, ""),
        TEST(test_bad, ""),
        TEST(test_failure_leaves_out_alone, ""),
        TEST(test_every_prefix, ""),
        TEST(test_every_bit_flip, ""),
        TEST(test_every_byte_around, ""),
        TEST(test_every_byte_in_a_string, ""),
        TEST(test_depth, ""),
        TEST(test_nodes, ""),
        TEST(test_text_too_long, ""),
        TEST(test_members, ""),
        TEST(test_colliding_names, ""),
        TEST(test_every_ceiling, ""),
        TEST(test_growing, ""),
        TEST(test_bombs, ""),
    };
    return RUN_TESTS(tests);
}
