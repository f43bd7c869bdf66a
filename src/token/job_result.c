/* job_result.c - see job_result.h. */
#include "token/job_result.h"

rc job_result_open(struct trail *trail, struct span text, struct job_result_room *room,
                   struct job_result_signed *out)
{
    enum job_result_form form = job_result_read(text, room, out);
    if (form == JOB_RESULT_READ)
        return RC_SUCCESS;
    return REFUSE(trail, form == JOB_RESULT_TYPE ? REASON_RESULT_TYPE : REASON_RESULT_MALFORMED);
}

/* RFC 8725 3.1: "perform algorithm verification": the algorithm and the type stood where the one
   text of a result has them, so what was read was made for this and for nothing else. */
rc job_result_judge(struct trail *trail, const struct job_result_signed *result,
                    const struct job_result_rules *rules)
{
    if (!ed25519_verify(rules->key, result->input, SPAN(result->signature)))
        return REFUSE(trail, REASON_RESULT_SIGNATURE);
    if (rules->spec.len > 0 && !span_equal(rules->spec, SPAN(result->result.spec)))
        return REFUSE(trail, REASON_RESULT_SPEC);
    return RC_SUCCESS;
}
