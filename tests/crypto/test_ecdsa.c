/* test_ecdsa.c - verifying: every refusal of ecdsa.h, through both of its doors. */
#include "crypto/ecdsa.h"

#include <openssl/err.h>

#include "ecdsa_case.h"

static struct crypto *crypto;

static int make_context(void **state)
{
    (void)state;
    crypto = crypto_new();
    return crypto == NULL;
}

static int drop_context(void **state)
{
    (void)state;
    crypto_free(&crypto);
    return crypto != NULL;
}

/* Both doors must agree, and neither may leave a word in OpenSSL's error queue. */
static bool verifies(enum curve curve, struct span point, const uint8_t *digest, struct span raw)
{
    bool imported = ecdsa_verify(crypto, curve, point, digest, raw);
    struct ecdsa_key *key = ecdsa_key_new(crypto, curve, point);
    bool prepared = ecdsa_key_verify(key, digest, raw);
    assert_int_equal(imported, prepared);
    assert_int_equal(key != NULL, ecdsa_point_is_valid(crypto, curve, point));
    ecdsa_key_free(&key);
    assert_int_equal(ERR_peek_error(), 0);
    return imported;
}

static bool verifies_case(const struct signed_case *c)
{
    return verifies(c->of->curve, point_of(c), c->digest, raw_of(c));
}

static void genuine_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        struct signed_case c = signed_case_of(&curve_cases[i], "genuine");
        assert_true(verifies_case(&c));
    }
}

/* -s is as good a signature as s: others' evidence has both halves. */
static void high_s_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        struct signed_case c = signed_case_of(&curve_cases[i], "high s");
        uint8_t order[ECDSA_COORD_MAX];
        uint8_t *s = c.raw + c.of->coord;
        unhex(c.of->order, order, c.of->coord);
        subtract(order, s, s, c.of->coord);
        assert_true(verifies_case(&c));
    }
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        const struct signed_case good = signed_case_of(&curve_cases[i], "flips");
        struct ecdsa_key *key = ecdsa_key_new(crypto, good.of->curve, point_of(&good));
        for (size_t bit = 0; bit < 16 * good.of->coord; bit++) {
            struct signed_case c = good;
            c.raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(ecdsa_key_verify(key, c.digest, raw_of(&c)));
        }
        for (size_t bit = 0; bit < 8 * good.of->coord; bit++) {
            struct signed_case c = good;
            c.digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(ecdsa_key_verify(key, c.digest, raw_of(&c)));
        }
        ecdsa_key_free(&key);
        for (size_t bit = 0; bit < 8 * (1 + 2 * good.of->coord); bit++) {
            struct signed_case c = good;
            c.point[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(verifies_case(&c));
        }
    }
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        const struct signed_case good = signed_case_of(&curve_cases[i], "range");
        size_t coord = good.of->coord;
        uint8_t bad[4][ECDSA_COORD_MAX] = { { 0 } }; /* 0, n, n + 1, all ones */
        unhex(good.of->order, bad[1], coord);
        unhex(good.of->order, bad[2], coord);
        bad[2][coord - 1]++;
        memset(bad[3], 0xff, coord);
        for (size_t b = 0; b < 4; b++) {
            for (size_t which = 0; which < 2; which++) {
                struct signed_case c = good;
                memcpy(c.raw + which * coord, bad[b], coord);
                assert_false(verifies_case(&c));
            }
            struct signed_case c = good;
            memcpy(c.raw, bad[b], coord);
            memcpy(c.raw + coord, bad[b], coord);
            assert_false(verifies_case(&c));
        }
    }
}

static void swapped_and_doubled_halves_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        const struct signed_case good = signed_case_of(&curve_cases[i], "halves");
        size_t coord = good.of->coord;
        struct signed_case c = good;
        memcpy(c.raw, good.raw + coord, coord);
        assert_false(verifies_case(&c));
        memcpy(c.raw + coord, good.raw, coord);
        assert_false(verifies_case(&c));
    }
}

/* Zeros at either end keep the numbers, or would if they were read as such. */
static void every_other_length_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        const struct signed_case c = signed_case_of(&curve_cases[i], "length");
        uint8_t raw[2 * ECDSA_RAW_MAX] = { 0 };
        uint8_t point[2 * ECDSA_POINT_MAX] = { 0 };
        memcpy(raw, c.raw, raw_of(&c).len);
        memcpy(point, c.point, point_of(&c).len);
        for (size_t len = 0; len <= sizeof raw; len++)
            assert_int_equal(verifies(c.of->curve, point_of(&c), c.digest, span_of(raw, len)),
                             len == raw_of(&c).len);
        for (size_t len = 0; len <= sizeof point; len++)
            assert_int_equal(verifies(c.of->curve, span_of(point, len), c.digest, raw_of(&c)),
                             len == point_of(&c).len);
        assert_false(verifies(c.of->curve, (struct span){ 0 }, c.digest, raw_of(&c)));
        assert_false(verifies(c.of->curve, point_of(&c), c.digest, (struct span){ 0 }));
    }
}

/* The same point in the other forms of SEC 1: compressed, hybrid, and infinity. */
static void other_forms_of_a_point_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        const struct signed_case good = signed_case_of(&curve_cases[i], "forms");
        size_t whole = 1 + 2 * good.of->coord;
        for (unsigned form = 0; form < 256; form++) {
            struct signed_case c = good;
            c.point[0] = (uint8_t)form;
            assert_int_equal(verifies_case(&c), form == 4);
            struct span compressed = span_of(c.point, 1 + c.of->coord);
            assert_false(verifies(c.of->curve, compressed, c.digest, raw_of(&c)));
        }
        uint8_t zeros[ECDSA_POINT_MAX] = { 0 };
        assert_false(verifies(good.of->curve, span_of(zeros, 1), good.digest, raw_of(&good)));
        assert_false(verifies(good.of->curve, span_of(zeros, whole), good.digest, raw_of(&good)));
        zeros[0] = 4;
        assert_false(verifies(good.of->curve, span_of(zeros, whole), good.digest, raw_of(&good)));
    }
}

/* The points of each curve with the smallest x: small enough that x + p has the same length
   and would be the same point if coordinates were reduced. */
static const struct {
    uint8_t x;
    const char *y;
} small[CURVE_CASES] = {
    { 5, "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc" },
    { 2, "8cdeadbbd04911a3c1931e26df3fa6439dca9c7eb286fbd46fc319f0e2bb780232baf57825fc0c1912ada2fe"
         "fe84024c" },
};

static void coordinates_past_the_prime_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        const struct curve_case *of = &curve_cases[i];
        uint8_t point[ECDSA_POINT_MAX] = { 4 };
        uint8_t prime[ECDSA_COORD_MAX];
        struct span whole = span_of(point, 1 + 2 * of->coord);
        point[of->coord] = small[i].x;
        unhex(small[i].y, point + 1 + of->coord, of->coord);
        assert_true(ecdsa_point_is_valid(crypto, of->curve, whole));

        unhex(of->prime, prime, of->coord);
        add(point + 1, prime, point + 1, of->coord);
        assert_false(ecdsa_point_is_valid(crypto, of->curve, whole));
        assert_null(ecdsa_key_new(crypto, of->curve, whole));
        memcpy(point + 1, prime, of->coord);
        assert_false(ecdsa_point_is_valid(crypto, of->curve, whole));
    }
}

static void curves_are_not_mixed(void **state)
{
    (void)state;
    const struct signed_case a = signed_case_of(&curve_cases[0], "mixed");
    const struct signed_case b = signed_case_of(&curve_cases[1], "mixed");
    const enum curve none[] = { CURVE_NONE, (enum curve)3, (enum curve)255 };
    assert_false(verifies(CURVE_P384, point_of(&a), b.digest, raw_of(&b)));
    assert_false(verifies(CURVE_P384, point_of(&a), a.digest, raw_of(&a)));
    assert_false(verifies(CURVE_P256, point_of(&b), a.digest, raw_of(&a)));
    for (size_t i = 0; i < 3; i++) {
        assert_false(verifies(none[i], point_of(&a), a.digest, raw_of(&a)));
        assert_int_equal(curve_coord_len(none[i]), 0);
    }
}

/* A context is used again after everything above: a refused point must not leave the last
   accepted one in its place. */
static void a_context_forgets(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVE_CASES; i++) {
        const struct signed_case a = signed_case_of(&curve_cases[i], "first");
        const struct signed_case b = signed_case_of(&curve_cases[i], "second");
        struct signed_case off_curve = a;
        off_curve.point[5] ^= 1;
        assert_true(verifies_case(&a));
        assert_false(verifies_case(&off_curve));
        assert_false(verifies(a.of->curve, point_of(&b), a.digest, raw_of(&a)));
        assert_false(verifies(a.of->curve, point_of(&a), a.digest, raw_of(&b)));
        assert_true(verifies_case(&b));
        assert_true(verifies_case(&a));
    }
}

static void a_key_outlives_its_context(void **state)
{
    (void)state;
    const struct signed_case c = signed_case_of(&curve_cases[0], "outlives");
    struct crypto *other = crypto_new();
    struct ecdsa_key *key = ecdsa_key_new(other, c.of->curve, point_of(&c));
    crypto_free(&other);
    assert_true(ecdsa_key_verify(key, c.digest, raw_of(&c)));
    assert_int_equal(ecdsa_key_curve(key), c.of->curve);
    ecdsa_key_free(&key);
}

static void without_context_or_key_the_answer_is_no(void **state)
{
    (void)state;
    const struct signed_case c = signed_case_of(&curve_cases[0], "none");
    struct crypto *none = NULL;
    struct ecdsa_key *no_key = NULL;
    assert_false(ecdsa_verify(NULL, c.of->curve, point_of(&c), c.digest, raw_of(&c)));
    assert_false(ecdsa_point_is_valid(NULL, c.of->curve, point_of(&c)));
    assert_null(ecdsa_key_new(NULL, c.of->curve, point_of(&c)));
    assert_false(ecdsa_key_verify(NULL, c.digest, raw_of(&c)));
    assert_int_equal(ecdsa_key_curve(NULL), CURVE_NONE);
    crypto_free(&none);
    ecdsa_key_free(&no_key);
}

/* What the caller's own TLS code has in OpenSSL's error queue stays, and nothing is added. */
static void the_callers_errors_are_left_alone(void **state)
{
    (void)state;
    struct signed_case c = signed_case_of(&curve_cases[0], "errors");
    ERR_raise(ERR_LIB_USER, 7);
    unsigned long before = ERR_peek_last_error();
    c.point[1] ^= 1;
    assert_false(ecdsa_verify(crypto, c.of->curve, point_of(&c), c.digest, raw_of(&c)));
    memset(c.raw, 0, sizeof c.raw);
    c.point[1] ^= 1;
    assert_false(ecdsa_verify(crypto, c.of->curve, point_of(&c), c.digest, raw_of(&c)));
    assert_int_equal(ERR_peek_last_error(), before);
    assert_int_equal(ERR_get_error(), before);
    assert_int_equal(ERR_get_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(genuine_is_accepted, ""),
        TEST(high_s_is_accepted, "RL-9"),
        TEST(every_flipped_bit_is_refused, "RL-9"),
        TEST(numbers_out_of_range_are_refused, "RL-9"),
        TEST(swapped_and_doubled_halves_are_refused, ""),
        TEST(every_other_length_is_refused, "RL-9"),
        TEST(other_forms_of_a_point_are_refused, "RL-9"),
        TEST(coordinates_past_the_prime_are_refused, "RL-9"),
        TEST(curves_are_not_mixed, ""),
        TEST(a_context_forgets, ""),
        TEST(a_key_outlives_its_context, ""),
        TEST(without_context_or_key_the_answer_is_no, ""),
        TEST(the_callers_errors_are_left_alone, ""),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
