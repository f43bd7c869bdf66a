/* nitro_crl.h - holds a Nitro chain against the CRLs that the caller has (AN-8).  They are
   optional, so silence about an issuer is fine; a list of one of the chain's issuers that is
   not good is not. */
#ifndef WARD_ATTEST_NITRO_CRL_H
#define WARD_ATTEST_NITRO_CRL_H

#include "attest/nitro.h"
#include "codec/x509.h"

struct nitro_crl_input {
    const struct span *crls; /* DER, of any issuers */
    size_t crl_count;
    const struct x509_cert *certs; /* verified: the leaf first, the root last */
    size_t cert_count;             /* at most NITRO_BUNDLE_MAX + 1 */
    int64_t now;
    struct nitro_cache *cache;
};

/* nitro_check_crls does AN-8: passes it, fails it, or skips it with a note when no list is of
   this chain.  *valid_until is brought down to the end of the lists that were used. */
void nitro_check_crls(const struct nitro_crl_input *input, struct crypto *crypto,
                      struct report *report, int64_t *valid_until);

#endif
