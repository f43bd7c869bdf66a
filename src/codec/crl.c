/* crl.c - see crl.h. */
#include "codec/crl.h"

#include "codec/der.h"
#include "codec/pkix.h"

/* The flags of IssuingDistributionPoint are BOOLEAN DEFAULT FALSE: there, they are TRUE
   (X.690 11.5). */
static bool implicit_flag(struct cursor *in, uint8_t tag, bool *out)
{
    struct span value;
    bool present;
    if (!der_optional(in, tag, &present, &value))
        return false;
    if (present && (value.len != 1 || value.at[0] != 0xff))
        return false;
    *out = present;
    return true;
}

/* IssuingDistributionPoint ::= SEQUENCE {
       distributionPoint          [0] DistributionPointName OPTIONAL,
       onlyContainsUserCerts      [1] BOOLEAN DEFAULT FALSE,
       onlyContainsCACerts        [2] BOOLEAN DEFAULT FALSE,
       onlySomeReasons            [3] ReasonFlags OPTIONAL,
       indirectCRL                [4] BOOLEAN DEFAULT FALSE,
       onlyContainsAttributeCerts [5] BOOLEAN DEFAULT FALSE } */
static bool parse_distribution_point(struct span value, struct crl *crl)
{
    struct cursor in = cur_over(value);
    struct cursor body;
    struct span reasons;
    bool named;
    bool user;
    bool ca;
    bool some;
    bool indirect;
    bool attribute;
    /* RFC 5280 5.2.5: an empty SEQUENCE MUST NOT be issued. */
    if (!(der_open(&in, DER_SEQUENCE, &body) && cur_end(&in) && !cur_end(&body) &&
          der_optional(&body, DER_EXPLICIT(0), &named, &crl->distribution_point) &&
          implicit_flag(&body, DER_IMPLICIT(1), &user) &&
          implicit_flag(&body, DER_IMPLICIT(2), &ca) &&
          der_optional(&body, DER_IMPLICIT(3), &some, &reasons) &&
          implicit_flag(&body, DER_IMPLICIT(4), &indirect) &&
          implicit_flag(&body, DER_IMPLICIT(5), &attribute) && cur_end(&body)))
        return false;
    crl->scope = (user ? CRL_ONLY_USER_CERTS : 0u) | (ca ? CRL_ONLY_CA_CERTS : 0u) |
                 (some ? CRL_ONLY_SOME_REASONS : 0u) | (attribute ? CRL_ONLY_ATTRIBUTE_CERTS : 0u);
    crl->is_indirect = crl->is_indirect || indirect;
    return true;
}

static bool parse_number(struct span value, struct span *number)
{
    enum { NUMBER_MAX = 20 };
    struct cursor in = cur_over(value);
    /* RFC 5280 5.2.3: "CRL numbers ... MUST NOT be longer than 20 octets". */
    return der_unsigned(&in, number) && cur_end(&in) && number->len <= NUMBER_MAX;
}

static bool parse_list_extension(const struct pkix_extension *extension, struct crl *crl)
{
    struct span base;
    switch (extension->standard) {
    case PKIX_AUTHORITY_KEY_ID:
        return pkix_authority_key_id(extension->value, &crl->aki);
    case PKIX_CRL_NUMBER:
        crl->has_number = true;
        return parse_number(extension->value, &crl->number);
    case PKIX_DELTA_CRL_INDICATOR:
        crl->is_delta = true;
        return parse_number(extension->value, &base);
    case PKIX_ISSUING_DISTRIBUTION_POINT:
        return parse_distribution_point(extension->value, crl);
    default:
        crl->unknown_critical = crl->unknown_critical || extension->critical;
        return true;
    }
}

/* CRLReason (RFC 5280 5.3.1): 7 is not used, 10 is the last. */
static bool reason_is_good(struct span value)
{
    struct cursor in = cur_over(value);
    uint32_t reason;
    return der_enumerated(&in, &reason) && cur_end(&in) && reason <= 10 && reason != 7;
}

static bool parse_entry_extension(const struct pkix_extension *extension, struct crl *crl)
{
    if (extension->standard == PKIX_REASON_CODE)
        return reason_is_good(extension->value);
    if (extension->standard == PKIX_CERTIFICATE_ISSUER)
        crl->is_indirect = true;
    crl->unknown_critical = crl->unknown_critical || extension->critical;
    return true;
}

/* SEQUENCE SIZE (1..MAX) OF Extension, each handed to `parse`. */
static bool parse_extensions(struct cursor list,
                             bool (*parse)(const struct pkix_extension *, struct crl *),
                             struct crl *crl)
{
    struct pkix_seen seen;
    struct pkix_extension extension;
    seen.count = 0;
    do {
        if (!pkix_extension_next(&list, &seen, &extension) || !parse(&extension, crl))
            return false;
    } while (!cur_end(&list));
    return true;
}

/* SEQUENCE { userCertificate CertificateSerialNumber, revocationDate Time,
              crlEntryExtensions Extensions OPTIONAL } */
static bool parse_entry(struct cursor *in, struct crl *crl)
{
    struct cursor body;
    struct cursor list;
    struct span serial;
    int64_t at;
    if (!(der_open(in, DER_SEQUENCE, &body) && pkix_serial(&body, &serial) && der_time(&body, &at)))
        return false;
    if (cur_end(&body))
        return true;
    /* RFC 5280 5.1.2.6 and 5.3: entry extensions are of version 2. */
    return crl->version == 2 && der_open(&body, DER_SEQUENCE, &list) && cur_end(&body) &&
           parse_extensions(list, parse_entry_extension, crl);
}

/* RFC 5280 5.1.2.6: "When there are no revoked certificates, the revoked certificates list
   MUST be absent", so an empty one is refused. */
static bool parse_revoked(struct cursor *in, struct crl *crl)
{
    if (!der_next_is(in, DER_SEQUENCE))
        return true;
    if (!der_take(in, DER_SEQUENCE, &crl->revoked))
        return false;
    struct cursor list = cur_over(crl->revoked);
    do {
        if (!parse_entry(&list, crl))
            return false;
        crl->revoked_count++;
    } while (!cur_end(&list));
    return true;
}

/* version INTEGER OPTIONAL: "if present, MUST be v2", which is written 1. */
static bool parse_version(struct cursor *in, int *version)
{
    uint32_t number;
    if (!der_next_is(in, DER_INTEGER)) {
        *version = 1;
        return true;
    }
    if (!der_small(in, &number) || number != 1)
        return false;
    *version = 2;
    return true;
}

static bool parse_window(struct cursor *in, struct crl *crl)
{
    if (!der_time(in, &crl->validity.from))
        return false;
    crl->validity.until = crl->validity.from;
    crl->has_next_update = der_next_is(in, DER_UTC_TIME) || der_next_is(in, DER_GENERALIZED_TIME);
    return !crl->has_next_update || der_time(in, &crl->validity.until);
}

/* crlExtensions [0] EXPLICIT Extensions OPTIONAL */
static bool parse_crl_extensions(struct cursor *in, struct crl *crl)
{
    struct cursor outer;
    struct cursor list;
    if (!der_next_is(in, DER_EXPLICIT(0)))
        return true;
    return crl->version == 2 && der_open(in, DER_EXPLICIT(0), &outer) &&
           der_open(&outer, DER_SEQUENCE, &list) && cur_end(&outer) &&
           parse_extensions(list, parse_list_extension, crl);
}

/* RFC 5280 5.1: TBSCertList, in its order. */
static bool parse_tbs(struct cursor in, struct crl *crl, struct span *algorithm_bytes)
{
    enum x509_algorithm algorithm;
    return parse_version(&in, &crl->version) && pkix_algorithm(&in, algorithm_bytes, &algorithm) &&
           pkix_issuer(&in, &crl->issuer) && parse_window(&in, crl) && parse_revoked(&in, crl) &&
           parse_crl_extensions(&in, crl) && cur_end(&in);
}

bool crl_parse(struct span der, struct crl *out)
{
    struct cursor in = cur_over(der);
    struct cursor body;
    struct der tbs;
    struct span inner;
    struct span outer;
    struct crl crl = { .whole = der };
    if (!(der_open(&in, DER_SEQUENCE, &body) && cur_end(&in) && der_read(&body, &tbs)) ||
        tbs.tag != DER_SEQUENCE)
        return false;
    crl.tbs = tbs.whole;
    if (!(pkix_algorithm(&body, &outer, &crl.algorithm) &&
          pkix_signature(&body, &crl.algorithm, crl.signature) && cur_end(&body) &&
          parse_tbs(cur_over(tbs.value), &crl, &inner)))
        return false;
    /* RFC 5280 5.1.1.2: the same algorithm identifier inside and outside. */
    if (!span_equal(inner, outer))
        return false;
    *out = crl;
    return true;
}

bool crl_is_sound(const struct crl *crl)
{
    return (crl->version == 1 || crl->version == 2) && span_inside(crl->tbs, crl->whole) &&
           span_inside(crl->issuer, crl->tbs) && pkix_inside(crl->aki, crl->tbs) &&
           pkix_inside(crl->number, crl->tbs) && pkix_inside(crl->revoked, crl->tbs) &&
           pkix_inside(crl->distribution_point, crl->tbs) &&
           crl->has_number == (crl->number.len > 0) &&
           (crl->revoked_count > 0) == (crl->revoked.len > 0) &&
           (crl->has_next_update || crl->validity.from == crl->validity.until) &&
           pkix_signature_is_sound(crl->algorithm, crl->signature);
}

static struct span without_zeros(struct span number)
{
    struct cursor in = cur_over(number);
    uint8_t first;
    while (cur_peek(&in, &first) && first == 0 && cur_skip(&in, 1))
        continue;
    return cur_rest(&in);
}

bool crl_lists(const struct crl *crl, struct span serial)
{
    struct cursor list = cur_over(crl->revoked);
    struct cursor entry;
    struct span listed;
    struct span wanted = without_zeros(serial);
    while (der_open(&list, DER_SEQUENCE, &entry) && der_unsigned(&entry, &listed))
        if (span_equal(listed, wanted))
            return true;
    return false;
}
