/* ward/verify.h - evidence in, a decision with its reasons out.

       struct ward_verifier *verifier;   one per thread: scratch space and caches
       struct ward_result *result;       reused from call to call
       ward_verify(verifier, &request, result);
       if (ward_result_allowed(result)) ...

   A verification reads no clock, file, socket or global: the time, the collateral and the
   policy are arguments.  A result that was never filled denies. */
#ifndef WARD_VERIFY_H
#define WARD_VERIFY_H

#include <ward/base.h>
#include <ward/collateral.h>
#include <ward/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_verifier;
struct ward_result;

/* Evidence larger than this is refused with EVIDENCE_TOO_LARGE. */
enum { WARD_EVIDENCE_MAX = 256 * 1024, WARD_EVENT_LOG_MAX = 1024 * 1024 };

enum ward_type { WARD_TYPE_AUTO = 0, WARD_TYPE_TDX, WARD_TYPE_SGX, WARD_TYPE_NITRO };

/* Zero it, then set what applies.  Everything is borrowed for the time of the call.  A log, a
   nonce or user_data is given when its address or its length is set: an empty one, or a length
   without an address, is an expectation that nothing meets, never none. */
struct ward_request {
    struct ward_bytes evidence; /* a quote or a Nitro document: raw, hex or base64 */
    enum ward_type type;        /* AUTO recognises it; another type refuses all but that */
    int64_t time;               /* when to judge, seconds since 1970 UTC */
    const struct ward_collateral *collateral; /* NULL: none, enough for Nitro only */
    const struct ward_policy *policy;         /* NULL: the default policy */
    struct ward_bytes event_log; /* CCEL or dstack JSON, judged against the quote's registers */
    const uint8_t *report_data;  /* 64 bytes expected in a quote, or NULL */
    struct ward_bytes nonce;     /* Nitro: equal to `nonce`; quotes: report_data starts with it and
                                    is zero after it; at most 64 (quotes) or 1024 bytes */
    bool nonce_seen;             /* the caller has seen this nonce before: NONCE_REPLAY */
    struct ward_bytes user_data; /* Nitro: equal to `user_data` */
    struct ward_bytes certificate; /* DER or PEM of an RA-TLS certificate: the evidence inside it
                                      is judged and must be bound to its key; `evidence` is
                                      then left empty */
};

/* ward_verifier_new makes scratch space for one thread.  The caller frees it. */
WARD_API WARD_MUST_USE enum ward_outcome ward_verifier_new(struct ward_verifier **out,
                                                           struct ward_error *error);
WARD_API void ward_verifier_free(struct ward_verifier **verifier);

/* ward_verifier_forget empties the caches of verified keys and chains.  They are never more
   than an optimisation: no verdict is kept. */
WARD_API void ward_verifier_forget(struct ward_verifier *verifier);

/* ward_result_new makes an empty result, which denies.  The caller frees it. */
WARD_API WARD_MUST_USE enum ward_outcome ward_result_new(struct ward_result **out,
                                                         struct ward_error *error);
WARD_API void ward_result_free(struct ward_result **result);

/* ward_verify judges and fills the result, whatever the bytes are: it cannot fail, it can only
   refuse.  The result owns all that it holds; nothing of the request is kept. */
WARD_API void ward_verify(struct ward_verifier *verifier, const struct ward_request *request,
                          struct ward_result *result);

/* ward_result_allowed is the decision.  Anything but true is a refusal. */
WARD_API bool ward_result_allowed(const struct ward_result *result);

/* ward_result_reason returns the stable code of the first failing check in the order of the
   checklist ("PCK_REVOKED"), or "OK".  ward_result_detail says what exactly failed; may be
   empty.  Texts live until the next ward_verify into this result. */
WARD_API const char *ward_result_reason(const struct ward_result *result);
WARD_API const char *ward_result_detail(const struct ward_result *result);

/* ward_result_type: "tdx-v4", "tdx-v5-1.0", "tdx-v5-1.5", "sgx-v3", "sgx-v4", "sgx-v5",
   "nitro" or "unknown". */
WARD_API const char *ward_result_type(const struct ward_result *result);

/* ward_result_hardware: the chain of trust ends in a pinned vendor root. */
WARD_API bool ward_result_hardware(const struct ward_result *result);

/* ward_result_valid_until: the earliest end of anything the decision rests on, in seconds since
   1970 UTC; after it the same evidence must be judged again.  0 when it was refused. */
WARD_API int64_t ward_result_valid_until(const struct ward_result *result);

/* ward_result_collateral_issued: when the oldest of the collateral that was used was issued, in
   seconds since 1970 UTC, also on a refusal, say because it has expired; 0 when none was.  The
   time of the request minus this is the age of the collateral. */
WARD_API int64_t ward_result_collateral_issued(const struct ward_result *result);

/* ward_result_tcb_status: Intel's name, also on a refusal when it could be computed; "" when
   not.  ward_result_tcb_date: seconds since 1970 UTC, 0 when there is none. */
WARD_API const char *ward_result_tcb_status(const struct ward_result *result);
WARD_API int64_t ward_result_tcb_date(const struct ward_result *result);
WARD_API size_t ward_result_advisory_count(const struct ward_result *result);
WARD_API const char *ward_result_advisory(const struct ward_result *result, size_t index);

/* ward_result_claim views a register or field by its name ("mrtd", "rtmr0", "report_data",
   "mr_enclave", "pcr0", "module_id", "public_key", ...; the names are those of the JSON form).
   Only verified evidence has claims: false, and *out untouched, when there is none of that
   name.  The bytes live until the next ward_verify into this result. */
WARD_API WARD_MUST_USE bool ward_result_claim(const struct ward_result *result, const char *name,
                                              struct ward_bytes *out);

/* ward_result_relaxed counts and names the relaxations that the policy carries. */
WARD_API size_t ward_result_relaxed_count(const struct ward_result *result);
WARD_API const char *ward_result_relaxed(const struct ward_result *result, size_t index);

/* One line of the checklist.  Texts are static or live until the next ward_verify. */
struct ward_check {
    const char *id;       /* "AT-7", "AN-3", "AE-6" */
    const char *name;     /* a few words */
    const char *result;   /* "pass", "fail" or "skip" */
    bool relaxed;         /* would have failed; a named relaxation let it pass */
    const char *reason;   /* reason code when failed or relaxed, else "" */
    const char *side;     /* whose business a failure is: "peer", "mine" or "host" */
    const char *detail;   /* what exactly */
    const char *expected; /* "" where there is nothing to compare */
    const char *actual;
    const char *help; /* what to do next; "" when it passed */
};

/* The checks that belong to this kind of evidence, in order; false past the end. */
WARD_API size_t ward_result_check_count(const struct ward_result *result);
WARD_API bool ward_result_check(const struct ward_result *result, size_t index,
                                struct ward_check *out);

/* ward_result_json writes the result as one JSON object (docs/schema/verify.json), without a
   newline, and sets *len to its length.  WARD_BAD_INPUT when cap is too small; WARD_RESULT_JSON
   bytes are always enough.  What would command a terminal (controls, writing turned round) is
   escaped in it.  The texts above are not made safe: a detail, a value or a claim may hold what
   the evidence says, byte for byte. */
enum { WARD_RESULT_JSON = 128 * 1024 };
WARD_API WARD_MUST_USE enum ward_outcome ward_result_json(const struct ward_result *result,
                                                          char *buffer, size_t cap, size_t *len,
                                                          struct ward_error *error);

/* The public vocabulary of reasons, in checklist order; false past the end. */
struct ward_reason {
    const char *name;  /* "PCK_REVOKED" */
    const char *cause; /* one sentence */
    const char *help;  /* what to do next */
};
WARD_API size_t ward_reason_count(void);
WARD_API bool ward_reason(size_t index, struct ward_reason *out);

#ifdef __cplusplus
}
#endif
#endif
