/* tree.c - see tree.h. */
#include "os/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

/* What is removed: the folder at the top, open, and the file system that it lies on. */
struct removal {
    int top;
    dev_t device;
    unsigned lifted; /* folders that were moved up into the top */
    unsigned met;    /* entries that were there */
};

static rc remove_entry(struct trail *trail, struct removal *removal, int above, const char *name,
                       unsigned depth);

enum { READINGS = 64 };

/* Entries are removed while the folder is read: what readdir may then skip stays, and is found when
   the folder is read again. */
static rc remove_entries(struct trail *trail, struct removal *removal, int folder, unsigned depth,
                         const char *kept)
{
    DIR *list = fdopendir(folder);
    if (list == NULL) {
        rc failed = FAIL_ERRNO(trail);
        close(folder);
        return failed;
    }
    rc result = RC_SUCCESS;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(list);
        if (entry == NULL && errno != 0)
            result = FAIL_ERRNO(trail);
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            (kept == NULL || strcmp(entry->d_name, kept) != 0))
            result = remove_entry(trail, removal, dirfd(list), entry->d_name, depth);
        if (!rc_ok(result))
            break;
    }
    closedir(list);
    return result;
}

/* A folder that lies too deep to go down to (each step holds a descriptor and a frame) becomes one
   of the top, which is read again. */
static rc lift(struct trail *trail, struct removal *removal, int above, const char *name)
{
    enum { NAMES = 1024 };
    for (unsigned i = 0; i < NAMES; i++) {
        char fresh[32];
        snprintf(fresh, sizeof fresh, ".lifted-%u", removal->lifted++);
        if (renameat(above, name, removal->top, fresh) == 0 || errno == ENOENT)
            return RC_SUCCESS;
        if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
            return FAIL_ERRNO(trail);
    }
    return FAIL_OS(trail, EEXIST);
}

static rc remove_folder(struct trail *trail, struct removal *removal, int above, const char *name,
                        unsigned depth)
{
    if (depth == TREE_DEPTH_MAX)
        return lift(trail, removal, above, name);
    for (unsigned i = 0; i < READINGS; i++) {
        int folder = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder < 0)
            return FAIL_ERRNO(trail);
        TRY(trail, remove_entries(trail, removal, folder, depth + 1, NULL));
        if (unlinkat(above, name, AT_REMOVEDIR) == 0)
            return RC_SUCCESS;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return FAIL_ERRNO(trail);
    }
    return FAIL_OS(trail, ENOTEMPTY);
}

static rc remove_entry(struct trail *trail, struct removal *removal, int above, const char *name,
                       unsigned depth)
{
    struct stat is;
    removal->met++;
    if (fstatat(above, name, &is, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? RC_SUCCESS : FAIL_ERRNO(trail);
    if (is.st_dev != removal->device)
        return FAIL_OS(trail, EXDEV);
    if (S_ISDIR(is.st_mode))
        return remove_folder(trail, removal, above, name, depth);
    if (unlinkat(above, name, 0) != 0 && errno != ENOENT)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* All that is in the top, until nothing more is found.  What was lifted into it comes to an end; so
   must what somebody else puts there meanwhile. */
static rc empty_top(struct trail *trail, int top, const char *kept)
{
    struct stat is;
    if (fstat(top, &is) != 0)
        return FAIL_ERRNO(trail);
    struct removal removal = { .top = top, .device = is.st_dev };
    for (unsigned i = 0; i < READINGS;) {
        const unsigned met = removal.met, lifted = removal.lifted;
        int folder = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0)
            return FAIL_ERRNO(trail);
        TRY(trail, remove_entries(trail, &removal, folder, 0, kept));
        if (removal.met == met)
            return RC_SUCCESS;
        if (removal.lifted == lifted)
            i++;
    }
    return FAIL_OS(trail, ENOTEMPTY);
}

rc tree_empty(struct trail *trail, int folder)
{
    return empty_top(trail, folder, NULL);
}

rc tree_remove_around(struct trail *trail, const char *path, const char *kept)
{
    auto_fd int top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return top < 0 ? FAIL_ERRNO(trail) : empty_top(trail, top, kept);
}

rc tree_remove_at(struct trail *trail, int above, const char *name)
{
    auto_fd int top = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top < 0)
        return errno == ENOENT ? RC_SUCCESS : FAIL_ERRNO(trail);
    TRY(trail, tree_empty(trail, top));
    return unlinkat(above, name, AT_REMOVEDIR) == 0 ? RC_SUCCESS : FAIL_ERRNO(trail);
}

rc tree_remove(struct trail *trail, const char *path)
{
    return tree_remove_at(trail, AT_FDCWD, path);
}
