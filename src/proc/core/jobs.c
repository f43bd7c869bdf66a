/* jobs.c - see jobs.h: the queue itself. */
#include "proc/core/jobs.h"

#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"
#include "proc/log.h"

_Static_assert((int)JOB_ID == (int)STORE_JOB_ID, "an id of the store");

bool core_jobs_open(struct core *core)
{
    struct core_jobs *jobs = &core->jobs;
    jobs->rows = arena_array(&core->house->arena, CORE_JOBS_MAX, sizeof *jobs->rows);
    jobs->quota = arena_alloc(&core->house->arena, sizeof *jobs->quota);
    jobs->reason = REASON_HOUSE_UNAVAILABLE;
    return jobs->rows != NULL && jobs->quota != NULL;
}

struct core_job *jobs_find(struct core *core, const uint8_t id[JOB_ID])
{
    for (size_t i = 0; i < core->jobs.count; i++) {
        if (bytes_equal(core->jobs.rows[i].id, id, JOB_ID))
            return &core->jobs.rows[i];
    }
    return NULL;
}

size_t jobs_count(const struct core_jobs *jobs, bool (*is)(enum job_state state))
{
    size_t count = 0;
    for (size_t i = 0; i < jobs->count; i++)
        count += is(jobs->rows[i].state);
    return count;
}

/* ---- the store --------------------------------------------------------------------------------
 */

/* u8 code, u8 signal, u64 microseconds, u64 bytes, and the reason's name: its number is another one
   in another version. */
static struct span write_fate(const struct core_fate *fate, uint8_t room[STORE_FATE_MAX])
{
    struct sink out = sink_over(room, STORE_FATE_MAX);
    if (fate->reason == REASON_NONE)
        return (struct span){ 0 };
    sink_u8(&out, fate->code);
    sink_u8(&out, fate->signal);
    sink_u64le(&out, fate->cpu_us);
    sink_u64le(&out, fate->memory_peak);
    sink_text(&out, reason_info(fate->reason)->name);
    return sink_bytes(&out);
}

/* A reason that this version has not is one all the same. */
static struct core_fate read_fate(struct span bytes)
{
    struct core_fate fate = { .reason = REASON_NONE };
    struct cursor in = cur_over(bytes);
    if (bytes.len == 0)
        return fate;
    if (!cur_u8(&in, &fate.code) || !cur_u8(&in, &fate.signal) || !cur_u64le(&in, &fate.cpu_us) ||
        !cur_u64le(&in, &fate.memory_peak))
        return (struct core_fate){ .reason = REASON_JOB_LOST };
    fate.reason = reason_find(cur_rest(&in));
    if (fate.reason == REASON_NONE)
        fate.reason = REASON_JOB_LOST;
    return fate;
}

static bool put_state(struct core *core, const struct core_job *job, enum job_state from)
{
    uint8_t room[STORE_FATE_MAX];
    struct trail trail = { 0 };
    struct store_job row = { .seq = job->seq,
                             .state = job->state,
                             .submitted = job->submitted,
                             .started = job->started,
                             .ended = job->ended,
                             .fate = write_fate(&job->fate, room) };
    if (core_store_is_there(core) != REASON_OK)
        return false;
    memcpy(row.id, job->id, JOB_ID);
    rc moved = store_job_move(&trail, &core->store.store, clock_now(), from, &row);
    if (!rc_ok(moved))
        log_failure("a job's state not kept", moved, &trail);
    return rc_ok(moved);
}

static bool change(struct core *core, struct core_job *job, const struct core_job *next)
{
    if (!job_state_may(job->state, next->state) || !put_state(core, next, job->state)) {
        core->jobs.again_ms = clock_monotonic_ms() + CORE_JOBS_AGAIN_MS;
        return false;
    }
    *job = *next;
    return true;
}

bool jobs_move(struct core *core, struct core_job *job, enum job_state to)
{
    struct core_job next = *job;
    next.state = to;
    if (to == JOB_STARTING)
        next.started = clock_now();
    if (to == JOB_QUEUED)
        next.started = 0;
    return change(core, job, &next);
}

static enum job_state end_of(const struct core_fate *fate)
{
    if (fate->reason == REASON_JOB_CANCELLED)
        return JOB_CANCELLED;
    return fate->reason == REASON_OK && fate->code == 0 && fate->signal == 0 ? JOB_DONE
                                                                             : JOB_FAILED;
}

bool jobs_end(struct core *core, struct core_job *job, const struct core_fate *fate)
{
    struct core_job next = *job;
    const bool begun = job_state_is_begun(job->state);
    next.state = end_of(fate);
    next.fate = *fate;
    next.ended = clock_now();
    if (!change(core, job, &next))
        return false;
    if (begun && core->jobs.synced)
        (void)!quota_release(core->jobs.quota, (uint64_t)job->seq);
    core->jobs.changed = true;
    core->jobs.clear_ms = 0;
    core_log_job_end(core, job);
    return true;
}

/* ---- what the store has -------------------------------------------------------------------------
 */

static void load_row(void *arg, const struct store_job *row)
{
    struct core_jobs *jobs = arg;
    if (jobs->count == CORE_JOBS_MAX)
        return;
    struct core_job *job = &jobs->rows[jobs->count++];
    *job = (struct core_job){ .seq = row->seq,
                              .submitted = row->submitted,
                              .started = row->started,
                              .ended = row->ended,
                              .fate = read_fate(row->fate) };
    memcpy(job->id, row->id, JOB_ID);
    job->state = row->state > 0 && row->state < JOB_STATES ? (enum job_state)row->state
                                                           : JOB_STATE_NONE;
    if (row->seq > jobs->last_seq)
        jobs->last_seq = row->seq;
}

struct loading {
    struct core *core;
    struct core_job *job;
};

static void load_body(void *arg, struct span body)
{
    struct loading *loading = arg;
    struct core_job *job = loading->job;
    struct arena scratch = arena_over(loading->core->scratch, CORE_SCRATCH_MAX);
    struct sink none = { 0 };
    struct core_wanted wanted;
    if (job_body_read(body, &scratch, &wanted, &none) != REASON_OK)
        return;
    memcpy(job->name, wanted.name, sizeof job->name);
    memcpy(job->tenant, wanted.tenant, sizeof job->tenant);
    memcpy(job->spec, wanted.spec, sizeof job->spec);
    job->vcpu = wanted.vcpu;
    job->memory = wanted.memory;
    job->disk = wanted.disk;
}

static bool load(struct core *core)
{
    struct core_jobs *jobs = &core->jobs;
    struct trail trail = { 0 };
    jobs->count = 0;
    rc done = store_job_each(&trail, &core->store.store, load_row, jobs);
    for (size_t i = 0; rc_ok(done) && i < jobs->count; i++) {
        struct loading loading = { core, &jobs->rows[i] };
        done = store_job_body(&trail, &core->store.store, jobs->rows[i].seq, load_body, &loading);
    }
    if (!rc_ok(done))
        log_failure("jobs not read", done, &trail);
    return rc_ok(done);
}

/* ---- new ones ---------------------------------------------------------------------------------
 */

const char *jobs_too_large(const struct core_jobs *jobs, const struct core_wanted *wanted)
{
    if (wanted->vcpu > jobs->vcpu || wanted->vcpu > jobs->cores)
        return "resources.vcpu";
    if (wanted->memory > jobs->memory)
        return "resources.memory";
    return wanted->disk > jobs->disk ? "resources.disk" : NULL;
}

enum reason jobs_add(struct core *core, const uint8_t id[JOB_ID], const struct core_wanted *wanted,
                     struct span body)
{
    struct core_jobs *jobs = &core->jobs;
    struct trail trail = { 0 };
    struct store_job row = { .seq = jobs->last_seq + 1,
                             .state = JOB_QUEUED,
                             .submitted = clock_now() };
    memcpy(row.id, id, JOB_ID);
    rc added = store_job_add(&trail, &core->store.store, row.submitted, &row, body);
    if (!rc_ok(added)) {
        log_failure("a job not kept", added, &trail);
        return reason_of_rc(added, REASON_STORE_IO);
    }
    struct core_job *job = &jobs->rows[jobs->count++];
    *job = (struct core_job){ .seq = row.seq,
                              .state = JOB_QUEUED,
                              .submitted = row.submitted,
                              .vcpu = wanted->vcpu,
                              .memory = wanted->memory,
                              .disk = wanted->disk };
    memcpy(job->id, id, JOB_ID);
    memcpy(job->name, wanted->name, sizeof job->name);
    memcpy(job->tenant, wanted->tenant, sizeof job->tenant);
    memcpy(job->spec, wanted->spec, sizeof job->spec);
    jobs->last_seq = row.seq;
    jobs->changed = true;
    return REASON_OK;
}

/* ---- whose turn it is ---------------------------------------------------------------------------
 */

/* Starting in the store first: a runner that was told and a core that does not know it would begin
   it twice.  False: nothing can be begun now. */
static bool begin_claimed(struct core *core, struct core_job *job)
{
    struct core_jobs *jobs = &core->jobs;
    if (!jobs_move(core, job, JOB_STARTING)) {
        (void)!quota_release(jobs->quota, (uint64_t)job->seq);
        return false;
    }
    core_log_job_start(core, job);
    bool bad = false;
    if (jobs_begin(core, job, &bad))
        return true;
    static const struct core_fate damaged = { .reason = REASON_STORE_DAMAGED };
    if (bad)
        return jobs_end(core, job, &damaged);
    /* One that cannot be put back was begun in the store, and is lost with the next look. */
    (void)!quota_release(jobs->quota, (uint64_t)job->seq);
    (void)!jobs_move(core, job, JOB_QUEUED);
    return false;
}

/* One pass over those who wait, in their order. */
struct turn {
    struct core *core;
    bool whole;                   /* for tenants that have nothing, whatever their share is */
    bool held[QUOTA_TENANTS_MAX]; /* one of theirs has waited long enough */
    size_t running;
};

static bool has_nothing(const struct core_jobs *jobs, size_t tenant)
{
    const struct quota_amount *used = &jobs->quota->tenants[tenant].in_use;
    bool nothing = true;
    for (size_t k = 0; k < QUOTA_KINDS; k++)
        nothing = nothing && used->of[k] == 0;
    return nothing;
}

/* What is more than there is of all holds nobody up. */
static bool holds(const struct core *core, const struct core_job *job)
{
    const struct core_jobs *jobs = &core->jobs;
    return clock_now() - job->submitted >= core->house->settings.jobs_patience &&
           job->vcpu <= jobs->vcpu && job->memory <= jobs->memory && job->disk <= jobs->disk;
}

static bool take_turn(struct turn *turn, struct core_job *job)
{
    struct core *core = turn->core;
    size_t tenant;
    if (!jobs_tenant(&core->house->settings, job->tenant, &tenant) ||
        tenant >= core->jobs.quota->tenant_count || turn->held[tenant] ||
        (turn->whole && !has_nothing(&core->jobs, tenant)))
        return true;
    if (jobs_claim(core, job, turn->whole) == QUOTA_GRANTED) {
        bool begun = begin_claimed(core, job);
        turn->running += job_state_is_begun(job->state);
        return begun;
    }
    turn->held[tenant] = holds(core, job);
    return true;
}

/* Everybody's share first, and then what is left to those for whom theirs is too small. */
static void begin_all(struct core *core)
{
    struct core_jobs *jobs = &core->jobs;
    size_t running = jobs_count(jobs, job_state_is_begun);
    jobs->changed = false;
    jobs_divide_again(core, clock_monotonic_ms());
    for (unsigned pass = 0; pass < 2; pass++) {
        struct turn turn = { .core = core, .whole = pass == 1, .running = running };
        for (size_t i = 0; i < jobs->count && turn.running < JOB_RUNS_MAX; i++) {
            if (jobs->rows[i].state == JOB_QUEUED && !take_turn(&turn, &jobs->rows[i])) {
                jobs->changed = true;
                jobs->again_ms = clock_monotonic_ms() + CORE_JOBS_AGAIN_MS;
                return;
            }
        }
        running = turn.running;
    }
}

int64_t jobs_step(struct core *core, int64_t now_ms)
{
    struct core_jobs *jobs = &core->jobs;
    if (core_store_is_there(core) != REASON_OK)
        return INT64_MAX;
    if (!jobs->loaded && now_ms >= jobs->load_ms) {
        jobs->loaded = load(core);
        jobs->load_ms = now_ms + CORE_JOBS_AGAIN_MS;
    }
    if (!jobs->loaded)
        return jobs->load_ms;
    if (now_ms < jobs->again_ms)
        return jobs->again_ms;
    jobs_sync(core);
    if (jobs->synced && jobs->runs && jobs->changed && !core->house->stopping)
        begin_all(core);
    jobs_clear(core, now_ms);
    if (jobs->again_ms > now_ms)
        return jobs->again_ms;
    /* Else the runner's word is waited for. */
    return jobs->synced && jobs->removing == 0 ? jobs->clear_ms : INT64_MAX;
}
