/* test_sink.c - a sink never writes past its end, and says so once for all. */
#include "base/number.h"
#include "base/sink.h"

#include "base/cursor.h"
#include "test.h"

static void test_writes_what_a_cursor_reads(void **state)
{
    (void)state;
    uint8_t room[64];
    struct sink out = sink_over(room, sizeof room);
    sink_u8(&out, 1);
    sink_u16le(&out, 0x0203);
    sink_u32le(&out, 0x04050607);
    sink_u64le(&out, 8);
    sink_u16be(&out, 0x0203);
    sink_u32be(&out, 0x04050607);
    sink_u64be(&out, 8);
    sink_zero(&out, 2);
    sink_text(&out, "ab");
    assert_true(sink_ok(&out));
    struct cursor in = cur_over(sink_bytes(&out));
    uint8_t u8;
    uint16_t le16, be16, zero;
    uint32_t le32, be32;
    uint64_t le64, be64;
    assert_true(cur_u8(&in, &u8) && cur_u16le(&in, &le16) && cur_u32le(&in, &le32) &&
                cur_u64le(&in, &le64) && cur_u16be(&in, &be16) && cur_u32be(&in, &be32) &&
                cur_u64be(&in, &be64) && cur_u16le(&in, &zero) &&
                cur_expect(&in, span_text("ab")) && cur_end(&in));
    assert_true(u8 == 1 && le16 == be16 && le32 == be32 && le64 == be64 && zero == 0);
}

static void test_full_stays_full(void **state)
{
    (void)state;
    uint8_t room[5] = { 0, 0, 0, 0, 0x55 };
    struct sink out = sink_over(room, 4);
    sink_text(&out, "abc");
    sink_u16le(&out, 1);
    assert_false(sink_ok(&out));
    sink_u8(&out, 'x');
    assert_int_equal(out.len, 3);
    assert_true(sink_is_sound(&out));
    assert_int_equal(room[4], 0x55);
}

static void test_format_is_whole_or_nothing(void **state)
{
    (void)state;
    char room[8];
    struct sink out = sink_over(room, sizeof room);
    sink_format(&out, "%d", 123);
    sink_format(&out, "%s", "too long for it");
    assert_false(sink_ok(&out));
    assert_span_equal(sink_bytes(&out), span_text("123"));
    struct sink none = sink_over(NULL, 0);
    sink_format(&none, "%d", 1);
    assert_false(sink_ok(&none));
    sink_terminate(&none);
}

static void test_hex_and_terminate(void **state)
{
    (void)state;
    char room[9];
    static const uint8_t bytes[] = { 0x00, 0xaf, 0x10, 0xff };
    struct sink out = sink_over(room, sizeof room);
    sink_hex(&out, SPAN(bytes));
    assert_true(sink_ok(&out));
    sink_terminate(&out);
    assert_string_equal(room, "00af10ff");
    out = sink_over(room, 8);
    sink_hex(&out, SPAN(bytes));
    sink_terminate(&out);
    assert_string_equal(room, "00af10f");
    assert_false(sink_ok(&out));
}

static void test_decimal(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        size_t least;
        const char *text;
    } rows[] = {
        { 0, 0, "0" },
        { 0, 1, "0" },
        { 7, 2, "07" },
        { 2026, 4, "2026" },
        { 12345, 2, "12345" },
        { 9, 20, "00000000000000000009" },
        { 1, 21, "00000000000000000001" },
        { UINT64_MAX, 1, "18446744073709551615" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char room[20];
        struct sink out = sink_over(room, sizeof room);
        sink_decimal(&out, rows[i].value, rows[i].least);
        assert_span_equal(sink_bytes(&out), span_text(rows[i].text));
    }
    char room[2];
    struct sink out = sink_over(room, sizeof room);
    sink_decimal(&out, 100, 1);
    assert_false(sink_ok(&out));
}

static void test_room_and_cut(void **state)
{
    (void)state;
    uint8_t bytes[4] = { 0 };
    struct sink out = sink_over(bytes, sizeof bytes);
    sink_u8(&out, 1);
    uint8_t *room = sink_room(&out, 3);
    assert_ptr_equal(room, bytes + 1);
    assert_int_equal(out.len, 4);
    sink_cut(&out, 9);
    assert_int_equal(out.len, 4);
    sink_cut(&out, 1);
    assert_int_equal(out.len, 1);
    assert_null(sink_room(&out, 4));
    assert_false(sink_ok(&out));
    sink_cut(&out, 0);
    assert_true(sink_is_sound(&out));
    assert_false(sink_ok(&out));
    struct sink none = sink_over(NULL, 0);
    assert_null(sink_room(&none, 0));
    assert_true(sink_ok(&none));
    assert_null(sink_room(&none, 1));
    assert_false(sink_ok(&none));
}

static void test_drop(void **state)
{
    (void)state;
    static const struct {
        const char *has, *left;
        size_t drop;
    } rows[] = {
        { "abcdef", "abcdef", 0 },  { "abcdef", "bcdef", 1 },
        { "abcdef", "def", 3 },     { "abcdef", "f", 5 },
        { "abcdef", "", 6 },        { "abcdef", "", 7 },
        { "abcdef", "", SIZE_MAX }, { "", "", 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[6];
        struct sink out = sink_over(bytes, sizeof bytes);
        sink_text(&out, rows[i].has);
        sink_drop(&out, rows[i].drop);
        assert_span_equal(sink_bytes(&out), span_text(rows[i].left));
        assert_true(sink_is_sound(&out) && sink_ok(&out));
        sink_zero(&out, sizeof bytes - out.len); /* the room is there again */
        assert_true(sink_ok(&out));
        sink_u8(&out, 1);
        sink_drop(&out, 6);
        assert_false(sink_ok(&out));
    }
    struct sink none = sink_over(NULL, 0);
    sink_drop(&none, 1);
    assert_int_equal(none.len, 0);
}

static void PRINTF_LIKE(2, 3) cut(struct sink *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sink_vformat_cut(out, format, args);
    va_end(args);
}

static void test_what_people_read_is_cut(void **state)
{
    (void)state;
    static const struct {
        size_t cap;
        const char *want; /* NULL: full */
    } rows[] = { { 7, "abcdef" }, { 6, "ab..." }, { 5, "a..." }, { 4, "..." },
                 { 3, NULL },     { 1, NULL },    { 0, NULL } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char room[8];
        struct sink out = sink_over(room, rows[i].cap);
        cut(&out, "%s", "abcdef");
        assert_int_equal(sink_ok(&out), rows[i].want != NULL);
        sink_terminate(&out);
        if (rows[i].want != NULL)
            assert_string_equal(room, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_writes_what_a_cursor_reads, ""),
        TEST(test_full_stays_full, ""),
        TEST(test_format_is_whole_or_nothing, ""),
        TEST(test_what_people_read_is_cut, ""),
        TEST(test_hex_and_terminate, ""),
        TEST(test_decimal, ""),
        TEST(test_room_and_cut, ""),
        TEST(test_drop, ""),
    };
    return RUN_TESTS(tests);
}
