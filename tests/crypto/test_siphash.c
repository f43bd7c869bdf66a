/* test_siphash.c - SipHash-2-4 against the table of its authors (vectors.h of the reference
   implementation, vectors_sip64): key 00 to 0f, messages 00 to their own length. */
#include "crypto/siphash.h"

#include "base/number.h"
#include "codec/hex.h"
#include "test.h"

static const char *const published[] = {
    "310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785",
    "b7877127e09427cf", "8da699cd64557618", "cee3fe586e46c9cb", "37d1018bf50002ab",
    "6224939a79f5f593", "b0e4a90bdf82009e", "f3b9dd94c5bb5d7a", "a7ad6b22462fb3f4",
    "fbe50e86bc8f1e75", "903d84c02756ea14", "eef27a8e90ca23f7", "e545be4961ca29a1",
    "db9bc2577fcc2a3f", "9447be2cf5e99a69", "9cd38d96f0b3c14b", "bd6179a71dc96dbb",
    "98eea21af25cd6be", "c7673b2eb0cbf2d0", "883ea3e395675393", "c8ce5ccd8c030ca8",
    "94af49f6c650adb8", "eab8858ade92e1bc", "f315bb5bb835d817", "adcf6b0763612e2f",
    "a5c91da7acaa4dde", "716595876650a2a6", "28ef495c53a387ad", "42c341d8fa92d832",
    "ce7cf2722f512771", "e37859f94623f3a7", "381205bb1ab0e012", "ae97a10fd434e015",
    "b4a31508beff4d31", "81396229f0907902", "4d0cf49ee5d4dcca", "5c73336a76d8bf9a",
    "d0a704536ba93e0e", "925958fcd6420cad", "a915c29bc8067318", "952b79f3bc0aa6d4",
    "f21df2e41d4535f9", "87577519048f53a9", "10a56cf5dfcd9adb", "eb75095ccd986cd0",
    "51a9cb9ecba312e6", "96afadfc2ce666c7", "72fe52975a4364ee", "5a1645b276d592a1",
    "b274cb8ebf87870a", "6f9bb4203de7b381", "eaecb2a30b22a87f", "9924a43cc1315724",
    "bd838d3aafbf8db7", "0b1a2a3265d51aea", "135079a3231ce660", "932b2846e4d70666",
    "e1915f5cb1eca46c", "f325965ca16d629f", "575ff28e60381be5", "724506eb4c328a95",
};

static const uint8_t counting[SIPHASH_KEY_LEN] = { 0, 1, 2,  3,  4,  5,  6,  7,
                                                   8, 9, 10, 11, 12, 13, 14, 15 };

static void test_published(void **state)
{
    (void)state;
    uint8_t message[COUNT_OF(published)];
    assert_int_equal(COUNT_OF(published), 64);
    for (size_t len = 0; len < COUNT_OF(published); len++) {
        message[len] = (uint8_t)len;
        uint8_t want[8];
        assert_true(hex_decode(span_text(published[len]), want, sizeof want));
        uint64_t word = siphash(counting, span_of(message, len));
        uint8_t got[8];
        struct sink out = sink_over(got, sizeof got);
        sink_u64le(&out, word);
        assert_span_equal(sink_bytes(&out), SPAN(want));
    }
    /* The figure of the paper's appendix A. */
    assert_true(siphash(counting, span_of(message, 15)) == UINT64_C(0xa129ca6149be45e5));
}

/* Every bit of the key and of the message matters. */
static void test_each_bit_matters(void **state)
{
    (void)state;
    uint8_t key[SIPHASH_KEY_LEN] = { 0 };
    uint8_t message[17] = { 0 };
    uint64_t plain = siphash(key, SPAN(message));
    for (size_t bit = 0; bit < 8 * sizeof key; bit++) {
        key[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_true(siphash(key, SPAN(message)) != plain);
        key[bit / 8] = 0;
    }
    for (size_t bit = 0; bit < 8 * sizeof message; bit++) {
        message[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_true(siphash(key, SPAN(message)) != plain);
        message[bit / 8] = 0;
    }
    assert_true(siphash(key, span_of(message, 16)) != plain);
}

static void test_nothing_at_all(void **state)
{
    (void)state;
    assert_true(siphash(counting, span_of(NULL, 0)) == siphash(counting, span_of("x", 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_published, ""),
        TEST(test_each_bit_matters, ""),
        TEST(test_nothing_at_all, ""),
    };
    return RUN_TESTS(tests);
}
