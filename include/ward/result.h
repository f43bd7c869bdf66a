/* ward/result.h - the result of a job, as a house has signed it: bytes in, claims out.

       struct ward_job_request request = { .result = file, .time = now, .policy = policy,
                                           .collateral = collateral, .spec_sha256 = spec };
       if (ward_job_verify(verifier, &request, NULL, &job, &error) == WARD_DONE)
           ... ward_job_claims(job) ...

   A result brings evidence of the house along.  It is judged as ward_verify judges evidence, by
   the caller's policy and at the caller's time, and names the key that the result must be signed
   with (docs/wire.md).  Who has that key by other ways may name it, too.

   What a result says is what the owner of the house said of the job; the evidence says which
   house it was.  A job of a house's queue has evidence of its sandbox, too: what it began with, as
   the house's TEE measured it.  That is judged by a policy of its own.  Nothing here reads a clock
   or opens anything. */
#ifndef WARD_RESULT_H
#define WARD_RESULT_H

#include <ward/verify.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WARD_JOB_RESULT_MAX = (176 << 10) + 88, /* bytes of the longest result there is */
    WARD_JOB_KEY = 32,                      /* of a public key (Ed25519) */
    WARD_JOB_DIGEST = 32                    /* of SHA-256 */
};

struct ward_job;

/* Zero it, then set what applies.  Everything is borrowed for the time of the call. */
struct ward_job_request {
    struct ward_bytes result;   /* the file, with nothing before or after the text */
    const uint8_t *public_key;  /* WARD_JOB_KEY bytes that it must be signed with; NULL: with the
                                   key that its evidence names */
    bool key_is_enough;         /* with a public_key: the evidence is not judged */
    const uint8_t *spec_sha256; /* WARD_JOB_DIGEST bytes: of the specification; NULL: of any */
    int64_t time;               /* when to judge the evidence, seconds since 1970 UTC */
    const struct ward_collateral *collateral; /* for it, as in a ward_request */
    const struct ward_policy *policy;         /* NULL: the default policy */
    const struct ward_policy *sandbox_policy; /* for the evidence of the sandbox, which must be
                                                 there; NULL: it is not looked at */
    struct ward_result *sandbox; /* gets the whole judgement of it; it denies where that was not
                                    reached.  NULL: nobody wants it */
};

/* ward_job_verify says WARD_DONE for a result that is signed with a key that good evidence names,
   and of that specification.  WARD_BAD_INPUT with RESULT_MALFORMED for what is none; WARD_REFUSED
   with RESULT_TYPE for what is signed as something else, RESULT_EVIDENCE (`about` is the reason of
   the evidence's refusal), RESULT_KEY_NOT_BOUND for evidence that names no key, RESULT_KEY_FOREIGN,
   RESULT_SIGNATURE, RESULT_SPEC, or, with a sandbox_policy, RESULT_NO_SANDBOX, RESULT_SANDBOX
   (`about` as before) or RESULT_SANDBOX_NOT_BOUND.  `evidence`, unless NULL, gets the whole
   judgement of the evidence; it denies where that was not reached.  The caller frees *out. */
WARD_API WARD_MUST_USE enum ward_outcome ward_job_verify(struct ward_verifier *verifier,
                                                         const struct ward_job_request *request,
                                                         struct ward_result *evidence,
                                                         struct ward_job **out,
                                                         struct ward_error *error);
WARD_API void ward_job_free(struct ward_job **job);

/* What a good result says.  It lives as long as the job. */
struct ward_job_claims {
    const char *job_id;
    const char *reason; /* "OK": it ended by itself; else why it was ended */
    int code, signal;   /* what it exited with, or what ended it */
    uint64_t cpu_us, memory_peak;
    int64_t started, ended; /* seconds since 1970 UTC */
    uint8_t spec_sha256[WARD_JOB_DIGEST];
    uint8_t public_key[WARD_JOB_KEY]; /* that it is signed with */
    bool evidence_judged;  /* false: with key_is_enough, and nothing is known of the house */
    bool hardware;         /* the evidence's chain ends in a pinned vendor root */
    bool sandbox_measured; /* there is evidence of the sandbox, */
    bool sandbox_judged; /* and it passed sandbox_policy: this job of this specification began with
                            what that names */
    size_t output_count;
    struct ward_bytes json; /* all of it, as it was signed */
};
WARD_API const struct ward_job_claims *ward_job_claims(const struct ward_job *job);

/* One of the files that the job left. */
struct ward_job_output {
    const char *path; /* below its output folder: never up, never from the root */
    uint64_t size;
    uint8_t sha256[WARD_JOB_DIGEST];
};

/* ward_job_output: in the order of their paths; false past the end. */
WARD_API WARD_MUST_USE bool ward_job_output(const struct ward_job *job, size_t index,
                                            struct ward_job_output *out);

#ifdef __cplusplus
}
#endif
#endif
