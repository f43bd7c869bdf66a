/* state.h - where a job of a queue is, and where it may go from there.

   A job is acknowledged as queued, and from then on it ends in exactly one of three ways, once.
   One that was begun is never begun again: whoever does not know how it went says that it was
   lost.  Pure. */
#ifndef WARD_JOB_STATE_H
#define WARD_JOB_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers are kept in the store: none is ever given another meaning. */
enum job_state {
    JOB_STATE_NONE = 0,
    JOB_QUEUED,    /* waits for its part of the node */
    JOB_STARTING,  /* the runner has been told, or is about to be */
    JOB_RUNNING,   /* the runner has begun it */
    JOB_ENDING,    /* it runs, and somebody wants its end */
    JOB_DONE,      /* it ended by itself, with 0 */
    JOB_FAILED,    /* it ended with another code, was ended, or nobody saw its end */
    JOB_CANCELLED, /* it was ended, or never begun, for somebody wished so */
    JOB_STATES
};

/* job_state_name: "queued"; "" for none. */
const char *job_state_name(enum job_state state);

/* job_state_has_ended: nothing more happens to it. */
bool job_state_has_ended(enum job_state state);

/* job_state_is_begun: it has its part of the node. */
bool job_state_is_begun(enum job_state state);

/* job_state_may: the step is one of the table. */
bool job_state_may(enum job_state from, enum job_state to);

#endif
