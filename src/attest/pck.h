/* pck.h - the PCK certificate chain of an Intel platform: what its names must be, and what
   the SGX extension of its leaf says.  No signature, no time, no trust.

   Source: Intel SGX PCK Certificate and Certificate Revocation List Profile Specification. */
#ifndef WARD_ATTEST_PCK_H
#define WARD_ATTEST_PCK_H

#include "base/sink.h"
#include "codec/x509.h"
#include "model/claims.h"

enum {
    PCK_LEAF = 0,
    PCK_INTERMEDIATE,
    PCK_ROOT,
    PCK_CHAIN_LEN,
    PCK_CHAIN_DER_MAX = 12 * 1024, /* bytes of a chain, decoded */
};

/* "PCK leaf certificate", "intermediate CA certificate", "root CA certificate". */
const char *pck_cert_name(size_t index);

/* The end of a chain, intermediate and root, as text and as what it reads as: all platforms
   have one of two.  Nothing is trusted for standing here; it spares reading the same bytes
   again.  {0} holds nothing. */
enum { PCK_TAIL_MAX = 4 * 1024 };
struct pck_tail {
    size_t text_len;
    uint8_t text[PCK_TAIL_MAX];
    uint8_t der[PCK_TAIL_MAX];
    struct x509_cert certs[PCK_CHAIN_LEN - 1]; /* their spans view `der` */
};

/* pck_chain_read decodes PEM to certificates in the order in which they stand; their spans
   view `der`, or `tail` when the text after the leaf is that of the tail, which may be NULL.
   NULL when these are exactly three well-formed ones, else a static text and *which, the
   index of the certificate at fault. */
const char *pck_chain_read(struct span pem, const struct pck_tail *tail, struct sink *der,
                           struct x509_cert certs[PCK_CHAIN_LEN], size_t *which);

/* pck_tail_keep keeps the end of a chain and the certificates that pck_chain_read made of it
   without a tail.  What the tail held before is gone, also when the end is too long for it. */
void pck_tail_keep(struct pck_tail *tail, struct span pem,
                   const struct x509_cert certs[PCK_CHAIN_LEN]);

/* pck_names_problem judges the names (AT-9): each certificate's common name, and that every
   value of a subject is text.  NULL when all is well, as in chain.h. */
const char *pck_names_problem(const struct x509_cert certs[PCK_CHAIN_LEN], size_t *which);

/* pck_ca_is_platform: the certificate is named as the Platform CA (multi-package), not as the
   Processor CA. */
bool pck_ca_is_platform(const struct x509_cert *intermediate);

/* pck_extension_read reads the SGX extension of a leaf (AT-12).  A certificate of the
   Platform CA must carry the platform's instance id and configuration, one of the Processor
   CA may not.  NULL when it is as the profile has it, and then *out holds its values; else
   a static text, and *out is untouched. */
const char *pck_extension_read(const struct x509_cert *leaf, bool platform_ca,
                               struct pck_claims *out);

/* pck_extension_parse is the same for the bare content of the extension. */
const char *pck_extension_parse(struct span extension, bool platform_ca, struct pck_claims *out);

#endif
