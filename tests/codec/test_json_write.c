/* test_json_write.c - the exact text of everything that can be written, what is refused, and
   that a text read, written and read again is the same. */
#include "test.h"

#include <string.h>

#include "codec/json.h"
#include "codec/json_write.h"

static uint8_t room[4096];
static struct sink out;

static struct json_writer start(unsigned indent)
{
    out = sink_over(room, sizeof room);
    return json_write_to(&out, indent);
}

static void put_sample(struct json_writer *w)
{
    json_begin_object(w);
    json_put_key(w, "text");
    json_put_text(w, "a");
    json_put_key(w, "list");
    json_begin_array(w);
    json_put_i64(w, -1);
    json_put_u64(w, UINT64_MAX);
    json_begin_object(w);
    json_end_object(w);
    json_begin_array(w);
    json_end_array(w);
    json_end_array(w);
    json_put_key(w, "hex");
    json_put_hex(w, span_of("\x00\xab", 2));
    json_put_key(w, "yes");
    json_put_bool(w, true);
    json_put_key(w, "no");
    json_put_bool(w, false);
    json_put_key(w, "none");
    json_put_null(w);
    json_put_key(w, "at");
    json_put_time(w, 0);
    json_put_key(w, "raw");
    json_put_raw(w, span_text("{\"x\":1}"));
    json_end_object(w);
}

static void test_one_line(void **state)
{
    (void)state;
    struct json_writer w = start(0);
    put_sample(&w);
    assert_true(json_write_ok(&w));
    assert_span_equal(sink_bytes(&out),
                      span_text("{\"text\":\"a\",\"list\":[-1,18446744073709551615,{},[]],"
                                "\"hex\":\"00ab\",\"yes\":true,\"no\":false,\"none\":null,"
                                "\"at\":\"1970-01-01T00:00:00Z\",\"raw\":{\"x\":1}}"));
}

static void test_indented(void **state)
{
    (void)state;
    struct json_writer w = start(2);
    json_begin_object(&w);
    json_put_key(&w, "a");
    json_begin_array(&w);
    json_put_i64(&w, 1);
    json_put_i64(&w, 2);
    json_end_array(&w);
    json_put_key(&w, "b");
    json_begin_object(&w);
    json_end_object(&w);
    json_end_object(&w);
    assert_true(json_write_ok(&w));
    assert_span_equal(sink_bytes(&out),
                      span_text("{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}"));
}

static void test_scalars_alone(void **state)
{
    (void)state;
    struct json_writer w = start(0);
    json_put_i64(&w, INT64_MIN);
    assert_true(json_write_ok(&w));
    assert_span_equal(sink_bytes(&out), span_text("-9223372036854775808"));
    w = start(4);
    json_put_text(&w, "");
    assert_true(json_write_ok(&w));
    assert_span_equal(sink_bytes(&out), span_text("\"\""));
}

static const struct {
    const char *name;
    const char *text;
    size_t len;
    const char *written;
} strings[] = {
    { "plain", "abc/'<>&", 8, "\"abc/'<>&\"" },
    { "quote and backslash", "\"\\", 2, "\"\\\"\\\\\"" },
    { "short escapes", "\n\r\t", 3, "\"\\n\\r\\t\"" },
    { "controls", "\0\x01\b\f\x1b\x1f", 6, "\"\\u0000\\u0001\\u0008\\u000c\\u001b\\u001f\"" },
    { "DEL", "\x7f", 1, "\"\\u007f\"" },
    { "UTF-8", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
      "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
    { "C1 controls", "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", 8, "\"\\u0080\\u009b\\u009f\xc2\xa0\"" },
    { "writing turned round",
      "\xe2\x80\xae\xe2\x80\xac\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c\xe2\x80\x8f", 17,
      "\"\\u202e\\u202c\\u2066\\u2069\\u061c\\u200f\"" },
    { "lines of another kind", "\xe2\x80\xa8\xe2\x80\xa9", 6, "\"\\u2028\\u2029\"" },
    { "a mark of byte order", "\xef\xbb\xbf", 3, "\"\\ufeff\"" },
    { "tags", "\xf3\xa0\x80\x81\xf3\xa0\x87\xaf", 8, "\"\\udb40\\udc01\\udb40\\uddef\"" },
    { "the highest", "\xf4\x8f\xbf\xbf", 4, "\"\xf4\x8f\xbf\xbf\"" },
    { "a bad byte",
      "a\xff"
      "b",
      3,
      "\"a\xef\xbf\xbd"
      "b\"" },
    { "two bad bytes", "\xc3\xc3\xa9", 3, "\"\xef\xbf\xbd\xc3\xa9\"" },
    { "a cut sequence", "\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
    { "a surrogate", "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
};

static void test_strings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct json_writer w = start(0);
        json_put_span(&w, span_of(strings[i].text, strings[i].len));
        assert_true(json_write_ok(&w));
        assert_span_equal(sink_bytes(&out), span_text(strings[i].written));
        w = start(0);
        json_begin_object(&w);
        json_put_key_span(&w, span_of(strings[i].text, strings[i].len));
        json_put_null(&w);
        json_end_object(&w);
        assert_true(json_write_ok(&w));
        struct json_node nodes[4];
        struct json json;
        assert_true(json_parse_into(sink_bytes(&out), nodes, 4, NULL, &json, NULL));
    }
}

/* --- what is no JSON text ---------------------------------------------------------------- */

/* One letter a call; "ok" is what json_write_ok says in the end. */
static void play(struct json_writer *w, const char *calls)
{
    for (; *calls != 0; calls++) {
        switch (*calls) {
        case '{':
            json_begin_object(w);
            break;
        case '}':
            json_end_object(w);
            break;
        case '[':
            json_begin_array(w);
            break;
        case ']':
            json_end_array(w);
            break;
        case 'k':
            json_put_key(w, "k");
            break;
        default:
            json_put_null(w);
            break;
        }
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *calls;
        bool ok;
    } rows[] = {
        { "n", true },      { "[]", true },      { "{}", true },       { "{kn}", true },
        { "{k[]}", true },  { "[{kn}n]", true }, { "{k{k{}}}", true }, { "[nn[n]]", true },
        { "", false },      { "nn", false },     { "[", false },       { "{", false },
        { "]", false },     { "}", false },      { "[}", false },      { "{]", false },
        { "{n}", false },   { "{k}", false },    { "{kk}", false },    { "{kkn}", false },
        { "{knn}", false }, { "k", false },      { "kn", false },      { "[k]", false },
        { "[kn]", false },  { "[]n", false },    { "n[]", false },     { "{}{}", false },
        { "[]]", false },   { "{k]n}", false },  { "{k}n}", false },   { "[[n]", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_writer w = start(0);
        play(&w, rows[i].calls);
        if (json_write_ok(&w) != rows[i].ok)
            fail_msg("%s", rows[i].calls);
    }
    struct json_writer w = start(0);
    json_put_raw(&w, (struct span){ 0 });
    assert_false(json_write_ok(&w));
}

/* Whatever the calls: when json_write_ok says yes the text is JSON. */
static void test_random_calls(void **state)
{
    (void)state;
    struct test_random random = { 6 };
    size_t good = 0;
    for (size_t trial = 0; trial < 50000; trial++) {
        char calls[9] = { 0 };
        size_t len = test_random_below(&random, sizeof calls);
        for (size_t i = 0; i < len; i++)
            calls[i] = "{}[]kn"[test_random_below(&random, 6)];
        struct json_writer w = start((unsigned)test_random_below(&random, 3));
        play(&w, calls);
        if (!json_write_ok(&w))
            continue;
        struct json_node nodes[16];
        struct json json;
        struct json_error error = { 0, "" };
        bool ok = json_parse_into(sink_bytes(&out), nodes, 16, NULL, &json, &error);
        /* The writer leaves it to its caller that names differ. */
        if (!ok)
            assert_string_equal(error.what, "the name of an earlier member");
        good++;
    }
    assert_in_range(good, 1000, 50000);
}

static void test_depth(void **state)
{
    (void)state;
    for (unsigned depth = JSON_WRITE_DEPTH_MAX; depth <= JSON_WRITE_DEPTH_MAX + 1; depth++) {
        struct json_writer w = start(0);
        for (unsigned i = 0; i < depth; i++)
            json_begin_array(&w);
        for (unsigned i = 0; i < depth; i++)
            json_end_array(&w);
        assert_int_equal(json_write_ok(&w), depth == JSON_WRITE_DEPTH_MAX);
    }
}

/* Every room but the whole one is too small. */
static void test_every_room(void **state)
{
    (void)state;
    struct json_writer w = start(2);
    put_sample(&w);
    size_t len = out.len;
    for (size_t cap = 0; cap <= len; cap++) {
        out = sink_over(room, cap);
        w = json_write_to(&out, 2);
        put_sample(&w);
        assert_int_equal(json_write_ok(&w), cap == len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_line, ""), TEST(test_indented, ""),   TEST(test_scalars_alone, ""),
        TEST(test_strings, ""),  TEST(test_refusals, ""),   TEST(test_random_calls, ""),
        TEST(test_depth, ""),    TEST(test_every_room, ""),
    };
    return RUN_TESTS(tests);
}
