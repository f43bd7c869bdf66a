/* nsm.h - the Nitro Secure Module's device: one request and one answer, both CBOR, both bounded by
   what the driver takes (Linux, include/uapi/linux/nsm.h).  What the bytes say is not looked at
   here. */
#ifndef WARD_OS_NSM_H
#define WARD_OS_NSM_H

#include "base/result.h"
#include "base/sink.h"

enum {
    NSM_REQUEST_MAX = 0x1000,
    NSM_ANSWER_MAX = 0x3000,
};

enum nsm_error {
    NSM_E_LONG = 0x1a01, /* RC_BUG: a request of more than NSM_REQUEST_MAX bytes */
    NSM_E_ROOM,          /* RC_BUG: room for less than NSM_ANSWER_MAX bytes */
    NSM_E_LENGTH,        /* RC_PEER: the driver says that it wrote more than there is room for */
};

/* nsm_exchange has the device answer a request; the answer is appended.  The room must be that of
   the longest answer: a device that is offered less refuses to answer.  It waits for the
   device, which nothing interrupts.  An ioctl that fails is an errno of class RC_WORLD. */
MUST_USE
rc nsm_exchange(struct trail *trail, int device, struct span request, struct sink *answer);

#endif
