/* sources.h - where the settings of a house came from, so that a running house can make them
   again: the path of ward.toml, the variables, and the command line that it was started with.
   Written by the command, read by the monitor of the same build.  Opens nothing. */
#ifndef WARD_PROC_SOURCES_H
#define WARD_PROC_SOURCES_H

#include "proc/config.h"

enum {
    SOURCES_MAX = 32 * 1024,  /* bytes that are handed over */
    SOURCES_TEXTS_MAX = 1024, /* variables, or options */
};

struct sources {
    const char *file;            /* absolute; "" for none, "-" for standard input */
    struct config_inputs inputs; /* without the file's bytes */
};

/* sources_write appends them; of the environment only what begins with WARD_.  The sink is not
   ok afterwards where that is more than it takes. */
void sources_write(struct sink *out, const struct sources *sources);

/* sources_read reads what was written.  All of *out lies in `bytes` and in the arena.  False:
   it is no such thing, or there is no memory; *out is untouched. */
MUST_USE
bool sources_read(struct span bytes, struct arena *arena, struct sources *out);

#endif
