/* agent.h - the process that answers a job who asks for evidence of its own sandbox, as the guest
   agent of dstack does (GetQuote).  It has a socket for the job and one for whoever measured the
   sandbox: no file, no right, no network, and no user that another process has.  What takes it over
   can ask for evidence of this sandbox, as the job can. */
#ifndef WARD_AGENT_AGENT_H
#define WARD_AGENT_AGENT_H

#include "sandbox/agent.h"

enum { AGENT_QUOTE_MS = 4000 }; /* for an answer; less than a caller has (AGENT_ASK_MS) */

/* agent_live is the process: a sandbox_agent_fn. */
int agent_live(const struct sandbox_agent *given);

#endif
