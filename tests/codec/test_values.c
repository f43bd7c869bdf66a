/* test_values.c - one table, two encodings: what one takes the other takes, what one refuses the
   other refuses. */
#include "codec/values.h"

#include <string.h>

#include "base/number.h"
#include "codec/protobuf.h"
#include "test.h"

struct item {
    struct span name;
    uint64_t wide;
};

struct sample {
    struct span text, bytes;
    uint64_t wide;
    int64_t deep, at;
    uint32_t narrow, kind;
    bool yes;
    struct schema_list names, items;
};

static const char *const kinds[] = { "KIND_UNSPECIFIED", "KIND_ONE", "KIND_TWO" };
static const struct schema_enum kind_enum = { "Kind", "A kind.", kinds, 3 };
static const struct schema_field item_fields[] = {
    { "name", "N.", 1, SCHEMA_STRING, offsetof(struct item, name), 4, 0, true, NULL, NULL },
    { "wide", "W.", 2, SCHEMA_UINT64, offsetof(struct item, wide), 0, 0, false, NULL, NULL },
};
static const struct schema_message item_message = { "Item", "An item.", item_fields, 2,
                                                    sizeof(struct item) };
#define FIELD(member, number, type, ...)                                                           \
    {                                                                                              \
#member, "F.", number, SCHEMA_##type, offsetof(struct sample, member), __VA_ARGS__         \
    }
static const struct schema_field sample_fields[] = {
    FIELD(text, 1, STRING, 8, 0, false, NULL, NULL),
    FIELD(bytes, 2, BYTES, 4, 0, false, NULL, NULL),
    FIELD(wide, 3, UINT64, 0, 0, false, NULL, NULL),
    FIELD(deep, 4, INT64, 0, 0, false, NULL, NULL),
    FIELD(at, 5, TIME, 0, 0, false, NULL, NULL),
    FIELD(narrow, 6, UINT32, 1000, 0, false, NULL, NULL),
    FIELD(kind, 7, ENUM, 0, 0, false, NULL, &kind_enum),
    FIELD(yes, 8, BOOL, 0, 0, false, NULL, NULL),
    FIELD(names, 9, STRING, 4, 3, false, NULL, NULL),
    FIELD(items, 20, MESSAGE, 0, 2, false, &item_message, NULL),
};
static const struct schema_message sample_message = { "Sample", "A sample.", sample_fields, 10,
                                                      sizeof(struct sample) };

enum { ROOM = 4096 };
static uint8_t room[1 << 20];

/* JSON -> struct -> protobuf -> struct -> JSON. */
static void test_round_trips(void **state)
{
    (void)state;
    static const struct {
        const char *name, *json, *wire, *back;
    } rows[] = {
        { "nothing", "{}", "",
          "{\"text\":\"\",\"bytes\":\"\",\"wide\":\"0\",\"deep\":\"0\",\"at\":\"\",\"narrow\":0,"
          "\"kind\":\"KIND_UNSPECIFIED\",\"yes\":false,\"names\":[],\"items\":[]}" },
        { "everything",
          "{\"text\":\"a\\u00e9\",\"bytes\":\"/wA=\",\"wide\":\"18446744073709551615\",\"deep\":-1,"
          "\"at\":\"2025-07-04T10:16:31Z\",\"narrow\":1000,\"kind\":\"KIND_TWO\",\"yes\":true,"
          "\"names\":[\"\",\"b\"],\"items\":[{\"name\":\"x\",\"wide\":1},{\"name\":\"y\"}]}",
          "\x0a\x03"
          "a\xc3\xa9"
          "\x12\x02\xff|"
          "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
          "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
          "\x2a\x14"
          "2025-07-04T10:16:31Z"
          "\x30\xe8\x07\x38\x02\x40\x01\x4a|\x4a\x01"
          "b"
          "\xa2\x01\x05\x0a\x01x\x10\x01\xa2\x01\x03\x0a\x01y",
          "{\"text\":\"a\xc3\xa9\",\"bytes\":\"/wA=\",\"wide\":\"18446744073709551615\","
          "\"deep\":\"-1\",\"at\":\"2025-07-04T10:16:31Z\",\"narrow\":1000,\"kind\":\"KIND_TWO\","
          "\"yes\":true,\"names\":[\"\",\"b\"],\"items\":[{\"name\":\"x\",\"wide\":\"1\"},"
          "{\"name\":\"y\",\"wide\":\"0\"}]}" },
        { "numbers as strings", "{\"wide\":7,\"deep\":\"-9223372036854775808\",\"narrow\":\"5\"}",
          "\x18\x07\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x30\x05",
          "{\"text\":\"\",\"bytes\":\"\",\"wide\":\"7\",\"deep\":\"-9223372036854775808\","
          "\"at\":\"\",\"narrow\":5,\"kind\":\"KIND_UNSPECIFIED\",\"yes\":false,\"names\":[],"
          "\"items\":[]}" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_over(room, sizeof room);
        struct sample one, two;
        struct values_error error;
        uint8_t wire[ROOM], text[ROOM], want[ROOM];
        if (!values_read_json(&sample_message, span_text(rows[i].json), &arena, &one, &error))
            fail_msg("%s: %s %s", rows[i].name, error.field, error.what);
        struct sink out = sink_over(wire, sizeof wire);
        assert_true(protobuf_write(&sample_message, &one, &out));
        /* A bar in the row stands for a zero byte. */
        size_t len = strlen(rows[i].wire);
        for (size_t k = 0; k < len; k++)
            want[k] = rows[i].wire[k] == '|' ? 0 : (uint8_t)rows[i].wire[k];
        assert_span_equal(sink_bytes(&out), span_of(want, len));
        assert_true(protobuf_read(&sample_message, sink_bytes(&out), &arena, &two, &error));
        struct sink json = sink_over(text, sizeof text);
        struct json_writer writer = json_write_to(&json, 0);
        assert_true(values_write_json(&sample_message, &two, &writer) && json_write_ok(&writer));
        assert_span_equal(sink_bytes(&json), span_text(rows[i].back));
    }
}

static const struct {
    const char *name, *json, *field, *what, *nearest;
} bad_json[] = {
    { "no object", "[]", NULL, "the message is not an object", NULL },
    { "no JSON", "{", NULL, NULL, NULL },
    { "empty", "", NULL, NULL, NULL },
    { "two values", "{}{}", NULL, NULL, NULL },
    { "a name twice", "{\"wide\":1,\"wide\":1}", NULL, NULL, NULL },
    { "unknown name", "{\"wid\":1}", NULL, "there is no such field", "wide" },
    { "unknown far name", "{\"zzzzzz\":1}", NULL, "there is no such field", NULL },
    { "null", "{\"text\":null}", "text", "is of another type", NULL },
    { "number for text", "{\"text\":1}", "text", "is of another type", NULL },
    { "text too long", "{\"text\":\"123456789\"}", "text", "is longer than the limit", NULL },
    { "U+0000", "{\"text\":\"\\u0000\"}", "text", "holds U+0000", NULL },
    { "base64 without padding", "{\"bytes\":\"/w\"}", "bytes", NULL, NULL },
    { "URL base64", "{\"bytes\":\"_w==\"}", "bytes", NULL, NULL },
    { "bytes too long", "{\"bytes\":\"MTIzNDU=\"}", "bytes", NULL, NULL },
    { "negative", "{\"wide\":-1}", "wide", "is not a plain decimal number", NULL },
    { "fraction", "{\"wide\":1.0}", "wide", "is not a plain decimal number", NULL },
    { "exponent", "{\"wide\":1e3}", "wide", "is not a plain decimal number", NULL },
    { "2^64", "{\"wide\":\"18446744073709551616\"}", "wide", NULL, NULL },
    { "number in spaces", "{\"wide\":\" 1\"}", "wide", NULL, NULL },
    { "number in spaces behind", "{\"wide\":\"1 \"}", "wide", NULL, NULL },
    { "leading zero", "{\"wide\":\"01\"}", "wide", NULL, NULL },
    { "empty number", "{\"wide\":\"\"}", "wide", NULL, NULL },
    { "true for a number", "{\"wide\":true}", "wide", "is of another type", NULL },
    { "-2^63-1", "{\"deep\":\"-9223372036854775809\"}", "deep", NULL, NULL },
    { "past the limit", "{\"narrow\":1001}", "narrow", "is larger than the limit", NULL },
    { "2^32", "{\"narrow\":4294967296}", "narrow", "is not a plain decimal number", NULL },
    { "no time", "{\"at\":\"yesterday\"}", "at", "is not an RFC 3339 time", NULL },
    { "number for a time", "{\"at\":1}", "at", "is of another type", NULL },
    { "unknown enum", "{\"kind\":\"KIND_TEN\"}", "kind", "is none of its values", NULL },
    { "number for an enum", "{\"kind\":1}", "kind", "is of another type", NULL },
    { "text for a bool", "{\"yes\":\"true\"}", "yes", "is not true or false", NULL },
    { "text for a list", "{\"names\":\"a\"}", "names", "is not a list", NULL },
    { "long list", "{\"names\":[\"\",\"\",\"\",\"\"]}", "names", NULL, NULL },
    { "long item", "{\"names\":[\"12345\"]}", "names", "is longer than the limit", NULL },
    { "item of another type", "{\"names\":[1]}", "names", "is of another type", NULL },
    { "list in a list", "{\"names\":[[]]}", "names", "is of another type", NULL },
    { "no object in a list", "{\"items\":[1]}", NULL, "the message is not an object", NULL },
    { "unknown name inside", "{\"items\":[{\"nam\":\"\"}]}", NULL, NULL, "name" },
    { "required inside", "{\"items\":[{}]}", "name", "is required", NULL },
};

static void test_json_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_json); i++) {
        struct arena arena = arena_over(room, sizeof room);
        struct sample one;
        struct values_error error = { 0 };
        if (values_read_json(&sample_message, span_text(bad_json[i].json), &arena, &one, &error))
            fail_msg("%s: accepted", bad_json[i].name);
        bool right = error.what != NULL &&
                     (bad_json[i].what == NULL || strcmp(error.what, bad_json[i].what) == 0) &&
                     (error.field == NULL) == (bad_json[i].field == NULL) &&
                     (error.nearest == NULL) == (bad_json[i].nearest == NULL);
        if (!right || (error.field != NULL && strcmp(error.field, bad_json[i].field) != 0) ||
            (error.nearest != NULL && strcmp(error.nearest, bad_json[i].nearest) != 0))
            fail_msg("%s: %s %s %s", bad_json[i].name, error.field, error.what, error.nearest);
    }
}

#define WIRE(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
static const struct {
    const char *name;
    struct span wire;
} bad_wire[] = {
    { "tag alone", WIRE("\x08") },
    { "field 0", WIRE("\x00\x01") },
    { "unknown field", WIRE("\x50\x01") },
    { "unknown far field", WIRE("\x80\x80\x80\x80\x08\x01") },
    { "field past 2^29", WIRE("\x80\x80\x80\x80\x10\x01") },
    { "varint for text", WIRE("\x08\x01") },
    { "text for a varint", WIRE("\x1a\x01\x01") },
    { "fixed64 for a varint", WIRE("\x19\1\0\0\0\0\0\0\0") },
    { "fixed32 for a varint", WIRE("\x1d\1\0\0\0") },
    { "fixed64 for text", WIRE("\x09\1\0\0\0\0\0\0\0") },
    { "group", WIRE("\x0b\x0c") },
    { "end of a group", WIRE("\x0c") },
    { "wire type 6", WIRE("\x0e") },
    { "wire type 7", WIRE("\x0f") },
    { "length past the end", WIRE("\x0a\x02x") },
    { "length of 2^64-1", WIRE("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") },
    { "a field twice", WIRE("\x18\x01\x18\x01") },
    { "text twice", WIRE("\x0a\x01x\x0a\x01x") },
    { "long varint", WIRE("\x18\x81\x00") },
    { "long tag", WIRE("\x98\x00\x01") },
    { "long length", WIRE("\x0a\x81\x00x") },
    { "varint of 65 bits", WIRE("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02") },
    { "varint of 11 bytes", WIRE("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") },
    { "varint without an end", WIRE("\x18\xff") },
    { "2 for a bool", WIRE("\x40\x02") },
    { "2^32 for a uint32", WIRE("\x30\x80\x80\x80\x80\x10") },
    { "past the limit", WIRE("\x30\xe9\x07") },
    { "unknown enum", WIRE("\x38\x03") },
    { "negative enum", WIRE("\x38\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") },
    { "text too long", WIRE("\x0a\x09"
                            "123456789") },
    { "text that is no UTF-8", WIRE("\x0a\x01\xff") },
    { "U+0000", WIRE("\x0a\x01\0") },
    { "bytes too long", WIRE("\x12\x05"
                             "12345") },
    { "no time", WIRE("\x2a\x01x") },
    { "long list", WIRE("\x4a\0\x4a\0\x4a\0\x4a\0") },
    { "varint for an item", WIRE("\x48\x01") },
    { "item too long", WIRE("\x4a\x05"
                            "12345") },
    { "broken message inside", WIRE("\xa2\x01\x01\x0a") },
    { "unknown field inside", WIRE("\xa2\x01\x02\x18\x01") },
    { "required inside", WIRE("\xa2\x01\x00") },
    { "three messages", WIRE("\xa2\x01\x03\x0a\1x\xa2\x01\x03\x0a\1x\xa2\x01\x03\x0a\1x") },
};

static void test_wire_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_wire); i++) {
        struct arena arena = arena_over(room, sizeof room);
        struct sample one;
        struct values_error error = { 0 };
        if (protobuf_read(&sample_message, bad_wire[i].wire, &arena, &one, &error))
            fail_msg("%s: accepted", bad_wire[i].name);
        if (error.what == NULL)
            fail_msg("%s: no reason", bad_wire[i].name);
    }
}

/* A message cut anywhere is refused, or is the message that those fields are. */
static void test_wire_truncation(void **state)
{
    (void)state;
    static const uint8_t wire[] = "\x0a\x03"
                                  "abc\x18\x96\x01\x4a\x01x\xa2\x01\x05\x0a\x01x\x10\x01";
    static const size_t whole[] = { 0, 5, 8, 11, 19 };
    for (size_t len = 0; len < sizeof wire; len++) {
        struct arena arena = arena_over(room, sizeof room);
        struct sample one;
        struct values_error error;
        bool ends = false;
        for (size_t k = 0; k < COUNT_OF(whole); k++)
            ends = ends || whole[k] == len;
        assert_int_equal(protobuf_read(&sample_message, span_of(wire, len), &arena, &one, &error),
                         ends);
    }
}

/* Random bytes: either encoding that was taken is taken again after the other one. */
static void test_agreement(void **state)
{
    (void)state;
    struct test_random random = { 11 };
    size_t taken = 0;
    for (size_t trial = 0; trial < 20000; trial++) {
        uint8_t wire[16], again[ROOM], text[ROOM];
        size_t len = test_random_below(&random, sizeof wire);
        for (size_t i = 0; i < len; i++)
            wire[i] = (uint8_t)test_random_below(&random, i % 2 == 0 ? 0x50 : 3);
        struct arena arena = arena_over(room, sizeof room);
        struct sample one, two;
        struct values_error error;
        if (!protobuf_read(&sample_message, span_of(wire, len), &arena, &one, &error))
            continue;
        taken++;
        struct sink json = sink_over(text, sizeof text), out = sink_over(again, sizeof again);
        struct json_writer writer = json_write_to(&json, 0);
        assert_true(values_write_json(&sample_message, &one, &writer));
        assert_true(values_read_json(&sample_message, sink_bytes(&json), &arena, &two, &error));
        assert_true(protobuf_write(&sample_message, &two, &out));
        struct sample three;
        assert_true(protobuf_read(&sample_message, sink_bytes(&out), &arena, &three, &error));
        assert_int_equal(three.wide, one.wide);
        assert_span_equal(three.text, one.text);
        assert_int_equal(three.names.count, one.names.count);
    }
    assert_true(taken > 300);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    struct sample one;
    struct values_error error;
    static const char json[] =
        "{\"text\":\"\\u0041\",\"names\":[\"\",\"b\"],\"items\":[{\"name\":\"x\"}]}";
    size_t cap = 0;
    for (; cap < ROOM; cap++) {
        struct arena arena = arena_over(room, cap);
        if (values_read_json(&sample_message, span_text(json), &arena, &one, &error))
            break;
        assert_non_null(error.what);
    }
    assert_in_range(cap, 100, ROOM - 1);
    static const uint8_t wire[] = "\x4a\x01x\xa2\x01\x03\x0a\x01x";
    for (cap = 0; cap < ROOM; cap++) {
        struct arena arena = arena_over(room, cap);
        if (protobuf_read(&sample_message, span_of(wire, sizeof wire - 1), &arena, &one, &error))
            break;
    }
    assert_in_range(cap, 30, ROOM - 1);
}

static void test_writers_refuse(void **state)
{
    (void)state;
    struct span names[4] = { { 0 } };
    const struct sample rows[] = {
        { .text = span_text("123456789") },
        { .text = span_text("\xff") },
        { .narrow = 1001 },
        { .kind = 3 },
        { .at = INT64_MAX },
        { .names = { names, 4 } },
        { .items = { &(struct item){ .wide = 1 }, 1 } },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[ROOM];
        struct sink out = sink_over(bytes, sizeof bytes);
        struct json_writer writer = json_write_to(&out, 0);
        assert_false(values_write_json(&sample_message, &rows[i], &writer));
        assert_false(protobuf_write(&sample_message, &rows[i], &out));
        assert_int_equal(out.len, 0);
    }
    struct sample one = { .text = span_text("12345678"),
                          .items = { &(struct item){ span_text("x"), 1 }, 1 } };
    for (size_t cap = 0; cap < 18; cap++) {
        uint8_t bytes[32];
        struct sink out = sink_over(bytes, cap);
        assert_false(protobuf_write(&sample_message, &one, &out));
        assert_int_equal(out.len, 0);
    }
}

/* A nested message of every length around the sizes of its length. */
static void test_nested_lengths(void **state)
{
    (void)state;
    static uint8_t big[20000], bytes[20010];
    static const size_t lengths[] = { 0, 1, 127, 128, 16383, 16384, 20000 };
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        struct sink out = sink_over(bytes, sizeof bytes);
        size_t begun = protobuf_begin(&out, 1);
        sink_put(&out, span_of(big, lengths[i]));
        protobuf_end(&out, begun);
        struct cursor in = cur_over(sink_bytes(&out));
        struct protobuf_field field;
        assert_true(protobuf_take_field(&in, &field) && cur_end(&in));
        assert_int_equal(field.bytes.len, lengths[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trips, ""),    TEST(test_json_refusals, ""),
        TEST(test_wire_refusals, ""),  TEST(test_wire_truncation, ""),
        TEST(test_agreement, ""),      TEST(test_memory_runs_out, ""),
        TEST(test_writers_refuse, ""), TEST(test_nested_lengths, ""),
    };
    return RUN_TESTS(tests);
}
