/* test_ecdsa_sign.c - deterministic signing against the figures of RFC 6979, and what it
   refuses. */
#include "crypto/ecdsa_sign.h"

#include <string.h>

#include "crypto/hash.h"
#include "ecdsa_case.h"

struct known {
    const char *name;
    enum curve curve;
    const char *scalar;
    const char *point;
    const char *message;
    const char *raw;
};

#define KEY_256 "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define POINT_256                                                                                  \
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"                           \
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define KEY_384                                                                                    \
    "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2" \
    "edf5"
#define POINT_384                                                                                  \
    "04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a2545154" \
    "80bc138015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd" \
    "2533264720"

/* RFC 6979 A.2.5 and A.2.6, the rows of the hash that belongs to the curve. */
static const struct known knowns[] = {
    { "P-256, sample", CURVE_P256, KEY_256, POINT_256, "sample",
      "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
      "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
    { "P-256, test", CURVE_P256, KEY_256, POINT_256, "test",
      "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
      "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083" },
    { "P-384, sample", CURVE_P384, KEY_384, POINT_384, "sample",
      "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e"
      "80fabe4699ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e"
      "7b82c71a38628ac8" },
    { "P-384, test", CURVE_P384, KEY_384, POINT_384, "test",
      "8203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb0542a7f0812998da8f1dd3ca"
      "3cf023dbddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e06a739f040649a667"
      "bf3b828246baa5a5" },
};

static struct ecdsa_secret *secret_of(const char *hex, enum curve curve)
{
    uint8_t scalar[ECDSA_COORD_MAX];
    unhex(hex, scalar, curve_coord_len(curve));
    return ecdsa_secret_new(curve, span_of(scalar, curve_coord_len(curve)));
}

static void figures_of_rfc_6979(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof knowns / sizeof knowns[0]; i++) {
        const struct known *k = &knowns[i];
        size_t coord = curve_coord_len(k->curve);
        uint8_t want[ECDSA_POINT_MAX];
        uint8_t got[ECDSA_POINT_MAX];
        uint8_t digest[HASH_LEN_MAX];
        struct span message = span_text(k->message);
        struct ecdsa_secret *secret = secret_of(k->scalar, k->curve);
        assert_non_null(secret);
        assert_int_equal(ecdsa_secret_curve(secret), k->curve);

        unhex(k->point, want, 1 + 2 * coord);
        assert_true(ecdsa_secret_point(secret, got));
        assert_span_equal(span_of(got, 1 + 2 * coord), span_of(want, 1 + 2 * coord));

        hash_parts(coord == SHA256_LEN ? HASH_SHA256 : HASH_SHA384, &message, 1, digest);
        unhex(k->raw, want, 2 * coord);
        assert_true(ecdsa_sign(secret, digest, got));
        assert_span_equal(span_of(got, 2 * coord), span_of(want, 2 * coord));
        ecdsa_secret_free(&secret);
    }
}

/* Digests of every shape (also one that is not below n, which is reduced first). */
static void what_is_signed_verifies(void **state)
{
    (void)state;
    static const uint8_t fills[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
    struct crypto *crypto = crypto_new();
    for (size_t i = 0; i < CURVE_CASES; i++) {
        struct signed_case c = signed_case_of(&curve_cases[i], "round trip");
        struct ecdsa_secret *secret = ecdsa_secret_from_seed(c.of->curve, span_text("another seed"),
                                                             "round trip");
        assert_true(ecdsa_secret_point(secret, c.point));
        for (size_t f = 0; f < sizeof fills; f++) {
            memset(c.digest, fills[f], sizeof c.digest);
            assert_true(ecdsa_sign(secret, c.digest, c.raw));
            assert_true(ecdsa_verify(crypto, c.of->curve, point_of(&c), c.digest, raw_of(&c)));
            uint8_t again[ECDSA_RAW_MAX];
            assert_true(ecdsa_sign(secret, c.digest, again));
            assert_span_equal(span_of(again, 2 * c.of->coord), raw_of(&c));
        }
        ecdsa_secret_free(&secret);
    }
    crypto_free(&crypto);
}

/* RFC 6979 2.3.4: the digest enters the nonce reduced, so n and 0 are signed alike. */
static void digests_are_reduced_before_they_are_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        struct signed_case c = signed_case_of(&curve_cases[i], "reduced");
        struct ecdsa_secret *secret = ecdsa_secret_from_seed(c.of->curve, span_text("seed"),
                                                             "reduced");
        uint8_t raw[ECDSA_RAW_MAX];
        memset(c.digest, 0, sizeof c.digest);
        assert_true(ecdsa_sign(secret, c.digest, c.raw));
        unhex(c.of->order, c.digest, c.of->coord);
        assert_true(ecdsa_sign(secret, c.digest, raw));
        assert_span_equal(span_of(raw, 2 * c.of->coord), raw_of(&c));
        c.digest[c.of->coord - 1]--;
        assert_true(ecdsa_sign(secret, c.digest, raw));
        assert_memory_not_equal(raw, c.raw, 2 * c.of->coord);
        ecdsa_secret_free(&secret);
    }
}

static void scalars_out_of_range_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        const struct curve_case *of = &curve_cases[i];
        uint8_t scalar[ECDSA_COORD_MAX + 1] = { 0 };
        struct span whole = span_of(scalar, of->coord);
        assert_null(ecdsa_secret_new(of->curve, whole));
        unhex(of->order, scalar, of->coord);
        assert_null(ecdsa_secret_new(of->curve, whole));
        scalar[of->coord - 1]++;
        assert_null(ecdsa_secret_new(of->curve, whole));
        memset(scalar, 0xff, sizeof scalar);
        assert_null(ecdsa_secret_new(of->curve, whole));

        unhex(of->order, scalar, of->coord);
        scalar[of->coord - 1]--;
        struct ecdsa_secret *last = ecdsa_secret_new(of->curve, whole);
        assert_non_null(last);
        ecdsa_secret_free(&last);
    }
}

static void other_lengths_and_curves_are_refused(void **state)
{
    (void)state;
    uint8_t scalar[ECDSA_COORD_MAX + 1];
    memset(scalar, 1, sizeof scalar);
    for (size_t len = 0; len <= sizeof scalar; len++) {
        assert_null(ecdsa_secret_new(CURVE_NONE, span_of(scalar, len)));
        for (size_t i = 0; i < CURVE_CASES; i++) {
            struct ecdsa_secret *secret = ecdsa_secret_new(curve_cases[i].curve,
                                                           span_of(scalar, len));
            assert_int_equal(secret != NULL, len == curve_cases[i].coord);
            ecdsa_secret_free(&secret);
        }
    }
    assert_null(ecdsa_secret_from_seed(CURVE_NONE, span_text("seed"), "name"));
}

static void nobody_signs_nothing(void **state)
{
    (void)state;
    uint8_t digest[ECDSA_COORD_MAX] = { 0 };
    uint8_t raw[ECDSA_RAW_MAX] = { 0 };
    assert_false(ecdsa_sign(NULL, digest, raw));
    assert_false(ecdsa_secret_point(NULL, raw));
    assert_int_equal(ecdsa_secret_curve(NULL), CURVE_NONE);
    assert_true(bytes_are_zero(raw, sizeof raw));
    struct ecdsa_secret *none = NULL;
    ecdsa_secret_free(&none);
}

static void point_of_seed(enum curve curve, const char *seed, const char *name, uint8_t *point)
{
    struct ecdsa_secret *secret = ecdsa_secret_from_seed(curve, span_text(seed), name);
    assert_true(ecdsa_secret_point(secret, point));
    ecdsa_secret_free(&secret);
}

static void seeds_give_the_same_key_and_names_different_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        uint8_t a[ECDSA_POINT_MAX] = { 0 };
        uint8_t b[ECDSA_POINT_MAX] = { 0 };
        enum curve curve = curve_cases[i].curve;
        point_of_seed(curve, "seed", "root", a);
        point_of_seed(curve, "seed", "root", b);
        assert_memory_equal(a, b, sizeof a);
        point_of_seed(curve, "seed", "leaf", b);
        assert_memory_not_equal(a, b, sizeof a);
        point_of_seed(curve, "tree", "root", b);
        assert_memory_not_equal(a, b, sizeof a);
    }
}

/* The scalar as it is lent, with and without the guarded heap: the figures are the same. */
static void signing_once_is_signing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof knowns / sizeof knowns[0]; i++) {
        const struct known *k = &knowns[i / 2];
        size_t coord = curve_coord_len(k->curve);
        uint8_t scalar[ECDSA_COORD_MAX], raw[ECDSA_RAW_MAX], want[ECDSA_RAW_MAX];
        uint8_t digest[HASH_LEN_MAX];
        const struct span message = span_text(k->message);
        hash_parts(k->curve == CURVE_P256 ? HASH_SHA256 : HASH_SHA384, &message, 1, digest);
        unhex(k->scalar, scalar, coord);
        unhex(k->raw, want, 2 * coord);
        assert_true(ecdsa_sign_once(k->curve, span_of(scalar, coord), digest, raw));
        assert_memory_equal(raw, want, 2 * coord);
        assert_true(ecdsa_guard_heap());
    }
}

static void signing_once_refuses(void **state)
{
    (void)state;
    const uint8_t zeros[ECDSA_COORD_MAX] = { 0 };
    uint8_t ones[ECDSA_COORD_MAX], raw[ECDSA_RAW_MAX] = { 0 };
    memset(ones, 0xff, sizeof ones);
    for (size_t len = 0; len <= sizeof zeros; len++) {
        assert_false(ecdsa_sign_once(CURVE_P256, span_of(zeros, len), zeros, raw));
        assert_false(ecdsa_sign_once(CURVE_P256, span_of(ones, len), zeros, raw));
        assert_false(ecdsa_sign_once(CURVE_NONE, span_of(ones, len), zeros, raw));
    }
    assert_true(bytes_are_zero(raw, sizeof raw));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(figures_of_rfc_6979, ""),
        TEST(what_is_signed_verifies, ""),
        TEST(digests_are_reduced_before_they_are_used, ""),
        TEST(scalars_out_of_range_are_refused, ""),
        TEST(other_lengths_and_curves_are_refused, ""),
        TEST(nobody_signs_nothing, ""),
        TEST(seeds_give_the_same_key_and_names_different_ones, ""),
        TEST(signing_once_is_signing, ""),
        TEST(signing_once_refuses, ""),
    };
    return RUN_TESTS(tests);
}
