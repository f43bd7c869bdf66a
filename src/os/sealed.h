/* sealed.h - a copy of a program that nobody can change any more, whoever replaces the file. */
#ifndef WARD_OS_SEALED_H
#define WARD_OS_SEALED_H

#include <stddef.h>

#include "base/result.h"

/* sealed_copy copies a regular file of at most so many bytes into memory, and seals it: it can be
   executed, and neither written nor made longer or shorter.  What one starts from it is the same
   program each time; a runtime for containers that finds itself sealed need not copy itself so that
   a container cannot write to it (CVE-2019-5736).  The copy goes with its last descriptor and
   process.  Errors are errnos of class RC_WORLD: EFBIG for a larger one, ENOEXEC for a script,
   EACCES or EPERM where the machine lets nothing in memory be executed. */
MUST_USE
rc sealed_copy(struct trail *trail, const char *path, size_t most, int *out);

#endif
