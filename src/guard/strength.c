/* strength.c - see strength.h. */
#include "guard/strength.h"

#include "base/number.h"
#include "codec/der.h"

static const uint8_t extended_usage[] = { 0x55, 0x1d, 0x25 };
static const uint8_t any_usage[] = { 0x55, 0x1d, 0x25, 0x00 };
static const uint8_t ec_public_key[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t curve_p521[] = { 0x2b, 0x81, 0x04, 0x00, 0x23 };
static const uint8_t ed25519[] = { 0x2b, 0x65, 0x70 };
static const uint8_t rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const uint8_t rsa_pss[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a };

static const uint8_t sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
static const uint8_t sha384[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02 };
static const uint8_t sha512[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03 };

/* What a certificate may be signed with: nothing with MD5, SHA-1 or SHA-224. */
static const uint8_t ecdsa_sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t ecdsa_sha384[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };
static const uint8_t ecdsa_sha512[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04 };
static const uint8_t rsa_sha256[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b };
static const uint8_t rsa_sha384[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c };
static const uint8_t rsa_sha512[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d };

static bool is_one_of(struct span oid, const struct span *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(oid, list[i]))
            return true;
    }
    return false;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } */
static bool rsa_is_long(struct span key)
{
    struct cursor in = cur_over(key), body;
    struct span modulus, exponent;
    size_t least = STRENGTH_RSA_BITS_MIN / 8;
    return der_open(&in, DER_SEQUENCE, &body) && cur_end(&in) && der_unsigned(&body, &modulus) &&
           der_unsigned(&body, &exponent) && cur_end(&body) &&
           (modulus.len > least || (modulus.len == least && (modulus.at[0] & 0x80) != 0));
}

bool strength_of_key(const struct x509_cert *cert)
{
    struct cursor in = cur_over(cert->spki), info, algorithm;
    struct span oid, curve, key;
    if (cert->key != X509_KEY_OTHER)
        return true;
    if (!(der_open(&in, DER_SEQUENCE, &info) && der_open(&info, DER_SEQUENCE, &algorithm) &&
          der_oid(&algorithm, &oid) && der_bits(&info, &key)))
        return false;
    if (span_equal(oid, SPAN(ec_public_key)))
        return der_oid(&algorithm, &curve) && span_equal(curve, SPAN(curve_p521));
    if (span_equal(oid, SPAN(rsa)) || span_equal(oid, SPAN(rsa_pss)))
        return rsa_is_long(key);
    return span_equal(oid, SPAN(ed25519));
}

/* *parameters is what follows the name of the algorithm. */
bool strength_algorithm(const struct x509_cert *cert, struct span *oid, struct cursor *parameters)
{
    struct cursor in = cur_over(cert->whole), body;
    struct der tbs;
    return der_open(&in, DER_SEQUENCE, &body) && der_read(&body, &tbs) &&
           der_open(&body, DER_SEQUENCE, parameters) && der_oid(parameters, oid);
}

/* RSASSA-PSS-params ::= SEQUENCE { [0] HashAlgorithm DEFAULT sha1, ... } (RFC 4055 3.1): one that
   names no hash has SHA-1. */
static bool pss_is_strong(struct cursor *parameters)
{
    const struct span strong[] = { SPAN(sha256), SPAN(sha384), SPAN(sha512) };
    struct cursor fields, tagged, hash;
    struct span oid;
    return der_open(parameters, DER_SEQUENCE, &fields) &&
           der_open(&fields, DER_EXPLICIT(0), &tagged) && der_open(&tagged, DER_SEQUENCE, &hash) &&
           cur_end(&tagged) && der_oid(&hash, &oid) && is_one_of(oid, strong, COUNT_OF(strong));
}

bool strength_of_signature(const struct x509_cert *cert)
{
    const struct span strong[] = { SPAN(ecdsa_sha256), SPAN(ecdsa_sha384), SPAN(ecdsa_sha512),
                                   SPAN(rsa_sha256),   SPAN(rsa_sha384),   SPAN(rsa_sha512),
                                   SPAN(ed25519) };
    struct cursor parameters;
    struct span oid;
    if (!strength_algorithm(cert, &oid, &parameters))
        return false;
    return span_equal(oid, SPAN(rsa_pss)) ? pss_is_strong(&parameters)
                                          : is_one_of(oid, strong, COUNT_OF(strong));
}

/* ExtKeyUsageSyntax ::= SEQUENCE OF OBJECT IDENTIFIER */
static bool is_listed(struct span value, const struct span *wanted, size_t count)
{
    struct cursor in = cur_over(value), uses;
    struct span oid;
    bool fits = false;
    if (!der_open(&in, DER_SEQUENCE, &uses) || !cur_end(&in))
        return false;
    while (!cur_end(&uses)) {
        if (!der_oid(&uses, &oid))
            return false;
        fits |= is_one_of(oid, wanted, count);
    }
    return fits;
}

bool strength_serves(const struct x509_cert *cert, struct span use)
{
    const struct span wanted[] = { use, SPAN(any_usage) };
    struct span value;
    return !x509_extension(cert, SPAN(extended_usage), &value) ||
           is_listed(value, wanted, COUNT_OF(wanted));
}

bool strength_names_use(const struct x509_cert *cert, struct span use)
{
    struct span value;
    return x509_extension(cert, SPAN(extended_usage), &value) && is_listed(value, &use, 1);
}
