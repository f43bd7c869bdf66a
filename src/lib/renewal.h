/* renewal.h - whether a reply of a collateral server may take the place of what is held.  A server
   is not trusted: what counts is whose signature its reply bears, when it is valid, and that it
   is no older than what was had before. */
#ifndef WARD_LIB_RENEWAL_H
#define WARD_LIB_RENEWAL_H

#include "attest/pcs.h"
#include "model/reason.h"
#include "ward/collateral.h"

struct renewal {
    enum pcs_thing thing; /* what was asked for */
    struct pcs_platform platform;
    int64_t now;
    const struct ward_policy *policy; /* whose roots are trusted; NULL: the pinned ones */
    struct span reply;
    struct span chain;  /* PEM of the issuers that came with it */
    struct span chains; /* and of replies that were taken before */
    const struct ward_collateral_files *held;
};

/* renewal_judge gives REASON_OK with what the reply is in *out (its name is "reply"), or a
   FETCH_... reason with the fault in *why, static text. */
MUST_USE
enum reason renewal_judge(const struct renewal *renewal, struct ward_collateral_item *out,
                          const char **why);

#endif
