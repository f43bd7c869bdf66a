/* check.c - see parts.h: the log checked where it lies, record by record, against its chain,
   its kept hashes and its last signed head. */
#include <fcntl.h>

#include "model/api.h"
#include "os/clock.h"
#include "proc/audit/parts.h"

enum { SKIP_AT_ONCE = 4096, LOOK_AT_CLOCK = 16, DETAIL_ROOM = 160 };

/* Records before the open file, or before `from`, are taken by their hashes: what they said
   cannot be read here, but the root over all is the head's or it is not. */
void check_begin(struct auditor *auditor, struct span request)
{
    struct work *work = &auditor->work;
    const struct lines *lines = &auditor->lines;
    struct api_audit_verify_request ask;
    if (!ask_read(auditor, &api_audit_verify_request, request, &ask))
        return;
    uint64_t end = lines->first + lines->file.records;
    if (ask.from > end) {
        ask_answer(auditor, work->id, REASON_AUDIT_RECORD_UNKNOWN, "", span_of(NULL, 0));
        return;
    }
    work->from = ask.from > lines->first ? ask.from : lines->first;
    work->until = ask.count != 0 && ask.count < end - work->from ? work->from + ask.count : end;
    work->skip = work->from;
    work->fd = fcntl(lines->fd, F_DUPFD_CLOEXEC, 0);
    work->walk.room = work->room;
    if (work->fd < 0 || !lines_walk_from(lines, &work->walk, work->from)) {
        ask_answer(auditor, work->id, REASON_AUDIT_TRUNCATED, "", span_of(NULL, 0));
        return;
    }
    work->walk.fd = work->fd;
    work->kept = leaves_source(&auditor->leaves);
    work->head = auditor->heads.head;
    struct audit_against against = { .kept = &work->kept,
                                     .kept_count = auditor->leaves.taken,
                                     .heads = &work->head,
                                     .head_count = work->head.size > 0 ? 1 : 0 };
    audit_verify_begin(&work->verifier, &auditor->reader, &against);
    work->busy = true;
}

static void answer(struct auditor *auditor)
{
    struct work *work = &auditor->work;
    const struct audit_finding *finding = &work->verifier.finding;
    bool sound = finding->reason == REASON_OK;
    uint64_t seq = work->verifier.chain.tree.size;
    char room[DETAIL_ROOM];
    struct sink detail = sink_over(room, sizeof room);
    if (!sound)
        sink_format(&detail, "records %llu to %llu: %s", (unsigned long long)finding->first,
                    (unsigned long long)finding->last, reason_info(finding->reason)->cause);
    else if (work->from > 0)
        sink_format(&detail, "records before %llu were checked by their hashes",
                    (unsigned long long)work->from);
    struct api_audit_verify_response response = {
        .sound = sound,
        .checked = seq > work->from ? seq - work->from : 0,
        .first_bad = sound ? 0 : finding->first,
        .reason = sound ? span_of(NULL, 0) : span_text(reason_info(finding->reason)->name),
        .detail = sink_bytes(&detail),
    };
    ask_write(auditor, &api_audit_verify_response, &response);
}

/* The end of the whole log is judged, that of a part is not. */
static rc end(struct work *work)
{
    if (work->walk.torn || work->walk.at < work->walk.end)
        return work->walk.seq >= work->until ? RC_SUCCESS
                                             : audit_verify_torn(&work->verifier, NULL);
    return audit_verify_end(&work->verifier, NULL);
}

bool check_step(struct auditor *auditor)
{
    struct work *work = &auditor->work;
    int64_t until = clock_monotonic_ms() + SLICE_MS;
    rc checked = RC_SUCCESS;
    struct span line;
    for (unsigned n = 1; rc_ok(checked); n++) {
        if (work->skip > 0) {
            uint64_t some = work->skip < SKIP_AT_ONCE ? work->skip : SKIP_AT_ONCE;
            checked = audit_verify_skip(&work->verifier, some, NULL);
            work->skip -= some;
        } else if (work->walk.seq < work->until && lines_next(&work->walk, &line)) {
            checked = audit_verify_line(&work->verifier, line, NULL, NULL);
        } else {
            rc ended = end(work);
            (void)ended; /* it is in the finding */
            break;
        }
        if ((n % LOOK_AT_CLOCK == 0 || work->skip > 0) && clock_monotonic_ms() >= until)
            return rc_ok(checked) ? true : (answer(auditor), false);
    }
    answer(auditor);
    return false;
}
