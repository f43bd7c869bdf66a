/* file_rc.h - how this room makes an rc of errno; for its own .c files. */
#ifndef WARD_OS_FILE_RC_H
#define WARD_OS_FILE_RC_H

#include <errno.h>

#include "base/result.h"

#define FAIL_ERRNO(trail) FAIL((trail), RC_WORLD, (uint32_t)errno)

#endif
