/* x509.c - see x509.h. */
#include "codec/x509.h"

#include <limits.h>

#include "codec/der.h"
#include "codec/pkix.h"

static const uint8_t ec_public_key[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t curve_p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t curve_p384[] = { 0x2b, 0x81, 0x04, 0x00, 0x22 };

/* RFC 5480 2.1.1: an EC key names its curve by an identifier. */
static enum x509_key named_curve(struct span algorithm, struct cursor parameters)
{
    struct span curve;
    if (!span_equal(algorithm, SPAN(ec_public_key)) || !der_oid(&parameters, &curve))
        return X509_KEY_OTHER;
    if (span_equal(curve, SPAN(curve_p256)))
        return X509_KEY_P256;
    return span_equal(curve, SPAN(curve_p384)) ? X509_KEY_P384 : X509_KEY_OTHER;
}

static bool parse_key(struct cursor *in, struct x509_cert *cert)
{
    struct cursor info;
    struct cursor algorithm;
    struct span oid;
    struct span bits;
    struct der parameters;
    size_t mark = cur_offset(in);
    if (!(der_open(in, DER_SEQUENCE, &info) && der_open(&info, DER_SEQUENCE, &algorithm) &&
          der_oid(&algorithm, &oid)))
        return false;
    enum x509_key key = named_curve(oid, algorithm);
    if (!cur_end(&algorithm) && !(der_any(&algorithm, &parameters) && cur_end(&algorithm)))
        return false;
    if (!(der_bits(&info, &bits) && cur_end(&info)))
        return false;
    cert->spki = cur_since(in, mark);
    /* RFC 5480 2.2: the first octet is 04 for an uncompressed point; no other form is taken
       for a key of these curves. */
    size_t len = key == X509_KEY_P256 ? 65 : 97;
    if (key != X509_KEY_OTHER && bits.len == len && bits.at[0] == 0x04) {
        cert->key = key;
        cert->point = bits;
    }
    return true;
}

/* BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE,
                                   pathLenConstraint INTEGER (0..MAX) OPTIONAL } */
static bool parse_basic_constraints(const struct pkix_extension *extension, struct x509_cert *cert)
{
    struct cursor in = cur_over(extension->value);
    struct cursor body;
    uint32_t path_len;
    if (!(der_open(&in, DER_SEQUENCE, &body) && cur_end(&in)))
        return false;
    if (der_next_is(&body, DER_BOOLEAN) && !(der_bool(&body, &cert->is_ca) && cert->is_ca))
        return false;
    if (!cur_end(&body)) {
        /* RFC 5280 4.2.1.9: no path length "unless the cA boolean is asserted". */
        if (!cert->is_ca || !der_small(&body, &path_len) || path_len > INT_MAX)
            return false;
        cert->path_len = (int)path_len;
    }
    cert->has_basic_constraints = true;
    cert->basic_constraints_critical = extension->critical;
    return cur_end(&body);
}

static bool parse_key_usage(struct span value, struct x509_cert *cert)
{
    struct cursor in = cur_over(value);
    /* RFC 5280 4.2.1.3: "at least one of the bits MUST be set to 1". */
    if (!(der_named_bits(&in, &cert->key_usage) && cur_end(&in)) || cert->key_usage == 0)
        return false;
    cert->has_key_usage = true;
    return true;
}

static bool parse_subject_key_id(struct span value, struct x509_cert *cert)
{
    struct cursor in = cur_over(value);
    return der_take(&in, DER_OCTET_STRING, &cert->ski) && cur_end(&in) && cert->ski.len > 0;
}

static bool parse_extension(const struct pkix_extension *extension, struct x509_cert *cert)
{
    switch (extension->standard) {
    case PKIX_BASIC_CONSTRAINTS:
        return parse_basic_constraints(extension, cert);
    case PKIX_KEY_USAGE:
        return parse_key_usage(extension->value, cert);
    case PKIX_SUBJECT_KEY_ID:
        return parse_subject_key_id(extension->value, cert);
    case PKIX_AUTHORITY_KEY_ID:
        return pkix_authority_key_id(extension->value, &cert->aki);
    default:
        /* RFC 5280 4.2: reject on a critical extension that is not recognised "or ...
           contains information that it cannot process".  Names and policies are among
           those: no chain here uses them. */
        cert->unknown_critical = cert->unknown_critical || extension->critical;
        return true;
    }
}

/* extensions [3] EXPLICIT Extensions OPTIONAL; SEQUENCE SIZE (1..MAX) OF Extension */
static bool parse_extensions(struct cursor *in, struct x509_cert *cert)
{
    struct cursor outer;
    struct pkix_seen seen = { 0 };
    struct pkix_extension extension;
    if (!der_next_is(in, DER_EXPLICIT(3)))
        return true;
    if (!(cert->version == 3 && der_open(in, DER_EXPLICIT(3), &outer) &&
          der_take(&outer, DER_SEQUENCE, &cert->extensions) && cur_end(&outer)))
        return false;
    struct cursor list = cur_over(cert->extensions);
    do {
        if (!pkix_extension_next(&list, &seen, &extension) || !parse_extension(&extension, cert))
            return false;
    } while (!cur_end(&list));
    return true;
}

/* version [0] EXPLICIT DEFAULT v1: written only for another version (X.690 11.5).  Version
   2 is refused: nothing issues it, and its unique identifiers have no use here. */
static bool parse_version(struct cursor *in, int *version)
{
    struct cursor outer;
    uint32_t number = 0;
    if (!der_next_is(in, DER_EXPLICIT(0))) {
        *version = 1;
        return true;
    }
    if (!(der_open(in, DER_EXPLICIT(0), &outer) && der_small(&outer, &number) && cur_end(&outer)) ||
        number != 2)
        return false;
    *version = 3;
    return true;
}

static bool parse_validity(struct cursor *in, struct window *validity)
{
    struct cursor body;
    return der_open(in, DER_SEQUENCE, &body) && der_time(&body, &validity->from) &&
           der_time(&body, &validity->until) && cur_end(&body);
}

/* issuerUniqueID [1] and subjectUniqueID [2], which RFC 5280 4.1.2.8 asks to be able to
   parse. */
static bool skip_unique_ids(struct cursor *in, int version)
{
    bool has_issuer;
    bool has_subject;
    struct span issuer;
    struct span subject;
    if (!(der_optional(in, DER_IMPLICIT(1), &has_issuer, &issuer) &&
          der_optional(in, DER_IMPLICIT(2), &has_subject, &subject)))
        return false;
    if ((has_issuer && !der_bits_are_good(issuer)) || (has_subject && !der_bits_are_good(subject)))
        return false;
    return version == 3 || !(has_issuer || has_subject);
}

/* RFC 5280 4.1: TBSCertificate, in its order. */
static bool parse_tbs(struct cursor in, struct x509_cert *cert, struct span *algorithm_bytes)
{
    enum x509_algorithm algorithm;
    if (!(parse_version(&in, &cert->version) && pkix_serial(&in, &cert->serial) &&
          pkix_algorithm(&in, algorithm_bytes, &algorithm) && pkix_issuer(&in, &cert->issuer) &&
          parse_validity(&in, &cert->validity) &&
          pkix_name(&in, &cert->subject, &cert->common_name) && parse_key(&in, cert) &&
          skip_unique_ids(&in, cert->version) && parse_extensions(&in, cert)))
        return false;
    return cur_end(&in);
}

bool x509_parse(struct span der, struct x509_cert *out)
{
    struct cursor in = cur_over(der);
    struct cursor body;
    struct der tbs;
    struct span inner;
    struct span outer;
    struct x509_cert cert = { .whole = der, .path_len = -1 };
    if (!(der_open(&in, DER_SEQUENCE, &body) && cur_end(&in) && der_read(&body, &tbs)) ||
        tbs.tag != DER_SEQUENCE)
        return false;
    cert.tbs = tbs.whole;
    if (!(pkix_algorithm(&body, &outer, &cert.algorithm) &&
          pkix_signature(&body, &cert.algorithm, cert.signature) && cur_end(&body) &&
          parse_tbs(cur_over(tbs.value), &cert, &inner)))
        return false;
    /* RFC 5280 4.1.1.2: the field "MUST contain the same algorithm identifier as the
       signature field in the sequence tbsCertificate". */
    if (!span_equal(inner, outer))
        return false;
    *out = cert;
    return true;
}

/* A key of a curve has a point of that curve's length; no other key has one. */
static bool key_is_sound(const struct x509_cert *cert)
{
    if (cert->key == X509_KEY_OTHER)
        return cert->point.len == 0;
    return cert->point.len == (cert->key == X509_KEY_P256 ? 65u : 97u) &&
           cert->point.at[0] == 0x04 && span_inside(cert->point, cert->spki);
}

static bool fields_are_inside(const struct x509_cert *cert)
{
    return span_inside(cert->tbs, cert->whole) && span_inside(cert->serial, cert->tbs) &&
           span_inside(cert->issuer, cert->tbs) && span_inside(cert->subject, cert->tbs) &&
           span_inside(cert->spki, cert->tbs) && pkix_inside(cert->common_name, cert->subject) &&
           pkix_inside(cert->extensions, cert->tbs) && pkix_inside(cert->ski, cert->extensions) &&
           pkix_inside(cert->aki, cert->extensions);
}

bool x509_is_sound(const struct x509_cert *cert)
{
    bool serial = cert->serial.len >= 1 && cert->serial.len <= X509_SERIAL_MAX + 1 &&
                  (cert->serial.at[0] & 0x80) == 0;
    bool constraints = cert->path_len >= -1 && (cert->is_ca || cert->path_len == -1) &&
                       (cert->has_basic_constraints ||
                        !(cert->is_ca || cert->basic_constraints_critical));
    return (cert->version == 3 || (cert->version == 1 && cert->extensions.len == 0)) &&
           fields_are_inside(cert) && serial && key_is_sound(cert) && constraints &&
           cert->has_key_usage == (cert->key_usage != 0) &&
           pkix_signature_is_sound(cert->algorithm, cert->signature);
}

bool x509_extension(const struct x509_cert *cert, struct span oid, struct span *value)
{
    struct cursor list = cur_over(cert->extensions);
    struct pkix_extension extension;
    while (!cur_end(&list) && pkix_extension_read(&list, &extension))
        if (span_equal(extension.oid, oid)) {
            *value = extension.value;
            return true;
        }
    return false;
}

bool x509_alternative_names(const struct x509_cert *cert, struct cursor *names)
{
    static const uint8_t oid[] = { 0x55, 0x1d, 0x11 };
    struct span value;
    if (!x509_extension(cert, SPAN(oid), &value))
        return false;
    struct cursor in = cur_over(value);
    return der_open(&in, DER_SEQUENCE, names) && cur_end(&in);
}

bool x509_name_common_name(struct span name, struct span *cn)
{
    struct cursor in = cur_over(name);
    struct span whole;
    struct span found;
    if (!(pkix_name(&in, &whole, &found) && cur_end(&in)) || found.len == 0)
        return false;
    *cn = found;
    return true;
}
