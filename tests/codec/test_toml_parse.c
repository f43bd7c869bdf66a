/* test_toml_parse.c - who may define what how often, the place of every refusal, and every
   limit at it and one past it. */
#include "test.h"

#include <string.h>

#include "base/sink.h"
#include "codec/key_hash.h"
#include "codec/toml.h"

static uint8_t memory[256 * 1024];

static bool parse(struct span text, const struct toml_limits *limits, struct toml_error *error)
{
    struct arena arena = arena_over(memory, sizeof memory);
    const struct toml_value *root = NULL;
    return toml_parse(text, &arena, limits, &root, error);
}

static const struct {
    const char *name;
    const char *text;
    uint32_t line, column; /* 0: accepted */
} rows[] = {
    { "nothing", "", 0, 0 },
    { "white space", " \t\n\r\n ", 0, 0 },
    { "a comment", "# only this", 0, 0 },
    { "comments and values", "a=1#x\n#y\nb=2", 0, 0 },
    { "a table after its subtable", "[a.b]\n[a]\nc=1", 0, 0 },
    { "a subtable after its table", "[a]\n[a.b]", 0, 0 },
    { "dotted keys of one table", "a.b=1\na.c=2", 0, 0 },
    { "dotted keys between others", "a.b=1\nx=1\na.c=2", 0, 0 },
    { "a table below a dotted one", "[f]\na.b=1\n[f.a.c]", 0, 0 },
    { "spaces around dots", "a . \"b\" .c = 1", 0, 0 },
    { "spaces in a header", "[ a . b ]", 0, 0 },
    { "a list of tables", "[[a]]\n[[a]]\n[a.b]\n[[a]]\n[a.b]", 0, 0 },
    { "a list in a list", "[[a]]\n[[a.b]]\n[[a.b]]\n[[a]]\n[[a.b]]", 0, 0 },
    { "an array on many lines", "a=[ # x\n 1, # y\n\n 2,\n]", 0, 0 },
    { "a mixed array", "a=[1,'b',[2.5],{c=1}]", 0, 0 },
    { "an inline table", "a={b=1,c.d=2,c.e={}}", 0, 0 },
    { "a long string in an inline table", "a={b='''\n'''}", 0, 0 },
    { "digits for a key", "10=1\n-=2\n2025-01-01=3\n1.5=6", 0, 0 },
    { "CRLF", "a=1\r\n[b]\r\nc=[\r\n]\r\n", 0, 0 },
    { "a byte order mark",
      "\xef\xbb\xbf"
      "a=1",
      0, 0 },

    { "a key twice", "a=1\na=1", 2, 1 },
    { "a key twice, once quoted", "a=1\n\"a\"=2", 2, 1 },
    { "a key twice, once escaped", "a=1\n\"\\u0061\"=2", 2, 1 },
    { "a table twice", "[a]\n[a]", 2, 2 },
    { "a table twice, once quoted", "[a]\n['a']", 2, 2 },
    { "a subtable twice", "[a.b]\n[a]\n[a.b]", 3, 4 },
    { "a table for a value", "a=1\n[a]", 2, 2 },
    { "a subtable of a value", "a=1\n[a.b]", 2, 2 },
    { "a value for a table", "[a.b]\n[a]\nb=1", 3, 1 },
    { "a header for a dotted table", "[f]\na.b=1\n[f.a]", 3, 4 },
    { "a header for a dotted subtable", "[f]\na.b.c=1\n[f.a.b]", 3, 6 },
    { "dotted into a header's table", "[a.b]\n[a]\nb.c=1", 3, 1 },
    { "dotted into an implicit table", "[a.b.c]\n[a]\nb.d=1", 3, 1 },
    { "dotted into a value", "a=1\na.b=2", 2, 1 },
    { "dotted over a value", "a.b=1\na.b=2", 2, 3 },
    { "a value over a dotted table", "a.b=1\na=2", 2, 1 },
    { "dotted into an inline table", "a={}\na.b=1", 2, 1 },
    { "a header below an inline table", "a={}\n[a.b]", 2, 2 },
    { "a header for an inline table", "a={}\n[a]", 2, 2 },
    { "a table below an inline one's table", "a={b={}}\n[a.b.c]", 2, 2 },
    { "dotted into an inner inline table", "a={b={c=1},b.d=2}", 1, 12 },
    { "a key twice in an inline table", "a={b=1,b=2}", 1, 8 },
    { "a list for an array", "a=[]\n[[a]]", 2, 3 },
    { "a list for an array of tables", "a=[{}]\n[[a]]", 2, 3 },
    { "a table below an array", "a=[{}]\n[a.b]", 2, 2 },
    { "a list for a table", "[a]\n[[a]]", 2, 3 },
    { "a list for an implicit table", "[a.b]\n[[a]]", 2, 3 },
    { "a table for a list", "[[a]]\n[a]", 2, 2 },
    { "dotted into a list", "[[a.b]]\n[a]\nb.c=1", 3, 1 },
    { "a list over a dotted table", "a.b=1\n[[a]]", 2, 3 },

    { "no value", "a=", 1, 3 },
    { "no value before a comment", "a=#", 1, 3 },
    { "no equals sign", "a", 1, 2 },
    { "no equals sign before a value", "a 1", 1, 3 },
    { "a colon", "a:1", 1, 2 },
    { "no key", "=1", 1, 1 },
    { "two equals signs", "a==1", 1, 3 },
    { "a value on the next line", "a=\n1", 1, 3 },
    { "two pairs on a line", "a=1 b=2", 1, 5 },
    { "a pair after a header", "[a] b=1", 1, 5 },
    { "a dot first", ".a=1", 1, 1 },
    { "a dot last", "a.=1", 1, 3 },
    { "two dots", "a..b=1", 1, 3 },
    { "a key with an accent", "\xc3\xa9=1", 1, 1 },
    { "a key with a plus", "a+b=1", 1, 2 },
    { "an empty header", "[]", 1, 2 },
    { "an empty list header", "[[]]", 1, 3 },
    { "an open header", "[a", 1, 3 },
    { "a header on two lines", "[a\n]", 1, 3 },
    { "a half closed list", "[[a]", 1, 4 },
    { "a list in pieces", "[ [a]]", 1, 3 },
    { "a list closed in pieces", "[[a] ]", 1, 4 },
    { "a table closed twice", "[a]]", 1, 4 },
    { "a dot at the end of a header", "[a.]", 1, 4 },
    { "a comment in a header", "[a#]", 1, 3 },
    { "an open array", "a=[", 1, 4 },
    { "an open array after a value", "a=[1", 1, 5 },
    { "an open array after a comma", "a=[1,", 1, 6 },
    { "two commas", "a=[1,,2]", 1, 6 },
    { "a comma first", "a=[,1]", 1, 4 },
    { "no comma", "a=[1 2]", 1, 6 },
    { "the wrong end", "a=[1}", 1, 5 },
    { "an array closed twice", "a=[]]", 1, 5 },
    { "an open inline table", "a={", 1, 4 },
    { "an open inline table after a pair", "a={b=1", 1, 7 },
    { "a comma at the end of it", "a={b=1,}", 1, 8 },
    { "a comma first in it", "a={,}", 1, 4 },
    { "no comma in it", "a={b=1 c=2}", 1, 8 },
    { "a line end in it", "a={b=1,\nc=2}", 1, 8 },
    { "a line end first in it", "a={\nb=1}", 1, 4 },
    { "a comment in it", "a={#\n}", 1, 4 },
    { "a header in it", "a={[b]}", 1, 4 },
    { "a semicolon", "a=1;", 1, 4 },
    { "a slash comment", "// a", 1, 1 },
    { "a lone CR", "a=1\rb=2", 1, 4 },
    { "a lone CR at the end", "a=1\r", 1, 4 },
    { "a lone CR in a comment", "#a\rb", 1, 3 },
    { "a control character in a comment", "#\x01", 1, 2 },
    { "DEL in a comment", "# \x7f", 1, 3 },
    { "a form feed", "\f", 1, 1 },
    { "a vertical tab", "a=1\v", 1, 4 },
    { "a no-break space",
      "a=\xc2\xa0"
      "1",
      1, 3 },
    { "a byte order mark inside",
      "a=1\n\xef\xbb\xbf"
      "b=2",
      2, 1 },
    { "two byte order marks", "\xef\xbb\xbf\xef\xbb\xbf", 1, 1 },
    { "bad UTF-8 in a comment", "a=1\n# \xff", 2, 3 },
    { "half a character at the end", "# \xc3", 1, 3 },
    { "after letters of many bytes", "\"\xc3\xa9\xf0\x9f\x98\x80\"==", 1, 6 },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct toml_error error = { { 0 }, "" };
        bool ok = parse(span_text(rows[i].text), NULL, &error);
        if (ok != (rows[i].line == 0) || error.place.line != rows[i].line ||
            error.place.column != rows[i].column)
            fail_msg("%s: %s at %u:%u", rows[i].name, error.what, error.place.line,
                     error.place.column);
    }
}

static void test_nul(void **state)
{
    (void)state;
    static const char *const around[] = { "",    "a",    "a=",  "a=1",  "[", "[a",   "[a]",
                                          "a=[", "a=[1", "a={", "a={b", "#", "a=\"", "a='''" };
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        uint8_t text[16];
        size_t len = strlen(around[i]);
        struct toml_error error = { { 0 }, NULL };
        memset(text, 0, sizeof text);
        memcpy(text, around[i], len);
        assert_false(parse(span_of(text, len + 1), NULL, &error));
        assert_int_equal(error.place.column, len + 1);
    }
}

static void test_failure_leaves_root_alone(void **state)
{
    (void)state;
    struct arena arena = arena_over(memory, sizeof memory);
    const struct toml_value *before = (const struct toml_value *)(const void *)memory;
    const struct toml_value *root = before;
    assert_false(toml_parse(span_text("a=1\nb"), &arena, NULL, &root, NULL));
    assert_ptr_equal(root, before);
}

/* --- limits ------------------------------------------------------------------------------ */

enum shape { ARRAYS, INLINE, DOTTED, HEADER, LIST, LISTS_BELOW, SHAPES };

/* A text whose deepest table or array is the `depth`th, the root being the first. */
static struct span nested(enum shape shape, unsigned depth)
{
    static uint8_t room[1024];
    struct sink out = sink_over(room, sizeof room);
    unsigned inner = depth - 1;
    const char *repeated[] = { "[", "{a=", "a.", ".a", ".a", "" };
    sink_text(&out, shape == HEADER ? "[a" : shape == LIST ? "[[a" : shape == DOTTED ? "" : "a=");
    unsigned fewer = shape == HEADER ? 1 : shape == LIST ? 2 : 0;
    if (shape == LISTS_BELOW) {
        out = sink_over(room, sizeof room);
        for (unsigned i = 1; 2 * i <= inner; i++) {
            sink_text(&out, "[[a");
            for (unsigned k = 1; k < i; k++)
                sink_text(&out, ".a");
            sink_text(&out, "]]\n");
        }
        return sink_bytes(&out);
    }
    for (unsigned i = fewer; i < inner; i++)
        sink_text(&out, repeated[shape]);
    sink_text(&out, shape == HEADER ? "]" : shape == LIST ? "]]" : shape == DOTTED ? "a=1" : "");
    sink_text(&out, shape == INLINE ? "1" : "");
    for (unsigned i = 0; i < inner && (shape == ARRAYS || shape == INLINE); i++)
        sink_text(&out, shape == ARRAYS ? "]" : "}");
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static void test_depth(void **state)
{
    (void)state;
    for (enum shape shape = ARRAYS; shape < SHAPES; shape++) {
        unsigned step = shape == LISTS_BELOW ? 2 : 1;
        for (unsigned limit = 3; limit <= 9; limit += 2) {
            struct toml_limits limits = { .depth = limit };
            assert_true(parse(nested(shape, limit), &limits, NULL));
            assert_false(parse(nested(shape, limit + step), &limits, NULL));
        }
        struct toml_limits more = { .depth = TOML_DEPTH_MAX + 10 };
        unsigned most = shape == LISTS_BELOW ? TOML_DEPTH_MAX - 1 : TOML_DEPTH_MAX;
        assert_true(parse(nested(shape, most), NULL, NULL));
        assert_false(parse(nested(shape, TOML_DEPTH_MAX + 1), NULL, NULL));
        assert_false(parse(nested(shape, TOML_DEPTH_MAX + 1), &more, NULL));
    }
}

static void test_values(void **state)
{
    (void)state;
    static const char *const four[] = { "a=1\nb=2\nc=3", "a=[1,2]",     "a.b.c=1",
                                        "[a.b.c]",       "a={b={c=1}}", "[[a]]\nb=1" };
    for (size_t i = 0; i < sizeof four / sizeof four[0]; i++) {
        struct toml_limits limits = { .values = 4 };
        assert_true(parse(span_text(four[i]), &limits, NULL));
        limits.values = 3;
        assert_false(parse(span_text(four[i]), &limits, NULL));
    }
}

static void test_text_too_long(void **state)
{
    (void)state;
    struct toml_error error = { { 0 }, NULL };
    assert_false(parse(span_of("a", (size_t)TOML_TEXT_MAX + 1), NULL, &error));
    assert_string_equal(error.what, "too long a text");
}

/* Two different keys made to have one hash are refused and cost no search. */
static void test_colliding_keys(void **state)
{
    (void)state;
    /* Found by choosing the first half and solving the second one for the same state. */
    struct test_random random = { 8 };
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
        found = true;
        for (size_t i = 8; i < 16; i++)
            found = found && b[i] >= ' ' && b[i] != '\'' && b[i] != 0x7f;
    }
    assert_int_equal(key_hash(span_of(a, 16)), key_hash(span_of(b, 16)));
    uint8_t room[128];
    struct sink out = sink_over(room, sizeof room);
    struct toml_error error;
    sink_format(&out, "'%s'=1\n'%s'=2", a, b);
    assert_false(parse(sink_bytes(&out), NULL, &error));
    assert_string_equal(error.what, "a key that cannot be told from another one");
    out = sink_over(room, sizeof room);
    sink_format(&out, "x.'%s'=1\ny.'%s'=2", a, b);
    assert_true(parse(sink_bytes(&out), NULL, NULL));
}

/* --- memory and bombs --------------------------------------------------------------------- */

/* With every ceiling from nothing upward it fails cleanly, and then it works. */
static void test_every_ceiling(void **state)
{
    (void)state;
    static const char text[] = "a.b = \"\\u0041\"\n[c]\nd = [1, {e = 2.5}]\n[[f]]\ng = '''x'''";
    size_t failures = 0;
    for (size_t ceiling = 0;; ceiling += 16) {
        struct arena arena;
        const struct toml_value *root = NULL;
        struct toml_error error = { { 0 }, NULL };
        arena_init(&arena, ceiling);
        bool ok = toml_parse(span_text(text), &arena, NULL, &root, &error);
        assert_int_equal(toml_length(root), ok ? 3 : 0);
        if (!ok)
            assert_string_equal(error.what, "out of memory");
        arena_fini(&arena);
        if (ok)
            break;
        failures++;
    }
    assert_in_range(failures, 20, 1000);
}

/* A million bytes of one thing: refused at the limit they hit, or read, in memory that stays
   under a ceiling of so many bytes for a byte of text. */
static void test_bombs(void **state)
{
    (void)state;
    enum { SIZE = 1000000 };
    static uint8_t text[SIZE];
    static const struct {
        const char *start, *repeated;
        bool ok;
    } bombs[] = {
        { "a=", "[", false },    { "a=", "{a=", false },
        { "", "[", false },      { "", "a.", false },
        { "[", "a.", false },    { "[[", "a.", false },
        { "a=", "1", false },    { "a=1.", "1", false },
        { "a=0x", "0", true },   { "a=1e", "1", false },
        { "a=\"", "x", false },  { "a='''", "\n", false },
        { "a=\"", "\\", false }, { "a=\"\"\"", "\\\n", false },
        { "", "a", false },      { "", "\n", true },
        { "#", "#", true },      { "", " ", true },
        { "a=[", "\n", false },  { "a=[", "#\n", false },
        { "a=", "\"", false },   { "", "\xef\xbb\xbf", false },
        { "", "a=1\n", false },  { "", "[[a]]\n", true },
        { "", "[a]\n", false },  { "a=2025-01-01T00:00:00.", "0", true },
    };
    for (size_t b = 0; b < sizeof bombs / sizeof bombs[0]; b++) {
        struct sink out = sink_over(text, sizeof text);
        sink_text(&out, bombs[b].start);
        while (SIZE - out.len >= strlen(bombs[b].repeated))
            sink_text(&out, bombs[b].repeated);
        struct arena arena;
        const struct toml_value *root = NULL;
        arena_init(&arena, 40 * (size_t)SIZE);
        if (toml_parse(sink_bytes(&out), &arena, NULL, &root, NULL) != bombs[b].ok)
            fail_msg("%s%s...", bombs[b].start, bombs[b].repeated);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows, ""),
        TEST(test_nul, ""),
        TEST(test_failure_leaves_root_alone, ""),
        TEST(test_depth, ""),
        TEST(test_values, ""),
        TEST(test_text_too_long, ""),
        TEST(test_colliding_keys, ""),
        TEST(test_every_ceiling, ""),
        TEST(test_bombs, ""),
    };
    return RUN_TESTS(tests);
}
