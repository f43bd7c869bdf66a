/* main.c - ward-runner: see runner.h. */
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/number.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/log.h"
#include "proc/runner/runner.h"
#include "proc/runner_syscalls.h"
#include "sandbox/sandbox.h"

enum { SECOND_US = 1000000 };

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct runner *runner = self;
    runner->house = house;
    if (!gcra_rate_of(RUNNER_QUOTES_PER_SECOND, SECOND_US, RUNNER_QUOTES_BURST,
                      &runner->quote_rate))
        return FAIL(trail, RC_BUG, HOUSE_E_MEMORY);
    runner_open(runner);
    if (runner->reason != REASON_OK)
        return RC_SUCCESS;
    struct trail swept = { 0 };
    rc done = sandbox_sweep(&swept);
    if (!rc_ok(done))
        log_failure("what killed jobs left stays", done, &swept);
    return house_keep_fd(house, runner->ward) && house_keep_fd(house, runner->folder) &&
                   house_keep_fd(house, runner->null)
               ? RC_SUCCESS
               : FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
}

/* False: core is gone, and asks again when it is back, or does not read. */
static bool put(struct runner *runner, uint16_t message, uint64_t id, const struct sink *body)
{
    const struct frame frame = { .message = message, .id = id, .body = sink_bytes(body) };
    return rc_ok(house_put(NULL, runner->house, PEER_CORE, &frame));
}

/* An answer that is not heard was asked for by somebody who waits no longer than he may. */
static void tell(struct runner *runner, uint16_t message, uint64_t id, const struct sink *body)
{
    (void)!put(runner, message, id, body);
}

static bool tell_end(struct runner *runner, const struct runner_job *job)
{
    uint8_t bytes[JOB_ID + 20];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_put(&body, SPAN(job->id));
    sink_u16le(&body, (uint16_t)job->fate.reason);
    sink_u8(&body, job->fate.code);
    sink_u8(&body, job->fate.signal);
    sink_u64le(&body, job->fate.cpu_us);
    sink_u64le(&body, job->fate.memory_peak);
    return put(runner, MSG_JOB_ENDED, 0, &body);
}

/* When what it was refused is in the log, unless that takes too long or the house is going down;
   and to a core that knows of it. */
static bool may_tell_end(const struct runner *runner, const struct runner_job *job, int64_t now_ms)
{
    return job->used && job->pidfd < 0 && !job->end_told && runner->synced &&
           (runner->house->stopping || runner_refused_all(job) ||
            now_ms >= job->ended_ms + RUNNER_REST_MS);
}

/* ---- what core asks -------------------------------------------------------------------------- */

/* As `ward run` counts it: processors, memory but for the machine's own part, and what is free of
   the disk. */
static void put_machine(const struct runner *runner, struct sink *body)
{
    struct sysinfo memory = { 0 };
    struct statvfs disk = { 0 };
    /* In a jail none of this may be asked. */
    const long cores = runner->reason == REASON_OK ? sysconf(_SC_NPROCESSORS_ONLN) : 0;
    bool known = cores > 0 && sysinfo(&memory) == 0 && statvfs("/var/lib", &disk) == 0;
    sink_u32le(body, known ? (uint32_t)cores : 0);
    sink_u64le(body, known ? sandbox_memory_lent((uint64_t)memory.totalram * memory.mem_unit) : 0);
    sink_u64le(body, known ? (uint64_t)disk.f_bavail * disk.f_frsize : 0);
}

static rc on_sync(struct trail *trail, void *self, struct call *call)
{
    struct runner *runner = self;
    uint8_t bytes[JOB_SYNCED_BYTES];
    struct sink body = sink_over(bytes, sizeof bytes);
    uint32_t count = 0;
    (void)trail;
    for (size_t i = 0; i < JOB_RUNS_MAX; i++)
        count += runner->jobs[i].used;
    sink_u16le(&body, (uint16_t)runner->reason);
    put_machine(runner, &body);
    sink_u32le(&body, count);
    for (size_t i = 0; i < JOB_RUNS_MAX; i++) {
        if (runner->jobs[i].used)
            sink_put(&body, SPAN(runner->jobs[i].id));
    }
    tell(runner, MSG_JOB_SYNCED, call->id, &body);
    runner->synced = true;
    for (size_t i = 0; i < JOB_RUNS_MAX; i++)
        runner->jobs[i].end_told = false;
    return RC_SUCCESS;
}

static rc on_start(struct trail *trail, void *self, struct call *call)
{
    struct runner *runner = self;
    struct runner_order order = { .with_result = 0 };
    struct cursor *in = &call->body;
    bool good = cur_copy(in, order.id, sizeof order.id) && cur_u8(in, &order.with_result) &&
                order.with_result <= 1 && get_bytes(in, JOB_START_BYTES, &order.spec) &&
                get_bytes(in, JOB_PATH_MAX, &order.images) &&
                get_bytes(in, JOB_PATH_MAX, &order.folder) &&
                cur_u32le(in, &order.argument_count) && order.argument_count <= JOB_ARGUMENTS_MAX;
    for (uint32_t i = 0; good && i < order.argument_count; i++)
        good = get_bytes(in, JOB_PATH_MAX, &order.arguments[i]);
    if (!good || !cur_end(in))
        return door_fault(trail, call, DOOR_E_BODY);
    uint8_t bytes[JOB_ID + 2];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_put(&body, SPAN(order.id));
    sink_u16le(&body, (uint16_t)runner_begin(runner, &order));
    tell(runner, MSG_JOB_STARTED, call->id, &body);
    return RC_SUCCESS;
}

static bool read_id(struct call *call, uint8_t id[JOB_ID])
{
    return cur_copy(&call->body, id, JOB_ID) && cur_end(&call->body);
}

static rc on_stop(struct trail *trail, void *self, struct call *call)
{
    uint8_t id[JOB_ID];
    if (!read_id(call, id))
        return door_fault(trail, call, DOOR_E_BODY);
    struct runner_job *job = runner_find(self, id);
    if (job != NULL)
        runner_stop(job, clock_monotonic_ms());
    return RC_SUCCESS;
}

static rc on_refused_is(struct trail *trail, void *self, struct call *call)
{
    uint8_t id[JOB_ID], logged = 0;
    if (!cur_copy(&call->body, id, sizeof id) || !cur_u8(&call->body, &logged) || logged > 1 ||
        !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    struct runner_job *job = runner_find(self, id);
    if (job != NULL)
        runner_refused_is(job, logged != 0, clock_monotonic_ms());
    return RC_SUCCESS;
}

static rc on_settled(struct trail *trail, void *self, struct call *call)
{
    uint8_t id[JOB_ID];
    if (!read_id(call, id))
        return door_fault(trail, call, DOOR_E_BODY);
    struct runner_job *job = runner_find(self, id);
    if (job != NULL && job->pidfd < 0) {
        fd_close(&job->refused);
        job->used = false;
    }
    return RC_SUCCESS;
}

static rc on_read(struct trail *trail, void *self, struct call *call)
{
    struct runner *runner = self;
    uint8_t id[JOB_ID], report = 0, part[JOB_REPORT_MAX], bytes[JOB_REPORT_MAX + 22];
    uint64_t offset = 0, size = 0;
    uint32_t most = 0;
    char hex[RUNNER_HEX];
    if (!cur_copy(&call->body, id, sizeof id) || !cur_u8(&call->body, &report) || report > 1 ||
        !cur_u64le(&call->body, &offset) || !cur_u32le(&call->body, &most) || most > sizeof part ||
        !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    struct sink read = sink_over(part, most), body = sink_over(bytes, sizeof bytes);
    runner_hex(id, hex);
    enum reason reason = runner->reason == REASON_OK
                             ? runner_read(runner, hex, report != 0, offset, &read, &size)
                             : runner->reason;
    sink_u16le(&body, (uint16_t)reason);
    sink_u64le(&body, size);
    put_bytes(&body, sink_bytes(&read));
    sink_u64le(&body, offset);
    tell(runner, MSG_JOB_READ_IS, call->id, &body);
    return RC_SUCCESS;
}

static rc on_top(struct trail *trail, void *self, struct call *call)
{
    struct runner *runner = self;
    uint8_t bytes[JOB_TOP_BYTES];
    struct sink body = sink_over(bytes, sizeof bytes);
    uint32_t count = 0;
    (void)trail;
    for (size_t i = 0; i < JOB_RUNS_MAX; i++)
        count += runner->jobs[i].used && runner->jobs[i].pidfd >= 0;
    sink_u32le(&body, count);
    for (size_t i = 0; i < JOB_RUNS_MAX; i++) {
        const struct runner_job *job = &runner->jobs[i];
        if (!job->used || job->pidfd < 0)
            continue;
        char name[SLOT_NAME];
        struct sink text = sink_over(name, sizeof name);
        sink_format(&text, "ward-job-%s", job->hex);
        sink_terminate(&text);
        const struct cgroup_usage usage = cgroup_measure(&runner->groups, name);
        sink_put(&body, SPAN(job->id));
        sink_u64le(&body, usage.cpu_us);
        sink_u64le(&body, usage.memory_peak);
    }
    tell(runner, MSG_JOB_TOP_IS, call->id, &body);
    return RC_SUCCESS;
}

/* One that runs keeps its folder: whoever asks is mistaken. */
static rc on_remove(struct trail *trail, void *self, struct call *call)
{
    struct runner *runner = self;
    uint8_t id[JOB_ID], bytes[JOB_ID + 1];
    struct sink body = sink_over(bytes, sizeof bytes);
    char hex[RUNNER_HEX];
    if (!read_id(call, id))
        return door_fault(trail, call, DOOR_E_BODY);
    runner_hex(id, hex);
    bool gone = runner_find(runner, id) == NULL &&
                (runner->reason == REASON_OK ? runner_remove(runner, hex)
                                             : runner->reason == REASON_JOB_NOT_ROOT);
    sink_put(&body, SPAN(id));
    sink_u8(&body, gone);
    tell(runner, MSG_JOB_REMOVED, call->id, &body);
    return RC_SUCCESS;
}

/* Nothing in it is looked at but its size: who asked for it reads it. */
static rc on_measured(struct trail *trail, void *self, struct call *call)
{
    (void)trail;
    runner_measured(self, call->id, cur_rest(&call->body));
    return RC_SUCCESS;
}

static rc on_quoted(struct trail *trail, void *self, struct call *call)
{
    (void)trail;
    runner_quoted(self, call->id, cur_rest(&call->body));
    return RC_SUCCESS;
}

static void peer_changed(void *self, enum peer peer, bool open)
{
    struct runner *runner = self;
    (void)open;
    if (peer == PEER_TEE)
        runner_unmeasured(runner);
    if (peer != PEER_CORE)
        return;
    runner->synced = false;
    runner_refused_again(runner);
}

/* ---- what the jobs do ------------------------------------------------------------------------ */

static size_t watch(void *self, struct house_watch *watches, size_t max)
{
    struct runner *runner = self;
    const int64_t now_ms = clock_monotonic_ms();
    size_t count = 0;
    for (size_t i = 0; i < JOB_RUNS_MAX; i++) {
        const struct runner_job *job = &runner->jobs[i];
        if (!job->used)
            continue;
        if (job->said >= 0 && count < max)
            watches[count++] = (struct house_watch){ .fd = job->said, .reading = true, .token = i };
        if (job->measure >= 0 && job->quiet_ms <= now_ms && count < max)
            watches[count++] = (struct house_watch){ .fd = job->measure,
                                                     .reading = true,
                                                     .token = i };
        if (runner_refused_waits(runner, job, now_ms) && count < max)
            watches[count++] = (struct house_watch){ .fd = job->refused,
                                                     .reading = true,
                                                     .token = i };
        if (job->pidfd >= 0 && count < max)
            watches[count++] = (struct house_watch){ .fd = job->pidfd,
                                                     .reading = true,
                                                     .token = i };
    }
    return count;
}

static rc ready(struct trail *trail, void *self, const struct house_watch *one)
{
    struct runner *runner = self;
    struct runner_job *job = &runner->jobs[one->token];
    (void)trail;
    if (!job->used)
        return RC_SUCCESS;
    if (one->fd == job->said)
        runner_hear(job);
    else if (one->fd == job->measure)
        runner_measure(runner, job);
    else if (one->fd == job->refused)
        runner_refused(runner, job, clock_monotonic_ms());
    else if (one->fd == job->pidfd)
        (void)!runner_reap(job); /* which is told by the tick */
    return RC_SUCCESS;
}

/* The earlier of two times, of which one that is over counts for nothing. */
static int64_t sooner(int64_t next, int64_t at, int64_t now_ms)
{
    return at > now_ms && at < next ? at : next;
}

/* A `ward run` that does not end is killed; the next one sweeps what it leaves. */
static int64_t tick(void *self, int64_t now_ms)
{
    struct runner *runner = self;
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < JOB_RUNS_MAX; i++) {
        struct runner_job *job = &runner->jobs[i];
        if (!job->used)
            continue;
        if (job->row_len > 0)
            runner_refused(runner, job, now_ms);
        if (may_tell_end(runner, job, now_ms))
            job->end_told = tell_end(runner, job);
        if (job->kill_ms <= now_ms) {
            runner_kill(job);
            job->kill_ms = now_ms + RUNNER_STUBBORN_MS;
        }
        next = sooner(next, job->quiet_ms, now_ms); /* it is heard again */
        next = sooner(next, job->refused_ms, now_ms);
        next = sooner(next, job->kill_ms, now_ms);
        if (job->pidfd < 0 && !job->end_told && runner->synced)
            next = sooner(next, job->ended_ms + RUNNER_REST_MS, now_ms);
    }
    return next;
}

/* Jobs do not outlive their house: each is told to end, and heard. */
static bool may_stop(void *self)
{
    struct runner *runner = self;
    bool quiet = true;
    for (size_t i = 0; i < JOB_RUNS_MAX; i++) {
        struct runner_job *job = &runner->jobs[i];
        if (!job->used)
            continue;
        quiet = quiet && job->pidfd < 0 && (job->end_told || !runner->synced);
        runner_stop(job, clock_monotonic_ms());
    }
    return quiet;
}

static const struct door doors[] = {
    { MSG_JOB_SYNC, IN(PEER_CORE), ~0u, 0, 0, 0, on_sync },
    { MSG_JOB_START, IN(PEER_CORE), ~0u, 33, JOB_START_BYTES, 0, on_start },
    { MSG_JOB_STOP, IN(PEER_CORE), ~0u, JOB_ID, JOB_ID, 0, on_stop },
    { MSG_JOB_REFUSED_IS, IN(PEER_CORE), ~0u, JOB_ID + 1, JOB_ID + 1, 0, on_refused_is },
    { MSG_JOB_SETTLED, IN(PEER_CORE), ~0u, JOB_ID, JOB_ID, 0, on_settled },
    { MSG_JOB_READ, IN(PEER_CORE), ~0u, 29, 29, 0, on_read },
    { MSG_JOB_TOP, IN(PEER_CORE), ~0u, 0, 0, 0, on_top },
    { MSG_JOB_REMOVE, IN(PEER_CORE), ~0u, JOB_ID, JOB_ID, 0, on_remove },
    { MSG_MEASURED, IN(PEER_TEE), ~0u, 6, 6 + LAUNCH_TICKET_MAX, 0, on_measured },
    { MSG_EVIDENCE_SANDBOX_IS, IN(PEER_TEE), ~0u, 10, AGENT_REPLY_MAX - 4, 0, on_quoted },
};

static const struct process runner_process = {
    .peer = PEER_RUNNER,
    .peers = IN(PEER_CORE) | IN(PEER_TEE),
    .fds = 64 + 6 * JOB_RUNS_MAX,
    .keeps_root = true,
    .size = sizeof(struct runner),
    .rules = runner_rules,
    .rule_count = COUNT_OF(runner_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
    .peer_changed = peer_changed,
    .tick = tick,
    .watch = watch,
    .ready = ready,
    .may_stop = may_stop,
};

int main(void)
{
    return house_main(&runner_process);
}
