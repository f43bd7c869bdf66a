/* test_cbor.c - every head in every form, every reader against every other type, maps and
   their keys.  Walking over whole items is in test_cbor_skip.c. */
#include "test.h"

#include <string.h>

#include "codec/cbor.h"
#include "codec/cbor_write.h"
#include "codec/hex.h"

static uint8_t room[1 << 16];

static struct cursor from_hex(const char *text)
{
    struct sink out = sink_over(room, sizeof room);
    assert_true(hex_decode_sink(span_text(text), &out));
    return cur_over(sink_bytes(&out));
}

/* --- heads ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    const char *bytes;
    bool ok;
    unsigned major, extra;
    uint64_t value;
    bool indefinite;
} heads[] = {
    { "0", "00", true, 0, 0, 0, false },
    { "23", "17", true, 0, 0, 23, false },
    { "24", "1818", true, 0, 1, 24, false },
    { "255", "18ff", true, 0, 1, 255, false },
    { "256", "190100", true, 0, 2, 256, false },
    { "65535", "19ffff", true, 0, 2, 65535, false },
    { "65536", "1a00010000", true, 0, 4, 65536, false },
    { "2^32-1", "1affffffff", true, 0, 4, UINT32_MAX, false },
    { "2^32", "1b0000000100000000", true, 0, 8, UINT64_C(1) << 32, false },
    { "2^64-1", "1bffffffffffffffff", true, 0, 8, UINT64_MAX, false },
    { "-1", "20", true, 1, 0, 0, false },
    { "bytes", "5830", true, 2, 1, 48, false },
    { "text", "63", true, 3, 0, 3, false },
    { "array", "84", true, 4, 0, 4, false },
    { "map", "b818", true, 5, 1, 24, false },
    { "an open array", "9f", true, 4, 0, 0, true },
    { "an open map", "bf", true, 5, 0, 0, true },
    { "tag 18", "d2", true, 6, 0, 18, false },
    { "nil", "f6", true, 7, 0, 22, false },
    { "a half float", "f97e00", true, 7, 2, 0x7e00, false },
    { "a float", "fa00000000", true, 7, 4, 0, false },
    { "a double", "fb0000000000000000", true, 7, 8, 0, false },
    { "simple 32", "f820", true, 7, 1, 32, false },
    { "nothing", "", false, 0, 0, 0, false },
    { "23 in two bytes", "1817", false, 0, 0, 0, false },
    { "0 in two bytes", "1800", false, 0, 0, 0, false },
    { "255 in three bytes", "1900ff", false, 0, 0, 0, false },
    { "65535 in five bytes", "1a0000ffff", false, 0, 0, 0, false },
    { "2^32-1 in nine bytes", "1b00000000ffffffff", false, 0, 0, 0, false },
    { "0 in nine bytes", "1b0000000000000000", false, 0, 0, 0, false },
    { "-24 in two bytes", "3817", false, 0, 0, 0, false },
    { "a long length of bytes", "5803", false, 0, 0, 0, false },
    { "a long length of text", "790003", false, 0, 0, 0, false },
    { "a long count of an array", "9804", false, 0, 0, 0, false },
    { "a long count of a map", "b900ff", false, 0, 0, 0, false },
    { "a long tag", "d812", false, 0, 0, 0, false },
    { "simple 31 in two bytes", "f81f", false, 0, 0, 0, false },
    { "true in two bytes", "f815", false, 0, 0, 0, false },
    { "an open number", "1f", false, 0, 0, 0, false },
    { "an open negative", "3f", false, 0, 0, 0, false },
    { "open bytes", "5f4101ff", false, 0, 0, 0, false },
    { "open text", "7f6161ff", false, 0, 0, 0, false },
    { "an open tag", "df00", false, 0, 0, 0, false },
    { "a break", "ff", false, 0, 0, 0, false },
    { "a cut number", "18", false, 0, 0, 0, false },
    { "a number cut later", "1b00000001000000", false, 0, 0, 0, false },
};

static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct cursor in = from_hex(heads[i].bytes);
        struct cbor_head head = { .major = 99 };
        if (cbor_head(&in, &head) != heads[i].ok)
            fail_msg("%s", heads[i].name);
        if (!heads[i].ok) {
            assert_int_equal(cur_offset(&in), 0);
            assert_int_equal(head.major, 99);
            continue;
        }
        assert_int_equal(head.major, heads[i].major);
        assert_int_equal(head.extra, heads[i].extra);
        assert_int_equal(head.value, heads[i].value);
        assert_int_equal(head.indefinite, heads[i].indefinite);
        assert_true(cur_end(&in));
    }
}

/* Forms that RFC 8949 reserves (28..30), for all types and whatever follows. */
static void test_reserved_forms(void **state)
{
    (void)state;
    for (unsigned major = 0; major < 8; major++) {
        for (unsigned info = 28; info < 31; info++) {
            uint8_t bytes[17] = { (uint8_t)(major << 5 | info), 0xff, 0xff };
            struct cursor in = cur_over(SPAN(bytes));
            struct cbor_head head;
            assert_false(cbor_head(&in, &head));
            assert_false(cbor_skip(&in, CBOR_DEPTH_MAX));
        }
    }
}

/* --- items of one type ------------------------------------------------------------------ */

enum reader { U64, INT, BYTES, TEXT, BOOL, NIL, ARRAY, MAP, TAG18, READERS };

static bool reads(struct cursor *in, enum reader reader)
{
    uint64_t u;
    int64_t i;
    struct span s;
    bool b;
    size_t n;
    struct cbor_map map;
    switch (reader) {
    case U64:
        return cbor_u64(in, &u);
    case INT:
        return cbor_int(in, &i);
    case BYTES:
        return cbor_bytes(in, &s);
    case TEXT:
        return cbor_text(in, &s);
    case BOOL:
        return cbor_bool(in, &b);
    case NIL:
        return cbor_nil(in);
    case ARRAY:
        return cbor_array(in, &n);
    case MAP:
        return cbor_map_open(in, false, &map);
    case TAG18:
        return cbor_tag(in, 18);
    case READERS:
        break;
    }
    return false;
}

static const struct {
    const char *bytes;
    unsigned readers; /* bit r: reader r accepts it */
} items[] = {
    { "00", 1 << U64 | 1 << INT },
    { "1b7fffffffffffffff", 1 << U64 | 1 << INT },
    { "1b8000000000000000", 1 << U64 },
    { "20", 1 << INT },
    { "3822", 1 << INT }, /* -35, the number of ES384 */
    { "3b7fffffffffffffff", 1 << INT },
    { "3b8000000000000000", 0 },
    { "40", 1 << BYTES },
    { "43010203", 1 << BYTES },
    { "430102", 0 },
    { "5bffffffffffffffff", 0 },
    { "5b00000001000000000000", 0 },
    { "60", 1 << TEXT },
    { "63616263", 1 << TEXT },
    { "62c3a9", 1 << TEXT },
    { "61c3", 0 },
    { "61ff", 0 },
    { "63eda080", 0 },
    { "636162", 0 },
    { "7bffffffffffffffff", 0 },
    { "f4", 1 << BOOL },
    { "f5", 1 << BOOL },
    { "f6", 1 << NIL },
    { "f7", 0 }, /* undefined is not nil */
    { "e0", 0 },
    { "f8ff", 0 },
    { "f90016", 0 }, /* a half float with the bits of nil's number */
    { "fa00000016", 0 },
    { "80", 1 << ARRAY },
    { "8100", 1 << ARRAY },
    { "81", 0 }, /* more items than bytes */
    { "9bffffffffffffffff00", 0 },
    { "9f00ff", 0 },
    { "a0", 1 << MAP },
    { "a10000", 1 << MAP },
    { "a100", 0 }, /* half a pair */
    { "bbffffffffffffffff0000", 0 },
    { "bb80000000000000000000", 0 }, /* twice this is 0 in 64 bits */
    { "bf0000ff", 0 },
    { "d200", 1 << TAG18 },
    { "d100", 0 },
    { "d81800", 0 },
    { "", 0 },
};

static void test_each_reader_on_each_item(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        for (enum reader reader = U64; reader < READERS; reader++) {
            struct cursor in = from_hex(items[i].bytes);
            bool want = (items[i].readers >> reader & 1) != 0;
            if (reads(&in, reader) != want)
                fail_msg("%s read by %d", items[i].bytes, (int)reader);
            if (!want)
                assert_int_equal(cur_offset(&in), 0);
        }
    }
}

static void test_values(void **state)
{
    (void)state;
    struct cursor in = from_hex("19012c3822430102036261620080f5");
    uint64_t u = 0;
    int64_t i = 0;
    struct span s;
    size_t n = 9;
    bool b = false;
    assert_true(cbor_u64(&in, &u) && u == 300);
    assert_true(cbor_int(&in, &i) && i == -35);
    assert_true(cbor_bytes(&in, &s));
    assert_span_equal(s, span_of("\x01\x02\x03", 3));
    assert_true(cbor_text(&in, &s));
    assert_span_equal(s, span_text("ab"));
    assert_true(cbor_int(&in, &i) && i == 0);
    assert_true(cbor_array(&in, &n) && n == 0);
    assert_false(cbor_is_nil(&in));
    assert_true(cbor_bool(&in, &b) && b);
    assert_true(cur_end(&in));
    assert_false(cbor_is_nil(&in));
    in = from_hex("f6");
    assert_true(cbor_is_nil(&in));
    assert_int_equal(cur_offset(&in), 0);
    in = from_hex("3b7fffffffffffffff");
    assert_true(cbor_int(&in, &i) && i == INT64_MIN);
}

/* --- maps ------------------------------------------------------------------------------- */

/* Reads a map of numbers to numbers; -1 for a refusal, else the number of pairs. */
static int read_map(const char *hex, bool allow_indefinite)
{
    struct cursor in = from_hex(hex);
    struct cbor_map map;
    if (!cbor_map_open(&in, allow_indefinite, &map))
        return -1;
    for (bool more = true;;) {
        uint64_t ignored;
        if (!cbor_map_next(&in, &map, &more))
            return -1;
        if (!more)
            break;
        if (!cbor_u64(&in, &ignored) || !cbor_u64(&in, &ignored))
            return -1;
    }
    bool again = true;
    assert_true(cbor_map_next(&in, &map, &again));
    assert_false(again);
    return cur_end(&in) ? (int)map.read : -1;
}

static void test_maps(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int definite, either;
    } rows[] = {
        { "a0", 0, 0 },         { "a10102", 1, 1 },       { "a201020304", 2, 2 },
        { "bfff", -1, 0 },      { "bf0102ff", -1, 1 },    { "bf01020304ff", -1, 2 },
        { "bf", -1, -1 },       { "bf01", -1, -1 },       { "bf0102", -1, -1 },
        { "bf01ff", -1, -1 },   { "bf0102ff00", -1, -1 }, { "a1", -1, -1 },
        { "a101", -1, -1 },     { "a2010203", -1, -1 },   { "a10102ff", -1, -1 },
        { "a1010203", -1, -1 }, { "80", -1, -1 },         { "9fff", -1, -1 },
        { "", -1, -1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(read_map(rows[i].bytes, false), rows[i].definite);
        assert_int_equal(read_map(rows[i].bytes, true), rows[i].either);
    }
}

static void test_unique_keys(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        unsigned depth;
        bool ok;
    } rows[] = {
        { "a0", 1, true },
        { "a201000200", 1, true },
        { "a201000100", 1, false },
        { "bf01000200ff", 1, true },
        { "bf01000100ff", 1, false },
        { "a2616100616200", 1, true },
        { "a2616100616100", 1, false },
        { "a2616100416100", 1, true }, /* text and bytes are two keys */
        { "a2200000f6", 1, true },     /* -1 and 0 */
        { "a201800280", 1, false },    /* a value deeper than allowed */
        { "a201800280", 2, true },
        { "a20180028180", 2, false },
        { "a20180028180", 3, true },
        { "a2800080a0", 2, false }, /* the same array twice */
        { "a10100", 0, false },
        { "a20100", 2, false },         /* cut */
        { "a2010018010000", 2, false }, /* 1, and 1 in a longer form */
        { "80", 3, false },
        { "", 3, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cursor in = from_hex(rows[i].bytes);
        if (cbor_keys_unique(&in, rows[i].depth) != rows[i].ok)
            fail_msg("%s at depth %u", rows[i].bytes, rows[i].depth);
        assert_int_equal(cur_offset(&in), 0);
    }
}

static void test_number_of_keys(void **state)
{
    (void)state;
    for (uint64_t count = CBOR_KEYS_MAX - 2; count <= CBOR_KEYS_MAX + 1; count++) {
        for (uint64_t repeat = 0; repeat < 2; repeat++) {
            struct sink out = sink_over(room, sizeof room);
            cbor_put_map(&out, count);
            for (uint64_t key = 0; key < count; key++) {
                cbor_put_u64(&out, repeat != 0 && key == count - 1 ? count / 2 : key);
                cbor_put_nil(&out);
            }
            struct cursor in = cur_over(sink_bytes(&out));
            assert_int_equal(cbor_keys_unique(&in, 1), count <= CBOR_KEYS_MAX && repeat == 0);
        }
    }
}

/* Lengths and counts that no input has, wherever one stands. */
static void test_huge_lengths(void **state)
{
    (void)state;
    static const uint8_t majors[] = { 0x5b, 0x7b, 0x9b, 0xbb };
    for (size_t m = 0; m < sizeof majors; m++) {
        for (unsigned bit = 20; bit < 64; bit++) {
            struct sink out = sink_over(room, sizeof room);
            sink_u8(&out, majors[m]);
            sink_u64be(&out, UINT64_C(1) << bit);
            struct cursor in = cur_over(SPAN(room));
            assert_false(cbor_skip(&in, 8));
            for (enum reader reader = U64; reader < READERS; reader++)
                assert_false(reads(&in, reader));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_heads, ""),
        TEST(test_reserved_forms, ""),
        TEST(test_each_reader_on_each_item, ""),
        TEST(test_values, ""),
        TEST(test_maps, ""),
        TEST(test_unique_keys, ""),
        TEST(test_number_of_keys, ""),
        TEST(test_huge_lengths, "RL-6"),
    };
    return RUN_TESTS(tests);
}
