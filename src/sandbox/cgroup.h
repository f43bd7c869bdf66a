/* cgroup.h - what the kernel holds a job to, and what it counted: by the files of its control
   group, of version 1 or 2.  An OCI runtime makes the group; here it is looked at, and taken away.
 */
#ifndef WARD_SANDBOX_CGROUP_H
#define WARD_SANDBOX_CGROUP_H

#include <stddef.h>
#include <sys/types.h>

#include "base/result.h"

enum { CGROUP_PATH = 512 };

enum cgroup_layout {
    CGROUP_NONE = 0, /* none that holds all limits */
    CGROUP_V1,       /* a tree for each controller, perhaps beside a version 2 without them */
    CGROUP_V2,       /* one tree */
};

/* Where the trees are, and which they are. */
struct cgroups {
    const char *root; /* "/sys/fs/cgroup" */
    enum cgroup_layout layout;
    bool unified; /* of version 1: a version 2 is mounted beside it, as "unified" */
};

struct cgroup_limits {
    uint64_t memory;  /* bytes, of swap none beside them */
    uint64_t sockets; /* bytes that are on their way in sockets.  Version 2 counts them as memory,
                         version 1 by themselves, and only where they have a limit */
    uint64_t processes;
    uint64_t cpu_quota_us, cpu_period_us;
};

struct cgroup_usage {
    uint64_t cpu_us; /* of processors */
    uint64_t
        memory_peak; /* bytes; 0 where the kernel does not tell (version 2 before Linux 5.19) */
};

/* cgroup_find looks at what is mounted at "/sys/fs/cgroup". */
struct cgroups cgroup_find(void);

/* cgroup_ready_begin makes the kernel ready to move a process into a group, which takes it 8 to 17
   ms where nobody has moved one just before: by a child that moves itself, beside the caller.  The
   child, or -1: then whoever moves the first process waits.  cgroup_ready_end waits for its end,
   and makes it -1. */
pid_t cgroup_ready_begin(const struct cgroups *groups);
void cgroup_ready_end(pid_t *child);

/* cgroup_bound_sockets sets that limit, which no OCI runtime does: before the job has a socket, for
   what was there before is not counted.  Version 2 needs none. */
MUST_USE
rc cgroup_bound_sockets(struct trail *trail, const struct cgroups *groups, const char *name,
                        const struct cgroup_limits *limits);

/* cgroup_holds tells whether the group of that name has just these limits, as the kernel says them;
   otherwise *what names the file that does not. */
MUST_USE
bool cgroup_holds(const struct cgroups *groups, const char *name,
                  const struct cgroup_limits *limits, const char **what);

/* cgroup_join puts a process into the group, for memory and processors: what it uses is the job's.
   By its number, 0 is the caller.
   Of processes it is none of the job's where the trees are apart (version 1). */
MUST_USE
rc cgroup_join(struct trail *trail, const struct cgroups *groups, const char *name, pid_t pid);

/* cgroup_kills: how many of its processes ended for want of memory; 0 where that cannot be read. */
uint64_t cgroup_kills(const struct cgroups *groups, const char *name);

/* cgroup_measure reads what it has used so far; what cannot be read is 0. */
struct cgroup_usage cgroup_measure(const struct cgroups *groups, const char *name);

/* cgroup_remove kills what is in the group and takes it away from every tree.  None is a success.
 */
MUST_USE
rc cgroup_remove(struct trail *trail, const struct cgroups *groups, const char *name);

#endif
