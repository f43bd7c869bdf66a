/* use.h - what a job met through its fence, told by the fence to the run that learns of it: each
   name or address with a port, once.  The records go over a pipe from a process that a job may have
   taken: they have a form and bounds, and what the specification does not allow is no use. */
#ifndef WARD_SANDBOX_USE_H
#define WARD_SANDBOX_USE_H

#include "job/learn.h"

/* use_send tells one; false where the pipe takes nothing now, and it is to be told again.
   use_send_all tells, behind the last, that there were no others. */
MUST_USE
bool use_send(int fd, const struct learn_use *use);
MUST_USE
bool use_send_all(int fd);

/* use_read takes one record from a pipe.  *open is false behind the last.  Where nobody said that
   it was the last, or after what is no record, or no use that the reach allows, it is as if there
   had been others. */
void use_read(struct learn_uses *all, struct reach *reach, int fd, bool *open);

#endif
