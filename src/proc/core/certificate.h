/* certificate.h - what core knows of the certificate that the listener shows: what the keeper said
   of it last. */
#ifndef WARD_PROC_CORE_CERTIFICATE_H
#define WARD_PROC_CORE_CERTIFICATE_H

#include "ipc/door.h"
#include "model/reason.h"

struct core_certificate {
    bool of_files;
    int64_t until; /* seconds since 1970; 0: nothing was said yet */
    enum reason
        problem; /* why the files were not taken; REASON_NONE: they were, or there are none */
};

MUST_USE
rc core_on_certificate(struct trail *trail, void *core, struct call *call);

#endif
