/* nitro_link.h - one signature on P-384 with SHA-384 under one key, remembered when it was
   good. */
#ifndef WARD_ATTEST_NITRO_LINK_H
#define WARD_ATTEST_NITRO_LINK_H

#include "attest/nitro.h"
#include "codec/crl.h"
#include "codec/x509.h"

/* nitro_link_is_good: the certificate is signed by the key `point`.  what: NITRO_CACHE_CA or
   NITRO_CACHE_LEAF; cache may be NULL. */
MUST_USE
bool nitro_link_is_good(struct nitro_cache *cache, unsigned what, struct crypto *crypto,
                        const struct x509_cert *cert, struct span point);

/* nitro_crl_is_signed: the same for a list. */
MUST_USE
bool nitro_crl_is_signed(struct nitro_cache *cache, struct crypto *crypto, const struct crl *crl,
                         struct span point);

#endif
