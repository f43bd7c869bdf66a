/* test_toml_vectors.c - the public TOML 1.0.0 cases: every valid one gives exactly the values
   that its JSON file lists, also after being written again; every invalid one is refused with a
   place inside it. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "codec/toml.h"
#include "codec/toml_write.h"
#include "vectors.h"

enum { CEILING = 4 << 20 };

static struct {
    size_t valid, invalid;
    const char *name;
} run;

static struct span unescaped(const struct json *json, uint32_t node, bool key, uint8_t *room,
                             size_t cap)
{
    struct sink out = sink_over(room, cap);
    bool ok = key ? json_key_copy(json, node, &out) : json_string_copy(json, node, &out);
    if (!ok)
        fail_msg("%s: its JSON is too large", run.name);
    sink_terminate(&out);
    return sink_bytes(&out);
}

static void need(bool truth, const char *what)
{
    if (!truth)
        fail_msg("%s: %s", run.name, what);
}

/* `count` digits of an expected date, and over what stands after them. */
static int expected_number(const char **text, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++, ++*text) {
        need(**text >= '0' && **text <= '9', "an expected date");
        value = value * 10 + (**text - '0');
    }
    *text += **text == '-' || **text == ':' ? 1 : 0;
    return value;
}

/* "07:32:00.5" and what may follow it. */
static void expected_time(const char **text, struct toml_datetime *when)
{
    when->hour = expected_number(text, 2);
    when->minute = expected_number(text, 2);
    when->second = (*text)[0] - '0';
    when->second = when->second * 10 + ((*text)[1] - '0');
    *text += 2;
    if (**text != '.')
        return;
    uint32_t scale = 100000000;
    for (++*text; **text >= '0' && **text <= '9'; ++*text, scale /= 10)
        when->nanosecond += scale * (uint32_t)(**text - '0');
}

static enum toml_type expected_when(const char *text, struct toml_datetime *when)
{
    if (text[2] == ':') {
        expected_time(&text, when);
        return TOML_TIME_LOCAL;
    }
    when->year = expected_number(&text, 4);
    when->month = expected_number(&text, 2);
    when->day = expected_number(&text, 2);
    if (*text == 0)
        return TOML_DATE_LOCAL;
    text++;
    expected_time(&text, when);
    if (*text == 0)
        return TOML_DATETIME_LOCAL;
    if (*text != 'Z' && *text != 'z') {
        int sign = *text++ == '-' ? -1 : 1;
        when->offset_minutes = sign * 60 * expected_number(&text, 2);
        when->offset_minutes += sign * expected_number(&text, 2);
    }
    return TOML_DATETIME;
}

static void compare_when(const struct toml_value *value, const char *text)
{
    struct toml_datetime want = { 0 }, got;
    enum toml_type type = expected_when(text, &want);
    need(toml_type_of(value) == type && toml_when(value, &got), "the type of a date");
    need(got.year == want.year && got.month == want.month && got.day == want.day, "a date");
    need(got.hour == want.hour && got.minute == want.minute && got.second == want.second &&
             got.nanosecond == want.nanosecond && got.offset_minutes == want.offset_minutes,
         "a time");
}

static void compare_float(const struct toml_value *value, const char *text)
{
    double got, want = strtod(text, NULL);
    need(toml_float(value, &got), "a float");
    need(isnan(want) ? isnan(got) : bytes_equal(&got, &want, sizeof got), "the value of a float");
}

static void compare_scalar(const struct toml_value *value, const struct json *json, uint32_t node)
{
    static uint8_t type_room[32], text_room[65536];
    struct span type = unescaped(json, json_member(json, node, "type"), false, type_room,
                                 sizeof type_room);
    struct span text = unescaped(json, json_member(json, node, "value"), false, text_room,
                                 sizeof text_room);
    const char *chars = (const char *)text_room;
    struct span string;
    int64_t integer;
    bool boolean;
    if (span_equal_text(type, "string"))
        need(toml_string(value, &string) && span_equal(string, text), "a string");
    else if (span_equal_text(type, "integer"))
        need(toml_integer(value, &integer) && integer == strtoll(chars, NULL, 10), "an integer");
    else if (span_equal_text(type, "bool"))
        need(toml_bool(value, &boolean) && boolean == span_equal_text(text, "true"), "a boolean");
    else if (span_equal_text(type, "float"))
        compare_float(value, chars);
    else
        compare_when(value, chars);
}

static void compare(const struct toml_value *value, const struct json *json, uint32_t node)
{
    static uint8_t key[1024];
    bool table = json_type(json, node) == JSON_OBJECT;
    if (table && json_type(json, json_member(json, node, "type")) == JSON_STRING &&
        json_type(json, json_member(json, node, "value")) == JSON_STRING) {
        compare_scalar(value, json, node);
        return;
    }
    need(toml_type_of(value) == (table ? TOML_TABLE : TOML_ARRAY), "a table or an array");
    need(toml_length(value) == json_length(json, node), "the number of values");
    const struct toml_value *inner = toml_first(value);
    for (uint32_t n = json_first(json, node); n != JSON_NONE; n = json_next(json, n)) {
        if (table)
            inner = toml_table_get_span(value, unescaped(json, n, true, key, sizeof key));
        need(inner != NULL, "a value that is missing");
        compare(inner, json, n);
        inner = toml_next(inner);
    }
}

static void check_valid(const struct toml_value *root, const char *path)
{
    char name[512];
    struct arena arena;
    struct json json;
    int len = snprintf(name, sizeof name, "%.*s.json", (int)strlen(path) - 5, path);
    assert_in_range(len, 1, sizeof name - 1);
    struct span expected = vectors_read(name);
    arena_init(&arena, CEILING);
    need(json_parse(expected, &arena, NULL, &json, NULL), "its JSON");
    compare(root, &json, 0);
    /* Written again it reads as the same values. */
    static uint8_t room[1 << 16];
    struct sink out = sink_over(room, sizeof room);
    const struct toml_value *again = NULL;
    need(toml_write(&out, root), "writing it");
    need(toml_parse(sink_bytes(&out), &arena, NULL, &again, NULL), "what was written");
    compare(again, &json, 0);
    arena_fini(&arena);
    vectors_free(&expected);
    run.valid++;
}

static void check_invalid(struct span text, struct toml_error error)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    need(error.what != NULL && error.place.line >= 1 && error.place.line <= lines &&
             error.place.column >= 1 && error.place.column <= text.len + 1,
         "the place of an error");
    run.invalid++;
}

/* Every prefix of a text is read or refused, and what is read lies in the text. */
static void check_prefixes(struct span text)
{
    for (size_t len = 0; len < text.len; len++) {
        struct arena arena;
        struct toml_error error = { { 0 }, NULL };
        const struct toml_value *root;
        uint8_t *exact = malloc(len > 0 ? len : 1);
        assert_non_null(exact);
        memcpy(exact, text.at, len);
        arena_init(&arena, CEILING);
        if (!toml_parse(span_of(exact, len), &arena, NULL, &root, &error))
            need(error.what != NULL, "a refusal without a word");
        arena_fini(&arena);
        free(exact);
    }
}

static void check_file(const char *path)
{
    struct span text = vectors_read(path);
    struct arena arena;
    struct toml_error error = { { 0 }, NULL };
    const struct toml_value *root = NULL;
    run.name = path;
    arena_init(&arena, CEILING);
    bool ok = toml_parse(text, &arena, NULL, &root, &error);
    bool valid = strncmp(path, "toml/valid/", 11) == 0;
    if (ok && !valid)
        fail_msg("%s: accepted", path);
    if (!ok && valid)
        fail_msg("%s:%u:%u: %s", path, error.place.line, error.place.column, error.what);
    if (valid)
        check_valid(root, path);
    else
        check_invalid(text, error);
    check_prefixes(text);
    arena_fini(&arena);
    vectors_free(&text);
}

static void test_cases_of_others(void **state)
{
    (void)state;
    vectors_required();
    struct span list = vectors_read("toml/files-toml-1.0.0");
    size_t at = 0;
    run.valid = run.invalid = 0;
    while (at < list.len) {
        size_t end = at;
        while (end < list.len && list.at[end] != '\n')
            end++;
        char path[512];
        int len = snprintf(path, sizeof path, "toml/%.*s", (int)(end - at),
                           (const char *)&list.at[at]);
        assert_in_range(len, 1, sizeof path - 1);
        if (len > 5 && strcmp(&path[len - 5], ".toml") == 0)
            check_file(path);
        at = end + 1;
    }
    vectors_free(&list);
    print_message("# %zu valid, %zu invalid TOML files\n", run.valid, run.invalid);
    assert_in_range(run.valid, 200, 100000);
    assert_in_range(run.invalid, 400, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_cases_of_others, "") };
    return RUN_TESTS(tests);
}
