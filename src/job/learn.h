/* learn.h - the least specification that one run of a job needed: what was given, narrowed to what
   was seen.  Nothing here widens: whatever was seen, and whoever said so, the learned specification
   allows nothing that the given one does not. */
#ifndef WARD_JOB_LEARN_H
#define WARD_JOB_LEARN_H

#include "job/reach.h"

enum {
    LEARN_USES_MAX = 2048,  /* names with a port that are told apart */
    LEARN_FOLDERS_MAX = 16, /* folders of the image that are said to have been changed */
    LEARN_ROOM = 1 << 20,   /* bytes of a learned specification before it is judged */
    LEARN_REFUSED = 64,     /* refusals that are said */
};

/* One name or address that the fence let through on a port.  Of a name that was asked for, and
   perhaps nothing more, the port is 0.  NULL: localhost was asked for, which is the sandbox. */
struct learn_use {
    const struct reach_name *name;
    struct job_port port;
};

struct learn_uses {
    struct learn_use at[LEARN_USES_MAX];
    size_t count;
    bool more; /* there were others */
};

/* learn_uses_add adds one that is not there yet, and tells whether it did. */
bool learn_uses_add(struct learn_uses *uses, const struct reach_name *name, struct job_port port);

/* What was seen of a run.  {0} is one of which nothing is known: then all stays as it was given. */
struct learn_seen {
    uint64_t memory; /* bytes at most; 0: not known, as of the next two */
    uint64_t cpu_us;
    uint64_t wall_ms;
    bool disk_known, output_known, image_known, allowed_known;
    uint64_t disk, output; /* bytes at most; where they are known */
    bool image_changed;
    struct span folders[LEARN_FOLDERS_MAX]; /* of the image, in which something was changed; */
    size_t folder_count;
    bool more_folders;   /* and there were others */
    const bool *written; /* of each allowed path, whether it was written to, or listed */
    uint64_t kept;       /* of a virtual machine: bytes of memory that are its own; else 0 */
    const struct learn_uses *uses; /* NULL: nobody told them */
    struct reach *reach;           /* what it might reach; NULL: nothing */
    const struct reach_refusal *refused;
    size_t refused_count; /* at most LEARN_REFUSED are said */
    bool more_refused;
};

/* {0} is no specification. */
struct learned {
    struct job_spec spec;
    bool lists_kept; /* of hosts: what of them was used is not known */
};

/* learn_spec works it out; *out views the given specification, the reach and the arena.  False: no
   memory. */
MUST_USE
bool learn_spec(const struct job_spec *given, const struct learn_seen *seen, struct arena *arena,
                struct learned *out);

/* learn_is_within tells whether a specification allows nothing that the other does not, and says
   the same of all that is no policy. */
bool learn_is_within(const struct job_spec *least, const struct job_spec *given);

/* learn_write appends the learned specification as a file: each value that differs from the given
   one, with what was seen above it.  `digest` names the given one in words. */
void learn_write(struct sink *out, const struct job_spec *given, const struct learn_seen *seen,
                 const struct learned *learned, const char *digest);

#endif
