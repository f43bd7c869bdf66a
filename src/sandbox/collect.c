/* collect.c - see collect.h. */
#include "sandbox/collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "codec/utf8.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"
#include "os/tree.h"

enum { COPY_ROOM = 64 << 10, LEFT_SHOWN = OUTPUT_PATH_MAX - 128 };

/* What is under way: where it is, and what there was so far. */
struct walk {
    const struct collect *in;
    struct collected *out;
    struct output_file *files;
    size_t entries, path_bytes;
    char path[OUTPUT_PATH_MAX];
    uint8_t room[COPY_ROOM];
};

/* One folder of it: of the job's, of ours, and where its names begin in walk->path. */
struct level {
    int from, to;
    size_t at;
    unsigned depth;
};

/* Where it is written until it is whole: a folder that this run has made, open. */
struct staging {
    int folder;
    char path[PATH_MAX];
};

static rc take_folder(struct trail *trail, struct walk *walk, const struct level *level);

static rc refuse(struct walk *walk, enum reason reason, const char *what)
{
    walk->out->reason = reason;
    walk->out->what = what;
    snprintf(walk->out->where, sizeof walk->out->where, "%s", walk->path);
    return RC_SUCCESS;
}

static bool refused(const struct walk *walk)
{
    return walk->out->reason != REASON_OK;
}

/* Also whether it is still wanted: between any two pieces, for they may be many. */
static bool goes_on(struct walk *walk)
{
    struct pollfd wish = { .fd = walk->in->wishes, .events = POLLIN };
    if (refused(walk) || poll(&wish, 1, 0) <= 0)
        return !refused(walk);
    rc stopped = refuse(walk, REASON_JOB_CANCELLED, "it was interrupted");
    (void)stopped; /* nothing failed */
    return false;
}

/* A name goes into a result that people and programs read. */
static bool name_is_plain(struct span name)
{
    for (size_t at = 0; at < name.len;) {
        size_t len = utf8_sequence(name, at);
        if (len == 0 || utf8_is_control(utf8_code_point(span_of(name.at + at, len))))
            return false;
        at += len;
    }
    return true;
}

/* Nothing that lies in the folder leads to anywhere else, whatever it is. */
static int open_beneath(int folder, const char *name, uint64_t flags)
{
    return fd_open_how(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
                           RESOLVE_NO_XDEV);
}

/* What no result may be; NULL for a file or folder that may. */
static const char *fault_of(const struct stat *is)
{
    if (S_ISLNK(is->st_mode))
        return "a symbolic link";
    if (!S_ISREG(is->st_mode) && !S_ISDIR(is->st_mode))
        return "a device, a pipe or a socket";
    if ((is->st_mode & (S_ISUID | S_ISGID)) != 0)
        return "a set-user-id or set-group-id bit";
    return S_ISREG(is->st_mode) && is->st_nlink != 1 ? "a file with two names" : NULL;
}

static rc copy_bytes(struct trail *trail, struct walk *walk, int from, int to,
                     struct output_file *file)
{
    struct hash_pieces hash;
    hash_pieces_begin(&hash, HASH_SHA256);
    while (goes_on(walk)) {
        ssize_t got = fd_read(from, walk->room, sizeof walk->room);
        if (got < 0)
            return FAIL_ERRNO(trail);
        if (got == 0)
            break;
        struct span bytes = span_of(walk->room, (size_t)got);
        hash_pieces_more(&hash, bytes);
        file->size += bytes.len;
        if (!fd_write(to, bytes))
            return FAIL_ERRNO(trail);
    }
    hash_pieces_end(&hash, file->digest);
    return RC_SUCCESS;
}

static rc take_file(struct trail *trail, struct walk *walk, const struct level *level,
                    const char *name)
{
    struct stat is;
    struct output_file *file = &walk->files[walk->out->count];
    auto_fd int from = open_beneath(level->from, name, O_RDONLY);
    if (from < 0 || fstat(from, &is) != 0)
        return FAIL_ERRNO(trail);
    if (!S_ISREG(is.st_mode))
        return refuse(walk, REASON_JOB_OUTPUT_KIND, "what changed while it was looked at");
    if ((uint64_t)is.st_size > walk->in->bytes_max - walk->out->bytes)
        return refuse(walk, REASON_JOB_OUTPUT_LIMIT, "more bytes than limits.max_output_bytes");
    walk->out->bytes += (uint64_t)is.st_size;
    auto_fd int to = openat(level->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                            (is.st_mode & S_IXUSR) != 0 ? 0755 : 0644);
    if (to < 0)
        return FAIL_ERRNO(trail);
    *file = (struct output_file){ 0 };
    TRY(trail, copy_bytes(trail, walk, from, to, file));
    if (!arena_copy(walk->in->arena, span_text(walk->path), &file->path))
        return FAIL(trail, RC_BUSY, FILE_E_MEMORY);
    walk->out->count++;
    return RC_SUCCESS;
}

static rc go_down(struct trail *trail, struct walk *walk, const struct level *level,
                  const char *name)
{
    if (level->depth == OUTPUT_DEPTH_MAX)
        return refuse(walk, REASON_JOB_OUTPUT_KIND, "too many folders inside one another");
    auto_fd int from = open_beneath(level->from, name, O_RDONLY | O_DIRECTORY);
    if (from < 0 || mkdirat(level->to, name, 0755) != 0)
        return FAIL_ERRNO(trail);
    auto_fd int to = open_beneath(level->to, name, O_RDONLY | O_DIRECTORY);
    if (to < 0)
        return FAIL_ERRNO(trail);
    const struct level below = { from, to, strlen(walk->path), level->depth + 1 };
    return take_folder(trail, walk, &below);
}

static rc take_entry(struct trail *trail, struct walk *walk, const struct level *level,
                     const char *name)
{
    struct stat is;
    int len = snprintf(walk->path + level->at, sizeof walk->path - level->at, "%s%s",
                       level->at == 0 ? "" : "/", name);
    if (len < 0 || (size_t)len >= sizeof walk->path - level->at)
        return refuse(walk, REASON_JOB_OUTPUT_KIND, "a path that is too long");
    if (!name_is_plain(span_text(name)))
        return refuse(walk, REASON_JOB_OUTPUT_KIND, "a name that is no plain text");
    walk->path_bytes += strlen(walk->path);
    if (++walk->entries > OUTPUT_FILES_MAX || walk->path_bytes > OUTPUT_NAMES_MAX)
        return refuse(walk, REASON_JOB_OUTPUT_KIND, "too many files and folders");
    if (fstatat(level->from, name, &is, AT_SYMLINK_NOFOLLOW) != 0)
        return FAIL_ERRNO(trail);
    const char *fault = fault_of(&is);
    if (fault != NULL)
        return refuse(walk, REASON_JOB_OUTPUT_KIND, fault);
    return S_ISDIR(is.st_mode) ? go_down(trail, walk, level, name)
                               : take_file(trail, walk, level, name);
}

static rc take_folder(struct trail *trail, struct walk *walk, const struct level *level)
{
    auto_fd int again = open_beneath(level->from, ".", O_RDONLY | O_DIRECTORY);
    auto_dir DIR *names = again < 0 ? NULL : fdopendir(again);
    if (names == NULL)
        return FAIL_ERRNO(trail);
    fd_take(&again);
    while (goes_on(walk)) {
        errno = 0;
        const struct dirent *entry = readdir(names);
        if (entry == NULL)
            return errno == 0 ? RC_SUCCESS : FAIL_ERRNO(trail);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            TRY(trail, take_entry(trail, walk, level, entry->d_name));
    }
    return RC_SUCCESS;
}

static int by_path(const void *a, const void *b)
{
    const struct span left = ((const struct output_file *)a)->path;
    const struct span right = ((const struct output_file *)b)->path;
    size_t same = 0;
    while (same < left.len && same < right.len && left.at[same] == right.at[same])
        same++;
    int first = same < left.len ? left.at[same] : -1;
    return first - (same < right.len ? right.at[same] : -1);
}

/* An empty folder gives way; one that holds something stays, and then nothing is delivered. */
static rc publish(struct trail *trail, struct walk *walk, const struct staging *staging)
{
    if (syncfs(staging->folder) != 0)
        return FAIL_ERRNO(trail);
    if (!goes_on(walk))
        return RC_SUCCESS;
    if (rename(staging->path, walk->in->to) != 0)
        return FAIL_ERRNO(trail);
    auto_fd int above = openat(staging->folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above >= 0 && fsync(above) == 0)
        return RC_SUCCESS;
    rc failed = FAIL_ERRNO(trail);
    (void)rename(walk->in->to, staging->path); /* its name may be gone after a power cut */
    return failed;
}

static rc take_all(struct trail *trail, const struct collect *in, const struct staging *staging,
                   struct collected *out)
{
    struct walk *walk = arena_alloc(in->arena, sizeof *walk);
    struct output_file *files = arena_array(in->arena, OUTPUT_FILES_MAX, sizeof *files);
    if (walk == NULL || files == NULL)
        return FAIL(trail, RC_BUSY, FILE_E_MEMORY);
    walk->in = in;
    walk->out = out;
    walk->files = files;
    const struct level top = { in->from, staging->folder, 0, 0 };
    TRY(trail, take_folder(trail, walk, &top));
    if (refused(walk))
        return RC_SUCCESS;
    qsort(files, out->count, sizeof *files, by_path);
    out->files = files;
    return publish(trail, walk, staging);
}

/* A long name is not repeated whole: with what is added it would be too long for a file system. */
static bool name_staging(struct staging *staging, const char *to)
{
    enum { REPEATED = 200 };
    const char *slash = strrchr(to, '/');
    const size_t above = slash == NULL ? 0 : (size_t)(slash + 1 - to);
    const size_t repeated = strnlen(to + above, REPEATED);
    uint8_t random[8];
    random_bytes(random, sizeof random);
    struct sink path = sink_over(staging->path, sizeof staging->path);
    sink_put(&path, span_of(to, above + repeated));
    sink_text(&path, ".incomplete-");
    sink_hex(&path, SPAN(random));
    sink_terminate(&path);
    return sink_ok(&path);
}

/* Made here and now, or not at all: what stands there already is somebody else's. */
static rc begin_staging(struct trail *trail, struct staging *staging, const char *to)
{
    if (!name_staging(staging, to))
        return FAIL(trail, RC_PEER, FILE_E_NAME);
    if (mkdir(staging->path, 0755) != 0)
        return FAIL_ERRNO(trail);
    staging->folder = open(staging->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (staging->folder >= 0)
        return RC_SUCCESS;
    rc failed = FAIL_ERRNO(trail);
    (void)rmdir(staging->path); /* nothing is in it */
    return failed;
}

/* By the folder that was made, not by its name; what goes by name is empty. */
static void drop_staging(const struct staging *staging, struct collected *out)
{
    rc emptied = tree_empty(NULL, staging->folder);
    if (rc_ok(emptied) && rmdir(staging->path) != 0)
        emptied = FAIL_ERRNO(NULL);
    if (!rc_ok(emptied))
        snprintf(out->left, sizeof out->left, "%s: %.*s", file_error_text(emptied), LEFT_SHOWN,
                 staging->path);
}

rc collect_outputs(struct trail *trail, const struct collect *in, struct collected *out)
{
    struct staging staging;
    *out = (struct collected){ .reason = REASON_OK };
    TRY(trail, begin_staging(trail, &staging, in->to));
    rc result = take_all(trail, in, &staging, out);
    if (!rc_ok(result) || out->reason != REASON_OK) {
        drop_staging(&staging, out);
        out->count = 0;
    }
    fd_close(&staging.folder);
    return result;
}
