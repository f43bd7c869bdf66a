/* group.c - see parts.h: appending.  Many records, one write, one fdatasync; what is not
   durable is never acknowledged, and what failed once is not tried again for its callers. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/reason.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/audit/parts.h"
#include "proc/audit_client.h"
#include "proc/log.h"
#include "proc/messages.h"

bool group_add(struct auditor *auditor, struct audit_record *record, enum peer peer, uint64_t id)
{
    struct group *group = &auditor->group;
    size_t start = group->lines.len;
    if (group->count == GROUP_RECORDS || group->lines.cap - start < AUDIT_LINE_MAX + 1)
        return false;
    if (group->count == 0)
        group->next = auditor->chain;
    record->at = clock_now_ms();
    rc sealed = audit_chain_seal(&group->next, record, &group->lines, &group->leaves[group->count],
                                 NULL);
    if (!rc_ok(sealed))
        return false;
    leaves_keep(&auditor->leaves, &group->next.tree);
    group->starts[group->count] = (uint32_t)start;
    group->who[group->count++] = (struct waiting_append){ peer, id };
    return true;
}

/* Nothing is wrong with the log: this record is not for now. */
static const uint8_t refusals[] = { [WRITING] = AUDIT_REFUSED,
                                    [WRITING_FAILED] = AUDIT_REFUSED_DISK,
                                    [WRITING_GONE] = AUDIT_REFUSED_GONE,
                                    [WRITING_DAMAGED] = AUDIT_REFUSED_DAMAGED };

static void answer(struct auditor *auditor, const struct waiting_append *who, bool logged,
                   uint64_t seq)
{
    uint8_t bytes[9];
    struct sink body = sink_over(bytes, sizeof bytes);
    if (who->peer == PEER_COUNT)
        return;
    sink_u8(&body, logged);
    if (logged)
        sink_u64le(&body, seq);
    else
        sink_u8(&body, refusals[auditor->writing]);
    struct frame frame = { .message = MSG_AUDIT_APPENDED,
                           .id = who->id,
                           .body = sink_bytes(&body) };
    /* Who is gone, or does not read, has no use for the answer: nothing was promised to it. */
    rc put = house_put(NULL, auditor->house, who->peer, &frame);
    (void)put;
}

static void empty(struct auditor *auditor)
{
    struct group *group = &auditor->group;
    group->count = 0;
    group->since_ms = 0;
    group->lines = sink_over(group->lines.at, group->lines.cap);
}

void group_forget(struct auditor *auditor, enum peer peer)
{
    struct group *group = &auditor->group;
    for (size_t i = 0; i < group->count; i++) {
        if (group->who[i].peer == peer)
            group->who[i].peer = PEER_COUNT;
    }
}

static void refuse_all(struct auditor *auditor)
{
    struct group *group = &auditor->group;
    for (size_t i = 0; i < group->count; i++)
        answer(auditor, &group->who[i], false, 0);
    empty(auditor);
}

static const char *cause(const struct auditor *auditor)
{
    if (rc_ok(auditor->why))
        return "torn last line";
    const char *name = strerrorname_np(rc_errno(auditor->why));
    return rc_errno(auditor->why) != 0 && name != NULL
               ? name
               : reason_info(reason_of_rc(auditor->why, REASON_NONE))->name;
}

void group_stop(struct auditor *auditor, enum writing how, rc why)
{
    static const char *const said[] = { [WRITING] = "",
                                        [WRITING_FAILED] = "cannot log",
                                        [WRITING_GONE] = "log file was taken away",
                                        [WRITING_DAMAGED] = "log is damaged" };
    bool news = auditor->writing != how || auditor->why.code != why.code;
    if (auditor->writing > how) /* a damaged log does not get better by a full disk */
        return;
    auditor->writing = how;
    auditor->why = why;
    auditor->probe_ms = auditor->now_ms + PROBE_MS;
    if (news)
        log_event("%s: appends are refused why=%s records=%llu", said[how], cause(auditor),
                  (unsigned long long)auditor->chain.tree.size);
}

/* The file that is written has a name still; nothing is known of one that cannot be asked. */
static bool has_a_name(struct auditor *auditor, int fd, struct stat *is)
{
    if (fstat(fd, is) != 0) {
        group_stop(auditor, WRITING_FAILED, rc_os(errno));
        return false;
    }
    if (is->st_nlink == 0)
        group_stop(auditor, WRITING_GONE, rc_os(ENOENT));
    return is->st_nlink > 0;
}

/* The files are still those in the folder, and the log ends where we left it. */
static bool is_ours(struct auditor *auditor)
{
    struct stat is;
    if (!has_a_name(auditor, auditor->leaves.fd, &is) ||
        !has_a_name(auditor, auditor->heads.fd, &is) ||
        !has_a_name(auditor, auditor->lines.fd, &is))
        return false;
    if (events_say_gone(auditor)) {
        group_stop(auditor, WRITING_GONE, rc_os(ENOENT));
        return false;
    }
    if ((uint64_t)is.st_size < auditor->lines.file.bytes) {
        group_stop(auditor, WRITING_DAMAGED, REFUSE(NULL, REASON_AUDIT_TRUNCATED));
        return false;
    }
    if ((uint64_t)is.st_size > auditor->lines.file.bytes) { /* of a failure, or of a stranger */
        group_stop(auditor, WRITING_FAILED, rc_os(EUCLEAN));
        return false;
    }
    return true;
}

static rc write_lines(struct trail *trail, struct auditor *auditor)
{
    if (!fd_write(auditor->lines.fd, sink_bytes(&auditor->group.lines)) ||
        fdatasync(auditor->lines.fd) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

static struct span line_of(const struct group *group, size_t i)
{
    size_t end = i + 1 < group->count ? group->starts[i + 1] : group->lines.len;
    return span_of(group->lines.at + group->starts[i], end - 1 - group->starts[i]);
}

/* Durable from here on. */
static void accept_all(struct auditor *auditor)
{
    struct group *group = &auditor->group;
    struct lines *lines = &auditor->lines;
    struct trail trail = { 0 };
    uint64_t seq = auditor->chain.tree.size;
    for (size_t i = 0; i < group->count; i++) {
        lines_took(lines, lines->file.records + i, lines->file.bytes + group->starts[i]);
        answer(auditor, &group->who[i], true, seq + i);
    }
    audit_file_count(&lines->file, group->count, group->lines.len);
    auditor->chain = group->next;
    auditor->leaves.taken = auditor->chain.tree.size;
    rc written = leaves_write(&trail, &auditor->leaves, group->leaves, group->count);
    for (size_t i = 0; rc_ok(written) && i < group->count; i++)
        written = heads_keep_heir(&trail, &auditor->heads, &auditor->reader, seq + i,
                                  line_of(group, i));
    if (!rc_ok(written))
        group_stop(auditor, WRITING_FAILED, written);
    empty(auditor);
}

/* A failed fdatasync is not asked again: the kernel has called the pages clean, whatever the
   disk holds.  The file goes back to the last size that was durable. */
static void fail_all(struct auditor *auditor, rc failed)
{
    uint64_t lost = auditor->group.lines.len;
    refuse_all(auditor);
    group_stop(auditor, WRITING_FAILED, failed);
    if (ftruncate(auditor->lines.fd, (off_t)auditor->lines.file.bytes) == 0)
        auditor->lost_bytes += lost;
}

static void first_record_counts(struct auditor *auditor)
{
    struct audit_file *file = &auditor->lines.file;
    if (file->records == 0)
        *file = audit_file_next(file, clock_now_ms());
}

/* While a new file is waited for nothing is written, and nobody waits for long. */
static bool is_held(struct auditor *auditor)
{
    if (!auditor->closed.asked && !rotate_due(auditor))
        return false;
    if (auditor->now_ms - auditor->group.since_ms >= GROUP_HOLD_MS)
        refuse_all(auditor);
    return true;
}

void group_commit(struct auditor *auditor)
{
    struct group *group = &auditor->group;
    if (group->count == 0)
        return;
    if (group->since_ms == 0)
        group->since_ms = auditor->now_ms;
    if (auditor->writing != WRITING || (!auditor->closed.asked && !is_ours(auditor))) {
        refuse_all(auditor);
        return;
    }
    if (is_held(auditor))
        return;
    first_record_counts(auditor);
    rc written = write_lines(NULL, auditor);
    if (rc_ok(written))
        accept_all(auditor);
    else
        fail_all(auditor, written);
}

/* The lines behind the last known place, read from the disk and not from memory, are those
   whose hashes we hold. */
static bool tail_is_ours(struct auditor *auditor)
{
    struct lines *lines = &auditor->lines;
    struct merkle_hash leaf = { 0 };
    struct span line;
    struct lines_walk walk = { .room = auditor->scratch };
    uint64_t number = lines->file.records;
    if (number == 0)
        return true;
    posix_fadvise(lines->fd, 0, 0, POSIX_FADV_DONTNEED);
    if (!lines_walk_from(lines, &walk, lines->first + number - 1) || !lines_next(&walk, &line))
        return false;
    merkle_leaf(line, &leaf);
    return walk.at == lines->file.bytes && merkle_equal(&leaf, &auditor->chain.last);
}

rc group_catch_up(struct trail *trail, struct auditor *auditor)
{
    struct leaves *leaves = &auditor->leaves;
    struct merkle_hash batch[MERKLE_BATCH];
    struct lines_walk walk = { .room = auditor->scratch };
    struct span line;
    if (leaves->count < auditor->chain.tree.size &&
        !lines_walk_from(&auditor->lines, &walk, leaves->count))
        return FAIL_OS(trail, EIO);
    while (leaves->count < auditor->chain.tree.size) {
        uint64_t left = auditor->chain.tree.size - leaves->count;
        size_t count = 0;
        while (count < MERKLE_BATCH && count < left && lines_next(&walk, &line))
            merkle_leaf(line, &batch[count++]);
        if (count == 0)
            return FAIL_OS(trail, EIO);
        TRY(trail, leaves_write(trail, leaves, batch, count));
    }
    return leaves_sync(trail, leaves);
}

/* Brings the files to what is known to be durable. */
static rc mend(struct trail *trail, struct auditor *auditor)
{
    struct stat is;
    uint64_t bytes = auditor->lines.file.bytes;
    if (fstat(auditor->lines.fd, &is) != 0)
        return FAIL_ERRNO(trail);
    if ((uint64_t)is.st_size > bytes) {
        if (ftruncate(auditor->lines.fd, (off_t)bytes) != 0)
            return FAIL_ERRNO(trail);
        auditor->lost_bytes += (uint64_t)is.st_size - bytes;
    }
    if (fdatasync(auditor->lines.fd) != 0)
        return FAIL_ERRNO(trail);
    if (!tail_is_ours(auditor))
        return REFUSE(trail, REASON_AUDIT_LEAF_MISMATCH);
    if (!auditor->heads.based)
        TRY(trail, heads_write_base(trail, &auditor->heads, auditor->lines.first,
                                    auditor->lines.file.day));
    return group_catch_up(trail, auditor);
}

/* The probe is a record: that writing failed, and how much was cut off. */
static bool add_repair(struct auditor *auditor)
{
    struct audit_record record = audit_record_of(AUDIT_EVENT_LOG_REPAIR, AUDIT_SUCCESS, 0);
    audit_set_actor(&record, AUDIT_SYSTEM, span_text("audit"));
    audit_set_resource(&record, span_text("log"));
    audit_add_number(&record, "bytes", (int64_t)auditor->lost_bytes);
    audit_add_text(&record, "cause", span_text(cause(auditor)));
    return group_add(auditor, &record, PEER_COUNT, 0);
}

void group_probe(struct auditor *auditor)
{
    struct trail trail = { 0 };
    auditor->probe_ms = auditor->now_ms + PROBE_MS;
    if (auditor->group.count > 0)
        refuse_all(auditor);
    if (auditor->closed.asked) /* the file is about to be another one */
        return;
    rc mended = mend(&trail, auditor);
    if (rc_class_of(mended) == RC_DENIED) {
        group_stop(auditor, WRITING_DAMAGED, mended);
        return;
    }
    if (!rc_ok(mended) || !is_ours(auditor) || !add_repair(auditor))
        return;
    first_record_counts(auditor);
    rc written = write_lines(&trail, auditor);
    if (!rc_ok(written)) {
        fail_all(auditor, written);
        return;
    }
    auditor->writing = WRITING;
    auditor->lost_bytes = 0;
    log_event("logging again records=%llu", (unsigned long long)auditor->group.next.tree.size);
    accept_all(auditor);
}

void group_start(struct auditor *auditor)
{
    struct trail trail = { 0 };
    if (auditor->writing > WRITING_FAILED)
        return;
    rc mended = auditor->writing == WRITING ? mend(&trail, auditor) : RC_SUCCESS;
    if (rc_class_of(mended) == RC_DENIED)
        group_stop(auditor, WRITING_DAMAGED, mended);
    else if (!rc_ok(mended))
        group_stop(auditor, WRITING_FAILED, mended);
    else if (auditor->lost_bytes > 0)
        group_stop(auditor, WRITING_FAILED, RC_SUCCESS);
    if (auditor->writing == WRITING_FAILED)
        group_probe(auditor);
}
