/* secret_source.h - where a command takes a secret from.  Never from the command line itself,
   where every user of the machine can read it in ps(1), nor from the environment: what is given
   is the name of a place. */
#ifndef WARD_CMD_SECRET_SOURCE_H
#define WARD_CMD_SECRET_SOURCE_H

#include <sys/types.h>

#include "cmd/command.h"

enum { SECRET_LINE = 1024 }; /* bytes of a secret that is one line */

/* How help and man pages call such a place. */
#define SECRET_SOURCE_HELP                                                                         \
    "FILE or @FILE (its first line), - (of standard input), credential:NAME (of systemd) or "      \
    "env-file:FILE:NAME (the line NAME=...)"

/* secret_source_read reads the secret that lies at a place: one line, without its end, of at most
   SECRET_LINE bytes.  Less than 0: it has said why not, and never what was read.  The room is the
   caller's to wipe. */
MUST_USE
ssize_t secret_source_read(const struct invocation *in, const char *source,
                           char line[SECRET_LINE + 2]);

/* secret_source_named: the word names a place in one of the forms that no file name has by
   accident: "-", @FILE, credential:NAME, env-file:FILE:NAME. */
bool secret_source_named(const char *word);

/* secret_line_read reads one line from a descriptor; less than 0 when it cannot be read or is too
   long. */
MUST_USE
ssize_t secret_line_read(int fd, char line[SECRET_LINE + 2]);

#endif
