/* test_base64.c - one text for one string of bytes: RFC 4648's own vectors, every character
   in every place, padding and pad bits, and the library next door as a second opinion. */
#include "codec/base64.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/number.h"
#include "test.h"

static bool decodes(bool (*decode)(struct span, struct sink *), const char *text, const char *want)
{
    uint8_t bytes[64];
    struct sink out = sink_over(bytes, sizeof bytes);
    sink_u8(&out, '>');
    if (!decode(span_text(text), &out)) {
        assert_int_equal(out.len, 1);
        assert_true(sink_ok(&out));
        return false;
    }
    struct span got = { bytes + 1, out.len - 1 };
    if (want != NULL)
        assert_span_equal(got, span_text(want));
    return true;
}

/* RFC 4648 10. */
static void test_vectors_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *plain;
        const char *text;
    } rows[] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(decodes(base64_decode, rows[i].text, rows[i].plain));
        assert_true(decodes(base64_decode_loose, rows[i].text, rows[i].plain));
        uint8_t text[16];
        struct sink out = sink_over(text, sizeof text);
        base64_encode(&out, span_text(rows[i].plain));
        assert_span_equal(sink_bytes(&out), span_text(rows[i].text));
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
    } rows[] = {
        { "one character", "Z" },
        { "two without padding", "Zg" },
        { "three without padding", "Zm8" },
        { "half the padding", "Zg=" },
        { "padding of nothing", "====" },
        { "one character padded", "Z===" },
        { "too much padding", "Zg===" },
        { "a group of padding after the end", "Zm9v====" },
        { "padding in the middle", "Zg==Zm9v" },
        { "padding before a character", "Zm=v" },
        { "padding in front", "=m9v" },
        { "pad bits of one byte", "Zh==" },
        { "pad bits of two bytes", "Zm9=" },
        { "all pad bits", "//==" },
        { "URL alphabet", "-_-_" },
        { "percent", "Zm9%" },
        { "dot", "Zm9." },
        { "high bit", "Zm9\xf6" },
        { "NUL escape", "Zm9\x01" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (decodes(base64_decode, rows[i].text, NULL) ||
            decodes(base64_decode_loose, rows[i].text, NULL))
            fail_msg("%s: accepted", rows[i].name);
    static const char *const spaced[] = { "Zm9v\n", " Zm9v", "Zm 9v", "Zm9v\r\nZm9v", "Zg=\n=" };
    for (size_t i = 0; i < COUNT_OF(spaced); i++) {
        assert_false(decodes(base64_decode, spaced[i], NULL));
        assert_true(decodes(base64_decode_loose, spaced[i], NULL));
    }
    assert_false(decodes(base64_decode_loose, "Zm9v\v", NULL));
    assert_false(decodes(base64_decode_loose, "Zm9v\f", NULL));
}

static bool is_letter(int c, bool url)
{
    const char *letters = url ? "-_" : "+/";
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == letters[0] || c == letters[1];
}

/* Each of the 256 octets at each of the four places. */
static void test_every_character_in_every_place(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        for (size_t place = 0; place < 4; place++) {
            uint8_t text[] = { 'A', 'A', 'A', 'A', 'A', 'A', 'A', 'A' };
            uint8_t bytes[6];
            text[place] = (uint8_t)c;
            struct sink out = sink_over(bytes, sizeof bytes);
            assert_int_equal(base64_decode(SPAN(text), &out), is_letter(c, false));
            out = sink_over(bytes, sizeof bytes);
            assert_int_equal(base64url_decode(SPAN(text), &out), is_letter(c, true));
        }
}

static void test_url_alphabet_has_no_padding(void **state)
{
    (void)state;
    assert_true(decodes(base64url_decode, "", ""));
    assert_true(decodes(base64url_decode, "Zg", "f"));
    assert_true(decodes(base64url_decode, "Zm8", "fo"));
    assert_true(decodes(base64url_decode, "_-9v", "\xff\xef\x6f"));
    static const char *const refused[] = {
        "Z", "Zg==", "Zm8=", "Zh", "Zm9", "Zm9vZ", "+/9v", "Zm 9"
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_false(decodes(base64url_decode, refused[i], NULL));
}

static void test_a_full_sink(void **state)
{
    (void)state;
    uint8_t bytes[5];
    struct sink out = sink_over(bytes, sizeof bytes);
    assert_true(base64_decode(span_text("Zm9v"), &out));
    assert_false(base64_decode(span_text("Zm9v"), &out));
    assert_int_equal(out.len, 3);
    assert_false(sink_ok(&out));
    assert_false(base64_decode(span_text(""), &out));
    out = sink_over(bytes, sizeof bytes);
    assert_false(base64_decode_loose(span_text("Zm9v Zm9v"), &out));
    assert_int_equal(out.len, 0);
    assert_false(sink_ok(&out));
}

/* One memory for both: decoded onto its own text, encoded out of the end of its own room. */
static void test_in_place(void **state)
{
    (void)state;
    uint8_t bytes[200], room[300], text[300];
    for (size_t len = 0; len < sizeof bytes; len++) {
        bytes[len] = (uint8_t)(len * 37 + 11);
        const size_t whole = (len + 2) / 3 * 4;
        struct sink expected = sink_over(text, sizeof text);
        base64_encode(&expected, span_of(bytes, len));
        memcpy(room + whole - len, bytes, len);
        struct sink out = sink_over(room, whole);
        base64_encode(&out, span_of(room + whole - len, len));
        assert_span_equal(sink_bytes(&out), sink_bytes(&expected));
        out = sink_over(room, whole);
        assert_true(base64_decode(span_of(room, whole), &out));
        assert_span_equal(sink_bytes(&out), span_of(bytes, len));
    }
}

enum { ROUND_MAX = 4000 };

/* decode(encode(x)) == x at every length around the chunk of the loose reader, in agreement
   with OpenSSL, with white space strewn in. */
static void test_round_trip_and_second_opinion(void **state)
{
    (void)state;
    static uint8_t bytes[ROUND_MAX], back[ROUND_MAX], text[2 * ROUND_MAX], other[2 * ROUND_MAX];
    static uint8_t strewn[4 * ROUND_MAX];
    struct test_random random = { 20 };
    for (size_t len = 0; len < ROUND_MAX;
         len += len < 100 ? 1 : 1 + test_random_below(&random, 40)) {
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)test_random_next(&random);
        struct sink out = sink_over(text, sizeof text);
        base64_encode(&out, span_of(bytes, len));
        int wrote = EVP_EncodeBlock(other, bytes, (int)len);
        assert_span_equal(sink_bytes(&out), span_of(other, (size_t)wrote));
        struct sink spaced = sink_over(strewn, sizeof strewn);
        for (size_t i = 0; i < out.len; i++) {
            sink_u8(&spaced, text[i]);
            if (test_random_below(&random, 4) == 0)
                sink_u8(&spaced, (uint8_t) " \t\r\n"[test_random_below(&random, 4)]);
        }
        struct sink in = sink_over(back, sizeof back);
        assert_true(base64_decode(sink_bytes(&out), &in));
        assert_span_equal(sink_bytes(&in), span_of(bytes, len));
        in = sink_over(back, sizeof back);
        assert_true(base64_decode_loose(sink_bytes(&spaced), &in));
        assert_span_equal(sink_bytes(&in), span_of(bytes, len));
        out = sink_over(text, sizeof text);
        base64url_encode(&out, span_of(bytes, len));
        in = sink_over(back, sizeof back);
        assert_true(base64url_decode(sink_bytes(&out), &in));
        assert_span_equal(sink_bytes(&in), span_of(bytes, len));
    }
}

/* Padding that ends a chunk of the loose reader is not the end of the text. */
static void test_padding_at_the_chunk_edge(void **state)
{
    (void)state;
    static uint8_t text[3000];
    static uint8_t bytes[3000];
    for (size_t at = 1000; at < 1100; at += 4) {
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = i == at - 1 ? '=' : 'A';
        struct sink out = sink_over(bytes, sizeof bytes);
        assert_false(base64_decode_loose(span_of(text, at + 4), &out));
        assert_int_equal(out.len, 0);
        assert_true(base64_decode_loose(span_of(text, at), &out));
        assert_int_equal(out.len, at / 4 * 3 - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_vectors_of_the_rfc, ""),
        TEST(test_refusals, ""),
        TEST(test_every_character_in_every_place, ""),
        TEST(test_url_alphabet_has_no_padding, ""),
        TEST(test_a_full_sink, ""),
        TEST(test_in_place, ""),
        TEST(test_round_trip_and_second_opinion, ""),
        TEST(test_padding_at_the_chunk_edge, ""),
    };
    return RUN_TESTS(tests);
}
