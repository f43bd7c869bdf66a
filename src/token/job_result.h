/* job_result.h - judges the result of a job: was it signed with this key, and is it of this
   specification.

   Pure.  Whose key it is says the evidence in the result, which is for attest/ and policy/ to
   judge: only then its report data names a key (codec/job_result.h). */
#ifndef WARD_TOKEN_JOB_RESULT_H
#define WARD_TOKEN_JOB_RESULT_H

#include "codec/job_result.h"
#include "crypto/ed25519.h"
#include "model/reason.h"

struct job_result_rules {
    struct span key;  /* ED25519_PUBLIC bytes: whoever signed it must have that key */
    struct span spec; /* JOB_RESULT_DIGEST bytes: of the specification; empty: of any */
};

/* job_result_open reads a whole result: RESULT_MALFORMED or RESULT_TYPE, *out untouched, for what
   is none.  It says nothing of who wrote it. */
MUST_USE
rc job_result_open(struct trail *trail, struct span text, struct job_result_room *room,
                   struct job_result_signed *out);

/* job_result_judge: RESULT_SIGNATURE, RESULT_SPEC. */
MUST_USE
rc job_result_judge(struct trail *trail, const struct job_result_signed *result,
                    const struct job_result_rules *rules);

#endif
