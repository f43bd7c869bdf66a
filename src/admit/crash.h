/* crash.h - a crash is evidence: whose request was it?  What a process is serving is written
   down before it is parsed; when it crashes, all whose requests were in flight are noted
   here, and this judges from those notes alone.

   One crash proves nothing, and company proves nothing: an attacker would only have to wait
   until somebody else is being served.  So a peer that was in flight at a crash is suspect, and
   is from then on served alone; who crashes two processes while alone in them is guilty.
   A bystander served alone crashes nothing and is cleared by time.

   It presumes that a request cannot make a later one crash: a process that serves hostile
   formats keeps nothing from one to the next (verify forks for each). */
#ifndef WARD_ADMIT_CRASH_H
#define WARD_ADMIT_CRASH_H

#include "model/address.h"

enum {
    CRASHES_MAX = 64,     /* crashes remembered; the oldest gives way */
    CRASH_PEERS_MAX = 32, /* peers remembered of each */
    CRASHES_ALONE = 2     /* that make a peer guilty */
};

#define CRASH_MEMORY_US (UINT64_C(3600) * 1000000) /* an hour */

struct crash {
    uint64_t at_us;
    uint32_t peers; /* different ones in flight; past CRASH_PEERS_MAX not all are named */
    struct address named[CRASH_PEERS_MAX];
};

/* {0} has seen none. */
struct crash_log {
    struct crash crashes[CRASHES_MAX];
    uint64_t count; /* ever */
};

bool crash_log_is_sound(const struct crash_log *log);

/* crash_note: a process crashed while these were in flight, the same one maybe several times.
   Nobody in flight is the process's own fault: nothing is noted. */
void crash_note(struct crash_log *log, const struct address *in_flight, size_t count,
                uint64_t now_us);

enum crash_verdict {
    CRASH_CLEAR = 0,
    CRASH_SUSPECT, /* serve it alone */
    CRASH_GUILTY,  /* OFFENCE_CRASH */
};

enum crash_verdict crash_judge(const struct crash_log *log, const struct address *address,
                               uint64_t now_us);

#endif
