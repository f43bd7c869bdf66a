/* ward/policy.h - what is accepted: the appraisal policy (RFC 9334, section 8.5).

   A policy is built by one thread, then only read.  docs/policy.md lists every key of the
   TOML form with its default. */
#ifndef WARD_POLICY_H
#define WARD_POLICY_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_policy;

/* ward_policy_new makes the default policy: TCB status UpToDate only, no debug, pinned
   vendor roots only, nothing said about measurements.  The caller frees it. */
WARD_API WARD_MUST_USE enum ward_outcome ward_policy_new(struct ward_policy **out,
                                                         struct ward_error *error);

/* ward_policy_load reads a policy from TOML 1.0.  Unknown keys, wrong types and values out of
   bounds are errors; all of them are reported at once, each with its line and column. */
WARD_API WARD_MUST_USE enum ward_outcome ward_policy_load(struct ward_bytes toml,
                                                          struct ward_policy **out,
                                                          struct ward_error *error);

/* The files that a policy names under `root_files`.  libward opens no file: whoever loads the
   policy walks them (false past the end) and adds each certificate; until then they are not
   trusted.  A path is as written, relative to the policy file, without a NUL after it or in
   it; its bytes live as long as the policy.

   ward_policy_add_root_file trusts what the policy itself names, as its `roots` are trusted:
   that is a rule and no relaxation. */
WARD_API bool ward_policy_root_file(const struct ward_policy *policy, size_t index,
                                    struct ward_bytes *out);
WARD_API WARD_MUST_USE enum ward_outcome ward_policy_add_root_file(struct ward_policy *policy,
                                                                   struct ward_bytes certificate,
                                                                   struct ward_error *error);

/* ward_policy_free frees a policy and sets *policy to NULL; NULL is allowed. */
WARD_API void ward_policy_free(struct ward_policy **policy);

/* Relaxations.  Each one is listed in every result made with the policy, and hides no check:
   a check that it lets pass is shown as relaxed, with its reason. */

/* Accepts a workload whose memory can be read from outside (TDX and SGX DEBUG; Nitro debug). */
WARD_API void ward_policy_allow_debug(struct ward_policy *policy);

/* Accepts bytes after the end of a quote. */
WARD_API void ward_policy_allow_trailing(struct ward_policy *policy);

/* Accepts a TCB status by Intel's name (PCS API v4: "OutOfDate", "SWHardeningNeeded", ...).
   "Revoked" and unknown names are WARD_BAD_INPUT. */
WARD_API WARD_MUST_USE enum ward_outcome ward_policy_allow_tcb(struct ward_policy *policy,
                                                               const char *status,
                                                               struct ward_error *error);

/* Trusts the key of one more root certificate (PEM or DER, P-256 for quotes, P-384 for Nitro
   documents).  Evidence under it is never called hardware.  A pinned vendor root is accepted
   and changes nothing. */
WARD_API WARD_MUST_USE enum ward_outcome ward_policy_add_root(struct ward_policy *policy,
                                                              struct ward_bytes certificate,
                                                              struct ward_error *error);

#ifdef __cplusplus
}
#endif
#endif
