/* read.h - a line of the security log back into a record.

   Read through the program's one JSON reader, and then held against its own re-writing: a line
   that differs from it in one byte is refused, so what is accepted is exactly what
   audit_write can have written. */
#ifndef WARD_AUDIT_READ_H
#define WARD_AUDIT_READ_H

#include "audit/record.h"
#include "codec/json.h"

enum { AUDIT_NODES = AUDIT_DETAILS_MAX + 16 };

/* Memory for one line at a time; about 130 KiB, the caller's. */
struct audit_reader {
    uint8_t text[AUDIT_LINE_MAX];  /* the strings of the record, without their escapes */
    uint8_t again[AUDIT_LINE_MAX]; /* the line, written again */
    struct json_node nodes[AUDIT_NODES];
};

/* audit_read reads one line without its newline.  *out views the reader and the line until
   the next call.  AUDIT_LINE_INVALID for every other text; *out is untouched then. */
MUST_USE
rc audit_read(struct audit_reader *reader, struct span line, struct audit_record *out,
              struct trail *trail);

#endif
