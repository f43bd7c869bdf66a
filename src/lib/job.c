/* job.c - the public face of results of jobs. */
#include "ward/result.h"

#include "base/number.h"
#include "codec/hex.h"
#include "lib/identity.h"
#include "lib/objects.h"
#include "token/job_result.h"

_Static_assert((int)WARD_JOB_RESULT_MAX == (int)JOB_RESULT_MAX, "the longest");
_Static_assert((int)WARD_JOB_KEY == (int)JOB_RESULT_KEY, "a public key");
_Static_assert((int)WARD_JOB_DIGEST == (int)JOB_RESULT_DIGEST, "a hash");

enum { JOB_BYTES = 1024 * 1024, JOB_ID_BYTES = 16 };

struct ward_job {
    struct arena memory;
    struct job_result_room room; /* what was read views it */
    struct job_result_signed read;
    struct ward_job_claims claims;
    struct ward_job_output outputs[JOB_RESULT_OUTPUTS_MAX];
};

static enum ward_outcome refuse(struct ward_error *error, enum reason reason, enum reason about)
{
    bool denied = reason_info(reason)->class == RC_DENIED;
    return error_reason(error, denied ? WARD_REFUSED : WARD_BAD_INPUT, reason, about);
}

/* What evidence is good for depends on what it bears: *borne is its report data. */
static bool is_allowed(struct ward_verifier *verifier, const struct ward_job_request *request,
                       const struct job_evidence *one, const struct ward_policy *policy,
                       struct ward_result *judged, struct ward_bytes *borne)
{
    struct ward_request asked = { .evidence = bytes_of_span(one->evidence),
                                  .type = WARD_TYPE_TDX,
                                  .time = request->time,
                                  .collateral = request->collateral,
                                  .policy = policy };
    if (one->event_log.len > 0)
        asked.event_log = bytes_of_span(one->event_log);
    if (!span_equal_text(one->type, "tdx"))
        return false;
    ward_verify(verifier, &asked, judged);
    return ward_result_allowed(judged) && ward_result_claim(judged, "report_data", borne);
}

/* Evidence first: until it is good its report data is anybody's. */
static enum reason judge_evidence(struct ward_verifier *verifier,
                                  const struct ward_job_request *request,
                                  const struct job_result *result, struct ward_result *evidence,
                                  struct span *key)
{
    struct ward_bytes borne;
    if (!is_allowed(verifier, request, &result->node, request->policy, evidence, &borne))
        return REASON_RESULT_EVIDENCE;
    return job_result_bound(JOB_RESULT_OF_NODE, span_of_bytes(borne), key)
               ? REASON_OK
               : REASON_RESULT_KEY_NOT_BOUND;
}

static bool says(const struct ward_result *judged, const char *name, struct span value)
{
    struct ward_bytes found;
    return ward_result_claim(judged, name, &found) && span_equal(span_of_bytes(found), value);
}

/* Of this job and this specification, and given out for a result with this key. */
static bool is_of_this(const struct job_result *result, const struct ward_result *judged,
                       struct ward_bytes borne, struct span key)
{
    uint8_t job[JOB_ID_BYTES];
    struct span bound;
    return job_result_bound(JOB_RESULT_OF_SANDBOX, span_of_bytes(borne), &bound) &&
           span_equal(bound, key) && says(judged, "compose_hash", SPAN(result->spec)) &&
           result->job.len == 2 * sizeof job && hex_decode(result->job, job, sizeof job) &&
           says(judged, "job_id", SPAN(job));
}

static enum reason judge_sandbox(struct ward_verifier *verifier,
                                 const struct ward_job_request *request,
                                 const struct job_result *result, struct ward_result *judged,
                                 struct span key)
{
    struct ward_bytes borne;
    if (result->sandbox.evidence.len == 0)
        return REASON_RESULT_NO_SANDBOX;
    if (!is_allowed(verifier, request, &result->sandbox, request->sandbox_policy, judged, &borne))
        return REASON_RESULT_SANDBOX;
    return is_of_this(result, judged, borne, key) ? REASON_OK : REASON_RESULT_SANDBOX_NOT_BOUND;
}

static enum reason judge(struct ward_verifier *verifier, const struct ward_job_request *request,
                         struct ward_job *job, struct ward_result *evidence,
                         struct ward_result *sandbox)
{
    struct span given = span_of(request->public_key,
                                request->public_key == NULL ? 0 : WARD_JOB_KEY);
    struct span key = given;
    struct trail trail = { 0 };
    if (!request->key_is_enough) {
        enum reason reason = judge_evidence(verifier, request, &job->read.result, evidence, &key);
        if (reason != REASON_OK)
            return reason;
        if (given.len > 0 && !span_equal(given, key))
            return REASON_RESULT_KEY_FOREIGN;
    }
    const struct job_result_rules rules = {
        .key = key,
        .spec = span_of(request->spec_sha256, request->spec_sha256 == NULL ? 0 : WARD_JOB_DIGEST),
    };
    rc judged = job_result_judge(&trail, &job->read, &rules);
    if (!rc_ok(judged))
        return reason_of_rc(judged, REASON_RESULT_SIGNATURE);
    job->claims.sandbox_measured = job->read.result.sandbox.evidence.len > 0;
    if (request->sandbox_policy != NULL) {
        enum reason reason = judge_sandbox(verifier, request, &job->read.result, sandbox, key);
        if (reason != REASON_OK)
            return reason;
        job->claims.sandbox_judged = true;
    }
    job->claims.evidence_judged = !request->key_is_enough;
    job->claims.hardware = !request->key_is_enough && ward_result_hardware(evidence);
    for (size_t i = 0; i < WARD_JOB_KEY; i++)
        job->claims.public_key[i] = key.at[i];
    return REASON_OK;
}

/* With a NUL behind it; what was read has none inside. */
static bool put_text(struct ward_job *job, struct span text, const char **out)
{
    char *copy = arena_alloc(&job->memory, text.len + 1);
    for (size_t i = 0; copy != NULL && i < text.len; i++)
        copy[i] = (char)text.at[i];
    *out = copy;
    return copy != NULL;
}

static bool describe(struct ward_job *job)
{
    const struct job_result *read = &job->read.result;
    struct ward_job_claims *claims = &job->claims;
    claims->code = (int)read->code;
    claims->signal = (int)read->signal;
    claims->cpu_us = read->cpu_us;
    claims->memory_peak = read->memory_peak;
    claims->started = read->started;
    claims->ended = read->ended;
    claims->output_count = read->output_count;
    claims->json = (struct ward_bytes){ job->read.payload.at, job->read.payload.len, NULL };
    for (size_t i = 0; i < WARD_JOB_DIGEST; i++)
        claims->spec_sha256[i] = read->spec[i];
    bool ok = put_text(job, read->job, &claims->job_id) &&
              put_text(job, read->reason, &claims->reason);
    for (size_t i = 0; ok && i < read->output_count; i++) {
        struct ward_job_output *out = &job->outputs[i];
        out->size = read->outputs[i].size;
        for (size_t k = 0; k < WARD_JOB_DIGEST; k++)
            out->sha256[k] = read->outputs[i].sha256[k];
        ok = put_text(job, read->outputs[i].path, &out->path);
    }
    return ok;
}

static enum ward_outcome verify(struct ward_verifier *verifier,
                                const struct ward_job_request *request, struct ward_job *job,
                                struct ward_result *evidence, struct ward_result *sandbox,
                                struct ward_error *error)
{
    struct trail trail = { 0 };
    rc opened = job_result_open(&trail, span_of_bytes(request->result), &job->room, &job->read);
    if (!rc_ok(opened))
        return refuse(error, reason_of_rc(opened, REASON_RESULT_MALFORMED), REASON_NONE);
    enum reason reason = judge(verifier, request, job, evidence, sandbox);
    if (reason != REASON_OK)
        return refuse(error, reason,
                      reason == REASON_RESULT_EVIDENCE  ? identity_reason(evidence)
                      : reason == REASON_RESULT_SANDBOX ? identity_reason(sandbox)
                                                        : REASON_NONE);
    return describe(job) ? WARD_DONE : ERROR(error, WARD_NO_MEMORY, "out of memory");
}

/* The caller's own, or one to be freed. */
static enum ward_outcome judgement(struct ward_result *given, struct ward_result **own,
                                   struct ward_result **out, struct ward_error *error)
{
    if (given == NULL) {
        enum ward_outcome made = ward_result_new(own, error);
        if (made != WARD_DONE)
            return made;
    }
    *out = given != NULL ? given : *own;
    result_object_clear(*out);
    return WARD_DONE;
}

enum ward_outcome ward_job_verify(struct ward_verifier *verifier,
                                  const struct ward_job_request *request,
                                  struct ward_result *evidence, struct ward_job **out,
                                  struct ward_error *error)
{
    struct ward_result *own[2] = { NULL, NULL }, *sandbox = NULL;
    struct arena memory;
    struct ward_job *job = NULL;
    if (request->key_is_enough && request->public_key == NULL)
        return ERROR(error, WARD_BAD_INPUT, "key_is_enough without a public_key");
    enum ward_outcome outcome = judgement(evidence, &own[0], &evidence, error);
    if (outcome == WARD_DONE)
        outcome = judgement(request->sandbox, &own[1], &sandbox, error);
    if (outcome == WARD_DONE) {
        job = object_new(sizeof *job, JOB_BYTES, &memory);
        if (job != NULL)
            job->memory = memory;
        outcome = job != NULL ? verify(verifier, request, job, evidence, sandbox, error)
                              : ERROR(error, WARD_NO_MEMORY, "out of memory");
    }
    ward_result_free(&own[0]);
    ward_result_free(&own[1]);
    if (outcome == WARD_DONE)
        *out = job;
    else
        ward_job_free(&job);
    return outcome;
}

void ward_job_free(struct ward_job **job)
{
    if (job == NULL || *job == NULL)
        return;
    struct arena memory = (*job)->memory;
    *job = NULL;
    arena_fini(&memory);
}

const struct ward_job_claims *ward_job_claims(const struct ward_job *job)
{
    return &job->claims;
}

bool ward_job_output(const struct ward_job *job, size_t index, struct ward_job_output *out)
{
    if (index >= job->claims.output_count)
        return false;
    *out = job->outputs[index];
    return true;
}
