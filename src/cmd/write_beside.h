/* write_beside.h - a file of the caller's that is new: nothing is written over, and under its name
   there is all of it or nothing. */
#ifndef WARD_CMD_WRITE_BESIDE_H
#define WARD_CMD_WRITE_BESIDE_H

#include <sys/types.h>

#include "cmd/command.h"

/* path_is_free looks before a job has run for nothing: whether nothing has the name that the option
   was given, and its folder can be written.  Otherwise it has said why not. */
MUST_USE
bool path_is_free(const char *option, const char *path);

/* write_beside writes it beside its name (".incomplete-" and 16 hex digits) and to disk, and gives
   it the name when it is whole.  NULL, or why it could not: static text, or strerror's. */
MUST_USE
const char *write_beside(const char *path, struct span text, mode_t mode);

#endif
