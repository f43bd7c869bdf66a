/* tee.h - the process that vouches for the house: 64 bytes in, evidence out that bears them and
   the measurements of the house's programs.  It takes a measurement from nobody: the monitor
   hands it the very files that it executes, and it hashes them.

   The TEE is simulated: a TDX quote of version 4 in its genuine format, with a PCK chain and
   collateral, under a root that this house made for itself.  Everything derives from one seed:

       STATE/tee/authority     the seed, 0600; made once
       STATE/tee/root.pem      the root, for whoever wants to trust this house's evidence
       STATE/tee/collateral/   what a verifier needs besides, good for TEE_VALID_S

   Before its jail the process reads the seed, makes the platform, publishes what is public, and
   forgets the seed.  What is left in the jail are the quoting key and the key of tickets, in
   guarded pages: whoever takes the process over can have this platform lie for a while, and make no
   other. The collateral is made again by beginning anew, long before it ends. */
#ifndef WARD_PROC_TEE_TEE_H
#define WARD_PROC_TEE_TEE_H

#include "admit/gcra.h"
#include "model/reason.h"
#include "proc/house.h"
#include "proc/messages.h"
#include "secret/secret.h"
#include "sim/launch.h"
#include "sim/sim.h"

enum {
    TEE_SEED = 32,
    TEE_MAGIC = 32,
    TEE_AUTHORITY = TEE_MAGIC + TEE_SEED + 32, /* bytes of its file: magic, seed, their SHA-256 */
    TEE_ROOT_MAX = 4096,
    TEE_PROGRAM_MAX = 64 << 20, /* bytes of a program */
    TEE_PERIOD_S = 10 * 86400,  /* collateral is made again so often */
    TEE_VALID_S = 30 * 86400,   /* and good for so long */
    TEE_SKEW_S = 86400,         /* clocks that are behind see it as good, too */
    TEE_LOOK_MS = 600 * 1000,   /* between two looks at the clock */
    TEE_PER_SECOND = 10,        /* quotes */
    TEE_BURST = 50,
    TEE_MEASURE_PER_SECOND = 20, /* launches */
    TEE_MEASURE_BURST = 2 * JOB_RUNS_MAX,
    TEE_SANDBOX_PER_SECOND = 5, /* quotes that jobs ask for, of all of them */
    TEE_SANDBOX_BURST = 20,
    TEE_PIECE = 64 << 10, /* bytes of a file that are read at once */
};

#define TEE_CERTIFIED_FROM INT64_C(1735689600) /* 2025-01-01: certificates need no clock */

struct tee {
    struct house *house;
    int folder; /* STATE/tee, until the jail */
    struct secret_pool *pool;
    struct secret *seed;            /* until the jail */
    struct secret *quoting;         /* the scalar */
    struct secret *tickets;         /* what seals what was measured of launches */
    struct sim_authority authority; /* until the jail */
    struct sim_spec spec;
    int64_t issued;  /* the period of the collateral, tee_period */
    int64_t look_ms; /* when to look at the clock again */
    struct gcra_rate rate;
    struct gcra asked;
    struct gcra_rate measure_rate;
    struct gcra measured;
    struct gcra_rate sandbox_rate;
    struct gcra sandboxes;
    size_t quote_len, log_len;
    uint8_t quote[SIM_QUOTE_MAX];           /* made anew for each request */
    uint8_t log[EVIDENCE_LOG_MAX];          /* the event log that explains it */
    uint8_t program[PROGRAM_COUNT][48];     /* SHA-384 of each program */
    struct span collateral[COLLATERAL_OWN]; /* as it is published */
    uint8_t sandbox_quote[SIM_QUOTE_MAX];   /* the same of a sandbox */
    uint8_t sandbox_log[SIM_LAUNCH_LOG_MAX];
    uint8_t piece[TEE_PIECE];
    uint8_t answer[2 * SIM_QUOTE_MAX + EVIDENCE_LOG_MAX + SIM_LAUNCH_LOG_MAX + 32];
};

/* tee_period is the beginning of the period that holds `now`: what is issued in it is the same
   bytes at every start. */
int64_t tee_period(int64_t now);

/* authority.c: tee_open_authority takes the seed from its file, or makes it when no root was
   ever published, and derives the authority.  A seed that is not the published root's is
   refused: TEE_AUTHORITY_... */
MUST_USE
rc tee_open_authority(struct trail *trail, struct tee *tee);

/* tee_forget wipes all that could make another platform. */
void tee_forget(struct tee *tee);

/* publish.c: tee_publish_root and tee_publish_collateral write what is not there as it should
   be, each file in one step. */
MUST_USE
rc tee_publish_root(struct trail *trail, struct tee *tee);
MUST_USE
rc tee_publish_collateral(struct trail *trail, struct tee *tee);

/* tee_read_root reads what is published into at most TEE_ROOT_MAX bytes; nothing when there is
   no such file. */
MUST_USE
rc tee_read_root(struct trail *trail, const struct tee *tee, struct sink *out);

/* tee_write replaces a file of the folder in one step. */
MUST_USE
rc tee_write(struct trail *trail, const struct tee *tee, const char *name, struct span bytes,
             mode_t mode);

/* measure.c: tee_measure hashes the programs that the monitor handed over, and fills in the
   registers and the event log:

       MRTD     SHA-384 of ward-monitor, which starts the others
       RTMR 3   each other program in the order of starting, and then the command that runs jobs,
                as a run-time event of its name whose payload is its SHA-384; the log is in
                dstack's form
       all else zero */
MUST_USE
rc tee_measure(struct trail *trail, struct tee *tee);

/* launch.c: tee_on_measure answers MSG_MEASURE_*.  tee_open_ticket: it is one that this authority
   has given, for this job; the launch views it.  tee_remeasure makes the quote of the launch, still
   to be signed, and its log. */
MUST_USE
rc tee_on_measure(struct trail *trail, void *tee, struct call *call);
enum reason tee_open_ticket(struct tee *tee, struct span ticket, const uint8_t job[JOB_ID],
                            struct sim_launch *out);
MUST_USE
bool tee_remeasure(struct tee *tee, const struct sim_launch *launch, struct sink *log);

#endif
