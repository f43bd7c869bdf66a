/* rotate.h - when a file of the log is closed, what it is called then, and when it may go.
   Decides; touches no file and no clock.

   The open file is one file whatever the clock does: it is closed when the day in UTC has
   become a later one, never when it has become an earlier one.  A file's name begins with the
   seq of its first record, so names sort as records do and no two files can have one name. */
#ifndef WARD_AUDIT_ROTATE_H
#define WARD_AUDIT_ROTATE_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

enum { AUDIT_FILE_NAME_MAX = 64 };

/* The file that is written to now. */
struct audit_file {
    uint64_t records;
    uint64_t bytes;
    int64_t day; /* of its first record, or of the file before it, whichever is later */
};

enum audit_rotation {
    AUDIT_ROTATE_NOT = 0,
    AUDIT_ROTATE_DAY,
    AUDIT_ROTATE_SIZE,
};

/* audit_day_of: whole days in UTC since 1970 of a time in milliseconds. */
int64_t audit_day_of(int64_t at);

/* audit_must_rotate decides before `more` bytes are appended at `now` (milliseconds since
   1970).  An empty file is never closed; size_max bounds a file unless one line is longer. */
enum audit_rotation audit_must_rotate(const struct audit_file *file, int64_t now, uint64_t more,
                                      uint64_t size_max);

/* audit_file_next is the empty file that follows, at `now`. */
struct audit_file audit_file_next(const struct audit_file *file, int64_t now);

/* audit_file_count says that `records` of `bytes` in all were appended. */
void audit_file_count(struct audit_file *file, uint64_t records, uint64_t bytes);

/* What the name of a closed file says. */
struct audit_file_name {
    uint64_t first; /* seq of its first record */
    int64_t day;    /* of the file, 1970 to 9999 */
    bool gzip;
};

/* audit_file_name_put appends security-00000000000000012345-2026-11-28.log or .log.gz.
   audit_file_name_read reads exactly what that writes. */
void audit_file_name_put(struct sink *out, const struct audit_file_name *name);
MUST_USE
bool audit_file_name_read(struct span text, struct audit_file_name *out);

/* What must hold before lines are taken away for good. */
struct audit_retention {
    int64_t days;      /* a file is kept this many days after its own */
    uint64_t under;    /* size of the last durable signed head */
    uint64_t kept;     /* leaf hashes that are durable */
    uint64_t exported; /* records that have been shipped; UINT64_MAX when nothing is shipped */
};

/* audit_may_remove: the closed file of the records before `next` is older than that, and all
   of it is under a head, kept by its hashes and shipped. */
bool audit_may_remove(const struct audit_file_name *file, uint64_t next, int64_t now,
                      const struct audit_retention *retention);

#endif
