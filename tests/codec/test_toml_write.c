/* test_toml_write.c - the exact text of every kind of value, and parse(print(x)) == x for
   trees that a seeded generator grows. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "codec/toml.h"
#include "codec/toml_write.h"

enum { ROOM = 1 << 16, CEILING = 4 << 20 };

static uint8_t room[ROOM];

static void assert_written(void (*write)(struct sink *out, const void *value), const void *value,
                           const char *want)
{
    struct sink out = sink_over(room, sizeof room);
    write(&out, value);
    assert_span_equal(sink_bytes(&out), span_text(want));
}

static void write_key(struct sink *out, const void *value)
{
    toml_put_key(out, span_text(value));
}

static void write_string(struct sink *out, const void *value)
{
    toml_put_string(out, span_text(value));
}

static void write_float(struct sink *out, const void *value)
{
    toml_put_float(out, *(const double *)value);
}

static void test_keys_and_strings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key, *string;
    } rows[] = {
        { "plain", "plain", "\"plain\"" },
        { "A-Z_0-9", "A-Z_0-9", "\"A-Z_0-9\"" },
        { "", "\"\"", "\"\"" },
        { "a b", "\"a b\"", "\"a b\"" },
        { "a.b", "\"a.b\"", "\"a.b\"" },
        { "\xc3\xa9", "\"\xc3\xa9\"", "\"\xc3\xa9\"" },
        { "'\"\\", "\"'\\\"\\\\\"", "\"'\\\"\\\\\"" },
        { "\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\"", "\"\\b\\t\\n\\f\\r\"" },
        { "\x01\x1b\x7f", "\"\\u0001\\u001B\\u007F\"", "\"\\u0001\\u001B\\u007F\"" },
        { "a\xff", "\"a\xef\xbf\xbd\"", "\"a\xef\xbf\xbd\"" },
        { "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_written(write_key, rows[i].text, rows[i].key);
        assert_written(write_string, rows[i].text, rows[i].string);
    }
}

static void test_floats(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        { 0, "0.0" },
        { -0.0, "-0.0" },
        { 1, "1.0" },
        { -1.5, "-1.5" },
        { 0.1, "0.1" },
        { 0.00012, "0.00012" },
        { 0.000012, "0.000012" },
        { 0.0000012, "1.2e-6" },
        { 100, "100.0" },
        { 123456.789, "123456.789" },
        { 1e16, "10000000000000000.0" },
        { 1e17, "1.0e17" },
        { 1.25e300, "1.25e300" },
        { 5e-324, "5.0e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e308" },
        { INFINITY, "inf" },
        { -INFINITY, "-inf" },
        { NAN, "nan" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_written(write_float, &rows[i].value, rows[i].text);
}

static void test_when(void **state)
{
    (void)state;
    static const struct {
        enum toml_type type;
        struct toml_datetime when;
        const char *text;
    } rows[] = {
        { TOML_DATETIME, { 2025, 7, 4, 10, 16, 31, 0, 0 }, "2025-07-04T10:16:31Z" },
        { TOML_DATETIME, { 5, 7, 4, 0, 0, 60, 500000000, 90 }, "0005-07-04T00:00:60.5+01:30" },
        { TOML_DATETIME, { 2025, 7, 4, 1, 2, 3, 1, -5 }, "2025-07-04T01:02:03.000000001-00:05" },
        { TOML_DATETIME_LOCAL, { 2025, 7, 4, 1, 2, 3, 120000, 0 }, "2025-07-04T01:02:03.00012" },
        { TOML_DATE_LOCAL, { 2025, 7, 4, 0, 0, 0, 0, 0 }, "2025-07-04" },
        { TOML_TIME_LOCAL, { 0, 0, 0, 1, 2, 3, 0, 0 }, "01:02:03" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sink out = sink_over(room, sizeof room);
        toml_put_when(&out, rows[i].type, rows[i].when);
        assert_span_equal(sink_bytes(&out), span_text(rows[i].text));
    }
}

static const char source[] = "a.b = 1\n"
                             "[x]\n"
                             "y = { z = [], w = {} }\n"
                             "[[l]]\n"
                             "[[l]]\n"
                             "n = [[1, 'q'], [{ m = true }], [{}]]\n"
                             "[l.\"s s\"]\n"
                             "i = -3\n"
                             "e = []\n";

static const char written[] = "[a]\n"
                              "b = 1\n"
                              "\n"
                              "[x]\n"
                              "\n"
                              "[x.y]\n"
                              "z = []\n"
                              "\n"
                              "[x.y.w]\n"
                              "\n"
                              "[[l]]\n"
                              "\n"
                              "[[l]]\n"
                              "n = [[1, \"q\"], [{ m = true }], [{}]]\n"
                              "\n"
                              "[l.\"s s\"]\n"
                              "i = -3\n"
                              "e = []\n";

static void test_tree(void **state)
{
    (void)state;
    struct arena arena;
    const struct toml_value *root = NULL;
    arena_init(&arena, CEILING);
    assert_true(toml_parse(span_text(source), &arena, NULL, &root, NULL));
    struct sink out = sink_over(room, sizeof room);
    assert_true(toml_write(&out, root));
    assert_span_equal(sink_bytes(&out), span_text(written));
    for (size_t cap = 0; cap < sizeof written - 1; cap++) {
        out = sink_over(room, cap);
        assert_false(toml_write(&out, root));
    }
    out = sink_over(room, sizeof room);
    assert_false(toml_write(&out, NULL));
    assert_false(toml_write(&out, toml_first(toml_first(root))));
    arena_fini(&arena);
}

/* --- parse(print(x)) == x ----------------------------------------------------------------- */

static bool same(const struct toml_value *a, const struct toml_value *b)
{
    struct span s, t;
    int64_t i, j;
    double x, y;
    bool p, q;
    struct toml_datetime w, v;
    if (toml_type_of(a) != toml_type_of(b) || toml_length(a) != toml_length(b))
        return false;
    if (toml_string(a, &s) && toml_string(b, &t))
        return span_equal(s, t);
    if (toml_integer(a, &i) && toml_integer(b, &j))
        return i == j;
    if (toml_float(a, &x) && toml_float(b, &y))
        return isnan(x) ? isnan(y) : bytes_equal(&x, &y, sizeof x);
    if (toml_bool(a, &p) && toml_bool(b, &q))
        return p == q;
    if (toml_when(a, &w) && toml_when(b, &v))
        return bytes_equal(&w, &v, sizeof w);
    const struct toml_value *other = toml_first(b);
    for (const struct toml_value *item = toml_first(a); item != NULL; item = toml_next(item)) {
        if (toml_type_of(a) == TOML_TABLE)
            other = toml_table_get_span(b, toml_key(item));
        if (!same(item, other))
            return false;
        other = toml_next(other);
    }
    return true;
}

static void grow_string(struct sink *out, struct test_random *random)
{
    static const char *const pieces[] = { "a",       "\\n",          "\\\"", " ",
                                          "\\u00e9", "\xe2\x82\xac", "#",    "\\\\",
                                          "]",       "\\U0001F600" };
    sink_text(out, "\"");
    for (size_t n = test_random_below(random, 4); n > 0; n--)
        sink_text(out, pieces[test_random_below(random, 10)]);
    sink_text(out, "\"");
}

static void grow_value(struct sink *out, struct test_random *random, unsigned depth);

static void grow_container(struct sink *out, struct test_random *random, unsigned depth, bool table)
{
    sink_text(out, table ? "{" : "[");
    for (size_t n = 0, count = test_random_below(random, 4); n < count; n++) {
        sink_text(out, n > 0 ? "," : "");
        if (table)
            sink_format(out, "k%zu=", n);
        grow_value(out, random, depth - 1);
    }
    sink_text(out, table ? "}" : "]");
}

static void grow_value(struct sink *out, struct test_random *random, unsigned depth)
{
    static const char *const scalars[] = { "true",
                                           "false",
                                           "inf",
                                           "-inf",
                                           "nan",
                                           "0.1",
                                           "2025-07-04",
                                           "07:32:00.25",
                                           "2025-07-04T10:16:31Z",
                                           "1979-05-27 07:32:00.999999-07:00",
                                           "-0.0",
                                           "1e-9" };
    uint64_t bits = test_random_next(random);
    switch (test_random_below(random, depth > 0 ? 6 : 4)) {
    case 0:
        sink_format(out, "%lld", (long long)(int64_t)(bits >> (bits & 63)));
        break;
    case 1:
        grow_string(out, random);
        break;
    case 2:
        sink_format(out, "%.17e", (double)bits / (double)(1 + (test_random_next(random) >> 7)));
        break;
    case 3:
        sink_text(out, scalars[test_random_below(random, 12)]);
        break;
    case 4:
        grow_container(out, random, depth, false);
        break;
    default:
        grow_container(out, random, depth, true);
        break;
    }
}

/* A document: values, tables, lists of tables, tables below tables. */
static struct span grow(struct test_random *random)
{
    static uint8_t text[ROOM];
    struct sink out = sink_over(text, sizeof text);
    for (size_t section = 0; section < 5; section++) {
        switch (test_random_below(random, 4)) {
        case 0:
            sink_format(&out, "[t%zu]\n", section);
            break;
        case 1:
            sink_format(&out, "[[l]]\n");
            break;
        case 2:
            sink_format(&out, "[a.\"b c\".t%zu]\n", section);
            break;
        default:
            sink_format(&out, "[d%zu.x]\ny%zu.z = 1\n", section, section);
            break;
        }
        for (size_t n = test_random_below(random, 4); n > 0; n--) {
            sink_format(&out, "v%zu = ", n);
            grow_value(&out, random, 4);
            sink_text(&out, "\n");
        }
    }
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static void test_reads_back(void **state)
{
    (void)state;
    struct test_random random = { 9 };
    for (size_t trial = 0; trial < 3000; trial++) {
        struct arena arena;
        const struct toml_value *first = NULL, *second = NULL;
        arena_init(&arena, CEILING);
        assert_true(toml_parse(grow(&random), &arena, NULL, &first, NULL));
        struct sink out = sink_over(room, sizeof room);
        assert_true(toml_write(&out, first));
        assert_true(toml_parse(sink_bytes(&out), &arena, NULL, &second, NULL));
        assert_true(same(first, second));
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keys_and_strings, ""),
        TEST(test_floats, ""),
        TEST(test_when, ""),
        TEST(test_tree, ""),
        TEST(test_reads_back, ""),
    };
    return RUN_TESTS(tests);
}
