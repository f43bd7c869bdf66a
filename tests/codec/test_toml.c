/* test_toml.c - a tree says what stands in it and where; no to everything else. */
#include "test.h"

#include <string.h>

#include "base/sink.h"
#include "codec/toml.h"

static uint8_t memory[64 * 1024];
static struct arena arena;

static const struct toml_value *parsed(const char *text)
{
    const struct toml_value *root = NULL;
    struct toml_error error = { { 0 }, "nothing" };
    arena = arena_over(memory, sizeof memory);
    if (!toml_parse(span_text(text), &arena, NULL, &root, &error))
        fail_msg("%s: %u:%u: %s", text, error.place.line, error.place.column, error.what);
    return root;
}

static const char sample[] = "# a policy\n"
                             "name = \"x\"\n"
                             "\n"
                             "[tdx]\n"
                             "  count = 3\n"
                             "  \"quoted key\" = [ 1,\n"
                             "     2.5 ]\n"
                             "  min.svn = true\n"
                             "[[root]]\n"
                             "key = '\xc3\xa9\xc3\xa9' # two letters\n"
                             "[[root]]\n"
                             "\xc3\xa9"; /* cut off by the tests that use it whole */

static const struct toml_value *parsed_sample(void)
{
    const struct toml_value *root = NULL;
    arena = arena_over(memory, sizeof memory);
    assert_true(toml_parse(span_of(sample, sizeof sample - 3), &arena, NULL, &root, NULL));
    return root;
}

static void assert_place(struct toml_place place, uint32_t line, uint32_t column)
{
    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
}

static void test_places(void **state)
{
    (void)state;
    const struct toml_value *root = parsed_sample();
    const struct toml_value *name = toml_table_get(root, "name");
    assert_place(toml_position(root), 1, 1);
    assert_place(toml_key_position(root), 1, 1);
    assert_place(toml_key_position(name), 2, 1);
    assert_place(toml_position(name), 2, 8);
    const struct toml_value *tdx = toml_table_get(root, "tdx");
    assert_place(toml_key_position(tdx), 4, 2);
    assert_place(toml_position(toml_table_get(tdx, "count")), 5, 11);
    const struct toml_value *list = toml_table_get(tdx, "quoted key");
    assert_place(toml_key_position(list), 6, 3);
    assert_place(toml_position(list), 6, 18);
    assert_place(toml_position(toml_first(list)), 6, 20);
    assert_place(toml_position(toml_next(toml_first(list))), 7, 6);
    assert_place(toml_key_position(toml_first(list)), 6, 20);
    const struct toml_value *min = toml_table_get(tdx, "min");
    assert_place(toml_key_position(min), 8, 3);
    assert_place(toml_key_position(toml_table_get(min, "svn")), 8, 7);
    assert_place(toml_position(toml_table_get(min, "svn")), 8, 13);
    const struct toml_value *roots = toml_table_get(root, "root");
    assert_place(toml_position(roots), 9, 3);
    assert_place(toml_position(toml_next(toml_first(roots))), 11, 3);
    assert_place(toml_position(NULL), 0, 0);
}

/* A column counts letters, not bytes, and a tab is one. */
static void test_columns(void **state)
{
    (void)state;
    const struct toml_value *root = parsed("\"\xc3\xa9\xf0\x9f\x98\x80\" =\t1\r\nb = 2");
    assert_place(toml_position(toml_first(root)), 1, 8);
    assert_place(toml_key_position(toml_next(toml_first(root))), 2, 1);
    root = parsed("\xef\xbb\xbf"
                  "a = 1");
    assert_place(toml_key_position(toml_first(root)), 1, 1);
    assert_place(toml_position(toml_first(root)), 1, 5);
}

static void test_walking(void **state)
{
    (void)state;
    const struct toml_value *root = parsed_sample();
    static const char *const keys[] = { "name", "tdx", "root" };
    size_t i = 0;
    for (const struct toml_value *v = toml_first(root); v != NULL && i < 3; v = toml_next(v))
        assert_span_equal(toml_key(v), span_text(keys[i++]));
    assert_int_equal(i, 3);
    assert_int_equal(toml_length(root), 3);
    assert_int_equal(toml_length(toml_table_get(root, "root")), 2);
    assert_int_equal(toml_length(toml_first(toml_table_get(root, "root"))), 1);
    assert_int_equal(toml_length(toml_table_get(root, "name")), 0);
    assert_null(toml_first(toml_table_get(root, "name")));
    assert_null(toml_table_get(root, "nam"));
    assert_null(toml_table_get(root, "names"));
    assert_null(toml_table_get(root, ""));
    assert_null(toml_table_get(toml_table_get(root, "root"), "key"));
    assert_null(toml_table_get(NULL, "name"));
    assert_null(toml_first(NULL));
    assert_null(toml_next(NULL));
    assert_int_equal(toml_length(NULL), 0);
    assert_int_equal(toml_key(NULL).len, 0);
}

/* Every reader on every type. */
static void test_types(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum toml_type type;
        const char *name;
    } rows[] = {
        { "v = {}", TOML_TABLE, "a table" },
        { "v = []", TOML_ARRAY, "an array" },
        { "v = ''", TOML_STRING, "a string" },
        { "v = 1", TOML_INTEGER, "an integer" },
        { "v = 1.0", TOML_FLOAT, "a float" },
        { "v = true", TOML_BOOL, "a boolean" },
        { "v = 2025-01-01T00:00:00Z", TOML_DATETIME, "a date and time with an offset" },
        { "v = 2025-01-01T00:00:00", TOML_DATETIME_LOCAL, "a date and time without an offset" },
        { "v = 2025-01-01", TOML_DATE_LOCAL, "a date" },
        { "v = 00:00:00", TOML_TIME_LOCAL, "a time of day" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct toml_value *v = toml_first(parsed(rows[i].text));
        enum toml_type type = rows[i].type;
        struct span string = { 0 };
        int64_t integer, at;
        double number;
        bool boolean;
        struct toml_datetime when;
        assert_int_equal(toml_type_of(v), type);
        assert_string_equal(toml_type_name(type), rows[i].name);
        assert_int_equal(toml_string(v, &string), type == TOML_STRING);
        assert_int_equal(toml_integer(v, &integer), type == TOML_INTEGER);
        assert_int_equal(toml_float(v, &number), type == TOML_FLOAT);
        assert_int_equal(toml_bool(v, &boolean), type == TOML_BOOL);
        assert_int_equal(toml_when(v, &when), type >= TOML_DATETIME);
        assert_int_equal(toml_time(v, &at), type == TOML_DATETIME);
    }
    struct span string;
    assert_int_equal(toml_type_of(NULL), 0);
    assert_string_equal(toml_type_name((enum toml_type)0), "nothing");
    assert_false(toml_string(NULL, &string));
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t at;
    } rows[] = {
        { "v = 1970-01-01T00:00:00Z", 0 },
        { "v = 2025-07-04T10:16:31Z", 1751624191 },
        { "v = 2025-07-04t12:16:31.999999999+02:00", 1751624191 },
        { "v = 2025-07-04 04:46:31-05:30", 1751624191 },
        { "v = 2016-12-31T23:59:60Z", 1483228800 },
        { "v = 1969-12-31T23:59:59Z", -1 },
        { "v = 0000-01-01T00:00:00Z", -62167219200 },
        { "v = 9999-12-31T23:59:59Z", 253402300799 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t at = 7;
        assert_true(toml_time(toml_first(parsed(rows[i].text)), &at));
        assert_int_equal(at, rows[i].at);
    }
}

/* Many keys are all found again, and nothing else is. */
static void test_many_keys(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static uint8_t text[COUNT * 16];
    struct sink out = sink_over(text, sizeof text);
    for (unsigned i = 0; i < COUNT; i++)
        sink_format(&out, "key%u=%u\n", i * 7, i);
    assert_true(sink_ok(&out));
    const struct toml_value *root = NULL;
    struct arena large;
    arena_init(&large, 1 << 20);
    assert_true(toml_parse(sink_bytes(&out), &large, NULL, &root, NULL));
    assert_int_equal(toml_length(root), COUNT);
    for (unsigned i = 0; i < 7 * COUNT; i++) {
        uint8_t key[16];
        struct sink name = sink_over(key, sizeof key);
        sink_format(&name, "key%u", i);
        int64_t value = -1;
        const struct toml_value *v = toml_table_get_span(root, sink_bytes(&name));
        assert_int_equal(toml_integer(v, &value), i % 7 == 0);
        assert_int_equal(value, i % 7 == 0 ? (int)(i / 7) : -1);
    }
    arena_fini(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_places, ""), TEST(test_columns, ""), TEST(test_walking, ""),
        TEST(test_types, ""),  TEST(test_times, ""),   TEST(test_many_keys, ""),
    };
    return RUN_TESTS(tests);
}
