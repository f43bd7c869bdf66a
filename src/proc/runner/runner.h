/* runner.h - the process that has jobs run: each by a `ward run` of its own, which makes the
   sandbox, holds the limits and takes all of it away.  The runner starts it, keeps what it says,
   and tells core how it ended.

   It reads nothing that a stranger wrote: of a job it knows its id, its folder, one line of `ward
   run`'s own, and the form of what that says of refusals.  Whatever else there is of it are bytes
   that go through.  It owns no key and no database, and no socket but those to its `ward run`s.  In
   a house of root's it keeps root's rights, for a sandbox cannot be made without; in any other it
   is in a jail like the rest and begins nothing.

   STATE/jobs/ID, with ID in hex, has of a job
     spec.toml    what was submitted
     log          what it said on both streams, up to RUNNER_LOG_MAX
     so-far.json  of the next what is known while it runs, once something was refused
     report.json  the object of `ward run --json`
     output/      what it left, once it has ended
     result.jws   the signed result, where the house has a key for it */
#ifndef WARD_PROC_RUNNER_RUNNER_H
#define WARD_PROC_RUNNER_RUNNER_H

#include <sys/types.h>

#include "admit/gcra.h"
#include "job/refused.h"
#include "proc/house.h"
#include "proc/messages.h"
#include "sandbox/cgroup.h"

#define RUNNER_SO_FAR "so-far.json"

enum {
    RUNNER_LOG_MAX = 16 << 20,    /* bytes of what a job says that are kept */
    RUNNER_STUBBORN_MS = 60000,   /* for a `ward run` that is to end: it takes its sandbox away */
    RUNNER_HEX = 2 * JOB_ID + 1,  /* an id as text */
    RUNNER_LINE_MAX = 256,        /* bytes of what `ward run` says of the end */
    RUNNER_QUOTES_PER_SECOND = 1, /* that one job asks for */
    RUNNER_QUOTES_BURST = 10,
    RUNNER_QUIET_MS = 100,  /* between two refusals of one that asks too often */
    RUNNER_AGAIN_MS = 1000, /* before what could not be logged of a job is said again */
    RUNNER_REST_MS = 20000, /* that an end waits for what is to be logged before it */
};

/* How a job ended. */
struct runner_fate {
    enum reason reason;
    uint8_t code, signal;
    uint64_t cpu_us, memory_peak;
};

struct runner_job {
    bool used;
    uint8_t id[JOB_ID];
    char hex[RUNNER_HEX];
    pid_t pid;
    int pidfd;   /* -1: it has ended */
    int told;    /* memory that `ward run` writes its line to */
    int said;    /* the pipe of what the job says; -1: all of it was read */
    int log;     /* where that goes */
    int measure; /* where its `ward run` says what the sandbox begins with; -1: it does not */
    int refused; /* where its `ward run` says what it is refused; -1: nothing more */
    uint8_t row[JOB_REFUSED_MAX]; /* the last of that, until core has it logged; */
    size_t row_len;               /* 0: it has */
    bool row_asked;               /* core has been asked to */
    uint32_t rows;
    int64_t refused_ms; /* when it is said again */
    uint64_t measuring; /* the id of the question to tee that waits for an answer; 0: none */
    uint32_t number;    /* and the job's own of it, once it runs */
    struct gcra asked;  /* evidence of its sandbox */
    int64_t quiet_ms;   /* it asked too often, and is not heard before */
    size_t ticket_len;  /* what was measured of it; 0: not yet */
    uint8_t ticket[LAUNCH_TICKET_MAX];
    uint64_t logged;
    bool cut;        /* and no more of it does */
    bool wished;     /* somebody wants its end, */
    int64_t kill_ms; /* and when it is killed; INT64_MAX: not */
    struct runner_fate fate;
    int64_t ended_ms;
    bool end_told; /* to the core that there is */
};

struct runner {
    struct house *house;
    enum reason reason; /* REASON_OK: it begins jobs */
    bool synced;        /* this core has asked what there is: it knows the jobs */
    int ward;           /* the program */
    int folder;         /* STATE/jobs */
    int null;
    struct cgroups groups;
    struct gcra_rate quote_rate; /* of one job */
    struct runner_job jobs[JOB_RUNS_MAX];
};

/* What MSG_JOB_START has; the spans view the message. */
struct runner_order {
    uint8_t id[JOB_ID];
    uint8_t with_result;
    struct span spec, images, folder;
    uint32_t argument_count;
    struct span arguments[JOB_ARGUMENTS_MAX];
};

/* files.c: the folder of a job. */

/* runner_open finds the program, makes STATE/jobs, and looks at the machine; runner->reason says
   why it begins nothing. */
void runner_open(struct runner *runner);

/* runner_hex writes an id as the name of its folder. */
void runner_hex(const uint8_t id[JOB_ID], char out[RUNNER_HEX]);

/* runner_make_folder makes it anew, with the specification in it; open, or -1. */
int runner_make_folder(struct runner *runner, const char *hex, struct span spec);

/* runner_read reads a part of the log, or of the report, or while there is none yet of what is
   known so far: *len is how much it was, *size how much there is. */
enum reason runner_read(struct runner *runner, const char *hex, bool report, uint64_t offset,
                        struct sink *out, uint64_t *size);

/* runner_remove: the folder is gone. */
bool runner_remove(struct runner *runner, const char *hex);

/* runner_keep keeps what the job said, as far as there is room for it. */
void runner_keep(struct runner_job *job, struct span bytes);

/* job.c: the process of a job. */

/* runner_begin starts it: REASON_OK, or nothing was begun. */
enum reason runner_begin(struct runner *runner, const struct runner_order *order);

/* runner_find: NULL when it has none of this id. */
struct runner_job *runner_find(struct runner *runner, const uint8_t id[JOB_ID]);

/* runner_stop wants its end, once. */
void runner_stop(struct runner_job *job, int64_t now_ms);

/* runner_kill ends its process, which then takes nothing away. */
void runner_kill(const struct runner_job *job);

/* runner_hear reads what the job has said; runner_reap takes its end: true when it was its end. */
void runner_hear(struct runner_job *job);
bool runner_reap(struct runner_job *job);

/* measure.c: what a job's sandbox begins with goes from its `ward run` to tee, and the answer back.
   Once it is measured that is not said again, and what is asked over the same socket is evidence of
   it, by the job's guest agent (agent/agent.h).

   runner_measure passes on what was said; runner_measured and runner_quoted answer it;
   runner_unmeasured tells all that wait for a tee that is gone. */
void runner_measure(struct runner *runner, struct runner_job *job);
void runner_measured(struct runner *runner, uint64_t question, struct span said);
void runner_quoted(struct runner *runner, uint64_t question, struct span said);
void runner_unmeasured(struct runner *runner);

/* refused.c: what a job is refused goes from its `ward run` to core, which has it logged: one kind
   after the other, the next when the last is durable, so a job that is refused much waits for
   nobody, and no queue is filled by it.

   runner_refused goes on with that, as far as it can now; runner_refused_waits tells whether more
   is to be read, runner_refused_all whether all is logged that was said.  runner_refused_is takes
   core's answer.  A core that is gone is asked for nothing: runner_refused_again. */
void runner_refused(struct runner *runner, struct runner_job *job, int64_t now_ms);
bool runner_refused_waits(const struct runner *runner, const struct runner_job *job,
                          int64_t now_ms);
bool runner_refused_all(const struct runner_job *job);
void runner_refused_is(struct runner_job *job, bool logged, int64_t now_ms);
void runner_refused_again(struct runner *runner);

/* runner_fate_read reads the line that `ward run` has written. */
MUST_USE
bool runner_fate_read(struct span line, struct runner_fate *out);

#endif
