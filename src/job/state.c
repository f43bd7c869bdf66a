/* state.c - see state.h. */
#include "job/state.h"

#include "base/number.h"

#define TO(state) (1u << (state))

/* What is not here does not happen. */
static const struct row {
    const char *name;
    unsigned next;
} rows[JOB_STATES] = {
    [JOB_STATE_NONE] = { "", TO(JOB_QUEUED) },
    [JOB_QUEUED] = { "queued", TO(JOB_STARTING) | TO(JOB_FAILED) | TO(JOB_CANCELLED) },
    /* Back to the queue only when the runner says that it has begun nothing. */
    [JOB_STARTING] = { "starting", TO(JOB_QUEUED) | TO(JOB_RUNNING) | TO(JOB_ENDING) |
                                       TO(JOB_FAILED) | TO(JOB_CANCELLED) },
    [JOB_RUNNING] = { "running",
                      TO(JOB_ENDING) | TO(JOB_DONE) | TO(JOB_FAILED) | TO(JOB_CANCELLED) },
    /* It may have ended by itself before it heard of the wish. */
    [JOB_ENDING] = { "ending", TO(JOB_DONE) | TO(JOB_FAILED) | TO(JOB_CANCELLED) },
    [JOB_DONE] = { "done", 0 },
    [JOB_FAILED] = { "failed", 0 },
    [JOB_CANCELLED] = { "cancelled", 0 },
};

const char *job_state_name(enum job_state state)
{
    return (unsigned)state < JOB_STATES ? rows[state].name : "";
}

bool job_state_has_ended(enum job_state state)
{
    return state == JOB_DONE || state == JOB_FAILED || state == JOB_CANCELLED;
}

bool job_state_is_begun(enum job_state state)
{
    return state == JOB_STARTING || state == JOB_RUNNING || state == JOB_ENDING;
}

bool job_state_may(enum job_state from, enum job_state to)
{
    return (unsigned)from < JOB_STATES && (unsigned)to < JOB_STATES &&
           (rows[from].next & TO(to)) != 0;
}
