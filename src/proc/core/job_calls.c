/* job_calls.c - see jobs.h: what the runner has a part of: what a job said, what it uses, and what
   was refused to it. */
#include <string.h>

#include "base/number.h"
#include "codec/protobuf.h"
#include "codec/utf8.h"
#include "proc/core/core.h"

_Static_assert((int)JOB_REPORT_MAX + 4096 <= (int)FRAME_BODY_MAX, "a report as an answer");

static void refuse(struct core *core, const struct request *request, enum reason reason)
{
    const struct answer said = { .reason = reason };
    core_answer(core, request->id, &said);
}

static void answer_message(struct core *core, uint64_t front_id,
                           const struct schema_message *message, const void *values)
{
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    enum { BODY_MAX = FRAME_BODY_MAX - 64 };
    uint8_t *room = arena_room(&scratch, BODY_MAX);
    struct sink body = sink_over(room, room == NULL ? 0 : BODY_MAX);
    struct answer said = { .reason = core_write(message, values, &body) };
    if (said.reason == REASON_OK)
        said.body = sink_bytes(&body);
    core_answer(core, front_id, &said);
}

/* Whoever waits for the runner waits for a job. */
static void ask(struct core *core, const struct request *request, const struct core_job *job,
                struct frame *question)
{
    struct pending *pending = core_ask(core, request, PEER_RUNNER, question);
    if (pending == NULL)
        return;
    pending->method = request->method;
    if (job != NULL)
        memcpy(pending->job, job->id, JOB_ID);
}

static void ask_to_read(struct core *core, const struct request *request,
                        const struct core_job *job, bool report, uint64_t offset, uint32_t most)
{
    uint8_t bytes[JOB_ID + 13];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_put(&body, SPAN(job->id));
    sink_u8(&body, report);
    sink_u64le(&body, offset);
    sink_u32le(&body, most);
    struct frame question = { .message = MSG_JOB_READ, .body = sink_bytes(&body) };
    ask(core, request, job, &question);
}

/* ---- logs
 * ----------------------------------------------------------------------------------------- */

void core_ask_job_logs(struct core *core, const struct request *request)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    struct api_jobs_logs_request asked;
    struct values_error error;
    struct core_job *job = NULL;
    if (!protobuf_read(&api_jobs_logs_request, request->body, &scratch, &asked, &error)) {
        refuse(core, request, REASON_HTTP_BODY_INVALID);
        return;
    }
    enum reason reason = job_named(core, asked.job_id, &job);
    if (reason != REASON_OK) {
        refuse(core, request, reason);
        return;
    }
    /* One that was never begun has said nothing. */
    if (job->started == 0) {
        const struct api_jobs_logs_response nothing = { .next = 0,
                                                        .ended = job_state_has_ended(job->state) };
        answer_message(core, request->id, &api_jobs_logs_response, &nothing);
        return;
    }
    ask_to_read(core, request, job, false, asked.offset,
                asked.limit == 0 ? JOB_PART_MAX : asked.limit);
}

/* The runner says that a job has ended when all that it said is in its log. */
static void answer_logs(struct core *core, const struct pending *pending, enum reason reason,
                        uint64_t offset, uint64_t size, struct span part)
{
    const struct core_job *job = jobs_find(core, pending->job);
    bool ended = job == NULL || job_state_has_ended(job->state);
    /* Begun and not there yet, or it could not be begun. */
    if (reason == REASON_JOB_UNKNOWN) {
        const struct api_jobs_logs_response nothing = { .next = 0, .ended = ended };
        answer_message(core, pending->front_id, &api_jobs_logs_response, &nothing);
        return;
    }
    const struct api_jobs_logs_response said = { .data = part,
                                                 .next = offset + part.len,
                                                 .ended = ended && offset + part.len >= size };
    if (reason == REASON_OK) {
        answer_message(core, pending->front_id, &api_jobs_logs_response, &said);
        return;
    }
    const struct answer refused = { .reason = reason };
    core_answer(core, pending->front_id, &refused);
}

/* ---- why
 * ------------------------------------------------------------------------------------------ */

static void write_waits(const struct core *core, const struct core_job *job, struct sink *words)
{
    sink_format(words,
                "It waits until what it reserves is free, %u processors, %llu MiB of memory and "
                "%llu MiB of disk; %u jobs that came before it wait, too.",
                job->vcpu, (unsigned long long)(job->memory >> 20),
                (unsigned long long)(job->disk >> 20), jobs_ahead(&core->jobs, job));
    jobs_share_write(core, job, words);
}

static void write_words(const struct core *core, const struct core_job *job, struct sink *words)
{
    const struct core_jobs *jobs = &core->jobs;
    switch ((int)job->state) {
    case JOB_QUEUED:
        if (!jobs->synced || !jobs->runs)
            sink_text(words, "It waits for the runner, which is not there.");
        else
            write_waits(core, job, words);
        return;
    case JOB_STARTING:
    case JOB_RUNNING:
        sink_text(words, "It runs.");
        return;
    case JOB_ENDING:
        sink_text(words, "It is told to end, and has a second to put its work away.");
        return;
    case JOB_DONE:
        sink_text(words, "It ended by itself, with 0.");
        return;
    default:
        break;
    }
    if (job->fate.reason != REASON_OK)
        sink_text(words, reason_info(job->fate.reason)->cause);
    else if (job->fate.signal != 0)
        sink_format(words, "It ended by itself, by signal %u.", job->fate.signal);
    else
        sink_format(words, "It ended by itself, with %u.", job->fate.code);
}

/* What was read of a job's report. */
struct job_report {
    struct span text;
    uint64_t size; /* of the whole */
    bool left_out; /* it is longer than an answer may be */
};

static void answer_why(struct core *core, uint64_t front_id, const struct core_job *job,
                       const struct job_report *report)
{
    char hex[2 * JOB_ID + 1], text[1024];
    struct sink words = sink_over(text, sizeof text);
    struct api_job shown;
    job_show(job, 0, hex, &shown);
    write_words(core, job, &words);
    if (report->left_out)
        sink_format(&words,
                    " Its report is left out, for it has %llu bytes and an answer %d at most: "
                    "STATE/jobs/%s/report.json has it whole.",
                    (unsigned long long)report->size, JOB_REPORT_MAX, hex);
    const bool ended_so = job->fate.reason != REASON_NONE && job->fate.reason != REASON_OK;
    const struct api_jobs_why_response said = {
        .job_id = shown.job_id,
        .state = shown.state,
        .reason = shown.reason,
        .words = sink_bytes(&words),
        .help = span_text(ended_so ? reason_info(job->fate.reason)->help : ""),
        .report = utf8_valid(report->text) ? report->text : (struct span){ 0 },
    };
    answer_message(core, front_id, &api_jobs_why_response, &said);
}

void core_ask_job_why(struct core *core, const struct request *request)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    struct api_jobs_request asked;
    struct values_error error;
    struct core_job *job = NULL;
    enum reason reason = REASON_HTTP_BODY_INVALID;
    if (protobuf_read(&api_jobs_request, request->body, &scratch, &asked, &error))
        reason = job_named(core, asked.job_id, &job);
    if (reason != REASON_OK)
        refuse(core, request, reason);
    else if (job->started == 0 || !core->jobs.synced)
        answer_why(core, request->id, job, &(struct job_report){ 0 });
    else
        ask_to_read(core, request, job, true, 0, JOB_REPORT_MAX);
}

rc core_on_job_read(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint16_t reason = 0;
    uint64_t size = 0, offset = 0;
    struct span part;
    if (!cur_u16le(&call->body, &reason) || reason == REASON_NONE || reason >= REASON_COUNT ||
        !cur_u64le(&call->body, &size) || !get_bytes(&call->body, JOB_REPORT_MAX, &part) ||
        !cur_u64le(&call->body, &offset) || !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    struct pending *pending = core_pending(core, PEER_RUNNER, call->id, false);
    if (pending == NULL)
        return RC_SUCCESS; /* too late: answered by the clock */
    const struct core_job *job = jobs_find(core, pending->job);
    if (pending->method == METHOD_JOBS_LOGS)
        answer_logs(core, pending, (enum reason)reason, offset, size, part);
    else if (job != NULL) /* without a report it is as it is */
        answer_why(core, pending->front_id, job,
                   &(struct job_report){ part, size, reason == REASON_HOUSE_ANSWER_TOO_LARGE });
    else {
        const struct answer gone = { .reason = REASON_JOB_UNKNOWN };
        core_answer(core, pending->front_id, &gone);
    }
    core_settle(core, pending);
    return RC_SUCCESS;
}

/* ---- top
 * ------------------------------------------------------------------------------------------ */

void core_ask_job_top(struct core *core, const struct request *request)
{
    struct frame question = { .message = MSG_JOB_TOP };
    enum reason there = core_store_is_there(core);
    if (there != REASON_OK || !core->jobs.loaded)
        refuse(core, request, there != REASON_OK ? there : REASON_HOUSE_UNAVAILABLE);
    else
        ask(core, request, NULL, &question);
}

static bool is_queued(enum job_state state)
{
    return state == JOB_QUEUED;
}

static struct api_node node_of(const struct core_jobs *jobs)
{
    const struct quota_amount used = quota_in_use(jobs->quota);
    return (struct api_node){
        .runs = jobs->synced && jobs->runs,
        .vcpu = jobs->vcpu,
        .vcpu_reserved = (uint32_t)(used.of[QUOTA_CPU_MILLI] / 1000),
        .memory = jobs->memory,
        .memory_reserved = used.of[QUOTA_MEMORY_MIB] << 20,
        .disk = jobs->disk,
        .disk_reserved = used.of[QUOTA_DISK_MIB] << 20,
        .queued = (uint32_t)jobs_count(jobs, is_queued),
        .running = (uint32_t)jobs_count(jobs, job_state_is_begun),
    };
}

/* One of them, and what it uses; false where it is none of core's. */
static bool take_usage(struct core *core, struct cursor *in, char hex[2 * JOB_ID + 1],
                       struct api_job *out, bool *good)
{
    uint8_t id[JOB_ID];
    uint64_t cpu_us = 0, peak = 0;
    *good = cur_copy(in, id, sizeof id) && cur_u64le(in, &cpu_us) && cur_u64le(in, &peak);
    const struct core_job *job = *good ? jobs_find(core, id) : NULL;
    if (job == NULL)
        return false;
    job_show(job, 0, hex, out);
    out->cpu_us = cpu_us;
    out->memory_peak = peak;
    return true;
}

rc core_on_job_top(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct api_job jobs[JOB_RUNS_MAX];
    char hex[JOB_RUNS_MAX][2 * JOB_ID + 1];
    uint32_t count = 0;
    size_t shown = 0;
    bool good = true;
    if (!cur_u32le(&call->body, &count) || count > JOB_RUNS_MAX)
        return door_fault(trail, call, DOOR_E_BODY);
    for (uint32_t i = 0; i < count && good; i++)
        shown += take_usage(core, &call->body, hex[shown], &jobs[shown], &good);
    if (!good || !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    struct pending *pending = core_pending(core, PEER_RUNNER, call->id, false);
    if (pending == NULL)
        return RC_SUCCESS;
    const struct api_node node = node_of(&core->jobs);
    const struct api_jobs_top_response said = { .nodes = { &node, 1 }, .jobs = { jobs, shown } };
    answer_message(core, pending->front_id, &api_jobs_top_response, &said);
    core_settle(core, pending);
    return RC_SUCCESS;
}
