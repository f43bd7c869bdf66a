/* jail.h - what a process gives up for good before it reads its first message.

   jail_enter never comes back half done: whatever cannot be given up is a failure, and the
   caller stops.  What the kernel or the user does not offer (another uid without root,
   Landlock on an old kernel) is left out and said in `struct jail_report`. */
#ifndef WARD_OS_JAIL_H
#define WARD_OS_JAIL_H

#include <sys/types.h>

#include "base/result.h"
#include "base/span.h"
#include "os/call_filter.h"

enum { JAIL_RULES_MAX = 128 };

struct jail {
    uid_t user;      /* not 0; taken with the group of the same number when started by root */
    const int *keep; /* descriptors that stay open: 0, 1, 2 and others, all of them open, in
                        ascending order; all others are closed */
    size_t keep_count;
    size_t fds;                    /* RLIMIT_NOFILE */
    size_t file_bytes;             /* RLIMIT_FSIZE: no file grows past it, the log included */
    bool forks;                    /* may make processes (RLIMIT_NPROC is 0 otherwise) */
    bool own_network;              /* as root: an empty network namespace */
    const uint16_t *connect_ports; /* the TCP ports that may be connected to, where the kernel can
                                      tell; none without them */
    size_t connect_port_count;
    /* The last moment at which something can be reached: called once, as the user that the
       process keeps, before paths, descriptors and calls are closed; what it opens stays open.
       NULL: nothing is.  With *reached set, the network is left afterwards where every user may
       make a namespace. */
    rc (*reach_out)(struct trail *trail, void *arg, bool *reached);
    void *arg;
    const struct call_rule *rules;
    size_t rule_count;
};

/* What holds, for `ward doctor` and the log. */
struct jail_report {
    bool own_user;     /* runs under jail.user */
    unsigned landlock; /* the ABI that is used; 0: the kernel has none */
    bool own_network;
};

enum jail_error {
    JAIL_E_RULE = 0x1201, /* RC_BUG: a rule that allows nothing, or too many of them */
    JAIL_E_FILTER,        /* RC_WORLD: the kernel does not take the filter */
    JAIL_E_PROOF,         /* RC_BUG: the forbidden call of the proof was not deadly */
    JAIL_E_KEEP,          /* RC_BUG: `keep` is not as it should be; nothing was closed */
    JAIL_E_THREADS,       /* RC_BUG: the process has other threads */
    JAIL_E_USER,          /* RC_BUG: started by root, and no other user is named */
};

/* jail_enter gives up everything that `jail` does not list, in the order of the steps in
   jail.c, and proves it: a forked child under the same filter makes one forbidden call and
   must be killed for it.  A signal at the parent's death (PR_SET_PDEATHSIG) that was asked for
   before is lost by a change of user. */
MUST_USE
rc jail_enter(struct trail *trail, const struct jail *jail, struct jail_report *report);

/* jail_filter is the last step alone: the system call filter, from here on and for all
   children.  Any other call kills the process. */
MUST_USE
rc jail_filter(struct trail *trail, const struct call_rule *rules, size_t count);

/* jail_offline gives up the network alone, for this process and all its children: a call that
   makes, connects or sends over a socket kills it, and so does one by another architecture's
   numbers.  What is open already can still be read and written.  Needs no right. */
MUST_USE
rc jail_offline(struct trail *trail);

#endif
