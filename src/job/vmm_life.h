/* vmm_life.h - the life of a machine at a dstack VMM, from the question for it until it is gone:
   one table, with its limits and how long is waited.  No clock: the time is an argument, in
   milliseconds from some fixed point.

       while (!vmm_life_is_over(&life)) {
           vmm_life_tick(&life, now);          what time alone brings
           wait until vmm_life_wakes(&life);   then do vmm_life_act(&life) if it is due
           vmm_life_hear(&life, what came of it, now);
       }

   A machine is ended in one order, whatever it did: stopped, shut down, removed, and looked for.
   Only what is told to be absent is gone. */
#ifndef WARD_JOB_VMM_LIFE_H
#define WARD_JOB_VMM_LIFE_H

#include <stdint.h>

#include "base/result.h"
#include "model/reason.h"

enum {
    VMM_BEGIN_MS = 120000,     /* until it runs, */
    VMM_PROBE_MS = 120000,     /* and until its job is well */
    VMM_END_MS = 180000,       /* from the first question for its end until it is gone */
    VMM_PROBE_EVERY_MS = 500,  /* between two looks at a job that is to become well */
    VMM_LOOK_EVERY_MS = 1000,  /* at a machine that is to run, or to be gone */
    VMM_WATCH_EVERY_MS = 5000, /* at one that runs */
    VMM_AGAIN_LEAST_MS = 1000, /* after a question that was not answered, doubled each time, */
    VMM_AGAIN_MOST_MS = 30000, /* to this */
    VMM_STOPPED_MS = 3000,     /* between stopping it and shutting it down, */
    VMM_SHUT_MS = 2000,        /* and between that and its removal */
};

enum vmm_state {
    VMM_CREATING = 0, /* nothing is there */
    VMM_FINDING,      /* nobody knows whether it is there */
    VMM_BOOTING,      /* it is there, and does not run yet */
    VMM_PROBING,      /* it runs, and its job is not well yet */
    VMM_ACTIVE,
    VMM_STOPPING, /* it is to go: the first step of three, */
    VMM_SHUTTING,
    VMM_REMOVING,
    VMM_LEAVING, /* and a look whether it is gone */
    VMM_GONE,
    VMM_LEFT, /* it could not be removed in time, or nobody knows */
    VMM_STATES,
};

enum vmm_act {
    VMM_ACT_NONE = 0, /* it is over */
    VMM_ACT_CREATE,
    VMM_ACT_FIND,  /* among all machines, by its name */
    VMM_ACT_LOOK,  /* at the machine, by its id */
    VMM_ACT_PROBE, /* its job */
    VMM_ACT_STOP,
    VMM_ACT_SHUT_DOWN,
    VMM_ACT_REMOVE,
};

/* What comes of it, and what comes by itself. */
enum vmm_heard {
    VMM_DONE = 0, /* it was granted; of a search: found */
    VMM_DENIED,   /* the VMM said no */
    VMM_SILENT,   /* it said nothing, or not in time */
    VMM_FOREIGN,  /* it said what no VMM says */
    VMM_WAITS,    /* the machine is there, on its way */
    VMM_RUNS,
    VMM_ENDED,
    VMM_FAULTY, /* it says itself that it does not begin */
    VMM_ABSENT,
    VMM_WELL, /* the job */
    VMM_ILL,
    VMM_LATE, /* it took longer in its state than it may, */
    VMM_TIME, /* or the job altogether */
    VMM_WISH, /* somebody wishes the end */
    VMM_HEARDS,
};

struct vmm_life {
    enum vmm_state state;
    enum reason reason; /* why it is ended: REASON_OK, by itself; REASON_NONE: it is not */
    bool probes;        /* whether the job can be asked how it is */
    bool second;        /* of the two acts of a state the other is next */
    unsigned failures;  /* questions in a row that were not answered */
    int64_t time_ms;    /* that the job may take, */
    int64_t due_ms;     /* and when that is over; 0: it does not run */
    int64_t next_ms;    /* when something is to be done */
    int64_t late_ms;    /* when it is late; 0: never */
};

/* Of a job that may take so long, and of a machine that nobody needs any more. */
struct vmm_life vmm_life_of_job(bool probes, int64_t time_ms, int64_t now_ms);
struct vmm_life vmm_life_of_orphan(int64_t now_ms);

bool vmm_life_is_over(const struct vmm_life *life);
enum vmm_act vmm_life_act(const struct vmm_life *life);

/* vmm_life_is_due tells whether its act is, and vmm_life_wakes when either that or time comes. */
bool vmm_life_is_due(const struct vmm_life *life, int64_t now_ms);
int64_t vmm_life_wakes(const struct vmm_life *life);

/* vmm_life_tick hears what time brings; vmm_life_hear is false, and nothing changes, for what is
   not in the table: it cannot have come of the state's act. */
void vmm_life_tick(struct vmm_life *life, int64_t now_ms);
bool vmm_life_hear(struct vmm_life *life, enum vmm_heard heard, int64_t now_ms);

bool vmm_life_is_sound(const struct vmm_life *life);

#endif
