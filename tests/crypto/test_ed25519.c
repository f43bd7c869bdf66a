/* test_ed25519.c - RFC 8032's figures, and the keys and signatures that a strict verifier
   refuses: small order, not canonical, other lengths. */
#include "crypto/ed25519.h"

#include <string.h>

#include "codec/hex.h"
#include "crypto/start.h"
#include "test.h"

static void unhex(const char *text, uint8_t *out, size_t len)
{
    struct sink sink = sink_over(out, len);
    assert_true(hex_decode_sink(span_text(text), &sink));
    assert_int_equal(sink.len, len);
}

struct known {
    const char *name, *seed, *public_key, *message, *signature;
};

static const struct known knowns[] = {
    { "RFC 8032 7.1 test 1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
    { "RFC 8032 7.1 test 2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
};

static void figures_of_rfc_8032(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof knowns / sizeof knowns[0]; i++) {
        uint8_t seed[ED25519_SEED], public_key[ED25519_PUBLIC], want[ED25519_SIGNATURE];
        uint8_t got[ED25519_SIGNATURE], made[ED25519_PUBLIC], room[8];
        struct ed25519_secret secret;
        struct span message = span_of(room, strlen(knowns[i].message) / 2);
        unhex(knowns[i].seed, seed, sizeof seed);
        unhex(knowns[i].public_key, public_key, sizeof public_key);
        unhex(knowns[i].message, room, message.len);
        unhex(knowns[i].signature, want, sizeof want);
        ed25519_secret_of_seed(seed, &secret);
        ed25519_secret_public(&secret, made);
        assert_memory_equal(made, public_key, sizeof made);
        ed25519_sign(&secret, message, got);
        assert_memory_equal(got, want, sizeof got);
        assert_true(ed25519_verify(SPAN(made), message, SPAN(got)));
    }
}

/* A good signature; every bit of key, message and signature counts. */
static void flipped_bits(void **state)
{
    (void)state;
    uint8_t all[ED25519_PUBLIC + 5 + ED25519_SIGNATURE] = { 0 };
    const uint8_t seed[ED25519_SEED] = { 7 };
    struct ed25519_secret secret;
    struct span key = span_of(all, ED25519_PUBLIC);
    struct span message = span_of(all + ED25519_PUBLIC, 5);
    struct span signature = span_of(all + ED25519_PUBLIC + 5, ED25519_SIGNATURE);
    ed25519_secret_of_seed(seed, &secret);
    ed25519_secret_public(&secret, all);
    ed25519_sign(&secret, message, all + ED25519_PUBLIC + 5);
    assert_true(ed25519_verify(key, message, signature));
    for (size_t bit = 0; bit < 8 * sizeof all; bit++) {
        all[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(ed25519_verify(key, message, signature));
        all[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < ED25519_SIGNATURE; len++)
        assert_false(ed25519_verify(key, message, span_of(signature.at, len)));
    for (size_t len = 0; len < ED25519_PUBLIC; len++)
        assert_false(ed25519_verify(span_of(key.at, len), message, signature));
    assert_false(ed25519_verify((struct span){ 0 }, message, signature));
    assert_false(ed25519_verify(key, message, (struct span){ 0 }));
}

/* Encodings of the points of order 1, 2, 4 and 8, and non-canonical ones (y >= p, or -0).
   With such a key, R = the identity and S = 0 satisfy the equation for some or all messages. */
static const struct {
    const char *name, *point;
} weak[] = {
    { "order 1", "0100000000000000000000000000000000000000000000000000000000000000" },
    { "order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
    { "order 4", "0000000000000000000000000000000000000000000000000000000000000000" },
    { "order 4, negative", "0000000000000000000000000000000000000000000000000000000000000080" },
    { "order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05" },
    { "order 8, negative", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85" },
    { "order 8, other", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a" },
    { "order 8, other negative",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa" },
    { "order 1, x = -0", "0100000000000000000000000000000000000000000000000000000000000080" },
    { "order 2, x = -0", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
    { "order 4, y = p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
    { "order 1, y = p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
    { "y = 2^255 - 1", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
};

static void weak_points_are_refused(void **state)
{
    (void)state;
    const uint8_t seed[ED25519_SEED] = { 7 };
    struct ed25519_secret secret;
    uint8_t good[ED25519_PUBLIC];
    ed25519_secret_of_seed(seed, &secret);
    ed25519_secret_public(&secret, good);
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        uint8_t point[ED25519_PUBLIC];
        uint8_t signature[ED25519_SIGNATURE] = { 0 };
        unhex(weak[i].point, point, sizeof point);
        for (size_t r = 0; r < sizeof weak / sizeof weak[0]; r++) {
            unhex(weak[r].point, signature, ED25519_PUBLIC);
            for (uint8_t message = 0; message < 16; message++)
                assert_false(ed25519_verify(SPAN(point), span_of(&message, 1), SPAN(signature)));
        }
        memcpy(signature, point, sizeof point);
        assert_false(ed25519_verify(SPAN(good), (struct span){ 0 }, SPAN(signature)));
    }
}

/* S + L is as good an S to a lax verifier: two signatures for one message. */
static void second_signature_is_refused(void **state)
{
    (void)state;
    const uint8_t seed[ED25519_SEED] = { 7 };
    uint8_t order[ED25519_SEED], signature[ED25519_SIGNATURE], good[ED25519_PUBLIC];
    struct ed25519_secret secret;
    unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", order, sizeof order);
    ed25519_secret_of_seed(seed, &secret);
    ed25519_secret_public(&secret, good);
    ed25519_sign(&secret, (struct span){ 0 }, signature);
    for (unsigned times = 1; times <= 8; times++) {
        unsigned carry = 0;
        for (size_t i = 0; i < sizeof order; i++) {
            carry += signature[ED25519_PUBLIC + i] + (unsigned)order[i];
            signature[ED25519_PUBLIC + i] = (uint8_t)carry;
            carry >>= 8;
        }
        assert_false(ed25519_verify(SPAN(good), (struct span){ 0 }, SPAN(signature)));
    }
}

/* libsodium choosing other code for the processor changes nothing. */
static void start_changes_no_answer(void **state)
{
    (void)state;
    uint8_t before[ED25519_SIGNATURE], after[ED25519_SIGNATURE];
    const uint8_t seed[ED25519_SEED] = { 9 };
    struct ed25519_secret secret;
    ed25519_secret_of_seed(seed, &secret);
    ed25519_sign(&secret, SPAN("message"), before);
    assert_true(sodium_start() && sodium_start());
    ed25519_sign(&secret, SPAN("message"), after);
    assert_memory_equal(before, after, sizeof before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(figures_of_rfc_8032, ""),     TEST(flipped_bits, ""),
        TEST(weak_points_are_refused, ""), TEST(second_signature_is_refused, ""),
        TEST(start_changes_no_answer, ""),
    };
    return RUN_TESTS(tests);
}
