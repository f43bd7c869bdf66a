/* run_learn.h - `ward run --learn`: the least specification that a run needed, as a file. */
#ifndef WARD_CMD_RUN_LEARN_H
#define WARD_CMD_RUN_LEARN_H

#include "cmd/run_result.h"

/* run_learn_end writes what was learned of a job that exited with 0, and of no other: what one
   needed that was ended, or failed, nobody has seen.  Nothing where nothing was to be learned. */
void run_learn_end(struct invocation *in, const struct job_spec *given, struct run_result *result);

#endif
