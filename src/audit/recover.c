/* recover.c - see recover.h. */
#include "audit/recover.h"

rc audit_recover(const struct audit_remains *remains, struct audit_repair *out, struct trail *trail)
{
    if (remains->first > remains->records)
        return REFUSE(trail, REASON_AUDIT_SEQ_GAP);
    if (remains->head > remains->records || remains->kept > remains->records)
        return REFUSE(trail, REASON_AUDIT_TRUNCATED);
    if (remains->kept < remains->first)
        return REFUSE(trail, REASON_AUDIT_LEAVES_UNREADABLE);
    *out = (struct audit_repair){ .cut_line = remains->torn,
                                  .cut_kept = remains->kept_torn,
                                  .add_kept = remains->records - remains->kept };
    return RC_SUCCESS;
}
