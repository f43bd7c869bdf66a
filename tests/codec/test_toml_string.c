/* test_toml_string.c - the four kinds of strings, their escapes and their ends. */
#include "test.h"

#include "base/sink.h"
#include "codec/toml.h"

#define TEXT(literal) literal, sizeof(literal) - 1

static uint8_t memory[4096];

/* The string that `v = TEXT` gives. */
static bool string_of(const char *text, size_t len, struct span *out, struct toml_error *error)
{
    static uint8_t line[256];
    static struct arena arena;
    const struct toml_value *root = NULL;
    struct sink room = sink_over(line, sizeof line);
    sink_text(&room, "v=");
    sink_put(&room, span_of(text, len));
    arena = arena_over(memory, sizeof memory);
    return toml_parse(sink_bytes(&room), &arena, NULL, &root, error) &&
           toml_string(toml_first(root), out);
}

static const struct {
    const char *name;
    const char *text;
    size_t len;
    const char *value;
    size_t value_len;
} good[] = {
    { "empty basic", TEXT("\"\""), TEXT("") },
    { "empty literal", TEXT("''"), TEXT("") },
    { "empty long basic", TEXT("\"\"\"\"\"\""), TEXT("") },
    { "empty long literal", TEXT("''''''"), TEXT("") },
    { "basic", TEXT("\"a'b\""), TEXT("a'b") },
    { "literal", TEXT("'a\"b\\n'"), TEXT("a\"b\\n") },
    { "escapes", TEXT("\"\\b\\t\\n\\f\\r\\\"\\\\\""), TEXT("\b\t\n\f\r\"\\") },
    { "short code points", TEXT("\"\\u0000\\u00E9\\u20ac\\uFFFF\""),
      TEXT("\0\xc3\xa9\xe2\x82\xac\xef\xbf\xbf") },
    { "long code points", TEXT("\"\\U0001F600\\U0010FFFF\\U00000041\""),
      TEXT("\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"
           "A") },
    { "raw UTF-8", TEXT("\"\xc3\xa9\xf0\x9f\x98\x80\""), TEXT("\xc3\xa9\xf0\x9f\x98\x80") },
    { "a raw tab", TEXT("\"a\tb\""), TEXT("a\tb") },
    { "a hash", TEXT("\"a#b\""), TEXT("a#b") },
    { "first line end gone", TEXT("\"\"\"\na\nb\"\"\""), TEXT("a\nb") },
    { "first CRLF gone", TEXT("\"\"\"\r\na\r\nb\"\"\""), TEXT("a\r\nb") },
    { "only the first line end", TEXT("'''\n\na'''"), TEXT("\na") },
    { "one quote inside", TEXT("\"\"\"a\"b\"\"\""), TEXT("a\"b") },
    { "two quotes inside", TEXT("\"\"\"a\"\"b\"\"\""), TEXT("a\"\"b") },
    { "one quote at the end", TEXT("\"\"\"a\"\"\"\""), TEXT("a\"") },
    { "two quotes at the end", TEXT("\"\"\"a\"\"\"\"\""), TEXT("a\"\"") },
    { "only two quotes", TEXT("\"\"\"\"\"\"\"\""), TEXT("\"\"") },
    { "two apostrophes at the end", TEXT("'''a'''''"), TEXT("a''") },
    { "an escaped quote before the end", TEXT("\"\"\"a\\\"\"\"\""), TEXT("a\"") },
    { "an escaped quote among three", TEXT("\"\"\"\"\"\\\"\"\"\""), TEXT("\"\"\"") },
    { "a line end taken away", TEXT("\"\"\"a\\\n   b\"\"\""), TEXT("ab") },
    { "many lines taken away", TEXT("\"\"\"a \\  \t\n\n \r\n\t b\"\"\""), TEXT("a b") },
    { "taken away to the end", TEXT("\"\"\"a\\\n  \"\"\""), TEXT("a") },
    { "a backslash in a long literal", TEXT("'''a\\\nb'''"), TEXT("a\\\nb") },
};

static const struct {
    const char *name;
    const char *text;
    size_t len;
    uint32_t line, column; /* where it must be refused */
} bad[] = {
    { "no end", TEXT("\"abc"), 1, 3 },
    { "no end of a literal", TEXT("'abc"), 1, 3 },
    { "no end of a long one", TEXT("\"\"\"abc\"\""), 1, 3 },
    { "an end that is escaped", TEXT("\"abc\\\""), 1, 3 },
    { "a backslash last", TEXT("\"abc\\"), 1, 3 },
    { "a line end inside", TEXT("\"a\nb\""), 1, 3 },
    { "a CRLF inside", TEXT("\"a\r\nb\""), 1, 3 },
    { "a line end inside a literal", TEXT("'a\nb'"), 1, 3 },
    { "a line end taken away on one line", TEXT("\"a\\\n b\""), 1, 5 },
    { "a lone CR", TEXT("\"a\rb\""), 1, 5 },
    { "a lone CR in a long one", TEXT("\"\"\"a\rb\"\"\""), 1, 7 },
    { "a lone CR after a backslash", TEXT("\"\"\"a\\\r\n\rb\"\"\""), 2, 1 },
    { "a CR taken away alone", TEXT("\"\"\"a\\\rb\n\"\"\""), 1, 7 },
    { "a NUL", TEXT("\"a\0b\""), 1, 5 },
    { "U+0001 in a literal", TEXT("'a\x01'"), 1, 5 },
    { "U+001F", TEXT("\"\x1f\""), 1, 4 },
    { "U+007F", TEXT("\"\x7f\""), 1, 4 },
    { "U+007F in a long literal", TEXT("'''\n\x7f'''"), 2, 1 },
    { "an unknown escape", TEXT("\"\\a\""), 1, 4 },
    { "an escaped slash", TEXT("\"\\/\""), 1, 4 },
    { "an escaped apostrophe", TEXT("\"\\'\""), 1, 4 },
    { "an escaped space", TEXT("\"\\ \""), 1, 4 },
    { "an escape of TOML 1.1", TEXT("\"\\e\""), 1, 4 },
    { "another one", TEXT("\"\\x41\""), 1, 4 },
    { "three digits", TEXT("\"\\u041\""), 1, 4 },
    { "seven digits", TEXT("\"\\U0000041\""), 1, 4 },
    { "no digit", TEXT("\"\\u00g1\""), 1, 4 },
    { "a surrogate", TEXT("\"\\ud800\""), 1, 4 },
    { "a pair of surrogates", TEXT("\"\\ud83d\\ude00\""), 1, 4 },
    { "a long surrogate", TEXT("\"\\U0000dfff\""), 1, 4 },
    { "past U+10FFFF", TEXT("\"\\U00110000\""), 1, 4 },
    { "far past it", TEXT("\"\\Uffffffff\""), 1, 4 },
    { "a backslash before text", TEXT("\"\"\"a\\  b\n\"\"\""), 1, 7 },
    { "three quotes inside", TEXT("\"\"\"a\"\"\"b\"\"\""), 1, 10 },
    { "six quotes at the end", TEXT("\"\"\"a\"\"\"\"\"\""), 1, 12 },
    { "six apostrophes at the end", TEXT("'''a''''''"), 1, 12 },
    { "three quotes for nothing", TEXT("\"\"\""), 1, 3 },
    { "an end of the other kind", TEXT("\"abc'"), 1, 3 },
    { "two strings", TEXT("\"a\" \"b\""), 1, 7 },
    { "bad UTF-8", TEXT("\"\xff\""), 1, 4 },
    { "an overlong slash", TEXT("\"\xc0\xaf\""), 1, 4 },
    { "a raw surrogate", TEXT("'\xed\xa0\x80'"), 1, 4 },
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct span got;
        if (!string_of(good[i].text, good[i].len, &got, NULL))
            fail_msg("%s: refused", good[i].name);
        assert_span_equal(got, span_of(good[i].value, good[i].value_len));
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct span got;
        struct toml_error error = { { 0 }, NULL };
        if (string_of(bad[i].text, bad[i].len, &got, &error))
            fail_msg("%s: accepted", bad[i].name);
        if (error.place.line != bad[i].line || error.place.column != bad[i].column)
            fail_msg("%s: %s at %u:%u", bad[i].name, error.what, error.place.line,
                     error.place.column);
    }
}

/* Strings stand for keys too, but not the long ones. */
static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *key; /* NULL: refused */
    } rows[] = {
        { "\"a b\"=1", "a b" }, { "'a\\b'=1", "a\\b" }, { "\"\\u0061\"=1", "a" },
        { "\"\"=1", "" },       { "''=1", "" },         { "\"\"\"a\"\"\"=1", NULL },
        { "'''a'''=1", NULL },  { "\"a\n\"=1", NULL },  { "\"a=1", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena = arena_over(memory, sizeof memory);
        const struct toml_value *root = NULL;
        bool ok = toml_parse(span_text(rows[i].text), &arena, NULL, &root, NULL);
        assert_int_equal(ok, rows[i].key != NULL);
        if (ok)
            assert_span_equal(toml_key(toml_first(root)), span_text(rows[i].key));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good, ""),
        TEST(test_bad, ""),
        TEST(test_keys, ""),
    };
    return RUN_TESTS(tests);
}
