/* start.c - see parts.h: what lies on the disk becomes the log that is continued, or a log that
   is only shown because something in it is not as it was written. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/recover.h"
#include "base/number.h"
#include "os/fd.h"
#include "os/file.h"
#include "proc/audit/parts.h"
#include "proc/log.h"

enum { FOLDER_PATH = SETTING_TEXT_MAX + 32, FOLDER_ENTRIES = 2 * CLOSED_FILES + 64 };

/* The files that are open from the start on; the monitor renames over the first alone. */
static const struct {
    const char *name;
    enum house_file file;
} own_files[] = {
    { "security.log", FILE_AUDIT_LOG },
    { "leaves", FILE_AUDIT_LEAVES },
    { "heads", FILE_AUDIT_HEADS },
};

static rc take_memory(struct trail *trail, struct auditor *auditor)
{
    struct arena *arena = &auditor->house->arena;
    struct group *group = &auditor->group;
    const int *files = auditor->house->files;
    uint8_t *lines = arena_alloc(arena, GROUP_BYTES);
    group->leaves = arena_array(arena, GROUP_RECORDS, sizeof *group->leaves);
    group->starts = arena_array(arena, GROUP_RECORDS, sizeof *group->starts);
    group->who = arena_array(arena, GROUP_RECORDS, sizeof *group->who);
    auditor->closed.files = arena_array(arena, CLOSED_FILES, sizeof *auditor->closed.files);
    auditor->asks = arena_array(arena, ASKS, sizeof *auditor->asks);
    auditor->page = arena_alloc(arena, FRAME_BODY_MAX);
    auditor->reply = arena_alloc(arena, FRAME_BODY_MAX);
    auditor->scratch = arena_alloc(arena, LINES_WINDOW);
    auditor->work.room = arena_alloc(arena, LINES_WINDOW);
    if (lines == NULL || group->leaves == NULL || group->starts == NULL || group->who == NULL ||
        auditor->closed.files == NULL || auditor->asks == NULL || auditor->page == NULL ||
        auditor->reply == NULL || auditor->scratch == NULL || auditor->work.room == NULL ||
        !lines_init(&auditor->lines, arena, files[FILE_AUDIT_LOG]) ||
        !leaves_init(&auditor->leaves, arena, files[FILE_AUDIT_LEAVES]))
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    group->lines = sink_over(lines, GROUP_BYTES);
    return RC_SUCCESS;
}

static bool is_file(int fd, const char *folder, const char *name)
{
    char path[FOLDER_PATH + AUDIT_FILE_NAME_MAX + 2];
    struct stat named, opened;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 && named.st_ino == opened.st_ino &&
           named.st_dev == opened.st_dev;
}

/* What was put away before, and is to be packed or removed some day. */
static rc list_closed(struct trail *trail, struct auditor *auditor, const char *path)
{
    struct arena arena;
    struct folder folder = { 0 };
    arena_init(&arena, 4 << 20);
    rc listed = folder_list(trail, path, FOLDER_ENTRIES, &arena, &folder);
    for (size_t i = 0; rc_ok(listed) && i < folder.count; i++) {
        struct audit_file_name name;
        /* Killed in the middle of a rotation, the open file may have two names. */
        if (!audit_file_name_read(span_text(folder.names[i]), &name) ||
            is_file(auditor->lines.fd, path, folder.names[i]))
            continue;
        struct closed_file file = { name.first, name.day, !name.gzip, name.gzip };
        if (!closed_add(&auditor->closed, &file))
            log_event("rotated file passed over name=%s", folder.names[i]);
    }
    arena_fini(&arena);
    return listed;
}

/* Whoever moves or removes one of the files is noticed before the next record is written. */
static rc watch_folder(struct trail *trail, struct auditor *auditor, const char *path)
{
    auto_fd int events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (events < 0 ||
        inotify_add_watch(events, path, IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR) < 0)
        return FAIL_ERRNO(trail);
    if (!house_keep_fd(auditor->house, events))
        return FAIL(trail, RC_BUG, HOUSE_E_FILE);
    auditor->events = fd_take(&events);
    return RC_SUCCESS;
}

rc start_before_jail(struct trail *trail, struct auditor *auditor)
{
    char path[FOLDER_PATH];
    const int *files = auditor->house->files;
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    auditor->events = auditor->pack.plain = auditor->pack.gz = auditor->work.fd = -1;
    if (files[FILE_AUDIT_LOG] < 0 || files[FILE_AUDIT_LEAVES] < 0 || files[FILE_AUDIT_HEADS] < 0)
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    TRY(trail, take_memory(trail, auditor));
    snprintf(path, sizeof path, "%s/audit", auditor->house->settings.state);
    TRY(trail, watch_folder(trail, auditor, path));
    for (size_t i = 0; i < COUNT_OF(own_files); i++) {
        if (!is_file(files[own_files[i].file], path, own_files[i].name))
            group_stop(auditor, WRITING_GONE, rc_os(ENOENT));
    }
    return list_closed(trail, auditor, path);
}

static bool names_own_file(const struct inotify_event *event, const char *name, size_t room)
{
    bool found = false;
    for (size_t i = 0; event->len > 0 && i < COUNT_OF(own_files); i++)
        found |= strnlen(name, room) < room && strcmp(name, own_files[i].name) == 0;
    return found;
}

bool events_say_gone(struct auditor *auditor)
{
    uint8_t bytes[4096];
    bool gone = false;
    for (;;) {
        ssize_t len = read(auditor->events, bytes, sizeof bytes);
        if (len <= 0)
            return gone;
        struct cursor in = cur_over(span_of(bytes, (size_t)len));
        struct inotify_event event;
        struct span name;
        while (cur_copy(&in, &event, sizeof event) && cur_take(&in, event.len, &name))
            gone |= names_own_file(&event, (const char *)name.at, name.len);
    }
}

void events_forget(struct auditor *auditor)
{
    bool gone = events_say_gone(auditor);
    (void)gone; /* it was the monitor, at our own word */
}

static rc size_of(struct trail *trail, int fd, uint64_t *out)
{
    struct stat is;
    if (fstat(fd, &is) != 0)
        return FAIL_ERRNO(trail);
    *out = (uint64_t)is.st_size;
    return RC_SUCCESS;
}

/* No hash is zero: such a place was made longer and never written, as a power cut leaves it. */
static rc count_leaves(struct trail *trail, const struct leaves *leaves, struct audit_remains *out)
{
    uint64_t size = 0;
    struct merkle_hash last;
    TRY(trail, size_of(trail, leaves->fd, &size));
    out->kept = size / sizeof last;
    while (out->kept > 0) {
        if (!leaves_read(leaves, out->kept - 1, 1, &last))
            return FAIL_OS(trail, EIO);
        if (!bytes_are_zero(last.at, sizeof last.at))
            break;
        out->kept--;
    }
    out->kept_torn = size - out->kept * sizeof last;
    return RC_SUCCESS;
}

static bool was_put_away(const struct auditor *auditor, uint64_t first)
{
    for (size_t i = 0; i < auditor->closed.count; i++) {
        if (auditor->closed.files[i].first == first)
            return true;
    }
    return false;
}

static enum reason begin_empty(struct auditor *auditor, uint64_t kept)
{
    struct heads *heads = &auditor->heads;
    auditor->lines.first = kept;
    auditor->lines.file.day = heads->based ? heads->base_day : 0;
    if (heads->based ? heads->base_first == kept : kept == 0)
        return REASON_OK;
    /* Killed between the rotation and the note of it: the file that was open has its name. */
    if (heads->based && heads->base_first < kept && was_put_away(auditor, heads->base_first)) {
        heads->based = false;
        return REASON_OK;
    }
    return REASON_AUDIT_TRUNCATED;
}

/* The first line says which file this is. */
static enum reason begin_with(struct auditor *auditor, struct span line)
{
    struct audit_record record;
    const struct heads *heads = &auditor->heads;
    struct audit_file file = { .day = heads->based ? heads->base_day : 0 };
    auditor->lines.first = heads->base_first;
    if (!rc_ok(audit_read(&auditor->reader, line, &record, NULL)))
        return REASON_AUDIT_LINE_INVALID;
    auditor->lines.first = record.seq;
    auditor->lines.file = audit_file_next(&file, record.at);
    return heads->based && heads->base_first != record.seq ? REASON_AUDIT_SEQ_GAP : REASON_OK;
}

static enum reason find_first(struct auditor *auditor, uint64_t size, uint64_t kept)
{
    struct lines_walk walk = { .room = auditor->scratch };
    struct span line;
    lines_walk_on(&walk, auditor->lines.fd, 0, size, 0);
    if (lines_next(&walk, &line))
        return begin_with(auditor, line);
    return walk.unreadable ? REASON_AUDIT_LEAVES_UNREADABLE : begin_empty(auditor, kept);
}

/* Kept hashes, a batch at a time. */
struct kept {
    const struct leaves *leaves;
    uint64_t count, first;
    size_t have;
    struct merkle_hash batch[MERKLE_BATCH];
};

static bool kept_at(struct kept *kept, uint64_t seq, struct merkle_hash *out)
{
    if (seq < kept->first || seq - kept->first >= kept->have) {
        uint64_t left = kept->count - seq;
        kept->first = seq;
        kept->have = left < MERKLE_BATCH ? (size_t)left : MERKLE_BATCH;
        if (!leaves_read(kept->leaves, seq, kept->have, kept->batch)) {
            kept->have = 0;
            return false;
        }
    }
    *out = kept->batch[seq - kept->first];
    return true;
}

static enum reason take(struct auditor *auditor, const struct merkle_hash *leaf)
{
    struct merkle_hash root;
    const struct merkle_head *head = &auditor->heads.head;
    if (!audit_chain_take(&auditor->chain, leaf))
        return REASON_AUDIT_SEQ_GAP;
    leaves_keep(&auditor->leaves, &auditor->chain.tree);
    auditor->leaves.taken = auditor->chain.tree.size;
    if (auditor->chain.tree.size != head->size)
        return REASON_OK;
    merkle_root(&auditor->chain.tree, &root);
    return merkle_equal(&root, &head->root) ? REASON_OK : REASON_AUDIT_HEAD_MISMATCH;
}

/* A line whose hash was not kept, or is another: the line itself says what is wrong. */
static enum reason judge_line(struct auditor *auditor, struct span line, bool kept)
{
    struct audit_record record;
    if (!rc_ok(audit_read(&auditor->reader, line, &record, NULL)))
        return REASON_AUDIT_LINE_INVALID;
    if (record.seq != auditor->chain.tree.size)
        return REASON_AUDIT_SEQ_GAP;
    if (!merkle_equal(&record.prev, &auditor->chain.last))
        return REASON_AUDIT_CHAIN_BROKEN;
    return kept ? REASON_AUDIT_LEAF_MISMATCH : REASON_OK;
}

/* A line with the hash that was kept is the line that was written: it is not read again, so a
   start costs one SHA-256 of the open file. */
static enum reason take_line(struct auditor *auditor, struct kept *kept, struct span line)
{
    struct merkle_hash leaf, was;
    uint64_t seq = auditor->chain.tree.size;
    bool is_kept = seq < kept->count;
    merkle_leaf(line, &leaf);
    if (is_kept && !kept_at(kept, seq, &was))
        return REASON_AUDIT_LEAVES_UNREADABLE;
    if (!is_kept || !merkle_equal(&leaf, &was)) {
        enum reason reason = judge_line(auditor, line, is_kept);
        if (reason != REASON_OK)
            return reason;
    }
    return take(auditor, &leaf);
}

/* What was killed between a record and the copy of it.  Without the copy the record is enough, as
   long as its file is there: the next start tries again. */
static void keep_heir(struct auditor *auditor, struct span line)
{
    struct trail trail = { 0 };
    rc kept = heads_keep_heir(&trail, &auditor->heads, &auditor->reader,
                              auditor->chain.tree.size - 1, line);
    if (!rc_ok(kept))
        log_failure("a hand-over of the log's key is not kept", kept, &trail);
}

static enum reason take_lines(struct auditor *auditor, struct kept *kept, uint64_t size)
{
    struct lines *lines = &auditor->lines;
    struct lines_walk walk = { .room = auditor->scratch };
    enum reason reason = REASON_OK;
    struct merkle_hash leaf;
    struct span line;
    if (lines->first > kept->count)
        return REASON_AUDIT_LEAVES_UNREADABLE;
    while (reason == REASON_OK && auditor->chain.tree.size < lines->first)
        reason = kept_at(kept, auditor->chain.tree.size, &leaf) ? take(auditor, &leaf)
                                                                : REASON_AUDIT_LEAVES_UNREADABLE;
    lines_walk_on(&walk, lines->fd, 0, size, lines->first);
    while (reason == REASON_OK && lines_next(&walk, &line)) {
        reason = take_line(auditor, kept, line);
        if (reason != REASON_OK)
            break;
        keep_heir(auditor, line);
        lines_took(lines, lines->file.records, lines->file.bytes);
        audit_file_count(&lines->file, 1, line.len + 1);
    }
    return walk.unreadable ? REASON_AUDIT_LEAVES_UNREADABLE : reason;
}

static void damaged(struct auditor *auditor, enum reason reason)
{
    auditor->leaves.count = auditor->leaves.taken;
    group_stop(auditor, WRITING_DAMAGED, REFUSE(NULL, reason));
}

static enum reason judge(struct auditor *auditor, struct audit_remains *remains, uint64_t size)
{
    struct kept kept = { .leaves = &auditor->leaves, .count = remains->kept };
    struct audit_repair repair = { 0 };
    enum reason reason = find_first(auditor, size, remains->kept);
    if (reason == REASON_OK)
        reason = take_lines(auditor, &kept, size);
    if (reason != REASON_OK)
        return reason;
    remains->first = auditor->lines.first;
    remains->records = auditor->chain.tree.size;
    remains->torn = size - auditor->lines.file.bytes;
    rc recovered = audit_recover(remains, &repair, NULL);
    return rc_ok(recovered) ? REASON_OK : reason_of_rc(recovered, REASON_AUDIT_LEAVES_UNREADABLE);
}

rc start_read(struct trail *trail, struct auditor *auditor)
{
    struct audit_remains remains = { 0 };
    uint64_t size = 0;
    heads_open(trail, &auditor->heads, auditor->house->files[FILE_AUDIT_HEADS]);
    TRY(trail, size_of(trail, auditor->lines.fd, &size));
    TRY(trail, count_leaves(trail, &auditor->leaves, &remains));
    remains.head = auditor->heads.head.size;
    enum reason reason = judge(auditor, &remains, size);
    if (reason != REASON_OK) {
        damaged(auditor, reason);
        return RC_SUCCESS;
    }
    auditor->leaves.count = remains.kept;
    auditor->leaves.durable = 0;
    group_start(auditor);
    log_event("log read records=%llu first=%llu", (unsigned long long)auditor->chain.tree.size,
              (unsigned long long)auditor->lines.first);
    return RC_SUCCESS;
}
