/* backend.h - a way to keep a job apart, as the rest of the room sees it, and what all ways share.
 */
#ifndef WARD_SANDBOX_BACKEND_H
#define WARD_SANDBOX_BACKEND_H

#include <sys/types.h>
#include <time.h>

#include "job/image.h"
#include "job/learn.h"
#include "os/spawn.h"
#include "os/veil.h"
#include "sandbox/bundle.h"
#include "sandbox/ext4.h"
#include "sandbox/fence.h"
#include "sandbox/known.h"
#include "sandbox/sandbox.h"
#include "sandbox/slot.h"
#include "sandbox/wishes.h"

/* A sandbox under way. */
struct sandbox {
    const struct sandbox_job *job;
    struct job_spec spec; /* with the limits of this machine */
    struct reach *reach;  /* what it may reach outside */
    const char *id;
    struct slot slot;
    struct cgroups groups;
    pid_t ready; /* who makes them ready for the job (cgroup_ready_begin), until it has ended */
    struct cgroup_limits limits;
    struct image_config image;
    int held;             /* the image's folder: while it is open the image stays */
    int output;           /* the folder behind /output, open */
    struct wishes wishes; /* to end it */
    const char *program;  /* the runtime, */
    int sealed;           /* and the copy of it that is started, until it has let the job go; -1 */
    int kernels;          /* of a machine: the folder of what it begins with, open; else -1 */
    const char *teller;   /* where its runtime brings what asks for refused calls; NULL: nowhere */
    struct veil veil;     /* what is shown in place of denied paths, by their index, */
    bool hides;           /* of which there is one */
    struct spawned asked; /* its runtime, for its version, */
    int version;          /* and what it says; -1 */
    struct known_file file; /* which was copied, */
    bool known;             /* and need not be asked; */
    int agent;              /* where its guest agent listens, until that serves; -1: it has none */
    int word;               /* in the supervisor: where is told how a machine fares; else -1 */
    char what[SANDBOX_WHAT];
};

struct backend {
    uint64_t overhead; /* bytes of memory beside those that the job may have */
    uint64_t kept;     /* bytes of those that it has no use of */
    bool in_memory;    /* what it changes and what it leaves is kept in its memory too */
    /* Whether this machine has it; what it needs is remembered in the sandbox. */
    enum reason (*find)(struct sandbox *sandbox);
    /* Writes what it needs into the slot's folder; all mounts are there. */
    enum reason (*prepare)(struct sandbox *sandbox);
    /* Both in the supervisor: makes the sandbox, under its limits, with a process that waits;
       lets it go.  *first is the job's first process, a child of the caller from then on. */
    enum reason (*create)(struct sandbox *sandbox, pid_t *first);
    enum reason (*start)(struct sandbox *sandbox);
};

extern const struct backend backend_container;
extern const struct backend backend_machine;

/* --- container.c: what machines, which live in a container, have of it ------------------------ */

enum reason container_find(struct sandbox *sandbox);

/* container_describe makes the bundle of the job, and container_write gives one to the runtime. */
struct bundle *container_describe(struct sandbox *sandbox);
enum reason container_write(struct sandbox *sandbox, const struct bundle *bundle);

/* container_create is backend->create; what is given are descriptors 3 and so on of the
   first process. */
enum reason container_create(struct sandbox *sandbox, const int *given, size_t count, pid_t *first);
enum reason container_start(struct sandbox *sandbox);

/* sandbox_measure has what it begins with measured, if somebody wants that; all is prepared. */
enum reason sandbox_measure(struct sandbox *sandbox);

/* sandbox_fail says why: the words go to sandbox->what, the reason comes back. */
enum reason sandbox_fail(struct sandbox *sandbox, enum reason reason, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* sandbox_makes tells whether a path of the policy is what the sandbox makes itself, or all of it.
 */
bool sandbox_makes(struct span path, bool denied);

/* --- place.c: where the paths of the policy lead -------------------------------------------------
 */

/* places_settle puts in place of each allowed and denied path of sandbox->spec where the links of
   the image lead it, so that the runtime meets none: what it has open while it makes the sandbox
   (/proc/1/cwd) is nowhere a path may lead.  JOB_PATH for one that cannot be settled: it leads to
   what the sandbox makes, or by a link to nothing; its file has another name too.  All volumes are
   mounted. */
enum reason places_settle(struct sandbox *sandbox);

/* place_is_given tells whether a path lies in the folder of --job. */
bool place_is_given(const struct sandbox *sandbox, struct span path);

/* place_open opens a path of the sandbox as the job would: wherever links of the image lead, it is
   in the image.  In the folder of --job no link is followed.  -1, and errno. */
int place_open(const struct sandbox *sandbox, struct span path, uint64_t flags);

/* --- volume.c: the file systems --------------------------------------------------------------- */

/* Bytes that the job may have of one, whatever its limits are: the tables of a file system of so
   many are its largest, and still made at once. */
#define VOLUME_SIZE_MAX (EXT4_SIZE_MAX / 2)

/* Of a disk, for each file that it can have: as many as mkfs.ext4 would give it. */
enum { DISK_BYTES_PER_FILE = 16384 };

/* volumes_make mounts the root, /output and /job of the sandbox below its slot, for this process
   and its children alone. */
enum reason volumes_make(struct sandbox *sandbox);

/* volumes_remove takes all of them away. */
MUST_USE
rc volumes_remove(struct trail *trail, const struct slot *slot);

/* An empty folder. */
#define DENIED_FOLDER "denied"

/* volume_shown_as tells what is shown in place of a denied path, by what is there. */
enum shown_as volume_shown_as(const struct sandbox *sandbox, struct span path);

/* volume_open_allowed makes the allowed paths that the image has writable for everybody; nothing of
   them is seen, for each is covered. */
enum reason volume_open_allowed(struct sandbox *sandbox);

/* output_is_over tells whether more is in /output than may be, as the file system counts. */
bool output_is_over(const struct sandbox *sandbox);

/* run_program runs a program to its end; its output is the caller's.  run_program_with gives it
   more descriptors, as numbers 3 and so on: SANDBOX_GIVEN_MAX at most. */
enum { SANDBOX_GIVEN_MAX = 2 };

enum reason run_program(struct sandbox *sandbox, const char *const *argv, enum reason otherwise);
enum reason run_program_with(struct sandbox *sandbox, const char *const *argv,
                             enum reason otherwise, const int *given, size_t count);

/* volume_owner is the user and group whom files of the sandbox that are its 0 have in its volumes:
   those of a machine are as its image has them, for their users are its own kernel's. */
uint32_t volume_owner(const struct sandbox *sandbox);

/* --- beside.c: processes beside the job ------------------------------------------------------- */

enum { BESIDE_STOP_MS = 1000 };

/* One of them, and what ends it; -1: there is none. */
struct beside {
    int process; /* readable when it has ended */
    int stop;
    int ready; /* for beside_hear */
    pid_t pid; /* its own as long as nobody has waited for it */
};

/* What it has of that itself. */
struct beside_ends {
    int ready; /* for one byte, 0, when it is confined; or words that say why it is not */
    int stop;  /* readable when it has to end */
};

struct beside_kind {
    const char *name; /* in words */
    enum reason otherwise;
    void (*live)(void *arg, const struct beside_ends *ends); /* in the child, which exits by it */
};

/* beside_begin makes the process; beside_hear waits until it is confined, else it says why not. */
enum reason beside_begin(struct sandbox *sandbox, const struct beside_kind *kind, void *arg,
                         struct beside *held);
enum reason beside_hear(struct sandbox *sandbox, const struct beside_kind *kind,
                        const struct beside *held);

/* beside_join, in the child: what it uses is the job's.  False: it is not, and that was told. */
MUST_USE
bool beside_join(const struct sandbox *sandbox, const struct beside_ends *ends);

/* beside_kill ends it at once, whatever it was about to do or waits for. */
void beside_kill(const struct beside *held);

/* beside_stop lets it tell what it has to, and end. */
void beside_stop(struct beside *held);

/* --- fence.c: who lets through what is allowed ------------------------------------------------ */

struct supervision;

/* fence_start makes the fence of a job whose first process waits, if it may reach anything; it
   serves when this returns.  `by` says where it tells what it refuses, and what it lets through. */
enum reason fence_start(struct sandbox *sandbox, pid_t first, const struct supervision *by,
                        struct beside *held);

/* --- agent.c: who gives it evidence of its sandbox -------------------------------------------- */

/* agent_prepare makes the socket at a path that the job is shown as AGENT_SOCKET; agent_start the
   process that serves it, if there is one. */
enum reason agent_prepare(struct sandbox *sandbox, const char *path);
enum reason agent_start(struct sandbox *sandbox, struct beside *held);

/* --- usage.c: what a job had use of, for a run that learns ------------------------------------ */

/* What the supervisor saw.  {0}: nothing. */
struct usage {
    uint64_t disk, output;                   /* bytes at most; looked at now and then */
    int64_t since_s;                         /* by the clock of files: what has another time */
    uint32_t since_ns;                       /* from here on was changed by the job */
    uint8_t is_known;                        /* 1: all of this is, and no clock was set */
    uint8_t written[(JOB_LIST_MAX + 7) / 8]; /* a bit of each allowed path: it was, or listed */
};

struct usage_watch {
    struct usage seen;
    int allowed[JOB_LIST_MAX]; /* the folders of the allowed paths; -1: none */
    struct timespec changed[JOB_LIST_MAX], listed[JOB_LIST_MAX];
    int64_t clocks_ms; /* between the two clocks, to see whether one was set */
    bool is_open;
};

/* usage_begin is called when the sandbox is there and the job waits; it takes a moment, so that
   what the job does later is later.  usage_look looks how much there is, and usage_end for the last
   time, when the job has ended. */
void usage_begin(struct usage_watch *watch, const struct sandbox *sandbox, pid_t first);
void usage_look(struct usage_watch *watch, const struct sandbox *sandbox);
void usage_end(struct usage_watch *watch, const struct sandbox *sandbox);

/* --- changes.c: what a job has changed of its image ------------------------------------------- */

enum {
    CHANGES_ENTRIES_MAX = 65536, /* files and folders that are looked at */
    CHANGES_DEPTH = 64,          /* folders inside one another; what is deeper counts as the last */
};

/* changes_find looks, when the job has ended, what of its private copy was changed since it began.
   False where that cannot be told. */
MUST_USE
bool changes_find(const struct sandbox *sandbox, const struct usage *usage, struct learn_seen *out);

/* --- supervise.c: whoever sits beside the job ------------------------------------------------- */

/* What the supervisor says: that the job runs, and how it ended. */
enum supervised_stage { SUPERVISED_NONE = 0, SUPERVISED_RUNS, SUPERVISED_ENDED };

struct supervised {
    uint32_t stage;
    uint32_t reason;
    int32_t status;        /* of waitpid; -1: it did not run */
    uint32_t untold;       /* 1: who tells refused calls is not known to have told all; */
    uint32_t paths_untold; /* so too, of tries of denied paths */
    int64_t started_ms, ended_ms;
    struct usage usage;
    char what[SANDBOX_WHAT];
};

struct supervision {
    struct sandbox *sandbox;
    const struct backend *backend;
    int streams[2]; /* what the job writes to */
    int report;     /* where it is told, */
    int refusals;   /* where its fence tells, */
    int uses;       /* so too, for a run that learns; else -1 */
    int calls;      /* and where its teller does, of calls */
    int paths;      /* and of denied paths */
    int wish;       /* whose end, or any byte, is the wish to end the job */
};

/* supervise is the whole life of a child: the first process of a namespace of its own, so that its
   end, however it comes, is that of everything in it. */
_Noreturn void supervise(const struct supervision *by);

/* usage_take (usage.c) puts what the supervisor saw, and what the fence let through, where the run
   says it.  NULL: the fence was not heard to its end, and may have had more to say. */
void usage_take(struct sandbox *sandbox, const struct supervised *said,
                const struct learn_uses *uses, struct sandbox_result *out);

/* --- converse.c: who listens to it ------------------------------------------------------------ */

/* sandbox_converse begins the supervisor, passes on what the job says, and takes its end. */
enum reason sandbox_converse(struct sandbox *sandbox, const struct backend *backend,
                             struct sandbox_result *out);

#endif
