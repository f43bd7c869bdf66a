/* nsm.c - see nsm.h.  The header of the kernel came with Linux 6.8, so its few lines stand here. */
#include "os/nsm.h"

#include <errno.h>
#include <sys/ioctl.h>

struct nsm_buffer {
    uint64_t at, len;
};

/* Drivers of before Linux 6.8 have two iovecs here: on a machine of 64 bits the same bytes. */
struct nsm_raw {
    struct nsm_buffer request, answer;
};

#define NSM_IOCTL_RAW _IOWR(0x0a, 0x00, struct nsm_raw)

rc nsm_exchange(struct trail *trail, int device, struct span request, struct sink *answer)
{
    if (request.len > NSM_REQUEST_MAX)
        return FAIL(trail, RC_BUG, NSM_E_LONG);
    if (answer->full || answer->cap - answer->len < NSM_ANSWER_MAX)
        return FAIL(trail, RC_BUG, NSM_E_ROOM);
    struct nsm_raw raw = { { (uintptr_t)request.at, request.len },
                           { (uintptr_t)(answer->at + answer->len), NSM_ANSWER_MAX } };
    if (ioctl(device, NSM_IOCTL_RAW, &raw) != 0)
        return FAIL_ERRNO(trail);
    if (raw.answer.len > NSM_ANSWER_MAX)
        return FAIL(trail, RC_PEER, NSM_E_LENGTH);
    answer->len += (size_t)raw.answer.len;
    return RC_SUCCESS;
}
