/* sandbox.h - one job in one sandbox: made, watched, ended, and taken away with all that it made.
   Needs root.  What a job may reach outside it reaches through a fence, and nothing else. */
#ifndef WARD_SANDBOX_SANDBOX_H
#define WARD_SANDBOX_SANDBOX_H

#include "base/arena.h"
#include "job/denied.h"
#include "job/learn.h"
#include "sandbox/calls.h"
#include "sandbox/cgroup.h"
#include "sandbox/collect.h"
#include "sandbox/fence.h"
#include "sandbox/refusal.h"
#include "sandbox/slot.h"

enum {
    SANDBOX_GRACE_MS = 1000, /* between TERM and KILL */
    SANDBOX_WHAT = 512,      /* bytes of what is said of a failure */
    SANDBOX_ID = SLOT_ID,    /* hex digits of a job's id */
    /* What stays the machine's own, so that it can end the job: a part of its memory, and no less
       than so many bytes.  Processors need no such part: the kernel gives everybody his turn. */
    SANDBOX_KEPT_PART = 16,
    SANDBOX_KEPT_MIN = 256 << 20,
};

/* Called with each kind of refusal, once, while the job runs. */
typedef void sandbox_refused_fn(void *arg, const struct reach *reach,
                                const struct refusal *refusal);
typedef void sandbox_refused_call_fn(void *arg, const struct call_refused *call);
typedef void sandbox_refused_path_fn(void *arg, const struct denied_try *tried);

/* Called when something more was refused, twice a second at most: the result has what there is.
   False: it is to be called again, then perhaps with nothing changed. */
typedef bool sandbox_so_far_fn(void *arg, bool changed);

/* What it begins with, open for reading; of a container there is no kernel and no initramfs: -1. */
struct sandbox_launch {
    int manifest; /* of the image */
    int kernel, initramfs;
    bool folder;                /* the job has one, of which nothing is here */
    struct span_list arguments; /* after the specification's command */
    int wishes; /* readable when somebody wishes the end: then it is not waited for */
};

/* Called before anything of the job runs: REASON_OK, or it does not, for this reason. */
typedef enum reason sandbox_measure_fn(void *arg, const struct sandbox_launch *launch,
                                       char what[SANDBOX_WHAT / 2]);

struct sandbox_job {
    const struct job_spec *spec;
    struct span_list arguments; /* after the specification's command */
    const char *images;         /* the folder of the images */
    const char *job;            /* the folder behind /job; NULL: none */
    const char *output;         /* where /output goes at the end; NULL: nowhere */
    const char *id;             /* SANDBOX_ID hex digits that no other job has; NULL: by chance */
    const char *runtime;        /* "crun" or "runc"; NULL: whichever is there, crun first */
    const char *machine;        /* the program beside a virtual machine; NULL: there is none */
    bool learns;                /* look what it has use of */
    int to_stdout, to_stderr;   /* where the job's streams go, */
    bool shown[2];           /* and whether somebody sits there: then without control characters */
    sandbox_fence_fn *fence; /* the process of a fence, for jobs that need one */
    int house;               /* who measures, and vouches for what it measured; -1: nobody does */
    sandbox_refused_fn
        *refused; /* may be NULL, as the next; to_stderr is at the beginning of a line */
    sandbox_refused_call_fn *refused_call;
    sandbox_refused_path_fn *refused_path;
    sandbox_so_far_fn *so_far;
    void *arg;                   /* of the four */
    sandbox_measure_fn *measure; /* may be NULL */
    void *measure_arg;
    struct arena *arena;
};

struct sandbox_result {
    /* REASON_OK: the job ended by itself.  JOB_MEMORY, JOB_TIME, JOB_OUTPUT_LIMIT: it ran and was
       ended.  JOB_CANCELLED: so too, or it was not begun, or its result not taken over, for
       somebody wished the end.  JOB_OUTPUT_KIND, JOB_DELIVERY: it ended, and what it left is
       refused, or could not be written.  JOB_LOST: it ran, and nobody saw its end.  Anything else:
       it did not run. */
    enum reason reason;
    char what[SANDBOX_WHAT];
    char id[SANDBOX_ID + 1];
    bool ran;   /* to an end that was seen */
    int code;   /* what it exited with, */
    int signal; /* or what ended it; else 0 */
    struct cgroup_usage usage;
    int64_t started_ms, ended_ms; /* since 1970; 0: it did not, or not that anybody saw */
    struct collected outputs;
    struct job_limits limits;         /* as they were: lowered to this machine */
    char left[SANDBOX_WHAT];          /* what could not be taken away, and why; else empty */
    const struct reach *reach;        /* what it might reach, and what was refused to it; */
    const struct refusals *refusals;  /* NULL where it did not come so far */
    const struct calls *calls;        /* so too, */
    const struct denied_tries *paths; /* and this, of job->spec */
    bool calls_untold;                /* nobody could be told of refused calls, or not of all; */
    bool paths_untold;                /* so too, of tries of denied paths */
    struct learn_seen seen;           /* what it had use of, where that was to be learned */
};

/* sandbox_run runs it to its end, once in the life of a process.  SIGINT, SIGTERM and SIGHUP are
   taken for the wish to end it as long as it takes; those that came meanwhile do not end the
   process afterwards. */
void sandbox_run(const struct sandbox_job *job, struct sandbox_result *out);

/* sandbox_sweep removes what killed runs have left on this machine; nothing without root. */
MUST_USE
rc sandbox_sweep(struct trail *trail);

/* sandbox_admits judges the specification alone: what this kind of sandbox cannot give as it stands
   is refused, and never given in part.  REASON_OK, or why, with the words in `what`. */
enum reason sandbox_admits(const struct job_spec *spec, char what[SANDBOX_WHAT]);

/* sandbox_memory_lent is how much memory a job may have on a machine with so many bytes. */
uint64_t sandbox_memory_lent(uint64_t bytes);

#endif
