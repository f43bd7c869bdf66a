/* crl.h - one certificate revocation list (RFC 5280 5), as it stands in its bytes.

   As with x509.h: the form is insisted on, trust is not judged.  Every entry is read when
   the list is parsed, so a search cannot fail.  Every span views the input. */
#ifndef WARD_CODEC_CRL_H
#define WARD_CODEC_CRL_H

#include "base/span.h"
#include "base/time.h"
#include "codec/x509.h"

/* What an issuing distribution point limits the list to; 0 is no limit. */
enum {
    CRL_ONLY_USER_CERTS = 1 << 0,
    CRL_ONLY_CA_CERTS = 1 << 1,
    CRL_ONLY_SOME_REASONS = 1 << 2,
    CRL_ONLY_ATTRIBUTE_CERTS = 1 << 3,
};

struct crl {
    struct span whole;
    struct span tbs;        /* the TBSCertList, tag and length included: what is signed */
    int version;            /* 1 or 2 */
    struct span issuer;     /* the whole Name */
    struct window validity; /* thisUpdate to nextUpdate; without a nextUpdate both ends are
                               thisUpdate */
    bool has_next_update;
    enum x509_algorithm algorithm;
    uint8_t signature[X509_SIGNATURE_MAX]; /* as in struct x509_cert */
    struct span aki;                       /* key identifier; empty when absent */
    bool has_number;
    struct span number; /* magnitude of the CRL number, without a leading zero */
    bool is_delta;      /* a delta CRL indicator is there */
    bool is_indirect;   /* an issuing distribution point says indirectCRL, or an entry names
                           a certificate issuer of its own */
    unsigned scope;     /* CRL_ONLY_ bits */
    struct span distribution_point; /* content of the distributionPoint of the issuing
                                       distribution point; empty when absent */
    bool unknown_critical;          /* in the list or in any entry */
    struct span revoked;            /* content of revokedCertificates; empty when absent */
    size_t revoked_count;
};

/* crl_parse reads exactly one list, the whole of `der`.  *out is untouched on failure. */
MUST_USE
bool crl_parse(struct span der, struct crl *out);

/* crl_is_sound: the rules that hold between the fields of whatever crl_parse gave. */
bool crl_is_sound(const struct crl *crl);

/* crl_lists tells whether the serial (an INTEGER's content octets) is listed, whatever the
   reason.  Compared by value: leading zero octets do not matter. */
bool crl_lists(const struct crl *crl, struct span serial);

#endif
