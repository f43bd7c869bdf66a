/* report.h - what the process that unpacks an image says to the one that asked for it.  It may have
   been taken by what it reads: its words have a form and bounds, and what has another is told apart
   from a report and never used. */
#ifndef WARD_SANDBOX_REPORT_H
#define WARD_SANDBOX_REPORT_H

#include "job/image.h"
#include "model/reason.h"

enum { REPORT_WHAT = 128, REPORT_WHERE = 256 };

/* One word, as it lies in memory: both ends are one program.  `step` counts the layers that are
   done; after the last one it is said how it ended. */
struct report {
    uint32_t step, layers;
    uint32_t ended; /* 1 in the last word, else 0 */
    uint32_t reason;
    uint64_t bytes;
    uint32_t entries;
    char what[REPORT_WHAT], where[REPORT_WHERE];
};

MUST_USE
bool report_send(int fd, const struct report *report);

/* Called with each layer that is done, in their order; may be NULL. */
typedef void report_progress_fn(void *arg, uint32_t done, uint32_t layers);

/* report_read reads all of it, to the end of what the other process says.  Then *last is the last
   word, its texts end with a NUL, and its numbers are within their bounds.  False where there is no
   last word, where something follows it, or where any word says what it cannot: then the other
   process may still be at it. */
MUST_USE
bool report_read(int fd, report_progress_fn *progress, void *arg, struct report *last);

#endif
