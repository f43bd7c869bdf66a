/* bundle.h - a job's specification as an OCI runtime reads it: config.json (OCI Runtime
   Specification 1.0.2).  Everything that the job may not do is said here, and nowhere else. */
#ifndef WARD_SANDBOX_BUNDLE_H
#define WARD_SANDBOX_BUNDLE_H

#include "base/sink.h"
#include "job/image.h"
#include "job/spec.h"
#include "sandbox/cgroup.h"

enum {
    JOB_USER = 65532,        /* of its namespace; never 0 */
    JOB_PROCESSES_MAX = 256, /* processes and threads */
    JOB_FDS_MAX = 1024,      /* open files of each process */
    JOB_LOCKED_MAX = 65536,  /* bytes that a process may keep from being swapped */
};

/* In place of a denied path.  A folder also where nothing is: then nothing can come there.  But not
   in /job, which is whoever's folder it is: there no mount point is made. */
enum shown_as { SHOWN_AS_FOLDER = 0, SHOWN_AS_FILE, SHOWN_AS_NOTHING };

struct bundle {
    const struct job_spec *spec;
    const struct image_config *image;
    struct span_list arguments; /* after the command */
    const char *name;           /* of the control group */
    const char *root;           /* the folder of its root */
    const char *output;         /* the folder behind /output */
    const char *job;            /* the folder behind /job; NULL: none */
    const char *denied,
        *denied_file;  /* what is shown in place of what is denied: a folder, a file */
    uint32_t ids;      /* the first id of the host that is the sandbox's, */
    uint32_t id_count; /* and how many there are */
    struct cgroup_limits limits;
    enum shown_as shown_as[JOB_LIST_MAX]; /* by the index of denied_paths */
};

/* bundle_write appends it as one JSON object. */
void bundle_write(struct sink *out, const struct bundle *bundle);

#endif
