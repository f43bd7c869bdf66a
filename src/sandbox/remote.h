/* remote.h - one job in a machine of a dstack VMM, which may be elsewhere: asked for, watched,
   ended, and taken away.  How the VMM is spoken to the caller says; what it answers is a
   stranger's. */
#ifndef WARD_SANDBOX_REMOTE_H
#define WARD_SANDBOX_REMOTE_H

#include "job/vmm_reply.h"
#include "job/vmm_request.h"
#include "sandbox/record.h"
#include "sandbox/sandbox.h"

enum {
    REMOTE_WHAT = SANDBOX_WHAT / 2,
    REMOTE_ASK_MS = 10000,    /* for one answer, */
    REMOTE_CREATE_MS = 30000, /* that for a new machine, */
    REMOTE_PROBE_MS = 3000,   /* and that of a job */
};

enum remote_said { REMOTE_SILENT = 0, REMOTE_DENIED, REMOTE_ANSWERED };

struct remote_answer {
    enum remote_said said;
    struct span body;       /* in the arena */
    char what[REMOTE_WHAT]; /* where it is no answer: why, as a stranger may have written it */
};

/* One call of a VMM's method. */
struct remote_call {
    const char *method;
    struct span body; /* JSON */
    long timeout_ms;
};

typedef void remote_ask_fn(void *arg, const struct remote_call *call, struct arena *arena,
                           struct remote_answer *out);
/* Whether the job says that it is well; in REMOTE_PROBE_MS. */
typedef bool remote_probe_fn(void *arg, struct arena *arena);
/* What a machine says of its beginning, made plain. */
typedef void remote_progress_fn(void *arg, const char *words);

struct remote_job {
    struct vmm_job job; /* but for its name */
    struct span url;    /* of the VMM: which records are its */
    remote_ask_fn *ask;
    remote_probe_fn *probe; /* NULL: the job cannot be asked */
    remote_progress_fn *progress;
    void *arg; /* of these */
    struct arena *arena;
};

/* What there was at the VMM, for whoever wants to know it again. */
struct remote_machine {
    char name[RECORD_NAME + 1];
    char id[VMM_ID_MAX + 1];          /* empty: there was none */
    char compose[2 * VMM_DIGEST + 1]; /* SHA-256 of the app_compose; empty: it was not made */
};

/* remote_run runs it to its end, and removes the machines of runs that were killed.  Signals are
   taken as by sandbox_run.  result->ran is false always: a VMM does not tell how a job ended.
   REASON_OK: its machine ended by itself. */
void remote_run(const struct remote_job *job, struct sandbox_result *result,
                struct remote_machine *machine);

#endif
