/* run_result.h - what `ward run` says of a job that has ended, or did not run. */
#ifndef WARD_CMD_RUN_RESULT_H
#define WARD_CMD_RUN_RESULT_H

#include "cmd/command.h"
#include "cmd/run_refused.h"
#include "crypto/hash.h"
#include "sandbox/remote.h"
#include "sandbox/sandbox.h"

/* The result that a house signs, where one is wanted. */
struct run_signed {
    const char *file;   /* where it goes; NULL: none is wanted */
    const char *state;  /* the folder of the house, */
    struct span ticket; /* of its tee, for what was measured of the sandbox; may be empty */
    bool is_known;      /* which whoever runs this knows to have a key for it */
    enum reason reason; /* REASON_OK: it is there; REASON_NONE: there was none to be signed */
    char what[512];     /* of the reason; may be empty */
};

/* What was learned, where that is wanted. */
struct run_learning {
    const char *file;   /* where it goes; NULL: nothing is to be learned */
    enum reason reason; /* REASON_OK: it is there; REASON_NONE: the job did not run */
    char what[512];     /* of the reason; may be empty */
};

struct run_result {
    const char *file;                /* of the specification */
    char digest[2 * SHA256_LEN + 1]; /* of its bytes */
    uint8_t spec[SHA256_LEN];
    const struct job_spec *given; /* what they say */
    struct sandbox_result sandbox;
    struct remote_machine *remote; /* of a VMM; NULL: it ran here */
    struct run_signed signing;
    struct run_learning learning;
    const char *so_far; /* the file that has what was refused while it runs; NULL: none is wanted */
    struct sink room;   /* for what is in it */
    struct run_telling telling;
};

/* run_result_limits says which ceilings this machine lowered. */
void run_result_limits(struct invocation *in, const struct job_limits *wanted,
                       const struct job_limits *is);

/* run_result_so_far writes into result->so_far what the job was refused by now: of the object of
   --json the parts that are known.  Whoever reads that file finds it whole.  And it tells the house
   of it; false: not of all.  `arg` is a struct run_result. */
bool run_result_so_far(void *arg, bool changed);

/* run_result_room makes the memory for it.  False: there is none. */
MUST_USE
bool run_result_room(struct arena *arena, struct run_result *result);

/* run_result_progress says what a machine says of its beginning, unless nobody reads it. */
void run_result_progress(struct invocation *in, const char *words);

/* run_result_tell says how it ended in one line, for a program that runs many; a negative
   descriptor is nobody's. */
void run_result_tell(const struct sandbox_result *result, int fd);

/* run_result_print says it: in words on standard error, or, with --json, also as an object on
   standard output.  Gives what `ward run` exits with. */
enum exit_code run_result_print(struct invocation *in, const struct run_result *result, bool json);

#endif
