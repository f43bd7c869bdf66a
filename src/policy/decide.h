/* decide.h - the judge: claims x rules -> decision.  Pure and total: no clock, no allocation,
   every input has an answer, and the answer to what was not checked is DENY. */
#ifndef WARD_POLICY_DECIDE_H
#define WARD_POLICY_DECIDE_H

#include "model/claims.h"
#include "model/decision.h"
#include "policy/policy.h"

/* What the verifier expects of this one piece of evidence, beside the standing rules.  {0}
   expects nothing. */
struct expectation {
    bool has_report_data; /* quotes: all 64 bytes */
    uint8_t report_data[64];
    bool has_nonce;     /* Nitro: equal to `nonce`; quotes: report_data is the nonce and zeros */
    struct span nonce;  /* 1..1024 bytes, for quotes at most 64 */
    bool nonce_seen;    /* the caller's store knows this nonce already: NONCE_REPLAY */
    bool has_user_data; /* Nitro */
    struct span user_data;
    bool has_public_key; /* Nitro: the document's own key must be this one */
    struct span public_key;
};

/* policy_decide judges AT-37..AT-41 or AN-10..AN-12, the floors of AT-21 and AT-24 that are
   policy, and the log values of AE-11, into `report`, which already holds what attest/ found.
   It allows only when nothing has failed and every check that this kind of evidence needs has
   passed.  Claims that are not verified, or are judged after their valid_until, are denied
   without being looked at: nothing unsigned is taken for true. */
struct decision policy_decide(const struct policy *policy, const struct claims *claims,
                              const struct expectation *expectation, int64_t now,
                              struct report *report);

/* policy_check_is_required: this check must have passed before evidence of this kind, under
   this policy and expectation, can be allowed. */
bool policy_check_is_required(const struct policy *policy, const struct claims *claims,
                              const struct expectation *expectation, enum check_id id);

/* AN-12: "key release encrypts to public_key of this document, never to a key from outside".
   decision_recipient_key views the only key that a secret may be encrypted to: the document's
   own, and only when it was allowed.  False when there is none.  The view lives as long as the
   claims. */
MUST_USE
bool decision_recipient_key(struct decision decision, const struct claims *claims,
                            struct span *key);

#endif
