/* demote.h - a forked child that gives up what root is, and ends with its parent: for what a
   command has to do outside and need not do as root.  jail.h is for processes that stay. */
#ifndef WARD_OS_DEMOTE_H
#define WARD_OS_DEMOTE_H

#include <sys/types.h>

#include "base/result.h"

/* demote gives up, for good, every right of root: as root the child becomes `user`, which is not 0,
   with `group` alone, which is not 0 either; without root it keeps its user and no way back to
   another.  It gets no new privileges, cannot be looked into by others of its user, and is killed
   when the process `parent`, which forked it, ends.  On a failure the caller stops. */
MUST_USE
rc demote(struct trail *trail, uid_t user, gid_t group, pid_t parent);

#endif
