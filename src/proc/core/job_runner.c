/* job_runner.c - see jobs.h: core and the runner.  What the runner has, and core does not know to
   be over, runs; what core has begun, and the runner does not have, was lost. */
#include <string.h>

#include "base/number.h"
#include "codec/protobuf.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/log.h"

_Static_assert((int)API_JOB_ARGUMENTS == (int)JOB_ARGUMENTS_MAX, "as many as are handed on");

static bool put(struct core *core, uint16_t message, uint64_t id, struct span body)
{
    struct channel *channel = &core->house->channels[PEER_RUNNER];
    struct frame frame = { .message = message, .id = id, .body = body };
    return channel_is_open(channel) && rc_ok(channel_put(NULL, channel, &frame));
}

bool jobs_tell(struct core *core, uint16_t message, const uint8_t id[JOB_ID])
{
    return put(core, message, 0, span_of(id, JOB_ID));
}

static void answer_refused(struct core *core, const uint8_t id[JOB_ID], bool logged)
{
    uint8_t bytes[JOB_ID + 1];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_put(&body, span_of(id, JOB_ID));
    sink_u8(&body, logged);
    (void)!put(core, MSG_JOB_REFUSED_IS, 0, sink_bytes(&body));
}

/* Of what audit was asked nobody knows whether it is in the log when it is gone. */
static void ask_refusals_again(struct core *core)
{
    for (size_t i = 0; i < core->jobs.count; i++) {
        if (core->jobs.rows[i].refusal != 0)
            answer_refused(core, core->jobs.rows[i].id, false);
        core->jobs.rows[i].refusal = 0;
    }
}

/* What another runner was asked it does not answer. */
void jobs_peer(struct core *core, enum peer peer)
{
    if (peer == PEER_AUDIT)
        ask_refusals_again(core);
    if (peer != PEER_RUNNER)
        return;
    core->jobs.synced = false;
    core->jobs.asked = core->jobs.removing = 0;
}

/* ---- what there is ------------------------------------------------------------------------------
 */

void jobs_sync(struct core *core)
{
    struct channel *channel = &core->house->channels[PEER_RUNNER];
    if (core->jobs.synced || core->jobs.asked != 0 || !channel_is_open(channel))
        return;
    uint64_t id = channel_next_id(channel);
    if (put(core, MSG_JOB_SYNC, id, (struct span){ 0 }))
        core->jobs.asked = id;
}

static bool is_listed(struct span ids, const uint8_t id[JOB_ID])
{
    for (size_t i = 0; i + JOB_ID <= ids.len; i += JOB_ID) {
        if (bytes_equal(ids.at + i, id, JOB_ID))
            return true;
    }
    return false;
}

/* What cannot be kept now is found again by the next of these. */
static bool reconcile(struct core *core, struct span ids)
{
    static const struct core_fate lost = { .reason = REASON_JOB_LOST };
    struct core_jobs *jobs = &core->jobs;
    bool all = true;
    for (size_t i = 0; i < jobs->count; i++) {
        struct core_job *job = &jobs->rows[i];
        bool runs = is_listed(ids, job->id);
        if (job_state_is_begun(job->state) && !runs)
            all = jobs_end(core, job, &lost) && all;
        else if (job->state == JOB_STARTING)
            all = jobs_move(core, job, JOB_RUNNING) && all;
        else if (job->state == JOB_ENDING)
            jobs_tell(core, MSG_JOB_STOP, job->id);
    }
    for (size_t i = 0; i + JOB_ID <= ids.len; i += JOB_ID) {
        const struct core_job *job = jobs_find(core, ids.at + i);
        if (job != NULL && job_state_is_begun(job->state))
            continue;
        jobs_tell(core, MSG_JOB_STOP, ids.at + i);
        jobs_tell(core, MSG_JOB_SETTLED, ids.at + i);
    }
    return all;
}

rc core_on_job_synced(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct core_jobs *jobs = &core->jobs;
    uint16_t reason = 0;
    uint32_t vcpu = 0, count = 0;
    uint64_t memory = 0, disk = 0;
    if (!cur_u16le(&call->body, &reason) || reason == REASON_NONE || reason >= REASON_COUNT ||
        !cur_u32le(&call->body, &vcpu) || !cur_u64le(&call->body, &memory) ||
        !cur_u64le(&call->body, &disk) || !cur_u32le(&call->body, &count) || count > JOB_RUNS_MAX)
        return door_fault(trail, call, DOOR_E_BODY);
    struct span ids = cur_rest(&call->body);
    if (ids.len != (size_t)count * JOB_ID)
        return door_fault(trail, call, DOOR_E_BODY);
    if (call->id != jobs->asked || jobs->asked == 0)
        return RC_SUCCESS;
    jobs->asked = 0;
    if (core_store_is_there(core) != REASON_OK || !reconcile(core, ids)) {
        jobs->again_ms = clock_monotonic_ms() + CORE_JOBS_AGAIN_MS;
        return RC_SUCCESS;
    }
    const uint32_t set = core->house->settings.jobs_vcpu;
    jobs->known = jobs->synced = jobs->changed = true;
    jobs->reason = (enum reason)reason;
    jobs->runs = reason == REASON_OK;
    jobs->cores = vcpu;
    jobs->vcpu = set > 0 ? set : vcpu;
    jobs->memory = memory;
    jobs->disk = disk;
    jobs_divide(core);
    return RC_SUCCESS;
}

/* ---- one job
 * -------------------------------------------------------------------------------------- */

struct order {
    struct core *core;
    const struct core_job *job;
    struct sink body;
    bool read;
};

static void write_order(void *arg, struct span body)
{
    struct order *order = arg;
    struct arena scratch = arena_over(order->core->scratch, CORE_SCRATCH_MAX);
    struct sink none = { 0 };
    struct core_wanted wanted;
    order->read = job_body_read(body, &scratch, &wanted, &none) == REASON_OK;
    if (!order->read)
        return;
    const struct core_tokens *keys = &order->core->tokens;
    const struct span *arguments = wanted.asked.arguments.items;
    sink_put(&order->body, SPAN(order->job->id));
    sink_u8(&order->body, keys->known && keys->has_result);
    put_bytes(&order->body, wanted.asked.spec);
    put_bytes(&order->body, wanted.asked.images);
    put_bytes(&order->body, wanted.asked.folder);
    sink_u32le(&order->body, (uint32_t)wanted.asked.arguments.count);
    for (size_t i = 0; i < wanted.asked.arguments.count; i++)
        put_bytes(&order->body, arguments[i]);
}

bool jobs_begin(struct core *core, const struct core_job *job, bool *bad)
{
    struct channel *channel = &core->house->channels[PEER_RUNNER];
    uint8_t bytes[JOB_START_BYTES];
    struct order order = { .core = core, .job = job, .body = sink_over(bytes, sizeof bytes) };
    rc read = store_job_body(NULL, &core->store.store, job->seq, write_order, &order);
    *bad = rc_ok(read) && !(order.read && sink_ok(&order.body));
    return rc_ok(read) && !*bad && channel_is_open(channel) &&
           put(core, MSG_JOB_START, channel_next_id(channel), sink_bytes(&order.body));
}

void jobs_look_again(struct core *core)
{
    core->jobs.synced = false;
}

/* The runner has begun nothing: it is full, or stops. */
static void take_back(struct core *core, struct core_job *job)
{
    if (!jobs_move(core, job, JOB_QUEUED))
        return;
    (void)!quota_release(core->jobs.quota, (uint64_t)job->seq);
    core->jobs.changed = true;
    core->jobs.again_ms = clock_monotonic_ms() + CORE_JOBS_AGAIN_MS;
}

/* A state that could not be kept is settled by the next look at what there is. */
static void look_again(struct core *core)
{
    jobs_look_again(core);
    core->jobs.again_ms = clock_monotonic_ms() + CORE_JOBS_AGAIN_MS;
}

rc core_on_job_started(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint8_t id[JOB_ID];
    uint16_t number = 0;
    if (!cur_copy(&call->body, id, sizeof id) || !cur_u16le(&call->body, &number) ||
        number == REASON_NONE || number >= REASON_COUNT || !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    struct core_job *job = jobs_find(core, id);
    const enum reason reason = (enum reason)number;
    if (job == NULL || (job->state != JOB_STARTING && job->state != JOB_ENDING))
        return RC_SUCCESS;
    if (reason == REASON_OK && job->state == JOB_ENDING) {
        jobs_tell(core, MSG_JOB_STOP, id);
    } else if (reason == REASON_OK) {
        if (!jobs_move(core, job, JOB_RUNNING))
            look_again(core);
    } else if (reason == REASON_HOUSE_UNAVAILABLE && job->state == JOB_STARTING) {
        take_back(core, job);
    } else {
        const bool wished = job->state == JOB_ENDING;
        const struct core_fate fate = { .reason = wished ? REASON_JOB_CANCELLED : reason };
        if (!jobs_end(core, job, &fate))
            look_again(core);
    }
    return RC_SUCCESS;
}

rc core_on_job_refused(struct trail *trail, void *self, struct call *call)
{
    uint8_t id[JOB_ID];
    struct job_refused row;
    if (!cur_copy(&call->body, id, sizeof id) || !job_refused_read(cur_rest(&call->body), &row))
        return door_fault(trail, call, DOOR_E_BODY);
    struct core_job *job = jobs_find(self, id);
    if (job == NULL || !job_state_is_begun(job->state))
        answer_refused(self, id, true); /* it is nobody's */
    else if (!core_log_job_refused(self, job, &row, &job->refusal))
        answer_refused(self, id, false);
    return RC_SUCCESS;
}

bool jobs_appended(struct core *core, uint64_t id, bool logged)
{
    for (size_t i = 0; i < core->jobs.count; i++) {
        struct core_job *job = &core->jobs.rows[i];
        if (job->refusal != id)
            continue;
        job->refusal = 0;
        answer_refused(core, job->id, logged);
        return true;
    }
    return false;
}

rc core_on_job_ended(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint8_t id[JOB_ID];
    uint16_t number = 0;
    struct core_fate fate = { .reason = REASON_NONE };
    if (!cur_copy(&call->body, id, sizeof id) || !cur_u16le(&call->body, &number) ||
        number == REASON_NONE || number >= REASON_COUNT || !cur_u8(&call->body, &fate.code) ||
        !cur_u8(&call->body, &fate.signal) || !cur_u64le(&call->body, &fate.cpu_us) ||
        !cur_u64le(&call->body, &fate.memory_peak) || !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    fate.reason = (enum reason)number;
    struct core_job *job = jobs_find(core, id);
    if (!core->jobs.loaded)
        return RC_SUCCESS; /* it asks what there is when it knows the jobs */
    bool known = job == NULL || job_state_has_ended(job->state) || job->state == JOB_QUEUED;
    /* The runner's word that it began may have been lost with a channel. */
    if (!known && job->state == JOB_STARTING && !jobs_move(core, job, JOB_RUNNING)) {
        look_again(core);
        return RC_SUCCESS;
    }
    if (known || jobs_end(core, job, &fate))
        jobs_tell(core, MSG_JOB_SETTLED, id);
    else
        look_again(core);
    return RC_SUCCESS;
}

/* ---- what is old -------------------------------------------------------------------------------
 */

/* The first that has ended and is one too many, or too old; the oldest is the first. */
static const struct core_job *too_old(struct core_jobs *jobs, const struct settings *settings)
{
    const int64_t since = clock_now() - (int64_t)settings->jobs_keep_days * 86400;
    const struct core_job *first = NULL;
    size_t ended = 0;
    for (size_t i = 0; i < jobs->count; i++) {
        const struct core_job *job = &jobs->rows[i];
        if (!job_state_has_ended(job->state))
            continue;
        ended++;
        if (first == NULL || job->ended < first->ended)
            first = job;
    }
    return first != NULL && (ended > settings->jobs_keep || first->ended < since) ? first : NULL;
}

void jobs_clear(struct core *core, int64_t now_ms)
{
    struct core_jobs *jobs = &core->jobs;
    struct channel *channel = &core->house->channels[PEER_RUNNER];
    if (!jobs->synced || jobs->removing != 0 || now_ms < jobs->clear_ms)
        return;
    const struct core_job *job = too_old(jobs, &core->house->settings);
    jobs->clear_ms = now_ms + CORE_JOBS_CLEAR_MS;
    if (job == NULL)
        return;
    memcpy(jobs->removed, job->id, JOB_ID);
    uint64_t id = channel_next_id(channel);
    if (put(core, MSG_JOB_REMOVE, id, SPAN(jobs->removed)))
        jobs->removing = id;
}

/* First the folder, then the row: what is listed is there. */
rc core_on_job_removed(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct core_jobs *jobs = &core->jobs;
    uint8_t id[JOB_ID], gone = 0;
    struct trail of_store = { 0 };
    if (!cur_copy(&call->body, id, sizeof id) || !cur_u8(&call->body, &gone) || gone > 1 ||
        !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    if (call->id != jobs->removing || jobs->removing == 0 ||
        !bytes_equal(id, jobs->removed, sizeof id))
        return RC_SUCCESS;
    jobs->removing = 0;
    struct core_job *job = jobs_find(core, id);
    if (gone == 0 || job == NULL || !job_state_has_ended(job->state) ||
        core_store_is_there(core) != REASON_OK)
        return RC_SUCCESS;
    rc dropped = store_job_drop(&of_store, &core->store.store, clock_now(), job->seq);
    if (!rc_ok(dropped)) {
        log_failure("a job not cleared away", dropped, &of_store);
        return RC_SUCCESS;
    }
    size_t at = (size_t)(job - jobs->rows);
    memmove(job, job + 1, (jobs->count - at - 1) * sizeof *job);
    jobs->count--;
    jobs->clear_ms = 0;
    return RC_SUCCESS;
}
