/* seccomp.h - one system call that a job may make, as an OCI runtime is told of it, or a guest; the
   rows are made of job.seccomp. */
#ifndef WARD_SANDBOX_SECCOMP_H
#define WARD_SANDBOX_SECCOMP_H

#include "os/call_filter.h"

struct seccomp_rule {
    const char *name;
    int number;  /* SYS_... */
    bool masked; /* only where (argument & mask) == value */
    unsigned argument;
    uint64_t mask, value;
    struct call_condition also; /* a second one, unless its mask is 0 */
};

#endif
