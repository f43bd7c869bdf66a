/* rotate.c - see parts.h: putting the open file away, and taking away what is old.  The
   monitor does both; it gets names and nothing else. */
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "proc/audit/parts.h"
#include "proc/control.h"
#include "proc/log.h"

enum { CLOSED_NAME_ROOM = AUDIT_FILE_NAME_MAX + 8 };

void closed_name(struct sink *out, const struct closed_file *file, bool gzip)
{
    struct audit_file_name name = { .first = file->first, .day = file->day, .gzip = gzip };
    audit_file_name_put(out, &name);
}

/* By first; the same file again adds its other form. */
bool closed_add(struct closed *closed, const struct closed_file *file)
{
    size_t at = closed->count;
    while (at > 0 && closed->files[at - 1].first > file->first)
        at--;
    if (at > 0 && closed->files[at - 1].first == file->first) {
        closed->files[at - 1].plain |= file->plain;
        closed->files[at - 1].packed |= file->packed;
        return closed->files[at - 1].day == file->day;
    }
    if (closed->count == CLOSED_FILES)
        return false;
    for (size_t i = closed->count++; i > at; i--)
        closed->files[i] = closed->files[i - 1];
    closed->files[at] = *file;
    return true;
}

static struct closed_file open_file_as_closed(const struct auditor *auditor)
{
    return (struct closed_file){ .first = auditor->lines.first,
                                 .day = auditor->lines.file.day,
                                 .plain = true };
}

static bool must_rotate(const struct auditor *auditor)
{
    const struct lines *lines = &auditor->lines;
    return lines->mark_count == LINES_MARKS ||
           audit_must_rotate(&lines->file, clock_now_ms(), auditor->group.lines.len,
                             auditor->house->settings.audit_rotate_bytes) != AUDIT_ROTATE_NOT;
}

static rc ask_for_file(struct trail *trail, struct auditor *auditor)
{
    uint8_t name_bytes[CLOSED_NAME_ROOM], bytes[CLOSED_NAME_ROOM + 4];
    struct sink name = sink_over(name_bytes, sizeof name_bytes);
    struct sink body = sink_over(bytes, sizeof bytes);
    struct closed_file file = open_file_as_closed(auditor);
    closed_name(&name, &file, false);
    if (!sink_ok(&name))
        return FAIL(trail, RC_BUG, HOUSE_E_FILE);
    put_bytes(&body, sink_bytes(&name));
    struct frame frame = { .message = CONTROL_ROTATE, .body = sink_bytes(&body) };
    return channel_put(trail, &auditor->house->control, &frame);
}

/* Once the file is away its lines cannot be read here: their hashes are durable before.  A
   file that cannot be put away is written on; the next try comes later. */
bool rotate_due(struct auditor *auditor)
{
    struct closed *closed = &auditor->closed;
    struct trail trail = { 0 };
    if (closed->asked)
        return true;
    if (auditor->now_ms < closed->next_ms || !must_rotate(auditor))
        return false;
    closed->next_ms = auditor->now_ms + ROTATE_AGAIN_MS;
    rc asked = leaves_sync(&trail, &auditor->leaves);
    if (!rc_ok(asked)) {
        group_stop(auditor, WRITING_FAILED, asked);
        return true;
    }
    asked = ask_for_file(&trail, auditor);
    if (!rc_ok(asked)) {
        log_failure("rotation not asked for", asked, &trail);
        return false;
    }
    closed->asked = true;
    closed->asked_ms = auditor->now_ms;
    return true;
}

static void begin_file(struct auditor *auditor, int fd)
{
    struct lines *lines = &auditor->lines;
    struct closed_file old = open_file_as_closed(auditor);
    struct trail trail = { 0 };
    if (!closed_add(&auditor->closed, &old))
        log_event("too many rotated files: this one is packed at the next start");
    fd_close(&lines->fd);
    lines->fd = fd;
    auditor->house->files[FILE_AUDIT_LOG] = fd;
    lines->first = auditor->chain.tree.size;
    lines->file = audit_file_next(&lines->file, clock_now_ms());
    lines->mark_count = 0;
    auditor->closed.next_ms = auditor->now_ms;
    auditor->pack.next_ms = auditor->now_ms;
    rc based = heads_write_base(&trail, &auditor->heads, lines->first, lines->file.day);
    if (!rc_ok(based))
        group_stop(auditor, WRITING_FAILED, based);
    log_event("rotated first=%llu records=%llu", (unsigned long long)old.first,
              (unsigned long long)(lines->first - old.first));
}

rc rotate_done(struct trail *trail, struct auditor *auditor, struct call *call)
{
    uint8_t done = 0;
    int fd = channel_take_fd(call->from);
    if (!auditor->closed.asked || !cur_u8(&call->body, &done) || !cur_end(&call->body) ||
        (done == 1) != (fd >= 0)) {
        fd_close(&fd);
        return FAIL(trail, RC_BUG, DOOR_E_BODY);
    }
    auditor->closed.asked = false;
    events_forget(auditor);
    if (done == 1)
        begin_file(auditor, fd);
    else
        log_event("rotation failed: the old file is written on");
    return RC_SUCCESS;
}

/* The record after the last one of this file. */
static uint64_t next_of(const struct auditor *auditor, size_t i)
{
    const struct closed *closed = &auditor->closed;
    return i + 1 < closed->count ? closed->files[i + 1].first : auditor->lines.first;
}

static bool may_remove(const struct auditor *auditor, size_t i, int64_t now)
{
    const struct closed_file *file = &auditor->closed.files[i];
    struct audit_file_name name = { .first = file->first, .day = file->day };
    struct audit_retention retention = { .days = auditor->house->settings.audit_keep_days,
                                         .under = auditor->heads.head.size,
                                         .kept = auditor->leaves.durable,
                                         .exported = UINT64_MAX };
    return audit_may_remove(&name, next_of(auditor, i), now, &retention);
}

static void put_names(struct sink *names, uint32_t *count, const struct closed_file *file)
{
    for (int gzip = 0; gzip < 2; gzip++) {
        uint8_t bytes[CLOSED_NAME_ROOM];
        struct sink name = sink_over(bytes, sizeof bytes);
        if (gzip ? !file->packed : !file->plain)
            continue;
        closed_name(&name, file, gzip);
        put_bytes(names, sink_bytes(&name));
        *count += 1;
    }
}

/* From the oldest on, and never one after a file that has to stay. */
void rotate_remove_old(struct auditor *auditor)
{
    uint8_t name_bytes[2 * REMOVE_AT_ONCE * (CLOSED_NAME_ROOM + 4)];
    uint8_t bytes[sizeof name_bytes + 4];
    struct sink names = sink_over(name_bytes, sizeof name_bytes);
    struct sink body = sink_over(bytes, sizeof bytes);
    struct closed *closed = &auditor->closed;
    size_t old = 0;
    uint32_t count = 0;
    int64_t now = clock_now_ms();
    closed->remove_ms = auditor->now_ms + REMOVE_EVERY_MS;
    while (old < closed->count && old < REMOVE_AT_ONCE && may_remove(auditor, old, now))
        put_names(&names, &count, &closed->files[old++]);
    if (old == 0)
        return;
    sink_u32le(&body, count);
    sink_put(&body, sink_bytes(&names));
    struct frame frame = { .message = CONTROL_REMOVE, .body = sink_bytes(&body) };
    if (!rc_ok(channel_put(NULL, &auditor->house->control, &frame)))
        return;
    log_event("removed after %u days files=%zu", auditor->house->settings.audit_keep_days, old);
    for (size_t i = old; i < closed->count; i++)
        closed->files[i - old] = closed->files[i];
    closed->count -= old;
    if (old == REMOVE_AT_ONCE)
        closed->remove_ms = auditor->now_ms;
}
