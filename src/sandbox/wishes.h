/* wishes.h - SIGINT, SIGTERM and SIGHUP as the wish to end a job: while something is there that has
   to be taken away they wait to be heard, and do not end the process. */
#ifndef WARD_SANDBOX_WISHES_H
#define WARD_SANDBOX_WISHES_H

#include <signal.h>

#include "base/result.h"

struct wishes {
    int fd; /* readable when there is one; -1: none can be heard */
    bool heard;
    sigset_t before;
};

/* wishes_begin is false, with errno, where there is no descriptor for them; wishes_end is due
   either way.  Those that the caller of the process has ignored, as nohup does, are. */
MUST_USE
bool wishes_begin(struct wishes *wishes);

/* wishes_hear tells whether there was one so far.  What has been heard need not end this process
   too. */
bool wishes_hear(struct wishes *wishes);
void wishes_end(struct wishes *wishes);

#endif
