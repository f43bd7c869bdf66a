/* folder.c - see file.h: what files a folder holds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/file.h"

/* Entries looked at for each file that may be named, so that a folder full of other things
   (sub-folders, hidden files) ends too. */
enum { LOOKED_AT_PER_FILE = 16, LOOKED_AT_MIN = 4096 };

/* The type of a visible entry, as in st_mode; 0 for one that is hidden or gone meanwhile. */
static mode_t type_of(DIR *folder, const struct dirent *entry)
{
    struct stat about;
    if (entry->d_name[0] == '.' ||
        fstatat(dirfd(folder), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    return about.st_mode & S_IFMT;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The array was made for max names; one more is refused. */
struct names {
    const char **at;
    size_t count;
    size_t max;
    size_t links;
    struct arena *arena;
};

static rc keep_name(struct trail *trail, struct names *names, const char *name)
{
    struct span copy;
    if (names->count == names->max)
        return FAIL(trail, RC_PEER, FILE_E_TOO_MANY);
    if (!arena_copy(names->arena, span_of(name, strlen(name) + 1), &copy))
        return FAIL(trail, RC_BUSY, FILE_E_MEMORY);
    names->at[names->count++] = (const char *)copy.at;
    return RC_SUCCESS;
}

static rc read_names(struct trail *trail, DIR *folder, struct names *names)
{
    size_t looks = LOOKED_AT_MIN;
    if (names->max > looks / LOOKED_AT_PER_FILE)
        looks = names->max > SIZE_MAX / LOOKED_AT_PER_FILE ? SIZE_MAX
                                                           : names->max * LOOKED_AT_PER_FILE;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL && errno != 0)
            return FAIL_ERRNO(trail);
        if (entry == NULL)
            return RC_SUCCESS;
        if (looks-- == 0)
            return FAIL(trail, RC_PEER, FILE_E_TOO_MANY);
        mode_t type = type_of(folder, entry);
        names->links += type == S_IFLNK ? 1 : 0;
        if (type == S_IFREG)
            TRY(trail, keep_name(trail, names, entry->d_name));
    }
}

rc folder_list(struct trail *trail, const char *path, size_t max_entries, struct arena *arena,
               struct folder *out)
{
    auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    auto_dir DIR *folder = fdopendir(fd);
    if (folder == NULL)
        return FAIL_ERRNO(trail);
    fd_take(&fd);
    struct names names = { .max = max_entries, .arena = arena };
    names.at = arena_array(arena, max_entries, sizeof *names.at);
    if (names.at == NULL)
        return FAIL(trail, RC_BUSY, FILE_E_MEMORY);
    TRY(trail, read_names(trail, folder, &names));
    qsort(names.at, names.count, sizeof *names.at, compare_names);
    *out = (struct folder){ names.at, names.count, names.links };
    return RC_SUCCESS;
}

/* NFS takes locks of files that are open for writing, which a folder cannot be. */
static bool knows_no_locks(int error)
{
    return error == EBADF || error == EINVAL || error == ENOLCK || error == ENOSYS ||
           error == EOPNOTSUPP;
}

rc folder_lock(struct trail *trail, const char *path, int *out, bool *held)
{
    auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    int failure;
    do
        failure = flock(fd, LOCK_EX) == 0 ? 0 : errno;
    while (failure == EINTR);
    if (failure != 0 && !knows_no_locks(failure))
        return FAIL_ERRNO(trail);
    *held = failure == 0;
    *out = fd_take(&fd);
    return RC_SUCCESS;
}

rc folder_is_own(struct trail *trail, int folder)
{
    struct stat is;
    if (fstat(folder, &is) != 0)
        return FAIL_ERRNO(trail);
    if (is.st_uid != geteuid() || (is.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return FAIL(trail, RC_PEER, FILE_E_OPEN_TO_OTHERS);
    return RC_SUCCESS;
}

rc folder_remove(struct trail *trail, int folder, const char *name)
{
    if (unlinkat(folder, name, 0) != 0 && errno != ENOENT)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}
