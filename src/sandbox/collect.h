/* collect.h - what a job has left in /output, taken over into a folder: files and folders, and
   nothing else.  The job is gone when this begins, but all names and kinds are still its own. */
#ifndef WARD_SANDBOX_COLLECT_H
#define WARD_SANDBOX_COLLECT_H

#include "base/arena.h"
#include "crypto/hash.h"
#include "model/reason.h"

enum {
    OUTPUT_FILES_MAX = 10000,   /* files and folders */
    OUTPUT_DEPTH_MAX = 32,      /* folders inside one another */
    OUTPUT_PATH_MAX = 1024,     /* bytes of a path below /output */
    OUTPUT_NAMES_MAX = 1 << 20, /* bytes of all paths */
};

struct output_file {
    struct span path; /* below the folder; no control character, valid UTF-8 */
    uint64_t size;
    uint8_t digest[SHA256_LEN];
};

struct collect {
    int from;           /* the folder, open */
    const char *to;     /* is made, or there and empty */
    uint64_t bytes_max; /* of all files, holes included */
    int wishes;         /* readable when nobody wants it any more; it is only looked at */
    struct arena *arena;
};

struct collected {
    enum reason reason;              /* OK, JOB_OUTPUT_LIMIT, JOB_OUTPUT_KIND, JOB_CANCELLED */
    const struct output_file *files; /* by path */
    size_t count;
    uint64_t bytes;
    const char *what;            /* of a refusal, static text, */
    char where[OUTPUT_PATH_MAX]; /* and the path that it is about */
    char left[OUTPUT_PATH_MAX];  /* what could not be taken away again, and why; else empty */
};

/* collect_outputs takes all of it or none.  It is written beside the folder, in a new one named
   "TO.incomplete-" and 16 random hex digits, and gets its name when it is on disk.  A failure is
   one of this side: a full disk, a folder that is there already and not empty (ENOTEMPTY). */
MUST_USE
rc collect_outputs(struct trail *trail, const struct collect *in, struct collected *out);

#endif
