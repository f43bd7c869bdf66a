/* test_der_write.c - what is written is what der.c reads, in the one form of DER. */
#include "codec/der_write.h"

#include <openssl/asn1.h>

#include "base/number.h"
#include "base/time.h"
#include "codec/hex.h"
#include "test.h"

static uint8_t bytes[70000];

static struct sink fresh(void)
{
    return sink_over(bytes, sizeof bytes);
}

static void expect_hex(const struct sink *out, const char *hex)
{
    uint8_t want[256];
    struct sink sink = sink_over(want, sizeof want);
    assert_true(hex_decode_sink(span_text(hex), &sink));
    assert_true(sink_ok(out));
    assert_span_equal(sink_bytes(out), sink_bytes(&sink));
}

static void test_scalars(void **state)
{
    (void)state;
    struct sink out = fresh();
    der_put_small(&out, 0);
    der_put_small(&out, 127);
    der_put_small(&out, 128);
    der_put_small(&out, 65536);
    der_put_small(&out, UINT32_MAX);
    expect_hex(&out, "02010002017f020200800203010000020500ffffffff");
    out = fresh();
    der_put_unsigned(&out, (struct span){ 0 });
    der_put_unsigned(&out, span_of("\0\0", 2));
    der_put_unsigned(&out, span_of("\0\0\x7f\xff", 4));
    der_put_unsigned(&out, span_of("\0\x80\0", 3));
    expect_hex(&out, "02010002010002027fff0203008000");
    out = fresh();
    der_put_bool(&out, true);
    der_put_bool(&out, false);
    der_put_null(&out);
    der_put_bits(&out, span_text("ab"));
    der_put_named_bits(&out, 0);
    der_put_named_bits(&out, 1);
    der_put_named_bits(&out, 1 << 5 | 1 << 6);
    der_put_named_bits(&out, 1 << 8);
    der_put_named_bits(&out, 0x8000);
    expect_hex(&out, "0101ff0101000500030300616203010003020780030201060303070080030300"
                     "0001");
}

static void test_nested_lengths_grow(void **state)
{
    (void)state;
    struct sink out = fresh();
    size_t a = der_begin(&out, DER_SEQUENCE);
    size_t b = der_begin(&out, DER_SET);
    der_end(&out, b);
    size_t c = der_begin(&out, DER_EXPLICIT(1));
    der_put_small(&out, 5);
    der_end(&out, c);
    der_end(&out, a);
    expect_hex(&out, "30073100a103020105");
    static const size_t lens[] = { 125, 126, 127, 128, 253, 254, 255, 256, 65533, 65534, 65536 };
    static uint8_t content[65536];
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        out = fresh();
        a = der_begin(&out, DER_SEQUENCE);
        b = der_begin(&out, DER_SEQUENCE);
        der_put(&out, DER_OCTET_STRING, span_of(content, lens[i]));
        der_end(&out, b);
        der_end(&out, a);
        struct cursor in = cur_over(sink_bytes(&out));
        struct span value;
        assert_true(sink_ok(&out) && der_open(&in, DER_SEQUENCE, &in) &&
                    der_open(&in, DER_SEQUENCE, &in) && der_take(&in, DER_OCTET_STRING, &value) &&
                    cur_end(&in));
        assert_int_equal(value.len, lens[i]);
    }
}

/* At every size of sink the writer either finishes or says that it did not. */
static void test_a_sink_too_small(void **state)
{
    (void)state;
    uint8_t small[300];
    for (size_t cap = 0; cap < sizeof small; cap++) {
        struct sink out = sink_over(small, cap);
        size_t a = der_begin(&out, DER_SEQUENCE);
        size_t b = der_begin(&out, DER_SEQUENCE);
        sink_zero(&out, 130);
        der_put_oid(&out, "1.2.3");
        der_put_time(&out, 0);
        der_end(&out, b);
        der_put_small(&out, 7);
        der_end(&out, a);
        assert_true(sink_is_sound(&out));
        size_t need = 3 + 3 + 130 + 4 + 15 + 3;
        assert_int_equal(sink_ok(&out), cap >= need);
    }
}

static void test_identifiers(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0.0",
        "1.39.1",
        "2.5.29.19",
        "2.999.3",
        "1.2.840.10045.4.3.2",
        "2.16.840.1",
        "2.40",
        "1.2.113741.1.13.1",
        "1.2.9223372036854775807",
        "2.9223372036854775727",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct sink out = fresh();
        der_put_oid(&out, good[i]);
        assert_true(sink_ok(&out));
        struct cursor in = cur_over(sink_bytes(&out));
        struct span oid;
        uint8_t text[64];
        struct sink back = sink_over(text, sizeof text);
        assert_true(der_oid(&in, &oid) && cur_end(&in));
        der_oid_write(&back, oid);
        assert_span_equal(sink_bytes(&back), span_text(good[i]));
        uint8_t other[64];
        int len = a2d_ASN1_OBJECT(other, sizeof other, good[i], -1);
        assert_span_equal(oid, span_of(other, (size_t)len));
    }
    static const char *const bad[] = { "",
                                       "1",
                                       "1.",
                                       ".1",
                                       "3.1",
                                       "1.40",
                                       "1.2.",
                                       "1..2",
                                       "1.2x",
                                       "-1.2",
                                       "1.2.9223372036854775808",
                                       "2.9223372036854775728",
                                       "1.2.99999999999999999999" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct sink out = fresh();
        der_put_oid(&out, bad[i]);
        if (sink_ok(&out))
            fail_msg("accepted: %s", bad[i]);
    }
}

static void test_times(void **state)
{
    (void)state;
    static const char *const good[] = { "1950-01-01T00:00:00Z", "1970-01-01T00:00:00Z",
                                        "2000-02-29T23:59:59Z", "2049-12-31T23:59:59Z",
                                        "2050-01-01T00:00:00Z", "9999-12-31T23:59:59Z" };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        int64_t at;
        int64_t back;
        assert_true(time_parse_rfc3339(span_text(good[i]), &at));
        struct sink out = fresh();
        der_put_time(&out, at);
        struct cursor in = cur_over(sink_bytes(&out));
        assert_true(sink_ok(&out) && der_time(&in, &back) && cur_end(&in) && back == at);
    }
    static const int64_t bad[] = { INT64_MIN, TIME_MIN, INT64_C(-631152001), TIME_MAX + 1 };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct sink out = fresh();
        der_put_time(&out, bad[i]);
        assert_false(sink_ok(&out));
    }
}

static void test_signatures_round_trip(void **state)
{
    (void)state;
    struct test_random random = { 11 };
    for (int i = 0; i < 2000; i++) {
        uint8_t raw[96];
        uint8_t back[96];
        size_t coord = i % 2 == 0 ? 32 : 48;
        for (size_t k = 0; k < 2 * coord; k++)
            raw[k] = (uint8_t)test_random_next(&random);
        /* Leading zeros of every number. */
        for (size_t k = 0; k < test_random_below(&random, coord); k++)
            raw[k] = 0;
        struct sink out = fresh();
        der_put_ecdsa_sig(&out, span_of(raw, 2 * coord));
        assert_true(sink_ok(&out) && der_ecdsa_sig(sink_bytes(&out), coord, back));
        assert_span_equal(span_of(back, 2 * coord), span_of(raw, 2 * coord));
    }
    struct sink out = fresh();
    der_put_ecdsa_sig(&out, span_text("odd"));
    assert_false(sink_ok(&out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scalars, ""),
        TEST(test_nested_lengths_grow, ""),
        TEST(test_a_sink_too_small, ""),
        TEST(test_identifiers, ""),
        TEST(test_times, ""),
        TEST(test_signatures_round_trip, ""),
    };
    return RUN_TESTS(tests);
}
