/* agent.h - the process that answers a job who asks for evidence of its own sandbox, as the guest
   agent of dstack does (GetQuote).

   It has a socket for the job and one for whoever measured the sandbox: no file, no right, no
   network, and no user that another process has.  What was measured is known at the other end of
   the latter, and nothing that is said over it changes that: what takes this process over can ask
   for evidence of this sandbox, as the job can. */
#ifndef WARD_AGENT_AGENT_H
#define WARD_AGENT_AGENT_H

#include <sys/types.h>

#include "codec/guest_agent.h"

/* Below what the sandbox makes itself, so that no link of the image leads to it or from it.  The
   public SDKs of dstack look where this variable says. */
#define AGENT_SOCKET   "/dev/dstack.sock"
#define AGENT_VARIABLE "DSTACK_SIMULATOR_ENDPOINT"

/* Packets to whoever measured.  A question: u32 its number, 64 bytes of report data.  An answer:
   u32 that number, u16 reason, bytes quote, bytes event log; both empty when the reason is not
   REASON_OK. */
enum {
    AGENT_QUESTION = 4 + GUEST_AGENT_REPORT_DATA,
    AGENT_EVIDENCE_MAX = 8192, /* bytes of a quote, and of its log */
    AGENT_REPLY_MAX = 4 + 2 + 4 + AGENT_EVIDENCE_MAX + 4 + AGENT_EVIDENCE_MAX,
};

enum { AGENT_QUOTE_MS = 4000 }; /* for an answer; less than a caller has (AGENT_ASK_MS) */

struct agent_given {
    int listener; /* non-blocking */
    int house;    /* who measured the sandbox */
    int stop;     /* readable when it has to end */
};

/* answer.c.  agent_ready makes all that it will have of memory, once in the life of a process;
   false where there is none.  agent_answer then answers until it is stopped, with the calls of
   agent.syscalls; false: its socket broke. */
MUST_USE
bool agent_ready(const struct agent_given *given);
MUST_USE
bool agent_answer(void);

/* live.c: agent_live is the whole process, in a child: confined as that user and group, which is
   nobody else's, it says so by one byte, 0, over `ready`, or why it is not; then it answers.  What
   the child exits with. */
int agent_live(const struct agent_given *given, int ready, uid_t user);

#endif
