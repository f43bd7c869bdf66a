/* recover.h - what a log that was not closed in order is, judged from what lies on the disk:
   a crash that can be repaired, or records that are gone.  Decides; touches no file.

   The order of writing that it relies on: lines, made durable, then acknowledged; leaf hashes
   after their lines are durable; a head after both.  So there may be a torn last line, and
   leaf hashes may be behind, but neither hashes nor a head can be ahead of the lines. */
#ifndef WARD_AUDIT_RECOVER_H
#define WARD_AUDIT_RECOVER_H

#include "base/result.h"
#include "model/reason.h"

/* Counted by a reader of the files. */
struct audit_remains {
    uint64_t first;     /* seq of the first line that is still there */
    uint64_t records;   /* records up to the last whole line, those before `first` included */
    uint64_t torn;      /* bytes behind the last newline */
    uint64_t kept;      /* whole leaf hashes */
    uint64_t kept_torn; /* bytes behind the last whole one */
    uint64_t head;      /* size of the last durable signed head, 0 without one */
};

/* What is to be done before the first append, in this order. */
struct audit_repair {
    uint64_t cut_line; /* bytes to cut from the open file: they were never acknowledged */
    uint64_t cut_kept; /* bytes to cut from the file of hashes */
    uint64_t add_kept; /* leaf hashes to make again, from the last lines */
};

/* audit_recover: success, with *out, when everything that was acknowledged is there.
   AUDIT_TRUNCATED when hashes or a head know of records that are gone; AUDIT_SEQ_GAP when the
   remains contradict themselves; AUDIT_LEAVES_UNREADABLE when hashes are gone whose lines are
   gone too.  A torn line that is cut is worth a record (AUDIT_EVENT_LOG_REPAIR). */
MUST_USE
rc audit_recover(const struct audit_remains *remains, struct audit_repair *out,
                 struct trail *trail);

#endif
