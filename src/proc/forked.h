/* forked.h - one piece of a stranger's bytes, read in a child that was forked for it: the child
   owns nothing but the pipe that its answer goes through, and the kernel ends it in time, whoever
   is awake, and with its parent.  What it says is bytes; whoever asked says what is an answer. */
#ifndef WARD_PROC_FORKED_H
#define WARD_PROC_FORKED_H

#include <sys/types.h>

#include "base/result.h"
#include "base/sink.h"
#include "os/jail.h"

enum { FORKED_READ_ONCE = 64 << 10 /* bytes of an answer that are read at once */ };

/* One child under way. */
struct forked {
    pid_t pid;            /* 0: free */
    int fd;               /* the end of the pipe that its answer comes through */
    uint64_t id;          /* of the question; 0: nobody waits for it any more */
    bool too_long;        /* it said more than its answer has room for */
    unsigned cpu_seconds; /* that it was given */
    struct sink answer;
};

/* What it does, and how long it may. */
struct forked_work {
    void (*run)(const void *arg, struct sink *answer);
    const void *arg;
    const struct call_rule *rules; /* all that it may call: no more than its parent may */
    size_t rule_count;
    unsigned wall_seconds; /* by the clock */
    unsigned cpu_seconds;  /* and of the processor */
};

enum forked_end { FORKED_DONE, FORKED_LATE, FORKED_DIED };

/* forked_start begins one; the room of the answer is the caller's. */
MUST_USE
rc forked_start(struct trail *trail, struct forked *child, const struct forked_work *work);

/* forked_read takes what has come of its answer; true when it is at its end. */
MUST_USE
bool forked_read(struct forked *child);

/* forked_finish waits for its death, which has begun, and frees its place.  FORKED_DONE: it
   ended well, and what it said fitted. */
enum forked_end forked_finish(struct forked *child);

#endif
