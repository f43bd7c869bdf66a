/* teller.h - who answers the system calls that a job's list refuses, and whoever tries the paths
   that are hidden from it, so that both are told.

   The kernel asks it of each such call (seccomp's user notification) and lets the job's thread wait
   for the answer.  That is always the same, EPERM, as the list itself would say, whatever the job
   has in its memory: nothing of it is looked at.  Without the process the kernel says ENOSYS.

   What is shown in place of a denied path is a file system of which it is asked (os/veil.h), and
   its answer is EACCES.  Without the process the kernel says ENOTCONN.  Whoever waits for it waits
   past SIGKILL: it is ended with the job. */
#ifndef WARD_SANDBOX_TELLER_H
#define WARD_SANDBOX_TELLER_H

#include "sandbox/backend.h"

/* teller_is_possible tells whether a filter may have somebody who is asked: the kernel can (Linux
   5.0), and no filter that this process is under already has one, for there can be one only.  For a
   child to call that does nothing of weight afterwards: it is under such a filter then, which lets
   everything through. */
bool teller_is_possible(void);

/* Where it tells, and the descriptor of the veil; -1: there is none. */
struct teller_given {
    int calls, paths, files;
};

/* teller_start makes the process of a job that has none yet, and where sandbox->teller is, that
   socket, to which its runtime gives the kernel's questions; teller_hear waits until it is
   confined.
 */
enum reason teller_start(struct sandbox *sandbox, const struct teller_given *given,
                         struct beside *held);
enum reason teller_hear(struct sandbox *sandbox, const struct beside *held);

/* teller_begin says that the job begins now: tries of hidden paths before were the runtime's. */
void teller_begin(const struct beside *held);

/* teller_charge: held->ready is readable once more, because the job does what is refused, or
   the process has ended.  From now on what it uses is the job's.  Not before, for to move a
   process between control groups can take the kernel as long as to begin a job.  False: it could
   not. */
MUST_USE
bool teller_charge(const struct sandbox *sandbox, struct beside *held);

#endif
