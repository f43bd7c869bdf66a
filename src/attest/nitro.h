/* nitro.h - judges an AWS Nitro attestation document: a COSE_Sign1 over a CBOR map, with its
   chain of certificates inside (AN-1 to AN-9; spec attestation 2.2).  How old it may be and
   what its registers must hold is policy/'s to say (AN-10 to AN-12).  Pure: the time, the roots
   and the CRLs are arguments; nothing is allocated. */
#ifndef WARD_ATTEST_NITRO_H
#define WARD_ATTEST_NITRO_H

#include "attest/cache.h"
#include "attest/roots.h"
#include "crypto/crypto.h"
#include "model/claims.h"
#include "model/report.h"

enum {
    NITRO_DOCUMENT_MAX = 64 * 1024,
    NITRO_PAYLOAD_MAX = 16 * 1024,
    NITRO_CERTIFICATE_MAX = 1024,
    NITRO_BUNDLE_MAX = 8, /* certificates above the leaf, the root among them */
    NITRO_SIGNATURE_LEN = 96,
};

/* What one thread remembers: signatures of certificates and CRLs that were good under the exact
   key above them.  {0} remembers nothing; see cache.h. */
struct nitro_cache {
    struct dcap_cache links;
};

enum {
    NITRO_CACHE_CA = CACHE_CA,    /* intermediates, and CRLs: 2 verifies a document are left */
    NITRO_CACHE_LEAF = CACHE_PCK, /* leaves: with the above 1 is left */
};

/* nitro_cache_remember sets what may be remembered (NITRO_CACHE_ bits) and forgets all. */
void nitro_cache_remember(struct nitro_cache *cache, unsigned what);

struct nitro_input {
    struct span document;
    const struct trust_roots *roots;
    int64_t now; /* at which every certificate must be valid */
    /* DER, of any issuers; those of this chain's are used.  None: AN-8 is skipped. */
    const struct span *crls;
    size_t crl_count;
    size_t user_data_max;      /* bytes of user_data and of nonce; 0 is NITRO_BLOB_MAX */
    struct nitro_cache *cache; /* this thread's; may be NULL */
};

/* nitro_verify fills the report's lines AN-1 to AN-9 and the claims; both are overwritten.

   claims->verified only when every line passed (AN-8 may be skipped: CRLs are optional).  The
   nitro claims are filled when the document's signature is good under a chain to a trusted
   root, so also when all that fails is a date or a revocation; else they are zero.
   claims->hardware: that root is the pinned one of AWS.

   An unprotected header that is not empty is refused: nothing signs it.  So the only bytes of
   an accepted document outside every signature are the optional tag 18 in front of it, and the
   only ones that could be others are those of a signature itself (s and n - s both verify):
   neither document nor signature is a unique id.

   A CRL of one of the chain's issuers must be good: signed by it, of its whole scope, its
   window around now.  A valid CRL that lists a certificate refuses it whatever its window. */
void nitro_verify(const struct nitro_input *input, struct crypto *crypto, struct report *report,
                  struct claims *claims);

#endif
