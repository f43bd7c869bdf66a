/* vmm_request.h - a job as a dstack VMM is asked for it: what may be asked of one at all, and the
   bytes of the questions.

   The machine holds its job by what the compose file says, and the VMM holds the machine by the
   other values.  What neither holds is refused, and never left out. */
#ifndef WARD_JOB_VMM_REQUEST_H
#define WARD_JOB_VMM_REQUEST_H

#include "job/spec.h"
#include "model/reason.h"

enum {
    VMM_COMPOSE_MAX = 256 << 10, /* bytes of an app_compose: a VMM takes no more */
    VMM_REQUEST_ROOM = 2 * VMM_COMPOSE_MAX + 4096,
    VMM_DIGEST = 32,          /* bytes of a SHA-256 */
    VMM_APP_ID = 20,          /* of those the first are the app_id */
    VMM_IMAGE_NAME_MAX = 128, /* bytes of the name of a dstack image */
    VMM_REPOSITORY_MAX = 255, /* bytes of where a job's image is fetched from */
    VMM_PORT_LEAST = 1024,    /* of the VMM's machine: those below are its own */
    VMM_USER = 65532,         /* of the job in its container; never 0 */
    VMM_PROCESSES = 256,      /* of the job */
};

struct vmm_job {
    const struct job_spec *spec;
    struct span_list arguments;  /* after the specification's command */
    struct span name;            /* of the machine */
    struct span image;           /* what boots, by the name that the VMM knows */
    struct span repository;      /* where the machine fetches the job's image, which has a digest */
    uint32_t host_port, vm_port; /* one port of the job on the VMM's loopback; 0: none */
    bool restricted; /* whoever runs the VMM says that its network lets nothing out of a machine */
};

/* What a VMM counts in. */
struct vmm_size {
    uint32_t vcpu, memory_mib, disk_gib;
};

/* vmm_admits judges the job alone: REASON_OK, or why not, with the words in `what`.  Then *size is
   what is to be asked for: no less than is reserved, and no more than the limits allow. */
enum reason vmm_admits(const struct vmm_job *job, struct vmm_size *size, struct sink *what);

/* vmm_write_compose appends the app_compose of an admitted job: the bytes that are measured, the
   same for the same job.  `room` holds the compose file inside it.  False where it does not fit. */
MUST_USE
bool vmm_write_compose(struct sink *out, const struct vmm_job *job, void *room, size_t room_len);

/* vmm_write_create appends the body of CreateVm; `digest` is the SHA-256 of the app_compose. */
MUST_USE
bool vmm_write_create(struct sink *out, const struct vmm_job *job, const struct vmm_size *size,
                      struct span compose, const uint8_t digest[VMM_DIGEST]);

/* Of what names one machine, and of Status of all of them. */
MUST_USE
bool vmm_write_id(struct sink *out, struct span id);
MUST_USE
bool vmm_write_status(struct sink *out);

#endif
