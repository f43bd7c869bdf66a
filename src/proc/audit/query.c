/* query.c - see parts.h: a page of records.  It ends where it is full, where the log ends, or
   when it has taken its time: then it may be short or even empty, and its cursor says where to
   go on. */
#include <fcntl.h>

#include "base/decimal.h"
#include "codec/protobuf.h"
#include "model/api.h"
#include "os/clock.h"
#include "proc/audit/parts.h"

enum { PAGE_RECORDS = 100, CURSOR_ROOM = 32, LOOK_AT_CLOCK = 32 };

/* The first page has none. */
static bool read_cursor(struct span text, uint64_t *out)
{
    return text.len == 0 || decimal_read(text, INT64_MAX, out);
}

/* The name of the field that is no good, or NULL. */
static const char *translate(const struct api_audit_query_request *ask, struct audit_query *out)
{
    uint64_t from = 0;
    struct audit_query query = { .action = ask->action,
                                 .actor_id = ask->actor_id,
                                 .resource = ask->resource,
                                 .since = ask->from * 1000 };
    if (!read_cursor(ask->cursor, &from))
        return "cursor is not one that was given";
    query.from = from;
    if (ask->until != 0)
        query.until = (ask->until + 1) * 1000;
    query.type = audit_type_find(ask->event_type);
    query.outcome = audit_outcome_find(ask->outcome);
    if (ask->event_type.len > 0 && query.type == AUDIT_TYPE_NONE)
        return "event_type is no type of event";
    if (ask->outcome.len > 0 && query.outcome == AUDIT_OUTCOME_NONE)
        return "outcome is none of Success, Failure and Denied";
    *out = query;
    return NULL;
}

static void refuse(struct auditor *auditor, enum reason reason, const char *detail)
{
    ask_answer(auditor, auditor->work.id, reason, detail, span_of(NULL, 0));
}

void query_begin(struct auditor *auditor, struct span request)
{
    struct work *work = &auditor->work;
    const struct lines *lines = &auditor->lines;
    struct api_audit_query_request ask;
    if (!ask_read(auditor, &api_audit_query_request, request, &ask))
        return;
    const char *wrong = translate(&ask, &work->query);
    if (wrong != NULL) {
        refuse(auditor, REASON_HTTP_PARAMETER_INVALID, wrong);
        return;
    }
    uint64_t end = lines->first + lines->file.records;
    if (ask.cursor.len > 0 && work->query.from < lines->first) {
        refuse(auditor, REASON_AUDIT_RECORD_UNKNOWN,
               "the records at this cursor were put away into rotated files");
        return;
    }
    if (work->query.from < lines->first)
        work->query.from = lines->first;
    if (work->query.from > end)
        work->query.from = end;
    work->left = ask.limit != 0 ? ask.limit : PAGE_RECORDS;
    work->page = sink_over(auditor->page, PAGE_BYTES);
    work->fd = fcntl(lines->fd, F_DUPFD_CLOEXEC, 0);
    work->walk.room = work->room;
    if (work->fd < 0 || !lines_walk_from(lines, &work->walk, work->query.from)) {
        refuse(auditor, REASON_AUDIT_TRUNCATED, "");
        return;
    }
    work->walk.fd = work->fd; /* a rotation does not take it away */
    work->busy = true;
}

static bool end_page(struct auditor *auditor, uint64_t next, bool more)
{
    struct work *work = &auditor->work;
    uint8_t room[CURSOR_ROOM];
    struct sink cursor = sink_over(room, sizeof room);
    if (more) {
        sink_format(&cursor, "%llu", (unsigned long long)next);
        work->page.cap += CURSOR_ROOM; /* was kept free for it */
        protobuf_put_bytes(&work->page, 2, sink_bytes(&cursor));
    }
    ask_answer(auditor, work->id, REASON_OK, "", sink_bytes(&work->page));
    return false;
}

enum put { PUT, PUT_NOT_ASKED_FOR, PUT_FULL, PUT_BAD };

static enum put put_record(struct auditor *auditor, struct span line)
{
    struct work *work = &auditor->work;
    struct audit_record record;
    size_t mark = work->page.len;
    if (!rc_ok(audit_read(&auditor->reader, line, &record, NULL)))
        return PUT_BAD;
    if (!audit_query_matches(&work->query, &record))
        return PUT_NOT_ASKED_FOR;
    size_t begun = protobuf_begin(&work->page, 1);
    bool put = ask_record(auditor, line, &work->page);
    protobuf_end(&work->page, begun);
    if (put && sink_ok(&work->page))
        return PUT;
    sink_cut(&work->page, mark);
    work->page.full = false;
    return PUT_FULL;
}

/* A record that is no record is where the page ends: `ward audit verify` says more. */
bool query_step(struct auditor *auditor)
{
    struct work *work = &auditor->work;
    int64_t until = clock_monotonic_ms() + SLICE_MS;
    struct span line;
    for (unsigned n = 1;; n++) {
        uint64_t seq = work->walk.seq;
        if (work->left == 0)
            return end_page(auditor, seq, work->walk.at < work->walk.end);
        if (!lines_next(&work->walk, &line))
            return end_page(auditor, seq, false);
        enum put put = put_record(auditor, line);
        if (put == PUT)
            work->left--;
        else if (put == PUT_FULL)
            return end_page(auditor, seq, true);
        else if (put == PUT_BAD) {
            refuse(auditor, REASON_AUDIT_LINE_INVALID, "");
            return false;
        }
        if (n % LOOK_AT_CLOCK == 0 && clock_monotonic_ms() >= until)
            break;
    }
    if (clock_monotonic_ms() - work->begun_ms >= QUERY_MS)
        return end_page(auditor, work->walk.seq, work->walk.at < work->walk.end);
    return true;
}
