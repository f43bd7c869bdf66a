/* refused.h - one kind of what a job was refused, as the run of a job says it to a house, which
   logs it:

       u32 how often   u8 length, rule   u16 length, words   u16 length, change  (little endian)

   The words are Ward's own, around names that were looked at before. */
#ifndef WARD_JOB_REFUSED_H
#define WARD_JOB_REFUSED_H

#include "base/sink.h"
#include "base/span.h"

enum {
    JOB_REFUSED_RULE_MAX = 16,
    JOB_REFUSED_WORDS_MAX = 1024, /* bytes of the words, and of the change */
    JOB_REFUSED_MIN = 4 + 1 + 1 + 2 + 1 + 2,
    JOB_REFUSED_MAX = 4 + 1 + JOB_REFUSED_RULE_MAX + 2 * (2 + JOB_REFUSED_WORDS_MAX),
    JOB_REFUSED_KINDS_MAX = 256, /* of one job; what comes after is in its report alone */
};

struct job_refused {
    struct span rule;   /* small letters and '-' */
    struct span words;  /* what was refused, and by what */
    struct span change; /* of the specification, which would allow it; none: no change would */
    uint32_t count;     /* 1 or more, by when it is said */
};

void job_refused_write(struct sink *out, const struct job_refused *row);

/* job_refused_read: out views the bytes.  False: that is no row. */
MUST_USE
bool job_refused_read(struct span bytes, struct job_refused *out);

#endif
