/* call_filter.h - a list of system calls as the kernel's own kind of program (seccomp, classic
   BPF), for whatever part of a process is held to one: a jail, or a job's first process.

   It is written here because libseccomp 2.5.4 makes a filter without all of its rules, and says
   that this went well, when an allocation fails while it compiles.  Nothing here allocates. */
#ifndef WARD_OS_CALL_FILTER_H
#define WARD_OS_CALL_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

/* What an argument must be: (argument & mask) == value.  Some bits of the mask, and no other, are
   set in the value, or none. */
struct call_condition {
    unsigned argument; /* 0..5 */
    uint64_t mask, value;
};

/* One system call; tools/syscalls.py makes these from a NAME.syscalls file.  With `masked`, only
   where (argument & mask) == value. */
struct call_rule {
    int number; /* SYS_... */
    bool masked;
    unsigned argument;          /* 0..5 */
    uint64_t mask, value;       /* as of a condition */
    struct call_condition also; /* with `masked`: a second one; with a mask of 0 there is none */
};

enum {
    CALL_FILTER_RULE = 15, /* instructions of a rule with two conditions, the longest */
    CALL_FILTER_FRAME = 7, /* those around all rules */
};

/* The room that a filter of so many rules needs, in instructions. */
#define CALL_FILTER_ROOM(rules) ((rules)*CALL_FILTER_RULE + CALL_FILTER_FRAME)

struct call_filter {
    struct sock_filter *at; /* the caller's */
    size_t room, len;
    bool fits; /* everything that was put had room, and every rule was sound */
};

/* call_filter_begin empties it.  A call by another architecture's numbers will kill. */
void call_filter_begin(struct call_filter *filter, struct sock_filter *at, size_t room);

/* call_filter_x32 has a call by one of x32's numbers, which is one more name for the same call,
   kill as well.  Of use where what no rule names is allowed. */
void call_filter_x32(struct call_filter *filter);

/* call_filter_put adds a rule with its action (SECCOMP_RET_...).  The first rule that fits
   decides: the same call may stand in several. */
void call_filter_put(struct call_filter *filter, const struct call_rule *rule, uint32_t action);

/* call_filter_hold ends it with what happens to a call that no rule names, and holds this process
   and all its children to it, without new privileges.  False with nothing done: something did not
   fit (`fits`), or the kernel does not take it. */
MUST_USE
bool call_filter_hold(struct call_filter *filter, uint32_t others);

/* call_filter_ask is the same, and somebody is asked of each call that no rule names: whoever has
   the descriptor that it gives (SECCOMP_IOCTL_NOTIF_RECV), which the caller owns and no program
   that is executed gets.  -1 with nothing done: so too, or a filter above already asks. */
int call_filter_ask(struct call_filter *filter);

#endif
