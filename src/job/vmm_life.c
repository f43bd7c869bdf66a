/* vmm_life.c - see vmm_life.h. */
#include "job/vmm_life.h"

enum { FAILURES = 31 }; /* are as bad as more */

/* Where a word leads, and why the machine is ended where it leads to its end.  A row of zeros is a
   word that cannot come. */
struct row {
    bool known;
    bool again; /* the VMM failed: wait longer each time */
    enum vmm_state to;
    enum reason reason;
};

#define TO(state)                                                                                  \
    {                                                                                              \
        true, false, VMM_##state, REASON_NONE                                                      \
    }
#define AGAIN(state)                                                                               \
    {                                                                                              \
        true, true, VMM_##state, REASON_NONE                                                       \
    }
#define END(why)                                                                                   \
    {                                                                                              \
        true, false, VMM_STOPPING, why                                                             \
    }
#define OVER(state, why)                                                                           \
    {                                                                                              \
        true, false, VMM_##state, why                                                              \
    }

static const struct row table[VMM_STATES][VMM_HEARDS] = {
    /* Whoever was refused may have been given a machine all the same. */
    [VMM_CREATING] = { [VMM_DONE] = TO(BOOTING),
                       [VMM_DENIED] = OVER(FINDING, REASON_JOB_VMM),
                       [VMM_SILENT] = OVER(FINDING, REASON_JOB_VMM),
                       [VMM_FOREIGN] = OVER(FINDING, REASON_JOB_VMM),
                       [VMM_WISH] = OVER(GONE, REASON_JOB_CANCELLED) },
    [VMM_FINDING] = { [VMM_DONE] = TO(STOPPING),
                      [VMM_DENIED] = AGAIN(FINDING),
                      [VMM_SILENT] = AGAIN(FINDING),
                      [VMM_FOREIGN] = AGAIN(FINDING),
                      [VMM_ABSENT] = TO(GONE),
                      [VMM_LATE] = TO(LEFT),
                      [VMM_WISH] = TO(FINDING) },
    [VMM_BOOTING] = { [VMM_DENIED] = AGAIN(BOOTING),
                      [VMM_SILENT] = AGAIN(BOOTING),
                      [VMM_FOREIGN] = END(REASON_JOB_VMM),
                      [VMM_WAITS] = TO(BOOTING),
                      [VMM_RUNS] = TO(PROBING),
                      [VMM_ENDED] = END(REASON_JOB_MACHINE),
                      [VMM_FAULTY] = END(REASON_JOB_MACHINE),
                      [VMM_ABSENT] = END(REASON_JOB_MACHINE),
                      [VMM_LATE] = END(REASON_JOB_MACHINE),
                      [VMM_WISH] = END(REASON_JOB_CANCELLED) },
    [VMM_PROBING] = { [VMM_DENIED] = AGAIN(PROBING),
                      [VMM_SILENT] = AGAIN(PROBING),
                      [VMM_FOREIGN] = END(REASON_JOB_VMM),
                      [VMM_WAITS] = TO(PROBING),
                      [VMM_RUNS] = TO(PROBING),
                      [VMM_ENDED] = END(REASON_JOB_MACHINE),
                      [VMM_FAULTY] = END(REASON_JOB_MACHINE),
                      [VMM_ABSENT] = END(REASON_JOB_MACHINE),
                      [VMM_WELL] = TO(ACTIVE),
                      [VMM_ILL] = TO(PROBING),
                      [VMM_LATE] = END(REASON_JOB_MACHINE),
                      [VMM_TIME] = END(REASON_JOB_TIME),
                      [VMM_WISH] = END(REASON_JOB_CANCELLED) },
    [VMM_ACTIVE] = { [VMM_DENIED] = AGAIN(ACTIVE),
                     [VMM_SILENT] = AGAIN(ACTIVE),
                     [VMM_FOREIGN] = END(REASON_JOB_VMM),
                     [VMM_WAITS] = TO(ACTIVE),
                     [VMM_RUNS] = TO(ACTIVE),
                     [VMM_ENDED] = END(REASON_OK),
                     [VMM_FAULTY] = END(REASON_JOB_MACHINE),
                     [VMM_ABSENT] = END(REASON_JOB_MACHINE),
                     [VMM_WELL] = TO(ACTIVE),
                     [VMM_ILL] = TO(PROBING),
                     [VMM_TIME] = END(REASON_JOB_TIME),
                     [VMM_WISH] = END(REASON_JOB_CANCELLED) },
    /* What a VMM refuses of the end may be done already: the look at last tells. */
    [VMM_STOPPING] = { [VMM_DONE] = TO(SHUTTING),
                       [VMM_DENIED] = TO(SHUTTING),
                       [VMM_SILENT] = AGAIN(STOPPING),
                       [VMM_FOREIGN] = TO(SHUTTING),
                       [VMM_LATE] = TO(LEFT),
                       [VMM_WISH] = TO(STOPPING) },
    [VMM_SHUTTING] = { [VMM_DONE] = TO(REMOVING),
                       [VMM_DENIED] = TO(REMOVING),
                       [VMM_SILENT] = AGAIN(SHUTTING),
                       [VMM_FOREIGN] = TO(REMOVING),
                       [VMM_LATE] = TO(LEFT),
                       [VMM_WISH] = TO(SHUTTING) },
    [VMM_REMOVING] = { [VMM_DONE] = TO(LEAVING),
                       [VMM_DENIED] = TO(LEAVING),
                       [VMM_SILENT] = AGAIN(REMOVING),
                       [VMM_FOREIGN] = TO(LEAVING),
                       [VMM_LATE] = TO(LEFT),
                       [VMM_WISH] = TO(REMOVING) },
    [VMM_LEAVING] = { [VMM_DENIED] = AGAIN(LEAVING),
                      [VMM_SILENT] = AGAIN(LEAVING),
                      [VMM_FOREIGN] = AGAIN(LEAVING),
                      [VMM_WAITS] = TO(LEAVING),
                      [VMM_RUNS] = TO(STOPPING),
                      [VMM_ENDED] = TO(REMOVING),
                      [VMM_FAULTY] = TO(STOPPING),
                      [VMM_ABSENT] = TO(GONE),
                      [VMM_LATE] = TO(LEFT),
                      [VMM_WISH] = TO(LEAVING) },
};

/* What is done in a state, and what right after it where jobs can be asked; how long is waited
   before, and before it is done again. */
static const struct {
    enum vmm_act act, then;
    int64_t before_ms, every_ms, limit_ms;
} states[VMM_STATES] = {
    [VMM_CREATING] = { .act = VMM_ACT_CREATE },
    [VMM_FINDING] = { VMM_ACT_FIND, 0, 0, VMM_LOOK_EVERY_MS, VMM_END_MS },
    [VMM_BOOTING] = { VMM_ACT_LOOK, 0, 0, VMM_LOOK_EVERY_MS, VMM_BEGIN_MS },
    [VMM_PROBING] = { VMM_ACT_PROBE, VMM_ACT_LOOK, 0, VMM_PROBE_EVERY_MS, VMM_PROBE_MS },
    [VMM_ACTIVE] = { VMM_ACT_LOOK, VMM_ACT_PROBE, VMM_LOOK_EVERY_MS, VMM_WATCH_EVERY_MS, 0 },
    [VMM_STOPPING] = { VMM_ACT_STOP, 0, 0, 0, VMM_END_MS },
    [VMM_SHUTTING] = { VMM_ACT_SHUT_DOWN, 0, VMM_STOPPED_MS, 0, VMM_END_MS },
    [VMM_REMOVING] = { VMM_ACT_REMOVE, 0, VMM_SHUT_MS, 0, VMM_END_MS },
    [VMM_LEAVING] = { VMM_ACT_LOOK, 0, 0, VMM_LOOK_EVERY_MS, VMM_END_MS },
};

static bool is_end(enum vmm_state state)
{
    return state == VMM_FINDING || state >= VMM_STOPPING;
}

/* The end has one limit for all its steps. */
static void enter(struct vmm_life *life, enum vmm_state to, int64_t now_ms)
{
    const bool was_end = is_end(life->state) && life->late_ms != 0;
    life->state = to;
    life->next_ms = now_ms + states[to].before_ms;
    if (!is_end(to) || !was_end)
        life->late_ms = states[to].limit_ms == 0 ? 0 : now_ms + states[to].limit_ms;
    if (vmm_life_is_over(life))
        life->late_ms = 0;
}

struct vmm_life vmm_life_of_job(bool probes, int64_t time_ms, int64_t now_ms)
{
    struct vmm_life life = { .reason = REASON_NONE, .probes = probes, .time_ms = time_ms };
    enter(&life, VMM_CREATING, now_ms);
    return life;
}

struct vmm_life vmm_life_of_orphan(int64_t now_ms)
{
    struct vmm_life life = { .reason = REASON_OK };
    enter(&life, VMM_STOPPING, now_ms);
    return life;
}

bool vmm_life_is_over(const struct vmm_life *life)
{
    return life->state == VMM_GONE || life->state == VMM_LEFT;
}

enum vmm_act vmm_life_act(const struct vmm_life *life)
{
    return life->second ? states[life->state].then : states[life->state].act;
}

bool vmm_life_is_due(const struct vmm_life *life, int64_t now_ms)
{
    return !vmm_life_is_over(life) && now_ms >= life->next_ms;
}

int64_t vmm_life_wakes(const struct vmm_life *life)
{
    int64_t first = life->next_ms;
    if (life->late_ms != 0 && life->late_ms < first)
        first = life->late_ms;
    if (life->due_ms != 0 && !is_end(life->state) && life->due_ms < first)
        first = life->due_ms;
    return first;
}

void vmm_life_tick(struct vmm_life *life, int64_t now_ms)
{
    if (life->due_ms != 0 && !is_end(life->state) && now_ms >= life->due_ms)
        (void)vmm_life_hear(life, VMM_TIME, now_ms);
    else if (life->late_ms != 0 && now_ms >= life->late_ms)
        (void)vmm_life_hear(life, VMM_LATE, now_ms);
}

/* A second, doubled with each failure. */
static int64_t back_off(unsigned failures)
{
    int64_t wait = VMM_AGAIN_LEAST_MS;
    for (unsigned i = 1; i < failures && wait < VMM_AGAIN_MOST_MS; i++)
        wait *= 2;
    return wait < VMM_AGAIN_MOST_MS ? wait : VMM_AGAIN_MOST_MS;
}

/* A wish changes nothing of when the next step of the end is due. */
static void stay(struct vmm_life *life, enum vmm_heard heard, bool again, int64_t now_ms)
{
    if (heard == VMM_WISH)
        return;
    life->failures = again ? life->failures + (life->failures < FAILURES ? 1 : 0) : 0;
    life->second = !life->second && !again && life->probes &&
                   states[life->state].then != VMM_ACT_NONE;
    life->next_ms = now_ms + (again          ? back_off(life->failures)
                              : life->second ? 0
                                             : states[life->state].every_ms);
}

bool vmm_life_hear(struct vmm_life *life, enum vmm_heard heard, int64_t now_ms)
{
    const struct row *row = &table[life->state][heard];
    if (!row->known)
        return false;
    if (row->reason != REASON_NONE && life->reason == REASON_NONE)
        life->reason = row->reason;
    if (row->to == life->state) {
        stay(life, heard, row->again, now_ms);
        return true;
    }
    life->failures = 0;
    life->second = false;
    if (row->to == VMM_PROBING && life->due_ms == 0)
        life->due_ms = now_ms + life->time_ms;
    enter(life, row->to == VMM_PROBING && !life->probes ? VMM_ACTIVE : row->to, now_ms);
    return true;
}

bool vmm_life_is_sound(const struct vmm_life *life)
{
    return life->state < VMM_STATES && life->failures <= FAILURES &&
           (is_end(life->state) == (life->reason != REASON_NONE)) &&
           (vmm_life_is_over(life) || !is_end(life->state) || life->late_ms != 0);
}
