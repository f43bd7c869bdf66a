/* view.c - see view.h. */
#include "audit/view.h"

#include "audit/view_parts.h"
#include "model/reason.h"

static const char *const names[] = { "jsonl", "ocsf", "cef", "csv" };

bool audit_view_find(struct span name, enum audit_view *out)
{
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span_equal_text(name, names[i])) {
            *out = (enum audit_view)i;
            return true;
        }
    }
    return false;
}

unsigned audit_severity(const struct audit_record *record)
{
    if (record->event == AUDIT_EVENT_PROCESS_CRASH || record->event == AUDIT_EVENT_LOG_REPAIR)
        return 4;
    if (record->outcome == AUDIT_DENIED)
        return 3;
    return record->outcome == AUDIT_SUCCESS ? 1 : 2;
}

void audit_view_begin(enum audit_view view, struct sink *out)
{
    if (view == AUDIT_VIEW_CSV)
        audit_put_csv_head(out);
}

rc audit_view_put(enum audit_view view, struct audit_reader *reader, struct span line,
                  const char *version, struct sink *out, struct trail *trail)
{
    struct audit_record record;
    size_t mark = out->len;
    TRY(trail, audit_read(reader, line, &record, trail));
    switch (view) {
    case AUDIT_VIEW_JSONL:
        sink_put(out, line);
        sink_u8(out, '\n');
        break;
    case AUDIT_VIEW_OCSF:
        audit_put_ocsf(out, &record, version);
        break;
    case AUDIT_VIEW_CEF:
        audit_put_cef(out, &record, version);
        break;
    case AUDIT_VIEW_CSV:
        audit_put_csv(out, &record);
        break;
    }
    if (sink_ok(out))
        return RC_SUCCESS;
    sink_cut(out, mark);
    return REFUSE(trail, REASON_AUDIT_VIEW_FULL);
}
