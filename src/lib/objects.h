/* objects.h - what stands behind the opaque types of include/ward/.

   Each object lives in an arena of its own that it carries, so freeing it is one call and
   nothing here calls malloc. */
#ifndef WARD_LIB_OBJECTS_H
#define WARD_LIB_OBJECTS_H

#include "attest/collateral.h"
#include "attest/dcap.h"
#include "attest/nitro.h"
#include "attest/roots.h"
#include "base/arena.h"
#include "crypto/crypto.h"
#include "model/claims.h"
#include "model/decision.h"
#include "policy/decide.h"
#include "policy/policy.h"
#include "ward/verify.h"

enum { POLICY_ROOTS_MAX = 16 };

struct ward_policy {
    struct arena memory;
    struct policy rules;
    struct trust_root roots[POLICY_ROOTS_MAX]; /* the pinned ones first */
    size_t root_count;
};

struct ward_collateral {
    struct arena memory;
    struct collateral *snapshot;
    const struct span *crls; /* every CRL of the snapshot, as DER: for Nitro documents */
    size_t crl_count;
};

struct ward_verifier {
    struct arena memory;
    struct crypto *crypto;
    struct dcap_cache quotes;
    struct nitro_cache documents;
};

struct ward_result {
    struct arena memory;
    struct decision decision;
    enum evidence_kind kind;
    bool is_document; /* judged as a Nitro document, else as a quote */
    bool has_log;
    int64_t time;
    int64_t valid_until;
    struct claims claims;
    struct report report;
    size_t relaxed_count;
    char relaxed[RELAXED_MAX][RELAXED_NAME_MAX];
};

/* span_of_bytes views what a caller gave.  A length without an address is a slip of the caller's:
   there is nothing there to be read. */
static inline struct span span_of_bytes(struct ward_bytes bytes)
{
    return span_of(bytes.data, bytes.data != NULL ? bytes.len : 0);
}

/* bytes_of_span is what a caller is shown, without a name. */
static inline struct ward_bytes bytes_of_span(struct span bytes)
{
    return (struct ward_bytes){ .data = bytes.at, .len = bytes.len };
}

/* object_new returns `size` zeroed bytes in a new arena of at most `ceiling` bytes, and the
   arena for the object to carry; NULL when there is no memory. */
MUST_USE void *object_new(size_t size, size_t ceiling, struct arena *memory);

/* result_object_clear makes a result one that was never filled: it denies. */
void result_object_clear(struct ward_result *result);

/* policy_object_init makes the default policy in place: nothing to free. */
void policy_object_init(struct ward_policy *policy);

/* policy_roots views the roots that a policy trusts. */
struct trust_roots policy_roots(const struct ward_policy *policy);

/* error_set fills the caller's error, which may be NULL, and returns the outcome. */
enum ward_outcome error_set(struct ward_error *error, enum ward_outcome outcome,
                            const char *function, int line, const char *format, ...)
    PRINTF_LIKE(5, 6);

#define ERROR(error, outcome, ...) error_set((error), (outcome), __func__, __LINE__, __VA_ARGS__)

/* error_detail fills the caller's error with a stable reason, and what there is to say besides.
   error_reason fills it with one and the one beside it, REASON_NONE where there is none. */
enum ward_outcome error_detail(struct ward_error *error, enum ward_outcome outcome,
                               enum reason reason, const char *detail);
enum ward_outcome error_reason(struct ward_error *error, enum ward_outcome outcome,
                               enum reason reason, enum reason about);

#endif
