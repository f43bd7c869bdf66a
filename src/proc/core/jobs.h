/* jobs.h - the queue of jobs.  Part of core.h.

   The store has every job; what stands here is a copy of all but what was submitted.  A job is in
   the log before it is in the queue, in the queue before anybody is told so, and begun in the store
   before the runner hears of it: so one that was acknowledged is found again whoever is killed, and
   none is begun twice.  Of one that was begun and that the runner does not have any more nobody
   knows how it went: it was lost.

   It has its part of the node before it is begun, from the ledger of job/quota.h, and gives it back
   when its end is in the store.  Whoever came first goes first, of those for whom there is room in
   their tenant's share, and for a while only: then those of his tenant who came later wait. */
#ifndef WARD_PROC_CORE_JOBS_H
#define WARD_PROC_CORE_JOBS_H

#include "ipc/door.h"
#include "job/quota.h"
#include "job/refused.h"
#include "job/state.h"
#include "model/api.h"
#include "model/reason.h"
#include "proc/messages.h"
#include "proc/peer.h"
#include "store/store.h"

struct answer;
struct arena;
struct core;
struct pending;
struct request;
struct settings;

enum {
    CORE_JOBS_MAX = 2048,       /* that are kept, ended ones included */
    CORE_JOBS_LIVE = 1024,      /* of those, that have not ended */
    CORE_JOB_NAME = 64,         /* bytes of a name, as job/spec.h has them, and a NUL */
    CORE_JOBS_AGAIN_MS = 1000,  /* before what could not be done is tried again */
    CORE_JOBS_CLEAR_MS = 60000, /* between two looks for what is too old */
    CORE_JOB_DETAIL = 2048,     /* bytes of what is wrong with a specification */
    CORE_DIVIDE_MS = 5000,      /* between two divisions of the node among the same tenants */
};

/* How one ended, and what it used. */
struct core_fate {
    enum reason reason; /* REASON_NONE: it has not */
    uint8_t code, signal;
    uint64_t cpu_us, memory_peak;
};

struct core_job {
    int64_t seq; /* in the order of the queue; its claim in the ledger, too */
    uint8_t id[JOB_ID];
    enum job_state state;
    int64_t submitted, started, ended; /* seconds since 1970; 0: not yet */
    struct core_fate fate;
    char name[CORE_JOB_NAME], tenant[CORE_JOB_NAME];
    uint8_t spec[32]; /* SHA-256 */
    uint32_t vcpu;
    uint64_t memory, disk; /* bytes */
    uint64_t refusal;      /* id of the record of what it was refused that audit has not answered */
};

struct core_jobs {
    struct core_job *rows; /* CORE_JOBS_MAX, by seq */
    size_t count;
    int64_t last_seq;
    bool loaded;
    int64_t load_ms;
    bool known;         /* a runner has said what there is, */
    bool runs;          /* and that it begins jobs; */
    bool synced;        /* this one has */
    enum reason reason; /* why it does not */
    uint64_t asked;     /* id of that question; 0: none */
    int64_t again_ms;   /* when to ask again, or to go on */
    uint32_t cores;     /* of the machine, for one job; */
    uint32_t vcpu;      /* of the node, for all jobs together */
    uint64_t memory, disk;
    struct quota *quota; /* its tenants are those of ward.toml, and then the rest */
    int64_t divided_ms;
    bool changed;      /* something may be begun */
    uint64_t removing; /* id of the question for a folder that is to go; 0: none */
    uint8_t removed[JOB_ID];
    int64_t clear_ms; /* when to look again */
};

/* A job that somebody wants to submit, read; it views the scratch. */
struct core_wanted {
    struct api_jobs_submit_request asked;
    uint8_t spec[32];
    char name[CORE_JOB_NAME], tenant[CORE_JOB_NAME];
    uint32_t vcpu;
    uint64_t memory, disk;
};

/* jobs.c: the queue. */
MUST_USE
bool core_jobs_open(struct core *core);

/* jobs_step does what is due; says when to be called again. */
int64_t jobs_step(struct core *core, int64_t now_ms);

/* jobs_find: NULL when there is none of this id. */
struct core_job *jobs_find(struct core *core, const uint8_t id[JOB_ID]);

/* jobs_add puts one into the store and the queue. */
enum reason jobs_add(struct core *core, const uint8_t id[JOB_ID], const struct core_wanted *wanted,
                     struct span body);

/* jobs_move takes it to another state, in the store first; false: it is where it was. */
MUST_USE
bool jobs_move(struct core *core, struct core_job *job, enum job_state to);

/* jobs_end takes it to its end, gives back its part, and has it logged. */
MUST_USE
bool jobs_end(struct core *core, struct core_job *job, const struct core_fate *fate);

/* jobs_too_large: what of it this node will never have; NULL: it fits into an empty one. */
const char *jobs_too_large(const struct core_jobs *jobs, const struct core_wanted *wanted);

size_t jobs_count(const struct core_jobs *jobs, bool (*is)(enum job_state state));

/* job_body.c: what was submitted. */

/* job_body_read: REASON_OK, or why it is none, with the words in `detail`. */
enum reason job_body_read(struct span body, struct arena *scratch, struct core_wanted *out,
                          struct sink *detail);

/* job_runner.c: what core and the runner say to each other. */
void jobs_peer(struct core *core, enum peer peer);
void jobs_sync(struct core *core);

/* jobs_look_again: what there is is asked anew, and divided. */
void jobs_look_again(struct core *core);

/* jobs_begin tells the runner; the job is starting already.  False: it was not told, and with *bad
   never can be: what was submitted cannot be read any more. */
MUST_USE
bool jobs_begin(struct core *core, const struct core_job *job, bool *bad);

/* jobs_tell says something of one job, without an answer; false: it was not said. */
bool jobs_tell(struct core *core, uint16_t message, const uint8_t id[JOB_ID]);
void jobs_clear(struct core *core, int64_t now_ms);
MUST_USE
rc core_on_job_synced(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_job_started(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_job_refused(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_job_ended(struct trail *trail, void *core, struct call *call);

/* jobs_appended takes audit's answer to the record of a refusal; false: it was none. */
bool jobs_appended(struct core *core, uint64_t id, bool logged);
MUST_USE
rc core_on_job_removed(struct trail *trail, void *core, struct call *call);

/* job_methods.c: ward.v1.Jobs. */

/* core_job_may: REASON_OK, or why what is asked for cannot be done, perhaps with words. */
enum reason core_job_may(struct core *core, const struct request *request, struct sink *detail);
enum reason core_jobs_submit(struct core *core, const struct request *request,
                             struct arena *scratch, struct sink *answer);
enum reason core_jobs_list(struct core *core, const struct request *request, struct arena *scratch,
                           struct sink *answer);
enum reason core_jobs_get(struct core *core, const struct request *request, struct arena *scratch,
                          struct sink *answer);
enum reason core_jobs_cancel(struct core *core, const struct request *request,
                             struct arena *scratch, struct sink *answer);

/* job_calls.c: those that the runner has a part of. */
void core_ask_job_logs(struct core *core, const struct request *request);
void core_ask_job_top(struct core *core, const struct request *request);
void core_ask_job_why(struct core *core, const struct request *request);
MUST_USE
rc core_on_job_read(struct trail *trail, void *core, struct call *call);
MUST_USE
rc core_on_job_top(struct trail *trail, void *core, struct call *call);

/* job_show writes a job for whoever asks; `ahead` jobs wait before it. */
void job_show(const struct core_job *job, uint32_t ahead, char hex[2 * JOB_ID + 1],
              struct api_job *out);

/* job_named reads the id that a request names: JOB_UNKNOWN where there is no such job. */
enum reason job_named(struct core *core, struct span text, struct core_job **out);
/* job_meant reads a request that names a job and nothing else, in the same way. */
enum reason job_meant(struct core *core, const struct request *request, struct arena *scratch,
                      struct core_job **out);

/* job_shares.c: who has how much of the node.  jobs_tenant: the number of a tenant in the ledger;
   false: nobody of that name has a share, or there is none for who has no name. */
bool jobs_tenant(const struct settings *settings, const char *name, size_t *index);

/* jobs_divide makes the ledger anew, with what runs in it; jobs_divide_again divides among those
   who have jobs now. */
void jobs_divide(struct core *core);
void jobs_divide_again(struct core *core, int64_t now_ms);

/* jobs_claim asks for what a job reserves, of its tenant's share or, with `whole`, of the node. */
enum quota_answer jobs_claim(struct core *core, const struct core_job *job, bool whole);

/* jobs_share_write says what the job's tenant has of the node; nothing where it is not divided. */
void jobs_share_write(const struct core *core, const struct core_job *job, struct sink *words);

uint32_t jobs_ahead(const struct core_jobs *jobs, const struct core_job *job);

/* job_records.c: what is logged of jobs. */
MUST_USE
bool core_log_job_wish(struct core *core, const struct request *request, uint64_t *id);
void core_log_job_start(struct core *core, const struct core_job *job);
void core_log_job_end(struct core *core, const struct core_job *job);
MUST_USE
bool core_log_job_refused(struct core *core, const struct core_job *job,
                          const struct job_refused *row, uint64_t *id);

#endif
