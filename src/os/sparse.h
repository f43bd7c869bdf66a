/* sparse.h - files that are mostly holes. */
#ifndef WARD_OS_SPARSE_H
#define WARD_OS_SPARSE_H

#include "base/result.h"

/* sparse_copy makes an empty regular file `to` what `from` is: its size, and its bytes where it has
   any.  Nothing is synced.  Errors are errnos of class RC_WORLD. */
MUST_USE
rc sparse_copy(struct trail *trail, int from, int to);

#endif
