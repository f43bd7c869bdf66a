/* version.h - what an OCI runtime says of its version, in the first line of `--version`. */
#ifndef WARD_SANDBOX_VERSION_H
#define WARD_SANDBOX_VERSION_H

#include <stdbool.h>

#include "base/span.h"

/* version_is_from tells whether "NAME version MAJOR.MINOR", and whatever follows, is of that one or
   a later one; false where it is no such line. */
bool version_is_from(struct span said, const char *name, unsigned major, unsigned minor);

#endif
