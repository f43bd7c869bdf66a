/* bundle.h - a job's specification as an OCI runtime reads it: config.json (OCI Runtime
   Specification 1.0.2).  Everything that the job may not do is said here, and nowhere else. */
#ifndef WARD_SANDBOX_BUNDLE_H
#define WARD_SANDBOX_BUNDLE_H

#include "base/sink.h"
#include "job/image.h"
#include "job/spec.h"
#include "sandbox/cgroup.h"
#include "sandbox/seccomp.h"

enum {
    JOB_USER = 65532,           /* of its namespace; never 0 */
    JOB_PROCESSES_MAX = 256,    /* processes and threads */
    JOB_FDS_MAX = 1024,         /* open files of each process */
    JOB_LOCKED_MAX = 65536,     /* bytes that a process may keep from being swapped */
    JOB_SOCKETS_PART = 16,      /* of its memory this part may be on its way in sockets, */
    JOB_SOCKETS_MAX = 64 << 20, /* and so many bytes at most */
};

/* In place of a denied path.  A folder also where nothing is: then nothing can come there.  But not
   in /job, which is whoever's folder it is: there no mount point is made. */
enum shown_as { SHOWN_AS_FOLDER = 0, SHOWN_AS_FILE, SHOWN_AS_NOTHING };

/* Something of the host's that is shown beside the root, to be read. */
struct bundle_shown {
    const char *from, *at;
};

enum { BUNDLE_SHOWN_MAX = 12 };

struct bundle {
    const struct job_spec *spec;
    const struct image_config *image;
    struct span_list arguments; /* after the command */
    const char *name;           /* of the control group */
    const char *root;           /* the folder of its root */
    const char *output;         /* the folder behind /output */
    const char *job;            /* the folder behind /job; NULL: none */
    const char *denied;         /* where what is shown in place of denied paths lies, by index */
    uint32_t ids;               /* the first id of the host that is the sandbox's, */
    uint32_t id_count;          /* and how many there are */
    struct cgroup_limits limits;
    enum shown_as shown_as[JOB_LIST_MAX]; /* by the index of denied_paths */
    struct bundle_shown shown[BUNDLE_SHOWN_MAX];
    size_t shown_count;
    const char
        *teller; /* where the runtime gives what hears of refused calls; NULL: nobody hears */
};

/* bundle_write appends it as one JSON object. */
void bundle_write(struct sink *out, const struct bundle *bundle);

/* bundle_tell appends the same for a guest, as frames (job/guest_talk.h). */
void bundle_tell(struct sink *out, const struct bundle *bundle, bool collect, bool network);

/* --- what both say ---------------------------------------------------------------------------- */

typedef void bundle_put_fn(void *arg, struct span text);

/* bundle_each_variable gives each variable of the job's environment, as NAME=VALUE: the image's,
   unless the specification has another value; then the specification's. */
void bundle_each_variable(const struct bundle *bundle, bundle_put_fn *put, void *arg);

/* bundle_hides tells whether a denied path, by its index, is one that something is laid over: not
   below what is denied anyway, where nothing can be mounted any more. */
bool bundle_hides(const struct bundle *bundle, size_t index);

/* Paths of the kernel's own files that nobody sees, and that nobody changes; each ends with NULL.
 */
extern const char *const bundle_masked[];
extern const char *const bundle_kept[];

/* The system calls that a job may make, and those that it is told the kernel does not have. */
const struct seccomp_rule *bundle_calls(size_t *count);
extern const char *const bundle_unseen[];

#endif
