/* tls_chain.c - see tls_chain.h. */
#include "guard/tls_chain.h"

#include "base/number.h"
#include "codec/der.h"
#include "codec/pem.h"
#include "codec/x509.h"
#include "crypto/ecdsa.h"
#include "crypto/hash.h"
#include "guard/strength.h"

static const uint8_t server_auth[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01 };
static const uint8_t ecdsa_sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };

/* Nobody looks at the signature of one that signed itself, where it is the last: a root.  Another's
   name may be its issuer's, too, and there clients look. */
static bool is_root(const struct x509_cert *cert, bool is_last)
{
    return is_last && span_equal(cert->issuer, cert->subject);
}

/* ---- the server's own -------------------------------------------------------------------- */

/* GeneralNames with a dNSName [2] or an iPAddress [7]: clients look at nothing else
   (RFC 9525 6.3). */
static bool has_name(const struct x509_cert *cert)
{
    struct cursor names;
    struct der name;
    bool found = false;
    if (!x509_alternative_names(cert, &names))
        return false;
    while (!cur_end(&names)) {
        if (!der_read(&names, &name))
            return false;
        found |= (name.tag == DER_IMPLICIT(2) || name.tag == DER_IMPLICIT(7)) && name.value.len > 0;
    }
    return found;
}

/* A CA's is a server's only where it signed itself and stands alone: openssl req -x509 makes
   such ones. */
static bool usage_fits(const struct x509_cert *cert, bool alone)
{
    bool signs = !cert->has_key_usage || (cert->key_usage & KEY_USAGE_DIGITAL_SIGNATURE) != 0;
    bool self_signed = alone && span_equal(cert->issuer, cert->subject);
    return signs && strength_serves(cert, SPAN(server_auth)) && (!cert->is_ca || self_signed);
}

static enum reason judge_own(const struct x509_cert *own, bool alone)
{
    if (own->key != X509_KEY_P256)
        return REASON_TLS_CERTIFICATE_KEY;
    if (!usage_fits(own, alone))
        return REASON_TLS_CERTIFICATE_USE;
    return has_name(own) ? REASON_OK : REASON_TLS_CERTIFICATE_NAMES;
}

/* ---- the chain --------------------------------------------------------------------------- */

/* ECDSA with SHA-256 that x509_parse has no r || s of is longer than P-256. */
static bool is_too_long(const struct x509_cert *cert)
{
    struct cursor parameters;
    struct span oid;
    return cert->algorithm == X509_ALG_OTHER &&
           (!strength_algorithm(cert, &oid, &parameters) || span_equal(oid, SPAN(ecdsa_sha256)));
}

/* As far as this program knows the algorithms: it has no RSA. */
static bool signature_fits(const struct x509_cert *cert, const struct x509_cert *next)
{
    uint8_t digest[SHA384_LEN];
    enum curve curve = CURVE_NONE;
    if (cert->algorithm == X509_ECDSA_SHA256 && next->key == X509_KEY_P256) {
        curve = CURVE_P256;
        hash_sha256(cert->tbs, digest);
    } else if (cert->algorithm == X509_ECDSA_SHA384 && next->key == X509_KEY_P384) {
        curve = CURVE_P384;
        hash_sha384(cert->tbs, digest);
    } else {
        return next->key != X509_KEY_P256 || !is_too_long(cert);
    }
    struct crypto *crypto = crypto_new();
    bool fits = ecdsa_verify(crypto, curve, next->point, digest,
                             span_of(cert->signature, 2 * curve_coord_len(curve)));
    crypto_free(&crypto);
    return fits;
}

static bool is_next(const struct x509_cert *cert, const struct x509_cert *next)
{
    bool same_key = cert->aki.len == 0 || next->ski.len == 0 || span_equal(cert->aki, next->ski);
    return span_equal(cert->issuer, next->subject) && same_key && next->is_ca &&
           signature_fits(cert, next);
}

static enum reason judge(const struct x509_cert *certs, size_t count)
{
    enum reason own = judge_own(&certs[0], count == 1);
    if (own != REASON_OK)
        return own;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && !is_next(&certs[i], &certs[i + 1]))
            return REASON_TLS_CERTIFICATE_ORDER;
        if (!strength_of_key(&certs[i]) ||
            !(is_root(&certs[i], i + 1 == count) || strength_of_signature(&certs[i])))
            return REASON_TLS_CERTIFICATE_WEAK;
    }
    return REASON_OK;
}

static bool read_blocks(struct span pem, struct sink *der, struct x509_cert *certs, size_t *count)
{
    struct cursor in = cur_over(pem);
    do {
        struct span label;
        size_t at = der->len;
        if (*count == TLS_CHAIN_MAX || !pem_next(&in, &label, der) ||
            !span_equal_text(label, "CERTIFICATE") ||
            !x509_parse(span_of(der->at + at, der->len - at), &certs[*count]))
            return false;
        ++*count;
    } while (!cur_end(&in));
    return true;
}

rc tls_chain_read(struct trail *trail, struct span pem, struct sink *der, struct tls_chain *out)
{
    struct x509_cert certs[TLS_CHAIN_MAX];
    struct tls_chain chain = { .validity = { TIME_MIN, TIME_MAX } };
    if (!read_blocks(pem, der, certs, &chain.count))
        return REFUSE(trail, REASON_TLS_CERTIFICATE_FORMAT);
    enum reason reason = judge(certs, chain.count);
    if (reason != REASON_OK)
        return REFUSE(trail, reason);
    for (size_t i = 0; i < chain.count; i++) {
        const struct window *one = &certs[i].validity;
        chain.der[i] = certs[i].whole;
        if (one->from > chain.validity.from)
            chain.validity.from = one->from;
        if (one->until < chain.validity.until)
            chain.validity.until = one->until;
    }
    chain.point = certs[0].point;
    chain.subject = certs[0].common_name;
    if (!x509_name_common_name(certs[0].issuer, &chain.issuer))
        chain.issuer = (struct span){ 0 };
    *out = chain;
    return RC_SUCCESS;
}

rc tls_chain_judge_time(struct trail *trail, const struct tls_chain *chain, int64_t now)
{
    switch (window_side_of(chain->validity, now)) {
    case WINDOW_BEFORE:
        return REFUSE(trail, REASON_TLS_CERTIFICATE_NOT_YET_VALID);
    case WINDOW_AFTER:
        return REFUSE(trail, REASON_TLS_CERTIFICATE_EXPIRED);
    case WINDOW_INSIDE:
        break;
    }
    return RC_SUCCESS;
}
