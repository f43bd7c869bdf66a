/* confine.h - a child that works in one folder and reaches nothing else: for what writes files
   that somebody hostile has named.  jail.h is for processes that need no path at all. */
#ifndef WARD_OS_CONFINE_H
#define WARD_OS_CONFINE_H

#include "os/jail.h"

struct confine {
    int folder;      /* open: it becomes the root of all paths */
    pid_t parent;    /* who forked: its end is that of the child */
    const int *keep; /* descriptors that stay open, ascending; all others are closed */
    size_t keep_count;
    uint64_t file_bytes;   /* RLIMIT_FSIZE; what would be larger fails with EFBIG */
    uint64_t memory_bytes; /* RLIMIT_AS */
    uint64_t cpu_seconds;  /* RLIMIT_CPU: SIGXCPU ends the child */
    const struct call_rule *rules;
    size_t rule_count;
};

/* confine_enter changes the root, closes and gives up what is not listed, ends with its parent, and
   is filtered from then on.  As root it keeps three rights, within that root: to give files away,
   to write into folders of others, and to change what others own; *owns says so.  Without root it
   does it in a namespace of its own users, where the kernel lets it.  A failure is the errno of
   what this machine does not offer. */
MUST_USE
rc confine_enter(struct trail *trail, const struct confine *confine, bool *owns);

#endif
