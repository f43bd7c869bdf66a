/* run_signed.h - the result of a job that a house signs, as `ward run --result` has it made. */
#ifndef WARD_CMD_RUN_SIGNED_H
#define WARD_CMD_RUN_SIGNED_H

#include "cmd/run_result.h"

/* run_signed_begin, unless the caller has looked already (`is_known`): before the job has run an
   hour for nothing: the house is up, has a key for it, and the file can be made.  EXIT_DONE, or it
   has said why not. */
MUST_USE
enum exit_code run_signed_begin(struct invocation *in, const struct run_signed *signing);

/* run_signed_end has the result of a job that ran to its end signed, and writes it: whole, or not
   at all, and never over another file.  How that went stands in result->signing. */
void run_signed_end(struct invocation *in, struct run_result *result);

#endif
