/* agent.h - the guest agent of a job, between who makes its socket and who serves it: with it a job
   asks for evidence of its own sandbox, for 64 bytes of its choice.

   The supervisor makes the socket, which the job finds at AGENT_SOCKET.  A process of its own
   (src/agent) serves it, and asks whoever measured the sandbox over a socket of packets: what was
   measured is known there, and nothing that is said here changes it. */
#ifndef WARD_SANDBOX_AGENT_H
#define WARD_SANDBOX_AGENT_H

#include <sys/types.h>

#include "base/result.h"

/* Below what the sandbox makes itself, so that no link of the image leads to it or from it.  The
   public SDKs of dstack look where this variable says. */
#define AGENT_SOCKET   "/dev/dstack.sock"
#define AGENT_VARIABLE "DSTACK_SIMULATOR_ENDPOINT"

/* Packets.  A question: u32 its number, 64 bytes of report data.  An answer: u32 that number, u16
   reason, bytes quote, bytes event log; both empty when the reason is not REASON_OK. */
enum {
    AGENT_REPORT_DATA = 64,
    AGENT_QUESTION = 4 + AGENT_REPORT_DATA,
    AGENT_EVIDENCE_MAX = 8192, /* bytes of a quote, and of its log */
    AGENT_REPLY_MAX = 4 + 2 + 4 + AGENT_EVIDENCE_MAX + 4 + AGENT_EVIDENCE_MAX,
};

struct sandbox_agent {
    int listener; /* non-blocking */
    int house;    /* who measured the sandbox */
    int ready;    /* for one byte, 0, when it is confined; or words that say why it is not */
    int stop;     /* readable when it has to end */
    uid_t user;   /* nobody else's, and the group too */
};

/* The process: called in a child of the supervisor's, it serves until it is stopped, and gives what
   the child exits with. */
typedef int sandbox_agent_fn(const struct sandbox_agent *agent);

#endif
