/* test_der.c - the distinguished form of every type that is read, and the other forms that
   BER allows refused.  Cursor and results must not move on a refusal. */
#include "codec/der.h"

#include <stdlib.h>

#include "base/number.h"
#include "base/time.h"
#include "codec/der_write.h"
#include "codec/hex.h"
#include "test.h"

enum { INPUT_MAX = 512 };

/* The hex as a cursor; the bytes live until the next call. */
static struct cursor over_hex(const char *hex)
{
    static uint8_t bytes[INPUT_MAX];
    struct sink out = sink_over(bytes, sizeof bytes);
    assert_true(hex_decode_sink(span_text(hex), &out));
    return cur_over(sink_bytes(&out));
}

struct row {
    const char *name;
    const char *hex;
    bool good;
};

static void check(const struct row *row, bool accepted, const struct cursor *in)
{
    if (accepted != row->good)
        fail_msg("%s: %s", row->name, accepted ? "accepted" : "refused");
    if (!accepted)
        assert_int_equal(cur_offset(in), 0);
}

static void test_tags_and_lengths(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "short form", "0403010203", true },
        { "empty", "0400", true },
        { "context, primitive", "80017f", true },
        { "context, constructed", "a003020101", true },
        { "application class", "6100", true },
        { "private class", "c100", true },
        { "sequence", "3000", true },
        { "set", "3100", true },
        { "external", "2800", true },
        { "nothing", "", false },
        { "tag alone", "04", false },
        { "content missing", "0401", false },
        { "content short", "04030102", false },
        { "end of contents", "0000", false },
        { "high tag number", "1f0100", false },
        { "high tag number, context", "bf2a00", false },
        { "sequence, primitive", "1000", false },
        { "set, primitive", "1100", false },
        { "integer, constructed", "2203020101", false },
        { "octet string, constructed", "240404020102", false },
        { "bit string, constructed", "2304030200aa", false },
        { "utf8 string, constructed", "2c00", false },
        { "indefinite", "30800000", false },
        { "indefinite, primitive", "04800000", false },
        { "long form of 1", "04810100", false },
        { "long form of 127, one octet", "04817f", false },
        { "leading zero octet", "0482008000", false },
        { "length octets missing", "0482", false },
        { "length octets short", "048201", false },
        { "reserved 255", "04ff", false },
        { "five octets", "04850000000001", false },
        { "four octets, too long", "0484ffffffff", false },
        { "eight octets", "048800000000000000010a", false },
        { "eight octets, wrapping", "0488ffffffffffffffff", false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cursor in = over_hex(rows[i].hex);
        struct cursor start = in;
        struct der out = { .tag = 0xee };
        bool accepted = der_read(&in, &out);
        check(&rows[i], accepted, &in);
        if (accepted)
            assert_span_equal(out.whole, cur_rest(&start));
        else
            assert_int_equal(out.tag, 0xee);
    }
}

/* Every length from 0 past each change of form, and each one octet short. */
static void test_lengths_around_each_form(void **state)
{
    (void)state;
    static const size_t lens[] = { 0, 1, 126, 127, 128, 129, 254, 255, 256, 257, 65535, 65536 };
    static uint8_t content[65536], bytes[65536 + 8];
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        struct sink out = sink_over(bytes, sizeof bytes);
        der_put(&out, DER_OCTET_STRING, span_of(content, lens[i]));
        struct cursor in = cur_over(sink_bytes(&out));
        struct span value;
        assert_true(der_take(&in, DER_OCTET_STRING, &value) && cur_end(&in));
        assert_int_equal(value.len, lens[i]);
        in = cur_over(span_of(bytes, out.len - 1));
        assert_false(der_take(&in, DER_OCTET_STRING, &value));
        in = cur_over(sink_bytes(&out));
        assert_false(der_take(&in, DER_UTF8_STRING, &value));
        assert_int_equal(cur_offset(&in), 0);
    }
}

static void test_open_and_optional(void **state)
{
    (void)state;
    struct cursor in = over_hex("30060201050402aabb");
    struct cursor body;
    uint32_t number;
    bool present = true;
    struct span value = { 0 };
    assert_false(der_open(&in, DER_SET, &body));
    in = over_hex("30070201050402aabb");
    assert_true(der_open(&in, DER_SEQUENCE, &body) && cur_end(&in));
    assert_true(der_optional(&body, DER_NULL, &present, &value));
    assert_false(present);
    assert_null(value.at);
    assert_true(der_small(&body, &number) && number == 5);
    assert_true(der_optional(&body, DER_OCTET_STRING, &present, &value));
    assert_true(present && value.len == 2 && cur_end(&body));
    assert_true(der_optional(&body, DER_OCTET_STRING, &present, &value));
    assert_false(present);
    in = over_hex("0403aabb");
    present = true;
    assert_false(der_optional(&in, DER_OCTET_STRING, &present, &value));
    assert_true(present);
    in = over_hex("04020102");
    assert_true(der_take_whole(&in, DER_OCTET_STRING, &value));
    assert_int_equal(value.len, 4);
    assert_false(der_take_whole(&in, DER_OCTET_STRING, &value));
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        struct row row; /* as der_integer */
        bool unsign;    /* der_unsigned accepts */
        bool small;     /* der_small accepts */
        uint32_t value;
    } rows[] = {
        { { "0", "020100", true }, true, true, 0 },
        { { "1", "020101", true }, true, true, 1 },
        { { "127", "02017f", true }, true, true, 127 },
        { { "128", "02020080", true }, true, true, 128 },
        { { "255", "020200ff", true }, true, true, 255 },
        { { "256", "02020100", true }, true, true, 256 },
        { { "2^31 - 1", "02047fffffff", true }, true, true, INT32_MAX },
        { { "2^32 - 1", "020500ffffffff", true }, true, true, UINT32_MAX },
        { { "2^32", "02050100000000", true }, true, false, 0 },
        { { "-1", "0201ff", true }, false, false, 0 },
        { { "-128", "020180", true }, false, false, 0 },
        { { "-129", "0202ff7f", true }, false, false, 0 },
        { { "no octets", "0200", false }, false, false, 0 },
        { { "padded 0", "02020000", false }, false, false, 0 },
        { { "padded 1", "02020001", false }, false, false, 0 },
        { { "padded 127", "0202007f", false }, false, false, 0 },
        { { "padded twice", "0203000080", false }, false, false, 0 },
        { { "padded -1", "0202ffff", false }, false, false, 0 },
        { { "padded -128", "0202ff80", false }, false, false, 0 },
        { { "an octet string", "040101", false }, false, false, 0 },
        { { "an enumerated", "0a0101", false }, false, false, 0 },
        { { "long length", "02810101", false }, false, false, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span octets;
        uint32_t value = 77;
        struct cursor in = over_hex(rows[i].row.hex);
        check(&rows[i].row, der_integer(&in, &octets), &in);
        struct row row = { rows[i].row.name, rows[i].row.hex, rows[i].unsign };
        in = over_hex(row.hex);
        bool accepted = der_unsigned(&in, &octets);
        check(&row, accepted, &in);
        if (accepted && octets.len > 1)
            assert_int_not_equal(octets.at[0], 0);
        row.good = rows[i].small;
        in = over_hex(row.hex);
        accepted = der_small(&in, &value);
        check(&row, accepted, &in);
        assert_true(value == (accepted ? rows[i].value : 77));
    }
    uint32_t value = 77;
    struct cursor in = over_hex("0a0103");
    assert_true(der_enumerated(&in, &value) && value == 3);
    in = over_hex("0201030a01ff");
    assert_false(der_enumerated(&in, &value));
}

static void test_booleans(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "true", "0101ff", true },   { "false", "010100", true },    { "one", "010101", false },
        { "80", "010180", false },    { "fe", "0101fe", false },      { "empty", "0100", false },
        { "two", "0102ffff", false }, { "integer", "0201ff", false }, { "short", "0101", false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cursor in = over_hex(rows[i].hex);
        bool value = false;
        check(&rows[i], der_bool(&in, &value), &in);
        assert_int_equal(value, i == 0);
    }
}

static void test_identifiers(void **state)
{
    (void)state;
    static const struct {
        struct row row;
        const char *text;
    } rows[] = {
        { { "0.0", "060100", true }, "0.0" },
        { { "1.2.840.10045.4.3.2", "06082a8648ce3d040302", true }, "1.2.840.10045.4.3.2" },
        { { "2.5.29.19", "0603551d13", true }, "2.5.29.19" },
        { { "2.999", "06028837", true }, "2.999" },
        { { "2.40", "060178", true }, "2.40" },
        { { "1.39", "06014f", true }, "1.39" },
        { { "arc of 2^63 - 1", "060a2affffffffffffffff7f", true }, "1.2.9223372036854775807" },
        { { "arc of 2^63", "060b2a81808080808080808000", false }, NULL },
        { { "arc of 70 bits", "060b2affffffffffffffffff7f", false }, NULL },
        { { "arc that wraps 2^64", "060c2a8280808080808080808001", false }, NULL },
        { { "empty", "0600", false }, NULL },
        { { "unfinished arc", "06022a86", false }, NULL },
        { { "unfinished first arc", "060180", false }, NULL },
        { { "padded arc", "06032a8001", false }, NULL },
        { { "padded first arc", "0603802a01", false }, NULL },
        { { "relative", "0d03551d13", false }, NULL },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cursor in = over_hex(rows[i].row.hex);
        struct span oid = { 0 };
        bool accepted = der_oid(&in, &oid);
        check(&rows[i].row, accepted, &in);
        if (!accepted)
            continue;
        uint8_t text[64];
        struct sink out = sink_over(text, sizeof text);
        der_oid_write(&out, oid);
        assert_span_equal(sink_bytes(&out), span_text(rows[i].text));
    }
    uint8_t text[8];
    struct sink out = sink_over(text, sizeof text);
    der_oid_write(&out, span_of("\x80", 1));
    der_oid_write(&out, (struct span){ 0 });
    assert_span_equal(sink_bytes(&out), span_text("??"));
}

static void test_values_that_nobody_reads(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "null", "0500", true },
        { "null with content", "050100", false },
        { "boolean", "0101ff", true },
        { "boolean 01", "010101", false },
        { "integer", "020181", true },
        { "integer, padded", "02020001", false },
        { "enumerated, empty", "0a00", false },
        { "identifier", "06032a0304", true },
        { "identifier, padded", "06032a8001", false },
        { "sequence of anything", "300302ffff", true },
        { "octets", "0401ff", true },
        { "bits", "030201fe", true },
        { "no bits", "030100", true },
        { "bits of no octets", "0300", false },
        { "bits, 8 unused", "030208ff", false },
        { "bits, unused ones set", "030201ff", false },
        { "half a wide character", "1e0141", false },
        { "set", "3100", false },
        { "time", "17023031", false },
        { "context", "80010a", false },
        { "short", "0201", false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cursor in = over_hex(rows[i].hex);
        struct der out = { .tag = 0xee };
        bool accepted = der_any(&in, &out);
        check(&rows[i], accepted, &in);
        assert_true(accepted == (out.tag != 0xee));
    }
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t tag;
        const char *text;
        const char *rfc3339; /* NULL: refused */
    } rows[] = {
        { "first of UTCTime", 0x17, "500101000000Z", "1950-01-01T00:00:00Z" },
        { "epoch", 0x17, "700101000000Z", "1970-01-01T00:00:00Z" },
        { "1999", 0x17, "991231235959Z", "1999-12-31T23:59:59Z" },
        { "2000", 0x17, "000101000000Z", "2000-01-01T00:00:00Z" },
        { "leap day", 0x17, "240229120000Z", "2024-02-29T12:00:00Z" },
        { "last of UTCTime", 0x17, "491231235959Z", "2049-12-31T23:59:59Z" },
        { "first of GeneralizedTime", 0x18, "20500101000000Z", "2050-01-01T00:00:00Z" },
        { "no end", 0x18, "99991231235959Z", "9999-12-31T23:59:59Z" },
        { "GeneralizedTime before 2050", 0x18, "20491231235959Z", NULL },
        { "GeneralizedTime of 1949", 0x18, "19490101000000Z", NULL },
        { "no leap day", 0x17, "230229120000Z", NULL },
        { "month 13", 0x17, "231301000000Z", NULL },
        { "month 0", 0x17, "230001000000Z", NULL },
        { "day 0", 0x17, "230100000000Z", NULL },
        { "hour 24", 0x17, "230101240000Z", NULL },
        { "minute 60", 0x17, "230101006000Z", NULL },
        { "leap second", 0x17, "161231235960Z", NULL },
        { "no seconds", 0x17, "2301010000Z", NULL },
        { "no Z", 0x17, "230101000000", NULL },
        { "small z", 0x17, "230101000000z", NULL },
        { "offset", 0x17, "230101000000+0000", NULL },
        { "offset, general", 0x18, "20600101000000+0000", NULL },
        { "fraction", 0x18, "20600101000000.5Z", NULL },
        { "space", 0x17, "23 101000000Z", NULL },
        { "sign", 0x17, "+30101000000Z", NULL },
        { "colon digit", 0x17, "23010100000:Z", NULL },
        { "more", 0x17, "230101000000Z0", NULL },
        { "four-digit year as UTCTime", 0x17, "20230101000000Z", NULL },
        { "two-digit year as GeneralizedTime", 0x18, "600101000000Z", NULL },
        { "empty", 0x17, "", NULL },
        { "visible string", 0x1a, "230101000000Z", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[64];
        struct sink out = sink_over(bytes, sizeof bytes);
        der_put(&out, rows[i].tag, span_text(rows[i].text));
        struct cursor in = cur_over(sink_bytes(&out));
        int64_t at = 77;
        int64_t want = 77;
        struct row row = { rows[i].name, rows[i].text, rows[i].rfc3339 != NULL };
        check(&row, der_time(&in, &at), &in);
        if (rows[i].rfc3339 != NULL)
            assert_true(time_parse_rfc3339(span_text(rows[i].rfc3339), &want));
        assert_true(at == want);
    }
}

static void test_bit_strings(void **state)
{
    (void)state;
    static const struct {
        struct row row; /* as der_named_bits */
        bool whole;     /* der_bits accepts */
        uint16_t bits;
    } rows[] = {
        { { "no bits", "030100", true }, true, 0 },
        { { "bit 0", "03020780", true }, false, 1 },
        { { "bits 5 and 6", "03020106", true }, false, 0x60 },
        { { "bit 7", "03020001", true }, true, 0x80 },
        { { "bit 8", "0303070080", true }, false, 0x100 },
        { { "bit 15", "0303000001", true }, true, 0x8000 },
        { { "all", "030300ffff", true }, true, 0xffff },
        { { "trailing zero bit", "03020680", false }, false, 0 },
        { { "zero octet", "03020000", false }, true, 0 },
        { { "trailing zero octet", "0303000100", false }, true, 0 },
        { { "a bit in the unused", "03020781", false }, false, 0 },
        { { "eight unused", "03020880", false }, false, 0 },
        { { "unused of nothing", "030107", false }, false, 0 },
        { { "no unused count", "0300", false }, false, 0 },
        { { "seventeen bits", "03040700ff80", false }, false, 0 },
        { { "octet string", "04020780", false }, false, 0 },
        { { "short", "030207", false }, false, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint16_t bits = 0;
        struct span octets;
        struct cursor in = over_hex(rows[i].row.hex);
        check(&rows[i].row, der_named_bits(&in, &bits), &in);
        assert_int_equal(bits, rows[i].bits);
        struct row row = { rows[i].row.name, rows[i].row.hex, rows[i].whole };
        in = over_hex(row.hex);
        check(&row, der_bits(&in, &octets), &in);
    }
}

#define R32 "0102030405060708091011121314151617181920212223242526272829303132"
#define FF8 "ffffffffffffffff"

static void test_ecdsa_signatures(void **state)
{
    (void)state;
    static const struct {
        struct row row;
        const char *raw; /* of 2 * 4 octets, NULL with coordinates of 32 */
    } rows[] = {
        { { "short", "3006020101020102", true }, "0000000100000002" },
        { { "zero r", "3006020100020102", true }, "0000000000000002" },
        { { "full", "300c02047fffffff020401020304", true }, "7fffffff01020304" },
        { { "full, top bit", "300d020500ffffffff020401020304", true }, "ffffffff01020304" },
        { { "top bit after zero", "3008020200800202008f", true }, "000000800000008f" },
        { { "32 octets", "30440220" R32 "0220" R32, true }, NULL },
        { { "33 octets, sign", "3026022100" FF8 FF8 FF8 FF8 "020101", true }, NULL },
        { { "too long", "300a02050100000000020101", false }, "" },
        { { "s too long", "300a02010102050100000000", false }, "" },
        { { "33 octets", "302602210f" FF8 FF8 FF8 FF8 "020101", false }, NULL },
        { { "negative r", "3006020181020102", false }, "" },
        { { "negative s", "3006020101020182", false }, "" },
        { { "padded r", "300702020001020102", false }, "" },
        { { "padded s", "300702010102020002", false }, "" },
        { { "no octets", "30050200020102", false }, "" },
        { { "one number", "3003020101", false }, "" },
        { { "three numbers", "3009020101020102020103", false }, "" },
        { { "empty sequence", "3000", false }, "" },
        { { "empty", "", false }, "" },
        { { "a set", "3106020101020102", false }, "" },
        { { "behind it", "300602010102010200", false }, "" },
        { { "inside it", "30080201010201020500", false }, "" },
        { { "long form", "308106020101020102", false }, "" },
        { { "indefinite", "30800201010201020000", false }, "" },
        { { "outer short", "3005020101020102", false }, "" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cursor in = over_hex(rows[i].row.hex);
        uint8_t raw[64] = { 0xee };
        size_t coord = rows[i].raw == NULL ? 32 : 4;
        struct cursor start = in;
        bool accepted = der_ecdsa_sig(cur_rest(&in), coord, raw);
        check(&rows[i].row, accepted, &start);
        if (!accepted)
            assert_int_equal(raw[0], 0xee);
        uint8_t want[8];
        if (accepted && coord == 4) {
            assert_true(hex_decode(span_text(rows[i].raw), want, sizeof want));
            assert_span_equal(span_of(raw, 8), SPAN(want));
        }
    }
}

/* Writes `depth` SEQUENCEs, each holding the next, so that they end at the end of the
   buffer; returns where they start. */
static size_t nest(uint8_t *bytes, size_t len, size_t depth)
{
    size_t at = len;
    for (size_t i = 0; i < depth; i++) {
        size_t inner = len - at;
        size_t octets = inner < 0x80 ? 0 : inner < 0x100 ? 1 : inner < 0x10000 ? 2 : 3;
        for (size_t k = 0; k < octets; k++)
            bytes[--at] = (uint8_t)(inner >> (8 * k));
        bytes[--at] = (uint8_t)(octets > 0 ? 0x80 | octets : inner);
        bytes[--at] = DER_SEQUENCE;
    }
    return at;
}

/* 10^5 SEQUENCEs inside one another are one value to a reader that does not recurse. */
static void test_deep_nesting_is_only_bytes(void **state)
{
    (void)state;
    enum { DEPTH = 100000, ROOM = 5 * DEPTH };
    uint8_t *bytes = malloc(ROOM);
    assert_non_null(bytes);
    size_t at = nest(bytes, ROOM, DEPTH);
    struct cursor in = cur_over(span_of(bytes + at, ROOM - at));
    struct cursor body = in;
    struct der whole;
    assert_true(der_read(&in, &whole) && cur_end(&in));
    size_t depth = 0;
    while (der_open(&body, DER_SEQUENCE, &body))
        depth++;
    assert_int_equal(depth, DEPTH);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tags_and_lengths, "RL-7"),
        TEST(test_lengths_around_each_form, ""),
        TEST(test_open_and_optional, ""),
        TEST(test_integers, "RL-7"),
        TEST(test_booleans, ""),
        TEST(test_identifiers, "RL-7"),
        TEST(test_values_that_nobody_reads, ""),
        TEST(test_times, ""),
        TEST(test_bit_strings, ""),
        TEST(test_ecdsa_signatures, ""),
        TEST(test_deep_nesting_is_only_bytes, "RL-7"),
    };
    return RUN_TESTS(tests);
}
