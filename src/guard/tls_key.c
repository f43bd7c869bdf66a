/* tls_key.c - see tls_key.h. */
#include "guard/tls_key.h"

#include <string.h>

#include "codec/der.h"
#include "codec/pem.h"

static const uint8_t ec_public_key[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t curve_p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };

/* ECPrivateKey ::= SEQUENCE { version INTEGER (1), privateKey OCTET STRING,
                               parameters [0] OBJECT IDENTIFIER OPTIONAL,
                               publicKey [1] BIT STRING OPTIONAL }
   The public key is not looked at: it follows from the private one. */
static enum reason read_ec(struct span der, struct span *scalar)
{
    struct cursor in = cur_over(der), body, parameters;
    struct span key, curve, ignored;
    uint32_t version = 0;
    bool present = false;
    if (!(der_open(&in, DER_SEQUENCE, &body) && cur_end(&in) && der_small(&body, &version) &&
          version == 1 && der_take(&body, DER_OCTET_STRING, &key)))
        return REASON_TLS_KEY_FORMAT;
    if (der_next_is(&body, DER_EXPLICIT(0))) {
        if (!der_open(&body, DER_EXPLICIT(0), &parameters) || !der_oid(&parameters, &curve))
            return REASON_TLS_KEY_FORMAT;
        if (!span_equal(curve, SPAN(curve_p256)))
            return REASON_TLS_KEY_KIND;
    }
    if (!der_optional(&body, DER_EXPLICIT(1), &present, &ignored) || !cur_end(&body))
        return REASON_TLS_KEY_FORMAT;
    if (key.len != KEY_PRIVATE)
        return REASON_TLS_KEY_KIND;
    *scalar = key;
    return REASON_OK;
}

/* OneAsymmetricKey ::= SEQUENCE { version INTEGER (0 or 1), AlgorithmIdentifier, OCTET STRING,
                                   attributes [0] OPTIONAL, publicKey [1] OPTIONAL } */
static enum reason read_pkcs8(struct span der, struct span *scalar)
{
    struct cursor in = cur_over(der), body, algorithm;
    struct span oid, curve, inner;
    uint32_t version = 0;
    if (!(der_open(&in, DER_SEQUENCE, &body) && cur_end(&in) && der_small(&body, &version) &&
          version <= 1 && der_open(&body, DER_SEQUENCE, &algorithm) && der_oid(&algorithm, &oid) &&
          der_take(&body, DER_OCTET_STRING, &inner)))
        return REASON_TLS_KEY_FORMAT;
    if (!span_equal(oid, SPAN(ec_public_key)) || !der_oid(&algorithm, &curve) ||
        !span_equal(curve, SPAN(curve_p256)))
        return REASON_TLS_KEY_KIND;
    return read_ec(inner, scalar);
}

/* openssl ecparam -genkey writes the curve before the key, in a block of its own. */
static enum reason next_key(struct cursor *in, struct sink *der, struct span *label)
{
    size_t mark = der->len;
    do {
        der->len = mark;
        if (!pem_next(in, label, der))
            return REASON_TLS_KEY_FORMAT;
    } while (span_equal_text(*label, "EC PARAMETERS") && !cur_end(in));
    return cur_end(in) ? REASON_OK : REASON_TLS_KEY_FORMAT;
}

/* Older forms say so in a header, which no PEM of ours has (RFC 7468 2). */
static bool is_encrypted(struct span text)
{
    static const char mark[] = "ENCRYPTED";
    return text.len > 0 && memmem(text.at, text.len, mark, sizeof mark - 1) != NULL;
}

static enum reason read_key(struct span text, struct sink *der, struct span *scalar)
{
    struct cursor in = cur_over(text);
    struct span label;
    size_t mark = der->len;
    if (is_encrypted(text))
        return REASON_TLS_KEY_ENCRYPTED;
    enum reason reason = next_key(&in, der, &label);
    struct span bytes = span_of(der->at + mark, der->len - mark);
    if (reason != REASON_OK)
        return reason;
    if (span_equal_text(label, "PRIVATE KEY"))
        return read_pkcs8(bytes, scalar);
    if (span_equal_text(label, "EC PRIVATE KEY"))
        return read_ec(bytes, scalar);
    return span_equal_text(label, "RSA PRIVATE KEY") ? REASON_TLS_KEY_KIND : REASON_TLS_KEY_FORMAT;
}

rc tls_key_read(struct trail *trail, struct span text, struct sink *der,
                uint8_t scalar[KEY_PRIVATE])
{
    struct span found = { 0 };
    enum reason reason = read_key(text, der, &found);
    if (reason != REASON_OK)
        return REFUSE(trail, reason);
    memcpy(scalar, found.at, KEY_PRIVATE);
    return RC_SUCCESS;
}
