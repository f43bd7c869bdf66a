/* tcb.h - how the state of a platform is judged against published levels: which level
   applies, what several levels mean together.  Functions over numbers; no bytes are parsed
   here, nothing is trusted, no time is compared.

   Source: Intel PCS API version 4, "TCB Info" and "Enclave Identity". */
#ifndef WARD_ATTEST_TCB_H
#define WARD_ATTEST_TCB_H

#include "base/span.h"
#include "model/claims.h"

enum { TCB_COMPONENTS = 16 };

/* What a level says besides its numbers.  An unknown status is TCB_STATUS_NONE: whoever uses
   the level must refuse then.  Spans borrow from the file. */
struct tcb_verdict {
    enum tcb_status status;
    struct span status_text; /* as written */
    int64_t date;
    const struct span *advisories;
    size_t advisory_count;
};

/* A level of a platform. */
struct tcb_level {
    uint16_t sgx[TCB_COMPONENTS];
    uint16_t tdx[TCB_COMPONENTS]; /* zero for SGX */
    uint16_t pce_svn;
    struct tcb_verdict verdict;
};

/* A level of an enclave or of the TDX module: one number. */
struct svn_level {
    uint16_t isv_svn;
    struct tcb_verdict verdict;
};

/* What a platform has: from the PCK certificate, and for TDX from the TD report. */
struct tcb_platform {
    const uint8_t *comp_svn; /* 16 */
    uint16_t pce_svn;
    const uint8_t *tee_tcb_svn; /* 16; NULL for SGX */
};

/* The number that keeps a platform from a level. */
struct tcb_shortfall {
    const char *what; /* "SGX TCB component", "PCESVN", "TDX TCB component" */
    int component;    /* 1..16 for SGX components (as Intel counts them), 0..15 for TDX; else 0 */
    uint16_t wanted, actual;
};

/* tcb_level_find walks the levels in their order and gives the first that the platform
   reaches (AT-31); NULL when it reaches none, and then *shortfall says what is missing for
   the last level, the lowest. */
const struct tcb_level *tcb_level_find(const struct tcb_level *levels, size_t count,
                                       const struct tcb_platform *platform,
                                       struct tcb_shortfall *shortfall);

/* svn_level_find gives the first level with isvsvn <= svn (AT-32), or NULL. */
const struct svn_level *svn_level_find(const struct svn_level *levels, size_t count, uint16_t svn);

/* tcb_status_of_platform and tcb_status_of_enclave read a status of a file: all of Intel's for
   a platform; UpToDate, OutOfDate or Revoked for the quoting enclave and the TDX module.
   TCB_STATUS_NONE for any other (AT-33). */
enum tcb_status tcb_status_of_platform(struct span name);
enum tcb_status tcb_status_of_enclave(struct span name);

/* tcb_converge takes one more component (a TDX module, a quoting enclave) into account
   (AT-34).  TCB_STATUS_NONE on either side gives TCB_STATUS_NONE. */
enum tcb_status tcb_converge(enum tcb_status platform, enum tcb_status component);

/* tcb_relaunch compares the converged status at launch with the current one (AT-35).
   Without a current status it is that of the launch. */
enum tcb_status tcb_relaunch(enum tcb_status launch, enum tcb_status current);

/* tcb_claims_add takes a level that was used into the result: the earliest date, the union
   of the advisories in order.  False, and the claims unchanged, when the union would
   outgrow ADVISORY_MAX or an id ADVISORY_ID_MAX. */
MUST_USE
bool tcb_claims_add(struct tcb_claims *claims, const struct tcb_verdict *verdict);

#endif
