/* test_hmac.c - HMAC against RFC 4231, at the edges of the block length, and over parts. */
#include "crypto/hmac.h"

#include <string.h>

#include "codec/hex.h"
#include "test.h"

struct known {
    const char *name;
    const char *key;
    const char *message;
    const char *tag256;
    const char *tag384;
    const char *tag512;
};

#define AA_20  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define AA_131 AA_20 AA_20 AA_20 AA_20 AA_20 AA_20 "aaaaaaaaaaaaaaaaaaaaaa"

/* RFC 4231 4.2, 4.3 and 4.7: a short key, a text key, a key longer than both blocks. */
static const struct known knowns[] = {
    { "4.2", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
      "faea9ea9076ede7f4af152e8b2fa9cb6",
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
    { "4.3", "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
      "8e2240ca5e69e2c78b3239ecfab21649",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
    { "4.7", AA_131,
      "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368"
      "204b6579204669727374",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
      "0c2ef6ab4030fe8296248df163f44952",
      "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
      "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
};

static struct span unhex(const char *text, uint8_t *room, size_t cap)
{
    struct sink out = sink_over(room, cap);
    assert_true(hex_decode_sink(span_text(text), &out));
    return sink_bytes(&out);
}

static void figures_of_rfc_4231(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof knowns / sizeof knowns[0]; i++) {
        uint8_t room[3][256];
        uint8_t tag[HASH_LEN_MAX];
        struct span key = unhex(knowns[i].key, room[0], sizeof room[0]);
        struct span message = unhex(knowns[i].message, room[1], sizeof room[1]);
        hmac_sha256(key, message, tag);
        assert_span_equal(span_of(tag, SHA256_LEN),
                          unhex(knowns[i].tag256, room[2], sizeof room[2]));
        hmac_sha384(key, message, tag);
        assert_span_equal(span_of(tag, SHA384_LEN),
                          unhex(knowns[i].tag384, room[2], sizeof room[2]));
        hmac_sha512(key, message, tag);
        assert_span_equal(span_of(tag, SHA512_LEN),
                          unhex(knowns[i].tag512, room[2], sizeof room[2]));
    }
}

/* RFC 2104: a key of up to a block is padded with zeros, a longer one is hashed. */
static void keys_around_the_block_length(void **state)
{
    (void)state;
    const enum hash all[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
    const size_t block[] = { 64, 128, 128 };
    for (size_t h = 0; h < 3; h++) {
        uint8_t key[160] = { 0 };
        memset(key, 0x5a, block[h] - 1);
        const struct span message = span_text("message");
        uint8_t shorter[HASH_LEN_MAX] = { 0 };
        uint8_t full[HASH_LEN_MAX] = { 0 };
        uint8_t longer[HASH_LEN_MAX] = { 0 };
        hmac_parts(all[h], span_of(key, block[h] - 1), &message, 1, shorter);
        hmac_parts(all[h], span_of(key, block[h]), &message, 1, full);
        hmac_parts(all[h], span_of(key, block[h] + 1), &message, 1, longer);
        assert_memory_equal(shorter, full, sizeof full);
        assert_memory_not_equal(longer, full, sizeof full);

        uint8_t hashed[HASH_LEN_MAX];
        const struct span whole = span_of(key, block[h] + 1);
        hash_parts(all[h], &whole, 1, hashed);
        hmac_parts(all[h], span_of(hashed, hash_len(all[h])), &message, 1, full);
        assert_memory_equal(longer, full, sizeof full);
    }
}

static void parts_are_the_whole_and_may_be_the_output(void **state)
{
    (void)state;
    uint8_t key[32] = { 7 };
    uint8_t whole[32] = { 1, 2, 3 };
    uint8_t want[SHA256_LEN];
    uint8_t got[SHA256_LEN];
    hmac_sha256(SPAN(key), SPAN(whole), want);
    for (size_t cut = 0; cut <= sizeof whole; cut++) {
        const struct span parts[] = { span_of(whole, cut),
                                      { 0 },
                                      span_of(whole + cut, sizeof whole - cut) };
        hmac_parts(HASH_SHA256, SPAN(key), parts, 3, got);
        assert_memory_equal(got, want, sizeof want);
    }
    const struct span part = SPAN(whole);
    hmac_parts(HASH_SHA256, SPAN(key), &part, 1, whole);
    assert_memory_equal(whole, want, sizeof want);
    memset(whole, 0, sizeof whole);
    whole[0] = 1, whole[1] = 2, whole[2] = 3;
    hmac_parts(HASH_SHA256, SPAN(key), &part, 1, key);
    assert_memory_equal(key, want, sizeof want);
}

static void empty_key_and_message(void **state)
{
    (void)state;
    uint8_t room[64];
    uint8_t tag[SHA256_LEN];
    hmac_sha256((struct span){ 0 }, (struct span){ 0 }, tag);
    assert_span_equal(SPAN(tag),
                      unhex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
                            room, sizeof room));
}

static void no_hash_writes_nothing(void **state)
{
    (void)state;
    uint8_t out[HASH_LEN_MAX] = { 0 };
    hmac_parts(HASH_NONE, (struct span){ 0 }, NULL, 0, out);
    assert_true(bytes_are_zero(out, sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(figures_of_rfc_4231, ""),
        TEST(keys_around_the_block_length, ""),
        TEST(parts_are_the_whole_and_may_be_the_output, ""),
        TEST(empty_key_and_message, ""),
        TEST(no_hash_writes_nothing, ""),
    };
    return RUN_TESTS(tests);
}
