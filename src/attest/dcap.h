/* dcap.h - judges a TDX or SGX quote: parse, chain, collateral, signatures, TCB (AT-1 to
   AT-36).  What the workload may be is policy/'s to say.  Pure: the time, the collateral
   and whom to trust are arguments; nothing is fetched and nothing is allocated. */
#ifndef WARD_ATTEST_DCAP_H
#define WARD_ATTEST_DCAP_H

#include "attest/cache.h"
#include "attest/collateral.h"
#include "attest/quote.h"
#include "attest/roots.h"
#include "crypto/crypto.h"
#include "model/claims.h"
#include "model/report.h"

struct dcap_input {
    struct span quote;
    const struct collateral *collateral; /* NULL: there is none */
    const struct trust_roots *roots;
    int64_t now;              /* at which everything must be valid */
    bool allow_trailing;      /* relax QUOTE_TRAILING_BYTES; listed in the report */
    struct dcap_cache *cache; /* this thread's; may be NULL */
};

/* dcap_verify fills the report's lines AT-1 to AT-36 and the claims.  Neither *report nor
   *claims need be empty before; both are overwritten.

   claims->verified only when every line passed (or was relaxed).  Otherwise claims hold what
   checked signatures cover: an untrusted chain or a bad signature leaves the values that it
   should have vouched for zero, while after a date that has passed, a missing CRL or the
   like the rest is still worked out, tcb.status above all.

   Work is done cheapest first and stops where a signature fails, but the first failing line
   in the order of the list is what report_first_failure names.  A line that depends on
   another that failed is skipped and says on which. */
void dcap_verify(const struct dcap_input *input, struct crypto *crypto, struct report *report,
                 struct claims *claims);

/* dcap_peek reads which platform made a quote, without believing it: for fetching the right
   collateral and for nothing else.  *out gets the PCK certificate's values, *tdx the kind.
   False when the quote carries no readable PCK certificate. */
MUST_USE
bool dcap_peek(struct span quote, struct pck_claims *out, bool *tdx);

#endif
