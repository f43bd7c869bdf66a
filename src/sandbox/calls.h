/* calls.h - which system calls were refused to a job, and how often: the uses of calls that
   job.seccomp does not have, each a row of a table that is made of it.  So there are as many kinds
   as rows, whatever a job does.  Records go over a pipe from the process that answers the calls. */
#ifndef WARD_SANDBOX_CALLS_H
#define WARD_SANDBOX_CALLS_H

#include "base/sink.h"
#include "sandbox/seccomp.h"

enum { CALLS_ROOM = 400 };

/* calls_refused is the table: no use of a call is in two of its rows. */
const struct seccomp_rule *calls_refused(size_t *count);

/* As it lies in memory: both ends are one program. */
struct call_refused {
    uint32_t row;
    uint32_t count;
    uint64_t argument; /* that by which the use was refused, the first time; else 0 */
};

struct calls {
    struct call_refused at[CALLS_ROOM]; /* by its row; count 0: it was not */
};

/* calls_add counts a call: its row, or NULL where the table has none.  `arguments` are all six. */
struct call_refused *calls_add(struct calls *calls, int number, const uint64_t *arguments);

MUST_USE
bool call_refused_send(int fd, const struct call_refused *call);

/* calls_read takes one record from a pipe: its row where it is a new one, or NULL where a known one
   has only another number.  *open is false at the end of the pipe, or after what is no record. */
const struct call_refused *calls_read(struct calls *calls, int fd, bool *open);

/* call_refused_write says in words what was refused, and by which rule.  No change of a
   specification would allow it. */
void call_refused_write(struct sink *out, const struct call_refused *call);

#endif
