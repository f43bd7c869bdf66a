/* record.h - which machines this node has asked a VMM for: a file for each, from before it is asked
   for until it is gone, locked by the process that has use of it.  One that nobody locks is of a
   run that was killed, and its machine an orphan.  A machine without a file here is another node's.
 */
#ifndef WARD_SANDBOX_RECORD_H
#define WARD_SANDBOX_RECORD_H

#include "base/result.h"
#include "base/span.h"
#include "sandbox/slot.h"

#define RECORDS_FOLDER "/var/lib/ward-vmm"
#define RECORD_PREFIX  "ward-"

enum {
    RECORD_NAME = sizeof RECORD_PREFIX - 1 + SLOT_ID,
    RECORDS_TAKEN = 64,    /* by one run; the next takes further ones */
    RECORD_URL_MAX = 1024, /* bytes of a VMM's address */
    RECORD_YOUNG_S = 60,   /* a machine that was asked for since may not be there yet */
};

struct record {
    char name[RECORD_NAME + 1]; /* of the file, and of the machine */
    int file;                   /* open, and locked; -1: none */
    bool young;
};

struct records {
    struct record at[RECORDS_TAKEN];
    size_t count;
};

/* record_make writes one through to disk; nobody else takes it meanwhile. */
MUST_USE
rc record_make(struct trail *trail, const char *name, struct span url, struct record *out);

/* records_take takes those of that VMM which no process holds. */
MUST_USE
rc records_take(struct trail *trail, struct span url, struct records *out);

/* record_remove is for a machine that is gone; record_close leaves it to the next run. */
void record_remove(struct record *record);
void record_close(struct record *record);

#endif
