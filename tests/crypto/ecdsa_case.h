/* ecdsa_case.h - what the tests of ECDSA share: the two curves' numbers, and a key with a
   signature by it.  Header only; nothing of it is in the product. */
#ifndef WARD_TESTS_CRYPTO_ECDSA_CASE_H
#define WARD_TESTS_CRYPTO_ECDSA_CASE_H

#include <string.h>

#include "codec/hex.h"
#include "crypto/ecdsa_sign.h"
#include "test.h"

struct curve_case {
    enum curve curve;
    size_t coord;
    const char *order; /* n */
    const char *prime; /* p */
};

static const struct curve_case curve_cases[] = {
    { CURVE_P256, P256_COORD, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
      "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff" },
    { CURVE_P384, P384_COORD,
      "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77a"
      "ecec196accc52973",
      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff00000000"
      "00000000ffffffff" },
};

enum { CURVE_CASES = 2 };

struct signed_case {
    const struct curve_case *of;
    uint8_t point[ECDSA_POINT_MAX];
    uint8_t digest[ECDSA_COORD_MAX];
    uint8_t raw[ECDSA_RAW_MAX];
};

static inline struct span point_of(const struct signed_case *c)
{
    return span_of(c->point, 1 + 2 * c->of->coord);
}

static inline struct span raw_of(const struct signed_case *c)
{
    return span_of(c->raw, 2 * c->of->coord);
}

static inline struct signed_case signed_case_of(const struct curve_case *of, const char *name)
{
    struct signed_case c = { .of = of };
    static const char seed[] = "seed of the tests";
    struct ecdsa_secret *secret = ecdsa_secret_from_seed(of->curve, span_text(seed), name);
    assert_non_null(secret);
    assert_true(ecdsa_secret_point(secret, c.point));
    for (size_t i = 0; i < of->coord; i++)
        c.digest[i] = (uint8_t)(i * 7 + 1);
    assert_true(ecdsa_sign(secret, c.digest, c.raw));
    ecdsa_secret_free(&secret);
    assert_null(secret);
    return c;
}

/* out = a - b, big endian. */
static inline void subtract(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t len)
{
    unsigned borrow = 0;
    for (size_t i = len; i-- > 0;) {
        unsigned value = 256u + a[i] - b[i] - borrow;
        out[i] = (uint8_t)value;
        borrow = value < 256 ? 1 : 0;
    }
}

/* out = a + b, big endian; the carry out of the top is dropped. */
static inline void add(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t len)
{
    unsigned carry = 0;
    for (size_t i = len; i-- > 0;) {
        unsigned value = (unsigned)a[i] + b[i] + carry;
        out[i] = (uint8_t)value;
        carry = value >> 8;
    }
}

static inline void unhex(const char *text, uint8_t *out, size_t len)
{
    assert_true(hex_decode(span_text(text), out, len));
}

#endif
