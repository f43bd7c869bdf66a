/* results.h - results of jobs, as the house signs them.  Part of core.h. */
#ifndef WARD_PROC_CORE_RESULTS_H
#define WARD_PROC_CORE_RESULTS_H

#include "base/span.h"
#include "ipc/door.h"

struct core;
struct pending;
struct request;

enum { CORE_RESULTS = 4 }; /* that are being signed or logged */

/* core_results_open takes memory for them. */
MUST_USE
bool core_results_open(struct core *core);

/* core_sign_result: what the owner says of a job that has ended is put together with evidence of
   the house that binds the key, signed by the keeper, and given out when the record of it is
   durable.  It is kept nowhere. */
void core_sign_result(struct core *core, const struct request *request);

/* Quotes of tee's, and their event logs; none of the sandbox: nobody has measured it. */
struct core_attested {
    struct span node[2], sandbox[2];
};

/* core_result_attested: tee has made the evidence.  False: it is no quote over what was asked. */
MUST_USE
bool core_result_attested(struct core *core, struct pending *pending,
                          const struct core_attested *of);
MUST_USE
rc core_on_result_signed(struct trail *trail, void *core, struct call *call);

#endif
