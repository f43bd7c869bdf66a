/* changes.c - see backend.h: the upper folder of an overlay, looked through when the job has ended.
   Its names, kinds and depth are the job's own: no link is followed, nothing is opened but folders,
   and all of it is bounded. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/utf8.h"
#include "os/fd.h"
#include "sandbox/backend.h"

struct walk {
    const struct usage *usage;
    struct learn_seen *out;
    struct arena *arena;
    size_t looked; /* entries */
    bool over;     /* enough was seen, or too much to look at */
    char path[JOB_TEXT_MAX + 1];
    size_t len;
};

/* A folder that has a name as others have, and can be one of allowed_paths. */
static void note(struct walk *walk)
{
    const struct span path = span_of(walk->path, walk->len);
    struct learn_seen *out = walk->out;
    out->image_changed = true;
    if (walk->len == 0 || !utf8_valid(path) || out->folder_count == LEARN_FOLDERS_MAX ||
        !arena_copy(walk->arena, path, &out->folders[out->folder_count])) {
        out->more_folders = true;
        walk->over = walk->over || out->folder_count == LEARN_FOLDERS_MAX;
        return;
    }
    out->folder_count++;
}

/* What was there when the job began was made by the sandbox. */
static bool is_changed(const struct walk *walk, const struct stat *is)
{
    const struct usage *usage = walk->usage;
    return is->st_ctim.tv_sec > usage->since_s ||
           (is->st_ctim.tv_sec == usage->since_s && is->st_ctim.tv_nsec >= usage->since_ns);
}

/* The next entry that was changed; NULL after the last, or where too many were looked at.  What
   cannot be looked at counts as changed. */
static const struct dirent *next_changed(struct walk *walk, DIR *names, struct stat *is)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = walk->over ? NULL : readdir(names);
        if (entry == NULL)
            return NULL;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (walk->looked++ == CHANGES_ENTRIES_MAX) {
            walk->out->image_changed = walk->out->more_folders = walk->over = true;
            return NULL;
        }
        if (fstatat(dirfd(names), entry->d_name, is, AT_SYMLINK_NOFOLLOW) != 0)
            return NULL;
        if (is_changed(walk, is))
            return entry;
    }
}

/* Whether anything was changed in it, folders aside; *folders: one of those was. */
static bool has_changed(struct walk *walk, DIR *names, bool *folders)
{
    struct stat is;
    *folders = false;
    while (next_changed(walk, names, &is) != NULL) {
        if (!S_ISDIR(is.st_mode))
            return true;
        *folders = true;
    }
    return false;
}

static bool enter(struct walk *walk, const char *name, size_t *before)
{
    const size_t len = strlen(name);
    *before = walk->len;
    if (walk->len + 1 + len > JOB_TEXT_MAX)
        return false;
    walk->path[walk->len++] = '/';
    memcpy(walk->path + walk->len, name, len);
    walk->len += len;
    return true;
}

static void look_in(struct walk *walk, int *folder, unsigned depth);

static void look_below(struct walk *walk, DIR *names, unsigned depth)
{
    const struct dirent *entry;
    struct stat is;
    rewinddir(names);
    while ((entry = next_changed(walk, names, &is)) != NULL) {
        size_t before;
        if (!S_ISDIR(is.st_mode))
            continue;
        auto_fd int folder = openat(dirfd(names), entry->d_name,
                                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder < 0 || depth == CHANGES_DEPTH || !enter(walk, entry->d_name, &before)) {
            note(walk);
            continue;
        }
        look_in(walk, &folder, depth + 1);
        walk->len = before;
    }
}

/* A folder of which an entry was changed is told, and nothing of what lies below it. */
static void look_in(struct walk *walk, int *folder, unsigned depth)
{
    bool folders;
    auto_dir DIR *names = fdopendir(*folder);
    if (names == NULL) {
        note(walk);
        return;
    }
    fd_take(folder);
    const bool changed = has_changed(walk, names, &folders);
    if (changed || walk->over || (!folders && depth > 0))
        note(walk);
    else if (folders)
        look_below(walk, names, depth);
}

bool changes_find(const struct sandbox *sandbox, const struct usage *usage, struct learn_seen *out)
{
    char path[SLOT_PATH];
    struct walk *walk = arena_alloc(sandbox->job->arena, sizeof *walk);
    slot_file(&sandbox->slot, "disk", path);
    auto_fd int disk = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    auto_fd int upper = disk < 0 ? -1
                                 : openat(disk, "upper",
                                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (walk == NULL || upper < 0 || usage->is_known == 0)
        return false;
    *walk = (struct walk){ .usage = usage, .out = out, .arena = sandbox->job->arena };
    look_in(walk, &upper, 0);
    return true;
}
