/* qe_identity.h - Intel's enclave identity, version 2, of a quoting enclave: JSON to numbers,
   and the comparison of an enclave's report with it.  Signature and dates are judged
   elsewhere.

   Source: Intel PCS API version 4, "EnclaveIdentityV2". */
#ifndef WARD_ATTEST_QE_IDENTITY_H
#define WARD_ATTEST_QE_IDENTITY_H

#include "attest/signed_file.h"
#include "attest/tcb.h"
#include "base/time.h"

/* Whose identity the file is. */
enum qe_id { QE_ID_OTHER = 0, QE_ID_SGX, QE_ID_TDX };

struct qe_identity {
    enum qe_id id;       /* "QE", "TD_QE"; anything else (QVE) is OTHER */
    struct span id_text; /* borrows from the file */
    uint32_t version;
    struct window validity;
    uint32_t evaluation_number;
    uint32_t misc_select, misc_select_mask;
    uint8_t attributes[16], attributes_mask[16];
    uint8_t mr_signer[32];
    uint16_t isv_prod_id;
    const struct svn_level *levels;
    size_t level_count;
};

/* qe_identity_version reads nothing but the version, as tcb_info_version does. */
MUST_USE
bool qe_identity_version(const struct signed_file *file, uint32_t *version);

/* qe_identity_parse reads a version 2 file.  On failure *out is untouched and *problem says
   why. */
MUST_USE
bool qe_identity_parse(const struct signed_file *file, struct arena *arena, struct qe_identity *out,
                       struct file_problem *problem);

/* qe_identity_mismatch compares an enclave's report with the identity (AT-26).  NULL when it
   fits, else the name of the first field that does not.  A report in debug mode never
   fits. */
const char *qe_identity_mismatch(const struct qe_identity *identity,
                                 const struct sgx_claims *report);

#endif
