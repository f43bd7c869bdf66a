/* view.h - a record for other people's tools.  Each view is a function of the line alone; what
   a stranger has put into a field stays inside that field in every one of them.

     JSONL  the line as it is, which is what can be verified
     OCSF   schema.ocsf.io 1.3.0: Authentication, Entity Management, API Activity or
            Application Lifecycle, with all that these demand
     CEF    ArcSight's Common Event Format, version 0
     CSV    RFC 4180; no cell begins with what a spreadsheet takes for a formula */
#ifndef WARD_AUDIT_VIEW_H
#define WARD_AUDIT_VIEW_H

#include "audit/read.h"

enum audit_view { AUDIT_VIEW_JSONL = 0, AUDIT_VIEW_OCSF, AUDIT_VIEW_CEF, AUDIT_VIEW_CSV };

/* Room for one record in any view. */
enum { AUDIT_VIEW_ROOM = 4 * AUDIT_LINE_MAX };

/* audit_view_find: jsonl, ocsf, cef or csv. */
MUST_USE
bool audit_view_find(struct span name, enum audit_view *out);

/* audit_view_begin appends what stands before the first record: the header of CSV. */
void audit_view_begin(enum audit_view view, struct sink *out);

/* audit_view_put appends one line with its line end.  `version` is that of Ward.
   AUDIT_LINE_INVALID for what is no record, AUDIT_VIEW_FULL when it does not fit; the sink
   then holds what it held before. */
MUST_USE
rc audit_view_put(enum audit_view view, struct audit_reader *reader, struct span line,
                  const char *version, struct sink *out, struct trail *trail);

#endif
