/* ward/collateral.h - endorsements (RFC 9334, section 8.2): TCB info, QE identity, revocation
   lists and their certificates, as Intel's PCS API v4 publishes them; revocation lists of AWS
   Nitro intermediates.

   A snapshot is immutable and may be shared by threads; when collateral is renewed, make a
   new snapshot and swap the pointer.  Signatures are verified once, when it is made; dates are
   judged at each verification. */
#ifndef WARD_COLLATERAL_H
#define WARD_COLLATERAL_H

#include <ward/base.h>
#include <ward/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_collateral;

/* What a snapshot is made of.  A member with len 0 is not given.  A named member is used as it
   is, and its own faults are the reason of a refusal; `pool` is any number of files recognised
   by content, of which the fitting and newest are chosen at each verification.

   Forms: TCB info and QE identity as the JSON that PCS returns ({"tcbInfo":..,"signature":..},
   {"enclaveIdentity":..,"signature":..}), byte for byte; CRLs as DER, PEM or hex of DER;
   certificates and chains as PEM or DER. */
struct ward_collateral_files {
    struct ward_bytes tcb_info;
    struct ward_bytes qe_identity;
    struct ward_bytes pck_crl;
    struct ward_bytes root_crl;
    struct ward_bytes tcb_signing_cert;
    struct ward_bytes qe_identity_signing_cert; /* not given: tcb_signing_cert */
    struct ward_bytes pck_chain;                /* for quotes that carry none (types 1-4) */
    const struct ward_bytes *pool;
    size_t pool_count;
};

/* ward_collateral_new verifies and keeps a copy of everything given.  A file that is not
   genuine is no error here: a verification that needs it is refused with its reason.
   `policy` names the trusted roots (NULL: the pinned vendor roots). */
WARD_API WARD_MUST_USE enum ward_outcome ward_collateral_new(
    const struct ward_collateral_files *files, const struct ward_policy *policy,
    struct ward_collateral **out, struct ward_error *error);

/* ward_collateral_free frees a snapshot and sets *collateral to NULL; NULL is allowed.  No
   thread may be using it. */
WARD_API void ward_collateral_free(struct ward_collateral **collateral);

/* ward_collateral_expires returns the earliest end of validity of any item that is genuine, in
   seconds since 1970 UTC: from then on some verification will be refused.  INT64_MAX when the
   snapshot holds nothing genuine. */
WARD_API int64_t ward_collateral_expires(const struct ward_collateral *collateral);

/* One item, as `ward collateral show` lists it: a file, or one certificate of a chain.  Texts
   live as long as the snapshot. */
enum { WARD_COLLATERAL_DETAIL = 96 };
struct ward_collateral_item {
    const char *name; /* what the caller called it; "" when it had no name */
    const char *kind; /* "tcb-info", "qe-identity", "crl", "certificate" or "unknown" */
    char detail[WARD_COLLATERAL_DETAIL]; /* for whom: TEE and FMSPC, enclave, issuer, subject */
    bool genuine;                        /* its signature leads to a trusted root */
    const char *problem;                 /* why it is of no use; "" when nothing is wrong */
    int64_t valid_from;                  /* seconds since 1970 UTC */
    int64_t valid_until;
    uint32_t evaluation_number; /* 0 where there is none */
};

/* ward_collateral_count and ward_collateral_item walk the snapshot; false past the end. */
WARD_API size_t ward_collateral_count(const struct ward_collateral *collateral);
WARD_API bool ward_collateral_item(const struct ward_collateral *collateral, size_t index,
                                   struct ward_collateral_item *out);

#ifdef __cplusplus
}
#endif
#endif
