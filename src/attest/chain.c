/* chain.c - see chain.h. */
#include "attest/chain.h"

#include "crypto/ecdsa.h"
#include "crypto/hash.h"

const struct chain_rules chain_rules_p256 = { X509_KEY_P256, X509_ECDSA_SHA256 };
const struct chain_rules chain_rules_p384 = { X509_KEY_P384, X509_ECDSA_SHA384 };

/* A Name of no relative distinguished names is two octets. */
enum { NAME_EMPTY_LEN = 2 };

static const char *at_fault(const char *problem, size_t index, size_t *which)
{
    if (problem != NULL)
        *which = index;
    return problem;
}

const char *chain_order_problem(const struct x509_cert *certs, size_t count, size_t *which)
{
    if (count < 2)
        return at_fault("the chain is too short", 0, which);
    for (size_t i = 0; i < count; i++) {
        /* RFC 5280 4.1.2.4: "The issuer field MUST contain a non-empty distinguished name". */
        if (certs[i].issuer.len <= NAME_EMPTY_LEN)
            return at_fault("the issuer is an empty name", i, which);
        /* The last one is its own issuer. */
        const struct x509_cert *issuer = i + 1 < count ? &certs[i + 1] : &certs[i];
        if (!span_equal(certs[i].issuer, issuer->subject))
            return at_fault(i + 1 < count ? "its issuer is not the next certificate"
                                          : "the last certificate is not self-issued",
                            i, which);
    }
    return NULL;
}

const char *chain_cert_problem(const struct chain_rules *rules, const struct x509_cert *cert)
{
    if (cert->version != 3)
        return "not an X.509 version 3 certificate";
    if (cert->key != rules->key)
        return rules->key == X509_KEY_P256 ? "its key is not on P-256" : "its key is not on P-384";
    if (cert->algorithm != rules->algorithm)
        return rules->algorithm == X509_ECDSA_SHA256 ? "not signed with ecdsa-with-SHA256"
                                                     : "not signed with ecdsa-with-SHA384";
    /* RFC 5280 4.2: "A certificate-using system MUST reject the certificate if it encounters a
       critical extension it does not recognize". */
    if (cert->unknown_critical)
        return "it has a critical extension that is not known here";
    return NULL;
}

const char *chain_ca_problem(const struct x509_cert *cert, int below)
{
    /* RFC 5280 4.2.1.9: "Conforming CAs MUST include this extension in all CA certificates
       [...] and MUST mark the extension as critical". */
    if (!cert->has_basic_constraints || !cert->is_ca)
        return "it issues but is not a CA by its basic constraints";
    if (!cert->basic_constraints_critical)
        return "its basic constraints are not critical";
    /* RFC 5280 4.2.1.3: "If the keyUsage extension is present, then the subject public key MUST
       NOT be used to verify signatures on certificates [...] unless the corresponding
       keyCertSign [...] bit is set".  Here it must be present. */
    if (!cert->has_key_usage || (cert->key_usage & KEY_USAGE_CERT_SIGN) == 0)
        return "it issues without keyCertSign";
    /* RFC 5280 4.2.1.9: "the maximum number of non-self-issued intermediate certificates that
       may follow this certificate in a valid certification path". */
    if (cert->path_len >= 0 && below > cert->path_len)
        return "its pathLen is exceeded";
    return NULL;
}

const char *chain_leaf_problem(const struct x509_cert *cert)
{
    if (cert->is_ca)
        return "the leaf is a CA";
    if (!cert->has_key_usage || (cert->key_usage & KEY_USAGE_DIGITAL_SIGNATURE) == 0)
        return "the leaf lacks digitalSignature";
    if ((cert->key_usage & KEY_USAGE_CERT_SIGN) != 0)
        return "the leaf has keyCertSign";
    return NULL;
}

const char *chain_link_problem(const struct x509_cert *cert, const struct x509_cert *issuer)
{
    /* RFC 5280 6.1.3 (a)(4).  Byte for byte: the issuers whose chains these are copy Names. */
    if (!span_equal(cert->issuer, issuer->subject))
        return "its issuer is not the next certificate";
    if (cert->aki.len != 0 && issuer->ski.len != 0 && !span_equal(cert->aki, issuer->ski))
        return "its authority key identifier is not the issuer's";
    return NULL;
}

static const char *one_problem(const struct chain_rules *rules, const struct x509_cert *certs,
                               size_t count, size_t i)
{
    const char *problem = chain_cert_problem(rules, &certs[i]);
    if (problem == NULL)
        problem = i == 0 ? chain_leaf_problem(&certs[i]) : chain_ca_problem(&certs[i], (int)i - 1);
    if (problem == NULL)
        problem = chain_link_problem(&certs[i], i + 1 < count ? &certs[i + 1] : &certs[i]);
    return problem;
}

const char *chain_profile_problem(const struct chain_rules *rules, const struct x509_cert *certs,
                                  size_t count, size_t *which)
{
    for (size_t i = 0; i < count; i++) {
        const char *problem = one_problem(rules, certs, count, i);
        if (problem != NULL)
            return at_fault(problem, i, which);
    }
    return NULL;
}

bool chain_signed_by(struct crypto *crypto, const struct x509_cert *cert, struct span point)
{
    uint8_t digest[HASH_LEN_MAX];
    switch (cert->algorithm) {
    case X509_ECDSA_SHA256:
        hash_sha256(cert->tbs, digest);
        return ecdsa_verify(crypto, CURVE_P256, point, digest, span_of(cert->signature, 64));
    case X509_ECDSA_SHA384:
        hash_sha384(cert->tbs, digest);
        return ecdsa_verify(crypto, CURVE_P384, point, digest, span_of(cert->signature, 96));
    case X509_ALG_OTHER:
        break;
    }
    return false;
}
