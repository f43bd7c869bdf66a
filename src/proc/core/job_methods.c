/* job_methods.c - see jobs.h: what core answers of jobs itself. */
#include <string.h>

#include "base/decimal.h"
#include "base/number.h"
#include "codec/hex.h"
#include "codec/protobuf.h"
#include "proc/core/core.h"

enum { LIST_USUAL = 100, LIST_MOST = 200, SEQ_TEXT = 24 };

static bool is_live(enum job_state state)
{
    return !job_state_has_ended(state);
}

uint32_t jobs_ahead(const struct core_jobs *jobs, const struct core_job *job)
{
    uint32_t ahead = 0;
    for (size_t i = 0; i < jobs->count && job->state == JOB_QUEUED; i++)
        ahead += jobs->rows[i].state == JOB_QUEUED && jobs->rows[i].seq < job->seq;
    return ahead;
}

void job_show(const struct core_job *job, uint32_t ahead, char hex[2 * JOB_ID + 1],
              struct api_job *out)
{
    struct sink text = sink_over(hex, 2 * JOB_ID + 1);
    sink_hex(&text, SPAN(job->id));
    const struct span id = sink_bytes(&text);
    sink_terminate(&text);
    *out = (struct api_job){
        .job_id = id,
        .name = span_text(job->name),
        .tenant = span_text(job->tenant),
        .state = span_text(job_state_name(job->state)),
        .code = job->fate.code,
        .signal = job->fate.signal,
        .submitted = job->submitted,
        .started = job->started,
        .ended = job->ended,
        .cpu_us = job->fate.cpu_us,
        .memory_peak = job->fate.memory_peak,
        .vcpu = job->vcpu,
        .memory = job->memory,
        .disk = job->disk,
        .spec_sha256 = SPAN(job->spec),
        .ahead = ahead,
    };
    if (job->fate.reason != REASON_NONE)
        out->reason = span_text(reason_info(job->fate.reason)->name);
}

enum reason job_named(struct core *core, struct span text, struct core_job **out)
{
    uint8_t id[JOB_ID];
    enum reason there = core_store_is_there(core);
    if (there != REASON_OK || !core->jobs.loaded)
        return there != REASON_OK ? there : REASON_HOUSE_UNAVAILABLE;
    if (text.len != 2 * JOB_ID || !hex_decode(text, id, sizeof id))
        return REASON_JOB_UNKNOWN;
    *out = jobs_find(core, id);
    return *out != NULL ? REASON_OK : REASON_JOB_UNKNOWN;
}

enum reason job_meant(struct core *core, const struct request *request, struct arena *scratch,
                      struct core_job **out)
{
    struct api_jobs_request asked;
    struct values_error error;
    if (!protobuf_read(&api_jobs_request, request->body, scratch, &asked, &error))
        return REASON_HTTP_BODY_INVALID;
    return job_named(core, asked.job_id, out);
}

/* ---- whether it may be --------------------------------------------------------------------------
 */

static enum reason may_submit(struct core *core, const struct request *request,
                              struct arena *scratch, struct sink *detail)
{
    const struct core_jobs *jobs = &core->jobs;
    struct core_wanted wanted;
    enum reason reason = core_store_is_there(core);
    if (reason != REASON_OK)
        return reason;
    if (!jobs->loaded || !jobs->known)
        return REASON_HOUSE_UNAVAILABLE;
    if (!jobs->runs)
        return jobs->reason;
    if (request->body.len > CORE_BODY_BYTES)
        return REASON_JOB_SPEC_LARGE;
    reason = job_body_read(request->body, scratch, &wanted, detail);
    if (reason != REASON_OK)
        return reason;
    size_t tenant;
    if (!jobs_tenant(&core->house->settings, wanted.tenant, &tenant)) {
        if (wanted.tenant[0] == 0)
            sink_text(detail, "tenant is not set, and tenants have all of this node");
        else
            sink_format(detail, "tenant \"%s\" has no share of this node", wanted.tenant);
        return REASON_JOB_TENANT;
    }
    const char *key = jobs_too_large(jobs, &wanted);
    if (key != NULL) {
        sink_format(detail, "%s is more than this node has for all jobs together", key);
        return REASON_JOB_CAPACITY;
    }
    if (jobs->count >= CORE_JOBS_MAX || jobs_count(jobs, is_live) >= CORE_JOBS_LIVE)
        return REASON_JOB_QUEUE_FULL;
    return REASON_OK;
}

enum reason core_job_may(struct core *core, const struct request *request, struct sink *detail)
{
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    struct core_job *job = NULL;
    if (request->method == METHOD_JOBS_SUBMIT)
        return may_submit(core, request, &scratch, detail);
    enum reason reason = job_meant(core, request, &scratch, &job);
    if (reason == REASON_OK && job_state_has_ended(job->state))
        return REASON_JOB_HAS_ENDED;
    return reason;
}

/* ---- doing it
 * ------------------------------------------------------------------------------------- */

static enum reason answer_with(struct core *core, const struct core_job *job, struct sink *answer)
{
    char hex[2 * JOB_ID + 1];
    struct api_job said;
    job_show(job, jobs_ahead(&core->jobs, job), hex, &said);
    return core_write(&api_job, &said, answer);
}

/* It is in the log already; the queue may have filled up meanwhile. */
enum reason core_jobs_submit(struct core *core, const struct request *request,
                             struct arena *scratch, struct sink *answer)
{
    uint8_t room[CORE_JOB_DETAIL];
    struct sink detail = sink_over(room, sizeof room);
    struct core_wanted wanted;
    enum reason reason = may_submit(core, request, scratch, &detail);
    if (reason == REASON_OK)
        reason = job_body_read(request->body, scratch, &wanted, &detail);
    if (reason == REASON_OK)
        reason = jobs_add(core, request->job, &wanted, request->body);
    if (reason != REASON_OK)
        return reason;
    return answer_with(core, jobs_find(core, request->job), answer);
}

enum reason core_jobs_get(struct core *core, const struct request *request, struct arena *scratch,
                          struct sink *answer)
{
    struct core_job *job = NULL;
    enum reason reason = job_meant(core, request, scratch, &job);
    return reason == REASON_OK ? answer_with(core, job, answer) : reason;
}

/* One that has begun is told to end, and how it ended is known when it has. */
enum reason core_jobs_cancel(struct core *core, const struct request *request,
                             struct arena *scratch, struct sink *answer)
{
    static const struct core_fate wished = { .reason = REASON_JOB_CANCELLED };
    struct core_job *job = NULL;
    enum reason reason = job_meant(core, request, scratch, &job);
    if (reason != REASON_OK)
        return reason;
    if (job_state_has_ended(job->state))
        return REASON_JOB_HAS_ENDED;
    bool done = true;
    if (job->state == JOB_QUEUED)
        done = jobs_end(core, job, &wished);
    else if (job->state != JOB_ENDING)
        done = jobs_move(core, job, JOB_ENDING);
    if (!done)
        return REASON_STORE_UNREACHABLE;
    if (job->state == JOB_ENDING)
        jobs_tell(core, MSG_JOB_STOP, job->id);
    return answer_with(core, job, answer);
}

/* ---- all of them
 * ------------------------------------------------------------------------------------ */

static bool is_wanted(const struct core_job *job, const struct api_jobs_list_request *wanted,
                      uint64_t after)
{
    return (uint64_t)job->seq > after &&
           (wanted->state.len == 0 || span_equal_text(wanted->state, job_state_name(job->state)));
}

static bool is_state(struct span name)
{
    for (unsigned state = JOB_QUEUED; state < JOB_STATES; state++) {
        if (span_equal_text(name, job_state_name((enum job_state)state)))
            return true;
    }
    return name.len == 0;
}

enum reason core_jobs_list(struct core *core, const struct request *request, struct arena *scratch,
                           struct sink *answer)
{
    struct core_jobs *jobs = &core->jobs;
    struct api_jobs_list_request wanted;
    struct api_jobs_list_response list = { .next = { 0 } };
    struct values_error error;
    uint64_t after = 0;
    uint8_t next[SEQ_TEXT];
    struct sink text = sink_over(next, sizeof next);
    enum reason there = core_store_is_there(core);
    if (!protobuf_read(&api_jobs_list_request, request->body, scratch, &wanted, &error) ||
        (wanted.after.len > 0 && !decimal_read(wanted.after, INT64_MAX, &after)) ||
        !is_state(wanted.state))
        return REASON_HTTP_BODY_INVALID;
    if (there != REASON_OK || !jobs->loaded)
        return there != REASON_OK ? there : REASON_HOUSE_UNAVAILABLE;
    const size_t most = wanted.limit == 0 ? LIST_USUAL : wanted.limit;
    struct api_job *shown = arena_array(scratch, LIST_MOST, sizeof *shown);
    char(*hex)[2 * JOB_ID + 1] = arena_array(scratch, LIST_MOST, sizeof *hex);
    if (shown == NULL || hex == NULL)
        return REASON_OUT_OF_MEMORY;
    list.jobs.items = shown;
    uint32_t ahead = 0;
    for (size_t i = 0; i < jobs->count; i++) {
        const struct core_job *job = &jobs->rows[i];
        const bool waits = job->state == JOB_QUEUED;
        if (is_wanted(job, &wanted, after) && list.jobs.count == most) {
            list.next = sink_bytes(&text);
            break;
        }
        if (is_wanted(job, &wanted, after)) {
            const size_t at = list.jobs.count++;
            job_show(job, waits ? ahead : 0, hex[at], &shown[at]);
            text.len = 0;
            sink_decimal(&text, (uint64_t)job->seq, 1);
        }
        ahead += waits;
    }
    return core_write(&api_jobs_list_response, &list, answer);
}
