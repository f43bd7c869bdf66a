/* pcs.h - how Intel's PCS API v4 publishes collateral, and the PCCS servers that mirror it: where
   each thing is, how its issuers come, and what it must turn out to be.  Asks nobody. */
#ifndef WARD_ATTEST_PCS_H
#define WARD_ATTEST_PCS_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

#define PCS_INTEL "https://api.trustedservices.intel.com"

/* In the order of fetching: the issuers of the last come with those before it. */
enum pcs_thing { PCS_TCB_INFO, PCS_QE_IDENTITY, PCS_PCK_CRL, PCS_ROOT_CRL, PCS_THING_COUNT };

/* Whose collateral.  A thing looks at what it needs of it: see pcs_scope. */
struct pcs_platform {
    bool tdx;         /* else SGX */
    bool platform_ca; /* else the Processor CA */
    uint8_t fmspc[6];
};

/* pcs_label: "tcb-info", "qe-identity", "pck-crl", "root-crl". */
const char *pcs_label(enum pcs_thing thing);

/* pcs_kind is what libward calls it, and pcs_detail what it says whom it is for
   (ward/collateral.h). */
const char *pcs_kind(enum pcs_thing thing);
void pcs_detail(enum pcs_thing thing, const struct pcs_platform *platform, struct sink *out);

/* pcs_header: the reply's header with the issuers; NULL when there is none. */
const char *pcs_header(enum pcs_thing thing);

/* pcs_scope is the platform as far as the thing is for it, the rest false and zeros: of two
   platforms with one scope it is the same thing. */
struct pcs_platform pcs_scope(enum pcs_thing thing, const struct pcs_platform *platform);

/* pcs_url writes the thing's address at the server of that base, which has no slash at its
   end.  Not terminated. */
void pcs_url(enum pcs_thing thing, const struct pcs_platform *platform, const char *base,
             struct sink *out);

/* pcs_chain writes the PEM that is URL-encoded in such a header, and a line end where there is
   any.  False when it is no such text, or does not fit. */
MUST_USE
bool pcs_chain(struct span header, struct sink *out);

#endif
