/* audit_log.c - see audit_log.h: the lines. */
#include "cmd/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/file.h"

enum { GZIP_MEMORY = 1 << 20 };

static const char open_name[] = "security.log";

static bool path_of(const struct audit_log *log, const char *name, char out[AUDIT_LOG_PATH])
{
    struct sink path = sink_over(out, AUDIT_LOG_PATH - 1);
    if (log->folder != NULL)
        sink_format(&path, "%s/", log->folder);
    sink_text(&path, name);
    bool fits = sink_ok(&path);
    sink_terminate(&path);
    return fits;
}

static bool begin(struct invocation *in, struct audit_log *out)
{
    *out = (struct audit_log){ .arena = &in->arena, .open = -1, .fd = -1, .leaves = -1 };
    progress_begin(&out->progress, in, "reading the log");
    out->progress.view.unit = "bytes";
    out->room = arena_alloc(&in->arena, AUDIT_LOG_WINDOW);
    out->window = cur_over(span_of(out->room, 0));
    return out->room != NULL;
}

static int open_in(const struct audit_log *log, const char *name)
{
    char path[AUDIT_LOG_PATH];
    if (!path_of(log, name, path))
        return -1;
    return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* The file that is open has its rotated name already when a rotation came just now. */
static bool is_open_file(const struct audit_log *log, const char *name)
{
    char path[AUDIT_LOG_PATH];
    struct stat named, opened;
    return log->open >= 0 && path_of(log, name, path) && lstat(path, &named) == 0 &&
           fstat(log->open, &opened) == 0 && named.st_ino == opened.st_ino &&
           named.st_dev == opened.st_dev;
}

/* Names sort as records do; the plain form of a file comes before its packed one, which may be
   half written. */
static bool list_closed(struct invocation *in, struct audit_log *log)
{
    struct folder folder;
    struct trail trail = { 0 };
    struct audit_file_name before = { .first = UINT64_MAX }, name;
    rc listed = folder_list(&trail, log->folder, AUDIT_LOG_FILES, &in->arena, &folder);
    if (!rc_ok(listed)) {
        say("%s: %s", log->folder, file_error_text(listed));
        return false;
    }
    const char **names = arena_array(&in->arena, folder.count + 1, sizeof *names);
    if (names == NULL)
        return false;
    for (size_t i = 0; i < folder.count; i++) {
        if (!audit_file_name_read(span_text(folder.names[i]), &name) ||
            is_open_file(log, folder.names[i]) || name.first == before.first)
            continue;
        names[log->count++] = folder.names[i];
        before = name;
    }
    if (log->open >= 0)
        names[log->count++] = open_name;
    log->names = names;
    return true;
}

/* How much there is to be read; of a pipe nobody knows. */
static void add_sizes(struct audit_log *log)
{
    char path[AUDIT_LOG_PATH];
    struct stat is;
    for (size_t i = 0; i < log->count; i++) {
        if (!path_of(log, log->names[i], path) || stat(path, &is) != 0 || !S_ISREG(is.st_mode)) {
            log->total = 0;
            return;
        }
        log->total += (uint64_t)is.st_size;
    }
}

enum exit_code audit_log_open(struct invocation *in, const char *folder, struct audit_log *out)
{
    struct stat is;
    if (!begin(in, out))
        return EXIT_INTERNAL;
    out->folder = folder;
    /* The hashes are looked at before the lines: while the house writes, they are never ahead. */
    out->leaves = open_in(out, "leaves");
    if (out->leaves >= 0 && fstat(out->leaves, &is) == 0)
        out->leaf_count = (uint64_t)is.st_size / sizeof(struct merkle_hash);
    out->open = open_in(out, open_name);
    if (out->open < 0 && errno != ENOENT) {
        say("%s/%s: %s", folder, open_name, strerror(errno));
        return errno == EACCES ? EXIT_NOT_PERMITTED : EXIT_USAGE;
    }
    if (out->open >= 0 && fstat(out->open, &is) == 0)
        out->open_size = (uint64_t)is.st_size;
    if (out->open < 0 && out->leaves < 0) {
        say("%s: there is no security log; name the state folder with --state", folder);
        return EXIT_NOT_FOUND;
    }
    if (!list_closed(in, out))
        return EXIT_USAGE;
    add_sizes(out);
    return EXIT_DONE;
}

enum exit_code audit_log_files(struct invocation *in, struct audit_log *out)
{
    if (!begin(in, out))
        return EXIT_INTERNAL;
    out->names = in->operands;
    out->count = in->operand_count;
    add_sizes(out);
    return EXIT_DONE;
}

uint64_t audit_log_first(const struct audit_log *log, uint64_t base)
{
    struct audit_file_name name;
    if (log->folder == NULL || log->count == 0)
        return 0;
    return audit_file_name_read(span_text(log->names[0]), &name) ? name.first : base;
}

/* Where the present file is read is where its descriptor stands, packed or not. */
static uint64_t read_so_far(const struct audit_log *log)
{
    off_t at = log->fd >= 0 ? lseek(log->fd, 0, SEEK_CUR) : 0;
    return log->done + (at > 0 ? (uint64_t)at : 0);
}

static void close_file(struct audit_log *log)
{
    log->done = read_so_far(log);
    fd_close(&log->fd);
    if (log->packed)
        arena_fini(&log->memory);
    log->packed = false;
}

void audit_log_close(struct audit_log *log)
{
    close_file(log);
    progress_end(&log->progress);
    fd_close(&log->open);
    fd_close(&log->leaves);
}

static bool ends_in_gz(const char *name)
{
    size_t len = strlen(name);
    return len > 3 && strcmp(name + len - 3, ".gz") == 0;
}

static bool open_packed(struct audit_log *log)
{
    struct trail trail = { 0 };
    arena_init(&log->memory, GZIP_MEMORY);
    log->packed = true;
    return rc_ok(gzip_read_begin(&trail, &log->gzip, &log->memory, log->fd));
}

/* A plain file that was listed may have been packed meanwhile. */
static bool open_by_name(struct audit_log *log, const char *name)
{
    char packed[AUDIT_LOG_PATH];
    log->left = UINT64_MAX;
    if (log->folder == NULL && strcmp(name, "-") == 0) {
        log->fd = dup(STDIN_FILENO);
        return log->fd >= 0;
    }
    log->fd = open_in(log, name);
    if (log->fd >= 0)
        return !ends_in_gz(name) || open_packed(log);
    if (log->folder == NULL || errno != ENOENT || ends_in_gz(name))
        return false;
    snprintf(packed, sizeof packed, "%s.gz", name);
    log->fd = open_in(log, packed);
    return log->fd >= 0 && open_packed(log);
}

static bool open_next(struct audit_log *log)
{
    const char *name = log->names[log->next++];
    log->name = name;
    log->ended = false;
    if (log->folder != NULL && name == open_name) {
        log->fd = fd_take(&log->open);
        log->left = log->open_size;
        return true;
    }
    if (open_by_name(log, name))
        return true;
    say("%s: %s", name, strerror(errno));
    return false;
}

static bool read_some(struct audit_log *log, uint8_t *out, size_t cap, size_t *len)
{
    struct trail trail = { 0 };
    ssize_t got;
    if (log->packed) {
        rc unpacked = gzip_read(&trail, &log->gzip, out, cap, len);
        log->damaged = rc_class_of(unpacked) == RC_PEER;
        if (!rc_ok(unpacked))
            say("%s: %s", log->name,
                log->damaged ? "is no whole gzip file" : strerror(rc_errno(unpacked)));
        return rc_ok(unpacked);
    }
    if (log->left < cap)
        cap = (size_t)log->left;
    do {
        got = cap > 0 ? read(log->fd, out, cap) : 0;
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        say("%s: %s", log->name, strerror(errno));
        return false;
    }
    log->left -= (uint64_t)got;
    *len = (size_t)got;
    return true;
}

/* Moves what is left of the window to its beginning and reads more behind it. */
static bool refill(struct audit_log *log)
{
    struct span rest = cur_rest(&log->window);
    size_t more = 0;
    progress_count(&log->progress, read_so_far(log), log->total);
    if (rest.len > 0)
        memmove(log->room, rest.at, rest.len);
    if (!read_some(log, log->room + rest.len, AUDIT_LOG_WINDOW - rest.len, &more))
        return false;
    log->window = cur_over(span_of(log->room, rest.len + more));
    log->ended = more == 0;
    return true;
}

enum audit_log_step audit_log_next(struct audit_log *log, struct span *line)
{
    for (;;) {
        struct span rest = cur_rest(&log->window);
        const uint8_t *newline = rest.len > 0 ? memchr(rest.at, '\n', rest.len) : NULL;
        if (newline != NULL) {
            size_t len = (size_t)(newline - rest.at);
            return cur_take(&log->window, len, line) && cur_skip(&log->window, 1)
                       ? AUDIT_LOG_LINE
                       : AUDIT_LOG_BROKEN;
        }
        if (rest.len > 0 && (log->ended || rest.len > AUDIT_LINE_MAX))
            return AUDIT_LOG_TORN;
        if (log->fd >= 0 && !log->ended) {
            if (!refill(log))
                return log->damaged ? AUDIT_LOG_DAMAGED : AUDIT_LOG_BROKEN;
            continue;
        }
        close_file(log);
        if (log->next == log->count)
            return AUDIT_LOG_END;
        if (!open_next(log))
            return AUDIT_LOG_BROKEN;
    }
}

static bool read_leaves(void *arg, uint64_t first, size_t count, struct merkle_hash *out)
{
    const struct audit_log *log = arg;
    size_t len = count * sizeof *out;
    return log->leaves >= 0 &&
           fd_read_at(log->leaves, first * sizeof *out, out, len) == (ssize_t)len;
}

struct merkle_source audit_log_source(struct audit_log *log)
{
    return (struct merkle_source){ .leaves = read_leaves, .arg = log };
}
