/* pki.h - what the tests of certificates and CRLs share: every one of the vectors, a builder
   that makes a good one and spoils one part of it, and a count of heap calls. */
#ifndef WARD_TESTS_CODEC_PKI_H
#define WARD_TESTS_CODEC_PKI_H

#include "base/sink.h"
#include "codec/crl.h"
#include "codec/x509.h"

/* Calls `each` once for every different genuine or test-PKI certificate in the vectors
   folder: PEM files, chains inside quotes, Nitro documents.  Damaged ones are left out. */
void pki_each_certificate(void (*each)(const char *name, struct span der, void *arg), void *arg);

/* The same for CRLs, DER and PEM. */
void pki_each_crl(void (*each)(const char *name, struct span der, void *arg), void *arg);

/* The parts of a certificate or CRL, each the hex of whole DER values.  NULL is the default
   of a good one, "" leaves the part out. */
enum pki_part {
    PKI_VERSION,
    PKI_SERIAL, /* certificate only */
    PKI_INNER_ALGORITHM,
    PKI_ISSUER,
    PKI_VALIDITY, /* for a CRL: the two times, without a SEQUENCE */
    PKI_SUBJECT,  /* certificate only */
    PKI_KEY,      /* certificate only */
    PKI_REVOKED,  /* CRL only: content of the list */
    PKI_UNIQUE_IDS,
    PKI_EXTENSIONS, /* the Extension values, without their two wrappings */
    PKI_TBS_END,    /* behind the last field of the part that is signed */
    PKI_OUTER_ALGORITHM,
    PKI_SIGNATURE,
    PKI_END,     /* behind the signature, inside */
    PKI_OUTSIDE, /* behind everything */
    PKI_PARTS,
};

struct pki_recipe {
    const char *part[PKI_PARTS];
};

/* Append a certificate or a CRL of this recipe. */
void pki_build_certificate(struct sink *out, const struct pki_recipe *recipe);
void pki_build_crl(struct sink *out, const struct pki_recipe *recipe);

/* Heap calls made by code linked into the test, libraries not counted. */
size_t pki_heap_calls(void);

#endif
