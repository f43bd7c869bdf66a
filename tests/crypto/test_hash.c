/* test_hash.c - SHA-2 against the examples of FIPS 180-4, and parts against the whole. */
#include "crypto/hash.h"

#include <string.h>

#include "test.h"

static const char abc[] = "abc";
static const char two_blocks[] = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
                                 "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

static const struct {
    const char *name;
    enum hash hash;
    const char *text;
    uint8_t digest[HASH_LEN_MAX];
} examples[] = {
    { "SHA-256 of nothing", HASH_SHA256, "", { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                               0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                               0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                               0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55 } },
    { "SHA-256 abc", HASH_SHA256, abc, { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                         0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                         0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                         0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad } },
    { "SHA-384 abc", HASH_SHA384, abc, { 0xcb, 0x00, 0x75, 0x3f, 0x45, 0xa3, 0x5e, 0x8b, 0xb5, 0xa0,
                                         0x3d, 0x69, 0x9a, 0xc6, 0x50, 0x07, 0x27, 0x2c, 0x32, 0xab,
                                         0x0e, 0xde, 0xd1, 0x63, 0x1a, 0x8b, 0x60, 0x5a, 0x43, 0xff,
                                         0x5b, 0xed, 0x80, 0x86, 0x07, 0x2b, 0xa1, 0xe7, 0xcc, 0x23,
                                         0x58, 0xba, 0xec, 0xa1, 0x34, 0xc8, 0x25, 0xa7 } },
    { "SHA-384, two blocks",
      HASH_SHA384,
      two_blocks,
      { 0x09, 0x33, 0x0c, 0x33, 0xf7, 0x11, 0x47, 0xe8, 0x3d, 0x19, 0x2f, 0xc7,
        0x82, 0xcd, 0x1b, 0x47, 0x53, 0x11, 0x1b, 0x17, 0x3b, 0x3b, 0x05, 0xd2,
        0x2f, 0xa0, 0x80, 0x86, 0xe3, 0xb0, 0xf7, 0x12, 0xfc, 0xc7, 0xc7, 0x1a,
        0x55, 0x7e, 0x2d, 0xb9, 0x66, 0xc3, 0xe9, 0xfa, 0x91, 0x74, 0x60, 0x39 } },
    { "SHA-512 abc", HASH_SHA512, abc, { 0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a, 0xba, 0xcc, 0x41,
                                         0x73, 0x49, 0xae, 0x20, 0x41, 0x31, 0x12, 0xe6, 0xfa, 0x4e,
                                         0x89, 0xa9, 0x7e, 0xa2, 0x0a, 0x9e, 0xee, 0xe6, 0x4b, 0x55,
                                         0xd3, 0x9a, 0x21, 0x92, 0x99, 0x2a, 0x27, 0x4f, 0xc1, 0xa8,
                                         0x36, 0xba, 0x3c, 0x23, 0xa3, 0xfe, 0xeb, 0xbd, 0x45, 0x4d,
                                         0x44, 0x23, 0x64, 0x3c, 0xe8, 0x0e, 0x2a, 0x9a, 0xc9, 0x4f,
                                         0xa5, 0x4c, 0xa4, 0x9f } },
};

static void examples_of_the_standard(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        uint8_t out[HASH_LEN_MAX] = { 0 };
        struct span text = span_text(examples[i].text);
        hash_parts(examples[i].hash, &text, 1, out);
        assert_span_equal(SPAN(out), SPAN(examples[i].digest));
    }
}

static void named_functions_agree_with_the_general_one(void **state)
{
    (void)state;
    struct span text = span_text(two_blocks);
    uint8_t named[HASH_LEN_MAX] = { 0 };
    uint8_t general[HASH_LEN_MAX] = { 0 };
    hash_sha256(text, named);
    hash_parts(HASH_SHA256, &text, 1, general);
    assert_memory_equal(named, general, sizeof named);
    hash_sha384(text, named);
    hash_parts(HASH_SHA384, &text, 1, general);
    assert_memory_equal(named, general, sizeof named);
    hash_sha512(text, named);
    hash_parts(HASH_SHA512, &text, 1, general);
    assert_memory_equal(named, general, sizeof named);
}

static void any_cut_into_parts_is_the_whole(void **state)
{
    (void)state;
    static uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    const enum hash all[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
    for (size_t h = 0; h < 3; h++) {
        uint8_t whole[HASH_LEN_MAX] = { 0 };
        hash_parts(all[h], &SPAN(bytes), 1, whole);
        for (size_t cut = 0; cut <= sizeof bytes; cut++) {
            const struct span parts[] = { span_of(bytes, cut),
                                          { 0 },
                                          span_of(bytes + cut, sizeof bytes - cut) };
            uint8_t out[HASH_LEN_MAX] = { 0 };
            hash_parts(all[h], parts, 3, out);
            assert_memory_equal(out, whole, sizeof whole);
        }
    }
}

/* A register is extended in place: the output is also an input. */
static void output_may_be_an_input(void **state)
{
    (void)state;
    uint8_t once[SHA384_LEN] = { 0 };
    uint8_t digest[SHA384_LEN] = { 1 };
    uint8_t place[SHA384_LEN] = { 0 };
    const struct span apart[] = { SPAN(place), SPAN(digest) };
    hash_sha384_parts(apart, 2, once);
    hash_sha384_parts(apart, 2, place);
    assert_memory_equal(once, place, sizeof once);
}

static void no_hash_writes_nothing(void **state)
{
    (void)state;
    uint8_t out[HASH_LEN_MAX];
    memset(out, 0xee, sizeof out);
    struct span text = span_text(abc);
    hash_parts(HASH_NONE, &text, 1, out);
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(out[i], 0xee);
    assert_int_equal(hash_len(HASH_NONE), 0);
}

/* Each function writes its own length and not a byte more. */
static void writes_its_length_only(void **state)
{
    (void)state;
    const enum hash all[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
    for (size_t h = 0; h < 3; h++) {
        uint8_t out[HASH_LEN_MAX + 8];
        memset(out, 0, sizeof out);
        hash_parts(all[h], NULL, 0, out);
        assert_true(bytes_are_zero(out + hash_len(all[h]), sizeof out - hash_len(all[h])));
        assert_false(bytes_are_zero(out, hash_len(all[h])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(examples_of_the_standard, ""),
        TEST(named_functions_agree_with_the_general_one, ""),
        TEST(any_cut_into_parts_is_the_whole, ""),
        TEST(output_may_be_an_input, ""),
        TEST(no_hash_writes_nothing, ""),
        TEST(writes_its_length_only, ""),
    };
    return RUN_TESTS(tests);
}
