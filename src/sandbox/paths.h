/* paths.h - the paths that are hidden from a job, and who hears of its tries: see job/denied.h.
   Records go over a pipe from the process that answers the tries. */
#ifndef WARD_SANDBOX_PATHS_H
#define WARD_SANDBOX_PATHS_H

#include "job/denied.h"
#include "sandbox/backend.h"

/* What lies in the slot's folder: an entry for each denied path, by its index. */
#define DENIED_ENTRIES "denied-paths"

/* paths_are_hidden tells whether there is one of which something is hidden; paths_prepare makes the
   entries of what is hidden: files and folders that nobody may open. paths_lay lays a veil over
   them that hears of the tries, in the supervisor; *files is its server's, or -1: nothing is
   hidden, or there is no veil here and nobody hears. */
bool paths_are_hidden(const struct bundle *bundle);
enum reason paths_prepare(struct sandbox *sandbox, const struct bundle *bundle);
void paths_lay(const struct sandbox *sandbox, int *files);

MUST_USE
bool denied_try_send(int fd, const struct denied_try *tried);

/* denied_try_read takes one record from a pipe, of a specification with so many rules: its row
   where it is the first of its kind, or NULL.  *open is false at the end of the pipe, or after what
   is no record. */
const struct denied_try *denied_try_read(struct denied_tries *tries, int fd, size_t rules,
                                         bool *open);

#endif
