/* shared.h - memory that two processes share, one of which only reads it.  It has no name and
   one size for ever: nobody can take a page away from under whoever reads.

   The reader's descriptor is another open of the same memory, for reading: through it the
   kernel maps nothing that can be written, now or by a later mprotect, and writes nothing. */
#ifndef WARD_OS_SHARED_H
#define WARD_OS_SHARED_H

#include <stddef.h>

#include "base/result.h"

struct shared {
    int writer, reader; /* close-on-exec; the caller's */
};

/* shared_make makes `bytes` zeros.  `name` is what /proc shows.  The memory belongs to the
   caller's user, and no other one opens it anew.  *out only on success. */
MUST_USE
rc shared_make(struct trail *trail, const char *name, size_t bytes, struct shared *out);

/* shared_map maps such memory for as long as the process lives; the descriptor is not needed
   afterwards.  NULL: it is no memory of that size that keeps it, or there is no room. */
void *shared_map_writer(int fd, size_t bytes);
const void *shared_map_reader(int fd, size_t bytes);

#endif
