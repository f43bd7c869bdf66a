/* teller.h - who answers the system calls that a job's list refuses, so that they are told.

   The kernel asks it of each such call (seccomp's user notification) and lets the job's thread wait
   for the answer.  That is always the same, EPERM, as the list itself would say, whatever the job
   has in its memory: nothing of it is looked at.  Without the process the kernel says ENOSYS. */
#ifndef WARD_SANDBOX_TELLER_H
#define WARD_SANDBOX_TELLER_H

#include "sandbox/backend.h"

/* teller_is_possible tells whether a filter may have somebody who is asked: the kernel can (Linux
   5.0), and no filter that this process is under already has one, for there can be one only.  For a
   child to call that does nothing of weight afterwards: it is under such a filter then, which lets
   everything through. */
bool teller_is_possible(void);

/* teller_start makes the process of a job that has none yet, and the socket to which its runtime
   gives the kernel's questions; teller_hear waits until it is confined.  Where sandbox->teller is,
   that is what the runtime was told. */
enum reason teller_start(struct sandbox *sandbox, int calls, struct beside *held);
enum reason teller_hear(struct sandbox *sandbox, const struct beside *held);

/* teller_charge: held->ready is readable once more, because the job makes calls that are refused,
   or the process has ended.  From now on what it uses is the job's.  Not before, for to move a
   process between control groups can take the kernel as long as to begin a job.  False: it could
   not. */
MUST_USE
bool teller_charge(const struct sandbox *sandbox, struct beside *held);

#endif
