/* view_parts.h - the views one by one, for view.c only. */
#ifndef WARD_AUDIT_VIEW_PARTS_H
#define WARD_AUDIT_VIEW_PARTS_H

#include "audit/record.h"

/* How bad it is, on OCSF's scale: 1 informational, 2 low, 3 medium, 4 high. */
unsigned audit_severity(const struct audit_record *record);

/* Each appends one line with its line end; the record is one that was read. */
void audit_put_ocsf(struct sink *out, const struct audit_record *record, const char *version);
void audit_put_cef(struct sink *out, const struct audit_record *record, const char *version);
void audit_put_csv(struct sink *out, const struct audit_record *record);
void audit_put_csv_head(struct sink *out);

#endif
