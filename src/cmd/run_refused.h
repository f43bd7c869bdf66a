/* run_refused.h - what a job was refused: said as it comes, written into reports, and told to the
   house whose job it is. */
#ifndef WARD_CMD_RUN_REFUSED_H
#define WARD_CMD_RUN_REFUSED_H

#include "codec/json_write.h"
#include "job/refused.h"
#include "sandbox/calls.h"
#include "sandbox/sandbox.h"

struct run_result;

enum {
    /* By where it is kept: of the fence, a limit, denied paths, system calls, and that it is not
       known of all. */
    RUN_REFUSED_KINDS = REFUSALS_ROOM + 1 + DENIED_ROOM + CALLS_ROOM + 1,
    RUN_REFUSED_BYTES = RUN_REFUSED_KINDS * 2 * (JOB_REFUSED_WORDS_MAX + 80), /* in JSON */
};

/* What the house has been told. */
struct run_telling {
    int house; /* a socket for packets; -1: nobody is told */
    size_t count;
    bool told[RUN_REFUSED_KINDS];
};

/* Each says one, unless nobody reads it.  `arg` is a struct run_result. */
void run_refused_say(void *arg, const struct reach *reach, const struct refusal *refusal);
void run_refused_say_call(void *arg, const struct call_refused *call);
void run_refused_say_path(void *arg, const struct denied_try *tried);

/* run_refused_put writes the members `refusals`, `refused_more` and `refused_untold`. */
void run_refused_put(struct json_writer *json, const struct run_result *result);

/* run_refused_tell tells the house each kind once, as many as it takes now.  False: there are more.
   run_refused_tell_rest waits for a house that takes them slowly. */
bool run_refused_tell(struct run_result *result);
void run_refused_tell_rest(struct run_result *result);

#endif
